# SPDX-License-Identifier: Apache-2.0
"""Every rejection that the lab's rules name, through botocore, and what is accepted.

Each case starts from the same zone: base() below, restored before it.
"""

import unittest
import urllib.error
import urllib.request

import botocore
from botocore.exceptions import ClientError

from lab import Lab, batch_xml, main, rrset

C, D, U = "CREATE", "DELETE", "UPSERT"


def weighted(name, set_id, weight, *values, kind="A", ttl=30, **more):
    return rrset(name, kind, *(values or ("192.0.2.1",)), ttl=ttl,
                 SetIdentifier=set_id, Weight=weight, **more)


def failover(name, role, value="192.0.2.1", **more):
    return rrset(name, "A", value, SetIdentifier=role.lower(), Failover=role, **more)


def alias(name, target, zone="ZLAB", evaluate=False, kind="A", **more):
    return rrset(name, kind, AliasTarget={
        "HostedZoneId": zone, "DNSName": target, "EvaluateTargetHealth": evaluate},
        **more)


WWW = rrset("www.example.test.", "A", "192.0.2.1", "192.0.2.2")
NOTE = rrset("note.example.test.", "TXT", '"one"')
CNAME = rrset("c.example.test.", "CNAME", "www.example.test.")
W1 = weighted("w.example.test.", "fra", 100)
W2 = weighted("w.example.test.", "iad", 50, "192.0.2.9")
P = failover("f.example.test.", "PRIMARY", HealthCheckId="hc-1")
S = failover("f.example.test.", "SECONDARY", "192.0.2.2")
BASE = [WWW, NOTE, CNAME, W1, W2, P, S]


def without(record, *keys, **more):
    return {**{k: v for k, v in record.items() if k not in keys}, **more}


def named(n):
    return rrset(f"n{n}.example.test", "A", "192.0.2.1")


BATCH, INPUT = "InvalidChangeBatch", "InvalidInput"
LONG = '"' + "x" * 255 + '"'

# What is sent, the code that must come back, and a part of its message.
REFUSED = [
    # the compare-and-swap
    ("delete: another value", [(D, without(WWW, ResourceRecords=[{"Value": "192.0.2.1"}]))],
     BATCH, "[Tried to delete resource record set [name='www.example.test.', type='A'] "
     "but the values provided do not match the current values]"),
    ("delete: another TTL", [(D, without(WWW, TTL=31))], BATCH, "do not match"),
    ("delete: another weight", [(D, without(W1, Weight=99))], BATCH,
     "[Tried to delete resource record set [name='w.example.test.', type='A', "
     "set-identifier='fra'] but the values provided do not match the current values]"),
    ("delete: another identifier", [(D, without(W1, SetIdentifier="lon"))], BATCH,
     "[name='w.example.test.', type='A', set-identifier='lon'] but it was not found]"),
    ("delete: another role", [(D, without(P, Failover="SECONDARY"))], BATCH, "do not match"),
    ("delete: another health check", [(D, without(P, HealthCheckId="hc-2"))], BATCH,
     "do not match"),
    ("delete: nothing there", [(D, rrset("no.example.test", "A", "192.0.2.1"))], BATCH,
     "[Tried to delete resource record set [name='no.example.test.', type='A'] "
     "but it was not found]"),
    ("delete: twice in one batch", [(D, WWW), (D, WWW)], BATCH, "but it was not found"),
    ("create: exists", [(C, WWW)], BATCH,
     "[Tried to create resource record set [name='www.example.test.', type='A'] "
     "but it already exists]"),
    ("create: exists under another case", [(C, without(WWW, Name="WWW.Example.TEST"))],
     BATCH, "but it already exists"),
    ("create: exists with other values", [(C, without(WWW, TTL=60))], BATCH,
     "but it already exists"),
    ("create before delete", [(C, WWW), (D, WWW)], BATCH, "but it already exists"),
    ("all complaints at once", [(D, without(WWW, TTL=31)), (C, NOTE)], BATCH,
     "do not match the current values, Tried to create"),
    # names and zones
    ("outside the zone", [(C, rrset("www.example.com", "A", "192.0.2.1"))], BATCH,
     "[RRSet with DNS name www.example.com. is not permitted in zone example.test.]"),
    ("outside by half a label", [(C, rrset("anexample.test", "A", "192.0.2.1"))], BATCH,
     "is not permitted in zone"),
    ("an empty label", [(C, rrset("a..example.test", "A", "192.0.2.1"))], BATCH,
     "InvalidDomainName"),
    ("a label of 64", [(C, rrset("a" * 64 + ".example.test", "A", "192.0.2.1"))], BATCH,
     "InvalidDomainName"),
    # weights and policies
    ("weight 256", [(C, weighted("x.example.test", "a", 256))], INPUT, "Weight"),
    ("weight -1", [(C, weighted("x.example.test", "a", -1))], INPUT, "Weight"),
    ("two TTLs in a group", [(C, weighted("w.example.test", "lon", 1, ttl=60))], BATCH,
     "must all have the same TTL"),
    ("TTL of one of a group", [(D, W1), (C, without(W1, TTL=60))], BATCH,
     "must all have the same TTL"),
    ("weighted beside simple", [(C, weighted("www.example.test", "a", 1))], BATCH,
     "because a non weighted rrset exists with the same name and type"),
    ("simple beside weighted", [(C, rrset("w.example.test", "A", "192.0.2.1"))], BATCH,
     "because a non simple rrset exists with the same name and type"),
    ("failover beside weighted", [(C, failover("w.example.test", "SECONDARY"))], BATCH,
     "because a non failover rrset exists"),
    ("upsert across policies", [(U, weighted("www.example.test", "a", 1))], BATCH,
     "because a non weighted rrset exists"),
    ("101 weighted sets", [(C, weighted("m.example.test", f"s{i}", 1)) for i in range(101)],
     BATCH, "more than 100 weighted sets"),
    ("identifier without policy",
     [(C, rrset("x.example.test", "A", "192.0.2.1", SetIdentifier="a"))], INPUT,
     "Expected exactly one of [Weight, Region, Failover"),
    ("weight without identifier",
     [(C, rrset("x.example.test", "A", "192.0.2.1", Weight=1))], INPUT,
     "Missing field 'SetIdentifier'"),
    ("two policies", [(C, weighted("x.example.test", "a", 1, Failover="SECONDARY"))], INPUT,
     "found more than one"),
    # failover
    ("PRIMARY without a health check", [(C, failover("x.example.test", "PRIMARY"))], INPUT,
     "HealthCheckId"),
    ("alias PRIMARY that is not evaluated",
     [(C, alias("x.example.test", "www.example.test", SetIdentifier="p",
                Failover="PRIMARY"))], INPUT, "EvaluateTargetHealth"),
    ("a second PRIMARY",
     [(C, without(P, SetIdentifier="p2"))], BATCH,
     "another failover set with the same role"),
    ("roles swapped one after the other", [(D, P), (C, without(P, "HealthCheckId",
                                                               Failover="SECONDARY")),
                                           (D, S), (C, without(S, Failover="PRIMARY",
                                                               HealthCheckId="hc-1"))],
     BATCH, "another failover set with the same role"),
    # CNAME
    ("CNAME beside A", [(C, rrset("www.example.test", "CNAME", "x.example.test"))], BATCH,
     "[RRSet of type CNAME with DNS name www.example.test. is not permitted as it "
     "conflicts with other records with the same DNS name in zone example.test.]"),
    ("A beside CNAME", [(C, rrset("c.example.test", "A", "192.0.2.1"))], BATCH,
     "because a conflicting RRSet of type  CNAME with the same DNS name already exists"),
    ("TXT beside CNAME", [(C, rrset("c.example.test", "TXT", '"x"'))], BATCH,
     "conflicting RRSet of type  CNAME"),
    ("CNAME at the apex", [(C, rrset("example.test", "CNAME", "x.example.test"))], BATCH,
     "is not permitted at apex in zone example.test."),
    ("CNAME of two values", [(C, rrset("x.example.test", "CNAME", "a.test", "b.test"))],
     BATCH, "must have one value"),
    # the apex
    ("SOA deleted", "delete SOA", BATCH, "must contain exactly one SOA record"),
    ("NS deleted", "delete NS", BATCH, "at least one NS record for the zone itself"),
    ("SOA elsewhere",
     [(C, rrset("x.example.test", "SOA", "a. b. 1 2 3 4 5"))], BATCH, "only at apex"),
    # values
    ("A: not an address", [(C, rrset("x.example.test", "A", "192.0.2.256"))], BATCH,
     "[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a "
     "valid IPv4 address) encountered with '192.0.2.256'']"),
    ("A: a name", [(C, rrset("x.example.test", "A", "www.example.test"))], BATCH, "IPv4"),
    ("A: trailing", [(C, rrset("x.example.test", "A", "192.0.2.1 x"))], BATCH, "after"),
    ("AAAA: IPv4", [(C, rrset("x.example.test", "AAAA", "192.0.2.1"))], BATCH,
     "Value is not a valid IPv6 address"),
    ("AAAA: bad", [(C, rrset("x.example.test", "AAAA", "2001:db8::g"))], BATCH, "IPv6"),
    ("a value twice", [(C, rrset("x.example.test", "A", "192.0.2.1", "192.0.2.1"))], BATCH,
     "Duplicate Resource Record: '192.0.2.1'"),
    ("TXT: no quotes", [(C, rrset("x.example.test", "TXT", "bare"))], BATCH,
     "Value should be enclosed in quotation marks"),
    ("TXT: open quote", [(C, rrset("x.example.test", "TXT", '"open'))], BATCH,
     "quotation marks"),
    ("TXT: glued strings", [(C, rrset("x.example.test", "TXT", '"a""b"'))], BATCH,
     "quotation marks"),
    ("TXT: 256 in one string", [(C, rrset("x.example.test", "TXT", '"' + "x" * 256 + '"'))],
     BATCH, "CharacterStringTooLong (Value is too long)"),
    ("TXT: a bad escape", [(C, rrset("x.example.test", "TXT", '"\\999"'))], BATCH,
     "backslash"),
    ("TXT: 4,001 characters",
     [(C, rrset("x.example.test", "TXT", " ".join([LONG] * 15) + ' "' + "x" * 130 + '"'))],
     INPUT, "less than or equal to its maximum: Value"),
    ("NS: no name", [(C, rrset("x.example.test", "NS", "a..b"))], BATCH, "domain name"),
    ("MX: no preference", [(C, rrset("x.example.test", "MX", "mail.example.test"))], BATCH,
     "FATAL problem"),
    ("SRV: too few fields", [(C, rrset("x.example.test", "SRV", "1 2 3"))], BATCH,
     "too few fields"),
    ("CAA: no quotes", [(C, rrset("x.example.test", "CAA", "0 issue ca.test"))], BATCH,
     "quotation marks"),
    ("MX: 65536", [(C, rrset("x.example.test", "MX", "65536 a.test"))], BATCH, "in range"),
    # aliases
    ("alias with a TTL", [(C, {**alias("x.example.test", "www.example.test"), "TTL": 30})],
     INPUT, "Expected exactly one of [AliasTarget"),
    ("alias to nothing", [(C, alias("x.example.test", "no.example.test"))], BATCH,
     "[Tried to create an alias that targets no.example.test., type A in zone ZLAB, "
     "but that target was not found]"),
    ("alias to another type", [(C, alias("x.example.test", "note.example.test"))], BATCH,
     "that target was not found"),
    ("alias outside its zone", [(C, alias("x.example.test", "www.example.com"))], BATCH,
     "the alias target name does not lie within the target zone"),
    ("alias to ours by another id",
     [(C, alias("x.example.test", "www.example.test", zone="ZELB"))], BATCH,
     "does not lie within the target zone"),
    # incomplete
    ("neither values nor alias", [(C, rrset("x.example.test", "A"))], INPUT,
     "but found none"),
    ("values without a TTL", [(C, without(WWW, "TTL"))], INPUT, "Missing field 'TTL'"),
    ("TTL beyond 31 bits", [(C, without(named(1), TTL=2147483648))], INPUT, "TTL"),
    ("an unknown type", [(C, rrset("x.example.test", "HINFO", "a b"))], INPUT, "Type"),
    ("an unknown action", [("REPLACE", WWW)], INPUT, "[CREATE, DELETE, UPSERT]"),
    ("an identifier of 129", [(C, weighted("x.example.test", "a" * 129, 1))], INPUT,
     "SetIdentifier"),
    # limits of a batch
    ("1,001 records", [(C, named(n)) for n in range(1001)], BATCH,
     "[Number of records limit of 1000 exceeded.]"),
    ("501 upserts count double", [(U, named(n)) for n in range(501)], BATCH,
     "Number of records limit of 1000"),
    ("32,001 characters", [(C, rrset(f"t{n}.example.test", "TXT", " ".join([LONG] * 12)))
                           for n in range(11)], BATCH, "characters limit of 32000"),
]

# What is sent, and (name, type, set identifier) that must then be there, or not.
ACCEPTED = [
    ("exact replace in one batch", [(D, WWW), (C, without(WWW, TTL=60))],
     [("www.example.test.", "A", None)], []),
    ("values in another order",
     [(D, without(WWW, ResourceRecords=WWW["ResourceRecords"][::-1]))], [],
     [("www.example.test.", "A", None)]),
    ("upsert: new and old", [(U, named(1)), (U, without(WWW, TTL=5))],
     [("n1.example.test.", "A", None)], []),
    ("a whole group to another TTL",
     [(D, W1), (C, without(W1, TTL=60)), (D, W2), (C, without(W2, TTL=60))],
     [("w.example.test.", "A", "fra"), ("w.example.test.", "A", "iad")], []),
    ("simple to weighted", [(D, WWW), (C, weighted("www.example.test", "a", 0))],
     [("www.example.test.", "A", "a")], [("www.example.test.", "A", None)]),
    ("weights 0 and 255", [(C, weighted("x.example.test", "a", 0)),
                           (C, weighted("x.example.test", "b", 255))],
     [("x.example.test.", "A", "a"), ("x.example.test.", "A", "b")], []),
    ("100 weighted sets", [(C, weighted("m.example.test", f"s{i}", 1)) for i in range(100)],
     [("m.example.test.", "A", "s99")], []),
    ("policies differ by type", [(C, rrset("w.example.test", "AAAA", "2001:db8::1"))],
     [("w.example.test.", "AAAA", None)], []),
    ("roles swapped", [(D, P), (D, S), (C, without(P, "HealthCheckId",
                                                   Failover="SECONDARY")),
                       (C, without(S, Failover="PRIMARY", HealthCheckId="hc-1"))],
     [("f.example.test.", "A", "primary")], []),
    ("alias in the zone", [(C, alias("x.example.test", "WWW.example.test"))],
     [("x.example.test.", "A", None)], []),
    ("alias to a load balancer",
     [(C, alias("x.example.test", "lb.us-east-1.elb.amazonaws.com", zone="Z35SXDOTRQ7X7K",
                evaluate=True))], [("x.example.test.", "A", None)], []),
    ("alias PRIMARY, evaluated",
     [(C, alias("x.example.test", "lb.elb.amazonaws.com", zone="ZELB", evaluate=True,
                SetIdentifier="p", Failover="PRIMARY"))],
     [("x.example.test.", "A", "p")], []),
    ("alias to what the batch made", [(C, named(1)),
                                      (C, alias("x.example.test", "n1.example.test"))],
     [("x.example.test.", "A", None)], []),
    ("CNAME after the A made room",
     [(D, WWW), (C, rrset("www.example.test", "CNAME", "x.example.com"))],
     [("www.example.test.", "CNAME", None)], []),
    ("a wildcard, plain", [(C, rrset("*.example.test", "A", "192.0.2.1"))],
     [("\\052.example.test.", "A", None)], []),
    ("a wildcard, escaped", [(C, rrset("\\052.example.test", "A", "192.0.2.1"))],
     [("\\052.example.test.", "A", None)], []),
    ("other bytes come back escaped", [(C, rrset("a!b.example.test", "A", "192.0.2.1"))],
     [("a\\041b.example.test.", "A", None)], []),
    ("TXT: 255 in a string, several", [(C, rrset("x.example.test", "TXT",
                                                 " ".join([LONG] * 15)))],
     [("x.example.test.", "TXT", None)], []),
    ("TXT: escapes", [(C, rrset("x.example.test", "TXT", '"a\\"b\\\\c\\101"', '""'))],
     [("x.example.test.", "TXT", None)], []),
    ("every type", [(C, rrset("x.example.test", "MX", "10 mail.example.test")),
                    (C, rrset("_s._tcp.example.test", "SRV", "1 2 443 a.example.test")),
                    (C, rrset("x.example.test", "CAA", '0 issue "ca.test"')),
                    (C, rrset("x.example.test", "AAAA", "2001:db8::1", "::ffff:192.0.2.1")),
                    (C, rrset("y.example.test", "PTR", "a.example.test.")),
                    (C, rrset("z.example.test", "NS", "ns.example.com")),
                    (C, rrset("z.example.test", "DS", "1 8 2 " + "ab" * 32)),
                    (C, rrset("y.example.test", "SPF", '"v=spf1 -all"')),
                    (C, rrset("y.example.test", "NAPTR",
                              '1 2 "u" "E2U+sip" "!^.*$!sip:a@b!" .'))],
     [("y.example.test.", "NAPTR", None), ("z.example.test.", "DS", None)], []),
    ("1,000 records", [(C, named(n)) for n in range(1000)],
     [("n999.example.test.", "A", None)], []),
    ("500 upserts", [(U, named(n)) for n in range(500)], [], []),
]


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0").start()
        cls.addClassCleanup(cls.lab.stop)
        cls.lab.change(*[(C, cls.lab.checked(record)) for record in BASE])
        cls.lab.snapshot("base")
        cls.client = cls.lab.client()
        # Some requests must reach the lab that botocore would not send.
        cls.unchecked = cls.lab.client(check=False)

    def setUp(self):
        self.lab.restore("base")

    def send(self, changes):
        changes = [(action, self.lab.checked(record)) for action, record in changes]
        return self.lab.change(*changes, client=self.unchecked)

    def apex(self, kind):
        for record in self.lab.list()["ResourceRecordSets"]:
            if record["Type"] == kind:
                return record
        return None

    def test_refused(self):
        for title, changes, code, message in REFUSED:
            with self.subTest(title):
                self.lab.restore("base")
                if isinstance(changes, str):
                    changes = [(D, self.apex(changes.split()[1]))]
                before = self.lab.state()
                with self.assertRaises(ClientError) as caught:
                    self.send(changes)
                answer = caught.exception.response
                self.assertEqual(answer["Error"]["Code"], code)
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], 400)
                self.assertIn(message, answer["Error"]["Message"])
                after = self.lab.state()
                self.assertEqual(after.sets, before.sets)
                self.assertEqual(after.counters["applied"], before.counters["applied"])

    def test_accepted(self):
        for title, changes, there, gone in ACCEPTED:
            with self.subTest(title):
                self.lab.restore("base")
                self.assertRegex(self.send(changes), "^/change/C[A-Z0-9]+$")
                state = self.lab.state()
                for identity in there:
                    self.assertIsNotNone(state.find(*identity), identity)
                for identity in gone:
                    self.assertIsNone(state.find(*identity), identity)

    def test_one_bad_change_undoes_all(self):
        before = self.lab.state().sets
        with self.assertRaises(ClientError):
            self.lab.change((D, WWW), (C, named(1)), (C, NOTE))
        self.assertEqual(self.lab.state().sets, before)

    def test_upsert_in_a_batch_sees_earlier_changes(self):
        self.lab.change((C, named(1)), (D, named(1)), (U, named(1)))
        self.assertIsNotNone(self.lab.state().find("n1.example.test.", "A"))

    def test_what_is_listed_deletes(self):
        """Every set that a list shows can be deleted exactly as it is shown."""
        self.send([(C, alias("x.example.test", "www.example.test")),
                   (C, rrset("*.example.test", "TXT", '"a b" "c"'))])
        for record in self.lab.list()["ResourceRecordSets"]:
            if record["Type"] not in ("SOA", "NS"):
                self.lab.change((D, record))
        self.assertEqual(len(self.lab.state().sets), 2)

    def test_failover_and_alias_are_listed(self):
        self.send([(C, alias("x.example.test", "www.example.test", evaluate=True))])
        shown = {r["Name"]: r for r in self.lab.list()["ResourceRecordSets"]}
        self.assertEqual(shown["x.example.test."]["AliasTarget"], {
            "HostedZoneId": "ZLAB", "DNSName": "www.example.test.",
            "EvaluateTargetHealth": True})
        page = self.lab.list(StartRecordName="f.example.test", MaxItems="1")
        self.assertEqual(page["ResourceRecordSets"][0]["Failover"], "PRIMARY")
        self.assertEqual(page["ResourceRecordSets"][0]["HealthCheckId"],
                         self.lab.check("hc-1"))

    def test_other_codes(self):
        cases = [
            (lambda c: c.list_resource_record_sets(HostedZoneId="ZNO"), "NoSuchHostedZone",
             404),
            (lambda c: c.get_hosted_zone(Id="ZNO"), "NoSuchHostedZone", 404),
            (lambda c: c.get_change(Id="CNOTHING0000000001"), "NoSuchChange", 404),
            (lambda c: c.list_resource_record_sets(
                HostedZoneId="ZLAB", StartRecordType="A"), INPUT, 400),
            (lambda c: c.list_resource_record_sets(
                HostedZoneId="ZLAB", StartRecordName="a.example.test",
                StartRecordIdentifier="x"), INPUT, 400),
            (lambda c: c.list_resource_record_sets(
                HostedZoneId="ZLAB", MaxItems="0"), INPUT, 400),
            (lambda c: c.list_hosted_zones_by_name(DNSName="a..b"), "InvalidDomainName",
             400),
        ]
        for call, code, status in cases:
            with self.assertRaises(ClientError) as caught:
                call(self.client)
            answer = caught.exception.response
            self.assertEqual((answer["Error"]["Code"],
                              answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status))
        with self.assertRaises(ClientError) as caught:
            self.lab.change((C, named(1)), zone="ZNO")
        self.assertEqual(caught.exception.response["Error"]["Code"], "NoSuchHostedZone")

    def test_zones(self):
        zone = self.client.get_hosted_zone(Id="ZLAB")
        self.assertEqual(zone["HostedZone"]["Name"], "example.test.")
        self.assertEqual(zone["HostedZone"]["Id"], "/hostedzone/ZLAB")
        self.assertEqual(zone["HostedZone"]["ResourceRecordSetCount"], 9)
        self.assertEqual(len(zone["DelegationSet"]["NameServers"]), 1)
        self.assertEqual(len(self.client.list_hosted_zones()["HostedZones"]), 1)


class Model(unittest.TestCase):
    """Every answer has what botocore's model of Route 53 calls required, and no more."""

    def conforms(self, shape, value, at):
        if shape.type_name == "structure":
            for name in shape.required_members:
                self.assertIn(name, value, at)
            for name, part in value.items():
                if name != "ResponseMetadata":
                    self.assertIn(name, shape.members, at)
                    self.conforms(shape.members[name], part, f"{at}.{name}")
        elif shape.type_name == "list":
            for part in value:
                self.conforms(shape.member, part, at + "[]")
        elif shape.type_name == "string":
            self.assertIsInstance(value, str, at)
            if shape.enum:
                self.assertIn(value, shape.enum, at)
            self.assertLessEqual(len(value), shape.metadata.get("max", 10000), at)
        elif shape.type_name == "long":
            self.assertIsInstance(value, int, at)

    def test_answers_conform(self):
        with Lab(zones=["example.test=ZLAB", "other.test=ZOTHER"], servers=2) as lab:
            client = lab.client()
            lab.change(*[(C, lab.checked(record)) for record in BASE],
                       (C, alias("x.example.test", "www.example.test")), client=client)
            change = lab.change((U, WWW), client=client)
            calls = [("GetChange", {"Id": change}),
                     ("GetHostedZone", {"Id": "ZLAB"}),
                     ("ListHostedZones", {"MaxItems": "1"}),
                     ("ListHostedZonesByName", {"MaxItems": "1"}),
                     ("ListResourceRecordSets", {"HostedZoneId": "ZLAB"}),
                     ("ListResourceRecordSets", {"HostedZoneId": "ZLAB", "MaxItems": "6"}),
                     ("ChangeResourceRecordSets", {"HostedZoneId": "ZLAB", "ChangeBatch": {
                         "Comment": "c", "Changes": [
                             {"Action": U, "ResourceRecordSet": WWW}]}})]
            for name, arguments in calls:
                call = getattr(client, botocore.xform_name(name))
                shape = client.meta.service_model.operation_model(name).output_shape
                self.conforms(shape, call(**arguments), name)


class Xml(unittest.TestCase):
    """What no client library would send: the schema's order, unknown elements, tricks."""

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--no-auth").start()
        cls.addClassCleanup(cls.lab.stop)

    def post(self, body, content_type="application/xml"):
        request = urllib.request.Request(
            self.lab.url + "/2013-04-01/hostedzone/ZLAB/rrset", data=body,
            headers={"Content-Type": content_type})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    GOOD = batch_xml([(C, weighted("w.example.test", "a", 1))])

    def test_good(self):
        self.lab.snapshot("x")
        status, text = self.post(self.GOOD)
        self.assertEqual(status, 200, text)
        self.assertIn("<Status>PENDING</Status>", text)
        self.lab.restore("x")

    def test_refused(self):
        def swap(a, b):
            return self.GOOD.replace(a, b)
        namespace = b' xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'
        cases = {
            "order: TTL before Weight": swap(
                b"<Weight>1</Weight><TTL>30</TTL>", b"<TTL>30</TTL><Weight>1</Weight>"),
            "order: Type before Name": swap(
                b"<Name>w.example.test</Name><Type>A</Type>",
                b"<Type>A</Type><Name>w.example.test</Name>"),
            "an unknown element": swap(b"<TTL>", b"<Color>red</Color><TTL>"),
            "an element twice": swap(b"<TTL>30</TTL>", b"<TTL>30</TTL><TTL>30</TTL>"),
            "an attribute": swap(b"<TTL>", b'<TTL unit="s">'),
            "text between": swap(b"<TTL>", b"x<TTL>"),
            "no namespace": swap(namespace, b""),
            "another namespace": swap(b"2013-04-01/\"", b"2012-12-12/\""),
            "no changes": swap(
                self.GOOD[self.GOOD.index(b"<Change>"):self.GOOD.index(b"</Changes>")],
                b""),
            "no name": swap(b"<Name>w.example.test</Name>", b""),
            "a weight with a letter": swap(b"<Weight>1</", b"<Weight>1x</"),
            "a weight of twenty digits": swap(b"<Weight>1</", b"<Weight>" + b"9" * 20 + b"</"),
            "not closed": self.GOOD[:-5],
            "nothing": b"",
            "an entity": b'<!DOCTYPE a [<!ENTITY b "bbb">]>' + self.GOOD,
            "another root": b"<a" + namespace + b"/>",
            "a second batch": swap(b"</ChangeBatch>", b"</ChangeBatch><ChangeBatch/>"),
            "traffic policies": swap(
                b"<TTL>", b"<TrafficPolicyInstanceId>x</TrafficPolicyInstanceId><TTL>"),
        }
        for title, body in cases.items():
            with self.subTest(title):
                self.assertNotEqual(body, self.GOOD)
                status, text = self.post(body)
                self.assertEqual(status, 400, text)
                self.assertIn("<Code>InvalidInput</Code>", text)
        self.assertEqual(len(self.lab.state().sets), 2)

    def test_both_error_shapes(self):
        """Raw, because botocore does not understand the older one."""
        twice = batch_xml([(D, WWW), (D, CNAME)])
        first = "Tried to delete resource record set [name='www.example.test.', type='A']"
        second = "Tried to delete resource record set [name='c.example.test.', type='CNAME']"
        lost = " but it was not found"
        status, text = self.post(twice)
        self.assertEqual(status, 400)
        self.assertIn("<ErrorResponse ", text)
        self.assertIn("<Code>InvalidChangeBatch</Code>", text)
        self.assertIn(f"<Message>[{first}{lost}, {second}{lost}]</Message>", text)
        self.lab.fault("old-errors=on")
        self.addCleanup(self.lab.clear)
        status, text = self.post(twice)
        self.assertEqual(status, 400)
        self.assertIn("<InvalidChangeBatch xmlns=", text)
        self.assertIn(f"<Messages><Message>{first}{lost}</Message><Message>{second}{lost}"
                      "</Message></Messages>", text)
        self.assertNotIn("ErrorResponse", text)

    def test_content_type(self):
        status, text = self.post(self.GOOD, "application/x-www-form-urlencoded")
        self.assertEqual(status, 400)
        self.assertIn("Content-Type", text)

    def test_too_large(self):
        try:
            status, _ = self.post(b"<" + b"a" * (1024 * 1024 + 1))
            self.assertEqual(status, 413)
        except (urllib.error.URLError, ConnectionError):
            pass  # the connection may be closed while the body is still being sent
        self.assertEqual(len(self.lab.state().sets), 2)


if __name__ == "__main__":
    main()
