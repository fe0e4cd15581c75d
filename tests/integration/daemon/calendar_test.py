"""The production calendar is amended while the engine works: shown before it is done, durable, recounted across a kill."""

import json
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import daemon_test  # noqa: E402
from engine import ROOT, Engine, finish  # noqa: E402

WORKER = "provider-surgut"
HEADER = "date,kind,note"


def year(number, *more, without=()):
    """The rows of one year of config/calendar with some more, as a file."""
    rows = (ROOT / "config" / "calendar" / "ru.csv").read_text().splitlines()
    rows = [row for row in rows if row.startswith("%d-" % number) and row[:10] not in without]
    return "\n".join([HEADER, *sorted(rows + list(more))]) + "\n"


def application(number, day):
    return {"as": WORKER, "event": "application.received", "case": "sup-%d" % number, "data": {
        "kind": "social-services", "received_on": day, "number": str(number), "municipality": "surgut", "surname": "Неразглашаемов"}}


class Calendar(unittest.TestCase):
    play_day = daemon_test.Daemon.play_day
    assert_rehearsal_agrees = daemon_test.Daemon.assert_rehearsal_agrees

    def setUp(self):
        self.engine = Engine((WORKER, "uszn-surgut", "wg-surgut"))
        self.addCleanup(self.engine.close)

    def file(self, text, name="amended.csv"):
        path = self.engine.folder / name
        path.write_text(text)
        return path

    def due_days(self, state="open"):
        return {row["case"].split("/")[0]: row["due"] for row in self.engine.rows("deadline", "list", "--state", state)
                if row["id"] == "programme-approval"}

    def show(self):
        rows = self.engine.rows("calendar", "show")
        return rows[0], {row["year"]: row for row in rows[1:]}

    def load(self, text, *words):
        done = self.engine.ask("calendar", "import", self.file(text), *words)
        self.assertEqual(0, done.returncode, done.stderr)
        return done

    def begin(self, count=3):
        self.engine.start("--clock", "virtual", "--start", "2026-02-01")
        self.play_day("2026-02-02", [application(number, "2026-02-02") for number in range(1, count + 1)])
        self.assertEqual({"2026-02-16"}, set(self.due_days().values()))

    # ---- shown, done, kept ----

    def test_a_preview_shows_the_difference_and_changes_nothing(self):
        self.begin()
        before = self.engine.export("outcome").read_bytes(), self.engine.export("journal").read_bytes()
        amended = self.file(year(2026, "2026-02-10,off,перенос"))
        shown = self.engine.ask("calendar", "import", amended, "--preview", "--rows", 2)
        self.assertEqual(0, shown.returncode, shown.stderr)
        for text in ("Изменится случаев: 3", "16.02.2026", "17.02.2026", "и ещё", "Ничего не изменено"):
            self.assertIn(text, shown.stdout)
        self.assertNotIn("Неразглашаемов", shown.stdout)
        rows = self.engine.rows("calendar", "import", amended, "--preview")
        changes = [row for row in rows if row["type"] == "change" and row["deadline"] == "programme-approval"]
        self.assertEqual({("2026-02-16", "2026-02-17", "open", "open")},
                         {(row["old"], row["new"], row["was"], row["state"]) for row in changes})
        self.assertEqual(3, len(changes))
        as_json = json.loads(self.engine.ask("calendar", "import", amended, "--preview", "--json").stdout)
        self.assertEqual(rows[1:], as_json[1:])
        self.assertEqual(before, (self.engine.export("outcome").read_bytes(), self.engine.export("journal").read_bytes()))
        self.assertEqual(0, self.show()[0]["imports"])

    def test_an_import_recounts_and_is_kept_over_a_kill_and_in_a_copy(self):
        self.begin()
        done = self.load(year(2026, "2026-02-10,off,перенос"))
        for text in ("запись журнала", "Изменилось случаев: 3", "пересчитано случаев"):
            self.assertIn(text, done.stdout + done.stderr)
        self.assertEqual({"2026-02-17"}, set(self.due_days().values()))
        self.engine.kill()
        self.engine.start()
        self.assertEqual({"2026-02-17"}, set(self.due_days().values()))
        state, years = self.show()
        self.assertEqual((1, False, 3), (state["imports"], state["recounting"], state["changed"]))
        self.assertEqual(("import", "operator"), (years[2026]["source"], years[2026]["by"]))
        self.assertTrue(years[2026]["another_in_config"])
        self.assertEqual("config", years[2025]["source"])
        self.assertIn("загружен", self.engine.ask("calendar", "show").stdout)
        kinds = [row["kind"] for row in self.engine.rows("case", "timeline", "sup-1")]
        self.assertEqual(1, kinds.count("recount"))
        explained = [row["explanation"] for row in self.engine.rows("case", "show", "sup-1") if row.get("id") == "programme-approval"]
        self.assertIn("10.02,", explained[0])
        self.play_day("2026-02-17", [application(9, "2026-02-09")])
        self.engine.advance("2026-02-18T09:00:00+05:00")
        self.assertEqual({"2026-02-17"}, {due for case, due in self.due_days("missed").items() if case != "sup-9"})
        self.copy_is_whole()
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")

    def copy_is_whole(self):
        copy, data = self.engine.folder / "copy", self.engine.folder / "restored"
        key = self.engine.keys / "server.pub"
        done = self.engine.ask("backup", "--out", copy)
        self.assertEqual(0, done.returncode, done.stderr)
        self.engine.must("restore", copy, "--to", data, "--keys", key)
        self.engine.must("audit", "verify", "--data", data, "--keys", key)
        before = self.show()
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        (self.engine.folder / "data").rename(self.engine.folder / "first")
        data.rename(self.engine.folder / "data")
        self.engine.start()
        self.assertEqual(before, self.show())

    def test_the_same_file_again_changes_nothing(self):
        self.begin(1)
        text = year(2026, "2026-02-10,off,перенос")
        self.load(text)
        before = self.engine.export("journal").read_bytes()
        head = self.engine.rows("status")[0]["journal"]
        self.assertIn("ничего не изменилось", self.load(text).stdout)
        self.assertIn("ничего не изменит", self.load(text, "--preview").stdout)
        self.assertEqual(head, self.engine.rows("status")[0]["journal"])
        self.assertEqual(before, self.engine.export("journal").read_bytes())

    def test_a_term_past_the_loaded_years_becomes_firm(self):
        self.engine.start("--clock", "virtual", "--start", "2027-12-20")
        self.play_day("2027-12-27", [application(1, "2027-12-27")])
        provisional = self.due_days("provisional")
        self.assertEqual(["sup-1"], list(provisional))
        holidays = ["2028-01-%02d,off,каникулы" % day for day in range(1, 11)]
        fixed = ["2028-%s,off,праздник" % day for day in ("02-23", "03-08", "05-01", "05-09", "06-12", "11-04")]
        self.load("\n".join([HEADER, *holidays, *fixed]) + "\n")
        self.assertEqual({}, self.due_days("provisional"))
        self.assertGreater(self.due_days()["sup-1"], provisional["sup-1"])
        self.assertEqual(2028, self.show()[0]["last_year"])

    # ---- what a correction makes of it ----

    def test_a_correction_goes_through_the_import_too(self):
        self.begin(1)
        self.play_day("2026-02-03", [{"as": WORKER, "event": "programme.drafted", "case": "sup-1",
                                      "data": {"need_established_on": "2026-02-03"}}])
        self.load(year(2026, "2026-02-10,off,перенос"))
        self.engine.advance("2026-02-04T09:00:00+05:00")
        self.play_day("2026-02-05", [{"as": WORKER, "event": "event.annulled", "case": "sup-1",
                                      "data": {"event": "programme.drafted"}}])
        self.assertEqual({"sup-1": "2026-02-17"}, self.due_days())
        self.load(year(2026, "2026-02-10,off,перенос", "2026-02-11,off,перенос"))
        self.assertEqual({"sup-1": "2026-02-18"}, self.due_days())
        self.engine.advance("2026-12-31")
        self.assert_rehearsal_agrees("2026-12-31")

    # ---- what is refused ----

    def test_what_is_wrong_is_said_with_its_line_and_nothing_happens(self):
        self.begin(1)
        head = self.engine.rows("status")[0]["journal"]
        hostile = {
            "": "пуст",
            "что-то другое\n": "строка 1",
            year(2026, "2026-02-10,holiday,"): "off, work или short",
            year(2026, "2026-02-30,off,"): "такой даты нет",
            year(2026, "2026-02-10,off,\"не закрыта"): "CSV",
            year(2026, without=("2026-06-12",)): "12.06.2026",
            year(2026, "2026-02-10,off,\x01"): "управляющий",
            year(2026).replace("2026-", "2036-"): "нет 2028 года",
            HEADER + "\n" + "".join("2026-02-10,off,%d\n" % number for number in range(9000)): "по возрастанию",
            HEADER + "\n2026-01-01,off," + "й" * 40000 + "\n": "слишком длинная строка",
            HEADER + "\n" + "x" * 300000: "",
        }
        for text, told in hostile.items():
            for words in ((), ("--preview",)):
                done = self.engine.ask("calendar", "import", self.file(text), *words)
                self.assertIn(done.returncode, (3, 4, 5), (told, done.stderr))
                self.assertIn(told, done.stderr)
        self.engine.folder.joinpath("latin.csv").write_bytes(b"date,kind,note\n2026-01-01,off,\xff\n")
        self.assertEqual(5, self.engine.ask("calendar", "import", self.engine.folder / "latin.csv").returncode)
        self.assertEqual(3, self.engine.ask("calendar", "import", self.engine.folder / "missing.csv").returncode)
        self.assertNotEqual(0, self.engine.ask("calendar", "import", self.file(year(2026, "2026-02-10,off,")),
                                               name="reader").returncode)
        self.assertEqual(0, self.engine.ask("calendar", "show", name="reader").returncode)
        self.assertEqual(head, self.engine.rows("status")[0]["journal"])

    # ---- on the system clock, killed in the middle ----

    def test_kills_in_the_middle_of_a_recount_lose_nothing(self):
        count, today = 300, time.strftime("%Y-%m-%d", time.gmtime(time.time() + 5 * 3600))
        self.engine.start("--clock", "system")
        sending = self.engine.submit([application(number, today) for number in range(1, count + 1)], wait=120)
        self.assertEqual(0, finish(sending)[0])
        before = self.due_days()
        self.assertEqual(count, len(before))
        first = before["sup-1"]
        number = int(first[:4])
        moved = self.file(year(number, "%s,off,перенос" % first))
        self.assertEqual(0, self.engine.ask("calendar", "import", moved, "--no-wait").returncode)
        kills = 0
        while kills < 4:
            self.engine.kill()
            self.engine.start("--clock", "system")
            kills += 1
            late = self.engine.submit([application(1000 + kills, today)], wait=60, spool="late-%d.db" % kills)
            self.assertEqual(0, finish(late)[0])
        self.engine.wait_until(lambda: not self.show()[0]["recounting"])
        after = self.due_days()
        self.assertEqual(count + kills, len(after))
        self.assertEqual(1, len(set(after.values())))
        self.assertGreater(after["sup-1"], first)
        journal = [json.loads(line) for line in self.engine.export("journal").read_text().splitlines()]
        recounts = [line["case"] for line in journal if "recount" in line]
        self.assertEqual(sorted(before), sorted(recounts))
        self.assertEqual(1, len([line for line in journal if "recounted" in line]))
        self.assert_rehearsal_agrees(today)


if __name__ == "__main__":
    unittest.main()
