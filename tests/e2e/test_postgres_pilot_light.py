#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=900
"""A pilot light with a real PostgreSQL, end to end: at iad only a replica runs; web servers
are started and an address is attached when they are needed. tests/run --all alone."""
import unittest

from recovery import Recovery, check_report, exec_slot, replicated, only_in_all, slots
from world import main


def steps(r):
    pg = r.pg
    r.sites["iad"].needs_address()
    return replicated(pg) + "\n" + slots(
        provision=exec_slot(pg.shop_argv("{to}", "copies", "2")),
        attach=exec_slot(pg.shop_argv("{to}", "attach")))


class PilotLight(unittest.TestCase):
    def test_over_and_back(self):
        with Recovery("pilot-light", steps, web=("fra",)) as r:
            r.begin()
            died = r.sites["fra"].services_die()
            r.agent["fra"].kill()
            r.wait_step("begin", "asks")
            self.assertEqual({"fra"}, r.points())
            r.say("approve", "--reason", "go")
            r.wait_over()
            r.wait_points("iad")
            lost = r.check_over(["fra", "iad"], died)
            report = r.incident("failover")
            check_report(report, lost, died)
            done = [s["slot"] for s in report["steps"] if s["outcome"] == "done"]
            self.assertEqual(["begin", "fence", "promote", "provision", "attach", "ready",
                              "repoint"], done)
            # It comes back as it was left: closed.
            r.site_returns("fra")
            self.assertNotEqual("open", r.sites["fra"].state())
            r.say("failback")
            r.wait_over()
            r.wait_points("fra")
            r.writer.wait("fra")
            self.assertEqual(["fra", "iad", "fra"], r.writer.turns())
            self.assertEqual(lost, r.writer.lost(r.sites["fra"]))
            self.assertEqual("closed", r.sites["iad"].state())


if __name__ == "__main__":
    only_in_all()
    main()
