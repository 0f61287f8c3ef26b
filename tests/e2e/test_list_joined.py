#!/usr/bin/env python3
"""konn list --for: packets and sockets of one connection are one row."""
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from hosts import A4, B4, Hosts, accept, connect, listen  # noqa: E402

SO_COOKIE = 57


def cookie(s):
    return int.from_bytes(s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8), sys.byteorder)


def udp(ns, host):
    with ns.inside():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, 0))
    return s


class Joined(Hosts):
    def pair(self, near, far, host):
        server = listen(far, host)
        client = connect(near, host, server.getsockname()[1])
        peer = accept(server)
        for s in (client, peer, server):
            self.addCleanup(s.close)
        return client, peer, server

    def test_a_connection_has_the_socket_of_this_side(self):
        client, peer, server = self.pair(self.a, self.b, B4)
        silent, silent_peer, _ = self.pair(self.a, self.b, B4)
        konns = self.konn(self.a, "list", "-j"), self.konn(self.b, "list", "-j")
        client.sendall(b"x" * 1000)
        self.assertEqual(len(peer.recv(1000, socket.MSG_WAITALL)), 1000)
        peer.sendall(b"y" * 77)
        reports = [konn.stop() for konn in konns]
        for report, mine, end, still in zip(
                reports, (client, peer), ("orig", "resp"), (silent, silent_peer)):
            port = client.getsockname()[1]
            row = report.row(proto="tcp", id__orig_p=port)
            other = "resp" if end == "orig" else "orig"
            self.assert_fields(
                row, sources=["packets", "socket"], state="ESTABLISHED", state_source="socket",
                cookie=cookie(mine), pid=os.getpid(), orig_bytes=1000, resp_bytes=77,
                **{end + "_cookie": cookie(mine), end + "_pid": os.getpid()})
            self.assertNotIn(other + "_cookie", row)
            rows = [r for r in report.silent if r["cookie"] == cookie(still)]
            self.assertEqual(len(rows), 1, report.silent)
            self.assertEqual(rows[0]["id.orig_p"], silent.getsockname()[1])
            self.assertNotIn("orig_pkts", rows[0])
            self.assertNotIn("bytes", rows[0])
        received = [r["tcp_bytes_received"] for r in (reports[0].row(proto="tcp"),
                                                      reports[1].row(proto="tcp"))]
        self.assertEqual(received, [77, 1000])
        self.assertEqual([r["cookie"] for r in reports[1].silent
                          if r.get("id.resp_p") == server.getsockname()[1]], [cookie(server)])

    def test_both_ends_here(self):
        client, peer, _ = self.pair(self.a, self.a, "127.0.0.1")
        konn = self.konn(self.a, "list", "-j")
        client.sendall(b"x" * 10)
        peer.recv(10)
        report = konn.stop()
        row = report.row(proto="tcp", id__orig_p=client.getsockname()[1])
        self.assert_fields(row, orig_cookie=cookie(client), resp_cookie=cookie(peer),
                           cookie=cookie(client), direction="local", orig_bytes=10)
        self.assertFalse([r for r in report.silent
                          if r["cookie"] in (cookie(client), cookie(peer))])

    def test_datagrams_to_a_socket_of_the_port_alone(self):
        server, client = udp(self.b, ""), udp(self.a, A4)
        self.addCleanup(server.close)
        self.addCleanup(client.close)
        konn = self.konn(self.b, "list", "-j")
        client.sendto(b"ask", (B4, server.getsockname()[1]))
        peer = server.recvfrom(10)[1]
        server.sendto(b"answer", peer)
        report = konn.stop()
        row = report.row(proto="udp", id__resp_p=server.getsockname()[1])
        self.assert_fields(row, resp_cookie=cookie(server), pid=os.getpid(), resp_bytes=6,
                           socket_state="UNCONNECTED")
        self.assertNotIn("orig_cookie", row)
        self.assertNotIn("state", row)
        self.assertEqual([r["id.resp_p"] for r in report.silent
                          if r["cookie"] == cookie(server)], [server.getsockname()[1]])

    def test_an_interface_shows_what_it_carried(self):
        client, peer, _ = self.pair(self.a, self.b, B4)
        konn = self.konn(self.a, "list", "-i", "va", "-j")
        client.sendall(b"x")
        peer.recv(1)
        report = konn.stop()
        self.assertEqual(report.row(proto="tcp")["cookie"], cookie(client))
        self.assertEqual(report.silent, [])


if __name__ == "__main__":
    netns.require_root()
    unittest.main(verbosity=2)
