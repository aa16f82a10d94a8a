#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""`pointsman doctor` among agents: our certificate, where we listen, and each peer."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get("BUILD_DIR") or ".").resolve()
CA = SOURCE / "packaging/pointsman-ca"

CONFIG = """cluster: many
sites: [fra, iad]
agents:
  fra: {{url: "https://127.0.0.1:{fra}", site: fra}}
  iad: {{url: "https://127.0.0.1:{iad}", site: iad}}
  wit: {{url: "https://127.0.0.1:{wit}"}}
tls: {{cert: fra.pem, key: fra.key, ca: ca.pem}}
state: ./state
checks: {{web: {{tcp: {{port: 80}}}}}}
zones:
  lab: {{name: example.test, route53: {{zone_id: Z1, endpoint: "http://127.0.0.1:1"}}, nameservers: ["127.0.0.1:1"]}}
services:
  www:
    zone: lab
    names: [www.example.test]
    check: web
    members: {{fra: {{answers: {{A: [192.0.2.1]}}}}, iad: {{answers: {{A: [192.0.2.2]}}}}}}
"""


class DoctorOfPeers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="doctor-peers-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.ca("init", self.folder)
        self.ca("agent", self.folder, "fra", "iad", "wit")
        self.port = {"fra": self.free(), "iad": self.free(), "wit": self.free()}

    def free(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            return s.getsockname()[1]

    def ca(self, *words):
        subprocess.run([CA, *words], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def agent(self, name, folder=None):
        """A peer that runs."""
        process = subprocess.Popen(
            [BUILD / "tests/tool_peer", folder or self.folder, name, "fra", "iad", "wit"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "IDLE_MS": "60000"})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        self.port[name] = int(process.stdout.readline())

    def finds(self):
        config = Path(self.folder, "pointsman.yaml")
        config.write_text(CONFIG.format(**self.port))
        done = subprocess.run(
            [BUILD / "pointsman", "doctor", "-c", config, "--agent", "fra", "--json"],
            text=True, timeout=120, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"})
        self.assertEqual(1, done.returncode, done.stdout)  # there is no zone
        return json.loads(done.stdout)["findings"]

    def says(self, level, what, *texts):
        found = self.finds()
        self.assertTrue([f for f in found if f["level"] == level and f["what"] == what
                         and all(t in f["text"] for t in texts)],
                        (level, what, texts, found))
        return found

    def test_well(self):
        self.agent("iad")
        self.agent("wit")
        found = self.says("good", "tls", "fit together; good until 20")
        for what, text in [("listen", "is free"), ("peer iad", "answers in "),
                           ("peer wit", ", pointsman ")]:
            self.assertTrue([f for f in found if f["level"] == "good" and f["what"] == what
                             and text in f["text"]], (what, found))

    def test_ways_that_do_not_lead_there(self):
        self.agent("iad")
        self.port["wit"], _ = self.port["iad"], self.port["wit"]
        self.port["iad"] = self.free()
        found = self.says("wrong", "peer iad", "cannot connect: is the agent running")
        self.assertTrue([f for f in found if f["what"] == "peer wit"
                         and "names 'iad', not 'wit'" in f["text"]], found)

    def test_silence_and_another_program(self):
        hole = socket.create_server(("127.0.0.1", 0))
        other = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(hole.close)
        self.addCleanup(other.close)

        def answer():
            peer, _ = other.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"220 mail.example ESMTP\r\n")

        threading.Thread(target=answer, daemon=True).start()
        self.port["iad"] = hole.getsockname()[1]
        self.port["wit"] = other.getsockname()[1]
        found = self.says("wrong", "peer iad", "no answer within 3000 ms", "firewall")
        self.assertTrue([f for f in found if f["level"] == "wrong"
                         and f["what"] == "peer wit"], found)

    def test_other_authority(self):
        with tempfile.TemporaryDirectory() as other:
            self.ca("init", other)
            self.ca("agent", other, "iad")
            self.agent("iad", other)
            self.says("wrong", "peer iad", "our authority (tls.ca) did not sign")

    def test_our_own_files(self):
        self.ca("agent", self.folder, "fra", "--renew", "--days", "20")
        self.says("warn", "tls.cert", "expires on ", "--renew")
        shutil.copy(f"{self.folder}/iad.pem", f"{self.folder}/fra.pem")
        self.says("wrong", "tls", "fra.key is not the key of ")
        shutil.copy(f"{self.folder}/iad.key", f"{self.folder}/fra.key")
        self.says("wrong", "tls", "is the certificate of 'iad'", "DNS:fra")

    def test_an_address_that_is_taken(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        self.port["fra"] = taken.getsockname()[1]
        self.says("wrong", "listen", "is taken by another program")


if __name__ == "__main__":
    if not shutil.which("openssl"):
        print("openssl is not installed")
        sys.exit(77)
    unittest.main()
