# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=240
"""What would be lost now, as a running agent measures it: turns, metrics, a reload, doctor.

The sources themselves are tested by unit.test_lag_sources; here one agent samples a lag by
HTTP, a program and a manifest while they change their minds.
"""
import http.server
import json
import os
import re
import signal
import threading
import time
import unittest
import urllib.request

from world import World, wait_for


class Place:
    """Answers .body with .status, or hangs."""

    def __init__(self):
        self.status, self.body, self.hangs, self.asked = 200, "", False, 0
        self.release = threading.Event()
        place = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                place.asked += 1
                try:
                    if place.hangs:
                        place.release.wait(2)
                    data = place.body.encode()
                    self.send_response(place.status)
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def says(self, seconds):
        self.status, self.hangs = 200, False
        self.body = json.dumps({"lag": {"seconds": seconds}})

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def stamp(ago_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


class Lag(unittest.TestCase):
    def setUp(self):
        self.place = Place()
        self.addCleanup(self.place.close)
        self.place.says(1.25)
        self.world = self.enterContext(World(fast=True))
        self.text = self.world.text()

    def write(self, check, rpo="5s", kind="multi-site", steps="", every="300ms",
              timeout="200ms"):
        self.world.write_config(self.text.replace("zones:\n", (
            f"  behind:\n    {check}\n    every: {every}\n    timeout: {timeout}\n    recheck: 100ms\n"
            "zones:\n"), 1) + (
            f"scenarios:\n  shop-dr:\n    kind: {kind}\n    service: www\n"
            f"    primary: a\n    recovery: b\n    rto: 10m\n    rpo: {rpo}\n"
            f"    lag: behind\n    trigger: command\n    steps:\n{steps}"))

    def by_http(self, **more):
        self.write(f'http: {{url: "{self.place.url}/lag?of={{to}}", json: lag.seconds}}',
                   steps="      scale_out: {none: nothing}\n", **more)

    def metrics(self):
        with urllib.request.urlopen(f"http://{self.world.page}/metrics", timeout=10) as page:
            text = page.read().decode()
        return {name: float(value) for name, value in re.findall(
            r'^pointsman_(rpo_\w+|exposure_\w+)\{scenario="shop-dr"\} (\S+)$', text, re.M)}

    def turn(self, value, since, seconds=30):
        found = self.world.agent.wait("lag", seconds, since=since, value=value)
        return found["text"]

    def test_turns(self):
        w, place = self.world, self.place
        self.by_http()
        w.begin()
        self.assertIn("1.25 s would be lost now if a were lost, within the RPO of 5 s",
                      self.turn("within", 0))
        self.assertEqual({"rpo_seconds": 5, "exposure_known": 1, "exposure_seconds": 1.25},
                         self.metrics())
        since = w.agent.mark()
        place.says(42)
        self.assertIn("42 s would be lost now if a were lost, beyond the RPO of 5 s",
                      self.turn("beyond", since))
        self.assertEqual(42, self.metrics()["exposure_seconds"])
        since = w.agent.mark()
        place.body = "<html>"
        self.assertIn("not known: check behind: not JSON", self.turn("unknown", since))
        # Unknown is not 0, and not what it was.
        self.assertEqual({"rpo_seconds": 5, "exposure_known": 0}, self.metrics())
        since = w.agent.mark()
        place.says(0)
        self.assertIn("0 s would be lost", self.turn("within", since))
        self.assertEqual(0, self.metrics()["exposure_seconds"])
        # Silence is bounded.
        since, place.hangs = w.agent.mark(), True
        self.turn("unknown", since)
        place.says(0.5)
        self.turn("within", since)
        # Said at its turns alone.
        since, asked = w.agent.mark(), place.asked
        wait_for(lambda: place.asked > asked + 5, 30)
        self.assertEqual([], w.agent.find("lag", since=since))

    def test_reload(self):
        w = self.world
        self.by_http()
        w.begin()
        self.turn("within", 0)
        since = w.agent.mark()
        self.by_http(rpo="1s")
        w.agent.process.send_signal(signal.SIGHUP)
        self.turn("beyond", since)      # it remembers what it said, and measures anew
        self.assertEqual(1, self.metrics()["rpo_seconds"])
        since = w.agent.mark()
        w.write_config(self.text)
        w.agent.process.send_signal(signal.SIGHUP)
        w.agent.wait("started", since=since, text="read anew")
        asked = self.place.asked
        self.assertEqual({}, self.metrics())
        time.sleep(1)
        self.assertLessEqual(self.place.asked - asked, 1)

    def test_a_program(self):
        w = self.world
        w.folder.chmod(0o755)
        program = w.folder / "behind"
        program.write_text('#!/bin/sh\n[ "$1" = a ] && [ "$2" = b ] || exit 9\n'
                           f'cat {w.folder}/seconds\n')
        program.chmod(0o755)
        (w.folder / "seconds").write_text("2.5\n")
        self.write(f'exec: {{argv: [{program}, "{{from}}", "{{to}}"], seconds: stdout}}',
                   steps="      scale_out: {none: nothing}\n", every="500ms", timeout="400ms")
        w.begin()
        self.assertIn("2.5 s would be lost", self.turn("within", 0))
        os.remove(w.folder / "seconds")
        self.assertIn("exit status 1", self.turn("unknown", w.agent.mark()))

    def test_backups_age(self):
        w = self.world
        w.folder.chmod(0o755)
        latest = w.folder / "latest.json"
        latest.write_text(json.dumps({"id": "b1", "started_at": stamp(3600),
                                      "completed_at": stamp(1800)}))
        latest.chmod(0o644)
        self.write(f"backup: {{manifest: {latest}}}", rpo="2h", every="1s", timeout="900ms",
                   steps="      scale_out: {none: nothing}\n")
        w.begin()
        self.assertIn("1 h 0 m would be lost now if a were lost, within the RPO of 2 h 0 m",
                      self.turn("within", 0))
        before = self.metrics()["exposure_seconds"]
        self.assertAlmostEqual(3600, before, delta=60)
        wait_for(lambda: self.metrics()["exposure_seconds"] > before + 2, 30)
        since = w.agent.mark()
        latest.write_text(json.dumps({"id": "b0", "started_at": stamp(9000),
                                      "completed_at": stamp(8000)}))
        self.assertIn("see why no newer backup is complete", self.turn("beyond", since))
        since = w.agent.mark()
        latest.write_text(json.dumps({"id": "b1", "started_at": stamp(60),
                                      "completed_at": stamp(90)}))
        self.assertIn("completed before it was started", self.turn("unknown", since))
        # The last that was known is still there to be restored.
        scenario = w.status()["scenarios"][0]
        self.assertEqual(("b0", None), (scenario["backup_id"], scenario["exposure_ms"]))

    def test_doctor(self):
        w = self.world
        self.by_http()
        text = w.command("doctor")[1]
        self.assertIn("good     lag of shop-dr: 1.25 s would be lost now if a were lost "
                      "(RPO 5 s; check behind", text)
        self.place.status = 403
        code, text = w.command("doctor")
        self.assertEqual(1, code, text)
        self.assertIn("wrong    lag of shop-dr: check behind: it answered with status 403: "
                      "ask the url by hand", text)
        self.place.says(60)
        self.assertIn("warn     lag of shop-dr: 1 m would be lost now, beyond the RPO of 5 s",
                      w.command("doctor")[1])


if __name__ == "__main__":
    unittest.main()
