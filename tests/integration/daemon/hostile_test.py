"""A participant with a valid key and bad intentions: it gets an answer or is cut off, and the engine goes on."""

import os
import pathlib
import random
import sys
import unittest

import zmq
import zmq.utils.z85

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engine import Engine  # noqa: E402

HELLO, ENVELOPE, RECEIPTS, ACK, BARRIER_REPLY, REFUSAL, PING = 2, 4, 5, 7, 9, 10, 11
WELCOME, PONG = 3, 12
WAIT_MS = 3000


# ---- protobuf by hand, so that it can be wrong on purpose ----

def varint(number):
    out = bytearray()
    while True:
        out.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def frame(body, content=b"", participant="ufsin"):
    return field(1, participant) + field(body, content)


def hello(version=1, position=0, credit=10):
    return field(1, version) + field(2, version) + field(3, position) + field(4, credit)


def read(data):
    """Number → last value, one level."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            fields[key >> 3] = number()
        else:
            size = number()
            fields[key >> 3] = data[at:at + size]
            at += size
    return fields


# ---- a bare DEALER ----

def key_file(path):
    lines = dict(line.split(": ") for line in path.read_text().splitlines()[1:])
    return {name: bytes.fromhex(text) for name, text in lines.items()}


class Dealer:
    def __init__(self, context, engine, name, endpoint):
        own = key_file(engine.hands / name)
        server = key_file(engine.hands / "server.pub")
        self.socket = context.socket(zmq.DEALER)
        self.socket.curve_publickey = zmq.utils.z85.encode(own["connection-public"])
        self.socket.curve_secretkey = zmq.utils.z85.encode(own["connection-secret"])
        self.socket.curve_serverkey = zmq.utils.z85.encode(server["connection-public"])
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, *parts):
        self.socket.send_multipart(parts)

    def receive(self, milliseconds=WAIT_MS):
        if not self.socket.poll(milliseconds):
            return None
        return [bytes(part) for part in self.socket.recv_multipart()]

    def answer(self, *parts):
        """The body that comes back: (number of the member, its fields)."""
        self.send(*parts)
        return self.next()

    def next(self):
        message = self.receive()
        if message is None:
            return None, {}
        for number, content in read(message[0]).items():
            if number != 1:
                return number, read(content)
        return None, {}


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(("ufsin", "health-surgut")).start()
        cls.context = zmq.Context()

    @classmethod
    def tearDownClass(cls):
        cls.context.destroy(linger=0)
        code = cls.engine.stop()
        told = cls.engine.told()
        cls.engine.close()
        assert code == 0 and "Sanitizer" not in told, told

    def setUp(self):
        self.dealer = Dealer(self.context, self.engine, "ufsin", self.engine.exchange)
        self.addCleanup(lambda: self.dealer.socket.close())

    def tearDown(self):
        """Whatever was done: the engine answers, and nothing of it is stored."""
        self.assertEqual(0, self.engine.rows("status")[0]["journal"])

    def greet(self):
        number, welcome = self.dealer.answer(frame(HELLO, hello()))
        self.assertEqual((WELCOME, 1), (number, welcome.get(1)))

    def assert_refused(self, code, *parts):
        number, refusal = self.dealer.answer(*parts)
        self.assertEqual(REFUSAL, number)
        fault = read(refusal[1])
        self.assertEqual(code, fault[1].decode())
        self.assertTrue(fault[2].decode())

    def test_garbage_cuts_the_connection_off(self):
        self.greet()
        self.dealer.send(b"\xff\xff\xff\xff garbage")
        self.dealer.send(frame(PING, field(1, 1)))
        # The new connection has not greeted: whatever comes back is no Pong of the old one.
        number, _ = self.dealer.next()
        self.assertIn(number, (None, REFUSAL))

    def test_who_has_not_greeted_is_told_so(self):
        self.assert_refused("CONFLICT", frame(ENVELOPE, field(1, b"x") + field(2, b"y")), b"event")

    def test_nobody_speaks_for_another(self):
        self.assert_refused("FORBIDDEN", frame(HELLO, hello(), participant="health-surgut"))
        self.assert_refused("FORBIDDEN", frame(HELLO, hello(), participant="no-such-agency"))
        self.assert_refused("FORBIDDEN", frame(HELLO, hello(), participant="../../etc/passwd"))

    def test_another_version_is_refused(self):
        self.assert_refused("VERSION", frame(HELLO, hello(version=99)))

    def test_a_position_that_never_was_is_refused(self):
        self.assert_refused("CONFLICT", frame(HELLO, hello(position=2 ** 40)))

    def test_an_acknowledgement_of_what_was_never_sent_is_refused(self):
        self.greet()
        self.assert_refused("RANGE", frame(ACK, field(1, 2 ** 63) + field(2, 5)))

    def test_an_envelope_that_is_none_is_refused(self):
        for header, signature, parts in ((b"", b"", [b"event"]), (b"\x0a\x05ufsin", b"s" * 64, [b"event"]),
                                         (os.urandom(300), os.urandom(64), [b"event"]), (b"x", b"y", [])):
            self.greet()
            number, refusal = self.dealer.answer(frame(ENVELOPE, field(1, header) + field(2, signature)), *parts)
            self.assertEqual(REFUSAL, number)
            self.assertIn(read(refusal[1])[1].decode(), ("FORMAT", "INVALID", "FORBIDDEN", "LIMIT"))

    def test_a_message_of_too_many_parts_is_cut_off(self):
        self.greet()
        self.dealer.send(frame(ENVELOPE, field(1, b"x") + field(2, b"y")), *[b"e"] * 5000)
        self.assertIsNone(self.dealer.receive(500))

    def test_a_huge_part_is_cut_off(self):
        self.greet()
        self.dealer.send(frame(ENVELOPE, field(1, b"x") + field(2, b"y")), b"e" * (8 << 20))
        self.assertIsNone(self.dealer.receive(500))

    def test_what_only_the_engine_says_is_passed_over(self):
        self.greet()
        self.dealer.send(frame(RECEIPTS, field(1, field(1, 7) + field(2, 1))))
        self.dealer.send(frame(BARRIER_REPLY, field(1, 2 ** 60) + field(2, field(1, "health-surgut") + field(2, 9))))
        number, pong = self.dealer.answer(frame(PING, field(1, 42)))
        self.assertEqual((PONG, 42), (number, pong.get(1)))

    def test_thousands_of_spoiled_frames_do_no_harm(self):
        draw = random.Random(20260112)
        good = [frame(HELLO, hello()), frame(ACK, field(1, 0) + field(2, 3)), frame(PING, field(1, 5)),
                frame(ENVELOPE, field(1, b"h" * 40) + field(2, b"s" * 64)), frame(BARRIER_REPLY, field(1, 1))]
        for turn in range(3000):
            bytes_ = bytearray(draw.choice(good))
            for _ in range(draw.randrange(4)):
                bytes_[draw.randrange(len(bytes_))] = draw.randrange(256)
            self.dealer.send(bytes(bytes_[:draw.randrange(1, len(bytes_) + 1)]), *[b"e"] * draw.randrange(3))
            if turn % 50 == 0:
                while self.dealer.receive(0):
                    pass
        self.assertIsNone(self.engine.process.poll())

    # ---- the query socket ----

    def ask(self, *parts):
        asker = Dealer(self.context, self.engine, "operator", self.engine.query)
        self.addCleanup(asker.socket.close)
        asker.send(*parts)
        message = asker.receive(2000)
        return read(message[0]) if message else None

    def test_a_participant_is_not_let_in_at_the_query_socket(self):
        stranger = Dealer(self.context, self.engine, "ufsin", self.engine.query)
        self.addCleanup(stranger.socket.close)
        stranger.send(field(1, 1) + field(5, "status"))
        self.assertIsNone(stranger.receive(1000))

    def test_a_question_that_makes_no_sense_is_answered_or_cut_off(self):
        self.assertEqual(b"UNSUPPORTED", read(self.ask(field(1, 1) + field(5, "no.such.verb"))[3])[1])
        self.assertEqual(b"INVALID", read(self.ask(field(1, 2) + field(5, "case.show"))[3])[1])
        self.assertEqual(b"INVALID",
                         read(self.ask(field(1, 3) + field(5, "outcome.export") + field(7, b"\xff" * 900))[3])[1])
        self.assertEqual(b"INVALID", read(self.ask(field(1, 4) + field(5, "case.list") + field(7, b"k" * 4000))[3])[1])
        self.assertEqual(b"INVALID", read(self.ask(field(1, 5) + field(5, "case.show")
                                                   + field(6, "case=" + "9" * 40000))[3])[1])
        self.assertIsNone(self.ask(b"\xff\xff\xff"))
        self.assertIsNone(self.ask(field(1, 6) + field(5, "status"), b"a second part"))

    def test_a_case_id_of_any_form_is_looked_up_and_not_found(self):
        for case in ("/", "//", "a/", "/a", "a" * 200, "a/" * 100, "../x", "б"):
            fault = read(self.ask(field(1, 1) + field(5, "case.show") + field(6, "case=" + case))[3])
            self.assertIn(fault[1], (b"NOT_FOUND", b"INVALID"), case)


if __name__ == "__main__":
    unittest.main(verbosity=2)
