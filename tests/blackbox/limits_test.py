"""What exceeds a limit is cut off or told to wait, and nobody else notices."""

import resource
import time

import zmq

from blackbox import NOTICE, READER, SENDER, STRANGER, BlackBox, client, main
from zmtp import Stream, connect, framed, greeting

MIB = 1 << 20
# As PROTOCOL.md, § 15 says.
FRAME_MAX, EVENT_MAX, PART_MAX, MESSAGE_MAX, PARTS_MAX, MESSAGES_MAX = 64 << 10, 256 << 10, MIB, 16 * MIB, 520, 512
CREDIT_MAX = 1000


class Limits(BlackBox):
    tcp = True

    def setUp(self):
        self.honest = self.link(SENDER)

    def tearDown(self):
        self.assert_honest_is_still_heard()
        self.assert_serves()

    def assert_honest_is_still_heard(self):
        """On the connection that was there all the time."""
        receipt = self.honest.receipt(self.honest.submit(self.case(), "release.notice", NOTICE))
        self.assertEqual("accepted", receipt.outcome, receipt)

    # ---- sizes ----

    def test_a_frame_over_its_limit_is_cut_off(self):
        link = self.link(STRANGER)
        frame = link.frame()
        frame.hello.agent = "x" * FRAME_MAX
        link.connection.send(frame)
        self.assert_cut_off(link.connection)

    def test_a_part_over_its_limit_is_cut_off(self):
        link = self.link(STRANGER)
        parts = [link.frame().SerializeToString(), bytes(PART_MAX + 1024)]
        link.connection.send_parts(parts)
        self.assert_cut_off(link.connection, again=parts)

    def test_a_message_over_its_limit_is_cut_off(self):
        link = self.link(STRANGER)
        ping = link.frame()
        ping.ping.number = 1
        parts = [ping.SerializeToString()] + [bytes(PART_MAX)] * (MESSAGE_MAX // PART_MAX)
        link.connection.send_parts(parts)
        self.assert_cut_off(link.connection, again=parts)

    def test_too_many_parts_are_cut_off(self):
        link = self.link(STRANGER)
        ping = link.frame()
        ping.ping.number = 1
        parts = [ping.SerializeToString()] + [b""] * PARTS_MAX
        link.connection.send_parts(parts)
        self.assert_cut_off(link.connection, again=parts)

    def test_too_many_messages_in_an_envelope_are_refused(self):
        link = self.link(STRANGER)
        ping = link.frame()
        ping.envelope.header = b"x"
        link.connection.send_parts([ping.SerializeToString()] + [b"x"] * (MESSAGES_MAX + 1))
        self.assert_refused(link, "LIMIT")

    def test_an_event_over_its_limit_gets_a_refused_receipt(self):
        for size, code in ((EVENT_MAX + 1, "LIMIT"), (PART_MAX, "LIMIT")):
            self.honest.greet()
            link = self.honest
            self.send(link, link.welcome.sequence + 1, [bytes(size)])
            self.assertEqual(code, self.next_receipt(link).refused.code)
        link.greet()
        link.spool.put_number("last", link.welcome.sequence)

    def test_more_messages_without_receipt_than_welcome_allows_are_told_to_wait(self):
        for _ in range(20):  # an engine that is quick enough has answered the first before it reads the last
            link = self.link(STRANGER)
            self.send_too_much(link)
            frame = self.next_frame(link, "receipts", "refusal")
            while frame.HasField("receipts") and frame.receipts.receipts[-1].sequence < self.last_sent:
                frame = self.next_frame(link, "receipts", "refusal")
            if frame.HasField("refusal"):
                self.assertEqual("LIMIT", frame.refusal.fault.code, frame.refusal.fault.text)
                self.assertTrue(frame.refusal.HasField("retry_after_ms"))
                return
        self.fail("never told to wait")

    def send_too_much(self, link):
        """One envelope more than may be in flight, at once. (Much more, and the connection would be cut off, before
        the refusal has left it, perhaps.)"""
        most, first = link.welcome.envelope_messages_max, link.welcome.sequence + 1
        sequences = range(first, first + link.welcome.in_flight_max + most, most)
        envelopes = [client.envelope(STRANGER, link.keys, sequence, [self.notice() for _ in range(most)])
                     for sequence in sequences]
        for parts in envelopes:
            link.connection.send_parts(parts)
        self.last_sent = sequences[-1] + most - 1

    def test_a_connection_that_goes_on_after_refusals_is_cut_off(self):
        stream = Stream(self.engine.exchange, self.keys(STRANGER), self.server_public(), timeout=2)
        self.addCleanup(stream.close)
        ping = client.frames_pb2.Frame(participant=STRANGER)
        ping.ping.number = 1
        in_vain = self.honest.welcome.in_flight_max + 256
        try:
            for _ in range(in_vain + 50):  # each is refused: it has not introduced itself
                stream.send(ping.SerializeToString())
        except OSError:
            pass  # hung up meanwhile
        self.assertTrue(stream.is_cut_off(5))

    # ---- a message that never ends ----

    def test_an_endless_message_is_cut_off_before_it_fills_the_memory(self):
        stream = Stream(self.engine.exchange, self.keys(STRANGER), self.server_public(), timeout=2)
        self.addCleanup(stream.close)
        before, sent, chunk = self.engine.resident_bytes(), 0, b"x" * 60_000
        try:
            while sent < 64 * MESSAGE_MAX:
                stream.stream.sendall(stream.part(chunk, more=True))
                sent += len(chunk)
        except OSError:
            pass  # hung up, or hung up with its window closed
        self.assertTrue(stream.is_cut_off(5), "still listening after %d MiB" % (sent // MIB))
        self.assertLess(sent, 64 * MESSAGE_MAX)
        self.assertLess(self.engine.resident_bytes() - before, 32 * MESSAGE_MAX)

    # ---- readers ----

    def fill_the_stream(self, cases):
        for _ in range(cases):
            self.honest.spool.put(self.notice())
        self.honest.flush()
        self.assertTrue(self.honest.wait_for_receipts(20))

    def test_a_reader_is_sent_no_more_than_its_credit(self):
        self.fill_the_stream(20)
        seen = []
        reader = self.link(READER, spool=client.Spool(), credit=7, on_delivery=lambda one: seen.append(one.position))
        reader.acknowledging = False
        reader.greet()
        seen.clear()
        reader.position = start = max(0, reader.welcome.stream_end - 40)
        reader.greet()
        reader.connection.wait(timeout=0.5)
        self.assertEqual(list(range(start + 1, start + 8)), seen)
        reader.credit = 3
        reader.acknowledge()
        reader.connection.wait(timeout=0.5)
        self.assertEqual(list(range(start + 1, start + 11)), seen)
        reader.acknowledging = True
        reader.acknowledge()
        self.assertTrue(reader.connection.wait(lambda: reader.position >= reader.welcome.stream_end))
        self.assertEqual(list(range(start + 1, start + 41)), seen)

    def test_a_reader_that_never_acknowledges_is_sent_a_bounded_number(self):
        self.fill_the_stream(400)
        seen = []
        reader = self.link(READER, spool=client.Spool(), credit=2 ** 32 - 1, on_delivery=seen.append)
        reader.acknowledging = False
        reader.connection.wait(timeout=1)
        self.assertEqual(CREDIT_MAX, len(seen))
        self.assertEqual(list(range(seen[0].position, seen[0].position + CREDIT_MAX)), [one.position for one in seen])

    def test_a_reader_that_does_not_read_its_socket_stops_nobody(self):
        self.fill_the_stream(400)
        stream = Stream(self.engine.exchange, self.keys(READER), self.server_public())
        hello = client.frames_pb2.Frame(participant=READER)
        hello.hello.version_min = hello.hello.version_max = 1
        hello.hello.credit = 2 ** 32 - 1
        before = self.engine.resident_bytes()
        for _ in range(200):  # each asks for a thousand deliveries, and none is taken off the wire
            stream.send(hello.SerializeToString())
        ping = client.frames_pb2.Frame(participant=READER)
        ping.ping.number = 1
        for _ in range(5_000):
            stream.send(ping.SerializeToString())
        self.assert_honest_is_still_heard()
        self.assertLess(self.engine.resident_bytes() - before, 512 * MIB)
        stream.close()

    def test_an_acknowledgement_of_what_was_never_sent_is_refused(self):
        reader = self.link(READER, credit=0)
        reader.position = reader.welcome.stream_end + 1
        reader.acknowledge()
        self.assert_refused(reader, "RANGE")
        with self.assertRaises(client.Refused) as refused:
            reader.greet()
        self.assertEqual("CONFLICT", refused.exception.code, "a spool of another engine")


class HalfOpen(BlackBox):
    tcp = True

    def beginnings(self):
        """Connections that stop somewhere in the handshake."""
        for bytes_sent in (b"", b"\xff", greeting()[:11], greeting(), greeting(b"NULL"), greeting(b"PLAIN"),
                           greeting() + framed(b"\x05HELLO" + bytes(194), 4), b"GET / HTTP/1.1\r\n\r\n"):
            stream = connect(self.engine.exchange)
            stream.sendall(bytes_sent)
            yield stream

    @staticmethod
    def is_closed(stream, deadline):
        stream.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            while stream.recv(4096):
                pass
        except ConnectionError:
            return True
        except TimeoutError:
            return False
        return True

    def test_a_handshake_that_stops_is_ended(self):
        began = time.monotonic()
        for _ in range(20):
            for stream in self.beginnings():
                self.addCleanup(stream.close)
        last = list(self.beginnings())
        for stream in last:
            self.addCleanup(stream.close)
        self.assert_serves()
        for number, stream in enumerate(last):
            self.assertTrue(self.is_closed(stream, began + 8), number)
        self.assert_serves()
        self.assertEqual(2 + 2, self.status()["connections"], "those of the honest ones")

    def test_a_connection_that_sends_and_answers_no_heartbeat_is_ended(self):
        silent = Stream(self.engine.exchange, self.keys(STRANGER), self.server_public())
        self.addCleanup(silent.close)
        self.assertTrue(silent.is_cut_off(22))
        self.assert_serves()


class Log(BlackBox):
    """What a peer can provoke does not fill the log, nor hide what another one does."""

    lines_a_minute = 10

    def told_of(self, message, who):
        return [line for line in self.engine.told().splitlines()
                if 'msg="%s"' % message in line and "participant=%s" % who in line]

    def test_lines_that_a_peer_provokes_are_counted_instead_of_written(self):
        link = self.link(STRANGER)
        for _ in range(50):
            link.greet()
            self.send(link, link.welcome.sequence + 1, [self.notice()], keys=self.keys(SENDER))
            self.assert_refused(link, "FORBIDDEN")
        for message in ("link up", "envelope refused"):
            self.assertEqual(self.lines_a_minute, len(self.told_of(message, STRANGER)), message)
        self.link(READER)
        self.assertEqual(1, len(self.told_of("link up", READER)))
        self.assert_serves()
        self.assertEqual(0, self.engine.stop())
        told = "\n".join(self.told_of("lines left out", STRANGER))
        self.assertIn('about="link up" participant=%s lines=%d' % (STRANGER, 51 - self.lines_a_minute), told)
        self.assertIn('about="envelope refused" participant=%s lines=%d' % (STRANGER, 50 - self.lines_a_minute), told)

    def tearDown(self):
        self.engine.start()


class OneKey(BlackBox):
    """A key spends its own connections, not those of others."""

    settings = "limits:\n  key_sessions: 5\n"

    def test_one_key_cannot_take_all_connections(self):
        connections = [self.connect(STRANGER) for _ in range(6)]
        for number, connection in enumerate(connections, 1):
            ping = client.frames_pb2.Frame(participant=STRANGER)
            ping.ping.number = number
            connection.send(ping)  # each is answered: it has not introduced itself
            if number <= 5:
                self.assertEqual("refusal", connection.receive()[0].WhichOneof("body"))
        self.assert_cut_off(connections[5])
        self.assert_serves()
        connections[0].close()
        time.sleep(1)  # until the engine has seen it
        self.assertEqual("welcomed", self.link(STRANGER).state)


class Thousand(BlackBox):
    """1,000 connections beside those that work."""

    tcp = True
    settings = "limits:\n  sessions: 1100\n"
    wanted = 1000

    @classmethod
    def setUpClass(cls):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
        super().setUpClass()

    def dealer(self):
        keys = self.keys(STRANGER)
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.setsockopt(zmq.CURVE_SERVERKEY, self.server_public())
        socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.connection_public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, keys.connection_secret)
        socket.setsockopt(zmq.RECONNECT_IVL, 500)
        socket.connect(self.engine.exchange)
        return socket

    def wait_for_connections(self, enough):
        deadline = time.monotonic() + 15
        while not enough(self.status()["connections"]):
            self.assertLess(time.monotonic(), deadline, self.status())
            time.sleep(0.1)

    def test_a_thousand_connections_disturb_nobody_and_leave_nothing_behind(self):
        honest = self.link(SENDER)
        ping = client.frames_pb2.Frame(participant=STRANGER)
        ping.ping.number = 1
        sockets = [self.dealer() for _ in range(self.wanted)]
        self.wait_for_connections(lambda count: count > self.wanted)
        for socket in sockets:
            socket.send(ping.SerializeToString())  # each is answered: it has not introduced itself
        self.assertEqual("accepted", honest.receipt(honest.submit(self.case(), "release.notice", NOTICE)).outcome)
        for socket in sockets:
            self.assertTrue(socket.poll(5000))
            self.assertEqual("refusal", client.frames_pb2.Frame.FromString(socket.recv()).WhichOneof("body"))
        self.assert_serves()
        for socket in sockets:
            socket.close()
        self.wait_for_connections(lambda count: count < 10)
        self.assert_serves()

    def test_connections_over_the_limit_are_cut_off_and_those_before_go_on(self):
        honest = self.link(SENDER)
        sockets = [self.dealer() for _ in range(1300)]
        self.wait_for_connections(lambda count: count >= 1100)
        for _ in range(20):
            receipt = honest.receipt(honest.submit(self.case(), "release.notice", NOTICE))
            self.assertEqual("accepted", receipt.outcome)
        for socket in sockets:
            socket.close()
        self.wait_for_connections(lambda count: count < 10)
        self.assert_serves()


if __name__ == "__main__":
    main()
