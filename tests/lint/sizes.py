#!/usr/bin/env python3
"""No file over 500 lines; functions are measured by tidy.py."""
import tree

MAX_LINES = 500


def main():
    root = tree.arguments().root
    paths = tree.files(root, (".c", ".h", ".py", ".sh")) + ["run", "check"]
    problems = []
    for path in paths:
        lines = tree.text(root, path).splitlines()
        if len(lines) > MAX_LINES:
            problems.append(f"{path}: {len(lines)} lines (at most {MAX_LINES}: split by topic)")
    tree.report(problems, f"sizes of {len(paths)} files")


main()
