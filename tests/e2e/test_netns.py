#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=180
"""A site that is really gone: its packets are dropped on the way, in namespaces of ours.

Everything runs in a network namespace without a way out; one member's web server is
behind a cable in a second one. Taking its address away there makes what is sent to it
vanish without any answer. (Where namespaces are not allowed this is skipped; its twin on
loopback, with a backlog that takes no more, is in test_steer.py.)
"""
import os
import subprocess
import sys
import time
import unittest

from world import World, main, measure, parallel, print_measured
from test_steer import committed_time

NEAR, CABLE = "10.99.0.1", "10.99.0."


def sh(*words):
    subprocess.run(words, check=True, stdout=subprocess.PIPE)


class Far:
    """The namespace at the other end of the cable."""

    def __init__(self):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "3600"])
        self.enter = ["nsenter", "-t", str(self.process.pid), "-n"]
        here = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 10
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == here:
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)
        sh("ip", "link", "set", "lo", "up")
        sh("ip", "link", "add", "name", "near", "type", "veth", "peer", "name", "far")
        sh("ip", "link", "set", "far", "netns", str(self.process.pid))
        sh("ip", "addr", "add", NEAR + "/24", "dev", "near")
        sh("ip", "link", "set", "near", "up")
        sh(*self.enter, "ip", "link", "set", "far", "up")
        # Or losing the address that came first would lose all of its network with it.
        sh(*self.enter, "sh", "-c",
           "echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries")
        shown = subprocess.run(
            self.enter + ["ip", "-o", "link", "show", "far"], check=True,
            stdout=subprocess.PIPE, text=True).stdout
        self.card = shown.split("link/ether ")[1].split()[0]

    def take(self, address):
        """The address lives there; its card stays known, whatever becomes of it."""
        sh(*self.enter, "ip", "addr", "add", address + "/24", "dev", "far")
        sh("ip", "neigh", "replace", address, "lladdr", self.card, "dev", "near",
           "nud", "permanent")

    def lose(self, address):
        sh(*self.enter, "ip", "addr", "del", address + "/24", "dev", "far")
        return time.time()


def site_vanishes(far, number, fast, goal_s):
    address = CABLE + str(number)
    far.take(address)
    with World(fast=fast, hosts={"b": (address, far.enter)}) as w:
        w.begin(40)
        lost = far.lose(address)
        w.wait_weights(a=100, b=0)
        took = committed_time(w, "CREATE www.example.test. A b", lost) - lost
        measure(f"packets dropped, {'fast' if fast else 'default'} timings", took, goal_s)
        said = w.agent.find("fault", member="b")[0]["text"]
        assert "no answer" in said, said
        far.take(address)
        w.agent.wait("verdict", 60, member="b", value="UP", since=w.agent.mark())


class Dropped(unittest.TestCase):
    def test_a_site_vanishes(self):
        far = Far()
        try:
            parallel(lambda: site_vanishes(far, 2, False, 13),
                     lambda: site_vanishes(far, 3, True, 2))
        finally:
            far.process.kill()
            far.process.wait()
        print_measured()


if __name__ == "__main__":
    if os.environ.get("INSIDE") is None:
        may = subprocess.run(
            ["unshare", "-n", "sh", "-c", "ip link add name near type veth peer name far"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if may.returncode != 0:
            print("skipped: network namespaces are not allowed here: "
                  + (may.stdout.strip().splitlines() or ["no reason given"])[-1])
            sys.exit(77)
        os.environ["INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    main()
