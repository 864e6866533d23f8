#!/usr/bin/env python3
"""What Grafana asks a Prometheus data source, request by request as recorded from it: health check,
build information, label browser, metrics explorer, panels by POST with $__rate_interval, tables,
exemplars, metadata, rules and alerts. Statuses and shapes are what its code reads. Then promtool's
queries, and the same requests to a server with Thanos' answers."""
import gzip
import json
import math
import struct
import subprocess
import time
import urllib.parse

import lib
import wire

lib.need("promtool")
here = lib.work_dir()
checks = lib.Checks()
STEP_S, STEPS = 15, 241
END_S = int(time.time()) // 60 * 60
BEGIN_S = END_S - (STEPS - 1) * STEP_S
RATE = 4.0  # a second, of instance 0; instance i has i + 1 times that
INSTANCES = [f"host-{i}:9090" for i in range(3)]
LES = ["0.1", "0.5", "1", "+Inf"]


def exemplar(trace, value, t_ms):
    return wire.field(3, wire.label("trace_id", trace) + b"\x11" + struct.pack("<d", value) +
                      b"\x18" + wire.varint(t_ms))


def metadata(kind, family, help_text):
    return wire.field(3, b"\x08" + wire.varint(kind) + wire.field(2, family.encode()) +
                      wire.field(4, help_text.encode()))


def fill(port):
    body = metadata(1, "http_requests_total", "All <requests>.") + metadata(2, "up", "Is it up?")
    for s in range(STEPS):
        t_ms = (BEGIN_S + s * STEP_S) * 1000
        for i, instance in enumerate(INSTANCES):
            labels = [("instance", instance), ("job", "web")]
            count = RATE * (i + 1) * STEP_S * s
            body += wire.series([("__name__", "http_requests_total"), *labels],
                                wire.sample(t_ms, count), *([exemplar("abc", 0.25, t_ms)]
                                                            if s == STEPS - 1 else []))
            body += wire.series([("__name__", "up"), *labels], wire.sample(t_ms, 1.0))
            for k, le in enumerate(LES):
                body += wire.series([("__name__", "latency_seconds_bucket"), *labels[:1],
                                     ("job", "web"), ("le", le)],
                                    wire.sample(t_ms, count * (k + 1) / len(LES)))
    status, _, answer = lib.request(port, "POST", "/api/v1/receive", wire.snappy(body), wire.PROTO)
    assert status == 200, (status, answer)


HEADERS = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "Grafana/11.1.0",
           "X-Grafana-Org-Id": "1", "X-Dashboard-Uid": "abc", "X-Panel-Id": "2"}


def ask(method, path, form=None, port=None, status=200, **params):
    """data, and the whole answer in `ask.answer`."""
    query = urllib.parse.urlencode(params, doseq=True)
    body = urllib.parse.urlencode(form, doseq=True) if form is not None else None
    headers = dict(HEADERS)
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    got, fields, text = lib.request(port or mneme.http, method, f"/api/v1/{path}?{query}", body,
                                    headers)
    if fields.get("Content-Encoding") == "gzip":
        text = gzip.decompress(text)
    assert got == status, (path, params, form, got, text[:300])
    assert fields["Content-Type"] == "application/json", fields
    ask.answer, ask.fields = json.loads(text), fields
    assert ask.answer["status"] == ("success" if status == 200 else "error"), text[:300]
    return ask.answer.get("data")


def is_pairs(values):
    return all(len(v) == 2 and isinstance(v[0], (int, float)) and isinstance(v[1], str)
               for v in values)


SPAN = {"start": BEGIN_S, "end": END_S}
mneme = lib.Mneme(here, "--tsdb.max-exemplars=100").start()

with checks.check("data are written"):
    fill(mneme.write)

with checks.check("health check of the data source"):
    data = ask("POST", "query", {"query": "1+1", "time": str(END_S)})
    assert data["resultType"] == "scalar" and data["result"][1] == "2", data
    data = ask("GET", "query", query="1+1", time="4")
    assert data == {"resultType": "scalar", "result": [4, "2"]}, data

with checks.check("which server it is, and what it has"):
    build = ask("GET", "status/buildinfo")
    assert set(build) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
    assert build["version"], build
    assert isinstance(ask("GET", "status/flags"), dict)
    assert ask("GET", "features")["promql_functions"]["rate"] is True
    assert ask("GET", "rules") == {"groups": []}
    assert ask("GET", "rules", **{"type": "alert", "exclude_alerts": "true", "group_limit": 40})
    assert ask("GET", "alerts") == {"alerts": []}
    assert ask("GET", "alertmanagers") == {"activeAlertmanagers": [], "droppedAlertmanagers": []}

with checks.check("label browser"):
    names = ["__name__", "instance", "job", "le"]
    assert ask("GET", "labels", **SPAN) == names
    assert ask("POST", "labels", {**SPAN, "limit": 40000}) == names
    families = ["http_requests_total", "latency_seconds_bucket", "up"]
    assert ask("GET", "label/__name__/values", **SPAN, limit=40000) == families
    assert ask("GET", "label/instance/values", **SPAN) == INSTANCES
    assert ask("GET", "label/le/values", **{"match[]": 'latency_seconds_bucket{job="web"}'},
               **SPAN) == sorted(LES)
    found = ask("GET", "series", **{"match[]": '{job="web",instance="host-1:9090"}'}, **SPAN)
    assert {s["__name__"] for s in found} == set(families) and len(found) == 2 + len(LES)

with checks.check("metrics explorer"):
    one = {"match[]": '{__name__="http_requests_total"}', **SPAN}
    assert ask("POST", "labels", one) == names[:3]
    assert ask("GET", "labels", **one) == names[:3]
    assert ask("GET", "label/instance/values", **one) == INSTANCES
    found = ask("POST", "series", {**one, "limit": 2})
    assert len(found) == 2 and ask.answer["warnings"] == ["results truncated due to limit"]
    found = ask("POST", "series", one)
    assert [s["instance"] for s in found] == INSTANCES, found
    data = ask("GET", "metadata", limit=5000, limit_per_metric=1)
    assert data["http_requests_total"] == [{"type": "counter", "unit": "",
                                            "help": "All <requests>."}], data
    assert list(ask("GET", "metadata", metric="up")) == ["up"]

with checks.check("variables: label_values(), metrics(), query_result()"):
    assert ask("GET", "label/job/values", **{"match[]": "up"}, **SPAN) == ["web"]
    data = ask("POST", "query", {"query": "count by (job) (up)", "time": END_S})
    assert data["result"] == [{"metric": {"job": "web"}, "value": [END_S, "3"]}], data

# A panel of 800 pixels over an hour: $__interval 15s, $__rate_interval 1m0s, as Go prints it.
PANEL = {"start": BEGIN_S, "end": END_S, "step": 15}

with checks.check("panel: range by POST with $__rate_interval"):
    data = ask("POST", "query_range",
               {"query": "sum by (instance) (rate(http_requests_total[1m0s]))", **PANEL})
    assert data["resultType"] == "matrix"
    by_instance = {s["metric"]["instance"]: s["values"] for s in data["result"]}
    assert sorted(by_instance) == INSTANCES
    for i, instance in enumerate(INSTANCES):
        values = by_instance[instance]
        assert is_pairs(values) and len(values) == STEPS - 1, len(values)
        assert all(math.isclose(float(v), RATE * (i + 1), rel_tol=1e-9) for _, v in values[4:])
        assert [t for t, _ in values] == list(range(BEGIN_S + STEP_S, END_S + 1, STEP_S))
    assert ask.fields.get("Content-Encoding") == "gzip"

with checks.check("panel: times with fractions, step as a duration, stats, by GET"):
    data = ask("GET", "query_range", query="up", start=f"{BEGIN_S}.5", end=f"{BEGIN_S + 60}.5",
               step="15s", stats="all", timeout="30s")
    assert [t for t, _ in data["result"][0]["values"]] == [BEGIN_S + d + 0.5
                                                          for d in (0, 15, 30, 45, 60)]
    assert data["stats"]["samples"]["totalQueryableSamples"] > 0, data["stats"]
    assert set(data["stats"]["timings"]) == {
        "evalTotalTime", "resultSortTime", "queryPreparationTime", "innerEvalTime",
        "execQueueTime", "execTotalTime"}

with checks.check("panel: heatmap and quantile of buckets"):
    data = ask("POST", "query_range",
               {"query": "sum by (le) (increase(latency_seconds_bucket[1m0s]))", **PANEL})
    assert {s["metric"]["le"] for s in data["result"]} == set(LES)
    data = ask("POST", "query_range", {"query": "histogram_quantile(0.95, sum by (le) "
                                                "(rate(latency_seconds_bucket[1m0s])))", **PANEL})
    assert len(data["result"]) == 1 and is_pairs(data["result"][0]["values"])

with checks.check("table and stat: instant queries"):
    data = ask("POST", "query", {"query": "up", "time": f"{END_S}.123"})
    assert data["resultType"] == "vector" and len(data["result"]) == 3
    for s in data["result"]:
        assert s["metric"]["__name__"] == "up" and s["value"] == [END_S + 0.123, "1"], s
    data = ask("POST", "query", {"query": "up[1m]", "time": END_S})
    assert data["resultType"] == "matrix" and len(data["result"][0]["values"]) == 4, data

with checks.check("exemplars"):
    for method, params, form in [("GET", {"query": "http_requests_total", **SPAN}, None),
                                 ("POST", {}, {"query": "sum(rate(http_requests_total[1m0s]))",
                                               **SPAN})]:
        data = ask(method, "query_exemplars", form, **params)
        assert len(data) == 3, data
        for s in data:
            assert s["seriesLabels"]["__name__"] == "http_requests_total"
            assert s["exemplars"] == [{"labels": {"trace_id": "abc"}, "value": "0.25",
                                       "timestamp": END_S}], s

with checks.check("what it shows beside a panel: notes and errors"):
    ask("POST", "query_range", {"query": "rate(up[1m0s])", **PANEL})
    assert ask.answer["infos"][0].endswith('_total/_sum/_count/_bucket: "up" (1:6)'), ask.answer
    for query, kind, status in [("sum(", "bad_data", 400), ("up[", "bad_data", 400),
                                ("up * on() up", "execution", 422)]:
        ask("POST", "query_range", {"query": query, **PANEL}, status=status)
        assert ask.answer["errorType"] == kind and ask.answer["error"], ask.answer
    ask("POST", "query_range", {"query": "up", "start": 0, "end": END_S, "step": 1}, status=400)
    assert "11,000 points" in ask.answer["error"]

# --- promtool


def promtool(*args):
    done = subprocess.run(["promtool", "query", *args], capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout.splitlines()


server = f"http://127.0.0.1:{mneme.http}"
with checks.check("promtool query instant, range, series, labels"):
    lines = promtool("instant", "--time", str(END_S), server, 'up{instance="host-0:9090"}')
    assert lines == [f'up{{instance="host-0:9090", job="web"}} => 1 @[{END_S}]'], lines
    lines = promtool("range", "--start", str(END_S - 30), "--end", str(END_S), "--step", "15s",
                     server, 'sum(up)')
    assert lines == ["{} =>", f"3 @[{END_S - 30}]", f"3 @[{END_S - 15}]", f"3 @[{END_S}]"], lines
    lines = promtool("series", "--match", "up", server)
    assert len(lines) == 3 and 'instance="host-0:9090"' in lines[0], lines
    assert promtool("labels", server, "instance") == INSTANCES

def first_fanout(node):
    """Of a tree of operators: what the first selection in it read."""
    if "fanout" in node:
        return node["fanout"][0]
    return first_fanout(node["children"][0])


# --- as Thanos

with checks.check("the same panel, table and browser of Thanos' flavour"):
    mneme.stop()
    mneme.flags += ("--web.api-flavour=thanos",)
    mneme.start()
    thanos = {"dedup": "true", "partial_response": "true", "max_source_resolution": "auto"}
    data = ask("POST", "query_range", {"query": "rate(up[1m0s])", **PANEL, **thanos})
    assert len(data["result"]) == 3 and "infos" not in ask.answer
    assert ask.answer["warnings"][0].endswith('_bucket: "up"'), ask.answer
    assert "no-store" not in ask.fields.get("Cache-Control", ""), "infos may be cached"
    data = ask("GET", "query_range", query="up", **SPAN)
    assert len(data["result"][0]["values"]) == 3600 // 14 + 1, "a step of 14 s by default"
    assert data["analysis"] == {} and ask.fields["Access-Control-Allow-Origin"] == "*"
    data = ask("GET", "query", query="sum(rate(up[1m0s]))", analyze="true", engine="thanos")
    read = first_fanout(data["analysis"])
    assert read["series"] == 3 and read["samples"] > 0, data["analysis"]
    assert ask("GET", "alerts") == {"alerts": None}
    assert ask("GET", "rules") == {"groups": []}
    assert ask("GET", "stores") == {}
    assert ask("GET", "labels", **SPAN) == names
    found = ask("POST", "series", {**one, **thanos})
    assert [s["instance"] for s in found] == INSTANCES
    ask("GET", "query", query="up", engine="x", status=400)
    assert ask.answer["error"] == "'x' bad engine" and ask.fields["Cache-Control"] == "no-store"
    mneme.stop()
checks.end()
