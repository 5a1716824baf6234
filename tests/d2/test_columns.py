from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len as width

from tfd2.columns import ELLIPSIS, cut, fitting, one_line, wrap
from tfstore.reading.plain_text import LOOKED_AT, clean


def test_words_stay_whole_while_lines_are_half_full() -> None:
    assert wrap("Two cities are asked for.", 3, 12) == ["Two cities", "are asked", "for."]


def test_a_long_word_is_broken() -> None:
    assert wrap("https://example.com/a/very/long/path", 2, 16) == ["https://example.", "com/a/very/long…"]


def test_line_breaks_are_kept_and_blank_lines_are_not() -> None:
    assert wrap("\n\none\n\n\n  two", 5, 44) == ["one", "two"]


def test_the_next_paragraph_is_not_pulled_up_into_the_last_line() -> None:
    assert wrap("one\ntwo\nthree", 2, 30) == ["one", "two…"]


def test_wide_characters_count_twice() -> None:
    assert wrap("東京の天気は晴れです", 2, 8) == ["東京の天", "気は晴…"]


def test_marks_on_letters_take_no_columns() -> None:
    accented = "e\u0301" * 10
    assert width(accented) == 10
    assert wrap(accented, 1, 10) == [accented]


def test_text_without_width_does_not_go_on_for_ever() -> None:
    assert len("".join(wrap("\u200b" * 100_000, 2, 30))) < 1_000


def test_what_was_not_looked_at_is_told() -> None:
    assert wrap("a" + " " * 1_000 + "b", 1, 10) == ["a…"]
    assert cut("a" + " " * 1_000 + "b", 10) == "a…"


def test_one_line_takes_line_breaks_for_blanks() -> None:
    assert cut("get\nweather\t now", 40) == "get weather now"


@given(st.text(), st.integers(1, 6), st.integers(2, 50))
def test_a_label_never_exceeds_its_measure(text: str, lines: int, columns: int) -> None:
    fitted = wrap(text, lines, columns)
    assert len(fitted) <= lines
    # One wide character is the least that a line can hold.
    assert all(width(line) <= max(columns, 3) for line in fitted)


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=300))
def test_nothing_is_lost_without_an_ellipsis(text: str) -> None:
    fitted = wrap(text, 4, 20)
    if not fitted[-1].endswith(ELLIPSIS):
        assert "".join(fitted) == text
    else:
        assert len(text) > 80


_WORDS = ("a", "word", "long" * 9, "é")
_ODD = ("·", "…", "→", "東京", "e\u0301", "\u200b", "\x1b", "\ud800", "\xad", "\ufe0f")
_BLANKS = (" ", " ", " ", "  ", "\n", "\n", "\n\n", "\r\n", "\r", "\t", "\x0b", "\x85", "\xa0")
_PIECES = st.sampled_from([*_WORDS, *_ODD, *_BLANKS])
_TEXTS = st.lists(_PIECES, max_size=400).map("".join) | st.lists(
    st.sampled_from([*_WORDS, " ", " ", "\n"]), min_size=60, max_size=400
).map("".join)


@given(_TEXTS, st.integers(1, 6), st.integers(2, 50))
def test_what_is_looked_at_for_a_label_is_enough(text: str, lines: int, columns: int) -> None:
    whole = wrap(clean(text[:LOOKED_AT]), lines, columns)
    assert wrap(fitting(text, lines, columns), lines, columns) == whole


@given(_TEXTS, st.integers(2, 50))
def test_a_short_line_is_what_it_would_be_if_it_were_cut(text: str, columns: int) -> None:
    for length in (columns, len(text)):
        assert one_line(text[:length], columns) == cut(clean(text[:length][:LOOKED_AT]), columns)
