#!/usr/bin/env python3
"""What konn measures of emulated paths, beside the emulator's own log.

test_path.py [SCENARIO…]   KONN, EMULATOR: programs; KONN_CHECK=all: every scenario with TCP
timestamps, without, and with segmentation offload at the ends; KONN_PATH_SEED: the first
seed, else drawn and printed.

Each line is a capture point of a run. Lost before, after the point, in another order,
copied, sent again (at the sender): konn's number / the truth. Round trips to the client
and to the server, application time: the difference. ! wrong, ? konn has no value,
~ off on a machine that was too busy for times.
"""
import concurrent.futures
import json
import os
import random
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compare  # noqa: E402
import lab  # noqa: E402
import scenarios  # noqa: E402
import truth  # noqa: E402

KONN = os.environ.get("KONN", str(lab.ROOT / "build" / "konn"))
AT_ONCE = 3  # labs; they mostly wait
TRIES = 3
LATE_SHARE = 0.01  # of the packets more than 0.3 ms late: then times prove nothing
PATIENCE = 120
PLAIN = ("clean", "loss-before", "loss-after", "loss-upload", "burst-rto", "reorder-before",
         "reorder-after", "duplicates", "bufferbloat", "slow-reader", "small-window", "think",
         "steady-writes", "short")
NEEDED = {"lost before": 0.95, "lost after": 0.95, "reordered": 0.95, "duplicates": 0.95,
          "sent again": 0.95, "half rtt": 0.95, "app time": 0.95, "verdict": 0.80}


class Run:
    """A scenario that is to be run, and what came of it."""

    def __init__(self, name, way, seed):
        draw = random.Random(seed)
        self.name, self.seed, self.offload = name, seed, way == "offload"
        self.timestamps = draw.random() < 0.5 if self.offload else way == "on"
        self.ip = draw.choice("46")
        self.points, self.trouble = {}, None

    def _once(self, folder):
        words = [sys.executable, str(lab.HERE / "lab.py"), self.name, "--seed", str(self.seed),
                 "--timestamps", "on" if self.timestamps else "off", "--ip", self.ip,
                 "--out", folder, *(["--offload"] if self.offload else [])]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            try:
                said = process.communicate(timeout=PATIENCE)[1]
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)  # it cleans up then
                said = process.communicate(timeout=PATIENCE)[1]
        if process.returncode != 0:
            raise RuntimeError(f"exit {process.returncode}: {said[-500:]}")
        with open(os.path.join(folder, "truth.json"), encoding="utf-8") as file:
            found = json.load(file)
        machine = found["machine"]
        found["late"] = machine["late"] > LATE_SHARE * machine["releases"]
        return found

    def go(self, known):
        """Again when the machine was too busy for times, with another seed."""
        with tempfile.TemporaryDirectory(prefix="konn-path-") as folder:
            for last in (False,) * (TRIES - 1) + (True,):
                found = self._once(folder)
                if last or not found["late"]:
                    break
                self.seed += 1000
            for point in truth.POINTS:
                self.points[point] = compare.cells(KONN, folder, found, point, known)

    def lines(self):
        head = (f"{self.name:15} {'ts' if self.timestamps else '--'} v{self.ip}"
                f" {'tso' if self.offload else '   '} {self.seed:10}")
        if self.trouble:
            return [f"{head} {self.trouble}"]
        return [f"{head} {point:6} " + "  ".join(f"{cell}" for cell in cells)
                for point, cells in self.points.items()]


def plan(chosen, seed):
    """Every scenario in all ways, or a choice in one of them."""
    everything = chosen or os.environ.get("KONN_CHECK") == "all"
    ways = ("on", "off", "offload")
    runs = []
    for i, name in enumerate(chosen or (scenarios.names() if everything else PLAIN)):
        for way in ways if everything else [ways[(seed + i) % len(ways)]]:
            runs.append(Run(name, way, seed + len(runs)))
    return runs


def perform(runs, known):
    def one(run):
        try:
            run.go(known)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            run.trouble = f"did not run: {error}"
        return run

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for run in pool.map(one, runs):
            print("\n".join(run.lines()), flush=True)


def judge(runs):
    """Prints the totals; the measures that are not good enough."""
    bad = []
    for measure in compare.SHORT:
        cells = [c for run in runs for point in run.points.values() for c in point
                 if c.measure == measure]
        count = {s: sum(c.state == s for c in cells)
                 for s in ("right", "wrong", "absent", "late")}
        judged = count["right"] + count["wrong"]
        line = ", ".join(f"{n} {state}" for state, n in count.items() if n)
        print(f"{measure:12} {line or 'not measured'}")
        if count["right"] < NEEDED[measure] * judged or count["absent"] > 0.05 * len(cells):
            bad.append(measure)
        if measure != "verdict" and any(c.want or c.got for c in cells):
            got, want = sum(c.got for c in cells), sum(c.want for c in cells)
            off = sum(abs(c.got - c.want) for c in cells)
            print(f"{'':12} konn {got}, truth {want}, differences {off}")
    return bad


def main():
    reason = lab.missing()
    if reason:
        print("skipped:", reason)
        return 77
    wrong = [name for name in sys.argv[1:] if name not in scenarios.names()]
    if wrong:
        print("no such scenario:", *wrong)
        return 64
    seed = int(os.environ.get("KONN_PATH_SEED") or random.SystemRandom().randrange(1, 1 << 30))
    runs = plan(sys.argv[1:], seed)
    print(f"{len(runs)} runs, KONN_PATH_SEED={seed}")
    perform(runs, compare.columns(KONN))
    bad = judge(runs)
    failed = [run.name for run in runs if run.trouble]
    if failed:
        print("did not run:", *failed)
    if bad:
        print("not good enough:", ", ".join(bad))
    return 1 if bad or failed else 0


if __name__ == "__main__":
    sys.exit(main())
