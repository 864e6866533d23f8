#!/usr/bin/env python3
"""Our gRPC client asks a server of grpcio (PyPI): unary calls in the encodings of both, large
messages, deadlines, codes with odd texts, metadata, streams read to their end, canceled and held
back; a server that restarts, goes away and ages its connections; TLS."""
import concurrent.futures
import contextlib
import hashlib
import os
import subprocess
import sys
import threading
import time

import lib

lib.need("openssl")
if not lib.pypi("grpc-venv", "grpcio==1.85.1", "grpcio-health-checking==1.85.1",
                "grpcio-reflection==1.85.1"):
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
import grpc  # noqa: E402

here = lib.work_dir()
checks = lib.Checks()
TOOL = os.path.join(os.path.dirname(lib.MNEME), "tests", "e2e", "grpc_ask")
SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
TEXTS = {1: "", 3: "100% of \u20ac\n\ttabs", 5: " blanks at the ends ", 6: "x" * 3000, 9: "%41",
         13: "\x00\x7f\u2028", 16: "\U0001f600"}
sent = threading.Semaphore(0)  # a message of a stream was taken by the library
gone = threading.Event()       # a call was canceled


def tagged(context):
    asked = dict(context.invocation_metadata()).get("x-ask", "none")
    context.send_initial_metadata([("x-tag", asked + "-" + str(
        dict(context.invocation_metadata()).get("user-agent", "none")))])


def echo(message, context):
    tagged(context)
    return message


def fail(message, context):
    code = int(message)
    context.abort(next(c for c in grpc.StatusCode if c.value[0] == code), TEXTS[code])


def hang(message, context):
    context.add_callback(gone.set)
    while context.is_active():
        time.sleep(0.01)
    return b""


def many(message, context):
    """COUNT BYTES [CODE]"""
    tagged(context)
    count, size, *code = message.split()
    context.add_callback(gone.set)
    for i in range(int(count)):
        yield bytes([i % 256]) * int(size)
        sent.release()
    if code:
        context.abort(grpc.StatusCode.ABORTED, "a store is down")


def serve(port, credentials=None, **options):
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo),
                "Fail": grpc.unary_unary_rpc_method_handler(fail),
                "Hang": grpc.unary_unary_rpc_method_handler(hang),
                "Many": grpc.unary_stream_rpc_method_handler(many)}
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(8),
                         options=SIZES + [("grpc.so_reuseport", 0)] + options.pop("more", []),
                         **options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
    address = f"127.0.0.1:{port}"
    bound = (server.add_secure_port(address, credentials) if credentials
             else server.add_insecure_port(address))
    assert bound == port
    server.start()
    return server


class Asker:
    """One process: one channel."""

    def __init__(self, port, *more, host="127.0.0.1"):
        self.process = subprocess.Popen([TOOL, f"{host}:{port}", *more], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def begin(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def end(self):
        code, count, digest, tag, text = self.process.stdout.readline().split()
        return code, int(count), digest, tag, bytes.fromhex(text.strip("-")).decode()

    def ask(self, *words):
        self.begin(*words)
        return self.end()

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@contextlib.contextmanager
def asking(*words, **more):
    asker = Asker(*words, **more)
    try:
        yield asker
        asker.close()
    finally:
        asker.process.kill()


def md5(data):
    return hashlib.md5(data).hexdigest()


def counting(size):
    return (bytes(range(256)) * (size // 256 + 1))[:size]


port = lib.free_port()
server = serve(port)

with checks.check("unary calls, plain and gzip, of 0 bytes to 50 MB"), asking(port) as a:
    for encoding in ("identity", "gzip"):
        for size in (0, 1, 100000, 50000000):
            got = a.ask("unary", "/t.T/Echo", encoding, 60000, size)
            assert got == ("OK", size, md5(counting(size)), "yes-grpc-mneme", ""), (encoding, got)

with checks.check("answers in gzip and deflate: decompressed, or refused with the reason"):
    for compression, want in ((grpc.Compression.Gzip, "OK"),
                              (grpc.Compression.Deflate, "Internal")):
        other = lib.free_port()
        packing = serve(other, compression=compression)
        with asking(other) as a:
            got = a.ask("unary", "/t.T/Echo", "gzip", 20000, 100000)
            # The core compresses in what the client accepts only: then the answer comes as it is.
            assert got[0] in (want, "OK") and (got[0] != "OK" or got[1] == 100000), got
            got = a.ask("stream", "/t.T/Many", "gzip", 20000, 0, "50 30000")
            assert got[0] in (want, "OK"), got
        packing.stop(0)

with checks.check("codes, and texts with everything in them"), asking(port) as a:
    names = {1: "Canceled", 3: "InvalidArgument", 5: "NotFound", 6: "AlreadyExists",
             9: "FailedPrecondition", 13: "Internal", 16: "Unauthenticated"}
    for code, text in TEXTS.items():
        got = a.ask("unary", "/t.T/Fail", "identity", 20000, 0, code)
        assert (got[0], got[4]) == (names[code], text), got
    got = a.ask("unary", "/t.T/None", "identity", 20000, 0)
    assert got[0] == "Unimplemented", got
    got = a.ask("unary", "/t.T/Echo", "snappy", 20000, 1000)
    assert got[0] in ("Unimplemented", "Internal"), got  # the core has no snappy
    got = a.ask("unary", "/t.T/Echo", "identity", 20000, 10)
    assert got[0] == "OK", got

with checks.check("a deadline ends the call here and there"), asking(port) as a:
    gone.clear()
    began = time.monotonic()
    got = a.ask("unary", "/t.T/Hang", "identity", 300, 0)
    assert got[0] == "DeadlineExceeded" and 0.29 < time.monotonic() - began < 5, got
    assert gone.wait(10)

with checks.check("streams: whole, empty, large, failed behind their messages"), asking(port) as a:
    for count, size in ((0, 0), (1, 10), (20000, 10), (300, 100000), (3, 20000000)):
        got = a.ask("stream", "/t.T/Many", "identity", 60000, 0, f"{count} {size}")
        want = md5(b"".join(bytes([i % 256]) * size for i in range(count)))
        assert got == ("OK", count, want, "yes-grpc-mneme", ""), (count, size, got)
    got = a.ask("stream", "/t.T/Many", "identity", 20000, 0, "3 5 10")
    assert got[:2] == ("Aborted", 3) and got[4].endswith("desc = a store is down"), got

with checks.check("a stream that is canceled ends there, too"), asking(port) as a:
    gone.clear()
    got = a.ask("stream", "/t.T/Many", "identity", 60000, 5, "100000000 100000")
    assert got[0] == "Canceled" and got[1] >= 5, got
    assert gone.wait(10)
    assert a.ask("unary", "/t.T/Echo", "identity", 20000, 10)[0] == "OK"

with checks.check("a server that stops and comes back"), asking(port) as a:
    assert a.ask("unary", "/t.T/Echo", "identity", 20000, 10)[0] == "OK"
    a.begin("unary", "/t.T/Hang", "identity", 20000, 0)
    time.sleep(0.3)
    server.stop(0.2).wait()
    got = a.end()
    assert got[0] in ("Unavailable", "Canceled"), got
    got = a.ask("unary", "/t.T/Echo", "identity", 20000, 10)
    assert got[0] == "Unavailable" and "connection error: " in got[4], got
    server = serve(port)
    lib.wait_until(lambda: a.ask("unary", "/t.T/Echo", "identity", 20000, 10)[0] == "OK", 20)

with checks.check("connections that the server ages every second"):
    other = lib.free_port()
    aging = serve(other, more=[("grpc.max_connection_age_ms", 1000),
                               ("grpc.max_connection_age_grace_ms", 10000)])
    with asking(other) as a:
        end, calls = time.monotonic() + 5, 0
        while time.monotonic() < end:
            got = a.ask("unary", "/t.T/Echo", "identity", 20000, 1000)
            assert got[0] == "OK", (calls, got)
            calls += 1
        print(f"        {calls} calls", flush=True)
    aging.stop(0)

with checks.check("TLS by name, and a server that is not believed"):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=one",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", here + "/key",
                    "-out", here + "/crt"], check=True, capture_output=True)
    secure, key, crt = lib.free_port(), open(here + "/key", "rb").read(), open(
        here + "/crt", "rb").read()
    other = serve(secure, grpc.ssl_server_credentials([(key, crt)]))
    with asking(secure, here + "/crt", host="localhost") as a:
        got = a.ask("unary", "/t.T/Echo", "gzip", 20000, 3000000)
        assert got[:3] == ("OK", 3000000, md5(counting(3000000))), got
    with asking(secure, here + "/crt") as a:  # 127.0.0.1 is not in the certificate
        got = a.ask("unary", "/t.T/Echo", "gzip", 20000, 10)
        assert got[0] == "Unavailable" and "TLS handshake" in got[4], got
    with asking(secure) as a:  # in plain text
        got = a.ask("unary", "/t.T/Echo", "gzip", 20000, 10)
        assert got[0] == "Unavailable", got
    other.stop(0)
server.stop(0)
checks.end()
