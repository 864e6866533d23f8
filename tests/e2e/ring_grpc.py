#!/usr/bin/env python3
"""thanos.WriteableStore/RemoteWrite against gRPC's own Python: its client writes into nodes with a
ring and without, in both forms of the message, and its server stands in for Thanos receivers that
obey, refuse, fail and hang in a ring with one of our nodes (PyPI: grpcio, grpcio-tools, h2,
cramjam)."""
import concurrent.futures
import contextlib
import os
import sys
import threading
import time

import lib
import ring_lib
import wire

PROTO = """
syntax = "proto3";
package thanos;
service WriteableStore { rpc RemoteWrite(WriteRequest) returns (WriteResponse); }
message WriteResponse {}
message WriteRequest {
  repeated TimeSeries timeseries = 1;
  string tenant = 2;
  int64 replica = 3;
  repeated TimeSeriesTenantTuple timeseriesTenantData = 4;
}
message TimeSeriesTenantTuple { repeated TimeSeries timeseries = 1; string tenant = 2; }
message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
message Label { string name = 1; string value = 2; }
message Sample { double value = 1; int64 timestamp = 2; }
"""
METHOD = "/thanos.WriteableStore/RemoteWrite"
FORWARD_SECONDS = 2  # --receive-forward-timeout
START_MS = int(time.time()) * 1000 - 3_600_000

if not lib.pypi("ring-grpc-venv", "grpcio==1.85.3", "grpcio-tools==1.85.1", "h2==4.4.1",
                "cramjam==2.14.0"):
    print("count: 0 passed, 0 failed, 1 skipped")
    sys.exit(77)
import cramjam  # noqa: E402
import grpc  # noqa: E402
from grpc_tools import protoc  # noqa: E402

here = lib.work_dir()
with open(os.path.join(here, "writeable.proto"), "w") as f:
    f.write(PROTO)
assert protoc.main(["protoc", f"-I{here}", f"--python_out={here}", f"--grpc_python_out={here}",
                    "writeable.proto"]) == 0
sys.path.insert(0, here)
import writeable_pb2 as pb  # noqa: E402
import writeable_pb2_grpc as rpc  # noqa: E402
from google.protobuf.unknown_fields import UnknownFieldSet  # noqa: E402
from ring_snappy_peer import SnappyPeer  # noqa: E402

ring_lib.stay()
checks = lib.Checks()
CODE = grpc.StatusCode
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def series(name, *samples, **labels):
    pairs = sorted({"__name__": name, **labels}.items())
    return pb.TimeSeries(labels=[pb.Label(name=n, value=v) for n, v in pairs],
                         samples=[pb.Sample(timestamp=START_MS + t, value=v) for t, v in samples])


def tuples(*rows, replica=0):
    """The form of today: (tenant, series) each."""
    return pb.WriteRequest(replica=replica, timeseriesTenantData=[
        pb.TimeSeriesTenantTuple(tenant=tenant, timeseries=[s]) for tenant, s in rows])


class Client:
    def __init__(self, node):
        self.channel = grpc.insecure_channel(node.grpc, options=UNLIMITED)
        self.write = rpc.WriteableStoreStub(self.channel).RemoteWrite
        self.write_bytes = self.channel.unary_unary(METHOD)  # no stub: what no stub would send

    def code(self, message, timeout=20, **kw):
        call = self.write_bytes if isinstance(message, bytes) else self.write
        try:
            call(message, timeout=timeout, **kw)
            return CODE.OK
        except grpc.RpcError as e:
            return e.code()


def stored(node, tenant, name):
    """[[[label, value], ...], {t: v}] by labels, of series with a name; t since START_MS."""
    data = lib.api(node.http, "query", {"THANOS-TENANT": tenant}, query=f"{name}[3h]",
                   time=START_MS / 1000 + 7200)
    return {labels: {round(float(t) * 1000) - START_MS: float(v) for t, v in values}
            for labels, values in lib.by_labels(data["result"]).items()}


def check_ingestor(node):
    client = Client(node)
    with checks.check("both forms of a message, several tenants"):
        assert client.code(tuples(("a", series("form4", (1, 1))), ("b", series("form4", (1, 2))),
                                  ("a", series("form4", (1, 3), x="y")))) == CODE.OK
        assert client.code(pb.WriteRequest(tenant="c", timeseries=[series("form1", (1, 4))])
                           ) == CODE.OK
        mixed = tuples(("a", series("mixed", (1, 5))))
        mixed.tenant = "c"
        mixed.timeseries.append(series("mixed", (1, 6)))
        assert client.code(mixed) == CODE.OK
        name = lambda n, **more: tuple(sorted({"__name__": n, **more}.items()))
        assert stored(node, "a", "form4") == {name("form4"): {1: 1}, name("form4", x="y"): {1: 3}}
        assert stored(node, "b", "form4") == {name("form4"): {1: 2}}
        assert stored(node, "c", "form1") == {name("form1"): {1: 4}}
        assert stored(node, "a", "mixed") == {name("mixed"): {1: 5}}
        assert stored(node, "c", "mixed") == {}, "field 4 comes first"

    with checks.check("an empty message is fine, a replica number means nothing without a ring"):
        assert client.code(b"") == CODE.OK
        assert client.code(tuples(("a", series("numbered", (1, 1))), replica=7)) == CODE.OK
        assert len(stored(node, "a", "numbered")) == 1

    with checks.check("a conflict is told, and only that sample is not stored"):
        assert client.code(tuples(("a", series("known", (5, 5))))) == CODE.OK
        assert client.code(tuples(("a", series("known", (5, 5))))) == CODE.OK, "a repetition"
        for late in [(5, 6), (4, 4)]:
            got = client.code(tuples(("a", series("before", (late[0], 1), n=str(late))),
                                     ("a", series("known", late)),
                                     ("b", series("after", (late[0], 1), n=str(late)))))
            assert got == CODE.ALREADY_EXISTS, (late, got)
        assert list(stored(node, "a", "known").values()) == [{5: 5}]
        assert len(stored(node, "a", "before")) == 2 == len(stored(node, "b", "after"))

    with checks.check("messages that are wrong are refused for good"):
        good = tuples(("a", series("good", (9, 9)))).SerializeToString()
        for what, message, codes in [
                ("garbage", b"\xff\xff\xff", [CODE.INTERNAL, CODE.INVALID_ARGUMENT]),
                ("cut short", good[:-3], [CODE.INTERNAL, CODE.INVALID_ARGUMENT]),
                ("tenant above", tuples(("../up", series("x", (1, 1)))), [CODE.ALREADY_EXISTS]),
                ("no labels", tuples(("a", pb.TimeSeries(samples=[pb.Sample(timestamp=1)]))),
                 [CODE.ALREADY_EXISTS])]:
            got = client.code(message)
            assert got in codes, (what, got)
        assert not os.path.exists(os.path.join(node.directory, "up"))
        assert client.code(good) == CODE.OK

    with checks.check("an unknown method, a deadline that has passed"):
        for path in ["/thanos.WriteableStore/Nonsense", "/thanos.Nonsense/RemoteWrite"]:
            try:
                client.channel.unary_unary(path)(b"", timeout=20)
                raise AssertionError("an answer")
            except grpc.RpcError as e:
                assert e.code() == CODE.UNIMPLEMENTED, (path, e.code())
        assert client.code(tuples(("a", series("late", (1, 1)))), timeout=-1
                           ) == CODE.DEADLINE_EXCEEDED
        assert client.code(tuples(("a", series("late", (1, 1))))) == CODE.OK

    with checks.check("gzip and many calls at a time over one connection"):
        assert client.code(tuples(("a", series("zip", (1, 1)))), compression=grpc.Compression.Gzip
                           ) == CODE.OK
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            codes = list(pool.map(lambda n: client.code(tuples(("many", series("many", (1, n),
                                                                               n=str(n))))),
                                  range(500)))
        assert set(codes) == {CODE.OK}, set(codes)
        assert len(stored(node, "many", "many")) == 500

    with checks.check("a message of 64 MB"):
        samples = b"".join(wire.sample(START_MS + 100 * j, j) for j in range(8000))
        one = lambda n: wire.series([("__name__", "big"), ("n", str(n))], samples)
        rows = (64 << 20) // len(samples) + 1
        message = wire.field(4, b"".join(map(one, range(rows))) + wire.field(2, b"big"))
        assert len(message) > 64 << 20
        assert client.code(message, timeout=60) == CODE.OK
        data = lib.api(node.http, "query", {"THANOS-TENANT": "big"},
                       query="sum(count_over_time(big[3h]))", time=START_MS / 1000 + 7200)
        assert float(data["result"][0]["value"][1]) == rows * 8000, data
        print(f"        {len(message) >> 20} MiB, {rows * 8000} samples, resident "
              f"{node.resident_bytes() >> 20} MiB")


# --- a ring with receivers that are not ours ------------------------------------------------------


class Peer(rpc.WriteableStoreServicer):
    """A receiver of gRPC's Python: keeps what it is sent and answers as it is told: a status code,
    or None to hang."""

    def __init__(self, address):
        self.address, self.answer = address, CODE.OK
        self.lock, self.taken, self.tries = threading.Lock(), [], []
        self.server = None
        self.start()

    def start(self):
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(16), options=UNLIMITED)
        rpc.add_WriteableStoreServicer_to_server(self, self.server)
        assert self.server.add_insecure_port(self.address)
        self.server.start()

    def stop(self):
        self.server.stop(0).wait()

    def RemoteWrite(self, message, context):
        answer = self.answer
        with self.lock:
            self.tries.append((time.monotonic(), dict(context.invocation_metadata()), message))
        if answer is None:
            while context.is_active() and self.answer is None:
                time.sleep(0.05)
            context.abort(CODE.CANCELLED, "hung")
        if answer != CODE.OK:
            context.abort(answer, f"told to answer {answer.name}")
        with self.lock:
            self.taken.append(message)
        return pb.WriteResponse()

    def rows(self, tenant=None):
        """(tenant, labels, replica, [(t, v)]) of each series that was taken, in order."""
        with self.lock:
            taken = list(self.taken)
        return [(t.tenant, tuple((l.name, l.value) for l in s.labels), m.replica,
                 [(p.timestamp - START_MS, p.value) for p in s.samples])
                for m in taken for t in m.timeseriesTenantData for s in t.timeseries
                if tenant in (None, t.tenant)]

    def times(self, name):
        """Sample times of a series with this name, as they came."""
        return [t for _, labels, _, samples in self.rows() if ("__name__", name) in labels
                for t, _ in samples]

    def tries_of(self, name):
        """When messages with that series came."""
        with self.lock:
            tries = list(self.tries)
        return [at for at, _, m in tries if any(
            l.value == name for t in m.timeseriesTenantData for s in t.timeseries
            for l in s.labels)]


class MixedRing(ring_lib.Ring):
    """One node of ours and two peers; every series is at all three."""

    def __init__(self, *flags):
        super().__init__(os.path.join(here, "mixed"), 1, *flags)
        self.peers = [Peer(f"{self.net.add(1 + n)[0]}:10901") for n in range(2)]
        self.others = [peer.address for peer in self.peers]
        self.change([0])


def post(node, rows, tenant="t"):
    """(status, seconds) of an HTTP write of (name, t, v, labels)."""
    body = b"".join(wire.series(sorted({"__name__": n, **labels}.items()),
                                wire.sample(START_MS + t, v)) for n, t, v, labels in rows)
    began = time.monotonic()
    status, headers, text = lib.request(node.write, "POST", "/api/v1/receive", wire.snappy(body),
                                        {**wire.PROTO, "THANOS-TENANT": tenant})
    assert status != 503 or int(headers["Retry-After"]) > 0, headers
    return status, time.monotonic() - began


def one(name, t, v=1.0):
    return [(name, t, v, {})]


def settle(peers, answer=CODE.OK):
    for peer in peers:
        peer.answer = answer


def check_mixed(ring):
    node, (a, b) = ring[0], ring.peers

    @contextlib.contextmanager
    def check(name):
        """From a quiet ring."""
        settle(ring.peers)
        ring.settle()
        with checks.check(name):
            yield

    with check("peers get each series once, with its replica number, in the form of today"):
        rows = [("spread", 1, n, {"n": str(n)}) for n in range(300)]
        assert post(node, rows)[0] == 200
        lib.wait_until(lambda: len(a.rows("t")) == 300 == len(b.rows("t")), 10, "both peers")
        names = [dict(sorted({"__name__": "spread", "n": str(n)}.items())) for n in range(300)]
        owners = ring.owners("t", names)
        for which, peer in [(1, a), (2, b)]:
            got = {labels: (replica, samples) for _, labels, replica, samples in peer.rows("t")}
            for n, labels in enumerate(names):
                replica, samples = got[tuple(labels.items())]
                assert replica == owners[n].index(which) + 1, (labels, replica, owners[n])
                assert samples == [(1, n)], samples
            for _, _, message in peer.tries:
                assert not message.timeseries and not message.tenant
                assert not len(UnknownFieldSet(message)), "fields that Thanos does not know"
        assert len(stored(node, "t", "spread")) == 300

    with check("a second tenant is a tuple of its own"):
        assert post(node, one("other", 1), "u")[0] == 200
        lib.wait_until(lambda: a.rows("u") and b.rows("u"), 10, "both peers")

    with check("one conflict of three is no failure, two are one at once"):
        a.answer = CODE.ALREADY_EXISTS
        assert post(node, one("conflict1", 1))[0] == 200
        b.answer = CODE.ALREADY_EXISTS
        status, took = post(node, one("conflict2", 1))
        assert status == 409 and took < FORWARD_SECONDS / 2, (status, took)
        settle(ring.peers)
        time.sleep(1)
        assert not a.times("conflict1") and not a.times("conflict2"), "a conflict is never retried"

    with check("INVALID_ARGUMENT of two is 4xx and never sent again"):
        settle(ring.peers, CODE.INVALID_ARGUMENT)
        status, _ = post(node, one("invalid", 1))
        assert status in (400, 409), status
        settle(ring.peers)
        time.sleep(1)
        assert not a.times("invalid") and not b.times("invalid")

    with check("one UNAVAILABLE of three: 200, and it gets all later, in order"):
        a.answer = CODE.UNAVAILABLE
        for t in range(1, 21):
            assert post(node, one("later", t))[0] == 200, t
        a.answer = CODE.OK
        lib.wait_until(lambda: len(a.times("later")) >= 20, 30, "what the peer missed")
        assert a.times("later") == list(range(1, 21)), a.times("later")
        assert b.times("later") == list(range(1, 21)), b.times("later")

    with check("two UNAVAILABLE of three: 503 at once, and a backoff"):
        settle(ring.peers, CODE.UNAVAILABLE)
        status, took = post(node, one("away", 1))
        assert status == 503 and took < FORWARD_SECONDS, (status, took)
        began = time.monotonic()
        while time.monotonic() - began < 4:
            assert post(node, one("away", 1))[0] == 503
            time.sleep(0.02)
        tries = len([at for at in a.tries_of("away") if at >= began])
        print(f"        {tries} tries in 4 s")
        assert 1 <= tries < 40, tries
        settle(ring.peers)
        lib.wait_until(lambda: post(node, one("away", 1))[0] == 200, 15, "the backoff to end")

    with check("a peer that hangs delays nobody, and gets it later"):
        a.answer = None
        took = max(post(node, one("hung", t))[1] for t in range(1, 11))
        assert took < 1, took
        print(f"        longest {took * 1000:.1f} ms")
        a.answer = CODE.OK
        lib.wait_until(lambda: set(a.times("hung")) == set(range(1, 11)), 30, "what it missed")

    with check("two that hang: 503 at the deadline"):
        settle(ring.peers, None)
        status, took = post(node, one("hung2", 1))
        assert status == 503 and FORWARD_SECONDS * .8 < took < FORWARD_SECONDS + 3, (status, took)
        settle(ring.peers)
        lib.wait_until(lambda: post(node, one("hung2", 1))[0] == 200, 30, "them to be back")

    with check("two whose process is gone: 503 at once; back: 200, and nothing is missing"):
        lib.wait_until(lambda: post(node, one("warm", 1))[0] == 200, 20, "a quiet ring")
        a.stop()
        for t in range(1, 11):
            assert post(node, one("gone", t))[0] == 200, t
        b.stop()
        status, took = post(node, one("gone", 11))
        assert status == 503 and took < FORWARD_SECONDS + 1, (status, took)
        a.start()
        b.start()
        lib.wait_until(lambda: post(node, one("gone", 11))[0] == 200, 20, "them to be back")
        lib.wait_until(lambda: set(a.times("gone")) == set(b.times("gone")) == set(range(1, 12)),
                       30, "what they missed")

    with check("a failure that tells nothing is tried a few times, then given up"):
        a.answer = CODE.INTERNAL
        assert post(node, one("internal", 1))[0] == 200
        time.sleep(6)
        tries = len(a.tries_of("internal"))
        print(f"        {tries} tries")
        assert 1 <= tries < 30, tries
        a.answer = CODE.OK
        assert post(node, one("after", 1))[0] == 200
        lib.wait_until(lambda: a.times("after"), 30, "the next write")

    with check("what is in the queue survives kill -9 of the node that holds it"):
        a.answer = CODE.UNAVAILABLE
        for t in range(1, 6):
            assert post(node, one("kept", t))[0] == 200, t
        time.sleep(1)
        node.kill()
        node.start()
        a.answer = CODE.OK
        lib.wait_until(lambda: set(a.times("kept")) >= set(range(1, 6)), 30, "what it missed")

    with check("a replica number in a message: that owner alone, another ring's number: no"):
        client = Client(node)
        name = {"__name__": "numbered"}
        owner = ring.owners("t", [name])[0]
        for replica in (1, 2, 3):
            assert client.code(tuples(("t", series("numbered", (replica, 1))), replica=replica)
                               ) == CODE.OK
        want = {owner[replica - 1]: [replica] for replica in (1, 2, 3)}
        lib.wait_until(lambda: a.times("numbered") == want[1] and b.times("numbered") == want[2],
                       10, f"{want}")
        assert list(stored(node, "t", "numbered").values()) == [{want[0][0]: 1}]
        got = client.code(tuples(("t", series("numbered", (9, 1))), replica=4))
        assert got in (CODE.INVALID_ARGUMENT, CODE.INTERNAL), got


def check_snappy():
    """What a call looks like on the wire to a receiver that says nothing of itself."""
    ring = ring_lib.Ring(os.path.join(here, "snappy"), 1, factor=2)
    host = ring.net.add(1)[0]
    peer = SnappyPeer(host, 10901)
    ring.others = [f"{host}:10901"]
    ring.change([0])
    ring.start()
    with checks.check("calls as Thanos makes them: headers, and framed snappy"):
        rows = [("framed", 1, n, {"n": str(n), "filler": "x" * 300}) for n in range(1000)]
        assert post(ring[0], rows)[0] == 200
        number_of_rows = lambda: sum(len(t.timeseries) for m in map(decoded, list(peer.calls))
                                     for t in m.timeseriesTenantData)

        def decoded(call):
            headers, flag, message = call
            plain = bytes(cramjam.snappy.decompress(message)) if flag else message
            return pb.WriteRequest.FromString(plain)

        lib.wait_until(lambda: number_of_rows() == 1000, 10, "all rows")
        assert {m.replica for m in map(decoded, peer.calls)} == {1, 2}
        for headers, flag, message in peer.calls:
            want = {":method": "POST", ":scheme": "http", ":path": METHOD, "te": "trailers",
                    ":authority": f"{host}:10901", "content-type": "application/grpc",
                    "grpc-encoding": "snappy"}
            assert want.items() <= headers.items(), headers
            assert headers["mneme-direct"] == "1", "one of ours would ask its ring"
            assert "grpc-timeout" in headers and "user-agent" in headers, headers
            assert flag == 1 and message.startswith(b"\xff\x06\0\0sNaPpY"), (flag, message[:10])
    ring[0].stop()


alone = ring_lib.Ring(os.path.join(here, "alone"), 1, size=0).start()
check_ingestor(alone[0])
alone[0].stop()
mixed = MixedRing("--receive.grpc-compression=none",
                  f"--receive-forward-timeout={FORWARD_SECONDS}s")
mixed.start()
check_mixed(mixed)
mixed[0].stop()
for peer in mixed.peers:
    peer.stop()
check_snappy()
checks.end()
