#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Health checks of the lab, through botocore: made, listed, deleted, named by records,
and what failover records answer by them."""

import unittest

from botocore.exceptions import ClientError

from lab import Lab, main, rrset

C, D = "CREATE", "DELETE"
TCP = {"IPAddress": "192.0.2.99", "Port": 80, "Type": "TCP"}
STEADY = {"Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []}

REFUSED = [
    ("calculated without a threshold", {"Type": "CALCULATED"}, "health threshold"),
    ("calculated with an endpoint",
     {"IPAddress": "192.0.2.1", "Type": "CALCULATED", "HealthThreshold": 0}, "no endpoint"),
    ("a child that is not there",
     {"Type": "CALCULATED", "HealthThreshold": 1, "ChildHealthChecks": ["no"]}, "child"),
    ("threshold 257", {"Type": "CALCULATED", "HealthThreshold": 257}, "maximum"),
    ("nothing to probe", {"Type": "TCP"}, "IPAddress or FullyQualifiedDomainName"),
    ("no such type", {"IPAddress": "192.0.2.1", "Type": "PING"}, "enum"),
    ("not an address", {"IPAddress": "192.0.2", "Type": "TCP"}, "not an IP address"),
    ("port 0", {"IPAddress": "192.0.2.1", "Port": 0, "Type": "TCP"}, "minimum"),
    ("every 20 s",
     {"IPAddress": "192.0.2.1", "Type": "HTTP", "RequestInterval": 20}, "10 or 30"),
    ("searches without a word", {"IPAddress": "192.0.2.1", "Type": "HTTP_STR_MATCH"},
     "SearchString"),
    ("a threshold for tcp",
     {"IPAddress": "192.0.2.1", "Type": "TCP", "HealthThreshold": 1}, "Only calculated"),
]


class Checks(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("--insync-ms", "0").start()
        self.addCleanup(self.lab.stop)
        self.client = self.lab.client(check=False)

    def refuse(self, code, status, call, **words):
        with self.assertRaises(ClientError) as caught:
            call(**words)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], code)
        self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], status)
        return answer["Error"]["Message"]

    def make(self, reference, settings):
        return self.client.create_health_check(
            CallerReference=reference, HealthCheckConfig=settings)

    def test_made_once(self):
        first = self.make("one", STEADY)
        self.assertEqual(first["ResponseMetadata"]["HTTPStatusCode"], 201)
        check = first["HealthCheck"]
        self.assertTrue(first["Location"].endswith("/2013-04-01/healthcheck/" + check["Id"]))
        self.assertEqual(check["HealthCheckConfig"]["HealthThreshold"], 0)
        self.assertEqual(check["HealthCheckVersion"], 1)
        self.assertEqual(self.make("one", STEADY)["HealthCheck"], check)
        self.assertEqual(
            self.client.get_health_check(HealthCheckId=check["Id"])["HealthCheck"], check)
        self.refuse("HealthCheckAlreadyExists", 409, self.client.create_health_check,
                    CallerReference="one", HealthCheckConfig=TCP)
        self.client.delete_health_check(HealthCheckId=check["Id"])
        for again in (STEADY, TCP):
            self.refuse("HealthCheckAlreadyExists", 409, self.client.create_health_check,
                        CallerReference="one", HealthCheckConfig=again)
        self.assertNotEqual(self.make("two", STEADY)["HealthCheck"]["Id"], check["Id"])

    def test_refused(self):
        for title, settings, message in REFUSED:
            with self.subTest(title):
                self.assertIn(message, self.refuse(
                    "InvalidInput", 400, self.client.create_health_check,
                    CallerReference=title, HealthCheckConfig=settings))
        self.refuse("InvalidInput", 400, self.client.create_health_check,
                    CallerReference="", HealthCheckConfig=STEADY)
        self.assertEqual(self.client.list_health_checks()["HealthChecks"], [])

    def test_absent(self):
        for call in (self.client.get_health_check, self.client.delete_health_check):
            self.refuse("NoSuchHealthCheck", 404, call, HealthCheckId="no")
        self.refuse("NoSuchHealthCheck", 404, self.client.list_health_checks, Marker="no")

    def test_pages(self):
        ids = [self.lab.check(f"c{i}") for i in range(7)]
        seen, marker = [], {}
        while True:
            page = self.client.list_health_checks(MaxItems="3", **marker)
            seen += [c["Id"] for c in page["HealthChecks"]]
            self.assertLessEqual(len(page["HealthChecks"]), 3)
            if not page["IsTruncated"]:
                break
            marker = {"Marker": page["NextMarker"]}
        self.assertEqual(seen, ids)

    def test_records_name_what_is_there(self):
        there = self.lab.check()
        primary = rrset("f.example.test", "A", "192.0.2.1", SetIdentifier="p",
                        Failover="PRIMARY", HealthCheckId="no-such")
        message = self.refuse(
            "NoSuchHealthCheck", 404, self.client.change_resource_record_sets,
            HostedZoneId="ZLAB", ChangeBatch={"Changes": [
                {"Action": C, "ResourceRecordSet": primary}]})
        self.assertIn("no-such", message)
        primary["HealthCheckId"] = there
        self.lab.change((C, primary))
        self.client.delete_health_check(HealthCheckId=there)
        self.assertEqual(self.lab.dns("f.example.test", "A").texts, ["192.0.2.1"])
        self.lab.change((D, primary))       # what names a check that is gone can go too

    def test_calculated_follows_its_children(self):
        child = [self.lab.check() for _ in range(2)]
        both = self.lab.check(None, Type="CALCULATED", HealthThreshold=2,
                              ChildHealthChecks=child)
        none = self.lab.check(None, Type="CALCULATED", HealthThreshold=0,
                              ChildHealthChecks=[])
        flipped = self.lab.check(None, IPAddress="192.0.2.99", Type="TCP", Inverted=True)
        for name, check in ("both", both), ("none", none), ("flipped", flipped):
            self.lab.change(
                (C, rrset(f"{name}.example.test", "A", "192.0.2.1", SetIdentifier="p",
                          Failover="PRIMARY", HealthCheckId=check)),
                (C, rrset(f"{name}.example.test", "A", "192.0.2.2", SetIdentifier="s",
                          Failover="SECONDARY")))

        def primary(name):
            return self.lab.dns(f"{name}.example.test", "A").texts == ["192.0.2.1"]
        self.assertTrue(primary("both") and primary("none") and not primary("flipped"))
        self.lab.health(child[1], False)
        self.lab.health(flipped, False)
        self.assertTrue(not primary("both") and primary("none") and primary("flipped"))
        for unknown in (both, none, "no-such"):
            with self.assertRaises(AssertionError):
                self.lab.health(unknown, False)

    def test_evaluated_aliases(self):
        def alias(set_id, role, evaluate=True):
            return rrset("a.example.test", "A", SetIdentifier=set_id, Failover=role,
                         AliasTarget={"HostedZoneId": "ZELB", "DNSName": set_id + ".elb.test",
                                      "EvaluateTargetHealth": evaluate})
        self.lab.target("p.elb.test", A="192.0.2.1")
        self.lab.target("s.elb.test", A="192.0.2.2")
        self.lab.change((C, alias("p", "PRIMARY")), (C, alias("s", "SECONDARY")))

        def answers():
            return self.lab.dns("a.example.test", "A").texts
        self.assertEqual(answers(), ["192.0.2.1"])
        self.lab.alias_health("P.elb.test", False)
        self.assertEqual(answers(), ["192.0.2.2"])
        self.lab.alias_health("s.elb.test.", False)     # both: the primary
        self.assertEqual(answers(), ["192.0.2.1"])
        self.lab.alias_health("p.elb.test", True)
        self.lab.target("p.elb.test", A="")             # no target counts as unhealthy
        self.lab.alias_health("s.elb.test", True)
        self.assertEqual(answers(), ["192.0.2.2"])


if __name__ == "__main__":
    main()
