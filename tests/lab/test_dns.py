# SPDX-License-Identifier: Apache-2.0
"""The name servers: shares by weight, negative answers, truncation, hostile packets."""

import os
import random
import socket
import struct
import time
import unittest

from lab import Answer, Lab, ask_tcp, ask_udp, main, query_wire, rrset, wait_for

C = "CREATE"
LONG = " ".join('"' + letter * 200 + '"' for letter in "abcdefgh")


def weighted(name, set_id, weight, value, **more):
    return rrset(name, "A", value, SetIdentifier=set_id, Weight=weight, **more)


def alias(name, target, zone="ZLAB", evaluate=False, **more):
    return rrset(name, "A", AliasTarget={
        "HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": evaluate}, **more)


ZONE = [
    rrset("www.example.test", "A", "192.0.2.1", "192.0.2.2", "192.0.2.3", ttl=60),
    rrset("www.example.test", "AAAA", "2001:db8::1"),
    rrset("c.example.test", "CNAME", "www.example.test"),
    rrset("far.example.test", "CNAME", "www.example.com"),
    rrset("loop1.example.test", "CNAME", "loop2.example.test"),
    rrset("loop2.example.test", "CNAME", "loop1.example.test"),
    rrset("short.example.test", "TXT", '"one two" "three\\101"'),
    rrset("long.example.test", "TXT", LONG),
    rrset("deep.below.example.test", "A", "192.0.2.4"),
    rrset("*.wild.example.test", "A", "192.0.2.5"),
    rrset("real.wild.example.test", "TXT", '"x"'),
    rrset("sub.example.test", "NS", "ns.example.com"),
    rrset("m.example.test", "MX", "10 mail.example.test"),
    weighted("w.example.test", "a", 200, "192.0.2.10"),
    weighted("w.example.test", "b", 50, "192.0.2.11"),
    weighted("w.example.test", "c", 0, "192.0.2.12"),
    *[weighted("zero.example.test", s, 0, f"192.0.2.{20 + n}")
      for n, s in enumerate("abcd")],
    weighted("one.example.test", "a", 0, "192.0.2.30"),
    weighted("one.example.test", "b", 255, "192.0.2.31"),
    weighted("h.example.test", "a", 100, "192.0.2.40", HealthCheckId="hc-a"),
    weighted("h.example.test", "b", 0, "192.0.2.41", HealthCheckId="hc-b"),
    rrset("f.example.test", "A", "192.0.2.50", SetIdentifier="z", Failover="PRIMARY",
          HealthCheckId="hc-p"),
    rrset("f.example.test", "A", "192.0.2.51", SetIdentifier="a", Failover="SECONDARY",
          HealthCheckId="hc-s"),
    alias("al.example.test", "www.example.test"),
    alias("al2.example.test", "al.example.test"),
    alias("elb.example.test", "lb-1.elb.amazonaws.com", zone="ZELB"),
    alias("fa.example.test", "lb-1.elb.amazonaws.com", zone="ZELB", evaluate=True,
          SetIdentifier="p", Failover="PRIMARY"),
    rrset("fa.example.test", "A", "192.0.2.61", SetIdentifier="s", Failover="SECONDARY"),
    *[rrset("multi.example.test", "A", f"192.0.2.{n}", SetIdentifier=f"s{n}",
            MultiValueAnswer=True) for n in range(100, 112)],
]


class Dns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0", zones=["example.test=ZLAB", "other.test=ZOTHER"],
                      servers=2).start()
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.change(*[(C, cls.lab.checked(record)) for record in ZONE])

    def tearDown(self):
        self.lab.clear()

    def ask(self, name, kind="A", **how):
        answer = self.lab.dns(name, kind, **how)
        self.assertIsNotNone(answer, f"no answer for {name} {kind}")
        return answer

    def shares(self, name, n):
        seen = {}
        wire = query_wire(name, "A")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(self.lab.servers[0])
            for _ in range(n):
                s.send(wire)
                texts = Answer(s.recv(4096)).texts
                self.assertEqual(len(texts), 1)
                seen[texts[0]] = seen.get(texts[0], 0) + 1
        return seen

    def chi_square(self, seen, expected):
        total = sum(seen.values())
        self.assertLessEqual(set(seen), set(expected))
        weight = sum(expected.values())
        return sum((seen.get(k, 0) - total * w / weight) ** 2 / (total * w / weight)
                   for k, w in expected.items())

    # Bounds at p = 1e-6: a true share fails once in a million runs.
    def test_shares_follow_weights(self):
        seen = self.shares("w.example.test", 4000)
        self.assertNotIn("192.0.2.12", seen)
        chi = self.chi_square(seen, {"192.0.2.10": 200, "192.0.2.11": 50})
        print(f"weights 200:50 over 4,000 queries: {seen}, chi-square {chi:.2f}")
        self.assertLess(chi, 23.9)

    def test_all_zero_is_an_equal_split(self):
        seen = self.shares("zero.example.test", 4000)
        chi = self.chi_square(seen, {f"192.0.2.{20 + n}": 1 for n in range(4)})
        self.assertLess(chi, 30.7)

    def test_zero_beside_another_gets_nothing(self):
        self.assertEqual(self.shares("one.example.test", 300), {"192.0.2.31": 300})

    def test_zero_is_used_when_the_rest_is_unhealthy(self):
        self.assertEqual(self.shares("h.example.test", 50), {"192.0.2.40": 50})
        self.lab.health(self.lab.check("hc-a"), False)
        self.assertEqual(self.shares("h.example.test", 50), {"192.0.2.41": 50})
        self.lab.health(self.lab.check("hc-b"), False)
        self.assertEqual(self.shares("h.example.test", 50), {"192.0.2.40": 50})
        self.lab.health(self.lab.check("hc-a"), True)
        self.lab.health(self.lab.check("hc-b"), True)
        self.assertEqual(self.shares("h.example.test", 50), {"192.0.2.40": 50})

    def test_failover(self):
        self.assertEqual(self.ask("f.example.test").texts, ["192.0.2.50"])
        self.lab.health(self.lab.check("hc-p"), False)
        self.assertEqual(self.ask("f.example.test").texts, ["192.0.2.51"])
        self.lab.health(self.lab.check("hc-s"), False)  # both: the primary answers
        self.assertEqual(self.ask("f.example.test").texts, ["192.0.2.50"])
        self.lab.health(self.lab.check("hc-s"), True)
        self.lab.health(self.lab.check("hc-p"), True)
        self.assertEqual(self.ask("f.example.test").texts, ["192.0.2.50"])

    def test_simple(self):
        answer = self.ask("WwW.eXample.Test")
        asked = query_wire("WwW.eXample.Test", "A")[12:]
        self.assertEqual(answer.wire[12:12 + len(asked)], asked)  # the case comes back
        self.assertEqual(answer.rcode, "NOERROR")
        self.assertTrue(answer.authoritative)
        self.assertEqual(sorted(answer.texts), ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        self.assertEqual({r[2] for r in answer.records}, {60})
        self.assertEqual(self.ask("www.example.test", "AAAA").texts, ["2001:db8::1"])
        firsts = {self.ask("www.example.test").texts[0] for _ in range(60)}
        self.assertEqual(len(firsts), 3)
        self.assertEqual(self.ask("m.example.test", "MX").records[0][1], "MX")
        self.assertEqual(len(self.ask("www.example.test", "ANY").records), 3)

    def test_cname(self):
        answer = self.ask("c.example.test")
        self.assertEqual(answer.texts[0], "www.example.test.")
        self.assertEqual(len(answer.texts), 4)
        self.assertEqual(self.ask("c.example.test", "CNAME").texts, ["www.example.test."])
        self.assertEqual(self.ask("far.example.test").texts, ["www.example.com."])
        self.assertLess(len(self.ask("loop1.example.test").texts), 20)

    def test_aliases(self):
        self.assertEqual(sorted(self.ask("al.example.test").texts),
                         ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
        answer = self.ask("al2.example.test")
        self.assertEqual({r[0] for r in answer.records}, {"al2.example.test."})
        self.assertEqual(self.ask("elb.example.test").rcode, "SERVFAIL")
        self.assertEqual(self.ask("fa.example.test").texts, ["192.0.2.61"])
        self.lab.target("lb-1.elb.amazonaws.com", A="198.51.100.7,198.51.100.8")
        self.assertEqual(sorted(self.ask("elb.example.test").texts),
                         ["198.51.100.7", "198.51.100.8"])
        self.assertEqual(len(self.ask("fa.example.test").texts), 2)
        self.lab.target("lb-1.elb.amazonaws.com", A="")
        self.assertEqual(self.ask("elb.example.test").rcode, "SERVFAIL")

    def test_multivalue(self):
        seen = set()
        for _ in range(20):
            texts = self.ask("multi.example.test").texts
            self.assertEqual(len(set(texts)), 8)
            seen.update(texts)
        self.assertEqual(len(seen), 12)

    def test_negative(self):
        for name, kind, rcode in [
                ("no.example.test", "A", "NXDOMAIN"),
                ("www.example.test", "TXT", "NOERROR"),
                ("below.example.test", "A", "NOERROR"),  # an empty non-terminal
                ("www.example.test", 65280, "NOERROR"),
                ("deep.www.example.test", "A", "NXDOMAIN")]:
            answer = self.ask(name, kind)
            self.assertEqual((answer.rcode, answer.records), (rcode, []), name)
            self.assertTrue(answer.authoritative)
            self.assertEqual(answer.authority[0][:3], ("example.test.", "SOA", 900))
        self.assertEqual(self.ask("www.example.com").rcode, "REFUSED")
        self.assertEqual(self.ask("test").rcode, "REFUSED")
        self.assertEqual(self.ask("www.other.test").rcode, "NXDOMAIN")

    def test_wildcard(self):
        answer = self.ask("any.thing.wild.example.test")
        self.assertEqual(answer.records, [("any.thing.wild.example.test.", "A", 30,
                                           "192.0.2.5")])
        self.assertEqual(self.ask("real.wild.example.test").texts, [])
        self.assertEqual(self.ask("x.real.wild.example.test").rcode, "NXDOMAIN")
        self.assertEqual(self.ask("x.wild.example.test", "TXT").rcode, "NOERROR")

    def test_zone_cut(self):
        answer = self.ask("host.sub.example.test")
        self.assertFalse(answer.authoritative)
        self.assertEqual(answer.authority[0][3], "ns.example.com.")

    def test_apex(self):
        self.assertEqual(sorted(self.ask("example.test", "NS").texts),
                         ["ns-1.awsdns-lab.test.", "ns-2.awsdns-lab.test."])
        self.assertTrue(self.ask("example.test", "SOA").texts[0].startswith(
            "ns-1.awsdns-lab.test. awsdns-hostmaster.awsdns-lab.test. 1 "))

    def test_txt(self):
        self.assertEqual(self.ask("short.example.test", "TXT").texts,
                         ['"one two" "threeA"'])

    def test_long_text_goes_to_tcp(self):
        udp = self.ask("long.example.test", "TXT")
        self.assertTrue(udp.truncated)
        self.assertEqual(udp.records, [])
        self.assertLessEqual(len(udp.wire), 512)
        for answer in (self.ask("long.example.test", "TXT", tcp=True),
                       self.ask("long.example.test", "TXT", edns=4096)):
            self.assertFalse(answer.truncated)
            self.assertEqual(answer.texts, [LONG])
        self.assertTrue(self.ask("long.example.test", "TXT", edns=1232).truncated)

    def test_edns(self):
        plain, edns = self.ask("www.example.test"), self.ask("www.example.test", edns=1232)
        self.assertEqual(plain.additional, [])
        self.assertEqual([r[1] for r in edns.additional], ["OPT"])
        wire = query_wire("www.example.test", "A", edns=1232)
        version_1 = wire[:-5] + b"\x01" + wire[-4:]
        answer = Answer(ask_udp(self.lab.servers[0], version_1))
        self.assertEqual((answer.rcode, answer.additional[0][2] >> 24), ("NOERROR", 1))

    def test_pending_is_not_served(self):
        self.lab.fault("insync-ms=700")
        record = rrset("later.example.test", "TXT", '"x"')
        begin = time.monotonic()
        change = self.lab.change((C, record))
        self.assertIn("later.example.test.", [r["name"] for r in self.lab.state().sets])
        answer = self.ask("later.example.test", "TXT")
        if time.monotonic() - begin < 0.7:  # unless this machine was asleep meanwhile
            self.assertEqual(answer.rcode, "NXDOMAIN")
        self.lab.wait_insync(change)
        self.assertGreaterEqual(time.monotonic() - begin, 0.7)
        self.assertEqual(self.ask("later.example.test", "TXT").texts, ['"x"'])
        self.lab.change(("DELETE", record))

    def test_one_server_lags(self):
        self.lab.fault("dns-delay=3600000&server=1")
        record = rrset("lag.example.test", "TXT", '"x"')
        self.lab.change((C, record))
        self.assertEqual(self.ask("lag.example.test", "TXT").texts, ['"x"'])
        self.assertEqual(self.ask("lag.example.test", "TXT", server=1).rcode, "NXDOMAIN")
        self.lab.fault("dns-delay=0&server=1")
        self.assertEqual(self.ask("lag.example.test", "TXT", server=1).texts, ['"x"'])
        self.lab.change(("DELETE", record))

    def test_server_off(self):
        self.lab.fault("dns=off&server=1")
        self.assertIsNone(self.lab.dns("www.example.test", "A", server=1, timeout=0.3))
        self.assertIsNone(self.lab.dns("www.example.test", "A", server=1, tcp=True))
        self.ask("www.example.test")
        self.lab.fault("dns=servfail&server=1")
        self.assertEqual(self.ask("www.example.test", server=1).rcode, "SERVFAIL")
        self.lab.fault("dns=on")
        self.ask("www.example.test", server=1)

    def test_hostile_packets(self):
        """Whatever arrives: an answer that is an error, or none; and it still serves."""
        at = self.lab.servers[0]
        good = query_wire("www.example.test", "A", edns=1232, number=7)
        cases = {
            "nothing": b"", "one byte": b"x", "a header cut off": good[:11],
            "a header alone": good[:12], "an answer": good[:2] + b"\x80\x00" + good[4:],
            "opcode 5": good[:2] + b"\x28\x00" + good[4:],
            "two questions": good[:4] + b"\x00\x02" + good[6:],
            "65535 records": good[:6] + b"\xff\xff" * 3 + good[12:],
            "a pointer to itself": good[:12] + b"\xc0\x0c\x00\x01\x00\x01",
            "a pointer ahead": good[:12] + b"\xc0\xff\x00\x01\x00\x01",
            "a label too long": good[:12] + b"\x7f" + b"a" * 127 + b"\0\0\1\0\1",
            "a name too long": good[:12] + (b"\x3f" + b"a" * 63) * 5 + b"\0\0\1\0\1",
            "class CH": query_wire("www.example.test", "A", qclass=3),
            "odd bytes in a name": query_wire("\0\1\xff*.\\.example.test", "A"),
            "type 0": query_wire("www.example.test", 0),
            "4,096 bytes": good + b"x" * (4096 - len(good)),
        }
        for title, wire in cases.items():
            with self.subTest(title):
                answer = ask_udp(at, wire, timeout=0.05)
                if answer is not None:
                    self.assertLessEqual(len(answer), 512)
                    self.assertNotEqual(answer[2] & 0x80, 0)
        rng = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(at)
            s.setblocking(False)
            for _ in range(3000):
                wire = bytearray(good)
                for _ in range(rng.randrange(1, 8)):
                    wire[rng.randrange(len(wire))] = rng.randrange(256)
                try:
                    s.send(bytes(wire[:rng.randrange(1, len(wire) + 1)]))
                    s.recv(4096)
                except (BlockingIOError, ConnectionRefusedError):
                    pass
        wait_for(lambda: self.lab.dns("www.example.test", "A", timeout=0.2), 5)

    def test_hostile_connections(self):
        at = self.lab.servers[0]
        good = query_wire("www.example.test", "A")
        framed = struct.pack("!H", len(good)) + good
        with socket.create_connection(at, timeout=5) as s:  # many in one go, in pieces
            for piece in (framed * 3)[:10], (framed * 3)[10:]:
                s.sendall(piece)
            data = b""
            while len(data) < 3 * 80:
                data += s.recv(65535)
        for bad in (b"\0\0", b"\xff\xff" + os.urandom(100)):
            with socket.create_connection(at, timeout=5) as s:
                s.sendall(bad)
                try:
                    self.assertEqual(s.recv(100), b"")  # closed
                except ConnectionResetError:
                    pass
        idle = [socket.create_connection(at, timeout=5) for _ in range(64)]
        self.assertIsNone(ask_tcp(at, good))  # the 65th is turned away
        for s in idle:
            s.close()
        wait_for(lambda: ask_tcp(at, good), 5)


class PrivateZones(unittest.TestCase):
    def test_the_resolver_alone_shows_them(self):
        with Lab("--insync-ms", "0", "--private", "corp.test=ZCORP", "--private",
                 "in.example.test=ZIN", "--resolver", "127.0.0.1:0") as lab:
            lab.change((C, rrset("db.corp.test", "A", "10.0.0.9")), zone="ZCORP")
            lab.change((C, rrset("www.in.example.test", "A", "10.0.0.8")), zone="ZIN")
            lab.change((C, rrset("www.in.example.test", "A", "192.0.2.8")))
            shown = lab.dns("db.corp.test", "A", server="resolver", recursion=True)
            self.assertEqual((shown.texts, shown.authoritative), (["10.0.0.9"], False))
            self.assertTrue(shown.wire[3] & 0x80)       # recursion is offered
            self.assertEqual(lab.dns("db.corp.test", "A", server="resolver").rcode,
                             "REFUSED")
            self.assertEqual(lab.dns("db.corp.test", "A", recursion=True).rcode, "REFUSED")
            inner = lab.dns("www.in.example.test", "A", server="resolver", recursion=True)
            self.assertEqual(inner.texts, ["10.0.0.8"])  # the deepest zone
            self.assertEqual(lab.dns("www.in.example.test", "A").texts, ["192.0.2.8"])
            zone = lab.client().get_hosted_zone(Id="ZCORP")
            self.assertTrue(zone["HostedZone"]["Config"]["PrivateZone"])
            self.assertEqual((len(zone["VPCs"]), "DelegationSet" in zone), (1, False))
            self.assertFalse(lab.client().get_hosted_zone(Id="ZLAB")["HostedZone"]["Config"]
                             ["PrivateZone"])


if __name__ == "__main__":
    main()
