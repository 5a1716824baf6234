"""What a scripted server may be told to do with one request."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import attrs


@attrs.frozen
class Say:
    """An output message."""

    text: str
    refusal: bool = False


@attrs.frozen
class Call:
    """A function call; ``arguments`` may be a string to be sent as it is."""

    name: str
    arguments: Mapping[str, Any] | str = attrs.field(factory=dict[str, Any])
    call_id: str | None = None


@attrs.frozen
class Think:
    """A reasoning item, with its summary's parts."""

    summary: Sequence[str] = ()
    encrypted: str | None = None


@attrs.frozen
class Item:
    """An output item of any other type, sent as it is."""

    fields: Mapping[str, Any]


Output = Say | Call | Think | Item


@attrs.frozen
class Answer:
    """A response of the model, streamed when the request asks for it.

    Attributes:
        output: The output items.
        status: How it ends.
        reason: With ``incomplete``: ``max_output_tokens`` or ``content_filter``.
        error: With ``failed``: code and message.
        cut_after: Close the connection after so many events (streamed) or bytes (not).
        mid_event: With ``cut_after``: in the middle of the next event.
        reset: With ``cut_after``: by a reset instead of a plain close.
        hold_after: Wait for ``gate`` after so many events; negative: so many before the end.
        gate: What is waited for.
        headers: More headers.
        gzip: Whether the body is compressed.
    """

    output: tuple[Output, ...]
    status: Literal["completed", "incomplete", "failed"] = "completed"
    reason: str | None = None
    error: tuple[str, str] | None = None
    cut_after: int | None = None
    mid_event: bool = True
    reset: bool = False
    hold_after: int | None = None
    gate: threading.Event = attrs.field(factory=threading.Event)
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])
    gzip: bool = False


def answer(*output: Output | str, **how: Any) -> Answer:
    """Make an answer; a string is a message.

    Example:
        >>> answer("Hello!").output
        (Say(text='Hello!', refusal=False),)
    """
    return Answer(tuple(Say(item) if isinstance(item, str) else item for item in output), **how)


def calls(*wanted: Call, think: Think | None = None) -> Answer:
    """Make an answer that asks for tools, in parallel if several."""
    return Answer((*((think,) if think else ()), *wanted))


def cut(after: int, *output: Output | str, mid_event: bool = True, reset: bool = False) -> Answer:
    """Make an answer whose connection breaks after so many events (or bytes, if it is not streamed)."""
    return answer(*output, cut_after=after, mid_event=mid_event, reset=reset)


def incomplete(*output: Output | str, reason: str = "max_output_tokens") -> Answer:
    """Make an answer that stops early."""
    return answer(*output, status="incomplete", reason=reason)


def failed(
    code: str = "server_error", message: str = "The model failed to answer.", *output: Output | str
) -> Answer:
    """Make an answer that fails: in a stream an ``error`` event, then ``response.failed``."""
    return answer(*output, status="failed", error=(code, message))


@attrs.frozen
class Refused:
    """An HTTP error as the API words it."""

    status: int
    code: str | None = None
    message: str = "The server had an error while processing your request."
    type: str = "server_error"
    retry_after: float | None = None


def rate_limited(retry_after: float | None = 0.01) -> Refused:
    """Make a 429; the wait is short, so that tests do not take as long as real life."""
    return Refused(
        429,
        "rate_limit_exceeded",
        "Rate limit reached for gpt-5.4-mini on requests per min (RPM): Limit 3, Used 3, Requested 1.",
        "requests",
        retry_after,
    )


def server_error(status: int = 500, retry_after: float | None = 0.01) -> Refused:
    """Make a 5xx."""
    return Refused(status, None, retry_after=retry_after)


@attrs.frozen
class Raw:
    """Bytes as they are, with any status and type: a proxy's page, JSON that is none, nothing at all."""

    body: bytes = b""
    status: int = 200
    content_type: str | None = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


def thing(**fields: Any) -> Raw:
    """Make a JSON object of an API that the server does not know itself; pollers need not wait long."""
    return Raw(json.dumps(fields).encode(), headers={"openai-poll-after-ms": "1"})


@attrs.frozen
class Events:
    """An event stream as it is; an event is named by its ``type``, or is ``{"event": …, "data": …}``."""

    events: Sequence[Mapping[str, Any]]


PROXY_PAGE = Raw(
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
    502,
    "text/html",
)


@attrs.frozen
class Silence:
    """No answer at all, until the server is closed."""


@attrs.frozen
class HangUp:
    """The connection is closed before the first byte of an answer."""


Reply = Answer | Refused | Raw | Events | Silence | HangUp
