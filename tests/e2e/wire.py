"""wire.py - remote write 1.0 messages by hand, so that tests can get them wrong on purpose."""
import struct

PROTO = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def field(number, payload):
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def label(name, value):
    as_bytes = lambda s: s if isinstance(s, bytes) else s.encode()
    return field(1, field(1, as_bytes(name)) + field(2, as_bytes(value)))


def sample(t_ms, value):
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(t_ms & (1 << 64) - 1))


def series(labels, *samples):
    return field(1, b"".join(label(n, v) for n, v in labels) + b"".join(samples))


def snappy(data):
    """A snappy block of literals only."""
    out = varint(len(data))
    for at in range(0, len(data), 60):
        piece = data[at:at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return out
