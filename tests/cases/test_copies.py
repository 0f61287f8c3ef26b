"""Packets seen more than once are counted once (T7); drops are shown (P10)."""

import copy
import struct

import capture
import frames as F
import konn

PORTS = ("veth1", "br0", "eth0")


def identified(version=4, **options):
    """A conversation whose packets can be told apart: IP ids and timestamps."""
    t = F.talk(version, **options)
    t.sent = 0
    plain = t.send

    def send(way, flags, payload=b"", **fields):
        t.sent += 1
        if version == 4:
            fields.setdefault("ident", t.sent)
        stamp = struct.pack("!BBBBII", 1, 1, 8, 10, t.sent, t.sent)
        fields["options"] = fields.get("options", b"") + stamp
        return plain(way, flags, payload, **fields)

    t.send = send
    return t


def exchange(version=4, **options):
    return identified(version, **options).open().data(0, 3000).data(1, 30000).close()


def copies(frames, number, gap=20_000):
    """Each frame once more on each of `number` further interfaces."""
    made = []
    for f in frames:
        for i in range(number + 1):
            twin = copy.copy(f)
            twin.interface, twin.ts = i, f.ts + i * gap
            made.append(twin)
    return made


class Interfaces(konn.Case):
    def check(self, path, talk, total, copied):
        report = self.listed("-r", path)
        self.assertEqual(len(report.conns), 1, [konn.brief(r) for r in report.conns])
        row = report.conns[0]
        self.assert_talk(row, talk)
        self.assert_fields(row, conn_state="SF")
        self.assert_fields(report.summary, packets=total, parsed=total, copies=copied)
        self.assertNotIn("t", row["history"].lower(), "a copy is no retransmission")
        return row

    def test_pcapng_two_and_three(self):
        for version in (4, 6):
            for extra in (1, 2):
                t = exchange(version)
                frames = copies(t.frames, extra)
                path = self.pcapng(frames, [capture.Interface(n) for n in PORTS])
                row = self.check(path, t, len(frames), extra * len(t.frames))
                self.assertEqual(row["interface"], PORTS[0])
                self.assertEqual(sorted(row["seen_in"]), sorted(PORTS[:extra + 1]))

    def test_without_ids_or_timestamps(self):
        """The interface is known, so nothing in the packet need tell the copies."""
        t = F.standard()
        frames = copies(t.frames, 1, gap=3_000_000)
        path = self.pcapng(frames, [capture.Interface(n) for n in PORTS[:2]])
        self.check(path, t, len(frames), len(t.frames))

    def test_udp(self):
        frames = []
        for n in range(10):
            data, kind = F.udp("10.0.0.1", "10.0.0.2", 5000, 6000, bytes(100))
            back, _ = F.udp("10.0.0.2", "10.0.0.1", 6000, 5000, bytes(50))
            frames.append(F.Frame(F.EPOCH + n * 10**7, F.wrapped([F.ether()], data, kind)))
            frames.append(F.Frame(F.EPOCH + n * 10**7 + 10**6,
                                  F.wrapped([F.ether()], back, kind, 1)))
        path = self.pcapng(copies(frames, 1), [capture.Interface(n) for n in PORTS[:2]])
        report = self.listed("-r", path)
        row, = report.conns
        self.assert_fields(row, orig_bytes=1000, resp_bytes=500, orig_pkts=10)
        self.assertEqual(report.summary["copies"], len(frames))

    def test_each_direction_has_its_own_first_interface(self):
        """Asymmetric: requests enter by one interface, answers by another."""
        t = exchange()
        for f in t.frames:
            f.interface = int(f.data[:6] == F.MACS[0])
        path = self.pcapng(t.frames, [capture.Interface(n) for n in PORTS[:2]])
        self.check(path, t, len(t.frames), 0)

    def test_another_interface_takes_over_after_a_second(self):
        t = F.talk().open().data(0, 1000)
        t.interface, t.now = 1, t.now + 2 * F.SECOND
        t.data(0, 2000).close()
        path = self.pcapng(t.frames, [capture.Interface(n) for n in PORTS[:2]])
        self.check(path, t, len(t.frames), 0)

    def test_sll2_any(self):
        """What `tcpdump -i any` writes on a router: in on one interface, out on another."""
        def sll2(index, outgoing):
            def wrap(data, kind, way):
                return struct.pack("!HHIHBB8s", kind, 0, index, 1, outgoing, 6,
                                   F.MACS[way]) + data, F.TEB
            return wrap

        for version in (4, 6):
            one = exchange(version, layers=[sll2(2, 0)])
            two = exchange(version, layers=[sll2(3, 4)], start=F.EPOCH + 15_000)
            frames = one.frames + two.frames
            path = self.pcap(frames, linktype=capture.SLL2)
            self.check(path, one, len(frames), len(one.frames))


class Mirrors(konn.Case):
    """One interface that shows packets twice: told by id and timestamp."""

    def test_mirrored_port(self):
        t = exchange()
        frames = [f for x in copies(t.frames, 1, 30_000)
                  for f in [F.Frame(x.ts, x.data)]]
        report = self.listed("-r", self.pcap(frames))
        row, = report.conns
        self.assert_talk(row, t)
        self.assertEqual(report.summary["copies"], len(t.frames))

    def test_real_retransmissions_are_no_copies(self):
        t = identified().open()
        for _ in range(4):
            t.send(0, F.PSH | F.ACK, bytes(1000))
            again = t.send(0, F.PSH | F.ACK, bytes(1000), seq=t.side[0].seq - 1000)
            self.assertEqual(again.wire, t.frames[-2].wire)
            t.send(1, F.ACK)
        t.close()
        report = self.listed("-r", self.pcap(t.frames))
        row, = report.conns
        self.assert_fields(row, orig_bytes=8000, conn_state="SF")
        self.assertEqual(report.summary["copies"], 0)
        self.assertIn("T", row["history"])

    def test_acks_of_a_sender_with_a_constant_ip_id(self):
        """Another acknowledgement number is another packet, however alike the rest."""
        t = F.talk(step=10_000)
        t.over = {"ident": 1}
        t.open().data(1, 20_000).close()
        report = self.listed("-r", self.pcap(t.frames))
        self.assert_talk(report.conns[0], t)
        self.assertEqual(report.summary["copies"], 0)

    def test_late_repetition_is_no_copy(self):
        """Beyond 1 ms an identical packet is the network's or sender's repetition."""
        t = identified().open()
        f = t.send(0, F.PSH | F.ACK, bytes(1000))
        t.frames.append(F.Frame(f.ts + 200_000_000, f.data))
        t.now = f.ts + 300_000_000
        t.send(1, F.ACK)
        t.close()
        report = self.listed("-r", self.pcap(t.frames))
        self.assertEqual(report.conns[0]["orig_bytes"], 2000)
        self.assertEqual(report.summary["copies"], 0)


class Drops(konn.Case):
    """What the capturing program lost is in the summary."""

    def summary(self, *interfaces):
        frames = F.standard().frames
        return self.listed("-r", self.pcapng(frames, list(interfaces))).summary

    def test_none(self):
        self.assert_fields(self.summary(capture.Interface("a")), ring_drops=0,
                           interface_drops=0)

    def test_operating_system(self):
        s = self.summary(capture.Interface("a", osdrop=7, ifrecv=100))
        self.assertEqual(s["ring_drops"], 7)

    def test_interface(self):
        s = self.summary(capture.Interface("a", ifdrop=5, ifrecv=100))
        self.assertEqual(s["ring_drops"] + s["interface_drops"], 5)

    def test_several_interfaces_and_64_bits(self):
        s = self.summary(capture.Interface("a", osdrop=2**33),
                         capture.Interface("b", osdrop=11))
        self.assertEqual(s["ring_drops"], 2**33 + 11)

    def test_text_says_so_too(self):
        path = self.pcapng(F.standard().frames, [capture.Interface("a", osdrop=4711)])
        result = konn.run("list", "-r", path)
        self.assertIn("4711", result.err.replace(",", ""))


if __name__ == "__main__":
    konn.main()
