"""What stands in a document for a value that is kept apart from it, or of which only the beginning is kept.

====================================================== ==================================================
``{"blob": "sha256:…", "bytes": …, "media_type": …}``  a long text or binary content, whole, in a blob
the same with ``"truncated": {"bytes", "sha256"}``     its beginning, in a blob
``{"text": …, "bytes", "media_type", "truncated"}``    the beginning of a text, as it is
====================================================== ==================================================

``bytes`` is how much is kept; ``truncated`` says how much there was, and the SHA-256 of all of it.
"""

from __future__ import annotations

from typing import Any, TypeGuard

from tfstore.document.documents import Json


def is_reference(value: Any) -> TypeGuard[Json]:
    """Return whether this stands for a value that is not here, or not all of it.

    Example:
        >>> is_reference({"blob": "sha256:…", "bytes": 70000, "media_type": "text/plain"})
        True
        >>> is_reference({"blob": "of ink"})
        False
    """
    return isinstance(value, dict) and (
        (isinstance(value.get("blob"), str) and "media_type" in value)
        or (isinstance(value.get("text"), str) and truncated(value) is not None)
    )


def truncated(value: Any) -> int | None:
    """Return how many bytes there were of a value that was cut; None of one that is whole.

    Example:
        >>> digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        >>> kept = {"text": "te", "bytes": 2, "media_type": "text/plain"}
        >>> truncated({**kept, "truncated": {"bytes": 4, "sha256": digest}}), truncated("test")
        (4, None)
    """
    if not isinstance(value, dict) or "media_type" not in value:
        return None
    told = value.get("truncated")
    if not isinstance(told, dict) or set(told) != {"bytes", "sha256"}:
        return None
    length = told["bytes"]
    return length if isinstance(length, int) and isinstance(told["sha256"], str) else None
