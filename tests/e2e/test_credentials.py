#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
"""An agent on credentials that end: fetched, renewed while it steers, warned of, assumed.

What each source can do wrong is in unit/test_credentials_sources.py; here the agent's own
loop, its log and the lab are watched.
"""
import sys
import unittest

from world import SECRET, SOURCE, World, main

sys.path.insert(0, str(SOURCE / "tests/unit"))
from sources import ROLE, Place, wall  # noqa: E402

NEVER_LATE = ("late", "gap")


class LabKeys(Place):
    """Gives the keys that the lab knows, in whatever shape is asked for."""

    def keys(self, extra):
        keys = super().keys(extra)
        keys.update(AccessKeyId="AKIDLAB", SecretAccessKey=SECRET,
                    Expiration=wall(self.life_s))
        if "Token" in keys:
            del keys["Token"]
        if "SessionToken" in keys:
            keys["SessionToken"] = "lab-token"
        return keys


class Credentials(unittest.TestCase):
    def world(self, *options, **more):
        w = World(*options, **more)
        w.__enter__()
        self.addCleanup(w.__exit__, None, None, None)
        place = LabKeys()
        place.__enter__()
        self.addCleanup(place.__exit__)
        place.life_s = 16
        return w, place

    def check_log(self, w):
        log = w.agent.log()
        self.assertNotIn(SECRET, log)
        self.assertNotIn("lab-token", log)
        for value in NEVER_LATE:
            self.assertEqual([], w.agent.find("doubt", value=value), log)

    def test_renewed_warned_and_well_again(self):
        w, place = self.world()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del w.agent.env[name]
        w.agent.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = place.url + "/keys"
        w.begin()
        place.fault = "status=503"
        fact = w.agent.wait("trouble", text="going on with the credentials read before")
        self.assertEqual("warn", fact["level"])
        self.assertIn("zone lab: credentials: ", fact["text"])
        self.assertIn("container endpoint", fact["text"])
        w.web["b"].do("refuse")  # what is held still steers
        w.wait_weights(a=100, b=0)
        place.fault = ""
        w.agent.wait("trouble", text="well again: container endpoint")
        code, text = w.command("doctor")
        self.assertEqual(0, code, text)
        self.assertIn("credentials: container endpoint", text)
        self.check_log(w)

    def test_a_role_with_an_external_id(self):
        w, place = self.world("--token", "lab-token")
        place.base_secret = "base-secret"
        place.life_s = 3600
        w.agent.env.update(AWS_ACCESS_KEY_ID="BASE", AWS_SECRET_ACCESS_KEY="base-secret",
                           AWS_ENDPOINT_URL_STS=place.url)
        w.write_config(w.text().replace(
            "zone_id: ZLAB,", f'zone_id: ZLAB, role_arn: "{ROLE}", external_id: ours,'))
        w.begin()
        self.assertEqual(
            [("AssumeRole", ROLE, "ours")],
            [(r["form"]["Action"], r["form"]["RoleArn"], r["form"]["ExternalId"])
             for r in place.seen])
        code, text = w.command("plan")
        self.assertEqual(0, code, text)
        place.fault = "status=503"
        code, text = w.command("doctor")
        self.assertEqual(1, code, text)
        self.assertIn(f"wrong    zone lab: listing its records: role_arn {ROLE} at ", text)
        self.check_log(w)

    def test_a_command_that_hangs_stops_nothing(self):
        w, _ = self.world()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            del w.agent.env[name]
        (w.folder / ".aws").mkdir()
        config = w.folder / ".aws" / "config"
        config.write_text("[default]\ncredential_process = sleep 300\n")
        w.agent.start()
        w.agent.wait("address_up", member="a")
        w.agent.wait("address_up", member="b")
        self.assertEqual({}, w.sets())
        config.write_text("[default]\naws_access_key_id = AKIDLAB\n"
                          f"aws_secret_access_key = {SECRET}\n")
        config.chmod(0o600)
        w.wait_weights(a=100, b=100)
        self.check_log(w)


if __name__ == "__main__":
    main()
