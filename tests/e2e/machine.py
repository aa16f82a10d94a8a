#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A site's machine, for tests: it runs what it is told, as sshd would.

    machine.py serve SOCKET [USER]                ends with its standard input
    machine.py run SOCKET PROGRAM ARGUMENT...     prints what that printed; its exit status

What runs there is the machine's: it goes on when the caller is killed, daemons that it
leaves behind stay, and all of it dies with the machine, at once. Who calls a machine that
is dead, or cut off, gets status 255, as from ssh.
"""
import ctypes
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}


def descendants(pid):
    """{process id: state}; those that have ended and are not taken yet are "Z"."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = (int(fields[1]), fields[0])
    found, more = {}, {pid}
    while more:
        more = {p for p, (parent, _) in parents.items() if parent in more}
        found.update((p, parents[p][1]) for p in more)
    return found


def kill_below(pid):
    """SIGKILL to all that came of it; orphans come back to it, so that none is missed, and
    it takes them: nobody finds a dead server's process id alive."""
    while True:
        found = descendants(pid)
        if not found:
            return
        for child, state in found.items():
            try:
                if state != "Z":
                    os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


class Machine:
    def __init__(self, path):
        self.ended, self.news = {}, threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX)
        Path(path).unlink(missing_ok=True)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(32)

    def reap(self):
        """Every child that ends is taken, also those that others left behind: a dead
        server whose process id seems to live would not be started again."""
        while True:
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                time.sleep(0.02)
                continue
            with self.news:
                self.ended[pid] = os.waitstatus_to_exitcode(status)
                self.news.notify_all()

    def serve(self):
        while True:
            caller, _ = self.listener.accept()
            threading.Thread(target=self.answer, args=(caller,), daemon=True).start()

    def answer(self, caller):
        with caller, caller.makefile("r") as asked, tempfile.TemporaryFile() as out:
            argv = json.loads(asked.readline())
            try:
                process = subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                    env=ENVIRONMENT, cwd="/", start_new_session=True)
            except OSError as e:
                status, printed = 127, f"{argv[0]}: {e}\n"
            else:
                with self.news:
                    self.news.wait_for(lambda: process.pid in self.ended)
                    status = self.ended.pop(process.pid)
                process.returncode = status
                out.seek(0)
                printed = out.read().decode(errors="replace")
            try:
                caller.sendall(json.dumps([status, printed]).encode() + b"\n")
            except OSError:
                pass                       # it does not wait any more


def serve(path, user=None):
    if user and os.geteuid() == 0:
        who = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(who.pw_gid)
        os.setuid(who.pw_uid)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    machine = Machine(path)
    for work in (machine.reap, machine.serve):
        threading.Thread(target=work, daemon=True).start()
    print("ready", flush=True)
    os.read(0, 1)
    machine.listener.close()
    kill_below(os.getpid())


def call(path, argv):
    """(status, what it printed); 255 when the machine is dead or cut off."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(json.dumps([str(word) for word in argv]).encode() + b"\n")
            status, printed = json.loads(s.makefile("r").readline())
    except (OSError, ValueError) as e:
        return 255, f"{path}: {e}\n"
    return (status if status >= 0 else 128 - status), printed


def run(path, argv):
    status, printed = call(path, argv)
    sys.stdout.write(printed)
    return status


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    else:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
