"""The exception that ends a session, or the program: what is kept of it, in words and numbers.

Nothing here holds on to an exception or its traceback: they keep the program's values alive.
"""

from __future__ import annotations

import sys
import traceback
from asyncio import CancelledError
from typing import TYPE_CHECKING, Final

from tfclient.signals import let_pass

if TYPE_CHECKING:
    from tfstore.journal.entries import ProgramFailure

_FRAMES: Final = 5
"""Frames that are kept where the whole stack is not asked for."""

_NOT_THE_PROGRAM: Final = frozenset(
    {"tfclient", "openai", "httpx", "httpcore", "anyio", "h11", "asyncio", "runpy"}
)
"""Packages whose frames say least of why the program ended."""

_NO_FAILURES: Final = (CancelledError, GeneratorExit, StopIteration, StopAsyncIteration)


def failure_of(error: BaseException, *, stacks: bool = False) -> ProgramFailure | None:
    """Return what an exception says of how the program ended, not redacted yet; None if that is no failure.

    Args:
        error: what left the program's code.
        stacks: keep the whole stack, not only the last frames.

    Example:
        >>> failure_of(SystemExit(0)) is None, failure_of(SystemExit(3))["exit_code"]
        (True, 3)
    """
    if isinstance(error, _NO_FAILURES) or _is_of_trio(error):
        return None
    failure: ProgramFailure = {"type": type(error).__name__, "message": words(error)}
    if isinstance(error, SystemExit):
        if error.code is None or error.code == 0:
            return None
        # As the interpreter does: what is no number is printed, and the status is 1.
        failure["exit_code"] = error.code if isinstance(error.code, int) else 1
        failure["message"] = "" if isinstance(error.code, int) else failure["message"]
    elif isinstance(error, KeyboardInterrupt):
        failure["signal"] = "SIGINT"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        failure["cause"] = f"{type(cause).__name__}: {words(cause)}"
    stack, own = _stack(error)
    failure["frames"] = (own or stack)[-_FRAMES:]
    if stacks:
        failure["stack"] = stack
    return failure


def _is_of_trio(error: BaseException) -> bool:
    return type(error).__name__ == "Cancelled" and not isinstance(error, Exception)


def _stack(error: BaseException) -> tuple[list[str], list[str]]:
    """Return where it happened, innermost last, without source lines and values: every frame, and the program's."""
    stack, own = [], []
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        stack.append(f"{code.co_filename}:{line} in {code.co_name}")
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _NOT_THE_PROGRAM:
            own.append(stack[-1])
    return stack, own


def uncaught() -> BaseException | None:
    """Return the exception that nobody caught and that is ending the program. At exit only.

    The interpreter notes it before it calls ``sys.excepthook``, which is left alone so. Debuggers and test runners
    note there what they have caught, too; what nobody can have caught came out of code that nobody had called.
    """
    error = getattr(sys, "last_value", None)
    if not isinstance(error, BaseException) or hasattr(sys, "ps1"):
        return None
    outermost = error.__traceback__
    return None if outermost is None or outermost.tb_frame.f_back is not None else error


def words(error: BaseException) -> str:
    """Return an exception's message; its ``__str__`` is the user's code and may raise."""
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - see above
        let_pass(fault)
        return f"<its text raised {type(fault).__name__}>"
