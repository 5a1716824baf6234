"""What a diagram is made of, before it is text: boards, boxes, nodes, edges and messages.

Texts stand here as they were recorded. How much of them is shown is the board's ``Measure``; cleaning,
wrapping and quoting are ``text``'s business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
CARDS = Measure(lines=3, columns=25)
IN_FULL = Measure(lines=5, columns=36)
TIMELINE = Measure(lines=2, columns=34)


LEGEND_KEY = "legend"
"""The key of what says which look is what, where a board has it."""


@frozen
class Tooltip:
    """What hovering shows: facts that are kept whole, then text that is cut to what room is left."""

    facts: Lines = ()
    text: str = ""


@frozen
class Node:
    """One shape: ``looks`` are classes of the theme, ``link`` is the key of a board ("" is the root).

    ``step_id`` is the step that it stands for, if it is one's; ``remarks`` are wrapped as its text is.
    """

    key: str
    looks: Lines
    head: Lines
    text: str = ""
    foot: Lines = ()
    tooltip: Tooltip | None = None
    link: str | None = None
    step_id: str = ""
    remarks: str = ""


@frozen
class Edge:
    """An arrow between two nodes or boxes of one board or box."""

    source: str
    target: str
    look: str
    label: Lines = ()


@frozen
class Group:
    """Shapes in rows of so many, from left to right; the arrows are those inside it."""

    key: str
    across: int
    nodes: list[Node]
    edges: list[Edge] = field(factory=list[Edge])


def addressed(nodes: Iterable[Node | Group], within: str = "") -> Iterator[tuple[str, Node]]:
    """Yield every node, also those in groups, with its key as D2 has it in the whole board."""
    for each in nodes:
        if isinstance(each, Group):
            yield from addressed(each.nodes, f"{within}{each.key}.")
        else:
            yield f"{within}{each.key}", each


@frozen
class Box:
    """A container: one run on the overview, drawn with its steps inside."""

    node: Node
    nodes: list[Node | Group] = field(factory=list["Node | Group"])
    edges: list[Edge] = field(factory=list[Edge])


@frozen
class Row:
    """Containers and nodes side by side; one alone stands as it is."""

    key: str
    cells: list[Box | Node]

    def address(self, cell: Box | Node) -> str:
        """Return the key of one of them in the whole board."""
        key = cell.node.key if isinstance(cell, Box) else cell.key
        return key if len(self.cells) == 1 else f"{self.key}.{key}"


@frozen
class Message:
    """An arrow between two actors of a sequence."""

    source: str
    target: str
    look: str
    head: Lines
    text: str
    step_id: str
    remarks: str = ""
    foot: Lines = ()


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
    rows: list[Row] = field(factory=list[Row])
    nodes: list[Node | Group] = field(factory=list["Node | Group"])
    edges: list[Edge] = field(factory=list[Edge])
    cards: list[Node] = field(factory=list[Node])
    sequence: Sequence | None = None
    ways: list[Way] = field(factory=list[Way])
    legend: bool = False

    @property
    def boxes(self) -> list[Box]:
        """The containers."""
        return [cell for row in self.rows for cell in row.cells if isinstance(cell, Box)]

    def every_node(self) -> Iterator[tuple[str, Node]]:
        """Yield every node, containers and cards among them, with its key in the whole board."""
        for row in self.rows:
            for cell in row.cells:
                key = row.address(cell)
                if isinstance(cell, Box):
                    yield key, cell.node
                    yield from addressed(cell.nodes, f"{key}.")
                else:
                    yield key, cell
        yield from addressed(self.nodes)
        yield from ((f"cards.{card.key}", card) for card in self.cards)
