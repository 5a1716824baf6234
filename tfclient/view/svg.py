"""A picture that D2 made, taken apart and put together again from what a diagram needs and nothing else.

Recorded text ends up in pictures, so a picture is treated like any other recorded thing: only the elements and
attributes listed here survive, styles become plain attributes (the page's policy forbids inline styles), links
become ``data-board`` and shapes ``data-step``. Nothing that is left can run, load or navigate.

The colours of the theme become variables with the colour itself as the fallback, so that a dark page can lay
its own over them.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final
from xml.etree import ElementTree as ET

from tfd2.compiler import ROOT

SVG: Final = "http://www.w3.org/2000/svg"

ELEMENTS: Final = frozenset({
    "svg", "g", "path", "rect", "ellipse", "circle", "line", "polygon", "polyline", "text", "tspan", "defs",
    "marker", "mask", "clipPath",
})  # fmt: skip

ATTRIBUTES: Final = frozenset({
    "clip-path", "cx", "cy", "d", "dx", "dy", "fill", "fill-opacity", "font-size", "font-style", "font-weight",
    "height", "id", "lengthAdjust", "marker-end", "marker-start", "markerHeight", "markerUnits", "markerWidth", "mask",
    "maskUnits", "opacity", "orient", "points", "preserveAspectRatio", "r", "refX", "refY", "rx", "ry", "stroke",
    "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width", "text-anchor",
    "text-decoration", "textLength", "transform", "viewBox", "width", "x", "x1", "x2", "y", "y1", "y2",
})  # fmt: skip

_VALUE = re.compile(r"[\w\s.,:#%()+-]*", re.ASCII)
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LOCAL = re.compile(r"url\(#[\w-]+\)", re.ASCII)
_KEY = re.compile(r"[\w.()\[\]<> -]{1,200}", re.ASCII)
_WORDS: Final = {
    "text-bold": ("font-weight", "700"),
    "text-italic": ("font-style", "italic"),
    "text-underline": ("text-decoration", "underline"),
}


class UnreadablePicture(ValueError):
    """What was given is no SVG that could be shown."""


def clean(
    picture: bytes, *, steps: Mapping[str, str], boards: Collection[str], looks: Collection[str] = ()
) -> str:
    """Return the picture with only what may be shown, its shapes and links told by data attributes.

    Args:
        picture: an SVG as the ``d2`` program writes it.
        steps: the step id of each node, by its D2 key.
        boards: the boards that links may lead to; ``index`` is the root.
        looks: classes of the theme to keep.

    Raises:
        UnreadablePicture: it is not well-formed, or declares entities.
    """
    if b"<!DOCTYPE" in picture[:4096] or b"<!ENTITY" in picture:
        raise UnreadablePicture("the picture declares entities")
    try:
        root = ET.fromstring(picture)  # noqa: S314 - no DTD, see above
    except ET.ParseError as error:
        raise UnreadablePicture(f"the picture is no well-formed SVG ({error})") from error
    cleaned = _element(root, steps, boards, frozenset(looks))
    if cleaned is None or cleaned.tag != "svg":
        raise UnreadablePicture("the picture is no SVG")
    inner = cleaned.find("svg")
    if inner is not None:
        _without_ground(inner)
    cleaned.set("xmlns", SVG)
    return ET.tostring(cleaned, encoding="unicode")


def _element(
    source: ET.Element, steps: Mapping[str, str], boards: Collection[str], looks: frozenset[str]
) -> ET.Element | None:
    tag = source.tag.removeprefix(f"{{{SVG}}}") if isinstance(source.tag, str) else ""
    classes = source.get("class", "").split()
    if (tag not in ELEMENTS and tag != "a") or "appendix-icon" in classes:
        return None
    element = ET.Element("g" if tag == "a" else tag, dict(_attributes(source, classes)))
    if tag == "a" and (board := _board(source.get("href", ""))) in boards:
        element.set("data-board", board)
    if tag == "g" and classes:
        _name(element, classes, steps, looks)
    element.text, element.tail = source.text, None
    for child in source:
        cleaned = _element(child, steps, boards, looks)
        if cleaned is not None:
            element.append(cleaned)
    return element


def _name(element: ET.Element, classes: list[str], steps: Mapping[str, str], looks: frozenset[str]) -> None:
    key = _key(classes[0])
    if key is not None and key in steps:
        element.set("data-step", steps[key])
    kept = [each for each in classes if each in looks or each == "shape"]
    if kept:
        element.set("class", " ".join(f"d-{each}" for each in kept))


def _board(link: str) -> str:
    """Return the board that a link leads to: a file's name, or a path of D2's when one board is drawn alone."""
    if link == "root":
        return ROOT
    return link.removesuffix(".svg") if link.endswith(".svg") else link.removeprefix("root.layers.")


def _key(name: str) -> str | None:
    """Return the D2 key that a class stands for: D2 writes it in base64, with its arrows escaped."""
    try:
        key = html.unescape(base64.b64decode(name, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None
    return key if _KEY.fullmatch(key) else None


def _attributes(source: ET.Element, classes: list[str]) -> Iterator[tuple[str, str]]:
    given = {**source.attrib, **dict(_declarations(source.get("style", "")))}
    given.update(_WORDS[each] for each in classes if each in _WORDS)
    for name, value in given.items():
        if name not in ATTRIBUTES or not _VALUE.fullmatch(value):
            continue
        if "url" in value.lower() and not _LOCAL.fullmatch(value):
            continue
        if name in {"fill", "stroke"} and _COLOUR.fullmatch(value):
            yield name, f"var(--d{value[1:].lower()},{value})"
        else:
            yield name, value


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            yield name.strip(), value.strip()


def _without_ground(board: ET.Element) -> None:
    """Take away the sheet under the drawing: the page is the sheet, light or dark."""
    ground = board.find("rect")
    if ground is not None and ground.get("stroke-width") == "0":
        board.remove(ground)
