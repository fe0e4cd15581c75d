"""Who needs to know: the bytes of each participant's stream, held against every row of need-to-know.csv.

Two citizens of one town, one released from prison and one who is not, go the same way through the support. Each value
that somebody may not see is marked; the marks are looked for in the bytes as the engine sends them.
"""

import csv
import datetime
import pathlib
import re
import unittest

from blackbox import BlackBox, client, main

MATRIX = pathlib.Path(__file__).resolve().parent / "need-to-know.csv"
UFSIN, PROVIDER, USZN, GROUP = "ufsin", "provider-surgut", "uszn-surgut", "wg-surgut"
HEALTH, EMPLOYMENT, EXECUTOR = "health-surgut", "employment-surgut", "ngo-novy-dom"
CENTRE = "resource-centre"
STRANGERS = ("provider-megion", "uszn-megion", "wg-megion", "health-megion")
FIRST = ("health-okrug", "ngo-career", "ngo-legal-aid")  # who had the measures before those that are looked at
EXECUTORS = (HEALTH, EMPLOYMENT, EXECUTOR)
OFFICE = (PROVIDER, USZN)
AUTHORITIES = (*OFFICE, GROUP)
EVERYBODY = (*AUTHORITIES, *EXECUTORS)

RELEASED, FREE = "K-2026-00017", "K-2026-00018"
RELEASE_DATE = "-37"  # days from today; no other date of the test is this one


def day(days):
    return (datetime.date.today() + datetime.timedelta(days=int(days))).isoformat()


# Row of the matrix → [(mark, who sees it)]. Whoever is not named must not have it in its stream. What the matrix gives
# to the Resource Centre beyond alarms (counts, months, statuses) is no matter of streams: it asks on the query socket.
ROWS = {
    "identity: ФИО, ДР, контакт": [("MkSurname", EVERYBODY), ("MkContact", EVERYBODY),
                                   ("1971-03-05", (*OFFICE, HEALTH, EMPLOYMENT)),
                                   ("MkSnils", (*OFFICE, HEALTH, EMPLOYMENT))],
    "planned release date, arrival settlement": [(day(RELEASE_DATE), (PROVIDER,)), ("MkSettlement", AUTHORITIES)],
    # No field for an article or a term: the notice does not bring them. What reveals a conviction is marked here.
    "conviction article, term, recidivism": [("MkGround", OFFICE), ("MkCourt", OFFICE), ("deprivation-of-liberty", ())],
    "address, family composition, minors": [("MkAddress", AUTHORITIES), ("MkFamily", AUTHORITIES)],
    "акт обследования": [("MkAct", OFFICE)],
    "need assessment (прил.1)": [("care-training", ()), ("MkDiagnosis", OFFICE)],
    "health detail": [("MkHealth", (HEALTH,)), ("MkCertificate", OFFICE)],
    "whole programme (section 14)": [("MkMedical", (HEALTH,)), ("MkEmployment", (EMPLOYMENT,)),
                                     ("MkHousing", (EXECUTOR,)), ("MkReasoning", AUTHORITIES)],
    "referral + accept/decline/progress/outcome": [("waiting-documents", (PROVIDER,))],
    "free-text of provider": [("MkNote", OFFICE), ("MkAnswer", OFFICE), ("MkMeasureNote", OFFICE)],
    "contract, consent, refusal": [("MkConsent", EVERYBODY)],
    "closure event": [("imprisoned", (USZN,)), ("support-ended", (GROUP,))],
    "deadline breach, escalation": [("deadline-missed", (USZN, CENTRE)), ("pre-release-work", (PROVIDER, USZN, CENTRE))],
    "registry/KPI aggregates": [],  # no part of a stream
    "audit log of accesses": [("mk-why", ()), ("person.reveal", ())],
    "process name, basis 000, sender and colony (each reveals the conviction)":
        [("MkColony", OFFICE), ("000 п.", (PROVIDER,)), (UFSIN, ()), ("release", (*OFFICE, CENTRE))],
    "ЛИУ as colony (reveals illness)": [("MkInfirmary", OFFICE)],
    "links between cases of one person": [],  # test_a_delivery_names_one_case
    "helpline caller, safety flag on a visit": [("MkCaller", OFFICE), ("safety_risk", OFFICE)],
    "other members of the family": [],  # the catalogue has no field for them
}


class NeedToKnow(BlackBox):
    participants = tuple(dict.fromkeys((UFSIN, *EVERYBODY, CENTRE, *FIRST, *STRANGERS)))

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine.kurator("keys", "generate", "--operator", "trusted", "--privacy", "--out", cls.engine.hands,
                           "--register", cls.engine.keys)
        cls.engine.read_keys_again()
        cls.links, cls.parts = {}, {name: [] for name in cls.participants}
        for name in cls.participants:
            cls.links[name] = cls.listen(name)
        cls.tell_a_released_citizen()
        cls.tell_support(FREE, "free")
        cls.see_the_person()
        cls.end_the_released_citizen()
        for name in cls.participants:
            cls.links[name].connection.wait(timeout=0.5)

    @classmethod
    def listen(cls, name):
        keys = client.Keys.load(cls.engine.hands / name)
        public = client.key_fields(cls.engine.hands / "server.pub")["connection-public"]
        connection = client.Connection(cls.context, cls.engine.exchange, keys, public)
        cls.addClassCleanup(connection.close)
        link = client.Link(connection, name, keys)
        handle = link.delivered

        def delivered(after, parts):
            cls.parts[name] += parts
            handle(after, parts)
        link.delivered = delivered
        link.greet()
        return link

    @classmethod
    def say(cls, who, case, name, **fields):
        link = cls.links[who]
        receipt = link.receipt(link.submit(case, name, fields))
        assert receipt.outcome == "accepted", (who, name, receipt)

    # ---- what happens ----

    @classmethod
    def tell_a_released_citizen(cls):
        case = RELEASED
        cls.say(UFSIN, case, "release.notice", notice_number="1", edition=1, notice_date=day(-90),
                institution="MkInfirmary", surname="MkSurname", birth_date="1971-03-05", snils="MkSnils",
                release_date=day(RELEASE_DATE), municipality="surgut", settlement="MkSettlement", address="MkAddress",
                family="MkFamily", minors=3, needs=["employment", "care-training"])
        cls.say(PROVIDER, case, "consultation.held", held_on=day(-45), note="MkNote")
        cls.say(PROVIDER, case, "visit.done", phase="before", visited_on=day(-40), safety_risk=True)
        cls.say(UFSIN, case, "release.confirmed", released_on=day(RELEASE_DATE), release_ground="MkGround")
        cls.say(PROVIDER, case, "appeal.received", received_on=day(-36), caller="MkCaller", contact="MkContact")
        cls.say(PROVIDER, case, "arrival.confirmed", arrived_on=day(-35))
        cls.say(PROVIDER, case, "act.signed", signed_on=day(-34), text="MkAct")
        cls.say(PROVIDER, case, "diagnostics.done", done_on=day(-34), conclusion="MkDiagnosis")
        cls.say(PROVIDER, case, "needs.assessed", assessed_on=day(-33), needs=["employment", "care-training"],
                needed=True)
        cls.say(PROVIDER, case, "consent.given", given_on=day(-32), document="MkConsent")
        cls.tell_support(case, "released")

    @classmethod
    def tell_support(cls, case, who):
        """Both citizens: the application, the programme, three measures each with two who carry them out."""
        names = {"surname": "MkOtherName", "municipality": "surgut"} if who == "free" else {}
        cls.say(PROVIDER, case, "application.received", kind="social-services", received_on=day(-31), **names)
        cls.say(PROVIDER, case, "programme.drafted", need_established_on=day(-30))
        cls.say(PROVIDER, case, "draft.sent", sent_on=day(-29))
        cls.say(GROUP, case, "section14.formed", formed_on=day(-28), measures=[
            dict(id="m1", kind="medical", title="MkMedical", due=day(60), executor=HEALTH, note="MkMeasureNote"),
            dict(id="m2", kind="medical", title="MkMedical again", due=day(61), executor="health-okrug"),
            dict(id="m3", kind="employment", title="MkEmployment", due=day(62), executor="ngo-career"),
            dict(id="m4", kind="housing", title="MkHousing", due=day(63), executor="ngo-legal-aid")])
        cls.say(USZN, case, "programme.approved", approved_on=day(-27), term_months=6, term_reasons="MkReasoning")
        cls.say(HEALTH, case, "referral.accepted", measure="m1", offer=1, accepted_on=day(0))
        cls.say(HEALTH, case, "referral.completed", measure="m1", offer=1, completed_on=day(0),
                health_detail="MkHealth", result_document="MkCertificate", note="MkAnswer")
        cls.say("ngo-career", case, "referral.declined", measure="m3", offer=1, declined_on=day(0), reason="waiting-documents")
        for measure, executor in (("m2", HEALTH), ("m3", EMPLOYMENT), ("m4", EXECUTOR)):
            cls.say(PROVIDER, case, "referral.reassigned", measure=measure, to=executor)

    @classmethod
    def see_the_person(cls):
        cls.engine.kurator("person", "show", RELEASED, "--reveal", "--reason", "mk-why", "--endpoint",
                           cls.engine.query, "--keys", cls.engine.hands, "--as", "trusted")

    @classmethod
    def end_the_released_citizen(cls):
        """The provider is told once more, by the referral that comes back, before the sentence ends the case."""
        cls.say(UFSIN, RELEASED, "imprisonment.confirmed", imprisoned_on=day(-1), institution="MkColony",
                court_document="MkCourt")
        cls.say(EMPLOYMENT, RELEASED, "referral.accepted", measure="m3", accepted_on=day(0))
        cls.say(EMPLOYMENT, RELEASED, "referral.declined", measure="m3", declined_on=day(0), reason="waiting-documents")
        cls.say(UFSIN, RELEASED, "sentence.in_force", in_force_on=day(-2), punishment="deprivation-of-liberty",
                court_document="MkCourt")

    # ---- what is seen ----

    def stream(self, name):
        return b"\n".join(self.parts[name])

    def test_each_row_of_the_matrix_has_its_marks(self):
        with open(MATRIX, encoding="utf-8", newline="") as file:
            rows = [row["field_or_event"] for row in csv.DictReader(file, delimiter="|")]
        self.assertEqual(sorted(rows), sorted(ROWS))

    def test_who_may_see_a_value_has_it_and_nobody_else(self):
        for row, marks in ROWS.items():
            for mark, readers in marks:
                for name in self.participants:
                    with self.subTest(row=row, mark=mark, participant=name):
                        seen = mark.encode() in self.stream(name)
                        if name in FIRST:
                            self.assertFalse(seen and not set(readers) & set(EXECUTORS))
                        else:
                            self.assertEqual(name in readers, seen)

    def test_who_has_no_part_in_a_case_hears_nothing(self):
        for name in (UFSIN, *STRANGERS):
            self.assertEqual([], self.parts[name], name)

    def test_a_referral_looks_the_same_whatever_the_citizen_comes_from(self):
        """But for the case's number, the moment and the position, the fields and words are one another's."""
        for name in EXECUTORS:
            shapes = {case: sorted(self.shape(part) for part in self.parts[name] if case.encode() in part
                                   and self.kind(part) == "offer") for case in (RELEASED, FREE)}
            self.assertTrue(shapes[FREE], name)
            self.assertEqual(shapes[FREE], shapes[RELEASED], name)

    @staticmethod
    def delivery(part):
        return client.deliveries_pb2.Delivery.FromString(part)

    def kind(self, part):
        return self.delivery(part).WhichOneof("body")

    def shape(self, part):
        body = getattr(self.delivery(part), self.kind(part))
        body.ClearField("data_json")  # the person, whose fields are rows of the matrix
        return re.sub("%s|%s" % (RELEASED, FREE), "CASE", str(body))

    def test_a_delivery_names_one_case(self):
        for name in self.participants:
            for part in self.parts[name]:
                self.assertFalse(RELEASED.encode() in part and FREE.encode() in part)

    def test_no_stream_names_a_part_of_a_case(self):
        for name in self.participants:
            for case in (RELEASED, FREE):
                self.assertNotIn((case + "/support").encode(), self.stream(name), name)


if __name__ == "__main__":
    main()
