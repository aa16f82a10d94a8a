#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The scenarios in recovery-scenarios.md are accepted as they stand, and its tables name the
slots of each kind in the order in which they are carried out; the programs beside it are
what the guide says of them."""
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from world import POINTSMAN, SOURCE, main

GUIDE = (SOURCE / "packaging/doc/recovery-scenarios.md").read_text()
STEPS = SOURCE / "packaging/doc/steps"
BASE = """cluster: shop
sites: [fra, iad]
agents:
  fra: {url: "https://10.1.0.5:7353", site: fra}
  iad: {url: "https://10.2.0.5:7353", site: iad}
  wit: {url: "https://10.9.0.5:7353"}
tls: {cert: agent.pem, key: agent.key, ca: ca.pem}
state: /var/lib/pointsman
canaries: ["tcp://192.0.2.1:443", "tcp://192.0.2.2:443", "tcp://192.0.2.3:443"]
checks:
  web: {http: {path: /healthz}}
  replica-lag:
    exec: {argv: [/usr/local/sbin/pg-lag, /etc/pointsman/sites.conf, "{from}", "{to}"], seconds: stdout}
    every: 5s
    timeout: 5s
zones:
  public: {name: example.com, route53: {zone_id: Z0123456789ABC}}
services:
  www:
    zone: public
    names: [www.example.com]
    ttl: 30s
    policy: failover
    stateful: true
    failback: manual
    check: web
    members:
      fra: {answers: {A: [198.51.100.10]}}
      iad: {answers: {A: [203.0.113.10]}}
"""


class Guide(unittest.TestCase):
    def test_scenarios_are_accepted(self):
        blocks = re.findall(r"^```yaml\n(scenarios:\n.*?)^```$", GUIDE, re.M | re.S)
        self.assertGreaterEqual(len(blocks), 4)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "pointsman.yaml")
            for block in blocks:
                file.write_text(BASE + block)
                done = subprocess.run([POINTSMAN, "validate", "-c", file], text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                self.assertEqual(0, done.returncode, f"{block}\n{done.stdout}")

    def test_check_is_the_one_that_was_tried(self):
        block = re.search(r"^```\nchecks:\n(.*?)^```$", GUIDE, re.M | re.S)[1]
        self.assertIn(block, BASE)

    def test_programs(self):
        for name in ("pg-site", "at-site", "pg-lag"):
            subprocess.run(["bash", "-n", STEPS / name], check=True)
            done = subprocess.run([STEPS / name], stdout=subprocess.PIPE, text=True)
            self.assertEqual(2, done.returncode)
            self.assertTrue(done.stdout.startswith(f"usage: {name} "), done.stdout)


if __name__ == "__main__":
    main()
