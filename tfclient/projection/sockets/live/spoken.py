"""What is said in pieces that no turn holds together: where a turn begins is read from who speaks when.

In a conversation, a turn begins when the user speaks after an answer; in a translation, which goes on while somebody
speaks, after a pause. That it is a guess, a note on each run says.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.items import from_responses
from tfclient.projection.api.model_call import ModelResponse
from tfclient.projection.lineage.book import RunState
from tfclient.projection.lineage.nodes import Node
from tfclient.projection.sockets.call_step import call_step
from tfclient.projection.sockets.conversation import Conversation
from tfclient.projection.sockets.live.backend import Backend
from tfclient.projection.sockets.speech import SPEECH
from tfclient.projection.sockets.taken_up import TakenUp
from tfclient.projection.steps.endings import Closing
from tfclient.projection.steps.snapshots import take_context
from tfstore.document.documents import Latency, Step
from tfstore.document.labels import Ending, Status, Trigger
from tfstore.document.times import iso, milliseconds

PAUSE_MS = 2000
"""Milliseconds without a word after which what is translated is another passage."""


@define(eq=False)
class Piece:
    """Some words, when they came, and from when to when they were spoken, on the clock of the session."""

    text: str
    at: int
    start_ms: int | None = None
    end_ms: int | None = None


@define(eq=False)
class Said:
    """Words of one speaker, as far as they have come."""

    pieces: int = 0
    text: str = ""
    first: Piece | None = None
    last: Piece | None = None

    def take(self, piece: Piece) -> None:
        """Some words more."""
        self.text += piece.text
        self.pieces += 1
        self.first, self.last = self.first or piece, piece

    @property
    def ms(self) -> int | None:
        """How long it took to say."""
        first, last = self.first, self.last
        if first is None or last is None or first.start_ms is None or last.end_ms is None:
            return None
        return max(0, last.end_ms - first.start_ms)

    @property
    def began(self) -> int:
        """When it began, by the clock of this machine: its first words took as long as they say."""
        first = self.first
        if first is None or first.start_ms is None or first.end_ms is None:
            return first.at if first is not None else 0
        return first.at - max(0, first.end_ms - first.start_ms) * 1000


@define(eq=False)
class Answer:
    """An answer that is being spoken."""

    node: Node
    message: Step
    since: int
    said: Said = field(factory=Said)


@define(eq=False)
class Turn:
    """What the user says, and what is answered."""

    run: RunState
    prompt: Step | None = None
    heard: Said = field(factory=Said)
    answer: Answer | None = None
    """The last one."""
    is_open: bool = False
    """Whether the last answer may go on."""


@define(eq=False)
class Spoken:
    """All that is said over one socket.

    Args:
        conversation: where it belongs.
        closing: makes steps of answers.
        model: what answers.
        by_pauses: whether turns are told apart by pauses, instead of by who speaks.
    """

    conversation: Conversation
    closing: Closing
    model: Backend
    by_pauses: bool = False
    turn: Turn | None = None
    _before: Turn | None = None

    def heard(self, piece: Piece) -> None:
        """The user says some words."""
        turn = self.turn
        if turn is None or self._begins(turn, turn.heard, piece):
            turn = self._next(turn, piece, "user_message")
        if turn.prompt is None:
            self._prompt(turn, piece)
        if turn.prompt is not None:
            turn.heard.take(piece)
            self._show_prompt(turn, turn.prompt)

    def answered(self, piece: Piece) -> None:
        """The model says some words."""
        turn = self.turn
        if turn is not None and self._is_late(turn, piece):
            turn = self._before or turn
        elif turn is None or (self.by_pauses and not turn.heard.pieces and self._paused(turn, piece)):
            turn = self._next(turn, piece, "user_message" if self.by_pauses else "system")
            if self.by_pauses:
                self._prompt(turn, piece)
        answer = turn.answer
        if answer is None or (turn is self.turn and not turn.is_open):
            self._close_prompt(turn, piece.at)
            answer = turn.answer = self._answer(turn, piece)
            turn.is_open = True
        answer.said.take(piece)
        self._show_answer(turn, answer, piece.at)

    def rest(self, at: int, status: Status = "completed", ending: Ending = "completed") -> None:
        """What is being said is over: what comes next is another answer, or another turn."""
        turn = self.turn
        if turn is None:
            return
        if status == "completed" or turn.answer is None:
            self._close_prompt(turn, at)
        if turn.is_open and turn.answer is not None:
            turn.is_open = False
            self._close(turn, turn.answer, at, status, ending)

    def over(self, by: str, at: int) -> None:
        """The connection is over: nobody says when an answer is, so that only a loss cuts one short."""
        ends: dict[str, tuple[Status, Ending]] = {
            "network": ("incomplete", "cut"),
            "unknown": ("incomplete", "unknown"),
        }
        self.rest(at, *ends.get(by, ("completed", "completed")))
        self.turn = self._before = None

    # Whose words they are

    def _begins(self, turn: Turn, heard: Said, piece: Piece) -> bool:
        """Whether the user's words are those of another turn."""
        if self.by_pauses:
            return bool(heard.pieces) and _gap(heard.last, piece) >= PAUSE_MS
        answer = turn.answer
        if answer is None:
            return False
        first = answer.said.first
        starts = None if first is None else first.start_ms
        # Words that were said before the answer and come after its first are of the same turn.
        return not (
            turn.prompt is not None
            and piece.start_ms is not None
            and starts is not None
            and piece.start_ms < starts
        )

    def _is_late(self, turn: Turn, piece: Piece) -> bool:
        """Whether the model's words were said before what the user says now."""
        first, before = turn.heard.first, self._before
        return (
            not self.by_pauses
            and turn.answer is None
            and before is not None
            and before.answer is not None
            and first is not None
            and None not in {piece.start_ms, first.start_ms}
            and (piece.start_ms or 0) < (first.start_ms or 0)
        )

    def _paused(self, turn: Turn, piece: Piece) -> bool:
        return turn.answer is not None and _gap(turn.answer.said.last, piece) >= PAUSE_MS

    def _next(self, before: Turn | None, piece: Piece, trigger: Trigger) -> Turn:
        over = before is not None and not self.by_pauses and _spoke_over(before, piece)
        self.rest(piece.at)
        if before is not None and over:
            self._interrupted(before)
        run = self.conversation.open(piece.at, trigger, voice=True)
        # Its audio may go another way, beside a sideband.
        self.conversation.opening.book.session.channel = "voice"
        if before is not None or trigger == "user_message":
            run.run.lineage.notes.append("inferred")
        self._before, self.turn = before, Turn(run)
        return self.turn

    def _interrupted(self, turn: Turn) -> None:
        book, answer = self.conversation.opening.book, turn.answer
        if not turn.run.interrupted:
            turn.run.interrupted = True
            book.interruptions += 1
            turn.run.run.lineage.notes.append("interrupted")
        if answer is not None:
            answer.node.step.notes.append("interrupted")
            self.conversation.touch(answer.node.step)

    # What becomes of them

    def _prompt(self, turn: Turn, piece: Piece) -> None:
        book, began = self.conversation.opening.book, Said(first=piece).began
        kind = f"{self.conversation.prefix}.speech"
        payload = {"text": SPEECH}
        turn.prompt = book.add(
            turn.run, "user_message", kind, began, status="in_progress", payload_started=payload
        )
        book.prompt(turn.run, turn.prompt)
        turn.run.run.input_text = SPEECH

    def _show_prompt(self, turn: Turn, prompt: Step) -> None:
        text = turn.heard.text.strip() or SPEECH
        prompt.payload_started["text"] = text
        lightener = self.conversation.opening.provenance.lightener
        turn.run.run.input_text = lightener.shown(text, "the user_message")
        ms = turn.heard.ms
        if ms is not None:
            prompt.payload_completed["speech_ms"] = ms
        if turn.heard.last is not None:
            self.conversation.opening.book.activity(turn.run, turn.heard.last.at)
        self.conversation.touch(prompt)

    def _close_prompt(self, turn: Turn, at: int) -> None:
        prompt, heard = turn.prompt, turn.heard
        if prompt is None or prompt.status != "in_progress":
            return
        ended = heard.last.at if heard.last is not None else at
        prompt.status, prompt.ended_at = "completed", iso(ended)
        prompt.duration_ms = heard.ms if heard.ms is not None else milliseconds(heard.began or ended, ended)
        self.conversation.touch(prompt)

    def _answer(self, turn: Turn, piece: Piece) -> Answer:
        conversation, at = self.conversation, piece.at
        told = self.model.told.pop("input", None)
        taken = TakenUp(turn.run, [turn.prompt] if turn.prompt is not None and turn.answer is None else [])
        if isinstance(told, list) and told:
            words = [str(each.get("role")) if isinstance(each, dict) else "" for each in told]
            taken.context = take_context(conversation.opening.book, turn.run, told, words, at)
        last = conversation.last
        kind = f"{conversation.prefix}.answer"
        step = call_step(conversation, self.model, taken, None, "server", at, last, kind)
        node = conversation.begin(step, turn.run, last, at)
        since = turn.heard.last.at if turn.heard.last is not None and turn.answer is None else at
        self.closing.outcome.items(node, _so_far(""), at)
        message = node.places[0]
        message.started_at = iso(Said(first=piece).began)
        return Answer(node, message, since)

    def _show_answer(self, turn: Turn, answer: Answer, at: int) -> None:
        payload: dict[str, Any] = {"text": answer.said.text.strip(), "spoken": True}
        ms = answer.said.ms
        if ms is not None:
            payload["audio_ms"] = ms
        answer.message.payload_completed = payload
        self.conversation.touch(answer.message)
        self.conversation.opening.book.activity(turn.run, at)
        if not (turn is self.turn and turn.is_open):
            # It had been taken for over.
            answer.node.step.payload_completed["text"] = payload["text"]
            self.conversation.touch(answer.node.step)

    def _close(self, turn: Turn, answer: Answer, at: int, status: Status, ending: Ending) -> None:
        said, step = answer.said, answer.node.step
        at = said.last.at if said.last is not None else at
        response = _so_far(said.text.strip(), status)
        self.closing.outcome.close(answer.node, response, at, ending)
        self._show_answer(turn, answer, at)
        step.latency = Latency(total_ms=milliseconds(answer.since, at), events=said.pieces)
        if said.first is not None:
            step.latency.first_text_ms = milliseconds(answer.since, said.first.at)
        self.conversation.last = answer.node
        turn.run.run.status = turn.run.status(session_ended=False)


def _so_far(text: str, status: Status = "in_progress") -> ModelResponse:
    item_status = "completed" if status == "completed" else "in_progress"
    content = [{"type": "output_text", "text": text, "annotations": []}]
    item = {"type": "message", "role": "assistant", "status": item_status, "content": content}
    return ModelResponse(status=status, outputs=[from_responses(item, 0)], indexed=True)


def _gap(last: Piece | None, piece: Piece) -> int:
    """Return how many milliseconds nothing was said."""
    if last is None:
        return 0
    if last.end_ms is not None and piece.start_ms is not None:
        return piece.start_ms - last.end_ms
    return milliseconds(last.at, piece.at) or 0


def _spoke_over(turn: Turn, piece: Piece) -> bool:
    """Whether the user began before the model had said its last word."""
    last = turn.answer.said.last if turn.answer is not None else None
    ends = last.end_ms if last is not None else None
    return turn.is_open and ends is not None and piece.start_ms is not None and piece.start_ms < ends
