"""What is done the quick way gives what the plain way gives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfclient.projection.api.fingerprints import evened
from tfclient.projection.weight.lightener import PREVIEW, Lightener, _is_long_row
from tfclient.projection.wire.sse import begins_events
from tfstore.document.json_text import marked

_BLANKS = " \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u2028"
_texts = st.text(st.characters(codec="ascii") | st.sampled_from(_BLANKS + "é"), max_size=12)
_long = st.sampled_from(["word " * 40, "QUJD" * 200, "data:image/png;base64," + "QUJD" * 60, "x" * 70_000])
_keys = st.sampled_from(["text", "data", "embedding", "truncated", "media_type"]) | st.text(max_size=3)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts | _long,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=5),
    max_leaves=12,
)


@given(_texts)
def test_blanks_are_evened(text: str) -> None:
    assert evened(text) == " ".join(text.split())


@pytest.mark.parametrize("blank", _BLANKS)
def test_every_kind_of_white_space_is_a_blank(blank: str) -> None:
    assert evened(f"{blank}one{blank}two{blank}") == "one two"


def _lightened(lightener: Lightener, value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return lightener._string(value, key) if len(value) > PREVIEW else value
    if isinstance(value, dict):
        return {k: _lightened(lightener, v, k) for k, v in value.items()}
    if isinstance(value, list) and not _is_long_row(value):
        return [_lightened(lightener, v, key) for v in value]
    return lightener.lighten(value) if isinstance(value, list) else marked(value)


@given(_values, st.sampled_from([None, 100, 1000]))
def test_values_are_made_light_as_each_would_be_alone(value: Any, cap: int | None) -> None:
    quick, plain = Lightener(cap=cap), Lightener(cap=cap)
    told = [json.dumps(quick.lighten(value)), json.dumps(_lightened(plain, value))]
    assert told[0] == told[1]
    assert quick.blobs == plain.blobs


@pytest.mark.parametrize("before", ["", "\n", " " * 57, " " * 58, " " * 63, "\r\n" * 500])
@pytest.mark.parametrize(
    ("head", "told"), [("data: 1", True), ("retry: 1", True), ("d", None), ("", None), ("dat e", False)]
)
def test_white_space_before_an_event_does_not_matter(before: str, head: str, told: bool | None) -> None:  # noqa: FBT001
    assert begins_events(f"{before}{head}".encode()) is told
