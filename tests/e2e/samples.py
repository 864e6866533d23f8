"""samples.py - the generated series of query_diff.py and query_api.py; no test.

Two hours at 15 s with jitter from a fixed time on, so that a seed gives the same bytes on every
day. Samples stand at milliseconds that end in 3; queries are evaluated at such that end in 7 and
subqueries at round ones, so no sample ever lies on the border of a window. Values are multiples
of 1/128 below 2^40 (but for `weird`), so that sums are exact in any order."""
import random
import struct

import lib
import wire

BEGIN_MS = 1_700_000_000_000
SPAN_MS = 2 * 3600 * 1000
END_MS = BEGIN_MS + SPAN_MS
STEP_MS = 15_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
SLICE_MS = 20 * 60 * 1000  # of one write: Prometheus refuses what is an hour behind its newest
ODD_VALUES = ["a b&c=d", "100%/ü?#[]", 'quote " and \\ back', "{x=\"y\"}"]


def times(rng, begin_ms=BEGIN_MS, end_ms=END_MS):
    """Scrape times with up to 2 s of jitter, all ending in 3."""
    phase = rng.randrange(0, STEP_MS, 10)
    for t in range(begin_ms + phase, end_ms - 2000, STEP_MS):
        yield t // 10 * 10 + rng.randrange(0, 2000, 10) + 3


def counter(rng, unit):
    """Falls now and then, each time to 0.7 of the least value so far: such counters never are
    near enough to 0 for the extrapolation of 2.42 and 3.x to differ."""
    floor = 4096 * unit
    value = floor
    resets = {rng.randrange(BEGIN_MS, END_MS, STEP_MS) for _ in range(rng.randrange(4))}
    for t in times(rng):
        due = {r for r in resets if r <= t}
        if due:
            resets -= due
            floor = value = round(floor * 0.7 * 8 / unit) * unit / 8
        else:
            value += rng.randrange(0, 25) * unit
        yield t, value


def small_counter(rng):
    """Starts at 0 or 1 and often falls back to it."""
    value = rng.randrange(2)
    for t in times(rng):
        yield t, float(value)
        value = rng.randrange(2) if rng.random() < 0.05 else value + rng.randrange(3)


def gauge(rng, low, high):
    for t in times(rng):
        yield t, rng.randrange(low * 8, high * 8) / 8


def constant(rng, value):
    for t in times(rng):
        yield t, value


def flaps(rng):
    value = 1.0
    for t in times(rng):
        value = 1.0 - value if rng.random() < 0.1 else value
        yield t, value


def weird(rng, values):
    for t in times(rng):
        yield t, rng.choice(values)


def with_gaps(rng, points):
    """Without some samples, and without some minutes."""
    silent_until = 0
    for t, v in points:
        if rng.random() < 0.01:
            silent_until = t + rng.randrange(60_000, 900_000)
        if t >= silent_until and rng.random() > 0.03:
            yield t, v


def come_and_go(rng, points):
    """Ends with a stale marker and begins anew, several times."""
    on = rng.random() < 0.5
    for t, v in points:
        if rng.random() < 0.02:
            if on:
                yield t, STALE
            on = not on
        elif on:
            yield t, v


def generate(seed):
    """[(labels as dict, [(t_ms, value), ...])]"""
    rng = random.Random(seed)
    all_series = []

    def add(name, points, **labels):
        points = list(points)
        if points:
            all_series.append(({"__name__": name, **labels}, points))

    for i in range(12):
        points = counter(rng, rng.choice([1, 16]))
        add("http_requests_total", with_gaps(rng, points) if i % 3 == 1 else points,
            job="abc"[i % 3], instance=f"host-{i % 4}:9090", method=["GET", "POST"][i // 6],
            code=["200", "404", "500"][i % 3 if i < 6 else (i + 1) % 3])
    for i in range(6):
        add("cpu_seconds_total", come_and_go(rng, counter(rng, 0.125)) if i == 5 else
            counter(rng, 0.125), job="ab"[i % 2], instance=f"host-{i % 3}:9090", cpu=str(i))
    for i in range(4):
        points = small_counter(rng)
        add("events_total", [points, with_gaps(rng, points), come_and_go(rng, points)][i % 3],
            job="zero", instance=f"host-{i}:9090")
    for i in range(10):
        # Never equal to another's, for topk picks any of equal ones.
        points = ((t, v + i / 128) for t, v in list(gauge(rng, 10, 40)))
        add("temperature", with_gaps(rng, points) if i % 2 else points, job="abc"[i % 3],
            zone=f"z{i % 5}", instance=f"host-{i}:9090", room=["", "attic", "cellar"][i % 3])
    for i in range(4):
        add("memory_bytes", gauge(rng, 1 << 20, 1 << 30), job="ab"[i % 2],
            instance=f"host-{i}:9090")
    for i in range(6):
        add("up", flaps(rng), job="abc"[i % 3], instance=f"host-{i}:9090")
    for i in range(4):
        add("build_info", constant(rng, 1.0), job="abca"[i], instance=f"host-{i}:9090",
            version=f"1.{i % 2}")
    for kind, values in {"nan": [float("nan"), 1.0], "inf": [float("inf"), 2.0],
                         "neginf": [float("-inf"), 3.0],
                         "mixed": [float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 4.0],
                         "huge": [1e150, 2e150], "tiny": [1e-150, 3e-150]}.items():
        add("weird", weird(rng, values), job="w", kind=kind)
    for i in range(6):
        add("flaky", come_and_go(rng, gauge(rng, -20, 20)), job="abc"[i % 3], shard=str(i % 2),
            replica=str(i // 2))
    for job in "ab":
        total = [5000.0] * 5  # far from 0, as counter()
        buckets = [[] for _ in total]
        for t in times(rng):
            for i in range(5):
                total[i] += rng.randrange(4) if rng.random() < 0.9 else 0
                buckets[i].append((t, sum(total[:i + 1])))
        for le, points in zip(["0.1", "0.5", "1", "5", "+Inf"], buckets):
            add("latency_seconds_bucket", points, job=job, le=le)
    for i, value in enumerate(ODD_VALUES):
        add("odd", constant(rng, float(i)), job="odd", text=value)
    for labels, _ in all_series:
        for name in [n for n, v in labels.items() if not v]:
            del labels[name]
    return all_series


def write(port, path, all_series):
    """By remote write, all series of a slice of time before the next slice."""
    for begin in range(BEGIN_MS, END_MS, SLICE_MS):
        body = b""
        for labels, points in all_series:
            inside = [wire.sample(t, v) for t, v in points if begin <= t < begin + SLICE_MS]
            if inside:
                body += wire.series(sorted(labels.items()), *inside)
        status, _, answer = lib.request(port, "POST", path, wire.snappy(body), wire.PROTO)
        assert status in (200, 204), (status, answer)


def start_both(here, all_series, *flags):
    """(mneme, Debian's prometheus), both holding the series."""
    mneme = lib.Mneme(here, *flags).start()
    peer = lib.Prometheus(f"{here}/peer", "global: {}\n",
                          "--web.enable-remote-write-receiver").start()
    write(mneme.write, "/api/v1/receive", all_series)
    write(peer.port, "/api/v1/write", all_series)
    return mneme, peer
