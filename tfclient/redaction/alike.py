r"""Events that are as the one before but for a piece of text: most of a stream, and cleared without parsing.

A model's answer comes as hundreds of events that differ in a word, a number and some padding. What one of them
looks like around its delta is learned from an event that was read with care; of the next, only the delta is then
looked at, joined to what came before it, and it goes on if nothing in there could be a secret, nor the beginning
of one. In every other case the careful way decides.

What makes that the same answer: the text around the delta was cleared before; a secret in the delta alone, or
one that earlier deltas began, is in the joined text; and a delta with an escape in it is never taken here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import Final

from tfclient.redaction.alike_messages import NUMBER_OR_PADDING, OWN, AlikeMessage
from tfclient.redaction.deltas import CONTEXT, Joined, JoinedDeltas, deltas_of, end_of
from tfclient.redaction.text import may_matter

_ID: Final = re.compile(r'"(?:item_)?id": ?"(?P<id>[A-Za-z0-9_-]+)"')
_SAME_ID: Final = "([A-Za-z0-9_-]+)"
_NO_ID: Final = "()"

_DELTA: Final = r'([^"\\\r\n]*)'

_FIRST: Final = slice(1, None, 4)
_SECOND: Final = slice(2, None, 4)
"""Where bytes that are split at their events have the events' two groups; in between stand nothing, and the rest."""

_LONGEST: Final = 4096

_PROBE: Final = "tfclient probe"
_DECODER: Final = json.JSONDecoder()


class Alike:
    r"""What the events of one delta have in common.

    Example:
        >>> from tfclient.redaction.deltas import JoinedDeltas, Line
        >>> event = {"type": "x.delta", "sequence_number": 7, "delta": " a"}
        >>> one = f"data: {json.dumps(event)}\n\n"
        >>> deltas = JoinedDeltas("response.body")
        >>> _ = deltas.feed(Line(one, event=event), [])
        >>> alike = Alike.learned(one, deltas)
        >>> next_one, other = one.replace("7", "8").replace(" a", " word"), one.replace("x", "y")
        >>> alike.clears(next_one.encode()), alike.clears(other.encode())
        ((1, 67), (0, 0))
    """

    def __init__(
        self, event: str, item_id: bytes, joined: Joined, *, id_first: bool, data: str, at: int
    ) -> None:
        """Prefer ``Alike.learned``."""
        self._event = event
        self._item_id = item_id
        self._joined = joined
        self._ids, self._deltas = (_FIRST, _SECOND) if id_first else (_SECOND, _FIRST)
        self._data, self._at = data, at

    @cached_property
    def _split(self) -> Callable[[bytes], list[bytes]]:
        return _splitter(self._event)

    @cached_property
    def message(self) -> AlikeMessage | None:
        """What an event is like without its name and its line ends; None where that cannot serve."""
        return AlikeMessage.of(self._data, self._at, self._joined)

    @classmethod
    def learned(cls, text: str, deltas: JoinedDeltas) -> Alike | None:
        """Learn from the last event of a text that was found harmless; None if it cannot serve.

        Args:
            text: whole events, each with the empty line that ends it.
            deltas: what joins the deltas of this stream.
        """
        before = text.rfind("\n\n", 0, -2)
        block = text if before < 0 else text[before + 2 :]
        data = block.find("data:")
        begin = block.find("{", data)
        if len(block) > _LONGEST or '"delta"' not in block or min(data, begin) < 0:
            return None
        if not block.endswith("}\n\n") or block.count("\n", data) != 2:
            return None
        found = None if "\\" in block or "\r" in block else _only_delta(block[begin:-2])
        joined = None if found is None else deltas.joined(found[0])
        at = None if found is None else _place(block[begin:-2], *found)
        if found is None or joined is None or at is None:
            return None
        places = [(begin + at, begin + at + len(found[1]), _DELTA), *_places(block, begin)]
        # What tells one stream from another: of the same kind of stream the pattern is made once.
        item = _ID.search(block, begin)
        places.append((data, data, _NO_ID) if item is None else (*item.span("id"), _SAME_ID))
        # The line before the data may have come, and gone, with the chunk before.
        pattern = [f"(?:{re.escape(block[:data])})?"]
        done = data
        for start, end, own in sorted(places):
            if start < done:
                return None
            pattern += (re.escape(block[done:start]), own)
            done = end
        pattern.append(re.escape(block[done:]))
        id_first = item is None or item.start("id") < begin + at
        item_id = b"" if item is None else item["id"].encode()
        return cls("".join(pattern), item_id, joined, id_first=id_first, data=block[begin:-2], at=at)

    def clears(self, data: bytes) -> tuple[int, int]:
        """Say how many events at the start of some bytes are alike and harmless, and where the last of them ends.

        Args:
            data: events; the last need not be whole.
        """
        parts = self._split(data)
        ids, deltas = parts[self._ids], parts[self._deltas]
        count, end = len(ids), len(data)
        if count and (rest := parts[-2]) is not None:
            count -= 1
            end -= len(rest)
            del ids[count:], deltas[count:]
        if not count or ids.count(self._item_id) != count:
            return 0, 0
        joined = self._joined
        together = joined.text + b"".join(deltas).decode("utf-8", "replace")
        if may_matter(together):
            return 0, 0
        joined.text = end_of(together, len(together) - CONTEXT)
        return count, end


@lru_cache(maxsize=256)
def _splitter(event: str) -> Callable[[bytes], list[bytes]]:
    # What is not alike is taken whole: nothing is searched for in it, and nothing behind it counts.
    return re.compile(rb"%b|((?s:.+))" % event.encode()).split


def _only_delta(line: str) -> tuple[tuple[object, ...], str] | None:
    try:
        event = _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    found = list(deltas_of(event))
    if len(found) != 1:
        return None
    channel, holder, key, _ = found[0]
    return channel, holder[key]


def _place(line: str, channel: tuple[object, ...], delta: str) -> int | None:
    """Where the delta's text is in its event: the place where another text would be the delta instead."""
    at = line.rfind(f'"{delta}"')
    while at >= 0:
        probe = f"{line[: at + 1]}{_PROBE}{line[at + 1 + len(delta) :]}"
        if _only_delta(probe) == (channel, _PROBE):
            return at + 1
        at = line.rfind(f'"{delta}"', 0, at)
    return None


def _places(block: str, begin: int) -> Iterator[tuple[int, int, str]]:
    """Where an event has a number of its own, and padding that hides how long its delta is."""
    for found in OWN.finditer(block, begin):
        yield found.start("own"), found.end("own"), NUMBER_OR_PADDING
