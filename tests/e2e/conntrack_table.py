"""conntrack_table — what conntrack(8) lists, and what conntrack_probe says, in one shape.

The shape of an entry: id, proto, family, orig and reply (tuples of (name, value) pairs),
state, mark, zones, flags, timeout, helper, age. What is not there is None.
"""
import json
import os
import re
import shutil
import sys
import time

import netns

PROBE = os.environ["CONNTRACK_PROBE"]
MAKE = os.environ["CONNTRACK_MAKE"]
TUPLE = ("src", "dst", "sport", "dport", "type", "code", "id", "srckey", "dstkey")
COUNTERS = ("packets", "bytes")
FLAGS = {"ASSURED": "assured", "OFFLOAD": "offload", "HW_OFFLOAD": "hw_offload"}


def require_tools():
    for tool in ("conntrack", "nft"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(netns.SKIP)


def _sides(text):
    """The tuples of a line: words src= begin a new one; a last id= is the entry's."""
    sides, rest = [], []
    for word in text.split():
        name, equals, value = word.partition("=")
        if name == "src" and equals:
            sides.append({})
        if sides and name in TUPLE + COUNTERS and (name != "id" or "type" in sides[-1]) and name not in sides[-1]:
            sides[-1][name] = value
        else:
            rest.append(word)
    return sides, rest


def parse_line(line):
    """One line of `conntrack -L -o extended,id,timestamp`, or of -E behind its event."""
    family, _, _, proto, head = re.match(r"(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s+(.*)", line).groups()
    (orig, reply), rest = _sides(head)
    words = dict(w.split("=", 1) for w in rest if "=" in w)
    flags = {FLAGS[w[1:-1]] for w in rest if w[0] == "[" and w[1:-1] in FLAGS}
    if "[UNREPLIED]" not in rest:
        flags.add("seen_reply")
    zone = words.get("zone", "0")
    state = [w for w in rest if re.fullmatch(r"[A-Z_0-9]*[A-Z][A-Z_0-9]*", w)]
    timeout = [int(w) for w in rest if w.isdigit()]
    return {
        "id": int(words["id"]), "proto": int(proto), "family": family, "flags": flags,
        "orig": _tuple(orig), "reply": _tuple(reply),
        "counters": [orig.get(c) and int(orig[c]) for c in COUNTERS]
                    + [reply.get(c) and int(reply[c]) for c in COUNTERS],
        "zones": (int(words.get("zone-orig", zone)), int(words.get("zone-reply", zone))),
        "mark": int(words["mark"]) if "mark" in words else None,
        "helper": words.get("helper"), "state": state[0] if state else None,
        "timeout": timeout[0] if timeout else None,
        "age": int(words["delta-time"]) if "delta-time" in words else None,
    }


def _tuple(side):
    names = {"srckey": "sport", "dstkey": "dport"}
    return tuple(sorted((names.get(k, k), int(v, 0) if k not in ("src", "dst") else v)
                        for k, v in side.items() if k in TUPLE))


def listed(ns):
    """{id: entry} as conntrack(8) has it."""
    text = ns.run(["conntrack", "-L", "-o", "extended,id,timestamp"]).stdout
    entries = [parse_line(line) for line in text.splitlines()]
    return {e["id"]: e for e in entries}


def shape(fact, now=None):
    """A line of the probe in the shape of parse_line."""
    side = {d: tuple(sorted((k, v) for k, v in fact[d].items() if k != "zone"))
            for d in ("orig", "reply")}
    now = now or time.time()
    shown = set(FLAGS.values()) | {"seen_reply"}
    return {
        "id": fact["id"], "proto": fact["proto"], **side,
        "family": "ipv6" if ":" in fact["orig"]["src"] else "ipv4",
        "flags": shown & set(fact["status"]),
        "counters": [fact.get(f"{d}_{c}") for d in ("orig", "reply") for c in COUNTERS],
        "zones": (fact["orig"]["zone"], fact["reply"]["zone"]),
        "mark": fact.get("mark"), "helper": fact.get("helper"), "state": fact.get("state"),
        "timeout": fact.get("timeout"),
        "age": int(now - fact["start"] / 1e9) if "start" in fact else None,
    }


def probe(ns, *words, **more):
    """The lines that the probe printed."""
    out = ns.run([PROBE, *words], **more).stdout
    return [json.loads(line) for line in out.splitlines()]


def facts(ns):
    """The raw facts of one dump."""
    return [line for line in probe(ns, "list") if line["kind"] == "listed"]


def make(ns, *words):
    ns.run([MAKE, *words])


class Watch:
    """The probe watching; keeps rows by the rule of source/conntrack.h."""

    def __init__(self, ns, *words):
        self.read = []
        self.program = ns.start([PROBE, "watch", *words])
        self.program.wait_line('"kind":"whole"')

    def lines(self):
        for line in self.program.out[len(self.read):]:
            self.read.append(json.loads(line))
        return self.read

    def of_kind(self, *kinds):
        return [line for line in self.lines() if line["kind"] in kinds]

    def rows(self):
        """Ids of the rows that a reader of these lines has now."""
        rows = {}
        for line in self.lines():
            kind = line["kind"]
            if kind == "whole":
                rows = {k: v for k, v in rows.items() if v[0] == line["generation"]}
            elif "orig" in line:
                key = json.dumps(line["orig"])
                if kind == "destroy":
                    rows.pop(key, None)
                else:
                    rows[key] = line["generation"], line["id"]
        return {entry_id for _, entry_id in rows.values()}

    def next_whole(self, seconds=30.0):
        """Waits for a dump that begins from now on, and is sound."""
        seen = max(line["generation"] for line in self.of_kind("whole"))

        def found():
            newest = self.of_kind("whole")[-1]
            return newest["generation"] > seen + 1 and not newest["stale"]

        netns.wait_for(found, "a whole dump", seconds)

    def asleep(self, seconds):
        """Does not read for so long."""
        before = len(self.of_kind("asleep"))
        self.program.send(f"sleep {int(seconds * 1000)}\n")
        netns.wait_for(lambda: len(self.of_kind("asleep")) > before, "sleep")

    def stop(self):
        """Its last status."""
        self.program.process.stdin.close()
        self.program.wait()
        return self.of_kind("status")[-1]
