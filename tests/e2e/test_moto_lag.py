#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=600
"""A lag out of moto's buckets and metrics, which were put there through botocore. A matter
for tests/run --all."""
import datetime
import json
import os
import subprocess
import sys
import time
import unittest

import test_moto
from world import BUILD, SOURCE

BUCKET = "shop.backups"


def stamp(ago_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago_s))


class Lag(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = test_moto.Moto(test_moto.VENV)
        cls.addClassCleanup(cls.moto.stop)

    def sample(self, kind, *words):
        env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "AKIDLAB", "HOME": "/nonexistent",
               "AWS_SECRET_ACCESS_KEY": "lab-secret", "AWS_EC2_METADATA_DISABLED": "true"}
        out = subprocess.run(
            [str(BUILD / "tests/tool_lag"), kind, f"endpoint={self.moto.url}",
             f"region={test_moto.REGION}", "ms=30000", *words], env=env, text=True,
            stdout=subprocess.PIPE, timeout=60, check=True).stdout
        return dict(line.partition(" ")[::2] for line in out.splitlines())

    def test_a_bucket(self):
        store = self.moto.client("s3")
        words = ("backup", f"bucket={BUCKET}", "prefix=db/")
        self.assertIn("no bucket", self.sample(*words)["text"])
        store.create_bucket(Bucket=BUCKET)
        self.assertIn("there is no backup", self.sample(*words)["text"])
        for day in range(3):
            ago, key = 86400 * (3 - day), f"db/2026:{day}+x"
            store.put_object(Bucket=BUCKET, Key=f"{key}/data 1.tar", Body=b"x")
            store.put_object(Bucket=BUCKET, Key=f"{key}/manifest.json", Body=json.dumps(
                {"started_at": stamp(ago), "completed_at": stamp(ago - 60)}))
        got = self.sample(*words)
        self.assertEqual(("1", "2026:2+x"), (got["known"], got["id"]), got)
        self.assertAlmostEqual(86400, int(got["lag_ms"]) / 1000, delta=60)
        # More than one page of keys.
        for i in range(1100):
            store.put_object(Bucket=BUCKET, Key=f"db/2026:3/part{i}", Body=b"x")
        store.put_object(Bucket=BUCKET, Key="db/2026:4/manifest.json", Body=json.dumps(
            {"id": "2026:4", "started_at": stamp(600), "completed_at": stamp(60)}))
        self.assertEqual("2026:4", self.sample(*words)["id"])

    def test_a_metric(self):
        words = ("cloudwatch", "namespace=Shop/DB", "metric=ReplicaLag", "DB=shop-{to}")
        self.assertIn("no datapoint", self.sample(*words)["text"])
        at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=90)
        self.moto.client("cloudwatch").put_metric_data(Namespace="Shop/DB", MetricData=[
            {"MetricName": "ReplicaLag", "Timestamp": at, "Value": 2.5,
             "Dimensions": [{"Name": "DB", "Value": "shop-iad"}]}])
        got = self.sample(*words)
        self.assertEqual(("1", "2500"), (got["known"], got["lag_ms"]), got)
        self.assertAlmostEqual(120, int(got["ago_ms"]) / 1000, delta=60)


if __name__ == "__main__":
    if os.environ.get("POINTSMAN_ALL") != "1":
        print("lags out of moto are a matter for tests/run --all")
        sys.exit(0)
    made = subprocess.run([str(SOURCE / "tests/python-env"), str(BUILD), "moto"],
                          stdout=subprocess.PIPE, text=True)
    if made.returncode != 0:
        print("skipped: " + made.stdout.strip() if made.returncode == 77 else made.stdout)
        sys.exit(made.returncode)
    test_moto.VENV = made.stdout.strip().splitlines()[-1]
    unittest.main(verbosity=2)
