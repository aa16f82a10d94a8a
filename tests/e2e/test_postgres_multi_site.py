#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=900
"""Both sites serve, the database has one writer, which is cut over by itself when its site is
lost: automatic, no approval, lag from a JSON answer. tests/run --all alone."""
import unittest

from recovery import Recovery, check_report, exec_slot, replicated, only_in_all, slots
from world import main

SERVICE = """hold: 1s
    spacing: 3s
    return: {hold: 4s, hold_max: 8s, per_hour: 4, latch_after: 8}
    ramp: {steps: [50%, 100%], every: 1s}"""


def steps(r):
    pg = r.pg
    return replicated(pg, scale_out=exec_slot(pg.shop_argv("{to}", "copies", "2"),
                                              more="on_failure: continue")) \
        + "\n" + slots(scale_in=exec_slot(pg.argv("{from}", "follow", "{to}"), "2m"))


class MultiSite(unittest.TestCase):
    def test_writer_is_cut_over_and_comes_back(self):
        r = Recovery("multi-site", steps, policy="weighted", service=SERVICE,
                     trigger="automatic", at_first=("fra", "iad"),
                     lag=lambda r: "http: {url: \"http://%s:%s/lag\", json: seconds}\n"
                     "    every: 1s\n    timeout: 1s" % (
                         r.sites["iad"].host, r.sites["iad"].web_port))
        with r:
            r.begin()
            r.wait_run(lambda run: run["way"] == "none", 30, "no run")
            died = r.sites["fra"].services_die()
            r.agent["fra"].kill()
            r.wait_points("iad")                  # steering itself, in seconds
            r.writer.wait("iad", 60)              # then the scenario
            r.wait_over()
            lost = r.check_over(["fra", "iad"], died)
            report = r.incident("failover")
            check_report(report, lost, died)
            self.assertEqual([], [o for o in report["orders"] if o["order"] == "approve"])
            r.site_returns("fra")
            # §4 leaves the service alone until the writer is home again.
            self.assertEqual({"iad"}, r.points())
            r.say("failback")
            r.wait_over()
            r.wait_points("fra", "iad")
            r.writer.wait("fra")
            self.assertEqual(["fra", "iad", "fra"], r.writer.turns())
            self.assertEqual(lost, r.writer.lost(r.sites["fra"]))
            self.assertEqual("standby of fra", r.sites["iad"].state())


if __name__ == "__main__":
    only_in_all()
    main()
