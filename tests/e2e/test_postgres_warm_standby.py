#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=900
"""A warm standby with a real PostgreSQL, end to end: a disaster with approvals, the way
back, a planned switch-over that loses no row, and a fail-back that is refused. Rows are
written at both sites all the time. tests/run --all alone."""
import subprocess
import time
import unittest

from recovery import Recovery, check_report, exec_slot, replicated, only_in_all, slots
from world import main, wait_for


def steps(r):
    pg = r.pg
    return replicated(
        pg, scale_out=exec_slot(pg.shop_argv("{to}", "copies", "3"), more="retries: 2"),
        scale_up=exec_slot(pg.shop_argv("{to}", "copies", "4"))) \
        + "\n" + slots(scale_in=exec_slot(pg.argv("{from}", "follow", "{to}"), "2m"))


def back_home(r):
    """fra was lost and is there again: fail back; iad follows again."""
    r.site_returns("fra", boot=False)
    r.say("failback", "--reason", "fra is repaired")
    r.wait_over()
    r.wait_points("fra")
    assert r.sites["iad"].state() == "standby of fra", r.logs()


class WarmStandby(unittest.TestCase):
    def test_a_site_is_gone_and_cannot_be_fenced(self):
        with Recovery("warm-standby", steps) as r:
            r.begin()
            died = r.site_dies("fra")
            r.wait_step("begin", "asks")
            r.say("approve", "--reason", "the data centre says so")
            # Nobody can tell fra anything: the fence fails, the run stands still.
            r.wait_step("fence", "failed")
            self.assertEqual({"fra"}, r.points())
            r.say("skip", "--reason", "fra has no power")
            # … and does not promote before somebody says that both sides may be open.
            r.wait_step("promote", "asks")
            self.assertEqual("standby of fra", r.sites["iad"].state())
            r.say("approve", "--reason", "seen by our own eyes")
            r.wait_over()
            r.wait_points("iad")
            wait_for(lambda: r.answers() == {"iad"}, 20, "DNS to answer iad")
            lost = r.check_over(["fra", "iad"], died)
            check_report(r.incident("failover"), lost, died)
            back_home(r)
            r.writer.wait("fra")
            self.assertEqual(["fra", "iad", "fra"], r.writer.turns())
            # What was promised at iad is all at fra; what was lost is what was lost before.
            self.assertEqual(lost, r.writer.lost(r.sites["fra"]))
            r.writer.stop()
            wait_for(lambda: r.sites["iad"].rows() == r.sites["fra"].rows(), 30)

    def test_planned_loses_nothing(self):
        with Recovery("warm-standby", steps, trigger="command") as r:
            r.begin()
            r.say("failover", "--planned", "--reason", "a generator is tested")
            r.wait_over()
            r.wait_points("iad")
            r.check_over(["fra", "iad"])
            self.assertEqual("closed", r.sites["fra"].state())
            back_home(r)
            r.check_over(["fra", "iad", "fra"])
            r.writer.stop()
            wait_for(lambda: r.sites["iad"].rows() == r.sites["fra"].rows(), 30)

    def test_the_primary_comes_back_in_the_middle(self):
        """Its services die, the fence holds, and then it boots: nothing is accepted there."""
        with Recovery("warm-standby", steps) as r:
            r.begin()
            died = r.sites["fra"].services_die()
            r.wait_step("begin", "asks")
            r.say("approve", "--reason", "a test says so")
            wait_for(lambda: r.sites["iad"].state() in ("open", "closed") or
                     (r.sites["fra"].folder / "data/standby.signal").exists(), 60)
            r.site_returns("fra")
            r.wait_over()
            r.wait_points("iad")
            time.sleep(2)                          # more rows are tried at both
            lost = r.check_over(["fra", "iad"], died)
            check_report(r.incident("failover"), lost, died)

    def test_a_fail_back_is_refused_while_the_lag_is_too_high(self):
        # With a reverse of its own the run would begin, and wait behind it.
        def followed_by_hand(r):
            return "\n".join('      reverse: {none: "done by hand, before"}'
                             if line.startswith("      reverse:") else line
                             for line in steps(r).splitlines())
        with Recovery("warm-standby", followed_by_hand, trigger="command",
                      more="catch_up: 500ms") as r:
            r.begin()
            r.say("failover", "--planned")
            r.wait_over()
            # fra follows iad and stands still.
            fra = r.sites["fra"]
            seen = (fra.folder / "state/fence").read_text().strip()
            r.pg.step("fra", "follow", seen, "iad")
            receiver, = fra.query("SELECT pid FROM pg_stat_wal_receiver")[0]
            subprocess.run(["kill", "-STOP", receiver], check=True)
            try:
                said = wait_for(lambda: self.refusal(r), 30, "a fail-back to be refused")
            finally:
                subprocess.run(["kill", "-CONT", receiver], check=True)
            self.assertRegex(said, r"lag.*\d")
            print(f"  refused: {said.strip()}")
            r.check_over(["fra", "iad"])
            wait_for(lambda: r.pg.lag("iad", "fra") == (0, "0"), 30)
            wait_for(lambda: r.say("failback", ok=False)[0] == 0, 30, "a fail-back")
            r.wait_over()
            r.check_over(["fra", "iad", "fra"])

    def refusal(self, r):
        """Asked only while the agents know that the lag is high."""
        if float(r.pg.lag("iad", "fra")[1] or 0) < 2:
            return None
        status, printed = r.say("failback", ok=False)
        self.assertEqual(1, status, printed)
        return printed


if __name__ == "__main__":
    only_in_all()
    main()
