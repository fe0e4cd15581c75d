"""kurator doctor finds what is wrong, says why and what to do; and finds nothing where nothing is."""

import json
import os
import pathlib
import re
import shutil
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import example, notice  # noqa: E402
from engine import ROOT, Engine, finish  # noqa: E402

ASKED_OF_ITSELF = {"store", "disk", "participants", "incidents", "clock", "calendar", "keys", "config"}


class Doctor(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin", "provider-surgut", "wg-surgut"))
        self.addCleanup(self.engine.close)
        self.engine.config = self.engine.folder / "config"
        shutil.copytree(ROOT / "config", self.engine.config)

    def findings(self, *words):
        """check → its findings. A full disk is this computer's business."""
        result = self.engine.ask("doctor", "-o", "json", *words)
        rows = json.loads(result.stdout)
        found = {}
        for row in rows:
            if not row["ok"]:
                for field in ("what", "why", "do"):
                    self.assertRegex(row[field], "[а-я]{3}")
                found.setdefault(row["check"], []).append(row["what"])
        self.assertEqual(1 if found else 0, result.returncode, result.stderr)
        self.assertTrue(ASKED_OF_ITSELF <= {row["check"] for row in rows} or "reachable" in found)
        found.pop("disk", None)
        return found

    def send(self, day, *events):
        sending = self.engine.submit(events)
        self.engine.advance(day + "T12:00:00+05:00", *sorted({event["as"] for event in events}))
        finish(sending)

    def test_a_healthy_engine_has_nothing_to_complain_of(self):
        self.engine.start()
        self.assertEqual({}, self.findings())
        self.assertEqual(0, self.engine.stop())
        self.engine.start("--clock", "system")
        found = self.findings()
        self.assertLessEqual(set(found), {"calendar"})  # of the day on which this test runs

    def metrics(self, *words, code=0):
        """Name with labels → number, each declared once before its first number."""
        path = self.engine.folder / "kurator.prom"
        result = self.engine.ask("status", "--prometheus", "--out", path, *words)
        self.assertEqual(code, result.returncode, result.stderr)
        text = path.read_text()
        self.assertTrue(text.endswith("\n") and text.isascii(), text)
        declared, numbers = {}, {}
        for line in text.splitlines():
            comment = re.fullmatch(r"# (HELP|TYPE) (kurator_[a-z_]+) (\S.*)", line)
            if comment:
                declared.setdefault(comment[2], []).append(comment[1])
                continue
            number = re.fullmatch(r'(kurator_[a-z_]+)(?:\{(?:[a-z]+="[A-Za-z0-9_-]+",?)+\})? (-?\d+)', line)
            self.assertTrue(number, line)
            self.assertEqual(["HELP", "TYPE"], declared[number[1]])
            self.assertNotIn(line.split()[0], numbers)
            numbers[line.split()[0]] = int(number[2])
        return numbers

    def test_programs_that_watch_get_numbers_and_no_case(self):
        self.assertEqual({"kurator_up": 0}, self.metrics("--timeout", "1", code=7))
        self.engine.start()
        self.send("2024-01-10", notice("86-2024-00001"),
                  {"as": "provider-surgut", "event": "visit.done", "case": "86-2024-00009", "data": {"phase": "before"}})
        numbers = self.metrics()
        self.assertEqual((1, 2, 1), tuple(numbers["kurator_" + name] for name in ("up", "journal_entries", "incidents_open")))
        self.assertLess(0, numbers["kurator_store_bytes"])
        self.assertLess(numbers["kurator_store_bytes"], numbers["kurator_store_bytes_max"])
        self.assertEqual(0, numbers['kurator_participant_connected{participant="wg-surgut",kind="working_group"}'])
        self.assertNotIn("kurator_backup_timestamp_seconds", numbers)
        self.assertEqual(0, self.engine.ask("backup", "--out", self.engine.folder / "copy").returncode)
        self.assertLess(0, self.metrics()["kurator_backup_timestamp_seconds"])
        for secret in ("86-2024", "Неразглашаемов"):
            self.assertNotIn(secret, (self.engine.folder / "kurator.prom").read_text())
        self.assertEqual(2, self.engine.ask("status", "--out", self.engine.folder / "x").returncode)

    def test_nobody_there_is_told_with_what_to_do(self):
        self.assertEqual({"reachable"}, set(self.findings("--timeout", "1")))
        result = self.engine.ask("doctor", "--timeout", "1")
        self.assertEqual(1, result.returncode)
        self.assertIn("что делать:", result.stdout)

    def test_an_open_incident_and_its_parked_case_are_found(self):
        self.engine.start()
        self.send("2024-01-10", {"as": "provider-surgut", "event": "visit.done", "case": "86-2024-00009",
                                 "data": {"phase": "before", "visited_on": "2024-01-09"}})
        self.assertEqual({"incidents": ["не разобрано сбоев: 1"]}, self.findings())
        incident, = self.engine.rows("incident", "list")
        self.engine.ask("incident", "resolve", "86-2024-00009", str(incident["incident"]))
        self.engine.advance("2024-01-11")
        self.assertEqual({}, self.findings())

    def test_a_participant_for_whom_something_waits_is_missed(self):
        self.engine.start()
        self.send("2024-01-10", notice("86-2024-00001"))
        self.engine.advance("2024-12-31")
        waiting = [row for row in self.engine.rows("participant", "list") if row["stream"] > row["acknowledged"]]
        self.assertTrue(waiting)
        for days, missed in (("3", [row for row in waiting if not row["sequence"] and "seen" not in row]),
                             ("0", waiting)):
            found = self.findings("--silent-days", days).get("participants", [])
            self.assertEqual({row["participant"] for row in missed}, {what.split()[1] for what in found})

    def test_a_calendar_that_ends_is_found_while_there_is_time(self):
        self.engine.start("--clock", "virtual", "--start", "2027-10-30")
        self.assertEqual({}, self.findings())
        self.engine.advance("2027-11-10")
        self.assertEqual({"calendar"}, set(self.findings()))

    def test_changed_settings_and_open_keys_are_found(self):
        self.engine.start()
        with open(self.engine.config / "processes" / "release" / "settings.yaml", "a", encoding="utf-8") as file:
            file.write("# changed\n")
        os.chmod(self.engine.keys / "master", 0o644)
        found = self.findings()
        self.assertEqual({"config", "keys"}, set(found))
        self.assertIn("master", found["keys"][0])
        os.chmod(self.engine.keys / "master", 0o600)
        shutil.copytree(ROOT / "config", self.engine.config, dirs_exist_ok=True)
        (self.engine.config / "notes.txt").write_text("not a setting")
        self.assertEqual({}, self.findings())

    def fill(self, enough):
        """Notices in batches of 5, whose spare pages are few, until the store is filled so far or takes no more."""
        (self.engine.config / "kurator.yaml").write_text(
            "store: {map_mib: 8, map_max_mib: 8}\nlimits: {batch_messages: 5}\n")
        self.engine.start()
        self.assertNotIn("store", self.findings())
        for batch in range(200):
            events = [notice("86-2024-%05d" % number) for number in range(batch * 20 + 1, batch * 20 + 21)]
            sending = self.engine.submit(events, wait=20)
            self.addCleanup(sending.communicate)
            self.addCleanup(sending.kill)
            if self.engine.ask("clock", "advance", "--to", "2024-01-10T12:00:00+05:00", "--expect", "ufsin",
                               "--timeout", "4").returncode:
                return
            finish(sending)
            status = self.engine.rows("status")[0]
            if status["store_bytes"] > enough * status["store_bytes_max"]:
                return

    def test_a_store_that_is_nearly_full_is_found(self):
        self.fill(0.805)
        self.assertRegex(self.findings()["store"][0], r"база (занята на|заполнена, сообщения ждут; занято) 8\d %")

    def test_a_store_that_takes_no_more_is_found(self):
        self.fill(2)
        self.assertRegex(self.findings()["store"][0], r"сообщения ждут")


if __name__ == "__main__":
    unittest.main(verbosity=2)
