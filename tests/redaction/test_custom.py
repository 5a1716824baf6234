"""A function of the user's: what it decides happens, and what it cannot decide is dropped."""

from __future__ import annotations

import json

import pytest

from tfclient.redaction import Redactor


def phone_free(path: str, text: str) -> str | None:
    if "boom" in text:
        raise LookupError(text)
    if path.endswith(".drop"):
        return None
    return text.replace("555-0100", "<phone>")


CUSTOM = Redactor.from_setting(phone_free)


def test_each_text_is_decided_with_its_path() -> None:
    asked: list[tuple[str, str]] = []

    def see(path: str, text: str) -> str:
        asked.append((path, text))
        return text

    body = b'{"a": ["x", {"b": "y"}], "n": 1, "arguments": "{\\"c\\": \\"z\\"}"}'
    assert Redactor.from_setting(see).body(body, None, "request.body") == (body.decode(), [])
    assert asked == [
        ("request.body.a[0]", "x"),
        ("request.body.a[1].b", "y"),
        ("request.body.arguments", '{"c": "z"}'),
    ]


def test_replaced_dropped_and_raising() -> None:
    body = {"text": "call 555-0100", "drop": "x", "raise": "boom secret-thing"}
    text, marks = CUSTOM.body(json.dumps(body).encode(), "application/json", "request.body")
    assert text is not None
    assert json.loads(text) == {
        "text": "call <phone>",
        "drop": "<redacted:custom>",
        "raise": "<redacted:custom:LookupError>",
    }
    assert [(m["path"], m["rule"], m["action"]) for m in marks] == [
        ("request.body.text", "custom", "replaced"),
        ("request.body.drop", "custom", "dropped"),
        ("request.body.raise", "custom:LookupError", "dropped"),
    ]
    assert "secret-thing" not in json.dumps(marks)


def test_an_answer_that_is_no_text_drops_the_value() -> None:
    redactor = Redactor.from_setting(lambda _path, _text: 7)  # type: ignore[arg-type, return-value]
    kept, marks = redactor.value({"a": "secret-thing"})
    assert kept == {"a": "<redacted:custom:returned_int>"}
    assert marks[0]["action"] == "dropped"


def test_streams_texts_bytes_and_headers_are_decided_too() -> None:
    stream = CUSTOM.stream("text/event-stream")
    assert stream.feed(b'data: {"delta": "555-0100"}\n\n')[0] == 'data: {"delta":"<phone>"}\n\n'
    assert CUSTOM.body(b"call 555-0100", "text/plain", "request.body")[0] == "call <phone>"
    assert CUSTOM.binary(b"\xff boom", "request.body")[0] == "<redacted:custom:LookupError>"
    assert CUSTOM.headers([("x-note", "boom"), ("x-request-id", "boom")])[0] == {
        "x-note": "<redacted:custom:LookupError>",
        "x-request-id": "boom",
    }


def test_an_interrupt_is_not_swallowed() -> None:
    def interrupted(_path: str, _text: str) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Redactor.from_setting(interrupted).value("x")


def test_a_wrong_setting_says_what_is_right() -> None:
    with pytest.raises(
        ValueError, match='redact=\'secret\' is not a redaction setting: use "secrets", "content"'
    ):
        Redactor.from_setting("secret")


@pytest.mark.parametrize(
    ("setting", "mode"),
    [
        ("secrets", "secrets"),
        ("content", "content"),
        (None, "none"),
        ("none", "none"),
        (phone_free, "custom"),
    ],
)
def test_the_mode_is_named(setting: object, mode: str) -> None:
    assert Redactor.from_setting(setting).mode == mode  # type: ignore[arg-type]
