#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A step of a scenario, on files in the place of databases: side.py FOLDER ACT SITE FENCE

FOLDER/side.json holds of each site whether it is open (accepts writes) and the highest
fence it has seen. An act is one transaction under one lock: a lower fence is refused
(exit 9), then the side is opened or closed; two open sides are written down as a
violation. FOLDER/log has a line for each act that was done: ACT SITE FENCE.

What goes wrong is asked for by files, looked at before and after the transaction:
    before-ACT, after-ACT holding a word
        pause    writes at-ACT and waits until the file is gone
        hang     never ends, whoever removes the file
        fail     exit 1
        garbage  prints 1 MB of bytes that are no text
        once     as fail, but only the first time
"""
import fcntl
import json
import os
import sys
import time
from pathlib import Path

OPENS = {"promote", "restore", "unfreeze"}
CLOSES = {"fence", "freeze"}


def trouble(folder, when, act):
    asked = folder / f"{when}-{act}"
    try:
        word = asked.read_text().strip()
    except FileNotFoundError:
        return
    if word == "pause":
        (folder / f"at-{act}").write_text(when)
        while asked.exists():
            time.sleep(0.02)
    elif word == "hang":
        (folder / f"at-{act}").write_text(when)
        print("hangs", flush=True)
        time.sleep(3600)
    elif word == "garbage":
        for _ in range(1024):
            sys.stdout.buffer.write(bytes(range(256)) * 4)
    elif word in ("fail", "once"):
        if word == "once":
            asked.unlink()
        print("this went wrong", flush=True)
        sys.exit(1)


def transact(folder, act, site, fence):
    with open(folder / "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = folder / "side.json"
        sides = json.loads(path.read_text())
        side = sides[site]
        if fence < side["fence"]:
            print(f"fence {fence} is older than {side['fence']}: refused", flush=True)
            sys.exit(9)
        side["fence"] = fence
        if act in OPENS:
            side["open"] = True
        if act in CLOSES:
            side["open"] = False
        path.with_suffix(".new").write_text(json.dumps(sides))
        os.replace(path.with_suffix(".new"), path)
        with open(folder / "log", "a") as log:
            log.write(f"{act} {site} {fence}\n")
            if sum(s["open"] for s in sides.values()) > 1:
                log.write(f"VIOLATION {act} {site} {fence}: {json.dumps(sides)}\n")


def main():
    folder, act, site, fence = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    print(f"{act} at {site} with fence {fence}", flush=True)
    trouble(folder, "before", act)
    transact(folder, act, site, int(fence))
    trouble(folder, "after", act)
    if act == "backup":
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        (folder / "manifest.new").write_text(json.dumps(
            {"id": f"backup-{fence}", "started_at": now, "completed_at": now}))
        os.replace(folder / "manifest.new", folder / "manifest.json")
    print("done", flush=True)


if __name__ == "__main__":
    main()
