"""What a diagram is made of, before it is text: boards, boxes, nodes, edges and messages.

Texts stand here as they were recorded. How much of them is shown is the board's ``Measure``; cleaning,
wrapping and quoting are ``text``'s business.
"""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen

Lines = tuple[str, ...]
"""Lines of a label that are each kept to one line."""


@frozen
class Measure:
    """How much of a step's own text a board shows: so many lines of so many columns."""

    lines: int
    columns: int


OVERVIEW = Measure(lines=2, columns=30)
IN_FULL = Measure(lines=5, columns=44)
TIMELINE = Measure(lines=2, columns=46)


@frozen
class Tooltip:
    """What hovering shows: facts that are kept whole, then text that is cut to what room is left."""

    facts: Lines = ()
    text: str = ""


@frozen
class Node:
    """One shape: ``looks`` are classes of the theme, ``link`` is the key of a board ("" is the root).

    ``step_id`` is the step that it stands for, if it is one's.
    """

    key: str
    looks: Lines
    head: Lines
    text: str = ""
    foot: Lines = ()
    tooltip: Tooltip | None = None
    link: str | None = None
    step_id: str = ""


@frozen
class Edge:
    """An arrow between two nodes or boxes of one board or box."""

    source: str
    target: str
    look: str
    label: Lines = ()


@frozen
class Box:
    """A container: one run on the overview, drawn with its steps inside."""

    node: Node
    nodes: list[Node] = field(factory=list[Node])
    edges: list[Edge] = field(factory=list[Edge])


@frozen
class Message:
    """An arrow between two actors of a sequence."""

    source: str
    target: str
    look: str
    head: Lines
    text: str
    step_id: str


@frozen
class Scene:
    """A titled group of messages: one run on the timeline."""

    key: str
    title: str
    messages: list[Message]


@frozen
class Sequence:
    """A sequence diagram: actors as (key, name), then scenes from top to bottom."""

    actors: list[tuple[str, str]]
    scenes: list[Scene]


@frozen
class Way:
    """A link at the bottom of a board that leads to another board ("" is the root)."""

    words: str
    board: str


@frozen
class Board:
    """One picture: the root (key "") or a layer."""

    key: str
    title: Lines
    measure: Measure = OVERVIEW
    direction: Literal["down", "right"] = "down"
    boxes: list[Box] = field(factory=list[Box])
    nodes: list[Node] = field(factory=list[Node])
    edges: list[Edge] = field(factory=list[Edge])
    cards: list[Node] = field(factory=list[Node])
    sequence: Sequence | None = None
    ways: list[Way] = field(factory=list[Way])
    legend: bool = False
