"""Frames for tests: headers, wrappers and whole TCP conversations, without scapy.

A *layer* is a function (data, ethertype, way) -> (data, ethertype) that puts one more
header around `data`. `ethertype` says what `data` is (TEB: an Ethernet frame), `way` is
0 from client to server and 1 back. A stack of layers is a list, innermost first; the
last one is normally ether().
"""

import ipaddress
import struct
from dataclasses import dataclass

IP4, IP6, ARP, VLAN, QINQ = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8
PPPOE, MPLS, TEB = 0x8864, 0x8847, 0x6558
ICMP, TCP_, UDP_, GRE_, ICMP6 = 1, 6, 17, 47, 58
FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
SECOND = 10**9
EPOCH = 1_700_000_000 * SECOND
MACS = (bytes.fromhex("020000000001"), bytes.fromhex("020000000002"))


@dataclass
class Frame:
    """One captured frame; `wire` is its length on the wire."""

    ts: int  # ns since the epoch
    data: bytes
    wire: int = -1
    interface: int = 0

    def __post_init__(self):
        if self.wire < 0:
            self.wire = len(self.data)


def packed(address):
    return ipaddress.ip_address(address).packed


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport_checksum(src, dst, proto, segment):
    pseudo = src + dst + struct.pack("!II", len(segment), proto)
    return checksum(pseudo + segment)


def ip4(src, dst, proto, payload, ident=0, ttl=64, tos=0, options=b"", **over):
    """`total` overrides the length field, `frag` is the flags-and-offset word."""
    total = over.get("total", 20 + len(options) + len(payload))
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos, total, ident,
        over.get("frag", 0), ttl, proto, 0, packed(src), packed(dst),
    ) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(src, dst, proto, payload, hops=64, tos=0, extensions=(), **over):
    """`extensions` is a list of (type, body after its two first bytes)."""
    chain = b""
    following = proto
    for kind, body in reversed(extensions):
        length = 0 if kind == 44 else (len(body) + 2) // 8 - 1
        chain = struct.pack("!BB", following, length) + body + chain
        following = kind
    length = over.get("total", len(chain) + len(payload))
    head = struct.pack("!IHBB", 6 << 28 | tos << 20, length, following, hops)
    return head + packed(src) + packed(dst) + chain + payload


HOP_BY_HOP = (0, bytes([1, 4, 0, 0, 0, 0]))
DESTINATION = (60, bytes([1, 4, 0, 0, 0, 0]))
DESTINATION_LONG = (60, bytes([1, 12]) + bytes(12))
ROUTING = (43, bytes([0, 0, 0, 0, 0, 0]))
ATOMIC_FRAGMENT = (44, struct.pack("!HI", 0, 0x1234))


def ip(src, dst, proto, payload, **over):
    """Either version, by the address; the result and its ethertype."""
    if ":" in src:
        return ip6(src, dst, proto, payload, **over), IP6
    return ip4(src, dst, proto, payload, **over), IP4


def udp_segment(src, dst, sport, dport, payload, length=None):
    head = struct.pack("!HHHH", sport, dport, length or 8 + len(payload), 0)
    total = transport_checksum(packed(src), packed(dst), UDP_, head + payload)
    return head[:6] + struct.pack("!H", total or 0xFFFF) + payload


def udp(src, dst, sport, dport, payload, **over):
    return ip(src, dst, UDP_, udp_segment(src, dst, sport, dport, payload), **over)


def icmp(src, dst, kind, code, rest, **over):
    """`rest` is all that follows the checksum."""
    proto = ICMP6 if ":" in src else ICMP
    body = struct.pack("!BBH", kind, code, 0) + rest
    if proto == ICMP6:
        total = transport_checksum(packed(src), packed(dst), proto, body)
    else:
        total = checksum(body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    return ip(src, dst, proto, body, **over)


def echo(src, dst, ident, seq, reply=False, size=56):
    kind = (129 if reply else 128) if ":" in src else (0 if reply else 8)
    return icmp(src, dst, kind, 0, struct.pack("!HH", ident, seq) + bytes(size))


# ---- layers ----


def ether(pad=0, macs=MACS, trailer=b""):
    """Frames below `pad` bytes are filled up with non-zero bytes, as some drivers do."""

    def wrap(data, ethertype, way):
        frame = macs[1 - way] + macs[way] + struct.pack("!H", ethertype) + data
        frame += trailer
        return frame + b"\xa5" * max(0, pad - len(frame)), TEB

    return wrap


def vlan(vid, tpid=VLAN, priority=0):
    def wrap(data, ethertype, way):
        return struct.pack("!HH", priority << 13 | vid, ethertype) + data, tpid

    return wrap


def pppoe(session=7):
    def wrap(data, ethertype, way):
        ppp = struct.pack("!H", 0x0021 if ethertype == IP4 else 0x0057) + data
        return struct.pack("!BBHH", 0x11, 0, session, len(ppp)) + ppp, PPPOE

    return wrap


def mpls(*labels):
    def wrap(data, ethertype, way):
        words = [n << 12 | 64 for n in labels]
        words[-1] |= 0x100  # bottom of stack
        return b"".join(struct.pack("!I", w) for w in words) + data, MPLS

    return wrap


def outer(a, b, proto=None, **over):
    """An enclosing IP header; without `proto` it says what `data` is (IPIP, 6in4…)."""

    def wrap(data, ethertype, way):
        number = proto or {IP4: 4, IP6: 41}[ethertype]
        pair = (b, a) if way else (a, b)
        return ip(*pair, number, data, **over)

    return wrap


def gre(a, b, key=None):
    def wrap(data, ethertype, way):
        head = struct.pack("!HH", 0x2000 if key is not None else 0, ethertype)
        if key is not None:
            head += struct.pack("!I", key)
        return outer(a, b, GRE_)(head + data, ethertype, way)

    return wrap


def in_udp(a, b, port, head):
    """A UDP tunnel; head(data, ethertype) gives its header."""

    def wrap(data, ethertype, way):
        pair = (b, a) if way else (a, b)
        return udp(*pair, 50000 + way, port, head(data, ethertype) + data)

    return wrap


def vxlan(a, b, vni):
    return in_udp(a, b, 4789, lambda d, e: struct.pack("!II", 0x08 << 24, vni << 8))


def geneve(a, b, vni, options=b""):
    def head(data, ethertype):
        return struct.pack("!BBHI", len(options) // 4, 0, ethertype, vni << 8) + options

    return in_udp(a, b, 6081, head)


def gtpu(a, b, teid, extended=False):
    def head(data, ethertype):
        more = struct.pack("!HBBBHB", 9, 0, 0x85, 1, 0x0100, 0) if extended else b""
        flags = 0x34 if extended else 0x30
        return struct.pack("!BBHI", flags, 255, len(more) + len(data), teid) + more

    return in_udp(a, b, 2152, head)


def wrapped(layers, data, ethertype, way=0):
    for layer in layers:
        data, ethertype = layer(data, ethertype, way)
    return data


# ---- conversations ----


@dataclass
class Side:
    """What one end of a conversation has sent so far: the expected counters."""

    host: str
    port: int
    seq: int
    payload: int = 0
    packets: int = 0
    ip_bytes: int = 0
    wire_bytes: int = 0


class Talk:
    """A TCP conversation. Every send() appends one frame and advances the clock."""

    def __init__(self, client, server, layers=None, start=EPOCH, step=10_000_000):
        self.layers = [ether()] if layers is None else layers
        self.side = [Side(*client, 1000), Side(*server, 5000)]
        self.now, self.step = start, step
        self.over = {}  # keyword arguments for ip()
        self.frames = []
        self.interface = 0

    def send(self, way, flags, payload=b"", **fields):
        """Fields: seq, ack, window, options (bytes), wait (ns before it), and ip()'s."""
        me, you = self.side[way], self.side[1 - way]
        seq = fields.pop("seq", me.seq)
        ack = fields.pop("ack", you.seq if flags & ACK else 0)
        options = fields.pop("options", b"")
        self.now += fields.pop("wait", 0)
        head = struct.pack(
            "!HHIIBBHHH", me.port, you.port, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
            (5 + len(options) // 4) << 4, flags, fields.pop("window", 65535), 0, 0,
        ) + options
        total = transport_checksum(
            packed(me.host), packed(you.host), TCP_, head + payload)
        segment = head[:16] + struct.pack("!H", total) + head[18:] + payload
        data, kind = ip(me.host, you.host, TCP_, segment, **{**self.over, **fields})
        frame = Frame(self.now, wrapped(self.layers, data, kind, way),
                      interface=self.interface)
        self.frames.append(frame)
        self.now += self.step
        me.seq = max(me.seq, seq + len(payload) + bool(flags & SYN) + bool(flags & FIN))
        me.payload += len(payload)
        me.packets += 1
        me.ip_bytes += len(data)
        me.wire_bytes += frame.wire
        return frame

    def open(self, options=b"\x02\x04\x05\xb4"):
        self.send(0, SYN, options=options)
        self.send(1, SYN | ACK, options=options)
        self.send(0, ACK)
        return self

    def data(self, way, size, segment=1400, ack=True):
        """`size` bytes in segments, each answered by a pure ACK."""
        while size > 0:
            part = min(size, segment)
            self.send(way, PSH | ACK, bytes(part))
            size -= part
            if ack:
                self.send(1 - way, ACK)
        return self

    def close(self, first=0):
        self.send(first, FIN | ACK)
        self.send(1 - first, ACK)
        self.send(1 - first, FIN | ACK)
        self.send(first, ACK)
        return self

    def reset(self, way):
        self.send(way, RST | ACK)
        return self


CLIENT4, SERVER4 = ("10.1.0.1", 40001), ("10.2.0.2", 80)
CLIENT6, SERVER6 = ("2001:db8:1::1", 40001), ("2001:db8:2::2", 80)


def talk(version=4, **options):
    pair = (CLIENT4, SERVER4) if version == 4 else (CLIENT6, SERVER6)
    return Talk(*pair, **options)


def standard(version=4, **options):
    """The conversation that most cases use: 617 bytes up, 3000 down, orderly end."""
    t = talk(version, **options).open()
    return t.data(0, 517).data(1, 3000).data(0, 100).close()


def single(frame_data, ts=EPOCH, **options):
    return Frame(ts, frame_data, **options)
