"""Secrets that a stream brings in pieces: ``sk-``, then ``proj-``, then the rest, in an event each.

The pieces of one text (a message, one call's arguments) are joined as they pass. While the end of the joined
text could be the beginning of a secret, events are held back; as soon as it is clear what it is, they go on:
untouched, or with the secret's first piece replaced by ``<redacted:RULE>`` and the others emptied.

What can remain of a secret: at most the first two characters of a fixed prefix (``sk`` of ``sk-``), when a
piece ends inside the prefix: nothing is held back for two letters. Nothing of a value under a secret's name.
A shape that begins directly after a letter or digit is no shape here either, as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from tfclient.redaction.marks import Mark, mark, placeholder
from tfclient.redaction.text import find_secrets, may_open

CONTEXT: Final = 128
"""Characters of a text that is gone which are still joined to what comes."""

_MOST_LINES: Final = 2048
_MOST_CHARS: Final = 1 << 16

_NOT_TEXT: Final = frozenset({"role", "id", "type", "name", "obfuscation", "finish_reason", "logprobs"})

Channel: TypeAlias = tuple[object, ...]


def end_of(text: str, start: int) -> str:
    """Give the end of a text; where it was cut inside a word, no secret may seem to begin."""
    if start <= 0:
        return text
    before = text[start - 1]
    return f"{'x' if before.isalnum() else before}{text[start:]}"


class Line:
    """One line of an event stream on its way to the journal."""

    def __init__(self, text: str, n: int = 0, event: dict[str, Any] | None = None) -> None:
        self.text = text
        self.n = n
        self.event = event
        self.edited = False


class _Piece:
    """One delta: where its text is in its event, and where it starts in the joined text."""

    def __init__(self, line: Line, holder: dict[str, Any], key: str, path: str, start: int) -> None:
        self.line = line
        self.holder = holder
        self.key = key
        self.path = path
        self.start = start
        self.text: str = holder[key]


class Joined:
    """The text of one channel: a little of what is gone, and what is held."""

    def __init__(self) -> None:
        self.text = ""
        self.pieces: list[_Piece] = []
        self.opened: int | None = None
        self.seen = 0
        self.begun = False
        """Whether its end belongs to a secret that was replaced, and that goes on."""


class JoinedDeltas:
    """Holds back the events that may carry a piece of a secret.

    ``held`` are those that wait.

    Args:
        where: The path of the stream, for the marks.
        find: Finds what is to be replaced in a text: ``(start, end, rule)``, in order.
    """

    def __init__(self, where: str, find: Callable[[str], list[tuple[int, int, str]]] = find_secrets) -> None:
        self._where = where
        self._find = find
        self._channels: dict[Channel, Joined] = {}
        self.held: list[Line] = []
        self._chars = 0

    def joined(self, channel: Channel) -> Joined | None:
        """Give the text that the deltas of a channel are joined to."""
        return self._channels.get(channel)

    def feed(self, line: Line, marks: list[Mark]) -> list[Line]:
        """Take the next line; give the lines that may go on, in order."""
        if line.event is None and not self.held:
            return [line]
        for joined in self.hold(line):
            joined.opened = may_open(joined.text, joined.seen, joined.opened)
            joined.seen = len(joined.text)
        bounded = len(self.held) <= _MOST_LINES and self._chars <= _MOST_CHARS
        if bounded and not _ends_texts(line) and any(j.opened is not None for j in self._channels.values()):
            return []
        return self.release(marks)

    def hold(self, line: Line) -> list[Joined]:
        """Take the next line, to be released when it is asked for; give the texts that it goes on."""
        self.held.append(line)
        self._chars += len(line.text)
        touched: list[Joined] = []
        if line.event is not None:
            for channel, holder, key, path in deltas_of(line.event):
                touched.append(self._join(channel, _Piece(line, holder, key, path, 0)))
        return touched

    def release(self, marks: list[Mark]) -> list[Line]:
        """Give every line that is held, its secrets replaced."""
        for joined in self._channels.values():
            if joined.pieces:
                self._settle(joined, marks)
        lines, self.held, self._chars = self.held, [], 0
        return lines

    def _join(self, channel: Channel, piece: _Piece) -> Joined:
        joined = self._channels.setdefault(channel, Joined())
        piece.start = len(joined.text)
        joined.text += piece.text
        joined.pieces.append(piece)
        return joined

    def _settle(self, joined: Joined, marks: list[Mark]) -> None:
        spans = self._find(joined.text)
        for start, end, rule in reversed(spans):
            self._replace(joined, start, end, rule, marks)
        # Events that had to go on while a secret is still coming: its beginning is remembered, so that what
        # follows is still seen as part of it.
        joined.begun = joined.opened is not None and bool(spans) and spans[-1][1] == len(joined.text)
        if joined.opened is not None:
            joined.text = joined.text[joined.opened : joined.opened + CONTEXT]
        else:
            done = spans[-1][1] if spans else 0
            joined.text = end_of(joined.text, max(done, len(joined.text) - CONTEXT))
        joined.pieces = []
        joined.opened = None
        joined.seen = 0

    def _replace(self, joined: Joined, start: int, end: int, rule: str, marks: list[Mark]) -> None:
        pieces = joined.pieces
        touched = [p for p in pieces if p.start < end and p.start + len(p.text) > start]
        for piece in touched:
            text: str = piece.holder[piece.key]
            head = text[: max(0, start - piece.start)]
            # Spans come from the last to the first: up to `end` the text is still as it was.
            tail = text[end - piece.start :] if end < piece.start + len(piece.text) else ""
            piece.holder[piece.key] = head + (placeholder(rule) if piece is touched[0] else "") + tail
            piece.line.edited = True
            path = f"{self._where}.events[{piece.line.n}].{piece.path}"
            # One value is counted once, with all of its bytes: what stands in the other pieces is of the same.
            first = piece is touched[0]
            was = joined.text[start:end] if first else piece.text[: end - piece.start]
            made = mark(path, rule, "replaced", was)
            if not first or (joined.begun and start < pieces[0].start):
                made["again"] = True
            marks.append(made)


def _ends_texts(line: Line) -> bool:
    """Say whether an event tells that texts are whole: nothing more can come of what was begun."""
    if line.event is None:
        return line.text.startswith("data: [DONE]")
    inner = _inside(line.event)
    kind = (line.event if inner is None else inner).get("type")
    if isinstance(kind, str):
        return kind.endswith((".done", ".completed", ".failed", ".incomplete"))
    choices = line.event.get("choices")
    return isinstance(choices, list) and any(isinstance(c, dict) and c.get("finish_reason") for c in choices)


def _inside(event: dict[str, Any]) -> dict[str, Any] | None:
    """Give the event of a delegated response that an event of a live session brings."""
    inner = event.get("event")
    return inner if isinstance(inner, dict) else None


def deltas_of(event: dict[str, Any]) -> Iterator[tuple[Channel, dict[str, Any], str, str]]:
    """Give the places of an event that carry a piece of a text: channel, holder, key, path."""
    yield from _own_deltas(event)
    inner = _inside(event)
    if inner is not None:
        lane = ("event", str(event.get("delegation_id")))
        for channel, holder, key, path in _own_deltas(inner):
            yield (*lane, *channel), holder, key, f"event.{path}"


def _own_deltas(event: dict[str, Any]) -> Iterator[tuple[Channel, dict[str, Any], str, str]]:
    delta = event.get("delta")
    if isinstance(delta, str):
        parts = tuple(event.get(key) for key in ("type", "output_index", "content_index", "summary_index"))
        yield tuple(map(str, parts)), event, "delta", "delta"
    elif isinstance(delta, dict):
        yield from _leaves(delta, ("delta",), "delta")
    choices = event.get("choices")
    for n, choice in enumerate(choices if isinstance(choices, list) else []):
        if not isinstance(choice, dict):
            continue
        channel = ("choice", str(choice.get("index", n)))
        if isinstance(choice.get("text"), str):
            yield (*channel, "text"), choice, "text", f"choices[{n}].text"
        if isinstance(choice.get("delta"), dict):
            yield from _leaves(choice["delta"], channel, f"choices[{n}].delta")


def _leaves(
    holder: dict[str, Any], channel: Channel, path: str
) -> Iterator[tuple[Channel, dict[str, Any], str, str]]:
    for key, member in holder.items():
        if key in _NOT_TEXT:
            continue
        if isinstance(member, str):
            yield (*channel, key), holder, key, f"{path}.{key}"
        elif isinstance(member, dict):
            yield from _leaves(member, (*channel, key), f"{path}.{key}")
        elif isinstance(member, list):
            for n, item in enumerate(member):
                if isinstance(item, dict):
                    yield from _leaves(item, (*channel, key, str(item.get("index", n))), f"{path}.{key}[{n}]")
