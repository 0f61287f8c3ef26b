"""konn why: what held a connection up, of conversations whose reason is known."""

import csv
import io
import json

import frames as F
import konn

MS = 10**6
RTT = 60 * MS
SEGMENT = 1400
CLIENT, SERVER = 0, 1


class Transfer(F.Talk):
    """The capture point is beside the server, which sends; the client is 60 ms away."""

    def __init__(self, port=40001, **options):
        super().__init__(("10.1.0.1", port), ("10.2.0.2", 8080), step=10_000, **options)
        self.send(CLIENT, F.SYN, options=b"\x02\x04\x05\x78")  # 1400
        self.send(SERVER, F.SYN | F.ACK, options=b"\x02\x04\x05\x78")
        self.now += RTT
        self.send(CLIENT, F.ACK)

    def ask(self, wait=0, size=100):
        self.now += wait
        self.send(CLIENT, F.PSH | F.ACK, bytes(size))
        return self

    def burst(self, size):
        """In whole segments and a rest, as one write."""
        while size > 0:
            part = min(size, SEGMENT)
            size -= part
            self.send(SERVER, F.ACK | (0 if size else F.PSH), bytes(part))
        return self

    def answered(self, **fields):
        """Everything is acknowledged a round trip later."""
        self.now += RTT
        self.send(CLIENT, F.ACK, **fields)
        return self


def small_window(port=40001, rounds=40):
    """14,000 bytes a round trip: 1.87 Mb/s."""
    t = Transfer(port).ask()
    for _ in range(rounds):
        t.burst(14000).answered(window=14000)
    return t.close()


def slow_writer(port=40002, writes=40):
    t = Transfer(port).ask()
    for _ in range(writes):
        t.burst(5000).answered()
        t.now += 140 * MS
    return t.close()


def slow_server(port=40003, turns=10):
    t = Transfer(port)
    for _ in range(turns):
        t.ask(wait=1 * MS)
        t.now += 400 * MS
        t.burst(3000).answered()
    return t.close()


def slow_client(port=40004, turns=10):
    t = Transfer(port)
    for _ in range(turns):
        t.ask(wait=700 * MS)
        t.now += 1 * MS
        t.burst(3000).answered()
    return t.close()


def timeouts(port=40005):
    """Two whole flights are lost beyond here, and sent again after 800 ms."""
    t = Transfer(port).ask()
    for _ in range(20):
        t.burst(8400).answered()
    for _ in range(2):
        lost = t.side[SERVER].seq
        t.burst(8400)
        t.now += 800 * MS
        t.send(SERVER, F.ACK, bytes(SEGMENT), seq=lost)
        t.now += RTT
        t.send(CLIENT, F.ACK, ack=lost + SEGMENT)
        for n in range(1, 6):
            t.send(SERVER, F.ACK, bytes(SEGMENT), seq=lost + n * SEGMENT)
        t.answered()
    return t.close()


def short(port=40006):
    return Transfer(port).ask().burst(12000).answered().close()


def one_way(port=40007):
    """Only what the server sent was captured."""
    t = small_window(port)
    t.frames = [f for f in t.frames if f.data[23] == 6 and f.data[34:36] == b"\x1f\x90"]
    return t


def small(port=40008, **options):
    return Transfer(port, **options).ask().burst(600).answered().close()


def datagrams():
    data, kind = F.udp("10.1.0.1", "10.2.0.2", 5000, 5001, bytes(20000))
    return [F.Frame(F.EPOCH + n, F.wrapped([F.ether()], data, kind)) for n in range(3)]


TALKS = {
    40001: (small_window, "receiver_window"), 40002: (slow_writer, "application"),
    40003: (slow_server, "application"), 40004: (slow_client, "application"),
    40005: (timeouts, "rto"), 40006: (short, "short"), 40007: (one_way, "unknown"),
}


class Why(konn.Case):
    def file(self):
        frames = [f for make, _ in TALKS.values() for f in make().frames]
        return self.pcap(frames + small().frames + datagrams())

    def told(self, *args, code=0):
        result = konn.run("why", *args, "-j")
        self.assertEqual(result.code, code, result.err)
        records = [json.loads(line) for line in result.lines]
        self.assertEqual(records[-1]["kind"], "summary")
        self.assertEqual({r["kind"] for r in records[:-1]} - {"why"}, set())
        return records[:-1]


class Verdicts(Why):
    def test_each_reason_is_found(self):
        records = self.told("-r", self.file())
        found = {r["id.orig_p"]: r["limited_by"] for r in records}
        for port, (_, reason) in TALKS.items():
            with self.subTest(port=port):
                self.assertEqual(found[port], reason)

    def test_list_has_the_same_and_nothing_for_udp(self):
        file = self.file()
        rows = {r["id.orig_p"]: r for r in self.listed("-r", file).conns}
        for r in self.told("-r", file):
            row = rows[r["id.orig_p"]]
            self.assertEqual(row["limited_by"], r["limited_by"])
            self.assertEqual(row["limited_detail"], r["limited_detail"])
        self.assertNotIn("limited_by", rows[5000])
        self.assertNotIn("limited_detail", rows[5000])

    def test_shares_are_the_time_of_the_transfer(self):
        for make in (small_window, slow_writer, slow_server, timeouts):
            (record,) = self.told("-r", self.pcap(make().frames))
            data = [f.ts for f in make().frames
                    if f.data[34:36] == b"\x1f\x90" and f.wire > 1000]
            waited = sum(record["resp_shares_ms"].values())
            with self.subTest(make=make.__name__):
                # from the end of the handshake to the last data; whole ms each
                self.assertAlmostEqual(
                    waited, (data[-1] - F.EPOCH - RTT) / MS, delta=RTT / MS + 10)

    def test_numbers_of_a_small_window(self):
        (record,) = self.told("-r", self.pcap(small_window().frames))
        self.assertEqual(record["sender"], "resp")
        self.assertEqual(record["resp_limited_by"], "receiver_window")
        # 14,000 bytes are 13.7 KiB and each 60 ms 1.87 Mb/s
        self.assertRegex(record["limited_detail"], r"client's window of 14 KiB")
        self.assertRegex(record["limited_detail"], r"1\.[89] Mb/s at 60 ms")
        self.assertIn("tcp_rmem on 10.1.0.1", record["next_step"])

    def test_who_made_it_wait(self):
        detail = {r["id.orig_p"]: r["limited_detail"] for r in self.told("-r", self.file())}
        self.assertIn("server's program had nothing to send", detail[40002])
        self.assertRegex(detail[40003], r"server made its answers: [34]\.\d s in 10 turns")
        self.assertRegex(detail[40004], r"client asked nothing: [67]\.\d s in 10 turns")
        self.assertRegex(detail[40005], r"2 timers ran out: 1\.\d s of ")
        self.assertIn("nothing of the client was seen", detail[40007])


class Forms(Why):
    def test_text_tells_the_largest_first_and_sums_up_the_rest(self):
        result = konn.run("why", "-r", self.file())
        self.assertEqual(result.code, 0, result.err)
        heads = [line for line in result.lines if not line.startswith(" ")]
        ports = [int(line.split(" -> ")[0].rpartition(":")[2]) for line in heads[:-1]]
        sizes = [r["orig_bytes"] + r["resp_bytes"] for p in ports
                 for r in self.told("-r", self.file(), f"port {p}")]
        self.assertEqual(sorted(ports), [p for p in TALKS if p != 40006])
        self.assertEqual(sizes, sorted(sizes, reverse=True))
        self.assertEqual(
            heads[-1], "3 more: 1 carried less than 10 kB, 1 were over within 12 round "
            "trips or 50 ms, 1 without TCP; nothing to say")
        self.assertRegex(result.err, r"^9 connections, \d+ packets, \d+ bytes\n$")
        self.assertIn(": RECEIVER WINDOW: ", result.out)
        self.assertRegex(result.out, r"\n    server's data: (.*, )?window \d+ %")

    def test_csv_has_titles_once_and_first(self):
        result = konn.run("why", "-o", "csv", "-r", self.file())
        rows = list(csv.DictReader(io.StringIO(result.out)))
        self.assertEqual(len(rows), len(TALKS) + 1)
        self.assertEqual({r["kind"] for r in rows}, {"why"})
        by_port = {int(r["id.orig_p"]): r["limited_by"] for r in rows}
        for port, (_, reason) in TALKS.items():
            self.assertEqual(by_port[port], reason)

    def test_sort(self):
        for sign, reverse in (("", False), ("-", True)):
            for key in ("id.orig_p", "limited_by"):
                values = [r[key] for r in self.told("-r", self.file(), "-s", sign + key)]
                self.assertEqual(values, sorted(values, reverse=reverse))

    def test_filter_and_columns(self):
        records = self.told("-r", self.file(), "-C", "history,orig_pkts",
                            "limited_by = application")
        self.assertEqual({r["id.orig_p"] for r in records} - {40008}, {40002, 40003, 40004})
        for r in records:
            self.assertIn("history", r)
            self.assertIn("orig_pkts", r)

    def test_nothing_to_tell(self):
        result = konn.run("why", "-r", self.pcap(datagrams()))
        self.assertEqual(result.code, 0)
        self.assertEqual(result.out, "1 more: 1 without TCP; nothing to say\n")
        self.assertEqual(self.told("-r", self.pcap([])), [])

    def test_little_memory_writes_everything(self):
        count = 5000
        frames = [f for n in range(count) for f in
                  small(20000 + n, start=F.EPOCH + n * 200 * MS).frames]
        result = konn.run("why", "-j", "--memory", "8M", "-r", self.pcap(frames))
        records = [json.loads(line) for line in result.lines]
        ports = [r["id.orig_p"] for r in records if r["kind"] == "why"]
        self.assertEqual(sorted(ports), list(range(20000, 20000 + count)))
        self.assertEqual(result.code, 1)
        self.assertEqual(result.err_lines, [
            "konn: too many connections to sort in a quarter of --memory: each part is "
            "sorted for itself"])

    def test_too_many_columns(self):
        every = [json.loads(line)["key"] for line in konn.run("columns", "-j").lines
                 if '"key"' in line]
        result = konn.run("why", "-C", ",".join(every[:30]), "-r", self.file())
        self.assertEqual(result.code, 64)
        self.assertEqual(len(result.err_lines), 1)


if __name__ == "__main__":
    konn.main()
