"""One session's journal as this process writes it: opening, forks, failures, slow disks. It never raises.

The rules, in the order of what goes wrong:

* The store cannot be written: the entries are lost and counted, and the next call tries again.
* The store was deleted under the program: the segment begins anew, with the session's first entry again.
* The process forked: the child opens a segment of its own in the same session.
* A write took ``STALLED`` seconds, and that was not the processor: writing moves to a thread with bounded memory
  (what it holds is lost if the process is killed, and ``health`` says so) until the disk is fast again.
* The segment is opened by a thread. Where that takes ``STALLED`` seconds, its entries wait in the same way.
* While sound goes by, nobody may wait for a stalled write: entries are written by such a thread then, and who has them
  written waits ``STALLED / LIVE`` seconds for it at most.
* Writing is refused where the call is made, by a detector of blocking calls on an event loop: the same thread does it.
"""

from __future__ import annotations

import itertools
import os
import secrets
from collections import deque
from sys import is_finalizing
from time import monotonic, monotonic_ns, perf_counter
from typing import TYPE_CHECKING, Final

from tfclient.sessions.backlog import BUSY, Backlog, time_to_be_scheduled, weight_of
from tfclient.sessions.begun import SURELY_STALLED, Begun, StillOpening
from tfclient.sessions.sent_bodies import SentBodies
from tfclient.signals import let_pass
from tfstore.disk import fork
from tfstore.errors import EntryTooLong, SegmentNotOurs
from tfstore.journal.entries import dropped, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tfclient.health import Health
    from tfclient.sessions.sent_bodies import SentBody
    from tfclient.stats import Counters
    from tfstore.disk.paths import StorePaths
    from tfstore.journal.entries import Entry, Members, Written
    from tfstore.journal.segment import Segment

STALLED: Final = 0.1
MEANWHILE: Final = 0.02
"""Seconds that an async program's session waits for its journal while other tasks run; then it waits as calls do."""
LIVE: Final = 5
"""So many times sooner a write is taken for stalled where somebody listens to what comes."""
FAST: Final = 0.01
SOUNDS: Final = 1_000_000_000
"""Nanoseconds for which sound that went by is taken to go on."""
LEAST_SPEED: Final = 25e6
"""Bytes a second that encoding and writing manage at least: a long entry takes long, and nothing is wrong."""
RETRY_AFTER: Final = 0.25
_WRITING_RAISES: Final = frozenset({"builtins", "tfstore", "tfclient"})
"""Where the classes of the errors are made that writing itself raises."""
_TRIES: Final = 1000
"""How often a segment may be closed under the same entries."""


class Writer:
    """Writes the entries of one session.

    Args:
        directory: the store's folder.
        session_id: the session.
        fsync: force every write to the disk itself.
        opening: gives the ``session.started`` entry that every segment begins with.
        health: where faults are counted.
        counters: where work is counted.
        goes_on: another process may have recorded something of the session before.
    """

    def __init__(
        self,
        directory: Path,
        session_id: str,
        *,
        fsync: bool,
        opening: Callable[[], Written],
        health: Health,
        counters: Counters,
        goes_on: bool = False,
    ) -> None:
        self.session_id = session_id
        self._directory = directory
        self._fsync = fsync
        self._opening = opening
        self._health = health
        self._counters = counters
        self._goes_on = goes_on
        self._reopened = 0
        self._retry_at = 0.0
        self._failing = False
        self._lock = fork.lock()
        self._forked()
        fork.renew_after_fork(self)

    def _forked(self) -> None:
        self.sent_bodies = SentBodies(self._is_there)
        """The request bodies that are in the segment, for the next one to refer to."""
        self._segment: Segment | None = None
        self._backlog: Backlog | None = None
        self._begun: Begun | None = None
        self._refused: str | None = None
        self._sounds_until = 0
        self._left: deque[Written] = deque()
        self._named = self._names()

    def append(self, *entries: Written | Members, again: bool = False, live: bool = False) -> bool:
        """Write the entries together; say whether the operating system, or the backlog, has them now.

        Args:
            entries: as ``Segment.append`` takes them.
            again: they go on with what was written last, as a stream's next chunk does.
            live: somebody listens meanwhile: less is taken for a stall.
        """
        if self._left:
            entries = (*self._drain_left(), *entries)
        backlog = self._backlog
        if backlog is None and self._refused is not None:
            backlog = self._behind(self._refused)
        if backlog is None and live and monotonic_ns() < self._sounds_until:
            backlog = self._accompanied()
        if (
            backlog is not None
            and not backlog.late
            and (monotonic_ns() >= self._sounds_until or is_finalizing())
        ):
            # It is quiet; or its thread runs no more.
            backlog.leave()
        if backlog is not None and (taken := self._put(backlog, entries, live=live)) is not None:
            return taken
        if self._segment is None and is_finalizing():
            # Its session has ended with the program, and nothing can be imported any more.
            self._counters.lost += len(entries)
            return False
        began = perf_counter()
        try:
            self._write(entries, again=again)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user's call goes on
            return self._not_written(error, entries)
        took = perf_counter() - began
        counters = self._counters
        counters.entries += len(entries)
        counters.latest.append(took)
        stalled = STALLED / LIVE if live else STALLED
        if took >= stalled:
            self._took_long(took, stalled, entries)
        return True

    def go_on(self, members: Members, now: int) -> bool:
        """Write one entry as ``append(members, again=True, live=True)`` does, in the fewest steps where all is well.

        Args:
            members: the entry.
            now: what ``monotonic_ns`` has just said.
        """
        segment = self._segment
        odd = self._failing or self._backlog is not None or self._left or self._refused
        if segment is None or odd or now < self._sounds_until:
            return self.append(members, again=True, live=True)
        try:
            if not segment.go_on(members, now):
                return self.append(members, again=True, live=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the user's call goes on
            return self._not_written(error, (members,))
        took = (monotonic_ns() - now) * 1e-9
        counters = self._counters
        counters.entries += 1
        counters.latest.append(took)
        if took >= STALLED / LIVE:
            self._took_long(took, STALLED / LIVE, (members,))
        return True

    def sounds(self, now: int) -> None:
        """Note that sound goes by: for the next second no write is to hold it up.

        Args:
            now: what ``monotonic_ns`` has just said.
        """
        self._sounds_until = now + SOUNDS

    def _accompanied(self) -> Backlog | None:
        """Return a thread that writes entries, made before any write is known to be slow."""
        with self._lock:
            if self._backlog is None:
                backlog = Backlog(self._write_late, self._no_room, self._fast_again, late=False)
                self._backlog = backlog if backlog.started else None
            return self._backlog

    def _put(self, backlog: Backlog, entries: tuple[Written | Members, ...], *, live: bool) -> bool | None:
        """Have entries written by a thread, and wait for it a little if all before was in time."""
        if backlog.late:
            return backlog.put(entries)
        patience = STALLED / LIVE if live else STALLED
        taken = backlog.put(entries, patience)
        if backlog.late:
            self._say_slow(f"a write takes more than {patience * 1000:.0f} ms")
        return taken

    def _took_long(self, took: float, stalled: float, entries: tuple[Written | Members, ...]) -> None:
        if took >= stalled + sum(map(weight_of, entries)) / LEAST_SPEED:
            self._stalled(took, stalled)

    def _not_written(self, error: Exception, entries: tuple[Written | Members, ...]) -> bool:
        """Have entries written where nobody waits, if that is what they need; else count them as lost."""
        reason = None
        if isinstance(error, StillOpening):
            reason = f"opening the journal takes more than {STALLED * 1000:.0f} ms"
        elif _refused(error):
            let_pass(error)
            reason = self._refused = (
                f"writing is refused where a call is made ({type(error).__name__}: {error})"
            )
            if (segment := self._segment) is not None:
                segment.take_back(len(entries))
        if reason is not None and (backlog := self._behind(reason)) is not None:
            taken = backlog.put(entries)
            return self.append(*entries) if taken is None else taken
        self._failed(error, len(entries))
        return False

    def remember(self, sent: SentBody) -> None:
        """Keep a request body that was written, so that what comes again of it need not be."""
        # What waits for a slow disk may yet be lost.
        backlog = self._backlog
        if backlog is None or not backlog.late:
            self.sent_bodies.keep(sent)

    def _is_there(self) -> bool:
        segment = self._segment
        return segment is not None and segment.is_there()

    def leave(self, entry: Written) -> None:
        """Have an entry written with the next ones: for the garbage collector, which may run inside any lock."""
        self._left.append(entry)

    def close(self, patience: float = 5.0) -> None:
        """Write what is left and close the segment; a later entry opens another.

        Args:
            patience: seconds to wait, at most, for what a slow disk has not taken yet.
        """
        if self._left:
            self.append()
        backlog = self._backlog
        if backlog is not None:
            backlog.wait(patience)
        segment = self._segment
        self.sent_bodies.forget()
        if segment is not None:
            with self._health.guard("journal", f"closing the journal of session {self.session_id}"):
                self._counters.closed_bytes += segment.size
            self._let_go(segment)

    def new_id(self) -> str:
        """Return an id for a call or tool of this session that no other process gives."""
        return next(self._named)

    @staticmethod
    def _names() -> Iterator[str]:
        prefix = f"{os.getpid()}_{secrets.token_hex(4)}"
        return (f"{prefix}-{n}" for n in itertools.count(1))

    @property
    def name(self) -> str | None:
        """The segment's name, or None while there is none."""
        segment = self._segment
        return None if segment is None else segment.writer

    @property
    def size(self) -> int:
        """Bytes of the open segment."""
        segment = self._segment
        return 0 if segment is None else segment.size

    @property
    def backlog(self) -> int:
        """Entries that wait for a slow disk."""
        backlog = self._backlog
        return 0 if backlog is None else backlog.waiting

    def _drain_left(self) -> list[Written]:
        left: list[Written] = []
        while self._left:
            left.append(self._left.popleft())
        return left

    def _write(self, entries: tuple[Written | Members, ...], *, again: bool = False) -> None:
        segment = self._appended(entries, again=again)
        if segment.reopened != self._reopened:
            self._begin_again(segment)
        if self._failing:
            self._failing = False
            self._health.recover("journal")

    def _appended(self, entries: tuple[Written | Members, ...], *, again: bool) -> Segment:
        """Append to the open segment, and return that."""
        shortened = False
        for _ in range(_TRIES):
            segment = self._segment or self._open(again=again)
            try:
                segment.append(*entries, again=again)
            except SegmentNotOurs:
                # Another thread closed it, as the end of a session does, and others may do so in turn.
                self._let_go(segment)
            except EntryTooLong as error:
                if shortened:
                    raise
                self._health.fault("too_long", error, f"writing the journal of session {self.session_id}")
                entries, shortened = tuple(map(_shortened, entries)), True
            else:
                return segment
        raise OSError("its segment was closed again and again")

    def _let_go(self, segment: Segment) -> None:
        """Write to this segment no more; what is written from now on goes to another."""
        segment.close()
        with self._lock:
            if self._segment is segment:
                self._segment = None

    async def open_meanwhile(self) -> None:
        """Have the segment opened while other tasks of the event loop run, for ``MEANWHILE`` seconds at most."""
        if self._segment is None and self._backlog is None and not is_finalizing():
            begun = self._begin()
            if isinstance(begun, Begun):
                await begun.let_others_run(MEANWHILE)

    def _begin(self, *, again: bool = False) -> Segment | Begun:
        """Return the segment, or that it is being opened, from now on if not before."""
        with self._lock:
            if self._segment is not None:
                return self._segment
            begun = self._begun
            if begun is None:
                if again and monotonic() < self._retry_at:
                    raise OSError(self._health.last_error or "the store cannot be written")
                # Taken back where it works: only what failed is not tried again for each chunk of a stream.
                self._retry_at = monotonic() + RETRY_AFTER
                self.sent_bodies.forget()
                opening = self._opening()
                begun = self._begun = Begun(lambda: self._opened(opening))
            return begun

    def _open(self, *, again: bool = False) -> Segment:
        """Return the segment, opened by another thread: that may take as long as the disk likes.

        Raises:
            StillOpening: it takes longer than a call is to wait; who writes behind waits until it is done.
        """
        begun = self._begin(again=again)
        if not isinstance(begun, Begun):
            return begun
        behind = self._backlog is not None and self._backlog.is_this_thread()
        if not begun.wait(None if behind else STALLED):
            raise StillOpening
        with self._lock:
            if self._begun is begun:
                self._begun = None
                segment = begun.result()
                self._reopened = segment.reopened
                self._segment = segment
                self._retry_at = 0.0
                self._health.recover("journal")
            return self._segment or begun.result()

    def _opened(self, opening: Written) -> tuple[Segment, Callable[[], object]]:
        from tfclient.sessions.first_document import first_document
        from tfstore.disk.paths import StorePaths
        from tfstore.journal.own_segments import closed_segments
        from tfstore.journal.segment import Segment

        paths = StorePaths(self._directory)
        segment = Segment.open(paths, self.session_id, fsync=self._fsync)
        follows = closed_segments(segment.path.parent)
        try:
            segment.append({**opening, "follows": follows} if follows else opening)
            then = first_document(paths, segment, opening)
            if self._goes_on:
                self._goes_on = False
                self._say_other_policy(paths, segment, opening)
        except BaseException:
            segment.close()
            raise
        return segment, then

    def _say_other_policy(self, paths: StorePaths, segment: Segment, opening: Written) -> None:
        """Journal that what follows is redacted by another policy than what was recorded of the session before."""
        from tfclient.sessions.earlier_policy import earlier_policy

        with self._health.guard("session", f"looking how session {self.session_id} was recorded before"):
            mode, was = opening["redaction"]["mode"], earlier_policy(paths, segment)
            if was is not None and was != mode:
                at, mono = stamp()
                segment.append(
                    {"at": at, "mono": mono, "type": "redaction.changed", "mode": mode, "was": was}
                )

    def _begin_again(self, segment: Segment) -> None:
        """The store was deleted under the program: what earlier entries said must be said again."""
        self._reopened = segment.reopened
        self.sent_bodies.forget()
        self._health.fault(
            "journal", "its file was deleted", f"writing the journal of session {self.session_id}, begun anew"
        )
        segment.append(self._opening())

    def _failed(self, error: Exception, lost: int) -> None:
        self._counters.lost += lost
        self._failing = True
        self._health.degrade("journal", f"the journal cannot be written: {error}")
        self._health.fault("journal", error, f"writing the journal of session {self.session_id}")

    def _stalled(self, took: float, stalled: float) -> None:
        if took < stalled + BUSY * time_to_be_scheduled():
            # The program, or the machine, was busy meanwhile.
            return
        self._behind(f"a write took {took * 1000:.0f} ms")
        if took >= SURELY_STALLED:
            self._surely_slow(took)

    def _behind(self, reason: str) -> Backlog | None:
        """Have entries written by a thread from now on, since they cannot be, or should not, in a call."""
        with self._lock:
            if self._backlog is None:
                backlog = Backlog(self._write_late, self._no_room, self._fast_again)
                if not backlog.started:
                    return None
                self._backlog = backlog
            elif self._backlog.late:
                return self._backlog
            self._backlog.late = True
            self._say_slow(reason)
            return self._backlog

    def _say_slow(self, reason: str) -> None:
        self._health.degrade(
            "slow",
            f"{reason}; until that is over, entries wait in memory for the thread that writes them, "
            "where a kill of the process would lose them",
        )

    def _surely_slow(self, took: float) -> None:
        self._health.say(
            "slow",
            f"A write of the journal took {took * 1000:.0f} ms: entries are written now in the background, until the "
            "disk is fast again. Nothing is lost, unless the process is killed before that.",
        )

    def _fast_again(self, backlog: Backlog) -> None:
        if self._backlog is backlog:
            self._backlog = None
            self._health.recover("slow")

    def _no_room(self, lost: int) -> None:
        self._failed(OSError("the backlog is full"), lost)

    def _write_late(self, entries: tuple[Written | Members, ...]) -> bool:
        """Write for the backlog; say whether the disk is still slow, or refused."""
        try:
            if self._segment is None:
                self._open()
            began = perf_counter()
            self._write(entries, again=len(entries) == 1 and isinstance(entries[0], bytes))
        except Exception as error:  # noqa: BLE001 - see above
            self._failed(error, len(entries))
            return True
        took = perf_counter() - began
        self._counters.entries += len(entries)
        self._counters.latest.append(took)
        if took >= FAST:
            took = max(0.0, took - BUSY * time_to_be_scheduled())
        if took >= STALLED + sum(map(weight_of, entries)) / LEAST_SPEED:
            self._surely_slow(took)
        return took >= FAST


def _refused(error: Exception) -> bool:
    """Whether somebody forbids to write where it was tried: detectors of blocking calls raise errors of their own."""
    if isinstance(error, RecursionError):
        return False
    return isinstance(error, RuntimeError) or type(error).__module__.partition(".")[0] not in _WRITING_RAISES


def _shortened(entry: Written | Members) -> Written | Members:
    """The entry if readers accept its length, else it without what makes it long, and with a mark that says so."""
    from tfstore.document.json_text import line, parse
    from tfstore.journal.segment import MAX_LINE

    text = b"{%b}" % entry if isinstance(entry, bytes) else line(entry)
    if len(text) < MAX_LINE - 1024:
        return entry
    whole: Entry = parse(text)
    kept = {key: value for key, value in whole.items() if key not in {"body", "data", "result", "arguments"}}
    kept["redactions"] = [*whole.get("redactions", ()), dropped(whole["type"], "too_long", len(text))]
    return kept
