"""What the program says of its own calls: that they continue from a response, where no traffic could tell."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_parent: ContextVar[str | None] = ContextVar("tfclient_parent", default=None)


def parent_here() -> str | None:
    """Return the id of the response that calls made here and now continue from, if the program said so."""
    return _parent.get()


@contextlib.contextmanager
def following(response: object) -> Iterator[None]:
    """Say that the calls made inside continue from a response.

    Args:
        response: a response or a chat completion, or the id of one.

    Raises:
        TypeError: it is neither.
    """
    response_id = response if isinstance(response, str) else getattr(response, "id", None)
    if not isinstance(response_id, str) or not response_id:
        raise TypeError(f"following() takes a response, a chat completion or the id of one, not {response!r}")
    token = _parent.set(response_id)
    try:
        yield
    finally:
        # A generator may leave in another context than it entered in.
        with contextlib.suppress(ValueError, RuntimeError):
            _parent.reset(token)
