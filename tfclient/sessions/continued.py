"""Conversations that go over many clients: where another client goes on with one, it is recorded in its session.

Frameworks make a client for each model, or for each call. What ties such calls together is the history that is sent
again: it begins as the conversation did. One beginning that several sessions have had ties nothing.
"""

from __future__ import annotations

import contextlib
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from orjson import OPT_NON_STR_KEYS, OPT_SORT_KEYS, dumps

if TYPE_CHECKING:
    from pathlib import Path

_MOST: Final = 1000
_BEFORE: Final = 20
"""Items among which the first prompt is looked for."""

Beginning = bytes
"""A digest of what a conversation began with: all up to its first prompt."""

_OFFERED: Final[dict[tuple[Path, Beginning], dict[str, float]]] = {}
"""Until when sessions that began so may be gone on with."""


def beginning_of(options: Any) -> tuple[Beginning | None, bool]:
    """Return how the conversation of a request began, None if it is none, and whether this goes on with one.

    Args:
        options: what the SDK is about to send.

    Example:
        >>> from types import SimpleNamespace
        >>> first = {"messages": [{"role": "user", "content": "Hi"}]}
        >>> then = {"messages": [*first["messages"], {"role": "assistant", "content": "Hello!"}]}
        >>> (one, new), (two, more) = (beginning_of(SimpleNamespace(json_data=each)) for each in (first, then))
        >>> one == two, new, more
        (True, False, True)
    """
    with contextlib.suppress(Exception):
        data: dict[str, Any] = options.json_data
        items: Any = data.get("messages") or data.get("input")
        if isinstance(items, str):
            items = [{"role": "user", "content": items}]
        for place, item in enumerate(items[:_BEFORE] if isinstance(items, list) else ()):
            if isinstance(item, dict) and item.get("role") == "user":
                kept = [data.get("instructions"), *map(_said, items[: place + 1])]
                text = dumps(kept, default=repr, option=OPT_SORT_KEYS | OPT_NON_STR_KEYS)
                return sha256(text).digest(), len(items) > place + 1
    return None, False


def _said(item: Any) -> Any:
    """A message, without how it is written: a text is the same as a list of one."""
    if not isinstance(item, dict):
        return item
    content = item.get("content")
    if isinstance(content, list) and all(isinstance(each, dict) and "text" in each for each in content):
        content = "".join(str(each["text"]) for each in content)
    return [item.get("role"), content]


def offer(store: Path, beginning: Beginning | None, session_id: str, seconds: float) -> None:
    """Let whoever goes on with this conversation, within so many seconds, be recorded in its session."""
    if beginning is None:
        return
    sessions = _OFFERED.pop((store, beginning), {})
    _OFFERED[store, beginning] = {**sessions, session_id: monotonic() + seconds}
    while len(_OFFERED) > _MOST:
        del _OFFERED[next(iter(_OFFERED))]


def withdraw(store: Path, beginning: Beginning | None, session_id: str) -> None:
    """Let nobody go on with a session: the program has ended it."""
    if beginning is not None:
        _OFFERED.get((store, beginning), {}).pop(session_id, None)


def found(store: Path, beginning: Beginning | None) -> str | None:
    """Return the session of a conversation that began so, if it is one and no other."""
    if beginning is None:
        return None
    now = monotonic()
    sessions = [each for each, until in _OFFERED.get((store, beginning), {}).items() if until > now]
    return sessions[0] if len(sessions) == 1 else None
