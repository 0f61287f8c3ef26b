#!/usr/bin/env python3
"""No capture crashes konn, hangs it, or goes unreported when damaged; every packet counts.

Runs the sanitizer build. Oracles: tcpdump --count; capinfos where tcpdump gives up on
mixed link types (spec: pcapng may mix them, konn reads on).
"""
import os
import re
import sys

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "count_exceptions.txt")
MIXED = re.compile(r"different from the (type|snapshot length) of the first interface")


def by_capinfos(path):
    code, out, err = corpus.run(["capinfos", "-c", "-M", path])
    match = re.search(r"Number of packets\D*(\d+)", out)
    return (int(match.group(1)) if match else None), code != 0 or "cut short" in out + err


def oracle(path):
    """Packets before any damage, and whether the file is damaged."""
    code, out, err = corpus.run(["tcpdump", "-nn", "-r", path, "--count"])
    if MIXED.search(err) or re.search(r"\.(gz|zst|xz|lz4|bz2)$", path):
        return by_capinfos(path)
    match = re.search(r"^(\d+) packets?$", out, re.MULTILINE)
    return (int(match.group(1)) if match else None), code != 0


def total(value):
    return sum(value.values()) if isinstance(value, dict) else int(value or 0)


def summary_faults(summary, count):
    packets = summary.get("packets")
    parts = {key: total(summary.get(key)) for key in (
        "parsed", "malformed", "unsupported", "filtered")}
    if packets != sum(parts.values()):
        yield f"packets {packets} is not the sum of {parts}"
    if count is not None and packets != count:
        yield f"packets {packets}, the oracle counts {count}"


def code_faults(konn, damaged):
    unsupported = konn.summary and total(konn.summary.get("unsupported")) > 0
    if damaged and konn.code == 0:
        yield "a damaged file, and exit 0"
    if not damaged and konn.code == 1:
        yield f"a sound file, and exit 1: {konn.err.strip()}"
    if not damaged and konn.code == 66 and not unsupported:
        yield f"a sound file, and exit 66: {konn.err.strip()}"
    if konn.code != 0 and not konn.err.strip():
        yield f"exit {konn.code} without a message"


def faults(program, path):
    konn = corpus.Konn(program, path)
    if konn.complaint:
        return [konn.complaint]
    if re.search(r"Sanitizer|runtime error:", konn.err):
        return [konn.err.strip()[-1500:]]
    count, damaged = oracle(path)
    found = list(code_faults(konn, damaged))
    if konn.summary:
        # tcpdump prints no count when it stops at the damage.
        found += summary_faults(konn.summary, count)
    elif konn.code != 66:
        found.append("no summary line")
    return found


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args, known)
    bad = unneeded = 0
    work = lambda name: faults(args.konn, os.path.join(args.captures, name))
    for name, found in corpus.for_each(work, names):
        if found and name not in known:
            bad += 1
            print(f"{name}: " + "; ".join(found), flush=True)
        elif not found and name in known:
            unneeded += 1
            print(f"{name}: an exception that is not needed any more")
    print(f"{len(names)} captures, {bad} with faults, {len(known)} known exceptions")
    sys.exit(1 if bad or unneeded else 0)


main()
