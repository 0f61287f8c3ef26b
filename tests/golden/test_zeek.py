"""Zeek's own traces have the outcomes that Zeek recorded for them (zeek.tsv)."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cases"))

import konn  # noqa: E402

FIELDS = ("conn_state", "history", "orig_pkts", "resp_pkts", "orig_ip_bytes",
          "resp_ip_bytes")


def table():
    """{file: [(tuple, expected fields)]}"""
    files = {}
    for line in (HERE / "zeek.tsv").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, *key, _ = line.split("\t")
        ends, cells = tuple(key[:5]), key[5:]
        wanted = {f: c for f, c in zip(FIELDS, cells) if c != "-"}
        files.setdefault(name, []).append((ends, wanted))
    return files


def ends(row):
    """The tuple as in the table: ICMP's type stands for a port."""
    ports = (row.get("id.orig_p"), row.get("id.resp_p"))
    if row["proto"].startswith("icmp"):
        ports = (row["icmp_type"], "-")
    return row["proto"], row["id.orig_h"], str(ports[0]), row["id.resp_h"], str(ports[1])


def difference(wanted, row):
    """Cells that are not as wanted."""
    return {k: (v, str(row.get(k))) for k, v in wanted.items() if str(row.get(k)) != v}


class Zeek(konn.Case):
    def check(self, name, expected):
        path = self.need_corpus("zeek/" + name)
        report = konn.listed("-r", path)
        self.assert_identity(report.summary)
        rows = sorted(report.conns, key=lambda r: r["ts"])
        wrong = []
        for key, wanted in expected:
            same = [r for r in rows if ends(r) == key]
            fit = [r for r in same if not difference(wanted, r)]
            if fit:
                rows.remove(fit[0])
            else:
                wrong.append((key, [difference(wanted, r) for r in same] or "no row"))
        self.assertEqual(wrong, [], "(wanted, found)")


for file_name, lines in table().items():
    setattr(Zeek, "test_" + file_name.replace("/", "_").replace(".", "_"),
            lambda self, n=file_name, e=lines: self.check(n, e))


if __name__ == "__main__":
    konn.main()
