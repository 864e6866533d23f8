#!/usr/bin/env python3
"""Damaged directories: a torn last page and a flipped byte in the log are cut off, a missing
segment and a damaged checkpoint are refused with their reason; never a crash."""
import os
import shutil
import subprocess

import lib

here = lib.work_dir()
checks = lib.Checks()
START_MS = 1_700_000_000_000


def filled(name, rounds=3):
    """A stopped mneme that was started `rounds` times, so that its log has that many segments."""
    directory = os.path.join(here, name)
    os.makedirs(directory)
    mneme = lib.Mneme(directory)
    for number in range(rounds):
        mneme.start()
        subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                        "--shape", "index", "--series", "50", "--first-sample", str(number * 100),
                        "--samples-per-series", "100", "--start-ms", str(START_MS),
                        "--interval-ms", "1000", "--request-samples", "100"],
                       check=True, capture_output=True)
        mneme.kill()
    return mneme


def segments(mneme):
    wal = os.path.join(mneme.tenant(), "wal")
    return sorted(os.path.join(wal, n) for n in os.listdir(wal)
                  if n.isdigit() and os.path.getsize(os.path.join(wal, n)) > 0)


def count(mneme):
    return sum(map(len, mneme.raw(at=START_MS / 1000 + 1000).values()))


with checks.check("a torn last page is cut off"):
    mneme = filled("torn")
    last = segments(mneme)[-1]
    os.truncate(last, os.path.getsize(last) - 11)
    mneme.start()
    assert 10000 <= count(mneme) < 15000, count(mneme)
    mneme.stop()
    mneme.start()
    assert 10000 <= count(mneme) < 15000, count(mneme)
    mneme.stop()

with checks.check("garbage behind the last record is cut off"):
    mneme = filled("garbage")
    with open(segments(mneme)[-1], "ab") as f:
        f.write(b"\x01\x40\x00garbage")
    mneme.start()
    assert count(mneme) == 15000, count(mneme)
    mneme.stop()

with checks.check("from a flipped byte on the log is cut off"):
    mneme = filled("flipped")
    middle = segments(mneme)[1]
    with open(middle, "r+b") as f:
        f.seek(os.path.getsize(middle) // 2)
        byte = f.read(1)
        f.seek(-1, 1)
        f.write(bytes([byte[0] ^ 0x40]))
    mneme.start()
    assert 5000 <= count(mneme) < 10000, count(mneme)
    assert "damaged log" in open(mneme.log).read()
    kept = count(mneme)
    mneme.stop()
    mneme.start()  # the repair holds
    assert count(mneme) == kept
    mneme.stop()

with checks.check("a missing segment is refused by name"):
    mneme = filled("missing")
    os.remove(segments(mneme)[1])
    done = subprocess.run(mneme.argv(), capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 1, (done.returncode, done.stderr[-500:])
    assert any(word in done.stderr for word in [b"sequential", b"missing", b"gap"]), done.stderr

with checks.check("an empty checkpoint directory with a damaged segment is refused"):
    mneme = filled("checkpoint", 1)
    checkpoint = os.path.join(mneme.tenant(), "wal", "checkpoint.00000000")
    os.makedirs(checkpoint)
    with open(os.path.join(checkpoint, "00000000"), "wb") as f:
        f.write(b"\x01\x00\x05\x00\x00\x00\x00hello" + bytes(100))
    done = subprocess.run(mneme.argv(), capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and b"checkpoint" in done.stderr, done

with checks.check("damaged head chunks are rebuilt from the log"):
    mneme = filled("chunks", 4)
    chunks = os.path.join(mneme.tenant(), "chunks_head")
    names = sorted(os.listdir(chunks))
    for name in names:
        with open(os.path.join(chunks, name), "r+b") as f:
            f.seek(60)
            f.write(b"\xff" * 20)
    if not names:
        with open(os.path.join(chunks, "000001"), "wb") as f:
            f.write(b"not a chunk file at all")
    mneme.start()
    assert count(mneme) == 20000, count(mneme)
    mneme.stop()
checks.end()
