"""What was sent where: a file for each place, with a line for each session that was confirmed there.

============================================ =======================================================
``{"endpoint": "…", "since": "…"}``          the first line: where, and since when
``["sess_…", "<head>"]``                     this session was taken, with the journal up to this head
``["sess_…", "<head>", "refused", "…"]``     it was not, and why
============================================ =======================================================

The store is the queue: what is closed and has no such line is still to be sent. Each line is one write after the
answer, so that a process that dies sends one session twice at most; a line without an end is read past.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Final

from attrs import define, field, frozen

from tfstore.disk.files import replace_file
from tfstore.disk.locks import only_one
from tfstore.disk.paths import is_real_dir, open_for_reading, open_private
from tfstore.document.times import iso
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from tfstore.disk.paths import StorePaths

PATIENCE: Final = 10.0
"""Seconds to wait for whoever else writes there."""


@frozen
class Line:
    """What became of a session: ``head`` is that of its journal; ``refused`` why it was not taken."""

    head: str
    refused: str | None = None


@define
class ExportLedger:
    """The ledger of one place.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from tfstore.disk.paths import StorePaths
        >>> paths = StorePaths(Path(tempfile.mkdtemp()) / "store")
        >>> paths.create()
        >>> ledger = ExportLedger(paths, "localhost_4318-0", "http://localhost:4318/v1/traces")
        >>> ledger.confirm("sess_1", "9f86…")
        >>> ledger.read()
        {'sess_1': Line(head='9f86…', refused=None)}
    """

    paths: StorePaths
    target: str
    endpoint: str
    since: str = field(default="", init=False)
    """When it was begun; known once it was read or written to."""

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.paths.exports / f"{self.target}.jsonl"

    def read(self) -> dict[str, Line]:
        """Return what became of each session, the last that was said of it.

        Raises:
            StoreUnusable: the file is there and cannot be read.
        """
        found: dict[str, Line] = {}
        try:
            if not is_real_dir(self.paths.exports):
                return found
            with os.fdopen(open_for_reading(self.path), "rb") as file:
                for data in file:
                    self._take(data, found)
        except FileNotFoundError:
            return found
        except OSError as error:
            raise self._unusable("read", error) from error
        return found

    def _take(self, data: bytes, found: dict[str, Line]) -> None:
        try:
            told = json.loads(data)
        except ValueError:
            # The process died while it wrote this.
            return
        if isinstance(told, dict) and isinstance(told.get("since"), str):
            self.since = self.since or told["since"]
        elif isinstance(told, list) and len(told) >= 2 and all(isinstance(each, str) for each in told):
            refused = told[3] if len(told) > 3 and told[2] == "refused" else None
            found[told[0]] = Line(told[1], refused)

    def begin(self) -> None:
        """Make the file where there is none, so that it is known since when there is one.

        Raises:
            StoreUnusable: it cannot be written.
        """
        if not self.path.exists():
            self._append(b"")
        self.read()

    def confirm(self, session_id: str, head: str) -> None:
        """Note that a session was taken.

        Raises:
            StoreUnusable: it cannot be written.
        """
        self._append(_line([session_id, head]))

    def refuse(self, session_id: str, head: str, reason: str) -> None:
        """Note that a session was not taken, and why.

        Raises:
            StoreUnusable: it cannot be written.
        """
        self._append(_line([session_id, head, "refused", reason]))

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Be the only one that goes through all that is to be sent there; gives False if another is at it."""
        with _locked(self.paths, f"export-{self.target}.lock", 0) as mine:
            yield mine

    def _append(self, line: bytes) -> None:
        try:
            self.paths.make_dir(self.paths.exports)
            with _written(self.paths):
                descriptor = open_private(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
                try:
                    size = os.lseek(descriptor, 0, os.SEEK_END)
                    if not size:
                        first = {"endpoint": self.endpoint, "since": iso(time.time_ns() // 1000)}
                        line = _line(first) + line
                    elif _last_byte(descriptor, size) != b"\n":
                        line = b"\n" + line
                    if line and os.write(descriptor, line) != len(line):
                        # What there is of it is read past.
                        raise OSError("the disk is full")
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise self._unusable("written", error) from error

    def _unusable(self, verb: str, error: OSError) -> StoreUnusable:
        return StoreUnusable(self.paths.root, f"{self.path} cannot be {verb} ({error.strerror or error})")


def ledgers(paths: StorePaths) -> list[ExportLedger]:
    """Return the ledger of each place that something was sent to."""
    if not is_real_dir(paths.exports):
        return []
    return [ExportLedger(paths, path.stem, "") for path in sorted(paths.exports.glob("*.jsonl"))]


def forget(paths: StorePaths, session_ids: Collection[str]) -> None:
    """Take sessions that are deleted out of all ledgers, those of databases too.

    Raises:
        OSError: one cannot be read, or written.
    """
    folders = [each for each in (paths.exports, paths.syncs) if is_real_dir(each)]
    if not session_ids or not folders:
        return
    names = [json.dumps(each).encode() for each in session_ids]
    about = tuple(begin + name + b"," for name in names for begin in (b"[", b'{"session_id":'))
    with _written(paths):
        for path in sorted(path for folder in folders for path in folder.glob("*.jsonl")):
            with os.fdopen(open_for_reading(path), "rb") as file:
                lines = file.readlines()
            kept = [each for each in lines if not each.startswith(about)]
            if len(kept) < len(lines):
                replace_file(path, kept)


@contextlib.contextmanager
def _written(paths: StorePaths) -> Iterator[None]:
    """Be the only one that writes to ledgers: a file that is replaced meanwhile would lose a line."""
    with _locked(paths, "exports.lock", PATIENCE) as mine:
        if not mine:
            raise OSError("another process holds it: try again when it is done")
        yield


@contextlib.contextmanager
def _locked(paths: StorePaths, name: str, timeout: float) -> Iterator[bool]:
    if not is_real_dir(paths.locks):
        paths.create()
        paths.make_dir(paths.locks)
    with only_one(paths.locks / name, timeout=timeout) as mine:
        yield mine


def _line(value: list[str] | dict[str, str]) -> bytes:
    return json.dumps(value, separators=(", ", ": ")).encode() + b"\n"


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)
