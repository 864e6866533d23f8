#!/usr/bin/env python3
"""Samples are deleted out of a head and its blocks; Prometheus, promtool and verify open what a
crash leaves of that, and then what is left when the blocks were cleaned, and see all the others."""
import glob
import json
import os
import subprocess
import time

import lib

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
STEP_MS, STEPS, DELETED = 60000, 480, range(100, 400)
START_MS = (int(time.time()) * 1000 // 7200000 - 4) * 7200000
TOOL = os.path.join(os.path.dirname(lib.MNEME), "tests", "e2e", "delete_dir")
peer = lib.Prometheus(here, "global: {scrape_interval: 1h}\n",
                      "--storage.tsdb.retention.time=10y", "--storage.tsdb.wal-compression")


def seconds(step):
    return (START_MS + step * STEP_MS) / 1000


LATE = [(seconds(s + 0.5), 1000.0 + s) for s in range(420, 460)]
EXPECTED = {"1": sorted([(seconds(s), 1000.0 + s) for s in range(STEPS)] + LATE),
            "2": [(seconds(s), 2000.0 + s) for s in range(STEPS) if s not in DELETED]}


def run(*argv):
    return subprocess.run(argv, capture_output=True, check=True, text=True).stdout


def seen():
    found = lib.api(peer.port, "query", query="m[12h]", time=f"{seconds(STEPS):.3f}")["result"]
    return {s["metric"]["n"]: [(t, float(v)) for t, v in s["values"]] for s in found}


def metas():
    return [json.load(open(p)) for p in glob.glob(os.path.join(peer.data, "*", "meta.json"))]


def samples_of_blocks():
    """By promtool, which honours deletions: (series, time) of all that is in blocks."""
    lines = run("promtool", "tsdb", "dump", peer.data).splitlines()
    return {(line.split('n="')[1][0], int(line.split()[-1])) for line in lines}


with checks.check("three series are written, and some of them deleted"):
    out = run(TOOL, peer.data, str(START_MS)).splitlines()
    deletions = sum(m["stats"].get("numTombstones", 0) for m in metas())
    assert out[0].startswith("head 1, blocks ") and out[0] != "head 1, blocks 0", out
    assert deletions >= 3, metas()

with checks.check("verify finds nothing"):
    run(lib.MNEME, "tools", "tsdb", "verify", peer.data)

with checks.check("our dump leaves out what was deleted"):
    dumped = run(lib.MNEME, "tools", "tsdb", "dump", peer.data).splitlines()
    assert len(dumped) == sum(map(len, EXPECTED.values())), len(dumped)

with checks.check("Prometheus sees the others"):
    peer.start()
    assert seen() == EXPECTED, {n: len(v) for n, v in seen().items()}
    peer.stop()

with checks.check("blocks are cleaned"):
    cleaned = int(run(TOOL, peer.data, "clean").split()[0])
    assert cleaned > 0
    assert all(m["stats"].get("numTombstones", 0) == 0 for m in metas()), metas()
    run(lib.MNEME, "tools", "tsdb", "verify", peer.data)

with checks.check("promtool reads them"):
    times = {n: {round(t * 1000) for t, _ in v} for n, v in EXPECTED.items()}
    for n, t in samples_of_blocks():
        assert t in times[n], (n, t)

with checks.check("Prometheus sees the same"):
    peer.start()
    assert seen() == EXPECTED, {n: len(v) for n, v in seen().items()}
    peer.stop()
checks.end()
