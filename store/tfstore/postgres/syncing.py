"""What a store on this machine has and a database has not, or not so: sent in batches, each whole or not at all.

The store stays the record. Whatever goes wrong on the way, one more run makes it good.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Final

import psycopg
from attrs import define, field

from tfstore.disk.raw_folder import raw_parts, raw_sessions
from tfstore.disk.session_folder import document_in, session_in
from tfstore.disk.turns import turn
from tfstore.document.json_text import compact, parse
from tfstore.errors import BlobUnreadable, CorruptDocument, DatabaseUnusable, NewerDocument, StoreError
from tfstore.postgres.connecting import (
    as_ours,
    connect,
    is_lost,
    is_of_all,
    is_of_what_was_sent,
    told_of,
    until_done,
)
from tfstore.postgres.fitting import Fitting, fit
from tfstore.postgres.migrating import check
from tfstore.postgres.outgoing import Outgoing, digest, outgoing, unreadable
from tfstore.postgres.pinning import send_pins
from tfstore.postgres.seen import Seen, stamp_in, unsent
from tfstore.postgres.sending import send
from tfstore.postgres.sources import our_source
from tfstore.reading.search import TOLD, said_by
from tfstore.reading.step_facts import references_in
from tfstore.store import telling_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.disk.files import Stamp
    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection
    from tfstore.store import Store

BATCH: Final = 50
"""Sessions of one transaction."""

_LOOK: Final = 0.1
"""Seconds between two looks whether another run has ended."""

_BATCH_BYTES: Final = 64 * 1024 * 1024
"""Bytes of documents of one transaction; a longer one goes alone."""

LARGEST_DOCUMENT: Final = 1_000_000_000
"""Bytes of a document, packed: some more, and a message to the server is longer than any that it reads."""

LARGEST_BLOB: Final = 8 * 1024 * 1024
"""Bytes of a long text or of media that is sent with ``blobs``, unless another size is asked for."""


@define
class Synced:
    """What a run did: sessions and rows that were sent, those that were the same already, and what was passed over.

    ``pins`` are those that came, went or changed. ``refused`` are sessions that could not be sent, each with why;
    ``refused_before`` those of which an earlier run says so, and which were not tried now. ``active`` are those that
    are going on; ``raw`` counts raw files, ``raw_left`` sessions of which such ones stay here.
    """

    source: str = ""
    sent: int = 0
    rows: int = 0
    same: int = 0
    notes: int = 0
    blobs: int = 0
    pins: int = 0
    active: int = 0
    raw: int = 0
    raw_left: int = 0
    partial: dict[str, list[str]] = field(factory=dict[str, list[str]])
    refused: dict[str, str] = field(factory=dict[str, str])
    refused_before: dict[str, str] = field(factory=dict[str, str])


@define
class Wanted:
    """Which sessions are sent: those that began ``since`` a moment (as in documents), active ones only if ``live``.

    With ``blobs``, long texts and media go too, up to so many bytes each. With ``every``, each document is read, also
    where it looks as it did when it was sent, and sent if it was pruned there. With ``raw``, bodies that were recorded
    raw go too. With ``ids``, only these are looked at, and their notes. Without ``again``, what the database refused as
    it is now is not tried again.
    """

    since: str | None = None
    live: bool = False
    blobs: int | None = None
    every: bool = False
    ids: tuple[str, ...] | None = None
    raw: bool = False
    again: bool = True


class Sync:
    """Sends one store's sessions to one database.

    Args:
        store: the store.
        address: the database.
        version: of the client that sends.
        name: how people know the store there; else the name that it has, else ``user@host``.
        now: the present.
        patience: seconds to wait where another run is sending from this store.
    """

    def __init__(
        self,
        store: Store,
        address: Address,
        *,
        version: str = "",
        name: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        patience: float = 0.0,
    ) -> None:
        self._store = store
        self._address = address
        self._version = version
        self._name = name
        self._now = now
        self._patience = patience
        self._stamps: dict[str, Stamp] = {}

    def begin(self) -> None:
        """Note, once, that from now on sessions are sent as they close; nothing goes wrong if that cannot be."""
        Seen.of(self._store.paths, self._address).begin(self._now())

    def unsent(self) -> list[str]:
        """Return the sessions that ended since then and wait to be sent as they are now, the oldest first."""
        return unsent(self._store, Seen.of(self._store.paths, self._address)).session_ids

    def run(self, wanted: Wanted | None = None, *, dry: bool = False) -> Synced:
        """Send what is missing or different, and return what that was.

        Args:
            wanted: which sessions; else all that are closed.
            dry: only look.

        Raises:
            DatabaseLost: the connection could not be made, or broke; what was sent before is there.
            DatabaseUnusable: the database is not as it has to be, or another run is sending from this store.
        """
        wanted = wanted or Wanted()
        store_id = self._store.store_id
        connection = connect(self._address, reads_only=dry)
        try:
            check(connection, self._address, writes=True)
            with told_of(self._address):
                if not dry and not _alone(connection, store_id, self._patience):
                    reason = "another `tfclient sync` is sending from this store to it: let it end"
                    raise DatabaseUnusable(self._address.shown, reason)
                return self._run(connection, store_id, wanted, dry=dry)
        finally:
            # An error on the way out would hide the one that matters.
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def _run(self, connection: Connection, store_id: str, wanted: Wanted, *, dry: bool) -> Synced:
        done = Synced()
        if not dry:
            done.source = our_source(connection, self._address, store_id, self._name, self._version).name
        # Of a few sessions, the short cut is the longer way.
        seen = Seen.of(self._store.paths, self._address, read=wanted.ids is None)
        ids = None if wanted.ids is None else list(map(fit, wanted.ids))
        there = {
            name: (sha256, told)
            for name, sha256, told in connection.execute(
                # Whoever asks for every document gets those again that were pruned there.
                "SELECT session_id, CASE WHEN NOT %s OR EXISTS (SELECT 1 FROM documents d WHERE d.month = s.month AND"
                " d.source_id = s.source_id AND d.session_id = s.session_id) THEN document_sha256 ELSE '' END, told"
                " FROM sessions s WHERE source_id = %s AND (%s::text[] IS NULL OR session_id = ANY(%s))",
                (wanted.every, store_id, ids, ids),
            )
        }
        left = self._different(there, seen, wanted, done)
        if dry:
            for each in left:
                done.sent += 1
                why = seen.refused(each.session_id, self._stamps[each.session_id])
                if why is not None:
                    done.refused_before[each.session_id] = why
            return done
        while some := list(_batch(left)):
            self._send(connection, store_id, some, seen, done)
            if wanted.blobs is not None:
                done.blobs += self._blobs(connection, some, wanted.blobs)
        done.notes = self._notes(connection, store_id, wanted.ids)
        done.pins = send_pins(connection, store_id, self._store.pins())
        if wanted.raw:
            done.raw = self._raw(connection, store_id, done)
        else:
            done.raw_left = len(raw_sessions(self._store.paths))
        return done

    def _different(
        self, there: dict[str, tuple[str, int]], seen: Seen, wanted: Wanted, done: Synced
    ) -> Iterator[Outgoing]:
        """Yield the sessions that the database does not have, or not so."""
        for session_id in self._chosen(wanted, done):
            stamp = stamp_in(self._store, session_id)
            if stamp is None:
                continue  # removed since they were listed
            sha256, told = there.get(session_id, ("", 0))
            # Its texts were told by another version: they are told again.
            current = told in {0, TOLD}
            if current and sha256 and not wanted.every and seen.sha256(session_id, stamp) == sha256:
                done.same += 1
                continue
            why = None if wanted.again or wanted.every else seen.refused(session_id, stamp)
            if why is not None:
                done.refused_before[session_id] = why
                continue
            try:
                document = self._store.text(session_id)
            except StoreError as error:
                done.refused[session_id] = str(error)
                continue
            if current and digest(document) == sha256:
                seen.add({session_id: (stamp, sha256)})
                done.same += 1
                continue
            self._stamps[session_id] = stamp
            turn()
            going = self._outgoing(session_id, document)
            if len(going.packed) > LARGEST_DOCUMENT:
                # The server would hang up on it, and so on all that comes behind it.
                reason = (
                    f"its document has {len(going.packed):,} bytes, and PostgreSQL takes {LARGEST_DOCUMENT:,}"
                )
                done.refused[session_id] = reason
                seen.refuse({session_id: (stamp, reason)})
                continue
            yield going

    def _chosen(self, wanted: Wanted, done: Synced) -> list[str]:
        """Return the ids of the sessions that are meant, the earliest first; unlisted documents are sent as well."""
        rows = {row.session_id: row for row in self._store.list(ids=wanted.ids)}
        chosen: list[tuple[str, str]] = []
        every = self._store.ids() if wanted.ids is None else filter(self._store.has, wanted.ids)
        for session_id in every:
            row = rows.get(session_id)
            began = "" if row is None else row.started_at or ""
            if wanted.since is not None and began < wanted.since:
                continue
            if row is not None and row.status == "active" and not wanted.live:
                done.active += 1
                continue
            chosen.append((began, session_id))
        return [session_id for _, session_id in sorted(chosen)]

    def _outgoing(self, session_id: str, document: bytes) -> Outgoing:
        now = self._now()
        try:
            path = self._store.paths.document(session_id)
            session = session_in(session_id, document_in(session_id, document, path), path)
            said = said_by(self._store, session)
            return outgoing(session_id, document, session, telling_of(session), said, TOLD, now)
        except (CorruptDocument, NewerDocument) as error:
            return unreadable(session_id, document, str(error), now)

    def _send(
        self, connection: Connection, store_id: str, some: Sequence[Outgoing], seen: Seen, done: Synced
    ) -> None:
        try:
            done.rows += until_done(lambda: send(connection, store_id, some))
            sent = list(some)
        except psycopg.Error as error:
            if is_lost(error) or connection.closed:
                raise
            sent = list(self._one_by_one(connection, store_id, some, seen, done))
        done.sent += len(sent)
        for each in sent:
            if each.row["rows_partial"]:
                done.partial[each.session_id] = each.row["rows_partial"]
        seen.add({each.session_id: (self._stamps[each.session_id], each.sha256) for each in sent})

    def _one_by_one(
        self, connection: Connection, store_id: str, some: Sequence[Outgoing], seen: Seen, done: Synced
    ) -> Iterator[Outgoing]:
        """Send those of a batch that failed each by itself, if need be without what the database does not take."""
        for each in some:
            for attempt in (each, each.without_payloads(), each.without_rows()):
                try:
                    done.rows += until_done(partial(send, connection, store_id, [attempt]))
                except psycopg.Error as error:
                    if is_lost(error) or connection.closed:
                        raise
                    done.refused[each.session_id] = as_ours(self._address, error).reason
                    if is_of_all(error):
                        # Less of it is no help.
                        raise
                    last = error
                else:
                    done.refused.pop(each.session_id, None)
                    yield attempt
                    break
            else:
                if is_of_what_was_sent(last):
                    # Until it changes, it need not wait.
                    seen.refuse(
                        {each.session_id: (self._stamps[each.session_id], done.refused[each.session_id])}
                    )

    def _notes(self, connection: Connection, store_id: str, ids: tuple[str, ...] | None) -> int:
        """Send the notes of sessions that are in the database; return how many files of them."""
        asked = (
            "SELECT s.session_id, n.sha256 FROM sessions s LEFT JOIN notes n USING (source_id, session_id)"
            " WHERE s.source_id = %s"
        )
        there = dict(connection.execute(asked, (store_id,)).fetchall())
        sent = 0
        noted = [name for name in self._store.noting.ids() if name in there and (ids is None or name in ids)]
        for session_id in noted:
            with contextlib.suppress(OSError):
                lines = self._store.paths.notes_of(session_id).read_bytes()
                sha256 = hashlib.sha256(lines).hexdigest()
                if there[session_id] != sha256:
                    connection.execute(
                        "INSERT INTO notes (source_id, session_id, lines, sha256) VALUES (%s, %s, %s, %s)"
                        " ON CONFLICT (source_id, session_id) DO UPDATE SET lines = excluded.lines,"
                        " sha256 = excluded.sha256",
                        (store_id, session_id, lines, sha256),
                    )
                    sent += 1
        return sent

    def _raw(self, connection: Connection, store_id: str, done: Synced) -> int:
        """Send what was recorded raw of sessions that are in the database; return how many files of it."""
        sent = 0
        for session_id in raw_sessions(self._store.paths):
            asked = (
                "SELECT name, kind, r.sha256 FROM sessions s LEFT JOIN raw_exchanges r USING (source_id, session_id)"
                " WHERE s.source_id = %s AND s.session_id = %s"
            )
            rows = connection.execute(asked, (store_id, session_id)).fetchall()
            there = {(name, kind): sha256 for name, kind, sha256 in rows}
            for part in raw_parts(self._store.paths, session_id) if rows else ():
                with contextlib.suppress(OSError):
                    content = part.content()
                    sha256 = hashlib.sha256(compact(part.about) + content).hexdigest()
                    if there.get((part.name, part.kind)) == sha256:
                        continue
                    recorded = datetime.fromtimestamp(part.recorded_at, UTC)
                    about = Fitting().json("about", part.about)
                    values = (store_id, session_id, part.name, part.kind, recorded, about, content, sha256)
                    try:
                        connection.execute(_PUT_RAW, values)
                        sent += 1
                    except psycopg.Error as error:
                        if is_lost(error) or connection.closed:
                            raise
                        done.refused[session_id] = as_ours(self._address, error).reason
        return sent

    def _blobs(self, connection: Connection, some: Sequence[Outgoing], largest: int) -> int:
        """Send what documents keep apart; of what is longer than asked for, only that there is such a thing."""
        sent = 0
        for reference in {each["blob"]: each for one in some for each in _references(one.document)}.values():
            name = str(reference["blob"]).removeprefix("sha256:")
            there = connection.execute(
                "SELECT content IS NOT NULL FROM blobs WHERE sha256 = %s", (name,)
            ).fetchone()
            if there is not None and there[0]:
                continue
            try:
                path = self._store.blobs.path(reference)
                length = path.stat().st_size
                content = self._store.blobs.get(reference) if length <= largest else None
            except (BlobUnreadable, OSError):
                continue
            if there is None or content is not None:
                connection.execute(
                    "INSERT INTO blobs (sha256, bytes, content) VALUES (%s, %s, %s)"
                    " ON CONFLICT (sha256) DO UPDATE SET content = excluded.content",
                    (name, length, content),
                )
                sent += content is not None
        return sent


_PUT_RAW: Final = (
    "INSERT INTO raw_exchanges (source_id, session_id, name, kind, recorded_at, headers, content, sha256)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (source_id, session_id, name, kind) DO UPDATE SET"
    " recorded_at = excluded.recorded_at, headers = excluded.headers, content = excluded.content,"
    " sha256 = excluded.sha256"
)


def _references(document: bytes) -> Iterator[dict[str, object]]:
    with contextlib.suppress(ValueError):
        for _, reference in references_in(parse(document), ()):
            if isinstance(reference.get("blob"), str):
                yield reference


def _alone(connection: Connection, store_id: str, patience: float = 0.0) -> bool:
    """Become the only one that sends from this store, within so many seconds; ends with the connection."""
    asked = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || %s, 0))"
    until, pause = monotonic() + patience, Event()
    while True:
        row = connection.execute(asked, (store_id,)).fetchone()
        if row is not None and bool(row[0]):
            return True
        if monotonic() >= until:
            return False
        pause.wait(_LOOK)


def _batch(left: Iterator[Outgoing]) -> Iterator[Outgoing]:
    """Yield the sessions of the next transaction."""
    room = _BATCH_BYTES
    for each in islice(left, BATCH):
        yield each
        room -= len(each.document)
        if room <= 0:
            return
