# SPDX-License-Identifier: Apache-2.0
"""Two real PostgreSQL servers, each on a machine of its own, and a writer that tries both.

    with Postgres(folder) as pg:
        pg.begin()                          # fra is the primary, iad its standby
        writer = Writer(pg.sites).start()
        pg.step("fra", "close", 7)          # the programs of packaging/doc/steps
        pg.step("iad", "open", 8)
        writer.stop()
        assert writer.turns() == ["fra", "iad"]

The servers run with fsync, as an unprivileged user (`nobody` when the test is root), on
loopback addresses; machine.py stands for the machine and for the ssh that reaches it. All
that a test reads of the world it reads as a client does.
"""
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

import machine
from pgwire import Pg, READ_ONLY, SqlError
from world import SOURCE, address, free_port, wait_for

BIN = Path("/usr/lib/postgresql/15/bin")
STEPS = SOURCE / "packaging/doc/steps"
USER = "nobody"                             # when the test is root
HERE = Path(__file__).resolve().parent


def only_in_all():
    """Ends a test that tests/run --all alone runs. What it alone installs the servers for is
    no skip elsewhere: it is not asked."""
    if os.environ.get("POINTSMAN_ALL") != "1":
        print("real PostgreSQL servers are a matter for tests/run --all")
        sys.exit(0)
    if not (BIN / "postgres").exists():
        print(f"PostgreSQL 15 is not installed ({BIN})")
        sys.exit(77)


class Site:
    """A machine with a PostgreSQL server and, when asked, web servers."""

    def __init__(self, kit, name, web_port):
        self.kit, self.name = kit, name
        self.folder = kit.folder / name
        self.host = address()
        self.port = free_port(self.host)
        self.web_port = web_port
        self.socket = self.folder / "machine.sock"
        self.process = None
        for below in ("conf", "state", "run", "web"):
            (self.folder / below).mkdir(parents=True)

    def prepare(self):
        f = self.folder
        (f / "conf/postgresql.conf").write_text(f"""data_directory = '{f}/data'
hba_file = '{f}/conf/pg_hba.conf'
ident_file = '{f}/conf/pg_ident.conf'
listen_addresses = '{self.host}'
port = {self.port}
unix_socket_directories = '{f}/run'
fsync = on
shared_buffers = 16MB
max_wal_size = 128MB
wal_level = replica
wal_log_hints = on
wal_keep_size = 256MB
wal_retrieve_retry_interval = 200ms
log_line_prefix = '%m [%p] '
include = 'pointsman.conf'
""")
        (f / "conf/pointsman.conf").write_text("default_transaction_read_only = off\n")
        (f / "conf/pg_hba.conf").write_text(
            "local all all trust\nhost all all 127.0.0.0/8 trust\n"
            "host replication all 127.0.0.0/8 trust\n")
        (f / "conf/pg_ident.conf").write_text("")
        (f / "pg-site.conf").write_text(f"""site={self.name}
database=shop
bin={BIN}
conf={f}/conf
data={f}/data
state={f}/state
store={self.kit.store}
key={self.kit.folder}/backup.key
own_db="host={f}/run port={self.port} user=postgres connect_timeout=3"
""" + "".join(f'{s.name}_db="{s.conninfo()}"\n' for s in self.kit.sites.values()))
        (f / "web/shop.json").write_text(json.dumps({
            "address": self.host, "port": self.web_port, "attached": True,
            "database": [self.host, self.port],
            "lag": [str(self.kit.bin / "pg-lag"), "--either", str(self.kit.conf),
                    *self.kit.sites]}))

    def needs_address(self):
        """Its web servers are not well before `attach`."""
        path = self.folder / "web/shop.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "attached": False}))

    def conninfo(self):
        return f"host={self.host} port={self.port} user=postgres connect_timeout=2"

    # -- the machine

    def power_on(self):
        self.process = subprocess.Popen(
            [sys.executable, str(self.kit.bin / "machine.py"), "serve", str(self.socket),
             USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def power_cut(self):
        """The server, the web servers, and all else there: gone at once."""
        died = time.time()
        self.power_off()
        return died

    def services_die(self):
        """The server and the web servers are killed; the machine can still be told things."""
        died = time.time()
        machine.kill_below(self.process.pid)
        return died

    def power_off(self):
        """Without its standard input a machine kills all that runs on it, and ends."""
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(20)
            self.process.stdout.close()
            self.process = None

    def cut_off(self):
        """It runs, and nobody can tell it anything."""
        self.socket.rename(self.folder / "cut.sock")

    def reconnect(self):
        (self.folder / "cut.sock").rename(self.socket)

    def run(self, *argv, ok=True):
        status, printed = machine.call(self.socket, argv)
        assert not ok or status == 0, f"{self.name}: {argv}: exit {status}: {printed}\n" \
            + self.log()
        return printed if ok else (status, printed)

    def boot(self):
        """What the machine's own start does: its server comes up as it was left."""
        self.run(BIN / "pg_ctl", "-D", self.folder / "conf", "-w", "-t", "60", "-s", "-l",
                 self.folder / "state/server.log", "start")

    def shop(self, *words):
        return self.run(sys.executable, self.kit.bin / "shop.py", self.folder / "web",
                        *words)

    def state(self):
        return self.run(self.kit.bin / "pg-site", self.folder / "pg-site.conf", "state",
                        "-").strip()

    def log(self):
        return "".join(f"-- {p.name}\n{p.read_text(errors='replace')[-3000:]}"
                       for p in sorted((self.folder / "state").glob("*.log")))

    # -- the database, as a client sees it

    def connect(self, timeout=2):
        return Pg(self.host, self.port, "shop", timeout=timeout)

    def query(self, sql):
        with self.connect(10) as pg:
            return pg.query(sql)

    def rows(self):
        """Every order that is there, as (number, site)."""
        return {int(n): site for n, site in self.query("SELECT n, site FROM orders")}


class Postgres:
    def __init__(self, folder, names=("fra", "iad")):
        self.folder = Path(folder)
        self.folder.chmod(0o755)
        self.bin, self.store = self.folder / "bin", self.folder / "store"
        self.conf = self.folder / "sites.conf"
        self.bin.mkdir()
        self.store.mkdir()
        for path in (*STEPS.iterdir(), HERE / "machine.py", HERE / "shop.py",
                     HERE / "pgwire.py"):
            shutil.copy(path, self.bin)
        self.sites = {}
        web_port = free_port(address())
        for name in names:
            self.sites[name] = Site(self, name, web_port)

    def __enter__(self):
        key = self.folder / "backup.key"
        key.write_text(os.urandom(24).hex())
        key.chmod(0o600)
        for site in self.sites.values():
            site.prepare()
        self.conf.write_text(f"bin={BIN}\n" + "".join(
            f'{s.name}_run="{sys.executable} {self.bin}/machine.py run {s.socket}"\n'
            f'{s.name}_db="{s.conninfo()} dbname=postgres"\n' for s in self.sites.values()))
        if os.geteuid() == 0:
            for path in (key, self.store, *(s.folder for s in self.sites.values())):
                subprocess.run(["chown", "-R", USER, str(path)], check=True)
        for site in self.sites.values():
            site.power_on()
        return self

    def __exit__(self, *_):
        for site in self.sites.values():
            site.power_off()

    def step(self, site, act, fence, *more, ok=True):
        """As a step of a scenario would do it there."""
        s = self.sites[site]
        return s.run(self.bin / "pg-site", s.folder / "pg-site.conf", act, str(fence), *more,
                     ok=ok)

    def argv(self, at, act, *more):
        """The same as `exec:` of a configuration; at: "{from}" or "{to}"."""
        words = [self.bin / "at-site", self.conf, at, self.bin / "pg-site",
                 f"{self.folder}/{at}/pg-site.conf", act, "{fence}", *more]
        return json.dumps([str(word) for word in words])

    def shop_argv(self, at, *words):
        words = [self.bin / "at-site", self.conf, at, sys.executable, self.bin / "shop.py",
                 f"{self.folder}/{at}/web", *words]
        return json.dumps([str(word) for word in words])

    def begin(self, standby=True, web=("fra", "iad")):
        first, second = self.sites.values()
        for site in self.sites.values():
            if standby and site is second:
                continue
            site.run(BIN / "initdb", "-D", site.folder / "data", "-U", "postgres", "-A",
                     "trust", "--no-sync", "--data-checksums", "--no-locale", "-E", "UTF8")
        first.boot()
        with Pg(first.host, first.port) as pg:
            pg.query("CREATE DATABASE shop")
        first.query("CREATE TABLE orders (n bigint PRIMARY KEY, site text NOT NULL, "
                    "at timestamptz NOT NULL DEFAULT clock_timestamp())")
        if standby:
            self.step(second.name, "follow", 0, first.name)
        for name in web:
            self.sites[name].shop("copies", "1")

    def lag(self, of, to, *options):
        """What pg-lag prints: (status, text)."""
        done = subprocess.run([str(self.bin / "pg-lag"), *options, str(self.conf), of, to],
                              stdout=subprocess.PIPE, text=True)
        return done.returncode, done.stdout.strip()


Row = namedtuple("Row", "n site sent acked")


class Writer:
    """Inserts numbered rows at every site all the time, each number once, and keeps what
    each side acknowledged and when. It knows of no fail-over and of no primary."""

    def __init__(self, sites, every=0.03):
        self.sites, self.every = sites, every
        self.numbers, self.lock = itertools.count(1), threading.Lock()
        self.rows, self.refused, self.unknown = [], 0, set()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(s,), daemon=True)
                        for s in sites.values()]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def _run(self, site):
        connection = None
        while not self.stopped.wait(self.every):
            n = None
            try:
                connection = connection or site.connect()
                with self.lock:
                    n = next(self.numbers)
                sent = time.time()
                connection.query(f"INSERT INTO orders (n, site) VALUES ({n}, '{site.name}')")
                with self.lock:
                    self.rows.append(Row(n, site.name, sent, time.time()))
            except SqlError as e:
                assert e.code == READ_ONLY or e.code.startswith("57"), e
                self.refused += 1
            except OSError:
                if n is not None:
                    self.unknown.add(n)     # it may be there, nobody was promised so
                if connection is not None:
                    connection.close()
                connection = None
        if connection is not None:
            connection.close()

    def acked(self, site=None, since=0):
        with self.lock:
            return [r for r in self.rows if r.acked >= since and site in (None, r.site)]

    def wait(self, site, seconds=30, n=10):
        """Until so many further rows were acknowledged there."""
        since = time.time()
        wait_for(lambda: len(self.acked(site, since)) >= n, seconds,
                 f"{n} rows acknowledged at {site}")

    def turns(self):
        """The sites that accepted rows, in the order in which they did. With two open at
        once they take turns many times: rows come every few milliseconds."""
        return [site for site, _ in self.spans()]

    def spans(self):
        """[(site, [rows])] in the order of the acknowledgements."""
        rows = sorted(self.acked(), key=lambda r: r.acked)
        return [(site, list(group)) for site, group in
                itertools.groupby(rows, key=lambda r: r.site)]

    def lost(self, site):
        """Rows that were acknowledged, and are not there now."""
        acked = self.acked()                # first, so that all of them had their time
        there = site.rows()
        return [r for r in acked if r.n not in there]


def lost_seconds(lost, fault):
    """How old the oldest lost row was when the site failed; 0 when none is lost."""
    return max((fault - r.acked for r in lost), default=0.0)
