# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""dns checks, through a real worker behind its system-call filter, and through the agent.

A name server of the test's own answers well and in every bad way; nothing but its own
answer to our own question may count.
"""
import os
import signal
import socket
import struct
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(__file__))
from dns_server import (A, AAAA, CNAME, NXDOMAIN, REFUSED, SERVFAIL, TXT,  # noqa: E402
                        DnsServer, address, cname, code, honest, message, name,
                        question_of, silent, txt)
from prober import Prober  # noqa: E402
from world import World, wait_for  # noqa: E402

WWW = "www.example.test"
TYPE = {A: 0, AAAA: 1, CNAME: 2, TXT: 3}
ZONE = {
    (WWW, A): [address("192.0.2.1"), address("192.0.2.2")],
    (WWW, AAAA): [address("2001:db8::1")],
    ("alias.example.test", CNAME): [cname("Www.Example.test")],
    ("alias.example.test", A): [cname("mid.example.test"),
                                (CNAME, name(WWW), name("mid.example.test")),
                                (A, socket.inet_aton("192.0.2.1"), name(WWW))],
    ("text.example.test", TXT): [txt("v=1 ", "serial 17"), txt("other")],
    ("long.example.test", TXT): [txt(*["x" * 200] * 4, "end")],
    ("none.example.test", TXT): [txt("only a text")],
}


class Probe(unittest.TestCase):
    def setUp(self):
        self.server = DnsServer(ZONE)
        self.addCleanup(self.server.close)

    def one(self, host="127.0.0.1", port=None, name=WWW, type=A, **settings):
        p = Prober(once=1)
        p.target(1, host, port or self.server.port, kind="dns", name=name,
                 type=TYPE[type], timeout=settings.pop("timeout", 5000), **settings)
        p.say("go")
        try:
            return p.wait("sample")[0]
        finally:
            self.assertEqual({"exit": 0}, p.close())

    def expect(self, outcome, reason, text="", **settings):
        sample = self.one(**settings)
        self.assertEqual((outcome, reason), (sample["outcome"], sample["reason"]), sample)
        self.assertIn(text, sample["text"])
        if outcome == "pass":
            self.assertEqual("", sample["text"])

    def test_answers(self):
        self.expect("pass", "ok")
        self.expect("pass", "ok", holds="192.0.2.2")
        self.expect("pass", "ok", type=AAAA, answer="2001:db8::1")
        self.expect("fail", "answer", "A is 192.0.2.1, 192.0.2.2: not 192.0.2.20",
                    holds="192.0.2.20")
        self.expect("fail", "answer", "not 192.0.2.1", answer="192.0.2.1")
        self.expect("pass", "ok", name="text.example.test", type=TXT, holds="serial 17")
        self.expect("fail", "answer", "v=1 serial 17, other: not serial 18",
                    name="text.example.test", type=TXT, holds="serial 18")
        self.expect("pass", "ok", name="alias.example.test", type=CNAME, answer=WWW)
        tcp, data, _ = self.server.asked[0]
        self.assertFalse(tcp)
        self.assertEqual(0x0100, struct.unpack(">H", data[2:4])[0])    # recursion wanted
        self.assertEqual(len({d[:2] for _, d, _ in self.server.asked}),
                         len(self.server.asked), "transactions repeat")

    def test_codes(self):
        self.expect("fail", "rcode", "answered NXDOMAIN, not NOERROR", name="no.example.test")
        self.expect("pass", "ok", name="no.example.test", rcode=NXDOMAIN)
        self.expect("fail", "rcode", "answered NOERROR, not NXDOMAIN", rcode=NXDOMAIN)
        self.expect("fail", "answer", "no A of none.example.test", name="none.example.test")
        for rcode, word in ((SERVFAIL, "SERVFAIL"), (REFUSED, "REFUSED"), (9, "RCODE9")):
            self.server.behave = code(rcode)
            self.expect("fail", "rcode", f"answered {word}, not NOERROR")

    def test_chain(self):
        self.expect("pass", "ok", name="alias.example.test", answer="192.0.2.1")
        # Records of a name that nobody asked for do not count, in either way.
        self.server.zone[("alias.example.test", A)] = [
            cname("mid.example.test"), (A, socket.inet_aton("192.0.2.1"), name(WWW))]
        self.expect("fail", "answer", "no A of alias", name="alias.example.test")
        self.server.zone[("alias.example.test", A)] = [
            cname("b.example.test"), (CNAME, b"\xc0\x0c", name("b.example.test"))]
        self.expect("fail", "garbage", "no end", name="alias.example.test")

    def test_silence_and_refusal(self):
        self.server.behave = silent
        self.expect("fail", "timeout", "no answer within 300 ms: asked by UDP", timeout=300)
        self.assertEqual(3, len(self.server.asked), "asked again at a third and two thirds")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            free = s.getsockname()[1]
        self.expect("fail", "refused", port=free)

    def test_lost_packet_is_no_failure(self):
        def lossy(data, tcp, server):
            return honest(data, tcp, server) if len(server.asked) > 1 else None
        self.server.behave = lossy
        self.expect("pass", "ok", timeout=900)

    def test_not_ours(self):
        """Before the true answer come others, which must be passed over."""
        def other_id(data, *_):
            return message(data, records=[address("203.0.113.9")],
                           id=bytes([data[0] ^ 1, data[1]]))

        def other_name(data, *_):
            return message(data, records=[address("203.0.113.9")],
                           question=name("evil.example.test") + b"\0\1\0\1")

        def other_type(data, *_):
            return message(data, records=[address("203.0.113.9")],
                           question=question_of(data)[2][:-4] + b"\0\x10\0\1")

        def our_own_question(data, *_):
            return data

        def garbage(data, *_):
            return b"\xff" * 40

        def short(data, *_):
            return data[:2] + b"\x84"

        def nothing(data, *_):
            return b""
        lies = [other_id, other_name, other_type, our_own_question, garbage, short, nothing]
        self.server.behave = lambda data, tcp, server: [
            *(lie(data) for lie in lies), honest(data, tcp, server)]
        self.expect("pass", "ok", holds="192.0.2.1")
        for lie in lies:
            with self.subTest(lie=lie.__name__):
                self.server.behave = lambda data, tcp, server, lie=lie: lie(data)
                self.expect("fail", "timeout", timeout=150)

    def test_another_server(self):
        """What another port or address sends never arrives."""
        sockets = []

        def from_elsewhere(data, tcp, server):
            peer = server.asked[-1][2]
            for at in ("127.0.0.1", "127.0.0.2"):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((at, 0))
                sockets.append(s)
                s.sendto(honest(data, tcp, server), peer)
        self.server.behave = from_elsewhere
        self.expect("fail", "timeout", timeout=150)
        self.assertTrue(sockets)
        for s in sockets:
            s.close()

    def test_broken_records(self):
        def cut(data, tcp, server):
            return honest(data, tcp, server)[:-3]

        def loop(data, tcp, server):
            return message(data, records=[(A, b"\1\2\3\4", b"\xc0\x2f")])

        def short_address(data, tcp, server):
            return message(data, records=[(A, b"\1\2\3")])

        def many(data, tcp, server):
            return message(data)[:6] + b"\xff\xff" + message(data)[8:]
        for lie in (cut, loop, short_address, many):
            with self.subTest(lie=lie.__name__):
                self.server.behave = lie
                self.expect("fail", "garbage", "its answer cannot be read")

    def test_truncated_then_tcp(self):
        self.expect("pass", "ok", name="long.example.test", type=TXT, holds="xend")
        self.assertEqual([False, True], [tcp for tcp, _, _ in self.server.asked])
        self.assertEqual(self.server.asked[0][1], self.server.asked[1][1])

    def test_truncated_and_no_tcp(self):
        self.server.behave = lambda data, tcp, server: (
            None if tcp else message(data, flags=0x8600))
        self.expect("fail", "timeout", "its answer was cut, asked by TCP", timeout=300)
        self.server.behave = lambda data, tcp, server: (
            message(data, id=b"\0\0", records=[address("192.0.2.1")]) if tcp
            else message(data, flags=0x8600))
        self.expect("fail", "garbage", "no answer to our question")
        self.server.tcp.shutdown(socket.SHUT_RDWR)
        self.server.tcp.close()
        self.expect("fail", "refused")

    def test_tcp_cut_short(self):
        def cut(data, tcp, server):
            if not tcp:
                return message(data, flags=0x8600)
            raise OSError           # the connection closes
        self.server.behave = cut
        self.expect("fail", "reset", "closed the TCP connection")

    def test_ipv6(self):
        try:
            server = DnsServer(ZONE, address="::1")
        except OSError:
            print("SKIP: dns over IPv6: no ::1 here")
            return
        self.addCleanup(server.close)
        self.expect("pass", "ok", host="::1", port=server.port, answer="2001:db8::1",
                    type=AAAA)

    def test_source(self):
        self.expect("pass", "ok", source="127.0.0.9")
        self.assertEqual("127.0.0.9", self.server.asked[-1][2][0])
        self.expect("unknown", "local", source="192.0.2.77")

    def test_hedge(self):
        def deaf_to_the_first(data, tcp, server):
            first = server.asked[0][1][:2]
            return None if data[:2] == first else honest(data, tcp, server)
        self.server.behave = deaf_to_the_first
        self.expect("pass", "ok", hedge=50)

    def test_many_that_are_silent_cost_little(self):
        """500 questions without an answer, all under way: c-ares channels took 37 MB."""
        self.server.behave = silent
        p = Prober()
        p.target(0, "127.0.0.1", self.server.port, kind="dns", name=WWW, timeout=50)
        p.wait("address")
        before = p.memory_kb("VmHWM")
        for i in range(1, 501):
            p.target(i, "127.0.0.1", self.server.port, kind="dns", name=WWW,
                     timeout=60000, every=100 + i % 7)
        p.say("go")
        p.wait("sample", 1, reason="timeout")
        wait_for(lambda: len({data[:2] for _, data, _ in self.server.asked}) > 400)
        grown = p.memory_kb("VmHWM") - before
        p.close()
        if not os.environ.get("POINTSMAN_SANITIZE"):
            self.assertLess(grown, 8000)


class Agent(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World(fast=True))
        hosts = [web.host for web in self.world.web.values()]
        first = DnsServer(ZONE, address=hosts[0])
        self.server = {"a": first, "b": DnsServer(ZONE, address=hosts[1], port=first.port)}
        for server in self.server.values():
            self.addCleanup(server.close)
        self.text = self.world.text()

    def write(self, more):
        port = self.server["a"].port
        self.world.write_config(self.text.replace(
            f"http: {{path: /, port: {self.world.port}}}",
            f"dns: {{name: {WWW}, port: {port}, {more}}}"))

    def test_steering(self):
        w = self.world
        self.write("answers: [192.0.2.2, 192.0.2.1]")
        self.assertEqual(0, w.command("check")[0])
        self.assertEqual(0, w.command("doctor")[0], w.command("doctor")[1])
        self.assertIn("+ www.example.test A a", w.command("plan")[1])
        w.begin()
        self.server["b"].zone[(WWW, A)] = [address("192.0.2.66")]
        w.wait_weights(a=100, b=0)
        fault = w.agent.find("fault", member="b")[0]
        self.assertIn("A is 192.0.2.66", fault["text"])
        with urllib.request.urlopen(f"http://{w.page}/metrics", timeout=10) as page:
            self.assertRegex(page.read().decode(),
                             r'pointsman_probe_results_total\{[^}]*reason="answer"[^}]*\} ')
        status, told = w.command("check", "--json")
        self.assertEqual(1, status)
        self.assertIn("192.0.2.66", told)
        # A reload that expects what is answered brings it back.
        self.write("contains: 192.0.2.66")
        self.server["a"].zone[(WWW, A)] = [address("192.0.2.66")]
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("started", text="read anew")
        w.wait_weights(60, a=100, b=100)
        self.server["b"].behave = silent
        w.wait_weights(a=100, b=0)


if __name__ == "__main__":
    unittest.main()
