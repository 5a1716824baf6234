"""The lines of a log: read one by one, so that a log of gigabytes takes the memory of its longest line."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tfstore.document.json_text import parse
from tfstore.document.times import from_iso

LONGEST: Final = 32 * 1024 * 1024
"""Bytes of the longest line that is read."""

_PIECE: Final = 1024 * 1024


@frozen
class Line:
    """A line of a log: its number, from 1, and its JSON; or why there is none."""

    number: int
    value: Any = None
    problem: str = ""


@frozen
class Extent:
    """How much of a file is a log's: its whole lines, and the digest of their bytes."""

    bytes: int
    sha256: str


def extent_of(path: Path) -> Extent:
    """Return how far a file can be read: to the end of its last line, which may lack its end if it is whole JSON."""
    digest = sha256()
    whole, size, total, last = digest.copy(), 0, 0, b""
    with path.open("rb") as file:
        while data := file.readline(LONGEST + 1):
            digest.update(data)
            total += len(data)
            if data.endswith(b"\n"):
                whole, size, last = digest.copy(), total, b""
            else:
                last = data if not last else b"-"
    if last.strip() and not _read(last, 0).problem:
        whole, size = digest, total
    return Extent(size, whole.hexdigest())


def begins_with(path: Path, extent: Extent) -> bool:
    """Return whether a file still begins with what was read of it."""
    digest, left = sha256(), extent.bytes
    with path.open("rb") as file:
        while left > 0 and (data := file.read(min(left, _PIECE))):
            digest.update(data)
            left -= len(data)
    return left == 0 and digest.hexdigest() == extent.sha256


def lines_of(path: Path, most: int) -> Iterator[Line]:
    """Yield the lines that are not empty, as far as they are to be read."""
    with path.open("rb") as file:
        left, number = most, 0
        while left > 0 and (data := file.readline(min(left, LONGEST + 1))):
            left -= len(data)
            number += 1
            if len(data) > LONGEST and not data.endswith(b"\n"):
                skipped = len(data)
                while left > 0 and (data := file.readline(min(left, _PIECE))):
                    left -= len(data)
                    skipped += len(data)
                    if data.endswith(b"\n"):
                        break
                yield Line(number, problem=f"it is {skipped:,} bytes long")
            elif data.strip():
                yield _read(data, number)


def _read(data: bytes, number: int) -> Line:
    try:
        return Line(number, parse(data))
    except (ValueError, RecursionError) as error:
        return Line(number, problem=f"it is no JSON ({error})")


def moment(value: Any) -> int | None:
    """Return a time as logs write it, in microseconds since 1970; None where it is none.

    Example:
        >>> moment("1970-01-01T00:00:01.5Z"), moment("soon"), moment(None)
        (1500000, None, None)
    """
    try:
        return from_iso(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None
