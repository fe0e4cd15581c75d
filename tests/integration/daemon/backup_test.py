"""A copy that is made under load is a whole engine of one moment: checked, restored, started, rehearsed."""

import datetime as dt
import json
import os
import shutil
import pathlib
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import notice  # noqa: E402
from engine import Engine, finish  # noqa: E402


def cases(first, last):
    return ["86-2024-%05d" % number for number in range(first, last + 1)]


class Backup(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin",))
        self.addCleanup(self.engine.close)
        self.copy = self.engine.folder / "copy"

    def restore(self, *words, copy=None):
        return self.engine.run("restore", copy or self.copy, "--keys", self.engine.keys / "server.pub", *words)

    def backup(self):
        result = self.engine.ask("backup", "--out", self.copy)
        self.assertEqual(0, result.returncode, result.stderr)
        return result.stdout

    def verified(self):
        result = self.restore("--verify", "-o", "json")
        self.assertEqual(0, result.returncode, result.stderr)
        return json.loads(result.stdout)

    def slowest_answer(self, until):
        """While the copy is made the engine answers others."""
        slowest = 0
        while not until.is_set():
            started = time.monotonic()
            self.engine.rows("clock", "show")
            slowest = max(slowest, time.monotonic() - started)
        return slowest

    def test_a_copy_made_under_load_starts_as_an_engine_and_agrees_with_its_journal(self):
        self.engine.start("--clock", "system")
        finish(self.engine.submit([notice(case) for case in cases(1, 1500)]))
        sending = self.engine.submit([notice(case) for case in cases(1501, 3000)])
        self.engine.wait_until(lambda: self.engine.rows("status")[0]["journal"] > 1550)
        over = threading.Event()
        copying = threading.Thread(target=lambda: (self.backup(), over.set()))
        copying.start()
        slowest = self.slowest_answer(over)
        copying.join()
        self.assertLess(slowest, 5)
        code, receipts, err = finish(sending)
        self.assertEqual((0, 1500), (code, len(receipts)), err)
        contents = self.verified()
        self.assertTrue(1500 <= contents["journal_head"] <= 3000, contents)
        self.assertEqual(contents["journal_head"], contents["signed_to"])
        self.assertEqual(contents["journal_head"], contents["cases"])
        self.assertEqual(0, self.engine.stop())
        shutil.move(self.engine.folder / "data", self.engine.folder / "lost")
        result = self.restore("--to", self.engine.folder / "data")
        self.assertEqual(0, result.returncode, result.stderr)
        self.engine.start("--clock", "system")
        self.assertEqual(contents["journal_head"], self.engine.rows("status")[0]["journal"])
        outcome = self.engine.export("outcome").read_text()
        today = dt.datetime.now(dt.timezone(dt.timedelta(hours=5))).date().isoformat()
        self.assertEqual(self.engine.rehearse(self.engine.export("journal"), today).read_text(), outcome)
        self.assertEqual(contents["cases"], len(self.engine.rows("case", "list")))

    def make(self):
        self.engine.start()
        sending = self.engine.submit([notice(case) for case in cases(1, 20)])
        self.engine.advance("2024-01-10T12:00:00+05:00", "ufsin")
        finish(sending)
        return self.backup()

    def test_what_a_copy_holds_is_told_and_it_is_not_written_over(self):
        told = self.make()
        self.assertIn("Ключи", told)
        result = self.restore("--verify")
        self.assertIn("случаев 20", result.stdout)
        self.assertNotIn("Неразглашаемов", result.stdout)
        self.assertEqual(4, self.engine.ask("backup", "--out", self.copy).returncode)
        self.assertEqual(4, self.restore("--to", self.engine.folder / "data").returncode)
        self.assertEqual(2, self.restore().returncode)
        self.assertEqual(5, self.engine.ask("backup", "--out", self.engine.folder / "by-a-reader", name="reader").returncode)
        self.assertFalse((self.engine.folder / "by-a-reader").exists())
        nowhere = self.engine.ask("backup", "--out", "/proc/nowhere/copy")
        self.assertEqual(1, nowhere.returncode)
        self.assertIn("копия не сделана", nowhere.stderr)

    def test_all_that_a_fresh_copy_holds_is_signed(self):
        """Not only what was signed by the way: a copy may be all that is left."""
        self.make()
        contents = self.verified()
        self.assertEqual((20, 20), (contents["journal_head"], contents["signed_to"]))
        told = self.engine.must("audit", "verify", "--data", self.copy, "--keys", self.engine.keys / "server.pub")
        self.assertIn("Записей после последней подписи: 0", told)
        shutil.move(self.copy, self.engine.folder / "first")
        self.backup()  # nothing has happened since
        self.assertEqual(20, self.verified()["signed_to"])

    def test_a_copy_that_is_not_as_it_was_is_not_restored(self):
        self.make()
        data = self.copy / "data.mdb"
        whole = bytearray(data.read_bytes())
        at = whole.rfind(b"release.notice")  # the name of an event in some entry
        self.assertGreater(at, 0)
        journal = [match for match in range(len(whole)) if whole.startswith(b"release.notice", match)]
        for match in journal:
            whole[match:match + 14] = b"release.notiwe"
        data.write_bytes(whole)
        target = self.engine.folder / "new"
        result = self.restore("--to", target)
        self.assertEqual(5, result.returncode, result.stdout + result.stderr)
        self.assertFalse(target.exists())
        for size in (len(whole) // 3, len(whole) - 4096, 5000, 100, 0):
            data.write_bytes(bytes(whole[:size]))
            self.assertIn(self.restore("--to", target).returncode, (1, 5), size)
            self.assertFalse(target.exists())

    def test_one_changed_byte_anywhere_in_a_copy_is_found(self):
        """Also where the journal's chain does not reach: cases, streams, pinned processes."""
        self.make()
        data = self.copy / "data.mdb"
        whole = data.read_bytes()
        self.assertEqual(0, self.restore("--verify").returncode)
        for at in range(len(whole) // 14, len(whole), len(whole) // 7):
            data.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1:])
            self.assertIn(self.restore("--verify").returncode, (1, 5), at)
        data.write_bytes(whole)
        (self.copy / "data.mdb.b2sum").unlink()  # as copies of earlier versions are
        result = self.restore("--verify")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("Суммы байтов у копии нет", result.stderr)

    def test_a_copy_signed_by_a_stranger_is_not_believed(self):
        self.make()
        self.engine.must("keys", "generate", "--server", "--out", self.engine.folder / "stranger")
        result = self.engine.run("restore", "--verify", self.copy, "--keys",
                                 self.engine.folder / "stranger" / "server.pub")
        self.assertEqual(5, result.returncode, result.stdout)

    def test_a_daemon_that_ends_waits_for_its_copy(self):
        self.engine.start()
        sending = self.engine.submit([notice(case) for case in cases(1, 500)])
        self.engine.advance("2024-01-10T12:00:00+05:00", "ufsin")
        finish(sending)
        asked = threading.Thread(target=lambda: self.engine.ask("backup", "--out", self.copy, "--timeout", "1"))
        asked.start()
        self.engine.wait_until(lambda: self.copy.exists() or os.path.exists(str(self.copy) + ".part"))
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        asked.join()
        self.assertEqual(500, self.verified()["cases"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
