"""A kuratord, adapters beside it, and the folders through which agencies see them."""

import csv
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "daemon"))

from engine import BIN, ROOT, Engine  # noqa: E402

WAIT_SECONDS = 120
BOM = "\ufeff"


def read_table(path):
    """A table as an adapter writes it for Excel, as a list of dicts."""
    text = path.read_bytes().decode("utf-8")
    assert text.startswith(BOM), path
    assert "\r\n" in text, path
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=";"))


class Adapter:
    """One adapter and its exchange folder; `start` after a kill goes on with the same spool."""

    def __init__(self, engine, name, participants, clock="virtual"):
        self.engine, self.name, self.participants, self.clock = engine, name, participants, clock
        self.root = engine.folder / name
        self.log_path = engine.folder / (name + ".log")
        self.process = None
        self.files = 0

    def arguments(self):
        words = [BIN / ("kurator-" + self.name), "--profile", ROOT / "adapters" / self.name / "profile.yaml",
                 "--territories", self.engine.config / "territories.yaml", "--root", self.root,
                 "--endpoint", self.engine.exchange, "--server-key", self.engine.hands / "server.pub",
                 "--keys", self.engine.hands, "--clock", self.clock]
        for participant in self.participants:
            words += ["--participant", participant]
        return [str(word) for word in words]

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=16:verify_asan_link_order=0"})
        wait_for(lambda: self.done().is_dir() or self.process.poll() is not None)
        assert self.process.poll() is None, self.told()
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def told(self):
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    # ---- folders ----

    def put(self, name, data, sender=""):
        """A file appears in in/ whole or not at all."""
        path = self.root / "in" / sender / name
        hidden = path.with_name(".being-written")
        hidden.write_bytes(data)
        hidden.rename(path)
        return path

    def done(self, name=""):
        return self.root / "done" / name

    def rejected(self, name=""):
        return self.root / "rejected" / name

    def results(self, name):
        """They are written when the last receipt has come, which may be a moment after the clock has arrived."""
        wait_for(lambda: self.done(name + ".result.csv").exists())
        return read_table(self.done(name + ".result.csv"))

    def states(self, name):
        """How many rows of a file came to what."""
        count = {}
        for row in self.results(name):
            count[row["Результат"]] = count.get(row["Результат"], 0) + 1
        return count

    def out(self, participant=""):
        return sorted(path for path in (self.root / "out" / participant).iterdir() if path.is_file())

    def left_over(self):
        return [path for part in ("in", "work") for path in (self.root / part).rglob("*") if not path.is_dir()]


def wait_for(what, seconds=WAIT_SECONDS):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "nothing happened in time"
        time.sleep(0.02)


class World(unittest.TestCase):
    """Base of the tests: an engine of the participants that the class names."""

    participants = ("ufsin",)

    def setUp(self):
        self.engine = Engine(self.participants)
        self.adapters = []
        self.addCleanup(self.end)

    def end(self):
        for adapter in self.adapters:
            adapter.close()
        told = "".join(adapter.told() for adapter in self.adapters if adapter.log_path.exists())
        self.engine.close()
        self.assertNotIn("Sanitizer", told)
        self.assertNotIn("runtime error", told)

    def adapter(self, name, *participants, clock="virtual"):
        adapter = Adapter(self.engine, name, participants, clock)
        self.adapters.append(adapter)
        return adapter.start()

    def advance(self, moment):
        """All adapters have to be there, so that nothing depends on who connects first."""
        self.engine.advance(moment, *[name for adapter in self.adapters for name in adapter.participants])

    def begin_advance(self, moment):
        words = [BIN / "kurator", "clock", "advance", "--to", moment, "--timeout", "120", "--expect",
                 ",".join(name for adapter in self.adapters for name in adapter.participants),
                 "--endpoint", self.engine.query, "--keys", self.engine.hands, "--as", "operator"]
        return subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def cases(self):
        return sorted(row["case"] for row in self.engine.rows("case", "list"))

    def journal(self):
        return [json.loads(line) for line in self.engine.export("journal").read_text().splitlines()]

    def assert_rehearsal_agrees(self, until):
        journal = self.engine.export("journal")
        outcome = self.engine.export("outcome").read_bytes()
        self.assertGreater(len(outcome), 0)
        self.assertEqual(outcome, self.engine.rehearse(journal, until).read_bytes())

    def assert_nothing_left(self):
        for adapter in self.adapters:
            self.assertEqual([], adapter.left_over())
