"""Content mode: hashes and lengths instead of what was said."""

from __future__ import annotations

import json
from typing import Any

from tfclient.redaction import Redactor
from tfclient.redaction.content import without_content
from tfclient.redaction.marks import Mark

CONTENT = Redactor.from_setting("content")
HELLO = "<sha256:2cf24dba5fb0a30e 5 chars>"

SCHEMA = {
    "type": "object",
    "required": ["city"],
    "properties": {"city": {"type": "string", "enum": ["hello"]}},
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "status": "completed",
    "model": "gpt-5.4-mini",
    "instructions": "hello",
    "error": {"code": "rate_limit_exceeded", "type": "requests", "message": "hello"},
    "output": [
        {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "get_weather", "arguments": "hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hello"}]},
        {"type": "code_interpreter_call", "code": "hello"},
    ],
    "tools": [{"type": "function", "name": "get_weather", "description": "hello", "parameters": SCHEMA}],
    "metadata": {"name": "hello", "user_id": "hello"},
    "temperature": 1.0,
    "store": True,
    "usage": {"input_tokens": 5, "output_tokens": 7},
}  # fmt: skip


def test_structure_stays_and_every_text_is_hashed() -> None:
    text, marks = CONTENT.body(json.dumps(RESPONSE).encode(), "application/json", "response.body")
    assert text is not None
    kept = json.loads(text)
    expected = json.loads(json.dumps(RESPONSE).replace('"hello"', f'"{HELLO}"'))
    assert kept == expected
    assert all(mark["action"] == "hashed" and mark.get("bytes") == 5 for mark in marks)
    assert "response.body.output[0].arguments" in {mark["path"] for mark in marks}
    assert len(marks) == json.dumps(RESPONSE).count('"hello"')


def test_a_text_has_one_hash_wherever_it_stands() -> None:
    request = {"input": [{"role": "user", "content": "hello"}]}
    text, _ = CONTENT.body(json.dumps(request).encode(), "application/json", "request.body")
    assert text == f'{{"input":[{{"role":"user","content":"{HELLO}"}}]}}'
    assert CONTENT.value("hello")[0] == HELLO


def test_a_structural_name_does_not_let_sentences_or_secrets_through() -> None:
    body = {"role": "my whole life story", "name": "sk-proj-abcdefghij0123456789", "type": "日記"}
    text, marks = CONTENT.body(json.dumps(body).encode(), None, "request.body")
    assert text is not None
    assert all(value.startswith("<sha256:") for value in json.loads(text).values())
    assert len(marks) == 3


def test_a_property_of_a_schema_may_be_called_as_a_secret_is() -> None:
    """What stands below it says of what kind a password is; one that is a value has no such words."""
    described = {"type": "string", "description": "At least 8 characters"}
    marks: list[Mark] = []
    clean = without_content({"properties": {"password": described, "url": described}}, "request.body", marks)
    assert clean["properties"]["password"] == clean["properties"]["url"]
    assert clean["properties"]["password"]["type"] == "string"
    assert clean["properties"]["password"]["description"].startswith("<sha256:")
    value = without_content({"password": {"type": "basic", "id": "hunter2"}}, "request.body", marks)
    assert all(each.startswith("<sha256:") for each in value["password"].values())


def test_a_program_s_own_values_keep_no_text_at_all() -> None:
    kept, _ = CONTENT.value({"name": "hello", "type": "hello", "n": 3, "list": ["hello", None, True]})
    assert kept == {"name": HELLO, "type": HELLO, "n": 3, "list": [HELLO, None, True]}


def test_text_that_is_no_json_is_hashed_whole() -> None:
    assert CONTENT.body(b"hello", "text/plain", "request.body")[0] == HELLO
    form = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nprivate\r\n--b--'
    text, marks = CONTENT.body(form, "multipart/form-data; boundary=b", "request.body")
    assert text is not None
    assert text.startswith("<sha256:")
    assert marks == [{"path": "request.body", "rule": "content", "action": "hashed", "bytes": len(form)}]
    assert CONTENT.body(b"", None, "request.body") == ("", [])


def test_bytes_are_hashed_whole() -> None:
    kept, _ = CONTENT.binary(b"\xff" * 9, "request.body")
    assert isinstance(kept, str)
    assert kept.endswith(" 9 chars>")


def test_a_stream_keeps_its_events_and_hashes_their_texts() -> None:
    events = [
        (
            "event: response.output_text.delta\n"
            'data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"hello"}\n\n'
        ),
        ": a comment that says hello\n\n",
        "data: no json, hello\n\n",
        "data: [DONE]\n\n",
    ]
    stream = CONTENT.stream("text/event-stream")
    pieces = [stream.feed(event.encode())[0] for event in events]
    assert pieces[0] == events[0].replace('"hello"', f'"{HELLO}"')
    assert pieces[3] == events[3]
    assert "hello" not in "".join(piece for piece in pieces if isinstance(piece, str))
    assert [str(piece)[-2:] for piece in pieces] == ["\n\n"] * 4


def test_a_streamed_document_and_text_are_held_until_they_are_whole() -> None:
    for content_type, data in (("application/json", b'{"text": "hello"}'), ("text/plain", b"hello")):
        stream = CONTENT.stream(content_type)
        assert [stream.feed(data[:4])[0], stream.feed(data[4:])[0]] == [None, None]
        assert stream.flush()[0] == CONTENT.body(data, content_type, "response.body")[0]


def test_headers_keep_what_the_protocol_says() -> None:
    kept, _ = CONTENT.headers(
        [("X-Request-Id", "req_1"), ("X-My-Note", "hello"), ("Authorization", "Bearer x")]
    )
    assert kept == {"x-request-id": "req_1", "x-my-note": HELLO}
