"""lib.py - processes, ports and HTTP for the end-to-end tests. Standard library only.

Every test is an executable script: it prints what it checks, ends with a line
"count: N passed, N failed, N skipped", and exits 0, 1, or 77 when a peer program is absent.
MNEME names the binary (default build/mneme), LOADGEN the load generator."""
import atexit
import contextlib
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MNEME = os.environ.get("MNEME", os.path.join(ROOT, "build", "mneme"))
LOADGEN = os.environ.get("LOADGEN", os.path.join(os.path.dirname(MNEME), "bench", "loadgen"))

_started = []


def _kill_all():
    for process in _started:
        if process.poll() is None:
            process.kill()
            process.wait()


atexit.register(_kill_all)


def work_dir():
    """A directory of this test, removed at its end unless KEEP is set."""
    path = tempfile.mkdtemp(prefix="mneme-e2e-")
    if not os.environ.get("KEEP"):
        atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def need(*programs):
    """Ends the test as skipped when a program is not installed."""
    for program in programs:
        if not shutil.which(program):
            print(f"{program} is not installed")
            print("count: 0 passed, 0 failed, 1 skipped")
            sys.exit(77)


def pypi(name, *requirements):
    """Makes packages of PyPI importable, from a virtual environment beside the binary that
    outlives the test; False when it cannot be made."""
    venv = os.path.join(os.path.dirname(MNEME), name)
    python, mark = os.path.join(venv, "bin", "python"), os.path.join(venv, "packages")
    if not os.path.exists(mark) or open(mark).read().split() != list(requirements):
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True, timeout=240)
            subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                            *requirements], check=True, timeout=240)
        except (OSError, subprocess.SubprocessError) as e:
            print(f"no environment with {' '.join(requirements)}: {e}", flush=True)
            return False
        with open(mark, "w") as f:
            f.write("\n".join(requirements))
    sys.path[:0] = glob.glob(os.path.join(venv, "lib", "python*", "site-packages"))
    return True


def start(argv, log, **kw):
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=open(log, "ab"),
                               stderr=subprocess.STDOUT, **kw)
    _started.append(process)
    return process


def wait_until(condition, seconds=30, what="condition"):
    """The first true value of condition(); errors of a server that is not up count as false."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            value = condition()
            if value:
                return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s for {what}")


def request(port, method, path, body=None, headers=None, timeout=60):
    """(status, headers, body) of one HTTP request to a port of 127.0.0.1, or to "HOST:PORT"."""
    address = port if isinstance(port, str) else f"127.0.0.1:{port}"
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def api(port, endpoint, _headers=None, **params):
    """data of a successful answer of /api/v1/ENDPOINT."""
    query = urllib.parse.urlencode(params, doseq=True)
    status, _, body = request(port, "GET", f"/api/v1/{endpoint}?{query}", headers=_headers)
    answer = json.loads(body)
    assert status == 200 and answer["status"] == "success", (endpoint, params, status, body[:500])
    return answer["data"]


class Mneme:
    """A running `mneme all` with a data directory that outlives restarts."""

    def __init__(self, directory, *flags):
        self.directory, self.flags = directory, flags
        self.log = os.path.join(directory, "mneme.log")
        self.data = os.path.join(directory, "data")
        self.http, self.grpc, self.write = free_port(), free_port(), free_port()
        self.process = None

    def argv(self):
        return [MNEME, "all", f"--data-dir={self.data}", f"--http-address=127.0.0.1:{self.http}",
                f"--grpc-address=127.0.0.1:{self.grpc}",
                f"--remote-write.address=127.0.0.1:{self.write}", *self.flags]

    def start(self, wait=True):
        self.process = start(self.argv(), self.log)
        if wait:
            wait_until(self.ready, 60, "mneme to be ready")
        return self

    def ready(self):
        assert self.process.poll() is None, f"mneme ended: {self.tail()}"
        return request(self.http, "GET", "/-/ready")[0] == 200

    def stop(self):
        """SIGTERM; must end with 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert code == 0, f"exit code {code}: {self.tail()}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def tail(self):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-15:])

    def tenant(self, name="default-tenant"):
        """The directory of a tenant."""
        return os.path.join(self.data, name)

    def raw(self, selector='{__name__=~".+"}', at=None, seconds=3600 * 24 * 365):
        """{labels as sorted tuple: [[t, "v"], ...]} of raw samples up to `at` (seconds)."""
        at = at if at is not None else time.time() + 3600
        data = api(self.http, "query", query=f"{selector}[{int(seconds)}s]", time=f"{at:.3f}")
        return by_labels(data["result"])


def by_labels(matrix):
    return {tuple(sorted(s["metric"].items())): s["values"] for s in matrix}


class Prometheus:
    """A running Prometheus; `config` is its YAML."""

    def __init__(self, directory, config, *flags):
        os.makedirs(directory, exist_ok=True)
        self.directory, self.flags = directory, flags
        self.port = free_port()
        self.config = os.path.join(directory, "prometheus.yml")
        self.log = os.path.join(directory, "prometheus.log")
        self.data = os.path.join(directory, "data")
        self.configure(config)

    def configure(self, config):
        with open(self.config, "w") as f:
            f.write(config.replace("SELF", f"127.0.0.1:{self.port}"))

    def start(self):
        self.process = start(["prometheus", f"--config.file={self.config}",
                              f"--storage.tsdb.path={self.data}",
                              f"--web.listen-address=127.0.0.1:{self.port}", *self.flags], self.log)
        wait_until(lambda: request(self.port, "GET", "/-/ready")[0] == 200, 60, "prometheus")
        return self

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Checks:
    """Counts named checks; an exception is a failure of its check."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @contextlib.contextmanager
    def check(self, name):
        began = time.monotonic()
        try:
            yield
            self.passed += 1
            print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
        except Exception:
            self.failed += 1
            print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}", flush=True)

    def end(self):
        print(f"count: {self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed or not self.passed else 0)
