#!/usr/bin/env python3
"""Tenants by JSON Web Token: Debian's Prometheus writes with a token of PyJWT's; who is let in, as
whom, and why others are not; keys changed under load without a lost write; no token told in logs,
metrics or answers (LOAD_SECONDS). Needs PyPI for a pinned environment."""
import contextlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time

import lib
from wire import sample, series, snappy

SECONDS = int(os.environ.get("LOAD_SECONDS", "10"))

lib.need("prometheus")
if not lib.pypi("jwt-venv", "pyjwt==2.15.1", "cryptography==48.0.0"):
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
import jwt  # noqa: E402
from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

here = lib.work_dir()
checks = lib.Checks()
KEYS, ISSUER, AUDIENCE = os.path.join(here, "keys"), "https://id.example", "mneme"
rsa_key, ec_key = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
ed_key, foreign = ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)
told = []  # every token that was sent


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def jwks(**keys):
    algorithms = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
    return json.dumps({"keys": [
        dict(jwt.get_algorithm_by_name(algorithms[kid]).to_jwk(key.public_key(), as_dict=True),
             kid=kid) for kid, key in keys.items()]})


def write_keys(text):
    with open(KEYS + ".new", "w") as f:
        f.write(text)
    os.rename(KEYS + ".new", KEYS)


def token(key=ec_key, algorithm="ES256", kid=None, **claims):
    now = int(time.time())
    all_claims = {"sub": "sender", "tenant": "team-a", "iss": ISSUER, "aud": [AUDIENCE, "shop"],
                  "iat": now, "nbf": now, "exp": now + 600, **claims}
    made = jwt.encode({k: v for k, v in all_claims.items() if v is not None}, key, algorithm,
                      headers={"kid": kid} if kid else None)
    told.append(made)
    return made


write_keys(pem(rsa_key) + pem(ec_key) + pem(ed_key))
FLAGS = ["--receive.tenant-jwt-claim=tenant", f"--receive.tenant-jwt-key-file={KEYS}",
         f"--receive.tenant-jwt-issuer={ISSUER}", f"--receive.tenant-jwt-audience={AUDIENCE}"]
mneme = lib.Mneme(here, "--log.level=debug", *FLAGS).start()


def write(name, bearer, path="/api/v1/receive", **headers):
    """(status, challenge, text)"""
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    headers["Content-Type"] = "application/x-protobuf"
    body = snappy(series([("__name__", name)], sample(int(time.time() * 1000), 1)))
    status, fields, text = lib.request(mneme.write, "POST", path, body, headers)
    return status, fields.get("WWW-Authenticate"), text.decode()


def tenants_with(name):
    """The tenants whose data has such a series."""
    found = []
    for tenant in os.listdir(mneme.data):
        data = lib.api(mneme.http, "query", {"THANOS-TENANT": tenant}, query=f"{name}[1h]")
        found += [tenant] if data["result"] else []
    return found


def metric(name):
    for line in lib.request(mneme.http, "GET", "/metrics")[2].decode().splitlines():
        if line.startswith(name + " "):
            return float(line.rsplit(" ", 1)[1])
    return 0


with checks.check("the claim names the tenant, by every algorithm"):
    for n, (key, algorithm) in enumerate([
            (rsa_key, "RS256"), (rsa_key, "RS384"), (rsa_key, "RS512"), (rsa_key, "PS256"),
            (ec_key, "ES256"), (ed_key, "EdDSA")]):
        answer = write(f"by_algorithm_{n}", token(key, algorithm, tenant=f"team-{n}"))
        assert answer == (200, None, ""), (algorithm, answer)
        assert tenants_with(f"by_algorithm_{n}") == [f"team-{n}"]
    assert write("by_path", token(), "/api/v1/write")[0] == 204

with checks.check("who brings none, or a bad one, is told why"):
    for bearer, why in [
            (None, None), ("abc", "not a JSON Web Token of three parts"),
            (token(foreign, "RS256"), "the token's signature is wrong"),
            (token(exp=int(time.time()) - 100), "the token has expired"),
            (token(nbf=int(time.time()) + 100), "the token is not valid yet"),
            (token(iss="https://evil.example"), "the token is of another issuer"),
            (token(aud="shop"), "the token is for another audience"),
            (token(tenant=None), "the token has no text in the claim that names the tenant"),
            (token(key=None, algorithm="none"), "the token's algorithm is not taken"),
            (token(key="secret" * 8, algorithm="HS256"), "the token's algorithm is not taken")]:
        want = (401, f'Bearer error="invalid_token", error_description="{why}"',
                f"Unauthorized: {why}\n")
        if not bearer:
            want = (401, "Bearer", "Unauthorized: a bearer token is wanted\n")
        assert write("refused", bearer) == want, (want, write("refused", bearer))
    assert not tenants_with("refused")

with checks.check("a header cannot name another tenant, nor the status of one be seen"):
    assert write("own", token(), THANOS_TENANT="team-a")[0] == 200
    status, _, text = write("forged", token(), THANOS_TENANT="team-0")
    assert status == 403 and "header" in text, (status, text)
    assert tenants_with("forged") == [] and tenants_with("own") == ["team-a"]
    status, _, text = write("unsafe", token(tenant="../team"))
    assert status == 400 and "tenant name not valid" in text, (status, text)
    bearer = {"Authorization": f"Bearer {token()}"}
    for query, headers, want in [("", {}, 200), ("?all_tenants=true", {}, 403),
                                 ("", {"THANOS-TENANT": "team-0"}, 403)]:
        status, _, body = lib.request(mneme.write, "GET", f"/api/v1/status/tsdb{query}",
                                      headers={**bearer, **headers})
        assert status == want, (query, headers, status, body)
        assert status != 200 or [t["tenant"] for t in json.loads(body)["data"]] == ["team-a"], body

with checks.check("a steady sender costs one check of a signature"):
    before, mine = metric("mneme_http_token_checks_total"), token()
    for _ in range(200):
        assert write("steady", mine)[0] == 200
    assert metric("mneme_http_token_checks_total") == before + 1

with checks.check("Prometheus writes with a token"):
    with open(os.path.join(here, "bearer"), "w") as f:
        f.write(token(rsa_key, "RS256", tenant="prometheus"))
    prometheus = lib.Prometheus(os.path.join(here, "prometheus"), f"""
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: self, static_configs: [{{targets: ['SELF']}}]}}]
remote_write:
- url: http://127.0.0.1:{mneme.write}/api/v1/receive
  authorization: {{type: Bearer, credentials_file: {here}/bearer}}
""").start()
    lib.wait_until(lambda: tenants_with('up{job="self"}') == ["prometheus"], 30, "its samples")
    prometheus.stop()

with checks.check("keys change under load: no write of a good sender is refused"):
    codes, stopping = [], threading.Event()

    def load(n, bearer):
        connection = http.client.HTTPConnection("127.0.0.1", mneme.write, timeout=30)
        body = snappy(series([("__name__", f"loaded_{n}")], sample(int(time.time() * 1000), 1)))
        with contextlib.closing(connection):
            while not stopping.is_set():
                connection.request("POST", "/api/v1/receive", body, {
                    "Authorization": f"Bearer {bearer}", "Content-Type": "application/x-protobuf"})
                answer = connection.getresponse()
                answer.read()
                codes.append(answer.status)
    reloads = 'mneme_reloads_total{config="receive.tenant-jwt-key-file",result="success"}'
    threads = [threading.Thread(target=load, args=(n, token(kid="ec"))) for n in range(4)]
    for t in threads:
        t.start()
    end, n = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        n += 1
        write_keys(jwks(ec=ec_key, rsa=foreign) if n % 2 else pem(ec_key) + pem(rsa_key))
        time.sleep(1.2)
    stopping.set()
    for t in threads:
        t.join()
    print(f"        {len(codes)} writes, {n} key files", flush=True)
    assert len(codes) > 100 and set(codes) == {200}, {c: codes.count(c) for c in set(codes)}

with checks.check("a removed key counts no more, and a bad file changes nothing"):
    mine = token(rsa_key, "RS256")
    write_keys(pem(rsa_key))
    lib.wait_until(lambda: write("removed", mine)[0] == 200, 5, "the key")
    write_keys("hello")
    time.sleep(2.5)
    assert write("removed", mine)[0] == 200
    write_keys(jwks(ed=ed_key))
    lib.wait_until(lambda: write("removed", mine)[0] == 401, 5, "the key to be gone")

with checks.check("no token, nor a part of one, is told"):
    status, _, metrics = lib.request(mneme.http, "GET", "/metrics")
    flags = lib.request(mneme.http, "GET", "/api/v1/status/flags")[2]
    with open(mneme.log, "rb") as f:
        log = f.read()
    for made in set(told):
        for part in made.split("."):
            assert len(part) < 20 or part.encode() not in metrics + flags + log, part
mneme.stop()

with checks.check("contradictions are no start"):
    for flags, words in [(FLAGS[:1], "go together"), (FLAGS[1:2], "go together"),
                         (FLAGS[2:3], "go together"),
                         ([*FLAGS, "--receive.split-tenant-label-name=team"], "binds senders"),
                         (["--receive.tenant-jwt-claim=t", "--receive.tenant-jwt-key-file=/none"],
                          "/none")]:
        other = lib.Mneme(os.path.join(here, "other"), *flags)
        done = subprocess.run(other.argv(), capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and words in done.stderr, (done.returncode, done.stderr)
checks.end()
