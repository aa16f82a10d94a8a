# SPDX-License-Identifier: Apache-2.0
"""Debian's aws command, unmodified: list, change, get-change, and pages."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

from lab import KEY_ID, SECRET, Lab, main, rrset

AWS = "/usr/bin/aws"


class AwsCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0").start()
        cls.addClassCleanup(cls.lab.stop)
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)

    def aws(self, *words, secret=SECRET):
        environment = {
            "PATH": "/usr/bin:/bin", "HOME": self.home.name, "LC_ALL": "C.UTF-8",
            "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "*"}
        return subprocess.run(
            [AWS, "route53", *words, "--output", "json", "--endpoint-url", self.lab.url],
            env=environment, capture_output=True, text=True, timeout=60, check=False)

    def good(self, *words):
        done = self.aws(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def batch(self, *changes):
        return json.dumps({"Comment": "by hand", "Changes": [
            {"Action": action, "ResourceRecordSet": record} for action, record in changes]})

    def test_change_and_get_change(self):
        record = rrset("*.example.test", "A", "192.0.2.1", SetIdentifier="a", Weight=10)
        done = self.good("change-resource-record-sets", "--hosted-zone-id", "ZLAB",
                         "--change-batch", self.batch(("CREATE", record)))
        self.assertEqual(done["ChangeInfo"]["Status"], "PENDING")
        self.assertEqual(done["ChangeInfo"]["Comment"], "by hand")
        got = self.good("get-change", "--id", done["ChangeInfo"]["Id"])
        self.assertEqual(got["ChangeInfo"]["Status"], "INSYNC")
        shown = self.good("list-resource-record-sets", "--hosted-zone-id", "ZLAB",
                          "--query", "ResourceRecordSets[?Type=='A']")
        self.assertEqual(shown, [{
            "Name": "\\052.example.test.", "Type": "A", "SetIdentifier": "a", "Weight": 10,
            "TTL": 30, "ResourceRecords": [{"Value": "192.0.2.1"}]}])
        lost = self.aws("change-resource-record-sets", "--hosted-zone-id", "ZLAB",
                        "--change-batch", self.batch(("CREATE", record)))
        self.assertNotEqual(lost.returncode, 0)
        self.assertIn("An error occurred (InvalidChangeBatch)", lost.stderr)
        self.assertIn("but it already exists", lost.stderr)

    def test_pages(self):
        self.lab.bulk(1100)
        everything = [r["name"] for r in self.lab.state().sets]
        self.assertGreater(len(everything), 1000)
        shown = self.good("list-resource-record-sets", "--hosted-zone-id", "ZLAB",
                          "--page-size", "250")
        self.assertEqual([r["Name"] for r in shown["ResourceRecordSets"]], everything)
        first = self.good("list-resource-record-sets", "--hosted-zone-id", "ZLAB",
                          "--max-items", "700")
        self.assertEqual([r["Name"] for r in first["ResourceRecordSets"]],
                         everything[:700])
        rest = self.good("list-resource-record-sets", "--hosted-zone-id", "ZLAB",
                         "--starting-token", first["NextToken"])
        self.assertEqual([r["Name"] for r in rest["ResourceRecordSets"]], everything[700:])

    def test_zones_and_a_wrong_secret(self):
        zones = self.good("list-hosted-zones-by-name", "--dns-name", "example.test")
        self.assertEqual(zones["HostedZones"][0]["Id"], "/hostedzone/ZLAB")
        done = self.aws("list-hosted-zones", secret="wrong")
        self.assertIn("(SignatureDoesNotMatch)", done.stderr)


if __name__ == "__main__":
    if not os.path.exists(AWS):
        print("skipped: Debian's awscli is not installed")
        sys.exit(77)
    main()
