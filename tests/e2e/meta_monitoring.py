#!/usr/bin/env python3
"""Limits of head series by meta-monitoring: Debian's Prometheus scrapes two receivers and tells one
how many series a tenant has in both. Behind TLS of another name and a password, switched on by a
reload; requests of a tenant above its limit are 429 as a whole, a tenant that leaves the answer may
write again, and a monitoring that is gone refuses nobody for long (takes 2 minutes)."""
import os
import subprocess
import time

import lib
from wire import sample, series, snappy

lib.need("prometheus", "openssl")
here = lib.work_dir()
checks = lib.Checks()
LIMITS = os.path.join(here, "limits.yml")
PASSWORD, HASH = ("correct-horse-battery",
                  "$2b$10$abcdefghijklmnopqrstuuVXnBLFLU5JfGWbrHXddZ/3PyNLGYeqO")
FAILED = "thanos_receive_metamonitoring_failed_queries_total"
INTERVAL, KEPT = 15, 60


def path(name):
    return os.path.join(here, name)


def write_file(name, text):
    with open(path(name + ".new"), "w") as f:
        f.write(text)
    os.rename(path(name + ".new"), path(name))


subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=monitor.example",
                "-addext", "subjectAltName=DNS:monitor.example", "-keyout", path("m.key"),
                "-out", path("m.crt")], check=True, capture_output=True)
write_file("web.yml", f"""
tls_server_config: {{cert_file: m.crt, key_file: m.key}}
basic_auth_users: {{reader: "{HASH}"}}
""")
write_file("password", PASSWORD + "\n")
write_file("limits.yml", "write: {default: {head_series_limit: 0}}\n")

os.mkdir(path("one"))
os.mkdir(path("two"))
one = lib.Mneme(path("one"), f"--receive.limits-config-file={LIMITS}").start()
two = lib.Mneme(path("two")).start()


class Monitor(lib.Prometheus):
    def start(self):
        self.process = lib.start(["prometheus", f"--config.file={self.config}",
                                  f"--storage.tsdb.path={self.data}",
                                  f"--web.config.file={path('web.yml')}",
                                  f"--web.listen-address=127.0.0.1:{self.port}"], self.log)
        return self


monitor = Monitor(path("prometheus"), f"""
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: mneme
  static_configs: [{{targets: ['127.0.0.1:{one.http}', '127.0.0.1:{two.http}']}}]
""").start()


def limits(rest, query="sum(prometheus_tsdb_head_series) by (tenant)"):
    write_file("limits.yml", f"""
write:
  global:
    meta_monitoring_url: https://127.0.0.1:{monitor.port}
    meta_monitoring_limit_query: '{query}'
    meta_monitoring_http_client:
      basic_auth: {{username: reader, password_file: {path('password')}}}
      tls_config: {{ca_file: {path('m.crt')}, server_name: monitor.example}}
  {rest}
""")


def write(mneme, tenant, first, count, door="receive"):
    """(status, Retry-After, text) of a request with so many series."""
    now = int(time.time() * 1000)
    body = b"".join(series([("__name__", "m"), ("i", str(i))], sample(now, 1))
                    for i in range(first, first + count))
    status, headers, text = lib.request(mneme.write, "POST", f"/api/v1/{door}", snappy(body), {
        "THANOS-TENANT": tenant, "Content-Type": "application/x-protobuf"})
    return status, headers.get("Retry-After"), text.decode()


def metric(name):
    for line in lib.request(one.http, "GET", "/metrics")[2].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0


with checks.check("series in another receiver count, from a reload on"):
    assert write(one, "shared", 0, 40)[0] == 200 and write(two, "shared", 100, 60)[0] == 200
    assert write(one, "small", 0, 5)[0] == 200
    time.sleep(3)  # a scrape or two
    began = time.monotonic()
    limits("default: {head_series_limit: 100}")
    lib.wait_until(lambda: write(one, "shared", 0, 1)[0] == 429, 40, "the tenant to be refused")
    print(f"        after {time.monotonic() - began:.1f} s", flush=True)
    for door in "receive", "write":
        status, after, text = write(one, "shared", 0, 1, door)  # a series that is there already
        assert (status, after) == (429, str(INTERVAL)), (status, after)
        assert "above active series limit: 100 series in all receivers, limit 100" in text, text
    assert write(one, "small", 0, 5)[0] == 200
    assert write(two, "shared", 100, 60)[0] == 200  # which has no limits
    assert metric('thanos_receive_head_series_limited_requests_total{tenant="shared"}') >= 2
    assert metric('mneme_receive_limit_hits_total{tenant="shared",limit="head_series"}') >= 2

with checks.check("a higher limit lets it in again, and its own head still counts exactly"):
    limits("tenants: {shared: {head_series_limit: 101}}")
    lib.wait_until(lambda: write(one, "shared", 0, 40)[0] == 200, 10, "the tenant to be let in")
    time.sleep(INTERVAL + 3)
    assert write(one, "shared", 0, 40)[0] == 200
    status, _, text = write(one, "shared", 1000, 100)  # 61 of them have room
    assert status == 429 and "all receivers" not in text, (status, text)

with checks.check("a tenant that the next answer leaves out may write"):
    limits("default: {head_series_limit: 1}",
           f'sum(prometheus_tsdb_head_series * (time() < bool {time.time() + 10:.0f})) '
           'by (tenant) > 0')
    lib.wait_until(lambda: write(one, "small", 0, 1)[0] == 429, 9, "the tenant to be refused")
    lib.wait_until(lambda: write(one, "small", 0, 1)[0] == 200, INTERVAL + 5, "the next answer")

with checks.check("without monitoring the last answer counts for a while, then nobody is refused"):
    limits("default: {head_series_limit: 3}")
    lib.wait_until(lambda: write(one, "small", 0, 1)[0] == 429, 9, "the tenant to be refused")
    monitor.stop()
    failed, began = metric(FAILED), time.monotonic()
    lib.wait_until(lambda: metric(FAILED) > failed, INTERVAL + 5, "a failed question")
    assert write(one, "small", 0, 1)[0] == 429
    lib.wait_until(lambda: write(one, "small", 0, 1)[0] == 200, KEPT + 2 * INTERVAL, "an end of it")
    assert time.monotonic() - began > KEPT - INTERVAL - 1, time.monotonic() - began
    assert write(one, "small", 0, 5)[0] == 200
    assert write(one, "small", 9, 1)[0] == 429  # by the head

with checks.check("no secret is told, and a stop waits for no answer"):
    with open(one.log) as f:
        log = f.read()
    assert log.count("meta-monitoring does not tell") == 1, log
    config = lib.request(one.http, "GET", "/api/v1/status/config")[2].decode()
    assert PASSWORD not in log + config
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 8
two.stop()
checks.end()
