# SPDX-License-Identifier: Apache-2.0
"""A mesh whose every way can be broken: each agent's to each other, to the zone's API,
to its name servers and to its canaries.

    with FaultyMesh() as m:
        m.begin()
        m.net.fault(m.ways("a", peers=True), "hole")      # nobody hears a, a hears nobody
        ...
        m.heal()
"""
import socket
import threading
import time

from fault_proxy import FaultProxy
from mesh import Mesh
from world import address


class FaultyMesh(Mesh):
    def __init__(self, *lab_options, canaries=0, **more):
        super().__init__(*lab_options, **more)
        self.canaries = [socket.create_server((address(), 0), backlog=1000)
                         for _ in range(canaries)]

    def __enter__(self):
        self.net, self.near = FaultProxy(), address()
        self.net.__enter__()
        super().__enter__()
        self.watch = Watch(self) if hasattr(self.lab, "dns") else None
        return self

    def __exit__(self, kind, *more):
        if self.watch:
            self.watch.end()
        try:
            super().__exit__(kind, *more)
        finally:
            self.net.end()
            for s in self.canaries:
                s.close()
        if kind is None and self.watch:
            self.watch.judge()

    def text(self, name):
        """As a mesh's, with ways in the place of addresses."""
        text = super().text(name)
        for other in self.names:
            if other != name:
                host, port = self.host[other], self.listen[other]
                way = self.way(f"{name}>{other}", host, port)
                text = text.replace(f"https://{host}:{port}", "https://%s:%d" % way)
        host, port = self.lab.url.split("/")[2].split(":")
        way = self.way(f"{name}>zone", host, port)
        text = text.replace(self.lab.url, "http://%s:%d" % way)
        for i, (host, port) in enumerate(self.lab.servers):
            way = self.way(f"{name}>dns{i}", host, port, datagrams=True)
            text = text.replace(f'"{host}:{port}"', '"%s:%d"' % way)
        canaries = [self.way(f"{name}>canary{i}", *s.getsockname())
                    for i, s in enumerate(self.canaries)]
        if canaries:
            text += "canaries: [%s]\n" % ", ".join('"tcp://%s:%d"' % c for c in canaries)
        return text

    def way(self, name, host, port, **more):
        """Where to connect to instead."""
        return self.net.way(name, host, port, listen=self.near, **more)

    def ways(self, name, peers=False, heard=False, zone=False, canaries=False):
        """Names of ways from an agent: to its peers; `heard`: of its peers to it; …"""
        found = []
        for way in self.net.ways:
            here, there = way.split(">")
            if here == name and (peers and there in self.names or
                                 zone and there.startswith(("zone", "dns")) or
                                 canaries and there.startswith("canary")):
                found.append(way)
            elif heard and there == name:
                found.append(way)
        assert found, (name, self.net.ways)
        return found

    def wait_heard(self, seconds=40, n=None):
        try:
            super().wait_heard(seconds, n)
        except AssertionError as e:
            raise AssertionError(f"{e}: who is heard\n{self.logs(60)}") from None

    def heal(self):
        self.net.fault("*", "open")

    def peer(self, name, other):
        """What one agent knows of another."""
        return next(p for p in self.agent[name].status()["peers"] if p["name"] == other)


class Watch(threading.Thread):
    """A resolver: asks the zone's name server every 100 ms, from its first answer on."""

    def __init__(self, mesh):
        super().__init__(daemon=True)
        self.mesh, self.seen, self.over = mesh, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.1):
            try:
                answer = self.mesh.lab.dns("www.example.test", "A")
            except OSError:
                continue
            if answer.texts or self.seen:
                self.seen.append((time.time(), answer.rcode, tuple(answer.texts)))

    def end(self):
        self.over.set()
        self.join(10)

    def judge(self):
        """Nobody ever went without an answer."""
        empty = [s for s in self.seen if s[1] != "NOERROR" or not s[2]]
        assert self.seen and not empty, empty[:5]

    def since(self, when):
        """Addresses that were answered since then."""
        return {a for at, _, texts in self.seen if at >= when for a in texts}
