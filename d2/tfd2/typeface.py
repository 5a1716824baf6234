"""How wide text is in the typefaces that D2 puts into a picture, read from the picture itself.

A picture holds its own typefaces, cut down to the characters that it shows. Where it is shown without them, as a part
of a page is, only what was measured keeps a label inside its box.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import Final

from attrs import frozen

_FACE: Final = re.compile(
    r'font-family: [\w-]+-font-(\w+);\s*src: url\("data:[\w/.-]+;base64,([A-Za-z0-9+/=]+)"\)'
)

WOFF: Final = b"wOFF"
MICROSOFT: Final = 3
UNICODE_BMP: Final = 1
SEGMENTS: Final = 4
"""The format of a character map that all of D2's typefaces have: segments of characters."""

MOST: Final = 4_000_000
"""Bytes of one table at most: a picture is not trusted more than what it shows."""


@frozen
class Typeface:
    """The advance widths of a typeface's characters, in ems."""

    widths: dict[str, float]

    def width(self, text: str) -> float | None:
        """Return how wide a text is, in ems; nothing where the typeface has not all of its characters."""
        try:
            return sum(map(self.widths.__getitem__, text))
        except KeyError:
            return None


def typefaces_in(picture: str) -> dict[str, Typeface]:
    """Return the typefaces of a picture by style, as ``regular`` and ``bold``; what cannot be read is left out."""
    found: dict[str, Typeface] = {}
    for style, data in _FACE.findall(picture):
        try:
            found[style] = Typeface(_widths(base64.b64decode(data)))
        except (ValueError, KeyError, IndexError, struct.error, zlib.error):
            continue
    return found


def _widths(data: bytes) -> dict[str, float]:
    tables = _tables(data)
    (units,) = struct.unpack_from(">H", tables["head"], 18)
    (metrics,) = struct.unpack_from(">H", tables["hhea"], 34)
    advances = [struct.unpack_from(">H", tables["hmtx"], 4 * n)[0] for n in range(metrics)]
    glyphs = _glyphs(tables["cmap"])
    return {
        character: advances[min(glyph, metrics - 1)] / units for character, glyph in glyphs.items() if glyph
    }


def _tables(data: bytes) -> dict[str, bytes]:
    if data[:4] != WOFF:
        raise ValueError("no WOFF")
    (count,) = struct.unpack_from(">H", data, 12)
    tables: dict[str, bytes] = {}
    for n in range(count):
        tag, offset, packed, length, _ = struct.unpack_from(">4sIIII", data, 44 + 20 * n)
        table = data[offset : offset + packed]
        tables[tag.decode("latin-1")] = (
            zlib.decompressobj().decompress(table, MOST) if packed < length else table
        )
    return tables


def _glyphs(table: bytes) -> dict[str, int]:
    (count,) = struct.unpack_from(">H", table, 2)
    for n in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", table, 4 + 8 * n)
        (form,) = struct.unpack_from(">H", table, offset)
        if (platform, encoding, form) == (MICROSOFT, UNICODE_BMP, SEGMENTS):
            return dict(_segments(table[offset:]))
    raise ValueError("no map of characters")


def _segments(table: bytes) -> list[tuple[str, int]]:
    (doubled,) = struct.unpack_from(">H", table, 6)
    count = doubled // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    starts = struct.unpack_from(f">{count}H", table, 16 + doubled)
    deltas = struct.unpack_from(f">{count}H", table, 16 + 2 * doubled)
    offsets = struct.unpack_from(f">{count}H", table, 16 + 3 * doubled)
    glyphs: list[tuple[str, int]] = []
    for n, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(start, end + 1):
            glyph = code
            if offset:
                at = 16 + 3 * doubled + 2 * n + offset + 2 * (code - start)
                (glyph,) = struct.unpack_from(">H", table, at)
            glyphs.append((chr(code), (glyph + delta) & 0xFFFF))
    return glyphs
