# SPDX-License-Identifier: Apache-2.0
"""What the benches check: serve.c on one core, built where it is needed."""
import os
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))


def compile(folder, name, *libraries):
    out = os.path.join(folder, name)
    subprocess.run(["cc", "-O2", "-std=gnu11", "-D_GNU_SOURCE", "-include", "stdbool.h",
                    "-o", out, os.path.join(HERE, name + ".c"), *libraries], check=True)
    return out


def common(folder, seconds):
    import authority
    import prober
    ca = authority.Authority()
    c = dict(folder=folder, seconds=seconds, floor=compile(folder, "floor"), ca=ca.pem,
             authority=ca, counters=os.path.join(folder, "counters"),
             ports=dict(http=prober.free_port(), https=prober.free_port()))
    serve = compile(folder, "serve", "-lssl", "-lcrypto")
    server = subprocess.Popen(["taskset", "-c", "1", serve, str(c["ports"]["http"]),
                               str(c["ports"]["https"]), c["counters"], *ca.issue()])
    deadline = time.monotonic() + 10
    while not os.path.exists(c["counters"]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return c, server
