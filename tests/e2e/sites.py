# SPDX-License-Identifier: Apache-2.0
"""Several sites with an agent each, witnesses, and the lab as their zone, in namespaces.

    with Sites(sites="abc", witnesses="w") as s:
        s.begin()
        s.dies("c")                        # nginx and the agent there are killed
        s.wait_weights(a=100, b=100, c=0)
        s.net.cut("a", "b")                # packets from a to b are dropped

The test runs in a namespace of its own (unshare -n), which is the router; behind it
each place has a namespace with an agent's address (.5) and a web server's (.10). The lab
and the canaries live at the router. What resolvers see is asked every 100 ms.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from mesh import make_authority, make_certificate
from world import (Agent, FAST_CHECK, FAST_SERVICE, Lab, Ledger, POINTSMAN, lab_module,
                   wait_for)

LAB = "10.61.250.1"
CANARIES = ["10.61.250.2", "10.61.250.3", "10.61.250.4"]
PORT = 7353
SERVICE = FAST_SERVICE.replace("hold: 1s, hold_max: 2s", "hold: 2s, hold_max: 4s")


def sh(*words, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **more)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}"
    return done.stdout


class Net:
    """A namespace for each place, and one router that drops what it is told to."""

    def __init__(self, places):
        self.places = {}
        self.rules = {}                    # key: nft rule
        sh("ip", "link", "set", "lo", "up")
        for address in [LAB, *CANARIES]:
            sh("ip", "addr", "add", address + "/32", "dev", "lo")
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for number, place in enumerate(places, 1):
            self._add(place, number)
        self._apply()

    def _add(self, place, number):
        here = os.readlink("/proc/self/ns/net")
        process = subprocess.Popen(["unshare", "-n", "sleep", "3600"],
                                   preexec_fn=lab_module._die_with_parent)
        wait_for(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != here)
        enter = ["nsenter", "-t", str(process.pid), "-n"]
        prefix = f"10.61.{number}"
        sh("ip", "link", "add", "name", f"to-{place}", "type", "veth", "peer", "name",
           "eth0", "netns", str(process.pid))
        sh("ip", "addr", "add", f"{prefix}.1/24", "dev", f"to-{place}")
        sh("ip", "link", "set", f"to-{place}", "up")
        sh(*enter, "sh", "-c", f"ip link set lo up && ip addr add {prefix}.5/24 dev eth0 "
           f"&& ip addr add {prefix}.10/24 dev eth0 && ip link set eth0 up "
           f"&& ip route add default via {prefix}.1")
        self.places[place] = SimpleNamespace(
            process=process, enter=enter, agent=f"{prefix}.5", web=f"{prefix}.10",
            net=f"{prefix}.0/24")

    def _apply(self):
        """All rules anew, in one transaction. Before routing: also for the lab."""
        script = "table inet faults\ndelete table inet faults\ntable inet faults {\n" \
            "chain drops { type filter hook prerouting priority raw; policy accept;\n" \
            + "".join(f"{rule} counter drop\n" for rule in self.rules.values()) + "}\n}\n"
        sh("nft", "-f", "-", input=script)

    def _where(self, place):
        return LAB if place == "zone" else self.places[place].net

    def cut(self, source, target):
        """Packets from one place (or "zone") to another are dropped. What the zone
        sends never passes prerouting: cut the other way."""
        self.rules[source, target] = (
            f"ip saddr {self._where(source)} ip daddr {self._where(target)}")
        self._apply()

    def cut_opening(self, source, target):
        """Connections that source opens to target are dropped, not those of others."""
        self.rules[source, target] = (
            f"ip saddr {self._where(source)} ip daddr {self._where(target)} "
            "tcp flags & (syn | ack) == syn")
        self._apply()

    def lose(self, place, percent):
        """So much of what goes to its web server, and comes back, is dropped."""
        web = self.places[place].web
        for way in ("saddr", "daddr"):
            self.rules["loss", place, way] = (
                f"ip {way} {web} numgen random mod 100 < {percent}")
        self._apply()

    def isolate(self, place):
        """Nothing comes or goes."""
        for way in ("saddr", "daddr"):
            self.rules["all", place, way] = f"ip {way} {self.places[place].net}"
        self._apply()
        return time.time()

    def heal(self):
        self.rules = {}
        self._apply()

    def close(self):
        for place in self.places.values():
            place.process.kill()
            place.process.wait()


class Nginx:
    """A real one, in the foreground."""

    def __init__(self, place, folder, port=8080):
        self.place, self.folder, self.port = place, folder, port
        folder.mkdir()
        self.conf = folder / "nginx.conf"
        self.conf.write_text(f"""daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen {place.web}:{port}; location / {{ return 200 "ok\\n"; }} }}
}}
""")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.place.enter + ["nginx", "-c", str(self.conf)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=lab_module._die_with_parent)

        def listens():
            assert self.process.poll() is None, (self.folder / "error.log").read_text()
            with socket.socket() as s:
                s.settimeout(0.5)
                return s.connect_ex((self.place.web, self.port)) == 0
        wait_for(listens)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Resolver:
    """Asks for the service's name all the time, and keeps what it was told."""

    def __init__(self, lab, name):
        self.lab, self.name, self.seen, self.stopped = lab, name, [], False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopped:
            answer = self.lab.dns(self.name, "A", timeout=1)
            if answer is not None:
                self.seen.append((time.time(), answer.texts))
            time.sleep(0.1)

    def stop(self):
        self.stopped = True
        self.thread.join()


class Canaries:
    """Three listeners that take every connection."""

    def __init__(self):
        self.sockets = []
        for address in CANARIES:
            s = socket.create_server((address, 443))
            self.sockets.append(s)
            threading.Thread(target=self._run, args=(s,), daemon=True).start()

    @staticmethod
    def _run(s):
        while True:
            try:
                s.accept()[0].close()
            except OSError:
                return

    def stop(self):
        for s in self.sockets:
            s.shutdown(socket.SHUT_RDWR)
            s.close()


class Sites:
    def __init__(self, sites="abc", witnesses="w", services=1, lab=None, text=None,
                 service="", policy="weighted", lab_options=()):
        self.sites, self.witnesses = list(sites), list(witnesses)
        self.names = self.sites + self.witnesses
        self.services, self.extra, self.policy = services, service, policy
        self.given_lab, self.text = lab, text or self._text
        self.lab_options = list(lab_options)

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="sites-")
        self.folder = Path(self._folder.name)
        self.net = Net(self.names)
        self.lab = self.given_lab or Lab(
            "--http", f"{LAB}:0", "--dns", f"{LAB}:0", *self.lab_options, servers=0)
        self.lab.start()
        self.canaries = Canaries()
        self.web = {s: Nginx(self.net.places[s], self.folder / f"web-{s}")
                    for s in self.sites}
        for web in self.web.values():
            web.start()
        self.ca = self.folder / "ca"
        self.ca.mkdir()
        make_authority(self.ca)
        self.agent = {}
        for name in self.names:
            self.make_agent(name)
        self.resolver = Resolver(self.lab, self.service_name(0))
        return self

    def __exit__(self, kind, *_):
        try:
            for agent in self.agent.values():
                if agent.process is None or agent.process.poll() is not None:
                    continue
                agent.process.send_signal(signal.SIGCONT)
                status = agent.stop()
                if kind is None:
                    assert status == 0, f"exit {status}:\n" + agent.log()[-3000:]
        finally:
            self.resolver.stop()
            for web in self.web.values():
                web.kill()
            self.canaries.stop()
            self.lab.stop()
            self.net.close()
            self._folder.cleanup()

    # -- agents

    def make_agent(self, name, key=None, listen=None, place=None):
        """Folder, certificate and file of one agent; key: what it is called here."""
        folder = self.folder / f"agent-{key or name}"
        folder.mkdir()
        make_certificate(self.ca, name, out=folder)
        shutil.copy(self.ca / "ca.pem", folder)
        config = folder / "pointsman.yaml"
        config.write_text(self.text(name, listen))
        agent = Agent(SimpleNamespace(folder=folder, config=config),
                      wrapper=self.net.places[place or name].enter)
        agent.name = name
        self.agent[key or name] = agent
        return agent

    def _text(self, name, listen=None):
        agents = "\n".join(
            f"  {n}: {{url: \"https://{self.net.places[n].agent}:{PORT}\""
            + (f", site: {n}" if n in self.sites else "")
            + (f", listen: \"{listen}\"" if listen and n == name else "") + "}"
            for n in self.names)
        canaries = ", ".join(f'"tcp://{c}:443"' for c in CANARIES)
        members = "\n".join(
            f"      {s}: {{answers: {{A: [{self.net.places[s].web}]}}}}"
            for s in self.sites)
        services = "\n".join(f"""  {self.service(i)}:
    zone: lab
    names: [{self.service_name(i)}]
    ttl: 1s
    policy: {self.policy}
    check: web
    {SERVICE}
    {self.extra}
    members:
{members}""" for i in range(self.services))
        return f"""cluster: test
sites: [{", ".join(self.sites)}]
agents:
{agents}
tls: {{cert: agent.pem, key: agent.key, ca: ca.pem}}
state: ./state
control: ./control.sock
timing: {{report: 100ms, fresh: 1500ms, rank: 400ms, silent: 400ms}}
canaries: [{canaries}]
checks:
  web:
    http: {{path: /, port: 8080}}
    {FAST_CHECK}
zones:
  lab:
    name: example.test
    route53: {{zone_id: {getattr(self.lab, "zone_id", "ZLAB")}, endpoint: "{self.lab.url}"}}
    nameservers: [{", ".join(f'"{h}:{p}"' for h, p in self.lab.servers)}]
services:
{services}
"""

    def service(self, number):
        return "www" if number == 0 else f"www{number}"

    def service_name(self, number):
        return f"{self.service(number)}.example.test"

    def running(self):
        return {n: a for n, a in self.agent.items()
                if a.process is not None and a.process.poll() is None}

    def begin(self, seconds=40):
        for agent in self.agent.values():
            agent.start()
        for i in range(self.services):
            self.wait_weights(seconds, number=i, **{s: 100 for s in self.sites})
        wait_for(self.settled, seconds, "every agent knows the zone and hears the others")

    def settled(self):
        """Every running agent can write, or would if it were its turn."""
        for agent in self.running().values():
            status = self.status(agent)
            if status is None or any(
                    s.get("cannot") not in (None, "", "no") for s in status["services"]):
                return False
        return True

    def status(self, agent):
        code, text = self.command(agent, "status", "--json")
        if code not in (0, 1):
            return None
        return json.loads(text)

    def command(self, agent, *words, seconds=20):
        done = subprocess.run(
            [str(POINTSMAN), words[0], "-c", str(agent.world.config), *words[1:]],
            env=agent.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=seconds)
        return done.returncode, done.stdout

    def marks(self):
        return {n: a.mark() for n, a in self.agent.items()}

    def writers(self, marks, service="www", but=("void", "close")):
        """Who committed since, one name a change, in no order. What moves the ledger
        alone, to void what may be under way, is no move of traffic."""
        return [n for n, a in self.agent.items()
                for f in a.find("committed", marks.get(n, 0), service=service)
                if f.get("value") not in but]

    # -- the world

    def dies(self, place):
        """The whole site, as by a power cut that leaves its router up."""
        died = time.time()
        self.web[place].kill()
        if place in self.agent and self.agent[place].process is not None:
            self.agent[place].kill()
        return died

    def lives(self, place):
        self.web[place].start()
        self.agent[place].start()

    # -- the zone

    def sets(self, number=0, state=None):
        state = state or self.lab.state()
        return {s["set_id"]: int(s["policy"].split("=")[1]) for s in state.sets
                if s["name"] == self.service_name(number) + "." and s["type"] == "A"
                and s["policy"].startswith("weighted")}

    def ledger(self, number=0):
        found = self.lab.state().find(
            f"_pointsman.{self.service(number)}.example.test.", "TXT")
        return Ledger(found["values"][0]) if found else None

    def wait_weights(self, seconds=20, number=0, **weights):
        def there():
            for name, agent in self.agent.items():  # killed ones are meant to be
                assert agent.process is None or agent.process.poll() in (None, -9), \
                    f"agent {name} has ended; {self.logs()}"
            return self.sets(number) == weights
        try:
            wait_for(there, seconds)
        except AssertionError:
            raise AssertionError(
                f"{self.service(number)} shows {self.sets(number)}, not {weights}; "
                + self.logs()) from None

    def logs(self, lines=40):
        return "\n".join(f"---- {n}\n" + "".join(a.lines[-lines:])
                         for n, a in self.agent.items())

    def changes(self, since=0):
        """Batches that the zone took since that number of requests."""
        return [r for r in self.lab.requests()[since:] if "actions" in r
                and r["status"] == 200]

    # -- what resolvers saw

    def never_empty(self):
        """Each answer named a site, from the first that did."""
        seen = [texts for _, texts in self.resolver.seen]
        began = next(i for i, texts in enumerate(seen) if texts)
        assert all(seen[began:]), "an empty answer"
        return len(seen) - began

    def last_seen(self, place):
        """When a resolver was last told of it; 0 never."""
        return max((at for at, texts in self.resolver.seen
                    if self.net.places[place].web in texts), default=0)

