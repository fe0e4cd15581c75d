"""What happens to each person of the demonstration, and who reports it when.

Everything is drawn from a generator that is seeded with the number of the notice: the same file gives the same lives on
every run, whatever the order of the rows. Nobody here exists.
"""

import datetime as dt
import random

DAY = dt.timedelta(days=1)


def add_months(day, months):
    """The same date `months` later, or the last day of that month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    month += 1
    first_of_next = dt.date(year + month // 12, month % 12 + 1, 1)
    return dt.date(year, month, min(day.day, (first_of_next - DAY).day))


def next_sitting(day):
    """The working group sits on the second and the fourth Wednesday."""
    while True:
        if day.weekday() == 2 and (day.day - 1) // 7 + 1 in (2, 4):
            return day
        day += DAY


def workday(day):
    """Offices are closed on Saturdays and Sundays."""
    while day.weekday() > 4:
        day += DAY
    return day


class Report:
    """One message: on `day` the participant tells the engine that `event` happened on `occurred`."""

    __slots__ = ("day", "adapter", "sender", "event", "case", "data", "occurred")

    def __init__(self, day, adapter, sender, event, case, data, occurred=None):
        self.day, self.adapter, self.sender = day, adapter, sender
        self.event, self.case, self.data, self.occurred = event, case, data, occurred


class Life:
    """The plan of one person, from the notice to the end of the support."""

    def __init__(self, notice, seed=""):
        self.notice = notice
        self.random = random.Random(seed + notice["number"])
        self.reports = []
        self.ends_on = None
        self.territory = notice["municipality"]
        self.provider = "provider-" + self.territory
        self.uszn = "uszn-" + self.territory
        self.group = "wg-" + self.territory
        self.release = notice["release_date"]
        self.plan()

    # ---- small words ----

    def chance(self, percent):
        return self.random.random() * 100 < percent

    def days(self, low, high):
        return dt.timedelta(days=self.random.randint(low, high))

    def tell(self, day, adapter, sender, event, data=None, occurred=None):
        """Nothing is reported after the case has ended, and nothing before the notice."""
        day = workday(max(day, self.notice["notice_date"] + DAY))
        if self.ends_on and day >= self.ends_on:
            return
        self.reports.append(Report(day, adapter, sender, event, self.notice["number"], data or {}, occurred))

    def by_provider(self, day, event, data=None, occurred=None):
        self.tell(day, "provider", self.provider, event, data, occurred)

    # ---- the way of a person ----

    def plan(self):
        self.fate()
        self.before_release()
        if self.chance(2):
            return  # the release is never confirmed: the case shows it
        released = self.released()
        if self.chance(5):
            return  # did not arrive
        arrived = released + self.days(0, 5)
        self.by_provider(arrived + self.days(0, 2), "arrival.confirmed",
                         {"arrived_on": arrived.isoformat(), "municipality": self.territory})
        self.after_arrival(arrived)

    def fate(self):
        """Some lives turn before the support has run its course."""
        turn = self.release + self.days(20, 240)
        draw = self.random.random() * 100
        if draw < 3:
            self.ends("imprisoned", turn)
        elif draw < 5:
            self.ends("departed", turn)
        elif draw < 7:
            self.ends("refused", turn)
        elif draw < 8:
            self.ends("died", turn)

    def ends(self, how, day):
        day = workday(day)
        on = day.isoformat()
        ending = {
            "imprisoned": [("ufsin", "ufsin", "sentence.in_force",
                            {"in_force_on": on, "punishment": "deprivation-of-liberty"}),
                           ("ufsin", "ufsin", "imprisonment.confirmed", {"imprisoned_on": on})],
            "departed": [("provider", self.provider, "departure.registered", {"departed_on": on, "permanent": True})],
            "refused": [("provider", self.provider, "refusal.filed", {"filed_on": on, "written": True})],
            "died": [("provider", self.provider, "death.registered", {"died_on": on})],
        }[how]
        for adapter, sender, event, data in ending:
            self.tell(day, adapter, sender, event, data)
        self.ends_on = day

    def before_release(self):
        start = self.notice["notice_date"]
        if self.chance(80):
            held = workday(start + (self.days(3, 20) if self.chance(85) else self.days(30, 60)))
            if held < self.release:
                self.by_provider(held, "consultation.held",
                                 {"held_on": held.isoformat(), "form": self.random.choice(["onsite", "online"])})
        if self.chance(88):
            visited = workday(max(start + self.days(3, 9), self.release - self.days(3, 60)))
            if visited < self.release:
                self.by_provider(visited, "visit.done", {"phase": "before", "visited_on": visited.isoformat()})
        elif self.chance(30):
            stated = workday(self.release - self.days(3, 10))
            self.by_provider(stated, "visit.impossible",
                             {"phase": "before", "stated_on": stated.isoformat(), "reason": "no-access"})
        if self.chance(5):
            received = workday(self.release - self.days(5, 15))
            self.apply(received)

    def apply(self, received):
        self.applied = received
        self.by_provider(received, "application.received",
                         {"kind": "social-services", "received_on": received.isoformat()})

    applied = None

    def released(self):
        self.tell(self.release + self.days(0, 1), "ufsin", "ufsin", "release.confirmed",
                  {"released_on": self.release.isoformat()})
        return self.release

    def after_arrival(self, arrived):
        visited = workday(arrived + self.days(1, 6 if self.chance(80) else 14))
        # One visit in twenty is reported days after it was made: in time, but told late.
        told = visited + (self.days(6, 12) if self.chance(5) else 0 * DAY)
        self.by_provider(told, "visit.done", {"phase": "after", "visited_on": visited.isoformat()},
                         occurred=visited if told != visited else None)
        signed = workday(told + self.days(0, 2))
        self.by_provider(signed, "act.signed", {"signed_on": signed.isoformat()})
        assessed = workday(signed + self.days(1, 5))
        needs = self.notice["needs"]
        self.by_provider(assessed, "needs.assessed",
                         {"assessed_on": assessed.isoformat(), "needs": needs, "needed": bool(needs)})
        if not needs:
            return
        decided = workday(assessed + self.days(1, 4))
        if not self.notice["consent"] and self.chance(85):
            self.by_provider(decided, "consent.refused", {"refused_on": decided.isoformat()})
            return
        self.by_provider(decided, "consent.given", {"given_on": decided.isoformat()})
        if not self.applied and self.chance(70):
            self.apply(workday(decided + self.days(1, 3)))
        self.programme(self.applied if self.applied and self.applied > decided else decided)

    def programme(self, start):
        established = workday(start + self.days(1, 3))
        self.by_provider(established, "programme.drafted", {"need_established_on": established.isoformat()})
        sent = workday(established + (self.days(0, 1) if self.chance(90) else self.days(3, 6)))
        self.by_provider(sent + DAY if sent == established else sent, "draft.sent", {"sent_on": sent.isoformat()})
        sitting = next_sitting(sent + 2 * DAY)
        months = self.random.choice([3, 4, 5, 6, 6, 6])
        self.tell(sitting, "working_group", self.group, "section14.formed",
                  {"formed_on": sitting.isoformat(), "measures": self.measures(sitting, months)})
        approved = workday(sitting + (self.days(1, 3) if self.chance(85) else self.days(7, 14)))
        self.tell(approved, "working_group", self.uszn, "programme.approved",
                  {"approved_on": approved.isoformat(), "term_months": months})
        self.implementation(approved, months)

    def measures(self, sitting, months):
        return [{
            "id": "m%d" % (index + 1),
            "kind": need,
            "due": (sitting + dt.timedelta(days=self.random.randint(45, months * 30 - 10))).isoformat(),
        } for index, need in enumerate(self.notice["needs"])]

    def implementation(self, approved, months):
        signed = workday(approved + self.days(1, 4))
        self.by_provider(signed, "contract.signed", {"signed_on": signed.isoformat(), "term_months": months})
        appointed = workday(signed + self.days(1, 2))
        self.by_provider(appointed, "curator.appointed", {"appointed_on": appointed.isoformat()})
        started = workday(approved + (self.days(5, 14) if self.chance(90) else self.days(18, 30)))
        self.by_provider(started, "implementation.started", {"started_on": started.isoformat()})
        interim = add_months(approved, 3) + (self.days(1, 5) if self.chance(85) else self.days(9, 20))
        end = add_months(approved, months)
        if interim < end:
            interim = workday(interim)
            self.by_provider(interim, "assessment.interim",
                             {"assessed_on": interim.isoformat(), "result": "unchanged"})
        if self.chance(5):
            self.issue(started + self.days(5, 30))
        self.finish(end, approved, months, may_extend=True)

    def issue(self, raised):
        raised = workday(raised)
        self.by_provider(raised, "issue.raised", {"issue": "i1", "raised_on": raised.isoformat(), "kind": "organisation"})
        resolved = next_sitting(raised + DAY)
        self.tell(resolved, "working_group", self.group, "issue.resolved",
                  {"issue": "i1", "resolved_on": resolved.isoformat(), "decision": "assisted"})

    def finish(self, end, approved, months, may_extend):
        monitored = workday(end - self.days(5, 12))
        extend = may_extend and self.chance(15)
        self.by_provider(monitored, "monitoring.done",
                         {"done_on": monitored.isoformat(), "result": "partly" if extend else "reached",
                          "proposal": "continue" if extend else "finish"})
        decided = workday(end - self.days(1, 3) if self.chance(88) else end + self.days(3, 20))
        if extend:
            self.extend(monitored, decided, approved, months)
            return
        self.tell(decided, "working_group", self.group, "closure.decided",
                  {"decided_on": decided.isoformat(), "ground": "result" if self.chance(93) else "impossible"})

    def extend(self, monitored, decided, approved, months):
        added = min(12 - months, self.random.choice([2, 3, 6]))
        self.by_provider(monitored, "extension.requested",
                         {"requested_on": monitored.isoformat(), "months": added, "written": True})
        self.tell(decided, "working_group", self.group, "extension.decided",
                  {"decided_on": decided.isoformat(), "granted": True, "months": added})
        self.finish(add_months(approved, months + added), approved, months + added, may_extend=False)


class Executors:
    """How the organisations answer what they are offered."""

    @staticmethod
    def reception(offer, first, begun, ended, report):
        """How the work begins: by an appointment that is kept, or not and then kept, or without one. And when it ends."""
        draw = random.Random("reception %s/%s" % (offer["case"], offer["offer"]))
        if draw.random() < 0.4:
            return [report(begun, "referral.in_progress", {"started_on": begun.isoformat()})], ended
        reports = [report(first, "referral.appointment", {"appointment_on": begun.isoformat(), "place": "main"})]
        if draw.random() < 0.15:
            again = workday(begun + dt.timedelta(days=draw.randint(3, 8)))
            reports += [report(begun, "referral.missed_appointment", {"missed_on": begun.isoformat(), "reason": "no-contact"}),
                        report(workday(begun + DAY), "referral.appointment", {"appointment_on": again.isoformat(), "place": "main"})]
            begun, ended = again, max(ended, workday(again + DAY))
        return reports + [report(begun, "referral.attended", {"attended_on": begun.isoformat()})], ended

    def answer(self, offer, today):
        """Reports that follow from an offer, drawn from its own number."""
        draw = random.Random("%s/%s" % (offer["case"], offer["offer"]))
        base = {"offer": offer["offer"]}
        adapter, sender, case = offer["adapter"], offer["participant"], offer["case"]

        def report(day, event, data):
            return Report(workday(day), adapter, sender, event, case, {**base, **data})

        first = workday(today + dt.timedelta(days=draw.randint(0, 2)))
        fate = draw.random() * 100
        if fate < 4:
            return []  # silent: the offer expires and goes to the next
        if fate < 10:
            return [report(first, "referral.declined", {"declined_on": first.isoformat(), "reason": "no-capacity"})]
        reports = [report(first, "referral.accepted", {"accepted_on": first.isoformat()})]
        begun = workday(first + dt.timedelta(days=draw.randint(1, 10)))
        ended = workday(begun + dt.timedelta(days=draw.randint(5, 45)))
        if fate < 14:
            return reports + [report(ended, "referral.no_right", {"stated_on": ended.isoformat(), "reason": "no-ground"})]
        if fate < 17:
            return reports + [report(ended, "referral.unavailable", {"stated_on": ended.isoformat(), "reason": "queue"})]
        seen, ended = self.reception(offer, first, begun, ended, report)
        reports += seen
        if fate < 97:
            reports.append(report(ended, "referral.completed", {"completed_on": ended.isoformat(), "result": "received"}))
        return reports


class Accounts:
    """How those who owe a report for a month or a quarter send it when they are reminded: most in time, some late, some
    never; and how a working group answers when it is told that it sits too late."""

    OWED = {"monthly-report": ("report.submitted", "submitted_on"), "quarterly-registry": ("registry.submitted", "submitted_on"),
            "quarterly-review": ("quarter.reviewed", "reviewed_on")}

    def __init__(self):
        self.reminded = set()

    @staticmethod
    def owed(delivery):
        """What a delivery reminds of, as (what, period, due), or None."""
        if delivery["delivery"] == "deadline_notice" and delivery["state"] == "reminder":
            return delivery["deadline"], delivery.get("key", ""), delivery["due"]
        if delivery["delivery"] == "notice" and delivery["template"] == "report-due":
            return "monthly-report", delivery["data"]["period"], delivery["data"]["due"]
        return None

    @staticmethod
    def extra_sitting(adapter, delivery, today):
        """A group without a sitting inside a term appoints one on its last day; one in six forgets to."""
        draw = random.Random("%s/%s" % (delivery["case_id"], delivery["due"]))
        if draw.randrange(6) == 0:
            return []
        return [Report(workday(today + DAY), adapter, delivery["participant"], "sitting.scheduled", delivery["case_id"],
                       {"sitting_on": delivery["due"]})]

    def answer(self, adapter, delivery, today):
        """The report that a reminder leads to, once for each period; the sitting that a task asks for."""
        if delivery["delivery"] == "task" and "sitting.scheduled" in delivery["events"]:
            return self.extra_sitting(adapter, delivery, today)
        owed = self.owed(delivery)
        if not owed or owed[0] not in self.OWED or (delivery["case_id"], *owed) in self.reminded:
            return []
        self.reminded.add((delivery["case_id"], *owed))
        what, period, due = owed
        draw = random.Random("%s/%s/%s" % (delivery["case_id"], what, period))
        fate = draw.random() * 100
        if fate < 4:
            return []
        late = dt.date.fromisoformat(due) + dt.timedelta(days=draw.randint(1, 9))
        day = workday(late if fate < 10 else today + dt.timedelta(days=draw.randint(0, 1)))
        event, done_on = self.OWED[what]
        return [Report(day, adapter, delivery["participant"], event, delivery["case_id"],
                       {"period": period, done_on: day.isoformat()})]
