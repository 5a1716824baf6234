"""The flow: a session's boards, rendered by the real D2 and made fit for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import asdict, field, frozen

from tfclient.view.svg import clean
from tfd2 import compile_d2
from tfd2.board_pages import own_boards
from tfd2.compiler import ROOT
from tfd2.elements import Board, Group, Node
from tfd2.emit import pieces
from tfd2.outline import outline
from tfd2.theme import CLASSES
from tfstore.document.documents import Session
from tfstore.reading.facts import SessionFacts, gather


@frozen
class BoardEntry:
    """One board in the page's list; ``step_ids`` says which steps a run's own board holds."""

    key: str
    title: str
    run_id: str | None = None
    step_ids: list[str] = field(factory=list[str])


class Diagram:
    """A session's D2 text and boards, found once; pictures are made when they are asked for.

    Example:
        >>> from tfstore.document.documents import Session
        >>> Diagram(Session("sess_1")).boards[0].key
        'index'
    """

    def __init__(self, session: Session) -> None:
        """Nothing is rendered yet."""
        self._outline = list(outline(session))
        self.text = "".join(pieces(self._outline))
        self.boards = list(_boards(self._outline, gather(session)))
        self._steps = {board.key or ROOT: _steps_on(board) for board in self._outline}

    def listing(self) -> list[dict[str, Any]]:
        """Return the boards as JSON."""
        return [asdict(board) for board in self.boards]

    def picture(self, board: str) -> str:
        """Return one board as an SVG that nothing can run in.

        Raises:
            KeyError: there is no such board.
            CompilerMissing: there is no ``d2`` program.
            DiagramRefused: the program did not accept the text.
            UnreadablePicture: what it wrote could not be read.
        """
        if board not in self._steps:
            raise KeyError(board)
        return self._clean(compile_d2(self._alone(board), board=board)[board], board)

    def pictures(self) -> dict[str, str]:
        """Return all boards; raises as ``picture`` does."""
        made = compile_d2(self.text)
        return {key: self._clean(made[key], key) for key in made if key in self._steps}

    def _alone(self, key: str) -> str:
        """Return D2 in which all other boards are empty: D2 reads a whole file to draw one board of it."""
        nothing: list[Node | Group] = [Node("empty", ("plain",), ())]
        boards = (
            board if (board.key or ROOT) == key else Board(board.key, (), nodes=nothing)
            for board in self._outline
        )
        return "".join(pieces(boards))

    def _clean(self, picture: bytes, board: str) -> str:
        return clean(picture, steps=self._steps[board], boards=self._steps, looks=CLASSES)


def _boards(outlined: list[Board], facts: SessionFacts) -> Iterator[BoardEntry]:
    own = {key: (run, steps) for run in facts.runs for key, steps in own_boards(run)}
    for board in outlined:
        key, title = board.key or ROOT, " · ".join(board.title) if board.key else "All runs"
        if board.key in own:
            run, steps = own[board.key]
            yield BoardEntry(key, title, run.run.run_id, [step.step.step_id for step in steps])
        else:
            yield BoardEntry(key, title)


def _steps_on(board: Board) -> dict[str, str]:
    """Return the step behind each node and each arrow of a board, by its D2 key."""
    found = {key: node.step_id for key, node in board.every_node()}
    # D2 numbers the arrows of a sequence diagram per pair of ends.
    counts: Counter[str] = Counter()
    for message in (
        (each for scene in board.sequence.scenes for each in scene.messages) if board.sequence else ()
    ):
        ends = f"{message.source} -> {message.target}"
        found[f"sequence.({ends})[{counts[ends]}]"] = message.step_id
        counts[ends] += 1
    return {key: step_id for key, step_id in found.items() if step_id}
