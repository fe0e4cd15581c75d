"""What transitions and timers share: keys, a filled database, servers on loopback, and the facts of the machine."""

import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_SECONDS = 120


class Failure(Exception):
    """Something that the person at the terminal has to be told."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def median(numbers):
    return statistics.median(numbers) if numbers else None


def add_options(parser):
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"), help="folder with the built programs")
    parser.add_argument("--keep", metavar="DIR", help="work in DIR and leave the databases there: the next run reuses them")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")


# ---------------------------------------------------------------------------------------------------------------------
# The machine


def fdatasync_us(folder):
    """Median time of an append of 4 KiB and fdatasync."""
    path = os.path.join(folder, "sync")
    times = []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        for _ in range(200):
            os.write(handle, b"x" * 4096)
            begin = time.perf_counter()
            os.fdatasync(handle)
            times.append((time.perf_counter() - begin) * 1e6)
    finally:
        os.close(handle)
        os.unlink(path)
    return round(statistics.median(times), 1)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(folder):
    return {"processor": processor(), "cores": os.cpu_count(), "kernel": platform.release(),
            "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
            "fdatasync_us": fdatasync_us(folder), "load_before": round(os.getloadavg()[0], 2),
            "date": time.strftime("%Y-%m-%d")}


# ---------------------------------------------------------------------------------------------------------------------
# Processes


class Stage:
    """Folders and processes of one run. Leaving it ends every process that was started and removes what was made."""

    def __init__(self, arguments):
        self.bin = os.path.join(arguments.build, "bin")
        self.config = os.path.join(ROOT, "config")
        self.keep = arguments.keep
        self.dir = os.path.abspath(arguments.keep) if arguments.keep else tempfile.mkdtemp(prefix="kurator-bench-")
        self.processes = []

    def __enter__(self):
        os.makedirs(self.dir, exist_ok=True)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.end(process)
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def run(self, name, *words):
        """The standard output of a program that must succeed."""
        result = subprocess.run([os.path.join(self.bin, name), *words], stdin=subprocess.DEVNULL, capture_output=True,
                                check=False)
        if result.returncode != 0:
            raise Failure("%s: код %d\n%s%s" % (name, result.returncode, result.stdout.decode(errors="replace"),
                                                result.stderr.decode(errors="replace")))
        return result.stdout.decode()

    def serve(self, name, *words):
        """A server that says "endpoint …" when it is ready: (process, endpoint, seconds until then)."""
        log = self.path(name + ".log")
        begin = time.perf_counter()
        with open(log, "wb") as file:
            process = subprocess.Popen([os.path.join(self.bin, name), *words], stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=file)
        self.processes.append(process)
        while time.perf_counter() < begin + START_SECONDS:
            with open(log, encoding="utf-8", errors="replace") as file:
                text = file.read()
            for line in text.splitlines():
                if line.startswith("endpoint "):
                    return process, line.split(" ", 1)[1], time.perf_counter() - begin
            if process.poll() is not None:
                break
            time.sleep(0.005)
        raise Failure("%s не запустился:\n%s" % (name, text))

    def cpu_seconds(self, process):
        """Processor time of a server so far, of all its threads."""
        with open("/proc/%d/stat" % process.pid, encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)


# ---------------------------------------------------------------------------------------------------------------------
# Keys and cases


class Cast:
    """Who sends: one participant per place, from the configuration."""

    def __init__(self, stage, count):
        with open(os.path.join(stage.config, "participants.yaml"), encoding="utf-8") as file:
            participants = yaml.safe_load(file)["participants"]
        local = [entry for entry in participants if entry["kind"] == "provider" and len(entry["territories"]) == 1]
        self.places = [(entry["territories"][0], entry["id"]) for entry in local[:count]]
        self.keys, self.registry = stage.path("participants"), stage.path("keys")
        if not os.path.exists(self.registry):
            stage.run("kurator", "keys", "generate", "--server", "--out", self.registry)
            stage.run("kurator", "keys", "generate", "--participant", ",".join([name for _, name in self.places]),
                      "--out", self.keys, "--register", self.registry)


def fill(stage, cast, data, cases, moment, messages):
    """A database with that many cases, to each of which the same messages have come."""
    done = data + ".json"
    if os.path.exists(done):
        with open(done, encoding="utf-8") as file:
            return json.load(file)
    shutil.rmtree(data, ignore_errors=True)
    say("Заполняю базу: %d дел" % cases)
    words = ["--config", stage.config, "--keys", cast.registry, "--data", data, "--cases", str(cases), "--at", moment]
    for territory, participant in cast.places:
        words += ["--place", "%s=%s" % (territory, participant)]
    for message in messages:
        words += ["--message", message]
    facts = json.loads(stage.run("bench-fill", *words))
    with open(done, "w", encoding="utf-8") as file:
        json.dump(facts, file)
    return facts


def forget_pages(folder):
    """The databases of a folder leave the page cache. A file that was just filled from end to end lies there in large
    folios, of which the kernel looks at every page each time that one is written; a file that was in use does not."""
    for path, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".mdb"):
                handle = os.open(os.path.join(path, name), os.O_RDONLY)
                try:
                    os.fsync(handle)
                    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(handle)


def serve_engine(stage, cast, data, endpoint):
    return stage.serve("kuratord", "--config", stage.config, "--data", data, "--keys", cast.registry, "--endpoint",
                       endpoint, "--query-endpoint", "ipc://" + stage.path("query.sock"), "--log-level", "warning")


def load(stage, cast, endpoint, connections, **options):
    """One run of bench-load, started; read its answer with load_result."""
    words = ["--endpoint", endpoint, "--server-key", os.path.join(cast.registry, "server.pub"), "--keys", cast.keys,
             "--places", str(len(cast.places))]
    for _, participant in cast.places[:connections]:
        words += ["--participant", participant]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return subprocess.Popen([os.path.join(stage.bin, "bench-load"), *words], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def load_result(process):
    out, errors = process.communicate()
    if process.returncode != 0:
        raise Failure("bench-load: код %d\n%s%s" % (process.returncode, out.decode(), errors.decode(errors="replace")))
    return json.loads(out)
