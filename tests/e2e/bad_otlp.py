#!/usr/bin/env python3
"""Hostile bodies at the doors for OTLP and texts, one row each: the status and its reason, within
seconds and a bound of memory, and a server that goes on."""
import gzip
import json
import struct
import time

import lib
from wire import field, varint

SECONDS_MAX = 10
MEMORY_MAX = 1 << 30  # resident, whatever one request asks for
MIB = 1 << 20

here = lib.work_dir()
checks = lib.Checks()
mneme = lib.Mneme(here).start()

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
GZIP = {"Content-Encoding": "gzip"}
TIME = b"\x19" + struct.pack("<Q", time.time_ns())


def metric(*parts):
    return field(1, field(2, field(2, b"".join(parts))))


def nested(levels):
    """A list in a list in a list, as a resource's attribute."""
    m = b""
    for _ in range(levels):
        m = field(5, field(1, m))
    return field(1, field(1, field(1, field(2, m))))


def doubling(levels):
    """Far deeper than a stack, made from the inside out without quadratic work."""
    heads, size = [], 0
    for _ in range(levels):
        for number in (1, 5):
            head = bytes([number << 3 | 2]) + varint(size)
            heads.append(head)
            size += len(head)
    inner = b"".join(reversed(heads))
    return field(1, field(1, field(1, field(2, inner))))


def histogram(label_bytes, buckets):
    """One point whose label stands in every bucket's series again."""
    point = TIME + field(9, field(1, b"k") + field(2, field(1, b"v" * label_bytes)))
    point += field(6, b"\0" * 8 * (buckets + 1))
    point += field(7, b"".join(struct.pack("<d", i) for i in range(buckets)))
    return metric(field(1, b"h"), field(9, field(1, point) + b"\x10\x02"))


def gauge(name, *labels):
    point = TIME + b"\x21" + struct.pack("<d", 1)
    point += b"".join(field(7, field(1, k) + field(2, field(1, v))) for k, v in labels)
    return metric(field(1, name), field(5, field(1, point)))


def bomb(n):
    return gzip.compress(b"\n" * n)


OTLP, TEXT = "otlp", "import/prometheus"
# name, door, body, headers, status, words of the reason
ROWS = [
    ("16 million empty resources", OTLP, b"\x0a\x00" * (15 * MIB), PROTOBUF, 413, "more than 256"),
    ("a list 25 levels deep", OTLP, nested(25), PROTOBUF, 400, "nested more than"),
    ("a list 200,000 levels deep", OTLP, doubling(200000), PROTOBUF, 400, "nested more than"),
    ("lengths that lie", OTLP, b"\x0a\xff\xff\xff\x7f", PROTOBUF, 400, "malformed"),
    ("random bytes", OTLP, bytes(i * 7919 >> 3 & 255 for i in range(100000)), PROTOBUF, 400,
     "otlp"),
    ("a label in 60,000 buckets", OTLP, histogram(100000, 60000), PROTOBUF, 413, "labels of all"),
    ("10 MB of a label", OTLP, gauge(b"m", (b"k", b"v" * 10 * MIB)), PROTOBUF, 400, "too long"),
    ("10 MB of a name", OTLP, gauge(b"m" * 10 * MIB), PROTOBUF, 400, "longer than"),
    ("300,000 labels", OTLP, gauge(b"m", *[(b"%d" % i, b"x") for i in range(300000)]), PROTOBUF,
     400, "300000 attributes"),
    ("a million labels", OTLP, gauge(b"m", *[(b"%d" % i, b"x") for i in range(1000000)]), PROTOBUF,
     400, "1000000 attributes"),
    ("not UTF-8", OTLP, gauge(b"m", (b"k", b"\xff")), PROTOBUF, 400, "not UTF-8"),
    ("brackets of JSON", OTLP, b"[" * (30 * MIB), JSON, 400, "nested more than"),
    ("objects of JSON", OTLP, b'{"resourceMetrics":[' + b"{}," * 9000000, JSON, 413, "more than"),
    ("a text of JSON that is open", OTLP, b'"' + b"x" * (30 * MIB), JSON, 400, "JSON"),
    ("numbers of JSON", OTLP, b"[" + b"1," * 9000000, JSON, 413, "more than"),
    ("a bomb of JSON", OTLP, bomb(1 << 30), {**JSON, **GZIP}, 413, "gzip"),
    ("a bomb of protobuf", OTLP, bomb(1 << 30), {**PROTOBUF, **GZIP}, 413, "gzip"),
    ("no gzip", OTLP, b"x", {**PROTOBUF, **GZIP}, 400, "gzip"),
    ("a bomb of text", TEXT, bomb(1 << 30), GZIP, 413, "gzip"),
    ("7 million lines", TEXT, b"a 1\n" * (7 * MIB), {}, 413, "too many timeseries"),
    ("15 million bad lines", TEXT, b"!\n" * (15 * MIB), {}, 400, "15728640 lines refused"),
    ("a million labels of text", TEXT, b"a{" + b'b="c",' * 1000000 + b"} 1\n", {}, 400,
     "too many labels"),
    ("30 MB of a value", TEXT, b'a{b="' + b"\\n" * (15 * MIB) + b'"} 1\n', {}, 400, "too long"),
    ("a quote that is open", TEXT, b'a{b="' + b"\\" * (30 * MIB - 1), {}, 400, "not closed"),
    ("zero bytes", TEXT, b"\0" * (30 * MIB), {}, 400, "expected the name"),
]


def memory_peak():
    with open(f"/proc/{mneme.process.pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM:"))


for name, door, body, headers, want, words in ROWS:
    with checks.check(f"{door}: {name}"):
        began = time.monotonic()
        status, _, answer = lib.request(mneme.write, "POST", f"/api/v1/{door}", body, headers)
        took = time.monotonic() - began
        reason = answer.decode(errors="replace")
        assert status == want and words in reason, (status, reason[:300])
        assert len(answer) < 10000, len(answer)
        assert took < SECONDS_MAX, took
        assert memory_peak() < MEMORY_MAX, memory_peak()
print(f"resident at most {memory_peak() >> 20} MiB")

with checks.check("the server goes on"):
    status, _, answer = lib.request(mneme.write, "POST", "/api/v1/otlp", gauge(b"fine"), PROTOBUF)
    assert (status, answer) == (200, b""), (status, answer)
    status, _, answer = lib.request(mneme.write, "POST", "/api/v1/import/prometheus", b"text 2\n")
    assert (status, answer) == (204, b""), (status, answer)
    for name, value in ("fine", "1"), ("text", "2"):
        [series] = lib.api(mneme.http, "query", query=name)["result"]
        assert series["metric"] == {"__name__": name} and series["value"][1] == value, series
    bad = json.loads(lib.request(mneme.write, "POST", "/api/v1/otlp", b"{", JSON)[2])
    assert bad["code"] == 3, bad

mneme.stop()
checks.end()
