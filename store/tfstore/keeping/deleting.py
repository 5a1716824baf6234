"""Deleting sessions: all that is kept of them, and nothing of the others, however many go at once.

The journal goes first, under the session's claim, so that nothing makes the session again, with it what was recorded
raw; then, for all of them together, what is shared with other sessions: the index, blobs. What they came to is kept,
in numbers (``pruned_totals.jsonl``), so that counters do not fall. The document goes last: until then the session is
known, and deleting it again goes on where an earlier attempt died. Notes go before it, and after it those that
somebody added in between; nobody can add to a session that is not known.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfstore.disk import export_ledger
from tfstore.disk.files import unfinished, whose
from tfstore.disk.paths import StorePaths, is_real_dir, is_session_id
from tfstore.errors import (
    ClaimedElsewhere,
    CorruptDocument,
    SessionInUse,
    SessionPinned,
    StoreError,
    StoreUnusable,
    UnknownSession,
)
from tfstore.index import pruned_totals
from tfstore.journal.reading import has_journal, live_writers
from tfstore.keeping.blob_uses import references, remove_unused

if TYPE_CHECKING:
    from tfstore.store import Store

PATIENCE: Final = 10.0
"""Seconds to wait for whoever is at one of the sessions."""


@frozen
class Deletion:
    """What came of deleting sessions.

    ``deleted`` are those that are gone, ``problems`` says of the others why they are not. ``blob_bytes`` is what
    went with them; ``blobs_kept`` says why blobs stayed, if one of the other documents cannot be read.
    """

    deleted: list[str]
    problems: Mapping[str, StoreError]
    blob_bytes: int = 0
    blobs_kept: CorruptDocument | None = None


def delete(
    store: Store, session_ids: Iterable[str], *, patience: float = PATIENCE, pinned: bool = False
) -> Deletion:
    """Delete sessions; one that cannot be does not stop the others.

    Args:
        store: the store; others may be writing to it.
        session_ids: whole ids.
        patience: seconds to wait for a process that is writing the files of one of them.
        pinned: those that are pinned too; else each of them is a problem.

    Raises:
        StoreUnusable: something cannot be removed; doing it again goes on from there.

    Example:
        >>> import tempfile
        >>> from tfstore.document.documents import Session
        >>> from tfstore.store import Store
        >>> store = Store(tempfile.mkdtemp(), create=True)
        >>> store.put(Session("sess_1", status="closed"))
        >>> delete(store, ["sess_1"]).deleted, store.list()
        (['sess_1'], [])
    """
    problems: dict[str, StoreError] = {}
    blobs: dict[str, set[str]] = {}
    pins = {} if pinned else store.pins()
    for session_id in dict.fromkeys(session_ids):
        try:
            if session_id in pins:
                raise SessionPinned(session_id, [each.incident for each in pins[session_id]])
            blobs[session_id] = _take_away(store, session_id, patience)
        except StoreError as error:
            problems[session_id] = error
    try:
        freed, kept = _remove_rest(store, blobs)
    except OSError as error:
        reason = f"not all of the sessions could be removed ({error}): do it again when that is mended"
        raise StoreUnusable(store.paths.root, reason) from error
    return Deletion(list(blobs), problems, freed, kept)


def known(store: Store, session_id: str) -> str:
    """Return the id if there is anything left of such a session that can be deleted.

    Raises:
        UnknownSession: there is nothing; the error names near ids.
    """
    if not is_session_id(session_id) or not any(traces(store.paths, session_id)):
        raise UnknownSession(session_id, store.near(session_id))
    return session_id


def traces(paths: StorePaths, session_id: str) -> Iterator[Path]:
    """Yield what is there of a session that names it: its files and folders, but for what is shared.

    Raises:
        InvalidSessionId: the id cannot be a file name.
    """
    yield from (each for each in (paths.journal_of(session_id), *_own(paths, session_id)) if _is_there(each))


def _take_away(store: Store, session_id: str, patience: float) -> set[str]:
    """Remove what is a session's own, but for its documents; return the digests of blobs that they refer to."""
    paths = store.paths
    known(store, session_id)
    with store.claim(session_id, timeout=patience) as mine:
        if not mine:
            raise ClaimedElsewhere(session_id)
        alive = live_writers(paths, session_id)
        if alive:
            raise SessionInUse(session_id, alive)
        blobs: set[str] = set()
        notes = paths.notes_of(session_id)
        # What cannot be read refers to nothing that could be found; `prune` finds what nothing refers to.
        with suppress(CorruptDocument):
            blobs = references(store, session_id)
        try:
            _remove_journal(paths, session_id)
            for path in _own(paths, session_id):
                if path not in {notes, *_documents(paths, session_id)} and _is_there(path):
                    _remove(path)
            _remove_notes(store, [session_id])
        except OSError as error:
            raise StoreUnusable(paths.root, f"{session_id} cannot be removed ({error})") from error
    return blobs


def remove_journal(store: Store, session_id: str, *, patience: float = PATIENCE) -> None:
    """Remove the journal of a session that is to be written anew.

    Raises:
        InvalidSessionId: the id cannot be a file name.
        SessionInUse, ClaimedElsewhere: somebody is writing to it.
        StoreUnusable: it cannot be removed.
    """
    with store.claim(session_id, timeout=patience) as mine:
        if not mine:
            raise ClaimedElsewhere(session_id)
        alive = live_writers(store.paths, session_id)
        if alive:
            raise SessionInUse(session_id, alive)
        try:
            _remove_journal(store.paths, session_id)
        except OSError as error:
            raise StoreUnusable(store.paths.root, f"{session_id} cannot be removed ({error})") from error


def _remove_journal(paths: StorePaths, session_id: str) -> None:
    folder = paths.journal_of(session_id)
    if is_real_dir(paths.journal) and os.path.lexists(folder):
        # All segments at once: of some only, another session could be made.
        aside = unfinished(folder)
        folder.rename(aside)
        if is_real_dir(aside):
            os.utime(aside)  # young: nobody is to take it for what a dead process left
        if _is_there(paths.archived(session_id)):
            _remove(paths.archived(session_id))
        _remove(aside)
    elif _is_there(paths.archived(session_id)):
        _remove(paths.archived(session_id))


def _remove_rest(store: Store, blobs: Mapping[str, set[str]]) -> tuple[int, CorruptDocument | None]:
    """Remove what else there is of sessions whose journals are gone."""
    paths = store.paths

    def gone() -> list[str]:
        # One by the same name may have begun meanwhile.
        return [each for each in blobs if not has_journal(paths, each)]

    store.learnings.forget(gone())
    store.incidents.forget(gone())
    _remove_left(paths, set(gone()))
    freed, kept = 0, None
    files = [path for each in set().union(*blobs.values()) if (path := store.blobs.find(each)) is not None]
    try:
        freed = remove_unused(store, files, without=gone())
    except CorruptDocument as error:
        kept = error
    # As long as a document is there it counts itself, and what is kept of it does not.
    pruned_totals.keep(paths, store.index.counted_each(gone()))
    # Before the documents, so that a death in between leaves nothing that nobody knows of.
    store.index.remove(gone())
    removed = gone()
    for session_id in removed:
        for document in _documents(paths, session_id):
            if _is_there(document):
                document.unlink(missing_ok=True)
    # And after them: somebody may have noted something, read one in between, or learnt of it.
    no_more = [each for each in removed if not _is_there(paths.document(each))]
    _remove_notes(store, no_more)
    store.learnings.forget(no_more)
    store.incidents.forget(no_more)
    export_ledger.forget(paths, no_more)
    store.index.remove(
        each for each in removed if store.index.has(each) and not _is_there(paths.document(each))
    )
    pruned_totals.fold(paths, store.index.identities)
    return freed, kept


def _remove_notes(store: Store, session_ids: Iterable[str]) -> None:
    """Remove what was noted on sessions, while nobody adds to it."""
    found = [path for each in session_ids if _is_there(path := store.paths.notes_of(each))]
    if found:
        with store.noting.alone():
            for path in found:
                _remove(path)


def _own(paths: StorePaths, session_id: str) -> list[Path]:
    drawn = [paths.diagram(session_id), paths.pictures / session_id, paths.raw_of(session_id)]
    return [
        paths.archived(session_id),
        *drawn,
        paths.notes_of(session_id),
        *_documents(paths, session_id),
    ]


def _documents(paths: StorePaths, session_id: str) -> tuple[Path, Path]:
    """They tell which blobs go too, and stay until these are gone."""
    return paths.earlier(session_id), paths.document(session_id)


def _remove_left(paths: StorePaths, session_ids: set[str]) -> None:
    """Remove what processes left that died while they wrote something of these sessions, and what was laid beside.

    That is looked for once for all of them: there may be very many files.
    """
    names = {path.name for each in session_ids for path in (paths.journal_of(each), *_own(paths, each))}
    for folder in (paths.sessions, paths.archive, paths.journal):
        if names and is_real_dir(folder):
            with os.scandir(folder) as found:
                left = [each.name for each in found if whose(each.name) in names]
            for name in left:
                _remove(folder / name)
    if session_ids and is_real_dir(paths.sessions):
        for path in list(paths.sessions.iterdir()):
            if path.stem in session_ids and path.suffix not in {".json", ".v1"}:
                _remove(path)


def _is_there(path: Path) -> bool:
    return is_real_dir(path.parent) and os.path.lexists(path)


def _remove(path: Path) -> None:
    if is_real_dir(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
