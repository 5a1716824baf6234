"""Calls under way, and how a miss leaves the SDK that makes them: past its loop of retries, as what it is."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from tfclient.errors import ReplayMiss


class Missed(openai.OpenAIError):
    """Carries a miss out of the SDK's loop of retries, which lets no other kind of exception pass as it is."""

    def __init__(self, error: ReplayMiss) -> None:
        super().__init__(str(error))
        self.error = error


# In what is recorded it is called as what the program gets.
Missed.__name__ = "ReplayMiss"


class _Call:
    """A call under way: the miss that it has met."""

    __slots__ = ("miss",)

    def __init__(self) -> None:
        self.miss: ReplayMiss | None = None


_call: ContextVar[_Call | None] = ContextVar("tfclient_replayed_call", default=None)


def calling(parent: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes a call in place of a client's ``request``, and raises the miss that it meets."""

    def request(*args: Any, **kwargs: Any) -> Any:
        # A test that fails by a miss shows the program's own lines.
        __tracebackhide__ = True
        call = _Call()
        token = _call.set(call)
        try:
            return parent(*args, **kwargs)
        except Exception:
            if call.miss is not None:
                raise call.miss from None
            raise
        finally:
            _leave(token)

    return request


def calling_async(parent: Callable[..., Any]) -> Callable[..., Any]:
    """Return the same for asynchronous clients."""

    async def request(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        call = _Call()
        token = _call.set(call)
        try:
            return await parent(*args, **kwargs)
        except Exception:
            if call.miss is not None:
                raise call.miss from None
            raise
        finally:
            _leave(token)

    return request


def go_on() -> None:
    """Look whether the call made here may go on.

    Raises:
        Missed: it has met a miss; the SDK tries again what is no use to try.
    """
    call = _call.get()
    if call is not None and call.miss is not None:
        raise Missed(call.miss)


def leaving(error: ReplayMiss) -> BaseException:
    """Return what is to be raised for a miss: itself where no call is under way, else what takes it out of that."""
    call = _call.get()
    if call is None:
        return error
    call.miss = error
    return Missed(error)


def _leave(token: Any) -> None:
    try:
        _call.reset(token)
    except (ValueError, RuntimeError):
        # A suspended coroutine may be closed from another context than it began in.
        _call.set(None)
