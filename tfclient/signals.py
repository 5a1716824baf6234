"""Exceptions that are the program's own, raised by its signal handlers while the recorder was at work."""

from __future__ import annotations

import inspect
import signal
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import CodeType

_OURS: Final = frozenset({"tfclient", "tfstore", "tfd2"})


def let_pass(error: BaseException) -> None:
    """Raise the error again, or what it was made of, if a signal handler of the program raised that.

    A timeout by ``signal.alarm`` strikes wherever the program is, in the recorder too: to count it as a fault would
    be to swallow it. For handlers of exceptions only: it takes its time.

    Example:
        >>> let_pass(OSError("the disk is full"))
    """
    found: BaseException | None = error
    while found is not None:
        if _is_of_a_handler(found):
            raise found
        found = found.__cause__


def _is_of_a_handler(error: BaseException) -> bool:
    """Whether one of the frames that it went through is that of a signal handler."""
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if str(frame.f_globals.get("__name__")).partition(".")[0] not in _OURS and (
            _has_a_frame(frame) or _is_installed(frame.f_code)
        ):
            return True
        traceback = traceback.tb_next
    return False


def _has_a_frame(frame: FrameType) -> bool:
    """Whether it was given a frame, as handlers are; the one that raised may have been replaced by now."""
    code, given = frame.f_code, frame.f_locals
    arguments = [given.get(name) for name in code.co_varnames[: code.co_argcount]]
    if code.co_flags & inspect.CO_VARARGS:
        arguments += given.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount], ())
    return any(isinstance(each, FrameType) for each in arguments)


def _is_installed(code: CodeType) -> bool:
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        if callable(handler):
            function = inspect.unwrap(getattr(handler, "func", handler))
            if code in {getattr(each, "__code__", None) for each in (function, type(handler).__call__)}:
                return True
    return False
