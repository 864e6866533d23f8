#!/usr/bin/env python3
"""The Prometheus project's compliance tests for receivers of remote write, whole, at both paths.
They come through the Go module proxy, one version, checked against its sum; nothing of them is
kept here. Fewer or more leaf tests than there are, a skipped one or a failed one: a failure."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import lib

MODULE = "github.com/prometheus/compliance/remotewrite/receiver"
VERSION = "v0.0.0-20260806071727-67b8327a2e93"
SUM = "h1:VPMEZpXBAlaQrdz+ER6AQ9ArmxkYSy/SxkUixEwtH3Q="  # of its tree, as in a go.sum
LEAF_TESTS = 205
DOWNLOAD_SECONDS_MAX = 60
BUILD_SECONDS_MAX = 480  # the tests need some hundred modules the first time
RUN_SECONDS_MAX = 120

lib.need("go")
here = lib.work_dir()
suite, program = os.path.join(here, "suite"), os.path.join(here, "receiver.test")
checks = lib.Checks()


def go(seconds, *argv, **kw):
    return subprocess.run(["go", *argv], capture_output=True, text=True, timeout=seconds, **kw)


def skip(why):
    print(f"no compliance suite: {why}")
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)


def fetch(what, seconds, *argv, **kw):
    """Output of a command that needs the network; without that, the end of this test."""
    try:
        done = go(seconds, *argv, **kw)
    except subprocess.TimeoutExpired:
        skip(f"{what}: not in {seconds} s")
    if done.returncode != 0:
        skip(f"{what}: {done.stdout}{done.stderr}")
    return done.stdout


def prepare():
    """The tests as a program. Modules are fetched apart from building: what does not compile is a
    failure, not a missing network. The suite's own go.mod and go.sum pin what it needs."""
    told = json.loads(fetch("download", DOWNLOAD_SECONDS_MAX, "mod", "download", "-json",
                            f"{MODULE}@{VERSION}", cwd=here))
    assert told["Sum"] == SUM, f"{MODULE} {VERSION} is another: {told['Sum']}"
    shutil.copytree(told["Dir"], suite, copy_function=shutil.copyfile)
    for directory, _, _ in os.walk(suite):  # the cache of modules is read-only
        os.chmod(directory, 0o755)
    fetch("its modules", BUILD_SECONDS_MAX, "list", "-mod=readonly", "-deps", "-test", ".",
          cwd=suite)
    built = go(BUILD_SECONDS_MAX, "test", "-c", "-mod=readonly", "-o", program, ".", cwd=suite)
    assert built.returncode == 0, built.stdout + built.stderr


def run(port, path):
    """({leaf test: pass, fail or skip}, {leaf test: what it printed})."""
    config = os.path.join(suite, "config.yml")
    with open(config, "w") as f:
        f.write(f"remote_write: [{{name: mneme, url: 'http://127.0.0.1:{port}/{path}'}}]\n")
    environment = dict(os.environ, PROMETHEUS_RW2_COMPLIANCE_CONFIG_FILE=config)
    environment.pop("PROMETHEUS_RW2_COMPLIANCE_RECEIVERS", None)
    done = go(RUN_SECONDS_MAX, "tool", "test2json", program, "-test.v=test2json", "-test.count=1",
              cwd=suite, env=environment)
    events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    ends = {e["Test"]: e["Action"] for e in events
            if "Test" in e and e["Action"] in ("pass", "fail", "skip")}
    begun = {e["Test"] for e in events if e["Action"] == "run"}
    parents = {name[:at] for name in begun for at, c in enumerate(name) if c == "/"}
    texts = {}
    for e in events:
        if e["Action"] == "output" and "Test" in e:
            texts[e["Test"]] = texts.get(e["Test"], "") + e["Output"]
    leaves = {name: ends.get(name, "fail") for name in sorted(begun - parents)}
    assert leaves, f"no test ran: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return leaves, texts


prepare()
for path in "api/v1/write", "api/v1/receive":
    mneme = lib.Mneme(tempfile.mkdtemp(dir=here), "--tsdb.max-exemplars=100000").start()
    with checks.check(f"{path} has {LEAF_TESTS} leaf tests, each run"):
        leaves, texts = run(mneme.write, path)
        count = {end: sum(e == end for e in leaves.values()) for end in ("pass", "fail", "skip")}
        print(f"{path}: {count['pass']} leaf tests passed, {count['fail']} failed, "
              f"{count['skip']} skipped", flush=True)
        assert len(leaves) == LEAF_TESTS, f"{len(leaves)} leaf tests; did the suite change?"
        for name, end in leaves.items():
            if end == "pass":
                checks.passed += 1
                continue
            checks.failed += 1
            print(f"FAILED  {path}: {name} ({end})\n{texts.get(name, '')}", flush=True)
        assert count["pass"] == LEAF_TESTS, count
    mneme.stop()

checks.end()
