#!/usr/bin/env python3
"""Random charts in `kurator chart test` and in the reference interpreter: what they log must be the same.

    differential.py KURATOR [--count N] [--seed S] [--restore] [--keep FOLDER]

charts.py says what they are made of. Chart number i of seed S is always the same one, so a difference can be looked at again;
--keep leaves its document in FOLDER.
"""
import argparse
import concurrent.futures
import pathlib
import random
import subprocess
import sys
import tempfile

from charts import make_chart, xml_chart
from reference import Endless, World


def actual_log(kurator, document, folder, number_, restore):
    path = pathlib.Path(folder) / f"chart{number_}.scxml"
    path.write_text(document, encoding="utf-8")
    command = [kurator, "chart", "test", str(path)] + (["--restore"] if restore else [])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    path.unlink()
    if done.stderr:
        return [done.stderr.strip()]
    return [line.removeprefix("log : ") for line in done.stdout.splitlines()]


def compare(arguments, folder, number_):
    """None when equal, "endless" when not comparable, else what differs."""
    rng = random.Random(f"{arguments.seed}/{number_}")
    chart = make_chart(rng)
    document = xml_chart(chart)
    try:
        expected = World(chart).run()
    except Endless:
        return "endless"
    actual = actual_log(arguments.kurator, document, folder, number_, arguments.restore)
    if actual == expected:
        return None
    if arguments.keep:
        (arguments.keep / f"differs{number_}.scxml").write_text(document, encoding="utf-8")
    place = next((i for i, (a, e) in enumerate(zip(actual, expected)) if a != e), min(len(actual), len(expected)))
    return f"entry {place}: {actual[place:place + 3]} instead of {expected[place:place + 3]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kurator")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--restore", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path)
    arguments = parser.parse_args()
    differ, endless = 0, 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        work = [(arguments, folder, i) for i in range(arguments.count)]
        for i, result in enumerate(pool.map(lambda w: compare(*w), work)):
            if result == "endless":
                endless += 1
            elif result:
                differ += 1
                print(f"chart {i} of seed {arguments.seed}: {result}")
    print(f"{arguments.count} charts, {endless} endless and left out, {differ} differ")
    return 1 if differ or endless * 2 > arguments.count else 0


if __name__ == "__main__":
    sys.exit(main())
