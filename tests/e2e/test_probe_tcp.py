#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The tcp check's conversation, plain and over TLS, with servers good and bad."""
import socket
import struct
import time
import unittest

from authority import Authority
from prober import Prober, Server, deaf

FAST = dict(kind="tcp", every=200, timeout=3000, recheck=100)


def greet(*pieces, then=None):
    """Says the pieces one by one; then="wait": until something comes."""
    def behave(connection, server):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.05)
        if then == "wait":
            connection.recv(4096)
    return behave


def reply(wanted, answer):
    """Answers who says exactly what is wanted."""
    def behave(connection, server):
        heard = b""
        while len(heard) < len(wanted):
            more = connection.recv(4096)
            if not more:
                return
            heard += more
        connection.sendall(answer if heard == wanted else b"-ERR what?\r\n")
        connection.recv(4096)
    return behave


def reset(connection, server):
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood(connection, server):
    connection.recv(4096)
    while True:
        connection.sendall(b"x" * 65536)
        server.sent += 65536


class Tcp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.authority = Authority()

    @classmethod
    def tearDownClass(cls):
        cls.authority.close()

    def serve(self, behave, **more):
        s = Server(behave, **more)
        self.addCleanup(s.close)
        return s

    def one(self, server, **settings):
        p = Prober(once=1)
        self.addCleanup(lambda: p.tool.poll() is None and p.close())
        p.target(1, "127.0.0.1", server.port,
                 **{**FAST, "ca": self.authority.pem, **settings})
        p.say("go")
        sample = p.wait("sample")[0]
        self.assertEqual({"exit": 0}, p.close())
        return sample

    def expect(self, sample, outcome, reason, text=""):
        self.assertEqual((outcome, reason), (sample["outcome"], sample["reason"]), sample)
        self.assertIn(text, sample["text"])
        self.assertEqual(outcome == "pass", sample["text"] == "", sample)

    def each_way(self):
        """Plain, and over TLS: (server's settings, check's settings)."""
        for tls in (None, self.authority.context()):
            with self.subTest(tls=tls is not None):
                yield dict(tls=tls), dict(tls=int(tls is not None))

    def test_send_and_expect(self):
        for how, settings in self.each_way():
            redis = self.serve(reply(b"PING\r\n", b"+PONG\r\n"), **how)
            self.expect(self.one(redis, send="PING\r\n", expect="+PONG", **settings),
                        "pass", "ok")
            self.expect(self.one(redis, send="PONG\r\n", expect="+PONG", timeout=500,
                                 **settings),
                        "fail", "timeout", "waiting for what is expected")

    def test_greeting_in_pieces(self):
        for how, settings in self.each_way():
            smtp = self.serve(greet(b"2", b"20 mail.exam", b"ple.test\r\n", then="wait"),
                              **how)
            self.expect(self.one(smtp, expect="220 mail.example", **settings), "pass", "ok")

    def test_wrong_answer(self):
        for how, settings in self.each_way():
            smtp = self.serve(greet(b"421 busy\r\n"), **how)
            self.expect(self.one(smtp, expect="220 ", **settings), "fail", "body",
                        '"220 " is not in the answer (10 bytes)')

    def test_no_answer(self):
        for how, settings in self.each_way():
            self.expect(self.one(self.serve(lambda c, s: None, **how), expect="x",
                                 **settings), "fail", "reset", "without an answer")
            self.expect(self.one(self.serve(reset, **how), send="x", expect="x",
                                 **settings), "fail", "reset")

    def test_flood(self):
        for how, settings in self.each_way():
            server = self.serve(flood, **how)
            self.expect(self.one(server, send="go", expect="never", **settings), "fail",
                        "body", "5120 bytes")

    def test_send_alone(self):
        for how, settings in self.each_way():
            self.expect(self.one(self.serve(deaf, **how), send="hello", **settings),
                        "pass", "ok")

    def test_certificates(self):
        def tls(**issue):
            return self.serve(deaf, tls=self.authority.context(**issue))
        good = tls(end=10.5)
        self.expect(self.one(good, tls=1), "pass", "ok")
        self.expect(self.one(good, tls=1, min_days=11), "fail", "tls-expiring")
        self.expect(self.one(good, tls=1, vhost="www.example.net"), "fail", "tls-name",
                    "www.example.net")
        self.expect(self.one(good, tls=1, vhost="www.example.net", verify=0), "pass", "ok")
        self.expect(self.one(good, tls=1, ca=""), "fail", "tls-issuer")
        self.expect(self.one(good, tls=1, ca="/nonexistent.pem"), "unknown", "local",
                    "No such file")
        self.expect(self.one(tls(begin=-9, end=-2), tls=1), "fail", "tls-expired")
        self.expect(self.one(tls(begin=2), tls=1), "fail", "tls-not-yet-valid")
        self.expect(self.one(tls(alone=True), tls=1), "fail", "tls-self-signed")

    def test_not_tls(self):
        self.expect(self.one(self.serve(greet(b"220 mail\r\n")), tls=1), "fail", "tls")
        self.expect(self.one(self.serve(lambda c, s: None), tls=1), "fail", "tls",
                    "closed in the TLS handshake")
        self.expect(self.one(self.serve(deaf), tls=1, timeout=300), "fail", "timeout",
                    "in the TLS handshake")

    def test_sessions_and_name(self):
        seen = []

        def behave(connection, server):
            seen.append(connection.session_reused)
            connection.recv(10)
        context = self.authority.context()
        names = []
        context.sni_callback = lambda s, name, c: names.append(name)
        server = self.serve(behave, tls=context)
        p = Prober()
        p.target(1, "127.0.0.1", server.port, **{**FAST, "every": 50}, tls=1,
                 ca=self.authority.pem)
        p.say("go")
        p.wait("sample", 5, outcome="pass")
        self.assertEqual({"exit": 0}, p.close())
        self.assertEqual({False}, set(seen))
        self.assertEqual({"www.example.test"}, set(names))


if __name__ == "__main__":
    unittest.main()
