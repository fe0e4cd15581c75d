"""Notices of the prison service: good rows become cases, bad rows come back with a reason, a kill loses nothing."""

import datetime as dt
import random
import time
import unittest

from world import ROOT, World, wait_for

DIRTY = ROOT / "ops" / "demo.d" / "data" / "ufsin-notices-dirty.cp1251.csv"
HEADER = ("Номер извещения;Редакция;Дата извещения;Учреждение;Фамилия;Имя;Отчество;Дата рождения;Пол;СНИЛС;"
          "Планируемая дата освобождения;Муниципальное образование прибытия;Населённый пункт;Адрес прибытия;"
          "Состав семьи;Несовершеннолетних детей;Потребности;Согласие на сопровождение")
SECRET = "Неразглашаемов"
CLOCK = ("--clock", "virtual", "--start", "2024-01-11")


def row(number, **changes):
    cells = {"edition": "1", "notice": "10.01.2024", "release": "30.08.2024", "where": "г. Сургут", **changes}
    return ("%s;%s;%s;ФКУ ИК-11;%s;Иван;;01.02.1980;М;;%s;%s;г. Сургут;ул. Тестовая, д. 1;один;0;документы;да" %
            (number, cells["edition"], cells["notice"], SECRET, cells["release"], cells["where"]))


def table(rows, encoding="utf-8"):
    return "\r\n".join([HEADER, *rows, ""]).encode(encoding)


def numbers(count):
    return ["86-2024-%05d" % number for number in range(1, count + 1)]


def by_month(path):
    """The lines of a table by the month in which they were written; those that cannot be read go with the line before."""
    header, *lines = path.read_bytes().splitlines(keepends=True)
    months = {}
    month = None
    for line in lines:
        _, month_number, year = line.split(b";")[2].decode().split(".")
        month = max(month or "", "%s-%s" % (year, month_number))
        months.setdefault(month, []).append(line)
    return header, sorted(months.items())


def first_of_next(month):
    year, number = map(int, month.split("-"))
    return "%04d-%02d-01" % ((year, number + 1) if number < 12 else (year + 1, 1))


class Notices(World):
    def test_a_dirty_file_becomes_its_good_cases_and_answers_for_the_rest(self):
        self.engine.start("--clock", "virtual", "--start", "2025-05-01")
        ufsin = self.adapter("ufsin", "ufsin")
        header, months = by_month(DIRTY)
        states = {}
        for month, lines in months:
            self.advance(first_of_next(month) + "T09:00:00+05:00")
            ufsin.put(month + ".csv", header + b"".join(lines))
            self.advance(first_of_next(month) + "T10:00:00+05:00")
            for state, count in ufsin.states(month + ".csv").items():
                states[state] = states.get(state, 0) + count
        self.advance("2026-12-31")
        # 124 rows: one twice, one cut off, one dated 31 February, one corrected by a second edition.
        self.assertEqual({"принято": 121, "уже было принято": 1, "отклонено": 2}, states)
        self.assertEqual(120, len(self.cases()))
        self.assert_corrected()
        self.assert_reasons(ufsin)
        self.assert_nothing_left()
        self.assert_rehearsal_agrees("2026-12-31")
        self.assertEqual(0, ufsin.stop())

    def assert_corrected(self):
        shown = self.engine.rows("case", "show", "86-2026-00101")
        begins = {line["id"]: line["from"] for line in shown if line["type"] == "deadline"}
        self.assertEqual("2026-10-27", begins["pre-release-work"])

    def assert_reasons(self, ufsin):
        reasons = {}
        for path in ufsin.rejected().glob("*.rejected.csv"):
            for line in path.read_text(encoding="utf-8-sig").splitlines()[1:]:
                reasons[line.split(";")[0]] = line
        self.assertEqual({"86-2025-00038-z", "86-2026-00027-x"}, set(reasons))
        self.assertIn("столбцов", reasons["86-2025-00038-z"])
        self.assertIn("такой даты не бывает", reasons["86-2026-00027-x"])

    def test_a_mended_row_of_rejected_can_be_sent_again_as_it_is(self):
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        ufsin.put("n.csv", table([row("86-2024-00001"), row("86-2024-00002", where="Урюпинск")], "cp1251"))
        self.advance("2024-01-11T10:00:00+05:00")
        self.assertEqual({"принято": 1, "отклонено": 1}, ufsin.states("n.csv"))
        rejected = ufsin.rejected("n.csv.rejected.csv").read_text(encoding="utf-8")
        self.assertIn("Муниципальное образование прибытия", rejected.splitlines()[1])
        ufsin.put("n.csv", rejected.replace("Урюпинск", "г. Сургут").encode())
        self.advance("2024-01-11T11:00:00+05:00")
        self.assertEqual({"принято": 1}, ufsin.states("n.2.csv"))
        self.assertEqual(["86-2024-00001", "86-2024-00002"], self.cases())

    def test_what_the_engine_refuses_comes_back_with_its_reason(self):
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        ufsin.put("n.csv", table([row("86-2024-00001", notice="10.01.2030"), row("86-2024-00002")]))
        ufsin.put("n.jsonl", b'{"event":"visit.done","case":"86-2024-00002","data":{"phase":"before"}}\n'
                             b'{"event":"release.confirmed","case":"86-2024-77777","data":{"released_on":"2024-01-10"}}\n')
        self.advance("2024-01-11T10:00:00+05:00")
        states = ufsin.results("n.csv")
        self.assertEqual(["отклонено", "принято"], [line["Результат"] for line in states])
        self.assertIn("дата", states[0]["Причина"])
        self.assertIn(states[0]["Причина"], ufsin.rejected("n.csv.rejected.csv").read_text(encoding="utf-8"))
        for line in ufsin.results("n.jsonl"):
            self.assertEqual("отклонено", line["Результат"])
            self.assertRegex(line["Причина"], "[а-я]{3}")
        self.assertEqual(["86-2024-00002"], self.cases())

    def test_no_name_of_a_person_gets_into_a_log(self):
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        ufsin.put("%s.csv" % SECRET, table([row("86-2024-00001"), row("86-2024-00002", release="31.02.2024")]))
        ufsin.put("%s.txt" % SECRET, ("%s\n" % SECRET).encode())
        self.advance("2024-01-11T10:00:00+05:00")
        self.assertTrue(ufsin.rejected("%s.txt" % SECRET).exists())
        self.assertNotIn(SECRET, ufsin.told())
        self.assertNotIn(SECRET, self.engine.told())

    # ---- kill -9 ----

    def test_an_adapter_killed_in_mid_file_loses_and_doubles_nothing(self):
        chance = random.Random(20261121)
        self.engine.start("--clock", "system")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        known = numbers(3000)
        ufsin.put("n.csv", table(map(row, known)))
        wait_for(lambda: (ufsin.root / "work" / "n.csv").exists())
        for _ in range(6):
            time.sleep(chance.uniform(0.02, 0.3))
            ufsin.kill()
            ufsin.start()
        wait_for(lambda: not ufsin.left_over())
        self.assert_all_once(known, ufsin.states("n.csv"))
        today = dt.datetime.now(dt.timezone(dt.timedelta(hours=5))).date()
        self.assert_rehearsal_agrees(today.isoformat())

    def test_an_adapter_killed_among_many_files_answers_each_of_them_once(self):
        chance = random.Random(20261123)
        self.engine.start("--clock", "system")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        known = numbers(600)
        for part in range(200):
            bad = row("x", release="31.02.2024")
            ufsin.put("%03d.csv" % part, table([bad, *map(row, known[part * 3:part * 3 + 3])]))
        for _ in range(15):
            time.sleep(chance.uniform(0.0, 1.6))
            ufsin.kill()
            ufsin.start()
        wait_for(lambda: not ufsin.left_over())
        for part in range(200):
            states = ufsin.states("%03d.csv" % part)
            self.assertEqual(1, states.pop("отклонено"))
            self.assertEqual(3, sum(states.values()))
            self.assertTrue(ufsin.done("%03d.csv" % part).exists())
            self.assertTrue(ufsin.rejected("%03d.csv.rejected.csv" % part).exists())
        self.assertEqual(400, len(list(ufsin.done().iterdir())))
        self.assertEqual(known, self.cases())
        self.assertEqual(known, sorted(line["case"] for line in self.journal()))

    def test_an_engine_killed_in_mid_feed_loses_and_doubles_nothing(self):
        chance = random.Random(20261122)
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        known = numbers(3000)
        ufsin.put("n.csv", table(map(row, known)))
        for hour in range(10, 14):
            advancing = self.begin_advance("2024-01-11T%d:00:00+05:00" % hour)
            time.sleep(chance.uniform(0.2, 1.5))
            self.engine.kill()
            advancing.kill()
            advancing.communicate()
            self.engine.start(*CLOCK)
        self.advance("2024-01-11T15:00:00+05:00")
        self.advance("2024-01-11T16:00:00+05:00")
        self.assert_all_once(known, ufsin.states("n.csv"))
        self.advance("2025-01-31")
        self.assert_rehearsal_agrees("2025-01-31")

    def assert_all_once(self, known, states):
        """A receipt that got lost in a kill is asked for again, and then says that the row is there already."""
        self.assertEqual(len(known), states.get("принято", 0) + states.get("уже было принято", 0))
        self.assertEqual(known, self.cases())
        self.assertEqual(known, sorted(line["case"] for line in self.journal()))
        self.assert_nothing_left()

    def test_on_the_system_clock_files_are_answered_by_themselves(self):
        self.engine.start("--clock", "system")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        known = numbers(40)
        for part in range(4):
            ufsin.put("n.csv", table(map(row, known[part * 10:part * 10 + 10])))
            wait_for(lambda: not list((ufsin.root / "in").iterdir()))
        ufsin.kill()
        self.engine.kill()
        self.engine.start("--clock", "system")
        ufsin.start()
        wait_for(lambda: ufsin.done("n.4.csv").exists() and not ufsin.left_over())
        for name in ("n.csv", "n.2.csv", "n.3.csv", "n.4.csv"):
            self.assertEqual(10, sum(ufsin.states(name).values()))
            self.assertNotIn("отклонено", ufsin.states(name))
        self.assertEqual(known, self.cases())
        self.assertEqual(0, ufsin.stop())
        self.assertEqual(0, self.engine.stop())


if __name__ == "__main__":
    unittest.main(verbosity=2)
