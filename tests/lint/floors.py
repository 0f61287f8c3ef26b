#!/usr/bin/env python3
"""A file includes its own folder and lower floors; no cycle, no umbrella header.

design.md's floors: base, core, decode | source, flow, model, view | act | store, app.
"""
import os
import re

import tree

RANK = {
    "base": 0, "bpf": 0, "core": 1, "decode": 2, "source": 2, "measure": 2, "flow": 3, "model": 4,
    "view": 5, "act": 5, "store": 5, "helper": 5, "app": 6,
}
# What runs with privileges or changes something is kept small enough to be read in one sitting.
NARROW = {"helper": {"base", "core", "helper"}, "act": {"base", "core", "source", "act"}}
NAMELESS = {"util", "utils", "common", "misc", "helpers", "defs", "types", "all"}


def floor(path):
    parts = path.split(os.sep)
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def allowed(own, other):
    if own == other:
        return True
    if own in NARROW:
        return other in NARROW[own]
    return RANK[other] < RANK[own]


def check_file(root, path):
    own = floor(path)
    if own not in RANK:
        return [f"{path}: no such floor: {own}"]
    problems = []
    for name, target in tree.includes(root, path):
        if target is None:
            if not os.path.basename(name).startswith("generated"):
                problems.append(f"{path}: includes {name}, which is not in the tree")
        elif floor(target) not in RANK:
            problems.append(f"{path}: includes {target}, outside the floors")
        elif not allowed(own, floor(target)):
            problems.append(f"{path}: {own} must not include {target}")
    return problems


def is_umbrella(root, path):
    """A header that only includes others."""
    source = tree.text(root, path)
    body = re.sub(r"\\\n", " ", tree.code(source))
    values = [
        line for line in body.splitlines()
        if line.strip() and not re.match(r"\s*#\s*(include|if|ifn?def|endif|pragma)\b", line)
        and not re.match(r"\s*#\s*define\s+\w+_H\s*$", line)
    ]
    return not values and len(tree.INCLUDE.findall(source)) > 0


def cycles(root, headers):
    graph = {h: [t for _, t in tree.includes(root, h) if t] for h in headers}
    state, found = {}, []

    def visit(node, trail):
        state[node] = "open"
        for target in graph.get(node, []):
            if state.get(target) == "open":
                found.append("include cycle: " + " → ".join([*trail, node, target]))
            elif target not in state:
                visit(target, [*trail, node])
        state[node] = "done"

    for header in headers:
        if header not in state:
            visit(header, [])
    return found


def main():
    root = tree.arguments().root
    paths = tree.files(root, (".c", ".h", ".def"), ("src",))
    headers = [p for p in paths if p.endswith(".h")]
    problems = []
    for path in paths:
        problems += check_file(root, path)
        stem = os.path.splitext(os.path.basename(path))[0]
        if stem in NAMELESS:
            problems.append(f"{path}: a name that says nothing")
    problems += [f"{h}: only includes others" for h in headers if is_umbrella(root, h)]
    problems += cycles(root, headers)
    tree.report(problems, f"floors of {len(paths)} files")


main()
