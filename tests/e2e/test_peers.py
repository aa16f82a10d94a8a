#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""Agents agree: real agents on loopback, mutual TLS, one zone, one writer at a time.

Every scenario has a mesh of its own, and all run side by side. Two run at default
timings and print what they took; the others use the fast profile.
"""
import re
import shutil
import signal
import threading
import time

from mesh import Mesh, agent_number, make_certificate, rests, Member
from world import (address, free_place, free_port, main, measure, parallel,
                   print_measured, wait_for)

LEDGER = "_pointsman.www.example.test"


def committed_time(m, action, since):
    for change in m.changes():
        if change["time"] > since and any(action in a for a in change["actions"]):
            return change["time"]
    raise AssertionError(f"no change of {action} after {since}")


def one_move(m, after):
    """Exactly one batch moved records after so many, and nothing else follows."""
    rests(lambda: len(m.changes()), 1.5, "a change too many")
    moves = m.moves()[after:]
    assert len(moves) == 1, moves
    return moves[0]


def wait_silent(m, name):
    """The others hear it no more."""
    for agent in m.agent.values():
        if agent.alive() and agent.name != name:
            wait_for(lambda: not next(p for p in agent.status()["peers"]
                                      if p["name"] == name)["heard"], 10)


# ---- goals, at default timings

def a_site_dies():
    with Mesh(fast=False) as m:
        m.begin(60)
        killed = m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        took = committed_time(m, "CREATE www.example.test. A b", killed) - killed
        measure("refused, three agents, default timings", took, goal_s=8)
        one_move(m, 1)
        first = next(n for n in m.ranked() if n != "b")
        assert m.writer() == first, (m.writer(), m.ranked())


def a_site_dies_with_its_agent_and_the_first_writer():
    """The site's agent, and whoever is ranked first, die with it: the last one of five
    ranks writes when its time has come."""
    with Mesh(agents=("a", "b", "w", "x", "y"), fast=False) as m:
        m.begin(60)
        first = next(n for n in m.ranked() if n != "b")
        m.agent["b"].kill()
        m.agent[first].kill()
        killed = m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        took = committed_time(m, "CREATE www.example.test. A b", killed) - killed
        measure("refused, its agent and the first writer dead, default timings", took,
                goal_s=8)
        one_move(m, 1)
        assert m.writer() not in ("b", first), m.writer()


# ---- who writes

def the_first_writer_is_killed():
    with Mesh() as m:
        m.begin()
        order = m.ranked()
        assert sorted(order) == ["a", "b", "w"], order
        first = next(n for n in order if n != "b")
        m.agent[first].kill()
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)
        assert m.writer() != first, m.writer()


def alone_nothing_moves():
    with Mesh() as m:
        m.begin()
        m.agent["b"].stop()
        m.agent["w"].stop()
        a = m.agent["a"]
        a.wait("doubt", service="www", value="alone", text="hears 1 of 3 agents")
        m.web["b"].kill()
        a.wait("address_down", member="b")
        rests(m.changes, 2, "alone it wrote")
        why = next(x for x in a.service()["members"] if x["name"] == "b")["why"]
        assert "hears 1 of 3 agents" in why, why
        text = a.command("status")[1]
        assert "hears 1 of 3 agents" in text and "silent" in text, text
        # One comes back: two of three are a quorum again.
        m.agent["w"].start()
        m.wait_weights(a=100, b=0)


def a_lost_disk_causes_no_write():
    with Mesh() as m:
        m.begin()
        w = m.agent["w"]
        changes = len(m.changes())
        w.kill()
        wait_silent(m, "w")
        shutil.rmtree(w.folder / "state")
        since = w.mark()
        w.start()
        m.wait_heard()
        w.wait("doubt", service="www", value="none", since=since)
        m.agent["a"].wait("peer", value="begins", text="agent w")
        rests(lambda: len(m.changes()), 2, "a restart wrote")
        assert len(m.changes()) == changes
        assert w.service()["ledger"]["epoch"] == m.ledger().epoch


def a_paused_agent_wakes():
    """Stopped for longer than its word is fresh, in the moment a site dies: the others
    go on, and what it finds in its sockets when it wakes is of an earlier boot."""
    with Mesh() as m:
        m.begin()
        w = m.agent["w"]
        since = w.mark()
        w.process.send_signal(signal.SIGSTOP)
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        wait_silent(m, "w")
        time.sleep(2.1)                 # more than the gap that it must notice
        w.process.send_signal(signal.SIGCONT)
        w.wait("doubt", value="gap", since=since)
        m.agent["a"].wait("peer", value="begins", text="agent w")
        m.wait_heard()
        one_move(m, 1)
        assert not m.agent["a"].find("peer", value="cloned"), m.logs()


# ---- two under one name

def two_with_one_identity():
    with Mesh() as m:
        m.begin()
        a = m.agent["a"]
        folder = m.folder / "clone"
        folder.mkdir()
        for name in ("agent.pem", "agent.key"):
            shutil.copy(a.folder / name, folder / name)
        host = address()
        clone = Member(m, "a", folder)
        m.write_config(clone, m.text("a").replace(m.page["a"], f"{host}:{free_port(host)}")
                       .replace("site: a}", f'site: a, listen: "{host}:{free_port(host)}"}}'))
        m.others.append(clone)
        clone.start()
        for name in ("b", "w"):
            m.agent[name].wait("peer", value="cloned", text="agent a runs twice")
        a.wait("peer", value="refuses", text="two run under one identity")
        # Whoever lives twice votes at most once; the others are a quorum.
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)
        for name in ("b", "w"):
            for x in m.agent[name].service()["members"]:
                v = x["votes"]
                assert v["up"] + v["down"] + v["recovering"] + v["abstain"] <= 3, x
            peers = m.agent[name].status()["peers"]
            assert next(p for p in peers if p["name"] == "a")["cloned"], peers
            assert "RUNS TWICE" in m.agent[name].command("status")[1]
        clone.stop()
        m.wait_heard()                  # the one that is left is heard again


# ---- the operator

def a_freeze_acts_on_all_without_the_api():
    with Mesh() as m:
        m.begin()
        m.lab.fault("outage=on")
        answer = []
        asked = threading.Thread(target=lambda: answer.append(m.agent["w"].command(
            "freeze", "www", "--for", "10m", "--reason", "cables are being moved",
            seconds=60)))
        asked.start()
        for name in m.names:
            wait_for(lambda: m.agent[name].service()["cannot"] == "frozen", 10)
        for name in ("a", "b"):
            m.agent[name].wait("order", value="freeze", service="www",
                               text="agent w heard a freeze")
            m.agent[name].wait("order", value="freeze", service="www",
                               text="because: cables are being moved")
        m.web["b"].kill()
        for name in m.names:
            m.agent[name].wait("verdict", member="b", value="DOWN")
        m.lab.fault("outage=off")
        asked.join()
        assert answer[0][0] == 0 and "in the ledger" in answer[0][1], answer
        # In the ledger now; it works on as the ledger's, and the reason is known.
        wait_for(lambda: " f=" in m.ledger().text)
        for name in m.names:
            wait_for(lambda: ((m.agent[name].service()["ledger"] or {}).get("freeze")
                              or {}).get("reason") == "cables are being moved", 10)
            assert m.agent[name].service()["ledger"]["freeze"]["asked_at"] == "w"
        rests(m.sets, 1.5, "frozen, it moved")
        code, text = m.agent["a"].command("unfreeze", "www")
        assert code == 0, text
        m.wait_weights(a=100, b=0)


def an_unfreeze_elsewhere_takes_a_freeze_back():
    with Mesh() as m:
        m.begin()
        m.lab.fault("outage=on")
        asked = threading.Thread(target=m.agent["a"].command, args=("freeze", "www"),
                                 kwargs={"seconds": 60})
        asked.start()
        for name in m.names:
            wait_for(lambda: m.agent[name].service()["cannot"] == "frozen", 10)
        back = threading.Thread(target=m.agent["b"].command, args=("unfreeze", "www"),
                                kwargs={"seconds": 60})
        back.start()
        for name in m.names:
            wait_for(lambda: m.agent[name].service()["cannot"] != "frozen", 10)
        m.lab.fault("outage=off")
        asked.join()
        back.join()
        rests(lambda: " f=" in m.ledger().text, 1, "the freeze was written after all")


def a_freeze_outlives_the_agent_that_heard_it():
    """Killed and begun anew before the ledger had its order: the others tell it."""
    with Mesh() as m:
        m.begin()
        m.lab.fault("outage=on")
        a = m.agent["a"]
        asked = threading.Thread(target=a.command, args=("freeze", "www"),
                                 kwargs={"seconds": 60})
        asked.start()
        for name in m.names:
            wait_for(lambda: m.agent[name].service()["cannot"] == "frozen", 10)
        a.kill()
        asked.join()
        since = a.mark()
        a.start()
        a.wait("order", value="freeze", since=since, text="heard a freeze")
        m.wait_heard()
        m.lab.fault("outage=off")
        m.web["b"].kill()
        for name in m.names:
            m.agent[name].wait("verdict", member="b", value="DOWN",
                               since=since if name == "a" else 0)
        rests(m.changes, 2, "the freeze was forgotten")
        assert "freeze that is not in the ledger yet" in m.agent["b"].command("status")[1]
        code, text = m.agent["w"].command("unfreeze", "www")
        assert code == 0, text
        m.wait_weights(a=100, b=0)


# ---- configuration

def reload_with(m, agent, change):
    since = agent.mark()
    m.write_config(agent, change(m.text(agent.name)))
    agent.process.send_signal(signal.SIGHUP)
    agent.wait("started", since=since, text="read anew")


def a_policy_is_rolled_out_agent_by_agent():
    with Mesh() as m:
        m.begin()
        change = lambda text: text.replace("hold: 100ms", "hold: 150ms")  # noqa: E731
        policy = lambda: re.search(r" p=([0-9a-f]+):", m.ledger().text)[1]  # noqa: E731
        old, epoch = policy(), m.ledger().epoch
        reload_with(m, m.agent["a"], change)
        m.agent["a"].wait("policy", value="not-in-force")
        rests(policy, 1, "one agent alone changed the policy")
        reload_with(m, m.agent["b"], change)
        wait_for(lambda: policy() != old)
        m.agent["a"].wait("policy", value="in-force")
        m.agent["w"].wait("policy", value="not-in-force")
        reload_with(m, m.agent["w"], change)
        m.agent["w"].wait("policy", value="in-force")
        assert m.ledger().epoch == epoch + 1, m.ledger().text
        assert len(m.moves()) == 1, m.moves()       # nothing but the creation
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)


def an_agent_joins():
    with Mesh() as m:
        m.begin()
        m.names.append("x")
        m.host["x"] = address()
        m.listen["x"] = free_port(m.host["x"])
        m.page["x"] = free_place()
        m.agent["x"] = m.add("x")
        m.agent["x"].start()
        for name in ("a", "b", "w"):
            reload_with(m, m.agent[name], lambda text: text)
        m.wait_heard(n=4)
        wait_for(lambda: f"{agent_number('x'):x}" in m.ledger().text.split(" p=")[1]
                 .split(" ")[0])
        for name in m.names:
            wait_for(lambda: m.agent[name].service()["cannot"] == "")
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)


def a_service_of_some_agents():
    services = """  inside:
    zone: lab
    names: [inside.example.test]
    check: web
    from: [a, w]
    members:
      a: {answers: {A: [%s]}}
      b: {answers: {A: [%s]}}
"""
    with Mesh() as m:
        m.services = services % (m.web["a"].host, m.web["b"].host)
        for agent in m.agent.values():
            m.write_config(agent)
        m.begin()
        wait_for(lambda: m.lab.state().find("inside.example.test.", "A", "a"), 20)
        services = {n: [s["name"] for s in m.agent[n].status()["services"]]
                    for n in m.names}
        assert services == {"a": ["www", "inside"], "b": ["www"], "w": ["www", "inside"]}, \
            services
        inside = m.agent["a"].service("inside")
        assert sorted(x["name"] for x in inside["agents"]) == ["a", "w"], inside
        # It comes to vote on it by a new file, and leaves again.
        text = m.services
        m.services = text.replace("[a, w]", "[a, b, w]")
        for agent in m.agent.values():
            reload_with(m, agent, lambda t: t)
        wait_for(lambda: m.agent["b"].service("inside")["cannot"] == "", 20)
        m.services = text
        reload_with(m, m.agent["b"], lambda t: t)
        assert [s["name"] for s in m.agent["b"].status()["services"]] == ["www"]


# ---- what is told

def status_and_metrics():
    with Mesh() as m:
        m.begin()
        s = m.agent["a"].status()
        assert s["agents_heard"] == s["agents"] == 3 and s["certificate_until"], s
        for p in s["peers"]:
            assert p["heard"] and p["protocol"] == 2 and not p["cloned"], p
            assert 0 <= p["age_ms"] <= 1500 and p["certificate_until"], p
            assert p["reports"]["taken"] > 0 and p["reports"]["garbled"] == 0, p
        www = m.agent["a"].service()
        assert www["writes_next"] == [a["name"] for a in www["agents"]][0], www
        assert all(a["able"] and a["same_policy"] for a in www["agents"]), www
        text = m.agent["a"].command("status")[1]
        assert "hears 3 of 3 agents" in text and "writes next: " in text, text
        page = m.metrics("a")
        for name in ("b", "w"):
            assert f'pointsman_peer_heard{{peer="{name}"}} 1' in page, page
            age = re.search(rf'peer_age_seconds{{peer="{name}"}} (\S+)', page)
            assert float(age[1]) <= 1.5, page
            assert re.search(rf'peer_reports_total{{peer="{name}",result="taken"}} [1-9]',
                             page), page
        # An agent of another name, though of our authority, is nobody here.
        make_certificate(m.folder, "mallory", out=m.agent["w"].folder)
        m.agent["w"].stop()
        m.agent["w"].start()
        wait_silent(m, "w")
        rests(m.changes, 1, "a stranger made it write")
        # A peer that stops is skipped as a writer, and said to be silent.
        m.agent["a"].wait("peer", value="silent", text="agent w")
        wait_for(lambda: m.agent["a"].service()["writes_next"] != "w")


class Peers(__import__("unittest").TestCase):
    def test_all(self):
        started = time.time()
        parallel(a_site_dies, a_site_dies_with_its_agent_and_the_first_writer,
                 the_first_writer_is_killed, alone_nothing_moves,
                 a_lost_disk_causes_no_write, a_paused_agent_wakes, two_with_one_identity,
                 a_freeze_acts_on_all_without_the_api,
                 an_unfreeze_elsewhere_takes_a_freeze_back,
                 a_freeze_outlives_the_agent_that_heard_it,
                 a_policy_is_rolled_out_agent_by_agent, an_agent_joins,
                 a_service_of_some_agents, status_and_metrics, at_once=4)
        print_measured()
        print(f"  {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
