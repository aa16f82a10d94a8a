#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""Every shape of record that a service may have, written to a real zone and asked back:
aliases, AAAA, several names, wildcards, PRIMARY and SECONDARY with each kind of health
check, a last resort; what adopt takes over, and what release leaves."""
import json
import re
import shutil
import signal
import time
import unittest

from world import FAST_SERVICE, SOURCE, Lab, World, main, parallel, rrset, wait_for

C, D = "CREATE", "DELETE"
LB = {"a": "lb-a.eu-central-1.elb.amazonaws.com", "b": "lb-b.us-east-1.elb.amazonaws.com"}
LB_ZONE = {"a": "Z215JYRZR1TBD5", "b": "Z35SXDOTRQ7X7K"}
ADDRESS = {"a": "192.0.2.1", "b": "192.0.2.2"}


class Records(World):
    """A world whose service is written by `body`: a text with {a} and {b} for what is
    probed, or a function of the world that gives it."""

    def __init__(self, body, names="www.example.test", **more):
        super().__init__(**more)
        self.body, self.names = body, names

    def text(self):
        base = super().text()
        head = base[:base.index("services:")]
        body = self.body(self) if callable(self.body) else self.body
        for m in self.members:
            body = body.replace("{%s}" % m,
                                f'endpoints: ["http://{self.web[m].host}:{self.port}"]')
        body = "\n".join("    " + line for line in body.strip().splitlines())
        return (f"{head}services:\n  www:\n    zone: lab\n    names: [{self.names}]\n"
                f"    check: web\n    ttl: 1s\n    {FAST_SERVICE}\n{body}\n")

    def shown(self, name="www.example.test.", kind="A"):
        """{set id: set} of what stands at the name."""
        return {s["set_id"]: s for s in self.lab.state().sets
                if (s["name"], s["type"]) == (name, kind)}

    def policies(self, name="www.example.test.", kind="A"):
        return {i: s["policy"] for i, s in self.shown(name, kind).items()}

    def wait_policies(self, seconds=20, name="www.example.test.", **policies):
        try:
            wait_for(lambda: self.policies(name) == policies, seconds)
        except AssertionError:
            raise AssertionError(f"{self.policies(name)} is not {policies}; the log:\n"
                                 + "".join(self.agent.lines[-60:])) from None

    def asked(self, name="www.example.test", kind="A", **how):
        answer = self.lab.dns(name, kind, **how)
        return answer and sorted(answer.texts)

    def wait_asked(self, *texts, **what):
        wait_for(lambda: self.asked(**what) == sorted(texts), 10,
                 f"{what or 'www'} answers {texts}, not {self.asked(**what)}")

    def one_batch(self, *actions):
        """Of the applied changes, those that touched www's own records: the last has
        exactly these actions beside its ledger's."""
        last = [c for c in self.changes() if any("TXT" not in a for a in c["actions"])][-1]
        own = sorted(a for a in last["actions"] if " TXT" not in a)
        assert own == sorted(actions), last["actions"]
        assert len(last["actions"]) == len(own) + 2, last["actions"]


WEIGHTS = {"a": "weighted=100", "b": "weighted=100"}


def aliases_types_and_names():
    """Three names, one of them a wildcard, A and AAAA: one batch moves all."""
    body = f"""policy: weighted
members:
  a: {{weight: 100, {{a}}, answers: {{alias: {{name: {LB["a"]}, types: [A, AAAA]}}}}}}
  b: {{weight: 100, {{b}}, answers: {{alias: {{name: {LB["b"]}, types: [A, AAAA], evaluate: true}}}}}}
"""
    names = 'www.example.test, api.example.test, "*.wild.example.test"'
    own = ["www.example.test", "api.example.test", "\\052.wild.example.test"]
    with Records(body, names) as w:
        w.lab.target(LB["a"], A="192.0.2.1", AAAA="2001:db8::1")
        w.lab.target(LB["b"], A="192.0.2.2", AAAA="2001:db8::2")
        w.agent.start()
        for name in own:
            w.wait_policies(name=name + ".", **WEIGHTS)
            for kind in ("A", "AAAA"):
                shown = w.shown(name + ".", kind)
                assert {i: s["policy"] for i, s in shown.items()} == WEIGHTS, shown
                for m, evaluate in (("a", "false"), ("b", "true")):
                    assert shown[m]["ttl"] is None, shown
                    assert shown[m]["values"] == [
                        f"alias {LB_ZONE[m]} {LB[m]}. {evaluate}"], shown
        w.agent.wait("committed", value="create")
        w.web["b"].kill()
        for name in own:
            w.wait_policies(name=name + ".", a="weighted=100", b="weighted=0")
        w.one_batch(*[f"{verb} {name}. {kind} b" for verb in ("DELETE", "CREATE")
                      for name in own for kind in ("A", "AAAA")])
        w.wait_asked("192.0.2.1")
        w.wait_asked("192.0.2.1", name="any.wild.example.test")
        w.wait_asked("2001:db8::1", name="api.example.test", kind="AAAA")
        w.agent.wait("answered")
        assert "frozen" not in w.agent.log(), w.agent.log()
        w.web["b"].start()
        for name in own:
            w.wait_policies(name=name + ".", **WEIGHTS)


def addresses_of_both_families():
    """A spelling of IPv6 that the zone may change does not look like a hand edit."""
    body = """policy: weighted
members:
  a: {weight: 100, {a}, answers: {A: [192.0.2.1], AAAA: ["2001:DB8:0::1", "2001:db8::f"]}}
  b: {weight: 100, {b}, answers: {A: [192.0.2.2, 192.0.2.3], AAAA: ["2001:db8::2"]}}
"""
    with Records(body) as w:
        w.agent.start()
        w.wait_policies(**WEIGHTS)
        assert w.policies(kind="AAAA") == WEIGHTS
        w.web["a"].kill()
        w.wait_policies(a="weighted=0", b="weighted=100")
        w.wait_asked("192.0.2.2", "192.0.2.3")
        w.wait_asked("2001:db8::2", kind="AAAA")
        w.agent.stop()
        w.agent.start()         # reads back what it wrote
        w.web["a"].start()
        w.wait_policies(**WEIGHTS)
        assert "frozen" not in w.agent.log(), w.agent.log()


def failover(a, b):
    return f"""policy: failover
records: failover
members:
  a: {{{{a}}, answers: {a}}}
  b: {{{{b}}, answers: {b}}}
"""


def plain(check):
    return failover(f"{{A: [192.0.2.1]}}, health_check: {check}",
                    f"{{A: [192.0.2.2]}}, health_check: {check}")


PRIMARY_A = {"a": "failover=PRIMARY", "b": "failover=SECONDARY"}
PRIMARY_B = {"a": "failover=SECONDARY", "b": "failover=PRIMARY"}
SWAP = [f"{verb} www.example.test. A {m}" for verb in ("DELETE", "CREATE") for m in "ab"]


def evaluated_aliases():
    """Exchanged in one batch by the quorum; and Route 53 fails over by itself."""
    body = failover(f"{{alias: {{name: {LB['a']}, evaluate: true}}}}",
                    f"{{alias: {{name: {LB['b']}, evaluate: true}}}}")
    with Records(body) as w:
        for m in "ab":
            w.lab.target(LB[m], A=ADDRESS[m])
        w.agent.start()
        w.wait_policies(**PRIMARY_A)
        w.wait_asked("192.0.2.1")
        w.lab.alias_health(LB["a"], False)
        w.wait_asked("192.0.2.2")               # no agent had a hand in it
        assert w.policies() == PRIMARY_A
        w.lab.alias_health(LB["a"], True)
        w.wait_asked("192.0.2.1")
        w.web["a"].kill()
        w.wait_policies(**PRIMARY_B)
        w.one_batch(*SWAP)
        w.wait_asked("192.0.2.2")
        assert w.ledger().weights() == {"a": 0, "b": 100}
        w.agent.wait("answered", epoch=str(w.ledger().epoch))
        w.web["a"].start()                      # no ramp: the first usable one answers
        w.wait_policies(**PRIMARY_A)
        w.wait_asked("192.0.2.1")
        assert "frozen" not in w.agent.log(), w.agent.log()


def checks_of_the_operator():
    with Records(lambda w: plain(getattr(w, "check", "00000000-0000-4000-8000-000000000000"))) as w:
        w.agent.start()
        refused = w.agent.wait("refused")
        assert "health check" in refused["text"] and "bootstrap" in refused["text"], refused
        assert w.policies() == {}
        w.agent.stop()
        w.check = w.lab.check()
        w.write_config()
        w.agent.start()
        w.wait_policies(**PRIMARY_A)
        assert {s["health"] for s in w.shown().values()} == {w.check}
        w.web["a"].kill()
        w.wait_policies(**PRIMARY_B)
        w.one_batch(*SWAP)
        assert {s["health"] for s in w.shown().values()} == {w.check}
        # An edit of what the check is counts as one.
        is_a = rrset("www.example.test", "A", "192.0.2.1", ttl=1, SetIdentifier="a",
                     Failover="SECONDARY", HealthCheckId=w.check)
        w.lab.edit((D, is_a), (C, {k: v for k, v in is_a.items() if k != "HealthCheckId"}))
        w.web["a"].start()
        frozen = w.agent.wait("frozen")
        assert frozen["value"] == "edited", frozen
        code, text = w.command("plan")
        assert code == 1 and f"check {w.check}" in text, text
        code, text = w.command("unfreeze", "www")
        assert code == 0, text
        wait_for(lambda: {s["health"] for s in w.shown().values()} == {w.check})
        w.wait_policies(**PRIMARY_A)


def checks(lab):
    return lab.client().list_health_checks()["HealthChecks"]


def steady():
    """Made once; found by a new agent without its disk; made anew when it was deleted."""
    with Records(plain("steady")) as w:
        for _ in range(3):
            w.lab.check()                       # other people's
        w.agent.start()
        unread = w.agent.wait("read_failed")
        assert "run pointsman bootstrap" in unread["text"], unread
        code, text = w.command("plan")
        assert code == 2 and "run pointsman bootstrap" in text, text
        before = len(checks(w.lab))
        code, text = w.command("bootstrap")
        assert code == 1 and "would make" in text and "--yes" in text, text
        assert len(checks(w.lab)) == before and w.policies() == {}
        code, text = w.command("bootstrap", "--yes")
        assert code == 0 and "made: " in text, text
        made = checks(w.lab)[-1]
        assert made["CallerReference"] == "pointsman-steady/test", made
        assert made["HealthCheckConfig"] == {
            "Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []}, made
        for again in (("bootstrap",), ("bootstrap", "--yes"), ("bootstrap", "--json")):
            code, text = w.command(*again)
            assert code == 0 and made["Id"] in text, text
        assert len(checks(w.lab)) == before + 1
        assert json.loads(text)["zones"][0]["there"] is True, text
        w.wait_policies(40, **PRIMARY_A)        # it looks every 30 s at the latest
        assert {s["health"] for s in w.shown().values()} == {made["Id"]}
        w.web["a"].kill()
        w.wait_policies(**PRIMARY_B)
        w.one_batch(*SWAP)
        w.wait_asked("192.0.2.2")
        # a lost disk
        w.agent.stop()
        shutil.rmtree(w.folder / "state")
        w.web["a"].start()
        w.agent.start()
        w.wait_policies(**PRIMARY_A)
        assert {s["health"] for s in w.shown().values()} == {made["Id"]}
        # somebody deletes it
        w.lab.client().delete_health_check(HealthCheckId=made["Id"])
        code, text = w.command("bootstrap", "--yes")
        assert code == 0 and made["Id"] not in text, text
        second = checks(w.lab)[-1]
        assert second["CallerReference"] == "pointsman-steady/test/2", second
        w.web["a"].kill()
        w.wait_policies(30, **PRIMARY_B)
        assert {s["health"] for s in w.shown().values()} == {second["Id"]}
        assert "frozen" not in w.agent.log(), w.agent.log()


def last_resort():
    """Not probed; answers when every other is down, and steps back."""
    body = """policy: failover
members:
  a: {{a}, answers: {A: [192.0.2.1]}}
  b: {{b}, answers: {A: [192.0.2.2]}}
  page: {last_resort: true, answers: {A: [192.0.2.9]}}
"""
    def weights(a, b, page):
        return {"a": f"weighted={a}", "b": f"weighted={b}", "page": f"weighted={page}"}
    with Records(body) as w:
        w.agent.start()
        w.wait_policies(**weights(100, 0, 0))
        w.web["a"].kill()
        w.wait_policies(**weights(0, 100, 0))
        w.web["b"].kill()
        w.wait_policies(30, **weights(0, 0, 100))
        w.wait_asked("192.0.2.9")
        assert w.agent.find("verdict", member="page") == []
        code, text = w.command("drain", "www/page")
        assert code == 1 and "last resort" in text, text
        w.web["b"].start()
        w.wait_policies(**weights(0, 100, 0))
        w.web["a"].start()
        w.wait_policies(**weights(100, 0, 0))


def private_zone():
    """Nobody but the VPC's resolver shows it: that is where a change is verified."""
    lab = Lab("--private", "corp.test=ZCORP", "--resolver", "127.0.0.1:0")
    with lab, Records("policy: weighted\n" + TWO, "db.corp.test", lab=lab) as w:
        host, port = lab.resolver
        public = ", ".join(f'"{h}:{p}"' for h, p in lab.servers)
        text = w.text().replace("name: example.test", "name: corp.test").replace(
            "zone_id: ZLAB", "zone_id: ZCORP")
        assert public in text
        w.write_config(text.replace(public, f'"{host}:{port}"'))
        w.agent.start()
        w.wait_policies(name="db.corp.test.", **WEIGHTS)
        w.agent.wait("answered", epoch="1")
        assert lab.dns("db.corp.test", "A").rcode == "REFUSED"
        w.web["b"].kill()
        w.wait_policies(name="db.corp.test.", a="weighted=100", b="weighted=0")
        w.agent.wait("answered", epoch="2")
        w.wait_asked("192.0.2.1", name="db.corp.test", server="resolver", recursion=True)


# ---- adopt and release ---------------------------------------------------------------

SIMPLE = [rrset("www.example.test", "A", "192.0.2.1", ttl=300)]
WEIGHTED = [rrset("www.example.test", "A", "192.0.2.1", ttl=60, SetIdentifier="Frankfurt",
                  Weight=30),
            rrset("www.example.test", "A", "192.0.2.2", ttl=60, SetIdentifier="Ashburn",
                  Weight=0)]
TWO = """members:
  a: {{a}, answers: {A: [192.0.2.1]}}
  b: {{b}, answers: {A: [192.0.2.2]}}
"""


def adopt(records, body, shown, *told):
    """Looks, says yes, and finds the records as the service wants them."""
    with Records(body) as w:
        w.lab.edit(*[(C, w.lab.checked(r)) for r in records])
        w.agent.start()
        w.agent.wait("not_adopted")
        w.agent.wait("verdict", member="b", value="UP")
        before = w.lab.state().sets
        code, text = w.command("plan")
        assert code == 1 and "adopt" in text, text
        for line in told:
            assert re.search(line, text, re.M), (line, text)
        code, text = w.command("adopt", "www")
        assert code == 2 and "--yes" in text, text
        assert w.lab.state().sets == before
        code, text = w.command("adopt", "www", "--yes")
        assert code == 0 and "done" in text, text
        w.wait_policies(**shown)
        assert {s["ttl"] for s in w.shown().values()} == {1}
        return w.ledger().member


def adopts_simple():
    """What it answers is who is in; the other comes by the usual way."""
    member = adopt(
        SIMPLE, "policy: weighted\n" + TWO, {"a": "weighted=100", "b": "weighted=0"},
        r"^- www.example.test A simple ttl 300 192.0.2.1$",
        r"^\+ www.example.test A a weight 100 ttl 1 192.0.2.1$",
        r"^\+ www.example.test A b weight 0 ttl 1 192.0.2.2$")
    assert [member["a"][1], member["b"][1]] == [100, 0], member


def adopts_weighted_of_other_names():
    adopt(WEIGHTED, "policy: weighted\n" + TWO, {"a": "weighted=100", "b": "weighted=0"},
          r"^- www.example.test A Ashburn weight 0 ttl 60 192.0.2.2$",
          r"^- www.example.test A Frankfurt weight 30 ttl 60 192.0.2.1$")


def adopts_failover():
    """PRIMARY is the one in: b, though a comes first in the file and is well too."""
    records = [rrset("www.example.test", "A", "192.0.2.2", ttl=60, SetIdentifier="one",
                     Failover="PRIMARY", HealthCheckId="hc-1"),
               rrset("www.example.test", "A", "192.0.2.1", ttl=60, SetIdentifier="two",
                     Failover="SECONDARY")]
    adopt(records, "policy: failover\nfailback: manual\n" + TWO,
          {"a": "weighted=0", "b": "weighted=100"},
          r"^- www.example.test A one PRIMARY ttl 60 192.0.2.2 check \S+$")


def adopts_failover_as_failover():
    """Another's PRIMARY and SECONDARY become ours in one batch, with their roles kept."""
    with Records(plain("steady").replace("records:", "failback: manual\nrecords:")) as w:
        theirs = [rrset("www.example.test", "A", ADDRESS[m], ttl=60, SetIdentifier=m * 3,
                        Failover=role, HealthCheckId=w.lab.check())
                  for m, role in (("b", "PRIMARY"), ("a", "SECONDARY"))]
        w.lab.edit(*[(C, r) for r in theirs])
        code, text = w.command("bootstrap", "--yes")
        assert code == 0, text
        w.agent.start()
        w.agent.wait("not_adopted")
        w.agent.wait("verdict", member="a", value="UP")
        code, text = w.command("adopt", "www", "--yes")
        assert code == 0 and "- www.example.test A bbb PRIMARY" in text, text
        assert w.policies() == PRIMARY_B, w.policies()
        assert sorted(w.changes()[-1]["actions"]) == sorted([
            "CREATE _pointsman.www.example.test. TXT",
            *[f"DELETE www.example.test. A {m}" for m in ("aaa", "bbb")],
            *[f"CREATE www.example.test. A {m}" for m in "ab"]]), w.changes()[-1]
        w.web["b"].kill()
        w.wait_policies(**PRIMARY_A)


def adopts_no_other_policy():
    """What cannot be written back is not taken: latency, geolocation, multivalue."""
    with Records("policy: weighted\n" + TWO) as w:
        w.lab.edit((C, rrset("www.example.test", "A", "192.0.2.1", ttl=1,
                             SetIdentifier="near", Region="eu-central-1")))
        w.agent.start()
        w.agent.wait("not_adopted")
        w.agent.wait("verdict", member="b", value="UP")
        code, text = w.command("adopt", "www", "--yes")
        assert code == 2 and "routing policy" in text and "near" in text, text
        assert w.changes(ok=False) == []


def reload_to_failover_records():
    """A service that was written as weights is rewritten when the file says so; with
    what `steady` stands for found on the way."""
    with Records("policy: failover\n" + TWO) as w:
        w.agent.start()
        w.wait_policies(a="weighted=100", b="weighted=0")
        w.agent.wait("answered")
        w.body = plain("steady")
        w.write_config()
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("read_failed", text="run pointsman bootstrap")
        assert w.policies() == {"a": "weighted=100", "b": "weighted=0"}
        code, text = w.command("bootstrap", "--yes")
        assert code == 0, text
        w.wait_policies(40, **PRIMARY_A)
        assert {s["health"] for s in w.shown().values()} == {checks(w.lab)[-1]["Id"]}
        w.web["a"].kill()
        w.wait_policies(**PRIMARY_B)
        assert "frozen" not in w.agent.log(), w.agent.log()


def the_example():
    """config/examples/failover-records.yaml as it stands, but for where things are: three
    services in two zones, one of them private, under one steady check."""
    lab = Lab("--private", "corp.example.net=Z0EXAMPLE4", "--resolver", "127.0.0.1:0",
              zones=["example.net=Z0EXAMPLE3"])
    with lab, World(lab=lab) as w:
        site = {"north": w.web["a"], "south": w.web["b"]}
        text = (SOURCE / "config/examples/failover-records.yaml").read_text()
        text = re.sub(r"zone_id: (\w+)}", rf'zone_id: \1, endpoint: "{lab.url}"}}', text)
        text = text.replace("10.20.0.2", '"%s:%d"' % lab.resolver).replace(
            "{path: /alive}", "{path: /alive}, every: 200ms, timeout: 300ms, recheck: 50ms")
        text = re.sub(r"(north|south): {(.*?)answers:", lambda m: (
            f'{m[1]}: {{{m[2]}endpoints: ["http://{site[m[1]].host}:{w.port}"], answers:'),
            text)
        w.write_config(text)
        code, said = w.command("bootstrap", "--yes")
        assert code == 0 and said.count("made: ") == 1, said
        for n, m in (1, "eu-west-1"), (2, "eu-central-1"):
            lab.target(f"shop-{n}.{m}.elb.amazonaws.com", A=f"203.0.113.{n}",
                       AAAA=f"2001:db8::{n}")
        w.agent.start()

        def primary():
            return {(s["name"], s["type"]): s["set_id"] for s in lab.state().sets
                    if s["policy"] == "failover=PRIMARY"}

        def all_on(member):
            return {(f"{name}.example.net.", kind): member for name, kind in (
                ("orders", "A"), ("\\052.orders", "A"), ("catalogue", "A"),
                ("catalogue", "AAAA"))}
        wait_for(lambda: primary() == all_on("north"), 20)
        wait_for(lambda: lab.dns("x.orders.example.net", "A").texts == ["192.0.2.31"])
        w.web["a"].kill()
        wait_for(lambda: primary() == all_on("south"), 20)
        wait_for(lambda: lab.dns("catalogue.example.net", "AAAA").texts == ["2001:db8::2"])
        wait_for(lambda: lab.dns("corp.example.net", "A", server="resolver",
                                 recursion=True).texts == ["10.30.1.9"])
        assert "frozen" not in w.agent.log(), w.agent.log()


def adopts_nothing_to_rewrite():
    """Records that are what the service wants: only the ledger is made."""
    with Records("policy: weighted\n" + TWO) as w:
        w.lab.edit(*[(C, rrset("www.example.test", "A", ADDRESS[m], ttl=1,
                               SetIdentifier=m, Weight=100)) for m in "ab"])
        w.agent.start()
        w.agent.wait("not_adopted")
        w.agent.wait("verdict", member="b", value="UP")
        code, text = w.command("adopt", "www", "--yes")
        assert code == 0 and "\n- " not in text and "\n+ www" not in text, text
        assert w.changes()[-1]["actions"] == [
            "CREATE _pointsman.www.example.test. TXT"], w.changes()
        w.web["b"].kill()
        w.wait_policies(a="weighted=100", b="weighted=0")


def release():
    """The records stay, the ledger goes, and nothing is steered until adopt: not by this
    agent, and not after a restart."""
    with Records("policy: weighted\n" + TWO) as w:
        w.agent.start()
        w.wait_policies(**WEIGHTS)
        w.agent.wait("answered")
        code, text = w.command("release", "www")
        assert code == 2 and "--yes" in text, text
        assert "- _pointsman.www.example.test TXT" in text, text
        assert "  www.example.test A b weight 100 ttl 1 192.0.2.2" in text, text
        assert w.ledger() is not None
        records = w.shown()
        w.lab.fault("lose-answer=1")            # applied, and the answer never comes
        code, text = w.command("release", "www", "--yes", "--reason", "moving house")
        assert code == 0 and "until adopt" in text, text
        assert w.ledger() is None and w.shown() == records
        assert w.changes(ok=False)[-1]["actions"] == [
            "DELETE _pointsman.www.example.test. TXT"], w.changes(ok=False)[-1]
        assert w.agent.find("order", value="release", text="because: moving house")
        stays_released(w, records)
        status = w.status()["services"][0]
        assert "adopt" in status["cannot"] and status["ledger"] is None, status
        code, text = w.command("release", "www", "--yes")
        assert code == 2 and "not steered" in text, text
        code, text = w.command("drain", "www/b")
        assert code == 1 and "adopt" in text, text
        w.agent.stop()
        since = w.agent.mark()
        w.agent.start()
        w.agent.wait("not_adopted", since=since)
        stays_released(w, records)
        assert "frozen" not in w.agent.log(), w.agent.log()
        w.web["b"].start()
        w.agent.wait("verdict", since=since, member="b", value="UP")
        code, text = w.command("adopt", "www", "--yes")
        assert code == 0 and "done" in text, text
        w.web["b"].kill()
        w.wait_policies(a="weighted=100", b="weighted=0")
        code, text = w.command("release", "www", "--yes")
        assert code == 0 and w.ledger() is None, text
        assert "frozen" not in w.agent.log(), w.agent.log()


def stays_released(w, records):
    """b dies, which a steered service would have drained long before the end of this."""
    if w.web["b"].process.poll() is None:
        w.web["b"].kill()
    wait_for(lambda: w.status()["services"][0]["members"][1]["verdict"] == "DOWN")
    time.sleep(1)
    assert w.shown() == records and w.ledger() is None


SCENES = [adopts_failover_as_failover, the_example, release, private_zone, aliases_types_and_names, addresses_of_both_families, evaluated_aliases,
          checks_of_the_operator, steady, last_resort, adopts_simple,
          adopts_weighted_of_other_names, adopts_failover, adopts_nothing_to_rewrite,
          adopts_no_other_policy, reload_to_failover_records]


class Test(unittest.TestCase):
    def test_records(self):
        parallel(*SCENES)


if __name__ == "__main__":
    import sys
    if len(sys.argv) > 1 and sys.argv[1] in globals():
        globals()[sys.argv[1]]()
    else:
        main()
