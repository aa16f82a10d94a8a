#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=400
"""The guides first-site.md and three-sites.md, run as they stand: each ```sh block, in order,
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
GUIDES = SOURCE / "packaging/doc"
NAMESPACE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
if os.geteuid() != 0:
    NAMESPACE += ["--map-root-user"]


class Guides(unittest.TestCase):
    def guide(self, name, logs, seconds):
        """What the guide printed; everything in it came to its end."""
        blocks = re.findall(r"^```sh\n(.*?)^```$", (GUIDES / name).read_text(), re.M | re.S)
        self.assertGreater(len(blocks), 10)
        # What each block does is said before it, so that a failure names the block.
        script = ["set -euo pipefail", "ip link set lo up"]
        for block in blocks:
            script += [f"echo {shlex.quote('== ' + block.splitlines()[0])}", block]
        script = "\n".join(script)
        with tempfile.TemporaryDirectory() as folder:
            with open(Path(folder, "printed"), "w+") as out:
                try:
                    code = subprocess.run(
                        [*NAMESPACE, "bash", "-c", script], cwd=folder, timeout=seconds,
                        stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                        env={"PATH": f"{BUILD}:{SOURCE}/packaging:/usr/bin:/bin:"
                             "/usr/sbin:/sbin", "HOME": folder,
                             "LANG": "C.UTF-8"}).returncode
                except subprocess.TimeoutExpired:
                    code = "none in time"
                out.seek(0)
                printed = out.read()
            said = "\n".join(log.read_text()[-3000:] for log in Path(folder).glob(logs))
        self.assertEqual(0, code, f"{printed}\n{said}")
        return printed

    def test_first_site(self):
        self.assertIn("would drain fra", self.guide("first-site.md", "*/agent.log", 120))

    def test_three_sites(self):
        printed = self.guide("three-sites.md", "*/*/agent.log", 200)
        self.assertIn("would drain sin", printed)
        self.assertRegex(printed, "fact=committed service=www member=sin .*value=drain")
        self.assertIn("not-in-force", printed)


if __name__ == "__main__":
    if subprocess.run([*NAMESPACE, "ip", "link", "set", "lo", "up"],
                      stderr=subprocess.DEVNULL).returncode:
        print("network namespaces are not allowed here")
        sys.exit(77)
    unittest.main(verbosity=2)
