"""tree — the files lint looks at, and what they include."""
import argparse
import os
import re
import sys

FOLDERS = ("src", "tests", "bench", "scripts")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


def arguments():
    """Every lint script takes the project's root and the plain build folder."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--build", default="")
    return parser.parse_args()


def files(root, endings, folders=FOLDERS):
    """Paths relative to root, sorted."""
    found = []
    for folder in folders:
        for where, names, leaves in os.walk(os.path.join(root, folder)):
            names[:] = [n for n in names if n != "__pycache__"]
            for leaf in leaves:
                if leaf.endswith(endings):
                    found.append(os.path.relpath(os.path.join(where, leaf), root))
    return sorted(found)


def text(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as source:
        return source.read()


def _blank(match):
    body = match.group(0)
    if body[0] in "\"'":
        return body[0] + " " * (len(body) - 2) + body[-1]
    return re.sub(r"[^\n]", " ", body)


def code(source):
    """The C text with comments and the insides of literals blanked; lines stay in place."""
    return TOKENS.sub(_blank, source)


def includes(root, path):
    """Quoted includes as paths relative to root; None for what is not in the tree."""
    found = []
    for name in INCLUDE.findall(text(root, path)):
        beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
        for candidate in (beside, os.path.join("src", name)):
            if os.path.exists(os.path.join(root, candidate)):
                found.append((name, candidate))
                break
        else:
            found.append((name, None))
    return found


def closure(root, path, known):
    """The file and all it includes, through `known`, a cache of earlier answers."""
    seen, todo = set(), [path]
    while todo:
        here = todo.pop()
        if here in seen:
            continue
        seen.add(here)
        if here not in known:
            known[here] = [p for _, p in includes(root, here) if p]
        todo += known[here]
    return sorted(seen)


def report(problems, what):
    """Prints the findings; the exit code of the test."""
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems: {what}")
    sys.exit(1 if problems else 0)
