#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""A scenario with a drill has a shadow service: a name and a ledger of its own in the
zone, written by the same agents; `check` and an order for a whole site leave it alone."""
import json
import unittest

from world import World, main, wait_for

PLAN = """scenarios:
  plan:
    kind: warm-standby
    service: www
    primary: a
    recovery: b
    rto: 15m
    rpo: 1m
    trigger: command
    drill: command
    steps:
      fence: {exec: [/bin/true, "{from}", "{fence}"]}
      promote: {exec: [/bin/true, "{to}", "{fence}"]}
"""
SHADOW = "_drill.www.example.test."


class Shadow(unittest.TestCase):
    def test_it_stands_in_the_zone_beside_its_service(self):
        with World() as w:
            w.write_config(w.text() + PLAN)
            w.agent.start()

            def there():
                state = w.lab.state()
                sets = [s for s in state.sets if s["name"] == SHADOW]
                return state.find("_pointsman.www-drill.example.test.", "TXT") and sets
            sets = wait_for(there, 30)
            self.assertEqual({"a", "b"}, {s["set_id"] for s in sets})
            for s in sets:
                self.assertEqual("A", s["type"])
                self.assertTrue(s["policy"].startswith("weighted"), s)
                self.assertEqual([w.web[s["set_id"]].host], s["values"])
            self.assertGreater(sum(int(s["policy"].split("=")[1]) for s in sets), 0)
            wait_for(w.ledger, 30)

            rows = json.loads(w.command("check", "--json")[1])
            self.assertEqual(["www", "www"], [r["service"] for r in rows])

            code, text = w.command("drain", "--site", "b", "--reason", "test", "--json")
            parts = json.loads(text)
            self.assertEqual(0, code, parts)
            self.assertNotIn("www-drill", text)
            wait_for(lambda: w.sets() == {"a": 100, "b": 0}, 20)


if __name__ == "__main__":
    main()
