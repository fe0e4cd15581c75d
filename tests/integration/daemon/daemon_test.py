"""kuratord keeps its promises as a process: nothing lost, nothing doubled, nobody let in who may not."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engine import BIN, ROOT, Engine, finish  # noqa: E402

EXAMPLES = ROOT / "config" / "processes" / "release" / "examples"
EXAMPLE_CASE = "86-2026-00001"


def example(name, case):
    """The input lines of an example, for a case of its own."""
    lines = (EXAMPLES / name).read_text().replace(EXAMPLE_CASE, case).splitlines()
    return [event for event in map(json.loads, lines) if "event" in event]


def notice(case, **more):
    data = {"notice_number": case, "edition": 1, "notice_date": "2024-01-10", "surname": "Неразглашаемов",
            "given_name": "Иван", "release_date": "2024-08-30", "municipality": "surgut", "needs": ["employment"]}
    return {"as": "ufsin", "event": "release.notice", "case": case, "data": {**data, **more}}


def by_day(events):
    days = {}
    for event in sorted(events, key=lambda event: event["at"]):
        days.setdefault(event["at"][:10], []).append(event)
    return sorted(days.items())


def senders(events):
    return sorted({event["as"] for event in events})


class Daemon(unittest.TestCase):
    participants = ("ufsin", "provider-surgut", "uszn-surgut", "wg-surgut", "employment-surgut",
                    "health-surgut")

    def setUp(self):
        self.engine = Engine(self.participants)
        self.addCleanup(self.engine.close)

    def configure(self, settings):
        self.engine.config = self.engine.folder / "config"
        shutil.copytree(ROOT / "config", self.engine.config)
        (self.engine.config / "kurator.yaml").write_text(settings + "\n")

    def play_day(self, day, events):
        self.engine.advance(day + "T12:00:00+05:00")
        sending = self.engine.submit(events)
        self.engine.advance(day + "T12:00:00+05:00", *senders(events))
        code, receipts, err = finish(sending)
        self.assertNotIn(code, (1, 2, 7), err)
        self.assertEqual(len(events), len(receipts))
        return receipts

    def assert_rehearsal_agrees(self, until):
        journal = self.engine.export("journal")
        outcome = self.engine.export("outcome")
        rehearsed = self.engine.rehearse(journal, until)
        self.assertGreater(outcome.stat().st_size, 0)
        self.assertEqual(rehearsed.read_text(), outcome.read_text())

    # ---- the same as a rehearsal ----

    def test_the_rehearsed_journal_gives_the_outcome_byte_for_byte(self):
        known = set(self.participants)
        events = []
        for number, path in enumerate(sorted(EXAMPLES.glob("*.jsonl"))):
            lines = example(path.name, "86-2026-%05d" % (number + 1))
            if set(senders(lines)) <= known and all(line["at"] < "2027" for line in lines):
                events += lines
            if len(events) > 60:
                break
        self.assertGreater(len(events), 20)
        self.engine.start()
        for day, lines in by_day(events):
            self.play_day(day, lines)
        self.engine.advance("2027-06-30")
        self.assert_rehearsal_agrees("2027-06-30")

    def test_kill_in_the_middle_loses_and_doubles_nothing(self):
        cases = ["86-2024-%05d" % number for number in range(1, 601)]
        self.configure("limits: {batch_messages: 10}")
        self.engine.start()
        sending = self.engine.submit([notice(case) for case in cases], wait=120)
        advancing = subprocess.Popen([str(word) for word in (
            BIN / "kurator", "clock", "advance", "--to", "2024-01-10T12:00:00+05:00", "--expect", "ufsin",
            "--endpoint", self.engine.query, "--keys", self.engine.hands)], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        # Killed as soon as the first receipt has left: the others are stored, in flight or still on their way.
        self.engine.wait_until(lambda: sending.receipts.stat().st_size > 0)
        self.engine.kill()
        self.assertLess(len(sending.receipts.read_text().splitlines()), len(cases))
        advancing.communicate(timeout=60)
        self.engine.start()
        self.engine.advance("2024-01-11T12:00:00+05:00", "ufsin")
        code, receipts, err = finish(sending)
        self.assertEqual(0, code, err)
        self.assertEqual(len(cases), len(receipts))
        self.assertLessEqual({row["state"] for row in receipts}, {"accepted", "duplicate"})
        self.assertEqual(cases, sorted(row["case"] for row in self.engine.rows("case", "list")))
        taken = [json.loads(line) for line in self.engine.export("journal").read_text().splitlines()]
        self.assertEqual(cases, sorted(line["case"] for line in taken))
        self.engine.advance("2025-12-31")
        self.assert_rehearsal_agrees("2025-12-31")

    def test_a_stop_keeps_what_had_a_receipt_and_ends_well(self):
        self.engine.start()
        self.play_day("2024-01-10", [notice("86-2024-00001")])
        before = self.engine.export("outcome").read_text()
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        self.engine.start()
        self.assertEqual(before, self.engine.export("outcome").read_text())
        self.assertEqual("2024-01-10T12:00:00+05:00", self.engine.rows("clock", "show")[0]["now"])
        self.assertEqual(0, self.engine.stop(), self.engine.told())

    # ---- who may do what ----

    def test_a_key_that_nobody_registered_is_not_let_in(self):
        self.engine.start()
        self.engine.must("keys", "generate", "--participant", "stranger", "--out", self.engine.hands)
        shutil.copy(self.engine.hands / "stranger", self.engine.hands / "provider-megion")
        code, receipts, _ = finish(self.engine.submit([{**notice("86-2024-00001"), "as": "provider-megion"}], wait=3))
        self.assertEqual((7, []), (code, receipts))
        self.assertEqual(5, self.engine.ask("case", "list", name="stranger").returncode)
        self.assertEqual([], self.engine.rows("case", "list"))
        self.assertGreater(self.engine.rows("status")[0]["connections_refused"], 0)

    def test_a_key_speaks_for_its_own_participant_only(self):
        self.engine.start()
        os.remove(self.engine.hands / "ufsin")
        shutil.copy(self.engine.hands / "health-surgut", self.engine.hands / "ufsin")
        code, receipts, err = finish(self.engine.submit([notice("86-2024-00001")], wait=3))
        self.assertEqual((7, []), (code, receipts))
        self.assertIn("от имени участника", err)
        self.engine.advance("2024-01-31")
        self.assertEqual([], self.engine.rows("case", "list"))

    def test_a_message_of_one_who_may_not_send_it_is_refused(self):
        self.engine.start()
        receipts = self.play_day("2024-01-10", [{**notice("86-2024-00001"), "as": "health-surgut"}])
        self.assertEqual("refused", receipts[0]["state"])
        self.assertEqual("FORBIDDEN", receipts[0]["code"])
        self.assertEqual([], self.engine.rows("case", "list"))

    def test_an_agent_may_ask_but_not_act(self):
        self.engine.start()
        self.assertEqual(0, self.engine.ask("status", name="reader").returncode)
        refused = self.engine.ask("clock", "advance", "--to", "2024-02-01", name="reader")
        self.assertEqual(5, refused.returncode)
        self.assertEqual("2024-01-01T00:00:00+05:00", self.engine.rows("clock", "show")[0]["now"])

    # ---- what is told ----

    def test_lists_are_sorted_and_a_case_explains_its_deadlines(self):
        self.engine.start()
        self.play_day("2024-01-10", [notice("86-2024-0000%d" % n, release_date="2024-0%d-30" % (9 - n))
                                     for n in (1, 2, 3)])
        deadlines = self.engine.rows("deadline", "list")
        self.assertGreater(len(deadlines), 3)
        self.assertEqual(sorted(row["due"] for row in deadlines), [row["due"] for row in deadlines])
        rows = self.engine.rows("case", "show", "86-2024-00002")
        self.assertEqual("case", rows[0]["type"])
        explained = [row for row in rows if row["type"] == "deadline"]
        self.assertTrue(explained)
        self.assertTrue(all(row["explanation"] for row in explained))
        table = self.engine.ask("case", "show", "86-2024-00002").stdout
        self.assertIn("Почему такие сроки", table)
        self.assertRegex(table, r"\d\d\.\d\d\.2024")
        timeline = self.engine.rows("case", "timeline", "86-2024-00002")
        self.assertEqual("release.notice", timeline[0]["event"])

    def test_what_is_not_there_is_not_found(self):
        self.engine.start()
        self.assertEqual(3, self.engine.ask("case", "show", "86-2024-99999").returncode)
        self.assertEqual(3, self.engine.ask("incident", "resolve", "86-2024-99999", "7").returncode)

    def test_a_link_gets_the_names_that_its_agency_may_see(self):
        self.engine.start()
        self.play_day("2024-01-10", [notice("86-2024-00001")])
        sent = {"as": "provider-surgut", "event": "consultation.held", "case": "86-2024-00001",
                "data": {"held_on": "2024-01-11"}}
        self.play_day("2024-01-11", [sent])
        tasks = [row for row in self.engine.deliveries() if row["kind"] == "task" and row["to"] == "provider-surgut"]
        self.assertTrue(tasks)
        self.assertEqual("Неразглашаемов", tasks[0]["body"]["data"]["person"]["surname"])

    def test_a_small_inbox_only_makes_it_slower(self):
        self.configure("limits: {inbox_messages: 50, inbox_share: 40, batch_messages: 7, timer_slice: 3,\n"
                       "         envelope_messages: 9, deliveries_window: 5, query_rows: 11}")
        cases = ["86-2024-%05d" % number for number in range(1, 151)]
        self.engine.start()
        self.play_day("2024-01-10", [notice(case) for case in cases])
        self.assertEqual(cases, sorted(row["case"] for row in self.engine.rows("case", "list")))
        self.engine.advance("2024-12-31")
        self.assert_rehearsal_agrees("2024-12-31")

    def test_watch_follows_the_journal_until_it_is_stopped(self):
        self.engine.start("--clock", "system")
        watching = subprocess.Popen([str(word) for word in (
            BIN / "kurator", "watch", "-o", "jsonl", "--endpoint", self.engine.query, "--keys", self.engine.hands)],
            stdout=subprocess.PIPE, text=True)
        finish(self.engine.submit([notice("86-2024-00001")], wait=30))
        entry = json.loads(watching.stdout.readline())
        watching.send_signal(signal.SIGINT)
        rest, _ = watching.communicate(timeout=30)
        self.assertEqual((0, 1, "release.notice"), (watching.returncode, entry["journal"], entry["event"]), rest)

    def test_a_key_that_was_taken_back_is_worth_nothing_after_a_hangup(self):
        self.engine.start("--clock", "system")
        code, _, err = finish(self.engine.submit([notice("86-2024-00001")], wait=30))
        self.assertEqual(0, code, err)
        os.remove(self.engine.keys / "participants" / "ufsin.pub")
        self.engine.process.send_signal(signal.SIGHUP)
        self.engine.wait_until(lambda: "keys read again" in self.engine.told())
        code, receipts, _ = finish(self.engine.submit([notice("86-2024-00002")], wait=3))
        self.assertEqual((7, []), (code, receipts))
        self.assertEqual(["86-2024-00001"], [row["case"] for row in self.engine.rows("case", "list")])

    def test_an_incident_is_listed_and_resolved_once(self):
        self.engine.start()
        self.play_day("2024-01-10", [{"as": "provider-surgut", "event": "visit.done", "case": "86-2024-00009",
                                      "data": {"phase": "before", "visited_on": "2024-01-09"}}])
        incidents = self.engine.rows("incident", "list")
        self.assertEqual(1, len(incidents))
        words = ("86-2024-00009", str(incidents[0]["incident"]))
        self.assertEqual(0, self.engine.ask("incident", "resolve", *words).returncode)
        self.engine.advance("2024-01-11")
        self.assertEqual(4, self.engine.ask("incident", "resolve", *words).returncode)
        self.assertEqual([], self.engine.rows("incident", "list"))
        self.assertEqual("operator", self.engine.rows("incident", "list", "--all")[0]["resolved_by"])

    def test_a_refused_message_is_not_tried_again_but_resolved(self):
        self.engine.start()
        self.play_day("2024-01-10", [notice("86-2024-00001", surname=None)])
        incident, = self.engine.rows("incident", "list")
        self.assertEqual("refused", incident["reason"])
        words = ("86-2024-00001", str(incident["incident"]))
        retried = self.engine.ask("incident", "retry", *words)
        self.assertEqual(4, retried.returncode)
        command = "kurator incident resolve " + " ".join(words)
        self.assertIn(command, retried.stderr)
        self.assertEqual(0, self.engine.ask(*command.split()[1:]).returncode)
        self.engine.advance("2024-01-11")
        self.assertEqual([], self.engine.rows("incident", "list"))

    def test_the_clock_waits_for_an_expected_link_that_exists(self):
        self.engine.start()
        self.assertEqual(3, self.engine.ask("clock", "advance", "--to", "2024-02-01", "--expect", "nobody").returncode)
        advancing = subprocess.Popen([str(word) for word in (
            BIN / "kurator", "clock", "advance", "--to", "2024-02-01", "--expect", "ufsin",
            "--endpoint", self.engine.query, "--keys", self.engine.hands)], stdout=subprocess.PIPE)
        self.engine.wait_until(lambda: "target" in self.engine.rows("clock", "show")[0])
        self.assertEqual("2024-01-01T00:00:00+05:00", self.engine.rows("clock", "show")[0]["now"])
        code, receipts, err = finish(self.engine.submit([notice("86-2024-00001")]))
        self.assertEqual((0, "accepted"), (code, receipts[0]["state"]), err)
        advancing.communicate(timeout=30)
        self.assertEqual(0, advancing.returncode)

    def test_names_leave_neither_in_an_export_nor_in_the_database(self):
        self.engine.start()
        self.play_day("2024-01-10", [notice("86-2024-00001")])
        secret = "Неразглашаемов"
        self.assertNotIn(secret, self.engine.export("journal").read_text())
        self.assertNotIn(secret, json.dumps(self.engine.rows("case", "show", "86-2024-00001"), ensure_ascii=False))
        self.assertNotIn(secret, self.engine.told())
        stored = [path for path in (self.engine.folder / "data").rglob("*") if path.is_file()]
        self.assertTrue(stored)
        for path in stored:
            self.assertFalse(secret.encode() in path.read_bytes(), path)

    def test_the_clock_does_not_run_backwards(self):
        self.engine.start()
        self.engine.advance("2024-02-01")
        result = self.engine.ask("clock", "advance", "--to", "2024-01-15")
        self.assertEqual(5, result.returncode)

    def test_on_the_system_clock_a_receipt_comes_by_itself(self):
        self.engine.start("--clock", "system")
        code, receipts, err = finish(self.engine.submit([notice("86-2024-00001")], wait=30))
        self.assertEqual(0, code, err)
        self.assertEqual("accepted", receipts[0]["state"])
        self.assertEqual(5, self.engine.ask("clock", "advance", "--to", "2030-01-01").returncode)
        self.assertEqual(0, self.engine.stop(), self.engine.told())

    # ---- a beginning that fails ----

    def begin(self, *words):
        return subprocess.run([str(word) for word in self.engine.arguments(*words)], capture_output=True, text=True,
                              timeout=60, check=False)

    def test_a_wrong_configuration_is_told_with_file_and_line(self):
        self.engine.config = self.engine.folder / "config"
        shutil.copytree(ROOT / "config", self.engine.config)
        with open(self.engine.config / "routing.yaml", "a", encoding="utf-8") as file:
            file.write("surprise: 1\n")
        result = self.begin()
        self.assertEqual(5, result.returncode)
        self.assertRegex(result.stderr, r"routing\.yaml:\d+:")
        checked = self.engine.run("config", "check", "--config", self.engine.config)
        self.assertEqual(5, checked.returncode)
        self.assertRegex(checked.stderr, r"routing\.yaml:\d+:")

    def test_a_wrong_word_is_usage_and_missing_keys_are_named(self):
        self.assertEqual(2, self.begin("--clock", "sundial").returncode)
        os.remove(self.engine.keys / "master")
        result = self.begin()
        self.assertEqual(5, result.returncode)
        self.assertIn("master", result.stderr)

    def test_a_second_daemon_on_the_same_data_does_not_start(self):
        self.engine.start()
        result = self.begin("--endpoint", "ipc://%s" % (self.engine.folder / "other.sock"))
        self.assertEqual(1, result.returncode)
        self.assertEqual(0, self.engine.ask("status").returncode)

    def test_nobody_there_is_unreachable(self):
        result = self.engine.ask("status", "--timeout", "1")
        self.assertEqual(7, result.returncode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
