from __future__ import annotations

import json

import pytest
from hypothesis import given

from tests.store.making import json_values
from tfstore.json_text import compact, parse, readable


@given(json_values)
def test_what_is_written_is_read_back(value: object) -> None:
    # Two halves of a surrogate pair side by side are one character in JSON: compare with what JSON can say.
    sayable = json.loads(json.dumps(value))

    assert parse(compact(value)) == sayable
    assert parse(readable(value)) == sayable
    assert b"\n" not in compact(value)


def test_text_stays_as_people_write_it() -> None:
    assert compact({"é": "日本 \ud800!"}).decode() == '{"é":"日本 \\ud800!"}'
    assert readable(["é"]).decode() == '[\n "é"\n]\n'


def test_deep_values_that_indenting_cannot_write_are_written_on_one_line() -> None:
    value: list[object] = []
    for _ in range(600):
        value = [value]

    assert parse(readable(value)) == value


@pytest.mark.parametrize("hostile", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"{", b"1" * 5000])
def test_what_cannot_be_read_is_one_kind_of_error(hostile: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(hostile)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}
