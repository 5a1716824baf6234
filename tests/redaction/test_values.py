"""Python values on their way to the journal: what JSON has no word for never raises."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any, NoReturn

from hypothesis import given
from hypothesis import strategies as st

from tfclient.redaction import Redactor

SECRETS = Redactor.from_setting("secrets")


class Hostile:
    def __repr__(self) -> NoReturn:
        raise RuntimeError("no")

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")


class HostileDict(dict[str, Any]):
    def items(self) -> NoReturn:
        raise RuntimeError("no")

    def __iter__(self) -> NoReturn:
        raise RuntimeError("no")


class HostileText(str):
    __slots__ = ()

    def __str__(self) -> NoReturn:
        raise RuntimeError("no")


class Colour(IntEnum):
    RED = 1


def test_plain_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, "x", None, True], "b": {"c": []}}
    assert SECRETS.value(value) == (value, [])


def test_other_values_are_their_nearest_in_json() -> None:
    kept, _ = SECRETS.value(
        {
            1: (1, 2),
            None: {3},
            False: float("nan"),
            "o": object,
            "b": b"hi",
            Colour.RED: Colour.RED,
            (1,): "t",
        }
    )
    assert kept == {
        "1": 1,
        "null": [3],
        "false": "nan",
        "o": "<class 'object'>",
        "b": {"base64": "aGk=", "bytes": 2},
        "(1,)": "t",
    }
    json.dumps(kept, allow_nan=False)


def test_hostile_values_say_what_they_did() -> None:
    kept, _ = SECRETS.value([Hostile(), HostileDict(a=Hostile()), HostileText("t"), {Hostile: 1}])
    said = "<Hostile: its repr raised RuntimeError>"
    assert kept[:3] == [said, {"a": said}, "t"]


def test_cycles_and_depth_end() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert SECRETS.value(cycle)[0] == [1, "<cycle>"]
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert "nested too deep" in json.dumps(SECRETS.value(deep)[0])
    shared = [1]
    assert SECRETS.value([shared, shared])[0] == [[1], [1]]


def test_nothing_is_changed_or_drained() -> None:
    generator = (n for n in range(3))
    value = {"api_key": "x", "list": [generator]}
    kept, _ = SECRETS.value(value)
    assert kept["api_key"] == "<redacted:key:api_key>"
    assert value["api_key"] == "x"
    assert list(generator) == [0, 1, 2]


def test_secrets_in_a_repr_and_in_bytes_are_replaced() -> None:
    class Client:
        def __repr__(self) -> str:
            return "Client(api_key='sk-proj-abcdefghij0123456789')"

    kept, marks = SECRETS.value({"client": Client()}, "tool.result")
    assert kept == {"client": "Client(api_key='<redacted:openai_key>')"}
    assert marks[0]["path"] == "tool.result.client"


@given(
    st.recursive(
        st.none() | st.floats() | st.binary() | st.text() | st.complex_numbers(),
        lambda x: st.lists(x) | st.dictionaries(st.none() | st.integers() | st.text() | st.binary(), x),
        max_leaves=10,
    )
)
def test_any_value_becomes_json(value: Any) -> None:
    for redactor in (SECRETS, Redactor.from_setting("content"), Redactor.from_setting(None)):
        json.dumps(redactor.value(value)[0], allow_nan=False)
