"""A plain interpreter of random charts, written line by line after appendix D of the SCXML recommendation.

It knows what the random charts of differential.py are made of: states of all kinds, histories, transitions with events,
In() conditions, several targets and none; content is a list of ("log", text) and ("raise", event). It departs from
the letter in two places, where histories would leave an illegal configuration; both say so. It is slow on purpose: the
functions have the names and the shape of the recommendation's, so that they can be compared with it by eye.
"""

MICROSTEPS_MAX = 200


class Endless(Exception):
    """More microsteps than are worth comparing."""


class State:
    def __init__(self, kind, ident, parent):
        self.kind = kind  # scxml state parallel final shallow deep
        self.id = ident
        self.parent = parent
        self.children = []
        self.transitions = []
        self.initial = None  # Transition: of <initial>, or a history's default
        self.onentry = []
        self.onexit = []
        self.order = 0

    def is_history(self):
        return self.kind in ("shallow", "deep")


class Transition:
    def __init__(self, source, events=(), cond=None, targets=(), internal=False, content=()):
        self.source = source
        self.events = list(events)
        self.cond = cond  # (state id, wanted)
        self.targets = list(targets)
        self.internal = internal
        self.content = list(content)


def child_states(state):
    return [s for s in state.children if not s.is_history()]


def is_compound(state):
    return state.kind == "state" and bool(child_states(state))


def is_atomic(state):
    return state.kind in ("state", "final") and not child_states(state)


def is_descendant(a, b):
    s = a.parent
    while s is not None:
        if s is b:
            return True
        s = s.parent
    return False


def proper_ancestors(state, upto):
    found = []
    s = state.parent
    while s is not None and s is not upto:
        found.append(s)
        s = s.parent
    return found


def name_match(descriptors, name):
    for descriptor in descriptors:
        if descriptor == "*" or name == descriptor or name.startswith(descriptor + "."):
            return True
    return False


class Interpreter:
    def __init__(self, root):
        self.root = root
        self.configuration = set()
        self.history = {}
        self.internal = []
        self.log = []
        self.running = True
        self.microsteps = 0

    # --- the event loop ---

    def start(self):
        self.configuration.add(self.root)
        self.enter_states([self.root.initial], {self.root.initial: self.root})
        self.macrostep()

    def external(self, name):
        if not self.running:
            return
        self.run(self.select_transitions(name))
        self.macrostep()

    def macrostep(self):
        while self.running:
            enabled = self.select_transitions(None)
            if not enabled:
                if not self.internal:
                    return
                enabled = self.select_transitions(self.internal.pop(0))
            self.run(enabled)
        self.exit_interpreter()

    def run(self, enabled):
        if not enabled:
            return
        self.microsteps += 1
        if self.microsteps > MICROSTEPS_MAX:
            raise Endless
        # Computed once: leaving records histories, and a history that is targeted must not move the domain in mid-step.
        domains = {t: self.domain(t) for t in enabled}
        self.exit_states(enabled)
        for t in enabled:
            self.execute(t.content)
        self.enter_states(enabled, domains)

    def exit_interpreter(self):
        for s in sorted(self.configuration, key=lambda s: -s.order):
            for block in s.onexit:
                self.execute(block)
            self.configuration.discard(s)

    def execute(self, content):
        for kind, text in content:
            if kind == "log":
                self.log.append(text)
            else:
                self.internal.append(text)

    # --- selecting ---

    def holds(self, t):
        if t.cond is None:
            return True
        ident, wanted = t.cond
        return any(s.id == ident for s in self.configuration) == wanted

    def select_transitions(self, event):
        enabled = []
        for state in sorted((s for s in self.configuration if is_atomic(s)), key=lambda s: s.order):
            for s in [state] + proper_ancestors(state, None):
                found = None
                for t in s.transitions:
                    matches = not t.events if event is None else bool(t.events) and name_match(t.events, event)
                    if matches and self.holds(t):
                        found = t
                        break
                if found:
                    if found not in enabled:
                        enabled.append(found)
                    break
        return self.remove_conflicting(enabled)

    def remove_conflicting(self, enabled):
        filtered = []
        for t1 in enabled:
            preempted = False
            remove = []
            for t2 in filtered:
                if self.compute_exit_set([t1]) & self.compute_exit_set([t2]):
                    if is_descendant(t1.source, t2.source):
                        remove.append(t2)
                    else:
                        preempted = True
                        break
            if not preempted:
                filtered = [t for t in filtered if t not in remove] + [t1]
        return filtered

    # --- leaving ---

    def effective_targets(self, t):
        targets = []
        for s in t.targets:
            if s.is_history():
                found = self.history[s] if s in self.history else self.effective_targets(s.initial)
                targets += [x for x in found if x not in targets]
            elif s not in targets:
                targets.append(s)
        return targets

    def domain(self, t):
        targets = self.effective_targets(t)
        if not targets:
            return None
        if t.internal and is_compound(t.source) and all(is_descendant(s, t.source) for s in targets):
            return t.source
        return self.lcca([t.source] + targets)

    def lcca(self, states):
        for ancestor in proper_ancestors(states[0], None):
            if is_compound(ancestor) or ancestor.kind == "scxml":
                if all(is_descendant(s, ancestor) for s in states[1:]):
                    return ancestor
        raise AssertionError("no common ancestor")

    def compute_exit_set(self, transitions):
        left = set()
        for t in transitions:
            if t.targets:
                domain = self.domain(t)
                left |= {s for s in self.configuration if is_descendant(s, domain)}
        return left

    def exit_states(self, enabled):
        left = sorted(self.compute_exit_set(enabled), key=lambda s: -s.order)
        for s in left:
            for h in (c for c in s.children if c.is_history()):
                if h.kind == "deep":
                    kept = [x for x in self.configuration if is_atomic(x) and is_descendant(x, s)]
                else:
                    kept = [x for x in self.configuration if x.parent is s]
                self.history[h] = sorted(kept, key=lambda x: x.order)
        for s in left:
            for block in s.onexit:
                self.execute(block)
            self.configuration.discard(s)

    # --- entering ---

    def enter_states(self, enabled, domains):
        self.to_enter, self.by_default, self.history_content = set(), set(), {}
        for t in enabled:
            if not t.targets:
                continue
            before = set(self.to_enter)
            for s in t.targets:
                self.add_descendants(s)
            ancestor = domains[t]
            for s in self.effective_targets(t):
                self.add_ancestors(s, ancestor)
            # A departure from the letter: addDescendantStatesToEnter adds everything between a history's parent and
            # what the history stands for, and regions beside it, also above the domain, where nothing was left.
            self.to_enter = {s for s in self.to_enter if s in before or is_descendant(s, ancestor)}
        for s in sorted(self.to_enter, key=lambda s: s.order):
            self.enter(s)

    def enter(self, s):
        self.configuration.add(s)
        for block in s.onentry:
            self.execute(block)
        if s in self.by_default:
            self.execute(s.initial.content)
        if s in self.history_content:
            self.execute(self.history_content[s])
        if s.kind != "final":
            return
        if s.parent.kind == "scxml":
            self.running = False
            return
        self.internal.append("done.state." + s.parent.id)
        grandparent = s.parent.parent
        if grandparent.kind == "parallel" and all(self.in_final(c) for c in child_states(grandparent)):
            self.internal.append("done.state." + grandparent.id)

    def in_final(self, s):
        if is_compound(s):
            return any(c.kind == "final" and c in self.configuration for c in child_states(s))
        if s.kind == "parallel":
            return all(self.in_final(c) for c in child_states(s))
        return False

    def add_descendants(self, s):
        if s.is_history():
            if s in self.history:
                targets = self.history[s]
            else:
                self.history_content[s.parent] = s.initial.content
                targets = s.initial.targets
            for x in targets:
                self.add_descendants(x)
            for x in targets:
                self.add_ancestors(x, s.parent)
            return
        self.to_enter.add(s)
        if is_compound(s):
            self.by_default.add(s)
            for x in s.initial.targets:
                self.add_descendants(x)
            for x in s.initial.targets:
                self.add_ancestors(x, s)
        elif s.kind == "parallel":
            self.add_regions(s)

    def add_regions(self, s):
        for child in child_states(s):
            if not any(is_descendant(x, child) for x in self.to_enter):
                self.add_descendants(child)

    def add_ancestors(self, s, ancestor):
        for x in proper_ancestors(s, ancestor):
            self.to_enter.add(x)
            if x.kind == "parallel":
                self.add_regions(x)
