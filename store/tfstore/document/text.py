"""A session's document as text, piece by piece: that of a long session is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve

from tfstore.document.converter import run_to_json, step_to_json, to_json
from tfstore.document.documents import Run, Session
from tfstore.document.json_text import readable, readable_items

STEPS: Final = 64
"""Steps in one piece, about."""

_NO_RUNS: Final = b"[]\n}\n"
_NO_STEPS: Final = b"[]\n  }"


def pieces_of(session: Session) -> Iterator[bytes]:
    """Yield the document, laid out as ``readable`` does.

    Raises:
        TypeError: something in a payload has no JSON form.
        ValueError: a payload contains itself.
        RecursionError: a payload is nested too deeply to be laid out.

    Example:
        >>> from tfstore.document.documents import Session
        >>> b"".join(pieces_of(Session("sess_1"))) == readable(to_json(Session("sess_1")))
        True
    """
    head = readable(to_json(evolve(session, runs=[])))
    if not session.runs:
        yield head
        return
    yield head.removesuffix(_NO_RUNS) + b"[\n"
    gathered: list[Run] = []
    room = STEPS
    comma = b""
    for run in session.runs:
        if gathered and len(run.steps) > room:
            yield comma + _runs(gathered)
            gathered, room, comma = [], STEPS, b",\n"
        if len(run.steps) > STEPS:
            yield comma
            yield from _long(run)
            comma = b",\n"
        else:
            gathered.append(run)
            room -= len(run.steps) + 1
    if gathered:
        yield comma + _runs(gathered)
    yield b"\n ]\n}\n"


def text_of(session: Session) -> bytes:
    """Return the document as a whole, as it stands in its file.

    Raises:
        TypeError, ValueError: as from ``pieces_of``.
    """
    try:
        return b"".join(pieces_of(session))
    except RecursionError:
        return readable(to_json(session))


def _runs(runs: list[Run]) -> bytes:
    return readable_items([run_to_json(run) for run in runs], 2)


def _long(run: Run) -> Iterator[bytes]:
    yield _runs([evolve(run, steps=[])]).removesuffix(_NO_STEPS) + b"[\n"
    for at in range(0, len(run.steps), STEPS):
        steps = [step_to_json(step) for step in run.steps[at : at + STEPS]]
        yield (b",\n" if at else b"") + readable_items(steps, 4)
    yield b"\n   ]\n  }"
