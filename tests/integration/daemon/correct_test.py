"""A clerk's mistake is taken back: shown before it is done, withdrawn from those who were told, rehearsed byte for byte."""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import daemon_test  # noqa: E402
from engine import BIN, Engine  # noqa: E402

CASE = "sup-2026-0002"
WORKER, GROUP, OFFICE, EXECUTOR = "provider-surgut", "wg-surgut", "uszn-surgut", "employment-surgut"


def event(sender, name, **data):
    return {"as": sender, "event": name, "case": CASE, "data": data}


class Correct(unittest.TestCase):
    play_day = daemon_test.Daemon.play_day
    assert_rehearsal_agrees = daemon_test.Daemon.assert_rehearsal_agrees

    def setUp(self):
        self.engine = Engine((WORKER, GROUP, OFFICE, EXECUTOR))
        self.addCleanup(self.engine.close)
        self.engine.must("keys", "generate", "--operator", "trusted", "--privacy", "--out", self.engine.hands,
                         "--register", self.engine.keys)
        self.engine.start("--clock", "virtual", "--start", "2026-02-01")
        self.play_day("2026-02-02", [event(WORKER, "application.received", kind="support", received_on="2026-02-02",
                                           municipality="surgut", surname="Неразглашаемов")])
        self.play_day("2026-02-03", [event(WORKER, "programme.drafted", need_established_on="2026-02-03")])
        self.play_day("2026-02-04", [event(WORKER, "draft.sent", sent_on="2026-02-04")])
        self.play_day("2026-02-09", [event(GROUP, "section14.formed", formed_on="2026-02-09", measures=[
            {"id": "m1", "kind": "employment", "due": "2026-05-04"}])])
        self.play_day("2026-02-11", [event(OFFICE, "programme.approved", approved_on="2026-02-11", term_months=6)])
        self.play_day("2026-02-12", [event(EXECUTOR, "referral.accepted", measure="m1", offer=1)])
        self.play_day("2026-02-20", [event(EXECUTOR, "referral.completed", measure="m1", result="employed")])
        self.engine.advance("2026-02-21T09:00:00+05:00")

    def difference(self, *words):
        return self.engine.rows("case", "correct", CASE, "--event", "referral.completed", "--dry-run", *words)

    def referral(self):
        return [row for row in self.engine.rows("case", "show", CASE) if row["type"] == "referral"][0]

    def person(self):
        shown = self.engine.ask("person", "show", CASE, "--reveal", "--reason", "проверка", "-o", "jsonl", name="trusted")
        self.assertEqual(0, shown.returncode, shown.stderr)
        return json.loads(shown.stdout)["person"]

    def annul(self, row, sender=EXECUTOR):
        return self.play_day("2026-02-21", [{"as": sender, "event": row["event"], "case": row["case"], "data": row["data"]}])[0]

    def test_the_difference_is_shown_and_nothing_is_done(self):
        before = self.engine.export("outcome").read_bytes()
        rows = self.difference()
        self.assertEqual("annulled", rows[0]["type"])
        self.assertEqual((EXECUTOR, "referral.completed"), (rows[0]["as"], rows[0]["event"]))
        statuses = {row["change"]: row["status"] for row in rows if row["type"] == "referral"}
        self.assertEqual({"-": "completed", "+": "accepted"}, statuses)
        deadlines = {(row["change"], row["state"]) for row in rows if row.get("id") == "measure:m1"}
        self.assertEqual({("-", "met"), ("+", "open")}, deadlines)
        sent = {(row["kind"], row["to"]) for row in rows if row["type"] == "delivery"}
        self.assertLessEqual({("offer", EXECUTOR), ("task-withdrawn", GROUP)}, sent)
        self.assertEqual("send", rows[-1]["type"])
        self.assertEqual(before, self.engine.export("outcome").read_bytes())
        text = self.engine.ask("case", "correct", CASE, "--event", "referral.completed", "--dry-run").stdout
        self.assertIn("было", text)
        self.assertNotIn("Неразглашаемов", text)

    def test_it_is_done_by_number_and_survives_a_kill_and_a_rehearsal(self):
        number = self.difference()[0]["sequence"]
        self.assertEqual("accepted", self.annul(self.difference("--sequence", number, "--sender", EXECUTOR)[-1])["state"])
        self.engine.kill()
        self.engine.start()
        self.assertEqual("accepted", self.referral()["status"])
        entries = {row["event"]: row for row in self.engine.rows("case", "timeline", CASE) if row["kind"] == "message"}
        self.assertEqual(entries["event.annulled"]["journal"], entries["referral.completed"]["annulled_by"])
        self.engine.advance("2026-02-24T09:00:00+05:00")
        self.play_day("2026-02-25", [event(EXECUTOR, "referral.completed", measure="m1", result="employed")])
        offers = [row for row in self.engine.deliveries() if row["kind"] == "offer" and row["to"] == EXECUTOR]
        self.assertEqual(2, len(offers))
        self.assertEqual("completed", self.referral()["status"])
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")

    def test_one_command_shows_the_difference_and_does_it(self):
        words = ("case", "correct", CASE, "--event", "referral.completed", "--from", EXECUTOR, "--link",
                 self.engine.exchange, "--endpoint", self.engine.query, "--keys", self.engine.hands, "--spool",
                 self.engine.folder / "spool.db", "--wait", 60)
        doing = subprocess.Popen([str(word) for word in (BIN / "kurator", *words)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, cwd=self.engine.folder)
        self.engine.advance("2026-02-21T12:00:00+05:00", EXECUTOR)
        out, err = doing.communicate(timeout=120)
        self.assertEqual(0, doing.returncode, err)
        self.assertIn("станет", out)
        self.assertIn("accepted", out)
        self.assertEqual("accepted", self.referral()["status"])
        self.assertEqual(2, self.engine.ask(*words[:5], "--dry-run", "--from", EXECUTOR).returncode)

    def test_the_person_is_as_the_other_messages_said(self):
        self.play_day("2026-02-21", [event(WORKER, "application.received", kind="support", received_on="2026-02-02",
                                           municipality="surgut", surname="Ошибкин", given_name="Лишний")])
        self.assertEqual("Ошибкин", self.person()["surname"])
        taken_back = self.play_day("2026-02-22", [event(WORKER, "event.annulled", event="application.received")])
        self.assertEqual("accepted", taken_back[0]["state"])
        self.assertEqual({"surname": "Неразглашаемов"}, self.person())

    def test_what_was_sent_to_an_account_is_taken_back(self):
        """The account goes by what other cases say and by its own messages: it is gone through again with both."""
        account = "report." + EXECUTOR
        self.annul(self.difference()[-1])
        report = {"as": EXECUTOR, "event": "report.submitted", "case": account, "data": {"period": "2026-02", "submitted_on": "2026-02-22"}}
        self.play_day("2026-02-22", [report])
        self.assertEqual(["met"], [row["state"] for row in self.engine.rows("deadline", "list", "--case", account)])
        taken_back = {"as": EXECUTOR, "event": "event.annulled", "case": account, "data": {"event": "report.submitted"}}
        self.assertEqual("accepted", self.play_day("2026-02-23", [taken_back])[0]["state"])
        self.assertEqual(["open"], [row["state"] for row in self.engine.rows("deadline", "list", "--case", account)])
        self.engine.kill()
        self.engine.start()
        self.engine.advance("2026-03-10")
        states = [row["state"] for row in self.engine.rows("deadline", "list", "--case", account)]
        self.assertIn("missed", states)
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")

    def test_an_account_forgets_what_was_taken_back_and_has_no_row_of_it(self):
        account = "report." + EXECUTOR
        rows = self.engine.rows("deadline", "list", "--case", account)
        self.annul(self.difference()[-1])
        self.play_day("2026-02-21", [event(EXECUTOR, "referral.completed", measure="m1", result="employed")])
        plain = [{name: row.get(name) for name in ("id", "from", "due", "state")} for row in rows]
        again = [{name: row.get(name) for name in ("id", "from", "due", "state")}
                 for row in self.engine.rows("deadline", "list", "--case", account)]
        self.assertEqual(plain, again)

    def test_what_began_a_case_is_taken_back_last_and_its_number_may_begin_anew(self):
        first = event(WORKER, "application.received", kind="support", received_on="2026-02-21", municipality="surgut", surname="Ошибкин")
        mistaken = {**first, "case": "sup-mistake"}
        taken_back = {**mistaken, "event": "event.annulled", "data": {"event": "application.received"}}
        self.play_day("2026-02-21", [mistaken])
        self.assertEqual("accepted", self.play_day("2026-02-22", [taken_back])[0]["state"])
        shown = self.engine.rows("case", "show", "sup-mistake")
        self.assertEqual([("ended", "annulled")], [(row["state"], row["ground"]) for row in shown if row["type"] == "case"])
        self.assertEqual([], self.engine.rows("deadline", "list", "--case", "sup-mistake"))
        bodies = [row for row in self.engine.deliveries() if "sup-mistake" in json.dumps(row)]
        count = {kind: len([row for row in bodies if row["kind"] == kind]) for kind in ("task", "task_withdrawn")}
        self.assertGreater(count["task"], 0)
        self.assertEqual(count["task"], count["task_withdrawn"])
        self.assertEqual("refused", self.play_day("2026-02-23", [{**mistaken, "event": "consent.given", "data": {}}])[0]["state"])
        self.assertEqual("accepted", self.play_day("2026-02-24", [mistaken])[0]["state"])
        self.assertEqual({"open"}, {row["state"] for row in self.engine.rows("case", "show", "sup-mistake") if row["type"] == "case"})
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")

    def test_who_may_not_and_what_cannot_be_is_refused_in_a_rehearsal_too(self):
        send = self.difference()[-1]
        self.assertEqual("refused", self.annul(send, GROUP)["state"])
        self.assertEqual("accepted", self.annul(send)["state"])
        first = {**send, "data": {"event": "application.received", "sequence": 1}}
        self.assertEqual("refused", self.annul(first, WORKER)["state"])
        for words, code in ((("--event", "referral.declined"), 3), (("--event", "application.received"), 4)):
            result = self.engine.ask("case", "correct", CASE, *words, "--dry-run")
            self.assertEqual(code, result.returncode, result.stderr)
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")


if __name__ == "__main__":
    unittest.main()
