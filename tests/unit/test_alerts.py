#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The alerts speak of metrics that exist, with words that they have: an alert on a name
that nothing exports never fires, and nobody notices."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
ALERTS = ROOT / "packaging" / "alerts" / "pointsman.yml"
EXPRESSION = re.compile(r"^ +expr: (.*)$", re.M)
FAMILY = re.compile(r'(?:family|one)\(\s*(?:o|out), "([a-z_]+)"|write_last\([^"]*"([a-z_]+)"')


def exported():
    """Names of families in the sources that write /metrics."""
    names = set()
    for path in sorted((ROOT / "steering" / "agent").glob("*.c")):
        if path.name.startswith(("metrics", "incidents")):
            for found in FAMILY.finditer(path.read_text()):
                names.add("pointsman_" + (found[1] or found[2]))
    return names


def words(path, table):
    """The words of a table like [RUN_ASKS] = "asks"."""
    return set(re.findall(r"\[%s\w+\] = \"([a-zA-Z_-]+)\"" % table, path.read_text()))


class Alerts(unittest.TestCase):
    def setUp(self):
        self.text = ALERTS.read_text()
        self.expressions = EXPRESSION.findall(self.text)

    def test_each_metric_is_exported(self):
        used = {n for e in self.expressions for n in re.findall(r"pointsman_[a-z_]+", e)}
        self.assertGreater(len(used), 8)
        self.assertEqual(used - exported(), set())

    def test_a_name_that_nothing_exports_is_found(self):
        self.assertNotIn("pointsman_nonsense", exported())
        self.assertIn("pointsman_incident_rto_seconds", exported())

    def test_states_are_words_of_the_ledger(self):
        core = ROOT / "steering" / "core"
        states = words(core / "scenario.c", "RUN_")
        used = set(re.findall(r'state="([a-z]+)"', self.text))
        self.assertTrue(used and used <= states, (used, states))

    def test_each_alert_says_what_and_what_next(self):
        alerts = re.split(r"(?m)^      - alert: ", self.text)[1:]
        self.assertEqual(len(alerts), len(self.expressions))
        for alert in alerts:
            name = alert.split("\n", 1)[0]
            self.assertRegex(name, r"^Pointsman[A-Za-z]+$")
            for key in ("expr:", "severity: ", "summary: ", "next: "):
                self.assertIn(key, alert, name)
        names = [a.split("\n", 1)[0] for a in alerts]
        for must in ("ExposureBeyondRPO", "ScenarioWaitsForApproval", "ScenarioStepFailed",
                     "DrillOverdue"):
            self.assertIn("Pointsman" + must, names)

    def test_promtool_agrees(self):
        """Where it is: Prometheus is no package of ours."""
        if shutil.which("promtool"):
            subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True)


if __name__ == "__main__":
    unittest.main()
