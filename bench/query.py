#!/usr/bin/env python3
"""./dev bench query - range queries beside Debian's peers, in one run on one machine.

Data: 20,000 series x 240 samples, an hour at 15 s, the same requests of bench/loadgen for each
server. Ten queries over 240 steps of 15 s that lie between the samples, so that windows open at
either end hold the same ones. Servers answer in turns, ROUNDS times each; VictoriaMetrics caches
nothing. For each query and server: CPU milliseconds a query (user + system of the server process,
what runs on behind an answer too), the median of the wall milliseconds, and the most bytes
resident meanwhile. Before the clock starts answers are compared: as many series from every server,
and Prometheus' values equal to 1e-12. QUERIES="selector topk" chooses. The last line is one JSON
object."""
import http.client
import itertools
import json
import math
import os
import shutil
import statistics
import tempfile
import time
import urllib.parse

import servers

SERIES, SAMPLES, INTERVAL_MS, STEPS = 20000, 240, 15000, 240
ROUNDS = int(os.environ.get("ROUNDS", "5"))
BLOCK_SECONDS = 0.3  # a server answers again and again for so long before it is another's turn
REST_SECONDS = 0.05  # for what a server does behind its answers
START_MS = (int(time.time()) // 15 * 15 - 3 * 3600) * 1000
BETWEEN_MS = 5000
FULL_WINDOW_MS = 30 * 60 * 1000
MEMORY_GOAL = 3  # times less than Prometheus
X, Y = "http_requests_total", "grpc_server_handled_total"  # 5,000 series each

# name, expression, how many times less CPU than Prometheus is the goal (VictoriaMetrics: 1): ten
# times for the seven that take Prometheus longest
QUERIES = [
    ("selector", X + '{method="GET"}', 3),
    ("sum_rate", f"sum(rate({X}[5m]))", 10),
    ("sum_by_rate", f"sum by (pod) (rate({X}[5m]))", 10),
    ("avg_over_time", f'avg_over_time({X}{{method="GET"}}[30m])', 3),
    ("max_by", f"max by (job) (max_over_time({X}[30m]))", 10),
    ("topk", f"topk(10, rate({X}[5m]))", 10),
    ("join", f'{X}{{method="GET"}} * on (pod) group_left (node)'
             f' {Y}{{method="GET", status="200"}}', 10),
    ("count_by", 'count by (namespace) ({cluster="eu-west-1-prod-a"})', 10),
    ("quantile_by", f"quantile by (namespace) (0.9, {X})", 10),
    ("single", X + '{instance="10.0.0.7:9102", method="GET", status="200"}', 3),
]


class Client:
    """One connection that stays."""

    def __init__(self, server):
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)

    def ask(self, expression):
        parameters = urllib.parse.urlencode({
            "query": expression, "step": "15", "nocache": "1",
            "start": f"{(START_MS + BETWEEN_MS) / 1000:.3f}",
            "end": f"{(START_MS + BETWEEN_MS) / 1000 + (STEPS - 1) * 15:.3f}"})
        self.connection.request("GET", "/api/v1/query_range?" + parameters)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self.server.name}: {expression}: {answer.status} {body[:500]}")
        return body


def start(server):
    server.start()
    servers.load(server.write_url, "--series", SERIES, "--samples-per-series", SAMPLES,
                 "--families", 4, "--start-ms", START_MS, "--interval-ms", INTERVAL_MS)
    return Client(server)


def answer_of(client, expression):
    """{labels: points}, of the steps whose windows hold all their samples: before, servers
    extrapolate each its own way."""
    full = (START_MS + FULL_WINDOW_MS) / 1000
    answer = {tuple(sorted(s["metric"].items())): [p for p in s["values"] if p[0] >= full]
              for s in json.loads(client.ask(expression))["data"]["result"]}
    return {labels: points for labels, points in answer.items() if points}


def first_difference(ours, theirs):
    """None, or two points."""
    for a, b in itertools.zip_longest(ours, theirs, fillvalue=(math.inf, "NaN")):
        if a[0] != b[0] or not math.isclose(float(a[1]), float(b[1]), rel_tol=1e-12):
            return a, b
    return None


def by_rank(answer):
    """{rank: points}: which of equal elements topk() picks hangs on the last bit."""
    steps = {}
    for points in answer.values():
        for at, value in points:
            steps.setdefault(at, []).append(float(value))
    ranks = {}
    for at, values in sorted(steps.items()):
        for rank, value in enumerate(sorted(values)):
            ranks.setdefault(rank, []).append((at, value))
    return ranks


def compare(name, expression, clients):
    """Fails unless the answers are alike; returns how many series they have."""
    answers = {client.server.name: answer_of(client, expression) for client in clients}
    found = len(answers["mneme"])
    if name == "topk":
        answers = {server: by_rank(answer) for server, answer in answers.items()}
    ours = answers["mneme"]
    if not ours:
        raise RuntimeError(f"{name}: nothing was found")
    for peer, theirs in answers.items():
        points = [sum(map(len, answer.values())) for answer in (ours, theirs)]
        if len(ours) != len(theirs) or points[0] != points[1]:
            raise RuntimeError(f"{name}: {len(ours)} series, of {peer} {len(theirs)}; "
                               f"{points[0]} and {points[1]} points")
        for labels in ours if peer == "prometheus" else []:
            difference = first_difference(ours[labels], theirs.get(labels, []))
            if difference:
                raise RuntimeError(f"{name}: {labels}: mneme and {peer}: {difference}")
    return found


def block(client, expression, walls):
    """Asks for BLOCK_SECONDS, once at least; returns CPU seconds and how many answers they made."""
    before, began, count = servers.cpu_seconds(client.server.pid), time.monotonic(), 0
    while count == 0 or time.monotonic() - began < BLOCK_SECONDS:
        sent = time.monotonic()
        client.ask(expression)
        walls.append((time.monotonic() - sent) * 1000)
        count += 1
    time.sleep(REST_SECONDS)
    return servers.cpu_seconds(client.server.pid) - before, count


def measure(expression, clients):
    """{server: its figures}."""
    for client in clients:
        servers.reset_peak(client.server.pid)
    blocks = {client.server.name: [] for client in clients}
    walls = {client.server.name: [] for client in clients}
    for _ in range(ROUNDS):
        for client in clients:
            name = client.server.name
            blocks[name].append(block(client, expression, walls[name]))
    return {c.server.name: {
        "cpu_ms": statistics.median(cpu / count for cpu, count in blocks[c.server.name]) * 1000,
        "wall_ms": statistics.median(walls[c.server.name]),
        "peak_mib": servers.peak_bytes(c.server.pid) / 2**20} for c in clients}


def ratios_of(figures, goal):
    """{peer: its figures in ours'}, and which goals were missed."""
    ours, ratios, missed = figures["mneme"], {}, []
    for peer, theirs in figures.items():
        if peer == "mneme":
            continue
        ratios[peer] = {key: theirs[key] / ours[key] for key in ours}
        wanted = {"cpu_ms": goal if peer == "prometheus" else 1,
                  "peak_mib": MEMORY_GOAL if peer == "prometheus" else 0}
        missed += [f"{peer} {key} {ratios[peer][key]:.2f} < {least}"
                   for key, least in wanted.items() if ratios[peer][key] < least]
    return ratios, missed


def rounded(figures):
    return {name: {key: round(value, 3) for key, value in row.items()}
            for name, row in figures.items()}


def run(clients):
    answer = {"bench": "query", "series": SERIES, "samples": SERIES * SAMPLES, "steps": STEPS}
    print(f"{'query':14}{'series':>7}  CPU ms, wall ms, peak MiB; ratios to each peer", flush=True)
    for name, expression, goal in QUERIES:
        if name not in os.environ.get("QUERIES", name).split():
            continue
        series = compare(name, expression, clients)
        figures = measure(expression, clients)
        ratios, missed = ratios_of(figures, goal)
        for i, (server, row) in enumerate(figures.items()):
            line = f"{name if i == 0 else '':14}{series if i == 0 else '':>7}  {server:17}"
            line += f"{row['cpu_ms']:9.2f}{row['wall_ms']:9.2f}{row['peak_mib']:9.1f}"
            if server in ratios:
                line += "   x" + " x".join(f"{value:.2f}" for value in ratios[server].values())
            print(line, flush=True)
        for what in missed:
            print(f"{'':23}goal missed: {what}", flush=True)
        answer[name] = {**rounded(figures), "missed": missed,
                        **{f"ratio_{peer}": row for peer, row in rounded(ratios).items()}}
    return answer


here = tempfile.mkdtemp(prefix="mneme-bench-",
                        dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
try:
    all_clients = [start(server) for server in servers.installed(here)]
    time.sleep(2)  # until VictoriaMetrics shows what it took
    print(json.dumps(run(all_clients)))
    for each in all_clients:
        each.server.stop()
finally:
    shutil.rmtree(here, ignore_errors=True)
