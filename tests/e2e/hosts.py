"""hosts — konn itself between two namespaces with a cable: what the live tests share.

class TestX(Hosts):
    def test_y(self):
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        ...traffic...
        report = konn.stop()
"""
import functools
import json
import os
import signal
import socket
import struct
import sys
import tempfile
import shutil
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from netns import Lab, wait_for  # noqa: E402

KONN = os.environ.get("KONN", "build/konn")
PATIENCE = 60.0
A4, B4, A6, B6 = "10.9.0.1", "10.9.0.2", "fd00:9::1", "fd00:9::2"

# Sends datagrams by the clock (one that is late is sent at once) and tells how fast it was.
SENDER = """
import socket, sys, time
host, port, here, size, rate = sys.argv[1], *map(int, sys.argv[2:6])
seconds = float(sys.argv[6])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", here))
data = bytes(size)
start = time.monotonic()
sent = 0
while sent < rate * seconds:
    due = int((time.monotonic() - start) * rate)
    while sent < due:
        s.sendto(data, (host, port))
        sent += 1
    time.sleep(0.002)
print(8 * sent * size / (time.monotonic() - start))
"""


class Report:
    """What a konn in JSON said: its lines by kind. `conns` has those with packets."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        if out and not out.endswith("\n"):
            raise AssertionError("the last line is cut: " + out[-200:])
        self.records = [json.loads(line) for line in out.splitlines()]
        self.conns, self.silent = [], []
        for row in self.of_kind("conn"):
            seen = "packets" in row.get("sources", ["packets"])
            (self.conns if seen else self.silent).append(row)
        self.events = self.of_kind("event")
        self.loads = self.of_kind("load")
        summaries = self.of_kind("summary")
        self.summary = summaries[0] if len(summaries) == 1 else None
        if self.summary and self.records[-1] is not self.summary:
            raise AssertionError("lines behind the summary")

    def of_kind(self, kind):
        return [r for r in self.records if r["kind"] == kind]

    def rows(self, **fields):
        """Rows with these values; `__` in a name stands for the dot."""
        wanted = {k.replace("__", "."): v for k, v in fields.items()}
        return [r for r in self.conns if all(r.get(k) == v for k, v in wanted.items())]

    def row(self, **fields):
        """The only row with these values."""
        rows = self.rows(**fields)
        if len(rows) != 1:
            raise AssertionError(f"{len(rows)} rows with {fields} among "
                                 f"{[brief(r) for r in self.conns]}; {self.err}")
        return rows[0]


class Konn:
    """A konn that captures; stop() gives its report."""

    def __init__(self, ns, argv, rings, **more):
        self.ns, self.rings = ns, rings
        self.program = ns.start([KONN, *argv], **more)
        self.wait_capturing(rings)

    def wait_capturing(self, rings):
        wait_for(lambda: self.ended() or capturing(self.program.pid) >= rings,
                 f"{rings} rings: {self.program.argv}", PATIENCE)
        if self.ended():
            raise AssertionError(f"konn ended: {self.program.stderr()}")

    def ended(self):
        return not self.program.running()

    def workers(self):
        """The children that are not root: one."""
        return [p for p in netns.children(self.program.pid)
                if netns.status_fields(p)["Uid"].split()[0] != "0"]

    def worker(self):
        return wait_for(self.workers, "the worker", PATIENCE)[0]

    def end(self, signal_number=signal.SIGINT):
        """Exit code; -N when it was killed by a signal."""
        return self.program.stop(signal_number, PATIENCE)

    def stop(self, signal_number=signal.SIGINT, code=0):
        got = self.end(signal_number)
        if got != code:
            raise AssertionError(f"exit {got}, not {code}: {self.program.stderr()}")
        return self.report(got)

    def wait(self, code=0):
        """For one that ends by itself."""
        got = self.program.wait(PATIENCE)
        if got != code:
            raise AssertionError(f"exit {got}, not {code}: {self.program.stderr()}")
        return self.report(got)

    def report(self, code):
        return Report(code, self.program.stdout(), self.program.stderr())


def capturing(pid):
    """Sockets of a konn that receive packets (packet(7) rings)."""
    try:
        with open(f"/proc/{pid}/net/packet") as f:
            lines = [line.split() for line in f.readlines()[1:]]
        running = {f"socket:[{w[8]}]" for w in lines if w[3] == "0003" and w[5] == "1"}
        return max((len(running & set(descriptors(p))) for p in netns.children(pid)),
                   default=0)
    except OSError:  # it just ended
        return 0


def descriptors(pid):
    folder = f"/proc/{pid}/fd"
    return [os.readlink(os.path.join(folder, name)) for name in os.listdir(folder)]


def brief(row):
    keys = ("proto", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "conn_state",
            "history", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts")
    return {k: row[k] for k in keys if k in row}


def unless_repeated(test):
    """A busy machine makes TCP send twice what was not lost: then the test runs again."""

    @functools.wraps(test)
    def run(self):
        for _ in range(3):
            try:
                return test(self)
            except AssertionError:
                if not any(segments_sent(ns)[1] for ns in self.lab.namespaces):
                    raise
            self.doCleanups()
            self.setUp()
        return test(self)

    return run


class Hosts(unittest.TestCase):
    """Two hosts, va — vb; ipv6 = False: nothing on the cable but what a test sends."""

    ipv6 = False
    maxDiff = None

    def setUp(self):
        self.lab = Lab("konn")
        self.addCleanup(self.lab.close)
        self.a = self.host("a")
        self.b = self.host("b")
        self.cable(self.a, "va", self.b, "vb", (A4, A6), (B4, B6))

    def host(self, name):
        ns = self.lab.namespace(name, ipv6=self.ipv6)
        if self.ipv6:  # addresses that can be used at once
            ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
            ns.sysctl("net.ipv6.conf.all.accept_dad", 0)
        return ns

    def cable(self, a, a_name, b, b_name, a_hosts, b_hosts):
        self.lab.veth(a, a_name, a_hosts[0] + "/24", b, b_name, b_hosts[0] + "/24")
        for ns, name, hosts in ((a, a_name, a_hosts), (b, b_name, b_hosts)):
            if self.ipv6:
                ns.ip("addr", "add", hosts[1] + "/64", "dev", name, "nodad")
            wait_for(lambda ns=ns, name=name: is_up(ns, name), f"{name} up", PATIENCE)

    def konn(self, ns, *argv, **more):
        """Returns when it captures on all of its interfaces; it goes on until stopped."""
        names = argv[argv.index("-i") + 1] if "-i" in argv else "any"
        rings = links_up(ns) if names == "any" else names.count(",") + 1
        if argv[0] == "list" and "--for" not in argv and "-c" not in argv:
            argv += ("--for", "600")
        return Konn(ns, argv, rings, **more)

    def folder(self):
        path = tempfile.mkdtemp(prefix="konn-e2e-")
        self.addCleanup(shutil.rmtree, path, True)
        os.chmod(path, 0o755)
        return path

    def frame(self, payload=b"x" * 20, sport=5000, dport=9, tags=(), dst="10.9.0.99"):
        """From a, to everybody, for an address that nobody has: nothing answers."""
        macs = netns.mac_of(self.a, "va"), b"\xff" * 6
        frame = netns.udp_frame(*macs, A4, dst, sport, dport, payload, tags)
        return without_id(frame, 14 + 4 * len(tags))

    def flood(self, count, size, rate, flows=1):
        """Frames of that size and rate (0: as fast as it goes); returns how many."""
        mac = netns.mac_of(self.b, "vb").hex(":")
        done = self.a.run([os.environ["FLOOD"], "va", mac, count, size, rate, flows])
        return json.loads(done.stdout)["sent"]

    def assert_sums(self, summary):
        """packets = parsed + malformed + unsupported + filtered"""
        self.assertEqual(
            summary["packets"],
            summary["parsed"] + sum(summary["malformed"].values())
            + sum(summary["unsupported"].values()) + summary["filtered"], summary)

    def assert_fields(self, row, **expected):
        """`__` in a name stands for the dot; None: the key must be absent."""
        expected = {k.replace("__", "."): v for k, v in expected.items()}
        self.assertEqual({k: row.get(k) for k in expected}, expected, brief(row))


def without_id(frame, at):
    """Equal packets with the same id would be taken for a mirror's copies."""
    head = frame[at:at + 4] + b"\0\0" + frame[at + 6:at + 10] + b"\0\0" + frame[at + 12:at + 20]
    total = netns.checksum(head).to_bytes(2, "big")
    return frame[:at] + head[:10] + total + head[12:] + frame[at + 20:]


def links_up(ns):
    return len(ns.ip("-br", "link", "show", "up").stdout.splitlines())


def is_up(ns, name):
    link = json.loads(ns.ip("-j", "link", "show", name).stdout)[0]
    return link["operstate"] == "UP"


def traffic(ns, interface):
    """The kernel's own counters of an interface, both ways together."""
    stats = json.loads(ns.ip("-j", "-s", "link", "show", interface).stdout)[0]["stats64"]
    return {k: stats["rx"][k] + stats["tx"][k] for k in ("packets", "bytes")}


def segments_sent(ns):
    """TCP segments that left a namespace, and how many of them once more (SNMP)."""
    with ns.inside(), open("/proc/thread-self/net/snmp") as f:
        names, values = [line.split()[1:] for line in f if line.startswith("Tcp:")]
    found = dict(zip(names, map(int, values)))
    return found["OutSegs"], found["RetransSegs"]


def busy_sockets(ns, port):
    """TCP sockets with this local port that are neither listening nor in TIME-WAIT."""
    count = 0
    for name in ("tcp", "tcp6"):
        with ns.inside(), open(f"/proc/thread-self/net/{name}") as f:
            rows = [line.split() for line in f.readlines()[1:]]
        count += sum(1 for r in rows if r[1].endswith(f":{port:04X}") and r[3] not in ("0A", "06"))
    return count


# ---- sockets that live in a namespace; this process uses them ----

def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listen(ns, host, port=0):
    with ns.inside():
        return socket.create_server((host, port), family=family(host))


def connect(ns, host, port, **options):
    with ns.inside():
        s = socket.socket(family(host), socket.SOCK_STREAM)
    s.settimeout(PATIENCE)
    s.connect((host, port))
    return s


def udp(ns, host, port=0):
    with ns.inside():
        s = socket.socket(family(host), socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.bind((host, port))
    return s


def accept(server):
    server.settimeout(PATIENCE)
    s = server.accept()[0]
    s.settimeout(PATIENCE)
    return s


def read_all(s):
    """Until the other side closes; how many bytes."""
    total = 0
    while data := s.recv(1 << 16):
        total += len(data)
    return total


def reset(s):
    """Closes with RST instead of FIN."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def payload_sent(s):
    """Payload bytes that TCP put on the wire, repeated ones too (tcpi_bytes_sent)."""
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 216)
    return struct.unpack_from("Q", info, 200)[0]


def main():
    """Skips (77) where it cannot make namespaces."""
    netns.require_root()
    for tool in ("ip", "nsenter", "ping"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(netns.SKIP)
    unittest.main(verbosity=2, warnings="ignore")
