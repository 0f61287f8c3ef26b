#!/usr/bin/env python3
"""Loss by place, reordering and copies against a model that knows what became of each
segment, at both ends and in the middle. Seeds are fresh and printed."""

import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "path"))

import konn
import path_model as model
import truth

SEED = int(os.environ.get("KONN_SEED") or random.SystemRandom().randrange(1 << 31))
MS = model.MS
CASES = {
    "clean": ({}, {}),
    "before": ({"loss": 0.02}, {}),
    "after": ({}, {"loss": 0.02}),
    "both": ({"loss": 0.01, "ack_loss": 0.02}, {"loss": 0.01, "ack_loss": 0.02}),
    "heavy": ({"loss": 0.03}, {"loss": 0.03}),
    "overtaken_before": ({"overtake": 0.02}, {}),
    "overtaken_after": ({}, {"overtake": 0.02}),
    "overtaken_and_lost": ({"overtake": 0.02, "loss": 0.01}, {"overtake": 0.02, "loss": 0.01}),
    "doubled": ({"double": 0.02}, {"double": 0.02}),
    "everything": ({"overtake": 0.01, "loss": 0.01, "double": 0.01},
                   {"overtake": 0.01, "loss": 0.01, "double": 0.01}),
}


def first_sights(packets, up, point):
    """(segment, whether it was sent before, what passed so far) for each first copy."""
    data = [p for p in packets if p.up == up and p.len]
    sent = {}
    for p in sorted(data, key=lambda p: p.serial):
        sent.setdefault(p.seq, p.serial)
    seen, passed = set(), []
    came = [p for p in data if p.at(point) is not None]
    for p in sorted(came, key=lambda p: (p.at(point), p.serial)):
        if p.seq not in seen:
            seen.add(p.seq)
            yield p, sent[p.seq] < p.serial and not p.copy, passed[-300:]
        passed.append(p)


def lost_before(packets, up, point):
    """Losses that left a hole, seen before the repair was sent; all losses."""
    least = sum(again and any(q.seq > p.seq and q.serial < p.serial for q in passed)
                for p, again, passed in first_sights(packets, up, point))
    return least, sum(p.up == up and p.len > 0 and p.lost_before(point) for p in packets)


def lost_after(packets, up, point):
    """As the emulator's truth, but that a repair which the network doubled behind the
    point may look like one that was not needed: the receiver reports it as come twice."""
    least, most = truth.after(packets, up, point)
    data = [p for p in packets if p.up == up and p.len]
    again = {p.seq for p in data if not p.copy and any(
        q.seq == p.seq and q.serial < p.serial and not q.copy for q in data)}
    return least - sum(p.copy and p.seq in again for p in data), most


def overtaken(packets, up, point):
    """Behind later bytes that were sent later: sent for the first time; any."""
    found = [again for p, again, passed in first_sights(packets, up, point)
             if any(q.serial > p.serial and q.seq > p.seq for q in passed)]
    return found.count(False), len(found)


class Loss(konn.Case):
    def play(self, rng, name, **more):
        halves = tuple(model.Half(delay=rng.randrange(4 * MS, 15 * MS),
                                  late=rng.randrange(MS, 3 * MS), **what)
                       for what in CASES[name])
        options = model.Options(halves, **more)
        return model.Transfer(rng, options).run(), options

    def check(self, row, packets, options, point, note):
        prefix = "orig" if options.up else "resp"
        for where, of in (("before", lost_before), ("after", lost_after)):
            least, most = of(packets, options.up, point)
            room = max(1, most * 0.05)
            found = row[f"{prefix}_lost_{where}"]
            self.assertTrue(least - room <= found <= most + room,
                            f"{note}: lost {where} {found}, not {least} to {most}")
        least, most = overtaken(packets, options.up, point)
        found = row[f"{prefix}_reordered"]
        self.assertTrue(least * 0.95 <= found <= most,
                        f"{note}: reordered {found}, not {least} to {most}")
        twice = sum(p.copy and p.at(point) is not None for p in packets)
        self.assertLessEqual(row[f"{prefix}_duplicates"], twice, note)
        other = "resp" if options.up else "orig"
        self.assert_fields(row, note, **{
            f"{other}_lost_before": 0, f"{other}_lost_after": 0, f"{other}_reordered": 0,
            f"{other}_duplicates": 0, f"{other}_rto": 0, f"{other}_tlp": 0})

    def case(self, name, **more):
        seed = f"{SEED} {name} {sorted(more.items())}"
        rng = random.Random(seed)
        packets, options = self.play(rng, name, **more)
        isns = [rng.randrange(1 << 32), (1 << 32) - rng.randrange(1, 1 << 21)]
        for point in truth.POINTS:
            row = self.row(model.captured(packets, point, options, isns))
            self.check(row, packets, options, point, f"seed {seed}, {point}")


def add(name):
    def test(self):
        for version, stamps, up in ((4, True, True), (6, False, False), (6, True, False)):
            self.case(name, version=version, stamps=stamps, up=up)

    setattr(Loss, f"test_{name}", test)


for case in CASES:
    add(case)

if __name__ == "__main__":
    print(f"KONN_SEED={SEED}", file=sys.stderr)
    konn.main()
