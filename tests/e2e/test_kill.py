#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: serial
# ctest: timeout=240
"""kill -9 a hundred times, and most of them while a change is under way.

Worlds run side by side, each with a zone of its own. In each, one member's health is
turned so that the agent has something to write, and the agent is killed: most often a
moment after it said that a change leaves, while the lab holds the answer back or
applies the change only later, sometimes at any moment. A watcher reads the zone all the
while, and every version that it sees must be whole: a record set never fewer, the
records of one writer's ledger, an epoch never back.
"""
import os
import random
import threading
import time
import unittest

from world import World, main, parallel

WORLDS = 7
KILLS = 15              # in each
IN_FLIGHT_MIN = 40
KILLS_MIN = 100
SEED = int(os.environ.get("KILL_SEED", "20261124"))
BINS = [0, 20, 50, 100, 200, 400, 10000]    # ms after the change left


class Watcher(threading.Thread):
    """Every version of the zone that it meets, checked."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.world, self.over, self.problem = world, False, None
        self.versions = {}
        self.names_before = set()
        self.epoch = 0

    def look(self):
        state = self.world.lab.state()
        sets, ledger = self.world.sets(state), self.world.ledger(state)
        names = {(s["name"], s["type"], s["set_id"]) for s in state.sets}
        gone = self.names_before - names
        assert not gone, f"record sets are gone: {gone}"
        self.names_before = names
        if ledger is None:
            assert not sets, f"records without their ledger: {sets}"
            return
        assert ledger.epoch >= self.epoch, f"epoch {ledger.epoch} after {self.epoch}"
        self.epoch = ledger.epoch
        assert sets == ledger.weights(), \
            f"two writers' work: records {sets}, ledger {ledger.text}"
        assert any(sets.values()), f"nothing can answer: {sets}"
        text = self.versions.setdefault(ledger.epoch, ledger.text)
        assert text == ledger.text, f"two versions of one epoch: {text} / {ledger.text}"

    def run(self):
        while not self.over:
            try:
                self.look()
            except AssertionError as e:
                self.problem = str(e)
                return
            except OSError:
                return
            time.sleep(0.02)

    def check(self):
        assert self.problem is None, self.problem
        self.look()


class Story:
    """One world's kills."""

    def __init__(self, number):
        self.random = random.Random(SEED + number)
        self.number = number
        self.after_ms = []          # of kills with a change under way
        self.idle = 0
        self.kills = 0
        self.well = True
        self.received_before = 0

    def __call__(self):
        with World() as w:
            watcher = Watcher(w)
            watcher.start()
            for _ in range(KILLS):
                self.kill_once(w)
                watcher.check()
            w.lab.clear()
            self.settle(w, watcher)
            watcher.over = True
            watcher.join()
            watcher.check()

    def turn(self, w):
        """Gives the agent something to write: b's health turns."""
        self.well = not self.well
        w.web["b"].do("200" if self.well else "503")

    def slow(self, w):
        """The answer is held back, or the change itself comes late."""
        if self.random.random() < 0.5:
            w.lab.fault("clear=1")
            w.lab.fault("slow=%d" % self.random.choice((150, 300, 450)))
        else:
            w.lab.fault("clear=1")
            w.lab.fault("late=%d&count=1" % self.random.choice((100, 300, 1500, 4000)))

    def kill_once(self, w):
        agent = w.agent
        sets = w.sets()
        steady = sets and sets["b"] == (100 if self.well else 0)
        if steady:
            self.turn(w)
        since = agent.mark()
        self.received_before = self.received(w)
        agent.start()
        if self.random.random() < 0.2:
            time.sleep(self.random.uniform(0, 2.5))
            self.kill(w, since)
            return
        agent.wait("started", since=since)
        self.slow(w)
        try:
            agent.wait("change_sent", 5, since=since)
        except AssertionError:
            self.kill(w, since)     # a hold or a budget: nothing was due
            return
        time.sleep(self.random.choice((0, .003, .01, .03, .07, .15, .3)))
        self.kill(w, since)

    def kill(self, w, since):
        agent = w.agent
        agent.process.kill()
        killed = time.time()
        agent.kill()
        self.kills += 1
        sent = agent.find("change_sent", since=since)
        nonces = {f["nonce"] for f in sent}
        ends = [f for kind in ("committed", "lost", "busy", "refused", "unknown_outcome")
                for f in agent.find(kind, since=since) if f.get("nonce") in nonces]
        time.sleep(0.03)        # what had left the agent has arrived by now
        if self.received(w) - self.received_before > len(ends):
            self.after_ms.append(max(0, killed - sent[-1]["heard"]) * 1000)
        else:
            self.idle += 1

    def received(self, w):
        """Changes that have reached the lab, whatever became of them."""
        return len([r for r in w.lab.requests() if r["method"] == "POST"
                    and r["path"].endswith("/rrset/") and r["fault"] != "late-applied"])

    def settle(self, w, watcher):
        """Left alone, it steers on: b is where its health wants it."""
        if self.well:
            self.turn(w)
        since = w.agent.mark()
        w.agent.start()
        w.agent.wait("verdict", member="b", value="DOWN", since=since)
        w.wait_weights(30, a=100, b=0)
        watcher.check()


class Kill(unittest.TestCase):
    def test_a_hundred_times(self):
        stories = [Story(n) for n in range(WORLDS)]
        parallel(*stories, at_once=WORLDS)
        after_ms = [ms for s in stories for ms in s.after_ms]
        kills = sum(s.kills for s in stories)
        print(f"killed {kills} times, {len(after_ms)} of them with a change under way "
              f"(seed {SEED})")
        print(f"  no change under way: {sum(s.idle for s in stories)}")
        for low, high in zip(BINS, BINS[1:]):
            n = sum(low <= ms < high for ms in after_ms)
            print(f"  {low:5d} to {high:5d} ms after it left: {n:3d} {'#' * n}")
        self.assertGreaterEqual(kills, KILLS_MIN)
        self.assertGreaterEqual(len(after_ms), IN_FLIGHT_MIN)


if __name__ == "__main__":
    main()
