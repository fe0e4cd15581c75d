"""Databases that older versions of the program have written are opened, say what they said, and are worked on.

older/*.tar.xz are installations of synthetic persons: data, keys, and the exports that the program which wrote them gave.
  records-1   all records of version 1 (see engine/store/LAYOUT.md); cases keep no process of their own yet
  records-2   journal, cursors, keys, incidents and cases of version 2; cases are pinned to the processes of that day
"""

import json
import pathlib
import shutil
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import notice  # noqa: E402
from engine import Engine, finish  # noqa: E402

OLDER = pathlib.Path(__file__).resolve().parent / "older"
CASE = "86-2026-00001"


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def contains(new, old):
    """Fields may have been added since."""
    return all(new.get(name) == value for name, value in old.items())


class Older(unittest.TestCase):
    def unpack(self, name):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="kurator-older-"))
        self.addCleanup(shutil.rmtree, folder)
        with tarfile.open(OLDER / (name + ".tar.xz")) as archive:
            archive.extractall(folder)  # our own file
        (self.kept,) = folder.iterdir()
        self.engine = Engine(("ufsin",))
        self.addCleanup(self.engine.close)
        for part in ("data", "keys", "hands"):
            shutil.rmtree(self.engine.folder / part, ignore_errors=True)
            shutil.copytree(self.kept / part, self.engine.folder / part)
        self.engine.start("--clock", "virtual")

    def assert_says_what_it_said(self, noun):
        old, new = lines(self.kept / (noun + ".jsonl")), lines(self.engine.export(noun))
        self.assertEqual(len(old), len(new))
        for before, now in zip(old, new):
            self.assertTrue(contains(now, before), (before, now))

    def assert_chain_holds(self):
        """Also behind what this program has added."""
        chain = self.engine.folder / "chain.jsonl"
        self.assertEqual(0, self.engine.ask("audit", "export", "--out", chain).returncode)
        self.engine.must("audit", "verify", "--file", chain, "--keys", self.engine.keys / "server.pub")

    def play(self, day, *events):
        self.engine.advance(day + "T12:00:00+05:00")
        sending = self.engine.submit(list(events))
        self.engine.advance(day + "T12:00:00+05:00", *sorted({event["as"] for event in events}))
        code, receipts, err = finish(sending)
        self.assertNotIn(code, (1, 2, 7), err)
        return receipts

    def restart(self):
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        self.engine.start("--clock", "virtual")

    def check_opened(self, name):
        self.unpack(name)
        self.assert_says_what_it_said("journal")
        self.assert_says_what_it_said("outcome")
        self.restart()
        self.assert_says_what_it_said("outcome")
        shown = self.engine.ask("person", "show", CASE, "--reveal", "--reason", "проверка старой базы", "-o", "jsonl")
        self.assertNotIn("CORRUPT", shown.stderr)
        receipts = self.play("2026-07-21", notice("86-2026-00100", notice_date="2026-07-20", release_date="2027-02-28"))
        self.assertEqual(["accepted"], [line["state"] for line in receipts])
        self.engine.advance("2027-01-31")
        self.assert_chain_holds()

    def test_records_of_version_1_are_read_and_gone_on_with(self):
        self.check_opened("records-1")

    def test_cases_pinned_to_older_processes_go_on_by_them(self):
        self.check_opened("records-2")
        self.assertEqual([], [line for line in self.engine.rows("incident", "list") if line["reason"] != "refused"])
        states = {line["id"]: line["state"] for line in lines(self.engine.export("outcome"))
                  if line["type"] == "deadline" and line["case"] == CASE}
        self.assertEqual("missed", states["implementation-start"])  # nobody has told that it began
        self.assertEqual(0, self.engine.stop(), self.engine.told())


if __name__ == "__main__":
    unittest.main(verbosity=2)
