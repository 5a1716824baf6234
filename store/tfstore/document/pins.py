"""Sessions that stay, whatever is pruned: what each is pinned for, and the lines in which that is kept.

A line is a JSON object with ``session_id``: one with ``incident`` and ``pinned`` pins it, one with ``unpinned`` lets
it go, of that incident or, where none is named, of all. Of one incident the last line counts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from attrs import asdict, evolve, field, frozen

from tfstore.document.json_text import line, parse
from tfstore.errors import InvalidNote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tfstore.document.documents import Json

    Keep = Callable[[str, str, str], tuple[str, list[Any]]]

LONGEST: Final = 10_000
"""Characters of a pin's note at most."""

INCIDENT: Final = 100
"""Characters of an incident's name at most."""

_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@frozen
class Pin:
    """What a session is kept for: ``incident`` names it, ``note`` says more, ``at`` is when it was pinned.

    ``redactions`` are what of it was replaced before it was written.
    """

    incident: str
    note: str = ""
    at: str = ""
    redactions: list[Any] = field(factory=list[Any])

    def as_json(self) -> Json:
        """Return the pin as data."""
        told = asdict(self)
        if not self.redactions:
            del told["redactions"]
        return told


def checked(incident: object, note: object) -> Pin:
    """Return what was given as a pin, still without a moment.

    Raises:
        InvalidNote: something of it cannot be kept; the message says what can.

    Example:
        >>> checked(" outage-7 ", "").incident
        'outage-7'
    """
    word = incident.strip() if isinstance(incident, str) else ""
    if not word or len(word) > INCIDENT or _BREAKS.search(word):
        shown = f"{incident[:20]}…" if isinstance(incident, str) and len(incident) > INCIDENT else incident
        raise InvalidNote("incident", shown, f"a name on one line, of at most {INCIDENT} characters")
    if not isinstance(note, str) or len(note) > LONGEST:
        shown = f"{note[:20]}…" if isinstance(note, str) else note
        raise InvalidNote("note", shown, f"a text of at most {LONGEST:,} characters")
    return Pin(word, note)


def kept(pin: Pin, keep: Keep, mode: str) -> Pin:
    """Return a pin as it may be written down, and what was replaced in it.

    Args:
        pin: one that was checked.
        keep: says what may be kept of a text.
        mode: how the session's texts are redacted.
    """
    incident, marks = keep(pin.incident, "note.tags", mode)
    note, more = keep(pin.note, "note.text", mode) if pin.note else ("", [])
    return evolve(pin, incident=incident, note=note, redactions=[*marks, *more])


def pinning(session_id: str, pin: Pin) -> bytes:
    """Return the line that pins a session."""
    told = pin.as_json()
    return line({"session_id": session_id, "pinned": told.pop("at"), **told}) + b"\n"


def letting_go(session_id: str, incident: str | None, at: str) -> bytes:
    """Return the line that lets a session go, of one incident or of all."""
    named = {} if incident is None else {"incident": incident}
    return line({"session_id": session_id, **named, "unpinned": at}) + b"\n"


def pins_in(lines: Iterable[bytes]) -> dict[str, list[Pin]]:
    r"""Return the sessions that these lines pin, each with what it is pinned for; what is no entry is read past.

    Example:
        >>> lines = pinning("sess_1", Pin("outage", "the first", "2026-09-02")) + b"{}\n" + pinning("sess_2", Pin("x"))
        >>> found = pins_in((lines + letting_go("sess_2", None, "")).splitlines())
        >>> {name: [each.incident for each in pins] for name, pins in found.items()}
        {'sess_1': ['outage']}
    """
    found: dict[str, dict[str, Pin]] = {}
    for text in lines:
        entry = entry_in(text)
        session_id, incident, note = (entry.get(name) for name in ("session_id", "incident", "note"))
        if not isinstance(session_id, str):
            continue
        if "unpinned" in entry:
            if isinstance(incident, str):
                found.get(session_id, {}).pop(incident, None)
            else:
                found.pop(session_id, None)
        elif isinstance(incident, str):
            marks = entry.get("redactions")
            pin = Pin(
                incident,
                note if isinstance(note, str) else "",
                str(entry.get("pinned", "")),
                marks if isinstance(marks, list) else [],
            )
            found.setdefault(session_id, {})[incident] = pin
    return {name: list(pins.values()) for name, pins in found.items() if pins}


def entry_in(text: bytes) -> dict[str, Any]:
    """Return the entry of a line; an empty one where there is none."""
    try:
        entry = parse(text)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}
