#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a prober worker that was taken over can still do: each thing that it must not is
tried unconfined, behind the system-call filter alone, and confined as a worker is."""
import os
import signal
import subprocess
import sys
import unittest

TOOL = os.path.join(os.environ.get("BUILD_DIR", "build"), "tests", "tool_sandbox")
EPERM = "refused: Operation not permitted"
REFUSED = ["open", "create", "stat", "fork", "unix", "pair", "netlink", "raw", "code", "kill"]
DEADLY = ["exec", "ptrace"]


def attempt(how, thing):
    """(exit status or −signal, last word)"""
    ran = subprocess.run([TOOL, how, thing], capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout.strip() or ran.stderr.strip()


class Sandbox(unittest.TestCase):
    def test_unconfined(self):
        """The attempts themselves work: a refusal below is the sandbox's."""
        for thing in REFUSED:
            if thing == "raw" and os.geteuid() != 0:
                continue
            self.assertEqual((0, "done"), attempt("none", thing), thing)
        self.assertEqual(0, attempt("none", "exec")[0])
        self.assertIn(attempt("none", "ptrace")[0], (0, ))

    def test_filter_alone(self):
        for thing in REFUSED:
            self.assertEqual((0, EPERM), attempt("filter", thing), thing)
        for thing in DEADLY:
            self.assertEqual((-signal.SIGSYS, ""), attempt("filter", thing), thing)

    def test_worker(self):
        for thing in REFUSED:
            self.assertEqual((0, EPERM), attempt("worker", thing), thing)
        for thing in DEADLY:
            self.assertEqual((-signal.SIGSYS, ""), attempt("worker", thing), thing)

    def test_what_a_worker_needs(self):
        self.assertEqual((0, "done"), attempt("worker", "tcp"))
        self.assertEqual(-signal.SIGABRT, attempt("worker", "abort")[0])


if __name__ == "__main__":
    if subprocess.run([TOOL, "relaxed"], check=False).returncode == 0:
        print("skipped: a sanitizer's build has no system-call filter")
        sys.exit(77)
    unittest.main()
