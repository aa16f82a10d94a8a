#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: serial
# ctest: heavy
# ctest: timeout=400
"""`packaging/demo scenario` tells the truth by its exit code, shows a report with RTO and
RPO, and leaves no process and no file behind. tests/run --all alone."""
import os
import re
import subprocess
import tempfile
import time
import unittest

from postgres import only_in_all
from test_demo import commands_naming
from world import BUILD, SOURCE, main


class DemoScenario(unittest.TestCase):
    def test_as_told(self):
        with tempfile.TemporaryDirectory(prefix="pm-demo-test-") as temp:
            os.chmod(temp, 0o755)
            began = time.monotonic()
            done = subprocess.run(
                [SOURCE / "packaging/demo", "scenario", "--built"], text=True, timeout=300,
                env={"PATH": os.environ["PATH"], "TMPDIR": temp, "BUILD_DIR": str(BUILD)},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            took = time.monotonic() - began
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertEqual([], os.listdir(temp))
            self.assertEqual([], commands_naming(temp))
        self.assertLess(took, 180)
        print(done.stdout)
        for word in ("RTO", "RPO", "An operator says yes", "iad serves", "fra serves, iad",
                     "never by both at once"):
            self.assertIn(word, done.stdout)
        self.assertRegex(done.stdout, r"Incident shop-dr/\d+: fail-over of www")
        self.assertRegex(done.stdout, r"Incident shop-dr/\d+: fail-back of www")
        shown = re.search(r"The show took (\d+) s", done.stdout)
        self.assertIsNotNone(shown)


if __name__ == "__main__":
    only_in_all()
    main()
