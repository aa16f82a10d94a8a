#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ways between programs on loopback, and what can go wrong on them.

    with FaultProxy() as net:
        host, port = net.way("a>b", "127.0.0.1", 7353)    # connect there instead
        net.fault("a>b", "cut")                           # and net.fault("*", "open")

A way carries TCP connections, and datagrams if asked to, from who connects to one
target. It is always in one of these states, which hold for what is open, too:
    open             as it comes
    refuse           nobody listens; what was open is reset
    reset            accepts, and resets at once
    hole             accepts and says nothing; what was open stalls, and is lost
    deaf             what the target says is lost, what it is told arrives
    mute             what it is told is lost, what it says arrives
    delay=MS         each piece, and each new connection, that much later
    lossy=PERCENT    of new connections (and datagrams) are reset (lost)
Bytes that a connection lost stay lost: after `hole`, `deaf` and `mute` it is reset.
The ways live in a process of their own, so that many tests at once do not slow them.
"""
import asyncio
import ctypes
import json
import random
import signal
import socket
import struct
import subprocess
import sys


class Way:
    def __init__(self, name, listen, target, datagrams):
        self.name, self.listen, self.target = name, listen, target
        self.datagrams, self.state, self.number = datagrams, "open", 0
        self.pairs, self.server, self.udp = set(), None, None
        self.random = random.Random(name)

    async def begin(self):
        loop, host = asyncio.get_running_loop(), self.listen[0]
        while True:
            await self.open_door()
            self.listen = self.server.sockets[0].getsockname()[:2]
            try:
                if self.datagrams:
                    self.udp, _ = await loop.create_datagram_endpoint(
                        lambda: Datagrams(self), local_addr=self.listen)
                return
            except OSError:     # the port is somebody's for UDP: another, then
                self.server.close()
                self.listen = (host, 0)

    async def open_door(self):
        self.server = await asyncio.start_server(self.serve, *self.listen, backlog=64)

    async def become(self, state):
        was, (self.state, _, number) = self.state, state.partition("=")
        self.number = float(number or 0)
        assert self.state in ("open", "refuse", "reset", "hole", "deaf", "mute", "delay",
                              "lossy"), state
        if self.state == "refuse":
            self.server.close()
        if self.state in ("refuse", "reset") or was in ("hole", "deaf", "mute"):
            for pair in list(self.pairs):
                pair.reset()
        if was == "refuse" and self.state != "refuse":
            await self.open_door()

    async def serve(self, reader, writer):
        pair = Pair(self, writer)
        if self.state == "reset" or \
                self.state == "lossy" and self.random.random() * 100 < self.number:
            pair.reset()
            return
        self.pairs.add(pair)
        try:
            if self.state == "delay":
                await asyncio.sleep(self.number / 1000)
            far, pair.far = await asyncio.open_connection(*self.target)
            await asyncio.gather(pair.pump(reader, pair.far, "mute"),
                                 pair.pump(far, writer, "deaf"))
        except OSError:
            pass
        finally:
            pair.reset()
            self.pairs.discard(pair)


class Pair:
    """One connection, on both sides of the way."""

    def __init__(self, way, near):
        self.way, self.near, self.far = way, near, None

    async def pump(self, reader, writer, lost_when):
        queue = asyncio.Queue()

        async def deliver():
            while True:
                due, piece = await queue.get()
                await asyncio.sleep(max(0, due - asyncio.get_running_loop().time()))
                if self.way.state in (lost_when, "hole"):
                    continue
                if piece == b"":
                    writer.write_eof()
                    return
                writer.write(piece)
                await writer.drain()

        task = asyncio.ensure_future(deliver())
        try:
            while True:
                piece = await reader.read(65536)
                late = self.way.number / 1000 if self.way.state == "delay" else 0
                queue.put_nowait((asyncio.get_running_loop().time() + late, piece))
                if piece == b"":
                    break
            if self.way.state not in (lost_when, "hole"):
                await task
        except OSError:
            self.reset()
        finally:
            task.cancel()

    def reset(self):
        for writer in (self.near, self.far):
            if writer is None or writer.is_closing():
                continue
            s = writer.get_extra_info("socket")
            if s is not None:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


class Datagrams(asyncio.DatagramProtocol):
    """A question goes on by a socket of its own, which brings its answers back."""

    def __init__(self, way):
        self.way, self.transport = way, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, asker):
        way = self.way
        if way.state in ("open", "deaf") or way.state == "delay" or \
                way.state == "lossy" and way.random.random() * 100 >= way.number:
            asyncio.ensure_future(self.ask(data, asker))

    async def ask(self, data, asker):
        loop, way = asyncio.get_running_loop(), self.way
        if way.state == "delay":
            await asyncio.sleep(way.number / 1000)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.setblocking(False)
            s.connect(way.target)
            s.send(data)
            answer = await asyncio.wait_for(loop.sock_recv(s, 65536), 10)
            if way.state not in ("deaf", "hole", "refuse", "reset", "mute"):
                self.transport.sendto(answer, asker)
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            s.close()


async def obey():
    """Commands from standard input, a JSON list a line; an answer each."""
    loop, ways = asyncio.get_running_loop(), {}
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        what, name, *more = json.loads(line)
        if what == "way":
            way = ways[name] = Way(name, (more[0], 0), tuple(more[1]), more[2])
            await way.begin()
            answer = way.listen
        else:
            chosen = [w for n, w in ways.items() if name in ("*", n)]
            for way in chosen:
                await way.become(more[0])
            answer = len(chosen)
        print(json.dumps(answer), flush=True)


class FaultProxy:
    def __enter__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL))
        self.ways = {}
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def _tell(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the fault proxy has died"
        return json.loads(line)

    def way(self, name, host, port, listen="127.0.0.1", datagrams=False):
        """(host, port) to connect to instead; the same for the same name. With a listen
        address that nobody else uses, the port is still there after `refuse`."""
        if name not in self.ways:
            self.ways[name] = tuple(self._tell("way", name, listen, (host, int(port)),
                                               datagrams))
        return self.ways[name]

    def fault(self, names, state):
        """names: one, several in a list, or "*"."""
        for name in [names] if isinstance(names, str) else names:
            assert self._tell("fault", name, state) > 0, f"no way {name}"


if __name__ == "__main__":
    asyncio.run(obey())
