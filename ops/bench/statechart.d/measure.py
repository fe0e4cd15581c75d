#!/usr/bin/env python3
"""Events per second on one chart: Kurator beside Qt SCXML, XState and SCION.

    statechart [--events N] [--rounds N] [-o json]

Each round runs every engine once, one after the other, in a process of its own, so that what else the machine does
meanwhile hits all of them. What counts is processor time. An engine whose counters differ from the others' ends the
measurement: it did something else. README.md says more.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
QT = "/usr/lib/qt5/bin"
OURS = "Kurator"


class Failure(Exception):
    """Something that the person at the terminal has to be told."""


def run(command, folder):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Failure("%s: %s" % (" ".join(command), (done.stderr or done.stdout).strip()[-2000:]))
    return done.stdout


def write_if_changed(path, text):
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


# ---------------------------------------------------------------------------------------------------------------------
# The chart, and what is made of it

def chart_text():
    with open(os.path.join(HERE, "chart.scxml"), encoding="utf-8") as file:
        return file.read()


def chart_for_cpp(text):
    """The chart as Qt compiles it with a data model of C++: scripts in the place of assignments."""
    text = text.replace("@DATAMODEL@", "cplusplus:BenchModel:qt_model.h").replace('name="bench"', 'name="BenchMachine"')
    text = re.sub(r"<datamodel>.*?</datamodel>", "", text, flags=re.S)
    text = re.sub(r'<assign location="(\w+)" expr="([^"]*)"/>', r"<script>\1 = \2;</script>", text)
    text = text.replace("_event.data.weight", "event_weight()")
    return text.replace("In('late')", "inState(QStringLiteral(&quot;late&quot;))")


def build_peers(folder):
    """Qt's programs; XState and SCION have been installed by the script that calls this."""
    os.makedirs(folder, exist_ok=True)
    text = chart_text()
    write_if_changed(os.path.join(folder, "lua.scxml"), text.replace("@DATAMODEL@", "lua"))
    write_if_changed(os.path.join(folder, "ecmascript.scxml"), text.replace("@DATAMODEL@", "ecmascript"))
    write_if_changed(os.path.join(folder, "bench_machine.scxml"), chart_for_cpp(text))
    flags = run(["pkg-config", "--cflags", "Qt5Scxml"], folder).split()
    libs = run(["pkg-config", "--libs", "Qt5Scxml"], folder).split()
    compiler = ["g++", "-O2", "-fPIC", "-std=c++17", "-I" + folder, "-I" + HERE] + flags
    source = os.path.join(HERE, "qt.cpp")
    includes = [flag for flag in flags if flag.startswith("-I")]
    run([QT + "/qscxmlc", "bench_machine.scxml", "-o", "bench_machine"], folder)
    run([QT + "/moc"] + includes + [os.path.join(HERE, "qt_model.h"), "-o", "moc_model.cpp"], folder)
    run(compiler + [source, "-o", "qt-ecmascript"] + libs, folder)
    run(compiler + ["-DNATIVE", source, "bench_machine.cpp", "moc_model.cpp", "-o", "qt-cpp"] + libs, folder)


def engines(folder, program):
    """Name, command without the number of events, and how many times more of them it gets."""
    lua = os.path.join(folder, "lua.scxml")
    ecmascript = os.path.join(folder, "ecmascript.scxml")

    def ours(mode):
        return lambda count: [program, lua, str(count), mode]

    def theirs(*command):
        return lambda count: list(command) + [str(count)]
    return [
        (OURS, ours("plain"), 10),
        (OURS + ", snapshot after each", ours("saved"), 10),
        (OURS + ", restored before each", ours("restored"), 10),
        ("Qt SCXML, data in C++", theirs("./qt-cpp", "native"), 10),
        ("Qt SCXML, ECMAScript", theirs("./qt-ecmascript", ecmascript), 1),
        ("XState", theirs("node", os.path.join(HERE, "xstate.mjs")), 1),
        ("SCION", theirs("node", os.path.join(HERE, "scion.js"), ecmascript), 1),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Measuring

def measure(all_engines, folder, events, rounds):
    """By engine: a result for each round. Counters are compared among all that got the same number of events."""
    results = {name: [] for name, _, _ in all_engines}
    wanted = {}
    for factor in sorted({factor for _, _, factor in all_engines}):
        wanted[factor] = json.loads(run(all_engines[0][1](events * factor), folder))["counters"]
    for number in range(rounds):
        print("round %d of %d" % (number + 1, rounds), file=sys.stderr, flush=True)
        for name, command, factor in all_engines:
            result = json.loads(run(command(events * factor), folder))
            if result["counters"] != wanted[factor]:
                raise Failure("%s counted %s, %s %s" % (name, result["counters"], OURS, wanted[factor]))
            results[name].append(result)
    return results


def summary(results):
    table = []
    for name, rounds in results.items():
        ratios = [theirs["cpu"] / theirs["events"] / (ours["cpu"] / ours["events"])
                  for theirs, ours in zip(rounds, results[OURS])]
        table.append({
            "engine": name,
            "cpu_us": statistics.median(r["cpu"] * 1e6 / r["events"] for r in rounds),
            "wall_us": statistics.median(r["seconds"] * 1e6 / r["events"] for r in rounds),
            "ratio": statistics.median(ratios), "ratio_min": min(ratios), "ratio_max": max(ratios),
            "snapshot_bytes": rounds[0].get("snapshot", 0),
        })
    return table


def versions(folder):
    def package(name):
        with open(os.path.join(folder, "node_modules", name, "package.json"), encoding="utf-8") as file:
            return json.load(file)["version"]
    processor = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        processor = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "")
    return {
        "processor": processor, "processors": os.cpu_count(), "load": os.getloadavg()[0], "kernel": platform.release(),
        "qt": run(["pkg-config", "--modversion", "Qt5Scxml"], folder).strip(),
        "node": run(["node", "--version"], folder).strip(),
        "xstate": package("xstate"), "scion": package("@scion-scxml/scxml"),
        "compiler": run(["g++", "--version"], folder).splitlines()[0],
    }


def show(report):
    about = report["versions"]
    print("%s × %s, load %.1f · Qt %s · node %s · xstate %s · @scion-scxml/scxml %s · %s" % (
        about["processors"], about["processor"], about["load"], about["qt"], about["node"], about["xstate"],
        about["scion"], about["compiler"]))
    print("%-32s %12s %12s %10s   %s" % ("engine", "cpu µs/event", "wall µs", "events/s", "cpu, times Kurator's (all rounds)"))
    for row in report["table"]:
        print("%-32s %12.2f %12.2f %10.0f   %.1f (%.1f–%.1f)%s" % (
            row["engine"], row["cpu_us"], row["wall_us"], 1e6 / row["cpu_us"], row["ratio"], row["ratio_min"],
            row["ratio_max"], "  %d bytes" % row["snapshot_bytes"] if row["snapshot_bytes"] else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="bench-statechart")
    parser.add_argument("--peers", required=True, help="folder with node_modules, where Qt's programs are built")
    parser.add_argument("--events", type=int, default=40000, help="for each engine; fast ones get ten times as many")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")
    options = parser.parse_args()
    if options.events < 40 or options.events % 40 or options.rounds < 1:
        parser.error("--events needs a multiple of 40, --rounds at least 1")
    folder = os.path.abspath(options.peers)
    try:
        build_peers(folder)
        all_engines = engines(folder, os.path.abspath(options.program))
        report = {"versions": versions(folder), "events": options.events, "rounds": options.rounds,
                  "table": summary(measure(all_engines, folder, options.events, options.rounds))}
    except (Failure, OSError, ValueError) as failure:
        print(failure, file=sys.stderr)
        return 1
    if options.output == "json":
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        show(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
