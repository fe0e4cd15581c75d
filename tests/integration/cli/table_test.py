#!/usr/bin/env python3
"""kurator chart table shows a process owner every duty of a process: who, by when, on what basis, what if late.

  table_test.py KURATOR SOURCE_DIR
"""

import csv
import glob
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

KURATOR, ROOT = sys.argv.pop(1), sys.argv.pop(1)
CONFIG = os.path.join(ROOT, "config")
PROCESSES = sorted(os.path.basename(os.path.dirname(p)) for p in glob.glob(os.path.join(CONFIG, "processes/*/chart.scxml")))
K, SC = "{urn:kurator:case}", "{http://www.w3.org/2005/07/scxml}"
HEAD = ('<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:k="urn:kurator:case" version="1.0" datamodel="lua">\n'
        '%s\n</scxml>')


def run(*arguments):
    return subprocess.run([KURATOR, "chart", "table", *arguments], capture_output=True, text=True, timeout=60, check=False,
                          cwd=ROOT)


def table(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(*arguments):
    text = subprocess.run([KURATOR, "chart", "table", "--csv", *arguments], capture_output=True, timeout=60, check=True,
                          cwd=ROOT).stdout.decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:]), delimiter=";"))


def elements(process, tag):
    return xml.parse(os.path.join(CONFIG, "processes", process, "chart.scxml")).getroot().iter(tag)


def titles_of_roles():
    with open(os.path.join(CONFIG, "catalogue.yaml"), encoding="utf-8") as file:
        return dict(re.findall(r'role: (\w+),.*title: "([^"]*)"', file.read()))


class Table(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def chart(self, body, settings=""):
        with open(os.path.join(self.folder.name, "chart.scxml"), "w", encoding="utf-8") as file:
            file.write(HEAD % body)
        with open(os.path.join(self.folder.name, "settings.yaml"), "w", encoding="utf-8") as file:
            file.write("settings: [%s]\n" % settings)
        return self.folder.name

    def one(self, body, settings=""):
        found = rows("--config", CONFIG, self.chart(body, settings))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def test_every_deadline_and_task_has_a_row(self):
        roles = titles_of_roles()
        for process in PROCESSES:
            found = rows(process)
            for element in [*elements(process, K + "deadline"), *elements(process, K + "task")]:
                who = element.get("owner") or element.get("role")
                fitting = [row for row in found if element.get("basis") in row["На каком основании"]
                           and roles[who] in row["Кто"]]
                self.assertTrue(fitting, f"{process}: {element.get('id')}")

    def test_every_ending_has_a_row(self):
        for process in PROCESSES:
            endings = [row["Что сделать"] for row in rows(process) if "случай завершён" in row["Что дальше"]]
            root = xml.parse(os.path.join(CONFIG, "processes", process, "chart.scxml")).getroot()
            self.assertEqual(endings, [final.get(K + "title", final.get("id"))
                                       for final in root.findall(SC + "final")])

    def test_rows_come_in_the_order_of_the_stages(self):
        with open(os.path.join(CONFIG, "catalogue.yaml"), encoding="utf-8") as file:
            stages = re.findall(r'name: \w+, title: "([^"]*)"', file.read().split("classes:")[0])
        for process in PROCESSES:
            order = [stages.index(row["Этап"]) for row in rows(process)]
            self.assertEqual(order, sorted(order), process)

    def test_the_processes_are_told_without_names_of_the_program(self):
        for process in PROCESSES:
            for row in rows(process):
                for column, text in row.items():
                    bare = re.sub(r"\[настройка \w+\]", "", text)
                    self.assertIsNone(re.search(r"_event|_x\.|~=|==|\bIn\(", bare), f"{process}, {column}: {text}")

    def test_a_term_is_told_in_words(self):
        deadline = ('<state id="a"><k:deadline id="d" title="Т" basis="п. 1" owner="provider" from="day" due="%s" %s/>'
                    '<transition event="deadline"/></state>')
        for due, more, told in (
            ("10wd", "", "10 рабочих дней, считая от: day"),
            ("1wd", "", "1 рабочий день, считая от: day"),
            ("-6mo", "", "за 6 месяцев до: day"),
            ("3mo+5wd", "", "3 месяца и ещё 5 рабочих дней, считая от: day"),
            ("0d", "", "day"),
            ("5d", 'warn="2wd 1wd"', "5 календарных дней, считая от: day; напоминание за 2 рабочих дня и за 1 рабочий день"),
            ("3mo", 'opens="1mo"', "3 месяца, считая от: day; не раньше чем через 1 месяц"),
            ("3mo", 'not-after="last"', "3 месяца, считая от: day; не позднее: last"),
        ):
            self.assertEqual(self.one(deadline % (due, more))["К какому сроку"], told)

    def test_a_setting_is_told_with_its_value(self):
        body = ('<state id="a"><k:deadline id="d" title="Т" from="day" dueexpr="_x.settings.term"/>'
                '<transition event="deadline"/></state>')
        for value, told in (("5wd", "5 рабочих дней"), ("2w", "2 недели")):
            row = self.one(body, '{name: term, value: "%s", source: "с", title: "т"}' % value)
            self.assertEqual(row["К какому сроку"], f"{told} [настройка term], считая от: day")

    def test_variables_states_and_transitions_are_called_by_their_titles(self):
        row = self.one('<datamodel><data id="day" k:title="день приезда" expr="false"/></datamodel>'
                       '<state id="a"><k:deadline id="d" from="day or nil" due="5wd" owner="provider" met-by="visit.done"/>'
                       '<transition event="visit.done" cond="day" k:title="впервые" target="b"/>'
                       '<transition event="deadline.d" target="c"><k:notify role="uszn" template="t"/></transition></state>'
                       '<state id="b" k:title="Выехали"/><state id="c" k:title="Опоздали"/>')
        self.assertEqual(row["К какому сроку"], "5 рабочих дней, считая от: день приезда")
        self.assertEqual(row["Что засчитывается"], "выезд выполнен")
        self.assertEqual(row["Что дальше"], "впервые → Выехали")
        self.assertEqual(row["Если не в срок"], "тревога: Организация социального обслуживания; сообщение: Управление "
                                                "социальной защиты населения; → Опоздали")

    def test_what_meets_a_deadline_is_told_in_the_words_of_the_chart(self):
        row = self.one('<datamodel><data id="day" k:title="день"/></datamodel>'
                       '<state id="a"><k:deadline id="d" from="day" due="5wd" owner="provider" met-by="visit.done" '
                       'met-if="_event.data.on &gt;= day" met-title="не раньше дня"/><transition event="deadline"/></state>')
        self.assertEqual(row["Что засчитывается"], "выезд выполнен (не раньше дня)")

    def test_conditions_are_put_into_words(self):
        head = ('<datamodel><data id="late" k:title="опоздание"/><data id="day" k:title="день"/></datamodel>'
                '<state id="a" k:title="Начато"><k:task id="t" role="provider" events="visit.done"/>'
                '<transition event="visit.done" cond="%s" target="b"/></state><state id="b" k:title="Б"/>')
        for condition, told in (
            ("late", "если опоздание"),
            ("not late", "если нет: опоздание"),
            ("late and day", "если опоздание, день"),
            ("late or day", "если опоздание или день"),
            ("In('a')", "когда «Начато»"),
            ("not In('a')", "пока не «Начато»"),
            ("day &gt;= _x.today", "если день ≥ сегодня"),
            ("_event.name == 'act.signed'", "если акт обследования материально-бытовых условий"),
            ("_x.sender_kind ~= 'uszn'", "если сообщает не Управление социальной защиты населения"),
            ("(late or day) and not late", "если (опоздание или день), нет: опоздание"),
            ("_event.data.thing ~= nil", "если thing: указано"),
            ("_event.data.thing ~= false", "если thing: да или не сказано"),
            ("f(a) .. 'x or y'", "если f(a) .. 'x or y'"),
            ("((((((((((late))))))))))", "если " + "(" * 8 + "((late))" + ")" * 8),
        ):
            self.assertEqual(self.one(head % condition)["Что дальше"], told + " → Б", condition)

    def test_a_setting_that_switches_an_alarm_off_takes_it_out(self):
        config = shutil.copytree(CONFIG, os.path.join(self.folder.name, "config"))
        path = os.path.join(config, "processes", "release", "settings.yaml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        late = [row["Если не в срок"] for row in rows("release", "--config", config)]
        self.assertTrue(any("Ресурсный центр" in cell for cell in late))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("alarm_resource_centre, value: true", "alarm_resource_centre, value: false"))
        late = [row["Если не в срок"] for row in rows("release", "--config", config)]
        self.assertFalse(any("Ресурсный центр" in cell for cell in late))

    def test_a_long_table_stays_within_its_width(self):
        for process in PROCESSES:
            for width in (100, 110, 120, 200):
                lines = table(process, "--width", str(width)).splitlines()
                self.assertLessEqual(max(map(len, lines)), width, process)
                self.assertEqual([line for line in lines if line != line.rstrip()], [])

    def test_no_word_is_lost_by_wrapping(self):
        found = rows("release")
        shown = re.sub(r"\s|─|-", "", table("release", "--width", "110"))
        for column in ("Что сделать", "Что дальше"):
            for row in found:
                for word in re.split(r"[\s-]+", row[column]):
                    self.assertIn(word, shown)

    def test_the_forms_of_output_hold_the_same(self):
        found = rows("release")
        page = xml.fromstring(re.sub(r"<!DOCTYPE html>|<meta[^>]*>", "", table("release", "--html")))
        cells = ["".join(cell.itertext()) for cell in page.iter("td")]
        self.assertEqual(cells, [row[column] for row in found for column in list(row)[1:]])
        lines = [line for line in table("release", "--markdown").splitlines() if line.startswith("|")]
        self.assertEqual({line.count("|") - line.count("\\|") for line in lines}, {8})

    def test_signs_of_the_output_are_only_signs(self):
        body = '<state id="a"><k:task id="t" role="provider" title="a|b &lt;i&gt; &quot;q&quot; *x*"/></state>'
        folder = self.chart(body)
        self.assertEqual(rows("--config", CONFIG, folder)[0]["Что сделать"], 'a|b <i> "q" *x*')
        self.assertIn("a&#124;b".replace("&#124;", "\\|"), table("--markdown", "--config", CONFIG, folder))
        self.assertIn("a|b &lt;i&gt; &quot;q&quot; *x*", table("--html", "--config", CONFIG, folder))

    def test_a_process_is_named_or_pointed_at(self):
        path = os.path.join(CONFIG, "processes", "release")
        self.assertEqual(table("release"), table(path))
        self.assertEqual(table("release"), table(os.path.join(path, "chart.scxml")))

    def test_wrong_calls_are_told(self):
        self.assertEqual(run("nothing").returncode, 3)
        for words in ((), ("release", "--csv", "--html"), ("release", "--width", "20"), ("release", "--width", "x")):
            self.assertEqual(run(*words).returncode, 2, words)
        broken = self.chart("<state>")
        done = run("--config", CONFIG, broken)
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertIn("chart.scxml:3: ", done.stderr)


if __name__ == "__main__":
    unittest.main()
