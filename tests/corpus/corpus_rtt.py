#!/usr/bin/env python3
"""Round trips of every capture with TCP, against two oracles.

tshark: each valid sample of konn (seq, handshake, fin) is a tcp.analysis.ack_rtt of the
same acknowledging packet, to 1 us. It prints none of zero: then both packets must have that
stamp. That an older copy wins there (Karn) does not matter: konn has no valid sample of
such a segment.

tcptrace -lr: "RTT samples" by connection and direction; the sum of the differences stays
within 1 % of all. Left out, and counted: connections of which tcptrace saw other packets
than tshark, and those with copies ("hardware dups"), which it takes for retransmissions.
Captures are put into its format with editcap.

A konn that printed nothing fails both.
"""
import calendar
import collections
import csv
import decimal
import ipaddress
import json
import os
import re
import shutil
import sys
import tempfile
import time

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "rtt_exceptions.txt")
MOST_EXCEPTIONS = 0.05  # of the files with round trips
MOST_DIFFERENCE = 0.01  # of tcptrace's samples
LEAST_SHARE = 0.95      # of tshark's round trips that konn calls valid
SEQ = ("seq", "handshake", "fin")
FIELDS = ("frame.time_epoch", "tcp.srcport", "tcp.dstport", "ip.src", "ip.dst", "ipv6.src",
          "ipv6.dst", "frame.protocols", "tcp.analysis.ack_rtt", "icmp.type", "icmpv6.type",
          "tcp.analysis.acks_frame")


def nanoseconds(seconds):
    return int(decimal.Decimal(seconds) * 1_000_000_000)


def end_of(address, port):
    address = ipaddress.ip_address(address)
    return (str(getattr(address, "ipv4_mapped", None) or address), int(port))


def innermost(row):
    """(source, destination) of the last TCP header; None for a quoted one."""
    protocols = row["frame.protocols"][0].split(":")
    networks = [n for n in protocols if n in ("ip", "ipv6")]
    if row["icmp.type"] or row["icmpv6.type"] or not networks or not row["tcp.srcport"]:
        return None
    return (end_of(row[networks[-1] + ".src"][-1], row["tcp.srcport"][-1]),
            end_of(row[networks[-1] + ".dst"][-1], row["tcp.dstport"][-1]))


class Tshark:
    """Round trips {(connection, time): [us]}, and packets by (connection, sender)."""

    def __init__(self, path):
        self.rtts, self.packets = collections.defaultdict(list), collections.Counter()
        self.times = set()  # (connection, sender, time)
        self.count = 0
        rows = corpus.tshark(path, FIELDS, "tcp", "-o", "tcp.desegment_tcp_streams:FALSE")
        for row in rows or []:  # too slow: every sample of konn will be one too many
            self.add(row)

    def add(self, row):
        ends = innermost(row)
        if not ends:
            return
        at = nanoseconds(row["frame.time_epoch"][0])
        self.packets[frozenset(ends), ends[0]] += 1
        self.times.add((frozenset(ends), ends[0], at))
        for text in row["tcp.analysis.ack_rtt"]:
            self.rtts[frozenset(ends), at].append(nanoseconds(text) / 1000)
            self.count += 1


TIME = re.compile(r"(.*)\.(\d{9})Z$")


def stamp(text):
    """RFC 3339 in UTC with nine decimals as nanoseconds."""
    whole, part = TIME.match(text).groups()
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(part)


def konn_samples(program, path):
    """Records of `konn rtt`, or None with why."""
    code, out, err = corpus.run([program, "rtt", "-r", path, "-j", "--all"])
    if code not in (0, 1, 66):
        return None, f"exit {code}: {err.strip()[-300:]}"
    rows = [json.loads(line) for line in out.splitlines()]
    return [r for r in rows if r.get("kind") == "rtt" and r.get("sample") in SEQ], None


def ends_of(row):
    """(the side that answered, the other one)."""
    ends = [end_of(row[f"id.{e}_h"], row[f"id.{e}_p"]) for e in ("orig", "resp")]
    return ends if row["side"] == "client" else ends[::-1]


def unmatched(rows, tshark):
    """Valid samples that are none of tshark's, as text; and how many were of zero."""
    found, zeros = [], 0
    for row in rows:
        if not row["valid"]:
            continue
        ends = ends_of(row)
        at = stamp(row["ts"])
        theirs = tshark.rtts.get((frozenset(ends), at), [])
        if any(abs(us - row["rtt_us"]) <= 1 for us in theirs):
            continue
        if row["rtt_us"] == 0 and (frozenset(ends), ends[1], at) in tshark.times:
            zeros += 1
            continue
        found.append(f"{row['ts']} {row['id.orig_h']}:{row['id.orig_p']} "
                     f"{row['id.resp_h']}:{row['id.resp_p']} {row['sample']} of the "
                     f"{row['side']}'s half: {row['rtt_us']} us, tshark {theirs}")
    return found, zeros


def tcptrace(path, folder):
    """{(connection, data's receiver): samples}, {(connection, sender): packets}, copied."""
    plain = os.path.join(folder, "plain.pcap")
    try:
        code, _, _ = corpus.run(["editcap", "-F", "pcap", path, plain])
        if code != 0:
            return {}, {}, set()
        code, out, _ = corpus.run(["tcptrace", "-nlr", "--csv", plain])
    except FileNotFoundError:
        return {}, {}, set()
    os.unlink(plain)
    samples, packets, copied = collections.Counter(), collections.Counter(), set()
    lines = [line for line in out.splitlines() if line.strip() and line[0] != "#"]
    for row in csv.DictReader(lines, skipinitialspace=True):
        try:
            a, b = (end_of(row[f"host_{e}"], row[f"port_{e}"]) for e in "ab")
        except (ValueError, TypeError):
            continue
        for mine, peer, way in ((a, b, "a2b"), (b, a, "b2a")):
            samples[frozenset((a, b)), peer] += int(row[f"RTT_samples_{way}"])
            packets[frozenset((a, b)), mine] += int(row[f"total_packets_{way}"])
            if int(row[f"hardware_dups_{way}"]):
                copied.add(frozenset((a, b)))
    return samples, packets, copied


class Comparison:
    """One capture: .differences (text), and the sums for the table."""

    def __init__(self, program, path):
        self.differences, self.zeros, self.valid = [], 0, 0
        self.theirs = self.apart = self.off = self.left_out = self.copied = 0
        self.worst = []
        tshark = Tshark(path)
        self.oracle = tshark.count
        if not tshark.packets:
            return
        rows, why = konn_samples(program, path)
        if rows is None:
            self.differences = [why]
            return
        self.valid = sum(row["valid"] for row in rows)
        self.differences, self.zeros = unmatched(rows, tshark)
        with tempfile.TemporaryDirectory() as folder:
            traced = tcptrace(path, folder)
        self.compare(rows, tshark, *traced)

    def compare(self, rows, tshark, samples, packets, copied):
        ours = collections.Counter()
        for row in rows:
            ends = ends_of(row)
            ours[frozenset(ends), ends[0]] += row["valid"]
        for connection in {connection for connection, _ in samples}:
            same = all(tshark.packets[connection, e] == packets[connection, e]
                       for e in connection)
            for end in connection:
                theirs, mine = samples[connection, end], ours[connection, end]
                if not same or connection in copied:
                    self.copied += same
                    self.left_out += not same
                    continue
                self.theirs += theirs
                self.off += abs(theirs - mine)
                if theirs != mine:
                    self.apart += 1
                    self.worst.append((abs(theirs - mine), sorted(connection), end, theirs, mine))


def report(sums, excused, unexpected):
    share = sums["valid"] / sums["oracle"] if sums["oracle"] else 0
    print(f"tshark: {sums['oracle']} round trips; konn: {sums['valid']} valid samples "
          f"({share:.1%}), {sums['differences']} of them not tshark's, {sums['zeros']} of "
          f"zero (tshark prints none); {len(excused)} captures excused, "
          f"{len(unexpected)} different")
    if not all(shutil.which(p, path=corpus.TOOLS_PATH) for p in ("tcptrace", "editcap")):
        print("tcptrace: not compared, it or editcap is missing here")
        return share, 0
    off = sums["off"] / sums["theirs"] if sums["theirs"] else 1
    print(f"tcptrace: {sums['theirs']} samples, differences {sums['off']} ({off:.2%}) in "
          f"{sums['apart']} directions; left out: {sums['left_out']} of which it saw other "
          f"packets, {sums['copied']} with copies")
    return share, off


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    sums = collections.Counter()
    excused, unexpected, unneeded, with_rtt = [], [], [], 0
    work = lambda name: Comparison(args.konn, os.path.join(args.captures, name))
    print(f"{'capture':52}{'tshark':>8}{'konn':>8}{'differ':>8}{'tcptrace':>9}{'off':>6}")
    for name, c in corpus.for_each(work, names):
        if not c.oracle and not c.valid and not c.theirs and not c.differences:
            continue
        with_rtt += 1
        print(f"{name:52}{c.oracle:8}{c.valid:8}{len(c.differences):8}{c.theirs:9}{c.off:6}",
              flush=True)
        for worst in sorted(c.worst, key=str, reverse=True)[:3] if c.off > 2 else []:
            print(f"    tcptrace {worst[3]}, konn {worst[4]}: answered by {worst[2]} of {worst[1]}")
        excuse = name in known and (c.differences or c.off)
        if excuse:
            excused.append(name)
            print(f"    excused: {known[name]}")
        elif c.differences:
            unexpected.append(name)
            print(f"    {c.differences[0]}")
        elif name in known:
            unneeded.append(name)
            print("    an exception that is not needed any more")
        for field in ("oracle", "valid", "zeros", "theirs", "off", "apart", "left_out", "copied"):
            if not excuse or field in ("oracle", "valid"):
                sums[field] += getattr(c, field)
        sums["differences"] += 0 if excuse else len(c.differences)
    share, off = report(sums, excused, unexpected)
    faults = [text for wrong, text in (
        (unexpected, "samples that are not tshark's"),
        (unneeded, "exceptions that are not needed"),
        (share < LEAST_SHARE, f"fewer than {LEAST_SHARE:.0%} of tshark's round trips"),
        (off > MOST_DIFFERENCE, f"more than {MOST_DIFFERENCE:.0%} off tcptrace"),
        (len(excused) > MOST_EXCEPTIONS * with_rtt, "too many exceptions")) if wrong]
    for text in faults:
        print(text)
    sys.exit(1 if faults else 0)


main()
