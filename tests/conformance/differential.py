#!/usr/bin/env python3
"""Random charts in `kurator chart test` and in the reference interpreter: what they log must be the same.

    differential.py KURATOR [--count N] [--seed S] [--restore] [--keep FOLDER]

A chart is a feeder, which sends events one second apart, beside a random region. Chart number i of seed S is always the same
one, so a difference can be looked at again; --keep leaves its document in FOLDER.
"""
import argparse
import concurrent.futures
import pathlib
import random
import subprocess
import sys
import tempfile

from reference import Endless, Interpreter, State, Transition, child_states, is_descendant

EVENTS = ["a", "b", "c.d", "e"]
STATES_MAX = 18


# --- making a chart ---


class Maker:
    def __init__(self, rng):
        self.rng = rng
        self.states = []

    def state(self, kind, parent):
        s = State(kind, f"s{len(self.states)}", parent)
        parent.children.append(s)
        self.states.append(s)
        return s

    def grow(self, parent, depth):
        for _ in range(self.rng.randint(2, 3)):
            if len(self.states) >= STATES_MAX:
                break
            kind = self.rng.choice(["state", "state", "state", "parallel" if depth < 3 else "state"])
            s = self.state(kind, parent)
            if depth < 4 and (kind == "parallel" or self.rng.random() < 0.45):
                self.grow(s, depth + 1)
            if not child_states(s):
                s.kind = "state"  # a parallel without regions is allowed, but nothing can be said of it
        if parent.kind == "state" and self.rng.random() < 0.3:
            self.state("final", parent)
        if child_states(parent) and self.rng.random() < 0.35:
            h = self.state(self.rng.choice(["shallow", "deep"]), parent)
            below = [s for s in self.states if is_descendant(s, parent) and not s.is_history()]
            choice = child_states(parent) if h.kind == "shallow" else below
            h.initial = Transition(h, targets=[self.rng.choice(choice)], content=self.content("h", h))

    def content(self, what, s):
        made = [("log", f"{what}-{s.id}-{self.rng.randint(0, 99)}")]
        if self.rng.random() < 0.05:
            made.append(("raise", self.rng.choice(EVENTS)))
        return made

    def pick_targets(self):
        targets = [self.rng.choice(self.states)]
        for _ in range(2):
            s = self.rng.choice(self.states)
            if self.rng.random() < 0.3 and all(orthogonal(s, t) for t in targets):
                targets.append(s)
        return targets

    def transition(self, s):
        rng = self.rng
        eventless = rng.random() < 0.07
        events = [] if eventless else rng.sample(EVENTS + ["c", "*", "done.state"], rng.choice([1, 1, 2]))
        cond = (rng.choice(self.states).id, rng.random() < 0.5) if eventless or rng.random() < 0.25 else None
        targets = [] if rng.random() < 0.2 else self.pick_targets()
        return Transition(s, events, cond, targets, rng.random() < 0.3, self.content("t", s))

    def furnish(self, s):
        if s.kind == "state" and child_states(s):
            below = [x for x in self.states if is_descendant(x, s)]
            target = self.rng.choice(below if self.rng.random() < 0.3 else child_states(s)[:1])
            if target.is_history() and target.parent is s and self.rng.random() < 0.5:
                target = child_states(s)[0]
            s.initial = Transition(s, targets=[target], content=self.content("i", s))
        if s.is_history():
            return
        s.onentry = [self.content("in", s)]
        s.onexit = [self.content("out", s)]
        if s.kind != "final":
            s.transitions = [self.transition(s) for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]


def stands_for(s):
    return s.parent if s.is_history() else s


def orthogonal(a, b):
    a, b = stands_for(a), stands_for(b)
    if a is b or is_descendant(a, b) or is_descendant(b, a):
        return False
    common = a.parent
    while not is_descendant(b, common):
        common = common.parent
    return common.kind == "parallel"


def make_chart(rng):
    root = State("scxml", "", None)
    top = State("parallel", "top", root)
    root.children = [top]
    feeder = State("state", "feeder", top)
    test = State("state", "test", top)
    top.children = [feeder, test]
    root.initial = Transition(root, targets=[top])
    maker = Maker(rng)
    maker.grow(test, 0)
    test.initial = Transition(test, targets=[child_states(test)[0]])
    for s in list(maker.states):
        maker.furnish(s)
    number(root)
    return root, [rng.choice(EVENTS) for _ in range(rng.randint(3, 10))]


def number(root):
    stack, order = [root], 0
    while stack:
        s = stack.pop()
        s.order = order
        order += 1
        stack.extend(reversed(s.children))


# --- writing it as SCXML ---


def xml_content(content):
    return "".join(f'<log expr="\'{text}\'"/>' if kind == "log" else f'<raise event="{text}"/>' for kind, text in content)


def xml_transition(t):
    attributes = ""
    if t.events:
        attributes += f' event="{" ".join(t.events)}"'
    if t.cond:
        attributes += f' cond="{"" if t.cond[1] else "not "}In(\'{t.cond[0]}\')"'
    if t.targets:
        attributes += f' target="{" ".join(s.id for s in t.targets)}"'
    if t.internal:
        attributes += ' type="internal"'
    return f"<transition{attributes}>{xml_content(t.content)}</transition>"


def xml_state(s, feed):
    tag = "history" if s.is_history() else s.kind
    kind = f' type="{s.kind}"' if s.is_history() else ""
    inside = xml_transition(s.initial) if s.is_history() else ""
    if s.initial and not s.is_history():
        inside += f"<initial>{xml_transition(s.initial)}</initial>"
    if s.id == "feeder":
        sends = "".join(f'<send event="{name}" delay="{i + 1}s"/>' for i, name in enumerate(feed))
        inside += f"<onentry>{sends}</onentry>"
    inside += "".join(f"<onentry>{xml_content(block)}</onentry>" for block in s.onentry)
    inside += "".join(f"<onexit>{xml_content(block)}</onexit>" for block in s.onexit)
    inside += "".join(xml_transition(t) for t in s.transitions)
    inside += "\n".join([""] + [xml_state(c, feed) for c in s.children])
    return f'<{tag} id="{s.id}"{kind}>{inside}</{tag}>'


def xml_chart(root, feed):
    return ('<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="lua">\n'
            + "\n".join(xml_state(s, feed) for s in root.children) + "\n</scxml>\n")


# --- comparing ---


def expected_log(root, feed):
    interpreter = Interpreter(root)
    interpreter.start()
    for name in feed:
        interpreter.microsteps = 0
        interpreter.external(name)
    return interpreter.log


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
    root, feed = make_chart(rng)
    document = xml_chart(root, feed)
    try:
        expected = expected_log(root, feed)
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
