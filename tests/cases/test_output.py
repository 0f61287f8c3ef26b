"""text, JSON and CSV: same values, whole lines, stable schema; sorting and columns."""

import csv
import io
import json
import os
import re
import subprocess

import frames as F
import konn

TALKS = 12


def variety():
    """Connections that differ in everything that is sorted or shown here."""
    frames = []
    for n in range(TALKS):
        version = 6 if n % 3 == 2 else 4
        client = ("2001:db8:1::%x" % (n + 1) if version == 6 else f"10.1.0.{n + 1}")
        server = "2001:db8:2::2" if version == 6 else "10.2.0.2"
        layers = [F.vlan(n), F.vlan(9), F.ether()] if n % 4 == 1 else None
        t = F.Talk((client, 40000 + n), (server, (80, 443, 22, 5432)[n % 4]), layers,
                   start=F.EPOCH + n * F.SECOND)
        t.open().data(0, 100 * (n * 5 % TALKS + 1)).data(1, 7 * n)
        frames += (t.close() if n % 2 else t).frames
    data, kind = F.udp("10.1.0.1", "10.2.0.2", 5000, 53, b"x" * 33)
    frames.append(F.Frame(F.EPOCH, F.wrapped([F.ether()], data, kind)))
    data, kind = F.echo("10.1.0.1", "10.2.0.2", 6, 1)
    frames.append(F.Frame(F.EPOCH + 9, F.wrapped([F.ether()], data, kind)))
    return frames


def schema():
    """`konn columns -j`: {key: record}."""
    result = konn.run("columns", "-j")
    records = [json.loads(line) for line in result.lines]
    return {r["key"]: r for r in records if "key" in r}


class Output(konn.Case):
    def setUp(self):
        super().setUp()
        self.file = self.pcap(variety())
        self.all = self.listed("-r", self.file).conns


class Json(Output):
    def test_every_line_is_an_object_with_a_kind(self):
        result = konn.run("list", "-r", self.file, "-j")
        self.assertTrue(result.out.endswith("\n"))
        for line in result.lines:
            record = json.loads(line)
            self.assertIn(record["kind"], ("conn", "summary"))

    def test_minus_j_is_minus_o_json(self):
        one = konn.run("list", "-r", self.file, "-j").out
        self.assertEqual(konn.run("list", "-r", self.file, "-o", "json").out, one)

    def test_absent_is_no_key(self):
        for row in self.all:
            self.assertNotIn(None, row.values())
            self.assertNotIn("", row.values())
        icmp, = [r for r in self.all if r["proto"] == "icmp"]
        self.assertNotIn("id.orig_p", icmp)
        self.assertNotIn("pid", icmp)

    def test_types(self):
        columns = schema()
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$")
        for row in self.all:
            self.assertRegex(row["ts"], stamp)
            for key, value in row.items():
                if key == "duration":
                    self.assertIsInstance(value, (int, float))
                elif isinstance(value, list):
                    self.assertEqual(columns[key]["type"], "list", key)
                else:
                    self.assertIsInstance(value, (int, str), key)

    def test_schema_covers_every_key(self):
        columns = schema()
        for row in self.all:
            self.assertEqual(set(row) - set(columns) - {"kind"}, set())

    def test_schema_has_the_interface(self):
        wanted = (
            "ts uid host id.orig_h id.orig_p id.resp_h id.resp_p proto service duration"
            " conn_state history community_id orig_bytes resp_bytes orig_ip_bytes"
            " resp_ip_bytes orig_wire_bytes resp_wire_bytes orig_pkts resp_pkts"
            " missed_bytes bytes pkts bps direction local_h local_p peer_h peer_p in_bps"
            " out_bps state state_source orig_state resp_state last_seen idle_ms age_ms"
            " orig_bps resp_bps orig_bps_10s resp_bps_10s orig_bps_60s resp_bps_60s"
            " rate_source orig_pps resp_pps orig_flags resp_flags orig_window resp_window"
            " orig_last_size resp_last_size orig_mss resp_mss orig_ttl resp_ttl orig_dscp"
            " resp_dscp orig_ecn_ce resp_ecn_ce orig_mac resp_mac vlan tunnel interface"
            " seen_in icmp_type icmp_code icmp_id icmp_error sources evicted"
        ).split()
        self.assertEqual([k for k in wanted if k not in schema()], [])

    def test_summary_is_last_and_complete(self):
        report = self.listed("-r", self.file)
        self.assertEqual(report.records[-1], report.summary)
        wanted = ("v packets bytes parsed malformed unsupported filtered copies truncated"
                  " ring_drops interface_drops evicted overruns rtt_samples rtt_lost gaps"
                  " clock_steps conns first_ts last_ts").split()
        self.assertEqual([k for k in wanted if k not in report.summary], [])
        frames = variety()
        self.assert_fields(
            report.summary, v=1, packets=len(frames), bytes=sum(f.wire for f in frames),
            conns=TALKS + 2, copies=0, truncated=0, ring_drops=0,
            first_ts="2023-11-14T22:13:20.000000000Z")

    def test_community_id(self):
        """The published test vector's algorithm (version 1, seed 0)."""
        import base64
        import hashlib
        import struct
        for row in self.all:
            if row["proto"] not in ("tcp", "udp"):
                continue
            a = (F.packed(row["id.orig_h"]), row["id.orig_p"])
            b = (F.packed(row["id.resp_h"]), row["id.resp_p"])
            low, high = sorted((a, b))
            number = 6 if row["proto"] == "tcp" else 17
            text = struct.pack("!H", 0) + low[0] + high[0] + bytes([number, 0])
            text += struct.pack("!HH", low[1], high[1])
            digest = base64.b64encode(hashlib.sha1(text).digest()).decode()
            self.assertEqual(row["community_id"], "1:" + digest)

    def test_epoch(self):
        for row in self.listed("-r", self.file, "--epoch").conns:
            self.assertIsInstance(row["ts"], int)
            self.assertTrue(0 <= row["ts"] - F.EPOCH // 1000 < 60_000_000, row["ts"])


class Csv(Output):
    def parsed(self, *args):
        result = konn.run("list", "-r", self.file, "-o", "csv", *args)
        self.assertEqual(result.code, 0, result.err)
        return list(csv.DictReader(io.StringIO(result.out, newline=""))), result

    def test_same_values_as_json(self):
        every = ("-C", ",".join(schema()))
        rows, _ = self.parsed(*every)
        wanted = self.listed("-r", self.file, *every).conns
        self.assertEqual(len(rows), len(self.all))
        for text, row in zip(rows, wanted):
            for key in schema():
                with self.subTest(key=key, uid=row["uid"]):
                    self.assert_cell(text[key], row.get(key))

    def assert_cell(self, cell, value):
        if value is None:
            self.assertEqual(cell, "")
        elif isinstance(value, list):
            self.assertEqual(re.split(r"[,; ]", cell), value)
        elif isinstance(value, float):
            self.assertEqual(float(cell), value)
        else:
            self.assertEqual(cell, str(value))

    def test_summary_goes_to_stderr(self):
        rows, result = self.parsed()
        self.assertEqual(len(rows), len(self.all))
        self.assertIn(str(len(variety())), result.err)
        self.assertNotIn("summary", result.out)

    def test_header_even_without_rows(self):
        result = konn.run("list", "-r", self.pcap([], "none.pcap"), "-o", "csv", "-C",
                          "id.orig_h,orig_bytes")
        self.assertEqual(result.lines, ["id.orig_h,orig_bytes"])


class Text(Output):
    def test_header_and_one_line_a_row(self):
        result = konn.run("list", "-r", self.file, "-o", "text")
        self.assertEqual(result.code, 0)
        self.assertEqual(len(result.lines), 1 + len(self.all))
        self.assertNotIn("\x1b", result.out)
        self.assertIn(str(len(variety())), result.err)

    def test_is_the_default_of_list(self):
        one = konn.run("list", "-r", self.file)
        self.assertEqual(one.out, konn.run("list", "-r", self.file, "-o", "text").out)

    def test_pipe_is_never_cut(self):
        result = konn.run("list", "-r", self.file, "-C", "id.orig_h,uid,community_id",
                          env=konn.environment(COLUMNS="40"))
        for row in self.all:
            line, = [x for x in result.lines if row["uid"] in x]
            self.assertIn(row["id.orig_h"], line)
            if "community_id" in row:
                self.assertIn(row["community_id"], line)

    def test_bits(self):
        """--bits changes the unit, not the row."""
        columns = ("-C", "id.orig_h,orig_bps")
        plain = konn.run("list", "-r", self.file, *columns)
        bits = konn.run("list", "-r", self.file, *columns, "--bits")
        self.assertEqual(len(plain.lines), len(bits.lines))
        self.assertNotEqual(plain.out, bits.out)

    def test_hostile_names_are_cleaned(self):
        import capture
        t = F.standard()
        evil = capture.Interface("e\x1b[31mvil\nx\u202e")
        path = self.pcapng(t.frames, [evil])
        for kind in ("text", "json", "csv"):
            result = konn.run("list", "-r", path, "-o", kind, "-C", "id.orig_h,interface")
            self.assertEqual(result.code, 0)
            self.assertNotIn("\x1b", result.out)
            self.assertNotIn("\u202e", result.out)
            self.assertIn("vil", result.out)
            extra = 0 if kind == "json" else 1
            conns = [x for x in result.lines if '"summary"' not in x]
            self.assertEqual(len(conns), 1 + extra, result.out)


class Columns(Output):
    def test_choose(self):
        report = self.listed("-r", self.file, "-C", "id.resp_p,orig_bytes")
        for row, full in zip(report.conns, self.all):
            wanted = {k: full[k] for k in ("kind", "id.resp_p", "orig_bytes") if k in full}
            self.assertEqual(row, wanted)

    def test_order_in_csv(self):
        result = konn.run("list", "-r", self.file, "-o", "csv", "-C",
                          "orig_bytes,proto,id.orig_h")
        self.assertEqual(result.lines[0], "orig_bytes,proto,id.orig_h")

    def test_add(self):
        title = schema()["orig_mss"]["title"]
        plain = konn.run("list", "-r", self.file).lines[0]
        more = konn.run("list", "-r", self.file, "-C", "+orig_mss").lines[0]
        self.assertNotIn(title, plain)
        self.assertEqual(more.split(), [*plain.split(), *title.split()])

    def test_unknown_names_the_nearest(self):
        result = konn.run("list", "-r", self.file, "-C", "orig_byte")
        self.assertEqual((result.code, result.out), (64, ""))
        self.assertIn("orig_bytes", result.err)
        self.assertEqual(len(result.err_lines), 1)


class Sort(Output):
    COLUMNS = ("orig_bytes", "ts", "id.orig_h", "id.resp_p", "proto", "duration",
               "resp_pkts", "conn_state", "orig_mss")

    def key(self, column):
        import ipaddress

        def value(row):
            v = row[column]
            if column.endswith("_h"):
                address = ipaddress.ip_address(v)
                return address.version, address.packed
            return v

        return value

    def sorted_by(self, option, column):
        rows = self.listed("-r", self.file, "-s", option).conns
        self.assertEqual({r["uid"] for r in rows}, {r["uid"] for r in self.all})
        present = [r for r in rows if column in r]
        self.assertEqual(rows[:len(present)], present, "absent values come last")
        return [self.key(column)(r) for r in present]

    def test_up(self):
        for column in self.COLUMNS:
            with self.subTest(column):
                values = self.sorted_by(column, column)
                self.assertEqual(values, sorted(values))

    def test_down(self):
        for column in self.COLUMNS:
            with self.subTest(column):
                values = self.sorted_by("-" + column, column)
                self.assertEqual(values, sorted(values, reverse=True))

    def test_by_a_column_that_is_not_shown(self):
        rows = self.listed("-r", self.file, "-s", "orig_bytes", "-C", "uid").conns
        value = {r["uid"]: r["orig_bytes"] for r in self.all}
        values = [value[r["uid"]] for r in rows]
        self.assertEqual(values, sorted(values))
        self.assertEqual({k for r in rows for k in r}, {"kind", "uid"})

    def test_unknown(self):
        result = konn.run("list", "-r", self.file, "-s", "-orig_byte")
        self.assertEqual(result.code, 64)
        self.assertIn("orig_bytes", result.err)


class Writing(konn.Case):
    def big(self):
        """Enough rows to fill any pipe buffer many times."""
        frames = []
        for n in range(5000):
            data, kind = F.udp(f"10.{n >> 8}.{n & 255}.1", "10.99.0.2", 5000, 53, b"x")
            frames.append(F.Frame(F.EPOCH + n * 1000, F.wrapped([F.ether()], data, kind)))
        return self.pcap(frames)

    def test_closed_pipe_is_quiet(self):
        for kind in ("text", "json", "csv"):
            child = subprocess.Popen(
                [konn.KONN, "list", "-r", self.big(), "-o", kind],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=konn.environment())
            first = child.stdout.readline()
            child.stdout.close()
            err = child.stderr.read()
            child.stderr.close()
            code = child.wait(konn.TIMEOUT)
            self.assertTrue(first.endswith(b"\n"))
            self.assertEqual(err, b"", kind)
            self.assertIn(code, (0, 141, -13), kind)

    def test_full_disk(self):
        for kind in ("text", "json", "csv"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [konn.KONN, "list", "-r", self.big(), "-o", kind], stdout=full,
                    stderr=subprocess.PIPE, env=konn.environment(), check=False,
                    timeout=konn.TIMEOUT)
            self.assertEqual(done.returncode, 74, kind)
            self.assertIn(os.strerror(28).encode(), done.stderr)

    def test_full_disk_with_one_row(self):
        """The error comes with the last flush at the latest."""
        path = self.pcap(F.standard().frames)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([konn.KONN, "list", "-r", path], stdout=full,
                                  stderr=subprocess.PIPE, env=konn.environment(),
                                  check=False, timeout=konn.TIMEOUT)
        self.assertEqual(done.returncode, 74)


if __name__ == "__main__":
    konn.main()
