#!/usr/bin/env python3
"""./dev bench ring - what a ring costs, in one run on one machine.

Load: SERIES series in requests of 2,000 samples from bench/loadgen to one node; CPU is user and
system time of server processes alone, the median of BLOCKS times STEADY samples of each series.
  one       a node without a ring
  three     three nodes with three replicas: all of them together, and times what one takes
  wire      bytes that the node that takes the load sends to each of its two peers, as the kernel
            counts them, beside the same samples in snappy: what the sender's requests take, for
            framed snappy of a message is within a percent of the block that a sender makes
  router    a node that only routes, in front of three that only store, one replica: the router
            alone
Then build/bench/ring: placing alone, and what a change of hashrings moves. A missed goal is told,
and fails nothing. The last line is one JSON object."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import servers
import ring_lib  # beside lib, where servers found it

SERIES = int(os.environ.get("SERIES", "50000"))
BLOCKS, STEADY, INTERVAL_MS = 5, 8, 15000
ROUNDS_MAX = 2 + BLOCKS * STEADY
GOALS = {"three_times": 3.5, "router_cpu_us": 0.15, "wire_share": 0.4}
ring_lib.stay()
here = tempfile.mkdtemp(prefix="mneme-bench-")


class Load:
    """Samples through the first node of a ring, further and further."""

    def __init__(self, ring):
        self.ring, self.sent = ring, 0
        self.start_ms = int(time.time() * 1000) - ROUNDS_MAX * INTERVAL_MS

    def __call__(self, samples):
        """(report, CPU seconds of each node) of the next samples of each series."""
        pids = [node.process.pid for node in self.ring.nodes]
        before = [servers.cpu_seconds(pid) for pid in pids]
        report = servers.load(
            self.ring[0].door(), "--series", SERIES, "--first-sample", self.sent,
            "--samples-per-series", samples, "--start-ms", self.start_ms, "--interval-ms",
            INTERVAL_MS)
        self.sent += samples
        self.settle()
        return report, [servers.cpu_seconds(pid) - was for pid, was in zip(pids, before)]

    def settle(self):
        """Until what goes on behind the answers is done: it belongs to the samples too."""
        pids, idle = [node.process.pid for node in self.ring.nodes], 0
        while idle < 3:
            before = sum(map(servers.cpu_seconds, pids))
            time.sleep(0.5)
            idle = idle + 1 if sum(map(servers.cpu_seconds, pids)) - before < 0.02 else 0

    def costs(self):
        """CPU microseconds a sample of each node in the steady state: the block whose sum is the
        median."""
        blocks = []
        for _ in range(BLOCKS):
            report, took = self(STEADY)
            blocks.append([seconds / report["samples"] * 1e6 for seconds in took])
        return sorted(blocks, key=sum)[BLOCKS // 2]


def sent_to(address):
    """Bytes that were sent to an address over the connections that are open."""
    out = subprocess.run(["ss", "-tinHO", "state", "established", "dst", address],
                         capture_output=True, text=True, check=True).stdout
    return sum(map(int, re.findall(r"\bbytes_sent:(\d+)", out)))


def measure_one():
    ring = ring_lib.Ring(os.path.join(here, "one"), 1, size=0).start()
    load = Load(ring)
    load(2)
    cost, = load.costs()
    ring[0].stop()
    print(f"one node                 {cost:6.3f} us/sample", flush=True)
    return {"one_cpu_us": cost}


def measure_three(one):
    ring = ring_lib.Ring(os.path.join(here, "three"), 3).start()
    load = Load(ring)
    load(2)
    costs, resident = load.costs(), [node.resident_bytes() >> 20 for node in ring.nodes]
    before = [sent_to(node.grpc) for node in ring.nodes[1:]]
    report, _ = load(STEADY)
    bytes_sent = sum(sent_to(node.grpc) for node in ring.nodes[1:]) - sum(before)
    for node in ring.nodes:
        node.stop()
    wire, snappy = (n / report["samples"] for n in (bytes_sent / 2, report["wire_bytes"]))
    cost = sum(costs)
    print(f"three, three replicas    {cost:6.3f} us/sample   {cost / one:.2f} times one   the door "
          f"{costs[0]:.3f}   resident {resident} MiB", flush=True)
    print(f"wire to a replica        {wire:6.2f} bytes/sample   snappy {snappy:.2f}   "
          f"{wire / snappy * 100:.0f} %", flush=True)
    return {"three_cpu_us": cost, "three_door_cpu_us": costs[0], "three_times": cost / one,
            "wire_bytes": wire, "snappy_bytes": snappy, "wire_share": wire / snappy}


class Routed(ring_lib.Ring):
    """Node 0 only routes, to nodes that only store."""

    def make(self, number, host, prefix, *flags):
        node = super().make(number, host, prefix, *flags)
        node.places, node.stores = number == 0, number > 0
        return node

    def text(self, members):
        return super().text([n for n in members if n > 0])


def measure_router():
    ring = Routed(os.path.join(here, "routed"), 4, factor=1).start()
    load = Load(ring)
    load(2)
    cost = load.costs()[0]
    for node in ring.nodes:
        node.stop()
    print(f"router                   {cost:6.3f} us/sample", flush=True)
    return {"router_cpu_us": cost}


try:
    figures = measure_one()
    figures.update(measure_three(figures["one_cpu_us"]))
    figures.update(measure_router())
finally:
    shutil.rmtree(here, ignore_errors=True)
placing = subprocess.run([os.path.join(os.path.dirname(servers.lib.MNEME), "bench", "ring")],
                         capture_output=True, text=True, check=True).stdout.splitlines()
print("\n".join(placing[:-1]))
for key, most in GOALS.items():
    if figures[key] > most:
        print(f"missed: {key} {figures[key]:.3f}, goal {most}")
print(json.dumps({"bench": "ring", "series": SERIES,
                  **{key: round(value, 3) for key, value in figures.items()},
                  "placing": json.loads(placing[-1])}))
