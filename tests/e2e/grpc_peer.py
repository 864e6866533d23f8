#!/usr/bin/env python3
"""grpcio (PyPI), the gRPC of C++ and Python, against our server: unary calls and streams, 64 MB,
gzip, metadata, statuses, deadlines, cancellation, 1,000 streams on one connection, keepalive,
a graceful stop; health and reflection by its clients; TLS, client certificates, who is refused."""
import os
import ssl
import socket
import subprocess
import sys
import threading
import time

import lib

if not lib.pypi("grpc-venv", "grpcio==1.85.1", "grpcio-health-checking==1.85.1",
                "grpcio-reflection==1.85.1"):
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
import grpc  # noqa: E402
from google.protobuf import descriptor_pool  # noqa: E402
from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: E402
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (  # noqa: E402
    ProtoReflectionDescriptorDatabase)

lib.need("openssl")
ECHO = os.path.join(os.path.dirname(lib.MNEME), "tests", "e2e", "grpc_echo")
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
here = lib.work_dir()
checks = lib.Checks()


class Server:
    def __init__(self, *args):
        self.process = subprocess.Popen([ECHO, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        lib._started.append(self.process)
        self.port = int(self.process.stdout.readline())

    def channel(self, *options):
        return grpc.insecure_channel(f"127.0.0.1:{self.port}", OPTIONS + list(options))

    def stop(self):
        """What it said at last."""
        self.process.stdin.close()
        text = self.process.stdout.read()
        assert self.process.wait(30) == 0, self.process.returncode
        return text


def unary(channel, name):
    return channel.unary_unary(f"/test.Echo/{name}")


def fails(code, call, *args, **kw):
    try:
        call(*args, **kw)
    except grpc.RpcError as e:
        assert e.code() == code, e
        return e
    raise AssertionError(f"no {code}")


def calls(server):
    with server.channel() as channel:
        echo = unary(channel, "Echo")
        reply, call = echo.with_call(b"hello", timeout=10)
        assert reply == b"hello"
        head = dict(call.initial_metadata())
        assert head["x-tag"] == "yes" and head["mneme-peer"] == "2", head
        assert echo(b"", timeout=10) == b""
        e = fails(grpc.StatusCode.FAILED_PRECONDITION, unary(channel, "Fail"),
                  "100 % \u00fc".encode(), timeout=10)
        assert e.details() == "100 % \u00fc", e.details()
        fails(grpc.StatusCode.UNIMPLEMENTED, unary(channel, "Other"), b"", timeout=10)
        large = os.urandom(1 << 20) * 64
        assert echo(large, timeout=120) == large


def gzip(server):
    with server.channel() as channel:
        text = b"so it goes " * 100000
        reply = unary(channel, "Echo")(text, timeout=20, compression=grpc.Compression.Gzip)
        assert reply == text


def streams(server):
    with server.channel() as channel:
        stream = channel.unary_stream("/test.Echo/Stream")
        got = list(stream(b"2000 1000", timeout=60))
        assert len(got) == 2000 and {len(m) for m in got} == {1000}
        assert list(stream(b"0 0", timeout=60)) == []
        slow = stream(b"1000 100000", timeout=60)
        next(slow)
        time.sleep(0.5)  # the server waits for us
        assert sum(1 for _ in slow) == 999


def cancellation(server):
    with server.channel() as channel:
        sleep = unary(channel, "Sleep")
        call = sleep.future(b"")
        time.sleep(0.3)
        call.cancel()
        assert server.process.stdout.readline() == "canceled\n"
        fails(grpc.StatusCode.DEADLINE_EXCEEDED, sleep, b"", timeout=0.3)
        assert server.process.stdout.readline() == "canceled\n"
        stream = channel.unary_stream("/test.Echo/Stream")(b"100000 100000")
        next(stream)
        stream.cancel()
        assert unary(channel, "Echo")(b"goes on", timeout=10) == b"goes on"


def many_streams(server):
    with server.channel() as channel:
        echo = unary(channel, "Echo")
        futures = [echo.future(b"%d" % i, timeout=60) for i in range(1000)]
        assert [f.result() for f in futures] == [b"%d" % i for i in range(1000)]


def keepalive(server):
    """As Thanos' clients ask, and much more often."""
    with server.channel(("grpc.keepalive_time_ms", 10000), ("grpc.keepalive_timeout_ms", 5000),
                        ("grpc.http2.max_pings_without_data", 0)) as channel:
        fails(grpc.StatusCode.DEADLINE_EXCEEDED, unary(channel, "Sleep"), b"", timeout=13)
        assert server.process.stdout.readline() == "canceled\n"
        assert unary(channel, "Echo")(b"goes on", timeout=10) == b"goes on"


def health(server):
    with server.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ["", "test.Echo", "grpc.health.v1.Health"]:
            reply = stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
        fails(grpc.StatusCode.NOT_FOUND, stub.Check,
              health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=""))
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()
        listed = stub.List(health_pb2.HealthListRequest(), timeout=10).statuses
        assert "" in listed and "test.Echo" in listed, listed


def reflection(server):
    with server.channel() as channel:
        known = ProtoReflectionDescriptorDatabase(channel)
        services = set(known.get_services())
        assert {"test.Echo", "thanos.WriteableStore", "grpc.health.v1.Health",
                "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection"} <= services, services
        pool = descriptor_pool.DescriptorPool(known)
        service = pool.FindServiceByName("thanos.WriteableStore")
        method = service.FindMethodByName("RemoteWrite")
        tuples = method.input_type.fields_by_name["timeseriesTenantData"].message_type
        assert tuples.fields_by_name["timeseries"].message_type.full_name == \
            "prometheus_copy.TimeSeries"
        assert pool.FindMessageTypeByName("grpc.health.v1.HealthListResponse")


def graceful_stop():
    server = Server()
    with server.channel() as channel:
        stream = channel.unary_stream("/test.Echo/Stream")(b"3000 10000", timeout=60)
        next(stream)
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        next(watch)
        said = []
        stopper = threading.Thread(target=lambda: said.append(server.stop()))
        stopper.start()
        assert sum(1 for _ in stream) == 2999
        fails(grpc.StatusCode.UNAVAILABLE, lambda: next(watch))
        stopper.join()
    labels = 'grpc_type="server_stream",grpc_service="test.Echo",grpc_method="Stream"'
    assert f'grpc_server_handled_total{{{labels},grpc_code="OK"}} 1\n' in said[0], said[0]
    assert f"grpc_server_msg_sent_total{{{labels}}} 3000\n" in said[0]


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, cwd=here, stderr=subprocess.DEVNULL, timeout=60)


def certificate(name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "2", "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    return os.path.join(here, name + ".crt"), os.path.join(here, name + ".key")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def tls():
    cert, key = certificate("server")
    server = Server(cert, key)
    trust = grpc.ssl_channel_credentials(root_certificates=read(cert))
    with grpc.secure_channel(f"localhost:{server.port}", trust, OPTIONS) as channel:
        large = os.urandom(1 << 20) * 16
        assert unary(channel, "Echo")(large, timeout=60) == large
    with server.channel() as channel:  # plain text
        fails(grpc.StatusCode.UNAVAILABLE, unary(channel, "Echo"), b"", timeout=10)
    context = ssl.create_default_context(cafile=cert)
    context.set_alpn_protocols(["http/1.1"])
    with socket.create_connection(("127.0.0.1", server.port), 10) as raw:
        try:
            context.wrap_socket(raw, server_hostname="localhost")
            raise AssertionError("http/1.1 was taken")
        except ssl.SSLError as e:
            assert "no application protocol" in str(e).lower().replace("_", " "), e
    said = server.stop()
    assert 'mneme_grpc_refused_total{reason="tls_handshake"} 2\n' in said, said


def client_certificates():
    cert, key = certificate("server2")
    client_cert, client_key = certificate("client")
    server = Server(cert, key, client_cert)
    address = f"localhost:{server.port}"
    good = grpc.ssl_channel_credentials(read(cert), read(client_key), read(client_cert))
    none = grpc.ssl_channel_credentials(read(cert))
    wrong = grpc.ssl_channel_credentials(read(cert), read(key), read(cert))
    with grpc.secure_channel(address, good, OPTIONS) as channel:
        assert unary(channel, "Echo")(b"me", timeout=10) == b"me"
    for who in [none, wrong]:
        with grpc.secure_channel(address, who, OPTIONS) as channel:
            fails(grpc.StatusCode.UNAVAILABLE, unary(channel, "Echo"), b"", timeout=10)
    server.stop()


SERVER = Server()
for check in [calls, gzip, streams, cancellation, many_streams, keepalive, health, reflection]:
    with checks.check(check.__name__):
        check(SERVER)
for check in [graceful_stop, tls, client_certificates]:
    with checks.check(check.__name__):
        check()
SERVER.stop()
checks.end()
