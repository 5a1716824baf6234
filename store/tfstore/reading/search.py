"""Where a text occurs in recorded sessions: looked for in the bytes of documents first, then in their steps.

Parsing a document costs far more than reading it. So the bytes are asked first whether they can hold the text at
all: its plain ASCII stretches stand in a document as they are, whatever is escaped around them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, frozen

from tfstore.document.references import is_reference
from tfstore.errors import BlobUnreadable, StoreError, UnknownSession
from tfstore.reading.prompts import BASE64
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tfstore.document.documents import Session, Step
    from tfstore.store import Store

    Told = Callable[[str], None]

_STRETCH = re.compile(r"[A-Za-z0-9_ .,:;()=+-]+", re.ASCII)
_APART: Final = b'"sha256:'
"""Stands in a document that keeps some of its texts apart."""


class BadPattern(ValueError):
    """What was typed is no regular expression."""


@frozen
class Pattern:
    """What to look for: a compiled expression, and stretches of bytes that any document holding it has."""

    expression: re.Pattern[str]
    stretches: tuple[bytes, ...] = ()

    @classmethod
    def of(cls, text: str, *, regex: bool = False) -> Pattern:
        r"""Return the pattern for a text, or for a regular expression; letters match in either case.

        Raises:
            BadPattern: it is no regular expression, or matches where there is nothing.

        Example:
            >>> Pattern.of("Pátio Azul").may_be_in(b'{"text": "p\\u00e1tio azul"}')
            True
        """
        try:
            expression = re.compile(text if regex else re.escape(text), re.IGNORECASE | re.MULTILINE)
        except re.error as error:
            raise BadPattern(f"{text!r} is no regular expression: {error}.") from None
        if expression.search("") is not None:
            raise BadPattern(f"{text!r} matches everything, also nothing at all: give more of it.")
        if regex:
            return cls(expression)
        return cls(expression, tuple(found.group().lower().encode() for found in _STRETCH.finditer(text)))

    def may_be_in(self, document: bytes) -> bool:
        """Return whether a document's bytes can hold it; False is certain, unless texts of it are kept apart."""
        if not self.stretches:
            return True
        lowered = document.lower()
        return all(each in lowered for each in self.stretches) or _APART in document


@frozen
class Match:
    """A line of a step that matches, and where in it."""

    session_id: str
    run_id: str
    step_id: str
    label: str
    tool: str | None
    line: int
    text: str
    start: int
    end: int

    def as_json(self) -> dict[str, Any]:
        """Return the match as it stands in JSON."""
        return asdict(self)


def sessions_holding(
    store: Store, pattern: Pattern, ids: Iterable[str], unreadable: Told, *, label: str | None = None
) -> Iterator[tuple[Session, list[Match]]]:
    """Yield the sessions that hold a pattern and where, as they are found.

    Args:
        store: where they are.
        pattern: what to look for.
        ids: the sessions to look in, in this order.
        unreadable: told about each document that cannot be read.
        label: look only in steps with this label.
    """
    wanted = None if label is None else f'"{label}"'.encode()
    for session_id in ids:
        try:
            document = store.text(session_id)
            if not pattern.may_be_in(document) or (wanted is not None and wanted not in document):
                continue
            session = store.get(session_id)
        except UnknownSession:
            continue  # removed since the folder was listed
        except StoreError as error:
            unreadable(str(error))
            continue
        found = list(matches_in(store, session, pattern, label))
        if found:
            yield session, found


def matches_in(store: Store, session: Session, pattern: Pattern, label: str | None = None) -> Iterator[Match]:
    """Yield the matching lines of a session's steps."""
    for run in session.runs:
        for step in run.steps:
            if label not in {None, step.label}:
                continue
            for text in texts_of(store, step):
                for number, line, (start, end) in _lines(text, pattern.expression):
                    yield Match(
                        session.session_id,
                        run.run_id,
                        step.step_id,
                        step.label,
                        step.tool_name,
                        number,
                        line,
                        start,
                        end,
                    )


def texts_of(store: Store, step: Step) -> list[str]:
    """Return what a step says, each text once and whole, also what is kept apart from the document."""
    texts = [text_of(step)]
    if step.error is not None:
        texts += [step.error.message, as_text(step.payload_completed.get("output"))]
    apart = [
        _kept_apart(store, value)
        for payload in (step.payload_started, step.payload_completed)
        for value in payload.values()
    ]
    every = list(dict.fromkeys(text for text in (*texts, *apart) if text))
    # An error's message stands in its output as well: a line is told once.
    return [text for text in every if not any(text is not other and text in other for other in every)]


def _kept_apart(store: Store, value: Any) -> str:
    """Return a long text that a payload refers to; nothing where it is none, or is gone."""
    if not is_reference(value) or "blob" not in value or value.get("encoding") in BASE64:
        return ""
    try:
        return store.blobs.get(value).decode("utf-8", "replace")
    except BlobUnreadable:
        return ""


def _lines(text: str, expression: re.Pattern[str]) -> Iterator[tuple[int, str, tuple[int, int]]]:
    """Yield (number from 1, line, (start, end)) of the lines that match; a match over several is told once."""
    breaks = [-1, *(found.start() for found in re.finditer("\n", text)), len(text)]
    lines = [(before + 1, after) for before, after in pairwise(breaks)]
    place, told = 0, -1
    for found in expression.finditer(text):
        while lines[place][1] < found.start():
            place += 1
        if place != told and found.end() > found.start():
            begin, end = lines[place]
            told = place
            yield place + 1, text[begin:end], (found.start() - begin, min(found.end(), end) - begin)
