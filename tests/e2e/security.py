#!/usr/bin/env python3
"""Who may come in: both listeners behind web files with TLS, client certificates, passwords and
bearer tokens, by curl; Debian's Prometheus writing over mTLS with a password while every
certificate is rotated and no sample is lost; slow, lying and guessing clients; and no secret in
logs, metrics or flags (ROTATION_SECONDS)."""
import base64
import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse

import lib

SECONDS = int(os.environ.get("ROTATION_SECONDS", "20"))

lib.need("curl", "openssl", "prometheus")
here = lib.work_dir()
checks = lib.Checks()

# Passwords and their bcrypt hashes of cost 10.
PASSWORD, HASH = ("correct-horse-battery",
                  "$2b$10$abcdefghijklmnopqrstuuVXnBLFLU5JfGWbrHXddZ/3PyNLGYeqO")
CHANGED, CHANGED_HASH = ("another-horse-battery",
                         "$2b$10$abcdefghijklmnopqrstuus4VFk.kiVPcS9gRcRan.S1OptvSwXTC")
TOKEN, FILE_TOKEN = "token-of-the-digest", "token-of-the-file"


def path(name):
    return os.path.join(here, name)


def write(name, text):
    """As a whole, as whoever rotates files should."""
    with open(path(name + ".new"), "w") as f:
        f.write(text)
    os.replace(path(name + ".new"), path(name))


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, capture_output=True)


def make_ca(name):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", path(f"{name}.key"), "-out", path(f"{name}.crt"))


def make_cert(name, ca):
    """NAME.crt and NAME.key, replaced one after the other: in between they do not fit."""
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
            f"/O=mneme/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:client.example",
            "-CA", path(f"{ca}.crt"), "-CAkey", path(f"{ca}.key"),
            "-keyout", path(f"{name}.key.new"), "-out", path(f"{name}.crt.new"))
    os.replace(path(f"{name}.key.new"), path(f"{name}.key"))
    os.replace(path(f"{name}.crt.new"), path(f"{name}.crt"))


def read(name):
    with open(path(name)) as f:
        return f.read()


for ca in ["ca1", "ca2", "stranger"]:
    make_ca(ca)
write("servers.ca", read("ca1.crt"))
write("clients.ca", read("ca1.crt"))
for name, ca in [("server", "ca1"), ("client", "ca1"), ("intruder", "stranger")]:
    make_cert(name, ca)
write("token", FILE_TOKEN + "\n")


def web_file(name, users, client_auth):
    clients = f"  client_auth_type: {client_auth}\n  client_ca_file: clients.ca\n"
    write(name, f"""tls_server_config:
  cert_file: server.crt
  key_file: server.key
{clients if client_auth else ""}http_server_config:
  headers: {{X-Frame-Options: deny}}
basic_auth_users:
{"".join(f"  {user}: {h}{chr(10)}" for user, h in users.items())}bearer_tokens:
- {{name: digest, sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
- {{name: file, token_file: token}}
""")


web_file("http.yml", {"reader": HASH}, None)
web_file("write.yml", {"writer": HASH, "guest": CHANGED_HASH}, "RequireAndVerifyClientCert")


class Guarded(lib.Mneme):
    """Asks with a password, over TLS."""

    def ready(self):
        assert self.process.poll() is None, f"mneme ended: {self.tail()}"
        return self.ask("/-/ready")[0] == 200

    def ask(self, target, user="reader", password=PASSWORD):
        context = ssl.create_default_context(cafile=path("servers.ca"))
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", self.http, timeout=60,
                                                            context=context)) as c:
            c.request("GET", target, headers={"Authorization": basic(user, password)})
            answer = c.getresponse()
            return answer.status, answer.read()

    def metric(self, line):
        for text in self.ask("/metrics")[1].decode().splitlines():
            if text.startswith(line + " "):
                return float(text.rsplit(" ", 1)[1])
        return 0


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


mneme = Guarded(here, f"--http.config={path('http.yml')}", "--log.level=debug",
                f"--remote-write.http-config={path('write.yml')}", "--http.idle-timeout=400ms",
                "--http.read-timeout=2s").start()


def curl(port, target, *argv, ca="servers.ca"):
    """Status, or "refused" where there is no answer."""
    done = subprocess.run(["curl", "-sS", "-o", path("body"), "-w", "%{http_code}", "--cacert",
                           path(ca), *argv, f"https://127.0.0.1:{port}{target}"],
                          capture_output=True, timeout=30)
    return done.stdout.decode() if done.returncode == 0 else "refused"


def cert(name):
    return ["--cert", path(f"{name}.crt"), "--key", path(f"{name}.key")]


with checks.check("the HTTP listener asks for a password or a token, for every path"):
    reader = ["-u", f"reader:{PASSWORD}"]
    for argv, want in [([], "401"), (["-u", "reader:guess"], "401"),
                       (["-u", f"nobody:{PASSWORD}"], "401"), (["-u", f"writer:{PASSWORD}"], "401"),
                       (["-H", "Authorization: Bearer guess"], "401"), (reader, "200"),
                       (["-H", f"Authorization: Bearer {TOKEN}"], "200"),
                       (["-H", f"Authorization: Bearer {FILE_TOKEN}"], "200")]:
        for target in ["/-/healthy", "/metrics", "/api/v1/labels"]:
            got = curl(mneme.http, target, *argv)
            assert got == want, (argv, target, got)
    assert curl(mneme.http, "/nowhere") == "401" and curl(mneme.http, "/nowhere", *reader) == "404"
    assert curl(mneme.http, "/-/healthy", *reader, ca="stranger.crt") == "refused"
    assert curl(mneme.http, "/-/healthy", *reader, "--tls-max", "1.1") == "refused"
    head = subprocess.run(["curl", "-sSi", "--cacert", path("servers.ca"),
                           f"https://127.0.0.1:{mneme.http}/"], capture_output=True).stdout.lower()
    assert b"www-authenticate: basic" in head and b"x-frame-options: deny" in head, head

with checks.check("the write listener asks for a certificate and a password"):
    target = "/api/v1/receive"
    writer = ["-u", f"writer:{PASSWORD}"]
    for argv, want in [(writer, "refused"), (cert("intruder") + writer, "refused"),
                       (cert("client"), "401"), (cert("client") + ["-u", "writer:guess"], "401"),
                       (cert("client") + writer, "405"),
                       (cert("client") + ["-u", f"guest:{CHANGED}"], "405"),
                       (cert("client") + ["-H", f"Authorization: Bearer {TOKEN}"], "405")]:
        got = curl(mneme.write, target, *argv)
        assert got == want, (argv, got)
    assert mneme.metric('mneme_http_refused_total{reason="tls_handshake"}') >= 2
    assert mneme.metric('mneme_http_refused_total{reason="unauthorized"}') >= 10

with checks.check("a body is not waited for when nobody is let in"):
    done = subprocess.run(["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{size_upload}",
                           "--cacert", path("servers.ca"), *cert("client"), "-u", "writer:guess",
                           "-H", "Expect: 100-continue", "--data-binary", f"@{mneme.log}",
                           f"https://127.0.0.1:{mneme.write}/api/v1/receive"],
                          capture_output=True, timeout=30)
    assert done.stdout == b"401 0", done

with checks.check("Prometheus writes by mTLS with a password while all certificates are rotated"):
    REMOTE_WRITE = f"""
remote_write:
  - url: https://127.0.0.1:{mneme.write}/api/v1/receive
    queue_config: {{batch_send_deadline: 500ms}}
    basic_auth: {{username: writer, password: {PASSWORD}}}
    tls_config: {{ca_file: {path("servers.ca")}, cert_file: {path("client.crt")},
                 key_file: {path("client.key")}}}
"""
    prometheus = lib.Prometheus(path("prometheus"), """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["SELF"]}]
""" + REMOTE_WRITE).start()
    begin = int(time.time())
    step = 0
    while step <= 6 or time.time() < begin + SECONDS:
        time.sleep(2)
        step += 1
        make_cert("server", "ca1")
        if step == 2:  # both authorities are good while the client moves to the new one
            write("clients.ca", read("ca1.crt") + read("ca2.crt"))
        if step == 4:
            make_cert("client", "ca2")
        if step == 6:
            write("clients.ca", read("ca2.crt"))
    prometheus.configure("global: {scrape_interval: 1s}\n" + REMOTE_WRITE)
    prometheus.reload()

    def sent():
        values = {}
        for line in lib.request(prometheus.port, "GET", "/metrics")[2].decode().splitlines():
            if line.startswith(("prometheus_remote_storage", "prometheus_tsdb_head_max")):
                values[line.split("{")[0].split(" ")[0]] = float(line.rsplit(" ", 1)[1])
        return values

    def drained():
        v = sent()
        behind = (v["prometheus_tsdb_head_max_time_seconds"]
                  - v["prometheus_remote_storage_queue_highest_sent_timestamp_seconds"])
        return v["prometheus_remote_storage_samples_pending"] == 0 and behind < 0.002

    time.sleep(3)
    lib.wait_until(drained, 60, "the remote-write queue to drain")
    end = int(time.time()) + 1
    v = sent()
    assert v["prometheus_remote_storage_samples_failed_total"] == 0, v
    assert v["prometheus_remote_storage_samples_dropped_total"] == 0, v
    window = {"query": '{__name__=~".+"}[%ds]' % (end - begin + 30), "time": end}
    want = lib.by_labels(lib.api(prometheus.port, "query", **window)["result"])
    status, body = mneme.ask("/api/v1/query?" + urllib.parse.urlencode(window))
    assert status == 200, body
    got = lib.by_labels(json.loads(body)["data"]["result"])
    assert len(want) > 300 and got == want, (len(want), len(got))
    print(f"        {len(want)} series, {sum(map(len, want.values()))} samples, "
          f"{step} rotations", flush=True)
    assert curl(mneme.write, "/api/v1/receive", *cert("client"), *writer) == "405"
    make_cert("old", "ca1")
    assert curl(mneme.write, "/api/v1/receive", *cert("old"), *writer) == "refused"

with checks.check("changed users and tokens count within seconds, a broken file changes nothing"):
    web_file("http.yml", {"reader": CHANGED_HASH}, None)
    write("token", "token-of-another-day\n")
    lib.wait_until(lambda: mneme.ask("/-/ready", password=CHANGED)[0] == 200, 10, "the new user")
    assert mneme.ask("/-/ready")[0] == 401
    assert curl(mneme.http, "/-/ready", "-H", f"Authorization: Bearer {FILE_TOKEN}") == "401"
    write("http.yml", f"basic_auth_users: {{reader: {PASSWORD}}}\n")
    lib.wait_until(lambda: "not a bcrypt hash" in mneme.tail(), 10, "the complaint")
    assert mneme.ask("/-/ready", password=CHANGED)[0] == 200
    web_file("http.yml", {"reader": HASH}, None)
    lib.wait_until(lambda: mneme.ask("/-/ready")[0] == 200, 10, "the old user")


def slow_client(port, ends):
    """Sends a byte of a head now and then, until it is cut off."""
    context = ssl.create_default_context(cafile=path("servers.ca"))
    began = time.monotonic()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as raw, \
            context.wrap_socket(raw, server_hostname="127.0.0.1") as s:
        s.settimeout(30)
        for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 1000:
            s.sendall(bytes([byte]))
            time.sleep(0.1)
    ends.append(time.monotonic() - began)


with checks.check("slow clients are cut off, those who do not shake hands too; others are served"):
    ends, slowest = [], 0
    mute = [socket.create_connection(("127.0.0.1", mneme.http)) for _ in range(100)]
    threads = [threading.Thread(target=slow_client, args=(mneme.http, ends)) for _ in range(50)]
    for t in threads:
        t.start()
    while any(t.is_alive() for t in threads):
        began = time.monotonic()
        assert mneme.ask("/-/healthy")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.05)
    for s in mute:
        s.settimeout(10)
        assert s.recv(1) == b""
        s.close()
    print(f"        cut off after {max(ends):.1f} s, others waited {slowest:.2f} s", flush=True)
    assert len(ends) == 50 and max(ends) < 15 and slowest < 3
    assert mneme.metric('mneme_http_refused_total{reason="timeout"}') >= 50


def guess(number, until):
    context = ssl.create_default_context(cafile=path("servers.ca"))
    while time.monotonic() < until:
        number += 1000
        with contextlib.suppress(OSError, http.client.HTTPException):
            c = http.client.HTTPSConnection("127.0.0.1", mneme.http, timeout=30, context=context)
            c.request("GET", "/-/ready", headers={"Authorization": basic("reader", str(number))})
            assert c.getresponse().status in (401, 503)
            c.close()


with checks.check("a flood of guesses keeps nobody out who was in"):
    until, slowest, asked = time.monotonic() + 4, 0, 0
    threads = [threading.Thread(target=guess, args=(i, until)) for i in range(30)]
    for t in threads:
        t.start()
    while time.monotonic() < until:
        began = time.monotonic()
        assert mneme.ask("/-/healthy")[0] == 200
        slowest = max(slowest, time.monotonic() - began)
        asked += 1
    for t in threads:
        t.join()
    refused = mneme.metric('mneme_http_refused_total{reason="password_checks"}')
    print(f"        {asked} requests, the slowest took {slowest:.2f} s; {refused:.0f} guesses were "
          "not even checked", flush=True)
    assert refused > 0 and slowest < 3

with checks.check("no secret in log, metrics, flags and configuration"):
    pages = {"log": open(mneme.log).read()}
    for target in ["/metrics", "/api/v1/status/flags", "/api/v1/status/config",
                   "/api/v1/status/runtimeinfo"]:
        status, body = mneme.ask(target)
        assert status == 200, (target, status)
        pages[target] = body.decode()
    secrets = [PASSWORD, CHANGED, HASH, CHANGED_HASH, TOKEN, FILE_TOKEN, "PRIVATE KEY",
               basic("reader", PASSWORD)[6:], hashlib.sha256(TOKEN.encode()).hexdigest(),
               read("server.key").splitlines()[1]]
    for where, text in pages.items():
        assert len(text) > 50
        for secret in secrets:
            assert secret not in text, (where, secret)
    assert path("http.yml") in pages["/api/v1/status/flags"]

with checks.check("bad files end the start by name, without what stands in them"):
    for text, told in [(f"basic_auth_users: {{a: {PASSWORD}}}\n", "not a bcrypt hash"),
                       (f"basic_auth: {{a: {PASSWORD}}}\n", "unknown key \"basic_auth\""),
                       (f"tls_server_config: {{cert: x, key: {PASSWORD}}}\n", "certificate")]:
        write("bad.yml", text)
        done = subprocess.run([lib.MNEME, "all", f"--data-dir={path('bad')}",
                               "--http-address=127.0.0.1:0", "--remote-write.address=127.0.0.1:0",
                               f"--remote-write.http-config={path('bad.yml')}"],
                              capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
        said = done.stderr.decode()
        assert done.returncode == 1 and told in said and "bad.yml" in said, done
        assert PASSWORD not in said, said

with checks.check("a tenant comes from the certificate that a web file asks for"):
    def receive(web):
        ports = [lib.free_port() for _ in range(3)]
        log = path("receive.log")
        process = lib.start([lib.MNEME, "receive", "--label=a=\"b\"",
                             f"--tsdb.path={path('tenants')}",
                             f"--http-address=127.0.0.1:{ports[0]}",
                             f"--remote-write.address=127.0.0.1:{ports[1]}",
                             f"--grpc-address=127.0.0.1:{ports[2]}",
                             "--receive.tenant-certificate-field=commonName",
                             f"--remote-write.http-config={path(web)}"], log)
        return process, ports, log

    write("users.yml", f"basic_auth_users: {{writer: {HASH}}}\n")
    process, _, log = receive("users.yml")
    assert process.wait(30) == 1 and "tenant-certificate-field" in open(log).read()
    process, ports, log = receive("write.yml")
    lib.wait_until(lambda: lib.request(ports[0], "GET", "/-/ready")[0] == 200, 30, "receive")
    got = curl(ports[1], "/api/v1/import/prometheus", *cert("client"), *writer, "--data-binary",
               "a_metric 1\n")
    assert got == "204", (got, read("body"))
    assert os.path.isdir(path("tenants/client"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0

with checks.check("stops with 0"):
    prometheus.stop()
    mneme.stop()
checks.end()
