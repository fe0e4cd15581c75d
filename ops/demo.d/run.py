"""Sets the stage for ./ops/demo: keys, kuratord, five adapters, the play, the summary; and clears it away again."""

import argparse
import datetime as dt
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import yaml

import play
import summary

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Which kinds of participant speak through which adapter.
ADAPTERS = {
    "ufsin": ["ufsin"],
    "health": ["health"],
    "employment": ["employment"],
    "working_group": ["working_group", "uszn"],
    "provider": ["provider", "executor"],
}
START_SECONDS = 30


class Failure(Exception):
    """Something that the person at the terminal has to be told."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Stage:
    """Processes and folders of one run. Leaving it ends every process that was started and removes what was made."""

    def __init__(self, build, keep):
        self.bin = os.path.join(build, "bin")
        self.config = os.path.join(ROOT, "config")
        self.keep = keep
        self.dir = keep or tempfile.mkdtemp(prefix="kurator-demo-")
        self.processes = []

    def __enter__(self):
        os.makedirs(self.dir, exist_ok=True)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def start(self, name, *words):
        with open(self.path(name + ".log"), "ab") as log:
            process = subprocess.Popen([os.path.join(self.bin, name), *words], stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)
        self.processes.append(process)
        return process

    def check(self):
        """An engine or adapter that has died is told at once, with its last words."""
        for process in self.processes:
            if process.poll() is not None:
                name = os.path.basename(process.args[0])
                with open(self.path(name + ".log"), encoding="utf-8", errors="replace") as log:
                    last = "".join(log.readlines()[-5:])
                raise Failure("%s завершился с кодом %d:\n%s" % (name, process.returncode, last))


class Engine:
    """kuratord as the demonstration sees it: through the kurator command."""

    def __init__(self, stage):
        self.stage = stage
        self.keys = stage.path("operator-keys")
        self.exchange = "tcp://127.0.0.1:%d" % free_port()
        self.query = "tcp://127.0.0.1:%d" % free_port()
        self.expected = []

    def run(self, *words, ask=True):
        command = [os.path.join(self.stage.bin, "kurator"), *words]
        if ask:
            command += ["--endpoint", self.query, "--keys", self.keys]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if result.returncode != 0:
            self.stage.check()
            raise Failure("%s: код %d\n%s" % (" ".join(words), result.returncode, result.stderr.decode(errors="replace")))
        return result.stdout.decode()

    def rows(self, *words):
        return [json.loads(line) for line in self.run(*words, "-o", "jsonl").splitlines()]

    def advance(self, moment):
        self.run("clock", "advance", "--to", moment, "--expect", ",".join(self.expected), "--timeout", "120")

    def make_keys(self, participants):
        registry = self.stage.path("keys")
        self.run("keys", "generate", "--server", "--out", registry, ask=False)
        self.run("keys", "generate", "--operator", "operator", "--out", self.keys, "--register", registry, ask=False)
        for adapter, ids in participants.items():
            self.run("keys", "generate", "--participant", ",".join(ids), "--shared", "adapter",
                     "--out", self.stage.path(adapter + "-keys"), "--register", registry, ask=False)

    def start(self, day):
        self.stage.start("kuratord", "--config", self.stage.config, "--data", self.stage.path("data"),
                         "--keys", self.stage.path("keys"), "--endpoint", self.exchange, "--query-endpoint", self.query,
                         "--clock", "virtual", "--start", day.isoformat(), "--log-level", "warning")

    def wait(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("status", "-o", "json")
                return
            except Failure:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def start_adapter(stage, engine, name, ids):
    words = ["--profile", os.path.join(ROOT, "adapters", name, "profile.yaml"), "--root", stage.path(name),
             "--endpoint", engine.exchange, "--server-key", os.path.join(stage.path(name + "-keys"), "server.pub"),
             "--keys", stage.path(name + "-keys"), "--shared", "adapter", "--clock", "virtual",
             "--territories", os.path.join(stage.config, "territories.yaml")]
    for identity in ids:
        words += ["--participant", identity]
    stage.start("kurator-" + name, *words)


def wait_for_folders(stage, participants):
    deadline = time.monotonic() + START_SECONDS
    for name, ids in participants.items():
        last = stage.path(name, "out", ids[-1]) if len(ids) > 1 else stage.path(name, "rejected")
        while not os.path.isdir(last):
            stage.check()
            if time.monotonic() > deadline:
                raise Failure("Адаптер %s не готов." % name)
            time.sleep(0.05)


def load_yaml(name, key):
    with open(os.path.join(ROOT, "config", name), encoding="utf-8") as file:
        return yaml.safe_load(file)[key]


def perform(arguments, stage):
    known = load_yaml("participants.yaml", "participants")
    participants = {name: [entry["id"] for entry in known if entry["kind"] in kinds]
                    for name, kinds in ADAPTERS.items()}
    territories = {}
    for entry in load_yaml("territories.yaml", "territories"):
        for spelling in [entry["code"], entry["title"], *entry.get("names", [])]:
            territories[spelling] = entry["code"]
    notices = play.NoticeFile(arguments.notices, territories)
    engine = Engine(stage)
    say("Ключи, сервер, пять адаптеров…")
    engine.make_keys(participants)
    engine.start(notices.first_day)
    engine.wait()
    for name, ids in participants.items():
        start_adapter(stage, engine, name, ids)
    wait_for_folders(stage, participants)
    engine.expected = [identity for ids in participants.values() for identity in ids]
    agencies = {name: play.Agency(name, stage.path(name)) for name in participants}
    say("Извещений: %d; виртуальное время с %s по %s" %
        (notices.rows, notices.first_day.strftime("%d.%m.%Y"), arguments.until.strftime("%d.%m.%Y")))
    show = play.Play(engine, agencies, notices, arguments.until)
    show.run()
    return collect(engine, stage, notices, known, arguments, show)


def collect(engine, stage, notices, known, arguments, show):
    engine.run("outcome", "export", "--out", stage.path("outcome.jsonl"))
    engine.run("journal", "export", "--out", stage.path("journal.jsonl"))
    with open(stage.path("outcome.jsonl"), encoding="utf-8") as file:
        outcome = [json.loads(line) for line in file]
    with open(stage.path("journal.jsonl"), encoding="utf-8") as file:
        journal = sum(1 for _ in file)
    missed = engine.rows("deadline", "list", "--state", "missed")
    delays = [explained(engine, row) for row in summary.worst(missed, arguments.until)]
    return summary.summarise(outcome, delays, {entry["id"]: entry for entry in known}, notices.rows,
                             {"messages": journal, "sent": show.messages}, arguments.until, notices.first_day)


def explained(engine, row):
    """The same deadline with its explanation, as the page of its case shows it."""
    shown = engine.rows("case", "show", row["case"].split("/")[0])
    return next(line for line in shown if line["type"] == "deadline" and
                all(line.get(key) == row.get(key) for key in ("case", "id", "key", "due", "at")))


def parse(argv):
    parser = argparse.ArgumentParser(prog="./ops/demo", description="Главное дело целиком, на виртуальном времени.")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="итог в JSON (summary.schema.json)")
    parser.add_argument("--notices", default=os.path.join(ROOT, "ops/demo.d/data/ufsin-notices-2026.csv"),
                        metavar="ФАЙЛ", help="файл извещений")
    parser.add_argument("--until", type=dt.date.fromisoformat, default=dt.date(2027, 12, 31), metavar="ДАТА",
                        help="последний день, по умолчанию 2027-12-31")
    parser.add_argument("--keep", metavar="ПАПКА", help="оставить журнал, итог и папки обмена здесь")
    arguments = parser.parse_args(argv)
    if arguments.keep:
        arguments.keep = os.path.abspath(arguments.keep)
        if os.path.isdir(arguments.keep) and os.listdir(arguments.keep):
            parser.error("папка %s не пуста" % arguments.keep)
    if not os.path.isfile(arguments.notices):
        parser.error("нет файла %s" % arguments.notices)
    return arguments


def main(argv):
    arguments = parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started = time.monotonic()
    try:
        with Stage(arguments.build, arguments.keep) as stage:
            result = perform(arguments, stage)
    except Failure as failure:
        say("Не получилось: %s" % failure)
        return 1
    except KeyboardInterrupt:
        say("\nПрервано; всё временное убрано.")
        return 130
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        print(summary.render(result))
    say("\nГотово за %d с." % (time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
