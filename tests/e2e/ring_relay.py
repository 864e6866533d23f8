"""ring_relay.py INTERFACE INTERFACE DELAY_MS LOSS - a wire between two network interfaces: what
comes out of the first is put into the second DELAY_MS later, and back at once; a share LOSS of the
frames of either way is lost. For kernels without netem; ring_lib.py starts it, no test."""
import collections
import random
import select
import socket
import sys
import time

SOL_PACKET, PACKET_VNET_HDR, PACKET_OUTGOING = 263, 15, 4  # Linux: linux/if_packet.h
ETH_P_ALL = 3
FRAME_BYTES_MAX = 1 << 17  # one frame of segmentation offload, with its header
ROOM_BYTES = 8 << 20


def open_interface(name):
    """Frames with their virtio header: checksums and segments that the kernel left to do."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM_BYTES)
    s.bind((name, 0))
    s.setblocking(False)
    return s


def receive(s):
    while True:
        try:
            frame, (_, _, kind, *_) = s.recvfrom(FRAME_BYTES_MAX)
        except BlockingIOError:
            return
        if kind != PACKET_OUTGOING:
            yield frame


def main(first, second, delay_ms, loss):
    a, b = open_interface(first), open_interface(second)
    waiting = collections.deque()  # (when, frame), towards b
    dice = random.Random(1)
    while True:
        left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        readable, _, _ = select.select([a, b], [], [], left)
        now = time.monotonic()
        if a in readable:
            waiting.extend((now + delay_ms / 1000, f) for f in receive(a) if dice.random() >= loss)
        if b in readable:
            for frame in receive(b):
                if dice.random() >= loss:
                    put(a, frame)
        while waiting and waiting[0][0] <= now:
            put(b, waiting.popleft()[1])


def put(s, frame):
    try:
        s.send(frame)
    except OSError:
        pass  # an interface that is full or down loses frames, as wires do


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
