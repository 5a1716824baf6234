"""Headers as they are journaled: what the redactor says of them, however they are remembered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orjson import dumps

from tests.capture.driver import HTTP
from tfclient.redaction import Redactor
from tfclient.redaction.header_plans import Known

NAMES = st.sampled_from(
    [
        *(
            "Accept",
            "Content-Type",
            "X-Request-Id",
            "Location",
            "Authorization",
            "Set-Cookie",
            "Via",
            "X-Note",
        ),
        *("api-key", "Content-Length", "x-per%cent", "OpenAI-Processing-MS"),
    ]
)
VALUES = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
    st.sampled_from(
        ["application/json", 'a"b', "back\\slash", "two\\nlines", "sk-proj-" + "aB3" * 8, '{"password": "x"}']
    ),
    st.integers(0, 99999).map(str),
)


def given_headers(pairs: list[tuple[str, str]]) -> Any:
    return HTTP.Headers([(name.encode(), value.encode("latin-1")) for name, value in pairs])


@pytest.mark.parametrize("setting", ["secrets", "content", None])
@given(st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=7), min_size=1, max_size=3))
def test_what_is_remembered_is_what_the_redactor_says(
    setting: str | None, messages: list[list[tuple[str, str]]]
) -> None:
    redactor = Redactor.from_setting(setting)
    known = Known(redactor)
    for pairs in [*messages, *messages]:
        headers = given_headers(pairs)
        journaled, marks, content_type = known.headers(headers.raw, "request.headers")
        said, found = redactor.headers(headers.raw, "request.headers")
        assert json.loads(dumps(journaled)) == said
        assert sorted(marks, key=str) == sorted(found, key=str)
        assert content_type == said.get("content-type")


def test_cookies_that_come_twice_are_two_marks() -> None:
    known = Known(Redactor.from_setting())
    headers = given_headers([("Set-Cookie", "a=1"), ("Date", "today"), ("Set-Cookie", "b=22")])
    journaled, marks, _ = known.headers(headers.raw, "response.headers")
    assert json.loads(dumps(journaled)) == {"date": "today"}
    assert [mark["bytes"] for mark in marks] == [3, 4]
