#!/usr/bin/env python3
"""The query API around the language: names, values and series with all their parameters, odd
label values, remote read, clients that leave, more queries than workers. Debian's Prometheus
answers the same questions where it can; SEED chooses the data."""
import concurrent.futures
import itertools
import json
import os
import re
import socket
import struct
import time
import urllib.parse

import lib
import query_diff
import read_wire
import samples
import wire

SEED = int(os.environ.get("SEED", "1"))
TRUNCATED = ["results truncated due to limit"]

lib.need("prometheus")
here = lib.work_dir()
checks = lib.Checks()
all_series = samples.generate(SEED)
# Enough fractional samples that one query over all of them takes a while.
slow_series = [({"__name__": "slow", "job": "slow", "n": str(n)},
                [(t, n + i / 8) for i, t in enumerate(range(samples.BEGIN_MS + 3, samples.END_MS,
                                                            samples.STEP_MS))])
               for n in range(100)]
mneme, peer = samples.start_both(here, all_series + slow_series,
                                 "--query.max-concurrent=4")
ours, theirs = query_diff.Client(mneme.http), query_diff.Client(peer.port)
print(f"        SEED={SEED}")


def seconds(after_ms):
    ms = samples.BEGIN_MS + after_ms
    return f"{ms // 1000}.{ms % 1000:03}"


SPANS = [{}, {"start": seconds(0)}, {"end": seconds(samples.SPAN_MS)},
         {"start": seconds(600_007), "end": seconds(1_200_007)},
         {"start": seconds(-7_200_000), "end": seconds(-3_600_000)},
         {"start": seconds(2 * samples.SPAN_MS), "end": seconds(3 * samples.SPAN_MS)},
         {"start": seconds(3_600_007), "end": seconds(3_600_007)}]
MATCHES = [["up"], ['{job="a"}'], ["up", "up"], ["up", '{job="b"}'], ['{job=~"a|b",zone!=""}'],
           ["no_such_metric"], ["up", "no_such_metric"], ['{__name__=~".+"}'],
           ['temperature{room=""}'], ['temperature{room!=""}', 'flaky{shard!="0"}'],
           ['{__name__!~"u.*",job!~"a|slow|zero",job!=""}'],
           ["weird", "odd", "build_info", "events_total"]]
VALUE_PATHS = ["__name__", "job", "room", "text", "le", "nowhere"]


def ask_both(endpoint, params, method="GET"):
    """data of both, which must be the same: in order where there is one."""
    got, want = (c.ask(method, endpoint, params) for c in (ours, theirs))
    assert got[0] == want[0] == 200, (endpoint, params, got, want)
    got, want = got[1]["data"], want[1]["data"]
    if endpoint == "series":
        by_pairs = lambda s: sorted(s.items())
        assert got == sorted(got, key=by_pairs), "series ascend"
        want = sorted(want, key=by_pairs)
    assert got == want, (endpoint, params, got[:5], want[:5], len(got), len(want))
    return got


with checks.check("names, values and series for all spans and match[]"):
    asked = found = 0
    for span, match in itertools.product(SPANS, MATCHES):
        params = {"match[]": match, **span}
        for method in ["GET", "POST"]:
            found += len(ask_both("series", params, method))
            found += len(ask_both("labels", params, method))
        for name in VALUE_PATHS:
            found += len(ask_both(f"label/{name}/values", params))
        asked += 10
    for span in SPANS:
        found += len(ask_both("labels", span))
        for name in VALUE_PATHS:
            found += len(ask_both(f"label/{name}/values", span))
        asked += 7
    print(f"        {asked} requests, {found} names, values and series")
    assert found > 4000

with checks.check("limits cut a sorted answer and say so"):
    rows = [("series", {"match[]": ['{job="a"}', "odd"]}), ("labels", {}),
            ("labels", {"match[]": ["up", "odd"]}), ("label/job/values", {}),
            ("label/__name__/values", {"match[]": '{job="a"}'})]
    for endpoint, params in rows:
        everything = ours.ask("GET", endpoint, params)[1]
        count = len(everything["data"])
        assert count > 2 and "warnings" not in everything, endpoint
        for limit in [0, 1, 2, count - 1, count, count + 1, 10**9]:
            answer = ours.ask("GET", endpoint, {**params, "limit": limit})[1]
            cut = 0 < limit < count
            where = (endpoint, params, limit, answer)
            assert answer["data"] == everything["data"][:limit if limit else None], where
            assert answer.get("warnings") == (TRUNCATED if cut else None), where
        for limit in ["-1", "x", "1.5", "1e3", "9" * 30, " 1", "0x1"]:
            status, answer = ours.ask("GET", endpoint, {**params, "limit": limit})
            assert (status, answer["errorType"]) == (400, "bad_data"), (endpoint, limit, answer)
    at = {"query": "up", "time": seconds(3_600_007)}
    everything = ours.ask("GET", "query", at)[1]
    answer = ours.ask("GET", "query", {**at, "limit": 2})[1]
    assert answer["data"]["result"] == everything["data"]["result"][:2], answer
    assert answer["warnings"] == TRUNCATED, answer

with checks.check("odd label values, in addresses and bodies"):
    text = lambda value: json.dumps(value, ensure_ascii=False)  # as PromQL quotes
    for value, method in itertools.product(samples.ODD_VALUES, ["GET", "POST"]):
        selector = f"odd{{text={text(value)}}}"
        for endpoint in ["series", "labels"]:
            assert len(ask_both(endpoint, {"match[]": selector}, method)) in (1, 3), value
        result = ours.ask(method, "query", {"query": selector, "time": seconds(3_600_007)})[1]
        assert [s["metric"]["text"] for s in result["data"]["result"]] == [value], result
        assert ask_both("label/text/values", {"match[]": selector}) == [value]
    # Spaces as + and as %20, every byte escaped, an escaped slash, a parameter twice.
    every = "".join(f"%{b:02x}" for b in b'odd{text="a b&c=d"}')
    for form in ["odd%7Btext%3D%22a+b%26c%3Dd%22%7D", "odd%7Btext%3D%22a%20b%26c%3Dd%22%7D", every]:
        for port in (mneme.http, peer.port):
            status, _, body = lib.request(port, "GET", f"/api/v1/series?match[]={form}")
            assert status == 200 and len(json.loads(body)["data"]) == 1, (form, body)
            status, _, body = lib.request(port, "GET", f"/api/v1/series?match%5B%5D={form}")
            assert status == 200 and len(json.loads(body)["data"]) == 1, (form, body)
    for path in ["label//values", "label/%/values", "label/job/value", "label/job", "nothing",
                 "query/x"]:
        status = lib.request(mneme.http, "GET", f"/api/v1/{path}")[0]
        assert 400 <= status < 500, (path, status)

with checks.check("status of the head, as the samples written and as Prometheus counts them"):
    # Debian's counts bytes of values only, and of equal amounts at the limit it drops any.
    FIGURES = ["seriesCountByMetricName", "labelValueCountByLabelName",
               "seriesCountByLabelValuePair"]
    got, want = (c.ask("GET", "status/tsdb", {"limit": 10000})[1]["data"] for c in (ours, theirs))
    for name in FIGURES:
        order = lambda items: sorted(items, key=lambda i: (-i["value"], i["name"]))
        assert got[name] == order(got[name]), name
        # Its lists may end with its limit of 10, where it knows no other.
        theirs_all = order(want[name])
        least = theirs_all[-1]["value"] if len(theirs_all) < len(got[name]) else -1
        above = lambda items: [i for i in items if i["value"] > least]
        assert above(got[name]) == above(theirs_all) != [], (name, got[name], theirs_all)
    for key in ["numSeries", "numLabelPairs", "minTime", "maxTime"]:
        assert got["headStats"][key] == want["headStats"][key], (key, got, want)
    written = [labels for labels, _ in all_series + slow_series]
    assert got["headStats"]["numSeries"] == len(written)
    sizes = {}
    for name, value in (pair for labels in written for pair in labels.items() if pair[1]):
        text = lambda t: len(t.encode()) + (1 if len(t.encode()) < 255 else 4)
        sizes[name] = sizes.get(name, 0) + text(name) + text(value)
    found = {i["name"]: i["value"] for i in got["memoryInBytesByLabelName"]}
    assert found == sizes, (found, sizes)
    print(f"        {got['headStats']}, Prometheus has {want['headStats']['chunkCount']} chunks")

with checks.check("the write port tells the same of tenants, as Thanos' receiver"):
    got = lib.api(mneme.http, "status/tsdb", limit="100")
    want = [{"tenant": "default-tenant", **got}]
    for params in [{}, {"all_tenants": "true"}]:
        assert lib.api(mneme.write, "status/tsdb", limit="100", **params) == want
    assert lib.api(mneme.write, "status/tsdb", {"THANOS-TENANT": "nobody"}) == []

# --- remote read

READ_ALL = (samples.BEGIN_MS - 1000, samples.END_MS + 1000)
READ_PART = (samples.BEGIN_MS + 1_800_003, samples.BEGIN_MS + 3_600_003)
E, N, R, NR = read_wire.EQ, read_wire.NEQ, read_wire.RE, read_wire.NRE
READS = [(READ_ALL, [(E, "__name__", "up")]),
         (READ_PART, [(R, "__name__", ".*_total"), (N, "job", "b")]),
         (READ_PART, [(E, "__name__", "no_such_metric")]),
         (READ_ALL, [(NR, "job", "a|b|c|slow|zero")]),
         (READ_PART, [(E, "__name__", "flaky"), (E, "room", "")]),
         (READ_PART, [(E, "__name__", "up")]),  # a query twice
         ((READ_PART[0], READ_PART[0] - 1), [(E, "__name__", "up")])]


def bits(points):
    return [(t, struct.pack("<d", v)) for t, v in points]


def expected(span, matchers):
    """From what was written."""
    holds = {E: lambda have, v: have == v, N: lambda have, v: have != v,
             R: lambda have, v: re.fullmatch(v, have),
             NR: lambda have, v: not re.fullmatch(v, have)}
    out = []
    for labels, points in all_series:
        inside = [p for p in points if span[0] <= p[0] <= span[1]]
        if inside and all(holds[k](labels.get(n, ""), v) for k, n, v in matchers):
            out.append((tuple(sorted(labels.items())), bits(inside)))
    return sorted(out)


def read(port, *kinds):
    queries = [read_wire.query(*span, *matchers) for span, matchers in READS]
    status, headers, body = lib.request(port, "POST", "/api/v1/read",
                                        read_wire.request(queries, *kinds), read_wire.HEADERS)
    assert status == 200, (status, body)
    return headers["Content-Type"], body


with checks.check("remote read of samples, seven queries in one request"):
    for kinds in [(), (read_wire.SAMPLES,), (read_wire.SAMPLES, read_wire.CHUNKS)]:
        kind, body = read(mneme.http, *kinds)
        assert kind == "application/x-protobuf", kind
        results = read_wire.samples_answer(body)
        assert len(results) == len(READS)
        for (span, matchers), result in zip(READS, results):
            got = [(labels, bits(points)) for labels, points in result]
            assert got == expected(span, matchers), (span, matchers, len(got))
    theirs_read = read_wire.samples_answer(read(peer.port)[1])
    # Of an empty span Prometheus names the series, without samples.
    names = lambda answer: [[labels for labels, points in r if points] for r in answer]
    assert names(theirs_read) == names(results)

with checks.check("remote read of chunks, seven queries in one request"):
    for port in (mneme.http, peer.port):
        kind, body = read(port, read_wire.CHUNKS, read_wire.SAMPLES)
        assert kind == "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", kind
        frames = read_wire.chunks_answer(body)
        assert [f[0] for f in frames] == sorted(f[0] for f in frames), "queries in their order"
        for index, (span, matchers) in enumerate(READS):
            got = []
            for at, labels, points in frames:
                points = bits(p for p in points if span[0] <= p[0] <= span[1])
                if at == index and points and got and got[-1][0] == labels:
                    got[-1] = (labels, got[-1][1] + points)
                elif at == index and points:
                    got.append((labels, points))
            assert got == expected(span, matchers), (port == mneme.http, index, len(got))

with checks.check("bad remote reads are refused"):
    good = read_wire.query(*READ_ALL, (E, "__name__", "up"))
    rows = {"no snappy": b"\xff\xff\xff", "no protobuf": wire.snappy(b"\x0b"),
            "no such kind": read_wire.request([good], 7),
            "regex": read_wire.request([read_wire.query(*READ_ALL, (R, "job", "("))]),
            "matcher kind": read_wire.request([read_wire.query(*READ_ALL, (9, "a", "b"))])}
    for name, body in rows.items():
        status, _, answer = lib.request(mneme.http, "POST", "/api/v1/read", body, read_wire.HEADERS)
        assert 400 <= status < 500 and answer, (name, status, answer)

# --- clients and workers

# Twenty times the same work in other words.
SLOW = {"query": " + ".join(f"sum(quantile_over_time(0.{n + 10}, slow[10m:1s]))"
                            for n in range(20)), "start": seconds(60_000),
        "end": seconds(3_359_700), "step": "300ms"}
slow_form = urllib.parse.urlencode(SLOW)


def timed_query(port, params, endpoint="query_range"):
    began = time.monotonic()
    status, answer = query_diff.Client(port).ask("GET", endpoint, params)
    return status, answer, time.monotonic() - began


def memory(key):
    """A figure of the process in bytes, from /proc."""
    with open(f"/proc/{mneme.process.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(key)) * 1024


with checks.check("a long answer costs memory for its numbers, not for its text"):
    whole = urllib.parse.urlencode({"query": "slow", "step": "300ms", "start": seconds(60_000),
                                    "end": seconds(3_359_700)})
    for reads in ["at once", "after a pause"]:
        with open(f"/proc/{mneme.process.pid}/clear_refs", "w") as f:
            f.write("5")  # VmHWM begins anew
        before = memory("VmRSS")
        s = socket.create_connection(("127.0.0.1", mneme.http))
        s.sendall(f"GET /api/v1/query_range?{whole} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        time.sleep(1 if reads == "after a pause" else 0)
        got = tail = 0
        while piece := s.recv(1 << 20):
            got, tail = got + len(piece), piece
        s.close()
        grown = memory("VmHWM") - before
        numbers = len(slow_series) * 11000 * 8
        print(f"        {got >> 10} KiB of text read {reads}: {grown >> 10} KiB of memory, "
              f"{numbers >> 10} KiB of them for numbers")
        assert tail.endswith(b"}"), tail[-80:]
        assert got > 25 << 20 and grown < numbers + (8 << 20), (got, grown)

with checks.check("clients that leave free their workers"):
    status, answer, alone_s = timed_query(mneme.http, SLOW)
    assert status == 200 and len(answer["data"]["result"][0]["values"]) == 11000, answer
    for _ in range(20):
        s = socket.create_connection(("127.0.0.1", mneme.http))
        s.sendall(f"GET /api/v1/query_range?{slow_form} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.02)
        s.close()
    status, _, after_s = timed_query(mneme.http, {"query": "up", "time": seconds(60_000)}, "query")
    print(f"        one query {alone_s:.1f} s; behind 20 that were given up {after_s:.2f} s")
    # 20 queries on 4 workers and 2 processors would take at least five times one.
    assert status == 200 and alone_s > 0.3 and after_s < max(1.5 * alone_s, 0.5), (alone_s, after_s)

with checks.check("30 queries at once on 4 workers all answer"):
    fast = {**SLOW, "query": "sum(avg_over_time(slow[30m]))", "step": "10s"}
    want = timed_query(mneme.http, fast)[1]["data"]
    with concurrent.futures.ThreadPoolExecutor(30) as pool:
        answers = list(pool.map(lambda _: timed_query(mneme.http, fast), range(30)))
    assert [a[0] for a in answers] == [200] * 30, [a[:2] for a in answers if a[0] != 200][:3]
    assert all(a[1]["data"] == want for a in answers)

with checks.check("it stops cleanly"):
    mneme.stop()
checks.end()
