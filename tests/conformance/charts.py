"""Makes random charts and writes them as SCXML.

A chart is a feeder, which sends events one second apart, beside a random region, and a final state that some transitions
lead to. States invoke smaller charts of the same make, without a feeder, which talk to the chart around them.
"""
from reference import Chart, Invoke, State, Transition, child_states, is_descendant

EVENTS = ["a", "b", "c.d", "e"]
DESCRIPTORS = EVENTS * 2 + ["c", "c.*", "*", "done.state", "done.", "error", "up"]
STATES_MAX = 18
CHILD_STATES_MAX = 7
NESTING_MAX = 2


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


class Maker:
    def __init__(self, rng, prefix="", nesting=0):
        self.rng = rng
        self.prefix = prefix
        self.nesting = nesting
        self.states_max = CHILD_STATES_MAX if nesting else STATES_MAX
        self.states = []
        self.invoked = []
        self.over = None

    def chance(self, probability):
        return self.rng.random() < probability

    def state(self, kind, parent):
        s = State(kind, f"{self.prefix}s{len(self.states)}", parent)
        parent.children.append(s)
        self.states.append(s)
        return s

    # --- states ---

    def grow(self, parent, depth):
        for _ in range(self.rng.randint(2, 3)):
            if len(self.states) >= self.states_max:
                break
            kind = self.rng.choice(["state", "state", "state", "parallel" if depth < 3 else "state"])
            s = self.state(kind, parent)
            if depth < 4 and (kind == "parallel" or self.chance(0.45)):
                self.grow(s, depth + 1)
            if not child_states(s):
                s.kind = "state"  # a parallel without regions is allowed, but nothing can be said of it
        if parent.kind == "state" and self.chance(0.3):
            self.final(parent)
        if child_states(parent) and self.chance(0.35):
            h = self.state(self.rng.choice(["shallow", "deep"]), parent)
            below = [s for s in self.states if is_descendant(s, parent) and not s.is_history()]
            choice = child_states(parent) if h.kind == "shallow" else below
            h.initial = Transition(h, targets=[self.rng.choice(choice)], content=self.content("h", h))

    def final(self, parent):
        s = self.state("final", parent)
        s.donedata = self.rng.choice([None, "n", "n", "bad"])
        return s

    def furnish(self, s):
        if s.kind == "state" and child_states(s):
            s.initial = Transition(s, targets=self.initial_targets(s), content=self.content("i", s))
        if s.is_history():
            return
        s.onentry = [self.content("in", s) for _ in range(self.rng.choice([1, 1, 2]))]
        s.onexit = [self.content("out", s) for _ in range(self.rng.choice([1, 1, 2]))]
        if s.kind == "final":
            return
        s.transitions = [self.transition(s) for _ in range(self.rng.choice([0, 1, 1, 2, 3]))]
        if self.chance(0.2):
            s.datum = True
            s.onentry[0].append(("datum", "d_" + s.id))
        if self.nesting < NESTING_MAX and len(self.invoked) < 3 and self.chance(0.25):
            s.invokes = [self.invoke() for _ in range(self.rng.choice([1, 1, 2]))]

    def initial_targets(self, s):
        below = [x for x in self.states if is_descendant(x, s)]
        target = self.rng.choice(below if self.chance(0.3) else child_states(s)[:1])
        if target.is_history() and target.parent is s and self.chance(0.5):
            target = child_states(s)[0]
        return self.with_others(target, below)

    # --- content ---

    def sometimes(self, operation):
        """Not twice in a row: what makes an event could make it for ever."""
        return ("if", self.rng.randint(0, 2), [("add", 1), operation], [])

    def operation(self, inside):
        rng = self.rng
        talk = ["parent", "parent", "delayed"] if self.nesting else ["child", "child"]
        kind = rng.choice(talk + ["add", "n", "delayed", "cancel", "internal", "parent", "child", "item", "if", "foreach",
                           "fail"])
        if kind in ("n", "item"):
            return (kind,)
        if kind == "add":
            return ("add", rng.randint(1, 2))
        if kind == "cancel":
            return ("cancel", rng.choice("xyz"))
        if kind == "internal":
            return self.sometimes(("send", rng.choice(EVENTS), 0, "#_internal", None))
        if kind == "parent":
            return self.sometimes(("send", "up", rng.choice([0, 0, 700]), "#_parent", None))
        if kind == "child" and self.invoked:
            target = "#_" + rng.choice(self.invoked)
            return self.sometimes(("send", rng.choice(EVENTS), rng.choice([0, 0, 300]), target, None))
        if kind == "delayed":
            return ("send", rng.choice(EVENTS), rng.randint(1, 4) * 500, None, rng.choice(["x", "y", "z", None]))
        if kind == "if" and not inside:
            return ("if", rng.randint(0, 2), [self.operation(True)], [self.operation(True) for _ in range(rng.randint(0, 1))])
        if kind == "foreach" and not inside:
            return ("foreach", rng.randint(0, 3), [("item",)] + [self.operation(True) for _ in range(rng.randint(0, 1))])
        if kind == "fail" and self.chance(0.3):
            return self.sometimes(("fail",))
        return ("log", f"op-{rng.randint(0, 99)}")

    def content(self, what, s):
        made = [("log", f"{what}-{s.id}-{self.rng.randint(0, 99)}")]
        if self.chance(0.03):
            made.append(self.sometimes(("raise", self.rng.choice(EVENTS))))
        if self.chance(0.3 if self.nesting else 0.2):
            made.append(self.operation(False))
            made.append(("log", f"after-{s.id}"))
        return made

    # --- transitions ---

    def with_others(self, target, choice):
        targets = [target]
        for _ in range(2):
            s = self.rng.choice(choice)
            if self.chance(0.3) and all(orthogonal(s, t) for t in targets):
                targets.append(s)
        return targets

    def condition(self, events):
        eventless = not events
        if not eventless and set(events) <= set(EVENTS) and self.chance(0.15):
            return ("bad",)
        if self.chance(0.8 if eventless else 0.4):
            return ("n", self.rng.randint(0, 2))
        return ("in", self.rng.choice(self.states).id, self.chance(0.5))

    def transition(self, s):
        rng = self.rng
        eventless = self.chance(0.05)
        events = [] if eventless else rng.sample(DESCRIPTORS, rng.choice([1, 1, 1, 2]))
        cond = self.condition(events) if eventless or self.chance(0.25) else None
        targets = [] if self.chance(0.2) else self.with_others(rng.choice(self.states), self.states)
        if events and self.chance(0.35 if self.nesting else 0.02):
            targets = [self.over]
        content = self.content("t", s)
        if eventless and cond[0] == "n":
            content.append(("add", 1))  # else it would be taken for ever
        if events and self.chance(0.4):
            content.insert(0, ("event",))
        return Transition(s, events, cond, targets, self.chance(0.3), content)

    # --- invocations ---

    def invoke(self):
        ident = f"{self.prefix}i{len(self.invoked)}"
        self.invoked.append(ident)
        chart = make_child(self.rng, ident + "_", self.nesting + 1)
        finalize = [("log", f"finalize-{ident}"), ("event",), ("add", 1)] if self.chance(0.4) else None
        return Invoke(ident, chart, self.chance(0.4), finalize, self.chance(0.5))


def finish(rng, maker, root, test):
    for s in list(maker.states):
        maker.furnish(s)
    test.initial = Transition(test, targets=[child_states(test)[0]])
    stack, order = [root], 0
    while stack:
        s = stack.pop()
        s.order = order
        order += 1
        stack.extend(reversed(s.children))
    return Chart(root, rng.random() < 0.3)


def make_over(maker, root):
    maker.over = State("final", maker.prefix + "over", root)
    maker.over.donedata = maker.rng.choice([None, "n", "bad"])
    maker.over.onentry = [[("log", "over-" + maker.over.id)]]
    root.children.append(maker.over)


def make_child(rng, prefix, nesting):
    root = State("scxml", "", None)
    test = State("state", prefix + "test", root)
    root.children = [test]
    root.initial = Transition(root, targets=[test])
    maker = Maker(rng, prefix, nesting)
    make_over(maker, root)
    maker.grow(test, 2)
    return finish(rng, maker, root, test)


def make_chart(rng):
    """A chart, and the events that its feeder sends."""
    root = State("scxml", "", None)
    top = State("parallel", "top", root)
    root.children = [top]
    feeder = State("state", "feeder", top)
    test = State("state", "test", top)
    top.children = [feeder, test]
    root.initial = Transition(root, targets=[top])
    feed = [rng.choice(EVENTS) for _ in range(rng.randint(3, 10))]
    feeder.onentry = [[("send", name, (i + 1) * 1000, None, None) for i, name in enumerate(feed)]]
    maker = Maker(rng)
    make_over(maker, root)
    maker.grow(test, 0)
    return finish(rng, maker, root, test)


# --- writing ---


def xml_send(name, delay, target, sendid):
    text = f'<send event="{name}"'
    text += f' delay="{delay}ms"' if delay else ""
    text += f' target="{target}"' if target else ""
    text += f' id="{sendid}"' if sendid else ""
    return text + "/>"


def xml_if(remainder, then, otherwise):
    return f'<if cond="n % 3 == {remainder}">{xml_content(then)}<else/>{xml_content(otherwise)}</if>'


def xml_foreach(count, inside):
    array = "{" + ", ".join(str(i + 1) for i in range(count)) + "}"
    return f'<foreach array="{array}" item="x">{xml_content(inside)}</foreach>'


XML = {
    "log": lambda text: f"<log expr=\"'{text}'\"/>",
    "n": lambda: "<log expr=\"'n=' .. n\"/>",
    "item": lambda: "<log expr=\"'x=' .. tostring(x)\"/>",
    "datum": lambda ident: f"<log expr=\"'{ident}=' .. tostring({ident})\"/>",
    "event": lambda: "<log expr=\"_event.name .. '/' .. tostring(_event.data and _event.data.v)\"/>",
    "raise": lambda name: f'<raise event="{name}"/>',
    "add": lambda number: f'<assign location="n" expr="n + {number}"/>',
    "fail": lambda: '<assign location="nowhere" expr="1"/>',
    "if": xml_if,
    "foreach": xml_foreach,
    "send": xml_send,
    "cancel": lambda sendid: f'<cancel sendid="{sendid}"/>',
}


def xml_content(content):
    return "".join(XML[operation[0]](*operation[1:]) for operation in content)


def xml_condition(cond):
    if cond[0] == "in":
        return ("" if cond[2] else "not ") + f"In('{cond[1]}')"
    return f"n % 3 == {cond[1]}" if cond[0] == "n" else "nothing.there"


def xml_transition(t):
    attributes = ""
    if t.events:
        attributes += f' event="{" ".join(t.events)}"'
    if t.cond:
        attributes += f' cond="{xml_condition(t.cond)}"'
    if t.targets:
        attributes += f' target="{" ".join(s.id for s in t.targets)}"'
    if t.internal:
        attributes += ' type="internal"'
    return f"<transition{attributes}>{xml_content(t.content)}</transition>"


def xml_invoke(invoke):
    inside = '<param name="n" expr="n"/>' if invoke.passes else ""
    if invoke.finalize is not None:
        inside += f"<finalize>{xml_content(invoke.finalize)}</finalize>"
    forward = ' autoforward="true"' if invoke.autoforward else ""
    return f'<invoke id="{invoke.id}"{forward}><content>{xml_chart(invoke.chart)}</content>{inside}</invoke>'


def xml_donedata(s):
    if not s.donedata:
        return ""
    expr = "n" if s.donedata == "n" else "nothing.there"
    return f'<donedata><param name="v" expr="{expr}"/></donedata>'


def xml_state(s):
    tag = "history" if s.is_history() else s.kind
    kind = f' type="{s.kind}"' if s.is_history() else ""
    inside = xml_transition(s.initial) if s.is_history() else ""
    if s.initial and not s.is_history():
        inside += f"<initial>{xml_transition(s.initial)}</initial>"
    if s.datum:
        inside += f'<datamodel><data id="d_{s.id}" expr="n"/></datamodel>'
    inside += "".join(f"<onentry>{xml_content(block)}</onentry>" for block in s.onentry)
    inside += "".join(f"<onexit>{xml_content(block)}</onexit>" for block in s.onexit)
    inside += "".join(xml_transition(t) for t in s.transitions)
    inside += "".join(xml_invoke(invoke) for invoke in s.invokes)
    inside += xml_donedata(s)
    inside += "\n".join([""] + [xml_state(c) for c in s.children])
    return f'<{tag} id="{s.id}"{kind}>{inside}</{tag}>'


def xml_chart(chart):
    binding = ' binding="late"' if chart.late else ""
    return (f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="lua"{binding}>\n'
            '<datamodel><data id="n" expr="0"/></datamodel>\n'
            + "\n".join(xml_state(s) for s in chart.root.children) + "\n</scxml>\n")
