#!/usr/bin/env python3
"""What an operator does and sees: reloads by signal, by HTTP and by changed files, the request log,
traces as OpenTelemetry's own definitions read them, every metric of this door, status pages, and a
stop that a real Prometheus writes through without a gap (RESTARTS)."""
import gzip
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import lib

LISTENER = "TLS and users of remote-write.address"  # as reloads are told
import wire

RESTARTS = int(os.environ.get("RESTARTS", "3"))

lib.need("curl", "openssl")
here = lib.work_dir()
checks = lib.Checks()


class Receive(lib.Mneme):
    """A running `mneme receive`."""

    def __init__(self, name, *flags):
        directory = os.path.join(here, name)
        os.makedirs(directory)
        super().__init__(directory, *flags)

    def argv(self):
        return [lib.MNEME, "receive", f"--tsdb.path={self.data}", '--label=replica="r0"',
                f"--http-address=127.0.0.1:{self.http}", f"--grpc-address=127.0.0.1:{self.grpc}",
                f"--remote-write.address=127.0.0.1:{self.write}", *self.flags]

    def metrics(self):
        return lib.request(self.http, "GET", "/metrics")[2].decode()

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.metrics(), re.M)[1])

    def reload(self, method="POST"):
        return lib.request(self.http, method, "/-/reload")

    def send(self, t_ms, headers=None):
        body = wire.series([("__name__", "m")], wire.sample(t_ms, 1))
        return lib.request(self.write, "POST", "/api/v1/receive", wire.snappy(body),
                           {**wire.PROTO, **(headers or {})})[0]

    def log_text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


def put(path, text):
    """As an editor does: a new file in the place of the old one."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def run(*flags):
    """A start that is expected to fail."""
    return subprocess.run([*Receive(f"fails{time.monotonic_ns()}").argv(), *flags],
                          capture_output=True, timeout=30, stdin=subprocess.DEVNULL)


# --- reloads: the certificates of the write listener are their first user -------------------------

def certificate(directory, name):
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{directory}/tls.key",
                    "-out", f"{directory}/tls.crt"], check=True, capture_output=True)


# As Kubernetes mounts a ConfigMap: files are links into ..data, which is a link that is swapped.
mount = os.path.join(here, "mount")
for version in ["first", "second", "third"]:
    certificate(f"{mount}/..{version}", version)
os.symlink("..first", f"{mount}/..data")
for name in ["tls.crt", "tls.key"]:
    os.symlink(f"..data/{name}", f"{mount}/{name}")


def mount_version(version):
    os.symlink(f"..{version}", f"{mount}/..tmp")
    os.replace(f"{mount}/..tmp", f"{mount}/..data")


def shows(version):
    """The write listener's certificate is this one."""
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--cacert",
                           f"{mount}/..{version}/tls.crt",
                           f"https://127.0.0.1:{node.write}/api/v1/receive"],
                          capture_output=True, timeout=30)
    return done.stdout == b"405"


OURS, THEIRS = (f"{prefix}_config_last_reload_successful"
                for prefix in ["thanos_receive", "prometheus"])
node = Receive("reload", f"--remote-write.server-tls-cert={mount}/tls.crt",
               f"--remote-write.server-tls-key={mount}/tls.key").start()

with checks.check("a start counts as a successful reload"):
    assert node.metric(OURS) == node.metric(THEIRS) == 1
    began = node.metric("prometheus_config_last_reload_success_timestamp_seconds")
    assert abs(began - time.time()) < 60, began
    assert shows("first") and not shows("second")

with checks.check("/-/reload answers 200; other methods are refused"):
    assert node.reload()[::2] == (200, b"") and node.reload("PUT")[0] == 200
    assert node.reload("GET")[0] == 405
    assert lib.request(node.http, "GET", "/api/v1/status/tsdb")[0] == 200

with checks.check("a swapped link is noticed without being told"):
    mount_version("second")
    lib.wait_until(lambda: shows("second"), 10, "the second certificate")
    assert not shows("first")
    assert f'level=info msg="configuration reloaded" config="{LISTENER}" ' \
        'why="files changed"' in node.log_text()

with checks.check("a bad file leaves the old in force, and is told everywhere"):
    key = f"{mount}/..third/tls.key"
    good = open(key).read()
    put(key, "no key\n")
    mount_version("third")
    lib.wait_until(lambda: node.metric(OURS) == 0, 10, "the failure")
    assert node.metric(THEIRS) == 0 and shows("second")
    status, _, body = node.reload()
    assert status == 500 and body.startswith(f"failed to reload config: {LISTENER}".encode()), body
    assert lib.api(node.http, "status/runtimeinfo")["reloadConfigSuccess"] is False
    failures = f'mneme_config_reloads_total{{config="{LISTENER}",result="error"}}'
    assert node.metric(failures) == 2, node.metric(failures)
    time.sleep(2.5)
    assert node.metric(failures) == 2  # what has not changed is not tried again
    assert "reload failed, the old configuration stays" in node.log_text()

with checks.check("SIGHUP reloads, and repairs what was told"):
    put(key, good)
    node.process.send_signal(signal.SIGHUP)
    lib.wait_until(lambda: shows("third"), 10, "the third certificate")
    lib.wait_until(lambda: node.metric(OURS) == 1, 10, "the success")
    assert node.metric("thanos_receive_config_last_reload_success_timestamp_seconds") > began
    assert lib.api(node.http, "status/runtimeinfo")["reloadConfigSuccess"] is True
node.stop()

# --- the request log ------------------------------------------------------------------------------

LOGGING = """
options: {level: DEBUG, decision: {log_start: false, log_end: true}}
http:
  config:
    - {path: /api/v1/receive}
    - {path: /api/v1/query, port: %d}
"""
node = Receive("log", "--log.level=debug", "--debug.name=eu-1")
put(f"{here}/logging.yaml", LOGGING % node.http)
node.flags += (f"--request.logging-config-file={here}/logging.yaml",)
node.start()

with checks.check("requests are logged as the YAML says, with their id and without secrets"):
    assert node.send(1700000000000, {"X-Request-ID": "mine-1", "Authorization": "Bearer s3cret",
                                     "User-Agent": "operator"}) == 200
    lib.api(node.http, "query", query="s3cret_metric")
    lib.api(node.http, "labels")
    lines = lib.wait_until(lambda: [line for line in node.log_text().splitlines()
                                    if "finished call" in line][1:] and
                           [line for line in node.log_text().splitlines()
                            if "finished call" in line], 10, "two lines")
    assert len(lines) == 2, lines
    for word in ["name=eu-1 ", "level=debug", 'http.method="POST /api/v1/receive"',
                 "http.request_id=mine-1", "http.user_agent=operator", "http.status_code=200",
                 "http.time_ms=", "peer=127.0.0.1:", "thanos.method_name=receive"]:
        assert word in lines[0], (word, lines[0])
    assert re.search(r'http\.method="GET /api/v1/query" http\.request_id=[0-9A-Z]{26} ', lines[1])
    assert "s3cret" not in node.log_text()
node.stop()

with checks.check("YAML that makes no sense ends the start with its place"):
    done = run("--request.logging-config=http: {option: {}}")
    assert done.returncode == 1 and b"request.logging-config: line 1, column 8" in done.stderr, done
    done = run("--tracing.config={type: OTLP, config: {client_type: http, sampler_param: [1]}}")
    assert done.returncode == 1 and b"tracing.config: line 1" in done.stderr, done

# --- tracing --------------------------------------------------------------------------------------


class Collector:
    """Takes traces over OTLP/HTTP and reads them by OpenTelemetry's own definitions."""

    def __init__(self, request_class):
        self.requests, self.headers, outer = [], [], self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.headers.append((self.path, dict(self.headers)))
                outer.requests.append(request_class.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self):
        return [span for request in self.requests for resource in request.resource_spans
                for scope in resource.scope_spans for span in scope.spans]


def attributes(thing):
    return {a.key: a.value.string_value or a.value.int_value for a in thing.attributes}


def tree(spans, root):
    return {s.name: s for s in spans if s.trace_id == root.trace_id and
            s.parent_span_id == root.span_id}


def otlp(port):
    return f"""type: OTLP
config:
  client_type: http
  endpoint: 127.0.0.1:{port}
  insecure: true
  compression: gzip
  service_name: receive-eu
  resource_attributes: {{zone: a}}
  headers: {{X-Scope-OrgID: s3cret}}
  sampler_type: parentbasedneversample
"""


def check_tracing(request_class):
    collector = Collector(request_class)
    node = Receive("traces", "--tracing.config=" + otlp(collector.port)).start()
    parent = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with checks.check("writes and queries arrive as traces"):
        assert node.send(1700000000000) == 200  # nobody asks for this one
        assert node.send(1700000001000, {**parent, "THANOS-TENANT": "team-a"}) == 200
        status, headers, _ = lib.request(node.http, "GET", "/api/v1/query?query=sum(m)",
                                         headers={"X-Thanos-Force-Tracing": "1"})
        assert status == 200
        forced = bytes.fromhex(headers["X-Thanos-Trace-Id"])
        lib.wait_until(lambda: len([s for s in collector.spans() if s.kind == 2]) == 2, 15, "spans")
        spans = collector.spans()
        write, query = (next(s for s in spans if s.name == f"/{name} HTTP[server]")
                        for name in ["receive", "query"])
        assert write.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
        assert write.parent_span_id.hex() == "b7ad6b7169203331"
        assert query.trace_id == forced and not query.parent_span_id
        assert {"decode", "admit", "append"} <= set(tree(spans, write)), tree(spans, write)
        assert {"parse", "eval"} <= set(tree(spans, query)), tree(spans, query)
        for root in [write, query]:
            assert abs(root.start_time_unix_nano / 1e9 - time.time()) < 60
            for span in tree(spans, root).values():
                assert (root.start_time_unix_nano <= span.start_time_unix_nano
                        <= span.end_time_unix_nano <= root.end_time_unix_nano), (root, span)
        got = attributes(write)
        assert got["http.method"] == "POST" and got["http.status_code"] == 200, got
        assert got["http.route"] == "/api/v1/receive" and len(got["request_id"]) == 26, got
        got = attributes(tree(spans, write)["admit"])
        assert got["tenant"] == "team-a" and got["series"] == 1 == got["samples"], got
        assert attributes(tree(spans, query)["parse"])["query"] == "sum(m)"
        resource = attributes(collector.requests[0].resource_spans[0].resource)
        assert resource.pop("service.version"), resource
        assert resource == {"service.name": "receive-eu", "zone": "a"}, resource
        assert collector.headers[0][0] == "/v1/traces"
        assert collector.headers[0][1]["X-Scope-OrgID"] == "s3cret"
        assert node.metric('mneme_tracing_traces_total{result="exported"}') == 2

    with checks.check("what the configuration keeps secret is shown nowhere"):
        assert "s3cret" not in node.log_text() and "s3cret" not in node.metrics()
        assert lib.api(node.http, "status/flags")["tracing.config"] == "<REDACTED>"

    with checks.check("a collector that is away costs requests nothing"):
        collector.server.shutdown()
        collector.server.server_close()
        began = time.monotonic()
        for i in range(50):
            assert node.send(1700000002000 + i, parent) == 200
        assert time.monotonic() - began < 5
        node.stop()
        assert time.monotonic() - began < 15


if lib.pypi("otlp-proto-venv", "opentelemetry-proto==1.45.2"):
    from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
    check_tracing(trace_service_pb2.ExportTraceServiceRequest)
else:
    checks.skip("traces", "opentelemetry-proto cannot be installed")

with checks.check("a provider that is not exported to is told, and the rest runs"):
    node = Receive("jaeger", "--tracing.config={type: JAEGER, config: {service_name: x}}").start()
    assert 'level=error msg="requests are not traced" reason="only OTLP' in node.log_text()
    assert node.send(1700000000000) == 200
    node.stop()

# --- metrics --------------------------------------------------------------------------------------

SECONDS = [.001, .005, .01, .02, .03, .04, .05, .06, .07, .08, .09, .1, .25, .5, .75, 1, 2, 3, 4, 5]
SIZES = [64 * 2 ** i for i in range(10)]
COUNTS = [10, 50, 100, 500, 1000, 5000, 10000]
REQUEST = {"code": "200", "handler": "receive", "method": "post", "tenant": "team-a"}
WRITE = {"code": "200", "tenant": "team-a"}
RESULTS = [{"result": "success"}, {"result": "error"}]
# name, type, label sets that must be there, buckets
METRICS = [
    ("http_requests_total", "counter", [REQUEST], None),
    ("http_request_duration_seconds", "histogram", [REQUEST], SECONDS),
    ("http_request_size_bytes", "histogram", [REQUEST], SIZES),
    ("http_response_size_bytes", "histogram", [REQUEST], SIZES),
    ("http_inflight_requests", "gauge",
     [{"handler": "receive", "method": "POST", "tenant": "team-a"}], None),
    ("thanos_receive_write_timeseries", "histogram", [WRITE], COUNTS),
    ("thanos_receive_write_samples", "histogram", [WRITE], COUNTS),
    ("thanos_receive_replications_total", "counter", RESULTS, None),
    ("thanos_receive_forward_requests_total", "counter", RESULTS, None),
    ("thanos_receive_replication_factor", "gauge", [{}], None),
    ("thanos_receive_config_last_reload_successful", "gauge", [{}], None),
    ("thanos_receive_config_last_reload_success_timestamp_seconds", "gauge", [{}], None),
    ("prometheus_config_last_reload_successful", "gauge", [{}], None),
    ("prometheus_config_last_reload_success_timestamp_seconds", "gauge", [{}], None),
    ("thanos_receive_write_limits", "gauge",
     [{"tenant": "", "limit": limit} for limit in ["body_size", "series", "samples"]], None),
    ("thanos_status", "gauge",
     [{"component": "receive", "check": check} for check in ["ready", "healthy"]], None),
    ("prometheus_tsdb_head_series", "gauge", [{"tenant": "team-a"}], None),
    ("prometheus_tsdb_head_samples_appended_total", "counter",
     [{"tenant": "team-a", "type": "float"}], None),
    ("go_goroutines", "gauge", [{}], None),
    ("go_memstats_alloc_bytes", "gauge", [{}], None),
    ("go_memstats_heap_alloc_bytes", "gauge", [{}], None),
    ("go_memstats_heap_inuse_bytes", "gauge", [{}], None),
    ("process_cpu_seconds_total", "counter", [{}], None),
    ("process_resident_memory_bytes", "gauge", [{}], None),
]
LINE = re.compile(r'^(\w+)(?:\{(.*)\})? (\S+)$')


def read_metrics(text):
    """{family: type}, {name: [labels]}."""
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    series = {}
    for line in text.splitlines():
        m = LINE.match(line)
        if m:
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[2] or ""))
            series.setdefault(m[1], []).append(labels)
    return types, series


node = Receive("metrics").start()
assert node.send(1700000000000, {"THANOS-TENANT": "team-a"}) == 200
lib.wait_until(lambda: 'handler="receive"' in node.metrics(), 10, "the write to be counted")
types, series = read_metrics(node.metrics())
for name, kind, label_sets, buckets in METRICS:
    with checks.check(f"metric {name}"):
        assert types.get(name) == kind, types.get(name)
        for labels in label_sets:
            if not buckets:
                assert labels in series[name], (labels, series[name])
                continue
            assert labels in series[name + "_count"] and labels in series[name + "_sum"]
            bounds = [float(s["le"]) for s in series[name + "_bucket"]
                      if {k: v for k, v in s.items() if k != "le"} == labels]
            assert bounds == [*map(float, buckets), float("inf")], bounds

with checks.check("tenants that clients make up do not grow the exposition for ever"):
    for i in range(1100):
        lib.request(node.http, "GET", "/-/healthy", headers={"THANOS-TENANT": f"made-up-{i}"})
    lib.wait_until(lambda: 'handler="healthy",method="get",tenant="other"' in node.metrics(), 10,
                   "the others")
    assert node.metrics().count('http_requests_total{code="200",handler="healthy"') <= 1001

# --- status pages ---------------------------------------------------------------------------------

with checks.check("/api/v1/status/tsdb of all tenants, compressed, for every origin"):
    status, headers, body = lib.request(node.write, "GET",
                                        "/api/v1/status/tsdb?all_tenants=true&limit=1",
                                        headers={"Accept-Encoding": "gzip"})
    if headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    data = json.loads(body)["data"]
    assert status == 200 and headers["Access-Control-Allow-Origin"] == "*", headers
    assert [t["tenant"] for t in data] == ["default-tenant", "team-a"], data
    assert data[1]["headStats"]["numSeries"] == 1
    assert data[1]["seriesCountByMetricName"] == [{"name": "m", "value": 1}]
    status, _, body = lib.request(node.write, "GET", "/api/v1/status/tsdb?all_tenants=true",
                                  headers={"THANOS-TENANT": "team-a"})
    assert status == 400 and json.loads(body)["errorType"] == "bad_data", body

with checks.check("runtimeinfo and buildinfo have Prometheus' fields"):
    assert set(lib.api(node.http, "status/runtimeinfo")) == {
        "startTime", "CWD", "hostname", "serverTime", "reloadConfigSuccess", "lastConfigTime",
        "corruptionCount", "goroutineCount", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG",
        "storageRetention"}
    build = lib.api(node.http, "status/buildinfo")
    assert set(build) == {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"}
    assert "+" not in build["version"] or build["revision"], build
node.stop()

LIMITS = """write:
  global:
    meta_monitoring_url: http://127.0.0.1:1
    meta_monitoring_http_client: {basic_auth: {username: u, password: s3cret}}
  default: {request: {series_limit: %d}}
"""
RULES = "- {source_labels: [__name__], regex: noise, action: drop}\n"
put(f"{here}/limits.yaml", LIMITS % 7)
put(f"{here}/rules.yaml", RULES)
node.flags += (f"--receive.limits-config-file={here}/limits.yaml",
               f"--receive.relabel-config-file={here}/rules.yaml")
node.start()

with checks.check("rules and limits in force stand in the config page, secrets do not"):
    def config():
        return lib.api(node.http, "status/config")["yaml"]

    rules = "receive.relabel-config:\n  -\n    source_labels:\n      - __name__\n"
    assert rules in config(), config()
    assert "series_limit: 7\n" in config() and "password: <secret>\n" in config(), config()
    put(f"{here}/limits.yaml", LIMITS % 8)
    lib.wait_until(lambda: "series_limit: 8\n" in config(), 10, "the new limit")
    put(f"{here}/limits.yaml", "write: {nonsense: 1}")
    lib.wait_until(lambda: node.metric(OURS) == 0, 10, "the failure")
    assert "series_limit: 8\n" in config()
    flags = lib.request(node.http, "GET", "/api/v1/status/flags")[2]
    assert b"s3cret" not in flags and "s3cret" not in config() + node.log_text()
node.stop()

# --- stopping -------------------------------------------------------------------------------------

with checks.check("with a delay the probe says no and writes are taken; a second signal ends it"):
    node = Receive("delay", "--shutdown-delay=30s").start()
    node.process.send_signal(signal.SIGTERM)
    lib.wait_until(lambda: lib.request(node.http, "GET", "/-/ready")[0] == 503, 10, "the probe")
    assert lib.request(node.http, "GET", "/-/healthy")[0] == 200
    assert node.metric('thanos_status{component="receive",check="ready"}') == 0
    assert node.send(1700000000000) == 200
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 10

if not shutil.which("prometheus"):
    checks.skip("restarts under a Prometheus", "prometheus is not installed")
    checks.end()

with checks.check("a Prometheus that writes through restarts misses nothing"):
    node = Receive("restarts", "--shutdown-delay=1s").start()
    config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
remote_write:
  - url: http://127.0.0.1:{node.write}/api/v1/receive
    queue_config: {{batch_send_deadline: 200ms, min_backoff: 30ms, max_backoff: 500ms}}
"""
    scrapes = """
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["SELF"]}]
"""
    writer = lib.Prometheus(os.path.join(here, "writer"), config + scrapes).start()
    for _ in range(RESTARTS):
        time.sleep(3)
        node.stop()
        time.sleep(1)
        node.start()
    time.sleep(2)
    writer.configure(config)  # no more scrapes: both sides come to rest
    writer.reload()
    time.sleep(2)

    def samples(port):
        data = lib.api(port, "query", query='{__name__=~".+"}[1h]')
        return lib.by_labels(data["result"])

    lib.wait_until(lambda: samples(node.http) == samples(writer.port), 60, "the same samples")
    want = samples(writer.port)
    stamps = {t for values in want.values() for t, _ in values}
    assert len(want) > 300 and len(stamps) > 3 * RESTARTS, (len(want), len(stamps))
    _, _, body = lib.request(writer.port, "GET", "/metrics")
    for name in ["failed", "dropped"]:
        counts = re.findall(rf"^prometheus_remote_storage_samples_{name}_total\S* (\S+)$",
                            body.decode(), re.M)
        assert counts and all(float(n) == 0 for n in counts), (name, counts)
    node.stop()
checks.end()
