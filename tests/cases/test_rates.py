"""Rates in capture time, first seconds, totals beyond 4 GiB and 10 Gbit/s, `load`."""

import json
import re
import struct

import frames as F
import konn

YEAR_2001 = 1_000_000_000 * F.SECOND


def steady(seconds, each_second, size, start=YEAR_2001, version=4):
    """A sender with a fixed pace; the acks come 1 ms after each segment."""
    t = F.talk(version, start=start - 100_000_000, step=1_000_000).open()
    first = start
    for n in range(seconds * each_second):
        t.now = first + n * F.SECOND // each_second
        t.send(0, F.PSH | F.ACK, bytes(size))
        t.send(1, F.ACK)
    return t


class CaptureTime(konn.Case):
    """T11: a replayed file's rates use the stamps of its packets."""

    def test_steady_rate(self):
        row = self.row(steady(20, 20, 1000).frames)
        for key in ("orig_bps", "orig_bps_10s"):
            self.assertAlmostEqual(row[key], 160_000, delta=16_000, msg=key)
        self.assertEqual(row["resp_bps"], 0)
        self.assertAlmostEqual(row["orig_pps"], 20, delta=2)
        self.assertEqual(row["ts"][:4], "2001")
        self.assertTrue(row["duration"] < 21)

    def test_both_versions_alike(self):
        four, six = (self.row(steady(5, 10, 500, version=v).frames) for v in (4, 6))
        for key in ("orig_bps", "orig_bps_10s", "orig_bps_60s", "resp_bps", "orig_pps"):
            self.assertEqual(four[key], six[key], key)

    def test_windows_differ_when_the_pace_changes(self):
        t = steady(30, 10, 1000)
        for n in range(50):
            t.now = YEAR_2001 + 30 * F.SECOND + n * F.SECOND // 50
            t.send(0, F.PSH | F.ACK, bytes(1000))
        row = self.row(t.frames)
        self.assertAlmostEqual(row["orig_bps"], 400_000, delta=80_000)
        self.assertAlmostEqual(row["orig_bps_10s"], 112_000, delta=20_000)

    def test_a_row_has_the_rate_of_its_own_last_second(self):
        """Whether it ended long before the capture does or not."""
        burst = steady(2, 50, 1000)
        other = F.Talk(("10.3.0.1", 50000), F.SERVER4,
                       start=YEAR_2001 + 30 * F.SECOND).open().data(0, 10)
        rows = {r["id.orig_p"]: r for r in self.rows(burst.frames + other.frames)}
        self.assertAlmostEqual(rows[40001]["orig_bps"], 400_000, delta=80_000)
        self.assertEqual(rows[40001]["orig_bytes"], 100_000)
        self.assertGreater(rows[50000]["orig_bps"], 0)


class FirstSecond(konn.Case):
    """P5: a flow that is younger than a second divides by no zero."""

    def assert_sane(self, row, sent):
        for key in ("orig_bps", "orig_bps_10s", "orig_bps_60s"):
            if key in row:
                self.assertLessEqual(row[key], sent * 8, key)

    def test_one_packet(self):
        t = F.talk()
        t.send(0, F.SYN)
        row = self.row(t.frames)
        self.assert_sane(row, 0)
        self.assertEqual(row["duration"], 0)

    def test_all_at_the_same_instant(self):
        t = F.talk(step=0).open().data(0, 50_000).close()
        row = self.row(t.frames)
        self.assert_sane(row, 50_000)
        self.assertEqual(row["orig_bytes"], 50_000)

    def test_half_a_second(self):
        t = F.talk(step=5_000_000).open().data(0, 50_000)
        row = self.row(t.frames)
        self.assert_sane(row, 50_000)
        self.assertGreater(row["orig_bps_10s"], 0)

    def test_time_that_runs_back(self):
        t = F.talk().open().data(0, 5000)
        t.now -= 3600 * F.SECOND
        t.data(1, 5000).close()
        path = self.path()
        import capture
        capture.write_pcap(path, t.frames)
        report = self.listed("-r", path)
        self.assertEqual(sum(r["orig_bytes"] for r in report.conns), 5000)
        self.assertEqual(sum(r["resp_bytes"] for r in report.conns), 5000)
        for row in report.conns:
            self.assertTrue(0 <= row["duration"] < 3700, row["duration"])
            self.assert_sane(row, 10**4)


class Big(konn.Case):
    """F1, I2: super-packets at snaplen 96, so that 9 MB of file stand for 5.2 GB."""

    COUNT, SIZE, GAP = 80_000, 65_000, 25_000  # 20.8 Gbit/s

    def capture(self, version):
        t = F.talk(version, start=YEAR_2001, step=1000).open()
        me, you = t.side
        head = F.talk(version).send(0, F.PSH | F.ACK, bytes(self.SIZE)).data[:96]
        at = 14 + (24 if version == 4 else 44)  # of the sequence number
        wire = 14 + (40 if version == 4 else 60) + self.SIZE
        seq = me.seq
        for n in range(self.COUNT):
            data = head[:at] + struct.pack("!II", seq & 0xFFFFFFFF, you.seq) + head[at + 8:]
            t.frames.append(F.Frame(t.now + n * self.GAP, data, wire))
            seq += self.SIZE
        return t.frames

    def check(self, version):
        report = self.listed("-r", self.pcap(self.capture(version)))
        row, = report.conns
        total = self.COUNT * self.SIZE
        self.assertGreater(total, 2**32)
        header = 40 if version == 4 else 60
        self.assert_fields(
            row, orig_bytes=total, bytes=total, orig_pkts=self.COUNT + 2,
            orig_ip_bytes=total + header * (self.COUNT + 2) + 4)
        self.assertGreater(report.summary["bytes"], total)
        self.assertEqual(report.summary["truncated"], self.COUNT)
        true = self.SIZE * 8 * F.SECOND // self.GAP
        self.assertGreater(true, 10**10)
        self.assertAlmostEqual(row["orig_bps"], true, delta=true // 10)

    def test_v4(self):
        self.check(4)

    def test_v6(self):
        self.check(6)

    def test_text_shows_the_same_magnitude(self):
        result = konn.run("list", "-r", self.pcap(self.capture(4)), "-C",
                          "id.orig_h,orig_bytes,orig_bps")
        self.assertRegex(result.out, r"\b4\.8\d*\s?Gi?\b")


class Load(konn.Case):
    LINE = re.compile(r"ts = (\d+), load = (\d+\.\d) KB/s \((\d+)\)$")

    def expected(self, frames):
        found = {}
        for f in frames:
            second = f.ts // F.SECOND
            size, count = found.get(second, (0, 0))
            found[second] = (size + f.wire, count + 1)
        return found

    def test_text(self):
        frames = steady(5, 20, 900).frames
        result = konn.run("load", "-r", self.pcap(frames))
        self.assertEqual(result.code, 0, result.err)
        found = {}
        for line in result.lines:
            m = self.LINE.match(line)
            self.assertIsNotNone(m, line)
            found[int(m[1])] = (m[2], int(m[3]))
        wanted = {s: (f"{size / 1024:.1f}", count)
                  for s, (size, count) in self.expected(frames).items()}
        self.assertEqual({s: v for s, v in found.items() if v[1]}, wanted)

    def test_counts_what_is_not_ip_too(self):
        frames = [F.Frame(F.EPOCH, F.wrapped([F.ether(pad=60)], bytes(28), F.ARP)),
                  F.Frame(F.EPOCH + 10, b"\0\1")]
        result = konn.run("load", "-r", self.pcap(frames))
        self.assertEqual(result.lines,
                         [f"ts = {F.EPOCH // F.SECOND}, load = 0.1 KB/s (2)"])

    def test_json(self):
        frames = steady(3, 20, 900).frames
        result = konn.run("load", "-r", self.pcap(frames), "-j")
        records = [json.loads(x) for x in result.lines]
        loads = [r for r in records if r["kind"] == "load"]
        self.assertEqual(sum(r["packets"] for r in loads), len(frames))
        self.assertEqual(sum(r["bytes"] for r in loads), sum(f.wire for f in frames))
        self.assertEqual(records[-1]["kind"], "summary")


if __name__ == "__main__":
    konn.main()
