#!/usr/bin/env python3
"""Every DNS answer and every ICMP reply of every capture has the time that tshark gives it.

tshark's dns.time, icmp.resptime and icmpv6.resptime against the samples of `konn rtt`, by
the time of the answering packet, to 1 us. What tshark flags as sent again is left to konn:
it times the last query, tshark the first. So are groups, for what is sent to them is no
conversation of two ends, and answers in fragments, of which tshark times the last one.
"""
import collections
import ipaddress
import json
import os
import sys

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "datagram_exceptions.txt")
MOST_EXCEPTIONS = 0.05  # of the files with such answers
FIELDS = ("frame.time_epoch", "frame.number", "dns.time", "icmp.resptime", "icmpv6.resptime",
          "dns.retransmission", "udp.srcport", "udp.dstport", "tcp.srcport", "tcp.dstport", "ip.dst", "ipv6.dst",
          "ip.fragment.count", "ipv6.fragment.count", "_ws.malformed", "_ws.short")
DISPLAY = "dns or icmp or icmpv6"
PORTS = {"53", "5353"}


def nanoseconds(seconds):
    whole, _, rest = seconds.partition(".")
    return int(whole) * 10**9 + int((rest + "0" * 9)[:9])


def is_group(text):
    try:
        return ipaddress.ip_address(text).is_multicast
    except ValueError:  # none, or what another protocol calls a destination
        return False


def oracle(path):
    """{(kind, ns of the answer): [us]}, also without a time; None: no answer."""
    command = ["tshark", "-n", "-r", path, "-Y", DISPLAY, "-T", "fields", "-E",
               "separator=\t", "-E", "occurrence=l"]
    for field in FIELDS:
        command += ["-e", field]
    code, out, _ = corpus.run(command)
    if code is None:
        return None
    found = collections.defaultdict(list)
    for line in out.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))
        if len(row) < len(FIELDS) or not row["frame.number"].isdigit():
            continue  # a name with a line break in it
        at = nanoseconds(row["frame.time_epoch"])
        ports = {row[f"{p}.{end}port"] for p in ("udp", "tcp") for end in ("src", "dst")}
        if any(is_group(row[v]) for v in ("ip.dst", "ipv6.dst")) or (
                row["ip.fragment.count"] or row["ipv6.fragment.count"]):
            continue
        if not row["_ws.malformed"] and not row["_ws.short"]:
            for kind in ("dns", "icmp"):
                found.setdefault((kind, at), [])
        if row["dns.time"] and ports & PORTS and row["dns.retransmission"] != "1":
            found["dns", at].append(float(row["dns.time"]) * 1e6)
        for field in ("icmp.resptime", "icmpv6.resptime"):  # in ms
            if row.get(field):
                found["icmp", at].append(float(row[field]) * 1e3)
    return found


def konn_times(program, path):
    """As oracle, of valid samples and of those whose question was repeated."""
    code, out, err = corpus.run([program, "rtt", "--all", "-r", path, "-j"])
    if code not in (0, 1, 66):
        return None, f"exit {code}: {err.strip()[-500:]}"
    found = collections.defaultdict(list)
    for line in out.splitlines():
        row = json.loads(line)
        if row["kind"] == "rtt" and row["sample"] in ("dns", "icmp"):
            found[row["sample"], stamp(row["ts"])].append((row["rtt_us"], row.get("reason")))
    return found, None


def stamp(text):
    """RFC 3339 UTC with nine decimals, in ns."""
    day, clock = text.rstrip("Z").split("T")
    year, month, date = (int(n) for n in day.split("-"))
    clock, _, rest = clock.partition(".")
    hour, minute, second = (int(n) for n in clock.split(":"))
    years = year - (month <= 2)
    era = years // 400
    of_era = years - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + date - 1
    days = era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
    return ((days * 24 + hour) * 60 + minute) * 60 * 10**9 + second * 10**9 + int(rest)


def differences(theirs, ours):
    for key, times in sorted(theirs.items()):
        mine = ours.get(key, [])
        for wanted in times:
            if not any(abs(us - wanted) <= 1 or reason == "retransmitted" for us, reason in mine):
                yield f"{key[0]} answer at {key[1]}: tshark {wanted:.0f} us, konn {mine}"
    for key, times in sorted(ours.items()):
        if key in theirs and not theirs[key] and any(reason is None for _, reason in times):
            yield f"{key[0]} answer at {key[1]}: tshark none, konn {times}"


def compare(program, path):
    """None: no such answer. Else the differences and how many times there were."""
    theirs = oracle(path)
    if theirs is None:
        return ["tshark gave no answer"], 0
    ours, complaint = konn_times(program, path)
    if complaint:
        return [complaint], 0
    if not any(theirs.values()) and not ours:
        return None
    return list(differences(theirs, ours)), sum(len(t) for t in theirs.values())


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    files = equal = times = 0
    unexpected, excused, unneeded = [], [], []
    work = lambda name: compare(args.konn, os.path.join(args.captures, name))
    for name, found in corpus.for_each(work, names):
        if found is None:
            continue
        found, count = found
        files += 1
        times += count
        equal += not found
        if found and name in known:
            excused.append(name)
            print(f"{name}: excused: {known[name]}")
        elif found:
            unexpected.append(name)
            print(f"{name}: {len(found)} of {count} differ: {found[0]}", flush=True)
        elif name in known:
            unneeded.append(name)
            print(f"{name}: an exception that is not needed any more")
    print(f"{len(names)} captures, {files} with answers ({times}), {equal} equal, "
          f"{len(excused)} excused, {len(unexpected)} different")
    too_many = len(excused) > max(2, MOST_EXCEPTIONS * files)
    if too_many:
        print(f"more than {MOST_EXCEPTIONS:.0%} excused")
    sys.exit(1 if unexpected or unneeded or too_many else 0)


main()
