"""DNS: what the user waited for, what the server took, and the names of addresses."""

import struct

import frames as F
import konn

C, S, WEB = "10.1.0.1", "10.2.0.2", "192.0.2.80"
MS = 1_000_000
A, CNAME, AAAA = 1, 5, 28


def name(text):
    return b"".join(bytes([len(p)]) + p for p in text.encode().split(b".")) + b"\0"


def record(owner, kind, data, ttl=60):
    return owner + struct.pack(">HHIH", kind, 1, ttl, len(data)) + data


def message(ident, question, answers=(), response=False, rcode=0, kind=A):
    flags = 0x0100 | 0x8080 * response | rcode
    return (struct.pack(">HHHHHH", ident, flags, bool(question), len(answers), 0, 0)
            + (name(question) + struct.pack(">HH", kind, 1) if question else b"")
            + b"".join(answers))


def address(text):
    return F.packed(text)


class Dns(konn.Case):
    """`talk` is (milliseconds, way, message): a conversation of one client port."""

    def frames(self, talk, ports=(40000, 53), hosts=(C, S)):
        return [F.Frame(F.EPOCH + int(at * MS), F.wrapped([F.ether()], *F.udp(
            hosts[way], hosts[1 - way], ports[way], ports[1 - way], data)))
            for at, way, data in talk]

    def dns_row(self, talk, **options):
        return self.row(self.frames(talk, **options))

    def samples(self, frames, *args):
        report = konn.Report(konn.run("rtt", "-r", self.pcap(frames), "-j", *args))
        return [r for r in report.records if r.get("sample") == "dns"]

    def web(self, at=500, host=WEB):
        return [F.Frame(F.EPOCH + at * MS, F.wrapped([F.ether()], *F.udp(
            C, host, 50000, 8080, b"hello")))]

    def name_of(self, frames, host=WEB):
        rows = self.listed("-r", self.pcap(frames)).conns
        return [r.get("dns_name") for r in rows if r["id.resp_h"] == host]


class Times(Dns):
    ASK = message(7, "www.example.net")
    ANSWER = message(7, "www.example.net", [record(b"\xc0\x0c", A, address(WEB))], True)

    def test_answer(self):
        talk = [(0, 0, self.ASK), (12.5, 1, self.ANSWER)]
        self.assert_fields(self.dns_row(talk), dns_us=12500, dns_rcode="NOERROR",
                           dns_retries=0, requests=1, unanswered=0, server_rtt_min_us=12500)
        [s] = self.samples(self.frames(talk))
        self.assert_fields(s, rtt_us=12500, side="server", valid=True)

    def test_no_answer(self):
        self.assert_fields(self.dns_row([(0, 0, self.ASK)]), dns_us=None, dns_rcode=None,
                           dns_retries=0, requests=1, unanswered=1)

    def test_retries_count_from_the_first_and_from_the_last(self):
        talk = [(0, 0, self.ASK), (1000, 0, self.ASK), (3000, 0, self.ASK),
                (3020, 1, self.ANSWER), (3030, 1, self.ANSWER)]
        self.assert_fields(self.dns_row(talk), dns_us=3020000, dns_retries=2, requests=1,
                           unanswered=0)
        [s] = self.samples(self.frames(talk), "--all")
        self.assert_fields(s, rtt_us=20000, valid=False, reason="retransmitted")

    def test_retries_without_answer(self):
        talk = [(n * 5000, 0, self.ASK) for n in range(3)]
        self.assert_fields(self.dns_row(talk), requests=1, unanswered=1, dns_retries=2)

    def test_a_late_repetition_is_another_query(self):
        talk = [(0, 0, self.ASK), (20000, 0, self.ASK), (20007, 1, self.ANSWER)]
        self.assert_fields(self.dns_row(talk), dns_us=7000, requests=2, unanswered=1,
                           dns_retries=0)

    def test_several_at_once_by_id_and_question(self):
        ask = lambda n, kind: message(n, "a.example", kind=kind)
        tell = lambda n, kind: message(n, "a.example", response=True, kind=kind)
        talk = [(0, 0, ask(1, A)), (1, 0, ask(2, AAAA)), (2, 0, ask(2, A)),
                (10, 1, tell(2, AAAA)), (30, 1, tell(1, A)), (60, 1, tell(2, A))]
        self.assertEqual([s["rtt_us"] for s in self.samples(self.frames(talk))],
                         [9000, 30000, 58000])
        self.assert_fields(self.dns_row(talk), requests=3, unanswered=0, dns_us=9000)

    def test_case_of_the_name_is_no_difference(self):
        talk = [(0, 0, message(1, "wWw.ExAmPlE")), (4, 1, message(1, "www.example", (), True))]
        self.assert_fields(self.dns_row(talk), dns_us=4000)

    def test_error_without_question(self):
        talk = [(0, 0, self.ASK), (4, 1, message(7, "", (), True, rcode=5))]
        self.assert_fields(self.dns_row(talk), dns_us=4000, dns_rcode="REFUSED")

    def test_answers_to_nothing(self):
        other = message(7, "www.example.org", (), True)
        talk = [(0, 0, self.ASK), (1, 1, other), (2, 1, message(8, "www.example.net", (), True))]
        self.assert_fields(self.dns_row(talk), dns_us=None, dns_rcode=None, unanswered=1)

    def test_multicast_is_no_conversation(self):
        talk = [(0, 0, self.ASK), (9, 0, self.ASK)]
        row = self.dns_row(talk, ports=(5353, 5353), hosts=(C, "224.0.0.251"))
        self.assert_fields(row, requests=None, unanswered=None)

    def test_over_tcp(self):
        framed = lambda data: struct.pack(">H", len(data)) + data
        big = message(9, "big.example", [record(b"\xc0\x0c", 16, bytes(200))] * 20, True)
        rows = self.tcp(framed(self.ASK), [framed(self.ANSWER)])
        self.assertEqual([s["rtt_us"] for s in rows], [20000])
        rows = self.tcp(framed(self.ASK)[:2], [framed(self.ANSWER)], framed(self.ASK)[2:])
        self.assertEqual([s["rtt_us"] for s in rows], [15000])
        for size in (1460, 100, 2):
            whole = framed(big)
            head = whole[:size]
            parts = [head] + [whole[i:i + 1460] for i in range(size, len(whole), 1460)]
            rows = self.tcp(framed(message(9, "big.example")), parts)
            self.assertEqual([s["rtt_us"] for s in rows],
                             [20000 + 5000 * (len(parts) - 1)], size)

    def tcp(self, query, answers, more=b""):
        """Samples of a connection: 20 ms until the answer, its parts 5 ms apart."""
        seq, out = [1000, 5000], []

        def add(at, way, flags, data=b""):
            ack = seq[1 - way] if flags & 0x10 else 0
            segment = struct.pack(">HHIIBBHHH", (40000, 53)[way], (53, 40000)[way], seq[way],
                                  ack, 0x50, flags, 60000, 0, 0) + data
            out.append(F.Frame(F.EPOCH + at * MS, F.wrapped(
                [F.ether()], *F.ip((C, S)[way], (S, C)[way], 6, segment))))
            seq[way] += len(data) + (flags & 2 > 0)

        add(0, 0, 2)
        add(10, 1, 0x12)
        add(20, 0, 0x10)
        add(30, 0, 0x18, query)
        if more:
            add(35, 0, 0x18, more)
        for n, part in enumerate(answers):
            add(50 + 5 * n, 1, 0x18, part)
        return self.samples(out)


class Names(Dns):
    def answer(self, *records, question="www.example.net", ident=7, at=5):
        return self.frames([(0, 0, message(ident, question)),
                            (at, 1, message(ident, question, records, True))])

    def test_address(self):
        frames = self.answer(record(b"\xc0\x0c", A, address(WEB)))
        self.assertEqual(self.name_of(frames + self.web()), ["www.example.net"])

    def test_alias_gives_the_asked_name(self):
        for order in (1, -1):
            records = [record(b"\xc0\x0c", CNAME, name("cdn.example.org")),
                       record(name("cdn.example.org"), A, address(WEB))][::order]
            self.assertEqual(self.name_of(self.answer(*records) + self.web()),
                             ["www.example.net"], order)

    def test_others_than_the_asked_name_name_nothing(self):
        frames = self.answer(record(name("bank.example"), A, address(WEB)))
        self.assertEqual(self.name_of(frames + self.web()), [None])

    def test_an_answer_nobody_asked_for_names_nothing(self):
        tell = message(7, "www.example.net", [record(b"\xc0\x0c", A, address(WEB))], True)
        spoofed = [[(0, 1, tell)], [(0, 0, message(8, "www.example.net")), (1, 1, tell)],
                   [(0, 0, message(7, "x.example.net")), (1, 1, tell)]]
        for talk in spoofed:
            self.assertEqual(self.name_of(self.frames(talk) + self.web()), [None])

    def test_the_first_answer_is_the_one(self):
        talk = [(0, 0, message(7, "www.example.net")),
                (1, 1, message(7, "www.example.net", (), True)),
                (2, 1, message(7, "www.example.net", [record(b"\xc0\x0c", A, address(WEB))], True))]
        self.assertEqual(self.name_of(self.frames(talk) + self.web()), [None])

    def test_the_newest_wins(self):
        frames = self.answer(record(b"\xc0\x0c", A, address(WEB)))
        later = self.answer(record(b"\xc0\x0c", A, address(WEB)), question="new.example", ident=9)
        for f in later:
            f.ts += 100 * MS
        self.assertEqual(self.name_of(frames + later + self.web()), ["new.example"])

    def test_ipv6(self):
        host = "2001:db8::80"
        talk = [(0, 0, message(7, "six.example", kind=AAAA)),
                (1, 1, message(7, "six.example", [record(b"\xc0\x0c", AAAA, address(host))],
                               True, kind=AAAA))]
        visit = [F.Frame(F.EPOCH + 50 * MS, F.wrapped([F.ether()], *F.udp(
            "2001:db8::1", host, 50000, 8080, b"x")))]
        self.assertEqual(self.name_of(self.frames(talk) + visit, host), ["six.example"])

    def test_hostile_names(self):
        loop = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + b"\xc0\x0c" + bytes(30)
        beyond = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + b"\xff\xff" + bytes(30)
        for evil in (loop, beyond, loop[:13], b"\x3f" * 12 + b"\x3f" * 500):
            talk = [(0, 0, message(7, "a.example")), (1, 1, evil)]
            self.assert_fields(self.dns_row(talk), dns_us=None)

    def test_a_dot_inside_a_label_is_not_shown(self):
        tricky = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x08bank.com\x04evil\0\0\1\0\1"
        told = (struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + tricky[12:]
                + record(b"\xc0\x0c", A, address(WEB)))
        frames = self.frames([(0, 0, tricky), (1, 1, told)])
        self.assertEqual(self.name_of(frames + self.web()), [None])

    def test_controls_are_cleaned(self):
        asked = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\x03a\x1bb\0\0\1\0\1"
        told = (struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + asked[12:]
                + record(b"\xc0\x0c", A, address(WEB)))
        frames = self.frames([(0, 0, asked), (1, 1, told)])
        self.assertEqual(self.name_of(frames + self.web()), ["a\\x1bb"])


if __name__ == "__main__":
    konn.main()
