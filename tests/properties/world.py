"""One rehearsal and what it shows, for the properties; and what the charts say about deadlines."""

import datetime as dt
import json
import os
import subprocess
import xml.etree.ElementTree as ET

K = "{urn:kurator:case}"
OPEN_REFERRALS = {"offered", "delivered", "accepted", "appointed", "not_kept", "in_progress", "on_hold", "unroutable"}
ZONE = dt.timezone(dt.timedelta(hours=5))


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Rehearsed:
    """Outcome, journal and deliveries of some lines, played until the end of a day."""

    def __init__(self, kurator, config, folder, lines, until):
        paths = {name: os.path.join(folder, name + ".jsonl") for name in ("events", "outcome", "journal", "deliveries")}
        with open(paths["events"], "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        command = [kurator, "rehearse", "--processes", os.path.join(config, "processes"), "--until", until.isoformat(), "--config", config,
                   "--events", paths["events"], "--out", paths["outcome"], "--journal", paths["journal"], "--deliveries", paths["deliveries"]]
        done = subprocess.run(command, capture_output=True, check=False, timeout=300)
        if done.returncode != 0:
            raise AssertionError("%d: %s" % (done.returncode, done.stderr.decode()))
        self.until = until
        with open(paths["outcome"], encoding="utf-8") as file:
            self.text = file.read()
        self.outcome = [json.loads(line) for line in self.text.splitlines()]
        self.journal, self.deliveries = rows(paths["journal"]), rows(paths["deliveries"])

    def of(self, kind):
        return [row for row in self.outcome if row["type"] == kind]

    def accepted(self):
        """Messages that were taken, in order: the journal has the others too, the outcome says which."""
        refused = {(row["case"], row["at"]) for row in self.of("incident") if row["reason"] == "refused"}
        return [line for line in self.journal if "event" in line and (line["case"], line["at"]) not in refused]

    def open_cases(self):
        """Numbers of the cases that have not ended. Those that charts keep for a participant (PROCESS.ID) never end and owe nothing
        when nothing is due."""
        first = {}
        for row in self.of("case"):
            first.setdefault(row["case"], row)
        return [case for case, row in first.items() if row["ground"] is None and not case.startswith(row["process"] + ".")]

    def open_tasks(self):
        """Cases that have a task which somebody has before them, and since when."""
        open_ = {}
        for delivery in self.deliveries:
            key = (delivery["case"], delivery.get("process"), delivery.get("subject"), delivery["to"])
            if delivery["kind"] == "task":
                open_[key] = delivery["at"]
            elif delivery["kind"] == "task-withdrawn":
                open_.pop(key, None)
        return {key[0].split("/")[0]: at for key, at in open_.items()}

    def obligations(self):
        """Cases in which something is owed by somebody: a deadline, a referral, a task, an incident that the operator has.
        A message that was refused is no obligation of the case."""
        owed = {row["case"] for row in self.of("deadline") if row["state"] == "open"}
        owed |= {row["case"] for row in self.of("referral") if row["status"] in OPEN_REFERRALS}
        owed |= {row["case"] for row in self.of("incident") if row["reason"] != "refused"}
        return owed | set(self.open_tasks())


class Deadlines:
    """What the charts name as meeting a deadline: (process, id) → events, of those that ask nothing else."""

    def __init__(self, config):
        self.met_by, self.any = {}, {}
        root = os.path.join(config, "processes")
        for process in sorted(os.listdir(root)):
            chart = os.path.join(root, process, "chart.scxml")
            if not os.path.isfile(chart):
                continue
            for element in ET.parse(chart).iter(K + "deadline"):
                key, events = (process, element.get("id")), (element.get("met-by") or "").split()
                self.any[key] = events
                if not element.get("met-if"):
                    self.met_by[key] = events


def end_of(day):
    """The moment at which a deadline that is due on `day` has passed."""
    return dt.datetime.combine(dt.date.fromisoformat(day) + dt.timedelta(days=1), dt.time(), ZONE)


def moment(text):
    return dt.datetime.fromisoformat(text)
