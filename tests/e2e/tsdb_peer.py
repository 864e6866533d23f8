#!/usr/bin/env python3
"""Directories go both ways: promtool and Prometheus open what mneme wrote and see the same series
and samples; mneme opens what Prometheus wrote."""
import os
import shutil
import subprocess
import time

import lib

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
START_MS = (int(time.time()) - 3600) * 1000
EVERY = '{__name__=~".+"}'


def load(mneme, samples, *more):
    subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                    "--shape", "mix", "--series", "400", "--samples-per-series", str(samples),
                    "--start-ms", str(START_MS), "--interval-ms", "5000", *more],
                   check=True, capture_output=True)


def same(got, want):
    assert set(got) == set(want), (len(got), len(want), list(set(got) ^ set(want))[:3])
    for labels in want:
        assert got[labels] == want[labels], (labels, len(got[labels]), len(want[labels]),
                                             got[labels][:3], want[labels][:3])


def raw(port):
    at = START_MS / 1000 + 7200
    data = lib.api(port, "query", query=f"{EVERY}[4h]", time=f"{at:.3f}")
    return lib.by_labels(data["result"])


QUIET = "global: {scrape_interval: 1h}\n"
directory = os.path.join(here, "one")
os.makedirs(directory)
mneme = lib.Mneme(directory).start()
load(mneme, 600)
time.sleep(2.5)  # finished chunks are mapped within a second or two
written = raw(mneme.http)
mneme.stop()

with checks.check("chunks were mapped"):
    assert any(n.isdigit() for n in os.listdir(os.path.join(mneme.tenant(), "chunks_head")))
    assert sum(map(len, written.values())) == 400 * 600

with checks.check("promtool tsdb dump sees the same"):
    copy = os.path.join(here, "promtool")
    shutil.copytree(mneme.tenant(), copy)
    dumped = subprocess.run(["promtool", "tsdb", "dump", copy], capture_output=True, check=True)
    lines = [line for line in dumped.stdout.decode().splitlines() if line.startswith("{")]
    assert len(lines) == 400 * 600, (len(lines), dumped.stderr[-500:])
    seen = {}
    for line in lines:
        labels, value, t = line.rsplit(" ", 2)
        seen.setdefault(labels, []).append((int(t), float(value)))
    want = sorted(tuple((round(float(t) * 1000), float(v)) for t, v in values)
                  for values in written.values())
    assert sorted(tuple(values) for values in seen.values()) == want

with checks.check("promtool tsdb list and analyze do not complain"):
    subprocess.run(["promtool", "tsdb", "list", copy], capture_output=True, check=True)

with checks.check("Prometheus opens it and answers the same"):
    peer_dir = os.path.join(here, "peer")
    os.makedirs(peer_dir)
    shutil.copytree(mneme.tenant(), os.path.join(peer_dir, "data"))
    peer = lib.Prometheus(peer_dir, QUIET, "--storage.tsdb.retention.time=10y").start()
    same(raw(peer.port), written)

with checks.check("mneme opens what Prometheus wrote, live log and mapped chunks"):
    source = lib.Prometheus(os.path.join(here, "source"), QUIET,
                            "--web.enable-remote-write-receiver",
                            "--storage.tsdb.retention.time=10y").start()
    subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{source.port}/api/v1/write",
                    "--shape", "mix", "--series", "300", "--samples-per-series", "500",
                    "--start-ms", str(START_MS), "--interval-ms", "5000"],
                   check=True, capture_output=True)
    want = raw(source.port)
    assert sum(map(len, want.values())) == 300 * 500
    source.stop()
    second_dir = os.path.join(here, "two")
    second = lib.Mneme(second_dir)
    os.makedirs(second.data)
    shutil.copytree(source.data, second.tenant())
    second.start()
    same(raw(second.http), want)

with checks.check("and goes on writing in it, and Prometheus takes it back"):
    subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{second.write}/api/v1/receive",
                    "--shape", "mix", "--series", "300", "--first-sample", "500",
                    "--samples-per-series", "100", "--start-ms", str(START_MS),
                    "--interval-ms", "5000"], check=True, capture_output=True)
    want = raw(second.http)
    assert sum(map(len, want.values())) == 300 * 600
    second.stop()
    back_dir = os.path.join(here, "back")
    os.makedirs(back_dir)
    shutil.copytree(second.tenant(), os.path.join(back_dir, "data"))
    back = lib.Prometheus(back_dir, QUIET, "--storage.tsdb.retention.time=10y").start()
    same(raw(back.port), want)
checks.end()
