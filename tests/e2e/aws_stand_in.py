# SPDX-License-Identifier: Apache-2.0
"""A stand-in for AWS services of the Query protocol, on loopback.

It checks each request as AWS would, with botocore's own code: the signature by its
signer, the parameters by its service model. What it answers is read by botocore's own
parser before it is sent, so that a mistake of ours here shows as one.
"""
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

KEY, SECRET = "AKIDLAB", "lab-secret"
MODEL = {"elasticloadbalancing": "elbv2", "autoscaling": "autoscaling", "ec2": "ec2",
         "rds": "rds", "monitoring": "cloudwatch"}
_session = botocore.session.Session()
_models, _lock = {}, threading.Lock()
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/{}/73e2d6bc24d8a067"


def arn(name):
    return GROUP.format(name)


def model(service):
    with _lock:
        if service not in _models:
            _models[service] = _session.get_service_model(MODEL[service])
        return _models[service]


def insert(tree, words, value):
    """One form field into a tree of dicts; lists are dicts of numbers until shaped()."""
    for word in words[:-1]:
        tree = tree.setdefault(word, {})
    tree[words[-1]] = value


def shaped(tree, shape, m):
    """The tree as the shape's Python value, or ValueError: AWS would refuse it."""
    if shape.type_name == "structure":
        names = {}
        for name, member in shape.members.items():
            wire = member.serialization.get("queryName") or member.serialization.get("name")
            names[wire[:1].upper() + wire[1:] if wire and m.metadata[
                "protocol"] == "ec2" else wire or name] = name
        for wire in tree:
            if wire not in names:
                raise ValueError(f"{shape.name} has no {wire}")
        return {names[w]: shaped(v, shape.members[names[w]], m) for w, v in tree.items()}
    if shape.type_name == "list":
        inner = tree
        if not (shape.serialization.get("flattened") or "1" in tree):
            inner = tree[shape.member.serialization.get("name", "member")]
        return [shaped(inner[str(i + 1)], shape.member, m) for i in range(len(inner))]
    if not isinstance(tree, str):
        raise ValueError(f"{shape.name} is no {shape.type_name}")
    if shape.type_name in ("integer", "long"):
        return int(tree)
    return {"true": True, "false": False}[tree] if shape.type_name == "boolean" else tree



def check_model(service, form):
    m = model(service)
    if form.get("Version") != m.api_version:
        raise ValueError(f"version {form.get('Version')}, not {m.api_version}")
    operation = m.operation_model(form["Action"])
    params = {k: v for k, v in form.items() if k not in ("Action", "Version")}
    tree = {}
    for key, value in params.items():
        insert(tree, key.split("."), value)
    value = shaped(tree, operation.input_shape, m)
    report = botocore.validate.ParamValidator().validate(value, operation.input_shape)
    if report.has_errors():
        raise ValueError(report.generate_report())
    body = botocore.serialize.create_serializer(m.metadata["protocol"]).serialize_to_request(
        value, operation)["body"]
    if {k: str(v) for k, v in body.items()} != form:
        raise ValueError(f"botocore would send {body}, not {form}")
    return operation, value


def check_signature(request, body):
    """None, or why AWS would refuse."""
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([\w-]+)/([\w-]+)/aws4_request, "
        r"SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})",
        request.headers.get("Authorization", ""))
    if not found:
        return "IncompleteSignature"
    key, day, region, service, signed, signature = found.groups()
    date = request.headers.get("X-Amz-Date", "")
    if key != KEY:
        return "InvalidClientTokenId"
    if not date.startswith(day) or not {"host", "x-amz-date"} <= set(signed.split(";")):
        return "IncompleteSignature"
    auth = botocore.auth.SigV4Auth(Credentials(KEY, SECRET), service, region)
    ours = AWSRequest(method="POST", url=f"http://{request.headers['Host']}{request.path}",
                      data=body, headers={h: request.headers[h] for h in signed.split(";")})
    ours.context["timestamp"] = date
    text = auth.string_to_sign(ours, auth.canonical_request(ours))
    if not hmac.compare_digest(auth.signature(text, ours), signature):
        return "SignatureDoesNotMatch"
    now = request.server.stand_in.now()
    then = time.mktime(time.strptime(date, "%Y%m%dT%H%M%SZ")) - time.timezone
    return "RequestExpired" if abs(now - then) > 300 else None


def error(code, text, status=400, kind="Sender", ec2=False):
    inner = f"<Code>{code}</Code><Message>{escape(text)}</Message>"
    if ec2:
        return status, f"<Response><Errors><Error>{inner}</Error></Errors></Response>"
    return status, (f"<ErrorResponse><Error><Type>{kind}</Type>{inner}</Error>"
                    "<RequestId>5c4c8d5e</RequestId></ErrorResponse>")


def targets(*states):
    """DescribeTargetHealth's answer; each state one target."""
    members = "".join(
        f"<member><HealthCheckPort>80</HealthCheckPort><TargetHealth><State>{s}</State>"
        + ("" if s == "healthy" else "<Reason>Target.Timeout</Reason>")
        + f"</TargetHealth><Target><Port>80</Port><Id>i-{i:08x}</Id></Target></member>"
        for i, s in enumerate(states))
    return good("elasticloadbalancing", "DescribeTargetHealth", (
        f"<TargetHealthDescriptions>{members}</TargetHealthDescriptions>"))


def good(service, action, inner):
    m = model(service)
    text = (f'<{action}Response xmlns="{m.metadata.get("xmlNamespace", "x")}">'
            f"<{action}Result>{inner}</{action}Result><ResponseMetadata>"
            f"<RequestId>5c4c8d5e</RequestId></ResponseMetadata></{action}Response>")
    parsed = botocore.parsers.create_parser("query").parse(
        {"body": text.encode(), "headers": {}, "status_code": 200},
        m.operation_model(action).output_shape)
    if inner and len(parsed) < 2:
        raise AssertionError(f"botocore reads nothing in {text}")
    return 200, text


def ec2_good(action, inner):
    """EC2 wraps its answers less, and so that botocore reads them with another parser."""
    text = (f'<{action}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<requestId>5c4c8d5e</requestId>{inner}</{action}Response>")
    shape = model("ec2").operation_model(action).output_shape
    parsed = botocore.parsers.create_parser("ec2").parse(
        {"body": text.encode(), "headers": {}, "status_code": 200}, shape)
    if inner and len(parsed) < 2:
        raise AssertionError(f"botocore reads nothing in {text}")
    return 200, text


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802
        here = self.server.stand_in
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True,
                                           strict_parsing=True))
        here.requests.append(dict(form, headers=dict(self.headers)))
        refused = check_signature(self, body)
        if self.headers["Content-Type"] != "application/x-www-form-urlencoded; charset=utf-8":
            here.mistakes.append(f"Content-Type {self.headers['Content-Type']}")
        try:
            check_model(self.headers["Authorization"].split("/")[3], form)
        except (ValueError, KeyError, botocore.model.OperationNotFoundError) as e:
            here.mistakes.append(f"{form}: {e!r}")
        status, text = (error(refused, "refused", 403) if refused else here.answer(form, self))
        if status is None:
            return
        data = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
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
    """.groups: name → what targets() takes; .say: a function(form, handler) instead."""

    def __init__(self):
        self.groups, self.say = {}, None
        self.requests, self.mistakes, self.skew = [], [], 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.stand_in = self
        self.release = threading.Event()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def now(self):
        return time.time() + self.skew

    def answer(self, form, handler):
        if self.say is not None:
            return self.say(form, handler)
        for name, states in self.groups.items():
            if form.get("TargetGroupArn") == arn(name):
                return targets(*states)
        return error("TargetGroupNotFound", "One or more target groups not found")

    def hang(self, form, handler):
        self.release.wait(60)
        handler.close_connection = True
        return None, None

    def close(self):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


def throttled(form, handler):
    return error("Throttling", "Rate exceeded")


def denied(form, handler):
    return error("AccessDenied", "User: arn:aws:iam::111122223333:user/x is not authorized "
                 "to perform: elasticloadbalancing:DescribeTargetHealth", 403)


def garbage(form, handler):
    return 200, "<html>\x01 not what you asked"
