"""A further process is added by adding its folder: nothing else is touched, nothing is built anew.

  sixth_test.py KURATOR CONFIG_DIR

The folder is rental/, the worked example of CONTRIBUTING.md.
"""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, CONFIG = sys.argv[1], sys.argv[2]
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rental")


def only_in_one(compared):
    """What differs between two trees, as paths."""
    found = compared.left_only + compared.right_only + compared.diff_files + compared.funny_files
    for name, below in compared.subdirs.items():
        found += [os.path.join(name, path) for path in only_in_one(below)]
    return found


class Sixth(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="kurator-sixth-")
        self.addCleanup(self.folder.cleanup)
        self.config = self.path("config")
        self.rental = os.path.join(self.config, "processes", "rental")
        shutil.copytree(CONFIG, self.config)
        shutil.copytree(FOLDER, self.rental)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def kurator(self, *words):
        done = subprocess.run([KURATOR, *words], capture_output=True, check=False, timeout=200)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def assert_right(self, *words):
        code, text = self.kurator(*words)
        self.assertEqual(code, 0, text)
        return text

    def rehearse(self, lines):
        with open(self.path("events.jsonl"), "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
        self.assert_right("rehearse", "--processes", os.path.join(self.config, "processes"), "--events", self.path("events.jsonl"),
                          "--until", "2026-12-31", "--out", self.path("out.jsonl"))
        with open(self.path("out.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    @staticmethod
    def told(day, event, case, **data):
        return {"at": "2026-%sT10:00:00+05:00" % day, "as": "provider-surgut", "event": event, "case": case, "data": data}

    def test_nothing_but_the_folder_is_added(self):
        self.assertEqual(only_in_one(filecmp.dircmp(CONFIG, self.config)), [os.path.join("processes", "rental")])

    def test_the_configuration_with_it_is_right(self):
        self.assert_right("config", "check", "--config", self.config)
        self.assertIn("errors: 0, warnings: 0", self.assert_right("chart", "lint", self.rental, "--config", self.config))
        self.assertIn("Прокат", self.assert_right("chart", "table", "rental", "--config", self.config))

    def test_its_examples_end_as_they_promise_and_those_of_the_others_too(self):
        self.assertRegex(self.assert_right("process", "test", "rental", "--config", self.config), r"\n[1-9][0-9]* passed, 0 failed\n$")
        self.assert_right("process", "test", "intake", "--config", self.config, "--quiet")

    def test_its_topic_starts_it_and_other_appeals_start_what_they_did(self):
        about = {"received_on": "2026-04-06", "municipality": "surgut", "surname": "Тестов"}
        rows = self.rehearse([
            self.told("04-06", "appeal.received", "rent-1", topic="equipment-rental", **about),
            self.told("04-06", "appeal.received", "app-1", topic="another", **about),
            self.told("04-06", "appeal.received", "app-2", **about),
            self.told("04-07", "needs.assessed", "rent-1", assessed_on="2026-04-07", needed=True),
            self.told("04-09", "assistance.given", "rent-1", assisted_on="2026-04-09", kind="technical"),
        ])
        cases = {row["case"]: (row["process"], row["ground"]) for row in rows if row["type"] == "case"}
        self.assertEqual(cases, {"rent-1": ("rental", "handed-over"), "app-1": ("intake", None), "app-2": ("intake", None)})
        states = {row["id"]: row["state"] for row in rows if row["type"] == "deadline" and row["process"] == "rental"}
        self.assertEqual(states, {"rental-answer": "met", "rental-handover": "met"})

    def test_its_own_document_stands_in_its_cases_and_in_no_others(self):
        about = {"received_on": "2026-04-06", "municipality": "surgut", "surname": "Тестов"}
        rows = self.rehearse([
            self.told("04-06", "appeal.received", "rent-1", topic="equipment-rental", **about),
            self.told("04-06", "appeal.received", "app-1", topic="another", **about),
            self.told("04-07", "needs.assessed", "rent-1", assessed_on="2026-04-07", needed=True),
            self.told("04-08", "assistance.given", "app-1", assisted_on="2026-04-08", kind="technical"),
            self.told("04-09", "assistance.given", "rent-1", assisted_on="2026-04-09", kind="technical"),
        ])
        documents = [(row["case"], row["kind"], row["edition"], row["state"]) for row in rows if row["type"] == "document"]
        self.assertEqual(documents, [("rent-1", "rental-receipt", 1, "signed")])

    def test_documents_that_cannot_be_are_named(self):
        head = "documents:\n  - {kind: %s, title: a, basis: b, form: %s, seen_by: [uszn]}\nevents:\n  - {event: %s, kind: %s, state: %s}\n"
        for values, word in (
                (("consent", "rental/handover", "assistance.given", "consent", "signed"), "consent"),
                (("paper", "rental/handover", "nothing.such", "paper", "signed"), "nothing.such"),
                (("paper", "rental/handover", "assistance.given", "other", "signed"), "other"),
                (("paper", "rental/handover", "assistance.given", "paper", "lost"), "lost"),
                (("paper", "rental/nothing", "assistance.given", "paper", "signed"), "rental/nothing"),
                (("paper", "rental/answer", "assistance.given", "paper", "signed"), "rental/answer")):
            with open(os.path.join(self.rental, "documents.yaml"), "w", encoding="utf-8") as file:
                file.write(head % values)
            code, told = self.kurator("config", "check", "--config", self.config)
            self.assertEqual(code, 5, told)
            self.assertIn(word, told)

    def assert_refused(self, text, line, *words):
        with open(os.path.join(self.rental, "starts.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        code, told = self.kurator("config", "check", "--config", self.config)
        self.assertEqual(code, 5, told)
        self.assertRegex(told, r"rental/starts\.yaml:%d:" % line)
        for word in words:
            self.assertIn(word, told)

    def test_two_processes_never_claim_the_same_message(self):
        self.assert_refused("starts:\n  - {event: appeal.received}\n", 2, "intake")
        self.assert_refused("starts:\n  - {event: appeal.received, field: topic, value: a}\n\n"
                            "  - {event: application.received, field: subject, value: family}\n", 4, "family")
        self.assert_refused("starts:\n  - {event: application.received, field: kind, value: support}\n", 2, "family")

    def test_two_folders_that_claim_the_same_are_named(self):
        shutil.copytree(self.rental, os.path.join(self.config, "processes", "again"))
        code, told = self.kurator("config", "check", "--config", self.config)
        self.assertEqual(code, 5, told)
        self.assertTrue(re.search(r"rental/starts\.yaml:3:", told) and '«again»' in told, told)

    def test_what_could_never_start_it_is_named(self):
        self.assert_refused("starts:\n  - {event: nothing.such}\n", 2, "nothing.such")
        self.assert_refused("starts:\n  - {event: application.received, field: subject, value: dog}\n", 2, "dog")
        self.assert_refused("starts:\n  - {event: appeal.received, field: caller, value: mother}\n", 2, "caller")
        self.assert_refused("starts:\n  - {event: appeal.received, field: topic}\n", 2, "field и value")
        self.assert_refused("starts:\n  - {evnt: appeal.received}\n", 2, "evnt")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
