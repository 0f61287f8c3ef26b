"""owners_bpf — the loaded programs and processes that say what they do, for test_owners_bpf*.py."""
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402

DUMP = os.environ["OWNERS_BPF_DUMP"]
SO_COOKIE = 57
BPFTOOL = shutil.which("bpftool", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def cookie_of(sock):
    return struct.unpack("Q", sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def start_ticks(pid="self"):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rsplit(")", 1)[1].split()[19])


def own_name(name):
    with open("/proc/self/comm", "w") as f:
        f.write(name)


def in_child(work):
    """Runs work() in a process of its own; returns a function that waits for what it returned."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read_end)
            with os.fdopen(write_end, "w") as out:
                json.dump(work(), out)
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)

    def result():
        with os.fdopen(read_end) as come:
            text = come.read()
        _, status = os.waitpid(pid, 0)
        if status:
            raise RuntimeError(f"child {pid} gave {status}")
        return {"pid": pid, **json.loads(text)}

    result.pid = pid
    return result


class Dump:
    """owners_bpf_dump, loaded."""

    def __init__(self, *options, before=()):
        self.process = subprocess.Popen(
            [*before, DUMP, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.status = json.loads(self.process.stdout.readline() or "{}")

    def ask(self, line):
        """The facts, and the answer's last line as `done`."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        facts = []
        while True:
            fact = json.loads(self.process.stdout.readline())
            if "done" in fact:
                self.done = fact
                return facts
            facts.append(fact)

    def counts(self):
        return self.ask("counts")[0]

    def find(self, cookie):
        facts = self.ask(f"find {cookie}")
        return facts[0] if facts else None

    def ended(self, cookies, seconds=10):
        """Last words of these sockets, by cookie."""
        found, end = {}, time.monotonic() + seconds
        while set(cookies) - set(found) and time.monotonic() < end:
            for fact in self.ask("drain"):
                found[fact["cookie"]] = fact
            time.sleep(0.01)
        return found

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Owners(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = netns.Lab("bpf")
        cls.ns = cls.lab.namespace("a")

    @classmethod
    def tearDownClass(cls):
        cls.lab.close()

    def assert_process(self, told, truth):
        self.assertEqual((told["pid"], told["start_ticks"]), (truth["pid"], truth["start"]), told)


def truth():
    return {"pid": os.getpid(), "start": start_ticks()}


def listener(kind):
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sock.listen(200)
    return sock


def run():
    """All tests of the calling file, or "skipped" with the reason."""
    netns.require_root()
    with Dump() as dump:
        status = dump.status
    print(status)
    for part in ("walk", "table", "io"):
        if not status.get(part):
            reason = status.get("no_" + part) or "no answer"
            print(f"skipped: {reason}")
            sys.exit(1 if reason == "no answer" or "verifier" in reason else netns.SKIP)
    if not BPFTOOL:
        print("skipped: needs bpftool")
        sys.exit(netns.SKIP)
    unittest.main(verbosity=1)

