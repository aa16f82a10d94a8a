# SPDX-License-Identifier: Apache-2.0
"""Signatures: botocore's signer is believed, every change to what it signed is not."""

import datetime
import http.client
import os
import unittest
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from lab import KEY_ID, SECRET, Lab, batch_xml, main, rrset

LIST = "/2013-04-01/hostedzone/ZLAB/rrset"


class Signer(botocore.auth.SigV4Auth):
    """Signs at another moment, or only some headers, as botocore would."""

    def __init__(self, *args, shift_s=0, unsigned=(), **more):
        super().__init__(*args, **more)
        self.shift_s, self.unsigned = shift_s, unsigned

    def add_auth(self, request):
        now = datetime.datetime.utcnow() + datetime.timedelta(seconds=self.shift_s)
        request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        signature = self.signature(
            self.string_to_sign(request, self.canonical_request(request)), request)
        self._inject_signature_to_request(request, signature)

    def headers_to_sign(self, request):
        headers = super().headers_to_sign(request)
        for name in self.unsigned:
            del headers[name]
        return headers


class Signature(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0").start()
        cls.addClassCleanup(cls.lab.stop)

    def request(self, method="GET", path=LIST, body=b"", key_id=KEY_ID, secret=SECRET,
                token=None, region="us-east-1", service="route53", edit=None, lab=None,
                headers=None, **signer):
        """Signs, lets edit(headers, path, body) spoil it, sends; (status, text)."""
        lab = lab or self.lab
        request = AWSRequest(method, lab.url + path, data=body, headers=headers or {})
        Signer(Credentials(key_id, secret, token), service, region,
               **signer).add_auth(request)
        headers = dict(request.headers.items())
        if edit is not None:
            path, body = edit(headers, path, body) or (path, body)
        connection = http.client.HTTPConnection(urlsplit(lab.url).netloc, timeout=10)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def accepted(self, **how):
        status, text = self.request(**how)
        self.assertEqual(status, 200, text)

    def refused(self, code, status=403, **how):
        before = self.lab.state()
        got, text = self.request(**how)
        self.assertIn(f"<Code>{code}</Code>", text)
        self.assertEqual(got, status)
        after = self.lab.state()
        self.assertEqual(after.sets, before.sets)
        self.assertEqual(after.counters["denied"], before.counters["denied"] + 1)
        return text

    def test_accepted(self):
        self.accepted()
        self.accepted(path=LIST + "/")
        self.accepted(path=LIST + "?name=a.example.test&type=A")
        self.accepted(headers={"X-Amz-Extra": "  two   blanks  "})

    def test_unsorted_and_odd_queries(self):
        self.accepted(path=LIST + "?type=A&name=a.example.test&maxitems=5")
        self.accepted(path=LIST + "?name=%5C052.example.test&maxitems=1")
        self.accepted(path=LIST + "?maxitems=1&empty=")
        self.accepted(path=LIST + "?name=a%2Bb%21c~.example.test&maxitems=1")

    def test_query_signed_as_it_stands(self):
        """A client that signs its query unsorted is wrong."""
        class Unsorted(Signer):
            def _canonical_query_string_url(self, parts):
                return parts.query

        def send(path):
            request = AWSRequest("GET", self.lab.url + path)
            Unsorted(Credentials(KEY_ID, SECRET), "route53", "us-east-1").add_auth(request)
            connection = http.client.HTTPConnection(self.lab.http, timeout=10)
            connection.request("GET", path, headers=dict(request.headers.items()))
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text
        self.assertEqual(send(LIST + "?maxitems=5&name=a.example.test")[0], 200)
        status, text = send(LIST + "?name=a.example.test&maxitems=5")
        self.assertEqual(status, 403)
        self.assertIn("SignatureDoesNotMatch", text)

    def test_wrong_secret_key_region_service(self):
        self.refused("SignatureDoesNotMatch", secret="lab-secreT")
        self.refused("InvalidClientTokenId", key_id="AKIDNOBODY")
        text = self.refused("SignatureDoesNotMatch", region="eu-central-1")
        self.assertIn("not 'eu-central-1'", text)
        self.refused("SignatureDoesNotMatch", service="sts")

    def test_dates(self):
        self.accepted(shift_s=-280)
        self.accepted(shift_s=280)
        self.refused("RequestExpired", shift_s=-320)
        self.refused("SignatureDoesNotMatch", shift_s=320)

        def other_date(headers, path, body):
            headers["X-Amz-Date"] = "20150830T123600Z"
        self.refused("SignatureDoesNotMatch", edit=other_date)

    def test_spoiled(self):
        body = batch_xml([("CREATE", rrset("x.example.test", "A", "192.0.2.1"))])

        def spoil_body(headers, path, body):
            return path, body.replace(b"192.0.2.1", b"192.0.2.2")

        def spoil_path(headers, path, body):
            return path.replace("ZLAB", "ZLAC"), body

        def spoil_query(headers, path, body):
            return path + "&maxitems=1", body

        def spoil_signature(headers, path, body):
            text = headers["Authorization"]
            headers["Authorization"] = text[:-1] + ("0" if text[-1] != "0" else "1")

        def shorter(headers, path, body):
            headers["Authorization"] = headers["Authorization"][:-1]
        self.refused("SignatureDoesNotMatch", method="POST", body=body, edit=spoil_body)
        self.refused("SignatureDoesNotMatch", edit=spoil_path)
        self.refused("SignatureDoesNotMatch", path=LIST + "?name=a.example.test",
                     edit=spoil_query)
        self.refused("SignatureDoesNotMatch", edit=spoil_signature)
        self.refused("SignatureDoesNotMatch", edit=shorter)

    def test_headers(self):
        def none(headers, path, body):
            del headers["Authorization"]

        def no_date(headers, path, body):
            del headers["X-Amz-Date"]

        def extra(headers, path, body):
            headers["x-amz-extra"] = "1"

        def unsorted(headers, path, body):
            headers["Authorization"] = headers["Authorization"].replace(
                "host;x-amz-date", "x-amz-date;host")

        def no_signature(headers, path, body):
            headers["Authorization"] = headers["Authorization"].split(", Signature")[0]

        def basic(headers, path, body):
            headers["Authorization"] = "Basic Zm9vOmJhcg=="
        self.refused("MissingAuthenticationToken", edit=none)
        self.refused("IncompleteSignature", 400, edit=no_date)
        text = self.refused("SignatureDoesNotMatch", edit=extra)
        self.assertIn("x-amz-extra", text)
        self.refused("SignatureDoesNotMatch", edit=unsorted)
        self.refused("IncompleteSignature", 400, edit=no_signature)
        self.refused("IncompleteSignature", 400, edit=basic)
        text = self.refused("SignatureDoesNotMatch", unsigned=["host"])
        self.assertIn("Host", text)
        text = self.refused("SignatureDoesNotMatch", unsigned=["x-amz-date"])
        self.assertIn("X-Amz-Date", text)

    def test_token(self):
        self.refused("InvalidClientTokenId", token="some-token")
        with Lab("--token", "tok/en+1==") as lab:
            status, text = self.request(lab=lab, token="tok/en+1==")
            self.assertEqual(status, 200, text)
            for token in (None, "other"):
                status, text = self.request(lab=lab, token=token)
                self.assertEqual(status, 403)
                self.assertIn("<Code>InvalidClientTokenId</Code>", text)

    def test_region_option(self):
        with Lab("--region", "cn-northwest-1") as lab:
            self.assertEqual(self.request(lab=lab, region="cn-northwest-1")[0], 200)
            self.assertEqual(self.request(lab=lab)[0], 403)

    def test_clock(self):
        """A lab whose clock is off refuses honest clients, and says its time in Date."""
        self.addCleanup(self.lab.clear)
        self.lab.fault("clock=400")
        self.refused("RequestExpired")
        self.accepted(shift_s=400)
        self.lab.fault("clock=-400")
        self.refused("SignatureDoesNotMatch")

    def test_no_secret_in_the_log(self):
        with self.assertRaises(ClientError):
            self.lab.client(secret="wrong-secret").list_hosted_zones()
        with open(self.lab.log, encoding="ascii") as log:
            text = log.read()
        self.assertNotIn("secret", text)
        self.assertNotIn("Signature=", text)


class PublishedSuite(unittest.TestCase):
    """AWS's published requests, where they are at hand: what its signatures say of the
    canonical request must be what the lab computes. They are signed for another service
    and date, so they are signed again here by botocore; the suite gives the shapes."""

    def test_shapes(self):
        folder = os.path.join(os.environ.get("SOURCE_DIR", "."), "..", "shared", "data",
                              "sigv4")
        if not os.path.isdir(folder):
            self.skipTest("AWS's signing suite is not at hand")
        seen = 0
        with Lab() as lab:
            for at, _, files in sorted(os.walk(folder)):
                for name in files:
                    if name.endswith(".req") and self.send(lab, os.path.join(at, name)):
                        seen += 1
        print(f"{seen} request shapes of AWS's suite")
        self.assertGreater(seen, 20)

    def send(self, lab, path):
        with open(path, encoding="utf-8", newline="") as f:
            head, _, body = f.read().replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        method, target = lines[0].rsplit(" ", 1)[0].split(" ", 1)
        if not target.isascii() or " " in target:
            return False  # no HTTP client sends such a request line
        if any(line.startswith(" ") for line in lines) or "get-header-key-duplicate" in path:
            return False  # botocore's request cannot hold them
        headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
        for unwanted in ("Host", "X-Amz-Date"):
            headers.pop(unwanted, None)
        request = AWSRequest(method, lab.url + target, data=body.encode(), headers=headers)
        token = headers.pop("X-Amz-Security-Token", None)
        if token is not None:
            return False  # this lab takes no token; test_token does
        Signer(Credentials(KEY_ID, SECRET), "route53", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(lab.http, timeout=10)
        connection.request(method, target, body.encode(), dict(request.headers.items()))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        with self.subTest(os.path.basename(path)):
            self.assertIn("UnknownOperationException", text)  # past the door
        return True


if __name__ == "__main__":
    main()
