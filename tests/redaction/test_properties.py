"""What holds for every body there can be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.provider_keys import LET_GO
from tests.redaction.secrets import all_samples, nested
from tfclient.redaction import Redactor

SECRETS = Redactor.from_setting("secrets")
MODES = [
    SECRETS,
    Redactor.from_setting("content"),
    Redactor.from_setting(None),
    Redactor.from_setting(lambda _, t: t[::-1]),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
secrets = st.sampled_from(all_samples())
chunk_sizes = st.lists(st.integers(1, 60), min_size=1, max_size=30)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks: list[bytes] = []
    at = n = 0
    while at < len(data):
        chunks.append(data[at : at + sizes[n % len(sizes)]])
        at += len(chunks[-1])
        n += 1
    return chunks


def streamed(
    redactor: Redactor, chunks: list[bytes], content_type: str | None
) -> tuple[list[Any], list[Any]]:
    stream = redactor.stream(content_type)
    fed = [*map(stream.feed, chunks), stream.flush()]
    return [piece for piece, _ in fed if piece is not None], [mark for _, marks in fed for mark in marks]


def planted(value: Any, secret: str) -> Any:
    """Put a secret at the deepest first place of a value."""
    if isinstance(value, list) and value:
        return [planted(value[0], secret), *value[1:]]
    if isinstance(value, dict) and value:
        key = next(iter(value))
        return {**value, key: planted(value[key], secret)}
    return f"before {secret} after"


@pytest.mark.parametrize("redactor", MODES, ids=lambda r: r.mode)
@given(data=st.binary() | st.text().map(str.encode), sizes=chunk_sizes)
def test_no_bytes_raise(redactor: Redactor, data: bytes, sizes: list[int]) -> None:
    for content_type in (
        None,
        "application/json",
        "text/event-stream; charset=utf-8",
        "text/plain",
        "audio/mpeg",
        "?",
    ):
        text, _ = redactor.body(data, content_type, "request.body")
        if text is not None:
            text.encode()
        for piece in streamed(redactor, cut(data, sizes), content_type)[0]:
            json.dumps(piece)
    redactor.binary(data, "request.body")
    redactor.headers([(data, data), (data.decode("latin-1"), "x")])
    redactor.url(data.decode("latin-1"))
    json.dumps(redactor.value({data: [data, data.decode("latin-1")]}))


@given(
    value=json_values,
    secret=secrets,
    times=st.integers(0, 3),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_a_planted_secret_is_gone_and_json_stays_json(
    value: Any, secret: tuple[str, str], times: int, *, ascii_only: bool, indent: int | None
) -> None:
    rule, word = secret
    whole = nested(planted(value, word), times, ascii_only=ascii_only, indent=indent)
    data = json.dumps(whole, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")
    text, marks = SECRETS.body(data, "application/json", "request.body")
    assert text is not None
    found = json.loads(text)
    for _ in range(times):
        found = json.loads(found["call"]["arguments"])
    assert word not in json.dumps(found)
    assert word.replace("\n", "\\n") not in text
    # Under a name such as "jwt" it goes by its name, whatever it looks like.
    assert any(mark["rule"] == rule or mark["rule"].startswith("key:") for mark in marks)


@given(value=json_values)
def test_without_a_mark_the_text_is_the_very_same(value: Any) -> None:
    data = json.dumps(value, indent=1).encode()
    for redactor in MODES:
        text, marks = redactor.body(data, "application/json", "request.body")
        assert marks or text == data.decode()


@given(text=st.text(alphabet='abcdefghij ÄÖ漢\n"\\/{}[],:.-0123456789'))
def test_text_without_secrets_is_kept_exactly(text: str) -> None:
    assert SECRETS.body(text.encode(), None, "request.body") == (text, [])
    assert SECRETS.value(text) == (text, [])


@given(value=json_values, secret=secrets, sizes=chunk_sizes, newline=st.sampled_from(["\n", "\r\n", "\r"]))
def test_an_event_stream_is_the_same_however_it_is_cut(
    value: Any, secret: tuple[str, str], sizes: list[int], newline: str
) -> None:
    events = [
        {"type": "response.created", "response": {"instructions": value}},
        {
            "type": "response.output_item.done",
            "item": {"arguments": json.dumps({"x": planted(value, secret[1])})},
        },
        {"type": "response.completed", "response": value},
    ]
    lines = [f"event: {e['type']}{newline}data: {json.dumps(e)}{newline}{newline}" for e in events]
    data = "".join([*lines, f": comment{newline}data: [DONE]{newline}{newline}"]).encode()
    for redactor in MODES:
        pieces, marks = streamed(redactor, cut(data, sizes), "text/event-stream")
        whole, marks_of_whole = redactor.body(data, "text/event-stream", "response.body")
        assert "".join(pieces) == whole
        assert (marks == marks_of_whole) or redactor.mode == "none"
    text, _ = SECRETS.body(data, "text/event-stream", "response.body")
    assert text is not None
    assert secret[1] not in text
    assert secret[1].replace("\n", "\\\\n") not in text


@given(
    secret=secrets,
    cuts=st.lists(st.integers(1, 12), min_size=1, max_size=40),
    sizes=chunk_sizes,
    chat=st.booleans(),
)
def test_a_secret_split_over_deltas_leaves_no_more_than_two_letters(
    secret: tuple[str, str], cuts: list[int], sizes: list[int], *, chat: bool
) -> None:
    rule, word = secret
    text = f"The key is {word} and that is all."
    deltas = [chunk.decode() for chunk in cut(text.encode(), cuts)]
    if chat:
        events: list[Any] = [
            {"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": None}]}
            for delta in deltas
        ]
    else:
        events = [
            {"type": "response.output_text.delta", "output_index": 0, "delta": delta} for delta in deltas
        ]
    data = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    pieces, marks = streamed(SECRETS, cut(data, sizes), "text/event-stream")
    kept = [json.loads(line[6:]) for line in "".join(pieces).splitlines() if line]
    joined = "".join(e["choices"][0]["delta"]["content"] if chat else e["delta"] for e in kept)
    assert len(kept) == len(events)
    before, after = joined.split(f"<redacted:{rule}>")
    assert after == " and that is all."
    assert before[11:] == word[: len(before) - 11]
    assert len(before) - 11 <= LET_GO.get(rule, 2)
    assert {mark["rule"] for mark in marks} == {rule}


@given(text=st.text(), cuts=st.lists(st.integers(1, 12), min_size=1, max_size=40), sizes=chunk_sizes)
def test_deltas_without_secrets_pass_unchanged(text: str, cuts: list[int], sizes: list[int]) -> None:
    deltas = [text[n : n + size] for n, size in enumerate(cuts)]
    data = "".join(
        f'data: {{"type":"x.delta", "delta":{json.dumps(delta)}}}\n\n' for delta in deltas
    ).encode()
    pieces, marks = streamed(SECRETS, cut(data, sizes), None)
    assert marks or "".join(pieces) == data.decode()


@given(data=st.binary(max_size=400), sizes=chunk_sizes)
def test_keeping_everything_keeps_every_byte(data: bytes, sizes: list[int]) -> None:
    import base64

    pieces, marks = streamed(MODES[2], cut(data, sizes), None)
    back = b"".join(p.encode() if isinstance(p, str) else base64.b64decode(p["base64"]) for p in pieces)
    assert (back, marks) == (data, [])
