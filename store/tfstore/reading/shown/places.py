"""Where in a step's payload stands what it says, and the media that came with it: neither is sent twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tfstore.document.documents import Json, Step
from tfstore.document.references import is_reference
from tfstore.reading.plain_text import is_marked_up
from tfstore.reading.step_facts import Place, references_in, value_at
from tfstore.reading.step_text import as_text
from tfstore.reading.step_words import says

LINE: Final = 400
"""Characters of what a step says in one line."""

STARTED, COMPLETED = "payload_started", "payload_completed"

_PLACES: Final[tuple[Place, ...]] = (
    (COMPLETED, "text"),
    (COMPLETED, "output"),
    (COMPLETED, "output", 0, "text"),
    (COMPLETED, "refusal"),
    (COMPLETED, "audio", "transcript"),
    (STARTED, "text"),
    *((STARTED, name) for name in ("arguments", "code", "revised_prompt", "prompt", "preview", "content")),
    ("error", "message"),
    (COMPLETED,),
    (STARTED,),
)
"""Where what a step says may stand as it is."""

_MEDIA: Final = ((STARTED, "content"), (COMPLETED, "output"), (COMPLETED, "audio"), (COMPLETED, "sounds"))


def telling(**fields: Any) -> Json:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], False, 0)}


def said_in(step: Step) -> Json:
    """Return where what a step says stands, or what it says."""
    text = says(step)
    if not text:
        return {}
    for place in _PLACES:
        value = value_at(step, place)
        # The text itself, or a value whose text it is: JSON as a tree, a blob to be fetched.
        if value and (value is text or as_text(value) == text):
            return {"at": list(place), **telling(marked=isinstance(value, str) and is_marked_up(value))}
    return {"text": text, **telling(marked=is_marked_up(text))}


def media_of(step: Step, said: Json) -> Iterator[list[str | int]]:
    """Yield where the media of a step stand, but for one that is what it says."""
    shown_already = value_at(step, tuple(said["at"])) if "at" in said else None
    known = {shown_already["blob"]} if is_reference(shown_already) and "blob" in shown_already else set[str]()
    for place in _MEDIA:
        for where, reference in references_in(value_at(step, place), place):
            if reference["blob"] not in known:
                known.add(reference["blob"])
                yield list(where)
