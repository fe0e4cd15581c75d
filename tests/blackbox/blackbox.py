"""What the tests of this folder share: an engine per class, honest clients, and the proof that it still serves."""

import itertools
import json
import pathlib
import sys
import time
import unittest

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from kuratord import Kuratord  # noqa: E402
import kurator_client as client  # noqa: E402

SENDER, READER = "ufsin", "provider-surgut"  # what the one sends comes to the other's stream
STRANGER = "health-surgut"  # admitted, and not to be trusted here
NOTICE = {"notice_number": "1", "edition": 1, "notice_date": "2026-01-12", "surname": "Неразглашаемов",
          "release_date": "2027-02-01", "municipality": "surgut", "needs": ["employment"]}


class BlackBox(unittest.TestCase):
    participants = (SENDER, READER, STRANGER)
    tcp = False
    settings = None
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.engine = Kuratord(cls.participants, cls.tcp, cls.settings)
        cls.addClassCleanup(cls.engine.close)
        cls.engine.start()
        cls.context = zmq.Context()
        cls.context.max_sockets = 4096
        cls.addClassCleanup(cls.context.destroy, 0)

    # ---- clients ----

    def keys(self, name):
        return client.Keys.load(self.engine.hands / name)

    def server_public(self):
        return client.key_fields(self.engine.hands / "server.pub")["connection-public"]

    def connect(self, name, keys=None):
        """A connection with the key of `name` that has been let in."""
        connection = client.Connection(self.context, self.engine.exchange, keys or self.keys(name),
                                       self.server_public())
        self.addCleanup(connection.close)
        self.assertTrue(connection.wait_for_handshake(), self.engine.told())
        return connection

    def link(self, name, connection=None, **more):
        """Welcomed."""
        link = client.Link(connection or self.connect(name), name, self.keys(name), **more)
        link.greet()
        return link

    def case(self):
        return "86-2026-%05d" % next(self.numbers)

    def notice(self, case=None):
        return client.event(case or self.case(), "release.notice", NOTICE)

    def send(self, link, sequence, events, keys=None):
        """An envelope, past the link's spool."""
        link.connection.send_parts(client.envelope(link.participant, keys or link.keys, sequence, events))

    def next_frame(self, link, *bodies, timeout=5):
        """The next frame of these kinds."""
        while True:
            frame, _ = link.connection.receive(timeout)
            self.assertIsNotNone(frame, "no answer\n" + self.engine.told())
            if frame.WhichOneof("body") in bodies:
                return frame

    def next_receipt(self, link):
        return self.next_frame(link, "receipts").receipts.receipts[0]

    def assert_refused(self, link, code):
        refusal = self.next_frame(link, "refusal").refusal
        self.assertEqual(code, refusal.fault.code, refusal.fault.text)
        return refusal

    def assert_cut_off(self, connection, timeout=10, again=None):
        """The engine hangs up. (The library connects anew by itself: the monitor tells.)

        again: parts to be sent until it does. A connection that follows another on the same descriptor while the engine
        has much to read is only refused its first message: it might be the one before that sent it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if connection.monitor.poll(500):
                if zmq.utils.monitor.recv_monitor_message(connection.monitor)["event"] == zmq.EVENT_DISCONNECTED:
                    return
            elif again:
                connection.send_parts(again)
        self.fail("still connected\n" + self.engine.told())

    # ---- the engine, from outside ----

    def rows(self, verb, *args):
        query = client.Query(self.context, self.engine.query, self.keys("operator"), self.server_public())
        try:
            return [json.loads(row) for row in query.ask(verb, *args, timeout=60)]
        finally:
            query.connection.close()

    def status(self):
        return self.rows("status")[0]

    def journal(self):
        return self.status()["journal"]

    def assert_serves(self):
        """Alive, and an honest participant gets its receipt, another one its delivery."""
        self.assertTrue(self.engine.is_alive(), self.engine.told())
        got = []
        reader = self.link(READER, on_delivery=got.append)
        # What earlier tests have left in the stream is handled first.
        self.assertTrue(reader.connection.wait(lambda: reader.position >= reader.welcome.stream_end, 10))
        sender = self.link(SENDER)
        case, got[:] = self.case(), []
        receipt = sender.receipt(sender.submit(case, "release.notice", NOTICE))
        self.assertEqual("accepted", receipt.outcome, receipt)
        self.assertTrue(reader.connection.wait(lambda: case in map(case_of, got), 10), "no delivery")


def case_of(delivery):
    return getattr(delivery, delivery.WhichOneof("body")).case_id


def main():
    unittest.main(verbosity=2, warnings="ignore")
