#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""Programs that we did not write knock at the peers' door: openssl and curl, with and
without certificates, well-mannered and not."""
import os
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("BUILD_DIR") or ROOT / "build")
CA = ROOT / "packaging/pointsman-ca"
PATIENCE_S = 60


def skip(why):
    print(why)
    sys.exit(77)


def run(*command, **more):
    return subprocess.run([str(c) for c in command], text=True, timeout=PATIENCE_S,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **{"stdin": subprocess.DEVNULL, **more})


class Strangers(unittest.TestCase):
    idle_ms = 1000

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="peer-strangers-")
        for command in (["init", cls.folder], ["agent", cls.folder, "fra", "iad", "old"]):
            made = run(CA, *command)
            assert made.returncode == 0, made.stdout
        cls.log = open(f"{cls.folder}/log", "w+")
        cls.agent = subprocess.Popen(
            [BUILD / "tests/tool_peer", cls.folder, "fra", "fra", "iad", "sin"], text=True,
            stdout=subprocess.PIPE, stderr=cls.log,
            env={**os.environ, "IDLE_MS": str(cls.idle_ms)})
        cls.port = cls.agent.stdout.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.agent.terminate()
        cls.agent.wait()
        cls.agent.stdout.close()
        cls.log.close()
        shutil.rmtree(cls.folder)

    def tearDown(self):
        self.assertIsNone(self.agent.poll(), "the agent has died")

    def said(self, words):
        end = time.monotonic() + PATIENCE_S
        while words not in (text := Path(self.folder, "log").read_text()):
            self.assertLess(time.monotonic(), end, f"never said: {words}\n{text}")
            time.sleep(0.02)

    def heard(self):
        """The next message, without waiting; None when there is none."""
        ready, _, _ = select.select([self.agent.stdout], [], [], PATIENCE_S)
        return self.agent.stdout.readline().strip() if ready else None

    def curl(self, *more, who="iad", url="https://fra/v1/report"):
        named = [] if who is None else ["--cert", f"{self.folder}/{who}.pem",
                                        "--key", f"{self.folder}/{who}.key"]
        return run("curl", "-sS", "-i", "--noproxy", "*", "--max-time", "20",
                   "--cacert", f"{self.folder}/ca.pem", *named,
                   "--connect-to", f"::127.0.0.1:{self.port}", *more, url)

    def s_client(self, *more):
        return run("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}",
                   "-CAfile", f"{self.folder}/ca.pem", *more)

    def connect(self, who="iad"):
        """A connection of Python's own, to misbehave on."""
        context = ssl.create_default_context(cafile=f"{self.folder}/ca.pem")
        context.load_cert_chain(f"{self.folder}/{who}.pem", f"{self.folder}/{who}.key")
        plain = socket.create_connection(("127.0.0.1", int(self.port)), PATIENCE_S)
        return context.wrap_socket(plain, server_hostname="fra")

    # -- who is let in

    def test_a_peer_is_heard(self):
        answer = self.curl("--data-binary", '{"a":1}')
        self.assertTrue(answer.stdout.startswith("HTTP/1.1 200 "), answer.stdout)
        self.assertIn('{"heard":true}', answer.stdout)
        self.assertIn("\nDate: ", answer.stdout)
        self.assertEqual('iad 7 {"a":1}', self.heard())

    def test_nobody_without_a_certificate(self):
        answer = self.curl("--data", "x", who=None)
        self.assertNotEqual(0, answer.returncode)
        self.assertNotIn("HTTP/1.1", answer.stdout)
        self.said("who connects must show a certificate")

    def test_no_tls_of_yesterday(self):
        for version in ("-tls1_2", "-tls1_1"):
            answer = self.s_client(version, "-cert", f"{self.folder}/iad.pem",
                                   "-key", f"{self.folder}/iad.key")
            self.assertNotEqual(0, answer.returncode)
            self.assertRegex(answer.stdout, "alert protocol version|no protocols available"
                                            "|unsupported protocol|internal error")
        self.said("TLS: protocol version: at least 1.3 is asked for")

    def test_tls_of_today(self):
        answer = self.s_client("-cert", f"{self.folder}/iad.pem",
                               "-key", f"{self.folder}/iad.key", "-verify_hostname", "fra",
                               "-verify_return_error")
        self.assertIn("TLSv1.3", answer.stdout)
        self.assertIn("Verification: OK", answer.stdout)
        self.assertNotIn("session ticket", answer.stdout.lower())

    def test_a_stranger_of_the_same_authority(self):
        answer = self.curl("--data", "x", who="old")
        self.assertNotIn("HTTP/1.1", answer.stdout)
        self.said("the certificate names 'old', who is no agent of this configuration")

    def test_a_stranger_of_another_authority(self):
        with tempfile.TemporaryDirectory() as other:
            self.assertEqual(0, run(CA, "init", other).returncode)
            self.assertEqual(0, run(CA, "agent", other, "iad").returncode)
            answer = self.curl("--data", "x", "--cert", f"{other}/iad.pem",
                               "--key", f"{other}/iad.key", who=None)
        self.assertNotIn("HTTP/1.1", answer.stdout)
        self.said("a certificate that our authority (tls.ca) did not sign")

    def test_not_tls_at_all(self):
        with socket.create_connection(("127.0.0.1", int(self.port)), PATIENCE_S) as s:
            s.sendall(b"POST /v1/report HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}")
            answer = b""
            try:
                while (more := s.recv(4096)) != b"":
                    answer += more
            except ConnectionResetError:
                pass
        self.assertNotIn(b"HTTP", answer)

    # -- what may be asked

    def test_places_and_methods(self):
        for more, url, status in [
                (["-X", "GET"], "/v1/report", "405"), (["-X", "PUT"], "/v1/report", "405"),
                (["--data", "x"], "/v1/hello", "405"), (["-I"], "/v1/hello", "405"),
                (["-X", "DELETE"], "/", "404"), ([], "/metrics", "404"),
                (["--path-as-is"], "/v1/../v1/report", "404"), ([], "/v1/hello", "200"),
                (["-X", "GET"], "/v1/report?x=1", "405"), ([], "/v1/report/", "404")]:
            answer = self.curl(*more, url=f"https://fra{url}")
            self.assertTrue(answer.stdout.startswith(f"HTTP/1.1 {status} "),
                            (more, url, answer.stdout))
        self.assertIn("Allow: POST", self.curl(url="https://fra/v1/report").stdout)
        self.assertIn('"agent":"fra"', self.curl(url="https://fra/v1/hello").stdout)

    def test_odd_methods(self):
        answer = self.curl("-X", "BREW")
        self.assertRegex(answer.stdout, "^HTTP/1.1 (400|405|501) |Empty reply")

    def test_big_bodies(self):
        with tempfile.NamedTemporaryFile() as body:
            body.write(b"x" * 65536)
            body.flush()
            answer = self.curl("--data-binary", f"@{body.name}")
            self.assertIn(" 200 ", answer.stdout)
            self.assertEqual("iad 65536 " + "x" * 40, self.heard())
            answer = self.curl("-H", "Transfer-Encoding: chunked",
                               "--data-binary", f"@{body.name}")
            self.assertIn(" 200 ", answer.stdout)
            self.assertEqual("iad 65536 " + "x" * 40, self.heard())
            body.write(b"x")
            body.flush()
            for more in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect:"]):
                answer = self.curl(*more, "--data-binary", f"@{body.name}")
                self.assertNotIn(" 200 ", answer.stdout)
        self.test_a_peer_is_heard()  # and nothing else was

    def test_big_headers(self):
        answer = self.curl("-H", "X-Long: " + "x" * 15000, url="https://fra/v1/hello")
        self.assertIn(" 200 ", answer.stdout)
        answer = self.curl("-H", "X-Long: " + "x" * 17000, url="https://fra/v1/hello")
        self.assertNotIn(" 200 ", answer.stdout)
        many = [f"-HX-{i}: {'x' * 900}" for i in range(20)]
        self.assertNotIn(" 200 ", self.curl(*many, url="https://fra/v1/hello").stdout)

    def closed_after(self, peer, drip):
        """Talks on until it is closed; how long that took."""
        began = time.monotonic()
        peer.settimeout(0.1)
        while True:
            self.assertLess(time.monotonic() - began, PATIENCE_S, "never closed")
            try:
                if drip:
                    peer.sendall(drip)
                if peer.recv(4096) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        return time.monotonic() - began

    def test_who_never_comes_to_an_end_is_closed(self):
        for beginning, drip in [(b"POST /v1/report HTTP/1.1\r\n", b"X: y\r\n"),
                                (b"", b"P"), (b"", b""),
                                (b"POST /v1/report HTTP/1.1\r\nContent-Length: 60000\r\n\r\n",
                                 b"x"),
                                (b"POST /v1/report HTTP/1.1\r\nTransfer-Encoding: chunked"
                                 b"\r\n\r\n", b"1\r\nx\r\n")]:
            with self.connect() as peer:
                peer.sendall(beginning)
                took = self.closed_after(peer, drip)
            self.assertGreater(took, self.idle_ms / 1000 * 0.8, (beginning, drip))

    def test_who_reads_nothing_is_closed(self):
        with self.connect() as peer:
            peer.setblocking(False)
            ask = b"GET /v1/hello HTTP/1.1\r\n\r\n" * 400
            began = time.monotonic()
            try:
                while True:
                    self.assertLess(time.monotonic() - began, PATIENCE_S, "never closed")
                    try:
                        peer.send(ask)
                    except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                        time.sleep(0.01)
            except OSError:
                pass
        self.test_a_peer_is_heard()

    def test_rubbish(self):
        for rubbish in [b"\x00" * 5000, b"\r\n" * 5000, b"GET\r\n\r\n", b"POST /v1/report\r\n\r\n",
                        b"POST /v1/report HTTP/9.9\r\n\r\n",
                        b"POST /v1/report HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                        b"POST /v1/report HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                        b"POST /v1/report HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
                        b"POST http://[::1/ HTTP/1.1\r\n\r\n", b"GET * HTTP/1.1\r\n\r\n",
                        b"POST /v1/report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                        b"POST /v1/report HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b"FFFFFFFFFFFFFFFF\r\n"]:
            with self.connect() as peer:
                try:
                    peer.sendall(rubbish)
                except OSError:
                    continue
                self.closed_after(peer, b"")
        while self.agent.stdout in select.select([self.agent.stdout], [], [], 0)[0]:
            self.agent.stdout.readline()
        self.test_a_peer_is_heard()


if __name__ == "__main__":
    for needed in ("openssl", "curl"):
        if not shutil.which(needed):
            skip(f"{needed} is not installed")
    unittest.main()
