#!/usr/bin/env python3
"""./dev bench overload - mneme under ten times what it can bear, for SECONDS, in a memory cage.

What it bears: as fast as a few connections get, and the series that its memory has room for.
TIMES as many connections send without a pause, none of them heeding Retry-After, TIMES as many
series that nobody has seen, by every protocol; one well-behaved sender goes on with its known
series beside them. Honest answers are 2xx, and 429 or 503 with Retry-After. Afterwards the
well-behaved sender is alone, and must get through at once, without a retry and without a restart;
and every sample that was acknowledged to anybody must be there.

The cage is a control group (version 2) with LIMIT_MIB; where none can be made, the process is told
the limit that it would have read there, and its resident memory is held against LIMIT_MIB.
Exits 1 when something of that does not hold. The last line is one JSON object."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import servers
from servers import lib

SECONDS = int(os.environ.get("SECONDS", "300"))
LIMIT_MIB = int(os.environ.get("LIMIT_MIB", "768"))
LIMIT_SHARE = 0.9  # of a group's limit: --auto-gomemlimit.ratio
TIMES = 10
BEARABLE_CONNECTIONS = 4
STORMS = [("1.0", 2000), ("2.0", 2000), ("otlp", 2000), ("1.0", 50_000)]  # samples of a request
SERIES_ROOM = LIMIT_MIB * 1000  # about what the limit has room for: a series takes 0.7 KiB
KNOWN_SERIES, KNOWN_SAMPLES_A_SECOND, FIRST_SAMPLES = 20000, 20000, 10
BURST_SECONDS, BURST_SERIES_MAX = 10, 200_000  # of a sender, before it comes with other series
BURSTS = SECONDS // BURST_SECONDS + 1
INTERVAL_MS = 1000
RECOVERY_SECONDS = 5
GROUPS = "/sys/fs/cgroup"
HONEST = {"200", "204", "429", "503"}


class Cage:
    """A control group with a memory limit; `kind` says what there is instead without one."""

    def __init__(self, limit_bytes):
        self.limit_bytes, self.path = limit_bytes, None
        try:
            own = next(line.strip()[3:] for line in open("/proc/self/cgroup")
                       if line.startswith("0::"))
            path = os.path.join(GROUPS + own, f"mneme-bench-{os.getpid()}")
            os.mkdir(path)
            try:
                with open(os.path.join(path, "memory.max"), "r+") as f:
                    f.write(str(limit_bytes))
            except OSError:
                os.rmdir(path)
                raise
            self.path, self.kind = path, "control group"
        except (OSError, StopIteration) as e:
            self.kind = "--memory-limit and a watch"
            print(f"no control group: {e}", flush=True)

    def flags(self):
        return [] if self.path else [f"--memory-limit={int(self.limit_bytes * LIMIT_SHARE)}B"]

    def argv(self, argv):
        if not self.path:
            return argv
        return ["sh", "-c", f"echo $$ > '{self.path}/cgroup.procs' && exec \"$@\"", "sh", *argv]

    def kills(self):
        if not self.path:
            return 0
        events = dict(line.split() for line in open(os.path.join(self.path, "memory.events")))
        return int(events["oom_kill"])

    def remove(self):
        if self.path:
            os.rmdir(self.path)


class Sender:
    """Runs of bench/loadgen and what they were answered."""

    def __init__(self, here, url, run, *options):
        self.acks, self.run, self.url, self.options = os.path.join(here, run), run, url, options
        self.counts = dict.fromkeys(["lost", "without_retry_after", "partial"], 0)
        self.statuses, self.p99_ms = {}, 0

    def send(self, *options):
        """The report of one run; whatever it was answered is no error."""
        done = subprocess.run(
            [lib.LOADGEN, "--url", self.url, "--label", f"run={self.run}", "--ack-log", self.acks,
             "--families", "1", "--shape", "index", "--interval-ms", str(INTERVAL_MS),
             *map(str, self.options), *map(str, options)], capture_output=True)
        if done.returncode > 1:
            raise RuntimeError(done.stderr[-300:])
        report = json.loads(done.stdout.splitlines()[-1])
        for key in self.counts:
            self.counts[key] += report[key]
        for status, n in report["statuses"].items():
            self.statuses[status] = self.statuses.get(status, 0) + n
        self.p99_ms = report["p99_ms"]
        return report

    def acknowledged(self):
        """{(first series, last series): samples}, the runs of this sender being disjoint."""
        samples = {}
        if os.path.exists(self.acks):
            for line in open(self.acks):
                a, b, c, d = map(int, line.split())
                samples.setdefault((a, b), set()).update(range(c, d + 1))
        return samples


def storm(sender, number, start_ms, end):
    """New series, burst by burst, until it is over."""
    burst = 0
    series = min(SERIES_ROOM * TIMES // len(STORMS) // BURSTS, BURST_SERIES_MAX)
    while time.monotonic() < end:
        seconds = min(BURST_SECONDS, max(1, round(end - time.monotonic())))
        sender.send("--first-series", (number * BURSTS + burst) * series, "--series", series,
                    "--samples-per-series", 1, "--seconds", seconds, "--start-ms", start_ms,
                    "--connections", BEARABLE_CONNECTIONS * TIMES // len(STORMS))
        burst = (burst + 1) % BURSTS


class Watch(threading.Thread):
    """Resident memory, four times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.25):
            self.most = max(self.most, servers.resident_bytes(self.pid))


def count_stored(server, run, at_ms):
    answer = lib.api(server.port, "query", time=f"{at_ms / 1000:.3f}",
                     query=f'sum(count_over_time({{run="{run}"}}[2h]))')["result"]
    return int(float(answer[0]["value"][1])) if answer else 0


def check_acknowledged(server, senders, at_ms, checks):
    for sender in {sender.run: sender for sender in senders}.values():
        want = sum((b - a + 1) * len(samples)
                   for (a, b), samples in sender.acknowledged().items())
        stored = count_stored(server, sender.run, at_ms)
        print(f"{sender.run:24} {want:10} samples acknowledged {stored:10} stored", flush=True)
        checks[f"all of {sender.run} is there"] = stored >= want


def run(server, checks):
    """Before, in and after the storm; (senders of the storm, figures)."""
    start_ms = int(time.time() * 1000) - (SECONDS + 600) * INTERVAL_MS

    def known(*options):
        return Sender(here, server.write_url, "known", "--series", KNOWN_SERIES, "--start-ms",
                      start_ms, "--connections", BEARABLE_CONNECTIONS, *options)

    first, beside, after = known(), known("--retry-ms", 30000), known()
    report = first.send("--samples-per-series", FIRST_SAMPLES)
    checks["a normal load goes through before"] = report["non_2xx"] + report["lost"] == 0
    figures = {"bearable_samples_per_second": report["samples_per_second"]}

    end = time.monotonic() + SECONDS
    otlp_url = server.write_url.replace(servers.RECEIVE_PATH, servers.OTLP_PATH)
    storms = [Sender(here, otlp_url if protocol == "otlp" else server.write_url,
                     f"storm {protocol} {samples}", "--protocol", protocol, "--request-samples",
                     samples) for protocol, samples in STORMS]
    threads = [threading.Thread(target=storm, args=(sender, i, start_ms, end))
               for i, sender in enumerate(storms)]
    for thread in threads:
        thread.start()
    rounds = max(1, SECONDS * KNOWN_SAMPLES_A_SECOND // KNOWN_SERIES * 9 // 10)
    pace = ["--rate", KNOWN_SAMPLES_A_SECOND]
    report = beside.send("--first-sample", FIRST_SAMPLES, "--samples-per-series", rounds, *pace)
    checks["the well-behaved sender gets through"] = report["samples"] == rounds * KNOWN_SERIES
    for thread in threads:
        thread.join()

    report = after.send("--first-sample", FIRST_SAMPLES + rounds, "--samples-per-series",
                        RECOVERY_SECONDS, *pace)
    checks["a normal load goes through at once after"] = report["non_2xx"] + report["lost"] == 0
    figures["known_p99_ms"] = {"before": first.p99_ms, "storm": beside.p99_ms,
                               "after": after.p99_ms}
    return [*storms, beside], figures


def add_answers(senders, figures, checks):
    statuses = {}
    for sender in senders:
        for status, n in sender.statuses.items():
            statuses[status] = statuses.get(status, 0) + n
    figures["statuses"] = statuses
    for key in ["lost", "without_retry_after", "partial"]:
        figures[key] = sum(sender.counts[key] for sender in senders)
    checks["only honest answers"] = (set(statuses) <= HONEST and figures["lost"] == 0 and
                                     figures["without_retry_after"] == 0)


here = tempfile.mkdtemp(prefix="mneme-bench-")
cage = Cage(LIMIT_MIB << 20)
print(f"cage: {cage.kind}", flush=True)
checks = {}
try:
    server = servers.mneme_of(here, "overload", *cage.flags())
    server.argv = cage.argv(server.argv)
    server.start()
    watch = Watch(server.pid)
    watch.start()
    senders, figures = run(server, checks)
    checks["nothing was killed or ended"] = server.process.poll() is None and cage.kills() == 0
    watch.over.set()
    watch.join()
    checks["memory stays below the limit"] = watch.most <= LIMIT_MIB << 20
    add_answers(senders, figures, checks)
    check_acknowledged(server, senders, int(time.time() * 1000), checks)
    figures["cpu_seconds"] = round(servers.cpu_seconds(server.pid), 1)
    server.stop()
    cage.remove()
finally:
    shutil.rmtree(here, ignore_errors=True)

figures.update(bench="overload", seconds=SECONDS, cage=cage.kind, limit_mib=LIMIT_MIB,
               peak_mib=watch.most >> 20, checks=checks)
for key in ["statuses", "known_p99_ms", "peak_mib"]:
    print(f"{key:16} {figures[key]}")
for name, good in checks.items():
    print(f"{'ok' if good else 'FAILED':8}{name}")
print(json.dumps(figures))
sys.exit(0 if all(checks.values()) else 1)
