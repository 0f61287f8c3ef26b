"""many_sockets — a few thousand sockets in every state that a socket can be in.

world = World(lab) makes three namespaces: a — b with a cable, c alone. Until
world.close() the sockets stay as they are, but for the retries of those that wait.
"""
import ctypes
import json
import os
import resource
import select
import shutil
import socket
import struct
import subprocess
import sys
from contextlib import contextmanager

import netns
from netns import wait_for

DUMP = os.environ["SOCKETS_DUMP"]
A4, B4, A6, B6 = "10.9.0.1", "10.9.0.2", "fd00:9::1", "fd00:9::2"
NOBODY = 65534
PATIENCE = 60.0
TCP_CLOSE_WAIT, TCP_CLOSING = 8, 11  # tcpi_state
SO_COOKIE = 57

# Servers' ports (the next ones too): what would lead out of the state is dropped.
BLACKHOLE, HALF_OPEN, FIN_WAIT_1, LAST_ACK, CLOSING, ORPHANS = range(9100, 9160, 10)


def mapped(host):
    return "::ffff:" + host


def cookie(s):
    return struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def wait_connected(s):
    waiting = select.poll()
    waiting.register(s, select.POLLOUT)
    if not waiting.poll(PATIENCE * 1000) or s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
        raise RuntimeError("no connection")


def holds(s, size):
    """Whether so many bytes wait to be read."""
    try:
        return len(s.recv(size, socket.MSG_PEEK)) == size
    except BlockingIOError:
        return False


def retransmits(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 3)[2]


def window_limited_us(s):
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    return struct.unpack_from("Q", info, 176)[0]


def state(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


@contextmanager
def as_nobody():
    """Sockets made in the block belong to nobody."""
    libc = ctypes.CDLL(None)
    libc.setfsuid(NOBODY)
    try:
        yield
    finally:
        libc.setfsuid(0)


def read_ours(ns, *argv, program=DUMP, before=()):
    """(facts by cookie, status) of sockets_dump"""
    done = ns.run([*before, program, *(argv or ("list",))])
    records = [json.loads(line) for line in done.stdout.splitlines()]
    facts = {}
    for record in records[:-1]:
        if record["cookie"] in facts:
            raise AssertionError(f"twice: {record}")
        facts[record["cookie"]] = record
    return facts, records[-1]


def require_sock_diag():
    """Ends the test as skipped where it cannot ask, or cannot make namespaces."""
    netns.require_root()
    for tool in ("ip", "nsenter", "nft", "ss", "setpriv"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(netns.SKIP)
    probe = subprocess.run([DUMP, "list", "-s", "0"], capture_output=True, text=True, check=False)
    if probe.returncode:
        print(f"skipped: no sock_diag here: {probe.stdout}")
        sys.exit(netns.SKIP)


class World:
    def __init__(self, lab):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.sockets = []
        self.a, self.b, self.c = (lab.namespace(name, ipv6=True) for name in "abc")
        self.namespaces = (self.a, self.b, self.c)
        for ns in self.namespaces:
            for which in ("default", "all"):
                ns.sysctl(f"net.ipv6.conf.{which}.accept_dad", 0)
            ns.run(["nft", "add table inet t; add chain inet t i "
                           "{ type filter hook input priority 0; }"])
        lab.veth(self.a, "va", A4 + "/24", self.b, "vb", B4 + "/24")
        for ns, name, host in ((self.a, "va", A6), (self.b, "vb", B6)):
            ns.ip("addr", "add", host + "/64", "dev", name, "nodad")
            wait_for(lambda ns=ns, name=name: json.loads(
                ns.ip("-j", "link", "show", name).stdout)[0]["operstate"] == "UP", "the cable")

    def close(self):
        for s in self.sockets:
            s.close()

    def keep(self, s):
        self.sockets.append(s)
        return s

    def drop(self, ns, rule):
        ns.run(["nft", f"add rule inet t i {rule} drop"])

    def socket(self, ns, host, kind=socket.SOCK_STREAM):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with ns.inside():
            return self.keep(socket.socket(family, kind))

    def listen(self, ns, host, port=0, backlog=1024, v6only=0):
        s = self.socket(ns, host)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ":" in host:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        s.bind((host, port))
        s.listen(backlog)
        return s

    def begin(self, ns, host, port, count):
        """Connects and does not wait for it."""
        made = [self.socket(ns, host) for _ in range(count)]
        for s in made:
            s.setblocking(False)
            s.connect_ex((host, port))
        return made

    def pairs(self, ns, host, server, count):
        """Established connections as (client, accepted)."""
        clients = self.begin(ns, host, server.getsockname()[1], count)
        by_name = {}
        for s in clients:
            wait_connected(s)
            by_name[s.getsockname()[1]] = s
        server.settimeout(PATIENCE)
        found = []
        for _ in range(count):
            accepted, peer = server.accept()
            self.keep(accepted).setblocking(False)
            found.append((by_name[peer[1]], accepted))
        return found

    def udp(self, ns, host, count, peer=None):
        made = [self.socket(ns, host, socket.SOCK_DGRAM) for _ in range(count)]
        for s in made:
            s.bind((host, 0))
            if peer:
                s.connect((peer, 5353))
        return made


def fill(w):
    """About 3,000 sockets; returns the established pairs that stay quiet."""
    w.drop(w.b, f"tcp dport {BLACKHOLE}")
    w.drop(w.a, f"tcp sport {HALF_OPEN}-{HALF_OPEN + 9}")
    ways = [(w.a, w.b, B4, B4), (w.a, w.b, B6, B6), (w.a, w.b, mapped(B4), "::"),
            (w.c, w.c, "127.0.0.1", "127.0.0.1"), (w.c, w.c, "::1", "::1"),
            (w.c, w.c, mapped("127.0.0.1"), "::"), (w.c, w.c, "127.0.0.1", "::")]
    quiet = []
    for way in ways:
        quiet += established(w, way)
        time_wait(w, way)
        half_closed(w, way)
        waiting_for_accept(w, way)
    for number, host in enumerate((B4, B6, mapped(B4))):
        w.begin(w.a, host, BLACKHOLE, 60)
        unanswered(w, host, number)
    for at in ("::", "::1"):
        w.listen(w.b, at, v6only=1)
    datagrams(w)
    in_trouble(w)
    return quiet


def established(w, way):
    near, far, host, at = way
    with as_nobody():
        server = w.listen(far, at)
        quiet = w.pairs(near, host, server, 40)
    quiet += w.pairs(near, host, server, 80)
    for number, (client, accepted) in enumerate(quiet):
        client.sendall(bytes(100 + number))
        if number % 2:
            wait_for(lambda s=accepted, n=100 + number: holds(s, n), "the data", PATIENCE)
            accepted.sendall(accepted.recv(4096) * 3)
        if number % 3 == 0:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if number % 5 == 0:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, number + 1)
        if number % 7 == 0 and client.family == socket.AF_INET:
            client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x48)
        if number % 7 == 0 and client.family == socket.AF_INET6:
            client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x48)
    return quiet


def time_wait(w, way):
    near, far, host, at = way
    for client, accepted in w.pairs(near, host, w.listen(far, at), 30):
        client.close()
        wait_for(lambda s=accepted: state(s) == TCP_CLOSE_WAIT, "CLOSE-WAIT", PATIENCE)
        accepted.close()


def half_closed(w, way):
    """FIN-WAIT-2 with and without an owner; CLOSE-WAIT, LISTEN."""
    near, far, host, at = way
    for number, (client, accepted) in enumerate(w.pairs(near, host, w.listen(far, at), 20)):
        if number % 2:
            client.close()
        else:
            client.shutdown(socket.SHUT_WR)
        wait_for(lambda s=accepted: state(s) == TCP_CLOSE_WAIT, "CLOSE-WAIT", PATIENCE)


def waiting_for_accept(w, way):
    near, far, host, at = way
    server = w.listen(far, at, backlog=50)
    for s in w.begin(near, host, server.getsockname()[1], 9):
        wait_connected(s)


def unanswered(w, host, way):
    """SYN-RECEIVED, FIN-WAIT-1, LAST-ACK, CLOSING: the packets to come are dropped."""
    at = "::" if host == mapped(B4) else host
    w.listen(w.b, at, HALF_OPEN + way)
    w.begin(w.a, host, HALF_OPEN + way, 40)
    fin_wait, last_ack, closing = (
        w.pairs(w.a, host, w.listen(w.b, at, port + way), 25)
        for port in (FIN_WAIT_1, LAST_ACK, CLOSING))
    with as_nobody():
        orphans = w.pairs(w.a, host, w.listen(w.b, at, ORPHANS + way), 5)
    for client, accepted in last_ack:
        client.shutdown(socket.SHUT_WR)
        wait_for(lambda s=accepted: state(s) == TCP_CLOSE_WAIT, "CLOSE-WAIT", PATIENCE)
    w.drop(w.b, f"tcp dport {{ {FIN_WAIT_1 + way}, {CLOSING + way}, {ORPHANS + way} }}")
    w.drop(w.a, f"tcp sport {LAST_ACK + way}")
    for _, accepted in last_ack:
        accepted.shutdown(socket.SHUT_WR)
    for client, _ in orphans:
        client.send(bytes(77))
        client.close()
    for client, _ in fin_wait:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        client.send(bytes(77))
        client.shutdown(socket.SHUT_WR)
    wait_for(lambda: retransmits(fin_wait[0][0]) >= 2, "retransmissions", PATIENCE)
    for client, accepted in closing:
        client.shutdown(socket.SHUT_WR)
        accepted.shutdown(socket.SHUT_WR)
        wait_for(lambda s=client: state(s) == TCP_CLOSING, "CLOSING", PATIENCE)


def in_trouble(w):
    """A receiver that does not read, a small send buffer, datagrams that do not fit."""
    server = w.listen(w.b, B4)
    pairs = w.pairs(w.a, B4, server, 8)
    for number, (client, _) in enumerate(pairs):
        if number % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for _ in range(1000):
            try:
                client.send(bytes(65536))
            except BlockingIOError:
                break
    wait_for(lambda: any(window_limited_us(s) > 5000 for s, _ in pairs), "closed windows", PATIENCE)
    full = w.socket(w.b, B4, socket.SOCK_DGRAM)
    full.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    full.bind((B4, 0))
    sender = w.socket(w.b, B4, socket.SOCK_DGRAM)
    for _ in range(50):
        sender.sendto(bytes(500), full.getsockname())


def datagrams(w):
    for ns, here, peer in ((w.a, A4, B4), (w.a, A6, B6), (w.a, mapped(A4), mapped(B4)),
                           (w.c, "127.0.0.1", "127.0.0.1"), (w.c, "::1", "::1")):
        bound = w.udp(ns, here, 40)
        w.udp(ns, here, 40, peer)
        sender = w.socket(ns, here, socket.SOCK_DGRAM)
        for number, s in enumerate(bound[:20]):
            sender.sendto(bytes(200 + number), s.getsockname())
    for at in ("0.0.0.0", "::"):
        w.udp(w.b, at, 20)
    for s in w.udp(w.b, "::", 5):
        s.close()
    device = w.socket(w.a, A4, socket.SOCK_DGRAM)
    device.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"va\0")
    device.bind(("", 0))
