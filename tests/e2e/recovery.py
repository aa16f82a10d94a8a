# SPDX-License-Identifier: Apache-2.0
"""A recovery scenario in a world of real processes: two sites with a machine, PostgreSQL
and web servers each, three agents (fra, iad, wit), and the lab as their zone.

    with Recovery("warm-standby", STEPS) as r:
        r.begin()
        r.site_dies("fra")                      # machine and agent
        r.wait_step("begin", "asks"); r.say("approve")
        r.wait_over()
        r.incident("failover")                  # what was measured

The agents run the programs of packaging/doc/steps through their own runner; what the
world holds is read as a client does (rows, DNS), what pointsman says through its commands.
"""
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from mesh import Member, make_authority, make_certificate
from postgres import Postgres, Writer, lost_seconds, only_in_all  # noqa: F401
from world import Lab, Ledger, address, free_place, free_port, wait_for

NAMES = ("fra", "iad", "wit")


def slots(**actions):
    """The block under `steps:`; each value is the text of one slot."""
    return "\n".join(f"      {slot}: {{{text}}}" for slot, text in actions.items())


def exec_slot(argv, timeout="1m", more=""):
    return f"exec: {argv}, timeout: {timeout}" + (f", {more}" if more else "")


def replicated(pg, **more):
    """Slots of a plan whose database follows the other side's, over and back."""
    return slots(
        fence=exec_slot(pg.argv("{from}", "close")),
        **more,
        promote=exec_slot(pg.argv("{to}", "open")),
        reverse=exec_slot(pg.argv("{to}", "follow", "{from}"), "2m"),
        freeze=exec_slot(pg.argv("{from}", "close")),
        unfreeze=exec_slot(pg.argv("{to}", "open")))


class Recovery:
    def __init__(self, kind, steps, lag=None, policy="failover", service="stateful: true\n"
                 "    failback: manual\n    hold: 1s", trigger="approval", more="",
                 standby=True, web=("fra", "iad"), at_first=("fra",)):
        self.kind, self.steps, self.lag, self.policy = kind, steps, lag, policy
        self.service, self.trigger, self.more = service, trigger, more
        self.standby, self.web = standby, web
        self.at_first = at_first            # whose records have a weight in the beginning
        self.keep = False
        self.lab = Lab()

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pm-recovery-"))
        self.folder.chmod(0o755)
        self.lab.start()
        (self.folder / "sites").mkdir()
        self.pg = Postgres(self.folder / "sites").__enter__()
        self.sites = self.pg.sites
        self.writer = Writer(self.sites)
        make_authority(self.folder)
        self.url = {}
        for name in NAMES:
            host = address()
            self.url[name] = f"https://{host}:{free_port(host)}"
        self.page = {name: free_place() for name in NAMES}
        self.agent = {name: self._add(name) for name in NAMES}
        return self

    def _add(self, name):
        folder = self.folder / f"agent-{name}"
        folder.mkdir()
        make_certificate(self.folder, name, out=folder)
        agent = Member(self, name, folder)
        agent.config.write_text(self.text(name))
        return agent

    def __exit__(self, kind, *_):
        try:
            for agent in self.agent.values():
                if agent.alive():
                    status = agent.stop()
                    if kind is None:
                        assert status == 0, f"{agent.name}: exit {status}:\n" \
                            + agent.log()[-3000:]
        finally:
            self.writer.stop()
            self.pg.__exit__()
            self.lab.stop()
            if self.keep:
                for agent in self.agent.values():
                    (agent.folder / "agent.log").write_text(agent.log())
            else:
                shutil.rmtree(self.folder, ignore_errors=True)

    # -- configuration

    def text(self, name):
        servers = ", ".join(f'"{host}:{port}"' for host, port in self.lab.servers)
        agents = "\n".join(
            f'  {n}: {{url: "{self.url[n]}"' + (f", site: {n}" if n in self.sites else "")
            + "}" for n in NAMES)
        members = "\n".join(f"      {s.name}: {{answers: {{A: [{s.host}]}}}}"
                            for s in self.sites.values())
        lag = self.lag(self) if self.lag else "exec: {argv: %s, seconds: stdout}\n    every: 1s\n" \
            "    timeout: 1s" % json.dumps([str(self.pg.bin / "pg-lag"), str(self.pg.conf),
                                            "{from}", "{to}"])
        steps = self.steps(self) if callable(self.steps) else self.steps
        return f"""cluster: test
sites: [{", ".join(self.sites)}]
agents:
{agents}
tls: {{cert: agent.pem, key: agent.key, ca: ../ca.pem}}
state: ./state
page: {self.page[name]}
control: ./control.sock
timing: {{report: 200ms, fresh: 3s, rank: 600ms, silent: 800ms}}
checks:
  web:
    http: {{path: /healthz, port: {self.sites["fra"].web_port}}}
    every: 1s
    timeout: 1s
    recheck: 250ms
  lag:
    {lag}
zones:
  lab:
    name: example.test
    route53: {{zone_id: ZLAB, endpoint: "{self.lab.url}"}}
    nameservers: [{servers}]
services:
  www:
    zone: lab
    names: [www.example.test]
    ttl: 2s
    policy: {self.policy}
    check: web
    {self.service}
    members:
{members}
scenarios:
  shop-dr:
    kind: {self.kind}
    service: www
    primary: fra
    recovery: iad
    rto: 2m
    rpo: 30s
    lag: lag
    trigger: {self.trigger}
    {self.more}
    steps:
{steps}
"""

    # -- life

    def begin(self, seconds=60):
        self.pg.begin(standby=self.standby, web=self.web)
        self.writer.start()
        self.writer.wait("fra")
        self.begin_agents(seconds)

    def begin_agents(self, seconds=60):
        for agent in self.agent.values():
            agent.start()
        self.wait_points(*self.at_first, seconds=seconds)
        for agent in self.agent.values():
            wait_for(lambda: self.hears(agent.name) == len(NAMES), seconds, "all heard")
            wait_for(lambda: agent.service()["cannot"] == "", seconds, "able to write")

    def site_dies(self, name):
        """As by a power cut: the machine, and the agent beside it."""
        died = self.sites[name].power_cut()
        self.agent[name].kill()
        return died

    def site_returns(self, name, boot=True):
        """Power is back: its database comes up as it was left, then agent and web."""
        if self.sites[name].process is None:
            self.sites[name].power_on()
        if boot:
            self.sites[name].boot()
        self.sites[name].shop("copies", "1")
        if not self.agent[name].alive():
            self.agent[name].start()
            wait_for(lambda: self.hears(name) == len(NAMES), 60, f"{name} to hear all")

    def hears(self, name):
        """Agents that it hears; 0 while it cannot be asked."""
        status, printed = self.agent[name].command("status", "--json")
        return json.loads(printed)["agents_heard"] if status in (0, 1) else 0

    def wait_down(self, site, seconds=60):
        for agent in self.running():
            agent.wait("verdict", seconds, value="DOWN", member=site)

    def running(self):
        return [a for a in self.agent.values() if a.alive()]

    # -- what the zone answers

    def answers(self):
        """Sites whose address a resolver is told now."""
        answer = self.lab.dns("www.example.test", "A", timeout=2)
        by_host = {s.host: s.name for s in self.sites.values()}
        return {by_host.get(text, text) for text in answer.texts} if answer else set()

    def points(self):
        """Sites whose records have a weight."""
        return {s["set_id"] for s in self.lab.state().sets
                if s["name"] == "www.example.test." and s["type"] == "A"
                and int(s["policy"].split("=")[1]) > 0}

    def wait_points(self, *sites, seconds=60):
        def there():
            return self.points() == set(sites)
        try:
            wait_for(there, seconds)
        except AssertionError:
            raise AssertionError(f"the zone points at {self.points()}, not {sites}; "
                                 + self.logs()) from None

    def ledger(self):
        found = self.lab.state().find("_pointsman.www.example.test.", "TXT")
        return Ledger(found["values"][0]) if found else None

    # -- the operator

    def command(self, *words, agent=None, ok=True, seconds=30):
        agent = agent or self.running()[0]
        status, printed = agent.command(*words, seconds=seconds)
        assert not ok or status == 0, f"{words}: exit {status}: {printed}\n" + self.logs()
        return printed if ok else (status, printed)

    def say(self, order, *words, **more):
        """An order about the scenario: failover, approve, skip …"""
        said = self.command(order, "shop-dr", *words, **more)
        if order in ("failover", "failback") and (more.get("ok", True) or said[0] == 0):
            self.wait_run(lambda run: run["way"] != "none", 30, f"the {order} to begin")
        return said

    def run(self):
        """The scenario as status shows it, by an agent that runs; None when none can say."""
        for agent in self.running():
            try:
                status = agent.status()
            except (AssertionError, subprocess.TimeoutExpired):
                continue
            for scenario in status.get("scenarios", []):
                if scenario["name"] == "shop-dr":
                    return scenario
        return None

    def wait_step(self, step, *states, seconds=90):
        """Until the run is at this step, in one of these states."""
        return self.wait_run(lambda r: r["step"] == step and r["state"] in states, seconds,
                             f"{step} to be {' or '.join(states)}")

    def wait_over(self, seconds=120):
        return self.wait_run(lambda r: r["way"] == "none", seconds, "the run to be over")

    def wait_run(self, what, seconds, why):
        seen = []

        def there():
            run = self.run()
            if not seen or seen[-1] != run:
                seen.append(run)
            return run is not None and what(run) and run
        try:
            return wait_for(there, seconds, why)
        except AssertionError:
            raise AssertionError(f"waited {seconds} s in vain: {why}; status says:\n"
                                 f"{json.dumps(seen[-1:], indent=1)}\n{self.logs()}"
                                 ) from None

    def logs(self, lines=60):
        return "".join(f"-- {a.name}\n" + "".join(a.lines[-lines:])
                       for a in self.agent.values()) + "".join(
            f"==== {s.name}\n" + s.log() for s in self.sites.values())

    # -- what is proven

    def incident(self, way):
        """The newest incident, which is of that way, as JSON, when its times are known."""
        seen = []

        def there():
            # fra's agent was down in most of them; iad's never is.
            status, printed = self.command("history", "shop-dr", "--json", ok=False,
                                           agent=self.agent["iad"])
            seen.append((status, printed))
            found = json.loads(printed) if status in (0, 1) else {}
            return found.get("way") == way and found["rto_ms"] is not None and found
        try:
            return wait_for(there, 40, f"the report of a {way}")
        except AssertionError:
            raise AssertionError(f"no report of a {way}: {seen[-1:]}\n" + self.logs()
                                 ) from None

    def check_over(self, sites, died=None):
        """Who accepted rows, in turn; and no more is lost than was reported."""
        self.writer.wait(sites[-1])
        assert self.writer.turns() == list(sites), [
            (site, len(rows), rows[0].acked, rows[-1].acked)
            for site, rows in self.writer.spans()]
        lost = self.writer.lost(self.sites[sites[-1]])
        if died is None:
            assert lost == [], f"{len(lost)} rows are lost"
        return lost


def check_report(report, lost, died, slack_s=3):
    """What the incident says that would be lost covers what was lost."""
    seconds = lost_seconds(lost, died)
    assert report["rpo_ms"] is not None, report
    assert seconds <= report["rpo_ms"] / 1000 + slack_s, (seconds, report["rpo_ms"])
    assert report["rto_ms"] is not None and report["rto_ms"] > 0, report
    print(f"  {report['kind']}, {report['way']}: RTO {report['rto_ms'] / 1000:.1f} s, RPO "
          f"{report['rpo_ms'] / 1000:.1f} s; {len(lost)} acknowledged rows lost, the oldest "
          f"{seconds:.2f} s before the fault")
