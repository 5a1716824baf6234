"""What may be kept of a note: what the stricter says of how its session was recorded and how this process records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tfclient.redaction import Redactor

Setting: TypeAlias = str | Callable[..., Any] | None


def note_keeper(setting: Setting) -> Callable[[str, str, str], tuple[str, list[Any]]]:
    """Return what says how much of a note's text, tag or author is kept, and what was replaced in it.

    Of a session recorded without content the text becomes its hash; tags and authors, which are words to find it by,
    only lose secrets. A function that a session was recorded with is known to the process that gave it alone: others
    replace secrets.

    Args:
        setting: as of ``Redactor.from_setting``.

    Example:
        >>> keep = note_keeper("secrets")
        >>> keep("the key was sk-proj-" + "a1B2" * 12, "note.text", "none")[0]
        'the key was <redacted:openai_key>'
        >>> keep("bug", "note.tags", "content")
        ('bug', [])
    """

    def keep(text: str, where: str, recorded: str) -> tuple[str, list[Any]]:
        kept, marks = Redactor.from_setting(_stricter(setting, where, recorded)).value(text, where)
        return str(kept), list(marks)

    return keep


def _stricter(setting: Setting, where: str, recorded: str) -> Setting:
    if setting == "content" or recorded == "content":
        return "content" if where == "note.text" else "secrets"
    if callable(setting):
        return setting
    return None if setting is None and recorded == "none" else "secrets"
