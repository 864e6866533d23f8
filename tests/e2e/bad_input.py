#!/usr/bin/env python3
"""Bad input at the write doors, one row each: the status, a reason that names what is wrong, and a
server that goes on. Some rows are sent by the real curl."""
import os
import struct
import subprocess

import lib
from wire import PROTO, field, label, sample, series, snappy, varint

lib.need("curl")
here = lib.work_dir()
checks = lib.Checks()
mneme = lib.Mneme(here).start()
T0 = 1_700_000_000_000


UP = [("__name__", "up"), ("job", "x")]
GOOD = snappy(series(UP, sample(T0, 1)))


def post(door, body, headers=PROTO):
    status, _, answer = lib.request(mneme.write, "POST", f"/api/v1/{door}", body, headers)
    return status, answer.decode(errors="replace")


def with_headers(**changes):
    return {**PROTO, **{k.replace("_", "-"): v for k, v in changes.items()}}


for door, ok in [("receive", 200), ("write", 204)]:
    with checks.check(f"{door}: a good request"):
        assert post(door, GOOD)[0] == ok

# name, body, headers, status at /receive, status at /write, words of the reason
ROWS = [
    ("not snappy", b"\xff\xff\xff\xff\xff\xff", PROTO, 400, 400, ["snappy"]),
    ("snappy of a lying length", b"\xff\xff\xff\x7f\x00a", PROTO, (400, 413), (400, 413),
     ["snappy"]),
    ("empty body", b"", PROTO, 400, 400, ["snappy"]),
    ("snappy of garbage", snappy(b"\x0b\x0c\x0d"), PROTO, 400, 400, ["remote write"]),
    ("cut protobuf", snappy(series(UP, sample(T0, 1))[:-3]), PROTO, 400, 400, ["byte"]),
    ("wrong wire type", snappy(b"\x08\x01"), PROTO, 400, 400, ["wire type"]),
    ("an empty request", snappy(b""), PROTO, 200, 204, []),
    ("text", GOOD, with_headers(Content_Type="text/plain"), 415, 415, ["text/plain"]),
    ("another message", GOOD, with_headers(Content_Type="application/x-protobuf;proto=x.Y"),
     415, 415, ["x.Y"]),
    ("gzip", GOOD, with_headers(Content_Encoding="gzip"), 415, 415, ["gzip"]),
    ("no headers at all", GOOD, {}, 200, 204, []),
    ("bad tenant", GOOD, with_headers(THANOS_TENANT="a/../b"), 400, 400, ["tenant"]),
    ("dot tenant", GOOD, with_headers(THANOS_TENANT=".."), 400, 400, ["tenant"]),
    ("long tenant", GOOD, with_headers(THANOS_TENANT="x" * 151), 400, 400, ["tenant", "150"]),
    ("too large", os.urandom(1 << 20) * 33, PROTO, 413, 413, ["large"]),
    ("decoded too large", varint(40 << 20) + b"\xfe" * 3 + b"\x01\x00" * 1000, PROTO, (400, 413),
     (400, 413), ["snappy"]),
    ("no labels", snappy(series([], sample(T0, 1))), PROTO, 409, 400, ["label"]),
    ("empty name", snappy(series([("", "x"), *UP], sample(T0, 1))), PROTO, 409, 400, ["name"]),
    ("duplicate name", snappy(series([*UP, ("job", "y")], sample(T0, 1))), PROTO, 409, 400,
     ["duplicate"]),
    ("not utf-8", snappy(series([("a", b"\xff")], sample(T0, 1))), PROTO, 409, 400, ["UTF-8"]),
    ("too many labels", snappy(series([(f"l{i:03}", "x") for i in range(300)], sample(T0, 1))),
     PROTO, 409, 400, ["label"]),
    ("unsorted labels", snappy(series(UP[::-1], sample(T0 + 1000, 1))), PROTO, 200, 204, []),
    ("empty value", snappy(series([*UP, ("zone", "")], sample(T0 + 2000, 1))), PROTO, 200, 204, []),
    ("the same sample again", GOOD, PROTO, 409, 400, ["out of order"]),
    ("the newest sample again", snappy(series(UP, sample(T0 + 2000, 1))), PROTO, 200, 204, []),
    ("another value", snappy(series(UP, sample(T0 + 2000, 2))), PROTO, 409, 400,
     ["duplicate sample"]),
    ("too old", snappy(series(UP, sample(1, 2))), PROTO, 409, 400, ["out of bounds"]),
    ("an invalid histogram", snappy(field(1, label("__name__", "h") + field(4, b"\x08\x01"))),
     PROTO, 400, 400, ["histogram", "observations in buckets"]),
]
for name, body, headers, *statuses, words in ROWS:
    for door, want in zip(["receive", "write"], statuses):
        with checks.check(f"{door}: {name}"):
            try:
                status, reason = post(door, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                # Refused while it is still being sent: this client cannot read the answer then.
                assert name == "too large"
                continue
            assert status in (want if isinstance(want, tuple) else (want,)), (status, want, reason)
            assert all(w.lower() in reason.lower() for w in words), reason

for method, path, want in [("GET", "/api/v1/receive", 405), ("PUT", "/api/v1/write", 405),
                           ("POST", "/api/v1/nothing", 404), ("POST", "/", 404)]:
    with checks.check(f"{method} {path}"):
        status, headers, _ = lib.request(mneme.write, method, path, b"")
        assert status == want, status
        assert want != 405 or "POST" in headers.get("Allow"), headers

with checks.check("the good rows of a request with bad ones are stored"):
    mixed = snappy(series(UP, sample(1, 5)) + series([("__name__", "fine")], sample(T0 + 3000, 7))
                   + series([("a", "b"), ("a", "c")], sample(T0, 1)))
    status, reason = post("receive", mixed)
    assert status == 409 and "2 errors" in reason, (status, reason)
    stored = lib.api(mneme.http, "query", query="fine", time=T0 / 1000 + 4)["result"]
    assert stored[0]["value"][1] == "7", stored

with checks.check("a stale marker is stored as such"):
    one, stale = (struct.unpack("<d", struct.pack("<Q", bits))[0]
                  for bits in [0x3FF0000000000000, 0x7FF0000000000002])
    gone = [("__name__", "gone")]
    body = snappy(series(gone, sample(T0, one)) + series(gone, sample(T0 + 5000, stale)))
    assert body.count(struct.pack("<Q", 0x7FF0000000000002)) == 1  # Python kept the bits
    assert post("receive", body)[0] == 200
    at = lambda s: lib.api(mneme.http, "query", query="gone", time=T0 / 1000 + s)["result"]
    assert len(at(4)) == 1 and at(6) == []


def curl(*argv, **kw):
    done = subprocess.run(["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", *argv],
                          capture_output=True, timeout=60, **kw)
    body, _, status = done.stdout.decode(errors="replace").rpartition("\n")
    return int(status or 0), body


BINARY = ["-H", "Content-Type: application/x-protobuf", "--data-binary"]
WRITE = f"http://127.0.0.1:{mneme.write}/api/v1/receive"
with checks.check("curl: a chunked body"):
    later = os.path.join(here, "later.bin")
    with open(later, "wb") as f:
        f.write(snappy(series(UP, sample(T0 + 60000, 1))))
    status, body = curl("-H", "Transfer-Encoding: chunked", *BINARY, f"@{later}", WRITE)
    assert status == 200, (status, body)
with checks.check("curl: a chunked body above the limit"):
    big = os.path.join(here, "big.bin")
    with open(big, "wb") as f:
        f.truncate(40 << 20)
    status, body = curl("-H", "Transfer-Encoding: chunked", "-H", "Expect:", *BINARY, f"@{big}",
                        WRITE)
    assert status in (413, 0), (status, body)
with checks.check("curl: Expect: 100-continue"):
    status, body = curl("-H", "Expect: 100-continue", *BINARY, f"@{later}", WRITE)
    assert status == 200, (status, body)
with checks.check("curl: queries refuse bad parameters by name"):
    base = f"http://127.0.0.1:{mneme.http}/api/v1"
    for path, word in [("query?query=up)", "parse error"),
                       ("query?query=up&time=yesterday", "time"), ("query", "parse error"),
                       ("query_range?query=up&start=1&end=0&step=1", "end"),
                       ("query_range?query=up&start=0&end=1e9&step=1", "11,000"),
                       ("query_range?query=up&start=0&end=1&step=0", "step"),
                       ("series", "match"), ("series?match[]={", "parse error"),
                       ("label/a%ff/values", "label name"), ("query?query=%zz", "")]:
        status, body = curl("-g", f"{base}/{path}")
        assert status == 400 and word in body, (path, status, body)
with checks.check("still alive"):
    assert lib.request(mneme.http, "GET", "/-/ready")[0] == 200
    mneme.stop()
checks.end()
