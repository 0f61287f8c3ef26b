"""The full screen and its terminal: kinds, sizes, colours, signals, hostile text, mouse."""

import base64
import os
import random
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from demo import DEMO, NEVER, check, demo, quits, selected  # noqa: E402
from harness import Tui  # noqa: E402


def test_no_color():
    for args, env in (((), {"NO_COLOR": "1"}), (("-m",), {})):
        with demo(*args, env=env) as t:
            t.wait("of 60")
            t.keys("j")
            t.settle()
            check(not re.search(rb"\x1b\[[0-9;]*(3[1-7]|9[0-7])m", bytes(t.raw)), t, "no colour")
            check(t.reversed_rows(), t, "the selection is seen nevertheless")
            quits(t)


def test_color_means_something():
    with demo("-t", "50", "-n", "400") as t:
        t.wait("of 400")
        t.keys("s", "Home")
        t.wait("Sort by")
        t.keys("Esc")
        t.wait("CLIENT")
        wanted = {"32": "new", "33": "changed", "31": "gone or trouble"}
        t.keys(">", ">", ">")
        t.wait(lambda t: all(re.search(rb"\x1b\[[0-9;]*%sm" % code.encode(), bytes(t.raw))
                             for code in wanted))
        quits(t)


def test_terminals():
    for term, utf8 in (("vt100", False), ("linux", True), ("xterm-256color", True),
                       ("screen", True), ("tmux-256color", True)):
        if subprocess.call(["infocmp", term], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL):
            continue
        with demo(term=term, utf8=utf8) as t:
            t.wait("CLIENT")
            t.keys("h")
            t.wait("Settings now")
            t.keys("q")
            t.wait("CLIENT")
            if not utf8:
                check(all(b < 0x80 for b in t.raw), t, f"{term}: only ASCII")
            quits(t)


def test_refuses_what_it_cannot_use():
    for term, words in (("", "TERM"), ("nonsense-9", "unknown terminal"), ("dumb", "dumb")):
        with demo(term=term) as t:
            check(t.end() == 64, t, "exit 64")
            check("konn list" in t.text() and words in t.text(), t, "says what to do")
            check(b"\x1b" not in t.raw, t, "the terminal is left alone")
    done = subprocess.run([DEMO], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 64 and b"konn list" in done.stderr and not done.stdout, done


def test_resizes():
    rng = random.Random(7)
    with demo("-t", "30", "-n", "300") as t:
        t.wait("of 300")
        for i in range(500):
            cols, rows = rng.choice([(1, 1), (rng.randint(1, 60), rng.randint(1, 20)),
                                     (rng.randint(1, 500), rng.randint(1, 500))])
            t.resize(cols, rows)
            if i % 10 == 0:
                t.keys(rng.choice(["j", "G", "Enter", "h", "s", "PgDn", "f", "/"]))
                t.keys("Esc")
            t.feed(0.005)
            check(t.poll() is None, t, f"alive after {i} resizes, at {cols}x{rows}")
        t.resize(80, 24)
        t.settle()
        t.keys("Esc", "Esc", "Esc", "\x0c")
        t.wait("of 300")
        t.wait(lambda t: "CLIENT" in t.lines()[2] and "q quit" in t.lines()[23])
        t.resize(120, 40)
        t.wait(lambda t: "q quit" in t.lines()[39] and "q quit" not in t.lines()[23])
        quits(t)


def test_hostile_text():
    with demo("-h", "-t", NEVER, cols=200, rows=50) as t:
        t.wait("of 60")
        t.keys("j", "Enter")
        t.wait("interface")
        t.settle()
        t.keys("q")
        t.wait("IFACE")
        raw = bytes(t.raw)
        for bad in (b"\x1b[2J\x1b[31mX", b"\x1b]0;", "\u202e".encode(), b"\xff\xfe", b"\x9b2J"):
            check(bad not in raw, t, f"{bad!r} reached the terminal")
        check("中文" in t.text(), t, "wide characters that are harmless are shown")
        check(r"\x1b" in t.text(), t, "others are shown as escapes")
        # wide characters move nothing: the bar ends where the screen ends
        check(all(len(l) <= 200 for l in t.lines()), t, "width")
        quits(t)


def test_copy():
    with demo("-t", NEVER) as t:
        t.wait("of 60")
        t.keys("j", "y")
        t.wait("copied")
        copied = re.search(rb"\x1b\]52;c;([A-Za-z0-9+/=]+)\x07", bytes(t.raw))
        check(copied, t, "OSC 52")
        check(selected(t)[0] in base64.b64decode(copied[1]).decode(), t, "the row")
        quits(t)
    with demo("-t", NEVER, term="linux") as t:
        t.wait("of 60")
        t.keys("j", "y")
        t.wait("no clipboard")
        check(b"\x1b]52" not in t.raw, t, "a console would print it")
        quits(t)


def test_mouse():
    with demo("-n", "300", "-t", NEVER) as t:
        t.wait("1–19 of 300")
        t.keys("\x1b[<0;10;6M\x1b[<0;10;6m")
        t.wait(lambda t: t.reversed_rows() == [5])
        t.keys("\x1b[<65;10;6M")
        t.wait(lambda t: t.reversed_rows() == [8])
        x = t.lines()[2].index("IDLE") + 2
        t.keys(f"\x1b[<0;{x};3M\x1b[<0;{x};3m")
        t.wait("by IDLE")
        quits(t)


def test_suspend():
    with demo("-t", "60") as t:
        t.wait("of 60")
        t.keys("\x1a")
        t.wait(lambda t: os.waitid(os.P_PID, t.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT))
        t.feed(0.2)
        check(t.restored(), t, "the shell gets its terminal")
        check(t.raw.rstrip().endswith(b"\x1b>") or b"\x1b[?1049l" in t.raw, t, "screen left")
        t.resize(100, 30)
        os.kill(t.pid, signal.SIGCONT)
        t.wait(lambda t: "q quit" in t.lines()[29])
        quits(t)


def test_interrupt_quits_anywhere():
    for before in ((), ("h",), ("f", "abc"), ("s",), ("j", "Enter")):
        with demo("-t", "60") as t:
            t.wait("of 60")
            t.keys(*before)
            t.settle(0.05)
            quits(t, "\x03")


def test_hang_up():
    t = Tui([DEMO, "-t", "60"])
    t.wait("of 60")
    os.close(t.slave)
    os.close(t.master)
    pid, status = os.waitpid(t.pid, 0)
    assert pid == t.pid and (os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGHUP), status


harness.main([f for name, f in sorted(globals().items()) if name.startswith("test_")])
