"""Headers and URLs as they may be journaled, remembered: most are the same at every call.

Judging a header, and writing it as JSON, takes longer than copying it, and two dozen of them come with every
exchange.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orjson import Fragment, dumps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfclient.redaction import Redactor

MOST: Final = 4096
"""Headers, or URLs, that are remembered; then it begins anew."""

_LONGEST: Final = 512

_Header = tuple[bytes, ...]
"""As the HTTP library has it: the name, perhaps again in lower case, and the value."""


class Headers(NamedTuple):
    """The headers of a message as they may be journaled: JSON already, with what was done to them."""

    journaled: Fragment
    marks: list[Any]
    content_type: str | None


class _Judged(NamedTuple):
    """One header: its member of the JSON object, or nothing where it was dropped."""

    name: bytes
    member: bytes
    marks: tuple[Any, ...]
    content_type: str | None


class Known:
    """What a redactor said about headers and URLs that came before.

    Example:
        >>> from httpx2 import Headers as Given
        >>> from tfclient.redaction import Redactor
        >>> known = Known(Redactor.from_setting())
        >>> headers = known.headers(Given({"Accept": "*/*", "Cookie": "a=b"}), "request.headers")
        >>> dumps(headers.journaled), [mark["path"] for mark in headers.marks]
        (b'{"accept":"*/*"}', ['request.headers.cookie'])
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._judged: dict[str, dict[_Header, _Judged]] = {"request.headers": {}, "response.headers": {}}
        self._urls: dict[Any, tuple[str, list[Any]]] = {}

    def headers(self, headers: Any, where: str) -> Headers:
        """Return headers by lower-cased name, without credentials.

        Args:
            headers: those of httpx or httpx2.
            where: ``"request.headers"`` or ``"response.headers"``.
        """
        # The public `raw` makes a new list and new pairs at each look.
        listed: Sequence[_Header] = getattr(headers, "_list", None) or headers.raw
        remembered = self._judged[where]
        judged = list(map(remembered.get, listed))
        if None in judged:
            judged = [remembered.get(header) or self._judge(header, where) for header in listed]
        if not judged:
            return Headers(Fragment(b"{}"), [], None)
        names, members, marks, types = zip(*judged, strict=True)
        if len(set(names)) != len(names):
            # A name that came twice: the redactor knows how to join them.
            kept, found = self._redactor.headers([(each[0], each[-1]) for each in listed], where)
            return Headers(Fragment(dumps(kept)), found, kept.get("content-type"))
        return Headers(
            Fragment(b"{%b}" % b",".join(filter(None, members))),
            list(chain.from_iterable(marks)),
            next(filter(None, types), None),
        )

    def url(self, url: Any) -> tuple[str, list[Any]]:
        """Return a request's URL, as ``Redactor.url`` does.

        Args:
            url: an httpx or httpx2 URL.
        """
        # The text of a URL is put together each time that somebody asks for it; what it is made of is not.
        key = getattr(url, "_uri_reference", None)
        known = None if key is None else self._urls.get(key)
        if known is None:
            known = self._redactor.url(str(url), "request.url")
            if key is not None:
                if len(self._urls) >= MOST:
                    self._urls.clear()
                self._urls[key] = known
        return known

    def _judge(self, header: _Header, where: str) -> _Judged:
        kept, marks = self._redactor.headers([(header[0], header[-1])], where)
        judged = _Judged(header[0].lower(), dumps(kept)[1:-1], tuple(marks), kept.get("content-type"))
        if len(header[-1]) <= _LONGEST:
            remembered = self._judged[where]
            if len(remembered) >= MOST:
                remembered.clear()
            remembered[header] = judged
        return judged
