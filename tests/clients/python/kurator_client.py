"""A client of Kurator's exchange, written from proto/PROTOCOL.md and the .proto files alone.

It imports nothing of the project but what protoc makes of the schemas, so that it proves the document: whoever can read
the one can write the other. Section numbers below are PROTOCOL.md's.

  Keys        a participant's pairs, from a key file (§ 3)
  event, envelope   the signed bytes (§ 5)
  Spool       what must not be forgotten: outgoing messages and the last handled position, in SQLite (§ 7, § 9)
  Connection  one DEALER (§ 3, § 4)
  Link        one participant on a connection (§ 6 … § 12)
  Query       questions (§ 14)

Blocking and single-threaded: everything happens inside `Connection.wait` and the calls that use it.
"""

import collections
import hashlib
import os
import sqlite3
import time

import nacl.signing
import zmq
import zmq.utils.monitor
from kurator.v1 import deliveries_pb2, envelope_pb2, events_pb2, frames_pb2, query_pb2

VERSION = 1
CREDIT = 256
IN_FLIGHT = 4096  # as long as Welcome does not say less (§ 15)
ENVELOPE_MESSAGES = 256
ENVELOPE_BYTES = 4 << 20
WELCOME_SECONDS = 10


class Refused(Exception):
    """The engine's Fault, with the pause after which a Hello makes sense again (None: something has to be mended)."""

    def __init__(self, fault, retry_after_ms=None):
        super().__init__("%s: %s" % (fault.code, fault.text))
        self.code, self.text, self.retry_after_ms = fault.code, fault.text, retry_after_ms


class KeyRefused(Exception):
    """The handshake was answered with status 400."""


# ---- § 3 keys ----

class Keys:
    def __init__(self, connection_public, connection_secret, signing_seed):
        self.connection_public, self.connection_secret = connection_public, connection_secret
        self.signing = nacl.signing.SigningKey(signing_seed)
        self.signing_public = bytes(self.signing.verify_key)

    @classmethod
    def load(cls, path):
        fields = key_fields(path)
        return cls(fields["connection-public"], fields["connection-secret"], fields["signing-secret"][:32])


def key_fields(path):
    """Name → bytes of a key file."""
    with open(path, encoding="ascii") as file:
        head, *lines = file.read().splitlines()
    if head != "kurator-keys 1":
        raise ValueError("not a key file: %s" % path)
    return {name: bytes.fromhex(text) for name, text in (line.split(": ") for line in lines)}


def key_id(signing_public):
    return hashlib.blake2b(signing_public, digest_size=32).hexdigest()[:16]


# ---- § 5 the envelope ----

def digest(event_bytes):
    return hashlib.blake2b(b"kurator/v1/message\0" + event_bytes, digest_size=32).digest()


def signature(keys, header_bytes):
    return keys.signing.sign(b"kurator/v1/envelope\0" + header_bytes).signature


def payload(name, fields):
    """`fields`: the data of the event as plain values; lists of maps become records."""
    message = events_pb2.Payload()
    body = getattr(message, name.replace(".", "_"))
    body.SetInParent()
    fill(body, fields)
    return message.SerializeToString()


def fill(message, fields):
    for name, value in fields.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                fill(getattr(message, name).add(), item)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)


def event(case, name, fields, occurred_at_ms=None, salt=None, **more):
    """The bytes of an Event. Made once: they are sent again as they are."""
    message = envelope_pb2.Event(case_id=case, event=name, payload=payload(name, fields), **more)
    message.occurred_at_ms = now_ms() if occurred_at_ms is None else occurred_at_ms
    message.salt = salt or os.urandom(16)
    return message.SerializeToString()


def envelope_header(sender, keys, first_sequence, events, sent_at_ms=None):
    header = envelope_pb2.EnvelopeHeader(sender=sender, key_id=key_id(keys.signing_public),
                                         first_sequence=first_sequence, digests=[digest(part) for part in events])
    header.sent_at_ms = now_ms() if sent_at_ms is None else sent_at_ms
    return header.SerializeToString()


def envelope_frame(participant, keys, header_bytes):
    frame = frames_pb2.Frame(participant=participant)
    frame.envelope.header = header_bytes
    frame.envelope.signature = signature(keys, header_bytes)
    return frame.SerializeToString()


def envelope(sender, keys, first_sequence, events, sent_at_ms=None):
    """All parts of the message."""
    header = envelope_header(sender, keys, first_sequence, events, sent_at_ms)
    return [envelope_frame(sender, keys, header), *events]


def now_ms():
    return time.time_ns() // 1_000_000


# ---- § 7, § 9 what must survive ----

Receipt = collections.namedtuple("Receipt", "sequence outcome journal code text")


class Spool:
    """`path` may be ":memory:" for a client that is allowed to forget."""

    def __init__(self, path=":memory:"):
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript("""
            CREATE TABLE IF NOT EXISTS outgoing(sequence INTEGER PRIMARY KEY, bytes BLOB,
                                                outcome TEXT, journal INTEGER, code TEXT, text TEXT);
            CREATE TABLE IF NOT EXISTS state(name TEXT PRIMARY KEY, number INTEGER);""")

    def number(self, name):
        row = self.db.execute("SELECT number FROM state WHERE name = ?", (name,)).fetchone()
        return row[0] if row else 0

    def put_number(self, name, number):
        self.db.execute("INSERT OR REPLACE INTO state VALUES(?, ?)", (name, number))

    def put(self, event_bytes):
        """Durable under the next number when it returns."""
        sequence = self.number("last") + 1
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO outgoing(sequence, bytes) VALUES(?, ?)", (sequence, event_bytes))
        self.put_number("last", sequence)
        self.db.execute("COMMIT")
        return sequence

    def pending(self, after, count, size):
        """Without receipt, ascending, as far as the numbers have no gap and one envelope may hold them."""
        rows = self.db.execute("SELECT sequence, bytes FROM outgoing WHERE outcome IS NULL AND sequence > ? "
                               "ORDER BY sequence LIMIT ?", (after, count)).fetchall()
        fitting = []
        for sequence, data in rows:
            size -= len(data)
            if fitting and (size < 0 or sequence != fitting[-1][0] + 1):
                break
            fitting.append((sequence, data))
        return fitting

    def pending_count(self):
        return self.db.execute("SELECT count(*) FROM outgoing WHERE outcome IS NULL").fetchone()[0]

    def settle(self, receipt):
        """False when it had its receipt. The bytes are forgotten."""
        done = self.db.execute("UPDATE outgoing SET outcome = ?, journal = ?, code = ?, text = ?, bytes = NULL "
                               "WHERE sequence = ? AND outcome IS NULL",
                               (receipt.outcome, receipt.journal, receipt.code, receipt.text, receipt.sequence))
        return done.rowcount == 1

    def receipt(self, sequence):
        row = self.db.execute("SELECT sequence, outcome, journal, code, text FROM outgoing WHERE sequence = ?",
                              (sequence,)).fetchone()
        return Receipt(*row)

    def move_behind(self, sequence):
        """A new spool meets an engine that knows higher numbers (§ 7)."""
        self.db.execute("BEGIN")
        self.db.execute("UPDATE outgoing SET sequence = -(sequence + ?)", (sequence,))
        self.db.execute("UPDATE outgoing SET sequence = -sequence")
        self.put_number("last", self.number("last") + sequence)
        self.db.execute("COMMIT")


# ---- § 3, § 4 a connection ----

class Connection:
    """One DEALER with one CURVE key. It carries the links that were made on it."""

    heartbeat_ms = 5000  # § 12

    def __init__(self, context, endpoint, keys, server_public):
        self.context, self.endpoint, self.keys, self.server_public = context, endpoint, keys, server_public
        self.links, self.barrier = {}, None
        self.socket = self.monitor = None
        self.open()

    def open(self):
        """A new socket for each connection: nothing that was queued for the old one may follow (§ 6)."""
        self.close()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.setsockopt(zmq.CURVE_SERVERKEY, self.server_public)
        self.socket.setsockopt(zmq.CURVE_PUBLICKEY, self.keys.connection_public)
        self.socket.setsockopt(zmq.CURVE_SECRETKEY, self.keys.connection_secret)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, self.heartbeat_ms)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * self.heartbeat_ms)
        self.socket.setsockopt(zmq.HEARTBEAT_TTL, 3 * self.heartbeat_ms)
        self.monitor = self.socket.get_monitor_socket()
        self.socket.connect(self.endpoint)
        for link in self.links.values():
            link.silent()

    def close(self):
        if self.socket:
            self.socket.disable_monitor()
            self.monitor.close(0)
            self.socket.close(0)
            self.socket = None

    def wait_for_handshake(self, timeout=5):
        """True when the engine has let the key in. False: broken off, or nobody there in time."""
        deadline = time.monotonic() + timeout
        while self.monitor.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            what = zmq.utils.monitor.recv_monitor_message(self.monitor)["event"]
            if what == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                return True
            if what == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                raise KeyRefused()
            if what == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
                return False
        return False

    def send(self, frame):
        self.send_parts([frame.SerializeToString()])

    def send_parts(self, parts):
        self.socket.send_multipart(parts)

    def receive(self, timeout=5):
        """(Frame, further parts), or (None, []) when nothing comes in time."""
        if not self.socket.poll(max(0, int(timeout * 1000))):
            return None, []
        first, *parts = self.socket.recv_multipart()
        return frames_pb2.Frame.FromString(first), parts

    def wait(self, until=lambda: False, timeout=5):
        """Handles what comes until `until()` holds; False when the time is over."""
        deadline = time.monotonic() + timeout
        while not until():
            frame, parts = self.receive(deadline - time.monotonic())
            if frame is None:
                return until()
            self.handle(frame, parts)
        return True

    def handle(self, frame, parts):
        if frame.HasField("barrier"):
            self.barrier = frame.barrier.number
        elif frame.participant in self.links:
            self.links[frame.participant].handle(frame, parts)
        self.answer_barrier()

    def answer_barrier(self):
        """§ 13: once all that may be sent is sent."""
        if self.barrier is None or not all(link.is_drained() for link in self.links.values()):
            return
        frame = frames_pb2.Frame(participant=next(iter(self.links)))
        frame.barrier_reply.number = self.barrier
        for link in self.links.values():
            frame.barrier_reply.positions.add(participant=link.participant, sequence=link.sent,
                                              position=link.position)
        self.send(frame)
        self.barrier = None


# ---- § 6 … § 12 a participant ----

SILENT, GREETED, WELCOMED = "silent", "greeted", "welcomed"


class Link:
    def __init__(self, connection, participant, keys, spool=None, on_delivery=None, credit=CREDIT):
        self.connection, self.participant, self.keys, self.credit = connection, participant, keys, credit
        self.spool = spool or Spool()
        self.on_delivery = on_delivery or (lambda delivery: None)
        self.position = self.spool.number("position")
        self.acknowledging = True
        connection.links[participant] = self
        self.silent()

    def silent(self):
        self.state, self.sent, self.in_flight, self.welcome, self.refusal = SILENT, 0, 0, None, None

    def frame(self):
        return frames_pb2.Frame(participant=self.participant)

    # § 6

    def greet(self, timeout=WELCOME_SECONDS):
        """Hello, and what the engine answers. Raises Refused."""
        self.silent()
        frame = self.frame()
        frame.hello.version_min = frame.hello.version_max = VERSION
        frame.hello.position, frame.hello.credit = self.position, self.credit
        frame.hello.agent = "kurator_client.py"
        self.connection.send(frame)
        self.state = GREETED
        self.connection.wait(lambda: self.welcome or self.refusal, timeout)
        if self.refusal:
            raise self.refusal
        if not self.welcome:
            raise TimeoutError("no Welcome")
        return self.welcome

    def welcomed(self, welcome):
        if self.state != GREETED:
            return
        self.welcome, self.state = welcome, WELCOMED
        if welcome.sequence > 0 and not self.spool.number("agreed"):
            self.spool.move_behind(welcome.sequence)
        if self.spool.number("last") < welcome.sequence:
            self.spool.put_number("last", welcome.sequence)
        self.spool.put_number("agreed", 1)
        self.flush()

    # § 7, § 8

    def submit(self, case, name, fields, **more):
        sequence = self.spool.put(event(case, name, fields, **more))
        self.flush()
        return sequence

    def next_batch(self):
        """[(sequence, bytes)] of the next envelope; empty when nothing may be sent now."""
        if self.state != WELCOMED:
            return []
        room = (self.welcome.in_flight_max or IN_FLIGHT) - self.in_flight
        count = min(room, self.welcome.envelope_messages_max or ENVELOPE_MESSAGES)
        size = self.welcome.envelope_bytes_max or ENVELOPE_BYTES
        return self.spool.pending(self.sent, count, size) if count > 0 else []

    def flush(self):
        for rows in iter(self.next_batch, []):
            self.connection.send_parts(envelope(self.participant, self.keys, rows[0][0], [row[1] for row in rows]))
            self.sent, self.in_flight = rows[-1][0], self.in_flight + len(rows)

    def is_drained(self):
        return self.state == WELCOMED and not self.next_batch()

    def settle(self, told):
        outcome = told.WhichOneof("outcome")
        if outcome is None:
            return  # of a kind that is newer than this client: no receipt
        fault = told.refused if outcome == "refused" else None
        journal = None if fault else getattr(told, outcome)
        receipt = Receipt(told.sequence, outcome, journal, fault and fault.code, fault and fault.text)
        if self.spool.settle(receipt) and told.sequence <= self.sent:
            self.in_flight -= 1

    def wait_for_receipts(self, timeout=10):
        return self.connection.wait(lambda: self.refusal or self.spool.pending_count() == 0, timeout)

    def receipt(self, sequence, timeout=10):
        self.connection.wait(lambda: self.refusal or self.spool.receipt(sequence).outcome, timeout)
        if self.refusal:
            raise self.refusal
        return self.spool.receipt(sequence)

    # § 9, § 10

    def delivered(self, after, parts):
        if self.state != WELCOMED or after > self.position:
            return  # something lies in between: the next Hello asks for it
        for part in parts:
            delivery = deliveries_pb2.Delivery.FromString(part)
            if delivery.position > self.position:
                self.on_delivery(delivery)
                self.position = delivery.position
        if self.acknowledging:
            self.spool.put_number("position", self.position)
            self.acknowledge()

    def acknowledge(self):
        frame = self.frame()
        frame.ack.position, frame.ack.credit = self.position, self.credit
        self.connection.send(frame)

    # all frames

    def handle(self, frame, parts):
        body = frame.WhichOneof("body")
        if body == "welcome":
            self.welcomed(frame.welcome)
        elif body == "receipts":
            for told in frame.receipts.receipts:
                self.settle(told)
            self.flush()
        elif body == "deliveries":
            self.delivered(frame.deliveries.after, parts)
        elif body == "refusal":
            refusal = frame.refusal
            pause = refusal.retry_after_ms if refusal.HasField("retry_after_ms") else None
            self.silent()
            self.refusal = Refused(refusal.fault, pause)
        elif body == "ping":
            answer = self.frame()
            answer.pong.number = frame.ping.number
            self.connection.send(answer)


# ---- § 14 questions ----

class Query:
    def __init__(self, context, endpoint, keys, server_public):
        self.connection = Connection(context, endpoint, keys, server_public)
        self.number = 0

    def ask(self, verb, *args, actor="test", timeout=10):
        """All rows, as JSON texts. Raises Refused."""
        rows, cursor = [], b""
        while True:
            self.number += 1
            request = query_pb2.QueryRequest(number=self.number, actor=actor, verb=verb, args=args)
            if cursor:
                request.cursor = cursor
            self.connection.socket.send(request.SerializeToString())
            if not self.connection.socket.poll(int(timeout * 1000)):
                raise TimeoutError("no answer")
            reply = query_pb2.QueryReply.FromString(self.connection.socket.recv())
            if reply.number != self.number:
                continue
            if reply.HasField("fault"):
                raise Refused(reply.fault)
            rows += list(reply.rows)
            cursor = reply.next_cursor
            if reply.done or not cursor:
                return rows
