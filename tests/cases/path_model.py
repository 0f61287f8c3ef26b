"""A small model of a TCP transfer over a path, which knows what became of each segment.

    sender --- half 0 --- middle --- half 1 --- receiver

Segments of MSS bytes, SACK and DSACK (RFC 2018, 2883), timestamps when wanted, loss
recovery by time (RFC 8985), tail probes, a retransmission timer. Each half loses,
overtakes and doubles data at random. Packets have what tests/path/truth.py reads.
"""

import heapq
import struct
from dataclasses import dataclass, field

import frames as F

MSS = 1000
GAP = 12_000  # ns between two departures
MS = 1_000_000
RTO = 200 * MS
HANDSHAKE = ((F.SYN, True), (F.SYN | F.ACK, False), (F.ACK, True))


@dataclass
class Half:
    delay: int  # ns, one way
    loss: float = 0.0
    overtake: float = 0.0
    late: int = 2 * MS  # that an overtaken segment takes more
    double: float = 0.0
    ack_loss: float = 0.0


@dataclass
class Options:
    halves: tuple
    segments: int = 700
    window: int = 40
    stamps: bool = True
    version: int = 4
    up: bool = False  # the client sends


@dataclass
class Packet:
    """The names are those of the emulator's log."""

    serial: int
    up: bool
    flags: int
    seq: int
    ack: int
    len: int
    enter: int
    tsval: int
    tsecr: int
    sacks: tuple = ()
    copy: bool = False
    middle: int = None
    exit: int = None
    fate: str = "ok"
    ident: int = 0

    @property
    def end(self):
        return self.seq + self.len + bool(self.flags & F.SYN)

    def at(self, point):
        if point == "middle":
            return self.middle
        return self.enter if (point == "client") == self.up else self.exit

    def lost_before(self, point):
        return self.fate != "ok" and self.at(point) is None


@dataclass
class Sender:
    una: int = 0  # segments, as all below
    next: int = 0
    sacked: set = field(default_factory=set)
    lost: set = field(default_factory=set)
    sent: dict = field(default_factory=dict)  # when last
    again: set = field(default_factory=set)
    rack: int = 0  # when the newest one that arrived was sent
    window: float = 10.0
    active: int = 0  # last progress or data
    probed: bool = False


@dataclass
class Receiver:
    next: int = 0
    beyond: set = field(default_factory=set)
    recent: int = 0  # TS.Recent
    told: int = 0  # last acknowledgement


class Transfer:
    def __init__(self, rng, options):
        self.rng, self.o = rng, options
        self.now = F.EPOCH
        self.events, self.order = [], 0
        self.packets, self.free = [], 0
        self.sender, self.receiver = Sender(), Receiver()
        self.ident = [rng.randrange(1, 1 << 16), rng.randrange(1, 1 << 16)]
        self.round = 2 * sum(h.delay for h in options.halves)

    # ---- the path ----

    def later(self, when, what, *args):
        self.order += 1
        heapq.heappush(self.events, (when, self.order, what, args))

    def send(self, forward, flags, seq, ack, size, tsecr, sacks=()):
        when = max(self.now, self.free) if forward else self.now
        self.free = when + GAP if forward else self.free
        p = Packet(len(self.packets), self.o.up == forward, flags, seq, ack, size, when,
                   when // MS & 0xFFFFFFFF, tsecr, sacks)
        self.ident[forward] = self.ident[forward] % 65535 + 1
        p.ident = self.ident[forward]
        self.packets.append(p)
        self.cross(p, forward, 0, when)

    def cross(self, p, forward, number, when):
        half = self.o.halves[number if forward else 1 - number]
        if self.rng.random() < (half.loss if p.len else half.ack_loss):
            p.fate = "loss"
            return
        arrives = when + half.delay
        if p.len and self.rng.random() < half.double:
            twin = Packet(**{**vars(p), "serial": len(self.packets), "copy": True})
            self.packets.append(twin)
            self.pass_on(twin, forward, number, arrives + 3000)
        if p.len and self.rng.random() < half.overtake:
            arrives += half.late
        self.pass_on(p, forward, number, arrives)

    def pass_on(self, p, forward, number, when):
        if number == 0:
            p.middle = when
            self.cross(p, forward, 1, when)
        else:
            p.exit = when
            self.later(when, self.arrive if forward else self.told, p)

    # ---- the receiver ----

    def arrive(self, p):
        r, n = self.receiver, (p.seq - 1) // MSS
        if not p.len:
            return
        sacks = []
        if n <= r.told:
            r.recent = p.tsval
        if n < r.next or n in r.beyond:
            sacks.append((n, n + 1))
        else:
            r.beyond.add(n)
        while r.next in r.beyond:
            r.beyond.remove(r.next)
            r.next += 1
        blocks = self.blocks()
        first = [b for b in blocks if b[0] <= n < b[1]]
        sacks += first + [b for b in blocks if b not in first][:3 - len(sacks) - len(first)]
        r.told = r.next
        self.send(False, F.ACK, 1, 1 + r.next * MSS, 0, r.recent,
                  tuple((1 + a * MSS, 1 + b * MSS) for a, b in sacks))

    def blocks(self):
        found = []
        for n in sorted(self.receiver.beyond):
            if found and found[-1][1] == n:
                found[-1][1] = n + 1
            else:
                found.append([n, n + 1])
        return [tuple(b) for b in found]

    # ---- the sender ----

    def transmit(self, n):
        s = self.sender
        if n in s.sent:
            s.again.add(n)
        s.sent[n] = max(self.now, self.free)
        s.active = s.sent[n]
        s.lost.discard(n)
        self.send(True, F.ACK | F.PSH, 1 + n * MSS, 1, MSS, 0)

    def told(self, p):
        s, ack = self.sender, (p.ack - 1) // MSS
        arrived = set(range(s.una, ack))
        for a, b in p.sacks:
            if a >= p.ack:
                arrived |= set(range((a - 1) // MSS, (b - 1) // MSS))
        arrived -= s.sacked
        for n in arrived:
            if n not in s.again or self.now - s.sent[n] >= self.round:
                s.rack = max(s.rack, s.sent[n])
        if arrived:
            s.active, s.probed = self.now, False
            s.window = min(self.o.window, s.window + len(arrived))
        s.sacked = {n for n in s.sacked | arrived if n >= ack}
        s.una = max(s.una, ack)
        self.look_for_losses()
        self.fill()

    def look_for_losses(self):
        s = self.sender
        s.lost = {n for n in s.lost if n >= s.una and n not in s.sacked}
        for n in range(s.una, s.next):
            if n not in s.sacked and s.sent[n] + self.round // 4 < s.rack:
                s.lost.add(n)

    def fill(self):
        s = self.sender
        flying = s.next - s.una - len(s.sacked) - len(s.lost)
        while flying < int(s.window):
            if s.lost:
                self.transmit(min(s.lost))
            elif s.next < self.o.segments:
                s.next += 1
                self.transmit(s.next - 1)
            else:
                break
            flying += 1

    def tick(self):
        """The timers, looked at each ms."""
        s = self.sender
        if s.una >= self.o.segments:
            return
        silence = self.now - s.active
        if s.next > s.una and silence >= RTO + self.round:
            s.lost = {n for n in range(s.una, s.next) if n not in s.sacked}
            s.window, s.active, s.probed = 1.0, self.now, True
            self.fill()
        elif s.next > s.una and silence >= 2 * self.round and not s.probed:
            s.probed = True
            self.transmit(s.next - 1)
        self.later(self.now + MS, self.tick)

    def run(self):
        step = sum(h.delay for h in self.o.halves)
        for flags, by_client in HANDSHAKE:
            p = Packet(len(self.packets), by_client, flags, 0 if flags & F.SYN else 1,
                       1 if flags & F.ACK else 0, 0, self.now, self.now // MS & 0xFFFFFFFF, 0)
            near = self.o.halves[0 if by_client == self.o.up else 1].delay
            p.middle, p.exit = self.now + near, self.now + step
            self.packets.append(p)
            self.now += step
        self.sender.active = self.now
        self.fill()
        self.tick()
        while self.events:
            self.now, _, what, args = heapq.heappop(self.events)
            what(*args)
        return self.packets


def frame(p, options, isns):
    """As it was captured; `isns`: where the client's and the server's numbers begin."""
    ends = [F.CLIENT4, F.SERVER4] if options.version == 4 else [F.CLIENT6, F.SERVER6]
    me, you = (0, 1) if p.up else (1, 0)
    extra = b""
    if options.stamps:
        extra += struct.pack("!BBBBII", 1, 1, 8, 10, p.tsval, p.tsecr)
    if p.flags & F.SYN:
        extra += b"\x01\x01\x04\x02"
    if p.sacks:
        extra += struct.pack("!BBBB", 1, 1, 5, 2 + 8 * len(p.sacks))
        for block in p.sacks:
            extra += struct.pack("!II", *((isns[you] + n) & 0xFFFFFFFF for n in block))
    ack = (isns[you] + p.ack) & 0xFFFFFFFF if p.flags & F.ACK else 0
    head = struct.pack(
        "!HHIIBBHHH", ends[me][1], ends[you][1], (isns[me] + p.seq) & 0xFFFFFFFF, ack,
        (5 + len(extra) // 4) << 4, p.flags, 65000, 0, 0)
    more = {"ident": p.ident} if options.version == 4 else {}
    data, kind = F.ip(ends[me][0], ends[you][0], F.TCP_, head + extra + bytes(p.len), **more)
    return F.wrapped([F.ether()], data, kind)


def captured(packets, point, options, isns):
    return [F.Frame(p.at(point), frame(p, options, isns))
            for p in packets if p.at(point) is not None]
