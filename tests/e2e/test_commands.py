#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""The commands, as an operator types them: words, answers, exit statuses, and the zone.

Exit statuses: 0 good, 1 the answer is no, 2 cannot tell. What a command writes is read
back from the lab; `plan` is watched through the lab's log of every request.
"""
import json
import os
import re
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from world import POINTSMAN, SOURCE, World, main, parallel, rrset, wait_for

NAME = "www.example.test"


def pointsman(*words, **more):
    done = subprocess.run([str(POINTSMAN), *map(str, words)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **more)
    return done.returncode, done.stdout, done.stderr


def expect(got, status, *texts):
    assert got[0] == status, got
    for text in texts:
        assert any(text in part for part in got[1:]), (text, got)
    return got[1]


# ---- words --------------------------------------------------------------------------

class Words(unittest.TestCase):
    COMMANDS = ("run validate check plan bootstrap adopt release status history drain undrain freeze "
                "unfreeze pin unpin ack doctor iam version").split()

    def test_help_names_every_command(self):
        text = expect(pointsman("--help"), 0)
        for command in self.COMMANDS:
            self.assertRegex(text, rf"(?m)^  {command} ")
            expect(pointsman(command, "--help"), 0, f"usage: pointsman {command}")
        self.assertNotIn("prober", text)
        self.assertEqual(text, expect(pointsman("help"), 0))
        expect(pointsman(), 2, "usage:")

    def test_version(self):
        self.assertRegex(expect(pointsman("version"), 0), r"^pointsman \d+\.\d+\.\d+\n$")
        self.assertEqual(pointsman("--version"), pointsman("version"))

    def test_unknown_words_get_the_nearest(self):
        expect(pointsman("stauts"), 2, "did you mean 'status'?")
        expect(pointsman("xyzzyxyzzy"), 2, "see pointsman --help")
        expect(pointsman("plan", "--jsn"), 2, "did you mean '--json'?")
        expect(pointsman("plan", "-x"), 2, "there is no option 'x'")
        expect(pointsman("validate", "--reason", "x"), 2, "validate takes no --reason")

    def test_what_is_missing_or_too_much(self):
        expect(pointsman("validate"), 2, "--config FILE")
        expect(pointsman("validate", "-c"), 2, "needs its FILE")
        expect(pointsman("validate", "-c", "f", "more"), 2, "takes no 'more'")
        expect(pointsman("plan", "-c", "f", "--json=yes"), 2, "takes no value")
        expect(pointsman("adopt", "-c", "f"), 2, "adopt needs SERVICE")
        expect(pointsman("run", "-c", "f", "--workers", "0"), 2, "between 1 and")
        expect(pointsman("drain", "-c", "f", "a/b", "--reason", "x" * 151), 2, "longer")

    def test_a_full_disk_under_stdout_is_no_success(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([str(POINTSMAN), "--version"], stdout=full, timeout=60)
        self.assertEqual(2, done.returncode)


# ---- validate -----------------------------------------------------------------------

SOLO = """cluster: solo
sites: [a, b]
agents:
  one: {site: a}
quorum: solo
checks:
  web: {http: {path: /, port: 8080}}
zones:
  lab:
    name: example.test
    route53: {zone_id: ZLAB, endpoint: "http://127.0.0.1:8053"}
services:
  www:
    zone: lab
    names: [www.example.test]
    ttl: 5s
    policy: weighted
    check: web
    members:
      a: {weight: 100, answers: {A: [127.0.1.1]}}
      b: {weight: 50,  answers: {A: [127.0.2.1]}}
"""

class Validate(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, text):
        path = self.folder / "p.yaml"
        path.write_text(text)
        return path

    def test_every_example(self):
        examples = [*(SOURCE / "config/examples").glob("*.yaml"),
                    *(SOURCE / "../shared/examples").glob("*.yaml")]
        for path in examples:
            text = expect(pointsman("validate", "-c", path), 0, ": good: ")
            self.assertNotRegex(text, r"(?m)^\S+:\d+:\d+: (?!warning|'|the file)")
            answer = json.loads(expect(pointsman("validate", "-c", path, "--json"), 0))
            self.assertTrue(answer["ok"])
            self.assertTrue(all(s["survives"] for s in answer["services"]))
            self.assertFalse([s for s in answer["services"]
                              if s["name"].endswith("-drill")])
            self.assertTrue(all(": " in s["does"] for s in answer["scenarios"]))

    def test_mistakes_come_all_at_once_with_their_place(self):
        path = self.file(SOLO.replace("weight: 100", "weight: 300")
                         .replace("policy: weighted", "polcy: weighted"))
        status, out, _ = pointsman("validate", "-c", path)
        self.assertEqual(1, status)
        errors = [line for line in out.splitlines() if "warning" not in line]
        self.assertGreaterEqual(len(errors), 2)
        for line in errors:
            self.assertRegex(line, rf"^{re.escape(str(path))}:\d+:\d+: \S")
        self.assertTrue(any("policy" in line for line in errors), errors)
        answer = json.loads(expect(pointsman("validate", "-c", path, "--json"), 1))
        self.assertFalse(answer["ok"])
        self.assertEqual(len(errors),
                         sum(n["level"] == "error" for n in answer["notes"]))
        self.assertTrue(all(n["line"] > 0 and n["column"] > 0 for n in answer["notes"]))

    def test_no_file(self):
        expect(pointsman("validate", "-c", self.folder / "absent.yaml"), 1, "absent.yaml")

    def test_a_file_that_can_be_written_can_be_run(self):
        path = self.file(SOLO + "scenarios:\n  plan: {kind: multi-site, service: www, "
                                "primary: a, recovery: b, trigger: approval, "
                                "rto: 15m, rpo: 1m}\n")
        answer = json.loads(expect(pointsman("validate", "-c", path, "--json"), 0))
        self.assertTrue(answer["runnable"], answer)

    def test_an_agent_of_another_name(self):
        path = self.file(SOLO)
        expect(pointsman("run", "-c", path, "--agent", "onne"), 1, "did you mean 'one'?")

    def test_a_quorum_needs_certificates(self):
        path = self.file(SOLO.replace("  one: {site: a}",
                                      "  one: {site: a, url: \"https://127.0.0.1:1\"}\n"
                                      "  two: {site: b, url: \"https://127.0.0.1:2\"}")
                         .replace("quorum: solo", "tls: {cert: c, key: k, ca: a}"))
        expect(pointsman("validate", "-c", path), 0, "2 of 2 agents must agree")
        expect(pointsman("run", "-c", path, "--agent", "one"), 1, "No such file")


# ---- check --------------------------------------------------------------------------

def check_tells_good_from_bad():
    with World() as w:
        out = expect(w.command("check"), 0)
        assert len(re.findall(r"(?m)^www +[ab] .* pass ", out)) == 2, out
        w.web["b"].do("503")
        out = expect(w.command("check", "www"), 1)
        assert re.search(r"www +b .* FAIL .*http-status: .*503", out), out
        rows = json.loads(expect(w.command("check", "--json"), 1))
        assert [r["outcome"] for r in rows] == ["pass", "fail"], rows
        assert rows[1]["http_status"] == 503 and rows[1]["latency_ms"] > 0, rows
        w.web["b"].do("refuse")
        rows = json.loads(expect(w.command("check", "--json"), 1))
        assert rows[1]["reason"] == "refused", rows
        expect(w.command("check", "wwww"), 2, "did you mean 'www'?")


def check_cannot_tell_about_a_name_that_does_not_resolve():
    with World() as w:
        w.write_config(w.text().replace(
            "answers: {A: [" + w.web["b"].host + "]}",
            "endpoints: [\"http://no-such-host.invalid:" + str(w.port) + "\"], "
            "answers: {A: [" + w.web["b"].host + "]}"))
        expect(w.command("check", seconds=60), 2, "no-such-host.invalid")


def check_is_live_on_a_terminal():
    with World() as w:
        own, theirs = os.openpty()
        done = subprocess.Popen(
            [str(POINTSMAN), "check", "-c", str(w.config)], stdout=theirs,
            env=w.agent.env)
        os.close(theirs)
        seen = b""
        while True:
            try:
                got = os.read(own, 65536)
            except OSError:
                break
            if not got:
                break
            seen += got
        os.close(own)
        assert done.wait(30) == 0
        assert b"\x1b[3A" in seen and seen.count(b"SERVICE") > 1, seen


# ---- plan ---------------------------------------------------------------------------

def writes(w):
    """Every request that could have written, refused ones included."""
    return [r for r in w.lab.requests()
            if "actions" in r or r.get("method") not in ("GET", None)]


def plan(w, status, *words):
    before = len(writes(w))
    got = json.loads(expect(w.command("plan", "--json", *words, seconds=90), status))
    assert len(writes(w)) == before, "plan wrote"
    return got["services"][0]


def as_planned(w, planned, seconds=60):
    """The running agent does what was planned, to the letter."""
    wanted = [e["new"] for e in planned["edits"] if e["new"]]

    def there():
        state = w.lab.state()
        for text in wanted:
            name, kind, set_id, _, weight, _, ttl, *values = text.split()
            found = state.find(name + ".", kind, set_id)
            if not found or found["policy"] != f"weighted={weight}" or \
                    found["ttl"] != int(ttl) or found["values"] != values:
                return False
        return w.ledger(state) and w.ledger(state).epoch >= planned["epoch_next"]
    wait_for(there, seconds, "the plan")


def plan_is_what_the_agent_does():
    with World() as w:
        first = plan(w, 1)
        assert first["what"] == "create" and first["epoch_next"] == 1, first
        assert [e["old"] for e in first["edits"]] == [None, None], first
        w.agent.start()
        as_planned(w, first)
        w.agent.wait("committed")
        assert plan(w, 0)["answer"] == "nothing"
        w.agent.stop()
        w.web["b"].do("refuse")
        drain = plan(w, 1)
        assert drain["what"] == "drain b" and len(drain["edits"]) == 1, drain
        text = expect(w.command("plan"), 1)
        assert f"- {NAME} A b weight 100" in text and f"+ {NAME} A b weight 0" in text, text
        assert "b: in weight 100 -> out weight 0" in text, text
        w.agent.start()
        as_planned(w, drain)
        w.agent.stop()
        w.web["b"].do("listen")
        back = plan(w, 1)
        assert back["what"] == "return b", back
        w.agent.start()
        as_planned(w, back)


def plan_says_why_nothing_is_done():
    with World() as w:
        w.begin()
        w.agent.stop()
        for web in w.web.values():
            web.do("refuse")
        got = plan(w, 0)
        assert got["answer"] == "nothing" and not got["edits"] and got["text"], got


def plan_of_records_without_a_ledger():
    with World() as w:
        w.lab.change(("CREATE", rrset(NAME, "A", w.web["a"].host, ttl=60,
                                      SetIdentifier="a", Weight=10)))
        got = plan(w, 1)
        assert (got["answer"], got["needs"]) == ("stands", "adopt"), got
        old = [e["old"] for e in got["edits"] if e["old"]]
        assert old == [f"{NAME} A a weight 10 ttl 60 {w.web['a'].host}"], got
        w.agent.start()
        w.agent.wait("not_adopted")
        # Without a terminal and without --yes nobody was asked.
        expect(w.command("adopt", "www"), 2, "--yes")
        assert w.ledger() is None and len(writes(w)) == 1
        wait_for(lambda: all(m["verdict"] == "UP" for m in
                             w.status()["services"][0]["members"]))
        expect(w.command("adopt", "www", "--yes", "--reason", "ours now"), 0, "done")
        as_planned(w, got)
        assert w.agent.wait("order", value="adopt", text="because: ours now")


def plan_after_a_hand_edit():
    with World() as w:
        w.begin()
        host = w.web["a"].host
        w.lab.edit(("DELETE", rrset(NAME, "A", host, ttl=1, SetIdentifier="a", Weight=100)),
                   ("CREATE", rrset(NAME, "A", host, ttl=1, SetIdentifier="a", Weight=7)))
        got = plan(w, 1)
        assert (got["answer"], got["needs"]) == ("stands", "unfreeze"), got
        expect(w.command("unfreeze", "www"), 0, "done")
        as_planned(w, got)


def plan_of_a_new_configuration():
    """Another file's weights, before the agent has them."""
    with World() as w:
        w.begin()
        w.agent.stop()
        w.weight = {"b": 30}
        w.write_config()
        got = plan(w, 1)
        assert [e["new"] for e in got["edits"]] == [
            f"{NAME} A b weight 30 ttl 1 {w.web['b'].host}"], got
        w.agent.start()
        as_planned(w, got)


def plan_in_observe_mode():
    with World(mode="observe") as w:
        got = plan(w, 1)
        assert got["observe"] and got["what"] == "create", got
        assert "observe" in expect(w.command("plan"), 1)
        w.agent.start()
        w.agent.wait("decided", value="create")
        assert not w.lab.state().find(NAME + ".", "A", "a")
        expect(w.command("drain", "www/a"), 1, "observe")
        assert not writes(w)


def plan_writes_nothing_under_any_fault():
    with World() as w:
        w.begin()
        w.agent.stop()
        w.web["b"].do("refuse")     # so that there is something to write
        before = len(writes(w))
        for fault in ("throttle=3", "error=503&count=2", "error=500&count=1&applied=1",
                      "stale-list=1", "slow=300", "clock=400", "clock=-400", "old-errors=on",
                      "lose-answer=3", "late=100&count=3", "prior=3"):
            w.lab.fault(fault)
            got = w.command("plan", "--json", seconds=90)
            assert got[0] in (1, 2), (fault, got)
            w.lab.clear()
        w.lab.fault("outage=on")
        got = json.loads(expect(w.command("plan", "--json", seconds=90), 2))
        assert got["services"][0]["answer"] == "cannot" and got["services"][0]["text"], got
        w.lab.clear()
        w.agent.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
        expect(w.command("plan", seconds=90), 2)
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"):
            del w.agent.env[name]
        expect(w.command("plan", seconds=90), 2)
        assert len(writes(w)) == before


class PlanCannotWrite(unittest.TestCase):
    def test_nothing_that_it_is_made_of_refers_to_a_change(self):
        for name in ("cmd_plan.c", "plan.c", "zone_once.c", "zone_sets.c", "probe_once.c"):
            text = (SOURCE / "steering/agent" / name).read_text()
            self.assertNotIn("provider_change", text, name)
            self.assertNotIn("provider_check_make", text, name)


# ---- status and orders --------------------------------------------------------------

def status_tells_the_chain():
    with World() as w:
        w.begin()
        w.web["b"].do("503")
        w.wait_weights(a=100, b=0)
        w.agent.wait("answered", epoch=str(w.ledger().epoch))
        got = w.status()
        service = got["services"][0]
        a, b = service["members"]
        assert (got["agent"], got["cluster"], got["solo"]) == ("one", "test", True), got
        assert got["workers"] == {"configured": 1, "alive": 1}, got
        assert service["ledger"]["epoch"] == w.ledger().epoch, service
        assert (a["state"], a["weight"], a["verdict"]) == ("in", 100, "UP"), a
        assert (b["state"], b["weight"], b["verdict"]) == ("out", 0, "DOWN"), b
        assert b["votes"]["down"] == 1 and b["addresses"][0]["state"] == "down", b
        assert w.web["b"].host == b["addresses"][0]["address"], b
        assert "DOWN" in b["why"] and service["cannot"] == "", service
        last = service["changes"][-1]
        assert (last["what"], last["member"], last["result"]) == \
            ("drain", "b", "committed"), last
        marks = [last[k] for k in ("fault", "verdict", "sent", "done", "insync", "answered")]
        assert None not in marks and marks == sorted(marks), last
        assert 0 < last["fault_to_committed_ms"] <= last["fault_to_answered_ms"], last
        text = expect(w.command("status", "www"), 0)
        assert re.search(r"(?m)^  b +out +0/100 +DOWN ", text), text
        assert "after the fault, answered" in text, text
        expect(w.command("status", "wwww"), 2, "did you mean 'www'?")
        w.agent.stop()
        expect(w.command("status"), 2, "is it running?")
        history = expect(w.command("history", "-n", "200", "www"), 0)
        for word in ("fault", "verdict", "change_sent", "committed", "answered"):
            assert f"fact={word} " in history, history
        rows = json.loads(expect(w.command("history", "--json", "--count", "3"), 0))
        assert len(rows) == 3 and rows[-1]["fact"] == "stopped", rows


def orders_go_to_the_ledger():
    with World(members=("a", "b", "c")) as w:
        w.begin()
        epoch = w.ledger().epoch
        expect(w.command("drain", "www/b", "--for", "1h", "--reason", "disk \"x\"\n=y"), 0,
               "done")
        w.wait_weights(a=100, b=0, c=100)
        assert w.ledger().epoch > epoch
        member = w.status()["services"][0]["members"][1]
        assert member["state"] == "drained" and member["drain"]["until"], member
        assert "drained until" in expect(w.command("status"), 0)
        # Who and why stand in the log; not in public DNS.
        fact = w.agent.wait("order", value="drain", text="because: disk")
        assert f"uid {os.geteuid()}" in fact["text"] and "3600 s" in fact["text"], fact
        assert "disk" not in w.ledger().text
        expect(w.command("undrain", "--site", "b"), 0, "done")
        wait_for(lambda: w.sets()["b"] > 0)
        expect(w.command("undrain", "www/b"), 1, "in already")
        expect(w.command("ack", "www/b"), 1, "not latched")
        expect(w.command("pin", "www/c", "--for", "5m"), 0, "done")
        w.web["c"].do("refuse")
        w.agent.wait("verdict", member="c", value="DOWN")
        w.agent.wait("blocked", member="c", value="pinned")
        expect(w.command("unpin", "www/c"), 0, "done")
        wait_for(lambda: w.sets()["c"] == 0)
        # The floor binds the operator too.
        expect(w.command("drain", "www/a"), 0)
        expect(w.command("drain", "www/b"), 1, "would be left")


def freeze_stops_automatic_changes():
    with World() as w:
        w.begin()
        expect(w.command("freeze", "--all", "--for", "10m"), 0, "done")
        w.web["b"].do("refuse")
        w.agent.wait("blocked", member="b", value="frozen")
        before = len(w.changes())
        time.sleep(0.5)
        assert len(w.changes()) == before and w.sets() == {"a": 100, "b": 100}
        answer = json.loads(expect(w.command("unfreeze", "www", "--json"), 0))
        assert answer["ok"] and answer["services"][0]["service"] == "www", answer
        w.wait_weights(a=100, b=0)


def orders_without_the_api():
    """A freeze works at once; its way into the ledger is waited for, then left."""
    with World() as w:
        w.begin()
        w.lab.fault("outage=on")
        # An order that cannot be written keeps no freeze off, and a freeze that the zone
        # never heard of is taken back.
        expect(w.command("drain", "www/b", seconds=40), 2, "goes on by itself")
        since = w.agent.mark()
        expect(w.command("freeze", "www", seconds=40), 2, "stands still")
        assert w.agent.find("order_refused", since, value="drain")
        expect(w.command("unfreeze", "www"), 0, "taken back")
        expect(w.command("freeze", "www", seconds=40), 2, "stands still")
        expect(w.command("drain", "www/b"), 1, "another order")
        w.lab.clear()
        wait_for(lambda: re.search(r" f=[0-9a-f]+[:.]", w.ledger().text), 60, "the freeze")


def orders_aim_well():
    with World() as w:
        for words, text in [
                (("drain",), "needs"), (("drain", "www"), "is about a member"),
                (("drain", "www/a", "--site", "a"), "needs"),
                (("drain", "www/aa"), "did you mean 'a'?"),
                (("drain", "ww/a"), "did you mean 'www'?"),
                (("freeze", "www/a"), "whole service"), (("freeze",), "--all"),
                (("drain", "www/a", "--for", "5"), "no unit"),
                (("drain", "www/a", "--for", "10ms"), "less than a second"),
                (("drain", "www/a"), "is it running?")]:
            expect(w.command(*words), 2, text)
        w.begin()
        expect(w.command("drain", "--site", "nowhere"), 1, "no service has a member")
        expect(w.command("drain", "www/a", "--for", "400d"), 1, "a year")


def the_control_socket_is_private():
    with World() as w:
        w.begin()
        path = w.folder / "control.sock"
        assert path.stat().st_mode & 0o777 == 0o600

        def ask(data):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(20)
                s.connect(str(path))
                s.sendall(data)
                got = b""
                while True:
                    more = s.recv(65536)
                    if not more:
                        return json.loads(got)
                    got += more

        for data in (b"hello\n", b"[]\n", b"{}\n", b'{"command": 7}\n',
                     b'{"command": "drain", "command": "freeze"}\n',
                     b'{"command": "reboot"}\n', b'{"command": "drain"}\n',
                     b'{"command": "drain", "service": "www", "member": "a", "for_s": -1}\n',
                     b'{"command": "freeze", "service": "www", "member": "a"}\n',
                     b'{"command": "ack", "service": "www", "member": "zz"}\n',
                     b'{"command": "' + b"x" * 300 + b'"}\n', b"[" * 100 + b"\n",
                     b"x" * 5000):
            answer = ask(data)
            assert answer["ok"] is False and answer["text"], (data, answer)
        assert ask(b'{"command": "status"}\n')["ok"] is True
        # One that never asks is cut off, and holds up nobody.
        with socket.socket(socket.AF_UNIX) as mute:
            mute.settimeout(20)
            mute.connect(str(path))
            assert w.status()["agent"] == "one"
            assert mute.recv(100) == b""
        if os.geteuid() == 0:
            os.chmod(path, 0o666)
            os.chmod(w.folder, 0o755)
            done = subprocess.run(
                ["/usr/bin/python3", "-c",
                 "import os, socket, sys; os.setuid(65534); s = socket.socket(1);"
                 f"s.connect({str(path)!r}); s.sendall(b'{{\"command\": \"status\"}}\\n');"
                 "sys.exit(len(s.recv(100)) != 0)"],
                stderr=subprocess.PIPE, timeout=30)
            # Refused by the credentials: nothing, or a reset.
            assert done.returncode == 0 or b"Reset" in done.stderr or \
                b"Broken" in done.stderr, done
        w.agent.stop()
        assert not path.exists()


def a_left_over_socket_is_no_obstacle():
    with World() as w:
        w.agent.start()
        w.agent.wait("committed")
        w.agent.kill()
        assert (w.folder / "control.sock").exists()
        w.agent.start()
        wait_for(lambda: w.command("status")[0] == 0)


class Commands(unittest.TestCase):
    def test_side_by_side(self):
        parallel(*[job for name, job in sorted(globals().items())
                   if callable(job) and name.split("_")[0] in (
                       "check", "status", "orders", "freeze", "the", "a")], at_once=6)

    def test_plan(self):
        parallel(*[job for name, job in sorted(globals().items())
                   if callable(job) and name.startswith("plan_")], at_once=6)


if __name__ == "__main__":
    main()
