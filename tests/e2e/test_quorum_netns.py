#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: serial
# ctest: timeout=240
"""test_quorum.py's worlds in network namespaces, where packets are really dropped, and
what only they can show: a site that is gone as a whole, its agent and its servers. Where
namespaces or nft are not allowed this is skipped; the twins on loopback are not.
"""
import os
import subprocess
import sys
import time
import unittest

import test_quorum
from netns_mesh import NetnsMesh
from test_quorum import moved
from world import main, measure, parallel, print_measured

test_quorum.FaultyMesh = NetnsMesh


def site(m, name):
    """All ways from and to a site."""
    return [way for way in m.net.ways if way.startswith(name + ">")
            or way.endswith((">" + name, ">web-" + name))]


def a_site_is_gone(state, goal_s):
    with NetnsMesh() as m:
        m.begin()
        m.net.fault(site(m, "b"), state)
        lost = time.time()
        m.wait_weights(a=100, b=0)
        measure(f"a site and its agent, packets {state}, fast profile",
                m.moves()[-1]["time"] - lost, goal_s)
        assert moved(m) in ("a", "w")
        assert m.web["b"].host not in m.watch.since(m.moves()[-1]["time"] + 2)
        since = m.agent["b"].mark()
        m.heal()
        m.wait_heard(40)
        m.agent["b"].wait("verdict", since=since, member="b", value="UP")
        m.wait_weights(60, a=100, b=100)


def a_site_is_gone_dropped():
    a_site_is_gone("hole", 2)


def a_site_is_gone_rejected():
    a_site_is_gone("refuse", 1)


class Dropped(unittest.TestCase):
    def test_all(self):
        jobs = [a_site_is_gone_dropped, test_quorum.it_hears_nobody,
                test_quorum.answers_are_lost]
        if os.environ.get("POINTSMAN_ALL"):  # the others: test_sites.py has them too
            jobs += [a_site_is_gone_rejected,
                     test_quorum.from_its_peers_but_not_from_the_zone,
                     test_quorum.from_the_zone_but_not_from_its_peers,
                     test_quorum.nobody_hears_it, test_quorum.every_uplink_is_lost,
                     test_quorum.the_writer_stops_after_it_sent]
        parallel(*jobs, at_once=4)
        print_measured()


if __name__ == "__main__":
    if os.environ.get("INSIDE") is None:
        may = subprocess.run(
            ["unshare", "-n", "sh", "-ec", "ip link add name near type veth peer name far;"
             "echo 1 >/proc/sys/net/ipv4/ip_forward; nft add table inet t"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if may.returncode != 0:
            print("skipped: network namespaces and nft are not allowed here: "
                  + (may.stdout.strip().splitlines() or ["no reason given"])[-1])
            sys.exit(77)
        os.environ["INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    main()
