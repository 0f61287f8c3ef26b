"""Where konn and connmon or pping differ, and why: each rule is a fact of the packets.

A rule has a name and is looked up by the packet that is answered (`timed`) and the one that
answers (`echo`). What no rule explains is a fault of konn.
"""

from passive import ACK, FIN, MOD, RST, SYN, TABLE_AGE

COPY_US, HOUR_US = 1000, 3600 * 10**6


def after(a, b):
    return 0 < (a - b) % MOD < MOD // 2


class Trace:
    """The segments of a capture, by number and by way."""

    def __init__(self, segments):
        self.by_number = {s.number: s for s in segments}
        self.ways, self.kept = {}, {}
        for s in segments:
            self.ways.setdefault(s.way, []).append(s)
        self.copies = {s.number for w in self.ways.values() for s in self._copies(w)}
        self.reused = {w for w, found in self.ways.items() if self._reused(found)}
        self.back = any(b.ts < a.ts for a, b in zip(segments, segments[1:]))
        self.zero = segments[0].ts // 10**6 * 10**6 if segments else 0

    @staticmethod
    def _copies(found):
        """Seen twice by the capture: the same IP identification, at once."""
        for a, b in zip(found, found[1:]):
            same = (a.ident, a.seq, a.ack, a.flags, a.ip) == (b.ident, b.seq, b.ack, b.flags,
                                                              b.ip)
            if a.ident and same and b.ts - a.ts <= COPY_US:
                yield b

    @staticmethod
    def _reused(found):
        """Several connections on the same ports."""
        return len({s.seq for s in found if s.flags & SYN}) > 1

    def between(self, way, first, last):
        """Segments of a way from number `first` to before number `last`."""
        return [s for s in self.ways.get(way, ()) if first <= s.number < last]

    def twice(self, s):
        """Two connections on its ports, or packets that came twice."""
        return self._of_connection("twice", s, lambda every: any(
            b.number in self.copies or b.way in self.reused for b in every))

    def _of_connection(self, what, s, find):
        """find() of both ways, once for each connection."""
        key = what, min(s.way, s.back)
        if key not in self.kept:
            self.kept[key] = find([b for w in (s.way, s.back) for b in self.ways.get(w, ())])
        return self.kept[key]

    # ---- why a round trip that they print says nothing ----

    def stamp_says_nothing(self, timed, echo):
        """Of a TSval and its echo; None: it does."""
        before = self.between(timed.way, 0, timed.number)
        if timed.payload == 0 and not timed.flags & SYN:
            return "no data: what its answer waited for is in it"
        if any(s.stamps and not after(timed.stamps[0], s.stamps[0]) for s in before):
            return "its TSval is not new"
        answers = self.between(echo.way, timed.number + 1, echo.number)
        if any(s.stamps and s.stamps[1] == timed.stamps[0] for s in answers):
            return "echoed before"
        if timed.flags & SYN and self.syns(timed) + self.syns(echo) > 2:
            return "a SYN sent again"
        if any(s.flags & ACK and not after(timed.end, s.ack)
               for s in self.between(echo.way, 0, timed.number)):
            return "acknowledged before it was sent again"
        if not after(echo.ack, timed.seq):
            return "not acknowledged by its echo: a segment before it had that TSval"
        if any(s.flags & ACK and not after(timed.end, s.ack) for s in answers):
            return "acknowledged before its echo, which waited for the next segment"
        return self.any_pair(timed, echo)

    def syns(self, s):
        return sum(bool(b.flags & SYN) for b in self.ways.get(s.way, ()))

    def any_pair(self, timed, echo):
        if echo.ts - timed.ts > HOUR_US:
            return "konn does not wait for an hour"
        if timed.wire < timed.header + timed.ip:
            return "the IP length is more than was sent"
        if echo.ts < timed.ts or self.back:
            return "the clock ran back"
        if self.twice(echo):
            return "copies, or ports used again"
        if echo.flags & RST:
            return "a reset"
        return None

    def seq_says_nothing(self, timed, echo):
        """Of data and the acknowledgement of its end; None: it does."""
        sent = self.between(timed.way, 0, echo.number)
        others = [s for s in sent if s.number != timed.number and s.span]
        if any(after(s.end, timed.seq) and after(timed.end, s.seq) for s in others):
            return "sent again"
        if any(s.number > timed.number and not after(s.end, timed.seq) for s in others):
            return "one below it was sent later"
        back = self.between(echo.way, 0, echo.number)
        if any(after(to, timed.seq) and after(timed.end, start)
               for s in back for start, to in s.sacks):
            return "reported as received before"
        if any(s.flags & ACK and not after(timed.end, s.ack)
               for s in back if s.number > timed.number):
            return "acknowledged before"
        if any(s.flags & ACK and not after(echo.ack, s.ack) for s in back[-1:]):
            return "acknowledges nothing new"
        top = self.highest(others, timed)
        if top and after(timed.seq, top.end):
            return "behind a hole"
        if top and after(top.end, timed.seq):
            return "below the highest: it fills a hole"
        if timed.flags & FIN:
            return "carries a FIN: its end is one more"
        return self.any_pair(timed, echo)

    @staticmethod
    def highest(found, timed):
        """The segment that ends highest before `timed`."""
        best = None
        for s in found:
            if s.number < timed.number and (best is None or after(s.end, best.end)):
                best = s
        return best

    # ---- why they do not print what konn does ----

    def stamp_unknown_to_them(self, echo, rtt_us):
        if echo.flags & SYN:
            return "they do not time a SYN"
        timed = next((s for s in self.between(echo.back, 0, echo.number)
                      if s.stamps and echo.stamps and s.stamps[0] == echo.stamps[1]), None)
        if timed and 0 in (timed.stamps[0], echo.stamps[0]):
            return "they take a TSval of 0 for none"
        if timed and timed.stamps[1] == 0 and timed.flags != SYN:
            return "they do not take a segment with a TSecr of 0"
        if self.ecn(echo) and timed and timed.flags & SYN:
            return "they do not know a SYN with ECN flags"
        return self.unknown_to_them(timed, echo, rtt_us)

    def seq_unknown_to_them(self, echo, rtt_us):
        timed = next((s for s in self.between(echo.back, 0, echo.number)
                      if s.payload and echo.ack in (s.end, (s.seq + s.payload) % MOD)), None)
        if timed and timed.flags & SYN:
            return "they forget the number that a SYN takes"
        return self.unknown_to_them(timed, echo, rtt_us)

    def unknown_to_them(self, timed, echo, rtt_us):
        if echo.ts == self.zero:
            return "a time of 0 on their clock"
        if not timed:
            return None
        if rtt_us >= TABLE_AGE - 1:
            return "forgotten by age"
        if timed.ts == self.zero:
            return "a time of 0 on their clock"
        if not self.between(echo.way, 0, timed.number):
            return "they time nothing before both ways were seen"
        return None

    def ecn(self, s):
        """A SYN that pping does not take for one: it has no TSecr and more flags."""
        return self._of_connection("ecn", s, lambda every: any(
            b.flags & SYN and b.flags != SYN and not b.flags & ACK for b in every))

    def bytes_say_nothing(self, s):
        """Why pping counts other bytes of a way or its answers; None: it counts all."""
        return self._of_connection("bytes", s, lambda every: self._other_bytes(s, every))

    def _other_bytes(self, s, every):
        if any(b.captured < b.ip for b in every):
            return "cut by the snaplen: they count what is left"
        if any(not b.stamps or not b.stamps[0] or (not b.stamps[1] and not b.flags & SYN)
               for b in every if not b.flags & RST):
            return "segments without a TSval: they do not count them"
        if self.ecn(s):
            return "they do not know a SYN with ECN flags"
        return "copies, or ports used again" if self.twice(s) else None

    # ---- holes and duplicates ----

    def hole(self, s):
        """What a segment jumps over, counted from the highest one; < 0: seen before."""
        before = [b for b in self.between(s.way, 0, s.number) if not b.flags & RST]
        if not before:
            return 0
        top = before[0].end
        for b in before:
            top = b.end if after(b.end, top) else top
        diff = (s.seq - top) % MOD
        return diff - MOD if diff >= MOD // 2 else diff

    def no_duplicate(self, s):
        """Why an ACK with the number of the one before it is no duplicate; None: it is."""
        before = self.between(s.way, 0, s.number)
        if not before:
            return "the first one: they compare with 0"
        last, top = before[-1], None
        for b in self.between(s.back, 0, s.number):
            top = b.end if top is None or after(b.end, top) else top
        if s.window != last.window:
            return "a window update"
        if top is None or not after(top, s.ack):
            return "nothing is waited for"
        if last.payload or last.flags & (SYN | FIN):
            return "the first pure one of that number"
        if s.window == 0:
            return "the window is closed"
        probe = (self.between(s.back, 0, s.number) or [None])[-1]
        if probe and probe.payload <= 1 and not after(probe.end, s.ack):
            return "the answer to a keep-alive"
        if self.twice(s):
            return "copies, or ports used again"
        return None
