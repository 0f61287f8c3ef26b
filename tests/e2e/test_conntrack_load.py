#!/usr/bin/env python3
"""Connection tracking with many entries: none is lost, or the loss shows and heals.

CONNTRACK_ENTRIES (100,000) says how big the big table is; net.netfilter.nf_conntrack_max
bounds it.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import conntrack_table as table  # noqa: E402
import hosts  # noqa: E402
from conntrack_table import Watch, listed, make  # noqa: E402
from netns import Lab, wait_for  # noqa: E402

ENTRIES = int(os.environ.get("CONNTRACK_ENTRIES", "100000"))
BURST = 50000
STAY = 2000


class Load(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("ctload")
        self.addCleanup(self.lab.close)
        self.ns = self.lab.namespace("a")

    def check_healed(self, watch):
        watch.next_whole(60)
        self.assertEqual(watch.rows(), set(listed(self.ns)))
        self.assertEqual(len(watch.rows()), STAY)

    def test_a_burst(self):
        watch = Watch(self.ns)
        make(self.ns, "burst", BURST)
        make(self.ns, "make", STAY)
        self.check_healed(watch)
        status = watch.stop()
        self.assertEqual((status["malformed"], status["cut"]), (0, 0))
        if status["overruns"] == 0:
            self.assertEqual((status["made"], status["ended"]), (BURST + STAY, BURST))

    def test_an_overrun_shows_and_heals(self):
        watch = Watch(self.ns, "-b", 65536)
        make(self.ns, "make", STAY, 1000000)
        watch.next_whole()
        watch.asleep(2)
        make(self.ns, "destroy", STAY, 1000000)
        make(self.ns, "make", STAY)
        make(self.ns, "burst", BURST // 10, 500000)
        self.check_healed(watch)
        status = watch.stop()
        self.assertGreater(status["overruns"], 0)
        self.assertLess(status["ended"], STAY + BURST // 10)
        self.assertFalse(status["stale"])

    def test_ends_that_nobody_tells(self):
        """nf_conntrack_events=2: no event for what was there before somebody listened."""
        make(self.ns, "make", STAY)
        make(self.ns, "make", 100, 1000000)
        watch = Watch(self.ns)
        make(self.ns, "destroy", 100, 1000000)
        self.check_healed(watch)
        self.assertEqual(watch.stop()["overruns"], 0)

    def test_a_big_table(self):
        room = table.probe(self.ns, "settings")[0]["max"]
        self.assertGreater(room, ENTRIES)
        make(self.ns, "make", ENTRIES)
        status = table.probe(self.ns, "list", "-q")[-1]
        self.assertEqual((status["entries"], status["dumps"]), (ENTRIES, 1))
        self.assertEqual(table.probe(self.ns, "settings")[0]["count"], ENTRIES)


if __name__ == "__main__":
    table.require_tools()
    hosts.main()
