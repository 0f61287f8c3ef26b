#!/usr/bin/env python3
"""Connections have the server names, ALPN protocols and SSH banners that tshark finds.

tshark opens QUIC's Initials by itself. A row has the first name of its connection: TLS SNI
or HTTP Host (of the target, where it says one: RFC 9112 section 3.2.2), without port; the
protocol that a ServerHello chose, else all that were offered; the responder's SSH
identification. Where a tuple was used again, the values of all its connections count.
"""
import collections
import os
import re
import sys

import corpus

HERE = os.path.dirname(os.path.abspath(__file__))
EXCEPTIONS = os.path.join(HERE, "names_exceptions.txt")
MOST_EXCEPTIONS = 0.05  # of the files with names
COLUMNS = ("server_name", "alpn", "banner")
SHOWN = ("tls.handshake.extensions_server_name || tls.handshake.extensions_alpn_str || "
         "http.host || http.request.method == CONNECT || ssh.protocol")
FIELDS = ("frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport",
          "tcp.dstport", "udp.srcport", "udp.dstport", "tcp.stream", "udp.stream",
          "tls.handshake.type", "tls.handshake.extensions_server_name",
          "tls.handshake.extensions_alpn_str", "http.host", "http.request.method",
          "http.request.uri", "ssh.protocol")
SERVER_HELLO = "2"
SERVICES = ("tls", "http", "ssh", "quic")


def ends(row):
    """(transport, sender, receiver, stream) of the header under the named protocol."""
    layers = row["frame.protocols"][0].split(":")
    named = [i for i, layer in enumerate(layers) if layer in ("tls", "http", "ssh", "quic")]
    below = layers[:named[-1]] if named else layers
    transports = [layer for layer in below if layer in ("tcp", "udp")]
    networks = [layer for layer in below if layer in ("ip", "ipv6")]
    if not named or not transports or not networks:
        return None
    transport, network = transports[-1], networks[-1]
    at, net = transports.count(transport) - 1, networks.count(network) - 1
    try:
        return (transport,
                (row[network + ".src"][net], int(row[transport + ".srcport"][at])),
                (row[network + ".dst"][net], int(row[transport + ".dstport"][at])),
                row[transport + ".stream"][-1])
    except IndexError:
        return None


def host_of(text):
    """Without user, port and brackets."""
    text = text.rpartition("@")[2].strip()
    bracket = re.match(r"\[([^\]]*)\]", text)
    return bracket.group(1) if bracket else re.sub(r":\d*$", "", text)


def http_name(row):
    for method, uri in zip(row["http.request.method"], row["http.request.uri"]):
        full = re.match(r"[A-Za-z]+://([^/?#]*)", uri)
        if full or method == "CONNECT" and not uri.startswith("/"):
            return host_of(full.group(1) if full else uri)
        break
    return host_of(row["http.host"][0]) if row["http.host"] else None


class Stream:
    def __init__(self):
        self.server_name = self.offered = self.chosen = None
        self.banner = {}

    def take(self, row, sender):
        names = row["tls.handshake.extensions_server_name"]
        name = names[0] if names else http_name(row)
        self.server_name = self.server_name or name
        alpn = row["tls.handshake.extensions_alpn_str"]
        if alpn and SERVER_HELLO in row["tls.handshake.type"]:
            self.chosen = self.chosen or alpn[-1]
        elif alpn:
            self.offered = self.offered or ",".join(alpn)
        for text in row["ssh.protocol"]:
            self.banner.setdefault(sender, text)


def oracle(path, *options):
    """{unordered tuple: [Stream, …]}"""
    rows = corpus.tshark(path, FIELDS, SHOWN, *options, between="\x1f")
    if rows is None:
        return None
    streams = {}
    for row in rows:
        found = ends(row)
        if found:
            transport, sender, receiver, number = found
            key = (transport, frozenset((sender, receiver)))
            streams.setdefault((key, number), Stream()).take(row, sender)
    by_tuple = collections.defaultdict(list)
    for (key, _), stream in streams.items():
        by_tuple[key].append(stream)
    return by_tuple


def clean(text):
    """As konn shows what is no plain text; cut by the byte is good enough here."""
    return text.replace("\\", "\\x5c")[:255]


def wanted(streams, responders):
    found = collections.Counter()
    for s in streams:
        banners = [text for end, text in s.banner.items() if end in responders]
        for column, value in (("server_name", s.server_name), ("alpn", s.chosen or s.offered),
                              ("banner", banners[0] if banners else None)):
            if value:
                found[column, clean(value)] += 1
    return found


def told_again(path, konn, by_tuple):
    """tshark goes by ports first: what does it find with konn's word for the protocol?"""
    told = sorted({("udp" if row["proto"] == "udp" else "tcp", row["id.resp_p"], row["service"])
                   for row in konn.rows if row.get("service") in SERVICES
                   and any(c in row for c in COLUMNS) and "id.resp_p" in row})
    options = [o for proto, port, service in told
               for o in ("-d", f"{proto}.port=={port},{service}")]
    for key, streams in (oracle(path, *options) or {}).items():
        by_tuple[key, "again"] = streams


def konn_values(rows):
    """{unordered tuple: (Counter, responders)}"""
    found = {}
    for row in rows:
        if "id.orig_p" not in row:
            continue
        sides = [(row[f"id.{e}_h"], row[f"id.{e}_p"]) for e in ("orig", "resp")]
        values, responders = found.setdefault(
            (row["proto"], frozenset(sides)), (collections.Counter(), set()))
        responders.add(sides[1])
        values.update((c, row[c]) for c in COLUMNS if c in row)
    return found


class Totals:
    def __init__(self):
        self.wanted, self.equal, self.more = (collections.Counter() for _ in range(3))


def compare(program, path):
    """None: nothing to name. Else the differences, as text, and what was counted."""
    theirs = oracle(path)
    if theirs is None:
        return ["tshark gave no answer"], Totals()
    konn = corpus.Konn(program, path)
    if konn.complaint:
        return [konn.complaint], Totals()
    ours, totals, differences = konn_values(konn.rows), Totals(), []
    keys = sorted({*theirs, *ours}, key=str)
    if any(ours[key][0] - wanted(theirs.get(key, []), ours[key][1]) for key in ours):
        told_again(path, konn, theirs)
    for key in keys:
        mine, responders = ours.get(key, (collections.Counter(), set()))
        want = wanted(theirs.get(key, []), responders)
        want |= wanted(theirs.get((key, "again"), []), responders) & mine
        for (column, _), n in want.items():
            totals.wanted[column] += n
        for (column, _), n in (want & mine).items():
            totals.equal[column] += n
        for (column, _), n in (mine - want).items():
            totals.more[column] += n
        if want != mine:
            where = " ".join(f"{a}:{p}" for a, p in sorted(key[1]))
            differences.append(f"{key[0]} {where}: tshark {dict(want - mine)}, "
                               f"konn {dict(mine - want)}")
    if not +totals.wanted and not +totals.more:
        return None, totals
    return differences, totals


def main():
    args = corpus.arguments()
    known = corpus.exceptions(EXCEPTIONS)
    names = corpus.names(args)
    with_names = 0
    unexpected, excused, unneeded = [], [], []
    sums = Totals()
    work = lambda name: compare(args.konn, os.path.join(args.captures, name))
    for name, (found, totals) in corpus.for_each(work, names):
        for field in ("wanted", "equal", "more"):
            getattr(sums, field).update(getattr(totals, field))
        if found is None:
            continue
        with_names += 1
        if found and name in known:
            excused.append(name)
            print(f"{name}: excused: {known[name]}")
        elif found:
            unexpected.append(name)
            print(f"{name}: {len(found)} connections differ: {found[0]}", flush=True)
        elif name in known:
            unneeded.append(name)
            print(f"{name}: an exception that is not needed any more")
    for column in COLUMNS:
        print(f"{column}: tshark has {sums.wanted[column]}, {sums.equal[column]} equal, "
              f"{sums.more[column]} only konn's")
    print(f"{len(names)} captures, {with_names} with names, {len(excused)} excused, "
          f"{len(unexpected)} different")
    nothing = not args.files and any(not sums.equal[column] for column in COLUMNS)
    too_many = args.every and len(excused) > MOST_EXCEPTIONS * with_names
    sys.exit(1 if unexpected or unneeded or nothing or too_many else 0)


if __name__ == "__main__":
    main()
