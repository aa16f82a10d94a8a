#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# ctest: parallel
# ctest: timeout=900
"""The Debian packages: built, judged by lintian, installed, run against the lab, upgraded,
removed and purged. The unit's hardening always; the rest in tests/run --all.

Nothing is installed on this machine: dpkg works in a namespace of mounts, processes and
network, on a copy-on-write view of the root file system that goes away with it."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

SOURCE = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
UNIT = SOURCE / "packaging/pointsman.service"
TOOLS = ["dpkg-buildpackage", "dh", "lintian"]

# In the view: $DEBS holds both packages, and pointsman once more as a later version.
LIFE = r"""
set -euo pipefail
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
say() { printf '== %s\n' "$*"; }
as_unit() { setpriv --reuid pointsman --regid pointsman --clear-groups --no-new-privs \
	--inh-caps=-all --bounding-set=-all "$@"; }
wait_for() { for i in $(seq 300); do if "$@" >/dev/null 2>&1; then return; fi; sleep 0.1; done
	say "never came true: $*"; cat /tmp/agent.log; exit 1; }
mount -t proc proc /proc
ip link set lo up

say install
dpkg -i "$DEBS"/first/*.deb
getent passwd pointsman
test "$(stat -c '%U:%G %a' /etc/pointsman)" = 'root:pointsman 750'
say 'nothing is enabled'
test -z "$(find /etc/systemd/system -name 'pointsman*' -print)"
test -f /lib/systemd/system/pointsman.service
test -x /usr/bin/pointsman-ca
say 'the example does nothing until it is edited'
status=0; pointsman validate -c /etc/pointsman/pointsman.yaml || status=$?
test $status -eq 1
man -w pointsman pointsman-lab >/dev/null 2>&1 || test -f /usr/share/man/man1/pointsman.1.gz
for f in README.md REFERENCE.md first-site.md three-sites.md terraform.md \
	recovery-scenarios.md examples/recovery.conf examples/three-sites.yaml \
	examples/steps/pg-site; do
	test -s /usr/share/doc/pointsman/$f || test -s /usr/share/doc/pointsman/$f.gz ||
		{ say "no $f"; exit 1; }
done

say 'run against the lab, as the unit would'
pointsman-lab --zone example.com=Z0123456789ABC >/tmp/lab.log 2>&1 & lab=$!
mkdir -p /tmp/www; echo ok >/tmp/www/healthz
python3 -m http.server --bind 127.0.1.1 --directory /tmp/www 8080 2>/dev/null & fra=$!
python3 -m http.server --bind 127.0.2.1 --directory /tmp/www 8080 2>/dev/null & iad=$!
cat >/etc/pointsman/pointsman.yaml <<'END'
cluster: shop
sites: [fra, iad]
agents: {fra: {site: fra}}
quorum: solo
state: /var/lib/pointsman
control: /run/pointsman/control
checks: {web: {http: {path: /healthz, port: 8080}}}
zones:
  public:
    name: example.com
    route53: {zone_id: Z0123456789ABC, endpoint: "http://127.0.0.1:8053"}
    nameservers: ["127.0.0.1:8054"]
services:
  www:
    zone: public
    names: [www.example.com]
    check: web
    members:
      fra: {answers: {A: [127.0.1.1]}}
      iad: {answers: {A: [127.0.2.1]}}
END
pointsman validate -c /etc/pointsman/pointsman.yaml
install -d -o pointsman -g pointsman -m 700 /var/lib/pointsman
install -d -o pointsman -g pointsman -m 755 /run/pointsman
(umask 077; printf 'AGENT=fra\nAWS_ACCESS_KEY_ID=AKIDLAB\nAWS_SECRET_ACCESS_KEY=lab-secret\n' \
	>/etc/pointsman/agent.env)
env $(cat /etc/pointsman/agent.env) setpriv --reuid pointsman --regid pointsman \
	--clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all \
	pointsman run -c /etc/pointsman/pointsman.yaml --agent fra >/tmp/agent.log 2>&1 & agent=$!
wait_for grep 'fact=answered service=www' /tmp/agent.log
pointsman status -c /etc/pointsman/pointsman.yaml
say 'no process of it is root, and its own user cannot read its keys'
ps -eo user:32=,args= | grep -E 'pointsman (run|prober) ' | grep -v grep >/tmp/ours
cat /tmp/ours
test "$(cut -d ' ' -f 1 /tmp/ours | sort -u)" = pointsman
test "$(wc -l </tmp/ours)" -ge 2
if as_unit cat /proc/$agent/environ >/dev/null 2>&1; then say 'the keys can be read'; exit 1; fi
if as_unit cat /etc/pointsman/agent.env >/dev/null 2>&1; then say 'agent.env can be read'; exit 1; fi
kill $fra
wait_for grep 'fact=committed service=www member=fra' /tmp/agent.log
kill $agent; wait $agent
kill $iad $lab

say upgrade
cp /etc/pointsman/pointsman.yaml /tmp/mine.yaml
dpkg -i "$DEBS"/second/*.deb </dev/null
cmp /tmp/mine.yaml /etc/pointsman/pointsman.yaml
test "$(dpkg-query -W -f '${Version}' pointsman)" = 99.0
test -z "$(find /etc/systemd/system -name 'pointsman*' -print)"

say remove
dpkg -r pointsman pointsman-lab
test ! -e /usr/bin/pointsman
test ! -e /usr/bin/pointsman-lab
test -e /etc/pointsman/pointsman.yaml
test -d /var/lib/pointsman
say purge
dpkg -P pointsman
test ! -e /etc/pointsman
test ! -e /var/lib/pointsman
say done
"""

VIEW = r"""
set -euo pipefail
mount --make-rprivate /
mount -t tmpfs tmpfs "$VIEW"
mkdir "$VIEW/upper" "$VIEW/work" "$VIEW/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$VIEW/upper,workdir=$VIEW/work" "$VIEW/root"
mount --bind /dev "$VIEW/root/dev"
mount -t tmpfs tmpfs "$VIEW/root/run"
mount -t tmpfs tmpfs "$VIEW/root/tmp"
mkdir "$VIEW/root/tmp/debs"
mount --bind "$DEBS" "$VIEW/root/tmp/debs"
[ $# -gt 0 ] || exit 0
exec env DEBS=/tmp/debs chroot "$VIEW/root" bash -c "$1"
"""
NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--ipc"]


def in_view(debs, *script):
    """(status, output) of a script that sees this machine and can change none of it."""
    with tempfile.TemporaryDirectory(prefix="pointsman-view-") as view:
        done = subprocess.run([*NAMESPACES, "bash", "-c", VIEW, "view", *script],
                              env={"VIEW": view, "DEBS": str(debs), "PATH": os.environ["PATH"]},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300)
    return done.returncode, done.stdout


ALL = os.environ.get("POINTSMAN_ALL") == "1"


class Unit(unittest.TestCase):
    def test_exposure(self):
        # What systemd's own judge makes of the unit, without a running systemd.
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", UNIT],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        self.assertIsNotNone(level, done.stdout)
        self.assertLessEqual(float(level[1]), 2.0, done.stdout)


class Package(unittest.TestCase):
    def test_life_of_the_packages(self):
        missing = [tool for tool in TOOLS if not shutil.which(tool)]
        if missing or not (SOURCE / ".git").exists():
            print(f"SKIP: packages: needs git's tree and {' '.join(missing) or 'git'}")
            return
        with tempfile.TemporaryDirectory(prefix="pointsman-debs-") as folder:
            debs = Path(folder)
            done = subprocess.run([SOURCE / "packaging/deb-build", debs / "first"],
                                  text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            self.assertEqual(0, done.returncode, done.stdout)
            self.assertIn("lintian has nothing to say", done.stdout)
            for extra in [*(debs / "first").glob("*-dbgsym_*"),
                          *(debs / "first").glob("*.log")]:
                extra.unlink()
            self.later(debs)
            debs.chmod(0o755)
            if os.geteuid() != 0 or in_view(debs)[0] != 0:
                print("SKIP: packages: an overlay of / needs root and CAP_SYS_ADMIN")
                return
            before = Path("/etc/passwd").read_text()
            status, said = in_view(debs, LIFE)
            print(said)
            self.assertEqual(0, status, said)
            self.assertTrue(said.rstrip().endswith("== done"))
            self.assertEqual(before, Path("/etc/passwd").read_text())

    def later(self, debs):
        """The same packages as version 99.0: an upgrade."""
        (debs / "second").mkdir()
        for deb in (debs / "first").glob("*.deb"):
            tree = debs / deb.stem
            subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
            control = tree / "DEBIAN/control"
            control.write_text(re.sub(r"^Version: .*$", "Version: 99.0",
                                      control.read_text(), flags=re.M))
            subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree,
                            debs / "second" / deb.name], check=True,
                           stdout=subprocess.DEVNULL)
            shutil.rmtree(tree)


# What tests/run --all alone installs the tools for is no skip elsewhere: it is not asked.
if not ALL:
    print("the life of the packages is a matter for tests/run --all")
    del Package
    if not shutil.which("systemd-analyze"):
        del Unit

if __name__ == "__main__":
    unittest.main(verbosity=2)
