"""A message's or an output's parts in words: texts as they are, pictures and files by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeGuard

from tfstore.document.references import is_reference

_TEXTS: Final = frozenset({"input_text", "output_text", "text", "refusal"})
_MEDIA: Final = ("image", "file", "audio", "video")
_DATA_URL: Final = re.compile(r"data:([^;,]*)[^,]*;base64,(.*)", re.DOTALL)
_NAMES: Final = ("filename", "file_id", "image_url", "url", "file_url", "video_url")


def are_parts(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    """Return whether a value is a list of content parts of the API, each a text, a picture, a file or a sound."""
    return isinstance(value, list) and bool(value) and all(_is_text(part) or medium(part) for part in value)


def medium(part: Any) -> str:
    """Return what a part is that is no text: ``image``, ``file``, ``audio`` or ``video``; else nothing."""
    if not isinstance(part, dict) or _is_text(part):
        return ""
    kind = str(part.get("type"))
    return next((word for word in _MEDIA if word in kind), "")


def media_in(content: Any) -> list[str]:
    """Return the pictures, files and sounds among content parts, each in words.

    Example:
        >>> picture = {"blob": "sha256:ab", "bytes": 3008, "media_type": "image/png"}
        >>> media_in([{"type": "input_text", "text": "Look:"}, {"type": "input_image", "image_url": picture}])
        ['[image: image/png, 3,008 bytes]']
        >>> media_in([{"type": "input_file", "file_id": "file-1"}, {"type": "input_image", "image_url": "https://x.y/z"}])
        ['[file: file-1]', '[image: https://x.y/z]']
    """
    parts = content if isinstance(content, list) else [content]
    return [f"[{word}{_about(part)}]" for part in parts if (word := medium(part))]


def has_text(content: Any) -> bool:
    """Return whether there is a text among content parts."""
    return isinstance(content, list) and any(_is_text(part) for part in content)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and str(part.get("type")) in _TEXTS


def _about(part: dict[str, Any]) -> str:
    told = (_words(name, value) for each in _levels(part) for name, value in each.items())
    words = ", ".join(dict.fromkeys(filter(None, told)))
    return f": {words}" if words else ""


def _words(name: str, value: Any) -> str:
    if is_reference(value):
        count = value.get("bytes")
        return (
            f"{value['media_type']}, {count:,} bytes" if isinstance(count, int) else str(value["media_type"])
        )
    if not isinstance(value, str):
        return ""
    if found := _DATA_URL.match(value):
        # A short one stands in the document itself.
        return f"{found[1] or 'data'}, {len(found[2].rstrip('=')) * 3 // 4:,} bytes"
    return value if name in _NAMES else ""


def _levels(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a part, and what chat completions put one level deeper."""
    yield part
    yield from (value for value in part.values() if isinstance(value, dict) and not is_reference(value))
