#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: timeout=240
"""Recovery scenarios with real processes: each kind over and back; steps that hang, fail,
answer garbage or come too late; orders that are refused, and that are given at any agent.

Files stand in for databases (side.py): an act and its fence are one transaction there, and
two open sides are written down as they happen.
"""
import json
import subprocess
import sys
import threading
import unittest

from mesh import rests
from scenario import BACK, COLD, OVER, SIDE, Scenario
from world import main, parallel, wait_for


def over(s):
    """A disaster at fra, and the way over; multi-site begins by itself."""
    s.site_dies("fra")
    if s.kind != "multi-site":
        s.order("failover", "--reason", "fra burns", agent="iad")
    else:                   # steering points away first, and then the run begins
        s.wait(lambda n: n["way"] == "failover" or s.acts(), 60, "begun")
    if s.kind in COLD:      # the machines there come up when they are made
        wait_for(lambda: "provision iad" in s.acts(), 60)
        s.web["iad"].do("listen")
    s.wait_done("iad")


def back(s):
    s.web["fra"].do("listen")
    s.revive("fra")
    s.order("failback", "--reason", "fra is built again", agent="wit")
    s.wait_done("fra")


def whole(kind):
    def job():
        trigger = "automatic" if kind == "multi-site" else "command"
        with Scenario(kind, trigger=trigger) as s:
            s.begin()
            over(s)
            assert s.acts() == OVER[kind], s.acts()
            back(s)
            assert s.acts() == OVER[kind] + BACK[kind], s.acts()
            fences = [int(line.split()[2]) for line in s.log_of_acts()]
            assert fences == sorted(set(fences)), fences
            if kind in COLD:
                assert s.sets()["iad"] == 0
            if kind == "multi-site":
                s.wait_weights(40, fra=100, iad=100)
    job.__name__ = kind
    return job


def approvals():
    """Asked at one agent, given at another; who and why is a fact, never in the zone."""
    with Scenario("warm-standby", trigger="approval") as s:
        s.begin()
        s.site_dies("fra")
        s.wait_state("begin", "asks")
        now = s.now()
        assert any("approve" in c for c in now["commands"]), now
        rests(s.acts, 1, "an act without approval")
        other = "wit" if s.runner() == "iad" else "iad"
        s.order("approve", "--reason", "the secret word is shibboleth", agent=other)
        s.wait_done("iad")
        assert s.agent[other].find("order", text="shibboleth"), s.logs()
        assert s.agent[other].find("order", text="asked by root (uid 0)") or \
            s.agent[other].find("order", text="asked by "), s.logs()
        assert "shibboleth" not in json.dumps(s.lab.requests()), "it went into the zone"


def troubles():
    """A step that fails and is repeated; one that hangs, whose late copy its fence shuts
    out; one that prints garbage; one that fails for good, and waits for an operator."""
    with Scenario("warm-standby", timeout=2, extra={
            "scale_up": "timeout: 2s", "scale_out": "timeout: 2s, retries: 1"}) as s:
        s.begin()
        s.trouble("before", "fence", "once")
        s.trouble("before", "scale_out", "garbage")
        s.trouble("before", "scale_up", "fail")
        s.trouble("before", "promote", "hang")
        s.site_dies("fra")
        s.order("failover")
        s.wait_state("scale_up", "failed")
        now = s.now(s.runner())
        step = next(x for x in now["steps"] if x["step"] == "scale_up")
        assert "this went wrong" in step["output"], step
        assert any("retry" in c for c in now["commands"]), now
        code, text = s.agent["iad"].command("status")
        assert code == 0 and "this went wrong" in text + s.agent["wit"].command(
            "status")[1], text
        rests(s.acts, 1, "a failed step was passed")
        s.order("skip", "--reason", "large enough")
        s.wait_at("promote")
        s.trouble("before", "promote", None)
        s.wait_done("iad")
        assert s.acts() == ["fence fra", "scale_out iad", "promote iad"], s.acts()
        fence = int(s.log_of_acts()[-1].split()[2])
        late = subprocess.run([sys.executable, str(SIDE), str(s.side), "promote", "iad",
                               str(fence - 1)], stdout=subprocess.PIPE, text=True)
        assert late.returncode == 9 and "refused" in late.stdout, late
        s.check({"iad"})


def refusals():
    """A fail-back that would lose data, with the number; words that fit nothing."""
    with Scenario("warm-standby", steps={"reverse": '{none: "by hand"}'}) as s:
        s.begin()
        code, text = s.order("failback", good=False)
        assert code == 1, text
        for word in ("approve", "retry", "skip", "abort"):
            code, text = s.order(word, "--reason", "x", good=False)
            assert code == 1 and "no run" in text, text
        code, text = s.order("failover", scenario="shop", good=False)
        assert code == 2 and "did you mean 'shop-dr'" in text, text
        code, text = s.order("drill", good=False)
        assert code == 1 and "cannot be drilled" in text, text
        over(s)
        s.lag(42)
        wait_for(lambda: (s.now("wit")["exposure_ms"] or 0) >= 42000, 20)
        s.web["fra"].do("listen")
        s.revive("fra")
        def answered():     # a busy machine may take longer than a command waits
            code, text = s.order("failback", agent="wit", good=False)
            assert code != 0, text
            return code == 1 and "42" in text and "10" in text
        wait_for(answered, 60)
        code, text = s.order("failback", "--json", agent="wit", good=False)
        assert code == 1 and not json.loads(text)["ok"], text
        assert s.acts() == OVER["warm-standby"], s.acts()
        s.lag(0)
        wait_for(lambda: s.now("wit")["exposure_ms"] == 0, 20)
        s.order("failback", agent="wit")
        s.wait_done("fra")


def dry_run():
    """Every step, and nothing is written."""
    with Scenario("warm-standby", more="drill: command") as s:
        s.begin()
        was = s.ledger().text
        for words in (["failover"], ["failover", "--planned"], ["failback"], ["drill"]):
            code, text = s.order(*words, "--dry-run", good=False)
            assert code == 0, text
            assert "an abort here" in text, text
        code, text = s.order("failover", "--dry-run", "--json", good=False)
        plan = json.loads(text)
        assert [x["step"] for x in plan["steps"]] == [
            "fence", "scale_out", "scale_up", "promote", "ready", "repoint"], plan
        assert "promote iad" in plan["steps"][3]["does"], plan["steps"][3]
        assert plan["steps"][3]["gate"].startswith("fra is closed"), plan["steps"][3]
        assert plan["steps"][3]["timeout_s"] == 4, plan["steps"][3]
        code, text = s.agent["iad"].command("drill", "shop-dr", "--dry-run")
        assert "left out: fence" in text and "left out: promote" in text, text
        rests(lambda: s.ledger().text == was and s.acts() == [], 1, "it did something")
        aborts(s)


def aborts(s):
    """A planned switch-over, given up before and after the other side was opened."""
    s.trouble("after", "freeze", "pause")
    s.order("failover", "--planned")
    s.wait_at("freeze")
    s.order("abort", "--reason", "not today")
    s.trouble("after", "freeze", None)
    s.wait_done("fra")
    assert "promote iad" not in s.acts(), s.acts()
    s.trouble("after", "promote", "pause")
    s.order("failover", "--planned")
    s.wait_at("promote")
    s.web["iad"].do("refuse")
    s.trouble("after", "promote", None)
    s.wait_state("ready", "gate")
    s.check({"iad"})
    s.order("abort", "--reason", "iad does not come up")
    s.wait_done("fra")
    assert s.acts()[-2:] == ["freeze iad", "unfreeze fra"], s.acts()


def drills():
    """On the shadow name: no side is touched, and the service's own records stay."""
    with Scenario("warm-standby", more="drill: weekly") as s:
        s.begin()
        wait_for(lambda: all(a.service("www-drill")["cannot"] == ""
                             for a in s.living()), 40)
        was = s.ledger().text
        s.order("drill", "--reason", "a rehearsal")
        wait_for(lambda: "scale_up iad" in s.acts(), 40)
        s.wait(lambda n: n["way"] == "none", 60, "the drill over")
        assert s.acts() == ["scale_out iad", "scale_up iad"], s.acts()
        assert s.sides() == {"fra"} and s.points() == "fra"
        assert s.ledger().text == was, "the service's own ledger moved"
        for agent in s.living():
            assert agent.find("run", service="www-drill", address="ended"), s.logs()


def unwritable():
    """What the journal does not take is not begun."""
    with Scenario("warm-standby", retries=0) as s:
        s.begin()
        pids = [str(s.agent[n].process.pid) for n in ("iad", "wit")]
        s.site_dies("fra")
        for pid in pids:
            subprocess.run(["prlimit", "--pid", pid, "--fsize=4096:"], check=True)
        s.order("failover")
        s.wait_state("fence", "failed")
        assert s.acts() == [], s.acts()
        step = s.now(s.runner())["steps"][0]
        assert "journal" in step["text"] and "not started" in step["text"], step
        for pid in pids:
            subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:"], check=True)
        s.order("retry", "--reason", "there is room again")
        s.wait_done("iad")


def killed(when, act):
    """The runner dies before an act, or after it: another goes on."""
    def job():
        with Scenario("warm-standby") as s:
            s.begin()
            s.web["fra"].do("refuse")
            s.trouble(when, act, "pause")
            s.order("failover")
            s.wait_at(act)
            gone = s.kill_runner()
            s.trouble(when, act, None)
            s.wait_done("iad", 90)
            done = [a for i, a in enumerate(s.acts()) if i == 0 or s.acts()[i - 1] != a]
            assert done == OVER["warm-standby"], s.acts()
            assert s.living()[0].name != gone
    job.__name__ = f"killed_{when}_{act}"
    return job


class Scenarios(unittest.TestCase):
    def test_all(self):
        parallel(*[whole(kind) for kind in OVER], approvals, troubles, refusals, dry_run,
                 drills, unwritable, killed("after", "promote"), at_once=4)


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    main()
