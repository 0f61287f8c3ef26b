"""konn rtt: one line for each round trip, with what is known of it and nothing else."""

import csv
import io
import json
import os
import re
import struct
import subprocess

import frames as F
import konn

MS = 1_000_000
PAIR = ("10.1.0.1", 40001), ("10.2.0.2", 443)
KEYS = ("kind ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto sample side rtt_us min_us"
        " bytes valid reason").split()


class Timed(F.Talk):
    """A conversation whose segments pass at given times (ms); TSvals on demand."""

    def __init__(self, pair=PAIR, stamps=False, **options):
        super().__init__(*pair, step=0, **options)
        self.stamps = stamps

    def at(self, ms, way, flags, payload=0, tsval=None, tsecr=0, **fields):
        self.now = F.EPOCH + round(ms * MS)
        if self.stamps and tsval is not None:
            fields["options"] = struct.pack("!BBBBII", 1, 1, 8, 10, tsval, tsecr)
        self.send(way, flags, bytes(payload), **fields)
        return self

    def opened(self, server=30, client=5):
        return (self.at(0, 0, F.SYN).at(server, 1, F.SYN | F.ACK)
                .at(server + client, 0, F.ACK))


class Rtt(konn.Case):
    def run_rtt(self, frames, *args):
        return konn.run("rtt", "-r", self.pcap(frames), *args)

    def lines(self, frames, *args):
        """Records of kind rtt, and the summary."""
        result = self.run_rtt(frames, "-j", *args)
        self.assertEqual((result.code, result.err), (0, ""))
        report = konn.Report(result)
        self.assert_identity(report.summary)
        found = [r for r in report.records if r["kind"] == "rtt"]
        self.assertEqual(len(found), len(report.records) - 1)
        return found, report.summary

    def of_kind(self, frames, *kinds, args=()):
        return [r for r in self.lines(frames, *args)[0] if r["sample"] in kinds]

    def assert_times(self, found, *wanted):
        """(kind, side, rtt in us), in any order of lines with the same time."""
        got = sorted((r["ts"], r["sample"], r.get("side"), r.get("rtt_us")) for r in found)
        self.assertEqual([g[1:] for g in got], list(wanted))


class Handshake(Rtt):
    def test_both_halves(self):
        found, summary = self.lines(Timed().opened(server=30, client=5.5).frames)
        self.assert_times(found, ("handshake", "server", 30000),
                          ("handshake", "client", 5500))
        self.assertEqual(summary["rtt_samples"], 2)
        self.assertEqual(summary["rtt_lost"], 0)
        first, second = found
        self.assert_fields(first, kind="rtt", ts="2023-11-14T22:13:20.030000000Z", proto="tcp",
                           id__orig_h="10.1.0.1", id__orig_p=40001, id__resp_h="10.2.0.2",
                           id__resp_p=443, min_us=30000, valid=True, reason=None, bytes=None)
        self.assert_fields(second, ts="2023-11-14T22:13:20.035500000Z", uid=first["uid"])

    def test_uid_is_that_of_list(self):
        frames = Timed().opened().frames
        row, = self.rows(frames)
        self.assertEqual({r["uid"] for r in self.lines(frames)[0]}, {row["uid"]})

    def test_not_without_its_question(self):
        t = Timed()
        t.at(30, 1, F.SYN | F.ACK)
        self.assertEqual(self.lines(t.frames)[0], [])

    def test_repeated_syn(self):
        """Which SYN was answered is not known; the client's half still is."""
        t = Timed().at(0, 0, F.SYN).at(1000, 0, F.SYN, seq=1000).at(1030, 1, F.SYN | F.ACK)
        t.at(1035, 0, F.ACK)
        self.assert_times(self.lines(t.frames)[0], ("handshake", "client", 5000))
        every = self.lines(t.frames, "-a")[0]
        bad, = [r for r in every if not r["valid"]]
        self.assert_fields(bad, sample="handshake", side="server", reason="retransmitted")

    def test_ipv6(self):
        pair = ("2001:db8:1::1", 40001), ("2001:db8:2::2", 443)
        found, _ = self.lines(Timed(pair).opened().frames)
        self.assert_times(found, ("handshake", "server", 30000),
                          ("handshake", "client", 5000))
        self.assert_fields(found[0], id__orig_h=pair[0][0], id__resp_h=pair[1][0])


class Data(Rtt):
    def test_sides(self):
        """What the client sends measures the server's half, and the other way round."""
        t = Timed().opened()
        t.at(100, 0, F.PSH | F.ACK, 500).at(131.234, 1, F.ACK)
        t.at(200, 1, F.PSH | F.ACK, 900).at(204.321, 0, F.ACK)
        found = self.of_kind(t.frames, "seq")
        self.assert_times(found, ("seq", "server", 31234), ("seq", "client", 4321))
        self.assertEqual([r["bytes"] for r in found], [500, 900])

    def test_least_so_far(self):
        t = Timed().opened()
        waits = (40, 35, 50, 20, 90)
        for n, wait in enumerate(waits):
            t.at(1000 * (n + 1), 0, F.PSH | F.ACK, 10)
            t.at(1000 * (n + 1) + wait, 1, F.ACK)
        found = self.of_kind(t.frames, "seq")
        self.assertEqual([r["rtt_us"] // 1000 for r in found], list(waits))
        self.assertEqual([r["min_us"] // 1000 for r in found], [30, 30, 30, 20, 20])

    def test_sent_again(self):
        """The acknowledgement may be for either copy."""
        t = Timed().opened()
        t.at(100, 0, F.PSH | F.ACK, 500).at(400, 0, F.PSH | F.ACK, 500, seq=1001)
        t.at(430, 1, F.ACK)
        self.assertEqual(self.of_kind(t.frames, "seq"), [])
        bad, = self.of_kind(t.frames, "seq", args=["-a"])
        self.assert_fields(bad, valid=False, reason="retransmitted", side="server")

    def test_every_invalid_line_has_a_reason(self):
        t = Timed().opened()
        t.at(100, 0, F.PSH | F.ACK, 500).at(101, 0, F.PSH | F.ACK, 500)
        t.at(400, 0, F.PSH | F.ACK, 500, seq=1001).at(430, 1, F.ACK)
        found, summary = self.lines(t.frames, "-a")
        self.assertEqual(sum(r["valid"] for r in found), summary["rtt_samples"])
        self.assertTrue(any(not r["valid"] for r in found))
        for r in found:
            self.assertEqual(r["valid"], "reason" not in r)

    def test_timestamps(self):
        """The first echo of each new TSval."""
        t = Timed(stamps=True)
        t.at(0, 0, F.SYN, tsval=100).at(30, 1, F.SYN | F.ACK, tsval=7000, tsecr=100)
        t.at(35, 0, F.ACK, tsval=130, tsecr=7000)
        t.at(100, 0, F.PSH | F.ACK, 100, tsval=200, tsecr=7000)
        t.at(101, 0, F.PSH | F.ACK, 100, tsval=200, tsecr=7000)
        t.at(140, 1, F.ACK, tsval=7110, tsecr=200)
        found = self.of_kind(t.frames, "timestamp")
        self.assertIn(("server", 40000), [(r["side"], r["rtt_us"]) for r in found])
        late = [r for r in found if r["ts"].endswith("140000000Z")]
        self.assertEqual(len(late), 1)


class Others(Rtt):
    def test_ping(self):
        frames = []
        for n in range(3):
            for reply in (False, True):
                ends = ("10.2.0.2", "10.1.0.1") if reply else ("10.1.0.1", "10.2.0.2")
                data, kind = F.echo(*ends, 77, n, reply=reply)
                ts = F.EPOCH + n * F.SECOND + (20 + n) * MS * reply
                frames.append(F.Frame(ts, F.wrapped([F.ether()], data, kind)))
        found = self.of_kind(frames, "icmp")
        self.assertEqual([(r["side"], r["rtt_us"]) for r in found],
                         [("server", 20000), ("server", 21000), ("server", 22000)])
        self.assertNotIn("id.orig_p", found[0])
        self.assertEqual(found[0]["proto"], "icmp")

    def test_nothing_but_one_way(self):
        t = Timed()
        for n in range(10):
            t.at(n, 0, F.PSH | F.ACK, 100)
        found, summary = self.lines(t.frames, "-a")
        self.assertEqual((found, summary["rtt_samples"]), ([], 0))


class Forms(Rtt):
    def frames(self):
        other = Timed((("10.1.0.9", 50000), PAIR[1])).opened(server=50, client=1)
        t = Timed().opened()
        t.at(100, 0, F.PSH | F.ACK, 500).at(131.5, 1, F.ACK)
        t.at(200, 0, F.PSH | F.ACK, 500).at(400, 0, F.PSH | F.ACK, 500, seq=1501)
        t.at(430, 1, F.ACK)
        return t.frames + other.frames

    def test_keys(self):
        """In this order, and none that has no value."""
        for r in self.lines(self.frames(), "-a")[0]:
            self.assertEqual(list(r), [k for k in KEYS if k in r])
            self.assertNotIn(None, r.values())
            self.assertIsInstance(r["valid"], bool)

    def test_csv(self):
        """The same values; every line has every field."""
        wanted = self.lines(self.frames(), "-a")[0]
        result = self.run_rtt(self.frames(), "-a", "-o", "csv")
        self.assertEqual(result.lines[0].split(","), KEYS)
        rows = list(csv.DictReader(io.StringIO(result.out)))
        self.assertEqual(len(rows), len(wanted))
        for row, record in zip(rows, wanted):
            self.assertEqual(set(row), set(KEYS))
            for key in KEYS:
                value = record.get(key, "")
                value = str(value).lower() if isinstance(value, bool) else str(value)
                self.assertEqual(row[key], value, key)

    def test_text(self):
        """A line of titles, and what JSON says, aligned below it."""
        wanted = self.lines(self.frames())[0]
        result = self.run_rtt(self.frames())
        title, *lines = result.lines
        self.assertEqual(title.split(), ["TIME", "RTT", "MIN", "SIDE", "KIND", "CONNECTION"])
        self.assertEqual(len(lines), len(wanted))
        for line, r in zip(lines, wanted):
            words = line[title.index("SIDE"):].split()
            self.assertEqual(words[:2], [r["side"], r["sample"]])
            self.assertEqual(line[title.index("CONNECTION"):].split()[:3], [
                f"{r['id.orig_h']}:{r['id.orig_p']}", "->",
                f"{r['id.resp_h']}:{r['id.resp_p']}"])
            self.assertEqual(line[:26], r["ts"][:26].replace("T", " "))
            self.assertEqual(line[26:33].strip(), shown(r["rtt_us"]))
            self.assertEqual(line[33:40].strip(), shown(r["min_us"]))

    def test_text_says_why_not(self):
        result = self.run_rtt(self.frames(), "-a")
        self.assertIn("NOT VALID", result.lines[0])
        self.assertEqual(sum(" retransmitted " in x for x in result.lines), 1)

    def test_terminal(self):
        """80 columns hold time of day, and no line is longer."""
        done = subprocess.run(
            ["script", "-qec", f"stty cols 80; {konn.KONN} rtt -r "
             f"{self.pcap(self.frames())}", "/dev/null"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=konn.environment(),
            timeout=konn.TIMEOUT, check=True)
        lines = done.stdout.decode().splitlines()
        self.assertTrue(any(re.match(r"22:13:20\.030 30\.0ms", x) for x in lines), lines)
        self.assertTrue(any("10.1.0.1:40001 -> 10.2.0.2" in x for x in lines), lines)
        self.assertLessEqual(max(map(len, lines)), 80)

    def test_epoch(self):
        for r in self.lines(self.frames(), "--epoch")[0]:
            self.assertTrue(0 <= r["ts"] - F.EPOCH // 1000 <= 430_000)
        result = self.run_rtt(self.frames(), "--epoch")
        self.assertEqual(result.lines[1].split()[0], str(F.EPOCH // 1000 + 30_000))

    def test_filter(self):
        every = self.lines(self.frames())[0]
        found = self.lines(self.frames(), "src", "host", "10.1.0.9")[0]
        self.assertEqual(found, [r for r in every if r["id.orig_h"] == "10.1.0.9"])
        self.assertEqual(len(found), 2)
        self.assertEqual(self.lines(self.frames(), "udp")[0], [])

    def test_count_of_packets(self):
        found, summary = self.lines(self.frames(), "-c", "2")
        self.assertEqual((len(found), summary["packets"]), (0, 2))

    def test_summary_goes_to_stderr(self):
        result = self.run_rtt(self.frames())
        self.assertRegex(result.err, r"2 connections, 11 packets")
        self.assertEqual(self.run_rtt(self.frames(), "-q").err, "")

    def test_refused(self):
        path = self.pcap(self.frames())
        for args in (["-C", "uid"], ["-s", "ts"], ["--format", "pping", "-j"],
                     ["--format", "pping", "-a"], ["--format", "tcptrace"]):
            result = konn.run("rtt", "-r", path, *args)
            self.assertEqual((result.code, result.out), (64, ""), args)
            self.assertEqual(len(result.err_lines), 1, args)
        self.assertEqual(konn.run("list", "-r", path, "--format", "pping").code, 64)

    def test_closed_pipe_is_quiet(self):
        t = Timed().opened()
        for n in range(20000):
            t.at(1000 + n, 0, F.PSH | F.ACK, 10).at(1000.5 + n, 1, F.ACK)
        for more in ([], ["-j"], ["--format", "connmon"]):
            child = subprocess.Popen([konn.KONN, "rtt", "-r", self.pcap(t.frames), *more],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     env=konn.environment())
            self.assertTrue(child.stdout.readline().endswith(b"\n"))
            child.stdout.close()
            self.assertEqual(child.stderr.read(), b"")
            child.stderr.close()
            self.assertIn(child.wait(konn.TIMEOUT), (0, 141, -13))

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([konn.KONN, "rtt", "-r", self.pcap(self.frames())],
                                  stdout=full, stderr=subprocess.PIPE, check=False,
                                  env=konn.environment(), timeout=konn.TIMEOUT)
        self.assertEqual(done.returncode, 74)
        self.assertIn(os.strerror(28).encode(), done.stderr)

    def test_same_each_time(self):
        one = self.run_rtt(self.frames(), "-j").out
        self.assertEqual(self.run_rtt(self.frames(), "-j").out, one)
        self.assertEqual([json.loads(x)["kind"] for x in one.splitlines()][-1], "summary")


def shown(us):
    """Three digits that count, and the unit."""
    if us < 1000:
        return f"{us}us"
    value, unit = (us / 1e3, "ms") if us < 10**6 else (us / 1e6, "s")
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f}{unit}"


if __name__ == "__main__":
    konn.main()
