"""servers.py - mneme and its peers as benchmarks start them, and what /proc tells of a process.

A server has a name, a URL for remote write and a port for the query API of Prometheus."""
import json
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))
import lib  # noqa: E402

CLOCK_OF_PROCESS = 2  # Linux: the low bits of a clock that counts what all threads of a process ran
RECEIVE_PATH, OTLP_PATH = "/api/v1/receive", "/api/v1/otlp/v1/metrics"
OTLP_PATH_OF_PEER = "/opentelemetry/api/v1/push"
PEAK_RESET = "5"  # for /proc/PID/clear_refs


def cpu_seconds(pid):
    """User and system time of all threads, gone ones too; utime + stime without their rounding."""
    return time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS)


def status_bytes(pid, field):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"no {field}")


def resident_bytes(pid):
    return status_bytes(pid, "VmRSS")


def peak_bytes(pid):
    """The most resident bytes since reset_peak()."""
    return status_bytes(pid, "VmHWM")


def reset_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write(PEAK_RESET)


def load(url, *options):
    """The report of bench/loadgen; every sample was acknowledged."""
    done = subprocess.run([lib.LOADGEN, "--url", url, *map(str, options)], capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"loadgen on {url}: {done.stdout[-300:]} {done.stderr[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


class Server:
    protocol = "1.0"  # of write_url, as bench/loadgen calls it

    def __init__(self, name, argv, log, port, ready_path, write_url):
        self.name, self.argv, self.log = name, argv, log
        self.port, self.ready_path, self.write_url = port, ready_path, write_url
        self.pid = None

    def start(self):
        """Returns when it is ready."""
        self.process = lib.start(self.argv, self.log)
        self.pid = self.process.pid
        lib.wait_until(self.ready, 600, self.name)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended: see {self.log}")
        return lib.request(self.port, "GET", self.ready_path)[0] == 200

    def stop(self):
        self.process.terminate()
        self.process.wait(120)


def mneme(here):
    server = lib.Mneme(here)
    return Server("mneme", server.argv(), server.log, server.http, "/-/ready",
                  f"http://127.0.0.1:{server.write}{RECEIVE_PATH}")


def mneme_of(here, name, *flags):
    """One with a directory of its own."""
    directory = os.path.join(here, name)
    os.makedirs(directory, exist_ok=True)
    server = mneme(directory)
    server.name = name
    server.argv += flags
    return server


def mneme_2(here):
    server = mneme_of(here, "mneme (2.0)")
    server.protocol = "2.0"
    return server


def mneme_otlp(here):
    server = mneme_of(here, "mneme (OTLP)")
    server.protocol = "otlp"
    server.write_url = server.write_url.replace(RECEIVE_PATH, OTLP_PATH)
    return server


def victoria_metrics(here):
    port = lib.free_port()
    argv = ["victoria-metrics", f"-storageDataPath={here}/vm", f"-httpListenAddr=127.0.0.1:{port}"]
    return Server("victoria-metrics", argv, os.path.join(here, "vm.log"), port, "/health",
                  f"http://127.0.0.1:{port}/api/v1/write")


def prometheus(here, data=None):
    """`data`: the database to open; unless given, an empty one below `here`."""
    port = lib.free_port()
    config = os.path.join(here, "prometheus.yml")
    with open(config, "w") as f:
        f.write("global: {scrape_interval: 1h}\n")
    argv = ["prometheus", f"--config.file={config}",
            f"--storage.tsdb.path={data or os.path.join(here, 'prometheus')}",
            f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"]
    return Server("prometheus", argv, os.path.join(here, "prometheus.log"), port, "/-/ready",
                  f"http://127.0.0.1:{port}/api/v1/write")


def installed(here):
    """mneme and the peers that this machine has; none is started."""
    peers = [("victoria-metrics", victoria_metrics), ("prometheus", prometheus)]
    return [mneme(here)] + [make(here) for program, make in peers if shutil.which(program)]


def otlp_peers(here):
    """Peers that this machine has and that take OTLP: asked with an empty request."""
    if not shutil.which("victoria-metrics"):
        return []
    directory = os.path.join(here, "otlp-peer")
    os.makedirs(directory)
    server = victoria_metrics(directory).start()
    status = lib.request(server.port, "POST", OTLP_PATH_OF_PEER, b"",
                         {"Content-Type": "application/x-protobuf"})[0]
    server.stop()
    if status // 100 != 2:
        print("victoria-metrics of this machine takes no OTLP", flush=True)
        return []
    server.name, server.protocol = "victoria-metrics (OTLP)", "otlp"
    server.write_url = f"http://127.0.0.1:{server.port}{OTLP_PATH_OF_PEER}"
    return [server]
