"""What goes wrong, as one sentence on stderr and an exit code.

1: something is wrong (a store that cannot be read, a file that is no cassette, a diagram that cannot be drawn).
2: the command was given something that is not there or makes no sense. Anything else is our own fault and
keeps its traceback.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import typer

WRONG = 1
USAGE = 2
INTERRUPTED = 130


class Refused(Exception):
    """A command cannot do what it was asked for; the message says why and what to do.

    Args:
        message: one sentence or two.
        code: the exit code.
    """

    def __init__(self, message: str, code: int = WRONG) -> None:
        super().__init__(message)
        self.code = code


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what is the world's fault into a sentence and an exit code.

    Raises:
        typer.Exit: with the code, when something went wrong.
    """
    try:
        yield
    except Exception as error:
        code = code_of(error)
        if code is None:
            raise
        from tfclient.cli.printing import complain

        complain(sentence_of(error))
        raise typer.Exit(code) from None


def code_of(error: Exception) -> int | None:
    """Return the exit code for an error, or None when it is nobody's but ours."""
    from tfclient.errors import (
        BadEndpoint,
        BadPrices,
        EndpointDown,
        PackageMissing,
        ReplayRefused,
        SettingError,
    )
    from tfclient.importing.cassette import NotACassette
    from tfd2.compiler import DiagramError
    from tfstore.errors import (
        InvalidNote,
        InvalidSessionId,
        NoSessions,
        SeveralSessions,
        StoreError,
        UnknownAdaptation,
        UnknownLesson,
        UnknownNote,
        UnknownRun,
        UnknownSession,
        UnknownStep,
    )

    if isinstance(error, Refused):
        return error.code
    unknown = (
        UnknownSession
        | UnknownRun
        | UnknownStep
        | UnknownLesson
        | UnknownAdaptation
        | UnknownNote
        | NoSessions
        | SeveralSessions
    )
    if isinstance(error, unknown | InvalidSessionId | InvalidNote | SettingError):
        return USAGE
    if isinstance(error, ReplayRefused | NotACassette | BadEndpoint | BadPrices | PackageMissing):
        return USAGE
    if isinstance(error, BrokenPipeError):
        return None  # typer knows: whoever read our output has seen enough
    return WRONG if isinstance(error, StoreError | DiagramError | EndpointDown | OSError) else None


def sentence_of(error: Exception) -> str:
    """Return an error in words; the system's own get the path that they are about."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}."
    return str(error)
