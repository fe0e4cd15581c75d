"""A participant at full speed does not shut the others out: its flood leaves another's p99 within three times of idle.

What a flood costs the processors is not what is asked here: in the idle engine's time they are kept busy, too. A machine
that does other things has bad moments: of a few rounds the best one counts, and what is shorter than PASSABLE_MS
passes. (In one line for all a message would wait for all that the flooder has on its way: at 15,000 messages
a second more than a hundred milliseconds, each time.) How many messages are taken first does not depend on the machine.
"""

import os

from blackbox import SENDER, STRANGER, client, main
from flood import Measurement, latencies, quantile

TIMES_IDLE = 3
PASSABLE_MS = 60
ROUNDS = 6
ASKED_PASSABLE_MS = 250


class Flood(Measurement):
    participants = (*Measurement.participants, STRANGER)

    def assert_leaves_room(self, **how):
        """The round that passes."""
        rounds = []
        while not rounds or rounds[-1]["load_p99_ms"] > max(TIMES_IDLE * rounds[-1]["idle_p99_ms"], PASSABLE_MS):
            self.assertLess(len(rounds), ROUNDS, rounds)
            rounds.append(self.measure(seconds=4, rate=5000, idle_samples=150, busy=os.cpu_count() + 1, **how))
        self.assertLess(rounds[-1]["entries_before"], self.link(SENDER).welcome.in_flight_max / 4, rounds)
        self.assert_serves()
        return rounds[-1]

    def test_a_flood_of_good_messages_leaves_room_for_others(self):
        found = self.assert_leaves_room()
        self.assertGreater(found["flood_per_second"], 200, found)

    def test_a_flood_of_one_who_heeds_no_window_leaves_room_for_others(self):
        found = self.assert_leaves_room(heedless=True)
        self.assertGreater(found["sent_per_second"], 10 * found["flood_per_second"], found)

    def test_a_flood_of_hellos_and_bad_envelopes_leaves_room_for_others(self):
        honest, hostile = self.link(SENDER), self.link(STRANGER)
        hello = hostile.frame()
        hello.hello.version_min = hello.hello.version_max = 1
        bad = hostile.frame()
        bad.envelope.header = bytes(20000)
        bad.envelope.signature = bytes(64)
        messages = [[hello.SerializeToString()], [bad.SerializeToString()] + [bytes(1000)] * 100]

        def press(count):
            for message in messages * 5:
                hostile.connection.send_parts(message)
            return count >= 60

        for _ in range(ROUNDS):
            idle = quantile(latencies(honest, "idle", lambda count: count >= 100), 0.99)
            pressed = quantile(latencies(honest, "pressed", press), 0.99)
            if pressed <= max(TIMES_IDLE * idle, PASSABLE_MS):
                break
        else:
            self.fail("%.1f ms under the flood, %.1f ms idle" % (pressed, idle))
        self.assert_serves()


class Questions(Measurement):
    """Pipelined questions, each for as many rows as a page may have."""

    asked, cases = 400, 600

    def test_a_flood_of_questions_leaves_room_for_receipts(self):
        honest = self.link(SENDER)
        for _ in range(self.cases):
            honest.spool.put(self.notice())
        honest.flush()
        self.assertTrue(honest.wait_for_receipts(60))
        idle = quantile(latencies(honest, "idle", lambda count: count >= 50), 0.99)
        for verb in ("outcome.export", "deadline.list", "journal.export"):
            asker = client.Query(self.context, self.engine.query, self.keys("operator"), self.server_public())
            self.addCleanup(asker.connection.close)
            for number in range(1, self.asked + 1):
                asker.connection.socket.send(client.query_pb2.QueryRequest(
                    number=number, actor="test", verb=verb).SerializeToString())
            answered = []

            def press(_, asker=asker, answered=answered):
                while asker.connection.socket.poll(0):
                    reply = client.query_pb2.QueryReply.FromString(asker.connection.socket.recv())
                    answered.append(reply.number)
                    self.assertFalse(reply.HasField("fault"), reply.fault)
                return len(answered) == self.asked

            asked = latencies(honest, "asked", press)
            self.assertEqual(list(range(1, self.asked + 1)), answered)
            self.assertLess(quantile(asked, 0.99), max(TIMES_IDLE * idle, ASKED_PASSABLE_MS), verb)
        self.assert_serves()


del Measurement

if __name__ == "__main__":
    main()
