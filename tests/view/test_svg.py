"""Pictures are taken apart and put together again from what may be shown."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import tfclient.view
from tfclient.view.svg import ATTRIBUTES, ELEMENTS, UnreadablePicture, clean

OPENING = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">'
)


def cleaned(inner: str, steps: dict[str, str] | None = None) -> str:
    return clean(
        f"{OPENING}{inner}</svg>".encode(), steps=steps or {}, boards={"run_1", "index"}, looks={"tool"}
    )


def key(name: str) -> str:
    return base64.b64encode(name.encode()).decode()


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)" onclick="alert(1)"><path d="M 0 0"/></g>',
        '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></body></foreignObject>',
        '<image href="http://evil.example/x.png"/>',
        '<use href="http://evil.example/x.svg#a"/>',
        '<a href="javascript:alert(1)"><text>x</text></a>',
        '<a xlink:href="javascript:alert(1)"><text>x</text></a>',
        '<a href="http://evil.example/"><text>x</text></a>',
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        "<style>@import url(http://evil.example/x.css)</style>",
        '<rect style="fill:url(http://evil.example/x.svg#a)"/>',
        '<rect fill="url(http://evil.example/x.svg#a)" mask="url(//evil.example#a)"/>',
        '<rect fill="URL(http://evil.example)" filter="url(#f)"/>',
        '<path d="M 0 0" marker-end="url(javascript:alert(1))"/>',
        '<iframe xmlns="http://www.w3.org/1999/xhtml" src="http://evil.example"/>',
        '<html:script xmlns:html="http://www.w3.org/1999/xhtml">alert(1)</html:script>',
        "<title>alert(1)</title>",
    ],
)
def test_nothing_that_could_run_or_load_is_left(evil: str) -> None:
    out = cleaned(evil)
    for word in ("alert", "javascript", "evil", "http://evil", "href", "on", "style"):
        assert word not in out.removeprefix('<svg viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg"'), word


def test_what_is_left_is_on_the_list() -> None:
    picture = cleaned(
        f'<g class="{key("s1")} tool" data-x="1">'
        '<g class="shape"><rect x="1" style="stroke-width:2;cursor:url(x)"/></g>'
        '<text class="text-bold" style="text-anchor:middle;font-size:15px">'
        '<tspan dy="0">a &lt;b&gt;</tspan></text></g>',
        {"s1": "step_1_1"},
    )
    for element in ET.fromstring(picture).iter():  # noqa: S314 - our own
        assert element.tag.rpartition("}")[2] in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES | {"class", "data-step", "data-board"}
    assert 'data-step="step_1_1"' in picture
    assert 'class="d-tool"' in picture
    assert 'font-weight="700"' in picture
    assert 'text-anchor="middle"' in picture
    assert "a &lt;b&gt;" in picture


def test_links_lead_to_known_boards_only() -> None:
    assert 'data-board="run_1"' in cleaned('<a href="run_1.svg"><text>x</text></a>')
    assert 'data-board="index"' in cleaned('<a href="index.svg"><text>x</text></a>')
    # As D2 writes them when it draws one board alone.
    assert 'data-board="run_1"' in cleaned('<a href="root.layers.run_1"><text>x</text></a>')
    assert 'data-board="index"' in cleaned('<a href="root"><text>x</text></a>')
    assert "data-board" not in cleaned('<a href="run_2.svg"><text>x</text></a>')
    assert "data-board" not in cleaned('<a href="../run_1.svg"><text>x</text></a>')


def test_shapes_are_told_by_their_keys_only() -> None:
    steps = {"r1.s1": "step_1_1", "sequence.(user -> agent)[0]": "step_1_2"}
    assert 'data-step="step_1_1"' in cleaned(f'<g class="{key("r1.s1")}"><text>x</text></g>', steps)
    # As D2 writes arrows: escaped before they are encoded.
    assert 'data-step="step_1_2"' in cleaned(f'<g class="{key("sequence.(user -&gt; agent)[0]")}"/>', steps)
    assert "data-step" not in cleaned(f'<g class="{key("r1.s2")}"/>', steps)
    assert "data-step" not in cleaned('<g class="%%%"/>', steps)


def test_colours_of_the_theme_can_be_changed() -> None:
    assert 'fill="var(--de3f1fb,#E3F1FB)"' in cleaned('<rect fill="#E3F1FB"/>')
    assert 'fill="none"' in cleaned('<rect fill="none"/>')


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"no picture",
        b"<svg",
        b"<html></html>",
        b'<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
    ],
)
def test_what_is_no_picture_is_refused(broken: bytes) -> None:
    with pytest.raises(UnreadablePicture):
        clean(broken, steps={}, boards=set())


def test_the_page_takes_over_what_the_server_leaves() -> None:
    script = (
        Path(tfclient.view.__file__).with_name("static").joinpath("picture.js").read_text(encoding="utf-8")
    )
    lists = [
        set(re.findall(r'"([\w-]+)"', found))
        for found in re.findall(r"new Set\(\[(.*?)\]\)", script, re.DOTALL)
    ]
    assert lists == [ELEMENTS, ATTRIBUTES | {"class", "data-board", "data-step"}]
