"""connmon and pping as they are documented: an independent model of their lines.

Both are passive monitors of TCP (pollere). For each packet of a capture the model says which
line they print with -m, faults included; test_peers_format.py holds it against the real
programs where they are installed, and konn against it everywhere.
"""

import re
import socket
import struct
from dataclasses import dataclass

ETHERNET, RAWS, LOOP = 1, (12, 14, 101, 228), (0, 108)
FIN, SYN, RST, ACK = 1, 2, 4, 16
TABLE_AGE, FLOW_IDLE = 10_000_000, 300_000_000  # us
SHORTEST = 60  # of an Ethernet frame, without checksum
FLOWS_MOST = 10_000
MOD = 1 << 32


@dataclass
class Segment:
    """One TCP segment over IPv4."""

    number: int  # of the packet in the file, from 0
    ts: int  # us
    way: tuple  # (source, destination), each (address, port)
    flags: int
    seq: int
    ack: int
    window: int
    payload: int
    header: int  # link layer
    ip: int  # length field
    captured: int  # of the IP packet, at most `ip`
    stamps: tuple = None  # TSval, TSecr
    sacks: tuple = ()
    ident: int = 0
    wire: int = 0

    @property
    def back(self):
        return self.way[::-1]

    @property
    def span(self):
        return self.payload + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def end(self):
        return (self.seq + self.span) % MOD

    @property
    def name(self):
        (a, p), (b, q) = self.way
        return f"{a}:{p}+{b}:{q}"


class Unreadable(Exception):
    """Not a classic capture of a link type that is modelled."""


def frames(path):
    """(us, link type, bytes, length on the wire) of a classic pcap file."""
    with open(path, "rb") as f:
        data = f.read()
    for order in "<>":
        if len(data) < 24:
            raise Unreadable("short")
        magic, = struct.unpack_from(order + "I", data)
        if magic in (0xA1B2C3D4, 0xA1B23C4D):
            break
    else:
        raise Unreadable("no pcap")
    unit = 1000 if magic == 0xA1B23C4D else 1
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF
    at = 24
    while at + 16 <= len(data):
        seconds, rest, length, wire = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + length > len(data) or length > 1 << 20:
            raise Unreadable("damaged")
        yield seconds * 10**6 + rest // unit, link, data[at + 16:at + 16 + length], wire
        at += 16 + length


def _network(link, data):
    """Length of the link header before an IPv4 header; None: something else."""
    if link == ETHERNET:
        return 14 if data[12:14] == b"\x08\x00" else None
    if link in RAWS:
        return 0 if data[:1] and data[0] >> 4 == 4 else None
    if link in LOOP:
        return 4 if data[:4] in (b"\2\0\0\0", b"\0\0\0\2") else None
    raise Unreadable(f"link type {link}")


def _options(data):
    """TSval and TSecr, SACK blocks."""
    at, stamps, sacks = 0, None, []
    while at < len(data) and data[at]:
        if data[at] == 1:
            at += 1
            continue
        if at + 1 >= len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            break
        kind, length = data[at], data[at + 1]
        if kind == 8 and length == 10:
            stamps = struct.unpack_from("!II", data, at + 2)
        if kind == 5:
            sacks = [struct.unpack_from("!II", data, at + 2 + 8 * i)
                     for i in range((length - 2) // 8)]
        at += length
    return stamps, tuple(sacks)


def segment_of(number, ts, link, data, wire):
    head = _network(link, data)
    if head is None or len(data) < head + 20:
        return None
    ip = data[head:]
    total, ident, fragment = struct.unpack_from("!HHH", ip, 2)
    size = (ip[0] & 15) * 4
    if ip[0] >> 4 != 4:
        raise Unreadable("a bogus IP version: they take it for IPv4")
    if ip[9] != 6 or fragment & 0x3FFF or size < 20 or total < size + 20:
        return None
    ip = ip[:total]
    if len(ip) < size + 20:
        raise Unreadable("a TCP header is cut: they abort, or do not see it")
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", ip, size)
    header = (offset >> 4) * 4
    if header < 20 or total < size + header:
        return None
    if len(ip) < size + header:
        raise Unreadable("a TCP header is cut: they abort, or do not see it")
    stamps, sacks = _options(ip[size + 20:size + header])
    src, dst = (socket.inet_ntoa(ip[a:a + 4]) for a in (12, 16))
    return Segment(number, ts, ((src, sport), (dst, dport)), flags | (offset & 1) << 8, seq,
                   ack, window, total - size - header, head, total, len(ip), stamps, sacks,
                   ident, wire)


def segments(path):
    found = (segment_of(n, *frame) for n, frame in enumerate(frames(path)))
    return [s for s in found if s]


class Table(dict):
    """Times of packets by key; each is forgotten some time after it was entered."""

    def clean(self, now, time_of):
        for key in [k for k, v in self.items() if now - time_of(v) > TABLE_AGE]:
            del self[key]


class Way:
    """What is known of the packets in one direction."""

    def __init__(self):
        self.last = None
        self.both = False
        self.bytes = self.printed = self.departed = 0
        self.least = None
        self.seq = self.ack = self.payload = 0


class Monitor:
    """What both programs share: ways, their pairing, their forgetting."""

    def __init__(self):
        self.ways = {}
        self.base = None  # their clock begins with the second of the first packet
        self.now = None  # of the last packet that was of use
        self.next_clean = 0

    def way(self, s):
        if self.base is None:
            self.base = s.ts // 10**6 * 10**6
        self.now = s.ts
        if s.way not in self.ways:
            if len(self.ways) > FLOWS_MOST:
                return None
            self.ways[s.way] = Way()
            if s.back in self.ways:
                self.ways[s.way].both = self.ways[s.back].both = True
        return self.ways[s.way]

    def lines(self, found):
        for s in found:
            line = self.packet(s)
            if line:
                yield line
            if self.now is not None and self.now - self.base >= self.next_clean:
                self.clean(self.now)
                self.next_clean = self.now - self.base + TABLE_AGE

    def clean(self, now):
        for key in [k for k, w in self.ways.items()
                    if w.last is not None and now - w.last > FLOW_IDLE]:
            del self.ways[key]


@dataclass
class Ping:
    """A line of `pping -m`."""

    number: int
    ts: int
    rtt: int
    least: int
    forward: int
    departed: int
    back: int
    name: str
    timed: int = None  # number of the packet that is answered


class Pping(Monitor):
    def __init__(self):
        super().__init__()
        self.table = Table()  # (TSval, way): [us, bytes, departed, used, number]

    def packet(self, s):
        if not s.stamps or s.stamps[0] == 0 or (s.stamps[1] == 0 and s.flags != SYN):
            return None
        w = self.way(s)
        if not w:
            return None
        w.last = s.ts
        if not w.both:
            return None
        size = s.header + s.captured
        w.bytes += max(size, SHORTEST) if s.header == 14 else size
        self.table.setdefault((s.stamps[0], s.way),
                              [s.ts, w.bytes, w.departed, False, s.number])
        entry = self.table.get((s.stamps[1], s.back))
        if not entry or entry[3] or entry[0] == self.base:
            return None
        entry[3] = True
        rtt = s.ts - entry[0]
        w.least = rtt if w.least is None else min(w.least, rtt)
        back = w.bytes - w.printed
        w.printed = w.bytes
        self.ways[s.back].departed = entry[1]
        return Ping(s.number, s.ts, rtt, w.least, entry[1], entry[2], back, s.name, entry[4])

    def clean(self, now):
        self.table.clean(now, lambda entry: entry[0])
        super().clean(now)


@dataclass
class Facts:
    """A line of `connmon -m`; None is a star, or the dash of the fourth number."""

    number: int
    ts: int
    stamp: int
    seq: int
    hole: int
    dup: int
    payload: int
    bytes: int
    name: str
    timed: dict = None  # numbers of the packets that are answered: of stamp, of seq


class Connmon(Monitor):
    def __init__(self):
        super().__init__()
        self.stamps = Table()
        self.ends = Table()

    def packet(self, s):
        w = self.way(s)
        if not w:
            return None
        w.bytes += s.header + s.ip
        self.timed = {}
        stamp = self.by_stamp(s, w)
        seq = self.by_sequence(s, w)
        hole = 0
        if w.seq:
            hole = (s.seq - (w.seq + w.payload)) % MOD
            hole -= MOD if hole >= MOD // 2 else 0
        w.seq = (s.seq + bool(s.flags & (SYN | FIN))) % MOD
        dup = None
        if s.flags == ACK and s.payload == 0 and s.ack == w.ack:
            dup = s.ts - (self.base if w.last is None else w.last)
        w.payload, w.last, w.ack = s.payload, s.ts, s.ack
        if stamp is None and seq is None and hole <= 0 and not (dup and dup > 0):
            return None
        return Facts(s.number, s.ts, stamp, seq, hole, dup, s.payload, w.bytes, s.name,
                     self.timed)

    def by_stamp(self, s, w):
        if not w.both or not s.stamps or s.stamps[0] == 0:
            return None
        if s.stamps[1] == 0 and not s.flags & SYN:
            return None
        self.stamps.setdefault((s.stamps[0], s.way), (s.ts, s.number))
        return self.since(s, "stamp", self.stamps.pop((s.stamps[1], s.back), None))

    def since(self, s, kind, sent):
        """A time of exactly 0 on their clock is taken for none."""
        if sent is None or sent[0] == self.base:
            return None
        self.timed[kind] = sent[1]
        return s.ts - sent[0]

    def by_sequence(self, s, w):
        if not w.both:
            return None
        if s.payload:
            self.ends.setdefault(((s.seq + s.payload) % MOD, s.way), (s.ts, s.number))
        if s.flags & ACK and (s.payload == 0 or s.ack != w.ack):
            return self.since(s, "seq", self.ends.pop((s.ack, s.back), None))
        return None

    def clean(self, now):
        self.stamps.clean(now, lambda sent: sent[0])
        self.ends.clean(now, lambda sent: sent[0])
        super().clean(now)


# ---- their lines, and konn's, taken apart ----

NUMBER = r"(-?\d+\.\d{6}|\*)"
PPING = re.compile(rf"(\d+)\.(\d{{6}}) {NUMBER} {NUMBER} (\d+|\*) (\d+|\*) (\d+|\*) (\S+)")
CONNMON = re.compile(rf"(\d+)\.(\d{{6}}) +{NUMBER} +{NUMBER} +(-?\d+) +"
                     r"(-?\d+\.\d{6}|-) +(\d+) +(\d+) (\S+)")


def _us(text):
    if text in ("*", "-"):
        return None
    sign = -1 if text[0] == "-" else 1
    seconds, rest = text.lstrip("-").split(".")
    return sign * (int(seconds) * 10**6 + int(rest))


def _count(text):
    return None if text == "*" else int(text)


def read_pping(text):
    for line in text.splitlines():
        m = PPING.fullmatch(line)
        if not m:
            raise ValueError(line)
        yield Ping(None, int(m[1]) * 10**6 + int(m[2]), _us(m[3]), _us(m[4]), _count(m[5]),
                   _count(m[6]), _count(m[7]), m[8])


def read_connmon(text):
    for line in text.splitlines():
        m = CONNMON.fullmatch(line)
        if not m:
            raise ValueError(line)
        yield Facts(None, int(m[1]) * 10**6 + int(m[2]), _us(m[3]), _us(m[4]), int(m[5]),
                    _us(m[6]), int(m[7]), int(m[8]), m[9])
