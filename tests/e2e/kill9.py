#!/usr/bin/env python3
"""kill -9 in the middle of a load, again and again at random moments: after each restart every
acknowledged sample is there, with its value, once."""
import json
import os
import random
import subprocess
import time

import lib

ROUNDS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", str(int(time.time()))))
SERIES, SAMPLES, START_MS, INTERVAL_MS = 300, 200, 1_700_000_000_000, 1000

here = lib.work_dir()
checks = lib.Checks()
dice = random.Random(SEED)
print(f"SEED={SEED}")
acks = os.path.join(here, "acks.txt")
mneme = lib.Mneme(here).start()


def load_argv(first_sample):
    return [lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
            "--seed", "7", "--shape", "index", "--series", str(SERIES),
            "--first-sample", str(first_sample), "--samples-per-series", str(SAMPLES),
            "--request-samples", "20", "--connections", "3", "--start-ms", str(START_MS),
            "--interval-ms", str(INTERVAL_MS), "--retry", "--ack-log", acks]


printed = subprocess.run(load_argv(0) + ["--print-series"], capture_output=True, check=True)
labels_of = [tuple(sorted(json.loads(line)["labels"].items()))
             for line in printed.stdout.splitlines()]
assert len(labels_of) == SERIES


def acknowledged():
    """Per series, the sample numbers whose acknowledgement was received."""
    numbers = [set() for _ in range(SERIES)]
    with open(acks) as f:
        for line in f:
            if not line.endswith("\n"):
                break  # being written just now
            a, b, c, d = map(int, line.split())
            for i in range(a, b + 1):
                numbers[i].update(range(c, d + 1))
    return numbers


def check_all(want):
    """Everything in `want` is answered with its value, and no time twice."""
    answered = mneme.raw(at=START_MS / 1000 + ROUNDS * SAMPLES)
    for i, numbers in enumerate(want):
        values = answered.get(labels_of[i], [])
        times = [round((float(t) * 1000 - START_MS) / INTERVAL_MS) for t, _ in values]
        assert len(times) == len(set(times)), (i, "a sample twice")
        assert times == sorted(times), (i, "out of order")
        missing = numbers - set(times)
        assert not missing, (i, "acknowledged and lost", sorted(missing)[:5], len(missing))
        for j, (_, v) in zip(times, values):
            assert float(v) == i * 1000 + j, (i, j, v)


for round_number in range(ROUNDS):
    with checks.check(f"kill {round_number + 1} of {ROUNDS}"):
        load = lib.start(load_argv(round_number * SAMPLES), os.path.join(here, "load.log"))
        time.sleep(dice.random() * 0.6)
        mneme.kill()
        want = acknowledged() if os.path.exists(acks) else [set()] * SERIES
        mneme.start()
        check_all(want)
        code = load.wait(120)
        assert code == 0, f"the load generator ended with {code}"

with checks.check("all of it after a last kill"):
    mneme.kill()
    mneme.start()
    want = acknowledged()
    assert all(len(numbers) == ROUNDS * SAMPLES for numbers in want)
    check_all(want)
    print(f"        {sum(map(len, want))} samples acknowledged")
checks.end()
