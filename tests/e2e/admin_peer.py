#!/usr/bin/env python3
"""The admin API on a running server: series are deleted and cleaned off the disk, snapshots are
made; promtool lists these, Prometheus and mneme answer from them, and the server that made them
goes on as if they were not there. Without its flag the API refuses."""
import glob
import json
import os
import shutil
import subprocess
import time
import urllib.parse

import lib
import wire

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
STEP_MS, STEPS = 60_000, 8 * 60
BEGIN_MS = (int(time.time()) * 1000 // 7_200_000 - 5) * 7_200_000
NAMES = ["a", "b", "c"]
mneme = lib.Mneme(here, "--web.enable-admin-api").start()


def seconds(step):
    return (BEGIN_MS + step * STEP_MS) / 1000


def write(steps):
    body = b"".join(wire.series([("__name__", "m"), ("n", n)],
                                *[wire.sample(BEGIN_MS + s * STEP_MS, 1000.0 * i + s)
                                  for s in steps]) for i, n in enumerate(NAMES))
    status, _, answer = lib.request(mneme.write, "POST", "/api/v1/receive", wire.snappy(body),
                                    wire.PROTO)
    assert status == 200, (status, answer)


def seen(port):
    found = lib.api(port, "query", query="m[12h]", time=f"{seconds(STEPS):.3f}")["result"]
    return {s["metric"]["n"]: {round((t * 1000 - BEGIN_MS) / STEP_MS) for t, _ in s["values"]}
            for s in found}


def admin(what, method="POST", **params):
    return lib.request(mneme.http, method,
                       f"/api/v1/admin/tsdb/{what}?" + urllib.parse.urlencode(params, doseq=True))


def metas(directory):
    return [json.load(open(p)) for p in glob.glob(os.path.join(directory, "*", "meta.json"))]


def snapshot(**params):
    status, _, body = admin("snapshot", **params)
    assert status == 200, (status, body)
    path = os.path.join(mneme.tenant(), "snapshots", json.loads(body)["data"]["name"])
    assert os.path.isdir(path), path
    return path


def promtool_list(directory):
    """ULIDs that promtool finds; it wants a wal directory, so over a copy."""
    copy = os.path.join(here, "copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    os.makedirs(os.path.join(copy, "wal"))
    done = subprocess.run(["promtool", "tsdb", "list", copy], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return sorted(line.split()[0] for line in done.stdout.splitlines()[1:])


ALL = set(range(STEPS))
expected = {n: set(ALL) for n in NAMES}

with checks.check("eight hours are written, the older ones are in blocks"):
    for first in range(0, STEPS, 60):
        write(range(first, first + 60))
    lib.wait_until(lambda: len(metas(mneme.tenant())) >= 3, 30, "blocks")
    assert seen(mneme.http) == expected

with checks.check("the API names the blocks and the log"):
    def on_disk():
        return sorted(metas(mneme.tenant()), key=lambda m: m["minTime"])

    lib.wait_until(lambda: lib.api(mneme.http, "status/tsdb/blocks")["blocks"] == on_disk(), 30,
                   "the blocks that are on disk")  # another one may just be cut
    replay = lib.api(mneme.http, "status/walreplay")
    assert replay["min"] == 0 and replay["current"] == replay["max"] > 0, replay

with checks.check("a series is deleted for some hours, over blocks and head"):
    status, _, body = admin("delete_series", **{"match[]": 'm{n="b"}', "start": seconds(100),
                                               "end": seconds(440)})
    assert (status, body) == (204, b""), (status, body)
    expected["b"] -= set(range(100, 441))
    assert seen(mneme.http) == expected
    assert sum(m["stats"].get("numTombstones", 0) for m in metas(mneme.tenant())) > 0

with checks.check("by PUT and with two selectors"):
    status, _, body = admin("delete_series", "PUT",
                            **{"match[]": ['{n="c"}', "no_such_metric"], "end": seconds(9)})
    assert (status, body) == (204, b""), (status, body)
    expected["c"] -= set(range(10))
    assert seen(mneme.http) == expected

with checks.check("a snapshot has all of it, for promtool, verify, Prometheus and mneme"):
    whole = snapshot()
    ulids = sorted(m["ulid"] for m in metas(whole))
    assert promtool_list(whole) == ulids and len(ulids) == len(metas(mneme.tenant())) + 1
    subprocess.run([lib.MNEME, "tools", "tsdb", "verify", whole], check=True, capture_output=True)
    peer = lib.Prometheus(f"{here}/peer", "global: {}\n", "--storage.tsdb.retention.time=10y")
    shutil.copytree(whole, peer.data)
    peer.start()
    assert seen(peer.port) == expected
    peer.stop()
    second = lib.Mneme(f"{here}/second")
    os.makedirs(second.data)
    shutil.copytree(whole, second.tenant())
    second.start()
    assert seen(second.http) == expected
    second.stop()

with checks.check("tombstones are cleaned; the snapshot keeps its own"):
    before = metas(whole)
    status, _, body = admin("clean_tombstones")
    assert (status, body) == (204, b""), (status, body)
    assert all(m["stats"].get("numTombstones", 0) == 0 for m in metas(mneme.tenant()))
    assert sorted(map(str, metas(whole))) == sorted(map(str, before))
    assert seen(mneme.http) == expected

with checks.check("skip_head leaves out the newest"):
    blocks = snapshot(skip_head="true")
    assert promtool_list(blocks) == sorted(m["ulid"] for m in metas(mneme.tenant()))

with checks.check("bad requests are told so"):
    for what, params, want in [("delete_series", {}, 400), ("delete_series", {"match[]": "{"}, 400),
                               ("delete_series", {"match[]": "m", "start": "x"}, 400),
                               ("snapshot", {"skip_head": "maybe"}, 400)]:
        status, _, body = admin(what, **params)
        assert status == want and json.loads(body)["errorType"] == "bad_data", (what, body)
    assert admin("snapshot", "GET")[0] == 405

with checks.check("a restart takes no notice of snapshots"):
    mneme.stop()
    mneme.flags = ()
    mneme.start()
    assert seen(mneme.http) == expected
    assert sorted(os.listdir(mneme.data)) == ["default-tenant"]
    assert len(os.listdir(os.path.join(mneme.tenant(), "snapshots"))) == 2

with checks.check("without the flag nothing is served"):
    for what in ["delete_series", "clean_tombstones", "snapshot"]:
        status, _, body = admin(what, **{"match[]": "m"})
        answer = {"status": "error", "errorType": "unavailable", "error": "admin APIs disabled"}
        assert status == 500 and json.loads(body) == answer, (status, body)
    assert seen(mneme.http) == expected
    mneme.stop()
checks.end()
