"""Capture files of every kind: formats, compression, several at once, damage."""

import gzip
import os
import struct
import subprocess

import capture
import frames as F
import konn
import oracle


def core(row):
    keys = ("ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "conn_state",
            "history", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts", "duration")
    return {k: row.get(k) for k in keys}


class Formats(konn.Case):
    def setUp(self):
        super().setUp()
        self.talk = F.standard()
        self.frames = self.talk.frames

    def same(self, path, *args, **options):
        report = self.listed("-r", path, *args, **options)
        self.assertEqual(len(report.conns), 1)
        self.assert_talk(report.conns[0], self.talk)
        self.assertEqual(report.summary["packets"], len(self.frames))
        return report.conns[0]

    def test_pcap_both_orders_and_resolutions(self):
        rows = [self.same(self.pcap(self.frames, order=o, nano=n))
                for o in "<>" for n in (False, True)]
        self.assertEqual([core(r) for r in rows], [core(rows[0])] * 4)

    def test_pcapng_both_orders(self):
        plain = core(self.same(self.pcap(self.frames)))
        for order in "<>":
            self.assertEqual(core(self.same(self.pcapng(self.frames, order=order))), plain)

    def test_nanoseconds_are_kept(self):
        for f in self.frames:
            f.ts += 123_456_789
        for path in (self.pcap(self.frames, nano=True),
                     self.pcapng(self.frames, [capture.Interface(resolution=9)])):
            row = self.same(path)
            self.assertEqual(row["ts"], "2023-11-14T22:13:20.123456789Z")
            self.assertAlmostEqual(row["duration"], 0.16, places=9)

    def test_microseconds_have_nine_decimals_too(self):
        row = self.same(self.pcap(self.frames))
        self.assertEqual(row["ts"], "2023-11-14T22:13:20.000000000Z")

    def test_coarse_pcapng_clock(self):
        row = self.same(self.pcapng(self.frames, [capture.Interface(resolution=3)]))
        self.assertEqual(row["ts"], "2023-11-14T22:13:20.000000000Z")
        self.assertAlmostEqual(row["duration"], 0.16, places=9)

    def test_compressed(self):
        plain = core(self.same(self.pcap(self.frames)))
        for kind in ("gz", "zst", "xz", "lz4", "bz2"):
            with self.subTest(kind):
                path = capture.compress(self.pcap(self.frames), kind)
                self.assertEqual(core(self.same(path)), plain)

    def test_compressed_is_known_by_content_not_by_name(self):
        made = capture.compress(self.pcap(self.frames), "gz")
        plain = self.path("no-extension")
        os.rename(made, plain)
        self.same(plain)

    def test_compressed_pcapng(self):
        self.same(capture.compress(self.pcapng(self.frames), "zst"))

    def test_stdin(self):
        for path in (self.pcap(self.frames), self.pcapng(self.frames),
                     capture.compress(self.pcap(self.frames), "gz")):
            with open(path, "rb") as f:
                self.same("-", stdin=f.read())

    def test_stdin_pipe_that_comes_in_pieces(self):
        with open(self.pcap(self.frames), "rb") as f:
            data = f.read()
        child = subprocess.Popen(
            [konn.KONN, "list", "-r", "-", "-j"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=konn.environment())
        for at in range(0, len(data), 777):
            child.stdin.write(data[at:at + 777])
            child.stdin.flush()
        out, err = child.communicate(timeout=konn.TIMEOUT)
        self.assertEqual((child.returncode, err), (0, b""))
        self.assertEqual(out.decode(), konn.run(
            "list", "-r", self.pcap(self.frames), "-j").out)

    def test_a_name_with_odd_characters(self):
        self.same(self.pcap(self.frames, name="a b\u00e9.pcap"))


class LinkTypes(konn.Case):
    def wrap_sll(self, data, kind, way):
        head = struct.pack("!HHH8sH", 4 if way else 0, 1, 6, F.MACS[way], kind)
        return head + data

    def wrap_sll2(self, data, kind, way):
        return struct.pack("!HHIHBB8s", kind, 0, 3, 1, 4 if way else 0, 6,
                           F.MACS[way]) + data

    def check(self, wrap, linktype):
        for version in (4, 6):
            t = F.standard(version, layers=[lambda d, k, w: (wrap(d, k, w), F.TEB)])
            report = self.listed("-r", self.pcap(t.frames, linktype=linktype))
            self.assertEqual(len(report.conns), 1, f"v{version}")
            self.assert_talk(report.conns[0], t)
            self.assertEqual(report.conns[0]["conn_state"], "SF")

    def test_raw(self):
        self.check(lambda d, k, w: d, capture.RAW)

    def test_sll(self):
        self.check(self.wrap_sll, capture.SLL)

    def test_sll2(self):
        self.check(self.wrap_sll2, capture.SLL2)

    def test_null_both_byte_orders(self):
        for order in "<>":
            self.check(lambda d, k, w, o=order:
                       struct.pack(o + "I", 2 if k == F.IP4 else 24) + d, 0)

    def test_loop(self):
        self.check(lambda d, k, w: struct.pack("!I", 2 if k == F.IP4 else 24) + d, 108)

    def test_ppp(self):
        self.check(lambda d, k, w: b"\xff\x03" + struct.pack(
            "!H", 0x21 if k == F.IP4 else 0x57) + d, 9)

    def test_c_hdlc(self):
        self.check(lambda d, k, w: struct.pack("!BBH", 0x0F, 0, k) + d, 104)

    def test_mixed_in_one_pcapng(self):
        """libpcap refuses this file; capinfos counts it."""
        kinds = [("eth0", 1, None), ("any", capture.SLL2, self.wrap_sll2),
                 ("tun0", capture.RAW, lambda d, k, w: d)]
        frames, talks = [], []
        for number, (_, _, wrap) in enumerate(kinds):
            layers = [F.ether()]
            if wrap:
                layers = [lambda d, k, w, f=wrap: (f(d, k, w), F.TEB)]
            t = F.Talk(("10.3.0.1", 41000 + number), F.SERVER4, layers)
            t.interface = number
            talks.append(t.open().data(0, 100 + number).data(1, 1000).close())
            frames += t.frames
        path = self.pcapng(frames, [capture.Interface(n, k) for n, k, _ in kinds])
        report = self.listed("-r", path)
        rows = {r["id.orig_p"]: r for r in report.conns}
        self.assertEqual(len(report.conns), 3)
        for number, t in enumerate(talks):
            self.assert_talk(rows[41000 + number], t)
            self.assertEqual(rows[41000 + number]["interface"], kinds[number][0])
        self.assertEqual(report.summary["packets"], oracle.capinfos_count(path))

    def test_unknown_link_type(self):
        frames = F.standard().frames
        path = self.pcap(frames, linktype=147)
        report = konn.listed("-r", path)
        self.assertEqual(report.result.code, 66)
        self.assertIn("147", report.result.err)
        self.assertIn("USER0", report.result.err)
        self.assertEqual(len(report.result.err_lines), 1)
        self.assertEqual(report.conns, [])
        self.assertEqual(report.summary["packets"], len(frames))
        self.assertEqual(sum(report.summary["unsupported"].values()), len(frames))
        self.assertTrue(any("147" in k or "USER0" in k.upper()
                            for k in report.summary["unsupported"]))

    def test_unknown_beside_a_known_one(self):
        t = F.standard()
        alien = F.Frame(F.EPOCH, b"\1\2\3\4", interface=1)
        path = self.pcapng(t.frames + [alien],
                           [capture.Interface(), capture.Interface("u", 147)])
        report = konn.listed("-r", path)
        self.assertEqual(len(report.conns), 1)
        self.assertEqual(sum(report.summary["unsupported"].values()), 1)
        self.assert_identity(report.summary)


class Several(konn.Case):
    def test_rotated_files_in_any_order_are_one_capture(self):
        t = F.standard()
        whole = core(self.row(t.frames))
        thirds = [t.frames[:5], t.frames[5:11], t.frames[11:]]
        paths = [self.pcap(part, f"{n}.pcap") for n, part in enumerate(thirds)]
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
            args = [a for n in order for a in ("-r", paths[n])]
            report = self.listed(*args)
            self.assertEqual([core(r) for r in report.conns], [whole], order)
            self.assertEqual(report.summary["packets"], len(t.frames))

    def test_different_formats_together(self):
        t = F.standard()
        first = capture.compress(self.pcap(t.frames[:9]), "gz")
        args = ["-r", self.pcapng(t.frames[9:], [capture.Interface("")]), "-r", first]
        report = self.listed(*args)
        self.assertEqual(len(report.conns), 1)
        self.assert_talk(report.conns[0], t)

    def test_rotated_pcapng_with_two_interfaces(self):
        """Interfaces of the same name in two files are the same one, no copies."""
        ports = [capture.Interface("veth1"), capture.Interface("eth0")]
        t = F.standard()
        for f in t.frames:
            f.interface = 1
        args = ["-r", self.pcapng(t.frames[:8], ports, "1.pcapng"),
                "-r", self.pcapng(t.frames[8:], ports, "2.pcapng")]
        report = self.listed(*args)
        self.assertEqual(len(report.conns), 1)
        self.assert_talk(report.conns[0], t)
        self.assert_fields(report.summary, copies=0)

    def test_one_missing_among_two(self):
        report = konn.listed("-r", self.pcap(F.standard().frames), "-r",
                             self.path("missing.pcap"))
        self.assertIn(report.result.code, (1, 66))
        self.assertIn("missing.pcap", report.result.err)


class Damage(konn.Case):
    """Exit 66: nothing could be read; 1: part of it; the message names file and offset."""

    def spoiled(self, data, code, *words, name="bad.pcap"):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(data)
        report = konn.listed("-r", path)
        self.assertEqual(report.result.code, code, report.result.err)
        self.assertEqual(len(report.result.err_lines), 1, report.result.err)
        for word in (name, *words):
            self.assertIn(word, report.result.err)
        return report

    def sound(self, **options):
        with open(self.pcap(F.standard().frames, **options), "rb") as f:
            return f.read()

    def test_empty(self):
        self.spoiled(b"", 66)

    def test_garbage(self):
        self.spoiled(bytes(range(256)) * 20, 66)

    def test_text(self):
        self.spoiled(b"hello, I am no capture\n" * 50, 66)

    def test_half_a_header(self):
        self.spoiled(self.sound()[:10], 66)

    def test_only_a_header(self):
        path = self.path("head.pcap")
        with open(path, "wb") as f:
            f.write(self.sound()[:24])
        report = self.listed("-r", path)
        self.assertEqual(report.conns, [])
        self.assert_fields(report.summary, packets=0, conns=0)

    def test_only_a_pcapng_header(self):
        report = self.listed("-r", self.pcapng([]))
        self.assert_fields(report.summary, packets=0, conns=0)

    def test_cut_in_a_packet(self):
        data = self.sound()
        report = self.spoiled(data[:-7], 1)
        self.assertEqual(report.summary["packets"], len(F.standard().frames) - 1)
        self.assertEqual(len(report.conns), 1)
        self.assert_identity(report.summary)
        last = len(F.standard().frames[-1].data)
        offset = len(data) - last - 16
        numbers = {int(w) for w in report.result.err.replace(":", " ").replace(
            ",", " ").split() if w.isdigit()}
        self.assertTrue(any(offset <= n <= len(data) for n in numbers),
                        f"{report.result.err!r}: no offset from {offset}")

    def test_cut_in_a_record_header(self):
        data = self.sound()
        last = len(F.standard().frames[-1].data)
        report = self.spoiled(data[:-last - 4], 1)
        self.assertEqual(report.summary["packets"], len(F.standard().frames) - 1)

    def test_cut_between_packets_is_sound(self):
        path = self.path()
        data = self.sound()
        last = len(F.standard().frames[-1].data)
        with open(path, "wb") as f:
            f.write(data[:-last - 16])
        report = self.listed("-r", path)
        self.assertEqual(report.summary["packets"], len(F.standard().frames) - 1)

    def test_absurd_record_length(self):
        data = bytearray(self.sound())
        at = 24 + 16 + len(F.standard().frames[0].data)
        data[at + 8:at + 12] = struct.pack("<I", 0x7FFFFFFF)
        report = self.spoiled(bytes(data), 1)
        self.assertEqual(report.summary["packets"], 1)

    def test_pcapng_cut(self):
        with open(self.pcapng(F.standard().frames), "rb") as f:
            data = f.read()
        report = self.spoiled(data[:-5], 1, name="bad.pcapng")
        self.assertEqual(report.summary["packets"], len(F.standard().frames) - 1)

    def test_compressed_cut(self):
        packed = gzip.compress(self.sound())
        report = self.spoiled(packed[:-20], 1, name="bad.pcap.gz")
        self.assertGreater(report.summary["packets"], 0)

    def test_compressed_garbage(self):
        self.spoiled(gzip.compress(b"no capture at all" * 9), 66, name="x.gz")

    def test_missing_directory_and_forbidden(self):
        for name in (self.path("missing"), self.dir):
            result = konn.run("list", "-r", name, "-j")
            self.assertEqual(result.code, 66, result.err)
            self.assertIn(name, result.err)
            self.assertEqual(len(result.err_lines), 1)

    def test_malformed_packets_in_a_sound_file(self):
        t = F.standard()
        junk = [F.Frame(F.EPOCH + 5, F.wrapped([F.ether()], b"\x45\0\0", F.IP4)),
                F.Frame(F.EPOCH + 6, F.wrapped([F.ether()], b"\x42" + bytes(40), F.IP4)),
                F.Frame(F.EPOCH + 7, b"\0\1\2")]
        report = self.listed("-r", self.pcap(t.frames + junk))
        self.assertEqual(sum(report.summary["malformed"].values()), 3)
        self.assertEqual(report.summary["parsed"], len(t.frames))
        self.assert_talk(report.conns[0], t)


class BpfFilter(konn.Case):
    def setUp(self):
        super().setUp()
        self.a = F.standard()
        self.b = F.Talk(("10.1.0.1", 40002), ("10.2.0.2", 443)).open().close()
        data, kind = F.udp("10.1.0.1", "10.2.0.2", 5000, 53, b"x")
        frames = [*self.a.frames, *self.b.frames,
                  F.Frame(F.EPOCH, F.wrapped([F.ether()], data, kind))]
        self.file = self.pcap(frames)
        self.total = len(frames)

    def check(self, expression, ports):
        report = self.listed("-r", self.file, "-f", expression)
        kept = oracle.tcpdump_count(self.file, expression)
        self.assertEqual(report.summary["packets"], self.total)
        self.assertEqual(report.summary["filtered"], self.total - kept)
        self.assertEqual(sorted(r["id.resp_p"] for r in report.conns), ports)

    def test_expressions(self):
        self.check("tcp", [80, 443])
        self.check("tcp port 80", [80])
        self.check("udp", [53])
        self.check("not tcp", [53])
        self.check("host 10.9.9.9", [])
        self.check("tcp[tcpflags] & tcp-syn != 0 and port 443", [443])

    def test_on_pcapng_with_mixed_link_types(self):
        raw = F.Talk(("10.1.0.1", 40003), ("10.2.0.2", 80),
                     [lambda d, k, w: (d, F.TEB)])
        raw.interface = 1
        raw.open().close()
        path = self.pcapng(self.b.frames + raw.frames,
                           [capture.Interface(), capture.Interface("tun0", capture.RAW)])
        report = self.listed("-r", path, "-f", "port 80")
        self.assertEqual([r["id.orig_p"] for r in report.conns], [40003])
        self.assertEqual(report.summary["filtered"], len(self.b.frames))

    def test_bad_expression(self):
        result = konn.run("list", "-r", self.file, "-f", "tcp prot 80")
        self.assertEqual(result.code, 64)
        self.assertEqual(result.out, "")
        self.assertIn("^", result.err)


class Unprivileged(konn.Case):
    def test_reading_a_file_needs_no_privilege(self):
        if os.geteuid() != 0 or not oracle.have("setpriv"):
            self.skipTest("needs root and setpriv")
        t = F.standard()
        path = self.pcap(t.frames)
        os.chmod(self.dir, 0o755)
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
             "--inh-caps=-all", "--bounding-set=-all", konn.KONN, "list", "-r", path,
             "-j"], capture_output=True, env=konn.environment(), check=False,
            timeout=konn.TIMEOUT)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode(), konn.run("list", "-r", path, "-j").out)

    def test_root_only_file_is_read_by_root(self):
        """The file is opened before privileges go."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        path = self.pcap(F.standard().frames)
        os.chmod(path, 0o600)
        os.chmod(self.dir, 0o700)
        self.assertEqual(len(self.listed("-r", path).conns), 1)


if __name__ == "__main__":
    konn.main()
