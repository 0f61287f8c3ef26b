#!/usr/bin/env python3
"""The walk over all files against ss; loading, its refusals, its bounds, and what it leaves behind."""
import json
import os
import re
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import owners_bpf  # noqa: E402
from netns import wait_for  # noqa: E402
from owners_bpf import Dump, Owners, cookie_of, in_child, listener  # noqa: E402

PROGRAMS = {"konn_walk", "konn_created", "konn_released", "konn_destroyed", "konn_sent",
            "konn_received"}
MAPS = {"konn_owners", "konn_ended", "konn_counts"}


def loaded_names():
    """Programs, maps and links of ours that the kernel has."""
    def names(kind):
        done = subprocess.run([owners_bpf.BPFTOOL, "-j", kind, "list"], capture_output=True, text=True,
                              check=True)
        return json.loads(done.stdout)
    programs = {p["id"]: p.get("name") for p in names("prog")}
    ours = {i for i, name in programs.items() if name in PROGRAMS}
    return (sorted(programs[i] for i in ours),
            sorted(m["name"] for m in names("map") if m.get("name") in MAPS),
            sorted(l["id"] for l in names("link") if l.get("prog_id") in ours))


class Walk(Owners):
    def test_as_ss_says(self):
        """Every socket of the namespace with every holder, as ss finds them in /proc."""
        with self.ns.inside():
            sockets = [listener(kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) * 40]
            sockets += [socket.create_connection(sockets[0].getsockname()) for _ in range(20)]
            stop_read, stop_write = os.pipe()
            holder = in_child(lambda: {"x": os.read(stop_read, 1).decode()})
            with Dump("-t") as dump:
                told = {(f["cookie"], f["inode"], f["process"]["pid"], f["fd"], f["netns"])
                        for f in dump.ask("walk")}
            listed = subprocess.run(["ss", "-tuanpeH"], capture_output=True, text=True, check=True)
            netns_inode = os.stat(self.ns.path).st_ino
        os.write(stop_write, b"x")
        holder()
        seen = set()
        for line in listed.stdout.splitlines():
            inode, cookie = re.search(r"\bino:(\d+)\b.*\bsk:([0-9a-f]+)", line).groups()
            for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line):
                seen.add((int(cookie, 16), int(inode), int(pid), int(fd), netns_inode))
        self.assertEqual({t for t in told if t[4] == netns_inode}, seen)
        self.assertEqual(len(seen), 2 * len(sockets))
        for sock in sockets:
            sock.close()
        os.close(stop_read)
        os.close(stop_write)

    def test_user_and_cgroup(self):
        """uid, euid and the cgroup2 of a process that is not root."""
        with self.ns.inside():
            stop_read, stop_write = os.pipe()

            def work():
                os.setresgid(65534, 65534, 65534)
                os.setresuid(65534, 1000, 65534)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    os.write(ready_write, b"x")
                    os.read(stop_read, 1)
                    return {"cookie": cookie_of(sock)}

            ready_read, ready_write = os.pipe()
            user = in_child(work)
            os.read(ready_read, 1)
            with Dump("-t") as dump:
                facts = dump.ask("walk")
            os.write(stop_write, b"x")
            cookie = user()["cookie"]
        fact = next(f for f in facts if f["cookie"] == cookie)
        self.assertEqual((fact["process"]["uid"], fact["process"]["euid"]), (65534, 1000))
        with open("/proc/self/cgroup") as f:
            path = next(line[3:].strip() for line in f if line.startswith("0::"))
        with open("/proc/mounts") as f:
            root = next((m.split()[1] for m in f if m.split()[2] == "cgroup2"), None)
        if root:
            self.assertEqual(fact["process"]["cgroup_id"], os.stat(root + path).st_ino)


class Loading(Owners):
    def test_leaves_nothing(self):
        before = loaded_names()
        with Dump() as dump:
            during = loaded_names()
            self.assertEqual(set(during[0]), PROGRAMS)
            self.assertEqual(set(during[1]), MAPS)
            self.assertEqual(len(during[2]) - len(before[2]), len(PROGRAMS))
            dump.ask("walk")
        wait_for(lambda: loaded_names() == before, "everything to be unloaded")
        with Dump() as dump:
            dump.process.send_signal(signal.SIGKILL)
            dump.process.wait()
        wait_for(lambda: loaded_names() == before, "the kernel to clean up after a crash")

    def test_parts_that_are_not_permitted(self):
        def without(*capabilities):
            drop = ",".join("-" + c for c in capabilities)
            return ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"]

        with Dump(before=without("net_admin", "sys_admin")) as dump:
            status = dump.status
            self.assertEqual((status["load"], status["walk"]), (0, True), status)
            self.assertEqual((status["table"], status["io"]), (False, False), status)
            self.assertIn("CAP_NET_ADMIN", status["no_table"])
            self.assertEqual(status["no_io"], "needs the table of sockets")
            self.assertIsInstance(dump.ask("walk"), list)
            self.assertEqual((dump.ask("drain"), dump.done["done"]), ([], 0))
        with Dump(before=without("bpf", "sys_admin")) as dump:
            self.assertLess(dump.status["load"], 0)
            self.assertIn("CAP_BPF", dump.status["no_walk"])
        with Dump(before=["unshare", "--pid", "--fork", "--mount-proc"]) as dump:
            self.assertLess(dump.status["load"], 0)
            self.assertIn("pid namespace", dump.status["no_walk"])

    def test_hidden_cgroup(self):
        """`ip netns exec` hides cgroup2; the table works all the same."""
        with Dump(before=["ip", "netns", "exec", self.ns.name]) as dump, self.ns.inside():
            self.assertTrue(dump.status["table"], dump.status)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                self.assertEqual(dump.find(cookie_of(sock))["via"], "bpf_create")

    def test_bounded(self):
        """What does not fit into the table and the ring is counted."""
        with self.ns.inside():
            with Dump("-s", "16") as dump:
                noted = dump.counts()["noted"]
                sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
                counts = dump.counts()
                self.assertLessEqual(counts["noted"] - noted, 16)
                self.assertGreaterEqual(counts["table_full"], 34)
                for sock in sockets:
                    sock.close()
            with Dump("-r", "65536") as dump:
                self.assertEqual((dump.ask("wait 0"), dump.done["done"]), ([], 0))
                for _ in range(1000):
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
                dump.ask("wait 1000")
                self.assertEqual(dump.done["done"], 1)
                kept = len(dump.ask("drain"))
                counts = dump.counts()
                self.assertGreater(counts["ring_full"], 0)
                self.assertEqual(counts["ended"], kept)
                self.assertGreaterEqual(counts["ended"] + counts["ring_full"], 1000)


if __name__ == "__main__":
    owners_bpf.run()
