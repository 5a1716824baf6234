"""``raw/<session>/``: bodies as they were on the wire, and stacks of failed calls, where somebody asked for that twice.

A file for each body, and beside it one of JSON that says what it is of, without any credential. Files are 0600, the
folders 0700; each goes when it is old, whatever becomes of its session. Nothing here is read by anything but what asks
for raw bodies by that name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import frozen

from tfstore.disk.files import read_file
from tfstore.disk.paths import StorePaths, check_session_id, is_real_dir, is_session_id, open_private
from tfstore.document.json_text import compact, parse

if TYPE_CHECKING:
    from datetime import timedelta

RawKind = Literal["request", "response", "error"]

KEPT_DAYS: Final = 3.0
"""Days for which a raw file is kept, where nothing else is said."""

_NAME: Final = re.compile(
    r"(?P<of>[A-Za-z0-9][A-Za-z0-9._-]{0,127})\.(?P<kind>request|response|error)(?P<about>\.json)?"
)
_LONGEST: Final = 1 << 40


@frozen
class RawPart:
    """One body, or the stack of one failed call.

    ``name`` is the exchange, or the call, ``about`` what is beside it: method, URL, status, headers without
    credentials, and ``incomplete`` where not all of it was kept; of an error its words and its stack. ``size`` is in
    bytes, ``recorded_at`` in seconds since 1970.
    """

    session_id: str
    name: str
    kind: RawKind
    path: Path
    about: dict[str, Any]
    size: int
    recorded_at: float

    def content(self) -> bytes:
        """Return the body; nothing where there is none, as of an error.

        Raises:
            OSError: it is gone, or cannot be read.
        """
        return read_file(self.path, _LONGEST) if self.path.suffix != ".json" else b""


@frozen
class Expired:
    """Raw files that went, or would go, and their bytes."""

    files: int = 0
    bytes: int = 0


def put(paths: StorePaths, session_id: str, name: str, data: Iterable[bytes], *, anew: bool = False) -> None:
    """Write behind what is in one of a session's raw files, or in place of it.

    Raises:
        OSError, StoreUnusable: it cannot be written.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} cannot name a raw file")
    folder = paths.raw_of(session_id)
    if not is_real_dir(folder):
        if not is_real_dir(paths.raw):
            paths.create()
            paths.make_dir(paths.raw)
        paths.make_dir(folder)
    how = os.O_TRUNC if anew else os.O_APPEND
    descriptor = open_private(folder / name, os.O_WRONLY | os.O_CREAT | how)
    try:
        for piece in data:
            left = memoryview(piece)
            while left:
                left = left[os.write(descriptor, left) :]
    finally:
        os.close(descriptor)


def mark_incomplete(paths: StorePaths, session_id: str, name: str) -> None:
    """Say beside a body that not all of it is there.

    Raises:
        OSError, StoreUnusable: it cannot be written.
    """
    beside = f"{name}.json"
    about = {**_about(paths.raw_of(session_id) / beside), "incomplete": True}
    put(paths, session_id, beside, [compact(about)], anew=True)


def raw_sessions(paths: StorePaths) -> list[str]:
    """Return the ids of sessions that there is something raw of, sorted; they need not be known."""
    if not is_real_dir(paths.raw):
        return []
    return sorted(each.name for each in paths.raw.iterdir() if is_session_id(each.name) and is_real_dir(each))


def raw_parts(paths: StorePaths, session_id: str) -> list[RawPart]:
    """Return what was recorded raw of a session and is still there, in the order of its exchanges.

    Raises:
        InvalidSessionId: the id cannot be a file name.
    """
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for path in _files(paths.raw_of(check_session_id(session_id))):
        named = _NAME.fullmatch(path.name)
        if named is not None:
            found.setdefault((named["of"], named["kind"]), {})["about" if named["about"] else "body"] = path
    parts: list[RawPart] = []
    for (name, kind), files in found.items():
        path = files.get("body") or files["about"]
        with contextlib.suppress(OSError):
            status = path.lstat()
            size = status.st_size if "body" in files else 0
            about = _about(files.get("about"))
            parts.append(RawPart(session_id, name, kind, path, about, size, status.st_mtime))  # type: ignore[arg-type]
    return sorted(parts, key=lambda each: (_numbers(each.name), each.kind))


def bytes_of(paths: StorePaths, session_id: str) -> int:
    """Return the bytes of a session's raw files."""
    return sum(_size(path) for path in _files(paths.raw_of(session_id)))


def remove_raw(paths: StorePaths, session_id: str) -> None:
    """Remove what is raw of a session.

    Raises:
        OSError: it cannot be removed.
    """
    folder = paths.raw_of(session_id)
    if is_real_dir(paths.raw) and os.path.lexists(folder):
        if is_real_dir(folder):
            shutil.rmtree(folder)
        else:
            folder.unlink()


def expire(
    paths: StorePaths, older_than: timedelta, *, now: float | None = None, dry: bool = False
) -> Expired:
    """Remove the raw files that were last written longer ago than this, of whatever session.

    Args:
        paths: the store.
        older_than: the age.
        now: seconds since 1970 to count from; the present by default.
        dry: only count.

    Raises:
        OSError: one cannot be removed.
    """
    before = (time.time() if now is None else now) - older_than.total_seconds()
    files = size = 0
    for session_id in raw_sessions(paths):
        folder = paths.raw_of(session_id)
        for path in list(_files(folder)):
            try:
                status = path.lstat()
                if status.st_mtime > before:
                    continue
                if not dry:
                    path.unlink()
            except FileNotFoundError:
                continue
            files += 1
            size += status.st_size
        if not dry:
            try:
                folder.rmdir()
            except OSError as error:
                # Somebody writes to it, or something is left.
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
                    raise
    return Expired(files, size)


def _files(folder: Path) -> Iterator[Path]:
    if is_real_dir(folder) and is_real_dir(folder.parent):
        with os.scandir(folder) as found:
            names = [each.name for each in found if each.is_file(follow_symlinks=False)]
        yield from (folder / name for name in sorted(names))


def _about(path: Path | None) -> dict[str, Any]:
    if path is not None:
        with contextlib.suppress(OSError, ValueError):
            told = parse(read_file(path, 1 << 24))
            return told if isinstance(told, dict) else {}
    return {}


def _numbers(name: str) -> list[tuple[int, str]]:
    """Return a key by which 2 comes before 10."""
    return [(int(each), "") if each.isdigit() else (-1, each) for each in re.split(r"(\d+)", name)]


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
