"""How large things will be in a picture, roughly: enough to say how many have room side by side."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len

from tfd2.elements import Box, Group, Measure, Node

COLUMN: Final = 7.4
"""Pixels of one column of a label."""

LINE: Final = 17
AROUND: Final = 50
"""Pixels around a label."""

PADDING: Final = 30
"""Pixels around what stands in a container, on each side."""

BETWEEN: Final = 40
"""Pixels from one shape to the one below it."""

POINTED: Final = frozenset({"call", "tool", "approval"})
"""Looks that have points on their sides."""


def of(cell: Box | Node, measure: Measure) -> tuple[float, int]:
    """Return the width and height of a container, or of a node, in pixels."""
    if isinstance(cell, Node):
        return _width(cell, measure), _height(cell, measure)
    title = max(cell_len(line) for line in cell.node.head) * 10 + AROUND
    shapes = [_size(each, measure) for each in cell.nodes]
    widest = max(width for width, _ in shapes)
    # The page of instructions stands beside the first shape.
    beside = sum(_width(node, measure) for node in _first(cell))
    return max(title, widest + 2 * PADDING, beside + 2 * PADDING), sum(
        height + BETWEEN for _, height in shapes
    )


def _first(cell: Box) -> list[Node]:
    pages = [node for node in cell.nodes if isinstance(node, Node) and "page" in node.looks]
    return [*pages, *(node for node in cell.nodes[:1] if isinstance(node, Node))] if pages else []


def _size(each: Node | Group, measure: Measure) -> tuple[float, int]:
    if isinstance(each, Node):
        return _width(each, measure), _height(each, measure)
    widest = max(_width(node, measure) for node in each.nodes)
    deep = len(each.nodes) // each.across
    return each.across * (widest + AROUND / 2), deep * (
        max(_height(node, measure) for node in each.nodes) + LINE
    )


def _width(node: Node, measure: Measure) -> float:
    lines = [cell_len(line) for line in (*node.head, *node.foot)]
    said = min(len(node.text), measure.columns) if node.text else 0
    remarks = min(len(node.remarks), measure.columns)
    widest = max([*lines, said, remarks, 0])
    return widest * COLUMN + (2 * AROUND if POINTED.intersection(node.looks) else AROUND)


def _height(node: Node, measure: Measure) -> int:
    said = min(-(-len(node.text) // measure.columns), measure.lines)
    return (len(node.head) + len(node.foot) + said) * LINE + AROUND
