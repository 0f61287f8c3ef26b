"""Flags that are rare in captures: made conversations, counted by konn as tshark does.

Each of CAPTURES captures has one conversation of every kind below, at random sizes,
windows and times, and each conversation is compared by itself. Then random segments
without sense: there konn, which keeps no list of segments, may differ in a few.
Set SEED to repeat a run that failed.
"""

import collections
import os
import random

import frames as F
import konn
import oracle

CAPTURES = 21
LEAST = 20  # captures in which each flag must be
NONSENSE, MOST_DIFFERENT = 600, 0.005  # conversations; share that may differ
MS = 1_000_000
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
COUNTERS = {  # column of konn: fields of tshark
    "again": "retransmission out_of_order",
    "fast_retrans": "fast_retransmission",
    "spurious": "spurious_retransmission",
    "lost_segments": "lost_segment",
    "acked_lost": "ack_lost_segment",
    "dup_acks": "duplicate_ack",
    "zero_windows": "zero_window",
    "zero_window_probes": "zero_window_probe",
    "zero_window_probe_acks": "zero_window_probe_ack",
    "window_full": "window_full",
    "window_updates": "window_update",
    "keepalives": "keep_alive",
    "keepalive_acks": "keep_alive_ack",
    "reused_ports": "reused_ports",
}
FIELDS = [f"tcp.analysis.{f}" for flags in COUNTERS.values() for f in flags.split()]
ENDS = "tcp.srcport tcp.dstport ip.src ipv6.src".split()


class Wire(F.Talk):
    """A conversation with windows that stay, distinct IP ids and random times."""

    def __init__(self, rng, number, version=4):
        hosts = (("10.1.0.1", "10.2.0.2") if version == 4
                 else ("2001:db8:1::1", "2001:db8:2::2"))
        super().__init__((hosts[0], 10000 + number), (hosts[1], 80),
                         start=F.EPOCH + number * MS, step=0)
        self.rng, self.version, self.ident = rng, version, 0
        self.window = [rng.randrange(20_000, 60_000) for _ in range(2)]
        self.scale = rng.choice([None, 0, 3, 7])

    def put(self, way, flags=F.ACK, size=0, ms=(2, 40), **fields):
        self.now += self.rng.randrange(ms[0] * MS, ms[1] * MS)
        fields.setdefault("window", self.window[way])
        if self.version == 4:
            self.ident += 1
            fields["ident"] = self.ident
        self.send(way, flags, bytes(size), **fields)

    def start(self):
        options = b"" if self.scale is None else b"\x01\x03\x03" + bytes([self.scale])
        self.put(0, F.SYN, options=options)
        self.put(1, F.SYN | F.ACK, options=options)
        self.put(0)
        return self

    def room(self, way):
        """Bytes that `way` offers."""
        return self.window[way] << (self.scale or 0)

    def chat(self, turns=3):
        for _ in range(self.rng.randrange(1, turns + 1)):
            way = self.rng.randrange(2)
            self.put(way, F.PSH | F.ACK, self.rng.randrange(2, 1400))
            self.put(1 - way)
        return self


def lossy(w, rng):
    """The gap is told, the acknowledgements repeat, the repair is fast."""
    w.start().chat()
    way = rng.randrange(2)
    size = rng.randrange(100, 1400)
    hole = w.side[way].seq
    w.put(way, F.ACK, size, seq=hole + size)
    for _ in range(rng.randrange(3, 6)):
        w.put(1 - way, ack=hole, ms=(2, 5))
        w.put(way, F.ACK, size, ms=(2, 5))
    w.put(1 - way, ack=hole, ms=(2, 5))
    w.put(way, F.ACK, size, seq=hole, ms=(2, 15))
    w.put(1 - way)
    w.chat()


def missed(w, rng):
    """Segments that took another way are acknowledged."""
    w.start().chat()
    for _ in range(rng.randrange(1, 4)):
        way = rng.randrange(2)
        w.put(way, F.ACK, rng.randrange(2, 1400))
        w.side[way].seq += rng.randrange(1, 3) * 1400
        w.put(1 - way)
        w.put(way, F.ACK, rng.randrange(2, 1400))
        w.put(1 - way)


def needless(w, rng):
    w.start().chat()
    for _ in range(rng.randrange(1, 4)):
        way = rng.randrange(2)
        before, size = w.side[way].seq, rng.randrange(2, 1400)
        w.put(way, F.ACK, size)
        w.put(1 - way)
        w.put(way, F.ACK, size, seq=before, ms=(200, 900))
        w.put(1 - way)


def closed(w, rng):
    """The window closes, is probed, and opens again."""
    w.start().chat()
    way = rng.randrange(2)
    again = w.window[1 - way]
    w.put(way, F.ACK, rng.randrange(2, 1400))
    w.window[1 - way] = 0
    w.put(1 - way)
    for _ in range(rng.randrange(1, 4)):
        end = w.side[way].seq
        w.put(way, F.ACK, 1, ms=(200, 400))
        w.side[way].seq = end  # it is not taken
        w.put(1 - way)
    w.window[1 - way] = again
    w.put(1 - way)
    w.chat()


def filled(w, rng):
    w.window = [rng.randrange(2_000, 4_000) for _ in range(2)]
    w.scale = rng.choice([None, 0, 1, 2])
    w.start()
    way = rng.randrange(2)
    w.put(1 - way)
    for _ in range(rng.randrange(1, 3)):
        left = w.room(1 - way)
        while left:
            part = min(left, rng.randrange(2, 1400))
            w.put(way, F.ACK, part, ms=(2, 5))
            left -= part
        w.put(1 - way)


def idle(w, rng):
    w.start().chat()
    for _ in range(rng.randrange(1, 4)):
        way = rng.randrange(2)
        w.put(way, F.ACK, rng.randrange(2), seq=w.side[way].seq - 1, ms=(1000, 9000))
        w.put(1 - way)


def reopened(w, rng):
    """The same ports for another connection: at once, after a reset, after a close."""
    for _ in range(rng.randrange(1, 4)):
        w.start().chat()
        if rng.randrange(2):
            w.put(rng.randrange(2), F.RST | F.ACK)
        for side in w.side:
            side.seq += rng.randrange(100_000, 9_000_000)
    w.start()


def silent(w, rng):
    """Nobody answers."""
    for _ in range(rng.randrange(2, 6)):
        w.put(0, F.SYN, seq=77, ms=(900, 1100))


def one_way(w, rng):
    """Only one side passes here."""
    acked = 50_000
    for _ in range(rng.randrange(4, 12)):
        acked += rng.choice([0, 1400, 2800])
        w.put(1, ack=acked, window=rng.choice([w.window[1], w.window[1], 0, 500]))
        if rng.randrange(4) == 0:
            w.put(1, F.ACK, 20, ack=acked, seq=w.side[1].seq + rng.choice([0, 0, 0, 20]))


KINDS = (lossy, missed, needless, closed, filled, idle, reopened, silent, one_way)


def nonsense(w, rng):
    if rng.randrange(5):
        w.start()
    for _ in range(rng.randrange(2, 12)):
        way = rng.randrange(2)
        me, you = w.side[way], w.side[1 - way]
        if rng.randrange(3) == 0:
            w.window[way] = rng.choice([0, 10, 30, 31])
        flags = rng.choice([F.ACK] * 20 + [F.ACK | F.FIN, F.ACK | F.PSH])
        w.put(way, flags, rng.choice([0, 0, 0, 1, 10, 10, 20, 30]),
              seq=me.seq + rng.choice([0] * 8 + [-20, -10, -1, 1, 10]),
              ack=you.seq + rng.choice([0] * 8 + [-10, 10]),
              ms=rng.choice([(2, 3), (4, 25), (200, 300)]))


def by_tshark(path):
    """{(client port, way): Counter of flags}"""
    found = collections.defaultdict(collections.Counter)
    for row in oracle.tshark_fields(path, "tcp", ENDS + FIELDS):
        way = int(row["tcp.srcport"][0] == "80")
        port = int(row["tcp.dstport" if way else "tcp.srcport"][0])
        for counter, flags in COUNTERS.items():
            found[port, way][counter] += sum(
                bool(row[f"tcp.analysis.{f}"]) for f in flags.split())
    return found


def by_konn(rows):
    found = collections.defaultdict(collections.Counter)
    for row in rows:
        for side in ("orig", "resp"):
            way = int(row[f"id.{side}_p"] == 80)
            port = row["id.resp_p" if (side == "orig") == way else "id.orig_p"]
            for counter in COUNTERS:
                columns = (("retrans_pkts", "out_of_order") if counter == "again"
                           else (counter,))
                found[port, way][counter] += sum(row[f"{side}_{c}"] for c in columns)
    return found


class Experts(konn.Case):
    def setUp(self):
        super().setUp()
        if not oracle.have("tshark"):
            self.skipTest("no tshark")

    def both(self, wires, name):
        path = self.pcap([f for w in wires for f in w.frames], name=name)
        return by_konn(self.listed("-r", path).conns), by_tshark(path)

    def test_rare_flags(self):
        rng, captures = random.Random(SEED), collections.Counter()
        for capture in range(CAPTURES):
            wires = []
            for number, kind in enumerate(KINDS):
                wires.append(Wire(rng, number, rng.choice([4, 6])))
                kind(wires[-1], rng)
            ours, theirs = self.both(wires, f"{capture}.pcap")
            for (port, way), flags in theirs.items():
                self.assertEqual(+ours[port, way], +flags, f"SEED={SEED} capture {capture} "
                                 f"{KINDS[port - 10000].__name__} way {way}")
            captures.update({c for flags in theirs.values() for c in +flags})
        for counter in COUNTERS:
            self.assertGreaterEqual(captures[counter], LEAST, f"{counter} SEED={SEED}")

    def test_nonsense(self):
        rng = random.Random(SEED)
        wires = [Wire(rng, n) for n in range(NONSENSE)]
        for w in wires:
            nonsense(w, rng)
        ours, theirs = self.both(wires, "nonsense.pcap")
        different = {port for port, way in theirs if +ours[port, way] != +theirs[port, way]}
        self.assertLessEqual(len(different), MOST_DIFFERENT * NONSENSE,
                             f"SEED={SEED} ports {sorted(different)}")


if __name__ == "__main__":
    konn.main()
