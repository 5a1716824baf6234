"""Which store, which session, which run and step are meant by what was typed."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, get_args

from tfclient.cli.failures import USAGE, Refused
from tfstore.disk.paths import is_session_id
from tfstore.errors import DocumentMissing, UnknownSession, UnknownStep

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tfstore.document.documents import Run, Session, Step
    from tfstore.reading.search import Pattern
    from tfstore.store import Store

LAST = "last"
CANDIDATES = 5
"""Ids named when several are meant."""

_SHORT_STEP = re.compile(r"(?:step_)?(\d+)[._](\d+)")


def open_store(path: Path | None) -> Store:
    """Open the store to read from, and finish what dead processes left in it.

    Raises:
        StoreNotFound, StoreUnusable: there is none there.
    """
    from tfclient.opening import open_store as opened

    return opened(path)


def bare_store(path: Path | None) -> Store:
    """Open the store as it is, for commands that mend it.

    Raises:
        StoreNotFound, StoreUnusable: there is none there.
    """
    from tfclient.settings import Settings
    from tfstore.store import Store

    return Store(Settings.resolve(path).directory)


def find_session(store: Store, typed: str) -> str:
    """Return the id of the session that is meant: ``last``, an id, or the start of one or of its last part.

    Raises:
        UnknownSession: there is none; the error names near ones.
        DocumentMissing: it has a journal only.
        Refused: several are meant, or the store is empty.
    """
    if typed == LAST:
        try:
            latest = store.last()
        except UnknownSession:
            raise Refused(f"There are no sessions in the store at {store.paths.root} yet.", USAGE) from None
        return _with_document(store, latest)
    if is_session_id(typed) and store.paths.document(typed).is_file():
        return typed
    ids = store.ids()
    meant = [each for each in ids if typed and each.startswith(typed)]
    meant = meant or [each for each in ids if typed and short_id(each).startswith(typed)]
    if len(meant) > 1:
        shown = ", ".join(meant[-CANDIDATES:]) + (" …" if len(meant) > CANDIDATES else "")
        raise Refused(f"{typed!r} is the start of {len(meant)} session ids: {shown}. Type more of it.", USAGE)
    if not meant:
        told = [each for each in store.recorded() if typed and _is_typed(each, typed)]
        if len(told) == 1:
            raise DocumentMissing(told[0])
        raise UnknownSession(typed, near(typed, ids))
    return meant[0]


def _is_typed(session_id: str, typed: str) -> bool:
    """Say whether this is the start of an id, or of its last part."""
    return session_id.startswith(typed) or short_id(session_id).startswith(typed)


def _with_document(store: Store, session_id: str) -> str:
    if not store.paths.document(session_id).is_file() and session_id in store.recorded():
        raise DocumentMissing(session_id)
    return session_id


def nothing_in(store: Store) -> str:
    """Say that nothing can be listed: there is nothing yet, or the catalog does not tell of what there is."""
    if store.ids():
        return f"None of the sessions in {store.paths.root} could be listed."
    return f"No sessions in {store.paths.root} yet."


def shown_session(store: Store, typed: str) -> str:
    """Return the id of the session that is meant, as ``find_session`` does, for a command that shows it.

    If its document cannot be brought up to date because its journal is damaged, that is said on stderr.
    """
    from tfclient.cli.printing import complain
    from tfclient.finishing.recovery import damage_of

    session_id = find_session(store, typed)
    damage = damage_of(store, session_id)
    if damage is not None:
        complain(f"What is shown of session {session_id} may not be all of it. {damage}")
    return session_id


def near(typed: str, ids: Sequence[str]) -> list[str]:
    """Return the ids that may have been meant, at most three."""
    parts = [each for each in ids if typed and typed in each][-3:]
    if parts:
        return parts
    tails = {short_id(each): each for each in ids}
    close = difflib.get_close_matches(typed, tails, n=3, cutoff=0.7)
    return [tails[each] for each in close] or difflib.get_close_matches(typed, ids, n=3)


def short_id(session_id: str) -> str:
    """Return the part of an id that people type: the last of ours, all of a user's own.

    Example:
        >>> short_id("sess_20260902T201135Z_7f3a9c01"), short_id("nightly_run")
        ('7f3a9c01', 'nightly_run')
    """
    found = re.fullmatch(r"sess_\d{8}T\d{6}Z_([0-9a-f]{8})", session_id)
    return found[1] if found else session_id


def find_run(session: Session, number: int) -> Run:
    """Return a run by its number.

    Raises:
        Refused: there is no such run.
    """
    for run in session.runs:
        if run.run_id == f"run_{number}":
            return run
    count = len(session.runs)
    there = f"It has {count} runs" if count != 1 else "It has one run"
    raise Refused(
        f"Session {session.session_id} has no run {number}. {there if count else 'It has no runs'}.", USAGE
    )


def find_step(session: Session, typed: str) -> Step:
    """Return a step by its id, which may be typed as ``step_1_4`` or ``1.4``.

    Raises:
        UnknownStep: there is no such step.
    """
    short = _SHORT_STEP.fullmatch(typed)
    wanted = {typed, f"step_{short[1]}_{short[2]}"} if short else {typed}
    for run in session.runs:
        for step in run.steps:
            if step.step_id in wanted:
                return step
    raise UnknownStep(session.session_id, typed)


def short_step(step_id: str) -> str:
    """Return a step's id as people type it, and in one line whatever it is.

    Example:
        >>> short_step("step_1_4"), short_step("something else")
        ('1.4', 'something else')
    """
    from tfd2.text import one_line

    found = re.fullmatch(r"step_(\d+)_(\d+)", step_id)
    return f"{found[1]}.{found[2]}" if found else one_line(step_id, 24)


def word_from(vocabulary: Any, option: str, typed: str) -> str:
    """Return a word of one of the closed vocabularies in ``labels``.

    Raises:
        Refused: it has no such word.
    """
    words = get_args(vocabulary)
    if typed not in words:
        raise Refused(f"{option} {typed!r} is unknown: give one of {', '.join(words)}.", USAGE)
    return typed


def pattern_of(typed: str, *, regex: bool = False) -> Pattern:
    """Return what to look for.

    Raises:
        Refused: it is no regular expression, or would match everything.
    """
    from tfstore.reading.search import BadPattern, Pattern

    try:
        return Pattern.of(typed, regex=regex)
    except BadPattern as error:
        raise Refused(str(error), USAGE) from None
