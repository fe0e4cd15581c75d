"""The terms of the documents, row by row (deadlines.csv), are those that the charts count.

  deadlines_test.py KURATOR SOURCE_DIR

A row names the deadline, its anchor, its term and how it ends. What meets it, whose it is and on what clause it rests is compared
with the chart; anchor and term with what the examples have come to, run with the settings as they stand: there has to be one in
which the term is counted from the date that the anchor's event carries, and one in which that is another day than the one on which
the message came in. An anchor in capitals is no field of a message: ANCHORS says how it is known. A deadline that no row names is a
house rule and says so.
"""

import csv
import datetime as dt
import os
import sys
import unittest

from coverage_test import K, SOURCE, chart_of, read_examples

ROWS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deadlines.csv")
HOUSE_RULE = "правило по умолчанию"
DAY = dt.timedelta(days=1)


def day(text):
    return dt.date.fromisoformat(text)


def is_month_end(example, row):
    return (day(row["from"]) + DAY).day == 1


def is_quarter_end(example, row):
    return is_month_end(example, row) and day(row["from"]).month % 3 == 0


def is_day_of_offer(example, row):
    return any(line["kind"] == "offer" and line["data"]["offered_on"] == row["from"] for line in example.of("delivery"))


def is_term_end(example, row):
    """The last day of the support before a day off moves it: the deadline on the term itself is at most some days later."""
    ends = [day(other["due"]) for other in example.deadlines() if other["id"] == "term-end"]
    return any(0 <= (end - day(row["from"])).days <= 12 for end in ends)


ANCHORS = {"MONTH-END": is_month_end, "QUARTER-END": is_quarter_end, "OFFER": is_day_of_offer, "TERM-END": is_term_end}


def said(example, event, field):
    """(date in the data, date on which it was recorded) of each such message; "a.b": field b of each entry of a."""
    for row in example.sent(event):
        value = row["data"].get(field.split(".")[0])
        values = [item.get(field.split(".")[1]) for item in value] if isinstance(value, list) else [value]
        for date in values:
            yield date, row["at"][:10]


class Deadlines(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        with open(ROWS, encoding="utf-8", newline="") as file:
            cls.rows = list(csv.DictReader(file))
        cls.found = {}
        for examples in read_examples().values():
            for example in (e for e in examples if not e.head.get("settings")):
                for line in example.deadlines():
                    cls.found.setdefault((line["process"], line["id"].split(":")[0]), []).append((example, line))

    def elements(self, row):
        tag = K + ("referrals" if row["id"] == "measure" else "deadline")
        chart = chart_of(row["process"])
        return [e for e in chart.iter(tag) if row["id"] in ("measure", e.get("id"))]

    def test_what_meets_and_ends_it_and_whose_it_is(self):
        for row in self.rows:
            found = self.elements(row)
            self.assertTrue(found, row)
            for element in found:
                with self.subTest(process=row["process"], id=row["id"]):
                    met_by = element.get("met") if row["id"] == "measure" else element.get("met-by")
                    self.assertEqual(set(row["met by"].split()), set(met_by.split()))
                    self.assertEqual(set(row["ends by"].split()), set(element.get("ends-by", "").split()))
                    self.assertEqual(row["owner"], element.get("owner"))
                    self.assertIn(row["clause"], element.get("basis"))
                    self.assertEqual(row["opens"], element.get("opens", ""))
                    self.assertIn(element.get("shift", ""), (row["shift"], ""))

    def counted(self, row, example, line):
        """Whether this deadline of the example is counted as the row says."""
        if row["term"] and line["term"] != row["term"]:
            return False
        if row["anchor"] in ANCHORS:
            return ANCHORS[row["anchor"]](example, line)
        return any(date == line["from"] for date, _ in said(example, *row["anchor"].split()))

    def test_the_anchor_and_the_term(self):
        for row in self.rows:
            with self.subTest(process=row["process"], id=row["id"], anchor=row["anchor"]):
                lines = self.found.get((row["process"], row["id"]), [])
                self.assertTrue(any(self.counted(row, example, line) for example, line in lines))

    def test_it_is_never_the_day_on_which_the_message_came(self):
        for row in (row for row in self.rows if row["anchor"] not in ANCHORS):
            with self.subTest(process=row["process"], id=row["id"], anchor=row["anchor"]):
                another = [example.name for example, line in self.found[row["process"], row["id"]]
                           for date, recorded in said(example, *row["anchor"].split())
                           if date == line["from"] != recorded and self.counted(row, example, line)]
                self.assertTrue(another, "no example tells the two days apart")

    def test_who_hears_of_a_miss(self):
        """Worker, then the office, then the sitting: 002 п. 4.8. The owner and the agenda are the engine's."""
        for process in sorted({row["process"] for row in self.rows}):
            roles = {element.get("role") for element in chart_of(process).iter(K + "notify")
                     if element.get("template") in ("deadline-missed", "executor-silent", "organisation-silent")}
            with self.subTest(process=process):
                self.assertIn("uszn", roles)

    def test_what_no_document_names_is_called_a_house_rule(self):
        named = {(row["process"], row["id"]) for row in self.rows}
        folder = os.path.join(SOURCE, "config", "processes")
        for process in sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name))):
            for element in chart_of(process).iter(K + "deadline"):
                if (process, element.get("id")) not in named:
                    with self.subTest(process=process, id=element.get("id")):
                        self.assertIn(HOUSE_RULE, element.get("basis"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
