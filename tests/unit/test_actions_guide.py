#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/doc/actions.md: each recipe is put into a plan of a kind that has its slots,
and `pointsman validate` takes it."""
import os
import re
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

GUIDE = Path(os.environ["SOURCE_DIR"]) / "packaging/doc/actions.md"
POINTSMAN = Path(os.environ["BUILD_DIR"]) / "pointsman"
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


class Guide(unittest.TestCase):
    def test_recipes(self):
        recipes = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(), re.M | re.S)
        self.assertGreater(len(recipes), 4)
        for recipe in recipes:
            slots = re.findall(r"^(\w+):", recipe, re.M)
            with self.subTest(slots=slots), tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "plan.yaml"
                if "fence" not in slots:
                    recipe += "fence: {none: \"a lost site cannot be reached\"}\n"
                if slots[0] in ("fence", "attach"):
                    recipe += "promote: {exec: [/usr/local/sbin/promote, \"{fence}\"]}\n"
                file.write_text(PLAN.replace("KIND", KINDS[slots[0]]) +
                                textwrap.indent(recipe, "      "))
                done = subprocess.run([POINTSMAN, "validate", "-c", file], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(0, done.returncode, done.stdout)


if __name__ == "__main__":
    unittest.main()
