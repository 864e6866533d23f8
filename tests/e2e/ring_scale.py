#!/usr/bin/env python3
"""From three nodes to five and back under load, by files that are swapped on one node after the
other: no 5xx, no acknowledged sample lost; those that leave are drained one after the other."""
import json
import os
import time

import lib
import ring_lib

SECONDS = int(os.environ.get("SCALE_SECONDS", "8"))  # of each state
SERIES, RATE = 800, 4000
FEW, MANY = range(3), range(5)

ring_lib.enter()
here = lib.work_dir()
checks = lib.Checks()
ring = ring_lib.Ring(here, 5, "--tsdb.out-of-order.time-window=2h", size=3)
for number in FEW:
    ring[number].start(wait=False)
for number in FEW:
    lib.wait_until(ring[number].ready, 60, f"node {number}")
stay = [ring[number] for number in FEW]
load = ring_lib.Load(here, SERIES, **{"request-samples": 100})


def under_load(what, act, look):
    """`act` in the middle of a load through the nodes that stay; then `look`."""
    with checks.check(what):
        load.begin(stay, SECONDS * RATE // SERIES, RATE)
        time.sleep(SECONDS / 3)
        act()
        report = load.end()
        print(f"        {report['samples']} samples, p99 {report['p99_ms']:.1f} ms, longest "
              f"{report['max_ms']:.1f} ms, resident MiB {ring.memory()}")
        assert report["non_2xx"] == 0, report
        look()


def nothing():
    pass


def replicas_of(members):
    def look():
        owners = ring.owners(load.tenant, load.labels, members)
        count, seconds = ring_lib.wait_for_replicas(ring.running(), owners, load, load.first)
        print(f"        {count} samples at their owners, equal after {seconds:.1f} s")
    return look


def readable_in(nodes):
    def look():
        began = time.monotonic()

        def readable():
            try:
                return ring_lib.check_readable(nodes, load)
            except AssertionError as e:
                if time.monotonic() - began > 55:
                    raise RuntimeError(str(e))
                return 0
        count = lib.wait_until(readable, 60, "all samples")
        assert count == load.sent * SERIES, (count, load.sent)
        print(f"        {count} samples")
    return look


def grow():
    for number in (3, 4):
        ring[number].start()
    ring.change(MANY, pause=0.3)


def leave(number):
    """By the runbook: out of the file, drained, stopped."""
    node = ring[number]
    ring.change(range(number), pause=0.3)
    status, _, body = lib.request(node.http, "POST", "/-/drain")
    assert status == 202, (status, body)

    def drained():
        status, _, body = lib.request(node.http, "GET", "/-/drain")
        assert status == 200, (status, body)
        return json.loads(body)["stage"] == "drained"

    lib.wait_until(drained, 60, f"node {number} to be drained")
    count = len(node.samples(load.tenant, 3600, time.time()))
    assert count > 0, "a drained node answers no queries"
    node.stop()


under_load("three nodes", nothing, replicas_of(FEW))
under_load("three become five", grow, readable_in(ring.nodes))
under_load("five nodes", nothing, replicas_of(MANY))
under_load("five become four", lambda: leave(4), readable_in(ring.nodes[:4]))
under_load("four become three", lambda: leave(3), readable_in(stay))
under_load("three nodes again", nothing, replicas_of(FEW))
checks.end()
