"""Encrypted content says nothing to a reader: its length and digest stand for it."""

from __future__ import annotations

import hashlib
from typing import Any


def sealed(raw: Any) -> Any:
    """Return an item with its encrypted content replaced by ``encrypted: {bytes, sha256}``.

    Example:
        >>> sealed({"type": "reasoning", "encrypted_content": "gAAA"})["encrypted"]["bytes"]
        4
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("encrypted_content"), str):
        return raw
    data = raw["encrypted_content"].encode("utf-8", "surrogatepass")
    kept = {k: v for k, v in raw.items() if k != "encrypted_content"}
    return {**kept, "encrypted": {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}


def sealed_within(value: Any) -> Any:
    """Return a value with the encrypted content of every item in it replaced.

    Example:
        >>> sealed_within({"data": [{"encrypted_content": "gAAA"}]})["data"][0]["encrypted"]["bytes"]
        4
    """
    if isinstance(value, list):
        return [sealed_within(each) for each in value]
    if isinstance(value, dict):
        return sealed({key: sealed_within(each) for key, each in value.items()})
    return value
