"""Whatever lies in in/: each file gets its answer in done/ or rejected/, the others go on, the adapter lives."""

import os
import time
import unittest

from notices_test import CLOCK, HEADER, row, table
from world import World, read_table, wait_for

GOOD = "86-2024-%05d"
LONG = "я" * 120 + ".csv"  # 244 bytes
# Name, content, the beginning of the reason why the file as a whole comes back.
REFUSED = (
    ("empty.csv", b"", "Файл пуст"),
    ("empty.jsonl", b"", "Файл пуст"),
    ("blank.csv", b"\n\n\n", "В заголовке"),
    ("only-bom.csv", b"\xef\xbb\xbf", "В заголовке"),
    ("unknown.csv", "один;два\n1;2\n".encode(), "В заголовке"),
    ("without.csv", HEADER.replace("Редакция;", "").encode(), "В заголовке таблицы нет столбца «Редакция»"),
    ("zeros.csv", bytes(100000), "Первая строка"),
    ("wide.csv", b";".join(b"c%d" % i for i in range(10000)), "Заголовок"),
    ("book.csv", b"PK\x03\x04" + bytes(range(256)), "Это не таблица CSV"),
    ("unicode.csv", HEADER.encode("utf-16"), "Файл в кодировке UTF-16"),
    ("endless.csv", b"x" * 3000000, "Первая строка"),
)


def mixed(number):
    """A good row among rows that nobody can read; each of these is refused by itself."""
    bad = ["", "\x00" * 50, ";" * 10000, "x" * 200000, '"', row("86-2024-99999").replace("Иван", 'И"ван'),
           row("x" * 100), row("86 2024 1"), row("86-2024-99998", edition="сто"), row("86-2024-99997", where="")]
    return bad[:5] + [row(GOOD % number)] + bad[5:]


class Rubbish(World):
    def setUp(self):
        super().setUp()
        self.engine.start(*CLOCK)
        self.ufsin = self.adapter("ufsin", "ufsin")
        self.hour = 0

    def tick(self):
        self.hour += 1
        self.advance("2024-01-%02dT10:00:00+05:00" % (11 + self.hour))

    def test_a_file_that_is_no_table_comes_back_whole_with_the_reason(self):
        for name, data, _ in REFUSED:
            self.ufsin.put(name, data)
        self.ufsin.put("good.csv", table([row(GOOD % 1)]))
        self.tick()
        for name, data, reason in REFUSED:
            text = self.ufsin.rejected(name + ".reason.txt").read_text(encoding="utf-8")
            self.assertTrue(text.startswith(reason), "%s: %s" % (name, text))
            self.assertEqual(data, self.ufsin.rejected(name).read_bytes())
        self.assertEqual({"принято": 1}, self.ufsin.states("good.csv"))
        self.assert_nothing_left()

    def test_a_bad_row_comes_back_with_its_number_and_the_rest_goes_on(self):
        encodings = ("utf-8", "utf-8-sig", "cp1251")
        for number, encoding in enumerate(encodings):
            self.ufsin.put(encoding + ".csv", table(mixed(number), encoding))
        self.tick()
        for encoding in encodings:
            states = self.ufsin.states(encoding + ".csv")
            self.assertEqual({"принято": 1, "отклонено": 9}, states, encoding)
            rejected = read_table(self.ufsin.rejected(encoding + ".csv.rejected.csv"))
            self.assertEqual(9, len(rejected))
            # An empty line is no row, but it counts.
            self.assertEqual(["3", "4", "5", "6", "8", "9", "10", "11", "12"], [line["Номер строки"] for line in rejected])
            for line in rejected:
                self.assertRegex(line["Почему отклонено"], "[а-я]{3}", line)
        self.assertEqual([GOOD % number for number in range(3)], self.cases())

    def test_json_lines_with_rubbish_between_them(self):
        line = ('{"event":"release.notice","case":"%s","data":{"notice_number":"%s","edition":1,"notice_date":"2024-01-10",'
                '"surname":"Тестов","release_date":"2024-08-30","municipality":"surgut"}}')
        good = [line % (GOOD % n, GOOD % n) for n in range(3)]
        bad = ["[]", "{", '{"event":"no.such","case":"1"}', '{"event":"release.notice","case":"1","data":{"x":1}}',
               '{"event":"release.notice","case":"1","data":{"edition":"x"}}', "[" * 60000, "\x00", "x" * 70000,
               '{"event":"release.notice","case":"\\u0000"}', '{"case":"1","data":{}}', '{"event":"release.notice",'
               '"case":"1","occurred_at":"2024-02-31T10:00:00+05:00"}']
        text = "\ufeff" + "\r\n".join([good[0], *bad, good[1], "", good[2]])
        self.ufsin.put("a.jsonl", text.encode())
        self.ufsin.put("zeros.jsonl", bytes(1000) + b"\n" + (line % (GOOD % 3, GOOD % 3)).encode())
        self.tick()
        self.assertEqual({"принято": 3, "отклонено": len(bad)}, self.ufsin.states("a.jsonl"), self.ufsin.results("a.jsonl"))
        self.assertEqual({"принято": 1, "отклонено": 1}, self.ufsin.states("zeros.jsonl"))
        for result in self.ufsin.results("a.jsonl"):
            if result["Результат"] == "отклонено":
                self.assertRegex(result["Причина"], "[а-я]{3}", result)
        self.assertEqual([GOOD % number for number in range(4)], self.cases())

    def test_a_header_without_rows_is_answered(self):
        self.ufsin.put("none.csv", HEADER.encode())
        self.ufsin.put("blank.csv", (HEADER + "\r\n\r\n\r\n").encode())
        self.tick()
        self.assertEqual([], self.ufsin.results("none.csv"))
        self.assertEqual([], self.ufsin.results("blank.csv"))
        self.assert_nothing_left()

    def test_a_name_used_again_hides_no_earlier_answer(self):
        for number in range(3):
            self.ufsin.put("n.csv", table([row(GOOD % number)]))
            self.tick()
        # Taken out of done/ and laid into in/ again: the same file, another delivery of it.
        self.ufsin.done("n.csv").rename(self.ufsin.root / "in" / "n.csv")
        self.tick()
        self.assertEqual({"принято": 1}, self.ufsin.states("n.csv"))
        self.assertEqual({"принято": 1}, self.ufsin.states("n.3.csv"))
        self.assertEqual({"уже было принято": 1}, self.ufsin.states("n.4.csv"))
        self.assertEqual(3, len(self.cases()))

    def test_strange_names_do_no_harm(self):
        names = [b"a b.csv", b"-rf.csv", b"=1+1.csv", b"a\nb.csv", b"\xff\xfe.csv", b"a;b|c'd\"e.csv", b"%s%n.csv",
                 LONG.encode(), b"x" * 255, b"noextension", "отчёт.CSV".encode()]
        folder = os.fsencode(self.ufsin.root / "in")
        for number, name in enumerate(names):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(table([row(GOOD % number)]))
        self.tick()
        self.assertEqual([GOOD % number for number in range(len(names))], self.cases())
        self.assertEqual(2 * len(names), len(list(self.ufsin.done().iterdir())))
        self.assert_nothing_left()

    def test_what_is_no_file_is_refused_and_not_followed(self):
        secret = self.engine.folder / "secret"
        secret.write_bytes(table([row(GOOD % 1)]))
        inside = self.ufsin.root / "in"
        (inside / "link.csv").symlink_to(secret)
        (inside / "broken.csv").symlink_to("/nowhere")
        os.mkfifo(inside / "pipe.csv")
        (inside / "folder.csv").mkdir()
        self.ufsin.put("good.csv", table([row(GOOD % 2)]))
        self.tick()
        for name in ("link.csv", "broken.csv", "pipe.csv"):
            self.assertIn("не обычный файл", self.ufsin.rejected(name + ".reason.txt").read_text(encoding="utf-8"))
        self.assertEqual([GOOD % 2], self.cases())
        self.assertTrue(secret.exists())

    def test_a_link_in_out_is_not_written_through(self):
        precious = self.engine.folder / "precious"
        precious.write_text("kept")
        out = self.ufsin.root / "out"
        for number in range(1, 20):
            for kind in ("notice", "deadline_notice"):
                (out / ("%010d-%s.json.tmp" % (number, kind))).symlink_to(precious)
        self.ufsin.put("n.csv", table([row(GOOD % 1)]))
        self.tick()
        self.advance("2024-12-31")
        self.assertEqual("kept", precious.read_text())

    def test_unfinished_files_wait(self):
        for name in ("a.csv.tmp", "a.csv.part", ".a.csv", "~$a.csv", "a.csv.filepart"):
            (self.ufsin.root / "in" / name).write_bytes(table([row(GOOD % 1)]))
        self.tick()
        self.assertEqual([], self.cases())
        (self.ufsin.root / "in" / "a.csv.tmp").rename(self.ufsin.root / "in" / "a.csv")
        self.tick()
        self.assertEqual([GOOD % 1], self.cases())

    def test_two_thousand_files_at_once(self):
        for number in range(2000):
            data = table([row(GOOD % number)]) if number % 100 == 0 else b'{"event":"x"}\n'
            (self.ufsin.root / "in" / ("%05d.txt" % number)).write_bytes(data)
        self.tick()
        self.tick()
        self.assert_nothing_left()
        self.assertEqual(4000, len(list(self.ufsin.done().iterdir())))
        self.assertEqual(20, len(self.cases()))

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_an_unreadable_file_is_refused(self):
        path = self.ufsin.put("n.csv", table([row(GOOD % 1)]))
        path.chmod(0)
        self.tick()
        self.assertIn("нет прав", self.ufsin.rejected("n.csv.reason.txt").read_text(encoding="utf-8"))


class Writers(World):
    """On the system clock files grow under the adapter's eyes."""

    def test_a_file_that_grows_is_taken_when_it_rests(self):
        self.engine.start("--clock", "system")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        rows = [row(GOOD % number) for number in range(300)]
        data = table(rows)
        with open(ufsin.root / "in" / "slow.csv", "wb", buffering=0) as file:
            for start in range(0, len(data), 3001):
                file.write(data[start:start + 3001])
                time.sleep(0.05)
        wait_for(lambda: ufsin.done("slow.csv").exists())
        self.assertEqual({"принято": 300}, ufsin.states("slow.csv"))
        self.assertEqual(300, len(self.cases()))

    def test_what_is_written_after_a_pause_is_not_lost_in_silence(self):
        self.engine.start("--clock", "system")
        ufsin = self.adapter("ufsin", "ufsin", clock="system")
        data = table([row(GOOD % number) for number in range(2)])
        more = (row(GOOD % 2) + "\r\n").encode()
        with open(ufsin.root / "in" / "slow.csv", "wb", buffering=0) as file:
            file.write(data)
            self.engine.kill()  # no receipts: the file stays in work/
            wait_for(lambda: (ufsin.root / "work" / "slow.csv").exists())
            file.write(more)
        self.engine.start("--clock", "system")
        wait_for(lambda: ufsin.done("slow.csv").exists())
        self.assertEqual(3, len(self.cases()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
