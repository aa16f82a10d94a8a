#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=900
"""Backup and restore with pg_dump and pg_restore, encrypted, end to end: nothing runs at
iad; what is restored is compared row by row, and the data lost runs from when the backup's
work began. tests/run --all alone."""
import json
import time
import unittest
from datetime import datetime

from recovery import Recovery, check_report, exec_slot, only_in_all, slots
from world import main, wait_for


def steps(r):
    pg = r.pg
    return slots(
        fence='none: "a lost site cannot be reached; restore asks for approval instead"',
        restore=exec_slot(pg.argv("{to}", "restore", "{backup.id}"), "2m"),
        provision=exec_slot(pg.shop_argv("{to}", "copies", "2")),
        freeze=exec_slot(pg.argv("{from}", "close")),
        backup=exec_slot(pg.argv("{from}", "backup"), "2m"),
        unfreeze=exec_slot(pg.argv("{to}", "open")))


class BackupRestore(unittest.TestCase):
    def test_over_and_back(self):
        r = Recovery("backup-restore", steps, trigger="command", standby=False, web=("fra",),
                     lag=lambda r: f"backup: {{manifest: {r.pg.store}/manifest.json, "
                     "encrypted: true}\n    every: 1s\n    timeout: 1s")
        with r:
            r.pg.begin(standby=False, web=("fra",))
            r.writer.start()
            r.writer.wait("fra")
            r.pg.step("fra", "backup", "-")
            manifest = json.loads((r.pg.store / "manifest.json").read_text())
            began = datetime.fromisoformat(manifest["started_at"]).timestamp()
            r.begin_agents()
            time.sleep(2)                          # rows that no backup has
            died = r.site_dies("fra")
            r.wait_down("fra")
            r.say("failover", "--reason", "fra burns")
            # No fence: somebody must know that fra is dead.
            r.wait_step("restore", "asks")
            r.say("approve", "--reason", "fra has burnt down")
            r.wait_over()
            r.wait_points("iad")
            lost = r.check_over(["fra", "iad"], died)
            # All from before the backup's work began are there: the lost ones are younger.
            self.assertTrue(lost)
            self.assertGreaterEqual(min(row.acked for row in lost), began)
            report = r.incident("failover")
            check_report(report, lost, died)
            self.assertAlmostEqual(died - began, report["rpo_ms"] / 1000, delta=5)
            self.assertEqual(manifest["id"], report["backup_id"])

            # Home again: iad is frozen, dumped, and restored at fra, whose own data is old.
            r.site_returns("fra", boot=False)
            r.say("failback", "--reason", "fra is built anew")
            r.wait_over(180)
            r.wait_points("fra")
            r.writer.wait("fra")
            self.assertEqual(["fra", "iad", "fra"], r.writer.turns())
            self.assertEqual(lost, r.writer.lost(r.sites["fra"]))
            self.assertEqual("closed", r.sites["iad"].state())
            at_iad, at_fra = r.sites["iad"].rows(), r.sites["fra"].rows()
            self.assertEqual(at_iad, {n: s for n, s in at_fra.items() if n in at_iad})
            later = [n for n in at_fra if n not in at_iad]
            self.assertEqual({"fra"}, {at_fra[n] for n in later})
            newest = json.loads((r.pg.store / "manifest.json").read_text())
            self.assertTrue(newest["id"].startswith("iad-"))
            wait_for(lambda: not r.writer.acked("iad", time.time() - 1), 10)


if __name__ == "__main__":
    only_in_all()
    main()
