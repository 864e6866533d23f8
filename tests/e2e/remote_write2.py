#!/usr/bin/env python3
"""Remote write 2.0 from the client that the Prometheus project keeps (its Go module, built here):
at both paths all that it sends is answered exactly, and what it is told was written is true."""
import json
import os
import subprocess
import tempfile
import time

import lib

lib.need("go")
here = lib.work_dir()
checks = lib.Checks()

SOURCE = os.path.join(lib.ROOT, "tests", "e2e", "remote_write2_sender")
SENDER = os.path.join(here, "sender")
ROUNDS, SERIES, INTERVAL_MS = 20, 10, 15000  # as main.go
FIRST_MS = int(time.time()) // 15 * 15000 - ROUNDS * INTERVAL_MS
END_S = (FIRST_MS + ROUNDS * INTERVAL_MS) / 1000
TIMES = [(FIRST_MS + r * INTERVAL_MS) / 1000 for r in range(ROUNDS)]

subprocess.run(["go", "build", "-mod=readonly", "-o", SENDER, "."], cwd=SOURCE, check=True,
               timeout=500)

BUCKETS = {  # rule of bounds, lower, upper, count; of one round
    "int": (7, 1.5, [[3, -0.001, 0.001, 1], [0, 0.5, 2**-0.5, 1], [0, 2**-0.5, 1, 2],
                     [0, 2**0.5, 2, 3]]),
    "float": (7.5, 2.5, [[1, -4, -2, 3], [1, -1, -0.5, 2], [1, -0.5, -0.25, 1],
                         [3, -0.001, 0.001, 1.5]]),
    "custom": (3, 1, [[3, float("-inf"), 0.25, 1], [0, 0.25, 1.5, 1], [0, 1.5, float("inf"), 1]]),
}


def send(path):
    done = subprocess.run([SENDER, f"http://127.0.0.1:{mneme.write}", path, str(FIRST_MS)],
                          capture_output=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]


def written(answer):
    return answer["samples"], answer["histograms"], answer["exemplars"]


def api(endpoint, **params):
    return lib.api(mneme.http, endpoint, **params)


def raw(selector):
    return api("query", query=f"{selector}[1h]", time=f"{END_S:.3f}")["result"]


def check_written(answers):
    for answer in answers[:ROUNDS]:
        assert written(answer) == (SERIES, 3, SERIES // 2) and not answer["error"], answer
    partial = answers[ROUNDS]
    assert written(partial) == (2, 0, 0), partial
    for part in ["400", "add 1 series: label set has no metric name",
                 "add 1 samples: out of order sample"]:
        assert part in partial["error"], partial


for path in "api/v1/write", "api/v1/receive":
    mneme = lib.Mneme(tempfile.mkdtemp(dir=here), "--tsdb.max-exemplars=1000").start()

    with checks.check(f"{path} says what it wrote, of good and of half good requests"):
        check_written(send(path))

    with checks.check("floats are those that were sent"):
        got = {s["metric"]["i"]: s for s in raw("rw2_float_total")}
        assert len(got) == SERIES, got.keys()
        for i in range(SERIES):
            s = got[str(i)]
            assert s["metric"] == {"__name__": "rw2_float_total", "i": str(i),
                                   "zone": "räksmörgås"}, s["metric"]
            want = [(t, i * 1000 + r + 0.5) for r, t in enumerate(TIMES)]
            assert [(t, float(v)) for t, v in s["values"]] == want, s
        assert [s["values"] for s in raw("rw2_new_total")] == [[[TIMES[-1], "42"]]]
        assert raw('{nameless="yes"}') == []

    with checks.check("histograms are those that were sent"):
        got = {s["metric"]["kind"]: s["histograms"] for s in raw("rw2_histogram")}
        assert sorted(got) == sorted(BUCKETS), got.keys()
        for kind, (count, total, buckets) in BUCKETS.items():
            assert [t for t, _ in got[kind]] == TIMES
            for n, (_, h) in enumerate(got[kind], 1):
                assert float(h["count"]) == count * n and float(h["sum"]) == total * n, (kind, h)
                shown = [[b[0], *map(float, b[1:])] for b in h["buckets"]]
                want = [[rule, low, high, c * n] for rule, low, high, c in buckets]
                assert len(shown) == len(want), (kind, shown)
                for a, b in zip(shown, want):
                    assert a[0] == b[0] and a[3] == b[3], (kind, a, b)
                    assert all(x == y or abs(x - y) < 1e-12 for x, y in zip(a[1:3], b[1:3])), (a, b)

    with checks.check("exemplars are those that were sent"):
        got = api("query_exemplars", query="rw2_float_total", start=TIMES[0], end=END_S)
        assert sorted(s["seriesLabels"]["i"] for s in got) == [str(i) for i in range(0, SERIES, 2)]
        for s in got:
            i = int(s["seriesLabels"]["i"])
            assert [(e["labels"], float(e["value"]), e["timestamp"]) for e in s["exemplars"]] == [
                ({"trace_id": f"t{i}-{r}"}, i * 1000 + r + 0.5, t) for r, t in enumerate(TIMES)], s

    with checks.check("metadata is what the series told"):
        got = api("metadata")
        assert got["rw2_float_total"] == [
            {"type": "counter", "help": "Floats of a test.", "unit": "seconds"}], got
        assert got["rw2_histogram"] == [
            {"type": "histogram", "help": "Histograms of a test.", "unit": "seconds"}], got

    with checks.check("all of it is there after a kill"):
        before = raw('{__name__=~"rw2_.+"}')
        mneme.kill()
        mneme.start()
        assert sorted(map(str, raw('{__name__=~"rw2_.+"}'))) == sorted(map(str, before))

    mneme.stop()

checks.end()
