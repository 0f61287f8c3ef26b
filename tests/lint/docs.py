#!/usr/bin/env python3
"""Generated pages (the manual's tables, the schema) are those that the code would generate."""
import os
import subprocess
import sys

import tree

GENERATORS = ("scripts/gen_manual.py",)


def main():
    args = tree.arguments()
    present = [g for g in GENERATORS if os.path.exists(os.path.join(args.root, g))]
    if not present:
        print("no page is generated yet")
        sys.exit(77)
    problems = []
    for script in present:
        command = [sys.executable, script, "--check"]
        env = dict(os.environ, KONN_BUILD=args.build)
        run = subprocess.run(
            command, cwd=args.root, env=env, capture_output=True, text=True, check=False
        )
        if run.returncode:
            problems.append(f"{script} --check:\n{run.stdout}{run.stderr}")
    tree.report(problems, f"freshness by {len(present)} generators")


main()
