#!/usr/bin/env python3
"""Every .c file is named in a meson.build of its folder or of one above: that list is the registry."""
import os
import re

import tree

FOLDERS = ("src", "tests/unit")


def listed(root, path):
    """Is path named, relative to it, by a meson.build between its folder and the root?"""
    folder, name = os.path.split(path)
    while folder:
        build = os.path.join(folder, "meson.build")
        if os.path.exists(os.path.join(root, build)):
            source = re.sub(r"#[^\n]*", "", tree.text(root, build))
            if f"'{name}'" in source:
                return True
        folder, last = os.path.split(folder)
        name = f"{last}/{name}"
    return False


def dead_entries(root, build):
    """Names in a list whose file is gone."""
    folder = os.path.dirname(build)
    source = re.sub(r"#[^\n]*", "", tree.text(root, build))
    for name in re.findall(r"'([\w/.-]+\.c)'", source):
        if not os.path.exists(os.path.join(root, folder, name)):
            yield f"{build}: lists {name}, which does not exist"


def main():
    root = tree.arguments().root
    paths = tree.files(root, (".c",), FOLDERS)
    problems = [f"{p}: in no meson.build" for p in paths if not listed(root, p)]
    for build in tree.files(root, ("meson.build",), FOLDERS):
        problems += dead_entries(root, build)
    tree.report(problems, f"registries of {len(paths)} files")


main()
