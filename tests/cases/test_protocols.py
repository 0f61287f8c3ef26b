"""Everything that is not TCP: UDP, ICMP, other IP protocols, ICMP errors, fragments."""

import struct

import frames as F
import konn

C4, S4, C6, S6 = "10.1.0.1", "10.2.0.2", "2001:db8:1::1", "2001:db8:2::2"
PAIRS = {4: (C4, S4), 6: (C6, S6)}


def frames_of(*packets, step=10_000_000, layers=None):
    """Each packet is (data, ethertype); way is told from its MACs being irrelevant."""
    layers = layers or [F.ether()]
    return [F.Frame(F.EPOCH + n * step, F.wrapped(layers, *p))
            for n, p in enumerate(packets)]


class Udp(konn.Case):
    def exchange(self, version):
        c, s = PAIRS[version]
        return frames_of(
            F.udp(c, s, 40000, 5353, bytes(100)),
            F.udp(s, c, 5353, 40000, bytes(250)),
            F.udp(c, s, 40000, 5353, bytes(1)),
        )

    def test_two_way(self):
        for version in (4, 6):
            head = 28 if version == 4 else 48
            row = self.row(self.exchange(version))
            c, s = PAIRS[version]
            self.assert_fields(
                row, proto="udp", id__orig_h=c, id__orig_p=40000, id__resp_h=s,
                id__resp_p=5353, orig_bytes=101, resp_bytes=250, orig_pkts=2,
                resp_pkts=1, orig_ip_bytes=101 + 2 * head, resp_ip_bytes=250 + head,
                conn_state="SF", history="Dd")

    def test_one_way_is_S0(self):
        row = self.row(self.exchange(4)[:1])
        self.assert_fields(row, conn_state="S0", history="D", resp_bytes=0, resp_pkts=0)

    def test_tcp_counters_are_absent(self):
        row = self.row(self.exchange(4))
        tcp = self.row(F.standard().frames)
        for key in ("orig_retrans_pkts", "orig_window", "orig_mss", "orig_dup_acks",
                    "missed_bytes", "orig_flags", "orig_state"):
            self.assertNotIn(key, row)
        for key in ("orig_window", "orig_mss", "missed_bytes", "orig_flags"):
            self.assertIn(key, tcp)

    def test_empty_datagram(self):
        row = self.row(frames_of(F.udp(C4, S4, 40000, 9999, b"")))
        self.assert_fields(row, orig_bytes=0, orig_pkts=1, orig_ip_bytes=28)

    def test_port_0_and_port_65535(self):
        row = self.row(frames_of(F.udp(C4, S4, 0, 65535, b"x")))
        ports = {row["id.orig_p"], row["id.resp_p"]}
        self.assertEqual(ports, {0, 65535})


class Icmp(konn.Case):
    def pings(self, version, idents, answered=True):
        c, s = PAIRS[version]
        packets = []
        for ident in idents:
            for seq in (1, 2):
                packets.append(F.echo(c, s, ident, seq))
                if answered:
                    packets.append(F.echo(s, c, ident, seq, reply=True))
        return frames_of(*packets)

    def test_echo_is_one_row_with_its_id(self):
        for version, proto, kind in ((4, "icmp", 8), (6, "icmp6", 128)):
            c, s = PAIRS[version]
            row = self.row(self.pings(version, [4711]))
            self.assert_fields(
                row, proto=proto, id__orig_h=c, id__resp_h=s, icmp_id=4711,
                icmp_type=kind, icmp_code=0, orig_pkts=2, resp_pkts=2,
                orig_bytes=112, resp_bytes=112, id__orig_p=None, id__resp_p=None)

    def test_two_ids_are_two_rows(self):
        for version in (4, 6):
            rows = self.rows(self.pings(version, [1, 2]))
            self.assertEqual(sorted(r["icmp_id"] for r in rows), [1, 2])

    def test_unanswered(self):
        row = self.row(self.pings(4, [9], answered=False))
        self.assert_fields(row, orig_pkts=2, resp_pkts=0, resp_bytes=0)

    def test_id_0_is_present(self):
        self.assert_fields(self.row(self.pings(4, [0])), icmp_id=0)

    def test_reply_seen_first_keeps_the_direction(self):
        row = self.row(frames_of(F.echo(S4, C4, 5, 1, reply=True)))
        self.assert_fields(row, id__orig_h=C4, id__resp_h=S4, orig_pkts=0, resp_pkts=1)


class OtherProtocols(konn.Case):
    def test_names(self):
        for number, name in ((50, "esp"), (89, "ospf"), (2, "igmp"), (112, "vrrp")):
            rows = self.rows(frames_of(F.ip(C4, S4, number, bytes(40)),
                                       F.ip(S4, C4, number, bytes(60))))
            self.assertEqual(len(rows), 1, name)
            self.assert_fields(rows[0], proto=name, id__orig_h=C4, id__resp_h=S4,
                               id__orig_p=None, id__resp_p=None, orig_bytes=40,
                               resp_bytes=60, orig_ip_bytes=60, resp_ip_bytes=80)

    def test_number_without_a_name(self):
        row = self.row(frames_of(F.ip(C4, S4, 253, bytes(10))))
        self.assertIn("253", str(row["proto"]))

    def test_ipv6(self):
        row = self.row(frames_of(F.ip(C6, S6, 50, bytes(40))))
        self.assert_fields(row, proto="esp", orig_bytes=40, orig_ip_bytes=80)

    def test_protocols_do_not_mix(self):
        rows = self.rows(frames_of(F.ip(C4, S4, 50, bytes(9)), F.ip(C4, S4, 51, bytes(24)),
                                   F.ip(C4, S4, 132, bytes(30))))
        self.assertEqual(len(rows), 3)


def icmp_error(reporter, to, kind, code, quoted):
    """`quoted` is the packet that the error is about; as much of it as routers send."""
    size = 28 if ":" not in to else 48
    return F.icmp(reporter, to, kind, code, bytes(4) + quoted[:size])


class IcmpErrors(konn.Case):
    """Errors are no rows of their own but a mark on the flow that they quote."""

    ERRORS = {4: (3, 3), 6: (1, 4)}  # port unreachable

    def test_port_unreachable_on_udp(self):
        for version, (kind, code) in self.ERRORS.items():
            c, s = PAIRS[version]
            asked = F.udp(c, s, 40000, 9, bytes(30))
            row = self.row(frames_of(asked, icmp_error(s, c, kind, code, asked[0])))
            self.assert_fields(row, proto="udp", icmp_error="port_unreachable",
                               orig_pkts=1, resp_pkts=0, orig_bytes=30, id__orig_h=c)

    def test_from_a_router_on_the_way(self):
        asked = F.udp(C4, S4, 40000, 9, bytes(30))
        row = self.row(frames_of(asked, icmp_error("10.99.0.1", C4, 3, 1, asked[0])))
        self.assert_fields(row, id__orig_h=C4, id__resp_h=S4, orig_pkts=1)
        self.assertIn("host", row["icmp_error"])

    def test_refused_syn(self):
        for version, (kind, code) in self.ERRORS.items():
            t = F.talk(version)
            syn = t.send(0, F.SYN)
            c, s = PAIRS[version]
            error = icmp_error(s, c, kind, code, syn.data[14:])
            frames = [syn, F.Frame(t.now, F.wrapped([F.ether()], *error))]
            row = self.row(frames)
            self.assert_fields(row, icmp_error="port_unreachable", orig_pkts=1,
                               resp_pkts=0, orig_state="CLOSED")
            self.assertIn(row["conn_state"], ("REJ", "S0"))

    def test_too_big_refuses_nothing(self):
        """Path MTU discovery is part of a sound connection."""
        t = F.talk().open()
        big = t.send(0, F.PSH | F.ACK, bytes(1400), frag=0x4000)
        error = F.icmp("10.99.0.1", C4, 3, 4,
                       struct.pack("!HH", 0, 1280) + big.data[14:42])
        t.frames.append(F.Frame(t.now, F.wrapped([F.ether()], *error)))
        t.now += t.step
        t.data(1, 10).close()
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF", orig_bytes=1400, resp_bytes=10)

    def test_error_without_its_flow_is_no_row(self):
        asked = F.udp(C4, S4, 40000, 9, bytes(30))
        report = self.listed("-r", self.pcap(
            frames_of(icmp_error(S4, C4, 3, 3, asked[0]))))
        self.assertEqual([r["proto"] for r in report.conns if r["orig_pkts"]], [])
        self.assertEqual(report.summary["parsed"], 1)

    def test_nat_and_ends_are_not_swapped(self):
        """The quoted packet tells the direction, not the error's own header."""
        asked = F.udp(S4, C4, 9, 40000, bytes(30))
        both = frames_of(F.udp(C4, S4, 40000, 9, bytes(5)), asked,
                         icmp_error(C4, S4, 3, 3, asked[0]))
        row = self.row(both)
        self.assert_fields(row, id__orig_h=C4, orig_pkts=1, resp_pkts=1, orig_bytes=5,
                           resp_bytes=30, icmp_error="port_unreachable")


def fragments4(ident, size=4000, mtu=1500, sport=40000, tunnel=None):
    segment = F.udp_segment(C4, S4, sport, 6000, bytes(size))
    step = (mtu - 20) // 8 * 8
    pieces = []
    for at in range(0, len(segment), step):
        more = 0x2000 if at + step < len(segment) else 0
        pieces.append(F.ip(C4, S4, F.UDP_, segment[at:at + step], ident=ident,
                           frag=more | at // 8))
    return pieces


def fragments6(ident, size=4000, sport=40000):
    segment = F.udp_segment(C6, S6, sport, 6000, bytes(size))
    pieces = []
    for at in range(0, len(segment), 1448):
        more = int(at + 1448 < len(segment))
        head = (44, struct.pack("!HI", at | more, ident))
        pieces.append(F.ip(C6, S6, F.UDP_, segment[at:at + 1448], extensions=[head]))
    return pieces


class Fragments(konn.Case):
    def check(self, pieces, payload, ip_bytes):
        row = self.row(frames_of(*pieces))
        self.assert_fields(row, proto="udp", id__orig_p=40000, id__resp_p=6000,
                           orig_bytes=payload, orig_pkts=len(pieces),
                           orig_ip_bytes=ip_bytes, resp_pkts=0)

    def test_ipv4_in_order(self):
        pieces = fragments4(77)
        self.assertEqual(len(pieces), 3)
        self.check(pieces, 4000, 4008 + 3 * 20)

    def test_ipv6_in_order(self):
        pieces = fragments6(77)
        self.assertEqual(len(pieces), 3)
        self.check(pieces, 4000, 4008 + 3 * 48)

    def test_two_datagrams_interleaved(self):
        one, two = fragments4(1), fragments4(2)
        mixed = [p for pair in zip(one, two) for p in pair]
        self.check(mixed, 8000, 2 * (4008 + 60))

    def test_two_flows_do_not_mix(self):
        one, two = fragments4(1), fragments4(2, size=3000, sport=40001)
        mixed = [p for pair in zip(one, two) for p in pair]
        rows = self.rows(frames_of(*mixed, *one[len(two):]))
        found = {r["id.orig_p"]: r["orig_bytes"] for r in rows}
        self.assertEqual(found, {40000: 4000, 40001: 3000})

    def test_same_id_from_another_host_is_another_datagram(self):
        one = fragments4(5)
        stray = F.ip("10.8.8.8", S4, F.UDP_, bytes(1480), ident=5, frag=0x2000 | 185)
        report = self.listed("-r", self.pcap(frames_of(one[0], stray, *one[1:])))
        row, = [r for r in report.conns if r["proto"] == "udp"]
        self.assert_fields(row, orig_bytes=4000, orig_pkts=3)

    def test_in_vlan(self):
        layers = [F.vlan(12), F.ether()]
        row = self.row(frames_of(*fragments4(77), layers=layers))
        self.assert_fields(row, orig_bytes=4000, vlan=["12"])

    def test_later_fragments_alone_are_counted(self):
        """Without the first fragment there are no ports; the packets are still counted."""
        report = self.listed("-r", self.pcap(frames_of(*fragments4(77)[1:])))
        self.assertEqual(report.summary["packets"], 2)
        self.assertEqual([r for r in report.conns if r["proto"] == "udp"], [])

    def test_fragmented_tcp_segment(self):
        """The flags are in the first fragment, the length in all of them."""
        t = F.talk().open()
        whole = t.send(0, F.PSH | F.ACK, bytes(2000), ident=9)
        t.frames.pop()
        segment = whole.data[34:]
        cut = 1480
        for at, frag in ((0, 0x2000), (cut, cut // 8)):
            piece = F.ip(C4, S4, F.TCP_, segment[at:at + cut], ident=9, frag=frag)
            t.frames.append(F.Frame(t.now, F.wrapped([F.ether()], *piece)))
            t.now += t.step
        t.send(1, F.ACK)
        t.close()
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF", orig_bytes=2000, missed_bytes=0)


if __name__ == "__main__":
    konn.main()
