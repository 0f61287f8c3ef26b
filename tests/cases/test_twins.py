"""IPv4 and IPv6 connections with the same schedule give the same row."""

import frames as F
import konn
import oracle

# What may differ: identity, and lengths by the 20 bytes that the IPv6 header is longer.
ADDRESSES = {"uid", "community_id", "id.orig_h", "id.resp_h", "local_h", "peer_h"}
LONGER = {
    "orig_ip_bytes": "orig_pkts", "resp_ip_bytes": "resp_pkts",
    "orig_wire_bytes": "orig_pkts", "resp_wire_bytes": "resp_pkts",
}
LAST = {"orig_last_size", "resp_last_size"}


def conversations():
    """name: function(version) that makes a Talk."""

    def refused(v):
        t = F.talk(v)
        t.send(0, F.SYN)
        t.send(1, F.RST | F.ACK)
        return t

    def slow(v):
        t = F.talk(v, step=400_000_000).open()
        return t.data(0, 10_000).data(1, 70_000).close(1)

    return {
        "orderly": F.standard,
        "bulk_down": lambda v: F.talk(v).open().data(0, 80).data(1, 200_000).close(),
        "bulk_up": lambda v: F.talk(v).open().data(0, 200_000).data(1, 80).close(1),
        "still_open": lambda v: F.talk(v).open().data(0, 5000).data(1, 500),
        "reset_by_client": lambda v: F.talk(v).open().data(0, 50).reset(0),
        "reset_by_server": lambda v: F.talk(v).open().data(0, 50).reset(1),
        "refused": refused,
        "slow": slow,
        "midstream": lambda v: F.talk(v).data(0, 3000).data(1, 3000),
    }


class Twins(konn.Case):
    def check(self, make):
        four, six = make(4), make(6)
        one = self.row(four.frames)
        two = self.row(six.frames)
        self.assert_talk(one, four, "v4")
        self.assert_talk(two, six, "v6")
        self.assertEqual(set(one), set(two))
        for key in set(one) - ADDRESSES:
            if key in LONGER:
                self.assertEqual(two[key], one[key] + 20 * one[LONGER[key]], key)
            elif key in LAST:
                self.assertEqual(two[key], one[key] + 20, key)
            elif key == "bytes":
                self.assertIn(two[key] - one[key], (0, 20 * one["pkts"]), key)
            else:
                self.assertEqual(two[key], one[key], key)


for name, make in conversations().items():
    setattr(Twins, f"test_{name}", lambda self, make=make: self.check(make))


class Ipv6(konn.Case):
    def test_payload_is_what_tshark_says(self):
        """T1: the 40 bytes of the header are not subtracted twice."""
        t = F.talk(6).open().data(0, 1).data(0, 39).data(1, 41).close()
        row = self.row(t.frames)
        self.assert_fields(row, orig_bytes=40, resp_bytes=41)
        stream, = oracle.tcp_streams(self.path())
        self.assertEqual([row["orig_bytes"], row["resp_bytes"]], stream.payload)

    def test_no_counter_is_negative_or_absurd(self):
        row = self.row(F.standard(6).frames)
        for key, value in row.items():
            if isinstance(value, (int, float)) and key not in ("ts", "last_seen"):
                self.assertTrue(0 <= value < 10**12, f"{key}={value}")

    def test_close_is_reached_from_either_side(self):
        """T2: an orderly close ends in SF with both ends done, in both versions."""
        for version in (4, 6):
            for first in (0, 1):
                t = F.talk(version).open().data(0, 100).data(1, 1000).close(first)
                row = self.row(t.frames)
                note = f"v{version} closed by {first}"
                self.assert_fields(row, note, conn_state="SF")
                ends = [row["orig_state"], row["resp_state"]]
                self.assertEqual(ends[first], "TIME-WAIT", note)
                self.assertEqual(ends[1 - first], "CLOSED", note)

    def test_both_in_one_file(self):
        four, six = F.standard(4), F.standard(6)
        rows = self.rows(four.frames + six.frames)
        by_host = {r["id.orig_h"]: r for r in rows}
        self.assertEqual(len(rows), 2)
        self.assert_talk(by_host["10.1.0.1"], four)
        self.assert_talk(by_host["2001:db8:1::1"], six)

    def test_text_is_one_line_a_connection(self):
        """T3: an IPv6 row takes one line as well, whatever its addresses' length."""
        long = ("2001:db8:1111:2222:3333:4444:5555:6666", 40001)
        other = ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 443)
        talks = [F.standard(4), F.standard(6)]
        t = F.Talk(long, other).open().close()
        frames = [f for x in [*talks, t] for f in x.frames]
        result = konn.run("list", "-r", self.pcap(frames), "-o", "text")
        self.assertEqual(result.code, 0, result.err)
        lines = [x for x in result.lines if x.strip()]
        self.assertEqual(len(lines), 1 + 3, result.out)
        for host in (long[0], other[0], "2001:db8:1::1", "10.1.0.1"):
            self.assertEqual(sum(host in x for x in lines), 1, host)


if __name__ == "__main__":
    konn.main()
