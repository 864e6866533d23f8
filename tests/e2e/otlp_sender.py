"""otlp_sender.py - OpenTelemetry's Python SDK records and sends; run by otlp_sdk.py in a virtual
environment of its own. Prints one line of JSON: what was sent, and what was answered.

    otlp_sender.py URL TENANT"""
import base64
import json
import sys

import prometheus_client
import prometheus_client.openmetrics.exposition as openmetrics
import requests
from google.protobuf import json_format
from opentelemetry import trace
from opentelemetry.context import attach, detach
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import Observation
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse)
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality, InMemoryMetricReader, MetricExportResult)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

URL, TENANT = sys.argv[1:3]
RESOURCE = Resource({"service.name": "shop", "service.namespace": "eu",
                     "service.instance.id": "i-1", "host.name": "h1",
                     "k8s.pod.name": "pod-1", "process.pid": 17})
TRACE, SPAN = 0x0102030405060708090A0B0C0D0E0F10, 0x1112131415161718


def record(meter):
    """Every instrument, with values that floats hold exactly."""
    labels = {"http.method": "GET", "code": 200, "9th": "x"}
    requests_total = meter.create_counter("http.requests", unit="{request}",
                                          description='All "of" them')
    for i in range(5):
        requests_total.add(i + 0.5, labels)
    meter.create_up_down_counter("queue.length").add(-3, {"queue": "a"})
    meter.create_observable_gauge("disk.free", unit="By", callbacks=[
        lambda _: [Observation(2**40, {"disk": "sda"})]])
    meter.create_gauge("load", unit="1").set(0.25)
    span = trace.NonRecordingSpan(trace.SpanContext(
        TRACE, SPAN, is_remote=False, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED)))
    token = attach(trace.set_span_in_context(span))
    duration = meter.create_histogram("http.duration", unit="s")
    native = meter.create_histogram("http.size", unit="By")
    for v in (0.5, 3, 3, 80, 20000):
        duration.record(v, labels)
    for v in (1, 1.5, 2, 1000, 1000.5, 0, 7):
        native.record(v, labels)
    narrow = meter.create_histogram("narrow")
    for i in range(40):
        narrow.record(1 + i / 10000)
    detach(token)


def provider(reader, aggregation):
    views = [View(instrument_name=name, aggregation=aggregation)
             for name in ("http.size", "narrow")]
    return MeterProvider([reader], resource=RESOURCE, views=views,
                         exemplar_filter=AlwaysOnExemplarFilter())


def collect(temporality=None):
    reader = InMemoryMetricReader(preferred_temporality=temporality)
    record(provider(reader, ExponentialBucketHistogramAggregation()).get_meter("shop"))
    return reader.get_metrics_data()


def as_json(message):
    """OTLP's JSON of a request: enums as numbers, ids as hex."""
    def walk(x):
        if isinstance(x, list):
            return [walk(y) for y in x]
        if isinstance(x, dict):
            return {k: base64.b64decode(v).hex() if k in ("traceId", "spanId") else walk(v)
                    for k, v in x.items()}
        return x
    return json.dumps(walk(json_format.MessageToDict(message, use_integers_for_enums=True)))


def post(message, tenant):
    answer = requests.post(URL, message.SerializeToString(), timeout=30, headers={
        "Content-Type": "application/x-protobuf", "THANOS-TENANT": tenant})
    response = ExportMetricsServiceResponse()
    if answer.status_code == 200:
        response.ParseFromString(answer.content)
    return [answer.status_code, answer.headers.get("Content-Type"),
            response.partial_success.rejected_data_points, response.partial_success.error_message]


def exported(data, tenant, **kw):
    exporter = OTLPMetricExporter(endpoint=URL, headers={"THANOS-TENANT": tenant}, **kw)
    return exporter.export(data) == MetricExportResult.SUCCESS


def exposition():
    """The text of another client library, with an exemplar."""
    registry = prometheus_client.CollectorRegistry()
    counter = prometheus_client.Counter("jobs", 'Jobs "done"\nof all', ["kind"],
                                        registry=registry)
    counter.labels("a\"b\\c\n").inc(3, {"trace_id": "abc"})
    histogram = prometheus_client.Histogram("took", "Time", unit="seconds", registry=registry,
                                            buckets=[0.1, 1])
    histogram.observe(0.5)
    return [prometheus_client.generate_latest(registry).decode(),
            openmetrics.generate_latest(registry).decode()]


data = collect()
message = encode_metrics(data)
delta = encode_metrics(collect({Counter: AggregationTemporality.DELTA}))
only_delta = encode_metrics(collect({Counter: AggregationTemporality.DELTA}))
for scope in only_delta.resource_metrics[0].scope_metrics:
    kept = [m for m in scope.metrics if m.name == "http.requests"]
    del scope.metrics[:]
    scope.metrics.extend(kept)
json_answer = requests.post(URL, as_json(message), timeout=30, headers={
    "Content-Type": "application/json", "THANOS-TENANT": TENANT + "-json"})
print(json.dumps({
    "sent": json_format.MessageToDict(message, use_integers_for_enums=True),
    "exported": exported(data, TENANT),
    "exported_gzip": exported(data, TENANT + "-gzip", compression=Compression.Gzip),
    "json": [json_answer.status_code, json_answer.headers.get("Content-Type"), json_answer.text],
    "delta": post(delta, TENANT + "-delta"),
    "only_delta": post(only_delta, TENANT + "-only-delta"),
    "exposition": exposition(),
}))
