"""Python values on their way to the journal: what JSON has no word for never raises."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any, ClassVar, NoReturn
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

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
        "false": {"number": "NaN"},
        "o": "<class 'object'>",
        "b": {"base64": "aGk=", "bytes": 2},
        "(1,)": "t",
    }
    json.dumps(kept, allow_nan=False)


class Forecast(BaseModel):
    when: datetime
    degrees: float
    api_key: str = Field(default="", repr=False)
    wind: str = "unset"
    inner: Forecast | None = None


class Loose(BaseModel, extra="allow"):
    pass


class OfLoose(Loose):
    pass


@dataclass
class Place:
    name: str
    secret: str = field(default="x", repr=False)


class OfPlace(Place):
    pass


@dataclass(slots=True)
class Slots:
    n: object


class Looks:
    """Says that it is a model, and is none."""

    model_fields: ClassVar[dict[str, object]] = {"a": 1}

    def __repr__(self) -> str:
        return "Looks()"


DAY = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ONE = {"when": DAY.isoformat(), "degrees": 1.0}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("inf"), {"number": "Infinity"}),
        ([-float("inf")], [{"number": "-Infinity"}]),
        (DAY, DAY.isoformat()),
        (DAY.date(), "2026-01-02"),
        (DAY.time(), "03:04:05"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=5), "00000000-0000-0000-0000-000000000005"),
        (PurePosixPath("/x/y"), "/x/y"),
        (Forecast(when=DAY, degrees=math.nan), {**ONE, "degrees": {"number": "NaN"}}),
        ([Forecast(when=DAY, degrees=1, api_key="k")], [{**ONE, "api_key": "<redacted:key:api_key>"}]),
        (Forecast(when=DAY, degrees=1, inner=Forecast(when=DAY, degrees=1)), {**ONE, "inner": ONE}),
        (OfLoose.model_validate({"more": b"hi"}), {"more": {"base64": "aGk=", "bytes": 2}}),
        (Place("Oslo"), {"name": "Oslo", "secret": "<redacted:key:secret>"}),
        (OfPlace("Oslo", "y"), {"name": "Oslo", "secret": "<redacted:key:secret>"}),
        (Slots({1}), {"n": [1]}),
        (Looks(), "Looks()"),
        (Place, repr(Place)),
        (Forecast.model_construct(), {}),
    ],
)
def test_what_programs_have_is_kept_as_it_would_be_written(value: object, expected: object) -> None:
    assert SECRETS.value(value)[0] == expected


def test_what_a_class_does_not_show_is_marked() -> None:
    @dataclass
    class Hidden:
        shown: int
        inner: object = field(default=None, repr=False)

    assert SECRETS.value(Hidden(1, "something"))[0] == {"shown": 1, "inner": "<not shown: repr=False>"}


def test_models_in_a_circle_end() -> None:
    place = Slots(None)
    place.n = [place]
    assert SECRETS.value(place)[0] == {"n": ["<cycle>"]}


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
