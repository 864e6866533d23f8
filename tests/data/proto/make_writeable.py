#!/usr/bin/env python3
"""make_writeable.py - requests between receivers as Google's protobuf writes them.

    protoc --python_out=. writeable.proto && ./make_writeable.py > writeable.json

Needs python3-protobuf. A row has the bytes, what stands in them as text, and whether our encoder
writes the same bytes (`ours`).
"""
import json
import struct

import writeable_pb2 as pb

T = 1700000000000


def labels(**pairs):
    return [pb.Label(name=n, value=v) for n, v in pairs.items()]


def series(*samples, **pairs):
    return pb.TimeSeries(labels=labels(**pairs),
                         samples=[pb.Sample(value=v, timestamp=t) for v, t in samples])


def everything():
    s = series((1.5, T), (0, T + 1), (-0.0, T + 2), __name__="all", pod="p-1")
    s.exemplars.add(labels=labels(trace_id="abc"), value=2.5, timestamp=T + 1)
    s.histograms.add(count_int=7, sum=3.5, schema=3, zero_threshold=1e-128, zero_count_int=1,
                     positive_spans=[pb.BucketSpan(offset=-2, length=2)],
                     positive_deltas=[1, -1], reset_hint=2, timestamp=T + 3)
    s.histograms.add(count_float=7.5, sum=3.5, schema=-2, zero_threshold=0.5, zero_count_float=1.5,
                     negative_spans=[pb.BucketSpan(offset=1, length=1)], negative_counts=[6],
                     timestamp=T + 4)
    s.histograms.add(count_int=3, sum=1, schema=-53, zero_threshold=1, zero_count_int=0,
                     positive_spans=[pb.BucketSpan(offset=0, length=3)],
                     positive_deltas=[1, 0, 0], custom_values=[0.1, 1], timestamp=T + 5)
    return s


def value_text(v):
    return "%016x" % struct.unpack("<Q", struct.pack("<d", v))[0]


def row_text(s):
    key = "".join("%s=%s," % (l.name, l.value) for l in s.labels)
    parts = [" %s@%d" % (value_text(x.value), x.timestamp) for x in s.samples]
    parts += [" e%s@%d" % (value_text(x.value), x.timestamp) for x in s.exemplars]
    parts += [" h%d@%d" % (x.schema, x.timestamp) for x in s.histograms]
    return "{%s}%s\n" % (key, "".join(parts)) if parts else ""


def tuple_text(tenant, rows, metadata):
    return "%s:%d\n" % (tenant, len(rows)) + "".join(map(row_text, rows)) + "".join(
        "# %s %d %s %s\n" % (m.metric_family_name, m.type, m.unit, m.help) for m in metadata)


def text(r):
    out = "replica %d\n" % r.replica
    if r.tuples:
        out += "".join(tuple_text(t.tenant, t.timeseries, t.metadata) for t in r.tuples)
    elif r.timeseries:
        out += tuple_text(r.tenant, r.timeseries, [])
    return out + "".join("part %d\n" % n for n in r.parts)


def tup(tenant, *rows, metadata=()):
    return pb.Tuple(tenant=tenant, timeseries=rows, metadata=metadata)


UP = series((1, T), __name__="up", job="a")
DOWN = series((0, T), __name__="up", job="b")
META = [pb.Metadata(type=1, metric_family_name="up", help="Is it?", unit="bool"),
        pb.Metadata(metric_family_name="down")]

CASES = [
    ("nothing", pb.Request(), True),
    ("one tuple", pb.Request(tuples=[tup("t", UP, DOWN)]), True),
    ("replica", pb.Request(tuples=[tup("t", UP)], replica=3), True),
    ("negative replica", pb.Request(tuples=[tup("t", UP)], replica=-1), True),
    ("two tenants", pb.Request(tuples=[tup("t", UP), tup("u", DOWN), tup("t", DOWN)]), True),
    ("everything", pb.Request(tuples=[tup("t", everything(), UP)], replica=1), True),
    ("metadata", pb.Request(tuples=[tup("t", UP, metadata=META), tup("u", metadata=META)]), True),
    ("no tenant", pb.Request(tuples=[tup("", UP)]), True),
    ("empty tuple", pb.Request(tuples=[tup("t"), tup("")]), True),
    ("parts", pb.Request(tuples=[tup("t", UP), tup("u", DOWN), tup("t", DOWN)], parts=[2, 0, 1]),
     True),
    ("many parts", pb.Request(tuples=[tup("t")] * 300, parts=[300] + [0] * 200), True),
    ("series without samples", pb.Request(tuples=[tup("t", series(a="b"), UP)]), False),
    ("older form", pb.Request(timeseries=[UP, DOWN], tenant="t", replica=2), False),
    ("older form, everything", pb.Request(timeseries=[everything(), UP], tenant="t"), False),
    ("older form without a tenant", pb.Request(timeseries=[UP]), False),
    ("tenant alone", pb.Request(tenant="t", replica=2), False),
    ("both forms", pb.Request(timeseries=[UP], tenant="t", tuples=[tup("u", DOWN)]), False),
]
ANSWERS = [[], [0], [1, 0, 4, 3, 2], [0] * 200]

print(json.dumps({
    "requests": [{"name": n, "hex": r.SerializeToString(deterministic=True).hex(),
                  "text": text(r), "ours": ours} for n, r, ours in CASES],
    "answers": [{"hex": pb.Response(outcomes=a).SerializeToString().hex(), "outcomes": a}
                for a in ANSWERS],
}, indent=1))
