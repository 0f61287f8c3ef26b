"""What the tests over tui_demo share: starting it, looking at rows, quitting."""

import sys

from harness import Tui

DEMO = sys.argv[1]
NEVER = "100000"  # a tick so long that only keys change the screen


def demo(*args, **kwargs):
    return Tui([DEMO, *args], **kwargs)


def check(condition, tui, what):
    assert condition, f"{what}\n{tui.text()}"


def row_of(tui, y):
    """The connection in a line, without its mark: client and server."""
    return tui.lines()[y][3 if tui.screen.columns >= 100 else 2:].split()[:2]


def selected(tui):
    rows = tui.reversed_rows()
    check(len(rows) == 1, tui, f"one selected row, not {rows}")
    return row_of(tui, rows[0])


def quits(tui, key="q"):
    tui.keys(key)
    check(tui.end() == 0, tui, "exit code 0")
    check(tui.restored(), tui, "the terminal's modes are restored")
    check(b"\x1b[?1049l" in tui.raw or b"1049" not in tui.raw, tui, "alternate screen left")
