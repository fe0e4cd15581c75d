"""One participant at full speed, another one's receipts measured: flood.py [--seconds N] [--rate N] [--times N].

Prints one line of JSON and ends with 1 when the other's p99 exceeds `--times` (3) times its idle value. The flooder
keeps as many messages without receipt as Welcome allows, made and signed beforehand, from a process of its own.
"""

import argparse
import json
import multiprocessing
import sys
import time

from blackbox import NOTICE, READER, SENDER, BlackBox, client

import zmq

FLOODER = "uszn-surgut"
PER_ENVELOPE = 100
PAUSE = 0.002


def envelopes(keys, count):
    application = {"kind": "social-services", "received_on": "2026-01-12", "municipality": "surgut"}
    made = []
    for number in range(count):
        first = number * PER_ENVELOPE + 1
        events = [client.event("f-%08d" % (first + i), "application.received", application)
                  for i in range(PER_ENVELOPE)]
        made.append(client.envelope(FLOODER, keys, first, events))
    return made


def flood(endpoint, key_file, server_public, seconds, rate, ready, done):
    """Sends whatever the window holds, until the time or the envelopes are over; puts how many got receipts."""
    keys = client.Keys.load(key_file)
    link = client.Link(client.Connection(zmq.Context(), endpoint, keys, server_public), FLOODER, keys)
    made = envelopes(keys, max(1, int(seconds * rate) // PER_ENVELOPE))
    window = link.greet().in_flight_max - PER_ENVELOPE
    sent = answered = 0
    until = time.monotonic() + seconds
    ready.set()
    while time.monotonic() < until and answered < len(made) * PER_ENVELOPE:
        while sent < len(made) and sent * PER_ENVELOPE - answered <= window:
            link.connection.send_parts(made[sent])
            sent += 1
        frame, _ = link.connection.receive(0.5)
        if frame is not None and frame.HasField("refusal"):
            raise AssertionError(frame)
        answered += len(frame.receipts.receipts) if frame is not None else 0
    done.put(answered)


def latencies(link, name, until):
    """Milliseconds from a message to its receipt, one at a time."""
    found = []
    while not until(len(found)):
        began = time.perf_counter()
        receipt = link.receipt(link.submit("%s-%05d" % (name, len(found)), "release.notice", NOTICE), 60)
        found.append(1000 * (time.perf_counter() - began))
        assert receipt.outcome == "accepted", receipt
        time.sleep(PAUSE)
    return found


def quantile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Measurement(BlackBox):
    """An engine with an honest sender and a flooder; no tests of its own."""

    participants = (SENDER, READER, FLOODER)

    def measure(self, seconds, rate, idle_samples=200):
        link = self.link(SENDER)
        latencies(link, "warm", lambda count: count >= 50)
        idle = latencies(link, "idle", lambda count: count >= idle_samples)
        context = multiprocessing.get_context("spawn")
        ready, done = context.Event(), context.Queue()
        flooder = context.Process(target=flood, args=(self.engine.exchange, self.engine.hands / FLOODER,
                                                      self.server_public(), seconds, rate, ready, done))
        flooder.start()
        self.assertTrue(ready.wait(120))
        time.sleep(0.3)
        until = time.monotonic() + seconds - 0.5
        loaded = latencies(link, "load", lambda count: count > 0 and time.monotonic() > until)
        answered = done.get(timeout=60)
        flooder.join()
        return {"idle_p50_ms": round(quantile(idle, 0.5), 1), "idle_p99_ms": round(quantile(idle, 0.99), 1),
                "load_p50_ms": round(quantile(loaded, 0.5), 1), "load_p99_ms": round(quantile(loaded, 0.99), 1),
                "load_samples": len(loaded), "flood_per_second": round(answered / seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=20000, help="messages per second that are made beforehand")
    parser.add_argument("--times", type=float, default=3)
    given = parser.parse_args()
    Measurement.setUpClass()
    measurement = Measurement()
    try:
        found = measurement.measure(given.seconds, given.rate)
    finally:
        measurement.doCleanups()
        Measurement.doClassCleanups()
    found["times_idle_p99"] = round(found["load_p99_ms"] / found["idle_p99_ms"], 1)
    print(json.dumps(found))
    return 0 if found["times_idle_p99"] <= given.times else 1


if __name__ == "__main__":
    sys.exit(main())
