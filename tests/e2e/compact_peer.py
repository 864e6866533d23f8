#!/usr/bin/env python3
"""Blocks that we compact, delete from and clean hold the same samples for promtool, Prometheus
and ourselves as before: the whole dump is compared after each step."""
import json
import os
import random
import re
import shutil
import subprocess
import time

import lib

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
rng = random.Random(int(os.environ.get("SEED", "1")))
TOOL = os.path.join(os.path.dirname(lib.MNEME), "tests", "e2e", "compact_dir")

END_S = int(time.time()) // 3600 * 3600 - 3600
BEGIN_S = END_S - 30 * 3600
DIRECTORY = os.path.join(here, "data")
NINE_BYTES = bytes.fromhex("0130ba300100000000")  # a tombstones file without any


def make_blocks(metric, series, phase_ms, begin_s, end_s, every_s):
    path = os.path.join(here, metric + ".om")
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"# TYPE {metric} gauge\n")
        for i in range(series):
            value = 0
            for t in range(begin_s + i % 7, end_s, every_s):
                if rng.random() < 0.0002:
                    break  # some series end
                value += rng.choice([0, 0, 1, 2.5, -3])
                f.write(f'{metric}{{id="{i:03d}",group="{i % 4}"}} {value} {t}.{phase_ms:03d}\n')
        f.write("# EOF\n")
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", path, DIRECTORY],
                   check=True, capture_output=True)


def blocks():
    """{ulid: meta.json}"""
    found = {}
    for name in os.listdir(DIRECTORY):
        if len(name) == 26:
            with open(os.path.join(DIRECTORY, name, "meta.json"), encoding="utf-8") as f:
                found[name] = json.load(f)
    return found


def dump():
    out = subprocess.run(["promtool", "tsdb", "dump", DIRECTORY], capture_output=True, check=True)
    return sorted(out.stdout.decode().splitlines())


def tool(*args):
    done = subprocess.run([TOOL, DIRECTORY, *map(str, args)], capture_output=True, check=False)
    assert done.returncode == 0, done
    return done.stdout.decode().splitlines()


def same(got, want):
    assert len(got) == len(want), (len(got), len(want))
    assert got == want, [pair for pair in zip(got, want) if pair[0] != pair[1]][:3]


def overlaps(metas):
    spans = sorted((m["minTime"], m["maxTime"]) for m in metas)
    return any(second[0] < first[1] for first, second in zip(spans, spans[1:]))


make_blocks("all_day", 40, 0, BEGIN_S, END_S, 30)
make_blocks("morning", 25, 0, BEGIN_S, BEGIN_S + 9 * 3600, 15)
make_blocks("all_day", 20, 500, BEGIN_S + 5 * 3600, BEGIN_S + 16 * 3600, 60)  # half a second later
os.makedirs(os.path.join(DIRECTORY, "wal"))  # or promtool does not open it
before = blocks()
whole = dump()
with checks.check("promtool made blocks that overlap"):
    assert len(before) > 20 and overlaps(before.values()), len(before)
    assert len(whole) == sum(m["stats"]["numSamples"] for m in before.values())

with checks.check("by the plan they become few that do not overlap, with the same samples"):
    lines = tool("plan")
    after = blocks()
    assert len(lines) > 5 and len(after) < len(before) / 2, (lines, len(after))
    assert not overlaps(after.values())
    assert max(m["compaction"]["level"] for m in after.values()) >= 3
    assert {s for m in after.values() for s in m["compaction"]["sources"]} == set(before)
    assert sum(m["stats"]["numSamples"] for m in after.values()) == len(whole)
    same(dump(), whole)

with checks.check("promtool lists and analyzes them"):
    listed = subprocess.run(["promtool", "tsdb", "list", DIRECTORY], capture_output=True,
                            check=True).stdout.decode()
    for ulid, meta in after.items():
        row = next(line.split() for line in listed.splitlines() if line.startswith(ulid))
        assert row[1:3] == [str(meta["minTime"]), str(meta["maxTime"])], row
        assert str(meta["stats"]["numSeries"]) in row, row
        done = subprocess.run(["promtool", "tsdb", "analyze", "--extended", DIRECTORY, ulid],
                              capture_output=True, check=True)
        text = done.stdout.decode()
        assert re.search(rf"\nSeries: {meta['stats']['numSeries']}\n", text), text[:500]

DELETIONS = [("id", "007", BEGIN_S + 3000, BEGIN_S + 40000), ("group", "2", BEGIN_S - 9, BEGIN_S),
             ("group", "1", BEGIN_S + 50000, BEGIN_S + 50029), ("id", "012", 0, 1 << 40),
             ("id", "007", BEGIN_S + 39999, BEGIN_S + 41000), ("id", "none", 0, 1 << 40)]


def kept(line):
    labels, _, t = line.rsplit(" ", 2)
    return not any(f'{name}="{value}"' in labels and mint * 1000 <= int(t) <= maxt * 1000
                   for name, value, mint, maxt in DELETIONS)


with checks.check("promtool sees our deletions"):
    for name, value, mint, maxt in DELETIONS:
        tool("delete", name, value, mint * 1000, maxt * 1000)
    left = [line for line in whole if kept(line)]
    assert len(left) < len(whole) - 1000
    assert sum(m["stats"].get("numTombstones", 0) for m in blocks().values()) > 9
    same(dump(), left)

with checks.check("cleaned blocks hold what was left"):
    assert tool("clean")
    metas = blocks()
    assert sum(m["stats"].get("numTombstones", 0) for m in metas.values()) == 0
    assert sum(m["stats"]["numSamples"] for m in metas.values()) == len(left)
    for ulid in metas:
        with open(os.path.join(DIRECTORY, ulid, "tombstones"), "rb") as f:
            assert f.read() == NINE_BYTES
    same(dump(), left)

with checks.check("all of them become one, deletions of the last minute applied"):
    DELETIONS.append(("id", "003", BEGIN_S, BEGIN_S + 7200))
    tool("delete", "id", "003", BEGIN_S * 1000, (BEGIN_S + 7200) * 1000)
    left = [line for line in left if kept(line)]
    assert tool("all") == [f"{len(metas)} blocks"]
    only = list(blocks().values())
    assert len(only) == 1 and only[0]["stats"]["numSamples"] == len(left), only
    same(dump(), left)

with checks.check("Prometheus and mneme answer from it alike"):
    peer_dir = os.path.join(here, "peer")
    os.makedirs(peer_dir)
    shutil.copytree(DIRECTORY, os.path.join(peer_dir, "data"))
    mneme = lib.Mneme(os.path.join(here, "mneme"))
    os.makedirs(mneme.data)
    shutil.copytree(DIRECTORY, mneme.tenant())
    mneme.start()
    peer = lib.Prometheus(peer_dir, "global: {scrape_interval: 1h}\n",
                          "--storage.tsdb.retention.time=10y").start()
    samples = 0
    for at in range(BEGIN_S, END_S + 3601, 3600):
        params = {"query": '{__name__=~"all_day|morning"}[1h]', "time": f"{at}.777"}
        ours = lib.by_labels(lib.api(mneme.http, "query", **params)["result"])
        theirs = lib.by_labels(lib.api(peer.port, "query", **params)["result"])
        assert ours == theirs, at
        samples += sum(map(len, ours.values()))
    assert samples == len(left), (samples, len(left))
    mneme.stop()
    peer.stop()
checks.end()
