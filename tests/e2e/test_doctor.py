#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""`pointsman doctor`: well when all is well; a sentence and its cure for each illness."""
import http.server
import json
import os
import socket
import threading
import unittest
from pathlib import Path

from world import World, free_port, main

LISTED = "canaries: [%s]\n"


class Denies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # noqa: N802
        body = (b'<ErrorResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/">'
                b"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User x is "
                b"not authorized</Message></Error></ErrorResponse>")
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Doctor(unittest.TestCase):
    def world(self, *options, **more):
        w = World(*options, **more)
        w.__enter__()
        self.addCleanup(w.__exit__, None, None, None)
        return w

    def ask(self, w, want, *words):
        code, text = w.command("doctor", *words, seconds=60)
        self.assertEqual(want, code, text)
        self.assertNotIn("lab-secret", text)
        return text

    def finds(self, w, want, level, what, *texts):
        """The findings, after checking that one of them says this."""
        found = json.loads(self.ask(w, want, "--json"))["findings"]
        self.assertTrue(
            [f for f in found if f["level"] == level and f["what"] == what
             and all(t in f["text"] for t in texts)], (level, what, texts, found))
        return found

    def canaries(self, *states):
        """top= for canaries that listen (True) or do not."""
        ports = []
        for alive in states:
            s = socket.create_server(("127.0.0.1", 0))
            ports.append(s.getsockname()[1])
            if alive:
                self.addCleanup(s.close)
            else:
                s.close()
        return LISTED % ", ".join(f'"tcp://127.0.0.1:{p}"' for p in ports)

    def test_all_is_well_before_during_and_after(self):
        w = self.world(top=self.canaries(True, True, True))
        text = self.ask(w, 0)
        for part in ("state: ", "the agent will make it", "is free",
                     "a worker starts", "credentials: environment", "can be listed",
                     "can be followed", "answers for it", "0 wrong"):
            self.assertIn(part, text)
        self.assertFalse(Path(w.folder, "state").exists(), "it made something")
        self.assertEqual([], w.changes(), "it wrote")
        w.begin()
        w.agent.wait("answered")
        text = self.ask(w, 0)
        for part in ("an agent runs on it", "an agent answers",
                     "is held; an agent runs here", "and shows a ledger"):
            self.assertIn(part, text)
        w.agent.stop()
        self.assertIn("can be written", self.ask(w, 0))
        answer = json.loads(self.ask(w, 0, "--json"))
        self.assertTrue(answer["ok"])
        self.assertEqual("one", answer["agent"])
        self.assertEqual(0, answer["wrong"])

    def test_credentials(self):
        w = self.world()
        w.agent.env["AWS_SECRET_ACCESS_KEY"] = "wrong"
        self.finds(w, 1, "wrong", "zone lab", "look at the secret key", "clock")
        w.agent.env["AWS_ACCESS_KEY_ID"] = "AKIDOTHER"
        self.finds(w, 1, "wrong", "zone lab", "does not accept the credentials")
        del w.agent.env["AWS_ACCESS_KEY_ID"]
        self.finds(w, 1, "wrong", "zone lab", "AWS_ACCESS_KEY_ID is not")

    def test_permissions(self):
        w = self.world()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Denies)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        w.write_config(w.text().replace(
            w.lab.url, f"http://127.0.0.1:{server.server_port}"))
        self.finds(w, 1, "wrong", "zone lab", "allow route53:ListResourceRecordSets",
                   "'pointsman iam' prints the policy")

    def test_zone_that_is_not_there(self):
        w = self.world()
        w.write_config(w.text().replace("ZLAB", "ZOTHER"))
        self.finds(w, 1, "wrong", "zone lab", "does not exist for these credentials")

    def test_api_out_and_name_server_out(self):
        w = self.world()
        port = free_port("127.0.0.1")
        host, dns = w.lab.servers[0]
        w.write_config(w.text().replace(w.lab.url, f"http://127.0.0.1:{port}").replace(
            f"{host}:{dns}", f"{host}:{free_port(host)}"))
        found = self.finds(w, 1, "wrong", "zone lab", "Failed to connect")
        self.assertTrue([f for f in found if "53 out to it" in f["text"]
                         and f["level"] == "wrong"], found)

    def test_clock(self):
        w = self.world()
        w.lab.fault("clock=-20")
        found = json.loads(w.command("doctor", "--json", seconds=60)[1])["findings"]
        clock = [f for f in found if f["what"] == "clock"]
        self.assertEqual("warn", clock[0]["level"], found)
        self.assertIn("ahead of the API's clock: run NTP", clock[0]["text"])
        w.lab.fault("clock=4000")
        self.finds(w, 1, "wrong", "clock", "behind the API's clock, and AWS refuses")

    def test_canaries(self):
        w = self.world(top=self.canaries(True, True, False))
        self.finds(w, 0, "warn", self.dead_canary(w), "Connection refused", "let")
        w = self.world(top=self.canaries(True, False, False))
        self.finds(w, 1, "wrong", "canaries", "1 of 3", "abstains")
        w = self.world()
        self.finds(w, 0, "warn", "canaries", "none are configured")

    @staticmethod
    def dead_canary(w):
        ports = w.text().split("canaries: [")[1].split("]")[0].split(", ")
        return "canary " + ports[-1].strip('"').replace("tcp://", "")

    def test_ports_and_sockets(self):
        w = self.world()
        host, port = w.page.split(":")
        with socket.create_server((host, int(port))):
            self.finds(w, 1, "wrong", "page", "taken by another program", "ss -ltnp")
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(w.folder / "control.sock"))
            s.listen()
            self.finds(w, 1, "wrong", "control", "in use and no agent answers")
        self.finds(w, 0, "good", "control", "left over")
        w.write_config(w.text().replace(w.page, "192.0.2.1:1"))
        self.finds(w, 1, "wrong", "page", "an address of this machine")

    def test_state_and_files(self):
        w = self.world()
        Path(w.folder, "state").write_text("x")
        self.finds(w, 1, "wrong", "state", "is no directory")
        Path(w.folder, "state").unlink()
        w.config.chmod(0o666)
        self.finds(w, 1, "wrong", "configuration", "can be written by others", "go-w")
        w.config.chmod(0o600)
        w.write_config(w.text().replace("state: ./state", "state: /proc/1/no/state"))
        self.finds(w, 1, "wrong", "state", "owned by the agent's user")
        w.write_config(w.text().replace("state: ./state\n", ""))
        self.finds(w, 0, "warn", "state", "set state")
        w.agent.env["AWS_CA_BUNDLE"] = "/absent.pem"
        self.finds(w, 1, "wrong", "AWS_CA_BUNDLE", "No such file")

    def test_what_steps_need(self):
        w = self.world()
        program = Path(w.folder, "fence")
        w.write_config(w.text() + """scenarios:
  plan:
    kind: warm-standby
    service: www
    primary: a
    recovery: b
    rto: 15m
    rpo: 1m
    trigger: command
    steps:
      fence: {exec: [%s, "{fence}"]}
      promote:
        webhook: {url: "https://x.example/", headers: {Authorization: {file: token}}}
""" % program)
        self.finds(w, 1, "wrong", "plan fence", "the step fails when this agent")
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        self.finds(w, 1, "good", "plan fence", "can be executed")
        self.finds(w, 1, "wrong", "plan promote", "token: No such file")
        token = Path(w.folder, "token")
        token.touch(0o600)
        self.finds(w, 1, "wrong", "plan promote", "is empty")

    def test_shared_file_that_others_read(self):
        w = self.world()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del w.agent.env[name]
        os.mkdir(w.folder / ".aws")
        keys = w.folder / ".aws" / "credentials"
        keys.write_text("[default]\naws_access_key_id=AKIDLAB\n"
                        "aws_secret_access_key=lab-secret\n")
        keys.chmod(0o644)
        self.finds(w, 0, "warn", "zone lab", "chmod 600")
        keys.chmod(0o600)
        self.finds(w, 0, "good", "zone lab", "credentials: profile default of")

    def test_a_state_directory_that_is_not_its_own_keeps_its_mode(self):
        w = self.world()
        folder = Path(w.folder, "state")
        folder.mkdir()
        for mode, text in ((0o1777, "sticky"), (0o770, "written by others (mode 0770)"),
                           (0o707, "chmod 700 it")):
            folder.chmod(mode)
            self.finds(w, 1, "wrong", "state", text)
            code, said = w.command("run", "--agent", "one")
            self.assertEqual(1, code)
            self.assertIn("pointsman: state directory", said)
            self.assertIn(text, said)
            self.assertEqual(mode, folder.stat().st_mode & 0o7777)
            self.assertEqual([], list(folder.iterdir()))
        folder.chmod(0o755)
        self.finds(w, 0, "good", "state", "can be written")
        w.begin()
        self.assertEqual(0o755, folder.stat().st_mode & 0o7777)
        w.agent.stop()
        if os.geteuid() == 0:
            os.chown(folder, 12345, 12345)
            code, said = w.command("run", "--agent", "one")
            self.assertEqual(1, code)
            self.assertIn("belongs to uid 12345", said)

    def test_state_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        w = self.world()
        os.mkdir(w.folder / "state", 0o700)
        os.chown(w.folder / "state", 12345, 12345)
        self.finds(w, 0, "warn", "state", "belongs to uid 12345", "as that user")

    def test_words(self):
        w = self.world()
        self.assertIn("did you mean 'one'?", self.ask(w, 2, "--agent", "on"))
        w.config.write_text("cluster: [")
        self.ask(w, 2)


if __name__ == "__main__":
    main()
