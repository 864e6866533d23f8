#!/usr/bin/env python3
"""A ring of five with three replicas, under load from bench/loadgen through every door and from a
real Prometheus through one: a node killed, two cut off, one far away, a lossy network, a full disk,
all restarted in turn, the ring changed. No 5xx while a quorum is up, no acknowledged sample lost,
all owners of a series equal within 60 s of healing, series by series, memory bounded."""
import http.client
import os
import re
import threading
import time

import lib
import ring_lib
import wire

SECONDS = int(os.environ.get("FAULT_SECONDS", "6"))  # of a fault
NODES, SERIES, RATE = 5, 640, 1920  # samples a second
DISK_MIB = 64
CUT_OFF = (3, 4)

lib.need("prometheus")
ring_lib.enter()
here = lib.work_dir()
checks = lib.Checks()
# Samples that a client sends through another door come later than what follows them, at a node
# that was away: rings with more than one door need a window.
ring = ring_lib.Ring(here, NODES, "--tsdb.out-of-order.time-window=2h")
FULL = ring[2]
if ring.net.can_fault:
    FULL.small_disk(DISK_MIB)
ring.start()
load = ring_lib.Load(here, SERIES, **{"request-samples": 80})
owners = ring.owners(load.tenant, load.labels)
spread = [sum(n in o for o in owners) for n in range(NODES)]
print(f"series of each node: {spread}")

REMOTE_WRITE = f"""
global: {{scrape_interval: 2s, scrape_timeout: 2s}}
remote_write:
  - url: {ring[0].door()}
    queue_config: {{batch_send_deadline: 1s, max_backoff: 1s}}
"""
targets = ", ".join(f'"{node.http}"' for node in ring.nodes)
prometheus = lib.Prometheus(os.path.join(here, "prometheus"), REMOTE_WRITE + f"""
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["SELF"]}}]
  - job_name: mneme
    static_configs: [{{targets: [{targets}]}}]
""").start()


def fault(what, spoil, heal, refusals=0, seconds=SECONDS, through=ring.nodes):
    """Load for a while, spoilt in the middle of it and healed before its end; then replicas must
    get equal. `refusals`: answers of 5xx that are right."""
    with checks.check(what):
        load.begin(through, (seconds + 4) * RATE // SERIES, RATE)
        time.sleep(1)
        spoil()
        try:
            time.sleep(seconds)
        finally:
            heal()
        healed = time.monotonic()
        report = load.end()
        print(f"        {report['samples']} samples, {report['status_5xx']} times 5xx, "
              f"{report['lost']} connections lost, p99 {report['p99_ms']:.0f} ms, longest "
              f"{report['max_ms']:.0f} ms, resident MiB {ring.memory()}")
        assert refusals is None or report["status_5xx"] <= refusals, report
        count, _ = ring_lib.wait_for_replicas(ring.nodes, owners, load, load.first)
        assert count == report["samples"], (count, report)
        print(f"        replicas equal {time.monotonic() - healed:.1f} s after healing")


def all_but(*numbers):
    return [node for node in ring.nodes if node.number not in numbers]


def nothing():
    pass


class Sender(threading.Thread):
    """One sample after the other of chosen series through the given nodes; statuses that were not
    200 are kept."""

    def __init__(self, nodes, chosen):
        super().__init__(daemon=True)
        self.nodes, self.chosen, self.over = nodes, chosen, False
        self.sent, self.refused = {}, []

    def run(self):
        t_ms = int(time.time() * 1000)
        while not self.over:
            node = self.nodes[len(self.sent) % len(self.nodes)]
            labels = self.chosen[len(self.sent) % len(self.chosen)]
            t_ms += 1
            row = wire.series(sorted(labels.items()), wire.sample(t_ms, len(self.sent)))
            try:
                status, _, body = lib.request(node.write, "POST", "/api/v1/receive",
                                              wire.snappy(row), wire.PROTO)
            except (OSError, http.client.HTTPException) as e:
                status, body = 0, str(e)
            self.sent[t_ms] = labels
            if status != 200:
                self.refused.append((node.number, status, body))
            time.sleep(0.02)


def candidates(tenant, cut_off):
    """Series that keep two owners without the nodes that are cut off."""
    series = [{"__name__": "chosen", "n": str(n)} for n in range(40)]
    return [labels for labels, o in zip(series, ring.owners(tenant, series))
            if len(set(o) - set(cut_off)) >= 2]


def check_cut_off():
    """Series with a quorum on our side see nothing of it; the others get theirs in after healing,
    for their senders were told to try again."""
    near = all_but(*CUT_OFF)
    sender = Sender(near, candidates("default-tenant", CUT_OFF))

    def spoil():
        ring.net.cut_off(*CUT_OFF)
        sender.start()

    def heal():
        sender.over = True
        sender.join(10)
        ring.net.heal(*CUT_OFF)

    fault("two nodes are cut off", spoil, heal, refusals=None, through=near)
    with checks.check("series with a quorum outside were never refused"):
        assert len(sender.sent) > 20 * SECONDS and not sender.refused, (
            len(sender.sent), len(sender.refused), sender.refused[:3])
        print(f"        {len(sender.sent)} writes")


def check_own_door():
    """A node with a full disk has nowhere to keep its own copy of what it takes for the ring."""
    with checks.check("writes through a node with a full disk are not refused, and not lost"):
        load.begin([FULL], (SECONDS + 2) * RATE // SERIES, RATE)
        time.sleep(1)
        FULL.fill_disk()
        time.sleep(SECONDS)
        FULL.free_disk()
        report = load.end()
        assert report["status_5xx"] == 0, report
        count = ring_lib.check_readable(ring.nodes, load, load.first)
        assert count == report["samples"], (count, report)
        here = [len(have) for i, have in enumerate(load.stored(FULL, load.first))
                if FULL.number in owners[i]]
        print(f"        {count} samples, of its own copies {sum(here)} of "
              f"{len(here) * (load.sent - load.first)} are there")


def restart_all():
    for node in ring.nodes:
        node.stop()
        node.start()
        ring.settle()  # as the runbook says


def check_ring_change(what, members):
    """Samples are where either ring puts them while it changes, and where the new one does from
    then on."""
    global owners
    with checks.check(what):
        load.begin(ring.nodes, (SECONDS + 2) * RATE // SERIES, RATE)
        time.sleep(SECONDS / 2)
        ring.change(members, pause=0.3)
        report = load.end()
        assert report["status_5xx"] == 0, report
        assert ring_lib.check_readable(ring.nodes, load, load.first) == report["samples"]
        before, owners = owners, ring.owners(load.tenant, load.labels)
        moved = sum(a != b for a, b in zip(before, owners))
        print(f"        {moved} of {SERIES} series have other owners")
        assert 0 < moved
        fault("and after it", nothing, nothing, seconds=2)


fault("nothing happens", nothing, nothing, seconds=2)
# The door of Prometheus, too.
fault("a node is killed", ring[0].kill, ring[0].start)
if ring.net.can_fault:
    check_cut_off()
    far_away = lambda: ring.net.disturb(1, delay_ms=2000), lambda: ring.net.heal(1)
    fault("a node is 2 s away", *far_away, through=all_but(1))
    # It needs another node's vote, whose turn comes after the message under way: refused in time.
    fault("and writes come by its door", *far_away, refusals=None, through=[ring[1]])
    fault("5 % of the packets of a node are lost", lambda: ring.net.disturb(4, loss=0.05),
          lambda: ring.net.heal(4))
    fault("a disk is full", FULL.fill_disk, FULL.free_disk, through=all_but(FULL.number))
    check_own_door()
else:
    for name in ["two nodes are cut off", "a node is 2 s away", "packets are lost", "full disks"]:
        checks.skip(name, "no namespaces")
fault("all are restarted in turn", restart_all, nothing, seconds=SECONDS)
check_ring_change("a node leaves the ring", range(4))
check_ring_change("and comes back", range(5))

with checks.check("nothing that was acknowledged in all this time is lost"):
    count = ring_lib.check_readable(ring.nodes, load)
    assert count == load.sent * SERIES, (count, load.sent)
    print(f"        {count} samples")

with checks.check("Prometheus got everything in"):
    prometheus.configure(REMOTE_WRITE)
    prometheus.reload()
    want, now = {}, time.time() + 5
    time.sleep(3)

    def everything():
        have = {}
        for node in ring.nodes:
            for labels, values in node.samples("default-tenant", 600, now).items():
                have.setdefault(labels, {}).update(values)
        want.update(lib.by_labels(lib.api(prometheus.port, "query", query='{__name__!=""}[600s]',
                                          time=now)["result"]))
        return all(dict(values).items() <= have.get(labels, {}).items()
                   for labels, values in want.items())

    lib.wait_until(everything, 30, "all samples of Prometheus")
    count = sum(map(len, want.values()))
    assert count > 10000, count
    text = lib.request(prometheus.port, "GET", "/metrics")[2].decode()
    for name in ["failed", "dropped"]:
        lost = re.findall(rf"^prometheus_remote_storage_samples_{name}_total\S* (\S+)$", text, re.M)
        assert lost and all(float(n) == 0 for n in lost), (name, lost)
    print(f"        {len(want)} series, {count} samples, resident MiB {ring.memory()}")
checks.end()
