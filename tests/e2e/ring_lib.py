"""ring_lib.py - a ring of `mneme receive` nodes, each in a network of its own, and what can go
wrong with a node, its disk and the network between them.

A script calls enter() once it has fetched what it needs from outside: from there on it runs in
namespaces of its own (network, mounts, processes), and everything that it made there vanishes with
it, however it ends. Where namespaces are not to be had, nodes have addresses of the loopback and
`can_fault` is False: faults of the network and of the disk are then skipped, and said to be."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import lib

TENANT = "ring"  # of Load
INSIDE = "MNEME_RING_NETWORK"
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
PROBE = "mount -t tmpfs tmpfs /run && ip link add probe type bridge && ip netns add probe"
HEAL_SECONDS = int(os.environ.get("HEAL_SECONDS", "60"))
RSS_BYTES_MAX = 512 << 20


def enter():
    """Starts this script again in namespaces of its own, if that is possible."""
    if INSIDE in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the first process has no default
        return
    able = os.geteuid() == 0 and shutil.which("ip") and shutil.which("unshare")
    probe = subprocess.run([*UNSHARE, "sh", "-c", PROBE], capture_output=True) if able else None
    if probe and probe.returncode == 0:
        os.environ[INSIDE] = "namespaces"
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])
    why = probe.stderr.decode().strip() if probe else "not root, or no iproute2"
    print(f"NO NAMESPACES, so no faults of the network and of the disk: {why}", flush=True)
    os.environ[INSIDE] = "loopback"


def stay():
    """Nodes on the loopback of everybody, for scripts that want no faults of the network."""
    os.environ[INSIDE] = "loopback"


def put(path, text):
    """In the place of the old file, at once."""
    with open(path + ".new", "w") as f:
        f.write(text)
    os.rename(path + ".new", path)


def run(*argv):
    subprocess.run(argv, check=True, capture_output=True)


def ip(*words):
    run("ip", *words)


class Namespaces:
    """Nodes on a bridge where this script has 10.88.0.1, and a second one for those cut off."""

    can_fault = True

    def __init__(self):
        run("mount", "-t", "tmpfs", "tmpfs", "/run")
        ip("link", "set", "lo", "up")
        for bridge in ["near", "far"]:
            ip("link", "add", bridge, "type", "bridge")
            ip("link", "set", bridge, "up")
        ip("address", "add", "10.88.0.1/24", "dev", "near")
        # A port that a relay reads must not answer for the bridge's address.
        put_sysctl("net/ipv4/conf/all/arp_ignore", 1)
        self.relays = {}

    def add(self, number):
        """(address, argv before the node's own) of a new node."""
        name, host = f"n{number}", f"10.88.0.{10 + number}"
        ip("netns", "add", name)
        ip("link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("link", "set", f"port{number}", "master", "near", "up")
        ip("-n", name, "address", "add", f"{host}/24", "dev", "eth0")
        ip("-n", name, "link", "set", "eth0", "up")
        ip("-n", name, "link", "set", "lo", "up")
        return host, ["ip", "netns", "exec", name]

    def cut_off(self, *numbers):
        """These nodes reach each other and nobody else; what is sent to them is lost silently."""
        for number in numbers:
            ip("link", "set", f"port{number}", "master", "far")

    def disturb(self, number, delay_ms=0, loss=0.0):
        """What the node sends comes later, and a share of what passes either way is lost."""
        a, b = f"relay{number}a", f"relay{number}b"
        ip("link", "add", a, "type", "veth", "peer", "name", b)
        ip("link", "set", a, "up")
        ip("link", "set", f"port{number}", "nomaster")
        ip("link", "set", b, "master", "near", "up")
        relay = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ring_relay.py")
        self.relays[number] = lib.start([sys.executable, relay, f"port{number}", a, str(delay_ms),
                                         str(loss)], os.path.join("/run", f"relay{number}.log"))
        time.sleep(0.3)
        assert self.relays[number].poll() is None, "the relay ended"

    def heal(self, *numbers):
        for number in numbers:
            if number in self.relays:
                assert self.relays[number].poll() is None, "the relay ended"
                self.relays[number].kill()
                self.relays.pop(number).wait()
                ip("link", "delete", f"relay{number}a")
            ip("link", "set", f"port{number}", "master", "near")


class Loopback:
    """Nodes on addresses of the loopback, others for each script."""

    can_fault = False

    def __init__(self):
        self.net = f"127.{os.getpid() >> 8 & 127 | 64}.{os.getpid() & 255}"

    def add(self, number):
        return f"{self.net}.{10 + number}", []


def put_sysctl(name, value):
    with open(f"/proc/sys/{name}", "w") as f:
        f.write(str(value))


class Node(lib.Mneme):
    """A `mneme receive` of a ring; its ports are the usual ones, on an address of its own."""

    def __init__(self, ring, number, host, prefix, *flags):
        directory = os.path.join(ring.here, f"n{number}")
        os.makedirs(directory)
        super().__init__(directory, *flags)
        self.ring, self.number, self.prefix = ring, number, prefix
        self.http, self.grpc, self.write = f"{host}:10902", f"{host}:10901", f"{host}:19291"
        self.ring_file = os.path.join(directory, "ring.json")
        self.places, self.stores = ring.size > 0, True  # router, ingestor, or both

    def argv(self):
        ring = ["--receive.hashrings-file=" + self.ring_file,
                f"--receive.hashrings-algorithm={self.ring.algorithm}",
                f"--receive.replication-factor={self.ring.factor}",
                "--receive.hashrings-file-refresh-interval=5s"]
        return [*self.prefix, lib.MNEME, "receive", f"--tsdb.path={self.data}",
                f'--label=replica="n{self.number}"', f"--http-address={self.http}",
                f"--grpc-address={self.grpc}", f"--remote-write.address={self.write}",
                *([f"--receive.local-endpoint={self.grpc}"] if self.stores else []),
                *(ring if self.places else []), *self.flags]

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def door(self):
        return f"http://{self.write}/api/v1/receive"

    def metrics(self, name):
        """Of each series of a metric."""
        text = lib.request(self.http, "GET", "/metrics")[2].decode()
        return [float(v) for v in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.M)]

    def samples(self, tenant, seconds, at):
        """{labels as sorted tuple: [[t, "v"], ...]} of a tenant's raw samples in the seconds to
        `at`."""
        data = lib.api(self.http, "query", {"THANOS-TENANT": tenant},
                       query=f'{{__name__!=""}}[{seconds}s]', time=f"{at:.3f}")
        return lib.by_labels(data["result"])

    def resident_bytes(self):
        text = open(f"/proc/{self.process.pid}/status").read()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M)[1]) << 10

    def small_disk(self, mib):
        """The data directory in a file system of so many MiB; before start()."""
        os.makedirs(self.data)
        run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", self.data)

    def fill_disk(self):
        with open(os.path.join(self.data, "filler"), "wb", buffering=0) as f:
            try:
                while f.write(bytes(1 << 16)):
                    pass
            except OSError:
                pass

    def free_disk(self):
        os.remove(os.path.join(self.data, "filler"))


class Ring:
    """Nodes 0 to count - 1; the first `size` of them are in the ring file (all of them by default;
    0: there is no ring)."""

    def __init__(self, here, count, *flags, size=None, factor=3, algorithm="ketama", zones=()):
        self.here, self.factor, self.algorithm, self.zones = here, factor, algorithm, zones
        self.size = count if size is None else size
        self.others = []  # addresses of members that are not ours; their numbers follow
        self.net = Namespaces() if os.environ[INSIDE] == "namespaces" else Loopback()
        self.nodes = [self.make(i, *self.net.add(i), *flags) for i in range(count)]
        self.change(range(self.size))

    def make(self, number, host, prefix, *flags):
        return Node(self, number, host, prefix, *flags)

    def __getitem__(self, number):
        return self.nodes[number]

    def text(self, members):
        """The hashring file with these nodes."""
        endpoints = [{"address": self.nodes[i].grpc} for i in members]
        for endpoint, i in zip(endpoints, members if self.zones else []):
            endpoint["az"] = self.zones[i]
        endpoints += [{"address": address} for address in self.others]
        return json.dumps([{"hashring": "default", "endpoints": endpoints}])

    def change(self, members, pause=0):
        """Puts a ring of these nodes into the file of one node after the other."""
        self.members = list(members)
        for node in self.nodes:
            put(node.ring_file, self.text(self.members))
            time.sleep(pause)

    def start(self):
        for node in self.nodes:
            node.start(wait=False)
        for node in self.nodes:
            lib.wait_until(node.ready, 60, f"node {node.number}")
        return self

    def running(self):
        return [node for node in self.nodes if node.process and node.process.poll() is None]

    def settle(self, seconds=60):
        """Waits until nobody owes anybody anything."""
        lib.wait_until(lambda: not any(sum(node.metrics("mneme_handoff_records"))
                                       for node in self.running()), seconds, "empty queues")

    def owners(self, tenant, series, members=None):
        """For each of `series` (labels as a dict) the numbers of its nodes in replica order, as the
        tool tells them."""
        addresses = [node.grpc for node in self.nodes] + self.others
        number_of = {address: number for number, address in enumerate(addresses)}
        lines = "".join(json.dumps({"tenant": tenant, "labels": labels}) + "\n"
                        for labels in series)
        told = subprocess.run(
            [lib.MNEME, "tools", "ring", "owners",
             "--receive.hashrings=" + self.text(self.members if members is None else members),
             f"--receive.hashrings-algorithm={self.algorithm}",
             f"--receive.replication-factor={self.factor}"],
            input=lines, capture_output=True, text=True, timeout=60)
        assert told.returncode == 0, told.stderr[-500:]
        owners = [[number_of[address] for address in json.loads(line)["owners"]]
                  for line in told.stdout.splitlines()]
        assert len(owners) == len(series) and all(len(o) == self.factor for o in owners)
        return owners

    def memory(self):
        """Resident MiB of each node; none above what is allowed."""
        sizes = [node.resident_bytes() for node in self.running()]
        assert max(sizes) < RSS_BYTES_MAX, sizes
        return [size >> 20 for size in sizes]


class Load:
    """Series of bench/loadgen, their samples further and further, and which were acknowledged."""

    def __init__(self, here, series, interval_ms=1000, room=2000, tenant=TENANT, **options):
        self.here, self.series, self.tenant, self.interval_ms = here, series, tenant, interval_ms
        self.acks = os.path.join(here, f"acks-{tenant}.txt")
        self.log = os.path.join(here, f"load-{tenant}.log")
        self.start_ms = int(time.time()) * 1000 - room * interval_ms
        self.options = {"request-samples": 200, "connections": 4, "timeout-ms": 8000, **options}
        groups = series / self.options["request-samples"] / self.options["connections"]
        assert groups == int(groups), "the rate is kept by connections that have the same to do"
        self.process = None
        self.sent, self.first = 0, 0  # samples of each series; the first of the last run
        printed = subprocess.run([*self.argv([], 1), "--print-series"], capture_output=True,
                                 check=True).stdout
        self.labels = [json.loads(line)["labels"] for line in printed.splitlines()]

    def argv(self, doors, samples):
        urls = [word for door in doors for word in ("--url", door)]
        options = [str(w) for name, value in self.options.items() for w in ("--" + name, value)]
        return [lib.LOADGEN, *urls, "--shape", "index", "--series", str(self.series), "--tenant",
                self.tenant, "--first-sample", str(self.sent), "--samples-per-series", str(samples),
                "--start-ms", str(self.start_ms), "--interval-ms", str(self.interval_ms),
                "--ack-log", self.acks, "--retry", *options]

    def begin(self, nodes, samples, rate):
        """Sends the next samples of each series through these nodes in turn, in the background."""
        if self.process and self.process.poll() is None:
            self.process.kill()  # of a check that failed
            self.process.wait()
        self.first = self.sent
        self.process = subprocess.Popen(
            [*self.argv([n.door() for n in nodes], samples), "--rate", str(rate)],
            stdout=subprocess.PIPE, stderr=open(self.log, "ab"))
        lib._started.append(self.process)
        self.sent += samples

    def end(self, seconds=100):
        """The report, once everything was acknowledged."""
        out, _ = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, (self.process.returncode, out, self.tail())
        return json.loads(out.splitlines()[-1])

    def tail(self):
        with open(self.log, errors="replace") as f:
            return "".join(f.readlines()[-5:])

    def acknowledged(self):
        """For each series, the numbers of its acknowledged samples."""
        numbers = [set() for _ in range(self.series)]
        with open(self.acks) as f:
            for line in f:
                if not line.endswith("\n"):
                    break  # being written just now
                a, b, c, d = map(int, line.split())
                for i in range(a, b + 1):
                    numbers[i].update(range(c, d + 1))
        return numbers

    def stored(self, node, first=0):
        """For each series, {number: value} of its samples from number `first` on in a node."""
        end_ms = self.start_ms + self.sent * self.interval_ms
        seconds = (self.sent - first) * self.interval_ms // 1000
        series = node.samples(self.tenant, seconds, (end_ms - 1) / 1000)
        return [{round((float(t) * 1000 - self.start_ms) / self.interval_ms): float(v)
                 for t, v in series.get(tuple(sorted(labels.items())), [])}
                for labels in self.labels]


def check_replicas(nodes, owners, load, first=0):
    """Every acknowledged sample from number `first` on is at each owner of its series, with its
    value; owners hold the same, and nobody else holds anything. Returns how many samples."""
    stored = {node.number: load.stored(node, first) for node in nodes}
    count = 0
    for i, acknowledged in enumerate(load.acknowledged()):
        want = {j: i * 1000 + j for j in acknowledged if j >= first}
        for number, of_node in stored.items():
            have = of_node[i]
            if number not in owners[i]:
                assert not have, (f"series {i} is at node {number}, owners {owners[i]}", len(have))
                continue
            lost = sorted(want.keys() - have.keys())
            assert not lost, (f"series {i} at node {number}, owners {owners[i]}: lost", lost[:5],
                              len(lost))
            assert all(have[j] == i * 1000 + j for j in have), f"series {i} at node {number}"
            assert have == stored[owners[i][0]][i], f"series {i}: owners differ"
        count += len(want)
    return count


def wait_for_replicas(nodes, owners, load, first=0, seconds=HEAL_SECONDS):
    """check_replicas() until it holds; (samples, seconds that it took)."""
    began, told = time.monotonic(), None
    while time.monotonic() - began < seconds:
        try:
            count = check_replicas(nodes, owners, load, first)
            return count, time.monotonic() - began
        except (AssertionError, OSError) as e:
            told = e
        time.sleep(0.5)
    raise AssertionError(f"replicas differ after {seconds} s: {told}")


def check_readable(nodes, load, first=0):
    """Every acknowledged sample is in one of the nodes at least; how many there are."""
    stored, count = [load.stored(node, first) for node in nodes], 0
    for i, acknowledged in enumerate(load.acknowledged()):
        want = {j for j in acknowledged if j >= first}
        have = {j: v for of_node in stored for j, v in of_node[i].items()}
        lost = sorted(want - have.keys())
        assert not lost, (f"series {i}: lost", lost[:5], len(lost))
        assert all(v == i * 1000 + j for j, v in have.items()), f"series {i}"
        count += len(want)
    return count
