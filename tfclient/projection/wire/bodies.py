"""Bodies as the journal keeps them, as bytes and as JSON."""

from __future__ import annotations

import base64
import binascii
import contextlib
from typing import Any

from tfstore.document.depth import parsed


def body_bytes(body: Any) -> bytes:
    """Return the bytes of a journaled body: text, base64, or nothing."""
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    if not isinstance(body, dict):
        return b""
    text, encoded = body.get("text"), body.get("base64")
    if isinstance(text, str):
        return text.encode("utf-8", "surrogatepass")
    with contextlib.suppress(binascii.Error, ValueError):
        return base64.b64decode(encoded) if isinstance(encoded, str) else b""
    return b""


def parse_json(data: bytes | str) -> Any:
    """Return the JSON value of a body, or None when it is none."""
    try:
        return parsed(data)
    except (ValueError, RecursionError):
        return None


def json_or_text(data: bytes) -> Any:
    """Return the JSON value of a body, or its text where it is none."""
    parsed = parse_json(data)
    return data.decode("utf-8", "replace") if parsed is None else parsed
