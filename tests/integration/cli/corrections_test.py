"""Whatever is taken back, and whenever: the journal that comes out, rehearsed again, gives the same bytes.

  corrections_test.py KURATOR CONFIG_DIR

Example cases of all processes, several at a time, with messages taken back at random by their senders and by the
operator, by number and without: some of them twice, some that cannot be.
"""

import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

KURATOR, CONFIG = sys.argv[1], sys.argv[2]
ROUNDS, TOGETHER, UNTIL = 6, 4, "2027-12-31"


def inputs(path, family):
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file if line.strip()]
    told = [line for line in lines if "at" in line and line["at"] < "2027-12"]
    # A calendar that is imported is nobody's case.
    return [{**line, "case": f"{family}-{line['case']}"} if "case" in line else line for line in told]


class Script:
    """Lines with the numbers that their senders would give them."""

    def __init__(self, chance):
        self.chance = chance
        self.numbers = {}
        self.lines = []

    def add(self, line):
        if "event" not in line:
            self.lines.append(line)
            return
        self.numbers[line["as"]] = self.numbers.get(line["as"], 0) + 1
        self.lines.append({**line, "sequence": self.numbers[line["as"]]})

    def take_back(self, at):
        meant = self.chance.choice([line for line in self.lines if "event" in line])
        by = meant["as"] if self.chance.random() < 0.8 else "operator"
        data = {"event": meant["event"]}
        if self.chance.random() < 0.6:
            data["sequence"] = meant["sequence"]
        if by == "operator":
            data["sender"] = meant["as"]
        self.add({"at": at, "as": by, "event": "event.annulled", "case": meant["case"], "data": data})


def script(seed):
    chance = random.Random(seed)
    paths = sorted(glob.glob(os.path.join(CONFIG, "processes", "*", "examples", "*.jsonl")))
    made = Script(chance)
    chosen = [line for number, path in enumerate(chance.sample(paths, TOGETHER)) for line in inputs(path, f"f{number}")]
    for line in sorted(chosen, key=lambda line: line["at"]):
        made.add(line)
        while "event" in line and chance.random() < 0.25:
            made.take_back(line["at"])
    return made.lines


class Corrections(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kurator-corrections-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def rehearse(self, events, name):
        out, journal = (os.path.join(self.folder, f"{name}.{kind}") for kind in ("out", "journal"))
        done = subprocess.run([KURATOR, "rehearse", "--config", CONFIG, "--processes", os.path.join(CONFIG, "processes"),
                               "--events", events, "--until", UNTIL, "--out", out, "--journal", journal],
                              capture_output=True, check=False, timeout=300)
        self.assertEqual(0, done.returncode, done.stderr.decode())
        with open(out, encoding="utf-8") as outcome, open(journal, encoding="utf-8") as lines:
            return outcome.read(), lines.read(), journal

    def test_the_journal_of_corrections_rehearsed_is_the_same(self):
        taken_back = 0
        for seed in range(ROUNDS):
            with self.subTest(seed=seed):
                events = os.path.join(self.folder, "events.jsonl")
                with open(events, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in script(seed))
                outcome, lines, journal = self.rehearse(events, "first")
                self.assertEqual((outcome, lines), self.rehearse(journal, "second")[:2])
                taken_back += lines.count('"event.annulled"')
        self.assertGreater(taken_back, ROUNDS)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
