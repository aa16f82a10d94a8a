# SPDX-License-Identifier: Apache-2.0
"""AWS calls of a plan, through tool_act, against a stand-in that holds every request
against botocore's service models and signer: autoscaling, ec2, rds, elasticloadbalancing,
monitoring."""
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

TOOL = os.path.join(os.environ["BUILD_DIR"], "tests", "tool_act")
DB = {"DBInstanceIdentifier": "shop-iad"}
AVAILABLE = ("DescribeDBInstances", DB, "DBInstanceStatus", "available")
GROUP = {"AutoScalingGroupNames.member.1": "web-iad"}
SERVING = ("DescribeAutoScalingGroups", GROUP, "Instances.member.LifecycleState+HealthStatus")


def db(status, action="DescribeDBInstances"):
    one = (f"<DBInstanceIdentifier>shop-iad</DBInstanceIdentifier>"
           f"<DBInstanceStatus>{status}</DBInstanceStatus><StatusInfos>"
           "<DBInstanceStatusInfo><Status>replicating</Status></DBInstanceStatusInfo>"
           "</StatusInfos>")
    one = f"<DBInstance>{one}</DBInstance>"
    return aws.good("rds", action,
                    f"<DBInstances>{one}</DBInstances>" if action[0] == "D" else one)


def group(*instances):
    inner = "".join(
        f"<member><InstanceId>i-{i:08x}</InstanceId><LifecycleState>{state}</LifecycleState>"
        f"<AvailabilityZone>us-east-1a</AvailabilityZone><HealthStatus>{health}</HealthStatus>"
        "</member>" for i, (state, health) in enumerate(instances))
    return aws.good("autoscaling", "DescribeAutoScalingGroups", (
        "<AutoScalingGroups><member><AutoScalingGroupName>web-iad</AutoScalingGroupName>"
        f"<DesiredCapacity>3</DesiredCapacity><Instances>{inner}</Instances></member>"
        "</AutoScalingGroups>"))


UP, COMING, SICK = ("InService", "Healthy"), ("Pending", "Healthy"), ("InService", "Unhealthy")


class Act(unittest.TestCase):
    def setUp(self):
        self.there = aws.StandIn()
        self.addCleanup(self.there.close)
        self.script = {}
        self.there.say = self.say

    def say(self, form, handler):
        """The next answer of the script for this action; the last one stays."""
        lines = self.script[form["Action"]]
        line = lines.pop(0) if len(lines) > 1 else lines[0]
        return line(form, handler) if callable(line) else line

    def sent(self, action):
        return [{k: v for k, v in r.items() if k not in ("headers", "Action", "Version")}
                for r in self.there.requests if r["Action"] == action]

    def act(self, service, action, params, until=None, *words, env=(), mistakes=0, kind="aws"):
        args = [f"service={service}", "region=us-east-1", f"endpoint={self.there.url}",
                f"action={action}"] + [f"p:{k}={v}" for k, v in params.items()]
        if until:
            args += [f"until={until[0]}", f"path={until[2]}", f"is={until[3]}", "every=60"]
            args += [f"a:{k}={v}" for k, v in until[1].items()]
        env = dict({"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": aws.KEY,
                    "AWS_SECRET_ACCESS_KEY": aws.SECRET, "HOME": "/nonexistent",
                    "AWS_EC2_METADATA_DISABLED": "true"}, **dict(env))
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        out = subprocess.run([TOOL, kind, *args, "timeout=20000", *words], text=True, env=env,
                             stdout=subprocess.PIPE, timeout=90, check=True).stdout
        self.assertEqual(mistakes, len(self.there.mistakes), self.there.mistakes)
        self.assertNotIn(aws.SECRET, out)
        return dict(line.partition(" ")[::2] for line in out.splitlines())

    def expect(self, acted, *says, got):
        self.assertEqual(acted, got["acted"], got)
        for text in says:
            self.assertIn(text, got["text"])
        return got

    # ---- what plans call ----

    def test_promote_until_available(self):
        self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")],
                       "DescribeDBInstances": [db("modifying"), db("backing-up"),
                                               db("available")]}
        got = self.act("rds", "PromoteReadReplica", DB, AVAILABLE)
        self.expect("done", "carried out PromoteReadReplica", "says available", got=got)
        self.assertEqual("1", got["left"])
        self.assertEqual([DB], self.sent("PromoteReadReplica"))
        self.assertEqual([DB] * 3, self.sent("DescribeDBInstances"))

    def test_scale_out_until_serving(self):
        self.script = {"UpdateAutoScalingGroup": [aws.good("autoscaling",
                                                           "UpdateAutoScalingGroup", "")],
                       "DescribeAutoScalingGroups": [group(UP), group(UP, COMING, COMING),
                                                     group(UP, UP, SICK, COMING),
                                                     group(UP, UP, SICK, UP)]}
        params = {"AutoScalingGroupName": "web-iad", "MinSize": "4", "MaxSize": "12",
                  "DesiredCapacity": "6"}
        got = self.act("autoscaling", "UpdateAutoScalingGroup", params,
                       SERVING + (">=3 InService+Healthy",))
        self.expect("done", "3 of 4 say InService+Healthy", got=got)
        self.assertEqual([params], self.sent("UpdateAutoScalingGroup"))
        self.assertEqual(4, len(self.sent("DescribeAutoScalingGroups")))

    def test_scale_in_until_exactly(self):
        self.script = {"SetDesiredCapacity": [aws.good("autoscaling", "SetDesiredCapacity", "")],
                       "DescribeAutoScalingGroups": [group(UP, UP, UP), group(UP, UP)]}
        self.expect("done", "2 of 2 say", got=self.act(
            "autoscaling", "SetDesiredCapacity", {"AutoScalingGroupName": "web-iad",
                                                  "DesiredCapacity": "2"},
            SERVING[:2] + ("Instances.member.LifecycleState", "=2 InService")))

    def test_target_health(self):
        arn = {"TargetGroupArn": aws.arn("web")}
        yes = aws.good("elasticloadbalancing", "RegisterTargets", "")
        for is_, states, looks in (
                ("healthy", [("healthy", "initial"), ("healthy", "unhealthy"),
                             ("healthy", "healthy")], 3),
                (">=2 healthy", [("initial",), ("healthy", "healthy", "unhealthy")], 2)):
            before = len(self.sent("DescribeTargetHealth"))
            self.script = {"RegisterTargets": [yes],
                           "DescribeTargetHealth": [aws.targets(*s) for s in states]}
            self.expect("done", "say", got=self.act(
                "elasticloadbalancing", "RegisterTargets",
                dict(arn, **{"Targets.member.1.Id": "i-1", "Targets.member.1.Port": "80"}),
                ("DescribeTargetHealth", arn, "TargetHealth.State", is_)))
            self.assertEqual(looks, len(self.sent("DescribeTargetHealth")) - before)

    def test_one_call(self):
        """Each with the parameters as they stand in the plan, and nothing else."""
        for service, action, params, answer in (
                ("ec2", "AssociateAddress",
                 {"AllocationId": "eipalloc-0abc", "NetworkInterfaceId": "eni-0abc",
                  "AllowReassociation": "true"}, "<associationId>eipassoc-1</associationId>"),
                ("ec2", "AttachNetworkInterface",
                 {"NetworkInterfaceId": "eni-0abc", "InstanceId": "i-1", "DeviceIndex": "1"},
                 "<attachmentId>eni-attach-1</attachmentId>"),
                ("ec2", "StartInstances", {"InstanceId.1": "i-1", "InstanceId.2": "i-2"},
                 "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>"),
                ("ec2", "ModifyInstanceAttribute",
                 {"InstanceId": "i-1", "InstanceType.Value": "m7g.2xlarge"}, ""),
                ("rds", "ModifyDBInstance",
                 {"DBInstanceIdentifier": "shop-fra", "ApplyImmediately": "true",
                  "VpcSecurityGroupIds.VpcSecurityGroupId.1": "sg-0closed"}, None),
                ("monitoring", "SetAlarmState",
                 {"AlarmName": "dr", "StateValue": "ALARM", "StateReason": "drill"}, "")):
            with self.subTest(action=action):
                self.script[action] = [
                    db("modifying", action) if answer is None else
                    aws.ec2_good(action, answer) if service == "ec2" else
                    aws.good(service, action, answer)]
                got = self.act(service, action, params)
                self.expect("done", f"AWS accepted {action}", got=got)
                self.assertEqual([params], self.sent(action))

    def test_words_are_values(self):
        self.script = {"StartInstances": [aws.ec2_good("StartInstances", "")],
                       "CreateSnapshot": [aws.ec2_good("CreateSnapshot", "")]}
        self.act("ec2", "CreateSnapshot", {
            "VolumeId": "vol-1", "Description": "{scenario}/{incident} of {from}, {fence}"})
        self.assertEqual("shop-dr/17 of fra, 19", self.sent("CreateSnapshot")[0]["Description"])
        self.expect("not", "{nobody", got=self.act("ec2", "CreateSnapshot",
                                                   {"VolumeId": "{nobody}"}))
        many = {f"InstanceId.{i + 1}": "i-1" for i in range(61)}
        self.expect("not", "more than 60 params", got=self.act("ec2", "StartInstances", many))
        self.expect("not", "until", got=self.act("rds", "PromoteReadReplica", DB,
                                                 AVAILABLE[:3] + (">= 2",)))
        del many["InstanceId.61"]
        self.expect("done", got=self.act("ec2", "StartInstances", many))
        self.assertEqual([many], self.sent("StartInstances"))

    # ---- looking ----

    def test_a_state_of_before_proves_nothing(self):
        yes = aws.good("rds", "PromoteReadReplica", "")
        for states, looks in ((["available", "modifying", "available"], 3),
                              (["available", "available"], 2),
                              (["modifying", "available"], 2)):
            before = len(self.sent("DescribeDBInstances"))
            self.script = {"PromoteReadReplica": [yes],
                           "DescribeDBInstances": [db(s) for s in states]}
            self.expect("done", got=self.act("rds", "PromoteReadReplica", DB, AVAILABLE))
            self.assertEqual(looks, len(self.sent("DescribeDBInstances")) - before, states)

    def test_final_states(self):
        for state in ("failed", "incompatible-parameters", "restore-error"):
            self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")],
                           "DescribeDBInstances": [db("modifying"), db(state)]}
            self.expect("failed", "ended badly", f"says {state}",
                        got=self.act("rds", "PromoteReadReplica", DB, AVAILABLE))

    def test_not_in_time(self):
        self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")],
                       "DescribeDBInstances": [db("modifying")]}
        got = self.act("rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=2500")
        self.expect("unknown", "AWS accepted PromoteReadReplica", "says modifying",
                    "may go on by itself", got=got)
        self.assertEqual(1, len(self.sent("PromoteReadReplica")))

    def test_looks_that_fail(self):
        self.script = {
            "PromoteReadReplica": [db("modifying", "PromoteReadReplica")],
            "DescribeDBInstances": [
                aws.throttled, aws.error("ServiceUnavailable", "later", 503), aws.garbage,
                aws.error("DBInstanceNotFound", "not yet", 404), aws.denied, aws.denied,
                db("available")]}
        got = self.act("rds", "PromoteReadReplica", DB, AVAILABLE)
        self.expect("done", got=got)
        self.script["DescribeDBInstances"] = [aws.denied]
        got = self.act("rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=60000")
        self.expect("unknown", "its end cannot be seen", "is not permitted", got=got)

    def test_kill(self):
        self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")],
                       "DescribeDBInstances": [db("modifying")]}
        self.expect("unknown", "had accepted the call", got=self.act(
            "rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=60000", "kill=1500"))
        self.script["PromoteReadReplica"] = [self.there.hang]
        self.expect("unknown", "may have been carried out", got=self.act(
            "rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=60000", "kill=500"))

    def test_a_check_of_targets(self):
        self.script = {"DescribeTargetHealth": [
            aws.targets("initial", "healthy"), aws.throttled, aws.targets("healthy", "healthy")]}
        words = (f"group={aws.arn('web')}", "every=60")
        got = self.act("", "", {}, None, *words, kind="targets")
        self.expect("done", "check behind passes", got=got)
        self.assertEqual([{"TargetGroupArn": aws.arn("web")}] * 3,
                         self.sent("DescribeTargetHealth"))
        self.script["DescribeTargetHealth"] = [aws.targets("healthy", "unhealthy")]
        got = self.act("", "", {}, None, *words, "timeout=2500", kind="targets")
        self.expect("failed", "did not pass at iad within 2.5 s", "1 targets healthy, 2 needed",
                    got=got)

    # ---- no ----

    def test_refusals_of_both_shapes(self):
        for service, action, params, answer, says in (
                ("rds", "PromoteReadReplica", DB,
                 aws.error("DBInstanceNotFound", "DBInstance shop-iad not found.", 404),
                 "PromoteReadReplica refused (DBInstanceNotFound): DBInstance shop-iad not"),
                ("ec2", "AssociateAddress", {"AllocationId": "eipalloc-1"},
                 aws.error("InvalidAllocationID.NotFound", "The allocation ID does not exist",
                           400, ec2=True),
                 "AssociateAddress refused (InvalidAllocationID.NotFound): The allocation"),
                ("autoscaling", "SetDesiredCapacity",
                 {"AutoScalingGroupName": "web-iad", "DesiredCapacity": "99"},
                 aws.error("ValidationError", "New SetDesiredCapacity value 99 is above max"),
                 "(ValidationError): New SetDesiredCapacity value 99 is above max"),
                ("rds", "PromoteReadReplica", DB, aws.error("AccessDenied", "no", 403),
                 "allow rds:PromoteReadReplica in the IAM policy")):
            self.script[action] = [answer]
            before = len(self.sent(action))
            got = self.act(service, action, params)
            self.expect("failed", says, got=got)
            self.assertEqual(1, len(self.sent(action)) - before)

    def test_already_so(self):
        """What AWS says is so already is looked at, and never guessed."""
        no = aws.error("InvalidDBInstanceState", "DB Instance is not a read replica")
        self.script = {"PromoteReadReplica": [no], "DescribeDBInstances": [db("available")]}
        self.expect("done", "is so already", "says available",
                    got=self.act("rds", "PromoteReadReplica", DB, AVAILABLE))
        self.assertEqual(2, len(self.sent("DescribeDBInstances")))
        self.expect("failed", "may be so already", "not a read replica",
                    got=self.act("rds", "PromoteReadReplica", DB))
        self.script["DescribeDBInstances"] = [db("modifying")]
        self.expect("unknown", "so already", "says modifying", got=self.act(
            "rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=2500"))
        # The same code for another reason: it still is a replica.
        looks = len(self.sent("DescribeDBInstances"))
        self.script["PromoteReadReplica"] = [
            aws.error("InvalidDBInstanceState", "shop-iad is not in the available state")]
        self.expect("failed", "refused (InvalidDBInstanceState)",
                    got=self.act("rds", "PromoteReadReplica", DB, AVAILABLE))
        self.assertEqual(looks, len(self.sent("DescribeDBInstances")))

    def test_already_attached_but_to_whom(self):
        def interface(instance):
            return aws.ec2_good("DescribeNetworkInterfaces", (
                "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>"
                f"<status>in-use</status><attachment><instanceId>{instance}</instanceId>"
                "</attachment></item></networkInterfaceSet>"))

        params = {"NetworkInterfaceId": "eni-1", "InstanceId": "i-1", "DeviceIndex": "1"}
        ask = ("DescribeNetworkInterfaces", {"NetworkInterfaceId.1": "eni-1"})
        self.script = {"AttachNetworkInterface": [aws.error(
            "InvalidNetworkInterface.InUse", "Interface: [eni-1] in use.", ec2=True)],
            "DescribeNetworkInterfaces": [interface("i-1")]}
        self.expect("done", "says i-1", got=self.act(
            "ec2", "AttachNetworkInterface", params,
            ask + ("attachment.instanceId", "i-1")))
        self.script["DescribeNetworkInterfaces"] = [interface("i-2")]
        self.expect("unknown", "says i-2", got=self.act(
            "ec2", "AttachNetworkInterface", params,
            ask + ("attachment.instanceId", "i-1"), "timeout=2500"))
        # That it is in use says nothing: it may be the old machine.
        self.expect("failed", "may be so already", got=self.act(
            "ec2", "AttachNetworkInterface", params, ask + ("status", "in-use")))

    # ---- busy, lost, out of reach ----

    def test_throttled(self):
        yes = aws.ec2_good("StartInstances", "")
        slow = aws.error("RequestLimitExceeded", "Request limit exceeded.", 503, ec2=True)
        self.script = {"StartInstances": [slow, slow, yes]}
        started = time.monotonic()
        self.expect("done", got=self.act("ec2", "StartInstances", {"InstanceId.1": "i-1"}))
        self.assertGreater(time.monotonic() - started, 0.25 + 0.5, "it did not rest")
        self.assertEqual(3, len(self.sent("StartInstances")))
        self.script["StartInstances"] = [slow]
        got = self.act("ec2", "StartInstances", {"InstanceId.1": "i-1"}, None, "timeout=2000")
        self.expect("failed", "was not carried out: throttled", got=got)
        self.assertLess(len(self.sent("StartInstances")), 9)

    def test_no_answer(self):
        for answer, says in ((self.there.hang, "may have been carried out"),
                             (aws.error("InternalFailure", "oh", 500), "in trouble"),
                             ((502, "<html>bad gateway</html>"), "502"),
                             (aws.garbage, "no answer to it"),
                             ((200, "<OtherResponse/>"), "OtherResponse")):
            self.script = {"PromoteReadReplica": [answer],
                           "DescribeDBInstances": [db("available")]}
            before = len(self.there.requests)
            got = self.act("rds", "PromoteReadReplica", DB, AVAILABLE, "timeout=1500")
            self.expect("unknown", says, got=got)
            self.assertEqual("1", got["left"])
            self.assertEqual(1, len(self.there.requests) - before, "sent more than once")

    def test_never_sent(self):
        self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")]}
        got = self.act("rds", "PromoteReadReplica", DB, None, "endpoint=http://127.0.0.1:1")
        self.assertEqual("0", self.expect("failed", "was not sent", got=got)["left"])
        got = self.act("rds", "PromoteReadReplica", DB, None, "timeout=1500",
                       env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
        self.assertEqual("0", self.expect("failed", "was not sent", got=got)["left"])
        self.assertEqual([], self.there.requests)

    def test_the_stand_in_notices(self):
        self.script = {"PromoteReadReplica": [db("modifying", "PromoteReadReplica")]}
        self.act("rds", "PromoteReadReplica", {"DbInstanceIdentifier": "x"}, mistakes=1)


if __name__ == "__main__":
    unittest.main()
