"""Golden diagrams, reviewed as text. ``python -m tests.d2.golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.builders import a_session
from tests.d2.sessions import agent_loop, died_in_a_loop, troubled, weather
from tfd2 import draw

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.document.documents import Session

FOLDER = Path(__file__).with_name("golden")

SESSIONS: dict[str, Callable[[], Session]] = {
    "weather": weather,
    "troubled": troubled,
    "two_pages": lambda: agent_loop(83),
    "died_in_a_loop": died_in_a_loop,
    "empty": a_session,
}


def golden(name: str) -> Path:
    """Return the path of a golden diagram."""
    return FOLDER / f"{name}.d2"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, session in SESSIONS.items():
        golden(name).write_text(draw(session()), encoding="utf-8")
