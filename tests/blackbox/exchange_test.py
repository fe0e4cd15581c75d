"""An honest participant is served: receipts, deliveries in order, and it goes on where it stood, whatever happens."""

from blackbox import NOTICE, READER, SENDER, STRANGER, BlackBox, case_of, client, main


class Exchange(BlackBox):
    def read_to_the_end(self, link, timeout=10):
        self.assertTrue(link.connection.wait(lambda: link.position >= link.welcome.stream_end, timeout))

    def test_a_message_gets_its_receipt_and_leads_to_a_delivery(self):
        got = []
        reader = self.link(READER, on_delivery=got.append)
        sender = self.link(SENDER)
        case = self.case()
        before = self.journal()
        receipt = sender.receipt(sender.submit(case, "release.notice", NOTICE))
        self.assertEqual(("accepted", before + 1), (receipt.outcome, receipt.journal))
        self.assertTrue(reader.connection.wait(lambda: case in map(case_of, got)))
        self.assertEqual(reader.position, got[-1].position)
        self.assertGreater(got[-1].recorded_at_ms, client.now_ms() - 60_000)

    def test_what_is_wrong_with_a_message_is_told_in_its_receipt(self):
        sender = self.link(SENDER)
        for code, case, name, fields in (
                ("INVALID", self.case(), "release.notice", {**NOTICE, "municipality": "atlantis"}),
                ("FORBIDDEN", self.case(), "programme.approved", {}),
                ("NOT_FOUND", self.case(), "release.confirmed", {"released_on": "2026-01-01"}),
                ("INVALID", "not a case", "release.notice", NOTICE)):
            receipt = sender.receipt(sender.submit(case, name, fields))
            self.assertEqual(("refused", code), (receipt.outcome, receipt.code), receipt)
            self.assertTrue(receipt.text)

    def test_receipts_come_in_the_order_of_the_messages(self):
        sender = self.link(SENDER)
        sequences = [sender.spool.put(self.notice()) for _ in range(300)]
        seen = []
        settle = sender.settle
        sender.settle = lambda told: (seen.append(told.sequence), settle(told))
        sender.flush()
        self.assertTrue(sender.wait_for_receipts())
        self.assertEqual(sequences, seen)
        journal = [sender.spool.receipt(sequence).journal for sequence in sequences]
        self.assertEqual(sorted(journal), journal)

    def test_a_stream_goes_on_behind_the_last_acknowledged_position(self):
        first = self.link(READER)
        self.read_to_the_end(first)
        sender = self.link(SENDER)
        self.assertEqual("accepted", sender.receipt(sender.submit(self.case(), "release.notice", NOTICE)).outcome)
        first.connection.close()
        got = []
        second = self.link(READER, spool=first.spool, on_delivery=got.append)
        self.read_to_the_end(second)
        self.assertEqual(list(range(got[0].position, got[-1].position + 1)), [one.position for one in got])
        self.assertEqual(second.welcome.stream_end, got[-1].position)

    def test_what_was_not_acknowledged_comes_again(self):
        handled = self.link(READER)
        self.read_to_the_end(handled)
        sender = self.link(SENDER)
        self.assertEqual("accepted", sender.receipt(sender.submit(self.case(), "release.notice", NOTICE)).outcome)
        seen = []
        for _ in range(2):
            reader = self.link(READER, spool=handled.spool, on_delivery=lambda one: seen.append(one.position))
            reader.acknowledging = False
            self.read_to_the_end(reader)
            reader.connection.close()
        self.assertTrue(seen)
        self.assertEqual(seen[:len(seen) // 2], seen[len(seen) // 2:])

    def test_messages_without_receipt_survive_the_engine(self):
        sender = self.link(SENDER)
        sequences = [sender.spool.put(self.notice()) for _ in range(500)]
        sender.flush()
        sender.receipt(sequences[0])
        self.engine.kill()
        self.engine.start()
        journal = self.journal()
        self.assertGreaterEqual(journal, sender.spool.receipt(sequences[0]).journal)
        again = self.link(SENDER, spool=sender.spool)
        self.assertTrue(again.wait_for_receipts(20))
        receipts = [again.spool.receipt(sequence) for sequence in sequences]
        self.assertEqual({"accepted", "duplicate"}, {"accepted", "duplicate"} | {one.outcome for one in receipts})
        self.assertEqual(len(sequences), len({one.journal for one in receipts}), "each stands once in the journal")
        self.assert_serves()

    def test_one_connection_carries_several_participants(self):
        """Its key is registered for both."""
        public = (self.engine.hands / (SENDER + ".pub")).read_text()
        (self.engine.keys / "participants" / (STRANGER + "@shared.pub")).write_text(public)
        self.engine.read_keys_again()
        connection = self.connect(SENDER)
        sender = self.link(SENDER, connection)
        other = client.Link(connection, STRANGER, self.keys(SENDER))
        other.greet()
        self.assertEqual("accepted", sender.receipt(sender.submit(self.case(), "release.notice", NOTICE)).outcome)
        receipt = other.receipt(other.submit(self.case(), "release.notice", NOTICE))
        self.assertEqual("FORBIDDEN", receipt.code, "health care may not send such a notice")

    def test_a_new_hello_takes_the_stream_over(self):
        first = self.link(READER)
        second = self.link(READER)
        self.read_to_the_end(second)
        ping = first.frame()
        ping.ping.number = 1
        first.connection.send(ping)
        self.assert_refused(first, "CONFLICT")
        self.assert_serves()

    def test_a_version_that_the_engine_does_not_speak_is_refused_for_good(self):
        link = client.Link(self.connect(SENDER), SENDER, self.keys(SENDER))
        hello = link.frame()
        hello.hello.version_min = hello.hello.version_max = 99
        link.connection.send(hello)
        self.assertFalse(self.assert_refused(link, "VERSION").HasField("retry_after_ms"))

    def test_a_newer_field_in_a_frame_is_passed_over_and_in_an_event_refused(self):
        link = self.link(SENDER)
        newer = b"\xf8\x07\x01"  # field 127, a varint
        ping = link.frame()
        ping.ping.number = 7
        link.connection.send_parts([ping.SerializeToString() + newer])
        self.assertEqual(7, self.next_frame(link, "pong").pong.number)
        self.send(link, link.welcome.sequence + 1, [self.notice() + newer])
        self.assertEqual("INVALID", self.next_receipt(link).refused.code)

    def test_an_expired_message_is_refused(self):
        sender = self.link(SENDER)
        receipt = sender.receipt(sender.submit(self.case(), "release.notice", NOTICE,
                                               expires_at_ms=client.now_ms() - 1))
        self.assertEqual("INVALID", receipt.code)


class OverTcp(Exchange):
    tcp = True


if __name__ == "__main__":
    main()
