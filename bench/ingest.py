#!/usr/bin/env python3
"""./dev bench ingest - the write path beside its peers, in one run on one machine.

Load: SERIES series x 22 samples, 10-11 labels, requests of 2,000 samples, 4 connections, from
bench/loadgen, whose requests are encoded before the clock starts. For each server: CPU
microseconds a sample (user + system, of the server process alone) while series are created (the
first sample of each) and in the steady state (the other 21), and resident bytes a series at the
end. The last line is one JSON object."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
import lib  # noqa: E402

SERIES = int(os.environ.get("SERIES", "100000"))
CREATE, STEADY = 1, 21
INTERVAL_MS = 15000
here = tempfile.mkdtemp(prefix="mneme-bench-")
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmRSS")


def load(url, start_ms, first, samples):
    argv = [lib.LOADGEN, "--url", url, "--series", str(SERIES), "--first-sample", str(first),
            "--samples-per-series", str(samples), "--request-samples", "2000",
            "--connections", "4", "--start-ms", str(start_ms), "--interval-ms", str(INTERVAL_MS)]
    done = subprocess.run(argv, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"loadgen on {url}: {done.stdout[-300:]} {done.stderr[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(name, argv, url, ready):
    process = lib.start(argv, os.path.join(here, f"{name}.log"))
    lib.wait_until(ready, 60, name)
    time.sleep(1)
    start_ms = int(time.time() * 1000) - (CREATE + STEADY) * INTERVAL_MS
    figures = {"idle_bytes": resident_bytes(process.pid)}
    for phase, first, samples in [("create", 0, CREATE), ("steady", CREATE, STEADY)]:
        before = cpu_seconds(process.pid)
        report = load(url, start_ms, first, samples)
        time.sleep(1)  # work that goes on behind the answers belongs to the samples too
        figures[f"{phase}_cpu_us"] = (cpu_seconds(process.pid) - before) / report["samples"] * 1e6
        figures[f"{phase}_p99_ms"] = report["p99_ms"]
    figures["bytes_a_series"] = resident_bytes(process.pid) / SERIES
    process.terminate()
    process.wait(120)
    print(f"{name:18} create {figures['create_cpu_us']:6.2f} us/sample   steady "
          f"{figures['steady_cpu_us']:6.2f} us/sample   {figures['bytes_a_series']:7.0f} bytes/"
          f"series   p99 {figures['steady_p99_ms']:.1f} ms", flush=True)
    return figures


def peers():
    mneme = lib.Mneme(here)
    write = f"http://127.0.0.1:{mneme.write}/api/v1/receive"
    yield ("mneme", mneme.argv(), write,
           lambda: lib.request(mneme.http, "GET", "/-/ready")[0] == 200)
    if shutil.which("victoria-metrics"):
        port = lib.free_port()
        yield ("victoria-metrics", ["victoria-metrics", f"-storageDataPath={here}/vm",
                                    f"-httpListenAddr=127.0.0.1:{port}"],
               f"http://127.0.0.1:{port}/api/v1/write",
               lambda: lib.request(port, "GET", "/health")[0] == 200)
    if shutil.which("prometheus"):
        port2 = lib.free_port()
        config = os.path.join(here, "prometheus.yml")
        with open(config, "w") as f:
            f.write("global: {scrape_interval: 1h}\n")
        yield ("prometheus", ["prometheus", f"--config.file={config}",
                              f"--storage.tsdb.path={here}/prometheus",
                              f"--web.listen-address=127.0.0.1:{port2}",
                              "--web.enable-remote-write-receiver"],
               f"http://127.0.0.1:{port2}/api/v1/write",
               lambda: lib.request(port2, "GET", "/-/ready")[0] == 200)


try:
    results = {name: measure(name, argv, url, ready) for name, argv, url, ready in peers()}
finally:
    shutil.rmtree(here, ignore_errors=True)
answer = {"bench": "ingest", "series": SERIES, "samples": SERIES * (CREATE + STEADY)}
for name, figures in results.items():
    answer[name] = {key: round(value, 3) for key, value in figures.items()}
    if name != "mneme":
        answer[f"ratio_{name}"] = {
            key: round(figures[key] / results["mneme"][key], 2)
            for key in ["create_cpu_us", "steady_cpu_us", "bytes_a_series"]}
print(json.dumps(answer))
