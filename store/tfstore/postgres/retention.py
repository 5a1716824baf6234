"""What is kept how long in a database; what is pinned stays.

First documents go, then the JSON of steps, then all of a session. A month that is over is dropped as a partition, the
rest goes in batches; each is one transaction. What is archived is written before it goes.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen
from psycopg import sql

from tfstore.errors import DatabaseUnusable
from tfstore.postgres import pruned_totals
from tfstore.postgres.connecting import connect, told_of, until_done
from tfstore.postgres.deleting import Key, remove_rows, take_away
from tfstore.postgres.fitting import next_month
from tfstore.postgres.migrating import check
from tfstore.postgres.partitions import PARENTS, lock, months_of
from tfstore.postgres.partitions import name_of as partition_of
from tfstore.postgres.unused_blobs import remove_unused, unused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tfstore.postgres.address import Address
    from tfstore.postgres.archiving import Archive
    from tfstore.postgres.connecting import Connection

BATCH: Final = 1_000
"""Sessions of one transaction, of a month that is not over for all of them."""

_TRIES: Final = 5
"""How often a month is archived that is sent to meanwhile."""


@define
class Kept:
    """How long documents, the JSON of steps, and sessions stay; None for ever. From when a session began.

    With ``blobs``, long texts and media go that no session there refers to any more. ``raw`` counts from when a body
    was recorded, and knows no pins.
    """

    documents: timedelta | None = None
    payloads: timedelta | None = None
    events: timedelta | None = None
    blobs: bool = False
    raw: timedelta | None = None


@define
class Pruned:
    """How many sessions lost their document, the JSON of their steps, or went; and how many partitions were dropped.

    ``blobs`` went, of so many bytes; ``archived`` are the files that were written, ``raw`` counts raw files.
    """

    documents: int = 0
    payloads: int = 0
    sessions: int = 0
    months: int = 0
    raw: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    archived: list[str] = field(factory=list[str])


@frozen
class _Tier:
    """What goes together: the table whose months are looked at, and those that are dropped.

    ``whole`` says that nothing of the session stays.
    """

    parent: str
    tables: tuple[str, ...]
    whole: bool = False

    @property
    def of(self) -> sql.Composed:
        """The sessions that have something of it and began before a moment, in SQL."""
        there = "EXISTS (SELECT 1 FROM {} t WHERE t.month = s.month AND t.source_id = s.source_id"
        text = "TRUE" if self.whole else f"{there} AND t.session_id = s.session_id)"
        has = sql.SQL(text).format(sql.Identifier(self.parent))
        before = sql.SQL("FROM sessions s WHERE s.started_at < %s AND s.month <> DATE '4000-01-01' AND {}")
        return before.format(has)


_DOCUMENTS: Final = _Tier("documents", ("documents",))
_PAYLOADS: Final = _Tier("agent_run_payloads", ("agent_run_payloads",))
_EVENTS: Final = _Tier("agent_run_events", PARENTS, whole=True)


def prune(
    address: Address, kept: Kept, *, now: datetime, dry: bool = False, archive: Archive | None = None
) -> Pruned:
    """Remove what is older than it is to be kept; pinned sessions, and those whose beginning is not known, stay.

    Args:
        address: the database.
        kept: how long what stays.
        now: ages are counted from here.
        dry: only count what would go.
        archive: where what goes is written before it does.

    Raises:
        DatabaseUnusable: the database cannot be written; what was removed until then is gone.
        OSError: the archive cannot be written; nothing goes that is not in it.
    """
    done = Pruned()
    connection = connect(address, reads_only=dry)
    try:
        check(connection, address, writes=True)
        with told_of(address):
            if dry:
                # Of long scans: this is no question of a reader.
                connection.execute("SET statement_timeout TO 0")
            pruning = _Pruning(connection, address, done, archive, dry=dry)
            for name, tier, age in (
                ("documents", _DOCUMENTS, kept.documents),
                ("payloads", _PAYLOADS, kept.payloads),
                ("sessions", _EVENTS, kept.events),
            ):
                if age is not None:
                    setattr(done, name, pruning.tier(tier, now - age))
            if kept.raw is not None:
                done.raw = _raw(connection, now - kept.raw, dry=dry)
            if kept.blobs:
                _blobs(connection, kept, now, done, dry=dry)
            if not dry:
                pruned_totals.fold(connection)
    finally:
        connection.close()
    if archive is not None:
        done.archived = list(archive.written)
    return done


@define
class _Pruning:
    connection: Connection
    address: Address
    done: Pruned
    archive: Archive | None
    dry: bool

    def tier(self, tier: _Tier, before: datetime) -> int:
        """Remove a tier of all sessions that began before a moment; return of how many."""
        row = self.connection.execute(sql.SQL("SELECT count(*) {}").format(tier.of), (before,)).fetchone()
        months = [
            month for month in months_of(self.connection, tier.parent) if next_month(month) <= before.date()
        ]
        self.done.months += len(months)
        if not self.dry:
            for month in months:
                self._drop(tier, month)
            while until_done(partial(self._batch, tier, before)):
                pass
        return 0 if row is None else int(row[0])

    def _drop(self, tier: _Tier, month: date) -> None:
        """Drop a month that is over, archived if that is asked for; whoever sends to it meanwhile is not lost."""
        for _ in range(_TRIES):
            there = self._archived(tier, month)
            if until_done(partial(self._dropped, tier, month, there)):
                return
        reason = f"sessions of {month:%Y-%m} were sent again and again while it was archived: try again later"
        raise DatabaseUnusable(self.address.shown, reason)

    def _dropped(self, tier: _Tier, month: date, there: list[Any] | None) -> bool:
        """Drop a month, unless there is something else in it than what was archived; return whether it is gone."""
        with self.connection.transaction():
            lock(self.connection)
            # Nothing comes between what is looked at and what is dropped.
            self.connection.execute("LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE")
            now = self._there(month)
            if there is not None and there != now:
                return False
            if tier.whole:
                take_away(self.connection, [each[:3] for each in now], parts=False)
            for parent in tier.tables:
                name = sql.Identifier(partition_of(parent, month))
                self.connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(name))
        return True

    def _batch(self, tier: _Tier, before: datetime) -> bool:
        """Remove the tier of some sessions; return whether there were any."""
        with self.connection.transaction():
            chosen = sql.SQL("SELECT s.source_id, s.session_id {} ORDER BY s.month, 1, 2 LIMIT %s").format(
                tier.of
            )
            # By month they are few files of an archive; rows are locked in the order in which all lock them.
            asked = sql.SQL(
                "SELECT s.month, s.source_id::text, s.session_id, s.document_sha256 {}"
                " AND (s.source_id, s.session_id) IN ({}) ORDER BY s.source_id, s.session_id FOR UPDATE OF s"
            ).format(tier.of, chosen)
            some = sorted(self.connection.execute(asked, (before, before, BATCH)).fetchall())
            if self.archive is not None:
                for month, rows in groupby(some, key=lambda each: each[0]):
                    self._write(tier, month, [each[:3] for each in rows])
            keys: list[Key] = [each[:3] for each in some]
            if tier.whole and keys:
                take_away(self.connection, keys)
            elif keys:
                remove_rows(self.connection, tier.parent, keys)
        return bool(some)

    def _archived(self, tier: _Tier, month: date) -> list[Any] | None:
        """Write what is about to be dropped; return which sessions those were, None if nothing is archived."""
        if self.archive is None:
            return None
        with self.connection.transaction():
            self.connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            there = self._there(month)
            self._write(tier, month, None)
        return there

    def _there(self, month: date) -> list[Any]:
        return self.connection.execute(
            "SELECT month, source_id::text, session_id, document_sha256 FROM sessions WHERE month = %s ORDER BY 2, 3",
            (month,),
        ).fetchall()

    def _write(self, tier: _Tier, month: date, keys: Sequence[Key] | None) -> None:
        if self.archive is not None:
            if tier is not _PAYLOADS:
                self.archive.documents(self.connection, month, keys)
            if tier is not _DOCUMENTS:
                self.archive.steps(self.connection, month, keys)


def _raw(connection: Connection, before: datetime, *, dry: bool) -> int:
    of = "FROM raw_exchanges WHERE recorded_at < %s"
    if not dry:
        return connection.execute(f"DELETE {of}".encode(), (before,)).rowcount
    row = connection.execute(f"SELECT count(*) {of}".encode(), (before,)).fetchone()
    return 0 if row is None else int(row[0])


def _blobs(connection: Connection, kept: Kept, now: datetime, done: Pruned, *, dry: bool) -> None:
    if not dry:
        gone = remove_unused(connection)
        done.blobs, done.blob_bytes = gone.blobs, gone.bytes
        return

    def going(*ages: timedelta | None) -> str:
        before = [
            f"s.started_at < '{(now - age).isoformat()}'::timestamptz" for age in ages if age is not None
        ]
        return f"coalesce(s.month <> DATE '4000-01-01' AND ({' OR '.join(before) or 'FALSE'}), FALSE)"

    would = unused(
        connection,
        no_documents=going(kept.documents, kept.events),
        no_payloads=going(kept.payloads, kept.events),
    )
    done.blobs, done.blob_bytes = len(would), sum(would.values())
