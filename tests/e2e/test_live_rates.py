#!/usr/bin/env python3
"""Payload rates of konn against the sender's own report: within 2 %."""
import json
import os
import shutil
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import A4, B4, B6, Hosts  # noqa: E402

WITHIN = 0.02
SAMPLES = 5
WARM_UP = 2.5  # seconds of traffic before the first sample
TRAFFIC = WARM_UP + SAMPLES + 4


class Rates(Hosts):
    ipv6 = True

    def sample(self, begin, proto, fields):
        """The rates of several konns that end one second after the other."""
        konns = [self.konn(self.a, "list", "-i", "va", "-j") for _ in range(SAMPLES)]
        begin()
        time.sleep(WARM_UP)
        rows = []
        for konn in konns:
            time.sleep(1)
            # the largest: iperf3 has a second connection, for control
            rows.append(max(konn.stop().rows(proto=proto), key=lambda r: r["bytes"]))
        return {f: [r[f] for r in rows] for f in fields}

    def assert_near(self, samples, told, what):
        got = statistics.median(samples)
        off = got / told - 1
        print(f"{what}: {got:.0f} of {told:.0f}, {100 * off:+.2f} %; samples "
              + " ".join(f"{100 * (s / told - 1):+.2f}" for s in samples), flush=True)
        self.assertLess(abs(off), WITHIN, what)

    def iperf3(self, host, way, *more):
        if not shutil.which("iperf3"):
            self.skipTest("no iperf3")
        server = self.b.start(["iperf3", "-s", "-1", "--forceflush"])
        server.wait_line("listening", hosts.PATIENCE)
        clients = []

        def begin():
            clients.append(self.a.start(["iperf3", "-c", host, "-b", "24M", "-l", "4K", "-t",
                                         str(round(TRAFFIC)), "--json", *more]))
        got = self.sample(begin, "tcp", [f"{way}_bps"])
        self.assertEqual(clients[0].wait(hosts.PATIENCE), 0, clients[0].stderr())
        told = json.loads(clients[0].stdout())["end"]["sum_sent"]["bits_per_second"]
        self.assert_near(got[f"{way}_bps"], told, f"iperf3 {host} {way}_bps")

    def test_tcp(self):
        self.iperf3(B4, "orig")

    def test_tcp_other_way(self):
        self.iperf3(B6, "resp", "--reverse")

    def test_udp_both_ways(self):
        """The two directions have different rates."""
        senders = []

        def begin():
            for ns, *argv in ((self.a, B4, 4002, 4001, 1000, 500),
                              (self.b, A4, 4001, 4002, 250, 400)):
                senders.append(ns.start(["python3", "-c", hosts.SENDER, *argv, TRAFFIC]))
        got = self.sample(begin, "udp", ["orig_bps", "resp_bps", "orig_pps", "resp_pps"])
        for sender in senders:
            self.assertEqual(sender.wait(hosts.PATIENCE), 0, sender.stderr())
        told = [float(sender.stdout()) for sender in senders]
        # who of the two was first is orig
        ways = ("orig", "resp") if got["orig_bps"][0] > got["resp_bps"][0] else ("resp", "orig")
        for way, rate, size in zip(ways, told, (1000, 250)):
            self.assert_near(got[f"{way}_bps"], rate, f"udp {way}_bps")
            self.assert_near(got[f"{way}_pps"], rate / 8 / size, f"udp {way}_pps")


if __name__ == "__main__":
    hosts.main()
