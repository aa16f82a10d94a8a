#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""--json, over the whole table of commands as --help shows it: whatever a command is asked
and however it ends, what it prints is one JSON value, and its exit status is the same."""
import json
import re
import subprocess
import unittest

from world import POINTSMAN, World, main

WORDS = {"": [], "[SERVICE]": ["www"], "SERVICE": ["www"], "[ZONE|SCENARIO]": ["lab"],
         "[SERVICE|INCIDENT]": ["www"],
         "[SERVICE/MEMBER]": ["www/b"], "SERVICE/MEMBER": ["www/b"],
         "[SERVICE[/SITE]]": ["www/b"], "SCENARIO": ["www-dr"]}
SCENARIO = """scenarios:
  www-dr:
    {kind: multi-site, service: www, primary: a, recovery: b, rto: 1h, rpo: 1h,
     trigger: command, drill: command, steps: {}}
"""
NO_JSON = {"run"}               # it does not answer, it goes on


def table():
    """{command: (options, words)} from the help of each."""
    out = {}
    text = subprocess.run([str(POINTSMAN), "--help"], capture_output=True, text=True,
                          check=True).stdout
    for name in re.findall(r"(?m)^  ([a-z]+) ", text):
        page = subprocess.run([str(POINTSMAN), name, "--help"], capture_output=True,
                              text=True, check=True).stdout
        usage = re.match(r"usage: pointsman \w+(?: -c FILE)?(?: \[OPTION\]\.\.\.)?(.*)\n",
                         page)
        out[name] = (re.findall(r"--([a-z-]+)", page), usage[1].strip())
    return out


def run(w, *words):
    done = subprocess.run([str(POINTSMAN), *map(str, words)], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL, env=w.agent.env)
    return done.returncode, done.stdout, done.stderr


class Json(unittest.TestCase):
    def parsed(self, got, *statuses):
        status, out, err = got
        self.assertIn(status, statuses, got)
        try:
            answer = json.loads(out)
        except ValueError:
            self.fail(f"no JSON: {got}")
        if status == 2 and isinstance(answer, dict) and set(answer) == {"ok", "text"}:
            self.assertIs(False, answer["ok"])
            self.assertNotEqual("", answer["text"], got)
            self.assertIn(answer["text"].splitlines()[-1], err)
        return answer

    def words(self, name, options, words, config):
        self.assertIn(words, WORDS, f"{name}: tell this test what to say for {words}")
        return [name, *(["-c", config] if "config" in options else []), *WORDS[words],
                *(["--yes"] if "yes" in options else []),
                *(["--dry-run"] if "dry-run" in options else []),
                *(["--reason", "a test"] if words == "SCENARIO" else [])]

    def test_every_command_has_it(self):
        commands = table()
        self.assertGreater(len(commands), 15)
        without = {n for n, (options, _) in commands.items() if "json" not in options}
        self.assertEqual(NO_JSON, without)

    def test_with_an_agent(self):
        commands = table()
        with World() as w:
            w.write_config(w.text() + SCENARIO)
            w.begin()
            # What ends the steering comes last.
            for name in sorted(set(commands) - NO_JSON, key=lambda n: n == "release"):
                words = self.words(name, *commands[name], w.config)
                with self.subTest(" ".join(map(str, words))):
                    self.parsed(run(w, *words, "--json"), 0, 1)

    def test_without(self):
        commands = table()
        with World() as w:
            w.write_config(w.text() + SCENARIO)
            bad, absent = w.folder / "bad.yaml", w.folder / "absent.yaml"
            bad.write_text(w.text().replace("policy: weighted", "polcy: weighted"))
            w.lab.fault("outage=on")
            for config in (w.config, bad, absent):
                for name in sorted(set(commands) - NO_JSON):
                    words = self.words(name, *commands[name], config)
                    with self.subTest(" ".join(map(str, words))):
                        plain = run(w, *words)
                        answer = self.parsed(run(w, *words, "--json"), plain[0])
                        if config == bad and plain[0] == 2:
                            self.assertIn("polcy", json.dumps(answer))

    def test_words_that_are_wrong(self):
        commands = table()
        with World() as w:
            for name in sorted(commands):
                options, words = commands[name]
                given = self.words(name, options, words, w.config)
                for wrong in (["--nonsense"], ["more", "than", "enough"]):
                    with self.subTest(f"{name} {wrong}"):
                        self.parsed(run(w, *given, *wrong, "--json"), 2)
                if words:
                    given = [x if x not in WORDS[words] else "nowhere/at" if "/" in x
                             else "nowhere" for x in given]
                    with self.subTest(" ".join(map(str, given))):
                        self.parsed(run(w, *given, "--json"), 2)
            answer = self.parsed(run(w, "stauts", "--json"), 2)
            self.assertIn("did you mean 'status'?", answer["text"])


if __name__ == "__main__":
    main()
