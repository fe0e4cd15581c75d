"""Only a registered key is let in, and it speaks for its own participant only."""

import os

from blackbox import READER, SENDER, STRANGER, BlackBox, client, main

import nacl.public


def random_keys():
    secret = nacl.public.PrivateKey.generate()
    return client.Keys(bytes(secret.public_key), bytes(secret), os.urandom(32))


class WhoMaySpeak(BlackBox):
    def tearDown(self):
        self.assert_serves()

    def attempt(self, keys, endpoint=None, server_public=None):
        connection = client.Connection(self.context, endpoint or self.engine.exchange, keys,
                                       server_public or self.server_public())
        self.addCleanup(connection.close)
        return connection.wait_for_handshake(timeout=1)

    def test_a_key_that_nobody_registered_is_told_400(self):
        before = self.status()["connections_refused"]
        with self.assertRaises(client.KeyRefused):
            self.attempt(random_keys())
        self.assertEqual(before + 1, self.status()["connections_refused"])

    def test_the_public_half_of_a_registered_key_opens_nothing(self):
        stolen = random_keys()
        stolen.connection_public = self.keys(SENDER).connection_public
        self.assertFalse(self.attempt(stolen))

    def test_a_client_that_expects_another_engine_is_not_let_in(self):
        self.assertFalse(self.attempt(self.keys(SENDER), server_public=random_keys().connection_public))

    def test_a_participant_may_not_ask_questions(self):
        with self.assertRaises(client.KeyRefused):
            self.attempt(self.keys(SENDER), endpoint=self.engine.query)

    def test_an_operator_may_not_exchange(self):
        with self.assertRaises(client.KeyRefused):
            self.attempt(self.keys("operator"))

    def test_a_hello_for_somebody_else_is_refused_for_good(self):
        for name in (READER, "nobody", ""):
            link = client.Link(self.connect(STRANGER), name, self.keys(STRANGER))
            with self.assertRaises(client.Refused) as refused:
                link.greet()
            self.assertEqual(("FORBIDDEN", None), (refused.exception.code, refused.exception.retry_after_ms), name)

    def test_a_welcomed_connection_may_not_act_for_others(self):
        link = self.link(STRANGER)
        for body in ("ack", "ping", "barrier_reply", "hello", "envelope"):
            frame = client.frames_pb2.Frame(participant=READER)
            getattr(frame, body).SetInParent()
            link.connection.send(frame)
            self.assert_refused(link, "FORBIDDEN")

    def test_an_envelope_of_one_participant_is_worth_nothing_from_another(self):
        link = self.link(STRANGER)
        header = client.envelope_header(SENDER, self.keys(SENDER), 1_000_000, [self.notice()])
        link.connection.send_parts([client.envelope_frame(STRANGER, self.keys(SENDER), header), self.notice()])
        self.assert_refused(link, "FORBIDDEN")

    def test_a_signature_by_another_key_is_refused_for_good(self):
        link = self.link(SENDER)
        journal = self.journal()
        self.send(link, link.welcome.sequence + 1, [self.notice()], keys=self.keys(STRANGER))
        self.assertFalse(self.assert_refused(link, "FORBIDDEN").HasField("retry_after_ms"))
        self.assertEqual(journal, self.journal())

    def test_the_name_of_a_key_proves_nothing(self):
        link = self.link(SENDER)
        forger = self.keys(STRANGER)
        forger.signing_public = link.keys.signing_public
        self.send(link, link.welcome.sequence + 1, [self.notice()], keys=forger)
        self.assert_refused(link, "FORBIDDEN")

    def test_a_revoked_key_stops_at_once_on_its_open_connection(self):
        link = self.link(STRANGER)
        registered = self.engine.keys / "participants" / (STRANGER + ".pub")
        text = registered.read_text()
        registered.unlink()
        self.engine.read_keys_again()
        try:
            self.assert_refused(link, "FORBIDDEN")  # unasked
            ping = link.frame()
            ping.ping.number = 1
            link.connection.send(ping)
            self.assert_cut_off(link.connection)
            with self.assertRaises(client.KeyRefused):
                self.attempt(self.keys(STRANGER))
        finally:
            registered.write_text(text)
            self.engine.read_keys_again()
        self.assertEqual("welcomed", self.link(STRANGER).state)

    def test_two_keys_of_a_participant_are_valid_side_by_side(self):
        newer = random_keys()
        text = "kurator-keys 1\nconnection-public: %s\nsigning-public: %s\n" % (
            newer.connection_public.hex(), newer.signing_public.hex())
        (self.engine.keys / "participants" / (SENDER + "@newer.pub")).write_text(text)
        self.engine.read_keys_again()
        for keys in (newer, self.keys(SENDER)):
            link = client.Link(self.connect(SENDER, keys), SENDER, keys)
            link.greet()
            self.send(link, link.welcome.sequence + 1, [self.notice()])
            self.assertEqual("accepted", self.next_receipt(link).WhichOneof("outcome"))


if __name__ == "__main__":
    main()
