"""Payloads made light: long values leave the document or are cut at a cap, and what was changed is marked.

A string over 64 KiB, every base64 payload, and long rows of numbers (an embedding) are stored once under their own
digest; what stands in the document says how many bytes there were, of what type, and how they begin. ``encoding``
says how the bytes stood on the wire (``base64`` and its variants, ``json``; absent: as text), ``prefix`` what stood
before them (of a data URL).

With a cap, no more than that many bytes are kept of any one value, of a text up to the end of a character. What is
kept stands where it would have stood, and says how much there was (``tfstore.document.references``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from sys import intern
from typing import Any

from attrs import define, evolve, field

from tfstore.document.documents import RedactionMark
from tfstore.document.json_text import marked
from tfstore.document.references import is_reference, truncated
from tfstore.reading.prompts import BASE64, encode_base64

LONG_STRING = 64 * 1024
LONG_ROW = 64
PREVIEW = 120
WORD = 24
"""Characters up to which a string is likely to come again: field names, types, statuses, models."""

_LIGHT = frozenset({int, bool, type(None)})

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*);base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_MARK = re.compile(r"<redacted:([^<>\s]{1,80})>|<dropped:([^<>\s]{1,80})>|<sha256:[0-9a-f]{16} \d+ chars>")

_BASE64_KEYS = {
    "b64_json": "image/png",
    "partial_image_b64": "image/png",
    "file_data": "application/octet-stream",
    "data": "application/octet-stream",
    "result": "image/png",
    "embedding": "application/octet-stream",
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
    """Puts heavy values aside; ``blobs`` are what is to be stored, ``cap`` the bytes kept of one value at most.

    What is light already stays as it is.
    """

    blobs: dict[str, Blob] = field(factory=dict[str, Blob])
    cap: int | None = None
    _hidden: dict[str, list[RedactionMark]] = field(factory=dict[str, list[RedactionMark]])
    """What redaction changed in texts that are not in the document, or not all of them, by their reference."""

    def lighten(self, value: Any, key: str = "") -> Any:
        """Return the value with everything heavy replaced by a reference, and short strings held once."""
        kind = type(value)
        if kind is str:
            if len(value) > PREVIEW:
                return self._string(value, key)
            return intern(value) if len(value) <= WORD else value
        if kind is dict:
            if "truncated" in value and self._is_cut(value):
                return {k: v if k == "text" else self.lighten(v, k) for k, v in value.items()}
            light: dict[str, Any] = {}
            for k, v in value.items():
                # Most values are short texts and numbers: a call for each would take longer than all the rest.
                if type(v) is str and len(v) <= PREVIEW:
                    light[intern(k)] = intern(v) if len(v) <= WORD else v
                else:
                    light[intern(k)] = v if type(v) in _LIGHT else self.lighten(v, k)
            return light
        if kind is list:
            if _is_long_row(value):
                return self._row(json.dumps(marked(value)).encode())
            return [self.lighten(v, key) for v in value]
        return marked(value) if kind is float else value

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
        if len(value) <= LONG_STRING and not self._exceeds(value):
            return value
        reference = self._long(value)
        if marks := [_mark(found, "") for found in _MARK.finditer(value)]:
            self._hidden[_name_of(reference)] = marks
        return reference

    def _long(self, value: str) -> dict[str, Any]:
        data = value.encode("utf-8", "surrogatepass")
        if self._exceeds(value):
            kept = data[: _end_of_character(data, self.cap or 0)]
            text = kept.decode("utf-8", "surrogatepass")
            if len(text) > LONG_STRING:
                return self._aside(kept, "text/plain", text[:PREVIEW], data)
            return {"text": text, "bytes": len(kept), "media_type": "text/plain", "truncated": _all_of(data)}
        return self.put(data, "text/plain", value[:PREVIEW])

    def _is_cut(self, value: dict[str, Any]) -> bool:
        """Whether a text was cut before; what is left of it could look like something else."""
        text = value.get("text")
        if not isinstance(text, str) or truncated(value) is None:
            return False
        return len(text) <= LONG_STRING and not self._exceeds(text)

    def _exceeds(self, text: Any) -> bool:
        if self.cap is None or not isinstance(text, str) or len(text) * 4 <= self.cap:
            return False
        return len(text) > self.cap or len(text.encode("utf-8", "surrogatepass")) > self.cap

    def _row(self, data: bytes) -> dict[str, Any]:
        """A row of numbers; of one that is cut, those that fit."""
        kept = data
        if self.cap is not None and len(data) > self.cap:
            end = data.rfind(b",", 0, self.cap)
            kept = data[:end] + b"]" if end > 0 else b"[]"
        reference = self._aside(kept, "application/json", kept[:PREVIEW].decode(), data)
        return reference | {"encoding": "json"}

    def put(self, data: bytes, media_type: str, preview: str) -> dict[str, Any]:
        """Put bytes aside, no more than the cap, and return the reference that stands for them."""
        return self._aside(data[: self.cap], media_type, preview, data)

    def _aside(self, kept: bytes, media_type: str, preview: str, data: bytes) -> dict[str, Any]:
        sha256 = hashlib.sha256(kept).hexdigest()
        self.blobs.setdefault(sha256, Blob(sha256, kept, media_type))
        reference: dict[str, Any] = {"blob": f"sha256:{sha256}", "bytes": len(kept), "media_type": media_type}
        if preview:
            reference["preview"] = preview
        return reference if kept == data else reference | {"truncated": _all_of(data)}

    def marks_in(self, value: Any, path: str) -> list[RedactionMark]:
        """Return a mark for each value that redaction changed, with its path in the step."""
        if isinstance(value, str):
            return [_mark(found, path) for found in _MARK.finditer(value)]
        if isinstance(value, dict):
            hidden = self._hidden.get(_name_of(value)) if self._hidden and is_reference(value) else None
            if hidden is not None:
                return [evolve(mark, path=path) for mark in hidden]
            return [mark for k, v in value.items() for mark in self.marks_in(v, f"{path}.{k}")]
        if isinstance(value, list):
            return [mark for n, v in enumerate(value) for mark in self.marks_in(v, f"{path}[{n}]")]
        return []

    def shown(self, text: str, where: str) -> str:
        """Return a text to stand where only text can: its beginning, if it is long, and where more of it is."""
        cut = self._exceeds(text)
        if not cut and len(text) <= LONG_STRING:
            return text
        kept = "the beginning" if cut else "whole"
        return f"{text[:PREVIEW]}… [{len(text)} characters, {kept} in {where}]"

    def shortened(self, text: str) -> tuple[str, int | None]:
        """Return a text that has to stay text, no longer than the cap, and how many bytes it was if it is cut."""
        if not self._exceeds(text):
            return text, None
        data = text.encode("utf-8", "surrogatepass")
        end = _end_of_character(data, self.cap or 0)
        return data[:end].decode("utf-8", "surrogatepass"), len(data)


def _is_long_row(value: list[Any]) -> bool:
    """Return whether a list is a long row of numbers, or short rows that are many numbers together."""
    if value and isinstance(value[0], list):
        rows = all(isinstance(row, list) and len(row) <= LONG_ROW and _are_numbers(row) for row in value)
        return rows and sum(map(len, value)) > LONG_ROW
    return len(value) > LONG_ROW and _are_numbers(value)


def _are_numbers(values: list[Any]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _name_of(reference: dict[str, Any]) -> str:
    """Return the digest of all that a reference stands for."""
    cut = truncated(reference) is not None
    return str(reference["truncated"]["sha256"] if cut else reference["blob"])


def _all_of(data: bytes) -> dict[str, Any]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _end_of_character(data: bytes, end: int) -> int:
    """Return the place of the last end of a character that is no further than ``end``."""
    while end and data[end] & 0xC0 == 0x80:
        end -= 1
    return end


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


def _mark(found: re.Match[str], path: str) -> RedactionMark:
    if found[1]:
        return RedactionMark(path, found[1], "replaced")
    if found[2]:
        return RedactionMark(path, found[2], "dropped")
    return RedactionMark(path, "content", "hashed")
