"""The reader's half of re-sent history: a journaled body that refers to an earlier one, whole again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

RECENT: Final = 48
"""Requests of the segment after which one is no longer referred to: readers need not remember more."""


class SentTexts:
    """Journaled bodies in their order → the whole text of each.

    Give it the request bodies of one segment in the order of its lines. It remembers as many as the writer may
    refer to.

    Example:
        >>> texts = SentTexts()
        >>> len(texts.whole("call.1", {"text": "a" * 2000}))
        2000
        >>> texts.whole("call.2", {"same": ["call.1", 1500], "text": "xyz"})[-5:]
        'aaxyz'
    """

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def whole(self, exchange_id: str, body: Any) -> str | None:
        """Return the request's text, or None when it has none or what it refers to was not read."""
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str):
            return None
        same = body.get("same")
        if same is not None:
            earlier = self._texts.get(same[0])
            if earlier is None or len(earlier) < same[1]:
                return None
            text = earlier[: same[1]] + text
        self._texts[exchange_id] = text
        while len(self._texts) > RECENT + 1:
            self._texts.popitem(last=False)
        return text
