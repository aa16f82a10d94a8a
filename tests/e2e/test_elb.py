# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""elb checks, beside the probes of the nodes and alone, against a stand-in for Elastic
Load Balancing that checks signatures and requests with botocore.

What AWS says of the targets drains a member whose nodes answer; what cannot be asked
counts for nothing, and never touches the zone.
"""
import json
import signal
import sys
import unittest
import urllib.request

try:
    import aws_stand_in as aws
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)
from world import SECRET, World, wait_for


class Elb(unittest.TestCase):
    def setUp(self):
        self.api = aws.StandIn()
        self.addCleanup(self.api.close)
        self.addCleanup(lambda: self.assertEqual([], self.api.mistakes))
        self.api.groups = {"a": ["healthy"] * 4, "b": ["healthy"] * 4}
        self.world = self.enterContext(World(fast=True))
        self.text = self.world.text()
        self.write()

    def check(self, name, **more):
        words = "".join(f", {k}: {v}" for k, v in more.items())
        return (f'  tg-{name}:\n    elb: {{target_group: "{aws.arn(name)}", region: '
                f'eu-central-1, endpoint: "{self.api.url}"{words}}}\n'
                "    every: 1s\n    recheck: 200ms\n    fall: 2\n    rise: 2\n")

    def write(self, beside=True, **more):
        text = self.text.replace("zones:\n", "".join(
            self.check(m, **more) for m in "ab") + "zones:\n", 1)
        for m in "ab":
            text = text.replace(f"      {m}: {{weight", f"      {m}: {{"
                                + ("targets" if beside else "check") + f": tg-{m}, weight")
        self.world.write_config(text)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.world.page}/metrics", timeout=10) as page:
            return page.read().decode()

    def address(self, member):
        members = self.world.status()["services"][0]["members"]
        found = [a for m in members if m["name"] == member for a in m["addresses"]
                 if a["address"] == f"targetgroup/{member}"]
        self.assertEqual(1, len(found), members)
        return found[0]

    def asked(self):
        return len(self.api.requests)

    def test_beside_the_nodes(self):
        w = self.world
        w.begin()
        self.assertEqual("up", self.address("a")["state"])
        self.api.groups["b"] = ["healthy"] + ["unhealthy"] * 2 + ["draining"]
        self.wait_asked(6)      # one healthy target is enough: healthy: 1
        self.assertEqual({"a": 100, "b": 100}, w.sets())
        self.api.groups["b"] = ["unhealthy", "draining", "initial", "unused"]
        w.wait_weights(a=100, b=0)
        self.assertEqual("down", self.address("b")["state"])
        fault = w.agent.find("fault", member="b")[-1]
        self.assertEqual("targetgroup/b", fault["address"])
        self.assertIn("0 targets healthy, 1 needed", fault["text"])
        page = self.metrics()
        self.assertRegex(page, r'probe_results_total\{[^}]*member="b"[^}]*reason="targets"[^}]*\} ')
        self.assertRegex(page, r'api_requests_total\{call="targets",result="ok"\} [1-9]')
        self.api.groups["b"] = ["healthy", "unhealthy"]
        w.wait_weights(a=100, b=100)

    def wait_asked(self, more):
        before = self.asked()
        wait_for(lambda: self.asked() >= before + more, 60)

    def test_not_known_counts_for_nothing(self):
        w = self.world
        w.begin()
        changes = len(w.changes())
        for say, text in ((aws.denied, "not permitted"), (aws.throttled, "busy"),
                          (aws.garbage, "no answer to it")):
            since = w.agent.mark()
            self.api.say = say
            w.agent.wait("trouble", since=since, text="targetgroup/b is not known")
            if say is not aws.throttled:
                self.assertTrue(w.agent.find("trouble", since=since, text=text),
                                w.agent.log()[-2000:])
            wait_for(lambda: self.address("b")["state"] == "unknown")
            self.api.say = None
            wait_for(lambda: {"up"} == {self.address(m)["state"] for m in "ab"}, 60)
        # Silence holds up nothing: the nodes of a site that dies are seen as ever.
        self.api.say = self.api.hang
        self.wait_asked(2)
        self.assertEqual(changes, len(w.changes()))
        self.assertTrue(w.agent.find("trouble", text="targetgroup/b is known again"))
        w.web["b"].do("refuse")
        w.wait_weights(a=100, b=0)
        self.assertEqual("", w.status()["services"][0]["frozen"])
        self.assertNotIn(SECRET, w.agent.log())

    def test_alone_and_reload(self):
        w = self.world
        self.write(beside=False)
        w.begin()
        members = w.status()["services"][0]["members"]
        self.assertEqual(["targetgroup/a"], [a["address"] for a in members[0]["addresses"]])
        w.web["b"].do("refuse")         # nobody probes it
        self.api.groups["b"] = ["healthy"] * 2 + ["unhealthy"] * 2
        self.wait_asked(6)
        self.assertEqual({"a": 100, "b": 100}, w.sets())
        self.write(beside=False, share="75%")
        w.agent.process.send_signal(signal.SIGHUP)
        w.wait_weights(a=100, b=0)
        self.assertIn("2 of 4 targets healthy, 75 % needed", w.agent.log())
        # Back to probes: the slot goes, and the dead node is what counts.
        w.write_config(self.text)
        since = w.agent.mark()
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("started", since=since, text="read anew")
        asked = self.asked()
        w.agent.wait("fault", since=since, member="b")
        w.agent.wait("address_down", since=since, member="b")
        self.assertLessEqual(self.asked() - asked, 2)
        members = w.status()["services"][0]["members"]
        self.assertFalse([a for m in members for a in m["addresses"]
                          if a["address"].startswith("targetgroup")])

    def test_commands(self):
        w = self.world
        code, text = w.command("check", "--json")
        self.assertEqual(0, code, text)
        rows = {r["address"]: r for r in json.loads(text)}
        self.assertEqual("pass", rows["targetgroup/b"]["outcome"])
        code, text = w.command("plan")
        self.assertIn("+ www.example.test A b", text)
        code, text = w.command("doctor")
        self.assertIn("check tg-a: targetgroup/a can be asked about, and has", text)
        self.assertEqual(0, code, text)
        self.api.groups["b"] = ["unhealthy"]
        code, text = w.command("check")
        self.assertEqual(1, code, text)
        self.assertRegex(text, r"www +b +targetgroup/b +FAIL .* targets: 0 targets healthy")
        self.assertRegex(w.command("plan")[1], r"\+ www.example.test A b .*weight 0")
        self.assertIn("warn     check tg-b: targetgroup/b can be asked about: 0 targets",
                      w.command("doctor")[1])
        del self.api.groups["b"]
        code, text = w.command("doctor")
        self.assertEqual(1, code, text)
        self.assertIn("does not exist in eu-central-1 for this account", text)
        self.api.say = aws.denied
        code, text = w.command("doctor")
        self.assertEqual(1, code, text)
        self.assertIn("allow elasticloadbalancing:DescribeTargetHealth in the IAM policy", text)
        self.assertEqual(2, w.command("check")[0])
        code, text = w.command("iam")
        wanted = {"Sid": "Targets", "Effect": "Allow", "Resource": "*",
                  "Action": "elasticloadbalancing:DescribeTargetHealth"}
        self.assertIn(wanted, json.loads(text)["Statement"])
        w.write_config(self.text)
        self.assertNotIn("elasticloadbalancing", w.command("iam")[1])


if __name__ == "__main__":
    unittest.main()
