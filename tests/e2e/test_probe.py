#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""A prober worker against servers that answer well, badly, or not at all."""
import gzip
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from prober import (Prober, Server, answer, deaf, endless, free_port, raw,
                    request, TOOL)

FAST = dict(every=200, timeout=1000, recheck=100)
MEMORY_KB_MAX = 96 * 1024 if os.environ.get("POINTSMAN_SANITIZE") is None else 1 << 30


def echo(connection, server):
    text = request(connection)
    connection.sendall(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (
        len(text), text)).encode())


def plain(connection, server):
    """Speaks HTTP to whoever starts a TLS handshake."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def later(seconds, behave):
    def wait(connection, server):
        time.sleep(seconds)
        behave(connection, server)
    return wait


def on_second(first, then):
    def behave(connection, server):
        (first if server.connections == 1 else then)(connection, server)
    return behave


class Case(unittest.TestCase):
    def setUp(self):
        self.servers = []

    def prober(self, **hello):
        p = Prober(**hello)
        self.addCleanup(lambda: p.tool.poll() is None and p.close())
        return p

    def serve(self, behave, **more):
        s = Server(behave, **more)
        self.addCleanup(s.close)
        return s

    def judged(self, p, count, **like):
        """Samples that a busy machine did not spoil, which the prober says itself."""
        for more in range(count, count + 20):
            good = [s for s in p.wait("sample", more, **like)
                    if "held up" not in s["text"]]
            if len(good) == count:
                return good
        self.fail("this machine is too busy")

    def one(self, port, host="127.0.0.1", **settings):
        """One target's one sample."""
        p = self.prober(once=1)
        p.target(1, host, port, **{**FAST, **settings})
        p.say("go")
        sample = p.wait("sample")[0]
        self.assertEqual({"exit": 0}, p.close())
        return sample

    def expect(self, sample, outcome, reason, text=None):
        self.assertEqual((outcome, reason), (sample["outcome"], sample["reason"]), sample)
        if outcome == "pass":
            self.assertEqual("", sample["text"])
        else:
            self.assertNotEqual("", sample["text"])
        if text is not None:
            self.assertIn(text, sample["text"])


class Hostile(Case):
    def test_all_at_once(self):
        """Every hostile server at the same time: the right reason for each, bounded
        time and memory, and a good neighbour that is never late."""
        zeros = gzip.compress(bytes(200 << 20), 9)
        ok = "HTTP/1.1 200 OK\r\n"
        big = ok + "Content-Length: 10000000000\r\n\r\n"
        never = dict(contains="never-there")
        cases = [
            (answer("ok"), {}, "pass", "ok"),
            (answer("ok"), dict(contains="ok"), "pass", "ok"),
            (answer("no"), dict(contains="ok"), "fail", "body"),
            (answer("x-17-y"), dict(matches="^x-[0-9]+-y$"), "pass", "ok"),
            (answer("x-17-yz"), dict(matches="^x-[0-9]+-y$"), "fail", "body"),
            (answer("ok", "503 Busy"), {}, "fail", "http-status"),
            (answer("ok", "404 No"), dict(status="400-404"), "pass", "ok"),
            (answer("ok", "302 Go", "Location: /x\r\n"), {}, "fail", "http-status"),
            (answer("ok", "302 Go", "Location: /x\r\n"), dict(redirects=3), "fail",
             "redirects"),
            (answer("ok", "302 Go", "Location: http://169.254.169.254/latest\r\n"),
             dict(redirects=3), "fail", "forbidden"),
            (answer("ok", "302 Go", "Location: http://2852039166/latest\r\n"),
             dict(redirects=3), "fail", "forbidden"),
            (answer("ok", "302 Go", "Location: http://[fe80::1]/latest\r\n"),
             dict(redirects=3), "fail", "forbidden"),
            (answer("ok", "302 Go", "Location: ftp://127.0.0.1/\r\n"),
             dict(redirects=3), "fail", "redirects"),
            (endless(ok.encode(), b"X-More: of the same\r\n"), {}, "fail", "headers"),
            (endless((ok + "X-Long: ").encode(), b"a" * 4096), {}, "fail", "headers"),
            (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 64), {}, "fail", "headers"),
            (raw((ok + "".join("X-%d: %s\r\n" % (i, "b" * 1000) for i in range(100)) +
                  "\r\n").encode(), "silence"), {}, "fail", "headers"),
            (endless(ok.encode(), b"X", 1), {}, "fail", "timeout"),
            (endless((big + "ok").encode(), b"a" * 65536), never, "fail", "body"),
            (endless((big + "ok").encode(), b"a" * 65536), dict(contains="ok"), "pass",
             "ok"),
            (endless(big.encode(), b"a" * 65536), {}, "pass", "ok"),
            (endless(big.encode(), b"a", 1), never, "fail", "timeout"),
            (raw((ok + "Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" %
                  len(zeros)).encode() + zeros), never, "fail", "body"),
            (raw((ok + "Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" %
                  len(zeros)).encode() + zeros), never, "fail", None),
            (raw((ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n").encode()), never,
             "fail", "garbage"),
            (raw(b"220 mail.example.test ESMTP\r\n", "silence"), {}, "fail", "garbage"),
            (raw(b"\x00\xff\x17garbage\r\n\r\n"), {}, "fail", "garbage"),
            (endless(b"", b"a" * 4096), {}, "fail", "garbage"),
            (raw((ok + " folded: from nothing\r\n\r\n").encode()), {}, "fail",
             "garbage"),
            (raw(b"", "reset"), {}, "fail", "reset"),
            (raw(b""), {}, "fail", "reset"),
            (raw(b"", "half"), {}, "fail", "reset"),
            (raw((ok + "Content-Length: 100\r\n\r\nshort").encode()), never, "fail",
             "reset"),
            (raw((ok + "Content-Length: 100\r\n\r\nshort").encode(), "reset"), never,
             "fail", "reset"),
            (deaf, {}, "fail", "timeout"),
            (deaf, dict(https=1), "fail", "timeout"),
            (plain, dict(https=1), "fail", "tls"),
            (later(0.3, answer("ok")), dict(slow=200), "fail", "slow"),
            (deaf, dict(kind="tcp"), "pass", "ok"),
        ]
        p = self.prober()
        good = self.serve(answer("ok"))
        p.target(1000, "127.0.0.1", good.port, every=100, timeout=1000, recheck=100)
        servers = [self.serve(behave) for behave, _, _, _ in cases]
        for i, (_, settings, _, _) in enumerate(cases):
            p.target(i, "127.0.0.1", servers[i].port, **{**FAST, **settings})
        p.say("go")
        for i, (_, settings, outcome, reason) in enumerate(cases):
            with self.subTest(case=i, settings=settings, reason=reason):
                for sample in self.judged(p, 2, id=i):
                    self.assertEqual(outcome, sample["outcome"], sample)
                    if reason is not None:
                        self.assertEqual(reason, sample["reason"], sample)
                    self.assertLess(sample["latency_us"], 1_500_000, sample)
        p.wait("lag", 3)
        samples = p.wait("sample", 30, id=1000)
        self.assertEqual({"pass"}, {s["outcome"] for s in samples})
        gaps = [b["start_ms"] - a["start_ms"] for a, b in zip(samples, samples[1:])]
        # 100 ms ± 10 % and a tick; the median, because the machine may be busy.
        self.assertLess(sorted(gaps)[len(gaps) // 2], 150, gaps)
        print("neighbour's gaps %d–%d ms, worker's peak %d KB, worst lag %d ms" % (
            min(gaps), max(gaps), p.memory_kb(),
            max(e["latency_us"] for e in p.all("lag")) // 1000))
        self.assertLess(p.memory_kb(), MEMORY_KB_MAX)
        self.assertEqual({"exit": 0}, p.close())

    def test_big_body_costs_little(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"
        # The pauses let the prober close before the kernel's buffers are full.
        server = self.serve(endless(head, b"a" * 1024, 0.02))
        self.expect(self.one(server.port, contains="b"), "fail", "body", "5120")
        self.assertLess(server.sent, 64 * 1024)

    def test_phases(self):
        self.expect(self.one(self.serve(deaf).port), "fail", "timeout", "waiting")
        self.expect(self.one(self.serve(deaf).port, https=1), "fail", "timeout", "TLS")
        full = socket.socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        for _ in range(4):  # the backlog is full: further SYNs are dropped
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(full.getsockname())
            waiting.append(s)
        for kind in ("http", "tcp"):
            self.expect(self.one(full.getsockname()[1], kind=kind), "fail", "timeout",
                        "connecting")
        for s in [full, *waiting]:
            s.close()


class Requests(Case):
    def test_refused(self):
        for kind in ("http", "tcp"):
            sample = self.one(free_port(), kind=kind)
            self.expect(sample, "fail", "refused")
            self.assertLess(sample["latency_us"], 500_000)

    def test_request(self):
        for wanted in ("GET /health?x=1 HTTP/1.1", "Host: www.example.test:",
                       "User-Agent: pointsman/test (here)", "X-One: 1", "X-Two: 2"):
            sample = self.one(self.serve(echo).port, path="/health?x=1",
                              headers="X-One: 1\nX-Two: 2\n", contains=wanted)
            self.expect(sample, "pass", "ok")
        for unwanted in ("Accept-Encoding", "Cookie"):
            sample = self.one(self.serve(echo).port, contains=unwanted)
            self.expect(sample, "fail", "body")

    def test_methods(self):
        seen = []

        def behave(connection, server):
            seen.append(request(connection).split(" ")[0])
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        server = self.serve(behave)
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            self.expect(self.one(server.port, method=method), "pass", "ok")
        self.assertEqual(["GET", "HEAD", "POST", "OPTIONS"], seen)

    def test_redirects(self):
        secret = []

        def note(connection, server):
            secret.append("X-Secret" in request(connection))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        there = self.serve(note)

        def hop(connection, server):
            text = request(connection)
            if text.startswith("GET /there "):
                secret.append("X-Secret" in text)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            else:
                connection.sendall(b"HTTP/1.1 301 Go\r\nLocation: /there\r\n\r\n")
        own = self.serve(hop)
        other = self.serve(answer(
            "", "302 Go", "Location: http://127.0.0.1:%d/\r\n" % there.port))
        for server in (own, other):
            self.expect(self.one(server.port, redirects=1, contains="ok",
                                 headers="X-Secret: s"), "pass", "ok")
        self.assertEqual([True, False], secret)

    def test_source(self):
        server = self.serve(answer("ok"))
        self.expect(self.one(server.port, source="127.0.0.77"), "pass", "ok")
        self.assertEqual(["127.0.0.77"], server.peers)
        self.expect(self.one(server.port, source="192.0.2.77"), "unknown", "local")
        self.expect(self.one(server.port, source="::1"), "unknown", "local")

    def test_hedge(self):
        server = self.serve(on_second(deaf, answer("ok")))
        sample = self.one(server.port, hedge=200, timeout=5000)
        self.expect(sample, "pass", "ok")
        self.assertGreaterEqual(sample["latency_us"], 200_000)
        self.assertLess(sample["latency_us"], 2_000_000)
        self.assertEqual(2, server.connections)

    def test_forbidden(self):
        for host in ("169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254",
                     "224.0.0.1", "0.0.0.0", "::", "::ffff:169.254.169.254"):
            self.expect(self.one(80, host=host), "fail", "forbidden", "never probed")

    def test_local_trouble(self):
        self.expect(self.one(80, matches="("), "unknown", "local", "matches")

    def test_slots_and_drop(self):
        server = self.serve(answer("ok"))
        p = self.prober()
        p.target(1, "127.0.0.1", server.port, every=50)
        p.target(2, "127.0.0.1", server.port, every=50)
        self.assertEqual(0, len(p.all("sample")))
        p.say("go")
        p.wait("sample", 3, id=1)
        p.say("drop", id=1)
        p.wait("sample", 5, id=2, since=p.mark())
        mark = p.mark()
        p.wait("sample", 5, id=2, since=mark)
        self.assertEqual([], p.all("sample", since=mark, id=1))
        # The same again is no change; another check keeps the address.
        p.target(2, "127.0.0.1", server.port, every=50, contains="nowhere")
        p.wait("sample", id=2, reason="body")
        self.assertEqual(1, len(p.all("address", id=2)))


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="probe-")
        os.chmod(cls.folder.name, 0o755)
        cls.pem = os.path.join(cls.folder.name, "cert.pem")
        key = os.path.join(cls.folder.name, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                        "-keyout", key, "-out", cls.pem, "-days", "2", "-subj",
                        "/CN=www.example.test", "-addext",
                        "subjectAltName=DNS:www.example.test"],
                       check=True, capture_output=True)
        os.chmod(cls.pem, 0o644)
        cls.names = []
        cls.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.tls.load_cert_chain(cls.pem, key)
        cls.tls.sni_callback = lambda s, name, context: cls.names.append(name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_verify(self):
        server = self.serve(answer("ok"), tls=self.tls)
        self.expect(self.one(server.port, https=1, ca=self.pem, contains="ok"), "pass",
                    "ok")
        self.assertEqual("www.example.test", self.names[-1])
        self.expect(self.one(server.port, https=1, verify=0), "pass", "ok")
        self.expect(self.one(server.port, https=1), "fail", "tls-self-signed",
                    "certificate of www.example.test")
        self.expect(self.one(server.port, https=1, ca=self.pem, vhost="www.example.net"),
                    "fail", "tls-name", "https://www.example.net:")
        self.expect(self.one(server.port, https=1, ca="/nonexistent.pem"), "unknown",
                    "local")


    def test_trust_is_read_once(self):
        """The system's authorities are not read again for each handshake."""
        server = self.serve(plain)
        p = self.prober()
        for i in range(10):
            p.target(i, "127.0.0.1", server.port, https=1, every=100, timeout=5000,
                     recheck=100)
        p.say("go")
        p.wait("sample", 20)

        def cpu_s():
            with open("/proc/%d/stat" % p.pid) as f:
                words = f.read().rsplit(")", 1)[1].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
        before, mark = cpu_s(), p.mark()
        p.wait("sample", 100, since=mark)
        spent = (cpu_s() - before) / len(p.all("sample", since=mark))
        print("%.2f ms of processor a handshake" % (spent * 1000))
        self.assertLess(spent, 0.010)


class Life(Case):
    def test_confined(self):
        p = self.prober()
        p.wait("ready")
        with open("/proc/%d/status" % p.pid) as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        self.assertEqual("1", status["NoNewPrivs"])
        self.assertEqual("0000000000000000", status["CapEff"])
        self.assertEqual("0000000000000000", status["CapPrm"])
        if os.geteuid() == 0:
            self.assertEqual(["65534"] * 4, status["Uid"].split())
            self.assertEqual(["65534"] * 4, status["Gid"].split())
            self.assertEqual("", status["Groups"].strip())
            with open("/proc/%d/environ" % p.pid, "rb") as f:
                self.assertEqual(b"", f.read())
            files = {fd: os.readlink("/proc/%d/fd/%s" % (p.pid, fd))
                     for fd in os.listdir("/proc/%d/fd" % p.pid)}
            self.assertEqual("/dev/null", files["0"])
            self.assertEqual("/dev/null", files["1"])
            self.assertTrue(files["3"].startswith("socket:"), files)
            with open("/proc/%d/limits" % p.pid) as f:
                core = [line for line in f if line.startswith("Max core")][0]
            self.assertEqual(["0", "0"], core.split()[4:6])

    def test_ends_with_its_socket(self):
        p = self.prober()
        p.wait("ready")
        p.tool.kill()
        p.tool.wait()
        deadline = time.monotonic() + 20
        while os.path.exists("/proc/%d" % p.pid):
            with open("/proc/%d/stat" % p.pid) as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    break
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def test_killed(self):
        p = self.prober()
        p.wait("ready")
        os.kill(p.pid, signal.SIGKILL)
        self.assertEqual({"signal": 9}, p.close())

    def test_terminal_signals_are_for_the_agent(self):
        p = self.prober()
        p.wait("ready")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(p.pid, number)
        p.wait("lag", since=p.mark())
        self.assertEqual({"exit": 0}, p.close())

    def test_other_protocol(self):
        p = self.prober(protocol=99)
        self.assertEqual({"exit": 2}, p.close())

    def test_stopped_worker_blames_nobody(self):
        """SIGSTOP with a probe in flight: UNKNOWN, and the lag is told."""
        server = self.serve(later(0.3, answer("ok")))
        p = self.prober()
        p.target(1, "127.0.0.1", server.port, every=400, timeout=500, recheck=100)
        p.say("go")
        p.wait("sample", outcome="pass")
        connections = server.connections
        deadline = time.monotonic() + 10
        while server.connections == connections:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)
        mark = p.mark()
        os.kill(p.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(p.pid, signal.SIGCONT)
        self.assertEqual("unknown", p.wait("sample", since=mark)[0]["outcome"])
        p.wait("sample", since=mark, outcome="pass")
        self.assertGreater(max(e["latency_us"] for e in p.wait("lag", 2, since=mark)),
                           250_000)
        self.assertEqual([], p.all("sample", since=mark, outcome="fail"))

    def test_agent_that_does_not_read(self):
        """Probing goes on, memory stays, and the newest sample of each address comes."""
        server = self.serve(answer("ok"))
        p = self.prober()
        for i in range(100):
            p.target(i, "127.0.0.1", server.port, every=100, kind="tcp")
        p.say("go")
        p.wait("sample", 100)
        p.say("pause")
        before = server.connections
        deadline = time.monotonic() + 60
        while server.connections < before + 3000:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        server.close()
        time.sleep(0.5)
        mark = p.mark()
        p.say("resume")
        for i in range(100):
            p.wait("sample", since=mark, id=i, reason="refused")
        self.assertLess(len(p.all("sample", since=mark, outcome="pass")), 2000)


class Lost(Case):
    """No route from here, and packets that vanish: in a namespace of our own."""

    RULES = """table inet t {
        chain c {
            type filter hook input priority 0;
            ip daddr 127.66.0.1 drop;
            ip daddr 127.66.0.2 reject with icmp type host-unreachable;
        }
    }"""

    def setUp(self):
        super().setUp()
        self.script = ("ip link set lo up && echo '%s' | nft -f - && exec \"$@\"" %
                       self.RULES)
        done = subprocess.run(["unshare", "-n", "sh", "-c", self.script, "sh", "true"],
                              text=True, capture_output=True)
        if done.returncode != 0:
            self.skipTest("no network namespaces here: " + done.stderr.strip()[:200])

    def test_no_route_and_black_hole(self):
        p = Prober(prefix=["unshare", "-n", "sh", "-c", self.script, "sh"])
        self.addCleanup(lambda: p.tool.poll() is None and p.close())
        p.target(1, "192.0.2.1", 80, **FAST)
        p.target(2, "127.66.0.1", 80, **FAST)
        p.target(3, "127.66.0.2", 80, **FAST)
        p.target(4, "2001:db8::1", 80, **FAST)
        p.target(5, "127.66.0.3", 80, **FAST)
        p.say("go")
        for i, outcome, reason in ((1, "unknown", "local"), (2, "fail", "timeout"),
                                   (3, "fail", "unreachable"), (4, "unknown", "local"),
                                   (5, "fail", "refused")):
            for sample in self.judged(p, 2, id=i):
                self.expect(sample, outcome, reason)


if __name__ == "__main__":
    if not os.path.exists(TOOL):
        print("skipped: %s is not built" % TOOL)
        sys.exit(77)
    unittest.main(verbosity=1)
