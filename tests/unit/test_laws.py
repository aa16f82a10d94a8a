#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The laws of the house, each a function from a source tree to its violations, and for
each a planted violation that it must find: a law that cannot fail protects nothing.

floors    includes obey core -> probe -> zone -> config -> agent; the lab shares nothing
purity    the core, joined into one object, needs nothing but mem*, str*, snprintf and
          assert, keeps no writable data, and compiles without generated headers
adapters  each foreign library's headers appear in the files that own it
shape     no C file above 600 lines; each opens with its licence; no promises left
names     what we define starts with none of the libraries' prefixes
format    clang-format 14 agrees, where it is installed
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(os.environ.get("SOURCE_DIR") or Path(__file__).resolve().parents[2])
FLOORS = ["steering/core", "probe", "steering/zone", "config", "steering/agent"]
PRODUCT = ["steering", "probe", "config"]
OURS = PRODUCT + ["tests", "packaging"]
LINES_MAX, SCREEN_LINES = 600, 60

# One foreign library, one adapter: header, owners (a folder owns what is below it).
ADAPTERS = {
    "curl": (r"curl/", ["probe/http_curl.c", "probe/http_request.c",
                       "steering/zone/http.c"]),
    "c-ares": (r"ares", ["probe/resolve.c", "steering/zone/dns_ask.c"]),
    # Each its own: signatures; whom probes trust; who peers are (files, handshakes).
    "OpenSSL": (r"openssl/", ["steering/zone/sign.c", "probe/tls.c",
                              "steering/agent/peer_pem.c", "steering/agent/peer_tls.c"]),
    "libseccomp": (r"seccomp", ["probe/sandbox_filter.c"]),
    "SQLite": (r"sqlite3", ["steering/agent/store.c", "steering/agent/store_read.c"]),
    "libyaml": (r"yaml\.h", ["config/yaml.c"]),
    "jansson": (r"jansson", ["steering/zone/json.c"]),
    "expat": (r"expat", ["steering/zone/xml.c"]),
    # The loop is everywhere that waits: never in the core, never in the configuration.
    "libevent": (r"event2?/|event\.h|ev\w+\.h", ["probe", "steering/zone", "steering/agent"]),
}
FORKS = ["probe/job.c", "probe/runner.c"]
C_LIBRARY = re.compile(
    r"(assert|ctype|dirent|endian|errno|fcntl|fnmatch|getopt|glob|grp|ifaddrs|inttypes|"
    r"limits|libgen|locale|malloc|math|netdb|poll|pthread|pwd|regex|sched|semaphore|"
    r"signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|"
    r"stdnoreturn|string|strings|syslog|termios|threads|time|unistd|wchar)\.h$"
    r"|(sys|net|netinet|arpa|linux|asm)/")
CORE_LIBRARY = re.compile(
    r"(assert|inttypes|limits|stdalign|stdarg|stdbool|stddef|stdint|stdio|string)\.h$")

# What the joined core may ask of the world. Of str*, not what allocates, what depends
# on the locale, or what reads an error or a clock.
SYMBOL = re.compile(
    r"(__isoc(99|23)_)?(mem|str)[a-z]+$|__(mem|str|stp)[a-z]+_chk$"
    r"|v?snprintf$|__v?snprintf_chk$|__assert_fail$|__stack_chk_fail$"
    r"|_GLOBAL_OFFSET_TABLE_$")
SYMBOL_BARRED = re.compile(
    r"(__)?str(n?dup|error|signal|coll|xfrm|ftime|ptime|fmon|casecoll)")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
PROMISE = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|not imple" r"mented|st" r"ubs?)\b")
SPDX = "SPDX-License-Identifier: Apache-2.0"


class Tree:
    """The C files (and texts) of a source tree, read once."""

    def __init__(self, root):
        self.root = Path(root)
        self.text = {}
        for top in OURS:
            for path in sorted((self.root / top).rglob("*")):
                if path.is_file() and path.suffix in (".c", ".h", ".py", ".md", ".txt", ""):
                    name = path.relative_to(self.root).as_posix()
                    self.text[name] = path.read_text(errors="replace")
        for name in ("README.md", "CONTRIBUTING.md", "CMakeLists.txt"):
            if (self.root / name).exists():
                self.text[name] = (self.root / name).read_text()

    def c_files(self, *folders):
        return [f for f in self.text
                if f.endswith((".c", ".h")) and (not folders or f.split("/")[0] in folders)]

    def includes(self, name):
        """Yields (line, bracket, header)."""
        for found in INCLUDE.finditer(self.text[name]):
            line = self.text[name].count("\n", 0, found.start()) + 1
            yield line, found[1], found[2]


def floor_of(name):
    """0 for the ground; None for what is no floor. Floors have no folders of their own."""
    folder = name.rpartition("/")[0]
    return FLOORS.index(folder) if folder in FLOORS else None


def law_floors(tree):
    for name in tree.c_files():
        here = floor_of(name)
        if name.split("/")[0] in PRODUCT and here is None:
            yield f"{name}: stands on no floor ({', '.join(FLOORS)})"
        for line, bracket, header in tree.includes(name):
            if bracket == "<":
                continue
            there = floor_of(header)
            if name.startswith("tests/lab/"):
                if not header.startswith("tests/lab/"):
                    yield f"{name}:{line}: the lab shares nothing, but includes {header}"
            elif here is not None and (there is None or there > here):
                yield f"{name}:{line}: {header} is not on this floor or a lower one"


def law_adapters(tree):
    for name in tree.c_files(*PRODUCT):
        for line, bracket, header in tree.includes(name):
            if bracket == '"':
                continue
            if name.startswith("steering/core/"):
                if not CORE_LIBRARY.match(header):
                    yield f"{name}:{line}: the core may not include <{header}>"
                continue
            if C_LIBRARY.match(header):
                continue
            owner = [lib for lib, (shape, _) in ADAPTERS.items() if re.match(shape, header)]
            if not owner:
                yield f"{name}:{line}: <{header}> has no adapter in {Path(__file__).name}"
            elif not any(name == f or name.startswith(f + "/")
                         for f in ADAPTERS[owner[0]][1]):
                yield (f"{name}:{line}: {owner[0]} belongs to "
                       f"{', '.join(ADAPTERS[owner[0]][1])}")


def law_processes(tree):
    """Who may fork: the runner and the minders that it forks, an image of its own where
    nothing is that a copy would share: no loop, no library, no credential. Everybody else
    starts processes by posix_spawn(), because the agent has threads and secrets."""
    for name in tree.c_files(*PRODUCT):
        forks = re.search(r"\bv?fork\(", tree.text[name])
        if forks and name not in FORKS:
            line = tree.text[name].count("\n", 0, forks.start()) + 1
            yield f"{name}:{line}: only {', '.join(FORKS)} fork"
        for line, bracket, header in tree.includes(name) if name in FORKS else ():
            if bracket == "<" and not C_LIBRARY.match(header):
                yield f"{name}:{line}: what forks uses no library, but includes <{header}>"


def law_purity(tree):
    sources = sorted((tree.root / "steering/core").glob("*.c"))
    if not sources:
        return
    with tempfile.TemporaryDirectory() as out:
        # No generated header, no definition; not position independent, so that tables
        # of pointers count as the constants that they are.
        objects, jobs = [], []
        for source in sources:
            objects.append(f"{out}/{source.stem}.o")
            command = ["gcc", "-std=c11", "-O1", "-fno-pic", "-fno-pie", "-fno-common",
                       "-fstack-protector-strong", "-I.", "-c", source, "-o", objects[-1]]
            jobs.append(subprocess.Popen(command, cwd=tree.root, text=True,
                                         stderr=subprocess.PIPE))
        for source, job in zip(sources, jobs):
            error = job.communicate()[1]
            if job.returncode:
                yield f"{source.name} needs more than -I. to compile: {error.strip()[:400]}"
                return
        joined = f"{out}/core.o"
        subprocess.run(["ld", "-r", "-o", joined, *objects], check=True)
        listing = subprocess.run(["nm", joined], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
    for line in listing.splitlines():
        kind, symbol = line.split()[-2:]
        if kind in "Uw" and (not SYMBOL.match(symbol) or SYMBOL_BARRED.match(symbol)):
            yield f"the core calls {symbol}"
        elif kind in "bBdDC":
            yield f"the core keeps writable data: {symbol}"


def law_shape(tree):
    for name, text in tree.text.items():
        if name.endswith((".c", ".h")):
            lines = text.count("\n")
            if lines > LINES_MAX:
                yield f"{name}: {lines} lines, above {LINES_MAX}: more than one idea?"
            if SPDX not in text.partition("\n")[0]:
                yield f"{name}:1: no SPDX line"
        elif name.endswith(".py") and SPDX not in "".join(text.splitlines(True)[:3]):
            yield f"{name}:1: no SPDX line"
        for found in PROMISE.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{name}:{line}: \"{found[0]}\" is a promise; an issue keeps it better"


def law_names(tree):
    """Names with linkage; a static one collides with nobody."""
    taken = re.compile(r"(event_|clock_|str|mem)")
    heads = re.compile(r"^(?:[A-Za-z_][\w \t*]*[ \t*]|)([A-Za-z_]\w*)\(", re.M)
    for name in tree.c_files():
        text = tree.text[name]
        for found in heads.finditer(text):
            before = text[:found.start()].rpartition("\n\n")[2]
            static = re.search(r"\b(static|return|define)\b",
                               before.rpartition("}")[2].rpartition(";")[2] + found[0])
            if taken.match(found[1]) and not static:
                line = text.count("\n", 0, found.start()) + 1
                yield f"{name}:{line}: {found[1]} begins as a library's name does"


def law_format(tree):
    tool = shutil.which("clang-format-14")
    files = tree.c_files()
    if tool and files:
        run = subprocess.run([tool, "--dry-run", "--Werror", *files], cwd=tree.root,
                             text=True, stderr=subprocess.PIPE)
        places = re.findall(r"^(\S+):(\d+):\d+: error", run.stderr, re.M)
        for name in sorted({name for name, _ in places}):
            lines = sorted({int(line) for at, line in places if at == name})
            yield f"{name}:{lines[0]}: {len(lines)} lines for clang-format-14 -i {name}"


def long_functions(tree):
    """Not a law: functions that no longer fit a screen."""
    for name in tree.c_files(*PRODUCT, "tests"):
        begin = None
        for number, line in enumerate(tree.text[name].splitlines(), 1):
            if line == "{":
                begin = number
            elif line == "}" and begin:
                if number - begin > SCREEN_LINES:
                    yield f"{name}:{begin}: a function of {number - begin} lines"
                begin = None


class Laws(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = Tree(ROOT)

    def hold(self, law):
        broken = list(law(self.tree))
        self.assertEqual([], broken, f"\n{law.__name__}:\n  " + "\n  ".join(broken[:40]))

    def test_floors(self):
        self.hold(law_floors)

    def test_purity(self):
        self.hold(law_purity)

    def test_adapters(self):
        self.hold(law_adapters)

    def test_processes(self):
        self.hold(law_processes)

    def test_shape(self):
        self.hold(law_shape)
        for line in long_functions(self.tree):
            print(f"warning: {line}")

    def test_names(self):
        self.hold(law_names)

    def test_format(self):
        if not shutil.which("clang-format-14"):
            print("clang-format-14 is not installed: tests/run --all checks the format")
        self.hold(law_format)


HEAD = f"/* {SPDX} */\n"


class LawsCanFail(unittest.TestCase):
    """Each planted file breaks one law once; its innocent twin breaks none."""

    def find(self, law, files):
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = Path(root, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return list(law(Tree(root)))

    def breaks(self, law, name, text, word):
        found = self.find(law, {name: text})
        self.assertEqual(1, len(found), found)
        self.assertIn(word, found[0])

    def keeps(self, law, name, text):
        self.assertEqual([], self.find(law, {name: text}))

    def test_floors(self):
        for name, header in [("steering/core/a.c", "probe/a.h"),
                             ("steering/core/a.c", "a.h"),
                             ("probe/a.c", "steering/zone/a.h"),
                             ("steering/zone/a.c", "config/a.h"),
                             ("config/a.h", "steering/agent/a.h"),
                             ("steering/agent/a.c", "tests/lab/a.h"),
                             ("tests/lab/a.c", "steering/core/a.h")]:
            self.breaks(law_floors, name, f'#include "{header}"\n', header)
        self.breaks(law_floors, "steering/util/a.c", "", "no floor")
        self.keeps(law_floors, "steering/agent/a.c", '#include "steering/core/a.h"\n')
        self.keeps(law_floors, "probe/a.c", '#include "probe/a.h"\n')
        self.keeps(law_floors, "tests/lab/a.c", '#include "tests/lab/a.h"\n')

    def test_purity(self):
        for body, word in [
                ("#include <time.h>\nlong f(void) { return (long)time(0); }\n", "time"),
                ("#include <stdlib.h>\nvoid *f(void) { return malloc(9); }\n", "malloc"),
                ("#include <stdio.h>\nvoid f(void) { puts(\"x\"); }\n", "puts"),
                ("char *strdup(const char *);\n"
                 "char *f(const char *s) { return strdup(s); }\n", "strdup"),
                ("int f(void) { static int n; return ++n; }\n", "writable"),
                ("int kept = 7;\n", "kept"),
                ("#include \"config.h\"\n", "more than -I.")]:
            self.breaks(law_purity, "steering/core/a.c", body, word)
        self.keeps(law_purity, "steering/core/a.c",
                   "#include <assert.h>\n#include <stdio.h>\n#include <string.h>\n"
                   "static const char *const word[] = {\"a\", \"b\"};\n"
                   "int f(char *s, const char *t, int i) { assert(i < 2); memmove(s, t, 9);"
                   " return snprintf(s, 9, \"%s%d\", word[i], i) + (int)strlen(t); }\n")

    def test_adapters(self):
        for name, header, word in [("probe/prober.c", "curl/curl.h", "curl"),
                                   ("steering/zone/xml.c", "ares.h", "c-ares"),
                                   ("steering/agent/run.c", "openssl/evp.h", "OpenSSL"),
                                   ("steering/agent/run.c", "sqlite3.h", "SQLite"),
                                   ("config/model.c", "yaml.h", "libyaml"),
                                   ("steering/agent/run.c", "jansson.h", "jansson"),
                                   ("steering/zone/route53.c", "expat.h", "expat"),
                                   ("config/model.c", "event2/event.h", "libevent"),
                                   ("steering/agent/run.c", "systemd/sd-daemon.h", "no adapter"),
                                   ("steering/core/a.c", "time.h", "core")]:
            self.breaks(law_adapters, name, f"#include <{header}>\n", word)
        self.keeps(law_adapters, "probe/http_curl.c",
                   "#include <curl/curl.h>\n#include <sys/socket.h>\n")

    def test_processes(self):
        self.breaks(law_processes, "steering/agent/a.c", "\tpid = fork();\n", "fork")
        self.breaks(law_processes, "probe/a.c", "\tif (vfork() == 0)\n", "fork")
        self.breaks(law_processes, "probe/job.c", "#include <event2/event.h>\n", "library")
        self.keeps(law_processes, "probe/job.c", "#include <poll.h>\n\tp = fork();\n")
        self.keeps(law_processes, "probe/a.c", "/* forks nothing */ pitchfork(x);\n")

    def test_shape(self):
        self.breaks(law_shape, "probe/a.c", HEAD + "\n" * LINES_MAX, "601 lines")
        self.breaks(law_shape, "probe/a.h", "int a;\n", "SPDX")
        self.breaks(law_shape, "tests/e2e/test_a.py", "import os\n", "SPDX")
        self.breaks(law_shape, "probe/a.c", HEAD + "/* TO" "DO: later */\n", "promise")
        self.keeps(law_shape, "probe/a.c", HEAD + "/* stubborn todos */\n" * 599)

    def test_names(self):
        for text in ("int\nstrange(int a)\n{\n}\n", "bool memorable(void);\n",
                     "struct x *\nclock_now(void)\n{\n}\n", "void event_go(int a);\n"):
            self.breaks(law_names, "probe/a.h", text, "library")
        self.keeps(law_names, "probe/a.c",
                   "static int\nmember_of(int a)\n{\n\treturn memcmp(0, 0, 0);\n}\n")

    def test_format(self):
        if shutil.which("clang-format-14"):
            style = (ROOT / ".clang-format").read_text()
            found = self.find(law_format, {".clang-format": style,
                                           "probe/a.c": HEAD + "int   a;\n"})
            self.assertTrue(found and "probe/a.c:2" in found[0], found)

    def test_long_functions(self):
        body = "void\nf(void)\n{\n" + "\tg();\n" * SCREEN_LINES + "}\n"
        self.assertEqual(1, len(self.find(long_functions, {"probe/a.c": body})))


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    unittest.main(verbosity=2)
