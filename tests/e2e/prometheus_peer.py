#!/usr/bin/env python3
"""The main job: a real Prometheus scrapes itself and a node exporter every second and
remote-writes to `mneme all`. Then every series and sample that it holds is answered the same by
mneme, and by a second Prometheus that reads mneme through remote_read."""
import json
import os
import time
import urllib.parse

import lib

SECONDS = int(os.environ.get("SCRAPE_SECONDS", "60"))

lib.need("prometheus", "prometheus-node-exporter")
here = lib.work_dir()
checks = lib.Checks()
mneme = lib.Mneme(here).start()
exporter_port = lib.free_port()
lib.start(["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{exporter_port}"],
          os.path.join(here, "exporter.log"))

REMOTE_WRITE = f"""
remote_write:
  - url: http://127.0.0.1:{mneme.write}/api/v1/receive
    queue_config: {{batch_send_deadline: 1s}}
"""
SCRAPES = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["SELF"]}}]
  - job_name: node
    static_configs: [{{targets: ["127.0.0.1:{exporter_port}"]}}]
"""
writer = lib.Prometheus(os.path.join(here, "writer"), SCRAPES + REMOTE_WRITE).start()
reader = lib.Prometheus(os.path.join(here, "reader"), f"""
remote_read:
  - url: http://127.0.0.1:{mneme.http}/api/v1/read
    read_recent: true
""").start()


def range_of(port, query, begin, end, step):
    data = lib.api(port, "query_range", query=query, start=begin, end=end, step=step)
    return lib.by_labels(data["result"])


def sent(port):
    """Samples in flight: pending ones of the queue and what was not read from the WAL yet."""
    _, _, body = lib.request(port, "GET", "/metrics")
    values = {}
    for line in body.decode().splitlines():
        if line.startswith(("prometheus_remote_storage", "prometheus_tsdb_head_max")):
            values[line.split("{")[0].split(" ")[0]] = float(line.rsplit(" ", 1)[1])
    return values


begin = int(time.time())
time.sleep(SECONDS)
# Without scrape jobs Prometheus writes stale markers and goes quiet, so that both can be compared.
writer.configure("global: {scrape_interval: 1s}\n" + REMOTE_WRITE)
writer.reload()


def drained():
    v = sent(writer.port)
    behind = (v["prometheus_tsdb_head_max_time_seconds"]
              - v["prometheus_remote_storage_queue_highest_sent_timestamp_seconds"])
    return v["prometheus_remote_storage_samples_pending"] == 0 and behind < 0.002


time.sleep(3)
lib.wait_until(drained, 60, "the remote-write queue to drain")
end = int(time.time()) + 1
every = '{__name__=~".+"}'


def same(got, want, what):
    assert set(want) == set(got), (what, "series", list(set(want) ^ set(got))[:3],
                                   len(want), len(got))
    for labels, values in want.items():
        assert got[labels] == values, (what, labels, values[:3], got[labels][:3],
                                       len(values), len(got[labels]))


with checks.check("nothing was refused or dropped"):
    metrics = sent(writer.port)
    assert metrics["prometheus_remote_storage_samples_failed_total"] == 0, metrics
    assert metrics["prometheus_remote_storage_samples_dropped_total"] == 0, metrics

with checks.check("every raw sample is the same"):
    window = dict(query=f"{every}[{end - begin + 30}s]", time=end)
    want = lib.by_labels(lib.api(writer.port, "query", **window)["result"])
    got = lib.by_labels(lib.api(mneme.http, "query", **window)["result"])
    assert len(want) > 500 and sum(map(len, want.values())) > 500 * SECONDS // 2, len(want)
    print(f"        {len(want)} series, {sum(map(len, want.values()))} samples")
    same(got, want, "raw")

with checks.check("query_range answers the same at every second"):
    same(range_of(mneme.http, every, begin, end, 1), range_of(writer.port, every, begin, end, 1),
         "range")

with checks.check("rates, aggregations and offsets are the same"):
    # At odd milliseconds, for Debian's 2.42 still counts a sample at the left end of a range; and
    # only where windows are full, for it extrapolates a counter's first samples further than 3.x.
    full = begin + min(32, SECONDS // 2)
    for query in ["rate(node_cpu_seconds_total[10s])",
                  "sum by (mode) (rate(node_cpu_seconds_total[20s]))",
                  "sum(up)", "count by (job) (up)", "max_over_time(go_goroutines[15s])",
                  "avg_over_time(process_resident_memory_bytes[15s]) / 1024",
                  "increase(node_context_switches_total[10s])", "up offset 10s",
                  f"up @ {begin + 20}.5",
                  "min without (device) (node_network_up)", "avg(go_goroutines) > 3",
                  "irate(prometheus_tsdb_head_samples_appended_total[10s])"]:
        got = range_of(mneme.http, query, full + 0.0037, end + 0.0037, 1)
        want = range_of(writer.port, query, full + 0.0037, end + 0.0037, 1)
        assert set(got) == set(want) and want, (query, len(got), len(want))
        for labels, values in want.items():
            assert [t for t, _ in values] == [t for t, _ in got[labels]], (query, labels)
            for (_, a), (_, b) in zip(values, got[labels]):
                close = abs(float(a) - float(b)) <= 1e-12 * max(abs(float(a)), abs(float(b)))
                assert a == b or close, (query, labels, a, b)

with checks.check("Prometheus reads mneme through remote_read and sees the same"):
    same(range_of(reader.port, every, begin, end, 1), range_of(writer.port, every, begin, end, 1),
         "remote read")

with checks.check("labels, label values and series are the same"):
    span = dict(start=begin - 60, end=end)
    for endpoint in ["labels", "label/__name__/values", "label/job/values", "label/mode/values"]:
        got, want = (lib.api(port, endpoint, **span) for port in [mneme.http, writer.port])
        assert got == want and want, (endpoint, got, want)
    for match in ["up", '{job="node"}', '{__name__=~"node_.*_total",device!=""}']:
        key = lambda s: sorted(s.items())
        got = sorted(lib.api(mneme.http, "series", **{"match[]": match}, **span), key=key)
        want = sorted(lib.api(writer.port, "series", **{"match[]": match}, **span), key=key)
        assert got == want and want, (match, len(got), len(want))

with checks.check("the same after a clean restart"):
    mneme.stop()
    mneme.start()
    same(range_of(mneme.http, every, begin, end, 1), range_of(writer.port, every, begin, end, 1),
         "restarted")
checks.end()
