#!/usr/bin/env python3
"""Segments that acts send, read by tshark: every field and both checksums."""
import ipaddress
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

COUNT = 600
LINKTYPE_RAW = 101
FIELDS = ("ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.flags",
          "tcp.window_size_value", "tcp.seq_raw", "tcp.ack_raw", "tcp.len",
          "ip.checksum.status", "tcp.checksum.status")


def address(rng, v6):
    bits = rng.getrandbits(128 if v6 else 32)
    return str(ipaddress.IPv6Address(bits) if v6 else ipaddress.IPv4Address(bits))


class Segments(unittest.TestCase):
    def test_fields(self):
        rng = random.Random(4)
        wanted = []
        for i in range(COUNT):
            v6 = i % 2
            # 4: RST, 2: SYN, 20: RST and ACK; tshark shows the ACK number of these only
            flags = rng.choice((2, 4, 20))
            wanted.append((address(rng, v6), rng.randrange(1, 65536), address(rng, v6),
                           rng.randrange(1, 65536), flags, rng.getrandbits(16),
                           rng.getrandbits(32), rng.getrandbits(32)))
        argv = [os.environ["ACT_TRY"], "segments", *(str(field) for w in wanted for field in w)]
        done = subprocess.run(argv, text=True, check=True, timeout=60, capture_output=True)
        packets = [bytes.fromhex(line) for line in done.stdout.split()]
        self.assertEqual(len(packets), COUNT)
        rows = self.tshark(packets)
        self.assertEqual(len(rows), COUNT)
        for w, row in zip(wanted, rows):
            src, dst = row["ip.src"] or row["ipv6.src"], row["ip.dst"] or row["ipv6.dst"]
            self.assertEqual(
                (ipaddress.ip_address(src), row["tcp.srcport"], ipaddress.ip_address(dst),
                 row["tcp.dstport"], int(row["tcp.flags"], 16), row["tcp.window_size_value"],
                 row["tcp.seq_raw"], row["tcp.ack_raw"], row["tcp.len"], row["tcp.checksum.status"]),
                (ipaddress.ip_address(w[0]), str(w[1]), ipaddress.ip_address(w[2]), str(w[3]), w[4],
                 *map(str, w[5:8]), "0", "1"))
            self.assertEqual(row["ip.checksum.status"], "" if ":" in src else "1")

    def tshark(self, packets):
        with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, LINKTYPE_RAW))
            for p in packets:
                f.write(struct.pack("<IIII", 0, 0, len(p), len(p)) + p)
            f.flush()
            argv = ["tshark", "-n", "-r", f.name, "-T", "fields", "-E", "separator=|",
                    "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"]
            for name in FIELDS:
                argv += ["-e", name]
            out = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
        return [dict(zip(FIELDS, line.split("|"))) for line in out.splitlines()]


if __name__ == "__main__":
    if not shutil.which("tshark"):
        print("skipped: no tshark")
        sys.exit(77)
    unittest.main(verbosity=2)
