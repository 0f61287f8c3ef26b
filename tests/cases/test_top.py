"""`konn top -r FILE` in a pseudo-terminal: one line a row, every size, resizing both ways."""

import pathlib
import re
import sys

import frames as F
import konn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tui"))

COUNT = 60
ROW = re.compile(r"\b(?:tcp|udp)\b")


def mixed():
    """IPv4 and long IPv6 connections in turn, each with its own port."""
    frames = []
    for n in range(COUNT):
        client, server = (f"10.1.0.{n + 1}", 40000 + n), ("10.2.0.2", 80)
        if n % 2 == 0:
            client = (f"2001:db8:1111:2222:3333:4444:5555:{n + 1:x}", 40000 + n)
            server = ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 443)
        t = F.Talk(client, server, start=F.EPOCH + n * 1000)
        frames += t.open().data(0, 100 * n + 1).frames
    return frames


class Top(konn.Case):
    def setUp(self):
        super().setUp()
        try:
            import harness
        except ImportError as missing:
            self.skipTest(f"no {missing.name} (python3-pyte)")
        self.file = self.pcap(mixed())
        self.harness = harness

    def top(self, cols=80, rows=24, *args):
        # linux: pyte knows no terminal that scrolls by several lines at once.
        tui = self.harness.Tui([konn.KONN, "top", "-r", self.file, "-n", *args], cols, rows,
                               term="linux", env={"HOME": "/nonexistent"})
        self.addCleanup(tui.__exit__)
        tui.wait(":4005")
        tui.settle()
        return tui

    def ports(self, tui):
        """The rows' client ports, line by line; each row must be one line."""
        found = []
        for line in tui.lines():
            here = [int(p) for p in re.findall(r":(40\d\d\d)\b", line)]
            self.assertLessEqual(len(here), 1, line)
            found += here
        return found

    def assert_in_order(self, tui, least):
        ports = self.ports(tui)
        self.assertGreaterEqual(len(ports), least, tui.text())
        # the largest total first: each connection sent more than the one before
        self.assertEqual(ports, list(range(ports[0], ports[0] - len(ports), -1)), tui.text())

    def assert_clean(self, tui, cols, rows):
        """Title first, keys last, nothing of another size in between."""
        lines = [x.rstrip() for x in tui.lines()]
        self.assertEqual(len(lines), rows)
        self.assertTrue(lines[0].startswith("konn"), tui.text())
        self.assertIn("quit", lines[-1])
        self.assertEqual(sum("CLIENT" in x for x in lines), 1, tui.text())
        self.assertEqual(sum("quit" in x for x in lines), 1, tui.text())
        self.assert_in_order(tui, rows - 6 if rows < COUNT else COUNT)

    def test_ipv6_rows_take_one_line(self):
        """T3"""
        tui = self.top()
        self.assert_in_order(tui, 18)
        self.assertTrue(any("2001:" in x for x in tui.lines()))

    def test_resize_grows_and_shrinks(self):
        """T6, P8"""
        tui = self.top()
        for cols, rows in ((120, 40), (60, 12), (200, 50), (80, 24), (40, 10), (300, 80)):
            tui.resize(cols, rows)
            tui.settle()
            self.assert_clean(tui, cols, rows)
        tui.keys("q")
        self.assertEqual(tui.end(), 0)
        self.assertTrue(tui.restored())

    def test_tiny_sizes_do_not_crash(self):
        tui = self.top()
        for cols, rows in ((1, 1), (3, 2), (500, 1), (1, 100), (80, 24)):
            tui.resize(cols, rows)
            tui.settle()
        self.assert_clean(tui, 80, 24)

    def test_scrolling_shows_every_row_once(self):
        tui = self.top()
        seen = set(self.ports(tui))
        for _ in range(6):
            tui.keys("PgDn")
            tui.settle()
            self.assert_in_order(tui, 10)
            seen |= set(self.ports(tui))
        self.assertEqual(seen, {40000 + n for n in range(COUNT)})

    def test_counts_in_the_header_and_the_footer(self):
        tui = self.top(120, 30)
        self.assertIn(f"of {COUNT}", tui.text())
        self.assertRegex(tui.lines()[1], rf"\b{COUNT}\b")

    def test_base_size_shows_traffic(self):
        """80 columns have both ends, the state, idle time and the bytes."""
        titles = next(x for x in self.top().lines() if "CLIENT" in x)
        for title in ("CLIENT", "SERVER", "STATE", "IDLE", "TOTAL"):
            self.assertIn(title, titles)

    def test_display_filter(self):
        tui = self.top(100, 30, "ip6")
        ports = self.ports(tui)
        self.assertTrue(ports)
        self.assertTrue(all(p % 2 == 0 for p in ports), tui.text())


if __name__ == "__main__":
    konn.main()
