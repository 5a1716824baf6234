"""Where telling words stand in what a model was sent: one pass over each text, the latest first, within bounds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from attrs import define, field, frozen

from tfstore.document.references import is_reference, truncated
from tfstore.reading.evidence.sources import payloads_of
from tfstore.reading.explaining.values import Wanted, numbers_in, plain, tokens_in
from tfstore.reading.facts import StepFacts
from tfstore.reading.figures import size
from tfstore.reading.model_calls import Seen
from tfstore.reading.naming import short_step
from tfstore.reading.step_text import as_text

ReadBlob = Callable[[str], bytes]

OF_ONE: Final = 2_000_000
"""Characters of one step that are looked through."""

OF_ALL: Final = 16_000_000
"""Characters that are looked through for one explanation."""

TOGETHER: Final = 4
"""Words of a name that may stand apart in the step that it comes from."""

_OWN: Final = frozenset({"assistant_message", "tool_call", "reasoning"})
_OUTPUTS: Final = frozenset({"tool_output", "tool_error"})


@frozen
class Source:
    """A step of a prompt that holds a word; None stands for an item that no step holds.

    ``exact`` says whether it stands there as it stands in the answer, and not in another spelling or within a longer
    word.
    """

    own: StepFacts | None
    exact: bool

    @property
    def is_own(self) -> bool:
        """Whether the model itself had said it before."""
        return self.own is not None and self.own.step.label in _OWN


@define
class Searched:
    """What was found of each word, by its place in the list of those wanted; and what was not looked through."""

    found: list[list[Source]]
    not_looked_at: list[str] = field(factory=list[str])


def search(wanted: list[Wanted], given: Iterable[Seen], read_blob: ReadBlob | None = None) -> Searched:
    """Return which of these parts of a prompt hold which of these words.

    Of the sources of a word those come first that told it to the model, tools before all others, the latest first.

    Args:
        wanted: what is looked for.
        given: the parts of the prompt, in the order sent.
        read_blob: gives the bytes of what is kept apart.
    """
    searched = Searched([[] for _ in wanted])
    if not wanted:
        return searched
    parts = list(given)
    left = OF_ALL
    for place in range(len(parts) - 1, -1, -1):
        seen = parts[place]
        pieces, length, whole = _pieces(seen, read_blob, min(OF_ONE, left))
        text = plain("\n".join(pieces))
        left -= min(length, OF_ONE)
        if not whole:
            searched.not_looked_at.append(_missed(seen, len(text), length))
        for n, exact in _hits(wanted, text):
            searched.found[n].append(Source(seen.own, exact))
        if left <= 0 and place:
            searched.not_looked_at.append(f"{place:,} earlier parts of the prompt")
            break
    for each in searched.found:
        each.sort(key=_rank)
    return searched


def _rank(source: Source) -> int:
    label = source.own.step.label if source.own is not None else ""
    return 0 if label in _OUTPUTS else 2 if source.is_own else 1


def _missed(seen: Seen, looked: int, length: int) -> str:
    name = f"{short_step(seen.own.step.step_id)}" if seen.own is not None else "an item of the request"
    return f"{name}: {size(looked)} of {size(length)} were looked through"


def _pieces(seen: Seen, read_blob: ReadBlob | None, room: int) -> tuple[list[str], int, bool]:
    """Return the texts of a part as far as there is room, how long they are in all, and whether they are whole."""
    pieces: list[str] = []
    length, whole = 0, True
    values = [seen.item]
    if seen.own is not None:
        # What the fields of a payload are called is our word, and nobody's who spoke.
        held = list(payloads_of(seen.own.step))
        values = [each for value in held for each in (value.values() if isinstance(value, dict) else [value])]
    for text, stated in _texts(values, read_blob):
        if room > 0:
            pieces.append(text[:room])
        whole = whole and stated <= len(text) and len(text) <= room
        room -= len(text)
        length += max(stated, len(text))
    return pieces, length, whole


def _texts(values: list[Any], read_blob: ReadBlob | None) -> Iterator[tuple[str, int]]:
    """Yield texts, names and numbers in order, each with how long it is in all where that is more."""
    waiting = values[::-1]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each, 0
        elif is_reference(each):
            yield _kept_apart(each, read_blob)
        elif isinstance(each, dict):
            for name, value in reversed(each.items()):
                waiting += [value, str(name)]
        elif isinstance(each, list):
            waiting.extend(reversed(each))
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield str(each), 0


def _kept_apart(reference: dict[str, Any], read_blob: ReadBlob | None) -> tuple[str, int]:
    stated = reference.get("bytes")
    length = truncated(reference) or (stated if isinstance(stated, int) else 0)
    if not str(reference.get("media_type")).startswith(("text/", "application/json")):
        return "", length
    if read_blob is None or "blob" not in reference:
        return as_text(reference), length
    try:
        data = read_blob(reference["blob"])
    except Exception:  # noqa: BLE001 - whatever keeps it from being read, it was not looked through, and that is told
        return as_text(reference), length
    text = data[: 4 * OF_ONE].decode("utf-8", "replace")
    # Characters are compared with characters: what was kept whole is whole.
    return text, length if truncated(reference) or len(data) > 4 * OF_ONE else 0


def _hits(wanted: list[Wanted], text: str) -> Iterator[tuple[int, bool]]:
    """Yield the places of those wanted that a text holds, and whether as they are."""
    if not text:
        return
    tokens = tokens_in(text)
    folded = ""
    numbers: frozenset[str] | None = None
    for n, each in enumerate(wanted):
        if tokens.issuperset(each.words) and each.words:
            if len(each.words) == 1:
                # A word has a capital at the start of a sentence, and is the same word.
                yield n, each.text in text or each.kind == "word"
                continue
            folded = folded or " ".join(text.casefold().split())
            if " ".join(each.text.casefold().split()) in folded:
                yield n, each.text in text
                continue
            if each.kind in {"name", "value"} and len(each.words) <= TOGETHER:
                # A first name and a last name stand in fields of their own.
                yield n, False
                continue
        if each.numbers:
            numbers = numbers if numbers is not None else _numbers(tokens)
            if not each.numbers.isdisjoint(numbers):
                yield n, False
                continue
        if each.is_value and _stands_within(each, text):
            yield n, False


def _numbers(tokens: set[str]) -> frozenset[str]:
    return frozenset(number for each in tokens if each[0].isdigit() for number in numbers_in(each))


def _stands_within(wanted: Wanted, text: str) -> bool:
    """Return whether a value stands within a longer word: an hour in a moment, an id with something before it."""
    if len(wanted.text) < 2 or wanted.text not in text:
        return False
    if not wanted.numbers:
        return len(wanted.text) >= 4
    return re.search(rf"(?<![\d.,]){re.escape(wanted.text)}(?![\d.,]*\d)", text) is not None
