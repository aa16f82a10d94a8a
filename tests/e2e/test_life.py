#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""The agent's life: how it stops, reloads, restarts, doubts itself, and keeps secrets.

Every scenario has a world of its own, and all run side by side.
"""
import os
import re
import signal
import socket
import subprocess
import threading
import time
import unittest
from pathlib import Path

from world import SECRET, SOURCE, Web, World, address, main, parallel, wait_for

LEDGER = "_pointsman.www.example.test"


def quiet(w, seconds, **weights):
    """Nothing is written for so long."""
    writes = len(w.changes(ok=False))
    time.sleep(seconds)
    assert w.sets() == weights and len(w.changes(ok=False)) == writes, w.agent.log()


# ---- the end -----------------------------------------------------------------------

def sigterm_awaits_a_change():
    with World() as w:
        w.begin()
        w.lab.fault("slow=1500")
        since = w.agent.mark()
        w.web["b"].kill()
        sent = w.agent.wait("change_sent", since=since)
        began = time.time()
        assert w.agent.stop() == 0
        assert 0.8 < time.time() - began < 8, time.time() - began
        done = w.agent.find("committed", nonce=sent["nonce"])
        assert len(done) == 1, w.agent.log()
        stopping = w.agent.find("stopped")
        assert "awaited" in stopping[0]["text"] and len(stopping) == 2, stopping
        assert w.sets() == {"a": 100, "b": 0}
        # Its outcome is in the store: the next run has nothing to close.
        w.lab.clear()
        since = w.agent.mark()
        w.agent.start()
        w.agent.wait("verdict", since=since, member="b", value="DOWN")
        assert not w.agent.find("outcome_closed", since)


def sigterm_at_rest_is_quick():
    with World() as w:
        w.begin()
        workers = w.agent.workers()
        began = time.time()
        assert w.agent.stop() == 0
        assert time.time() - began < 2, time.time() - began
        assert len(workers) == 1 and not os.path.exists(f"/proc/{workers[0]}")
        assert not (w.folder / "control.sock").exists()


def one_agent_a_state_directory():
    with World() as w:
        w.begin()
        mode = (w.folder / "state").stat().st_mode & 0o777
        assert mode == 0o700, oct(mode)
        code, text = w.command("run", "--agent", "one")
        assert code == 1 and "another agent runs on the state directory" in text, text
        w.agent.kill()
        since = w.agent.mark()
        w.agent.start()     # kill -9 leaves no lock behind
        w.agent.wait("verdict", since=since, member="b", value="UP")


# ---- reload -------------------------------------------------------------------------

def reload_with_mistakes():
    """All mistakes are said, and the old file stays in force."""
    with World() as w:
        w.begin()
        good = w.text()
        w.write_config(good.replace("weight: 100", "weight: 300")
                       .replace("policy: weighted", "policy: wheighted"))
        since = w.agent.mark()
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("trouble", since=since, text="the old one stays in force")
        said = [f["text"] for f in w.agent.find("trouble", since, level="error")
                if re.search(r"\.yaml:\d+:\d+: ", f["text"])]
        assert len(said) == 3, said
        assert any("weighted" in text for text in said), said
        w.write_config(good.replace("cluster: test", "cluster: other"))
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("trouble", since=since, text="cluster changed from test to other")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)


def reload_keeps_health():
    with World() as w:
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        w.weight["a"] = 60
        w.write_config()
        since = w.agent.mark()
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("started", since=since, text="read anew")
        w.wait_weights(5, a=60, b=0)
        assert not w.agent.find("verdict", since), w.agent.log()
        assert not w.agent.find("doubt", since), w.agent.log()
        # It goes on by the new file.
        w.web["b"].start()
        w.wait_weights(a=60, b=100)


def reload_adds_and_takes_services():
    with World() as w:
        w.begin()
        one = w.text()
        head, members = one.split("    members:\n")
        service = head[head.index("  www:\n"):] + "    members:\n" + members
        second = service.replace("www", "api")
        w.write_config(one + second)
        w.agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: w.lab.state().find("_pointsman.api.example.test.", "TXT"), 20)
        since = w.agent.mark()
        w.write_config(one.replace("www", "api"))
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("stopped", since=since, service="www")
        w.agent.wait("started", since=since, text="read anew")
        w.web["b"].kill()
        wait_for(lambda: (w.lab.state().find("api.example.test.", "A", "b") or
                          {"policy": ""})["policy"] == "weighted=0", 20)
        assert w.sets() == {"a": 100, "b": 100}, "records of a service that left"


def an_order_outlives_a_reload():
    with World() as w:
        w.begin()
        w.lab.fault("slow=700")
        answer = []
        asked = threading.Thread(target=lambda: answer.append(
            w.command("drain", "www/b", "--reason", "work on the racks")))
        since = w.agent.mark()
        asked.start()
        w.agent.wait("order", since=since, value="drain")
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("started", since=since, text="read anew")
        asked.join()
        code, text = answer[0]
        assert code == 0, text
        assert w.sets() == {"a": 100, "b": 0} and w.ledger().member["b"][0] == "x"
        w.lab.clear()
        code, text = w.command("undrain", "www/b")
        assert code == 0, text
        w.wait_weights(a=100, b=100)


# ---- systemd -------------------------------------------------------------------------

def systemd_is_told():
    with World() as w, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        path = str(w.folder / "notify")
        s.bind(path)
        s.settimeout(20)
        w.agent.env.update(NOTIFY_SOCKET=path, WATCHDOG_USEC="600000")

        def until(word):
            for _ in range(400):
                text = s.recv(4096).decode()
                if word in text.split("\n"):
                    return text
            raise AssertionError(f"no {word}")

        w.agent.start()
        until("READY=1")
        first = until("WATCHDOG=1")
        assert "STATUS=1 services, 2 members" in first, first
        began = time.time()
        until("WATCHDOG=1")
        assert time.time() - began < 0.6, "the watchdog would have bitten"
        w.agent.process.send_signal(signal.SIGHUP)
        text = until("RELOADING=1")
        assert re.search(r"MONOTONIC_USEC=\d+", text), text
        until("READY=1")
        w.agent.process.send_signal(signal.SIGTERM)
        until("STOPPING=1")
        assert w.agent.stop() == 0


# ---- workers --------------------------------------------------------------------------

def a_worker_dies():
    """Its checks are UNKNOWN; nothing is drained; another takes over."""
    with World() as w:
        w.begin()
        worker = w.agent.workers()[0]
        since = w.agent.mark()
        os.kill(worker, signal.SIGKILL)
        said = w.agent.wait("worker", since=since)
        assert "died by signal 9" in said["text"] and said["level"] == "error", said
        for member in "ab":
            w.agent.wait("verdict", since=since, member=member, value="UNDECIDED")
            w.agent.wait("verdict", since=since, member=member, value="UP")
        assert not w.agent.find("address_up", since), "they go on with what they had"
        assert not w.agent.find("decided", since)
        assert w.agent.workers() != [worker]
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)


def a_worker_is_stuck():
    with World() as w:
        w.begin()
        since = w.agent.mark()
        os.kill(w.agent.workers()[0], signal.SIGSTOP)
        w.agent.wait("worker", since=since, text="silent for 5 s and was killed")
        w.agent.wait("verdict", since=since, member="a", value="UP")
        assert w.sets() == {"a": 100, "b": 100}
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)


# ---- doubt ------------------------------------------------------------------------------

def a_paused_agent_doubts_itself():
    """What it saw before is worth nothing after a pause."""
    with World() as w:
        w.begin()
        since = w.agent.mark()
        w.agent.process.send_signal(signal.SIGSTOP)
        time.sleep(3)
        w.agent.process.send_signal(signal.SIGCONT)
        fact = w.agent.wait("doubt", since=since, value="gap")
        assert "paused" in fact["text"], fact
        w.agent.wait("doubt", since=since, value="no")
        assert not w.agent.find("decided", since)
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)


def a_pause_voids_what_was_held():
    """A hold that runs when the machine is paused has not passed when it wakes."""
    with World() as w:
        w.write_config(w.text().replace("hold: 100ms", "hold: 1500ms"))
        w.begin()
        since = w.agent.mark()
        w.web["b"].do("503")
        w.agent.wait("verdict", since=since, member="b", value="DOWN")
        w.agent.process.send_signal(signal.SIGSTOP)
        w.web["b"].do("200")
        time.sleep(2.5)
        w.agent.process.send_signal(signal.SIGCONT)
        w.agent.wait("doubt", since=since, value="gap")
        w.agent.wait("verdict", since=since, member="b", value="UP")
        time.sleep(2)
        assert not w.agent.find("decided", since), w.agent.log()
        assert w.sets() == {"a": 100, "b": 100}


def a_clock_that_runs_ahead():
    """The provider's Date advanced further than our clock: a paused machine."""
    with World() as w:
        w.begin()
        w.lab.fault("clock=120")
        since = w.agent.mark()
        w.web["b"].kill()
        fact = w.agent.wait("doubt", since=since, value="date")
        assert "ahead" in fact["text"], fact
        w.wait_weights(a=100, b=0)


def canaries_fail():
    """It is probably me: nothing is drained while fewer than 2 of 3 pass."""
    canaries = [Web(address(), 0) for _ in range(3)]
    top = "canaries: [%s]" % ", ".join(
        f'"tcp://{c.host}:{c.port}"' for c in canaries)
    try:
        with World(top=top) as w:
            w.begin()
            canaries[0].kill()
            since = w.agent.mark()
            quiet(w, 3, a=100, b=100)
            assert not w.agent.find("doubt", since), "2 of 3 pass"
            canaries[1].kill()
            fact = w.agent.wait("doubt", since=since, value="canaries")
            assert "1 of 3" in w.agent.find("doubt", since)[0]["text"] or fact
            w.web["b"].kill()
            w.agent.wait("fault", since=since, member="b")
            quiet(w, 3, a=100, b=100)
            canaries[1].start()
            w.wait_weights(a=100, b=0)
    finally:
        for c in canaries:
            c.stop()


# ---- restart ------------------------------------------------------------------------------

def a_restart_knows_the_ledger():
    """... and nothing about health: who is out stays out, and a ledger that was
    deleted meanwhile freezes instead of being made anew."""
    with World() as w:
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        assert w.agent.stop() == 0
        before = w.lab.state().sets
        w.agent.start()
        since = w.agent.mark()
        w.agent.wait("doubt", since=0, value="none")
        quiet(w, 2, a=100, b=0)
        assert w.agent.stop() == 0
        text = [s for s in before if s["name"] == LEDGER + "."][0]["values"][0]
        from world import rrset
        w.lab.edit(("DELETE", rrset(LEDGER, "TXT", text, ttl=5)))
        since = w.agent.mark()
        w.agent.start()
        w.agent.wait("frozen", since=since, value="lost")
        quiet(w, 2, a=100, b=0)


def few_open_files():
    """Idle connections take neither the agent's files nor its time."""
    with World() as w:
        w.agent.wrapper = ["/usr/bin/prlimit", "--nofile=32:32"]
        w.begin()
        w.agent.wait("trouble", text="at most 32 files")
        idle = []
        for _ in range(25):
            s = socket.socket(socket.AF_UNIX)
            s.connect(str(w.folder / "control.sock"))
            idle.append(s)
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        for s in idle:
            s.close()
        wait_for(lambda: w.command("status")[0] == 0)


def out_of_files_is_said_and_passes():
    """The limit falls below what is open already: the door rests, and opens again."""
    with World() as w:
        w.begin()
        pid = w.agent.process.pid
        since = w.agent.mark()
        subprocess.run(["prlimit", "--nofile=4:1024", "--pid", str(pid)], check=True)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(w.folder / "control.sock"))
            w.agent.wait("trouble", since=since, text="the control socket cannot take")
            before = ticks(pid)
            time.sleep(1.5)
            assert ticks(pid) - before < 0.5 * os.sysconf("SC_CLK_TCK"), "it spins"
        subprocess.run(["prlimit", "--nofile=1024:1024", "--pid", str(pid)], check=True)
        wait_for(lambda: w.command("status")[0] == 0)


def ticks(pid):
    """CPU time that a process has used."""
    field = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(field[11]) + int(field[12])


def without_a_state_directory():
    with World() as w:
        w.write_config(w.text().replace("state: ./state\n", ""))
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        assert not (w.folder / "state").exists()


def smallest(path, agent, **weights):
    """The smallest example with this machine's free ports, at its own timings."""
    with World() as w:
        first, second = weights
        text = path.read_text()
        for old, new in (("127.0.0.1:8053", w.lab.http),
                         ("127.0.0.1:8054", "%s:%d" % w.lab.servers[0]),
                         ("port: 8080", f"port: {w.port}"),
                         ("127.0.1.1", w.web["a"].host),
                         ("127.0.2.1", w.web["b"].host),
                         ("127.0.0.1:7354", w.page)):
            assert old in text, old
            text = text.replace(old, new)
        w.write_config(text)
        w.agent.name = agent

        def shown():
            return {s["set_id"]: int(s["policy"].split("=")[1])
                    for s in w.lab.state().sets if s["policy"].startswith("weighted")}
        w.agent.start()
        try:
            wait_for(lambda: shown() == weights, 40, f"{path}: {weights}")
            killed = w.web["b"].kill()
            wait_for(lambda: shown() == {first: weights[first], second: 0}, 20, "drain")
        except AssertionError as e:
            raise AssertionError(f"{e}: {shown()}\n{w.agent.log()}") from None
        assert time.time() - killed < 8


def as_a_plain_user():
    """Needs no root; and no other process of its user may look into its memory."""
    if os.getuid() != 0:
        return
    with World() as w:
        w.folder.chmod(0o755)
        for path in (w.folder, *w.folder.rglob("*")):
            os.chown(path, 65534, 65534)
        w.agent.wrapper = ["setpriv", "--reuid", "65534", "--regid", "65534",
                           "--clear-groups"]
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        for pid in (w.agent.process.pid, *w.agent.workers()):
            status = Path(f"/proc/{pid}/status").read_text()
            assert "Uid:\t65534\t65534\t65534\t65534" in status, status
            owner = os.stat(f"/proc/{pid}/mem").st_uid
            assert owner == 0 or "POINTSMAN_SANITIZE" in os.environ, owner


def the_smallest_example():
    smallest(SOURCE / "config/examples/solo.yaml", "watch", left=100, right=100)


def the_smallest_example_of_the_design():
    path = SOURCE.parent / "shared/examples/solo.yaml"
    if path.exists():
        smallest(path, "one", a=100, b=50)


# ---- secrets ------------------------------------------------------------------------------

def memory_holds(pid, what):
    """Is it anywhere in the process's readable memory? Also how much was searched."""
    searched = 0
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps, \
            open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in maps:
            span, rights, *_, last = line.split()
            if rights[0] != "r" or last in ("[vvar]", "[vsyscall]"):
                continue
            low, high = (int(x, 16) for x in span.split("-"))
            if high - low > 1 << 34:
                # A sanitizer's shadow: terabytes of zeros, and no copy of anything.
                assert "POINTSMAN_SANITIZE" in os.environ, line
                continue
            data = b""
            while low < high:
                mem.seek(low)
                try:
                    got = mem.read(min(high - low, 1 << 20))
                except OSError:
                    break
                if not got:
                    break
                if what in data[-len(what):] + got:
                    return True, searched
                data, searched, low = got, searched + len(got), low + len(got)
    return False, searched


def secrets_stay():
    secret = SECRET.encode()
    with World() as w:
        w.begin()
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        worker = w.agent.workers()[0]
        # The search finds what is there ...
        found, _ = memory_holds(w.agent.process.pid, secret)
        assert found, "the search would not find the secret even in the agent"
        # ... and it is nowhere in a worker, nor in one that was started later.
        for _ in range(2):
            found, searched = memory_holds(worker, secret)
            assert not found, "the secret is in a prober worker's memory"
            assert searched > 1 << 20, searched
            for name in ("environ", "cmdline"):
                assert secret not in Path(f"/proc/{worker}/{name}").read_bytes()
            assert Path(f"/proc/{worker}/environ").read_bytes() == b""
            os.kill(worker, signal.SIGKILL)
            wait_for(lambda: w.agent.workers() not in ([], [worker]), 10)
            worker = w.agent.workers()[0]
            w.agent.wait("verdict", member="a", value="UP")
            time.sleep(0.5)
        for pid in (w.agent.process.pid, worker):
            limits = Path(f"/proc/{pid}/limits").read_text()
            assert re.search(r"Max core file size\s+0\s+0", limits), limits
        # Refused and unsigned answers are where a secret would slip into a sentence.
        w.agent.env["AWS_SECRET_ACCESS_KEY"] = "another-secret-of-mine"
        assert w.agent.stop() == 0
        w.agent.start()
        w.agent.wait("read_failed")
        status = w.command("status", "--json")[1]
        assert w.agent.stop() == 0
        for word in (SECRET, "another-secret-of-mine"):
            assert word not in w.agent.log() and word not in status
            for path in w.folder.rglob("*"):
                if path.is_file():
                    assert word.encode() not in path.read_bytes(), path


class Life(unittest.TestCase):
    def test_all_scenarios(self):
        jobs = [
            the_smallest_example, the_smallest_example_of_the_design, a_worker_is_stuck,
            canaries_fail, sigterm_awaits_a_change, sigterm_at_rest_is_quick,
            one_agent_a_state_directory, reload_with_mistakes, reload_keeps_health,
            reload_adds_and_takes_services, an_order_outlives_a_reload, systemd_is_told,
            a_worker_dies, a_paused_agent_doubts_itself, a_pause_voids_what_was_held,
            a_clock_that_runs_ahead, a_restart_knows_the_ledger,
            few_open_files, out_of_files_is_said_and_passes,
            without_a_state_directory, as_a_plain_user, secrets_stay]
        parallel(*jobs, at_once=8)
        print(f"{len(jobs)} scenarios")


if __name__ == "__main__":
    main()
