"""conn_state and history as Zeek documents them, TCP states, orientation, port reuse."""

import frames as F
import konn

S, A, FA, RA, R = F.SYN, F.ACK, F.FIN | F.ACK, F.RST | F.ACK, F.RST
SA, PA = F.SYN | F.ACK, F.PSH | F.ACK


def play(version, *steps):
    """Steps are (way, flags[, payload size])."""
    t = F.talk(version)
    for way, flags, *size in steps:
        t.send(way, flags, bytes(size[0]) if size else b"")
    return t


HANDSHAKE = ((0, S), (1, SA), (0, A))

# name: steps, conn_state, history. History: a letter once a direction, in order of
# appearance; capitals are the originator's; ^ where the first packet came from the responder.
OUTCOMES = {
    "S0_attempt": ([(0, S)], "S0", "S"),
    "S0_repeated": ([(0, S)], "S0", "S"),
    "S1_open": ([*HANDSHAKE, (0, PA, 10), (1, A), (1, PA, 20), (0, A)], "S1", "ShADad"),
    "S1_silent": ([*HANDSHAKE], "S1", "ShA"),
    "SF": ([*HANDSHAKE, (0, PA, 10), (1, A), (1, PA, 20), (0, A), (0, FA), (1, A),
            (1, FA), (0, A)], "SF", "ShADadFf"),
    "SF_server_first": ([*HANDSHAKE, (0, PA, 10), (1, A), (1, PA, 20), (0, A), (1, FA),
                         (0, A), (0, FA), (1, A)], "SF", "ShADadfF"),
    "SF_without_data": ([*HANDSHAKE, (0, FA), (1, FA), (0, A)], "SF", "ShAFf"),
    "REJ": ([(0, S), (1, RA)], "REJ", "Sr"),
    "S2": ([*HANDSHAKE, (0, PA, 10), (1, A), (0, FA), (1, A)], "S2", "ShADaF"),
    "S3": ([*HANDSHAKE, (0, PA, 10), (1, A), (1, FA), (0, A)], "S3", "ShADaf"),
    "RSTO": ([*HANDSHAKE, (0, PA, 10), (1, A), (0, RA)], "RSTO", "ShADaR"),
    "RSTR": ([*HANDSHAKE, (0, PA, 10), (1, A), (1, RA)], "RSTR", "ShADar"),
    "RSTOS0": ([(0, S), (0, R)], "RSTOS0", "SR"),
    "RSTRH": ([(1, SA), (1, R)], "RSTRH", "^hr"),
    "SH": ([(0, S), (0, FA)], "SH", "SF"),
    "SHR": ([(1, SA), (1, FA)], "SHR", "^hf"),
    "OTH": ([(0, PA, 10), (1, A), (1, PA, 20), (0, A)], "OTH", "DadA"),
}


class ConnState(konn.Case):
    pass


def add_outcome(name, version):
    steps, state, history = OUTCOMES[name]

    def test(self):
        t = play(version, *steps)
        if name == "S0_repeated":
            t.side[0].seq -= 1
            t.send(0, S, wait=F.SECOND)
        row = self.row(t.frames)
        self.assert_fields(row, conn_state=state, history=history)
        self.assert_talk(row, t)

    setattr(ConnState, f"test_{name}_v{version}", test)


for outcome in OUTCOMES:
    add_outcome(outcome, 4)
    add_outcome(outcome, 6)


class Retransmitted(konn.Case):
    """Repeated packets: counted as bytes, marked t/T in the history, no new state."""

    def test_retransmission_counts_and_marks(self):
        t = F.talk().open()
        t.send(0, PA, bytes(100))
        t.send(0, PA, bytes(100), seq=t.side[0].seq - 100, wait=300_000_000)
        t.send(1, A)
        t.close()
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF", orig_bytes=200, resp_bytes=0)
        self.assertEqual(row["history"], "ShADTaFf")

    def test_repeated_fin_does_not_reopen(self):
        t = F.standard()
        t.send(1, FA, seq=t.side[1].seq - 1)
        t.send(0, A)
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF")
        self.assert_talk(row, t)

    def test_reset_after_orderly_close_stays_in_the_row(self):
        t = F.standard()
        t.send(1, R)
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF")
        self.assert_talk(row, t)

    def test_reset_after_both_fins_is_SF(self):
        """A browser that answers the server's last FIN with a reset (Zeek: SF)."""
        t = play(4, *HANDSHAKE, (0, PA, 10), (1, A), (1, PA, 20), (0, FA), (1, FA), (0, R))
        self.assert_fields(self.row(t.frames), conn_state="SF", history="ShADadFfR")

    def test_simultaneous_close_is_SF(self):
        t = F.talk().open().data(0, 10)
        t.send(0, FA)
        t.send(1, FA, ack=t.side[0].seq - 1)
        t.send(0, A)
        t.send(1, A)
        self.assert_fields(self.row(t.frames), conn_state="SF")

    def test_gap_is_missed_bytes(self):
        """Bytes that were acknowledged but never captured."""
        t = F.talk().open().data(1, 1000)
        t.side[1].seq += 5000
        t.data(1, 1000).close()
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF", resp_bytes=2000, missed_bytes=5000)


class TcpStates(konn.Case):
    """RFC 9293 names of both ends."""

    def states(self, *steps):
        row = self.row(play(4, *steps).frames)
        self.assertEqual(row["state_source"], "packets")
        self.assertEqual(row["state"], row["orig_state"])
        return row["orig_state"], row.get("resp_state")

    def test_established(self):
        self.assertEqual(self.states(*HANDSHAKE), ("ESTABLISHED", "ESTABLISHED"))

    def test_syn_sent(self):
        self.assertEqual(self.states((0, S))[0], "SYN-SENT")

    def test_syn_received(self):
        self.assertEqual(self.states((0, S), (1, SA))[1], "SYN-RECEIVED")

    def test_half_closed(self):
        found = self.states(*HANDSHAKE, (0, FA), (1, A))
        self.assertEqual(found, ("FIN-WAIT-2", "CLOSE-WAIT"))

    def test_last_ack(self):
        found = self.states(*HANDSHAKE, (0, FA), (1, A), (1, FA))
        self.assertEqual(found[1], "LAST-ACK")

    def test_reset(self):
        self.assertEqual(self.states(*HANDSHAKE, (1, RA)), ("CLOSED", "CLOSED"))

    def test_refused(self):
        self.assertEqual(self.states((0, S), (1, RA))[0], "CLOSED")


class Orientation(konn.Case):
    """Who is the originator ("Settled" of the interface)."""

    def first_data(self, sender, receiver):
        """A midstream conversation whose first packet goes from sender to receiver."""
        t = F.Talk(sender, receiver).data(0, 100).data(1, 50)
        return self.row(t.frames)

    def assert_orig(self, row, host):
        self.assertEqual(row["id.orig_h"], host, konn.brief(row))
        self.assertEqual(row["conn_state"], "OTH")

    def test_syn_decides_even_to_a_high_port(self):
        t = F.Talk(("10.0.0.1", 80), ("10.0.0.2", 50000)).open().close()
        self.assert_fields(self.row(t.frames), id__orig_h="10.0.0.1", id__orig_p=80)

    def test_receiver_of_a_syn_ack_is_orig(self):
        t = F.Talk(("10.0.0.1", 80), ("10.0.0.2", 50000))
        t.send(1, SA)
        t.send(0, A)
        t.data(0, 10)
        self.assert_fields(self.row(t.frames), id__orig_h="10.0.0.1", id__orig_p=80)

    def test_service_port_is_the_responder(self):
        self.assert_orig(self.first_data(("10.0.0.9", 443), ("10.0.0.1", 50000)),
                         "10.0.0.1")
        self.assert_orig(self.first_data(("10.0.0.1", 50000), ("10.0.0.9", 443)),
                         "10.0.0.1")

    def test_two_unknown_ports_first_sender_is_orig(self):
        self.assert_orig(self.first_data(("10.0.0.9", 50001), ("10.0.0.1", 60001)),
                         "10.0.0.9")
        self.assert_orig(self.first_data(("10.0.0.1", 60001), ("10.0.0.9", 50001)),
                         "10.0.0.1")

    def test_two_services_first_sender_is_orig(self):
        self.assert_orig(self.first_data(("10.0.0.9", 22), ("10.0.0.1", 80)), "10.0.0.9")
        self.assert_orig(self.first_data(("10.0.0.1", 80), ("10.0.0.9", 22)), "10.0.0.1")

    def test_udp_service_port(self):
        data, kind = F.udp("10.0.0.53", "10.0.0.1", 53, 40000, b"x" * 30)
        frame = F.Frame(F.EPOCH, F.wrapped([F.ether()], data, kind))
        self.assert_fields(self.row([frame]), id__orig_h="10.0.0.1", id__resp_p=53,
                           orig_bytes=0, resp_bytes=30)

    def test_late_syn_corrects_nothing_already_certain(self):
        """A SYN seen after its SYN-ACK (reordered capture) is one row, same ends."""
        t = F.talk()
        syn = t.send(0, S)
        answer = t.send(1, SA)
        t.send(0, A)
        t.close()
        syn.ts, answer.ts = answer.ts, syn.ts
        row = self.row(t.frames)
        self.assert_talk(row, t)
        self.assert_fields(row, conn_state="SF")


class PortReuse(konn.Case):
    def again(self, first, wait, isn=900_000):
        """The same four-tuple once more, with new sequence numbers."""
        second = F.talk(start=first.now + wait)
        second.side[0].seq, second.side[1].seq = isn, isn + 77
        return second.open().data(0, 10).data(1, 20).close()

    def check(self, first, *states, wait=F.SECOND):
        second = self.again(first, wait)
        rows = self.rows(first.frames + second.frames)
        self.assertEqual([r["conn_state"] for r in rows], list(states))
        self.assertEqual(len({r["uid"] for r in rows}), 2)
        self.assert_talk(rows[0], first)
        self.assert_talk(rows[1], second)

    def test_after_close(self):
        self.check(F.standard(), "SF", "SF")

    def test_after_reset(self):
        self.check(F.talk().open().data(0, 10).reset(1), "RSTR", "SF")

    def test_after_refusal(self):
        self.check(play(4, (0, S), (1, RA)), "REJ", "SF")

    def test_while_the_old_one_was_never_closed(self):
        self.check(F.talk().open().data(0, 10), "S1", "SF", wait=30 * F.SECOND)

    def test_repeated_syn_is_no_new_connection(self):
        t = F.talk()
        t.send(0, S)
        for _ in range(3):
            t.side[0].seq -= 1
            t.send(0, S, wait=F.SECOND)
        t.send(1, SA)
        t.send(0, A)
        t.close()
        row = self.row(t.frames)
        self.assert_fields(row, conn_state="SF")
        self.assert_talk(row, t)

    def test_uid_is_deterministic_and_unique(self):
        t = F.standard()
        one, two = self.row(t.frames)["uid"], self.row(t.frames)["uid"]
        self.assertEqual(one, two)
        later = F.standard(start=F.EPOCH + 1000)
        self.assertNotEqual(self.row(later.frames)["uid"], one)


class NoMidstream(konn.Case):
    def test_only_connections_whose_start_was_seen(self):
        whole = F.standard()
        middle = F.Talk(("10.9.0.1", 40009), ("10.9.0.2", 80)).data(0, 10).data(1, 10)
        frames = whole.frames + middle.frames
        self.assertEqual(len(self.rows(frames)), 2)
        report = self.listed("-r", self.pcap(frames), "--no-midstream")
        self.assertEqual([r["id.orig_h"] for r in report.conns], ["10.1.0.1"])
        self.assertEqual(report.summary["packets"], len(frames))

    def test_udp_and_icmp_stay(self):
        data, kind = F.udp("10.0.0.1", "10.0.0.2", 40000, 53, b"x")
        ping, kind2 = F.echo("10.0.0.1", "10.0.0.2", 5, 1)
        frames = [F.Frame(F.EPOCH, F.wrapped([F.ether()], data, kind)),
                  F.Frame(F.EPOCH + 1000, F.wrapped([F.ether()], ping, kind2))]
        rows = self.rows(frames, "--no-midstream")
        self.assertEqual(sorted(r["proto"] for r in rows), ["icmp", "udp"])


if __name__ == "__main__":
    konn.main()
