"""Peers that vanish in the middle of sending leave the engine standing.

What they had sent stands in queues that are full, so their connections cannot be read on and end late: libzmq 4.3.4
aborts when a heartbeat of its own falls into that time (zeromq/libzmq issues 3937, 4364).
"""

import multiprocessing
import time

import zmq

from blackbox import STRANGER, BlackBox, client, main

CONNECTIONS = 100
ROUNDS = 2
HEARTBEAT_SECONDS = 5


def pour(endpoint, key_file, server_public, connected):
    """Fills the queues of all its connections and reads nothing, until it is killed."""
    context = zmq.Context()
    keys = client.Keys.load(key_file)
    frame = client.frames_pb2.Frame(participant=STRANGER)
    frame.ping.number = 1
    data = frame.SerializeToString()
    sockets = []
    for _ in range(CONNECTIONS):
        socket = context.socket(zmq.DEALER)
        socket.rcvhwm = 1
        socket.setsockopt(zmq.CURVE_SERVERKEY, server_public)
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.connection_public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.connection_secret)
        socket.connect(endpoint)
        sockets.append(socket)
    time.sleep(0.5)
    connected.set()
    time.sleep(HEARTBEAT_SECONDS - 2)
    while True:
        for socket in sockets:
            try:
                for _ in range(50):
                    socket.send(data, zmq.DONTWAIT)
            except zmq.Again:
                pass


class Vanish(BlackBox):
    tcp = True

    def test_peers_that_die_with_full_queues_take_nobody_along(self):
        spawn = multiprocessing.get_context("spawn")
        for _ in range(ROUNDS):
            connected = spawn.Event()
            peer = spawn.Process(target=pour, args=(self.engine.exchange, self.engine.hands / STRANGER,
                                                    self.server_public(), connected))
            peer.start()
            self.assertTrue(connected.wait(30))
            time.sleep(HEARTBEAT_SECONDS - 0.7)
            peer.kill()
            peer.join()
            time.sleep(3)
            self.assert_serves()


if __name__ == "__main__":
    main()
