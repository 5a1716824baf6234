"""One recorded request, and what came of it."""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import field, frozen

Piece = tuple[int, bytes]
"""Microseconds since the request was sent, and bytes of the response's body, content encoding undone."""

_OVER: Final = re.compile(
    rb'data: ?(?:\[DONE\]|\{.*"type": ?"(?:response\.(?:completed|failed|incomplete)|error)".*)\s*\Z'
)
"""The end of a stream's last word: who read no further has read all."""


@frozen(eq=False)
class Recorded:
    """One recorded attempt: a request, over HTTP or a socket, and what came of it.

    ``body`` are the request's bytes, None where they were not kept; then ``unread`` is the journal's body that says
    why, with the parts of a form. Headers are by lower-cased name. ``retry`` counts from 0. ``status`` is None where
    no response came; ``ending`` is as in the journal, None where nobody saw the end. ``error`` is the journal's
    exception. ``answered_after`` are microseconds from the request to the response's head. ``unknown`` says why there
    is no answer to give, ``placeholders`` that something in the answer was replaced before it was kept. ``socket`` is
    the journal's name of the WebSocket that it went over, if it did, ``lane`` its lane there.
    """

    exchange_id: str
    call: str
    retry: int
    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    unread: dict[str, Any] | None = None
    status: int | None = None
    answer_headers: dict[str, str] = field(factory=dict[str, str])
    pieces: tuple[Piece, ...] = ()
    ending: str | None = None
    error: dict[str, Any] | None = None
    sent_at: int = 0
    answered_after: int = 0
    unknown: str | None = None
    placeholders: bool = False
    socket: str | None = None
    lane: str | None = None

    @property
    def answer(self) -> bytes:
        """The response's body, as far as it came."""
        return b"".join(data for _, data in self.pieces)

    @property
    def read_in_part(self) -> bool:
        """Whether more may have come than the recorded program read."""
        if self.status is None or self.ending in {"completed", "http_error", "cut"}:
            return False
        return _OVER.match(self.answer.rstrip().rpartition(b"\n")[2]) is None
