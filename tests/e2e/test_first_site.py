#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The guide packaging/doc/first-site.md, run as it stands: each ```sh block, in order,
in one shell, in a network namespace of its own because its ports are fixed."""
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["BUILD_DIR"])
SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
GUIDE = SOURCE / "packaging/doc/first-site.md"
NAMESPACE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
if os.geteuid() != 0:
    NAMESPACE += ["--map-root-user"]


class FirstSite(unittest.TestCase):
    def test_every_command_of_the_guide(self):
        blocks = re.findall(r"^```sh\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
        self.assertGreater(len(blocks), 10)
        # What each block does is said before it, so that a failure names the block.
        script = ["set -euo pipefail", "ip link set lo up"]
        for block in blocks:
            script += [f"echo {shlex.quote('== ' + block.splitlines()[0])}", block]
        script = "\n".join(script)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [*NAMESPACE, "bash", "-c", script], cwd=folder, text=True, timeout=120,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": f"{BUILD}:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": folder,
                     "LANG": "C.UTF-8"})
            log = Path(folder, "first-site/agent.log")
            said = log.read_text() if log.exists() else ""
        self.assertEqual(0, done.returncode, f"{done.stdout}\n{said}")
        self.assertIn("would drain fra", done.stdout)


if __name__ == "__main__":
    if subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"],
                      stderr=subprocess.DEVNULL).returncode:
        print("network namespaces are not allowed here")
        sys.exit(77)
    unittest.main(verbosity=2)
