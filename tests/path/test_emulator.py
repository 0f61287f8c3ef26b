#!/usr/bin/env python3
"""The emulator does what its options say, and its captures and logs agree with others."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cases"))
import lab  # noqa: E402
import oracle  # noqa: E402
import scenarios  # noqa: E402
import truth  # noqa: E402

DROPS = (7, 30, 31, 90)
DELAYS = {"client": 4000, "server": 6000}


def scenario(**links):
    return {
        "what": "", "links": scenarios.path(DELAYS["client"], DELAYS["server"], **links),
        "app": {"kind": "down", "bytes": 400000}, "sender": "resp", "limited_by": ()}


class Emulator(unittest.TestCase):
    def run_lab(self, what, seed=1, **options):
        folder = tempfile.TemporaryDirectory(prefix="konn-path-")
        self.addCleanup(folder.cleanup)
        found = lab.run("emulator", lab.Options(folder.name, seed, **options), what)
        packets = truth.read(os.path.join(folder.name, "packets.log"))
        return folder.name, found, packets

    def test_scripted_drops(self):
        listed = "+".join(map(str, DROPS))
        folder, found, packets = self.run_lab(scenario(server_down={"drop": listed}))
        data = [p for p in packets if not p.up and p.len]
        data.sort(key=lambda p: p.serial)
        lost = tuple(i for i, p in enumerate(data, 1) if p.fate != "ok")
        self.assertEqual(lost, DROPS)
        self.assertGreaterEqual(found["kernel"]["server"]["RetransSegs"], len(DROPS))
        self.assertEqual(found["flows"][0]["middle"]["resp_lost_before"][1], len(DROPS))
        for point in truth.POINTS:
            seen = oracle.tcpdump_count(os.path.join(folder, f"{point}.pcap"), "tcp")
            self.assertEqual(seen, sum(p.at(point) is not None for p in packets), point)

    def test_delays(self):
        _, _, packets = self.run_lab(scenario())
        bit_ns = 1e9 / scenarios.WIRE_BPS
        for p in packets:
            first = DELAYS["client" if p.up else "server"] * 1000
            least = (p.len + 54) * 8 * bit_ns + first
            self.assertGreaterEqual(p.middle - p.enter, int(least), p.serial)
        least = min(p.middle - p.enter for p in packets if p.up)
        self.assertLess(least, DELAYS["client"] * 1000 + 1518 * 8 * bit_ns)

    def test_same_seed_same_decisions(self):
        """Up to the first packet that the ends sent otherwise."""
        what = {"server_down": {"loss": 0.02, "duplicate": 0.02, "reorder": 0.02,
                                "reorder_us": 1000}}
        fates = []
        for _ in range(2):
            folder, _, _ = self.run_lab(scenario(**what), seed=5)
            with open(os.path.join(folder, "drops.log"), encoding="ascii") as log:
                lines = [line.split() for line in log if not line.startswith("#")]
            fates.append([(w[8], w[10]) for w in lines[:3]])
        self.assertEqual(len(fates[0]), 3)
        self.assertEqual([f[0] for f in fates[0]], [f[0] for f in fates[1]])

    def test_offload(self):
        """Segments larger than the MTU at the ends, cut ones in the middle: the same bytes."""
        folder, found, packets = self.run_lab(scenario(), offload=True)
        largest = {}
        for point in truth.POINTS:
            rows = oracle.tshark_fields(os.path.join(folder, f"{point}.pcap"), "tcp.len > 0",
                                        ["tcp.len", "tcp.srcport"])
            sizes = [int(r["tcp.len"][0]) for r in rows if r["tcp.srcport"] == [str(lab.PORT)]]
            self.assertEqual(sum(sizes), 400000, point)
            largest[point] = max(sizes)
        self.assertGreater(largest["server"], 1460)
        self.assertLessEqual(largest["middle"], 1460)
        self.assertEqual(found["kernel"]["client"].get("InCsumErrors", 0), 0)
        self.assertTrue(all(p.fate == "ok" for p in packets))


if __name__ == "__main__":
    reason = lab.missing()
    if reason:
        print("skipped:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)
