"""The trigrams of what sessions say, in the index: which sessions may say something is told without reading them.

A session is told once it is closed, and anew when its document was replaced; one that is not told may say anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from tfstore.index.database import FORGETS, Unusable, make_texts
from tfstore.index.rows import plain

if TYPE_CHECKING:
    import sqlite3

    from tfstore.disk.files import Stamp

_LONGEST: Final = 8_000_000
"""Characters of a session that go into the index of texts; one that says more is always looked through."""

_TOLD: Final = 1
_TOO_LONG: Final = -1
_TRIGRAMS: Final = 64

_WITH_LABEL: Final = (
    " AND label = ?",
    " AND EXISTS (SELECT 1 FROM steps WHERE session = sessions.n AND label = ?)",
)


def question_for(pieces: Sequence[str], label: str | None) -> tuple[str, list[Any]] | None:
    """Return what to ask, in SQL, for the sessions of which a text may hold all pieces; None where any may.

    Args:
        pieces: what a text must hold, in the form in which texts are told.
        label: only in such steps.
    """
    trigrams = [each for piece in pieces for each in _trigrams(plain(piece) or "")][:_TRIGRAMS]
    if not trigrams:
        return None
    so, such = ("", "") if label is None else _WITH_LABEL
    sql = (
        "SELECT session_id FROM sessions WHERE n IN "  # noqa: S608 - our own words
        f"(SELECT session FROM steps WHERE n IN (SELECT rowid FROM texts WHERE texts MATCH ?){so}) "
        f"UNION SELECT session_id FROM sessions WHERE told <> {_TOLD}{such}"
    )
    match = " AND ".join('"{}"'.format(each.replace('"', '""')) for each in trigrams)
    return sql, [match, *([] if label is None else [label, label])]


def untold(db: sqlite3.Connection, version: int) -> list[tuple[str, Stamp]]:
    """Return the closed sessions whose texts are not in the index yet.

    Raises:
        Unusable: there is no index of texts.
    """
    if not has_texts(db):
        raise Unusable("this SQLite has no index of trigrams")
    if not db.execute("SELECT 1 FROM telling WHERE version = ?", (version,)).fetchone():
        make_texts(db)
        db.execute("DELETE FROM telling")
        db.execute("INSERT INTO telling VALUES (?)", (version,))
    sql = (
        "SELECT session_id, modified, size FROM sessions "  # noqa: S608 - our own number
        f"WHERE told = 0 AND told <> {_TOLD} AND status = 'closed'"
    )
    return [(name, (modified, size)) for name, modified, size in db.execute(sql)]


def put_texts(db: sqlite3.Connection, session_id: str, stamp: Stamp, texts: list[str]) -> None:
    """Tell the texts of a session, itself and its steps, unless its document was replaced meanwhile."""
    sql = "SELECT n FROM sessions WHERE session_id = ? AND modified = ? AND size = ? AND told = 0"
    found = db.execute(sql, (session_id, *stamp)).fetchone()
    if found is None:
        return
    too_long = sum(map(len, texts)) > _LONGEST
    db.execute("UPDATE sessions SET told = ? WHERE n = ?", (_TOO_LONG if too_long else _TOLD, *found))
    if not too_long:
        steps = db.execute("SELECT n FROM steps WHERE session = ? ORDER BY n", found)
        # A text that holds a NUL would end there.
        rows = [(n, (plain(text) or "").replace("\0", " ")) for (n,), text in zip(steps, texts, strict=True)]
        db.executemany("INSERT INTO texts (rowid, said) VALUES (?, ?)", [row for row in rows if row[1]])


def forget_texts(db: sqlite3.Connection, n: int) -> None:
    """Remove the texts of the session of this number."""
    if FORGETS and has_texts(db):
        db.execute("DELETE FROM texts WHERE rowid IN (SELECT n FROM steps WHERE session = ?)", (n,))


def purge_texts(db: sqlite3.Connection) -> None:
    """Leave no trigrams of texts that are gone."""
    if not FORGETS:
        make_texts(db)
    elif has_texts(db):
        db.execute("INSERT INTO texts (texts) VALUES ('optimize')")


def has_texts(db: sqlite3.Connection) -> bool:
    """Return whether this SQLite has an index of trigrams."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'texts'").fetchone() is not None


def _trigrams(piece: str) -> list[str]:
    return list(dict.fromkeys(piece[at : at + 3] for at in range(len(piece) - 2)))
