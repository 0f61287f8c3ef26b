"""The innermost TCP connection is found and counted whatever it is wrapped in."""

import os
import shutil
import tempfile

import capture
import frames as F
import konn
import oracle

A, B = "192.0.2.1", "192.0.2.2"
A6, B6 = "2001:db8:a::1", "2001:db8:a::2"
GENEVE_OPTION = bytes([1, 2, 3, 1]) + b"abcd"

# name: layers, vlan ids, tunnels; each is tried with an IPv4 and an IPv6 connection.
STACKS = {
    "plain": ([F.ether()], [], []),
    "vlan": ([F.vlan(100), F.ether()], ["100"], []),
    "vlan_priority": ([F.vlan(100, priority=5), F.ether()], ["100"], []),
    "qinq": ([F.vlan(200), F.vlan(100, F.QINQ), F.ether()], ["100", "200"], []),
    "double_8021q": ([F.vlan(200), F.vlan(100), F.ether()], ["100", "200"], []),
    "triple_tag": ([F.vlan(3), F.vlan(2), F.vlan(1), F.ether()], ["1", "2", "3"], []),
    "pppoe_padded": ([F.pppoe(), F.ether(pad=60)], [], []),
    "pppoe_in_vlan": ([F.pppoe(), F.vlan(7), F.ether(pad=64)], ["7"], []),
    "mpls": ([F.mpls(1000), F.ether(pad=60)], [], []),
    "mpls_two_labels": ([F.mpls(1000, 2000), F.ether()], [], []),
    "vlan_in_mpls_frame": ([F.mpls(16), F.vlan(9), F.ether()], ["9"], []),
    "gre": ([F.gre(A, B), F.ether()], [], ["gre"]),
    "gre_key": ([F.gre(A, B, 77), F.ether()], [], ["gre:77"]),
    "gre_over_ipv6": ([F.gre(A6, B6, 77), F.ether()], [], ["gre:77"]),
    "gre_ethernet": ([F.ether(), F.gre(A, B), F.ether()], [], ["gre"]),
    "vxlan": ([F.ether(), F.vxlan(A, B, 42), F.ether()], [], ["vxlan:42"]),
    "vxlan_over_ipv6": ([F.ether(), F.vxlan(A6, B6, 42), F.ether()], [], ["vxlan:42"]),
    "vxlan_padded_inside": (
        [F.ether(pad=60), F.vxlan(A, B, 42), F.ether()], [], ["vxlan:42"]),
    "geneve": ([F.ether(), F.geneve(A, B, 4242), F.ether()], [], ["geneve:4242"]),
    "geneve_options": (
        [F.ether(), F.geneve(A, B, 1, GENEVE_OPTION), F.ether()], [], ["geneve:1"]),
    "gtpu": ([F.gtpu(A, B, 99), F.ether()], [], ["gtp:99"]),
    "gtpu_extension": ([F.gtpu(A, B, 99, extended=True), F.ether()], [], ["gtp:99"]),
    "vxlan_in_gre": (
        [F.ether(), F.vxlan(A, B, 42), F.gre(A, B, 5), F.ether()], [],
        ["gre:5", "vxlan:42"]),
    "short_frames": ([F.ether(pad=60)], [], []),
    "short_frames_vlan": ([F.vlan(5), F.ether(pad=64)], ["5"], []),
    "trailer": ([F.ether(trailer=b"\xde\xad\xbe\xef" * 3)], [], []),
}


def small_talk(version, layers, port=40001):
    """Mostly 1-byte segments and pure ACKs: every frame is shorter than 60 bytes in v4."""
    client, server = (F.CLIENT4, F.SERVER4) if version == 4 else (F.CLIENT6, F.SERVER6)
    t = F.Talk((client[0], port), server, layers).open()
    for _ in range(5):
        t.data(0, 1).data(1, 1)
    return t.data(0, 517).data(1, 3000).close()


class Checked(konn.Case):
    def check(self, talk, vlans, tunnels):
        """konn's one row against tshark's innermost stream and the generator."""
        path = self.pcap(talk.frames)
        report = self.listed("-r", path)
        self.assertEqual(len(report.conns), 1, [konn.brief(r) for r in report.conns])
        row = report.conns[0]
        self.assertEqual(report.summary["packets"], len(talk.frames))
        self.assertEqual(report.summary["parsed"], len(talk.frames))
        self.assert_talk(row, talk)
        self.assert_fields(row, conn_state="SF", vlan=vlans or None,
                           tunnel=tunnels or None)
        self.assertEqual(row["orig_wire_bytes"], talk.side[0].wire_bytes)
        self.assertEqual(row["resp_wire_bytes"], talk.side[1].wire_bytes)
        if oracle.have("tshark"):
            self.check_tshark(self.stream(path, row), row)

    def stream(self, path, row):
        stream, = oracle.tcp_streams(path)
        return stream

    def check_tshark(self, s, row):
        self.assert_fields(
            row, "tshark", id__orig_h=s.hosts[0], id__resp_h=s.hosts[1],
            id__orig_p=s.ports[0], id__resp_p=s.ports[1], orig_bytes=s.payload[0],
            resp_bytes=s.payload[1], orig_pkts=s.packets[0], resp_pkts=s.packets[1])


class Encapsulation(Checked):
    """One case a stack and IP version, made from STACKS; tshark reads all at once."""

    streams = {}

    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="konn-case-")
        cls.addClassCleanup(shutil.rmtree, folder, True)
        frames = [f for name in STACKS for v in (4, 6) for f in stacked(name, v).frames]
        path = capture.write_pcap(os.path.join(folder, "all.pcap"), frames)
        if oracle.have("tshark"):
            cls.streams = {s.ports[0]: s for s in oracle.tcp_streams(path)}

    def stream(self, path, row):
        return self.streams[row["id.orig_p"]]


def stacked(name, version):
    """The conversation of a stack, with a port of its own."""
    port = 41000 + 2 * list(STACKS).index(name) + (version == 6)
    return small_talk(version, STACKS[name][0], port)


def add_stack(name, version):
    _, vlans, tunnels = STACKS[name]

    def test(self):
        self.check(stacked(name, version), vlans, tunnels)

    setattr(Encapsulation, f"test_{name}_v{version}", test)


for stack in STACKS:
    add_stack(stack, 4)
    add_stack(stack, 6)


class IpInIp(Checked):
    """Enclosing IP headers: the tunnel's name depends on both versions."""

    def test_6in4(self):
        self.check(small_talk(6, [F.outer(A, B), F.ether()]), [], ["6in4"])

    def test_4in6(self):
        self.check(small_talk(4, [F.outer(A6, B6), F.ether()]), [], ["4in6"])

    def test_ipip(self):
        self.check(small_talk(4, [F.outer(A, B), F.ether()]), [], ["ipip"])

    def test_ip6ip6(self):
        self.check(small_talk(6, [F.outer(A6, B6), F.ether()]), [], ["ip6ip6"])

    def test_6in4_padded(self):
        self.check(small_talk(6, [F.outer(A, B), F.ether(pad=120)]), [], ["6in4"])


class Extensions(Checked):
    """IPv6 extension headers are no payload; IPv4 options neither."""

    def with_ip(self, version, **over):
        t = F.talk(version)
        t.over = over
        t.open().data(0, 517).data(1, 3000).close()
        self.check(t, [], [])

    def test_hop_by_hop(self):
        self.with_ip(6, extensions=[F.HOP_BY_HOP])

    def test_destination_options(self):
        self.with_ip(6, extensions=[F.DESTINATION])

    def test_routing(self):
        self.with_ip(6, extensions=[F.ROUTING])

    def test_atomic_fragment(self):
        self.with_ip(6, extensions=[F.ATOMIC_FRAGMENT])

    def test_all_in_order(self):
        self.with_ip(6, extensions=[F.HOP_BY_HOP, F.DESTINATION, F.ROUTING,
                                    F.ATOMIC_FRAGMENT, F.DESTINATION_LONG])

    def test_ipv4_options(self):
        self.with_ip(4, options=bytes([1] * 8))

    def test_tcp_options(self):
        stamps = bytes([1, 1, 8, 10]) + bytes(8)
        t = F.talk(6).open()
        t.send(0, F.PSH | F.ACK, bytes(100), options=stamps)
        t.send(1, F.ACK, options=stamps)
        self.check(t.close(), [], [])


class Lengths(konn.Case):
    """What counts as payload when lengths disagree."""

    def tso(self, version):
        """A super-packet as a sender's own capture shows it: IP length 0."""
        t = F.talk(version).open()
        t.send(0, F.PSH | F.ACK, bytes(20000), total=0)
        t.send(1, F.ACK)
        return t.close()

    def test_ipv4_total_length_0_uses_the_frame(self):
        t = self.tso(4)
        row = self.row(t.frames)
        self.assert_talk(row, t)
        self.assertEqual(row["orig_bytes"], 20000)
        streams = oracle.tcp_streams(self.path())
        self.assertEqual([s.payload for s in streams], [[20000, 0]])

    def test_ipv6_payload_length_0_uses_the_frame(self):
        row = self.row(self.tso(6).frames)
        self.assert_fields(row, orig_bytes=20000, resp_bytes=0, conn_state="SF")

    def test_snaplen_does_not_change_counters(self):
        t = F.standard()
        whole = self.row(t.frames)
        path = self.pcap(t.frames, "cut.pcap", snaplen=68)
        report = self.listed("-r", path)
        cut = report.conns[0]
        keys = ("orig_bytes", "resp_bytes", "orig_ip_bytes", "resp_ip_bytes",
                "orig_wire_bytes", "resp_wire_bytes", "conn_state", "history")
        self.assertEqual([cut[k] for k in keys], [whole[k] for k in keys])
        long = sum(f.wire > 68 for f in t.frames)
        self.assertEqual(report.summary["truncated"], long)
        self.assertEqual(report.summary["bytes"], sum(f.wire for f in t.frames))

    def test_padding_of_udp_is_not_payload(self):
        data, kind = F.udp("10.1.0.1", "10.2.0.2", 5000, 53, b"x")
        frame = F.Frame(F.EPOCH, F.wrapped([F.ether(pad=60)], data, kind))
        self.assert_fields(self.row([frame]), orig_bytes=1, orig_ip_bytes=29)

    def test_pppoe_length_bounds_the_ip_length(self):
        """An IP length beyond the PPPoE payload must not count."""
        segment = F.udp_segment("10.1.0.1", "10.2.0.2", 5000, 6000, bytes(20), length=508)
        data, kind = F.ip("10.1.0.1", "10.2.0.2", F.UDP_, segment, total=528)
        frame = F.Frame(F.EPOCH, F.wrapped([F.pppoe(), F.ether(pad=60)], data, kind))
        report = self.listed("-r", self.pcap([frame]))
        for row in report.conns:
            self.assertLessEqual(row.get("orig_bytes", 0), 20)
            self.assertLessEqual(row.get("orig_ip_bytes", 0), 48)


class TwoLayersAtOnce(konn.Case):
    def test_same_tuple_in_two_vlans_and_plain_counts_every_packet(self):
        """Whatever joins or splits them, no byte is lost or doubled."""
        one = F.standard(layers=[F.vlan(1), F.ether()])
        two = F.talk(layers=[F.vlan(2), F.ether()], start=F.EPOCH + 10 * F.SECOND)
        two.side[0].seq, two.side[1].seq = 10**6, 2 * 10**6
        two.open().data(0, 617).data(1, 3000).close()
        rows = self.rows(one.frames + two.frames)
        self.assertEqual(sum(r["orig_bytes"] for r in rows), 2 * 617)
        self.assertEqual(sum(r["resp_bytes"] for r in rows), 2 * 3000)
        self.assertEqual(sorted(r["vlan"] for r in rows), [["1"], ["2"]])

    def test_non_ip_is_counted_but_no_row(self):
        arp = bytes.fromhex("0001080006040001") + F.MACS[0] + bytes(4) + bytes(10)
        lldp = bytes.fromhex("0207040200000000010403050000000000")
        frames = [
            F.Frame(F.EPOCH, F.wrapped([F.ether(pad=60)], arp, F.ARP)),
            F.Frame(F.EPOCH + 1000, F.wrapped([F.ether(pad=60)], lldp, 0x88CC)),
        ]
        report = self.listed("-r", self.pcap(frames))
        self.assertEqual(report.conns, [])
        self.assert_fields(report.summary, packets=2, parsed=2, conns=0)


if __name__ == "__main__":
    konn.main()
