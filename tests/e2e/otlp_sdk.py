#!/usr/bin/env python3
"""OpenTelemetry's Python SDK sends metrics of every kind over OTLP/HTTP, and what it sent is read
back exactly: names, labels, values and times, classic and exponential histograms, exemplars,
target_info. Delta sums are refused with their reason beside stored ones. Then texts of Prometheus'
Python client and of curl. Needs PyPI for a virtual environment of pinned packages (VENV: where it
is kept)."""
import gzip
import json
import math
import os
import subprocess
import sys

import lib

PACKAGES = ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2",
            "prometheus-client==0.25.0"]
VENV = os.environ.get("VENV", os.path.join(os.path.dirname(lib.MNEME), "otlp-venv"))
INSTALL_SECONDS_MAX = 240
SENDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "otlp_sender.py")

lib.need("curl")
here = lib.work_dir()


def prepare():
    """The Python of the environment; installs it once for these packages."""
    python, mark = os.path.join(VENV, "bin", "python"), os.path.join(VENV, "packages")
    if os.path.exists(mark) and open(mark).read().split() == PACKAGES:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True,
                       timeout=INSTALL_SECONDS_MAX)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                        *PACKAGES], check=True, timeout=INSTALL_SECONDS_MAX)
    except (OSError, subprocess.SubprocessError) as e:
        print(f"no environment with OpenTelemetry's SDK: {e}")
        print("count: 0 passed, 0 failed, 1 skipped")
        sys.exit(77)
    with open(mark, "w") as f:
        f.write("\n".join(PACKAGES))
    return python


PYTHON = prepare()
checks = lib.Checks()
mneme = lib.Mneme(here, "--tsdb.max-exemplars=100",
                  "--receive.otlp-promote-resource-attributes=k8s.pod.name").start()
url = f"http://127.0.0.1:{mneme.write}/api/v1/otlp/v1/metrics"
told = json.loads(subprocess.run([PYTHON, SENDER, url, "sdk"], check=True, text=True, timeout=120,
                                 stdout=subprocess.PIPE).stdout)
METRICS = {m["name"]: m for m in told["sent"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]}
IDENTITY = {"job": "eu/shop", "instance": "i-1", "k8s_pod_name": "pod-1"}
LABELS = dict(IDENTITY, http_method="GET", code="200", key_9th="x")


def raw(tenant):
    """{labels as sorted tuple: [values, histograms]} of all samples."""
    data = lib.api(mneme.http, "query", {"THANOS-TENANT": tenant}, query='{__name__=~".+"}[1d]')
    return {tuple(sorted(s["metric"].items())): [s.get("values", []), s.get("histograms", [])]
            for s in data["result"]}


def point(name):
    [data] = [v for k, v in METRICS[name].items() if isinstance(v, dict)]
    [one] = data["dataPoints"]
    return one


def seconds(one):
    return int(one["timeUnixNano"]) // 1000000 / 1000


def value(one):
    return float(one["asDouble"] if "asDouble" in one else one["asInt"])


def expect(got, name, labels, want, at):
    [[[t, v]], histograms] = got.pop(tuple(sorted(dict(labels, __name__=name).items())))
    assert (float(v), t, histograms) == (want, at, []), (name, labels, v, t, want, at)


def expect_numbers(got):
    for sent, name, labels in [
            ("http.requests", "http_requests_total", LABELS),
            ("queue.length", "queue_length", dict(IDENTITY, queue="a")),
            ("disk.free", "disk_free_bytes", dict(IDENTITY, disk="sda")),
            ("load", "load_ratio", IDENTITY)]:
        expect(got, name, labels, value(point(sent)), seconds(point(sent)))


def expect_classic(got):
    p, count = point("http.duration"), 0
    for bound, n in zip(p["explicitBounds"] + [math.inf], p["bucketCounts"]):
        count += int(n)
        le = "+Inf" if bound == math.inf else f"{bound:g}"
        expect(got, "http_duration_seconds_bucket", dict(LABELS, le=le), count, seconds(p))
    expect(got, "http_duration_seconds_count", LABELS, 5, seconds(p))
    expect(got, "http_duration_seconds_sum", LABELS, float(p["sum"]), seconds(p))


def expect_native(got, sent, name, labels):
    p = point(sent)
    [values, [[t, h]]] = got.pop(tuple(sorted(dict(labels, __name__=name).items())))
    assert values == [] and t == seconds(p), (p, values, t)
    assert int(h["count"]) == int(p["count"]) and float(h["sum"]) == p["sum"], (h, p)
    schema, steps = min(p["scale"], 8), max(p["scale"] - 8, 0)
    want = {0: int(p.get("zeroCount", 0))}
    for sign, side in (1, "positive"), (-1, "negative"):
        for i, n in enumerate(p[side].get("bucketCounts", [])):
            upper = sign * 2 ** (((p[side].get("offset", 0) + i >> steps) + 1) / 2 ** schema)
            want[round(upper, 9)] = want.get(round(upper, 9), 0) + int(n)
    found = {}
    for _, low, high, n in h["buckets"]:
        low, high = float(low), float(high)
        found[0 if low < 0 < high else round(high if high > 0 else low, 9)] = int(n)
    assert found == {k: v for k, v in want.items() if v}, (found, want)


def expect_all(tenant):
    got = raw(tenant)
    expect_numbers(got)
    expect_classic(got)
    expect_native(got, "http.size", "http_size_bytes", LABELS)
    assert point("narrow")["scale"] > 8, point("narrow")
    expect_native(got, "narrow", "narrow", IDENTITY)
    [info] = got
    assert dict(info) == {"__name__": "target_info", "job": "eu/shop", "instance": "i-1",
                          "host_name": "h1", "k8s_pod_name": "pod-1", "process_pid": "17",
                          **{k: v for k, v in info if k.startswith("telemetry_sdk_")}}, info
    assert got[info][0][0][1] == "1", got


with checks.check("the SDK's exporter is content, plain and with gzip"):
    assert told["exported"] is True and told["exported_gzip"] is True, told
    expect_all("sdk")
    expect_all("sdk-gzip")

with checks.check("JSON gives the same"):
    assert told["json"] == [200, "application/json", "{}"], told["json"]
    expect_all("sdk-json")

with checks.check("exemplars keep their trace"):
    for name in "http_duration_seconds_bucket", "http_size_bytes", "http_requests_total":
        series = lib.api(mneme.http, "query_exemplars", {"THANOS-TENANT": "sdk"}, query=name,
                         start="0", end="4000000000")
        found = [e for s in series for e in s["exemplars"]]
        assert found, name
        if name != "http_requests_total":  # recorded outside of the span
            assert all(e["labels"]["trace_id"] == "0102030405060708090a0b0c0d0e0f10" and
                       e["labels"]["span_id"] == "1112131415161718" for e in found), found
    in_bucket = {s["seriesLabels"]["le"]: {float(e["value"]) for e in s["exemplars"]}
                 for s in lib.api(mneme.http, "query_exemplars", {"THANOS-TENANT": "sdk"},
                                  query="http_duration_seconds_bucket", start="0",
                                  end="4000000000")}
    assert in_bucket == {"5": {3.0}, "100": {80.0}, "+Inf": {20000.0}}, in_bucket

with checks.check("metadata of families"):
    told_of = lib.api(mneme.http, "metadata", {"THANOS-TENANT": "sdk"})
    assert told_of["http_requests_total"] == [
        {"type": "counter", "help": 'All "of" them', "unit": "{request}"}], told_of
    assert told_of["http_size_bytes"][0]["type"] == "histogram", told_of

with checks.check("delta sums are refused with their reason, the rest is stored"):
    status, kind, rejected, text = told["delta"]
    assert (status, kind, rejected) == (200, "application/x-protobuf", 1), told["delta"]
    assert text.startswith('metric "http.requests": a sum of delta temporality'), text
    names = {dict(k)["__name__"] for k in raw("sdk-delta")}
    assert "http_requests_total" not in names and "queue_length" in names, names
    assert told["only_delta"][0] == 400, told["only_delta"]
    assert "sdk-only-delta" not in os.listdir(mneme.data)


def post_text(body, tenant, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    return lib.request(mneme.write, "POST", "/api/v1/import/prometheus", body,
                       dict(headers, **{"THANOS-TENANT": tenant}))


with checks.check("texts of Prometheus' client: text format and OpenMetrics"):
    text, metrics = told["exposition"]
    status, _, body = post_text(text.encode(), "text", Content_Type="text/plain; version=0.0.4")
    assert (status, body) == (204, b""), (status, body)
    status, _, body = post_text(gzip.compress(metrics.encode()), "openmetrics",
                                Content_Type="application/openmetrics-text; version=1.0.0",
                                Content_Encoding="gzip")
    assert (status, body) == (204, b""), (status, body)
    for tenant in "text", "openmetrics":
        got = {k: v[0][0][1] for k, v in raw(tenant).items()}
        assert got[(("__name__", "jobs_total"), ("kind", "a\"b\\c\n"))] == "3", got
        assert got[(("__name__", "took_seconds_bucket"), ("le", "1.0"))] == "1", got
        assert got[(("__name__", "took_seconds_sum"),)] == "0.5", got
    told_of = lib.api(mneme.http, "metadata", {"THANOS-TENANT": "openmetrics"})
    assert told_of["jobs"] == [
        {"type": "counter", "help": 'Jobs "done"\nof all', "unit": ""}], told_of
    assert told_of["took_seconds"][0]["unit"] == "seconds", told_of
    [series] = lib.api(mneme.http, "query_exemplars", {"THANOS-TENANT": "openmetrics"},
                       query="jobs_total", start="0", end="4000000000")
    assert series["exemplars"][0]["labels"] == {"trace_id": "abc"}, series

with checks.check("curl writes a file, bad lines are told"):
    path = os.path.join(here, "metrics.txt")
    with open(path, "w") as f:
        f.write('backup_bytes{host="a"} 17\nbackup bytes 1\nbackup_seconds 2.5 1700000000123\n')
    out = subprocess.run(["curl", "-s", "-w", "%{http_code}", "--data-binary", f"@{path}",
                          f"http://127.0.0.1:{mneme.write}/api/v1/import/prometheus"],
                         check=True, text=True, stdout=subprocess.PIPE, timeout=30).stdout
    assert out == "2 samples stored, 1 lines refused: line 2, column 8: expected a value\n400", out
    data = lib.api(mneme.http, "query", query='{__name__=~"backup.*"}[10y]')["result"]
    assert {s["metric"]["__name__"]: s["values"][0][1] for s in data} == {
        "backup_bytes": "17", "backup_seconds": "2.5"}, data
    assert [s["values"][0][0] for s in data
            if s["metric"]["__name__"] == "backup_seconds"] == [1700000000.123], data

mneme.stop()
checks.end()
