"""What `tfclient export vcr` writes beside each exchange: when it was, in which pieces its answer came, how it ended.

Like all of a cassette it may have been written by anybody, and is looked at before it is used.
"""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final, get_args

from attrs import frozen

from tfstore.document.labels import Ending
from tfstore.document.times import from_iso

KEY: Final = "tfclient"
"""Beside ``request`` and ``response`` of an interaction; vcrpy reads past it."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_LATEST: Final = 250_000_000_000_000_000
_LONGEST: Final = 1e12
"""Milliseconds of an exchange, at most: thirty years."""


class NotKept(Exception):
    """What stands under our key was written by somebody else, or changed; the message says how that shows."""


@frozen
class Chunk:
    """A piece of a response's body: when it came, in microseconds since the epoch, and how many bytes it had."""

    at: int
    bytes: int


@frozen
class Kept:
    """Times are microseconds since the epoch; ``chunks`` is None where the body came whole."""

    at: int
    call: str
    n: int
    exchange_id: str
    answered_at: int
    ended_at: int
    chunks: tuple[Chunk, ...] | None = None
    ending: Ending | None = None
    error: dict[str, Any] | None = None
    history: list[dict[str, Any]] | None = None


def kept_in(raw: Any, length: int) -> Kept:
    """Return what stands under our key.

    Args:
        raw: that.
        length: bytes of the response's body, which the pieces have to make up.

    Raises:
        NotKept: it is not as `tfclient export vcr` writes it.

    Example:
        >>> raw = {"recorded_at": "2026-09-02T20:11:35.442999Z", "call": "c", "n": 1, "exchange_id": "c.1"}
        >>> kept_in({**raw, "answered_ms": 1.5, "chunks": [[2, 5]], "ending": "completed"}, 5).chunks
        (Chunk(at=1788379895444999, bytes=5),)
    """
    try:
        at = from_iso(raw["recorded_at"])
        names = [_named(raw["call"]), _named(raw["exchange_id"])]
        chunks = None if "chunks" not in raw else tuple(_chunk(at, each) for each in raw["chunks"])
        answered_at = _moment(at, raw["answered_ms"])
        last = chunks[-1].at if chunks else answered_at
        ended_at = _moment(at, raw["ended_ms"]) if "ended_ms" in raw else last
        n, ending, error, history = raw["n"], raw.get("ending"), raw.get("error"), raw.get("history")
    except (TypeError, KeyError, ValueError, IndexError, AttributeError, OverflowError) as fault:
        raise NotKept(f"what stands under {KEY!r} is not as tfclient writes it ({fault})") from None
    good = type(n) is int and n > 0 and 0 <= at < _LATEST and at <= answered_at <= ended_at < _LATEST
    good = (
        good and (ending is None or ending in get_args(Ending)) and (error is None or isinstance(error, dict))
    )
    good = good and (history is None or _is_history(history))
    if not good or (chunks is not None and sum(each.bytes for each in chunks) != length):
        raise NotKept(f"what stands under {KEY!r} is not as tfclient writes it, or not of this answer")
    return Kept(at, names[0], n, names[1], answered_at, ended_at, chunks, ending, error, history)


def _named(name: Any) -> str:
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} names no exchange")
    return name


def _moment(at: int, milliseconds: Any) -> int:
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"{milliseconds!r} is no number of milliseconds")
    if not isfinite(milliseconds) or not 0 <= milliseconds < _LONGEST:
        raise ValueError(f"{milliseconds!r} ms")
    return at + round(milliseconds * 1000)


def _chunk(at: int, raw: Any) -> Chunk:
    milliseconds, size = raw
    if type(size) is not int or size < 0:
        raise ValueError(f"a piece of {size!r} bytes")
    return Chunk(_moment(at, milliseconds), size)


def _is_history(history: Any) -> bool:
    return isinstance(history, list) and all(
        isinstance(each, dict) and isinstance(each.get("status"), int) and isinstance(each.get("url"), str)
        for each in history
    )
