# SPDX-License-Identifier: Apache-2.0
"""Several agents on loopback, one zone: world.py's parts, put together for a quorum.

    with Mesh(agents=("a", "b", "w"), members=("a", "b")) as m:
        m.begin()
        m.web["b"].kill()
        m.wait_weights(a=100, b=0)

Every agent has a loopback address, a folder (configuration, state, control socket) and
a page of its own; the certificates are made here with the openssl command.
"""
import json
import re
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

from fault_proxy import FaultProxy
from world import (FAST_CHECK, FAST_SERVICE, POINTSMAN, Agent, Lab, Ledger, Web, World,
                   address, free_place, free_port, wait_for)


def make_authority(folder):
    """ca.pem and ca.key in the folder."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650", "-subj", "/CN=mesh test",
            "-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.pem")


def make_certificate(folder, name, days=365, out=None):
    """out/agent.pem and out/agent.key for an agent of this name."""
    out = Path(out or folder)
    (out / "ext").write_text(f"subjectAltName=DNS:{name}\n"
                             "extendedKeyUsage=serverAuth,clientAuth\n"
                             "basicConstraints=critical,CA:FALSE\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", f"{out}/agent.key", "-out", f"{out}/csr")
    openssl("x509", "-req", "-in", f"{out}/csr", "-CA", f"{folder}/ca.pem", "-CAkey",
            f"{folder}/ca.key", "-CAcreateserial", "-days", str(days), "-extfile",
            f"{out}/ext", "-out", f"{out}/agent.pem")
    (out / "agent.key").chmod(0o600)


def openssl(*words):
    done = subprocess.run(["openssl", *words], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


class Member(Agent):
    """One agent of the mesh; `folder` is where its configuration and state are."""

    def __init__(self, mesh, name, folder, config=None):
        self.folder, self.config = folder, config or folder / "pointsman.yaml"
        super().__init__(self)      # Agent asks its world for folder and config
        self.mesh, self.name = mesh, name

    def command(self, *words, seconds=20):
        done = subprocess.run(
            [str(POINTSMAN), words[0], "-c", str(self.config), *words[1:]], env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds)
        return done.returncode, done.stdout

    def status(self):
        code, text = self.command("status", "--json")
        assert code in (0, 1), text
        return json.loads(text)

    def service(self, name="www"):
        return next(s for s in self.status()["services"] if s["name"] == name)

    def hears(self):
        return self.status()["agents_heard"]

    def alive(self):
        return self.process is not None and self.process.poll() is None


class Mesh:
    def __init__(self, *lab_options, agents=("a", "b", "w"), members=("a", "b"), fast=True,
                 service="", top="", services=None, ways=False):
        # A return must not stand on votes from before the drain: hold >= fresh.
        self.slow_return = FAST_SERVICE.replace("return: {hold: 1s,", "return: {hold: 2s,")
        self.names, self.members, self.fast = list(agents), list(members), fast
        self.service_extra, self.top, self.services = service, top, services
        self.lab = Lab(*lab_options)
        self.net = FaultProxy() if ways else None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="mesh-")
        self.folder = Path(self._folder.name)
        self.lab.start()
        self.web, port = {}, 0
        for member in self.members:
            self.web[member] = Web(address(), port)
            port = self.web[member].port
        self.port = port
        make_authority(self.folder)
        self.host = {name: address() for name in self.names}
        self.listen = {name: free_port(self.host[name]) for name in self.names}
        self.page = {name: free_place() for name in self.names}
        self.url = {(a, b): f"https://{self.host[b]}:{self.listen[b]}"
                    for a in self.names for b in self.names}
        self.api = {a: self.lab.url for a in self.names}
        if self.net is not None:
            self.make_ways()
        self.agent = {name: self.add(name) for name in self.names}
        self.others = []            # clones and the like
        return self

    def make_ways(self):
        """Each agent's way to each other one, "a>b", and to the zone's API, "a>zone"."""
        self.net.__enter__()
        for a in self.names:
            host, port = self.net.way(f"{a}>zone", *self.lab.url.split("//")[1].split(":"))
            self.api[a] = f"http://{host}:{port}"
            for b in self.names:
                if a != b:
                    host, port = self.net.way(f"{a}>{b}", self.host[b], self.listen[b])
                    self.url[a, b] = f"https://{host}:{port}"

    def cut(self, state, *ways):
        for way in ways:
            self.net.fault(way, state)

    def add(self, name):
        folder = self.folder / name
        folder.mkdir()
        make_certificate(self.folder, name, out=folder)
        agent = Member(self, name, folder)
        self.write_config(agent)
        return agent

    def __exit__(self, kind, *_):
        try:
            for agent in list(self.agent.values()) + self.others:
                if agent.alive():
                    status = agent.stop()
                    if kind is None:
                        assert status == 0, f"{agent.name}: exit {status}:\n" \
                            + agent.log()[-3000:]
        finally:
            for web in self.web.values():
                web.stop()
            if self.net is not None:
                self.net.__exit__(None, None, None)
            self.lab.stop()
            self._folder.cleanup()

    # -- configuration

    def own_url(self, name):
        return f"https://{self.host[name]}:{self.listen[name]}"

    def text(self, name):
        servers = ", ".join(f'"{host}:{port}"' for host, port in self.lab.servers)
        members = "\n".join(f"      {m}: {{weight: 100, answers: {{A: "
                            f"[{self.web[m].host}]}}}}" for m in self.members)
        agents = "\n".join(
            f'  {a}: {{url: "{self.url.get((name, a)) or self.own_url(a)}"'
            + (f", site: {a}" if a in self.members else "") + "}" for a in self.names)
        timing = ("timing: {report: 100ms, fresh: 1500ms, rank: 400ms, silent: 400ms}"
                  if self.fast else "")
        return f"""cluster: test
sites: [{", ".join(self.members)}]
agents:
{agents}
tls: {{cert: agent.pem, key: agent.key, ca: ../ca.pem}}
state: ./state
page: {self.page[name]}
control: ./control.sock
{timing}
{self.top}
checks:
  web:
    http: {{path: /, port: {self.port}}}
    {FAST_CHECK if self.fast else ""}
zones:
  lab:
    name: example.test
    route53: {{zone_id: ZLAB, endpoint: "{self.api.get(name, self.lab.url)}"}}
    nameservers: [{servers}]
services:
  www:
    zone: lab
    names: [www.example.test]
    ttl: 1s
    policy: weighted
    check: web
    {self.slow_return if self.fast else ""}
    {self.service_extra}
    members:
{members}
{self.services or ""}"""

    def write_config(self, agent, text=None):
        agent.config.write_text(text or self.text(agent.name))

    # -- life

    def start(self, *names):
        for name in names or self.names:
            self.agent[name].start()

    def begin(self, seconds=40):
        """All agents, until the zone is theirs and each hears the others."""
        self.start()
        self.wait_weights(seconds, **{m: 100 for m in self.members})
        self.wait_heard(seconds)
        for agent in self.agent.values():
            wait_for(lambda: agent.service()["cannot"] == "", seconds)
            wait_for(lambda: all(a["able"] for a in agent.service()["agents"]), seconds)

    def wait_heard(self, seconds=20, n=None):
        for agent in self.agent.values():
            if agent.alive():
                wait_for(lambda: agent.hears() == (n or len(self.names)), seconds)

    def stop_all(self):
        for agent in self.agent.values():
            if agent.alive():
                agent.stop()

    # -- the zone

    sets, ledger, changes = World.sets, World.ledger, World.changes

    def wait_weights(self, seconds=30, **weights):
        try:
            wait_for(lambda: self.sets() == weights, seconds)
        except AssertionError:
            raise AssertionError(f"the zone shows {self.sets()}, not {weights}; the logs:\n"
                                 + self.logs()) from None

    def writer(self):
        """Name of the agent that wrote the ledger's present version."""
        number = re.search(r" w=([0-9a-f]+)", self.ledger().text)[1]
        return next((n for n in self.names if agent_number(n) == int(number, 16)), number)

    def moves(self):
        """Batches that were applied and touched a record of www, oldest first."""
        return [r for r in self.changes() if any(
            "www.example.test" in str(a) and "_pointsman" not in str(a)
            for a in r["actions"])]

    def ranked(self):
        """Who writes, first to last, as a running agent says."""
        agent = next(a for a in self.agent.values() if a.alive())
        return [a["name"] for a in agent.service()["agents"]]

    def logs(self, lines=40):
        return "".join(f"-- {a.name}\n" + "".join(a.lines[-lines:])
                       for a in list(self.agent.values()) + self.others)

    def metrics(self, name):
        with urllib.request.urlopen(f"http://{self.page[name]}/metrics", timeout=5) as r:
            return r.read().decode()


def agent_number(name):
    """FNV-1a, 32 bits: what stands for an agent in the ledger."""
    h = 0x811c9dc5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xffffffff
    return h


def rests(what, seconds, why):
    """`what()` stays what it is for so long; a silence is proven by waiting."""
    was, end = what(), time.monotonic() + seconds
    while time.monotonic() < end:
        now = what()
        assert now == was, f"{why}: {was} became {now}"
        time.sleep(0.05)
