"""ICMP echo: round trips by identifier and number, and what got no answer."""

import frames as F
import konn

PAIRS = {4: ("10.1.0.1", "10.2.0.2"), 6: ("2001:db8:1::1", "2001:db8:2::2")}
MS = 1_000_000


class Echo(konn.Case):
    def frames(self, talk, version=4, ident=77):
        """`talk` is (milliseconds, way, number); way 1 replies."""
        ends = PAIRS[version]
        return [F.Frame(F.EPOCH + int(at * MS), F.wrapped([F.ether()], *F.echo(
            ends[way], ends[1 - way], ident, seq, reply=way == 1))) for at, way, seq in talk]

    def samples(self, talk, *args, **options):
        path = self.pcap(self.frames(talk, **options))
        report = konn.Report(konn.run("rtt", "-r", path, "-j", *args))
        return [r for r in report.records if r["kind"] == "rtt"]

    def test_round_trips(self):
        talk = [(0, 0, 1), (20, 1, 1), (1000, 0, 2), (1031.5, 1, 2)]
        for version in (4, 6):
            found = self.samples(talk, version=version)
            self.assertEqual([(s["sample"], s["side"], s["rtt_us"]) for s in found],
                             [("icmp", "server", 20000), ("icmp", "server", 31500)])
            self.assert_fields(self.row(self.frames(talk, version)), requests=2, unanswered=0,
                               server_rtt_min_us=20000, server_rtt_max_us=31500,
                               server_rtt_samples=2, client_rtt_samples=None)

    def test_lost_ones_are_counted(self):
        for lost in range(1, 8):
            talk = [(n * 1000, 0, n) for n in range(lost)]
            self.assert_fields(self.row(self.frames(talk)), requests=lost, unanswered=lost)
            talk += [(lost * 1000, 0, lost), (lost * 1000 + 9, 1, lost)]
            self.assert_fields(self.row(self.frames(talk)), requests=lost + 1,
                               unanswered=lost, server_rtt_min_us=9000)
            self.assertEqual([s["rtt_us"] for s in self.samples(talk)], [9000])

    def test_answers_out_of_order(self):
        talk = [(0, 0, 1), (10, 0, 2), (50, 1, 2), (55, 1, 1)]
        self.assertEqual([s["rtt_us"] for s in self.samples(talk)], [40000, 55000])

    def test_second_answers_and_others_count_nothing(self):
        talk = [(0, 0, 1), (5, 1, 1), (6, 1, 1), (7, 1, 9)]
        self.assertEqual([s["rtt_us"] for s in self.samples(talk)], [5000])
        self.assert_fields(self.row(self.frames(talk)), requests=1, unanswered=0)

    def test_the_same_number_again(self):
        talk = [(0, 0, 1), (1000, 0, 1), (1005, 1, 1)]
        [s] = self.samples(talk, "--all")
        self.assert_fields(s, valid=False, reason="retransmitted")

    def test_reply_alone(self):
        self.assertEqual(self.samples([(0, 1, 1)], "--all"), [])
        self.assert_fields(self.row(self.frames([(0, 1, 1)])), requests=None)

    def test_many_on_the_way(self):
        talk = [(n * 10, 0, n) for n in range(40)] + [(n * 10 + 95, 1, n) for n in range(40)]
        found = self.samples(sorted(talk))
        self.assertEqual({s["rtt_us"] for s in found}, {95000})
        # the eight between the first and the last one before the first answer have no room
        self.assertEqual(len(found), 32)


if __name__ == "__main__":
    konn.main()
