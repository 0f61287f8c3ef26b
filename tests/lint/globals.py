#!/usr/bin/env python3
"""No mutable globals, not even static: no object file of src/ has a writable variable.

Read from the objects, not from the source: macros and function-static state show as well.
"""
import json
import os
import re
import subprocess

import tree

# Relocated constants (tables of pointers) are writable only to the loader.
WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss|ldata|lbss)(\.|$)|^COMMON$")
CONSTANT = re.compile(r"^\.data\.rel\.ro(\.|$)")


def objects(root, build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as database:
        for entry in json.load(database):
            source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
            path = os.path.relpath(source, os.path.realpath(root))
            if path.startswith("src/"):
                yield path, os.path.join(entry["directory"], entry["output"])


def readelf(option, path):
    run = ["readelf", "-W", option, path]
    return subprocess.run(run, capture_output=True, text=True, check=True).stdout


def writable_symbols(path):
    sections = {"COM": "COMMON"}
    for match in re.finditer(r"^\s*\[\s*(\d+)\]\s+(\S+)", readelf("-S", path), re.MULTILINE):
        sections[match.group(1)] = match.group(2)
    for line in readelf("-s", path).splitlines():
        fields = line.split()
        if len(fields) < 8 or fields[3] not in ("OBJECT", "TLS", "COMMON"):
            continue
        section = sections.get(fields[6], "")
        if WRITABLE.match(section) and not CONSTANT.match(section):
            yield fields[7], section


def main():
    args = tree.arguments()
    problems, count = [], 0
    for path, output in objects(args.root, args.build):
        if not os.path.exists(output):
            problems.append(f"{path}: not built ({output})")
            continue
        count += 1
        for name, section in writable_symbols(output):
            problems.append(f"{path}: {name} is a mutable global ({section})")
    tree.report(problems, f"mutable globals in {count} objects")


main()
