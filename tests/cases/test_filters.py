"""Display filters: each expression's rows are computed again in Python from all rows."""

import ipaddress
import re

import frames as F
import konn


def variety():
    frames = []
    at = F.EPOCH

    def add(talk):
        nonlocal at
        frames.extend(talk.frames)
        at = talk.now + F.SECOND

    for n, port in enumerate((80, 443, 22, 5432, 8080, 443)):
        t = F.Talk((f"10.1.{n}.1", 40000 + n), ("10.2.0.2", port), start=at)
        add(t.open().data(0, 700 * n + 1).data(1, 5000 * n + 2).close())
    for n, port in enumerate((80, 443)):
        t = F.Talk((f"2001:db8:{n}::1", 41000 + n), ("2001:db8:ffff::2", port), start=at)
        add(t.open().data(0, 900).data(1, 2_000_000))
    t = F.Talk(("10.1.0.1", 42000), ("192.168.7.7", 25), [F.vlan(100), F.ether()], at)
    add(t.open().data(0, 10).reset(1))
    t = F.Talk(("172.16.0.1", 43000), ("10.2.0.2", 23), start=at)
    t.send(0, F.SYN)
    t.send(1, F.RST | F.ACK)
    add(t)
    t = F.Talk(("172.16.0.9", 443), ("10.2.0.2", 44000), start=at)
    t.send(0, F.SYN)
    add(t)
    packets = [F.udp("10.1.0.1", "10.2.0.53", 45000, 53, b"q" * 30),
               F.udp("10.2.0.53", "10.1.0.1", 53, 45000, b"r" * 200),
               F.udp("2001:db8::1", "2001:db8::53", 45001, 53, b"q" * 31),
               F.echo("10.1.0.1", "10.2.0.2", 77, 1), F.ip("10.1.0.1", "10.2.0.2", 50, b"e")]
    for n, p in enumerate(packets):
        frames.append(F.Frame(at + n * 1000, F.wrapped([F.ether()], *p)))
    return frames


def get(row, key):
    return row.get(key)


def num(row, key, test):
    return key in row and test(row[key])


def inside(row, key, net):
    return key in row and (
        ipaddress.ip_address(row[key]) in ipaddress.ip_network(net)
        if ipaddress.ip_address(row[key]).version == ipaddress.ip_network(net).version
        else False)


def either(row, test):
    return test("orig") or test("resp")


def tcp(r):
    return r["proto"] == "tcp"


# expression: what it means, said of one JSON row
TABLE = {
    # comparisons
    "id.resp_p = 443": lambda r: r.get("id.resp_p") == 443,
    "id.resp_p == 443": lambda r: r.get("id.resp_p") == 443,
    "id.resp_p != 443": lambda r: num(r, "id.resp_p", lambda v: v != 443),
    "orig_bytes > 900": lambda r: r["orig_bytes"] > 900,
    "orig_bytes >= 900": lambda r: r["orig_bytes"] >= 900,
    "orig_bytes < 900": lambda r: r["orig_bytes"] < 900,
    "orig_bytes <= 900": lambda r: r["orig_bytes"] <= 900,
    "orig_bytes=900": lambda r: r["orig_bytes"] == 900,
    "resp_bytes > 1M": lambda r: r["resp_bytes"] > 10**6,
    "resp_bytes > 1Mi": lambda r: r["resp_bytes"] > 2**20,
    "resp_bytes >= 5k": lambda r: r["resp_bytes"] >= 5000,
    "resp_bytes >= 10Ki": lambda r: r["resp_bytes"] >= 10240,
    "id.resp_p in (80, 22, 53)": lambda r: r.get("id.resp_p") in (80, 22, 53),
    "not id.resp_p in (80, 22)": lambda r: r.get("id.resp_p") not in (80, 22),
    "duration > 500ms": lambda r: r["duration"] > 0.5,
    "duration > 1s": lambda r: r["duration"] > 1,
    "duration < 1m": lambda r: r["duration"] < 60,
    # text
    "proto = tcp": tcp,
    "proto = TCP": tcp,
    "proto != tcp": lambda r: not tcp(r),
    "proto ~ cm": lambda r: "cm" in r["proto"],
    "proto !~ p": lambda r: "p" not in r["proto"],
    "conn_state = SF": lambda r: r.get("conn_state") == "SF",
    "conn_state in (SF, REJ)": lambda r: r.get("conn_state") in ("SF", "REJ"),
    "history ~ R": lambda r: "R" in r.get("history", ""),
    "history ~ r": lambda r: "r" in r.get("history", ""),
    'history ~ "^Sr$"': lambda r: re.search("^Sr$", r.get("history", "")) is not None,
    # states, however written
    "state established": lambda r: r.get("state") == "ESTABLISHED",
    "state = established": lambda r: r.get("state") == "ESTABLISHED",
    "state = ESTABLISHED": lambda r: r.get("state") == "ESTABLISHED",
    "state = time-wait": lambda r: r.get("state") == "TIME-WAIT",
    "state = TIME_WAIT": lambda r: r.get("state") == "TIME-WAIT",
    "state syn-sent": lambda r: r.get("state") == "SYN-SENT",
    # addresses
    "id.orig_h = 10.1.0.1": lambda r: r["id.orig_h"] == "10.1.0.1",
    "id.orig_h = 10.1.0.0/16": lambda r: inside(r, "id.orig_h", "10.1.0.0/16"),
    "id.orig_h = 2001:db8::/33": lambda r: inside(r, "id.orig_h", "2001:db8::/33"),
    "id.orig_h = 2001:db8:1::1": lambda r: r["id.orig_h"] == "2001:db8:1::1",
    "not id.orig_h = 10/8": lambda r: not inside(r, "id.orig_h", "10.0.0.0/8"),
    "id.orig_h in (10.1.0.1, 172.16.0.0/12)": lambda r: r["id.orig_h"] == "10.1.0.1"
        or inside(r, "id.orig_h", "172.16.0.0/12"),
    # tcpdump's primitives; src is the originator
    "tcp": tcp,
    "udp": lambda r: r["proto"] == "udp",
    "icmp": lambda r: r["proto"] == "icmp",
    "ip6": lambda r: ":" in r["id.orig_h"],
    "port 443": lambda r: 443 in (r.get("id.orig_p"), r.get("id.resp_p")),
    "src port 443": lambda r: r.get("id.orig_p") == 443,
    "dst port 443": lambda r: r.get("id.resp_p") == 443,
    "dst port 80": lambda r: r.get("id.resp_p") == 80,
    "portrange 20-25": lambda r: any(20 <= r.get(f"id.{e}_p", -1) <= 25
                                     for e in ("orig", "resp")),
    "dst portrange 1-100": lambda r: 1 <= r.get("id.resp_p", -1) <= 100,
    "host 10.1.0.1": lambda r: "10.1.0.1" in (r["id.orig_h"], r["id.resp_h"]),
    "src host 10.2.0.2": lambda r: r["id.orig_h"] == "10.2.0.2",
    "dst host 10.2.0.2": lambda r: r["id.resp_h"] == "10.2.0.2",
    "net 192.168.0.0/16": lambda r: either(
        r, lambda e: inside(r, f"id.{e}_h", "192.168.0.0/16")),
    "src net 10.1.0.0/24": lambda r: inside(r, "id.orig_h", "10.1.0.0/24"),
    "dst net 2001:db8::/32": lambda r: inside(r, "id.resp_h", "2001:db8::/32"),
    "host 2001:db8:1::1": lambda r: "2001:db8:1::1" in (r["id.orig_h"], r["id.resp_h"]),
    "dst port :443": lambda r: r.get("id.resp_p") == 443,
    "tcp port 443": lambda r: tcp(r) and 443 in (r["id.orig_p"], r["id.resp_p"]),
    # together
    "tcp and dst port 443": lambda r: tcp(r) and r["id.resp_p"] == 443,
    "udp or icmp": lambda r: r["proto"] in ("udp", "icmp"),
    "not tcp": lambda r: not tcp(r),
    "not (tcp or udp)": lambda r: r["proto"] not in ("tcp", "udp"),
    "tcp and not dst port 80 and not dst port 443":
        lambda r: tcp(r) and r["id.resp_p"] not in (80, 443),
    "udp or tcp and dst port 22":
        lambda r: r["proto"] == "udp" or tcp(r) and r["id.resp_p"] == 22,
    "(udp or tcp) and dst port 22": lambda r: r.get("id.resp_p") == 22,
    "((((tcp))))": tcp,
    "orig_bytes > 100 and resp_bytes > 100 and not state = established":
        lambda r: r["orig_bytes"] > 100 and r["resp_bytes"] > 100
        and r.get("state") != "ESTABLISHED",
    # lists and columns that most rows do not have
    "vlan = 100": lambda r: "100" in r.get("vlan", []),
    "not vlan = 100": lambda r: "100" not in r.get("vlan", []),
    "icmp_id = 77": lambda r: r.get("icmp_id") == 77,
    "icmp_type = 8": lambda r: r.get("icmp_type") == 8,
    "": lambda r: True,
}


class Filters(konn.Case):
    def setUp(self):
        super().setUp()
        self.file = self.pcap(variety())
        self.all = self.listed("-r", self.file).conns

    def matched(self, expression):
        report = self.listed("-r", self.file, expression)
        return sorted(r["uid"] for r in report.conns)

    def check(self, expression):
        wanted = sorted(r["uid"] for r in self.all if TABLE[expression](r))
        found = self.matched(expression)
        self.assertEqual(found, wanted, expression)

    def test_table(self):
        for expression in TABLE:
            with self.subTest(expression):
                self.check(expression)

    def test_table_is_not_trivial(self):
        """Nearly every expression must tell some rows from others."""
        trivial = [e for e, f in TABLE.items()
                   if sum(map(bool, map(f, self.all))) in (0, len(self.all))]
        self.assertLessEqual(len(trivial), 6, trivial)

    def test_words_without_quotes(self):
        """The filter may come as several arguments."""
        report = self.listed("-r", self.file, "tcp", "and", "dst", "port", "443")
        self.assertEqual(sorted(r["uid"] for r in report.conns),
                         self.matched("tcp and dst port 443"))

    def test_summary_counts_everything(self):
        whole = self.listed("-r", self.file).summary
        some = self.listed("-r", self.file, "udp").summary
        self.assertEqual(some["packets"], whole["packets"])
        self.assertEqual(some["filtered"], 0)

    def test_nesting_up_to_32(self):
        self.assertEqual(self.matched("(" * 32 + "tcp" + ")" * 32), self.matched("tcp"))
        result = konn.run("list", "-r", self.file, "(" * 5000 + "tcp" + ")" * 5000)
        self.assertEqual(result.code, 64)

    def test_units_are_decimal_and_binary(self):
        self.assertEqual(self.matched("resp_bytes = 2M"), sorted(
            r["uid"] for r in self.all if r["resp_bytes"] == 2_000_000))
        self.assertNotEqual(self.matched("resp_bytes = 2M"), [])
        self.assertEqual(self.matched("resp_bytes = 2Mi"), [])

    BAD = ("tcp and", "orig_bytes >", "orig_bytes > abc", "(tcp", "tcp)", "id.orig_h = 10.1.2",
           "id.orig_h = 10.0.0.0/33", "port 70000", "port nosuchport", "= 5", "and tcp",
           "id.resp_p in (80", "orig_bytes ~ [", 'proto ~ "["')

    def test_errors(self):
        for expression in self.BAD:
            with self.subTest(expression):
                result = konn.run("list", "-r", self.file, expression)
                self.assertEqual((result.code, result.out), (64, ""), result.err)
                self.assertIn("^", result.err)

    def test_unknown_field_names_the_nearest_with_a_caret(self):
        result = konn.run("list", "-r", self.file, "tcp and orig_byts > 5")
        self.assertEqual((result.code, result.out), (64, ""))
        self.assertIn("orig_bytes", result.err)
        lines = result.err_lines
        at, = [n for n, line in enumerate(lines) if line.strip("~ ") == "^"]
        column = lines[at].index("^")
        self.assertTrue(lines[at - 1][column:].startswith("orig_byts"), result.err)


if __name__ == "__main__":
    konn.main()
