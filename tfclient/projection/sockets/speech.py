"""What somebody says aloud: when it began and ended, and its words, which may come late or never."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.call_errors import error_from_body
from tfclient.projection.lineage.book import RunState
from tfclient.projection.sockets.conversation import Conversation
from tfstore.document.documents import Step
from tfstore.document.labels import Trigger
from tfstore.document.times import iso, milliseconds


def add_sound(payload: dict[str, Any], audio: dict[str, Any]) -> None:
    """Put audio beside what was said; of what was very long there are several."""
    before = payload.get("audio")
    payload["audio"] = (
        audio if before is None else [*(before if isinstance(before, list) else [before]), audio]
    )


SPEECH = "[speech]"
"""What stands where nobody knows yet, or ever, what was said."""


@define(eq=False)
class Turn:
    """What somebody said aloud."""

    run: RunState
    prompt: Step
    began: int
    start_ms: Any = None
    stopped: int | None = None
    answered: bool = False
    said: str = ""
    """Its words as far as they have come."""
    whole: bool = False
    """Whether the text is the transcriber's last word."""
    beside: str = ""
    """What was written beside it, in the same message."""


@define(eq=False)
class Speech:
    """All that was said aloud over one socket."""

    conversation: Conversation
    turns: dict[str, Turn] = field(factory=dict[str, Turn])
    """By the names of their items."""
    turn: Turn | None = None
    """The last one."""
    _sent: list[Turn] = field(factory=list[Turn])
    """Messages with audio that the server has not named yet."""

    @property
    def unanswered(self) -> Turn | None:
        """The last turn, if no response has taken it up."""
        return self.turn if self.turn is not None and not self.turn.answered else None

    def reopened(self) -> None:
        """A new connection: what was said before is not answered there."""
        self.turn = None
        self._sent.clear()

    def over(self, at: int) -> None:
        """The connection is over: who speaks now is not heard to the end."""
        for turn in self.turns.values():
            if turn.prompt.status == "in_progress":
                turn.prompt.status, turn.prompt.ended_at = "incomplete", iso(at)
                self.conversation.touch(turn.prompt)

    # What was said before, and sent as an item

    def sent(self, run: RunState, prompt: Step, at: int, beside: str) -> None:
        """A message with audio is a prompt: its words may be told, once it has a name."""
        self._sent.append(Turn(run, prompt, at, stopped=at, answered=True, beside=beside))
        self.named(prompt)

    def named(self, prompt: Step) -> None:
        """The server has given a message its name."""
        turn = next((each for each in self._sent if each.prompt is prompt), None)
        if turn is not None and prompt.item_id is not None:
            self._sent.remove(turn)
            self.turns.setdefault(prompt.item_id, turn)

    # When it is said

    def started(self, event: dict[str, Any], at: int) -> None:
        """Somebody begins to speak."""
        name = event.get("item_id")
        if isinstance(name, str) and name in self.turns:
            return
        for answer in self.conversation.answers.values():
            answer.spoken_over = answer.spoken_over or not answer.out_of_band
        self._speak(name, at, "user_message", event.get("audio_start_ms"))

    def stopped(self, event: dict[str, Any], at: int) -> None:
        """Nobody speaks any more."""
        turn = self._turn_of(event)
        if turn is None:
            turn = self._speak(event.get("item_id"), at, "user_message")
        turn.stopped = at
        start, end = turn.start_ms, event.get("audio_end_ms")
        if isinstance(start, int) and isinstance(end, int):
            turn.prompt.payload_completed["speech_ms"] = max(0, end - start)
        self._spoken(turn, at)

    def committed(self, event: dict[str, Any], at: int) -> None:
        """What was said is an item of the conversation."""
        turn = self._turn_of(event)
        name = event.get("item_id")
        if turn is None or (isinstance(name, str) and name not in self.turns):
            turn = self._speak(name, at, "user_message")
        if turn.stopped is None:
            turn.stopped = at
        self._spoken(turn, at)

    def timed_out(self, event: dict[str, Any], at: int) -> None:
        """Nobody has said anything, and the server goes on."""
        self._spoken(self._speak(event.get("item_id"), at, "system"), at)

    def _speak(self, name: Any, at: int, trigger: Trigger, start_ms: Any = None) -> Turn:
        book = self.conversation.opening.book
        run = self.conversation.open(at, trigger, voice=True)
        payload: dict[str, Any] = {"text": SPEECH}
        prompt = book.add(
            run, "user_message", "realtime.speech", at, status="in_progress", payload_started=payload
        )
        prompt.item_id = name if isinstance(name, str) else None
        book.prompt(run, prompt)
        # Its audio may go another way, beside a sideband.
        book.session.channel = "voice"
        run.run.input_text = SPEECH
        turn = Turn(run, prompt, at, start_ms)
        self.turns[str(name)] = self.turn = turn
        return turn

    def _turn_of(self, event: dict[str, Any]) -> Turn | None:
        name, turn = event.get("item_id"), self.turn
        if not isinstance(name, str):
            return turn
        if name not in self.turns and turn is not None and turn.prompt.item_id is None and not turn.answered:
            # It began without a name.
            turn.prompt.item_id, self.turns[name] = name, turn
        return self.turns.get(name)

    def _spoken(self, turn: Turn, at: int) -> None:
        prompt = turn.prompt
        if prompt.status == "in_progress":
            prompt.status, prompt.ended_at = "completed", iso(at)
            prompt.duration_ms = milliseconds(turn.began, at)
            self.conversation.opening.book.activity(turn.run, at)
        self.conversation.touch(prompt)

    def kept(self, name: str, audio: dict[str, Any]) -> bool:
        """What was said can be heard; say whether it is known."""
        turn = self.turns.get(name)
        if turn is not None:
            add_sound(turn.prompt.payload_completed, audio)
            self.conversation.touch(turn.prompt)
        return turn is not None

    # Its words

    def transcribed(self, event: dict[str, Any], at: int) -> None:
        """The transcriber has done."""
        turn, said = self._turn_of(event), event.get("transcript")
        if turn is None or not isinstance(said, str):
            self.conversation.generic(str(event["type"]), event, at)
            return
        turn.whole = True
        self._tell_words(turn, said)
        usage = event.get("usage")
        if usage is not None:
            turn.prompt.payload_completed["transcription_usage"] = usage

    def transcribing(self, event: dict[str, Any], _at: int) -> None:
        """The transcriber has some words more."""
        turn, said = self._turn_of(event), event.get("delta")
        if turn is not None and isinstance(said, str) and not turn.whole:
            self._tell_words(turn, turn.said + said)

    def not_transcribed(self, event: dict[str, Any], at: int) -> None:
        """The transcriber has failed."""
        turn = self._turn_of(event)
        if turn is None:
            self.conversation.generic(str(event["type"]), event, at)
            return
        turn.prompt.error = error_from_body(event, None)
        self.conversation.touch(turn.prompt)

    def _tell_words(self, turn: Turn, said: str) -> None:
        turn.said = said.strip() if turn.whole else said
        words = "\n".join(each for each in (turn.beside, turn.said) if each)
        turn.prompt.payload_started["text"] = words or SPEECH
        # A run may have been opened with more than this.
        said_in = [step for step in turn.run.run.steps if step.label == "user_message"]
        turn.run.run.input_text = "\n\n".join(map(self._shown, said_in))
        self.conversation.touch(turn.prompt)

    def _shown(self, prompt: Step) -> str:
        text = prompt.payload_started.get("text")
        if isinstance(text, dict):
            # It is long, and has been put elsewhere.
            return f"{text.get('preview')}…"
        return self.conversation.opening.provenance.lightener.shown(str(text), "the user_message")
