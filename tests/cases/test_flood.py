"""200 whole connections inside a flood of a million packets: all found, memory bounded."""

import collections
import json
import os
import shutil
import struct
import subprocess
import tempfile
import threading
import unittest

import frames as F
import konn

PACKETS = int(os.environ.get("KONN_FLOOD_PACKETS", "1000000"))
AROUND = 200
RSS_MB = 200
SERVER = F.packed("192.0.2.10")
COLUMNS = ("id.orig_h,id.orig_p,id.resp_h,id.resp_p,conn_state,orig_bytes,resp_bytes,"
           "orig_pkts,resp_pkts,evicted")


def generator(folder):
    """The capture generator, built from bench/."""
    program = os.path.join(folder, "gen_capture")
    sources = [konn.ROOT / "bench" / n for n in ("gen_capture.c", "talk.c", "wire.c")]
    compiler = os.environ.get("CC", "cc").split()
    if not shutil.which(compiler[0]) or not all(s.exists() for s in sources):
        raise unittest.SkipTest("no compiler or no bench/gen_capture.c")
    subprocess.run([*compiler, "-O2", "-D_GNU_SOURCE", "-o", program, *map(str, sources)],
                   check=True)
    return program


def truth(path):
    """{(client, port): [payload up, payload down, packets up, packets down]} of the
    connections to port 8443, and the number of all packets."""
    found, total = {}, 0
    with open(path, "rb") as f:
        f.seek(24)
        while head := f.read(16):
            data = f.read(struct.unpack_from("<I", head, 8)[0])
            total += 1
            ports = struct.unpack_from("!HH", data, 34)
            way = int(data[26:30] == SERVER)
            at = 30 if way else 26
            if data[23] != F.TCP_ or ports[1 - way] != 8443:
                continue
            key = ".".join(map(str, data[at:at + 4])), ports[way]
            size = struct.unpack_from("!H", data, 16)[0] - 20 - (data[46] >> 4) * 4
            entry = found.setdefault(key, [0, 0, 0, 0])
            entry[way] += size
            entry[2 + way] += 1
    return found, total


class Listing:
    """`konn list` of a big file, read line by line; what it used."""

    def __init__(self, path, *args):
        command = [konn.KONN, "list", "-r", path, "-j", "-C", COLUMNS, *args]
        self.rows = self.packets = 0
        self.evicted = collections.Counter()
        self.real, self.summary = {}, None
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdin=subprocess.DEVNULL, env=konn.environment())
        watchdog = threading.Timer(300, child.kill)
        watchdog.start()
        for line in child.stdout:
            self.take(json.loads(line))
        self.err = child.stderr.read().decode()
        _, status, usage = os.wait4(child.pid, 0)
        watchdog.cancel()
        child.stdout.close()
        child.stderr.close()
        child.returncode = os.waitstatus_to_exitcode(status)
        self.code = child.returncode
        self.rss_mb = usage.ru_maxrss / 1024  # of the biggest process

    def take(self, row):
        if row["kind"] == "summary":
            self.summary = row
            return
        self.rows += 1
        self.packets += row["orig_pkts"] + row["resp_pkts"]
        if "evicted" in row:
            self.evicted[row["evicted"]] += 1
        if row.get("id.resp_p") == 8443 and row["id.resp_h"] == "192.0.2.10":
            key = row["id.orig_h"], row["id.orig_p"]
            self.real.setdefault(key, []).append(row)


class Flood(konn.Case):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="konn-flood-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.program = generator(cls.folder)

    def check(self, kind):
        path = os.path.join(self.folder, "flood.pcap")
        subprocess.run([self.program, "--flood", kind, str(PACKETS), "--around",
                        str(AROUND), path], check=True)
        wanted, total = truth(path)
        self.assertEqual(len(wanted), AROUND)
        for args in ([], ["--max-flows", "10000"]):
            with self.subTest(kind=kind, args=args):
                self.check_run(Listing(path, *args), wanted, total)

    def check_run(self, run, wanted, total):
        self.assertEqual((run.code, run.err), (0, ""))
        self.assertEqual(run.summary["packets"], total)
        self.assert_identity(run.summary)
        self.check_real(run, wanted)
        self.assertEqual(run.packets, total, "packets in rows")
        self.assertEqual(run.rows, run.summary["conns"])
        # Those that were over already lost nothing by leaving early.
        gone = {k: n for k, n in run.summary["evicted"].items() if k != "closed"}
        self.assertEqual(dict(run.evicted), gone)
        print(f"    {run.rows} rows, {gone} evicted, {run.rss_mb:.0f} MB")
        self.assertLessEqual(run.rss_mb, RSS_MB)

    def check_real(self, run, wanted):
        whole = [k for k, v in wanted.items() if len(run.real.get(k, [])) == 1
                 and [run.real[k][0][n] for n in ("orig_bytes", "resp_bytes", "orig_pkts",
                                                  "resp_pkts")] == v
                 and run.real[k][0]["conn_state"] == "SF"
                 and "evicted" not in run.real[k][0]]
        self.assertEqual(len(whole), AROUND,
                         [run.real.get(k) for k in wanted if k not in whole][:3])

    def test_syn(self):
        self.check("syn")

    def test_synack(self):
        self.check("synack")

    def test_ack(self):
        self.check("ack")

    def test_udp(self):
        self.check("udp")


class Bounded(konn.Case):
    """The bound holds for whole connections too, and what goes is said."""

    def test_more_open_connections_than_flows(self):
        talks = [F.Talk((f"10.{n >> 8}.{n & 255}.1", 40000), F.SERVER4, step=0,
                        start=F.EPOCH + n * 1000).open().data(0, 10) for n in range(3000)]
        frames = [f for t in talks for f in t.frames]
        report = self.listed("-r", self.pcap(frames), "--max-flows", "1000")
        self.assertEqual(len(report.conns), 3000)
        self.assertEqual(sum(r["orig_bytes"] for r in report.conns), 30_000)
        gone = [r["evicted"] for r in report.conns if "evicted" in r]
        self.assertEqual(len(gone), sum(report.summary["evicted"].values()))
        self.assertGreaterEqual(len(gone), 2000)

    def test_without_pressure_nothing_is_evicted(self):
        report = self.listed("-r", self.pcap(F.standard().frames))
        self.assertEqual(sum(report.summary["evicted"].values()), 0)
        self.assertNotIn("evicted", report.conns[0])


if __name__ == "__main__":
    konn.main()
