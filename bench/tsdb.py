#!/usr/bin/env python3
"""./dev bench tsdb - the storage engine in its own process, beside Debian's Prometheus where
that can do the same work: opening the very directory that mneme wrote (restart), and appending to
known series (append; promtool tsdb bench write). PARTS in the environment, as "append restart",
chooses among those of bench/tsdb --help; BIG=1 adds restart_big. Each part has a process of its
own. The last line is one JSON object."""
import glob
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
import time

import servers
from servers import lib

PROGRAM = os.path.join(os.path.dirname(lib.MNEME), "bench", "tsdb")
SERIES, SCRAPES = 100000, (100, 300)  # by the hundred; more than 3 h would be cut
shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
here = tempfile.mkdtemp(prefix="mneme-bench-", dir=shm)


def part_names():
    lines = subprocess.run([PROGRAM, "--help"], capture_output=True, check=True).stdout.decode()
    found = re.findall(r"^  ([a-z]\w*) +(.*)$", lines, re.M)
    always = [name for name, what in found if "(by name only)" not in what]
    chosen = os.environ.get("PARTS", "").split() or always
    return chosen + (["restart_big"] if os.environ.get("BIG") else [])


def run_part(name):
    """The figures of one part; restart leaves its database below `here`."""
    argv = [PROGRAM, "--dir", here] + (["--keep"] if name.startswith("restart") else []) + [name]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    last = b"{}"
    for line in process.stdout:
        last = line
        if not line.startswith(b"{"):
            print(line.decode(), end="", flush=True)
    if process.wait() != 0:
        raise RuntimeError(f"bench/tsdb {name}: exit status {process.returncode}")
    return json.loads(last)


def show(figures, name, value):
    figures[name] = round(value, 3)
    print(f"{name:40} {value:14.3f}", flush=True)


def open_with_prometheus(path):
    """CPU and wall milliseconds until Prometheus is ready on the database in `path`."""
    start = time.monotonic()
    server = servers.prometheus(here, path).start()
    took = (servers.cpu_seconds(server.pid) * 1000, (time.monotonic() - start) * 1000)
    series = json.loads(lib.request(server.port, "GET", "/api/v1/status/tsdb")[2])
    server.stop()
    return took, series["data"]["headStats"]["numSeries"]


def compare_restart(figures, name):
    if not shutil.which("prometheus"):
        return
    made = glob.glob(os.path.join(here, "mneme-bench-*", "db"))
    if len(made) != 1:
        raise RuntimeError(f"expected one database below {here}, found {made}")
    copy = os.path.join(here, "copy")
    shutil.move(made[0], copy)
    if os.path.exists(os.path.join(copy, "lock")):
        os.remove(os.path.join(copy, "lock"))
    (idle_cpu, idle_wall), _ = open_with_prometheus(os.path.join(here, "empty"))
    (cpu, wall), series = open_with_prometheus(copy)
    shutil.rmtree(copy)
    shutil.rmtree(os.path.dirname(made[0]))
    show(figures, f"{name}_prometheus_series", series)
    show(figures, f"{name}_prometheus_cpu_ms", cpu - idle_cpu)
    show(figures, f"{name}_prometheus_wall_ms", wall - idle_wall)
    for unit in ["cpu", "wall"]:
        show(figures, f"{name}_{unit}_ratio",
             figures[f"{name}_prometheus_{unit}_ms"] / figures[f"{name}_after_finish_{unit}_ms"])


def promtool_cpu_seconds(series_file, scrapes):
    out = os.path.join(here, "promtool")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["promtool", "tsdb", "bench", "write", f"--out={out}", f"--metrics={SERIES}",
                    f"--scrapes={scrapes}", series_file], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(out)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare_append(figures):
    """promtool gives the head references of its series: it hashes no labels, unlike mneme here."""
    if not shutil.which("promtool"):
        return
    series_file = os.path.join(here, "series.json")
    argv = [lib.LOADGEN, "--url", "http://127.0.0.1:1/", "--series", str(SERIES), "--print-series"]
    with open(series_file, "w") as f:
        for line in subprocess.run(argv, capture_output=True, check=True).stdout.splitlines():
            labels = json.loads(line)["labels"]
            labels = {name: value.replace(":", "-") for name, value in labels.items()}
            f.write(json.dumps(labels, separators=(",", ":")) + "\n")
    few, many = [promtool_cpu_seconds(series_file, scrapes) for scrapes in SCRAPES]
    samples = (SCRAPES[1] - SCRAPES[0]) * SERIES
    show(figures, "append_1_promtool_ns_a_sample", (many - few) / samples * 1e9)
    show(figures, "append_1_ratio",
         figures["append_1_promtool_ns_a_sample"] / figures["append_1_ns_a_sample"])


answer = {"bench": "tsdb"}
try:
    for part in part_names():
        answer.update(run_part(part))
        if part.startswith("restart"):
            compare_restart(answer, part)
        if part == "append":
            compare_append(answer)
finally:
    shutil.rmtree(here, ignore_errors=True)
print(json.dumps(answer))
