#!/usr/bin/env python3
"""No unfinished marks: what is not done is in the tracker, not in the code."""
import re

import tree

MARK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X(?!-)|HA" r"CK)\b")


def main():
    root = tree.arguments().root
    paths = tree.files(root, (".c", ".h", ".def", ".py", ".sh", "meson.build"))
    problems = []
    for path in paths:
        for number, line in enumerate(tree.text(root, path).splitlines(), 1):
            if MARK.search(line):
                problems.append(f"{path}:{number}: {line.strip()}")
    tree.report(problems, f"unfinished marks in {len(paths)} files")


main()
