"""compare — what konn says of a capture beside the truth of that run, cell by cell."""
import json
import statistics
import subprocess

import scenarios
import truth

RTT_US, APP_US = 500, 1000
SEGMENT_BITS = 1514 * 8
LOSS_SHARE = 0.05
SENDERS = {"orig": "client", "resp": "server"}
LOSSES = ("lost_before", "lost_after")
SHORT = {  # the measures, and how a line calls them
    "lost before": "before", "lost after": "after", "reordered": "order",
    "duplicates": "twice", "sent again": "again", "half rtt": "rtt", "app time": "app",
    "verdict": "why"}


class Cell:
    """One comparison. state: right, wrong, absent (konn has no value), late (machine)."""

    def __init__(self, measure, state, text, got=0, want=0):
        self.measure, self.state, self.text = measure, state, text
        self.got, self.want = got, want

    def __str__(self):
        mark = {"right": " ", "wrong": "!", "absent": "?", "late": "~"}[self.state]
        return f"{mark}{SHORT[self.measure]} {self.text}"


def columns(konn):
    """The names of the columns that this konn has."""
    out = subprocess.run([konn, "columns", "-j"], capture_output=True, text=True,
                         check=True, timeout=30).stdout
    return {json.loads(line)["key"] for line in out.splitlines()}


def rows(konn, capture):
    """{client port: row} of the TCP connections in a capture."""
    out = subprocess.run([konn, "list", "-r", capture, "-j"], capture_output=True, text=True,
                         check=True, timeout=120).stdout
    found = {}
    for line in out.splitlines():
        row = json.loads(line)
        if row["kind"] == "conn" and row["proto"] == "tcp":
            found[row["id.orig_p"]] = row
    return found


def _losses(flows, point, known):
    """Both sides' losses on one side of the point, over all connections of the run."""
    for field in LOSSES:
        names = [f"{side}_{field}" for side in truth.SIDES]
        if known.isdisjoint(names):
            continue
        got = _values(flows, names)
        least = sum(flow[point][name][0] for flow, _ in flows for name in names)
        most = sum(flow[point][name][1] for flow, _ in flows for name in names)
        if None in got:
            yield Cell(field.replace("_", " "), "absent", "-")
            continue
        slack = max(1, LOSS_SHARE * most)
        right = least - slack <= sum(got) <= most + slack
        want = f"{most}" if least == most else f"{least}..{most}"
        yield Cell(field.replace("_", " "), "right" if right else "wrong",
                   f"{sum(got)}/{want}", sum(got), min(max(sum(got), least), most))


def _count(measure, got, want, least):
    """A count of the whole run that may fall short of the truth, but not exceed it."""
    if None in got:
        return Cell(measure, "absent", "-")
    right = least <= sum(got) <= want
    return Cell(measure, "right" if right else "wrong", f"{sum(got)}/{want}", sum(got), want)


def _values(flows, names):
    return [row.get(name) for _, row in flows for name in names]


def _counts(flows, point, found, known):
    for field in ("reordered", "duplicates"):
        names = [f"{side}_{field}" for side in truth.SIDES]
        if known.isdisjoint(names) or (field, found["ip"]) == ("duplicates", "6"):
            continue  # without an IP identification nobody can tell a copy
        want = sum(flow[point][name] for flow, _ in flows for name in names)
        yield _count(field, _values(flows, names), want, 0.95 * want - 1)
    sender = SENDERS[found["sender"]]
    # Wireshark's meaning: what comes again at once is called out of order, and what is
    # still to be cut into segments counts once
    names = [f"{found['sender']}_{field}" for field in ("retrans_pkts", "out_of_order")]
    if point == sender and not found["offload"] and known.issuperset(names):
        want = found["kernel"][sender].get("RetransSegs", 0)
        yield _count("sent again", _values(flows, names), want, 0.95 * want - 1)


def _near(measure, pairs, most_us, late):
    """The median difference of (konn's value, the truth's range) over the connections."""
    pairs = [p for p in pairs if p[1] is not None]
    if not pairs:
        return
    told = [(got - min(max(got, want[0]), want[1]), want[0])
            for got, want in pairs if got is not None]
    if 2 * len(told) < len(pairs):
        yield Cell(measure, "absent", "-")
        return
    off = statistics.median(d for d, _ in told)
    state = "right" if abs(off) <= most_us else "late" if late else "wrong"
    want = statistics.median(w for _, w in told)
    yield Cell(measure, state, f"{off / 1000:+.2f} of {want / 1000:.1f} ms")


def _rtt_slack(found, point, half):
    """How far from the truth a right least round trip may be, in µs."""
    slack, sender = RTT_US, SENDERS[found["sender"]]
    if sender == half:  # few of its round trips end at this point
        slack += found["jitter_us"][point][half]
    slowest = min(link["rate_bps"] for link in found["links"].values())
    segment_us = SEGMENT_BITS * 1e6 / slowest
    if found["offload"] and point == sender:  # answered when its last segment has come
        slack += 2 * segment_us
    if slowest < scenarios.WIRE_BPS:  # a short segment is much faster than a full one
        slack += segment_us
    return slack


def _app_slack(found, point):
    """The end of a long request waits behind its beginning on the wire, in µs."""
    request = found["app"].get("request", 0) if point == "client" else 0
    return APP_US + request * 8e6 / scenarios.WIRE_BPS


def _verdict(flows, found, known):
    """The verdict of most connections, about the side that sends."""
    name = next((n for n in (f"{found['sender']}_limited_by", "limited_by") if n in known), None)
    if name is None:
        return
    got = [row.get(name) for _, row in flows if row.get(name)]
    if not got:
        yield Cell("verdict", "absent", "-")
        return
    most = statistics.mode(got)
    yield Cell("verdict", "right" if most in found["limited_by"] else "wrong", most)


def cells(konn, folder, found, point, known):
    """All comparisons at one point of a run; `known`: columns that konn has."""
    seen = rows(konn, f"{folder}/{point}.pcap")
    flows = [(flow, seen.get(flow["port"], {})) for flow in found["flows"]]
    late = found["late"]
    out = [*_losses(flows, point, known), *_counts(flows, point, found, known)]
    for half in ("client", "server"):
        name = f"{half}_rtt_min_us"
        # of a side that sends no data only the handshake tells, without timestamps
        pairs = [(row.get(name, row.get(f"handshake_{half}_us")), flow[point].get(name))
                 for flow, row in flows]
        slack = _rtt_slack(found, point, half)
        out += _near("half rtt", pairs, slack, late) if name in known else []
    if "app_time_us" in known and found["app"]["kind"] == "turns":
        pairs = [(row.get("app_time_us"), [flow[point]["app_time_us"]] * 2)
                 for flow, row in flows if "app_time_us" in flow[point]]
        out += _near("app time", pairs, _app_slack(found, point), late)
    return [*out, *_verdict(flows, found, known)]
