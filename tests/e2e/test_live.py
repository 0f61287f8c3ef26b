#!/usr/bin/env python3
"""The live source against what was really sent: counts, tags, sizes, drops, hot-plug."""
import fcntl
import json
import os
import signal
import socket
import struct
import sys
import time

import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from netns import Lab, send_frames, udp_frame, wait_for  # noqa: E402

DUMP = os.environ["LIVE_DUMP"]
FLOOD = os.environ["FLOOD"]


class Capture:
    """live_dump in a namespace; stop() gives its report."""

    def __init__(self, ns, *argv):
        self.program = ns.start([DUMP, *argv])
        self.program.wait_line("^ready")

    def stop(self):
        code = self.program.stop(signal.SIGTERM)
        if code != 0:
            raise AssertionError(f"exit {code}: {self.program.stderr()}")
        return json.loads(self.program.stdout().splitlines()[-1])


class LiveTest(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("live")
        self.addCleanup(self.lab.close)
        self.a = self.lab.namespace("a")
        self.b = self.lab.namespace("b")
        self.cable()

    def cable(self):
        self.lab.veth(self.a, "va", "10.9.0.1/24", self.b, "vb", "10.9.0.2/24")
        self.mac_a = netns.mac_of(self.a, "va")
        self.mac_b = netns.mac_of(self.b, "vb")
        for ns, name in ((self.a, "va"), (self.b, "vb")):
            wait_for(lambda: b"up" in open_state(ns, name), f"{name} up")

    def frame(self, payload=b"x" * 20, dport=9, tags=(), dst="10.9.9.9"):
        return udp_frame(self.mac_a, self.mac_b, "10.9.0.1", dst, 5000, dport, payload, tags)

    def flood(self, count, size, rate=50000, flows=1):
        mac = ":".join(f"{x:02x}" for x in self.mac_b)
        done = self.a.run([FLOOD, "va", mac, count, size, rate, flows])
        return json.loads(done.stdout)["sent"]

    # ---- counts ----

    def test_counts_at_both_sizes(self):
        capture = Capture(self.b, "-i", "vb")
        self.assertEqual(self.flood(20000, 60), 20000)
        self.assertEqual(self.flood(5000, 1514), 5000)
        report = capture.stop()
        got = report["interfaces"]["vb"]
        self.assertEqual(got["packets"], 25000)
        self.assertEqual(got["bytes"], 20000 * 60 + 5000 * 1514)
        self.assertEqual(got["captured"], 20000 * 60 + 5000 * 256)
        self.assertEqual((got["in"], got["out"]), (25000, 0))
        self.assertEqual((got["shortest"], got["longest"]), (60, 256))
        self.assertEqual((report["ring_drops"], report["interface_drops"]), (0, 0))

    def test_sender_side_is_out(self):
        capture = Capture(self.a, "-i", "va")
        send_frames(self.a, "va", [self.frame()] * 100)
        got = capture.stop()["interfaces"]["va"]
        self.assertEqual((got["in"], got["out"]), (0, 100))

    def test_snaplens(self):
        big = b"z" * 1400
        for dport, expected in ((9, 256), (53, 1442), (443, 1442), (5353, 1442)):
            capture = Capture(self.b, "-i", "vb")
            send_frames(self.a, "va", [self.frame(big, dport)] * 3)
            got = capture.stop()["interfaces"]["vb"]
            self.assertEqual((got["packets"], got["longest"]), (3, expected), dport)
        capture = Capture(self.b, "-i", "vb", "-s", "100")
        send_frames(self.a, "va", [self.frame(big, 53)] * 3)
        self.assertEqual(capture.stop()["interfaces"]["vb"]["captured"], 300)

    def test_user_filter(self):
        capture = Capture(self.b, "-i", "vb", "-f", "udp dst port 53")
        send_frames(self.a, "va", [self.frame(), self.frame(dport=53)] * 50)
        report = capture.stop()
        self.assertEqual(report["interfaces"]["vb"]["packets"], 50)
        self.assertEqual(report["ring_drops"], 0)

    def test_nothing_before_the_filter(self):
        """A capture that begins within a flood shows nothing that the filter refuses."""
        mac = ":".join(f"{x:02x}" for x in self.mac_b)
        sender = self.a.start([FLOOD, "va", mac, 10**9, 60, 100000])
        for _ in range(5):
            report = Capture(self.b, "-f", "tcp").stop()
            self.assertEqual(report["interfaces"]["vb"]["packets"], 0)
        sender.kill()

    def test_last_packets_are_drained(self):
        """Sent right before the signal: still in the open block, not lost."""
        for count in (1, 7, 300):
            capture = Capture(self.b, "-i", "vb")
            send_frames(self.a, "va", [self.frame()] * count)
            self.assertEqual(capture.stop()["interfaces"]["vb"]["packets"], count)

    # ---- loopback, link types ----

    def test_loopback_once(self):
        capture = Capture(self.a)
        self.a.run(["ping", "-q", "-c", "10", "-i", "0.01", "127.0.0.1"])
        report = capture.stop()
        self.assertEqual(report["interfaces"]["lo"]["packets"], 20)
        self.assertEqual(report["interfaces"]["va"]["packets"], 0)

    def test_tun_is_raw_ip(self):
        tun = open_tun(self.b, "tun7")
        self.b.ip("link", "set", "tun7", "up")
        capture = Capture(self.b)
        packet = self.frame(b"q" * 1200, 53)[14:]
        for _ in range(10):
            os.write(tun, packet)
        got = capture.stop()["interfaces"]["tun7"]
        os.close(tun)
        self.assertEqual(got["linktype"], 101)
        self.assertEqual((got["packets"], got["longest"]), (10, len(packet)))

    def test_segment_sizes(self):
        server = self.b.start(["python3", "-c", RECEIVE_ALL])
        server.wait_line("listening")
        capture = Capture(self.b, "-i", "vb")
        self.a.run(["python3", "-c", SEND_ALL])
        server.wait_line("done 3000000")
        got = capture.stop()["interfaces"]["vb"]
        self.assertGreater(got["gso"], 0)
        self.assertGreater(got["segments"], 3000000 // 1500)
        self.assertLess(got["packets"], got["segments"])

    def test_udp_segments_are_not_lost(self):
        capture = Capture(self.b, "-i", "vb", "-f", "udp")
        with self.a.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_UDP, 103, 1000)  # UDP_SEGMENT
        for _ in range(10):
            s.sendto(b"u" * 10000, ("10.9.0.2", 4433))
        s.close()
        report = capture.stop()
        got = report["interfaces"]["vb"]
        self.assertEqual(got["bytes"] - 42 * got["packets"], 100000, report)
        self.assertEqual(report["ring_drops"], 0)

    # ---- VLANs ----

    def test_tags(self):
        for tags, tpid, tci in ((((0x8100, 0x6005),), 0x8100, 0x6005),
                                (((0x88a8, 7), (0x8100, 5)), 0x88a8, 7)):
            capture = Capture(self.b, "-i", "vb")
            send_frames(self.a, "va", [self.frame(tags=tags)] * 20)
            got = capture.stop()["interfaces"]["vb"]
            self.assertEqual((got["packets"], got["tagged"]), (20, 20))
            self.assertEqual((got["tpid"], got["tci"]), (tpid, tci))

    def test_filter_about_tags(self):
        frames = [self.frame(), self.frame(tags=((0x8100, 5),)), self.frame(tags=((0x8100, 6),))]
        for expression, expected in (("vlan 5", 10), ("vlan", 20), ("not vlan", 10),
                                     ("vlan 6 and udp port 9", 10), ("vlan 5 and tcp", 0)):
            capture = Capture(self.b, "-i", "vb", "-f", expression)
            send_frames(self.a, "va", frames * 10)
            got = capture.stop()["interfaces"]["vb"]["packets"]
            self.assertEqual(got, expected, expression)

    # ---- losses ----

    def overload(self, *argv, asleep="1"):
        capture = Capture(self.b, "-i", "vb", "-S", asleep, *argv)
        sent = self.flood(60000, 200, rate=0)
        report = capture.stop()
        got = report["interfaces"]["vb"]["packets"]
        self.assertEqual(got + report["ring_drops"] + report["interface_drops"], sent, report)
        return report

    def test_every_loss_is_counted(self):
        report = self.overload("-b", "65536", asleep="3")
        self.assertGreater(report["ring_drops"], 0)

    def test_no_loss_while_a_ring_grows(self):
        """Overload until the ring is replaced, and traffic all the time."""
        capture = Capture(self.b, "-i", "vb", "-S", "1")
        before = shared_ring_bytes(capture.program.pid)
        sent = self.flood(400000, 200, rate=120000)
        after = shared_ring_bytes(capture.program.pid)
        report = capture.stop()
        got = report["interfaces"]["vb"]["packets"]
        self.assertGreater(report["ring_drops"], 0)
        self.assertGreater(after, before)
        self.assertEqual(got + report["ring_drops"] + report["interface_drops"], sent, report)

    # ---- interfaces come and go ----

    def test_deleted_and_back(self):
        capture = Capture(self.b, "-i", "vb")
        send_frames(self.a, "va", [self.frame()] * 10)
        self.b.ip("link", "del", "vb")
        self.cable()
        self.wait_open(capture, 1)
        send_frames(self.a, "va", [self.frame()] * 5)
        report = capture.stop()
        self.assertEqual(list(report["interfaces"]), ["vb"])
        self.assertEqual(report["interfaces"]["vb"]["packets"], 15)
        self.assertTrue(report["interfaces"]["vb"]["up"])

    def test_gone_is_not_up(self):
        capture = Capture(self.b)
        self.b.ip("link", "del", "vb")
        self.wait_open(capture, 1)  # lo
        got = capture.stop()["interfaces"]
        self.assertFalse(got["vb"]["up"])
        self.assertTrue(got["lo"]["up"])

    def test_down_and_up(self):
        capture = Capture(self.b, "-i", "vb")
        send_frames(self.a, "va", [self.frame()] * 10)
        self.b.ip("link", "set", "vb", "down")
        self.assertLess(cpu_share(capture.program.pid), 0.2)
        self.b.ip("link", "set", "vb", "up")
        wait_for(lambda: b"up" in open_state(self.b, "vb"), "vb up")
        wait_for(lambda: b"up" in open_state(self.a, "va"), "va up")
        send_frames(self.a, "va", [self.frame()] * 5)
        got = capture.stop()["interfaces"]["vb"]
        self.assertEqual((got["packets"], got["up"]), (15, True))

    def test_new_interface(self):
        capture = Capture(self.b)
        self.lab.veth(self.a, "va2", None, self.b, "vb2", None)
        self.wait_open(capture, 3)
        send_frames(self.a, "va2", [self.frame()] * 5)
        got = capture.stop()["interfaces"]
        self.assertEqual(got["vb2"]["packets"], 5)

    def wait_open(self, capture, rings):
        worker = worker_of(capture.program.pid)
        wait_for(lambda: open_rings(worker) == rings, f"{rings} open rings")

    # ---- what is refused ----

    def test_refusals(self):
        for argv, code, words in (
                (["-i", "vbb"], 69, ["no interface vbb", "vb"]),
                (["-i", "v" * 40], 69, ["no interface"]),
                (["-i", "vb", "-f", "tcp prt 5"], 64, ["^^^"])):
            done = self.b.run([DUMP, *argv], check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)

    def test_privileges(self):
        capture = Capture(self.b)
        pids = netns.children(capture.program.pid)
        self.assertEqual(len(pids), 2)
        caps = []
        for pid in pids:
            status = netns.status_fields(pid)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["CapEff"], status["CapPrm"])
            self.assertEqual(int(status["CapBnd"], 16), 0)
            self.assertEqual(int(status["CapAmb"], 16) | int(status["CapInh"], 16), 0)
            caps.append(int(status["CapEff"], 16))
        worker = netns.status_fields(worker_of(capture.program.pid))
        self.assertEqual(sorted(caps), [0, 1 << 13])  # nothing, CAP_NET_RAW
        self.assertNotIn("0", worker["Uid"].split())
        self.assertNotIn("0", worker["Gid"].split())
        self.assertEqual(worker["Groups"], "")
        capture.stop()


def open_state(ns, name):
    with ns.inside():
        return ns.run(["ip", "-br", "link", "show", name]).stdout.lower().encode()


def worker_of(supervisor):
    """The child that is not root."""
    def find():
        for pid in netns.children(supervisor):
            if netns.status_fields(pid)["Uid"].split()[0] != "0":
                return pid
        return None
    return wait_for(find, "the worker")


def maps_of(pid):
    with open(f"/proc/{pid}/maps") as f:
        return [line for line in f if "socket:[" in line]


def open_rings(pid):
    return len(maps_of(pid))


def shared_ring_bytes(supervisor):
    total = 0
    for line in maps_of(worker_of(supervisor)):
        start, end = (int(x, 16) for x in line.split()[0].split("-"))
        total += end - start
    return total


def cpu_share(supervisor):
    """Of a second, used by the worker."""
    worker = worker_of(supervisor)
    before = netns.stat_field(worker, 11) + netns.stat_field(worker, 12)
    time.sleep(1)
    return (netns.stat_field(worker, 11) + netns.stat_field(worker, 12) - before) / 100


def open_tun(ns, name):
    with ns.inside():
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUN, no header
    return fd


RECEIVE_ALL = """
import socket
s = socket.create_server(("10.9.0.2", 7000))
print("listening", flush=True)
c, _ = s.accept()
n = 0
while d := c.recv(1 << 16):
    n += len(d)
print("done", n, flush=True)
"""
SEND_ALL = """
import socket
s = socket.create_connection(("10.9.0.2", 7000))
s.sendall(bytes(3000000))
s.close()
"""

if __name__ == "__main__":
    netns.require_root()
    unittest.main()
