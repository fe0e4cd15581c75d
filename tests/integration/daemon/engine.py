"""A kuratord of one's own in a temporary folder, and the kurator command to speak to it."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("KURATOR_BIN", ROOT / "build" / "dev" / "bin"))
START_SECONDS = 30


class Engine:
    """Keys, endpoints and one process; `start` after a kill goes on with the same data."""

    def __init__(self, participants, config=ROOT / "config"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kurator-daemon-"))
        self.config = config
        self.process = None
        self.exchange = "ipc://%s" % (self.folder / "exchange.sock")
        self.query = "ipc://%s" % (self.folder / "query.sock")
        self.keys = self.folder / "keys"
        self.hands = self.folder / "hands"
        self.must("keys", "generate", "--server", "--out", self.keys)
        self.must("keys", "generate", "--operator", "operator", "--agent", "reader", "--participant",
                  ",".join(participants), "--out", self.hands, "--register", self.keys)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder)

    # ---- the process ----

    def arguments(self, *more):
        return [BIN / "kuratord", "--config", self.config, "--data", self.folder / "data", "--keys", self.keys,
                "--endpoint", self.exchange, "--query-endpoint", self.query, *more]

    def start(self, *more):
        clock = more or ("--clock", "virtual", "--start", "2024-01-01")
        with open(self.folder / "kuratord.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in self.arguments(*clock)], stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        for _ in range(2):
            line = self.process.stdout.readline()
            assert line.startswith(("endpoint ", "query-endpoint ")), self.told()
        return self

    def told(self):
        return (self.folder / "kuratord.log").read_text(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    # ---- the command ----

    def run(self, *words):
        result = subprocess.run([str(word) for word in (BIN / "kurator", *words)], capture_output=True, text=True,
                                check=False, timeout=300)
        assert "Sanitizer" not in result.stderr, result.stderr
        return result

    def must(self, *words):
        result = self.run(*words)
        assert result.returncode == 0, "%s: %d %s" % (words, result.returncode, result.stderr)
        return result.stdout

    def ask(self, *words, name="operator"):
        return self.run(*words, "--endpoint", self.query, "--keys", self.hands, "--as", name)

    def rows(self, *words):
        result = self.ask(*words, "-o", "jsonl")
        assert result.returncode == 0, "%s: %d %s" % (words, result.returncode, result.stderr)
        return [json.loads(line) for line in result.stdout.splitlines()]

    def advance(self, moment, *expected):
        words = ["clock", "advance", "--to", moment, "--timeout", "120"]
        if expected:
            words += ["--expect", ",".join(expected)]
        result = self.ask(*words)
        assert result.returncode == 0, "%s: %s\n%s" % (words, result.stderr, self.told())
        return json.loads(result.stdout)

    def submit(self, events, wait=60, spool="spool.db", more=()):
        """Starts sending; the receipts come when the clock moves."""
        path = pathlib.Path(tempfile.mkstemp(dir=self.folder, suffix=".jsonl")[1])
        path.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in events))
        command = [BIN / "kurator", "event", "submit", "--file", path, "--endpoint", self.exchange, "--keys",
                   self.hands, "--spool", self.folder / spool, "--wait", wait,
                   "--deliveries", self.folder / "deliveries.jsonl", *more]
        with open(path.with_suffix(".out"), "w", encoding="utf-8") as out:
            process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=subprocess.PIPE, text=True)
        process.receipts = path.with_suffix(".out")
        return process

    def deliveries(self):
        path = self.folder / "deliveries.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def export(self, noun):
        path = self.folder / (noun + ".jsonl")
        result = self.ask(noun, "export", "--out", path)
        assert result.returncode == 0, result.stderr
        return path

    def rehearse(self, journal, until):
        out = self.folder / "rehearsed.jsonl"
        self.must("rehearse", "--config", self.config, "--processes", self.config / "processes", "--events", journal,
                  "--until", until, "--out", out)
        return out

    def wait_until(self, what):
        deadline = time.monotonic() + START_SECONDS
        while not what():
            assert time.monotonic() < deadline, "nothing happened in time\n" + self.told()
            time.sleep(0.05)


def finish(process):
    """The receipts of a submit that has ended."""
    _, err = process.communicate(timeout=120)
    assert "Sanitizer" not in err, err
    return process.returncode, [json.loads(line) for line in process.receipts.read_text().splitlines()], err
