"""seeds — what each fuzz target starts from: a few made-up inputs, and captures if present.

Which bytes mean what to a target stands in its fuzz_NAME.c.
"""
import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cases"))
import hellos

CAPTURE_MAX_BYTES = 8192
CAPTURES_MOST = 400
READER_MODES = 4  # fuzz_capture.c: the first byte chooses pipe and filter
FRAME_MAX_BYTES = 512
FRAMES_MOST = 8  # of one capture

FILTERS = [
    "dst port 80", "state established and pport = :443",
    "rtt > 100ms and process ~ ssh and not peer 10/8", "tcp and (port 80 or port :443)",
    "orig_bytes >= 10Ki", "id.orig_h in (10.0.0.0/8, fd00::/8)", "process:ssh",
    "src host 192.168.1.5 and portrange 1000-2000", "not (udp or icmp) and bps < 1M",
    "((((((tcp))))))", "state != TIME-WAIT", 'process !~ "a b"', "duration > 1.5s",
]


def ether_ipv4(proto, body):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0,
                       bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return bytes(12) + b"\x08\x00" + head + body


def frames():
    """One Ethernet frame of each kind that leads to another dissector."""
    tcp = struct.pack(">HHIIBBHHH", 40000, 443, 1, 0, 0x50, 2, 512, 0, 0)
    udp = struct.pack(">HHHH", 40000, 53, 8 + 12, 0) + bytes(12)
    inner = ether_ipv4(6, tcp)
    vxlan = struct.pack(">HHHH", 40000, 4789, 16 + len(inner), 0)
    vxlan += struct.pack(">II", 0x08000000, 42 << 8) + inner
    yield inner
    yield ether_ipv4(17, udp)
    yield ether_ipv4(17, vxlan)
    yield ether_ipv4(47, struct.pack(">HH", 0, 0x0800) + inner[14:])
    yield ether_ipv4(4, inner[14:])
    yield ether_ipv4(1, struct.pack(">BBHI", 3, 3, 0, 0) + inner[14:42])
    yield inner[:12] + struct.pack(">HH", 0x8100, 7) + inner[12:]
    ipv6 = struct.pack(">IHBB", 0x60000000, len(tcp) + 8, 0, 64) + bytes(15) + b"\1"
    ipv6 += bytes(15) + b"\2" + struct.pack(">BBHI", 6, 0, 0x0104, 0) + tcp
    yield bytes(12) + b"\x86\xdd" + ipv6


def pcap(packets):
    out = struct.pack("<IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    for number, packet in enumerate(packets):
        out += struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
    return out


def pcapng(packets):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        size = len(body) + 12
        return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
    out = block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack("<HHI", 1, 0, 0))
    for number, packet in enumerate(packets):
        out += block(6, struct.pack("<IIIII", 0, 0, number, len(packet), len(packet)) + packet)
    return out


def small_captures(folder):
    found = 0
    for where, folders, leaves in os.walk(folder):
        folders.sort()
        for leaf in sorted(leaves):
            path = os.path.join(where, leaf)
            if os.path.getsize(path) <= CAPTURE_MAX_BYTES and found < CAPTURES_MOST:
                found += 1
                with open(path, "rb") as capture:
                    yield capture.read()


def for_capture(folder):
    files = [pcap(frames()), pcapng(frames()), *small_captures(folder)]
    for number, data in enumerate(files):
        yield bytes([number % READER_MODES]) + data


def for_filter(_folder):
    return [text.encode() for text in FILTERS]


def decode_record(linktype, frame):
    """fuzz_decode.c: link type, length, flags, extra length, then the frame."""
    return struct.pack("<HHBB", linktype, len(frame), 0, 0) + frame


def first_packets(capture, most):
    """Records of the first packets of a little-endian pcap file."""
    linktype = struct.unpack_from("<H", capture, 20)[0]
    at = 24
    while most and at + 16 <= len(capture):
        size = struct.unpack_from("<I", capture, at + 8)[0]
        if size > len(capture):
            return
        yield decode_record(linktype, capture[at + 16:at + 16 + size])
        at += 16 + size
        most -= 1


def for_decode(folder):
    yield from (decode_record(1, frame) for frame in frames())
    for capture in small_captures(folder):
        if capture[:4] == b"\xd4\xc3\xb2\xa1" and len(capture) > 40:
            yield b"".join(first_packets(capture, 4))


def for_flow(_folder):
    """Connections opened, used and ended, datagrams, pings: in each kind of table."""
    steps = [  # sender, flags, size, pause, codes of numbers
        (0, 0x02, 0, 2, 0x00), (1, 0x12, 0, 2, 0x10), (0, 0x10, 0, 2, 0x11), (0, 0x18, 3, 2, 0x11),
        (1, 0x10, 0, 3, 0x41), (1, 0x18, 4, 4, 0x41), (0, 0x11, 0, 5, 0x14), (1, 0x11, 0, 6, 0x41),
    ]
    for setup in range(0, 256, 5):
        for talk in (0, 3, 4, 5, 8, 12):
            yield bytes([setup]) + b"".join(
                bytes([sender << 4 | talk, flags, size, pause + setup % 3, codes, setup & 0x3f, 0, 8])
                for sender, flags, size, pause, codes in steps[:3 + setup % 6])


def names_record(payload, talk=0, flags=0, offset=0):
    """fuzz_names.c: talk and flags, offset, length, then the payload."""
    return struct.pack("<BBH", talk | flags, offset, len(payload)) + payload


def for_names(_folder):
    """Hellos, requests, identifications and Initials, whole and in two pieces."""
    hello = hellos.record(hellos.client_hello("a.example", more=300))
    starts = [
        hello, hellos.record(hellos.server_hello("h2")), b"SSH-2.0-x\r\n",
        b"GET / HTTP/1.1\r\nHost: b.example:80\r\n\r\n",
        b"CONNECT c.example:443 HTTP/1.1\r\n\r\n", b"220 hello\r\n",
        b"GET http://u@d.example/ HTTP/1.1\r\nHost: e\r\n\r\n",
    ]
    for start in starts:
        for flags in (0, 8):
            yield names_record(start, flags=flags)
            yield names_record(start[:20], flags=flags) + names_record(start[20:], flags=flags)
    yield names_record(hello) + names_record(starts[1], flags=8)
    yield b"".join(names_record(hello[:100], talk) for talk in range(6)) + b"".join(
        names_record(hello[100:], talk) for talk in range(6))
    frames = hellos.crypto(0, hellos.client_hello("q.example", ("h3",)))
    yield names_record(frames, flags=16)
    for version in hellos.QUIC_SALT:
        initial = hellos.quic_initial(frames, version)
        if initial:
            yield names_record(initial, flags=16)


def dns_record(payload, flags=0, pause=1):
    """fuzz_dns.c: flags, pause, length, then the payload."""
    return struct.pack("<BBH", flags, pause, len(payload)) + payload


def for_dns(_folder):
    """Queries and answers by datagram and stream, an alias, a handshake that spins."""
    question = b"\1a\7example\0\0\1\0\1"
    ask = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + question
    address = b"\0\1\0\1\0\0\0\x09\0\4\xc0\0\2\1"
    alias = b"\xc0\x0c\0\5\0\1\0\0\0\x09\0\4\1b\xc0\x0e"
    for records in ([b"\xc0\x0c" + address], [alias, b"\1b\xc0\x0e" + address]):
        head = struct.pack(">HHHHHH", 7, 0x8180, 1, len(records), 0, 0)
        tell = head + question + b"".join(records)
        yield dns_record(ask) + dns_record(tell, 1)
        yield dns_record(ask) * 3 + dns_record(tell, 1) * 2
        stream = [struct.pack(">H", len(m)) + m for m in (ask, tell)]
        yield dns_record(stream[0], 2) + dns_record(stream[1], 3)
        yield dns_record(stream[0][:1], 2) + dns_record(stream[0][1:], 2) + b"".join(
            dns_record(stream[1][i:i + 9], 3) for i in range(0, len(stream[1]), 9))
    initial = b"\xc0\0\0\0\1\4abcd\2xy" + bytes(20)
    reply = b"\xc0\0\0\0\1\2xy\3srv" + bytes(20)
    hand = b"\xe0\0\0\0\1\3srv\2xy" + bytes(20)
    spins = b"".join(
        dns_record(bytes([0x40 | 0x20 * ((n // 8 + (way == 0)) & 1)]) + bytes(9), 8 | way, 3)
        for n in range(96) for way in (0, 1))
    yield dns_record(initial, 8) + dns_record(reply, 9, 20) + dns_record(hand, 8, 20) + spins
    yield b"".join(dns_record(bytes([8 * (n % 2 == 0), n // 2]), 16 | n & 1) for n in range(40))


def attribute(kind, *parts):
    """A netlink attribute; nested when its parts are attributes."""
    body = b"".join(parts)
    return struct.pack("=HH", 4 + len(body), kind) + body + bytes(-len(body) % 4)


def netlink(kind, body, serial=0):
    return struct.pack("=IHHII", 16 + len(body), kind, 2, serial, 0) + body


def for_links(_):
    """rtnetlink: an interface that came, one that went, counters, the end."""
    stats = struct.pack("=25Q", *range(25))
    info = attribute(18, attribute(1, b"veth\0") + attribute(4, b"bridge\0"))
    link = struct.pack("=BBHiII", 0, 0, 1, 7, 0x11043, 0)
    link += attribute(3, b"eth0\0") + attribute(4, bytes(4)) + attribute(1, bytes(6))
    link += attribute(10, bytes(4)) + attribute(16, b"\6") + attribute(33, b"\1") + info
    yield netlink(16, link + attribute(23, stats)) + netlink(3, bytes(4))
    yield netlink(17, link)
    yield netlink(92, struct.pack("=BBHII", 0, 0, 0, 7, 1) + attribute(1, stats))


def for_owners(_):
    """A process as the helper sends it, cgroup files, and records of owners."""
    parts = [
        b"42 (a b) S 7 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 987654 1000\n",
        b"Name:\ta b\nUid:\t1000\t0\t1000\t1000\n", b"0::/system.slice/x.service\n",
        b"prog\0--x\0", b"/bin/prog (deleted)",
    ]
    head = struct.pack("<i5i5IIQB", 42, *[0] * 5, *map(len, parts), 0, 77, 0)
    yield b"\0" + head + b"".join(parts)
    number = b"0123456789abcdef" * 4
    for path in (b"docker/" + number, b"machine.slice/machine-a\\x2db.scope/payload",
                 b"kubepods/pod8f2b4d6a-1c3e-4f50-9a7b-0123456789ab/" + number,
                 b"user.slice/user-1.slice/user@1.service/app.slice/a.scope"):
        yield b"\1" + b"1:name=systemd:/" + path + b"\n0::/" + path + b"\n"
    yield b"\2" + bytes([0, 5, 9, 1, 5, 9, 0, 6, 9, 1, 6, 9, 2, 5, 9])


def for_owners_bpf(_folder):
    """Records as struct owner_record has them: made, held, used, closed; IPv4 and IPv6."""
    def task(pid, name):
        return struct.pack("<QQIIIi16s", 5 * 10 ** 9, 7, pid, 1000, 0, 0, name) if pid else bytes(48)
    for via in range(5):
        for family in (2, 10):
            yield (struct.pack("<QQQQQ", 3, 99, 1234, 70, 80) + task(10, b"maker")
                   + task(11 if via else 0, b"\x1b[31m\xc3\xa9") + struct.pack(
                       "<IiHHHH", 4026531840, -1, family, 6, 40000, 443)
                   + 2 * (bytes(10) + b"\xff\xff\xc0\0\2\1") + bytes([via, 1]) + bytes(6)
                   + struct.pack("<Q", 3))


def diag(family, state, *attributes):
    """struct inet_diag_msg and what follows it."""
    out = struct.pack("=BBBB", family, state, 1, 2) + struct.pack(">HH", 40000, 443)
    out += bytes(range(32)) if family == 10 else (b"\x0a\0\0\1" + bytes(12)) * 2
    out += struct.pack("=IIIIIIII", 3, 0x1001, 0, 200, 10, 20, 1000, 4711)
    for kind, body in attributes:
        out += struct.pack("=HH", 4 + len(body), kind) + body + bytes(-len(body) % 4)
    return out


def for_sockets(_folder):
    """fuzz_sockets.c: the protocol that was asked for, then a datagram."""
    info, open_, memory = (2, bytes(range(1, 256)) + bytes(25)), (8, b"\0"), (7, bytes(36))
    more = [(4, b"cubic\0"), (11, b"\1"), (15, bytes(4)), (16, b"\1" * 20), (21, bytes(8)),
            (3, b"\1" * 16), (9, b"\1" * 16), (5, b"\x48"), (6, b"\x48")]
    for family in (2, 10):
        for state in (1, 2, 3, 6, 7, 10, 13):
            yield b"\6" + netlink(20, diag(family, state, open_, info, memory, *more), 7)
            yield b"\x11" + netlink(20, diag(family, state), 7) + netlink(3, bytes(4), 7)
        yield b"\0" + netlink(20, diag(family, 7, (10, b"\6"), info))
    yield b"\6" + netlink(2, struct.pack("=i", -2), 7)


def conntrack_message(kind, flags, serial, *attributes):
    body = struct.pack(">BBH", 2, 0, 0) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, flags, serial, 0) + body


def conntrack_entry(entry_id, proto):
    """A tuple of each kind of protocol, and every field that a fact may hold."""
    v6 = proto == 58
    sides = []
    for number, way in ((1, (1, 2)), (2, (2, 1))):
        ends = [bytes(15 * v6 + 3 * (not v6)) + bytes([end]) for end in way]
        ip = attribute(1, *(attribute(3 + n if v6 else 1 + n, end) for n, end in enumerate(ends)))
        fields = {1: (4, 5, 6), 58: (7, 8, 9)}.get(proto, (2, 3))
        fields = [attribute(f, bytes(2) if n == 0 or len(fields) == 2 else b"\x08")
                  for n, f in enumerate(fields)]
        sides.append(attribute(number, ip, attribute(2, attribute(1, bytes([proto])), *fields),
                               attribute(3, b"\0\7")))
    pair = attribute(1, bytes(8)), attribute(2, bytes(8))
    state = {6: 1, 33: 2, 132: 3}.get(proto, 1)
    return (*sides, attribute(3, b"\0\0\0\x0e"), attribute(7, bytes(4)), attribute(8, bytes(4)),
            attribute(4, attribute(state, attribute(1, b"\3"), attribute(2, b"\7"))),
            attribute(5, attribute(1, b"ftp\0")), attribute(9, *pair), attribute(10, *pair),
            attribute(12, struct.pack(">I", entry_id)), attribute(18, b"\0\5"),
            attribute(20, *pair), attribute(27, bytes(8)))


def conntrack_record(kind, datagram=b""):
    """fuzz_conntrack.c: kind, length, then the datagram."""
    return struct.pack("<BH", kind, len(datagram)) + datagram


def for_conntrack(_folder):
    """Dumps and events of one entry in several orders, losses, counters of CPUs."""
    done = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
    cpus = conntrack_message(0x104, 2, 1, *(attribute(n, bytes(4)) for n in range(2, 16))) + done
    for proto in (1, 6, 17, 33, 47, 58, 132):
        entry = conntrack_entry(9, proto)
        piece = conntrack_record(0, conntrack_message(0x100, 2, 1, *entry))
        new, update, destroy = (
            conntrack_record(1, conntrack_message(kind, flags, 0, *entry))
            for kind, flags in ((0x100, 0x600), (0x100, 0), (0x102, 0)))
        end = conntrack_record(0, done)
        yield piece + new + update + destroy + end + conntrack_record(6)
        yield new + destroy + piece + update + piece + conntrack_record(4) + end
    yield conntrack_record(2, cpus) + conntrack_record(3, struct.pack("=IHHIIi", 20, 2, 0, 1, 0, -2))


def write(name, out, folder):
    """Fills the folder `out` with the seeds of target `name`."""
    os.makedirs(out, exist_ok=True)
    make = globals().get("for_" + name, lambda _folder: ())
    for number, data in enumerate(make(folder)):
        with open(os.path.join(out, f"seed-{number:03}"), "wb") as seed:
            seed.write(data)
