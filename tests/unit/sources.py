# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for the places that credentials come from: STS, the container's endpoint,
the instance's metadata (IMDSv2), a proxy. Written from AWS's API references; they share
nothing with the product. Each behaves until it is told to misbehave:

    with Place() as place:
        place.fault = "hang"      # hang, drop, truncate, binary, huge, status=503, ...
        place.seen[-1]            # the last request: method, path, headers, body
"""
import datetime
import hashlib
import hmac
import http.server
import json
import os
import threading
import time
import urllib.parse

ROLE = "arn:aws:iam::123456789012:role/path/dns"
SECRET = "SeCrEt+/value"


def wall(seconds):
    at = datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def signature(secret, request, region, service="sts"):
    """What the Authorization field should say, by the General Reference's recipe."""
    h = request["headers"]
    given = h["authorization"]
    signed = given.split("SignedHeaders=")[1].split(",")[0]
    scope = given.split("Credential=")[1].split(",")[0].split("/", 1)[1]
    date = h["x-amz-date"]
    assert scope == f"{date[:8]}/{region}/{service}/aws4_request", scope
    canonical = "\n".join([
        request["method"], request["path"], "",
        *[f"{name}:{h[name].strip()}" for name in signed.split(";")], "", signed,
        hashlib.sha256(request["body"]).hexdigest()])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Place:
    """One server that is all of them: STS at POST /, IMDS below /latest, the container's
    endpoint elsewhere."""

    def __init__(self, tls=None):
        self.fault, self.seen, self.life_s, self.count = "", [], 3600, 0
        self.role = ROLE            # whom STS answers for; None: whom it was asked for
        self.token = "imds-token"
        self.authorization = None   # that the container's endpoint wants
        self.base_secret = None     # when set, AssumeRole checks the signature
        self.region = "us-east-1"
        self.clock_s = 0
        place = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self):
                n = int(self.headers.get("Content-Length") or 0)
                place.take(self, self.rfile.read(n))

            do_GET = do_POST = do_PUT = do  # noqa: N815

            def do_CONNECT(self):  # noqa: N802
                place.seen.append({"method": "CONNECT", "path": self.path})
                self.send_response(403)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() + place.clock_s)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_port}"
        self.gone = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, handler, body):
        request = {"method": handler.command, "path": handler.path, "body": body,
                   "headers": {k.lower(): v for k, v in handler.headers.items()}}
        self.seen.append(request)
        where, _, fault = self.fault.rpartition(":")
        if where and where not in handler.path:
            fault = ""
        if fault == "hang":
            self.gone.wait(60)
            return
        if fault == "drop":
            handler.close_connection = True
            return
        if fault.startswith("status="):
            status, kind, answer = int(fault[7:]), "text/plain", b"no " + SECRET.encode()
        else:
            status, kind, answer = self.answer(request)
        if fault == "binary":
            answer = os.urandom(3000)
        elif fault == "huge":
            answer = b"A" * (6 << 20)
        elif fault == "empty":
            answer = b""
        length = len(answer)
        if fault == "half":
            answer = answer[:length // 2]
            length = len(answer)
        elif fault == "truncate":
            answer = answer[:length // 2]
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.write(answer)
        if fault == "truncate":
            handler.close_connection = True

    # -- the services

    def answer(self, request):
        if request["path"].startswith("/latest/"):
            return self.instance(request)
        if request["method"] == "POST":
            return self.sts(request)
        return self.container(request)

    def keys(self, extra):
        self.count += 1
        return {"AccessKeyId": f"AKID{self.count}", "SecretAccessKey": SECRET,
                "Expiration": wall(self.life_s + self.clock_s), **extra}

    def instance(self, request):
        token = request["headers"].get("x-aws-ec2-metadata-token")
        path = request["path"]
        if path == "/latest/api/token":
            ttl = request["headers"].get("x-aws-ec2-metadata-token-ttl-seconds")
            if request["method"] != "PUT" or ttl is None or not 1 <= int(ttl) <= 21600:
                return 400, "text/plain", b"Bad Request"
            return 200, "text/plain", self.token.encode()
        if token != self.token:
            return 401, "text/plain", b"Unauthorized"
        base = "/latest/meta-data/iam/security-credentials/"
        if path == base:
            return 200, "text/plain", b"dns-role"
        if path == base + "dns-role":
            return 200, "text/plain", json.dumps(self.keys(
                {"Code": "Success", "Type": "AWS-HMAC", "Token": SECRET + "t",
                 "LastUpdated": wall(0)})).encode()
        return 404, "text/plain", b"Not Found"

    def container(self, request):
        if request["headers"].get("authorization") != self.authorization:
            return 401, "text/plain", b"Unauthorized"
        return 200, "application/json", json.dumps(self.keys(
            {"RoleArn": ROLE, "Token": SECRET + "t"})).encode()

    def sts(self, request):
        form = dict(urllib.parse.parse_qsl(request["body"].decode(),
                                           strict_parsing=True))
        request["form"] = form
        if form["Version"] != "2011-06-15":
            return self.refuse(400, "InvalidAction", "no such version")
        if form["Action"] == "AssumeRole":
            if self.base_secret is None:
                return self.refuse(403, "AccessDenied", "not authorized to sts:AssumeRole")
            given = request["headers"]["authorization"].split("Signature=")[1]
            if given != signature(self.base_secret, request, self.region):
                return self.refuse(403, "SignatureDoesNotMatch", "signature")
            stamp = datetime.datetime.strptime(
                request["headers"]["x-amz-date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
            if abs(stamp.timestamp() - time.time() - self.clock_s) > 300:
                return self.refuse(403, "SignatureDoesNotMatch", "Signature expired")
        elif form["Action"] != "AssumeRoleWithWebIdentity" or \
                "authorization" in request["headers"]:
            return self.refuse(400, "InvalidAction", form["Action"])
        name, asked = form["Action"], self.role or form["RoleArn"]
        keys = self.keys({"SessionToken": SECRET + "t"})
        arn = (asked.replace(":iam:", ":sts:").split(":role/")[0] + ":assumed-role/"
               + asked.rpartition("/")[2] + "/" + form["RoleSessionName"])
        inner = "".join(f"<{k}>{v}</{k}>" for k, v in keys.items())
        return 200, "text/xml", (
            f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{name}Result><AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId>"
            f"<Arn>{arn}</Arn></AssumedRoleUser><Credentials>{inner}</Credentials>"
            f"</{name}Result><ResponseMetadata><RequestId>1</RequestId>"
            f"</ResponseMetadata></{name}Response>").encode()

    @staticmethod
    def refuse(status, code, message):
        return status, "text/xml", (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>1</RequestId></ErrorResponse>").encode()
