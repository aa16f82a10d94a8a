# SPDX-License-Identifier: Apache-2.0
"""A lab for tests: starts pointsman-lab on free ports and talks to it.

    with Lab() as lab:                      # one zone: example.test, id ZLAB
        lab.change(("CREATE", rrset("www.example.test", "A", "192.0.2.1")))
        lab.fault("throttle=2")
        lab.dns("www.example.test", "A").texts    -> ["192.0.2.1"]

From another folder: sys.path.insert(0, os.path.join(SOURCE_DIR, "tests", "lab")).
Environment: BUILD_DIR is where pointsman-lab was built. Only Debian's python3 with
python3-botocore is needed. The process dies with the test.
"""

import atexit
import ctypes
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
from xml.sax.saxutils import escape

KEY_ID, SECRET = "AKIDLAB", "lab-secret"
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16,
         "AAAA": 28, "SRV": 33, "OPT": 41, "DS": 43, "CAA": 257, "ANY": 255}
NAMES = {number: name for name, number in TYPES.items()}
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP",
          5: "REFUSED"}


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def wait_for(condition, seconds=10, what="a condition"):
    """Returns the first true value of condition(); fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true in {seconds} s")
        time.sleep(0.02)


ORDER = ["Name", "Type", "SetIdentifier", "Weight", "Region", "GeoLocation", "Failover",
         "MultiValueAnswer", "TTL", "ResourceRecords", "AliasTarget", "HealthCheckId"]


CHECK_ORDER = ["IPAddress", "Port", "Type", "ResourcePath", "FullyQualifiedDomainName",
               "SearchString", "RequestInterval", "FailureThreshold", "MeasureLatency",
               "Inverted", "Disabled", "HealthThreshold", "ChildHealthChecks",
               "EnableSNI"]


def ordered(record):
    """The same set with its keys in AWS's order: botocore sends them as they come, and
    the lab, like the schema, refuses any other order."""
    keys = sorted(record, key=lambda key: ORDER.index(key) if key in ORDER else 99)
    return {key: record[key] for key in keys}


def rrset(name, kind, *values, ttl=30, **more):
    """A ResourceRecordSet for botocore. more: SetIdentifier=, Weight=, ..."""
    record = {"Name": name, "Type": kind, **more}
    if values:
        record["TTL"] = ttl
        record["ResourceRecords"] = [{"Value": value} for value in values]
    return ordered(record)


class Answer:
    """One DNS answer. records: (name, type, ttl, text) of the answer section."""

    def __init__(self, wire):
        self.wire = wire
        (self.id, flags, questions, answers, authority,
         additional) = struct.unpack("!6H", wire[:12])
        self.rcode = RCODES.get(flags & 15, flags & 15)
        self.authoritative = bool(flags & 0x0400)
        self.truncated = bool(flags & 0x0200)
        at = 12
        for _ in range(questions):
            _, at = _read_name(wire, at)
            at += 4
        self.records, at = _read_records(wire, at, answers)
        self.authority, at = _read_records(wire, at, authority)
        self.additional, at = _read_records(wire, at, additional)

    @property
    def texts(self):
        return [text for _, _, _, text in self.records]


def _read_name(wire, at):
    labels, end = [], None
    for _ in range(200):
        n = wire[at]
        if n == 0:
            return ".".join(labels) + ".", end or at + 1
        if n >= 192:
            end = end or at + 2
            at = (n & 63) << 8 | wire[at + 1]
        else:
            labels.append(wire[at + 1:at + 1 + n].decode("latin-1"))
            at += 1 + n
    raise ValueError("a loop of name pointers")


def _read_records(wire, at, count):
    records = []
    for _ in range(count):
        name, at = _read_name(wire, at)
        kind, _, ttl, n = struct.unpack("!HHIH", wire[at:at + 10])
        at += 10
        records.append((name, NAMES.get(kind, kind), ttl, _text(wire, at, n, kind)))
        at += n
    return records, at


def _text(wire, at, n, kind):
    data = wire[at:at + n]
    if kind in (1, 28):
        family = socket.AF_INET if kind == 1 else socket.AF_INET6
        return socket.inet_ntop(family, data)
    if kind in (2, 5, 12):
        return _read_name(wire, at)[0]
    if kind == 6:
        primary, at = _read_name(wire, at)
        mail, at = _read_name(wire, at)
        numbers = struct.unpack("!5I", wire[at:at + 20])
        return " ".join([primary, mail, *map(str, numbers)])
    if kind == 16:
        parts, i = [], 0
        while i < n:
            parts.append(data[i + 1:i + 1 + data[i]].decode("latin-1"))
            i += 1 + data[i]
        return " ".join(f'"{part}"' for part in parts)
    return data.hex()


def query_wire(name, kind, edns=None, number=None, qclass=1, recursion=False):
    """A query as bytes. edns: the UDP size to announce; None: no OPT."""
    wire = struct.pack("!6H", random.randrange(65536) if number is None else number,
                       0x0100 if recursion else 0, 1, 0, 0, 0 if edns is None else 1)
    for label in name.rstrip(".").split("."):
        if label:
            wire += bytes([len(label)]) + label.encode("latin-1")
    wire += b"\0" + struct.pack("!HH", TYPES.get(kind, kind), qclass)
    if edns is not None:
        wire += b"\0" + struct.pack("!HHIH", 41, edns, 0, 0)
    return wire


def ask_udp(address, wire, timeout=2):
    """Raw bytes of the answer; None when none comes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(address)
        s.send(wire)
        try:
            return s.recv(65535)
        except (socket.timeout, ConnectionRefusedError):
            return None


def ask_tcp(address, wire, timeout=2):
    """The same over TCP; None when the connection is closed instead."""
    with socket.create_connection(address, timeout=timeout) as s:
        s.sendall(struct.pack("!H", len(wire)) + wire)
        data = b""
        while len(data) < 2 or len(data) < 2 + struct.unpack("!H", data[:2])[0]:
            try:
                more = s.recv(65535)
            except ConnectionResetError:
                return None
            if not more:
                return None
            data += more
        return data[2:]


class Lab:
    """One pointsman-lab process. Options of the program as words of `options`."""

    def __init__(self, *options, zones=("example.test=ZLAB",), servers=1, binary=None,
                 host="127.0.0.1"):
        build = os.environ.get("BUILD_DIR", ".")
        self.binary = binary or os.path.join(build, "pointsman-lab")
        self.options, self.host = list(options), host
        self.zones = list(zones)
        self.servers_n = servers
        self.process = None

    # -- life

    def start(self):
        """Starts it and waits until it listens; returns itself."""
        self.folder = tempfile.TemporaryDirectory(prefix="lab-")
        self.log = os.path.join(self.folder.name, "requests.json")
        command = [self.binary, "--http", f"{self.host}:0", "--log", self.log]
        for zone in self.zones:
            command += ["--zone", zone]
        for _ in range(self.servers_n):
            command += ["--dns", f"{self.host}:0"]
        self.process = subprocess.Popen(
            command + self.options, stdout=subprocess.PIPE, text=True,
            preexec_fn=_die_with_parent)
        atexit.register(self.stop)
        self.servers = []  # (host, port) of each name server
        for line in self.process.stdout:
            words = line.split()
            if words[:2] == ["lab:", "http"]:
                self.http = words[2]
            elif words[:2] == ["lab:", "dns"]:
                host, port = words[2].rsplit(":", 1)
                self.servers.append((host, int(port)))
            elif words[:2] == ["lab:", "resolver"]:
                host, port = words[2].rsplit(":", 1)
                self.resolver = (host, int(port))
            elif words[:2] == ["lab:", "ready"]:
                return self
        raise AssertionError(f"pointsman-lab did not start: {command}")

    def stop(self):
        """Stops it by SIGTERM. That it does not end cleanly is an AssertionError."""
        if self.process is None:
            return
        process, self.process = self.process, None
        atexit.unregister(self.stop)
        process.terminate()
        try:
            status = process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        process.stdout.close()
        self.folder.cleanup()
        if status != 0:
            raise AssertionError(f"pointsman-lab ended with status {status}")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return f"http://{self.http}"

    # -- the API, through botocore

    def client(self, key_id=KEY_ID, secret=SECRET, token=None, region="us-east-1",
               retries=0, check=True, timeout=15):
        """A botocore client for route53 that does not retry by itself. check=False: it
        sends what its model forbids."""
        import botocore.session
        from botocore.config import Config
        session = botocore.session.Session()
        return session.create_client(
            "route53", region_name=region, endpoint_url=self.url,
            aws_access_key_id=key_id, aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"max_attempts": retries}, read_timeout=timeout,
                          parameter_validation=check, proxies={}))

    def change(self, *changes, zone="ZLAB", client=None):
        """(action, rrset) pairs in one batch; returns the change's id."""
        client = client or self._own_client()
        answer = client.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [
                {"Action": action, "ResourceRecordSet": ordered(record)}
                for action, record in changes]})
        return answer["ChangeInfo"]["Id"]

    def list(self, zone="ZLAB", client=None, **more):
        """One page of record sets, as botocore shows it."""
        client = client or self._own_client()
        return client.list_resource_record_sets(HostedZoneId=zone, **more)

    def wait_insync(self, change_id, seconds=10):
        client = self._own_client()
        wait_for(lambda: client.get_change(Id=change_id)["ChangeInfo"]["Status"] ==
                 "INSYNC", seconds, f"INSYNC of {change_id}")

    def _own_client(self):
        if getattr(self, "_client_url", None) != self.url:
            self._client, self._client_url = self.client(), self.url
        return self._client

    # -- the control path

    def post(self, path, body=b"", **settings):
        """POST /lab/PATH; the text answered. A refusal is an AssertionError."""
        query = urllib.parse.urlencode(settings)
        return self._control(f"/lab/{path}" + (f"?{query}" if query else ""), body)

    def _control(self, path, body=None):
        request = urllib.request.Request(self.url + path, data=body)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=15) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as e:
            raise AssertionError(f"lab {path}: {e.read().decode().strip()}") from None

    def fault(self, settings):
        """Faults as one query: "throttle=2", "late=3000&count=1"; see faults.h."""
        return self._control("/lab/fault?" + settings, b"")

    def clear(self):
        return self.fault("clear=1")

    def snapshot(self, name, zone="ZLAB"):
        return self.post("snapshot", name=name, zone=zone)

    def restore(self, name, zone="ZLAB"):
        return self.post("restore", name=name, zone=zone)

    def bulk(self, n, zone="ZLAB"):
        return self.post("bulk", n=n, zone=zone)

    def check(self, reference=None, **settings):
        """Makes a health check through the API; its id. The same reference, the same."""
        settings = settings or {"Type": "TCP", "IPAddress": "192.0.2.99", "Port": 80}
        reference = reference or f"check-{random.randrange(2**60):x}"
        return self._own_client().create_health_check(
            CallerReference=reference, HealthCheckConfig={
                key: settings[key] for key in CHECK_ORDER if key in settings}
        )["HealthCheck"]["Id"]

    def checked(self, record):
        """The set with "hc-…" as its HealthCheckId made that of a check of this name."""
        name = record.get("HealthCheckId", "")
        return ({**record, "HealthCheckId": self.check(name)} if name[:3] == "hc-"
                else record)

    def health(self, check, healthy):
        """What a health check finds from now on."""
        return self.post("health", id=check,
                         state="healthy" if healthy else "unhealthy")

    def alias_health(self, name, healthy):
        """What an evaluated alias is told of a target outside the zones."""
        return self.post("health", alias=name,
                         state="healthy" if healthy else "unhealthy")

    def target(self, name, **addresses):
        """What an alias outside the zones points to: target(name, A="192.0.2.1")."""
        return self.post("target", name=name, **addresses)

    def edit(self, *changes, zone="ZLAB"):
        """(action, rrset) pairs as somebody's hand edit: unsigned, not counted."""
        return self.post("edit", batch_xml(changes), zone=zone)

    def state(self):
        """State: .counters (name: number), .sets (a list of dicts)."""
        return State(self._control("/lab/state"))

    def requests(self):
        """The log so far: one dict a request."""
        with open(self.log, encoding="ascii") as log:
            return [json.loads(line) for line in log]

    # -- DNS

    def dns(self, name, kind, server=0, tcp=False, edns=None, timeout=2,
            recursion=False):
        """Asks one name server, or the "resolver"; an Answer, or None when nothing comes
        back."""
        ask = ask_tcp if tcp else ask_udp
        wire = query_wire(name, kind, edns, recursion=recursion)
        at = self.resolver if server == "resolver" else self.servers[server]
        got = ask(at, wire, timeout)
        if got is None:
            return None
        answer = Answer(got)
        if answer.id != struct.unpack("!H", wire[:2])[0]:
            raise AssertionError("the answer has another query's id")
        return answer


class State:
    def __init__(self, text):
        self.counters, self.sets = {}, []
        for line in text.splitlines():
            word, *rest = line.split("\t")
            if word == "counter":
                self.counters[rest[0]] = int(rest[1])
            elif word == "set":
                zone, name, kind, set_id, policy, ttl, health, *values = rest
                self.sets.append({
                    "zone": zone, "name": name, "type": kind,
                    "set_id": None if set_id == "-" else set_id, "policy": policy,
                    "ttl": None if ttl == "-" else int(ttl),
                    "health": None if health == "-" else health, "values": values})

    def find(self, name, kind, set_id=None):
        """The one such set, or None."""
        for record in self.sets:
            if (record["name"], record["type"], record["set_id"]) == (
                    name, kind, set_id):
                return record
        return None


def batch_xml(changes):
    """A change batch as AWS's XML, written here so that no client's help is needed."""
    leaves = ORDER[:5] + ORDER[6:9]  # what is plain text, before the rest
    out = ['<ChangeResourceRecordSetsRequest '
           'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ChangeBatch><Changes>']
    for action, record in changes:
        out.append(f"<Change><Action>{action}</Action><ResourceRecordSet>")
        for key in leaves:
            if key in record:
                out.append(f"<{key}>{escape(str(record[key]))}</{key}>")
        if "ResourceRecords" in record:
            values = "".join(
                f"<ResourceRecord><Value>{escape(value['Value'])}</Value></ResourceRecord>"
                for value in record["ResourceRecords"])
            out.append(f"<ResourceRecords>{values}</ResourceRecords>")
        if "AliasTarget" in record:
            alias = record["AliasTarget"]
            out.append(
                f"<AliasTarget><HostedZoneId>{alias['HostedZoneId']}</HostedZoneId>"
                f"<DNSName>{escape(alias['DNSName'])}</DNSName><EvaluateTargetHealth>"
                f"{str(alias['EvaluateTargetHealth']).lower()}</EvaluateTargetHealth>"
                "</AliasTarget>")
        if "HealthCheckId" in record:
            out.append(f"<HealthCheckId>{record['HealthCheckId']}</HealthCheckId>")
        out.append("</ResourceRecordSet></Change>")
    out.append("</Changes></ChangeBatch></ChangeResourceRecordSetsRequest>")
    return "".join(out).encode()


def main():
    """Runs the tests of the calling file, prints the seconds; 77: cannot run here."""
    try:
        import botocore  # noqa: F401
    except ImportError:
        print("skipped: Debian's python3-botocore is not installed")
        sys.exit(77)
    if not os.path.exists(Lab().binary):
        print(f"{Lab().binary} is not built (set BUILD_DIR)")
        sys.exit(1)
    begin = time.monotonic()
    program = unittest.main(module="__main__", exit=False, warnings="ignore")
    print(f"{os.path.basename(sys.argv[0])}: {time.monotonic() - begin:.1f} s", flush=True)
    sys.exit(not program.result.wasSuccessful())
