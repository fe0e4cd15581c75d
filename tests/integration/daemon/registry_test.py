"""Keys come and go while the engine runs; a revoked one is worth nothing from that moment on."""

import json
import pathlib
import shutil
import subprocess
import sys
import unittest

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import notice  # noqa: E402
from engine import ROOT, Engine, finish  # noqa: E402
from export_test import ROWS, all_fields  # noqa: E402
from hostile_test import HELLO, PING, PONG, REFUSAL, WELCOME, Dealer, field, frame, hello, read  # noqa: E402


class Registry(unittest.TestCase):
    def setUp(self):
        self.engine = Engine(("ufsin",))
        self.addCleanup(self.engine.close)
        self.context = zmq.Context()
        self.addCleanup(self.context.destroy, linger=0)
        self.fresh = self.engine.folder / "fresh"
        self.engine.must("keys", "generate", "--participant", "ufsin,health-surgut", "--out", self.fresh)
        shutil.copy(self.fresh / "ufsin", self.engine.hands / "ufsin-new")
        shutil.copy(self.fresh / "health-surgut", self.engine.hands / "health-surgut")

    def participant(self, *words, code=0, name="operator"):
        result = self.engine.ask("participant", *words, "-o", "jsonl", name=name)
        self.assertEqual(code, result.returncode, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()] if code == 0 else result.stderr

    def link(self, name, participant="ufsin"):
        """A connection that has said Hello, and what the engine said to it."""
        dealer = Dealer(self.context, self.engine, name, self.engine.exchange)
        self.addCleanup(dealer.socket.close)
        return dealer, dealer.answer(frame(HELLO, hello(), participant=participant))[0]

    def rotate(self):
        return self.participant("rotate", "ufsin", "--key", self.fresh / "ufsin.pub", "--label", "2024")

    def test_a_first_key_is_added_without_restart(self):
        self.engine.start()
        self.assertIsNone(self.link("health-surgut", "health-surgut")[1])
        self.participant("add", "health-surgut", "--key", self.fresh / "health-surgut.pub")
        self.assertEqual(WELCOME, self.link("health-surgut", "health-surgut")[1])
        self.assertEqual([""], [row["label"] for row in self.participant("keys", "health-surgut")])

    def test_who_brought_a_key_is_told_by_name(self):
        """The name stands in the keyring that the key is put into."""
        self.engine.start()
        self.participant("add", "health-surgut", "--key", self.fresh / "health-surgut.pub")
        self.rotate()
        told = [line for line in self.engine.told().splitlines() if "key added" in line]
        self.assertEqual(2, len(told), told)
        for line in told:
            self.assertTrue(line.endswith(" operator=operator"), line)

    def test_old_and_new_key_are_valid_together_until_the_old_one_is_revoked(self):
        self.engine.start()
        self.rotate()
        self.assertEqual(["", "2024"], sorted(row["label"] for row in self.participant("keys", "ufsin")))
        self.assertEqual(WELCOME, self.link("ufsin")[1])
        new, answer = self.link("ufsin-new")
        self.assertEqual(WELCOME, answer)
        self.participant("revoke", "ufsin")
        self.assertIsNone(self.link("ufsin")[1])
        self.assertEqual((PONG, 7), (lambda n, b: (n, b.get(1)))(*new.answer(frame(PING, field(1, 7)))))

    def test_a_revoked_key_is_cut_off_on_a_live_connection(self):
        self.engine.start()
        live, answer = self.link("ufsin")
        self.assertEqual(WELCOME, answer)
        self.participant("revoke", "ufsin")
        number, refusal = live.next()  # unasked
        self.assertEqual((REFUSAL, b"FORBIDDEN"), (number, read(refusal[1])[1]))
        self.assertEqual((None, {}), live.answer(frame(PING, field(1, 1))))
        self.assertIn("the key was revoked", self.engine.told())
        self.assertIsNone(self.link("ufsin")[1])
        self.assertEqual([], [row for row in self.engine.rows("participant", "list") if row["connected"]])

    def test_what_waits_of_a_revoked_key_is_not_taken(self):
        self.engine.config = self.engine.folder / "config"
        shutil.copytree(ROOT / "config", self.engine.config)
        (self.engine.config / "kurator.yaml").write_text("limits: {inbox_messages: 100, inbox_share: 1000}\n")
        self.engine.start()
        sending = self.engine.submit([notice("86-2024-%05d" % number) for number in range(1, 301)], wait=5)
        self.engine.wait_until(lambda: self.engine.rows("status")[0]["inbox"] == 75)
        self.participant("revoke", "ufsin")
        finish(sending)
        self.engine.advance("2024-01-11")
        self.assertEqual(75, self.engine.rows("status")[0]["accepted"])

    def test_changes_outlive_a_restart_and_the_past_is_kept(self):
        self.engine.start()
        self.rotate()
        self.participant("revoke", "ufsin")
        self.assertEqual(0, self.engine.stop())
        self.engine.start()
        self.assertIsNone(self.link("ufsin")[1])
        self.assertEqual(WELCOME, self.link("ufsin-new")[1])
        past = list((self.engine.keys / "revoked").iterdir())
        self.assertEqual(1, len(past))
        self.assertEqual((self.engine.hands / "ufsin.pub").read_text(), past[0].read_text())
        self.assertEqual(["ufsin@2024.pub"], [path.name for path in (self.engine.keys / "participants").iterdir()])

    def test_who_changed_a_key_stands_in_the_journal(self):
        self.engine.start()
        added, = self.rotate()
        revoked, = self.participant("revoke", "ufsin", "--label", "2024")
        self.assertEqual([1, 2], [added["journal"], revoked["journal"]])
        asker = Dealer(self.context, self.engine, "operator", self.engine.query)
        self.addCleanup(asker.socket.close)
        asker.send(field(1, 1) + field(5, "journal.list"))
        rows = [json.loads(value) for number, value in all_fields(asker.receive()[0]) if number == ROWS]
        self.assertEqual([("audit", "operator", "key.add", "participant=ufsin label=2024"),
                          ("audit", "operator", "key.revoke", "participant=ufsin label=2024")],
                         [(row["kind"], row["sender"], row["event"], row["text"]) for row in rows])
        self.assertEqual(0, self.engine.stop())
        self.engine.must("audit", "verify", "--keys", self.engine.keys / "server.pub", "--data",
                         self.engine.folder / "data")

    def test_a_secret_key_is_refused_and_goes_nowhere(self):
        """Who hands over the wrong file of the two is told so; nothing of it is sent or kept."""
        self.engine.start()
        for verb in ("add", "rotate"):
            told = self.participant(verb, "ufsin", "--key", self.fresh / "ufsin", code=5)
            self.assertIn("это закрытый ключ", told)
            self.assertIn(".pub", told)
        self.assertEqual(["ufsin.pub"], [path.name for path in (self.engine.keys / "participants").iterdir()])
        secrets = [line.split()[1] for line in (self.fresh / "ufsin").read_text().splitlines() if "-secret:" in line]
        self.assertEqual(2, len(secrets))
        self.assertFalse([secret for secret in secrets if secret in told or secret in self.engine.told()])
        self.assertEqual(0, self.engine.stop())
        for path in self.engine.folder.rglob("*"):
            if path.is_file() and path.parent not in (self.fresh, self.engine.hands):
                self.assertFalse([secret for secret in secrets if secret.encode() in path.read_bytes()], path)

    def test_a_secret_in_the_registry_is_refused_with_its_name(self):
        misplaced = self.engine.keys / "participants" / "ufsin@2025.pub"
        shutil.copy(self.fresh / "ufsin", misplaced)
        result = subprocess.run([str(word) for word in self.engine.arguments()], capture_output=True, text=True,
                                check=False, timeout=60)
        self.assertEqual(5, result.returncode)
        self.assertIn(str(misplaced) + ": это закрытый ключ", result.stderr)

    def test_keys_generate_copies_no_secret_into_the_registry(self):
        hands = self.engine.folder / "mixed"
        self.engine.must("keys", "generate", "--participant", "ufsin", "--shared", "pair", "--out", hands)
        shutil.copy(hands / "pair", hands / "pair.pub")
        result = self.engine.run("keys", "generate", "--participant", "health-surgut", "--shared", "pair", "--out",
                                 hands, "--register", self.engine.keys)
        self.assertEqual(5, result.returncode)
        self.assertIn("это закрытый ключ", result.stderr)
        self.assertEqual(["ufsin.pub"], [path.name for path in (self.engine.keys / "participants").iterdir()])

    def test_a_change_that_makes_no_sense_changes_nothing(self):
        self.engine.start()
        key = self.fresh / "ufsin.pub"
        self.participant("add", "ufsin", "--key", key, code=4)
        self.participant("rotate", "health-surgut", "--key", key, code=3)
        self.participant("add", "nobody", "--key", key, code=3)
        self.participant("add", "../operators/evil", "--key", key, code=3)
        self.participant("rotate", "ufsin", "--key", key, "--label", "../../x", code=5)
        self.participant("rotate", "ufsin", "--key", self.engine.hands / "ufsin.pub", code=4)
        self.participant("revoke", "ufsin", "--label", "none", code=3)
        self.participant("rotate", "ufsin", "--key", key, name="reader", code=5)
        self.assertEqual(["ufsin.pub"], [path.name for path in (self.engine.keys / "participants").iterdir()])
        self.assertEqual(1, len(self.participant("keys", "ufsin")))
        for number in range(7):
            self.engine.must("keys", "generate", "--participant", "k%d" % number, "--out", self.fresh)
            self.participant("rotate", "ufsin", "--key", self.fresh / ("k%d.pub" % number))
        self.assertIn("не больше", self.participant("rotate", "ufsin", "--key", key, code=5))


if __name__ == "__main__":
    unittest.main(verbosity=2)
