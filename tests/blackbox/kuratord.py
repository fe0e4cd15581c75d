"""A kuratord of one's own in a temporary folder; everything else about it is learned from its sockets."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("KURATOR_BIN", ROOT / "build" / "dev" / "bin"))
SCHEMAS = pathlib.Path(os.environ.get("KURATOR_SCHEMAS", ROOT / "build" / "dev" / "tests" / "schemas"))
sys.path[:0] = [str(ROOT / "tests" / "clients" / "python"), str(SCHEMAS)]


def make_schemas():
    """What protoc makes of the schemas, in the build folder."""
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    folder = ROOT / "proto"
    names = [str(path.relative_to(folder)) for path in sorted(folder.glob("kurator/v1/*.proto"))]
    subprocess.run(["protoc", "-I", str(folder), "--python_out=%s" % SCHEMAS, *names], check=True)


class Kuratord:
    """System clock; `start` after `stop` or `kill` goes on with the same data on the same endpoints."""

    def __init__(self, participants, tcp=False, settings=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="kurator-blackbox-"))
        self.hands = self.folder / "hands"
        self.keys = self.folder / "keys"
        self.config = ROOT / "config"
        self.process = None
        host = "tcp://127.0.0.1:*" if tcp else "ipc://%s/%%s.sock" % self.folder
        self.exchange, self.query = (host, host) if tcp else (host % "exchange", host % "query")
        if settings:
            self.configure(settings)
        self.kurator("keys", "generate", "--server", "--out", self.keys)
        self.kurator("keys", "generate", "--operator", "operator", "--participant", ",".join(participants), "--out",
                     self.hands, "--register", self.keys)

    def configure(self, settings):
        """`settings`: the text of kurator.yaml."""
        self.config = self.folder / "config"
        shutil.copytree(ROOT / "config", self.config)
        (self.config / "kurator.yaml").write_text(settings, encoding="utf-8")

    def kurator(self, *words):
        done = subprocess.run([str(word) for word in (BIN / "kurator", *words)], capture_output=True, text=True,
                              timeout=60, check=False)
        assert done.returncode == 0, "%s: %s" % (words, done.stderr)

    def start(self, *more):
        command = [BIN / "kuratord", "--config", self.config, "--data", self.folder / "data", "--keys", self.keys,
                   "--endpoint", self.exchange, "--query-endpoint", self.query, *more]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=log,
                                            text=True)
        self.exchange = self.bound("endpoint")
        self.query = self.bound("query-endpoint")
        return self

    def bound(self, name):
        word, _, endpoint = self.process.stdout.readline().strip().partition(" ")
        assert word == name, self.told()
        return endpoint

    def told(self):
        return (self.folder / "log").read_text(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def resident_bytes(self):
        with open("/proc/%d/statm" % self.process.pid, encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def kill(self):
        self.end(signal.SIGKILL)

    def stop(self):
        return self.end(signal.SIGTERM)

    def read_keys_again(self):
        """The registry has changed."""
        before = self.told().count("keys read again")
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while self.told().count("keys read again") == before:
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.01)

    def end(self, number):
        self.process.send_signal(number)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        return code

    def close(self):
        """Stops it and looks whether it went well: sanitizers speak at the end."""
        try:
            if self.process and self.is_alive():
                code = self.stop()
                assert code == 0, "exit %d\n%s" % (code, self.told())
            assert "Sanitizer" not in self.told() and "runtime error" not in self.told(), self.told()
        finally:
            shutil.rmtree(self.folder)


if __name__ == "__main__" and sys.argv[1:] == ["schemas"]:
    make_schemas()
