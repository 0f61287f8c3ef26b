#!/usr/bin/env python3
"""Destroy events of sockets, and what cookies mean, against what the test itself did."""
import json
import os
import signal
import unittest

from many_sockets import B4, DUMP, PATIENCE, World, cookie, mapped, read_ours, require_sock_diag
from netns import Lab, wait_for


def read_exactly(s, size):
    s.setblocking(True)
    while size:
        size -= len(s.recv(min(size, 65536)))


def accepted_end(s):
    s.settimeout(PATIENCE)
    return s.recv(1)


class Events(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.lab = Lab("sockets-events")
        self.addCleanup(self.lab.close)
        self.world = World(self.lab)
        self.addCleanup(self.world.close)
        self.program = self.world.c.start([DUMP, "events"])
        self.program.wait_line("ready", PATIENCE)

    def facts(self, count):
        """The deaths; waits for so many, and then sees that there are no more."""
        wait_for(lambda: len(self.program.out) >= count, f"{count} deaths", PATIENCE)
        self.program.process.stdin.close()
        self.assertEqual(self.program.process.wait(PATIENCE), 0)
        self.program._close()
        records = [json.loads(line) for line in self.program.out]
        self.assertEqual(
            {**records[-1], "facts": count},
            {"result": 0, "facts": count, "malformed": 0, "interrupted": 0, "truncated": 0,
             "overruns": 0, "foreign": 0})
        found = {r["cookie"]: r for r in records[:-1]}
        self.assertEqual(len(found), count)
        self.assertTrue(all(r["died"] and r["state"] == "CLOSED" for r in records[:-1]))
        return found

    def test_the_last_word_of_a_connection(self):
        w = self.world
        ends = {}
        for host, at in (("127.0.0.1", "127.0.0.1"), ("::1", "::1"), (mapped("127.0.0.1"), "::")):
            server = w.listen(w.c, at)
            (client, accepted), = w.pairs(w.c, host, server, 1)
            client.sendall(bytes(20000))
            read_exactly(accepted, 20000)
            keys = [cookie(s) for s in (client, accepted, server)]
            ports = client.getsockname()[1], server.getsockname()[1]
            client.close()
            self.assertEqual(accepted_end(accepted), b"")
            accepted.close()
            server.close()
            ends[host] = keys, ports
        found = self.facts(9)
        for host, ((client, accepted, server), (cport, sport)) in ends.items():
            self.check_pair(found[client], found[accepted], host.removeprefix("::ffff:"),
                            (cport, sport))
            self.assertEqual(found[client]["mapped"], host.startswith("::ffff:"))
            self.assertEqual(found[server]["local_port"], sport)
            self.assertFalse({"peer", "rtt_us", "bytes_sent", "inode", "uid", "recv_q"}
                             & set(found[server]))

    def check_pair(self, client, accepted, host, ports):
        """SYN and FIN count as a byte each of what is acknowledged, FIN of what comes."""
        self.assertEqual((client["local"], client["peer"]), (host, host))
        self.assertEqual((client["local_port"], client["peer_port"]), ports)
        self.assertEqual((accepted["peer_port"], accepted["local_port"]), ports)
        self.assertEqual(client["bytes_sent"], 20000)
        self.assertEqual(client["bytes_acked"], 20002)
        self.assertEqual(accepted["bytes_received"], 20001)
        self.assertIn("rtt_us", client)
        self.assertFalse({"inode", "uid", "recv_q", "timer"} & set(client))

    def test_refused_and_datagrams(self):
        w = self.world
        free = w.socket(w.c, "127.0.0.1")
        free.bind(("127.0.0.1", 0))  # nobody listens there
        refused = w.socket(w.c, "127.0.0.1")
        self.assertEqual(refused.connect_ex(free.getsockname()), 111)
        keys = {cookie(refused): "tcp"}
        for host in ("127.0.0.1", "::1"):
            for peer in (None, host):
                s, = w.udp(w.c, host, 1, peer)
                keys[cookie(s)] = "udp"
                s.close()
        refused.close()
        found = self.facts(5)
        self.assertEqual({k: f["proto"] for k, f in found.items()}, keys)
        for fact in found.values():
            self.assertFalse({"rtt_us", "last_data_recv_ms", "min_rtt_us"} & set(fact), fact)

    def test_all_deaths_of_a_storm_are_told(self):
        w = self.world
        pairs = w.pairs(w.c, "127.0.0.1", w.listen(w.c, "127.0.0.1"), 900)
        keys = {cookie(s) for pair in pairs for s in pair}
        os.kill(self.program.pid, signal.SIGSTOP)
        for pair in pairs:
            for s in pair:
                s.close()
        os.kill(self.program.pid, signal.SIGCONT)
        self.assertEqual(set(self.facts(1800)), keys)


    def test_lost_deaths_are_noticed(self):
        w = self.world
        small = w.c.start([DUMP, "events", "-b", "4096"])
        small.wait_line("ready", PATIENCE)
        pairs = w.pairs(w.c, "127.0.0.1", w.listen(w.c, "127.0.0.1"), 300)
        os.kill(small.pid, signal.SIGSTOP)
        for pair in pairs:
            for s in pair:
                s.close()
        os.kill(small.pid, signal.SIGCONT)
        self.assertEqual(len(self.facts(600)), 600)
        small.process.stdin.close()
        self.assertEqual(small.process.wait(PATIENCE), 0)
        small._close()
        status = json.loads(small.out[-1])
        self.assertEqual(status["result"], 0)
        self.assertGreaterEqual(status["overruns"], 1)
        self.assertLess(status["facts"], 600)


class Identity(unittest.TestCase):
    def setUp(self):
        lab = Lab("sockets-identity")
        self.addCleanup(lab.close)
        self.world = World(lab)
        self.addCleanup(self.world.close)

    def keys(self, ns, state):
        return [k for k, f in read_ours(ns)[0].items() if f["state"] == state]

    def test_the_cookie_stays_from_request_to_time_wait(self):
        w, keys = self.world, self.keys
        server = w.listen(w.b, B4)
        port = server.getsockname()[1]
        w.drop(w.a, f"tcp sport {port}")
        client, = w.begin(w.a, B4, port, 1)
        request, = wait_for(lambda: keys(w.b, "SYN-RECEIVED"), "SYN-RECEIVED", PATIENCE)
        self.assertEqual(keys(w.a, "SYN-SENT"), [cookie(client)])
        w.a.run(["nft", "flush ruleset"])
        server.settimeout(PATIENCE)
        accepted = w.keep(server.accept()[0])
        self.assertEqual(cookie(accepted), request)
        self.assertEqual(keys(w.a, "ESTABLISHED"), [cookie(client)])
        known = cookie(client)
        client.close()
        self.assertEqual(accepted_end(accepted), b"")
        accepted.close()
        self.assertEqual(wait_for(lambda: keys(w.a, "TIME-WAIT"), "the end", PATIENCE), [known])


if __name__ == "__main__":
    require_sock_diag()
    unittest.main(verbosity=2, warnings="ignore")
