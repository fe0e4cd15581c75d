"""Who sees or erases a person stands in the journal, and the journal can be proved without the engine."""

import json
import pathlib
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engine import Engine, finish  # noqa: E402

CASE = "86-2024-00001"
SECRETS = {"surname": "Неразглашаемов", "given_name": "Тайнослав", "birth_date": "1981-02-03",
           "institution": "Колония-Неведомая", "address": "улица Скрытая, 7"}
REASON = "запрос прокуратуры 7-15"


def notice(case=CASE, **changes):
    data = {"notice_number": "1", "edition": 1, "notice_date": "2024-01-10", "release_date": "2024-08-30",
            "municipality": "surgut", "needs": ["employment"], **SECRETS, **changes}
    return {"as": "ufsin", "event": "release.notice", "case": case, "data": data}


class Persons(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin", "provider-surgut"))
        self.addCleanup(self.engine.close)
        self.engine.must("keys", "generate", "--operator", "trusted", "--privacy", "--out", self.engine.hands,
                         "--register", self.engine.keys)
        self.engine.start()

    def play(self, day, events):
        self.engine.advance(day + "T12:00:00+05:00")
        sending = self.engine.submit(events)
        self.engine.advance(day + "T12:00:00+05:00", *sorted({event["as"] for event in events}))
        _, receipts, err = finish(sending)
        self.assertEqual(len(events), len(receipts), err)
        return receipts

    def trusted(self, *words):
        return self.engine.ask(*words, "-o", "jsonl", name="trusted")

    def reveal(self, name="trusted"):
        return self.engine.ask("person", "show", CASE, "--reveal", "--reason", REASON, "-o", "jsonl", name=name)

    def erase(self, *more):
        return self.trusted("person", "erase", CASE, "--reason", "срок хранения истёк", *more)

    def audits(self):
        return [row for row in self.engine.rows("case", "timeline", CASE) if row["kind"] == "audit"]

    def verify(self, *words):
        return self.engine.run("audit", "verify", "--keys", self.engine.keys / "server.pub", *words)

    # ---- seeing ----

    def test_who_has_the_right_sees_whom_the_class_reveals_and_stands_in_the_journal(self):
        self.play("2024-01-10", [notice()])
        result = self.reveal()
        self.assertEqual(0, result.returncode, result.stderr)
        person = json.loads(result.stdout)["person"]
        self.assertEqual({"surname", "given_name", "birth_date"}, set(person))
        self.assertEqual(SECRETS["surname"], person["surname"])
        entry, = self.audits()
        self.assertEqual(("trusted", "person.reveal", CASE, REASON),
                         (entry["sender"], entry["event"], entry["case"], entry["text"]))
        self.assertEqual("2024-01-10T12:00:00+05:00", entry["at"])
        for secret in SECRETS.values():
            self.assertNotIn(secret, json.dumps(entry, ensure_ascii=False))
            self.assertNotIn(secret, self.engine.told())

    def test_control_characters_of_a_name_do_not_reach_the_terminal(self):
        self.play("2024-01-10", [notice(surname="Неразглашаемов\x1b[2J\u009b\n")])
        shown = self.engine.ask("person", "show", CASE, "--reveal", "--reason", REASON, name="trusted").stdout
        self.assertIn("Фамилия: Неразглашаемов [2J  \n", shown)
        self.assertNotRegex(shown, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_an_operator_without_the_right_and_an_agent_see_nothing_and_leave_no_entry(self):
        self.play("2024-01-10", [notice()])
        for name in ("operator", "reader"):
            self.assertEqual(5, self.reveal(name).returncode)
        self.assertEqual([], self.audits())

    def test_without_reveal_only_the_state_is_told(self):
        self.play("2024-01-10", [notice()])
        row = json.loads(self.engine.ask("person", "show", CASE, "-o", "jsonl").stdout)
        self.assertEqual({"case": CASE, "state": "sealed"}, row)
        self.assertEqual([], self.audits())

    def test_a_reason_is_needed_and_may_not_name_the_person(self):
        self.play("2024-01-10", [notice()])
        self.assertEqual(2, self.trusted("person", "show", CASE, "--reveal").returncode)
        for reason in ("", "   ", "звонил " + SECRETS["surname"]):
            result = self.trusted("person", "show", CASE, "--reveal", "--reason", reason)
            self.assertEqual((5, ""), (result.returncode, result.stdout), reason)
        self.assertEqual(3, self.trusted("person", "show", "86-2024-99999", "--reveal", "--reason", REASON).returncode)
        self.assertEqual([], self.audits())

    # ---- erasing ----

    def test_an_erased_person_is_gone_and_the_chain_still_holds(self):
        self.play("2024-01-10", [notice()])
        self.assertEqual(2, self.erase().returncode)  # not confirmed
        result = self.erase("--yes")
        self.assertEqual(0, result.returncode, result.stderr)
        entry, = self.audits()
        self.assertEqual(("person.erase", json.loads(result.stdout)["journal"]), (entry["event"], entry["journal"]))
        self.engine.kill()  # answered means durable
        self.engine.start()
        row = json.loads(self.trusted("person", "show", CASE).stdout)
        self.assertEqual({"case": CASE, "state": "erased", "erased_in": entry["journal"]}, row)
        self.assertEqual(4, self.reveal().returncode)
        again = self.erase("--yes")
        self.assertEqual(4, again.returncode)
        self.assertIn("уже стёрты, запись журнала %d" % entry["journal"], again.stderr)
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        result = self.verify("--data", self.engine.folder / "data")
        self.assertEqual(0, result.returncode, result.stdout)

    def test_what_waits_in_a_stream_shows_the_name_no_more(self):
        """The task is in the provider's stream before its link comes for the first time."""
        self.play("2024-01-10", [notice(), notice("86-2024-00002", birth_date="1990-04-05")])
        self.assertEqual(0, self.erase("--yes").returncode)
        self.play("2024-01-11", [{"as": "provider-surgut", "event": "consultation.held", "case": "86-2024-00002",
                                  "data": {"held_on": "2024-01-11"}}])
        bodies = [row["body"] for row in self.engine.deliveries() if row["to"] == "provider-surgut"]
        self.assertEqual({CASE, "86-2024-00002"}, {body["case_id"] for body in bodies})
        named = [body for body in bodies if "person" in body.get("data", {})]
        self.assertEqual({"86-2024-00002"}, {body["case_id"] for body in named})
        self.assertEqual({SECRETS["surname"]}, {body["data"]["person"]["surname"] for body in named})

    def test_acts_change_nothing_in_a_rehearsal(self):
        self.play("2024-01-10", [notice()])
        self.assertEqual(0, self.reveal().returncode)
        self.assertEqual(0, self.erase("--yes").returncode)
        self.engine.advance("2025-06-30")
        journal, outcome = self.engine.export("journal"), self.engine.export("outcome")
        self.assertNotIn("person.", journal.read_text())
        self.assertEqual(outcome.read_text(), self.engine.rehearse(journal, "2025-06-30").read_text())

    def test_on_the_system_clock_it_is_the_same(self):
        self.assertEqual(0, self.engine.stop())
        shutil.rmtree(self.engine.folder / "data")
        self.engine.start("--clock", "system")
        finish(self.engine.submit([notice()], wait=30))
        self.assertEqual(0, self.reveal().returncode)
        self.assertEqual(0, self.erase("--yes").returncode)
        self.assertEqual(["person.reveal", "person.erase"], [row["event"] for row in self.audits()])
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        self.assertEqual(0, self.verify("--data", self.engine.folder / "data").returncode)

    # ---- the proof of the journal ----

    def fill(self):
        self.play("2024-01-10", [notice("86-2024-%05d" % number) for number in range(1, 41)])
        self.engine.advance("2024-09-30")

    def test_a_stopped_engine_leaves_a_journal_that_is_signed_to_its_end(self):
        self.fill()
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        result = self.verify("--data", self.engine.folder / "data")
        self.assertEqual(0, result.returncode, result.stdout)
        self.assertIn("Записей после последней подписи: 0", result.stdout)
        self.engine.must("keys", "generate", "--operator", "thief", "--out", self.engine.hands)
        foreign = self.engine.run("audit", "verify", "--keys", self.engine.hands / "thief.pub", "--data",
                                  self.engine.folder / "data")
        self.assertEqual(5, foreign.returncode)
        self.assertIn("не проверяется ни одним", foreign.stdout)

    def test_an_export_is_checked_offline_and_a_changed_one_names_the_entry(self):
        self.fill()
        path = self.engine.folder / "audit.jsonl"
        self.assertEqual(0, self.engine.ask("audit", "export", "--out", path).returncode)
        text = path.read_text()
        self.assertNotIn(CASE, text)
        result = self.verify("--file", path)
        self.assertEqual(0, result.returncode, result.stdout)
        self.assertGreater(len(text.splitlines()), 41)
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if json.loads(line)["type"] == "link"
                  and json.loads(line)["journal"] == 17)
        changed = dict(json.loads(lines[at]), link="0" * 64)
        path.write_text("\n".join(lines[:at] + [json.dumps(changed)] + lines[at + 1:]))
        result = self.verify("--file", path)
        self.assertEqual(5, result.returncode)
        self.assertIn("запись 17:", result.stdout)
        path.write_text("\n".join(lines[:at] + lines[at + 1:]))
        self.assertIn("запись 17:", self.verify("--file", path).stdout)
        path.write_text("\n".join(lines[:-1]))
        self.assertEqual(5, self.verify("--file", path).returncode)

    def test_one_message_is_proved_without_the_others(self):
        self.fill()
        path = self.engine.folder / "proof.jsonl"
        self.assertEqual(0, self.engine.ask("audit", "proof", "12", "--out", path).returncode)
        check = ("audit", "check-proof", path, "--keys", self.engine.keys / "server.pub")
        result = self.engine.run(*check)
        self.assertEqual(0, result.returncode, result.stdout)
        self.assertIn("Запись 12,", result.stdout)
        self.assertEqual(1, path.read_text().count('"digest"'))
        other = self.engine.folder / "other.bin"
        other.write_bytes(b"another message")
        self.assertEqual(5, self.engine.run(*check, "--message", other).returncode)
        path.write_text(path.read_text().replace('"recorded_at_ms":17', '"recorded_at_ms":18', 1))
        self.assertEqual(5, self.engine.run(*check).returncode)
        self.assertEqual(3, self.engine.ask("audit", "proof", "100000").returncode)


if __name__ == "__main__":
    unittest.main(verbosity=2)
