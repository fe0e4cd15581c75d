"""A plain interpreter of random charts, written line by line after appendix D of the SCXML recommendation.

It knows what the random charts of charts.py are made of: states of all kinds, histories, transitions with events and
conditions, several targets and none, charts invoked by states, delayed sends, data bound early and late. Content is a list
of tuples, see Session.OPERATIONS. It departs from the letter in two places, where histories would leave an illegal
configuration; both say so. Where the recommendation leaves the order of sessions open it does as engine/chart/run.c says:
the first session of the tree, in preorder, that has something to do takes one external event and finishes its macrostep.

It is slow on purpose: the functions have the names and the shape of the recommendation's, so that they can be compared with
it by eye.
"""

MICROSTEPS_MAX = 200  # for one delayed send with all that follows from it
TIMERS_MAX = 100


class Endless(Exception):
    """More microsteps, or delayed sends, than are worth comparing."""


class ContentError(Exception):
    """Ends the block that it happens in; the argument is the name of the error event."""


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
        self.invokes = []
        self.donedata = None  # None, "n" (the variable) or "bad"
        self.datum = False  # declares d_ID, set to the variable n
        self.order = 0

    def is_history(self):
        return self.kind in ("shallow", "deep")


class Transition:
    def __init__(self, source, events=(), cond=None, targets=(), internal=False, content=()):
        self.source = source
        self.events = list(events)
        self.cond = cond  # None, ("in", state id, wanted), ("n", remainder of three) or ("bad",)
        self.targets = list(targets)
        self.internal = internal
        self.content = list(content)


class Invoke:
    def __init__(self, ident, chart, autoforward, finalize, passes):
        self.id = ident
        self.chart = chart
        self.autoforward = autoforward
        self.finalize = finalize  # content or None
        self.passes = passes  # the variable n, as a param


class Chart:
    def __init__(self, root, late):
        self.root = root
        self.late = late  # data are bound when their state is entered for the first time


class Event:
    def __init__(self, name, value="nil", invokeid=None):
        self.name = name
        self.value = value  # _event.data.v as text
        self.invokeid = invokeid


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


def in_document_order(state):
    found = [state]
    for child in state.children:
        found += in_document_order(child)
    return found


def name_match(descriptors, name):
    for descriptor in (d.removesuffix("*").removesuffix(".") or "*" for d in descriptors):
        if descriptor == "*" or name == descriptor or name.startswith(descriptor + "."):
            return True
    return False


class World:
    """The sessions of one tree, their clock and their delayed sends."""

    def __init__(self, chart):
        self.log = []
        self.now = 0
        self.order = 0
        self.timers = []  # (due, order, session, name, target, sendid)
        self.microsteps = 0
        self.root = Session(self, chart, None, None, 0)

    def run(self):
        """Until no delayed send is left, or the root has ended."""
        self.settle()
        fired = 0
        while self.timers and self.root.status != "ended":
            fired += 1
            if fired > TIMERS_MAX:
                raise Endless
            timer = min(self.timers, key=lambda t: t[:2])
            self.timers.remove(timer)
            self.now = timer[0]
            self.microsteps = 0
            timer[2].fire(timer[3], timer[4])
            self.settle()
        return self.log

    def settle(self):
        ready = self.first_ready(self.root)
        while ready:
            ready.turn()
            if ready.status == "ended" and ready.parent:
                ready.tell_parent()
            ready = self.first_ready(self.root)

    def first_ready(self, session):
        if session.status == "new" or (session.status == "running" and (session.internal or session.external)):
            return session
        for invocation in session.invocations:
            found = invocation.child and self.first_ready(invocation.child)
            if found:
                return found
        return None

    def step(self):
        self.microsteps += 1
        if self.microsteps > MICROSTEPS_MAX:
            raise Endless

    def forget(self, session):
        self.timers = [t for t in self.timers if t[2] is not session]


class Invocation:
    def __init__(self, invoke, state, child):
        self.invoke = invoke
        self.state = state
        self.child = child  # None after its end


class Session:
    def __init__(self, world, chart, parent, invoke, number):
        self.world = world
        self.chart = chart
        self.root = chart.root
        self.parent = parent
        self.invoke = invoke
        self.status = "new"
        self.detached = False
        self.variables = {"n": number}
        self.bound = set()
        self.configuration = set()
        self.history = {}
        self.internal = []
        self.external = []
        self.invocations = []
        self.states_to_invoke = set()
        self.event = None
        self.done_value = "nil"

    # --- the event loop ---

    def turn(self):
        if self.status == "new":
            self.start()
        elif not self.internal:
            self.take_external()
        self.macrostep()

    def start(self):
        self.status = "running"
        for s in in_document_order(self.root):
            if not self.chart.late:
                self.bind(s)
        self.configuration.add(self.root)
        self.enter_states([self.root.initial], {self.root.initial: self.root})

    def take_external(self):
        self.event = self.external.pop(0)
        for invocation in list(self.invocations):
            if invocation.invoke.finalize is not None and invocation.invoke.id == self.event.invokeid:
                self.execute(invocation.invoke.finalize)
            if invocation.invoke.autoforward and invocation.child:
                invocation.child.external.append(self.event)
        self.microstep(self.select_transitions(self.event))

    def macrostep(self):
        while True:
            while self.status == "running":
                enabled = self.select_transitions(None)
                if not enabled:
                    if not self.internal:
                        break
                    self.world.step()
                    self.event = self.internal.pop(0)
                    enabled = self.select_transitions(self.event)
                self.microstep(enabled)
            if self.status == "ended":
                self.exit_interpreter()
                return
            for s in sorted(self.states_to_invoke, key=lambda s: s.order):
                for invoke in s.invokes:
                    self.start_invocation(s, invoke)
            self.states_to_invoke.clear()
            if not self.internal:
                return

    def microstep(self, enabled):
        if not enabled:
            return
        self.world.step()
        # Computed once: leaving records histories, and a history that is targeted must not move the domain in mid-step.
        domains = {t: self.domain(t) for t in enabled}
        self.exit_states(enabled)
        for t in enabled:
            self.execute(t.content)
        self.enter_states(enabled, domains)

    def exit_interpreter(self):
        for s in sorted(self.configuration, key=lambda s: -s.order):
            self.leave(s)

    def leave(self, s):
        for block in s.onexit:
            self.execute(block)
        for invocation in [i for i in self.invocations if i.state is s]:
            self.cancel_invocation(invocation)
        self.configuration.discard(s)

    # --- invocations ---

    def start_invocation(self, state, invoke):
        number = self.variables["n"] if invoke.passes else 0
        self.invocations.append(Invocation(invoke, state, Session(self.world, invoke.chart, self, invoke, number)))

    def cancel_invocation(self, invocation):
        child = invocation.child
        if child:
            child.detached = True
            if child.status == "running":
                child.exit_interpreter()
            self.world.forget(child)
        self.invocations.remove(invocation)

    def tell_parent(self):
        self.world.forget(self)
        for invocation in self.parent.invocations:
            if invocation.child is self:
                invocation.child = None
        self.parent.external.append(Event("done.invoke." + self.invoke.id, self.done_value, self.invoke.id))

    # --- content ---

    def execute(self, content):
        try:
            for operation in content:
                self.OPERATIONS[operation[0]](self, *operation[1:])
        except ContentError as error:
            self.internal.append(Event(error.args[0]))

    def do_log(self, text):
        self.world.log.append(text)

    def do_log_number(self):
        self.world.log.append(f"n={self.variables['n']}")

    def do_log_datum(self, ident):
        self.world.log.append(f"{ident}={self.variables.get(ident, 'nil')}")

    def do_log_event(self):
        self.world.log.append(f"{self.event.name}/{self.event.value}")

    def do_raise(self, name):
        self.internal.append(Event(name))

    def do_add(self, number):
        self.variables["n"] += number

    def do_fail(self):
        raise ContentError("error.execution")

    def do_if(self, remainder, then, otherwise):
        for operation in then if self.variables["n"] % 3 == remainder else otherwise:
            self.OPERATIONS[operation[0]](self, *operation[1:])

    def do_foreach(self, count, inside):
        for number in range(1, count + 1):
            self.variables["x"] = number
            for operation in inside:
                self.OPERATIONS[operation[0]](self, *operation[1:])

    def do_log_item(self):
        self.world.log.append(f"x={self.variables.get('x', 'nil')}")

    def do_send(self, name, delay, target, sendid):
        if delay:
            self.world.order += 1
            self.world.timers.append((self.world.now + delay, self.world.order, self, name, target, sendid))
        else:
            self.dispatch(name, target)

    def do_cancel(self, sendid):
        self.world.timers = [t for t in self.world.timers if not (t[2] is self and t[5] == sendid)]

    OPERATIONS = {
        "log": do_log,
        "n": do_log_number,
        "datum": do_log_datum,
        "event": do_log_event,
        "raise": do_raise,
        "add": do_add,
        "fail": do_fail,
        "if": do_if,
        "foreach": do_foreach,
        "item": do_log_item,
        "send": do_send,
        "cancel": do_cancel,
    }

    # --- sending (appendix C.1) ---

    def fire(self, name, target):
        try:
            self.dispatch(name, target)
        except ContentError as error:
            self.internal.append(Event(error.args[0]))

    def dispatch(self, name, target):
        if target is None:
            self.external.append(Event(name))
        elif target == "#_internal":
            self.internal.append(Event(name))
        elif self.detached:
            pass  # section 6.4: nothing of a cancelled session arrives
        elif target == "#_parent":
            if not self.parent:
                raise ContentError("error.communication")
            self.parent.external.append(Event(name, invokeid=self.invoke.id))
        else:
            self.invocation_of(target).external.append(Event(name))

    def invocation_of(self, target):
        for invocation in self.invocations:
            if "#_" + invocation.invoke.id == target and invocation.child:
                return invocation.child
        raise ContentError("error.communication")

    # --- selecting ---

    def holds(self, t, decided):
        """A condition is evaluated once in each selection, so that its error is raised once."""
        if t not in decided:
            decided[t] = self.evaluate(t.cond)
        return decided[t]

    def evaluate(self, cond):
        if cond is None:
            return True
        if cond[0] == "in":
            return any(s.id == cond[1] for s in self.configuration) == cond[2]
        if cond[0] == "n":
            return self.variables["n"] % 3 == cond[1]
        self.internal.append(Event("error.execution"))
        return False

    def select_transitions(self, event):
        enabled, decided = [], {}
        for state in sorted((s for s in self.configuration if is_atomic(s)), key=lambda s: s.order):
            for s in [state] + proper_ancestors(state, None):
                found = None
                for t in s.transitions:
                    matches = not t.events if event is None else bool(t.events) and name_match(t.events, event.name)
                    if matches and self.holds(t, decided):
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
        self.states_to_invoke -= set(left)
        for s in left:
            for h in (c for c in s.children if c.is_history()):
                if h.kind == "deep":
                    kept = [x for x in self.configuration if is_atomic(x) and is_descendant(x, s)]
                else:
                    kept = [x for x in self.configuration if x.parent is s]
                self.history[h] = sorted(kept, key=lambda x: x.order)
        for s in left:
            self.leave(s)

    # --- entering ---

    def bind(self, s):
        if s.datum and s not in self.bound:
            self.bound.add(s)
            self.variables["d_" + s.id] = self.variables["n"]

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
        self.states_to_invoke.add(s)
        self.bind(s)
        for block in s.onentry:
            self.execute(block)
        if s in self.by_default:
            self.execute(s.initial.content)
        if s in self.history_content:
            self.execute(self.history_content[s])
        if s.kind == "final":
            self.enter_final(s)

    def enter_final(self, s):
        value = self.done_data(s)
        if s.parent.kind == "scxml":
            self.status = "ended"
            self.done_value = value
            return
        self.internal.append(Event("done.state." + s.parent.id, value))
        grandparent = s.parent.parent
        if grandparent.kind == "parallel" and all(self.in_final(c) for c in child_states(grandparent)):
            self.internal.append(Event("done.state." + grandparent.id))

    def done_data(self, s):
        if s.donedata == "bad":
            self.internal.append(Event("error.execution"))
        return str(self.variables["n"]) if s.donedata == "n" else "nil"

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
