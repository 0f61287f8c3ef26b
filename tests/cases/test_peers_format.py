"""konn rtt --format connmon and pping, field by field beside those tools.

The model in passive.py stands for them; where the real programs are (KONN_CONNMON,
KONN_PPING) it is held against them first. A line of theirs that konn does not have, or has
otherwise, must be wrong by a rule of peers_rules.py, and so must a line that only konn has.
"""

import collections
import os
import subprocess
import unittest

import konn
import passive
from peers_rules import Trace

REAL = {"connmon": os.environ.get("KONN_CONNMON"), "pping": os.environ.get("KONN_PPING")}
MODEL = {"connmon": passive.Connmon, "pping": passive.Pping}
READ = {"connmon": passive.read_connmon, "pping": passive.read_pping}
NEAR_US = 1
BIGGEST = 4_000_000  # bytes of a file: the rules look at each pair of packets


def near(a, b, most=NEAR_US):
    if a is None or b is None:
        return a is b
    return abs(a - b) <= most


def captures():
    """(path, segments) of the files that the model can read and that have TCP."""
    for path in sorted(konn.CAPTURES.rglob("*.pcap")):
        if path.stat().st_size > BIGGEST:
            continue
        try:
            found = passive.segments(path)
        except passive.Unreadable:
            continue
        if found:
            yield path, found


def ours(kind, path):
    result = konn.run("rtt", "--format", kind, "-q", "-r", path, "-f", "ip and tcp")
    return list(READ[kind](result.out))


class Pairs:
    """Lines of two programs that tell of the same packet, in order."""

    def __init__(self, model, konn_lines, key, exact):
        """`exact` tells lines of packets with the same key apart, where it can."""
        waiting = collections.defaultdict(list)
        for line in konn_lines:
            waiting[key(line)].append(line)
        found = {}
        for same in (lambda a, b: near(exact(a), exact(b)), lambda a, b: True):
            for n, line in enumerate(model):
                fits = [x for x in waiting[key(line)] if same(line, x)]
                if n not in found and fits:
                    found[n] = fits[0]
                    waiting[key(line)].remove(fits[0])
        self.both = [(line, found[n]) for n, line in enumerate(model) if n in found]
        self.theirs = [line for n, line in enumerate(model) if n not in found]
        self.ours = [line for left in waiting.values() for line in left]


class Comparison:
    """Of one file: how many fields were equal, which rules explained the rest."""

    def __init__(self):
        self.equal = collections.Counter()
        self.rules = collections.Counter()
        self.faults = []

    def explain(self, rule, what):
        if rule:
            self.rules[rule] += 1
        else:
            self.faults.append(what)

    def same(self, field, a, b, what):
        if a == b:
            self.equal[field] += 1
        else:
            self.faults.append((field, a, b, what))


def compare_pping(found, lines):
    """Round trips, their least, and the three counters of bytes."""
    c, trace = Comparison(), Trace(found)
    model = list(passive.Pping().lines(found))
    pairs = Pairs(model, lines, lambda p: (p.ts, p.name), lambda p: p.rtt)
    for line in pairs.theirs:
        timed, echo = trace.by_number[line.timed], trace.by_number[line.number]
        c.explain(trace.stamp_says_nothing(timed, echo), ("only pping", line))
    numbers = {(s.ts, s.name): s for s in found}
    for line in pairs.ours:
        echo = numbers.get((line.ts, line.name))
        rule = echo and trace.stamp_unknown_to_them(echo, line.rtt)
        c.explain(rule, ("only konn", line))
    for theirs, own in pairs.both:
        c.same("rtt", near(theirs.rtt, own.rtt), True, (theirs, own))
        rule = trace.bytes_say_nothing(trace.by_number[theirs.number])
        if rule:
            c.rules[rule] += 1
        else:
            c.same("forward", theirs.forward, own.forward, (theirs, own))
    pping_sums(c, trace, model, lines, pairs)
    return c


def pping_sums(c, trace, model, lines, pairs):
    """What depends on the lines before: the least, and bytes since the last one."""
    least, sums = {}, collections.Counter()
    for own in lines:
        least[own.name] = min(own.rtt, least.get(own.name, own.rtt))
        c.same("min", own.least, least[own.name], own)
        if own.back is not None:
            sums[own.name] += own.back
        own.total = sums[own.name]
    sums.clear()
    for theirs in model:
        sums[theirs.name] += theirs.back
        theirs.total = sums[theirs.name]
    last = {}
    for theirs, own in pairs.both:
        timed = trace.by_number[theirs.timed]
        if trace.bytes_say_nothing(timed) or trace.back:
            continue
        c.same("back", theirs.total, own.total, (theirs, own))
        before = [f for n, f in last.get(own.name, ()) if n < timed.number]
        c.same("departed", own.departed, before[-1] if before else 0, (theirs, own))
        last.setdefault(own.name, []).append((theirs.number, own.forward))


def compare_connmon(found, lines):
    """Both round trips, holes, duplicates, payload, bytes."""
    c, trace = Comparison(), Trace(found)
    model = list(passive.Connmon().lines(found))
    key = lambda f: (f.ts, f.name, f.payload)  # noqa: E731
    pairs = Pairs(model, lines, key, lambda f: f.bytes)
    numbers = {(s.ts, s.name, s.payload): s for s in found}
    for line in pairs.theirs:
        empty = passive.Facts(None, line.ts, None, None, 0, None, line.payload, line.bytes,
                              line.name)
        connmon_fields(c, trace, trace.by_number[line.number], line, empty)
    for line in pairs.ours:
        s = numbers.get(key(line))
        none = passive.Facts(None, line.ts, None, None, 0, None, line.payload, line.bytes,
                             line.name)
        if s:
            connmon_fields(c, trace, s, none, line)
        else:
            c.explain(None, ("no packet", line))
    for theirs, own in pairs.both:
        s = trace.by_number[theirs.number]
        connmon_fields(c, trace, s, theirs, own)
        if not trace.twice(s):
            c.same("bytes", theirs.bytes, own.bytes, (theirs, own))
    return c


def connmon_fields(c, trace, s, theirs, own):
    for field, says_nothing, unknown in (
            ("stamp", trace.stamp_says_nothing, trace.stamp_unknown_to_them),
            ("seq", trace.seq_says_nothing, trace.seq_unknown_to_them)):
        a, b = getattr(theirs, field), getattr(own, field)
        if near(a, b):
            c.equal[field] += a is not None
        elif a is None:
            c.explain(unknown(s, b), ("only konn", field, theirs, own))
        elif b is None:
            timed = trace.by_number[theirs.timed[field]]
            c.explain(says_nothing(timed, s), ("only connmon", field, theirs, own))
        else:
            timed = trace.by_number[theirs.timed[field]]
            c.explain(says_nothing(timed, s), ("differ", field, theirs, own))
    connmon_hole(c, trace, s, theirs, own)
    connmon_dup(c, trace, s, theirs, own)


def connmon_hole(c, trace, s, theirs, own):
    """A hole is what was jumped over, counted from the highest segment before."""
    if max(theirs.hole, 0) == max(own.hole, 0):
        c.equal["hole"] += theirs.hole > 0
    elif max(trace.hole(s), 0) == max(own.hole, 0):
        c.explain("false hole: counted from a segment sent again", None)
    else:
        c.explain(trace.any_pair(s, s), ("hole", trace.hole(s), theirs, own))


def connmon_dup(c, trace, s, theirs, own):
    if near(theirs.dup, own.dup):
        c.equal["dup"] += theirs.dup is not None
    elif own.dup is None:
        c.explain(trace.no_duplicate(s), ("dup", theirs, own))
    else:
        c.explain(trace.any_pair(s, s), ("dup", theirs, own))


COMPARE = {"connmon": compare_connmon, "pping": compare_pping}


class Formats(konn.Case):
    def setUp(self):
        super().setUp()
        self.need_corpus()

    def total(self, kind):
        total, faults = Comparison(), []
        for path, found in captures():
            c = COMPARE[kind](found, ours(kind, path))
            total.equal.update(c.equal)
            total.rules.update(c.rules)
            faults += [(path.name, *f) for f in c.faults]
        return total, faults

    def check(self, kind, *fields):
        total, faults = self.total(kind)
        self.assertEqual(faults[:5], [], f"{len(faults)} not explained")
        for field in fields:  # a comparison of nothing would pass as well
            self.assertGreater(total.equal[field], 20, (field, total.equal))

    def test_connmon(self):
        self.check("connmon", "stamp", "seq", "hole", "dup", "bytes")

    def test_pping(self):
        self.check("pping", "rtt", "min", "forward", "departed", "back")


class Model(konn.Case):
    """The model against the programs that it stands for."""

    def lines_of(self, kind, path):
        """None when the program failed: it aborts on some packets that are cut."""
        done = subprocess.run([REAL[kind], "-m", "-q", "-r", str(path)], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=konn.TIMEOUT)
        if done.returncode:
            return None
        ends = lambda line: line.name.count(":") == 2  # noqa: E731 (IPv4)
        return [line for line in READ[kind](done.stdout.decode()) if ends(line)]

    def check(self, kind):
        if not REAL[kind] or not os.access(REAL[kind], os.X_OK):
            self.skipTest(f"no {kind} (KONN_{kind.upper()})")
        self.need_corpus()
        compared = 0
        for path, found in captures():
            real = self.lines_of(kind, path)
            if real is None:
                continue
            model = list(MODEL[kind]().lines(found))
            self.assertEqual(len(real), len(model), path)
            for a, b in zip(real, model):
                self.assert_same(a, b, path)
            compared += len(real)
        self.assertGreater(compared, 1000)

    def assert_same(self, a, b, path):
        """Times to 2 us: theirs are cut, not rounded, and differences of such."""
        exact = ("hole", "payload", "bytes", "forward", "departed", "back", "name")
        for field, value in vars(a).items():
            if field in ("number", "timed"):
                continue
            other = getattr(b, field)
            good = value == other if field in exact else near(value, other, 2)
            self.assertTrue(good, (path, field, a, b))

    def test_connmon(self):
        self.check("connmon")

    def test_pping(self):
        self.check("pping")


if __name__ == "__main__":
    konn.main()
