"""What is to be learnt of a session that was recorded: pure, over the documents, for command, page and models alike.

Only lessons are kept: ``notes_for`` gives what a store's sessions taught about certain tools.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfclient.reflect.lessons.book import notes_for as notes_for

__all__ = ["notes_for"]


def __getattr__(name: str) -> Any:
    # Whoever wants findings only need not wait for what reads and writes lessons.
    if name == "notes_for":
        from tfclient.reflect.lessons.book import notes_for

        return notes_for
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
