"""Application times of made connections: every wait in them is known.

The capture point is 10 ms (there and back) from the client and 20 ms from the server.
"""

import frames as F
import hellos as H
import konn
import oracle

MS = 1_000_000
CLIENT, SERVER = 10 * MS, 20 * MS
A, PA = F.ACK, F.PSH | F.ACK
REQUEST = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Talk(F.Talk):
    """A conversation whose clock only moves when it is told to."""

    def __init__(self, port=80):
        super().__init__(("10.1.0.1", 40001), ("10.2.0.2", port), step=0)

    def wait(self, ns):
        self.now += ns
        return self

    def shake(self):
        self.send(0, F.SYN)
        self.wait(SERVER).send(1, F.SYN | A)
        self.wait(CLIENT).send(0, A)
        return self

    def turn(self, think, request=REQUEST, response=RESPONSE):
        """The responder's kernel acknowledges at once, its program thinks."""
        self.send(0, PA, request)
        self.wait(SERVER).send(1, A)
        self.wait(think).send(1, PA, response)
        self.wait(CLIENT).send(0, A)
        return self.wait(30 * MS)


class Http(konn.Case):
    def assert_app(self, row, think, note=""):
        self.assertIn("app_time_us", row, note)
        self.assertAlmostEqual(row["app_time_us"], think // 1000, delta=1000, msg=note)

    def test_known_think_time(self):
        for think in (0, 3 * MS, 120 * MS, 2000 * MS):
            t = Talk().shake()
            for _ in range(7):
                t.turn(think)
            row = self.row(t.frames)
            self.assert_app(row, think)
            self.assertEqual(row["first_byte_us"], (SERVER + think) // 1000)

    def test_median(self):
        t = Talk().shake()
        for think in (5, 300, 7, 6, 9000, 8, 5):
            t.turn(think * MS)
        self.assert_app(self.row(t.frames), 7 * MS)

    def test_like_tshark(self):
        t = Talk().shake().turn(33 * MS)
        seconds = [float(cells["http.time"][0]) for cells in
                   oracle.tshark_fields(self.pcap(t.frames), "http.time", ["http.time"])]
        self.assertEqual([round(s * 1e6) for s in seconds],
                         [self.row(t.frames)["first_byte_us"]])

    def test_request_in_segments(self):
        t = Talk().shake()
        t.send(0, PA, REQUEST)
        t.wait(50 * MS).send(0, PA, bytes(1000))
        t.wait(SERVER + 40 * MS).send(1, PA, RESPONSE)
        row = self.row(t.frames)
        self.assertEqual(row["first_byte_us"], 60_000)
        self.assert_app(row, 40 * MS)

    def test_pipelined(self):
        t = Talk().shake()
        t.send(0, PA, REQUEST)
        t.wait(5 * MS).send(0, PA, REQUEST)
        t.wait(SERVER + 100 * MS).send(1, PA, RESPONSE)
        t.wait(90 * MS).send(1, PA, RESPONSE)
        t.wait(CLIENT).send(0, A)
        t.wait(MS).turn(500 * MS)
        row = self.row(t.frames)
        self.assertEqual(row["first_byte_us"], 125_000)
        self.assert_app(row, 105 * MS)

    def test_midstream_has_no_first_request(self):
        t = Talk()
        t.turn(120 * MS).turn(120 * MS).turn(120 * MS)
        self.assertNotIn("first_byte_us", self.row(t.frames))

    def test_request_sent_again(self):
        t = Talk().shake()
        start = t.side[0].seq
        t.send(0, PA, REQUEST)
        t.wait(300 * MS).send(0, PA, REQUEST, seq=start)
        t.wait(SERVER + 120 * MS).send(1, PA, RESPONSE)
        row = self.row(t.frames)
        self.assertEqual(row["first_byte_us"], 440_000)
        self.assertNotIn("app_time_us", row)

    def test_response_sent_again_is_no_response(self):
        t = Talk().shake().turn(120 * MS)
        again = t.side[1].seq - len(RESPONSE)
        t.send(0, PA, REQUEST)
        t.wait(SERVER).send(1, PA, RESPONSE, seq=again)
        t.wait(120 * MS).send(1, PA, RESPONSE)
        t.wait(CLIENT).send(0, A)
        self.assert_app(self.row(t.frames), 120 * MS)

    def test_clock_that_ran_back(self):
        t = Talk().shake()
        t.send(0, PA, REQUEST)
        t.wait(-2 * MS).send(1, PA, RESPONSE)
        path = self.path()
        konn.capture.write_pcap(path, t.frames)  # in this order
        row = self.listed("-r", path).conns[0]
        self.assert_fields(row, first_byte_us=None, app_time_us=None)


class NoTurns(konn.Case):
    def assert_none(self, t):
        self.assert_fields(self.row(t.frames), app_time_us=None, first_byte_us=None,
                           tls_handshake_us=None)

    def test_server_speaks_first(self):
        t = Talk(25).shake()
        t.wait(500 * MS).send(1, PA, b"220 hello\r\n")
        t.wait(CLIENT).send(0, A)
        self.assert_none(t)

    def test_no_answer(self):
        t = Talk().shake()
        t.send(0, PA, REQUEST)
        t.wait(SERVER).send(1, A)
        self.assert_none(t)

    def test_both_talk_at_once(self):
        t = Talk(9000).shake()
        for _ in range(10):
            mine, theirs = t.side[0].seq, t.side[1].seq
            t.send(0, PA, bytes(100), ack=theirs)
            t.send(1, PA, bytes(100), ack=mine)  # sent before it had that
            t.wait(CLIENT)
        self.assert_none(t)

    def test_answer_to_what_crossed(self):
        t = Talk(9000).shake()
        t.send(0, PA, b"one")
        behind = t.side[0].seq
        t.send(0, PA, b"two")
        t.wait(SERVER).send(1, PA, b"of one", ack=behind)
        self.assert_none(t)


class Tls(konn.Case):
    def hello(self, version13, parts=1):
        t = Talk(443).shake()
        hello = H.record(H.client_hello(more=1000, version13=version13))
        size = -(-len(hello) // parts)
        for at in range(0, len(hello), size):
            t.send(0, PA, hello[at:at + size])
            t.wait(3 * MS if at + size < len(hello) else 0)
        return t

    def test_12(self):
        t = self.hello(False)
        t.wait(SERVER + 7 * MS).send(1, PA, H.record(H.server_hello() + bytes(4)))
        t.wait(CLIENT + 40 * MS).send(0, PA, H.record(bytes(70)) + H.CIPHER_SPEC +
                                      H.record(bytes(40)))
        t.wait(SERVER + 200 * MS).send(1, PA, H.CIPHER_SPEC + H.record(bytes(40)))
        t.wait(CLIENT)
        for _ in range(3):
            t.turn(120 * MS, H.sealed(200), H.sealed(900))
        t.send(0, PA, H.record(bytes(26), 21))
        t.wait(SERVER).send(1, PA, H.record(bytes(26), 21))
        row = self.row(t.frames)
        self.assert_fields(row, tls_handshake_us=27_000, first_byte_us=140_000)
        self.assertAlmostEqual(row.get("app_time_us", 0), 120_000, delta=1000)

    def test_13_with_tickets(self):
        for together in (False, True):
            t = self.hello(True)
            flight = H.record(H.server_hello(version13=True)) + H.CIPHER_SPEC
            t.wait(SERVER + 2 * MS).send(1, PA, flight + H.sealed(800))
            finished = H.CIPHER_SPEC + H.sealed(53)
            t.wait(CLIENT)
            if together:
                t.send(0, PA, finished + H.sealed(300))
            else:
                t.send(0, PA, finished)
                t.send(0, PA, H.sealed(300))
            t.wait(SERVER).send(1, PA, H.sealed(250))
            t.send(1, PA, H.sealed(250))
            t.wait(120 * MS).send(1, PA, H.sealed(1000))
            t.wait(CLIENT).send(0, A)
            row = self.row(t.frames)
            self.assert_fields(row, tls_handshake_us=22_000, first_byte_us=140_000)
            self.assertAlmostEqual(row.get("app_time_us", 0), 120_000, delta=1000)

    def test_13_with_tickets_one_by_one(self):
        """Nagle: the second one waits for the first one's delayed acknowledgement."""
        for asked_before in (False, True):
            t = self.hello(True)
            flight = H.record(H.server_hello(version13=True)) + H.CIPHER_SPEC
            t.wait(SERVER).send(1, PA, flight + H.sealed(800))
            t.wait(CLIENT).send(0, PA, H.CIPHER_SPEC + H.sealed(53))
            if asked_before:
                t.send(0, PA, H.sealed(300))
            t.wait(SERVER).send(1, PA, H.sealed(266))
            t.wait(CLIENT + 40 * MS)
            if asked_before:
                t.send(0, A)
            else:
                t.send(0, PA, H.sealed(300))
            t.wait(SERVER).send(1, PA, H.sealed(266))
            t.wait(300 * MS).send(1, PA, H.sealed(1000))
            t.wait(CLIENT).send(0, A)
            row = self.row(t.frames)
            wanted = 390 if asked_before else 320
            self.assertEqual(row.get("first_byte_us"), wanted * 1000)
            self.assertAlmostEqual(row.get("app_time_us", 0), wanted * 1000 - 20_000, delta=1000)

    def test_13_without_tickets(self):
        t = self.hello(True)
        flight = H.record(H.server_hello(version13=True)) + H.CIPHER_SPEC
        t.wait(SERVER).send(1, PA, flight + H.sealed(800))
        t.wait(CLIENT).send(0, PA, H.CIPHER_SPEC + H.sealed(53))
        t.wait(100 * MS)
        for _ in range(3):
            t.turn(30 * MS, H.sealed(200), H.sealed(900))
        t.turn(0, H.sealed(19), H.sealed(19))  # close_notify
        row = self.row(t.frames)
        self.assert_fields(row, first_byte_us=50_000)
        self.assertAlmostEqual(row.get("app_time_us", 0), 30_000, delta=1000)

    def test_hello_in_two_segments(self):
        t = self.hello(True, parts=2)
        t.wait(SERVER + MS).send(1, PA, H.record(H.server_hello(version13=True)))
        self.assert_fields(self.row(t.frames), tls_handshake_us=21_000)

    def test_no_answer(self):
        t = self.hello(True)
        t.wait(SERVER).send(1, PA, H.record(b"\x02\x28", 21))  # handshake failure
        self.assert_fields(self.row(t.frames), tls_handshake_us=None, app_time_us=None)


if __name__ == "__main__":
    konn.main()
