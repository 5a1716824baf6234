"""What a text cuts or folds, whole, in pages: a step as JSON, a run or a range of steps as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from attrs import frozen

from tfclient.errors import SettingError
from tfclient.reflect.quoting import escaped
from tfclient.reflect.text.lines import Line, Telling
from tfclient.reflect.text.rendering import fitted
from tfclient.reflect.text.session_lines import NOTICE, session_lines, step_lines
from tfclient.reflect.text.values import unmarked
from tfstore.document.converter import step_to_json
from tfstore.document.documents import Session
from tfstore.document.notes import Note
from tfstore.document.references import is_reference, truncated
from tfstore.errors import StoreError, UnknownRun
from tfstore.reading.facts import SessionFacts, StepFacts, gather
from tfstore.reading.naming import find_step
from tfstore.reading.prompts import BASE64

LIMIT: Final = 8_000
"""Characters of a page."""

ReadBlob: TypeAlias = Callable[[str], bytes]

_RUN: Final = re.compile(r"run[_ ](\d{1,6})")


@frozen
class Page:
    """Part of what was asked for: characters from ``offset`` on, of ``total``; None follows the last one."""

    text: str
    offset: int
    total: int
    next_offset: int | None


def expand(
    session: Session | SessionFacts,
    what: str,
    offset: int = 0,
    limit: int = LIMIT,
    read_blob: ReadBlob | None = None,
    notes: Sequence[Note] = (),
) -> Page:
    """Return all of a step or a note, as JSON in one line, or of a run or a range of steps, as text: a page of it.

    The pages of a step, put together, are JSON that gives what the document has of it, to the byte. Texts that are
    stored apart stand in it whole where ``read_blob`` is given and finds them; what is no text stays a reference.

    Args:
        session: its document, or its facts where they were gathered already.
        what: ``4.7`` or ``step_4_7``, ``run_4``, ``2.4..2.9``, or the id of one of the notes.
        offset: characters that were read already.
        limit: characters of a page, at least one.
        read_blob: gives the bytes that a reference stands for.
        notes: what people noted on it.

    Raises:
        SettingError: offset or limit is out of bounds.
        UnknownStep, UnknownRun: there is none like that.

    Example:
        >>> from tfstore.document.documents import Run, Session, Step
        >>> step = Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hello"})
        >>> page = expand(Session("s", runs=[Run("run_1", "user_message", steps=[step])]), "1.1", limit=20)
        >>> page.text, page.next_offset
        ('{"step_id":"step_1_1', 20)
    """
    if limit < 1:
        raise SettingError("limit", limit, "at least one character")
    facts = session if isinstance(session, SessionFacts) else gather(session)
    text = _noted(notes, what.strip()) or _all_of(facts, what.strip().strip("[]"), read_blob)
    if not 0 <= offset <= len(text):
        raise SettingError("offset", offset, f"a place in the {len(text)} characters that there are")
    end = offset + limit
    return Page(text[offset:end], offset, len(text), end if end < len(text) else None)


def _noted(notes: Sequence[Note], what: str) -> str:
    note = next((each for each in notes if each.note_id == _unquoted(what)), None)
    return "" if note is None else _json(note.as_json())


def _all_of(facts: SessionFacts, what: str, read_blob: ReadBlob | None) -> str:
    if found := _RUN.fullmatch(what):
        number = int(found[1])
        if number not in {run.number for run in facts.runs}:
            raise UnknownRun(facts.session.session_id, number, len(facts.runs))
        return fitted(session_lines(facts, (), number), None, len)
    first, dots, last = what.partition("..")
    if not dots:
        return _step(_found(facts, _unquoted(what)), read_blob)
    head = Line([f"STEPS {unmarked(escaped(first))} to {unmarked(escaped(last))} · {NOTICE}"], Telling.HEAD)
    return fitted([head, *step_lines(facts, _between(facts, first, last))], None, len)


def _unquoted(what: str) -> str:
    """Return an id that a text had to quote, as it is."""
    if not what.startswith('"'):
        return what
    try:
        return str(json.loads(what))
    except ValueError:
        return what


def _found(facts: SessionFacts, typed: str) -> StepFacts:
    wanted = find_step(facts.session, typed)
    return next(own for own in facts.every if own.step is wanted)


def _between(facts: SessionFacts, first: str, last: str) -> Iterator[StepFacts]:
    """Yield the steps from one to another; which of them stands first does not matter, a run stands for its steps."""
    every = facts.every
    ends = [*_places(facts, first, every), *_places(facts, last, every)]
    yield from every[min(ends) : max(ends) + 1]


def _places(facts: SessionFacts, typed: str, every: list[StepFacts]) -> list[int]:
    if found := _RUN.fullmatch(typed):
        number = int(found[1])
        places = [at for at, own in enumerate(every) if own.run.number == number]
        if not places:
            raise UnknownRun(facts.session.session_id, number, len(facts.runs))
        return places
    wanted = _found(facts, _unquoted(typed))
    return [every.index(wanted)]


def _step(own: StepFacts, read_blob: ReadBlob | None) -> str:
    return _json(_with_texts(step_to_json(own.step), read_blob))


def _json(value: Any) -> str:
    return unmarked(escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)))


def _with_texts(value: Any, read_blob: ReadBlob | None) -> Any:
    """Return a value with the texts in it that are stored apart; one that cannot be read says why."""
    if read_blob is None:
        return value
    if is_reference(value):
        if "blob" not in value or value.get("encoding") in BASE64 or not _is_text(value):
            return value
        try:
            text = read_blob(value["blob"]).decode("utf-8", "surrogatepass")
            made = json.loads(text) if value.get("encoding") == "json" else text
        except (StoreError, OSError, ValueError) as error:
            return {**value, "not_read": str(error)}
        kept = {name: each for name, each in value.items() if name not in {"blob", "preview"}}
        return made if truncated(value) is None else {"text": made, **kept}
    if isinstance(value, dict):
        return {name: _with_texts(each, read_blob) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_texts(each, read_blob) for each in value]
    return value


def _is_text(reference: dict[str, Any]) -> bool:
    kind = str(reference.get("media_type"))
    return kind.startswith("text/") or "json" in kind
