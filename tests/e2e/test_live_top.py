#!/usr/bin/env python3
"""konn top on live traffic, in a pseudo-terminal."""
import os
import re
import signal
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, os.pardir, "tui")]
import hosts  # noqa: E402
import netns  # noqa: E402
from hosts import A4, B4, KONN, Hosts, accept, connect, listen  # noqa: E402

SCALE = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9}


class Top(Hosts):
    def top(self, ns, *argv, cols=120, rows=30):
        from harness import Tui
        tui = Tui(ns.argv([KONN, "top", *argv]), cols=cols, rows=rows)
        tui.wait("konn", hosts.PATIENCE)
        return tui

    def line(self, tui, text):
        """The row with this text, or None."""
        return next((line for line in tui.lines()[3:-2] if text in line), None)

    def wait_line(self, tui, text, pattern):
        tui.wait(lambda t: re.search(pattern, self.line(t, text) or ""), hosts.PATIENCE)

    def leave(self, tui, code=0):
        self.assertEqual(tui.end(hosts.PATIENCE), code, tui.text())
        self.assertTrue(tui.restored())

    def test_states(self):
        """A connection appears, is established, is closed, and goes away."""
        server = listen(self.b, B4)
        port = server.getsockname()[1]
        with self.top(self.a, "-i", "va", "-n", "-d", "0.2", "--keep", "4") as tui:
            client = connect(self.a, B4, port)
            peer = accept(server)
            here = f"{A4}:{client.getsockname()[1]}"
            self.wait_line(tui, here, rf"{B4}:{port} +tcp.* ESTABLISHED")
            client.sendall(bytes(700))
            self.assertEqual(len(peer.recv(700, 0x100)), 700)
            self.wait_line(tui, here, " 700 ")
            client.shutdown(1)
            hosts.read_all(peer)
            self.wait_line(tui, here, "FIN-WAIT-2")
            peer.close()
            hosts.read_all(client)
            self.wait_line(tui, here, "TIME-WAIT|CLOSED")
            tui.wait_gone(here)
            again = connect(self.a, B4, port)
            peer = accept(server)
            there = f"{A4}:{again.getsockname()[1]}"
            self.wait_line(tui, there, "ESTABLISHED")
            hosts.reset(peer)
            self.wait_line(tui, there, "CLOSED")
            self.assertRaises(ConnectionRefusedError, connect, self.a, B4, 3)
            self.wait_line(tui, f"{B4}:3 ", "CLOSED")
            tui.keys("q")
            self.leave(tui)

    def test_rates(self):
        """960 kb/s (three digits fit) on the screen, within 2 % of what the sender says."""
        receiver = hosts.udp(self.b, B4, 4002)
        columns = "id.orig_p,id.resp_p,orig_bps,orig_pps"
        with self.top(self.a, "-i", "va", "-n", "--bits", "--si", "-C", columns) as tui:
            sender = self.a.start(["python3", "-c", hosts.SENDER, B4, 4002, 4001, 1000, 120, 9])
            self.wait_line(tui, "4001", r"9\d\dk")
            seen = []
            while sender.running():
                tui.feed(0.3)
                match = re.search(r"4001 +4002 +([\d.]+)([kKMG]?)b? +(\d+)",
                                  self.line(tui, "4001") or "")
                if match:
                    seen.append((float(match[1]) * SCALE[match[2]], float(match[3])))
            self.assertEqual(sender.wait(), 0)
            self.assertTrue(seen, tui.text())
            told = float(sender.stdout())
            rate, packets = (statistics.median(column) for column in zip(*seen))
            print(f"top: {rate:.0f} of {told:.0f} b/s, {packets:.0f} of {told / 8000:.0f} pkt/s")
            self.assertLess(abs(rate / told - 1), 0.02, seen)
            self.assertLess(abs(packets * 8000 / told - 1), 0.02, seen)
            tui.keys("q")
            self.leave(tui)
        receiver.close()

    def test_keys_in_a_flood(self):
        mac = netns.mac_of(self.b, "vb").hex(":")
        with self.top(self.b, "-i", "vb", "-n") as tui:
            sender = self.a.start([os.environ["FLOOD"], "va", mac, 10**9, 60, 0, 100000])
            tui.wait("udp", hosts.PATIENCE)
            tui.keys("?")
            tui.wait("Settings now", hosts.PATIENCE)
            tui.keys("q")
            tui.wait_gone("Settings now")
            sender.kill()
            tui.keys("/")
            tui.keys(*"4711")
            tui.wait("4711", hosts.PATIENCE)
            tui.keys("Esc", "q")
            self.leave(tui)

    def test_killed_worker(self):
        """The supervisor gives the terminal back and says what happened."""
        for number in (signal.SIGKILL, signal.SIGSEGV):
            with self.top(self.a, "-i", "va") as tui:
                workers = [p for p in netns.children(tui.pid)
                           if netns.status_fields(p)["Uid"].split()[0] != "0"]
                self.assertEqual(len(workers), 1)
                os.kill(workers[0], number)
                self.leave(tui, 70)
                self.assertIn(f"ended by signal {int(number)}", tui.text())
                self.assertIn(b"\x1b[?1049l", bytes(tui.raw))

    def test_other_ways_out(self):
        for number, code in ((signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, 0)):
            with self.subTest(number=number), self.top(self.a, "-i", "va") as tui:
                os.kill(tui.pid, number)
                self.leave(tui, code)
        with self.top(self.a, "-i", "va") as tui:
            tui.keys("\x03")
            self.leave(tui)

    def test_interface_goes_and_comes(self):
        with self.top(self.b, "-i", "vb", "-n", "-d", "0.2") as tui:
            netns.send_frames(self.a, "va", [self.frame(sport=1111)] * 3)
            tui.wait(f"{A4}:1111", hosts.PATIENCE)
            self.b.ip("link", "del", "vb")
            netns.wait_for(lambda: hosts.capturing(tui.pid) == 0, "nothing", hosts.PATIENCE)
            self.cable(self.a, "va", self.b, "vb", (A4,), (B4,))
            netns.wait_for(lambda: hosts.capturing(tui.pid) == 1, "a ring", hosts.PATIENCE)
            netns.send_frames(self.a, "va", [self.frame(sport=2222)] * 3)
            tui.wait(f"{A4}:2222", hosts.PATIENCE)
            tui.keys("q")
            self.leave(tui)


if __name__ == "__main__":
    try:
        import pyte  # noqa: F401
    except ImportError:
        print("skipped: no pyte")
        sys.exit(netns.SKIP)
    hosts.main()
