#!/usr/bin/env python3
"""Every TCP connection of every capture has the frames and bytes that tshark gives it.

The oracle is tshark's dissection (tcp.stream, frame.len), added up here: it is what
`-z conv,tcp` shows, but exact and with the innermost header of a tunnel named as such.
TCP headers quoted by ICMP errors or sFlow samples are no packets of the connection. Where
a tuple was used again, tshark and konn may cut at another packet; then the sums of the
tuple count. konn leaves copies of a packet out of its rows and says how many there were:
tshark may have more packets than konn in a file, but not more than that.
"""
import collections
import ipaddress
import os
import sys

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "conv_exceptions.txt")
MOST_EXCEPTIONS = 0.05  # of the files with TCP
FIELDS = ("frame.len", "tcp.stream", "tcp.srcport", "tcp.dstport", "ip.src", "ip.dst",
          "ipv6.src", "ipv6.dst", "icmp.type", "icmpv6.type", "frame.protocols")


def innermost(row):
    """(source, destination) of the last TCP header, None for a quoted one."""
    quoted = row["icmp.type"] or row["icmpv6.type"] or "sflow" in row["frame.protocols"][0]
    if quoted or not row["tcp.stream"]:
        return None
    networks = [n for n in row["frame.protocols"][0].split(":") if n in ("ip", "ipv6")]
    if not networks or not row["tcp.srcport"]:
        return None
    sources, destinations = row[networks[-1] + ".src"], row[networks[-1] + ".dst"]
    ends = ((sources[-1], row["tcp.srcport"][-1]), (destinations[-1], row["tcp.dstport"][-1]))
    return tuple((str(ipaddress.ip_address(a)), int(p)) for a, p in ends)


def oracle(path):
    """{unordered tuple: [Counter of one stream, …]}; a Counter is keyed by sending end."""
    rows = corpus.tshark(path, FIELDS, "tcp", "-o", "tcp.desegment_tcp_streams:FALSE")
    if rows is None:
        return None
    streams = {}
    for row in rows:
        ends = innermost(row)
        if ends is None:
            continue
        key = (frozenset(ends), row["tcp.stream"][-1])
        counts = streams.setdefault(key, collections.Counter())
        counts[ends[0], "pkts"] += 1
        counts[ends[0], "bytes"] += int(row["frame.len"][0])
    return by_tuple((key[0], counts) for key, counts in streams.items())


def by_tuple(pairs):
    found = collections.defaultdict(list)
    for key, counts in pairs:
        found[key].append(counts)
    return found


def konn_counts(rows):
    for row in rows:
        if row.get("proto") != "tcp" or "id.orig_h" not in row:
            continue
        ends = [(str(ipaddress.ip_address(row[f"id.{e}_h"])), row[f"id.{e}_p"])
                for e in ("orig", "resp")]
        counts = collections.Counter()
        for end, side in zip(ends, ("orig", "resp")):
            counts[end, "pkts"] += row.get(f"{side}_pkts", 0)
            counts[end, "bytes"] += row.get(f"{side}_wire_bytes", 0)
        yield frozenset(ends), counts


def same(ours, theirs):
    """As lists in any order, or at least in sum."""
    def sorted_counts(counters):
        return sorted(sorted((k, v) for k, v in c.items() if v) for c in counters)
    if sorted_counts(ours) == sorted_counts(theirs):
        return True
    return +sum(ours, collections.Counter()) == +sum(theirs, collections.Counter())


def only_copies(ours, theirs, keys, summary):
    """Do the differences amount to packets that konn took for copies?"""
    missing = 0
    for key in keys:
        mine = sum(ours.get(key, []), collections.Counter())
        wanted = sum(theirs.get(key, []), collections.Counter())
        if any(mine[what] > wanted[what] for what in mine):
            return False
        missing += sum(n - mine[what] for what, n in wanted.items() if what[1] == "pkts")
    return 0 < missing <= (summary or {}).get("copies", 0)


def show(key, counters):
    ends = sorted(key)
    total = sum(counters, collections.Counter())
    parts = [f"{a}:{p} {total[(a, p), 'pkts']} packets {total[(a, p), 'bytes']} bytes"
             for a, p in ends]
    return " | ".join(parts)


def compare(program, path):
    """None: no TCP. Else the differences, as text."""
    theirs = oracle(path)
    if theirs is None:
        return ["tshark gave no answer"]
    konn = corpus.Konn(program, path)
    if konn.complaint:
        return [konn.complaint]
    ours = by_tuple(konn_counts(konn.rows))
    if not theirs and not ours:
        return None
    keys = [key for key in sorted({*theirs, *ours}, key=sorted)
            if not same(ours.get(key, []), theirs.get(key, []))]
    if only_copies(ours, theirs, keys, konn.summary):
        return []
    return [f"tshark {show(key, theirs[key])}; konn {show(key, ours[key])}" for key in keys]


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    with_tcp = equal = 0
    unexpected, excused, unneeded = [], [], []
    work = lambda name: compare(args.konn, os.path.join(args.captures, name))
    for name, found in corpus.for_each(work, names):
        if found is None:
            continue
        with_tcp += 1
        equal += not found
        if found and name in known:
            excused.append(name)
            print(f"{name}: excused: {known[name]}")
        elif found:
            unexpected.append(name)
            print(f"{name}: {len(found)} connections differ: {found[0]}", flush=True)
        elif name in known:
            unneeded.append(name)
            print(f"{name}: an exception that is not needed any more")
    print(f"{len(names)} captures, {with_tcp} with TCP, {equal} equal, {len(excused)} "
          f"excused, {len(unexpected)} different")
    too_many = len(excused) > MOST_EXCEPTIONS * with_tcp
    if too_many:
        print(f"more than {MOST_EXCEPTIONS:.0%} excused")
    sys.exit(1 if unexpected or unneeded or too_many else 0)


main()
