#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""One agent steers a real zone: real probes, real changes, real faults of the API.

Every scenario has a world of its own, and all run side by side. Speeds are measured
from the fault to the moment that the lab answered the change, and held against the
goals of the default timings.
"""
import re
import time
import unittest

from world import World, main, measure, parallel, print_measured, rrset, wait_for

LEDGER = "_pointsman.www.example.test"


def committed_time(w, action, since):
    """When the lab answered the first change after `since` that touched `action`."""
    for change in w.changes():
        if change["time"] > since and any(action in a for a in change["actions"]):
            return change["time"]
    raise AssertionError(f"no change of {action} after {since}")


def marks_are_whole(w, epoch):
    """fault <= verdict <= sent <= committed <= insync <= answered, all in the log."""
    agent = w.agent
    answered = agent.wait("answered", epoch=str(epoch))
    insync = agent.wait("insync", epoch=str(epoch))
    sent = agent.find("change_sent", epoch=str(epoch))
    done = agent.find("committed", epoch=str(epoch))
    assert len(sent) == 1 and len(done) == 1, agent.log()
    order = [sent[0]["time"], done[0]["time"], insync["time"], answered["time"]]
    assert order == sorted(order), order


# ---- the goals, at default timings ------------------------------------------------

def refused_at_default_timings():
    with World(fast=False, servers=2) as w:
        w.begin(40)
        killed = w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", killed) - killed
        measure("refused, default timings", took, goal_s=8)
        fault = w.agent.find("fault", member="b")
        assert fault and "refused" in fault[0]["text"], fault
        marks_are_whole(w, w.ledger().epoch)


def black_hole_at_default_timings():
    with World(fast=False) as w:
        w.begin(40)
        lost = w.web["b"].do("blackhole")
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", lost) - lost
        measure("black hole, default timings", took, goal_s=13)


def silent_server_at_default_timings():
    with World(fast=False) as w:
        w.begin(40)
        lost = w.web["b"].do("hang")
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", lost) - lost
        measure("takes requests, says nothing", took, goal_s=13)


def all_members_fail():
    """Nothing is changed, and it says why."""
    with World(fast=False) as w:
        w.begin(40)
        before = w.lab.state().sets
        writes = len(w.changes(ok=False))
        w.web["a"].kill()
        w.web["b"].kill()
        for member in "ab":
            w.agent.wait("verdict", member=member, value="DOWN")
        why = w.agent.wait("blocked", level="error")
        assert "down" in (why["text"] + why["value"]).lower(), why
        time.sleep(5)       # beyond the hold
        assert w.lab.state().sets == before
        assert len(w.changes(ok=False)) == writes


# ---- the fast profile ---------------------------------------------------------------

def fast_profile():
    """Out within its goals, back by ramp, and every mark of the way told."""
    with World(servers=2) as w:
        w.begin()
        killed = w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", killed) - killed
        measure("refused, fast profile", took, goal_s=1)
        marks_are_whole(w, w.ledger().epoch)
        change = w.status()["services"][0]["changes"][-1]
        marks = [change[key] for key in
                 ("fault", "verdict", "sent", "done", "insync", "answered")]
        assert all(marks) and marks == sorted(marks), change
        assert change["what"] == "drain" and change["member"] == "b", change
        assert change["fault_to_committed_ms"] > 0, change
        w.web["b"].start()
        w.wait_weights(a=100, b=100)
        w.agent.wait("committed", epoch="5")
        steps = [f["value"] for f in w.agent.find("committed", member="b")]
        assert steps == ["drain", "return", "ramp", "ramp"], steps
        for server in (0, 1):
            shown = w.lab.dns(LEDGER, "TXT", server=server)
            assert shown is not None and shown.texts, "the name server is silent"


def fast_black_hole():
    with World() as w:
        w.begin()
        lost = w.web["b"].do("blackhole")
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", lost) - lost
        measure("black hole, fast profile", took, goal_s=2)


def wrong_status():
    with World() as w:
        w.begin()
        w.web["b"].do("503")
        w.wait_weights(a=100, b=0)
        assert "503" in w.agent.find("fault", member="b")[0]["text"]


def observe_never_writes():
    with World(mode="observe") as w:
        w.agent.start()
        w.agent.wait("verdict", member="b", value="UP")
        w.web["b"].kill()
        w.agent.wait("verdict", member="b", value="DOWN")
        decided = w.agent.wait("decided", member="b", value="drain")
        assert decided["text"]
        time.sleep(1)
        assert w.changes(ok=False) == [] and w.sets() == {}


def foreign_records_stay():
    """10,000 sets of others: never touched, and reads do not walk through them."""
    with World() as w:
        w.lab.bulk(10000)
        w.lab.edit(("CREATE", rrset("ww.example.test", "A", "192.0.2.7")),
                   ("CREATE", rrset("wwww.example.test", "A", "192.0.2.8")))
        before = [s for s in w.lab.state().sets if s["name"] != "www.example.test."]
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        after = [s for s in w.lab.state().sets if s["name"] not in
                 ("www.example.test.", LEDGER + ".")]
        assert before == after and len(after) > 10000
        lists = [r for r in w.lab.requests()
                 if r["method"] == "GET" and r["path"].endswith("/rrset")]
        assert lists and all("name=" in r["query"] for r in lists), lists[:3]
        own = ("www.example.test", LEDGER)
        assert all(any(name in r["query"] for name in own) for r in lists), lists[:3]
        for change in w.changes(ok=False):
            for action in change["actions"]:
                assert action.split(" ")[1] in ("www.example.test.", LEDGER + "."), action


def services_of(w, text):
    """The world's configuration with these services instead of www."""
    whole = w.text()
    w.write_config(whole[:whole.index("services:")] + "services:\n" + text)


def weights(w, name, kind):
    return {s["set_id"]: int(s["policy"].split("=")[1]) for s in w.lab.state().sets
            if s["name"] == name + ".example.test." and s["type"] == kind}


def every_kind_of_answer():
    """A with AAAA, and CNAME, at two names each: all move together, in one batch."""
    with World() as w:
        both = {m: f'"http://{w.web[m].host}:{w.port}/"' for m in "ab"}
        services_of(w, f"""  dual:
    zone: lab
    names: [dual.example.test, "*.dual.example.test"]
    ttl: 1s
    check: web
    hold: 100ms
    members:
      a: {{answers: {{A: [192.0.2.1, 192.0.2.2], AAAA: ["2001:db8::1"]}},
          endpoints: [{both["a"]}]}}
      b: {{weight: 30, answers: {{A: [192.0.2.3], AAAA: ["2001:db8::2"]}},
          endpoints: [{both["b"]}]}}
  alias:
    zone: lab
    names: [alias.example.test]
    ttl: 1s
    check: web
    hold: 100ms
    members:
      a: {{answers: {{CNAME: a.example.net}}, endpoints: [{both["a"]}]}}
      b: {{answers: {{CNAME: b.example.net}}, endpoints: [{both["b"]}]}}
""")
        w.agent.start()
        names = ("dual", "\\052.dual")
        for name in names:
            for kind in ("A", "AAAA"):
                wait_for(lambda n=name, k=kind: weights(w, n, k) == {"a": 100, "b": 30})
        wait_for(lambda: weights(w, "alias", "CNAME") == {"a": 100, "b": 100})
        w.web["b"].kill()
        wait_for(lambda: weights(w, "alias", "CNAME") == {"a": 100, "b": 0})
        wait_for(lambda: weights(w, "dual", "A") == {"a": 100, "b": 0})
        for name in names:
            for kind in ("A", "AAAA"):
                assert weights(w, name, kind) == {"a": 100, "b": 0}, (name, kind)
        batch = [c for c in w.changes() if any(" b" in a for a in c["actions"])
                 and any("dual" in a for a in c["actions"])][-1]
        assert len(batch["actions"]) == 10, batch       # ledger and four sets, replaced


def failover_in_order():
    """The first usable member answers; when all are down, the last resort does."""
    with World() as w:
        services_of(w, f"""  www:
    zone: lab
    names: [www.example.test]
    ttl: 1s
    policy: failover
    check: web
    hold: 100ms
    spacing: 500ms
    return: {{hold: 1s, hold_max: 2s}}
    members:
      a: {{answers: {{A: [{w.web["a"].host}]}}}}
      b: {{answers: {{A: [{w.web["b"].host}]}}}}
      sorry: {{last_resort: true, answers: {{A: [192.0.2.99]}}}}
""")
        w.agent.start()
        w.wait_weights(a=100, b=0, sorry=0)
        w.web["a"].kill()
        w.wait_weights(a=0, b=100, sorry=0)
        w.web["b"].kill()
        w.wait_weights(a=0, b=0, sorry=100)
        w.web["a"].start()
        w.wait_weights(a=100, b=0, sorry=0)


# ---- the API's faults --------------------------------------------------------------

def one_drain(w):
    """The drain was applied once: epochs by one, and no set lost."""
    ledger = w.ledger()
    assert ledger.weights() == w.sets() == {"a": 100, "b": 0}, ledger.text
    return ledger


def answer_is_lost():
    with World() as w:
        w.begin()
        w.lab.fault("lose-answer=1")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.agent.wait("unknown_outcome")
        closed = w.agent.wait("outcome_closed")
        assert closed["value"] == "committed", closed
        assert one_drain(w).epoch == 2


def answer_is_late():
    """Applied 30 s late, when another version has long made it void."""
    with World() as w:
        w.begin()
        w.lab.fault("late=30000&count=1")
        killed = w.web["b"].kill()
        w.agent.wait("unknown_outcome", 20)
        took = committed_time_wait(w, killed, 20)
        assert took - killed < 20, took - killed
        w.wait_weights(a=100, b=0)
        w.agent.wait("outcome_closed", value="void")
        epoch = one_drain(w).epoch
        time.sleep(max(0, killed + 32 - time.time()))
        ledger = one_drain(w)
        assert ledger.epoch == epoch, "the late change was applied on a newer version"


def committed_time_wait(w, since, seconds):
    def there():
        found = [c["time"] for c in w.changes() if c["time"] > since]
        return found and found[0]
    return wait_for(there, seconds, "a change after the unknown one")


def api_throttles():
    with World() as w:
        w.begin()
        w.lab.fault("throttle=4")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        assert w.lab.state().counters["throttled"] == 4
        one_drain(w)


def prior_request_is_not_complete():
    with World() as w:
        w.begin()
        w.lab.fault("prior=3")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.agent.wait("busy")
        one_drain(w)


def five_hundred_to_a_change():
    """A 5xx may have been applied: unknown, and closed by a compare-and-swap."""
    with World() as w:
        w.begin()
        w.lab.fault("error=503&on=change&applied=1")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.agent.wait("unknown_outcome")
        w.agent.wait("outcome_closed")
        one_drain(w)


def api_is_out():
    with World() as w:
        w.begin()
        w.lab.fault("outage=on")
        w.web["b"].kill()
        w.agent.wait("verdict", member="b", value="DOWN")
        w.agent.wait("read_failed")
        time.sleep(6)
        assert w.sets() == {"a": 100, "b": 100}
        w.lab.fault("outage=off")
        w.wait_weights(30, a=100, b=0)
        one_drain(w)


def a_name_server_is_behind():
    """Verifying waits for each of them; steering waits for none."""
    with World(servers=2) as w:
        w.begin()
        w.agent.wait("answered", epoch="1")
        w.lab.fault("dns=off&server=1")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.agent.wait("insync", epoch="2")
        w.web["b"].start()
        w.wait_weights(a=100, b=100)
        assert w.ledger().epoch == 5 and not [
            f for f in w.agent.find("answered") if f["epoch"] != "1"]
        w.lab.fault("dns=on&server=1")
        w.agent.wait("answered", epoch="5")


def an_idle_agent_costs_the_account_nothing():
    """It hears of another writer's version by DNS, and only then reads the API."""
    with World() as w:
        w.begin()
        w.agent.wait("answered", epoch="1")
        asked = w.lab.state().counters["requests"]
        time.sleep(11)
        assert w.lab.state().counters["requests"] == asked
        old = w.lab.state().find(LEDGER + ".", "TXT")["values"][0]
        nonces = w.ledger().nonces
        new = re.sub(r" w=\w+ ", " w=1 ", old.replace(" e=1 ", " e=2 ").replace(
            f" n={nonces[0]} ", f" n=1234567890abcdef,{nonces[0]} "))
        assert new.count("1234567890abcdef") == 1
        w.lab.edit(("DELETE", rrset(LEDGER, "TXT", old, ttl=5)),
                   ("CREATE", rrset(LEDGER, "TXT", new, ttl=5)))
        taken = w.agent.wait("ledger_taken", 30)
        assert taken["epoch"] == "2" and taken["nonce"] == "1234567890abcdef", taken
        assert w.lab.state().counters["requests"] > asked
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        assert w.ledger().epoch == 3


def silent_name_servers():
    """None answers: the API is read every 30 s instead."""
    with World() as w:
        w.begin()
        w.agent.wait("answered", epoch="1")
        w.lab.fault("dns=off")
        asked = w.lab.state().counters["requests"]
        wait_for(lambda: w.lab.state().counters["requests"] > asked, 60)


# ---- hands on the zone -------------------------------------------------------------

def frozen(w, kind):
    """Something is wrong with the zone: a member fails, and nothing is written."""
    before, writes = w.lab.state().sets, len(w.changes())
    w.web["b"].kill()
    w.agent.wait("verdict", member="b", value="DOWN")
    fact = w.agent.wait("frozen")
    assert fact["value"] == kind and fact["level"] == "error", fact
    time.sleep(1)
    assert w.lab.state().sets == before and len(w.changes()) == writes


def ordered(w, *words):
    code, text = w.command(*words)
    assert code == 0, (words, code, text, w.agent.log()[-2000:])


def edited_by_hand():
    with World() as w:
        w.begin()
        web = w.web["a"].host
        w.lab.edit(
            ("DELETE", rrset("www.example.test", "A", web, ttl=1, SetIdentifier="a",
                             Weight=100)),
            ("CREATE", rrset("www.example.test", "A", web, ttl=1, SetIdentifier="a",
                             Weight=7)))
        frozen(w, "edited")
        ordered(w, "unfreeze", "www", "--reason", "the edit was a mistake")
        w.agent.wait("thawed")
        w.wait_weights(a=100, b=0)
        assert w.ledger().weights() == {"a": 100, "b": 0}


def ledger_is_deleted():
    with World() as w:
        w.begin()
        value = [s for s in w.lab.state().sets if s["name"] == LEDGER + "."][0]
        w.lab.edit(("DELETE", rrset(LEDGER, "TXT", value["values"][0], ttl=5)))
        frozen(w, "lost")
        ordered(w, "adopt", "www", "--yes")
        w.wait_weights(a=100, b=0)
        assert w.ledger().epoch >= 2, w.ledger().text


def zone_is_restored():
    with World() as w:
        w.begin()
        w.lab.snapshot("early")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.web["b"].start()
        w.wait_weights(a=100, b=100)
        epoch = w.ledger().epoch
        assert epoch == 5
        w.lab.restore("early")
        frozen(w, "restored")
        ordered(w, "adopt", "www", "--yes")
        w.agent.wait("thawed")
        w.wait_weights(a=100, b=0)
        assert w.ledger().epoch > epoch, w.ledger().text


def records_without_a_ledger():
    """Touched only after adopt; then the name is ours."""
    with World() as w:
        w.lab.edit(("CREATE", rrset("www.example.test", "A", "192.0.2.1", ttl=300)))
        before = w.lab.state().sets
        w.agent.start()
        w.agent.wait("not_adopted")
        w.agent.wait("verdict", member="b", value="UP")
        time.sleep(1.5)
        assert w.lab.state().sets == before and w.changes(ok=False) == []
        ordered(w, "adopt", "www", "--yes")
        w.wait_weights(a=100, b=100)
        assert not [s for s in w.lab.state().sets if "192.0.2.1" in s["values"]]


class Steer(unittest.TestCase):
    def test_all_scenarios(self):
        jobs = [
            silent_name_servers, an_idle_agent_costs_the_account_nothing, answer_is_late,
            refused_at_default_timings, black_hole_at_default_timings,
            silent_server_at_default_timings, all_members_fail, fast_profile,
            fast_black_hole, wrong_status, every_kind_of_answer, failover_in_order,
            observe_never_writes, foreign_records_stay,
            answer_is_lost, api_throttles, prior_request_is_not_complete,
            five_hundred_to_a_change, api_is_out, a_name_server_is_behind,
            edited_by_hand, ledger_is_deleted, zone_is_restored,
            records_without_a_ledger]
        parallel(*jobs, at_once=7)
        print(f"{len(jobs)} scenarios")
        print_measured()


if __name__ == "__main__":
    main()
