"""The test vectors of PROTOCOL.md are what its text says, and a running engine takes them as they stand there."""

import hashlib
import re

from blackbox import SENDER, BlackBox, client, main
from kuratord import ROOT

SEED = bytes(range(32))
SALT = bytes(range(16))
OCCURRED_AT, SENT_AT = 1768194900000, 1768194901000
FIELDS = {"notice_date": "2026-01-12", "surname": "Примеров", "release_date": "2026-08-30", "municipality": "surgut"}


def printed_vectors():
    """Name → text of the block under "Test vectors"."""
    text = (ROOT / "proto" / "PROTOCOL.md").read_text(encoding="utf-8")
    block = re.search(r"## \d+\. Test vectors\n.*?```\n(.*?)```", text, re.S).group(1)
    return {name: re.sub(r"\s", "", value) for name, value in re.findall(r"^(\w+):\n((?:  \w+\n)+)", block, re.M)}


class Vectors(BlackBox):
    def setUp(self):
        self.printed = printed_vectors()
        connection = self.keys(SENDER)
        self.vector_keys = client.Keys(connection.connection_public, connection.connection_secret, SEED)
        self.event = client.event("86-2026-00137", "release.notice", FIELDS, OCCURRED_AT, SALT)
        self.header = client.envelope_header(SENDER, self.vector_keys, 1, [self.event], SENT_AT)

    def test_they_follow_from_their_inputs(self):
        made = {
            "signing_seed": SEED.hex(),
            "signing_public": self.vector_keys.signing_public.hex(),
            "key_id": client.key_id(self.vector_keys.signing_public),
            "event": self.event.hex(),
            "digest": client.digest(self.event).hex(),
            "header": self.header.hex(),
            "signature": client.signature(self.vector_keys, self.header).hex(),
            "frame": client.envelope_frame(SENDER, self.vector_keys, self.header).hex(),
        }
        self.assertEqual(made, self.printed)

    def test_the_digest_is_that_of_the_tag_a_zero_byte_and_the_bytes(self):
        digest = hashlib.blake2b(b"kurator/v1/message\0abc", digest_size=32).hexdigest()
        self.assertEqual(digest, client.digest(b"abc").hex())
        self.assertIn(digest, (ROOT / "proto" / "PROTOCOL.md").read_text(encoding="utf-8"))

    def test_an_engine_takes_the_printed_bytes(self):
        registered = "kurator-keys 1\nconnection-public: %s\nsigning-public: %s\n" % (
            self.vector_keys.connection_public.hex(), self.printed["signing_public"])
        (self.engine.keys / "participants" / (SENDER + "@vector.pub")).write_text(registered)
        self.engine.read_keys_again()
        link = self.link(SENDER)
        link.connection.send_parts([bytes.fromhex(self.printed[name]) for name in ("frame", "event")])
        receipt = self.next_receipt(link)
        self.assertEqual((1, 1), (receipt.sequence, receipt.accepted))
        self.assertEqual("86-2026-00137", self.rows("case.list")[0]["case"])


if __name__ == "__main__":
    main()
