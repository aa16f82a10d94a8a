# SPDX-License-Identifier: Apache-2.0
"""The generic Query call, through tool_aws_query, against botocore's models and signer."""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
try:
    import aws_stand_in as aws
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)

TOOL = os.path.join(os.environ["BUILD_DIR"], "tests", "tool_aws_query")
ELB = ("elasticloadbalancing", "2015-12-01")


class Call(unittest.TestCase):
    def setUp(self):
        self.there = aws.StandIn()
        self.addCleanup(self.there.close)

    def ask(self, service, version, action, *words, url=None, key=aws.KEY, token="",
            secret=aws.SECRET, mistakes=0):
        env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": key,
               "AWS_SECRET_ACCESS_KEY": secret, "HOME": "/nonexistent",
               "AWS_EC2_METADATA_DISABLED": "true", "AWS_SESSION_TOKEN": token}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        out = subprocess.run([TOOL, service, version, "eu-central-1", url or self.there.url,
                              action, *words], stdout=subprocess.PIPE, text=True, env=env,
                             timeout=60, check=True).stdout
        self.assertEqual(mistakes, len(self.there.mistakes), self.there.mistakes)
        return dict(line.partition(" ")[::2] for line in out.splitlines())

    def test_services_of_a_plan(self):
        """Each service of a recovery plan, with the literal keys of its own protocol."""
        def say(form, handler):
            return 200, f"<{form['Action']}Response><A><B>1</B><B>2</B></A><C><B>3</B></C>" \
                        f"</{form['Action']}Response>"
        self.there.say = say
        calls = [
            (*ELB, "RegisterTargets", "TargetGroupArn", aws.arn("web"), "Targets.member.1.Id",
             "i-1", "Targets.member.1.Port", "80", "Targets.member.2.Id", "i-2"),
            ("autoscaling", "2011-01-01", "SetDesiredCapacity", "AutoScalingGroupName",
             "web & co/größe+1", "DesiredCapacity", "4", "HonorCooldown", "false"),
            ("ec2", "2016-11-15", "StartInstances", "InstanceId.1", "i-1", "InstanceId.2",
             "i-2"),
            ("ec2", "2016-11-15", "AssociateAddress", "AllocationId", "eipalloc-1",
             "InstanceId", "i-1", "AllowReassociation", "true"),
            ("rds", "2014-10-31", "PromoteReadReplica", "DBInstanceIdentifier", "db-1",
             "BackupRetentionPeriod", "7"),
            ("monitoring", "2010-08-01", "ListMetrics", "Namespace", "AWS/RDS",
             "Dimensions.member.1.Name", "DBInstanceIdentifier"),
        ]
        for service, version, action, *params in calls:
            with self.subTest(action=action):
                got = self.ask(service, version, action, "field=C/B", "change", *params)
                self.assertEqual(("ok", "3"), (got["result"], got.get("field")))
                scope = self.there.requests[-1]["headers"]["Authorization"]
                self.assertIn(f"/eu-central-1/{service}/aws4_request", scope)

    def test_the_stand_in_notices(self):
        self.ask(*ELB, "DescribeTargetHealth", "TargetGroupARN", aws.arn("web"), mistakes=1)
        self.ask(ELB[0], "2012-06-01", "DescribeTargetHealth", "TargetGroupArn", "x",
                 mistakes=2)
        got = self.ask(*ELB, "DescribeTargetHealth", "TargetGroupArn", aws.arn("web"),
                       secret="other", mistakes=2)
        self.assertEqual("SignatureDoesNotMatch", got["code"])

    def test_session_token_is_signed(self):
        self.there.groups["web"] = ["healthy"]
        got = self.ask(*ELB, "DescribeTargetHealth", "TargetGroupArn", aws.arn("web"),
                       token="a/token+=")
        self.assertEqual("ok", got["result"])
        headers = self.there.requests[-1]["headers"]
        self.assertEqual("a/token+=", headers["X-Amz-Security-Token"])
        self.assertIn("x-amz-security-token", headers["Authorization"])

    def result(self, say, *words, **more):
        self.there.say = say
        return self.ask(*ELB, "DescribeTargetHealth", *words, "TargetGroupArn",
                        aws.arn("web"), **more)

    def test_what_it_amounts_to(self):
        def status(n, text=""):
            return lambda form, handler: (n, text)
        for say, result, code, text in (
                (aws.throttled, "busy", "Throttling", "is busy"),
                (lambda f, h: aws.error("RequestLimitExceeded", "slow", 503, ec2=True),
                 "busy", "RequestLimitExceeded", "slow"),
                (aws.denied, "denied", "AccessDenied",
                 "allow elasticloadbalancing:DescribeTargetHealth in the IAM policy"),
                (lambda f, h: aws.error("TargetGroupNotFound", "One or more"), "refused",
                 "TargetGroupNotFound", "One or more"),
                (lambda f, h: aws.error("InternalFailure", "oh", 500), "unknown",
                 "InternalFailure", "in trouble"),
                (aws.garbage, "unknown", "", "no answer to it"),
                (status(200, "<OtherResponse/>"), "unknown", "", "<OtherResponse>"),
                (status(200), "unknown", "", "no answer to it"),
                (status(502, "<html>bad gateway</html>"), "unknown", "", "502"),
                (status(404, "not here"), "unknown", "", "not an answer of AWS's")):
            with self.subTest(result=result, code=code):
                got = self.result(say)
                self.assertEqual((result, code), (got["result"], got["code"]), got)
                self.assertIn(text, got["err"])
                self.assertNotIn(aws.SECRET, str(got))

    def test_once(self):
        """Whatever comes of it, nothing is sent a second time."""
        for say in (self.there.hang, aws.garbage, aws.throttled):
            before = len(self.there.requests)
            self.result(say, "change", "ms=700")
            self.assertEqual(1, len(self.there.requests) - before)

    def test_silence_and_nobody(self):
        got = self.result(self.there.hang, "ms=300")
        self.assertEqual(("unknown", "1"), (got["result"], got["sent"]), got)
        got = self.result(None, url="http://127.0.0.1:1")
        self.assertEqual(("out", "0"), (got["result"], got["sent"]), got)

    def test_budget(self):
        """One of its own: here two at once, the last of them for changes alone. What
        would wait for longer than it may never leaves, and says so at once."""
        self.there.groups["web"] = ["healthy"]
        for words, sent in ((["times=2"], 1), (["times=3", "change"], 2)):
            before = len(self.there.requests)
            got = self.result(None, "rate=0.01", "ms=20000", *words)
            self.assertEqual(sent, len(self.there.requests) - before)
            self.assertEqual(("busy", "0"), (got["result"], got["sent"]))
            self.assertIn("the API budget of elasticloadbalancing rests", got["err"])

    def test_identity(self):
        got = self.result(None, key="AKIDOTHER")
        self.assertEqual(("denied", "InvalidClientTokenId"), (got["result"], got["code"]))
        got = self.result(None, key="")
        self.assertEqual("out", got["result"])
        self.assertEqual([], [r for r in self.there.requests[1:]])

    def test_clock(self):
        """A signature refused for its time is made anew by AWS's clock, once."""
        self.there.groups["web"] = ["healthy"]
        self.there.skew = 4000
        self.assertEqual("ok", self.result(None)["result"])
        self.assertEqual(2, len(self.there.requests))
        self.there.say = None
        old = self.there.now
        self.there.now = lambda: time.time() + 4000 + 1000 * len(self.there.requests)
        self.assertEqual("denied", self.result(None)["result"])
        self.assertEqual(4, len(self.there.requests))
        self.there.now = old


if __name__ == "__main__":
    unittest.main()
