#!/usr/bin/env python3
"""Zones and regions. Three zones of two nodes behind one that only routes: a copy of each series in
each zone, and a whole zone may go. Then two regions of three nodes with --receive.local-zone: what
is far away, or cut off, delays and refuses no write, and has everything once it can be reached."""
import os
import time

import lib
import ring_lib

SECONDS = int(os.environ.get("ZONE_SECONDS", "6"))  # of each state
SERIES, RATE = 400, 1600
ROUTER = 6
FAR_MS, P99_MS_MAX = 500, 450  # a write that waited for the other region would take longer

ring_lib.enter()
here = lib.work_dir()
checks = lib.Checks()
ring = ring_lib.Ring(here, 7, "--tsdb.out-of-order.time-window=2h", size=6, zones="abcabc")
members, router = ring.nodes[:ROUTER], ring[ROUTER]
router.stores = False


def under_load(load, door, act=None, seconds=SECONDS, heal=None):
    """The report of a load during which something happens; then replicas get equal."""
    owners = ring.owners(load.tenant, load.labels)
    ring.settle()
    load.begin([door], (seconds + 2) * RATE // SERIES, RATE)
    time.sleep(1)
    if act:
        act()
    if heal:
        time.sleep(seconds)
        heal()
    report = load.end()
    print(f"        {report['samples']} samples, p99 {report['p99_ms']:.1f} ms, longest "
          f"{report['max_ms']:.1f} ms, resident MiB {ring.memory()}")
    assert report["non_2xx"] == 0, report
    _, took = ring_lib.wait_for_replicas(members, owners, load, load.first)
    print(f"        replicas equal after {took:.1f} s")
    return report


def zone(name):
    return [node for node in members if ring.zones[node.number] == name]


ring.start()
load = ring_lib.Load(here, SERIES, tenant="zones", **{"request-samples": 100})

with checks.check("each zone has one copy of each series"):
    for owners in ring.owners(load.tenant, load.labels):
        assert sorted(ring.zones[n] for n in owners) == ["a", "b", "c"], owners
    under_load(load, router, seconds=1)

with checks.check("a node that only routes stores nothing"):
    status, _, body = lib.request(router.http, "GET", "/api/v1/query?query=up")
    assert status == 503 and b"only routes" in body, (status, body)
    kept = os.listdir(router.data) if os.path.exists(router.data) else []
    assert load.tenant not in kept, kept

with checks.check("a zone is lost and comes back"):
    def lose():
        for node in zone("c"):
            node.kill()

    def bring_back():
        for node in zone("c"):
            node.start()

    under_load(load, router, lose, heal=bring_back)

for node in ring.nodes:
    node.stop()
ring.zones, ring.factor = ["eu", "eu", "eu", "us", "us", "us"], 4
for node in members:
    node.flags += (f"--receive.local-zone={ring.zones[node.number]}",)
ring.change(range(6))
for node in members:
    node.start(wait=False)
for node in members:
    lib.wait_until(node.ready, 60, f"node {node.number}")
load = ring_lib.Load(here, SERIES, tenant="regions", **{"request-samples": 100})
door = ring[0]


def lag():
    return max(max(node.metrics("mneme_replication_lag_seconds")) for node in zone("eu"))


with checks.check("each region has two copies of each series"):
    for owners in ring.owners(load.tenant, load.labels):
        assert sorted(ring.zones[n] for n in owners) == ["eu", "eu", "us", "us"], owners
    under_load(load, door, seconds=2)

if ring.net.can_fault:
    with checks.check("a region that is far away delays no write"):
        def far():
            for node in zone("us"):
                ring.net.disturb(node.number, delay_ms=FAR_MS)

        def near():
            print(f"        lag {lag():.1f} s")
            ring.net.heal(*(node.number for node in zone("us")))

        report = under_load(load, door, far, heal=near)
        assert report["p99_ms"] < P99_MS_MAX, report

    with checks.check("a region that is cut off delays no write, and catches up"):
        def cut_off():
            ring.net.cut_off(*(node.number for node in zone("us")))

        def reach():
            behind = lag()
            print(f"        lag {behind:.1f} s")
            assert behind > SECONDS / 2, behind
            ring.net.heal(*(node.number for node in zone("us")))

        report = under_load(load, door, cut_off, heal=reach)
        assert report["p99_ms"] < P99_MS_MAX, report
        lib.wait_until(lambda: lag() < 1, 30, "the lag to go")
else:
    checks.skip("a region far away, and one cut off", "no namespaces")

with checks.check("a region is lost for good: the other has all of it"):
    ring.settle()
    for node in zone("eu"):
        node.kill()
    count = ring_lib.check_readable(zone("us"), load)
    assert count == load.sent * SERIES, count
    print(f"        {count} samples")
checks.end()
