"""``incidents.jsonl``: which sessions of a store are pinned, and for what; only ever added to."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from attrs import evolve

from tfstore.disk.files import replace_file
from tfstore.disk.lines import add_lines, alone, lines_of
from tfstore.document.pins import entry_in, kept, letting_go, pinning, pins_in
from tfstore.document.times import iso
from tfstore.errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tfstore.disk.notes_folder import Keep
    from tfstore.disk.paths import StorePaths
    from tfstore.document.pins import Pin


class Incidents:
    """What sessions of one store are pinned for.

    Args:
        paths: the store.
        known: returns a session's id if there is anything of it, and raises if there is not.
        keep: says what of a name or a note may be written down; without it, nothing is.

    Example:
        >>> import tempfile
        >>> from tfstore.disk.paths import StorePaths
        >>> from tfstore.document.pins import Pin
        >>> paths = StorePaths(tempfile.mkdtemp())
        >>> paths.create()
        >>> incidents = Incidents(paths, keep=lambda text, where, mode: (text, []))
        >>> _ = incidents.pin("sess_1", Pin("outage-7"), "secrets")
        >>> list(incidents.read())
        ['sess_1']
    """

    def __init__(
        self,
        paths: StorePaths,
        known: Callable[[str], str] = lambda session_id: session_id,
        *,
        keep: Keep | None = None,
    ) -> None:
        self.paths = paths
        self._known = known
        self._keep = keep

    def read(self) -> dict[str, list[Pin]]:
        """Return the ids of pinned sessions, each with what it is pinned for.

        Raises:
            StoreUnusable: the file is there and cannot be read: nobody knows what must stay.
        """
        return pins_in(lines_of(self.paths, self.paths.incidents))

    def pin(self, session_id: str, pin: Pin, mode: str) -> Pin:
        """Keep a session, and return the pin as it was written: with a moment, and what was replaced in it.

        Args:
            session_id: its whole id.
            pin: one that was checked; of the same incident there is one.
            mode: how the session's texts are redacted.

        Raises:
            UnknownSession: there is none like that.
            StoreUnusable: it cannot be written, or nothing says what may be.
        """
        keep = self._keep
        if keep is None:
            reason = "it was opened without what keeps secrets out of it: open it with tfclient.open_store"
            raise StoreUnusable(self.paths.root, reason)
        made = evolve(kept(pin, keep, mode), at=_now())
        with alone(self.paths, self.paths.incidents_lock):
            # It may have been deleted meanwhile: then nothing is to be left of it.
            add_lines(self.paths, self.paths.incidents, pinning(self._known(session_id), made))
        return made

    def let_go(self, session_id: str, incident: str | None) -> bool:
        """Let a session be pruned, as far as one incident goes, or any; return whether it was pinned so.

        Raises:
            StoreUnusable: it cannot be written.
        """
        with alone(self.paths, self.paths.incidents_lock):
            pins = self.read().get(session_id, [])
            if not any(incident in {None, each.incident} for each in pins):
                return False
            add_lines(self.paths, self.paths.incidents, letting_go(session_id, incident, _now()))
        return True

    def forget(self, session_ids: Collection[str]) -> None:
        """Take the lines out that name deleted sessions, and one that was not written to its end.

        Raises:
            StoreUnusable, OSError: the file cannot be read, or written.
        """
        if not session_ids or not os.path.lexists(self.paths.incidents):
            return
        with alone(self.paths, self.paths.incidents_lock):
            lines = lines_of(self.paths, self.paths.incidents)
            left = [each for each in lines if entry_in(each).get("session_id") not in session_ids]
            if len(left) < len(lines):
                replace_file(self.paths.incidents, [each + b"\n" for each in left])


def _now() -> str:
    return iso(time.time_ns() // 1000)
