#!/usr/bin/env python3
"""The sockets source against ss, against getsockopt, and against what the test itself did.

A round is ss, ours, ss: where both runs of ss say the same, ours must.
"""
import collections
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

import netns
from many_sockets import B4, NOBODY, PATIENCE, World, cookie, fill, mapped
from netns import Lab, wait_for

DUMP = os.environ["SOCKETS_DUMP"]
SS = ("ss", "-H", "-tuanpeiOm")
ENDPOINT = r"(\S+):(\d+|\*)"
LINE = re.compile(rf"(\w+)\s+(\S+)\s+(\d+)\s+(\d+)\s+{ENDPOINT}\s+{ENDPOINT}(.*)")
STATES = {
    "ESTAB": "ESTABLISHED", "SYN-RECV": "SYN-RECEIVED", "UNCONN": "CLOSED",
    **{s: s for s in ("LISTEN", "SYN-SENT", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
                      "LAST-ACK", "CLOSING", "TIME-WAIT")},
}
STATE_NUMBERS = {name: number for number, name in enumerate((
    "CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2",
    "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"), 1)}  # core/proto.h
TIMERS = {"on": 1, "keepalive": 2, "timewait": 3, "persist": 4}
SKMEM = {"r": "recv", "rb": "recv_most", "t": "send", "tb": "send_most", "f": "forward",
         "w": "send_queued", "o": "options", "bl": "backlog", "d": "drops"}
# What ss -i says as NAME:INTEGER, and does not say when it is 0; ms are printed as such.
PLAIN = {
    "mss": "snd_mss_bytes", "rcvmss": "rcv_mss_bytes", "advmss": "advmss_bytes",
    "pmtu": "pmtu_bytes", "cwnd": "snd_cwnd_segs", "ssthresh": "snd_ssthresh_segs",
    "bytes_sent": "bytes_sent", "bytes_retrans": "bytes_retrans",
    "bytes_acked": "bytes_acked", "bytes_received": "bytes_received",
    "segs_out": "segs_out", "segs_in": "segs_in", "data_segs_out": "data_segs_out",
    "data_segs_in": "data_segs_in", "unacked": "unacked_segs", "lost": "lost_segs",
    "sacked": "sacked_segs", "notsent": "notsent_bytes", "backoff": "backoff",
    "rcv_space": "rcv_space_bytes", "rcv_ssthresh": "rcv_ssthresh_bytes",
    "delivered": "delivered_segs", "delivered_ce": "delivered_ce_segs",
    "dsack_dups": "dsack_dups", "reord_seen": "reord_seen", "snd_wnd": "snd_wnd_bytes",
    "rcv_ooopack": "rcv_out_of_order_segs",
}
MILLISECONDS = {"rto": "rto_us", "ato": "ato_us", "minrtt": "min_rtt_us", "rcv_rtt": "rcv_rtt_us"}
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


def address(text):
    text = text.strip("[]").split("%")[0]
    return "::" if text == "*" else text.strip("[]")


def read_ss(ns):
    """What ss says, by cookie, in the words of sockets_dump; 0 stands for absent."""
    found = {}
    for line in ns.run(SS).stdout.splitlines():
        match = LINE.match(line.strip())
        if not match:
            raise AssertionError("not understood: " + line)
        proto, state, recv_q, send_q, local, lport, peer, pport, more = match.groups()
        ours = {"proto": proto, "state": STATES[state], "local_port": int(lport),
                "peer_port": 0 if pport == "*" else int(pport)}
        ours.update(addresses(local, peer))
        queues = ("backlog", "backlog_most") if state == "LISTEN" else ("recv_q", "send_q")
        ours.update(zip(queues, (int(recv_q), int(send_q))))
        details(ours, more)
        found[int(re.search(r"\bsk:([0-9a-f]+)", more)[1], 16)] = ours
    return found


def addresses(local, peer):
    hosts = [address(local), address(peer)]
    is_mapped = any(h.startswith("::ffff:") for h in hosts)
    if is_mapped:
        hosts = ["0.0.0.0" if h == "::" else h.removeprefix("::ffff:") for h in hosts]
    device = re.search(r"%([^\]:]+)", local)
    return {"local": hosts[0], "peer": hosts[1], "mapped": is_mapped,
            "device": device[1] if device else ""}


def details(ours, more):
    def number(pattern, base=10):
        match = re.search(pattern, more)
        return int(match[1], base) if match else 0

    ours["uid"] = number(r"\buid:(\d+)")
    ours["inode"] = number(r"\bino:(\d+)")
    ours["mark"] = number(r"\bfwmark:0x([0-9a-f]+)", 16)
    ours["v6only"] = number(r"\bv6only:(\d)")
    timer = re.search(r"timer:\((\w+),[^,]*,(\d+)\)", more)
    ours["timer"] = TIMERS[timer[1]] if timer else 0
    ours["retransmits"] = int(timer[2]) if timer else 0
    arrows = re.search(r" (<->|-->|<--|---)( |$)", more)
    # --> can still send, <-- can still receive (include/net/sock.h: RCV 1, SEND 2)
    ours["shutdown"] = {"<->": 0, "-->": 1, "<--": 2, "---": 3}[arrows[1]] if arrows else 0
    skmem = re.search(r"skmem:\(([^)]*)\)", more)
    for part in skmem[1].split(",") if skmem else ():
        name, value = re.match(r"([a-z]+)(\d+)", part).groups()
        ours["mem_" + SKMEM[name]] = int(value)
    if ours["proto"] == "tcp" and ours["state"] != "LISTEN" and " cwnd:" in more:
        tcp_details(ours, more)


def tcp_details(ours, more):
    for name, ours_name in PLAIN.items():
        match = re.search(rf" {name}:(\d+)", more)
        ours[ours_name] = int(match[1]) if match else 0
    for name, ours_name in MILLISECONDS.items():
        match = re.search(rf" {name}:([\d.]+)", more)
        ours[ours_name] = round(float(match[1]) * 1000) if match else 0
    rtt = re.search(r" rtt:([\d.]+)/([\d.]+)", more)
    ours["rtt_us"], ours["rttvar_us"] = (
        (round(float(v) * 1000) for v in rtt.groups()) if rtt else (0, 0))
    retrans = re.search(r" retrans:(\d+)/(\d+)", more)
    ours["retrans_segs"], ours["total_retrans_segs"] = (
        map(int, retrans.groups()) if retrans else (0, 0))
    ours["congestion"] = re.search(r" (bbr|cubic|reno)\b", more)[1]
    bbr = re.search(r"bbr:\(bw:(\d+)bps,mrtt:([\d.]+)", more)
    if bbr and bbr[1] != "0":  # else it has not measured
        ours["bbr_bytes_s"] = int(bbr[1]) // 8
        ours["bbr_min_rtt_us"] = round(float(bbr[2]) * 1000)
    for name, ours_name in (("pacing_rate", "pacing_bytes_s"), ("delivery_rate", "delivery_bytes_s")):
        match = re.search(rf" {name} (\d+)bps", more)
        ours[ours_name] = int(match[1]) // 8 if match else 0
    for name in ("busy", "rwnd_limited", "sndbuf_limited"):
        match = re.search(rf" {name}:(\d+)ms", more)
        ours[name + "_ms"] = int(match[1]) if match else 0


def read_ours(ns, *argv, program=DUMP, before=()):
    """(facts by cookie, status)"""
    done = ns.run([*before, program, *(argv or ("list",))])
    records = [json.loads(line) for line in done.stdout.splitlines()]
    facts = {}
    for record in records[:-1]:
        if record["cookie"] in facts:
            raise AssertionError(f"twice: {record}")
        facts[record["cookie"]] = record
    return facts, records[-1]


def comparable(record):
    """A fact of ours with the words that only ss has."""
    ms = {k.replace("_us", "_ms"): round(record[k] / 1000) for k in (
        "busy_us", "rwnd_limited_us", "sndbuf_limited_us") if k in record}
    if "peer" not in record:
        ms["peer"] = "0.0.0.0" if record["family"] == 4 else "::"
    return {**record, **ms, "device": "va" if record["ifindex"] else ""}


def differences(ours, first, second):
    """Where both runs of ss agree with each other and not with ours."""
    found = [f"only ss has {k:x}: {first[k]}" for k in first if k in second and k not in ours]
    found += [f"ss has no {k:x}: {v}" for k, v in ours.items() if k not in first and k not in second]
    for key in ours.keys() & first.keys() & second.keys():
        mine = comparable(ours[key])
        found += [
            f"{key:x} {name}: {mine.get(name, 0)}, ss {value}: {ours[key]}"
            for name, value in first[key].items()
            if second[key].get(name) == value and mine.get(name, 0) != value]
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

    def compare(self, ns, *argv):
        """(our facts, names of the fields that ss had something to say of)"""
        first = read_ss(ns)
        ours, status = read_ours(ns, *argv)
        second = read_ss(ns)
        self.assert_sound(status, ours)
        found = differences(ours, first, second)
        self.assertFalse(found, f"{len(found)} differences:\n" + "\n".join(found[:10]))
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

    def test_what_nobody_asked_for_dies_with_another_cookie(self):
        w = self.world
        program = w.c.start([DUMP, "events"])
        program.wait_line("ready", PATIENCE)
        (client, accepted), = w.pairs(w.c, "::1", w.listen(w.c, "::1"), 1)
        port = client.getsockname()[1]
        client.close()
        self.assertEqual(accepted_end(accepted), b"")
        accepted.close()
        left, = wait_for(lambda: self.keys(w.c, "TIME-WAIT"), "TIME-WAIT", PATIENCE)
        wait_for(lambda: len(program.out) == 2, "two deaths", PATIENCE)
        died = {r["local_port"]: r["cookie"] for r in map(json.loads, program.out)}
        self.assertNotEqual(died[port], left)


def read_exactly(s, size):
    s.setblocking(True)
    while size:
        size -= len(s.recv(min(size, 65536)))


def accepted_end(s):
    s.settimeout(PATIENCE)
    return s.recv(1)


def main():
    netns.require_root()
    for tool in ("ip", "nsenter", "nft", "ss", "setpriv"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(netns.SKIP)
    probe = subprocess.run([DUMP, "list", "-s", hex(1 << STATE_NUMBERS["LISTEN"])],
                           capture_output=True, text=True, check=False)
    if probe.returncode:
        print(f"skipped: no sock_diag here: {probe.stdout}")
        sys.exit(netns.SKIP)
    unittest.main(verbosity=2, warnings="ignore")


main()
