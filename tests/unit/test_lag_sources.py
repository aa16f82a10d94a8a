# SPDX-License-Identifier: Apache-2.0
"""What measures a loss, each against servers and programs that are right, wrong, slow and
hostile: through tool_lag, judged by botocore where AWS is asked."""
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
try:
    import aws_stand_in as aws
    import s3_stand_in as s3
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)

BUILD = os.environ["BUILD_DIR"]
TOOL = os.path.join(BUILD, "tests", "tool_lag")
RUNNER = os.path.join(BUILD, "pointsman")


def stamp(ago_s, zone="Z"):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - ago_s)) + zone


def manifest(ago_s=3600, took_s=600, **more):
    about = {"id": "b1", "started_at": stamp(ago_s), "completed_at": stamp(ago_s - took_s)}
    about.update(more)
    return json.dumps({k: v for k, v in about.items() if v is not None}).encode()


class Web:
    """Answers every GET with .status and .body, or hangs."""

    def __init__(self):
        self.status, self.body, self.hangs, self.seen = 200, b"", False, []
        self.release = threading.Event()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                web.seen.append((self.path, dict(self.headers)))
                if web.hangs:
                    web.release.wait(60)
                    return
                self.send_response(web.status)
                if web.status in (301, 302):
                    self.send_header("Location", "/other")
                self.send_header("Content-Length", str(len(web.body)))
                self.end_headers()
                try:
                    self.wfile.write(web.body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


class Source(unittest.TestCase):
    def sample(self, kind, *words, key=aws.KEY, secret=aws.SECRET, token=""):
        env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": key, "HOME": "/nonexistent",
               "AWS_SECRET_ACCESS_KEY": secret, "AWS_EC2_METADATA_DISABLED": "true",
               "AWS_SESSION_TOKEN": token}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        run = subprocess.run([TOOL, kind, *words], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, env=env, timeout=90)
        self.assertEqual(0, run.returncode, run.stdout)
        self.assertNotIn(aws.SECRET, run.stdout)
        return dict(line.partition(" ")[::2] for line in run.stdout.splitlines())

    def known(self, ms, *words, **more):
        got = self.sample(*words, **more)
        self.assertEqual(("1", str(ms), ""), (got["known"], got["lag_ms"], got["text"]), got)
        return got

    def unknown(self, text, *words, **more):
        got = self.sample(*words, **more)
        self.assertEqual("0", got["known"], got)
        self.assertIn(text, got["text"])
        return got


class Program(Source):
    def run_sh(self, script):
        return ("exec", f"runner={RUNNER}", "ms=2500", "--", "/bin/sh", "-c", script)

    def test_numbers(self):
        for text, ms in (("0", 0), ("0.0", 0), ("12", 12000), ("0.4321", 433),
                         ("  7.5\n\n", 7500), ("1e-05", 1)):
            with self.subTest(text=text):
                self.known(ms, *self.run_sh(f"echo noise >&2; printf '%b' '{text}\\n'"))

    def test_words(self):
        got = self.known(0, "exec", f"runner={RUNNER}", "--", "/bin/sh", "-c",
                         '[ "$*" = "fra iad iad www {fence}" ] && [ "$POINTSMAN_FROM" = fra ]'
                         ' && [ "$POINTSMAN_TO" = iad ] && [ "$POINTSMAN_CHECK" = lag ]'
                         ' && [ -z "$AWS_SECRET_ACCESS_KEY" ] && echo 0',
                         "sh", "{from}", "{to}", "{site}", "{service}", "{fence}")
        self.assertLess(int(got["ago_ms"]), 5000)

    def test_garbage_is_not_known(self):
        for script, text in (
                ("true", "it says nothing"), ("echo", "it says nothing"),
                ("echo NULL", "'NULL' is no number"), ("echo -1", "not negative"),
                ("echo 12s", "no number"), ("echo 1; echo 2", "'1?2' is no number"),
                ("echo nan", "no number"), ("echo 1e99", "ten years"),
                ("head -c 300 /dev/zero | tr '\\0' 1", "more than one number"),
                ("head -c 9 /dev/zero", "no number"),
                ("echo 5; exit 1", "exit status 1: 5"),
                ("echo no route >&2; exit 7", "exit status 7: no route"),
                ("echo 5; kill -9 $$", "signal 9"),
                ("echo 5; sleep 30", "did not end within 2500 ms")):
            with self.subTest(script=script):
                got = self.unknown(text, *self.run_sh(script))
                self.assertLess(int(got["took_ms"]), 15000)

    def test_who_watches_it_is_stopped(self):
        """Nobody tells of its end: the sample ends all the same."""
        got = self.unknown("no answer within 1000 ms", "exec", f"runner={RUNNER}", "ms=1000",
                           "--", "/bin/sh", "-c", "kill -STOP $PPID; sleep 60")
        self.assertLess(int(got["took_ms"]), 15000)

    def test_no_program(self):
        self.unknown("cannot be started: No such file", "exec", f"runner={RUNNER}", "--",
                     "/nonexistent/lag")

    def test_again_and_again(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            self.known(3000, "exec", f"runner={RUNNER}", "times=3", "--", "/bin/sh", "-c",
                       f"echo x >> {folder}/n; wc -l < {folder}/n")


class Field(Source):
    def setUp(self):
        self.web = Web()
        self.addCleanup(self.web.close)

    def words(self, *more, path="/lag?of={to}"):
        return ("http", f"url={self.web.url}{path}", "json=data.seconds", "ms=2000", *more)

    def test_it_is_read(self):
        for body, ms in ((b'{"data": {"seconds": 1.25}}', 1250),
                         (b'{"data": {"seconds": "0.5", "x": [1]}}', 500),
                         (b'{"data": {"seconds": 0}}', 0)):
            self.web.body = body
            self.known(ms, *self.words())
        self.known(0, *self.words("header=X-Token: a:b"))
        path, headers = self.web.seen[-1]
        self.assertEqual("/lag?of=iad", path)
        self.assertEqual("a:b", headers["X-Token"])

    def test_lies_and_silence(self):
        good = b'{"data": {"seconds": 1}}'
        for status, body, text in (
                (200, b"", "not JSON"), (200, b"1.5", "not JSON"),
                (200, b"<html>\x01", "not JSON"), (200, b"{}", "has no data.seconds"),
                (200, b'{"data": {"seconds": -1}}', "not negative"),
                (200, b'{"data": {"seconds": null}}', "is null"),
                (200, b'{"data": {"seconds": 1, "seconds": 2}}', "not JSON"),
                (200, b"[" * 50000, "nested"), (200, b'{"a": "' + b"x" * 100000 + b'"}', ""),
                (302, good, "status 302"), (403, good, "status 403"), (500, good, "status 500")):
            with self.subTest(status=status, body=body[:40]):
                self.web.status, self.web.body = status, body
                self.unknown(text, *self.words())
        self.web.hangs = True
        got = self.unknown("", *self.words("ms=400"))
        self.assertLess(int(got["took_ms"]), 10000)
        self.assertNotEqual("", got["text"])
        self.unknown("", "http", "url=http://127.0.0.1:1/x", "json=a")


class OneManifest(Source):
    def setUp(self):
        self.web = Web()
        self.addCleanup(self.web.close)

    def test_it_counts_from_its_beginning(self):
        self.web.body = manifest(7200, 3600, size=10, encrypted=True, restored_at=stamp(60))
        got = self.sample("backup", f"manifest={self.web.url}/latest.json")
        self.assertEqual(("1", "1", "b1"), (got["known"], got["backup"], got["id"]), got)
        self.assertLess(abs(int(got["lag_ms"]) - 7200000), 60000)
        self.assertRegex(got["started"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        # An hour east.
        self.web.body = manifest(7200, started_at=stamp(7200 - 3600, "+01:00"),
                                 completed_at=stamp(10 - 3600, "+01:00"))
        got = self.sample("backup", f"manifest={self.web.url}/latest.json")
        self.assertLess(abs(int(got["lag_ms"]) - 7200000), 60000)

    def test_what_cannot_be_true(self):
        for body, text in (
                (manifest(3600, -60), "completed before it was started"),
                (manifest(-3600), "started_at is in the future"),
                (manifest(3600, 7200), "completed_at is in the future"),
                (manifest(completed_at=None), "must name the newest complete backup"),
                (manifest(started_at=None), "no started_at"), (manifest(id=None), "no id"),
                (manifest(id="-rf /"), "its id is not"), (manifest(size=0), "size is 0"),
                (manifest(started_at="yesterday"), "RFC 3339"),
                (b"", "not JSON"), (b"[]", "no JSON object"), (b"\xff\xfe", "not JSON"),
                (b"{" + b" " * 80000 + b"}", "")):
            with self.subTest(body=body[:120]):
                self.web.body = body
                self.unknown(text, "backup", f"manifest={self.web.url}/latest.json")
        for status in (404, 403, 500, 301):
            self.web.status, self.web.body = status, manifest()
            self.unknown(f"status {status}", "backup", f"manifest={self.web.url}/latest.json")
        self.web.hangs = True
        self.unknown("", "backup", f"manifest={self.web.url}/latest.json", "ms=300")

    def test_a_clock_a_little_ahead(self):
        self.web.body = manifest(-20, 10)
        self.known(1, "backup", f"manifest={self.web.url}/latest.json")

    def test_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            path = os.path.join(folder, "latest {to}.json")
            words = ("backup", f"runner={RUNNER}", f"manifest={path}", "ms=2000")
            self.unknown("No such file", *words)
            with open(path.format(to="iad"), "wb") as f:
                f.write(manifest())
            os.chmod(f.name, 0o644)
            self.assertEqual("b1", self.sample(*words)["id"])
            with open(f.name, "wb") as f:
                f.write(b" " * 5000 + manifest())
            self.unknown("longer than 4096 bytes", *words)
            os.remove(f.name)
            os.mkfifo(f.name)       # a file system that hangs
            os.chmod(f.name, 0o644)
            got = self.unknown("did not end within", *words)
            self.assertLess(int(got["took_ms"]), 15000)


class Bucket(Source):
    def setUp(self):
        self.there = s3.StandIn()
        self.addCleanup(self.there.close)
        self.addCleanup(lambda: self.assertEqual([], self.there.mistakes))

    def words(self, *more):
        return ("backup", "bucket=backups", "prefix=shop/", f"endpoint={self.there.url}",
                "ms=10000", *more)

    def put(self, backup, ago_s, modified_ago_s=None, **more):
        self.there.put(f"shop/{backup}/data.tar", b"x", ago_s)
        self.there.put(f"shop/{backup}/manifest.json",
                       manifest(ago_s, **dict({"id": backup, "took_s": 60}, **more)),
                       ago_s - 60 if modified_ago_s is None else modified_ago_s)

    def gets(self):
        return [p for p in self.there.requests if "list-type" not in p]

    def newest(self, backup, ago_s, **more):
        self.there.requests.clear()
        got = self.sample(*self.words(), **more)
        self.assertEqual(("1", backup), (got["known"], got["id"]), got)
        self.assertLess(abs(int(got["lag_ms"]) - ago_s * 1000), 60000)
        return got

    def test_the_newest_complete_one(self):
        self.unknown("there is no backup: bucket backups has no key shop/<id>/manifest.json",
                     *self.words())
        for day in range(1, 6):
            self.put(f"day-{day}", 86400 * (6 - day))
        self.there.put("shop/day-9/data.tar", b"being written", 10)
        self.there.put("other/day-9/manifest.json", manifest(5), 5)
        self.newest("day-5", 86400)
        self.assertEqual(1, len(self.gets()), self.there.requests)
        # Begun and not complete: the one before it counts.
        self.put("day-6", 600, completed_at=None)
        self.newest("day-5", 86400)
        self.put("day-6", 600)
        self.newest("day-6", 600)
        # A test restore rewrites an old manifest, which does not make it new.
        self.put("day-2", 86400 * 4, modified_ago_s=1, restored_at=stamp(5))
        self.newest("day-6", 600)
        self.assertEqual(2, len(self.gets()))
        self.newest("day-6", 600, token="a/token+=")

    def test_odd_keys(self):
        self.put("2026-11-24T10:00:00+01:00=a@b", 700, id=None)
        self.there.put("shop/a b+c%20\xe9\x01<&>/manifest.json", manifest(1), 1)
        self.there.put("shop/x/y/manifest.json", manifest(1), 1)
        self.newest("2026-11-24T10:00:00+01:00=a@b", 700)

    def test_many_pages(self):
        self.there.page = 7
        for i in range(60):
            self.put(f"b{i:02}", 100000 - i * 1000)
        self.newest("b59", 41000)
        self.there.page = 2
        self.unknown("keep the manifests under a prefix of their own", *self.words())
        self.assertLess(len(self.there.requests), 50)

    def test_lies_are_passed_over(self):
        self.put("good", 7200)
        self.put("lie", 600, id="other")
        got = self.newest("good", 7200)
        self.assertIn("backup lie is passed over: it says that it is 'other'", got["note"])
        self.there.put("shop/lie/manifest.json", b"not json", 540)
        self.assertIn("lie is passed over: not JSON", self.newest("good", 7200)["note"])
        self.put("lie", 600, size=0)
        self.assertIn("size is 0", self.newest("good", 7200)["note"])
        del self.there.objects["shop/good/manifest.json"]
        self.unknown("no backup is complete: backup lie is passed over", *self.words())

        def archived(bucket, key, query, handler):
            return s3.error("InvalidObjectState") if "lie" in key else NotImplemented
        self.there.say = archived
        self.put("good", 7200)
        self.assertIn("InvalidObjectState", self.newest("good", 7200)["note"])

        def gone(bucket, key, query, handler):      # deleted since it was listed
            return s3.error("NoSuchKey", 404) if "lie" in key else NotImplemented
        self.there.say = gone
        self.assertEqual("", self.newest("good", 7200)["note"])

    def test_what_cannot_be_read_is_not_known(self):
        self.put("good", 7200)
        self.put("newer", 600)

        def forbidden(bucket, key, query, handler):
            return s3.error("AccessDenied") if "newer" in key else NotImplemented
        self.there.say = forbidden
        self.unknown("allow s3:GetObject there in the IAM policy", *self.words())
        for say, text in (
                (lambda *_: s3.error("AccessDenied"), "allow s3:ListBucket there"),
                (lambda *_: s3.error("SlowDown", 503), "SlowDown"),
                (lambda *_: (500, b""), "HTTP status 500"),
                (lambda *_: (200, b"<html>"), "XML"), (lambda *_: (200, b""), "XML"),
                (lambda *_: (200, b"<ListBucketResult/>"), "no listing of a bucket"),
                (lambda *_: (200, b"<a>" * 1000), "deep")):
            with self.subTest(text=text):
                self.there.say = say
                self.unknown(text, *self.words())
        self.there.say = self.there.hang
        got = self.unknown("", *self.words("ms=400"))
        self.assertLess(int(got["took_ms"]), 10000)

        def slow(bucket, key, query, handler):      # the listing comes, the manifest not
            return self.there.hang(bucket, key, query, handler) if key else NotImplemented
        self.there.say = slow
        got = self.unknown("", *self.words("ms=700"))
        self.assertLess(int(got["took_ms"]), 10000)
        self.there.say = None
        self.unknown("no bucket", *self.words("bucket=others"))
        self.unknown("correct region", *self.words("region=us-east-1"))
        self.unknown("InvalidAccessKeyId", *self.words(), key="AKIDOTHER")
        self.unknown("SignatureDoesNotMatch", *self.words(), secret="other")
        self.unknown("", *self.words(), key="")
        self.assertIn("is no name of a bucket", self.sample(*self.words("bucket=a/b"))["err"])

    def test_clock(self):
        self.put("b", 600)
        self.there.skew = 4000
        self.newest("b", 600)
        self.assertEqual(1, sum("list-type" in p for p in self.there.requests[1:]))


class Metric(Source):
    def setUp(self):
        self.there = aws.StandIn()
        self.addCleanup(self.there.close)
        self.addCleanup(lambda: self.assertEqual([], self.there.mistakes))
        self.points = []
        self.there.say = self.say

    def say(self, form, handler):
        times = "".join(f"<member>{stamp(ago)}</member>" for ago, _ in self.points)
        values = "".join(f"<member>{value}</member>" for _, value in self.points)
        return aws.good("monitoring", "GetMetricData", (
            f"<MetricDataResults><member><Id>lag</Id><Label>ReplicaLag</Label><Timestamps>"
            f"{times}</Timestamps><Values>{values}</Values><StatusCode>Complete</StatusCode>"
            "</member></MetricDataResults>"))

    def words(self, *more):
        return ("cloudwatch", f"endpoint={self.there.url}", "namespace=AWS/RDS",
                "metric=ReplicaLag", "DBInstanceIdentifier=shop-{to}", *more)

    def test_the_newest_datapoint(self):
        self.points = [(180, "9.0"), (120, "2.5"), (240, "7.0")]
        got = self.known(2500, *self.words())
        # The sample began where the datapoint did: it says nothing of the time since.
        self.assertLess(abs(int(got["ago_ms"]) - 120000), 30000)
        form = self.there.requests[-1]
        self.assertEqual("shop-iad",
                         form["MetricDataQueries.member.1.MetricStat.Metric.Dimensions."
                              "member.1.Value"])
        self.assertEqual("Maximum", form["MetricDataQueries.member.1.MetricStat.Stat"])
        self.points = [(60, "1500.0")]
        self.known(1500, *self.words("unit=0.001", "statistic=Average"))
        self.points = [(60, "0.0")]
        self.known(0, *self.words())
        self.points = [(60, "1.0E-4")]
        self.known(1, *self.words())

    def test_old_and_odd_datapoints(self):
        for points, text in (
                ([], "no datapoint of the last minutes"), ([(420, "1.0")], "s old"),
                ([(-600, "1.0")], "in the future"), ([(60, "-1.0")], "not negative"),
                ([(60, "NaN")], "no number"), ([(60, "1.0E30")], "ten years")):
            with self.subTest(points=points):
                self.points = points
                self.unknown(text, *self.words())
        self.points = [(280, "1.0")]
        self.known(1000, *self.words())

    def test_no_answer(self):
        for say, text in ((aws.throttled, "busy"), (aws.garbage, "no answer to it"),
                          (lambda f, h: aws.error("AccessDenied", "no", 403),
                           "allow cloudwatch:GetMetricData"),
                          (lambda f, h: (200, "<GetMetricDataResponse/>"), "nothing about"),
                          (lambda f, h: (500, ""), "500")):
            with self.subTest(text=text):
                self.there.say = say
                self.unknown(text, *self.words())
        self.there.say = self.there.hang
        got = self.unknown("", *self.words("ms=400"))
        self.assertLess(int(got["took_ms"]), 10000)


if __name__ == "__main__":
    unittest.main()
