#!/usr/bin/env python3
"""Interfaces, their counters and what happens to them, against ip -s -j -d link."""
import json
import os
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns import Lab, wait_for  # noqa: E402

DUMP = os.environ.get("LINKS_DUMP", "build/tests/e2e/links_dump")
IFF_UP, IFF_LOWER_UP = 1, 1 << 16
STATES = {"UNKNOWN": 0, "DOWN": 2, "LOWERLAYERDOWN": 3, "UP": 6}  # IF_OPER_*


def expected(link):
    """What one entry of `ip -s -j -d link` says, in our words."""
    side = {}
    for name in ("rx", "tx"):
        s = link["stats64"][name]
        side[name] = [s["bytes"], s["packets"], s["errors"],
                      s["dropped"] + s.get("missed_errors", 0)]
    info = link.get("linkinfo", {})
    return {
        "ifindex": link["ifindex"], "name": link["ifname"], "mtu": link["mtu"],
        "kind": info.get("info_kind"), "master_kind": info.get("info_slave_kind"),
        "master": link.get("master"), "mac": link["address"], "rx": side["rx"],
        "tx": side["tx"], "operstate": STATES[link["operstate"]],
        "up": "UP" in link["flags"], "lower_up": "LOWER_UP" in link["flags"],
    }


class Links(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("lnk")
        self.addCleanup(self.lab.close)
        self.a, self.b = self.lab.namespace("a"), self.lab.namespace("b")
        self.lab.veth(self.a, "eth0", "10.9.0.1/24", self.b, "eth0", "10.9.0.2/24")

    def facts(self, what="links"):
        return [json.loads(x) for x in self.a.run([DUMP, what]).stdout.splitlines()]

    def ip(self):
        links = json.loads(self.a.ip("-s", "-j", "-d", "link").stdout)
        index = {x["ifname"]: x["ifindex"] for x in links}
        for link in links:
            link["master"] = index.get(link.get("master"))
        return [expected(x) for x in links]

    def traffic(self):
        with self.a.inside():
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for _ in range(500):
            sender.sendto(bytes(1000), ("10.9.0.2", 9))
        sender.close()

    def same(self, fact, want):
        for key in ("name", "mtu", "kind", "master_kind", "master", "mac", "operstate"):
            self.assertEqual(fact.get(key), want[key], (key, want["name"]))
        self.assertEqual(bool(fact["flags"] & IFF_UP), want["up"])
        self.assertEqual(bool(fact["flags"] & IFF_LOWER_UP), want["lower_up"])

    def stable(self, what):
        """Facts and ip's view of a moment between which nothing passed."""
        for _ in range(20):
            before, facts, after = self.ip(), self.facts(what), self.ip()
            if before == after:
                return facts, after
        self.fail("the counters never rest")

    def test_all(self):
        has_bridge = self.a.run(["ip", "link", "add", "br0", "type", "bridge"], check=False)
        if has_bridge.returncode == 0:
            self.a.ip("link", "add", "port0", "type", "veth", "peer", "name", "port1")
            self.a.ip("link", "set", "port0", "master", "br0")
            self.a.ip("link", "set", "port0", "mtu", "1300")
        self.traffic()
        facts, links = self.stable("links")
        self.assertEqual([f["ifindex"] for f in facts], [x["ifindex"] for x in links])
        for fact, want in zip(facts, links):
            self.same(fact, want)
            self.assertEqual((fact["rx"], fact["tx"]), (want["rx"], want["tx"]))
        eth0 = next(f for f in facts if f["name"] == "eth0")
        self.assertGreater(eth0["tx"][0], 500 * 1000)
        self.assertEqual(eth0["carrier"], 1)

    def test_counters(self):
        self.traffic()
        facts, links = self.stable("counters")
        self.assertEqual([(f["ifindex"], f["rx"], f["tx"]) for f in facts],
                         [(x["ifindex"], x["rx"], x["tx"]) for x in links])
        self.assertTrue(all("name" not in f for f in facts))

    def test_speed(self):
        """As sysfs says, which shows nothing or -1 where nothing is known."""
        facts = {f["name"]: f for f in self.facts()}
        # sysfs shows the namespace in which it was mounted.
        shown = self.a.run(["unshare", "--mount", "sh", "-c", "mount -t sysfs none /sys && "
                            "cat /sys/class/net/eth0/speed /sys/class/net/eth0/duplex"])
        speed, duplex = shown.stdout.split()
        self.assertEqual(facts["eth0"].get("mbps", -1), int(speed))
        self.assertEqual(facts["eth0"].get("full"), {"full": 1, "half": 0}.get(duplex))
        self.assertNotIn("mbps", facts["lo"])

    def test_many(self):
        """More than one datagram holds."""
        batch = "".join(f"link add v{i} type veth peer name w{i}\n" for i in range(60))
        self.a.run(["ip", "-batch", "-"], input=batch)
        names = {f["name"] for f in self.facts()}
        self.assertEqual(len(names), 122)
        self.assertEqual(len(self.facts("counters")), 122)

    def test_events(self):
        program = self.a.start([DUMP, "watch"])
        program.wait_line("ready")

        def told(**want):
            def found():
                for line in program.out[1:]:
                    fact = json.loads(line)
                    if all(fact.get(k) == v for k, v in want.items()):
                        return fact
                return None
            return wait_for(found, f"an event {want}: {program.out}")

        self.b.ip("link", "set", "eth0", "down")
        told(name="eth0", carrier=0)
        self.b.ip("link", "set", "eth0", "up")
        told(name="eth0", carrier=1)
        self.a.ip("link", "set", "eth0", "mtu", "1400")
        told(name="eth0", mtu=1400)
        self.a.ip("link", "set", "eth0", "down")
        self.a.ip("link", "set", "eth0", "name", "new\x1b0")
        fact = told(name="new\\x1b0")
        self.assertFalse(fact["flags"] & IFF_UP)
        self.a.ip("link", "del", "new\x1b0")
        told(ifindex=fact["ifindex"], gone=1)


if __name__ == "__main__":
    unittest.main()
