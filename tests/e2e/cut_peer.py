#!/usr/bin/env python3
"""Half a day of samples through the front door: heads are cut into blocks while writes and queries
go on and the process is killed twice; what is left are directories that promtool, Prometheus and
`mneme tools tsdb verify` find sound, with every sample in them."""
import os
import random
import shutil
import subprocess
import time

import lib

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
SERIES, SAMPLES, INTERVAL_MS = 300, 1440, 30_000  # 12 h
START_MS = (int(time.time()) // 7200 * 7200 - 13 * 3600) * 1000
dice = random.Random(int(os.environ.get("SEED", "1")))
mneme = lib.Mneme(here, "--tsdb.max-block-duration=6h").start()


def load_argv(first, count):
    return [lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive", "--seed", "5",
            "--shape", "index", "--series", str(SERIES), "--first-sample", str(first),
            "--samples-per-series", str(count), "--request-samples", "10", "--connections", "2",
            "--start-ms", str(START_MS), "--interval-ms", str(INTERVAL_MS), "--retry"]


def load(first, count, kill_after=None):
    """Writes samples [first, first + count) of all series; kills the server meanwhile."""
    sender = subprocess.Popen(load_argv(first, count), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    if kill_after is not None:
        time.sleep(kill_after)
        mneme.kill()
        mneme.start()
    out, err = sender.communicate(timeout=300)
    assert sender.returncode == 0, (out[-300:], err[-300:])


def samples_of(port, upto):
    """{labels: [value, ...]} of the first `upto` samples, asked in pieces of two hours."""
    answer = {}
    for begin in range(0, upto, 240):
        at = (START_MS + (min(begin + 240, upto) - 1) * INTERVAL_MS) / 1000
        seconds = (min(begin + 240, upto) - begin) * INTERVAL_MS // 1000
        data = lib.api(port, "query", query=f'{{__name__=~".+"}}[{seconds}s]', time=f"{at:.3f}")
        for labels, values in lib.by_labels(data["result"]).items():
            times = answer.setdefault(labels, {})
            for t, v in values:
                times[round(float(t) * 1000)] = v
    return answer


def assert_all(answer, upto):
    assert len(answer) == SERIES, len(answer)
    numbers = set()
    for labels, times in answer.items():
        want = {START_MS + j * INTERVAL_MS for j in range(upto)}
        assert set(times) == want, (labels, len(times), sorted(want ^ set(times))[:3])
        base = {int(float(v)) - j for j, v in enumerate(times[t] for t in sorted(times))}
        assert len(base) == 1, (labels, sorted(base)[:5])
        numbers |= base
    assert len(numbers) == SERIES, len(numbers)


def blocks():
    return sorted(n for n in os.listdir(mneme.tenant()) if len(n) == 26)


with checks.check("blocks are cut while writes and queries go on"):
    load(0, 700)
    lib.wait_until(lambda: len(blocks()) >= 1, 30, "a block")
    assert_all(samples_of(mneme.http, 700), 700)

with checks.check("kill -9 while heads are cut loses nothing"):
    for first, count in ((700, 400), (1100, 340)):
        load(first, count, kill_after=dice.uniform(0.05, 0.6))
    assert_all(samples_of(mneme.http, SAMPLES), SAMPLES)

with checks.check("three ranges become one block, and the log does not pile up"):
    lib.wait_until(lambda: 1 <= len(blocks()) <= 4, 30, "a compaction")
    log = os.path.join(mneme.tenant(), "wal")
    assert sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(log)
               for f in files) < 32 << 20
    assert_all(samples_of(mneme.http, SAMPLES), SAMPLES)

with checks.check("verify finds nothing on the running server"):
    out = subprocess.run([lib.MNEME, "tools", "tsdb", "verify", mneme.tenant()],
                         capture_output=True)
    assert out.returncode == 0, (out.stdout[-800:], out.stderr[-300:])

mneme.stop()

with checks.check("the same after a clean stop and start"):
    mneme.start()
    assert_all(samples_of(mneme.http, SAMPLES), SAMPLES)
    mneme.stop()

with checks.check("promtool lists and analyzes the blocks"):
    copy = os.path.join(here, "promtool")
    shutil.copytree(mneme.tenant(), copy)
    listed = subprocess.run(["promtool", "tsdb", "list", copy], capture_output=True, check=True)
    assert all(b in listed.stdout.decode() for b in blocks()), listed.stdout
    subprocess.run(["promtool", "tsdb", "analyze", copy], capture_output=True, check=True)
    dumped = subprocess.run(["promtool", "tsdb", "dump", copy], capture_output=True, check=True)
    assert dumped.stdout.count(b"\n{") + dumped.stdout.startswith(b"{") == SERIES * SAMPLES

with checks.check("Prometheus takes the directory over and answers the same"):
    peer_dir = os.path.join(here, "peer")
    os.makedirs(peer_dir)
    shutil.copytree(mneme.tenant(), os.path.join(peer_dir, "data"))
    peer = lib.Prometheus(peer_dir, "global: {scrape_interval: 1h}\n",
                          "--storage.tsdb.retention.time=10y").start()
    assert_all(samples_of(peer.port, SAMPLES), SAMPLES)

checks.end()
