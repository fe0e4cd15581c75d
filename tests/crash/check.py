"""What must hold after a round of kill9.py, told by the engine and compared with what the participants remember."""

import collections
import json

import zmq

import crowd
from crowd import client
from world import read_table

PROMISED = ("accepted", "duplicate")
TAIL = 1000  # acknowledged deliveries that a stream keeps


class Checks:
    def __init__(self, played):
        self.round, self.engine = played, played.engine
        self.rows = self.read_journal()

    def read_journal(self):
        context = zmq.Context()
        try:
            server = client.key_fields(self.engine.hands / "server.pub")["connection-public"]
            asking = client.Query(context, self.engine.query, client.Keys.load(self.engine.hands / "operator"), server)
            rows = [json.loads(row) for row in asking.ask("journal.list", timeout=60)]
            asking.connection.close()
            return rows
        finally:
            context.destroy(0)

    def run(self):
        self.check_clients()
        self.check_journal()
        self.check_receipts()
        self.check_files()
        streams = sum(self.check_stream(one) for one in self.round.participants)
        streams += sum(self.check_folder(one) for one in self.round.adapters)
        self.check_rehearsal()
        self.check_chain()
        copies = self.check_copies()
        self.check_logs()
        timers = sum(row["kind"] == "timer" for row in self.rows)
        return "%d kills (%d in mid-work), %d entries (%d timers), %d receipts, %d deliveries, %d copies" % (
            self.round.killed, self.round.struck, len(self.rows), timers,
            sum(len(one.receipts) for one in self.round.participants), streams, copies)

    def check_clients(self):
        for one in self.round.participants:
            assert not one.wrong, (one.name, one.wrong[:5])
            assert one.connections > 0 and one.receipts, one.name

    def check_journal(self):
        numbers = [row["journal"] for row in self.rows]
        assert numbers == list(range(1, len(numbers) + 1)), "the journal has holes"
        taken = collections.Counter((row["sender"], row["sequence"]) for row in self.rows if row["kind"] == "message")
        twice = [key for key, count in taken.items() if count > 1]
        assert not twice, twice

    def check_receipts(self):
        """Each message has one fate, whichever receipts told it; and nobody else's words stand in the journal."""
        entries = {(row["sender"], row["sequence"]): row for row in self.rows if row["kind"] == "message"}
        for one in self.round.participants:
            for sequence, told in one.receipts.items():
                case, event, _ = one.sent[sequence]
                numbers = {journal for outcome, journal, _ in told if outcome in PROMISED}
                entry = entries.pop((one.name, sequence), None)
                if numbers:
                    assert entry and numbers == {entry["journal"]}, (one.name, sequence, told, entry)
                    assert (entry["case"], entry["event"]) == (case, event), (one.name, sequence, entry)
                else:
                    assert not entry, (one.name, sequence, told, entry)
            assert len(one.receipts) == len(one.sent), one.name
        strange = [key for key in entries if key[0] in crowd.PYTHONS]
        assert not strange, strange

    def check_files(self):
        """Every good row is one entry, every bad row came back once; each has one line of answer."""
        for feeder in self.round.feeders:
            name = feeder.adapter.participants[0]
            stands, refused = self.entries_of(name, {event for _, event in feeder.expected})
            wanted = collections.Counter(feeder.expected)
            assert stands + refused == wanted, (name, list((wanted - stands) + (stands - wanted))[:5])
            assert not refused or self.round.is_virtual, (name, list(refused)[:5])
            states = collections.Counter()
            for path in feeder.adapter.done().glob("*.result.csv"):
                states.update(feeder.adapter.states(path.name[:-len(".result.csv")]))
            good = states["принято"] + states["уже было принято"]
            assert good == stands.total(), (name, states, stands.total())
            assert states["отклонено"] == feeder.bad + refused.total(), (name, states)

    def entries_of(self, sender, events):
        """How often each (case, event) was taken, and refused: weeks that go by let an answer come too late."""
        found = {kind: collections.Counter((row["case"], row["event"]) for row in self.rows if row["kind"] == kind and
                                           row["sender"] == sender and row["event"] in events)
                 for kind in ("message", "refused")}
        return found["message"], found["refused"]

    def read_stream(self, name):
        """All that the engine keeps of it, from its beginning."""
        context = zmq.Context()
        try:
            keys = client.Keys.load(self.engine.hands / name)
            server = client.key_fields(self.engine.hands / "server.pub")["connection-public"]
            connection = client.Connection(context, self.engine.exchange, keys, server)
            assert connection.wait_for_handshake(), name
            found = []
            link = client.Link(connection, name, keys, on_delivery=found.append, credit=TAIL)
            end = link.greet().stream_end
            assert connection.wait(lambda: link.position >= end, 30), (name, link.position, end)
            connection.close()
            return {one.position: one for one in found}, end
        finally:
            context.destroy(0)

    def check_stream(self, one):
        kept, end = self.read_stream(one.name)
        positions = [position for position, _ in one.taken]
        assert positions == list(range(1, end + 1)), (one.name, len(positions), end)
        assert len(kept) >= min(end, TAIL), (one.name, len(kept))
        for position, data in one.taken:
            if position in kept:
                assert client.deliveries_pb2.Delivery.FromString(data) == kept[position], (one.name, position)
        return end

    def check_folder(self, adapter):
        """One file a position; and as many rows of tables as files of their kind."""
        name = adapter.participants[0]
        kept, end = self.read_stream(name)
        files = {int(path.name.split("-")[0]): path for path in adapter.out() if path.suffix == ".json"}
        assert sorted(files) == list(range(1, end + 1)), (name, len(files), end)
        for position, path in files.items():
            delivery = json.loads(path.read_text(encoding="utf-8"))
            if position in kept:
                body = getattr(kept[position], kept[position].WhichOneof("body"))
                assert delivery["case_id"] == body.case_id, (name, position)
        numbers = []
        for path in adapter.out():
            if path.suffix == ".csv":
                numbers += [int(row["№"]) for row in read_table(path)]
        assert len(numbers) == len(set(numbers)), (name, "a row stands twice")
        return end

    def check_rehearsal(self):
        journal, outcome = self.engine.export("journal"), self.engine.export("outcome").read_bytes()
        assert outcome, "no outcome"
        rehearsed = self.engine.rehearse(journal, self.round.last_day.isoformat()).read_bytes()
        assert rehearsed == outcome, "the rehearsed journal gives another outcome"

    def check_chain(self):
        path = self.engine.folder / "chain.jsonl"
        asked = self.engine.ask("audit", "export", "--out", path)
        assert asked.returncode == 0, asked.stderr
        self.engine.must("audit", "verify", "--file", path, "--keys", self.engine.keys / "server.pub")

    def check_copies(self):
        """A folder with its final name is a whole copy."""
        count = 0
        for path in (self.engine.folder / "copies").iterdir():
            if path.suffix != ".part":
                self.engine.must("restore", "--verify", path, "--keys", self.engine.keys / "server.pub")
                count += 1
        return count

    def check_logs(self):
        for one in (self.round.kuratord, *self.round.programs):
            told = one.told()
            for word in ("Sanitizer", "runtime error", "ASSERT", "unsafe"):
                assert word not in told, (one.name, word)
