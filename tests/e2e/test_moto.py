#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: heavy
# ctest: timeout=600
"""The AWS calls of plans against moto, which keeps scaling groups, addresses, interfaces,
load balancers, instances and databases of its own: what a plan did is read back through
botocore. A matter for tests/run --all."""
import os
import subprocess
import sys
import tempfile
import unittest

from world import BUILD, SOURCE, address, free_port, lab_module, wait_for

TOOL = BUILD / "tests/tool_act"
REGION = "us-east-1"


class Moto:
    def __init__(self, venv):
        self.host = address()
        self.port = free_port(self.host)
        self.url = f"http://{self.host}:{self.port}"
        self.folder = tempfile.TemporaryDirectory(prefix="moto-")
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [f"{venv}/bin/moto_server", "-H", self.host, "-p", str(self.port)],
            env={"PATH": f"{venv}/bin:/usr/bin:/bin", "HOME": self.folder.name,
                 "MOTO_DOCKER_DEFAULT_IMAGE_NAME": "none"}, cwd=self.folder.name,
            stdout=self.log, stderr=subprocess.STDOUT,
            preexec_fn=lab_module._die_with_parent)
        wait_for(self.answers, 90, "moto's answer")

    def client(self, name):
        import botocore.session
        from botocore.config import Config
        return botocore.session.Session().create_client(
            name, region_name=REGION, endpoint_url=self.url, aws_access_key_id="AKIDLAB",
            aws_secret_access_key="lab-secret",
            config=Config(retries={"max_attempts": 0}, proxies={}))

    def answers(self):
        assert self.process.poll() is None, open(self.log.name).read()[-2000:]
        try:
            return self.client("ec2").describe_vpcs()["Vpcs"]
        except Exception:  # noqa: B902  not up yet
            return None

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()


class Plans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.moto = Moto(VENV)
        cls.addClassCleanup(cls.moto.stop)
        cls.ec2, cls.rds = cls.moto.client("ec2"), cls.moto.client("rds")
        cls.groups, cls.elb = cls.moto.client("autoscaling"), cls.moto.client("elbv2")
        cls.vpc = cls.ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        cls.subnet = cls.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        cls.image = cls.ec2.describe_images()["Images"][0]["ImageId"]

    def act(self, service, action, params, until=None, *words):
        args = [f"service={service}", f"region={REGION}", f"endpoint={self.moto.url}",
                f"action={action}", "timeout=60000"]
        args += [f"p:{k}={v}" for k, v in params.items()]
        if until:
            args += [f"until={until[0]}", f"path={until[2]}", f"is={until[3]}", "every=200"]
            args += [f"a:{k}={v}" for k, v in until[1].items()]
        env = {"PATH": "/usr/bin:/bin", "AWS_ACCESS_KEY_ID": "AKIDLAB", "HOME": "/nonexistent",
               "AWS_SECRET_ACCESS_KEY": "lab-secret", "AWS_EC2_METADATA_DISABLED": "true"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        out = subprocess.run([TOOL, "aws", *args, *words], stdout=subprocess.PIPE, text=True,
                             env=env, timeout=120, check=True).stdout
        return dict(line.partition(" ")[::2] for line in out.splitlines())

    def good(self, *args):
        got = self.act(*args)
        self.assertEqual("done", got["acted"], got)
        return got["text"]

    def instances(self, n):
        made = self.ec2.run_instances(ImageId=self.image, MinCount=n, MaxCount=n,
                                      SubnetId=self.subnet)["Instances"]
        return [i["InstanceId"] for i in made]

    def test_scaling_group(self):
        self.groups.create_launch_configuration(
            LaunchConfigurationName="web", ImageId=self.image, InstanceType="t3.micro")
        self.groups.create_auto_scaling_group(
            AutoScalingGroupName="web-iad", LaunchConfigurationName="web", MinSize=1,
            MaxSize=2, DesiredCapacity=1, VPCZoneIdentifier=self.subnet)
        ask = ("DescribeAutoScalingGroups", {"AutoScalingGroupNames.member.1": "web-iad"},
               "Instances.member.LifecycleState+HealthStatus")
        size = {"AutoScalingGroupName": "web-iad"}
        text = self.good("autoscaling", "UpdateAutoScalingGroup",
                         dict(size, MinSize=4, MaxSize=12, DesiredCapacity=6),
                         ask + (">=6 InService+Healthy",))
        self.assertIn("6 of 6 say InService+Healthy", text)
        group = self.groups.describe_auto_scaling_groups()["AutoScalingGroups"][0]
        self.assertEqual((4, 12, 6, 6), (group["MinSize"], group["MaxSize"],
                                         group["DesiredCapacity"], len(group["Instances"])))
        # One that the group's checks find sick does not count.
        self.groups.set_instance_health(
            InstanceId=group["Instances"][0]["InstanceId"], HealthStatus="Unhealthy",
            ShouldRespectGracePeriod=False)
        got = self.act("autoscaling", "SetDesiredCapacity", dict(size, DesiredCapacity=6),
                       ask + (">=6 InService+Healthy",), "timeout=2000")
        self.assertEqual("unknown", got["acted"], got)
        self.assertIn("5 of 6 say", got["text"])
        text = self.good("autoscaling", "SetDesiredCapacity", dict(size, DesiredCapacity=4),
                         ask[:2] + ("Instances.member.LifecycleState", "=4 InService"))

    def test_elastic_address(self):
        """It moves from the old machine to the new one, and a second time nothing happens."""
        old, new = self.instances(2)
        ip = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        self.ec2.associate_address(AllocationId=ip, InstanceId=old)
        eni = self.ec2.describe_instances(InstanceIds=[new])["Reservations"][0]["Instances"][
            0]["NetworkInterfaces"][0]["NetworkInterfaceId"]
        params = {"AllocationId": ip, "NetworkInterfaceId": eni, "AllowReassociation": "true"}
        for _ in range(2):
            self.good("ec2", "AssociateAddress", params,
                      ("DescribeAddresses", {"AllocationId.1": ip},
                       "addressesSet.item.networkInterfaceId", eni))
            at = self.ec2.describe_addresses(AllocationIds=[ip])["Addresses"][0]
            self.assertEqual(eni, at["NetworkInterfaceId"])

    def test_network_interface(self):
        """One with a fixed address: let go of by the old machine, taken by the new."""
        old, new = self.instances(2)
        cidr = self.ec2.describe_subnets(SubnetIds=[self.subnet])["Subnets"][0]["CidrBlock"]
        fixed = cidr.rsplit(".", 1)[0] + ".77"
        eni = self.ec2.create_network_interface(
            SubnetId=self.subnet, PrivateIpAddress=fixed)["NetworkInterface"][
            "NetworkInterfaceId"]
        ask = ("DescribeNetworkInterfaces", {"NetworkInterfaceId.1": eni})

        def attach(to):
            return self.good("ec2", "AttachNetworkInterface",
                             {"NetworkInterfaceId": eni, "InstanceId": to, "DeviceIndex": 1},
                             ask + ("attachment.instanceId", to))

        attach(old)
        seen = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])
        attachment = seen["NetworkInterfaces"][0]["Attachment"]["AttachmentId"]
        self.good("ec2", "DetachNetworkInterface",
                  {"AttachmentId": attachment, "Force": "true"}, ask + ("status", "available"))
        attach(new)
        seen = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])
        at = seen["NetworkInterfaces"][0]
        self.assertEqual((new, fixed), (at["Attachment"]["InstanceId"], at["PrivateIpAddress"]))

    def test_machines(self):
        machine = self.instances(1)[0]
        state = ("DescribeInstances", {"InstanceId.1": machine}, "instanceState.name")
        self.good("ec2", "StopInstances", {"InstanceId.1": machine}, state + ("stopped",))
        self.good("ec2", "ModifyInstanceAttribute",
                  {"InstanceId": machine, "InstanceType.Value": "m5.4xlarge"})
        self.good("ec2", "StartInstances", {"InstanceId.1": machine}, state + ("running",))
        seen = self.ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]
        self.assertEqual("m5.4xlarge", seen["Instances"][0]["InstanceType"])

    def test_targets(self):
        group = self.elb.create_target_group(
            Name="web", Protocol="HTTP", Port=80, VpcId=self.vpc)["TargetGroups"][0][
            "TargetGroupArn"]
        subnets = [s["SubnetId"] for s in self.ec2.describe_subnets()["Subnets"][:2]]
        lb = self.elb.create_load_balancer(Name="lb", Subnets=subnets)["LoadBalancers"][0]
        self.elb.create_listener(LoadBalancerArn=lb["LoadBalancerArn"], Protocol="HTTP", Port=80,
                                 DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        params = {"TargetGroupArn": group}
        for i, machine in enumerate(self.instances(2)):
            params[f"Targets.member.{i + 1}.Id"] = machine
        ask = ("DescribeTargetHealth", {"TargetGroupArn": group}, "TargetHealth.State")
        self.good("elasticloadbalancing", "RegisterTargets", params, ask + ("healthy",))
        self.good("elasticloadbalancing", "RegisterTargets", params, ask + (">=2 healthy",))

    def test_database(self):
        """Promoted, changed, restored from a snapshot; what it is, RDS says itself."""
        self.rds.create_db_instance(
            DBInstanceIdentifier="shop-fra", DBInstanceClass="db.t3.medium", Engine="postgres",
            AllocatedStorage=20, MasterUsername="shop", MasterUserPassword="geheim-geheim")
        self.rds.create_db_instance_read_replica(
            DBInstanceIdentifier="shop-iad", SourceDBInstanceIdentifier="shop-fra")
        self.assertEqual(["shop-iad"], self.db("shop-fra")["ReadReplicaDBInstanceIdentifiers"])
        ask = ("DescribeDBInstances", {"DBInstanceIdentifier": "shop-iad"}, "DBInstanceStatus",
               "available")
        text = self.good("rds", "PromoteReadReplica",
                         {"DBInstanceIdentifier": "shop-iad", "BackupRetentionPeriod": 7}, ask)
        self.assertIn("DBInstanceStatus says available", text)
        # moto goes on naming both as a pair; what it changes in a replica alone it shows.
        self.assertEqual(7, self.db("shop-iad")["BackupRetentionPeriod"])
        group = self.ec2.create_security_group(GroupName="closed", Description="none",
                                               VpcId=self.vpc)["GroupId"]
        self.good("rds", "ModifyDBInstance",
                  {"DBInstanceIdentifier": "shop-fra", "ApplyImmediately": "true",
                   "VpcSecurityGroupIds.VpcSecurityGroupId.1": group})
        groups = self.db("shop-fra")["VpcSecurityGroups"]
        self.assertEqual([group], [g["VpcSecurityGroupId"] for g in groups])
        self.rds.create_db_snapshot(DBInstanceIdentifier="shop-fra", DBSnapshotIdentifier="s-1")
        self.good("rds", "RestoreDBInstanceFromDBSnapshot",
                  {"DBInstanceIdentifier": "shop-{fence}", "DBSnapshotIdentifier": "s-1"},
                  ("DescribeDBInstances", {"DBInstanceIdentifier": "shop-{fence}"},
                   "DBInstances.DBInstance.DBInstanceStatus", "available"))
        self.assertEqual("postgres", self.db("shop-19")["Engine"])
        got = self.act("rds", "ModifyDBInstance", {"DBInstanceIdentifier": "nobody"})
        self.assertEqual("failed", got["acted"], got)
        self.assertIn("DBInstanceNotFound", got["text"])

    def db(self, name):
        return self.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


if __name__ == "__main__":
    if os.environ.get("POINTSMAN_ALL") != "1":
        print("plans against moto are a matter for tests/run --all")
        sys.exit(0)
    env = subprocess.run([str(SOURCE / "tests/python-env"), str(BUILD), "moto"],
                         stdout=subprocess.PIPE, text=True)
    if env.returncode != 0:
        print("skipped: " + env.stdout.strip() if env.returncode == 77 else env.stdout)
        sys.exit(env.returncode)
    VENV = env.stdout.strip().splitlines()[-1]
    unittest.main(verbosity=2)
