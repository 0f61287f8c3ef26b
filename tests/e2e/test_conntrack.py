#!/usr/bin/env python3
"""Connection tracking, field by field, against conntrack(8): NAT, protocols, zones, marks."""
import os
import re
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import conntrack_table as table  # noqa: E402
import hosts  # noqa: E402
from conntrack_table import facts, listed, probe, shape  # noqa: E402
from hosts import accept, connect, listen, udp  # noqa: E402
from netns import Lab, wait_for  # noqa: E402

TRACK = """
table inet t {
  ct helper ftp-standard { type "ftp" protocol tcp; }
  chain marks { type filter hook prerouting priority -150;
    tcp dport 21 ct helper set "ftp-standard"
    udp dport 5004 ct mark set 0xdeadbeef
  }
}
"""
NAT = """
table ip n {
  chain pre { type nat hook prerouting priority -100; tcp dport 8080 dnat to 10.2.0.2:80; }
  chain post { type nat hook postrouting priority 100; oifname "right" masquerade; }
}
"""
ZONES = """
table inet z {
  chain out { type filter hook output priority -300;
    udp dport 5001 ct zone set 7
    udp dport 5002 ct original zone set 8
    udp dport 5003 ct reply zone set 9
  }
  chain in { type filter hook input priority 0; ct state new accept; }
}
"""


class Gateway(unittest.TestCase):
    """client 10.1.0.2 – gateway – server 10.2.0.2, IPv6 likewise; the gateway tracks."""

    def setUp(self):
        self.lab = Lab("ct")
        self.addCleanup(self.lab.close)
        self.client, self.gw, self.server = (
            self.lab.namespace(n, ipv6=True) for n in ("client", "gw", "server"))
        for ns in (self.client, self.gw, self.server):
            for which in ("all", "default"):
                ns.sysctl(f"net.ipv6.conf.{which}.accept_dad", 0)
                ns.sysctl(f"net.ipv6.conf.{which}.router_solicitations", 0)
        self.lab.veth(self.client, "vc", "10.1.0.2/24", self.gw, "left", "10.1.0.1/24")
        self.lab.veth(self.gw, "right", "10.2.0.1/24", self.server, "vs", "10.2.0.2/24")
        for ns, name, net in ((self.client, "vc", "fd01::2"), (self.gw, "left", "fd01::1"),
                              (self.gw, "right", "fd02::1"), (self.server, "vs", "fd02::2")):
            ns.ip("addr", "add", f"{net}/64", "dev", name, "nodad")
        for ns, far in ((self.client, "1"), (self.server, "2")):
            ns.ip("route", "add", "default", "via", f"10.{far}.0.1")
            ns.ip("-6", "route", "add", "default", "via", f"fd0{far}::1")
        self.lab.forward(self.gw)
        self.gw.sysctl("net.ipv6.conf.all.forwarding", 1)

    def rules(self, text, ns=None):
        (ns or self.gw).run(["nft", "-f", "-"], input=text)

    def account(self, ns=None):
        for name in ("acct", "timestamp"):
            (ns or self.gw).sysctl(f"net.netfilter.nf_conntrack_{name}", 1)

    def tcp(self, host, port, at=80):
        """An established connection: both ends."""
        family = "fd02::2" if ":" in host else "10.2.0.2"
        server = listen(self.server, family, at)
        here = connect(self.client, host, port)
        there = accept(server)
        server.close()
        for s in (here, there):
            self.addCleanup(s.close)
        here.sendall(b"x" * 1000)
        there.recv(1000, socket.MSG_WAITALL)
        return here, there

    def compare(self, ns=None):
        """Both lists say the same; returns the raw facts by id."""
        ns = ns or self.gw
        want, got = listed(ns), {f["id"]: f for f in facts(ns)}
        self.assertEqual(set(got), set(want))
        for entry_id, fact in got.items():
            mine, theirs = shape(fact), want[entry_id]
            for loose in ("timeout", "age"):
                a, b = mine.pop(loose), theirs.pop(loose)
                self.assertEqual(a is None, b is None, (loose, fact, theirs))
                self.assertLessEqual(abs((a or 0) - (b or 0)), 3, (loose, fact))
            self.assertEqual(mine, theirs)
        return got


class Fields(Gateway):
    def test_protocols(self):
        self.rules(TRACK)
        self.account()
        self.tcp("10.2.0.2", 80)
        self.tcp("fd02::2", 80)
        for host in ("10.2.0.2", "fd02::2"):
            there = udp(self.server, host, 53)
            here = udp(self.client, "::" if ":" in host else "0.0.0.0")
            here.sendto(b"question", (host, 53))
            _, peer = there.recvfrom(100)
            there.sendto(b"answer", peer)
            here.recv(100)
            there.close()
            here.close()
            self.client.run(["ping", "-c", "1", host])
        self.raw(socket.IPPROTO_GRE, b"\0\0\x08\0")
        self.raw(253, b"anything")
        self.sctp()
        got = list(self.compare().values())
        kinds = {(f["proto"], ":" in f["orig"]["src"]) for f in got}
        self.assertLessEqual({(6, False), (6, True), (17, False), (17, True), (1, False),
                              (58, True), (47, False), (253, False), (132, False)}, kinds)
        self.assertEqual({f["proto"] for f in got if "state" in f}, {6, 132})

    def raw(self, proto, data):
        with self.client.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
        s.sendto(data, ("10.2.0.2", 0))
        s.close()

    def sctp(self):
        """An INIT, RFC 9260 §3.3.2; its checksum is not looked at."""
        self.gw.sysctl("net.netfilter.nf_conntrack_checksum", 0)
        init = struct.pack(">BBHIIHHI", 1, 0, 20, 0x1234, 65535, 1, 1, 7)
        self.raw(132, struct.pack(">HHII", 7000, 7001, 0, 0) + init)

    def test_states_of_a_connection(self):
        self.rules(TRACK)
        here, there = self.tcp("10.2.0.2", 80)
        self.assertEqual(self.only()["state"], "ESTABLISHED")
        here.shutdown(socket.SHUT_WR)
        there.recv(1)
        wait_for(lambda: self.only()["state"] == "CLOSE_WAIT", "the first FIN's answer")
        self.compare()
        there.close()
        here.recv(1)
        wait_for(lambda: self.only()["state"] == "TIME_WAIT", "the second FIN's answer")
        self.compare()

    def only(self):
        got = facts(self.gw)
        self.assertEqual(len(got), 1, got)
        return got[0]

    def test_translation_both_ways(self):
        self.rules(TRACK)
        self.rules(NAT)
        self.account()
        self.tcp("10.1.0.1", 8080)
        here = udp(self.client, "0.0.0.0")
        here.sendto(b"x", ("10.2.0.2", 9))
        self.client.run(["ping", "-c", "1", "10.2.0.2"])
        got = {f["proto"]: f for f in self.compare().values() if f["orig"]["src"] == "10.1.0.2"}
        tcp = got[6]
        self.assertEqual((tcp["orig"]["dst"], tcp["orig"]["dport"]), ("10.1.0.1", 8080))
        self.assertEqual((tcp["reply"]["src"], tcp["reply"]["sport"]), ("10.2.0.2", 80))
        self.assertEqual(tcp["reply"]["dst"], "10.2.0.1")
        self.assertEqual({p: got[p]["nat"] for p in (6, 17, 1)}, {6: 3, 17: 1, 1: 1})
        self.assertLessEqual({"src_nat", "dst_nat", "assured"}, set(tcp["status"]))

    def test_helper_and_mark(self):
        self.rules(TRACK)
        self.tcp("10.2.0.2", 21, at=21)
        here = udp(self.client, "0.0.0.0")
        here.sendto(b"x", ("10.2.0.2", 5004))
        got = self.compare().values()
        self.assertEqual({f.get("helper") for f in got}, {"ftp", None})
        self.assertIn("helper", [s for f in got if "helper" in f for s in f["status"]])
        self.assertEqual({f["mark"] for f in got}, {0, 0xdeadbeef})

    def test_zones(self):
        self.rules(ZONES, self.client)
        here = udp(self.client, "127.0.0.1")
        for port in range(5000, 5004):
            here.sendto(b"x", ("127.0.0.1", port))
        got = self.compare(self.client).values()
        self.assertEqual({(f["orig"]["dport"], f["orig"]["zone"], f["reply"]["zone"])
                          for f in got if f["proto"] == 17},
                         {(5000, 0, 0), (5001, 7, 7), (5002, 8, 0), (5003, 0, 9)})
        for fact in [f for f in got if f["proto"] == 17]:
            self.client.run([table.PROBE, "delete", fact["id"]])
        self.assertEqual([e for e in listed(self.client).values() if e["proto"] == 17], [])

    def test_bytes_beyond_32_bits(self):
        """4.3 GB over loopback, in super-packets of 64 KiB."""
        self.rules(ZONES, self.client)
        self.account(self.client)
        server = listen(self.client, "127.0.0.1", 4000)
        here = connect(self.client, "127.0.0.1", 4000)
        there = accept(server)
        total = (1 << 32) + (1 << 25)

        def sink():
            space, left = bytearray(1 << 20), total
            while left:
                left -= there.recv_into(space)

        reader = threading.Thread(target=sink)
        reader.start()
        block = bytes(1 << 20)
        for _ in range(total >> 20):
            here.sendall(block)
        reader.join()
        got = [f for f in self.compare(self.client).values() if f["proto"] == 6]
        self.assertGreater(got[0]["orig_bytes"], total)
        self.assertLess(got[0]["orig_bytes"], total + (1 << 31))
        for s in (here, there, server):
            s.close()


class Actions(Gateway):
    def test_delete_takes_the_one_and_no_other(self):
        self.rules(TRACK)
        self.rules(NAT)
        for host in ("10.2.0.2", "fd02::2"):
            self.client.run(["ping", "-c", "1", host])
        self.tcp("10.1.0.1", 8080)
        self.tcp("fd02::2", 80)
        with self.client.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)
        s.sendto(b"x", ("10.2.0.2", 0))
        s.close()
        ids = set(listed(self.gw))
        self.assertGreaterEqual(len(ids), 5)
        for entry_id in sorted(ids):
            other = entry_id ^ 1
            refused = self.gw.run([table.PROBE, "delete", entry_id, other], check=False)
            self.assertIn("No such file", refused.stderr)
            self.assertEqual(set(listed(self.gw)), ids)
            self.gw.run([table.PROBE, "delete", entry_id])
            ids.remove(entry_id)
            self.assertEqual(set(listed(self.gw)), ids)

    def test_accounting_on_and_back(self):
        self.rules(TRACK)
        old = udp(self.client, "0.0.0.0")
        old.sendto(b"x", ("10.2.0.2", 9))
        self.assertEqual(self.gw.run([table.PROBE, "acct", "on"]).stdout, "0\n")
        self.assertEqual(probe(self.gw, "settings")[0]["acct"], 1)
        new = udp(self.client, "0.0.0.0")
        new.sendto(b"x", ("10.2.0.2", 10))
        got = {f["orig"]["dport"]: f for f in self.compare().values() if f["proto"] == 17}
        self.assertNotIn("orig_bytes", got[9])
        self.assertEqual((got[10]["orig_bytes"], got[10]["reply_bytes"]), (29, 0))
        self.assertEqual(self.gw.run([table.PROBE, "acct", "off"]).stdout, "1\n")
        self.assertEqual(probe(self.gw, "settings")[0]["acct"], 0)

    def activity(self, ns, pings):
        program = ns.start([table.PROBE, "activity"])
        program.wait_line("ready")
        if pings:
            ns.run(["ping", "-q", "-c", pings, "-i", "0.01", "127.0.0.1"])
        program.send("\n")
        program.wait()
        return program.stdout().split("\n")[1]

    def test_why_nothing_is_there(self):
        quiet = self.lab.namespace("quiet")
        self.assertEqual(self.activity(quiet, 0), "empty")
        self.assertEqual(self.activity(quiet, 10), "no rule")
        self.rules(ZONES, quiet)
        self.assertEqual(self.activity(quiet, 10), "active")
        self.assertEqual(probe(quiet, "settings")[0]["count"], len(listed(quiet)))

    def test_counters_of_cpus(self):
        self.rules(ZONES, self.client)
        with self.client.inside():
            s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        for _ in range(20):  # answers that nobody asked for
            s.sendto(b"\0\0\xff\xff\0\0\0\0", ("127.0.0.1", 0))
        s.close()
        mine = {c["cpu"]: c for c in probe(self.client, "cpus")}
        text = self.client.run(["conntrack", "-S"]).stdout
        total = 0
        for line in text.splitlines():
            want = {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", line)}
            got = mine.pop(want.pop("cpu"))
            self.assertEqual({k: got[k] for k in want}, want)
            total += want["invalid"]
        self.assertEqual(mine, {})
        self.assertGreaterEqual(total, 20)

    def test_without_the_right(self):
        refused = self.gw.run(["setpriv", "--reuid", "65534", "--clear-groups", table.PROBE, "list"],
                              check=False)
        self.assertEqual(refused.returncode, 1)
        self.assertRegex(refused.stderr, "list: Operation not permitted")


class Events(Gateway):
    def test_the_same_events(self):
        self.rules(TRACK)
        self.account()
        watch = table.Watch(self.gw)
        oracle = self.gw.start(["stdbuf", "-oL", "conntrack", "-E", "-o", "extended,id,timestamp"])
        wait_for(lambda: self.reach(watch, oracle), "both listen")
        here, there = self.tcp("10.2.0.2", 80)
        here.close()
        there.close()
        self.client.run(["ping", "-c", "1", "fd02::2"])
        wait_for(lambda: {"TIME_WAIT"} & {f.get("state") for f in facts(self.gw)}, "the end")
        self.gw.run(["conntrack", "-D", "-p", "tcp"])
        self.gw.run(["conntrack", "-D", "-p", "udp"])
        wait_for(lambda: watch.of_kind("destroy") and "DESTROY" in oracle.stdout()
                 and self.told(oracle)[-2:] == self.heard(watch)[-2:], "the last event")
        first = self.told(oracle)[0]
        heard = self.heard(watch)
        self.assertEqual(heard[heard.index(first):], self.told(oracle))
        ends = [f for f in watch.of_kind("destroy") if f["proto"] == 6]
        self.assertEqual(len(ends), 1)
        self.assertGreater(ends[0]["stop"], ends[0]["start"])
        self.assertGreater(ends[0]["orig_bytes"], 1000)

    def reach(self, watch, oracle):
        """Datagrams to new ports, until both tell of one."""
        s = udp(self.client, "0.0.0.0")
        s.sendto(b"x", ("10.2.0.2", 9))
        s.close()
        return watch.of_kind("new") and "NEW" in oracle.stdout()

    @staticmethod
    def told(oracle):
        found = re.findall(r"\[(NEW|UPDATE|DESTROY)\].* id=(\d+)", oracle.stdout())
        return [(kind.lower(), int(number)) for kind, number in found]

    @staticmethod
    def heard(watch):
        return [(f["kind"], f["id"]) for f in watch.of_kind("new", "update", "destroy")]


if __name__ == "__main__":
    table.require_tools()
    hosts.main()
