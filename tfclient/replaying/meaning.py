"""Bodies as they are compared: what they mean, not how they are written. Equal text of this is an *exact* match."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from hashlib import sha256
from typing import Any, Final, Literal

from attrs import frozen

from tfclient.projection.wire.bodies import body_bytes, parse_json

Kind = Literal["json", "text", "bytes", "form", "unread", "nothing"]

_HOLD_JSON: Final = frozenset({"arguments", "output", "content"})
"""Members whose text is JSON as a rule: as one program lays it out, another does not."""


@frozen
class InText:
    """JSON that stands in a text."""

    value: Any


@frozen
class Meaning:
    """What a body says: a JSON value, a text, the digest of bytes, the parts of a form, a size."""

    kind: Kind
    value: Any

    def key(self) -> str:
        """Return what is equal where two mean the same."""
        return f"{self.kind} {as_text(self.value)}"


NOTHING: Final = Meaning("nothing", None)


def meaning_of(data: bytes, content_type: str) -> Meaning:
    r"""Return what a body that was kept says.

    Example:
        >>> one = meaning_of(b'{"a": 1, "b": {"output": "{\\"c\\": 2}"}}', "application/json")
        >>> one.key() == meaning_of(b'{"b":{"output":"{\\"c\\":2}"},"a":1}', "application/json").key()
        True
    """
    if not data:
        return NOTHING
    if content_type.startswith("multipart/form-data"):
        parts = _parts_in(data, content_type)
        if parts is not None:
            return Meaning("form", parts)
    value = parse_json(data)
    if isinstance(value, dict | list):
        return Meaning("json", unfolded(value))
    try:
        return Meaning("text", data.decode())
    except UnicodeDecodeError:
        return Meaning("bytes", {"bytes": len(data), "sha256": sha256(data).hexdigest()})


def meaning_of_unread(body: dict[str, Any]) -> Meaning:
    """Return what is known of a body that was not kept: the parts of a form, else no more than its size.

    Args:
        body: as the journal has it.
    """
    parts = body.get("parts")
    if isinstance(parts, list):
        return Meaning("form", [_part(each) for each in parts if isinstance(each, dict)])
    return Meaning("unread", {"bytes": body.get("bytes")})


def unfolded(value: Any) -> Any:
    """Return a JSON value, and in place of texts that are JSON what they say."""
    if isinstance(value, dict):
        return {
            key: _unfolded_text(each) if isinstance(each, str) and key in _HOLD_JSON else unfolded(each)
            for key, each in value.items()
        }
    return [unfolded(each) for each in value] if isinstance(value, list) else value


def _unfolded_text(text: str) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return text
    value = parse_json(text)
    return InText(unfolded(value)) if isinstance(value, dict | list) else text


def as_text(value: Any) -> str:
    """Return a value as one text, the order of members aside."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_in_text)


def _in_text(value: Any) -> Any:
    if isinstance(value, InText):
        return {"JSON in a text": value.value}
    return str(value)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a journaled form: of a file its size, and a digest where its bytes are known."""
    shown: dict[str, Any] = {"name": part.get("name")}
    if "value" in part:
        return {**shown, "value": part["value"]}
    shown |= {"filename": part.get("filename"), "bytes": part.get("bytes")}
    data = part.get("data")
    if isinstance(data, dict) and ("text" in data or "base64" in data):
        shown["sha256"] = sha256(body_bytes(data)).hexdigest()
    return shown


def _parts_in(data: bytes, content_type: str) -> list[dict[str, Any]] | None:
    """Return the parts of a form that was kept as it was sent; None where it is no form."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    try:
        message = BytesParser(policy=HTTP).parsebytes(head + data)
        return list(_parts_of(message)) if message.is_multipart() else None
    except Exception:  # noqa: BLE001 - whatever a parser of mail makes of it: then it is bytes
        return None


def _parts_of(message: Any) -> Iterator[dict[str, Any]]:
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True) or b""
        filename = part.get_filename()
        if filename is None:
            yield {"name": name, "value": content.decode("utf-8", "replace")}
        else:
            size, digest = len(content), sha256(content).hexdigest()
            yield {"name": name, "filename": filename, "bytes": size, "sha256": digest}


def comparable_forms(one: Meaning, other: Meaning) -> tuple[Meaning, Meaning]:
    """Return two forms without what only one of them knows of a file: its size, or its digest."""
    if one.kind != "form" or other.kind != "form" or len(one.value) != len(other.value):
        return one, other
    pairs = [_both_know(a, b) for a, b in zip(one.value, other.value, strict=True)]
    return Meaning("form", [a for a, _ in pairs]), Meaning("form", [b for _, b in pairs])


def _both_know(a: dict[str, Any], b: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    unknown = {name for name in ("bytes", "sha256") if a.get(name) is None or b.get(name) is None}
    return (
        {name: value for name, value in a.items() if name not in unknown},
        {name: value for name, value in b.items() if name not in unknown},
    )
