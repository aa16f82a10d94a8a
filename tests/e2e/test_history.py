#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""history: an incident from its first failed probe to full service, as the store of a real
agent tells it: over a restart, when the agent is gone, and on the page of the agent."""
import json
import re
import unittest

from test_metrics import get, metrics
from world import World, main, parallel, wait_for

MARKS = ("fault", "detected", "decided", "committed", "insync", "answered")


def expect(got, status, *parts):
    out = got[1]
    assert got[0] == status, got
    for part in parts:
        assert part in out, (part, out)
    return got[1]


def incident(w, name="www/2"):
    got = w.command("history", name, "--json")
    return json.loads(got[1]) if got[0] in (0, 1) else None


def from_fault_to_full_service():
    with World() as w:
        w.begin()
        expect(w.command("history", "www/2"), 2, "there is no incident 'www/2'",
               "--incidents")
        expect(w.command("history", "nowhere"), 2, "no service of that name")
        expect(w.command("history", "www/x"), 2, "is no incident")
        assert get(w, "/incidents")[2] == "no incident is known here\n"
        w.web["b"].do("refuse")
        w.wait_weights(a=100, b=0)
        w.agent.wait("answered", epoch="2")
        wait_for(lambda: "answered" in (incident(w) or {"marks": {}})["marks"])
        got = incident(w)
        marks = [got["marks"][m] for m in MARKS]
        assert marks == sorted(marks), got["marks"]
        assert (got["state"], got["way"], got["from"]) == ("reached", "none", "b"), got
        assert got["rto_ms"] == marks[-1] + got["ttl_s"] * 1000 - marks[0], got
        assert metrics(w).get("incidents_open", service="www") == 1
        # A restart in between; then it returns.
        w.agent.stop()
        page = expect(w.command("history", "www/2"), 0, "Incident www/2: drain of b of www",
                      "b is out, the others answer")
        w.agent.start()
        w.web["b"].do("listen")
        w.wait_weights(a=100, b=100, seconds=40)
        wait_for(lambda: incident(w)["state"] == "over")
        after = incident(w)
        assert [after["marks"][m] for m in MARKS] == marks, after["marks"]
        assert after["marks"]["full_service"] > marks[-1], after["marks"]
        page = expect(w.command("history", "www/2"), 0, "full service again")
        lines = page.splitlines()
        assert len(lines) <= 60 and all(len(line) <= 80 for line in lines), page
        assert re.search(r"(?m)^RTO +\d+\.\ds; there is no target", page), page
        table = expect(w.command("history", "--incidents"), 0)
        assert re.search(r"(?m)^www/2 .* drain +over ", table), table
        assert re.search(r"(?m)^www/2 .* drain +over ", get(w, "/incidents")[2])
        assert re.search(r"(?m)^www/2 .* drain +over ",
                         expect(w.command("history", "www"), 0))
        rows = json.loads(expect(w.command("history", "--incidents", "--json"), 0))
        assert [r["incident"] for r in rows] == ["www/2"], rows
        assert metrics(w).get("incidents_open", service="www") == 0


class History(unittest.TestCase):
    def test_all(self):
        parallel(from_fault_to_full_service)


if __name__ == "__main__":
    main()
