"""What happens to each person and family of a year, beside those released (who live as in ops/demo.d/plan.py).

A life is drawn from a generator seeded with the year's seed and its own number. Most go the straight way; some turn: refused,
not recognised, departed, died, closed early; some agencies are late, some say nothing. Nobody here exists.
"""

import datetime as dt

import plan
from plan import DAY, workday

NEEDS = ["medical", "psychological", "pedagogical", "legal", "social", "employment", "documents", "housing", "mse", "tsr",
         "care-training", "other"]
GROUPS = ["elderly", "disabled", "hardship", "minor-at-risk", "family-at-risk", "homeless"]


class Release(plan.Life):
    """Somebody who is released: plan.Life after a notice, which is itself a message here; some are corrected."""

    def plan(self):
        self.announce(1, self.notice["notice_date"], self.release)
        if self.chance(4):
            self.release += self.days(5, 30)
            self.announce(2, self.notice["notice_date"] + self.days(5, 20), self.release)
        super().plan()

    def announce(self, edition, day, release):
        notice = self.notice
        data = {"notice_number": notice["number"], "edition": edition, "notice_date": day.isoformat(), "surname": "Тестов",
                "release_date": release.isoformat(), "municipality": self.territory, "needs": notice["needs"],
                "consent": notice["consent"]}
        self.tell(day, "ufsin", "ufsin", "release.notice", data)


class Applicant(plan.Life):
    """What citizens and families have in common: they come on a day of their own, and their support is that of 002."""

    def by_office(self, day, event, data=None):
        self.tell(day, "working_group", self.uszn, event, data)

    def application(self, day, more=None):
        kind = "social-services" if self.chance(85) else "support"
        self.applied = day
        self.by_provider(day, "application.received",
                         {"kind": kind, "received_on": day.isoformat(), "municipality": self.territory,
                          "surname": "Тестов", **(more or {})})
        if self.chance(3):  # written down wrongly: told again with the right date
            right = workday(day - 2 * DAY)
            self.by_provider(day + 2 * DAY, "application.received",
                             {"kind": kind, "received_on": right.isoformat(), **(more or {})})

    def over(self, day):
        """The case ends on that day: what was to come later is not told."""
        self.ends_on = day
        self.reports = [report for report in self.reports if report.day <= day]

    def consented(self, day):
        """False when there is no consent; that ends a case that has no programme yet."""
        if self.chance(4):
            self.by_provider(day, "consent.refused", {"refused_on": day.isoformat()})
            self.over(day)
            return False
        self.by_provider(day, "consent.given", {"given_on": day.isoformat()})
        return True

    def leaves_early(self, day):
        """Refuses in writing, moves away or dies while the papers are still being made."""
        draw = self.random.random() * 100
        if draw >= 6:
            return False
        self.ends("refused" if draw < 3 else "departed" if draw < 5 else "died", day)
        self.over(self.ends_on)
        return True


class Citizen(Applicant):
    """002: application, recognition, consent, programme."""

    def plan(self):
        self.fate()
        start = workday(self.release)
        self.application(start)
        decided = workday(start + self.days(1, 4))
        if self.chance(6):
            self.by_office(decided, "recognition.decided", {"decided_on": decided.isoformat(), "recognised": False})
            self.over(decided)
            return
        self.by_office(decided, "recognition.decided",
                       {"decided_on": decided.isoformat(), "recognised": True, "form": "home"})
        if self.leaves_early(decided + DAY) or not self.consented(workday(decided + self.days(0, 2))):
            return
        if self.chance(3):
            closed = workday(decided + self.days(5, 30))
            self.by_provider(closed, "closure.decided", {"decided_on": closed.isoformat(), "ground": "wish"})
            self.over(closed)
            return
        self.programme(decided)

    def implementation(self, approved, months):
        super().implementation(approved, months)
        if self.chance(80):
            issued = workday(approved + self.days(0, 3))
            self.by_office(issued, "copies.issued", {"issued_on": issued.isoformat(), "recipients": ["citizen", "file"]})


class Family(Applicant):
    """003: recognition by the working group, application, contract, diagnostics, level, council."""

    def plan(self):
        self.fate()
        start = workday(self.release)
        kin = {"subject": "family", "family_kind": self.random.choice(["single-parent", "two-parents", "guardian"])}
        if self.chance(70):
            recognised = self.recognition(start, kin)
            self.application(workday(start + self.days(1, 5)), kin) if recognised else None
        else:
            self.application(start, kin)
            recognised = self.recognition(plan.next_sitting(start + DAY), kin)
        day = workday(start + self.days(6, 10))
        if not recognised or self.leaves_early(day) or not self.consented(day):
            return
        self.programme(day)

    def recognition(self, day, kin):
        recognised = not self.chance(7)
        self.tell(day, "working_group", self.group, "recognition.decided",
                  {"decided_on": day.isoformat(), "recognised": recognised, "municipality": self.territory, **kin})
        if not recognised:
            self.over(day)
        return recognised

    def implementation(self, approved, months):
        super().implementation(approved, months)
        diagnosed = workday(approved + self.days(5, 15))
        self.by_provider(diagnosed, "diagnostics.done", {"done_on": diagnosed.isoformat()})
        level = workday(diagnosed + self.days(1, 5))
        self.by_provider(level, "level.set", {"set_on": level.isoformat(), "level": "basic", "term_months": months})
        if self.chance(50):
            self.by_provider(level + DAY, "supplement.signed", {"signed_on": level.isoformat()})
        self.council(workday(approved + self.days(30, 60)))

    def council(self, day):
        self.by_provider(day - self.days(10, 20), "council.scheduled", {"council_on": day.isoformat()})
        if self.chance(85):
            held = workday(day + (0 * DAY if self.chance(85) else self.days(3, 9)))
            self.by_provider(held, "council.reviewed", {"reviewed_on": held.isoformat(), "kind": "interim", "result": "reached"})


class Reception(Applicant):
    """004: an appeal or a problem that was found, needs, technology, proposals, recognition."""

    def plan(self):
        start = workday(self.release)
        self.begin(start)
        if self.chance(4):
            return  # nobody takes it up: the case shows it
        if self.leaves_early(start + self.days(1, 6)):
            return
        assessed = workday(start + (self.days(0, 3) if self.chance(88) else self.days(6, 15)))
        needed = not self.chance(15)
        self.by_provider(assessed, "needs.assessed", {"assessed_on": assessed.isoformat(), "needed": needed, **self.assistance(needed)},
                         occurred=workday(start) if self.chance(3) else None)
        if not needed:
            return
        self.help(assessed)
        self.decide(start, assessed)

    def begin(self, start):
        about = {"municipality": self.territory, "surname": "Тестов", "target_group": self.random.choice(GROUPS)}
        appeal = self.chance(70)
        if appeal:
            self.by_provider(start, "appeal.received",
                             {"channel": self.random.choice(["personal", "helpline", "written"]), "received_on": start.isoformat(), **about})
        if not appeal or self.chance(25):
            self.by_provider(start, "problem.identified", {"identified_on": start.isoformat(), **about})
        if appeal and self.chance(3):
            self.by_provider(start + DAY, "appeal.received", {"received_on": workday(start - DAY).isoformat()})

    def assistance(self, needed):
        kinds = [kind for kind in ("urgent", "prevention", "psychological", "legal", "technical") if self.chance(20)]
        return {"assistance": kinds, "needs": self.notice["needs"]} if needed else {}

    def help(self, day):
        self.by_provider(day, "consultation.held", {"held_on": day.isoformat(), "form": "onsite"})
        for kind in ("prevention", "psychological", "legal", "technical"):
            if self.chance(20):
                given = workday(day + self.days(0, 2))
                self.by_provider(given, "assistance.given", {"assisted_on": given.isoformat(), "kind": kind})
        if self.chance(20):
            self.by_provider(day, "urgent.provided", {"provided_on": day.isoformat(), "kind": "social"})

    def decide(self, start, assessed):
        chosen = workday(assessed + self.days(0, 3))
        self.by_provider(chosen, "technology.chosen", {"chosen_on": chosen.isoformat(), "technology": "case-work"})
        if self.chance(85):
            proposed = workday(start + (self.days(2, 6) if self.chance(88) else self.days(9, 14)))
            self.by_provider(proposed, "programme.proposed", {"proposed_on": proposed.isoformat()})
        prepared = workday(chosen + self.days(1, 5))
        self.by_provider(prepared, "assistance.given", {"assisted_on": prepared.isoformat(), "kind": "papers"})
        if self.chance(8):
            closed = workday(prepared + self.days(3, 20))
            self.by_provider(closed, "closure.decided", {"decided_on": closed.isoformat(), "ground": self.random.choice(["result", "wish"])})
            self.over(closed)
            return
        signed = workday(prepared + self.days(1, 4))
        self.by_provider(signed, "act.signed", {"signed_on": signed.isoformat()})
        decided = workday(prepared + self.days(5, 12))
        self.by_office(decided, "recognition.decided", {"decided_on": decided.isoformat(), "recognised": self.chance(88)})


class Years:
    """All lives of a year: how many of each kind, each with a number that nobody else has."""

    KINDS = {"release": (Release, "86"), "citizen": (Citizen, "cit"), "family": (Family, "fam"), "intake": (Reception, "app")}

    def __init__(self, year, seed, counts, territories):
        self.year, self.seed, self.territories = year, seed, territories
        self.numbers = set()
        self.lives = [self.live(kind, index) for kind, count in counts.items() for index in range(count)]

    def number(self, prefix, index):
        number = "%s-%d-%05d" % (prefix, self.year, index + 1)
        if number in self.numbers:
            raise ValueError("the number %s stands for two cases" % number)
        self.numbers.add(number)
        return number

    def live(self, kind, index):
        of_kind, prefix = self.KINDS[kind]
        number = self.number(prefix, index)
        draw = plan.random.Random("%d/%s" % (self.seed, number))
        day = dt.date(self.year, 1, 1) + dt.timedelta(days=draw.randrange(365))
        needs = draw.sample(NEEDS, draw.randint(1, 3)) if kind != "release" or draw.random() < 0.9 else []
        before = dt.timedelta(days=draw.randint(20, 240)) if kind == "release" else DAY
        notice = {"number": number, "municipality": draw.choice(self.territories), "needs": needs,
                  "consent": draw.random() < 0.9, "notice_date": day - before, "release_date": day}
        return of_kind(notice, "%d/" % self.seed)
