"""Headers and URLs as they may be journaled, at a cost that does not show beside the call.

Two dozen headers come with every exchange, nearly always of the same names. What their names mean is thought about
once; their values are looked at together, and written together.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple

from orjson import Fragment, dumps

from tfclient.redaction import Redactor
from tfclient.redaction.shapes import suspicious
from tfclient.redaction.wire import URLS, dropped_header, is_credential

MOST: Final = 1024
"""Sequences of names, or URLs, that are remembered; then it begins anew."""

Header = tuple[bytes, ...]
"""As the HTTP library has it: the name, perhaps again in lower case, and the value."""

_name: Final = itemgetter(-2)
_value: Final = itemgetter(-1)


class _Plan(NamedTuple):
    """What becomes of headers with certain names in a certain order."""

    credentials: tuple[tuple[int, str], ...]
    """Their names, and how many others stand before each."""
    template: bytes
    """The JSON object, with a place for the value of each of the others."""
    kept: int
    content_type: int | None
    """Which of the values kept it is."""


class Known:
    """What a redactor said about headers and URLs that came before.

    Example:
        >>> from tfclient.redaction import Redactor
        >>> known = Known(Redactor.from_setting())
        >>> sent = [(b"Accept", b"*/*"), (b"Cookie", b"a=b")]
        >>> headers, marks, content_type = known.headers(sent, "request.headers")
        >>> dumps(headers), [mark["path"] for mark in marks], content_type
        (b'{"accept":"*/*"}', ['request.headers.cookie'], None)
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # Also where all texts are kept, no secret is in a header.
        self._looks = suspicious if redactor.mode == "none" else redactor.looks
        self._plans: dict[bytes, _Plan | None] = {}
        self._urls: dict[Hashable, tuple[str, list[Any]]] = {}

    def headers(self, listed: Sequence[Header], where: str) -> tuple[Any, list[Any], str | None]:
        """Return headers by lower-cased name and without credentials, as JSON; their marks; the content type.

        Args:
            listed: each name, perhaps again in lower case, and its value.
            where: ``"request.headers"`` or ``"response.headers"``; paths in the marks start with it.
        """
        if not listed:
            return Fragment(b"{}"), [], None
        names = b"\n".join(map(_name, listed))
        try:
            plan = self._plans[names]
        except KeyError:
            plan = self._planned(names)
        if plan is None:
            return self._one_by_one(listed, where)
        values = [*map(_value, listed)]
        marks: list[Any] = []
        for place, name in plan.credentials:
            marks.append(dropped_header(where, name, values.pop(place).decode("latin-1")))
        together = b"\n".join(values)
        # What is looked at must be UTF-8, and headers need not be.
        if b"\\" in together or not together.isascii() or self._looks(together):
            return self._one_by_one(listed, where)
        # Without backslashes in them, what is escaped as \n stands between two values.
        written = dumps(together.decode())[1:-1].split(b"\\n")
        if len(written) != plan.kept:
            return self._one_by_one(listed, where)
        place_of_type = plan.content_type
        content_type = None if place_of_type is None else values[place_of_type].decode("latin-1")
        return Fragment(plan.template % tuple(written)), marks, content_type

    def url(self, key: Hashable, url: Any) -> tuple[str, list[Any]]:
        """Return a request's URL, as ``Redactor.url`` does.

        Args:
            key: what it is remembered by.
            url: the URL; its text is asked for when the key was not seen before.
        """
        known = self._urls.get(key)
        if known is None:
            known = self._redactor.url(str(url), "request.url")
            if len(self._urls) >= MOST:
                self._urls = {}
            self._urls[key] = known
        return known

    def _planned(self, names: bytes) -> _Plan | None:
        """Think about names; None if what they stand for has to be judged one by one."""
        listed = [name.decode("latin-1").lower() for name in names.split(b"\n")]
        credentials = [(place, name) for place, name in enumerate(listed) if is_credential(name)]
        kept = [name for name in listed if not is_credential(name)]
        plan: _Plan | None = None
        if len(set(kept)) == len(kept) > 0 and URLS.isdisjoint(kept):
            members = [b'%b:"%%b"' % dumps(name).replace(b"%", b"%%") for name in kept]
            plan = _Plan(
                tuple((place - n, name) for n, (place, name) in enumerate(credentials)),
                b"{%b}" % b",".join(members),
                len(kept),
                kept.index("content-type") if "content-type" in kept else None,
            )
        if len(self._plans) >= MOST:
            self._plans = {}
        self._plans[names] = plan
        return plan

    def _one_by_one(self, listed: Sequence[Header], where: str) -> tuple[Fragment, list[Any], str | None]:
        kept, marks = self._redactor.headers([(header[0], header[-1]) for header in listed], where)
        return Fragment(dumps(kept)), marks, kept.get("content-type")
