"""truth — what is to be found at each capture point, from the emulator's packets.log.

Each connection: its client port, and for "client", "middle", "server" a dictionary:
  orig_, resp_lost_before   [least, most]: all drops before this point are the most; the
                            least leaves out those that nobody at this point can notice
  orig_, resp_lost_after    the same behind this point
  orig_, resp_reordered     segments with new bytes that came behind a later one
  orig_, resp_duplicates    copies that the path made of segments with payload
  client_, server_rtt_min_us  [least, least with payload] from a packet through this point
                            until that end's next one is back here
  app_time_us               median of the server's answer times; absent without answers
  turns                     how many
"""
import bisect
import os
import statistics

POINTS = ("client", "middle", "server")
SIDES = {"orig": "up", "resp": "down"}
SYN, FIN, RST, ACK = 2, 1, 4, 16
HALF = 1 << 31


class Packet:
    """A line of packets.log; times in ns, None where it did not get."""

    __slots__ = ("serial", "up", "copy", "port", "flags", "seq", "ack", "len", "fate",
                 "enter", "middle", "exit")

    def __init__(self, line):
        words = line.split()
        self.serial, self.up, self.copy = int(words[0]), words[1] == "up", words[2] != "0"
        self.port = int(words[3] if self.up else words[4])
        self.flags, self.seq, self.ack, self.len = map(int, words[5:9])
        self.enter, self.middle, self.exit = (stamp(words[i]) for i in (10, 11, 13))
        self.fate = words[14]

    def at(self, point):
        if point == "middle":
            return self.middle
        return self.enter if (point == "client") == self.up else self.exit

    def lost_before(self, point):
        """Dropped between its sender and the point."""
        return self.fate != "ok" and self.at(point) is None

    @property
    def end(self):
        return self.seq + self.len + bool(self.flags & SYN) + bool(self.flags & FIN)


def stamp(text):
    if text == "-":
        return None
    seconds, fraction = text.split(".")
    return int(seconds) * 10**9 + int(fraction)


class Ranges:
    """A set of bytes."""

    def __init__(self):
        self.parts = []  # [start, end], ascending, apart from each other

    def has(self, start, end):
        i = bisect.bisect_right(self.parts, [start, 1 << 62]) - 1
        return i >= 0 and self.parts[i][1] >= end

    def add(self, start, end):
        first = max(0, bisect.bisect_right(self.parts, [start, 1 << 62]) - 1)
        if self.parts and self.parts[first][1] < start:
            first += 1
        last = first
        while last < len(self.parts) and self.parts[last][0] <= end:
            start, end = min(start, self.parts[last][0]), max(end, self.parts[last][1])
            last += 1
        self.parts[first:last] = [[start, end]]


def read(path):
    with open(path, encoding="ascii") as lines:
        return [Packet(line) for line in lines if not line.startswith("#")]


def unwrap(packets):
    """Sequence numbers of one connection count on beyond 2^32, from its first ones."""
    base = {}
    for p in sorted(packets, key=lambda p: p.serial):
        for field, side in (("seq", p.up), ("ack", not p.up)):
            if field == "ack" and not p.flags & ACK:
                continue
            value = getattr(p, field)
            near = base.setdefault(side, value)
            value = near + (value - near + HALF) % (2 * HALF) - HALF
            base[side] = max(near, value)
            setattr(p, field, value)


def events(packets, up, point):
    """(time, "pass" or "drop", packet) of one side's data as the point could know it."""
    found = []
    for p in packets:
        if p.up != up or not p.len or p.copy:
            continue
        if p.at(point) is None:
            found.append((p.enter, "drop", p))
        else:
            found.append((p.at(point), "pass", p))
    return sorted(found, key=lambda e: (e[0], e[2].serial))


def before(packets, up, point):
    """Drops that left a hole which was filled later, and all drops."""
    seen, waiting, highest, least, most = Ranges(), [], None, 0, 0
    for _, kind, p in events(packets, up, point):
        if kind == "drop":
            most += 1
            if not seen.has(p.seq, p.end) and not any(
                    d.seq < p.end and p.seq < d.end for d in waiting):
                waiting.append(p)
            continue
        filled = [d for d in waiting if d.seq < p.end and p.seq < d.end]
        least += sum(1 for d in filled if highest is not None and highest > d.end)
        waiting = [d for d in waiting if d not in filled]
        seen.add(p.seq, p.end)
        highest = p.end if highest is None else max(highest, p.end)
    return [least, most]


class ByPlace:
    """Segments of one side that can be asked for by their bytes."""

    def __init__(self, data):
        self.data = sorted(data, key=lambda p: p.seq)
        self.starts = [p.seq for p in self.data]
        self.longest = max((p.len for p in data), default=0) + 1

    def touching(self, p):
        first = bisect.bisect_left(self.starts, p.seq - self.longest)
        last = bisect.bisect_left(self.starts, p.end)
        return [q for q in self.data[first:last] if q.end > p.seq]


def after(packets, up, point):
    """Drops of what the receiver lacked that were sent again through here; all drops."""
    data = [p for p in packets if p.up == up and p.len and not p.copy]
    receiver = "server" if up else "client"
    lost = [p for p in data if p.fate != "ok" and p.at(point) is not None]
    places, least = ByPlace(data) if lost else None, 0
    for p in lost:
        others = places.touching(p)
        got = any(q.at(receiver) and q.at(receiver) < p.at(point) and q.seq <= p.seq
                  and p.end <= q.end for q in others)
        again = any(q.serial > p.serial and q.at(point) for q in others)
        least += again and not got
    return [least, len(lost)]


def reordered(packets, up, point):
    """Segments with bytes that were not seen yet, behind a later one with later bytes."""
    seen, count, newest, passed = Ranges(), 0, 0, []
    for _, kind, p in events(packets, up, point):
        if kind == "drop":
            continue
        if p.serial < newest and not seen.has(p.seq, p.end):
            count += any(q.serial > p.serial and q.seq > p.seq for q in reversed(passed))
        seen.add(p.seq, p.end)
        passed.append(p)
        newest = max(newest, p.serial)
    return count


def duplicates(packets, up, point):
    """Segments that the path brought once more, and how often."""
    passed = [p.serial for p in packets if p.up == up and p.len and p.at(point)]
    return len(passed) - len(set(passed))


def least_round(packets, half, point):
    """
    To the end and back to the point, by what that end sent next; µs: the least of all, and
    the least one in which one of both packets has payload (those take longer on the wire).
    """
    up = half == "server"
    there = [p for p in packets if p.up == up and p.exit and p.at(point) and not p.copy]
    back = [p for p in packets if p.up != up and p.at(point) and not p.copy]
    back.sort(key=lambda p: p.enter)
    starts = [p.enter for p in back]
    took = []
    for p in there:
        i = bisect.bisect_left(starts, p.exit)
        if i < len(back):
            took.append((back[i].at(point) - p.at(point), bool(p.len or back[i].len)))
    least = min((t for t, _ in took), default=None)
    if least is None:
        return None
    return [least // 1000, min((t for t, data in took if data), default=least) // 1000]


def answer_times(packets):
    """From the last byte of each request at the server to its first byte back; µs."""
    data = [(p.exit, p) for p in packets if p.up and p.len and p.exit]
    data += [(p.enter, p) for p in packets if not p.up and p.len and not p.copy]
    found, asked = [], None
    for when, p in sorted(data, key=lambda d: d[0]):
        if p.up:
            asked = when
        elif asked is not None:
            found.append((when - asked) / 1000)
            asked = None
    return found


def of_point(packets, point):
    found = {}
    for side, way in SIDES.items():
        up = way == "up"
        found[f"{side}_lost_before"] = before(packets, up, point)
        found[f"{side}_lost_after"] = after(packets, up, point)
        found[f"{side}_reordered"] = reordered(packets, up, point)
        found[f"{side}_duplicates"] = duplicates(packets, up, point)
    for half in ("client", "server"):
        took = least_round(packets, half, point)
        if took is not None:
            found[f"{half}_rtt_min_us"] = took
    return found


def jitter_of_halves(jitter):
    """By point and half: how much the links between them add at random, both ways."""
    client, server = (sum(v for link, v in jitter.items() if link.startswith(half))
                      for half in ("client.", "server."))
    return {"client": {"client": 0, "server": client + server},
            "middle": {"client": client, "server": server},
            "server": {"client": client + server, "server": 0}}


def of_folder(folder, scenario):
    """The truth of a run, from its packets.log and the scenario's own data."""
    flows = {}
    for p in read(os.path.join(folder, "packets.log")):
        flows.setdefault(p.port, []).append(p)
    found = []
    for port, packets in flows.items():
        unwrap(packets)
        answers = answer_times(packets)
        flow = {"port": port}
        for point in POINTS:
            flow[point] = of_point(packets, point)
            if answers:
                flow[point].update(app_time_us=round(statistics.median(answers)),
                                   turns=len(answers))
        found.append(flow)
    jitter = {link: options.get("jitter_us", 0) for link, options in scenario["links"].items()}
    return {
        "jitter_us": jitter_of_halves(jitter),
        "links": scenario["links"], "app": scenario["app"], "sender": scenario["sender"],
        "limited_by": scenario["limited_by"], "flows": found,
    }
