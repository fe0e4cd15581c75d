"""kurator config check finds what is wrong with a configuration, all of it, and says where.

  check_test.py KURATOR CONFIG_DIR
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, CONFIG = sys.argv[1], sys.argv[2]


class Check(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="kurator-check-")
        self.addCleanup(folder.cleanup)
        self.config = os.path.join(folder.name, "config")
        shutil.copytree(CONFIG, self.config)

    def spoil(self, name, old, new):
        path = os.path.join(self.config, name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new, 1))

    def check(self):
        result = subprocess.run([KURATOR, "config", "check", "--config", self.config], capture_output=True, check=False)
        return result.returncode, result.stdout.decode() + result.stderr.decode()

    def assert_found(self, *words):
        code, text = self.check()
        self.assertEqual(code, 5, text)
        for word in words:
            self.assertIn(word, text)

    def test_the_configuration_of_the_project_is_right(self):
        self.assertEqual(self.check()[0], 0)

    def test_a_term_that_is_none(self):
        self.spoil("processes/release/settings.yaml", '"5wd"', '"5xd"')
        self.assert_found("repeat_visit", "release/chart.scxml:")

    def test_a_default_term_that_is_none(self):
        self.spoil("processes/release/settings.yaml", 'default: "5wd"', 'default: "5xd"')
        self.assert_found("default настройки «repeat_visit»", "release/chart.scxml:", "10wd")

    def test_a_default_that_is_no_term_where_the_value_is_one(self):
        self.spoil("processes/support/settings.yaml", 'default: "3mo+5wd"', 'default: "soon"')
        self.assert_found("support/settings.yaml", "«interim»", "default")

    def test_a_report_that_is_wrong_is_named_with_what_to_do(self):
        for name, old, new, *words in (
                ("quarterly", "rows: referrals", "rows: referral", "«referral»", "cases, deadlines, referrals"),
                ("agenda", "draft.sent]}]}", "draft.snt]}]}", "«draft.snt»", "catalogue.yaml"),
                ("agenda", "{field: process, is: [support]}, {field: state, is: [open]}, {field: states, is: [at-working-group]}",
                 "{field: process, is: [suport]}", "«suport»", "processes/"),
                ("agenda", "sitting_within: 10wd", "sitting_within: soon", "«soon»", "10wd"),
                ("quarterly", "adds-to: ended", "adds-to: endet", "«endet»", "adds-to"),
                ("quarterly", "equals: [all]", "equals: [al]", "«al»", "take"),
                ("registry", "reader: resource_centre", "reader: ufsin", "не показывается", "да"),
                ("minutes", "report: minutes-executor", "report: minutes-nobody", "minutes-nobody"),
                ("minutes", "kinds: [executor, health, employment], report: minutes-executor",
                 "kinds: [ufsin], report: minutes", "не показывается"),
                ("indicators", "part: integrated, of: released_ended", "part: integrate, of: released_ended", "«integrate»"),
                ("words", "lists:", "list:", "words.yaml"),
                ("monthly", "title:", "titel:", "titel")):
            with self.subTest(name + ": " + new):
                self.setUp()
                self.spoil(f"reports/{name}.yaml", old, new)
                self.assert_found(*words, "words.yaml" if name == "words" else f"{name}.yaml" if "nobody" not in new else "minutes")

    def test_every_wrong_report_is_told(self):
        self.spoil("reports/agenda.yaml", "sitting_within: 10wd", "sitting_within: soon")
        self.spoil("reports/quarterly.yaml", "adds-to: ended", "adds-to: endet")
        self.assert_found("agenda.yaml", "quarterly.yaml", "ошибок в настройках: 2")

    def test_a_setting_that_is_missing(self):
        os.remove(os.path.join(self.config, "processes/referral/settings.yaml"))
        self.assert_found("settings.yaml")

    def test_a_guard_that_does_not_compile(self):
        self.spoil("processes/release/chart.scxml", "cond=\"need == 'yes'\"", 'cond="1 +"')
        self.assert_found("release/chart.scxml:", "выражение не разбирается")

    def test_a_form_that_is_no_json(self):
        with open(os.path.join(self.config, "processes/support/forms/broken.json"), "w", encoding="utf-8") as file:
            file.write("{")
        self.assert_found("broken.json:")

    def test_a_help_that_leads_nowhere_and_a_kind_that_nobody_is(self):
        self.spoil("routing.yaml", "{help: legal, ", "{help: leagl, ")
        self.spoil("routing.yaml", "kinds: [employment, ", "kinds: [emplyoment, ")
        self.assert_found("legal", "leagl", "emplyoment")

    def test_all_mistakes_are_told_at_once(self):
        self.spoil("processes/release/chart.scxml", "cond=\"need == 'yes'\"", 'cond="1 +"')
        self.spoil("routing.yaml", "kinds: [employment, ", "kinds: [emplyoment, ")
        self.assert_found("release/chart.scxml:", "emplyoment", "ошибок в настройках: 2")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
