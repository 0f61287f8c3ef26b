"""netns — network namespaces, veth pairs and programs in them, for the tests of this folder.

with Lab("name") as lab:
    a, b = lab.namespace("a"), lab.namespace("b")
    lab.veth(a, "eth0", "10.0.0.1/24", b, "eth0", "10.0.0.2/24")
    server = b.start(["python3", "-m", "http.server"])
    a.run(["curl", "http://10.0.0.2:8000/"])

Everything a lab makes carries its name and process id, and is removed at the end, whether
the test passed or not: programs first, then namespaces (their veths go with them). What an
earlier, killed run left behind is removed by the next one. Needs root.
"""
import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    # What nohup or a shell's & ignores would be inherited by the programs under test.
    signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL)

SKIP = 77  # meson takes this exit code for "skipped"
RUN_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000
_PREFIX = "konn-test"
_libc = ctypes.CDLL(None, use_errno=True)


def require_root():
    """Ends the test as skipped where it cannot make namespaces."""
    probe = subprocess.run(["unshare", "--net", "true"], capture_output=True)
    if os.geteuid() != 0 or probe.returncode != 0:
        print("skipped: needs root and network namespaces")
        sys.exit(SKIP)


def wait_for(condition, what, seconds=10.0, step=0.01):
    """Waits until condition() is true and returns its value; fails loudly when it never is."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for {what}")
        time.sleep(step)


class Program:
    """A program that was started; its output is collected while it runs."""

    def __init__(self, process, argv):
        self.process, self.argv = process, argv
        self.out, self.err = [], []
        self._threads = [
            threading.Thread(target=self._collect, args=(stream, into), daemon=True)
            for stream, into in ((process.stdout, self.out), (process.stderr, self.err))
            if stream
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _collect(stream, into):
        for line in stream:
            into.append(line)

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def stdout(self):
        return "".join(self.out)

    def stderr(self):
        return "".join(self.err)

    def send(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def wait_line(self, pattern, seconds=10.0):
        """Waits for a line on stdout or stderr and returns the match."""

        def found():
            for line in self.out + self.err:
                match = re.search(pattern, line)
                if match:
                    return match
            if not self.running() and not any(t.is_alive() for t in self._threads):
                raise RuntimeError(f"{self.argv[0]} ended: {self.stderr()}")
            return None

        return wait_for(found, f"{pattern!r} from {self.argv[0]}", seconds)

    def wait(self, seconds=30.0):
        """Waits for the end and for all its output. Returns the exit code."""
        code = self.process.wait(timeout=seconds)
        self._close()
        return code

    def _close(self):
        for thread in self._threads:
            thread.join(timeout=5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with suppress(OSError):  # what was still to be written has no reader
                    stream.close()

    def stop(self, signal_number=signal.SIGTERM, seconds=10.0):
        """Sends a signal and waits. Returns the exit code."""
        if self.running():
            self.process.send_signal(signal_number)
        return self.wait(seconds)

    def kill(self):
        if self.running():
            self.process.kill()
        self.process.wait()
        self._close()


class Namespace:
    """A network namespace with lo up."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.path = f"{RUN_DIR}/{name}"

    def argv(self, argv):
        """nsenter, not `ip netns exec`: that one hides cgroup2, tracefs and bpffs."""
        return ["nsenter", f"--net={self.path}", "--"] + [str(a) for a in argv]

    def run(self, argv, check=True, **more):
        """Runs to the end; returns a CompletedProcess with text output."""
        more = {"capture_output": True, "text": True, "timeout": 60, **more}
        done = subprocess.run(self.argv(argv), **more)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv} gave {done.returncode}: {done.stderr}")
        return done

    def start(self, argv, **more):
        """Starts a program that the lab kills at the end. Its pid is the program's own."""
        more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, "text": True, **more}
        program = Program(subprocess.Popen(self.argv(argv), **more), list(map(str, argv)))
        self.lab.programs.append(program)
        return program

    @contextmanager
    def inside(self):
        """This thread is in the namespace: sockets made in the block belong to it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(self.path, os.O_RDONLY)
        try:
            _setns(there)
            yield self
        finally:
            _setns(home)
            os.close(home)
            os.close(there)

    def ip(self, *words):
        return self.run(["ip", *words])

    def sysctl(self, name, value):
        with self.inside(), open("/proc/sys/" + name.replace(".", "/"), "w") as f:
            f.write(str(value))

    def statistic(self, interface, name):
        """One of the kernel's counters of an interface: rx_packets, tx_dropped…"""
        links = json.loads(self.ip("-j", "-s", "-s", "link", "show", interface).stdout)
        side, field = name.split("_", 1)
        return links[0]["stats64"][side][field]


class Lab:
    """The namespaces and programs of one test."""

    def __init__(self, name):
        require_root()
        self.name = f"{_PREFIX}-{os.getpid()}-{name}"
        self.namespaces, self.programs = [], []
        _remove_leftovers()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def namespace(self, name, ipv6=False):
        """Without IPv6 by default: its chatter would disturb the counts."""
        ns = Namespace(self, f"{self.name}-{name}")
        subprocess.run(["ip", "netns", "add", ns.name], check=True)
        self.namespaces.append(ns)
        if not ipv6:
            for which in ("all", "default"):
                ns.sysctl(f"net.ipv6.conf.{which}.disable_ipv6", 1)
        ns.ip("link", "set", "lo", "up")
        return ns

    def veth(self, a, a_name, a_net, b, b_name, b_net):
        """A cable between two namespaces; a_net and b_net are addr/len or None."""
        a.ip("link", "add", a_name, "type", "veth", "peer", "name", b_name,
             "netns", b.name)
        for ns, name, net in ((a, a_name, a_net), (b, b_name, b_net)):
            if net:
                ns.ip("addr", "add", net, "dev", name)
            ns.ip("link", "set", name, "up")

    def forward(self, ns):
        """Makes the namespace a router."""
        ns.sysctl("net.ipv4.ip_forward", 1)

    def close(self):
        for program in reversed(self.programs):
            program.kill()
        for ns in reversed(self.namespaces):
            subprocess.run(["ip", "netns", "del", ns.name], capture_output=True)
        self.programs, self.namespaces = [], []


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def _remove_leftovers():
    """Namespaces of test processes that are no more."""
    for name in os.listdir(RUN_DIR) if os.path.isdir(RUN_DIR) else []:
        match = re.match(rf"{_PREFIX}-(\d+)-", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True)


# ---- programs as a tree: for tests of what is left behind ----

def children(pid):
    """The process ids of all descendants that live (zombies included)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and parent(int(entry)) == pid:
            found += [int(entry)] + children(int(entry))
    return found


def parent(pid):
    return stat_field(pid, 1)


def process_state(pid):
    """R S D T Z…, or None when there is no such process."""
    return stat_field(pid, 0)


def stat_field(pid, index):
    """A field of /proc/PID/stat, counted from behind the name."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            value = f.read().rsplit(")", 1)[1].split()[index]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(value) if value.lstrip("-").isdigit() else value


def status_fields(pid):
    """/proc/PID/status as a dictionary of stripped strings."""
    with open(f"/proc/{pid}/status") as f:
        return {k: v.strip() for k, v in (line.split(":", 1) for line in f if ":" in line)}


# ---- frames made by hand ----

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(int.from_bytes(data[i:i + 2], "big") for i in range(0, len(data), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def mac_of(ns, interface):
    link = json.loads(ns.ip("-j", "link", "show", interface).stdout)[0]
    return bytes.fromhex(link["address"].replace(":", ""))


def udp_frame(src_mac, dst_mac, src, dst, sport, dport, payload, tags=()):
    """An Ethernet frame; tags are (tpid, tci), outermost first."""
    udp = (sport.to_bytes(2, "big") + dport.to_bytes(2, "big")
           + (8 + len(payload)).to_bytes(2, "big") + b"\0\0")
    ip = (b"\x45\0" + (20 + len(udp) + len(payload)).to_bytes(2, "big") + b"\0\1\0\0\x40\x11"
          + b"\0\0" + socket.inet_aton(src) + socket.inet_aton(dst))
    ip = ip[:10] + checksum(ip).to_bytes(2, "big") + ip[12:]
    head = dst_mac + src_mac
    for tpid, tci in tags:
        head += tpid.to_bytes(2, "big") + tci.to_bytes(2, "big")
    return head + b"\x08\0" + ip + udp + payload


def send_frames(ns, interface, frames):
    """Sends raw frames; each must be accepted, one that meets a full queue is sent again."""
    with ns.inside():
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        sender.bind((interface, 0))
    sent = 0
    for frame in frames:
        while True:
            try:
                sender.send(frame)
                break
            except OSError as error:
                if error.errno != 105:  # ENOBUFS
                    raise
                time.sleep(0.001)
        sent += 1
    sender.close()
    return sent
