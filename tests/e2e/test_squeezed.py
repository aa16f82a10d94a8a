#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""An agent that has no room: a full disk, no more files, a state folder that somebody
empties. It steers on, says why it keeps nothing, and keeps it again when it can."""
import os
import resource
import signal
import subprocess
import unittest

from world import World, main, parallel, wait_for

FULL = "rows cannot be written; steering goes on"
AGAIN = "rows are written again"


def steer(w):
    """b is taken out and comes back."""
    w.web["b"].do("503")
    w.wait_weights(30, a=100, b=0)
    w.web["b"].do("200")
    w.wait_weights(60, a=100, b=100)


class Small:
    """A disk of 1 MB; where none may be mounted, a limit on the size of files."""

    def __init__(self, w):
        self.w, self.state = w, w.folder / "state"
        self.state.mkdir(mode=0o700)
        self.mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "small", str(self.state)],
            stderr=subprocess.DEVNULL).returncode == 0

    def fill(self):
        if not self.mounted:
            self.limit(4096)
            return
        try:
            with open(self.state / "fill", "wb", buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        except OSError:
            pass

    def limit(self, size):
        resource.prlimit(self.w.agent.process.pid, resource.RLIMIT_FSIZE,
                         (size, resource.RLIM_INFINITY))

    def free(self):
        if self.mounted:
            (self.state / "fill").unlink()
        else:
            self.limit(resource.RLIM_INFINITY)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.w.agent.process is not None:
            self.w.agent.stop()
        if self.mounted:
            subprocess.run(["umount", str(self.state)], check=True)


def full_disk():
    with World() as w, Small(w) as small:
        w.begin()
        small.fill()
        steer(w)
        said = w.agent.wait("trouble", text=FULL)
        assert ("full" if small.mounted else "I/O error") in said["text"], said
        steer(w)
        assert len(w.agent.find("trouble", text=FULL)) == 1, w.agent.log()
        small.free()
        w.agent.wait("trouble", text=AGAIN)
        # What waited in memory is there now.
        wait_for(lambda: w.command("history", "-n", "200")[1].count("value=drain") >= 4)


def full_disk_at_the_start():
    with World() as w, Small(w) as small:
        if small.mounted:
            small.fill()
        w.agent.start()
        w.wait_weights(30, a=100, b=100)
        if not small.mounted:
            return              # there the first agent would have to be limited too
        steer(w)
        w.agent.wait("trouble", text=FULL)
        small.free()
        w.agent.wait("trouble", text=AGAIN)


def state_taken_away():
    with World() as w:
        w.begin()
        wait_for(lambda: "committed" in w.command("history")[1])
        for path in (w.folder / "state").iterdir():
            path.unlink()
        steer(w)
        w.agent.wait("trouble", text="begun anew")
        wait_for(lambda: "value=drain" in w.command("history")[1])
        epoch = w.ledger().epoch
        w.agent.stop()
        w.agent.start()
        steer(w)
        assert w.ledger().epoch > epoch and not w.agent.find("frozen"), w.agent.log()


def no_more_files():
    """Nothing that needs one more can be done; nothing spins, and all of it is later."""
    with World() as w:
        w.begin()
        pid = w.agent.process.pid
        most = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, most))
        since = w.agent.mark()
        w.web["b"].do("503")
        w.agent.wait("decided", value="drain", since=since)
        for worker in w.agent.workers():
            os.kill(worker, signal.SIGKILL)
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("trouble", since=since, text="the old one stays in force")
        w.agent.wait("worker", since=since, text="Too many open files")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        w.wait_weights(60, a=100, b=0)
        w.web["b"].do("200")
        w.wait_weights(60, a=100, b=100)


class Squeezed(unittest.TestCase):
    def test_side_by_side(self):
        parallel(full_disk, full_disk_at_the_start, state_taken_away, no_more_files)


if __name__ == "__main__":
    main()
