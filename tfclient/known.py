"""Headers and URLs as they may be journaled, remembered: most are the same at every call.

Judging a header, and writing it as JSON, takes longer than copying it, and two dozen of them come with every
exchange.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from orjson import dumps

if TYPE_CHECKING:
    from tfclient.redaction import Redactor

MOST: Final = 2048
"""Headers, or URLs, that are remembered; then it begins anew."""

LONGEST: Final = 4096
"""Bytes of the longest header that is remembered."""

_TYPE: Final = re.compile(rb'"content-type":"([^"\\]*)"')

_Header = tuple[bytes, ...]
"""As the HTTP library has it: the name, perhaps again in lower case, and the value."""


class _Marked(bytes):
    """The member of a header to which something was done: empty if it was dropped."""

    marks: list[Any]


class _Judged:
    """The headers of one side: each one's name, and its member of the JSON object."""

    def __init__(self) -> None:
        self.members: dict[_Header, tuple[bytes, bytes]] = {}
        self.marked: set[bytes] = set()
        """Names of headers to which something was done."""
        self.numbers: set[bytes] = set()
        """Names of headers whose value was a number and was kept: lengths, times, what is left of a limit."""


class Known:
    """What a redactor said about headers and URLs that came before.

    Example:
        >>> from httpx2 import Headers
        >>> from tfclient.redaction import Redactor
        >>> known = Known(Redactor.from_setting())
        >>> sent = Headers({"Accept": "*/*", "Cookie": "a=b"})
        >>> headers, marks, content_type = known.headers(sent, "request.headers")
        >>> headers, [mark["path"] for mark in marks], content_type
        (b'{"accept":"*/*"}', ['request.headers.cookie'], None)
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._judged = {"request.headers": _Judged(), "response.headers": _Judged()}
        self._urls: dict[Any, tuple[bytes, list[Any]]] = {}

    def headers(self, headers: Any, where: str) -> tuple[bytes, list[Any], str | None]:
        """Return headers by lower-cased name and without credentials, as JSON; their marks; the content type.

        Args:
            headers: those of httpx or httpx2.
            where: ``"request.headers"`` or ``"response.headers"``; paths in the marks start with it.
        """
        # The public `raw` makes a new list and new pairs at each look.
        listed: list[_Header] = getattr(headers, "_list", None) or headers.raw
        judged = self._judged[where]
        try:
            fields = dict(map(judged.members.__getitem__, listed))
        except KeyError:
            # One of them is not known yet.
            found = self._judge(listed, where)
            if found is None:
                return self._anew(listed, where)
            judged = found
            fields = dict(map(judged.members.__getitem__, listed))
        if len(fields) != len(listed):
            # A name that came twice: the redactor knows how to join them.
            return self._anew(listed, where)
        marks: list[Any] = []
        for name in judged.marked:
            if isinstance(member := fields.get(name), _Marked):
                marks += member.marks
        journaled = b"{%b}" % b",".join(filter(None, fields.values()))
        typed = _TYPE.search(journaled)
        return journaled, marks, None if typed is None else typed[1].decode()

    def url(self, url: Any) -> tuple[bytes, list[Any]]:
        """Return a request's URL as JSON, without credentials, and the marks.

        Args:
            url: an httpx or httpx2 URL.
        """
        # The text of a URL is put together each time that somebody asks for it; what it is made of is not.
        key = getattr(url, "_uri_reference", None)
        known = None if key is None else self._urls.get(key)
        if known is None:
            text, marks = self._redactor.url(str(url), "request.url")
            known = (dumps(text), marks)
            if key is not None:
                if len(self._urls) >= MOST:
                    self._urls = {}
                self._urls[key] = known
        return known

    def _judge(self, listed: list[_Header], where: str) -> _Judged | None:
        """Judge the headers that are not known yet; None if one of them is too long to be remembered."""
        judged = self._judged[where]
        if len(judged.members) >= MOST:
            # Another thread may be in the middle of the old one.
            judged = self._judged[where] = _Judged()
        for header in set(listed).difference(judged.members):
            name, value = header[0].lower(), header[-1]
            if name in judged.numbers and value.isdigit():
                judged.members[header] = (name, b'"%b":"%b"' % (name, value))
                continue
            if len(value) > LONGEST:
                return None
            kept, marks = self._redactor.headers([(name, value)], where)
            member = dumps(kept)[1:-1]
            if value.isdigit() and member == b'"%b":"%b"' % (name, value):
                judged.numbers.add(name)
            if marks:
                member = _Marked(member)
                member.marks = marks
                judged.marked.add(name)
            judged.members[header] = (name, member)
        return judged

    def _anew(self, listed: list[_Header], where: str) -> tuple[bytes, list[Any], str | None]:
        kept, marks = self._redactor.headers([(header[0], header[-1]) for header in listed], where)
        return dumps(kept), marks, kept.get("content-type")
