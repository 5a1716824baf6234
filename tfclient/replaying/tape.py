"""What of a session can be played: its requests with their answers, whole again, and its sockets.

A tape is read from a session (``tape_of_session``) or a cassette (``tape_of_cassette``); who reads one from somewhere
else gives journal entries to ``tape_of_entries``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfclient.redaction import Redactor
    from tfclient.replaying.recorded import Recorded
    from tfclient.replaying.recorded_sockets import Connection

_WRITER: Final = re.compile(r"^\d+_[0-9a-f]{8}(?=-)")


@frozen(eq=False)
class Tape:
    """What can be played of one recording, in the order in which it was sent.

    ``name`` is what people know it by; ``session_id`` and ``head`` (of its journal's chain) are None where it comes
    from no session. ``redactor`` is the policy by which it was recorded: what is asked is redacted by it before the
    two are compared. ``steps`` tells the step of an attempt, by ``exchange_id``. ``sockets`` are the connections, in
    the order in which they were opened; what was asked for over them is among the attempts.

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
    sockets: tuple[Connection, ...] = ()

    def shown(self, exchange_id: str) -> str:
        """Return how messages name an attempt: short, with its step where that is known."""
        short = _WRITER.sub("…", exchange_id)
        step = self.steps.get(exchange_id)
        return f"{short} ({step})" if step else short
