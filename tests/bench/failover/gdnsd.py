# SPDX-License-Identifier: Apache-2.0
"""Debian's gdnsd beside the agents: it probes the same addresses, and answers for them.

Not as a service: in the foreground, with folders of its own. It takes whole seconds, 2
at least between probes, and a timeout below that: what the profile says is rounded to
what it can do. It is one observer and its own name server: no quorum, no zone.
"""
import re
import shutil
import socket
import subprocess
import threading
import time

from rig import DEAD, LAB, MEMBERS, OUT_S, lab_module, ms, wait_for
from lab import Answer, ask_udp, query_wire


class Gdnsd:
    def __init__(self, rig):
        self.rig, self.took, self.threads = rig, {}, {}
        folder = rig.folder / "gdnsd"
        (folder / "zones").mkdir(parents=True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((LAB, 0))
            self.server = s.getsockname()
        every_s = max(2, round(ms(rig.number["every"]) / 1000))
        timeout_s = max(1, min(every_s - 1, round(ms(rig.number["timeout"]) / 1000)))
        groups = "\n".join(
            f"s{i} => {{ " + ", ".join(f"{s} => {rig.address(i, s)}" for s in MEMBERS)
            + " }" for i in range(rig.faults))
        (folder / "config").write_text(f"""options => {{
  listen => {self.server[0]}:{self.server[1]}
  run_dir => {folder}/run, state_dir => {folder}/state
}}
service_types => {{ web => {{
  plugin => http_status, port => 8080, url_path => /
  up_thresh => 6, ok_thresh => 4, down_thresh => {rig.number["fall"]}
  interval => {every_s}, timeout => {timeout_s}
}} }}
plugins => {{ multifo => {{ service_types => web, up_thresh => 0.1
{groups}
}} }}
""")
        (folder / "zones/example.test").write_text(
            "@ 1 SOA ns hostmaster 1 7200 1800 259200 1\n@ NS ns\n"
            f"ns A {LAB}\n" + "".join(f"s{i} 1 DYNA multifo!s{i}\n"
                                      for i in range(rig.faults)))
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            ["gdnsd", "-c", str(folder), "start"], stdout=self.log, stderr=self.log,
            preexec_fn=lab_module._die_with_parent)
        try:
            wait_for(lambda: self.shows(0), 20)
        except AssertionError:
            self.log.seek(0)
            raise AssertionError("gdnsd does not answer: " + self.log.read()) from None

    def shows(self, number):
        """Does it answer with the dead site's address? None: it does not answer."""
        wire = ask_udp(self.server, query_wire(f"s{number}.example.test", "A"), 1)
        if wire is None:
            return None
        return self.rig.address(number, DEAD) in Answer(wire).texts

    def watch(self, numbers, began):
        for i in numbers:
            self.threads[i] = threading.Thread(target=self._watch, args=(i, began))
            self.threads[i].start()

    def _watch(self, number, began):
        while time.time() < began + OUT_S:
            if self.shows(number) is False:
                self.took[number] = time.time() - began
                return
            time.sleep(0.1)

    def wait(self, rounds):
        for r in rounds:
            self.threads[r.number].join()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def version():
    """None when it is not installed."""
    if shutil.which("gdnsd") is None:
        return None
    done = subprocess.run(["gdnsd", "-V"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    found = re.search(r"gdnsd version (\S+)", done.stdout)
    return found[1] if found else "?"
