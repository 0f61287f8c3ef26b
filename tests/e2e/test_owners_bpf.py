#!/usr/bin/env python3
"""Who owns a socket, from the programs in the kernel, against what the processes say themselves.

Each process under test writes down its own pid, start time, ports and cookies: the oracle.
"""
import ctypes
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
import owners_bpf  # noqa: E402
from netns import wait_for  # noqa: E402
from owners_bpf import Dump, Owners, cookie_of, in_child, listener, own_name, truth  # noqa: E402

TCP, UDP = 6, 17
SHORT = 100  # short connections of each protocol
SHORT_S = 0.005


def echo_server(sock, count):
    """Answers `count` connections or datagrams."""
    for _ in range(count):
        if sock.type == socket.SOCK_STREAM:
            conn, _ = sock.accept()
            conn.sendall(conn.recv(100))
            conn.close()
        else:
            data, peer = sock.recvfrom(100)
            sock.sendto(data, peer)
    return truth()


def short_client(number, kind, port):
    own_name(f"short {number}")
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.connect(("127.0.0.1", port))
        sock.send(b"x" * (number + 1))
        time.sleep(SHORT_S)
        sock.recv(1000)
        return {**truth(), "cookie": cookie_of(sock), "port": sock.getsockname()[1],
                "number": number}


class Short(Owners):
    def short(self, dump, kind):
        """Runs the short connections; what they and the server say, and the last words."""
        with self.ns.inside():
            server = listener(kind)
            port = server.getsockname()[1]
            serving = in_child(lambda: echo_server(server, SHORT))
            clients = [in_child(lambda n=n: short_client(n, kind, port)) for n in range(SHORT)]
            said = [client() for client in clients]
            server.close()
        return said, serving(), port, dump.ended([s["cookie"] for s in said])

    def check_clients(self, said, found, port, proto):
        right = 0
        for one in said:
            fact = found.get(one["cookie"])
            if not fact:
                continue
            self.assertEqual(fact["proto"], proto)
            self.assertEqual(fact["local"], ["127.0.0.1", one["port"]])
            self.assertEqual(fact["peer"], ["127.0.0.1", port])
            self.assertEqual((fact["via"], fact["confidence"]), ("bpf_io", "certain"))
            self.assertEqual(fact["process"]["comm"], f"short {one['number']}")
            self.assertEqual((fact["tx"], fact["whole"]), (one["number"] + 1, True))
            self.assertEqual(fact["process"]["pid"], fact["creator"]["pid"])
            right += (fact["process"]["pid"], fact["process"]["start_ticks"]) == (
                one["pid"], one["start"])
        print(f"proto {proto}: {right} of {len(said)} short connections with the right process")
        self.assertGreaterEqual(right, 0.99 * len(said))

    def test_tcp(self):
        with Dump() as dump:
            said, server, port, found = self.short(dump, socket.SOCK_STREAM)
            self.check_clients(said, found, port, TCP)
            # The other ends were made by nobody's socket(): the one who used them is known.
            accepted = [f for f in found.values() if f.get("local") == ["127.0.0.1", port]
                        and "tx" in f]
            ends = {f["peer"][1] for f in accepted}
            self.assertGreaterEqual(len(ends & {s["port"] for s in said}), 0.99 * SHORT)
            for fact in accepted:
                self.assert_process(fact["process"], server)

    def test_udp(self):
        with Dump() as dump:
            said, _, port, found = self.short(dump, socket.SOCK_DGRAM)
            self.check_clients(said, found, port, UDP)

    def test_reader_without_privilege(self):
        with Dump("-p") as dump:
            status = netns.status_fields(dump.process.pid)
            self.assertEqual(int(status["CapEff"], 16), 0)
            said, _, port, found = self.short(dump, socket.SOCK_DGRAM)
            self.check_clients(said, found, port, UDP)
            with self.ns.inside(), listener(socket.SOCK_DGRAM) as sock:
                self.assertIn(cookie_of(sock), {f["cookie"] for f in dump.ask("walk")})


class Hands(Owners):
    def test_passed_socket(self):
        """SCM_RIGHTS: who made it, and who uses it now."""
        left, right = socket.socketpair()
        with Dump() as dump, self.ns.inside():
            sink = listener(socket.SOCK_DGRAM)
            go_read, go_write = os.pipe()

            def use():
                os.close(go_write)
                _, fds, _, _ = socket.recv_fds(right, 1, 1)
                with socket.socket(fileno=fds[0]) as sock:
                    sock.send(b"mine")
                    os.read(go_read, 1)
                return truth()

            user = in_child(use)
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(sink.getsockname())
            cookie = cookie_of(sock)
            self.assertEqual(dump.find(cookie)["via"], "bpf_create")
            self.assertEqual(dump.find(cookie)["process"]["pid"], os.getpid())
            sock.send(b"me first")
            self.assertEqual(dump.find(cookie)["process"]["pid"], os.getpid())
            socket.send_fds(left, [b"x"], [sock.fileno()])
            sock.close()
            sink.settimeout(5)
            self.assertEqual([sink.recv(100), sink.recv(100)], [b"me first", b"mine"])
            alive = dump.find(cookie)
            os.write(go_write, b"x")
            said = user()
            self.assertEqual(alive["via"], "bpf_io")
            self.assert_process(alive["process"], said)
            self.assert_process(alive["creator"], truth())
            self.assertEqual((alive["tx"], alive["rx"], alive["whole"]), (12, 0, True))
            self.assertEqual(dump.ended([cookie])[cookie], {**alive})
            self.assertIsNone(dump.find(cookie))
            for end in (left, right, sink):
                end.close()
            os.close(go_read)
            os.close(go_write)

    def test_forked_servers(self):
        """One listening socket, several processes: each connection has its own server."""
        workers, each = 4, 5
        with Dump() as dump, self.ns.inside():
            server = listener(socket.SOCK_STREAM)
            address, listening = server.getsockname(), cookie_of(server)

            def work():
                ports = []
                for _ in range(each):
                    conn, peer = server.accept()
                    if len(ports):  # the first one is closed without a word
                        conn.sendall(conn.recv(10))
                    conn.close()
                    ports.append(peer[1])
                    time.sleep(0.01)
                return {**truth(), "ports": ports}

            serving = [in_child(work) for _ in range(workers)]
            for _ in range(workers * each):
                with socket.create_connection(address) as client:
                    client.sendall(b"hello")
                    client.settimeout(5)
                    try:
                        client.recv(10)
                    except ConnectionResetError:
                        pass
            said = [s() for s in serving]
            found = {}

            def all_ended():
                for fact in dump.ask("drain"):
                    if fact["cookie"] not in found:
                        found[fact["cookie"]] = fact
                return sum(f["process"]["pid"] in pids for f in found.values()) >= workers * each

            pids = {s["pid"] for s in said}
            wait_for(all_ended, "the ends of all connections")
            for one in said:
                facts = [f for f in found.values() if f["process"]["pid"] == one["pid"]]
                self.assertEqual(len(facts), each)
                self.assertEqual({f["peer"][1] for f in facts if "peer" in f}, set(one["ports"][1:]))
                silent = [f for f in facts if f["via"] != "bpf_io"]
                self.assertEqual([(f["via"], f["confidence"]) for f in silent],
                                 [("bpf_close", "likely")])
                for fact in facts:
                    self.assert_process(fact["process"], one)
            self.assertEqual(dump.find(listening)["creator"]["pid"], os.getpid())
            holders = {f["process"]["pid"] for f in dump.ask("walk") if f["cookie"] == listening}
            self.assertIn(os.getpid(), holders)
            server.close()

    def test_made_before_loading(self):
        with self.ns.inside():
            sock = listener(socket.SOCK_STREAM)
            client = socket.create_connection(sock.getsockname())
            cookies = [cookie_of(s) for s in (sock, client)]
            with Dump() as dump:
                self.assertEqual([dump.find(c) for c in cookies], [None, None])
                dump.ask("walk")
                for cookie, one in zip(cookies, (sock, client)):
                    fact = dump.find(cookie)
                    self.assertEqual((fact["via"], fact["confidence"]),
                                     ("bpf_iterator", "likely"))
                    self.assert_process(fact["process"], truth())
                    self.assertNotIn("tx", fact)
                    self.assertNotIn("creator", fact)
                    self.assertEqual(fact["inode"], os.fstat(one.fileno()).st_ino)
                client.send(b"abc")
                fact = dump.find(cookies[1])
                self.assertEqual((fact["via"], fact["tx"], fact["whole"]), ("bpf_io", 3, False))
                for one in (sock, client):
                    one.close()
                found = dump.ended(cookies)
                self.assertEqual({found[c]["process"]["pid"] for c in cookies}, {os.getpid()})

    def test_used_by_two_at_once(self):
        """However often it changes hands, what is told is one process or the other."""
        with Dump() as dump, self.ns.inside():
            sink = listener(socket.SOCK_DGRAM)
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.connect(sink.getsockname())
            stop_read, stop_write = os.pipe()
            os.set_blocking(stop_read, False)

            def work(name):
                own_name(name)
                while not select.select([stop_read], [], [], 0)[0]:
                    for _ in range(50):
                        sock.send(b"x")
                return truth()

            names = ("left", "right")
            users = [in_child(lambda n=n: work(n)) for n in names]
            wait_for(lambda: "tx" in (dump.find(cookie_of(sock)) or {}), "the first to send")
            told = [dump.find(cookie_of(sock)) for _ in range(3000)]
            os.write(stop_write, b"x")
            said = {(u["pid"], u["start"], name) for u, name in zip([u() for u in users], names)}
            seen = {(f["process"]["pid"], f["process"]["start_ticks"], f["process"]["comm"])
                    for f in told if f}
            self.assertEqual(seen, said)
            self.assertEqual({f["creator"]["pid"] for f in told if f}, {os.getpid()})
            self.assertGreater(sum(f is not None for f in told), 2900)
            for end in (sock, sink):
                end.close()
            os.close(stop_read)
            os.close(stop_write)

    def test_peeked_bytes_count_once(self):
        with Dump() as dump, self.ns.inside():
            sink = listener(socket.SOCK_DGRAM)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x" * 70, sink.getsockname())
            self.assertEqual(len(sink.recv(100, socket.MSG_PEEK)), 70)
            sink.recv(100)
            self.assertEqual(dump.find(cookie_of(sink))["rx"], 70)
            sink.close()

    def test_ipv6_and_mapped(self):
        with Dump() as dump, self.lab.namespace("six", ipv6=True).inside():
            for address, told in (("::1", "::1"), ("::ffff:127.0.0.1", "127.0.0.1")):
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                    sock.connect((address, 9))
                    sock.send(b"x")
                    port = sock.getsockname()[1]
                    fact = dump.find(cookie_of(sock))
                    self.assertEqual((fact["local"], fact["peer"]), ([told, port], [told, 9]))

    def test_moved_socket(self):
        """A datagram socket that is connected again and again."""
        with Dump() as dump, self.ns.inside():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(b"x", ("127.0.0.1", 9))
                port = sock.getsockname()[1]
                self.assertEqual(dump.find(cookie_of(sock))["peer"], ["0.0.0.0", 0])
                for sent, peer in enumerate((("127.0.0.1", 10), ("127.0.0.2", 10)), 2):
                    sock.connect(peer)
                    try:
                        sock.send(b"x")
                    except ConnectionRefusedError:
                        sock.send(b"x")
                    fact = dump.find(cookie_of(sock))
                    self.assertEqual((fact["local"], fact["peer"], fact["tx"]),
                                     (["127.0.0.1", port], list(peer), sent))

    def test_hostile_name(self):
        with Dump() as dump, self.ns.inside():
            def work():
                ctypes.CDLL(None).prctl(15, b'\x1b[31m"\\\xff\n)', 0, 0, 0)
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                cookie = cookie_of(sock)
                sock.close()
                return {"cookie": cookie}

            cookie = in_child(work)()["cookie"]
            comm = dump.ended([cookie])[cookie]["process"]["comm"]
            self.assertEqual(comm, r'\x1b[31m"\x5c\xff\x0a)')


if __name__ == "__main__":
    owners_bpf.run()
