#!/usr/bin/env python3
"""The sockets source against ss, against getsockopt, and against what the test itself did.

A round is ss, ours, ss: where both runs of ss say the same, ours must.
"""
import collections
import errno
import os
import shutil
import socket
import struct
import sys
import tempfile
import unittest

from many_sockets import DUMP, NOBODY, World, cookie, fill, read_ours, require_sock_diag
from netns import Lab
from ss import MILLISECONDS, PLAIN, STATE_NUMBERS, read_ss

UDPLITE = 136
# Each of these is something other than 0 in at least one socket of the test.
COMPARED = (
    {*PLAIN.values(), *MILLISECONDS.values()}
    - {"delivered_ce_segs", "dsack_dups", "reord_seen", "rcv_out_of_order_segs", "rcv_rtt_us",
       "sacked_segs"}
) | {
    "state", "local", "peer", "mapped", "device", "recv_q", "send_q", "backlog", "uid", "inode",
    "mark", "v6only", "timer", "retransmits", "shutdown", "rtt_us", "rttvar_us", "congestion",
    "total_retrans_segs", "bbr_bytes_s", "bbr_min_rtt_us", "pacing_bytes_s", "delivery_bytes_s",
    "busy_ms", "rwnd_limited_ms", "mem_recv", "mem_forward", "mem_send_queued", "mem_drops",
}
TCP_TAIL = {"rcv_wnd_bytes": (232, "I"), "rehash": (236, "I"), "rto_total": (240, "H"),
            "rto_total_ms": (244, "I"), "received_ce_segs": (248, "I")}


def comparable(record):
    """A fact of ours with the words that only ss has."""
    ms = {k.replace("_us", "_ms"): round(record[k] / 1000) for k in (
        "busy_us", "rwnd_limited_us", "sndbuf_limited_us") if k in record}
    if "peer" not in record:
        ms["peer"] = "0.0.0.0" if record["family"] == 4 else "::"
    return {**record, **ms, "device": "va" if record["ifindex"] else ""}


def strangers(ours, first, second):
    """Sockets that ss has twice and we have not, or we have and ss never."""
    return ([f"only ss has {k:x}: {first[k]}" for k in first if k in second and k not in ours]
            + [f"ss has no {k:x}: {v}" for k, v in ours.items()
               if k not in first and k not in second])


def differences(ours, first, second):
    """Where both runs of ss agree with each other and not with ours."""
    found = {}
    for key in ours.keys() & first.keys() & second.keys():
        mine = comparable(ours[key])
        found.update({
            (key, name): f"{key:x} {mine['state']} {name}: {mine.get(name, 0)}, ss {value}"
            for name, value in first[key].items()
            if second[key].get(name) == value and mine.get(name, 0) != value})
    return found


class Tables(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("sockets")
        cls.addClassCleanup(cls.lab.close)
        cls.world = World(cls.lab)
        cls.addClassCleanup(cls.world.close)
        cls.quiet = fill(cls.world)

    def assert_sound(self, status, facts):
        self.assertEqual(status, {
            "result": 0, "facts": len(facts), "malformed": 0, "interrupted": 0,
            "truncated": 0, "overruns": 0, "foreign": 0})

    def round(self, ns, *argv):
        first = read_ss(ns)
        ours, status = read_ours(ns, *argv)
        second = read_ss(ns)
        self.assert_sound(status, ours)
        self.assertEqual(strangers(ours, first, second)[:10], [])
        return ours, first, differences(ours, first, second)

    def compare(self, ns, *argv):
        """(our facts, names of the fields that ss had something to say of)"""
        ours, first, found = self.round(ns, *argv)
        for _ in range(3):  # a segment may be on its way just while we look
            if found:
                again = self.round(ns, *argv)[2]
                found = {k: v for k, v in found.items() if k in again}
        self.assertFalse(found, f"{len(found)} differences, such as "
                         + "; ".join(list(found.values())[:10]))
        return ours, {name for row in first.values() for name, value in row.items() if value}

    def test_all_of_three_namespaces_are_those_of_ss(self):
        states, compared = collections.Counter(), set()
        for ns in self.world.namespaces:
            ours, names = self.compare(ns)
            compared |= names
            states.update((f["proto"], f["state"]) for f in ours.values())
            self.assertEqual({f["netns"] for f in ours.values()}, {os.stat(ns.path).st_ino})
        print(f"{states.total()} sockets: {dict(states)}", file=sys.stderr)
        self.assertGreaterEqual(states.total(), 2000)
        wanted = {("tcp", s) for s in STATE_NUMBERS if s != "CLOSED"}
        wanted |= {("udp", "CLOSED"), ("udp", "ESTABLISHED")}
        self.assertEqual(set(states), wanted)
        self.assertEqual(set(COMPARED) - compared, set())

    def test_step_by_step_is_the_same(self):
        for ns in self.world.namespaces:
            self.compare(ns, "step")

    def test_only_the_states_that_were_asked_for(self):
        ns = self.world.b
        every, _ = read_ours(ns)
        for name, number in STATE_NUMBERS.items():
            some, status = read_ours(ns, "list", "-s", hex(1 << number))
            self.assert_sound(status, some)
            # connected datagram sockets have the state of established connections
            self.assertEqual({f["state"] for f in some.values()} - {name}, set())
            if name not in ("SYN-RECEIVED", "SYN-SENT"):  # which give up after a while
                self.assertEqual(set(some), {k for k, f in every.items() if f["state"] == name})

    def test_what_is_left_of_sockets_has_no_owner_and_no_queues(self):
        facts, _ = read_ours(self.world.a)
        for fact in facts.values():
            left = fact["state"] == "TIME-WAIT" or fact.get("timer") == 3
            if left:
                self.assertFalse({"uid", "inode", "recv_q", "rtt_us"} & set(fact), fact)

    def test_nothing_that_was_not_measured(self):
        facts, _ = read_ours(self.world.a)
        waiting = [f for f in facts.values() if f["state"] == "SYN-SENT"]
        self.assertGreater(len(waiting), 100)
        for fact in waiting:
            self.assertFalse({"rtt_us", "min_rtt_us", "last_data_recv_ms", "last_ack_recv_ms",
                              "delivery_bytes_s"} & set(fact), fact)
            self.assertIn("rto_us", fact)
        facts, _ = read_ours(self.world.b)
        listening = [f for f in facts.values() if f["state"] == "LISTEN"]
        for fact in listening:
            self.assertFalse({"recv_q", "snd_cwnd_segs", "peer", "peer_port"} & set(fact), fact)
        self.assertIn(9, {f["backlog"] for f in listening})

    def test_tcp_info_is_what_the_socket_itself_says(self):
        """The tail, which ss may be too old for, by SO_COOKIE and TCP_INFO."""
        facts = {}
        for ns in self.world.namespaces:
            facts.update(read_ours(ns)[0])
        for pair in self.quiet:
            for s in pair:
                fact = facts[cookie(s)]
                info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 512)
                for name, (at, kind) in TCP_TAIL.items():
                    known = at + struct.calcsize(kind) <= len(info)
                    self.assertEqual(name in fact, known)
                    if known:
                        self.assertEqual(fact[name], struct.unpack_from(kind, info, at)[0], fact)

    def test_options_of_the_sockets(self):
        facts = read_ours(self.world.c)[0] | read_ours(self.world.a)[0]
        uids, dscp = set(), 0
        for client, _ in self.quiet:
            fact = facts[cookie(client)]
            mark = client.getsockopt(socket.SOL_SOCKET, socket.SO_MARK)
            self.assertEqual(fact["mark"], mark)
            level, option, key = (
                (socket.IPPROTO_IP, socket.IP_TOS, "tos") if client.family == socket.AF_INET
                else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS, "tclass"))
            self.assertEqual(fact[key], client.getsockopt(level, option), fact)
            dscp += fact[key] == 0x48
            name = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
            self.assertEqual(fact["congestion"], name.split(b"\0")[0].decode())
            self.assertEqual(fact["inode"], os.fstat(client.fileno()).st_ino)
            self.assertEqual(fact["uid"], os.fstat(client.fileno()).st_uid)
            uids.add(fact["uid"])
        self.assertEqual(uids, {0, NOBODY})
        self.assertGreater(dscp, 10)

    def test_other_tables(self):
        w, keys = self.world, {}
        for host in ("127.0.0.1", "::1"):
            try:
                with w.c.inside():
                    s = w.keep(socket.socket(
                        socket.AF_INET6 if ":" in host else socket.AF_INET,
                        socket.SOCK_DGRAM, UDPLITE))
            except OSError as error:
                self.skipTest(f"no UDP-Lite here: {error}")
            s.bind((host, 0))
            keys[cookie(s)] = host, s.getsockname()[1]
        for family, host in ((4, "127.0.0.1"), (6, "::1")):
            facts, status = read_ours(w.c, "table", family, UDPLITE)
            if status["result"] == -errno.ENOENT:
                self.skipTest("no table of UDP-Lite in this kernel")
            self.assert_sound(status, facts)
            self.assertEqual({k: (f["local"], f["local_port"]) for k, f in facts.items()},
                             {k: v for k, v in keys.items() if v[0] == host})
            self.assertEqual({f["proto"] for f in facts.values()}, {"udplite"})

    def test_a_table_that_no_kernel_has(self):
        facts, status = read_ours(self.world.c, "table", 4, 200)
        self.assertEqual((facts, status["result"]), ({}, -errno.ENOENT))

    def test_nobody_sees_all_but_the_marks(self):
        folder = tempfile.mkdtemp(prefix="konn-e2e-")
        self.addCleanup(shutil.rmtree, folder, True)
        os.chmod(folder, 0o755)
        program = shutil.copy(DUMP, folder)
        before = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        every, _ = read_ours(self.world.c)
        facts, status = read_ours(self.world.c, program=program, before=before)
        self.assert_sound(status, facts)
        self.assertEqual(set(facts), set(every))
        self.assertFalse([f for f in facts.values() if "mark" in f])
        self.assertEqual({k: f.get("inode") for k, f in facts.items()},
                         {k: f.get("inode") for k, f in every.items()})


if __name__ == "__main__":
    require_sock_diag()
    unittest.main(verbosity=2, warnings="ignore")
