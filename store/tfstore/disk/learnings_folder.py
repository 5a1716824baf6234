"""The files of what sessions taught: ``learnings.md``, the archive, lessons and adaptations, under one lock.

Nothing is written over what cannot be read: whoever opens such a file is told, and it stays as it is.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tfstore.disk.files import read_file, replace_file, whose
from tfstore.disk.locks import only_one
from tfstore.disk.notes_folder import Keep
from tfstore.disk.paths import StorePaths, is_real_dir
from tfstore.document import adaptation_rows
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

    def __init__(self, paths: StorePaths, keep: Keep | None = None) -> None:
        self.paths = paths
        self._keep = keep

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
        return self._table(self.paths.lessons, "lessons", VERSION, damage_in)

    def keep_lessons(self, rows: list[Json]) -> None:
        """Write the lessons, as a document of TinyDB; its table is ``lessons``."""
        self._keep_table(self.paths.lessons, "lessons", VERSION, rows)

    def adaptations(self) -> list[Json]:
        """Return the adaptations, the earliest first.

        Raises:
            LearningsUnreadable: the file is damaged.
            NewerLearnings: a later version wrote it.
        """
        rows = adaptation_rows
        return self._table(self.paths.adaptations, "adaptations", rows.VERSION, rows.damage_in)

    def keep_adaptations(self, rows: list[Json]) -> None:
        """Write the adaptations, as a document of TinyDB; its table is ``adaptations``."""
        self._keep_table(self.paths.adaptations, "adaptations", adaptation_rows.VERSION, rows)

    def cleared(self, text: str, where: str) -> str:
        """Return what of a text may be written down.

        Raises:
            StoreUnusable: the store was opened without what says that.
        """
        if self._keep is None:
            reason = "it was opened without what keeps secrets out of it: open it with tfclient.open_store"
            raise StoreUnusable(self.paths.root, reason)
        return self._keep(text, where, "")[0] if text else text

    def _table(self, path: Path, name: str, version: str, damage_in: Callable[[Any], str]) -> list[Json]:
        data = self._read(path)
        if data is None:
            return []
        try:
            found = parse(data)
        except (ValueError, RecursionError) as error:
            raise self._unreadable(path, f"it is no JSON ({error})") from error
        about = _rows(found, "about", name)
        written = about[0].get("version") if about and isinstance(about[0], dict) else None
        if written != version:
            if isinstance(written, str) and written.startswith(version.partition("/")[0] + "/"):
                raise NewerLearnings(path, written, version)
            raise self._unreadable(path, "it does not say its version")
        rows = _rows(found, name, name)
        damage = damage_in(rows)
        if damage:
            raise self._unreadable(path, damage)
        return list(rows or ())

    def _keep_table(self, path: Path, name: str, version: str, rows: list[Json]) -> None:
        tables = {
            "about": {"1": {"version": version}},
            name: {str(number): row for number, row in enumerate(rows, start=1)},
        }
        self._write(path, readable(tables))

    def _unreadable(self, path: Path, reason: str) -> LearningsUnreadable:
        if path == self.paths.adaptations:
            return LearningsUnreadable(path, reason, "propose anew what it held")
        return LearningsUnreadable(path, reason)

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
            rows, adaptations = self.lessons(), self.adaptations()
            pages = {month: page for month in ("", *self.months()) if (page := self.page(month)) is not None}
            left = without_sessions(rows, gone)
            if left != rows:
                self.keep_lessons(left)
            uncited = adaptation_rows.without_citations(adaptations, gone)
            if uncited != adaptations:
                self.keep_adaptations(uncited)
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
        written = ((row["adaptation_id"], adaptation_rows.own_words(row)) for row in self.adaptations())
        path = self.paths.adaptations
        proposed = [
            f"{path}, {name}, is in somebody's own words and names a session that is deleted."
            for name, words in written
            if names and lines_naming(words, names)
        ]
        return proposed + [
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
        files = [self.paths.lessons, self.paths.adaptations, *map(self._path, ("", *self.months()))]
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
            raise self._unreadable(path, str(error)) from error
        except OSError as error:
            raise self._unreadable(path, error.strerror or str(error)) from error

    def _write(self, path: Path, data: bytes) -> None:
        try:
            replace_file(path, data)
        except OSError as error:
            raise StoreUnusable(
                self.paths.root, f"{path} cannot be written ({error.strerror or error})"
            ) from error


def _rows(tables: Any, name: str, needed: str) -> Any:
    table = tables.get(name) if isinstance(tables, dict) else None
    return (
        list(table.values()) if isinstance(table, dict) else [] if table is None and name != needed else None
    )
