#!/usr/bin/env python3
"""`mneme tools ring`: owners of the series of tests/data/ring are Thanos', line by line; what a
change of the hashrings moves; and what is wrong with files, lines and flags is said."""
import json
import os
import re
import subprocess

import lib

here = lib.work_dir()
checks = lib.Checks()
GOLDENS = os.path.join(lib.ROOT, "tests", "data", "ring")
SINGLE = ("hash.json", "config.json", "glob.json", "shuffle_per_zone.json", "shuffle_seed.json")


def tool(command, *args, text=""):
    return subprocess.run([lib.MNEME, "tools", "ring", command, *args], capture_output=True,
                          input=text.encode(), timeout=60)


def write(name, value):
    path = os.path.join(here, name)
    with open(path, "w") as f:
        json.dump(value, f)
    return path


def hashrings(*names):
    return [{"hashring": "h", "endpoints": list(names)}]


def golden(name):
    with open(os.path.join(GOLDENS, name), encoding="utf-8") as f:
        rings = json.load(f)
    lines = [json.dumps({"tenant": c["tenant"], "labels": dict(c["labels"])})
             for c in rings["cases"]]
    algorithm = rings["default_algorithm"]
    flags = ["--receive.replication-factor", str(rings["replication_factor"]),
             "--receive.hashrings-algorithm", "ketama" if algorithm == "ketama" else "hashmod"]
    done = tool("owners", "--receive.hashrings-file", write(name, rings["hashring_config"]), *flags,
                text="\n".join(lines))
    refused = any("error" in c for c in rings["cases"])
    assert done.returncode == (1 if refused else 0), (name, done)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == len(rings["cases"])
    for row, want in zip(rows, rings["cases"]):
        assert row["tenant"] == want["tenant"] and row["labels"] == dict(want["labels"])
        if "error" in want:
            assert "no hashring takes tenant" in row["error"], row
        else:
            assert row["hash"] == want["hash"] and row["owners"] == want["nodes"], (row, want)


def diff(before, after, *args, text="", code=0):
    done = tool("diff", write("before.json", before), write("after.json", after), *args, text=text)
    assert done.returncode == code, done
    out = done.stdout.decode()
    counts = {m[1]: int(m[2]) for m in re.finditer(r"^([a-z ]+\w) +(\d+)(?: |$)", out, re.M)}
    nodes = {line.split()[0]: line.split()[1:] for line in out.split("NODE", 1)[1].splitlines()[1:]}
    return counts, nodes


def moved():
    ketama = ["--receive.hashrings-algorithm=ketama", "--series=100000"]
    ten = hashrings(*(f"n{i}:1" for i in range(10)))
    eleven = hashrings(*(f"n{i}:1" for i in range(11)))
    counts, nodes = diff(ten, eleven, *ketama)
    assert counts["series"] == 100000 and len(nodes) == 11, counts
    assert 7000 < counts["series with a new owner"] < 11000, counts
    assert nodes["n10:1"][0] == "0" and int(nodes["n10:1"][2]) == counts["copies that move"], nodes
    assert sum(int(row[0]) for row in nodes.values()) == 100000
    counts, nodes = diff(ten, ten, *ketama, "--receive.replication-factor=3")
    assert counts["copies that move"] == 0
    assert sum(int(row[2]) for row in nodes.values()) == 300000
    counts, _ = diff(ten, eleven, "--series=100000")
    assert counts["series with a new owner"] > 85000, counts


def moved_stdin():
    lines = "".join('{"labels":{"__name__":"up","n":"%d"},"other":1}\n\n' % i for i in range(2000))
    counts, _ = diff(hashrings("a:1"), hashrings("b:1"), "--stdin", text=lines)
    assert counts["series"] == 2000 and counts["copies that move"] == 2000, counts
    tenants = [{"hashring": "t", "tenants": ["t"], "endpoints": ["a:1"]}]
    counts, _ = diff(hashrings("a:1"), tenants, "--stdin", code=1,
                     text=lines + '{"tenant":"t","labels":{"a":"b"}}')
    assert counts["series"] == 1 and counts["series without owners"] == 2000, counts


def refused():
    good = write("good.json", hashrings("a:1"))
    line = '{"labels":{"a":"b"}}'
    file = "--receive.hashrings-file=" + good
    for args, text, code, want in [
        ([], line, 2, "--receive.hashrings-file or --receive.hashrings must be given"),
        (["--receive.hashrings=[{\"endpoints\":[\"\"]}]"], line, 2, "endpoint 1: address must be"),
        ([file + ".not"], line, 2, "No such file"),
        ([file, "--receive.replication-factor=0"], line, 2, "least is 1"),
        ([file], line + "\n[]", 1, "line 2: no JSON object: an array"),
        ([file], '{"labels":{"a":1}}', 1, 'label "a" must be a text'),
        ([file], "{}", 1, 'line 1: "labels" must be an object'),
        ([file], "\n{", 1, "line 2: no JSON object: "),
        ([file], '{"tenant":1}', 1, '"tenant" must be a text'),
        ([file], " " * (5 << 20), 1, "line 1: longer than"),
    ]:
        done = tool("owners", *args, text=text)
        assert done.returncode == code and want in done.stderr.decode(), (args, done)
    done = tool("diff", good)
    assert done.returncode == 2 and b"<after>" in done.stderr, done
    # What a write would be told is told by line, and the others are answered.
    done = tool("owners", file, "--receive.replication-factor=2", text=line)
    assert done.returncode == 1 and b"insufficient nodes; have 1, want 2" in done.stdout, done


for golden_name in sorted(os.listdir(GOLDENS)):
    if golden_name.endswith(".json") and golden_name not in SINGLE:
        with checks.check("owners of " + golden_name):
            golden(golden_name)
for title, run in [("a change of hashrings", moved), ("the same, with series of ours", moved_stdin),
                   ("what is wrong is said", refused)]:
    with checks.check(title):
        run()
checks.end()
