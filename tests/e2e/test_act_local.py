#!/usr/bin/env python3
"""Acts on this machine's sockets, each 20 times: the right one ends, its peer hears it, nobody else does."""
import errno
import os
import socket
import struct
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
from hosts import accept, connect, listen, read_all, udp  # noqa: E402
from netns import Lab, wait_for  # noqa: E402

RUNS = 20
SO_COOKIE = 57
HOSTS = {"v4": "10.1.0.1", "v6": "fd01::1"}
STATES = {1: "ESTABLISHED", 2: "SYN-SENT", 3: "SYN-RECV", 8: "CLOSE-WAIT", 10: "LISTEN"}


def cookie(s):
    return struct.unpack("Q", s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]


def state(s):
    return s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def outcome(line):
    return dict(w.split("=", 1) for w in line.split() if "=" in w)


def error_of(call):
    """The errno that a call gives; 0: it succeeded, -1: end of data."""
    try:
        return 0 if call() else -1
    except OSError as error:
        return error.errno


class Local(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("act")
        self.addCleanup(self.lab.close)
        self.here, self.far = (self.lab.namespace(n, ipv6=True) for n in ("here", "far"))
        for ns in (self.here, self.far):
            ns.sysctl("net.ipv6.conf.all.accept_dad", 0)
            ns.sysctl("net.ipv6.conf.default.accept_dad", 0)
        self.lab.veth(self.here, "v", "10.1.0.2/24", self.far, "v", "10.1.0.1/24")
        for ns, last in ((self.here, 2), (self.far, 1)):
            ns.ip("addr", "add", f"fd01::{last}/64", "dev", "v", "nodad")
        self.server = {n: listen(self.far, h, 80) for n, h in HOSTS.items()}
        self.bystander = self.pair("v4")

    def tearDown(self):
        a, b = self.bystander
        a.send(b"x")
        self.assertEqual(b.recv(1), b"x", "a connection that was not meant")
        for s in (a, b, *self.server.values()):
            s.close()

    def pair(self, kind):
        """An established connection, the near end first."""
        if kind == "mapped":
            with self.here.inside():
                near = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            near.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            near.settimeout(10)
            near.connect(("::ffff:" + HOSTS["v4"], 80))
        else:
            near = connect(self.here, HOSTS[kind], 80)
        far = accept(self.server["v4" if kind == "mapped" else kind])
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        return near, far

    def act(self, *words, ns=None, **more):
        done = (ns or self.here).run([os.environ["ACT_TRY"], *words], **more)
        return [outcome(line) for line in done.stdout.splitlines()]

    def destroy(self, s, proto="tcp", expected="gone", peer=None, **more):
        ports = s.getsockname()[1], s.getpeername()[1] if peer is None else peer
        results = self.act("destroy", proto, *ports, **more)
        self.assertEqual([(r["outcome"], r["proof"]) for r in results], [(expected, "table")])
        return results[0]

    def assert_reset(self, near, far):
        self.assertEqual(error_of(lambda: near.recv(1)), errno.ECONNABORTED)
        self.assertEqual(error_of(lambda: far.recv(1)), errno.ECONNRESET)

    def test_established(self):
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                result = self.destroy(near)
                self.assertEqual(int(result["cookie"]), cookie(near), kind)
                self.assert_reset(near, far)

    def test_loopback(self):
        """Both ends are sockets of this machine; the act on one ends the other."""
        for host in ("127.0.0.1", "::1"):
            server = listen(self.here, host)
            for _ in range(RUNS):
                near = connect(self.here, host, server.getsockname()[1])
                far = accept(server)
                ports = far.getsockname()[1], far.getpeername()[1]
                self.destroy(near)
                self.assert_reset(near, far)
                results = self.act("destroy", "tcp", *ports)
                self.assertEqual(results, [], "the other end is still in the table")
                near.close()
                far.close()
            server.close()

    def test_close_wait(self):
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                far.shutdown(socket.SHUT_WR)
                wait_for(lambda: state(near) == 8, "CLOSE-WAIT")
                self.destroy(near)
                self.assertNotEqual(state(near), 8)
                self.assertEqual(error_of(lambda: far.recv(1)), errno.ECONNRESET, kind)

    def test_syn_sent(self):
        self.here.ip("route", "add", "10.9.0.0/24", "via", "10.1.0.1")
        for _ in range(RUNS):
            with self.here.inside():
                s = socket.socket()
            s.setblocking(False)
            self.assertEqual(s.connect_ex(("10.9.0.9", 81)), errno.EINPROGRESS)
            self.assertEqual(state(s), 2)
            self.destroy(s, peer=81)
            self.assertEqual(state(s), 7)
            s.close()

    def test_syn_received(self):
        """Half open at the server: its answers are lost."""
        self.here.run(["nft", "-f", "-"], input="table ip t { chain c { "
                      "type filter hook input priority 0; tcp sport 80 drop; }; }")
        for _ in range(RUNS):
            with self.here.inside():
                s = socket.socket()
            s.setblocking(False)
            s.connect_ex((HOSTS["v4"], 80))
            port = s.getsockname()[1]
            wait_for(lambda p=port: self.table("syn-recv", p), "SYN-RECEIVED")
            results = self.act("destroy", "tcp", 80, port, ns=self.far)
            self.assertEqual([r["outcome"] for r in results], ["gone"])
            s.close()
        self.here.run(["nft", "delete", "table", "ip", "t"])

    def table(self, name, port, ns=None):
        """What ss shows in this state with this peer port."""
        return (ns or self.far).run(
            ["ss", "-Htan", "state", name, "dport", "=", f":{port}"]).stdout.strip()

    def test_listen(self):
        for host in ("10.1.0.2", "fd01::2", "::"):
            for _ in range(RUNS):
                s = listen(self.here, host)
                self.destroy(s, peer=0)
                s.settimeout(5)
                self.assertEqual(error_of(s.accept), errno.EINVAL)
                s.close()

    def test_shared_listeners(self):
        """Several listeners of one port: each is found, the others stay until then."""
        for host in ("10.1.0.2", "::"):
            some = []
            for _ in range(8):
                with self.here.inside():
                    s = socket.socket(hosts.family(host))
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                s.bind((host, 7000))
                s.listen()
                some.append(s)
            results = self.act("destroy", "tcp", 7000, 0)
            self.assertEqual([r["outcome"] for r in results], ["gone"] * 8)
            self.assertEqual({int(r["cookie"]) for r in results}, {cookie(s) for s in some})
            for s in some:
                s.close()

    def test_time_wait(self):
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                ports = near.getsockname()[1], 80
                near.close()
                self.assertEqual(read_all(far), 0)
                far.close()
                wait_for(lambda: self.table("time-wait", 80, self.here), "TIME-WAIT")
                results = self.act("destroy", "tcp", *ports)
                self.assertEqual([r["outcome"] for r in results], ["gone"])
                self.assertEqual(self.table("time-wait", 80, self.here), "")

    def test_udp(self):
        """One error to the owner; what was bound to a port by name stays, the rest loses its port."""
        for host, port, expected in (("10.1.0.2", 5300, "interrupted"), ("10.1.0.2", 0, "gone"),
                                     ("fd01::2", 5300, "interrupted"), ("::", 0, "gone")):
            for _ in range(RUNS):
                s = udp(self.here, host, port)
                self.destroy(s, "udp", expected, peer=0)
                stays = self.here.run(["ss", "-Huan"]).stdout.count(f":{s.getsockname()[1]} ")
                self.assertEqual(stays > 0 and port > 0, expected == "interrupted")
                self.assertEqual(error_of(lambda: s.recv(1)), errno.ECONNABORTED)
                s.setblocking(False)
                self.assertEqual(error_of(lambda: s.recv(1)), errno.EAGAIN)
                s.close()

    def test_udp_connected(self):
        for kind, host in HOSTS.items():
            for _ in range(RUNS):
                with self.here.inside():
                    s = socket.socket(hosts.family(host), socket.SOCK_DGRAM)
                s.connect((host, 53))
                self.destroy(s, "udp", "gone")
                self.assertEqual(error_of(lambda: s.recv(1)), errno.ECONNABORTED, kind)
                s.close()

    def test_other_cookie(self):
        """The addresses are in use again: the new connection is never hit."""
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                results = self.act("destroy", "tcp", near.getsockname()[1], 80,
                                   cookie(near) + 1000000)
                self.assertEqual([r["outcome"] for r in results], ["other_socket"])
                near.send(b"x")
                self.assertEqual(far.recv(1), b"x")

    def test_reused_tuple(self):
        """A later connection from the same port, asked for by the earlier one's cookie."""
        for _ in range(RUNS):
            near, far = self.pair("v4")
            port, old = near.getsockname()[1], cookie(near)
            hosts.reset(near)
            self.assertEqual(error_of(lambda: far.recv(1)), errno.ECONNRESET)
            with self.here.inside():
                near = socket.socket()
            near.bind(("10.1.0.2", port))
            near.connect((HOSTS["v4"], 80))
            far = accept(self.server["v4"])
            results = self.act("destroy", "tcp", port, 80, old)
            self.assertEqual([r["outcome"] for r in results], ["other_socket"])
            results = self.act("shut", "tcp", os.getpid(), old, near.fileno())
            self.assertEqual(results[0]["outcome"], "already_gone")
            near.send(b"x")
            self.assertEqual(far.recv(1), b"x")
            near.close()
            far.close()

    def test_no_cookie(self):
        near, far = self.pair("v4")
        results = self.act("destroy", "tcp", near.getsockname()[1], 80, 0)
        self.assertEqual([(r["outcome"], r["error"]) for r in results], [("failed", "EINVAL")])
        near.send(b"x")
        self.assertEqual(far.recv(1), b"x")

    def test_without_right(self):
        near, far = self.pair("v4")
        done = self.here.run(["setpriv", "--reuid=65534", "--clear-groups", os.environ["ACT_TRY"],
                              "destroy", "tcp", near.getsockname()[1], 80])
        self.assertEqual(outcome(done.stdout)["outcome"], "no_right")
        near.send(b"x")
        self.assertEqual(far.recv(1), b"x")

    # ---- through the process ----

    def test_shut(self):
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                near.send(b"last words")
                result = self.act("shut", "tcp", os.getpid(), cookie(near), near.fileno())[0]
                self.assertEqual((result["outcome"], result["proof"]), ("closing", "socket"))
                self.assertEqual(read_all(far), len(b"last words"), kind)
                self.assertEqual(near.recv(1), b"")

    def test_abort(self):
        for kind in ("v4", "v6", "mapped"):
            for _ in range(RUNS):
                near, far = self.pair(kind)
                result = self.act("abort", "tcp", os.getpid(), cookie(near))[0]
                self.assertEqual((result["outcome"], result["proof"]), ("gone", "socket"))
                self.assertEqual(error_of(lambda: far.recv(1)), errno.ECONNRESET, kind)
                self.assertEqual(error_of(lambda: near.recv(1)), errno.ECONNRESET, kind)

    def test_own_without_root(self):
        """As another user, on a process of that user; and on one that is not."""
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        code = ("import socket; s = socket.create_connection(('10.1.0.1', 80));"
                "print(int.from_bytes(s.getsockopt(1, 57, 8), 'little'), flush=True);"
                "print(s.recv(1), flush=True); input()")
        for way, seen in (("shut", b""), ("abort", None)):
            for _ in range(RUNS // 4):
                program = self.here.start([*nobody, sys.executable, "-c", code])
                far = accept(self.server["v4"])
                number = program.wait_line(r"^(\d+)$")[1]
                done = self.here.run([*nobody, os.environ["ACT_TRY"], way, "tcp", program.pid, number])
                self.assertIn(outcome(done.stdout)["outcome"], ("gone", "closing"))
                self.assertEqual(error_of(lambda: far.recv(1)), -1 if seen == b"" else errno.ECONNRESET)
                program.kill()
                far.close()
        near, far = self.pair("v4")
        done = self.here.run([*nobody, os.environ["ACT_TRY"], "shut", "tcp", os.getpid(), cookie(near)])
        self.assertEqual(outcome(done.stdout)["outcome"], "no_right")
        near.send(b"x")
        self.assertEqual(far.recv(1), b"x")


if __name__ == "__main__":
    hosts.main()
