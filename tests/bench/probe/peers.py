# SPDX-License-Identifier: Apache-2.0
"""The health checkers that the bench compares: each is started on a core of its own,
measured from outside while it checks, and stopped."""
import glob
import os
import subprocess
import time

CHECKER_CORE, TARGET_CORE = "0", "1"


def address(i):
    return "127.64.%d.%d" % ((i + 1) >> 8, (i + 1) & 255)


def pinned(core, argv, **more):
    return subprocess.Popen(["taskset", "-c", core, *argv], **more)


def cpu_us(pid):
    """Processor time of all threads so far, to the nanosecond the kernel keeps."""
    spent = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path) as f:
            spent += int(f.read().split()[0])
    return spent / 1000


def memory_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


class Checker:
    """Subclasses set self.pid to the process that checks."""
    pid, process, program = None, None, None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def notes(self):
        return ""

    def completed(self, load):
        return load.completed()


class Floor(Checker):
    """Bare epoll; see floor.c."""
    name, kinds = "floor", ("http", "tcp")

    def __init__(self, load):
        self.process = pinned(CHECKER_CORE, [
            load.floor, load.kind, str(load.count), str(load.port), str(load.every),
            "3600"], stdout=subprocess.DEVNULL)
        self.pid = self.process.pid


class Pointsman(Checker):
    """One worker, its events counted by a program on the targets' core."""
    name, kinds = "pointsman", ("http", "tcp", "https")

    def __init__(self, load):
        import prober
        self.worker = prober.Prober(prefix=("taskset", "-c", TARGET_CORE))
        self.pid = self.worker.pid
        subprocess.run(["taskset", "-cp", CHECKER_CORE, str(self.pid)], check=True,
                       capture_output=True)
        more = dict(https=1, ca=load.ca) if load.kind == "https" else {}
        for i in range(load.count):
            self.worker.target(i, address(i), load.port, every=load.every,
                               kind="tcp" if load.kind == "tcp" else "http",
                               timeout=load.timeout, **more)
        self.worker.say("count")
        self.worker.say("go")
        self.mark = 0

    def notes(self):
        """What happened since the last call."""
        since, self.mark = self.mark, self.worker.mark()
        self.worker.say("counted")
        said = self.worker.wait("counted", since=since)[0]
        late_us = max([e["latency_us"] for e in self.worker.all("lag", since)], default=0)
        return "%s failed, late %.1f ms at most" % (
            int(said["fail"]) + int(said["unknown"]), late_us / 1000)

    def stop(self):
        self.worker.close()


class HAProxy(Checker):
    """Debian's, one thread, one server line an address. Its https checks resume."""
    name, kinds, tls, spread = "haproxy", ("http", "tcp", "https"), "", 0
    program = "/usr/sbin/haproxy"

    def __init__(self, load):
        check = {"http": "check", "tcp": "check", "https":
                 "check check-ssl verify required ca-file %s sni str(www.example.test) "
                 "check-sni www.example.test%s" % (load.ca, self.tls)}[load.kind]
        lines = [
            "global", " nbthread 1", " maxconn 100", " spread-checks %d" % self.spread,
            " stats socket %s/haproxy" % load.folder, # or it finds nothing to do
            "defaults", " mode %s" % ("tcp" if load.kind == "tcp" else "http"),
            " timeout connect %dms" % load.timeout, " timeout check %dms" % load.timeout,
            " timeout client 5s", " timeout server 5s", "backend all"]
        if load.kind != "tcp":
            lines += [" option httpchk", " http-check send meth GET uri / ver HTTP/1.1 "
                      "hdr Host www.example.test"]
        lines += [" server s%d %s:%d %s inter %d" % (i, address(i), load.port, check,
                                                    load.every) for i in range(load.count)]
        path = os.path.join(load.folder, "haproxy.cfg")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        log = open(os.path.join(load.folder, "haproxy.log"), "w")
        self.process = pinned(CHECKER_CORE, [self.program, "-db", "-f", path],
                              stdout=log, stderr=log)
        self.pid = self.process.pid

    def completed(self, load):
        """Its tcp check resets before the handshake is whole, so that no server ever
        sees it: what the machine opened is counted instead."""
        if load.kind != "tcp":
            return load.completed()
        with open("/proc/net/snmp") as f:
            names, values = [line.split() for line in f if line.startswith("Tcp:")]
        return int(values[names.index("ActiveOpens")])


class HAProxySpread(HAProxy):
    """With default settings it does 10,000 checks of every 2 s within 0.6 s: the faster,
    the cheaper. Here they are spread over time, as gdnsd's, the floor's and ours are."""
    name, kinds, spread = "haproxy, spread", ("http",), 50


class HAProxyFresh(HAProxy):
    """… and here they do not, as ours do not."""
    name, kinds, tls = "haproxy, fresh", ("https",), " no-ssl-reuse"


class Gdnsd(Checker):
    """Debian's. It checks whole seconds only, and no https; its DNS side has no work."""
    name, kinds = "gdnsd", ("http", "tcp")
    program = "/usr/sbin/gdnsd"
    GROUP = 64 # addresses of one multifo resource

    def __init__(self, load):
        folder = os.path.join(load.folder, "gdnsd")
        os.makedirs(folder + "/zones", exist_ok=True)
        plugin = {"http": "http_status, vhost = www.example.test, url_path = /",
                  "tcp": "tcp_connect"}[load.kind]
        groups = []
        for first in range(0, load.count, self.GROUP):
            members = ", ".join("m%d = %s" % (i, address(i)) for i in range(
                first, min(first + self.GROUP, load.count)))
            groups.append("g%d => { service_types => bench, %s }" % (first, members))
        with open(folder + "/config", "w") as f:
            f.write("options => { listen => 127.0.0.1, dns_port = %d, run_dir = %s/run, "
                    "state_dir = %s/state, tcp_threads = 1, udp_threads = 1 }\n"
                    "service_types => { bench => { plugin => %s, port = %d, "
                    "interval = %d, timeout = %d } }\nplugins => { multifo => { %s } }\n"
                    % (load.free_port, folder, folder, plugin, load.port,
                       load.every // 1000, max(1, load.every // 2000), ",\n".join(groups)))
        log = open(os.path.join(load.folder, "gdnsd.log"), "w")
        self.process = pinned(CHECKER_CORE, [self.program, "-c", folder, "start"],
                              stdout=log, stderr=log)
        self.pid = self.process.pid


ALL = (Floor, HAProxy, HAProxySpread, HAProxyFresh, Gdnsd, Pointsman)


def measure(checker, load):
    """One start: (µs a check, checks a second, kB, notes)."""
    c = checker(load)
    try:
        time.sleep(load.settle)
        c.notes()
        resumed = load.resumed()
        before, cpu, at = c.completed(load), cpu_us(c.pid), time.monotonic()
        time.sleep(load.seconds)
        checks = c.completed(load) - before
        cpu = cpu_us(c.pid) - cpu
        took = time.monotonic() - at
        if c.process is not None and c.process.poll() is not None:
            raise RuntimeError("%s ended by itself: see %s" % (c.name, load.folder))
        resumed = load.resumed() - resumed
        return dict(resumed=resumed / max(1, checks), us=cpu / max(1, checks), rate=checks / took, kb=memory_kb(c.pid),
                    busy=cpu / took / 1e4, notes=c.notes())
    finally:
        c.stop()
