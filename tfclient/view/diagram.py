"""The flow: a session's boards, rendered by the real D2 and made fit for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, field, frozen

from tfclient.view.svg import clean
from tfd2 import compile_d2, draw
from tfd2.board_pages import board_key, page_count, steps_on
from tfd2.compiler import ROOT
from tfd2.elements import Board, Node
from tfd2.emit import pieces
from tfd2.outline import outline
from tfd2.theme import CLASSES
from tfd2.timeline import timeline_board
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
        self.text = draw(session)
        self._facts = gather(session)
        self._outline = list(outline(session))
        self.boards = list(_boards(self._outline, self._facts))
        self._keys = {board.key for board in self.boards}
        self._steps = dict(_steps(self._facts))

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
        if board not in self._keys:
            raise KeyError(board)
        return self._clean(compile_d2(self._alone(board), board=board)[board], board)

    def pictures(self) -> dict[str, str]:
        """Return all boards; raises as ``picture`` does."""
        made = compile_d2(self.text)
        return {key: self._clean(made[key], key) for key in made if key in self._keys}

    def _alone(self, key: str) -> str:
        """Return D2 in which all other boards are empty: D2 reads a whole file to draw one board of it."""
        boards = [board if (board.key or ROOT) == key else _empty(board.key) for board in self._outline]
        return "".join(pieces(boards))

    def _clean(self, picture: bytes, board: str) -> str:
        return clean(picture, steps=self._steps.get(board, {}), boards=self._keys, looks=CLASSES)


def _boards(outlined: list[Board], facts: SessionFacts) -> Iterator[BoardEntry]:
    own = {board_key(run, page): (run, page) for run in facts.runs for page in range(page_count(run))}
    for board in outlined:
        key, title = board.key or ROOT, " · ".join(board.title) if board.key else "All runs"
        if board.key in own:
            run, page = own[board.key]
            yield BoardEntry(key, title, run.run.run_id, [step.step.step_id for step in steps_on(run, page)])
        else:
            yield BoardEntry(key, title)


def _empty(key: str) -> Board:
    return Board(key, (), nodes=[Node("empty", ("plain",), ())])


def _steps(facts: SessionFacts) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each board's key with the step id of each of its nodes, by the node's D2 key."""
    overview: dict[str, str] = {}
    lineage: dict[str, str] = {}
    for run in facts.runs:
        place = run.position + 1
        for own in run.steps:
            overview[f"r{place}.{own.key}"] = own.step.step_id
            lineage[f"q{place}_{own.key}"] = own.step.step_id
        prompt = next((own for own in run.steps if own.step.label == "user_message"), None)
        if prompt is not None:
            lineage[f"p{place}"] = prompt.step.step_id
        for page in range(page_count(run)):
            yield board_key(run, page), {own.key: own.step.step_id for own in steps_on(run, page)}
    yield ROOT, overview
    yield "lineage", lineage
    yield "timeline", _messages(facts)


def _messages(facts: SessionFacts) -> dict[str, str]:
    """Return the steps behind a sequence diagram's arrows, which D2 numbers per pair of ends."""
    board = timeline_board(facts)
    if board is None or board.sequence is None:
        return {}
    by_board = {run.key: [own for own in run.steps if not own.is_snapshot] for run in facts.runs}
    found: dict[str, str] = {}
    counts: dict[tuple[str, str], int] = {}
    for scene in board.sequence.scenes:
        for message, own in zip(scene.messages, by_board[scene.key], strict=True):
            ends = message.source, message.target
            number = counts[ends] = counts.get(ends, -1) + 1
            found[f"sequence.({message.source} -> {message.target})[{number}]"] = own.step.step_id
    return found
