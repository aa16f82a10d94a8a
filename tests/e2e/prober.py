# SPDX-License-Identifier: Apache-2.0
"""Drives a prober worker through tool_prober, and serves it what servers never should."""
import os
import socket
import struct
import subprocess
import threading
import time

TOOL = os.path.join(os.environ.get("BUILD_DIR", "build"), "tests", "tool_prober")


def encode(value):
    return "".join("%%%02x" % b if b <= 32 or b in b"%=" else chr(b)
                   for b in str(value).encode())


class Prober:
    """One worker. Events are dicts, in order, in .events."""

    def __init__(self, prefix=(), **hello):
        self.tool = subprocess.Popen([*prefix, TOOL], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        self.events = []
        self.changed = threading.Condition()
        self.pid = int(self.tool.stdout.readline().split()[1])
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        self.say("hello", **hello)

    def read(self):
        for line in self.tool.stdout:
            head, _, text = line.rstrip("\n").partition(" text=")
            words = head.split()
            event = dict(w.partition("=")[::2] for w in words[1:])
            event.update(kind=words[0], text=text)
            for key in ("id", "slot", "status", "start_ms", "latency_us"):
                if key in event:
                    event[key] = int(event[key])
            with self.changed:
                self.events.append(event)
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def say(self, word, **settings):
        self.tool.stdin.write(" ".join(
            [word, *("%s=%s" % (k, encode(v)) for k, v in settings.items())]) + "\n")
        self.tool.stdin.flush()

    def target(self, id, host, port, **settings):
        self.say("target", id=id, host=host, port=port, **settings)

    def all(self, kind=None, since=0, **like):
        with self.changed:
            return [e for e in self.events[since:] if (kind is None or e["kind"] == kind)
                    and all(e.get(k) == v for k, v in like.items())]

    def mark(self):
        with self.changed:
            return len(self.events)

    def wait(self, kind, count=1, since=0, seconds=30, **like):
        """The first `count` such events; fails after a generous while."""
        deadline = time.monotonic() + seconds
        with self.changed:
            while True:
                found = [e for e in self.events[since:] if e["kind"] == kind
                         and all(e.get(k) == v for k, v in like.items())]
                if len(found) >= count:
                    return found[:count]
                left = deadline - time.monotonic()
                if left <= 0 or self.tool.poll() is not None:
                    raise AssertionError("no %s %s in %s s; last events: %s" % (
                        kind, like, seconds, self.events[-5:]))
                self.changed.wait(min(left, 1))

    def memory_kb(self, field="VmHWM"):
        with open("/proc/%d/status" % self.pid) as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise AssertionError("no " + field)

    def close(self):
        """How the worker ended: {"exit": n} or {"signal": n}."""
        try:
            self.tool.stdin.close()
        except BrokenPipeError:
            pass
        self.tool.wait(30)
        self.reader.join(30)
        self.tool.stdout.close()
        self.reader = None
        ended = self.all("ended")[-1]
        return {k: int(v) for k, v in ended.items() if k in ("exit", "signal")}


class Server:
    """A loopback server: behave(connection, self) for each connection, in a thread."""

    def __init__(self, behave, address="127.0.0.1", port=0, tls=None):
        self.behave, self.tls = behave, tls
        self.connections = self.sent = 0
        self.peers = []
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(128)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, peer = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.peers.append(peer[0])
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            self.behave(connection, self)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        # shutdown wakes the thread in accept(), whose hold keeps the port otherwise.
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()


def request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(4096)
        if not more:
            raise OSError("no request")
        data += more
    return data.decode()


def answer(text, status="200 OK", headers=""):
    """A server that answers well."""
    def behave(connection, server):
        request(connection)
        connection.sendall(("HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (
            status, len(text), headers, text)).encode())
    return behave


def raw(data, then="close"):
    """Sends bytes as they are, then closes, resets, half-closes or stays silent."""
    def behave(connection, server):
        request(connection)
        connection.sendall(data)
        if then == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))
        elif then == "half":
            connection.shutdown(socket.SHUT_WR)
        if then in ("half", "silence"):
            while connection.recv(4096):
                pass
    return behave


def endless(head, piece, pause=0.0, limit=None):
    def behave(connection, server):
        request(connection)
        connection.sendall(head)
        while limit is None or server.sent < limit:
            connection.sendall(piece)
            server.sent += len(piece)
            if pause:
                time.sleep(pause)
    return behave


def deaf(connection, server):
    """Accepts and never says a word."""
    while connection.recv(4096):
        pass


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
