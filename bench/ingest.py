#!/usr/bin/env python3
"""./dev bench ingest - the write path beside its peers, in one run on one machine.

Load: SERIES series, 10-11 labels, requests of 2,000 samples, from bench/loadgen, whose requests are
encoded before the clock starts. For each server and protocol, in turns:
  create    CPU microseconds a sample (user + system, of the server process alone) while series are
            created: the first sample of each
  steady    the same for the next samples of each, by 4 connections without a pause: the median
            of BLOCKS times STEADY samples
  capacity  samples a second in that state, the best: server and generator share the machine
  p99       from when a request was due to its answer, with requests due at 70 % of the capacity:
            the best of RUNS and their median, for whoever else is on the machine delays them, too
  series    resident bytes of the process a series at the end of the steady state
Then the same series and samples for more and more tenants, by requests that are the same but for
the tenant, in turns. A missed goal is told, and fails nothing. The last line is one JSON object."""
import json
import os
import shutil
import statistics
import tempfile
import time

import servers

SERIES = int(os.environ.get("SERIES", "100000"))
BLOCKS, STEADY = 3, 7
RUNS, LOADED_SECONDS, LOADED_SHARE, LOADED_CONNECTIONS = 3, 2, 0.7, 8
LOADED_SAMPLES_MAX = 5_000_000  # of a run: its requests exist before the clock starts
INTERVAL_MS = 15000
ROUNDS_MAX = 1 + BLOCKS * STEADY + RUNS * (LOADED_SAMPLES_MAX // SERIES + 1)
TENANTS, TENANT_SERIES, TENANT_BLOCKS, TENANT_STEADY = (10, 100, 1000), 200, 5, 5
GOALS = {"mneme": {"steady_cpu_us": 0.3, "p99_ms": 20},
         "mneme (2.0)": {"steady_cpu_us": 0.2, "p99_ms": 20},
         "mneme (OTLP)": {"p99_ms": 20}}
TENANTS_GOAL = 1.1  # the cost of a sample with ten times the tenants
here = tempfile.mkdtemp(prefix="mneme-bench-")


class Load:
    """Samples of one server, further and further."""

    def __init__(self, server, series, *options):
        self.server, self.series, self.options = server, series, options
        self.start_ms = int(time.time() * 1000) - ROUNDS_MAX * INTERVAL_MS
        self.sent = 0

    def __call__(self, samples, *options):
        """(report, CPU seconds) of the next samples of each series."""
        before = servers.cpu_seconds(self.server.pid)
        report = servers.load(
            self.server.write_url, "--protocol", self.server.protocol, "--series", self.series,
            "--first-sample", self.sent, "--samples-per-series", samples, "--start-ms",
            self.start_ms, "--interval-ms", INTERVAL_MS, *self.options, *options)
        self.sent += samples
        time.sleep(1)  # work that goes on behind the answers belongs to the samples too
        return report, servers.cpu_seconds(self.server.pid) - before

    def cpu_us(self, samples):
        report, took = self(samples)
        return took / report["samples"] * 1e6, report["samples_per_second"]


def measure(server):
    pid = server.start().pid
    time.sleep(1)
    figures = {"idle_bytes": servers.resident_bytes(pid)}
    load = Load(server, SERIES)
    figures["create_cpu_us"], _ = load.cpu_us(1)
    costs, speeds = zip(*(load.cpu_us(STEADY) for _ in range(BLOCKS)))
    figures["steady_cpu_us"], figures["capacity"] = statistics.median(costs), max(speeds)
    figures["bytes_a_series"] = servers.resident_bytes(pid) / SERIES
    rate = LOADED_SHARE * figures["capacity"]
    samples = max(1, round(min(rate * LOADED_SECONDS, LOADED_SAMPLES_MAX) / SERIES))
    runs = [load(samples, "--rate", round(rate), "--connections", LOADED_CONNECTIONS)[0]
            for _ in range(RUNS)]
    figures["p99_ms"] = min(run["p99_ms"] for run in runs)
    figures["p99_ms_median"] = statistics.median(run["p99_ms"] for run in runs)
    server.stop()
    print(f"{server.name:24} create {figures['create_cpu_us']:6.2f} us/sample   steady "
          f"{figures['steady_cpu_us']:6.3f} us/sample   {figures['bytes_a_series']:6.0f} bytes/"
          f"series   {figures['capacity'] / 1e6:5.2f} M samples/s   at 70 %: p99 "
          f"{figures['p99_ms']:.1f} to {figures['p99_ms_median']:.1f} ms", flush=True)
    return figures


def measure_tenants():
    """Figures by the number of tenants."""
    loads, figures = {}, {}
    for n in TENANTS:
        server = servers.mneme_of(here, f"{n} tenants").start()
        loads[n] = Load(server, TENANT_SERIES * max(TENANTS), "--request-samples", TENANT_SERIES,
                        "--tenant", "tenant", "--tenants", n)
        figures[n] = {"create_cpu_us": loads[n].cpu_us(1)[0]}
    costs = [{n: load.cpu_us(TENANT_STEADY)[0] for n, load in loads.items()}
             for _ in range(TENANT_BLOCKS)]
    for n, load in loads.items():
        figures[n]["steady_cpu_us"] = statistics.median(block[n] for block in costs)
        figures[n]["resident_bytes"] = servers.resident_bytes(load.server.pid)
        load.server.stop()
        print(f"{load.server.name:24} create {figures[n]['create_cpu_us']:6.2f} us/sample   steady "
              f"{figures[n]['steady_cpu_us']:6.3f} us/sample   "
              f"{figures[n]['resident_bytes'] >> 20:6} MiB", flush=True)
    return figures


def tell_missed(results, tenants):
    for name, goals in GOALS.items():
        for key, most in goals.items():
            if results[name][key] > most:
                print(f"missed: {name} {key} {results[name][key]:.3f}, goal {most}")
    for fewer, more in zip(TENANTS, TENANTS[1:]):
        ratio = tenants[more]["steady_cpu_us"] / tenants[fewer]["steady_cpu_us"]
        if ratio > TENANTS_GOAL:
            print(f"missed: {more} tenants cost {ratio:.2f} times what {fewer} do, "
                  f"goal {TENANTS_GOAL}")


def ratios(results):
    """What peers take, relative to mneme by the same protocol."""
    ours = {"1.0": "mneme", "otlp": "mneme (OTLP)"}
    for server in measured:
        if server.name.startswith("mneme"):
            continue
        base = results[ours[server.protocol]]
        yield f"ratio_{server.name}", {
            key: round(results[server.name][key] / base[key], 2)
            for key in ["create_cpu_us", "steady_cpu_us", "bytes_a_series", "p99_ms"]}


try:
    measured = (servers.installed(here) + [servers.mneme_2(here), servers.mneme_otlp(here)] +
                servers.otlp_peers(here))
    results = {server.name: measure(server) for server in measured}
    tenants = measure_tenants()
finally:
    shutil.rmtree(here, ignore_errors=True)
tell_missed(results, tenants)
answer = {"bench": "ingest", "series": SERIES, "samples": SERIES * (1 + BLOCKS * STEADY)}
for name, figures in [*results.items(), *((f"{n} tenants", f) for n, f in tenants.items())]:
    answer[name] = {key: round(value, 3) for key, value in figures.items()}
answer.update(ratios(results))
print(json.dumps(answer))
