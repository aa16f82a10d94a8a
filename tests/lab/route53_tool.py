# SPDX-License-Identifier: Apache-2.0
"""Drives tests/unit/tool_route53.c: provider.h from Python.

    with Tool(lab.url) as tool:
        tool.read("_pointsman.www.example.test", "www.example.test").sets
"""

import os
import subprocess
import urllib.parse

TOOL = os.path.join(os.environ.get("BUILD_DIR", "."), "tests", "tool_route53")
LEDGER = "_pointsman.www.example.test"
WWW = "www.example.test"


class Answer(dict):
    """key → text, as the tool printed it; .sets is a list of the record sets."""

    def __init__(self, lines):
        super().__init__()
        self.sets = []
        for line in lines:
            key, _, value = line.partition(" ")
            if key == "set":
                name, kind, *fields, set_id, values = value.split(" ")
                record = dict(field.split("=") for field in fields)
                record |= {"name": name, "type": kind, "set_id": set_id.replace("_", ""),
                           "values": urllib.parse.unquote(values).split("\n")}
                self.sets.append(record)
            else:
                self[key] = urllib.parse.unquote(value)

    @property
    def result(self):
        return self["result"]

    @property
    def weights(self):
        return {record["set_id"]: int(record["weight"]) for record in self.sets}


def word(text):
    return urllib.parse.quote(str(text), safe="-_.~/:,=+*\\[]") if text != "" else "_"


def weighted(set_id, weight, value, name=WWW, kind="A", ttl=30):
    return (name, kind, set_id, weight, ttl, value)


class Tool:
    def __init__(self, url, per_s=200, burst=200, timeout_ms=5000, zone="ZLAB",
                 apex="example.test", profile="", key="AKIDLAB", secret="lab-secret",
                 **environment):
        env = {k: v for k, v in os.environ.items()
               if not k.upper().endswith("_PROXY") and not k.startswith("AWS_")}
        env |= {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
                # No test asks a real machine's metadata.
                "AWS_EC2_METADATA_DISABLED": "true"} | environment
        self.process = subprocess.Popen(
            [TOOL, url, zone, apex, str(per_s), str(burst), str(timeout_ms), profile],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={k: v for k, v in env.items() if v is not None})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        status = self.close()
        if status != 0:
            raise AssertionError(f"tool_route53 ended with status {status}")

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        return status

    def send(self, *words):
        self.process.stdin.write(" ".join(map(word, words)) + "\n")
        self.process.stdin.flush()

    def answer(self):
        lines = []
        for line in self.process.stdout:
            if line == "end\n":
                return Answer(lines)
            lines.append(line.rstrip("\n"))
        raise AssertionError(f"tool_route53 ended; it said {lines}")

    def ask(self, *words):
        self.send(*words)
        return self.answer()

    def read(self, ledger=LEDGER, *names):
        return self.ask("read", ledger, *(names or (WWW,)))

    def change(self, old_ledger, new_ledger, old=(), new=(), ledger=LEDGER):
        for record in old:
            self.send("old", *record)
        for record in new:
            self.send("new", *record)
        return self.ask("change", ledger, old_ledger, new_ledger)
