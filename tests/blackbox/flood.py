"""One participant at full speed, another one's receipts measured: flood.py [--seconds N] [--rate N] [--times N] [--heedless].

Prints one line of JSON and ends with 1 when the other's p99 exceeds `--times` (3) times its idle value. The flooder
keeps as many messages without receipt as Welcome allows, made and signed beforehand, from a process of its own; one that
is heedless does not look at Welcome: it sends whatever the socket takes, and says Hello again when it is refused.
"""

import argparse
import contextlib
import itertools
import json
import multiprocessing
import sys
import time

from blackbox import NOTICE, READER, SENDER, BlackBox, client

import zmq

FLOODER = "uszn-surgut"
PER_ENVELOPE = 100
PAUSE = 0.002
numbers = itertools.count(1)


def envelopes(keys, first, count):
    application = {"kind": "social-services", "received_on": "2026-01-12", "municipality": "surgut"}
    made = []
    for number in range(first, first + count * PER_ENVELOPE, PER_ENVELOPE):
        events = [client.event("f-%08d" % (number + i), "application.received", application)
                  for i in range(PER_ENVELOPE)]
        made.append(client.envelope(FLOODER, keys, number, events))
    return made


class Careless(client.Connection):
    """Without heartbeats: libzmq 4.3.4 gives up its own process when one is due on a connection that was cut off."""

    heartbeat_ms = 0


class Flooder:
    def __init__(self, endpoint, key_file, server_public, count):
        self.keys = client.Keys.load(key_file)
        self.link = client.Link(Careless(zmq.Context(), endpoint, self.keys, server_public), FLOODER, self.keys)
        welcome = self.link.greet()
        self.first = welcome.sequence + 1
        self.made = envelopes(self.keys, self.first, count)
        self.window = welcome.in_flight_max - PER_ENVELOPE
        self.sent = self.answered = 0

    def flood(self, until):
        """Sends what the window holds."""
        while time.monotonic() < until and self.answered < len(self.made) * PER_ENVELOPE:
            while self.sent < len(self.made) and self.sent * PER_ENVELOPE - self.answered <= self.window:
                self.link.connection.send_parts(self.made[self.sent])
                self.sent += 1
            frame, _ = self.link.connection.receive(0.5)
            if frame is not None and frame.HasField("refusal"):
                raise AssertionError(frame)
            self.answered += len(frame.receipts.receipts) if frame is not None else 0

    def flood_heedless(self, until):
        """Sends what the socket takes: each time all that has no receipt."""
        link, last, at = self.link, len(self.made) * PER_ENVELOPE, 0
        while time.monotonic() < until and self.answered < last:
            frame, _ = link.connection.receive(0)
            body = frame.WhichOneof("body") if frame is not None else None
            if body == "receipts":
                self.answered = max(self.answered, frame.receipts.receipts[-1].sequence - self.first + 1)
            if body == "refusal" or at == len(self.made):
                hello = link.frame()
                hello.hello.version_min = hello.hello.version_max = 1
                link.connection.send(hello)
                at = self.answered // PER_ENVELOPE
            if at < len(self.made) and link.connection.socket.poll(1, zmq.POLLOUT):
                link.connection.send_parts(self.made[at])
                self.sent += 1
                at += 1


def flood(arguments, seconds, heedless, ready, done):
    """Until the time or the envelopes are over; puts how many got receipts, and how many were sent."""
    flooder = Flooder(*arguments)
    until = time.monotonic() + seconds
    ready.set()
    (flooder.flood_heedless if heedless else flooder.flood)(until)
    done.put((flooder.answered, flooder.sent * PER_ENVELOPE))
    flooder.link.connection.close()


def spin(stop):
    while not stop.is_set():
        sum(range(10000))


@contextlib.contextmanager
def busy_machine(processes):
    """The processors have as much to do as in a flood, and the engine nothing."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    spinning = [context.Process(target=spin, args=(stop,)) for _ in range(processes)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        stop.set()
        for process in spinning:
            process.join()


def latencies(link, name, until):
    """Milliseconds from a message to its receipt, one at a time."""
    found = []
    while not until(len(found)):
        began = time.perf_counter()
        receipt = link.receipt(link.submit("%s-%06d" % (name, next(numbers)), "release.notice", NOTICE), 60)
        found.append(1000 * (time.perf_counter() - began))
        assert receipt.outcome == "accepted", receipt
        time.sleep(PAUSE)
    return found


def entries_before(link, journal, count):
    """How many entries of the journal are made from when a message is about to be sent until its own, the usual number."""
    found = []
    for _ in range(count):
        head = journal()
        receipt = link.receipt(link.submit("place-%06d" % next(numbers), "release.notice", NOTICE), 60)
        found.append(receipt.journal - head)
    return quantile(found, 0.5)


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Measurement(BlackBox):
    """An engine with an honest sender and a flooder; no tests of its own."""

    participants = (SENDER, READER, FLOODER)

    def measure(self, seconds, rate, idle_samples=200, heedless=False, busy=0):
        link = self.link(SENDER)
        with busy_machine(busy):
            latencies(link, "warm", lambda count: count >= 50)
            idle = latencies(link, "idle", lambda count: count >= idle_samples)
        context = multiprocessing.get_context("spawn")
        ready, done = context.Event(), context.Queue()
        arguments = (self.engine.exchange, self.engine.hands / FLOODER, self.server_public(),
                     max(1, int(seconds * rate) // PER_ENVELOPE))
        flooder = context.Process(target=flood, args=(arguments, seconds, heedless, ready, done))
        flooder.start()
        self.assertTrue(ready.wait(120))
        time.sleep(0.3)
        until = time.monotonic() + seconds - 1.5
        loaded = latencies(link, "load", lambda count: count > 0 and time.monotonic() > until)
        before = entries_before(link, self.journal, 20)
        answered, sent = done.get(timeout=60)
        flooder.join()
        idle_p99, load_p99 = quantile(idle, 0.99), quantile(loaded, 0.99)
        return {"idle_p50_ms": round(quantile(idle, 0.5), 1), "idle_p99_ms": round(idle_p99, 1),
                "load_p50_ms": round(quantile(loaded, 0.5), 1), "load_p99_ms": round(load_p99, 1),
                "load_samples": len(loaded), "entries_before": before, "flood_per_second": round(answered / seconds),
                "sent_per_second": round(sent / seconds), "times_idle_p99": round(load_p99 / idle_p99, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=20000, help="messages per second that are made beforehand")
    parser.add_argument("--times", type=float, default=3)
    parser.add_argument("--heedless", action="store_true", help="does not look at what Welcome allows")
    parser.add_argument("--busy", type=int, default=0, help="processes that keep the processors busy meanwhile, when idle")
    given = parser.parse_args()
    Measurement.setUpClass()
    measurement = Measurement()
    try:
        found = measurement.measure(given.seconds, given.rate, heedless=given.heedless, busy=given.busy)
    finally:
        measurement.doCleanups()
        Measurement.doClassCleanups()
    print(json.dumps(found))
    return 0 if found["times_idle_p99"] <= given.times else 1


if __name__ == "__main__":
    sys.exit(main())
