"""A place in a session as people type it: ``ID``, ``ID:3`` or ``ID:run_3`` for a run, ``ID:2.8`` for a step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.cli.failures import USAGE, Refused
from tfclient.cli.finding import shown_session

if TYPE_CHECKING:
    from tfstore.document.documents import Run, Session, Step
    from tfstore.protocols import Reading

_RUN: Final = re.compile(r"(?:run_)?(\d{1,9})", re.ASCII)


@frozen
class Place:
    """A session, and the run or the step of it that is meant, if one is."""

    session: Session
    run: Run | None = None
    step: Step | None = None


def place_of(store: Reading, typed: str, within: str | None = None) -> Place:
    """Return the place that is meant.

    Args:
        store: where the session is.
        typed: a session, with a run or a step behind a colon or without.
        within: the run or the step, if it was typed by itself.

    Raises:
        UnknownSession, UnknownRun, UnknownStep: there is none.
        Refused: what stands behind the colon is neither, or two are named.
    """
    from tfstore.errors import UnknownStep
    from tfstore.reading.naming import find_run, find_step

    name, colon, rest = typed.partition(":")
    if colon and within is not None:
        raise Refused(
            f"{typed!r} names a part of the session, and {within!r} another: give one of them.", USAGE
        )
    session = store.get(shown_session(store, name))
    wanted = rest if within is None else within
    if not colon and within is None:
        return Place(session)
    if number := _RUN.fullmatch(wanted):
        return Place(session, find_run(session, int(number[1])))
    try:
        step = find_step(session, wanted)
    except UnknownStep:
        if re.fullmatch(r"(?:step_)?\d+[._]\d+", wanted):
            raise
        raise Refused(
            f"{wanted!r} names no run and no step: write {name}:2 or {name}:run_2 for a run, {name}:2.8 for a step.",
            USAGE,
        ) from None
    return Place(session, step=step)
