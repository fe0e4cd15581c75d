"""A disk that is full, read-only or failing: senders are told, nothing acknowledged is lost, work goes on by itself.

The disk fails on command (disk_shim.c), in every way and at every place that the real one has; where this process may
mount, a small tmpfs shows the same with a real file system. It says which of the two it tried.
"""

import datetime as dt
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "blackbox"), str(HERE.parent / "adapters")]

import kuratord  # noqa: E402  (finds the client and the schemas)
import kurator_client as client  # noqa: E402
import zmq  # noqa: E402
from engine import Engine  # noqa: E402
from notices_test import numbers, row, table  # noqa: E402
from world import World, wait_for  # noqa: E402

assert kuratord.SCHEMAS
SHIM = os.environ["KURATOR_DISK_SHIM"]
SYSTEM = ("--clock", "system")
NOTICE = {"notice_number": "1", "edition": 1, "notice_date": "2026-01-12", "surname": "Неразглашаемов",
          "release_date": "2027-02-01", "municipality": "surgut", "needs": ["employment"]}


class Disk:
    """What below `folder` is written fails as long as it is told so."""

    def __init__(self, engine, folder):
        self.control = engine.folder / "disk"
        os.environ.update(LD_PRELOAD=SHIM, DISK_SHIM_FOLDER=str(folder), DISK_SHIM_CONTROL=str(self.control))
        if "verify_asan_link_order" not in os.environ.get("ASAN_OPTIONS", ""):
            os.environ["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")

    def fails(self, how):
        hidden = self.control.with_suffix(".new")
        hidden.write_text(how + "\n")
        hidden.rename(self.control)

    def works(self):
        self.control.unlink(missing_ok=True)

    @staticmethod
    def forget():
        for name in ("LD_PRELOAD", "DISK_SHIM_FOLDER", "DISK_SHIM_CONTROL"):
            os.environ.pop(name, None)


class Sender:
    """A participant with receipts, for as long as it takes."""

    def __init__(self, engine, name="ufsin"):
        self.engine, self.name = engine, name
        self.context = zmq.Context()
        self.keys = client.Keys.load(engine.hands / name)
        self.server = client.key_fields(engine.hands / "server.pub")["connection-public"]
        self.spool = client.Spool()
        self.cases = []
        self.link = None
        self.refusals = []

    def connect(self):
        if self.link:
            self.link.connection.close()
        connection = client.Connection(self.context, self.engine.exchange, self.keys, self.server)
        assert connection.wait_for_handshake(), self.engine.told()
        self.link = client.Link(connection, self.name, self.keys, self.spool)
        self.link.greet()
        return self

    def send(self, count, size=0):
        for _ in range(count):
            self.cases.append("86-2026-%05d" % (len(self.cases) + 1))
            self.spool.put(client.event(self.cases[-1], "release.notice", {**NOTICE, "address": "у" * size}))
        self.link.flush()

    def settles(self, seconds=5):
        """False: refused, or nothing came in time."""
        self.link.wait_for_receipts(seconds)
        if self.link.refusal:
            self.refusals.append(self.link.refusal)
        return self.spool.pending_count() == 0

    def receipts(self):
        found = [self.spool.receipt(sequence + 1) for sequence in range(len(self.cases))]
        return {one.sequence: one.journal for one in found if one.outcome in ("accepted", "duplicate")}

    def close(self):
        if self.link:
            self.link.connection.close()
        self.context.destroy(0)


class Base(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin", "provider-surgut"))
        self.addCleanup(self.engine.close)
        self.addCleanup(Disk.forget)
        self.disk = Disk(self.engine, self.engine.folder / "data")
        self.sender = Sender(self.engine)
        self.addCleanup(self.sender.close)

    def start(self):
        self.engine.start(*SYSTEM)
        self.sender.connect()

    def doctor(self):
        return self.engine.ask("doctor", "-o", "jsonl").stdout

    def assert_everything_once(self):
        """All that was sent stands in the journal once, where its receipt says; and a rehearsal agrees."""
        journal = self.engine.export("journal")
        taken = [json.loads(line)["case"] for line in journal.read_text().splitlines()]
        self.assertEqual(self.sender.cases, taken)
        self.assertEqual(len(taken), len(set(self.sender.receipts().values())))
        today = dt.datetime.now(dt.timezone(dt.timedelta(hours=5))).date().isoformat()
        outcome = self.engine.export("outcome").read_text()
        self.assertEqual(self.engine.rehearse(journal, today).read_text(), outcome)

    def assert_waits(self, text):
        """Senders hear why, nothing gets a receipt, questions are answered, doctor says what to do."""
        before = self.sender.receipts()
        self.sender.send(20)
        self.assertFalse(self.sender.settles(10))
        self.assertTrue(self.sender.refusals, self.engine.told())
        refusal = self.sender.refusals[-1]
        self.assertEqual("FULL", refusal.code)
        self.assertIn(text, refusal.text)
        self.assertIsNotNone(refusal.retry_after_ms)
        self.assertEqual(before, self.sender.receipts())
        self.assertEqual(len(before), self.engine.rows("status")[0]["journal"])
        self.assertIn(text, self.doctor())
        self.assertEqual(len(before), len(self.engine.rows("case", "list")))

    def assert_goes_on(self):
        """By itself: the sender only asks again."""
        for _ in range(40):
            self.sender.connect()
            if self.sender.settles(5):
                break
            time.sleep(0.5)
        self.sender.send(20)
        self.assertTrue(self.sender.settles(20), self.engine.told())
        self.assert_everything_once()

    def begin(self):
        return subprocess.run([str(word) for word in self.engine.arguments(*SYSTEM)], capture_output=True, text=True,
                              timeout=60, check=False)

    def assert_start_refused(self, text):
        result = self.begin()
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertIn(text, result.stderr)
        self.assertIn("запустите снова", result.stderr)
        self.assertNotIn("Sanitizer", result.stderr)


class Trouble(Base):
    def test_a_disk_that_takes_nothing_is_waited_for(self):
        self.start()
        for how, text in (("ENOSPC", "на диске сервера нет места"), ("EROFS", "только для чтения"),
                          ("EIO", "запись на диск сервера не удаётся"), ("short", "диск"),
                          ("sync", "запись на диск сервера не удаётся")):
            with self.subTest(how):
                self.sender.send(20)
                self.assertTrue(self.sender.settles(20))
                self.disk.fails(how)
                self.assert_waits(text if how != "short" else "диск")
                self.disk.works()
                self.assert_goes_on()
        self.assertEqual(0, self.engine.stop(), self.engine.told())

    def test_an_end_does_not_wait_for_a_disk_that_takes_nothing(self):
        self.start()
        self.sender.send(20)
        self.assertTrue(self.sender.settles(20))
        self.disk.fails("ENOSPC")
        self.assert_waits("нет места")
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        self.assertNotIn("did not finish in time", self.engine.told())
        self.disk.works()
        self.engine.start(*SYSTEM)
        self.assert_goes_on()

    def test_trouble_that_lasts_does_not_fill_the_log(self):
        self.start()
        self.disk.fails("ENOSPC")
        self.assert_waits("нет места")
        self.sender.link.connection.close()
        self.sender.link = None
        before = len(self.engine.told().splitlines())
        subprocess.run(["sleep", "4"], check=True)
        self.assertLess(len(self.engine.told().splitlines()) - before, 3)
        self.disk.works()
        self.assert_goes_on()

    def test_a_failed_meta_page_ends_the_engine_and_a_restart_goes_on(self):
        self.start()
        self.sender.send(20)
        self.assertTrue(self.sender.settles(20))
        self.disk.fails("meta")
        self.sender.send(20)
        self.assertFalse(self.sender.settles(3))
        self.assertEqual(1, self.engine.process.wait(timeout=30), self.engine.told())
        self.engine.process.stdout.close()
        self.assertEqual(20, len(self.sender.receipts()))
        self.disk.works()
        self.engine.start(*SYSTEM)
        self.assert_goes_on()

    def test_killed_while_the_disk_is_full_and_started_on_it(self):
        self.start()
        self.sender.send(20)
        self.assertTrue(self.sender.settles(20))
        self.disk.fails("short")
        self.assert_waits("диск")
        self.engine.kill()
        self.engine.start(*SYSTEM)
        self.sender.connect()
        self.assertFalse(self.sender.settles(3))
        self.assertEqual(20, self.engine.rows("status")[0]["journal"])
        self.disk.works()
        self.assert_goes_on()

    def test_a_start_on_a_read_only_disk_says_what_to_do(self):
        self.start()
        self.assertEqual(0, self.engine.stop())
        self.disk.fails("EROFS")
        result = self.begin()
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertIn("диск доступен только для чтения", result.stderr)
        self.assertRegex(result.stderr, "[а-я]{4}")
        self.disk.works()
        self.start()
        self.assert_goes_on()


class FullMap(Base):
    """The database has reached store.map_max_mib."""

    def setUp(self):
        super().setUp()
        self.engine.config = self.engine.folder / "config"
        shutil.copytree(kuratord.ROOT / "config", self.engine.config)
        self.limit(16)

    def limit(self, mib):
        (self.engine.config / "kurator.yaml").write_text("store: {map_mib: 16, map_max_mib: %d}\n" % mib)

    def fill(self):
        while self.sender.settles(20) and len(self.sender.cases) < 20000:
            self.sender.send(600)

    def test_a_full_map_is_told_and_a_larger_one_goes_on(self):
        self.start()
        self.fill()
        self.assertEqual("FULL", self.sender.refusals[-1].code)
        self.assertIn("предела", self.sender.refusals[-1].text)
        self.assertIn("store.map_max_mib", self.doctor())
        status = self.engine.rows("status")[0]
        print("16 MiB hold %d cases, %d of %d bytes" % (status["journal"], status["store_bytes"],
                                                        status["store_bytes_max"]))
        self.assertGreater(status["store_bytes"], 0.6 * status["store_bytes_max"])
        self.assertEqual(0, self.engine.stop(), self.engine.told())
        self.limit(64)
        self.engine.start(*SYSTEM)
        self.assert_goes_on()


def may_mount(folder):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "none", folder], capture_output=True, check=False)
    if done.returncode == 0:
        subprocess.run(["umount", folder], check=True)
    return done.returncode == 0


class SmallDisk(Base):
    """A tmpfs of a few MiB; what may not mount has the disk fail on command in its place."""

    def setUp(self):
        super().setUp()
        Disk.forget()
        self.data = self.engine.folder / "data"
        self.data.mkdir()
        self.real = may_mount(self.data)
        print("a real tmpfs" if self.real else "no right to mount: a disk that fails on command")
        if self.real:
            self.mount("-t", "tmpfs", "-o", "size=3M", "none", self.data)
        else:
            self.disk = Disk(self.engine, self.data)

    def mount(self, *words):
        subprocess.run(["mount", *map(str, words)], check=True)

    def tearDown(self):
        if self.engine.process and self.engine.process.poll() is None:
            self.engine.kill()
        if self.real:
            subprocess.run(["umount", self.data], check=True)

    def fill(self):
        while self.sender.settles(20) and len(self.sender.cases) < 20000:
            self.sender.send(50)
            if not self.real and len(self.sender.cases) > 500:
                self.disk.fails("short")

    def make_room(self):
        if self.real:
            self.mount("-o", "remount,size=64M", self.data)
        else:
            self.disk.works()

    def test_a_small_disk_gets_full_and_gets_room(self):
        self.start()
        self.fill()
        self.assertEqual("FULL", self.sender.refusals[-1].code)
        self.assertIn("диск", self.sender.refusals[-1].text)
        receipts = self.sender.receipts()
        self.engine.kill()
        self.engine.start(*SYSTEM)
        self.assertLessEqual(max(receipts.values()), self.engine.rows("status")[0]["journal"])
        self.make_room()
        self.assert_goes_on()

    def test_a_new_engine_on_a_full_or_read_only_disk_says_what_to_do(self):
        if not self.real:
            self.disk.fails("EROFS")
            self.assertIn("Read-only", self.begin().stderr)
            return
        self.fill_with_bytes()
        self.assert_start_refused("на диске нет места")
        self.mount("-o", "remount,ro", self.data)
        self.assert_start_refused("только для чтения")
        self.mount("-o", "remount,rw,size=64M", self.data)
        self.start()
        self.assert_goes_on()

    def fill_with_bytes(self):
        with open(self.data / "filling", "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass


class Adapter(World):
    """The spool of an adapter is on a disk as well."""

    def test_a_full_disk_of_an_adapter_loses_and_doubles_nothing(self):
        self.addCleanup(Disk.forget)
        self.engine.start(*SYSTEM)
        disk = Disk(self.engine, self.engine.folder / "ufsin")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        Disk.forget()
        wait_for(lambda: "установлен" in ufsin.told())
        known = numbers(400)
        for part, how in enumerate(("ENOSPC", "short", "sync", "EIO")):
            name = "%d.csv" % part
            disk.fails(how)
            ufsin.put(name, table(map(row, known[part * 100:part * 100 + 100])))
            time.sleep(2)
            self.assertIsNone(ufsin.process.poll(), ufsin.told())
            disk.works()
            wait_for(lambda: not ufsin.left_over())
            states = ufsin.states(name)
            self.assertEqual(100, states.get("принято", 0) + states.get("уже было принято", 0), states)
        self.assertEqual(known, self.cases())
        self.assertEqual(known, sorted(line["case"] for line in self.journal()))
        self.assertEqual(0, ufsin.stop(), ufsin.told())


if __name__ == "__main__":
    unittest.main(verbosity=2)
