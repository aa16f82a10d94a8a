# SPDX-License-Identifier: Apache-2.0
"""Lists: 10,000 sets are complete and in order, from any name, and quick."""

import time
import unittest

from lab import Lab, main, rrset


def order_of(record):
    """Labels reversed, then type, then set identifier."""
    labels = record["Name"].replace("\\052", "*").rstrip(".").split(".")
    return (".".join(reversed(labels)) + ".", record["Type"],
            record.get("SetIdentifier", ""))


class Paging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("--insync-ms", "0").start()
        cls.addClassCleanup(cls.lab.stop)
        cls.client = cls.lab.client()
        cls.lab.change(
            *[("CREATE", rrset(name, "A", "192.0.2.1")) for name in (
                "*.example.test", "a.example.test", "a-b.example.test", "z.example.test",
                "b.a.example.test", "_x.a.example.test", "0.example.test",
                "m5000.example.test")],
            ("CREATE", rrset("a.example.test", "AAAA", "2001:db8::1")))
        begin = time.monotonic()
        cls.lab.bulk(10000)
        cls.bulk_s = time.monotonic() - begin

    def pages(self, **start):
        names = {"StartRecordName": "NextRecordName", "StartRecordType": "NextRecordType",
                 "StartRecordIdentifier": "NextRecordIdentifier"}
        while True:
            page = self.lab.list(client=self.client, **start)
            yield page
            if not page["IsTruncated"]:
                return
            start = {**{k: v for k, v in start.items() if k == "MaxItems"},
                     **{k: page[v] for k, v in names.items() if v in page}}

    def test_complete_and_in_order(self):
        begin = time.monotonic()
        pages = list(self.pages())
        took = time.monotonic() - begin
        records = [r for page in pages for r in page["ResourceRecordSets"]]
        self.assertEqual(len(records), 10011)
        self.assertEqual(len({order_of(r) for r in records}), 10011)
        self.assertEqual(records, sorted(records, key=order_of))
        self.assertEqual([len(p["ResourceRecordSets"]) for p in pages[:-1]],
                         [300] * (len(pages) - 1))
        print(f"10,000 sets made in {self.bulk_s:.2f} s, listed in {took:.2f} s")

    def test_pages_may_end_inside_a_group(self):
        """With 7 a page, some page ends between the two sets of a weighted pair."""
        records, split = [], 0
        for page in self.pages(MaxItems="7", StartRecordName="a000000-1.example.test"):
            records += page["ResourceRecordSets"]
            self.assertEqual(page["MaxItems"], "7")
            if page.get("NextRecordIdentifier") == "two":
                split += 1
            if len(records) > 700:
                break
        self.assertGreater(split, 0)
        self.assertEqual(records, sorted(records, key=order_of))
        self.assertEqual(len({order_of(r) for r in records}), len(records))

    def test_starts_at_a_name(self):
        def first(**start):
            record = self.lab.list(client=self.client, MaxItems="1",
                                   **start)["ResourceRecordSets"][0]
            return record["Name"], record["Type"]
        self.assertEqual(first(StartRecordName="z.example.test"), ("z.example.test.", "A"))
        self.assertEqual(first(StartRecordName="Z.EXAMPLE.TEST."),
                         ("z.example.test.", "A"))
        self.assertEqual(first(StartRecordName="m4.example.test")[0], "m5000.example.test.")
        self.assertEqual(first(StartRecordName="*.example.test")[0],
                         "\\052.example.test.")
        self.assertEqual(first(StartRecordName="a.example.test", StartRecordType="AAAA"),
                         ("a.example.test.", "AAAA"))
        self.assertEqual(first(StartRecordName="a.example.test", StartRecordType="CNAME"),
                         ("_x.a.example.test.", "A"))
        empty = self.lab.list(client=self.client, StartRecordName="zz.example.test")
        self.assertEqual(empty["ResourceRecordSets"], [])
        self.assertFalse(empty["IsTruncated"])

    def test_at_most_300(self):
        page = self.lab.list(client=self.client, MaxItems="1000")
        self.assertEqual(len(page["ResourceRecordSets"]), 300)
        self.assertEqual(page["MaxItems"], "300")

    def test_change_is_quick_in_a_large_zone(self):
        begin = time.monotonic()
        for n in range(50):
            self.lab.change(("CREATE", rrset(f"q{n}.quick.example.test", "A", "192.0.2.1")),
                            client=self.client)
        took = time.monotonic() - begin
        print(f"50 changes among 10,000 sets: {took:.2f} s")
        for n in range(50):
            self.lab.change(("DELETE", rrset(f"q{n}.quick.example.test", "A", "192.0.2.1")),
                            client=self.client)


if __name__ == "__main__":
    main()
