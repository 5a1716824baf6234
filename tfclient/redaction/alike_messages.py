"""Messages of a socket that are as the one before but for a piece of text: what ``alike`` does, for one at a time.

One event, without the lines around it that a stream has, is matched as a whole: its delta, its ids, its own name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from tfclient.redaction.deltas import CONTEXT, Joined, end_of
from tfclient.redaction.text import utf8_may_matter

OWN: Final = re.compile(
    r'(?:"sequence_number": ?|"created": ?|"obfuscation": ?")(?P<own>[A-Za-z0-9]+)(?=[,}"])'
)
"""Where an event has a number of its own, or padding."""

NUMBER_OR_PADDING: Final = "[A-Za-z0-9]{1,19}"
"""The shortest secret that is made of letters and digits only has twenty."""

_NAME: Final = re.compile(r'"event_id": ?"event_(?P<own>[A-Za-z0-9]*)"')
_ID: Final = re.compile(r'"(?:item_|response_)?id": ?"(?P<own>[A-Za-z0-9_-]+)"')

_DELTA_HERE: Final = r'(?P<delta>[^"\\\x00-\x1f]{0,4096})'
_NAME_HERE: Final = "(?P<name>[A-Za-z0-9]{0,64})"
_ID_HERE: Final = "(?P<id%d>[A-Za-z0-9_-]+)"


class AlikeMessage:
    """What the messages of one delta have in common.

    Example:
        >>> joined = Joined()
        >>> alike = AlikeMessage.of('{"event_id": "event_a1", "delta": "one"}', 35, joined)
        >>> alike.take(b'{"event_id": "event_b2", "delta": " two"}')
        '{"event_id": "event_b2", "delta": " two"}'
        >>> joined.text
        ' two'
        >>> alike.take(b'{"event_id": "event_b2", "delta": " sk-proj-"}') is None
        True
    """

    def __init__(self, like: re.Pattern[str], head: str, event: str, joined: Joined) -> None:
        """Prefer ``AlikeMessage.of``."""
        self._match = like.fullmatch
        self.head = head.encode()
        """What it begins with, whatever comes."""
        self._joined = joined
        groups = like.groupindex
        self._judged = groups.get("name", groups["delta"]), groups["delta"]
        # The first is empty: who asks for no group gets all.
        self._ids_at = (1, *(n for name, n in groups.items() if name.startswith("id")))
        found = like.fullmatch(event)
        self._ids = found and found.group(*self._ids_at)

    @classmethod
    def of(cls, event: str, at: int, joined: Joined) -> AlikeMessage | None:
        """Say what messages are like of which one was found harmless; None where that cannot serve.

        Args:
            event: the data of it.
            at: where its delta begins.
            joined: what its delta was joined to.
        """
        places = [(at, event.index('"', at), _DELTA_HERE)]
        places += ((*found.span("own"), NUMBER_OR_PADDING) for found in OWN.finditer(event))
        places += ((*found.span("own"), _ID_HERE % n) for n, found in enumerate(_ID.finditer(event)))
        if (name := _NAME.search(event)) is not None:
            places.append((*name.span("own"), _NAME_HERE))
        places.sort()
        pattern, done = "()", 0
        for start, end, own in places:
            if start < done:
                return None
            pattern += re.escape(event[done:start]) + own
            done = end
        return cls(_compiled(pattern + re.escape(event[done:])), event[: places[0][0]], event, joined)

    def take(self, message: bytes) -> str | None:
        """Give a message as text if it is alike and harmless, and what came before its delta is too."""
        try:
            text = message.decode()
        except UnicodeDecodeError:
            return None
        found = self._match(text)
        if found is None or found.group(*self._ids_at) != self._ids:
            return None
        name, delta = found.group(*self._judged)
        joined = self._joined
        together = joined.text + delta
        # The name is judged by itself: no secret begins in it and goes on behind it.
        if utf8_may_matter(f"{name} {together}".encode("utf-8", "replace")):
            return None
        joined.text = end_of(together, len(together) - CONTEXT)
        return text


# Of the same kind of message the pattern is made once: what tells one answer from another stands in no pattern.
_compiled: Final = lru_cache(maxsize=256)(re.compile)
