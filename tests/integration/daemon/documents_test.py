"""The documents of a case: states and editions, each executor's own extract, and who may see which."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engine import Engine, finish  # noqa: E402

CASE = "sup-2024-0001"
REASON = "проверка дела 3-18"
PEOPLE = ("provider-surgut", "wg-surgut", "uszn-surgut", "employment-surgut", "ip-orlova", "ngo-opora")


def event(who, name, data):
    return {"as": who, "event": name, "case": CASE, "data": data}


APPLICATION = event("provider-surgut", "application.received", {
    "kind": "social-services", "received_on": "2024-02-02", "municipality": "surgut", "surname": "Неразглашаемов",
    "address": "улица Скрытая, 7"})
DRAFT = event("provider-surgut", "programme.drafted", {"need_established_on": "2024-02-05"})
SENT = event("provider-surgut", "draft.sent", {"sent_on": "2024-02-06", "number": "17"})
SECTION14 = event("wg-surgut", "section14.formed", {"formed_on": "2024-02-07", "measures": [
    {"id": "m1", "kind": "employment", "due": "2024-07-01", "title": "Подбор работы", "note": "тайная пометка"},
    {"id": "m2", "kind": "legal", "due": "2024-07-01", "title": "Юридическая консультация"}]})
CHANGED = event("wg-surgut", "section14.formed", {"formed_on": "2024-02-12", "sitting_on": "2024-02-11", "minutes_number": "77-тайный",
                                                 "measures": [
    {"id": "m1", "kind": "employment", "due": "2024-07-20", "title": "Подбор работы"},
    {"id": "m2", "kind": "legal", "due": "2024-07-01", "title": "Юридическая консультация"}]})
APPROVED = event("uszn-surgut", "programme.approved", {"approved_on": "2024-02-09", "number": "41", "term_months": 6})
CURATOR = event("provider-surgut", "curator.appointed", {"appointed_on": "2024-02-09", "number": "9", "curator": "Кураторова"})


class Documents(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(PEOPLE)
        self.addCleanup(self.engine.close)
        self.engine.must("keys", "generate", "--operator", "trusted", "--privacy", "--out", self.engine.hands,
                         "--register", self.engine.keys)
        self.engine.start()

    def play(self, day, *events):
        self.engine.advance(day + "T12:00:00+05:00")
        sending = self.engine.submit(list(events))
        self.engine.advance(day + "T12:00:00+05:00", *sorted({item["as"] for item in events}))
        _, receipts, err = finish(sending)
        self.assertEqual(["accepted"] * len(events), [receipt.get("state") for receipt in receipts], "%s %s" % (receipts, err))

    def approve(self):
        self.play("2024-02-02", APPLICATION)
        self.play("2024-02-05", DRAFT)
        self.play("2024-02-06", SENT)
        self.play("2024-02-07", SECTION14)
        self.play("2024-02-09", APPROVED, CURATOR)

    def register(self):
        """{(kind, to, edition): (state, superseded)}"""
        rows = [row for row in self.engine.rows("case", "show", CASE) if row["type"] == "document"]
        return {(row["kind"], row.get("to"), row["edition"]): (row["state"], row.get("superseded", False)) for row in rows}

    def document(self, *words, name="operator"):
        return self.engine.ask("case", "document", CASE, *words, "-o", "jsonl", name=name)

    def rows(self, *words, name="operator"):
        result = self.document(*words, name=name)
        self.assertEqual(0, result.returncode, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    # ---- the register ----

    def test_each_document_stands_in_the_case_with_its_state_and_edition(self):
        self.approve()
        self.assertEqual({
            ("application", None, 1): ("received", False), ("draft", None, 1): ("approved", False),
            ("section14", None, 1): ("approved", False), ("programme", None, 1): ("approved", False),
            ("curator-order", None, 1): ("signed", False),
            ("extract", "employment-surgut", 1): ("sent", False), ("extract", "ip-orlova", 1): ("sent", False),
        }, self.register())

    def test_a_changed_measure_gives_a_new_extract_to_its_executor_alone_and_tells_it(self):
        self.approve()
        self.play("2024-02-12", CHANGED)
        register = self.register()
        self.assertEqual(("sent", True), register["extract", "employment-surgut", 1])
        self.assertEqual(("sent", False), register["extract", "employment-surgut", 2])
        self.assertEqual(("sent", False), register["extract", "ip-orlova", 1])
        self.assertNotIn(("extract", "ip-orlova", 2), register)
        first = self.rows("extract", "--to", "employment-surgut", "--edition", "1")
        second = self.rows("extract", "--for", "employment-surgut")
        self.assertEqual([["2024-07-01"], ["2024-07-20"]],
                         [[row["due"] for row in rows if row["type"] == "measure"] for rows in (first, second)])

    def test_an_annulled_event_takes_its_documents_with_it(self):
        self.approve()
        self.play("2024-02-12", event("uszn-surgut", "event.annulled", {"event": "programme.approved"}))
        self.assertEqual({("application", None, 1): ("received", False), ("draft", None, 1): ("considered", False),
                          ("section14", None, 1): ("formed", False), ("curator-order", None, 1): ("signed", False)},
                         self.register())
        self.assertEqual("2024-02-07", self.rows("section14")[1]["value"], "its entry of the journal is still found")

    def test_a_restart_and_a_rehearsal_agree_on_the_register(self):
        self.approve()
        self.play("2024-02-12", CHANGED)
        before = self.register()
        self.engine.stop()
        self.engine.start()
        self.assertEqual(before, self.register())
        self.engine.advance("2024-02-13")
        journal, outcome = self.engine.export("journal"), self.engine.export("outcome")
        again = self.engine.rehearse(journal, "2024-02-13")
        self.assertEqual(outcome.read_bytes(), again.read_bytes())
        self.assertIn(b'"type":"document"', again.read_bytes())

    # ---- one document ----

    def test_a_programme_shows_its_section_14_with_executor_term_and_result(self):
        self.approve()
        rows = self.rows("programme")
        self.assertEqual(["Индивидуальная программа", "утверждён", "002 п. 4.4"],
                         [rows[0][name] for name in ("title", "state_title", "basis")])
        fields = {row["title"]: row.get("text") for row in rows if row["type"] == "field" and "part" not in row}
        self.assertEqual({"Дата утверждения": "2024-02-09", "Номер": "41", "Срок сопровождения, месяцев": "6"}, fields)
        measures = [row for row in rows if row["type"] == "measure"]
        self.assertEqual(["programme"] * 2, [row["part"] for row in measures])
        self.assertEqual([("m1", "трудоустройство", "2024-07-01", "employment-surgut", "направлено"),
                          ("m2", "юридическая", "2024-07-01", "ip-orlova", "направлено")],
                         [tuple(row[name] for name in ("measure", "kind_title", "due", "to", "status_title")) for row in measures])

    def test_people_read_it_in_russian(self):
        self.approve()
        shown = self.engine.ask("case", "show", CASE).stdout
        self.assertIn("Приказ о назначении специалиста-куратора", shown)
        printed = self.engine.ask("case", "document", CASE, "programme").stdout
        for words in ("Индивидуальная программа, редакция 1", "Состояние: утверждён, 09.02.2024", "Дата утверждения: 09.02.2024",
                      "Раздел 14: мероприятия по социальному сопровождению", "Подбор работы", "01.07.2024"):
            self.assertIn(words, printed)

    def test_control_characters_do_not_reach_the_terminal(self):
        self.approve()
        self.play("2024-02-13", event("provider-surgut", "conclusion.issued", {"number": "5\x1b[2J\u009b2J\x07"}))
        printed = self.engine.ask("case", "document", CASE, "conclusion").stdout
        self.assertRegex(printed, r": 5 \[2J 2J \n")
        self.assertNotRegex(printed, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def test_a_field_that_the_form_needs_and_nobody_filled_is_named(self):
        self.approve()
        missing = [row["name"] for row in self.rows("curator-order") if row.get("missing")]
        self.assertEqual([], missing)
        self.play("2024-02-13", event("provider-surgut", "conclusion.issued", {"number": "5"}))
        self.assertEqual(["issued_on"], [row["name"] for row in self.rows("conclusion") if row.get("missing")])

    def test_what_is_not_there_is_said(self):
        self.approve()
        for words, code in ((("contract",), 4), (("no-such-kind",), 4), (("programme", "--edition", "2"), 4)):
            result = self.document(*words)
            self.assertNotEqual(0, result.returncode, words)
            self.assertRegex(result.stderr, "нет")

    def test_a_question_with_words_that_are_too_long_is_refused(self):
        for size in (479, 480, 481, 500, 30_000):
            result = self.engine.ask("case", "document", "x" * size, "act", "-o", "jsonl", name="operator")
            self.assertNotEqual(0, result.returncode, size)
        self.assertEqual([], [row for row in self.engine.rows("case", "list")])

    def test_of_several_extracts_one_is_to_be_named(self):
        self.approve()
        self.assertRegex(self.document("extract").stderr, "назовите исполнителя")

    # ---- rights ----

    def test_an_executor_sees_its_own_extract_and_nothing_of_where_it_comes_from(self):
        self.approve()
        for who, kind in (("employment-surgut", "Подбор работы"), ("ip-orlova", "Юридическая консультация")):
            self.assert_own_extract(who, 1, kind)
            for other in ("programme", "section14", "draft", "application", "curator-order"):
                self.assertRegex(self.document(other, "--for", who).stderr, "не показывается", other)
        self.assertRegex(self.document("extract", "--to", "ip-orlova", "--for", "employment-surgut").stderr, "не показывается")

    def test_a_later_edition_of_an_extract_shows_nothing_of_the_decision_that_changed_it(self):
        self.approve()
        self.play("2024-02-12", CHANGED)
        self.assert_own_extract("employment-surgut", 2, "Подбор работы")
        self.assert_own_extract("ip-orlova", 1, "Юридическая консультация")

    def assert_own_extract(self, who, edition, kind):
        rows = self.rows("extract", "--for", who)
        self.assertEqual([("document", "Выписка из индивидуальной программы для исполнителя"), ("measure", kind)],
                         [(row["type"], row["title"]) for row in rows])
        self.assertEqual(edition, rows[0]["edition"])
        text = json.dumps(rows, ensure_ascii=False)
        for hidden in ("support", "process", "002 п", "000 п", "section14", "wg-surgut", "тайн", "basis", "sitting_on", "minutes_number",
                       "formed_on", "2024-02-11"):
            self.assertNotIn(hidden, text)

    def test_another_territory_sees_nothing(self):
        self.approve()
        self.assertEqual(0, self.document("programme", "--for", "provider-surgut").returncode)
        self.assertRegex(self.document("programme", "--for", "provider-nizhnevartovsk").stderr, "не показывается|нет такого участника")

    def test_personal_fields_need_the_right_and_a_reason_and_stand_in_the_journal(self):
        self.approve()
        hidden = {row["name"] for row in self.rows("application") if row.get("hidden")}
        self.assertIn("surname", hidden)
        self.assertNotIn("Неразглашаемов", json.dumps(self.rows("application"), ensure_ascii=False))
        self.assertNotEqual(0, self.document("application", "--reveal", "--reason", REASON).returncode)
        self.assertNotEqual(0, self.document("application", "--reveal", name="trusted").returncode)
        self.assertEqual([], [row for row in self.engine.rows("case", "timeline", CASE) if row["kind"] == "audit"])
        rows = self.rows("application", "--reveal", "--reason", REASON, name="trusted")
        self.assertIn("Неразглашаемов", json.dumps(rows, ensure_ascii=False))
        self.assertNotIn("Скрытая", json.dumps(rows, ensure_ascii=False), "its class does not say reveal")
        audits = [row for row in self.engine.rows("case", "timeline", CASE) if row["kind"] == "audit"]
        self.assertEqual([("person.reveal", REASON)], [(row["event"], row["text"]) for row in audits])

    def test_nothing_is_journalled_for_a_document_that_is_not_there(self):
        self.approve()
        self.assertNotEqual(0, self.document("contract", "--reveal", "--reason", REASON, name="trusted").returncode)
        self.assertEqual([], [row for row in self.engine.rows("case", "timeline", CASE) if row["kind"] == "audit"])


if __name__ == "__main__":
    unittest.main()
