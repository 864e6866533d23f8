"""read_wire.py - remote read by hand: requests, both kinds of answers, XOR chunks; no test."""
import struct

import wire

HEADERS = {**wire.PROTO, "X-Prometheus-Remote-Read-Version": "0.1.0"}
SAMPLES, CHUNKS = 0, 1
EQ, NEQ, RE, NRE = range(4)


def number(field, value):
    return bytes([field << 3]) + wire.varint(value & (1 << 64) - 1)


def query(begin_ms, end_ms, *matchers):
    """matchers: (type, name, value)"""
    body = number(1, begin_ms) + number(2, end_ms)
    for kind, name, value in matchers:
        body += wire.field(3, number(1, kind) + wire.field(2, name.encode())
                           + wire.field(3, value.encode()))
    return wire.field(1, body)


def request(queries, *kinds):
    body = b"".join(queries)
    return wire.snappy(body + (wire.field(2, b"".join(map(wire.varint, kinds))) if kinds else b""))


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def fields(data):
    """(number, int or bytes) of each field."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        else:
            assert kind == 2, tag
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        yield tag >> 3, value


def unsnappy(data):
    size, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length, at = int.from_bytes(data[at:at + extra], "little"), at + extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if tag & 3 == 1:
            length, offset, at = (tag >> 2 & 7) + 4, (tag & 0xE0) << 3 | data[at], at + 1
        else:
            wide = 2 if tag & 3 == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + wide], "little")
            at += wide
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def labels_of(pairs):
    """In their order on the wire, which must ascend."""
    labels = tuple(tuple(v.decode() for _, v in fields(pair)) for pair in pairs)
    assert list(labels) == sorted(labels), labels
    return labels


def signed(value):
    return value - (1 << 64) if value >> 63 else value


def samples_answer(body):
    """[[(labels, [(t_ms, value)])] a query]"""
    results = []
    for _, result in fields(unsnappy(body)):
        results.append([])
        for _, series in fields(result):
            parts = list(fields(series))
            points = [dict(fields(v)) for n, v in parts if n == 2]
            results[-1].append((labels_of([v for n, v in parts if n == 1]),
                                [(signed(p.get(2, 0)), p.get(1, 0.0)) for p in points]))
    return results


class Bits:
    def __init__(self, data):
        self.value, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count):
        self.left -= count
        assert self.left >= 0
        return self.value >> self.left & (1 << count) - 1

    def prefix(self, longest):
        """Ones before a zero, at most `longest`."""
        ones = 0
        while ones < longest and self.take(1):
            ones += 1
        return ones

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(8)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def float_of(bits):
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def xor_samples(data):
    """Source: prometheus tsdb/docs/format/chunks.md."""
    bits, count, out = Bits(data[2:]), int.from_bytes(data[:2], "big"), []
    t = delta = value = leading = width = 0
    for i in range(count):
        if i == 0:
            zigzag = bits.varint()
            t, value = zigzag >> 1 ^ -(zigzag & 1), bits.take(64)
            out.append((t, float_of(value)))
            continue
        if i == 1:
            delta = bits.varint()
        else:
            size = [0, 14, 17, 20, 64][bits.prefix(4)]
            change = bits.take(size) if size else 0
            if size and change > 1 << size - 1:
                change -= 1 << size
            delta += change
        t += delta
        if bits.take(1):
            if bits.take(1):
                leading, width = bits.take(5), bits.take(6) or 64
            value ^= bits.take(width) << 64 - leading - width
        out.append((t, float_of(value)))
    return out


def chunks_answer(body):
    """[(query index, labels, [(t_ms, value)])], one a frame; checks lengths and checksums."""
    frames, at = [], 0
    while at < len(body):
        size, at = varint(body, at)
        crc, payload = int.from_bytes(body[at:at + 4], "big"), body[at + 4:at + 4 + size]
        at += 4 + size
        assert crc == crc32c(payload) and len(payload) == size
        index, series = 0, []
        for n, value in fields(payload):
            index, series = (value, series) if n == 2 else (index, series + [value])
        assert len(series) == 1, "one series a frame"
        parts, points = list(fields(series[0])), []
        for chunk in [dict(fields(v)) for n, v in parts if n == 2]:
            assert chunk[3] == 1, "an XOR chunk"
            inside = xor_samples(chunk[4])
            assert (inside[0][0], inside[-1][0]) == (chunk[1], chunk[2]), "times of the chunk"
            points += inside
        frames.append((index, labels_of([v for n, v in parts if n == 1]), points))
    return frames


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc_row(value):
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


CRC_TABLE = [crc_row(i) for i in range(256)]
