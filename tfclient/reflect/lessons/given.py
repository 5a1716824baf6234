"""What was given out: the block that notes stand in, and the lessons that a text holds from it.

Nothing is learnt from what stands in such a block: recalled notes would become new ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tfstore.document.documents import Session
from tfstore.reading.evidence.sources import texts_of

OPENS: Final = '<notes source="thoughtflow"'
CLOSES: Final = "</notes>"

_BLOCK: Final = re.compile(rf"{re.escape(OPENS)}.*?(?:{re.escape(CLOSES)}|\Z)", re.DOTALL)
_LESSON: Final = re.compile(r"\[(L-[0-9a-f]{8})\]")
_PROMPTS: Final = frozenset({"user_message", "policy.snapshot", "context.snapshot"})


def without_given(text: str) -> str:
    r"""Return a text without the notes that were given with it.

    Example:
        >>> without_given('Hello\n<notes source="thoughtflow" made="2026-11-28">\n- …\n</notes>')
        'Hello'
    """
    return _BLOCK.sub("", text).strip() if OPENS in text else text


def lessons_given(session: Session) -> list[str]:
    """Return the ids of the lessons that a session's prompts and instructions held, each once."""
    found: dict[str, None] = {}
    for run in session.runs:
        for step in run.steps:
            if step.label in _PROMPTS:
                for text in texts_of(step):
                    found |= dict.fromkeys(_ids_in(text))
    return list(found)


def _ids_in(text: str) -> Iterator[str]:
    if OPENS in text:
        for block in _BLOCK.finditer(text):
            yield from _LESSON.findall(block[0])
