"""What exceptions say of a call: whether somebody stopped it, and what is kept of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tfclient.sessions.program_failure import words

if TYPE_CHECKING:
    from tfclient.sessions.sessions import Sessions
    from tfstore.journal.entries import Error, Mark


def is_cancellation(error: BaseException) -> bool:
    """Return whether somebody stopped this on purpose: a cancelled task, an interrupt, the exit of the program."""
    return isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit) or (
        # trio's, without importing trio
        type(error).__name__ == "Cancelled" and not isinstance(error, Exception)
    )


def describe(error: BaseException, sessions: Sessions, marks: list[Mark] | None = None) -> Error:
    """Return an exception as journaled: type, message and cause, in words that may be kept.

    Args:
        error: the exception.
        sessions: of the recorder.
        marks: takes what was changed in them.
    """
    described = {"type": type(error).__name__, "message": words(error)}
    cause = error.__cause__ or error.__context__
    if cause is not None:
        described["cause"] = f"{type(cause).__name__}: {words(cause)}"
    kept: Error
    kept, found = sessions.cleaned(described, "an error", "error")
    if marks is not None:
        marks += found
    return kept
