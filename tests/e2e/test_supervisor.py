#!/usr/bin/env python3
"""The supervisor with real processes and a real terminal: who ends, what is left, what shows."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns import children, process_state, status_fields, wait_for  # noqa: E402

PROGRAM = os.environ["SUPERVISED"]
LEFT = b"\x1b[?1049l"  # alternate screen left


def gone(pids, reaped=False):
    """They ended; who outlives the supervisor is reaped by init, in its own time."""
    ended = (None,) if reaped else (None, "Z")
    wait_for(lambda: all(process_state(p) in ended for p in pids), f"the end of {pids}", 5)


def worker_of(pid, helper=False):
    """The youngest child, once all are there."""
    kids = wait_for(lambda: (k := sorted(children(pid))) and len(k) == 1 + helper and k, "children")
    return kids[-1]


class WithoutTerminal(unittest.TestCase):
    def start(self, *argv):
        p = subprocess.Popen([PROGRAM, *argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, start_new_session=True)
        self.addCleanup(self.finish, p)
        return p

    @staticmethod
    def finish(p):
        if p.poll() is None:
            p.kill()
        p.communicate()

    def started(self, *argv):
        p = self.start(*argv)
        self.assertEqual(p.stdout.readline(), "started\n")
        return p

    def end_of(self, p):
        out, err = p.communicate(timeout=10)
        return p.returncode, err

    def test_exit_codes(self):
        for helper in ((), ("-H",)):
            for code in (0, 1, 69, 255):
                p = self.start(*helper, "exit", str(code))
                self.assertEqual(self.end_of(p)[0], code)

    def test_crashes_are_told(self):
        for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL, signal.SIGBUS):
            code, err = self.end_of(self.start("-H", "signal", str(int(number))))
            self.assertEqual(code, 70)
            self.assertRegex(err, rf"(?m)^konn: ended by signal {int(number)} \(.+\)$")

    def test_quiet_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
            code, err = self.end_of(self.start("signal", str(int(number))))
            self.assertEqual(code, 128 + number)
            self.assertNotIn("ended by", err)

    def test_signals_are_passed_on(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
            p = self.started("-H", "wait")
            kids = children(p.pid)
            p.send_signal(number)
            self.assertEqual(self.end_of(p)[0], 128 + number)
            gone(kids)

    def test_worker_decides_when_to_end(self):
        p = self.started("-H", "graceful")
        p.send_signal(signal.SIGTERM)
        self.assertEqual(self.end_of(p)[0], 41)

    def test_killed_supervisor_leaves_nothing(self):
        for argv in (("wait",), ("-H", "wait"), ("-t", "-H", "wait"), ("-H", "graceful")):
            p = self.started(*argv)
            kids = children(p.pid)
            self.assertEqual(len(kids), 1 + ("-H" in argv))
            p.kill()
            p.wait()
            gone(kids)

    def test_killed_helper_does_not_end_the_worker(self):
        p = self.started("-H", "wait")
        helper = sorted(children(p.pid))[0]
        os.kill(helper, signal.SIGKILL)
        gone([helper], reaped=True)
        self.assertIsNone(p.poll())
        p.terminate()
        self.assertEqual(self.end_of(p)[0], 143)

    def test_stuck_helper_is_killed(self):
        p = self.started("-H", "wait")
        helper = sorted(children(p.pid))[0]
        os.kill(helper, signal.SIGSTOP)
        p.terminate()
        self.assertEqual(self.end_of(p)[0], 143)
        gone([helper])

    def test_helper_survives_the_groups_signals(self):
        p = self.started("-H", "graceful")
        helper = sorted(children(p.pid))[0]
        for number in (signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP, signal.SIGINT):
            os.kill(helper, number)
        time.sleep(0.05)
        self.assertIn(process_state(helper), "SR")
        p.terminate()
        self.end_of(p)

    def test_helper_answers(self):
        p = self.start("-H", "ask")
        self.assertEqual(p.stdout.readline(), "socket\n")
        self.assertEqual(self.end_of(p)[0], 0)

    def test_unprivileged_user(self):
        p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                            "--inh-caps=-all", "--bounding-set=-all", PROGRAM, "-H", "ask"],
                           capture_output=True, text=True)
        self.assertEqual(p.returncode, 77)
        self.assertIn(f"sudo setcap cap_net_raw+ep {PROGRAM}", p.stdout)
        self.assertIn(f"`sudo {PROGRAM} -H ask`", p.stdout)

    def test_file_reading_keeps_nothing(self):
        p = self.started("wait")
        status = status_fields(worker_of(p.pid))
        self.assertNotIn("0", status["Uid"].split() + status["Gid"].split())
        self.assertEqual(status["Groups"], "")
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)
        # A process that cannot be dumped or traced belongs to root in /proc.
        self.assertEqual(os.stat(f"/proc/{worker_of(p.pid)}/environ").st_uid, 0)
        p.terminate()
        self.end_of(p)

    def test_strict_sandbox_refuses(self):
        """As root of a user namespace with one user nobody else can be become."""
        p = subprocess.run(["unshare", "--user", "--map-root-user", PROGRAM, "exit", "5"],
                           capture_output=True, text=True)
        self.assertEqual(p.returncode, 78, p.stderr)
        self.assertRegex(p.stderr, r"(?m)^konn: cannot ")


class OnTerminal(unittest.TestCase):
    """A shell with job control on a pseudo-terminal, and the program as its job."""

    def setUp(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="READY> ", TERM="xterm")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.seen = b""
        self.addCleanup(self.finish)
        self.expect(b"READY> ")
        self.original = termios.tcgetattr(self.fd)

    def finish(self):
        for kid in children(self.pid):
            try:
                os.kill(kid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def type(self, text):
        os.write(self.fd, text if isinstance(text, bytes) else text.encode() + b"\n")

    def expect(self, pattern, seconds=10):
        """Reads until the pattern shows; returns what came up to it and forgets that."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{pattern} in {self.seen!r}")
            self.seen += os.read(self.fd, 4096)
        text, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return text

    def program(self):
        """Pid of the supervisor."""
        return wait_for(lambda: [p for p in children(self.pid)
                                 if os.path.realpath(f"/proc/{p}/exe") == PROGRAM
                                 and stat_parent(p) == self.pid], "the program")[0]

    def painted(self, *options):
        self.type(" ".join((PROGRAM, "-t", *options, "paint")))
        self.expect(b"painted")
        self.assertNotEqual(termios.tcgetattr(self.fd)[3], self.original[3])
        return self.program()

    def restored(self):
        """The shell's prompt is back on a terminal as it was."""
        text = self.expect(b"READY> ")
        self.assertIn(LEFT, text)
        self.assertIn(b"\x1b[?25h", text)
        self.assertIn(b"\x1b[?1000l", text)
        self.assertEqual(termios.tcgetattr(self.fd)[3], self.original[3])
        return text

    def exit_code(self):
        self.type("echo code=$?")
        return int(re.search(rb"code=(\d+)", self.expect(rb"code=\d+\r\n"))[1])

    def test_crash_gives_the_terminal_back(self):
        for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT):
            pid = self.painted("-H")
            os.kill(worker_of(pid, True), number)
            self.assertIn(b"konn: ended by signal %d" % number, self.restored())
            self.assertEqual(self.exit_code(), 70)

    def test_interrupt_by_key(self):
        pid = self.painted("-H")
        kids = children(pid)
        self.type(b"\x03")
        self.restored()
        gone(kids)

    def test_key_arrives_once(self):
        self.type(f"{PROGRAM} -t -H graceful")
        self.expect(b"started")
        self.type(b"\x03")
        self.expect(b"returned 41")

    def test_stop_and_continue(self):
        pid = self.painted("-H")
        worker = worker_of(pid, True)
        for _ in range(3):
            self.type(b"\x1a")
            self.assertIn(b"Stopped", self.restored())
            self.assertEqual((process_state(pid), process_state(worker)), ("T", "T"))
            self.type("echo still=$((6*7))")
            self.expect(b"still=42")
            self.type("fg")
            self.expect(b"painted")
            wait_for(lambda: termios.tcgetattr(self.fd)[3] != self.original[3], "modes")
        os.kill(pid, signal.SIGTERM)
        self.restored()
        self.assertEqual(self.exit_code(), 143)

    def test_stop_by_signal(self):
        pid = self.painted()
        os.kill(pid, signal.SIGTSTP)
        self.restored()
        self.type("fg")
        self.expect(b"painted")
        os.kill(worker_of(pid), signal.SIGSTOP)
        self.restored()
        self.type("fg")
        self.expect(b"painted")
        self.type(b"\x03")
        self.restored()

    def test_killed_while_in_the_background(self):
        """The terminal is the shell's then: not one byte may reach it."""
        pid = self.painted()
        self.type(b"\x1a")
        self.restored()
        kids = [pid, worker_of(pid)]
        self.type("kill -KILL %1; wait %1; echo over=$?")
        self.assertNotIn(LEFT, self.expect(rb"over=\d+\r\n"))
        gone(kids)

    def test_hangup(self):
        pid = self.painted("-H")
        kids = [pid] + children(pid)
        os.kill(self.pid, signal.SIGHUP)  # the shell passes it to its jobs
        gone(kids)


def stat_parent(pid):
    return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: needs root")
        sys.exit(77)
    unittest.main()
