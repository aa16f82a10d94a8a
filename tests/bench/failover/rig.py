# SPDX-License-Identifier: Apache-2.0
"""One set of agents, and faults, one after the other, that they must write out.

Every fault takes one service's site c away: connections to its address are refused, or
its packets are dropped, in c's own namespace, so that c's agent sees what others see.
Each service is used once: nothing has to return before the next fault, and the limiter
has nothing to say. Who else dies is the variant:

  web       nothing else: c's agent goes on
  agent     c's agent too, by kill -9; in a black hole its packets are dropped first
  writer    the agent whose turn it would be, in the same moment; of five, c's too
  turn      that agent, as it says that it sends: its POST never reaches the zone

The budget of API requests is wide, lest the faults of one row wait for each other.
Times are the agents' own (`time=`), all on one machine's clock, from just before the
rule went to the kernel.
"""
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
sys.path.insert(0, str(SOURCE / "tests/e2e"))
from mesh import make_authority, make_certificate  # noqa: E402
from sites import CANARIES, LAB, PORT, Canaries, Net, Nginx, sh  # noqa: E402
from world import POINTSMAN, Agent, Lab, lab_module, wait_for  # noqa: E402

MEMBERS = ("a", "c")
PLACES = {3: ("ac", "w"), 5: ("abc", "vw")}         # sites, witnesses
DEAD = "c"
KILLS = 4                                       # services that share one agent's death
OUT_S = 90                                      # later than this it is not out at all


def numbers(profile):
    """What detection and writing take from the profile: {key: text}."""
    if profile == "default":
        return dict(every="2s", timeout="1500ms", recheck="500ms", hold="3s", rank="2s",
                    silent="3s", report="1s", fresh="15s", fall="3")
    text = (SOURCE / "config/examples/fast.yaml").read_text()
    found = dict(re.findall(r"\b(every|timeout|recheck|hedge|hold|spacing|rank|silent"
                            r"|report|fresh):\s*(\d+m?s)", text.split("return:")[0]))
    return {"fall": "3", **found}


def ms(text):
    return int(text[:-2]) if text.endswith("ms") else 1000 * int(text[:-1])


def at(fact):
    return datetime.strptime(fact["time"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


class Loaded:
    """A ruleset that nft has been started for already: go() costs one write."""

    def __init__(self, script, enter=()):
        self.script = script
        self.process = subprocess.Popen(
            [*enter, "nft", "-f", "-"], stdin=subprocess.PIPE, text=True,
            preexec_fn=lab_module._die_with_parent)

    def go(self):
        self.process.communicate(self.script)
        assert self.process.returncode == 0, f"nft refused: {self.script}"


class Rig:
    def __init__(self, agents, profile, fault, variant, faults, other=None, seed=0,
                 api_ms=0, goal_s=OUT_S):
        self.sites, witnesses = map(list, PLACES[agents])
        self.names = self.sites + witnesses
        self.fault, self.variant, self.faults = fault, variant, faults
        self.number = numbers(profile)
        self.make_other, self.random, self.api_ms = other, random.Random(seed), api_ms
        self.rounds, self.goal_s = [], goal_s

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="failover-")
        self.folder = Path(self._folder.name)
        self.net = Net(self.names)
        self.lab = Lab("--http", f"{LAB}:0", "--dns", f"{LAB}:0", servers=0)
        self.lab.start()
        self.canaries = Canaries()
        self.web = [self._web(site) for site in MEMBERS]
        ca = self.folder / "ca"
        ca.mkdir()
        make_authority(ca)
        self.agent = {name: self._agent(name, ca) for name in self.names}
        self.other = self.make_other(self) if self.make_other else None
        return self

    def __exit__(self, *_):
        for agent in self.agent.values():
            if agent.process is not None and agent.process.poll() is None:
                agent.kill()
        if self.other:
            self.other.stop()
        for web in self.web:
            web.kill()
        self.canaries.stop()
        self.lab.stop()
        self.net.close()
        self._folder.cleanup()

    # -- what there is

    def address(self, number, site):
        return self.net.places[site].net.replace("0/24", str(20 + number))

    def _web(self, site):
        place = self.net.places[site]
        sh(*place.enter, "sh", "-c", " && ".join(
            f"ip addr add {self.address(i, site)}/24 dev eth0"
            for i in range(self.faults)))
        web = Nginx(place, self.folder / f"web-{site}")
        web.conf.write_text(web.conf.read_text().replace(
            f"listen {place.web}", "listen 0.0.0.0"))
        web.start()
        return web

    def _agent(self, name, ca):
        folder = self.folder / f"agent-{name}"
        folder.mkdir()
        make_certificate(ca, name, out=folder)
        shutil.copy(ca / "ca.pem", folder)
        config = folder / "pointsman.yaml"
        config.write_text(self._text())
        agent = Agent(SimpleNamespace(folder=folder, config=config),
                      wrapper=self.net.places[name].enter)
        agent.name = name
        return agent

    def _text(self):
        n = self.number
        agents = "\n".join(
            f"  {a}: {{url: \"https://{self.net.places[a].agent}:{PORT}\""
            + (f", site: {a}" if a in self.sites else "") + "}" for a in self.names)
        check = "\n".join(f"    {key}: {n[key]}"
                          for key in ("every", "timeout", "recheck", "hedge")
                          if key in n)
        timing = ", ".join(f"{key}: {n[key]}"
                           for key in ("report", "fresh", "rank", "silent"))
        services = "\n".join(f"""  s{i}:
    zone: lab
    names: [s{i}.example.test]
    ttl: 1s
    check: web
    hold: {n["hold"]}
    failback: manual
    members:
""" + "\n".join(f"      {s}: {{answers: {{A: [{self.address(i, s)}]}}}}"
                for s in MEMBERS) for i in range(self.faults))
        return f"""cluster: bench
sites: [{", ".join(self.sites)}]
agents:
{agents}
tls: {{cert: agent.pem, key: agent.key, ca: ca.pem}}
state: ./state
control: ./control.sock
timing: {{{timing}}}
canaries: [{", ".join(f'"tcp://{c}:443"' for c in CANARIES)}]
checks:
  web:
    http: {{path: /, port: 8080}}
{check}
zones:
  lab:
    name: example.test
    route53: {{zone_id: ZLAB, endpoint: "{self.lab.url}",
              budget: {{per_s: 10, burst: 50}}}}
    nameservers: [{", ".join(f'"{h}:{p}"' for h, p in self.lab.servers)}]
services:
{services}
"""

    # -- when the next fault may come

    def begin(self):
        for agent in self.agent.values():
            agent.start()
        self.wait_ready()
        status = self.status(self.agent[self.names[0]])
        if self.api_ms:
            self.lab.fault(f"slow={self.api_ms}")
        self.turns = [              # the failing site's own agent writes last
            [a["name"] for a in s["agents"] if a["name"] != DEAD] + [DEAD]
            for s in status["services"]]

    def status(self, agent):
        done = subprocess.run(
            [str(POINTSMAN), "status", "-c", str(agent.world.config), "--json"],
            env=agent.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            timeout=20)
        told = done.returncode in (0, 1) and done.stdout
        return json.loads(done.stdout) if told else None

    def ready(self):
        """Every agent votes, hears the others, and knows that each can write."""
        for agent in self.agent.values():
            if agent.process.poll() is not None:
                agent.start()
        for agent in self.agent.values():
            status = self.status(agent)
            if status is None or status["abstains"] or not all(
                    a["heard"] and a["able"] for s in status["services"]
                    for a in s["agents"]):
                return False
            if any(s["ledger"] is None or s["cannot"] for s in status["services"]):
                return False
        return True

    def wait_ready(self, seconds=120):
        deadline = time.monotonic() + seconds
        while not self.ready():
            assert time.monotonic() < deadline, "not all are ready:\n" + self.logs()
            time.sleep(0.5)
        time.sleep(self.random.uniform(0, ms(self.number["every"]) / 1000))

    def logs(self, number=None):
        """The last that each agent said, or said of that service and of itself."""
        return "\n".join(f"---- {n}\n" + "".join([
            x for x in a.lines if number is None or f"service=s{number} " in x
            or "fact=doubt" in x or "fact=trouble" in x][-30:])
            for n, a in self.agent.items())

    # -- faults

    def _rules(self, numbers):
        what = "reject with tcp reset" if self.fault == "refused" else "drop"
        return "table inet gone\ndelete table inet gone\ntable inet gone {\n" \
            "chain input { type filter hook input priority 0; policy accept;\n" \
            + "".join(
                f"ip daddr {self.address(i, DEAD)} tcp dport 8080 {what}\n"
                for i in numbers) + "}\n}\n"

    def _silence(self, names):
        return "table inet silent\ndelete table inet silent\ntable inet silent {\n" \
            "chain drops { type filter hook prerouting priority raw; policy accept;\n" \
            + "".join(f"ip {way} {self.net.places[n].agent} drop\n"
                      for n in names for way in ("saddr", "daddr")) + "}\n}\n"

    def strike(self, numbers, dying, earlier=()):
        """These services lose site c, and these agents die, in one moment. The rounds
        of it."""
        marks = {n: a.mark() for n, a in self.agent.items()}
        gone = Loaded(self._rules([*earlier, *numbers]), self.net.places[DEAD].enter)
        quiet = Loaded(self._silence(dying if self.fault != "refused" else ()))
        time.sleep(0.1)                             # nft is started, and waits
        began = time.time()
        for name in dying if self.fault == "refused" else ():
            self.agent[name].process.kill()
        quiet.go()
        gone.go()
        for name in dying:
            self.agent[name].kill()
        if self.other:
            self.other.watch(numbers, began)
        rounds = [SimpleNamespace(number=i, began=began, marks=marks, died=False)
                  for i in numbers]
        self.rounds += rounds
        return rounds

    def dies_at_its_turn(self, round_):
        """Kills the first-ranked as it sends. What it sends is dropped from before."""
        name, service = self.turns[round_.number][0], f"s{round_.number}"
        agent, since = self.agent[name], round_.marks[name]
        deadline = time.monotonic() + OUT_S
        while time.monotonic() < deadline and not self.found(
                round_, "committed", member=DEAD):
            if agent.find("change_sent", since, service=service):
                agent.kill()
                round_.died = True
                return
            time.sleep(0.005)

    def mute(self, name):
        """Its POSTs to the zone are dropped; it may read. (20 + 12 bytes of TCP header:
        with timestamps, as every Linux sends.)"""
        host, port = self.lab.http.rsplit(":", 1)
        self.net.rules = {
            "mute": f"ip saddr {self.net.places[name].agent} ip daddr {host} "
                    f"tcp dport {port} @th,256,32 0x504f5354"} if name else {}
        self.net._apply()

    def heal(self):
        Loaded(self._rules([]), self.net.places[DEAD].enter).go()
        Loaded(self._silence([])).go()
        self.mute(None)

    # -- marks

    def found(self, round_, fact, **match):
        """The first since the fault that any agent said of that service; None."""
        service = f"s{round_.number}"
        facts = [f for n, a in self.agent.items()
                 for f in a.find(fact, round_.marks[n], service=service, **match)]
        return min(facts, key=lambda f: f["time"], default=None)

    def wait_out(self, rounds):
        try:
            wait_for(lambda: all(self.found(r, "committed", member=DEAD, value="drain")
                                 for r in rounds), OUT_S)
            wait_for(lambda: all(self.found(
                r, "answered", epoch=self.found(r, "committed", member=DEAD)["epoch"])
                for r in rounds), 20)
        except AssertionError:
            pass                                    # collect() says so
        if self.other:
            self.other.wait(rounds)
        for r in rounds:
            self.collect(r)

    def collect(self, r):
        """Seconds from the fault; and whether the machine was too slow to tell."""
        quorum = self.found(r, "verdict", member=DEAD, value="DOWN")
        committed = self.found(r, "committed", member=DEAD, value="drain")
        answered = committed and self.found(r, "answered", epoch=committed["epoch"])
        until = at(committed) if committed else time.time()
        early = self.variant == "turn" and not r.died
        r.result = dict(
            service=r.number, spoilt=early or self.abstained(r, until),
            quorum=quorum and at(quorum) - r.began,
            committed=committed and until - r.began,
            answered=answered and at(answered) - r.began,
            other=self.other.took.get(r.number) if self.other else None)
        if committed and r.result["committed"] <= self.goal_s:
            return
        spoilt = "spoilt, " if r.result["spoilt"] else ""
        print(f"s{r.number}: {spoilt}committed {r.result['committed']} s after "
              f"{datetime.utcfromtimestamp(r.began).isoformat()}\n"
              + self.logs(r.number), file=sys.stderr)

    def abstained(self, r, until):
        """Did an agent of those that live doubt itself before that? It says so, but not
        every time: a doubt that comes again within a minute is said later, a verdict
        that somebody abstained from is said at once."""
        return any(
            at(f) <= until + 0.001 and (
                f["fact"] == "doubt" and f["value"] in ("late", "gap")
                or f["fact"] == "verdict" and f.get("service") == f"s{r.number}"
                and re.search(r"[1-9]\d* abstain", f.get("text", "")))
            for n, a in self.agent.items() for f in a.facts[r.marks[n]:])

    # -- the variants

    def run(self):
        {"web": self.run_web, "agent": self.run_deaths, "writer": self.run_deaths,
         "turn": self.run_turns}[self.variant]()
        return [r.result for r in self.rounds]

    def run_web(self):
        """Nobody dies: the faults need not wait for each other."""
        for i in range(self.faults):
            self.strike([i], [], earlier=range(i))
            time.sleep(self.random.uniform(0, 1.5 * ms(self.number["every"]) / 1000))
        self.wait_out(self.rounds)

    def groups(self):
        """Up to KILLS services that one death serves, with who dies."""
        own = [DEAD] if self.variant == "agent" or len(self.names) > 3 else []
        by_first = {}
        for i in range(self.faults):
            first = self.turns[i][0] if self.variant == "writer" else None
            by_first.setdefault(first, []).append(i)
        for first, numbers in by_first.items():
            for k in range(0, len(numbers), KILLS):
                yield numbers[k:k + KILLS], own + ([first] if first else [])

    def run_deaths(self):
        for numbers, dying in self.groups():
            self.wait_out(self.strike(numbers, dying))
            self.heal()
            self.wait_ready()

    def run_turns(self):
        for i in range(self.faults):
            self.mute(self.turns[i][0])
            rounds = self.strike([i], [])
            self.dies_at_its_turn(rounds[0])
            self.wait_out(rounds)
            self.heal()
            self.wait_ready()
