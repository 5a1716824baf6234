"""Messages that are as the one before go a short way, to the same end as the careful one."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import journals
from tests.capture.sockets.test_responses import answered, create
from tests.redaction.pieces import PIECES
from tests.server.sockets import Got
from tfclient.capture.sockets import socket
from tfclient.capture.sockets.messages import parsed as reading
from tfclient.capture.sockets.socket import Socket
from tfclient.redaction import Redactor
from tfclient.redaction.alike_messages import AlikeMessage

if TYPE_CHECKING:
    from tests.capture.sockets.conftest import Talk
    from tfclient import Recorder

_NAMES = ["event_a1B2c3", "event_", "event_AKIA" + "A7" * 8, "event_é", "other", "event_password", ""]
_KINDS = ["response.output_text.delta", "response.output_audio_transcript.delta"]


class _Place:
    """Takes what is journaled, and keeps it."""

    socket, n, kind = "socket_1", 1, "realtime"

    def __init__(self, redact: str = "secrets") -> None:
        self.sessions: Any = SimpleNamespace(redactor=Redactor.from_setting(redact), keeps_audio="count")
        self.state = None
        self.kept: list[Any] = []

    def append(self, *entries: Any) -> None:
        for entry in entries:
            told = json.loads(b"{%b}" % entry) if isinstance(entry, bytes) else entry
            self.kept.append((told["dir"], told["data"], told.get("redactions")))

    def go_on(self, members: bytes, mono: int) -> None:
        assert mono > 0
        self.append(members)

    def fault(self, error: Exception, doing: str) -> None:
        raise AssertionError(doing) from error


def _event(kind: str, name: str, turn: int, delta: str, **more: Any) -> dict[str, Any]:
    ids = {"response_id": f"resp_{turn}", "item_id": f"item_{turn}", "output_index": 0, "content_index": 0}
    return {"type": kind, "event_id": name, **ids, "delta": delta, **more}


def _kept(messages: list[Any]) -> list[Any]:
    place: Any = _Place()
    made = Socket(place)
    for message in messages:
        made.received(message)
    place.append(*made._rest())
    kept: list[Any] = place.kept
    return kept


_EVENTS = st.builds(
    _event,
    st.sampled_from(_KINDS),
    st.sampled_from(_NAMES),
    st.integers(1, 2),
    st.sampled_from(PIECES),
    obfuscation=st.sampled_from(["aB3", "x" * 19, "AKIA" + "A7" * 8]),
)


@given(
    events=st.lists(_EVENTS, max_size=30), compact=st.booleans(), ascii_only=st.booleans(), text=st.booleans()
)
def test_the_short_way_gives_what_the_careful_one_gives(
    events: list[Any], *, compact: bool, ascii_only: bool, text: bool
) -> None:
    separators = (",", ":") if compact else None
    told = [json.dumps(each, ensure_ascii=ascii_only, separators=separators) for each in events]
    messages = told if text else [each.encode() for each in told]

    short = _kept(messages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AlikeMessage, "of", lambda *_: None)
        assert short == _kept(messages)


@pytest.mark.parametrize("broken", [b"\xff", b"\x01", b'"', b"\\"])
def test_what_is_no_message_any_more_is_none_that_is_alike(broken: bytes) -> None:
    told = [json.dumps(_event(_KINDS[0], "event_a1", 1, f" word{n}")).encode() for n in range(3)]
    messages = [*told, told[0].replace(b" word0", b" wo%brd" % broken), told[0]]

    short = _kept(messages)

    assert len(short) == 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AlikeMessage, "of", lambda *_: None)
        assert short == _kept(messages)


def test_pieces_of_text_are_not_parsed_one_by_one_in_any_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    patterns: list[Any] = []
    matching = AlikeMessage.__init__

    def counted(data: bytes) -> Any:
        parsed.append(data)
        return reading(data)

    def noted(self: Any, like: Any, *args: Any) -> None:
        patterns.append(like)
        matching(self, like, *args)

    monkeypatch.setattr(socket, "parsed", counted)
    monkeypatch.setattr(AlikeMessage, "__init__", noted)
    events = [
        _event(
            _KINDS[1], f"event_E4ySyomQDvHhLDYNp{n:04}", n // 50, f" word{n}", obfuscation="x" * (n % 9 + 1)
        )
        for n in range(200)
    ]
    kept = _kept([json.dumps(each).encode() for each in events])

    assert [json.loads(data) for _, data, _ in kept] == events
    # The first of each turn, from which the others are known.
    assert len(parsed) == 4
    assert len({id(each) for each in patterns}) == 1

    parsed.clear()
    kept = _kept([json.dumps({"type": "x.delta", "delta": f" word{n}"}).encode() for n in range(50)])
    assert len(kept) == 50
    assert len(parsed) == 1, "there may be no ids"


def test_a_response_in_pieces_over_a_socket(
    talk: Talk, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []

    def counted(data: bytes) -> Any:
        parsed.append(data)
        return reading(data)

    monkeypatch.setattr(socket, "parsed", counted)
    created, delta, completed = answered(1)
    many = [
        {**delta, "delta": f" {n}", "sequence_number": n, "obfuscation": "x" * (n % 9 + 1)} for n in range(40)
    ]
    talk.sockets.script(Got(), created, *many, completed, Got(), created, *many, completed, Got())
    with talk.connected("responses") as connection:
        for _ in range(2):
            talk.send(connection, create(input="Count"))
            assert talk.read(connection, 42) == [created, *many, completed]
    first, second = (
        "".join(
            each["data"] for each in journals.entries(recorder, "stream.chunk") if each["exchange_id"] == id_
        )
        for id_ in dict.fromkeys(each["exchange_id"] for each in journals.entries(recorder, "stream.chunk"))
    )
    told = "".join(
        f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in [created, *many, completed]
    )
    assert first == second == told
    ends = journals.entries(recorder, "attempt.ended")
    assert [each["chunks"] for each in ends] == [42, 42]
    assert [each["bytes"] for each in ends] == [
        sum(len(json.dumps(each)) for each in (created, *many, completed))
    ] * 2
    assert len(parsed) < 20
