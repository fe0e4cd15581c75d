"""ZMTP 3.1 with CURVE by hand, over a plain socket: for what no ZeroMQ library would do (ZMQ RFC 37, RFC 26).

A library sends a message only when its last part is there, ends every handshake it began and answers heartbeats.
"""

import os
import socket
import struct

import nacl.bindings as sodium

MORE, LARGE, COMMAND = 1, 2, 4


def connect(endpoint, timeout=5):
    """A plain stream to tcp://HOST:PORT or ipc://PATH."""
    kind, _, address = endpoint.partition("://")
    if kind == "tcp":
        host, _, port = address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout)
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(timeout)
    stream.connect(address)
    return stream


def greeting(mechanism=b"CURVE", as_server=False):
    return (b"\xff" + bytes(8) + b"\x7f" + b"\x03\x01" + mechanism.ljust(20, b"\0") + bytes([as_server]) + bytes(31))


def framed(body, flags=0):
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LARGE]) + struct.pack(">Q", len(body)) + body


def property_of(name, value):
    return bytes([len(name)]) + name + struct.pack(">I", len(value)) + value


class Stream:
    """A connection whose handshake is done; parts may be sent one by one, and heartbeats are not answered."""

    def __init__(self, endpoint, keys, server_public, timeout=5):
        self.stream = connect(endpoint, timeout)
        self.transient_public, self.transient_secret = sodium.crypto_box_keypair()
        self.nonce = 0
        self.stream.sendall(greeting())
        self.exactly(64)
        self.shake_hands(keys, server_public)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    def read_frame(self):
        flags = self.exactly(1)[0]
        size = struct.unpack(">Q", self.exactly(8))[0] if flags & LARGE else self.exactly(1)[0]
        return self.exactly(size)

    def next_nonce(self):
        self.nonce += 1
        return struct.pack(">Q", self.nonce)

    def shake_hands(self, keys, server_public):
        box, public, secret = sodium.crypto_box, self.transient_public, self.transient_secret
        nonce = self.next_nonce()
        hello = box(bytes(64), b"CurveZMQHELLO---" + nonce, server_public, secret)
        self.stream.sendall(framed(b"\x05HELLO\x01\x00" + bytes(72) + public + nonce + hello, COMMAND))
        welcome = self.read_frame()
        plain = sodium.crypto_box_open(welcome[24:], b"WELCOME-" + welcome[8:24], server_public, secret)
        self.server_transient, cookie = plain[:32], plain[32:]
        vouch_nonce = os.urandom(16)
        vouch = box(public + server_public, b"VOUCH---" + vouch_nonce, self.server_transient, keys.connection_secret)
        metadata = property_of(b"Socket-Type", b"DEALER") + property_of(b"Identity", b"")
        nonce = self.next_nonce()
        initiate = box(keys.connection_public + vouch_nonce + vouch + metadata, b"CurveZMQINITIATE" + nonce,
                       self.server_transient, secret)
        self.stream.sendall(framed(b"\x08INITIATE" + cookie + nonce + initiate, COMMAND))
        if self.read_frame()[:6] != b"\x05READY":
            raise ConnectionError("not let in")

    def part(self, data, more=False):
        """The bytes of one part as they stand on the wire."""
        nonce = self.next_nonce()
        box = sodium.crypto_box(bytes([MORE if more else 0]) + data, b"CurveZMQMESSAGEC" + nonce,
                                self.server_transient, self.transient_secret)
        return framed(b"\x07MESSAGE" + nonce + box)

    def send(self, *parts):
        self.stream.sendall(b"".join(self.part(data, i + 1 < len(parts)) for i, data in enumerate(parts)))

    def is_cut_off(self, timeout):
        """Reads on until the other side hangs up."""
        self.stream.settimeout(timeout)
        try:
            while self.stream.recv(1 << 16):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def close(self):
        self.stream.close()
