#!/usr/bin/env python3
"""doctor_probe — does by hand what each line of `konn doctor` speaks of, and prints the states
that it should have, as JSON. It is run with the rights that konn has; other tools do the work."""
import ctypes
import json
import mmap
import os
import re
import socket
import struct
import subprocess
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
NETLINK_SOCK_DIAG, NETLINK_NETFILTER = 4, 12
SO_RCVBUFFORCE = 33
SYS_PIDFD_OPEN, SYS_PIDFD_GETFD = 434, 438
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"


def works(done):
    return "works" if done else "missing"


def tool(*argv):
    return subprocess.run(argv, capture_output=True, text=True, check=False,
                          env=dict(os.environ, PATH=PATH))


def tried(action):
    try:
        action()
        return True
    except OSError:
        return False


def capture():
    return works(tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()))


def table(*options):
    done = tool("ss", "-Han", *options)
    return works(done.returncode == 0 and not done.stderr)


def tcp_info():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()):
            return works("cwnd:" in tool("ss", "-tiHn4").stdout)


def deaths():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as s:
        if not tried(lambda: s.bind((0, 0xf))):
            return "missing"
        forced = tried(lambda: s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20))
        return "works" if forced else "partly"


def owners_proc():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = f"/proc/{pid}/fd"
        try:
            for fd in os.listdir(folder):
                try:
                    os.readlink(f"{folder}/{fd}")
                except FileNotFoundError:
                    pass
        except PermissionError:
            return "partly"
        except OSError:  # ended
            pass
    return "works"


def bpf_load(kind, attach, btf_id=0):
    """A program that returns at once: mov r0, N; exit. -1: refused."""
    value = 1 if kind == 9 else 0  # of a cgroup's: allow
    code = ctypes.create_string_buffer(
        struct.pack("<BBhi", 0xb7, 0, 0, value) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    gpl = ctypes.create_string_buffer(b"GPL")
    attr = struct.pack("<IIQQIIQII16sIIIIQIIQII", kind, 2, ctypes.addressof(code),
                       ctypes.addressof(gpl), 0, 0, 0, 0, 0, b"probe", 0, attach, 0, 0, 0, 0,
                       0, 0, 0, btf_id)
    return bpf(5, attr)


def bpf(command, attr):
    held = ctypes.create_string_buffer(attr + bytes(160 - len(attr)), 160)
    return LIBC.syscall(SYS_BPF, command, held, 160)


def cgroup2():
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            if line.split()[2] == "cgroup2":
                return line.split()[1]
    return None


def bpf_cgroup():
    """A program attached to the root of cgroup2, for a moment."""
    program = bpf_load(9, 2)
    root = cgroup2()
    if program < 0 or not root:
        return False
    folder = os.open(root, os.O_RDONLY)
    link = bpf(28, struct.pack("<IIII", program, folder, 2, 0))
    os.close(folder)
    os.close(program)
    if link >= 0:
        os.close(link)
    return link >= 0


def bpf_parts(ids):
    """The iterator, the hook of new sockets, the tracepoint of I/O: each needs those before."""
    walk = bpf_load(26, 28, ids["bpf_iter_task_file"]) >= 0
    made = walk and bpf_cgroup()
    io = made and bpf_load(26, 23, ids["btf_trace_sock_send_length"]) >= 0
    return {"owners by BPF": works(walk), "short-lived owners": works(made),
            "bytes by owner": works(io)}


def enter(path):
    """setns in a child; None: its namespace cannot even be named."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except PermissionError:
        return None
    except OSError:
        return True  # ended
    child = os.fork()
    if child == 0:
        os._exit(LIBC.setns(fd, CLONE_NEWNET) != 0)
    os.close(fd)
    return os.waitpid(child, 0)[1] == 0


def namespaces():
    if not enter("/proc/self/ns/net"):
        return "missing"
    paths = [f"/proc/{pid}/ns/net" for pid in os.listdir("/proc") if pid.isdigit()]
    return "works" if all(enter(p) for p in paths) else "partly"


def conntrack_events():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as s:
        return works(tried(lambda: s.bind((0, 7))))


def conntrack_delete():
    done = tool("conntrack", "-D", "-s", "192.0.2.77")
    return works("0 flow entries have been deleted" in done.stderr)


def close_any():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        tool("ss", "-KtlnH", "src", "127.0.0.1", "sport", "=", f":{server.getsockname()[1]}")
        try:
            server.accept()
        except BlockingIOError:  # it still listens
            return "missing"
        except OSError:
            return "works"
    return "missing"


def close_own():
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.PIPE) as other:
        process = LIBC.syscall(SYS_PIDFD_OPEN, other.pid, 0)
        taken = LIBC.syscall(SYS_PIDFD_GETFD, process, 0, 0)
        other.kill()
    return works(taken >= 0)


def sandbox():
    user = ["--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = tool("setpriv", *user, "--no-new-privs", "--inh-caps=-all", "true")
    return works(done.returncode == 0)


def memory():
    return works(tried(lambda: mmap.mmap(-1, 256 << 20, mmap.MAP_PRIVATE).close()))


def descriptors():
    held = []
    try:
        while len(held) < 256:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return "missing"
    finally:
        for fd in held:
            os.close(fd)
    return "works"


def dns():
    """The question for 127.0.0.1's name, as bytes."""
    ask = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + b"".join(
        bytes([len(p)]) + p for p in (b"1", b"0", b"0", b"127", b"in-addr", b"arpa")) + b"\0\0\x0c\0\1"
    with open("/etc/resolv.conf", encoding="utf-8") as f:
        servers = re.findall(r"^nameserver\s+([\d.]+)", f.read(), re.MULTILINE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        return works(any(tried(lambda a=a: (s.connect((a, 53)), s.send(ask), s.recv(512)))
                         for a in servers))


def main():
    ids = json.loads(sys.argv[1])
    print(json.dumps({
        "capture": capture(),
        "interfaces": works(tool("ip", "link").returncode == 0),
        "TCP sockets, IPv4": table("-t4"), "TCP sockets, IPv6": table("-t6"),
        "UDP sockets, IPv4": table("-u4"), "UDP sockets, IPv6": table("-u6"),
        "TCP figures": tcp_info(), "ends of sockets": deaths(),
        "owners by /proc": owners_proc(), **bpf_parts(ids), "other namespaces": namespaces(),
        "conntrack": works(tool("conntrack", "-L").returncode == 0
                           and tool("conntrack", "-C").returncode == 0),
        "conntrack events": conntrack_events(), "delete conntrack": conntrack_delete(),
        "close connections": close_any(), "close own ones": close_own(),
        "sandbox": sandbox(), "memory": memory(), "descriptors": descriptors(), "names by DNS": dns(),
        "names of ports": works(os.access("/etc/services", os.R_OK)),
    }))


main()
