#!/usr/bin/env python3
"""./dev bench ingest - the write path beside its peers, in one run on one machine.

Load: SERIES series x 22 samples, 10-11 labels, requests of 2,000 samples, 4 connections, from
bench/loadgen, whose requests are encoded before the clock starts. For each server: CPU
microseconds a sample (user + system, of the server process alone) while series are created (the
first sample of each) and in the steady state (the other 21), and resident bytes a series at the
end. Then mneme takes the same series and samples by remote write 2.0, and as OTLP gauges in plain
protobuf. The last line is one JSON object."""
import json
import os
import shutil
import tempfile
import time

import servers

SERIES = int(os.environ.get("SERIES", "100000"))
CREATE, STEADY = 1, 21
INTERVAL_MS = 15000
here = tempfile.mkdtemp(prefix="mneme-bench-")


def load(server, start_ms, first, samples):
    return servers.load(server.write_url, "--protocol", server.protocol, "--series", SERIES,
                        "--first-sample", first, "--samples-per-series", samples,
                        "--request-samples", 2000, "--connections", 4, "--start-ms", start_ms,
                        "--interval-ms", INTERVAL_MS)


def measure(server):
    pid = server.start().pid
    time.sleep(1)
    start_ms = int(time.time() * 1000) - (CREATE + STEADY) * INTERVAL_MS
    figures = {"idle_bytes": servers.resident_bytes(pid)}
    for phase, first, samples in [("create", 0, CREATE), ("steady", CREATE, STEADY)]:
        before = servers.cpu_seconds(pid)
        report = load(server, start_ms, first, samples)
        time.sleep(1)  # work that goes on behind the answers belongs to the samples too
        took = servers.cpu_seconds(pid) - before
        figures[f"{phase}_cpu_us"] = took / report["samples"] * 1e6
        figures[f"{phase}_p99_ms"] = report["p99_ms"]
    figures["bytes_a_series"] = servers.resident_bytes(pid) / SERIES
    server.stop()
    print(f"{server.name:18} create {figures['create_cpu_us']:6.2f} us/sample   steady "
          f"{figures['steady_cpu_us']:6.2f} us/sample   {figures['bytes_a_series']:7.0f} bytes/"
          f"series   p99 {figures['steady_p99_ms']:.1f} ms", flush=True)
    return figures


try:
    measured = servers.installed(here) + [servers.mneme_2(here), servers.mneme_otlp(here)]
    results = {server.name: measure(server) for server in measured}
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
