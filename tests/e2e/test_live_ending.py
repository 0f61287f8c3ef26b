#!/usr/bin/env python3
"""How a live konn begins and ends: refusals, rights, signals, counts, overload."""
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hosts  # noqa: E402
import netns  # noqa: E402
from hosts import KONN, Hosts, Report  # noqa: E402
from netns import send_frames, wait_for  # noqa: E402

PCAP_HEADER = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000")


class Refusals(Hosts):
    def test_unknown_interface(self):
        for verb in ("list", "watch", "load", "top"):
            done = self.a.run([KONN, verb, "-i", "vaa"], check=False)
            self.assertEqual((done.returncode, done.stdout), (69, ""), done.stderr)
            self.assertRegex(done.stderr, r"^konn: no interface vaa; did you mean va\b.*\n$")

    def test_bad_filter(self):
        done = self.a.run([KONN, "list", "-i", "va", "-f", "tcp prt 80"], check=False)
        self.assertEqual((done.returncode, done.stdout), (64, ""), done.stderr)
        lines = done.stderr.splitlines()
        self.assertEqual(lines[-2].strip(), "tcp prt 80", done.stderr)
        self.assertEqual(lines[-1].index("^"), lines[-2].index("prt"), done.stderr)

    def test_no_privilege(self):
        """Says what would permit it, with the whole command as it was typed."""
        konn = os.path.join(self.folder(), "konn")
        shutil.copy(KONN, konn)
        os.chmod(konn, 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                  "--inh-caps=-all", "--bounding-set=-all"]
        for argv in (["list", "-i", "va", "-j"], ["watch", "dst port 22"]):
            done = self.a.run([*nobody, konn, *argv], check=False)
            self.assertEqual((done.returncode, done.stdout), (77, ""), done.stderr)
            command = " ".join(f"'{a}'" if " " in a else a for a in [konn, *argv])
            self.assertIn(f"sudo {command}", done.stderr)
            self.assertIn(f"sudo setcap cap_net_raw+ep {konn}", done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_no_privilege_is_needed_for_files(self):
        path = os.path.join(self.folder(), "empty.pcap")
        with open(path, "wb") as f:
            f.write(PCAP_HEADER)
        konn = os.path.join(os.path.dirname(path), "konn")
        shutil.copy(KONN, konn)
        done = self.a.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", konn,
                           "list", "-j", "-r", path], check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(Report(0, done.stdout, "").summary["packets"], 0)


class Rights(Hosts):
    def assert_harmless(self, pid):
        status = netns.status_fields(pid)
        self.assertNotIn("0", status["Uid"].split() + status["Gid"].split())
        self.assertEqual(status["Groups"], "")
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)

    def test_live_worker(self):
        for verb in ("list", "watch", "load"):
            konn = self.konn(self.a, verb, "-i", "va")
            send_frames(self.a, "va", [self.frame()] * 3)
            self.assertEqual(len(konn.workers()), 1)
            self.assert_harmless(konn.worker())
            for pid in set(netns.children(konn.program.pid)) - set(konn.workers()):
                status = netns.status_fields(pid)  # the helper
                self.assertEqual(int(status["CapEff"], 16), 1 << 13)  # CAP_NET_RAW
                self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(konn.end(), 0)

    def test_file_worker(self):
        program = self.a.start([KONN, "list", "-j", "-r", "-"], text=False)
        program.process.stdin.write(PCAP_HEADER)
        program.process.stdin.flush()
        pids = wait_for(lambda: [p for p in netns.children(program.pid)
                                 if netns.status_fields(p)["NoNewPrivs"] == "1"],
                        "the worker", hosts.PATIENCE)
        self.assertEqual(len(pids), 1)
        self.assert_harmless(pids[0])
        program.process.stdin.close()
        program.process.stdin = None
        self.assertEqual(program.wait(hosts.PATIENCE), 0)


class Endings(Hosts):
    def test_duration(self):
        konn = self.konn(self.b, "list", "-i", "vb", "--for", "2", "-j")
        send_frames(self.a, "va", [self.frame()] * 20)
        self.assertEqual(konn.wait().row(proto="udp")["orig_pkts"], 20)

    def test_count(self):
        konn = self.konn(self.b, "list", "-i", "vb", "-c", "100", "-j")
        send_frames(self.a, "va", [self.frame()] * 250)
        report = konn.wait()
        self.assertEqual(report.summary["packets"], 100)
        self.assertEqual(report.row(proto="udp")["orig_pkts"], 100)

    def test_signals(self):
        """In the middle of traffic: whole lines, then the summary, exit 0."""
        mac = netns.mac_of(self.b, "vb").hex(":")
        self.a.start([os.environ["FLOOD"], "va", mac, 10**9, 80, 20000, 3000])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for output in ("json", "csv", "text"):
                with self.subTest(number=number, output=output):
                    konn = self.konn(self.b, "list", "-i", "vb", "-o", output,
                                     "-C", "id.orig_p,orig_pkts,conn_state")
                    wait_for(lambda: self.b.statistic("vb", "rx_packets") > 1000, "traffic")
                    self.assertEqual(konn.end(number), 0, konn.program.stderr())
                    self.assert_whole(output, konn.program.stdout(), konn.program.stderr())

    def assert_whole(self, output, out, err):
        if output == "json":
            report = Report(0, out, err)
            self.assert_sums(report.summary)
            self.assertEqual(len(report.conns), report.summary["conns"])
            self.assertEqual(sum(r["orig_pkts"] for r in report.conns),
                             report.summary["packets"])
            return
        self.assertTrue(out.endswith("\n"))
        rows = out.splitlines()[1:]
        if output == "csv":
            self.assertEqual({line.count(",") for line in rows}, {2})
        self.assertRegex(err, rf"^{len(rows)} connections, \d+ packets, \d+ bytes")

    def test_events_before_the_end(self):
        """What was seen right before the signal is told."""
        for number in (signal.SIGINT, signal.SIGTERM):
            konn = self.konn(self.b, "list", "-i", "vb", "-j")
            send_frames(self.a, "va", [self.frame()] * 77)
            self.assertEqual(konn.stop(number).row(proto="udp")["orig_pkts"], 77)

    def test_killed_worker(self):
        for number in (signal.SIGKILL, signal.SIGSEGV):
            konn = self.konn(self.b, "watch", "-i", "vb")
            children = netns.children(konn.program.pid)
            os.kill(konn.worker(), number)
            self.assertEqual(konn.program.wait(hosts.PATIENCE), 70)
            self.assertIn(f"konn: ended by signal {int(number)}", konn.program.stderr())
            self.assertEqual([p for p in children if netns.process_state(p)], [])

    def test_closed_pipe(self):
        """A reader that leaves: konn ends by itself, and quietly."""
        command = f"{KONN} load -i vb 2>&1 | head -1; echo ${{PIPESTATUS[0]}}"
        done = self.b.run(["bash", "-c", command])
        self.assertRegex(done.stdout, r"^ts = .*\n0\n$")


class Overload(Hosts):
    def test_every_packet_is_counted(self):
        """sent = packets + drops, with a reader that sleeps and a small ring."""
        konn = self.konn(self.b, "list", "-i", "vb", "--buffer", "64Ki", "-j")
        os.kill(konn.worker(), signal.SIGSTOP)
        sent = self.flood(60000, 200, 0, 50)
        os.kill(konn.worker(), signal.SIGCONT)
        sent += self.flood(20000, 200, 0, 50)
        summary = konn.stop().summary
        self.assert_sums(summary)
        self.assertGreater(summary["ring_drops"], 0)
        self.assertEqual(
            summary["packets"] + summary["ring_drops"] + summary["interface_drops"], sent)
        self.assertEqual(self.b.statistic("vb", "rx_packets"), sent)

    def test_drops_are_an_event(self):
        konn = self.konn(self.b, "watch", "-i", "vb", "--buffer", "64Ki", "-j")
        os.kill(konn.worker(), signal.SIGSTOP)
        self.flood(60000, 200, 0)
        os.kill(konn.worker(), signal.SIGCONT)
        konn.program.wait_line('"event":"drops"', hosts.PATIENCE)
        report = konn.stop()
        told = sum(e["count"] for e in report.events if e["event"] == "drops")
        self.assertEqual(told,
                         report.summary["ring_drops"] + report.summary["interface_drops"])


if __name__ == "__main__":
    if not shutil.which("setpriv"):
        print("skipped: no setpriv")
        sys.exit(netns.SKIP)
    hosts.main()
