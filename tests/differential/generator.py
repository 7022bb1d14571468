"""Messages drawn from the grammar of ``work-item.xsd``, whole or with one to three faults.

The grammar is written down here a second time, by hand and on purpose: what a message without a
fault is taken for by the schema tells whether the two agree.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass

import values
from message import NAMESPACE, Node, Writer


@dataclass(frozen=True)
class Shape:
    """An element: its attributes ``(name, type, required)`` and one kind of content."""

    attributes: tuple[tuple[str, str, bool], ...] = ()
    value: str | None = None
    children: tuple[tuple[str, bool], ...] = ()
    items: tuple[str, int] | None = None


ADDRESS = (("id", "itemId", False), ("reference", "reference", False))
CHANGEABLE = tuple(
    (name, False)
    for name in ("title", "description", "priority", "customer", "preferredAgents", "dueBy",
                 "lifetime", "expiresAt", "links", "tags", "contactData", "attachments")
)
GRAMMAR: dict[str, Shape] = {
    "workItem": Shape(
        (("reference", "reference", True), ("dryRun", "boolean", False),
         ("chargeable", "boolean", False)),
        children=(("service", True), *CHANGEABLE, ("taskType", False), ("origin", False),
                  ("skills", False), ("notBefore", False), ("relatedTo", False)),
    ),
    "update": Shape((*ADDRESS, ("ifVersion", "version", False), ("requestId", "reference", False)),
                    children=CHANGEABLE),
    "cancel": Shape(ADDRESS, children=(("reason", False),)),
    "query": Shape((*ADDRESS, ("since", "cursor", False), ("state", "itemState", False)),
                   value="nothing"),
    "queryServices": Shape((("service", "serviceName", False),), value="nothing"),
    "queryLimits": Shape(value="nothing"),
    "ping": Shape(value="nothing"),
    "service": Shape(value="serviceName"),
    "title": Shape(value="title"),
    "description": Shape(value="description"),
    "taskType": Shape(value="name"),
    "origin": Shape(value="name"),
    "priority": Shape(value="priority"),
    "notBefore": Shape(value="time"),
    "dueBy": Shape(value="time"),
    "expiresAt": Shape(value="time"),
    "lifetime": Shape(value="duration"),
    "relatedTo": Shape(value="reference"),
    "reason": Shape(value="reason"),
    "customer": Shape((("id", "reference", False),),
                      children=(("name", False), ("company", False), ("phone", False),
                                ("email", False))),
    "name": Shape(value="customerName"),
    "company": Shape(value="customerName"),
    "phone": Shape(value="phone"),
    "email": Shape(value="email"),
    "preferredAgents": Shape((("required", "boolean", False),), items=("agent", 10)),
    "agent": Shape((("rank", "rank", False),), value="label"),
    "skills": Shape(items=("skill", 10)),
    "skill": Shape((("level", "level", False), ("optional", "boolean", False)), value="label"),
    "links": Shape(items=("link", 10)),
    "link": Shape((("name", "linkName", True), ("href", "href", True)), value="nothing"),
    "tags": Shape(items=("tag", 20)),
    "tag": Shape(value="label"),
    "contactData": Shape(items=("item", 50)),
    "item": Shape((("key", "key", True),), value="contactDataValue"),
    "attachments": Shape(items=("attachment", 10)),
    "attachment": Shape((("name", "fileName", True), ("mediaType", "mediaType", True),
                         ("sha256", "sha256", False)), value="base64"),
}
VERBS = ("workItem", "update", "cancel", "query", "queryServices", "queryLimits", "ping")
VERB_WEIGHTS = (12, 6, 2, 3, 1, 1, 1)
STRAY_NAMES = ("Title", "titel", "workitem", "tag", "item", "service", "x", "agent", "name")
STRAY_ATTRIBUTES = ("xml:lang", "xml:space", "Reference", "ref", "key", "id", "name", "rank")
STRAY_TEXT = ("x", " ", "\n\t", "\u00a0", "\u2003", "0", "&")
INSTANCE_ATTRIBUTES = (
    ("xsi:schemaLocation", NAMESPACE + " nowhere.xsd"),
    ("xsi:noNamespaceSchemaLocation", "nowhere.xsd"),
    ("xsi:nil", "false"),
)
STRAY_NAMESPACES = ("", "urn:anteroom:work-item:2", "urn:x", NAMESPACE + " ")


@dataclass(frozen=True)
class Message:
    """Bytes to judge; ``whole`` when the generator put no fault in."""

    data: bytes
    whole: bool


def message(seed: str) -> Message:
    """The message of a seed, always the same."""
    rng = random.Random(seed)
    if rng.random() < 0.06:
        root, whole = _batch(rng)
    else:
        root, whole = element(rng.choices(VERBS, VERB_WEIGHTS)[0], rng), rng.random() < 0.35
        if not whole:
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                root = _spoil(root, rng)
    return Message(Writer(rng).write(root), whole)


def element(name: str, rng: random.Random) -> Node:
    """A valid element."""
    shape = GRAMMAR[name]
    node = Node(name)
    for attribute, kind, required in shape.attributes:
        if required or rng.random() < 0.5:
            node.attributes.append([attribute, values.valid(kind, rng)])
    if rng.random() < 0.9:
        _address(node, rng)
    rng.shuffle(node.attributes)
    if shape.value is not None:
        text = values.valid(shape.value, rng)
        node.children = [text] if text else []
    elif shape.items is not None:
        node.children = _list(*shape.items, rng)
    else:
        likely = rng.choice((0.05, 0.2, 0.5))
        names = [child for child, required in shape.children if required or rng.random() < likely]
        if "lifetime" in names and "expiresAt" in names:
            names.remove(rng.choice(("lifetime", "expiresAt")))
        rng.shuffle(names)
        node.children = [element(child, rng) for child in names]
    return node


def _address(node: Node, rng: random.Random) -> None:
    """Exactly one of id and reference, or on a query those of the list: XSD leaves it open, the
    daemon does not, and a message refused for it tells nothing of the rest."""
    address, listing = {"id", "reference"}, {"since", "state"}
    if node.name in ("update", "cancel"):
        away = address
    elif node.name == "query":
        away = address if rng.random() < 0.3 else address | listing
    else:
        return
    node.attributes = [pair for pair in node.attributes if pair[0] not in away]
    if node.name != "query" or away != address:
        kind, name = rng.choice((("itemId", "id"), ("reference", "reference")))
        node.attributes.append([name, values.valid(kind, rng)])


def _list(name: str, most: int, rng: random.Random) -> list[Node | str]:
    length = rng.choices((0, 1, 2, most - 1, most), (3, 8, 6, 1, 1))[0]
    nodes: list[Node | str] = []
    keys: set[str] = set()
    while len(nodes) < length:
        node = element(name, rng)
        key = next((value for at, value in node.attributes if at == "key"), None)
        if key is None or key not in keys:
            nodes.append(node)
            keys.add(key or "")
    return nodes


def _batch(rng: random.Random) -> tuple[Node, bool]:
    """A workItems whose items are valid: the daemon judges the others one by one, and only a fault
    outside them is a fault of the message."""
    root = Node("workItems", children=[element("workItem", rng) for _ in range(rng.randint(1, 4))])
    if rng.random() < 0.5:
        return root, True
    fault = rng.randrange(5)
    if fault == 0:
        root.children = []
    elif fault == 1:
        root.attributes.append([rng.choice(STRAY_ATTRIBUTES), "1"])
    elif fault == 2:
        root.children.insert(rng.randint(0, len(root.children)), rng.choice(STRAY_TEXT))
    elif fault == 3:
        root.children.append(Node(rng.choice((*STRAY_NAMES, "update", "workItems"))))
    else:
        short = Node("workItem", [["reference", "r"]], [Node("service", children=["s"])])
        root.children = [short] * rng.choice((999, 1000, 1001))
    return root, False


def _spoil(root: Node, rng: random.Random) -> Node:
    """One fault, or what looks like one, somewhere in the tree."""
    root = copy.deepcopy(root)
    node = rng.choice(list(root.walk()))
    rng.choices(
        (_value, _attribute_value, _drop, _double, _rename, _stray, _text, _lengthen, _namespace),
        (6, 6, 2, 3, 1, 2, 1, 2, 1),
    )[0](node, rng)
    return root


def _value(node: Node, rng: random.Random) -> None:
    valued = [one for one in node.walk() if one.name in GRAMMAR and GRAMMAR[one.name].value]
    if valued:
        one = rng.choice(valued)
        one.children = [values.doubtful(GRAMMAR[one.name].value, rng)]


def _attribute_value(node: Node, rng: random.Random) -> None:
    known = [(one, entry) for one in node.walk() if one.name in GRAMMAR
             for entry in GRAMMAR[one.name].attributes]
    if not known:
        return _stray(node, rng)
    one, (name, kind, _) = rng.choice(known)
    one.attributes = [pair for pair in one.attributes if pair[0] != name]
    one.attributes.append([name, values.doubtful(kind, rng)])
    return None


def _drop(node: Node, rng: random.Random) -> None:
    if node.attributes and rng.random() < 0.5:
        node.attributes.pop(rng.randrange(len(node.attributes)))
    elif node.children:
        node.children.pop(rng.randrange(len(node.children)))


def _double(node: Node, rng: random.Random) -> None:
    shape = GRAMMAR.get(node.name, Shape())
    if node.elements():
        node.children.append(copy.deepcopy(rng.choice(node.elements())))
    elif shape.children:
        names = rng.sample([name for name, _ in shape.children], k=1)
        node.children += [element(name, rng) for name in names * 2]
    if node.name in ("workItem", "update"):
        node.children.append(element(rng.choice(("lifetime", "expiresAt")), rng))


def _rename(node: Node, rng: random.Random) -> None:
    if node.attributes and rng.random() < 0.4:
        pair = rng.choice(node.attributes)
        name = rng.choice(STRAY_ATTRIBUTES)
        if all(name != other for other, _ in node.attributes):
            pair[0] = name
    else:
        node.name = rng.choice((*STRAY_NAMES, *GRAMMAR))


def _stray(node: Node, rng: random.Random) -> None:
    if rng.random() < 0.1 and all(name != "xmlns:xsi" for name, _ in node.attributes):
        node.attributes.append(["xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"])
        node.attributes.append(list(rng.choice(INSTANCE_ATTRIBUTES)))
    elif rng.random() < 0.5:
        name = rng.choice(STRAY_ATTRIBUTES)
        if all(name != other for other, _ in node.attributes):
            node.attributes.append([name, rng.choice(("", "1", "preserve", "sv"))])
    else:
        stray = Node(rng.choice((*STRAY_NAMES, *GRAMMAR)), namespace=rng.choice((NAMESPACE, "", "urn:x")))
        node.children.insert(rng.randint(0, len(node.children)), stray)


def _text(node: Node, rng: random.Random) -> None:
    node.children.insert(rng.randint(0, len(node.children)), rng.choice(STRAY_TEXT))


def _lengthen(node: Node, rng: random.Random) -> None:
    lists = [one for one in node.walk() if one.name in GRAMMAR and GRAMMAR[one.name].items]
    if not lists:
        return _value(node, rng)
    one = rng.choice(lists)
    name, most = GRAMMAR[one.name].items
    keys = iter(range(most + 1))
    one.children = []
    for _ in range(rng.choice((most - 1, most, most + 1))):
        child = Node(name, [[at, values.valid(kind, rng)]
                            for at, kind, required in GRAMMAR[name].attributes if required])
        for pair in child.attributes:
            if pair[0] == "key":
                pair[1] = f"k{next(keys)}"
        child.children = ["x"] if GRAMMAR[name].value == "label" else []
        one.children.append(child)
    return None


def _namespace(node: Node, rng: random.Random) -> None:
    node.namespace = rng.choice(STRAY_NAMESPACES)
