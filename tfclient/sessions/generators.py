"""Sessions that a generator holds open: what it does belongs to them, and what others do while it waits does not.

A generator runs in the context of whoever steps it, which may be another at each step: a web framework streams its
answer from a pool of threads. So a session that is entered in a generator is looked for by the generator's frame,
among those that are running here, and only then by the context.

A generator that is a context manager, or a test's fixture, is none in this sense: its session is meant for who
enters it.
"""

from __future__ import annotations

import inspect
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType

    from tfclient.sessions.state import Holder, SessionState

_GENERATOR: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_ENTERING: Final = frozenset({"__enter__", "__aenter__", "enter_context", "enter_async_context"})
_SCOPES: Final = ("contextlib", "_pytest", "pytest_asyncio", "anyio.pytest_plugin", "pluggy")

_HELD: Final[dict[FrameType, list[SessionState]]] = {}
"""The sessions that generators hold open, innermost last."""


def hold_by_generator(state: SessionState) -> Holder | None:
    """Note which generator a session is being entered in, if it is one."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - whose block it is
    while frame is not None and frame.f_globals.get("__name__", "").startswith("tfclient.sessions"):
        frame = frame.f_back
    while frame is not None:
        code, outer = frame.f_code, frame.f_back
        if code.co_name in _ENTERING:
            frame = outer
        elif not code.co_flags & _GENERATOR:
            return None
        elif outer is not None and _is_scope(outer):
            frame = outer
        else:
            _HELD.setdefault(frame, []).append(state)
            return (frame, threading.get_ident(), current_task())
    return None


def _is_scope(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return any(name == each or name.startswith(f"{each}.") for each in _SCOPES)


def let_go(state: SessionState) -> None:
    """Note that a session is held open by a generator no more."""
    holder, state.holder = state.holder, None
    if holder is not None:
        held = _HELD.get(holder[0], [])
        if state in held:
            held.remove(state)
        if not held:
            _HELD.pop(holder[0], None)


def held_here(owner: object) -> SessionState | None:
    """Return the session of the innermost running generator that holds one of this owner."""
    if not _HELD:
        return None
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - who runs here
    while frame is not None:
        for state in reversed(_HELD.get(frame, ())):
            if state.owner is owner and not state.ended:
                return state
        frame = frame.f_back
    return None


def is_meant_here(state: SessionState) -> bool:
    """Whether the context may speak for a session: not where its generator waits while others go on in its place.

    Tasks and threads that the generator has started belong to it.
    """
    holder = state.holder
    return holder is None or (threading.get_ident(), current_task()) != holder[1:]


def current_task() -> Any:
    """Return what tells this task from others of this thread."""
    asyncio: Any = sys.modules.get("asyncio")
    try:
        return asyncio and asyncio.current_task()
    except RuntimeError:
        return None
