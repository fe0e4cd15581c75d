"""Nothing gets into the journal but what its sender signed, once, in the order in which it counted."""

import zmq

from blackbox import NOTICE, SENDER, STRANGER, BlackBox, client, main


class Envelopes(BlackBox):
    def setUp(self):
        self.honest = self.link(SENDER)
        self.first = self.honest.welcome.sequence + 1

    def tearDown(self):
        self.assert_serves()

    def greet(self):
        """Once more, on the same connection: the answers to what was sent before are passed over."""
        self.honest.greet()

    def accept(self, parts):
        self.honest.connection.send_parts(parts)
        receipt = self.next_receipt(self.honest)
        self.assertEqual("accepted", receipt.WhichOneof("outcome"), receipt)
        return receipt.accepted

    # ---- the same again ----

    def test_a_replayed_envelope_is_a_duplicate_and_changes_nothing(self):
        parts = client.envelope(SENDER, self.honest.keys, self.first, [self.notice()])
        number = self.accept(parts)
        self.greet()
        self.honest.connection.send_parts(parts)
        self.assertEqual(number, self.next_receipt(self.honest).duplicate)
        self.assertEqual(number, self.journal())

    def test_an_old_envelope_is_known_after_a_restart(self):
        parts = client.envelope(SENDER, self.honest.keys, self.first, [self.notice()])
        number = self.accept(parts)
        self.engine.stop()
        self.engine.start()
        link = self.link(SENDER)
        link.connection.send_parts(parts)
        self.assertEqual(number, self.next_receipt(link).duplicate)

    def test_an_overheard_envelope_is_worth_nothing_to_others(self):
        parts = client.envelope(SENDER, self.honest.keys, self.first, [self.notice()])
        self.accept(parts)
        stranger = self.link(STRANGER)
        stranger.connection.send_parts(parts)
        self.assert_refused(stranger, "FORBIDDEN")
        renamed = client.frames_pb2.Frame.FromString(parts[0])
        renamed.participant = STRANGER
        stranger.connection.send_parts([renamed.SerializeToString(), *parts[1:]])
        self.assert_refused(stranger, "FORBIDDEN")

    def test_the_same_messages_in_another_envelope_are_duplicates(self):
        events = [self.notice() for _ in range(3)]
        self.send(self.honest, self.first, events)
        taken = self.next_frame(self.honest, "receipts").receipts.receipts
        self.greet()
        self.send(self.honest, self.first + 1, events[1:])
        again = self.next_frame(self.honest, "receipts").receipts.receipts
        self.assertEqual([one.accepted for one in taken[1:]], [one.duplicate for one in again])

    def test_another_message_under_a_known_number_is_refused_and_the_operator_hears_of_it(self):
        self.accept(client.envelope(SENDER, self.honest.keys, self.first, [self.notice()]))
        journal = self.journal()
        self.greet()
        self.send(self.honest, self.first, [self.notice()])
        self.assertEqual("CONFLICT", self.next_receipt(self.honest).refused.code)
        self.assertEqual(journal, self.journal())
        self.assertIn("sequence-reused", [row["reason"] for row in self.rows("incident.list")])

    # ---- changed ----

    def answer_to(self, parts):
        """What an envelope leads to: "receipts", "refusal", "cut off" or "nothing"."""
        connection = self.honest.connection
        connection.send_parts(parts)
        poller = zmq.Poller()
        poller.register(connection.socket, zmq.POLLIN)
        poller.register(connection.monitor, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(300))
            if connection.socket in ready:
                body = connection.receive(0)[0].WhichOneof("body")
                if body in ("receipts", "refusal"):
                    return body
            elif connection.monitor in ready:
                told = zmq.utils.monitor.recv_monitor_message(connection.monitor)
                if told["event"] == zmq.EVENT_DISCONNECTED:
                    return "cut off"
            else:
                return "nothing"

    def assert_worth_nothing(self, parts, expected):
        answer = self.answer_to(parts)
        self.assertIn(answer, expected)
        if answer == "cut off":
            self.honest.connection.open()
        self.greet()

    def test_a_changed_bit_in_any_byte_makes_an_envelope_worthless(self):
        parts = client.envelope(SENDER, self.honest.keys, self.first, [self.notice(), self.notice()])
        journal = self.journal()
        for number, part in enumerate(parts):
            # Every byte of what is signed, some of the events, whose digests cover every byte alike.
            for at in range(0, len(part), 1 if number == 0 else 13):
                changed = list(parts)
                changed[number] = part[:at] + bytes([part[at] ^ 1 << at % 8]) + part[at + 1:]
                expected = ("refusal", "cut off", "nothing") if number == 0 else ("refusal",)
                with self.subTest(part=number, byte=at):
                    self.assert_worth_nothing(changed, expected)
        self.assertEqual(journal, self.journal())
        self.honest.connection.send_parts(parts)
        self.assertEqual("accepted", self.next_receipt(self.honest).WhichOneof("outcome"), "unchanged it is taken")

    def test_parts_that_are_missing_added_or_exchanged_make_an_envelope_worthless(self):
        frame, first, second = client.envelope(SENDER, self.honest.keys, self.first, [self.notice(), self.notice()])
        journal = self.journal()
        for parts in ([frame, second, first], [frame, first], [frame], [frame, first, second, second],
                      [frame, first, first], [frame, first, b""], [frame, b"", first, second]):
            self.assert_worth_nothing(parts, ("refusal",))
        for parts in ([first, frame, second], [first, second, frame]):
            self.assert_worth_nothing(parts, ("cut off", "refusal"))
        self.assertEqual(journal, self.journal())

    def test_a_signature_without_its_domain_tag_is_refused(self):
        event = self.notice()
        header = client.envelope_header(SENDER, self.honest.keys, self.first, [event])
        frame = client.frames_pb2.Frame(participant=SENDER)
        frame.envelope.header = header
        frame.envelope.signature = self.honest.keys.signing.sign(header).signature
        self.assert_worth_nothing([frame.SerializeToString(), event], ("refusal",))

    # ---- numbers ----

    def test_numbers_that_go_back_on_a_connection_are_refused_until_the_next_hello(self):
        self.accept(client.envelope(SENDER, self.honest.keys, self.first + 5, [self.notice()]))
        late = client.envelope(SENDER, self.honest.keys, self.first + 2, [self.notice()])
        self.honest.connection.send_parts(late)
        self.assertTrue(self.assert_refused(self.honest, "CONFLICT").HasField("retry_after_ms"))
        self.send(self.honest, self.first + 6, [self.notice()])
        ping = self.honest.frame()
        ping.ping.number = 5
        self.honest.connection.send(ping)
        self.assertEqual(5, self.next_frame(self.honest, "pong", "receipts").pong.number, "passed over till a Hello")
        self.greet()
        self.assertEqual(self.first + 5, self.honest.welcome.sequence)

    def test_a_gap_is_the_senders_own_business_and_can_be_filled_later(self):
        self.accept(client.envelope(SENDER, self.honest.keys, self.first, [self.notice()]))
        self.accept(client.envelope(SENDER, self.honest.keys, self.first + 9, [self.notice()]))
        self.greet()
        self.assertEqual(self.first + 9, self.honest.welcome.sequence)
        self.accept(client.envelope(SENDER, self.honest.keys, self.first + 4, [self.notice()]))

    def test_a_number_that_cannot_be_is_refused(self):
        for sequence in (0, 2 ** 63, 2 ** 64 - 1):
            self.assert_worth_nothing(client.envelope(SENDER, self.honest.keys, sequence, [self.notice()]),
                                      ("refusal",))

    # ---- one bad message among good ones ----

    def test_an_unreadable_message_is_refused_alone(self):
        events = [self.notice(), b"\xff\xff\xff", self.notice(),
                  client.event(self.case(), "release.notice", {**NOTICE, "release_date": "2026-02-30"})]
        self.send(self.honest, self.first, events)
        receipts = []
        while len(receipts) < len(events):
            receipts += self.next_frame(self.honest, "receipts").receipts.receipts
        self.assertEqual(["accepted", "refused", "accepted", "refused"],
                         [one.WhichOneof("outcome") for one in receipts])
        self.assertEqual(list(range(self.first, self.first + 4)), [one.sequence for one in receipts])


if __name__ == "__main__":
    main()
