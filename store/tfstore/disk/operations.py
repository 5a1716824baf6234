"""``operations.jsonl``: what recording into a store met with, summed over all programs that did.

A line is a sum, and all lines together are the whole: ``{"faults": {"journal": 2}, "ingestion": {"counts":
{"0.25": 3}, "sum": 0.41}}``. Whoever has something to add appends a line; a file that has grown long becomes one line
again. What a program that was killed had not written down yet is missing.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tfstore.disk.files import replace_file
from tfstore.disk.locks import only_one
from tfstore.disk.paths import is_real_dir, open_for_reading, open_private
from tfstore.document.json_text import compact, parse
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

BUCKETS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds up to which something took."""

_BEYOND: Final = "+Inf"
_LONG: Final = 64 * 1024
_LARGEST: Final = 4 * 1024 * 1024
_PATIENCE: Final = 0.05
"""Seconds to wait for another process that writes there: what is not written now is written the next time."""


@define
class Seconds:
    """How long things took: how many up to each of ``BUCKETS`` (and beyond the one before), and all in all."""

    counts: Counter[str] = field(factory=Counter[str])
    sum: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one.

        Example:
            >>> took = Seconds()
            >>> took.add(0.3)
            >>> dict(took.counts), took.sum
            ({'0.5': 1}, 0.3)
        """
        self.counts[next((str(each) for each in BUCKETS if seconds <= each), _BEYOND)] += 1
        self.sum = round(self.sum + seconds, 6)

    def merge(self, other: Seconds) -> None:
        """Count what another counted."""
        self.counts.update(other.counts)
        self.sum = round(self.sum + other.sum, 6)


@define
class Operations:
    """Faults of recorders by kind, how long a session's files took after its end, how long rebuilding one took."""

    faults: Counter[str] = field(factory=Counter[str])
    ingestion: Seconds = field(factory=Seconds)
    rebuild: Seconds = field(factory=Seconds)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.faults or self.ingestion.counts or self.rebuild.counts)

    def merge(self, other: Operations) -> None:
        """Count what another counted."""
        self.faults.update(other.faults)
        self.ingestion.merge(other.ingestion)
        self.rebuild.merge(other.rebuild)

    def line(self) -> bytes:
        """Return it as a line of the file."""
        told: dict[str, Any] = {"faults": dict(self.faults)} if self.faults else {}
        for name in ("ingestion", "rebuild"):
            took: Seconds = getattr(self, name)
            if took.counts:
                told[name] = {"counts": dict(took.counts), "sum": took.sum}
        return compact(told) + b"\n"


def read_operations(paths: StorePaths) -> Operations:
    """Return what was written down so far; what is no line of ours is read past.

    Raises:
        StoreUnusable: the file is there and cannot be read.
    """
    every = Operations()
    try:
        with os.fdopen(open_for_reading(_path(paths)), "rb") as file:
            lines = file.read(_LARGEST).splitlines()
    except FileNotFoundError:
        return every
    except OSError as error:
        reason = f"{_path(paths)} cannot be read ({error.strerror or error})"
        raise StoreUnusable(paths.root, reason) from error
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, AttributeError, KeyError):
            every.merge(_read(parse(line)))
    return every


def add_operations(paths: StorePaths, some: Operations) -> bool:
    """Write down what is to be added; say whether it was: not while another process writes there.

    Raises:
        OSError, StoreUnusable: it cannot be written.
    """
    if not is_real_dir(paths.locks):
        # There is no store any more, and none is made for this.
        return False
    with only_one(paths.locks / "operations.lock", timeout=_PATIENCE) as mine:
        if not mine:
            return False
        descriptor = open_private(_path(paths), os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            # A line without an end is one that no process lives to finish.
            line = b"\n" + some.line() if _is_torn(descriptor) else some.line()
            if os.write(descriptor, line) != len(line):
                raise OSError("the disk is full")
            long = os.fstat(descriptor).st_size > _LONG
        finally:
            os.close(descriptor)
        if long:
            replace_file(_path(paths), read_operations(paths).line())
    return True


def _path(paths: StorePaths) -> Path:
    return paths.root / "operations.jsonl"


def _is_torn(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    if not size:
        return False
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) != b"\n"


def _read(told: Any) -> Operations:
    found = Operations()
    found.faults.update({str(kind): int(count) for kind, count in told.get("faults", {}).items()})
    for name in ("ingestion", "rebuild"):
        took: Any = told.get(name)
        if took is not None:
            counts = Counter({str(most): int(count) for most, count in took["counts"].items()})
            setattr(found, name, Seconds(counts, float(took["sum"])))
    return found
