"""QUIC: the halves of its handshake, and round trips of the spin bit only where it spins."""

import random
import struct

import frames as F
import konn
import oracle

C, S = "10.1.0.1", "10.2.0.2"
MS = 1_000_000
V1, V2 = 1, 0x6B3343CF
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = range(4)
CLIENT_ID, FIRST_ID, SERVER_ID = b"\1" * 8, b"\2" * 8, b"\3" * 6


def long_header(kind, to, sender, version=V1, body=bytes(1150)):
    bits = (kind + 1) % 4 if version == V2 else kind
    return (bytes([0xC0 | bits << 4]) + struct.pack(">IB", version, len(to)) + to
            + bytes([len(sender)]) + sender + body)


def short_header(spin, to, size=40):
    return bytes([0x40 | 0x20 * spin]) + to + bytes(size)


class Path:
    """Frames at a capture point between a client and a server."""

    def __init__(self, to_client=10 * MS, to_server=20 * MS):
        self.to_client, self.to_server = to_client, to_server
        self.frames = []

    def add(self, at, way, payload):
        ends = (C, S, 40000, 443) if way == 0 else (S, C, 443, 40000)
        data = F.wrapped([F.ether()], *F.udp(*ends, payload))
        self.frames.append(F.Frame(F.EPOCH + at, data))

    def handshake(self, at=0, version=V1):
        """Leaves the time at which the client may go on."""
        self.add(at, 0, long_header(INITIAL, FIRST_ID, CLIENT_ID, version))
        at += 2 * self.to_server
        self.add(at, 1, long_header(INITIAL, CLIENT_ID, SERVER_ID, version))
        self.add(at + MS // 10, 1, long_header(HANDSHAKE, CLIENT_ID, SERVER_ID, version))
        at += 2 * self.to_client
        self.add(at, 0, long_header(HANDSHAKE, SERVER_ID, CLIENT_ID, version, bytes(60)))
        return at

    def exchange(self, begin, until, step, bits, jitter=lambda: 0):
        """Both send each `step`; bits(way, time, seen) is the spin of a packet, `seen`
        the newest bit that its sender got. Times are those of the capture point."""
        delay = (self.to_client, self.to_server)
        arrivals, seen, events = [], [0, 0], []
        for way in (0, 1):
            events += [(t, way) for t in range(begin + way * step // 3, until, step)]
        for at, way in sorted(events):
            for arrival in [a for a in arrivals if a[0] <= at and a[1] == way]:
                seen[way] = arrival[2]
                arrivals.remove(arrival)
            bit = bits(way, at, seen[way])
            self.add(at + delay[way] + jitter(), way,
                     short_header(bit, (SERVER_ID, CLIENT_ID)[way]))
            arrivals.append((at + sum(delay), 1 - way, bit))
        return self


def spinning(way, _at, seen):
    return seen if way else 1 - seen


class Quic(konn.Case):
    def samples(self, path, *args):
        """Rows of `rtt`, by kind, and the connection."""
        name = self.pcap(path.frames)
        rows = [r for r in konn.Report(konn.run("rtt", "-r", name, "-j", *args)).records
                if r["kind"] == "rtt"]
        conns = self.listed("-r", name).conns
        self.assertEqual(len(conns), 1)
        return ([r for r in rows if r["sample"] == "quic"],
                [r for r in rows if r["sample"] == "spin"], conns[0])


class Handshake(Quic):
    def test_halves(self):
        for version in (V1, V2):
            path = Path()
            path.handshake(version=version)
            quic, spin, row = self.samples(path)
            self.assert_fields(row, service="quic", handshake_server_us=40000,
                               handshake_client_us=20000, rtt_us=60000, quic_spin=None)
            self.assertEqual([(s["side"], s["rtt_us"]) for s in quic],
                             [("server", 40000), ("client", 20000)])
            self.assertEqual(spin, [])

    def test_an_Initial_sent_again_says_nothing(self):
        path = Path()
        path.add(-300 * MS, 0, long_header(INITIAL, FIRST_ID, CLIENT_ID))
        path.handshake()
        quic, _, row = self.samples(path, "--all")
        self.assert_fields(row, handshake_server_us=None, handshake_client_us=20000)
        self.assertEqual([(s["valid"], s.get("reason")) for s in quic],
                         [(False, "retransmitted"), (True, None)])

    def test_a_hello_in_two_datagrams_counts_from_the_last(self):
        path = Path()
        path.add(-MS // 5, 0, long_header(INITIAL, FIRST_ID, CLIENT_ID))
        path.handshake()
        self.assert_fields(self.samples(path)[2], handshake_server_us=40000)

    def test_early_data_is_no_answer(self):
        path = Path()
        path.add(MS, 0, long_header(ZERO_RTT, FIRST_ID, CLIENT_ID))
        path.add(41 * MS, 0, long_header(ZERO_RTT, FIRST_ID, CLIENT_ID))
        path.add(42 * MS, 0, long_header(INITIAL, FIRST_ID, CLIENT_ID))
        path.handshake()
        self.assert_fields(self.samples(path)[2], handshake_server_us=40000,
                           handshake_client_us=20000)

    def test_retry_begins_anew(self):
        path = Path()
        path.add(-60 * MS, 0, long_header(INITIAL, b"\7" * 8, CLIENT_ID))
        path.add(-21 * MS, 1, long_header(RETRY, CLIENT_ID, FIRST_ID, body=bytes(40)))
        path.handshake()
        quic, _, row = self.samples(path)
        self.assertEqual([s["rtt_us"] for s in quic], [39000, 21000, 40000, 20000])
        self.assert_fields(row, handshake_server_us=40000, handshake_client_us=20000)

    def test_captures_give_the_frame_times_of_tshark(self):
        for name in ("tcpdump/quic_handshake.pcap", "tcpdump/quic_retry.pcap",
                     "zeek/quic/chromium-115.0.5790.110-api-cirrus-com.pcap",
                     "zeek/quic/interop/quic-go_quic-go/handshake.pcap"):
            path = self.need_corpus(name)
            if not oracle.have("tshark"):
                self.skipTest("no tshark")
            server = None  # times of the first connection
            initial, client = None, None
            for row in oracle.tshark_fields(
                    path, "quic.long.packet_type",
                    ("frame.time_epoch", "udp.dstport", "quic.long.packet_type")):
                at, to_server = float(row["frame.time_epoch"][0]), row["udp.dstport"] == ["443"]
                first = row["quic.long.packet_type"][0]
                if to_server and first == "0" and server is None:
                    initial = at
                elif not to_server and first == "0" and server is None:
                    server = at
                elif to_server and server and client is None:
                    client = at
            row = next(r for r in self.listed("-r", path).conns
                       if r.get("service") == "quic")
            self.assertAlmostEqual(row["handshake_server_us"], (server - initial) * 1e6,
                                   delta=1, msg=name)
            self.assertAlmostEqual(row["handshake_client_us"], (client - server) * 1e6,
                                   delta=1, msg=name)


class Spin(Quic):
    def path(self, name="t.pcap"):  # of files
        return super().path(name)

    def play(self, bits, step=5 * MS, lasts=3000 * MS, jitter=lambda: 0):
        path = Path()
        begin = path.handshake() + 10 * MS
        path.exchange(begin, begin + lasts, step, bits, jitter)
        return self.samples(path)

    def test_round_trips(self):
        for step in (2 * MS, 7 * MS, 25 * MS):
            _, spin, row = self.play(spinning, step)
            self.assert_fields(row, f"{step} ns", quic_spin="on")
            self.assertGreater(len(spin), 20)
            self.assertEqual({s.get("side") for s in spin}, {None})
            for s in spin: # 60 ms, and until its sender sends the next packet
                self.assertGreaterEqual(s["rtt_us"], 60000)
                self.assertLessEqual(s["rtt_us"], 60000 + 2 * step / 1000)
            self.assertGreaterEqual(row["rtt_us"], 60000)

    def test_overtaken_packets_make_no_edges(self):
        chance = random.Random(7)
        late = lambda: 9 * MS if chance.random() < 0.05 else 0
        _, spin, row = self.play(spinning, 2 * MS, jitter=late)
        self.assert_fields(row, quic_spin="on")
        self.assertGreater(len(spin), 20)
        for s in spin:
            self.assertGreaterEqual(s["rtt_us"], 60000 - 9000)
            self.assertLessEqual(s["rtt_us"], 64000 + 9000)

    def test_a_random_bit_says_nothing(self):
        for seed in range(20):
            chance = random.Random(seed)
            step = (2, 10, 30, 60)[seed % 4] * MS
            _, spin, row = self.play(lambda *_: chance.getrandbits(1), step)
            self.assertEqual(spin, [], seed)
            self.assert_fields(row, f"seed {seed}", quic_spin="off_or_greased",
                               rtt_us=60000)

    def test_a_random_bit_of_one_side_says_nothing(self):
        for greased in (0, 1):
            for seed in range(8):
                chance = random.Random(seed)
                step = (2, 10, 30, 60)[seed % 4] * MS
                bits = lambda way, at, seen: (chance.getrandbits(1) if way == greased
                                              else spinning(way, at, seen))
                _, spin, row = self.play(bits, step)
                self.assertEqual(spin, [], (greased, seed))
                self.assert_fields(row, quic_spin="off_or_greased")

    def test_a_bit_that_stands_says_nothing(self):
        for bits in (lambda way, at, seen: 0, lambda way, at, seen: 1,
                     lambda way, at, seen: way, lambda way, at, seen: 1 - seen if way == 0 else 0):
            _, spin, row = self.play(bits)
            self.assertEqual(spin, [])
            self.assert_fields(row, quic_spin="off_or_greased")

    def test_before_it_is_believed_samples_are_told_as_invalid(self):
        path = Path()
        begin = path.handshake() + 10 * MS
        path.exchange(begin, begin + 2000 * MS, 5 * MS, spinning)
        _, spin, _ = self.samples(path, "--all")
        self.assertEqual({s["reason"] for s in spin if not s["valid"]}, {"greased"})
        self.assertFalse(spin[0]["valid"])

    def test_without_a_handshake_nothing_is_believed(self):
        path = Path()
        path.add(0, 0, long_header(HANDSHAKE, SERVER_ID, CLIENT_ID))
        path.exchange(MS, 1000 * MS, 5 * MS, spinning)
        _, spin, row = self.samples(path)
        self.assertEqual(spin, [])
        self.assert_fields(row, quic_spin=None)

    def test_a_greased_capture(self):
        folder = self.need_corpus("zeek/quic")
        for name in sorted(folder.glob("*.pcap")):
            rows = konn.Report(konn.run("rtt", "-r", name, "-j")).records
            self.assertEqual([r for r in rows if r.get("sample") == "spin"], [], name)


if __name__ == "__main__":
    konn.main()
