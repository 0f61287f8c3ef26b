#!/usr/bin/env python3
"""konn rtt on live traffic: against ping's own times and tshark on the same packets.

While any socket asks for times (SO_TIMESTAMP), the kernel stamps a packet once for all who
capture it; so differences of times are the same in tcpdump's file, but for what is cut to
microseconds. The times themselves are those of konn's own clock, which nobody corrects.
"""
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "../cases")]
import hosts  # noqa: E402
import passive  # noqa: E402
from hosts import A4, B4, Hosts, accept, connect, listen  # noqa: E402
from netns import wait_for  # noqa: E402

NEAR_US = 2  # both sides are rounded
CLOCK_US = 1000
SO_TIMESTAMP = 29
TOOLS = ("tcpdump", "tshark", "ping")
ADDRESSES = "ip.src ip.dst tcp.srcport tcp.dstport".split()


@unittest.skipUnless(all(map(shutil.which, TOOLS)), f"needs {', '.join(TOOLS)}")
class Rtt(Hosts):
    def setUp(self):
        super().setUp()
        asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asks.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
        self.addCleanup(asks.close)

    def tcpdump(self):
        path = os.path.join(self.folder(), "t.pcap")
        program = self.a.start(["tcpdump", "-i", "va", "-s", "256", "-U", "-Z", "root",
                                "--immediate-mode", "-w", path])
        program.wait_line("listening on")
        return path, program

    def caught(self, path, program, packets):
        """Ends tcpdump when its file has them all."""
        wait_for(lambda: len(list(self.frames(path))) >= packets, "tcpdump", hosts.PATIENCE)
        program.stop()
        return path

    @staticmethod
    def frames(path):
        try:
            yield from passive.frames(path)
        except passive.Unreadable:  # it is being written
            return

    @staticmethod
    def tshark(path, display, *fields):
        command = ["tshark", "-n", "-r", path, "-Y", display, "-T", "fields"]
        for name in ("frame.time_epoch", *fields):
            command += ["-e", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            stamp, *rest = line.split("\t")
            seconds, fraction = stamp.split(".")
            yield int(seconds) * 10**6 + int(fraction[:6]), rest

    def transfer(self, rounds=20, size=100_000):
        """Requests and answers, then a bulk each way. The client's port."""
        server = listen(self.b, B4)
        client = connect(self.a, B4, server.getsockname()[1])
        peer = accept(server)
        port = client.getsockname()[1]
        for n in range(rounds):
            client.sendall(bytes(100 + n))
            take(peer, 100 + n)
            peer.sendall(bytes(200 + n))
            take(client, 200 + n)
            time.sleep(0.002)  # a new TSval each time
        for one, other in ((client, peer), (peer, client)):
            one.sendall(bytes(size))
            take(other, size)
        client.shutdown(socket.SHUT_WR)
        hosts.read_all(peer)
        peer.close()
        hosts.read_all(client)
        client.close()
        server.close()
        return port

    def samples(self, report, *kinds):
        return [r for r in report.of_kind("rtt") if r["sample"] in kinds]

    def test_tcp_is_what_tshark_measures(self):
        path, tcpdump = self.tcpdump()
        konn = self.konn(self.a, "rtt", "-i", "va", "-j", "--epoch", "tcp")
        port = self.transfer()
        report = konn.stop()
        self.caught(path, tcpdump, report.summary["packets"])
        oracle = {}
        for ts, (rtt, *ends) in self.tshark(path, "tcp.analysis.ack_rtt",
                                            "tcp.analysis.ack_rtt", *ADDRESSES):
            oracle[ts, ends[0]] = round(float(rtt) * 1e6)
        found = self.samples(report, "seq", "handshake")
        self.assertGreater(len(self.samples(report, "seq")), 40)
        self.assertEqual(len(self.samples(report, "handshake")), 2)
        for r in found:
            self.assertEqual((r["id.orig_h"], r["id.orig_p"]), (A4, port))
            answer = B4 if r["side"] == "server" else A4
            near = [v for (ts, src), v in oracle.items()
                    if src == answer and abs(ts - r["ts"]) < CLOCK_US]
            self.assertTrue(any(abs(v - r["rtt_us"]) <= NEAR_US for v in near), (r, near))
        valid = [r for r in report.of_kind("rtt") if r["valid"]]
        self.assertEqual(report.summary["rtt_samples"], len(valid))

    def test_ping_is_what_ping_says(self):
        """ping takes its time before the packet leaves: konn's is never longer."""
        path, tcpdump = self.tcpdump()
        konn = self.konn(self.a, "rtt", "-i", "va", "-j", "--epoch", "icmp")
        done = self.a.run(["ping", "-c", "10", "-i", "0.05", B4])
        report = konn.stop()
        self.caught(path, tcpdump, report.summary["packets"])
        said = [float(x) for x in re.findall(r"icmp_seq=\d+ .*time=([\d.]+) ms", done.stdout)]
        oracle = [round(float(v) * 1000) for _, (v,) in
                  self.tshark(path, "icmp.resptime", "icmp.resptime")]
        found = [r["rtt_us"] for r in self.samples(report, "icmp")]
        self.assertEqual((len(found), len(said), len(oracle)), (10, 10, 10))
        for rtt, ping, tshark in zip(found, said, oracle):
            self.assertLessEqual(abs(rtt - tshark), NEAR_US)
            self.assertLessEqual(rtt, ping * 1000 + NEAR_US)

    def test_pping_lines(self):
        """The same round trips as the model of pping finds in tcpdump's file."""
        path, tcpdump = self.tcpdump()
        konn = self.konn(self.a, "rtt", "-i", "va", "--format", "pping")
        self.transfer()
        self.assertEqual(konn.end(), 0)
        packets = int(re.search(r"(\d+) packets", konn.program.stderr())[1])
        self.caught(path, tcpdump, packets)
        model = {}
        for line in passive.Pping().lines(passive.segments(path)):
            model.setdefault(line.name, []).append((line.ts, line.rtt))
        lines = list(passive.read_pping(konn.program.stdout()))
        timed = [p for p in lines if self.in_model(p, model)]
        # Of the SYN pping knows nothing. Each tap looks at the clock itself, and on a busy
        # machine some packets get two times.
        self.assertLessEqual(len(lines) - len(timed), 1 + len(lines) // 20)
        self.assertGreater(len(timed), 1)

    @staticmethod
    def in_model(line, model):
        return any(abs(ts - line.ts) < CLOCK_US and abs(rtt - line.rtt) <= NEAR_US
                   for ts, rtt in model.get(line.name, ()))

    def test_lines_come_at_once(self):
        """While it runs, not only at its end."""
        konn = self.konn(self.a, "rtt", "-i", "va", "--format", "connmon")
        self.transfer(rounds=2)
        wait_for(lambda: konn.program.stdout(), "lines", hosts.PATIENCE)
        self.assertTrue(konn.program.running())
        self.assertEqual(konn.end(), 0)
        self.assertTrue(list(passive.read_connmon(konn.program.stdout())))

    def test_own_ssh_session(self):
        """Its lines would be packets, which would be lines."""
        server = listen(self.b, B4)
        client = connect(self.a, B4, server.getsockname()[1])
        peer = accept(server)
        ends = (*client.getsockname(), *client.getpeername())
        env = {**os.environ, "SSH_CONNECTION": " ".join(map(str, ends))}
        for more, wanted in ((), False), (("--self",), True):
            konn = self.konn(self.a, "rtt", "-i", "va", "-j", *more, env=env)
            for _ in range(5):
                client.sendall(b"question")
                take(peer, 8)
                peer.sendall(b"answer")
                take(client, 6)
            port = self.transfer(rounds=3)
            report = konn.stop()
            ports = {r["id.orig_p"] for r in report.of_kind("rtt")}
            self.assertIn(port, ports)
            self.assertEqual(client.getsockname()[1] in ports, wanted, ports)
        for s in (client, peer, server):
            s.close()


def take(s, size):
    while size:
        got = len(s.recv(size))
        if not got:
            raise EOFError
        size -= got


if __name__ == "__main__":
    hosts.main()
