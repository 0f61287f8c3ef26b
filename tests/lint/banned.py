#!/usr/bin/env python3
"""Functions that nobody calls, or nobody below the app floor (style.md §1, §2, §9)."""
import re

import tree

EVERYWHERE = ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "alloca")
PRINTING = (
    "printf", "vprintf", "fprintf", "vfprintf", "dprintf", "puts", "fputs", "putchar",
    "putc", "fputc", "perror", "psignal", "err", "errx", "warn", "warnx",
)
ENDING = ("exit", "_exit", "quick_exit", "abort")
CLOCKS = ("clock_gettime", "gettimeofday", "time", "clock", "timespec_get", "ftime")


def rules(path):
    """Banned names and the reason, for one file."""
    found = [(EVERYWHERE, "banned everywhere")]
    if not path.startswith("src/"):
        return found
    if not path.startswith(("src/app/", "src/view/tui/")):
        found.append((PRINTING, "only app and view/tui print"))
    if not path.startswith(("src/app/", "src/helper/")):
        found.append((ENDING, "nothing below app ends the program"))
        found.append((CLOCKS, "now_ns is an argument"))
    elif path != "src/app/main.c":
        found.append((("exit", "quick_exit"), "only app/main.c calls exit()"))
    return found


def calls(source, names):
    # Not a member (x->time(…), x.err(…)) nor a longer name; a declaration counts as well.
    pattern = r"(?<![\w.>])(" + "|".join(map(re.escape, names)) + r")\s*\("
    for match in re.finditer(pattern, source):
        yield source.count("\n", 0, match.start()) + 1, match.group(1)


def main():
    root = tree.arguments().root
    paths = tree.files(root, (".c", ".h", ".def"))
    problems = []
    for path in paths:
        source = tree.code(tree.text(root, path))
        for names, why in rules(path):
            problems += [f"{path}:{n}: {name}(): {why}" for n, name in calls(source, names)]
        if path.startswith("src/") and not path.startswith(("src/app/", "src/view/tui/")):
            for match in re.finditer(r"\b(stdout|stderr|stdin)\b", source):
                line = source.count("\n", 0, match.start()) + 1
                problems.append(f"{path}:{line}: {match.group(1)}: only app and view/tui print")
    tree.report(problems, f"banned functions in {len(paths)} files")


main()
