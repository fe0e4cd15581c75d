"""An outcome of thousands of cases comes page by page, each page once."""

import pathlib
import sys
import time
import unittest

import zmq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from daemon_test import notice  # noqa: E402
from engine import Engine, finish  # noqa: E402
from hostile_test import Dealer, field  # noqa: E402

CASES = ["86-2024-%05d" % number for number in range(1, 3001)]
FAULT, ROWS, NEXT_CURSOR = 3, 4, 5


def all_fields(data):
    """(number, value) of every field, one level."""
    at = 0

    def number():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
        else:
            size = number()
            yield key >> 3, data[at:at + size]
            at += size


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(("ufsin",)).start("--clock", "virtual", "--start", "2024-01-10")
        cls.addClassCleanup(cls.engine.close)
        sending = cls.engine.submit([notice(case) for case in CASES], wait=200)
        cls.engine.advance("2024-01-10T12:00:00+05:00", "ufsin")
        code, _, err = finish(sending)
        assert code == 0, err
        cls.engine.advance("2024-12-31")
        cls.lines = cls.engine.export("outcome").read_bytes().splitlines()

    def setUp(self):
        context = zmq.Context()
        self.addCleanup(context.destroy, linger=0)
        self.asker = Dealer(context, self.engine, "operator", self.engine.query)

    def page(self, limit, cursor=b""):
        self.asker.send(field(1, 1) + field(5, "outcome.export") + (field(7, cursor) if cursor else b"") + field(8, limit))
        fields = list(all_fields(self.asker.receive(20000)[0]))
        return [value for number, value in fields if number == ROWS], dict(fields).get(NEXT_CURSOR, b"")

    def pages(self, limit, count):
        cursor, shown = b"", []
        for _ in range(count):
            rows, cursor = self.page(limit, cursor)
            self.assertTrue(0 < len(rows) <= limit)
            shown.append(rows)
            if not cursor:
                break
        return shown, cursor

    def test_the_whole_is_what_a_rehearsal_of_the_journal_gives(self):
        rehearsed = self.engine.rehearse(self.engine.export("journal"), "2024-12-31")
        self.assertEqual(rehearsed.read_bytes().splitlines(), self.lines)

    def test_pages_of_any_size_make_the_same_whole(self):
        for limit in (1, 3, 50, 999):
            shown, _ = self.pages(limit, 60)
            rows = [row for page in shown for row in page]
            self.assertEqual(self.lines[:len(rows)], rows)
        shown, cursor = self.pages(5000, 100)
        self.assertEqual(b"", cursor)
        self.assertEqual(self.lines, [row for page in shown for row in page])

    def test_a_family_that_fits_a_page_is_not_divided(self):
        shown, _ = self.pages(50, 40)
        firsts = [page[0] for page in shown]
        self.assertTrue(all(b'"type":"case"' in row for row in firsts), firsts)

    def test_the_last_page_costs_no_more_than_the_first(self):
        last = b"0 " + CASES[-100].encode()
        times = {}
        for name, cursor in (("first", b""), ("last", last)):
            started = time.monotonic()
            for _ in range(20):
                self.page(50, cursor)
            times[name] = time.monotonic() - started
        self.assertLess(times["last"], 5 * times["first"] + 0.2, times)

    def test_a_mark_that_never_was_given_is_an_error_or_a_place(self):
        for cursor in (b"x", b"0", b"0 ", b"-1 86-2024-00001", b"99999999999999999999 86", b"0 " + b"x" * 300):
            self.asker.send(field(1, 1) + field(5, "outcome.export") + field(7, cursor))
            fault = dict(all_fields(self.asker.receive(20000)[0])).get(FAULT)
            self.assertIsNotNone(fault, cursor)
        self.assertEqual(([], b""), self.page(10, b"0 \xff\x00\xff"))
        rows, _ = self.page(10, b"1000000 86-2024-00001")
        self.assertIn(b'"case":"86-2024-00002"', rows[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
