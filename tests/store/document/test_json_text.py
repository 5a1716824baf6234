from __future__ import annotations

import json
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.making import json_values
from tfstore.document.json_text import canonical, canonical_bytes, compact, marked, parse, readable


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


ODD = [
    *(
        "-0",
        "-0.0",
        "1e400",
        "-1e-400",
        "1e23",
        "5e-324",
        "0.1",
        "9007199254740993",
        "1" * 4300,
        "01",
        "1.",
        ".5",
    ),
    *(
        "NaN",
        "Infinity",
        "-Infinity",
        "-NaN",
        "nan",
        "inf",
        '{"a":1,"b":2,"a":3}',
        '{"a":1,}',
        "[1,]",
        "[1] 2",
    ),
    *(
        r'"\ud800"',
        r'"\ud83d\ude00"',
        r'"\udc00\ud800"',
        r'"\u0000"',
        r'"\x"',
        '"\x1f"',
        '"\x7f"',
        '"\u2028"',
        "\xa01",
    ),
    *("[" * 150 + "]" * 150, "[" * 250 + "]" * 250),
]


def as_the_standard_library(text: str) -> str:
    try:
        return repr(json.loads(text))
    except ValueError:
        return "refused"


def as_we_do(text: str) -> str:
    try:
        return repr(parse(text.encode()))
    except ValueError:
        return "refused"


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:20])
def test_odd_json_is_read_as_the_standard_library_does(text: str) -> None:
    assert as_we_do(text) == as_the_standard_library(text)
    assert as_we_do(f'{{"in": [{text}]}}') == as_the_standard_library(f'{{"in": [{text}]}}')


@given(st.text(alphabet='{}[],:"\\ud80-+.eE1 \nNaé\x00'), st.floats(), st.integers())
def test_any_text_is_read_as_the_standard_library_does(text: str, number: float, whole: int) -> None:
    for each in (text, f"[{number!r}]", f"[{whole}]", f"{whole}e{whole % 700 - 350}"):
        assert as_we_do(each) == as_the_standard_library(each)


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert parse(b"\xef\xbb\xbf{}") == {}


_ODD = st.sampled_from(
    [10**30, -(2**63), 2**64, -0.0, 1e-5, 1e-4, 1e15, 1e16, 1.5e300, "\ud800", "\x7f\x85\u2028"]
)
_NUMBERED = st.recursive(
    json_values | _ODD | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


@given(_NUMBERED)
def test_canonical_text_is_that_of_the_standard_library(value: object) -> None:
    """Digests of documents rest on it: no digit may be written otherwise by what is quicker."""
    try:
        slow = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    except TypeError:  # keys that cannot be compared
        return
    assert canonical(value) == slow
    assert canonical_bytes(value) == slow.encode("utf-8", "surrogatepass")


def test_canonical_text_of_every_character_is_that_of_the_standard_library() -> None:
    for start in range(0, 0x110000, 0x400):
        every = [chr(code) for code in range(start, start + 0x400)]
        for value in (every, {every[0]: every[0]}, {every[-1]: every[-1]}):
            slow = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            assert canonical(value) == slow, hex(start)


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_numbers_that_json_lacks_are_marked_wherever_they_stand(number: float) -> None:
    text = readable({"NNaINfinity": "N NN Na", "a": ["No NAN", {"b": number}]})

    assert marked(number) in json.loads(text)["a"][1].values()
