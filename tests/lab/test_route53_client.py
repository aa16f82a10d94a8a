# SPDX-License-Identifier: Apache-2.0
"""The product's Route 53 client (steering/zone) against the strict lab."""

import os
import socket
import sys
import time
import unittest

from lab import Lab, main, rrset, wait_for
from route53_tool import LEDGER, TOOL, WWW, Tool, weighted

FRA, AMS = weighted("fra", 100, "192.0.2.1"), weighted("ams", 100, "192.0.2.2")


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0").start()
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.snapshot("empty")

    def setUp(self):
        self.lab.clear()
        self.lab.restore("empty")
        self.tool = Tool(self.lab.url)
        self.addCleanup(lambda: self.assertEqual(self.tool.close(), 0))
        self.begin = len(self.lab.requests())

    def log(self):
        return self.lab.requests()[self.begin:]

    def posts(self):
        return [r for r in self.log() if r["method"] == "POST"]

    def create(self):
        answer = self.tool.change("", "v1 e1", new=[FRA, AMS])
        self.assertEqual(answer.result, "ok", answer)
        return answer

    def ledger(self):
        return self.lab.state().find(LEDGER + ".", "TXT")["values"]

    # -- the steady health check

    def test_steady_check_among_many(self):
        ask = self.tool.ask
        for i in range(150):
            self.lab.check(f"other-{i}")
        self.assertEqual((ask("find-check", "mine").result, ask("find-check", "mine")["check"]),
                         ("ok", ""))
        made = ask("make-check", "mine")
        self.assertEqual(made.result, "ok", made)
        self.assertEqual(ask("find-check", "mine")["check"], made["check"])
        self.assertEqual(ask("make-check", "mine")["check"], made["check"])
        pages = [r for r in self.log() if r["method"] == "GET"]
        self.assertEqual(len(pages), 3 * 2)     # three looks at two pages each
        self.lab.client().delete_health_check(HealthCheckId=made["check"])
        self.assertEqual(ask("find-check", "mine")["check"], "")
        self.assertEqual(ask("make-check", "mine").result, "lost")
        second = ask("make-check", "mine/2")
        self.assertEqual(ask("find-check", "mine")["check"], second["check"])

    def test_steady_check_through_trouble(self):
        """What is asked again is made once."""
        ask = self.tool.ask
        self.lab.fault("error=500&count=1&applied=1")
        made = ask("make-check", "trouble")
        self.assertEqual(made.result, "ok", made)
        self.lab.fault("throttle=1")
        self.assertEqual(ask("find-check", "trouble")["check"], made["check"])
        pages = self.lab.client().get_paginator("list_health_checks").paginate()
        self.assertEqual([c["CallerReference"] for page in pages
                          for c in page["HealthChecks"]].count("trouble"), 1)
        self.lab.fault("outage=on")
        self.assertEqual(ask("find-check", "trouble").result, "out")

    # -- the plain way

    def test_life_of_a_service(self):
        empty = self.tool.read()
        self.assertEqual((empty.result, empty.sets, empty["ledger_present"]), ("ok", [], "0"))
        answer = self.create()
        self.assertLess(abs(int(answer["date"]) - time.time()), 30)
        poll = self.tool.ask("poll", answer["change"])
        self.assertEqual((poll.result, poll["insync"]), ("ok", "1"))
        view = self.tool.read()
        self.assertEqual((view["ledger"], view.weights), ("v1 e1", {"ams": 100, "fra": 100}))
        drained = weighted("fra", 0, "192.0.2.1")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2", [FRA], [drained]).result, "ok")
        view = self.tool.read()
        self.assertEqual((view["ledger"], view.weights), ("v1 e2", {"ams": 100, "fra": 0}))
        self.assertEqual(self.tool.change("v1 e2", "", [drained, AMS]).result, "ok")
        self.assertEqual(self.tool.read()["ledger_present"], "0")

    def test_insync_takes_its_time(self):
        self.lab.fault("insync-ms=60000")
        answer = self.create()
        self.assertEqual(self.tool.ask("poll", answer["change"])["insync"], "0")

    def test_never_upsert(self):
        self.create()
        self.tool.change("v1 e1", "v1 e2", [FRA], [weighted("fra", 1, "192.0.2.1")])
        for post in self.posts():
            for action in post["actions"]:
                self.assertIn(action.split()[0], ("CREATE", "DELETE"))
        self.assertEqual(len(self.posts()), 2)

    def test_long_and_odd_ledger(self):
        text = "v1 \"quoted\" back\\slash <&> " + "x" * 3900
        self.assertEqual(self.tool.change("", text, new=[FRA]).result, "ok")
        self.assertEqual(self.tool.read()["ledger"], text)
        self.assertEqual(self.tool.change(text, "v1 e2").result, "ok")

    def test_a_ledger_cut_elsewhere_by_hand_can_be_replaced(self):
        self.create()
        self.lab.edit(("DELETE", rrset(LEDGER, "TXT", '"v1 e1"', ttl=5)),
                      ("CREATE", rrset(LEDGER, "TXT", '"v1" "\\040e1"', ttl=5)))
        self.assertEqual(self.tool.read()["ledger"], "v1 e1")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "ok")
        self.assertEqual(self.ledger(), ['"v1 e2"'])
        self.assertEqual(self.tool.change("v1 e2", "v1 e3").result, "ok")

    def test_an_address_spelled_by_hand_can_be_replaced(self):
        self.lab.edit(("CREATE", rrset(WWW, "AAAA", "2001:DB8:0::1", SetIdentifier="fra",
                                       Weight=5)))
        found = self.tool.read().sets[0]
        six = weighted("fra", 5, found["values"][0], kind="AAAA")
        self.assertEqual(self.tool.change("", "v1", [six], [
            weighted("fra", 6, "2001:db8::1", kind="AAAA")]).result, "ok")

    def test_wildcard(self):
        star = "\\052.example.test"
        self.assertEqual(self.tool.change("", "v1", new=[
            weighted("fra", 1, "192.0.2.1", name=star)]).result, "ok")
        view = self.tool.read(LEDGER, star)
        self.assertEqual([record["name"] for record in view.sets], [star])

    def test_nameservers(self):
        answer = self.tool.ask("nameservers")
        self.assertEqual(answer.result, "ok")
        self.assertEqual(answer["err"], "ns-1.awsdns-lab.test\n")

    # -- what may go wrong

    def test_lost(self):
        self.create()
        for old_errors in ("off", "on"):
            self.lab.fault(f"old-errors={old_errors}")
            answer = self.tool.change("v1 e0", "v1 e2")
            self.assertEqual(answer.result, "lost")
            self.assertIn("do not match the current values", answer["err"])
            self.assertEqual(self.tool.change("", "v1 e2").result, "lost")
            answer = self.tool.change("v1 e1", "v1 e2", [weighted("fra", 7, "192.0.2.1")])
            self.assertEqual(answer.result, "lost")
        self.assertEqual(self.ledger(), ['"v1 e1"'])

    def test_refused(self):
        answer = self.tool.change("", "v1", new=[weighted("fra", 1, "not an address")])
        self.assertEqual(answer.result, "refused")
        self.assertIn("InvalidChangeBatch", answer["err"])

    def test_lost_answer_is_unknown_and_sent_once(self):
        self.create()
        self.lab.fault("lose-answer=1")
        answer = self.tool.change("v1 e1", "v1 e2")
        self.assertEqual(answer.result, "unknown")
        self.assertEqual(self.ledger(), ['"v1 e2"'])
        self.assertEqual(len(self.posts()), 2)

    def test_lost_answer_after_a_kept_connection(self):
        """curl repeats a request when a kept connection dies: a change must not be."""
        self.create()
        for i in range(1, 6):
            self.assertEqual(self.tool.read()["ledger"], f"v1 e{i}")
            self.lab.fault("lose-answer=1")
            before = len(self.posts())
            self.assertEqual(self.tool.change(f"v1 e{i}", f"v1 e{i + 1}").result, "unknown")
            self.assertEqual(len(self.posts()), before + 1)

    def test_late(self):
        self.create()
        self.lab.fault("late=700&close=1")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "unknown")
        wait_for(lambda: self.ledger() == ['"v1 e2"'])
        self.assertEqual(self.tool.change("v1 e1", "v1 x").result, "lost")

    def test_500_to_a_change(self):
        self.create()
        for applied, ledger in (("0", "v1 e1"), ("1", "v1 e2")):
            extra = "&applied=1" if applied == "1" else ""
            self.lab.fault(f"error=500&on=change{extra}")
            before = len(self.posts())
            self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "unknown")
            self.assertEqual(len(self.posts()), before + 1)
            self.assertEqual(self.ledger(), [f'"{ledger}"'])

    def test_500_to_reads_is_repeated(self):
        self.create()
        self.lab.fault("error=503&on=read&count=2")
        self.assertEqual(self.tool.read().result, "ok")
        self.lab.fault("error=500&on=read&count=50")
        before = len(self.log())
        answer = self.tool.read()
        self.assertEqual(answer.result, "out")
        self.assertIn("500", answer["err"])
        self.assertEqual(len(self.log()) - before, 3)

    def test_throttled(self):
        self.create()
        self.lab.fault("throttle=1")
        answer = self.tool.change("v1 e1", "v1 e2")
        self.assertEqual(answer.result, "busy")
        self.assertIn("Throttling", answer["err"])
        self.assertEqual(self.ledger(), ['"v1 e1"'])
        begin = time.monotonic()
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "ok")
        self.assertGreater(time.monotonic() - begin, 0.2)  # it rested
        self.lab.fault("throttle=2")
        self.assertEqual(self.tool.read().result, "ok")  # reads are repeated

    def test_throttled_without_end_rests_longer_and_longer(self):
        self.create()
        self.lab.fault("throttle=1000")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "busy")
        for _ in range(6):
            answer = self.tool.change("v1 e1", "v1 e2")
            self.assertEqual(answer.result, "busy")
        self.assertIn("API budget rests", answer["err"])
        self.assertEqual(answer["sent"], "0")
        self.assertLessEqual(len(self.posts()), 6)

    def test_prior(self):
        self.create()
        self.lab.fault("prior=1")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "busy")
        self.assertEqual(self.tool.read().result, "ok")
        self.assertEqual(self.tool.change("v1 e1", "v1 e2").result, "ok")

    def test_outage(self):
        self.create()
        self.lab.fault("outage=on")
        self.assertEqual(self.tool.read().result, "out")
        self.assertIn(self.tool.change("v1 e1", "v1 e2").result, ("unknown", "out"))
        self.lab.fault("outage=off")
        self.assertEqual(self.tool.read()["ledger"], "v1 e1")

    def test_nothing_listens(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        with Tool(f"http://127.0.0.1:{port}") as tool:
            answer = tool.change("", "v1")
            self.assertEqual(answer.result, "out")
            self.assertIn("nothing was sent", answer["err"])
            self.assertEqual(tool.read().result, "out")

    def test_name_that_does_not_resolve(self):
        with Tool("http://nowhere.invalid:1") as tool:
            answer = tool.change("", "v1")
            self.assertEqual(answer.result, "out")
            self.assertIn("nothing was sent", answer["err"])

    def test_slow_is_killed(self):
        self.create()
        self.lab.fault("slow=5000")
        with Tool(self.lab.url, timeout_ms=500) as tool:
            answer = tool.change("v1 e1", "v1 e2")
            self.assertEqual(answer.result, "unknown")
            self.assertGreaterEqual(int(answer["took_ms"]), 450)
            self.assertLess(int(answer["took_ms"]), 3000)
            self.assertEqual(tool.read().result, "out")

    def test_clock(self):
        """Hours off: signed once more by the server's clock, and right from then on."""
        self.lab.fault("clock=7200")
        self.create()
        self.assertEqual([r["status"] for r in self.posts()], [403, 200])
        self.assertEqual(self.tool.read().result, "ok")
        self.assertEqual([r["status"] for r in self.log()], [403, 200, 200])
        self.lab.fault("clock=-7200")
        self.assertEqual(self.tool.read().result, "ok")

    def test_wrong_key(self):
        with Tool(self.lab.url, secret="other") as tool:
            answer = tool.change("", "v1", new=[FRA])
            self.assertEqual(answer.result, "refused")
            self.assertIn("SignatureDoesNotMatch", answer["err"])
            self.assertEqual(len(self.posts()), 2)  # once more by their clock, no more
        with Tool(self.lab.url, key="NOBODY") as tool:
            answer = tool.read()
            self.assertEqual(answer.result, "refused")
            self.assertIn("does not accept", answer["err"])

    def test_no_credentials(self):
        with Tool(self.lab.url, key=None, secret=None, HOME="/nonexistent") as tool:
            answer = tool.change("", "v1")
            self.assertEqual(answer.result, "out")
            self.assertIn("no AWS credentials", answer["err"])
        self.assertEqual(self.log(), [])

    def test_unknown_zone(self):
        with Tool(self.lab.url, zone="ZNOTHERE") as tool:
            answer = tool.read()
            self.assertEqual(answer.result, "refused")
            self.assertIn("ZNOTHERE", answer["err"])

    def test_one_budget_for_all(self):
        """Two tokens: a change goes at once, reads leave it one, then all wait."""
        self.create()
        with Tool(self.lab.url, per_s=1, burst=2) as tool:
            begin = time.monotonic()
            self.assertEqual(tool.change("v1 e1", "v1 e2").result, "ok")
            self.assertLess(time.monotonic() - begin, 0.9)
            self.assertEqual(tool.read().result, "ok")
            self.assertGreater(time.monotonic() - begin, 0.9)

    def test_side_by_side(self):
        self.create()
        self.tool.send("race", LEDGER, "v1 e1", "v1 e2")
        results = sorted(self.tool.answer().result for _ in range(2))
        self.assertEqual(results, ["ok", "ok"])

    # -- cost

    def test_cost_does_not_grow_with_the_zone(self):
        self.create()
        self.lab.bulk(10)
        costs = []
        for more in (0, 10000):
            if more:
                self.lab.bulk(more)
            before = len(self.log())
            view = self.tool.read()
            self.assertEqual(view.weights, {"ams": 100, "fra": 100})
            self.assertEqual(view["ledger"], "v1 e1")
            costs.append([r["query"] for r in self.log()[before:]])
        print("requests of a read with 10 and with 10,010 foreign sets:", costs)
        self.assertEqual(costs[0], costs[1])
        self.assertLessEqual(len(costs[1]), 2)
        for query in costs[1]:
            self.assertIn("name=", query)
            self.assertIn("maxitems=40", query)

    def test_second_pages_in_a_crowd(self):
        """Who is at its second page neither carries those that come nor is carried."""
        for i in range(8):
            self.lab.change(*[("CREATE", rrset("s%d.example.test" % i, "A", "192.0.2.1",
                                               SetIdentifier="m%d" % m, Weight=1))
                              for m in range(50)])
        with Tool(self.lab.url, per_s=10, burst=2) as tool:
            tool.send("crowd", 2, 6, 30)
            answers = [tool.answer() for _ in range(8)]
        self.assertEqual([a.result for a in answers], ["ok"] * 8, answers)
        self.assertEqual([len(a.sets) for a in answers], [50] * 8)

    def test_many_sets_at_one_name(self):
        """More than one page at a name of ours, all are seen."""
        for i in range(0, 96, 32):
            self.lab.change(*[("CREATE", rrset(WWW, "A", "192.0.2.1", SetIdentifier=f"s{n}",
                                               Weight=1)) for n in range(i, i + 32)])
        self.assertEqual(len(self.tool.read().sets), 96)


class Dns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0", servers=2).start()
        cls.addClassCleanup(cls.lab.stop)
        cls.tool = Tool(cls.lab.url)

    @classmethod
    def tearDownClass(cls):
        if cls.tool.close() != 0:
            raise AssertionError("tool_route53 did not end well")

    def setUp(self):
        self.lab.clear()

    @staticmethod
    def own_names():
        """This machine's name, where /etc/hosts puts it on loopback."""
        try:
            with open("/etc/hosts", encoding="utf-8") as hosts:
                lines = [line.split() for line in hosts]
        except FileNotFoundError:  # a bare container may have none
            return []
        return [line[1] for line in lines
                if len(line) == 2 and line[0] == "127.0.0.1" and line[1] != "localhost"]

    def ask(self, name, server=0, host=None, timeout_ms=3000):
        ip, port = self.lab.servers[server]
        return self.tool.ask("dns", f"{host or ip}:{port}", name, timeout_ms)

    def test_answers(self):
        # long enough for TCP; strings of 255 joined; escapes undone
        for name, text in (("short", "v1 e1"), ("long", "v1 \"x\\ " + "y" * 3000)):
            ledger = f"_pointsman.{name}.example.test"
            self.assertEqual(self.tool.change("", text, ledger=ledger).result, "ok")
            wait_for(lambda: self.lab.dns(ledger, "TXT", tcp=True).records)
            for host in (None, "localhost", *self.own_names()):
                answer = self.ask(ledger, host=host)
                self.assertEqual((answer["answered"], answer["exists"]), ("1", "1"), answer)
                self.assertEqual(answer["text"], text)

    def test_absent(self):
        for name in ("nothing.example.test", "example.test"):
            answer = self.ask(name)
            self.assertEqual((answer["answered"], answer["exists"]), ("1", "0"), answer)

    def test_not_its_zone(self):
        answer = self.ask("www.elsewhere.test")
        self.assertEqual(answer["answered"], "0")
        self.assertNotEqual(answer["err"], "")

    def test_silent_server(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            begin = time.monotonic()
            answer = self.tool.ask("dns", f"127.0.0.1:{s.getsockname()[1]}", LEDGER, 600)
            self.assertLess(time.monotonic() - begin, 5)
            self.assertEqual(answer["answered"], "0")
            s.setblocking(False)
            questions = 0
            try:
                while s.recv(512):
                    questions += 1
            except BlockingIOError:
                pass
            self.assertIn(questions, (1, 2))  # no storm of repeats

    def test_servfail(self):
        self.lab.fault("dns=servfail")
        answer = self.ask("www.example.test")
        self.assertEqual(answer["answered"], "0")
        self.assertIn("name server", answer["err"])

    def test_refused_port(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            answer = self.tool.ask("dns", f"127.0.0.1:{s.getsockname()[1]}", LEDGER, 2000)
        self.assertEqual(answer["answered"], "0")

    def test_bad_servers(self):
        for server in ("127.0.0.1:0", "127.0.0.1:70000", "[::1", ":53", "a:b", "x" * 300):
            self.assertEqual(self.tool.ask("dns", server, LEDGER, 500)["answered"], "0")
        answer = self.tool.ask("dns", "nowhere.invalid", LEDGER, 2000)
        self.assertEqual(answer["answered"], "0")
        self.assertIn("nowhere.invalid", answer["err"])

    def test_referral_is_no_answer(self):
        """A lame server: without authority and without recursion; and plain errors."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(10)
            for flags, answered in ((0x8000, "0"), (0x8400, "1"), (0x8180, "1"),
                                    (0x8402, "0"), (0x8405, "0")):
                self.tool.send("dns", f"127.0.0.1:{s.getsockname()[1]}", LEDGER, 3000)
                for _ in range(1 if flags & 15 == 0 else 3):  # it may ask again
                    try:
                        wire, peer = s.recvfrom(512)
                    except socket.timeout:
                        break
                    s.sendto(wire[:2] + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\0" +
                             wire[12:12 + wire[12:].index(b"\0") + 5], peer)
                    s.settimeout(1)
                s.settimeout(10)
                self.assertEqual(self.tool.answer()["answered"], answered)


if __name__ == "__main__":
    if not os.path.exists(TOOL):
        print(f"skipped: {TOOL} was not built")
        sys.exit(77)
    main()
