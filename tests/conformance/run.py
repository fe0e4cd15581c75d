#!/usr/bin/env python3
"""Runs every chart of a folder with `kurator chart test` and reports those that do not end in `pass`.

    run.py KURATOR FOLDER [--restore] [--list FILE]

A chart is FOLDER/NAME.scxml. With --list only the names in FILE are run, one a line; else all charts directly in the folder.
With --restore each session is saved to bytes and restored after every macrostep. The charts are run in the folder, because some
read files beside them. Exit code 0 when all pass.
"""
import argparse
import concurrent.futures
import pathlib
import subprocess
import sys

SECONDS_MAX = 60


def run(kurator, folder, name, restore):
    command = [kurator, "chart", "test", name + ".scxml"] + (["--restore"] if restore else [])
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return name, None, f"took longer than {SECONDS_MAX} s"
    return name, done.returncode, (done.stdout + done.stderr).strip()


def names_of(folder, list_file):
    if list_file:
        return list_file.read_text(encoding="utf-8").split()
    return sorted(path.stem for path in folder.glob("*.scxml"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kurator", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--restore", action="store_true")
    parser.add_argument("--list", type=pathlib.Path, dest="list_file")
    arguments = parser.parse_args()
    kurator = str(arguments.kurator.resolve())
    names = names_of(arguments.folder, arguments.list_file)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        tasks = [pool.submit(run, kurator, arguments.folder, name, arguments.restore) for name in names]
        for task in tasks:
            name, code, output = task.result()
            if code != 0:
                failed += 1
                print(f"{name}: exit {code}\n  " + output.replace("\n", "\n  "))
    print(f"{len(names) - failed} of {len(names)} charts pass" + (" with restore" if arguments.restore else ""))
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main())
