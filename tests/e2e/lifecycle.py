#!/usr/bin/env python3
"""The binary as an operator meets it: version, help, wrong flags, ports, probes, signals."""
import os
import signal
import subprocess
import time

import lib

lib.need("curl", "openssl")

here = lib.work_dir()
checks = lib.Checks()


def run(*argv):
    return subprocess.run([lib.MNEME, *argv], capture_output=True, timeout=30,
                          stdin=subprocess.DEVNULL)


with checks.check("--version"):
    done = run("--version")
    assert done.returncode == 0 and done.stdout.startswith(b"mneme, version "), done

with checks.check("help lists the commands and their flags"):
    assert b"receive" in run("--help").stdout and run("--help").returncode == 0
    done = run("receive", "--help")
    assert done.returncode == 0 and b"--tsdb.path" in done.stdout, done

for argv, words in [
    (["all", "--http-adress=x"], [b"http-adress", b"http-address"]),
    (["receive", "--label=a=\"b\"", "--tsdb.retention=5x"], [b"tsdb.retention", b"5x"]),
    (["receive"], [b"label"]),
    (["receive", "--label=replica"], [b"--label", b'replica is not of the form name="value"']),
    (["receive", "--label=replica=r0"], [b"--label", b"replica=r0"]),
    (["all", '--label=a="1"', '--label=a="2"'], [b"--label", b"a is given twice"]),
    (["all", "--log.level=loud"], [b"log.level", b"loud", b"debug"]),
    (["all", "--http-address=nonsense"], [b"nonsense"]),
    (["recieve"], [b"recieve", b"receive"]),
    ([], [b"receive", b"all"]),
]:
    with checks.check(f"refused: mneme {' '.join(argv)}"):
        done = run(*argv)
        assert done.returncode == 1, done
        assert all(word in done.stderr for word in words), done.stderr

with checks.check("receive runs with Thanos' flags and answers its probes"):
    http, grpc, write = lib.free_port(), lib.free_port(), lib.free_port()
    log = os.path.join(here, "receive.log")
    process = lib.start([lib.MNEME, "receive", f"--tsdb.path={here}/receive",
                         '--label=replica="r0"', f"--http-address=127.0.0.1:{http}",
                         f"--grpc-address=127.0.0.1:{grpc}",
                         f"--remote-write.address=127.0.0.1:{write}", "--log.format=json",
                         "--tsdb.retention=6h"], log)
    lib.wait_until(lambda: lib.request(http, "GET", "/-/ready")[0] == 200, 30, "ready")
    assert lib.request(http, "GET", "/-/healthy")[0] == 200
    status, headers, body = lib.request(http, "GET", "/metrics")
    assert status == 200 and b"thanos_status" in body and b"process_resident_memory_bytes" in body
    assert b"prometheus_tsdb_head_series" in body
    assert lib.request(write, "GET", "/metrics")[0] == 404
    assert os.path.isdir(os.path.join(here, "receive", "default-tenant"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    for line in open(log):
        assert line.startswith("{"), line

with checks.check("writes over TLS with client certificates, renewed by SIGHUP"):
    def certificate(name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", f"{here}/{name}.key", "-out", f"{here}/{name}.crt"],
                       check=True, capture_output=True)

    def curl(*argv):
        done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *argv,
                               f"https://127.0.0.1:{tls.write}/api/v1/receive"],
                              capture_output=True, timeout=30)
        return done.stdout.decode() if done.returncode == 0 else "refused"

    for name in ["server", "client", "renewed"]:
        certificate(name)
    tls_dir = os.path.join(here, "tls")
    os.makedirs(tls_dir)
    tls = lib.Mneme(tls_dir, f"--remote-write.server-tls-cert={here}/server.crt",
                    f"--remote-write.server-tls-key={here}/server.key",
                    f"--remote-write.server-tls-client-ca={here}/client.crt").start()
    me = ["--cert", f"{here}/client.crt", "--key", f"{here}/client.key"]
    assert curl("--cacert", f"{here}/server.crt", *me) == "405"
    assert curl("--cacert", f"{here}/server.crt") == "refused"  # no client certificate
    assert curl("--cacert", f"{here}/renewed.crt", *me) == "refused"
    os.replace(f"{here}/renewed.key", f"{here}/server.key")
    os.replace(f"{here}/renewed.crt", f"{here}/server.crt")
    tls.process.send_signal(signal.SIGHUP)
    lib.wait_until(lambda: curl("--cacert", f"{here}/server.crt", *me) == "405", 10,
                   "the new certificate")
    tls.stop()

mneme = lib.Mneme(here).start()
with checks.check("a second process on the same directory is refused"):
    other = lib.Mneme(here)
    done = subprocess.run(other.argv(), capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    assert done.returncode == 1 and b"in use" in done.stderr, done

with checks.check("a taken port is refused by name"):
    done = run("all", f"--data-dir={here}/elsewhere", f"--http-address=127.0.0.1:{mneme.http}",
               f"--remote-write.address=127.0.0.1:{lib.free_port()}",
               f"--grpc-address=127.0.0.1:{lib.free_port()}")
    assert done.returncode == 1 and str(mneme.http).encode() in done.stderr, done

with checks.check("SIGHUP reloads and nothing breaks"):
    mneme.process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert lib.request(mneme.http, "GET", "/-/ready")[0] == 200

with checks.check("tenants are apart"):
    for tenant in ["team-a", "team-b"]:
        subprocess.run([lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                        "--series", "10", "--samples-per-series", "5", "--tenant", tenant],
                       check=True, capture_output=True)
    for tenant, want in [("team-a", 10), ("team-b", 10), ("team-c", 0)]:
        got = lib.api(mneme.http, "query", {"THANOS-TENANT": tenant},
                      query='{__name__=~".+"}[1h]')["result"]
        assert len(got) == want, (tenant, len(got))
    assert not lib.api(mneme.http, "labels")
    assert os.path.isdir(mneme.tenant("team-a")) and not os.path.exists(mneme.tenant("team-c"))

with checks.check("buildinfo"):
    assert lib.api(mneme.http, "status/buildinfo")["version"]

with checks.check("SIGTERM under load drains and exits 0; the load loses nothing it was promised"):
    acks = os.path.join(here, "acks.txt")
    load = lib.start([lib.LOADGEN, "--url", f"http://127.0.0.1:{mneme.write}/api/v1/receive",
                      "--shape", "index", "--series", "500", "--samples-per-series", "2000",
                      "--interval-ms", "1000", "--start-ms", "1700000000000",
                      "--request-samples", "100", "--ack-log", acks],
                     os.path.join(here, "load.log"))
    lib.wait_until(lambda: os.path.getsize(acks) > 1000, 30, "the load to get going")
    mneme.stop()
    load.wait(60)
    mneme.start()
    with open(acks) as f:
        rows = [tuple(map(int, line.split())) for line in f]
    promised = sum((b - a + 1) * (d - c + 1) for a, b, c, d in rows)
    stored = sum(map(len, mneme.raw('{__name__=~".+"}', at=1700010000).values()))
    assert promised > 0 and promised <= stored, (promised, stored)
    mneme.stop()
checks.end()
