"""`kurator route explain` says whom the engine really asks, over histories that nobody has thought of.

  routing_test.py KURATOR SOURCE_DIR [--examples N] [--random]

Little room everywhere, so that it is often full: referrals of several citizens compete, are taken, declined, left unanswered, given
back, reassigned, moved to another place. Of every offer of a rehearsal, and of every referral for which nobody was left, explain is
asked with what stood then: who has how many open, who has been asked before, the place, the moment. Its choice has to be the engine's.
"""

import argparse
import collections
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import world  # noqa: E402


def parse(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("kurator")
    parser.add_argument("source")
    parser.add_argument("--examples", type=int, default=4)
    parser.add_argument("--random", action="store_true")
    return parser.parse_args(argv)


ARGUMENTS = parse(sys.argv[1:])
BOUNDED = settings(max_examples=ARGUMENTS.examples, deadline=None, derandomize=not ARGUMENTS.random, database=None,
                   suppress_health_check=list(HealthCheck))
# What fails is shown as it was found: to look for a shorter one would take minutes.
BOUNDED = settings(BOUNDED, phases=(Phase.explicit, Phase.generate))
# A place, and who acts for it: a settlement has the organisations of its district.
PLACES = {"surgut": "surgut", "fyodorovsky": "surgut-district", "kogalym": "kogalym"}
KINDS = ("employment", "psychological", "legal", "housing", "medical")
FIRST_DAY = dt.datetime(2026, 3, 2, 8, 0, tzinfo=world.ZONE)
ROUNDS = 3
ANSWERS = {"take": "referral.accepted", "decline": "referral.declined", "finish": "referral.completed", "no right": "referral.no_right"}
STEPS = st.sampled_from(["take", "take", "decline", "decline", "silent", "finish", "no right", "give back", "reassign", "move"])
MEASURES = st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=3)
CITIZENS = st.lists(st.tuples(st.sampled_from(sorted(PLACES)), MEASURES, st.lists(STEPS, min_size=2, max_size=8)), min_size=4, max_size=7)


def narrow(source, folder):
    """The configuration with room for one or two at each organisation."""
    config = os.path.join(folder, "config")
    shutil.copytree(os.path.join(source, "config"), config)
    path = os.path.join(config, "participants.yaml")
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"\n    capacity: \d+", "", file.read())
    numbered = iter(range(10**6))
    text = re.sub(r"\n    helps: [^\n]*", lambda found: found.group(0) + "\n    capacity: %d" % (1 + next(numbered) % 2), text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return config


class Moments:
    """Every message has a minute of its own: nothing depends on who is first in it."""

    def __init__(self):
        self.taken = set()

    def after(self, moment):
        moment += dt.timedelta(minutes=1)
        while moment in self.taken:
            moment += dt.timedelta(minutes=1)
        self.taken.add(moment)
        return moment


def message(moment, sender, event, case, data):
    return {"at": moment.isoformat(), "as": sender, "event": event, "case": case, "data": data}


def beginnings(citizens, moments):
    """Each citizen up to the approved programme; some measures name the executor that the district has for it."""
    for index, (place, measures, _) in enumerate(citizens):
        case, near = "sup-2026-%04d" % (index + 1), PLACES[place]
        at = moments.after(FIRST_DAY + dt.timedelta(hours=index))
        named = [{"id": "m%d" % (number + 1), "kind": kind, "due": "2026-09-01", **({"executor": "ngo-career"} if fixed and kind == "employment" else {})}
                 for number, (kind, fixed) in enumerate(measures)]
        for sender, event, data in (
                ("provider-" + near, "application.received", {"kind": "support", "received_on": "2026-03-02", "municipality": place, "surname": "Тестов"}),
                ("wg-" + near, "section14.formed", {"measures": named}),
                ("uszn-" + near, "programme.approved", {"approved_on": "2026-03-02"})):
            yield message(at, sender, event, case, data)
            at = moments.after(at)


class Referral:
    """What is known of one referral at a point of the history."""

    def __init__(self, place, kind, named):
        self.place, self.kind, self.named = place, kind, named
        self.asked, self.to, self.last = [], None, None

    def reassigned(self):
        """To the next one: only who had it last is left out."""
        self.asked, self.named = [self.last] if self.last else [], None

    def moved(self):
        """Somebody of the new place; who goes on with it there has it as before."""
        self.place = "kogalym"
        if not self.to:
            self.forget()

    def forget(self):
        self.asked, self.named = [], None


class Histories(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="kurator-routing-")
        cls.addClassCleanup(folder.cleanup)
        cls.config = narrow(ARGUMENTS.source, folder.name)

    def rehearse(self, lines):
        with tempfile.TemporaryDirectory(prefix="kurator-routing-") as folder:
            return world.Rehearsed(ARGUMENTS.kurator, self.config, folder, sorted(lines, key=lambda line: line["at"]), dt.date(2026, 6, 30))

    def reactions(self, citizens, found, moments, answered):
        """What comes of the offers that nobody has reacted to yet: each citizen's steps, one for each offer."""
        for delivery in (d for d in found.deliveries if d["kind"] == "offer"):
            key = (delivery["case"], delivery["data"]["offer"])
            number = int(delivery["case"].split("/")[0][-4:]) - 1
            place, _, steps = citizens[number]
            if key in answered:
                continue
            answered.add(key)
            step = steps[(key[1] + int(key[0][-1])) % len(steps)]
            case, measure = delivery["case"].split("/")
            base, at = {"measure": measure, "offer": key[1]}, moments.after(dt.datetime.fromisoformat(delivery["at"]) + dt.timedelta(hours=3))
            coded = {"reason": "no-capacity"}
            if step in ("give back", "finish"):
                yield message(at, delivery["to"], "referral.accepted", case, base)
                at = moments.after(at + dt.timedelta(hours=5))
            if step == "give back":
                yield message(at, delivery["to"], "referral.declined", case, {**base, **coded})
            elif step == "reassign":
                yield message(at, "provider-" + PLACES[place], "referral.reassigned", case, {"measure": measure})
            elif step == "move":
                yield message(at, "provider-" + PLACES[place], "case.transferred", case, {"municipality": "kogalym"})
            elif step in ANSWERS:
                yield message(at, delivery["to"], ANSWERS[step], case, {**base, **(coded if step in ("decline", "no right") else {})})

    def explained(self, referral, at, load):
        command = [ARGUMENTS.kurator, "route", "explain", "--config", self.config, "--kind", referral.kind, "--municipality", referral.place, "--at", at,
                   "-o", "json"]
        busy = ",".join("%s=%d" % pair for pair in sorted(load.items()) if pair[1])
        if busy:
            command += ["--load", busy]
        if referral.asked:
            command += ["--declined", ",".join(referral.asked)]
        elif referral.named:
            command += ["--executor", referral.named]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        rows = json.loads(done.stdout) if done.stdout.strip() else []
        return next((row["participant"] for row in rows if row["reason"] == "chosen"), None)

    def compare(self, citizens, found):
        """Goes through what was put before the participants, in order, and asks at each choice of the engine."""
        referrals, load, checked = {}, collections.Counter(), 0
        ends = {(row["case"] + "/" + row["measure"]): row["at"] for row in found.of("referral")
                if row["status"] in ("completed", "no_right", "unavailable")}
        turns = [line for line in found.accepted() if line["event"] in ("case.transferred", "referral.reassigned")]
        for index, (place, measures, _) in enumerate(citizens):
            for number, (kind, fixed) in enumerate(measures):
                referrals["sup-2026-%04d/m%d" % (index + 1, number + 1)] = Referral(
                    place, kind, "ngo-career" if fixed and kind == "employment" else None)
        for delivery in found.deliveries:
            self.free_what_has_ended(referrals, load, ends, delivery["at"])
            while turns and turns[0]["at"] <= delivery["at"]:
                self.turn(referrals, turns.pop(0))
            referral = referrals.get(delivery["case"])
            if not referral or delivery["kind"] not in ("offer", "offer-withdrawn", "notice"):
                continue
            if delivery["kind"] == "offer-withdrawn":
                self.withdraw(referral, load, delivery)
                continue
            if delivery["kind"] == "notice" and delivery["subject"] != "unroutable":
                continue
            wanted = delivery["to"] if delivery["kind"] == "offer" else None
            self.assertEqual(wanted, self.explained(referral, delivery["at"], load), (delivery, referral.asked, dict(load)))
            checked += 1
            if wanted:
                referral.to, referral.last, referral.asked = wanted, wanted, referral.asked + [wanted]
                load[wanted] += 1
        return checked

    @staticmethod
    def free_what_has_ended(referrals, load, ends, at):
        for case in [case for case, moment in ends.items() if moment <= at]:
            if referrals[case].to:
                load[referrals[case].to] -= 1
            referrals[case].to = None
            del ends[case]

    @staticmethod
    def turn(referrals, line):
        if line["event"] == "referral.reassigned":
            referrals["%s/%s" % (line["case"], line["data"]["measure"])].reassigned()
            return
        for name, referral in referrals.items():
            if name.startswith(line["case"] + "/"):
                referral.moved()

    @staticmethod
    def withdraw(referral, load, delivery):
        if referral.to:
            load[referral.to] -= 1
        referral.to = None
        if delivery["reason"] == "moved":
            referral.forget()

    @BOUNDED
    @given(CITIZENS)
    def test_the_first_that_explain_names_is_whom_the_engine_asks(self, citizens):
        moments, answered = Moments(), set()
        lines = list(beginnings(citizens, moments))
        for _ in range(ROUNDS):
            lines += list(self.reactions(citizens, self.rehearse(lines), moments, answered))
        self.assertGreater(self.compare(citizens, self.rehearse(lines)), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
