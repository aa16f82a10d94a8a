#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/doc/actions.md: each recipe is put into a plan of a kind that has its slots,
and `pointsman validate` takes it. Each call of AWS in it and in the examples is then made, and
held against botocore's service models."""
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

SOURCE, BUILD = Path(os.environ["SOURCE_DIR"]), Path(os.environ["BUILD_DIR"])
GUIDE, EXAMPLES = SOURCE / "packaging/doc/actions.md", SOURCE / "config/examples"
sys.path.insert(0, str(SOURCE / "tests/e2e"))
try:
    import aws_stand_in as aws
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)

PLAN = """
cluster: shop
sites: [fra, iad]
agents:
  fra: {url: "https://10.1.0.5:7353", site: fra}
  iad: {url: "https://10.2.0.5:7353", site: iad}
  wit: {url: "https://10.9.0.5:7353"}
tls: {cert: agent.pem, key: agent.key, ca: ca.pem}
state: /var/lib/pointsman
checks:
  web: {http: {path: /healthz}}
  newest: {backup: {manifest: "https://backups.example.net/shop/latest.json"}, every: 60s}
zones:
  public: {name: example.com, route53: {zone_id: Z0123456789ABC}}
services:
  www:
    zone: public
    names: [www.example.com]
    ttl: 60s
    policy: failover
    check: web
    members:
      fra: {answers: {A: [198.51.100.10]}}
      iad: {answers: {A: [203.0.113.10]}}
scenarios:
  shop-dr:
    kind: KIND
    service: www
    primary: fra
    recovery: iad
    rto: 8h
    rpo: 4h
    lag: newest
    trigger: command
    steps:
"""
KINDS = {"scale_out": "warm-standby", "fence": "pilot-light", "attach": "pilot-light",
         "restore": "backup-restore"}


def answer(form, handler):
    return 200, f"<{form['Action']}Response/>"


class Guide(unittest.TestCase):
    def setUp(self):
        self.there = aws.StandIn()
        self.there.say = answer
        self.addCleanup(self.there.close)

    def call(self, file, slot):
        """Makes the call of that step; how often it asked, after that."""
        env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": aws.KEY, "HOME": "/nonexistent",
               "AWS_SECRET_ACCESS_KEY": aws.SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        before = len(self.there.requests)
        out = subprocess.run([BUILD / "tests/tool_act", "plan", f"plan={file}", f"slot={slot}",
                              f"endpoint={self.there.url}", "every=100", "timeout=1500"],
                             env=env, stdout=subprocess.PIPE, text=True, timeout=60).stdout
        self.assertEqual([], self.there.mistakes)
        if not out.startswith("acted no call"):
            self.assertGreater(len(self.there.requests), before, out)
        return len(self.there.requests) - before

    def recipe(self, recipe, folder):
        slots = re.findall(r"^(\w+):", recipe, re.M)
        file = Path(folder) / "plan.yaml"
        if "fence" not in slots:
            recipe += "fence: {none: \"a lost site cannot be reached\"}\n"
        if slots[0] in ("fence", "attach"):
            recipe += "promote: {exec: [/usr/local/sbin/promote, \"{fence}\"]}\n"
        file.write_text(PLAN.replace("KIND", KINDS[slots[0]]) +
                        textwrap.indent(recipe, "      "))
        done = subprocess.run([BUILD / "pointsman", "validate", "-c", file], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)
        for slot in slots:
            # The call, and its until at least once.
            self.assertGreater(self.call(file, slot), 1, slot)

    def test_recipes(self):
        recipes = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
        self.assertGreater(len(recipes), 4)
        for recipe in recipes:
            with self.subTest(recipe=recipe), tempfile.TemporaryDirectory() as folder:
                self.recipe(recipe, folder)

    def test_examples(self):
        calls = 0
        for file in sorted(EXAMPLES.glob("*.yaml")):
            for slot in re.findall(r"^      (\w+):", file.read_text(), re.M):
                calls += self.call(file, slot) > 0
        self.assertGreater(calls, 6)


if __name__ == "__main__":
    unittest.main()
