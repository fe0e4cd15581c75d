"""A report asked of a running server is the report of its journal, at any entry, whatever comes after it."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import daemon_test  # noqa: E402
from engine import Engine  # noqa: E402

CASE = "sup-2026-0003"
WORKER, GROUP, OFFICE = "provider-surgut", "wg-surgut", "uszn-surgut"


def event(sender, name, **data):
    return {"as": sender, "event": name, "case": CASE, "data": data}


class Report(unittest.TestCase):
    play_day = daemon_test.Daemon.play_day

    def setUp(self):
        self.engine = Engine((WORKER, GROUP, OFFICE)).start("--clock", "virtual", "--start", "2026-02-01")
        self.addCleanup(self.engine.close)
        self.play_day("2026-02-02", [event(WORKER, "application.received", kind="social-services", received_on="2026-02-02",
                                           municipality="surgut", surname="Неразглашаемов")])
        self.play_day("2026-02-03", [event(WORKER, "programme.drafted", need_established_on="2026-02-03")])
        self.play_day("2026-02-04", [event(WORKER, "draft.sent", sent_on="2026-02-04")])

    def ask(self, *words, code=0):
        result = self.engine.ask("report", *words, "--config", self.engine.config)
        self.assertEqual(code, result.returncode, result.stderr)
        return result.stdout

    def agenda(self, *words):
        return json.loads(self.ask("agenda", "--group", GROUP, "-o", "json", *words))

    def from_file(self, *words):
        journal = self.engine.export("journal")
        return self.engine.must("report", *words, "--config", self.engine.config, "--journal", journal)

    def test_a_day_is_the_same_from_the_server_and_from_its_journal(self):
        self.engine.advance("2026-02-20T09:00:00+05:00")
        for words in (("applications",), ("agenda", "--group", GROUP), ("quarterly", "--quarter", "2026-Q1")):
            asked = self.ask(*words, "--as-of", "2026-02-18")
            self.assertEqual(asked, self.from_file(*words, "--as-of", "2026-02-18"))
            self.assertNotIn("Неразглашаемов", asked)

    def test_an_entry_stays_what_it_was_when_more_has_come(self):
        entry = str(self.engine.rows("status")[0]["journal"])
        before = self.agenda("--as-of", entry)
        self.assertEqual([CASE], [row["case"] for row in before["sections"][0]["rows"]])
        self.assertEqual("2026-02-16", before["sections"][0]["rows"][0]["due"])
        self.play_day("2026-02-11", [event(GROUP, "section14.formed", formed_on="2026-02-11", measures=[
            {"id": "m1", "kind": "legal", "due": "2026-05-04"}])])
        self.assertEqual(before, self.agenda("--as-of", entry))
        self.assertEqual([], self.agenda()["sections"][0]["rows"])

    def test_what_is_not_yet_so_is_not_reported(self):
        self.ask("applications", "--as-of", "2026-12-31", code=5)
        self.ask("applications", "--as-of", "100000", code=3)
        today = self.ask("applications", "--as-of", "2026-02-04")
        self.assertIn("04.02.2026 12:00", today)
        self.assertEqual(today, self.ask("applications"))


if __name__ == "__main__":
    unittest.main()
