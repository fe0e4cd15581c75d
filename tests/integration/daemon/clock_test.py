"""The virtual clock goes on whatever links do, and who asks it to is always answered."""

import pathlib
import sys
import time
import unittest

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "adapters"))

from daemon_test import notice  # noqa: E402
from engine import finish  # noqa: E402
from hostile_test import HELLO, WELCOME, Dealer, frame, hello  # noqa: E402
from notices_test import CLOCK, numbers  # noqa: E402
from world import World, wait_for  # noqa: E402


class Clock(World):
    def test_a_link_killed_with_more_held_than_half_its_share_does_not_stop_the_clock(self):
        self.engine.start(*CLOCK)
        cases = numbers(1800)  # of the 2,000 that may be without receipt
        sending = self.engine.submit([notice(case) for case in cases])
        wait_for(lambda: self.waiting() == len(cases))
        for extra in ("86-2024-01801", "86-2024-01802", "86-2024-01803"):
            sending.kill()
            sending.communicate()
            cases.append(extra)
            sending = self.engine.submit([notice(extra)])
            wait_for(lambda: self.waiting() == len(cases))  # all of it was sent again, only the new one counts
        self.engine.advance("2024-01-11T10:00:00+05:00", "ufsin")
        code, receipts, err = finish(sending)
        self.assertEqual((0, {"accepted"}), (code, {line["state"] for line in receipts}), err)
        self.assertNotIn("envelope refused", self.engine.told())
        self.assertEqual(cases, self.cases())
        self.assertEqual(len(cases), len(self.journal()))
        self.assertEqual(0, self.waiting())
        self.engine.advance("2024-12-31")
        self.assert_rehearsal_agrees("2024-12-31")

    def waiting(self):
        rows = self.engine.rows("participant", "list")
        return next(line["waiting"] for line in rows if line["participant"] == "ufsin")

    def asked(self, *words):
        started = time.monotonic()
        result = self.engine.ask("clock", "advance", "--to", "2024-02-01", *words)
        self.assertLess(time.monotonic() - started, 30)
        return result

    def test_a_link_that_does_not_answer_is_named_when_the_time_is_over(self):
        self.engine.start(*CLOCK)
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        silent = Dealer(context, self.engine, "ufsin", self.engine.exchange)
        self.assertEqual(WELCOME, silent.answer(frame(HELLO, hello()))[0])
        result = self.asked("--timeout", "2")
        self.assertEqual(7, result.returncode, result.stderr)
        self.assertIn("ufsin", result.stderr)
        silent.socket.close()
        self.assertEqual(0, self.asked("--timeout", "20").returncode)

    def test_a_link_that_never_comes_is_named_when_the_time_is_over(self):
        self.engine.start(*CLOCK)
        result = self.asked("--expect", "ufsin", "--timeout", "2")
        self.assertEqual(7, result.returncode, result.stderr)
        self.assertIn("нет связи с участником ufsin", result.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
