#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""What `cmake --install` puts under a prefix works from there, and nothing else lands."""
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BUILD = Path(os.environ["BUILD_DIR"])
SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temp = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temp.cleanup)
        cls.prefix = Path(cls.temp.name, "usr")
        subprocess.run(["cmake", "--install", BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    def run_in_prefix(self, *command):
        return subprocess.run(command, cwd=self.prefix, text=True, timeout=60,
                              env={"PATH": f"{self.prefix}/bin:/usr/bin:/bin"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)

    def test_places(self):
        files = {p.relative_to(self.prefix).as_posix()
                 for p in self.prefix.rglob("*") if p.is_file()}
        doc = "share/doc/pointsman/"
        examples = {f"{doc}examples/{p.name}"
                    for p in (SOURCE / "config/examples").glob("*.yaml")}
        self.assertTrue(examples)
        self.assertEqual({"bin/pointsman", "bin/pointsman-ca", "bin/pointsman-lab", f"{doc}README.md",
                          f"{doc}REFERENCE.md", "share/bash-completion/completions/pointsman",
                          f"{doc}CHANGELOG.md", f"{doc}LICENSE"} | examples, files)

    def test_agent_validates_the_installed_examples(self):
        for example in self.prefix.glob("share/doc/pointsman/examples/*.yaml"):
            done = self.run_in_prefix("pointsman", "validate", "-c", example)
            self.assertEqual(0, done.returncode, f"{example.name}:\n{done.stdout}")

    def test_agent_refuses_a_mistake(self):
        wrong = Path(self.temp.name, "wrong.yaml")
        wrong.write_text("cluster: x\nsitse: [a]\n")
        done = self.run_in_prefix("pointsman", "validate", "-c", wrong)
        self.assertEqual(1, done.returncode, done.stdout)
        self.assertIn(":2:1:", done.stdout)

    def complete(self, *words):
        script = ("source share/bash-completion/completions/pointsman; "
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pointsman; '
                  'printf "%s\n" "${COMPREPLY[@]}"')
        done = self.run_in_prefix("bash", "-c", script, "bash", "pointsman", *words)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout.split()

    def test_completion(self):
        self.assertEqual(["validate"], self.complete("val"))
        self.assertIn("drain", self.complete(""))
        self.assertIn("--reason", self.complete("drain", "--"))
        self.assertNotIn("--reason", self.complete("validate", "--"))
        self.assertEqual(["--json"], self.complete("validate", "--j"))
        self.assertEqual(["share/doc"], self.complete("run", "-c", "share/d"))

    def test_lab_shows_its_options(self):
        done = self.run_in_prefix("pointsman-lab", "--help")
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertIn("--zone", done.stdout)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
