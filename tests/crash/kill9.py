"""kill -9 of kuratord and of adapters at random moments under load: kill9.py [--rounds N] [--seed N] [--kills N]

Each round is an installation of its own, every third one on a virtual clock that runs through weeks: kuratord, two
adapters with their folders, three participants in Python (crowd.py). While they work, something is killed again and
again: at work, while it starts, twice in a row, while a copy is made, among due timers. Then everybody comes to rest,
and it is checked that

  - every message with a receipt stands once in the journal, under the number that the receipt told;
  - the journal has no hole, its chain and its signed heads hold;
  - every participant was given its stream complete and in order, as the engine has it now, and nothing that it had
    acknowledged came again;
  - what adapters were given lies in their folders once, every row of their files was answered once;
  - the exported journal, rehearsed, gives the engine's outcome byte for byte;
  - every copy that was finished can be restored.

The moments follow the seed, but the machine decides what they hit: a seed makes a round likely again, not certain. The
folder of a failed round is kept.
"""

import argparse
import datetime as dt
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
INTEGRATION = HERE.parent / "integration"
SCHEMAS = os.environ.get("KURATOR_SCHEMAS", HERE.parents[1] / "build" / "dev" / "tests" / "schemas")
sys.path[:0] = [str(path) for path in (HERE, INTEGRATION / "daemon", INTEGRATION / "adapters", SCHEMAS)]

import crowd  # noqa: E402
from check import Checks  # noqa: E402
from engine import BIN, Engine  # noqa: E402
from world import Adapter  # noqa: E402

REST_SECONDS = 120
VIRTUAL_EVERY = 3  # rounds
VIRTUAL_DAY = dt.date(2026, 2, 2)


class Process:
    """Something that is killed and started again with the same data."""

    def __init__(self, name, arguments, log):
        self.name, self.arguments, self.log = name, [str(word) for word in arguments], log
        self.process = None

    def launch(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        if self.process.poll() is not None:
            raise AssertionError("%s has ended by itself with %s" % (self.name, self.process.returncode))
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        if code != 0:
            raise AssertionError("%s ended with %d" % (self.name, code))

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def told(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class Round:
    def __init__(self, seed, kills):
        self.chance = random.Random(seed)
        self.is_virtual = seed % VIRTUAL_EVERY == 0
        clock = "virtual" if self.is_virtual else "system"
        self.kills, self.killed, self.struck = kills, 0, 0  # struck: while a message had no receipt or a file no answer
        self.engine = Engine((*crowd.PYTHONS, "ufsin", crowd.EMPLOYMENT))
        self.folder = self.engine.folder
        self.adapters = [Adapter(self.engine, "ufsin", ["ufsin"], clock),
                         Adapter(self.engine, "employment", [crowd.EMPLOYMENT], clock)]
        self.kuratord = Process("kuratord", self.engine.arguments("--clock", clock, *self.start_of_clock()),
                                self.folder / "kuratord.log")
        self.programs = [Process(one.name, one.arguments(), one.log_path) for one in self.adapters]
        self.crowd = crowd.Crowd(seed, VIRTUAL_DAY if self.is_virtual else crowd.today())
        self.clock = crowd.Clock(self.crowd, self.engine)
        self.participants = [crowd.Participant(name, self.crowd, self.engine) for name in crowd.PYTHONS]
        self.feeders = []
        self.backups = 0
        self.last_day = None

    def start_of_clock(self):
        return ("--start", VIRTUAL_DAY.isoformat()) if self.is_virtual else ()

    # ---- play ----

    def begin(self):
        self.kuratord.launch()
        for program in self.programs:
            program.launch()
        deadline = time.monotonic() + REST_SECONDS
        while not all(one.done().is_dir() for one in self.adapters):
            assert time.monotonic() < deadline, "no folders"
            time.sleep(0.01)
        self.feeders = [crowd.Prison(self.adapters[0], self.crowd), crowd.Employment(self.adapters[1], self.crowd)]
        for one in (*self.participants, *self.feeders, *self.clocks()):
            one.start()

    def clocks(self):
        return (self.clock,) if self.is_virtual else ()

    def play(self):
        while self.killed < self.kills:
            self.crowd.begin_some()
            time.sleep(self.chance.uniform(0, 0.7))
            kind = self.chance.choices((self.kill_engine, self.kill_adapter, self.kill_starting, self.kill_all,
                                        self.kill_copying), (4, 4, 2, 1, 2))[0]
            kind()

    def again(self, *processes):
        busy = not all(one.idle() for one in self.participants) or any(one.left_over() for one in self.adapters)
        self.struck += len(processes) if busy else 0
        for process in processes:
            process.kill()
            self.killed += 1
        for process in self.chance.sample(processes, len(processes)):
            process.launch()

    def kill_engine(self):
        self.again(self.kuratord)

    def kill_adapter(self):
        self.again(self.chance.choice(self.programs))

    def kill_all(self):
        self.again(self.kuratord, *self.programs)

    def kill_starting(self):
        """Twice in a row, the second time somewhere between exec and readiness."""
        process = self.chance.choice((self.kuratord, *self.programs))
        self.again(process)
        for _ in range(self.chance.randint(1, 3)):
            time.sleep(self.chance.uniform(0, 0.15))
            self.again(process)

    def kill_copying(self):
        copying = subprocess.Popen([str(word) for word in (BIN / "kurator", "backup", "--out", self.new_copy(),
                                                           *self.as_operator())],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.uniform(0, 0.3))
        self.again(self.kuratord)
        copying.wait(60)

    def new_copy(self):
        """Sometimes where another one was cut off."""
        self.backups += self.chance.randint(0, 1)
        return self.folder / "copies" / str(self.backups)

    def as_operator(self):
        return ("--endpoint", self.engine.query, "--keys", self.engine.hands, "--as", "operator")

    # ---- rest ----

    def rest(self):
        """The feeders stop; everybody goes on until there is nothing left to do."""
        self.crowd.over.set()
        for one in (*self.feeders, *self.clocks()):
            one.join()
        self.wait_for_rest()
        self.last_day = crowd.today()
        if self.is_virtual:
            self.kill_amid_timers()
            self.last_day = None  # whoever waits for rest may move the clock beyond the end of the day
            while self.last_day != self.clock.now().date():
                self.last_day = self.clock.end_the_day()
                self.wait_for_rest()

    def kill_amid_timers(self):
        """The load is over, weeks go by, and the engine dies among the deadlines of those weeks."""
        for _ in range(3):
            moving = threading.Thread(target=self.clock.advance, args=(20000,))
            moving.start()
            time.sleep(self.chance.uniform(0.02, 0.25))
            self.again(self.kuratord)
            moving.join()

    def wait_for_rest(self):
        deadline = time.monotonic() + REST_SECONDS
        before = None
        while True:
            state = self.state()
            if state is not None and state == before:
                return
            assert time.monotonic() < deadline, "no rest: %s" % (state,)
            if state is None and self.is_virtual:
                self.clock.advance(1)
            before = state
            time.sleep(0.15)

    def state(self):
        """None while something moves."""
        if not all(one.idle() for one in self.participants) or any(one.left_over() for one in self.adapters):
            return None
        asked = self.engine.ask("participant", "list", "-o", "jsonl", "--timeout", "5")
        if asked.returncode != 0:
            return None
        rows = [json.loads(line) for line in asked.stdout.splitlines()]
        mine = [row for row in rows if row["participant"] in self.names()]
        if any(row["waiting"] or row["acknowledged"] != row["stream"] for row in mine):
            return None
        return sorted((row["participant"], row["stream"]) for row in mine), self.sums()

    def names(self):
        return (*crowd.PYTHONS, *(one.participants[0] for one in self.adapters))

    def sums(self):
        return [len(one.receipts) for one in self.participants] + [len(one.expected) for one in self.feeders]

    def end(self):
        for one in self.participants:
            one.end()
        for one in self.programs:
            one.stop()

    def close(self):
        self.crowd.over.set()
        for one in self.participants:
            one.ended.set()
        for one in (self.kuratord, *self.programs):
            one.close()
        for one in (*self.participants, *self.feeders, self.clock):
            if one.is_alive():
                one.join(20)

    def run(self):
        (self.folder / "copies").mkdir()
        self.begin()
        self.play()
        self.rest()
        self.end()
        found = Checks(self).run()
        self.kuratord.stop()
        return found


def play_round(seed, kills):
    """(kept folder or None, what was found)"""
    one = Round(seed, kills)
    try:
        found = one.run()
    except Exception:  # pylint: disable=broad-except  # whatever it is, the round has failed and the next one comes
        wrong = traceback.format_exc()
        (one.folder / "failure.txt").write_text("seed %d\n%s" % (seed, wrong), encoding="utf-8")
        return one.folder, wrong
    finally:
        one.close()
    shutil.rmtree(one.folder)
    return None, found


def say(text):
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=6, help="at least, in each round")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and nothing is left running
    began, failed = time.monotonic(), 0
    for number in range(given.rounds):
        kept, found = play_round(given.seed + number, given.kills)
        failed += kept is not None
        if kept:
            say("round %d, seed %d: FAILED, %s\n%s" % (number + 1, given.seed + number, kept, found))
        else:
            left = (time.monotonic() - began) / (number + 1) * (given.rounds - number - 1)
            say("round %d of %d, seed %d: %s; %d min %02d s left" % (
                number + 1, given.rounds, given.seed + number, found, left // 60, left % 60))
    say("%d passed, %d failed" % (given.rounds - failed, failed))
    return 1 if failed or given.rounds < 1 else 0


if __name__ == "__main__":
    sys.exit(main())
