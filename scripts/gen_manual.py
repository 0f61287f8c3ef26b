#!/usr/bin/env python3
"""Writes docs/konn.1 from the program's own tables; --check says whether it is up to date.

Columns come from `konn columns -j` of the built program ($KONN_BUILD, else build/), the rest
from src/app/*.def.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "docs/konn.1"
DATE = "November 22, 2026"
TOKEN = re.compile(r'"((?:\\.|[^"\\])*)"|\'(.)\'|([\w]+)|([(),])')
ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


def rows(name, macro):
    """The arguments of each macro(…) of a .def file; adjacent strings are one."""
    with open(os.path.join(ROOT, "src/app", name), encoding="utf-8") as table:
        source = re.sub(r"/\*.*?\*/", "", table.read(), flags=re.DOTALL)
    for start in re.finditer(rf"^{macro}\(", source, re.MULTILINE):
        fields, words = [], []
        for text, char, word, mark in TOKEN.findall(source, start.end()):
            if mark:
                fields.append("".join(words))
                words = []
                if mark == ")":
                    break
            else:
                words.append(re.sub(r"\\(.)", lambda m: ESCAPES[m[1]], text) or char or word)
        yield fields


def columns():
    build = os.environ.get("KONN_BUILD", os.path.join(ROOT, "build"))
    program = os.path.join(build, "konn")
    run = subprocess.run([program, "columns", "-j"], capture_output=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def roff(text):
    """Plain text as it can stand in a line of mdoc."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    text = text.replace("^", "\\(ha").replace("…", "...").replace("'", "\\(aq")
    return re.sub(r"^\.", "\\&.", text)


def word(text):
    """One argument of a macro: no blanks that split it, no words that are macros."""
    text = roff(text).replace('"', '""')
    return f'"{text}"' if " " in text else f"\\&{text}"


def sentences(text):
    """Running text: a new line for each sentence, as mdoc wants it, and when one is long."""
    for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", text):
        yield from map(roff, textwrap.wrap(sentence, 72, break_on_hyphens=False))


def topic(text):
    """Lines of running text, and examples (they begin with a blank)."""
    plain = [line for line in text.splitlines() if not line.startswith(" ")]
    examples = [line[1:] for line in text.splitlines() if line.startswith(" ")]
    yield from sentences(" ".join(plain))
    if examples:
        yield ".Bd -literal -offset indent"
        yield from map(roff, examples)
        yield ".Ed"


def option_head(letter, name, metavar):
    flags = [f"Fl {letter}"] if letter != "0" else []
    flags.append("Fl \\-" + roff(name))
    metavar = "" if metavar == "NULL" else f" Ar {word(metavar)}"
    return ".It " + " , ".join(flags) + metavar


def options():
    yield ".Bl -tag -width Ds"
    for _, letter, name, _, _, _, _, metavar, there, text in rows("options.def", "OPT"):
        yield option_head(letter, name, metavar)
        yield from sentences(text[0].upper() + text[1:] + ".")
        if there == "false":
            yield "Not available in this version: it is refused."
    yield ".El"


def verbs():
    topics = {name: text for name, text in rows("topics.def", "TOPIC")}
    yield ".Bl -tag -width Ds"
    for _, name, there, arguments, text in rows("verbs.def", "VERB"):
        if there == "false":
            continue
        yield f".It Cm {name}" + (f" Ar {word(arguments)}" if arguments else "")
        yield from sentences(text[0].upper() + text[1:] + ".")
        if name in topics:
            yield from topic(topics[name])
    yield ".El"
    later = [roff(name) for _, name, there, _, _ in rows("verbs.def", "VERB") if there == "false"]
    yield "Reserved for later versions:"
    yield ", ".join(later) + "."


def column_table():
    yield ".Bl -tag -width Ds"
    for c in columns():
        yield f".It Cm {word(c['key'])} ( {c['type']} )"
        yield from sentences(c["help"] + ".")
        needs = ", ".join(c["need"])
        group = c["aggregate"]
        if group != "none":
            yield f"In groups: {group}."
        if needs:
            yield f"From: {needs}."
    yield ".El"


def exit_codes():
    yield ".Bl -tag -width Ds"
    for code, text in rows("exit_codes.def", "EXIT_CODE"):
        yield f".It {code}"
        yield from sentences(text[0].upper() + text[1:] + ".")
    yield ".El"


def page():
    topics = {name: text for name, text in rows("topics.def", "TOPIC")}
    yield '.\\" Made by scripts/gen_manual.py from the tables of the program. Do not edit.'
    yield f".Dd {DATE}"
    yield ".Dt KONN 1\n.Os\n.Sh NAME\n.Nm konn\n.Nd monitor of network connections"
    yield ".Sh SYNOPSIS\n.Nm\n.Op Ar verb\n.Op Ar options\n.Op Ar filter"
    yield ".Sh DESCRIPTION\n.Nm"
    yield "shows the network connections of this machine, or passing through it:"
    yield "who talks to whom, in which state, how fast, and how well;"
    yield "live, or from a capture file."
    yield "Without a verb it is"
    yield ".Cm top\non a terminal, and\n.Cm list\notherwise."
    yield "What is not known is never shown as 0:"
    yield "it has no key in JSON, is empty in CSV, and a dash in text."
    yield ".Sh VERBS"
    yield from verbs()
    yield ".Sh OPTIONS"
    yield from options()
    yield ".Sh DISPLAY FILTERS"
    yield from topic(topics["filter"])
    yield ".Sh CONNMON AND PPING"
    yield from topic(topics["connmon"])
    yield ".Sh OUTPUT"
    yield from output()
    yield ".Sh COLUMNS"
    yield from column_table()
    yield ".Sh ENVIRONMENT\n.Bl -tag -width Ds"
    yield ".It Ev NO_COLOR\nWhen set and not empty: no colours.\n.It Ev TZ"
    yield "The zone of times in text.\n.El"
    yield ".Sh EXIT STATUS"
    yield from exit_codes()
    # Not .Xr: mandoc's lint wants such pages to be installed where it runs.
    yield ".Sh SEE ALSO\ntcpdump(1), conntrack(8), ss(8)"


def output():
    yield "JSON is one object a line, whose first key is"
    yield ".Cm kind ."
    yield "Numbers are integers in the unit that their key names, but for"
    yield ".Cm duration ,"
    yield "which is in seconds with decimals."
    yield "Times are RFC 3339 UTC with 9 decimals, or, with"
    yield ".Fl \\-epoch ,"
    yield "integer microseconds."
    yield "Lists are arrays."
    yield ".Pp"
    yield "CSV has a line of keys first and is quoted as in RFC 4180;"
    yield "lines end with a line feed."
    yield "Lists are joined by a semicolon."
    yield ".Pp"
    yield "Text shows local time and short numbers with their unit."
    yield "On a terminal it has the columns that fit; in a pipe nothing is cut."
    yield ".Pp"
    yield "Bytes from outside that are not printable are shown as"
    yield "\\ex and two hexadecimal digits in every output; a backslash is \\ex5c."


def check(path, text):
    with open(path, encoding="utf-8") as old:
        if old.read() != text:
            yield f"{PAGE} is out of date: run scripts/gen_manual.py"
    if shutil.which("mandoc"):
        run = subprocess.run(
            ["mandoc", "-Tlint", path], capture_output=True, text=True, check=False)
        yield from run.stdout.splitlines()


def main():
    text = "\n".join(page()) + "\n"
    path = os.path.join(ROOT, PAGE)
    if sys.argv[1:] == ["--check"]:
        problems = list(check(path, text))
        print("\n".join(problems))
        return 1 if problems else 0
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as new:
        new.write(text)
    return 0


sys.exit(main())
