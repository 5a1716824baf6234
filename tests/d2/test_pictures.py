"""What is made of D2's pictures: labels that fit in any typeface, dark colours, no signs over the lines."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import tfclient.view
from tests.d2.pictures import SVG
from tests.d2.sessions import weather
from tfd2 import compile_d2, draw
from tfd2.pictures import finished
from tfd2.theme import DARK
from tfd2.typeface import typefaces_in

HELLO = 'a: "Hello, Ærøskøbing" {style: {bold: false; font-size: 20}}'
NOT_IN_IT = 'a: "日本語" {style.bold: false}'


@pytest.fixture(scope="module")
def pictures() -> list[str]:
    return [picture.decode() for picture in compile_d2(draw(weather())).values()]


@pytest.fixture(scope="module")
def picture(pictures: list[str]) -> str:
    (found,) = (
        each for each in pictures if "1.12 OUTPUT" in each and "prev" in each and "Run 1 · 14 steps" in each
    )
    return found


def test_every_line_is_as_wide_as_it_was_measured(picture: str) -> None:
    root = ET.fromstring(picture)  # noqa: S314  # we made it
    lines = [line for text in root.iter(f"{SVG}text") for line in (list(text) or [text])]
    assert len(lines) > 20
    for line in lines:
        assert float(line.get("textLength", "0")) > 0, line.text


def test_a_line_is_measured_in_the_typeface_of_the_picture() -> None:
    picture = compile_d2(HELLO)["index"].decode()
    length = re.search(r'textLength="([\d.]+)" lengthAdjust="spacingAndGlyphs">Hello', picture)
    box = re.search(r'<rect x="[^"]*" y="[^"]*" width="(\d+)" height="\d+" stroke', picture)
    assert length
    assert box
    # D2 leaves 45 pixels around a label, and rounds each letter up.
    assert 0 <= int(box[1]) - 45 - float(length[1]) < len("Hello, Ærøskøbing")


def test_what_the_typeface_has_not_is_left_as_it_is() -> None:
    assert "textLength" not in compile_d2(NOT_IN_IT)["index"].decode()


@pytest.mark.parametrize("damage", ["d09GRg==", "d09GRgABAAD/////AAAAAP//AAA", "AAAA"])
def test_a_typeface_that_cannot_be_read_costs_nothing_but_the_measure(damage: str) -> None:
    face = f'font-family: d2-1-font-regular;\n\tsrc: url("data:application/font-woff;base64,{damage}")'
    text = '<text x="1" class="text" style="font-size:15px">Hi</text>'
    assert typefaces_in(face) == {}
    assert finished(face + text) == face + text


def test_tooltips_and_links_stay_without_their_signs(picture: str) -> None:
    assert 'appendix-icon"' not in picture
    assert "<title>step step_1_4" in picture
    assert 'href="index.svg"' in picture


def test_a_picture_has_its_own_size(picture: str) -> None:
    root = ET.fromstring(picture)  # noqa: S314  # we made it
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


def test_every_colour_of_a_picture_has_a_dark_one(pictures: list[str]) -> None:
    for picture in pictures:
        dark = picture[picture.index("@media (prefers-color-scheme: dark)") :]
        for what, colour in set(re.findall(r'(fill|stroke)="(#\w{6})"', picture)):
            assert f'[{what}="{colour}"][{what}]{{{what}:{DARK[colour.lower()]}}}' in dark


def test_dark_colours_are_those_of_the_page() -> None:
    css = Path(tfclient.view.__file__).with_name("static").joinpath("theme.css").read_text(encoding="utf-8")
    on_page = {
        f"#{name}": dark for name, dark in re.findall(r"--d(\w{6}): light-dark\(#\w{6}, (#\w{6})\)", css)
    }
    assert on_page == DARK
