#!/usr/bin/env python3
"""Rules and limits in files that change under way: a real Prometheus writes through relabelling
rules and into several tenants; each limit is answered with its status and counted; and while rules
and limits are reloaded again and again, no write is refused or lost."""
import json
import os
import signal
import subprocess
import time

import lib
from wire import PROTO, sample, series, snappy

lib.need("prometheus")
here = lib.work_dir()
checks = lib.Checks()
RULES, LIMITS = os.path.join(here, "rules.yml"), os.path.join(here, "limits.yml")
NO_OOO_LIMIT = "--tsdb.out-of-order.time-window=3h"


def write_file(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


write_file(RULES, """
- {source_labels: [__name__], regex: 'go_.*', action: drop}
- {source_labels: [__name__], regex: 'prometheus_.*|up|net_.*|process_.*', action: keep}
- {source_labels: [__name__, job], regex: 'up;(.*)', target_label: origin, replacement: 'job-$1'}
- {source_labels: [job], regex: 'b', target_label: team, replacement: 'team-b'}
- {regex: 'instance', action: labeldrop}
- {source_labels: [job], target_label: shard, modulus: 4, action: hashmod}
""")
write_file(LIMITS, "write: {}\n")
mneme = lib.Mneme(here, f"--receive.relabel-config-file={RULES}",
                  f"--receive.limits-config-file={LIMITS}", NO_OOO_LIMIT,
                  "--receive.split-tenant-label-name=team").start()


def metric(name):
    _, _, body = lib.request(mneme.http, "GET", "/metrics")
    for line in body.decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def reloads():
    return (metric("thanos_receive_limits_config_reload_total")
            + metric("mneme_receive_relabel_config_reload_total"))


def change(path, text):
    """Within the time that a file is looked at."""
    before = reloads()
    write_file(path, text)
    lib.wait_until(lambda: reloads() > before, 5, "the file to be read")


def post(message, tenant=None, path="receive"):
    headers = {**PROTO, **({"THANOS-TENANT": tenant} if tenant else {})}
    status, answer, body = lib.request(mneme.write, "POST", f"/api/v1/{path}", snappy(message),
                                       headers)
    return status, answer, body.decode(errors="replace")


def query(text, tenant="default-tenant"):
    data = lib.api(mneme.http, "query", {"THANOS-TENANT": tenant}, query=text)
    return {tuple(sorted(s["metric"].items())): s["value"][1] for s in data["result"]}


def now_ms():
    return int(time.time() * 1000)


# --- a real sender -------------------------------------------------------------------------------

writer = lib.Prometheus(os.path.join(here, "writer"), f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - {{job_name: a, static_configs: [{{targets: ["SELF"]}}]}}
  - {{job_name: b, static_configs: [{{targets: ["SELF"]}}]}}
remote_write:
  - url: http://127.0.0.1:{mneme.write}/api/v1/receive
    queue_config: {{batch_send_deadline: 1s}}
""").start()

with checks.check("relabelled series of Prometheus arrive"):
    lib.wait_until(lambda: query("up"), 30, "up")
    time.sleep(3)
    up = query("up")
    assert list(up) == [(("__name__", "up"), ("job", "a"), ("origin", "job-a"), ("shard", "1"))], up
    assert not query('{__name__=~"go_.*"}')
    assert len(query('{__name__=~"prometheus_.*"}')) > 100
    assert not query('{__name__!="",instance!=""}')
    assert metric("mneme_receive_relabel_dropped_series_total") > 0

with checks.check("the split label names the tenant, and is gone"):
    up = query("up", "team-b")
    assert len(up) == 1, up
    labels = dict(next(iter(up)))
    assert labels["job"] == "b" and "team" not in labels, labels
    assert not query('{job="b"}')
    assert os.path.isdir(mneme.tenant("team-b"))

with checks.check("nothing was refused"):
    _, _, body = lib.request(writer.port, "GET", "/metrics")
    failed = [line for line in body.decode().splitlines()
              if line.startswith(("prometheus_remote_storage_samples_failed_total{",
                                  "prometheus_remote_storage_samples_dropped_total{"))]
    assert failed and all(line.endswith(" 0") for line in failed), failed
writer.stop()

# --- each limit ----------------------------------------------------------------------------------

change(RULES, "[]\n")
change(LIMITS, """
write:
  global: {max_concurrency: 30}
  default: {}
  tenants:
    bytes: {request: {size_bytes_limit: 60}}
    series: {request: {series_limit: 2}}
    samples: {request: {samples_limit: 2}}
    head: {head_series_limit: 2}
    labels: {label_limit: 2, label_name_length_limit: 10, label_value_length_limit: 20}
    rate: {ingestion_rate: {samples_per_second: 2, burst: 4}}
    late: {out_of_order_time_window: 10m}
    early: {too_far_in_future_time_window: 1m}
""")


def many(n, samples=1):
    return b"".join(series([("__name__", "m"), ("i", str(i))],
                           *[sample(now_ms() + k, k) for k in range(samples)]) for i in range(n))


def one(labels, t_ms=None):
    return series(labels, sample(t_ms or now_ms(), 1))


def limited(tenant, kind, message, want, words, hits=1):
    before = metric(f'mneme_receive_limit_hits_total{{tenant="{tenant}",limit="{kind}"}}')
    status, headers, reason = post(message, tenant)
    assert status == want, (status, reason)
    assert all(word in reason for word in words), reason
    assert ("Retry-After" in headers) == (want == 429), headers
    after = metric(f'mneme_receive_limit_hits_total{{tenant="{tenant}",limit="{kind}"}}')
    assert after == before + hits, (before, after)
    return headers


with checks.check("a request's bytes: 413"):
    assert post(many(1), "bytes")[0] == 200
    limited("bytes", "body_size", many(2), 413, ["too large", "limit 60"])
with checks.check("a request's series: 413"):
    assert post(many(2), "series")[0] == 200
    limited("series", "series", many(3), 413, ["too many timeseries"])
with checks.check("a request's samples: 413"):
    assert post(many(1, 2), "samples")[0] == 200
    limited("samples", "samples", many(1, 3), 413, ["too many samples"])
with checks.check("series of the head: 429, and those that are there go on"):
    assert post(many(2), "head")[0] == 200
    limited("head", "head_series", many(4), 429, ["active series limit", "2 series"], hits=2)
    assert post(many(2), "head")[0] == 200
    assert len(query("m", "head")) == 2
    assert metric('thanos_receive_head_series_limited_requests_total{tenant="head"}') == 1
    assert metric('thanos_receive_head_series_limit{tenant="head"}') == 2
with checks.check("labels: the bad series alone"):
    good = one([("__name__", "m"), ("a", "x")])
    limited("labels", "labels", good + one([("__name__", "m"), ("a", "x"), ("b", "y")]), 409,
            ["too many labels"])
    limited("labels", "label_name_length", good + one([("__name__", "m"), ("a" * 11, "x")]), 409,
            ["too long"])
    limited("labels", "label_value_length", good + one([("__name__", "m"), ("a", "x" * 21)]), 409,
            ["too long"])
    assert post(one([("__name__", "m"), ("a", "x" * 21)]), "labels", "write")[0] == 400
    assert len(query("m", "labels")) == 1
with checks.check("a rate: 429 with the time that it takes"):
    assert post(many(4), "rate")[0] == 200
    headers = limited("rate", "ingestion_rate", many(4), 429, ["ingestion rate", "limit 2"])
    time.sleep(int(headers["Retry-After"]))
    assert post(many(4), "rate")[0] == 200
with checks.check("a narrower window for late samples"):
    labels = [("__name__", "m")]
    for tenant in ["late", "other"]:
        assert post(one(labels), tenant)[0] == 200
        assert post(one(labels, now_ms() - 300_000), tenant)[0] == 200
    limited("late", "out_of_order_window", one(labels, now_ms() - 1_200_000), 409, ["too old"])
    assert post(one(labels, now_ms() - 1_200_000), "other")[0] == 200
with checks.check("a window for the future"):
    assert post(one(labels, now_ms() + 30_000), "early")[0] == 200
    limited("early", "future_window", one(labels, now_ms() + 300_000), 409, ["out of bounds"])
with checks.check("a limit is changed within seconds"):
    change(LIMITS, "write: {tenants: {head: {head_series_limit: 3}}}\n")
    status, _, reason = post(many(4), "head")
    assert status == 429 and "1 series" in reason, (status, reason)
    assert len(query("m", "head")) == 3
with checks.check("a faulty file is told and changes nothing"):
    change(LIMITS, "write:\n  tenants:\n    head: {head_series_limits: 9}\n")
    assert post(many(5), "head")[0] == 429
    assert "line 3, column 12" in mneme.tail() and "head_series_limit" in mneme.tail()
    assert metric("thanos_receive_limits_config_reload_err_total") == 1
    change(RULES, "- {action: nothing}\n")
    assert "unknown relabel action" in mneme.tail()
    change(LIMITS, "write: {}\n")
    change(RULES, "[]\n")
    assert post(many(5), "head")[0] == 200
with checks.check("a series' own tenant must be a name; the others are stored"):
    status, _, reason = post(one([("__name__", "m"), ("team", "../x")])
                             + one([("__name__", "stored")]))
    assert status == 400 and "tenant name not valid" in reason, (status, reason)
    assert query("stored")

# --- reloads under load --------------------------------------------------------------------------

SERIES, SAMPLES, SECONDS = 8000, 100, 15
with checks.check("no write is refused or lost while rules and limits change"):
    change(RULES, "- {target_label: generation, replacement: g0}\n")
    loader = subprocess.Popen([lib.LOADGEN, "--url",
                               f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                               "--series", str(SERIES), "--samples-per-series", str(SAMPLES),
                               "--rate", str(SERIES * SAMPLES // SECONDS)], stdout=subprocess.PIPE)
    done = 0
    while loader.poll() is None or done < 3:
        write_file(RULES, f"- {{target_label: generation, replacement: 'g{done % 3}'}}\n")
        write_file(LIMITS, f"write: {{default: {{head_series_limit: {100_000 + done}}}}}\n")
        before = reloads()
        mneme.process.send_signal(signal.SIGHUP)
        lib.wait_until(lambda: reloads() > before, 5, "a reload")
        done += 1
        time.sleep(0.1)
    report = json.loads(loader.stdout.read().decode().strip().splitlines()[-1])
    print(f"        {done} reloads, {report['samples']} samples in {report['seconds']:.1f} s")
    assert loader.returncode == 0 and report["non_2xx"] == 0 and report["lost"] == 0, report
    assert report["samples"] == SERIES * SAMPLES, report
    counts = {}
    for name in lib.api(mneme.http, "label/__name__/values", **{"match[]": '{generation!=""}'}):
        data = lib.api(mneme.http, "query", time=f"{time.time() + 60:.3f}",
                       query=f'sum by (generation) (count_over_time({name}{{generation!=""}}[1d]))')
        for s in data["result"]:
            generation = s["metric"]["generation"]
            counts[generation] = counts.get(generation, 0) + int(s["value"][1])
    print(f"        {counts}")
    assert sum(counts.values()) == SERIES * SAMPLES and len(counts) > 1, counts
mneme.stop()

# --- tenants by certificate ----------------------------------------------------------------------

with checks.check("a bad file, or a certificate field without certificates, is no start"):
    for flags, words in [(["--receive.relabel-config=- {action: x}"], "unknown relabel action"),
                         (["--receive.limits-config=write: {x: 1}"], "unknown key"),
                         (["--receive.tenant-certificate-field=commonName"], "client-ca")]:
        other = lib.Mneme(os.path.join(here, "other"), *flags)
        done = subprocess.run(other.argv(), capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and words in done.stderr, (done.returncode, done.stderr)


def openssl(*argv):
    subprocess.run(["openssl", *argv], cwd=here, check=True, capture_output=True)


with checks.check("the certificate names the tenant, whatever the headers say"):
    for name, subject in [("ca", "/CN=ca"), ("server", "/CN=localhost"),
                          ("client", "/O=org-a/OU=unit-a/CN=name-a"), ("nobody", "/CN=name-b")]:
        sign = [] if name == "ca" else ["-CA", "ca.crt", "-CAkey", "ca.key"]
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "2", "-subj", subject, "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", f"{name}.key", "-out", f"{name}.crt", *sign)
    path = lambda name: os.path.join(here, name)
    mneme = lib.Mneme(os.path.join(here), f"--remote-write.server-tls-cert={path('server.crt')}",
                      f"--remote-write.server-tls-key={path('server.key')}",
                      f"--remote-write.server-tls-client-ca={path('ca.crt')}",
                      "--receive.tenant-certificate-field=organization").start()
    with open(path("body"), "wb") as f:
        f.write(snappy(one([("__name__", "by_certificate")])))

    def curl(client):
        done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", "--cacert", path("ca.crt"),
                               "--cert", path(f"{client}.crt"), "--key", path(f"{client}.key"),
                               "-H", "THANOS-TENANT: forged",
                               "-H", "Content-Type: application/x-protobuf",
                               "--data-binary", f"@{path('body')}",
                               f"https://127.0.0.1:{mneme.write}/api/v1/receive"],
                              capture_output=True, text=True)
        return done.stdout + done.stderr
    answer = curl("client")
    assert answer == "200", answer
    assert query("by_certificate", "org-a") and not query("by_certificate", "forged")
    reason = curl("nobody")
    assert reason.endswith("400") and "organization field from client cert" in reason, reason
    mneme.stop()
checks.end()
