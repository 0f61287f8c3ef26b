"""Runs a full-screen program in a pseudo-terminal and looks at its screen (pyte)."""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte

PATIENCE = 30.0  # seconds; generous, because nothing here measures speed

KEYS = {
    "Up": "\x1bOA", "Down": "\x1bOB", "Right": "\x1bOC", "Left": "\x1bOD",
    "Home": "\x1bOH", "End": "\x1bOF", "PgUp": "\x1b[5~", "PgDn": "\x1b[6~",
    "Del": "\x1b[3~", "Enter": "\r", "Esc": "\x1b", "F1": "\x1bOP", "F4": "\x1bOS",
    "F6": "\x1b[17~", "Backspace": "\x7f",
}


class Screen(pyte.Screen):
    """pyte's screen with what curses uses and pyte lacks: scrolling, repeated characters."""

    last = " "

    def draw(self, data):
        if data:
            self.last = data[-1]
        super().draw(data)

    def scroll_up(self, count=1):
        self.scroll(count or 1, self.delete_lines)

    def scroll_down(self, count=1):
        self.scroll(count or 1, self.insert_lines)

    def scroll(self, count, how):
        """Lines leave the margins at the top when the first ones are deleted, and so on."""
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        how(count)
        self.cursor.x, self.cursor.y = x, y

    def repeat(self, count=1):
        super().draw(self.last * (count or 1))


class Stream(pyte.ByteStream):
    csi = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down", "b": "repeat"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down", "repeat"}


class Tui:
    """One program on one terminal. Use as a context manager: it ends with the block."""

    def __init__(self, argv, cols=80, rows=24, term="xterm-256color", env=None, utf8=True):
        self.argv = argv
        self.screen = Screen(cols, rows)
        self.stream = Stream(self.screen)
        self.raw = bytearray()  # everything that was written
        self.status = None
        self.env = {
            "TERM": term,
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LC_ALL": "C.UTF-8" if utf8 else "C",
            "TZ": "UTC",
            **(env or {}),
        }
        self.start(cols, rows)

    def start(self, cols, rows):
        """The terminal stays open here, so that its modes can be looked at afterwards."""
        self.master, self.slave = pty.openpty()
        self.set_size(cols, rows)
        self.modes = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
                for fd in (0, 1, 2):
                    os.dup2(self.slave, fd)
                os.closerange(3, 256)
                os.execvpe(self.argv[0], self.argv, self.env)
            finally:
                os._exit(127)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        os.close(self.slave)

    def set_size(self, cols, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def resize(self, cols, rows):
        """The kernel sends SIGWINCH."""
        self.screen.resize(rows, cols)
        self.set_size(cols, rows)

    def feed(self, seconds=0.0):
        """Reads what was written; waits at most so long for the first of it."""
        got = False
        while select.select([self.master], [], [], 0.0 if got else seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return got
            if not data:
                return got
            got = True
            self.raw += data
            self.stream.feed(data)
        return got

    def settle(self, quiet=0.3):
        """Reads until nothing comes for a while (or forever something does: 3 s)."""
        end = time.monotonic() + 3
        while self.feed(quiet) and time.monotonic() < end:
            pass

    def keys(self, *keys):
        for key in keys:
            os.write(self.master, KEYS.get(key, key).encode())
            # Esc alone is told from a sequence by the time that follows
            time.sleep(0.06 if key == "Esc" else 0)

    def lines(self):
        return list(self.screen.display)

    def text(self):
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait(self, what, patience=PATIENCE):
        """Until the screen has a text, or `what(self)` is true."""
        test = (lambda t: what in t.text()) if isinstance(what, str) else what
        end = time.monotonic() + patience
        while True:
            self.feed(0.05)
            if test(self):
                return
            if self.poll() is not None:
                self.feed(0.1)
                if test(self):
                    return
                raise AssertionError(f"ended with {self.status} before {what!r}\n{self.text()}")
            if time.monotonic() > end:
                raise AssertionError(f"no {what!r} on the screen:\n{self.text()}")

    def wait_gone(self, text):
        self.wait(lambda t: text not in t.text())

    def poll(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
        return self.status

    def end(self, patience=PATIENCE):
        """Waits for the program's end; its exit code."""
        end = time.monotonic() + patience
        while self.poll() is None:
            self.feed(0.05)
            if time.monotonic() > end:
                raise AssertionError("it does not end:\n" + self.text())
        self.feed(0.1)
        return os.waitstatus_to_exitcode(self.status)

    def restored(self):
        """True when the terminal's modes are what they were before."""
        return termios.tcgetattr(self.slave) == self.modes

    def reversed_rows(self):
        """Numbers of the lines that are drawn in reverse from their first column on."""
        return [
            y for y in range(self.screen.lines)
            if all(self.screen.buffer[y][x].reverse for x in range(min(8, self.screen.columns)))
        ]


def main(tests):
    """Runs the functions given, prints TAP-like lines; exit code 1 when one failed."""
    failed = 0
    only = os.environ.get("ONLY")
    for test in tests:
        if only and only not in test.__name__:
            continue
        try:
            test()
            print("ok", test.__name__, flush=True)
        except AssertionError as error:
            failed += 1
            print("not ok", test.__name__, "\n", error, flush=True)
    sys.exit(1 if failed else 0)
