#!/usr/bin/env python3
"""konn counts what tshark's TCP analysis flags, file by file and flag by flag.

Compared is the sum over all connections and both directions with the number of packets
that carry the flag in tshark. Retransmission and out of order are one counter here, their
sum: which of the two it is tshark decides by a threshold on the time since the last
segment, and konn keeps no list of segments. Fast and spurious retransmissions carry
tcp.analysis.retransmission too, in both programs, and are compared on their own as well.

tshark counts copies of a packet (mirror ports, several interfaces) as retransmissions,
konn leaves them out. So where konn reports copies and the counts differ, tshark reads the
capture again without the copies: later packets with the same IP id, numbers, flags,
length and timestamp within COPY_NS; where the IP id is 0, only SYNs and data (a second
acknowledgement may be meant). They must agree then.

Each counter passes when it is equal in EQUAL of the files where either program has any,
and the differences sum up to at most DIFFERENT of what tshark counts, excepted files
apart.
"""
import collections
import os
import sys
import tempfile

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "expert_exceptions.txt")
MOST_EXCEPTIONS = 0.05  # of the files with TCP
EQUAL, DIFFERENT = 0.9, 0.05
COPY_NS = 1_000_000
SYN = 2
IDENTITY = ("tcp.stream tcp.srcport ip.id tcp.seq_raw tcp.ack_raw tcp.flags tcp.len"
            " tcp.options.timestamp.tsval").split()
COUNTERS = {  # name: (columns of konn without the side, fields of tshark)
    "again": (("retrans_pkts", "out_of_order"), ("retransmission", "out_of_order")),
    "fast": (("fast_retrans",), ("fast_retransmission",)),
    "spurious": (("spurious",), ("spurious_retransmission",)),
    "lost": (("lost_segments",), ("lost_segment",)),
    "acked_lost": (("acked_lost",), ("ack_lost_segment",)),
    "dup_acks": (("dup_acks",), ("duplicate_ack",)),
    "zero_windows": (("zero_windows",), ("zero_window",)),
    "probes": (("zero_window_probes",), ("zero_window_probe",)),
    "probe_acks": (("zero_window_probe_acks",), ("zero_window_probe_ack",)),
    "window_full": (("window_full",), ("window_full",)),
    "window_updates": (("window_updates",), ("window_update",)),
    "keepalives": (("keepalives",), ("keep_alive",)),
    "keepalive_acks": (("keepalive_acks",), ("keep_alive_ack",)),
    "reused_ports": (("reused_ports",), ("reused_ports",)),
}


def oracle(path):
    """(has TCP, {counter: packets}) by tshark; None when it gives no answer."""
    fields = [f for _, flags in COUNTERS.values() for f in flags]
    command = ["tshark", "-n", "-r", path, "-Y", "tcp", "-T", "fields", "-e", "tcp.stream"]
    for field in fields:
        command += ["-e", "tcp.analysis." + field]
    code, out, _ = corpus.run(command)
    if code is None:
        return None
    seen = collections.Counter()
    rows = [line.split("\t") for line in out.splitlines()]
    for row in rows:
        seen.update(f for f, value in zip(fields, row[1:]) if value)
    return bool(rows), {name: sum(seen[f] for f in flags)
                        for name, (_, flags) in COUNTERS.items()}


def copies(path):
    """Numbers of the frames that repeat one within COPY_NS before."""
    command = ["tshark", "-n", "-r", path, "-Y", "tcp", "-T", "fields",
               "-e", "frame.number", "-e", "frame.time_epoch"]
    for field in IDENTITY:
        command += ["-e", field]
    _, out, _ = corpus.run(command)
    last, found = {}, []
    for line in out.splitlines():
        number, time, *identity = line.split("\t")
        seconds, _, fraction = time.partition(".")
        now = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
        _, _, ip_id, _, _, flags, length, _ = (v.split(",")[-1] for v in identity)
        if int(ip_id or "0", 16) or int(length or 0) or int(flags or "0", 16) & SYN:
            if now - last.get(tuple(identity), -COPY_NS - 1) <= COPY_NS:
                found.append(number)
            last[tuple(identity)] = now
    return found


def oracle_without_copies(path):
    frames = copies(path)
    if not frames:
        return None
    with tempfile.TemporaryDirectory(prefix="konn-expert-") as folder:
        rest = os.path.join(folder, "rest.pcapng")
        code, _, _ = corpus.run(["editcap", path, rest, *frames])
        return oracle(rest) if code == 0 else None


def by_konn(program, path):
    """(has TCP, {counter: packets}, the run)"""
    konn = corpus.Konn(program, path)
    rows = [r for r in konn.rows if r.get("proto") == "tcp"]
    counts = {name: sum(r.get(f"{side}_{c}", 0) for r in rows for c in columns
                        for side in ("orig", "resp"))
              for name, (columns, _) in COUNTERS.items()}
    return bool(rows), counts, konn


def compare(program, path):
    """None: no TCP. Else (konn's counts, tshark's, complaint)."""
    theirs = oracle(path)
    if theirs is None:
        return None, None, "tshark gave no answer"
    has_tcp, ours, konn = by_konn(program, path)
    if konn.complaint:
        return None, None, konn.complaint
    if not has_tcp and not theirs[0]:
        return None
    if ours != theirs[1] and (konn.summary or {}).get("copies"):
        theirs = oracle_without_copies(path) or theirs
    return ours, theirs[1], None


def verdict(found, show=lambda text: None):
    """Faults of [(ours, theirs), …]; `show` gets a line for each counter."""
    faults = []
    for name in COUNTERS:
        pairs = [(o[name], t[name]) for o, t in found if o[name] or t[name]]
        equal = sum(o == t for o, t in pairs)
        off, total = sum(abs(o - t) for o, t in pairs), sum(t for _, t in pairs)
        show(f"{name:15} files {len(pairs):4} equal {equal:4}  packets {total:7} off {off:6}")
        if equal < EQUAL * len(pairs):
            faults.append(f"{name}: equal in {equal} of {len(pairs)} files")
        if off > DIFFERENT * total:
            faults.append(f"{name}: off by {off} of {total}")
    return faults


def selftest():
    """A konn that printed nothing, too much or only 9 of 10 would not pass."""
    theirs = [{name: 10 + i for name in COUNTERS} for i in range(10)]
    wrong = [
        [{name: 0 for name in COUNTERS} for _ in theirs],
        [{name: n + 1 for name, n in t.items()} for t in theirs],
        [{name: n - (i == 0) * n for name, n in t.items()} for i, t in enumerate(theirs)],
        [{name: n + (i < 2) for name, n in t.items()} for i, t in enumerate(theirs)],
    ]
    assert verdict(list(zip(theirs, theirs))) == [], "equal counters must pass"
    for ours in wrong:
        faults = " ".join(verdict(list(zip(ours, theirs))))
        for name in COUNTERS:
            assert name + ":" in faults, f"{name} would pass with wrong counts"


def differences(ours, theirs):
    return [f"{name} konn {ours[name]} tshark {theirs[name]}" for name in COUNTERS
            if ours[name] != theirs[name]]


def main():
    selftest()
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    found, excused, bad, with_tcp = [], 0, [], 0
    work = lambda name: compare(args.konn, os.path.join(args.captures, name))
    for name, result in corpus.for_each(work, names):
        if result is None:
            continue
        with_tcp += 1
        ours, theirs, complaint = result
        if complaint:
            bad.append(f"{name}: {complaint}")
            continue
        lines = differences(ours, theirs)
        if name in known:
            excused += 1
            print(f"{name}: excused: {known[name]}: " + ", ".join(lines))
            if not lines:
                bad.append(f"{name}: an exception that is not needed any more")
            continue
        found.append((ours, theirs))
        if lines:
            print(f"{name}: " + ", ".join(lines), flush=True)
    bad += verdict(found, print)
    if excused > MOST_EXCEPTIONS * with_tcp and not args.files:
        bad.append(f"more than {MOST_EXCEPTIONS:.0%} excused")
    print(f"{len(names)} captures, {with_tcp} with TCP, {excused} excused")
    for fault in bad:
        print(fault)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
