"""One line in columns.def is a column everywhere: text, JSON, CSV, sort, filter, manual."""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import frames as F
import konn

LINE = ('COL(test_twice, "test_twice", "TWICE", COUNT, 7, 40, AGG_SUM, NEED_PACKETS, '
        '"Made by a test", N_IF(f && flow_orig(f)->payload_bytes, '
        '2 * flow_orig(f)->payload_bytes))\n')


def not_source(folder, names):
    """What copying leaves out: build folders and caches."""
    top = {n for n in names if n.startswith("build")} if folder == str(konn.ROOT) else set()
    return top | ({".git", ".cache", "__pycache__"} & set(names))


class ColumnRegistry(konn.Case):
    @classmethod
    def setUpClass(cls):
        cls.tree = pathlib.Path(tempfile.mkdtemp(prefix="konn-column-"))
        cls.addClassCleanup(shutil.rmtree, cls.tree, True)
        copy = cls.tree / "project"
        shutil.copytree(konn.ROOT, copy, symlinks=True, ignore=not_source)
        definitions = copy / "src/model/columns.def"
        definitions.write_text(definitions.read_text() + LINE)
        build = cls.tree / "b"
        log = subprocess.run(["meson", "setup", str(build), str(copy)], check=False,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if log.returncode == 0:
            log = subprocess.run(["ninja", "-C", str(build), "-j2", "konn"],
                                 check=False, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        if log.returncode:
            raise AssertionError("one line in columns.def does not build:\n"
                                 + log.stdout[-3000:])
        cls.copy, cls.program = copy, build / "konn"

    def setUp(self):
        super().setUp()
        frames = []
        for n, size in enumerate((30, 0, 10, 20)):
            t = F.Talk((f"10.1.0.{n + 1}", 40000), F.SERVER4, start=F.EPOCH + n)
            frames += t.open().data(0, size).close().frames
        self.file = self.pcap(frames)

    def run_it(self, *args):
        done = subprocess.run([str(self.program), *args], capture_output=True, text=True,
                              check=False, env=konn.environment(), timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def conns(self, *args):
        lines = self.run_it("list", "-r", self.file, "-j", *args).splitlines()
        return [r for r in map(json.loads, lines) if r["kind"] == "conn"]

    def test_json(self):
        values = {r["id.orig_h"]: r.get("test_twice") for r in self.conns()}
        self.assertEqual(values, {"10.1.0.1": 60, "10.1.0.2": None, "10.1.0.3": 20,
                                  "10.1.0.4": 40})

    def test_csv(self):
        out = self.run_it("list", "-r", self.file, "-o", "csv", "-C",
                          "id.orig_h,test_twice", "-s", "id.orig_h")
        self.assertEqual(out.splitlines(), ["id.orig_h,test_twice", "10.1.0.1,60",
                                            "10.1.0.2,", "10.1.0.3,20", "10.1.0.4,40"])

    def test_text(self):
        lines = self.run_it("list", "-r", self.file, "-C", "id.orig_h,test_twice",
                            "-s", "id.orig_h").splitlines()
        self.assertIn("TWICE", lines[0])
        self.assertEqual([x.split()[-1] for x in lines[1:]][0::2], ["60", "20"])

    def test_sort(self):
        rows = self.conns("-s", "-test_twice")
        self.assertEqual([r.get("test_twice") for r in rows], [60, 40, 20, None])

    def test_filter(self):
        rows = self.conns("test_twice >= 40")
        self.assertEqual(sorted(r["test_twice"] for r in rows), [40, 60])

    def test_schema(self):
        records = [json.loads(x) for x in self.run_it("columns", "-j").splitlines()]
        mine, = [r for r in records if r.get("key") == "test_twice"]
        self.assertEqual(mine["help"], "Made by a test")
        self.assertIn("test_twice", self.run_it("columns"))

    def test_manual(self):
        script = self.copy / "scripts" / "gen_manual.py"
        self.assertTrue(script.exists(), "no scripts/gen_manual.py")
        before = self.manuals()
        self.assertFalse(any("test_twice" in text for text in before.values()))
        subprocess.run(["/usr/bin/python3", str(script)], cwd=self.copy, check=True,
                       env={**os.environ, "KONN_BUILD": str(self.program.parent)},
                       stdout=subprocess.DEVNULL)
        self.assertTrue(any("test_twice" in text for text in self.manuals().values()))

    def manuals(self):
        return {p: p.read_text() for p in self.copy.rglob("docs/**/*") if p.is_file()}


if __name__ == "__main__":
    konn.main()
