#!/usr/bin/env python3
"""konn watch and konn load on live traffic."""
import calendar
import os
import re
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import A4, B4, B6, Hosts, accept, connect, listen, unless_repeated  # noqa: E402
from netns import send_frames  # noqa: E402

STAMP = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d"


class Watch(Hosts):
    ipv6 = True

    def close_by_client(self, host):
        return self.talk_and_end(host, self.finish)

    def reset_by_client(self, host):
        return self.talk_and_end(host, lambda client, peer: hosts.reset(client))

    def reset_by_server(self, host):
        return self.talk_and_end(host, lambda client, peer: hosts.reset(peer))

    def talk_and_end(self, host, end):
        """The client's port; 5 bytes go there and 7 come back."""
        server = listen(self.b, host)
        client = connect(self.a, host, server.getsockname()[1])
        peer = accept(server)
        port = client.getsockname()[1]
        client.sendall(b"hello")
        peer.recv(5, socket.MSG_WAITALL)
        peer.sendall(b"goodbye")
        client.recv(7, socket.MSG_WAITALL)
        end(client, peer)
        for s in (client, peer, server):
            s.close()
        return port

    @staticmethod
    def finish(client, peer):
        client.shutdown(socket.SHUT_WR)
        hosts.read_all(peer)
        peer.close()
        hosts.read_all(client)

    def refuse(self, host):
        with self.a.inside():
            s = socket.socket(hosts.family(host))
        s.bind(("", 0))
        self.assertRaises(ConnectionRefusedError, s.connect, (host, 3))
        port = s.getsockname()[1]
        s.close()
        return port

    KINDS = {
        "close_by_client": (["attempt", "open", "close"], "SF", (5, 7)),
        "reset_by_client": (["attempt", "open", "reset"], "RSTO", (5, 7)),
        "reset_by_server": (["attempt", "open", "reset"], "RSTR", (5, 7)),
        "refuse": (["attempt", "refuse"], "REJ", (0, 0)),
    }

    @unless_repeated
    def test_json(self):
        konn = self.konn(self.a, "watch", "-i", "va", "-j")
        ports = {(kind, host): getattr(self, kind)(host)
                 for kind in self.KINDS for host in (B4, B6)}
        report = konn.stop()
        self.assert_sums(report.summary)
        for (kind, host), port in ports.items():
            names, verdict, sizes = self.KINDS[kind]
            events = [e for e in report.events if e.get("id.orig_p") == port]
            self.assertEqual([e["event"] for e in events], names, kind)
            self.assertEqual(len({e["uid"] for e in events}), 1)
            self.assertEqual([e["ts"] for e in events], sorted(e["ts"] for e in events))
            for event in events:
                self.assert_fields(event, proto="tcp", id__resp_h=host)
            self.assert_fields(events[-1], conn_state=verdict, orig_bytes=sizes[0],
                               resp_bytes=sizes[1])
            self.assert_fields(events[0], conn_state="S0", orig_bytes=None)
        of_tcp = [e for e in report.events if e.get("proto") == "tcp"]
        self.assertEqual(len(of_tcp), 2 * sum(len(k[0]) for k in self.KINDS.values()))

    def test_text(self):
        """Each line comes while konn runs, and the summary goes to stderr."""
        konn = self.konn(self.a, "watch", "-i", "va", "-f", "tcp")
        expected = []
        for kind, (names, _, _) in self.KINDS.items():
            port = getattr(self, kind)(B4)
            for name in names:
                konn.program.wait_line(rf"{name} .*{re.escape(A4)}:{port} -> {re.escape(B4)}:",
                                       hosts.PATIENCE)
            expected += [(name, port) for name in names]
        self.assertEqual(konn.end(), 0)
        found = []
        for line in konn.program.stdout().splitlines():
            match = re.match(rf"{STAMP}\S* +(\w+) +tcp  {A4}:(\d+) -> {B4}:\d+( |$)", line)
            self.assertTrue(match, line)
            found.append((match[1], int(match[2])))
        self.assertEqual(found, expected)
        self.assertRegex(konn.program.stderr(), r"^4 connections, \d+ packets, \d+ bytes")

    def test_timeout(self):
        self.a.ip("neigh", "add", "10.9.0.77", "lladdr", "02:00:00:00:00:77", "dev", "va")
        konn = self.konn(self.a, "watch", "-i", "va", "--idle", "0.5", "-j")
        with self.a.inside():
            s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("10.9.0.77", 4444))
        konn.program.wait_line('"event":"attempt"', hosts.PATIENCE)
        s.close()  # before it asks again
        konn.program.wait_line('"event":"timeout"', hosts.PATIENCE)
        events = [e for e in konn.stop().events if e.get("id.resp_p") == 4444]
        names = [e["event"] for e in events]
        self.assertEqual(names, ["attempt", "timeout"] * (len(names) // 2))
        self.assert_fields(events[1], conn_state="S0", resp_pkts=0)

    def test_filters(self):
        """Only what matches, by konn's filter and by the kernel's."""
        one = self.konn(self.a, "watch", "-i", "va", "-j", "dst port 3")
        two = self.konn(self.a, "watch", "-i", "va", "-j", "-f", "tcp port 3")
        refused = [self.refuse(B4), self.refuse(B6)]
        self.close_by_client(B4)
        for konn in (one, two):
            report = konn.stop()
            self.assertEqual([(e["id.orig_p"], e["event"]) for e in report.events],
                             [(p, e) for p in refused for e in ("attempt", "refuse")])
        self.assertEqual(report.summary["packets"], 4)


class Load(Hosts):
    def test_seconds(self):
        """Each second's line is what the kernel counted in it; empty ones are told too."""
        konn = self.konn(self.b, "load", "-i", "vb", "-j")
        start = hosts.traffic(self.b, "vb")
        bursts = {}
        for i, count in enumerate((50, 400, 0, 123)):
            time.sleep(1.4 - time.time() % 1)  # well inside of a second
            before, second = hosts.traffic(self.b, "vb"), int(time.time())
            send_frames(self.a, "va", [self.frame(bytes(100 + i))] * count)
            after = hosts.traffic(self.b, "vb")
            if int(time.time()) == second:  # else the machine was too busy
                bursts[second] = {k: after[k] - before[k] for k in after}
        end = hosts.traffic(self.b, "vb")
        report = konn.stop()
        seconds = [stamp_second(line["ts"]) for line in report.loads]
        self.assertEqual(seconds, list(range(seconds[0], seconds[0] + len(seconds))))
        found = {s: {k: line[k] for k in ("packets", "bytes")}
                 for s, line in zip(seconds, report.loads)}
        for second, burst in bursts.items():
            self.assertEqual(found[second], burst)
        for k in ("packets", "bytes"):
            self.assertEqual(sum(line[k] for line in report.loads), end[k] - start[k])
            self.assertEqual(report.summary[k], end[k] - start[k])

    def test_text(self):
        konn = self.konn(self.b, "load", "-i", "vb", "--for", "2.5")
        send_frames(self.a, "va", [self.frame(bytes(982))] * 100)  # 1024 on the wire
        self.assertEqual(konn.program.wait(hosts.PATIENCE), 0)
        total = packets = 0
        for line in konn.program.stdout().splitlines():
            match = re.fullmatch(r"ts = (\d{10}), load = (\d+\.\d) KB/s \((\d+)\)", line)
            self.assertTrue(match, line)
            total, packets = total + float(match[2]), packets + int(match[3])
        self.assertAlmostEqual(total, 100, delta=0.2)
        self.assertEqual(packets, 100)


def stamp_second(ts):

    return calendar.timegm(time.strptime(ts[:19], "%Y-%m-%dT%H:%M:%S"))


if __name__ == "__main__":
    hosts.main()
