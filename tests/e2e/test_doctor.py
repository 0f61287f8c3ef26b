#!/usr/bin/env python3
"""`konn doctor` with every capability alone, with none and as root: each line is what other tools
find with the same rights (doctor_probe.py), and the commands that it gives do what they promise."""
import csv
import io
import json
import os
import pty
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import fcntl
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from netns import wait_for  # noqa: E402

os.environ["PATH"] += ":/usr/sbin:/sbin"
HERE = os.path.dirname(os.path.abspath(__file__))
PROBE = [sys.executable, os.path.join(HERE, "doctor_probe.py")]
NEEDED_TOOLS = ["setpriv", "setcap", "ss", "conntrack", "bpftool", "nft", "ip", "unshare", "prlimit"]
NOBODY = 65534
LEVELS = {
    "none": [], "net_raw": ["net_raw"], "net_admin": ["net_admin"], "sys_ptrace": ["sys_ptrace"],
    "dac_read_search": ["dac_read_search"], "bpf": ["bpf", "perfmon"], "sys_admin": ["sys_admin"],
    "owners": ["sys_ptrace", "dac_read_search"], "tables": ["bpf", "perfmon", "net_admin"],
    "all": ["net_raw", "net_admin", "sys_ptrace", "dac_read_search", "bpf", "perfmon", "sys_admin"],
}
SETTINGS = "/proc/sys/net/netfilter/"


def with_rights(rights, argv):
    """argv as nobody with these capabilities; rights None: as we are."""
    if rights is None:
        return argv
    sets = ",".join(["-all", *("+" + r for r in rights)])
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            f"--inh-caps={sets}", f"--ambient-caps={sets}", *argv]


def run(argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, **more)


def btf_ids():
    """Numbers of the kernel's types that the probe's programs attach to."""
    dump = run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux"]).stdout
    return {name: int(number) for number, name in re.findall(
        r"^\[(\d+)\] (?:FUNC|TYPEDEF) '(bpf_iter_task_file|btf_trace_sock_send_length)'", dump,
        re.MULTILINE)}


class NameServer:
    """Answers every question on 127.0.0.1:53 with: no such name."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.answer, daemon=True)
        self.thread.start()
        return self

    def answer(self):
        while True:
            ask, who = self.socket.recvfrom(512)
            if ask == b"end":
                return
            self.socket.sendto(ask[:2] + b"\x81\x83" + ask[4:], who)

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"end", ("127.0.0.1", 53))
        self.thread.join()
        self.socket.close()


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="konn-doctor-")
        os.chmod(cls.folder, 0o755)
        cls.konn = shutil.copy(os.environ["KONN"], os.path.join(cls.folder, "konn"))
        os.chmod(cls.konn, 0o755)
        cls.ids = btf_ids()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def doctor(self, rights, *before, konn=None):
        """The lines by their names, and the exit code."""
        done = run([*before, *with_rights(rights, [konn or self.konn, "doctor", "-j"])])
        self.assertEqual(done.stderr, "")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            self.assertEqual(line["kind"], "doctor")
            self.assertIn(line["state"], ("works", "partly", "missing", "unknown", "info"))
            self.assertTrue(line["reason"])
        bad = [x["check"] for x in lines if x["needed"] and x["state"] in ("partly", "missing")]
        self.assertEqual(done.returncode, 1 if bad else 0, bad)
        return {line["check"]: line for line in lines}

    def compare(self, rights):
        truth = json.loads(run(with_rights(rights, [*PROBE, json.dumps(self.ids)])).stdout)
        told = self.doctor(rights)
        if "no bpf" in run([self.konn, "--version"]).stdout:
            for name in ("owners by BPF", "short-lived owners", "bytes by owner"):
                self.assertEqual(told[name]["state"], "missing")
                del truth[name]
        self.assertEqual({name: told[name]["state"] for name in truth}, truth,
                         {name: told[name] for name in truth if told[name]["state"] != truth[name]})
        for name, state in truth.items():
            if state == "works":
                self.assertNotIn("command", told[name], name)
        return told

    def test_root(self):
        self.compare(None)

    def test_capture_is_needed(self):
        self.assertEqual(self.doctor(LEVELS["all"])["capture"]["state"], "works")
        self.assertEqual(self.doctor(LEVELS["none"])["capture"]["state"], "missing")

    def test_counts(self):
        """Sockets and interfaces, as many as ss and ip list."""
        held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        held += [socket.create_server(("::1", 0), family=socket.AF_INET6) for _ in range(2)]
        for family, address, count in ((socket.AF_INET, "127.0.0.1", 5), (socket.AF_INET6, "::1", 4)):
            for _ in range(count):
                held.append(socket.socket(family, socket.SOCK_DGRAM))
                held[-1].bind((address, 0))
        told = self.doctor(LEVELS["none"])
        for name, options in (("TCP sockets, IPv4", "-Hant4"), ("TCP sockets, IPv6", "-Hant6"),
                              ("UDP sockets, IPv4", "-Hanu4"), ("UDP sockets, IPv6", "-Hanu6")):
            listed = len(run(["ss", options]).stdout.splitlines())
            self.assertGreater(listed, 1)
            self.assertEqual(told[name]["reason"].split()[0], str(listed), name)
        links = json.loads(run(["ip", "-j", "link"]).stdout)
        self.assertEqual(told["interfaces"]["reason"].split()[0], str(len(links)))
        for s in held:
            s.close()

    def test_setcap_lines(self):
        """Each setcap command, run one after the other, gives what its line lacked."""
        konn = shutil.copy(self.konn, os.path.join(self.folder, "konn with caps"))
        as_root = self.doctor(None)
        for _ in range(20):
            before = self.doctor([], konn=konn)
            name = next((n for n, x in before.items() if "setcap" in x.get("command", "")), None)
            if name is None:
                break
            done = run(["sh", "-c", before[name]["command"].replace("sudo ", "", 1)])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            after = self.doctor([], konn=konn)
            self.assertEqual(after[name]["state"], as_root[name]["state"], name)
            for other, line in before.items():
                if line["state"] == "works":
                    self.assertEqual(after[other]["state"], "works", f"{name} took {other}")
        else:
            self.fail("setcap commands without end")
        self.assertEqual({n: x["state"] for n, x in self.doctor([], konn=konn).items()},
                         {n: x["state"] for n, x in as_root.items()})

    def test_conntrack_commands(self):
        """Rules and settings: what is said is so, and its commands make it work."""
        names = {"tracking rules": None, "conntrack bytes": "nf_conntrack_acct",
                 "conntrack times": "nf_conntrack_timestamp", "conntrack ends": "nf_conntrack_events"}
        run(["nft", "flush", "ruleset"])
        for setting, value in zip(list(names.values())[1:], "002"):
            with open(SETTINGS + setting, "w", encoding="ascii") as f:
                f.write(value)
        told = self.doctor(LEVELS["none"])
        self.assertEqual([told[n]["state"] for n in names], ["missing"] * 3 + ["partly"])
        for name in names:
            done = run(["sh", "-c", told[name]["command"].replace("sudo ", "", 1)])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.doctor(LEVELS["none"])[name]["state"], "works", name)
        run(["nft", "flush", "ruleset"])
        run(["conntrack", "-F"])

    def test_names(self):
        self.assertEqual(self.doctor(LEVELS["none"])["names by DNS"]["state"], "missing")
        with NameServer():
            self.assertEqual(self.compare(LEVELS["none"])["names by DNS"]["state"], "works")

    def test_limits(self):
        told = self.doctor(LEVELS["none"], "prlimit", "--as=134217728")
        self.assertEqual(told["memory"]["state"], "missing")
        told = self.doctor(LEVELS["none"], "prlimit", "--nofile=64")
        self.assertEqual(told["descriptors"]["state"], "missing")

    def test_bounding_set(self):
        """A right that cannot be had is not promised by a command."""
        told = self.doctor(None, "setpriv", "--bounding-set=-net_raw", f"--reuid={NOBODY}",
                           f"--regid={NOBODY}", "--clear-groups")
        self.assertEqual(told["capture"]["state"], "missing")
        self.assertNotIn("command", told["capture"])
        self.assertIn("setcap", told["conntrack"]["command"])

    def test_setcap_would_not_help(self):
        """Where the file's rights do not count, no setcap is given."""
        as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        told = self.doctor(None, *as_user, "--no-new-privs")
        self.assertNotIn("command", told["capture"])
        self.assertIn("no_new_privs", told["capture"]["reason"])
        folder = os.path.join(self.folder, "nosuid")
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "nosuid", "tmpfs", folder], check=True)
        try:
            konn = shutil.copy(self.konn, folder)
            os.chmod(folder, 0o755)
            told = self.doctor(None, *as_user, konn=konn)
            self.assertEqual(told["capture"]["command"], f"sudo {konn}")
        finally:
            subprocess.run(["umount", folder], check=True)

    def test_user_namespace(self):
        """Root of a user namespace has every right, though few of them count."""
        told = self.doctor(None, "unshare", "--user", "--map-root-user", "--net")
        self.assertEqual([told[n]["state"] for n in ("capture", "conntrack", "owners by BPF")],
                         ["works", "works", "missing"])
        self.assertIn("user namespace", told["owners by BPF"]["reason"])
        self.assertNotIn("command", told["owners by BPF"])
        self.assertEqual(told["sandbox"]["state"], "partly")  # it has one user only
        self.assertEqual(told["TCP figures"]["state"], "unknown")  # loopback is down

    def owners_of_four(self, rights, proc):
        """The line of /proc in a pid namespace with four processes, one of them konn."""
        script = f"mount -t proc {proc} proc /proc; sleep 60 & sleep 60 & \"$@\"; kill %1 %2"
        done = run(["unshare", "--mount", "--pid", "--fork", "bash", "-c", script, "bash",
                    *with_rights(rights, [self.konn, "doctor", "-j"])])
        told = [json.loads(line) for line in done.stdout.splitlines()]
        return next(x for x in told if x["check"] == "owners by /proc")

    def test_owners_by_proc(self):
        line = self.owners_of_four([], "")
        self.assertIn("3 of 4 processes", line["reason"])
        self.assertIn("cap_dac_read_search,cap_sys_ptrace+ep", line["command"])
        for half in ("sys_ptrace", "dac_read_search"):
            line = self.owners_of_four([half], "")
            self.assertIn("3 of 4 processes", line["reason"])
            self.assertNotIn("CAP_" + half.upper(), line["reason"])
        for rights in (LEVELS["owners"], None):
            line = self.owners_of_four(rights, "")
            self.assertIn("all 4 processes of this pid namespace", line["reason"])
        line = self.owners_of_four([], "-o hidepid=2")
        self.assertIn("hidepid", line["reason"])
        self.assertIn("all 4 ", self.owners_of_four(LEVELS["owners"], "-o hidepid=2")["reason"])

    def test_nothing_stays(self):
        def state():
            settings = run(["sysctl", "net.netfilter"]).stdout
            return (re.sub(r"nf_conntrack_(count|buckets|max) = .*", "", settings),
                    run(["nft", "list", "ruleset"]).stdout, run(["ss", "-Hantu"]).stdout,
                    run(["ip", "link"]).stdout)

        def programs():
            listed = json.loads(run(["bpftool", "-j", "prog", "list"]).stdout)
            return {p["id"] for p in listed if p.get("name", "").startswith("konn_")}

        before, loaded = state(), programs()
        with subprocess.Popen([self.konn, "doctor"], stdout=subprocess.DEVNULL) as konn:
            konn.wait(60)
        self.assertEqual(state(), before)
        new = programs() - loaded
        wait_for(lambda: not new & programs(), "its programs to be unloaded", 30)

    def test_text(self):
        done = run(with_rights([], [self.konn, "doctor"]))
        self.assertEqual(done.returncode, 1)
        names = {x["check"] for x in self.doctor([]).values()}
        first = set()
        for line in done.stdout.splitlines():
            if line.startswith("    ") and not line.startswith(" " * 29):
                continue  # a command is whole
            self.assertLessEqual(len(line), 80)
            if not line.startswith(" "):
                first.add(line[:20].strip())
        self.assertEqual(first, names)

    def test_csv(self):
        done = run([self.konn, "doctor", "-o", "csv"])
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
        self.assertEqual({r["check"]: r["state"] for r in rows},
                         {n: x["state"] for n, x in self.doctor(None).items()})

    def test_nonsense(self):
        for words in (["all"], ["-r", "x.pcap"], ["-i", "lo"], ["--for", "1"], ["--bogus"],
                      ["-o", "xml"], ["dst", "port", "80"]):
            done = run([self.konn, "doctor", *words])
            self.assertEqual((done.returncode, done.stdout), (64, ""), words)
            self.assertEqual(done.stderr.count("\n"), 1, words)
        done = run(["sh", "-c", "exec \"$1\" doctor >/dev/full", "sh", self.konn])
        self.assertEqual(done.returncode, 74)

    def on_terminal(self, columns, lines, **environment):
        """States of the terminal's lines, told on one of this size."""
        pid, master = pty.fork()
        if pid == 0:
            signal.alarm(60)
            sys.stdin.readline()  # until the size is set
            os.execvpe(self.konn, [self.konn, "doctor", "-j"],
                       {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **environment})
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.write(master, b"\n")
        text = b""
        try:
            while part := os.read(master, 65536):
                text += part
        except OSError:  # the other end is closed
            pass
        os.waitpid(pid, 0)
        os.close(master)
        told = {x["check"]: x for x in map(json.loads, re.findall(r"^\{.*\}", text.decode(),
                                                                  re.MULTILINE))}
        return [told[n]["state"] for n in ("screen", "colours", "UTF-8")]

    def test_terminal(self):
        self.assertEqual(self.on_terminal(80, 24, LC_ALL="C.UTF-8"), ["works"] * 3)
        self.assertEqual(self.on_terminal(80, 24, LC_ALL="C", TERM="vt100"),
                         ["works", "missing", "missing"])
        self.assertEqual(self.on_terminal(30, 24, LC_ALL="C.UTF-8", NO_COLOR="1"),
                         ["partly", "missing", "works"])
        self.assertEqual(self.on_terminal(80, 24, LC_ALL="C.UTF-8", TERM="no-such-terminal"),
                         ["missing", "missing", "works"])
        done = run(["setsid", "--wait", self.konn, "doctor", "-j"])
        told = {x["check"]: x["state"] for x in map(json.loads, done.stdout.splitlines())}
        self.assertEqual(told["screen"], "missing")


def add_levels():
    def level(rights):
        def test(self):
            self.compare(rights)
        return test

    for name, rights in LEVELS.items():
        setattr(Doctor, f"test_with_{name}", level(rights))


def main():
    netns.require_root()
    lacking = [t for t in NEEDED_TOOLS if not shutil.which(t)]
    if lacking:
        print("skipped: needs", ", ".join(lacking))
        sys.exit(netns.SKIP)
    if "KONN_DOCTOR_INSIDE" not in os.environ:
        # Namespaces of its own: for packets, and for the file that names the name server.
        os.environ["KONN_DOCTOR_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    with tempfile.NamedTemporaryFile("w", prefix="konn-doctor-") as resolver:
        resolver.write("nameserver 127.0.0.1\n")
        resolver.flush()
        os.chmod(resolver.name, 0o644)
        subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        add_levels()
        unittest.main(verbosity=2)


main()
