"""The sound of answers: how much of it came, how much was heard before somebody spoke."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.lineage.book import RunState
from tfclient.projection.sockets.answers import Answer, is_spoken
from tfclient.projection.sockets.conversation import Conversation
from tfstore.document.documents import Step
from tfstore.document.times import iso


@define(eq=False)
class Playback:
    """What is known of the sound of each message, by its item."""

    conversation: Conversation
    _messages: dict[str, Step] = field(factory=dict[str, Step])
    _sounds: dict[str, int] = field(factory=dict[str, int])
    """Milliseconds of audio that came, by item."""
    _heard: dict[str, int] = field(factory=dict[str, int])
    _kept: dict[str, list[dict[str, Any]]] = field(factory=dict[str, list[dict[str, Any]]])
    """Audio that was kept, by item."""

    def came(self, name: str, ms: int) -> None:
        """Audio of an item came."""
        self._sounds[name] = self._sounds.get(name, 0) + ms
        self._tell_sound(name)

    def kept(self, name: str, audio: dict[str, Any]) -> bool:
        """The audio of an item can be heard; say whether the item is known."""
        step = self._messages.get(name)
        if step is not None:
            self._kept.setdefault(name, []).append(audio)
            self._tell_kept(step, name)
        return step is not None

    def truncated(self, event: dict[str, Any], at: int) -> None:
        """An item was played no further than to here."""
        name, heard = event.get("item_id"), event.get("audio_end_ms")
        if not isinstance(name, str) or not isinstance(heard, int):
            self.conversation.generic(str(event["type"]), event, at)
            return
        self._heard[name] = heard
        step = self._messages.get(name)
        if step is not None:
            self._tell_heard(step, name)
        elif not any(
            item.get("id") == name for a in self.conversation.answers.values() for item in a.items.values()
        ):
            self.conversation.generic(str(event["type"]), event, at)

    def interrupted(self, run: RunState) -> None:
        """Somebody spoke before the answer had been heard."""
        if not run.interrupted:
            run.interrupted = True
            self.conversation.opening.book.interruptions += 1
            if "interrupted" not in run.run.lineage.notes:
                run.run.lineage.notes.append("interrupted")

    def tell(self, answer: Answer) -> None:
        """Say in the messages of a response what is known of their sound."""
        for place, step in answer.node.places.items():
            item = answer.items.get(place, {})
            name = item.get("id")
            if step.label != "assistant_message" or not isinstance(name, str):
                continue
            self._messages[name] = step
            if is_spoken(item) or name in self._sounds:
                step.payload_completed["spoken"] = True
            if answer.first_audio_at is not None:
                step.started_at = iso(answer.first_audio_at)
            if name in self._sounds:
                self._tell_sound(name)
            if name in self._heard:
                self._tell_heard(step, name)
            if name in self._kept:
                self._tell_kept(step, name)

    def _tell_kept(self, step: Step, name: str) -> None:
        kept = self._kept[name]
        step.payload_completed["audio"] = kept[0] if len(kept) == 1 else list(kept)
        self.conversation.touch(step)

    def _tell_heard(self, step: Step, name: str) -> None:
        step.payload_completed["heard_ms"] = self._heard[name]
        self.conversation.touch(step)
        sound = self._sounds.get(name)
        if sound is None or self._heard[name] < sound:
            self.interrupted(self.conversation.opening.book.by_run[str(step.run_id)])

    def _tell_sound(self, name: str) -> None:
        step = self._messages.get(name)
        if step is not None:
            step.payload_completed["audio_ms"] = self._sounds[name]
            self.conversation.touch(step)
