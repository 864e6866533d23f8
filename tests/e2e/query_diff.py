#!/usr/bin/env python3
"""Generated queries answer the same here and in Debian's Prometheus, whose engine is 2.42.

SEED and QUERIES choose what is generated; each mismatch prints the request that shows it. With
the seed, the data are the same on every day."""
import http.client
import json
import math
import os
import random
import re
import time
import urllib.parse

import lib
import promql_gen
import samples

SEED = int(os.environ.get("SEED", "1"))
QUERIES = int(os.environ.get("QUERIES", "10000"))
SHOWN_MAX = 12  # mismatches that are printed in full
RELATIVE = 1e-12
NOT_YET = "not implemented yet"

# Where 3.x, which we follow, differs from 2.42; found by reading both and by this test.
#  - Ranges and lookback are left-open in 3.x: no sample lies on a border (samples.py).
#  - Extrapolation to zero: 2.42 may go nearer to the point where a counter would be 0 than half a
#    distance when the first sample is far away. rate() and increase() are asked of counters that
#    stay far from 0 only, `events_total` is compared with spec section 5 in Python instead.
#  - Durations may be plain numbers, offsets 0, names quoted: not generated.
#  - atan2 drops the metric's name: its operands have none (promql_gen.py).
#  - Notes (warnings, infos) do not exist in 2.42: not compared.
#  - pow and atan2 may differ in the last digit (libm, Go): nothing is taken modulo their results.
# Of whole answers: (what the query contains, our status, the error of who refuses, why).
KNOWN = [
    (r"-", 200, "same labelset", "unary minus: 3.x refuses equal labels only at the same time"),
    (r"[=<>]", 422, "many-to-one matching must be explicit",
     "comparison: 2.42 does not count elements for which it does not hold"),
    (r"[-+*/%^=<>]", 200, "many-to-many matching not allowed",
     "2.42 looks for duplicates on one side though the other side is empty"),
    (r"(top|bottom)k", 200, "Scalar value -", "no k is positive: 3.x asks no more"),
]
# Of values: (what the query contains, absolute tolerance, why).
TOLERANCES = [
    (r"\bavg(_over_time)?\b", 1e-9, "2.42 keeps a running mean, 3.x divides a compensated sum"),
    (r"\bsum\b", 1e-9, "2.42 adds without compensation"),
    (r"\b(a?(cos|sin|tan)h?|atan2|exp|ln|log2|log10)\b", 1e-12,
     "the last digit, and what is left of it in differences"),
    (r"\bstd(dev|var)(_over_time)?\b", 1e-6, "2.42 does not compensate"),
]


# Functions that 2.42 knows by another name.
RENAMED = {"double_exponential_smoothing": "holt_winters"}


class Client:
    """One connection that stays open. `renamed`: functions that the server calls otherwise."""

    def __init__(self, port, renamed=()):
        self.renamed = dict(renamed)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, method, endpoint, params):
        """(status, answer)"""
        for ours, theirs in self.renamed.items():
            if isinstance(params.get("query"), str):
                params = {**params, "query": params["query"].replace(ours, theirs)}
        form = urllib.parse.urlencode(params, doseq=True)
        if method == "GET":
            self.connection.request("GET", f"/api/v1/{endpoint}?{form}")
        else:
            self.connection.request("POST", f"/api/v1/{endpoint}", form,
                                    {"Content-Type": "application/x-www-form-urlencoded"})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def tolerance_of(query):
    return max([t for pattern, t, _ in TOLERANCES if re.search(pattern, query)], default=0)


def same_value(a, b, absolute):
    a, b = float(a), float(b)
    if a == b or (math.isnan(a) and math.isnan(b)):
        return True
    if math.isinf(a) or math.isinf(b):
        return False
    return abs(a - b) <= max(RELATIVE * max(abs(a), abs(b)), absolute)


def same_points(got, want, absolute):
    return len(got) == len(want) and all(
        a[0] == b[0] and same_value(a[1], b[1], absolute) for a, b in zip(got, want))


def ordered(endpoint, query):
    """Instant vectors have no order but that of sort and, within a group, topk."""
    return endpoint == "query_range" or query.startswith(("sort(", "sort_desc(")) or (
        query.startswith(("topk(", "bottomk(")) and not re.search(r"\) (by|without) \(", query))


def known(query, got, want):
    texts = got[1].get("error", "") + want[1].get("error", "")
    return any(re.search(pattern, query) and got[0] == status and text in texts
               for pattern, status, text, _ in KNOWN)


def differs(endpoint, query, got, want):
    """What differs between two answers, or None."""
    if (got[0], got[1].get("errorType")) != (want[0], want[1].get("errorType")):
        return None if known(query, got, want) else "status"
    if got[0] != 200:
        return None
    got, want = got[1]["data"], want[1]["data"]
    if got["resultType"] != want["resultType"]:
        return "type"
    kind, got, want = got["resultType"], got["result"], want["result"]
    absolute = tolerance_of(query)
    if kind == "string":
        return None if got == want else "string"
    if kind == "scalar":
        return None if same_points([got], [want], absolute) else "scalar"
    labels = lambda series: tuple(sorted(series["metric"].items()))
    if sorted(map(labels, got)) != sorted(map(labels, want)):
        return "label sets"
    if kind == "matrix" or ordered(endpoint, query):
        values = lambda v: [float(s["value"][1]) for s in v if "value" in s]
        if list(map(labels, got)) != list(map(labels, want)) and (
                kind == "matrix" or not all(same_value(a, b, absolute)
                                            for a, b in zip(values(got), values(want)))):
            return "order"
    wanted = {labels(s): s for s in want}
    for series in got:
        twin = wanted[labels(series)]
        points = [s["values"] if kind == "matrix" else [s["value"]] for s in (series, twin)]
        if not same_points(*points, absolute):
            first = [p for p in zip(*points) if not same_points(p[:1], p[1:], absolute)][:1]
            return (f"points of {json.dumps(series['metric'])}, {len(points[0])} and "
                    f"{len(points[1])}, first {first}")
    return None


def brief(answer):
    return f"{answer[0]} {json.dumps(answer[1])}"


def report(request, what, got, want):
    method, endpoint, params = request
    form = urllib.parse.urlencode(params)
    print(f"        MISMATCH: {params['query']}\n          in {what}\n"
          f"          {method} /api/v1/{endpoint}?{form}\n"
          f"          mneme      {brief(got)[:700]}\n          prometheus {brief(want)[:700]}")


def probe(mneme, peer):
    """The names of what both servers implement."""
    enabled, absent = set(), []
    for name, query in promql_gen.PROBES.items():
        params = {"query": query, "time": promql_gen.time_text(samples.END_MS - 600_003)}
        status = [c.ask("GET", "query", params) for c in (mneme, peer)]
        refusal = status[0][1].get("error", "")
        ours_not_yet = NOT_YET in refusal or "is not enabled" in refusal
        theirs_unknown = "unknown function" in status[1][1].get("error", "")
        if ours_not_yet or theirs_unknown:
            absent.append(name)
        else:
            enabled.add(name)
    print(f"        not generated: {', '.join(absent) or 'nothing'}")
    return enabled


def generated(mneme, peer, enabled):
    rng = random.Random(SEED)
    generator = promql_gen.Generator(rng, enabled)
    counts = {"answers with series": 0, "empty": 0, "errors": 0}
    wrong = 0
    for _ in range(QUERIES):
        endpoint, params = generator.request()
        request = rng.choice(["GET", "POST"]), endpoint, params
        got, want = mneme.ask(*request), peer.ask(*request)
        if want[0] != 200:
            counts["errors"] += 1
        else:
            counts["answers with series" if want[1]["data"]["result"] else "empty"] += 1
        what = differs(endpoint, params["query"], got, want)
        if what:
            wrong += 1
            if wrong <= SHOWN_MAX:
                report(request, what, got, want)
    print("        " + ", ".join(f"{n} {what}" for what, n in counts.items()))
    assert counts["answers with series"] > QUERIES // 2, counts
    assert wrong == 0, f"{wrong} of {QUERIES} queries differ (SEED={SEED})"


T = promql_gen.time_text(samples.BEGIN_MS + 3_600_007)
SPAN = {"start": T, "end": promql_gen.time_text(samples.BEGIN_MS + 4_500_007), "step": "60"}
# Refused by both with the same status and kind.
BAD_EXPRESSIONS = [
    "", " ", "(", ")", "up)", "up{", "up}", "up{a}", "up{a=}", "up{a=b}", 'up{a=="b"}', "up{,}",
    'up{a="b"', 'up{a="b",,}', 'up{="b"}', 'up{1a="b"}', 'up{a="b" c="d"}', "{}", '{a=""}',
    '{a=~".*"}', '{a!="b"}', 'up{a=~"("}', 'up{a=~"*"}', 'up{a=~"a{1001}"}', 'up{__name__="down"}',
    '"unterminated', "'unterminated", '"\\q"', "up[5m", "up[5]m", "up[m]", "up[-5m]", "up[0s]",
    "up[5m:0s]", "up[5m:1m", "up[1x]", "up[5m1h]", "up[1s1m]", "1[5m]", "up[5m][5m]",
    "up offset", "up offset x", "offset 5m", "up offset 5m offset 5m", "(1) offset 5m",
    "up @", "up @ x", "up @ start", "up @ start() @ end()", "1 @ 5", "up @ Inf",
    "up @ NaN", "rate(up)", "rate(up[5m]", "rate()", "rate(up[5m], 1)", "rate(1)", 'rate("a")',
    "sum(", "sum()", "sum(up, up)", "sum(1)", 'sum("a")', "sum(up[5m])", "sum by (up)",
    "sum by a (up)", "sum by (a (up)", "sum by (1) (up)", "sum by (a,,b) (up)",
    "sum by (a) (up) by (b)", "sum by (a) without (b) (up)", "topk(up)", "topk(1)", "topk(1, 2)",
    "quantile(up, 0.5)", 'count_values(1, up)', "nofunc(up)", "Rate(up[5m])", "SUM(up) BY",
    "1 +", "+", "* 1", "1 ** 1", "up + up[5m]", "up[5m] * 2", "-up[5m]", '-"a"', '"a" + 1',
    '"a" == "a"', "1 > 2", "1 == 1", "(1 < 2) + 1", "up and 1", "1 or up", "1 unless 1",
    "up + bool 1", "up bool > 1", "up and bool up", "up + on up", "up + on (a group_left up",
    "up and on (a) group_left () up", "up + group_left up", "up + on (a) group_left (a) up",
    "1 + on (a) 1", "up + on (a) 1", "foo bar", "up up", "1 2", "up 1", "0x", "1e", "1.2.3",
    "!up", "up!", "up = 1", "up =~ up", "a ~ b", "up & up", "\x01", "$x", "up;", "up?",
    "absent(1)", "scalar(1)", "vector(up)", "time(1)", "label_replace(up, 1, 2, 3, 4)",
    "round(up, up)", "clamp(up)", "avg_over_time(up)", "(" * 20, "up{" + "a" * 100,
    "by (a)", "on (a)", "bool", "ignoring", "NaN[5m]", "-1[5m]", "up{job=~'a' 'b'}",
]
BAD_BY_TYPE = ["up[5m]", '"text"', "up[5m:1m]"]  # of range queries
GOOD_ODDITIES = [
    "Inf", "+Inf", "-inf", "nan", "NaN", "0x1F", "1e3", "1E3", ".5", "5.", "007", "- 1",
    "--1", "-+-1", "1 # comment", "# comment\n1", "'a\"b'", "`a\\b`", '"\\u00e9\\x41\\101"', "(up)",
    "((up))", "-(-up)", "2 ^ 3 ^ 2", "-2 ^ 2", "1 - 2 - 3", "8 / 4 / 2", "5 % 3 * 2", "1 + 2 * 3",
    "0 / 0", "1 / 0", "-1 / 0", "5 % 0", "0 ^ 0", "1 == bool NaN", "SUM(up)", "sum BY (job) (up)",
    "sum by (job,) (up)", "sum(up) by (job)", "up{job='a',}", "up{job=`a`}", 'up{job="\\x61"}',
    "up OFFSET 5m", "up offset -5m", "up offset 1h30m", "rate(http_requests_total[1h30m])",
    "up @ 1700003600", "up @ 1700003600.5", "up offset 5m @ 1700003600", "up@start()",
    'up{job!~""}', 'up{job=~"a|"}', "sum by (__name__) (up)", "sum without (__name__) (up)",
    "count by () (up)", "sum(up) + 1", "1 < bool 2 < bool 3", "up == up == 1", "sum_over_time",
    "offset", "by", "sum", "a:b:", "up#", "sum(sum)", "1e308 * 10", "1e-320", "9007199254740993",
    "0.1 + 0.2", "up > 2", "bool_metric",
    'up{instance=~"host-(0|1):9090"}', 'up{instance!~"host-.:9090"}', "up{instance!='host-0:9090'}",
    "last_over_time(up[5m] @ end())", "avg_over_time(up[90s] offset 1m)",
]
BAD_PARAMETERS = [
    ("query", {}), ("query", {"query": "up", "time": "x"}),
    ("query", {"query": "up", "time": "1s"}),
    ("query", {"query": "up", "time": "2023-11-14"}), ("query", {"query": "up", "timeout": "x"}),
    ("query", {"query": "up", "time": "2023-11-14T22:13:20"}),
    ("query_range", {}), ("query_range", {"query": "up"}),
    ("query_range", {**SPAN, "query": "up", "start": ""}),
    ("query_range", {**SPAN, "query": "up", "start": "x"}),
    ("query_range", {**SPAN, "query": "up", "end": "x"}),
    ("query_range", {**SPAN, "query": "up", "end": "1"}),
    ("query_range", {**SPAN, "query": "up", "step": ""}),
    ("query_range", {**SPAN, "query": "up", "step": "0"}),
    ("query_range", {**SPAN, "query": "up", "step": "-1"}),
    ("query_range", {**SPAN, "query": "up", "step": "1x"}),
    ("query_range", {**SPAN, "query": "up", "step": "1s1m"}),
    ("query_range", {**SPAN, "query": "up", "step": "1e30"}),
    ("query_range", {**SPAN, "query": "up", "start": "0", "step": "1"}),
    ("query_range", {**SPAN, "query": "up", "timeout": "x"}),
    ("query_range", {**SPAN, "query": "", "step": "15s"}),
    ("series", {}), ("series", {"match[]": ""}), ("series", {"match[]": "up{"}),
    ("series", {"match[]": "{}"}), ("series", {"match[]": "rate(up[5m])"}),
    ("series", {"match[]": "up[5m]"}), ("series", {"match[]": ["up", '{a=""}']}),
    ("series", {"match[]": "up", "start": "x"}), ("series", {"match[]": "up", "end": "x"}),
    ("labels", {"match[]": "up{"}), ("labels", {"start": "x"}), ("labels", {"end": "x"}),
    ("labels", {"match[]": "{}"}),
    ("label/job/values", {"match[]": "sum(up)"}), ("label/job/values", {"start": "x"}),
    ("label/a%20b/values", {"match[]": "("}),
]
GOOD_PARAMETERS = [
    ("query", {"query": "up", "time": "2023-11-14T22:43:20.007Z"}),
    ("query", {"query": "up", "time": "2023-11-15T00:43:20.0079999+02:00"}),
    ("query", {"query": "up", "time": "1.700002800007e9"}),
    ("query", {"query": "up", "time": "1700002800.007", "timeout": "5s"}),
    ("query", {"query": "1", "time": "-1.5"}), ("query", {"query": "time()", "time": "0"}),
    ("query_range", {**SPAN, "query": "up", "step": "1m30s"}),
    ("query_range", {**SPAN, "query": "up", "step": "0.5"}),
    ("query_range", {**SPAN, "query": "1", "end": T}),
    ("query_range", {**SPAN, "query": "up", "step": "1d"}),
]


def malformed(mneme, peer):
    """Refused by both, as the same kind of error."""
    rows = BAD_PARAMETERS + [("query", {"query": q, "time": T}) for q in BAD_EXPRESSIONS]
    rows += [("query_range", {"query": q, **SPAN}) for q in BAD_EXPRESSIONS + BAD_BY_TYPE]
    wrong = 0
    for number, (endpoint, params) in enumerate(rows):
        request = "GET" if number % 2 or "/" in endpoint else "POST", endpoint, params
        got, want = mneme.ask(*request), peer.ask(*request)
        kinds = [(a[0], a[1].get("errorType")) for a in (got, want)]
        if kinds[0] != kinds[1] or got[0] == 200 or not got[1].get("error"):
            wrong += 1
            report(request, "refusal", got, want)
    print(f"        {len(rows)} requests")
    assert wrong == 0, f"{wrong} differ"


def oddities(mneme, peer):
    """Rarely written expressions and parameters that are right."""
    rows = GOOD_PARAMETERS + [("query", {"query": q, "time": T}) for q in GOOD_ODDITIES]
    rows += [("query_range", {"query": q, **SPAN}) for q in GOOD_ODDITIES]
    wrong = 0
    for endpoint, params in rows:
        request = "POST", endpoint, params
        got, want = mneme.ask(*request), peer.ask(*request)
        if NOT_YET in got[1].get("error", ""):
            print(f"        {got[1]['error']}: {params['query']}")
            continue
        what = differs(endpoint, params["query"], got, want)
        if what:
            wrong += 1
            report(request, what, got, want)
    print(f"        {len(rows)} requests")
    assert wrong == 0, f"{wrong} differ"


def extrapolated(points, t_ms, range_ms, per_second):
    """rate() and increase() by spec section 5; None without a value."""
    inside = [(t, v) for t, v in points
              if t_ms - range_ms < t <= t_ms and repr(v) != "nan"]
    if len(inside) < 2:
        return None
    (first_ms, first), (last_ms, last) = inside[0], inside[-1]
    growth = last - first + sum(a for (_, a), (_, b) in zip(inside, inside[1:]) if b < a)
    sampled = (last_ms - first_ms) / 1000
    gap = sampled / (len(inside) - 1)
    to_start, to_end = (first_ms - (t_ms - range_ms)) / 1000, (t_ms - last_ms) / 1000
    to_start = gap / 2 if to_start >= 1.1 * gap else to_start
    to_end = gap / 2 if to_end >= 1.1 * gap else to_end
    if growth > 0 and first >= 0:
        to_start = min(to_start, sampled * first / growth)
    increase = growth * (sampled + to_start + to_end) / sampled
    return increase / (range_ms / 1000) if per_second else increase


def near_zero(mneme, all_series):
    """Counters that start at 0 and often fall back to it, against the rule of 3.x."""
    values = 0
    for function in ["rate", "increase"]:
        for range_ms in [40_000, 60_000, 300_000, 3_600_000]:
            begin, step = samples.BEGIN_MS - 60_000 + 7, 47_130
            steps = [begin + i * step for i in range(160)]
            status, answer = mneme.ask("POST", "query_range", {
                "query": f"{function}(events_total[{range_ms}ms])", "step": f"{step}ms",
                "start": promql_gen.time_text(steps[0]), "end": promql_gen.time_text(steps[-1])})
            assert status == 200, answer
            got = {s["metric"]["instance"]: s["values"] for s in answer["data"]["result"]}
            for labels, points in all_series:
                if labels["__name__"] != "events_total":
                    continue
                want = [(t, extrapolated(points, t, range_ms, function == "rate")) for t in steps]
                want = [(t / 1000, v) for t, v in want if v is not None]
                where = (function, range_ms, labels)
                assert same_points(got.get(labels["instance"], []), want, 0), where
                values += len(want)
    print(f"        {values} values")
    assert values > 1000


if __name__ == "__main__":
    lib.need("prometheus")
    here = lib.work_dir()
    checks = lib.Checks()
    all_series = samples.generate(SEED)
    print(f"        SEED={SEED} QUERIES={QUERIES}: {len(all_series)} series, "
          f"{sum(len(points) for _, points in all_series)} samples")
    servers = samples.start_both(here, all_series,
                                 "--enable-feature=promql-experimental-functions")
    clients = Client(servers[0].http), Client(servers[1].port, RENAMED)
    with checks.check("generated queries answer the same"):
        generated(*clients, probe(*clients))
    with checks.check("malformed requests are refused alike"):
        malformed(*clients)
    with checks.check("rarely written expressions and parameters answer the same"):
        oddities(*clients)
    with checks.check("counters near zero are extrapolated by the rule of 3.x"):
        near_zero(clients[0], all_series)
    checks.end()
