#!/usr/bin/env python3
"""konn on several interfaces, and on interfaces that come and go."""
import json
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import A4, Hosts, accept, connect, listen, payload_sent, unless_repeated  # noqa: E402
from netns import Lab, mac_of, send_frames, wait_for  # noqa: E402

FAR4, FAR6 = "10.8.0.2", "fd00:8::2"
NEAR4, NEAR6 = "10.9.0.1", "fd00:9::1"
BULK = 2_000_000
DUMP = os.environ.get("LIVE_DUMP", "build/tests/e2e/live_dump")
RUN_BACK_US = 1000  # at most; blocks of two rings are up to 60 ms apart


class Routed(Hosts):
    """a — r — b: what goes through r is seen on ra and on rb."""

    def setUp(self):
        self.lab = Lab("route")
        self.addCleanup(self.lab.close)
        self.a, self.r, self.b = self.host("a"), self.host("r"), self.host("b")
        self.cable(self.a, "va", self.r, "ra", (NEAR4, NEAR6), ("10.9.0.254", "fd00:9::fe"))
        self.cable(self.r, "rb", self.b, "vb", ("10.8.0.254", "fd00:8::fe"), (FAR4, FAR6))
        self.lab.forward(self.r)
        for ns, near in ((self.a, "9"), (self.b, "8")):
            ns.ip("route", "add", "default", "via", f"10.{near}.0.254")
            if self.ipv6:
                ns.ip("-6", "route", "add", "default", "via", f"fd00:{near}::fe")
        if self.ipv6:
            self.r.sysctl("net.ipv6.conf.all.forwarding", 1)

    def bulk(self, near, far):
        """Client's port, payload of both sides as TCP sent it."""
        server = listen(self.b, far)
        client = connect(self.a, far, server.getsockname()[1])
        peer = accept(server)
        for source, sink, size in ((client, peer, BULK), (peer, client, BULK // 2)):
            reader = threading.Thread(target=hosts.read_all, args=(sink,))
            reader.start()
            source.sendall(bytes(size))
            source.shutdown(socket.SHUT_WR)
            reader.join()
        found = client.getsockname()[1], payload_sent(client), payload_sent(peer)
        for s in (server, client, peer):
            s.close()
        return found


class Order(Routed):
    """Frames of several interfaces come in the order of their stamps."""

    def bulks(self):
        """Several at a time; their ports at a."""
        found = []
        threads = [threading.Thread(target=lambda: found.append(self.bulk(NEAR4, FAR4)[0]))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), len(threads))
        return found

    def dump(self, names, send):
        """What the source handed out while send() ran: all that passed, once."""
        capture = self.r.start([DUMP, "-i", names])
        capture.wait_line("^ready", hosts.PATIENCE)
        before = self.passed()
        send()
        self.assertEqual(capture.stop(signal.SIGTERM, hosts.PATIENCE), 0, capture.stderr())
        report = json.loads(capture.stdout().splitlines()[-1])
        got = sum(i["packets"] for i in report["interfaces"].values())
        self.assertEqual(got + report["ring_drops"], self.passed() - before, report)
        return report

    def passed(self):
        return sum(hosts.traffic(self.r, name)["packets"] for name in ("ra", "rb"))

    def ordered(self, names, send):
        report = self.dump(names, send)
        self.assertEqual(report["ring_drops"], 0)
        self.assertLessEqual(report["disorder_us"], RUN_BACK_US, report)

    def test_stamps(self):
        """Bulk both ways; then few packets, each of them in a block of its own."""
        self.ordered("ra,rb", self.bulks)
        self.ordered("lo,ra,rb", self.bulks)
        self.ordered("ra,rb", lambda: self.a.run(["ping", "-q", "-c", "9", "-i", "0.05", FAR4]))

    def test_drained(self):
        """Stopped while all is in open blocks."""
        for count in (1, 20):
            self.ordered("lo,ra,rb", lambda count=count: self.a.run(
                ["ping", "-q", "-c", count, "-i", "0.002", FAR4]))

    def test_flood_beside_little(self):
        """What fills its ring cannot wait for the others; it is all there once."""
        def send():
            ping = self.b.start(["ping", "-q", "-i", "0.02", "10.8.0.254"])
            self.a.run([os.environ["FLOOD"], "va", mac_of(self.r, "ra").hex(":"),
                        60000, 200, 60000, 1])
            ping.stop(signal.SIGINT, hosts.PATIENCE)

        self.dump("lo,ra,rb", send)

    @unless_repeated
    def test_one_way_on_each(self):
        """A reply before its request would split rows, and make up losses and repeats.

        Gap letters are not looked at: one in about 200 connections had one, not always explained.
        """
        macs = [mac_of(self.r, name).hex(":") for name in ("ra", "rb")]
        for side in ("src", "dst"):
            one_way = f"ether {side} {macs[0]} or ether {side} {macs[1]}"
            konn = self.konn(self.r, "list", "-i", "ra,rb", "-f", one_way, "-j")
            ports = self.bulks()
            report = konn.stop()
            for port in ports:
                row = report.row(id__orig_p=port)
                self.assert_fields(row, conn_state="SF", missed_bytes=0, id__orig_h=NEAR4,
                                   orig_bytes=BULK, resp_bytes=BULK // 2)
                self.assertRegex(row["history"], "^ShA[^Tt]*$")


class Router(Routed):
    ipv6 = True

    def forwarded(self, *argv):
        konn = self.konn(self.r, "list", "-j", *argv)
        bulks = [(self.bulk(NEAR4, FAR4), NEAR4, FAR4), (self.bulk(NEAR6, FAR6), NEAR6, FAR6)]
        for far, number in ((FAR4, 101), (FAR6, 102)):
            self.a.run(["ping", "-q", "-c", "7", "-i", "0.02", "-e", number, far])
        client, server = hosts.udp(self.a, NEAR4), hosts.udp(self.b, FAR4)
        for size in (10, 3000):
            client.sendto(bytes(size), server.getsockname())
            server.recv(4000)
        return konn.stop(), bulks, client.getsockname()[1]

    def test_counted_once(self):
        for argv in (("-i", "ra,rb"), ("-i", "any"), ()):
            with self.subTest(argv=argv):
                report, bulks, udp_port = self.forwarded(*argv)
                self.assert_sums(report.summary)
                for (port, sent, answered), near, far in bulks:
                    self.assert_fields(
                        report.row(id__orig_p=port), id__orig_h=near, id__resp_h=far,
                        conn_state="SF", orig_bytes=sent, resp_bytes=answered, missed_bytes=0,
                        direction="forwarded", seen_in=["ra", "rb"])
                for number in (101, 102):
                    self.assert_fields(report.row(icmp_id=number), orig_pkts=7, resp_pkts=7,
                                       direction="forwarded", seen_in=["ra", "rb"])
                self.assert_fields(report.row(id__orig_p=udp_port), orig_bytes=3010,
                                   resp_bytes=0)
                self.assertEqual(len(report.rows(proto="tcp")), 2)
                self.assertEqual(len(report.rows(proto="udp")), 1)

    def test_copies(self):
        """Packets that were forwarded are counted on one interface, the others are copies."""
        konn = self.konn(self.r, "list", "-i", "ra,rb", "-f", "icmp or udp", "-j")
        self.a.run(["ping", "-q", "-c", "25", "-i", "0.01", FAR4])  # through
        self.a.run(["ping", "-q", "-c", "10", "-i", "0.01", "10.9.0.254"])  # not through
        client, server = hosts.udp(self.a, NEAR4), hosts.udp(self.b, FAR4)
        for _ in range(40):
            client.sendto(b"datagram", server.getsockname())
            server.recv(100)
        report = konn.stop()
        self.assertEqual(report.summary["packets"], 2 * 50 + 20 + 2 * 40)
        self.assertEqual(report.summary["copies"], 50 + 40)
        self.assertEqual(sum(r["pkts"] for r in report.conns), 50 + 20 + 40)
        self.assert_fields(report.row(id__resp_h="10.9.0.254"), pkts=20, seen_in=["ra"])


class Changing(Hosts):
    def test_down_up_deleted_back(self):
        """One row goes on through all of it; no packet is missing, none is made up."""
        konn = self.konn(self.b, "list", "-i", "vb", "-j")
        sent = send_frames(self.a, "va", [self.frame()] * 10)
        self.b.ip("link", "set", "vb", "down")
        self.b.ip("link", "set", "vb", "up")
        for ns, name in ((self.a, "va"), (self.b, "vb")):
            wait_for(lambda ns=ns, name=name: hosts.is_up(ns, name), "up", hosts.PATIENCE)
        sent += send_frames(self.a, "va", [self.frame()] * 5)
        for _ in range(2):
            self.b.ip("link", "del", "vb")
            wait_for(lambda: hosts.capturing(konn.program.pid) == 0, "nothing", hosts.PATIENCE)
            self.cable(self.a, "va", self.b, "vb", (A4,), (hosts.B4,))
            konn.wait_capturing(1)
            sent += send_frames(self.a, "va", [self.frame()] * 7)
        report = konn.stop()
        row = report.row(proto="udp")
        self.assert_fields(row, orig_pkts=sent, orig_bytes=20 * sent, interface="vb",
                           seen_in=["vb"])
        self.assertEqual(report.summary["packets"], sent)

    def test_others_go_on(self):
        """The deleted interface's packets and those of the ones that stay and come."""
        konn = self.konn(self.b, "list", "-j")
        send_frames(self.a, "va", [self.frame(sport=1111)] * 3)
        self.b.ip("link", "del", "vb")
        wait_for(lambda: hosts.capturing(konn.program.pid) == 1, "only lo", hosts.PATIENCE)
        self.b.run(["ping", "-q", "-c", "3", "-i", "0.01", "-e", "77", "127.0.0.1"])
        self.lab.veth(self.a, "va", None, self.b, "later", None)
        konn.wait_capturing(2)
        wait_for(lambda: hosts.is_up(self.b, "later"), "up", hosts.PATIENCE)
        send_frames(self.a, "va", [self.frame(sport=2222)] * 4)
        report = konn.stop()
        self.assert_fields(report.row(id__orig_p=1111), orig_pkts=3, interface="vb")
        self.assert_fields(report.row(icmp_id=77), pkts=6, interface="lo")
        self.assert_fields(report.row(id__orig_p=2222), orig_pkts=4, interface="later")

    def test_gone_at_the_end(self):
        """Deleted, and then the end: what was seen is told."""
        konn = self.konn(self.b, "list", "-i", "vb", "-j")
        send_frames(self.a, "va", [self.frame()] * 9)
        self.b.ip("link", "del", "vb")
        report = konn.stop()
        self.assertEqual(report.row(proto="udp")["orig_pkts"], 9)


if __name__ == "__main__":
    hosts.main()
