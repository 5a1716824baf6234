"""Values in a text: in one line, harmless, cut in the middle."""

from __future__ import annotations

import json
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tfclient.reflect.text.values import LEAST, OUTPUT, PROMPT, Value

ANY_TEXT = st.text(st.characters() | st.sampled_from(list('[]{}"\\\n\r⟨⟩.1234 \u2028\x85')), max_size=300)
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
CUT = re.compile(r"⟨…([\d,]+) chars: expand ([^⟩]+)⟩")


def test_a_json_object_stands_as_one_and_anything_else_as_a_string() -> None:
    assert (
        Value('{ "total": 1.10,\n "a b": [1, 2] }', OUTPUT, "1.4").words(1000) == '{"total":1.10,"a b":[1,2]}'
    )
    assert Value("[1.1] user", OUTPUT, "1.4").words(1000) == '"[1.1] user"'
    assert Value('{"open": ', OUTPUT, "1.4").words(1000) == r'"{\"open\": "'


def test_a_cut_value_keeps_both_ends_and_says_how_much_is_missing() -> None:
    said = Value("b" * 100 + "e" * 100, PROMPT, "3.11").words(20)
    assert said == f'"{"b" * 40}⟨…140 chars: expand 3.11⟩{"e" * 20}"'


def test_one_with_hardly_any_room_only_says_how_long_it_is() -> None:
    assert Value("b" * 200, OUTPUT, "3.11").words(LEAST - 1) == "⟨200 chars: expand 3.11⟩"


def test_nothing_is_cut_for_less_than_the_mark_takes() -> None:
    assert Value("b" * 60, OUTPUT, "3.11").words(20) == f'"{"b" * 60}"'


def test_what_is_stored_apart_is_said() -> None:
    said = Value("begin", OUTPUT, "3.11", more=70_000).words(1000)
    assert said == '"begin⟨…70,000 bytes stored apart: expand 3.11⟩"'


@given(ANY_TEXT, st.floats(0, 400))
@example('{"a": "\ud800⟩\u2028"}', 20.0)
@example('{"' + "\x1b" * 200 + '": 1}', 30.0)
def test_no_text_makes_a_line_or_a_mark_of_its_own(text: str, cap: float) -> None:
    said = Value(text, OUTPUT, "1.4").words(cap)
    assert len(said.splitlines()) == 1
    assert not OBEYED.search(said)
    outside = CUT.sub("", said)
    if not said.startswith("⟨"):
        assert "⟨" not in outside
        assert "⟩" not in outside
    said.encode("utf-8")


@given(ANY_TEXT)
def test_a_whole_value_is_json_that_gives_the_text_back(text: str) -> None:
    said = Value(text, OUTPUT, "1.4").words(float("inf"))
    read = json.loads(said)
    assert read == text or read == json.loads(text)


@given(ANY_TEXT.filter(lambda text: not text.lstrip().startswith("{")), st.floats(0, 100))
def test_what_is_kept_and_what_is_counted_are_all(text: str, cap: float) -> None:
    said = Value(text, OUTPUT, "1.4").words(cap)
    found = CUT.search(said)
    if found is None:
        return
    head, tail = said[: found.start()] + '"', '"' + said[found.end() :]
    begin, end = json.loads(head), json.loads(tail)
    assert text.startswith(begin)
    assert text.endswith(end)
    assert len(begin) + len(end) + int(found[1].replace(",", "")) == len(text)
