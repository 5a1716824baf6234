"""Failures, named: from an HTTP status, an error body, or an exception to one of the error classes.

Sources: the API's error body (``error`` as an object with ``message``, ``type``, ``code``; as a string at xAI;
absent at proxies) and the SDK's exception names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfstore.document.documents import ErrorInfo
from tfstore.document.labels import ErrorClass

_BY_STATUS: dict[int | None, ErrorClass] = {
    400: "validation",
    401: "auth",
    403: "auth",
    404: "validation",
    408: "timeout",
    409: "validation",
    413: "validation",
    415: "validation",
    422: "validation",
    429: "rate_limit",
}

_BY_EXCEPTION: tuple[tuple[str, ErrorClass], ...] = (
    ("Timeout", "timeout"),
    ("Cancelled", "cancelled"),
    ("KeyboardInterrupt", "cancelled"),
    ("GeneratorExit", "cancelled"),
    ("RateLimit", "rate_limit"),
    ("Authentication", "auth"),
    ("PermissionDenied", "auth"),
    ("BadRequest", "validation"),
    ("NotFound", "validation"),
    ("UnprocessableEntity", "validation"),
    ("TypeError", "validation"),
    ("ValueError", "validation"),
    ("Validation", "validation"),
    ("InternalServer", "provider"),
    ("APIStatus", "provider"),
    ("Connect", "transport"),
    ("Protocol", "transport"),
    ("Read", "transport"),
    ("Write", "transport"),
    ("Network", "transport"),
    ("OSError", "transport"),
    # Of the HTTP client: it was closed, or its event loop was.
    ("RuntimeError", "transport"),
    ("JSONDecode", "provider"),
)

_AUTH_CODES = ("invalid_api_key", "authentication", "permission")


def error_in_event(event: dict[str, Any], name: str | None = None) -> dict[str, Any] | None:
    """Return the error that an event of a stream tells, in the form of an error body; None where it tells of none.

    Servers say it as ``{"error": …}``, by the event's name or type, or by a message where an answer should stand.

    Example:
        >>> error_in_event({"object": "error", "message": "too long", "code": 400})["error"]["message"]
        'too long'
    """
    given = event.get("error")
    if isinstance(given, dict | str) and given:
        return {**event, "error": given}
    named = any(
        word in ("error", "response.error") for word in (name, event.get("type"), event.get("object"))
    )
    bare = not event.keys() & {"id", "choices", "object", "type", "response", "delta"}
    if not (named or given or (bare and isinstance(event.get("message") or event.get("detail"), str))):
        return None
    return {
        "error": {k: v for k, v in event.items() if k not in {"error", "object"} and v != "error"} or True
    }


def error_from_body(body: Any, status_code: int | None) -> ErrorInfo | None:
    """Return what an error body says, or None when neither body nor status speaks of an error."""
    given = body.get("error") if isinstance(body, dict) else None
    if given is None and (status_code is None or status_code < 400) and body in (None, "", {}):
        return None
    code: str | None = None
    if isinstance(given, dict):
        message = str(given.get("message") or given.get("detail") or given)
        raw_code = given.get("code") or given.get("type")
        code = None if raw_code is None else str(raw_code)
    elif isinstance(given, str):
        message = given
        if isinstance(body, dict) and isinstance(body.get("code"), str):
            code = body["code"]
    elif isinstance(body, dict) and isinstance(body.get("message") or body.get("detail"), str):
        message = str(body.get("message") or body.get("detail"))
        code = str(body["code"]) if "code" in body else None
    else:
        message = (_first_told(body) if isinstance(body, dict) else None) or _summary_of(body, status_code)
    told = int(code) if code is not None and code.isascii() and code.isdigit() else None
    failed = status_code if status_code is not None and status_code >= 400 else None
    return ErrorInfo(
        error_class(failed or (told if told in _BY_STATUS else status_code), code), message, code, status_code
    )


def id_of_failure(body: Any, status_code: int | None) -> str | None:
    """Return the id of what came as a success and is no response of the API; an error's own id is none."""
    given = body.get("id") if isinstance(body, dict) and (status_code or 200) < 400 else None
    return given if isinstance(given, str) and given else None


_WHERE_TOLD = ("errors", "error", "detail", "base_resp", "error_msg", "error_message")


def _first_told(body: dict[str, Any]) -> str | None:
    """Return what went wrong from the lists and objects in which gateways say it; the first of several."""
    for key in _WHERE_TOLD:
        told = body.get(key)
        told = told[0] if isinstance(told, list) and told else told
        if isinstance(told, dict):
            told = next((told[k] for k in ("message", "msg", "status_msg", "detail") if told.get(k)), None)
        if isinstance(told, str) and told:
            return told
    return None


def _summary_of(body: Any, status_code: int | None) -> str:
    text = body if isinstance(body, str) else ""
    head = " ".join(text.split())[:200]
    said = f"HTTP {status_code}" if status_code is not None else "not the JSON of this API"
    return f"{said}: {head}" if head else f"{said}, with an empty body" if not body else said


def error_class(status_code: int | None, code: str | None) -> ErrorClass:
    """Return the error class of an API error."""
    if status_code in _BY_STATUS:
        return _BY_STATUS[status_code]
    lowered = (code or "").lower()
    if "rate_limit" in lowered or "quota" in lowered:
        return "rate_limit"
    if any(word in lowered for word in _AUTH_CODES):
        return "auth"
    if lowered.startswith("invalid") and status_code is None:
        return "validation"
    return "provider"


def error_from_exception(error: Mapping[str, Any]) -> ErrorInfo:
    """Return what an exception says: ``{"type", "message", "cause"?}`` as the recorder wrote it."""
    name = str(error.get("type") or "Exception")
    cause = error.get("cause")
    searched = name + " " + (str(cause.get("type")) if isinstance(cause, dict) else str(cause or ""))
    found: list[ErrorClass] = [each for word, each in _BY_EXCEPTION if word in searched]
    return ErrorInfo(found[0] if found else "provider", str(error.get("message") or name), name)
