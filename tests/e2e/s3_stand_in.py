# SPDX-License-Identifier: Apache-2.0
"""A stand-in for one S3 bucket, on loopback, path style.

Each request is checked as S3 would check it, with botocore's own code: the signature by
its S3 signer, the parameters by its service model and serializer. What it answers is read
by botocore's parser before it is sent.
"""
import hashlib
import hmac
import http.server
import re
import threading
import time
import urllib.parse
from email.utils import formatdate
from xml.sax.saxutils import escape

import botocore.auth
import botocore.parsers
import botocore.serialize
import botocore.session
import botocore.validate
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from aws_stand_in import KEY, SECRET

EMPTY = hashlib.sha256(b"").hexdigest()
PAGE = "http://s3.amazonaws.com/doc/2006-03-01/"
MODEL = botocore.session.Session().get_service_model("s3")


def check_signature(handler):
    """None, or why S3 would refuse."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/s3/aws4_request, "
        r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})",
        handler.headers.get("Authorization", ""))
    if not found:
        return "AuthorizationHeaderMalformed"
    key, day, region, signed, signature = found.groups()
    date = handler.headers.get("X-Amz-Date", "")
    if key != KEY:
        return "InvalidAccessKeyId"
    if region != handler.server.stand_in.region:
        return "AuthorizationHeaderMalformed"
    if not date.startswith(day) or not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(
            signed.split(";")) or handler.headers["X-Amz-Content-SHA256"] != EMPTY:
        return "AccessDenied"
    auth = botocore.auth.S3SigV4Auth(Credentials(KEY, SECRET), "s3", region)
    ours = AWSRequest(method="GET", url=f"http://{handler.headers['Host']}{handler.path}",
                      headers={h: handler.headers[h] for h in signed.split(";")})
    ours.context["timestamp"] = date
    text = auth.string_to_sign(ours, auth.canonical_request(ours))
    if not hmac.compare_digest(auth.signature(text, ours), signature):
        return "SignatureDoesNotMatch"
    then = time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.timezone
    return ("RequestTimeTooSkewed" if abs(handler.server.stand_in.now() - then) > 900
            else None)


def check_model(operation, params, path, query):
    """Would botocore have sent this?"""
    op = MODEL.operation_model(operation)
    report = botocore.validate.ParamValidator().validate(params, op.input_shape)
    if report.has_errors():
        raise ValueError(report.generate_report())
    sent = botocore.serialize.create_serializer("rest-xml").serialize_to_request(params, op)
    where, _, fixed = sent["url_path"].partition("?")
    wanted = {k: str(v) for k, v in sent["query_string"].items()}
    wanted.update(urllib.parse.parse_qsl(fixed))
    if (where, wanted) != (path, query):
        raise ValueError(f"botocore would send {where} {wanted}, not {path} {query}")


def error(code, status=403, text="refused", **more):
    inner = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in more.items())
    return status, (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code>'
                    f"<Message>{escape(text)}</Message>{inner}</Error>").encode()


def stamp(wall_s):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(wall_s))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        here = self.server.stand_in
        here.requests.append(self.path)
        path, _, text = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        _, bucket, key = (urllib.parse.unquote(path).split("/", 2) + [""])[:3]
        if self.headers.get("Content-Length", "0") != "0":
            here.mistakes.append("a GET with a body")
        try:
            if key:
                check_model("GetObject", {"Bucket": bucket, "Key": key}, path, query)
            else:
                names = {"prefix": "Prefix", "max-keys": "MaxKeys",
                         "encoding-type": "EncodingType",
                         "continuation-token": "ContinuationToken"}
                params = {names[k]: int(v) if k == "max-keys" else v
                          for k, v in query.items() if k != "list-type"}
                check_model("ListObjectsV2", dict(params, Bucket=bucket),
                            path.rstrip("/"), query)
        except (ValueError, KeyError) as e:
            here.mistakes.append(f"{self.path}: {e!r}")
        refused = check_signature(self)
        answer = error(refused) if refused else here.answer(bucket, key, query, self)
        if answer is None:
            return
        status, data = answer
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:             # whoever asked has lost patience
            self.close_connection = True

    def date_time_string(self, timestamp=None):
        return formatdate(self.server.stand_in.now(), usegmt=True)

    def log_message(self, *_):
        pass


class StandIn:
    """.objects: key -> (bytes, last modified); .say(bucket, key, query, handler) instead."""

    def __init__(self, bucket="backups", region="eu-central-1"):
        self.bucket, self.region, self.say = bucket, region, None
        self.objects, self.requests, self.mistakes = {}, [], []
        self.skew, self.page = 0, 1000
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.stand_in = self
        self.release = threading.Event()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def now(self):
        return time.time() + self.skew

    def put(self, key, data, modified_ago_s=0):
        self.objects[key] = (data, time.time() - modified_ago_s)

    def answer(self, bucket, key, query, handler):
        said = self.say(bucket, key, query, handler) if self.say else NotImplemented
        if said is not NotImplemented:
            return said
        if bucket != self.bucket:
            return error("NoSuchBucket", 404, BucketName=bucket)
        if not key:
            return self.listing(query)
        if key not in self.objects:
            return error("NoSuchKey", 404, Key=key)
        return 200, self.objects[key][0]

    def listing(self, query):
        after = query.get("continuation-token", "")[4:]
        keys = sorted(k for k in self.objects if k.startswith(query["prefix"]) and k > after)
        page = keys[:min(self.page, int(query["max-keys"]))]
        more = len(page) < len(keys)
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote_plus(k, safe='/')}</Key>"
            f"<LastModified>{stamp(self.objects[k][1])}</LastModified>"
            f"<ETag>&quot;0&quot;</ETag><Size>{len(self.objects[k][0])}</Size>"
            "<StorageClass>STANDARD</StorageClass></Contents>" for k in page)
        text = (f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="{PAGE}">'
                f"<Name>{self.bucket}</Name><Prefix>{escape(query['prefix'])}</Prefix>"
                + (f"<NextContinuationToken>t/+={page[-1]}</NextContinuationToken>"
                   if more else "")
                + f"<KeyCount>{len(page)}</KeyCount><MaxKeys>1000</MaxKeys>"
                f"<EncodingType>url</EncodingType>"
                f"<IsTruncated>{'true' if more else 'false'}</IsTruncated>{contents}"
                "</ListBucketResult>").encode()
        parsed = botocore.parsers.create_parser("rest-xml").parse(
            {"body": text, "headers": {}, "status_code": 200},
            MODEL.operation_model("ListObjectsV2").output_shape)
        if len(parsed.get("Contents", [])) != len(page) or parsed["IsTruncated"] != more:
            raise AssertionError(f"botocore reads something else in {text}")
        return 200, text

    def hang(self, bucket, key, query, handler):
        self.release.wait(60)
        handler.close_connection = True

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
