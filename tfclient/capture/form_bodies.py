"""Request bodies that are not in memory: what they are is recorded, and they are not touched.

An iterator can be read once, and that once is the server's. Of a form, the fields and the files that are bytes
in memory are known without reading anything.
"""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.borrowed import Gone, form_fields
from tfstore.journal.entries import dropped

if TYPE_CHECKING:
    from tfclient.health import Health
    from tfclient.redaction import Redactor
    from tfstore.journal.entries import Body, Mark, Part

PART_KEPT: Final = 8 * 1024 * 1024
"""Bytes of a form's file up to which it is journaled with the request."""


def unread_body(
    request: Any, content_type: str | None, redactor: Redactor, health: Health
) -> tuple[Body, list[Mark]]:
    """Return what can be said of a request's body without reading it, and the redaction marks."""
    is_form = content_type is not None and content_type.startswith("multipart/form-data")
    body: Body = {"unread": "multipart" if is_form else "iterator"}
    length = request.headers.get("content-length")
    if length is not None and length.isdigit():
        body["bytes"] = int(length)
    marks: list[Mark] = []
    if is_form:
        try:
            body["parts"] = [_part(field, redactor, marks) for field in form_fields(request)]
        except Gone as error:
            health.not_seen("What forms are made of", str(error))
    return body, marks


def _part(field: Any, redactor: Redactor, marks: list[Mark]) -> Part:
    name = str(field.name)
    where = f"request.body.{name}"
    content = getattr(field, "file", None)
    if content is None:
        value, found = redactor.value({name: _text(field.value)}, "request.body")
        marks += found
        return {"name": name, "value": next(iter(value.values()), None)}
    filename, found = redactor.value(getattr(field, "filename", None), f"{where}.filename")
    marks += found
    part: Part = {"name": name, "filename": filename}
    headers = getattr(field, "headers", None) or {}
    part["content_type"] = next(
        (text for key, text in headers.items() if key.lower() == "content-type"), None
    )
    data = _in_memory(content)
    if data is None:
        part["bytes"] = _size(content)
        return part
    part["bytes"] = len(data)
    if len(data) <= PART_KEPT:
        text, found = redactor.body(data, part["content_type"], where)
        kept: Any = {"text": text}
        if text is None:
            kept, found = redactor.binary(data, where)
            kept = {"text": kept} if isinstance(kept, str) else kept
        if text is not None and redactor.mode == "secrets" and _is_secret(name):
            value, found = redactor.value({name: text}, "request.body")
            kept = {"text": next(iter(value.values()), None)}
        marks += found
        part["data"] = kept
    else:
        marks.append(dropped(where, "too_long", len(data)))
    return part


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _in_memory(content: Any) -> bytes | None:
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    if type(content) is io.BytesIO:
        # Whole, whatever the position: that is how httpx sends it.
        return content.getvalue()
    return None


def _size(content: Any) -> int | None:
    try:
        return os.fstat(content.fileno()).st_size
    except (AttributeError, OSError, ValueError, TypeError):
        return None


def _is_secret(name: str) -> bool:
    # With the names come the patterns, which are compiled with the first recorder.
    from tfclient.redaction.names import secret_name

    return secret_name(name) is not None
