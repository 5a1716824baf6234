"""Redaction of a body that comes in pieces: what is certain goes on at once, the rest waits.

An event stream is handled line by line, so at most the last, unfinished line is held back (and the events
that may carry a piece of a secret, see :mod:`tfclient.redaction.deltas`). A JSON document is held as a whole,
a text up to its last line. Nothing is held beyond a limit: what comes after it is scanned as text, with an
overlap, so that a secret across the cut is still seen.

Bytes that are no text are given as base64. Secrets are looked for in them too, but a secret that is split
between two pieces of a binary body stays.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Final, TypeAlias

from tfclient.redaction.alike import Alike
from tfclient.redaction.alike_messages import AlikeMessage
from tfclient.redaction.deltas import JoinedDeltas, Line
from tfclient.redaction.marks import Mark
from tfclient.redaction.policies import Policy, clean_text
from tfclient.redaction.text import find_secrets
from tfclient.redaction.walk import NotJSON, dump, parse

Piece: TypeAlias = "str | dict[str, str] | None"
"""What may be journaled: text, ``{"base64": …}``, or nothing yet."""

_HELD: Final = 256 * 1024
# Where every text is hashed, a line cut in two is lost: as much is held as the SDK holds itself.
_HELD_WHOLE: Final = 64 * 1024 * 1024
_OVERLAP: Final = 8 * 1024

# The bytes of a UTF-8 character: where continuations and starts begin, and its length by its start.
_CONTINUES: Final = 0x80
_STARTS: Final = 0xC0
_LENGTHS: Final = ((4, 0xF0), (3, 0xE0), (2, _STARTS))

_EVENT_STREAM: Final = re.compile(rb"\s*(?:data:|event:|id:|retry:|:)")
_BEGINNINGS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")
_FIELD: Final = re.compile(
    r"(?:event|id|retry):[ ]?[\w.:-]{0,128}[\r\n]*|[\r\n]*|data:[ ]?\[DONE\][\r\n]*", re.ASCII
)
_DELTA: Final = b'"delta"'
_EVENT_END: Final = b"}\n\n"
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+\Z")
_DATA: Final = re.compile(r"data:[ ]?")


class StreamRedactor:
    """Takes the chunks of one body and gives what may be journaled of them.

    The pieces it gives, put together, are the body as it may be kept; they are not cut where the chunks were.

    Args:
        policy: What may be kept.
        content_type: The response's content type, if known; else the first bytes tell.
        where: The path of the body, for the marks.
    """

    def __init__(self, policy: Policy, content_type: str | None, where: str) -> None:
        self._policy = policy
        self._where = where
        self._pending = b""
        self._is_json = False
        self._take: Callable[[list[Mark], bool], Piece] | None = self._by_type(content_type)
        self._limit = _HELD if policy.mode == "secrets" else _HELD_WHOLE
        self._deltas = JoinedDeltas(where) if policy.mode == "secrets" else None
        self._line_number = 0
        self._in_long_line = False
        self._alike: Alike | None = None
        self._replaced: Counter[tuple[str, int | None]] = Counter()

    def feed(self, chunk: bytes) -> tuple[Piece, list[Mark]]:
        """Take a chunk.

        Args:
            chunk: The next bytes of the body, its content encoding undone.

        Returns:
            What may be journaled now (None: nothing yet), and the marks of what was changed in it.
        """
        if (piece := self._as_before(chunk)) is not None:
            return piece
        end = self._end_of_a_delta(chunk)
        if end == len(chunk):
            return self._carefully(chunk)
        first, marks = self._carefully(chunk[:end])
        # Most often it is learned from the first event with a delta what the next ones are like.
        rest, more = self._as_before(chunk[end:]) or self._carefully(chunk[end:])
        return _together(first, rest), marks + more

    def alike(self) -> AlikeMessage | None:
        """Give what is like the event that was fed last, one event a time, if nothing is held back of it or before."""
        held = self._pending or self._in_long_line or self._deltas is None or self._deltas.held
        return None if held or self._alike is None else self._alike.message

    def passed(self, count: int) -> None:
        """Count events that were not fed, since they were alike."""
        self._line_number += count

    def _as_before(self, chunk: bytes) -> tuple[Piece, list[Mark]] | None:
        """Take a chunk whose events are as the one before, or None if they are not."""
        alike, deltas = self._alike, self._deltas
        if alike is None or deltas is None or deltas.held:
            return None
        data = self._pending + chunk if self._pending else chunk
        count, end = alike.clears(data)
        if not count:
            return None
        try:
            if end == len(data):
                text = data.decode()
                self._pending = b""
                self._line_number += count
                return text, []
            # Others come behind them.
            whole = max(end, data.rfind(b"\n\n", end) + 2)
            data[end:whole].decode()
            text = data[:end].decode()
        except UnicodeDecodeError:
            return None
        self._line_number += count
        self._pending = data[end:whole]
        marks: list[Mark] = []
        rest = self._events(marks, last=False) if self._pending else None
        self._pending += data[whole:]
        self._remember(marks)
        return _together(text, rest), marks

    def _end_of_a_delta(self, chunk: bytes) -> int:
        """Where the first event with a delta ends, if what comes behind it is text too; else where all does."""
        whole = len(chunk)
        if self._pending or self._take != self._events:
            return whole
        at = chunk.find(_DELTA)
        end = -1 if at < 0 else chunk.find(_EVENT_END, at)
        try:
            chunk[: _lines_end(chunk)].decode()
        except UnicodeDecodeError:
            return whole
        return end + len(_EVENT_END) if end >= 0 else whole

    def _carefully(self, chunk: bytes) -> tuple[Piece, list[Mark]]:
        before = len(self._pending)
        self._pending += chunk
        marks: list[Mark] = []
        if self._take is None:
            self._take = self._by_beginning(last=False)
        taken = self._take(marks, False) if self._take else None
        if self._deltas is not None and not before and not marks and isinstance(taken, str):
            self._learn(taken, self._deltas)
        self._remember(marks)
        return taken, marks

    def _learn(self, text: str, deltas: JoinedDeltas) -> None:
        """Look at what the last event was like, for the next."""
        if text.endswith("}\n\n") and not deltas.held and not self._in_long_line:
            self._alike = Alike.learned(text, deltas) or self._alike

    def flush(self) -> tuple[Piece, list[Mark]]:
        """Give what is left, at the end of the body or when it broke off."""
        marks: list[Mark] = []
        if self._take is None:
            self._take = self._by_beginning(last=True)
        taken = self._take(marks, True) if self._take else None
        self._remember(marks)
        return taken, marks

    def _remember(self, marks: list[Mark]) -> None:
        for each in marks:
            if "again" not in each:
                self._replaced[_kind_of(each)] += 1

    def _echoes(self, found: list[Mark], marks: list[Mark]) -> None:
        """Mark what an event says that repeats what came before it: as often as that was replaced, it is no other."""
        before = self._replaced.copy()
        before.update(_kind_of(each) for each in marks if "again" not in each)
        for each in found:
            if before[_kind_of(each)]:
                before[_kind_of(each)] -= 1
                each["again"] = True

    # What kind of body it is

    def _by_type(self, content_type: str | None) -> Callable[[list[Mark], bool], Piece] | None:
        kind = (content_type or "").split(";")[0].strip().lower()
        if self._policy.mode == "none":
            return self._as_it_is
        if kind == "text/event-stream":
            return self._events
        self._is_json = kind.endswith(("/json", "+json"))
        if kind.startswith(("audio/", "image/", "video/")):
            return self._binary
        return None

    def _by_beginning(self, *, last: bool) -> Callable[[list[Mark], bool], Piece] | None:
        start = self._pending.lstrip()
        if _EVENT_STREAM.match(self._pending):
            return self._events
        if not last and (not start or any(word.startswith(start) for word in _BEGINNINGS)):
            return None
        if self._is_json or start[:1] in (b"{", b"["):
            return self._document
        return self._text

    # The kinds

    def _as_it_is(self, marks: list[Mark], last: bool) -> Piece:  # noqa: ARG002, FBT001
        end = len(self._pending) if last else _text_end(self._pending)
        taken, self._pending = self._pending[:end], self._pending[end:]
        if not taken:
            return None
        try:
            return taken.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(taken).decode()}

    def _binary(self, marks: list[Mark], last: bool) -> Piece:  # noqa: ARG002, FBT001
        taken, self._pending = self._pending, b""
        return clean_bytes(self._policy, taken, self._where, marks) if taken else None

    def _document(self, marks: list[Mark], last: bool) -> Piece:  # noqa: FBT001
        if not last and len(self._pending) <= self._limit:
            return None
        if not last:
            self._take = self._text
            return self._text(marks, last)
        taken, self._pending = self._pending, b""
        if not taken:
            return None
        try:
            text = taken.decode()
        except UnicodeDecodeError:
            return clean_bytes(self._policy, taken, self._where, marks)
        return clean_text(self._policy, text, self._where, marks) if self._policy.looks(taken) else text

    def _text(self, marks: list[Mark], last: bool) -> Piece:  # noqa: FBT001
        if not _is_text(self._pending, last=last):
            self._take = self._binary
            return self._binary(marks, last)
        if last or len(self._pending) > self._limit:
            return self._part_of_text(marks, last=last)
        if self._policy.mode != "secrets":
            return None
        end = _lines_end(self._pending)
        begun = self._pending.rfind(b"-----BEGIN", 0, end)
        if begun >= 0 and self._pending.find(b"-----END", begun, end) < 0:
            end = begun
        taken, self._pending = self._pending[:end], self._pending[end:]
        return self._scanned(taken.decode(), marks) if taken else None

    def _part_of_text(self, marks: list[Mark], *, last: bool) -> Piece:
        """Take all of a text that came to its end, or all but an overlap of one that is too long to hold."""
        end = len(self._pending) if last else _text_end(self._pending)
        text = self._pending[:end].decode("utf-8", "replace")
        rest = self._pending[end:]
        cut = len(text) if last else _safe_cut(text)
        self._pending = text[cut:].encode() + rest
        return self._scanned(text[:cut], marks) if cut else None

    def _scanned(self, text: str, marks: list[Mark]) -> str:
        return self._policy.text(text, self._where, marks) if self._policy.looks(text) else text

    def _events(self, marks: list[Mark], last: bool) -> Piece:  # noqa: FBT001
        end = len(self._pending) if last else _lines_end(self._pending)
        block, self._pending = self._pending[:end], self._pending[end:]
        out: list[str] = []
        if block:
            try:
                text = block.decode()
            except UnicodeDecodeError:
                # An event stream is UTF-8 by definition: this is none, or it is broken beyond reading.
                released = self._release(marks)
                self._take = self._binary
                self._pending = released.encode() + block + self._pending
                return self._binary(marks, last)
            for line in lines_of(text):
                out += self._line(line, marks)
        if last:
            out.append(self._release(marks))
        elif len(self._pending) > self._limit:
            out.append(self._release(marks))
            piece = self._part_of_text(marks, last=False)
            out.append(piece if isinstance(piece, str) else "")
            self._in_long_line = True
        return "".join(out) or None

    def _line(self, text: str, marks: list[Mark]) -> list[str]:
        if self._in_long_line:
            self._in_long_line = False
            return [self._scanned(text, marks)]
        line = Line(text)
        is_data = text.startswith("data:")
        if is_data:
            line.n = self._line_number
            self._line_number += 1
        if self._deltas is None:
            return [self._finished(line, marks)]
        if is_data and (self._deltas.held or 'delta"' in text or '"choices"' in text):
            line.event = event_of(text)
        return [self._finished(ready, marks) for ready in self._deltas.feed(line, marks)]

    def _release(self, marks: list[Mark]) -> str:
        if self._deltas is None:
            return ""
        return "".join(self._finished(line, marks) for line in self._deltas.release(marks))

    def _finished(self, line: Line, marks: list[Mark]) -> str:
        text = line.text
        if line.edited:
            text = rewritten(text, dump(line.event))
        if not self._policy.looks(text) or _FIELD.fullmatch(text):
            return text
        path = f"{self._where}.events[{line.n}]"
        if (start := _DATA.match(text)) is None:
            return self._apart_from_end(text, self._where, marks)
        payload = text[start.end() :]
        try:
            value = parse(payload)
        except NotJSON:
            return start[0] + self._apart_from_end(payload, path, marks)
        found: list[Mark] = []
        try:
            kept = dump(self._policy.document(value, path, found))
        except RecursionError:
            return start[0] + self._apart_from_end(payload, path, marks)
        if found and self._deltas is not None and _may_echo(value):
            self._echoes(found, marks)
        marks += found
        return rewritten(text, kept) if found else text

    def _apart_from_end(self, text: str, path: str, marks: list[Mark]) -> str:
        bare = text.rstrip("\r\n")
        return (self._policy.text(bare, path, marks) if bare else "") + text[len(bare) :]


def _may_echo(event: object) -> bool:
    """Say whether an event may say again what others said: of the Responses API, all but the deltas."""
    kind = event.get("type") if isinstance(event, dict) else None
    return isinstance(kind, str) and kind.startswith("response.") and not kind.endswith(".delta")


def _kind_of(mark: Mark) -> tuple[str, int | None]:
    return mark["rule"], mark.get("bytes")


def clean_bytes(policy: Policy, data: bytes, where: str, marks: list[Mark]) -> str | dict[str, str]:
    """Give what a policy keeps of bytes that are no text: base64, or the text that stands for them."""
    # latin-1 gives each byte a character, so that rules see the ASCII in it and every byte comes back.
    text = data.decode("latin-1")
    if policy.mode == "secrets":
        kept = policy.text(text, where, marks) if policy.looks(text) else text
        return {"base64": base64.b64encode(kept.encode("latin-1")).decode()}
    if policy.mode == "none":
        return {"base64": base64.b64encode(data).decode()}
    return policy.text(text, where, marks)


def event_of(text: str) -> dict[str, object] | None:
    """Give what a line of an event stream holds, if that is a JSON object."""
    start = _DATA.match(text)
    try:
        event = json.loads(text[start.end() :]) if start else None
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def rewritten(line: str, payload: str) -> str:
    """Give a line of an event stream with other data in it."""
    ending = line[len(line.rstrip("\r\n")) :]
    start = _DATA.match(line)
    return f"{start[0] if start else ''}{payload}{ending}"


def _together(first: Piece, rest: Piece) -> Piece:
    """Join the texts of two pieces, of which neither need be there."""
    return "".join(piece for piece in (first, rest) if isinstance(piece, str)) or None


def _lines_end(data: bytes) -> int:
    """Say how far whole lines go; a CR LF cut in two makes one more line, an empty one."""
    return max(data.rfind(b"\n"), data.rfind(b"\r")) + 1


def lines_of(text: str) -> list[str]:
    """Split at CR, LF and CR LF only; ``str.splitlines`` knows more line ends than event streams do."""
    if "\r" in text:
        return _LINE.findall(text)
    *whole, rest = text.split("\n")
    lines = [f"{line}\n" for line in whole]
    return [*lines, rest] if rest else lines


def _text_end(data: bytes) -> int:
    """Say how far the bytes go without an unfinished character at their end."""
    for n in range(1, min(4, len(data)) + 1):
        byte = data[-n]
        if byte < _CONTINUES:
            break
        if byte >= _STARTS:
            whole = next(length for length, least in _LENGTHS if byte >= least)
            return len(data) if n >= whole else len(data) - n
    return len(data)


def _is_text(data: bytes, *, last: bool) -> bool:
    if b"\0" in data:
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=last)
    except UnicodeDecodeError:
        return False
    return True


def _safe_cut(text: str) -> int:
    """Say where a text that is too long to hold may be cut: not inside a secret, nor soon after one began."""
    cut = len(text) - _OVERLAP
    near = max(text.rfind(",", cut - _OVERLAP, cut), text.rfind("\n", cut - _OVERLAP, cut))
    cut = near + 1 if near >= 0 else cut
    for start, end, _ in find_secrets(text):
        if start < cut < end:
            return start or end
    return cut
