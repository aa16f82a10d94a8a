# SPDX-License-Identifier: Apache-2.0
"""Webhooks of a plan, through tool_act, against a server of ours that behaves and ones
that do not: what was sent, byte for byte, and what each end comes to."""
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

import at_once

TOOL = os.path.join(os.environ["BUILD_DIR"], "tests", "tool_act")
OK = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"


class Server:
    """Takes one request a connection and answers with .answer: bytes, or a function of
    the connection."""

    def __init__(self, tls=None):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.tls, self.answer, self.requests = tls, OK, []
        self.release = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            if self.tls:
                s = self.tls.wrap_socket(s, server_side=True)
            with s:
                self.requests.append(self.read(s))
                answer = self.answer
                if callable(answer):
                    answer(s)
                else:
                    s.sendall(answer.encode() if isinstance(answer, str) else answer)
                    s.shutdown(socket.SHUT_WR)
                    s.recv(1)
        except OSError:
            pass

    @staticmethod
    def read(s):
        data = b""
        while b"\r\n\r\n" not in data:
            more = s.recv(4096)
            if not more:
                return data.decode(errors="replace")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += s.recv(4096)
        return (head + b"\r\n\r\n" + body).decode(errors="replace")

    def hang(self, s):
        self.release.wait(60)

    def close(self):
        self.release.set()
        self.socket.close()


def reply(status, body="", more=""):
    return (f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{more}\r\n" + body)


class Webhook(unittest.TestCase):
    def setUp(self):
        self.there = Server()
        self.addCleanup(self.there.close)
        folder = tempfile.TemporaryDirectory(prefix="act-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def act(self, *words, url=None, env=()):
        path = url or f"http://127.0.0.1:{self.there.port}/hook"
        env = dict({"PATH": "/usr/bin:/bin"}, **dict(env))
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        out = subprocess.run([TOOL, "webhook", f"url={path}", *words], text=True, env=env,
                             stdout=subprocess.PIPE, timeout=90, check=True).stdout
        return dict(line.partition(" ")[::2] for line in out.splitlines())

    def expect(self, acted, *says, got):
        self.assertEqual(acted, got["acted"], got)
        for text in says:
            self.assertIn(text, got["text"])
        return got

    def secret(self, text, mode=0o600):
        path = os.path.join(self.folder, "secret")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def test_what_is_sent(self):
        base = f"http://127.0.0.1:{self.there.port}"
        got = self.act("method=PUT", "header=X-Fence:{fence} of {site}", "header=X-Plain:{a b}",
                       "file=Authorization:" + self.secret("Bearer s3cret\n"),
                       'body={"fence": {fence}, "at": "{backup.started_at}"}',
                       url=base + "/admin/{site}?fence={fence}&backup={backup.id}&{")
        self.expect("done", "answered 200: ok", got=got)
        self.assertEqual(("1", "ok|"), (got["left"], got["tail"]))
        self.assertNotIn("s3cret", str(got))
        self.assertNotIn("backup=", got["text"])
        lines = self.there.requests[0].split("\r\n")
        self.assertEqual("PUT /admin/iad?fence=19&backup=b%207%2F%26%22&{ HTTP/1.1", lines[0])
        for line in ("X-Fence: 19 of iad", "X-Plain: {a b}", "Authorization: Bearer s3cret",
                     "Content-Length: 43"):
            self.assertIn(line, lines)
        self.assertEqual('{"fence": 19, "at": "2026-11-24T01:00:00Z"}', lines[-1])
        self.assertNotIn("Expect: 100-continue", lines)

    def test_methods(self):
        for method, length in (("POST", True), ("PUT", True), ("PATCH", True), ("GET", False),
                               ("DELETE", False), (None, True)):
            self.act(*([f"method={method}"] if method else []))
            request = self.there.requests[-1]
            self.assertTrue(request.startswith(f"{method or 'POST'} /hook HTTP/1.1"), request)
            self.assertEqual(length, "Content-Length: 0" in request, request)

    def test_secrets(self):
        """Read anew each time; not one that all may read, not what is no single line."""
        for text, mode, says in (("x", 0o644, "others may read (mode 644)"),
                                 ("x", 0o602, "mode 602"), ("", 0o600, "one line"),
                                 ("a\nb\n", 0o600, "one line"), ("x" * 9000, 0o600, "one line")):
            got = self.act("file=X-Key:" + self.secret(text, mode))
            self.expect("not", says, got=got)
        self.expect("not", "No such file", got=self.act("file=X-Key:/nowhere/key"))
        self.expect("not", "no regular file", got=self.act(f"file=X-Key:{self.folder}"))
        self.assertEqual([], self.there.requests)
        for text in ("one", "two"):
            self.act("file=X-Key:" + self.secret(text, 0o640))
            self.assertIn(f"X-Key: {text}\r\n", self.there.requests[-1])

    def test_words_that_do_not_fit(self):
        self.expect("not", "backup.id", got=self.act('body={"id": "{backup.id}"}'))
        self.expect("not", "{nobody", got=self.act("header=X:{nobody}"))
        self.assertEqual([], self.there.requests)

    def test_statuses(self):
        for status, acted, says in (
                (200, "done", "200"), (204, "done", "204"), (404, "failed", "404: no such"),
                (500, "failed", "500: no such"), (503, "failed", "503"),
                (502, "unknown", "a proxy had no answer (502)"), (504, "unknown", "504"),
                (401, "failed", "secret files")):
            self.there.answer = reply(status, "" if status == 204 else "\n no such\nsite")
            self.expect(acted, says, got=self.act())
        self.there.answer = reply(409, "already")
        self.expect("done", "409: already", got=self.act("status=200", "status=409-410"))
        self.there.answer = reply(201)
        self.expect("failed", "201", got=self.act("status=200", "status=409-410"))

    def test_redirects_are_not_followed(self):
        other = f"http://127.0.0.1:{self.there.port}/other"
        self.there.answer = reply(302, more=f"Location: {other}\r\n")
        self.expect("failed", "302", "redirects are not followed", got=self.act())
        self.assertEqual(1, len(self.there.requests))

    def test_nothing_left(self):
        closed = socket.socket()
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        got = self.act(url=f"http://127.0.0.1:{port}/")
        self.assertEqual("0", self.expect("failed", "nothing was sent", got=got)["left"])
        closed.close()
        got = self.act("timeout=20000", url="http://name.invalid/")
        self.assertEqual("0", self.expect("failed", "name.invalid", got=got)["left"])
        # https towards what speaks none: no byte of the request leaves
        got = self.act(url=f"https://127.0.0.1:{self.there.port}/")
        self.assertEqual("0", self.expect("failed", got=got)["left"])
        self.assertFalse(any("hook" in r for r in self.there.requests))

    def test_sent_and_no_answer(self):
        def cut(s):
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

        for answer, says in ((self.there.hang, "imed out"), (lambda s: None, "mpty reply"),
                             (cut, ""), (b"\x00\xffgarbage\r\n\r\n", ""),
                             (b"HTTP/9.9 abc\r\n\r\n", "")):
            before = len(self.there.requests)
            self.there.answer = answer
            started = time.monotonic()
            got = self.act("timeout=1500")
            self.expect("unknown", "may have been carried out", says, got=got)
            self.assertLess(time.monotonic() - started, 30)
            self.assertEqual("1", got["left"])
            self.assertEqual(1, len(self.there.requests) - before, "sent more than once")

    def test_a_slow_drip_ends_in_time(self):
        def drip(s):
            s.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not self.there.release.wait(0.05):
                s.sendall(b"x")

        self.there.answer = drip
        self.expect("unknown", "imed out", got=self.act("timeout=800"))

    def test_a_long_answer_is_cut(self):
        for head in (f"Content-Length: {1 << 22}\r\n", "Connection: close\r\n"):
            for status, acted in ((200, "done"), (500, "failed")):
                self.there.answer = (f"HTTP/1.1 {status} OK\r\n{head}\r\n" +
                                     "first line\n" + "x" * (1 << 22))
                got = self.act("timeout=20000")
                self.expect(acted, f"{status}: first line", got=got)
                self.assertLess(len(got["tail"]), 4096)

    def test_a_long_answer_elsewhere_is_cut(self):
        self.there.answer = reply(200, "\x1b[31mred")
        self.assertEqual("?[31mred", self.act()["tail"])

    def test_kill(self):
        self.there.answer = self.there.hang
        got = self.act("timeout=60000", "kill=300")
        self.expect("unknown", "given up under way", got=got)
        self.expect("unknown", "given up", got=self.act("kill=1", "times=3"))

    def test_certificates_are_verified(self):
        path = os.path.join(self.folder, "cert")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", path + ".key", "-out",
                        path, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(path, path + ".key")
        there = Server(tls)
        self.addCleanup(there.close)
        got = self.act(url=f"https://127.0.0.1:{there.port}/")
        self.assertEqual("0", self.expect("failed", "certificate", got=got)["left"])
        self.assertEqual([], there.requests)
        got = self.act(url=f"https://127.0.0.1:{there.port}/", env={"AWS_CA_BUNDLE": path})
        self.expect("done", got=got)
        got = self.act(url=f"https://localhost:{there.port}/", env={"AWS_CA_BUNDLE": path})
        self.expect("failed", "localhost", got=got)


if __name__ == "__main__":
    at_once.main()
