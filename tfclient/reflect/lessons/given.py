"""What was given out: the blocks that notes and adaptations stand in, and what a text holds from them.

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
ADAPTS: Final = '<adaptations source="thoughtflow"'
ADAPTED: Final = "</adaptations>"

_OURS: Final = ' source="thoughtflow"'
_BLOCK: Final = re.compile(rf"<(notes|adaptations){_OURS}.*?(?:</\1>|\Z)", re.DOTALL)
_LESSON: Final = re.compile(r"\[(L-[0-9a-f]{8})\]")
_ADAPTATION: Final = re.compile(r"\[(A-[0-9a-f]{8})\]")
_PROMPTS: Final = frozenset({"user_message", "policy.snapshot", "context.snapshot"})


def without_given(text: str) -> str:
    r"""Return a text without the notes that were given with it.

    Example:
        >>> without_given('Hello\n<notes source="thoughtflow" made="2026-11-28">\n- …\n</notes>')
        'Hello'
    """
    return _BLOCK.sub("", text).strip() if _OURS in text else text


def lessons_given(session: Session) -> list[str]:
    """Return the ids of the lessons that a session's prompts and instructions held, each once."""
    return _given(session, _LESSON)


def adaptations_given(session: Session) -> list[str]:
    """Return the ids of the adaptations that a session's prompts and instructions held, each once."""
    return _given(session, _ADAPTATION)


def _given(session: Session, what: re.Pattern[str]) -> list[str]:
    found: dict[str, None] = {}
    for run in session.runs:
        for step in run.steps:
            if step.label in _PROMPTS:
                for text in texts_of(step):
                    found |= dict.fromkeys(_ids_in(text, what))
    return list(found)


def _ids_in(text: str, what: re.Pattern[str]) -> Iterator[str]:
    if _OURS in text:
        for block in _BLOCK.finditer(text):
            yield from what.findall(block[0])
