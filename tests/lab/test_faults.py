# SPDX-License-Identifier: Apache-2.0
"""Each fault does what faults.h says, and clear ends it; the rest of the control path."""

import email.utils
import http.client
import os
import signal
import subprocess
import tempfile
import time
import unittest

import botocore.exceptions
from botocore.exceptions import ClientError

from lab import Lab, main, rrset, wait_for

C, D = "CREATE", "DELETE"
CLOSED = (botocore.exceptions.ConnectionClosedError, botocore.exceptions.HTTPClientError,
          botocore.exceptions.EndpointConnectionError,
          botocore.exceptions.ReadTimeoutError)


def host(n):
    return rrset(f"h{n}.example.test", "A", "192.0.2.1")


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0", servers=2).start()
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.snapshot("empty")

    def setUp(self):
        self.lab.clear()
        self.lab.restore("empty")
        self.log_start = len(self.lab.requests())

    def there(self, n):
        return self.lab.state().find(f"h{n}.example.test.", "A") is not None

    def code(self, call, *args, **more):
        with self.assertRaises(ClientError) as caught:
            call(*args, **more)
        answer = caught.exception.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]

    def logged(self):
        return [(r["fault"], r["status"]) for r in self.lab.requests()[self.log_start:]]

    def test_lose_answer(self):
        self.lab.fault("lose-answer=2")
        for n in (1, 2):
            with self.assertRaises(CLOSED):
                self.lab.change((C, host(n)))
            self.assertTrue(self.there(n))
        self.lab.change((C, host(3)))
        self.assertEqual(self.logged(), [("lose-answer", 0)] * 2 + [("", 200)])

    def test_lose_answer_leaves_reads_alone(self):
        self.lab.fault("lose-answer=1")
        self.lab.list()
        with self.assertRaises(CLOSED):
            self.lab.change((C, host(1)))

    def test_late(self):
        self.lab.fault("late=600&close=1")
        begin = time.monotonic()
        with self.assertRaises(CLOSED):
            self.lab.change((C, host(1)))
        closed = time.monotonic()
        there = self.there(1)
        if closed - begin < 0.5:  # unless this machine was asleep meanwhile
            self.assertFalse(there)
        self.lab.change((C, host(2)))  # only one was to be late
        wait_for(lambda: self.there(1))
        self.assertGreaterEqual(time.monotonic() - begin, 0.59)
        self.assertEqual(self.logged(),
                         [("late", 0), ("", 200), ("late-applied", 200)])

    def test_late_holds_the_connection_and_never_answers(self):
        self.lab.fault("late=300&count=2")
        for n in (1, 2):
            begin = time.monotonic()
            with self.assertRaises(CLOSED):
                self.lab.change((C, host(n)))
            self.assertGreaterEqual(time.monotonic() - begin, 0.29)
            self.assertTrue(self.there(n))

    def test_late_with_an_answer(self):
        self.lab.fault("late=300&answer=1&count=2")
        begin = time.monotonic()
        self.lab.change((C, host(1)))
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)
        self.assertEqual(self.code(self.lab.change, (C, host(1))),
                         ("InvalidChangeBatch", 400))
        self.assertTrue(self.there(1))

    def test_late_is_judged_when_it_is_applied(self):
        """A stale writer's change comes after the zone has moved: it is refused then."""
        self.lab.change((C, host(1)))
        self.lab.fault("late=1500&close=1")
        with self.assertRaises(CLOSED):
            self.lab.change((D, host(1)), (C, host(2)))
        self.lab.change((D, host(1)), (C, host(3)))
        wait_for(lambda: ("late-applied", 400) in self.logged())
        self.assertFalse(self.there(2))
        self.assertTrue(self.there(3))

    def test_late_after_the_client_has_gone(self):
        client = self.lab.client(timeout=0.1)
        self.lab.fault("late=400")
        with self.assertRaises(CLOSED):
            self.lab.change((C, host(1)), client=client)
        wait_for(lambda: self.there(1))

    def test_throttle(self):
        self.lab.fault("throttle=2")
        self.assertEqual(self.code(self.lab.list), ("Throttling", 400))
        self.assertEqual(self.code(self.lab.change, (C, host(1))), ("Throttling", 400))
        self.assertFalse(self.there(1))
        self.lab.change((C, host(1)))

    def test_prior(self):
        self.lab.fault("prior=1")
        self.lab.list()
        self.assertEqual(self.code(self.lab.change, (C, host(1))),
                         ("PriorRequestNotComplete", 400))
        self.lab.change((C, host(1)))

    def test_error(self):
        self.lab.fault("error=500&count=2")
        self.assertEqual(self.code(self.lab.list), ("InternalFailure", 500))
        self.assertEqual(self.code(self.lab.change, (C, host(1))), ("InternalFailure", 500))
        self.assertFalse(self.there(1))
        self.lab.fault("error=503&on=change")
        self.lab.list()
        self.assertEqual(self.code(self.lab.change, (C, host(1))),
                         ("ServiceUnavailable", 503))
        self.lab.fault("error=500&on=read")
        self.lab.change((C, host(1)))
        self.assertEqual(self.code(self.lab.list), ("InternalFailure", 500))

    def test_error_that_applied(self):
        self.lab.fault("error=500&on=change&applied=1")
        self.assertEqual(self.code(self.lab.change, (C, host(1))), ("InternalFailure", 500))
        self.assertTrue(self.there(1))

    def test_outage(self):
        self.lab.list()
        self.lab.fault("outage=on")
        for _ in range(2):
            with self.assertRaises(CLOSED):
                self.lab.list()
        with self.assertRaises(CLOSED):
            self.lab.change((C, host(1)))
        self.assertFalse(self.there(1))  # the control path still answers
        self.assertIsNotNone(self.lab.dns("example.test", "NS"))  # and so does DNS
        self.lab.fault("outage=off")
        self.lab.list()
        self.lab.fault("outage=1000")
        with self.assertRaises(CLOSED):
            self.lab.list()
        wait_for(self.can_list)

    def test_outage_is_a_reset_and_a_lost_answer_is_not(self):
        def end_of(method):
            connection = http.client.HTTPConnection(self.lab.http, timeout=5)
            try:
                connection.request(method, "/2013-04-01/hostedzone/ZLAB/rrset", b"x")
                connection.getresponse()
                return "answered"
            except OSError as e:
                return type(e).__name__
            finally:
                connection.close()
        self.lab.fault("outage=on")
        self.assertEqual(end_of("POST"), "ConnectionResetError")
        self.lab.clear()
        with Lab("--no-auth") as open_lab:
            open_lab.fault("lose-answer=1")
            with self.assertRaises(http.client.RemoteDisconnected):
                connection = http.client.HTTPConnection(open_lab.http, timeout=5)
                connection.request("POST", "/2013-04-01/hostedzone/ZLAB/rrset", b"x")
                try:
                    connection.getresponse()
                finally:
                    connection.close()

    def can_list(self):
        try:
            return self.lab.list()
        except CLOSED:
            return None

    def test_refuse(self):
        url, client = self.lab.url, self.lab.client()
        self.lab.fault("refuse=1000")
        with self.assertRaises(botocore.exceptions.EndpointConnectionError):
            client.list_hosted_zones()
        wait_for(self.can_list)
        self.assertEqual(self.lab.url, url)
        self.lab.state()

    def test_slow(self):
        self.lab.fault("slow=300")
        begin = time.monotonic()
        self.lab.change((C, host(1)))
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)
        self.lab.fault("slow=0")
        self.lab.list()

    def test_insync_ms(self):
        client = self.lab.client()
        self.lab.fault("insync-ms=3600000")
        change = self.lab.change((C, host(1)))
        self.assertEqual(client.get_change(Id=change)["ChangeInfo"]["Status"], "PENDING")
        self.lab.clear()
        later = self.lab.change((C, host(2)))
        self.assertEqual(client.get_change(Id=later)["ChangeInfo"]["Status"], "INSYNC")
        self.assertEqual(client.get_change(Id=change)["ChangeInfo"]["Status"], "PENDING")

    def test_clock(self):
        def date():
            answer = self.lab.client().list_hosted_zones()
            text = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
            return email.utils.parsedate_to_datetime(text).timestamp() - time.time()
        self.assertLess(abs(date()), 10)
        self.lab.fault("clock=-200")
        self.assertLess(abs(date() + 200), 10)
        self.lab.fault("clock=%2B200")
        self.assertLess(abs(date() - 200), 10)

    def test_stale_list(self):
        def names():
            return [r["Name"] for r in self.lab.list()["ResourceRecordSets"][2:]]
        self.lab.change((C, host(1)))
        self.lab.change((C, host(2)))
        self.lab.fault("stale-list=2")
        self.assertEqual(names(), ["h1.example.test."])
        self.assertEqual(names(), ["h1.example.test."])
        self.assertEqual(names(), ["h1.example.test.", "h2.example.test."])

    def test_clear(self):
        self.lab.fault("throttle=9&prior=9&lose-answer=9&late=9999&error=500&outage=on"
                       "&slow=9999&clock=999&stale-list=9&old-errors=on&dns=off")
        self.lab.clear()
        self.lab.change((C, host(1)))
        self.lab.list()
        self.assertIsNotNone(self.lab.dns("example.test", "NS", server=1))

    def test_mistakes_change_nothing(self):
        for text in ("nonsense=1", "throttle=x", "throttle=2&nonsense=1", "error=404",
                     "dns=off&server=2", "clock=soon", "outage=maybe", "throttle=-1"):
            with self.assertRaises(AssertionError, msg=text):
                self.lab.fault(text)
        self.lab.list()

    def test_form_body(self):
        connection = http.client.HTTPConnection(self.lab.http, timeout=5)
        connection.request("POST", "/lab/fault", b"throttle=1")
        self.assertEqual(connection.getresponse().read(), b"ok\n")
        connection.close()
        self.assertEqual(self.code(self.lab.list), ("Throttling", 400))


class Control(unittest.TestCase):
    def test_snapshot_edit_bulk_and_log(self):
        with Lab("--insync-ms", "0") as lab:
            lab.change((C, host(1)))
            lab.snapshot("one")
            lab.edit((D, host(1)), (C, host(2)))
            state = lab.state()
            self.assertIsNone(state.find("h1.example.test.", "A"))
            self.assertIsNotNone(state.find("h2.example.test.", "A"))
            self.assertEqual((state.counters["changes"], state.counters["applied"],
                              state.counters["edits"]), (1, 1, 1))
            with self.assertRaises(AssertionError):
                lab.edit((C, host(2)))
            lab.restore("one")
            self.assertIsNotNone(lab.state().find("h1.example.test.", "A"))
            self.assertIsNotNone(lab.dns("h1.example.test", "A").texts)
            with self.assertRaises(AssertionError):
                lab.restore("two")
            lab.bulk(500)
            lab.bulk(500)
            self.assertEqual(len(lab.state().sets), 1003)
            with self.assertRaises(AssertionError):
                lab.bulk(50000)
            requests = lab.requests()
            self.assertEqual(len(requests), 1)
            self.assertEqual(requests[0]["actions"], ["CREATE h1.example.test. A"])
            self.assertEqual(requests[0]["status"], 200)
            self.assertRegex(requests[0]["request_id"], "^[0-9a-f-]{36}$")

    def test_bucket(self):
        with Lab("--rate", "1", "--burst", "10") as lab:
            client = lab.client()
            codes = []
            for _ in range(20):
                try:
                    client.list_hosted_zones()
                    codes.append("")
                except ClientError as e:
                    codes.append(e.response["Error"]["Code"])
            self.assertEqual(codes[:10], [""] * 10)
            self.assertIn("Throttling", codes)

            def refilled():
                try:
                    return client.list_hosted_zones()
                except ClientError:
                    return None
            wait_for(refilled)

    def test_load(self):
        good = ("# a zone\n\nwww.example.test.  A  30  192.0.2.1 | 192.0.2.2\n"
                "w.example.test A 30 set=fra weight=100 198.51.100.1\n"
                "t.example.test TXT 60 \"a | b\" \"c\"\n"
                "f.example.test A 30 set=p failover=PRIMARY health=hc 192.0.2.9\n")
        with tempfile.NamedTemporaryFile("w") as f:
            f.write(good.replace("a | b", "a b"))
            f.flush()
            with Lab("--load", f.name) as lab:
                state = lab.state()
                self.assertEqual(state.find("www.example.test.", "A")["values"],
                                 ["192.0.2.1", "192.0.2.2"])
                self.assertEqual(state.find("w.example.test.", "A", "fra")["policy"],
                                 "weighted=100")
                self.assertEqual(state.find("f.example.test.", "A", "p")["policy"],
                                 "failover=PRIMARY")
                self.assertEqual(lab.dns("t.example.test", "TXT").texts, ['"a b" "c"'])
            for bad in ("www.example.test A x 192.0.2.1", "www.example.test A 30",
                        "www.example.com A 30 192.0.2.1", "www.example.test A 30 192.0.2",
                        "www.example.test Q 30 x", "w.example.test A 30 set=a 192.0.2.1"):
                f.truncate(0)
                f.seek(0)
                f.write("# first\n" + bad + "\n")
                f.flush()
                done = subprocess.run(
                    [Lab().binary, "--zone", "example.test", "--http", "127.0.0.1:0",
                     "--dns", "127.0.0.1:0", "--load", f.name], capture_output=True,
                    text=True, timeout=10, check=False)
                self.assertEqual(done.returncode, 1, bad)
                self.assertIn(f"{f.name}:2: ", done.stderr)

    def test_options(self):
        def run(*words):
            return subprocess.run([Lab().binary, *words], capture_output=True, text=True,
                                  timeout=10, check=False)
        self.assertEqual(run("--help").returncode, 0)
        self.assertIn("--zone NAME[=ID]", run("--help").stdout)
        for words in ([], ["--zone"], ["--nonsense"], ["--zone", "a.test", "extra"],
                      ["--zone", "a.test", "--key", "nocolon"],
                      ["--zone", "a.test", "--insync-ms", "soon"]):
            done = run(*words)
            self.assertEqual(done.returncode, 2, words)
            self.assertTrue(done.stderr)
        for words in (["--zone", "a..test"], ["--zone", "a.test=Z_1"],
                      ["--zone", "a.test", "--http", "localhost:1"],
                      ["--zone", "a.test=Z", "--zone", "b.test=Z"]):
            self.assertEqual(run("--dns", "127.0.0.1:0", *words).returncode, 1, words)

    def test_signals_end_it_cleanly(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            lab = Lab().start()
            lab.fault("late=60000&close=1")  # something is held when the end comes
            try:
                lab.change((C, host(1)))
            except CLOSED:
                pass
            lab.process.send_signal(number)
            self.assertEqual(lab.process.wait(10), 0)
            lab.process.stdout.close()
            lab.process = None
            lab.folder.cleanup()

    def test_memory_is_bounded(self):
        """Idle and half-sent connections: refused beyond a number, none of them kept."""
        import socket
        with Lab() as lab:
            host_name, port = lab.http.split(":")
            held = []
            for _ in range(600):  # what the listener's queue refuses is not waited for
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex((host_name, int(port)))
                held.append(s)
            for s in held:
                try:
                    s.send(b"POST /2013-04-01/hostedzone HTTP/1.1\r\nX: " + b"a" * 9000)
                except OSError:
                    pass

            def files():
                return len(os.listdir(f"/proc/{lab.process.pid}/fd"))
            wait_for(lambda: files() > 250)
            with open(f"/proc/{lab.process.pid}/status", encoding="ascii") as f:
                size_kb = int([line for line in f if line.startswith("VmRSS")][0].split()[1])
            print(f"600 half-sent requests: {files()} files, {size_kb} kB")
            self.assertLessEqual(files(), 310)
            if "POINTSMAN_SANITIZE" not in os.environ:
                self.assertLess(size_kb, 100 * 1024)
            for s in held:
                s.close()
            wait_for(lambda: lab.client().list_hosted_zones(), 10)


if __name__ == "__main__":
    main()
