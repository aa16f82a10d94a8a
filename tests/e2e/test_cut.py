#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=180
"""Ways between agents, and to the zone, that fail: each in the moment a site dies.

Every agent reaches the others and the zone's API through ways of fault_proxy.py. In
each scenario records move once or not at all, whoever is cut off.
"""
import time
import unittest

from mesh import Mesh, rests
from test_peers import one_move, wait_silent
from world import main, parallel, wait_for


def cut_from_its_peers_not_from_the_zone():
    """Its peers' last votes, UP, are fresh while it reads that the site was drained."""
    with Mesh(ways=True) as m:
        m.begin()
        m.cut("refuse", "a>b", "a>w", "b>a", "w>a")
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert m.writer() in ("b", "w"), m.writer()
        m.agent["a"].wait("doubt", service="www", value="alone")
        wait_for(lambda: m.agent["a"].service()["ledger"]["epoch"] == m.ledger().epoch, 15)
        one_move(m, 1)
        assert "hears 1 of 3 agents" in m.agent["a"].command("status")[1]
        m.cut("open", "*")
        m.wait_heard()
        one_move(m, 1)


def cut_from_the_zone_not_from_its_peers():
    with Mesh(ways=True) as m:
        m.begin()
        first = next(n for n in m.ranked() if n != "b")
        m.cut("hole", f"{first}>zone")
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        assert m.writer() != first, m.writer()
        one_move(m, 1)
        # It voted, and the others know why it does not write.
        other = next(n for n in m.names if n != first)
        wait_for(lambda: next(a for a in m.agent[other].service()["agents"]
                              if a["name"] == first)["cannot"] == "api", 15)


def a_link_that_carries_one_way():
    """w's words do not reach a, a's reach w: neither counts the other, b counts both."""
    with Mesh(ways=True) as m:
        m.begin()
        m.cut("hole", "w>a")
        for one, other in (("a", "w"), ("w", "a")):
            m.agent[one].wait("peer", value="silent", text=f"agent {other}")
        assert m.agent["b"].hears() == 3
        assert m.agent["a"].hears() == m.agent["w"].hears() == 2
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)
        m.cut("open", "w>a")
        m.wait_heard()


def every_link_is_lost():
    with Mesh(ways=True) as m:
        m.begin()
        m.cut("hole", "a>b", "a>w", "b>a", "b>w", "w>a", "w>b")
        for name in m.names:
            m.agent[name].wait("doubt", service="www", value="alone")
        m.web["b"].kill()
        for name in m.names:
            m.agent[name].wait("address_down", member="b")
        rests(m.changes, 2, "nobody hears anybody, and yet")
        m.cut("open", "*")
        m.wait_weights(a=100, b=0)
        one_move(m, 1)


def links_lose_a_third():
    """30 % of new connections are reset, both ways: votes arrive late, and arrive."""
    with Mesh(ways=True) as m:
        m.begin()
        m.cut("lossy=30", "a>b", "a>w", "b>a", "b>w", "w>a", "w>b")
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)
        one_move(m, 1)


def the_writer_dies_between_sending_and_answer():
    """kill -9 in the middle of a change: it is made once, by whoever."""
    with Mesh(ways=True) as m:
        m.begin()
        m.lab.fault("slow=700")
        first = next(n for n in m.ranked() if n != "b")
        since = m.agent[first].mark()
        m.web["b"].kill()
        m.agent[first].wait("change_sent", since=since)
        m.agent[first].kill()
        m.wait_weights(a=100, b=0)
        m.lab.fault("slow=0")
        wait_silent(m, first)
        rests(m.sets, 2, "moved again")
        assert len(m.moves()) == 2, m.moves()


class Cut(unittest.TestCase):
    def test_all(self):
        started = time.time()
        parallel(cut_from_its_peers_not_from_the_zone, cut_from_the_zone_not_from_its_peers,
                 a_link_that_carries_one_way, every_link_is_lost, links_lose_a_third,
                 the_writer_dies_between_sending_and_answer, at_once=3)
        print(f"  {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
