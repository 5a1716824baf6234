"""Which sessions are asked for, in SQL; ``s`` is the table of sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tfstore.errors import AmbiguousSession, UnknownSession
from tfstore.index.rows import meta_name
from tfstore.postgres.fitting import fit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tfstore.index.wanted import Wanted
    from tfstore.postgres.address import Address
    from tfstore.postgres.connecting import Connection

_ORDERS: Final = {"": "", "tokens": "s.tokens DESC, ", "time": "s.took DESC, "}

LATEST: Final = "s.began DESC, s.session_id DESC"
EARLIEST: Final = "s.began, s.session_id, src.name"

NAMED: Final = (
    "CASE WHEN EXISTS (SELECT 1 FROM sessions o WHERE o.session_id = s.session_id AND o.source_id <> s.source_id)"
    " THEN s.session_id || '@' || src.name ELSE s.session_id END"
)
"""How a session is called: by its id, and where several stores have one of this id, with the store's name."""


def split(named: str) -> tuple[str, str | None]:
    """Return the id of a session and, where it is said, the name of its store.

    Example:
        >>> split("nightly@ada@laptop"), split("nightly")
        (('nightly', 'ada@laptop'), ('nightly', None))
    """
    session_id, at, name = named.partition("@")
    return session_id, name if at else None


def meant(connection: Connection, address: Address, named: str, *, locked: bool = False) -> tuple[str, str]:
    """Return the ids of the store and of the session that is called so; ``locked``, nobody else changes it meanwhile.

    Raises:
        UnknownSession, AmbiguousSession: there is none of this name, or more than one.
    """
    session_id, name = split(named)
    found = connection.execute(
        (
            "SELECT s.source_id::text, src.name FROM sessions s JOIN sources src USING (source_id)"
            " WHERE s.session_id = %s AND coalesce(src.name = %s, TRUE) AND coalesce(src.name = %s, TRUE)"
            f" ORDER BY src.name {'FOR UPDATE OF s' if locked else ''}"
        ).encode(),
        (fit(session_id), name, address.source),
    ).fetchall()
    if not found:
        raise UnknownSession(named)
    if len(found) > 1:
        raise AmbiguousSession(named, [f"{session_id}@{row[1]}" for row in found])
    return found[0][0], session_id


def condition(wanted: Wanted) -> tuple[str, list[Any]]:
    """Return what must hold of a session that is to be listed, and the values in it, as ``Wanted.condition`` does."""
    given: list[tuple[str, Any]] = [
        ("s.status = %s", wanted.status),
        ("s.result = %s", wanted.result),
        ("s.began >= %s", wanted.since),
        ("s.tools @> ARRAY[%s]::text[]", wanted.tool),
        ("s.models @> ARRAY[%s]::text[]", wanted.model),
        ("s.error_classes @> ARRAY[%s]::text[]", wanted.error),
        *(("strpos(s.words, %s) > 0", word.casefold()) for word in wanted.words),
        *(("s.pairs @> ARRAY[%s]::text[]", meta_name(key, value)) for key, value in wanted.metadata),
    ]
    used = [(sql, fit(value)) for sql, value in given if value]
    parts = ["s.listed", *(["s.wrong"] if wanted.wrong else []), *(sql for sql, _ in used)]
    values: list[Any] = [value for _, value in used]
    if wanted.ids is not None:
        sql, more = among(wanted.ids)
        parts.append(sql)
        values += more
    return " AND ".join(parts), values


def order(wanted: Wanted) -> str:
    """Return what comes first."""
    return f"{_ORDERS[wanted.sort]}{LATEST}, src.name"


def among(named: Iterable[str]) -> tuple[str, list[Any]]:
    """Return the condition that a session is one of those called so."""
    every = [split(each) for each in named]
    bare = [session_id for session_id, name in every if name is None]
    whole = [(session_id, name) for session_id, name in every if name is not None]
    pairs = "(s.session_id, src.name) IN (SELECT * FROM unnest(%s::text[], %s::text[]))"
    return (
        f"(s.session_id = ANY(%s) OR {pairs})",
        [bare, [session_id for session_id, _ in whole], [name for _, name in whole]],
    )


def holding(pieces: Sequence[str]) -> tuple[str, list[str]]:
    """Return the condition that a text, ``{}``, holds all of these, and the values in it."""
    marks = " AND ".join(["{0} LIKE %s"] * len(pieces))
    return marks, [f"%{_escaped(fit(each))}%" for each in pieces]


def _escaped(piece: str) -> str:
    return piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
