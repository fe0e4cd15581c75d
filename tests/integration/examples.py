#!/usr/bin/env python3
"""The example cases of the processes end as they say they do.

  examples.py KURATOR CONFIG_DIR [NAME …]

Every file CONFIG_DIR/processes/*/examples/*.jsonl holds
  {"until": DATE, "about": TEXT}      first line: how long the clock runs, and what the example shows; "settings": {NAME: VALUE}
                                      beside them: with these settings of its process instead of the usual ones
  {"at": …, "as": …, "event": …}      input, as `kurator rehearse` takes it
  {"expect": {…}, "times": N}         a line of the outcome with these fields: at least one, or exactly N

Nothing may go wrong that an example does not name: the number of incidents, refusals among them, is the number
expected.
"""

import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile


class Example:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file if line.strip()]
        self.path = path
        self.until = lines[0]["until"]
        self.settings = lines[0].get("settings", {})
        self.inputs = [line for line in lines if "at" in line]
        self.expected = [line for line in lines if "expect" in line]

    def incidents(self):
        return sum(line.get("times", 1) for line in self.expected if line["expect"].get("type") == "incident")


def processes_with(config, example, folder):
    """The folder of processes, with the example's settings where it has some."""
    usual = os.path.join(config, "processes")
    if not example.settings:
        return usual
    changed = shutil.copytree(usual, os.path.join(folder, "processes"), ignore=shutil.ignore_patterns("examples"))
    process = os.path.basename(os.path.dirname(os.path.dirname(example.path)))
    path = os.path.join(changed, process, "settings.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    for name, value in example.settings.items():
        text, count = re.subn(rf'(name: {name}, value: )("[^"]*"|[^,]*)', lambda found: found.group(1) + value, text)
        if count != 1:
            raise ValueError(f"{example.path}: no setting {name}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return changed


def rehearse(kurator, config, example):
    """The outcome's lines, and what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        events, out = os.path.join(folder, "events.jsonl"), os.path.join(folder, "out.jsonl")
        with open(events, "w", encoding="utf-8") as file:
            for line in example.inputs:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        command = [kurator, "rehearse", "--config", config, "--processes", processes_with(config, example, folder),
                   "--events", events, "--until", example.until, "--out", out]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            return None, f"exit {done.returncode}: {done.stderr.strip()}"
        with open(out, encoding="utf-8") as file:
            return [json.loads(line) for line in file], None


def has(line, wanted):
    return all(name in line and line[name] == value for name, value in wanted.items())


def nearest(outcome, wanted):
    """The lines that speak of the same thing, for the reader of a complaint."""
    keys = [key for key in ("type", "case", "process", "id", "measure") if key in wanted]
    lines = [line for line in outcome if all(line.get(key) == wanted[key] for key in keys)]
    return "".join(f"\n      {json.dumps(line, ensure_ascii=False)}" for line in lines[:6])


def complaints(kurator, config, path):
    example = Example(path)
    outcome, wrong = rehearse(kurator, config, example)
    if wrong:
        yield wrong
        return
    if not example.expected:
        yield "expects nothing"
    for line in example.expected:
        count = sum(has(found, line["expect"]) for found in outcome)
        if count != line["times"] if "times" in line else count == 0:
            wanted = json.dumps(line, ensure_ascii=False)
            yield f"{wanted}\n    is {count} times there:{nearest(outcome, line['expect'])}"
    incidents = [line for line in outcome if line["type"] == "incident"]
    if len(incidents) != example.incidents():
        yield f"incidents: {json.dumps(incidents, ensure_ascii=False)}"


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    kurator, config, names = arguments[1], arguments[2], arguments[3:]
    paths = sorted(glob.glob(os.path.join(config, "processes", "*", "examples", "*.jsonl")))
    paths = [path for path in paths if not names or any(name in path for name in names)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda path: list(complaints(kurator, config, path)), paths)
        for path, wrong in zip(paths, found):
            failed += bool(wrong)
            for complaint in wrong:
                print(f"{os.path.relpath(path, config)}:\n    {complaint}")
    print(f"{len(paths) - failed} of {len(paths)} examples end as they say")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
