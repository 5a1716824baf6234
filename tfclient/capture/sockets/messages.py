"""Messages as they may be journaled: what comes as one stream, what is sent one by one."""

from __future__ import annotations

import json
import re
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from tfclient.redaction import Redactor
    from tfclient.redaction.alike_messages import AlikeMessage
    from tfstore.journal.entries import Body, Mark

    Kept = tuple[Any, "str | Body", list[Mark]]
    """What was noted with a message, what may be kept of it, and the marks of what was changed."""

LONGEST: Final = 40 * 1024 * 1024
"""Bytes of a message that is kept; entries have a limit, and a message is one entry."""

_OWN_NAME: Final = b'"event_id": "event_'
"""How the name of an event begins, which is all that tells it from the one before: it is judged by itself, so that the
rest of the message is as before, and cleared at once (``redaction.alike``)."""

_LIFTED: Final = re.compile(r'("event_id": ?"event_)(")')

_BEGIN: Final = b"data: "
_END: Final = b"\n\n"


def parsed(data: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a message is, or None."""
    try:
        event = orjson.loads(data)
    except ValueError:
        # Numbers that it has no place for, and NaN, are JSON to the SDK. What is no UTF-8 has no text to be kept as.
        try:
            event = json.loads(data.decode())
        except (ValueError, RecursionError):
            return None
    return event if isinstance(event, dict) else None


def as_bytes(message: Any) -> bytes | None:
    """Return a message's bytes; None for what is none, or comes in pieces that only its sender may read."""
    if isinstance(message, bytes):
        return message
    if isinstance(message, str):
        return message.encode("utf-8", "surrogatepass")
    return bytes(message) if isinstance(message, bytearray | memoryview) else None


def one_line(data: bytes) -> bytes:
    """Return JSON in one line: what breaks lines in it stands between its words."""
    if b"\n" in data or b"\r" in data:
        return data.replace(b"\r", b" ").replace(b"\n", b" ")
    return data


class Incoming:
    """What comes, redacted as a stream: of a secret that is told in pieces, no message alone shows anything.

    Args:
        redactor: says what may be kept.
        where: the path of the messages, for the marks.
        named: whether each goes in as an event with its name, as an HTTP stream would have it.
    """

    def __init__(self, redactor: Redactor, where: str, *, named: bool = False) -> None:
        self._stream = redactor.stream("text/event-stream", where)
        self._looks = redactor.looks if redactor.mode == "secrets" else None
        self._waiting: deque[Any] = deque()
        self._named = named
        self.like: AlikeMessage | None = None
        """What messages were like, for who asks it of the next before that is taken; see ``went_by``."""
        self.like_name = ""
        """The name of the message that this was learned from, which need not be the last."""
        self._learned: AlikeMessage | None = None
        self.went_by = 0
        """How many were alike, and not taken."""

    def take(self, data: bytes, noted: Any, name: str = "") -> list[Kept]:
        """Take a message that is a JSON object in one line; return those that may be journaled now."""
        fed, own = data, b""
        if self._looks is not None and (at := data.find(_OWN_NAME)) >= 0:
            begin = at + len(_OWN_NAME)
            end = data.find(b'"', begin)
            own = data[begin:end]
            if own.isalnum() and not self._looks(own):
                fed = data[:begin] + data[end:]
            else:
                own = b""
        waiting = self._waiting
        self._stream.passed(self.went_by)
        self.went_by = 0
        if self._named and not name.isprintable():
            # It is one line of the stream, whatever is called so.
            name = " ".join(name.splitlines())
        head = _BEGIN if not self._named else b"event: %b\ndata: " % name.encode("utf-8", "replace")
        piece, marks = self._stream.feed(head + fed + _END)
        self.like = like = self._stream.alike()
        if like is not None and like is not self._learned:
            self._learned, self.like_name = like, name
        if not marks and not waiting and isinstance(piece, str):
            # Most messages: nothing was held back, and nothing is different of it.
            text = data.decode()
            return [(noted, f"event: {name}\ndata: {text}\n\n" if self._named else text, [])]
        waiting.append((noted, own))
        return self._kept(piece, marks)

    def rest(self) -> list[Kept]:
        """Return what is still held back."""
        if not self._waiting:
            return []
        self.like = None
        return self._kept(*self._stream.flush())

    def _kept(self, piece: Any, marks: list[Mark]) -> list[Kept]:
        if not isinstance(piece, str):
            return []
        kept: list[Kept] = []
        for block in piece.split("\n\n"):
            if block and self._waiting:
                text = f"{block}\n\n" if self._named else block.removeprefix("data: ")
                noted, own = self._waiting.popleft()
                if own:
                    text = _LIFTED.sub(rf"\g<1>{own.decode()}\g<2>", text, count=1)
                # Which of several a mark belongs to, its path says.
                kept.append((noted, text, [] if kept else marks))
        return kept


def kept_alone(
    redactor: Redactor, data: bytes, where: str, *, is_json: bool
) -> tuple[str | Body, list[Mark]]:
    """Return what may be kept of one message by itself, and the marks."""
    text, marks = redactor.body(data, "application/json" if is_json else None, where)
    if text is not None:
        return text, marks
    binary, marks = redactor.binary(data, where)
    return (binary, marks) if isinstance(binary, str) else ({"base64": binary["base64"]}, marks)
