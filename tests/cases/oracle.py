"""What other tools say of a capture: tshark, capinfos, tcpdump."""

import re
import shutil
import subprocess
from dataclasses import dataclass, field

FIELDS = (
    "frame.protocols tcp.stream ip.src ip.dst ipv6.src ipv6.dst tcp.srcport tcp.dstport"
    " tcp.len tcp.flags.syn tcp.flags.ack"
).split()


@dataclass
class Stream:
    """One TCP connection as tshark saw it; index 0 is the sender of the first SYN."""

    hosts: list
    ports: list
    payload: list = field(default_factory=lambda: [0, 0])
    packets: list = field(default_factory=lambda: [0, 0])


def have(*programs):
    return all(shutil.which(p) for p in programs)


def output(*command):
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    return done.stdout.decode("utf-8", "replace")


def tshark_fields(path, display, fields, *options):
    """Rows of {field: [values of all layers, outermost first]}."""
    command = ["tshark", "-n", "-r", str(path), "-Y", display, "-T", "fields",
               "-E", "separator=/t", "-E", "aggregator=;", *options]
    for name in fields:
        command += ["-e", name]
    for line in output(*command).splitlines():
        cells = line.split("\t")
        yield {n: c.split(";") if c else [] for n, c in zip(fields, cells)}


def _innermost(row):
    """Addresses of the IP header that is nearest to the (last) TCP header."""
    names = row["frame.protocols"][0].split(":")
    last = len(names) - 1 - names[::-1].index("tcp")
    version = [n for n in names[:last] if n in ("ip", "ipv6")][-1]
    return row[version + ".src"][-1], row[version + ".dst"][-1]


def tcp_streams(path, *options):
    """Innermost TCP streams in order of their first packet."""
    streams = {}
    for row in tshark_fields(path, "tcp", FIELDS, *options):
        src, dst = _innermost(row)
        sport, dport = int(row["tcp.srcport"][-1]), int(row["tcp.dstport"][-1])
        number = int(row["tcp.stream"][-1])
        if number not in streams:
            s = Stream([src, dst], [sport, dport])
            if row["tcp.flags.syn"][-1] == "1" and row["tcp.flags.ack"][-1] == "1":
                s = Stream([dst, src], [dport, sport])
            streams[number] = s
        s = streams[number]
        way = 0 if [src, sport] == [s.hosts[0], s.ports[0]] else 1
        s.packets[way] += 1
        s.payload[way] += int(row["tcp.len"][-1])
    return list(streams.values())


def conversations(path):
    """`-z conv,tcp`: {(a, b): (frames a<-b, frames a->b)} with "host:port" ends."""
    text = output("tshark", "-n", "-r", str(path), "-q", "-z", "conv,tcp")
    found = {}
    for line in text.splitlines():
        m = re.match(r"(\S+)\s+<->\s+(\S+)\s+(\d+) .*?\s(\d+) (?:bytes|kB|MB|GB)\s+(\d+) ",
                     line)
        if m:
            frames = re.findall(r"(\d+) \d+ (?:bytes|kB|MB|GB)", line)
            found[m.group(1), m.group(2)] = tuple(int(f) for f in frames[:2])
    return found


def tcpdump_count(path, *expression):
    """Number of packets, or None when tcpdump cannot read the file."""
    text = output("tcpdump", "-nn", "-r", str(path), "--count", *expression)
    m = re.search(r"(\d+) packets?", text)
    return int(m.group(1)) if m else None


def capinfos_count(path):
    m = re.search(r"Number of packets\s*[:=]\s*(\d+)",
                  output("capinfos", "-M", "-c", str(path)))
    return int(m.group(1)) if m else None
