"""Runs konn for tests and holds what they share."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import capture

ROOT = pathlib.Path(__file__).resolve().parents[2]
KONN = os.environ.get("KONN", str(ROOT / "build" / "konn"))
CAPTURES = pathlib.Path(os.environ.get("KONN_CAPTURES", ROOT.parent / "shared/captures"))
TIMEOUT = 60


class Result:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "strict")
        self.err = done.stderr.decode("utf-8", "strict")
        self.lines = self.out.splitlines()
        self.err_lines = self.err.splitlines()


class Report:
    """JSON Lines taken apart: rows by kind, and the summary."""

    def __init__(self, result):
        self.result = result
        self.records = [json.loads(line) for line in result.lines]
        self.conns = [r for r in self.records if r["kind"] == "conn"]
        last = self.records[-1] if self.records else {}
        self.summary = last if last.get("kind") == "summary" else None


def environment(**more):
    env = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8",
           "HOME": "/nonexistent"}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    env.update(more)
    return env


def run(*args, stdin=None, env=None, **options):
    """`stdin`: bytes, or None for /dev/null."""
    feed = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run(
        [KONN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=TIMEOUT, check=False, env=env or environment(), **feed, **options)
    return Result(done)


def listed(*args, **options):
    """Rows of `konn list … -j`."""
    return Report(run("list", *args, "-j", **options))


def in_buckets(summary):
    """The right side of packets = parsed + malformed + unsupported + filtered."""
    return (summary["parsed"] + sum(summary.get("malformed", {}).values())
            + sum(summary.get("unsupported", {}).values()) + summary["filtered"])


class Case(unittest.TestCase):
    """A folder of its own, and the assertions that many cases make."""

    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="konn-case-")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def path(self, name="t.pcap"):
        return os.path.join(self.dir, name)

    def pcap(self, frames, name="t.pcap", **options):
        frames = sorted(frames, key=lambda f: f.ts)
        return capture.write_pcap(self.path(name), frames, **options)

    def pcapng(self, frames, interfaces=None, name="t.pcapng", **options):
        frames = sorted(frames, key=lambda f: f.ts)
        return capture.write_pcapng(self.path(name), frames, interfaces, **options)

    def listed(self, *args, code=0, **options):
        """A report whose exit code, stderr and sums are as they must be."""
        report = listed(*args, **options)
        result = report.result
        self.assertEqual(result.code, code, result.err)
        if code == 0:
            self.assertEqual(result.err, "")
        self.assertIsNotNone(report.summary, "no summary line: " + result.err)
        self.assert_identity(report.summary)
        return report

    def rows(self, frames, *args, **options):
        """Connection rows of these frames, each checked to be counted."""
        report = self.listed("-r", self.pcap(frames), *args, **options)
        self.assertEqual(report.summary["packets"], len(frames))
        return report.conns

    def row(self, frames, *args, **options):
        rows = self.rows(frames, *args, **options)
        self.assertEqual(len(rows), 1, [brief(r) for r in rows])
        return rows[0]

    def assert_identity(self, summary):
        self.assertEqual(summary["packets"], in_buckets(summary), summary)

    def assert_fields(self, row, note="", **expected):
        """Keys with `__` for the dot. None: the key must be absent."""
        expected = {k.replace("__", "."): v for k, v in expected.items()}
        found = {k: row.get(k) for k in expected}
        self.assertEqual(found, expected, note or brief(row))

    def assert_side(self, row, prefix, side, note=""):
        """Counters of one end against the generator's own bookkeeping."""
        self.assertEqual(
            {k: row.get(f"{prefix}_{k}") for k in ("bytes", "pkts", "ip_bytes")},
            {"bytes": side.payload, "pkts": side.packets, "ip_bytes": side.ip_bytes},
            note or prefix)

    def assert_talk(self, row, talk, note=""):
        c, s = talk.side
        self.assert_fields(row, note, id__orig_h=c.host, id__orig_p=c.port,
                           id__resp_h=s.host, id__resp_p=s.port, proto="tcp")
        self.assert_side(row, "orig", c, note)
        self.assert_side(row, "resp", s, note)

    def need_corpus(self, name=""):
        path = CAPTURES / name
        if not path.exists():
            self.skipTest(f"no captures: {path} (KONN_CAPTURES)")
        return path


def brief(row):
    keys = ("proto", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "conn_state",
            "history", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts")
    return {k: row[k] for k in keys if k in row}


def main():
    """unittest with Meson's exit codes: 77 when every case was skipped."""
    if not os.access(KONN, os.X_OK):
        print(f"no executable {KONN} (KONN)", file=sys.stderr)
        sys.exit(1)
    done = unittest.main(exit=False, verbosity=2).result
    if not done.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if done.testsRun and len(done.skipped) == done.testsRun else 0)
