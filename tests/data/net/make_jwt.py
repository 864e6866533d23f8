#!/usr/bin/env python3
"""Keys and tokens for tests/net/test_jwt.c, signed by PyJWT and its cryptography, and what must
become of each. Writes jwt.json beside itself: pip install pyjwt==2.15.1 cryptography==48.0.0

Private keys are made anew each time and kept nowhere, but for one that signs nothing."""
import base64
import hashlib
import hmac
import json
import os

import jwt
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

NOW = 1800000000
PEM, SPKI = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
KINDS = {"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS384": "rsa",
         "PS512": "rsa", "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}
own = {"rsa": rsa.generate_private_key(65537, 2048), "p256": ec.generate_private_key(ec.SECP256R1()),
       "p384": ec.generate_private_key(ec.SECP384R1()),
       "p521": ec.generate_private_key(ec.SECP521R1()), "ed25519": ed25519.Ed25519PrivateKey.generate()}
others = {"rsa": rsa.generate_private_key(65537, 2048),
          "p256": ec.generate_private_key(ec.SECP256R1())}
short = rsa.generate_private_key(65537, 1024)
k256 = ec.generate_private_key(ec.SECP256K1())


def pem(key):
    return key.public_key().public_bytes(PEM, SPKI).decode()


def private(key):
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption()).decode()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(kind, key, **more):
    algorithm = {"rsa": "RS256", "ed25519": "EdDSA"}.get(kind, "ES256")
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    made.pop("key_ops", None)
    return dict(made, **more)


def signed(header, payload, sign):
    text = f"{b64(header.encode())}.{b64(payload.encode())}"
    return f"{text}.{b64(sign(text.encode()))}"


def token(algorithm="ES256", key=None, headers=None, **claims):
    return jwt.encode({"tenant": "team-a", **claims}, key or own[KINDS[algorithm]], algorithm,
                      headers=headers)


every = "".join(pem(own[k]) for k in own)
public_rsa = pem(own["rsa"])
sets = {
    "every": every,
    "rsa": public_rsa,
    "p256": "# of the issuer\n" + pem(own["p256"]),
    "others": pem(others["rsa"]) + pem(others["p256"]),
    "two": pem(others["p256"]) + pem(own["p256"]),
    "rsa_pkcs1": own["rsa"].public_key().public_bytes(PEM, serialization.PublicFormat.PKCS1).decode(),
    "jwks": json.dumps({"keys": [
        jwk("rsa", others["rsa"], kid="old", use="sig"), {"kty": "future", "kid": "x"},
        *[jwk(k, own[k], kid=k) for k in own],
        jwk("p256", others["p256"], kid="enc", use="enc"), jwk("rsa", short, kid="short"),
    ]}, indent=1),
    "jwks_rs256_only": json.dumps({"keys": [jwk("rsa", own["rsa"], kid="rsa", alg="RS256")]}),
}
faults = {
    "": "no public key",
    "hello": "no public key",
    private(ec.generate_private_key(ec.SECP256R1())): "a PEM block \"PRIVATE KEY\"",
    pem(short): "no key for tokens",
    pem(k256): "no key for tokens",
    pem(own["p256"]).replace("-----END PUBLIC KEY-----", ""): "broken",
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n": "no key for tokens",
    "{": "not a JWK set",
    "{}": "not a JWK set",
    '{"keys":{}}': "not a JWK set",
    '{"keys":[]}': "no public key",
    '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}': "keys[0]: a key that is not a public one",
    json.dumps({"keys": [dict(jwk("p256", own["p256"]), d="AA")]}):
        "keys[0]: a key that is not a public one",
    json.dumps({"keys": [dict(jwk("p256", own["p256"]), y=jwk("p256", others["p256"])["y"])]}):
        "no public key",
    json.dumps({"keys": [jwk("p256", own["p256"], alg="HS256")]}): "no public key",
    json.dumps({"keys": [jwk("p256", own["p256"], use="enc")]}): "no public key",
    json.dumps({"keys": [jwk("p256", own["p256"])] * 33}): "more than 32 keys",
    "[" * 2000: "no public key",
    '{"keys":' * 500: "not a JWK set",
}
rows = []


def row(name, keys, text, want=None, why=None, **demands):
    rows.append({"name": name, "keys": keys, "token": text, "want": want, "why": why, **demands})


# Each algorithm with its key; with every other kind of key it is refused.
for algorithm, kind in KINDS.items():
    text = token(algorithm, headers={"kid": kind})
    row(f"{algorithm} by PEM", "every", text, "team-a")
    row(f"{algorithm} by its id in the set", "jwks", text, "team-a")
    row(f"{algorithm} without an id", "jwks", token(algorithm), "team-a")
    if kind != "rsa":
        row(f"{algorithm} with no fitting key", "rsa", text, why="no key fits the token")
row("RSA PUBLIC KEY", "rsa_pkcs1", token("RS256"), "team-a")
row("second of two keys", "two", token(), "team-a")
row("foreign keys", "others", token(), why="signature is wrong")
row("foreign RSA key", "others", token("RS256"), why="signature is wrong")
row("unknown id", "jwks", token(headers={"kid": "nobody"}), why="no key fits the token")
row("id of another key", "jwks", token("RS256", headers={"kid": "old"}), why="signature is wrong")
row("key meant for encryption", "jwks", token(key=others["p256"], headers={"kid": "enc"}),
    why="no key fits the token")
row("key for another algorithm", "jwks_rs256_only", token("PS256"), why="no key fits the token")
row("key for this algorithm", "jwks_rs256_only", token("RS256"), "team-a")

# RFC 8725, section 2: what attackers do with algorithms.
CLAIMS = '{"tenant":"team-a"}'
row("none", "every", signed('{"alg":"none"}', CLAIMS, lambda t: b""), why="algorithm is not taken")
row("None", "every", signed('{"alg":"None"}', CLAIMS, lambda t: b""), why="algorithm is not taken")
row("no signature", "every", signed('{"alg":"ES256"}', CLAIMS, lambda t: b""),
    why="no key fits the token")
for secret in public_rsa, public_rsa.strip():
    row("the public key as a secret", "rsa",
        signed('{"alg":"HS256","typ":"JWT"}', CLAIMS,
               lambda t: hmac.new(secret.encode(), t, hashlib.sha256).digest()),
        why="algorithm is not taken")
attacker = others["rsa"]
row("a key of its own in the header", "rsa",
    token("RS256", key=attacker, headers={"jwk": jwk("rsa", attacker)}), why="signature is wrong")
row("DER instead of two numbers", "p256",
    signed('{"alg":"ES256"}', CLAIMS, lambda t: own["p256"].sign(t, ec.ECDSA(hashes.SHA256()))),
    why="signature is wrong")
row("zeros as a signature", "p256", signed('{"alg":"ES256"}', CLAIMS, lambda t: b"\0" * 64),
    why="signature is wrong")
row("salt of another length", "rsa",
    signed('{"alg":"PS256"}', CLAIMS, lambda t: own["rsa"].sign(
        t, padding.PSS(padding.MGF1(hashes.SHA256()), 20), hashes.SHA256())),
    why="signature is wrong")
row("RS256 said to be PS256", "rsa",
    signed('{"alg":"PS256"}', CLAIMS,
           lambda t: own["rsa"].sign(t, padding.PKCS1v15(), hashes.SHA256())),
    why="signature is wrong")
head, body, tail = token().split(".")
row("other claims", "p256", f"{head}.{b64(CLAIMS.replace('a', 'b').encode())}.{tail}",
    why="signature is wrong")
row("other header", "p256", f"{b64(b'{%salg%s: %sES256%s}' % ((b'%c' % 34,) * 4))}.{body}.{tail}",
    why="signature is wrong")


def es256(header, payload):
    def sign(text):
        der = own["p256"].sign(text, ec.ECDSA(hashes.SHA256()))
        return jwt.utils.der_to_raw_signature(der, ec.SECP256R1())
    return signed(header, payload, sign)


# Form.
HEADER = '{"alg":"ES256"}'
row("handmade", "p256", es256(HEADER, CLAIMS), "team-a")
for name, text, why in [
        ("empty", "", "three parts"), ("one part", "abc", "three parts"),
        ("two parts", f"{head}.{body}", "three parts"),
        ("five parts", f"{head}.{body}.{tail}.{tail}.{tail}", "three parts"),
        ("padded", f"{head}.{body}.{tail}==", "not base64url"),
        ("line end", f"{head}.{body}.{tail}\n", "not base64url"),
        ("header is no JSON", f"{b64(b'hello')}.{body}.{tail}", "header is not a JSON object"),
        ("header is an array", f"{b64(b'[]')}.{body}.{tail}", "header is not a JSON object"),
        ("deep header", f"{b64(b'{%sa%s:' % ((b'%c' % 34,) * 2) * 2000)}.{body}.{tail}",
         "header is not a JSON object"),
        ("too long", f"{head}.{body}.{'A' * 16384}", "too long"),
        ("no algorithm", es256("{}", CLAIMS), "names no algorithm"),
        ("algorithm is a number", es256('{"alg":1}', CLAIMS), "names no algorithm"),
        ("algorithm twice", es256('{"alg":"none","alg":"ES256"}', CLAIMS), "not a JSON object"),
        ("critical", es256('{"alg":"ES256","crit":["b64"],"b64":false}', CLAIMS), "critical"),
        ("id is a number", es256('{"alg":"ES256","kid":7}', CLAIMS), "kid is not a text"),
        ("claims are no JSON", es256(HEADER, "hello"), "claims are not a JSON object"),
        ("claims are a text", es256(HEADER, '"team-a"'), "claims are not a JSON object"),
        ("claim twice", es256(HEADER, '{"tenant":"a","tenant":"b"}'), "claims are not a JSON"),
        ("NUL", es256(HEADER, '{"tenant":"a\\u0000b"}'), "claims are not a JSON object"),
        ("not UTF-8", signed(HEADER, "x", lambda t: b"").replace(
            b64(b"x"), b64(b'{"tenant":"\xff"}')), "no key fits"),
]:
    row(name, "p256", text, why=why)

# Claims.
for name, claims, want, why in [
        ("no such claim", {"tenant": None}, None, "no text in the claim"),
        ("a number", {"tenant": 7}, None, "no text in the claim"),
        ("a list", {"tenant": ["team-a"]}, None, "no text in the claim"),
        ("empty", {"tenant": ""}, None, "no text in the claim"),
        ("the longest", {"tenant": "x" * 255}, "x" * 255, None),
        ("too long", {"tenant": "x" * 256}, None, "no name of a tenant"),
        ("expires now", {"exp": NOW}, "team-a", None),
        ("expired within the leeway", {"exp": NOW - 60}, "team-a", None),
        ("expired", {"exp": NOW - 61}, None, "has expired"),
        ("expired, with a fraction", {"exp": NOW - 60.5}, None, "has expired"),
        ("expired long ago", {"exp": -1e300}, None, "has expired"),
        ("never expires", {"exp": 1e300}, "team-a", None),
        ("exp is a text", {"exp": str(NOW + 9)}, None, "exp is not a number"),
        ("exp is null", {"exp": None}, None, "exp is not a number"),
        ("begins within the leeway", {"nbf": NOW + 60}, "team-a", None),
        ("begins later", {"nbf": NOW + 61}, None, "not valid yet"),
        ("nbf is a text", {"nbf": "0"}, None, "nbf is not a number"),
        ("issued within the leeway", {"iat": NOW + 60}, "team-a", None),
        ("issued later", {"iat": NOW + 61}, None, "not valid yet"),
        ("all times", {"iat": NOW - 5, "nbf": NOW - 5, "exp": NOW + 300}, "team-a", None),
        ("made for somebody", {"aud": "shop"}, None, "another audience"),
        ("made for anybody of none", {"aud": []}, None, "another audience"),
]:
    row(f"claim: {name}", "p256", es256(HEADER, json.dumps({"tenant": "team-a", **claims})), want,
        why)
for name, claims, want, why in [
        ("both", {"iss": "https://id.example", "aud": "mneme"}, "team-a", None),
        ("one of many", {"iss": "https://id.example", "aud": ["shop", "mneme"]}, "team-a", None),
        ("other issuer", {"iss": "https://id.example/", "aud": "mneme"}, None, "another issuer"),
        ("no issuer", {"aud": "mneme"}, None, "another issuer"),
        ("other audience", {"iss": "https://id.example", "aud": "mneme2"}, None, "audience"),
        ("others only", {"iss": "https://id.example", "aud": ["shop", 7]}, None, "audience"),
        ("no audience", {"iss": "https://id.example"}, None, "audience"),
        ("audience of a number", {"iss": "https://id.example", "aud": 7}, None, "audience"),
]:
    row(f"demands: {name}", "p256", es256(HEADER, json.dumps({"tenant": "team-a", **claims})),
        want, why, issuer="https://id.example", audience="mneme")
row("a claim with a URL as its name", "p256",
    es256(HEADER, '{"https://mneme.example/tenant":"team-b"}'), "team-b",
    claim="https://mneme.example/tenant")

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jwt.json"), "w") as out:
    json.dump({"now_ms": NOW * 1000, "sets": sets, "faults": sorted(faults.items()), "rows": rows},
              out, indent=1)
    out.write("\n")
