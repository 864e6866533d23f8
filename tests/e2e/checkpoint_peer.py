#!/usr/bin/env python3
"""Prometheus opens a log that begins with our checkpoint, and sees all that it keeps: floats,
histograms of both kinds, exemplars, less what was deleted, of the series that were wanted."""
import os
import subprocess
import time

import lib

lib.need("prometheus")
here = lib.work_dir()
checks = lib.Checks()
START_MS = (int(time.time()) - 3600) * 1000
STEP_MS, STEPS, MINT_STEP = 15000, 180, 90
TOOL = os.path.join(os.path.dirname(lib.MNEME), "tests", "e2e", "write_log")

peer = lib.Prometheus(here, "global: {scrape_interval: 1h}\n",
                      "--storage.tsdb.retention.time=10y",
                      "--enable-feature=exemplar-storage,native-histograms")
wal = os.path.join(peer.data, "wal")
os.makedirs(peer.data)


def seconds(step):
    return (START_MS + step * STEP_MS) / 1000


def expected(series, without=()):
    return [(seconds(step), 1000.0 * series + step) for step in range(MINT_STEP, STEPS)
            if step not in without]


def raw(selector):
    return lib.api(peer.port, "query", query=f"{selector}[4h]",
                   time=f"{seconds(STEPS + 10):.3f}")["result"]


with checks.check("a log with a checkpoint is written"):
    done = subprocess.run([TOOL, wal, str(START_MS)], capture_output=True, check=True)
    # two segments of 60 steps with 6 samples each, of which 90 are old
    assert done.stdout == b"series 6-1 samples 720-540\n", done
    assert sorted(os.listdir(wal)) == ["00000002", "checkpoint.00000001"], os.listdir(wal)
    assert os.listdir(os.path.join(wal, "checkpoint.00000001")) == ["00000000"]

with checks.check("Prometheus opens it"):
    peer.start()
    with open(peer.log, encoding="utf-8") as f:
        text = f.read()
    assert "WAL checkpoint loaded" in text, text[-2000:]
    assert "corrupt" not in text.lower(), text[-2000:]

with checks.check("floats, less deletions and series that were dropped"):
    found = {int(s["metric"]["n"]): [(t, float(v)) for t, v in s["values"]]
             for s in raw("log_float")}
    assert set(found) == {1, 2, 3}, sorted(found)
    assert found[1] == expected(1), found[1][:3]
    assert found[2] == expected(2, range(100, 110)), found[2][:3]
    assert found[3] == expected(3), found[3][:3]

for number, name in [(5, "log_histogram"), (6, "log_float_histogram")]:
    with checks.check(f"histograms: {name}"):
        [series] = raw(name)
        got = [(t, float(h["count"]), float(h["sum"])) for t, h in series["histograms"]]
        assert got == [(t, v, v / 2) for t, v in expected(number)], got[:3]

with checks.check("exemplars"):
    [series] = lib.api(peer.port, "query_exemplars", query="log_float",
                       start=seconds(0), end=seconds(STEPS))
    got = [(e["timestamp"], float(e["value"])) for e in series["exemplars"]]
    assert got == [(seconds(step), step) for step in range(MINT_STEP, STEPS)], got[:3]

with checks.check("and goes on from there"):
    peer.stop()
    peer.start()
    assert len(raw("log_float")) == 3
checks.end()
