#!/usr/bin/env python3
"""Owners of sockets against ss, for programs that share, pass on, and drop sockets."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns import Lab, status_fields, wait_for  # noqa: E402

DUMP = os.environ.get("OWNERS_DUMP", "build/tests/e2e/owners_dump")
ESTABLISHED, FIN_WAIT_2, TIME_WAIT = 5, 7, 11  # enum tcp_state
CHANGED, ALL = 1, 2  # enum owners_pass
NOBODY = 65534
# What the programs with sockets share; a child made by fork() ends with its parent.
HEAD = """
import ctypes, os, socket, sys, threading, time
def listen(n=1):
    found = []
    for _ in range(n):
        s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(512); found.append(s)
    return found
def say(*words): os.write(1, (" ".join(map(str, words)) + "\\n").encode())
def inode(s): return os.fstat(s.fileno()).st_ino
def wait(): return sys.stdin.readline().strip()
def fork():
    pid = os.fork()
    if pid == 0: ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG
    return pid
"""
MANY = HEAD + """
server = listen()[0]
udp = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
for s in udp: s.bind(("127.0.0.1", 0))
pairs = []
for _ in range(100):
    c = socket.create_connection(server.getsockname())
    pairs.append((c, server.accept()[0]))
twice = [os.dup(server.fileno()) for _ in range(3)]
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
say("ready", inode(server))
wait()
"""
FORKED = HEAD + """
server = listen()[0]
say("socket", inode(server), os.getpid())
children = []
for _ in range(3):
    pid = fork()
    if pid == 0:
        time.sleep(1000)
    children.append(pid)
say("ready", *children)
wait()
for pid in children: os.kill(pid, 9); os.waitpid(pid, 0)
say("alone")
wait()
"""
# The parent opens and ends; only the child has it.
ORPHANED = HEAD + """
server = listen()[0]
child = os.fork()
if child:
    say("ready", inode(server), os.getpid(), child)
    wait(); os._exit(0)
for fd in (0, 1, 2): os.close(fd)
time.sleep(60)
"""
# The first thread ends, another one goes on.
HEADLESS = HEAD + """
server = listen()[0]
def on():
    time.sleep(0.3)
    say("ready", inode(server))
    time.sleep(1000)
threading.Thread(target=on).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == "x86_64" else 93, 0)
"""
PASSED = HEAD + """
a, b = socket.socketpair()
s = listen()[0]
number = inode(s)
if fork() == 0:
    a.close(); s.close()
    say("child", os.getpid())
    wait()
    got = socket.recv_fds(b, 1, 1)[1]
    say("received")
    time.sleep(1000)
b.close()
socket.send_fds(a, [b"x"], [s.fileno()])
s.close()
say("ready", number)
time.sleep(1000)
"""
SWAP = HEAD + """
s = listen()[0]
say("ready", inode(s))
wait()
s.close()
s = listen()[0]
say("swapped", inode(s))
wait()
"""
WAITING = HEAD + """
server = listen()[0]
c = socket.create_connection(server.getsockname())
say("ready", inode(server), server.getsockname()[1], c.getsockname()[1])
wait()
a = server.accept()[0]
a.close()
say("closed")
wait()
"""


class Dump:
    """owners_dump, asked line by line."""

    def __init__(self, program):
        self.program = program

    def ask(self, line):
        at = len(self.program.out)
        self.program.send(line + "\n")
        wait_for(lambda: len(self.program.out) > at, "an answer: " + self.program.stderr())
        return json.loads(self.program.out[at])

    def scan(self, everything=False):
        status = self.ask("pass all" if everything else "pass")
        if status["r"] != 0:
            raise AssertionError(status)
        return status

    def owner(self, inode, state=0, listener=0, born=0):
        return self.ask(f"ask {inode} {state} {listener} {born}")

    def born(self):
        return self.ask("born")["born"]

    def process(self, pid):
        return self.ask(f"process {pid}")


def socket_lines(ns, *options):
    """What ss knows: per socket its inode, state, ports and {pid: lowest descriptor}."""
    found = []
    for line in ns.run(["ss", "-tuanpeH", *options]).stdout.splitlines():
        users = {}
        for pid, fd in re.findall(r'pid=(\d+),fd=(\d+)\)', line):
            users[int(pid)] = min(int(fd), users.get(int(pid), 1 << 30))
        inode = re.search(r"\bino:(\d+)", line)
        words = line.split()
        found.append({
            "inode": int(inode[1]) if inode else 0, "state": words[1], "users": users,
            "ports": (int(words[4].rsplit(":", 1)[1]), words[5].rsplit(":", 1)[1]),
        })
    return found


class Owners(unittest.TestCase):
    def setUp(self):
        self.lab = Lab("own")
        self.addCleanup(self.lab.close)
        self.ns = self.lab.namespace("a")

    def program(self, code, *prefix):
        """A Python program and the words of its line "ready", as numbers."""
        program = self.ns.start([*prefix, sys.executable, "-c", code])
        words = program.wait_line(r"^ready(.*)")[1].split()
        return program, [int(w) for w in words]

    def dump(self, *prefix):
        """From a place that every user can reach."""
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        return Dump(self.ns.start([*prefix, shutil.copy(DUMP, folder)]))

    def compare(self, dump, least):
        """Each socket of the namespace has the owners that ss gives. Returns how many."""
        lines = [s for s in socket_lines(self.ns) if s["inode"]]
        self.assertGreaterEqual(len(lines), least)
        for s in lines:
            fact = dump.owner(s["inode"])
            self.assertEqual(dict(fact["owners"]), s["users"], s)
            self.assertEqual([p for p, _ in fact["owners"]], sorted(s["users"]))
            if s["users"]:
                self.assertEqual(fact["pid"], min(s["users"]))
                self.assertEqual(fact["count"], len(s["users"]))
                self.assertEqual((fact["via"], fact["confidence"]), ("proc", "certain"))
        return len(lines)


class Sharing(Owners):
    def test_many(self):
        """Hundreds of sockets of several programs, also of another user's."""
        self.program(MANY)
        self.program(MANY, "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
                     "--clear-groups")
        self.program(FORKED)
        dump = self.dump()
        dump.scan()
        self.compare(dump, 500)

    def test_forked(self):
        program, children = self.program(FORKED)
        inode = int(program.wait_line(r"socket (\d+)")[1])
        dump = self.dump()
        dump.scan()
        fact = dump.owner(inode)
        self.assertEqual(fact["count"], 4)
        self.assertEqual([p for p, _ in fact["owners"]], sorted([program.pid] + children))
        program.send("end them\n")
        program.wait_line("alone")
        dump.scan()
        self.assertEqual(dump.owner(inode)["owners"], [[program.pid, fact["fd"]]])

    def test_parent_ended(self):
        program, (inode, parent, child) = self.program(ORPHANED)
        self.addCleanup(os.kill, child, 9)
        dump = self.dump()
        dump.scan()
        self.assertEqual([p for p, _ in dump.owner(inode)["owners"]], sorted([parent, child]))
        program.send("end\n")
        program.process.wait(timeout=10)
        dump.scan()
        self.assertEqual([p for p, _ in dump.owner(inode)["owners"]], [child])

    def test_first_thread_ended(self):
        program, (inode,) = self.program(HEADLESS)
        wait_for(lambda: status_fields(program.pid)["State"].startswith("Z"), "its first thread")
        dump = self.dump()
        dump.scan()
        self.assertEqual([p for p, _ in dump.owner(inode)["owners"]], [program.pid])


class Moving(Owners):
    def test_passed(self):
        """On its way nobody has it open; then the receiver has."""
        program, (inode,) = self.program(PASSED)
        child = int(program.wait_line(r"child (\d+)")[1])
        dump = self.dump()
        status = dump.scan()
        fact = dump.owner(inode)
        # Some machines keep a process even from root: then it might be that one's.
        reason = "no_permission" if status["denied"] else "no_descriptor"
        self.assertEqual((fact["pid"], fact["reason"]), (0, reason))
        program.send("take it\n")
        program.wait_line("received")
        status = dump.scan()
        self.assertLess(status["walked"], status["processes"])
        self.assertEqual([p for p, _ in dump.owner(inode)["owners"]], [child])

    def test_same_number(self):
        """One closed, another opened: only a pass of all finds it, and it is asked for."""
        program, (old,) = self.program(SWAP)
        dump = self.dump()
        dump.scan()
        self.assertEqual(dump.owner(old)["pid"], program.pid)
        program.send("swap\n")
        new = int(program.wait_line(r"swapped (\d+)")[1])
        born = dump.born()
        passes = []
        for _ in range(3):
            fact = dump.owner(new, born=born)
            if fact["pid"]:
                break
            self.assertEqual(fact["reason"], "not_searched")
            passes.append(fact["wanted"])
            dump.scan()
        self.assertEqual(fact["pid"], program.pid)
        self.assertIn(passes, ([CHANGED, ALL], [CHANGED]))
        self.assertEqual(dump.owner(old)["owners"], [])

    def test_not_accepted(self):
        program, (listener, port, client_port) = self.program(WAITING)
        dump = self.dump()
        dump.scan()
        end = [s for s in socket_lines(self.ns) if s["ports"] == (port, str(client_port))]
        self.assertEqual([s["inode"] for s in end], [0])
        fact = dump.owner(0, ESTABLISHED, listener)
        self.assertEqual(fact["pid"], program.pid)
        self.assertEqual((fact["via"], fact["confidence"], fact["reason"]),
                         ("listener", "inherited", "not_accepted"))
        program.send("accept and close\n")
        program.wait_line("closed")
        end = [s for s in socket_lines(self.ns) if s["ports"] == (port, str(client_port))]
        self.assertEqual([(s["inode"], s["state"]) for s in end], [(0, "FIN-WAIT-2")])
        self.assertEqual(dump.owner(0, FIN_WAIT_2)["reason"], "orphan")
        self.assertEqual(dump.owner(0, TIME_WAIT)["reason"], "time_wait")

    def test_ended(self):
        program, (inode, *_) = self.program(MANY)
        dump = self.dump()
        dump.scan()
        held = dump.scan()["held"]
        self.assertEqual(dump.owner(inode)["pid"], program.pid)
        program.kill()
        status = dump.scan()
        self.assertEqual(dump.owner(inode)["pid"], 0)
        self.assertLess(status["held"], held - 200)


class Permission(Owners):
    def test_unprivileged(self):
        """Own processes only, and why nothing of the others."""
        nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
        _, (theirs, *_) = self.program(MANY)
        own, (ours, *_) = self.program(MANY, *nobody)
        dump = self.dump(*nobody)
        status = dump.scan()
        self.assertGreater(status["denied"], 0)
        self.assertEqual(dump.owner(ours)["pid"], own.pid)
        fact = dump.owner(theirs)
        self.assertEqual((fact["pid"], fact["reason"]), (0, "no_permission"))
        again = dump.scan()
        # Other programs of this machine come and go; ours did not change.
        self.assertLess(again["descriptors"], status["descriptors"] / 2)
        self.assertGreater(again["denied"], 0)
        self.assertEqual(dump.owner(theirs)["reason"], "no_permission")

    def test_two_capabilities(self):
        """Either alone gives nothing of others; both give everything."""
        caps = "+sys_ptrace,+dac_read_search"
        for wanted, allowed in ((caps, True), ("+sys_ptrace", False), ("+dac_read_search", False)):
            _, (theirs, *_) = self.program(MANY)
            dump = self.dump("setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY),
                             "--clear-groups", "--inh-caps", wanted, "--ambient-caps", wanted)
            dump.scan()
            self.assertEqual(dump.owner(theirs)["pid"] != 0, allowed, wanted)

    def test_hidden(self):
        """Where others are not even listed, it says so."""
        _, (theirs, *_) = self.program(MANY)
        dump = self.dump("unshare", "--mount", "sh", "-c",
                         "mount -t proc -o hidepid=2 none /proc && exec setpriv --reuid "
                         f"{NOBODY} --regid {NOBODY} --clear-groups $0")
        status = dump.scan()
        self.assertTrue(status["hidden"])
        self.assertEqual(dump.owner(theirs)["reason"], "no_permission")

    def test_inner_namespace(self):
        """Processes outside the pid namespace cannot be seen, and it says so."""
        _, (theirs, *_) = self.program(MANY)
        program = self.ns.start(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", DUMP])
        dump = Dump(program)
        self.assertTrue(dump.scan()["inner"])
        self.assertEqual(dump.owner(theirs)["reason"], "other_pid_namespace")


class Processes(Owners):
    def test_facts(self):
        """Against /proc and ps of programs of two users."""
        for prefix in ((), ("setpriv", "--reuid", str(NOBODY), "--clear-groups")):
            program, _ = self.program(SWAP, *prefix)
            fact = self.dump().process(program.pid)
            ids = status_fields(program.pid)["Uid"].split()
            self.assertEqual((fact["uid"], fact["euid"]), (int(ids[0]), int(ids[1])))
            self.assertEqual(fact["parent"], os.getpid())
            self.assertEqual(fact["exe"], os.readlink(f"/proc/{program.pid}/exe"))
            self.assertEqual(fact["netns"], os.stat(self.ns.path).st_ino)
            ps = subprocess.run(["ps", "-o", "comm=", "-p", str(program.pid)],
                                capture_output=True, text=True, check=True)
            self.assertEqual(fact["comm"], ps.stdout.rstrip("\n"))
            self.assertTrue(fact["cmdline"].startswith(f"{sys.executable} -c \\x0a"))

    def test_deleted_and_hostile(self):
        """A program that was removed, with escape codes in its name and arguments."""
        path = f"/tmp/{self.lab.name}"
        subprocess.run(["cp", "/bin/sleep", path], check=True)
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        code = ("import os, ctypes; os.execv(" + repr(path)
                + ", [b'\\x1b[2J\"\\xff', '1000'])")
        program = self.ns.start([sys.executable, "-c", code])
        wait_for(lambda: os.readlink(f"/proc/{program.pid}/exe") == path, "exec")
        self.assertEqual(self.dump().process(program.pid)["deleted"], 0)
        os.unlink(path)
        fact = self.dump().process(program.pid)
        self.assertEqual((fact["deleted"], fact["exe"]), (1, path))
        self.assertEqual(fact["cmdline"], '\\x1b[2J"\\xff 1000')

    def test_kernel_thread(self):
        fact = self.dump().process(2)
        if fact["r"] != 0 or fact.get("comm") != "kthreadd":
            self.skipTest("no kernel threads to be seen here")
        self.assertEqual(fact["kernel"], 1)
        self.assertNotIn("exe", fact)
        self.assertNotIn("cmdline", fact)


if __name__ == "__main__":
    unittest.main()
