"""What the lines of the journal say: one type for each type of entry, as it is written.

Who reads gets an ``Entry``: a line may be damaged, or from a later version, and promises nothing but what is said
there. ``docs/journal.md`` explains every field.
"""

import os
import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from time import monotonic_ns, time_ns
from typing import Any, Final, Literal, NotRequired, TypedDict

from tfstore.document.labels import Ending, EndReason, RedactionAction

Entry = dict[str, Any]
"""A line as read: ``seq``, ``at`` and ``type`` are there, and ``writer``, the name of its segment."""

Written = Mapping[str, Any]
"""An entry to be written: one of the types below; the segment adds ``seq``, ``session_id`` and ``prev``."""

Members = bytes
"""The members of an entry as JSON already, without the braces around them: a ``stream.chunk``, as a rule."""


class Mark(TypedDict):
    """One value that was changed before it was written; ``again`` where it is a piece, or an echo, of another."""

    path: str
    rule: str
    action: RedactionAction
    bytes: NotRequired[int]
    again: NotRequired[bool]


class Part(TypedDict):
    """A part of a form."""

    name: str
    value: NotRequired[Any]
    filename: NotRequired[str | None]
    content_type: NotRequired[str | None]
    bytes: NotRequired[int | None]
    data: NotRequired["Body"]


class Body(TypedDict):
    """A body: as text, as base64, as what an earlier one and a rest make, or why there is none of it."""

    text: NotRequired[str]
    same: NotRequired[list[str | int]]
    base64: NotRequired[str]
    unread: NotRequired[Literal["iterator", "multipart", "too_long", "redaction_failed"]]
    parts: NotRequired[list[Part]]
    bytes: NotRequired[int]


class Error(TypedDict):
    """An exception."""

    type: str
    message: str
    cause: NotRequired[str]
    traceback: NotRequired[list[str]]


class ProgramFailure(TypedDict):
    """The exception that ended the session, or the program."""

    type: str
    message: str
    cause: NotRequired[str]
    exit_code: NotRequired[int]
    signal: NotRequired[str]
    frames: NotRequired[list[str]]
    stack: NotRequired[list[str]]


class Redirect(TypedDict):
    """A response that sent the client elsewhere."""

    status: int
    url: str


class Redacted(TypedDict):
    """The redaction policy in force."""

    mode: Literal["secrets", "content", "none", "custom"]


class Replay(TypedDict):
    """What a session plays again."""

    kind: Literal["replay", "branch", "again"]
    session_id: NotRequired[str]
    head: NotRequired[str]
    until: NotRequired[str]
    unplayed: NotRequired[int]


class Played(TypedDict):
    """Where a played answer was recorded, and how its request was found there."""

    session_id: NotRequired[str]
    exchange_id: str
    how: Literal["exact", "alike", "nearest"]


class DerivedFrom(TypedDict):
    """The journal that another one was made of, to be passed on: where that ended, and what was replaced since."""

    head: str
    entries: int
    sound: bool
    redact: list[str]


# Functional: ``from`` is a word of Python's.
Imported = TypedDict(
    "Imported",
    {
        "from": str,
        "reader": int,
        "made": list[str],
        "files": list[str],
        "bytes": list[int],
        "sha256": list[str],
        "parent_session": NotRequired[str],
    },
)
"""What log a session was imported from: whose, what of it is made, and the files as far as they were read."""


class PassedOver(TypedDict):
    """What of a log became nothing: lines by kind, how many do not parse, and the numbers of the first of these."""

    passed_over: NotRequired[dict[str, int]]
    unreadable: NotRequired[int]
    lines: NotRequired[list[int]]


class Line(TypedDict):
    """What every entry has."""

    at: int
    mono: int
    seq: NotRequired[int]
    session_id: NotRequired[str]
    prev: NotRequired[str]
    redactions: NotRequired[list[Mark]]


class SessionStarted(Line):
    """The first entry of a segment: how all that follows is to be shown."""

    type: Literal["session.started"]
    journal_version: Literal[1]
    title: str | None
    metadata: dict[str, Any] | None
    channel: str
    redaction: Redacted
    runtime: NotRequired[dict[str, Any]]
    deltas: NotRequired[bool]
    raw: NotRequired[bool]
    max_payload: NotRequired[int]
    follows: NotRequired[dict[str, int]]
    clock: NotRequired[str]
    replay: NotRequired[Replay]
    derived_from: NotRequired[DerivedFrom]
    imported: NotRequired[Imported]


class SessionEnded(Line):
    """The session is over."""

    type: Literal["session.ended"]
    end_reason: EndReason
    failure: NotRequired[ProgramFailure]
    replay: NotRequired[Replay]
    imported: NotRequired[PassedOver]


class RedactionChanged(Line):
    """What follows in this segment is redacted by ``mode``, which is not the session's first policy, ``was``."""

    type: Literal["redaction.changed"]
    mode: str
    was: str


class CallStarted(Line):
    """The program called a method of the client."""

    type: Literal["call.started"]
    call: str
    method: str
    path: str
    stream: NotRequired[bool]
    cast_to: NotRequired[str]
    tool: NotRequired[str | None]
    explicit_parent: NotRequired[str | None]
    agent: NotRequired[str]
    imported: NotRequired[str]


class CallEnded(Line):
    """The call ended in an exception."""

    type: Literal["call.ended"]
    call: str
    ending: Ending
    error: Error | None


class AttemptSent(Line):
    """An HTTP request is about to leave, or what asks for a response over a socket."""

    type: Literal["attempt.sent"]
    call: str
    exchange_id: str
    n: int
    method: str
    url: str
    headers: dict[str, str]
    body: Body | None
    transport: NotRequired[Literal["websocket"]]
    socket: NotRequired[str]
    socket_n: NotRequired[int]
    lane: NotRequired[str | None]
    automatic: NotRequired[bool]


class AttemptAnswered(Line):
    """The response's head is here, and where ``complete`` its body."""

    type: Literal["attempt.answered"]
    exchange_id: str
    status: int | None
    headers: dict[str, str]
    body: Body | None
    complete: bool
    history: NotRequired[list[Redirect]]
    played: NotRequired[Played]


class StreamChunk(Line):
    """A piece of the response's body is about to be given to the program."""

    type: Literal["stream.chunk"]
    exchange_id: str
    data: str | Body


class AttemptEnded(Line):
    """A body that came in pieces is over, or no response came."""

    type: Literal["attempt.ended"]
    exchange_id: str
    ending: Ending
    bytes: int
    chunks: int
    error: NotRequired[Error | None]
    played: NotRequired[Played]


class ToolStarted(Line):
    """A tool of the program's own begins to run."""

    type: Literal["tool.started"]
    tool: str
    call_id: str | None
    name: str | None
    parent_call: NotRequired[str | None]
    arguments: NotRequired[Any]


class ToolEnded(Line):
    """A tool of the program's own has run."""

    type: Literal["tool.ended"]
    tool: str
    call_id: str | None
    name: str | None
    result: NotRequired[Any]
    error: NotRequired[Error | None]
    evidence: NotRequired[str]


class Annotation(Line):
    """The program notes something: about a call of a tool, a response, a step, or the session."""

    type: Literal["annotation"]
    kind: str
    data: Any
    call_id: NotRequired[str]
    response_id: NotRequired[str]
    step: NotRequired[str]


class OfSocket(Line):
    """What every entry of a socket has: which one, and the how manieth connection of it."""

    socket: str
    n: int


class SocketOpened(OfSocket):
    """A connection is open, or could not be opened."""

    type: Literal["socket.opened"]
    kind: str
    url: str | None
    headers: NotRequired[dict[str, str]]
    status: NotRequired[int | None]
    response_headers: NotRequired[dict[str, str]]
    error: NotRequired[Error | None]
    played: NotRequired[Played]


class SocketFrame(OfSocket):
    """A message is about to leave, or to be given to the program."""

    type: Literal["socket.frame"]
    dir: Literal["in", "out"]
    data: str | Body


class SocketAudio(OfSocket):
    """Audio went by: so many messages, of which nothing but their size is kept."""

    type: Literal["socket.audio"]
    dir: Literal["in", "out"]
    event: str
    item_id: str | None
    response_id: str | None
    first_at: int
    frames: int
    bytes: int
    ms: int


class SocketSound(OfSocket):
    """Audio of one item is kept, or its digest is: that of the session asks for it."""

    type: Literal["socket.sound"]
    dir: Literal["in", "out"]
    event: str
    item_id: str | None
    response_id: str | None
    first_at: int
    ms: int
    sound: dict[str, Any]


class SocketUnsent(OfSocket):
    """The last message that was written did not leave."""

    type: Literal["socket.unsent"]
    back: int
    error: Error | None


class SocketClosed(OfSocket):
    """A connection is over."""

    type: Literal["socket.closed"]
    code: int | None
    reason: str
    by: Literal["program", "server", "network"]
    error: NotRequired[Error | None]


TYPES: Final[dict[str, Any]] = {
    "session.started": SessionStarted,
    "session.ended": SessionEnded,
    "redaction.changed": RedactionChanged,
    "call.started": CallStarted,
    "call.ended": CallEnded,
    "attempt.sent": AttemptSent,
    "attempt.answered": AttemptAnswered,
    "stream.chunk": StreamChunk,
    "attempt.ended": AttemptEnded,
    "tool.started": ToolStarted,
    "tool.ended": ToolEnded,
    "annotation": Annotation,
    "socket.opened": SocketOpened,
    "socket.frame": SocketFrame,
    "socket.audio": SocketAudio,
    "socket.sound": SocketSound,
    "socket.unsent": SocketUnsent,
    "socket.closed": SocketClosed,
}
"""What each ``type`` of entry holds."""


def _clock() -> str:
    try:
        descriptor = os.open("/proc/sys/kernel/random/boot_id", os.O_RDONLY | os.O_CLOEXEC)
        try:
            booted = os.read(descriptor, 64)
        finally:
            os.close(descriptor)
    except Exception:  # noqa: BLE001 - elsewhere, or where it may not be read: it is known of this process and its forks
        booted = b""
    return sha256(booted).hexdigest()[:16] if booted else secrets.token_hex(8)


CLOCK: Final = _clock()
"""Names the monotonic clock: processes that give one name have one, until the machine is started anew."""


def imported_from(entries: Iterable[Entry]) -> str | None:
    """Return whose log a session was made of; None where its traffic was recorded.

    Example:
        >>> imported_from([{"type": "session.started", "imported": {"from": "codex"}}])
        'codex'
    """
    for entry in entries:
        told = entry.get("imported") if entry.get("type") == "session.started" else None
        if isinstance(told, dict):
            return str(told.get("from"))
    return None


def stamp() -> tuple[int, int]:
    """Return now, as journal entries have it: epoch and monotonic microseconds."""
    return time_ns() // 1000, monotonic_ns() // 1000


def dropped(path: str, rule: Literal["too_long", "redaction_failed", "not_decoded"], size: int) -> Mark:
    """Return the mark of something that an entry leaves out, and of how many bytes that is."""
    return {"path": path, "rule": rule, "action": "dropped", "bytes": size}
