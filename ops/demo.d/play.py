"""Plays the agencies against a running engine: their files, their answers, and the virtual clock between them.

Everything goes the way it goes in life: a file is laid into in/ of an adapter, the adapter tells the engine, the engine
tells other adapters, they write files into out/, and somebody reads them. Only the time is virtual: nothing is done
between two advances of the clock, so the result does not depend on a race.
"""

import csv
import datetime as dt
import io
import json
import os
import sys

import plan

ZONE = "+05:00"
COLUMNS = {
    "number": "Номер извещения",
    "notice_date": "Дата извещения",
    "release_date": "Планируемая дата освобождения",
    "municipality": "Муниципальное образование прибытия",
    "needs": "Потребности",
    "consent": "Согласие на сопровождение",
}
NEEDS = {
    "медицинская": "medical", "психологическая": "psychological", "педагогическая": "pedagogical",
    "юридическая": "legal", "социальная": "social", "трудоустройство": "employment", "документы": "documents",
    "жильё": "housing", "МСЭ": "mse", "ТСР": "tsr", "обучение уходу": "care-training", "иная": "other",
}


class NoticeFile:
    """The file of notices as it came: bytes that are sent on untouched, and what could be read in them for the plan."""

    def __init__(self, path, territories):
        with open(path, "rb") as file:
            raw = file.read()
        self.encoding = self.guess(raw)
        lines = raw.splitlines(keepends=True)
        self.header, rows = lines[0], lines[1:]
        text = self.header.decode(self.encoding, "replace").lstrip("\ufeff")
        self.separator = max(";,\t", key=text.count)
        self.titles = [title.strip() for title in next(csv.reader([text], delimiter=self.separator))]
        self.territories = territories
        self.days = {}  # date of dispatch → lines
        self.notices = []
        self.rows = 0
        for line in rows:
            if line.strip():
                self.take(line)
        self.first_day = min((day for day in self.days if day), default=dt.date(2025, 5, 1))

    @staticmethod
    def guess(raw):
        try:
            raw.decode("utf-8")
            return "utf-8"
        except UnicodeDecodeError:
            return "cp1251"

    def take(self, line):
        """A row goes out on the day it is dated; one without a readable date goes with the first file."""
        self.rows += 1
        notice = self.read(line)
        day = notice["notice_date"] if notice else None
        self.days.setdefault(day, []).append(line)
        if notice and notice["number"] not in {known["number"] for known in self.notices[-1000:]}:
            self.notices.append(notice)

    def read(self, line):
        try:
            cells = next(csv.reader(io.StringIO(line.decode(self.encoding)), delimiter=self.separator))
            row = dict(zip(self.titles, (cell.strip() for cell in cells)))
            dates = {key: dt.datetime.strptime(row[COLUMNS[key]], "%d.%m.%Y").date()
                     for key in ("notice_date", "release_date")}
            needs = [NEEDS[word.strip()] for word in row[COLUMNS["needs"]].split(",") if word.strip() in NEEDS]
            return {"number": row[COLUMNS["number"]], "municipality": self.territories[row[COLUMNS["municipality"]]],
                    "needs": needs, "consent": row[COLUMNS["consent"]].lower() == "да", **dates}
        except (KeyError, ValueError, StopIteration, UnicodeDecodeError, csv.Error):
            return None



class Agency:
    """One adapter's folder, seen from the agency's side of it."""

    def __init__(self, name, root):
        self.name, self.root = name, root
        self.files = 0
        self.read_up_to = {}

    def put(self, name, data):
        """A file appears in in/ whole or not at all."""
        self.files += 1
        path = os.path.join(self.root, "in", "%06d-%s" % (self.files, name))
        with open(path + ".tmp", "wb") as file:
            file.write(data)
        os.rename(path + ".tmp", path)

    def news(self):
        """Deliveries that were written since the last look, in order of participant and position."""
        out = os.path.join(self.root, "out")
        found = []
        folders = [entry.path for entry in os.scandir(out) if entry.is_dir()] or [out]
        for folder in sorted(folders):
            seen = self.read_up_to.get(folder, 0)
            names = sorted(entry.name for entry in os.scandir(folder)
                           if entry.name.endswith(".json") and int(entry.name.split("-")[0]) > seen)
            for name in names:
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    found.append(json.load(file))
            if names:
                self.read_up_to[folder] = int(names[-1].split("-")[0])
        return found


class Progress:
    """A bar on a terminal, nothing elsewhere."""

    def __init__(self, first, last):
        self.first, self.last = first, last
        self.shown = None
        self.live = sys.stderr.isatty()

    def show(self, day, messages):
        done = min(1, (day - self.first).days / max(1, (self.last - self.first).days))
        percent = int(done * 100)
        if self.live and percent != self.shown:
            self.shown = percent
            bar = "█" * (percent * 30 // 100)
            sys.stderr.write("\r%s  %-30s %3d %%  сообщений: %d " % (day.strftime("%d.%m.%Y"), bar, percent, messages))
            sys.stderr.flush()

    def end(self):
        if self.live:
            sys.stderr.write("\r" + " " * 78 + "\r")


class Play:
    """From the first notice to the last day, a day at a time."""

    def __init__(self, engine, agencies, notices, until):
        self.engine, self.agencies, self.notices, self.until = engine, agencies, notices, until
        self.calendar = {}  # day → reports
        self.executors = plan.Executors()
        self.accounts = plan.Accounts()
        self.messages = 0
        for notice in notices.notices:
            for report in plan.Life(notice).reports:
                self.schedule(report)

    def schedule(self, report):
        self.calendar.setdefault(report.day, []).append(report)

    def run(self):
        """An advance begins by taking in what lies in the folders: files that are put down at ten are read at ten."""
        day = self.notices.first_day
        progress = Progress(day, self.until)
        while day <= self.until:
            self.engine.advance("%sT10:00:00%s" % (day.isoformat(), ZONE))
            self.answer_deliveries(day)
            if day == self.notices.first_day:
                self.send_notices(None, day)
            self.send_notices(day, day)
            self.send_reports(day)
            progress.show(day, self.messages)
            day += plan.DAY
        self.engine.advance(self.until.isoformat())
        progress.end()

    def send_notices(self, key, day):
        lines = self.notices.days.pop(key, None)
        if lines:
            self.agencies["ufsin"].put("notices-%s.csv" % day.isoformat(), self.notices.header + b"".join(lines))
            self.messages += len(lines)

    def send_reports(self, day):
        by_adapter = {}
        for report in self.calendar.pop(day, []):
            by_adapter.setdefault(report.adapter, []).append(report)
        for adapter, reports in sorted(by_adapter.items()):
            self.agencies[adapter].put("reports-%s.jsonl" % day.isoformat(),
                                       "".join(self.line(report) for report in reports).encode())
            self.messages += len(reports)

    @staticmethod
    def line(report):
        message = {"as": report.sender, "event": report.event, "case": report.case, "data": report.data}
        if report.occurred:
            message["occurred_at"] = "%sT09:00:00%s" % (report.occurred.isoformat(), ZONE)
        return json.dumps(message, ensure_ascii=False) + "\n"

    def answer_deliveries(self, today):
        """To an offer its executor answers; who is reminded of a report sends it."""
        for name, agency in sorted(self.agencies.items()):
            for delivery in agency.news():
                if delivery["delivery"] == "offer":
                    reports = self.executors.answer({"adapter": name, "participant": delivery["participant"],
                                                     "case": delivery["case_id"], "offer": delivery["offer"]}, today)
                else:
                    reports = self.accounts.answer(name, delivery, today)
                for report in reports:
                    self.schedule(report)
