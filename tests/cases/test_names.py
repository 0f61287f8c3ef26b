"""Server names, ALPN and banners of made connections; tshark says what they hold."""

import frames as F
import hellos as H
import konn
import oracle

A, PA = F.ACK, F.PSH | F.ACK
UDP_PAIR = (("10.1.0.1", 40001), ("10.2.0.2", 443))


def tls_talk(port=443, **options):
    return F.Talk(("10.1.0.1", 40001), ("10.2.0.2", port), **options).open()


def request(host, line="GET / HTTP/1.1"):
    host = host.encode() if isinstance(host, str) else host
    return line.encode() + b"\r\nHost: " + host + b"\r\n\r\n"


def datagrams(*steps):
    """(way, payload) pairs of one UDP conversation, 10 ms apart."""
    frames = []
    for n, (way, payload) in enumerate(steps):
        (a, ap), (b, bp) = UDP_PAIR if way == 0 else UDP_PAIR[::-1]
        data, kind = F.udp(a, b, ap, bp, payload)
        frames.append(F.Frame(F.EPOCH + n * 10_000_000,
                              F.wrapped([F.ether()], data, kind, way)))
    return frames


class Names(konn.Case):
    def same_as_tshark(self, frames, row, *options):
        """tshark's name and protocols in the capture that the row came from."""
        fields = ("tls.handshake.extensions_server_name", "tls.handshake.extensions_alpn_str",
                  "http.host", "ssh.protocol")
        found = {f: [] for f in fields}
        for cells in oracle.tshark_fields(self.pcap(frames), " || ".join(fields), fields,
                                          *options):
            for field, values in cells.items():
                found[field] += values
        names = found[fields[0]] or found[fields[2]]
        self.assertEqual(row.get("server_name"), names[0] if names else None)
        self.assertEqual(row.get("alpn"), ",".join(found[fields[1]]) or None)
        self.assertEqual(row.get("banner"), (found[fields[3]] or [None])[-1])


class Tls(Names):
    def test_one_segment(self):
        for layers in ([F.ether()], [F.vxlan("192.0.2.1", "192.0.2.2", 7), F.ether()]):
            layers = layers if len(layers) == 1 else [F.ether(), *layers]
            t = tls_talk(layers=layers)
            t.send(0, PA, H.record(H.client_hello()))
            row = self.row(t.frames)
            self.assert_fields(row, server_name="example.com", alpn="h2,http/1.1", service="tls")
            self.same_as_tshark(t.frames, row)

    def test_two_segments_in_any_order_and_again(self):
        hello = H.record(H.client_hello("two.example", more=1300))
        for order in ((0, 1), (0, 0, 1), (0, 1, 0, 1)):
            t = tls_talk()
            start = t.side[0].seq
            for part in order:
                data = hello[:1400] if part == 0 else hello[1400:]
                t.send(0, PA, data, seq=start + 1400 * part)
            row = self.row(t.frames)
            self.assert_fields(row, server_name="two.example", alpn="h2,http/1.1")
            self.same_as_tshark(t.frames, row)

    def test_three_segments_out_of_order(self):
        hello = H.record(H.client_hello("three.example", more=2500))
        t = tls_talk()
        start = t.side[0].seq
        for part in (0, 2, 1):
            t.send(0, PA, hello[1000 * part:1000 * part + 1000], seq=start + 1000 * part)
        t.send(0, PA, hello[3000:], seq=start + 3000)
        self.assert_fields(self.row(t.frames), server_name="three.example", alpn="h2,http/1.1")

    def test_service_though_its_first_bytes_came_late(self):
        hello = H.record(H.client_hello("late.example", more=1300))
        t = tls_talk(port=12345)
        start = t.side[0].seq
        t.send(0, PA, hello[1400:], seq=start + 1400)
        t.send(0, PA, hello[:1400], seq=start)
        t.send(1, A, b"")
        self.assert_fields(self.row(t.frames), service="tls", server_name="late.example")

    def test_chosen_protocol(self):
        t = tls_talk()
        t.send(0, PA, H.record(H.client_hello(version13=False)))
        t.send(1, PA, H.record(H.server_hello("http/1.1")))
        self.assert_fields(self.row(t.frames), alpn="http/1.1", server_name="example.com")

    def test_no_handshake_seen(self):
        for first in ((), ((0, A, b""), (0, A, b""))):
            t = F.Talk(("10.1.0.1", 40001), ("10.2.0.2", 443))
            for step in first:
                t.send(*step)
            t.send(0, PA, H.record(H.client_hello("mid.example")))
            t.send(1, A)
            row = self.row(t.frames)
            self.assert_fields(row, server_name="mid.example", service="tls")
            self.same_as_tshark(t.frames, row)

    def test_hostile_names(self):
        for name, shown in ((b"\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
                            (b"a" * 300, "a" * 255), (b"\xff\\", "\\xff\\x5c"),
                            ("b\u00fccher.example".encode(), "b\u00fccher.example")):
            t = tls_talk()
            t.send(0, PA, H.record(H.client_hello(name)))
            self.assert_fields(self.row(t.frames), server_name=shown)

    def test_filters(self):
        t = tls_talk()
        t.send(0, PA, H.record(H.client_hello("www.Example.com")))
        path = self.pcap(t.frames)
        for text, found in (("server_name = WWW.example.COM", 1), ("server_name ~ example", 1),
                            ('alpn = "h2,http/1.1"', 1), ("alpn ~ H2", 0), ("banner ~ .", 0)):
            rows = self.listed("-r", path, text).conns
            self.assertEqual(len(rows), found, text)


class Others(Names):
    def test_http(self):
        for head, name in ((request("example.com:8080"), "example.com"),
                           (request("[2001:db8::1]"), "2001:db8::1"),
                           (request("x", "GET http://abs.example/ HTTP/1.1"), "abs.example"),
                           (request("x", "CONNECT to.example:443 HTTP/1.1"), "to.example"),
                           (b"GET / HTTP/1.0\r\n\r\n", None)):
            t = F.talk().open()
            t.send(0, PA, head)
            self.assert_fields(self.row(t.frames), server_name=name, service="http")

    def test_http_like_tshark(self):
        t = F.talk().open()
        t.send(0, PA, request("plain.example"))
        t.send(1, PA, b"HTTP/1.1 204 No Content\r\n\r\n")
        self.same_as_tshark(t.frames, self.row(t.frames))

    def test_ssh(self):
        t = F.Talk(("10.1.0.1", 40001), ("10.2.0.2", 22)).open()
        t.send(0, PA, b"SSH-2.0-client\r\n")
        t.send(1, PA, b"SSH-2.0-OpenSSH_9.2p1\r\n")
        row = self.row(t.frames)
        self.assert_fields(row, banner="SSH-2.0-OpenSSH_9.2p1", service="ssh", server_name=None)
        self.same_as_tshark(t.frames, row)


class Quic(Names):
    def setUp(self):
        super().setUp()
        if H.quic_initial(b"") is None:
            self.skipTest("python3-cryptography is not there to seal Initials")

    def test_versions(self):
        frames = H.crypto(0, H.client_hello("quic.example", ("h3",)))
        for version in H.QUIC_SALT:
            packets = datagrams((0, H.quic_initial(frames, version)))
            for answer in (False, True):
                row = self.row(packets + datagrams((1, bytes(50)))[:answer])
                self.assert_fields(row, server_name="quic.example", alpn="h3", service="quic")
            if version != 0x6B3343CF:  # tshark 4.0 is older than RFC 9369
                self.same_as_tshark(packets, row)

    def test_two_datagrams_in_any_order(self):
        hello = H.client_hello("big.example", ("h3",), more=1500)
        parts = [H.crypto(0, hello[:900]), H.crypto(900, hello[900:])]
        for order in ((0, 1), (1, 0), (1, 1, 0)):
            packets = datagrams(*((0, H.quic_initial(parts[n], number=n)) for n in order))
            row = self.row(packets)
            self.assert_fields(row, server_name="big.example", alpn="h3")

    def test_behind_another_datagram(self):
        initial = H.quic_initial(H.crypto(0, H.client_hello("later.example", ("h3",))))
        early = b"\xd3" + initial[1:60]  # 0-RTT came first
        row = self.row(datagrams((0, early), (0, initial)))
        self.assert_fields(row, server_name="later.example")

    def test_broken_seal(self):
        initial = bytearray(H.quic_initial(H.crypto(0, H.client_hello("no.example", ("h3",)))))
        initial[700] ^= 1
        self.assert_fields(self.row(datagrams((0, bytes(initial)))), server_name=None,
                           alpn=None, service="quic")


if __name__ == "__main__":
    konn.main()
