#!/usr/bin/env python3
"""first_byte_us and tls_handshake_us are what tshark's frame times say, to the microsecond.

TLS: from the frame that completes the ClientHello to the one that the ServerHello begins
in. HTTP/1: from the last frame of the first request to the first one of its response,
where tshark sees a single request before it and no retransmission in the connection. Only
connections whose SYN is in the file, and tuples that were used once, are compared.
"""
import collections
import os
import sys

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "turns_exceptions.txt")
MOST_EXCEPTIONS = 0.05
COLUMNS = ("first_byte_us", "tls_handshake_us")
FIELDS = ("frame.time_epoch", "frame.protocols", "tcp.stream", "ip.src", "ip.dst", "ipv6.src",
          "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.len", "tcp.flags.syn",
          "tcp.analysis.flags", "http.request", "http.response", "tls.handshake.type",
          "tcp.segment", "frame.number")
CLIENT_HELLO, SERVER_HELLO = "1", "2"


def ends(row):
    """(sender, receiver) when there is but one IP header."""
    for ip in ("ip", "ipv6"):
        if len(row[ip + ".src"]) == 1 and len(row["tcp.srcport"]) == 1:
            return ((row[ip + ".src"][0], int(row["tcp.srcport"][0])),
                    (row[ip + ".dst"][0], int(row["tcp.dstport"][0])))
    return None


def stamp(row):
    seconds, _, rest = row["frame.time_epoch"][0].partition(".")
    return int(seconds) * 10**9 + int(rest.ljust(9, "0"))


class Stream:
    """Frames of one connection with data, in order."""

    def __init__(self):
        self.opened, self.again = False, False
        self.client = None
        self.frames = []  # (time, sender, row)

    def add(self, row, sender):
        if row["tcp.flags.syn"] in (["1"], ["True"]):
            self.client = self.client or sender
            self.opened = True
        if row["tcp.analysis.flags"]:
            self.again = True
        if row["tcp.len"] and row["tcp.len"][0] != "0":
            self.frames.append((stamp(row), sender, row))

    def tls_us(self):
        """None: not known."""
        asked = None
        for at, sender, row in self.frames:
            kinds = row["tls.handshake.type"]
            if CLIENT_HELLO in kinds and not asked:
                asked = (at, sender)
            elif SERVER_HELLO in kinds and asked and sender != asked[1]:
                return (self.begun(row, at) - asked[0]) // 1000
        return None

    def begun(self, row, at):
        """When the record began that this frame completes."""
        return min([earlier for earlier, _, other in self.frames
                    if other["frame.number"][0] in row["tcp.segment"]], default=at)

    def first_byte_us(self):
        if not self.frames or self.again or self.frames[0][1] != self.client:
            return None
        asked = [at for at, _, row in self.frames if row["http.request"]]
        answers = [at for at, sender, _ in self.frames if sender != self.client]
        if not asked or not answers:
            return None
        said = [at for at, sender, _ in self.frames
                if sender == self.client and at <= answers[0]]
        before = [at for at in asked if at <= answers[0]]
        return (answers[0] - said[-1]) // 1000 if len(before) == 1 else None


def oracle(path):
    """{unordered tuple: [Stream, …]}"""
    rows = corpus.tshark(path, FIELDS, "tcp && !icmp && !icmpv6")
    if rows is None:
        return None
    streams = {}
    for row in rows:
        pair = ends(row)
        if pair and row["tcp.stream"]:  # not what an ICMP error quotes
            key = (frozenset(pair), row["tcp.stream"][-1])
            streams.setdefault(key, Stream()).add(row, pair[0])
    by_tuple = collections.defaultdict(list)
    for (key, _), stream in streams.items():
        by_tuple[key].append(stream)
    return by_tuple


def konn_rows(rows):
    found = collections.defaultdict(list)
    for row in rows:
        if row.get("proto") == "tcp" and "id.orig_p" in row:
            found[frozenset((row[f"id.{e}_h"], row[f"id.{e}_p"]) for e in ("orig", "resp"))
                  ].append(row)
    return found


class Totals:
    def __init__(self):
        self.wanted, self.equal = collections.Counter(), collections.Counter()


def compare(program, path):
    """None: nothing to compare. Else the differences, as text, and what was counted."""
    theirs, totals, differences = oracle(path), Totals(), []
    if theirs is None:
        return ["tshark gave no answer"], totals
    konn = corpus.Konn(program, path)
    if konn.complaint:
        return [konn.complaint], totals
    ours = konn_rows(konn.rows)
    for key, streams in sorted(theirs.items(), key=str):
        if len(streams) != 1 or len(ours.get(key, ())) != 1 or not streams[0].opened:
            continue
        row, stream = ours[key][0], streams[0]
        for column, want in (("first_byte_us", stream.first_byte_us()),
                             ("tls_handshake_us", stream.tls_us())):
            if want is None:
                continue
            totals.wanted[column] += 1
            if row.get(column) == want:
                totals.equal[column] += 1
                continue
            where = " ".join(f"{a}:{p}" for a, p in sorted(key))
            differences.append(f"{where}: {column}: tshark {want}, konn {row.get(column)}")
    return (differences if totals.wanted else None), totals


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    compared = 0
    unexpected, excused, unneeded = [], [], []
    sums = Totals()
    work = lambda name: compare(args.konn, os.path.join(args.captures, name))
    for name, (found, totals) in corpus.for_each(work, names):
        sums.wanted.update(totals.wanted)
        sums.equal.update(totals.equal)
        if found is None:
            continue
        compared += 1
        if found and name in known:
            excused.append(name)
            print(f"{name}: excused: {known[name]}")
        elif found:
            unexpected.append(name)
            print(f"{name}: {len(found)} times differ: {found[0]}", flush=True)
        elif name in known:
            unneeded.append(name)
            print(f"{name}: an exception that is not needed any more")
    for column in COLUMNS:
        print(f"{column}: {sums.equal[column]} of {sums.wanted[column]} equal")
    print(f"{len(names)} captures, {compared} with times, {len(excused)} excused, "
          f"{len(unexpected)} different")
    nothing = not args.files and any(not sums.equal[column] for column in COLUMNS)
    too_many = args.every and len(excused) > MOST_EXCEPTIONS * compared
    sys.exit(1 if unexpected or unneeded or nothing or too_many else 0)


if __name__ == "__main__":
    main()
