"""What is to be learnt of a session that was recorded: pure, over the documents, for command, page and models alike.

Only lessons are kept: a ``Notetaker`` writes what sessions teach into their store, and ``notes_for`` gives out what is
known there about certain tools.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tfclient.reflect.lessons.asking import Notetaker as Notetaker
    from tfclient.reflect.lessons.book import notes_for as notes_for

__all__ = ["Notetaker", "notes_for"]

_WHERE: Final = {"Notetaker": "asking", "notes_for": "book"}


def __getattr__(name: str) -> Any:
    # Whoever wants findings only need not wait for what reads and writes lessons.
    if name in _WHERE:
        return getattr(importlib.import_module(f"tfclient.reflect.lessons.{_WHERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
