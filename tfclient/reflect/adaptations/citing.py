"""What a proposal rests on, each looked up: steps and findings of sessions, and lessons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from tfclient.errors import SettingError
from tfclient.reflect.findings import examine
from tfclient.reflect.lessons.book import Book, steps_of
from tfstore.errors import StoreError
from tfstore.meant import find_session
from tfstore.reading.naming import find_step

if TYPE_CHECKING:
    from tfstore.store import Store

MOST: Final = 20
"""What a proposal may rest on."""

SESSIONS: Final = 5
"""Sessions of a lesson whose values are looked for in a text."""

_LESSON: Final = re.compile(r"L-[0-9a-f]{8}")
_FINDING: Final = re.compile(r"f_[0-9a-f]{8}")


@frozen
class Rests:
    """What a proposal rests on, as it is written down, and the sessions in which that stands."""

    because: tuple[str, ...]
    sessions: tuple[str, ...]


def looked_up(store: Store, because: Iterable[str]) -> Rests:
    """Return what a proposal rests on.

    Args:
        store: where it stands.
        because: ``SESSION#4.7``, ``SESSION#f_1a2b3c4d``, ``L-1a2b3c4d``; a session as it may be typed, ``last`` too.

    Raises:
        SettingError: it rests on nothing, or on what has another form.
        UnknownSession, UnknownStep, UnknownLesson: it is not there.
    """
    given = list(dict.fromkeys(" ".join(each.split()) for each in because))
    if not given or len(given) > MOST:
        raise SettingError("because", given, f"1 to {MOST} of SESSION#4.7, SESSION#f_1a2b3c4d, L-1a2b3c4d")
    told: list[str] = []
    sessions: list[str] = []
    for each in given:
        if _LESSON.fullmatch(each):
            lesson = Book(store).lesson(each)
            told.append(each)
            sessions += list(dict.fromkeys(session_id for session_id, _ in steps_of(lesson)))[:SESSIONS]
            continue
        name, mark, place = each.partition("#")
        if not mark or not place:
            raise SettingError("because", each, "SESSION#4.7, SESSION#f_1a2b3c4d, or L-1a2b3c4d")
        session = store.get(find_session(store, name))
        if _FINDING.fullmatch(place):
            if place not in {found.id for found in examine(session).findings}:
                raise SettingError("because", each, "a finding of that session: `tfclient findings --json`")
        else:
            place = find_step(session, place).step_id
        told.append(f"{session.session_id}#{place}")
        sessions.append(session.session_id)
    return Rests(tuple(dict.fromkeys(told)), tuple(dict.fromkeys(sessions)))


def there(store: Store, session_id: str) -> bool:
    """Return whether a session can be read."""
    try:
        store.get(session_id)
    except StoreError:
        return False
    return True
