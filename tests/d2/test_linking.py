"""Links between boards, taken out of a diagram's text."""

from __future__ import annotations

import re

import pytest

from tests.builders import a_chat, a_session
from tests.d2.sessions import weather
from tfd2 import draw
from tfd2.emit import without_links, without_tooltips

QUOTED = '"; link: _.layers.run_1} link: layers.run_1\n  link: _\n'


def test_links_to_what_is_not_there_go() -> None:
    text = draw(weather())
    alone, two = without_links(text), without_links(text, {"index", "run_2"})
    assert "link: _" in text
    assert "link:" not in alone
    assert "ways:" not in alone
    assert "link: layers.run_2" in two
    assert "link: _}" in two
    assert "run_1}" not in two
    assert "timeline}" not in two


def test_nothing_goes_where_all_are_there() -> None:
    text = draw(weather())
    boards = {"index", "lineage", "timeline", *(f"run_{n}" for n in range(1, 5))}
    assert without_links(text, boards) == text


@pytest.mark.parametrize("said", [QUOTED, f'x" {{class: nav; link: _}}\n{QUOTED}', '\\" link: _'])
def test_what_was_said_is_not_touched(said: str) -> None:
    """Texts that look like links are texts."""
    plain = a_session(a_chat("Hello", "Hi."), a_chat("More", "Hm.", after=1))
    hostile = a_session(a_chat(said, said), a_chat("More", "Hm.", after=1))
    for session in (plain, hostile):
        text = draw(session)
        left = without_links(text)
        gone = [line for line in text.splitlines() if line not in left.splitlines()]
        assert all("link: " in line or "ways: " in line or line.strip() == "}" for line in gone)
    assert without_links(draw(hostile)).count("link: ") == draw(hostile).count("link: ") - draw(plain).count(
        "link: "
    )


@pytest.mark.parametrize("said", ['"; tooltip: "x"', '\\"; tooltip: \\"', '\n  tooltip: "x"\n'])
def test_tooltips_go_and_what_was_said_stays(said: str) -> None:
    """Texts that look like tooltips are texts."""
    text = draw(a_session(a_chat(said, said)))
    left = without_tooltips(text)
    assert left.count("tooltip: ") == sum(
        label.count("tooltip: ") for label in re.findall(r'^ *\w+: ("(?:[^"\\]|\\.)*")', text, re.MULTILINE)
    )
    assert left.count("tooltip: ") >= 2
