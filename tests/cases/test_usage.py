"""Wrong command lines: one line on stderr, nothing on stdout, the documented code."""

import frames as F
import konn


class Usage(konn.Case):
    def setUp(self):
        super().setUp()
        self.file = self.pcap(F.standard().frames)

    def refused(self, *args, code=64, says=()):
        result = konn.run(*args)
        self.assertEqual(result.code, code, f"{args}: {result.err}")
        self.assertEqual(result.out, "", args)
        self.assertEqual(len(result.err_lines), 1, result.err)
        for word in says:
            self.assertIn(word, result.err, args)

    def test_unknown_option(self):
        self.refused("list", "--nosuch", says=["--nosuch"])
        self.refused("list", "-r", self.file, "-Z", says=["Z"])

    def test_nearest_option(self):
        self.refused("list", "--max-flow", "5", "-r", self.file, "--no-midstraem",
                     says=["--no-midstream"])

    def test_unknown_verb_names_verb_and_field(self):
        self.refused("lsit", says=["list"])
        self.refused("duratoin", "-r", self.file, says=["duration"])

    def test_option_without_its_value(self):
        for option in ("-r", "-f", "-s", "-C", "-o", "--max-flows", "--memory"):
            self.refused("list", option, says=[option])

    def test_bad_values(self):
        for option, value in (("--max-flows", "abc"), ("--memory", "5Q"), ("-o", "xml"),
                              ("-c", "-3"), ("-c", "x"), ("--idle", "soon"),
                              ("--max-flows", "99999999999999999999"),
                              ("--home", "10.0.0.0/99")):
            self.refused("list", "-r", self.file, option, value, says=[value])

    def test_nearest_format(self):
        self.refused("list", "-r", self.file, "-o", "jsn", says=["json"])

    def test_missing_file(self):
        self.refused("list", "-r", "/nonexistent/x.pcap", code=66, says=["x.pcap"])

    def test_file_and_interface_together(self):
        self.refused("list", "-r", self.file, "-i", "lo")

    def test_count_stops(self):
        report = self.listed("-r", self.file, "-c", "3")
        self.assertEqual(report.summary["packets"], 3)
        self.assert_fields(report.conns[0], orig_pkts=2, resp_pkts=1)
        self.assertEqual(self.listed("-r", self.file, "-c", "999").summary["packets"], 17)


class Help(konn.Case):
    def test_help_and_version_succeed(self):
        for args in (["help"], ["--help"], ["--version"], ["columns"], ["columns", "-j"]):
            result = konn.run(*args)
            self.assertEqual((result.code, result.err), (0, ""), args)
            self.assertTrue(result.out.endswith("\n"), args)

    def test_help_names_every_option(self):
        text = konn.run("help").out
        for option in ("-i", "-r", "-f", "-n", "--resolve", "-N", "-d", "--for", "-c", "-o",
                       "-j", "-C", "-s", "--bits", "--si", "--epoch", "--speed", "--home",
                       "--no-midstream", "--idle", "--keep", "--max-flows", "--memory",
                       "--no-promisc", "--snaplen", "--buffer", "--no-color", "-q"):
            self.assertIn(option, text)

    def test_columns_text_has_every_key(self):
        import json
        text = konn.run("columns").out
        keys = [json.loads(x)["key"] for x in konn.run("columns", "-j").lines]
        self.assertGreater(len(keys), 60)
        self.assertEqual(len(keys), len(set(keys)))
        self.assertEqual([k for k in keys if k not in text], [])

    def test_nothing_depends_on_the_working_directory_or_home(self):
        result = konn.run("--version", cwd="/", env={"PATH": "/usr/bin"})
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertRegex(result.lines[0], r"^konn \d+\.\d+")


if __name__ == "__main__":
    konn.main()
