# SPDX-License-Identifier: Apache-2.0
"""A world for end-to-end tests: a lab zone, web servers on loopback, one agent.

    with World(fast=True) as w:
        w.agent.start()
        w.wait_weights(a=100, b=100)
        w.web["b"].do("refuse")
        w.wait_weights(a=100, b=0)

Every world has loopback addresses, ports, a folder and a zone of its own, so that many
run side by side. What the agent says is read line by line into facts (dicts).
"""
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("BUILD_DIR") or ".").resolve()
os.environ.setdefault("BUILD_DIR", str(BUILD))
sys.path.insert(0, str(SOURCE / "tests/lab"))
import lab as lab_module  # noqa: E402
from lab import Lab, rrset, wait_for  # noqa: E402,F401

POINTSMAN = BUILD / "pointsman"
SECRET = "lab-secret"
WORD = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)')
_numbers = itertools.count()

FAST_CHECK = """every: 200ms
    timeout: 300ms
    recheck: 50ms"""
FAST_SERVICE = """hold: 100ms
    spacing: 3s
    return: {hold: 1s, hold_max: 2s, per_hour: 4, latch_after: 8}
    ramp: {steps: [25%, 50%, 100%], every: 1s}
    swap: {after: 1s, per_hour: 1}"""


def address():
    """A loopback address that no other test has."""
    n = next(_numbers)
    return f"127.{64 + os.getpid() // 200 % 150}.{os.getpid() % 200}.{n % 250 + 1}"


def free_port(host):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def free_place():
    """ADDRESS:PORT to listen at. An address of our own: at 127.0.0.1, where connections
    come from, a port that was free a moment ago may be one of theirs by now."""
    host = address()
    return f"{host}:{free_port(host)}"


def parse_fact(line):
    return {key: value[1:-1].replace('\\"', '"') if value.startswith('"') else value
            for key, value in WORD.findall(line)}


class Web:
    """A web server in a process of its own; see web.py for its words."""

    def __init__(self, host, port, wrapper=()):
        self.host, self.port, self.wrapper = host, port, list(wrapper)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.wrapper + [sys.executable, str(Path(__file__).with_name("web.py")),
                            self.host, str(self.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lab_module._die_with_parent)
        word = self.process.stdout.readline().split()
        assert word[:1] == ["ready"], f"no web server on {self.host}"
        self.port = int(word[1])

    def do(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().split() == ["did", word]
        return time.time()

    def kill(self):
        """kill -9; the time of it."""
        self.process.kill()
        self.process.wait()
        self._close()
        return time.time()

    def _close(self):
        self.process.stdin.close()
        self.process.stdout.close()

    def stop(self):
        if self.process.poll() is None:
            self.kill()


class Agent:
    """One `pointsman run`; start again after it has ended as often as wanted."""

    def __init__(self, world, *options, wrapper=()):
        self.world, self.options, self.wrapper = world, list(options), list(wrapper)
        self.name = "one"
        self.process, self.facts, self.lines = None, [], []
        self.news = threading.Condition()
        self.env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "AKIDLAB",
                    "AWS_SECRET_ACCESS_KEY": SECRET, "HOME": str(world.folder),
                    "AWS_EC2_METADATA_DISABLED": "true"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def start(self):
        self.process = subprocess.Popen(
            self.wrapper + [str(POINTSMAN), "run", "-c", str(self.world.config), "--agent",
                            self.name] + self.options,
            env=self.env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", preexec_fn=lab_module._die_with_parent)
        self.reader = threading.Thread(
            target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        return self

    def _read(self, process):
        for line in process.stderr:
            with self.news:
                self.lines.append(line)
                if line.startswith("time="):
                    fact = parse_fact(line)
                    fact["heard"] = time.time()
                    self.facts.append(fact)
                self.news.notify_all()

    def log(self):
        return "".join(self.lines)

    def mark(self):
        """Where the log is now, for `since`."""
        with self.news:
            return len(self.facts)

    def find(self, fact, since=0, **match):
        """Facts so far of that kind. text= is searched, others must be equal."""
        text = match.pop("text", "")
        with self.news:
            return [f for f in self.facts[since:] if f["fact"] == fact and
                    text in f.get("text", "") and
                    all(f.get(key) == value for key, value in match.items())]

    def wait(self, fact, seconds=20, since=0, **match):
        """The first such fact, when it is there."""
        deadline = time.monotonic() + seconds
        with self.news:
            while True:
                found = self.find(fact, since, **match)
                if found:
                    return found[0]
                left = deadline - time.monotonic()
                if self.process.poll() is not None:
                    self.news.wait(0.5)
                    found = self.find(fact, since, **match)
                    assert found, f"it ended without {fact} {match}:\n" + "".join(
                        self.lines[-60:])
                    return found[0]
                if left <= 0 or not self.news.wait(min(left, 1)):
                    if time.monotonic() >= deadline:
                        raise AssertionError(
                            f"no fact {fact} {match} in {seconds} s; the log:\n"
                            + "".join(self.lines[-60:]))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        self.process.stderr.close()

    def stop(self, seconds=20):
        """SIGTERM; the exit status."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError("SIGTERM did not end the agent:\n"
                                 + "".join(self.lines[-40:])) from None
        self.reader.join(5)
        self.process.stderr.close()
        self.process = None
        return status

    def workers(self):
        """Process ids of its prober workers."""
        return self.children("prober")

    def runner(self):
        """The process id of its runner; None while there is none."""
        return next(iter(self.children("runner")), None)

    def children(self, command):
        """Process ids of its children that are `pointsman COMMAND`."""
        found = []
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in pids.read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:2] == [command.encode()]:
                found.append(int(pid))
        return found


_measured = {}


def measure(what, took_s, goal_s):
    """Notes a time, fault to committed, beside its goal. The goal is asserted where the
    clock is simulated (sim.test_story_dead); on a busy machine a real one proves nothing,
    so that here only what is far beyond it fails."""
    _measured[what] = (took_s, goal_s)
    assert took_s <= 10 * goal_s, f"{what}: {took_s} s"


def print_measured():
    for what, (took_s, goal_s) in sorted(_measured.items()):
        print(f"  {what}: fault to committed in {took_s * 1000:.0f} ms, goal {goal_s} s")


class World:
    def __init__(self, *lab_options, fast=True, members=("a", "b"), service="", top="",
                 check="", servers=1, mode=None, zone_extra="", lab=None, weight=None, hosts=None):
        self.fast, self.members, self.service_extra = fast, list(members), service
        self.top, self.check_extra, self.mode = top, check, mode
        self.zone_extra = zone_extra
        self.weight = dict(weight or {})
        self.hosts = dict(hosts or {})      # member: (address, command in front)
        self.own_lab = lab is None
        self.lab = lab or Lab(*lab_options, servers=servers)

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="world-")
        self.folder = Path(self._folder.name)
        if self.own_lab:
            self.lab.start()
        self.web = {}
        port = 0
        for member in self.members:
            host, wrapper = self.hosts.get(member, (None, ()))
            self.web[member] = Web(host or address(), port, wrapper)
            port = self.web[member].port
        self.port = port
        self.page = free_place()
        self.config = self.folder / "pointsman.yaml"
        self.write_config()
        self.agent = Agent(self)
        return self

    def __exit__(self, kind, *_):
        try:
            if self.agent.process is not None and self.agent.process.poll() is None:
                status = self.agent.stop()
                if kind is None:
                    assert status == 0, f"exit {status}:\n" + self.agent.log()[-3000:]
        finally:
            for web in self.web.values():
                web.stop()
            if self.own_lab:
                self.lab.stop()
            self._folder.cleanup()

    # -- configuration

    def text(self):
        servers = ", ".join(f'"{host}:{port}"' for host, port in self.lab.servers)
        members = "\n".join(
            f"      {m}: {{weight: {self.weight.get(m, 100)}, answers: {{A: "
            f"[{self.web[m].host}]}}}}" for m in self.members)
        check = FAST_CHECK if self.fast else ""
        service = FAST_SERVICE if self.fast else ""
        timing = ("timing: {report: 100ms, fresh: 1500ms, rank: 400ms, silent: 400ms}\n"
                  if self.fast else "")
        mode = f"    mode: {self.mode}\n" if self.mode else ""
        return f"""cluster: test
sites: [{", ".join(self.members)}]
agents:
  one: {{site: {self.members[0]}}}
quorum: solo
state: ./state
page: {self.page}
control: ./control.sock
{timing}{self.top}
checks:
  web:
    http: {{path: /, port: {self.port}}}
    {check}
    {self.check_extra}
zones:
  lab:
    name: example.test
    route53: {{zone_id: {getattr(self.lab, "zone_id", "ZLAB")}, endpoint: "{self.lab.url}"}}
    nameservers: [{servers}]
    {self.zone_extra}
services:
  www:
    zone: lab
    names: [www.example.test]
    ttl: 1s
    policy: weighted
    check: web
    {service}
    {self.service_extra}
{mode}    members:
{members}
"""

    def write_config(self, text=None):
        self.config.write_text(text or self.text())

    # -- the zone

    def sets(self, state=None):
        """{member: weight} of www's A sets."""
        state = state or self.lab.state()
        return {s["set_id"]: int(s["policy"].split("=")[1]) for s in state.sets
                if s["name"] == "www.example.test." and s["type"] == "A"
                and s["policy"].startswith("weighted")}

    def ledger(self, state=None):
        state = state or self.lab.state()
        found = state.find("_pointsman.www.example.test.", "TXT")
        return Ledger(found["values"][0]) if found else None

    def wait_weights(self, seconds=20, **weights):
        def there():
            assert self.agent.process is None or self.agent.process.poll() is None, \
                "the agent has ended:\n" + self.agent.log()[-6000:]
            return self.sets() == weights
        try:
            wait_for(there, seconds)
        except AssertionError as e:
            if "has ended" in str(e):
                raise
            raise AssertionError(
                f"the zone shows {self.sets()}, not {weights}; the log:\n"
                + "".join(self.agent.lines[-60:])) from None

    def begin(self, seconds=30):
        """Starts the agent and waits until it has made the zone its own."""
        self.agent.start()
        self.wait_weights(seconds, **{
            m: self.weight.get(m, 100) for m in self.members})
        self.agent.wait("committed", seconds)

    def changes(self, ok=True):
        """Batches that the lab has answered, oldest first."""
        return [r for r in self.lab.requests() if "actions" in r
                and (not ok or r["status"] == 200)]

    # -- the operator

    def command(self, *words, seconds=20):
        """(exit status, output) of a subcommand on this world's configuration."""
        done = subprocess.run(
            [str(POINTSMAN), words[0], "-c", str(self.config), *words[1:]],
            env=self.agent.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=seconds)
        return done.returncode, done.stdout

    def status(self):
        code, text = self.command("status", "--json")
        assert code in (0, 1), text
        return json.loads(text)


class Ledger:
    """The ledger's text, read here a second time."""

    def __init__(self, value):
        self.text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', value)) or value
        words = self.text.split(" ")
        assert words[0] == "pointsman/1", self.text
        field = dict(word.split("=", 1) for word in words[1:] if word[:2] != "m=")
        self.epoch = int(field["e"], 16)
        self.nonces = field["n"].split(",")
        self.digest = field["d"]
        self.member = {}
        for word in words[1:]:
            if word[:2] == "m=":
                name, state, weight, *_ = word[2:].split(":")
                self.member[name] = (state, int(weight, 16))

    def weights(self):
        return {name: weight for name, (_, weight) in self.member.items()}


def parallel(*jobs, at_once=8):
    """Runs the callables side by side; raises the first failure, with its name."""
    failures, gate = [], threading.Semaphore(at_once)

    def run(job):
        with gate:
            try:
                job()
            except BaseException as e:  # noqa: B902
                failures.append((getattr(job, "__name__", repr(job)), e))

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        for name, e in failures[1:]:
            print(f"also failed: {name}: {e}")
        name, e = failures[0]
        raise AssertionError(f"{name}: {e}") from e


def main():
    if not POINTSMAN.exists():
        print(f"{POINTSMAN} is not built (set BUILD_DIR)")
        sys.exit(1)
    lab_module.main()
