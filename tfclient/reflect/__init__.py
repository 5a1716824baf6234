"""What is to be learnt of a session that was recorded: pure, over the documents, for command, page and models alike.

Only lessons and adaptations are kept: a ``Notetaker`` writes what sessions teach into their store, ``notes_for`` gives
out what is known there about certain tools, and ``adaptations_for`` what people confirmed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tfclient.reflect.adaptations.book import adaptations_for as adaptations_for
    from tfclient.reflect.lessons.asking import Notetaker as Notetaker
    from tfclient.reflect.lessons.book import notes_for as notes_for

__all__ = ["Notetaker", "adaptations_for", "notes_for"]

_WHERE: Final = {
    "Notetaker": "lessons.asking",
    "adaptations_for": "adaptations.book",
    "notes_for": "lessons.book",
}


def __getattr__(name: str) -> Any:
    # Whoever wants findings only need not wait for what reads and writes lessons.
    if name in _WHERE:
        return getattr(importlib.import_module(f"tfclient.reflect.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
