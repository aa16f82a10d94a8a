#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: heavy
# ctest: timeout=1200
"""The runner of a scenario is killed at every step, before and after its act, on both
ways; sites come back in the middle; two disasters at once. With POINTSMAN_ALL=1."""
import os
import sys
import unittest

from mesh import rests
from scenario import BACK, COLD, OVER, Scenario
from test_scenario import over
from world import main, parallel, wait_for

if os.environ.get("POINTSMAN_ALL") != "1":
    print("skipped: minutes of kills; POINTSMAN_ALL=1 runs it")
    sys.exit(77)


def folded(acts):
    return [a for i, a in enumerate(acts) if i == 0 or acts[i - 1] != a]


def killed_over(kind, act, when):
    def job():
        with Scenario(kind) as s:
            s.begin()
            s.web["fra"].do("refuse")
            s.trouble(when, act, "pause")
            s.order("failover")
            s.wait_at(act)
            s.kill_runner()
            s.trouble(when, act, None)
            if kind in COLD:
                wait_for(lambda: "provision iad" in s.acts(), 90)
                s.web["iad"].do("listen")
            s.wait_done("iad", 90)
            assert folded(s.acts()) == OVER[kind], s.acts()
    job.__name__ = f"{kind}_over_{when}_{act}"
    return job


def killed_back(kind, act, when):
    def job():
        with Scenario(kind) as s:
            s.begin()
            over(s)
            s.web["fra"].do("listen")
            s.revive("fra")
            s.trouble(when, act, "pause")
            s.order("failback", agent="wit")
            s.wait_at(act)
            s.kill_runner()
            s.trouble(when, act, None)
            s.wait_done("fra", 90)
            assert folded(s.acts()) == OVER[kind] + BACK[kind], s.acts()
    job.__name__ = f"{kind}_back_{when}_{act}"
    return job


def killed_at_gate():
    """… while it waits for ready: the records stay until the site answers."""
    with Scenario("warm-standby") as s:
        s.begin()
        s.web["iad"].do("refuse")
        s.web["fra"].do("refuse")
        s.order("failover")
        s.wait_state("ready", "gate")
        s.kill_runner()
        rests(s.points, 5, "it was repointed to a site that is down")
        s.web["iad"].do("listen")
        s.wait_done("iad", 90)


def comes_back():
    """The primary answers again in the middle: it stays closed."""
    with Scenario("warm-standby") as s:
        s.begin()
        s.site_dies("fra", agent=False)
        s.trouble("before", "promote", "pause")
        s.order("failover")
        s.wait_at("promote")
        s.web["fra"].do("listen")
        s.trouble("before", "promote", None)
        s.wait_done("iad")
        rests(s.points, 5, "it went back by itself")
        s.check({"iad"})


def two_disasters():
    """The recovery site fails while it takes over, and an agent with it."""
    with Scenario("warm-standby") as s:
        s.begin()
        s.site_dies("fra", agent=False)
        s.trouble("after", "promote", "pause")
        s.order("failover")
        s.wait_at("promote")
        s.web["iad"].do("refuse")
        s.agent["iad"].kill()
        s.trouble("after", "promote", None)
        rests(s.points, 8, "it was repointed to a dead site")
        s.check()
        s.web["iad"].do("listen")
        s.revive("iad")
        s.wait_done("iad", 90)


def no_quorum():
    """Two of three agents die in the middle: the third does nothing; they come back."""
    with Scenario("warm-standby") as s:
        s.begin()
        s.site_dies("fra", agent=False)
        s.trouble("before", "scale_up", "pause")
        s.order("failover")
        s.wait_at("scale_up")
        gone = [n for n in s.names if n != s.runner()]
        for name in gone:
            s.agent[name].kill()
        # Before that their last reports are still fresh, and count.
        wait_for(lambda: s.living()[0].hears() == 1, 10)
        s.trouble("before", "scale_up", None)
        rests(lambda: "promote iad" in s.acts(), 20, "it was opened without a quorum")
        s.revive(*gone)
        s.wait_done("iad", 90)
        assert folded(s.acts()) == OVER["warm-standby"], s.acts()


class Kills(unittest.TestCase):
    def test_over(self):
        parallel(*[killed_over("warm-standby", a.split()[0], when)
                   for a in OVER["warm-standby"] for when in ("before", "after")],
                 killed_over("backup-restore", "restore", "after"), at_once=4)

    def test_back(self):
        parallel(*[killed_back("warm-standby", a.split()[0], when)
                   for a in BACK["warm-standby"] for when in ("before", "after")], at_once=4)

    def test_the_world(self):
        parallel(killed_at_gate, comes_back, two_disasters, no_quorum, at_once=4)


if __name__ == "__main__":
    main()
