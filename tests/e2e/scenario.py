# SPDX-License-Identifier: Apache-2.0
"""A service with a recovery scenario: three agents, the lab, web servers, and side.py in
the place of databases.

    with Scenario("warm-standby") as s:
        s.begin()
        s.order("failover")
        s.wait_done("failover", serves="iad")
        s.order("failback"); s.wait_done("failback", serves="fra")
        s.check()
"""
import json
import sys
import time
from pathlib import Path

from mesh import Mesh
from world import FAST_CHECK, wait_for

SIDE = Path(__file__).with_name("side.py")
KINDS = {
    "warm-standby": ["fence", "scale_out", "scale_up", "promote", "ready", "reverse",
                     "freeze", "unfreeze", "scale_in"],
    "pilot-light": ["fence", "promote", "provision", "attach", "ready", "reverse",
                    "freeze", "unfreeze"],
    "backup-restore": ["fence", "restore", "provision", "ready", "freeze", "backup",
                       "unfreeze"],
    "multi-site": ["scale_out", "fence", "promote", "reverse", "freeze", "unfreeze"],
}
COLD = ("pilot-light", "backup-restore")
# What is done on each way, in order; gates left out.
OVER = {
    "warm-standby": ["fence fra", "scale_out iad", "scale_up iad", "promote iad"],
    "pilot-light": ["fence fra", "promote iad", "provision iad", "attach iad"],
    "backup-restore": ["fence fra", "restore iad", "provision iad"],
    "multi-site": ["scale_out iad", "fence fra", "promote iad"],
}
BACK = {
    "warm-standby": ["reverse fra", "freeze iad", "unfreeze fra", "scale_in iad"],
    "pilot-light": ["reverse fra", "freeze iad", "unfreeze fra"],
    "backup-restore": ["freeze iad", "backup iad", "restore fra", "unfreeze fra"],
    "multi-site": ["reverse fra", "freeze iad", "unfreeze fra"],
}


class Scenario(Mesh):
    def __init__(self, kind, trigger="command", steps=None, more="", timeout=4, retries=2,
                 extra=None):
        super().__init__(agents=("fra", "iad", "wit"), members=("fra", "iad"))
        self.kind, self.trigger, self.more = kind, trigger, more
        self.timeout, self.retries = timeout, retries
        self.given, self.extra = steps or {}, extra or {}

    def __enter__(self):
        self.side = None
        super().__enter__()
        return self

    def add(self, name):
        if self.side is None:
            self.side = self.folder / "side"
            self.side.mkdir()
            # The runner drops its privileges, when it has any.
            self.folder.chmod(0o755)
            self.side.chmod(0o777)
            for file in ("lock", "log"):
                (self.side / file).touch()
                (self.side / file).chmod(0o666)
            self.set_sides(fra=True, iad=False)
            self.lag(0)
            self.backup("backup-0", age_s=5)
        return super().add(name)

    # -- the sides

    def set_sides(self, **open_):
        (self.side / "side.json").write_text(json.dumps(
            {site: {"open": is_open, "fence": 0} for site, is_open in open_.items()}))

    def sides(self):
        sides = json.loads((self.side / "side.json").read_text())
        return {name for name, side in sides.items() if side["open"]}

    def log_of_acts(self):
        return (self.side / "log").read_text().splitlines()

    def acts(self):
        """What was done: "promote iad", oldest first."""
        return [" ".join(line.split()[:2]) for line in self.log_of_acts()]

    def lag(self, seconds):
        (self.side / "lag.new").write_text(f"{seconds}\n")
        (self.side / "lag.new").rename(self.side / "lag")

    def backup(self, name, age_s=0):
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_s))
        (self.side / "manifest.json").write_text(
            json.dumps({"id": name, "started_at": at, "completed_at": at}))

    def trouble(self, when, act, word):
        """See side.py; word None: no more."""
        path = self.side / f"{when}-{act}"
        if word is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(word)

    def wait_at(self, act, seconds=30):
        wait_for(lambda: (self.side / f"at-{act}").exists(), seconds)
        (self.side / f"at-{act}").unlink()

    # -- configuration

    def slot(self, act):
        if act in self.given:
            return self.given[act]
        if act == "ready":
            return "{wait: healthy, timeout: 40s}"
        site = "{from}" if act in ("fence", "freeze", "backup", "scale_in") else "{to}"
        argv = [sys.executable, str(SIDE), str(self.side), act, site, "{fence}"]
        more = self.extra.get(act, f"timeout: {self.timeout}s, retries: {self.retries}")
        return f"{{exec: {json.dumps(argv)}, {more}}}"

    def text(self, name):
        text = super().text(name)
        back = self.kind == "backup-restore"
        lag = (f"backup: {{manifest: {json.dumps(str(self.side / 'manifest.json'))}}}"
               if back else
               f'exec: {{argv: [/usr/bin/cat, {json.dumps(str(self.side / "lag"))}], '
               'seconds: stdout}')
        text = text.replace("checks:\n", f"checks:\n  lag:\n    {lag}\n"
                            "    every: 500ms\n    timeout: 400ms\n", 1)
        text = text.replace("silent: 400ms", "silent: 400ms, takeover: 3s")
        if self.kind != "multi-site":
            text = text.replace("policy: weighted", "policy: failover\n    failback: manual")
            text = text.replace("{weight: 100, ", "{")
        steps = "\n".join(f"      {act}: {self.slot(act)}" for act in KINDS[self.kind])
        return text + f"""
scenarios:
  shop-dr:
    kind: {self.kind}
    service: www
    primary: fra
    recovery: iad
    rto: 1m
    rpo: 30s
    lag: lag
    trigger: {self.trigger}
    {self.more if back else "catch_up: 10s" + chr(10) + "    " + self.more}
    steps:
{steps}
"""

    # -- life

    def begin(self, seconds=60):
        if self.kind in COLD:
            self.web["iad"].do("refuse")
        self.start()
        want = {"fra": 100, "iad": 100 if self.kind == "multi-site" else 0}
        self.wait_weights(seconds, **want)
        self.wait_heard(seconds)
        for agent in self.agent.values():
            wait_for(lambda: agent.service()["cannot"] == "", seconds)
            wait_for(lambda: all(a["able"] for a in agent.service()["agents"]), seconds)

    def living(self):
        return [a for a in self.agent.values() if a.alive()]

    def now(self, agent=None):
        """The scenario, as an agent's status has it."""
        who = self.agent[agent] if agent else self.living()[0]
        return who.status()["scenarios"][0]

    def order(self, *words, agent=None, good=True, scenario="shop-dr"):
        who = self.agent[agent] if agent else self.living()[-1]
        code, text = who.command(words[0], scenario, *words[1:])
        if good:
            assert code == 0, f"{words}: exit {code}: {text}\n" + self.logs()
        return code, text

    def approve(self, agent=None):
        """Yes to whatever asks now."""
        self.order("approve", "--reason", "a test says so", agent=agent)

    def runner(self, seconds=30):
        """The agent that runs it."""
        wait_for(lambda: self.now()["runner"] != "", seconds)
        return self.now()["runner"]

    def wait_state(self, step, state, seconds=40):
        self.wait(lambda n: n["step"] == step and n["state"] == state, seconds,
                  f"{step} {state}")

    def wait(self, is_so, seconds, what):
        try:
            wait_for(lambda: is_so(self.now()), seconds)
        except AssertionError:
            raise AssertionError(
                f"not {what} in {seconds} s; status:\n{json.dumps(self.now(), indent=1)}\n"
                f"acts: {self.acts()}\n" + self.logs()) from None

    def wait_done(self, serves, seconds=60):
        """The run is over and the records point there."""
        self.wait(lambda n: n["way"] == "none" and (self.points() == serves), seconds,
                  f"over with {serves}")
        self.check(open_={serves})

    def points(self):
        weights = self.sets()
        if self.kind == "multi-site":
            return "fra" if weights["fra"] > 0 else "iad"
        return next((m for m, w in weights.items() if w > 0), None)

    def check(self, open_=None):
        wrong = [line for line in self.log_of_acts() if line.startswith("VIOLATION")]
        assert not wrong, wrong
        if open_ is not None:
            assert self.sides() == open_, (self.sides(), self.acts())

    def revive(self, *names):
        """Agents that were killed, until all hear each other and may write."""
        for name in names:
            self.agent[name].start()
        for name in names:
            wait_for(lambda: self.agent[name].command("status")[0] == 0, 40)
        self.wait_heard(40)
        for agent in self.living():
            wait_for(lambda: all(a["able"] for a in agent.service()["agents"]), 40)

    def site_dies(self, site, agent=True):
        self.web[site].do("refuse")
        if agent:
            self.agent[site].kill()

    def kill_runner(self):
        """SIGKILL to whoever runs it; its name."""
        name = self.runner()
        self.agent[name].kill()
        return name
