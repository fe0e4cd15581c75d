"""Two years of deadlines that fall due at one instant, messages among them, and kill -9 in the middle.

The cases are made on a virtual clock of 2024 and then served on the system's: all that has fallen due since is overdue.
"""

import datetime as dt
import json
import pathlib
import shutil
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import notice  # noqa: E402
from engine import ROOT, Engine, finish  # noqa: E402

CASES = ["86-2024-%05d" % number for number in range(1, 301)]
SLICE = 1


def held(case):
    """Taken by a case that runs, refused by one that its timers have ended."""
    return {"as": "provider-surgut", "event": "consultation.held", "case": case,
            "data": {"held_on": "2024-02-01", "form": "online"}}


class Burst(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin", "provider-surgut"))
        self.addCleanup(self.engine.close)
        self.configure()
        self.engine.start("--clock", "virtual", "--start", "2024-01-10")
        sending = self.engine.submit([notice(case, consent=True) for case in CASES])
        self.engine.advance("2024-01-10T12:00:00+05:00", "ufsin")
        code, _, err = finish(sending)
        self.assertEqual(0, code, err)
        self.assertEqual(0, self.engine.stop())

    def configure(self):
        config = self.engine.folder / "config"
        shutil.copytree(ROOT / "config", config)
        file = config / "kurator.yaml"
        lines = file.read_text(encoding="utf-8").splitlines()
        lines = ["  timer_slice: %d" % SLICE if line.strip().startswith("timer_slice:") else line for line in lines]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.engine.config = config

    def serve(self):
        return self.engine.start("--clock", "system")

    def timers(self):
        return self.engine.rows("status")[0]["timers"]

    def journal(self):
        return self.engine.rows("status")[0]["journal"]

    def settle(self):
        """Until no timer is overdue: the engine has had nothing to do for a second."""
        seen, since = -1, time.monotonic()
        deadline = since + 120
        while time.monotonic() - since < 1:
            self.assertLess(time.monotonic(), deadline, self.engine.told())
            now = self.timers()
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.1)

    def assert_rehearsed(self):
        outcome = self.engine.export("outcome").read_bytes()
        rehearsed = self.engine.rehearse(self.engine.export("journal"), dt.date.today())
        self.assertEqual(outcome.splitlines(), rehearsed.read_bytes().splitlines())

    def test_kill_9_among_overdue_timers_loses_none_and_repeats_none(self):
        untouched = self.engine.folder / "untouched"
        shutil.copytree(self.engine.folder / "data", untouched)
        self.serve()
        self.settle()
        entries = self.journal()
        self.assertGreater(entries, 4 * len(CASES))
        outcome = self.engine.export("outcome").read_bytes()
        self.engine.stop()
        shutil.rmtree(self.engine.folder / "data")
        untouched.rename(self.engine.folder / "data")
        seen = []
        for _ in range(3):
            self.serve()
            self.engine.wait_until(lambda: self.timers() >= 10 or self.journal() == entries)
            seen.append(self.journal())
            self.engine.kill()
        self.assertLess(seen[0], entries)  # in the middle
        self.serve()
        self.settle()
        self.assertEqual(entries, self.journal())
        self.assertEqual(outcome, self.engine.export("outcome").read_bytes())
        self.assert_rehearsed()

    def test_messages_overtake_the_timers_of_others_and_a_rehearsal_follows(self):
        self.serve()
        sending = self.engine.submit([held(case) for case in reversed(CASES)] * 2)
        self.engine.wait_until(lambda: self.timers() >= 10)
        for _ in range(2):
            self.engine.kill()
            self.serve()
            time.sleep(0.2)
        self.engine.kill()
        self.serve()
        _, receipts, err = finish(sending)
        self.assertEqual(2 * len(CASES), len(receipts), err)
        self.settle()
        lines = [json.loads(line) for line in self.engine.export("journal").read_text().splitlines()]
        self.assertGreater(sum("timers" in line for line in lines), 10)
        self.assertEqual(2 * len(CASES), sum(line.get("as") == "provider-surgut" for line in lines))
        self.assert_rehearsed()


if __name__ == "__main__":
    unittest.main()
