"""Events that are like the one before are cleared without parsing, and never otherwise than with it."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.redaction.pieces import PIECES
from tfclient.redaction import Redactor
from tfclient.redaction.alike import Alike


def _responses(n: int, delta: str, **more: Any) -> dict[str, Any]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    kind = "response.output_text.delta"
    return {"type": kind, "sequence_number": n, **place, "delta": delta, "logprobs": [], **more}


def _chat(n: int, delta: str, **more: Any) -> dict[str, Any]:  # noqa: ARG001
    choice = {"index": 0, "delta": {"content": delta}, "logprobs": None, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def _wire(event: dict[str, Any], *, compact: bool) -> bytes:
    name = f"event: {event['type']}\n" if "type" in event else ""
    separators = (",", ":") if compact else None
    return f"{name}data: {json.dumps(event, ensure_ascii=False, separators=separators)}\n\n".encode()


def _redacted(chunks: list[bytes]) -> tuple[str, list[Any]]:
    stream = Redactor.from_setting().stream("text/event-stream")
    out, marks = "", []
    for piece, found in [*map(stream.feed, chunks), stream.flush()]:
        assert piece is None or isinstance(piece, str)
        out += piece or ""
        marks += found
    return out, marks


@given(
    deltas=st.lists(st.sampled_from(PIECES), max_size=30),
    shape=st.sampled_from([_responses, _chat]),
    compact=st.booleans(),
    padding=st.sampled_from([None, "aB3", "x" * 19, "AKIA" + "A7" * 8]),
    cuts=st.lists(st.integers(1, 400), max_size=12),
    each=st.booleans(),
)
def test_the_short_way_gives_what_the_careful_one_gives(
    deltas: list[str], shape: Any, *, compact: bool, padding: str | None, cuts: list[int], each: bool
) -> None:
    more = {} if padding is None else {"obfuscation": padding}
    events = [_wire(shape(n, delta, **more), compact=compact) for n, delta in enumerate(deltas)]
    chunks = events
    if not each:
        whole, chunks = b"".join(events), []
        for cut in cuts:
            chunks.append(whole[:cut])
            whole = whole[cut:]
        chunks.append(whole)

    short = _redacted(chunks)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Alike, "learned", lambda *_: None)
        assert short == _redacted(chunks)


@pytest.mark.parametrize("shape", [_responses, _chat])
@pytest.mark.parametrize("compact", [True, False])
def test_an_ordinary_stream_goes_the_short_way(
    shape: Any, *, compact: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    reading = json.loads

    def counted(text: str, **how: Any) -> Any:
        parsed.append(text)
        return reading(text, **how)

    monkeypatch.setattr(json, "loads", counted)
    chunks = [_wire(shape(n, f" word{n}", obfuscation="x" * (n % 9 + 1)), compact=compact) for n in range(50)]

    assert _redacted(chunks) == (b"".join(chunks).decode(), [])

    assert len(parsed) == 1


def test_a_secret_that_comes_in_pieces_after_many_words_is_replaced() -> None:
    pieces = [" some", " words", " and", " sk-", "proj-", "abcdefghij", "0123456789", "ABCD", " done"]
    out, marks = _redacted([_wire(_responses(n, piece), compact=True) for n, piece in enumerate(pieces)])

    assert "abcdefghij" not in out
    assert "0123456789" not in out
    assert "<redacted:openai_key>" in out
    assert marks


def test_what_differs_around_the_delta_is_read_with_care() -> None:
    secret = "sk-proj-abcdefghij0123456789ABCD"
    events = [_responses(n, " word") for n in range(5)]
    events.append({**_responses(5, " word"), "logprobs": [{"token": secret}]})
    events.append({**_responses(6, " word"), "item_id": secret})
    out, marks = _redacted([_wire(event, compact=True) for event in events])

    assert secret not in out
    assert len(marks) == 2


@pytest.mark.parametrize("odd", [b"event: \xff\n", b"data: \xff\n\n", b"data: {\xc3", b"\xc3\n\n\xa9"])
@pytest.mark.parametrize("cuts", [(), (3,), (1, 3, 4), (1, 2, 3, 4, 5)])
def test_bytes_that_are_no_text_are_kept_wherever_they_come(odd: bytes, cuts: tuple[int, ...]) -> None:
    events = [_wire(_responses(n, " é"), compact=True) for n in range(6)]
    events[3] += odd
    ends = [0, *cuts, len(events)]
    chunks = [b"".join(events[start:end]) for start, end in itertools.pairwise(ends)]
    stream = Redactor.from_setting().stream("text/event-stream")
    kept = b""
    for piece, _ in [*map(stream.feed, chunks), stream.flush()]:
        if isinstance(piece, dict):
            kept += base64.b64decode(piece["base64"])
        else:
            kept += (piece or "").encode()

    assert kept == b"".join(events)


def test_an_event_of_another_kind_between_two_alike_is_read_with_care() -> None:
    secret = "sk-proj-abcdefghij0123456789ABCD"
    events = [_wire(_responses(n, " word"), compact=True) for n in range(9)]
    events.insert(5, _wire({"type": "response.output_text.annotation.added", "key": secret}, compact=True))

    one_by_one, together = _redacted(events), _redacted([events[0], b"".join(events[1:])])

    assert one_by_one == together
    assert secret not in together[0]
    assert len(together[1]) == 1
