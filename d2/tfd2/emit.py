"""Boards as D2 source: the grammar. Values come quoted from ``text``; keys and classes are our own."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from tfd2 import text
from tfd2.elements import (
    CARDS,
    LEGEND_KEY,
    TIMELINE,
    Board,
    Box,
    Edge,
    Group,
    Measure,
    Node,
    Row,
    Sequence,
    Way,
)
from tfd2.theme import CLASSES, LEGEND, Style

GRID_COLUMNS = 4
LEGEND_COLUMNS = 6
ROW_GAP = 48
GROUP_GAP = 32

CONFIG = """\
# A recorded session. Each run has a board of its own (layers.run_N); hover over a shape for its step id.
vars: {
  d2-config: {
    layout-engine: elk
    theme-id: 0
    pad: 24
  }"""

# No recorded text matches: its quotes have backslashes before them, and its line ends are written as such.
_WORDS = r'"(?:[^"\\]|\\.)*"'
_WAY = re.compile(rf"^ *w\d+: {_WORDS} \{{class: nav; link: (?:_\.)?(_|layers\.\w+)\}}\n", re.MULTILINE)
_NO_WAYS = re.compile(r'^( *)ways: "" \{.*\n\1\}\n', re.MULTILINE)
_TOOLTIP = re.compile(rf"({_WORDS})|(?:; |^ +)tooltip: {_WORDS}", re.MULTILINE)
_LINK = re.compile(rf"({_WORDS})|(?:; |^ +)link: (?:_\.)?(_|layers\.\w+)(?=[;}}\n])", re.MULTILINE)


def pieces(boards: Iterable[Board]) -> Iterator[str]:
    """Yield boards, of which the first is the root, as one D2 file: a piece of text for each."""
    left = iter(boards)
    root = next(left)
    classes = (f"  {name}: {_class(style)}" for name, style in CLASSES.items())
    yield _text([CONFIG, "}", "classes: {", *classes, "}", *_board(root)])
    layers = False
    for board in left:
        opening = [] if layers else ["layers: {"]
        layers = True
        yield _text([*opening, f"  {board.key}: {{", *_indented(_board(board), 2), "  }"])
    if layers:
        yield "}\n"


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _indented(lines: Iterable[str], levels: int = 1) -> list[str]:
    indent = "  " * levels
    return [indent + line for line in lines]


def _class(style: Style) -> str:
    shape = f"shape: {style['shape']}; " if "shape" in style else ""
    values = "; ".join(f"{name}: {_style_value(value)}" for name, value in style.items() if name != "shape")
    return f"{{{shape}style: {{{values}}}}}"


def _style_value(value: str | int | bool) -> str:  # noqa: FBT001  # a value, not a switch
    if isinstance(value, bool):
        return "true" if value else "false"
    return text.quoted(value) if isinstance(value, str) else str(value)


def _legend(board: Board) -> Iterator[str]:
    """Yield the legend of what the overview really shows, in rows."""
    shown = {look for _, node in board.every_node() for look in node.looks}
    looks = [look for look in LEGEND if look in shown]
    if looks:
        across = -(-len(looks) // -(-len(looks) // LEGEND_COLUMNS))
        yield f'{LEGEND_KEY}: "" {{class: plain; {_grid_of(-(-len(looks) // across), across, gap=12)}'
        for number, look in enumerate(looks):
            yield f"  l{number}: {text.quoted(LEGEND[look])} {{class: {look}; style.font-size: 13}}"
        yield "}"


def _board(board: Board) -> Iterator[str]:
    root = board.key == ""
    yield f"direction: {board.direction}"
    if board.title:
        title = text.lines_label(board.title, text.TITLE_COLUMNS)
        yield f"title: {title} {{class: title; near: top-center}}"
    if board.cards:
        yield from _grid(board.cards, root=root)
    for row in board.rows:
        yield from _row(row, board.measure, root=root)
    yield from _nodes(board.nodes, board.measure, root=root)
    if board.legend:
        yield from _legend(board)
    yield from map(_edge, board.edges)
    if board.sequence is not None:
        yield from _sequence(board.sequence)
    if board.ways:
        yield from _ways(board.ways, root=root)


def _grid(cards: list[Node], *, root: bool) -> Iterator[str]:
    columns = min(GRID_COLUMNS, len(cards))
    yield f'cards: "" {{class: plain; {_grid_of(-(-len(cards) // columns), columns, gap=16)}'
    yield from _indented(_node(card, CARDS, root=root) for card in cards)
    yield "}"


def _grid_of(rows: int, columns: int, *, gap: int) -> str:
    # Rows first: the other way round D2 fills the grid by column.
    return f"grid-rows: {rows}; grid-columns: {columns}; grid-gap: {gap}"


def _row(row: Row, measure: Measure, *, root: bool) -> Iterator[str]:
    cells = (line for cell in row.cells for line in _cell(cell, measure, root=root))
    if len(row.cells) == 1:
        yield from cells
        return
    yield f'{row.key}: "" {{class: plain; grid-rows: 1; horizontal-gap: {ROW_GAP}; vertical-gap: 0'
    yield from _indented(cells)
    yield "}"


def _cell(cell: Box | Node, measure: Measure, *, root: bool) -> Iterator[str]:
    if isinstance(cell, Node):
        yield _node(cell, measure, root=root)
        return
    yield f"{cell.node.key}: {_label(cell.node, measure)} {{"
    yield from _indented(_attributes(cell.node, root=root))
    yield from _indented(_nodes(cell.nodes, measure, root=root))
    yield from _indented(map(_edge, cell.edges))
    yield "}"


def _nodes(nodes: Iterable[Node | Group], measure: Measure, *, root: bool) -> Iterator[str]:
    for each in nodes:
        if isinstance(each, Node):
            yield _node(each, measure, root=root)
            continue
        yield f'{each.key}: "" {{class: group; {_grid_of(len(each.nodes) // each.across, each.across, gap=GROUP_GAP)}'
        yield from _indented(_node(node, measure, root=root) for node in each.nodes)
        yield from _indented(map(_edge, each.edges))
        yield "}"


def _node(node: Node, measure: Measure, *, root: bool) -> str:
    return f"{node.key}: {_label(node, measure)} {{{'; '.join(_attributes(node, root=root))}}}"


def _label(node: Node, measure: Measure) -> str:
    return text.words(node.head, node.text, node.foot, measure, node.remarks)


def _attributes(node: Node, *, root: bool) -> Iterator[str]:
    looks = "; ".join(node.looks)
    yield f"class: {looks if len(node.looks) == 1 else f'[{looks}]'}"
    if node.tooltip is not None:
        yield f"tooltip: {text.tooltip(node.tooltip)}"
    if node.link is not None:
        yield f"link: {_link(node.link, root=root)}"


def _link(board: str, *, root: bool) -> str:
    if board == "":
        return "_"
    return f"layers.{board}" if root else f"_.layers.{board}"


def _edge(edge: Edge) -> str:
    words = f"{text.lines_label(edge.label, text.EDGE_COLUMNS)} " if edge.label else ""
    return f"{edge.source} -> {edge.target}: {words}{{class: {edge.look}}}"


def _sequence(sequence: Sequence) -> Iterator[str]:
    yield 'sequence: "" {'
    yield "  shape: sequence_diagram"
    yield "  style: {fill: transparent; stroke-width: 0}"
    for key, name in sequence.actors:
        yield f"  {key}: {text.lines_label((name,), text.EDGE_COLUMNS)} {{class: actor}}"
    for scene in sequence.scenes:
        yield f"  {scene.key}: {text.lines_label((scene.title,), text.TITLE_COLUMNS)} {{"
        for message in scene.messages:
            words = text.words(message.head, message.text, message.foot, TIMELINE, message.remarks)
            yield f"    {message.source} -> {message.target}: {words} {{class: {message.look}}}"
        yield "  }"
    yield "}"


def _ways(ways: list[Way], *, root: bool) -> Iterator[str]:
    yield f'ways: "" {{class: plain; near: bottom-center; {_grid_of(1, len(ways), gap=12)}'
    for number, way in enumerate(ways, start=1):
        yield f"  w{number}: {text.quoted(way.words)} {{class: nav; link: {_link(way.board, root=root)}}}"
    yield "}"


def without_links(text: str, beside: Collection[str] = ()) -> str:
    """Return a D2 text without the links to boards whose pictures are not beside it.

    Buttons that would lead nowhere go too.

    Args:
        text: what ``draw`` returned.
        beside: the boards that may be linked to; the root is ``index``.
    """
    text = _WAY.sub(lambda found: found[0] if _key_of(found[1]) in beside else "", text)
    text = _NO_WAYS.sub("", text)
    return _LINK.sub(lambda found: found[0] if found[1] or _key_of(found[2]) in beside else "", text)


def without_tooltips(text: str) -> str:
    """Return a D2 text without its tooltips."""
    return _TOOLTIP.sub(lambda found: found[1] or "", text)


def _key_of(link: str) -> str:
    return "index" if link == "_" else link.removeprefix("layers.")
