"""One citizen's several cases: linked by person, and neither shows the other."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from engine import Engine, finish  # noqa: E402

RELEASED, CITIZEN, FAMILY, STRANGER = "86-2024-00001", "C-77-04", "F-77-05", "C-99-09"
WHO = {"surname": "Неразглашаемов", "given_name": "Тайнослав", "patronymic": "Ильич", "birth_date": "1981-02-03"}
SNILS, OTHER_SNILS = "112-233-445 95", "223-344-556 06"
REASON = "сверка по запросу 7-15"


def notice(case=RELEASED, **changes):
    data = {"notice_number": "1", "edition": 1, "notice_date": "2024-01-10", "release_date": "2024-08-30",
            "municipality": "surgut", "needs": ["employment"], "institution": "Колония-Неведомая", "snils": SNILS, **WHO}
    return {"as": "ufsin", "event": "release.notice", "case": case, "data": {**data, **changes}}


def application(case, event="application.received", **changes):
    data = {"kind": "social-services", "received_on": "2024-01-10", "municipality": "surgut", **WHO, **changes}
    return {"as": "provider-surgut", "event": event, "case": case, "data": data}


class Links(unittest.TestCase):
    def setUp(self):
        self.engine = self.new_engine()

    def new_engine(self):
        engine = Engine(("ufsin", "provider-surgut"))
        self.addCleanup(engine.close)
        engine.must("keys", "generate", "--operator", "trusted", "--privacy", "--out", engine.hands, "--register", engine.keys)
        return engine.start()

    @staticmethod
    def play(engine, day, events):
        engine.advance(day + "T12:00:00+05:00")
        sending = engine.submit(events)
        engine.advance(day + "T12:00:00+05:00", *sorted({event["as"] for event in events}))
        _, receipts, err = finish(sending)
        assert len(events) == len(receipts), err
        return receipts

    def trusted(self, *words, code=0):
        result = self.engine.ask(*words, "-o", "jsonl", name="trusted")
        self.assertEqual(code, result.returncode, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def cases(self, case):
        rows = self.trusted("person", "cases", "--case", case, "--reason", REASON)
        return {row["case"] for row in rows if row["type"] == "case"}, {row["case"] for row in rows if row["type"] == "proposed"}

    def family(self):
        """A release with a number, an application without one, a family's by the same applicant, and a namesake."""
        family = application(FAMILY, subject="family", family_kind="two-parents", kind="support", surname="НЕРАЗГЛАШАЕМОВ")
        self.play(self.engine, "2024-01-09", [notice(notice_date="2024-01-09")])
        self.play(self.engine, "2024-01-10", [application(CITIZEN), family, application(STRANGER, snils=OTHER_SNILS)])

    # ---- linking ----

    def test_cases_of_three_processes_are_found_to_be_one_person_s(self):
        self.family()
        mine = {RELEASED, CITIZEN, FAMILY}
        for case in mine:
            self.assertEqual((mine, {STRANGER}), self.cases(case))
        rows = self.trusted("person", "cases", "--case", CITIZEN, "--reason", REASON)
        self.assertEqual({"release", "citizen", "family"}, {row["process"] for row in rows if row["type"] == "case"})
        person = rows[0]["person"]
        self.assertEqual(rows, self.trusted("person", "cases", person, "--reason", REASON))
        entries = [row for row in self.engine.rows("case", "timeline", CITIZEN) if row["kind"] == "audit"]
        self.assertIn(("person.cases", "trusted", REASON), {(row["event"], row["sender"], row["text"]) for row in entries})

    def test_a_doubt_is_proposed_and_an_operator_decides(self):
        self.family()
        proposal, = self.trusted("person", "proposals", "--reason", REASON)
        self.assertIn(STRANGER, (proposal["case"], proposal["with"]))
        self.trusted("person", "unlink", CITIZEN, STRANGER, "--reason", "однофамильцы")
        self.assertEqual([], self.trusted("person", "proposals", "--reason", REASON))
        self.trusted("person", "link", CITIZEN, STRANGER, "--reason", "паспорт предъявлен")
        self.assertEqual(({RELEASED, CITIZEN, FAMILY, STRANGER}, set()), self.cases(STRANGER))
        self.trusted("person", "link", CITIZEN, STRANGER, "--reason", "ещё раз", code=4)
        self.trusted("person", "unlink", STRANGER, "--reason", "ошибка")
        self.assertEqual(({STRANGER}, set()), self.cases(STRANGER))
        self.engine.kill()  # answered means durable
        self.engine.start()
        self.assertEqual(({RELEASED, CITIZEN, FAMILY}, set()), self.cases(RELEASED))

    def test_who_has_no_right_learns_nothing_and_leaves_no_entry(self):
        self.family()
        for name in ("operator", "reader"):
            for words in (("cases", "--case", CITIZEN), ("proposals",), ("link", CITIZEN, STRANGER), ("unlink", CITIZEN)):
                result = self.engine.ask("person", *words, "--reason", REASON, "-o", "jsonl", name=name)
                self.assertEqual((5, ""), (result.returncode, result.stdout), (name, words))
        self.assertEqual([{"case": CITIZEN, "state": "sealed"}], self.engine.rows("person", "show", CITIZEN))
        self.assertEqual([], [row for row in self.engine.rows("case", "timeline", CITIZEN) if row["kind"] == "audit"])

    def test_a_reason_is_needed_and_does_not_tell_of_the_other_case(self):
        self.family()
        self.assertEqual(2, self.engine.ask("person", "cases", "--case", CITIZEN, name="trusted").returncode)
        for words in (("cases", "--case", CITIZEN), ("show", CITIZEN, "--reveal"), ("unlink", CITIZEN, RELEASED)):
            self.trusted("person", *words, "--reason", "то же, что " + RELEASED, code=5)
        self.trusted("person", "link", CITIZEN, STRANGER, "--reason", "см. " + STRANGER, code=5)
        self.assertNotIn(RELEASED, json.dumps(self.engine.rows("case", "timeline", CITIZEN)))

    def test_an_annulled_message_that_linked_unlinks(self):
        self.play(self.engine, "2024-01-10", [notice(), application(CITIZEN, surname="Другой")])
        self.play(self.engine, "2024-01-11", [{"as": "provider-surgut", "event": "application.received", "case": RELEASED,
                                               "data": {"kind": "social-services", "received_on": "2024-01-11", "surname": "Другой"}}])
        self.play(self.engine, "2024-01-12", [{"as": "provider-surgut", "event": "event.annulled", "case": RELEASED,
                                               "data": {"event": "application.received"}}])
        self.assertEqual({RELEASED}, self.cases(RELEASED)[0])

    # ---- the whole person ----

    def test_show_and_erase_are_of_the_whole_person_and_the_chain_holds(self):
        self.family()
        shown = self.trusted("person", "show", CITIZEN, "--reveal", "--reason", REASON)
        self.assertEqual(CITIZEN, shown[0]["case"])
        self.assertEqual({RELEASED, CITIZEN, FAMILY}, {row["case"] for row in shown})
        erased, = self.trusted("person", "erase", FAMILY, "--yes", "--reason", "срок хранения истёк")
        for case in (RELEASED, CITIZEN, FAMILY):
            self.assertEqual([{"case": case, "state": "erased", "erased_in": erased["journal"]}], self.trusted("person", "show", case))
            self.assertEqual([{"case": case, "state": "erased"}], self.engine.rows("person", "show", case))
            self.trusted("person", "cases", "--case", case, "--reason", REASON, code=4)
        self.assertEqual(({STRANGER}, set()), self.cases(STRANGER))
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        result = self.engine.run("audit", "verify", "--keys", self.engine.keys / "server.pub", "--data", self.engine.folder / "data")
        self.assertEqual(0, result.returncode, result.stdout)
        self.engine.start()
        self.play(self.engine, "2024-01-15", [application("C-new", snils=SNILS)])
        self.assertEqual({"C-new"}, self.cases("C-new")[0])

    def test_a_copy_keeps_the_links(self):
        self.family()
        copy = self.engine.folder / "copy"
        self.assertEqual(0, self.engine.ask("backup", "--out", copy).returncode)
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        data = self.engine.folder / "data"
        data.rename(self.engine.folder / "lost")
        self.engine.must("restore", copy, "--to", data, "--keys", self.engine.keys / "server.pub")
        self.engine.start()
        self.assertEqual({RELEASED, CITIZEN, FAMILY}, self.cases(CITIZEN)[0])

    # ---- without one showing the other ----

    def heard(self, first):
        """All that the provider is sent and answered of the citizen's case when the release is that of `first`."""
        engine = self.new_engine()
        self.play(engine, "2024-01-10", [notice(**first)])
        late = {"as": "provider-surgut", "event": "consultation.held", "case": CITIZEN, "data": {"held_on": "2024-01-11"}}
        wrong = {"as": "provider-surgut", "event": "arrival.confirmed", "case": CITIZEN, "data": {"arrived_on": "2024-01-11"}}
        receipts = []
        for day, events in (("2024-01-10", [application(CITIZEN)]), ("2024-01-11", [late, wrong]),
                            ("2024-01-12", [application(CITIZEN), application(CITIZEN, received_on="2024-01-12")])):
            receipts += self.play(engine, day, events)
        self.play(engine, "2024-03-01", [late])
        rows = [row for row in engine.deliveries() if CITIZEN in json.dumps(row)]
        self.assertTrue(rows)
        outcome = [row for row in map(json.loads, engine.export("outcome").read_text().splitlines()) if row.get("case") == CITIZEN]
        text = json.dumps([receipts, rows, outcome], ensure_ascii=False, sort_keys=True)
        return re.sub(r'"(position|sequence|stream)": \d+', "", text)

    def test_what_is_heard_of_a_case_is_the_same_whether_its_person_has_another_or_not(self):
        linked = self.heard({})
        stranger = self.heard({"surname": "Посторонний", "given_name": "Некто", "birth_date": "1970-05-06", "snils": "334-455-667 17"})
        self.assertEqual(stranger, linked)
        self.assertNotIn(RELEASED, linked)

    def test_a_rehearsal_agrees_with_the_daemon(self):
        self.family()
        self.trusted("person", "link", CITIZEN, STRANGER, "--reason", "паспорт предъявлен")
        self.engine.advance("2024-12-30")
        journal, outcome = self.engine.export("journal"), self.engine.export("outcome")
        self.assertNotIn("person.", journal.read_text())
        self.assertEqual(outcome.read_text(), self.engine.rehearse(journal, "2024-12-30").read_text())


if __name__ == "__main__":
    unittest.main()
