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
from typing import TYPE_CHECKING, Final

from tfclient.redaction.deltas import CONTEXT, deltas_of
from tfclient.redaction.text import may_matter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfclient.redaction.deltas import Joined, JoinedDeltas

_OWN: Final = re.compile(r'(?:"sequence_number": ?|"obfuscation": ?")(?P<own>[A-Za-z0-9]+)(?=[,}"])')
_MOST: Final = 19
"""Characters of padding; the shortest secret that is made of letters and digits only has twenty."""

_LONGEST: Final = 4096

_Field = tuple[str, str, bool]
"""What stands before it, the character that it ends at, and whether it is the delta."""

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
        >>> alike.clears(one.replace("7", "8").replace(" a", " word")), alike.clears(one.replace("x", "y"))
        ((1, 67), (0, 0))
    """

    def __init__(self, head: str, fields: list[_Field], end: str, joined: Joined) -> None:
        """Prefer ``Alike.learned``."""
        self._head = head
        self._fields = fields
        self._end = end
        self._joined = joined

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
        places = [(begin + at, begin + at + len(found[1]), '"'), *_places(block, begin)]
        fields: list[_Field] = []
        done = data
        for start, end, stop in sorted(places):
            fields.append((block[done:start], stop, start == begin + at))
            done = end
        return cls(block[:data], fields, block[done:], joined)

    def clears(self, text: str) -> tuple[int, int]:
        """Say how many events at the start of a text are alike and harmless, and where the last of them ends.

        Args:
            text: whole events, each with the empty line that ends it.
        """
        head, fields, last = self._head, self._fields, self._end
        deltas: list[str] = []
        begins, find = text.startswith, text.find
        done = count = 0
        # The line before the data may have come, and gone, with the chunk before.
        at = len(head) if begins(head) else 0
        while True:
            delta = ""
            for literal, stop, is_delta in fields:
                if not begins(literal, at):
                    break
                at += len(literal)
                end = find(stop, at)
                part = text[at:end]
                at = end
                if is_delta:
                    delta = part
                elif len(part) > _MOST or not part.isalnum():
                    break
                if end < 0:
                    break
            else:
                if begins(last, at) and "\\" not in delta and "\n" not in delta and "\r" not in delta:
                    deltas.append(delta)
                    count += 1
                    at += len(last)
                    done = at
                    if begins(head, at):
                        at += len(head)
                        continue
            break
        joined = self._joined
        if not count or may_matter(together := joined.text + "".join(deltas)):
            return 0, 0
        joined.text = together[-CONTEXT:]
        return count, done


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
    for found in _OWN.finditer(block, begin):
        yield found.start("own"), found.end("own"), block[found.end("own")]
