"""What became of a file that was to be imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

if TYPE_CHECKING:
    from tfstore.document.documents import Session


@frozen
class NotDecoded:
    """A body that came compressed and could not be undone, or not all of it: that of the n-th exchange."""

    exchange: int
    body: Literal["request", "response"]
    why: str


@frozen
class Imported:
    """What became of one cassette, or of one thread of an agent's log: its session, or why there is none.

    ``agent`` is whose log it is, None for cassettes. ``unchanged`` says that nothing was added to it since it was
    imported; ``passed_over`` what of it became nothing: ``{"passed_over": {kind: lines}, "unreadable": lines}``.
    """

    path: Path
    session: Session | None = None
    left_out: int = 0
    problem: str | None = None
    not_decoded: tuple[NotDecoded, ...] = ()
    agent: str | None = None
    unchanged: bool = False
    passed_over: dict[str, Any] = field(factory=dict[str, Any])
