#!/usr/bin/env python3
"""What must agree about events, agrees.

The catalogue (config/catalogue.yaml), the schema (proto/kurator/v1/events.proto), the description for agencies
(proto/PROTOCOL.md) and the charts speak of the same events, fields, roles, settings and forms. Each check returns its
complaints; any complaint fails the run.

  agree.py SOURCE_DIR            compare
  agree.py SOURCE_DIR --tables   print the event tables of PROTOCOL.md, as they should stand there
"""

import json
import os
import re
import sys
import xml.etree.ElementTree as ET

import yaml

ADDRESSED = {"measure": "measure", "issue": "question"}
SCXML = "{http://www.w3.org/2005/07/scxml}"
K = "{urn:kurator:case}"
PROTO_TYPES = {
    "text": "string", "code": "string", "date": "string", "territory": "string", "integer": "int64",
    "boolean": "bool", "codes": "repeated string",
}


class Tree:
    """The files that are compared."""

    def __init__(self, root):
        self.root = root
        self.catalogue = self.load("config/catalogue.yaml")
        self.participants = self.load("config/participants.yaml")["participants"]
        self.territories = self.load("config/territories.yaml")["territories"]
        self.routing = self.load("config/routing.yaml")["routing"]
        self.messages = parse_messages(self.text("proto/kurator/v1/events.proto"))
        self.protocol = self.text("proto/PROTOCOL.md")
        folder = os.path.join(root, "config/processes")
        self.processes = sorted(name for name in os.listdir(folder) if os.path.isdir(os.path.join(folder, name)))

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            return file.read()

    def load(self, path):
        return yaml.safe_load(self.text(path))


def parse_messages(text):
    """{message: {field: type}}; the oneof of Payload is read like plain fields. events.proto nests nothing else."""
    messages, current = {}, None
    for line in text.splitlines():
        line = line.split("//")[0].strip()
        opened = re.fullmatch(r"message (\w+) \{", line)
        field = re.fullmatch(r"(?:(optional|repeated) )?(\w+) (\w+) = \d+;", line)
        if opened:
            current = messages.setdefault(opened.group(1), {})
        elif field and current is not None:
            repeated = "repeated " if field.group(1) == "repeated" else ""
            current[field.group(3)] = repeated + field.group(2)
    return messages


def message_name(event):
    return "".join(part.capitalize() for part in re.split(r"[._]", event))


def proto_type(field):
    if field["format"] == "records":
        return "repeated " + message_name(field["record"])
    return PROTO_TYPES[field["format"]]


# ---- catalogue and schema ----

def compare_fields(what, fields, message):
    wanted = {field["name"]: proto_type(field) for field in fields}
    for name in sorted(set(wanted) | set(message)):
        if wanted.get(name) != message.get(name):
            yield f"{what}, field {name}: catalogue says {wanted.get(name)}, events.proto {message.get(name)}"


def check_schema(tree):
    payload = dict(tree.messages["Payload"])
    for event in tree.catalogue["events"]:
        name = message_name(event["name"])
        if payload.pop(event["name"].replace(".", "_"), None) != name:
            yield f"{event['name']}: Payload has no field of type {name}"
        yield from compare_fields(event["name"], event.get("fields", []), tree.messages.get(name, {}))
    for field in payload:
        yield f"events.proto: {field} is no event of the catalogue"
    for record in tree.catalogue["records"]:
        yield from compare_fields(record["name"], record["fields"], tree.messages.get(message_name(record["name"]), {}))


def check_classes(tree):
    """A stream is cut by the names of fields: one name must never mean two classes."""
    known = {item["name"] for item in tree.catalogue["classes"]}
    seen = {}
    for owner in tree.catalogue["events"] + tree.catalogue["records"]:
        for field in owner.get("fields", []):
            if field["class"] not in known:
                yield f"{owner['name']}.{field['name']}: class {field['class']} is not declared"
            if seen.setdefault(field["name"], field["class"]) != field["class"]:
                yield f"{owner['name']}.{field['name']}: class {field['class']}, elsewhere {seen[field['name']]}"


# ---- participants ----

def municipalities(tree):
    """Who serves one serves the settlements within it."""
    return [territory for territory in tree.territories if "within" not in territory]


def check_routing(tree):
    """In every municipality a declined referral has somewhere to go."""
    for rule in tree.routing:
        for territory in municipalities(tree):
            fitting = [p["id"] for p in tree.participants
                       if rule["help"] in p.get("helps", []) and p["kind"] in rule["kinds"]
                       and ({"*", territory["code"]} & set(p.get("territories", [])))]
            if len(fitting) < 2:
                yield f"{territory['code']}: {rule['help']} fits {fitting} only"


def check_bodies(tree):
    for territory in municipalities(tree):
        for kind in ("provider", "health", "employment", "uszn", "working_group"):
            count = sum(p["kind"] == kind and territory["code"] in p["territories"] for p in tree.participants)
            if count != 1:
                yield f"{territory['code']}: {count} participants of kind {kind}"


# ---- charts ----

def spoken_events(tree, process):
    """(where, event) for each name of an event of the catalogue that a chart speaks of."""
    root = ET.fromstring(tree.text(f"config/processes/{process}/chart.scxml"))
    for element in root.iter():
        for attribute in ("met-by", "events"):
            for name in element.get(attribute, "").split():
                yield f"{element.tag.split('}')[1]} {element.get('id')}", name


def check_process(tree, process):
    catalogue = {event["name"] for event in tree.catalogue["events"]}
    roles = {role["role"] for role in tree.catalogue["roles"]} | {"addressee"}
    chart = tree.text(f"config/processes/{process}/chart.scxml")
    readme = tree.text(f"config/processes/{process}/README.md")
    for where, name in spoken_events(tree, process):
        if name not in catalogue:
            yield f"{process}, {where}: {name} is no event of the catalogue"
    settings = {s["name"] for s in tree.load(f"config/processes/{process}/settings.yaml")["settings"]}
    used = set(re.findall(r"_x\.settings\.(\w+)", chart))
    for name in sorted(settings ^ used):
        yield f"{process}: setting {name} is " + ("never used" if name in settings else "not in settings.yaml")
    for element in ET.fromstring(chart).iter():
        yield from check_element(tree, process, element, roles, readme)


def check_element(tree, process, element, roles, readme):
    where = f"{process}, {element.tag.split('}')[1]} {element.get('id')}"
    for attribute in ("role", "owner"):
        if element.tag.startswith(K) and element.get(attribute) and element.get(attribute) not in roles:
            yield f"{where}: no role {element.get(attribute)}"
    if element.tag in (SCXML + "state", SCXML + "parallel", SCXML + "final") and not element.get(K + "stage"):
        yield f"{where}: no stage"
    if element.get("form"):
        path = os.path.join(tree.root, "config/processes", process, "forms", element.get("form") + ".json")
        if not os.path.exists(path):
            yield f"{where}: no form {element.get('form')}"
    if element.tag in (K + "deadline", K + "task"):
        if not element.get("basis"):
            yield f"{where}: cites no clause"
        if f"`{element.get('id')}`" not in readme:
            yield f"{where}: README.md does not say which clause it carries out"


def check_regions(tree, process):
    """A transition to a state inside its own is internal: else it leaves its state, and the parallel around it."""
    root = ET.fromstring(tree.text(f"config/processes/{process}/chart.scxml"))
    for state in root.iter():
        inside = {child.get("id") for child in state.iter() if child is not state and child.get("id")}
        for transition in state.findall(SCXML + "transition"):
            if transition.get("target") in inside and transition.get("type") != "internal":
                yield f"{process}, {state.get('id')}: the transition to {transition.get('target')} is not internal"


def check_form(tree, process, name):
    """A form asks only for fields of the event that it fills."""
    form = json.loads(tree.text(f"config/processes/{process}/forms/{name}"))
    events = {event["name"]: event for event in tree.catalogue["events"]}
    event = events.get(form.get("x-event"))
    if not event:
        yield f"{process}/forms/{name}: x-event names no event"
        return
    fields = {field["name"]: field for field in event["fields"]}
    for field in form["properties"]:
        if field not in fields:
            yield f"{process}/forms/{name}: {field} is no field of {event['name']}"
    for field in fields.values():
        if field.get("required") and field["name"] not in form["required"]:
            yield f"{process}/forms/{name}: {field['name']} is required by the catalogue"


def check_processes(tree):
    for process in tree.processes:
        yield from check_process(tree, process)
        yield from check_regions(tree, process)
        forms = os.path.join(tree.root, "config/processes", process, "forms")
        for name in sorted(os.listdir(forms)) if os.path.isdir(forms) else []:
            yield from check_form(tree, process, name)


# ---- PROTOCOL.md ----

def field_row(field):
    what = field["format"]
    if field["format"] == "records":
        what += f" of `{field['record']}`"
    notes = [", ".join(f"`{value}`" for value in field.get("values", []))]
    bounds = [f"{word} {field[key]}" for key, word in (("min", "from"), ("max", "to")) if key in field]
    if bounds:
        notes.append(" ".join(bounds) + (" bytes" if field["format"] == "text" else ""))
    need = "yes" if field.get("required") else ""
    return f"| `{field['name']}` | {what} | {need} | {field['class']} | {'; '.join(n for n in notes if n)} |"


def owner_table(heading, line, fields):
    rows = [f"### {heading}", "", line, ""]
    if fields:
        rows += ["| field | format | required | class | values |", "|---|---|---|---|---|"]
        rows += [field_row(field) for field in fields]
        rows.append("")
    return rows


def event_line(event):
    parts = ["Sent by " + ", ".join(event["senders"])]
    if event.get("only_addressee"):
        whose = "to whom the referral was offered" if event.get("addressed_by") else "whose own case it is"
        parts.append("of these only by the one " + whose)
    if event.get("starts"):
        parts.append(f"starts the process `{event['starts']}` when the case is unknown")
    for when in event.get("starts_when", []):
        parts.append(f"with `{when['field']}` `{when['value']}` it starts `{when['process']}`")
    if event.get("edition"):
        parts.append(f"edition in `{event['edition']}`")
    if event.get("addressed_by"):
        parts.append(f"`{event['addressed_by']}` names the " + ADDRESSED.get(event["addressed_by"], "part of the case"))
    return "; ".join(parts) + "."


def tables(catalogue):
    rows = []
    for record in catalogue["records"]:
        rows += owner_table(f"Record `{record['name']}`", "An entry of lists.", record["fields"])
    for event in catalogue["events"]:
        rows += owner_table(f"`{event['name']}` — {event['title']}", event_line(event), event.get("fields"))
    return "\n".join(rows).rstrip() + "\n"


def check_protocol(tree):
    wanted = tables(tree.catalogue)
    if wanted in tree.protocol:
        return
    missing = [line for line in wanted.splitlines() if line and line not in tree.protocol]
    yield "PROTOCOL.md: the event tables are not those of `agree.py SOURCE_DIR --tables`"
    for line in missing:
        yield f"PROTOCOL.md lacks: {line}"


def check_incidents(tree):
    """An operator finds each reason that a chart gives explained."""
    for process in tree.processes:
        root = ET.fromstring(tree.text(f"config/processes/{process}/chart.scxml"))
        for incident in root.iter(K + "incident"):
            for reason in re.findall(r"'([a-z-]+)'", incident.get("reason")):
                if f"`{reason}`" not in tree.protocol:
                    yield f"PROTOCOL.md does not explain the incident {reason} of {process}"


CHECKS = (check_schema, check_classes, check_routing, check_bodies, check_processes, check_protocol, check_incidents)


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    if "--tables" in arguments:
        with open(os.path.join(arguments[1], "config/catalogue.yaml"), encoding="utf-8") as file:
            sys.stdout.write(tables(yaml.safe_load(file)))
        return 0
    tree = Tree(arguments[1])
    complaints = [complaint for check in CHECKS for complaint in check(tree)]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
