#!/usr/bin/env python3
"""Hostile clients at every door of a server with a memory limit, while honest ones write and query:
bombs, worst expansions, slow and mute and many connections, garbage, smuggling, names that climb,
injected lines, series without end. The process stays below its limit all the time, refuses with 4xx
or 503 and Retry-After, loses nothing of the honest and ends cleanly.

SANITIZED=1: the binary has sanitizers, whose memory is not bounded; a larger limit then."""
import concurrent.futures
import contextlib
import gzip
import json
import multiprocessing
import os
import random
import re
import resource
import socket
import struct
import subprocess
import threading
import time

import lib
import wire
from wire import field, varint

SANITIZED = bool(os.environ.get("SANITIZED"))
MIB = 1 << 20
LIMIT = (8192 if SANITIZED else 512) * MIB
BODY = 15 * MIB
ALLOWED = {200, 204, 400, 405, 408, 409, 411, 413, 415, 417, 422, 429, 431, 501, 503, 505}
IDLE, MUTE, SLOW = (1000, 200, 50) if SANITIZED else (5000, 1000, 300)
READ_TIMEOUT = 4
ASK_TIMEOUT = 60

resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
here = lib.work_dir()
checks = lib.Checks()
mneme = lib.Mneme(here, f"--memory-limit={LIMIT // MIB}MiB", "--log.level=debug",
                  f"--http.read-timeout={READ_TIMEOUT}s",
                  "--receive.split-tenant-label-name=tenant_id").start()
phase_began = time.monotonic()


# --- who watches, who writes, who asks -----------------------------------------------------------


class Memory(threading.Thread):
    """Anonymous memory of the process, twenty times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.peak = self.phase_peak = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.05):
            with contextlib.suppress(OSError):
                now = self.now()
                self.peak, self.phase_peak = max(self.peak, now), max(self.phase_peak, now)

    @staticmethod
    def now():
        with open(f"/proc/{mneme.process.pid}/status") as f:
            return next(int(line.split()[1]) * 1024 for line in f if line.startswith("RssAnon:"))


class Writer(threading.Thread):
    """loadgen by short runs, one behind the other; what it reports of each."""
    SERIES, SAMPLES, RATE = 200, 10, 2000
    START_MS = int(time.time() - 3600) * 1000

    def __init__(self):
        super().__init__(daemon=True)
        self.runs, self.failures, self.written = [], [], 0
        self.done = threading.Event()

    def run(self):
        while not self.done.is_set():
            argv = [lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                    "--series", self.SERIES, "--first-sample", self.written,
                    "--samples-per-series", self.SAMPLES, "--request-samples", 200,
                    "--connections", 2, "--start-ms", self.START_MS, "--interval-ms", 1000,
                    "--rate", self.RATE, "--retry", "--timeout-ms", 1000 * ASK_TIMEOUT]
            done = subprocess.run(list(map(str, argv)), capture_output=True, timeout=240)
            self.runs.append((time.monotonic(), json.loads(done.stdout.splitlines()[-1])))
            if done.returncode != 0:
                self.failures.append((done.stdout[-300:], done.stderr[-300:]))
                return
            self.written += self.SAMPLES


def ask_forever(port, stop, to):
    """A client that queries, in a process of its own so that the others do not slow it down."""
    target = "/api/v1/query?query=count(%7B__name__%3D~%22.%2B%22%7D)"
    while not stop.is_set():
        began = time.monotonic()
        try:
            status, _, body = lib.request(port, "GET", target, timeout=ASK_TIMEOUT)
        except OSError as e:
            status, body = 0, repr(e).encode()
        to.put((time.monotonic(), time.monotonic() - began, status, body[:200]))
        time.sleep(0.05)


class Reader:
    def __init__(self):
        fork = multiprocessing.get_context("fork")
        self.stop, self.queue, self.answers = fork.Event(), fork.SimpleQueue(), []
        self.process = fork.Process(target=ask_forever, daemon=True,
                                    args=(mneme.http, self.stop, self.queue))
        self.process.start()

    def take(self):
        while not self.queue.empty():
            self.answers.append(self.queue.get())


reader = Reader()  # before there are threads: it forks
memory, writer = Memory(), Writer()
memory.start()
writer.start()


def p99(values):
    return sorted(values)[int((len(values) - 1) * 0.99)] if values else float("nan")


@contextlib.contextmanager
def phase(name, may_retry=False):
    """A check; honest clients and memory are held against their bounds at its end. Writers may be
    asked to come again only while the heads themselves need what memory there is."""
    global phase_began
    with checks.check(name):
        phase_began, memory.phase_peak = time.monotonic(), memory.now()
        try:
            yield
        finally:
            reader.take()
            asked = [a for a in reader.answers if a[0] >= phase_began]
            runs = [r for at, r in writer.runs if at >= phase_began]
            writes = [r["p99_ms"] for r in runs]
            print(f"        {memory.phase_peak / MIB:.0f} MiB; queries: {len(asked)}, p99 "
                  f"{1000 * p99([a[1] for a in asked]):.0f} ms; writes: {len(writes)} runs, p99 "
                  f"{max(writes, default=0):.0f} ms, {sum(r['retries'] for r in runs)} tried again",
                  flush=True)
        assert mneme.process.poll() is None, mneme.tail()
        assert not writer.failures, writer.failures
        bad = [a for a in asked if a[2] != 200]
        assert not bad, bad[:3]
        assert may_retry or not any(r["retries"] for r in runs), runs
        assert SANITIZED or memory.peak < LIMIT, f"{memory.peak / MIB:.0f} MiB"


# --- raw connections -------------------------------------------------------------------------


def connect(port=None, timeout=ASK_TIMEOUT):
    return socket.create_connection(("127.0.0.1", port or mneme.write), timeout=timeout)


def read_answers(s):
    """All that comes until the end, be it a reset."""
    got = b""
    with contextlib.suppress(OSError):
        while piece := s.recv(1 << 16):
            got += piece
    return got


def talk(data, port=None, half_close=True):
    """What the server says to these bytes before it closes."""
    with contextlib.closing(connect(port)) as s:
        with contextlib.suppress(OSError):
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        return read_answers(s)


STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


def check_answer(status, headers, where):
    assert status in ALLOWED, (where, status)
    if status in (429, 503):
        assert any(h.lower() == "retry-after" for h in headers), (where, status, headers)


def post(path, body, headers=wire.PROTO):
    """Status and text, 0 where the server closes before it has all; every answer is checked."""
    try:
        status, got, text = lib.request(mneme.write, "POST", f"/api/v1/{path}", body, headers,
                                        timeout=ASK_TIMEOUT)
    except (BrokenPipeError, ConnectionResetError):
        return 0, b""
    check_answer(status, got, path)
    assert len(text) < 20000, len(text)
    return status, text


def at_once(n, f, *args):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return [r.result() for r in [pool.submit(f, *args) for _ in range(n)]]


# --- bodies ----------------------------------------------------------------------------------


def snappy_repeat(unit, times):
    """A block of one literal and copies of it: 64 bytes in three."""
    unit *= max(1, 64 // len(unit))
    whole = times * len(unit)
    length = struct.pack("<H", len(unit) - 1)
    copies = (whole - len(unit)) // 64
    block = varint(len(unit) + 64 * copies) + b"\xf4" + length + unit
    return block + (b"\xfe" + struct.pack("<H", len(unit))) * copies


def snappy_filled(unit):
    """`unit` again and again up to BODY; whole ones, for a power of two of bytes."""
    assert 64 % len(unit) == 0
    return snappy_repeat(unit, BODY // 64)


def snappy_plain(data):
    """Literals of 64 KiB."""
    pieces = [data[at:at + 65536] for at in range(0, len(data), 65536)]
    return varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(p) - 1) + p for p in pieces)


def zstd_bomb(mib):
    """A frame of run-length blocks of 128 KiB: four bytes each."""
    block = lambda last: struct.pack("<I", last | 1 << 1 | (128 << 10) << 3)[:3] + b"\n"
    return b"\x28\xb5\x2f\xfd\x00\x68" + block(0) * (8 * mib - 1) + block(1)


def gzip_bomb(mib):
    return gzip.compress(b"\n" * (mib * MIB), 1)


def filled(head, unit):
    return snappy_plain(head + unit * ((BODY - len(head)) // len(unit)))


def one_series(unit):
    return lambda: snappy_plain(field(1, wire.label("__name__", "x") + unit * (BODY // len(unit))))


def newborn(n, t_ms):
    return wire.series([("__name__", "newborn"), ("n", str(n))], wire.sample(t_ms, 1))


NOW_MS = int(time.time() * 1000)
V2 = {"Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
      "Content-Encoding": "snappy"}
OTLP = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
TENANT = {"THANOS-TENANT": "bombs"}
EMPTY_SAMPLE2 = b"\x12\x00"
NAME2 = field(4, b"") + field(4, b"__name__") + field(4, b"x")
LABEL_OF_EXEMPLAR = field(1, b"\x0a\x01a\x12\x01b")


def symbols_that_expand():
    """Series of 200 references to one symbol of 60,000 bytes."""
    head = NAME2 + field(4, b"v" * 60000)
    refs = b"\x01\x02" + b"\x02\x03" * 100
    return filled(head, field(5, field(1, refs) + EMPTY_SAMPLE2))


def histogram_of_otlp():
    point = b"\x19" + struct.pack("<Q", time.time_ns())
    point += field(9, field(1, b"k") + field(2, field(1, b"v" * 100000)))
    point += field(6, b"\0" * 8 * 60001) + field(7, b"".join(struct.pack("<d", i)
                                                            for i in range(60000)))
    metric = field(1, b"h") + field(9, field(1, point) + b"\x10\x02")
    return field(1, field(2, field(2, metric)))


# name, door, headers, body
BOMBS = [
    ("4 GiB announced", "receive", wire.PROTO,
     lambda: b"\xff\xff\xff\xff\x0f" + b"\xfe\x01\0" * 99),
    ("2 GiB of snappy", "receive", wire.PROTO, lambda: snappy_repeat(b"\n" * 64, 1 << 19) * 64),
    ("1 GiB of zstd", "receive", {**wire.PROTO, "Content-Encoding": "zstd"},
     lambda: zstd_bomb(1024)),
    ("1 GiB of zstd", "import/prometheus", {"Content-Encoding": "zstd"}, lambda: zstd_bomb(1024)),
    ("256 MiB of gzip", "otlp", {**OTLP, "Content-Encoding": "gzip"}, lambda: gzip_bomb(256)),
    ("256 MiB of gzip", "import/prometheus", {"Content-Encoding": "gzip"}, lambda: gzip_bomb(256)),
    ("15 MiB of empty series", "receive", wire.PROTO, lambda: snappy_filled(b"\n\0")),
    ("15 MiB of series of an empty sample", "receive", wire.PROTO,
     lambda: snappy_filled(b"\n\x02\x12\0")),
    ("15 MiB of empty samples", "write", wire.PROTO, one_series(b"\x12\0")),
    ("15 MiB of empty exemplars", "receive", wire.PROTO, one_series(b"\x1a\0")),
    ("15 MiB of empty histograms", "receive", wire.PROTO, one_series(b"\x22\0")),
    ("15 MiB of empty metadata", "receive", wire.PROTO, lambda: snappy_filled(b"\x1a\0")),
    ("exemplars of 129 labels", "receive", wire.PROTO,
     one_series(field(3, LABEL_OF_EXEMPLAR * 129))),
    ("histograms of 10,000 buckets", "receive", wire.PROTO,
     one_series(field(4, field(12, b"\0" * 10000)))),
    ("a million labels", "receive", wire.PROTO,
     lambda: snappy_plain(field(1, field(1, b"\x0a\x01a\x12\x01b") * 1000000
                                + wire.sample(NOW_MS, 1)))),
    ("10 MB of a value", "receive", wire.PROTO,
     lambda: snappy_plain(wire.series([("__name__", "x"), ("v", "v" * 10 * MIB)],
                                      wire.sample(NOW_MS, 1)))),
    ("15 MiB of empty series of 2.0", "receive", V2,
     lambda: filled(NAME2, b"\x2a\0")),
    ("series of an empty sample of 2.0", "receive", V2,
     lambda: filled(NAME2, field(5, field(1, b"\x01\x02") + EMPTY_SAMPLE2))),
    ("a million symbols", "receive", V2, lambda: filled(b"\x22\0", field(4, b"abcdefgh"))),
    ("15 MiB of empty symbols", "receive", V2, lambda: filled(b"", b"\x22\0")),
    ("symbols that expand", "receive", V2, symbols_that_expand),
    ("references without end", "receive", V2,
     lambda: snappy_plain(NAME2 + field(5, field(1, b"\x01\x02" * (4 * MIB)) + EMPTY_SAMPLE2))),
    ("empty exemplars of 2.0", "receive", V2,
     lambda: snappy_plain(NAME2 + field(5, field(1, b"\x01\x02") + b"\x22\0" * (7 * MIB)))),
    ("15 MiB of empty resources", "otlp", OTLP, lambda: b"\n\0" * (BODY // 2)),
    ("empty points", "otlp", OTLP,
     lambda: field(1, field(2, field(2, field(1, b"m") + field(5, b"\n\0" * (7 * MIB)))))),
    ("a label in 60,000 buckets", "otlp", OTLP, histogram_of_otlp),
    ("deep lists", "otlp", JSON, lambda: b"[" * BODY),
    ("objects", "otlp", JSON, lambda: b'{"resourceMetrics":[' + b"{}," * 300000 + b"{}]}"),
    ("3 million lines", "import/prometheus", {}, lambda: b"a 1\n" * (BODY // 4)),
    ("bad lines", "import/prometheus", {}, lambda: b"!\n" * (BODY // 2)),
    ("half a million series", "receive", wire.PROTO,
     lambda: snappy_plain(b"".join(newborn(i, NOW_MS) for i in range(BODY // 60)))),
]


# --- the phases ------------------------------------------------------------------------------

with phase("before: honest clients alone"):
    lib.wait_until(lambda: len(writer.runs) >= 3, 60, "the writer to get going")

with phase("bombs and worst expansions, four at once and one alone"):
    for name, door, headers, make in BOMBS:
        body, headers = make(), {**headers, **TENANT}
        crowd = sorted(status for status, _ in at_once(4, post, door, body, headers))
        status, text = post(door, body, headers)
        print(f"        {door}, {name}: {len(body) / MIB:.1f} MiB, {crowd}, {status} {text[:60]!r}",
              flush=True)
        assert status != 503, "alone it is told what is wrong with it"


class Slow(threading.Thread):
    """Sends a byte of a head or of a body to each of many connections now and then."""

    def __init__(self, sockets):
        super().__init__(daemon=True)
        self.sockets, self.done = sockets, threading.Event()

    def run(self):
        while not self.done.wait(0.2):
            for s in self.sockets:
                with contextlib.suppress(OSError):
                    s.send(b"x")


def opened(n, data):
    """n connections that have sent this much, to both listeners in turns."""
    made = []
    for i in range(n):
        s = connect(mneme.http if i % 2 else mneme.write)
        s.sendall(data)
        made.append(s)
    return made


HEALTHY = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /api/v1/receive HTTP/1.1\r\nHost: x\r\n"
with phase(f"{IDLE} idle, {MUTE} mute and {2 * SLOW} slow connections"):
    idle = opened(IDLE, HEALTHY)
    mute = [connect() for _ in range(MUTE)]
    for s in mute:
        s.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n")
    slow = opened(SLOW, b"GET / HTTP/1.1\r\nHost: x\r\nX: ") + [connect() for _ in range(SLOW)]
    for s in slow[SLOW:]:
        s.sendall(HEAD + b"Content-Length: 10000000\r\n\r\n")
    dripping = Slow(slow)
    dripping.start()
    for s in mute + slow:
        got = read_answers(s)  # until the server closes
        assert not got or STATUS.findall(got) == [b"408"], got[:200]
        s.close()
    dripping.done.set()
    for s in idle[:: max(1, IDLE // 100)]:
        s.sendall(HEALTHY.replace(b"Host", b"Connection: close\r\nHost"))
        got = STATUS.findall(read_answers(s))
        assert got in ([b"200"] * 2, [b"404"] * 2), got
    for s in idle:
        s.close()

with phase("half-closed and broken connections"):
    for _ in range(100):
        assert STATUS.findall(talk(HEALTHY, mneme.http)) == [b"200"]
        assert talk(b"GET / HT", mneme.http) == b""
        assert talk(HEAD + b"Content-Length: 100\r\n\r\nabc") == b""
        assert talk(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab") == b""
        s = connect()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.sendall(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * 100000)
        s.close()  # with a reset

with phase("garbage, alone and behind good requests"):
    dice = random.Random(6)
    for i in range(200):
        junk = dice.randbytes(dice.randrange(1, 3000))
        junk = junk[:20] + b"\r\n\r\n" + junk[20:] if i % 2 else junk
        good = i % 20
        got = STATUS.findall(talk(HEALTHY * good + junk, mneme.http))
        assert got[:good] == [b"200"] * good and all(400 <= int(x) < 506 for x in got[good:]), got
    hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\0" * 600  # of TLS
    for junk, want in [(hello + b"\r\n\r\n", b"400"),
                       (b"GET / HTTP/1.1\r\nX: " + b"x" * 4 * MIB, b"431"),
                       (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n", b"431"),
                       (b"GET /" + b"a/" * 2 * MIB, b"431"), (b"\r\n" * MIB, None)]:
        got = STATUS.findall(talk(junk, half_close=False) if want else talk(junk))
        assert got in ([], [want]), (junk[:30], got)

LENGTH = b"Content-Length: %d\r\n" % len(HEALTHY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = [LENGTH + CHUNKED + b"\r\n0\r\n\r\n", CHUNKED + LENGTH + b"\r\n0\r\n\r\n",
            LENGTH + b"Content-Length: 0\r\n\r\n", b"Content-Length: 0, 0\r\n\r\n",
            b"Content-Length: +0\r\n\r\n", b"Content-Length : 0\r\n\r\n",
            b"Content-Length:\n 0\r\n\r\n",
            CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", b"Transfer-Encoding: identity\r\n\r\n",
            b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
            b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"X: y\rContent-Length: 0\r\n\r\n",
            CHUNKED + b"\r\n+0\r\n\r\n", CHUNKED + b"\r\n0x0\r\n\r\n", CHUNKED + b"\r\n0\n\r\n",
            CHUNKED + b"\r\n10000000000000000\r\n",
            CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n", CHUNKED + b"\r\n-1\r\n\r\n"]
with phase("shapes of request smuggling: one refusal, and nothing behind it is looked at"):
    for shape in SMUGGLED:
        head = b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\n"
        got = STATUS.findall(talk(head + shape + HEALTHY))
        assert len(got) == 1 and got[0] in (b"400", b"413", b"415", b"501"), (shape, got)

CLIMBING = ["../up", "..", ".", "/etc", "a/b", "a/../../b", "..%2fup", "a\\b", "~", "wal",
            "a" * 151, "a\tb", "\x7f", "a b", "é", "$(id)", "a\x00b", "a\rb",
            "a\nTHANOS-TENANT: b", ""]
with phase("tenants that climb: by header, by label, by path"):
    before = set(os.listdir(mneme.data))
    for name in CLIMBING:
        raw = name.encode("latin-1", "replace")
        one = wire.snappy(wire.series([("__name__", "x")], wire.sample(NOW_MS, 1)))
        head = HEAD + b"THANOS-TENANT: " + raw + b"\r\nContent-Length: %d\r\n\r\n" % len(one)
        got = STATUS.findall(talk(head + one))
        assert len(got) == 1 and got[0] in (b"200", b"400", b"409"), (name, got)
        status, _ = post("receive", wire.snappy(wire.series(
            [("__name__", "x"), ("tenant_id", name)], wire.sample(NOW_MS, 1))))
        assert status in (200, 400, 409), (name, status)
    for path in ["/api/v1/receive/../../../etc/passwd", "/../../etc/passwd",
                 "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd", "//etc/passwd",
                 "/api/v1/label/..%2f..%2fx/values",
                 "/graph/../../etc/passwd", "/%00", "/static/..%5c..%5cx"]:
        for port in mneme.http, mneme.write:
            got = talk(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n\r\n", port)
            assert b"root:" not in got and STATUS.findall(got)[0] in (
                b"200", b"301", b"302", b"307", b"400", b"404", b"405"), (path, got[:100])
    names = set(os.listdir(mneme.data)) - before
    for n in names:
        assert re.fullmatch(r"[A-Za-z0-9!_*'()$.~ -]{1,150}", n) and set(n) != {"."}, n
    assert set(os.listdir(here)) <= {"data", "mneme.log"}, os.listdir(here)

EVIL = "\r\nX-Injected: 1\r\n\r\nHTTP/1.1 200 OK\r\n\nts=2000 level=error msg=injected"
with phase("lines injected by labels, names and parameters stay what they are"):
    evil = [("__name__", "evil"), ("v", EVIL)]
    post("write", wire.snappy(wire.series(evil, wire.sample(NOW_MS, 1))))
    asks = [(mneme.write, "POST", "/api/v1/write", wire.snappy(wire.series(evil, wire.sample(
        NOW_MS - 1000, 2))), wire.PROTO),
            (mneme.write, "POST", "/api/v1/import/prometheus", b"evil{v=\"" + EVIL.encode(), {}),
            (mneme.write, "POST", "/api/v1/write", b"", {**wire.PROTO, "Content-Type": "x\x0by"})]
    asks += [(mneme.http, "GET", f"/api/v1/{path}" + EVIL.replace("\r", "%0d").replace(
        "\n", "%0a").replace(" ", "%20"), None, {}) for path in
             ["query?query=", "series?match[]=", "label/", "query?query=up&time=", "nothing/"]]
    for ask in asks:
        status, headers, text = lib.request(*ask)
        assert status >= 400 and "X-Injected" not in headers, (ask[2], status, headers)
    with open(mneme.log, errors="replace") as f:
        lines = f.readlines()
    assert lines and all(line.startswith("ts=2") and " level=" in line for line in lines), [
        line for line in lines if not line.startswith("ts=2")][:3]
    assert not any(line.startswith("ts=2000 ") for line in lines)


# --- series without end ----------------------------------------------------------------------

CHURN = {"THANOS-TENANT": "churn"}
CHURN_MS = NOW_MS // 7_200_000 * 7_200_000 - 12 * 3_600_000
born = 0
born_lock = threading.Lock()


def churn_labels(i):
    return [("__name__", "churn"), ("instance", f"host-{i}.example:9100"), ("pod", f"pod-{i:032x}")]


def churn(n=4000):
    """The status of one request of new series."""
    global born
    with born_lock:
        first, born = born, born + n
    rows = b"".join(wire.series(churn_labels(i), wire.sample(CHURN_MS, i))
                    for i in range(first, first + n))
    return post("receive", snappy_plain(rows), {**wire.PROTO, **CHURN})[0]


def head_series():
    line = 'prometheus_tsdb_head_series{tenant="churn"} '
    page = lib.request(mneme.http, "GET", "/metrics")[2].decode()
    return next(float(x[len(line):]) for x in page.splitlines() if x.startswith(line))


with phase("series without end: new ones are refused near the limit, known ones and queries go on",
           may_retry=True):
    churn(100)
    argv = [lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
            "--tenant", "churn", "--series", 50_000 if SANITIZED else 1_500_000,
            "--samples-per-series", 1, "--start-ms", CHURN_MS, "--request-samples", 5000]
    done = subprocess.run(list(map(str, argv)), capture_output=True, timeout=240)
    report = json.loads(done.stdout.splitlines()[-1])
    status = churn(100)
    print(f"        {report['samples']} series and more, then {status}; "
          f"{memory.now() / MIB:.0f} MiB", flush=True)
    assert SANITIZED or (report["non_2xx"] > 0 and status == 429), (report, status)
    assert report["lost"] == 0, report
    known = wire.series(churn_labels(0), wire.sample(CHURN_MS + 1000, 1))
    assert post("receive", wire.snappy(known), {**wire.PROTO, **CHURN})[0] == 200
    giant = snappy_plain(b"".join(wire.series(churn_labels(-i - 1), wire.sample(CHURN_MS, 1))
                                  for i in range(80000)))
    for _ in range(2):
        status, _ = post("receive", giant, {**wire.PROTO, **CHURN})
        assert status in (200, 413, 429, 503), status
    runs = len(writer.runs)
    lib.wait_until(lambda: len(writer.runs) > runs + 1, 60, "the writer to go on")

with phase("when the head has been cut there is room again", may_retry=True):
    for hour in range(2, 12):
        known = wire.series(churn_labels(0), wire.sample(CHURN_MS + hour * 3_600_000, 1))
        body = wire.snappy(known)
        lib.wait_until(lambda: post("receive", body, {**wire.PROTO, **CHURN})[0] == 200, 30,
                       "a known series")
    lib.wait_until(lambda: head_series() < 1000, 60, "the head to be cut")
    CHURN_MS += 11 * 3_600_000
    lib.wait_until(lambda: churn() == 200, 60, "room for new series")
    print(f"        {memory.now() / MIB:.0f} MiB", flush=True)

with phase("after: what was acknowledged is there", may_retry=True):
    writer.done.set()
    writer.join(ASK_TIMEOUT)
    assert not writer.is_alive() and not writer.failures, writer.failures
    total = Writer.SERIES * writer.written
    at, seconds = Writer.START_MS // 1000 + writer.written, writer.written + 10
    found = mneme.raw('{pod=~".+"}', at, seconds)
    assert len(found) == Writer.SERIES and sum(map(len, found.values())) == total, (
        len(found), sum(map(len, found.values())), total)
    reader.stop.set()
    reader.take()
    reader.process.join(ASK_TIMEOUT)
    statuses = sorted({int(s) for s in re.findall(r'code="(\d+)"', lib.request(
        mneme.http, "GET", "/metrics")[2].decode())})
    assert all(s < 500 or s in (501, 503, 505) for s in statuses), statuses
    print(f"        {total} samples; statuses {statuses}; at most {memory.peak / MIB:.0f} MiB",
          flush=True)
with checks.check("SIGTERM ends it"):
    memory.done.set()
    mneme.stop()
checks.end()
