"""What a compiled diagram says: read from the SVG, as a person would read it from the screen."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from tfd2 import compile_d2

SVG = "{http://www.w3.org/2000/svg}"


def drawn(text: str) -> dict[str, Picture]:
    """Return the pictures that the real compiler makes of a D2 text, by board."""
    return {board: Picture(svg) for board, svg in compile_d2(text).items()}


class Picture:
    """One board's SVG; parsing it shows that it is well-formed."""

    def __init__(self, svg: bytes) -> None:
        self.root = ET.fromstring(svg)  # noqa: S314  # we made it
        self.labels = ["\n".join(_lines(text)) for text in self.root.iter(f"{SVG}text")]
        self.tooltips = list(dict.fromkeys(title.text or "" for title in self.root.iter(f"{SVG}title")))
        self.links = {anchor.get("href", "") for anchor in self.root.iter(f"{SVG}a")}

    def label(self, start: str) -> str:
        """Return the label that begins so."""
        found = [label for label in self.labels if label.startswith(start)]
        assert found, f"no label starts with {start!r} among {self.labels}"
        return found[0]

    def tooltip(self, start: str) -> str:
        """Return the tooltip that begins so."""
        found = [tooltip for tooltip in self.tooltips if tooltip.startswith(start)]
        assert found, f"no tooltip starts with {start!r} among {self.tooltips}"
        return found[0]


def _lines(text: ET.Element) -> list[str]:
    return [span.text or "" for span in text] or [text.text or ""]
