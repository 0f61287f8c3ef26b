"""Round trips where they are easily wrong: one way only, clocks that run back, numbers
that wrap. The model below knows the true halves of the path."""

import json
import random
import struct

import capture
import frames as F
import konn

MS = 1_000_000
CLIENT_MS, SERVER_MS = 6, 60  # round trips between the capture point and each end


def stamps(tsval, tsecr):
    mask = 0xFFFFFFFF
    return struct.pack("!BBBBII", 1, 1, 8, 10, tsval & mask, tsecr & mask)


class Path:
    """A request and its answer, again and again, seen between client and server."""

    def __init__(self, version=4, isn=1000, clock=5000, timestamps=True):
        self.t = F.talk(version, step=0)
        self.t.side[0].seq, self.t.side[1].seq = isn, isn + 77
        self.clock, self.timestamps = clock, timestamps
        self.echo = [0, 0]  # last TSval of the other side
        self.ways = []

    def send(self, way, at_ms, flags, payload=b""):
        """`at_ms` is when it passes here; its sender stamped it half a trip before."""
        options = b""
        if self.timestamps:
            sent = at_ms - (CLIENT_MS, SERVER_MS)[way] / 2
            tsval = self.clock + 1000 * way + int(sent)
            options = stamps(tsval, self.echo[way])
            self.echo[1 - way] = tsval
        self.t.now = F.EPOCH + int(at_ms * MS)
        self.t.send(way, flags, payload, options=options)
        self.ways.append(way)

    def play(self, turns=20, think_ms=15):
        self.send(0, 0, F.SYN)
        self.send(1, SERVER_MS, F.SYN | F.ACK)
        self.send(0, SERVER_MS + CLIENT_MS, F.ACK)
        at = 200
        for _ in range(turns):
            self.send(0, at, F.PSH | F.ACK, bytes(300))
            self.send(1, at + SERVER_MS, F.ACK)
            self.send(1, at + SERVER_MS + think_ms, F.PSH | F.ACK, bytes(900))
            self.send(0, at + SERVER_MS + think_ms + CLIENT_MS, F.ACK)
            at += 150
        return self


def measured(row):
    """What a row says of round trips, losses and the experts' counters."""
    words = ("rtt", "handshake", "connect", "queue", "lost", "reordered", "retrans",
             "spurious", "dup", "rto", "tlp", "window", "keepalive", "order")
    return {k: v for k, v in row.items() if any(w in k for w in words)}


class Roundtrips(konn.Case):
    def samples(self, path, *args):
        result = konn.run("rtt", "-r", path, "-j", *args)
        self.assertEqual(result.code, 0, result.err)
        records = [json.loads(line) for line in result.lines]
        return [r for r in records if r["kind"] == "rtt"]

    def test_halves_are_true(self):
        for version in (4, 6):
            for timestamps in (True, False):
                path = Path(version, timestamps=timestamps).play()
                row = self.row(path.t.frames)
                note = f"v{version} timestamps {timestamps}"
                self.assert_fields(
                    row, note, client_rtt_min_us=CLIENT_MS * 1000,
                    server_rtt_min_us=SERVER_MS * 1000,
                    handshake_client_us=CLIENT_MS * 1000,
                    handshake_server_us=SERVER_MS * 1000,
                    connect_us=(CLIENT_MS + SERVER_MS) * 1000,
                    rtt_us=(CLIENT_MS + SERVER_MS) * 1000)

    def test_one_way_has_none(self):
        """Neither half of a conversation alone can say how far the other end is."""
        for version in (4, 6):
            for timestamps in (True, False):
                path = Path(version, timestamps=timestamps).play()
                for way in (0, 1):
                    frames = [f for f, w in zip(path.t.frames, path.ways) if w == way]
                    row = self.row(frames)
                    found = [k for k in row if "rtt_" in k or "handshake_" in k
                             or k.endswith("_queue_us") or k in ("rtt_us", "connect_us")]
                    found = [k for k in found if not k.endswith(("samples", "ambiguous"))]
                    self.assertEqual(found, [], f"v{version} way {way}")
                    self.assertEqual(row.get("client_rtt_samples", 0), 0)
                    self.assertEqual(row.get("server_rtt_samples", 0), 0)
                    self.assertEqual(self.samples(self.pcap(frames), "--all"), [])

    def test_clock_that_runs_back(self):
        """Steps of seconds at random places: no sample crosses one, none is negative."""
        seed = random.randrange(1 << 30)
        rng = random.Random(seed)
        true = {CLIENT_MS * 1000, SERVER_MS * 1000}
        for timestamps in (True, False):
            path = Path(timestamps=timestamps).play()
            frames = path.t.frames
            for step in rng.sample(range(5, len(frames)), 6):
                back = rng.choice((1, 3, 7)) * F.SECOND // 2
                for f in frames[step:]:
                    f.ts -= back
            name = capture.write_pcap(self.path(), frames)
            everything = self.samples(name, "--all")
            valid = [s for s in everything if s["valid"]]
            self.assertGreater(len(valid), 20, f"seed {seed}")
            for s in everything:
                self.assertGreaterEqual(s.get("rtt_us", 0), 0, f"seed {seed}")
            for s in valid:
                if s["sample"] == "seq":
                    self.assertIn(s["rtt_us"], true, f"seed {seed}: {s}")

    def test_wraps_change_nothing(self):
        """Sequence numbers and timestamps that wrap in mid-flow measure the same."""
        plain = measured(self.row(Path().play(60).t.frames))
        self.assertGreater(plain["client_rtt_samples"], 50)
        for isn, clock in ((2**32 - 5000, 5000), (1000, 2**32 - 4000),
                           (2**31 - 5000, 2**31 - 4000), (2**32 - 9000, 2**32 - 2500)):
            wrapped = measured(self.row(Path(isn=isn, clock=clock).play(60).t.frames))
            self.assertEqual(wrapped, plain, f"isn {isn} clock {clock}")


if __name__ == "__main__":
    konn.main()
