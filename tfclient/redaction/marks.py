"""Marks: what was changed, where and why; a document never differs from the wire without one."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

from tfstore.document.labels import RedactionAction
from tfstore.journal import entries

Mark: TypeAlias = entries.Mark
JSON: TypeAlias = Any

_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def mark(path: str, rule: str, action: RedactionAction, was: str | None = None) -> Mark:
    """Make one mark.

    Example:
        >>> mark("request.body.input", "openai_key", "replaced", "sk-…")
        {'path': 'request.body.input', 'rule': 'openai_key', 'action': 'replaced', 'bytes': 6}
    """
    made: Mark = {"path": path, "rule": rule, "action": action}
    if was is not None:
        made["bytes"] = len(was.encode("utf-8", "replace"))
    return made


def placeholder(rule: str) -> str:
    """Give the text that stands where something was."""
    return f"<redacted:{rule}>"


def child(path: str, key: str) -> str:
    """Give the path of an object's member; an unusual key is quoted, a long one cut.

    Example:
        >>> child("response.body", "output"), child("request.body", "a b")
        ('response.body.output', 'request.body["a b"]')
    """
    if _PLAIN.fullmatch(key):
        return f"{path}.{key}"
    short = key if len(key) <= 40 else key[:40] + "…"
    return f'{path}["{short}"]'
