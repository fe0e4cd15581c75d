"""A participant at full speed does not shut the others out. Loosely, for busy machines: flood.py measures."""

from blackbox import SENDER, STRANGER, main
from flood import Measurement, latencies, quantile

LOADED_P99_MS = 4000  # of a build with sanitizers, on a machine that does other things


class Flood(Measurement):
    participants = (*Measurement.participants, STRANGER)

    def test_a_flood_of_good_messages_leaves_room_for_others(self):
        found = self.measure(seconds=4, rate=10000, idle_samples=100)
        self.assertGreater(found["flood_per_second"], 200, found)
        self.assertLess(found["load_p99_ms"], LOADED_P99_MS, found)
        self.assert_serves()

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

        found = latencies(honest, "pressed", press)
        self.assertLess(quantile(found, 0.99), LOADED_P99_MS)
        self.assert_serves()


del Measurement

if __name__ == "__main__":
    main()
