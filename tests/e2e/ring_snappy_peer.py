"""ring_snappy_peer.py - a unary gRPC server by hand over hyper's h2: what headers a call has, and
the bytes of its message before anything is uncompressed, which gRPC's own Python shows nobody (and
it knows no snappy). Answers every call with an empty message and OK. Needs h2; no test."""
import socket
import threading

import h2.config
import h2.connection
import h2.events

PREFIX_BYTES = 5  # flag "compressed", length as 4 bytes


class SnappyPeer:
    def __init__(self, host, port):
        self.calls = []  # (headers, flag, message as it came)
        self.listener = socket.create_server((host, port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False,
                                                                    header_encoding="utf-8"))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        headers, bodies = {}, {}
        while True:
            data = connection.recv(1 << 16)
            if not data:
                return
            for event in http.receive_data(data):
                stream = getattr(event, "stream_id", None)
                if isinstance(event, h2.events.RequestReceived):
                    headers[stream], bodies[stream] = dict(event.headers), bytearray()
                elif isinstance(event, h2.events.DataReceived):
                    bodies[stream] += event.data
                    http.acknowledge_received_data(event.flow_controlled_length, stream)
                elif isinstance(event, h2.events.StreamEnded):
                    self.take(headers.pop(stream), bytes(bodies.pop(stream)))
                    http.send_headers(stream, [(":status", "200"),
                                               ("content-type", "application/grpc")])
                    http.send_data(stream, bytes(PREFIX_BYTES))
                    http.send_headers(stream, [("grpc-status", "0")], end_stream=True)
            connection.sendall(http.data_to_send())

    def take(self, headers, body):
        message = body[PREFIX_BYTES:]
        assert len(message) == int.from_bytes(body[1:PREFIX_BYTES], "big"), "one message a call"
        self.calls.append((headers, body[0], message))
