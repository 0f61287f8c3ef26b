#!/usr/bin/env python3
"""check_report — runs the meson suites and ends with "N passed, N failed, N skipped".

check_report.py ROOT MODE SUITE…; one meson test counts as one, in each build it runs in.
"""
import json
import os
import re
import subprocess
import sys

TAIL_LINES = 30
PASSED = ("OK", "EXPECTEDFAIL")
RESULT_LINE = re.compile(r"^\s*\d+/\d+ ")


def builds(root, mode):
    names = ["build"] if mode == "quick" else ["build", "build-asan"]
    return [os.path.join(root, name) for name in names]


def environment(mode):
    env = dict(os.environ, KONN_CHECK=mode)
    env.setdefault("KONN_FUZZ_SECONDS", "60" if mode == "all" else "5")
    return env


def run_suites(build, suites, env):
    """Runs the suites in one build folder; returns its test records, None if meson failed."""
    log = os.path.join(build, "meson-logs", "check.json")
    if os.path.exists(log):
        os.remove(log)
    command = ["meson", "test", "-C", build, "--no-rebuild", "--logbase", "check"]
    for suite in suites:
        command += ["--suite", suite]
    output = []
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as meson:
        for line in meson.stdout:
            output.append(line)
            if RESULT_LINE.match(line):
                print(line, end="", flush=True)
    if not os.path.exists(log):
        nothing = any("No suitable tests" in line or "No tests" in line for line in output)
        if not nothing:
            print("".join(output))
        return [] if nothing else None
    with open(log, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def label(build, record):
    return f"{os.path.basename(build)}: {record['name']}"


def text_of(record):
    return (record.get("stdout", "") + record.get("stderr", "")).strip()


def skip_reason(record):
    reasons = re.findall(r"#\s*SKIP\b[\s:]*(.*)", record.get("stdout", ""), re.IGNORECASE)
    if reasons:
        return reasons[-1].strip()
    reasons = re.findall(r"\.\.\. skipped '(.*)'", text_of(record))
    if reasons:
        return reasons[-1]
    lines = text_of(record).splitlines()
    return lines[-1].strip() if lines else "no reason given"


def show_failures(failed):
    for name, record in failed:
        print(f"\n=== FAILED {name} ({record['result']}, exit {record.get('returncode')})")
        for line in text_of(record).splitlines()[-TAIL_LINES:]:
            print("    " + line)


def give_back(root, build):
    """After `sudo ./check` the owner of the checkout must be able to go on without sudo."""
    owner = os.stat(root)
    if os.geteuid() == 0 and owner.st_uid != 0:
        subprocess.run(["chown", "-R", f"{owner.st_uid}:{owner.st_gid}", build], check=False)


def main():
    root, mode, suites = sys.argv[1], sys.argv[2], sys.argv[3:]
    passed, failed, skipped = 0, [], []
    for build in builds(root, mode):
        records = run_suites(build, suites, environment(mode))
        give_back(root, build)
        if records is None:
            failed.append((build, {"result": "meson itself failed"}))
        for record in records or []:
            if record["result"] == "SKIP":
                skipped.append((label(build, record), record))
            elif record["result"] in PASSED:
                passed += 1
            else:
                failed.append((label(build, record), record))
    for name, record in skipped:
        print(f"skipped {name}: {skip_reason(record)}")
    show_failures(failed)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
