"""The headers that a program put into a request itself: what neither the SDK nor the HTTP library sends."""

from __future__ import annotations

import re
from typing import Any

_OF_THE_SDK = frozenset(
    {
        "accept", "accept-encoding", "accept-language", "api-key", "authorization", "connection", "content-encoding",
        "content-length", "content-type", "cookie", "expect", "host", "idempotency-key", "openai-organization",
        "openai-project", "te", "transfer-encoding",
    }
)  # fmt: skip
_AGENT = re.compile(r"\w+/Python \d")


_DROPPED = "request.headers."


def own_headers(headers: Any, marks: Any, *, beta: bool) -> dict[str, str]:
    """Return the headers that are the program's own; of those that the journal has no value of, what they were.

    Args:
        headers: the request's, by lower-case name, without credentials.
        marks: what was redacted of the request.
        beta: whether ``openai-beta`` is one; for some endpoints the SDK sends it.

    Example:
        >>> own_headers({"accept": "application/json", "x-tenant": "7", "x-stainless-lang": "python"}, [], beta=True)
        {'x-tenant': '7'}
    """
    if not isinstance(headers, dict):
        return {}
    by_sdk = "x-stainless-lang" in headers
    own = {
        name: value
        for name, value in headers.items()
        if isinstance(value, str)
        and name not in _OF_THE_SDK
        and not name.startswith("x-stainless-")
        and (name != "openai-beta" or beta)
        and (name != "user-agent" or (by_sdk and not _AGENT.match(value)))
    }
    for mark in marks if isinstance(marks, list) else []:
        path = str(mark.get("path")) if isinstance(mark, dict) and mark.get("action") == "dropped" else ""
        name = path.removeprefix(_DROPPED)
        if path.startswith(_DROPPED) and name not in _OF_THE_SDK:
            own[name] = f"<redacted:{mark.get('rule')}>"
    return own
