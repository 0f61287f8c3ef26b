"""The full screen over made-up connections (tui_demo): what it shows, and its keys."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from demo import NEVER, check, demo, quits, selected  # noqa: E402


def test_base_size():
    with demo("-D") as t:
        t.wait("of 60")
        first, second = t.lines()[0], t.lines()[1]
        for part in ("konn", "web-1", "22:13:", "in ", "out ", "B/s"):
            check(part in first, t, f"{part!r} in the header")
        for part in ("60 connections", "est 4", "syn 3", "udp", "icmp", "! 12 drops"):
            check(part in second, t, f"{part!r} in the counts")
        check(re.search(r"CLIENT +SERVER +PROT +STATE +IDLE +IN/s +OUT/s *▼TOTAL", t.lines()[2]),
              t, "titles")
        for y in range(3, 22):
            check(re.match(r". \S+ +\S+ +(tcp|udp|icmp) ", t.lines()[y]), t, f"one line a row: {y}")
        check("q quit" in t.lines()[23] and "h help" in t.lines()[23], t, "keys in the footer")
        quits(t)


def test_wide_uses_the_width():
    with demo(cols=200, rows=50) as t:
        t.wait("of 60")
        titles = t.lines()[2]
        for title in ("RATE", "PKTS", "AGE", "C PKTS", "S PKTS"):
            check(title in titles, t, title)
        check("[2a00:1450:4001:0:" in t.text() and "…" not in t.text(), t, "whole addresses")
        quits(t)


def test_small():
    with demo(cols=40, rows=10) as t:
        t.wait("of 60")
        check(len([l for l in t.lines() if re.match(r". \S+ +\S+ +\S", l)]) >= 6, t, "six rows")
        check("…" in t.text(), t, "addresses are shortened in the middle")
        check(re.search(r"\d…|…\d|…\.", t.text()), t, "both ends of an address are there")
        quits(t)


def test_selection_follows_the_connection():
    with demo("-n", "300", "-t", NEVER, cols=120) as t:
        t.wait("of 300")
        t.keys("j", "j", "j")
        t.settle()
        mine = selected(t)
        for key in ("r", "<", "<", ">", "r", ">", "r"):
            t.keys(key)
            t.settle()
            check(selected(t) == mine, t, f"still {mine} after {key}")
        quits(t)


def test_selection_follows_while_it_moves():
    with demo("-n", "40", "-t", "60", cols=120) as t:
        t.wait("of 40")
        t.keys("<", "<", "j", "j")
        t.settle()
        t.keys("p")
        t.wait("PAUSED")
        t.settle()
        mine = selected(t)
        y = t.reversed_rows()
        t.keys("p")
        t.wait_gone("PAUSED")
        # either it goes on being selected elsewhere, or it says that it left
        t.wait(lambda t: t.reversed_rows() != y)
        t.settle(0.01)
        if t.reversed_rows():
            check(selected(t) == mine, t, f"still {mine}")
        else:
            check("left the list" in t.text(), t, "it says so")
        quits(t)


def test_page_may_stay():
    with demo("-n", "300", "-t", NEVER) as t:
        t.wait("of 300")
        t.keys("j", "F")
        t.wait("stays put")
        t.keys("r")
        t.wait("not on this page")
        check(t.reversed_rows() == [], t, "nothing else is selected in its place")
        t.keys("r")
        t.wait(lambda t: len(t.reversed_rows()) == 1)
        quits(t)


def test_moves_and_ends():
    with demo("-n", "300", "-t", NEVER) as t:
        t.wait("1–19 of 300")
        t.keys("G")
        t.wait("282–300 of 300")
        check(t.reversed_rows() == [21], t, "the last row")
        t.keys("j", "PgDn", "j", "\x04")
        t.settle()
        check("282–300 of 300" in t.text() and t.reversed_rows() == [21], t, "not past the end")
        t.keys("g")
        t.wait("1–19 of 300")
        check(t.reversed_rows() == [3], t, "the first row")
        t.keys("k", "PgUp", "Up", "\x15")
        t.settle()
        check(t.reversed_rows() == [3], t, "not before the first")
        t.keys("PgDn", "\x06")
        t.wait(lambda t: "of 300" in t.text() and "1–19" not in t.text())
        t.keys("Home")
        t.wait("1–19 of 300")
        t.keys("End")
        t.wait("282–300 of 300")
        quits(t)


def test_sort_menu_and_columns():
    with demo("-t", NEVER, cols=120) as t:
        t.wait("by TOTAL")
        t.keys("s")
        t.wait("Sort by")
        t.keys("j", "Enter")
        t.wait("by PKTS ▼")
        t.keys("r")
        t.wait("by PKTS ▲")
        t.keys("C")
        t.wait("[x] pkts")
        t.keys(" ")
        t.wait("[ ] pkts")
        t.keys("Enter")
        t.wait("CLIENT")
        t.keys("F6")
        t.wait("Sort by")
        t.keys("Esc")
        t.wait("CLIENT")
        quits(t)


def test_filter():
    with demo("-t", NEVER) as t:
        t.wait("of 60")
        t.keys("f", "statee = established")
        t.wait("filter: statee = established")
        t.wait(lambda t: "^" in t.lines()[23])
        check(t.lines()[23].index("^") == len("filter: "), t, "the caret is under the fault")
        check("state" in t.lines()[23], t, "the nearest field is named")
        t.keys("Enter")
        t.settle()
        check("filter: statee" in t.lines()[22], t, "a wrong filter is not applied")
        t.keys("\x15", "proto = icmp")
        t.wait("Enter applies")
        t.keys("Enter")
        t.wait("3 (60 in all)")
        check("filter: proto = icmp" in t.text(), t, "it is shown")
        check(all(" icmp " in t.lines()[y] for y in (3, 4, 5)), t, "only those")
        t.keys("f", " and port 1", "Enter")
        t.wait("None of 60 connections matches")
        t.keys("Del")
        t.wait("1–19 of 60")
        t.keys("a")
        t.wait("established only")
        check("icmp" not in "\n".join(t.lines()[3:20]), t, "established only")
        t.keys("a")
        t.wait("1–19 of 60")
        t.keys("F4", "udp", "Esc")
        t.wait("1–19 of 60")
        quits(t)


def to_column(t, title):
    """Moves the cell cursor to the left until it is on a column."""
    for _ in range(30):
        at = t.lines()[2].find(title)
        if at >= 0 and t.screen.buffer[2][at].reverse:
            return
        t.keys("Left")
        t.settle()
    check(False, t, f"the cursor reaches {title}")


def test_filter_on_the_cell():
    with demo("-t", NEVER) as t:
        t.wait("of 60")
        t.keys("j")
        to_column(t, "PROT")
        t.keys("x")
        t.wait("filter: proto = tcp")
        t.keys("Del", "X")
        t.wait("not (proto = tcp)")
        t.wait(lambda t: " tcp " not in "\n".join(t.lines()[3:20]))
        t.keys("Del")
        t.wait("1–19 of 60")
        t.keys("g")
        to_column(t, "CLIENT")
        client = selected(t)[0].rsplit(":", 1)[0]
        t.keys("x")
        t.wait(f"filter: src host {client}")
        t.wait(lambda t: client in t.lines()[3])
        quits(t)


def test_search():
    with demo("-n", "300", "-t", NEVER) as t:
        t.wait("of 300")
        t.keys("G")
        t.wait("282–300")
        last = selected(t)[0]
        t.keys("g")
        t.wait("1–19 of 300")
        t.keys("/", last, "Enter")
        t.wait(lambda t: any(last in t.lines()[y] for y in t.reversed_rows()))
        t.keys("n")  # around the end to itself
        t.settle()
        check(selected(t)[0] == last, t, "the next match is the only one")
        t.keys("/", "no such thing", "Enter")
        t.wait("not found: no such thing")
        t.keys("/", "udp", "Enter")
        t.wait(lambda t: any(" udp " in t.lines()[y] for y in t.reversed_rows()))
        one = selected(t)
        t.keys("n")
        t.settle()
        two = selected(t)
        check(one != two, t, "another one")
        t.keys("N")
        t.settle()
        check(selected(t) == one, t, "back")
        quits(t)


def test_details():
    with demo("-t", "60") as t:
        t.wait("of 60")
        t.keys("j", "Enter")
        t.wait("Both sides")
        check(" → " in t.lines()[2], t, "who talks to whom")
        check("community_id" in t.text(), t, "columns that the list does not show")
        t.keys("G")
        t.wait("history")
        t.keys("y")
        t.wait("copied")
        t.keys("Esc")
        t.wait("CLIENT")
        check(selected(t), t, "still selected")
        quits(t)


def test_help():
    with demo("-t", NEVER) as t:
        t.wait("of 60")
        t.keys("b", "F1")
        t.wait("Settings now")
        check("bits a second over 1 s" in t.text(), t, "settings as they are")
        seen = ""
        for _ in range(10):
            seen += t.text()
            t.keys("PgDn")
            t.settle()
        for word in ("^Z", "filter line", "F6", "Marks", "OSC 52"):
            check(word in seen, t, word)
        t.keys("K")
        t.wait("K does nothing")
        t.keys("q")
        t.wait("CLIENT")
        t.keys("K")
        t.wait("K does nothing yet")
        quits(t)


def test_settings():
    with demo("-t", NEVER) as t:
        t.wait("B/s")
        t.keys("b")
        t.wait("Mb/s")
        t.keys("b")
        t.wait("MB/s")
        t.keys("P")
        t.wait(lambda t: ":https" in t.text() or ":ssh" in t.text())
        t.keys("P")
        t.wait_gone(":ssh")
        t.keys("W")
        t.wait("C 10s")
        t.keys("W")
        t.wait("C 60s")
        t.keys("W")
        t.wait("IN/s")
        t.keys("-")
        t.wait("every 0.5 s")
        quits(t)


def test_pause():
    with demo("-t", "40") as t:
        t.wait("of 60")
        t.keys("p")
        t.wait("PAUSED")
        t.settle()
        rows, clock = t.lines()[3:21], t.lines()[0]
        t.wait(lambda t: t.lines()[0] != clock)
        check(t.lines()[3:21] == rows, t, "the rows stand still, the header counts on")
        t.keys("p")
        t.wait_gone("PAUSED")
        t.wait(lambda t: t.lines()[3:21] != rows)
        quits(t)


def test_file():
    with demo("-e", "-d", "-t", "50") as t:
        t.wait("file, ended")
        check("B/s" not in t.text() and "IN/s" not in t.text(), t, "no rates of a file")
        check("dump.pcap" in t.lines()[0], t, "its name")
        quits(t)


def test_empty():
    with demo("-n", "0") as t:
        t.wait("No packet yet from eth0, lo")
        t.keys("j", "G", "Enter", "x", "y", "PgDn", "n")
        t.settle()
        check(t.poll() is None, t, "alive")
        quits(t)


def test_activity_is_visible():
    with demo("-t", "60") as t:
        t.wait(lambda t: any(l[:1] in "↑↓↕" for l in t.lines()[3:21]))
        quits(t)


def test_trouble_is_marked():
    with demo("-t", "60", "-m", rows=66) as t:
        t.wait(lambda t: any(l.startswith("!") and "SYN-SENT" in l for l in t.lines()))
        quits(t)


harness.main([f for name, f in sorted(globals().items()) if name.startswith("test_")])
