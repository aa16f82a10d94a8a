#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The https check against servers with every kind of certificate, a real nginx with
HTTP/2, and the confinement that all of it runs in."""
import os
import shutil
import ssl
import subprocess
import unittest

from authority import Authority
from prober import Prober, Server, answer, free_port, request

FAST = dict(every=200, timeout=3000, recheck=100, https=1)
MORE_IN_TLS = os.environ.get("POINTSMAN_SANITIZE") is not None


class Case(unittest.TestCase):
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

    def prober(self, **hello):
        p = Prober(**hello)
        self.addCleanup(lambda: p.tool.poll() is None and p.close())
        return p

    def one(self, port, **settings):
        p = self.prober(once=1)
        p.target(1, "127.0.0.1", port, **{**FAST, "ca": self.authority.pem, **settings})
        p.say("go")
        sample = p.wait("sample")[0]
        self.assertEqual({"exit": 0}, p.close())
        return sample

    def expect(self, sample, outcome, reason, text=""):
        self.assertEqual((outcome, reason), (sample["outcome"], sample["reason"]), sample)
        self.assertIn(text, sample["text"])
        self.assertEqual(outcome == "pass", sample["text"] == "", sample)


class Certificates(Case):
    def server(self, **issue):
        return self.serve(answer("ok"), tls=self.authority.context(**issue)).port

    def test_good(self):
        self.expect(self.one(self.server(), contains="ok"), "pass", "ok")

    def test_expired(self):
        port = self.server(begin=-30, end=-2)
        self.expect(self.one(port), "fail", "tls-expired",
                    "certificate of www.example.test expired on 20")
        self.expect(self.one(port, verify=0), "pass", "ok")

    def test_not_yet_valid(self):
        self.expect(self.one(self.server(begin=2)), "fail", "tls-not-yet-valid",
                    "not valid before 20")

    def test_wrong_name(self):
        port = self.server(name="other.example.test")
        self.expect(self.one(port), "fail", "tls-name", "www.example.test")
        self.expect(self.one(port, vhost="other.example.test"), "pass", "ok")

    def test_self_signed(self):
        self.expect(self.one(self.server(alone=True)), "fail", "tls-self-signed",
                    "self-signed")

    def test_unknown_issuer(self):
        stranger = Authority("Nobody Knows")
        self.addCleanup(stranger.close)
        port = self.server()
        self.expect(self.one(port, ca=stranger.pem), "fail", "tls-issuer",
                    "www.example.test has an issuer that is not trusted")
        self.expect(self.one(port, ca=""), "fail", "tls-issuer")

    def test_min_days(self):
        port = self.server(end=10.5)
        self.expect(self.one(port, min_days=10), "pass", "ok")
        self.expect(self.one(port, min_days=11), "fail", "tls-expiring",
                    "in 10 days: fewer than 11")
        self.expect(self.one(port, min_days=11, verify=0), "fail", "tls-expiring")
        self.expect(self.one(self.server(begin=-9, end=-2), min_days=1, verify=0), "fail",
                    "tls-expired")

    def test_files(self):
        """Of our own files nothing is blamed on the server."""
        port = self.server()
        cert, key = self.authority.issue(name="probe")
        other = self.authority.issue(name="other")[1]
        empty = self.authority.path("empty")
        open(empty, "w").close()
        for settings, text in (
                (dict(ca="/nonexistent.pem"), "No such file"),
                (dict(ca="/dev/zero"), "/dev/zero"),
                (dict(ca=empty), "holds no certificate"),
                (dict(cert="/nonexistent.pem", key=key), "No such file"),
                (dict(cert=cert, key=cert), "holds no private key"),
                (dict(cert=cert, key=other), "not the key of the certificate")):
            self.expect(self.one(port, **settings), "unknown", "local", text)


class Clients(Case):
    def test_client_certificate(self):
        """Read by who may: the worker is nobody, and opens nothing."""
        seen = []

        def behave(connection, server):
            seen.append(connection.getpeercert()["subject"])
            answer("ok")(connection, server)
        server = self.serve(behave, tls=self.authority.context(client=self.authority.pem))
        cert, key = self.authority.issue(name="probe.example.test")
        os.chmod(key, 0o600)
        self.expect(self.one(server.port, cert=cert, key=key), "pass", "ok")
        self.assertEqual((((("commonName", "probe.example.test"),),)), seen[0])
        # In TLS 1.3 the refusal comes after the handshake, and a reset may overtake it.
        late = self.one(server.port)
        self.assertEqual("fail", late["outcome"])
        self.assertIn(late["reason"], ("tls", "reset"))
        server.tls.maximum_version = ssl.TLSVersion.TLSv1_2
        self.expect(self.one(server.port), "fail", "tls")

    def test_identity_is_not_shown_to_other_hosts(self):
        seen = []

        def behave(connection, server):
            request(connection)
            seen.append(connection.getpeercert())
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        context = self.authority.context(name="127.0.0.1")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(self.authority.pem)
        other = self.serve(behave, tls=context)
        first = self.serve(answer("", status="302 Found", headers=(
            "Location: https://127.0.0.1:%d/\r\n" % other.port)),
            tls=self.authority.context())
        cert, key = self.authority.issue(name="probe.example.test")
        self.expect(self.one(first.port, cert=cert, key=key, redirects=1, verify=0),
                    "pass", "ok")
        self.assertEqual([{}], [c or {} for c in seen])

    def test_sessions_are_fresh(self):
        """A resumed session skips the certificate: each probe must see it anew."""
        resumed = []

        def behave(connection, server):
            resumed.append(connection.session_reused)
            answer("ok")(connection, server)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.authority.context()
            context.maximum_version = version
            server = self.serve(behave, tls=context)
            p = self.prober()
            p.target(1, "127.0.0.1", server.port, **{**FAST, "every": 50},
                     ca=self.authority.pem)
            p.say("go")
            p.wait("sample", 6, outcome="pass")
            p.close()
        self.assertGreaterEqual(len(resumed), 12)
        self.assertEqual({False}, set(resumed))

    def test_trust_is_a_check_s_own(self):
        """Of two checks in one worker neither trusts what the other one does."""
        stranger = Authority("Nobody Knows")
        self.addCleanup(stranger.close)
        both = [self.authority, stranger]
        p = self.prober()
        for i, server in enumerate(both):
            port = self.serve(answer("ok"), tls=server.context()).port
            for k, trusted in enumerate(both):
                p.target(2 * i + k, "127.0.0.1", port, **FAST, ca=trusted.pem)
        p.say("go")
        for id in range(4):
            reasons = {s["reason"] for s in p.wait("sample", 4, id=id)}
            self.assertEqual({"ok" if id in (0, 3) else "tls-issuer"}, reasons, id)

    def test_renewed_files(self):
        """The same path with new content is read anew when the target comes again."""
        server = self.serve(answer("ok"), tls=self.authority.context())
        stranger = Authority("Nobody Knows")
        self.addCleanup(stranger.close)
        path = self.authority.path("current.pem")
        shutil.copy(stranger.pem, path)
        p = self.prober()
        settings = {**FAST, "ca": path}
        p.target(1, "127.0.0.1", server.port, **settings)
        p.say("go")
        p.wait("sample", reason="tls-issuer")
        shutil.copy(self.authority.pem, path + ".new")
        os.rename(path + ".new", path)
        p.target(1, "127.0.0.1", server.port, **settings)
        p.wait("sample", outcome="pass")


NGINX = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
	access_log {folder}/access.log;
	client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
	fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
	server {{
		listen 127.0.0.1:{port} ssl http2;
		ssl_certificate {cert};
		ssl_certificate_key {key};
		location / {{ return 200 "spoken in $server_protocol\\n"; }}
		location /old {{ return 302 /new; }}
	}}
}}
"""


class Http2(Case):
    def test_nginx(self):
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        if nginx is None:
            self.skipTest("nginx is not installed")
        folder = self.authority.path("nginx")
        os.mkdir(folder)
        port = free_port()
        cert, key = self.authority.issue()
        with open(folder + "/conf", "w") as f:
            f.write(NGINX.format(folder=folder, port=port, cert=cert, key=key))
        server = subprocess.Popen([nginx, "-c", folder + "/conf", "-e",
                                   folder + "/error.log"])
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        p = self.prober()
        p.target(1, "127.0.0.1", port, **{**FAST, "every": 100}, ca=self.authority.pem,
                 contains="spoken in HTTP/2.0")
        p.say("go")
        p.wait("sample", 5, outcome="pass")
        p.target(2, "127.0.0.1", port, **FAST, ca=self.authority.pem, path="/old",
                 redirects=1, min_days=5)
        p.target(3, "127.0.0.1", port, **FAST, ca=self.authority.pem, method="HEAD",
                 min_days=200)
        p.target(4, "127.0.0.1", port, **FAST, ca=self.authority.pem, path="/old")
        p.wait("sample", 2, id=2, outcome="pass", status=200)
        p.wait("sample", 2, id=3, reason="tls-expiring")
        p.wait("sample", 2, id=4, reason="http-status", status=302)
        self.assertEqual({"exit": 0}, p.close())


CHECKED = """
cluster: small
sites: [left, right]
agents:
  watch: {{site: left}}
quorum: solo
state: {folder}/state
checks:
  web: {{http: {{scheme: https, port: {web}, path: /, min_days: 5, ca: ca.pem,
         cert: probe.pem, key: probe.key}}}}
  old: {{http: {{scheme: https, port: {web}, path: /, min_days: 300, ca: ca.pem,
         cert: probe.pem, key: probe.key}}}}
  cache: {{tcp: {{port: {tcp}, send: "PING\\r\\n", expect: PONG, tls: {{ca: ca.pem}}}}}}
zones:
  lab: {{name: example.test, route53: {{zone_id: ZLAB}}}}
services:
"""
SERVICE = """
  {check}:
    zone: lab
    names: [www.example.test]
    ttl: 5s
    check: {check}
    members:
      left: {{answers: {{A: [127.0.0.1]}}}}
      right: {{answers: {{A: [127.0.0.2]}}, endpoints: ["127.0.0.1"]}}
"""


class FromTheFile(Case):
    def test_check(self):
        """`pointsman check` on a file with all of it: paths from the file's folder, names
        from the service, a key that is its owner's alone."""
        folder = self.authority.path("configuration")
        os.mkdir(folder)
        cert, key = self.authority.issue(name="probe.example.test")
        for source, name in ((cert, "probe.pem"), (key, "probe.key"),
                             (self.authority.pem, "ca.pem")):
            shutil.copy(source, os.path.join(folder, name))
        os.chmod(os.path.join(folder, "probe.key"), 0o600)

        def pong(connection, server):
            if connection.recv(100) == b"PING\r\n":
                connection.sendall(b"+PONG\r\n")
        web = self.serve(answer("ok"), tls=self.authority.context(
            client=self.authority.pem))
        tcp = self.serve(pong, tls=self.authority.context())
        binary = os.path.join(os.environ.get("BUILD_DIR", "build"), "pointsman")
        for check, status, reason in (("web", 0, "ok"), ("old", 1, "tls-expiring"),
                                      ("cache", 0, "ok")):
            path = os.path.join(folder, check + ".yaml")
            with open(path, "w") as f:
                f.write(CHECKED.format(folder=folder, web=web.port, tcp=tcp.port))
                f.write(SERVICE.format(check=check))
            ran = subprocess.run([binary, "check", "-c", path, "--json"],
                                 capture_output=True, text=True, timeout=60)
            self.assertEqual(status, ran.returncode, ran.stdout + ran.stderr)
            self.assertEqual(2, ran.stdout.count('"%s"' % reason), ran.stdout)


class Confined(Case):
    def test_filter_is_in_force(self):
        p = self.prober()
        ready = p.wait("ready")[0]
        with open("/proc/%d/status" % p.pid) as f:
            mode = [line.split()[1] for line in f if line.startswith("Seccomp:")][0]
        if MORE_IN_TLS:
            self.assertIn("no system-call filter", ready["text"])
        else:
            self.assertEqual(("2", ""), (mode, ready["text"]))

    def test_hosts_file(self):
        """The system's resolver and hosts file serve a worker that opens nothing."""
        server = self.serve(answer("ok"))
        p = self.prober()
        p.target(1, "localhost", server.port, every=200, timeout=3000, recheck=100)
        p.say("go")
        p.wait("sample", 2, outcome="pass")
        p.wait("address", address="127.0.0.1")


if __name__ == "__main__":
    unittest.main()
