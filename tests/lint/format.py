#!/usr/bin/env python3
"""clang-format has nothing to change."""
import subprocess

import tree


def main():
    args = tree.arguments()
    paths = tree.files(args.root, (".c", ".h"))
    run = subprocess.run(
        ["clang-format", "--dry-run", "--Werror", *paths],
        cwd=args.root, capture_output=True, text=True, check=False,
    )
    bad = sorted({line.split(":")[0] for line in run.stderr.splitlines() if "error:" in line})
    problems = [f"{path}: run clang-format -i {path}" for path in bad]
    if run.returncode and not problems:
        problems = [run.stderr]
    tree.report(problems, f"format of {len(paths)} files")


main()
