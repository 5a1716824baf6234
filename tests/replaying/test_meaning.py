"""What bodies mean: forms sent whole and forms that were looked into, JSON in texts, clocks and what only looks so."""

from __future__ import annotations

import pytest

from tfclient.replaying.alike import blurred, in_text
from tfclient.replaying.differences import differences
from tfclient.replaying.meaning import comparable_forms, meaning_of, meaning_of_unread

RAW = (
    b'--xx\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n'
    b"Content-Type: application/octet-stream\r\n\r\n\xff\x00\n1\r\n--xx--\r\n"
)


def test_a_form_that_was_kept_as_it_was_sent_is_the_one_that_the_sdk_makes() -> None:
    kept = meaning_of(RAW, "multipart/form-data; boundary=xx")
    parts: list[dict[str, object]] = [
        {"name": "purpose", "value": "assistants"},
        {"name": "file", "filename": "a.bin", "content_type": "application/octet-stream", "bytes": 4},
    ]
    made = meaning_of_unread({"unread": "multipart", "parts": parts})
    one, other = comparable_forms(kept, made)
    assert one.key() == other.key()
    longer = meaning_of_unread({"unread": "multipart", "parts": [parts[0], {**parts[1], "bytes": 5}]})
    one, other = comparable_forms(kept, longer)
    assert [each.where for each in differences(one.value, other.value)] == ["[1].bytes"]


def test_a_form_that_is_none_is_bytes() -> None:
    assert meaning_of(b"\xff\x00", "multipart/form-data; boundary=xx").kind == "bytes"
    assert meaning_of(b"plain", "multipart/form-data").kind == "text"


def test_json_in_a_text_is_no_json() -> None:
    text = meaning_of(b'{"output": "{\\"a\\": 1}"}', "application/json")
    value = meaning_of(b'{"output": {"a": 1}}', "application/json")
    assert text.key() != value.key()


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-02",
        "2026-09-02T14:05:00Z",
        "2026-09-02 14:05:00.123456+02:00",
        "Wed, 02 Sep 2026 14:05:00 GMT",
        "September 2, 2026",
        "2 Sep 2026, 2:05 PM",
        "20260902T140500Z",
        "14:05",
        "1788358800",
        "1788358800.123",
        "1788358800123",
    ],
)
def test_clocks(text: str) -> None:
    assert in_text(f"<{text}>") == "<‹time›>"


@pytest.mark.parametrize(
    "text",
    [
        "Version 1.2.3 of 10",
        "Order 4711 for 12,50 euros",
        "call_7f3a9c01de20 and order-99",
        "+47 22 12 34 56",
        "sha 7f3a9c01",
        "a ratio of 16:9000",
        "/home/me/tmp/file",
    ],
)
def test_what_only_looks_like_a_clock_or_an_id(text: str) -> None:
    assert in_text(text) == text


def test_only_what_programs_write_is_blurred() -> None:
    clock = "It is 14:05."
    body = {
        "messages": [
            {"role": role, "content": clock} for role in ("system", "developer", "user", "assistant", "tool")
        ],
        "model": clock,
    }
    said = [each["content"] for each in blurred(body)["messages"]]
    assert said == ["It is ‹time›.", "It is ‹time›.", clock, clock, "It is ‹time›."]
    assert blurred(body)["model"] == clock
