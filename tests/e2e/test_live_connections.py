#!/usr/bin/env python3
"""konn list on live traffic: one row a connection, and counters that are the endpoints'."""
import os
import shutil
import signal
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import payload_sent, unless_repeated  # noqa: E402
from hosts import A4, A6, B4, B6, Hosts, accept, connect, listen  # noqa: E402
from netns import send_frames, wait_for  # noqa: E402

BIG = 3_000_000


class Tcp(Hosts):
    ipv6 = True

    @unless_repeated
    def test_http(self):
        """Real server, real client; both ends watched at the same time."""
        if not shutil.which("curl"):
            self.skipTest("no curl")
        self.serve_http()
        konns = [self.konn(self.a, "list", "-i", "va", "-j"),
                 self.konn(self.b, "list", "-i", "vb", "-j")]
        fetched = [self.fetch(B4), self.fetch(f"[{B6}]")]
        wait_for(lambda: hosts.busy_sockets(self.b, 8080) == 0, "the server's end",
                 hosts.PATIENCE)
        for konn in konns:
            report = konn.stop()
            self.assert_sums(report.summary)
            self.assertEqual(len(report.rows(proto="tcp")), 2, report.out)
            for (port, sent, got), client, server in zip(fetched, (A4, A6), (B4, B6)):
                row = report.row(id__orig_p=port)
                self.assert_fields(
                    row, id__orig_h=client, id__resp_h=server, id__resp_p=8080,
                    service="http", conn_state="SF", orig_bytes=sent, resp_bytes=got,
                    missed_bytes=0, direction="out" if konn.ns is self.a else "in",
                    interface="va" if konn.ns is self.a else "vb")

    def serve_http(self):
        folder = self.folder()
        for name, size in (("small", 100), ("big", BIG)):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(b"\0" * size)
        self.b.start(["python3", "-m", "http.server", "--protocol", "HTTP/1.1",
                      "--bind", "::", "--directory", folder, "8080"])
        for host in (B4, B6):
            wait_for(lambda host=host: answers(self.b, host, 8080), "the server", hosts.PATIENCE)

    def fetch(self, host):
        """Two files over one connection: port, bytes of the requests, of the responses."""
        line = r"%{local_port} %{size_request} %{size_header} %{size_download}\n"
        urls = []
        for name in ("small", "big"):
            urls += ["-o", "/dev/null", f"http://{host}:8080/{name}"]
        done = self.a.run(["curl", "-s", "-w", line, *urls])
        lines = [[int(word) for word in text.split()] for text in done.stdout.splitlines()]
        self.assertEqual(len({words[0] for words in lines}), 1, "one connection")
        return lines[0][0], sum(w[1] for w in lines), sum(w[2] + w[3] for w in lines)

    def test_bulk_both_ways(self):
        """With segmentation offload: payload and segments exact all the same."""
        before = hosts.segments_sent(self.a), hosts.segments_sent(self.b)
        konns = [self.konn(self.a, "list", "-j"), self.konn(self.b, "list", "-j")]
        server = listen(self.b, B4)
        client = connect(self.a, B4, server.getsockname()[1])
        peer = accept(server)
        port = client.getsockname()[1]
        back = threading.Thread(target=lambda: (peer.sendall(bytes(BIG)),
                                                peer.shutdown(socket.SHUT_WR)))
        reader = threading.Thread(target=hosts.read_all, args=(peer,))
        back.start()
        reader.start()
        client.sendall(bytes(2 * BIG))
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(hosts.read_all(client), BIG)
        back.join()
        reader.join()
        sent = payload_sent(client), payload_sent(peer)
        client.close()
        peer.close()
        after = hosts.segments_sent(self.a), hosts.segments_sent(self.b)
        for konn in konns:
            row = konn.stop().row(proto="tcp")
            self.assert_fields(row, id__orig_h=A4, id__orig_p=port, id__resp_h=B4,
                               id__resp_p=server.getsockname()[1], conn_state="SF",
                               orig_bytes=sent[0], resp_bytes=sent[1])
            if after[0][1] == before[0][1] and after[1][1] == before[1][1]:
                self.assert_fields(row, orig_pkts=after[0][0] - before[0][0],
                                   resp_pkts=after[1][0] - before[1][0])
        self.assertGreaterEqual(sent[0], 2 * BIG)

    @unless_repeated
    def test_ends(self):
        """Refused, reset by either side, closed, still open, half closed, no answer."""
        self.a.ip("neigh", "add", "10.9.0.77", "lladdr", "02:00:00:00:00:77", "dev", "va")
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        server = listen(self.b, B4)
        port = server.getsockname()[1]
        expected = {}
        for verdict in ("SF", "RSTO", "RSTR", "S1", "S2"):
            client = connect(self.a, B4, port)
            peer = accept(server)
            expected[client.getsockname()[1]] = verdict, talk(client, peer)
            if verdict == "RSTO":
                hosts.reset(client)
                self.assertRaises(ConnectionResetError, hosts.read_all, peer)
            elif verdict == "RSTR":
                hosts.reset(peer)
                self.assertRaises(ConnectionResetError, hosts.read_all, client)
            elif verdict == "S1":
                self.addCleanup(client.close)
                self.addCleanup(peer.close)
            else:
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(hosts.read_all(peer), 0)
                if verdict == "SF":
                    peer.close()
                    self.assertEqual(hosts.read_all(client), 0)
                else:
                    self.addCleanup(peer.close)
                    self.addCleanup(client.close)
        for number in (1, 2):
            self.assertRaises(ConnectionRefusedError, connect, self.a, B4, number)
        silent = start_connecting(self.a, "10.9.0.77", 4444)
        report = konn.stop()
        silent.close()
        self.assertEqual(len(report.rows(proto="tcp")), len(expected) + 3, report.out)
        for client_port, (verdict, sizes) in expected.items():
            row = report.row(id__orig_p=client_port)
            self.assert_fields(row, id__orig_h=A4, id__resp_h=B4, id__resp_p=port,
                               conn_state=verdict, orig_bytes=sizes[0], resp_bytes=sizes[1])
        for number in (1, 2):
            self.assert_fields(report.row(id__resp_p=number), conn_state="REJ", state="CLOSED",
                               orig_bytes=0, resp_bytes=0, orig_pkts=1, resp_pkts=1)
        self.assert_fields(report.row(id__resp_p=4444), conn_state="S0", state="SYN-SENT",
                           resp_pkts=0, resp_bytes=0)

    @unless_repeated
    def test_many(self):
        """Each of 300 connections is one row with its own sizes."""
        konn = self.konn(self.a, "list", "-j")
        server = listen(self.b, B6)
        expected = {}
        for i in range(300):
            client = connect(self.a, B6, server.getsockname()[1])
            peer = accept(server)
            client.sendall(bytes(i + 1))
            client.shutdown(socket.SHUT_WR)
            hosts.read_all(peer)
            peer.sendall(bytes(2 * i))
            peer.close()
            hosts.read_all(client)
            expected[client.getsockname()[1]] = i + 1, 2 * i
            client.close()
        report = konn.stop(signal.SIGTERM)
        found = {r["id.orig_p"]: (r["orig_bytes"], r["resp_bytes"])
                 for r in report.rows(proto="tcp", conn_state="SF")}
        wrong = {p: (found.get(p), expected.get(p)) for p in found.keys() | expected.keys()
                 if found.get(p) != expected.get(p)}
        self.assertEqual(wrong, {}, "found, expected")
        self.assertEqual(len(report.rows(proto="tcp")), 300)


class Datagrams(Hosts):
    ipv6 = True

    def test_udp(self):
        """Small, large (fragments, IPv4 and IPv6), answered and not."""
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        expected = {}
        for here, there in ((A4, B4), (A6, B6)):
            client, server = hosts.udp(self.a, here), hosts.udp(self.b, there)
            for size in (1, 100, 1400, 5000, 20000):
                client.sendto(bytes(size), server.getsockname())
                data, whom = server.recvfrom(65536)
                server.sendto(data[:7], whom)
                client.recvfrom(65536)
            expected[client.getsockname()[1]] = here, there, server.getsockname()[1]
            client.close()
            server.close()
        report = konn.stop()
        for port, (here, there, there_port) in expected.items():
            row = report.row(proto="udp", id__orig_p=port)
            self.assert_fields(row, id__orig_h=here, id__resp_h=there, id__resp_p=there_port,
                               orig_bytes=26501, resp_bytes=1 + 4 * 7)
        self.assertEqual(len(report.rows(proto="udp")), 2)
        self.assertEqual(report.summary["fragments_unmatched"], 0)

    def test_dns(self):
        server = hosts.udp(self.b, B4, 53)
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        client = hosts.udp(self.a, A4)
        sizes = [0, 0]
        for number in range(3):
            query = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0) + b"\4host\4test\0\0\1\0\1"
            client.sendto(query, (B4, 53))
            data, whom = server.recvfrom(512)
            answer = (data[:2] + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + data[12:]
                      + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\2\3")
            server.sendto(answer, whom)
            self.assertEqual(client.recv(512), answer)
            sizes = [sizes[0] + len(query), sizes[1] + len(answer)]
        row = konn.stop().row(proto="udp")
        self.assert_fields(row, id__orig_h=A4, id__orig_p=client.getsockname()[1], id__resp_h=B4,
                           id__resp_p=53, service="dns", orig_bytes=sizes[0], resp_bytes=sizes[1],
                           orig_pkts=3, resp_pkts=3)

    def test_ping(self):
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        for host, number in ((B4, 4711), (B6, 4712)):
            self.a.run(["ping", "-q", "-c", "5", "-i", "0.05", "-s", "56", "-e", number, host])
        report = konn.stop()
        for here, there, number, proto, kind in ((A4, B4, 4711, "icmp", 8),
                                                 (A6, B6, 4712, "icmp6", 128)):
            row = report.row(icmp_id=number)
            self.assert_fields(row, id__orig_h=here, id__resp_h=there, proto=proto,
                               icmp_type=kind, icmp_code=0, orig_pkts=5, resp_pkts=5,
                               orig_bytes=5 * 56, resp_bytes=5 * 56, id__orig_p=None)

    def test_unreachable(self):
        """A refused datagram is no row of its own: the error is told on the flow."""
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        client = hosts.udp(self.a, A4)
        client.connect((B4, 9999))
        client.send(b"anybody?")
        self.assertRaises(ConnectionRefusedError, client.recv, 1)
        row = konn.stop().row(id__orig_p=client.getsockname()[1])
        self.assert_fields(row, icmp_error="port_unreachable", orig_bytes=8, resp_bytes=0,
                           orig_pkts=1, resp_pkts=0)


class Cable(Hosts):
    """Nothing on the wire but what is sent: sums of everything are the kernel's."""

    def test_tags(self):
        konn = self.konn(self.b, "list", "-i", "vb", "-j")
        kinds = [(), ((0x8100, 0x6005),), ((0x88a8, 7), (0x8100, 5)),
                 ((0x8100, 1), (0x8100, 2), (0x8100, 3))]
        for i, tags in enumerate(kinds):
            frame = self.frame(bytes(30 + i), sport=6000 + i, tags=tags)
            self.assertEqual(send_frames(self.a, "va", [frame] * (10 + i)), 10 + i)
        report = konn.stop()
        self.assertEqual(report.summary["packets"], sum(range(10, 14)))
        for i, tags in enumerate(kinds):
            ids = [str(tci & 0xfff) for _, tci in tags]
            row = report.row(id__orig_p=6000 + i)
            self.assert_fields(row, vlan=ids or None, orig_pkts=10 + i, proto="udp",
                               orig_bytes=(10 + i) * (30 + i),
                               orig_wire_bytes=(10 + i) * (42 + 4 * len(ids) + 30 + i))

    def test_totals_are_the_kernels(self):
        """Without offload each packet is one on the wire: packets and bytes to the last."""
        if not shutil.which("ethtool"):
            self.skipTest("no ethtool")
        for ns, name in ((self.a, "va"), (self.b, "vb")):
            ns.run(["ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off"])
        konns = [(self.konn(self.a, "list", "-j"), self.a, "va"),
                 (self.konn(self.b, "list", "-i", "vb", "-j"), self.b, "vb")]
        before = [hosts.traffic(ns, name) for _, ns, name in konns]
        server = listen(self.b, B4)
        for size in (1, 1000, 500_000):
            client = connect(self.a, B4, server.getsockname()[1])
            peer = accept(server)
            client.sendall(bytes(size))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(hosts.read_all(peer), size)
            peer.close()
            hosts.read_all(client)
        self.a.run(["ping", "-q", "-c", "20", "-i", "0.01", B4])
        send_frames(self.a, "va", [self.frame(bytes(700))] * 100)
        after = [hosts.traffic(ns, name) for _, ns, name in konns]
        for (konn, _, _), old, new in zip(konns, before, after):
            report = konn.stop()
            self.assert_sums(report.summary)
            counted = {k: report.summary[k] for k in ("packets", "bytes")}
            self.assertEqual(counted, {k: new[k] - old[k] for k in new})
            self.assertEqual(report.summary["copies"], 0)

    @unless_repeated
    def test_loopback_once(self):
        for argv in (("-i", "lo"), ()):
            before = self.a.statistic("lo", "rx_packets")
            konn = self.konn(self.a, "list", "-j", *argv)
            server = listen(self.a, "127.0.0.1")
            client = connect(self.a, "127.0.0.1", server.getsockname()[1])
            peer = accept(server)
            sizes = talk(client, peer)
            port = client.getsockname()[1]
            client.close()
            hosts.read_all(peer)
            peer.close()
            report = konn.stop()
            row = report.row(proto="tcp")
            self.assert_fields(row, id__orig_p=port, orig_bytes=sizes[0], resp_bytes=sizes[1], conn_state="SF",
                               direction="local", interface="lo")
            self.assertEqual(report.summary["packets"],
                             self.a.statistic("lo", "rx_packets") - before)


def answers(ns, host, port):
    try:
        connect(ns, host, port).close()
        return True
    except OSError:
        return False


def talk(client, peer):
    """Some bytes each way; returns how many."""
    client.sendall(b"question" * 10)
    got = b""
    while len(got) < 80:
        got += peer.recv(100)
    peer.sendall(b"answer" * 500)
    got = b""
    while len(got) < 3000:
        got += client.recv(5000)
    return 80, 3000


def start_connecting(ns, host, port):
    with ns.inside():
        s = socket.socket()
    s.setblocking(False)
    s.connect_ex((host, port))
    return s


if __name__ == "__main__":
    hosts.main()
