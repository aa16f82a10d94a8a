#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""Exec checks: a program for each member's address, run by the runner; what becomes of
its ends, of the runner's, and of the agent's."""
import json
import os
import signal
import unittest
from pathlib import Path

from prober import Prober
from test_metrics import metrics
from world import FAST_CHECK, World, main, parallel, wait_for

# Does what the file mode-MEMBER says, and keeps what it was given.
SCRIPT = """#!/bin/sh
cd %(folder)s || exit 99
tr '\\0' '\\n' </proc/$$/environ >env-$POINTSMAN_MEMBER.new
mv env-$POINTSMAN_MEMBER.new env-$POINTSMAN_MEMBER
for a; do echo "$a"; done >args-$POINTSMAN_MEMBER.new
mv args-$POINTSMAN_MEMBER.new args-$POINTSMAN_MEMBER
read mode <mode-$POINTSMAN_MEMBER
case "$mode" in
pass) exit 0 ;;
fail) echo "first line"; echo "no database: \033[31mred" >&2; exit 3 ;;
signal) kill -SEGV $$ ;;
hang)
    # A daemon with a session of its own, and both deaf to SIGTERM.
    trap '' TERM
    echo $$ >>pids
    setsid sh -c 'trap "" TERM; echo $$ >>pids; while :; do sleep 1; done' &
    while :; do sleep 1; done ;;
esac
exit 98
"""
EXEC = """exec: {argv: [%s/probe, "{service}/{member}@{site}", "two words", "{host}|{address}|{port}", '{"a":{member}}', $HOME]}"""
TIMES = """every: 400ms
    timeout: 700ms
    recheck: 100ms
    rise: 3"""


class ExecWorld(World):
    def __enter__(self):
        super().__enter__()
        # An agent that is root runs programs as nobody.
        self.folder.chmod(0o777)
        self.program = self.folder / "probe"
        self.program.write_text(SCRIPT % {"folder": self.folder})
        self.program.chmod(0o755)
        for member in self.members:
            self.behave(member, "pass")
        return self

    def text(self):
        http = f"http: {{path: /, port: {self.port}}}"
        text = super().text().replace(http, EXEC % self.folder)
        text = text.replace(FAST_CHECK, TIMES)
        for m in self.members:
            text = text.replace(f"      {m}: {{", f"      {m}: {{endpoints: "
                                f"[\"{self.web[m].host}:{self.port}\"], ")
        return text

    def behave(self, member, word):
        new = self.folder / "new"
        new.write_text(word + "\n")
        new.chmod(0o644)
        new.rename(self.folder / f"mode-{member}")

    def given(self, what, member):
        return (self.folder / f"{what}-{member}").read_text().splitlines()

    def running(self):
        """Process ids of programs that hang, and of their daemons."""
        path = self.folder / "pids"
        pids = path.read_text().split() if path.exists() else []
        return [pid for pid in pids if runs(pid, str(self.folder))]

    def results(self, **labels):
        return metrics(self).sum("probe_results_total", **labels)


def runs(pid, folder):
    """Is it one of ours, and no zombie? The number may be another's by now."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in "ZX" and os.readlink(f"/proc/{pid}/cwd") == folder
    except OSError:
        return False


class Exec(unittest.TestCase):
    def test_side_by_side(self):
        """Each case in a world of its own; most of their time is waiting."""
        def job(name):
            def run():
                with ExecWorld() as w:
                    getattr(self, name)(w)
            run.__name__ = name
            return run
        parallel(*(job(name) for name in dir(self) if name.startswith("case_")),
                 at_once=4)

    def case_what_it_is_given(self, w):
        w.begin()
        for m in "ab":
            host = w.web[m].host
            self.assertEqual([f"www/{m}@{m}", "two words", f"{host}|{host}|{w.port}",
                              '{"a":%s}' % m, "$HOME"], w.given("args", m))
            self.assertEqual(
                ["LANG=C", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                 "/sbin:/bin", f"POINTSMAN_ADDRESS={host}", "POINTSMAN_CHECK=web",
                 f"POINTSMAN_HOST={host}", f"POINTSMAN_MEMBER={m}",
                 f"POINTSMAN_PORT={w.port}", "POINTSMAN_SERVICE=www",
                 f"POINTSMAN_SITE={m}"], sorted(w.given("env", m)))
        # A reload takes new arguments: another question, asked from the beginning.
        since = w.agent.mark()
        w.write_config(w.text().replace("two words", "other words"))
        w.agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: w.given("args", "b")[1] == "other words")
        w.agent.wait("verdict", since=since, member="b", value="UP")
        self.assertEqual({"a": 100, "b": 100}, w.sets())
        runner = Path(f"/proc/{w.agent.runner()}/environ").read_bytes()
        self.assertNotIn(b"AWS", runner)

    def case_fails_and_passes(self, w):
        w.begin()
        since = w.agent.mark()
        w.behave("b", "fail")
        w.wait_weights(a=100, b=0)
        w.agent.wait("fault", since=since, member="b",
                     text="exit status 3: no database: ?[31mred")
        self.assertGreaterEqual(w.results(member="b", outcome="fail", reason="exit"), 3)
        w.behave("b", "pass")
        w.wait_weights(40, a=100, b=100)
        status = w.status()
        self.assertTrue(status["runner"]["alive"])
        self.assertEqual(0, status["runner"]["restarts"])

    def case_deadline_ends_everything(self, w):
        w.begin()
        since = w.agent.mark()
        w.behave("b", "hang")
        w.wait_weights(a=100, b=0)
        w.agent.wait("fault", since=since, member="b", text="did not end within 700 ms")
        w.behave("b", "pass")
        wait_for(lambda: not w.running())
        self.assertEqual(0, w.agent.stop())
        self.assertEqual([], self.leftovers(w))

    def case_cannot_start_counts_for_nothing(self, w):
        w.begin()
        since = w.agent.mark()
        w.program.rename(w.folder / "away")
        wait_for(lambda: w.results(outcome="unknown", reason="not-started") >= 8)
        w.agent.wait("verdict", since=since, member="b", value="UNDECIDED")
        self.assertEqual({"a": 100, "b": 100}, w.sets())
        self.assertEqual(0, w.results(outcome="fail"))
        (w.folder / "away").rename(w.program)
        w.agent.wait("verdict", since=since, member="b", value="UP")

    def case_runner_dies(self, w):
        w.begin()
        since = w.agent.mark()
        runner = w.agent.runner()
        w.behave("b", "hang")
        wait_for(w.running)
        os.kill(runner, signal.SIGKILL)
        said = w.agent.wait("worker", since=since)
        self.assertIn(f"the runner (pid {runner}) died by signal 9", said["text"])
        self.assertEqual("error", said["level"])
        w.behave("b", "pass")
        wait_for(lambda: w.agent.runner() not in (None, runner))
        wait_for(lambda: not w.running())
        w.agent.wait("verdict", since=since, member="b", value="UP")
        self.assertEqual({"a": 100, "b": 100}, w.sets())
        self.assertEqual(1, w.status()["runner"]["restarts"])
        seen = metrics(w)
        self.assertEqual(1, seen.get("runner_restarts_total"))
        self.assertEqual(1, seen.get("runner_alive"))
        self.assertEqual(0, seen.get("worker_restarts_total"))
        # It is as good as the first.
        w.behave("b", "fail")
        w.wait_weights(a=100, b=0)

    def case_stuck_runner_is_replaced(self, w):
        w.begin()
        since = w.agent.mark()
        os.kill(w.agent.runner(), signal.SIGSTOP)
        w.agent.wait("worker", since=since, text="was silent for 5 s and was killed")
        w.agent.wait("verdict", since=since, member="a", value="UP")
        self.assertEqual({"a": 100, "b": 100}, w.sets())

    def case_worker_dies_while_a_program_runs(self, w):
        w.begin()
        since = w.agent.mark()
        w.behave("b", "hang")
        wait_for(w.running)
        os.kill(w.agent.workers()[0], signal.SIGKILL)
        w.agent.wait("worker", since=since, text="died by signal 9")
        w.behave("b", "pass")
        w.agent.wait("verdict", since=since, member="b", value="UP")
        wait_for(lambda: not w.running())

    def case_nothing_outlives_a_killed_agent(self, w):
        w.begin()
        w.behave("b", "hang")
        wait_for(lambda: len(w.running()) >= 2)
        runner = w.agent.runner()
        w.agent.kill()
        wait_for(lambda: not w.running() and not Path(f"/proc/{runner}").exists())
        self.assertEqual([], self.leftovers(w))

    def case_nothing_outlives_an_agent_that_stops(self, w):
        w.begin()
        w.behave("b", "hang")
        wait_for(lambda: len(w.running()) >= 2)
        self.assertEqual(0, w.agent.stop())
        self.assertEqual([], w.running())
        self.assertEqual([], self.leftovers(w))

    def leftovers(self, w):
        """Processes in the world's folder: none but the agent's own may be there."""
        left = []
        for path in Path("/proc").glob("[0-9]*"):
            if runs(path.name, str(w.folder)):
                left.append((path.name, (path / "cmdline").read_bytes()))
        return left

    def case_check_and_plan(self, w):
        self.assertEqual(0, w.command("check")[0])
        w.behave("b", "fail")
        code, text = w.command("check")
        self.assertEqual(1, code, text)
        self.assertIn("exit: exit status 3: no database", text)
        rows = json.loads(w.command("check", "--json")[1])
        self.assertEqual([("a", "pass", "ok"), ("b", "fail", "exit")],
                         [(r["member"], r["outcome"], r["reason"]) for r in rows])
        self.assertEqual(w.web["a"].host, rows[0]["address"])
        code, text = w.command("plan", "www")
        self.assertEqual(1, code, text)
        self.assertIn("b: out weight 0", text)
        w.behave("b", "signal")
        self.assertIn("signal: ended by signal 11", w.command("check")[1])
        w.behave("b", "hang")
        self.assertIn("timeout: did not end within 700 ms", w.command("check")[1])
        self.assertEqual([], w.running())
        w.program.chmod(0o600)
        code, text = w.command("check")
        self.assertEqual(2, code, text)
        self.assertIn("not-started: cannot be started: Permission denied", text)

    def case_each_address_of_a_name(self, w):
        w.write_config(w.text().replace(f"endpoints: [\"{w.web['b'].host}:{w.port}\"]",
                                        "endpoints: [localhost]").replace("|{port}", ""))
        w.begin()
        self.assertEqual("localhost|127.0.0.1", w.given("args", "b")[2])
        self.assertFalse([v for v in w.given("env", "b") if "PORT" in v])

    def case_doctor(self, w):
        text = w.command("doctor")[1]
        self.assertIn(f"{w.program} can be executed", text)
        self.assertIn("runner: it starts", text)
        w.program.chmod(0o644)
        self.assertIn("chmod 755 it", w.command("doctor")[1])
        w.program.chmod(0o777)
        self.assertIn("chmod go-w it", w.command("doctor")[1])
        w.program.unlink()
        code, text = w.command("doctor")
        self.assertEqual(1, code)
        self.assertIn("No such file or directory: its samples are UNKNOWN", text)
        # A named file that is absent is no mistake of the file.
        self.assertEqual(0, w.command("validate")[0])


class Schedule(unittest.TestCase):
    """The worker's part: it asks, and waits for the result."""

    def test_one_at_a_time(self):
        p = Prober()
        p.target(1, "127.0.0.1", 0, kind="exec", every=50, recheck=20)
        p.say("go")
        for outcome in (1, 2, 0, 1):
            mark = p.mark()
            due = p.all("due")[-1] if p.all("due") else p.wait("due")[0]
            self.assertEqual("127.0.0.1", due["address"])
            # Wrong tickets and slots are nobody's; the lag shows that it had time to ask.
            p.say("result", id=1, slot=0, ticket=int(due["ticket"]) + 1, outcome=1)
            p.say("result", id=1, slot=7, ticket=due["ticket"], outcome=1)
            p.say("result", id=9, slot=0, ticket=due["ticket"], outcome=1)
            p.wait("lag", since=mark)
            self.assertEqual(due, p.all("due")[-1], "it asked again before the result")
            mark = p.mark()
            p.say("result", id=1, slot=0, ticket=due["ticket"], outcome=outcome)
            again = p.wait("due", since=mark)[0]
            self.assertGreater(int(again["ticket"]), int(due["ticket"]))
        mark = p.mark()
        p.target(1, "127.0.0.2", 0, kind="exec", every=50, recheck=20)
        p.say("result", id=1, slot=0, ticket=again["ticket"], outcome=1)
        self.assertEqual("127.0.0.2", p.wait("due", since=mark)[0]["address"])
        self.assertEqual([], p.all("sample"))
        self.assertEqual({"exit": 0}, p.close())

    def test_link_local_is_never_given(self):
        p = Prober()
        p.target(1, "169.254.169.254", 0, kind="exec", every=50)
        p.say("go")
        self.assertEqual("forbidden", p.wait("sample")[0]["reason"])
        self.assertEqual([], p.all("due"))
        self.assertEqual({"exit": 0}, p.close())


if __name__ == "__main__":
    main()
