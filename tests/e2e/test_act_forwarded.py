#!/usr/bin/env python3
"""Connections through a router, each way 20 times: both ends end, bystanders go on, no rule stays."""
import errno
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import accept, connect, listen  # noqa: E402
from netns import Lab, wait_for  # noqa: E402

RUNS = 20
MASQUERADE = """
table ip n { chain post { type nat hook postrouting priority 100; oifname "right" masquerade; }; }
table ip6 n { chain post { type nat hook postrouting priority 100; oifname "right" masquerade; }; }
"""
TRACK = """
table inet t { chain f { type filter hook forward priority 0; ct state new accept; }; }
"""
STRICT = """
table inet s { chain o { type filter hook output priority 0; ct state invalid drop; }; }
"""
CLIENT = {"v4": "10.1.0.2", "v6": "fd01::2"}
SERVER = {"v4": "10.2.0.2", "v6": "fd02::2"}
ROUTER = {"v4": "10.2.0.1", "v6": "fd02::1"}


def outcome(line):
    return dict(w.split("=", 1) for w in line.split() if "=" in w)


class Talk(threading.Thread):
    """One end; sends `chunk` again and again with a pause, or only reads; notes how it ended."""

    def __init__(self, s, chunk=b"", pause=0.0):
        super().__init__(daemon=True)
        self.s, self.chunk, self.pause, self.error, self.moved = s, chunk, pause, None, 0
        self.halt = threading.Event()
        s.settimeout(30)

    def run(self):
        try:
            while not self.halt.wait(self.pause):
                if self.chunk:
                    self.moved += self.s.send(self.chunk)
                elif got := len(self.s.recv(1 << 16)):
                    self.moved += got
                else:
                    self.error = 0
                    break
        except OSError as error:
            self.error = error.errno or errno.ETIMEDOUT
        except ValueError:
            pass


class Forwarded(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("fwd")
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
        self.listeners = {k: listen(self.server, h, 80) for k, h in SERVER.items()}
        self.rules_before = ""

    def rules(self, *texts):
        for text in texts:
            self.gw.run(["nft", "-f", "-"], input=text)
        self.rules_before = self.nft()
        self.bystander = self.pair("v4")

    def tearDown(self):
        near, far = self.bystander
        near.send(b"x")
        self.assertEqual(far.recv(1), b"x", "a connection that was not meant")
        self.assertEqual(self.nft(), self.rules_before, "rules that stayed")
        for s in (near, far, *self.listeners.values()):
            s.close()

    def nft(self):
        return self.gw.run(["nft", "list", "ruleset"]).stdout

    def pair(self, kind):
        near = connect(self.client, SERVER[kind], 80)
        far = accept(self.listeners[kind])
        return near, far

    def ends(self, kind, near, far):
        """Both ends as each of them sees the connection."""
        port = near.getsockname()[1]
        peer, peer_port = far.getpeername()[:2]
        return [CLIENT[kind], port, SERVER[kind], 80, SERVER[kind], 80, peer, peer_port]

    def act(self, how, kind, near, far):
        done = self.gw.run([os.environ["ACT_TRY"], how, *self.ends(kind, near, far)])
        return [(line.split()[0], outcome(line)) for line in done.stdout.splitlines()]

    def kill(self, kind, near, far, how="reset"):
        results = self.act(how, kind, near, far)
        resets = [r for what, r in results if what == "reset"]
        self.assertEqual([r["outcome"] for r in resets], ["gone", "gone"], results)
        self.assertEqual({r["proof"] for r in resets} - {"reset", "listener"}, set(), results)
        for what, r in results:
            if what == "forget":  # the ends' last resets may have closed the entry already
                self.assertIn(r["outcome"], ("gone", "already_gone"))
            elif what == "block":
                self.assertEqual(r["outcome"], "blocked")
        return results

    def assert_ended(self, *talks):
        for t in talks:
            t.join(20)
            self.assertIn(t.error, (errno.ECONNRESET, errno.EPIPE), t.error)
            t.s.close()

    def rounds(self, kind, near_talk, far_talk, how="reset", runs=RUNS):
        for _ in range(runs):
            near, far = self.pair(kind)
            talks = Talk(near, *near_talk), Talk(far, *far_talk)
            for t in talks:
                t.start()
            if near_talk:
                wait_for(lambda t=talks[1]: t.moved > 0, "traffic")
            try:
                self.kill(kind, near, far, how)
                self.assert_ended(*talks)
            finally:
                for t in talks:
                    t.halt.set()

    def each(self, *rules):
        """Idle, slow and fast ones of both families."""
        self.rules(*rules)
        for kind in ("v4", "v6"):
            for name, near, far in (("idle", (), ()), ("slow", (b"slow", 0.05), ()),
                                    ("fast", (b"f" * 65536,), ())):
                with self.subTest(kind=kind, traffic=name):
                    self.rounds(kind, near, far)

    def test_plain(self):
        self.each(TRACK)

    def test_masquerade(self):
        self.each(MASQUERADE)

    def test_plain_strict(self):
        self.each(TRACK, STRICT)

    def test_masquerade_strict(self):
        self.each(MASQUERADE, STRICT)

    def test_without_block(self):
        self.rules(MASQUERADE)
        for near in ((), (b"slow", 0.05)):
            self.rounds("v4", near, (), "unblocked")

    def test_unresolved(self):
        """The router has forgotten the link addresses of both ends."""
        self.rules(TRACK)
        for kind in ("v4", "v6"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                self.gw.ip("neigh", "flush", "all")
                self.gw.ip("-6", "neigh", "flush", "all")
                self.kill(kind, near, far)
                for s in (near, far):
                    self.assertEqual(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], 7)
                    s.close()

    def test_block_udp(self):
        """Datagrams of one pair are dropped, those of another port pass, both families."""
        self.rules(TRACK)
        for kind in ("v4", "v6"):
            far = hosts.udp(self.server, SERVER[kind], 53)
            some = [hosts.udp(self.client, CLIENT[kind]) for _ in range(2)]
            ends = [CLIENT[kind], some[0].getsockname()[1], SERVER[kind], 53, "udp"]
            hold = self.gw.start([os.environ["ACT_TRY"], "hold", *ends])
            hold.wait_line("outcome=blocked")
            for i, s in enumerate(some):
                s.sendto(b"%d" % i, (SERVER[kind], 53))
            self.assertEqual(far.recv(10), b"1")
            hold.process.stdin.close()
            hold.process.stdin = None
            self.assertEqual(hold.wait(), 0)
            self.assertEqual(self.nft(), self.rules_before)
            some[0].sendto(b"again", (SERVER[kind], 53))
            self.assertEqual(far.recv(10), b"again")
            for s in (far, *some):
                s.close()

    def test_close_wait(self):
        """The server has closed its half."""
        self.rules(TRACK)
        for kind in ("v4", "v6"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                far.shutdown(socket.SHUT_WR)
                self.assertEqual(near.recv(1), b"")
                self.kill(kind, near, far)
                for s in (near, far):
                    self.assertEqual(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], 7)
                    s.close()

    def test_syn_sent(self):
        """The server never answers: the client's attempt ends, the other end stays unproven."""
        self.rules(TRACK)
        self.server.run(["nft", "-f", "-"], input="table ip t { chain c { "
                        "type filter hook input priority 0; tcp dport 81 drop; }; }")
        with self.client.inside():
            s = socket.socket()
        s.setblocking(False)
        s.connect_ex((SERVER["v4"], 81))
        ends = [CLIENT["v4"], s.getsockname()[1], SERVER["v4"], 81]
        done = self.gw.run([os.environ["ACT_TRY"], "reset", *ends, *ends[2:], *ends[:2]])
        found = [outcome(x)["outcome"] for x in done.stdout.splitlines() if x.startswith("reset")]
        self.assertEqual(found, ["gone", "unproven"])
        self.assertEqual(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0], 7)
        s.close()

    def test_gone_before(self):
        """Nothing is there any more: said as such, with proof."""
        self.rules(TRACK)
        for _ in range(RUNS):
            near, far = self.pair("v4")
            ends = self.ends("v4", near, far)
            hosts.reset(near)
            with self.assertRaises(ConnectionResetError):
                far.recv(1)
            far.close()
            done = self.gw.run([os.environ["ACT_TRY"], "reset", *ends])
            found = [outcome(x) for x in done.stdout.splitlines() if x.startswith("reset")]
            self.assertEqual([(r["outcome"], r["proof"]) for r in found],
                             [("already_gone", "reset"), ("already_gone", "listener")])

    def test_block(self):
        """It stops one direction of one connection; a konn that is killed leaves nothing."""
        self.rules(TRACK)
        for _ in range(RUNS):
            near, far = self.pair("v4")
            hold = self.gw.start([os.environ["ACT_TRY"], "hold", *self.ends("v4", near, far)[:4]])
            hold.wait_line("outcome=blocked")
            self.assertRegex(self.nft(), r"elements = \{ tcp \. 10\.1\.0\.2 \. \d+ \. 10\.2\.0\.2 \. 80 timeout 30s")
            near.send(b"lost")
            far.setblocking(False)
            with self.assertRaises(BlockingIOError):
                far.recv(4)
            second = self.gw.run([os.environ["ACT_TRY"], "hold", *self.ends("v4", near, far)[:4]],
                                 check=False)
            self.assertIn("busy", second.stderr)
            hold.kill()
            wait_for(lambda: self.nft() == self.rules_before, "the table to vanish")
            far.settimeout(10)
            self.assertEqual(far.recv(4), b"lost")  # sent again
            near.close()
            far.close()


if __name__ == "__main__":
    hosts.main()
