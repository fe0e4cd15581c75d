"""A year of mixed cases as a script for `kurator rehearse`: written, rehearsed twice, compared and timed.

  year.py --kurator PROGRAM [--seed 1] [--year 2026] [--scale 1/1] [--out FOLDER]

Who is offered a measure, and what an organisation owes each month, is decided by the engine. So the answers come in rounds: the
script so far is rehearsed, whoever was asked answers, until nobody is asked anew or ROUNDS_MAX is reached. An answer takes up
capacity and so moves later offers: in a large year some answers of the last round come from those who are not asked any
more, and are refused, as such answers are. All is drawn from the seed: the same seed and configuration write the same script.
"""

import argparse
import datetime as dt
import fractions
import json
import os
import random
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "ops/demo.d"))
import yaml  # noqa: E402

import lives  # noqa: E402
import plan  # noqa: E402

COUNTS = {"release": 439, "citizen": 2000, "family": 500, "intake": 3000}
LIMIT_SECONDS = 60
ROUNDS_MAX = 8
ACCOUNTS = {
    "monthly-report": ("report.submitted", lambda end: end.strftime("%Y-%m")),
    "quarterly-registry": ("registry.submitted", lambda end: "%d-Q%d" % (end.year, (end.month + 2) // 3)),
    "quarterly-review": ("quarter.reviewed", lambda end: "%d-Q%d" % (end.year, (end.month + 2) // 3)),
}


def territories():
    with open(os.path.join(ROOT, "config/territories.yaml"), encoding="utf-8") as file:
        entries = yaml.safe_load(file)["territories"]
    return [entry["code"] for entry in entries if "within" not in entry]


class Answers:
    """What organisations say to what they are asked: drawn from the seed and from what was asked, never from the order."""

    def __init__(self, seed):
        self.seed = seed
        self.executors = plan.Executors()

    def to(self, deliveries, outcome):
        found = []
        for delivery in deliveries:
            if delivery["kind"] == "offer":
                found += self.to_offer(delivery)
        for line in outcome:
            if line["type"] == "deadline" and line["process"] == "report" and line["state"] != "cancelled":
                found += self.to_account(line)
        return found

    def silent(self, participant):
        """Some organisations say nothing to anybody, all the year."""
        return random.Random("%d/silent/%s" % (self.seed, participant)).random() < 0.04

    def to_offer(self, delivery):
        case, to, data = delivery["case"].split("/")[0], delivery["to"], delivery["data"]
        if self.silent(to):
            return []
        # Drawn from measure and number of the offer, and told on another day: what it leads to comes after it.
        offer = {"adapter": "", "participant": to, "case": "%d/%s" % (self.seed, delivery["case"]), "offer": data["offer"]}
        answers = self.executors.answer(offer, dt.date.fromisoformat(delivery["at"][:10]) + plan.DAY)
        for answer in answers:
            answer.case = case
            answer.data["measure"] = data["measure"]
        return answers

    def to_account(self, line):
        """The account of a month or a quarter: most send it in time, some late, some not at all."""
        event, period = ACCOUNTS[line["id"]]
        who, end, due = line["case"].partition(".")[2], dt.date.fromisoformat(line["from"]), dt.date.fromisoformat(line["due"])
        draw = random.Random("%d/%s/%s/%s" % (self.seed, who, line["id"], line["from"]))
        fate = draw.random()
        if self.silent(who) or fate < 0.06:
            return []
        day = due - dt.timedelta(days=draw.randint(0, 3)) if fate < 0.9 else due + dt.timedelta(days=draw.randint(1, 9))
        data = {"period": period(end)}
        return [plan.Report(max(day, end + plan.DAY), "", who, event, line["case"], data)]


class Script:
    """All that is told, by day: first what the agencies say of themselves, then the answers."""

    def __init__(self, reports, answers, until):
        self.days = {}
        for part, told in enumerate((reports, answers)):
            for report in told:
                if report.day <= until:
                    self.days.setdefault(report.day, ([], []))[part].append(report)

    def lines(self):
        for day in sorted(self.days):
            for hour, told in zip((9, 14), self.days[day]):
                for index, report in enumerate(told):
                    yield self.line(report, hour * 3600 + index * 4 * 3600 // len(told))

    @staticmethod
    def line(report, second):
        clock = "%02d:%02d:%02d" % (second // 3600, second // 60 % 60, second % 60)
        message = {"at": "%sT%s+05:00" % (report.day, clock), "as": report.sender, "event": report.event, "case": report.case,
                   "data": report.data}
        if report.occurred:
            message["occurred_at"] = "%sT09:00:00+05:00" % report.occurred
        return json.dumps(message, ensure_ascii=False, sort_keys=True)


class Rehearsal:
    """kurator rehearse over a script, in a folder."""

    def __init__(self, kurator, folder, until):
        self.kurator, self.folder, self.until = kurator, folder, until

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, out, more=()):
        """Seconds that it took."""
        command = [self.kurator, "rehearse", "--processes", os.path.join(ROOT, "config/processes"), "--events",
                   self.path("year.jsonl"), "--until", self.until.isoformat(), "--out", self.path(out), *more]
        started = time.monotonic()
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return time.monotonic() - started

    def write(self, script):
        """True if it says something else than the script before."""
        text = "".join(line + "\n" for line in script.lines()).encode()
        if os.path.exists(self.path("year.jsonl")) and self.bytes("year.jsonl") == text:
            return False
        with open(self.path("year.jsonl"), "wb") as file:
            file.write(text)
        return True

    def ask(self):
        self.run("outcome.jsonl", ("--deliveries", self.path("deliveries.jsonl")))
        return self.rows("deliveries.jsonl"), self.rows("outcome.jsonl")

    def rows(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def bytes(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


def write_script(rehearsal, reports, seed):
    """How many rounds it took until whoever was asked had answered. A script of an earlier run goes first."""
    answers, said = Answers(seed), []
    if os.path.exists(rehearsal.path("year.jsonl")):
        os.remove(rehearsal.path("year.jsonl"))
    for count in range(ROUNDS_MAX):
        if not rehearsal.write(Script(reports, said, rehearsal.until)):
            return count
        said = answers.to(*rehearsal.ask())
    return ROUNDS_MAX


def count_by(rows, *names):
    counts = {}
    for row in rows:
        key = " ".join(str(row.get(name)) for name in names)
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


def summary(rehearsal):
    rows = rehearsal.rows("outcome.jsonl")
    of = {name: [row for row in rows if row["type"] == name] for name in ("case", "deadline", "referral", "incident")}
    return {"lines": len(rehearsal.rows("year.jsonl")), "cases": count_by(of["case"], "process"),
            "endings": count_by(of["case"], "process", "ground"), "deadlines": count_by(of["deadline"], "state"),
            "referrals": count_by(of["referral"], "status"), "incidents": count_by(of["incident"], "reason")}


def perform(arguments, folder):
    counts = {kind: max(1, int(count * arguments.scale)) for kind, count in COUNTS.items()}
    rehearsal = Rehearsal(arguments.kurator, folder, dt.date(arguments.year, 12, 31))
    year = lives.Years(arguments.year, arguments.seed, counts, territories())
    rounds = write_script(rehearsal, [report for life in year.lives for report in life.reports], arguments.seed)
    seconds = sorted(rehearsal.run(name) for name in ("outcome.jsonl", "again.jsonl"))
    same = rehearsal.bytes("outcome.jsonl") == rehearsal.bytes("again.jsonl")
    return {"seed": arguments.seed, "asked": counts, "rounds": rounds, **summary(rehearsal),
            "seconds": [round(second, 2) for second in seconds], "identical": same,
            "in_time": seconds[-1] < LIMIT_SECONDS}


def parse(argv):
    parser = argparse.ArgumentParser(prog="./ops/year", description="Год смешанных случаев через kurator rehearse.")
    parser.add_argument("--kurator", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, metavar="ЧИСЛО", help="то же число — тот же сценарий")
    parser.add_argument("--year", type=int, default=2026, metavar="ГОД")
    parser.add_argument("--scale", type=fractions.Fraction, default=fractions.Fraction(1), metavar="ДОЛЯ", help="например, 1/20")
    parser.add_argument("--out", metavar="ПАПКА", help="оставить сценарий (year.jsonl) и итог здесь")
    return parser.parse_args(argv)


def main(argv):
    arguments = parse(argv)
    with tempfile.TemporaryDirectory(prefix="kurator-year-") as folder:
        if arguments.out:
            os.makedirs(arguments.out, exist_ok=True)
        found = perform(arguments, arguments.out or folder)
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0 if found["identical"] and found["in_time"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
