#!/usr/bin/env python3
"""The example cases of the processes end as they say they do: `kurator process test`, for those who are used to this name.

  examples.py KURATOR CONFIG_DIR [NAME …]

A NAME is a part of an example's path (PROCESS/examples/NAME.jsonl). What an example is stands in ops/cli/example.h.
"""

import subprocess
import sys


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    kurator, config, names = arguments[1], arguments[2], arguments[3:]
    command = [kurator, "process", "test", "--config", config, "--quiet"]
    found = [subprocess.run(command + ["--example", name], check=False).returncode for name in names]
    return max(found) if found else subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
