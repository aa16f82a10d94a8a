#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The switches of steering/core/needed.h: none is in the product, and each has its row.

What sim.test_needed takes away must be compiled out of everything else that is built,
and a rule that the core marks as NEEDED must be in the table of tests/sim/needed/.
"""
import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("BUILD_DIR") or ROOT / "build/test")
MARK = re.compile(r"\bNEEDED\((\w+),")
ROW = re.compile(r'^    \{"(\w+)", \d+, \d+, \w+,', re.M)


def symbols(path):
    run = subprocess.run(["nm", str(path)], check=True, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return {line.split()[-1] for line in run.stdout.splitlines() if line.split()}


def switches(path):
    return sorted(s for s in symbols(path) if s.startswith("needed_"))


def marks():
    found = {}
    for path in sorted((ROOT / "steering").rglob("*.[ch]")):
        for name in MARK.findall(path.read_text()):
            found.setdefault(name, path.relative_to(ROOT).as_posix())
    found.pop("rule", None)  # the macro's own parameter
    return found


def rows():
    return [name for path in sorted((ROOT / "tests/sim/needed").glob("*.c"))
            for name in ROW.findall(path.read_text())]


class Switches(unittest.TestCase):
    def test_the_product_has_none(self):
        built = sorted(BUILD.glob("libpm_*.a")) + [BUILD / "pointsman"]
        self.assertIn(BUILD / "libpm_core.a", built)
        for path in built:
            self.assertEqual([], switches(path), path)
        for path in (BUILD / "libpm_core.a", BUILD / "pointsman"):
            self.assertIn("engine_step", symbols(path), f"{path} is stripped")

    def test_the_test_has_them(self):
        """Or the look above would find nothing whatever was there."""
        self.assertIn("needed_stands", switches(BUILD / "tests/sim_test_needed"))

    def test_each_is_in_the_table_once(self):
        table = rows()
        self.assertEqual(len(table), len(set(table)), "a rule has two rows")
        self.assertGreater(len(marks()), 20)
        for name, path in marks().items():
            self.assertIn(name, table, f"{path} marks a rule that has no row")


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
