"""Offers reach an agency's folder as files, its answers travel back, and a case comes to its end through adapters only."""

import csv
import json
import time
import unittest

from world import ROOT, World, read_table, wait_for

EXAMPLE = ROOT / "config" / "processes" / "release" / "examples" / "completed.jsonl"
CASE = "86-2026-00001"
EMPLOYMENT = "employment-surgut"
OFFER_DAY = "2026-07-03"
ANSWERS = ("Направление;Предложение;Ответ;Дата;Причина;Примечание", "{case};1;принято;06.07.2026;;да",
           "{case};1;не знаю;06.07.2026;;", "{case};1;отложено;31.02.2026;;", "{case};7;принято;06.07.2026;;")


def events():
    lines = [json.loads(line) for line in EXAMPLE.read_text(encoding="utf-8").splitlines()]
    return sorted((line for line in lines if "event" in line), key=lambda line: line["at"])


class Answers(World):
    participants = ("ufsin", "provider-surgut", "uszn-surgut", "wg-surgut", EMPLOYMENT)

    def setUp(self):
        super().setUp()
        self.engine.start("--clock", "virtual", "--start", "2025-09-01")
        self.ufsin = self.adapter("ufsin", "ufsin")
        self.others = self.adapter("provider", *self.participants[1:])

    def put(self, event):
        """Into the folder of its sender, or, for every second one, into the common folder with the sender named."""
        line = {"event": event["event"], "case": event["case"], "data": event["data"], "occurred_at": event["at"]}
        adapter = self.ufsin if event["as"] == "ufsin" else self.others
        self.count = getattr(self, "count", 0) + 1
        name = "%04d.jsonl" % self.count
        own = adapter is self.others and self.count % 2 == 0
        text = json.dumps(line if own else {"as": event["as"], **line}, ensure_ascii=False) + "\n"
        adapter.put(name, text.encode(), event["as"] if own else "")
        return adapter, name

    def play(self, lines):
        for event in lines:
            self.advance(event["at"])
            adapter, name = self.put(event)
            self.advance(event["at"])
            self.assertEqual({"принято": 1}, adapter.states(name), event)

    def deliveries(self, participant, kind=None):
        found = [json.loads(path.read_text(encoding="utf-8")) for path in self.others.out(participant)
                 if path.suffix == ".json"]
        return [delivery for delivery in found if kind in (None, delivery["delivery"])]

    def test_a_case_comes_to_its_end_through_folders(self):
        lines = [event for event in events() if event["event"] != "referral.accepted"]
        before = [event for event in lines if event["at"][:10] <= OFFER_DAY]
        self.play(before)
        offer = self.assert_offered()
        self.advance("2026-07-06T09:00:00+05:00")
        self.assert_answers_of_a_table(offer["case_id"])
        self.play(event for event in lines if event["at"][:10] > OFFER_DAY)
        self.advance("2027-01-15")
        shown = self.engine.rows("case", "show", CASE)[0]
        self.assertNotEqual("open", shown["state"])
        self.assert_nothing_left()
        self.assert_rehearsal_agrees("2027-01-15")
        self.assertEqual(0, self.others.stop())
        self.assertEqual(0, self.ufsin.stop())

    def assert_offered(self):
        """The offer lies there as JSON and as a row; the adapter itself has told that it was delivered."""
        offers = self.deliveries(EMPLOYMENT, "offer")
        self.assertEqual(1, len(offers))
        tables = [path for path in self.others.out(EMPLOYMENT) if path.name.startswith("направления-")]
        self.assertEqual(1, len(tables))
        rows = read_table(tables[0])
        self.assertEqual([str(offers[0]["position"])], [row["№"] for row in rows])
        self.assertEqual("Тестов", rows[0]["Фамилия"])
        self.assertRegex(rows[0]["Направлено"], r"^\d\d\.\d\d\.2026$")
        delivered = [line for line in self.journal() if line["event"] == "referral.delivered"]
        self.assertEqual([EMPLOYMENT], [line["as"] for line in delivered])
        return offers[0]

    def assert_answers_of_a_table(self, case):
        text = "\n".join(ANSWERS).format(case=case)
        self.others.put("ответы.csv", text.encode("cp1251"), EMPLOYMENT)
        self.advance("2026-07-06T10:00:00+05:00")
        self.assertEqual({"принято": 1, "отклонено": 3}, self.others.states("ответы.csv"),
                         self.others.results("ответы.csv"))
        rejected = self.others.rejected("ответы.csv.rejected.csv").read_text(encoding="utf-8")
        self.assertIn("«Ответ»", rejected)
        self.assertIn("такой даты не бывает", rejected)
        self.assertIn("предложени", rejected)

    def test_a_folder_speaks_for_its_owner_only(self):
        line = {"event": "consultation.held", "case": CASE, "data": {"held_on": "2025-09-01", "form": "online"}}
        text = "".join(json.dumps(event) + "\n" for event in (
            {"as": "uszn-surgut", **line}, {"as": "provider-surgut", **line}, {"as": "nobody", **line}))
        self.others.put("a.jsonl", text.encode(), "provider-surgut")
        self.others.put("b.jsonl", (text + json.dumps(line)).encode())
        self.advance("2025-09-02")
        reasons = [row["Причина"] for row in self.others.results("a.jsonl")]
        self.assertIn("не тот, чья это папка", reasons[0])
        self.assertIn("не тот, чья это папка", reasons[2])
        reasons = [row["Причина"] for row in self.others.results("b.jsonl")]
        self.assertIn("не обслуживается", reasons[2])
        self.assertIn("Не указан отправитель", reasons[3])

    def test_deliveries_survive_kills_without_loss_or_double(self):
        before = [event for event in events() if event["at"][:10] <= OFFER_DAY]
        for event in before:
            self.advance(event["at"])
            self.put(event)
            advancing = self.begin_advance(event["at"])
            time.sleep(0.02)
            self.others.kill()
            self.others.start()
            _, err = advancing.communicate(timeout=120)
            self.assertEqual(0, advancing.returncode, err)
        self.advance("2026-07-04")
        wait_for(lambda: not self.others.left_over())
        for participant in self.others.participants:
            positions = [delivery["position"] for delivery in self.deliveries(participant)]
            self.assertEqual(list(range(1, len(positions) + 1)), positions)
            for path in self.others.out(participant):
                if path.suffix == ".csv":
                    with open(path, encoding="utf-8-sig", newline="") as file:
                        numbers = [row["№"] for row in csv.DictReader(file, delimiter=";")]
                    self.assertEqual(sorted(set(numbers), key=int), numbers)
        self.assertEqual(1, len(self.deliveries(EMPLOYMENT, "offer")))
        delivered = [line for line in self.journal() if line["event"] == "referral.delivered"]
        self.assertEqual(1, len(delivered))
        self.assert_rehearsal_agrees("2026-07-04")


if __name__ == "__main__":
    unittest.main(verbosity=2)
