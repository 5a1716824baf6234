"""Bodies that come in pieces: what is held back, and for how long."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tfclient.redaction import Redactor

SECRETS = Redactor.from_setting("secrets")
SECRET = "sk-proj-abcdefghij0123456789"


def delta(text: str, n: int = 0) -> bytes:
    return f'data: {{"type":"response.output_text.delta","output_index":{n},"delta":{json.dumps(text)}}}\n\n'.encode()


def text_of(piece: Any) -> str:
    assert isinstance(piece, str)
    return piece


def test_whole_lines_go_on_at_once_and_the_last_waits() -> None:
    stream = SECRETS.stream("text/event-stream")
    assert stream.feed(b"event: a\nda") == ("event: a\n", [])
    assert stream.feed(b'ta: {"n"') == (None, [])
    assert stream.feed(b": 1}\n\nev") == ('data: {"n": 1}\n\n', [])
    assert stream.flush() == ("ev", [])
    assert stream.flush() == (None, [])


def test_a_secret_across_chunks_is_seen() -> None:
    stream = SECRETS.stream()
    assert stream.feed(b'data: {"text": "use sk-pro') == (None, [])
    piece, marks = stream.feed(b'j-abcdefghij0123456789"}\n\n')
    assert piece == 'data: {"text":"use <redacted:openai_key>"}\n\n'
    assert marks[0]["path"] == "response.body.events[0].text"


def test_a_stream_cut_in_the_middle_of_a_secret_keeps_none_of_its_name_value() -> None:
    stream = SECRETS.stream("text/event-stream")
    stream.feed(b'data: {"arguments": "{\\"api_key\\": \\"hunter')
    piece, marks = stream.flush()
    assert piece == 'data: {"arguments": "{\\"api_key\\": \\"<redacted:key:api_key>'
    assert [mark["rule"] for mark in marks] == ["key:api_key"]


def test_events_wait_only_while_a_secret_may_be_coming() -> None:
    stream = SECRETS.stream("text/event-stream")
    assert stream.feed(delta("My ")) == (delta("My ").decode(), [])
    assert stream.feed(delta("sk-")) == (None, [])
    assert stream.feed(delta("learn")) == (None, [])
    assert stream.feed(delta(" notes")) == ((delta("sk-") + delta("learn") + delta(" notes")).decode(), [])


def test_a_text_that_ends_lets_its_last_events_go() -> None:
    stream = SECRETS.stream("text/event-stream")
    assert stream.feed(delta("at https://example.com")) == (None, [])
    done = b'data: {"type":"response.output_text.done","text":"at https://example.com"}\n'
    assert stream.feed(done) == ((delta("at https://example.com") + done).decode(), [])


def test_a_named_value_in_pieces_goes_whole() -> None:
    stream = SECRETS.stream("text/event-stream")
    parts = ['{"us', 'er":"me","pass', 'word":"', "correct ", "horse", '","n":1}']
    pieces = [stream.feed(delta(part))[0] for part in parts] + [stream.flush()[0]]
    events = [
        json.loads(line[6:])["delta"]
        for line in "".join(text_of(p) for p in pieces if p).splitlines()
        if line
    ]
    assert events == ['{"us', 'er":"me","pass', 'word":"', "<redacted:key:password>", "", '","n":1}']


def test_texts_that_alternate_are_joined_apart() -> None:
    stream = SECRETS.stream("text/event-stream")
    fed = [
        stream.feed(delta("sk-proj-abcd", 0)),
        stream.feed(delta("the sky is", 1)),
        stream.feed(delta("efghij0123456789", 0)),
        stream.feed(delta(" blue", 1)),
        stream.feed(delta(".", 0)),
        stream.flush(),
    ]
    lines = "".join(piece for piece, _ in fed if isinstance(piece, str)).splitlines()
    events = [json.loads(line[6:]) for line in lines if line]
    assert "".join(e["delta"] for e in events if e["output_index"] == 0) == "<redacted:openai_key>."
    assert "".join(e["delta"] for e in events if e["output_index"] == 1) == "the sky is blue"


def test_what_waits_is_bounded_and_a_long_secret_is_still_one() -> None:
    stream = SECRETS.stream("text/event-stream")
    fed = [stream.feed(delta("-----BEGIN PRIVATE KEY-----\n"))]
    fed += [stream.feed(delta(f"{n:04}MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n")) for n in range(3000)]
    assert any(piece for piece, _ in fed)
    fed += [stream.feed(delta("-----END PRIVATE KEY-----")), stream.feed(delta(" done.")), stream.flush()]
    text = "".join(piece for piece, _ in fed if isinstance(piece, str))
    assert "MIIEvQ" not in text
    assert text.count("\n\n") == 3003


def test_a_line_too_long_to_hold_goes_on_in_parts_and_loses_no_byte() -> None:
    stream = SECRETS.stream("text/event-stream")
    image = "iVBORw0KGgoAAAANSUhEUg" * 40_000
    line = (
        f'data: {{"image": "{image}", "t": "{SECRET}", "more": "{image}"}}\n\ndata: {{"n": 1}}\n\n'.encode()
    )
    fed = [stream.feed(line[at : at + 100_000]) for at in range(0, len(line), 100_000)]
    assert sum(piece is not None for piece, _ in fed) > 5
    text = "".join(piece for piece, _ in [*fed, stream.flush()] if isinstance(piece, str))
    assert text == line.decode().replace(SECRET, "<redacted:openai_key>")


@pytest.mark.parametrize("offset", range(-40, 40, 3))
def test_a_secret_across_the_cut_of_a_long_line_is_seen(offset: int) -> None:
    body = b"data: " + b"x" * (256 * 1024) + b" " + SECRET.encode() + b" " + b"y" * (8 * 1024 + offset)
    stream = SECRETS.stream("text/event-stream")
    pieces = [stream.feed(body)[0], stream.flush()[0]]
    assert "".join(text_of(p) for p in pieces) == body.decode().replace(SECRET, "<redacted:openai_key>")


@pytest.mark.parametrize("cut", range(1, len(SECRET), 4))
def test_a_secret_that_begins_where_a_long_line_is_let_go_is_seen(cut: int) -> None:
    stream = SECRETS.stream("text/event-stream")
    pieces = [stream.feed(b"data: " + b"x" * (256 * 1024) + b" " + SECRET[:cut].encode())[0]]
    pieces += [stream.feed(SECRET[cut:].encode() + b" yes\n")[0], stream.flush()[0]]
    text = "".join(text_of(p) for p in pieces if p)
    assert text == "data: " + "x" * (256 * 1024) + " <redacted:openai_key> yes\n"


def test_a_json_document_is_read_as_a_whole() -> None:
    stream = SECRETS.stream("application/json; charset=utf-8")
    assert stream.feed(b'{\n  "api_') == (None, [])
    assert stream.feed(b'key": "x"\n}') == (None, [])
    assert stream.flush()[0] == '{"api_key":"<redacted:key:api_key>"}'


def test_a_private_key_over_several_lines_of_text_is_one_secret() -> None:
    stream = SECRETS.stream("text/plain")
    lines = [
        "-----BEGIN RSA PRIVATE KEY-----\n",
        "MIIEpAIBAAKCAQEA\n",
        "-----END RSA PRIVATE KEY-----\n",
        "bye\n",
    ]
    pieces = [stream.feed(line.encode())[0] for line in ["hello\n", *lines]]
    assert "".join(p for p in pieces if isinstance(p, str)) == "hello\n<redacted:private_key>\nbye\n"


def test_binary_goes_on_at_once_as_base64() -> None:
    stream = SECRETS.stream("audio/mpeg")
    assert stream.feed(b"\xff\xfbtext") == ({"base64": base64.b64encode(b"\xff\xfbtext").decode()}, [])


def test_binary_without_a_content_type_is_told_by_its_bytes() -> None:
    stream = SECRETS.stream()
    piece, _ = stream.feed(b"\x89PNG\r\n\x1a\n\0\0")
    assert piece == {"base64": base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0").decode()}


def test_an_event_stream_that_turns_into_bytes_keeps_them() -> None:
    stream = SECRETS.stream("text/event-stream")
    assert stream.feed(b"data: 1\n")[0] == "data: 1\n"
    assert stream.feed(b"\xff\xfe\n")[0] == {"base64": base64.b64encode(b"\xff\xfe\n").decode()}
    assert stream.feed(b"after")[0] == {"base64": base64.b64encode(b"after").decode()}


def test_a_character_cut_in_two_stays_text() -> None:
    for setting in ("secrets", None):
        stream = Redactor.from_setting(setting).stream("text/event-stream")
        data = "data: 漢字\n".encode()
        pieces = [stream.feed(data[n : n + 1])[0] for n in range(len(data))] + [stream.flush()[0]]
        assert "".join(text_of(p) for p in pieces if p) == "data: 漢字\n"


def test_keeping_everything_holds_nothing_back() -> None:
    stream = Redactor.from_setting(None).stream("text/event-stream")
    assert stream.feed(f"data: {SECRET}".encode()) == (f"data: {SECRET}", [])


def test_the_text_of_a_done_event_is_redacted_like_any_other() -> None:
    text = f"Your key: {SECRET}!"
    done = {"type": "response.output_text.done", "text": text}
    stream = SECRETS.stream("text/event-stream")
    piece, _ = stream.feed(f"data: {json.dumps(done)}\n".encode())
    assert json.loads(text_of(piece)[6:])["text"] == SECRETS.value(text)[0]


def events(*told: dict[str, Any]) -> bytes:
    return "".join(f"data: {json.dumps(each)}\n\n" for each in told).encode()


def test_a_secret_in_pieces_is_one_and_so_is_what_repeats_it() -> None:
    """Its marks say where all of it was; counted is the value."""
    said = f"use {SECRET} now"
    pieces = [said[n : n + 7] for n in range(0, len(said), 7)]
    stream = SECRETS.stream("text/event-stream")
    marks = []
    for piece in (*map(delta, pieces), events({"type": "response.output_text.done", "text": said})):
        marks += stream.feed(piece)[1]
    for _ in range(2):
        marks += stream.feed(events({"type": "response.completed", "response": {"output": [said]}}))[1]

    first, *others = marks
    assert first == {
        "path": "response.body.events[0].delta",
        "rule": "openai_key",
        "action": "replaced",
        "bytes": len(SECRET),
    }
    assert len(others) > 5
    assert all(each["again"] for each in others)


def test_two_secrets_of_one_length_are_two() -> None:
    stream = SECRETS.stream("text/event-stream")
    other = SECRET[:-1] + "x"
    _, marks = stream.feed(events({"type": "response.created", "response": {"instructions": SECRET}}))
    _, more = stream.feed(events({"type": "response.in_progress", "response": {"instructions": SECRET}}))
    _, last = stream.feed(events({"type": "response.completed", "response": {"output": [SECRET, other]}}))

    assert [each.get("again", False) for each in marks + more + last] == [False, True, True, False]


def test_hashes_of_one_length_are_no_repetition() -> None:
    stream = Redactor.from_setting("content").stream("text/event-stream")
    marks = [mark for text in ("one", "two") for mark in stream.feed(delta(text))[1]]

    assert [each.get("again") for each in marks] == [None, None]
