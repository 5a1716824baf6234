"""Headers and URLs as they may be journaled, remembered: most are the same at every call.

Judging a header takes longer than writing it down, and two dozen of them come with every exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tfclient.redaction import Redactor

MOST: Final = 4096
"""Headers, or URLs, that are remembered; then it begins anew."""

_LONGEST: Final = 512

_Header = tuple[bytes, bytes]
_Kept = tuple[tuple[str, str] | None, tuple[Any, ...]]


class Known:
    """What a redactor said about headers and URLs that came before.

    Example:
        >>> from tfclient.redaction import Redactor
        >>> known = Known(Redactor.from_setting())
        >>> known.headers([(b"Accept", b"*/*"), (b"Cookie", b"a=b")], "request.headers")[0]
        {'accept': '*/*'}
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._headers: dict[str, dict[_Header, _Kept]] = {}
        self._urls: dict[Any, tuple[str, list[Any]]] = {}

    def headers(self, raw: Sequence[_Header], where: str) -> tuple[dict[str, str], list[Any]]:
        """Return headers by lower-cased name, as ``Redactor.headers`` does."""
        remembered = self._headers.setdefault(where, {})
        known = list(map(remembered.get, raw))
        if None in known:
            known = [remembered.get(header) or self._judge(header, where) for header in raw]
        marks: list[Any] = []
        pairs: list[tuple[str, str]] = []
        for each in known:
            if each is not None:
                if each[1]:
                    marks += each[1]
                if each[0] is not None:
                    pairs.append(each[0])
        kept = dict(pairs)
        if len(kept) != len(pairs):
            # A name that came twice: the redactor knows how to join them.
            return self._redactor.headers(raw, where)
        return kept, marks

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

    def _judge(self, header: _Header, where: str) -> _Kept:
        headers, marks = self._redactor.headers([header], where)
        known = (next(iter(headers.items()), None), tuple(marks))
        if len(header[1]) <= _LONGEST:
            remembered = self._headers.setdefault(where, {})
            if len(remembered) >= MOST:
                remembered.clear()
            remembered[header] = known
        return known
