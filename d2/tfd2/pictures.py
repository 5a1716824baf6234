"""What D2 drew, made fit to be looked at: no signs on corners, texts inside their boxes, dark colours where asked."""

from __future__ import annotations

import html
import re
from typing import Final

from tfd2.theme import DARK
from tfd2.typeface import Typeface, typefaces_in

_SIGN: Final = re.compile(r'<g transform="[^"]*" class="appendix-icon">.*?</svg>\s*</g>', re.DOTALL)
"""The "i" and the chain that D2 puts on a corner of what has a tooltip or a link, over lines and titles."""

_TEXT: Final = re.compile(
    r'<text (?P<given>[^>]*class="(?P<classes>[^"]*)"[^>]*font-size:(?P<size>[\d.]+)px[^>]*)>(?P<said>.*?)</text>',
    re.DOTALL,
)
_LINE: Final = re.compile(r"<tspan ([^>]*)>([^<]*)</tspan>")
_COLOUR: Final = re.compile(r'(fill|stroke)="(#[0-9A-Fa-f]{6})"')
_STYLES: Final = {"text": "regular", "text-bold": "bold", "text-italic": "italic"}


def finished(picture: str) -> str:
    """Return an SVG of D2's with labels as wide as they were measured, whatever typeface shows them.

    Tooltips and links stay; a browser that prefers dark colours gets them.
    """
    faces = typefaces_in(picture)
    picture = _SIGN.sub("", picture)
    picture = _TEXT.sub(lambda found: _kept_wide(found, faces), picture)
    return picture.replace('<style type="text/css">', f'{_in_the_dark(picture)}<style type="text/css">', 1)


def _kept_wide(found: re.Match[str], faces: dict[str, Typeface]) -> str:
    face = next(
        (faces[_STYLES[each]] for each in found["classes"].split() if _STYLES.get(each) in faces), None
    )
    if face is None:
        return found[0]
    size = float(found["size"])
    if "<tspan" in found["said"]:
        said = _LINE.sub(
            lambda line: f"<tspan {line[1]}{_length(line[2], face, size)}>{line[2]}</tspan>", found["said"]
        )
        return f"<text {found['given']}>{said}</text>"
    return f"<text {found['given']}{_length(found['said'], face, size)}>{found['said']}</text>"


def _length(said: str, face: Typeface, size: float) -> str:
    width = face.width(html.unescape(said))
    return f' textLength="{width * size:.1f}" lengthAdjust="spacingAndGlyphs"' if width else ""


def _in_the_dark(picture: str) -> str:
    """Return a style that lays dark colours over those of the picture."""
    # Three times as exact as D2's own rules, which would win otherwise.
    rules = [
        f'.d2-svg [{what}="{colour}"][{what}]{{{what}:{DARK[colour.lower()]}}}'
        for what, colour in sorted(set(_COLOUR.findall(picture)))
        if colour.lower() in DARK
    ]
    if not rules:
        return ""
    text = f".d2-svg text{{fill:{DARK['#0a0f25']}}}"
    return f'<style type="text/css"><![CDATA[@media (prefers-color-scheme: dark){{{text}{"".join(rules)}}}]]></style>'
