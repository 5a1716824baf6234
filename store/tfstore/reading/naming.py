"""Sessions, runs and steps as people name them: ``7f3a9c01``, run 3, step 2.8."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Final

from tfstore.document.documents import Run, Session, Step
from tfstore.errors import UnknownRun, UnknownStep
from tfstore.reading.plain_text import brief

LISTED: Final = 3
"""Steps that are named in one line; of more it is said how many."""

_SHORT_STEP: Final = re.compile(r"(?:step_)?(\d+)[._](\d+)")


def alike(typed: str, names: Sequence[str]) -> list[str]:
    """Return the names that may have been meant, at most three: those that hold what was typed, else similar ones.

    Example:
        >>> alike("4e1", ["L-1a2b3c4d", "L-4e10ff00"]), alike("wether", ["weather", "mail"]), alike("", ["a"])
        (['L-4e10ff00'], ['weather'], [])
    """
    parts = [each for each in names if typed and typed in each][:3]
    return parts or difflib.get_close_matches(typed, names, n=3)


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
        UnknownRun: there is no such run.
    """
    for run in session.runs:
        if run.run_id == f"run_{number}":
            return run
    raise UnknownRun(session.session_id, number, len(session.runs))


def find_step(session: Session, typed: str) -> Step:
    """Return a step by its id, which may be typed as ``step_1_4`` or ``1.4``.

    Raises:
        UnknownStep: there is no such step.
    """
    wanted = {typed, step_id_of(typed)}
    for run in session.runs:
        for step in run.steps:
            if step.step_id in wanted:
                return step
    raise UnknownStep(session.session_id, typed)


def step_id_of(typed: str) -> str:
    """Return the id of the step that is typed as ``1.4``; whatever else is typed, as it is.

    Example:
        >>> step_id_of("1.4"), step_id_of("step_1_4"), step_id_of("something else")
        ('step_1_4', 'step_1_4', 'something else')
    """
    short = _SHORT_STEP.fullmatch(typed)
    return f"step_{short[1]}_{short[2]}" if short else typed


def short_step(step_id: str) -> str:
    """Return a step's id as people type it, and in one line whatever it is.

    Example:
        >>> short_step("step_1_4"), short_step("something else")
        ('1.4', 'something else')
    """
    found = re.fullmatch(r"step_(\d+)_(\d+)", step_id)
    return f"{found[1]}.{found[2]}" if found else brief(step_id, 24)


def listed(steps: Mapping[str, str]) -> str:
    """Return steps in one line, each with its name; of many the first ones.

    Example:
        >>> listed({"step_1_4": "roll", "step_1_5": "drop"})
        'roll (1.4) and drop (1.5)'
        >>> listed({f"step_1_{n}": "roll" for n in range(1, 6)})
        'roll (1.1), roll (1.2), roll (1.3) and 2 more'
    """
    every = [f"{brief(name, 40) or 'a tool'} ({short_step(step_id)})" for step_id, name in steps.items()]
    if len(every) > LISTED:
        every[LISTED:] = [f"{len(every) - LISTED:,} more"]
    return f"{', '.join(every[:-1])} and {every[-1]}" if len(every) > 1 else "".join(every)
