#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""Certificates and keys that checks name are renewed under the same names: a running
agent takes them up on SIGHUP, keeps what it knows, and blames nobody for a bad file."""
import os
import shutil
import signal
import unittest

from authority import Authority
from prober import Server, answer
from test_metrics import metrics
from world import FAST_CHECK, World, main, parallel, wait_for


def put(source, to, mode=0o644):
    """As whoever renews does it: beside, then over."""
    beside = f"{to}.new"
    shutil.copy(source, beside)
    os.chmod(beside, mode)
    os.rename(beside, to)


def pong(connection, server):
    if connection.recv(100) == b"PING\r\n":
        connection.sendall(b"+PONG\r\n")


class Tls(World):
    """Two members behind TLS, whose files are in w.folder: ca.pem, probe.pem/key."""

    def __init__(self, authority, check, behave, **context):
        super().__init__()
        self.authority, self.check, self.behave = authority, check, behave
        self.context = context

    def __enter__(self):
        super().__enter__()
        port = 0
        self.servers = []
        for m in self.members:
            self.servers.append(Server(self.behave, address=self.web[m].host, port=port,
                                       tls=self.authority.context(**self.context)))
            port = self.servers[-1].port
        check = self.check % port
        self.write_config(self.text().replace(
            f"http: {{path: /, port: {self.port}}}", check).replace(
            FAST_CHECK, "every: 1s\n    timeout: 1s\n    recheck: 100ms\n    rise: 2\n"
            "    fall: 6"))         # a busy machine's time-outs are none of this test's
        return self

    def __exit__(self, *why):
        super().__exit__(*why)
        for server in self.servers:
            server.close()

    def seen(self, **labels):
        """Samples so far of such a kind."""
        return metrics(self).sum("probe_results_total", **labels)

    def wait_seen(self, **labels):
        """A few more of them, of each member."""
        for m in self.members:
            before = self.seen(member=m, **labels)
            wait_for(lambda: self.seen(member=m, **labels) > before + 1, 30,
                     f"{m}: {labels}\n{self.agent.log()[-3000:]}")

    def reload(self):
        good = metrics(self).get("reloads_total", result="good")
        self.agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: metrics(self).get("reloads_total", result="good") > good)


def who_may_have_signed():
    own, stranger = Authority(), Authority("Nobody Knows")
    with Tls(own, "http: {scheme: https, port: %d, path: /, ca: ca.pem}",
             answer("ok")) as w:
        ca = w.folder / "ca.pem"
        put(stranger.pem, ca)
        w.agent.start().wait("started")
        w.wait_seen(outcome="fail", reason="tls-issuer")
        put(own.pem, ca)
        w.reload()
        w.wait_weights(a=100, b=100)
        since = w.agent.mark()
        # The same again is no news: nothing is begun anew.
        w.reload()
        w.wait_seen(outcome="pass")
        # A file that is none is our own trouble: UNKNOWN, and nobody is drained.
        ca.write_text("not yet\n")
        w.reload()
        w.wait_seen(outcome="unknown", reason="local")
        put(own.pem, ca)
        w.reload()
        w.wait_seen(outcome="pass")
        assert w.sets() == {"a": 100, "b": 100}, w.sets()
        assert not w.agent.find("verdict", since, value="DOWN"), w.agent.log()
        # And in the other direction: trust that was taken away is gone.
        put(stranger.pem, ca)
        w.reload()
        w.wait_seen(outcome="fail", reason="tls-issuer")
    own.close()
    stranger.close()


def who_we_are():
    own, stranger = Authority(), Authority("Nobody Knows")
    good, other = own.issue(name="probe"), stranger.issue(name="probe")
    with Tls(own, "http: {scheme: https, port: %d, path: /, ca: ca.pem, "
             "cert: probe.pem, key: probe.key}", answer("ok"), client=own.pem) as w:
        put(own.pem, w.folder / "ca.pem")

        def be(pair):
            put(pair[0], w.folder / "probe.pem")
            put(pair[1], w.folder / "probe.key", 0o600)
        be(other)
        w.agent.start().wait("started")
        w.wait_seen(outcome="fail")
        be(good)
        w.reload()
        w.wait_weights(a=100, b=100)
    own.close()
    stranger.close()


def tcp_too():
    own, stranger = Authority(), Authority("Nobody Knows")
    with Tls(own, 'tcp: {port: %d, send: "PING\\r\\n", expect: PONG, tls: {ca: ca.pem}}',
             pong) as w:
        put(stranger.pem, w.folder / "ca.pem")
        w.agent.start().wait("started")
        w.wait_seen(outcome="fail", reason="tls-issuer")
        put(own.pem, w.folder / "ca.pem")
        w.reload()
        w.wait_weights(a=100, b=100)
    own.close()
    stranger.close()


class Renewal(unittest.TestCase):
    def test_side_by_side(self):
        parallel(who_may_have_signed, who_we_are, tcp_too)


if __name__ == "__main__":
    main()
