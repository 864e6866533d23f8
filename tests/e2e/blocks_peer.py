#!/usr/bin/env python3
"""Blocks that promtool and Prometheus made are answered as Prometheus answers them: fresh ones,
overlapping ones, ones with deletions, and all of them under a head that goes on."""
import os
import random
import shutil
import subprocess
import time

import lib
import wire

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
rng = random.Random(int(os.environ.get("SEED", "1")))

# Fourteen hours that ended an hour ago, a sample each 30 s at milliseconds that end in 3; queries
# stand at such that end in 7, so that no sample lies on the border of a window.
END_S = int(time.time()) // 3600 * 3600 - 3600
BEGIN_S = END_S - 14 * 3600
HEAD_S = END_S + 900
QUIET = "global: {scrape_interval: 1h}\n"


def points(begin_s, end_s, every_s=30):
    phase = rng.randrange(every_s)
    return [t * 1000 + rng.randrange(100) * 10 + 3 for t in range(begin_s + phase, end_s, every_s)]


def make_series():
    """[(name, {label: value}, [(t_ms, value)])]: some last, some come and go, some are rare."""
    out = []
    for i in range(40):
        labels = {"shard": "abcd"[i % 4], "instance": f"10.0.0.{i}:9100", "job": f"job{i % 3}"}
        if i % 7 == 0:
            labels["note"] = "with \\\\ and \\\" and é"
        begin = BEGIN_S + (rng.randrange(12 * 3600) if i % 5 == 0 else 0)
        end = min(END_S, begin + rng.randrange(1800, 7 * 3600)) if i % 5 == 0 else END_S
        times = points(begin, end)
        total, counter, gauge = 1 << 20, [], []
        for t in times:  # never near 0, where 2.42 extrapolates otherwise: query_diff.py
            total = total // 2 if rng.random() < 0.001 else total + rng.randrange(100)
            counter.append((t, total))
            gauge.append((t, rng.choice([0, 1, 2.5, -7, 1e9, rng.random()])))
        out.append(("blk_counter_total", labels, counter))
        out.append(("blk_gauge", labels, gauge))
        if i % 8 == 0:
            out.append(("blk_odd", {**labels, "value": "odd"},
                        [(t, rng.choice(["NaN", "+Inf", "-Inf", 5e-324])) for t in times[::20]]))
    for i in range(120):
        t = BEGIN_S * 1000 + rng.randrange((END_S - BEGIN_S) * 1000) // 10 * 10 + 3
        out.append(("blk_once", {"id": f"{i:04d}"}, [(t, i)]))
    return out


def make_blocks(series, name, directory):
    path = os.path.join(here, name)
    with open(path, "w") as f:
        for metric in sorted({s[0] for s in series}):
            counter = metric.endswith("_total")
            family = metric[:-6] if counter else metric
            f.write(f"# TYPE {family} {'counter' if counter else 'gauge'}\n")
            for _, labels, values in [s for s in series if s[0] == metric]:
                text = ",".join(f'{k}="{v}"' for k, v in labels.items())
                for t, v in values:
                    f.write(f"{metric}{{{text}}} {v} {t // 1000}.{t % 1000:03d}\n")
        f.write("# EOF\n")
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", path, directory],
                   check=True, capture_output=True)


def blocks_in(directory):
    return [n for n in os.listdir(directory) if len(n) == 26]


def start_both(name, directory):
    """Prometheus and mneme over copies of one directory."""
    peer_dir, own_dir = os.path.join(here, name + "-peer"), os.path.join(here, name + "-mneme")
    os.makedirs(peer_dir)
    shutil.copytree(directory, os.path.join(peer_dir, "data"))
    mneme = lib.Mneme(own_dir)
    os.makedirs(mneme.data)
    shutil.copytree(directory, mneme.tenant())
    peer = lib.Prometheus(peer_dir, QUIET, "--web.enable-remote-write-receiver",
                          "--web.enable-admin-api", "--storage.tsdb.retention.time=10y")
    return mneme.start(), peer.start()


SELECTORS = [
    '{__name__=~".+"}',
    '{__name__=~"blk_gauge|blk_odd"}',
    'blk_gauge{shard="a"}',
    'blk_gauge{shard=~"a|c",instance!="10.0.0.4:9100"}',
    'blk_gauge{note!=""}',
    'blk_gauge{note=""}',
    'blk_gauge{shard!~"a|b",job=~"job[01]"}',
    'blk_counter_total{instance=~"10.0.0.1.*"}',
    'blk_once{id=~"00[0-4].|0077"}',
    'blk_once{id!~"00.*"}',
    '{value="odd"}',
    'blk_gauge{absent=~".*x?"}',
    'blk_none',
]
EXPRESSIONS = [
    "rate(blk_counter_total[5m])",
    "sum by (shard) (rate(blk_counter_total[10m]))",
    "max_over_time(blk_gauge[3h])",
    "count by (job) (blk_gauge)",
    "count_over_time(blk_once[20h])",
    "blk_counter_total offset 3h",
]


def same_number(x, y):
    """Rates differ in the last digits between versions of the peer."""
    if x == y:
        return True
    x, y = float(x), float(y)
    return x == y or abs(x - y) <= 1e-9 * max(abs(x), abs(y)) or (x != x and y != y)


def same(got, want, what):
    got, want = lib.by_labels(got), lib.by_labels(want)
    assert set(got) == set(want), (what, len(got), len(want), sorted(set(got) ^ set(want))[:3])
    for labels, values in want.items():
        ours = got[labels]
        assert len(ours) == len(values), (what, labels, len(ours), len(values))
        for (t, v), (u, w) in zip(ours, values):
            assert t == u and same_number(v, w), (what, labels, (t, v), (u, w))


def lasting(endpoint, values):
    """Of these label values, those that some series with samples still has."""
    if not endpoint.startswith("label/"):
        return values
    name = endpoint.split("/")[1]
    alive = lib.api(peer.port, "query", time=f"{HEAD_S + 3600}",
                    query=f'group by ({name}) (last_over_time({{{name}!=""}}[30d]))')
    return values & {r["metric"][name] for r in alive["result"]}


def compare(mneme, peer, what, end_s=END_S):
    def both(endpoint, **params):
        return lib.api(mneme.http, endpoint, **params), lib.api(peer.port, endpoint, **params)

    whole = {"start": f"{BEGIN_S - 600}.007", "end": f"{end_s + 600}.007", "step": 61}
    for query in SELECTORS + EXPRESSIONS:
        with checks.check(f"{what}: {query} over the whole range"):
            got, want = both("query_range", query=query, **whole)
            same(got["result"], want["result"], query)
            assert bool(want["result"]) == (query != "blk_none")
    with checks.check(f"{what}: every raw sample"):
        for at in range(BEGIN_S + 3600, end_s + 3601, 3600):
            got, want = both("query", query='{__name__=~".+"}[1h]', time=f"{at}.007")
            same(got["result"], want["result"], at)
    with checks.check(f"{what}: ranges that begin and end anywhere"):
        for _ in range(30):
            start = rng.randrange(BEGIN_S - 3600, end_s)
            end = min(start + rng.randrange(1, 5 * 3600), end_s + 3600)
            query = rng.choice(SELECTORS)
            got, want = both("query_range", query=query, start=f"{start}.007", end=f"{end}.007",
                             step=rng.choice([15, 60, 300]))
            same(got["result"], want["result"], (query, start, end))
    with checks.check(f"{what}: label names, values and series"):
        span = {"start": BEGIN_S, "end": end_s}
        for match in [None] + SELECTORS[:-1]:
            params = {**span, **({"match[]": match} if match else {})}
            for endpoint in ["labels"] + [f"label/{n}/values" for n in ("__name__", "shard", "id")]:
                got, want = both(endpoint, **params)
                gone = set(want) - set(got)  # mneme has rewritten blocks without what was deleted
                assert set(got) <= set(want), (endpoint, match, sorted(set(got) - set(want))[:5])
                assert not gone or not lasting(endpoint, gone), (endpoint, match, gone)
            if match:
                got, want = both("series", **params)
                key = lambda s: sorted(s.items())
                assert sorted(got, key=key) == sorted(want, key=key), ("series", match)


data = make_series()
fresh = os.path.join(here, "fresh")
make_blocks(data, "all.om", fresh)
with checks.check("promtool made blocks of two hours"):
    assert len(blocks_in(fresh)) >= 7, blocks_in(fresh)
mneme, peer = start_both("fresh", fresh)
compare(mneme, peer, "fresh")
mneme.stop()
peer.stop()

# The second lot lies between the samples of the first, of half the series, over some hours.
overlapping = os.path.join(here, "overlapping")
shutil.copytree(fresh, overlapping)
second = [(name, labels, [(t + 5000, v) for t, v in values
                          if BEGIN_S + 9000 < t / 1000 < END_S - 9000])
          for name, labels, values in data[::2]]
make_blocks([s for s in second if s[2]], "second.om", overlapping)
with checks.check("blocks overlap"):
    assert len(blocks_in(overlapping)) >= len(blocks_in(fresh)) + 5
mneme, peer = start_both("overlapping", overlapping)
compare(mneme, peer, "overlapping")
mneme.stop()
# Prometheus compacts, takes deletions and writes a head on top; then both answer from that.
for selector, begin, end in [('blk_gauge{shard="a"}', BEGIN_S + 3000, BEGIN_S + 20000),
                             ('blk_counter_total{job="job1"}', BEGIN_S - 9, BEGIN_S + 7201),
                             ('blk_once{id=~"001."}', BEGIN_S, END_S),
                             ('blk_odd', BEGIN_S + 5000, BEGIN_S + 5001)]:
    path = f"/api/v1/admin/tsdb/delete_series?match[]={lib.urllib.parse.quote(selector)}"
    status, _, _ = lib.request(peer.port, "POST", f"{path}&start={begin}&end={end}")
    assert status == 204, (selector, status)
for t in points(END_S, HEAD_S):
    message = b"".join(wire.series([("__name__", name)] + sorted(labels.items()),
                                   wire.sample(t, float(values[-1][1])))
                       for name, labels, values in data[:80:2])
    status, _, body = lib.request(peer.port, "POST", "/api/v1/write", wire.snappy(message),
                                  wire.PROTO)
    assert status == 204, (status, body)
peer.stop()
with checks.check("Prometheus left deletions in blocks and a head in a log"):
    left = peer.data
    sizes = [os.path.getsize(os.path.join(left, b, "tombstones")) for b in blocks_in(left)]
    assert max(sizes) > 9, sizes
    assert os.listdir(os.path.join(left, "wal"))
mneme, peer = start_both("deleted", left)
compare(mneme, peer, "deletions and head", HEAD_S)

with checks.check("the head takes what is newer than the blocks, and nothing older"):
    for t, want in [(END_S * 1000 - 7200_000, 409), (HEAD_S * 1000 + 3, 200)]:
        body = wire.snappy(wire.series([("__name__", "blk_new")], wire.sample(t, 1)))
        status, _, text = lib.request(mneme.write, "POST", "/api/v1/receive", body, wire.PROTO)
        assert status == want, (t, status, text)
mneme.kill()
with checks.check("after kill -9 blocks and head are answered again"):
    mneme.start()
    body = wire.snappy(wire.series([("__name__", "blk_new")], wire.sample(HEAD_S * 1000 + 3, 1)))
    status, _, text = lib.request(peer.port, "POST", "/api/v1/write", body, wire.PROTO)
    assert status == 204, (status, text)
    compare(mneme, peer, "after kill -9", HEAD_S)
mneme.stop()

with checks.check("a damaged block refuses to start, and is named"):
    block = blocks_in(mneme.tenant())[0]
    with open(os.path.join(mneme.tenant(), block, "index"), "r+b") as f:
        f.seek(20)
        f.write(b"damage")
    mneme.start(wait=False)
    assert mneme.process.wait(60) != 0
    assert block in mneme.tail(), mneme.tail()
checks.end()
