"""apps — the two ends of a connection, as a scenario wants them.

apps.py server|client ADDRESS PORT JSON

The JSON is the scenario's "app" (scenarios.py tells the names). Both ends get the same one.
A server says "listening"; both end when all connections have ended, at the latest after
"limit" seconds, and when the process that started them is gone.
"""
import ctypes
import json
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG = 1
CHUNK = 65536
NOTSENT = 131072  # bytes that wait in the sender: else the end of a slow transfer takes long
DEFAULTS = {
    "connections": 1, "pause_s": 0.0, "request": 100, "rcvbuf": 0, "sndbuf": 0, "nodelay": 1,
    "limit": 30, "seconds": 4.0, "bytes": 0, "chunk": CHUNK, "every_ms": 0.0, "think_ms": 0.0,
    "gap_ms": 0.0, "turns": 1, "answer": 1000, "read": CHUNK, "read_pause_ms": 0.0,
    "read_delay_s": 0.0, "cc": "cubic", "keepalive": 0, "idle_s": 0.0,
}


def options(sock, app):
    """What has to be set before connect and listen, so that the window scale fits."""
    if app["rcvbuf"]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, app["rcvbuf"])
    if app["sndbuf"]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, app["sndbuf"])
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, app["nodelay"])
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT)
    # not by sysctl: a namespace may have those only that everybody may use
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, app["cc"].encode())
    if app["keepalive"]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, app["keepalive"])
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, app["keepalive"])


def read_all(sock, size):
    """Reads `size` bytes; False at the end of the stream."""
    while size:
        got = sock.recv(min(size, CHUNK))
        if not got:
            return False
        size -= len(got)
    return True


def receive(sock, app):
    """Reads to the end, as slowly as the scenario wants it."""
    time.sleep(app["read_delay_s"])
    while sock.recv(app["read"]):
        if app["read_pause_ms"]:
            time.sleep(app["read_pause_ms"] / 1000)


def send(sock, app):
    """Writes as fast as it can, or one chunk each interval, until the time or size is over."""
    start = time.monotonic()
    chunk, sent, count = bytes(app["chunk"]), 0, 0
    while time.monotonic() < start + app["seconds"] and (not app["bytes"] or sent < app["bytes"]):
        part = chunk[:app["bytes"] - sent] if app["bytes"] else chunk
        sock.sendall(part)
        sent += len(part)
        count += 1
        if app["every_ms"]:
            time.sleep(max(0.0, start + count * app["every_ms"] / 1000 - time.monotonic()))
    sock.shutdown(socket.SHUT_WR)


def down(sock, app, is_server):
    """The client asks once, the server sends."""
    if is_server:
        if read_all(sock, app["request"]):
            send(sock, app)
            receive(sock, dict(app, read_delay_s=0, read_pause_ms=0))
    else:
        sock.sendall(bytes(app["request"]))
        receive(sock, app)


def up(sock, app, is_server):
    """The client sends, the server reads."""
    if is_server:
        receive(sock, app)
    else:
        send(sock, app)
        receive(sock, dict(app, read_delay_s=0, read_pause_ms=0))


def turns(sock, app, is_server):
    """Requests and answers: the server thinks, the client waits before the next request."""
    if is_server:
        while read_all(sock, app["request"]):
            time.sleep(app["think_ms"] / 1000)
            sock.sendall(bytes(app["answer"]))
        return
    for _ in range(app["turns"]):
        sock.sendall(bytes(app["request"]))
        read_all(sock, app["answer"])
        time.sleep(app["gap_ms"] / 1000)
    time.sleep(app["idle_s"])


KINDS = {"down": down, "up": up, "turns": turns}


def serve(family, address, app):
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    options(listener, app)
    listener.bind(address)
    listener.listen()
    print("listening", flush=True)
    for _ in range(app["connections"]):
        sock = listener.accept()[0]
        with sock:
            KINDS[app["kind"]](sock, app, True)


def connect(family, address, app):
    for _ in range(app["connections"]):
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            options(sock, app)
            sock.connect(address)
            KINDS[app["kind"]](sock, app, False)
        time.sleep(app["pause_s"])


def main():
    role, host, port, text = sys.argv[1:]
    app = {**DEFAULTS, **json.loads(text)}
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.alarm(app["limit"])
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    (serve if role == "server" else connect)(family, (host, int(port)), app)


main()
