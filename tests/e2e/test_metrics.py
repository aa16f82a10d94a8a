#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The page: Prometheus's text format taken apart by its own rules, numbers held against
the zone, and visitors who behave badly."""
import os
import re
import signal
import socket
import time
import unittest

from world import World, main, parallel, wait_for

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
SUFFIX = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count", ""),
          "counter": ("",), "gauge": ("",)}


class Metrics:
    """Parses strictly; families in one piece, HELP and TYPE first, no sample twice."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.type, self.samples, helped, family = {}, {}, set(), None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family, words = line[7:].split(" ", 1)
                assert NAME.fullmatch(family) and words and family not in helped, line
                helped.add(family)
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == family and kind in SUFFIX and name not in self.type, line
                assert (kind == "counter") == name.endswith("_total"), line
                self.type[name] = kind
            else:
                self.sample(line, family)
        for name, kind in self.type.items():
            if kind == "histogram":
                self.check_histogram(name)

    def sample(self, line, family):
        name = NAME.match(line)[0]
        rest, labels = line[len(name):], {}
        if rest.startswith("{"):
            at = 1
            while rest[at] != "}":
                found = LABEL.match(rest, at)
                assert found and found[1] not in labels, line
                labels[found[1]] = found[2]
                at = found.end() + (rest[found.end()] == ",")
            rest = rest[at + 1:]
        assert re.fullmatch(r" -?\d+(\.\d+)?(e[+-]\d+)?", rest), line
        assert name in [family + s for s in SUFFIX[self.type[family]]], (line, family)
        key = (name, tuple(sorted(labels.items())))
        assert key not in self.samples, line
        self.samples[key] = float(rest)

    def check_histogram(self, name):
        series = {}
        for (sample, labels), value in self.samples.items():
            if sample == name + "_bucket":
                le = dict(labels)["le"]
                rest = tuple(l for l in labels if l[0] != "le")
                series.setdefault(rest, []).append((float(le), value))
        for labels, buckets in series.items():
            assert [b for b, _ in buckets] == sorted(b for b, _ in buckets), buckets
            counts = [n for _, n in buckets]
            assert counts == sorted(counts) and buckets[-1][0] == float("inf"), buckets
            assert counts[-1] == self.samples[(name + "_count", labels)], labels
            assert (name + "_sum", labels) in self.samples

    def get(self, name, **labels):
        return self.samples[("pointsman_" + name, tuple(sorted(labels.items())))]

    def sum(self, name, **labels):
        return sum(v for (n, has), v in self.samples.items()
                   if n == "pointsman_" + name and set(labels.items()) <= set(has))


def ask(w, request, wait=20):
    """(status, headers, body) of one raw request; None when nothing came."""
    host, port = w.page.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=wait) as s:
        s.sendall(request)
        got = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            got += more
    if not got:
        return None
    head, body = got.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split(" ")[1]), headers, body.decode()


def get(w, path, method="GET"):
    return ask(w, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def metrics(w):
    status, headers, body = get(w, "/metrics")
    assert status == 200 and "version=0.0.4" in headers["Content-Type"], headers
    assert int(headers["Content-Length"]) == len(body.encode())
    return Metrics(body)


def numbers_agree_with_the_zone():
    with World() as w:
        w.begin()
        m = metrics(w)
        assert m.get("build_info", version=dict(
            next(k for k in m.samples if k[0] == "pointsman_build_info")[1])["version"],
            agent="one", cluster="test") == 1
        w.web["b"].do("503")
        w.wait_weights(a=100, b=0)
        wait_for(lambda: metrics(w).get("ledger_epoch", service="www") == 2)
        m = metrics(w)
        assert m.get("member_weight", service="www", member="a") == 100
        assert m.get("member_weight", service="www", member="b") == 0
        assert m.get("member_out", service="www", member="b") == 1
        assert m.get("member_verdict", service="www", member="b", verdict="DOWN") == 1
        assert m.sum("member_verdict", service="www", member="b") == 1
        assert m.get("member_addresses", service="www", member="b", state="down") == 1
        assert m.get("changes_total", service="www", result="committed") == \
            len(w.changes()) == 2
        assert m.get("probe_results_total", service="www", member="b", outcome="fail",
                     reason="http-status") >= 3
        probes = m.sum("probe_results_total", service="www", member="a")
        assert probes == m.get("probe_duration_seconds_count", service="www", member="a") > 5
        assert m.sum("api_requests_total", call="change", result="ok") == 2
        assert m.get("service_can_write", service="www") == 1
        assert m.get("facts_total", service="www", fact="committed") == 2
        assert m.sum("facts_dropped_total") == 0 and m.get("workers_alive") == 1
        assert 0 <= m.get("loop_lateness_seconds") < 60
        later = metrics(w)
        for key, value in m.samples.items():
            if key[0].endswith(("_total", "_count", "_bucket")):
                assert later.samples[key] >= value, key


def trouble_shows():
    with World() as w:
        w.begin()
        w.lab.fault("outage=on")
        w.web["b"].do("refuse")
        wait_for(lambda: metrics(w).get("service_can_write", service="www") == 0)
        assert get(w, "/healthz")[0] == 200 and "www: cannot write" in get(w, "/healthz")[2]
        w.lab.clear()
        for pid in w.agent.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: metrics(w).get("worker_restarts_total") == 1)
        wait_for(lambda: metrics(w).get("workers_alive") == 1)
        assert get(w, "/healthz")[2].startswith("ok")


def a_reload_keeps_the_counts():
    with World() as w:
        w.begin()
        before = metrics(w)
        w.weight = {"b": 50}
        w.write_config()
        w.agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: metrics(w).get("reloads_total", result="good") == 1)
        w.wait_weights(a=100, b=50)
        after = metrics(w)
        for key, value in before.samples.items():
            if key[0] in ("pointsman_probe_results_total", "pointsman_changes_total"):
                assert after.samples[key] >= value, key
        w.write_config("cluster: [")
        w.agent.process.send_signal(signal.SIGHUP)
        wait_for(lambda: metrics(w).get("reloads_total", result="failed") == 1)


def visitors_who_behave_badly():
    with World() as w:
        w.begin()
        assert get(w, "/metrics", "HEAD")[2] == ""
        assert get(w, "/metrics?x=1")[0] == 200
        assert get(w, "/")[0] == 404
        status, headers, _ = get(w, "/metrics", "POST")
        assert status == 405 and headers["Allow"] == "GET, HEAD"
        assert get(w, "/healthz", "DELETE")[0] == 405
        assert ask(w, b"nonsense\r\n\r\n")[0] == 400
        assert ask(w, b"GET /metrics FTP/1.1\r\n\r\n")[0] == 400
        assert ask(w, b"GET /healthz HTTP/1.0\n\n")[0] == 200
        assert ask(w, b"\r\n\r\n")[0] == 400
        assert ask(w, b"GET /" + b"a" * 300 + b" HTTP/1.1\r\n\r\n")[0] == 400
        big = ask(w, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 3000)
        assert big is None or big[0] == 431, big
        host, port = w.page.rsplit(":", 1)
        # Too many, all silent: those beyond the bound are cut off at once, the rest
        # when their time is over; then the page answers again.
        crowd = []
        began = time.monotonic()
        for _ in range(80):
            s = socket.create_connection((host, int(port)), timeout=20)
            s.sendall(b"GET /metrics HTTP/1.1\r\n")
            crowd.append(s)
        for s in crowd:
            try:
                while s.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            s.close()
        assert time.monotonic() - began < 20
        assert get(w, "/healthz")[0] == 200
        # Who asks and never reads.
        deaf = []
        for _ in range(20):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            s.connect((host, int(port)))
            s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            deaf.append(s)
        assert metrics(w).get("workers_alive") == 1
        for s in deaf:
            s.close()


class Page(unittest.TestCase):
    def test_side_by_side(self):
        parallel(numbers_agree_with_the_zone, trouble_shows, a_reload_keeps_the_counts,
                 visitors_who_behave_badly)

    def test_the_parser_can_fail(self):
        good = ("# HELP pointsman_x y\n# TYPE pointsman_x gauge\n"
                'pointsman_x{a="b\\"c"} 1\n')
        self.assertEqual(1, Metrics(good).get("x", a='b\\"c'))
        for bad in (good.replace("gauge", "counter"), good + good, good.replace(" 1\n", "\n"),
                    good.replace("pointsman_x{", "pointsman_y{"), good.replace("\\", ""),
                    good + 'pointsman_x{a="b\\"c"} 2\n', good.rstrip("\n")):
            with self.assertRaises((AssertionError, TypeError, KeyError)):
                Metrics(bad)


if __name__ == "__main__":
    main()
