"""Bodies as they are journaled: a request's, and a response's that came whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.form_bodies import unread_body
from tfstore.journal.entries import dropped

if TYPE_CHECKING:
    from tfclient.redaction import Redactor
    from tfclient.sessions.sent_bodies import SentBodies, SentBody
    from tfclient.sessions.sessions import Sessions
    from tfstore.journal.entries import Body, Mark

    Marks = list[Mark]

LONGEST_REQUEST: Final = 40 * 1024 * 1024
"""Bytes of a request body that is kept; entries have a limit, and a request is one entry."""


def in_memory(message: Any) -> bytes | None:
    """Return the body of a request or a response, or None if it is still to be read."""
    try:
        content: bytes = message.content
    except RuntimeError:
        # Each library has a RequestNotRead and a ResponseNotRead of its own.
        return None
    return content


def request_body(
    request: Any, content_type: str | None, exchange_id: str, earlier: SentBodies, sessions: Sessions
) -> tuple[Body | None, Marks, SentBody | None]:
    """Return a request's body for the journal, its marks, and what to keep of it once that is written."""
    data = in_memory(request)
    if data == b"":
        return None, [], None
    size = 0 if data is None else len(data)
    if size > LONGEST_REQUEST:
        return {"unread": "too_long", "bytes": size}, [dropped("request.body", "too_long", size)], None
    try:
        if data is None:
            return *unread_body(request, content_type, sessions.redactor, sessions.health), None
        return _repeated(data, content_type, exchange_id, earlier, sessions.redactor)
    except Exception as error:  # noqa: BLE001 - the call goes on
        return *_not_redacted(error, size, "request.body", exchange_id, sessions), None


def response_body(
    data: bytes, content_type: str | None, exchange_id: str, sessions: Sessions
) -> tuple[Body, Marks]:
    """Return a response's body for the journal, and its marks."""
    redactor = sessions.redactor
    try:
        text, marks = redactor.body(data, content_type, "response.body")
        return ({"text": text}, marks) if text is not None else _binary(redactor, data, "response.body")
    except Exception as error:  # noqa: BLE001 - the call goes on
        return _not_redacted(error, len(data), "response.body", exchange_id, sessions)


def _repeated(
    data: bytes, content_type: str | None, exchange_id: str, earlier: SentBodies, redactor: Redactor
) -> tuple[Body, Marks, SentBody | None]:
    if redactor.mode in {"secrets", "none"}:
        body, marks, kept = earlier.journaled(
            exchange_id, data, lambda part: redactor.body(part, content_type, "request.body")
        )
        if body is not None:
            return body, marks, kept
    else:
        # Hashed or judged text by text: only the whole can be redacted, and the result compared.
        text, marks = redactor.body(data, content_type, "request.body")
        if text is not None:
            body, _, kept = earlier.journaled(exchange_id, text.encode("utf-8", "surrogatepass"), _as_it_is)
            if body is not None:
                return body, marks, kept
    return *_binary(redactor, data, "request.body"), None


def _not_redacted(
    error: Exception, size: int, where: str, exchange_id: str, sessions: Sessions
) -> tuple[Body, Marks]:
    """What is journaled of a body that could not be judged: nothing of it."""
    sessions.health.fault("redaction", error, f"redacting the {where} of {exchange_id}")
    return {"unread": "redaction_failed", "bytes": size}, [dropped(where, "redaction_failed", size)]


def _binary(redactor: Redactor, data: bytes, where: str) -> tuple[Body, Marks]:
    kept, marks = redactor.binary(data, where)
    if isinstance(kept, str):
        return {"text": kept}, marks
    return {"base64": kept["base64"], "bytes": len(data)}, marks


def _as_it_is(data: bytes) -> tuple[str | None, Marks]:
    return data.decode("utf-8", "surrogatepass"), []
