"""A session's exchanges as a vcrpy cassette: what vcrpy plays, and under a key of ours what it has no word for.

What went over sockets is there as the journal has it, for tfclient to play.

Bodies are as they were journaled: content encodings undone, secrets replaced. So the headers that said how a body came
over the wire are left out, and its length is the one that it has here.
"""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from tfclient.export.cassette_sockets import socket_lines
from tfclient.export.yaml_bodies import yaml_body
from tfclient.importing.kept import KEY
from tfclient.importing.kept_sockets import SOCKETS
from tfclient.projection.wire.bodies import body_bytes
from tfstore.document.times import iso_exactly
from tfstore.journal.request_texts import RequestTexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfstore.journal.entries import Entry

_OF_THE_WIRE: Final = frozenset({"content-encoding", "transfer-encoding", "content-length"})


@frozen
class LeftOut:
    """What of a session has no place in a cassette: an attempt, or the body of one; and why."""

    exchange_id: str
    what: str
    why: str


@define
class Cassette:
    """The interactions of a cassette, and what was left out of it."""

    interactions: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    left_out: list[LeftOut] = field(factory=list[LeftOut])
    sockets: list[dict[str, Any]] = field(factory=list[dict[str, Any]])
    """Lines of what went over sockets, which vcrpy reads past."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing in it can be played."""
        return not self.interactions and not self.sockets

    @property
    def connections(self) -> int:
        """How many connections of sockets it holds."""
        return sum(each["type"] == "socket.opened" for each in self.sockets)

    def text(self) -> str:
        """Return it as vcrpy writes and reads it: YAML, version 1."""
        import yaml

        dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        content: dict[str, Any] = {"interactions": self.interactions, "version": 1}
        if self.sockets:
            content[KEY] = {SOCKETS: self.sockets}
        return str(
            yaml.dump(content, Dumper=dumper, allow_unicode=True, sort_keys=False, width=100_000)  # type: ignore[no-untyped-call,unused-ignore]
        )


@define
class _Exchange:
    sent: Entry
    request: bytes | None
    answered: Entry | None = None
    pieces: list[tuple[Entry, bytes]] = field(factory=list)
    ended: Entry | None = None


def cassette_of(entries: Iterable[Entry], first_sent: Mapping[str, int] = MappingProxyType({})) -> Cassette:
    """Return the exchanges of a session's entries as a cassette, in the order in which they were sent.

    Args:
        entries: all of the session's.
        first_sent: when those were sent, in microseconds since the epoch, whose answers were played, by the
            ``exchange_id`` of the recording: what is played again becomes no younger.

    Example:
        >>> sent = {"type": "attempt.sent", "at": 0, "call": "c", "exchange_id": "c.1", "n": 1, "method": "GET"}
        >>> sent |= {"url": "https://api.openai.com/v1/models", "headers": {}, "body": None}
        >>> cassette_of([sent]).left_out[0].why
        'no response came'
    """
    entries = list(entries)
    exchanges: dict[str, _Exchange] = {}
    over_sockets: dict[str, bytes | None] = {}
    texts = RequestTexts()
    for entry in entries:
        exchange_id = str(entry.get("exchange_id"))
        if entry["type"] == "attempt.sent":
            text = texts.whole(exchange_id, entry.get("body"))
            body = entry.get("body")
            known = body is None or text is not None or (isinstance(body, dict) and "base64" in body)
            data = body_bytes(body if text is None else text)
            if entry.get("transport") == "websocket":
                over_sockets[exchange_id] = data if known else None
                continue
            exchanges[exchange_id] = _Exchange(entry, data if known else None)
            continue
        exchange = exchanges.get(exchange_id)
        if exchange is None:
            continue
        if entry["type"] == "attempt.answered":
            exchange.answered = entry
        elif entry["type"] == "stream.chunk":
            exchange.pieces.append((entry, body_bytes(entry.get("data"))))
        elif entry["type"] == "attempt.ended":
            exchange.ended = entry
    made = Cassette()
    for exchange_id, exchange in exchanges.items():
        _add(made, exchange_id, exchange, first_sent)
    made.sockets = socket_lines(entries, over_sockets, first_sent)
    return made


def _add(made: Cassette, exchange_id: str, exchange: _Exchange, first_sent: Mapping[str, int]) -> None:
    sent, answered = exchange.sent, exchange.answered
    if answered is None or not isinstance(answered.get("status"), int):
        error = (exchange.ended or {}).get("error")
        kind = f": {error.get('type')}" if isinstance(error, dict) else ""
        made.left_out.append(LeftOut(exchange_id, "attempt", f"no response came{kind}"))
        return
    body = answered.get("body")
    if exchange.request is None:
        why = str(sent["body"].get("unread", "it refers to one that is not there"))
        made.left_out.append(LeftOut(exchange_id, "request body", why))
    if isinstance(body, dict) and "unread" in body:
        made.left_out.append(LeftOut(exchange_id, "response body", str(body["unread"])))
    data = body_bytes(body) if answered.get("complete") else b"".join(each for _, each in exchange.pieces)
    status = answered["status"]
    made.interactions.append(
        {
            "request": {
                "body": yaml_body(exchange.request or b""),
                "headers": _headers(sent.get("headers"), len(exchange.request or b"")),
                "method": str(sent.get("method")),
                "uri": str(sent.get("url")),
            },
            "response": {
                "body": {"string": yaml_body(data)},
                "headers": _headers(answered.get("headers"), len(data)),
                "status": {"code": status, "message": _phrase(status)},
            },
            KEY: _kept(exchange_id, exchange, answered, first_sent),
        }
    )


def _kept(
    exchange_id: str, exchange: _Exchange, answered: Entry, first_sent: Mapping[str, int]
) -> dict[str, Any]:
    sent, ended = exchange.sent, exchange.ended
    played = answered.get("played")
    recording = str(played.get("exchange_id")) if isinstance(played, dict) else ""
    kept: dict[str, Any] = {
        "recorded_at": iso_exactly(first_sent.get(recording, sent["at"])),
        "call": str(sent.get("call")),
        "n": sent.get("n"),
        "exchange_id": exchange_id,
    }
    kept["answered_ms"] = _milliseconds(sent, answered)
    if history := answered.get("history"):
        kept["history"] = history
    if answered.get("complete"):
        return kept
    kept["chunks"] = [[_milliseconds(sent, chunk), len(data)] for chunk, data in exchange.pieces]
    if ended is not None:
        kept["ended_ms"] = _milliseconds(sent, ended)
        kept["ending"] = str(ended.get("ending"))
        if ended.get("error"):
            kept["error"] = ended["error"]
    return kept


def _milliseconds(since: Entry, then: Entry) -> float:
    """Return what passed between two entries, by the clock that nobody sets where both are by one."""
    clocks = [since.get("mono"), then.get("mono")]
    if all(isinstance(each, int) and each > 0 for each in clocks) and since.get("writer") == then.get(
        "writer"
    ):
        return float(then["mono"] - since["mono"]) / 1000
    return float(then["at"] - since["at"]) / 1000


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _headers(headers: Any, length: int) -> dict[str, list[str]]:
    if not isinstance(headers, dict):
        return {}
    kept = {str(name): [str(value)] for name, value in headers.items() if name not in _OF_THE_WIRE}
    return {**kept, "content-length": [str(length)]} if "content-length" in headers else kept
