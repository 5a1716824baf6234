"""The address of a database: ``postgresql://user@host/name``, told without its password wherever it is told."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import field, frozen

from tfstore.errors import DatabaseUnusable

SCHEMES: Final = ("postgresql", "postgres")
SCHEMA: Final = "thoughtflow"

_ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://?(.*)", re.DOTALL)
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_SECRET: Final = re.compile(r"(?i)((?:^|[?&])[a-z_]*(?:password|secret|token|key)[a-z_]*=)[^&#]*")
_OURS: Final = frozenset({"schema", "source"})
_LIBPQ: Final = {"hostname": "host", "port": "port", "username": "user", "password": "password"}


def is_address(text: str) -> bool:
    """Return whether a text is the address of a database.

    Example:
        >>> is_address("postgresql://db/team"), is_address("./postgresql"), is_address("mysql://db/team")
        (True, False, False)
    """
    found = _ADDRESS.match(text)
    return found is not None and found[1].lower() in SCHEMES


def without_password(address: str) -> str:
    """Return any address with what may be a password replaced; it is shown so, also where it is no valid one.

    Example:
        >>> without_password("postgresql://ada:s3@cret@db/team?sslmode=require&password=x")
        'postgresql://ada:***@db/team?sslmode=require&password=***'
    """
    found = _ADDRESS.match(address)
    if found is None:
        return address
    named = found[2].lstrip("/")
    more = "/" * (len(found[2]) - len(named))
    who, at, rest = named.rpartition("@")
    user, colon, _ = who.partition(":")
    hidden = _SECRET.sub(r"\1***", rest)
    return f"{found[1]}://{more}{user}{':***' if colon else ''}{at}{hidden}"


@frozen
class Address:
    """Where a database is, in which of its schemas the sessions are, and whose of them are meant.

    ``shown`` is how messages name it. ``source`` narrows what is read to one store's sessions.
    """

    shown: str
    parameters: dict[str, str] = field(repr=False)
    schema: str = SCHEMA
    source: str | None = None

    @classmethod
    def of(cls, text: str) -> Address:
        """Return the address that a text is.

        Args:
            text: ``postgresql://[user[:password]@][host][:port]/[name]``, with libpq's parameters behind ``?``, and
                ``schema`` and ``source``. What is left out, and better the password, comes from ``PGHOST``,
                ``PGPASSWORD``, ``~/.pgpass`` and the like.

        Raises:
            DatabaseUnusable: it is none.

        Example:
            >>> found = Address.of("postgresql://ada:secret@db:5433/team?source=ci-1")
            >>> found.shown, found.source, "secret" in repr(found)
            ('postgresql://ada:***@db:5433/team?source=ci-1', 'ci-1', False)
        """
        shown = without_password(text)
        if not is_address(text):
            raise DatabaseUnusable(shown, "it is no address such as postgresql://user@host/name")
        try:
            parts = urlsplit(text)
            given = {ours: getattr(parts, theirs) for theirs, ours in _LIBPQ.items()}
        except ValueError:
            # What it says of the port may be a part of the password.
            reason = "its host or port cannot be read (in a password, ':' is written %3A, '/' %2F, '?' %3F, '#' %23)"
            raise DatabaseUnusable(shown, reason) from None
        if "\0" in text:
            raise DatabaseUnusable(shown, "it holds a NUL")
        parameters = {name: unquote(str(value)) for name, value in given.items() if value is not None}
        if name := unquote(parts.path.strip("/")):
            parameters["dbname"] = name
        asked = dict(parse_qsl(parts.query))
        schema = asked.get("schema", SCHEMA)
        if _NAME.fullmatch(schema) is None:
            raise DatabaseUnusable(shown, f"schema={schema!r} is no name of small letters, digits and '_'")
        parameters |= {name: value for name, value in asked.items() if name not in _OURS}
        return cls(shown, parameters, schema, asked.get("source") or None)

    def told(self, error: BaseException) -> str:
        """Return what an error says, on one line and without the password."""
        said = " ".join(str(error).split()) or type(error).__name__
        for secret in (value for name, value in self.parameters.items() if "password" in name):
            said = said.replace(secret, "***") if secret else said
        return said.rstrip(".?")
