"""The files of what sessions taught: ``learnings.md``, ``lessons.json`` and the archive, under one lock.

Nothing is written over what cannot be read: whoever opens such a file is told, and it stays as it is.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tfstore.disk.files import read_file, replace_file, whose
from tfstore.disk.locks import only_one
from tfstore.disk.paths import StorePaths, is_real_dir
from tfstore.document.documents import Json
from tfstore.document.json_text import parse, readable
from tfstore.document.learnings import Page, lines_naming
from tfstore.document.lesson_rows import VERSION, damage_in, without_sessions
from tfstore.errors import LearningsUnreadable, NewerLearnings, StoreUnusable

PATIENCE: Final = 10.0
"""Seconds to wait for whoever else writes there."""

_LARGEST: Final = 64_000_000
_MONTH: Final = re.compile(r"(\d{4}-\d\d|undated)\.md", re.ASCII)


class LearningsFolder:
    """What a store keeps of what its sessions taught.

    Example:
        >>> LearningsFolder(StorePaths("nowhere")).lessons()
        []
    """

    def __init__(self, paths: StorePaths) -> None:
        self.paths = paths

    @contextlib.contextmanager
    def alone(self, timeout: float = PATIENCE) -> Iterator[None]:
        """Be the only one to write there, among all processes.

        Raises:
            StoreUnusable: somebody else is at it for longer than that, or the folder cannot be made.
        """
        for folder in (self.paths.locks, self.paths.learnings):
            if not is_real_dir(folder):
                self.paths.create()
                self.paths.make_dir(folder)
        with only_one(self.paths.learnings_lock, timeout=timeout) as mine:
            if not mine:
                reason = (
                    f"another process has been writing to {self.paths.learnings} for {timeout:g} s: try again"
                )
                raise StoreUnusable(self.paths.root, reason)
            yield

    def lessons(self) -> list[Json]:
        """Return the lessons, the most seen first.

        Raises:
            LearningsUnreadable: the file is damaged.
            NewerLearnings: a later version wrote it.
        """
        path = self.paths.lessons
        data = self._read(path)
        if data is None:
            return []
        try:
            found = parse(data)
        except (ValueError, RecursionError) as error:
            raise LearningsUnreadable(path, f"it is no JSON ({error})") from error
        about = _rows(found, "about")
        version = about[0].get("version") if about and isinstance(about[0], dict) else None
        if version != VERSION:
            if isinstance(version, str) and version.startswith("learnings/"):
                raise NewerLearnings(path, version, VERSION)
            raise LearningsUnreadable(path, "it does not say its version")
        rows = _rows(found, "lessons")
        damage = damage_in(rows)
        if damage:
            raise LearningsUnreadable(path, damage)
        return list(rows or ())

    def keep_lessons(self, rows: list[Json]) -> None:
        """Write the lessons, as a document of TinyDB; its table is ``lessons``."""
        tables = {
            "about": {"1": {"version": VERSION}},
            "lessons": {str(number): row for number, row in enumerate(rows, start=1)},
        }
        self._write(self.paths.lessons, readable(tables))

    def page(self, month: str = "") -> Page | None:
        """Return ``learnings.md``, or the archive of a month; None where there is no such file.

        Raises:
            LearningsUnreadable: it cannot be read as text.
        """
        path = self._path(month)
        data = self._read(path)
        if data is None:
            return None
        try:
            return Page.read(data)
        except UnicodeDecodeError as error:
            raise LearningsUnreadable(
                path, f"it is no UTF-8 text ({error.reason} at byte {error.start})"
            ) from error

    def keep_page(self, page: Page, month: str = "") -> None:
        """Write ``learnings.md``, or the archive of a month."""
        path = self._path(month)
        if month and not is_real_dir(path.parent):
            self.paths.make_dir(path.parent)
        self._write(path, page.data())

    def months(self) -> list[str]:
        """Return the months of which there is an archive, sorted."""
        folder = self.paths.learnings_archive
        names = (_MONTH.fullmatch(path.name) for path in folder.iterdir()) if is_real_dir(folder) else ()
        return sorted(found[1] for found in names if found)

    def forget(self, session_ids: Iterable[str]) -> None:
        """Take out all that is of these sessions, but for people's own words.

        Raises:
            LearningsUnreadable, NewerLearnings: what there is cannot be read; nothing was changed.
            StoreUnusable: somebody else is at it, or it cannot be written.
        """
        gone = frozenset(session_ids)
        if not gone or not is_real_dir(self.paths.learnings) or not (self._names(gone) or self._unfinished()):
            return
        with self.alone():
            # Whoever wrote these is dead, since nobody else is at it.
            for path in self._unfinished():
                path.unlink(missing_ok=True)
            rows = self.lessons()
            pages = {month: page for month in ("", *self.months()) if (page := self.page(month)) is not None}
            left = without_sessions(rows, gone)
            if left != rows:
                self.keep_lessons(left)
            for month, page in pages.items():
                before = page.text
                page.forget(gone)
                if page.text != before:
                    self.keep_page(page, month)

    def has(self, session_id: str) -> bool:
        """Whether anything there may be of a session."""
        return self._names(frozenset({session_id}))

    def naming(self, session_ids: Iterable[str]) -> list[str]:
        """Return sentences on where people's own words name one of these sessions.

        Raises:
            LearningsUnreadable: a file cannot be read as text.
        """
        names = frozenset(session_ids)
        pages = ((month, self.page(month)) for month in ("", *self.months()) if names)
        return [
            f"{self._path(month)}, line {number}, is in somebody's own words and names a session that is deleted."
            for month, page in pages
            if page is not None
            for number in lines_naming(page.text, names)
        ]

    def remove(self) -> None:
        """Remove all of it, people's own words too.

        Raises:
            StoreUnusable: it cannot be removed, or somebody else is at it.
        """
        if not is_real_dir(self.paths.learnings):
            return
        with self.alone():
            try:
                shutil.rmtree(self.paths.learnings)
            except OSError as error:
                raise StoreUnusable(
                    self.paths.root, f"{self.paths.learnings} cannot be removed ({error})"
                ) from error

    def _names(self, session_ids: frozenset[str]) -> bool:
        """Whether any of the files may be about one of these sessions: most stores have none, most sessions none."""
        files = [self.paths.lessons, *map(self._path, ("", *self.months()))]
        texts = filter(None, map(self._read, files))
        names = [each.encode() for each in session_ids]
        return any(name in text for text in texts for name in names)

    def _unfinished(self) -> list[Path]:
        """Return the files that a process left that died while it wrote."""
        folders = filter(is_real_dir, (self.paths.learnings, self.paths.learnings_archive))
        return [path for folder in folders for path in folder.iterdir() if whose(path.name) is not None]

    def _path(self, month: str) -> Path:
        return self.paths.learnings_archive / f"{month}.md" if month else self.paths.learnings_page

    def _read(self, path: Path) -> bytes | None:
        if not is_real_dir(path.parent):
            return None
        try:
            return read_file(path, _LARGEST)
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise LearningsUnreadable(path, str(error)) from error
        except OSError as error:
            raise LearningsUnreadable(path, error.strerror or str(error)) from error

    def _write(self, path: Path, data: bytes) -> None:
        try:
            replace_file(path, data)
        except OSError as error:
            raise StoreUnusable(
                self.paths.root, f"{path} cannot be written ({error.strerror or error})"
            ) from error


def _rows(tables: Any, name: str) -> Any:
    table = tables.get(name) if isinstance(tables, dict) else None
    return (
        list(table.values())
        if isinstance(table, dict)
        else []
        if table is None and name != "lessons"
        else None
    )
