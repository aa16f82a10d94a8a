#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=300
"""The same agent against ministack, a Route 53 that we did not write.

It compares and swaps rightly, answers with its own XML, escapes nothing, says PENDING
and then INSYNC, checks no signature and has no DNS side. What an agent does on the lab
it must do here: make an empty zone its own, drain, return by ramp, close a change that
it died over, and be put right after its ledger was deleted.
"""
import os
import subprocess
import sys
import tempfile
import time
import unittest

from faulty import FaultyMesh
from world import (BUILD, SECRET, SOURCE, World, address, free_port, lab_module, main,
                   wait_for)

LEDGER = "_pointsman.www.example.test"


class Ministack:
    """One ministack process with the zone example.test; looks like a Lab to World."""

    def __init__(self, venv):
        self.venv = venv

    def start(self):
        host = address()
        self.port = free_port(host)
        self.http = f"{host}:{self.port}"
        self.url = f"http://{self.http}"
        # It has no DNS side: a port where nothing listens.
        self.servers = [(host, free_port(host))]
        self.folder = tempfile.TemporaryDirectory(prefix="ministack-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        env = {"PATH": f"{self.venv}/bin:/usr/bin:/bin", "HOME": self.folder.name,
               "TMPDIR": self.folder.name, "GATEWAY_PORT": str(self.port),
               "BIND_HOST": host, "SERVICES": "route53", "LOG_LEVEL": "WARNING",
               "DOCKER_HOST": f"unix://{self.folder.name}/no-docker"}
        self.process = subprocess.Popen(
            [f"{self.venv}/bin/ministack"], env=env, cwd=self.folder.name,
            stdout=self.log, stderr=subprocess.STDOUT,
            preexec_fn=lab_module._die_with_parent)
        self.client = self._client()
        wait_for(self._zone, 60, "ministack's answer")
        return self

    def _client(self):
        import botocore.session
        from botocore.config import Config
        return botocore.session.Session().create_client(
            "route53", region_name="us-east-1", endpoint_url=self.url,
            aws_access_key_id="AKIDLAB", aws_secret_access_key=SECRET,
            config=Config(retries={"max_attempts": 0}, proxies={}))

    def _zone(self):
        assert self.process.poll() is None, open(self.log.name).read()[-2000:]
        try:
            zone = self.client.create_hosted_zone(
                Name="example.test", CallerReference="test")["HostedZone"]["Id"]
        except Exception:  # noqa: B902  not up yet
            return None
        self.zone_id = zone.rsplit("/", 1)[-1]
        return self.zone_id

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def list(self):
        return self.client.list_resource_record_sets(
            HostedZoneId=self.zone_id, MaxItems="300")["ResourceRecordSets"]

    def change(self, action, record):
        self.client.change_resource_record_sets(
            HostedZoneId=self.zone_id, ChangeBatch={"Changes": [
                {"Action": action, "ResourceRecordSet": record}]})

    def state(self):
        """As the lab's own state, so far as World looks at it."""
        state = lab_module.State("")
        for s in self.list():
            weight = s.get("Weight")
            state.sets.append({
                "name": s["Name"].rstrip(".") + ".", "type": s["Type"],
                "set_id": s.get("SetIdentifier"),
                "policy": "simple" if weight is None else f"weighted={weight}",
                "ttl": s.get("TTL"),
                "values": [v["Value"] for v in s.get("ResourceRecords", [])]})
        return state


class Quorum(FaultyMesh):
    """Three agents on a ministack of their own."""

    def __init__(self, zone):
        super().__init__()
        self.lab = zone

    def text(self, name):
        return super().text(name).replace("ZLAB", self.lab.zone_id)


class AgainstMinistack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.zone = Ministack(VENV).start()

    @classmethod
    def tearDownClass(cls):
        cls.zone.stop()

    def test_steers(self):
        self.zone.change("CREATE", {"Name": "other.example.test", "Type": "A", "TTL": 60,
                                    "ResourceRecords": [{"Value": "192.0.2.1"}]})
        with World(lab=self.zone) as w:
            w.begin()
            self.assertEqual(w.ledger().epoch, 1)
            killed = w.web["b"].kill()
            w.wait_weights(a=100, b=0)
            print(f"refused, fast profile, seen in ministack after "
                  f"{(time.time() - killed) * 1000:.0f} ms")
            w.agent.wait("insync", epoch="2")
            w.web["b"].start()
            w.wait_weights(a=100, b=100)
            w.agent.wait("committed", epoch="5")
            self.assertEqual([f["value"] for f in w.agent.find("committed")],
                             ["create", "drain", "return", "ramp", "ramp"])
            self.assertEqual(w.ledger().epoch, 5)
            # Killed when a change leaves: the next run closes it and steers on.
            since = w.agent.mark()
            w.web["b"].do("503")
            w.agent.wait("change_sent", since=since)
            w.agent.kill()
            since = w.agent.mark()
            w.agent.start()
            w.agent.wait("verdict", since=since, member="b", value="DOWN")
            w.wait_weights(a=100, b=0)
            self.assertEqual(w.ledger().weights(), w.sets())
            self.assertLessEqual(w.ledger().epoch, 7)
            # The ledger is deleted by hand: said, frozen, and adopt goes on.
            ledger = [s for s in self.zone.list() if s["Type"] == "TXT"][0]
            self.zone.change("DELETE", ledger)
            w.web["b"].do("200")
            w.agent.wait("frozen", since=since, value="lost")
            self.assertEqual(w.sets(), {"a": 100, "b": 0})
            code, text = w.command("adopt", "www", "--yes")
            self.assertEqual(code, 0, text)
            w.wait_weights(a=100, b=100)
        names = {s["Name"].rstrip(".") for s in self.zone.list()} - {"example.test"}
        self.assertEqual(names, {"www.example.test", LEDGER, "other.example.test"})

    def test_a_quorum_steers(self):
        """One agent is cut off from its peers, not from the zone; a site dies."""
        with Quorum(Ministack(VENV)) as m:
            m.begin(60)
            self.assertEqual(m.ledger().epoch, 1)
            m.net.fault(m.ways("a", peers=True, heard=True), "hole")
            for name in ("b", "w"):
                wait_for(lambda: not m.peer(name, "a")["heard"], 20)
            m.web["b"].kill()
            m.wait_weights(a=100, b=0)
            self.assertIn(m.writer(), ("b", "w"))
            m.heal()
            m.wait_heard(40)
            for agent in m.agent.values():
                wait_for(lambda: agent.service()["ledger"]["epoch"] == 2, 60)
            self.assertEqual(m.ledger().epoch, 2)
            m.web["b"].start()
            m.wait_weights(60, a=100, b=100)
            wrote = [f["epoch"] for agent in m.agent.values()
                     for f in agent.find("committed")]
            self.assertEqual(sorted(wrote), sorted(set(wrote)), "two wrote one epoch")


if __name__ == "__main__":
    env = subprocess.run([str(SOURCE / "tests/python-env"), str(BUILD)],
                         stdout=subprocess.PIPE, text=True)
    if env.returncode != 0:
        print("skipped: " + env.stdout.strip() if env.returncode == 77 else env.stdout)
        sys.exit(env.returncode)
    VENV = env.stdout.strip().splitlines()[-1]
    main()
