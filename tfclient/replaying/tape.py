"""What of a session can be played: its HTTP attempts, whole again.

A tape is read from a session (``tape_of_session``) or a cassette (``tape_of_cassette``); who reads one from somewhere
else gives journal entries to ``tape_of_entries``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfclient.redaction import Redactor

_WRITER: Final = re.compile(r"^\d+_[0-9a-f]{8}(?=-)")

Piece = tuple[int, bytes]
"""Microseconds since the request was sent, and bytes of the response's body, content encoding undone."""


@frozen(eq=False)
class Recorded:
    """One recorded HTTP attempt: a request, and what came of it.

    ``body`` are the request's bytes, None where they were not kept; then ``unread`` is the journal's body that says
    why, with the parts of a form. Headers are by lower-cased name. ``retry`` counts from 0. ``status`` is None where
    no response came; ``ending`` is as in the journal, None where nobody saw the end. ``error`` is the journal's
    exception. ``answered_after`` are microseconds from the request to the response's head. ``unknown`` says why there
    is no answer to give, ``placeholders`` that something in the answer was replaced before it was kept.
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

    @property
    def answer(self) -> bytes:
        """The response's body, as far as it came."""
        return b"".join(data for _, data in self.pieces)


@frozen(eq=False)
class Tape:
    """What can be played of one recording, in the order in which it was sent.

    ``name`` is what people know it by; ``session_id`` and ``head`` (of its journal's chain) are None where it comes
    from no session. ``redactor`` is the policy by which it was recorded: what is asked is redacted by it before the
    two are compared. ``steps`` tells the step of an attempt, by ``exchange_id``.

    Example:
        >>> from tfclient.redaction import Redactor
        >>> tape = Tape("nothing", (), Redactor.from_setting(None))
        >>> tape.shown("call-1.1"), len(tape.attempts)
        ('call-1.1', 0)
    """

    name: str
    attempts: tuple[Recorded, ...]
    redactor: Redactor
    session_id: str | None = None
    head: str | None = None
    steps: Mapping[str, str] = field(factory=dict[str, str])

    def shown(self, exchange_id: str) -> str:
        """Return how messages name an attempt: short, with its step where that is known."""
        short = _WRITER.sub("…", exchange_id)
        step = self.steps.get(exchange_id)
        return f"{short} ({step})" if step else short
