#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every source of credentials, against stand-ins that behave, hang, lie and babble.

Of each answer of the chain it is checked that no sentence holds a secret and that the
loop was never late, whatever the source did.
"""
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from sources import ROLE, SECRET, Place, wall

TOOL = Path(os.environ.get("BUILD_DIR") or ".").resolve() / "tests" / "tool_credentials"
PATIENCE_MS = 1000
LATE_MS = 900  # a machine under load; a fetch that blocks would take PATIENCE_MS
GARBAGE = ("binary", "huge", "half", "truncate", "empty", "drop", "status=503", "hang")


class Chain:
    """One tool_credentials process."""

    def __init__(self, env, profile="", role="", external="", region="", ahead=900000,
                 retry=100, patience=PATIENCE_MS):
        base = {"PATH": "/usr/bin:/bin", "AWS_EC2_METADATA_DISABLED": "true"}
        base.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
        base.update(env)
        self.process = subprocess.Popen(
            [str(TOOL), profile, role, external, region, str(ahead), str(retry),
             str(patience)], env=base, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        assert status == 0, f"tool_credentials ended with {status}"

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def ask(self, word="wait"):
        self.tell(word)
        line = self.process.stdout.readline().rstrip("\n").split("\t")
        assert len(line) == 8, line
        keys = ("state", "key", "secret", "token", "source", "warning", "error", "late")
        got = dict(zip(keys, line))
        for name in ("source", "warning", "error"):
            assert SECRET[:6] not in got[name], got
        assert int(got["late"]) < LATE_MS, f"the loop was late: {got}"
        return got

    def until(self, holds, seconds=15):
        deadline = time.monotonic() + seconds
        while True:
            got = self.ask()
            if holds(got):
                return got
            assert time.monotonic() < deadline, got
            time.sleep(0.02)


class Sources(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = Path(self._folder.name)
        self.env = {"HOME": str(self.folder)}

    def place(self, **more):
        place = Place(**more)
        place.__enter__()
        self.addCleanup(place.__exit__)
        return place

    def ask(self, env=None, **more):
        begin = time.monotonic()
        with Chain({**self.env, **(env or {})}, **more) as chain:
            got = chain.ask()
        self.assertLess(time.monotonic() - begin, 15)
        return got

    def good(self, got, key="AKID1", source=""):
        self.assertEqual(("ready", key, SECRET, SECRET + "t"),
                         (got["state"], got["key"], got["secret"], got["token"]), got)
        self.assertIn(source, got["source"])

    def bad(self, got, *texts):
        self.assertEqual("cannot", got["state"], got)
        for text in texts:
            self.assertIn(text, got["error"])
        self.assertEqual("", got["key"])

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    # -- web identity

    def web(self, place):
        self.write("token", "web.token-1\n")
        self.env.update(AWS_WEB_IDENTITY_TOKEN_FILE=str(self.folder / "token"),
                        AWS_ROLE_ARN=ROLE, AWS_ENDPOINT_URL_STS=place.url)

    def test_web_identity(self):
        place = self.place()
        self.web(place)
        self.good(self.ask(), source="web identity as " + ROLE)
        self.assertEqual(
            {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
             "RoleArn": ROLE, "RoleSessionName": "pointsman",
             "WebIdentityToken": "web.token-1"}, place.seen[0]["form"])
        self.assertEqual("application/x-www-form-urlencoded; charset=utf-8",
                         place.seen[0]["headers"]["content-type"])
        self.env["AWS_ROLE_SESSION_NAME"] = "site-fra"
        self.good(self.ask(), key="AKID2")
        self.assertEqual("site-fra", place.seen[1]["form"]["RoleSessionName"])

    def test_web_identity_in_trouble(self):
        place = self.place()
        self.web(place)
        for fault in GARBAGE:
            place.fault = fault
            self.bad(self.ask(), "web identity as ")
        place.fault = ""
        place.life_s = -60
        self.bad(self.ask(), "had ended at", "this machine's clock")
        place.life_s = 3600
        for other in (ROLE.replace("1234", "9999"), ROLE + "x",
                      ROLE.replace("arn:aws:", "arn:aws-cn:")):
            place.role = other
            self.bad(self.ask(), "which was not asked for: not used")
        place.role = ROLE + "\x07"
        self.bad(self.ask(), "web identity as ")
        place.role = ROLE
        place.sts = lambda _: place.refuse(400, "InvalidIdentityToken", "No OpenIDConnect")
        self.bad(self.ask(), "InvalidIdentityToken", "must renew it")
        self.write("token", "")
        self.bad(self.ask(), "AWS_WEB_IDENTITY_TOKEN_FILE", "is empty")
        (self.folder / "token").unlink()
        self.bad(self.ask(), "No such file")
        del self.env["AWS_ROLE_ARN"]
        self.bad(self.ask(), "AWS_ROLE_ARN is not")

    def test_web_identity_is_renewed_with_the_token_of_then(self):
        place = self.place()
        place.life_s = 3
        self.web(place)
        with Chain(self.env, ahead=2500) as chain:
            self.good(chain.ask())
            self.write("token", "web.token-2")
            chain.until(lambda got: got["key"] == "AKID2")
        self.assertEqual("web.token-2", place.seen[1]["form"]["WebIdentityToken"])

    # -- a role

    def test_role(self):
        place = self.place()
        place.base_secret = "base-secret"
        place.region = "eu-central-1"
        env = {"AWS_ACCESS_KEY_ID": "BASE", "AWS_SECRET_ACCESS_KEY": "base-secret",
               "AWS_SESSION_TOKEN": "base-token", "AWS_ENDPOINT_URL_STS": place.url,
               "AWS_REGION": "eu-central-1"}
        self.good(self.ask(env, role=ROLE, external="ext id&1"), source="role_arn " + ROLE)
        self.assertEqual(
            {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": ROLE,
             "RoleSessionName": "pointsman", "ExternalId": "ext id&1"},
            place.seen[0]["form"])
        self.assertEqual("base-token",
                         place.seen[0]["headers"]["x-amz-security-token"])
        self.assertIn("Credential=BASE/", place.seen[0]["headers"]["authorization"])
        self.good(self.ask(env, role=ROLE), key="AKID2")
        self.assertNotIn("ExternalId", place.seen[1]["form"])
        place.region = "ap-south-1"
        self.good(self.ask(env, role=ROLE, region="ap-south-1"), key="AKID3")
        place.clock_s = 4000  # this machine is more than an hour behind
        self.good(self.ask(env, role=ROLE, region="ap-south-1"), key="AKID4")
        place.base_secret, place.region = "other", "eu-central-1"
        self.bad(self.ask(env, role=ROLE), "SignatureDoesNotMatch")
        place.base_secret = None
        self.bad(self.ask(env, role=ROLE), "AccessDenied", "allow sts:AssumeRole",
                 "external_id")
        place.base_secret, place.clock_s, place.region = "base-secret", 0, "eu-central-1"
        place.role = ROLE.replace("1234", "9999")
        self.bad(self.ask(env, role=ROLE), "not asked for")
        for fault in GARBAGE:
            place.fault = fault
            self.bad(self.ask(env, role=ROLE), "role_arn ")

    def test_role_on_top_of_another_source(self):
        place = self.place()
        place.base_secret = SECRET
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url + "/keys",
               "AWS_ENDPOINT_URL_STS": place.url}
        self.good(self.ask(env, role=ROLE), key="AKID2", source="role_arn")
        self.assertEqual(SECRET + "t", place.seen[1]["headers"]["x-amz-security-token"])
        place.fault = "/keys:status=500"
        self.bad(self.ask(env, role=ROLE), "container endpoint: HTTP status 500")

    def test_endpoints_by_partition_through_a_proxy(self):
        """No packet leaves: the proxy is asked for the right host, and says no."""
        proxy = self.place()
        env = {"AWS_ACCESS_KEY_ID": "BASE", "AWS_SECRET_ACCESS_KEY": "base-secret",
               "HTTPS_PROXY": proxy.url}
        for arn, region, host in (
                (ROLE, "", "sts.us-east-1.amazonaws.com"),
                (ROLE, "eu-north-1", "sts.eu-north-1.amazonaws.com"),
                (ROLE, "cn-north-1", "sts.us-east-1.amazonaws.com"),
                (ROLE.replace(":aws:", ":aws-cn:"), "", "sts.cn-north-1.amazonaws.com.cn"),
                (ROLE.replace(":aws:", ":aws-cn:"), "cn-northwest-1",
                 "sts.cn-northwest-1.amazonaws.com.cn"),
                (ROLE.replace(":aws:", ":aws-us-gov:"), "",
                 "sts.us-gov-west-1.amazonaws.com")):
            self.bad(self.ask(env, role=arn, region=region), "role_arn", "403")
            self.assertEqual({"method": "CONNECT", "path": host + ":443"}, proxy.seen[-1])
        env["AWS_ENDPOINT_URL_STS"] = "sts.example"
        self.bad(self.ask(env, role=ROLE), "AWS_ENDPOINT_URL_STS is not scheme")

    def test_own_authorities_and_no_proxy(self):
        if not shutil.which("openssl"):
            self.skipTest("no openssl command to make a certificate with")
        key, cert = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
             "-days", "2", "-subj", "/CN=sts", "-addext", "subjectAltName=IP:127.0.0.1"],
            check=True, stderr=subprocess.DEVNULL)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(cert, key)
        place, proxy = self.place(tls=tls), self.place()
        self.web(place)
        self.bad(self.ask(), "certificate")
        self.env["AWS_CA_BUNDLE"] = str(cert)
        self.good(self.ask())
        self.env["HTTPS_PROXY"] = proxy.url
        self.bad(self.ask(), "403")
        self.env["NO_PROXY"] = "127.0.0.1"
        self.good(self.ask(), key="AKID2")

    # -- endpoints beside the machine

    def test_container(self):
        place = self.place()
        place.authorization = "Basic tok-1"
        env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url + "/v1/credentials?x=1",
               "AWS_CONTAINER_AUTHORIZATION_TOKEN": "wrong",
               "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(self.folder / "auth"),
               "HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"}
        self.bad(self.ask(env), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "No such file")
        self.write("auth", "Basic tok-1\n")
        self.good(self.ask(env), source="container endpoint")
        self.assertEqual("/v1/credentials?x=1", place.seen[-1]["path"])
        place.life_s = 3
        with Chain({**self.env, **env}, ahead=2500) as chain:
            self.good(chain.ask(), key="AKID2")
            place.authorization = "tok-2"  # the file is read for each request
            self.write("auth", "tok-2")
            chain.until(lambda got: got["key"] == "AKID3")
        self.write("auth", "a\nb")
        self.bad(self.ask(env), "control characters")
        self.write("auth", "tok-3")
        self.bad(self.ask(env), "HTTP status 401", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        del env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "tok-2"
        place.life_s = 3600
        for fault in GARBAGE:
            place.fault = fault
            self.bad(self.ask(env), "container endpoint")
        place.fault, place.life_s = "", -1
        self.bad(self.ask(env), "had ended at")
        self.bad(self.ask({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/"}),
                 "http may only go to loopback")

    def test_instance(self):
        place = self.place()
        env = {"AWS_EC2_METADATA_DISABLED": "false",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT": place.url + "/"}
        self.good(self.ask(env), source="instance metadata")
        self.assertEqual(["PUT /latest/api/token",
                          "GET /latest/meta-data/iam/security-credentials/",
                          "GET /latest/meta-data/iam/security-credentials/dns-role"],
                         [f"{r['method']} {r['path']}" for r in place.seen])
        self.assertEqual("21600", place.seen[0]["headers"][
            "x-aws-ec2-metadata-token-ttl-seconds"])
        for r in place.seen[1:]:
            self.assertEqual("imds-token", r["headers"]["x-aws-ec2-metadata-token"])
        for where in ("token", "security-credentials/", "dns-role"):
            for fault in GARBAGE:
                if fault == "half" and where != "dns-role":
                    continue  # half of a token or of a name is one
                place.fault = f"{where}:{fault}"
                self.bad(self.ask(env), "instance metadata")
        del place.seen[:]
        place.fault = "token:status=403"
        self.bad(self.ask(env), "no IMDSv2 token", "modify-instance-metadata-options")
        self.assertEqual(["PUT"], [r["method"] for r in place.seen])  # never IMDSv1
        place.fault = "security-credentials/:status=404"
        self.bad(self.ask(env), "attach an instance profile")
        place.fault = ""
        place.keys = lambda extra: {"Code": "AssumeRoleUnauthorizedAccess",
                                    "Message": SECRET}
        self.bad(self.ask(env), "instance metadata: ")
        self.bad(self.ask(), "no AWS credentials")

    # -- credential_process

    def profile(self, command, name="default", more=""):
        self.write(".aws/config", f"[{'profile ' if name != 'default' else ''}{name}]\n"
                   f"credential_process = {command}\n{more}")

    def script(self, body, name="helper"):
        return self.write(name, "#!/bin/sh\n" + body + "\n", 0o700)

    @staticmethod
    def printed(**more):
        return json.dumps({"Version": 1, "AccessKeyId": "AKID1",
                           "SecretAccessKey": SECRET, "SessionToken": SECRET + "t",
                           **more})

    def test_process(self):
        out = self.folder / "args"
        helper = self.script(f"for a in \"$@\"; do echo \"<$a>\"; done >{out}\n"
                             f"echo {SECRET} >&2\ncat <<'E'\n{self.printed()}\nE",
                             "my helper")
        self.profile(f"\"{helper}\" one 'two  $HOME' \"a \\\"b\\\"\" c\\ d '' `x` ; rm")
        got = self.ask()
        self.good(got, source="credential_process of profile default (")
        self.assertIn("config:2)", got["source"])
        self.assertEqual(["<one>", "<two  $HOME>", '<a "b">', "<c d>", "<>", "<`x`>",
                          "<;>", "<rm>"], out.read_text().splitlines())
        self.profile(f"'{helper}'", "ops")
        self.good(self.ask(profile="ops"), source="profile ops")
        self.good(self.ask({"AWS_PROFILE": "ops"}))

    def test_process_in_trouble(self):
        for body, texts in (
                (f"echo {SECRET}; exit 3", ["ended with status 3", "by hand"]),
                ("kill -9 $$", ["ended by signal 9"]),
                (f"echo '{self.printed(Version=2)}'", ["\"Version\": 1"]),
                (f"echo '{self.printed(Version='1')}'", ["\"Version\": 1"]),
                (f"echo '{self.printed(SecretAccessKey='')}'", ["no SecretAccessKey"]),
                (f"echo '{self.printed(AccessKeyId=7)}'", ["no AccessKeyId"]),
                (f"echo '{self.printed(Expiration=wall(-9))}'", ["had ended at"]),
                (f"echo '{self.printed(Expiration='soon')}'", ["is no time"]),
                (f"echo '{self.printed()[:-9]}'", ["is not JSON"]),
                (f"echo '[{self.printed()}]'", ["no JSON object"]),
                (f"echo '{self.printed(SessionToken='a b')}'", ["holds blanks"]),
                ("head -c 3000 /dev/urandom", ["is not JSON"]),
                ("true", ["is not JSON"]),
                ("yes " + SECRET, ["more than 64 KiB"])):
            self.profile(self.script(body))
            self.bad(self.ask(patience=5000), "credential_process of profile default",
                     *texts)

    def test_process_that_does_not_end_is_killed_with_its_children(self):
        """Silent, closed, dripping, or gone with a child left that holds the pipe."""
        mark = f"30{os.getpid()}"
        for body in (f"sleep {mark} & sleep {mark}", f"exec >&-; sleep {mark}",
                     f"trap '' TERM; while echo x; do sleep 0.01; done; sleep {mark}"):
            self.profile(self.script(body))
            self.bad(self.ask(), "did not end in its time and was killed")
            self.assertEqual([], self.alive(mark))
        self.profile(self.script(f"sleep {mark} & echo '{self.printed()}'"))
        self.good(self.ask())
        self.assertEqual([], self.alive(mark))
        self.profile(self.script(f"sleep {mark}"))
        with Chain(self.env, patience=60000) as chain:  # ends while it runs
            self.assertEqual("wait", chain.ask("get")["state"])
        self.assertEqual([], self.alive(mark))

    @staticmethod
    def alive(mark):
        def command(pid):
            try:
                return Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                return b""
        for _ in range(100):
            left = [p for p in os.listdir("/proc") if p.isdigit()
                    and f"\0{mark}\0".encode() in command(p)]
            if not left:
                break
            time.sleep(0.02)
        return left

    # -- what all of them share

    def test_renewed_ahead_kept_while_that_fails_and_dropped_at_the_end(self):
        place = self.place()
        place.life_s = 5
        env = {**self.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url}
        with Chain(env, ahead=4000) as chain:
            self.good(chain.ask())
            place.fault = "status=503"
            got = chain.until(lambda got: got["warning"])
            self.assertRegex(got["warning"], r"^going on with the credentials read before, "
                             r"which end at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: container "
                             r"endpoint: HTTP status 503")
            self.good(got)
            place.fault = ""
            got = chain.until(lambda got: got["key"] == "AKID2")
            self.assertEqual("", got["warning"])
            place.fault = "hang"
            got = chain.until(lambda got: got["state"] != "ready")
            self.bad(got)
            got = chain.until(lambda got: "container endpoint" in got["error"])
            self.assertIn("ended at", got["warning"])
            place.fault, place.life_s = "", 3600
            got = chain.until(lambda got: got["state"] == "ready")
            self.good(got, key="AKID3")
            self.assertEqual("", got["warning"])
            asked = len(place.seen)
            for _ in range(20):
                chain.ask()
            self.assertEqual(asked, len(place.seen), "asked again without need")

    def test_what_aws_rejects_is_renewed(self):
        place = self.place()
        env = {**self.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url}
        with Chain(env, retry=60000) as chain:
            self.good(chain.ask())
            chain.tell("reject")
            self.good(chain.until(lambda got: got["key"] == "AKID2"), key="AKID2")

    def test_a_source_in_trouble_is_not_asked_at_our_pace(self):
        place = self.place()
        place.fault = "status=503"
        env = {**self.env, "AWS_CONTAINER_CREDENTIALS_FULL_URI": place.url}
        with Chain(env, retry=60000) as chain:
            for _ in range(50):
                self.bad(chain.ask(), "HTTP status 503")
        self.assertEqual(1, len(place.seen))

    def test_order(self):
        place = self.place()
        static = "aws_access_key_id = FILE\naws_secret_access_key = x\n"
        env = {"AWS_EC2_METADATA_DISABLED": "false",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT": place.url,
               "AWS_ENDPOINT_URL_STS": place.url}
        self.assertIn("instance", self.ask(env)["source"])
        env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = place.url
        self.assertIn("container", self.ask(env)["source"])
        self.profile(self.script(f"echo '{self.printed()}'"))
        self.assertIn("credential_process of", self.ask(env)["source"])
        self.write(".aws/credentials", f"[default]\n{static}[ops]\n{static}")
        self.assertIn("profile default of", self.ask(env)["source"])
        self.write("token", "t")
        web = {**env, "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.folder / "token"),
               "AWS_ROLE_ARN": ROLE}
        self.assertIn("web identity", self.ask(web)["source"])
        self.assertIn("profile ops of", self.ask(web, profile="ops")["source"])
        web.update(AWS_ACCESS_KEY_ID="A", AWS_SECRET_ACCESS_KEY="B")
        self.assertEqual("environment", self.ask(web, profile="ops")["source"])

    def test_what_is_not_supported_is_said_with_the_way(self):
        for line in ("sso_session = x", "mfa_serial = x", "source_profile = y",
                     "role_arn = z"):
            self.write(".aws/config", "[profile ops]\n" + line + "\n")
            self.bad(self.ask(profile="ops"), "does not support", "credential_process = aws "
                     "configure export-credentials --profile ops --format process")


if __name__ == "__main__":
    if not TOOL.exists():
        print(f"{TOOL} is not built (set BUILD_DIR)")
        sys.exit(1)
    begin = time.monotonic()
    program = unittest.main(exit=False, verbosity=1, warnings="ignore")
    print(f"test_credentials_sources.py: {time.monotonic() - begin:.1f} s")
    sys.exit(not program.result.wasSuccessful())
