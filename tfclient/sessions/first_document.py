"""The document that a session has from its first moment, until its first projection replaces it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tfclient.projection.opened import opened
from tfstore.disk.files import place_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.disk.paths import StorePaths
    from tfstore.journal.entries import Written
    from tfstore.journal.segment import Segment


def first_document(paths: StorePaths, segment: Segment, opening: Written) -> Callable[[], None]:
    """Return what writes the document of a session that has only begun, if it has none; that raises nothing.

    Args:
        paths: the store.
        segment: the session's journal, which has this entry and no other yet.
        opening: its ``session.started``.
    """
    return partial(_write, paths, segment, opening, segment.head)


def _write(paths: StorePaths, segment: Segment, opening: Written, head: str) -> None:
    path = paths.document(segment.session_id)
    try:
        if not path.exists() and (text := opened(segment.session_id, opening, head)) is not None:
            # What is closed has a better one, or had, and was deleted.
            place_file(path, text, segment.is_there)
    except Exception:  # noqa: BLE001, S110 - what cannot be written here cannot be projected either, and that is told
        pass
