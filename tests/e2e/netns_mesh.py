# SPDX-License-Identifier: Apache-2.0
"""A mesh in network namespaces, with packets really dropped (nft): faulty.py's world, for
whoever may make namespaces. Each agent, and its site's web server, has a namespace of its
own behind a cable; ours, where the zone and the canaries are, routes between them. Run
inside `unshare -n`.
"""
import itertools
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from faulty import FaultyMesh, Watch
from mesh import Lab, make_authority
from world import Web

PEERS, WEB = 7353, 8080
_numbers = itertools.count(1)


def sh(*words, text=None):
    done = subprocess.run(words, input=text, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    assert done.returncode == 0, (words, text, done.stdout)


class Namespace:
    """A machine: `near` is our end of its cable, `host` its address."""

    def __init__(self, number, index):
        self.process = subprocess.Popen(["unshare", "-n", "sleep", "600"])
        self.enter = ["nsenter", "-t", str(self.process.pid), "-n"]
        here = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 20
        while os.readlink(f"/proc/{self.process.pid}/ns/net") == here:
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)
        near, far = f"n{number}-{index}", f"f{number}-{index}"
        self.gate, self.host = f"10.{number}.{index}.1", f"10.{number}.{index}.2"
        self.web = f"10.{number}.{index}.3"
        sh("ip", "link", "add", "name", near, "type", "veth", "peer", "name", far)
        sh("ip", "link", "set", far, "netns", str(self.process.pid))
        sh("ip", "addr", "add", self.gate + "/24", "dev", near)
        sh("ip", "link", "set", near, "up")
        for words in (["link", "set", "lo", "up"],
                      ["addr", "add", self.host + "/24", "dev", far],
                      ["addr", "add", self.web + "/24", "dev", far],
                      ["link", "set", far, "up"],
                      ["route", "add", "default", "via", self.gate]):
            sh(*self.enter, "ip", *words)

    def end(self):
        self.process.kill()
        self.process.wait()


class Packets:
    """What FaultProxy is on loopback: faults on ways, as rules of nft."""

    HEAD = """table inet pm%d {
chain ways { }
chain f { type filter hook forward priority 0; jump ways; }
chain i { type filter hook input priority 0; jump ways; }
chain o { type filter hook output priority 0; jump ways; }
}"""

    def __init__(self, number):
        self.table, self.ways, self.state = f"inet pm{number}", {}, {}
        sh("nft", "-f", "-", text=self.HEAD % number)

    def way(self, name, here, there, port):
        self.ways[name] = (here, there, port)
        return there, port

    def rule(self, name):
        here, there, port = self.ways[name]
        to = f"ip saddr {here} ip daddr {there} th dport {port}"
        back = f"ip saddr {there} ip daddr {here} th sport {port}"
        state, _, percent = self.state.get(name, "open").partition("=")
        return {"open": "",
                "hole": f"add rule {self.table} ways {to} drop\n"
                        f"add rule {self.table} ways {back} drop\n",
                "refuse": f"add rule {self.table} ways {to} meta l4proto tcp reject with "
                          f"tcp reset\nadd rule {self.table} ways {to} reject\n",
                "mute": f"add rule {self.table} ways {to} drop\n",
                "deaf": f"add rule {self.table} ways {back} drop\n",
                "lossy": f"add rule {self.table} ways {to} numgen random mod 100 < "
                         f"{percent or 0} drop\n"}[state]

    def end(self):
        sh("nft", "delete", "table", *self.table.split())

    def fault(self, names, state):
        names = list(self.ways) if names == "*" else \
            [names] if isinstance(names, str) else names
        for name in names:
            assert name in self.ways, name
            self.state[name] = state
        sh("nft", "-f", "-", text=f"flush chain {self.table} ways\n"
           + "".join(self.rule(name) for name in self.ways))


class NetnsMesh(FaultyMesh):
    def __init__(self, *lab_options, canaries=0, **more):
        super().__init__(*lab_options, canaries=0, **more)
        self.number, self.wanted = next(_numbers), canaries

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="mesh-")
        self.folder = Path(self._folder.name)
        sh("ip", "link", "set", "lo", "up")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        self.net = Packets(self.number)
        self.space = {n: Namespace(self.number, i + 1) for i, n in enumerate(self.names)}
        # The lab obeys this host alone, and answers agents at the end of their cable.
        self.lab = Lab(host="0.0.0.0")
        self.lab.start()
        self.lab.http = self.lab.http.replace("0.0.0.0", "127.0.0.1")
        self.lab.servers = [("127.0.0.1", port) for _, port in self.lab.servers]
        self.port = WEB
        self.web = {m: Web(self.space[m].web, WEB, self.space[m].enter)
                    for m in self.members}
        self.canaries = [socket.create_server(("0.0.0.0", 0), backlog=1000)
                         for _ in range(self.wanted)]
        make_authority(self.folder)
        self.host = {n: s.host for n, s in self.space.items()}
        self.listen = {n: PEERS for n in self.names}
        self.page = {n: "127.0.0.1:7354" for n in self.names}
        for n, space in self.space.items():
            for other in self.names:
                if other != n:
                    self.net.way(f"{n}>{other}", space.host, self.host[other], PEERS)
            self.net.way(f"{n}>zone", space.host, space.gate, self.lab.http.split(":")[1])
            for i, (_, port) in enumerate(self.lab.servers):
                self.net.way(f"{n}>dns{i}", space.host, space.gate, port)
            for i, s in enumerate(self.canaries):
                self.net.way(f"{n}>canary{i}", space.host, space.gate, s.getsockname()[1])
            for m in self.members:
                if m != n:
                    self.net.way(f"{n}>web-{m}", space.host, self.space[m].web, WEB)
        self.agent = {n: self.add(n) for n in self.names}
        for n, agent in self.agent.items():
            agent.wrapper = self.space[n].enter
        self.others = []
        self.watch = Watch(self)
        return self

    def __exit__(self, kind, *more):
        try:
            super().__exit__(kind, *more)
        finally:
            for space in self.space.values():
                space.end()

    def way(self, name, host, port, **_):
        _, there, port = self.net.ways[name]
        return there, int(port)
