# SPDX-License-Identifier: Apache-2.0
"""Our signatures against those of botocore's own signer, request shape by shape.

Shapes are generated: methods, paths with odd bytes, queries that need sorting and
escaping, headers in odd case and spacing, tokens, bodies, services, regions, dates.
"""

import datetime
import itertools
import os
import random
import subprocess
import sys
import unittest
import urllib.parse

try:
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    print("skipped: python3-botocore is not installed")
    sys.exit(77)

TOOL = os.path.join(os.environ["BUILD_DIR"], "tests", "tool_sign")
SAFE = "-_.~"


class FixedDate(datetime.datetime):
    now_text = "20261124T090000Z"

    @classmethod
    def utcnow(cls):
        return cls.strptime(cls.now_text, "%Y%m%dT%H%M%SZ")


class Auth(botocore.auth.SigV4Auth):
    """botocore's, but the date is the request's own."""

    def add_auth(self, request):
        saved = botocore.auth.datetime
        botocore.auth.datetime = type("D", (), {"datetime": FixedDate})
        try:
            super().add_auth(request)
        finally:
            botocore.auth.datetime = saved


QUERIES = [
    [],
    [("name", "www.example.com."), ("maxitems", "40")],
    [("name", "\\052.example.com."), ("type", "A"), ("identifier", "fra"), ("maxitems", "1")],
    [("b", "2"), ("a", "1"), ("B", "0")],
    [("a", "2"), ("a", "1"), ("a", "10")],
    [("a-b", "1"), ("a", "2"), ("a.b", "3"), ("a~", "4")],
    [("empty", ""), ("", "noname")],
    [("text", "a b+c&d=e/f?g#h%i"), ("utf8", "größe ሴ")],
    [("Action", "ListUsers"), ("Version", "2010-05-08")],
    [("x", "!'()*"), ("y", "[]{}|\\^`\"<>"), ("z", "@:;,$")],
    [(f"p{i}", str(i * i)) for i in range(30)],
]
PATHS = ["/", "/2013-04-01/hostedzone/Z123/rrset", "/2013-04-01/hostedzone/Z123/rrset/",
         "/2013-04-01/change/C1", "/a:b/c", "/a%20b", "/a//b", "/a/./b/../c", "/x/..",
         "/%E1%88%B4/~tilde", "/$delete(1)*", "/trailing/./"]
BODIES = [b"", b"<a>text</a>", "Action=X&Näme=ü".encode(), b"x" * 20000]
HEADERS = [
    [],
    [("Content-Type", "application/xml")],
    [("X-Custom-B", "  two   blanks  "), ("x-custom-a", "Case KEPT")],
    [("X-Amz-Target", "ToggleCustomerAPI.UpdateRoutingControlStates"),
     ("Content-Type", "application/x-amz-json-1.0")],
]


def shapes():
    chance = random.Random(3)
    count = max(len(QUERIES), len(PATHS)) * 8
    for i in range(count):
        yield {
            "method": chance.choice(["GET", "POST", "PUT"]),
            "path": PATHS[i % len(PATHS)],
            "query": QUERIES[(i // 3 + i) % len(QUERIES)],
            "headers": chance.choice(HEADERS),
            "body": chance.choice(BODIES),
            "token": chance.choice([None, "Token/With+Odd=Bytes==", "t" * 1500]),
            "host": chance.choice(["route53.amazonaws.com", "127.0.0.1:4566",
                                   "route53.amazonaws.com.cn"]),
            "region": chance.choice(["us-east-1", "cn-northwest-1", "us-gov-west-1"]),
            "service": chance.choice(["route53", "elasticloadbalancing", "sts"]),
            "date": chance.choice(["20150830T123600Z", "20261124T235959Z",
                                   "20280229T000000Z"]),
            "key": chance.choice(["AKIDEXAMPLE", "ASIA" + "Q" * 16]),
            "secret": chance.choice(["wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "s" * 80]),
        }


def quote(text):
    return urllib.parse.quote(text, safe="-_.~/:=+")


def ours(tool, s):
    lines = [f"{k} {s[k]}" for k in ("method", "path", "date", "region", "service", "key",
                                     "secret")]
    headers = [("Host", s["host"]), ("X-Amz-Date", s["date"]), *s["headers"]]
    if s["token"]:
        headers.append(("X-Amz-Security-Token", s["token"]))
    for name, value in s["query"]:
        lines.append(f"query {quote(name)} {quote(value)}")
    for name, value in headers:
        lines.append(f"header {quote(name)} {quote(value)}")
    if s["body"]:
        lines.append("body " + urllib.parse.quote(s["body"], safe=""))
    tool.stdin.write("\n".join(lines) + "\n\n")
    tool.stdin.flush()
    return tool.stdout.readline().rstrip("\n"), tool.stdout.readline().rstrip("\n")


def theirs(s, query):
    """botocore signs what goes over the wire: our wire query."""
    url = f"https://{s['host']}{s['path']}" + (f"?{query}" if query else "")
    request = AWSRequest(s["method"], url, data=s["body"], headers=dict(s["headers"]))
    FixedDate.now_text = s["date"]
    request.context["timestamp"] = s["date"]
    Auth(Credentials(s["key"], s["secret"], s["token"]), s["service"],
         s["region"]).add_auth(request)
    return request.headers["Authorization"]


class Sign(unittest.TestCase):
    def setUp(self):
        self.tool = subprocess.Popen([TOOL], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, encoding="utf-8")

    def tearDown(self):
        self.tool.stdin.close()
        self.assertEqual(self.tool.wait(10), 0)
        self.tool.stdout.close()

    def test_same_signature(self):
        seen = set()
        for s in shapes():
            query, authorization = ours(self.tool, s)
            with self.subTest(**{k: s[k] for k in ("method", "path", "query", "headers")}):
                self.assertEqual(authorization, theirs(s, query))
            seen.add(repr(sorted(s.items(), key=lambda item: item[0])))
        print(f"{len(seen)} request shapes signed as botocore signs them")
        self.assertGreaterEqual(len(seen), 55)

    def test_same_query(self):
        """The wire query says what the pairs say: botocore's own from params."""
        base = next(shapes())
        for pairs in QUERIES:
            if len({name for name, _ in pairs}) < len(pairs):
                continue  # a dict of params holds no name twice
            query, _ = ours(self.tool, {**base, "query": pairs})
            request = AWSRequest("GET", "https://h/", params=dict(pairs))
            signer = botocore.auth.SigV4Auth(Credentials("k", "s"), "route53", "us-east-1")
            self.assertEqual(query, signer.canonical_query_string(request))
            self.assertEqual(sorted(pairs), sorted(
                urllib.parse.parse_qsl(query, keep_blank_values=True)))


if __name__ == "__main__":
    unittest.main()
