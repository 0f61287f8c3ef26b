#!/usr/bin/env python3
"""konn list without packets: its rows hold the sockets of ss, with their state and owners.

A round is ss, konn, ss: where both runs of ss say the same, konn must.
"""
import collections
import json
import os
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from many_sockets import World, cookie, fill, require_sock_diag  # noqa: E402
from netns import Lab  # noqa: E402
from ss import SS, read_ss  # noqa: E402

KONN = os.environ["KONN"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
          "--bounding-set=-all"]
NUMBERS = {"recv_q": "recv_q", "send_q": "send_q", "backlog": "backlog",
           "backlog_most": "backlog_most", "user_id": "uid", "inode": "inode"}


def read_pids(ns):
    """The lowest pid of each socket that ss finds an owner of, by cookie."""
    found = {}
    for line in ns.run(SS).stdout.splitlines():
        pids = [int(p) for p in re.findall(r"\bpid=(\d+)", line)]
        key = int(re.search(r"\bsk:([0-9a-f]+)", line)[1], 16)
        if pids:
            found[key] = min(pids)
    return found


def rows_of(ns, *argv, before=(), program=KONN):
    done = ns.run([*before, program, "list", "-j", *argv])
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return [r for r in records if r["kind"] == "conn"], records[-1], done


def ends_of(rows):
    """What the rows say of each end that has a socket, by cookie."""
    found = {}
    for row in rows:
        for end in ("orig_", "resp_"):
            key = row.get(end + "cookie")
            if key is None:
                continue
            if key in found:
                raise AssertionError(f"twice: {key:x} {row}")
            found[key] = {"proto": row["proto"], "row": row, **{
                name: row.get(end + name) for name in
                ("socket_state", "pid", "owner_reason", "owner_via", *NUMBERS)}}
    return found


def words_of(proto, state):
    return "UNCONNECTED" if proto == "udp" and state == "CLOSED" else state


def differences(ours, first, second):
    found = {}
    for key in ours.keys() & first.keys() & second.keys():
        theirs, again, mine = first[key], second[key], ours[key]
        pairs = {name: theirs.get(word, 0) for name, word in NUMBERS.items()
                 if theirs.get(word, 0) == again.get(word, 0)}
        if theirs["state"] == again["state"]:
            pairs["socket_state"] = words_of(theirs["proto"], theirs["state"])
        found.update({(key, name): f"{key:x} {mine} {name}: ss {value}"
                      for name, value in pairs.items() if (mine[name] or 0) != value})
    return found


class Sockets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("rows")
        cls.addClassCleanup(cls.lab.close)
        cls.world = World(cls.lab)
        cls.addClassCleanup(cls.world.close)
        cls.quiet = fill(cls.world)

    def round(self, ns, **how):
        first = read_ss(ns)
        rows, summary, _ = rows_of(ns, **how)
        ours, second = ends_of(rows), read_ss(ns)
        lost = [first[k] for k in first if k in second and k not in ours]
        made_up = [ours[k] for k in ours if k not in first and k not in second]
        self.assertEqual((lost[:5], made_up[:5]), ([], []))
        self.assertEqual(summary["conns"], len(rows))
        self.assertEqual(summary["packets"], 0)
        return rows, ours, differences(ours, first, second)

    def compare(self, ns, **how):
        rows, ours, found = self.round(ns, **how)
        for _ in range(3):  # a segment may be on its way just while we look
            if found:
                again = self.round(ns, **how)[2]
                found = {k: v for k, v in found.items() if k in again}
        self.assertFalse(found, f"{len(found)} differences, such as "
                         + "; ".join(list(found.values())[:5]))
        return rows, ours

    def test_every_socket_of_ss_is_in_one_row(self):
        states = collections.Counter()
        for ns in self.world.namespaces:
            _, ours = self.compare(ns)
            states.update((e["proto"], e["socket_state"]) for e in ours.values())
        print(f"{states.total()} sockets: {dict(states)}", file=sys.stderr)
        self.assertGreaterEqual(states.total(), 2000)
        self.assertGreaterEqual(len(states), 12)

    def test_owners_are_those_of_ss(self):
        for ns in self.world.namespaces:
            pids = read_pids(ns)
            ours = ends_of(rows_of(ns)[0])
            self.assertGreaterEqual(len(pids.keys() & ours.keys()), 100)
            for key in pids.keys() & ours.keys():
                self.assertEqual(ours[key]["pid"], pids[key], ours[key])
            for key in ours.keys() - pids.keys():
                self.assertTrue(ours[key]["pid"] is None or ours[key]["owner_via"] == "listener",
                                ours[key])
                self.assertIsNotNone(ours[key]["owner_reason"], ours[key])

    def test_both_ends_of_a_pair_are_one_row(self):
        ours = ends_of(rows_of(self.world.c)[0])
        pairs = [(c, s) for c, s in self.quiet if cookie(c) in ours]
        self.assertGreaterEqual(len(pairs), 100)
        for client, accepted in pairs:
            row = ours[cookie(client)]["row"]
            self.assertEqual((row["orig_cookie"], row["resp_cookie"]),
                             (cookie(client), cookie(accepted)), row)
            self.assertEqual((row["id.orig_p"], row["id.resp_p"]),
                             (client.getsockname()[1], accepted.getsockname()[1]), row)
            self.assertEqual((row["cookie"], row["direction"]), (cookie(client), "local"))

    def test_who_listens(self):
        for ns in self.world.namespaces:
            rows = rows_of(ns, "-l")[0]
            theirs = {k for k, s in read_ss(ns).items()
                      if s["state"] == "LISTEN" or (s["proto"], s["state"]) == ("udp", "CLOSED")}
            self.assertEqual(set(ends_of(rows)), theirs)
            for row in rows:
                self.assertNotIn("id.orig_h", row)
                self.assertNotIn("peer_h", row)
                self.assertEqual(row["local_p"], row["id.resp_p"])

    def test_without_any_right(self):
        """All sockets as they are; owners of the own processes only, and it says so."""
        folder = tempfile.mkdtemp(prefix="konn-rows-")
        self.addCleanup(shutil.rmtree, folder, True)
        os.chmod(folder, 0o755)
        konn = os.path.join(folder, "konn")
        shutil.copy(KONN, konn)
        self.compare(self.world.c, before=NOBODY, program=konn)
        rows, _, done = rows_of(self.world.c, before=NOBODY, program=konn)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("as root", done.stderr)
        for end in ends_of(rows).values():
            self.assertIsNone(end["pid"], end)
            self.assertIsNotNone(end["owner_reason"], end)
        script = ("import os,socket,subprocess,sys\n"
                  "s=socket.socket();s.bind(('127.0.0.1',0));s.listen()\n"
                  "p=s.getsockname()[1]\n"
                  "sys.stdout.write(subprocess.run([sys.argv[1],'list','-j',f'local port {p}'],"
                  "capture_output=True,text=True).stdout.splitlines()[0]+'\\n'+str(os.getpid()))")
        done = self.world.c.run([*NOBODY, "/usr/bin/python3", "-c", script, konn])
        row, pid = done.stdout.splitlines()
        self.assertEqual(json.loads(row)["pid"], int(pid), row)


if __name__ == "__main__":
    require_sock_diag()
    unittest.main(verbosity=2)
