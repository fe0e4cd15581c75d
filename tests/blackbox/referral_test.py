"""A referral among those who would rather not: who may say what about it, with which words, and who wins when two speak at once.

Statuses and rights as in PROTOCOL.md § 23. Each test has a citizen of its own; employment-surgut is asked first, ngo-career next.
"""

import datetime

from blackbox import BlackBox, client, main

PROVIDER, USZN, GROUP = "provider-surgut", "uszn-surgut", "wg-surgut"
FIRST, NEXT, OTHER = "employment-surgut", "ngo-career", "ip-orlova"
LAWYERS = (OTHER, "ngo-legal-aid")  # who has less to do is asked
NEIGHBOUR = "employment-kogalym"  # of the same kind, in another place
EXECUTORS_WORDS = ("referral.delivered", "referral.accepted", "referral.declined", "referral.appointment", "referral.attended",
                   "referral.missed_appointment", "referral.in_progress", "referral.on_hold", "measure.progress",
                   "referral.completed", "referral.no_right", "referral.unavailable")
WITH_REASON = ("referral.declined", "referral.missed_appointment", "referral.on_hold", "referral.no_right", "referral.unavailable")
NEEDED = {name: {"reason": "other"} for name in WITH_REASON} | {"referral.appointment": {"appointment_on": "2026-03-02"}}
ROUNDS = 8


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=days)).isoformat()


class Referral(BlackBox):
    participants = (PROVIDER, USZN, GROUP, FIRST, NEXT, *LAWYERS, NEIGHBOUR)

    def setUp(self):
        self.links = {name: self.link(name) for name in self.participants}
        self.number = self.case()
        self.say(PROVIDER, "application.received", kind="support", received_on=day(-1), municipality="surgut", surname="Неразглашаемов")
        self.say(GROUP, "section14.formed", measures=[dict(id="m1", kind="employment", due=day(90)), dict(id="m2", kind="legal", due=day(90))])
        self.say(USZN, "programme.approved", approved_on=day(0))

    def send_only(self, who, name, **fields):
        return self.links[who].submit(self.number, name, fields)

    def tell(self, who, name, **fields):
        return self.links[who].receipt(self.send_only(who, name, **fields))

    def say(self, who, name, **fields):
        receipt = self.tell(who, name, **fields)
        self.assertEqual("accepted", receipt.outcome, (who, name, receipt))

    def assert_told_no(self, code, receipt, words=""):
        self.assertEqual(("refused", code), (receipt.outcome, receipt.code), receipt)
        self.assertRegex(receipt.text, "[а-я]{3}")
        self.assertIn(words, receipt.text)

    def referral(self, measure="m1"):
        return next(row for row in self.rows("referral.list", "case=" + self.number) if row["measure"] == measure)

    def assert_stands(self, status, to, measure="m1"):
        """What was cancelled is nobody's any more."""
        found = self.referral(measure)
        self.assertEqual((status, to), (found["status"], found.get("to")))

    # ---- who may say what ----

    def test_only_the_participant_that_was_asked_speaks_for_it(self):
        for name in EXECUTORS_WORDS:
            for who in (PROVIDER, NEXT, OTHER, NEIGHBOUR):
                with self.subTest(event=name, who=who):
                    self.assert_told_no("FORBIDDEN", self.tell(who, name, measure="m1", offer=1, **NEEDED.get(name, {})))
            for who in (USZN, GROUP):
                with self.subTest(event=name, who=who):
                    self.assert_told_no("FORBIDDEN", self.tell(who, name, measure="m1", offer=1, **NEEDED.get(name, {})))
        self.assert_stands("offered", FIRST)

    def test_only_the_working_group_cancels(self):
        for who in (FIRST, NEXT, PROVIDER, USZN):
            with self.subTest(who=who):
                self.assert_told_no("FORBIDDEN", self.tell(who, "referral.cancelled", measure="m1", reason="not-needed"))
        self.assert_stands("offered", FIRST)
        self.say(GROUP, "referral.cancelled", measure="m1", reason="not-needed")
        self.assert_stands("cancelled", None)

    def test_an_executor_names_no_other_executor(self):
        for who in (FIRST, NEXT, USZN):
            with self.subTest(who=who):
                self.assert_told_no("FORBIDDEN", self.tell(who, "referral.reassigned", measure="m1", to=NEXT))
        self.assert_stands("offered", FIRST)

    def test_a_status_that_the_engine_alone_gives_is_no_event(self):
        """The schema has no message for it, so the bytes cannot even be said; under another's name they are unreadable."""
        for name in ("referral.offered", "referral.expired", "referral.unroutable"):
            with self.subTest(event=name), self.assertRaises((KeyError, ValueError, AttributeError)):
                self.send_only(FIRST, name, measure="m1", offer=1)
        self.assert_stands("offered", FIRST)

    def test_the_number_of_one_offer_says_nothing_of_another(self):
        self.assert_told_no("FORBIDDEN", self.tell(FIRST, "referral.accepted", measure="m2", offer=1))
        self.assert_told_no("CONFLICT", self.tell(FIRST, "referral.accepted", measure="m9", offer=1))
        for offer in (2, 7, 2**62):
            self.assert_told_no("CONFLICT", self.tell(FIRST, "referral.accepted", measure="m1", offer=offer), "больше не действует")
        for offer in (0, -1, -2**63):
            self.assert_told_no("INVALID", self.tell(FIRST, "referral.accepted", measure="m1", offer=offer))
        self.assert_stands("offered", FIRST)

    # ---- with which words ----

    def test_a_reason_is_a_code_and_the_answer_names_the_codes(self):
        for name in WITH_REASON:
            for reason in ({}, {"reason": ""}, {"reason": "по семейным обстоятельствам"}, {"reason": "NO-CAPACITY"}, {"reason": "x" * 5000}):
                with self.subTest(event=name, reason=str(reason)[:40]):
                    receipt = self.tell(FIRST, name, measure="m1", offer=1, **reason)
                    self.assert_told_no("INVALID", receipt, "no-capacity")
                    self.assertIn("reason", receipt.text)
        self.assert_told_no("INVALID", self.tell(GROUP, "referral.cancelled", measure="m1", reason="no-capacity"), "not-needed")
        self.assert_told_no("INVALID", self.tell(FIRST, "referral.appointment", measure="m1", offer=1))
        self.assert_told_no("INVALID", self.tell(FIRST, "referral.appointment", measure="m1", offer=1, appointment_on="2026-02-30"))
        self.assert_stands("offered", FIRST)

    def test_each_status_is_reached_by_its_word(self):
        way = (("referral.delivered", "delivered"), ("referral.accepted", "accepted"), ("referral.appointment", "appointed"),
               ("referral.missed_appointment", "not_kept"), ("referral.appointment", "appointed"), ("referral.attended", "in_progress"),
               ("referral.on_hold", "on_hold"), ("referral.in_progress", "in_progress"), ("referral.completed", "completed"))
        for name, status in way:
            self.say(FIRST, name, measure="m1", offer=1, **NEEDED.get(name, {}))
            self.assert_stands(status, FIRST)

    def test_no_right_and_not_possible_are_results(self):
        self.say(FIRST, "referral.no_right", measure="m1", offer=1, reason="no-ground")
        lawyer = self.referral("m2")["to"]
        self.assertIn(lawyer, LAWYERS)
        self.say(lawyer, "referral.unavailable", measure="m2", offer=1, reason="queue", possible_from=day(200))
        self.assert_stands("no_right", FIRST)
        self.assert_stands("unavailable", lawyer, "m2")

    # ---- who comes too late ----

    def test_a_stale_answer_is_told_so(self):
        self.say(FIRST, "referral.declined", measure="m1", offer=1, reason="no-capacity")
        self.assert_stands("offered", NEXT)
        for name in EXECUTORS_WORDS:
            with self.subTest(event=name):
                self.assert_told_no("CONFLICT", self.tell(FIRST, name, measure="m1", offer=1, **NEEDED.get(name, {})), "больше не действует")
        self.assert_told_no("FORBIDDEN", self.tell(FIRST, "referral.accepted", measure="m1"))
        self.assert_told_no("FORBIDDEN", self.tell(FIRST, "referral.accepted", measure="m1", offer=2))
        self.say(NEXT, "referral.accepted", measure="m1", offer=2)
        self.assert_stands("accepted", NEXT)

    def test_after_the_end_nothing_is_taken_back_or_said_again(self):
        self.say(FIRST, "referral.completed", measure="m1", offer=1)
        for name in EXECUTORS_WORDS:
            with self.subTest(event=name):
                self.assertNotEqual("accepted", self.tell(FIRST, name, measure="m1", offer=1, **NEEDED.get(name, {})).outcome)
        self.assertNotEqual("accepted", self.tell(GROUP, "referral.cancelled", measure="m1", reason="not-needed").outcome)
        self.assertNotEqual("accepted", self.tell(PROVIDER, "referral.reassigned", measure="m1", to=NEXT).outcome)
        self.assert_stands("completed", FIRST)

    def test_an_acceptance_after_the_cancellation_is_told_so_with_and_without_a_number(self):
        self.say(GROUP, "referral.cancelled", measure="m1", reason="mistake")
        self.assert_told_no("CONFLICT", self.tell(FIRST, "referral.accepted", measure="m1", offer=1), "больше не действует")
        self.assert_told_no("CONFLICT", self.tell(FIRST, "referral.accepted", measure="m1"), "больше не действует")

    def withdrawals(self, who):
        got = []
        link = self.link(who, on_delivery=got.append)
        link.connection.wait(lambda: link.position >= link.welcome.stream_end, 10)
        link.connection.close()
        name = "%s/m1" % self.number
        return [d.offer_withdrawn.reason for d in got
                if d.WhichOneof("body") == "offer_withdrawn" and d.offer_withdrawn.case_id == name]

    def race(self, *moves):
        """Each move is sent before any is answered: who is first is left to the engine."""
        sent = [(who, self.send_only(who, name, **fields)) for who, name, fields in moves]
        for who, _ in sent:
            self.links[who].flush()
        return [self.links[who].receipt(sequence) for who, sequence in sent]

    def test_of_a_cancellation_and_an_acceptance_one_wins_and_the_loser_hears_of_it(self):
        accept = (FIRST, "referral.accepted", {"measure": "m1", "offer": 1})
        cancel = (GROUP, "referral.cancelled", {"measure": "m1", "reason": "wish"})
        for turn in range(ROUNDS):
            if turn:
                self.setUp()
            first, second = (accept, cancel) if turn % 2 else (cancel, accept)
            receipts = dict(zip((first[0], second[0]), self.race(first, second)))
            with self.subTest(turn=turn, accepted=receipts[FIRST].outcome):
                self.assertEqual("accepted", receipts[GROUP].outcome, receipts[GROUP])
                self.assert_stands("cancelled", None)
                if receipts[FIRST].outcome == "accepted":
                    self.assertLess(receipts[FIRST].journal, receipts[GROUP].journal)
                else:
                    self.assert_told_no("CONFLICT", receipts[FIRST], "больше не действует")
            self.assertEqual(["cancelled"], self.links_apart(FIRST))

    def links_apart(self, who):
        """What the stream of `who` says of the withdrawn offer: its own link is closed first, one connection speaks at a time."""
        self.links[who].connection.close()
        return self.withdrawals(who)

    def test_of_two_who_accept_only_the_one_that_is_asked_has_it(self):
        accept = {"measure": "m1", "offer": 1}
        receipts = self.race((NEXT, "referral.accepted", accept), (FIRST, "referral.accepted", accept), (PROVIDER, "referral.accepted", accept))
        self.assertEqual(["refused", "accepted", "refused"], [receipt.outcome for receipt in receipts])
        self.assert_stands("accepted", FIRST)

    def test_of_a_reassignment_and_an_acceptance_one_wins(self):
        receipts = self.race((PROVIDER, "referral.reassigned", {"measure": "m1", "to": NEXT}),
                             (FIRST, "referral.accepted", {"measure": "m1", "offer": 1}))
        self.assertEqual("accepted", receipts[0].outcome)
        self.assert_stands("offered", NEXT)
        if receipts[1].outcome != "accepted":
            self.assert_told_no("CONFLICT", receipts[1], "больше не действует")
        self.assertEqual(["reassigned"], self.links_apart(FIRST))

    # ---- a move ----

    def test_a_move_takes_a_running_referral_along_and_the_old_executor_hears_of_it(self):
        self.say(FIRST, "referral.accepted", measure="m1", offer=1)
        lawyer = self.referral("m2")["to"]
        self.say(lawyer, "referral.completed", measure="m2", offer=1)
        self.say(PROVIDER, "case.transferred", municipality="kogalym")
        self.assert_stands("offered", NEIGHBOUR)
        self.assert_stands("completed", lawyer, "m2")
        self.assert_told_no("CONFLICT", self.tell(FIRST, "referral.in_progress", measure="m1", offer=1), "больше не действует")
        self.say(NEIGHBOUR, "referral.accepted", measure="m1", offer=2)
        for who in (PROVIDER, GROUP):
            self.assertEqual("FORBIDDEN", self.tell(who, "referral.reassigned", measure="m1", to=NEXT).code)
        self.assertEqual(["moved"], self.links_apart(FIRST))


if __name__ == "__main__":
    main()
