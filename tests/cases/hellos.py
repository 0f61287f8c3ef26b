"""TLS hellos and QUIC Initials for tests: bytes by the RFCs, nothing of konn in them."""

import hashlib
import hmac
import struct

QUIC_SALT = {
    1: "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",  # RFC 9001 section 5.2
    0x6B3343CF: "0dede3def700a6db819381be6e269dcbf9bd2ed9",  # RFC 9369 section 3.3.1
    0xFF00001D: "afbfec289993d24c9e9786f19c6111e04390a899",  # draft 29 section 5.2
}


def _sized(width, data):
    return len(data).to_bytes(width, "big") + data


def _extension(kind, body):
    return struct.pack("!H", kind) + _sized(2, body)


def _server_name(name):
    return _extension(0, _sized(2, b"\0" + _sized(2, name)))


def _alpn(names):
    return _extension(16, _sized(2, b"".join(_sized(1, n.encode()) for n in names)))


def client_hello(name="example.com", alpn=("h2", "http/1.1"), more=0, version13=True):
    """A handshake message; `more` bytes of key share before ALPN."""
    name = name.encode() if isinstance(name, str) else name
    extensions = (_server_name(name) if name else b"") + _extension(51, bytes(more))
    if version13:
        extensions += _extension(43, b"\x02\x03\x04")
    if alpn:
        extensions += _alpn(alpn)
    body = b"\x03\x03" + bytes(range(32)) + _sized(1, bytes(32))
    body += _sized(2, b"\x13\x01\xc0\x2f") + b"\x01\x00" + _sized(2, extensions)
    return b"\x01" + _sized(3, body)


def server_hello(alpn=None, version13=False):
    extensions = _extension(0xFF01, b"\0")
    if version13:
        extensions += _extension(43, b"\x03\x04") + _extension(51, b"\0\x1d" + _sized(2, bytes(32)))
    if alpn:
        extensions += _alpn((alpn,))
    body = b"\x03\x03" + bytes(range(32, 64)) + _sized(1, bytes(32))
    body += (b"\x13\x01" if version13 else b"\xc0\x2f") + b"\x00" + _sized(2, extensions)
    return b"\x02" + _sized(3, body)


def record(data, kind=22):
    return struct.pack("!BHH", kind, 0x0303, len(data)) + data


def sealed(size):
    """A record of encrypted data."""
    return record(bytes(i * 37 % 251 for i in range(size)), 23)


CIPHER_SPEC = record(b"\x01", 20)


# ---- QUIC ----


def _expand_label(secret, label, size):
    info = struct.pack("!H", size) + _sized(1, b"tls13 " + label) + b"\0"
    return hmac.new(secret, info + b"\x01", hashlib.sha256).digest()[:size]


def _keys(version, dcid):
    salt = bytes.fromhex(QUIC_SALT[version])
    initial = hmac.new(salt, dcid, hashlib.sha256).digest()
    client = _expand_label(initial, b"client in", 32)
    prefix = b"quicv2 " if version == 0x6B3343CF else b"quic "
    return [_expand_label(client, prefix + label, size)
            for label, size in ((b"key", 16), (b"iv", 12), (b"hp", 16))]


def crypto(offset, data):
    return b"\x06" + struct.pack("!HH", 0x4000 | offset, 0x4000 | len(data)) + data


def quic_initial(frames, version=1, dcid=b"\x01\x02\x03\x04\x05\x06\x07\x08", number=0):
    """One datagram of 1,200 bytes; None without the library that seals it."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    except ImportError:
        return None
    key, iv, hp = _keys(version, dcid)
    first = 0xD3 if version == 0x6B3343CF else 0xC3
    head = struct.pack("!BI", first, version) + _sized(1, dcid) + _sized(1, b"") + b"\0"
    frames += bytes(1200 - len(head) - 2 - 4 - 16 - len(frames))
    head += struct.pack("!H", 0x4000 | (4 + len(frames) + 16)) + struct.pack("!I", number)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    body = AESGCM(key).encrypt(nonce, frames, head)
    masker = Cipher(algorithms.AES(hp), modes.ECB()).encryptor()
    mask = masker.update(body[:16])
    number_bytes = bytes(a ^ b for a, b in zip(head[-4:], mask[1:5]))
    return bytes([head[0] ^ mask[0] & 0x0F]) + head[1:-4] + number_bytes + body
