"""A request as it is compared with others: where it goes, and what its body means, redacted as the recording was."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import define

from tfclient.capture.form_bodies import unread_body
from tfclient.capture.request_body import in_memory
from tfclient.replaying.alike import blurred, blurred_message
from tfclient.replaying.differences import Difference, differences
from tfclient.replaying.meaning import NOTHING, Meaning, comparable_forms, meaning_of, meaning_of_unread
from tfclient.replaying.places import Place, without

if TYPE_CHECKING:
    from tfclient.health import Health
    from tfclient.redaction import Redactor
    from tfclient.replaying.recorded import Recorded

OPEN: Final = "OPEN"
"""The method, as it were, of what opens a connection of a socket."""
SEND: Final = "SEND"
"""That of a message that is sent over one."""

_URL: Final = "url"
"""Under which places of the address stand: ``url.host``, ``url.query.api-version``."""


@define(eq=False, slots=False)
class Request:
    """One request, recorded or made now.

    ``retry`` counts from 0; ``host`` is in lower case, with its port; ``path`` is decoded, ``query`` too, and sorted.
    """

    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    retry: int
    body: Meaning
    ignored: tuple[Place, ...] = ()

    @property
    def endpoint(self) -> str:
        """Method and path, as people read them."""
        return f"{self.method} {self.path}"

    @property
    def json(self) -> Any:
        """The body's JSON value as it is compared, None where it is none."""
        return self.body.value if self.body.kind == "json" else None

    @cached_property
    def address(self) -> dict[str, Any]:
        """The URL's host and query, without what is ignored."""
        value: Any = {"host": self.host, "query": dict(self.query) or None}
        for place in self.ignored:
            if place[0] == _URL and len(place) > 1:
                value = without(value, place[1:])
        return value  # type: ignore[no-any-return]

    @cached_property
    def value(self) -> Any:
        """The body's value, without what is ignored."""
        value = self.body.value
        for place in self.ignored:
            if place[0] != _URL:
                value = without(value, place)
        return value

    @cached_property
    def exact(self) -> str:
        """Equal where two requests mean the same."""
        return f"{self.endpoint} {self._place} {Meaning(self.body.kind, self.value).key()}"

    @cached_property
    def alike(self) -> str:
        """Equal where they do but for clocks, and ids that programs make."""
        value = self._blurred(self.value) if self.body.kind == "json" else self.value
        return f"{self.endpoint} {self._place} {Meaning(self.body.kind, value).key()}"

    def _blurred(self, value: Any) -> Any:
        return blurred_message(value) if self.method == SEND else blurred(value)

    @cached_property
    def _place(self) -> str:
        pairs = (
            list(self.query) if self.address.get("query") == dict(self.query) else self.address.get("query")
        )
        return f"{self.address.get('host')} {pairs}"

    @property
    def is_whole(self) -> bool:
        """Whether all of the body is known, so that equal ones have equal keys."""
        return self.body.kind not in {"form", "unread"}

    def means(self, other: Request) -> bool:
        """Return whether two requests mean the same, as far as both are known."""
        if self.is_whole and other.is_whole:
            return self.exact == other.exact
        if self.endpoint != other.endpoint or self._place != other._place:
            return False
        one, two = self.body, other.body
        if "unread" in {one.kind, two.kind}:
            sizes = {each.value["bytes"] for each in (one, two) if each.kind in {"unread", "bytes"}} - {None}
            return len(sizes) < 2 and {one.kind, two.kind} <= {"unread", "bytes"}
        one, two = comparable_forms(one, two)
        return one.key() == two.key()

    def differences(self, asked: Request) -> list[Difference]:
        """Return where a request differs from this recorded one."""
        mine, theirs = comparable_forms(self.body, asked.body)
        if mine.kind == "form":
            values = mine.value, theirs.value
        elif mine.kind == theirs.kind:
            values = self.value, asked.value
        else:
            values = _told(self), _told(asked)
        of_url = differences(self.address, asked.address, (_URL,))
        return [*of_url, *differences(*values)]

    def telling_differences(self, asked: Request) -> list[Difference]:
        """Return the same without those that are only clocks, and ids that programs make."""
        found = self.differences(asked)
        if self.body.kind != "json" or asked.body.kind != "json":
            return found
        left = {each.place for each in differences(self._blurred(self.value), self._blurred(asked.value))}
        return [each for each in found if each.place[:1] == (_URL,) or each.place in left]


def _told(request: Request) -> Any:
    return request.value if request.body.kind == "json" else {request.body.kind: request.value}


def recorded_request(recorded: Recorded, redactor: Redactor, ignored: tuple[Place, ...] = ()) -> Request:
    """Return the request of a recorded attempt."""
    content_type = recorded.headers.get("content-type", "")
    if recorded.body is not None:
        body = meaning_of(recorded.body, content_type)
    else:
        body = meaning_of_unread(recorded.unread or {})
    return _request(recorded.method, redactor.url(recorded.url)[0], recorded.retry, body, ignored)


def made_request(
    request: Any, redactor: Redactor, health: Health, ignored: tuple[Place, ...] = ()
) -> Request:
    """Return a request that is about to be sent, redacted; nothing is read that can be read once only.

    Args:
        request: of httpx or httpx2.
        redactor: the policy by which the recording was made.
        health: where it is told that a form cannot be looked into.
        ignored: places that do not count.
    """
    content_type = request.headers.get("content-type", "")
    data = in_memory(request)
    if data is None:
        body = meaning_of_unread(dict(unread_body(request, content_type, redactor, health)[0]))
    elif data:
        body = meaning_of(_kept(data, content_type, redactor), content_type)
    else:
        body = NOTHING
    retry = request.headers.get("x-stainless-retry-count", "")
    number = int(retry) if retry.isdigit() else 0
    return _request(request.method.upper(), redactor.url(str(request.url))[0], number, body, ignored)


def made_message(
    method: str,
    url: str,
    data: bytes,
    redactor: Redactor,
    ignored: tuple[Place, ...] = (),
    *,
    is_json: bool = True,
) -> Request:
    """Return what is about to be opened or sent over a socket, redacted.

    Args:
        method: ``OPEN``, ``SEND``, or that of a request.
        url: of the socket.
        data: what is sent.
        redactor: the policy by which the recording was made.
        ignored: places that do not count.
        is_json: whether it is JSON.
    """
    content_type = "application/json" if is_json else ""
    body = meaning_of(_kept(data, content_type, redactor), content_type) if data else NOTHING
    return _request(method, redactor.url(url)[0], 0, body, ignored)


def _kept(data: bytes, content_type: str, redactor: Redactor) -> bytes:
    text, _ = redactor.body(data, content_type, "request.body")
    return data if text is None else text.encode("utf-8", "surrogatepass")


def _request(method: str, url: str, retry: int, body: Meaning, ignored: tuple[Place, ...]) -> Request:
    parts = urlsplit(url)
    query = tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))
    return Request(
        method, parts.netloc.rpartition("@")[2].lower(), unquote(parts.path), query, retry, body, ignored
    )
