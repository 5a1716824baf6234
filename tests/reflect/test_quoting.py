"""Recorded values in our own sentences."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tfclient.reflect.quoting import escaped, named, quoted

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(ANYTHING, st.integers(5, 200))
@example([0.0], 5)
def test_no_value_makes_a_line_or_what_a_terminal_obeys(value: Any, limit: int) -> None:
    text = quoted(value, limit)

    assert len(text.splitlines()) == 1
    assert re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text) is None
    assert re.match(r"\s*\[\d+\.\d+\]", text) is None


@given(st.text(max_size=60))
def test_a_short_text_is_there_whole(text: str) -> None:
    read = json.loads(quoted(text, 80))

    assert read == text or read == json.loads(text)


def test_a_long_text_says_how_long_it_was() -> None:
    assert quoted("x" * 5_000_000, 10) == '"xxxxxxxxxx…" (5,000,000 characters)'
    assert quoted({"a": list(range(1000))}, 12) == '{"a":[0,1,2,…'


@pytest.mark.parametrize(
    ("name", "shown"), [("get_order", "get_order"), ("a b", '"a b"'), ("", '""'), ("x\n", '"x\\n"')]
)
def test_names_are_plain_words_or_quoted(name: str, shown: str) -> None:
    assert named(name) == shown


def test_escapes_are_json() -> None:
    text = '"\u202e \x9b \U000e0041 \ud800"'

    assert json.loads(escaped(text)) == json.loads(text)
    assert escaped(text).isascii()
