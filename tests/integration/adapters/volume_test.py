"""A large file: bounded memory, every row answered. KURATOR_VOLUME_MB sets the size (ops/campaigns/large-file: 200)."""

import os
import time
import unittest

from notices_test import CLOCK, HEADER
from world import World

MEGABYTES = int(os.environ.get("KURATOR_VOLUME_MB", "24"))
MEMORY_MAX_KB = 160 * 1024  # with a sanitizer's overhead
GOOD_EVERY = 40


def rows(size):
    """Rows of half a kilobyte: most with an unknown place, some without closing quote, some good ones between."""
    written, number = 0, 0
    address = "ул. Тестовая, " + "дом " * 40
    while written < size:
        number += 1
        place = "г. Сургут" if number % GOOD_EVERY == 0 else "г. Неизвестный"
        name = '"Тестов' if number % 1000 == 999 else "Тестов"
        line = ("86-2024-%07d;1;10.01.2024;ФКУ ИК-11;%s;Иван;;01.02.1980;М;;30.08.2024;%s;г. Сургут;%s;один;0;документы;да"
                "\r\n" % (number, name, place, address)).encode()
        written += len(line)
        yield line


class Volume(World):
    def memory_kb(self, process):
        with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    def test_a_large_file_is_answered_row_by_row_in_bounded_memory(self):
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        count = 0
        with open(ufsin.root / "in" / ".large", "wb") as file:
            file.write((HEADER + "\r\n").encode())
            for line in rows(MEGABYTES << 20):
                file.write(line)
                count += 1
        (ufsin.root / "in" / ".large").rename(ufsin.root / "in" / "large.csv")
        started = time.monotonic()
        self.advance("2024-01-11T10:00:00+05:00")
        self.advance("2024-01-11T11:00:00+05:00")
        states = ufsin.states("large.csv")
        good = count // GOOD_EVERY
        print("%d rows, %d good, %.0f s, %d KB" % (count, good, time.monotonic() - started, self.memory_kb(ufsin.process)))
        self.assertEqual({"принято": good, "отклонено": count - good}, states)
        self.assertEqual(good, len(self.cases()))
        self.assert_nothing_left()
        self.assertLess(self.memory_kb(ufsin.process), MEMORY_MAX_KB)
        self.assertEqual(0, ufsin.stop())

    def test_a_file_over_a_gibibyte_is_refused(self):
        self.engine.start(*CLOCK)
        ufsin = self.adapter("ufsin", "ufsin")
        with open(ufsin.root / "in" / "huge.csv", "wb") as file:
            file.write((HEADER + "\r\n").encode())
            file.truncate((1 << 30) + 1)
        self.advance("2024-01-11T10:00:00+05:00")
        self.assertIn("1 ГиБ", ufsin.rejected("huge.csv.reason.txt").read_text(encoding="utf-8"))
        self.assert_nothing_left()


if __name__ == "__main__":
    unittest.main(verbosity=2)
