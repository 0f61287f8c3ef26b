#!/usr/bin/env python3
"""lab — one scenario on an emulated path, with the kernel's TCP at both ends.

/usr/bin/python3 tests/path/lab.py SCENARIO [--seed N] [--timestamps on|off] [--out DIR]
        [--ip 4|6] [--cc cubic|reno|bbr] [--offload] [--emulator FILE]
/usr/bin/python3 tests/path/lab.py --list

As root. Takes 3 to 8 s; several may run at once. Without --seed a new one is drawn and
printed. In DIR (default: a new folder in /tmp, printed):
  client.pcap middle.pcap server.pcap   what passed at the three points (ns, 256 bytes each)
  drops.log     each loss, queue drop, copy and reordering; packets.log: each packet's way
  truth.json    what konn should find, at each point and for each connection (truth.py);
                what the kernels of both ends counted
The emulator (emulator.c) is EMULATOR, --emulator, build/tests/path/emulator, or else
compiled for this run. --offload: the interfaces have TSO, the ends' captures are tcpdump's
and so hold segments larger than the MTU, as on a real host.

    truth = lab.run("loss-before", lab.Options(folder, seed=7, timestamps=True))
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import netns  # noqa: E402
import scenarios  # noqa: E402
import truth  # noqa: E402

PORT = 8080
WARM_UP = 9  # the emulator's
INTERFACE = "path0"
QUEUE = 10000  # packets that wait for the emulator
SPARE_S = 20  # for a busy machine, beyond a scenario's own time
ADDRESSES = {
    "4": {"client": "10.99.0.1/24", "server": "10.99.0.2/24"},
    "6": {"client": "fd99::1/64", "server": "fd99::2/64"},
}
GRO_NS = 20000  # how long the interface gathers segments, where offloads are wanted


def missing():
    """Why no lab can run here; None: it can."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    for program in ("ip", "nsenter", "unshare", "tcpdump"):
        if not shutil.which(program):
            return f"no {program}"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode:
        return "no network namespaces"
    return None


def find_emulator(given, folder):
    for path in (given, os.environ.get("EMULATOR"), ROOT / "build/tests/path/emulator"):
        if path and os.access(path, os.X_OK):
            return str(path)
    made = os.path.join(folder, "emulator")
    sources = [str(HERE / f"{name}.c") for name in ("emulator", "link", "record", "wire")]
    subprocess.run(["cc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-o", made, *sources],
                   check=True)
    return made


def counters(ns):
    """What the kernel's TCP counted in a namespace, where it is not zero."""
    found = {}
    for name in ("snmp", "netstat"):
        with ns.inside(), open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
            lines = [line.split() for line in file if line.startswith("Tcp")]
        for keys, values in zip(lines[::2], lines[1::2]):
            found.update((k, int(v)) for k, v in zip(keys[1:], values[1:]) if int(v))
    return found


class Path:
    """Two namespaces, the emulator between them and the scenario's settings."""

    def __init__(self, lab, scenario, options):
        self.scenario, self.options = scenario, options
        self.ends = {name: lab.namespace(name, ipv6=options.ip == "6")
                     for name in ("client", "server")}
        for name, ns in self.ends.items():
            self._settings(ns, name)
        self.emulator = self._start(lab)
        self.emulator.wait_line("ready")
        for ns in self.ends.values():
            ns.ip("link", "set", INTERFACE, "txqueuelen", QUEUE, "up")
        for name in self.ends:
            self._addresses(name)
        self._warm_up()
        self.dumps = [self._dump(n, ns) for n, ns in self.ends.items()] if options.offload else []

    def _settings(self, ns, name):
        """Nothing but the scenario's packets is to be on the path."""
        ns.sysctl("net.ipv6.conf.default.addr_gen_mode", 1)
        ns.sysctl("net.ipv6.conf.default.accept_ra", 0)
        ns.sysctl("net.ipv6.conf.default.router_solicitations", 0)
        ns.sysctl("net.ipv4.tcp_timestamps", int(self.options.timestamps))
        for key, value in self.scenario.get("sysctl", {}).items():
            ns.sysctl(key, value)
        for key, value in self.scenario.get(f"{name}_sysctl", {}).items():
            ns.sysctl(key, value)

    def _start(self, lab):
        words = [self.options.emulator, f"out={self.options.out}", f"seed={self.options.seed}",
                 f"seconds={self.limit()}", f"offload={int(self.options.offload)}"]
        words += [f"{name}={ns.path}" for name, ns in self.ends.items()]
        for link, settings in self.scenario["links"].items():
            words += [f"{link}:{key}={value}" for key, value in settings.items()]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        program = netns.Program(process, words)
        lab.programs.append(program)
        return program

    def _addresses(self, name):
        """Static neighbours: no ARP, no neighbour discovery."""
        ns, peer = self.ends[name], "server" if name == "client" else "client"
        mac = netns.mac_of(self.ends[peer], INTERFACE).hex(":")
        nets = ADDRESSES[self.options.ip]
        nodad = ["nodad"] if self.options.ip == "6" else []
        ns.ip("addr", "add", nets[name], "dev", INTERFACE, *nodad)
        ns.ip("neigh", "replace", nets[peer].split("/")[0], "lladdr", mac, "nud",
              "permanent", "dev", INTERFACE)
        if "cwnd" in self.scenario:
            ns.ip("route", "add", nets[peer].split("/")[0], "dev", INTERFACE, "cwnd", "lock",
                  self.scenario["cwnd"])

    def _warm_up(self):
        """The kernel honours a route's cwnd for peers only that it has metrics of."""
        address = (ADDRESSES[self.options.ip]["server"].split("/")[0], WARM_UP)
        family = socket.AF_INET6 if self.options.ip == "6" else socket.AF_INET
        with self.ends["server"].inside():
            listener = socket.create_server(address, family=family)
        with self.ends["client"].inside():
            ends = [socket.create_connection(address, 10)]
        ends.append(listener.accept()[0])
        for a, b in (ends, ends[::-1]):
            a.sendall(b"x")
            b.recv(1)
        for end in (*ends, listener):
            end.close()
        time.sleep(0.1)  # both have the other's FIN
        for ns in self.ends.values():
            ns.sysctl("net.ipv4.tcp_no_metrics_save", 1)

    def _dump(self, name, ns):
        """tcpdump at an end whose interface has segmentation and receive offload."""
        gather = (f"echo {GRO_NS} >/sys/class/net/{INTERFACE}/gro_flush_timeout;"
                  f"echo 2 >/sys/class/net/{INTERFACE}/napi_defer_hard_irqs")
        # this one mounts the namespace's own /sys
        subprocess.run(["ip", "netns", "exec", ns.name, "sh", "-c", gather], check=True)
        file = os.path.join(self.options.out, f"host-{name}.pcap")
        dump = ns.start(["tcpdump", "-i", INTERFACE, "-s", "256", "-B", "16384", "-U",
                         "--immediate-mode", "--time-stamp-precision=nano", "-w", file, "tcp"])
        dump.wait_line("listening on")
        return name, file, dump

    def limit(self):
        return int(self.scenario["app"].get("seconds", 4)) * 2 + SPARE_S

    def run(self):
        """The applications from beginning to end; returns what the emulator says."""
        host = ADDRESSES[self.options.ip]["server"].split("/")[0]
        app = json.dumps({"limit": self.limit(), "cc": self.options.cc, **self.scenario["app"]})
        words = ["/usr/bin/python3", str(HERE / "apps.py")]
        server = self.ends["server"].start([*words, "server", host, PORT, app])
        server.wait_line("listening")
        client = self.ends["client"].start([*words, "client", host, PORT, app])
        for program in (client, server):
            if program.wait(self.limit() + SPARE_S) != 0:
                raise RuntimeError(f"{program.argv[2]} failed: {program.stderr()}")
        kernel = {name: counters(ns) for name, ns in self.ends.items()}
        dropped = sum(ns.statistic(INTERFACE, "tx_dropped") for ns in self.ends.values())
        for name, file, dump in self.dumps:
            dump.stop(signal.SIGINT)
            if not re.search(r"^0 packets dropped by kernel", dump.stderr(), re.MULTILINE):
                raise RuntimeError("the capture has gaps: " + dump.stderr())
            os.replace(file, os.path.join(self.options.out, f"{name}.pcap"))
        if self.emulator.stop() != 0:
            raise RuntimeError("the emulator failed: " + self.emulator.stderr())
        said = json.loads(self.emulator.stdout().splitlines()[-1])
        return {**said, "tx_dropped": dropped}, kernel


class Options:
    """What a run may choose beside its scenario."""

    def __init__(self, out, seed=None, timestamps=True, **more):
        self.out = str(out)
        self.seed = random.SystemRandom().randrange(1, 1 << 31) if seed is None else seed
        self.timestamps = timestamps
        self.ip = str(more.get("ip") or "4")
        self.cc = more.get("cc") or "cubic"
        self.offload = bool(more.get("offload"))
        self.emulator = more.get("emulator")


def run(name, options, scenario=None):
    """Runs a scenario; returns its truth, which is in out/truth.json as well."""
    scenario = scenario or scenarios.get(name, options.seed)
    os.makedirs(options.out, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="konn-path-") as folder:
        options.emulator = find_emulator(options.emulator, folder)
        unique = f"{name}-{'ts' if options.timestamps else 'no'}-{options.seed}"
        with netns.Lab(unique) as lab:
            machine, kernel = Path(lab, scenario, options).run()
    found = truth.of_folder(options.out, scenario)
    found.update(scenario=name, seed=options.seed, timestamps=options.timestamps,
                 ip=options.ip, cc=options.cc, offload=options.offload, machine=machine,
                 kernel=kernel)
    with open(os.path.join(options.out, "truth.json"), "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
    return found


def main():
    parser = argparse.ArgumentParser(description="One scenario on an emulated path.")
    parser.add_argument("scenario", nargs="?", choices=scenarios.names())
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--timestamps", choices=("on", "off"), default="on")
    parser.add_argument("--ip", choices=("4", "6"), default="4")
    parser.add_argument("--cc", default="cubic")
    parser.add_argument("--offload", action="store_true")
    parser.add_argument("--emulator")
    parser.add_argument("--out")
    args = parser.parse_args()
    if args.list or not args.scenario:
        print("\n".join(f"{n:16} {scenarios.get(n, 1)['what']}" for n in scenarios.names()))
        return 0
    reason = missing()
    if reason:
        print("skipped:", reason)
        return netns.SKIP
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out = args.out or tempfile.mkdtemp(prefix=f"konn-path-{args.scenario}-")
    options = Options(out, args.seed, args.timestamps == "on", ip=args.ip, cc=args.cc,
                      offload=args.offload, emulator=args.emulator)
    found = run(args.scenario, options)
    print(f"{args.scenario}: seed {options.seed}, in {out}; {json.dumps(found['machine'])}")
    for flow in found["flows"][:3]:
        for point in truth.POINTS:
            print(f"  {flow['port']} {point:7}", json.dumps(flow[point]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
