"""A session as a diagram: D2 source, and pictures of it where the ``d2`` program is at hand."""

from __future__ import annotations

from collections.abc import Iterator

from tfd2.compiler import CompilerMissing, DiagramError, DiagramRefused, compile_d2, find_compiler
from tfd2.emit import pieces
from tfd2.outline import outline
from tfstore.document.documents import Session

__all__ = [
    "CompilerMissing",
    "DiagramError",
    "DiagramRefused",
    "compile_d2",
    "draw",
    "drawn",
    "find_compiler",
]


def draw(session: Session) -> str:
    """Return a session as one D2 file of several boards.

    The root board is the overview; ``layers.run_N`` shows one run, ``layers.lineage`` what came of which
    prompt, ``layers.timeline`` who sent what to whom. Any document that can be read can be drawn, whatever
    its texts hold, in time linear in its steps.

    Example:
        >>> from tfstore.document.documents import Session
        >>> "it has no runs" in draw(Session("sess_20260101T000000Z_00000000"))
        True
    """
    return "".join(drawn(session))


def drawn(session: Session) -> Iterator[str]:
    """Yield what ``draw`` returns, board by board: that of a long session is longer than its program has room for.

    Example:
        >>> from tfstore.document.documents import Session
        >>> session = Session("sess_20260101T000000Z_00000000")
        >>> "".join(drawn(session)) == draw(session)
        True
    """
    return pieces(outline(session))
