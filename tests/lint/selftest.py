#!/usr/bin/env python3
"""Each lint rule finds the fault it is there for: small trees with one fault each."""
import os
import subprocess
import sys
import tempfile

import tree

HERE = os.path.dirname(os.path.abspath(__file__))
GOOD_HEADER = "/* a — x. */\n#ifndef A_H\n#define A_H\nint a_get(void);\n#endif\n"
BODY = "{\n\treturn 0;\n}\n"

# rule, {file: text}, what the output must name
FAULTS = [
    ("banned", {"src/base/a.c": "int f(void)\n{\n\treturn strcpy(a, b);\n}\n"}, "strcpy"),
    ("banned", {"src/flow/a.c": "int f(void)\n{\n\tprintf(\"\");\n}\n"}, "printf"),
    ("banned", {"src/flow/a.c": "int f(void)\n{\n\texit(1);\n}\n"}, "exit"),
    ("banned", {"src/app/b.c": "int f(void)\n{\n\texit(1);\n}\n"}, "exit"),
    ("banned", {"src/flow/a.c": "int f(void)\n{\n\treturn time(0);\n}\n"}, "time"),
    ("banned", {"src/flow/a.c": "FILE *f = stderr;\n"}, "stderr"),
    ("floors", {"src/base/a.c": '#include "core/b.h"\n', "src/core/b.h": GOOD_HEADER}, "base"),
    ("floors", {"src/decode/a.c": '#include "source/b.h"\n', "src/source/b.h": GOOD_HEADER},
     "decode"),
    ("floors", {"src/helper/a.c": '#include "flow/b.h"\n', "src/flow/b.h": GOOD_HEADER},
     "helper"),
    ("floors", {"src/core/a.h": '#ifndef A_H\n#define A_H\n#include "base/b.h"\n#endif\n',
                "src/base/b.h": GOOD_HEADER}, "only includes"),
    ("floors", {"src/core/a.h": '#include "b.h"\nint x;\n', "src/core/b.h":
                '#include "a.h"\nint y;\n'}, "cycle"),
    ("floors", {"src/core/util.c": "int f(void)\n" + BODY}, "util"),
    ("format", {"src/core/a.c": "int f( void ) { return 0; }\n"}, "src/core/a.c"),
    ("globals", {"src/core/a.c": "static int hits;\nint f(void)\n{\n\treturn hits++;\n}\n"},
     "hits"),
    ("globals", {"src/core/a.c": "int f(void)\n{\n\tstatic int n = 3;\n\treturn n++;\n}\n"},
     "n.0"),
    ("marks", {"src/core/a.c": "/* TO" "DO: later */\n"}, "later"),
    ("registry", {"src/core/a.c": "", "src/core/meson.build": "files('b.c')\n"}, "a.c"),
    ("sizes", {"src/core/a.c": "int x;\n" * 501}, "501"),
    ("tidy", {"src/core/a.c": "int f(int a, int b, int c, int d, int e, int g)\n{\n\t"
              "return a + b + c + d + e + g;\n}\n"}, "6 parameters"),
    ("tidy", {"src/core/a.c": "int f(int a)\n{\n" + "\ta++;\n" * 55 + "\treturn a;\n}\n"},
     "lines"),
]

# The same scripts on a sound tree: a rule that always fails proves nothing.
SOUND = {
    "src/core/a.h": GOOD_HEADER,
    "src/core/a.c": '#include "core/a.h"\n\n/* strcpy( in a comment */\nint a_get(void)\n'
    + BODY,
    "src/core/meson.build": "files('a.c')\n",
    "src/app/main.c": '#include "core/a.h"\n\nint main(void)\n{\n\treturn a_get();\n}\n',
    "src/app/meson.build": "files('main.c')\n",
}


def plant(root, files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
        with open(os.path.join(root, path), "w", encoding="utf-8") as out:
            out.write(text)


def compile_all(root, build):
    """A build folder as meson leaves it: objects and their commands."""
    entries = []
    for number, path in enumerate(tree.files(root, (".c",), ("src",))):
        output = f"{number}.o"
        command = ["gcc", "-w", "-Isrc", "-c", path, "-o", os.path.join(build, output)]
        subprocess.run(command, cwd=root, capture_output=True, check=False)
        entries.append(
            '{"directory": "%s", "command": "gcc -I%s/src", "file": "%s", "output": "%s"}'
            % (build, root, os.path.join(root, path), output)
        )
    with open(os.path.join(build, "compile_commands.json"), "w", encoding="utf-8") as out:
        out.write("[" + ",\n".join(entries) + "]")


def lint(project, rule, files):
    """Exit code and output of one rule on a tree of these files."""
    with tempfile.TemporaryDirectory() as root:
        build = os.path.join(root, "build")
        os.makedirs(build)
        for config in (".clang-format", ".clang-tidy", "tests/.clang-tidy"):
            plant(root, {config: tree.text(project, config)})
        plant(root, {"run": "", "check": "", **files})
        compile_all(root, build)
        env = {k: v for k, v in os.environ.items() if k != "KONN_CHECK"}
        run = subprocess.run(
            [sys.executable, os.path.join(HERE, rule + ".py"), "--root", root,
             "--build", build],
            env=env, capture_output=True, text=True, check=False,
        )
        return run.returncode, run.stdout + run.stderr


def main():
    project = tree.arguments().root
    problems = []
    for rule, files, named in FAULTS:
        code, output = lint(project, rule, files)
        if code != 1 or named not in output or "Traceback" in output:
            problems.append(f"{rule} missed {sorted(files)} ({named}): exit {code}\n{output}")
    for rule in sorted({rule for rule, _, _ in FAULTS}):
        code, output = lint(project, rule, SOUND)
        if code != 0:
            problems.append(f"{rule} complains about a sound tree:\n{output}")
    tree.report(problems, f"{len(FAULTS)} planted faults")


main()
