#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A site's web server for tests: it is well when its database answers.

    shop.py FOLDER copies N       so many run from now on (0: none); ends when they listen
    shop.py FOLDER attach         the site's address is its own from now on

FOLDER/shop.json: {"address", "port", "database": [host, port], "attached": bool, "lag":
[program and arguments]}. Copies share the port (SO_REUSEPORT).
/healthz  200 and "open", "closed" or "standby"; 503 when the database does not answer, or
          while no address is attached to the site
/lag      {"seconds": 0.0}, what the program printed; 503 while it is not known
"""
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from pgwire import Pg, SqlError

STATE = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' WHEN " \
    "current_setting('default_transaction_read_only') = 'on' THEN 'closed' ELSE 'open' END"


class Handler(http.server.BaseHTTPRequestHandler):
    folder, settings = None, None

    def do_GET(self):
        status, body = self.lag() if self.path == "/lag" else self.health()
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def health(self):
        if not self.settings["attached"] and not (self.folder / "attached").exists():
            return 503, "no address is attached here\n"
        try:
            with Pg(*self.settings["database"], database="shop", timeout=1) as pg:
                return 200, pg.value(STATE) + "\n"
        except (OSError, SqlError) as e:
            return 503, f"the database does not answer: {e}\n"

    def lag(self):
        done = subprocess.run(self.settings["lag"], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            return 503, done.stdout
        return 200, json.dumps({"seconds": float(done.stdout)}) + "\n"

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 64

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.socket.bind((Handler.settings["address"], Handler.settings["port"]))
        self.server_address = self.socket.getsockname()


def serve(folder):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    (folder / f"copy-{os.getpid()}").touch()
    Server(("", 0), Handler).serve_forever()


def alive(folder):
    found = []
    for note in folder.glob("copy-*"):
        pid = note.name.split("-")[1]
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            words = []
        if str(folder).encode() in words:
            found.append(int(pid))
        else:
            note.unlink(missing_ok=True)
    return found


def copies(folder, wanted):
    running = alive(folder)
    for pid in running[wanted:]:
        os.kill(pid, signal.SIGTERM)
    for _ in range(wanted - len(running)):
        with open(folder / "shop.log", "a") as log:
            subprocess.Popen([sys.executable, __file__, str(folder), "serve"],
                             stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                             start_new_session=True)
    deadline = time.monotonic() + 20
    place = (Handler.settings["address"], Handler.settings["port"])
    while len(alive(folder)) != wanted or (wanted and not listens(place)):
        if time.monotonic() > deadline:
            sys.exit(f"{len(alive(folder))} of {wanted} web servers run")
        time.sleep(0.05)
    print(f"{wanted} web servers run")


def listens(place):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(place) == 0


if __name__ == "__main__":
    Handler.folder = Path(sys.argv[1])
    Handler.settings = json.loads((Handler.folder / "shop.json").read_text())
    if sys.argv[2] == "serve":
        serve(Handler.folder)
    elif sys.argv[2] == "copies":
        copies(Handler.folder, int(sys.argv[3]))
    else:
        (Handler.folder / "attached").touch()
        print("the address is attached")
