#!/usr/bin/env python3
"""A full disk (a small tmpfs): writes get 503 with the cause, reads go on, writes resume when
space returns, and nothing acknowledged is lost. Needs root for the mount."""
import os
import subprocess
import sys

import lib
from wire import PROTO, sample, series, snappy

if os.geteuid() != 0:
    print("not root: cannot mount a tmpfs")
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
here = lib.work_dir()
checks = lib.Checks()
START_MS = 1_700_000_000_000
mneme = lib.Mneme(here)
os.makedirs(mneme.data)
mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mneme.data],
                         capture_output=True)
if mounted.returncode != 0:
    print("cannot mount a tmpfs:", mounted.stderr.decode())
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
lib.atexit.register(subprocess.run, ["umount", "-l", mneme.data])
filler = os.path.join(mneme.data, "filler")
acks = os.path.join(here, "acks.txt")


def load(first, count):
    return subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                           "--shape", "index", "--series", "200", "--first-sample", str(first),
                           "--samples-per-series", str(count), "--start-ms", str(START_MS),
                           "--interval-ms", "1000", "--request-samples", "200",
                           "--connections", "2", "--ack-log", acks], capture_output=True)


def acknowledged():
    with open(acks) as f:
        rows = [tuple(map(int, line.split())) for line in f]
    return sum((b - a + 1) * (d - c + 1) for a, b, c, d in rows)


def stored():
    answered = mneme.raw(at=START_MS / 1000 + 100000)
    for values in answered.values():
        times = [t for t, _ in values]
        assert len(times) == len(set(times))
    return sum(map(len, answered.values()))


with checks.check("writes are refused with 503 and the cause once the disk is full"):
    mneme.start()
    assert load(0, 50).returncode == 0
    with open(filler, "wb") as f:
        try:
            while True:
                f.write(bytes(1 << 16))
                f.flush()
        except OSError:
            pass
    refused = load(50, 2000)
    assert refused.returncode == 1, (refused.returncode, refused.stdout, refused.stderr)
    one = snappy(series([("__name__", "late")], sample(START_MS + 10**8, 1)))
    status, headers, body = lib.request(mneme.write, "POST", "/api/v1/receive", one, PROTO)
    assert status == 503 and b"o space left" in body, (status, body)
    assert int(headers["Retry-After"]) > 0, headers

with checks.check("reads go on, with everything that was acknowledged"):
    full = acknowledged()
    assert stored() == full, (stored(), full)

with checks.check("writes resume when space returns"):
    os.remove(filler)
    lib.wait_until(lambda: load(3000, 1).returncode == 0, 15, "writes to resume")
    assert load(3001, 20).returncode == 0
    after = acknowledged()
    assert after > full and stored() == after, (stored(), after)

with checks.check("nothing acknowledged is lost over a crash, nothing refused comes back"):
    mneme.kill()
    mneme.start()
    assert stored() == after, (stored(), after)

with checks.check("a clean stop works too"):
    mneme.stop()
    mneme.start()
    assert stored() == after
checks.end()
