#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=200
"""packaging/doc/recovery.md, followed to the letter: each section's trouble is made, each
of its commands is run as it stands there, and in the end the service is steered again."""
import re
import shlex
import subprocess
import unittest

from test_records import Records, checks, plain
from world import POINTSMAN, SOURCE, World, main, parallel, rrset, wait_for

C, D = "CREATE", "DELETE"
LEDGER = "_pointsman.www.example.test"
TEXT = (SOURCE / "packaging/doc/recovery.md").read_text()


def sections():
    """{heading: its commands}"""
    found, heading, code = {}, "", False
    for line in TEXT.splitlines():
        if line.startswith("#") and not code:
            heading = line.lstrip("# ")
            found[heading] = []
        elif line.startswith("```"):
            code = not code
        elif code:
            assert line.startswith("pointsman "), line
            found[heading].append(line)
    return found


COMMANDS = sections()
FIRST = "When the zone is not what Pointsman left there"


def follow(w, heading):
    """Runs the section's commands. plan: something is to be done, or a number."""
    assert COMMANDS[heading], heading
    for line in COMMANDS[heading]:
        words = shlex.split(line.replace("FILE", str(w.config)).replace("SERVICE", "www"))
        done = subprocess.run([str(POINTSMAN), *words[1:]], env=w.agent.env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, timeout=60)
        looks = words[1] == "plan" or words[1:] == ["bootstrap", "-c", str(w.config)]
        assert done.returncode == (1 if looks else 0), (line, done.returncode, done.stdout)


def record(w, member, **more):
    weight = {"Weight": 100, **more}
    return rrset("www.example.test", "A", w.web[member].host, ttl=1, SetIdentifier=member,
                 **weight)


def ledger_set(w):
    shown = w.lab.state().find(LEDGER + ".", "TXT")
    return rrset(LEDGER, "TXT", *shown["values"], ttl=shown["ttl"])


def steers(w):
    """A site dies, and is drained; it comes back, and returns."""
    w.wait_weights(a=100, b=100)
    w.web["b"].kill()
    w.wait_weights(a=100, b=0)
    w.web["b"].start()
    w.wait_weights(a=100, b=100)


def edited(w):
    w.lab.edit((D, record(w, "a")), (C, record(w, "a", Weight=7)))
    w.web["b"].kill()       # gives it a reason to look
    w.agent.wait("frozen", value="edited")
    w.web["b"].start()


def edited_by_mistake():
    with World() as w:
        w.begin()
        edited(w)
        follow(w, FIRST)
        follow(w, "The edit was a mistake: our records again")
        steers(w)


def edited_on_purpose():
    with World() as w:
        w.begin()
        w.lab.edit((D, record(w, "a")), (C, record(w, "a", Weight=0)))
        w.web["b"].do("503")
        w.agent.wait("frozen", value="edited")
        w.web["b"].do("200")
        wait_for(lambda: w.status()["services"][0]["members"][1]["verdict"] == "UP")
        follow(w, "The edit was meant: go on from what the zone shows")
        w.agent.wait("committed", member="a", value="return")   # it was out, as edited
        steers(w)


def ledger_is_gone():
    with World() as w:
        w.begin()
        w.lab.edit((D, ledger_set(w)))
        w.web["b"].kill()
        w.agent.wait("frozen", value="lost")
        follow(w, "The ledger is gone")
        w.web["b"].start()
        steers(w)


def zone_is_restored():
    with World() as w:
        w.begin()
        w.lab.snapshot("yesterday")
        w.web["b"].kill()
        w.wait_weights(a=100, b=0)
        newest = w.ledger().epoch
        w.lab.restore("yesterday")
        w.web["b"].start()
        w.agent.wait("frozen", value="restored")
        follow(w, "The zone was restored from a backup")
        assert w.ledger().epoch > newest, w.ledger().text
        steers(w)


def ledger_is_damaged():
    with World() as w:
        w.begin()
        w.lab.edit((D, ledger_set(w)), (C, rrset(LEDGER, "TXT", '"v=spf1 -all"')))
        w.web["b"].kill()
        w.agent.wait("frozen", value="garbled")
        follow(w, "The ledger is not ours to read")
        w.web["b"].start()
        steers(w)


def steady_check_is_deleted():
    with Records(plain("steady")) as w:
        w.command("bootstrap", "--yes")
        w.agent.start()
        w.wait_policies(a="failover=PRIMARY", b="failover=SECONDARY")
        w.lab.client().delete_health_check(HealthCheckId=checks(w.lab)[-1]["Id"])
        w.web["a"].kill()
        w.agent.wait("refused", text="bootstrap")
        follow(w, "The steady health check was deleted")
        w.wait_policies(40, a="failover=SECONDARY", b="failover=PRIMARY")


def left():
    with World() as w:
        w.begin()
        before = w.sets()
        follow(w, "Leaving")
        assert w.ledger() is None and w.sets() == before


SCENES = {
    "The edit was a mistake: our records again": edited_by_mistake,
    "The edit was meant: go on from what the zone shows": edited_on_purpose,
    "The ledger is gone": ledger_is_gone,
    "The zone was restored from a backup": zone_is_restored,
    "The ledger is not ours to read": ledger_is_damaged,
    "The steady health check was deleted": steady_check_is_deleted,
    "Leaving": left,
}


class Recovery(unittest.TestCase):
    def test_every_section_with_commands_is_followed(self):
        self.assertEqual({h for h, lines in COMMANDS.items() if lines},
                         {FIRST, *SCENES})
        self.assertTrue(re.search(r"^pointsman adopt", TEXT, re.M))

    def test_each(self):
        parallel(*SCENES.values())


if __name__ == "__main__":
    import sys
    if len(sys.argv) > 1 and sys.argv[1] in globals():
        globals()[sys.argv[1]]()
    else:
        main()
