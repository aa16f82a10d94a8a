#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usage: tests/summary.py [PASS=]JUNIT.xml...

Reads what ctest wrote down and prints the seconds of each suite, how many tests passed,
failed and were skipped, and, in the last line, each skip with its reason.

A test is skipped by exit code 77; the last line that it printed is the reason. A part
of a test is skipped by a line "SKIP: what: why" (unittest's own skips are seen too).
With CI=true in the environment a skip fails the run, unless its reason is that a
package registry is out of reach.
"""
import os
import re
import sys
import xml.etree.ElementTree as ET

PART = re.compile(r"\bSKIP: (.+)$|^(\S+ \(\S+\)) .*\.\.\. skipped ['\"](.*)['\"]$")
EXEMPT = re.compile(r"registry (is )?out of reach", re.I)
SUITES = ["laws", "unit", "sim", "lab", "e2e"]


def last_line(text):
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1] if lines else "no reason printed"


def parts_skipped(text):
    for line in (text or "").splitlines():
        found = PART.search(line.strip())
        if found:
            yield found[1] or f"{found[2]}: {found[3]}"


def read(path):
    """Yields (name, seconds, state, skips) for each test of one ctest run."""
    for case in ET.parse(path).getroot().iter("testcase"):
        name, out = case.get("name"), case.findtext("system-out")
        if case.find("skipped") is not None:
            yield name, float(case.get("time")), "skipped", [f"{name} ({last_line(out)})"]
            continue
        state = "passed" if case.get("status") == "run" else "failed"
        yield (name, float(case.get("time")), state,
               [f"{name} ({part})" for part in parts_skipped(out)])


def main(arguments):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    skips, ci = [], os.environ.get("CI") == "true"
    for argument in arguments:
        title, _, path = argument.rpartition("=")
        suites = {}
        for name, seconds, state, why in read(path):
            suite = suites.setdefault(name.split(".")[0], {"tests": 0, "seconds": 0.0})
            suite["tests"] += 1
            suite["seconds"] += seconds
            totals[state] += 1
            skips += [w for w in why if w not in skips]
        for suite in sorted(suites, key=lambda s: SUITES.index(s) if s in SUITES else 9):
            print(f"{title + ' ' if title else ''}suite {suite:5}"
                  f"{suites[suite]['tests']:4} tests {suites[suite]['seconds']:8.1f} s")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**totals))
    barred = [s for s in skips if ci and not EXEMPT.search(s)]
    if barred:
        print(f"skipping is not allowed in CI: {len(barred)}")
    print(f"skipped: {len(skips)}: {'; '.join(skips)}" if skips else "skipped: none")
    return 1 if barred or totals["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
