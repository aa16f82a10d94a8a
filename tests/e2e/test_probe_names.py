#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""A prober worker and the names that it resolves: TTL, changes, retirement, trouble.

The name server is a few lines of Python on UDP and TCP; every address is in 127/8."""
import ipaddress
import os
import socket
import struct
import sys
import threading
import time
import unittest

from prober import Prober, Server, answer, TOOL

A, AAAA, CNAME = 1, 28, 5
SERVFAIL, NXDOMAIN = 2, 3


def pack_name(name):
    return b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0"


class NameServer:
    """records: {(name, type): [(type, ttl, data), …]}; codes: {name: rcode};
    aliases:
    {name: [(canonical name, ttl)]}; silent: names that get no answer. Everything may be changed at any time."""

    def __init__(self):
        self.records, self.codes, self.silent, self.aliases = {}, {}, set(), {}
        self.asked = []
        self.lock = threading.Lock()
        while True:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind(("127.0.0.1", 0))
            self.port = self.udp.getsockname()[1]
            self.tcp = socket.socket()
            self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                self.tcp.bind(("127.0.0.1", self.port))
                break
            except OSError:
                self.udp.close()
                self.tcp.close()
        self.tcp.listen(16)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def put(self, name, addresses, ttl=60, type=A):
        with self.lock:
            self.records[name, type] = [
                (type, ttl, ipaddress.ip_address(a).packed) for a in addresses]

    def count(self, name, type=A):
        with self.lock:
            return sum(1 for n, t in self.asked if (n, t) == (name, type))

    def reply(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, type = ".".join(labels).lower(), struct.unpack("!H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        with self.lock:
            self.asked.append((name, type))
            if name in self.silent:
                return None
            known = name in self.aliases or any(n == name for n, _ in self.records)
            code = self.codes.get(name, 0 if known else NXDOMAIN)
            answers = []
            if code == 0:
                for to, ttl in self.aliases.get(name, []):
                    answers += [(name, CNAME, ttl, pack_name(to))]
                    name = to
                answers += [(name, *r[:3]) for r in self.records.get((name, type), [])]
        body = b"".join(pack_name(r[0]) + struct.pack("!HHIH", r[1], 1, r[2], len(r[3])) +
                        r[3] for r in answers)
        return query[:2] + struct.pack("!HHHHH", 0x8580 | code, 1, len(answers), 0, 0) + \
            question + body

    def serve_udp(self):
        while True:
            try:
                query, peer = self.udp.recvfrom(4096)
            except OSError:
                return
            reply = self.reply(query)
            if reply is None:
                continue
            if len(reply) > 1232:
                end = 12 + query[12:].index(b"\0") + 5
                reply = query[:2] + b"\x87\x80\0\1" + bytes(6) + query[12:end]
            self.udp.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(connection,),
                             daemon=True).start()

    def serve_one(self, connection):
        with connection:
            while True:
                head = connection.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    return
                query = connection.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL)
                reply = self.reply(query)
                if reply is not None:
                    connection.sendall(struct.pack("!H", len(reply)) + reply)

    def close(self):
        self.udp.close()
        self.tcp.close()


class Names(unittest.TestCase):
    def setUp(self):
        self.ns = NameServer()
        self.addCleanup(self.ns.close)
        # One web server on all of 127/8: addresses are cheap there.
        self.web = Server(answer("ok"), address="0.0.0.0")
        self.addCleanup(self.web.close)

    def prober(self, **hello):
        p = Prober(ns="127.0.0.1:%d" % self.ns.port, **hello)
        self.addCleanup(lambda: p.tool.poll() is None and p.close())
        return p

    def target(self, p, name, id=1, port=None, **settings):
        p.target(id, name, port or self.web.port, **{
            **dict(every=200, recheck=100, timeout=1000), **settings})

    def until(self, true):
        deadline = time.monotonic() + 30
        while not true():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_each_address(self):
        self.ns.put("lb.test", ["127.70.0.1", "127.70.0.2", "127.70.0.3"])
        p = self.prober()
        self.target(p, "lb.test")
        p.say("go")
        found = p.wait("address", 3)
        self.assertEqual({"127.70.0.1", "127.70.0.2", "127.70.0.3"},
                         {e["address"] for e in found})
        self.assertEqual({0, 1, 2}, {e["slot"] for e in found})
        for e in found:
            sample = p.wait("sample", slot=e["slot"])[0]
            self.assertEqual(("pass", e["address"]),
                             (sample["outcome"], sample["address"]))
        self.assertEqual(1, self.ns.count("lb.test"))
        self.assertEqual({"exit": 0}, p.close())

    def test_ttl_change_and_slots(self):
        self.ns.put("lb.test", ["127.70.0.1", "127.70.0.2"], ttl=1)
        p = self.prober()
        self.target(p, "lb.test")
        p.say("go")
        one, two = sorted(p.wait("address", 2), key=lambda e: e["address"])
        mark = p.mark()
        self.ns.put("lb.test", ["127.70.0.2", "127.70.0.3"], ttl=1)
        gone = p.wait("retired", since=mark)[0]
        self.assertEqual(("127.70.0.1", one["slot"]), (gone["address"], gone["slot"]))
        new = p.wait("address", since=mark)[0]
        # The free slot is used again; the one that stayed keeps its own.
        self.assertEqual(("127.70.0.3", one["slot"]), (new["address"], new["slot"]))
        sample = p.wait("sample", since=p.mark(), slot=two["slot"])[0]
        self.assertEqual("127.70.0.2", sample["address"])
        self.assertEqual([], p.all("retired", slot=two["slot"]))

    def test_alias_lives_as_long_as_its_shortest_link(self):
        self.ns.put("node.test", ["127.70.0.1"], ttl=3600)
        self.ns.aliases["lb.test"] = [("node.test", 1)]
        p = self.prober()
        self.target(p, "lb.test")
        p.say("go")
        p.wait("sample", outcome="pass")
        self.ns.put("other.test", ["127.70.0.2"], ttl=3600)
        self.ns.aliases["lb.test"] = [("other.test", 1)]
        self.assertEqual("127.70.0.1", p.wait("retired")[0]["address"])

    def test_zero_ttl_asks_once_a_second(self):
        self.ns.put("lb.test", ["127.70.0.1"], ttl=0)
        p = self.prober()
        self.target(p, "lb.test")
        p.say("go")
        p.wait("address")
        start, before = time.monotonic(), self.ns.count("lb.test")
        self.until(lambda: self.ns.count("lb.test") >= before + 2)
        self.assertGreater(time.monotonic() - start, 1.5)

    def test_first_failure_resolves_again(self):
        """TTL is long; the address stops serving and has left the answer."""
        shrinking = Server(answer("ok"), address="127.70.0.9")
        staying = Server(answer("ok"), address="127.70.0.8", port=shrinking.port)
        self.addCleanup(staying.close)
        self.ns.put("lb.test", ["127.70.0.8", "127.70.0.9"], ttl=3600)
        p = self.prober()
        self.target(p, "lb.test", port=shrinking.port)
        p.say("go")
        p.wait("sample", address="127.70.0.9", outcome="pass")
        self.assertEqual(1, self.ns.count("lb.test"))
        time.sleep(1.1)  # past the rule of once a second
        self.ns.put("lb.test", ["127.70.0.8"], ttl=3600)
        shrinking.close()
        gone = p.wait("retired")[0]
        self.assertEqual("127.70.0.9", gone["address"])
        self.assertEqual(1, len(p.all("sample", address="127.70.0.9", outcome="fail")))
        mark = p.mark()
        p.wait("sample", 3, since=mark, address="127.70.0.8")
        self.assertEqual([], p.all("sample", since=mark, address="127.70.0.9"))

    def test_failure_that_stays_is_not_asked_about_again(self):
        self.ns.put("lb.test", ["127.70.0.1"], ttl=3600)
        p = self.prober()
        self.target(p, "lb.test", port=1)
        p.say("go")
        p.wait("sample", 15, outcome="fail")
        self.assertEqual(2, self.ns.count("lb.test"))
        self.assertEqual([], p.all("retired"))

    def trouble(self, begin, end):
        self.ns.put("lb.test", ["127.70.0.1"], ttl=1)
        p = self.prober()
        self.target(p, "lb.test")
        p.say("go")
        p.wait("sample")
        begin()
        said = p.wait("unresolved")[0]
        self.assertIn("lb.test", said["text"])
        self.assertIn("stay in use", said["text"])
        p.wait("sample", 5, since=p.mark(), outcome="pass")
        asked = self.ns.count("lb.test")
        self.until(lambda: self.ns.count("lb.test") > asked)
        self.assertEqual(1, len(p.all("unresolved")))
        end()
        p.wait("resolved")
        self.assertEqual([], p.all("retired"))
        self.assertEqual(1, len(p.all("address")))

    def test_servfail(self):
        self.trouble(lambda: self.ns.codes.update({"lb.test": SERVFAIL}),
                     self.ns.codes.clear)

    def test_nxdomain(self):
        self.trouble(lambda: self.ns.codes.update({"lb.test": NXDOMAIN}),
                     self.ns.codes.clear)

    def test_silence(self):
        self.trouble(lambda: self.ns.silent.add("lb.test"), self.ns.silent.clear)

    def test_no_address_left(self):
        self.trouble(lambda: self.ns.put("lb.test", []),
                     lambda: self.ns.put("lb.test", ["127.70.0.1"], ttl=1))

    def test_never_resolved(self):
        p = self.prober()
        self.target(p, "nothing.test")
        p.say("go")
        said = p.wait("unresolved")[0]
        self.assertIn("nothing.test", said["text"])
        self.assertEqual([], p.all("address"))
        self.ns.put("nothing.test", ["127.70.0.1"])
        p.wait("resolved")
        p.wait("sample", outcome="pass")

    def test_families(self):
        self.ns.put("both.test", ["127.70.0.1"], ttl=1)
        self.ns.put("both.test", ["::1"], ttl=1, type=AAAA)
        p = self.prober()
        self.target(p, "both.test", families="46")
        self.target(p, "both.test", id=2, families="4")
        p.say("go")
        self.assertEqual({"127.70.0.1", "::1"},
                         {e["address"] for e in p.wait("address", 2, id=1)})
        self.assertEqual("127.70.0.1", p.wait("address", id=2)[0]["address"])
        # A family that is gone beside one that is there is believed.
        self.ns.put("both.test", [], type=AAAA)
        self.assertEqual("::1", p.wait("retired", id=1)[0]["address"])
        self.assertEqual([], p.all("unresolved"))

    def test_shared(self):
        self.ns.put("lb.test", ["127.70.0.1"], ttl=3600)
        p = self.prober()
        for i in range(20):
            self.target(p, "LB.test" if i % 2 else "lb.test", id=i)
        p.say("go")
        for i in range(20):
            p.wait("sample", id=i, outcome="pass")
        self.assertLessEqual(self.ns.count("lb.test"), 2)
        for i in range(19):
            p.say("drop", id=i)
        p.wait("sample", 3, since=p.mark(), id=19)
        self.assertEqual({"exit": 0}, p.close())

    def test_forbidden_after_resolution(self):
        self.ns.put("evil.test", ["169.254.169.254", "127.70.0.1"])
        p = self.prober()
        self.target(p, "evil.test")
        p.say("go")
        sample = p.wait("sample", address="169.254.169.254")[0]
        self.assertEqual(("fail", "forbidden"), (sample["outcome"], sample["reason"]))
        p.wait("sample", address="127.70.0.1", outcome="pass")

    def test_crowded(self):
        self.ns.put("many.test", ["127.70.1.%d" % i for i in range(1, 101)])
        p = self.prober()
        self.target(p, "many.test", kind="tcp")
        p.say("go")
        p.wait("address", 64)
        self.assertIn("100 addresses", p.wait("crowded")[0]["text"])
        p.wait("sample", 64, outcome="pass")
        self.assertEqual(64, len(p.all("address")))

    def test_redirect_to_a_name(self):
        there = Server(answer("found"), address="127.70.0.5")
        here = Server(answer("", "302 Go", "Location: http://there.test:%d/\r\n" %
                             there.port))
        evil = Server(answer("", "302 Go", "Location: http://evil.test/\r\n"))
        for s in (there, here, evil):
            self.addCleanup(s.close)
        self.ns.put("there.test", ["127.70.0.5"])
        self.ns.put("evil.test", ["169.254.169.254"])
        p = self.prober()
        self.target(p, "127.0.0.1", id=1, port=here.port, redirects=2, contains="found")
        self.target(p, "127.0.0.1", id=2, port=evil.port, redirects=2)
        p.say("go")
        self.assertEqual("pass", p.wait("sample", id=1)[0]["outcome"])
        self.assertEqual("forbidden", p.wait("sample", id=2)[0]["reason"])

    def test_bad_name_servers(self):
        p = Prober(ns="not-an-address")
        self.assertEqual({"exit": 3}, p.close())


if __name__ == "__main__":
    if not os.path.exists(TOOL):
        print("skipped: %s is not built" % TOOL)
        sys.exit(77)
    unittest.main(verbosity=1)
