#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""packaging/pointsman-ca: what it makes, and that it never takes anything away."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
TOOL = ROOT / "packaging/pointsman-ca"


class PointsmanCa(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pointsman-ca-"), "ca")

    def tearDown(self):
        shutil.rmtree(self.folder.parent)

    def tool(self, *words, status=0):
        done = subprocess.run([TOOL, *map(str, words)], text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        self.assertEqual(status, done.returncode, done.stdout)
        return done.stdout

    def openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(0, done.returncode, done.stdout)
        return done.stdout

    def files(self):
        return {p.name: p.read_bytes() for p in self.folder.iterdir()}

    def test_makes_what_agents_need(self):
        self.tool("init", self.folder)
        self.tool("agent", self.folder, "fra", "iad-2", "--days", 90)
        self.assertEqual({"ca.key", "ca.pem", "fra.key", "fra.pem", "iad-2.key", "iad-2.pem"},
                         set(self.files()))
        self.assertEqual(0o700, self.folder.stat().st_mode & 0o777)
        for path in self.folder.iterdir():
            self.assertEqual(0o600 if path.suffix == ".key" else 0o644,
                             path.stat().st_mode & 0o777, path)
        self.assertIn(": OK", self.openssl("verify", "-x509_strict", "-CAfile",
                                           self.folder / "ca.pem", self.folder / "fra.pem"))
        text = self.openssl("x509", "-in", self.folder / "iad-2.pem", "-noout", "-text")
        for words in ("DNS:iad-2\n", "CA:FALSE", "TLS Web Server Authentication, "
                      "TLS Web Client Authentication"):
            self.assertIn(words, text)
        self.openssl("x509", "-in", self.folder / "fra.pem", "-noout", "-checkend", 89 * 86400)
        late = subprocess.run(["openssl", "x509", "-in", self.folder / "fra.pem", "-noout",
                               "-checkend", str(91 * 86400)], stdout=subprocess.DEVNULL)
        self.assertEqual(1, late.returncode)
        keys = {p.read_bytes() for p in self.folder.glob("*.key")}
        self.assertEqual(3, len(keys))

    def test_a_second_time_changes_nothing(self):
        self.tool("init", self.folder)
        self.tool("agent", self.folder, "fra")
        before = self.files()
        self.assertIn("is there, good until", self.tool("init", self.folder))
        self.assertIn("is there, good until", self.tool("agent", self.folder, "fra"))
        self.assertEqual(before, self.files())
        self.tool("agent", self.folder, "fra", "iad")
        self.assertEqual(before, {k: v for k, v in self.files().items()
                                  if not k.startswith("iad")})

    def test_renews_when_told(self):
        self.tool("init", self.folder)
        self.tool("agent", self.folder, "fra", "--days", 20)
        before = self.files()
        self.assertIn("less than 30 days", self.tool("agent", self.folder, "fra"))
        self.assertEqual(before, self.files())
        self.tool("agent", self.folder, "fra", "--renew")
        after = self.files()
        self.assertNotEqual(before["fra.key"], after["fra.key"])
        self.assertNotEqual(before["fra.pem"], after["fra.pem"])
        self.assertEqual(before["ca.pem"], after["ca.pem"])

    def test_overwrites_nothing(self):
        self.tool("init", self.folder)
        self.tool("agent", self.folder, "fra")
        (self.folder / "fra.key").unlink()
        before = self.files()
        self.assertIn("without the other", self.tool("agent", self.folder, "fra", status=1))
        self.assertEqual(before, self.files())
        (self.folder / "ca.key").unlink()
        before = self.files()
        self.assertIn("without the other", self.tool("init", self.folder, status=1))
        self.assertIn("no authority", self.tool("agent", self.folder, "iad", status=1))
        self.assertEqual(before, self.files())
        # a certificate of another authority is not this one's
        other = self.folder.parent / "other"
        self.tool("init", other)
        shutil.copy(self.folder / "fra.pem", other)
        shutil.copy(other / "ca.key", other / "fra.key")
        self.assertIn("not of this authority", self.tool("agent", other, "fra", status=1))

    def test_bad_words(self):
        self.tool("init", self.folder)
        before = self.files()
        for name in ("Fra", "fra.example", "-fra", "a" * 24, "ca", "a/b", "fra,DNS:iad"):
            self.tool("agent", self.folder, name, status=2 if name[0] == "-" else 1)
        for words in ([], ["init"], ["agent", self.folder], ["sign", self.folder],
                      ["init", self.folder, "--days", "x"], ["init", self.folder, "--days"],
                      ["init", self.folder, "--days", "0"], ["init", self.folder, "more"]):
            self.assertIn("usage:", self.tool(*words, status=2))
        self.assertIn("usage:", self.tool("--help"))
        self.assertEqual(before, self.files())


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("openssl is not installed")
        sys.exit(77)
    unittest.main()
