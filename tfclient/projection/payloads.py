"""Payloads made light: long strings and base64 leave the document for blobs, and marks of redaction are found.

A string over 64 KiB, every base64 payload, and a long row of numbers (an embedding) is stored once under its own
digest; what stands in the document says how many bytes there were, of what type, and how they begin. ``encoding``
says how the bytes stood on the wire (``base64`` and its variants, ``json``; absent: as text), ``prefix`` what stood
before them (of a data URL).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from sys import intern
from typing import Any

from attrs import define, field

from tfstore.documents import RedactionMark
from tfstore.prompts import BASE64, encode_base64

LONG_STRING = 64 * 1024
LONG_ROW = 64
PREVIEW = 120
WORD = 24
"""Characters up to which a string is likely to come again: field names, types, statuses, models."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*);base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_MARK = re.compile(r"<redacted:([^<>\s]{1,80})>|<dropped:([^<>\s]{1,80})>|<sha256:[0-9a-f]{16} \d+ chars>")

_BASE64_KEYS = {
    "b64_json": "image/png",
    "partial_image_b64": "image/png",
    "file_data": "application/octet-stream",
    "data": "application/octet-stream",
    "result": "image/png",
    "image_url": "image/png",
}

_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"PK\x03\x04", "application/zip"),
)


@define
class Blob:
    """Bytes that live beside the document."""

    sha256: str
    data: bytes
    media_type: str


@define
class Lightener:
    """Puts heavy values aside; ``blobs`` are what is to be stored."""

    blobs: dict[str, Blob] = field(factory=dict[str, Blob])

    def lighten(self, value: Any, key: str = "") -> Any:
        """Return the value with everything heavy replaced by a reference, and short strings held once."""
        if isinstance(value, str):
            if len(value) > PREVIEW:
                return self._string(value, key)
            return intern(value) if len(value) <= WORD else value
        if isinstance(value, dict):
            return {intern(k): self.lighten(v, k) for k, v in value.items()}
        if isinstance(value, list):
            if len(value) > LONG_ROW and all(type(v) in (int, float) for v in value):
                text = json.dumps(value)
                return self.put(text.encode(), "application/json", text[:PREVIEW]) | {"encoding": "json"}
            return [self.lighten(v, key) for v in value]
        return value

    def _string(self, value: str, key: str) -> Any:
        found = _DATA_URL.match(value)
        if found:
            decoded = decode_base64(value[found.end() :])
            if decoded is not None:
                data, encoding = decoded
                reference = self.put(data, found[1] or "text/plain", "")
                return reference | {"encoding": encoding, "prefix": value[: found.end()]}
        elif len(value) > 4 * PREVIEW and _BASE64.match(value):
            decoded = decode_base64(value)
            media = media_type_of(decoded[0]) if decoded is not None else None
            if decoded is not None and (media or key in _BASE64_KEYS):
                return self.put(decoded[0], media or _BASE64_KEYS[key], "") | {"encoding": decoded[1]}
        if len(value) > LONG_STRING:
            return self.put(value.encode("utf-8", "surrogatepass"), "text/plain", value[:PREVIEW])
        return value

    def put(self, data: bytes, media_type: str, preview: str) -> dict[str, Any]:
        """Put bytes aside and return the reference that stands for them."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs.setdefault(sha256, Blob(sha256, data, media_type))
        reference = {"blob": f"sha256:{sha256}", "bytes": len(data), "media_type": media_type}
        return {**reference, "preview": preview} if preview else reference


def media_type_of(data: bytes) -> str | None:
    """Return the media type that the first bytes give away, or None."""
    if data[:4] == b"RIFF":
        return {b"WAVE": "audio/wav", b"WEBP": "image/webp"}.get(data[8:12])
    return next((media for magic, media in _MAGIC if data.startswith(magic)), None)


def decode_base64(text: str) -> tuple[bytes, str] | None:
    """Return the bytes of a base64 text and the variant that gives back the same text; None where none does."""
    compact = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        data = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    variant = next((name for name in BASE64 if encode_base64(data, name) == text), None)
    return None if variant is None else (data, variant)


def marks_in(value: Any, path: str) -> list[RedactionMark]:
    """Return a mark for each value that redaction changed, with its path in the step."""
    if isinstance(value, str):
        return [_mark(found, path) for found in _MARK.finditer(value)]
    if isinstance(value, dict):
        return [mark for k, v in value.items() for mark in marks_in(v, f"{path}.{k}")]
    if isinstance(value, list):
        return [mark for n, v in enumerate(value) for mark in marks_in(v, f"{path}[{n}]")]
    return []


def _mark(found: re.Match[str], path: str) -> RedactionMark:
    if found[1]:
        return RedactionMark(path, found[1], "replaced")
    if found[2]:
        return RedactionMark(path, found[2], "dropped")
    return RedactionMark(path, "content", "hashed")
