# SPDX-License-Identifier: Apache-2.0
"""What steering/zone puts on the wire, held against botocore's service model, and what
it makes of servers that are not Route 53 at all."""

import os
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import xml.etree.ElementTree as ET

from route53_tool import LEDGER, TOOL, WWW, Tool, weighted

try:
    import botocore.session
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.serialize import create_serializer
    from botocore.validate import ParamValidator
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)
if not os.path.exists(TOOL):
    print(f"skipped: {TOOL} was not built")
    sys.exit(77)

NS = "{https://route53.amazonaws.com/doc/2013-04-01/}"
DATE = b"Date: Tue, 24 Nov 2026 09:00:00 GMT\r\n"


def reply(body, status=b"200 OK", extra=b""):
    if isinstance(body, str):
        body = body.encode()
    return (b"HTTP/1.1 " + status + b"\r\n" + DATE + extra +
            b"Content-Length: %d\r\n\r\n" % len(body) + body)


LIST = reply("<ListResourceRecordSetsResponse><ResourceRecordSets/>"
             "<IsTruncated>false</IsTruncated></ListResourceRecordSetsResponse>")
CHANGED = reply("<R><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status></ChangeInfo></R>")
GONE = object()  # close without an answer


class Recorder:
    """A server that keeps connections, records requests and plays answers in turn (the
    last one for ever). An answer is bytes, GONE, or a function of the socket."""

    def __init__(self, *answers, tls=None):
        self.answers, self.tls = list(answers), tls
        self.requests, self.connections = [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def accept(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            if self.tls:
                s = self.tls.wrap_socket(s, server_side=True)
            data = b""
            while True:
                while b"\r\n\r\n" not in data:
                    more = s.recv(65536)
                    if not more:
                        return
                    data += more
                head, data = data.split(b"\r\n\r\n", 1)
                lines = head.decode("latin-1").split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines[1:])
                n = int(fields.get("Content-Length", 0))
                while len(data) < n:
                    data += s.recv(65536)
                self.requests.append((lines[0], fields, data[:n]))
                data = data[n:]
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer is GONE:
                    return
                if callable(answer):
                    return answer(s)
                s.sendall(answer)
        except OSError:
            pass
        finally:
            s.close()


# ---- the service model


class Model:
    def __init__(self):
        self.service = ServiceModel(
            Loader().load_service_model("route53", "service-2"), "route53")

    def take(self, shape, node, where):
        """An XML element as the parameters that it stands for; strict."""
        kind = shape.type_name
        if kind == "structure":
            return self.take_structure(shape, node, where)
        if kind == "list":
            name = shape.member.serialization.get("name", "member")
            for child in node:
                assert child.tag == NS + name, f"{where}: {child.tag}, not {name}"
            return [self.take(shape.member, child, f"{where}/{name}") for child in node]
        text = node.text or ""
        assert len(node) == 0, f"{where} has children"
        if kind in ("integer", "long"):
            assert re.fullmatch("-?[0-9]+", text), f"{where}: {text} is no number"
            value = int(text)
            assert shape.metadata.get("min", value) <= value, f"{where}: {value}"
            assert value <= shape.metadata.get("max", value), f"{where}: {value}"
            return value
        if kind == "boolean":
            assert text in ("true", "false"), f"{where}: {text}"
            return text == "true"
        assert kind == "string", f"{where}: {kind}"
        meta = shape.metadata
        assert meta.get("min", 0) <= len(text) <= meta.get("max", len(text)), where
        if "pattern" in meta:
            assert re.fullmatch(meta["pattern"], text), f"{where}: {text}"
        if shape.enum:
            assert text in shape.enum, f"{where}: {text} is none of {shape.enum}"
        return text

    def take_structure(self, shape, node, where):
        order = {member.serialization.get("name", name): (i, name, member)
                 for i, (name, member) in enumerate(shape.members.items())
                 if member.serialization.get("location") is None}
        at, out = -1, {}
        for child in node:
            assert child.tag.startswith(NS), f"{where}: {child.tag} in another name space"
            name = child.tag[len(NS):]
            assert name in order, f"{where}: <{name}> is not in the model"
            i, key, member = order[name]
            assert i > at, f"{where}: <{name}> is out of order or there twice"
            at = i
            out[key] = self.take(member, child, f"{where}/{name}")
        for key in shape.required_members:
            member = shape.members[key]
            assert key in out or member.serialization.get("location"), f"{where}: no {key}"
        return out

    def check(self, operation, recorded):
        """Parses, validates, and lets botocore write it again: the same document, path
        and query. Returns the parameters."""
        line, fields, body = recorded
        model = self.service.operation_model(operation)
        method, target, _ = line.split(" ")
        path, _, query = target.partition("?")
        assert method == model.http["method"]
        params = {"HostedZoneId": "ZLAB"} if "{Id}" in model.http["requestUri"] else {}
        if body:
            root = ET.fromstring(body)
            assert root.tag == NS + model.input_shape.serialization["name"], root.tag
            params |= self.take_structure(model.input_shape, root, operation)
            assert fields["Content-Type"] == "application/xml"
        elif operation == "GetChange":
            params = {"Id": path.rsplit("/", 1)[1]}
        names = {member.serialization["name"]: name
                 for name, member in model.input_shape.members.items()
                 if member.serialization.get("location") == "querystring"}
        for key, value in urllib.parse.parse_qsl(query, strict_parsing=bool(query)):
            params[names[key]] = value
        report = ParamValidator().validate(params, model.input_shape)
        assert not report.has_errors(), report.generate_report()
        theirs = create_serializer("rest-xml", True).serialize_to_request(params, model)
        assert theirs["url_path"] == path, (theirs["url_path"], path)
        assert {k: str(v) for k, v in theirs["query_string"].items()} == dict(
            urllib.parse.parse_qsl(query)), query
        if body:
            assert (ET.canonicalize(theirs["body"].decode()) ==
                    ET.canonicalize(re.sub(rb"^<\?xml.*?\?>\n", b"", body).decode()))
        return params


class AgainstTheModel(unittest.TestCase):
    def setUp(self):
        self.model = Model()

    def record(self, answer, act):
        with Recorder(answer) as server:
            with Tool(server.url) as tool:
                act(tool)
        self.assertEqual(len(server.requests), 1)
        return server.requests[0]

    def test_change(self):
        old = [weighted("fra & <co>", 100, "192.0.2.1\n192.0.2.2"),
               weighted("ams", 255, "2001:db8::1", kind="AAAA", ttl=0),
               ("plain.example.test", "CNAME", "", 0, 2147483647, "x.example.test")]
        new = [weighted("fra & <co>", 0, "192.0.2.1"),
               weighted("s" * 128, 1, "192.0.2.9", name="\\052.example.test")]
        recorded = self.record(CHANGED, lambda tool: tool.change(
            "v1 \"old\" \\", "n" * 3900, old, new))
        params = self.model.check("ChangeResourceRecordSets", recorded)
        batch = params["ChangeBatch"]
        self.assertEqual(batch["Comment"], 'pointsman <test> & "quotes"')
        changes = [(c["Action"], c["ResourceRecordSet"]) for c in batch["Changes"]]
        self.assertEqual([a for a, _ in changes], ["DELETE"] * 4 + ["CREATE"] * 3)
        self.assertEqual(changes[0][1], {
            "Name": LEDGER + ".", "Type": "TXT", "TTL": 5,
            "ResourceRecords": [{"Value": '"v1 \\"old\\" \\\\"'}]})
        self.assertEqual(changes[1][1], {
            "Name": WWW + ".", "Type": "A", "SetIdentifier": "fra & <co>", "Weight": 100,
            "TTL": 30, "ResourceRecords": [{"Value": "192.0.2.1"}, {"Value": "192.0.2.2"}]})
        strings = changes[4][1]["ResourceRecords"][0]["Value"].split('" "')
        self.assertLessEqual(max(map(len, strings)), 256)

    def test_list(self):
        for name, wire in ((WWW, WWW + "."), ("\\052.example.test", "\\052.example.test.")):
            with Recorder(LIST) as server, Tool(server.url) as tool:
                self.assertEqual(tool.read(LEDGER, name).result, "ok")
            params = self.model.check("ListResourceRecordSets", server.requests[0])
            self.assertEqual(params["StartRecordName"], wire)

    def test_list_goes_on(self):
        page = reply("<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet>"
                     f"<Name>{WWW}.</Name><Type>A</Type><SetIdentifier>a</SetIdentifier>"
                     "<Weight>1</Weight></ResourceRecordSet></ResourceRecordSets>"
                     f"<IsTruncated>true</IsTruncated><NextRecordName>{WWW}.</NextRecordName>"
                     "<NextRecordType>A</NextRecordType><NextRecordIdentifier>b c"
                     "</NextRecordIdentifier></ListResourceRecordSetsResponse>")
        with Recorder(page, LIST) as server, Tool(server.url) as tool:
            self.assertEqual(tool.read().result, "ok")
        params = self.model.check("ListResourceRecordSets", server.requests[1])
        self.assertEqual((params["StartRecordName"], params["StartRecordType"],
                          params["StartRecordIdentifier"]), (WWW + ".", "A", "b c"))

    def test_get_change(self):
        recorded = self.record(CHANGED, lambda tool: tool.ask("poll", "C1"))
        self.assertEqual(self.model.check("GetChange", recorded), {"Id": "C1"})

    def test_health_checks(self):
        steady = ("<HealthCheck><Id>id-1</Id><CallerReference>ref/&amp;</CallerReference>"
                  "<HealthCheckConfig><Type>CALCULATED</Type><HealthThreshold>0"
                  "</HealthThreshold></HealthCheckConfig></HealthCheck>")
        first = reply("<ListHealthChecksResponse><HealthChecks/><IsTruncated>true"
                      "</IsTruncated><NextMarker>a b</NextMarker></ListHealthChecksResponse>")
        last = reply(f"<ListHealthChecksResponse><HealthChecks>{steady}</HealthChecks>"
                     "<IsTruncated>false</IsTruncated></ListHealthChecksResponse>")
        with Recorder(first, last) as server, Tool(server.url) as tool:
            found = tool.ask("find-check", "ref/&")
        self.assertEqual((found.result, found["check"]), ("ok", "id-1"), found)
        self.assertEqual([self.model.check("ListHealthChecks", r) for r in server.requests],
                         [{"MaxItems": "100"}, {"Marker": "a b", "MaxItems": "100"}])
        made = reply(f"<CreateHealthCheckResponse>{steady}</CreateHealthCheckResponse>")
        recorded = self.record(made, lambda tool: tool.ask("make-check", "ref/&"))
        self.assertEqual(self.model.check("CreateHealthCheck", recorded), {
            "CallerReference": "ref/&", "HealthCheckConfig": {
                "Type": "CALCULATED", "HealthThreshold": 0, "ChildHealthChecks": []}})

    def test_headers_are_the_signed_ones(self):
        with Recorder(CHANGED) as server:
            with Tool(server.url, AWS_SESSION_TOKEN="to/ken==") as tool:
                tool.change("", "v1")
        _, fields, _ = server.requests[0]
        signed = re.search("SignedHeaders=([^,]*),", fields["Authorization"])[1].split(";")
        self.assertEqual(signed, ["content-type", "host", "x-amz-date",
                                  "x-amz-security-token"])
        self.assertEqual({name.lower() for name in fields} - set(signed),
                         {"authorization", "user-agent", "content-length"})
        self.assertEqual(fields["X-Amz-Security-Token"], "to/ken==")
        self.assertTrue(fields["User-Agent"].startswith("pointsman/"))


class Hostile(unittest.TestCase):
    def one(self, answer, timeout_ms=2000):
        """(change's answer, read's answer, requests seen by the server)."""
        with Recorder(answer) as server, Tool(server.url, timeout_ms=timeout_ms) as tool:
            change = tool.change("", "v1")
            posts = [r for r in server.requests if r[0].startswith("POST")]
            self.assertEqual(len(posts), 1, "a change is sent once")
            return change, tool.read(), server

    def bad(self, answer, **more):
        change, read, server = self.one(answer, **more)
        self.assertEqual(change.result, "unknown", change)
        self.assertEqual(read.result, "out", read)
        self.assertNotEqual(change["err"], "")
        return change, read, server

    def test_kept_connection_that_dies(self):
        """Reads share a connection; a change that meets a dying one is not repeated."""
        with Recorder(LIST, LIST, GONE) as server, Tool(server.url) as tool:
            self.assertEqual(tool.read().result, "ok")
            self.assertEqual(server.connections, 1)
            self.assertEqual(len(server.requests), 2)
            self.assertEqual(tool.change("", "v1").result, "unknown")
            time.sleep(0.2)
            self.assertEqual([r[0].split()[0] for r in server.requests],
                             ["GET", "GET", "POST"])

    def test_closed_at_once(self):
        self.bad(GONE)

    def test_redirect(self):
        with Recorder(LIST) as elsewhere:
            self.bad(reply(b"", b"302 Found", b"Location: %s\r\n" % elsewhere.url.encode()))
            self.assertEqual(elsewhere.connections, 0)

    def test_cut_body(self):
        self.bad(CHANGED[:-20], timeout_ms=500)  # then nothing: its own length is never reached

    def test_cut_and_closed(self):
        self.bad(lambda s: s.sendall(LIST[:-20]))

    def test_not_http(self):
        self.bad(lambda s: s.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))

    def test_html(self):
        change, read, _ = self.one(reply("<html><body>Welcome</body></html>"))
        self.assertEqual((change.result, read.result), ("unknown", "out"))

    def test_proxy_page_with_403(self):
        self.bad(reply("<html><body>blocked</body></html>", b"403 Forbidden"))

    def test_five_megabytes(self):
        change, _, _ = self.bad(reply(b"<a>" + b" " * 5 * 1024 * 1024 + b"</a>"))
        self.assertIn("longer than", change["err"])

    def test_endless_body(self):
        def endless(s):
            s.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                s.sendall(b"x" * 65536)
        change, _, _ = self.bad(endless)
        self.assertIn("longer than", change["err"])

    def test_one_byte_a_while(self):
        def drip(s):
            for byte in CHANGED:
                s.sendall(bytes([byte]))
                time.sleep(0.05)
        begin = time.monotonic()
        self.bad(drip, timeout_ms=400)
        self.assertLess(time.monotonic() - begin, 20)

    def test_deep_and_wide_xml(self):
        for body in (b"<a>" * 100000, b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                     b"<ListResourceRecordSetsResponse><ResourceRecordSets>" +
                     b"<ResourceRecordSet><Name>%s.</Name></ResourceRecordSet>" %
                     WWW.encode() * 1000):
            change, read, _ = self.one(reply(body))
            self.assertEqual((change.result, read.result), ("unknown", "out"))

    def test_pages_without_end(self):
        page = reply("<ListResourceRecordSetsResponse><ResourceRecordSets/>"
                     f"<IsTruncated>true</IsTruncated><NextRecordName>{WWW}.</NextRecordName>"
                     "<NextRecordType>A</NextRecordType></ListResourceRecordSetsResponse>")
        with Recorder(page) as server, Tool(server.url) as tool:
            answer = tool.read()
            self.assertEqual(answer.result, "out")
            self.assertIn("get past", answer["err"])
        self.assertLess(len(server.requests), 5)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="tls-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.pem = os.path.join(cls.folder.name, "cert.pem")
        key = os.path.join(cls.folder.name, "key.pem")
        try:
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cls.pem,
                 "-days", "2", "-subj", "/CN=lab", "-addext", "subjectAltName=IP:127.0.0.1"],
                check=True, capture_output=True)
        except FileNotFoundError:
            raise unittest.SkipTest("openssl is not installed") from None
        cls.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.tls.load_cert_chain(cls.pem, key)

    def test_trusted_bundle(self):
        with Recorder(CHANGED, LIST, tls=self.tls) as server:
            with Tool(server.url, AWS_CA_BUNDLE=self.pem) as tool:
                self.assertEqual(tool.change("", "v1").result, "ok")
                self.assertEqual(tool.read().result, "ok")

    def test_unknown_authority_never_left(self):
        with Recorder(CHANGED, tls=self.tls) as server, Tool(server.url) as tool:
            answer = tool.change("", "v1")
            self.assertEqual(answer.result, "out")
            self.assertIn("nothing was sent", answer["err"])
            self.assertIn("certificate", answer["err"])
            self.assertEqual(server.requests, [])

    def test_wrong_name(self):
        with Recorder(CHANGED, tls=self.tls) as server:
            url = server.url.replace("127.0.0.1", "localhost")
            with Tool(url, AWS_CA_BUNDLE=self.pem) as tool:
                self.assertEqual(tool.change("", "v1").result, "out")
            self.assertEqual(server.requests, [])

    def test_missing_bundle(self):
        with Recorder(CHANGED, tls=self.tls) as server:
            with Tool(server.url, AWS_CA_BUNDLE="/nonexistent.pem") as tool:
                answer = tool.change("", "v1")
                self.assertEqual(answer.result, "out")
                self.assertIn("/nonexistent.pem", answer["err"])

    def test_answer_lost_inside_tls(self):
        with Recorder(GONE, tls=self.tls) as server:
            with Tool(server.url, AWS_CA_BUNDLE=self.pem) as tool:
                self.assertEqual(tool.change("", "v1").result, "unknown")
            self.assertEqual(len(server.requests), 1)

    def test_proxy(self):
        """HTTPS_PROXY is asked to connect; what it refuses never left."""
        def tunnel(s):
            s.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", server.port)) as onward:
                def pump(a, b):
                    try:
                        while data := a.recv(65536):
                            b.sendall(data)
                        b.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
                back = threading.Thread(target=pump, args=(onward, s), daemon=True)
                back.start()
                pump(s, onward)
                back.join(5)
        no = reply(b"", b"407 Proxy Authentication Required")
        with Recorder(CHANGED, tls=self.tls) as server, Recorder(tunnel) as proxy, \
                Recorder(no) as closed:
            with Tool(server.url, AWS_CA_BUNDLE=self.pem, HTTPS_PROXY=proxy.url) as tool:
                self.assertEqual(tool.change("", "v1").result, "ok")
            self.assertEqual(proxy.requests[0][0], f"CONNECT 127.0.0.1:{server.port} HTTP/1.1")
            self.assertNotIn("Authorization", proxy.requests[0][1])
            seen = len(server.requests)
            with Tool(server.url, AWS_CA_BUNDLE=self.pem, HTTPS_PROXY=closed.url) as tool:
                answer = tool.change("", "v1")
                self.assertEqual(answer.result, "out")
                self.assertIn("nothing was sent", answer["err"])
            self.assertEqual(len(server.requests), seen)
            with Tool(server.url, AWS_CA_BUNDLE=self.pem, HTTPS_PROXY=closed.url,
                      NO_PROXY="127.0.0.1") as tool:
                self.assertEqual(tool.change("", "v1").result, "ok")


SILENT_RESOLVER = """
import os, socket, subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.53", 53))
silent.set_inheritable(True)
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
os.execv(sys.argv[2], sys.argv[2:])
"""


class SilentResolver(unittest.TestCase):
    def test_the_loop_goes_on(self):
        """The system's resolver hangs: curl's own thread waits for it, we do not."""
        with tempfile.NamedTemporaryFile("w") as conf:
            conf.write("nameserver 127.0.0.53\noptions timeout:5 attempts:2\n")
            conf.flush()
            done = subprocess.run(
                ["unshare", "--user", "--map-root-user", "--mount", "--net", sys.executable,
                 "-c", SILENT_RESOLVER, conf.name, TOOL, "http://slow.example.com:1", "Z1",
                 "example.test", "9", "9", "400", "_"],
                input=f"change {LEDGER} _ v1\n", capture_output=True, text=True, timeout=60,
                env={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                     "PATH": os.environ["PATH"]})
        if done.stdout == "":
            self.skipTest("no name spaces here: " + done.stderr.strip()[-200:])
        answer = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
        self.assertEqual(answer["result"], "out")
        self.assertIn("Resolving timed out", urllib.parse.unquote(answer["err"]))
        self.assertLess(int(answer["took_ms"]), 4000)  # it was ten seconds


class Specs(unittest.TestCase):
    def fails(self, *arguments, sentence):
        done = subprocess.run([TOOL, *arguments], input="", capture_output=True, text=True,
                              timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn(sentence, urllib.parse.unquote(done.stdout))

    def test_refused(self):
        rest = ("example.test", "1", "1", "1000", "")
        self.fails("ftp://x", "Z1", *rest, sentence="begins with neither")
        self.fails("http://x", "Z 1", *rest, sentence="not letters and digits")
        self.fails("http://x", "Z1", "example.test", "0", "1", "1000", "",
                   sentence="budget is not positive")


if __name__ == "__main__":
    begin = time.monotonic()
    program = unittest.main(exit=False, warnings="ignore")
    print(f"{os.path.basename(sys.argv[0])}: {time.monotonic() - begin:.1f} s")
    sys.exit(not program.result.wasSuccessful())
