"""Whatever bytes come, the engine neither falls nor takes them for something, and honest participants are served.

The generator is seeded: KURATOR_SEED repeats a run, KURATOR_SECONDS makes it longer.
"""

import os
import random
import select
import time

from blackbox import NOTICE, READER, SENDER, STRANGER, BlackBox, client, main
from zmtp import MORE, Stream, connect, framed, greeting

import nacl.bindings

SEED = int(os.environ.get("KURATOR_SEED", "20261121"))
SECONDS = float(os.environ.get("KURATOR_SECONDS", "4"))
MIB = 1 << 20
PARTS = 12


class Garbage(BlackBox):
    tcp = True

    def setUp(self):
        self.random = random.Random("%d %s" % (SEED, self.id()))
        self.honest = self.link(SENDER)
        self.memory = self.engine.resident_bytes()
        self.taken = self.journal()
        self.until = time.monotonic() + SECONDS

    def tearDown(self):
        time.sleep(0.2)  # what is still on its way
        self.assertEqual(self.taken, self.journal(), "seed %d" % SEED)
        receipt = self.honest.receipt(self.honest.submit(self.case(), "release.notice", NOTICE))
        self.assertEqual("accepted", receipt.outcome)
        self.assert_serves()
        self.assertLess(self.engine.resident_bytes() - self.memory, 512 * MIB)

    def rounds(self):
        number = 0
        while time.monotonic() < self.until:
            number += 1
            yield number
        self.assertGreater(number, 20)

    def stream(self, name=STRANGER, endpoint=None):
        """A connection cut off a moment ago may take its successor along: then it is tried again."""
        for attempt in range(5):
            try:
                return Stream(endpoint or self.engine.exchange, self.keys(name), self.server_public())
            except OSError:
                time.sleep(0.02 * attempt)
        self.fail("not let in any more\n" + self.engine.told())

    # ---- material ----

    def spoiled(self, data):
        """A few changes of the kinds that parsers dislike."""
        data = bytearray(data)
        for _ in range(self.random.randint(1, 4)):
            at = self.random.randrange(len(data) + 1)
            how = self.random.randrange(6)
            if how == 0 and at < len(data):
                data[at] ^= 1 << self.random.randrange(8)
            elif how == 1:
                del data[at:at + self.random.randint(1, 8)]
            elif how == 2:
                data[at:at] = self.random.randbytes(self.random.randint(1, 8))
            elif how == 3:
                data[at:at] = self.random.choice((b"\xff" * 10, b"\0", b"\x80\x80\x01", b"\x0a\xff\xff\xff\xff\x0f"))
            elif how == 4:
                data[at:] = b""
            else:
                data += data[at:at + 64]
        return bytes(data)

    def number(self):
        return self.random.choice((0, 1, 2, 7, 1000, 2 ** 31, 2 ** 32 - 1, 2 ** 63 - 1, 2 ** 64 - 1))

    def frame(self):
        """A well-formed frame of any kind, with strange numbers."""
        participant = self.random.choice((STRANGER, STRANGER, STRANGER, READER, "", "Ы"))
        frame = client.frames_pb2.Frame(participant=participant)
        body = self.random.choice([field.name for field in frame.DESCRIPTOR.oneofs_by_name["body"].fields])
        message = getattr(frame, body)
        message.SetInParent()
        for field in message.DESCRIPTOR.fields:
            if self.random.random() < 0.3 or field.label == field.LABEL_REPEATED or field.message_type:
                continue
            if field.type == field.TYPE_UINT64:
                setattr(message, field.name, self.number())
            elif field.type == field.TYPE_UINT32:
                setattr(message, field.name, self.number() % 2 ** 32)
            elif field.type == field.TYPE_STRING:
                setattr(message, field.name, self.random.choice(("", "x" * 300, "\n\"\\\x01%s%n", "Неизвестно")))
            elif field.type == field.TYPE_BYTES:
                setattr(message, field.name, self.random.randbytes(self.random.choice((0, 1, 64, 500))))
        if body == "barrier_reply":
            for _ in range(self.random.randrange(4)):
                position = message.positions.add(sequence=self.number(), position=self.number())
                if self.random.random() < 0.5:
                    position.participant = self.random.choice((STRANGER, SENDER, "nobody"))
        return frame.SerializeToString()

    def parts(self):
        first = self.frame()
        if self.random.random() < 0.7:
            first = self.spoiled(first)
        return [first] + [self.random.randbytes(self.random.choice((0, 1, 100, 5000)))
                          for _ in range(self.random.choice((0, 0, 0, 1, 2, PARTS)))]

    # ---- from the outside in ----

    def test_bytes_that_are_no_zmtp(self):
        good = greeting() + framed(b"\x05HELLO\x01\x00" + bytes(192), 4) + framed(b"\x08INITIATE" + bytes(257), 4)
        streams = []
        for number in self.rounds():
            stream = connect(self.engine.exchange if number % 4 else self.engine.query)
            streams.append(stream)
            try:
                stream.sendall(self.random.randbytes(self.random.randint(1, 400)) if number % 3 == 0
                               else self.spoiled(good[:self.random.choice((10, 64, len(good)))]))
            except OSError:
                pass
            if len(streams) > 50:
                streams.pop(0).close()
        for stream in streams:
            stream.close()

    def test_frames_that_are_no_curve_messages(self):
        for _ in self.rounds():
            stream = self.stream()
            try:
                for _ in range(3):
                    flags = self.random.choice((0, 1, 2, 4, 6, 0xF8))
                    stream.stream.sendall(self.spoiled(framed(self.random.choice((
                        stream.part(b"x")[2:], b"\x07MESSAGE", b"\x04PING\0\0", b"\x05ERROR\x03abc",
                        self.random.randbytes(40))), flags)))
            except OSError:
                pass
            stream.close()

    def test_flags_within_the_box(self):
        """Commands and unknown bits where a part is expected."""
        for number in self.rounds():
            stream = self.stream()
            try:
                for _ in range(20):
                    nonce = stream.next_nonce()
                    plain = bytes([self.random.randrange(256) & ~(MORE if number % 2 else 0)]) + self.random.choice(
                        (b"", b"\x04PING\0\x10", b"\x04PONG", b"\x09SUBSCRIBEx", self.frame()))
                    box = nacl.bindings.crypto_box(plain, b"CurveZMQMESSAGEC" + nonce, stream.server_transient,
                                                   stream.transient_secret)
                    stream.stream.sendall(framed(b"\x07MESSAGE" + nonce + box))
            except OSError:
                pass
            stream.close()

    def test_parts_that_are_no_frames(self):
        stream = None
        for _ in self.rounds():
            stream = stream or self.stream()
            try:
                for _ in range(20):
                    stream.send(*self.parts())
            except OSError:  # cut off, as it should be
                stream.close()
                stream = None

    def test_questions_that_are_no_questions(self):
        """With an operator's key, which may ask everything."""
        verbs = ["status", "participant.list", "case.list", "case.show", "case.timeline", "deadline.list",
                 "incident.list", "journal.export", "outcome.export", "clock.show", "clock.advance", ""]
        words = ["case=86-2026-00001", "case=", "=", "to=2099-13-45", "to=2099-01-01", "x" * 5000, "state=missed",
                 "after=-1", "\x01"]
        stream = None
        for _ in self.rounds():
            stream = stream or self.stream("operator", self.engine.query)
            request = client.query_pb2.QueryRequest(number=self.number(), verb=self.random.choice(verbs))
            request.limit = self.number() % 2 ** 32
            request.args.extend(self.random.choice(words) for _ in range(self.random.randrange(4)))
            request.cursor = self.random.randbytes(self.random.choice((0, 1, 8, 40)))
            data = request.SerializeToString()
            try:
                stream.send(*([self.spoiled(data)] if self.random.random() < 0.5 else
                              [data] * self.random.choice((1, 1, 2))))
                answered = select.select([stream.stream], [], [], 0.05)[0]
                if answered and not stream.stream.recv(1 << 20):
                    raise ConnectionError("cut off")
            except OSError:
                stream.close()
                stream = None

    def test_envelopes_that_are_signed_and_full_of_garbage(self):
        """All of it refused, message by message; of each kind the first stand in the journal."""
        link = self.link(STRANGER)
        sequence = link.welcome.sequence + 1
        for _ in self.rounds():
            events = [self.spoiled(client.event(self.case(), "referral.accepted",
                                                {"measure": "m1", "accepted_on": "2026-01-12"}))[:1000]
                      for _ in range(20)]
            self.send(link, sequence, events)
            answered = 0
            while answered < len(events):
                for receipt in self.next_frame(link, "receipts").receipts.receipts:
                    self.assertEqual("refused", receipt.WhichOneof("outcome"), receipt)
                    self.assertTrue(receipt.refused.code and receipt.refused.text)
                    answered += 1
            sequence += len(events)
        self.taken = self.journal()


if __name__ == "__main__":
    main()
