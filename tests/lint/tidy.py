#!/usr/bin/env python3
"""clang-tidy over every .c file, one file a call, clean results remembered in the build folder.

A result depends on the file, all headers of the tree that it includes, the flags and the
configuration: their hash is the cache key. KONN_CHECK=quick looks at changed files only.
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess

import tree

JOBS = 2
KEPT = re.compile(r"^-(D|I|isystem|std=|include)")
DEFAULT_FLAGS = ["-std=gnu17", "-D_GNU_SOURCE"]


def flags_by_file(root, build):
    """What matters to the parser of each compile command, with absolute include paths."""
    found = {}
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as database:
        for entry in json.load(database):
            where = entry["directory"]
            path = os.path.relpath(
                os.path.realpath(os.path.join(where, entry["file"])), os.path.realpath(root)
            )
            flags = [f for f in shlex.split(entry["command"])[1:] if KEPT.match(f)]
            found[path] = [
                re.sub(r"^(-I|-isystem)(.+)", lambda m: m[1] + os.path.join(where, m[2]), f)
                for f in flags if "FORTIFY" not in f
            ]
    return found


def git(root, *arguments):
    run = subprocess.run(
        ["git", "-C", root, *arguments], capture_output=True, text=True, check=False
    )
    return run.stdout.splitlines() if run.returncode == 0 else None


def changed(root):
    """Files that differ from where this branch left the main one; None without git."""
    try:
        base = git(root, "merge-base", "HEAD", "origin/HEAD") or ["HEAD"]
        names = git(root, "diff", "--name-only", base[0])
        fresh = git(root, "ls-files", "--others", "--exclude-standard")
    except FileNotFoundError:
        return None
    if names is None or fresh is None:
        return None
    return set(names) | set(fresh)


class Tidy:
    def __init__(self, root, build):
        self.root = root
        self.cache = os.path.join(build, "tidy-cache")
        os.makedirs(self.cache, exist_ok=True)
        self.flags = flags_by_file(root, build)
        self.closures = {}
        version = subprocess.run(
            ["clang-tidy", "--version"], capture_output=True, check=True
        ).stdout
        configs = [tree.text(root, c).encode() for c in (".clang-tidy", "tests/.clang-tidy")]
        self.ground = hashlib.sha256(b"\0".join([version, *configs])).digest()

    def flags_of(self, path):
        own = DEFAULT_FLAGS + ["-I" + os.path.join(self.root, "src")]
        return self.flags.get(path, own)

    def marker(self, path):
        key = hashlib.sha256(self.ground + " ".join(self.flags_of(path)).encode())
        for part in tree.closure(self.root, path, self.closures):
            key.update(part.encode() + b"\0" + tree.text(self.root, part).encode())
        return os.path.join(self.cache, key.hexdigest())

    def run(self, path):
        """The findings for one file, as text; empty when clean."""
        marker = self.marker(path)
        if os.path.exists(marker):
            os.utime(marker)
            return ""
        command = ["clang-tidy", "--quiet", path, "--", *self.flags_of(path)]
        run = subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False
        )
        if run.returncode == 0:
            with open(marker, "w", encoding="utf-8"):
                pass
            return ""
        return run.stdout.strip() or run.stderr.strip()

    def forget_old(self, keep):
        """Markers of files as they were long ago are of no use any more."""
        markers = [os.path.join(self.cache, m) for m in os.listdir(self.cache)]
        markers.sort(key=os.path.getmtime, reverse=True)
        for marker in markers[keep:]:
            os.remove(marker)


def main():
    args = tree.arguments()
    paths = tree.files(args.root, (".c",))
    if os.environ.get("KONN_CHECK") == "quick":
        only = changed(args.root)
        paths = [p for p in paths if only is None or p in only]
    tidy = Tidy(args.root, args.build)
    problems = []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for path, findings in zip(paths, pool.map(tidy.run, paths)):
            if findings:
                problems.append(f"{path}:\n{findings}")
    tidy.forget_old(4 * len(tree.files(args.root, (".c",))) + 100)
    tree.report(problems, f"clang-tidy on {len(paths)} files")


main()
