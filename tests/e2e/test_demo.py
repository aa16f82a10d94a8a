#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: serial timeout=240
"""The demo tells the truth by its exit code; it leaves no process and no file behind."""
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["BUILD_DIR"])
SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])


def commands_naming(word):
    """Command lines of processes that name this word."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


class Demo(unittest.TestCase):
    def setUp(self):
        temp = tempfile.TemporaryDirectory(prefix="pm-demo-test-")
        self.addCleanup(temp.cleanup)
        self.temp = temp.name

    def demo(self, build, seconds):
        return subprocess.run(
            [SOURCE / "packaging/demo", "--built"], text=True, timeout=seconds,
            env={"PATH": os.environ["PATH"], "TMPDIR": self.temp, "BUILD_DIR": str(build)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def nothing_is_left(self):
        self.assertEqual([], os.listdir(self.temp))
        self.assertEqual([], commands_naming(self.temp))

    def test_as_told(self):
        done = self.demo(BUILD, 200)
        self.assertEqual(0, done.returncode, done.stdout)
        drains = re.findall(r"drain of (\w+) by (\w+) +0 +\d+ +\d+ +\d+ +\d+\n",
                            done.stdout)
        self.assertEqual(["fra", "iad"], [member for member, _ in drains], done.stdout)
        self.assertNotEqual("fra", drains[0][1])        # its agent died with it
        sent = re.search(r"The drain of iad was sent first by (\w+), which died; (\w+) "
                         r"finished\.", done.stdout)
        self.assertIsNotNone(sent, done.stdout)
        self.assertNotEqual(sent[1], sent[2])
        self.assertEqual(drains[1][1], sent[2])
        # What is counted by the zone, and what an agent without its peers says.
        changes = re.search(r"DNS changes: (\d+) \((\d+) creation, (\d+) drains, "
                            r"(\d+) returns, (\d+) ramp steps\)", done.stdout)
        self.assertEqual((11, 1, 2, 2, 6), tuple(map(int, changes.groups())), done.stdout)
        self.assertIn("while sin was cut off: 0; while iad flapped: 0.", done.stdout)
        self.assertRegex(done.stdout, r"> sin says: .*hears 1 of 4 agents, itself included")
        self.nothing_is_left()

    def test_an_agent_that_ends_is_told(self):
        build = Path(self.temp, "build")
        build.mkdir()
        for name in ("pointsman-lab", "pointsman-demo-view", "pointsman-demo-relay"):
            (build / name).symlink_to(BUILD / name)
        (build / "pointsman").write_text("#!/bin/sh\n[ $1 = validate ]\n")
        (build / "pointsman").chmod(0o755)
        done = self.demo(build, 60)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn("the agent has ended", done.stdout)
        for path in build.iterdir():
            path.unlink()
        build.rmdir()
        self.nothing_is_left()


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
