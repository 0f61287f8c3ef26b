"""Capture files for tests: pcap and pcapng, every byte order and resolution."""

import bz2
import gzip
import lzma
import struct
import subprocess

ETHERNET = 1
RAW = 101
SLL = 113
SLL2 = 276


def write_pcap(path, frames, linktype=ETHERNET, nano=False, order="<", snaplen=262144):
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    unit = 1 if nano else 1000
    with open(path, "wb") as out:
        out.write(struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype))
        for f in frames:
            data = f.data[:snaplen]
            seconds, rest = divmod(f.ts, 10**9)
            out.write(struct.pack(order + "IIII", seconds, rest // unit, len(data),
                                  f.wire))
            out.write(data)
    return path


def _block(order, kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def _option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


class Interface:
    """One pcapng interface; `resolution` as in if_tsresol (10**-n), drops for its ISB."""

    def __init__(self, name="eth0", linktype=ETHERNET, resolution=6, **drops):
        self.name, self.linktype, self.resolution = name, linktype, resolution
        self.drops = drops  # ifrecv, ifdrop, osdrop

    def describe(self, order, snaplen):
        body = struct.pack(order + "HHI", self.linktype, 0, snaplen)
        body += _option(order, 2, self.name.encode())
        body += _option(order, 9, bytes([self.resolution]))
        return _block(order, 1, body + _option(order, 0, b""))

    def statistics(self, order, number, ts):
        stamp = ts // 10 ** (9 - self.resolution)
        body = struct.pack(order + "III", number, stamp >> 32, stamp & 0xFFFFFFFF)
        for code, name in ((4, "ifrecv"), (5, "ifdrop"), (7, "osdrop")):
            if name in self.drops:
                body += _option(order, code, struct.pack(order + "Q", self.drops[name]))
        return _block(order, 5, body + _option(order, 0, b""))


def write_pcapng(path, frames, interfaces=None, order="<", snaplen=262144):
    interfaces = interfaces or [Interface()]
    with open(path, "wb") as out:
        head = struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)
        out.write(_block(order, 0x0A0D0D0A, head))
        for i in interfaces:
            out.write(i.describe(order, snaplen))
        for f in frames:
            stamp = f.ts // 10 ** (9 - interfaces[f.interface].resolution)
            data = f.data[:snaplen]
            out.write(_block(order, 6, struct.pack(
                order + "IIIII", f.interface, stamp >> 32, stamp & 0xFFFFFFFF,
                len(data), f.wire) + data))
        for number, i in enumerate(interfaces):
            if i.drops:
                out.write(i.statistics(order, number, frames[-1].ts))
    return path


def compress(path, kind):
    """A compressed copy of `path`; its name. zst and lz4 by their own programs."""
    made = f"{path}.{kind}"
    with open(path, "rb") as source:
        data = source.read()
    if kind in ("zst", "lz4"):
        program = {"zst": "zstd", "lz4": "lz4"}[kind]
        done = subprocess.run([program, "-q", "-c"], input=data, check=True,
                              stdout=subprocess.PIPE)
        packed = done.stdout
    else:
        packed = {"gz": gzip, "xz": lzma, "bz2": bz2}[kind].compress(data)
    with open(made, "wb") as out:
        out.write(packed)
    return made
