#!/usr/bin/env python3
"""`mneme tools tsdb` beside promtool: the same directory is listed, dumped and analyzed alike, and
stays as it is; directories of running and of killed servers are sound; damage is found."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import time

import lib

lib.need("prometheus", "promtool")
here = lib.work_dir()
checks = lib.Checks()
START_S = int(time.time()) // 7200 * 7200 - 6 * 3600
QUIET = "global: {scrape_interval: 1h}\n"
SCRAPING = """global: {scrape_interval: 1s}
scrape_configs:
  - job_name: self
    static_configs: [{targets: ['SELF']}]
"""


def tool(command, *args, code=0):
    """Lines of standard output."""
    done = subprocess.run([lib.MNEME, "tools", "tsdb", command, *args], capture_output=True)
    assert done.returncode == code, (command, args, done.returncode, done.stdout[-500:],
                                     done.stderr[-500:])
    return done.stdout.decode().splitlines()


def promtool(command, directory, *args):
    """The same of promtool, over a copy: it writes where it reads."""
    copy = os.path.join(here, "promtool-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy)
    os.makedirs(os.path.join(copy, "wal"), exist_ok=True)
    words = ["analyze"] if command == "analyze" else [command]
    done = subprocess.run(["promtool", "tsdb", *words, *[a for a in args if a[0] == "-"], copy,
                           *[a for a in args if a[0] != "-"]], capture_output=True)
    assert done.returncode == 0, (command, args, done.stderr[-500:])
    return done.stdout.decode().splitlines()


def state_of(directory):
    """Names, contents, times: what a tool must leave alone."""
    out = {}
    for base, names, files in os.walk(directory):
        for name in names + files:
            path = os.path.join(base, name)
            stat = os.stat(path)
            digest = hashlib.sha256(open(path, "rb").read()).hexdigest() if name in files else ""
            out[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino, digest)
    return out


def samples():
    """OpenMetrics of eight hours: counters, gauges with odd values, series that come and go."""
    lines = ["# TYPE tool_counter counter"]
    for shard in range(12):
        begin = START_S + (shard % 4) * 1800
        end = START_S + 6 * 3600 - (shard % 3) * 4000
        for i, t in enumerate(range(begin, end, 30)):
            lines.append(f'tool_counter_total{{shard="{shard:02d}",job="j{shard % 3}"}} '
                         f'{i * (shard + 1)} {t}.{shard:03d}')
    lines.append("# TYPE tool_gauge gauge")
    odd = ["NaN", "+Inf", "-Inf", "5e-324", "1e308", "0.1", "-7", "1e6", "123456", "1234567",
           "1e-5", "0.0001"]
    for shard in range(5):
        text = ["plain", 'quo\\"te', "back\\\\slash", "new\\nline", "é 日本"][shard]
        for i, t in enumerate(range(START_S, START_S + 4 * 3600, 60)):
            lines.append(f'tool_gauge{{text="{text}"}} {odd[(i + shard) % len(odd)]} {t}')
    return "\n".join(lines) + "\n# EOF\n"


def make_blocks(name, text):
    directory = os.path.join(here, name)
    path = directory + ".om"
    with open(path, "w") as f:
        f.write(text)
    subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", path, directory],
                   check=True, capture_output=True)
    return directory


def load(port, path, series, count, first=0):
    subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{port}{path}", "--shape", "mix",
                    "--series", str(series), "--samples-per-series", str(count),
                    "--first-sample", str(first), "--start-ms", str(START_S * 1000),
                    "--interval-ms", "5000"], check=True, capture_output=True)


def by_series(lines):
    """{labels: [the rest of each line in order]}: promtool does not sort series of one source."""
    out = {}
    for line in lines:
        labels, value, t = line.rsplit(" ", 2)
        out.setdefault(labels, []).append((value, t))
    return out


def same_dump(directory, *args):
    ours, theirs = tool("dump", directory, *args), promtool("dump", directory, *args)
    assert by_series(ours) == by_series(theirs), (args, len(ours), len(theirs),
                                                  sorted(set(ours) ^ set(theirs))[:4])
    assert sorted(ours) == sorted(theirs)
    return ours


def same_list(directory):
    """promtool's lines are the beginnings of ours."""
    for args in [], ["-r"], ["--human-readable"]:
        ours, theirs = tool("list", directory, *args), promtool("list", directory, *args)
        assert theirs and len(ours) >= len(theirs)
        for line, want in zip(ours, theirs):
            assert line.startswith(want.rstrip()), (line, want)
            assert re.search(r"\s(LEVEL|\d+)$", line), line
        assert all(re.match(r"(wal|wbl|chunks_head|chunk_snapshot) ", line)
                   for line in ours[len(theirs):])


def sections(lines):
    """{title: [(amount, key)]}, and the figures in front."""
    out, figures, title = {}, {}, None
    for line in lines:
        if not line:
            title = None
        elif title is None and line.endswith(":"):
            title, out[line] = line, []
        elif title is None:
            key, _, value = line.partition(": ")
            figures[key.replace("Total Series", "Series")] = value
        elif re.match(r"\d+ ", line):
            amount, _, key = line.partition(" ")
            out[title].append((int(amount), key))
        elif "Compaction" in title:
            out[title].append((0, line))
        else:  # the rest of a value with a line end in it
            amount, key = out[title].pop()
            out[title].append((amount, key + "\n" + line))
    return figures, out


def same_analysis(directory, *args):
    """Figures and lists are equal; items of equal amounts stand in any order, and which of them
    are on the list where it ends is nobody's business."""
    ours = sections(tool("analyze", "--extended", "--limit=9", directory, *args))
    theirs = sections(promtool("analyze", directory, "--extended", "--limit=9", *args))
    for key, value in theirs[0].items():
        assert ours[0][key] == value, (key, value, ours[0])
    for title, items in theirs[1].items():
        got = ours[1][title]
        if title == "Compaction analysis:":
            assert got == items, (got, items)
            continue
        assert [a for a, _ in got] == [a for a, _ in items], (title, got, items)
        least = items[-1][0] if len(items) == 9 else -1
        assert {i for i in got if i[0] > least} == {i for i in items if i[0] > least}, (title, got)
    return ours


def sound(directory, *args):
    """verify finds nothing; returns what it tells."""
    lines = tool("verify", directory, *args)
    assert lines[-1] == "fine" and not any(line.startswith("broken") for line in lines), lines
    return "\n".join(lines[:-1])


# --- blocks ---------------------------------------------------------------------------------------
blocks = make_blocks("blocks", samples())
before = state_of(blocks)
with checks.check("blocks are listed alike"):
    same_list(blocks)
with checks.check("blocks are dumped alike"):
    lines = same_dump(blocks)
    assert len(lines) > 7000
    counters = [line.rsplit(" ", 2)[0] for line in lines if "tool_counter" in line]
    assert counters == sorted(counters)  # no escapes in these: the text's order is the labels'
with checks.check("ranges and matchers are obeyed alike"):
    middle = (START_S + 5400) * 1000
    same_dump(blocks, f"--min-time={middle}", f"--max-time={middle + 600_000}")
    same_dump(blocks, f"--max-time={START_S * 1000}")
    same_dump(blocks, '--match={shard=~"0[1-3]",job!="j1"}')
    same_dump(blocks, '--match=tool_gauge{text="new\\nline"}')
    both = tool("dump", blocks, '--match={shard="01"}', '--match=tool_counter_total{shard=~"0.*"}')
    assert both == tool("dump", blocks, '--match={shard=~"0.*"}')
    assert tool("dump", blocks, "--match=none_such") == []
with checks.check("each block is analyzed alike"):
    names = sorted(n for n in os.listdir(blocks) if len(n) == 26)
    assert len(names) >= 3
    for name in names:
        same_analysis(blocks, name)
    assert same_analysis(blocks)[0]["Block ID"] == tool("list", blocks)[-1].split()[0]
    figures, _ = sections(tool("analyze", blocks, names[0], '--match={shard=~"0[12]"}'))
    assert figures["Matched series"] == "2", figures
with checks.check("a dump as OpenMetrics makes the same blocks again"):
    again = make_blocks("again", "\n".join(tool("dump", "--format=openmetrics", blocks)) + "\n")
    assert tool("dump", again) == tool("dump", blocks)
with checks.check("label sets as JSON are those of the dump"):
    sets = [json.loads(line) for line in tool("dump", "--format=seriesjson", blocks)]
    assert len(sets) == 17 and {"__name__": "tool_gauge", "text": "é 日本"} in sets
with checks.check("blocks are sound, and no tool has changed them"):
    assert sound(blocks, "--all") == ""
    assert state_of(blocks) == before

with checks.check("damage is found by name, and the exit code is 1"):
    hurt = os.path.join(here, "hurt")
    shutil.copytree(blocks, hurt)
    first, second = [os.path.join(hurt, n) for n in names[:2]]
    with open(os.path.join(first, "chunks", "000001"), "r+b") as f:
        f.seek(100)
        f.write(b"\xff\x00\xff")
    os.truncate(os.path.join(second, "index"), 1000)
    lines = tool("verify", "--quiet", hurt, code=1)
    assert len(lines) == 2, lines
    assert re.match(rf"broken: {names[0]}/chunks/000001: V8 .*checksum at \d+$", lines[0]), lines
    assert re.match(rf"broken: {names[1]}/index: I1 .* at \d+$", lines[1]), lines
    tool("dump", hurt, code=1)
    os.remove(os.path.join(first, "meta.json"))
    assert any(line.startswith(names[0] + "  -") for line in tool("list", hurt, code=1))

# --- mneme ----------------------------------------------------------------------------------------
own = os.path.join(here, "own")
os.makedirs(own)
mneme = lib.Mneme(own).start()
with checks.check("a running mneme: in use, sound, dumped as it answers"):
    load(mneme.write, "/api/v1/receive", 100, 600)
    told = sound(mneme.tenant())
    assert f"lock: in use by process {mneme.process.pid}" in told, told
    seen = {k: [(float(t), v) for t, v in vs] for k, vs in
            mneme.raw(at=START_S + 7200, seconds=4 * 3600).items()}
    assert sum(map(len, seen.values())) == 100 * 600
    dumped = tool("dump", mneme.tenant())
    assert len(dumped) == 100 * 600, len(dumped)
    assert sorted(float(line.rsplit(" ", 2)[1]) for line in dumped) == \
        sorted(float(v) for values in seen.values() for _, v in values)
with checks.check("verify and dump beside writes: always sound"):
    writer = subprocess.Popen([lib.LOADGEN, "--url",
                               f"http://127.0.0.1:{mneme.write}/api/v1/receive", "--shape", "mix",
                               "--series", "100", "--first-sample", "600", "--samples-per-series",
                               "800", "--start-ms", str(START_S * 1000), "--interval-ms", "5000",
                               "--request-samples", "20"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    rounds = 0
    while writer.poll() is None or rounds < 3:
        sound(mneme.tenant())
        assert len(tool("dump", "--match={__name__=~'.+'}", mneme.tenant())) >= 100 * 600
        rounds += 1
    assert writer.returncode == 0
with checks.check("a killed mneme: sound, and a torn record is told"):
    mneme.kill()
    before = state_of(mneme.tenant())
    assert "lock: in use, or left by a process" in sound(mneme.tenant())
    assert state_of(mneme.tenant()) == before
    wal = os.path.join(mneme.tenant(), "wal")
    last = max(n for n in os.listdir(wal) if n.isdigit() and os.path.getsize(f"{wal}/{n}") > 0)
    os.truncate(f"{wal}/{last}", os.path.getsize(f"{wal}/{last}") - 3)
    assert re.search(rf"info: wal/{last}: last record is torn.* at \d+", sound(mneme.tenant()))
    before = state_of(mneme.tenant())
    tool("dump", mneme.tenant())  # replays and repairs, in memory
    assert state_of(mneme.tenant()) == before
with checks.check("a stopped mneme is dumped as promtool dumps it"):
    mneme.start()
    mneme.stop()
    sound(mneme.tenant())
    assert len(same_dump(mneme.tenant())) >= 100 * 600
with checks.check("the head is analyzed; it has what the dump has"):
    figures, lists = sections(tool("analyze", "--limit=1000", mneme.tenant(), "head"))
    assert figures["Block ID"] == "head", figures
    ends = [int(row.split()[2]) for row in tool("list", mneme.tenant()) if row[:2] == "01"]
    names = {}
    for labels in by_series(tool("dump", mneme.tenant(),
                                 f"--min-time={max(ends, default=0)}")):
        name = re.search(r'__name__="([^"]*)"', labels).group(1)
        names[name] = names.get(name, 0) + 1
    got = {key: amount for amount, key in lists["Highest cardinality metric names:"]}
    assert got == names and sum(names.values()) == 100, (got, names)
with checks.check("several tenants: listed and verified in turn, dumped one at a time or apart"):
    shutil.copytree(blocks, os.path.join(mneme.data, "other"))
    lines = tool("list", mneme.data)
    assert [s for s in lines if s.startswith("tenant")] == ["tenant default-tenant", "tenant other"]
    assert tool("list", "--tenant=other", mneme.data)[1:] == tool("list", blocks)
    assert tool("verify", mneme.data).count("fine") == 2
    lines = tool("dump", mneme.data)
    assert lines[0] == "# tenant default-tenant" and "# tenant other" in lines
    assert lines[lines.index("# tenant other") + 1:] == tool("dump", blocks)
    assert tool("dump", "--tenant", "other", mneme.data) == tool("dump", blocks)
    tool("dump", "--format=openmetrics", mneme.data, code=2)
    tool("list", "--tenant=none", mneme.data, code=2)

# --- Prometheus -----------------------------------------------------------------------------------
peer = lib.Prometheus(os.path.join(here, "peer"), SCRAPING, "--web.enable-remote-write-receiver",
                      "--storage.tsdb.retention.time=10y",
                      "--storage.tsdb.use-lockfile").start()  # Debian's; upstream does by default
with checks.check("a running Prometheus: in use, sound, dumped as it answers"):
    load(peer.port, "/api/v1/write", 80, 400)
    lib.wait_until(lambda: lib.api(peer.port, "query", query="up")["result"], 30, "a scrape")
    told = sound(peer.data)
    assert f"lock: in use by process {peer.process.pid}" in told, told
    data = lib.api(peer.port, "query", query='{__name__=~".+"}[4h]', time=f"{START_S + 7200}")
    want = sum(len(s["values"]) for s in data["result"])
    end = f"--max-time={(START_S + 7200) * 1000}"
    assert want >= 80 * 400 and len(tool("dump", end, peer.data)) == want, want
    for _ in range(5):
        sound(peer.data)
with checks.check("a stopped Prometheus is listed and dumped as promtool does"):
    peer.stop()
    before = state_of(peer.data)
    sound(peer.data)
    same_dump(peer.data)
    assert len(tool("list", peer.data)) >= 2
    assert state_of(peer.data) == before
with checks.check("a killed Prometheus is sound"):
    peer.start()
    time.sleep(1.5)  # some scrapes
    peer.process.kill()
    peer.process.wait()
    sound(peer.data, "--all")

# --- command lines --------------------------------------------------------------------------------
for argv, code, stream, text in [
        ([], 2, "stderr", "usage: mneme tools <command>"),
        (["tsdb"], 2, "stderr", "usage: mneme tools tsdb <command>"),
        (["tsdb", "--help"], 0, "stdout", "  dump "),
        (["tsdb", "verify", "--help"], 0, "stdout", "usage: mneme tools tsdb verify [<flags>]"),
        (["tsdb", "verfy"], 2, "stderr", 'unknown command "verfy", did you mean "verify"?'),
        (["bucket"], 2, "stderr", 'unknown command "bucket"'),
        (["tsdb", "list", "--al"], 2, "stderr", "unknown flag --al"),
        (["tsdb", "list", blocks, "x"], 2, "stderr", 'unexpected argument "x"'),
        (["tsdb", "list", here + "/none"], 2, "stderr", "No such file"),
        (["tsdb", "list", os.path.dirname(lib.__file__)], 2, "stderr", "no database"),
        (["tsdb", "dump", blocks, "--match={"], 2, "stderr", "parse error"),
        (["tsdb", "dump", blocks, "--format=xml"], 2, "stderr", "is not one of"),
        (["tsdb", "dump", blocks, "--min-time=x"], 2, "stderr", "--min-time"),
        (["tsdb", "analyze", blocks, "01M84Q62B8G10XRWV5ZVN8NTTZ"], 1, "stderr", "no block"),
        (["tsdb", "analyze", blocks, "--limit=-1"], 2, "stderr", "--limit")]:
    with checks.check("mneme tools " + " ".join(argv).replace(here, "...")):
        done = subprocess.run([lib.MNEME, "tools", *argv], capture_output=True)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        assert text in getattr(done, stream).decode(), (done.stdout, done.stderr)
with checks.check("an output that cannot be written is an error"):
    with open("/dev/full", "w") as full:
        done = subprocess.run([lib.MNEME, "tools", "tsdb", "dump", blocks], stdout=full,
                              stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"cannot be written" in done.stderr, done
checks.end()
