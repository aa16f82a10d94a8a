# SPDX-License-Identifier: Apache-2.0
"""Eight processes race one compare-and-swap: exactly one wins, in every round."""

import multiprocessing
import unittest

from botocore.exceptions import ClientError

from lab import Lab, main, rrset

RACERS, ROUNDS = 8, 50
LEDGER = "_pointsman.www.example.test."


def value(number, racer):
    return f'"epoch={number} writer={racer}"'


def race(lab, racer, start, results):
    """Each round: everybody replaces the same old value by his own, at once."""
    client = lab.client()
    client.list_hosted_zones()  # the connection is open before the first round
    for number in range(ROUNDS):
        old = lab_value(client)
        start.wait()
        try:
            lab.change(("DELETE", rrset(LEDGER, "TXT", old, ttl=5)),
                       ("CREATE", rrset(LEDGER, "TXT", value(number + 1, racer), ttl=5)),
                       client=client)
            outcome = "won"
        except ClientError as e:
            error = e.response["Error"]
            lost = (error["Code"] == "InvalidChangeBatch" and
                    "do not match the current values" in error["Message"])
            outcome = "lost" if lost else str(error)
        results.put((number, racer, outcome))
        start.wait()


def lab_value(client):
    page = client.list_resource_record_sets(
        HostedZoneId="ZLAB", StartRecordName=LEDGER, StartRecordType="TXT", MaxItems="1")
    return page["ResourceRecordSets"][0]["ResourceRecords"][0]["Value"]


class Race(unittest.TestCase):
    def test_exactly_one_wins(self):
        with Lab() as lab:
            lab.change(("CREATE", rrset(LEDGER, "TXT", value(0, "nobody"), ttl=5)))
            start = multiprocessing.Barrier(RACERS, timeout=30)
            results = multiprocessing.Queue()
            racers = [multiprocessing.Process(target=race, args=(lab, n, start, results),
                                              daemon=True) for n in range(RACERS)]
            for racer in racers:
                racer.start()
            outcomes = [results.get(timeout=60) for _ in range(RACERS * ROUNDS)]
            for racer in racers:
                racer.join(30)
            last = lab.state().find(LEDGER, "TXT")["values"][0]
            applied = lab.state().counters["applied"]
        winners = []
        for number in range(ROUNDS):
            of_round = [(who, what) for n, who, what in outcomes if n == number]
            self.assertEqual(len(of_round), RACERS)
            self.assertEqual(sorted(what for _, what in of_round),
                             ["lost"] * (RACERS - 1) + ["won"])
            winners += [who for who, what in of_round if what == "won"]
        self.assertEqual(last, value(ROUNDS, winners[-1]))
        self.assertEqual(applied, ROUNDS + 1)
        print(f"{ROUNDS} rounds, {RACERS} racers, wins by racer: "
              f"{[winners.count(n) for n in range(RACERS)]}")


if __name__ == "__main__":
    main()
