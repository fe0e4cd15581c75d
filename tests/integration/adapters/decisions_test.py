"""The decisions of a sitting come as one file: each becomes the event of its case, once, and the secretary is told row by row."""

import json
import shutil
import subprocess
import unittest

from world import BIN, World, read_table, wait_for

SITTING = "2026-03-25"
NOON = SITTING + "T12:00:00+05:00"
HEADER = ("Случай;Решение;Дата заседания;Номер протокола;Срок программы, месяцев;Продлить на, месяцев;Основание прекращения;Причина;"
          "Вопрос;Ответ на вопрос;Следующее заседание")
DATE = "25.03.2026;6/2026"
DECISIONS = (
    "c1;согласиться с проектом;%s;;;;;;;" % DATE,
    "c1;утвердить программу;%s;5;;;;;;" % DATE,
    "c2;вернуть проект;%s;;;;перечень мероприятий неполон;;;" % DATE,
    "c3;продлить;%s;;2;;;;;" % DATE,
    "c4;прекратить;%s;;;достигнут результат;;;;" % DATE,
    "c5;не согласиться с прекращением;%s;;;;результат не достигнут;;;" % DATE,
    "c6;решить вопрос;%s;;;;;q1;оказано содействие;" % DATE,
    "c6;решить вопрос;%s;;;;;q2;нарушения нет;" % DATE,
    ";заседание проведено;%s;;;;;;;08.04.2026" % DATE,
)
WRONG = (
    "c99;продлить;%s;;2;;;;;" % DATE,
    "c7;подарить;%s;;;;;;;" % DATE,
    "c7;продлить;31.02.2026;6/2026;;2;;;;;",
    "c7;прекратить;25.03.2026;;;;достигнут результат;;;;",
    "c7;прекратить;%s;;;по настроению;;;;" % DATE,
    "c7;решить вопрос;%s;;;;;q9;;" % DATE,
    ";прекратить;%s;;;достигнут результат;;;;" % DATE,
)
UNASKED = "c7;отказать в продлении;%s;;;;нет необходимости;;;" % DATE


class Decisions(World):
    participants = ("provider-surgut", "uszn-surgut", "wg-surgut", "employment-surgut")

    def setUp(self):
        super().setUp()
        hands = self.engine.folder / "operator-hands"
        self.engine.must("keys", "generate", "--participant", "operator", "--out", hands, "--register", self.engine.keys)
        shutil.copy(self.engine.hands / "server.pub", hands)
        self.engine.start("--clock", "virtual", "--start", "2026-02-01")
        self.office = self.adapter("working_group", *self.participants)
        self.count = 0

    # ---- what stands before the sitting ----

    def tell(self, day, *events):
        """Events of one day, each (sender, name, case, data), through the adapter as JSON lines."""
        self.advance(day + "T10:00:00+05:00")
        self.count += 1
        name = "told-%02d.jsonl" % self.count
        text = "".join(json.dumps({"as": sender, "event": event, "case": case, "data": data}, ensure_ascii=False) + "\n"
                       for sender, event, case, data in events)
        self.office.put(name, text.encode())
        self.advance(day + "T11:00:00+05:00")
        rows = self.result_of(name)
        self.assertEqual(["принято"] * len(events), [row["Результат"] for row in rows], rows)

    def prepare(self):
        cases = ["c%d" % number for number in range(1, 8)]
        provider, group, office = "provider-surgut", "wg-surgut", "uszn-surgut"
        self.tell("2026-02-02", *[(provider, "application.received", case, {
            "kind": "support", "received_on": "2026-02-02", "municipality": "surgut", "surname": "Тестов"}) for case in cases])
        measure = [{"id": "m1", "kind": "employment", "due": "2026-06-01"}]
        self.tell("2026-02-10", *[(provider, "programme.drafted", case,
                                   {"need_established_on": "2026-02-10", "measures": measure}) for case in cases])
        self.tell("2026-02-11", *[(provider, "draft.sent", case, {"sent_on": "2026-02-11"}) for case in cases])
        running = cases[2:]
        self.tell("2026-02-12", *[(group, "section14.formed", case, {"formed_on": "2026-02-12"}) for case in running])
        self.tell("2026-02-13", *[(office, "programme.approved", case, {"approved_on": "2026-02-13", "term_months": 4})
                                  for case in running])
        self.tell("2026-03-16", (provider, "extension.requested", "c3", {"requested_on": "2026-03-16", "months": 2}),
                  (provider, "conclusion.issued", "c4", {"issued_on": "2026-03-16", "proposal": "finish", "ground": "result"}),
                  (provider, "conclusion.issued", "c5", {"issued_on": "2026-03-16", "proposal": "finish", "ground": "result"}),
                  (provider, "issue.raised", "c6", {"issue": "q1", "raised_on": "2026-03-16", "kind": "organisation"}),
                  (provider, "issue.raised", "c6", {"issue": "q2", "raised_on": "2026-03-16", "kind": "rights"}))

    def put(self, name, *rows, at=NOON, encoding="cp1251", header=HEADER):
        self.advance(at)
        self.office.put(name, "\r\n".join((header,) + rows).encode(encoding), "wg-surgut")
        self.advance(at)
        return self.result_of(name)

    def result_of(self, name):
        """The newest result of a file of that name: a second one of it is called otherwise. It is written when the receipts have come."""
        def found():
            return sorted(self.office.done().glob(name.split(".")[0] + "*.result.csv"), key=lambda path: path.stat().st_mtime_ns)
        self.results_seen = getattr(self, "results_seen", set())
        wait_for(lambda: set(found()) - self.results_seen)
        self.results_seen |= set(found())
        return read_table(found()[-1])

    def decisions(self):
        """Journal entries that name the minutes; what the engine refused stands in the journal too."""
        return [line for line in self.journal() if "minutes_number" in line["data"] and line["case"] != "c99"
                and line["data"].get("issue") != "q9"]

    # ---- tests ----

    def test_each_decision_becomes_the_event_of_its_case(self):
        self.prepare()
        rows = self.put("протокол-6.csv", *DECISIONS)
        self.assertEqual(["принято"] * len(DECISIONS), [row["Результат"] for row in rows], rows)
        self.assertEqual([""] * len(DECISIONS), [row["Причина"] for row in rows])
        told = self.decisions()
        self.assertEqual(len(DECISIONS), len(told))
        for line in told:
            self.assertEqual((SITTING, "6/2026"), (line["data"]["sitting_on"], line["data"]["minutes_number"]), line)
            self.assertEqual(SITTING, line["occurred_at"][:10])
        self.assertEqual({"programme.approved": "uszn-surgut"},
                         {line["event"]: line["as"] for line in told if line["as"] != "wg-surgut"})
        held = [line for line in told if line["event"] == "sitting.held"]
        self.assertEqual([("sitting.wg-surgut", "2026-04-08")], [(line["case"], line["data"]["next_on"]) for line in held])
        self.advance("2026-03-26")
        outcome = [json.loads(line) for line in self.engine.export("outcome").read_text().splitlines()]
        self.assertEqual(["c1"], [line["case"] for line in outcome if line["type"] == "referral" and line["case"] in ("c1", "c2")])
        self.assertEqual({"c4": "result"}, {line["case"]: line["ground"] for line in outcome
                                            if line["type"] == "case" and line["process"] == "support" and line.get("ground")})
        terms = {line["case"]: line["term"] for line in outcome if line["type"] == "deadline" and line["id"] == "term-end"
                 and line["state"] == "open"}
        self.assertEqual({"c1": "5mo", "c3": "6mo", "c5": "4mo", "c6": "4mo", "c7": "4mo"}, terms)
        issues = [line["state"] for line in outcome if line["type"] == "deadline" and line["id"] == "issue-next-sitting"]
        self.assertEqual(["met", "met"], issues)
        self.assert_minutes()
        self.assert_rehearsal_agrees("2026-03-26")

    def minutes(self, *words):
        """From the running engine and from its journal: the same."""
        words = ("report", "minutes", "--sitting", SITTING, "--group", "wg-surgut", "--as-of", SITTING, "--config",
                 self.engine.config, "-o", "json", *words)
        asked = self.engine.ask(*words)
        self.assertEqual(0, asked.returncode, asked.stderr)
        self.assertEqual(asked.stdout, self.engine.must(*words, "--journal", self.engine.export("journal")))
        return {(section["title"], row.get("case")): row for section in json.loads(asked.stdout)["sections"]
                for row in section["rows"]}

    def assert_minutes(self):
        """What was put into the folder stands in the minutes; an executor's extract has its measure and nothing else."""
        rows = self.minutes()
        self.assertEqual({"c1", "c2", "c3", "c4", "c5", "c6", None}, {case for _, case in rows})
        self.assertEqual("6/2026", rows["Заседание", None]["number"])
        self.assertEqual("result", rows["Прекращение сопровождения", "c4"]["ground"])
        extract = self.minutes("--extract", "employment-surgut")
        self.assertEqual({("Поручено", "c1")}, set(extract))
        self.assertEqual(("m1", "employment"), tuple(extract["Поручено", "c1"][key] for key in ("measure", "kind")))

    def test_wrong_rows_hold_up_nobody_and_are_told_why(self):
        self.prepare()
        rows = self.put("протокол-6.csv", *WRONG, *DECISIONS, UNASKED)
        refused = [row for row in rows if row["Результат"] == "отклонено"]
        self.assertEqual(list(range(2, 2 + len(WRONG))), [int(row["Строка"]) for row in refused])
        for row, words in zip(refused, ("Дело не найдено", "«Решение»", "такой даты не бывает", "«Номер протокола»: не заполнен",
                                        "«Основание прекращения»", "не ждёт такого события", "«Случай»: не заполнен")):
            self.assertIn(words, row["Причина"])
        self.assertEqual(len(DECISIONS) + 1, len(self.decisions()))
        # Accepted, for the group decides what it will; but told.
        self.assertEqual("принято", rows[-1]["Результат"])
        self.assertIn("на повестке", rows[-1]["Причина"])
        self.assertEqual([""] * len(DECISIONS), [row["Причина"] for row in rows if row["Результат"] == "принято"][:-1])
        back = read_table(self.office.rejected("протокол-6.csv.rejected.csv"))
        self.assertEqual(len(WRONG), len(back))
        self.assertTrue(all(row["Почему отклонено"] for row in back))

    def test_a_refused_file_is_mended_where_it_stands_and_put_in_again(self):
        """With the columns that the adapter has added, twice; the form has a column called «Причина», this table has none."""
        self.prepare()
        header = 'Случай;Решение;Дата заседания;Номер протокола;"Продлить на, месяцев"'
        wrong = "c3;продлить;31.02.2026;6/2026;2"
        self.put("протокол.csv", wrong, at=SITTING + "T12:10:00+05:00", header=header)
        back = self.office.rejected("протокол.csv.rejected.csv").read_text(encoding="utf-8-sig")
        self.assertEqual(header + ";Номер строки;Почему отклонено", back.splitlines()[0])
        for name, at, day, state in (("ещё.csv", "12:20", "30.02.2026", "отклонено"), ("верно.csv", "12:30", "25.03.2026", "принято")):
            head, row = back.splitlines()
            rows = self.put(name, row.replace("31.02.2026", day), at=SITTING + "T%s:00+05:00" % at, header=head, encoding="utf-8")
            self.assertEqual([state], [row["Результат"] for row in rows], rows)
        again = self.office.rejected("ещё.csv.rejected.csv").read_text(encoding="utf-8-sig").splitlines()
        self.assertEqual([head, "c3;продлить;30.02.2026;6/2026;2;2"], [again[0], ";".join(again[1].split(";")[:6])])

    def test_the_same_file_again_does_nothing_twice(self):
        self.prepare()
        first = self.put("протокол-6.csv", WRONG[0], *DECISIONS)
        before = self.decisions()
        self.office.kill()
        self.office.start()
        again = self.put("протокол-6.csv", WRONG[0], *DECISIONS, at=SITTING + "T13:00:00+05:00")
        self.assertEqual(["отклонено"] + ["принято"] * len(DECISIONS), [row["Результат"] for row in first])
        self.assertEqual(["отклонено"] + ["уже было принято"] * len(DECISIONS), [row["Результат"] for row in again], again)
        self.assertEqual([row["Номер в журнале"] for row in first], [row["Номер в журнале"] for row in again])
        self.assertEqual(before, self.decisions())

    def test_a_row_twice_in_one_file_counts_once_whatever_the_form(self):
        self.prepare()
        rows = self.put("протокол-6.csv", DECISIONS[3], DECISIONS[3])
        self.assertEqual(["принято", "уже было принято"], [row["Результат"] for row in rows])
        line = {"event": "extension.decided", "case": "c3", "data": {
            "decided_on": SITTING, "granted": True, "months": 2, "sitting_on": SITTING, "minutes_number": "6/2026"}}
        self.office.put("протокол.jsonl", (json.dumps(line) + "\n").encode(), "wg-surgut")
        self.advance(SITTING + "T13:00:00+05:00")
        self.assertEqual(["уже было принято"], [row["Результат"] for row in self.result_of("протокол.jsonl")])
        self.assertEqual(1, len(self.decisions()))

    def test_another_content_is_refused_until_the_decision_is_taken_back(self):
        self.prepare()
        self.put("первый.csv", DECISIONS[3])
        changed = "c3;продлить;%s;;1;;;;;" % DATE
        rows = self.put("второй.csv", changed, at=SITTING + "T13:00:00+05:00")
        self.assertEqual("отклонено", rows[0]["Результат"])
        self.assertIn("уже есть другое решение", rows[0]["Причина"])
        line = {"event": "event.annulled", "case": "c3", "data": {"event": "extension.decided", "reason": "mistake"}}
        self.office.put("отзыв.jsonl", (json.dumps(line) + "\n").encode(), "wg-surgut")
        self.advance(SITTING + "T14:00:00+05:00")
        self.assertEqual(["принято"], [row["Результат"] for row in self.result_of("отзыв.jsonl")])
        rows = self.put("третий.csv", changed, at=SITTING + "T15:00:00+05:00")
        self.assertEqual("принято", rows[0]["Результат"], rows)
        self.advance("2026-03-26")
        self.assert_rehearsal_agrees("2026-03-26")

    def test_one_minutes_does_not_contradict_itself(self):
        self.prepare()
        closed = "c3;прекратить;%s;;;достигнут результат;;;;" % DATE
        rows = self.put("первый.csv", DECISIONS[3], closed, *DECISIONS[6:7],
                        "c7;отказать в продлении;%s;;;;нет необходимости;;;" % DATE,
                        "c7;прекратить;%s;;;достигнут результат;;;;" % DATE,
                        "c7;не согласиться с прекращением;%s;;;;результат не достигнут;;;" % DATE)
        self.assertEqual(["принято", "отклонено", "принято", "принято", "принято", "отклонено"],
                         [row["Результат"] for row in rows], rows)
        for row in (rows[1], rows[5]):
            self.assertIn("уже есть другое решение", row["Причина"])
        self.office.kill()
        self.office.start()
        rows = self.put("второй.csv", closed, at=SITTING + "T13:00:00+05:00")
        self.assertIn("запись журнала", rows[0]["Причина"])
        self.assertEqual("принято", self.take_back("отзыв.jsonl", "14:00", "c3", "extension.decided"))
        self.assertEqual(["принято"], self.told_at("третий.csv", "15:00", closed))

    # ---- what is taken back may be told again ----

    def tell_group(self, name, *lines, at):
        """Lines into the group's folder at that hour of the sitting's day; the rows of the result."""
        self.advance(SITTING + "T%s:00+05:00" % at)
        self.office.put(name, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(), "wg-surgut")
        self.advance(SITTING + "T%s:00+05:00" % at)
        return self.result_of(name)

    def take_back(self, name, at, case, event, **more):
        rows = self.tell_group(name, {"event": "event.annulled", "case": case,
                                      "data": {"event": event, "reason": "mistake", **more}}, at=at)
        return rows[0]["Результат"]

    def told_at(self, name, at, *rows):
        return [row["Результат"] for row in self.put(name, *rows, at=SITTING + "T%s:00+05:00" % at)]

    def test_what_was_refused_is_not_what_is_taken_back(self):
        self.prepare()
        unfit = "c3;продлить;25.03.2026;7/2026;;99;;;;;"  # refused by the form, before it is sent
        unknown = "c6;решить вопрос;%s;;;;;q9;нарушения нет;" % DATE  # refused by the engine
        self.assertEqual(["принято", "отклонено", "принято", "отклонено"],
                         self.told_at("первый.csv", "12:30", DECISIONS[3], unfit, DECISIONS[6], unknown))
        self.assertEqual("принято", self.take_back("отзыв-1.jsonl", "13:00", "c3", "extension.decided"))
        self.assertEqual("принято", self.take_back("отзыв-2.jsonl", "13:10", "c6", "issue.resolved"))
        mended = ("c3;продлить;%s;;1;;;;;" % DATE, "c6;решить вопрос;%s;;;;;q1;нарушения нет;" % DATE)
        self.assertEqual(["принято", "принято"], self.told_at("второй.csv", "14:00", *mended))
        self.advance("2026-03-26")
        self.assert_rehearsal_agrees("2026-03-26")

    def test_every_one_that_is_taken_back_is_free_again(self):
        self.prepare()
        questions = DECISIONS[6:8]
        self.assertEqual(["принято"] * 2, self.told_at("первый.csv", "12:30", *questions))
        self.assertEqual("принято", self.take_back("отзыв-1.jsonl", "13:00", "c6", "issue.resolved"))
        self.assertEqual("принято", self.take_back("отзыв-2.jsonl", "13:10", "c6", "issue.resolved"))
        self.assertEqual(["принято"] * 2, self.told_at("второй.csv", "14:00", *questions))
        self.assertEqual(["уже было принято"] * 2, self.told_at("третий.csv", "15:00", *questions))

    def test_the_sequence_says_which_one_is_free_again(self):
        self.prepare()
        questions = DECISIONS[6:8]
        self.told_at("первый.csv", "12:30", *questions)
        first = [row for row in self.engine.rows("case", "timeline", "c6") if row.get("event") == "issue.resolved"][0]
        self.assertEqual("принято", self.take_back("отзыв.jsonl", "13:00", "c6", "issue.resolved", sequence=first["sequence"]))
        self.assertEqual(["принято", "уже было принято"], self.told_at("второй.csv", "14:00", *questions))

    def annul_as_operator(self, case, event):
        hands = self.engine.folder / "operator-hands"
        words = (BIN / "kurator", "event", "submit", "--as", "operator", "--event", "event.annulled", "--case", case, "--data",
                 json.dumps({"event": event, "reason": "mistake"}), "--keys", hands, "--endpoint", self.engine.exchange,
                 "--spool", self.engine.folder / "operator.db", "--wait", 60)
        doing = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.engine.advance(SITTING + "T12:40:00+05:00", "operator", *self.participants)
        out, err = doing.communicate(timeout=120)
        self.assertIn("accepted", out, err)

    def test_what_somebody_else_took_back_is_free_when_there_is_nothing_to_take_back(self):
        self.prepare()
        self.told_at("первый.csv", "12:30", DECISIONS[3])
        self.annul_as_operator("c3", "extension.decided")
        self.assertEqual(["уже было принято"], self.told_at("второй.csv", "13:00", DECISIONS[3]))
        self.assertEqual("отклонено", self.take_back("отзыв.jsonl", "14:00", "c3", "extension.decided"))
        self.assertEqual(["принято"], self.told_at("третий.csv", "15:00", DECISIONS[3]))

    def test_beside_its_taking_back_a_decision_waits_for_the_answer(self):
        self.prepare()
        self.told_at("первый.csv", "12:30", DECISIONS[3])
        row = {"event": "extension.decided", "case": "c3", "data": {
            "decided_on": SITTING, "granted": True, "months": 2, "sitting_on": SITTING, "minutes_number": "6/2026"}}
        back = {"event": "event.annulled", "case": "c3", "data": {"event": "extension.decided", "reason": "mistake"}}
        rows = self.tell_group("вместе.jsonl", back, row, at="13:00")
        self.assertEqual(["принято", "отклонено"], [row["Результат"] for row in rows])
        self.assertIn("когда придёт ответ об отзыве", rows[1]["Причина"])
        self.assertEqual(["принято"], [row["Результат"] for row in self.tell_group("снова.jsonl", row, at="14:00")])

    def test_a_moved_sitting_raises_the_alarm_in_the_secretarys_folder(self):
        self.tell("2026-03-12", ("provider-surgut", "application.received", "c1", {
            "kind": "social-services", "received_on": "2026-03-12", "municipality": "surgut", "surname": "Тестов"}))
        self.assertEqual([], [row for row in self.table("задачи") if row["Случай"] == "sitting.wg-surgut"])
        self.calendar("перенос.csv", "перенесено;25.03.2026;01.04.2026", at="2026-03-16T12:00:00+05:00")
        task = [row for row in self.table("задачи") if row["Случай"] == "sitting.wg-surgut"]
        self.assertEqual([("Назначить заседание: до срока утверждения программы его нет", "26.03.2026")],
                         [(row["Задача"], row["Срок до"]) for row in task])
        self.assertEqual(["26.03.2026"], [row["Срок до"] for row in self.table("извещения")
                                          if row["Случай"] == "sitting.wg-surgut"])
        self.calendar("ещё.csv", "назначено;26.03.2026;", at="2026-03-17T12:00:00+05:00")
        self.advance("2026-03-31")
        withdrawn = [path for path in self.office.out("wg-surgut") if path.name.endswith("task_withdrawn.json")]
        self.assertIn("sitting.wg-surgut", [json.loads(path.read_text())["case_id"] for path in withdrawn])
        outcome = [json.loads(line) for line in self.engine.export("outcome").read_text().splitlines()]
        self.assertEqual(["met"], [line["state"] for line in outcome if line.get("id") == "extra-sitting"])
        self.assert_rehearsal_agrees("2026-03-31")

    def calendar(self, name, *rows, at):
        self.advance(at)
        self.office.put(name, "\r\n".join(("Заседание;День;Новый день",) + rows).encode(), "wg-surgut")
        self.advance(at)
        self.assertEqual(["принято"] * len(rows), [row["Результат"] for row in self.result_of(name)])

    def table(self, kind):
        return [row for path in self.office.out("wg-surgut") if path.name.startswith(kind + "-") for row in read_table(path)]


if __name__ == "__main__":
    unittest.main()
