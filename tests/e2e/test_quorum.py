#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""Agents whose ways to each other and to the zone break: what moves, who writes and how
often, and what a resolver sees meanwhile. Each world is broken through a fault proxy, on
loopback; the fast profile, all side by side.
"""
import signal
import time
import unittest

from faulty import FaultyMesh
from mesh import make_authority, make_certificate, rests
from world import main, parallel, wait_for


def moved(m):
    """Who wrote, and that it was one batch since the creation."""
    rests(lambda: len(m.changes()), 1.5, "a change too many")
    moves = m.moves()
    assert len(moves) == 2, moves
    return m.writer()


def cut_from_peers(m, name, state="hole"):
    m.net.fault(m.ways(name, peers=True, heard=True), state)


def cannot(m, name, word, seconds=15):
    try:
        wait_for(lambda: m.agent[name].service()["cannot"] == word, seconds)
    except AssertionError:
        raise AssertionError(f"{name} says {m.agent[name].service()['cannot']!r}, not "
                             f"{word!r}\n{m.logs()}") from None


# ---- one agent cut off

def from_its_peers_but_not_from_the_zone():
    with FaultyMesh() as m:
        m.begin()
        cut_from_peers(m, "a")
        cannot(m, "a", "abstaining")
        for name in ("b", "w"):
            wait_for(lambda: not m.peer(name, "a")["heard"], 10)
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert moved(m) in ("b", "w")
        # It reads what they wrote, and says why it does nothing itself.
        wait_for(lambda: m.agent["a"].service()["ledger"]["epoch"] == m.ledger().epoch, 30)
        assert "hears 1 of 3 agents" in m.agent["a"].command("status")[1]
        m.heal()
        m.wait_heard()
        cannot(m, "a", "")
        moved(m)


def alone_with_the_zone_it_drains_nothing():
    """What only the one who is cut off sees down stays in."""
    with FaultyMesh() as m:
        m.begin()
        cut_from_peers(m, "a", "refuse")
        cannot(m, "a", "abstaining")
        m.agent["b"].process.send_signal(signal.SIGSTOP)
        m.agent["w"].process.send_signal(signal.SIGSTOP)
        m.web["b"].kill()
        m.agent["a"].wait("address_down", member="b")
        rests(m.changes, 2, "alone it wrote")
        m.agent["b"].process.send_signal(signal.SIGCONT)
        m.agent["w"].process.send_signal(signal.SIGCONT)
        m.wait_weights(a=100, b=0)
        assert moved(m) in ("b", "w")


def from_the_zone_but_not_from_its_peers():
    """Whose turn it would be has no way to the zone: it says so, and the next writes."""
    with FaultyMesh() as m:
        m.begin()
        first = next(n for n in m.ranked() if n != "b")
        m.net.fault(m.ways(first, zone=True), "hole")
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert moved(m) != first, m.writer()
        m.heal()
        wait_for(lambda: m.agent[first].service()["ledger"]["epoch"] == m.ledger().epoch, 60)
        cannot(m, first, "")
        moved(m)


def everybody_from_the_zone():
    """Nothing can be written; when the zone is back, it is, once."""
    with FaultyMesh() as m:
        m.begin()
        for name in m.names:
            m.net.fault(m.ways(name, zone=True), "refuse")
        m.web["b"].kill()
        for name in m.names:
            m.agent[name].wait("verdict", member="b", value="DOWN")
        rests(m.sets, 1.5, "who wrote?")
        m.heal()
        m.wait_weights(40, a=100, b=0)
        moved(m)


# ---- ways that lead in one direction

def nobody_hears_it():
    """a hears the others, who do not hear it: its votes count for nothing, theirs do."""
    with FaultyMesh() as m:
        m.begin()
        m.net.fault(m.ways("a", peers=True), "hole")
        for name in ("b", "w"):
            wait_for(lambda: not m.peer(name, "a")["heard"], 10)
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert moved(m) in ("b", "w")


def it_hears_nobody():
    """The others hear a, who does not hear them: no report of its quotes theirs, so its
    age cannot be known, and it counts for nothing."""
    with FaultyMesh() as m:
        m.begin()
        m.net.fault(m.ways("a", heard=True), "hole")
        cannot(m, "a", "abstaining")
        for name in ("b", "w"):
            wait_for(lambda: not m.peer(name, "a")["heard"], 10)
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert moved(m) in ("b", "w")


def one_way_of_six():
    """b does not reach a; both reach w. Two of three are still a quorum everywhere."""
    with FaultyMesh() as m:
        m.begin()
        m.net.fault(["b>a"], "hole")
        wait_for(lambda: not m.peer("a", "b")["heard"], 10)
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        moved(m)


def answers_are_lost():
    """What the zone is told arrives and what it answers is lost, for the one whose turn
    it is: an unknown outcome, which nobody repeats."""
    with FaultyMesh() as m:
        m.begin()
        first = next(n for n in m.ranked() if n != "b")
        m.net.fault(f"{first}>zone", "deaf")
        m.web["b"].kill()
        m.wait_weights(40, a=100, b=0)
        moved(m)
        m.heal()
        cannot(m, first, "", 60)
        moved(m)


# ---- all at once

def every_uplink_is_lost():
    """Nobody reaches anything: each thinks that it is itself, and no record moves, then or
    when all is back. (When canaries are well before endpoints are, a DOWN may pass its
    hold without its evidence; then the ledger moves alone, to void what never was.)"""
    with FaultyMesh(canaries=3) as m:
        m.begin()
        before = m.moves()
        m.net.fault("*", "hole")
        for name in m.names:    # a canary is well when it can be connected to
            m.net.fault(m.ways(name, canaries=True), "refuse")
        for web in m.web.values():
            web.do("blackhole")
        for name in m.names:
            m.agent[name].wait("doubt", value="canaries")
            m.agent[name].wait("address_down", member="a")
            m.agent[name].wait("address_down", member="b")
        time.sleep(1)           # longer than every hold
        for web in m.web.values():      # first: it is one uplink that comes back
            web.do("listen")
            web.do("200")
        m.heal()
        m.wait_heard(40)
        for name in m.names:
            cannot(m, name, "", 40)
        rests(m.sets, 1.5, "it moved when all was back")
        assert m.moves() == before, (m.moves()[len(before):], m.logs())


def slow_and_lossy_ways():
    """60 ms each way and a fifth of new connections lost: later, and no other."""
    with FaultyMesh() as m:
        m.begin()
        m.net.fault("*", "delay=30")
        for name in m.names:
            m.net.fault(m.ways(name, zone=True), "lossy=20")
        m.web["b"].kill()
        m.wait_weights(40, a=100, b=0)
        moved(m)


# ---- the writer stops in the middle of a change

def the_writer_stops_after_it_sent():
    """Its request is on its way, slowly, while it is stopped; another finishes, and what
    arrives late meets a ledger that has moved."""
    with FaultyMesh() as m:
        m.begin()
        first = next(n for n in m.ranked() if n != "b")
        writer = m.agent[first]
        m.lab.fault("late=5000&answer=1")
        m.web["b"].kill()
        writer.wait("change_sent", 30, value="drain")
        writer.process.send_signal(signal.SIGSTOP)
        m.wait_weights(a=100, b=0)
        assert m.writer() != first, m.writer()
        wait_for(lambda: len(m.changes(ok=False)) > len(m.changes()), 20,
                 "the late change")
        moved(m)
        m.heal()
        since = writer.mark()
        writer.process.send_signal(signal.SIGCONT)
        writer.wait("doubt", since=since)
        m.wait_heard(30)
        wait_for(lambda: writer.service()["ledger"]["epoch"] == m.ledger().epoch, 30)
        moved(m)


def the_writer_stops_before_it_sends():
    """It wakes after the world has moved on, with a decision that is past."""
    with FaultyMesh() as m:
        m.begin()
        first = next(n for n in m.ranked() if n != "b")
        writer = m.agent[first]
        m.web["b"].kill()
        writer.wait("fault", member="b")
        writer.process.send_signal(signal.SIGSTOP)
        m.wait_weights(a=100, b=0)
        m.web["b"].start()
        since = writer.mark()
        writer.process.send_signal(signal.SIGCONT)
        writer.wait("doubt", since=since)
        m.wait_heard(30)
        m.wait_weights(60, a=100, b=100)


# ---- renewal

def an_authority_is_exchanged():
    """As three-sites.md says: both named, new certificates agent by agent, the old one
    out. The quorum is never lost, and nothing needs a restart."""
    with FaultyMesh() as m:
        m.begin()
        new, ca = m.folder / "new", m.folder / "ca.pem"
        new.mkdir()
        make_authority(new)
        old = ca.read_text()

        def reload(*names):
            for name in names:
                since = m.agent[name].mark()
                m.agent[name].process.send_signal(signal.SIGHUP)
                m.agent[name].wait("started", since=since, text="read anew")

        ca.write_text(old + (new / "ca.pem").read_text())
        reload(*m.names)
        m.wait_heard()
        until = m.peer("b", "a")["certificate_until"]
        for name in m.names:
            make_certificate(new, name, days=100, out=m.agent[name].folder)
            reload(name)
            m.wait_heard()
        ca.write_text((new / "ca.pem").read_text())
        reload(*m.names)
        m.wait_heard()
        for name in m.names:
            for p in m.agent[name].status()["peers"]:
                assert p["certificate_until"] < until, (p, until)
        # One who still has a certificate of the old authority is nobody now.
        ca.write_text(old)
        make_certificate(m.folder, "w", out=m.agent["w"].folder)
        reload("w")
        m.agent["w"].wait("peer", value="silent")
        ca.write_text((new / "ca.pem").read_text())
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert moved(m) in ("a", "b")


# ---- more at once

def two_of_five_sites_die():
    """Both go, one after the other, as far apart as `spacing` says."""
    sites = ("a", "b", "c", "d", "e")
    with FaultyMesh(agents=sites, members=sites) as m:
        m.begin()
        m.web["b"].kill()
        time.sleep(1)
        m.web["d"].kill()
        m.wait_weights(a=100, b=0, c=100, d=0, e=100)
        rests(lambda: len(m.changes()), 1.5, "a change too many")
        first, second = m.moves()[1:]
        assert second["time"] - first["time"] >= 2.9, (first, second)
        dead = {m.web[x].host for x in "bd"}
        assert not dead & m.watch.since(second["time"] + 2), m.watch.seen[-20:]


class Quorum(unittest.TestCase):
    def test_all(self):
        parallel(from_its_peers_but_not_from_the_zone,
                 alone_with_the_zone_it_drains_nothing,
                 from_the_zone_but_not_from_its_peers, everybody_from_the_zone,
                 nobody_hears_it, it_hears_nobody, one_way_of_six, answers_are_lost,
                 every_uplink_is_lost, slow_and_lossy_ways,
                 the_writer_stops_after_it_sent, the_writer_stops_before_it_sends,
                 two_of_five_sites_die, an_authority_is_exchanged, at_once=4)


if __name__ == "__main__":
    main()
