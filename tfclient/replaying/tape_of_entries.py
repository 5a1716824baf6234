"""Journal entries → attempts that can be played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfclient.importing.encodings import undone
from tfclient.projection.wire.bodies import body_bytes
from tfclient.replaying.recorded import Piece, Recorded
from tfstore.journal.request_texts import RequestTexts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tfstore.journal.entries import Entry

_NOT_KEPT: Final = frozenset({"not_decoded", "not_seen", "too_long", "redaction_failed"})
"""Rules of marks of answers that were left out."""


def attempts_of(entries: Iterable[Entry]) -> tuple[Recorded, ...]:
    """Return the attempts that a journal tells of, over HTTP and sockets, in the order in which they were sent.

    Args:
        entries: all of a session's, in their order.
    """
    texts = RequestTexts()
    found: dict[str, _Attempt] = {}
    for entry in entries:
        name, kind = str(entry.get("exchange_id")), entry["type"]
        if kind == "attempt.sent":
            found[name] = _Attempt(entry, texts.whole(name, entry.get("body")))
        elif (attempt := found.get(name)) is not None:
            attempt.take(kind, entry)
    return tuple(attempt.recorded() for attempt in found.values())


@define(eq=False)
class _Attempt:
    sent: Entry
    text: str | None
    answered: Entry | None = None
    ended: Entry | None = None
    pieces: list[Piece] = field(factory=list[Piece])
    packed: bool = False
    marks: list[Any] = field(factory=list[Any])

    def take(self, kind: str, entry: Entry) -> None:
        if kind == "attempt.answered":
            self.answered = entry
            if entry.get("complete"):
                self._piece(entry, entry.get("body"))
        elif kind == "stream.chunk":
            self._piece(entry, entry.get("data"))
        elif kind == "attempt.ended":
            self.ended = entry
        else:
            return
        self.marks += entry.get("redactions") or ()

    def _piece(self, entry: Entry, body: Any) -> None:
        data = body_bytes(body)
        self.packed = self.packed or (isinstance(body, dict) and "base64" in body)
        if data:
            self.pieces.append((self._since(entry), data))

    def _since(self, entry: Entry) -> int:
        clock = "mono" if entry.get("mono") and self.sent.get("mono") else "at"
        return max(0, int(entry[clock]) - int(self.sent[clock]))

    def recorded(self) -> Recorded:
        sent, answered, ended = self.sent, self.answered or {}, self.ended or {}
        headers = _headers(sent)
        body, unread = self._request()
        retry = headers.get("x-stainless-retry-count", "")
        n = sent.get("n")
        ending = ended.get("ending") or ("completed" if answered.get("complete") else None)
        status = answered.get("status")
        return Recorded(
            exchange_id=str(sent["exchange_id"]),
            call=str(sent.get("call")),
            retry=int(retry) if retry.isdigit() else (n - 1 if isinstance(n, int) else 0),
            method=str(sent.get("method") or "POST").upper(),
            url=str(sent.get("url") or ""),
            headers=headers,
            body=body,
            unread=unread,
            status=status if isinstance(status, int) else None,
            answer_headers=_headers(answered),
            pieces=tuple(self._whole(_headers(answered).get("content-encoding", ""))),
            ending=None if ending == "unknown" else ending,
            error=ended.get("error") if isinstance(ended.get("error"), dict) else None,
            sent_at=int(sent["at"]),
            answered_after=self._since(answered) if answered else 0,
            unknown=self._unknown(ending),
            placeholders=any(_is_in_answer(mark) for mark in self.marks),
            socket=str(sent.get("socket")) if sent.get("transport") == "websocket" else None,
            lane=sent.get("lane") if isinstance(sent.get("lane"), str) else None,
        )

    def _request(self) -> tuple[bytes | None, dict[str, Any] | None]:
        body = self.sent.get("body")
        if self.text is not None:
            return self.text.encode("utf-8", "surrogatepass"), None
        if body is None:
            return b"", None
        if isinstance(body, dict) and "base64" in body:
            return body_bytes(body), None
        return None, dict(body) if isinstance(body, dict) else {}

    def _whole(self, encoding: str) -> list[Piece]:
        if not (self.packed and encoding):
            return self.pieces
        # Earlier journals hold such pieces as they came.
        whole = undone(b"".join(data for _, data in self.pieces), encoding).data
        return [(self.pieces[-1][0], whole)] if self.pieces else []

    def _unknown(self, ending: str | None) -> str | None:
        answered = self.answered
        if answered is None:
            # Over a socket, a program may ask and close it without waiting: nothing is missing of what it had.
            left = ending == "left_early" and self.sent.get("transport") == "websocket"
            return None if left or ending in {"no_response", "cut"} else "its answer was never recorded"
        body = answered.get("body")
        if isinstance(body, dict) and "unread" in body:
            return f"its answer could not be kept ({body['unread']})"
        rule = next((mark.get("rule") for mark in self.marks if _leaves_out(mark)), None)
        return f"its answer could not be kept ({rule})" if rule else None


def _headers(entry: Entry) -> dict[str, str]:
    headers = entry.get("headers")
    return {str(k).lower(): str(v) for k, v in headers.items()} if isinstance(headers, dict) else {}


def _leaves_out(mark: Any) -> bool:
    return isinstance(mark, dict) and mark.get("action") == "dropped" and str(mark.get("rule")) in _NOT_KEPT


def _is_in_answer(mark: Any) -> bool:
    """Whether something of the body was replaced; of headers, what is no credential."""
    return (
        isinstance(mark, dict)
        and str(mark.get("path")).startswith("response.")
        and not str(mark.get("rule")).startswith("header:")
    )
