"""The disk is lost, yesterday's copy is put back: everybody goes on, and what was lost can be told once more."""

import datetime as dt
import pathlib
import shutil
import sys
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "blackbox"), str(HERE.parent / "adapters")]

import kuratord  # noqa: E402  (finds the client and the schemas)
import kurator_client as client  # noqa: E402
import zmq  # noqa: E402
from notices_test import numbers, row, table  # noqa: E402
from world import World, wait_for  # noqa: E402

assert kuratord.SCHEMAS
READER = "provider-surgut"
SYSTEM = ("--clock", "system")


def today():
    return dt.datetime.now(dt.timezone(dt.timedelta(hours=5))).date().isoformat()


class Reader:
    """A participant that remembers its position across engines."""

    def __init__(self, engine):
        self.engine, self.spool, self.told = engine, client.Spool(), []
        self.context = zmq.Context()

    def read(self, cases):
        """Until it has been told of these cases."""
        keys = client.Keys.load(self.engine.hands / READER)
        server = client.key_fields(self.engine.hands / "server.pub")["connection-public"]
        connection = client.Connection(self.context, self.engine.exchange, keys, server)
        assert connection.wait_for_handshake(), self.engine.told()
        link = client.Link(connection, READER, keys, self.spool, on_delivery=self.take)
        welcome = link.greet()
        done = connection.wait(lambda: set(cases) <= self.cases() and link.position >= welcome.stream_end, 30)
        connection.close()
        return done

    def take(self, delivery):
        self.told.append((delivery.position, getattr(delivery, delivery.WhichOneof("body")).case_id))

    def cases(self):
        return {case for _, case in self.told}


class Drill(World):
    participants = ("ufsin", READER)

    def send(self, ufsin, name, cases):
        ufsin.put(name, table(map(row, cases)))
        wait_for(lambda: ufsin.done(name + ".result.csv").exists() and not ufsin.left_over())
        return ufsin.states(name)

    def restore(self, *words):
        done = self.engine.run("restore", self.engine.folder / "copy", "--keys", self.engine.keys / "server.pub", *words)
        self.assertEqual(0, done.returncode, done.stderr)
        return done

    def test_after_a_restore_everybody_goes_on_and_nothing_new_is_lost(self):
        self.engine.start(*SYSTEM)
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        reader = Reader(self.engine)
        self.addCleanup(reader.context.destroy, 0)
        known = numbers(700)
        before, beside, after, anew = known[:200], known[200:500], known[500:600], known[600:]
        self.send(ufsin, "before.csv", before)
        self.assertTrue(reader.read(before))

        copying = threading.Thread(target=lambda: self.engine.ask("backup", "--out", self.engine.folder / "copy"))
        copying.start()
        self.send(ufsin, "beside.csv", beside)
        copying.join()
        self.send(ufsin, "after.csv", after)
        self.assertTrue(reader.read(beside + after))
        had = reader.spool.number("position")

        self.engine.kill()
        self.restore("--verify")
        shutil.move(self.engine.folder / "data", self.engine.folder / "lost")
        self.restore("--to", self.engine.folder / "data")
        self.engine.start(*SYSTEM)
        kept = self.cases()
        self.assertTrue(set(before) <= set(kept) and not set(after) & set(kept), len(kept))
        self.assertEqual(len(kept), self.engine.rows("status")[0]["journal"])
        self.assert_rehearsal_agrees(today())

        told = len(reader.told)
        self.assertEqual({"принято": len(anew)}, self.send(ufsin, "anew.csv", anew))
        self.assertTrue(reader.read(anew), "what is new does not arrive")
        self.assertTrue(all(position > had for position, _ in reader.told[told:]))

        again = self.send(ufsin, "again.csv", beside + after)  # what the agency has in its own records
        self.assertEqual(len(beside + after), again.get("принято", 0) + again.get("уже было принято", 0))
        self.assertGreaterEqual(again["принято"], len(after))
        self.assertEqual(known, self.cases())
        self.assertTrue(reader.read(known))
        positions = [position for position, _ in reader.told]
        self.assertEqual(sorted(set(positions)), positions)
        self.assert_rehearsal_agrees(today())
        self.assertEqual(0, ufsin.stop(), ufsin.told())
        self.assertEqual(0, self.engine.stop(), self.engine.told())


if __name__ == "__main__":
    unittest.main(verbosity=2)
