# SPDX-License-Identifier: Apache-2.0
"""tests/aws, the facts' way to a real zone, against the lab: it agrees, it asks first, it
writes below its own label alone, it leaves nothing, and it says so when a zone differs."""

import os
import re
import subprocess
import unittest

from lab import KEY_ID, SECRET, Lab, main, rrset

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "aws")
FOREIGN = [("CREATE", rrset("www.example.test", "A", "192.0.2.1")),
           ("CREATE", rrset("pointsman-tes.example.test", "TXT", '"before"')),
           ("CREATE", rrset("pointsman-test-z.example.test", "TXT", '"after"'))]
LABEL = re.compile(r"(^|\.)pointsman-test-[0-9a-f]{8}\.example\.test\.?$")


class Facts(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("--insync-ms", "100").start()
        self.addCleanup(self.lab.stop)
        self.lab.change(*FOREIGN)
        self.lab.bulk(400)
        self.before = self.lab.state()

    def run_tool(self, *options, typed=""):
        done = subprocess.run(
            ["/usr/bin/python3", TOOL, "ZLAB", "--endpoint-url", self.lab.url,
             "--pace", "0", *options], input=typed, text=True, timeout=200,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": KEY_ID,
                 "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertEqual(self.before.sets, self.lab.state().sets, done.stdout)
        return done

    def written(self):
        """(name, status) of every change; '?' is a name that the lab cannot read."""
        return [(action.split()[1], request["status"])
                for request in self.lab.requests()[1:]
                for action in request.get("actions") or []]

    def test_the_lab_agrees(self):
        done = self.run_tool("--yes")
        self.assertEqual(0, done.returncode, done.stdout)
        tried = int(re.search(r"(\d+) facts tried, 0 differ", done.stdout)[1])
        self.assertGreater(tried, 70)
        written = self.written()
        self.assertGreater(len(written), 1000)
        for name, status in written:
            if (name, status) != ("?", 400):
                self.assertRegex(name, LABEL)

    def test_it_asks(self):
        done = self.run_tool(typed="yes\n")
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("nothing was written", done.stdout)
        self.assertEqual([], self.written())

    def test_a_zone_that_differs(self):
        """The older shape of errors, which botocore cannot read, stands for any other."""
        self.lab.fault("old-errors=on")
        done = self.run_tool("--yes", "--only", "delete")
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("DIFFERS", done.stdout)
        self.assertNotIn(" 0 differ", done.stdout)

    def test_no_permission(self):
        self.lab.fault("error=500&count=1&on=read")
        done = self.run_tool("--yes")
        self.assertEqual(2, done.returncode, done.stdout)
        self.assertEqual([], self.written())


if __name__ == "__main__":
    main()
