#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""The policy that `pointsman iam` prints allows each request that an agent sends to the
lab over its life, and none that it never sends.

The evaluator below is a small IAM: effect, action, resource with *, and
ForAllValues:StringEquals, as the IAM User Guide's "policy evaluation logic" has them.
"""
import copy
import fnmatch
import json
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from test_records import Records, plain
from world import POINTSMAN, World, main

NAMES = "route53:ChangeResourceRecordSetsNormalizedRecordNames"
TYPES = "route53:ChangeResourceRecordSetsRecordTypes"
ACTIONS = "route53:ChangeResourceRecordSetsActions"


def normalized(name):
    """As IAM compares names: lowercase, no dot at the end, odd characters in octal."""
    out = "".join(c if re.match(r"[a-z0-9_.\\-]", c) else f"\\{ord(c):03o}"
                  for c in name.lower())
    return out[:-1] if out.endswith(".") else out


def wanted(request, partition="aws"):
    """(action, resource, context) of a line of the lab's log."""
    path = request["path"]
    zone = re.fullmatch(r"/2013-04-01/hostedzone/(\w+)/rrset(/?)", path)
    if zone and request["method"] == "POST":
        changes = [line.split() for line in request["actions"]]
        return ("route53:ChangeResourceRecordSets",
                f"arn:{partition}:route53:::hostedzone/{zone[1]}",
                {NAMES: {normalized(c[1]) for c in changes},
                 TYPES: {c[2] for c in changes}, ACTIONS: {c[0] for c in changes}})
    if zone and request["method"] == "GET":
        return ("route53:ListResourceRecordSets",
                f"arn:{partition}:route53:::hostedzone/{zone[1]}", {})
    if path == "/2013-04-01/healthcheck":
        action = {"GET": "ListHealthChecks", "POST": "CreateHealthCheck"}
        return "route53:" + action[request["method"]], "*", {}
    change = re.fullmatch(r"/2013-04-01/change/(\w+)", path)
    assert change and request["method"] == "GET", request
    return ("route53:GetChange", f"arn:{partition}:route53:::change/{change[1]}", {})


def as_list(value):
    return value if isinstance(value, list) else [value]


def holds(condition, context):
    for operator, tests in condition.items():
        assert operator == "ForAllValues:StringEquals", operator
        for key, values in tests.items():
            if not context.get(key, set()) <= set(as_list(values)):
                return False
    return True


def allows(policy, action, resource, context):
    return any(
        s["Effect"] == "Allow"
        and action in as_list(s["Action"])
        and any(fnmatch.fnmatchcase(resource, r) for r in as_list(s["Resource"]))
        and holds(s.get("Condition", {}), context) for s in policy["Statement"])


def iam(*words):
    done = subprocess.run([str(POINTSMAN), "iam", *map(str, words)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=20,
                          env={"PATH": "/usr/bin:/bin"})
    return done.returncode, done.stdout, done.stderr


FILE = """cluster: c
sites: [a, b]
agents: {one: {site: a}}
quorum: solo
checks: {web: {http: {path: /, port: 8080}}}
zones:
  main-1: {name: example.com, route53: {zone_id: ZMAIN%s}}
  other: {name: example.net, route53: {zone_id: ZOTHER%s}}
services:
  www:
    zone: main-1
    names: [WWW.example.com, "*.example.com"]
    ttl: 60s
    check: web
    members:
      a: {answers: {A: [192.0.2.1], AAAA: ["2001:db8::1"]}}
      b: {answers: {A: [192.0.2.2], AAAA: ["2001:db8::2"]}}
  api:
    zone: other
    names: [api.example.net]
    ttl: 60s
    check: web
    members:
      a: {answers: {CNAME: a.example.org}}
      b: {answers: {CNAME: b.example.org}}
"""


class Iam(unittest.TestCase):
    def policy(self, first="", second="", *words):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "p.yaml")
            path.write_text(FILE % (first, second))
            code, out, err = iam("-c", path, *words)
            self.assertEqual(0, code, (out, err))
            return json.loads(out), err

    def test_what_is_printed(self):
        policy, err = self.policy()
        self.assertEqual("", err)
        self.assertEqual(["Version", "Statement"], list(policy))
        self.assertEqual("2012-10-17", policy["Version"])
        by_sid = {s["Sid"]: s for s in policy["Statement"]}
        self.assertEqual({"Readmain1", "Changemain1", "Followaws", "Readother",
                          "Changeother"}, set(by_sid))
        self.assertEqual(
            {"ForAllValues:StringEquals": {
                NAMES: ["www.example.com", "\\052.example.com",
                        "_pointsman.www.example.com"],
                TYPES: ["A", "AAAA", "TXT"], ACTIONS: ["CREATE", "DELETE"]}},
            by_sid["Changemain1"]["Condition"])
        self.assertEqual("arn:aws:route53:::hostedzone/ZMAIN",
                         by_sid["Changemain1"]["Resource"])
        self.assertEqual(["CNAME", "TXT"], by_sid["Changeother"]["Condition"][
            "ForAllValues:StringEquals"][TYPES])
        self.assertEqual(policy, self.policy("", "", "--json")[0])

    def test_partitions(self):
        policy, _ = self.policy(", region: cn-north-1", ", region: us-gov-east-1")
        text = json.dumps(policy)
        for resource in ("arn:aws-cn:route53:::hostedzone/ZMAIN",
                         "arn:aws-cn:route53:::change/*",
                         "arn:aws-us-gov:route53:::hostedzone/ZOTHER",
                         "arn:aws-us-gov:route53:::change/*"):
            self.assertIn(f'"{resource}"', text)
        self.assertNotIn("arn:aws:", text)

    def test_roles_have_policies_of_their_own(self):
        arn = "arn:aws:iam::123456789012:role/dns"
        policy, err = self.policy("", f', role_arn: "{arn}"')
        text = json.dumps(policy)
        self.assertIn("zone other is written as " + arn, err)
        self.assertNotIn("ZOTHER", text)
        self.assertIn({"Sid": "Assumeother", "Effect": "Allow",
                       "Action": "sts:AssumeRole", "Resource": arn},
                      policy["Statement"])
        policy, err = self.policy("", f', role_arn: "{arn}"', "other")
        text = json.dumps(policy)
        self.assertEqual("", err)
        self.assertNotIn("ZMAIN", text)
        self.assertNotIn("sts:", text)
        self.assertIn("ZOTHER", text)

    def test_profiles_are_identities_of_their_own(self):
        policy, err = self.policy(", profile: p", ", profile: q")
        self.assertIn("several profiles", err)
        self.assertIn("ZMAIN", json.dumps(policy))
        self.assertIn("ZOTHER", json.dumps(policy))
        policy, err = self.policy(", profile: p", ", profile: q", "other")
        self.assertEqual("", err)
        self.assertNotIn("ZMAIN", json.dumps(policy))

    STEADY = """policy: failover
    records: failover
    members:
      a: {health_check: steady, answers:"""

    def test_bootstrap(self):
        """Only for the zones whose records need it, and by whom they are written."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "p.yaml")

            def ask(status, *more, first="", second="", steady=True):
                text = FILE % (first, second)
                if steady:
                    head, tail = text.split("  api:")
                    tail = tail.replace("CNAME: ", "A: ").replace(
                        "a.example.org", "[192.0.2.1]").replace(
                        "b.example.org", "[192.0.2.2]").replace(
                        "      b: {", "      b: {health_check: steady, ")
                    text = head + "  api:" + tail.replace(
                        "members:\n      a: {answers:", self.STEADY)
                path.write_text(text)
                code, out, err = iam("-c", path, *more)
                self.assertEqual(status, code, (out, err))
                return json.loads(out)["Statement"], err
            both = [{"Sid": "Checksother", "Effect": "Allow", "Resource": "*",
                     "Action": "route53:ListHealthChecks"},
                    {"Sid": "Steadyother", "Effect": "Allow", "Resource": "*",
                     "Action": "route53:CreateHealthCheck"}]
            self.assertEqual((both, ""), ask(0, "--bootstrap"))
            self.assertEqual((both, ""), ask(0, "--bootstrap", "other"))
            statements, err = ask(1, "--bootstrap", steady=False)
            self.assertEqual([], statements)
            self.assertIn("nothing is needed", err)
            agents, err = ask(0)
            self.assertIn(both[0], agents)
            self.assertNotIn(both[1], agents)
            self.assertIn("--bootstrap' prints it", err)
            arn = "arn:aws:iam::123456789012:role/dns"
            role = f', role_arn: "{arn}"'
            statements, err = ask(0, "--bootstrap", first=role, second=role)
            self.assertEqual([{"Sid": "Assumeother", "Effect": "Allow", "Resource": arn,
                               "Action": "sts:AssumeRole"}], statements)
            self.assertIn("--bootstrap other' prints", err)
            self.assertNotIn("main-1", err)
            self.assertEqual((both, ""), ask(0, "--bootstrap", "other", second=role))
            self.assertEqual([], ask(1, "--bootstrap", "main-1", second=role)[0])

    PLAN = """scenarios:
  plan:
    kind: pilot-light
    service: www
    primary: a
    recovery: b
    rto: 1h
    rpo: 1h
    lag: lag
    trigger: command
    drill: command
    steps:
      fence: {aws: {service: rds, region: eu-central-1, action: ModifyDBInstance,
                    params: {DBInstanceIdentifier: "db-{from}", ApplyImmediately: true}}}
      promote:
        aws: {service: rds, region: us-east-1, action: PromoteReadReplica,
              params: {DBInstanceIdentifier: db-b}}
        until: {action: DescribeDBInstances, params: {DBInstanceIdentifier: db-b},
                path: DBInstanceStatus, is: available}
      provision:
        aws: {service: autoscaling, region: us-east-1, action: SetDesiredCapacity,
              params: {AutoScalingGroupName: "web-{to}", DesiredCapacity: 4}}
        until: {action: DescribeAutoScalingGroups, path: LifecycleState, is: InService,
                params: {AutoScalingGroupNames.member.1: "web-{to}"}}
      attach: {aws: {service: ec2, region: us-east-1, action: AssociateAddress,%s
                     params: {AllocationId: eipalloc-1, NetworkInterfaceId: "{fence}"}}}
"""
    LAG = {
        "metric": "cloudwatch: {region: us-east-1, namespace: n, metric: m%s}",
        "bucket": "backup: {s3: {bucket: kept, prefix: db/, region: eu-central-1%s}}",
    }

    def recovery(self, lag, *words, step="", identity="", status=0, zone=""):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "p.yaml")
            path.write_text((FILE % (zone, "") + self.PLAN % step).replace(
                "checks: {web: {http: {path: /, port: 8080}}}",
                "checks: {web: {http: {path: /, port: 8080}}, lag: {%s}}"
                % (self.LAG[lag] % identity)))
            code, out, err = iam("-c", path, *words)
            self.assertEqual(status, code, (out, err))
            return json.loads(out)["Statement"] if out else [], err

    def test_what_a_scenario_calls(self):
        statements, err = self.recovery("metric", "plan")
        self.assertEqual("", err)
        self.assertEqual([
            ("rds:ModifyDBInstance", ["arn:aws:rds:eu-central-1:*:db:db-a",
                                      "arn:aws:rds:eu-central-1:*:db:db-b"], None),
            ("autoscaling:SetDesiredCapacity",
             ["arn:aws:autoscaling:us-east-1:*:autoScalingGroup:*:"
              "autoScalingGroupName/web-" + site for site in "ab"], None),
            ("rds:PromoteReadReplica", ["arn:aws:rds:us-east-1:*:db:db-b"], None),
            ("rds:DescribeDBInstances", ["arn:aws:rds:us-east-1:*:db:db-b"], None),
            ("ec2:AssociateAddress",
             ["arn:aws:ec2:us-east-1:*:elastic-ip/eipalloc-1",
              "arn:aws:ec2:us-east-1:*:network-interface/*"], None),
            (["autoscaling:DescribeAutoScalingGroups", "cloudwatch:GetMetricData"], "*",
             {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        ], [(s["Action"], s["Resource"], s.get("Condition")) for s in statements])
        self.assertEqual(len(statements), len({s["Sid"] for s in statements}))
        for s in statements:
            self.assertRegex(s["Sid"], r"\A[A-Za-z0-9]+\Z")

    def test_a_bucket_of_backups(self):
        statements, _ = self.recovery("bucket", "plan")
        self.assertEqual([
            ("s3:ListBucket", "arn:aws:s3:::kept", {"StringLike": {"s3:prefix": ["db/*"]}}),
            ("s3:GetObject", ["arn:aws:s3:::kept/db/*/manifest.json"], None),
        ], [(s["Action"], s["Resource"], s.get("Condition")) for s in statements[-2:]])

    def test_the_agents_own_policy_has_it_and_the_shadow(self):
        statements, _ = self.recovery("metric")
        text = json.dumps(statements)
        for part in ("rds:PromoteReadReplica", "cloudwatch:GetMetricData"):
            self.assertIn(part, text)
        change = next(s for s in statements if s["Sid"] == "Changemain1")
        names = change["Condition"]["ForAllValues:StringEquals"][NAMES]
        self.assertIn("_drill.www.example.com", names)
        self.assertIn("_pointsman.www-drill.example.com", names)

    def test_whoever_calls(self):
        arn = "arn:aws:iam::123456789012:role/recovery"
        role = f' role_arn: "{arn}",'
        own, _ = self.recovery("metric", step=role)
        self.assertNotIn("ec2:", json.dumps(own))
        self.assertIn(("sts:AssumeRole", [arn]),
                      [(s["Action"], s["Resource"]) for s in own])
        statements, err = self.recovery("metric", "plan", step=role)
        self.assertIn("ec2:AssociateAddress", [s["Action"] for s in statements])
        self.assertIn("several identities", err)
        dns, _ = self.recovery("metric", "main-1", step=" profile: p,",
                               zone=", profile: p")
        self.assertIn("ec2:AssociateAddress", [s["Action"] for s in dns])
        self.assertNotIn("rds:PromoteReadReplica", json.dumps(dns))
        for word in ("main-1", "other"):
            zone, _ = self.recovery("metric", word, step=role, zone=f', role_arn: "{arn}"')
            self.assertEqual(word == "main-1", "ec2:" in json.dumps(zone))
        self.assertIn("did you mean 'plan'?",
                      self.recovery("metric", "plam", status=2)[1])

    def test_words(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "p.yaml")
            path.write_text(FILE % ("", ""))
            code, out, err = iam("-c", path, "othr")
            self.assertEqual((2, ""), (code, out))
            self.assertIn("did you mean 'other'?", err)
            code, out, err = iam("-c", Path(folder, "absent"))
            self.assertEqual((2, ""), (code, out))


class Life(unittest.TestCase):
    """An agent's life on the lab: created, drained, returned, ordered, adopted."""

    def test_each_request_is_allowed_and_no_other(self):
        with World() as w:
            code, out, err = iam("-c", w.config)
            self.assertEqual(0, code, err)
            policy = json.loads(out)
            w.begin()
            w.web["b"].do("refuse")
            w.wait_weights(a=100, b=0)
            w.web["b"].do("listen")
            w.wait_weights(a=100, b=100)
            for words in (("drain", "www/a"), ("undrain", "www/a"), ("freeze", "www")):
                code, text = w.command(*words)
                self.assertEqual(0, code, text)
            code, text = w.command("adopt", "www", "--yes", "--agent", "one")
            self.assertIn(code, (0, 1, 2), text)
            w.agent.stop()
            requests = w.lab.requests()
        kinds = set()
        for request in requests:
            kinds.add(wanted(request)[0])
            self.assertTrue(allows(policy, *wanted(request)), request)
        self.assertEqual({"route53:ChangeResourceRecordSets", "route53:GetChange",
                          "route53:ListResourceRecordSets"}, kinds)
        change = next(wanted(r) for r in requests if "actions" in r)
        self.assert_refused(policy, change)
        self.assert_needed(policy, [wanted(r) for r in requests])

    def test_bootstrap(self):
        """Who bootstraps sends what that policy allows, and the agent needs no more than
        its own; each statement of both is needed."""
        with Records(plain("steady")) as w:
            policies = []
            for words in (("--bootstrap",), ()):
                code, out, err = iam("-c", w.config, *words)
                self.assertEqual(0, code, err)
                policies.append(json.loads(out))
            code, text = w.command("bootstrap", "--yes")
            self.assertEqual(0, code, text)
            made = len(w.lab.requests())
            w.agent.start()
            w.wait_policies(a="failover=PRIMARY", b="failover=SECONDARY")
            w.web["a"].kill()
            w.wait_policies(a="failover=SECONDARY", b="failover=PRIMARY")
            w.agent.stop()
            requests = [wanted(r) for r in w.lab.requests()]
        for policy, sent in zip(policies, (requests[:made], requests[made:])):
            for request in sent:
                self.assertTrue(allows(policy, *request), request)
            self.assert_needed(policy, sent)

    def assert_refused(self, policy, change):
        action, resource, context = change
        for key, value in ((NAMES, "other.example.test"), (NAMES, "example.test"),
                           (TYPES, "MX"), (TYPES, "AAAA"), (ACTIONS, "UPSERT")):
            odd = copy.deepcopy(context)
            odd[key].add(value)
            self.assertFalse(allows(policy, action, resource, odd), value)
        self.assertFalse(allows(policy, action, resource + "X", context))
        self.assertFalse(allows(policy, "route53:DeleteHostedZone", resource, {}))

    def assert_needed(self, policy, requests):
        """Without any one statement, name, type or action some request is refused."""
        for i, statement in enumerate(policy["Statement"]):
            less = copy.deepcopy(policy)
            del less["Statement"][i]
            self.assertFalse(all(allows(less, *r) for r in requests), statement)
            for operator, tests in statement.get("Condition", {}).items():
                for key, values in tests.items():
                    for value in values:
                        less = copy.deepcopy(policy)
                        less["Statement"][i]["Condition"][operator][key].remove(value)
                        self.assertFalse(
                            all(allows(less, *r) for r in requests), (key, value))


if __name__ == "__main__":
    main()
