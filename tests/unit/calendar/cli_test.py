"""What `kurator calendar` promises to scripts: the first line, the exit code, and which stream."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

KURATOR = os.path.abspath(sys.argv.pop(1))
RU = "config/calendar/ru.csv"


def run(*words, stdin=b"", **kwargs):
    return subprocess.run([KURATOR, *words], input=stdin, capture_output=True, timeout=60, **kwargs)


def due(*words):
    return run("calendar", "due", "--calendar", RU, *words)


class Due(unittest.TestCase):
    def check(self, words, first_line):
        done = due(*words)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode().split("\n")[0], first_line)
        return done.stdout.decode()

    def refused(self, words, exit_code, text):
        done = due(*words)
        self.assertEqual((done.returncode, done.stdout), (exit_code, b""))
        self.assertIn(text, done.stderr.decode())

    def test_the_first_line_is_the_date(self):
        out = self.check(["--from", "2025-12-25", "--term", "10wd"], "2026-01-20")
        self.assertEqual(out, "2026-01-20\n")

    def test_explain_adds_the_reason_below(self):
        out = self.check(["--from", "2025-12-25", "--term", "10wd", "--explain"], "2026-01-20")
        self.assertIn("ст. 191 ГК РФ, по аналогии", out.split("\n")[1])

    def test_a_term_before_needs_no_equals_sign(self):
        self.check(["--from", "2026-08-31", "--term", "-6mo"], "2026-02-27")
        self.check(["--from=2026-08-31", "--term=-6mo", "--shift=none"], "2026-02-28")
        self.check(["--from=2026-08-31", "--term=-6mo", "--shift", "on"], "2026-03-02")
        self.check(["--from=2026-08-31", "--term=6mo", "--shift", "back"], "2027-02-26")

    def test_json_has_the_same_date(self):
        done = due("--from", "2026-08-31", "--term", "6mo", "-o", "json", "--explain")
        out = json.loads(done.stdout)
        self.assertEqual((out["due"], out["raw"], out["from"]), ("2027-03-01", "2027-02-28", "2026-08-31"))
        self.assertIn("ст. 193 ГК РФ", out["explanation"])

    def test_a_missing_year_is_named(self):
        self.refused(["--from", "2027-12-20", "--term", "10wd"], 5, "2028")
        self.refused(["--from", "2020-12-20", "--term", "1y"], 5, "2020")
        self.refused(["--from", "2027-06-01", "--term", "1y+-1y"], 5, "2028")
        self.refused(["--from", "2027-11-30", "--term", "31d"], 5, "2028")

    def test_malformed_values_are_invalid(self):
        self.refused(["--from", "2026-02-30", "--term", "1d"], 5, "2026-02-30")
        self.refused(["--from", "20.01.2026", "--term", "1d"], 5, "20.01.2026")
        self.refused(["--from", "2026-01-20", "--term", "10"], 5, "10wd")
        self.refused(["--from", "2026-01-20", "--term", "99999y"], 5, "1900–2199")

    def test_a_wrong_call_prints_the_usage(self):
        for words in (["--from", "2026-01-20"], ["--term", "1d"], ["--from"], ["--from", "2026-01-20", "--term", "1d", "x"],
                      ["--form", "2026-01-20"], ["--from", "2026-01-20", "--term", "1d", "--shift", "up"],
                      ["--from", "2026-01-20", "--term", "1d", "-o", "xml"],
                      ["--from", "2026-01-20", "--term", "1d", "--explain=1"]):
            self.refused(words, 2, "Вызов: kurator calendar due")

    def test_the_calendar_is_found_in_the_configuration(self):
        done = run("calendar", "due", "--from", "2025-12-25", "--term", "10wd", "--config", "config")
        self.assertEqual(done.stdout, b"2026-01-20\n")
        done = run("calendar", "due", "--from", "2025-12-25", "--term", "10wd", cwd="/",
                   env={"KURATOR_CONFIG": os.path.abspath("config")})
        self.assertEqual(done.stdout, b"2026-01-20\n")

    def test_a_result_that_does_not_arrive_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([KURATOR, "calendar", "due", "--calendar", RU, "--from", "2025-12-25", "--term", "1d"],
                                  stdout=full, stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)


class Check(unittest.TestCase):
    def test_a_sound_file_shows_years_and_revision(self):
        done = run("calendar", "check", RU)
        self.assertEqual(done.returncode, 0)
        self.assertIn("2021–2027", done.stdout.decode())
        shown = json.loads(run("calendar", "check", RU, "-o", "json").stdout)
        self.assertEqual((shown["first_year"], shown["last_year"]), (2021, 2027))
        self.assertIn(shown["revision"], done.stdout.decode())

    def test_a_file_may_come_from_stdin(self):
        with open(RU, "rb") as file:
            self.assertEqual(run("calendar", "check", "-", stdin=file.read()).returncode, 0)

    def test_a_wrong_file_is_named_with_its_line(self):
        for content, text in ((b"date,kind,note\n2026-01-01,off,\n2026-13-01,off,\n", ":3: "),
                              (b"date,kind,note\n2026-01-01,off,\n", "02.01.2026"),
                              (b"", ":1: "), (b"\xff\xfe", "UTF-8"), (b"x" * (2 << 20), "1048576")):
            with tempfile.NamedTemporaryFile() as file:
                file.write(content)
                file.flush()
                done = run("calendar", "check", file.name)
                self.assertEqual((done.returncode, done.stdout), (5, b""))
                self.assertIn(text, done.stderr.decode())

    def test_a_file_that_is_not_there_is_not_found(self):
        self.assertEqual(run("calendar", "check", "/nonexistent/ru.csv").returncode, 3)
        self.assertEqual(run("calendar", "check", "/").returncode, 1)
        self.assertEqual(run("calendar", "check").returncode, 2)


class Program(unittest.TestCase):
    def test_help_and_version_are_data(self):
        for words in (["--help"], ["--version"], ["calendar", "--help"], ["calendar", "due", "--help"]):
            done = run(*words)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout)

    def test_what_is_unknown_is_a_wrong_call(self):
        for words in ([], ["nothing"], ["nothing", "--help"], ["calendar"], ["calendar", "nothing"]):
            done = run(*words)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn("kurator --help" if words[:1] == ["nothing"] else "kurator calendar due", done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
