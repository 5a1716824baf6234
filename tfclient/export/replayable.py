"""What of a session can be given to its program again, and how truly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import asdict, frozen

from tfclient.replaying.kept_sounds import reading
from tfclient.replaying.recorded_sockets import Heard
from tfclient.replaying.sockets.of_entries import connections_of
from tfclient.replaying.sockets.spoken import silent_in
from tfstore.reading.figures import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfclient.replaying.recorded_sockets import Connection
    from tfstore.disk.blobs import Blobs
    from tfstore.document.documents import Session
    from tfstore.journal.entries import Entry

Level = Literal["exact", "placeholders", "no"]

_HASHED: Final = {
    "content": "its texts are hashes: a program would be given those",
    "custom": "it was recorded with a function as redact=…: what that left out, nobody knows here",
}


@frozen
class Replayable:
    """``exact``: what the program was given is whole. ``placeholders``: some was replaced. ``no``: ``why`` says it."""

    level: Level
    why: str

    def as_json(self) -> dict[str, Any]:
        """Return it as ``bundle.json`` has it."""
        return asdict(self)


def replayable(
    session: Session, entries: Sequence[Entry], blobs: Blobs, asked: Iterable[str] = ()
) -> Replayable:
    """Say how truly a session can be played again.

    Args:
        session: its document.
        entries: those of its journal.
        blobs: where the sounds are that were kept.
        asked: what was replaced when it was passed on.
    """
    if why := _HASHED.get(session.redaction.mode):
        return Replayable("no", why)
    answers = replaced = lost = 0
    for entry in entries:
        kind, body = entry["type"], entry.get("body")
        answers += kind in {"attempt.answered", "socket.opened"}
        if kind == "socket.frame" and entry.get("dir") == "in":
            body = entry.get("data")
        if kind in {"attempt.answered", "stream.chunk", "socket.frame"}:
            lost += isinstance(body, dict) and "unread" in body
            replaced += sum(_is_of_an_answer(each) for each in entry.get("redactions") or ())
    if not answers:
        return Replayable("no", "its journal holds no answer")
    told = []
    if replaced:
        told.append(
            f"{counted(replaced, 'value')} of its answers {'was' if replaced == 1 else 'were'} replaced"
        )
    sockets = connections_of(entries, (), reading(blobs))
    silent = silent_in(sockets)
    if silent:
        told.append(
            f"{counted(silent, 'message')} of audio {'was' if silent == 1 else 'were'} not kept, and silence is played"
        )
    if lost:
        told.append(f"{counted(lost, 'answer')} {'was' if lost == 1 else 'were'} not kept")
    if asked := list(asked):
        told.append(f"its requests are those of the program but for {' and '.join(asked)}")
    if told:
        return Replayable("placeholders", "; ".join(told))
    cut = "; its audio is cut into messages of equal length" if any(map(_brought_audio, sockets)) else ""
    return Replayable("exact", f"nothing of its answers was replaced{cut}")


def _brought_audio(connection: Connection) -> bool:
    return any(isinstance(each, Heard) and not each.is_out for each in connection.items)


def _is_of_an_answer(mark: Any) -> bool:
    return isinstance(mark, dict) and str(mark.get("path")).startswith(("response.body", "socket.in"))
