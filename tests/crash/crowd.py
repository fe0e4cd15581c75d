"""The participants of a crash campaign: what they send, what they were promised, what they were given.

  Participant   a Python client on a thread of its own; it survives every kill and writes down each receipt and delivery
  Prison        lays files of notices into the folder of the adapter ufsin
  Clock         moves the engine's clock, where it is a virtual one
  Employment    answers the offers that the adapter employment has written, through its folder

A case of support goes from hand to hand: whoever gets the receipt of one step puts the next one into the queue of the
participant whose turn it is. So every message but the first rests on the commit of another one.
"""

import collections
import datetime as dt
import json
import pathlib
import queue
import random
import sys
import threading
import time

import zmq
import zmq.utils.monitor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "clients" / "python")]

import kurator_client as client  # noqa: E402

ZONE = dt.timezone(dt.timedelta(hours=5))
PYTHONS = ("provider-surgut", "uszn-surgut", "wg-surgut")
EMPLOYMENT = "employment-surgut"
HEADER = ("Номер извещения;Редакция;Дата извещения;Учреждение;Фамилия;Имя;Отчество;Дата рождения;Пол;СНИЛС;"
          "Планируемая дата освобождения;Муниципальное образование прибытия;Населённый пункт;Адрес прибытия;"
          "Состав семьи;Несовершеннолетних детей;Потребности;Согласие на сопровождение")
ROW = ("%s;1;%s;ФКУ ИК-11;Неразглашаемов;Иван;;01.02.1980;М;;%s;%s;г. Сургут;ул. Тестовая, д. 1;один;0;документы;да")
NOTICES_MAX, CASES_MAX, CASES_AT_A_TIME = 250, 120, 12


def today():
    return dt.datetime.now(ZONE).date()


def steps(today_is):
    """(who, event, data) from an application to an offer. The application is old: deadlines are over at once."""
    day = today_is.isoformat()
    old = (today_is - dt.timedelta(days=40)).isoformat()
    measures = [{"id": "m1", "kind": "employment", "due": (today_is + dt.timedelta(days=60)).isoformat(),
                 "executor": EMPLOYMENT}]
    return (("provider-surgut", "application.received", {"kind": "social-services", "received_on": old,
                                                         "municipality": "surgut", "surname": "Неразглашаемов"}),
            ("provider-surgut", "programme.drafted", {"need_established_on": day}),
            ("provider-surgut", "draft.sent", {"sent_on": day}),
            ("uszn-surgut", "closure.decided", {}),  # not for it to say: refused
            ("wg-surgut", "section14.formed", {"formed_on": day, "measures": measures}),
            ("uszn-surgut", "programme.approved", {"approved_on": day, "term_months": 6}))


class Crowd:
    """All participants of a round, and the queues between them."""

    def __init__(self, seed, day):
        self.chance = random.Random(seed)
        self.day = day  # on which everything happens, whatever the engine's clock says
        self.occurred_at_ms = int(dt.datetime(day.year, day.month, day.day, tzinfo=ZONE).timestamp() * 1000)
        self.queues = {name: queue.Queue() for name in PYTHONS}
        self.steps = steps(day)
        self.lock = threading.Lock()
        self.started, self.running = 0, 0
        self.over = threading.Event()

    def begin_some(self):
        """Keeps a number of cases on their way until there have been enough."""
        with self.lock:
            while self.running < CASES_AT_A_TIME and self.started < CASES_MAX and not self.over.is_set():
                self.started += 1
                self.running += 1
                self.queues[self.steps[0][0]].put(("sup-%05d" % self.started, 0))

    def step_done(self, case, number):
        if number is None:
            return
        if number + 1 < len(self.steps):
            self.queues[self.steps[number + 1][0]].put((case, number + 1))
        else:
            with self.lock:
                self.running -= 1


class Noted(client.Link):
    """A link that tells its participant everything that comes."""

    def __init__(self, participant, *args, **more):
        self.owner = participant
        super().__init__(*args, **more)

    def settle(self, told):
        self.owner.note_receipt(told)
        super().settle(told)

    def delivered(self, after, parts):
        if self.state == client.WELCOMED:
            self.owner.note_deliveries(parts)
        super().delivered(after, parts)


class Participant(threading.Thread):
    """Reads, acknowledges, reacts to what it is told, sends what is in its queue."""

    def __init__(self, name, crowd, engine):
        super().__init__(name=name, daemon=True)
        self.crowd, self.engine = crowd, engine
        self.context = zmq.Context()
        self.sent = {}  # sequence → (case, event, number of the step)
        self.receipts = collections.defaultdict(list)  # sequence → [(outcome, journal, code)]
        self.taken = []  # (position, bytes), as they were handled
        self.position = 0
        self.wrong = []
        self.known = set()
        self.connections = 0
        self.ended = threading.Event()

    def run(self):
        spool = client.Spool()
        try:
            while not self.ended.is_set():
                try:
                    self.talk(spool)
                except (client.Refused, TimeoutError, zmq.ZMQError):
                    time.sleep(0.05)
        except Exception as error:  # pylint: disable=broad-except  # told by the check
            self.wrong.append("client: %r" % error)
        self.context.destroy(0)

    def talk(self, spool):
        keys = client.Keys.load(self.engine.hands / self.name)
        server = client.key_fields(self.engine.hands / "server.pub")["connection-public"]
        connection = client.Connection(self.context, self.engine.exchange, keys, server)
        try:
            if not connection.wait_for_handshake(0.5):
                return
            link = Noted(self, connection, self.name, keys, spool=spool, on_delivery=self.take)
            link.greet(3)
            self.connections += 1
            while not self.ended.is_set() and not link.refusal and not gone(connection):
                self.send_some(link, spool)
                connection.wait(lambda: link.refusal, 0.01)
        finally:
            connection.close()

    def send_some(self, link, spool):
        """What is in the queue becomes durable here before it is sent."""
        waiting = self.crowd.queues[self.name]
        for _ in range(16):
            try:
                case, number = waiting.get_nowait()
            except queue.Empty:
                break
            name, fields = self.crowd.steps[number][1:] if isinstance(number, int) else number
            sequence = spool.put(client.event(case, name, fields, self.crowd.occurred_at_ms))
            self.sent[sequence] = (case, name, number if isinstance(number, int) else None)
        link.flush()

    def note_receipt(self, told):
        outcome = told.WhichOneof("outcome")
        fault = told.refused if outcome == "refused" else None
        first = not self.receipts[told.sequence]
        self.receipts[told.sequence].append((outcome, None if fault else getattr(told, outcome), fault and fault.code))
        if first:
            case, _, number = self.sent[told.sequence]
            self.crowd.step_done(case, number)

    def note_deliveries(self, parts):
        """Before any is handled: nothing that was acknowledged may come again, and there is no hole."""
        position = self.position
        for part in parts:
            delivery = client.deliveries_pb2.Delivery.FromString(part)
            if delivery.position != position + 1:
                self.wrong.append("position %d came after %d" % (delivery.position, position))
            position = delivery.position
            self.taken.append((delivery.position, part))

    def take(self, delivery):
        self.position = delivery.position
        case = getattr(delivery, delivery.WhichOneof("body")).case_id
        if self.name == "provider-surgut" and case.startswith("86-") and case not in self.known:
            self.known.add(case)
            self.crowd.queues[self.name].put((case, ("consultation.held", {"held_on": self.crowd.day.isoformat(),
                                                                          "form": "online"})))

    def idle(self):
        return self.crowd.queues[self.name].empty() and len(self.receipts) == len(self.sent)

    def end(self):
        self.ended.set()
        self.join(20)
        assert not self.is_alive(), self.name


def gone(connection):
    while connection.monitor.poll(0):
        if zmq.utils.monitor.recv_monitor_message(connection.monitor)["event"] == zmq.EVENT_DISCONNECTED:
            return True
    return False


class Feeder(threading.Thread):
    """Lays files into an adapter's folder, whether the adapter lives or not."""

    def __init__(self, adapter, crowd):
        super().__init__(daemon=True)
        self.adapter, self.crowd = adapter, crowd
        self.files = 0
        self.expected = []  # (case, event) of every good row
        self.bad = 0

    def run(self):
        while not self.crowd.over.wait(self.crowd.chance.uniform(0.02, 0.25)):
            self.feed()

    def put(self, suffix, text):
        self.files += 1
        self.adapter.put("%04d.%s" % (self.files, suffix), text.encode())


class Prison(Feeder):
    """Some rows are bad; some releases are so near that deadlines are over when the notice comes."""

    def feed(self):
        rows = [HEADER]
        for _ in range(min(self.crowd.chance.randint(1, 30), NOTICES_MAX - len(self.expected))):
            number = "86-%d-%05d" % (self.crowd.day.year, len(self.expected) + 1)
            release = self.crowd.day + dt.timedelta(days=self.crowd.chance.choice((3, 60, 150, 250)))
            rows.append(ROW % (number, day_of(self.crowd.day), day_of(release), "г. Сургут"))
            self.expected.append((number, "release.notice"))
        if self.crowd.chance.random() < 0.3:
            rows.append(ROW % ("x-1", day_of(self.crowd.day), "31.02.2027", "г. Сургут"))
            self.bad += 1
        if len(rows) > 1:
            self.put("csv", "\r\n".join([*rows, ""]))


class Employment(Feeder):
    def __init__(self, adapter, crowd):
        super().__init__(adapter, crowd)
        self.answered = set()

    def feed(self):
        lines = []
        for path in (self.adapter.root / "out").glob("*-offer.json"):
            if path.name not in self.answered:
                self.answered.add(path.name)
                lines += self.answers(json.loads(path.read_text(encoding="utf-8")))
        if lines:
            self.put("jsonl", "".join(json.dumps(line) + "\n" for line in lines))

    def answers(self, offer):
        day = self.crowd.day.isoformat()
        for event, field in (("referral.accepted", "accepted_on"), ("referral.in_progress", "started_on")):
            self.expected.append((offer["case_id"], event))
            yield {"event": event, "case": offer["case_id"], "occurred_at": day,
                   "data": {"offer": offer["offer"], field: day}}


class Clock(threading.Thread):
    """Moves the virtual clock by minutes and by days, whatever becomes of the engine meanwhile."""

    def __init__(self, crowd, engine):
        super().__init__(daemon=True)
        self.crowd, self.engine = crowd, engine

    def run(self):
        while not self.crowd.over.wait(0.02):
            self.advance(self.crowd.chance.choice((30, 1440, 6000, 20000)))

    def now(self):
        asked = self.engine.ask("clock", "show", "-o", "jsonl", "--timeout", "3")
        return dt.datetime.fromisoformat(json.loads(asked.stdout)["now"]) if asked.returncode == 0 else None

    def advance(self, minutes):
        now = self.now()
        if now:
            to = (now + dt.timedelta(minutes=minutes)).isoformat(timespec="seconds")
            self.engine.ask("clock", "advance", "--to", to, "--timeout", "5")

    def end_the_day(self):
        """The date at whose end the clock stands now: a rehearsal reaches to the end of a day."""
        self.engine.advance(self.now().date().isoformat())
        return self.now().date()


def day_of(date):
    return date.strftime("%d.%m.%Y")
