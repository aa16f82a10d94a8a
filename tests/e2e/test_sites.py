#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: serial
# ctest: timeout=600
"""Three sites and a witness, for real: agents, nginx and packets that are dropped.

Every scenario has network namespaces of its own and runs beside two others; names on
the command line run these alone. Each asserts who wrote, how often, and what resolvers
saw every 100 ms. The agents run on the fast profile's numbers.
"""
import os
import signal
import subprocess
import sys
import threading
import time

from sites import Sites, wait_for

GOAL_REFUSED_S, GOAL_SILENT_S = 1, 2


def measure(what, took_s, goal_s):
    """Says a time beside its goal. The goals are asserted where the clock is simulated
    (sim.test_story_dead): agents that get no turn on a busy machine doubt themselves, and
    are right to."""
    print(f"  {what}: fault to committed in {took_s * 1000:.0f} ms, goal {goal_s} s")


def committed(s, marks, **match):
    """The first `committed` since, by any agent that still runs."""
    found = [f for n, a in s.running().items()
             for f in a.find("committed", marks.get(n, 0), **match)
             if f.get("value") != "void"]
    return min(found, key=lambda f: f["heard"]) if found else None


def is_out(s, place, marks, began, what, goal_s, writes=1):
    """The place was taken out by so many changes, and resolvers have forgotten it."""
    others = {p: 100 for p in s.sites if p != place}
    s.wait_weights(30, **others, **{place: 0})
    took = wait_for(lambda: committed(s, marks), 5, "a committed change")["heard"] - began
    measure(what, took, goal_s)
    time.sleep(1)                          # whoever else would write has had its turn
    wrote = s.writers(marks)
    assert len(wrote) == writes, f"{wrote} wrote; " + s.logs()
    assert place not in wrote
    assert s.last_seen(place) < time.time() - 0.5, "resolvers are still told of it"
    s.never_empty()
    return wrote


def site_refuses():
    with Sites() as s:
        s.begin()
        marks = s.marks()
        is_out(s, "c", marks, s.dies("c"), "a site refuses", GOAL_REFUSED_S)
        s.lives("c")
        s.wait_weights(60, a=100, b=100, c=100)
        s.never_empty()


def site_vanishes():
    with Sites() as s:
        s.begin()
        marks = s.marks()
        is_out(s, "c", marks, s.net.isolate("c"), "a site is a black hole", GOAL_SILENT_S)
        assert "c" in s.running() and not s.agent["c"].find("change_sent", marks["c"])
        s.net.heal()
        s.wait_weights(60, a=100, b=100, c=100)
        s.never_empty()


def a_third_is_lost():
    """30 % of a site's packets: whatever is decided, it does not flap."""
    with Sites() as s:
        s.begin()
        marks = s.marks()
        s.net.lose("c", 30)
        time.sleep(15)
        wrote = s.writers(marks)
        assert len(wrote) <= 1, f"{wrote}; " + s.logs()
        assert s.sets()["a"] == s.sets()["b"] == 100
        s.never_empty()
        s.net.heal()
        s.wait_weights(60, a=100, b=100, c=100)


def cut_from_peers():
    """It reaches the zone and sees the sites, and may say nothing."""
    with Sites() as s:
        s.begin()
        for name in "bcw":
            s.net.rules["peer", name] = (
                f"ip saddr {s.net.places['a'].agent} ip daddr {s.net.places[name].agent}")
        s.net._apply()
        a = s.agent["a"]
        a.wait("doubt", 20, value="alone")
        marks = s.marks()
        s.web["c"].kill()
        began = time.time()
        wrote = is_out(s, "c", marks, began, "one agent is cut from its peers",
                       GOAL_REFUSED_S + 1)
        assert "a" not in wrote
        assert not a.find("change_sent", marks["a"]), a.log()[-3000:]


def cut_from_zone():
    with Sites() as s:
        s.begin()
        s.net.cut("a", "zone")
        time.sleep(2)
        marks = s.marks()
        s.web["c"].kill()
        wrote = is_out(s, "c", marks, time.time(), "one agent is cut from the zone",
                       GOAL_REFUSED_S + 1)
        assert "a" not in wrote


def one_way_links():
    """Others reach it, it reaches nobody: it is not heard, and hears nobody."""
    with Sites() as s:
        s.begin()
        for name in "bcw":
            s.net.cut_opening("a", name)
        a = s.agent["a"]
        a.wait("doubt", 20, value="alone")
        marks = s.marks()
        s.web["c"].kill()
        wrote = is_out(s, "c", marks, time.time(), "links that carry one way",
                       GOAL_REFUSED_S + 1)
        assert "a" not in wrote
        assert not a.find("change_sent", marks["a"])


def every_uplink_lost():
    """Every site sees itself alone: nothing moves, and afterwards nothing has."""
    with Sites() as s:
        s.begin()
        before, marks = s.ledger(), s.marks()
        for name in s.names:
            s.net.isolate(name)
        for name in s.names:
            s.agent[name].wait("doubt", 20, since=marks[name])
        time.sleep(5)
        s.net.heal()
        wait_for(s.settled, 40)
        time.sleep(2)
        assert not s.writers(marks), s.logs()
        assert s.sets() == {"a": 100, "b": 100, "c": 100}
        assert s.ledger().epoch == before.epoch
        s.never_empty()


def two_under_one_name():
    """A cloned machine: one of them is heard, it has one vote, and it is said."""
    with Sites() as s:
        s.begin()
        clone = s.make_agent("a", key="clone", place="w", listen="10.61.4.5:7399")
        clone.start()
        s.agent["b"].wait("peer", 30, value="cloned")
        marks = s.marks()
        began = time.time()
        s.web["c"].kill()
        is_out(s, "c", marks, began, "two agents under one name", GOAL_REFUSED_S + 2)


def writer_stops_in_the_middle():
    """SIGSTOP between request and answer; another finishes; then it wakes."""
    with Sites() as s:
        s.begin()
        marks = s.marks()
        s.lab.fault("slow=1500")
        s.web["c"].kill()

        def sender():
            return next((n for n, a in s.agent.items()
                         if a.find("change_sent", marks[n])), None)
        writer = wait_for(sender, 20, "a change that is sent")
        s.agent[writer].process.send_signal(signal.SIGSTOP)
        s.lab.clear()
        s.wait_weights(30, a=100, b=100, c=0)
        epoch = s.ledger().epoch
        time.sleep(3)
        s.agent[writer].process.send_signal(signal.SIGCONT)
        wait_for(s.settled, 60)
        time.sleep(1)
        assert s.sets() == {"a": 100, "b": 100, "c": 0}
        assert s.ledger().epoch <= epoch + 1, "it wrote again when it woke"
        s.never_empty()


def two_of_five_die():
    with Sites(sites="abcde", witnesses="") as s:
        s.begin(60)
        marks = s.marks()
        s.dies("d")
        time.sleep(5)
        s.dies("e")
        s.wait_weights(40, a=100, b=100, c=100, d=0, e=0)
        time.sleep(1)
        wrote = s.writers(marks)
        assert len(wrote) == 2, f"{wrote}; " + s.logs()
        s.never_empty()


def twenty_services():
    with Sites(services=20) as s:
        s.begin(90)
        time.sleep(10)                     # the first creation has spent the API budget
        marks = s.marks()
        began = s.dies("c")
        for i in range(20):
            s.wait_weights(60, number=i, a=100, b=100, c=0)
        took = max(f["heard"] for n, a in s.running().items()
                   for f in a.find("committed", marks[n])) - began
        measure("20 services at one dead site, the last of them", took, GOAL_REFUSED_S + 2)
        time.sleep(1)
        for i in range(20):
            wrote = s.writers(marks, s.service(i))
            assert len(wrote) == 1, f"{s.service(i)}: {wrote}"
        s.never_empty()


def rolling_restart():
    """Agent by agent stops and starts anew, as in an upgrade, while a site dies."""
    with Sites() as s:
        s.begin()
        marks = s.marks()
        for name in ("a", "b", "w"):
            s.agent[name].stop()
            if name == "b":
                s.web["c"].kill()
            s.agent[name].start()
            wait_for(s.settled, 40)
        s.wait_weights(30, a=100, b=100, c=0)
        time.sleep(1)
        assert len(s.writers(marks)) == 1, s.logs()
        s.never_empty()


def rolling_policy():
    """A new file goes round, agent by agent, while a site dies: it moves in force when a
    quorum has it, and nothing is frozen."""
    with Sites() as s:
        s.begin()
        marks = s.marks()
        for name in s.names:
            agent = s.agent[name]
            text = agent.world.config.read_text()
            agent.world.config.write_text(text.replace("spacing: 3s", "spacing: 4s"))
            agent.process.send_signal(signal.SIGHUP)
            if name == "b":
                s.web["c"].kill()
            time.sleep(1.5)
        s.wait_weights(40, a=100, b=100, c=0)
        wait_for(s.settled, 40)
        time.sleep(1)
        kinds = sorted(f["value"] for n, a in s.agent.items()
                       for f in a.find("committed", marks[n]) if f["value"] != "void")
        assert kinds == ["drain", "policy"], f"{kinds}; " + s.logs()
        s.never_empty()


def machine_replaced():
    """Its disk is lost; the new one knows nothing, believes the others, and moves
    nothing."""
    with Sites() as s:
        s.begin()
        before, marks = s.ledger(), s.marks()
        s.agent["b"].kill()
        folder = s.agent["b"].world.folder
        subprocess.run(["rm", "-rf", str(folder / "state")], check=True)
        s.agent["b"].start()
        wait_for(s.settled, 60)
        time.sleep(2)
        assert s.ledger().epoch == before.epoch, s.logs()
        assert not s.writers(marks)
        began = time.time()
        s.web["c"].kill()
        is_out(s, "c", marks, began, "a replaced machine among them", GOAL_REFUSED_S + 2)


SCENARIOS = [site_refuses, site_vanishes, a_third_is_lost, cut_from_peers, cut_from_zone,
             one_way_links, every_uplink_lost, two_under_one_name,
             writer_stops_in_the_middle, two_of_five_die, twenty_services,
             rolling_restart, rolling_policy, machine_replaced]


def alone(name):
    next(f for f in SCENARIOS if f.__name__ == name)()


def run_all(names, at_once=3):
    failed, gate, say = [], threading.Semaphore(at_once), threading.Lock()

    def run(name):
        with gate:
            began = time.monotonic()
            done = subprocess.run(
                ["unshare", "-n", sys.executable, sys.argv[0], name],
                env={**os.environ, "INSIDE": "1"}, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True)
        with say:
            print(f"{'FAILED' if done.returncode else 'passed'} {name} in "
                  f"{time.monotonic() - began:.0f} s")
            print(done.stdout[-20000:] if done.returncode else done.stdout, end="")
            if done.returncode:
                failed.append(name)
    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    if os.environ.get("INSIDE"):
        alone(sys.argv[1])
    else:
        may = subprocess.run(
            ["unshare", "-n", "sh", "-c",
             "ip link add name near type veth peer name far && nft list tables"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if may.returncode != 0:
            print("skipped: network namespaces with nftables are not allowed here: "
                  + (may.stdout.strip().splitlines() or ["no reason given"])[-1])
            sys.exit(77)
        run_all(sys.argv[1:] or [f.__name__ for f in SCENARIOS])
