#!/usr/bin/env python3
"""Whatever an administrator or a process owner does wrong, the answer is Russian and says what is wrong.

  words_test.py KURATOR SOURCE_DIR

Each command gets what it cannot work with: files that are missing, closed, a folder, damaged, of another kind;
configurations with a mistake; addresses where nobody listens. The answer may name files, options and words of the input;
what remains of it holds no English. Nor may an answer be silent, or come from the shell or a library.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

KURATOR, ROOT = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
KURATORD = pathlib.Path(KURATOR).parent / "kuratord"
CONFIG = ROOT / "config"
CHART = """<scxml xmlns="http://www.w3.org/2005/07/scxml" xmlns:k="urn:kurator:case" version="1.0" datamodel="lua">
  <state id="open" k:stage="information">%s<transition event="act.signed" target="end"/></state>
  <final id="end" k:stage="ending"/>
</scxml>
"""
# Words of the notation and of the protocol, which have no other name.
KNOWN = {"cond", "event", "target", "expr", "initial", "internal", "external", "onentry", "onexit", "due", "dueexpr", "json",
         "true", "false", "no", "on", "back", "none", "table", "jsonl", "text", "kurator", "kuratord", "tcp", "ipc",
         "master", "chmod", "pub", "utf", "yaml", "xml", "location", "namelist", "src", "script", "send", "invoke",
         "scxml", "transition", "state", "final", "param", "http", "www", "org", "code", "mon", "fri", "wed", "last", "wd",
         "mo", "act", "signed", "open", "closed", "content", "assign", "data", "restart", "systemctl", "lua", "eventexpr",
         "intake", "release", "nowhere", "stranger", "met", "by", "owner", "role", "shift", "field", "value", "bad", "oops", "case"}


def english_of(text):
    """What of an answer is English: runs of Latin words that are no names."""
    text = re.sub(r"^(?:Вызов:|  kurator) .*$", "", text, flags=re.M)
    text = re.sub(r"(?:[A-Za-z]+://|/|\.\.?/)?[\w@.+-]*(?:/[\w@.+-]*)+", " ", text)  # paths, addresses
    text = re.sub(r"\S+\.(?:scxml|yaml|csv|jsonl?|pub|mdb|xml|b2sum|cfg)\b", " ", text)
    text = re.sub(r"\[[a-z-]+\]|&lt;|\b[a-z_]+(?:\.[a-z_]+)+\b|##other", " ", text)  # names of rules and of events
    text = re.sub(r"«[^»]*»|\"[^\"]*\"|'[^']*'|<[^>]*>|\([^)]*=[^)]*\)", " ", text)
    text = re.sub(r"--?[a-z][a-z-]*|[A-Z_]{3,}", " ", text)
    words = re.findall(r"[A-Za-z][A-Za-z.-]*", text)
    return [word for word in words if word.lower().strip(".-") not in KNOWN and len(word) > 1]


class Words(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kurator-words-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, text="", mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def told(self, *words, program=KURATOR):
        result = subprocess.run([str(word) for word in (program, *words)], capture_output=True, text=True, check=False,
                                timeout=120, cwd=self.folder, stdin=subprocess.DEVNULL,
                                env={"PATH": os.environ["PATH"], "LC_ALL": "C"})
        answer = result.stderr + ("" if result.returncode == 0 else result.stdout)
        self.assertNotIn("Sanitizer", answer)
        self.assertNotEqual(0, result.returncode, "%s: %s" % (words, answer))
        self.assertGreaterEqual(result.returncode, 0, words)
        self.assertRegex(answer, "[а-яё]{3}", words)
        self.assertEqual([], english_of(answer), "%s: %s" % (" ".join(map(str, words)), answer))
        return answer

    # ---- files ----

    def not_files(self):
        return [self.folder / "missing", self.folder, self.file("empty"), self.file("rubbish", bytes(range(256))),
                self.file("long-name" + "x" * 100), self.file("text", "what is this\n"), "/dev/null"]

    def test_files_that_are_none(self):
        chart = CONFIG / "processes" / "release" / "chart.scxml"
        for bad in self.not_files():
            for words in (("calendar", "check", bad), ("calendar", "due", "--from", "2026-01-12", "--term", "5wd",
                          "--calendar", bad), ("chart", "test", bad), ("chart", "desugar", bad), ("chart", "table", bad),
                          ("chart", "render", bad, "-o", self.folder / "x.svg"),
                          ("chart", "lint", "--lang", "ru", "--config", CONFIG, bad),
                          ("chart", "render", chart, "--case", "1", "--events", bad, "-o", self.folder / "x.svg"),
                          ("audit", "verify", "--file", bad, "--keys", bad), ("audit", "verify", "--data", bad, "--keys", bad),
                          ("audit", "check-proof", bad, "--keys", bad), ("restore", bad, "--verify", "--keys", bad),
                          ("config", "check", "--config", bad), ("process", "test", "--config", bad),
                          ("process", "test", bad, "--config", CONFIG), ("process", "settings", "--config", bad),
                          ("process", "trace", "--config", bad), ("route", "explain", "--kind", "employment",
                          "--municipality", "Сургут", "--config", bad),
                          ("report", "registry", "--config", bad, "--journal", bad)):
                with self.subTest(words=words):
                    self.told(*words)

    def test_events_that_are_none(self):
        for number, text in enumerate(("{", "[]", '{"a": 1}', '{"event": 5}', '{"event": "none.such", "case": "1"}', "x")):
            events = self.file("events-%d.jsonl" % number, text + "\n")
            with self.subTest(text=text):
                self.told("rehearse", "--config", CONFIG, "--processes", CONFIG / "processes", "--events", events, "--until",
                          "2026-12-31", "--out", self.folder / "out")
        self.told("rehearse", "--config", CONFIG, "--processes", CONFIG / "processes", "--events", self.folder / "none",
                  "--until", "2026-12-31", "--out", self.folder / "out")
        self.told("rehearse", "--config", CONFIG, "--processes", CONFIG / "processes", "--events", "/dev/null", "--until",
                  "2026-12-31", "--out", self.folder / "no" / "out")

    # ---- charts ----

    def test_charts_with_a_mistake(self):
        for process in (CONFIG / "processes").iterdir():
            if process.is_dir():
                (self.folder / "processes").mkdir(exist_ok=True)
                (self.folder / "processes" / process.name).symlink_to(process)
        for inside in ("<transition evnt='a'/>", "<transition/>", "<transition target='x'/>", "<state/><oops/>",
                       "<transition event='a' cond='1 +'/>", "<invoke/>", "<k:deadline id='d'/>", "<k:oops/>", "text",
                       "<k:deadline id='d' from='1' due='soon'/>", "<onentry><send/></onentry>", "<state id='open'/>",
                       "<k:deadline id='d' from='_x.today' due='5wd' owner='nobody'/>", "<onentry><log expr=')'/></onentry>",
                       "<k:task id='t' role='nobody'/>", "<state", "<onentry><k:status value=''/><k:task id='a'/></onentry>",
                       "<k:deadline id='d' from='_x.today' due='5wd' met-by='none.such'/>", "<history/>",
                       "<k:deadline id='d' from='_x.today' due='5wd' shift='left'/>", "<onentry><if/></onentry>"):
            chart = self.file("processes/bad/chart.scxml", CHART % inside)
            for words in (("chart", "desugar", chart), ("chart", "table", chart, "--config", CONFIG), ("chart", "test", chart),
                          ("chart", "render", chart, "--config", CONFIG, "-o", self.folder / "x.svg"),
                          ("chart", "lint", "--lang", "ru", "--config", CONFIG, chart),
                          ("config", "check", "--config", CONFIG, "--processes", self.folder / "processes"),
                          ("process", "test", self.folder / "processes" / "bad", "--config", CONFIG)):
                if words[1] in ("desugar", "table", "render") and "none.such" in inside:
                    continue  # these ask no catalogue
                with self.subTest(words=words, inside=inside):
                    self.told_or_fine(*words)

    def told_or_fine(self, *words):
        """Not every command looks at everything; who finds something says it in Russian."""
        result = subprocess.run([str(word) for word in (KURATOR, *words)], capture_output=True, text=True, check=False,
                                timeout=120)
        if result.returncode not in (0, 6):  # 6: a chart that was tested goes on for ever
            self.told(*words)

    # ---- configurations ----

    def test_configurations_with_a_mistake(self):
        mistakes = (
            ("kurator.yaml", "limits: {inbox_messages: -1}\n"), ("kurator.yaml", "colour: red\n"), ("kurator.yaml", "a: b: c\n"),
            ("kurator.yaml", "limits: {inbox_messages: many}\n"), ("kurator.yaml", "limits: [1]\n"), ("kurator.yaml", "\ta: 1\n"),
            ("kurator.yaml", "limits: {inbox_messages: 1\n"), ("kurator.yaml", b"limits: \xff\xfe\n"), ("kurator.yaml", ""),
            ("participants.yaml", "participants: 5\n"), ("participants.yaml", "participants:\n- {id: a}\n"),
            ("participants.yaml", "participants:\n- {id: a, kind: ufsin, territories: [Атлантида]}\n"),
            ("participants.yaml", "participants:\n- {id: a, kind: ufsin}\n- {id: a, kind: ufsin}\n"),
            ("participants.yaml", "participants:\n- {id: a, kind: ufsin, office: [always]}\n"),
            ("participants.yaml", "participants:\n- {id: a, id: b}\n"), ("participants.yaml", "- a\n- b\n"),
            ("participants.yaml", None), ("routing.yaml", None), ("catalogue.yaml", None), ("calendar/ru.csv", None),
            ("calendar/ru.csv", "x\n"), ("calendar/ru.csv", ""), ("territories.yaml", "territories:\n- {code: a, within: b}\n"),
            ("catalogue.yaml", "events: []\n"), ("rules.yaml", "rules:\n- {id: 1}\n"), ("processes/First/chart.scxml", ""),
            ("processes/empty/x", ""), ("processes/release/settings.yaml", "settings:\n- {name: a}\n"),
            ("processes/release/settings.yaml", "settings: {}\n"), ("processes/release/starts.yaml", "starts: [{event: x}]\n"),
            ("processes/intake/starts.yaml", "starts: [{event: release.notice, field: a}]\n"),
        )
        for number, (name, text) in enumerate(mistakes):
            config = self.folder / ("config-%d" % number)
            shutil.copytree(CONFIG, config)
            (config / name).unlink(missing_ok=True)
            if text is not None:
                self.file("config-%d/%s" % (number, name), text)
            verb = ("process", "trace") if name == "rules.yaml" else ("config", "check")
            with self.subTest(name=name, text=text):
                self.told(*verb, "--config", config)
                if verb[0] == "config":
                    self.told("--config", config, "--data", self.folder / "data", "--keys", self.folder, program=KURATORD)

    def test_reports_with_a_mistake(self):
        for number, text in enumerate(("", "a: b: c\n", "title: x\n", "title: [x]\nkind: none\n")):
            config = self.folder / ("config-%d" % number)
            shutil.copytree(CONFIG, config)
            self.file("config-%d/reports/registry.yaml" % number, text)
            with self.subTest(text=text):
                self.told("report", "registry", "--config", config, "--quarter", "2026-Q1", "--journal", "/dev/null")

    # ---- keys and addresses ----

    def test_keys_that_are_none(self):
        self.assertEqual(0, subprocess.run([KURATOR, "keys", "generate", "--server", "--operator", "operator", "--out",
                                            self.folder / "keys"], capture_output=True, check=False).returncode)
        address = ("--endpoint", "tcp://127.0.0.1:1", "--as", "operator")
        for bad in self.not_files():
            if not os.path.isdir(bad):
                keys = self.folder / "bad-keys"
                shutil.rmtree(keys, ignore_errors=True)
                shutil.copytree(self.folder / "keys", keys)
                (keys / "operator").unlink()
                if os.path.exists(bad):
                    shutil.copy(bad, keys / "operator") if bad != "/dev/null" else (keys / "operator").touch()
                with self.subTest(bad=bad):
                    self.told("status", "--keys", keys, *address)
            self.told("participant", "add", "ufsin", "--key", bad, "--keys", self.folder / "keys", *address)
        open_key = self.folder / "open"
        shutil.copytree(self.folder / "keys", open_key)
        (open_key / "operator").chmod(0o644)
        self.assertIn("chmod 600", self.told("status", "--keys", open_key, *address))
        shutil.copy(self.folder / "keys" / "server.pub", open_key / "operator")
        (open_key / "operator").chmod(0o600)
        self.told("status", "--keys", open_key, *address)
        self.told("keys", "generate", "--server", "--out", self.folder / "keys")
        self.told("keys", "generate", "--server", "--out", self.file("a-file"))
        self.told("keys", "generate", "--participant", "../evil", "--out", self.folder / "keys")

    def test_addresses_where_nobody_is(self):
        subprocess.run([KURATOR, "keys", "generate", "--server", "--operator", "operator", "--out", self.folder / "keys"],
                       capture_output=True, check=True)
        for address in ("tcp://127.0.0.1:1", "nowhere", "tcp://", "http://x", "ipc:///" + "x" * 200, "tcp://127.0.0.1:99999999"):
            with self.subTest(address=address):
                self.told("status", "--keys", self.folder / "keys", "--endpoint", address, "--timeout", "1")
                self.told("event", "submit", "--as", "operator", "--event", "act.signed", "--case", "1", "--endpoint", address,
                          "--keys", self.folder / "keys", "--wait", "1", "--spool", self.folder / "spool.db")

    def test_a_server_that_cannot_start(self):
        keys = self.folder / "keys"
        subprocess.run([KURATOR, "keys", "generate", "--server", "--out", keys], capture_output=True, check=True)
        start = ("--config", CONFIG, "--data", self.folder / "data", "--keys", keys, "--query-endpoint", "tcp://127.0.0.1:*")
        for address in ("nowhere", "tcp://203.0.113.9:7300", "ipc:///none/such/folder/socket", "http://127.0.0.1:1"):
            with self.subTest(address=address):
                self.told(*start, "--endpoint", address, program=KURATORD)
        self.told(*start[:2], "--data", self.file("no-folder"), *start[4:], "--endpoint", "tcp://127.0.0.1:*", program=KURATORD)
        self.told(*start[:4], "--keys", self.folder / "none", *start[6:], program=KURATORD)
        (keys / "participants").mkdir()
        self.file("keys/participants/ufsin.pub", "rubbish")
        self.told(*start, "--endpoint", "tcp://127.0.0.1:*", program=KURATORD)
        shutil.copy(keys / "server.pub", keys / "participants" / "stranger.pub")
        (keys / "participants" / "ufsin.pub").unlink()
        self.told(*start, "--endpoint", "tcp://127.0.0.1:*", program=KURATORD)
        shutil.rmtree(keys / "participants")
        (keys / "master").write_text("short")
        self.told(*start, "--endpoint", "tcp://127.0.0.1:*", program=KURATORD)
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self.file("data/store/data.mdb", "no database at all" * 1000)
        self.told("restore", self.folder / "data" / "store", "--verify", "--keys", keys / "server.pub")

    # ---- words ----

    def test_words_that_are_wrong(self):
        usage = subprocess.run([KURATOR, "--help"], capture_output=True, text=True, check=True).stdout
        verbs = re.findall(r"^  kurator ([a-z]+)(?: ([a-z-]+))?(?= |$)", usage, flags=re.M)
        self.assertGreater(len(verbs), 40)
        for noun, verb in verbs:
            words = [word for word in (noun, verb) if word]
            with self.subTest(words=words):
                self.told(*words, "--oops")
                self.told(*words, "a", "b", "c", "d", "--", *("e" * 300))
        self.told("oops")
        self.told("case", "oops")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[1:], verbosity=2)
