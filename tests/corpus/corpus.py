"""corpus — which captures to read, and what konn and the oracles say about one of them.

KONN_CAPTURES names the folder (default: ../shared/captures beside the project). Plain
./check reads every SUBSETth file; KONN_CHECK=all, or --every, reads all of them.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

JOBS = 2
SUBSET = 4
TIMEOUT_S = 60
TOOLS_PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"
CAPTURE = re.compile(r"\.(pcap|pcapng|cap|trace|pcap\.(gz|zst|xz|lz4|bz2))$")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--konn", default=os.environ.get("KONN"))
    parser.add_argument("--every", action="store_true", help="no subset")
    parser.add_argument("files", nargs="*", help="names below the folder; default: all")
    args = parser.parse_args()
    args.every = args.every or os.environ.get("KONN_CHECK") == "all"
    beside = os.path.join(os.path.dirname(args.root), "shared", "captures")
    args.captures = os.environ.get("KONN_CAPTURES", beside)
    if not os.path.isdir(args.captures):
        print(f"no captures in {args.captures} (KONN_CAPTURES names the folder)")
        sys.exit(77)
    return args


def names(args, always=()):
    """Captures to read, relative to the folder; `always` are never left to chance."""
    if args.files:
        return args.files
    found = []
    for where, _, leaves in os.walk(args.captures):
        for leaf in leaves:
            if CAPTURE.search(leaf):
                found.append(os.path.relpath(os.path.join(where, leaf), args.captures))
    found.sort()
    if args.every:
        return found
    return [n for i, n in enumerate(found) if i % SUBSET == 0 or n in always]


def run(command, timeout=TIMEOUT_S):
    """Exit code (None: it hung), stdout, stderr."""
    env = dict(os.environ, PATH=TOOLS_PATH, LC_ALL="C", TZ="UTC")
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=timeout, env=env, check=False,
            stdin=subprocess.DEVNULL, text=True, errors="replace",
        )
    except subprocess.TimeoutExpired:
        return None, "", ""
    return done.returncode, done.stdout, done.stderr


def tshark(path, fields, chosen, *options, between=","):
    """Rows of the packets `chosen` by a display filter: {field: its occurrences, outermost
    first}, which `between` must keep apart. None: tshark was too slow."""
    command = ["tshark", "-n", "-r", path, "-Y", chosen, "-T", "fields", "-E", "separator=/t",
               "-E", "occurrence=a", "-E", f"aggregator={between}", *options]
    for field in fields:
        command += ["-e", field]
    code, out, _ = run(command)
    if code is None:
        return None
    rows = []
    for line in out.splitlines():
        values = [v.split(between) if v else [] for v in line.split("\t")]
        if len(values) == len(fields):
            rows.append(dict(zip(fields, values)))
    return rows


class Konn:
    """One `konn list -r FILE -j`: code, rows, summary, complaint (None when all is well)."""

    def __init__(self, program, path):
        self.code, out, self.err = run([program, "list", "-r", path, "-j"])
        self.rows, self.summary, self.complaint = [], None, None
        if self.code is None:
            self.complaint = f"no answer within {TIMEOUT_S} s"
            return
        if self.code not in (0, 1, 66):
            self.complaint = f"exit {self.code}: {self.err.strip()[-1500:]}"
            return
        try:
            records = [json.loads(line) for line in out.splitlines()]
        except ValueError as error:
            self.complaint = f"not JSON Lines: {error}"
            return
        self.rows = [r for r in records if r.get("kind") == "conn"]
        if records and records[-1].get("kind") == "summary":
            self.summary = records[-1]


def for_each(work, items):
    """(item, work(item)) in order, JOBS at a time."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        yield from zip(items, pool.map(work, items))


def exceptions(path):
    """FILE reason lines of a checked-in list."""
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.strip().partition(" ")
                found[name] = reason.strip()
    return found
