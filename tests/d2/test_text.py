from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfd2.elements import OVERVIEW, Tooltip
from tfd2.text import quoted, tooltip, words
from tfstore.reading.plain_text import clean


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\r\nb", "a\nb"),
        ("a\rb", "a\u240db"),
        ("\x00\x07\x1b\x7f", "\u2400\u2407\u241b\u2421"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("\ufffe\uffff\ufeff", "\ufffd\ufffd\ufffd"),
        ("\x80\x85\x9f", "\ufffd\x85\ufffd"),
        ("\u202eabc\u2066", "\ufffdabc\ufffd"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("Ωμέγα 東京 🙂 \u200d", "Ωμέγα 東京 🙂 \u200d"),
    ],
)
def test_what_cannot_be_shown_is_replaced_by_a_sign(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_every_character_is_cleaned_or_left_as_it_is() -> None:
    for code in range(0x110000):
        character = chr(code)
        is_control = code < 0x20 or 0x7F <= code < 0xA0
        is_special = (is_control and character not in "\t\n\x85") or (
            0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or 0xD800 <= code <= 0xDFFF
        )
        is_special = is_special or code in {0xFEFF, 0xFFFE, 0xFFFF}
        assert (clean(f"a{character}b") != f"a{character}b") == is_special, hex(code)


def test_values_are_quoted_on_one_line() -> None:
    assert quoted('say "hi"\\ ${x}\n\t\r') == r'"say \"hi\"\\ \${x}\n\t\r"'


@given(st.text(st.characters(exclude_categories=())))
def test_no_value_ends_before_its_own_quote(text: str) -> None:
    """Reading the value back as D2 does gives the cleaned text, so nothing of it can be taken for source."""
    value = quoted(clean(text))
    assert _read_back(value) == clean(text)
    value.encode("utf-8")


def _read_back(value: str) -> str:
    assert value[0] == value[-1] == '"'
    named = {"n": "\n", "t": "\t", "r": "\r"}
    text, rest = "", iter(value[1:-1])
    for character in rest:
        assert character not in '"$\n'
        escaped = next(rest) if character == "\\" else ""
        text += named.get(escaped, escaped) if escaped else character
    return text


def test_a_tooltip_has_no_tags() -> None:
    said = tooltip(Tooltip(("step 1",), "<div> a < b </b> &#1; &amp; <"))
    assert said == '"step 1\\n\\n<\u200bdiv> a < b <\u200b/b> &\u200b#1; &amp; <\u200b"'


def test_a_tooltip_keeps_its_facts_and_says_how_much_of_the_text_is_left_out() -> None:
    said = tooltip(Tooltip(("step step_1_1", "depends_on step_1_0"), "x" * 5_000))
    assert said.startswith('"step step_1_1\\ndepends_on step_1_0\\n\\nxxx')
    assert "more characters in the document)" in said
    assert len(said) <= 1_010


def test_a_label_is_head_text_and_foot() -> None:
    label = words(
        ("3 TOOL CALL · get_weather",), '{"city": "Oslo", "units": "metric"}', ("840 ms",), OVERVIEW
    )
    assert label == r'"3 TOOL CALL · get_weather\n{\"city\": \"Oslo\", \"units\":\n\"metric\"}\n840 ms"'


def test_a_head_is_kept_to_one_line() -> None:
    assert words(("TOOL CALL · a\nb\x00",), "", (), OVERVIEW) == '"TOOL CALL · a b\u2400"'
