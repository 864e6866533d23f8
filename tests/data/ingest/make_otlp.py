#!/usr/bin/env python3
"""Makes otlp_thanos.txt: random OTLP requests, encoded by OpenTelemetry's own Python definitions
(PyPI opentelemetry-proto), and what Thanos' translator (otlp_oracle.go) makes of each.

    make_otlp.py ORACLE > otlp_thanos.txt

ORACLE is otlp_oracle.go, built in a module of its own: see there. Each request is a line
"R <hex>"; the lines until the next one are what Thanos stores, sorted. Left out is what mneme does
otherwise on purpose (ingest/README.md): whatever makes Thanos refuse, exemplars of gauges, zero
thresholds, attributes named as labels that the translation sets itself, and empty buckets of a scale
above 8, next to which Thanos counts a bucket where the next one belongs."""
import random
import subprocess
import sys

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m

REQUESTS = 250
NAMES = ["http.server.duration", "queue_size", "__x", "9lives", "a:b", "requests.total", "total",
         "cpu.ratio", "memory usage (bytes)", "temp.celsius", "x--y__z", "Größe", "a.seconds.b",
         "rate.per.second", "io_bytes_total_bytes"]
UNITS = ["", "1", "s", "ms", "By", "By/s", "{requests}", "{requests}/s", "m/s", "1/min", "%", "foo",
         "foo_/s", "KiBy/{x}", "m/mo", " s ", "a b", "__u", "Cel", "/h", "s/", "total", "x/y/z"]
KEYS = ["http.method", "http_method", "http-method", "9k", "_x", "__x", "__meta__", "a", "b", "A",
        "k8s.pod.name", "x__y", "ключ1", "long.key.with.many.parts", "job", "instance"]
RESOURCE_KEYS = ["service.name", "service.namespace", "service.instance.id", "host.name", "region",
                 "9zone", "k8s.pod.name", "http.method"]
TEXTS = ["", "x", "GET", "a;b", "ü", "quo\"te", "back\\slash", "line\nend"]
g = random.Random(1)


def value(depth=0):
    kind = g.randrange(8 if depth < 2 else 5)
    if kind == 0:
        return AnyValue(int_value=g.choice([0, -1, 42, 2**63 - 1, -2**63]))
    if kind == 1:
        return AnyValue(bool_value=g.random() < 0.5)
    if kind == 2:
        return AnyValue(double_value=g.choice([0, 1, -0.5, 1e21, 1e20, 1e-7, 123456789.25, 1e-6]))
    if kind == 5:
        return AnyValue(bytes_value=bytes(g.randrange(256) for _ in range(g.randrange(1, 6))))
    if kind == 6:
        v = AnyValue()
        v.array_value.values.extend(value(depth + 1) for _ in range(g.randrange(3)))
        v.array_value.SetInParent()
        return v
    if kind == 7:
        v = AnyValue()
        v.kvlist_value.values.extend(KeyValue(key=k, value=value(depth + 1))
                                     for k in g.sample(KEYS, g.randrange(3)))
        v.kvlist_value.SetInParent()
        return v
    return AnyValue(string_value=g.choice(TEXTS))


def attributes(keys, most):
    return [KeyValue(key=k, value=value()) for k in g.sample(keys, g.randrange(most + 1))]


def number():
    return g.choice([0, 1, -1, 0.5, 1e300, 123.456, float("inf"), g.random() * 1000])


def common(point):
    point.attributes.extend(attributes(KEYS, 5))
    point.time_unix_nano = 1700000000000000000 + g.randrange(10**12)
    point.start_time_unix_nano = g.choice([0, 1690000000000000000])
    point.flags = int(g.random() < 0.1)


def exemplars(point):
    for _ in range(g.randrange(4)):
        e = point.exemplars.add(time_unix_nano=1700000000000000000 + g.randrange(10**12))
        if g.random() < 0.5:
            e.as_int = g.randrange(-10, 200)
        else:
            e.as_double = g.choice([0.1, 5, 99.5, 1e9, -1])
        if g.random() < 0.7:
            e.trace_id = bytes(g.randrange(256) for _ in range(16))
        if g.random() < 0.7:
            e.span_id = bytes(g.randrange(256) for _ in range(8))
        if g.random() < 0.2:
            e.trace_id = bytes(16)
        for k in g.sample(["user", "long" * 10, "ü" * 20], g.randrange(3)):
            e.filtered_attributes.add(key=k, value=AnyValue(string_value=g.choice(["x", "é" * 20])))


def number_point(points, with_exemplars):
    point = points.add()
    common(point)
    if g.random() < 0.5:
        point.as_int = g.choice([0, 5, -5, 2**53 + 1])
    else:
        point.as_double = number()
    if with_exemplars:
        exemplars(point)


def histogram_point(points):
    point = points.add()
    common(point)
    bounds = sorted(g.sample([-5, 0, 0.005, 0.1, 1, 2.5, 10, 1e6, 1e21, 0.000001], g.randrange(6)))
    point.explicit_bounds.extend(bounds)
    point.bucket_counts.extend(g.randrange(5) for _ in range(len(bounds) + 1))
    point.count = sum(point.bucket_counts)
    if g.random() < 0.8:
        point.sum = number()
    exemplars(point)


def exponential_point(points):
    point = points.add()
    common(point)
    point.scale = g.choice([-4, -1, 0, 3, 8, 9, 10, 12, 20])
    point.zero_count = g.randrange(3)
    for side in (point.positive, point.negative):
        if g.random() < 0.8:
            side.offset = g.choice([0, -1, 5, -300, 1000, -7, g.randrange(-50, 50)])
            counts = [1, 2, 9] if point.scale > 8 else [0, 0, 0, 1, 2, 9]
            side.bucket_counts.extend(g.choice(counts) for _ in range(g.randrange(30)))
    point.count = point.zero_count + sum(point.positive.bucket_counts) + \
        sum(point.negative.bucket_counts)
    if g.random() < 0.8:
        point.sum = number()
    exemplars(point)


def summary_point(points):
    point = points.add()
    common(point)
    point.count, point.sum = g.randrange(100), number()
    for q in g.sample([0, 0.5, 0.9, 0.99, 0.999, 1], g.randrange(4)):
        point.quantile_values.add(quantile=q, value=number())


def metric(metrics):
    x = metrics.add(name=g.choice(NAMES), unit=g.choice(UNITS), description=g.choice(TEXTS))
    kind = g.randrange(5)
    n = g.randrange(1, 3)
    for _ in range(n):
        if kind == 0:
            number_point(x.gauge.data_points, False)
        elif kind == 1:
            number_point(x.sum.data_points, True)
        elif kind == 2:
            histogram_point(x.histogram.data_points)
        elif kind == 3:
            exponential_point(x.exponential_histogram.data_points)
        else:
            summary_point(x.summary.data_points)
    if kind == 1:
        x.sum.is_monotonic = g.random() < 0.6
        x.sum.aggregation_temporality = m.AGGREGATION_TEMPORALITY_CUMULATIVE
    elif kind == 2:
        x.histogram.aggregation_temporality = m.AGGREGATION_TEMPORALITY_CUMULATIVE
    elif kind == 3:
        x.exponential_histogram.aggregation_temporality = m.AGGREGATION_TEMPORALITY_CUMULATIVE


def request():
    r = ExportMetricsServiceRequest()
    for _ in range(g.randrange(1, 3)):
        resource = r.resource_metrics.add()
        resource.resource.attributes.extend(attributes(RESOURCE_KEYS, 6))
        for _ in range(g.randrange(1, 3)):
            scope = resource.scope_metrics.add()
            scope.scope.name = "library"
            for _ in range(g.randrange(3)):
                metric(scope.metrics)
    return r.SerializeToString()


requests = [request().hex() for _ in range(REQUESTS)]
answers = subprocess.run([sys.argv[1]], input="\n".join(requests) + "\n", text=True, check=True,
                         capture_output=True).stdout
print("promoted host.name 9zone k8s.pod.name")
print(answers, end="")
