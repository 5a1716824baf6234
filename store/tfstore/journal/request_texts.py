"""Request bodies whole again: a body that repeats an earlier one is journaled as a reference and a rest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from attrs import define, field

from tfstore.journal.repeated_bodies import SentTexts

WRITERS = 64
"""Writers of one session whose last texts are kept."""


@define
class RequestTexts:
    """The texts of each writer; an exchange id begins with its writer."""

    _writers: OrderedDict[str, SentTexts] = field(factory=OrderedDict[str, SentTexts])

    def whole(self, exchange_id: str, body: Any) -> str | None:
        """Return a body's text, or None when it is no text or refers to one that is not known."""
        if not isinstance(body, dict) or not isinstance(body.get("text"), str):
            return None
        same = body.get("same")
        if same is not None and not _is_reference(same):
            return None
        writer = exchange_id.rpartition("-")[0]
        texts = self._writers.setdefault(writer, SentTexts())
        self._writers.move_to_end(writer)
        while len(self._writers) > WRITERS:
            self._writers.popitem(last=False)
        return texts.whole(exchange_id, body)


def _is_reference(same: Any) -> bool:
    return isinstance(same, list) and len(same) == 2 and isinstance(same[0], str) and isinstance(same[1], int)
