"""What is wrong in a store, journals and documents compared, and mending all of it that can be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.finishing.places import places
from tfclient.finishing.rebuilding import rebuild, verify
from tfclient.finishing.recovery import end_session
from tfstore.errors import ArchiveUnreadable, ClaimedElsewhere, StoreUnusable, UnknownSession
from tfstore.journal.reading import live_writers
from tfstore.journal.segment_reader import segment_files
from tfstore.keeping.doctor import Repair, examine, remove_unfinished
from tfstore.keeping.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfstore.store import Store

_WITHOUT_DOCUMENT: Final = frozenset(
    {
        *("no_document", "corrupt_document", "lost_document", "newer_document", "misnamed_document"),
        *("blocked_document", "dead_writer"),
    }
)


@frozen
class Mended(Repair):
    """What ``mend`` did: besides removing files, sessions rebuilt from their journals, and those that could not be."""

    sessions_rebuilt: int = 0
    not_rebuilt: int = 0


def examine_store(store: Store) -> Iterator[Problem]:
    """Yield what is wrong in a store, whether its documents say what their journals do included."""
    seen: set[Problem] = set()
    for problem in examine(store, journals=False):
        seen.add(problem)
        yield problem
    # What `recover` ends is made again from its journal anyway, and what cannot be read is compared with nothing.
    without = {each.session_id for each in seen if each.kind in _WITHOUT_DOCUMENT}
    for session_id in sorted({*store.ids(), *store.recorded()}):
        problems = _verified(store, session_id)
        for problem in problems:
            # What an earlier version wrote is not wrong.
            is_said = problem in seen or problem.kind == "earlier_document"
            if problem.writer is not None or not (is_said or session_id in without):
                yield problem
        if (
            segment_files(store.paths, session_id)
            and session_id not in without
            # What cannot be read whole is not archived.
            and not any(each.kind == "unreadable" for each in problems)
            and not live_writers(store.paths, session_id)
        ):
            detail = f"Session {session_id} is closed and its journal is not archived yet"
            yield Problem("unarchived_journal", detail, session_id, store.paths.journal_of(session_id))

    yield from _refused(store)


def _refused(store: Store) -> Iterator[Problem]:
    """What places did not take that sessions are sent to, as they are now."""
    try:
        for place, path, found in places(store):
            for session_id, why in found.refused.items():
                yield Problem(
                    "refused", f"Session {session_id} was not taken by {place}: {why}", session_id, path
                )
    except StoreUnusable as error:
        yield Problem("blocked_document", str(error), path=store.paths.exports)


def _verified(store: Store, session_id: str) -> list[Problem]:
    try:
        return verify(store, session_id).problems
    except UnknownSession:
        # Deleted meanwhile.
        return []


def mend(store: Store) -> Mended:
    """Rebuild every session that needs it, then remove unfinished files, and the index, which is made anew.

    Journals are never written to, but for the end of sessions whose program died.

    Raises:
        OSError: something could not be removed.
    """
    rebuilt = failed = 0
    needing = {each.session_id for each in examine_store(store) if each.mend in {"recover", "rebuild"}}
    for session_id in sorted(each for each in needing if each is not None):
        try:
            _make_again(store, session_id)
            rebuilt += 1
        except Exception:  # noqa: BLE001 - one that fails does not stop the others
            # The problem stays, and says why.
            failed += 1
    removed = remove_unfinished(store).files_removed
    return Mended(files_removed=removed, sessions_rebuilt=rebuilt, not_rebuilt=failed)


def _make_again(store: Store, session_id: str) -> None:
    try:
        rebuild(store, session_id)
    except ArchiveUnreadable:
        if not segment_files(store.paths, session_id):
            raise
        # As `tfclient recover` does: of what is not archived, where no document tells more.
        with store.claim(session_id) as mine:
            if not mine:
                raise ClaimedElsewhere(session_id) from None
            end_session(store, session_id)
