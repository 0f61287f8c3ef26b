#!/usr/bin/env python3
"""Runs one fuzz target for KONN_FUZZ_SECONDS (5): first its seeds, then what it invents.

What it finds interesting stays in the build folder and is where the next run goes on.
"""
import argparse
import os
import re
import subprocess
import sys

import seeds

HERE = os.path.dirname(os.path.abspath(__file__))
INPUT_MAX_BYTES = 65536


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("--root", "--name", "--work"):
        parser.add_argument(name, required=True)
    parser.add_argument("program")
    return parser.parse_args()


def main():
    args = arguments()
    beside = os.path.join(os.path.dirname(args.root), "shared", "captures")
    start, grown = (os.path.join(args.work, d) for d in ("seeds", "corpus"))
    os.makedirs(grown, exist_ok=True)
    seeds.write(args.name, start, os.environ.get("KONN_CAPTURES", beside))
    seconds = os.environ.get("KONN_FUZZ_SECONDS", "5")
    command = [
        args.program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        f"-max_len={INPUT_MAX_BYTES}", "-print_final_stats=1", "-verbosity=0",
        f"-artifact_prefix={args.work}/", grown, start,
    ]
    dictionary = os.path.join(HERE, args.name + ".dict")
    if os.path.exists(dictionary):
        command.insert(1, "-dict=" + dictionary)
    run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    executed = re.search(r"number_of_executed_units: (\d+)", run.stderr)
    if run.returncode or not executed:
        print(run.stderr[-6000:])
        print(f"to repeat: {args.program} FILE (named above, in {args.work}/)")
        sys.exit(1)
    print(f"{executed.group(1)} inputs in {seconds} s")


main()
