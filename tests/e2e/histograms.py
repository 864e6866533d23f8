#!/usr/bin/env python3
"""Native histograms by remote write: kept over a kill, cut into a block, and read by Debian's
Prometheus and promtool out of our directory: counts, sums and buckets are those that were sent.
Our own queries leave them out with a warning."""
import json
import os
import shutil
import struct
import subprocess
import time
import urllib.parse

import lib
import wire

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()

# Four and a half hours, a sample a minute: more than the head keeps.
START_S = int(time.time()) // 7200 * 7200 - 3 * 7200
COUNT = 270
REQUEST = 30  # samples of a series in one request


def double(number, value):
    return bytes([number << 3 | 1]) + struct.pack("<d", value)


def number(field, value):
    return bytes([field << 3]) + wire.varint(value)


def zigzag(value):
    return wire.varint(value << 1 ^ value >> 63)


def buckets(i):
    """Grow with i, get wider at 100, start again at 200."""
    i = i - 200 if i >= 200 else i
    return [i + 1, 2 * i + 2] + ([i - 99, 1] if i >= 100 else [])


def histogram(kind, i, t_ms):
    """The field of a TimeSeries."""
    counts = buckets(i)
    zero, total = i % 200, sum(buckets(i)) + i % 200
    out = wire.field(11, number(1, 3) + number(2, len(counts)))  # offset -2
    if kind == "int":
        deltas = [b - a for a, b in zip([0] + counts, counts)]
        out += number(1, total) + number(6, zero)
        out += wire.field(12, b"".join(zigzag(d) for d in deltas))
    else:
        out += double(2, total / 2) + double(7, zero / 2)
        out += wire.field(13, b"".join(struct.pack("<d", c / 2) for c in counts))
    out += double(3, total * 1.5) + number(4, 1 << 1) + double(5, 0.001)
    return wire.field(4, out + number(15, t_ms))


def rows(first, count):
    times = [((START_S + i * 60) * 1000 + 7, i) for i in range(first, first + count)]
    body = b""
    for kind in "int", "float":
        body += wire.series([("__name__", "nh"), ("kind", kind)],
                            *[histogram(kind, i, t) for t, i in times])
    # A series that changes its kind every ten minutes.
    for t, i in times:
        kind = ["int", "float", "plain"][i // 10 % 3]
        point = wire.sample(t, i) if kind == "plain" else histogram(kind, i, t)
        body += wire.series([("__name__", "turns")], point)
    body += wire.series([("__name__", "beside")], *[wire.sample(t, i) for t, i in times])
    return body


def write(mneme, first):
    status, _, body = lib.request(mneme.write, "POST", "/api/v1/receive",
                                  wire.snappy(rows(first, REQUEST)), wire.PROTO)
    assert status == 200, (status, body)


def blocks(directory):
    return [n for n in os.listdir(directory) if len(n) == 26]


def of_peer(peer, query):
    """{i: value} over the whole time, where a sample was sent."""
    result = lib.api(peer.port, "query_range", query=query, start=f"{START_S}.007",
                     end=f"{START_S + (COUNT - 1) * 60}.007", step=60)["result"]
    assert len(result) == 1, (query, len(result))
    return {round((t - START_S) / 60): float(v) for t, v in result[0]["values"]}


mneme = lib.Mneme(here)
with checks.check("four and a half hours are taken, with a kill between"):
    mneme.start()
    for at in range(0, COUNT, REQUEST):
        write(mneme, at)
        if at == 4 * REQUEST:
            mneme.kill()
            mneme.start()
with checks.check("a block is cut"):
    lib.wait_until(lambda: blocks(mneme.tenant()), 30, "a block")
with checks.check("both are answered"):
    params = urllib.parse.urlencode({"query": '{__name__=~"nh|beside"}',
                                     "time": START_S + (COUNT - 1) * 60 + 1})
    _, _, answer = lib.request(mneme.http, "GET", f"/api/v1/query?{params}")
    answer = json.loads(answer)
    elements = {(r["metric"]["__name__"], r["metric"].get("kind")): r
                for r in answer["data"]["result"]}
    assert elements.pop(("beside", None))["value"][1] == str(COUNT - 1), answer
    for kind, half in ("int", 1), ("float", 2):
        total = sum(buckets(COUNT - 1)) + (COUNT - 1) % 200
        histogram = elements[("nh", kind)]["histogram"][1]
        assert float(histogram["count"]) == total / half, histogram
with checks.check("refused for what it is, with the reason"):
    bad = wire.field(4, number(1, 5) + number(15, (START_S + COUNT * 60) * 1000))
    status, _, body = lib.request(mneme.write, "POST", "/api/v1/receive", wire.snappy(
        wire.series([("__name__", "nh"), ("kind", "bad")], bad)), wire.PROTO)
    assert status == 400 and b"observations in buckets" in body, (status, body)
mneme.kill()

def text_of(kind, i):
    """As Prometheus 3 prints it; buckets -2 to 1 of schema 1."""
    bounds = ["0.35355339059327373", "0.5", "0.7071067811865475", "1", "1.414213562373095"]
    half = 1 if kind == "int" else 2
    number = lambda v: f"{v / half:g}"  # below a million
    total = sum(buckets(i)) + i % 200
    parts = [f"count:{number(total)}", f"sum:{total * 1.5:g}"]
    if i % 200:
        parts.append(f"[-0.001,0.001]:{number(i % 200)}")
    parts += [f"({bounds[k]},{bounds[k + 1]}]:{number(n)}" for k, n in enumerate(buckets(i))]
    return "{" + ", ".join(parts) + "}"


with checks.check("our own tool prints every one of them"):
    done = subprocess.run([lib.MNEME, "tools", "tsdb", "dump", mneme.tenant()],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    lines = done.stdout.splitlines()
    times = [(START_S + i * 60) * 1000 + 7 for i in range(COUNT)]
    for kind in "int", "float":
        front = f'{{__name__="nh", kind="{kind}"}} '
        got = [line for line in lines if line.startswith(front)]
        assert got == [f"{front}{text_of(kind, i)} {t}" for i, t in enumerate(times)], got[:3]
    kinds = ["int", "float"]
    want = [str(i) if i // 10 % 3 == 2 else text_of(kinds[i // 10 % 3], i) for i in range(COUNT)]
    got = [line for line in lines if line.startswith('{__name__="turns"}')]
    assert got == [f'{{__name__="turns"}} {w} {t}' for w, t in zip(want, times)], got[:3]

directory = os.path.join(here, "peer", "data")
shutil.copytree(mneme.tenant(), directory)
with checks.check("promtool reads the directory"):
    copy = os.path.join(here, "promtool")
    shutil.copytree(directory, copy)
    for words in ["analyze", copy], ["list", copy], ["dump", copy]:
        done = subprocess.run(["promtool", "tsdb", *words], capture_output=True)
        assert done.returncode == 0, (words, done.stderr[-500:])
peer = lib.Prometheus(os.path.join(here, "peer"), "global: {scrape_interval: 1h}\n",
                      "--storage.tsdb.retention.time=10y", "--enable-feature=native-histograms")
peer.start()
total = {i: sum(buckets(i)) + i % 200 for i in range(COUNT)}
for kind, share in ("int", 1), ("float", 0.5):
    with checks.check(f"Prometheus finds every {kind} histogram"):
        nh = f'nh{{kind="{kind}"}}'
        assert of_peer(peer, f"histogram_count({nh})") == {
            i: n * share for i, n in total.items()}
        assert of_peer(peer, f"histogram_sum({nh})") == {i: n * 1.5 for i, n in total.items()}
        low, high = 2 ** -1, 2 ** -0.5  # the bucket of index -1 in schema 1
        part = of_peer(peer, f"histogram_fraction({low}, {high}, {nh})")
        for i, n in total.items():
            assert abs(part[i] - buckets(i)[1] / n) < 1e-6, (i, part[i])
with checks.check("Prometheus finds the series that changes its kind"):
    want = {i: total[i] * (1 if i // 10 % 3 == 0 else 0.5) for i in range(COUNT)
            if i // 10 % 3 < 2}
    got = of_peer(peer, "histogram_count(turns)")
    assert {i: got.get(i) for i in want} == want
peer.stop()

checks.end()
