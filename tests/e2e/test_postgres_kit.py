#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=300
"""The programs of packaging/doc/steps on two real PostgreSQL servers, without Pointsman:
what a step does, that doing it twice is doing it once, and that a fence is kept. With a
writer at both sides that proves what is open. tests/run --all alone."""
import fcntl
import json
import subprocess
import tempfile
import threading
import time
import unittest

from postgres import BIN, Postgres, Writer, lost_seconds, only_in_all
from world import main, wait_for


class Kit(unittest.TestCase):
    def begin(self, **how):
        folder = tempfile.TemporaryDirectory(prefix="pm-kit-")
        self.addCleanup(folder.cleanup)
        pg = Postgres(folder.name)
        pg.__enter__()
        self.addCleanup(pg.__exit__)
        pg.begin(**how)
        self.pg = pg
        return pg, pg.sites["fra"], pg.sites["iad"]

    def writer(self):
        writer = Writer(self.pg.sites).start()
        self.addCleanup(writer.stop)
        return writer

    def step_fails(self, *words):
        status, printed = self.pg.step(*words, ok=False)
        self.assertEqual(1, status, printed)
        return printed

    def test_over_and_back(self):
        pg, fra, iad = self.begin(web=())
        self.assertEqual(("open", "standby of fra"), (fra.state(), iad.state()))
        writer = self.writer()
        writer.wait("fra")

        # Planned: nothing is lost.
        pg.step("fra", "close", 10)
        wait_for(lambda: pg.lag("fra", "iad") == (0, "0"), 20, "nothing outstanding")
        pg.step("iad", "open", 11)
        writer.wait("iad")
        self.assertEqual(("closed", "open"), (fra.state(), iad.state()))
        self.assertEqual([], writer.lost(iad))
        # Twice is once.
        pg.step("fra", "close", 12)
        pg.step("iad", "open", 12)
        self.assertEqual(("closed", "open"), (fra.state(), iad.state()))
        # It follows nobody yet: that is no zero.
        status, said = pg.lag("iad", "fra")
        self.assertEqual((1, "fra follows nobody: it is no standby"), (status, said))

        self.assertIn("pg_rewind", pg.step("fra", "follow", 13, "iad"))
        self.assertIn("already", pg.step("fra", "follow", 14, "iad"))
        self.assertEqual("standby of iad", fra.state())
        self.assertEqual(0, pg.lag("iad", "fra")[0])
        self.assertEqual(pg.lag("fra", "iad", "--either")[0], 0)

        # The primary loses its power: what was on its way is lost, and no more.
        died = iad.power_cut()
        iad.power_on()
        self.assertIn("the server is down", pg.step("iad", "close", 15))
        pg.step("fra", "open", 16)
        writer.wait("fra")
        iad.boot()
        self.assertEqual("standby of nobody", iad.state())
        lost = writer.lost(fra)
        self.assertLess(lost_seconds(lost, died), 5)
        self.assertIn("iad: follows fra, by ", pg.step("iad", "follow", 17, "fra"))
        self.assertEqual("standby of fra", iad.state())
        wait_for(lambda: set(fra.rows()) - set(iad.rows()) == set() or
                 pg.lag("fra", "iad") == (0, "0"), 20)
        writer.stop()
        self.assertEqual(["fra", "iad", "fra"], writer.turns())
        self.assertGreater(writer.refused, 10)
        wait_for(lambda: iad.rows() == fra.rows(), 20)

    def test_base_backup_when_it_cannot_be_rewound(self):
        pg, fra, iad = self.begin(web=())
        pg.step("fra", "close", 1)
        pg.step("iad", "open", 2)
        fra.run(BIN / "pg_ctl", "-D", fra.folder / "conf", "-w", "-s", "-m", "immediate",
                "stop")
        fra.run("rm", "-rf", fra.folder / "data")
        self.assertIn("a fresh base backup", pg.step("fra", "follow", 3, "iad"))
        self.assertEqual("standby of iad", fra.state())

    def test_fence(self):
        pg, fra, iad = self.begin(web=())
        pg.step("fra", "close", 20)
        # A copy of an older attempt comes late: it undoes nothing.
        self.assertIn("refused: fence 19 is older than 20",
                      self.step_fails("fra", "open", "19"))
        self.assertEqual("closed", fra.state())
        self.assertIn("needs a fence", self.step_fails("fra", "open", "-"))
        self.assertIn("needs a fence", self.step_fails("fra", "open", "x"))
        self.assertEqual("closed", fra.state())
        # What the target has seen is on its disk.
        fra.power_cut()
        fra.power_on()
        fra.boot()
        self.step_fails("fra", "open", "19")
        self.assertEqual("closed", fra.state())
        # Numbers belong to a side: the other has seen none.
        pg.step("iad", "open", 5)
        self.assertEqual("open", iad.state())

    def test_one_act_at_a_time(self):
        pg, fra, _ = self.begin(web=())
        conf = fra.folder / "pg-site.conf"
        conf.write_text(conf.read_text() + "lock_wait_s=1\n")
        pg.step("fra", "open", 6)
        with open(fra.folder / "state/lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another act is still at work", self.step_fails("fra", "close", "7"))
        self.assertEqual("open", fra.state())

    def test_close_stops_a_server_that_hangs(self):
        pg, fra, _ = self.begin(web=())
        postmaster = (fra.folder / "data/postmaster.pid").read_text().split()[0]
        subprocess.run(["kill", "-STOP", postmaster], check=True)
        conf = fra.folder / "pg-site.conf"
        conf.write_text(conf.read_text() + "hang_s=2\n")
        self.assertIn("did not answer and was stopped", pg.step("fra", "close", 1))
        fra.boot()
        self.assertEqual("standby of nobody", fra.state())

    def test_close_ends_a_session_that_would_not_end(self):
        pg, fra, _ = self.begin(web=())
        with fra.connect(60) as slow:
            slow.query("BEGIN")
            slow.query("INSERT INTO orders (n, site) VALUES (1, 'fra')")
            pg.step("fra", "close", 1)
            with self.assertRaises(OSError):
                slow.query("COMMIT")
        self.assertEqual({}, fra.rows())

    def test_lag(self):
        pg, fra, iad = self.begin(web=())
        self.assertEqual((0, "0"), pg.lag("fra", "iad"))
        # A standby that stands still: the work that it has not got grows old.
        fra.query("INSERT INTO orders VALUES (1, 'fra')")
        wait_for(lambda: 1 in iad.rows())
        receiver = [int(pid) for pid, in iad.query("SELECT pid FROM pg_stat_wal_receiver")]
        subprocess.run(["kill", "-STOP", *map(str, receiver)], check=True)
        self.addCleanup(subprocess.run, ["kill", "-CONT", *map(str, receiver)])
        fra.query("INSERT INTO orders VALUES (2, 'fra')")
        status, said = pg.lag("fra", "iad")
        self.assertEqual(0, status, said)
        self.assertGreaterEqual(float(said), 0.5)
        subprocess.run(["kill", "-CONT", *map(str, receiver)], check=True)
        wait_for(lambda: pg.lag("fra", "iad") == (0, "0"), 20)
        fra.power_cut()
        status, said = pg.lag("fra", "iad")
        self.assertEqual(1, status)
        self.assertIn("fra cannot be asked where its log ends", said)

    def test_backup_and_restore(self):
        pg, fra, iad = self.begin(standby=False, web=())
        iad.boot()
        for n in range(200):
            fra.query(f"INSERT INTO orders VALUES ({n}, 'fra')")
        before = time.time()
        pg.step("fra", "backup", "-")
        manifest = json.loads((pg.store / "manifest.json").read_text())
        self.assertEqual({"id", "started_at", "completed_at", "encrypted", "size",
                          "sha256"}, set(manifest))
        self.assertLess(abs(before - time.time()), 60)
        dump = (pg.store / f"{manifest['id']}.dump.enc").read_bytes()
        self.assertTrue(dump.startswith(b"Salted__"))
        self.assertNotIn(b"PGDMP", dump)
        fra.query("INSERT INTO orders VALUES (1000, 'fra')")
        kept = dict.fromkeys(range(200), "fra")
        for fence in (3, 4):                    # twice is once
            pg.step("iad", "restore", fence, manifest["id"])
            self.assertEqual(kept, iad.rows())
            self.assertEqual("open", iad.state())
        # Damaged, or not there: nothing is changed.
        (pg.store / f"{manifest['id']}.dump.enc").write_bytes(dump[:-16])
        self.assertIn("not what its manifest says",
                      self.step_fails("iad", "restore", "5", manifest["id"]))
        self.assertIn("there is no backup", self.step_fails("iad", "restore", "6", "none"))
        self.assertEqual(kept, iad.rows())

    def test_machine_that_is_cut_off(self):
        pg, fra, _ = self.begin(web=())
        fra.cut_off()
        done = subprocess.run([pg.bin / "at-site", pg.conf, "fra", pg.bin / "pg-site",
                               fra.folder / "pg-site.conf", "close", "1"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.assertEqual(1, done.returncode)
        self.assertIn("fra cannot be reached", done.stdout)
        fra.reconnect()
        self.assertEqual("open", fra.state())
        for bad in ("a b", "$(id)", "a;b"):
            done = subprocess.run([pg.bin / "at-site", pg.conf, "fra", "/bin/echo", bad],
                                  stdout=subprocess.PIPE, text=True)
            self.assertEqual((1, True), (done.returncode, "plain word" in done.stdout))

    def test_an_act_goes_on_when_its_caller_is_killed(self):
        """As over ssh: so a copy may end late, and the fence is needed."""
        pg, fra, _ = self.begin(web=())
        begun = threading.Event()

        def late():
            begun.set()
            fra.run("sh", "-c", f"sleep 1; exec {pg.bin}/pg-site {fra.folder}/pg-site.conf "
                    "open 3", ok=False)
        thread = threading.Thread(target=late, daemon=True)
        thread.start()
        begun.wait()
        pg.step("fra", "close", 4)
        thread.join(20)
        self.assertEqual("closed", fra.state())


if __name__ == "__main__":
    only_in_all()
    main()
