"""A socket's entries as a test says them, and the document of them."""

from __future__ import annotations

import json
from typing import Any

from tfclient.projection.projector import Projector
from tfstore.document.documents import Run, Session, Step

START = 1_790_000_000_000_000
URL = "wss://api.openai.com/v1/realtime?model=gpt-realtime"

VAD = {"type": "server_vad", "create_response": True, "interrupt_response": True}
CONFIG: dict[str, Any] = {
    "type": "realtime",
    "model": "gpt-realtime",
    "instructions": "Be brief.",
    "tools": [],
    "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": VAD}},
}


class Tape:
    """Entries of one socket, ten milliseconds apart unless it is said otherwise."""

    def __init__(self, *, kind: str = "realtime") -> None:
        self.at = START
        self.kind = kind
        self.n = 0
        self.entries: list[dict[str, Any]] = []
        self.add(
            "session.started", title="", metadata={}, channel="text", redaction={"mode": "secrets"},
            journal_version=1,
        )  # fmt: skip
        self.opened()

    def add(self, type_: str, **fields: Any) -> None:
        self.at += 10_000
        entry = {"type": type_, "at": self.at, "mono": 0, **fields}
        self.entries.append(entry)

    def of(self, type_: str, **fields: Any) -> Tape:
        self.add(type_, socket="socket_1", n=self.n, **fields)
        return self

    def opened(self, **fields: Any) -> Tape:
        self.n += 1
        return self.of("socket.opened", **{"kind": self.kind, "url": URL, "status": 101, **fields})

    def configured(self, **changed: Any) -> Tape:
        return self.got("session.created", session={**CONFIG, **changed})

    def wait(self, ms: int) -> Tape:
        self.at += ms * 1000
        return self

    def sent(self, type_: str, **event: Any) -> Tape:
        return self.of("socket.frame", dir="out", data=json.dumps({"type": type_, **event}))

    def got(self, type_: str, **event: Any) -> Tape:
        return self.of("socket.frame", dir="in", data=json.dumps({"type": type_, **event}))

    def says(self, text: str, **more: Any) -> Tape:
        """The program sends a message of the user's, and asks for a response."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        return self.sent("conversation.item.create", item=item).sent("response.create", **more)

    def speaks(self, name: str, text: str | None = None) -> Tape:
        """The user speaks, and the server hears it."""
        self.got("input_audio_buffer.speech_started", item_id=name, audio_start_ms=1000)
        self.wait(800).got("input_audio_buffer.speech_stopped", item_id=name, audio_end_ms=1800)
        self.got("input_audio_buffer.committed", item_id=name)
        return self if text is None else self.hears(name, text)

    def hears(self, name: str, text: str) -> Tape:
        kind = "conversation.item.input_audio_transcription.completed"
        return self.got(kind, item_id=name, transcript=text, usage={"type": "tokens", "total_tokens": 5})

    def begins(self, name: str, **more: Any) -> Tape:
        return self.got(
            "response.created", response={"id": name, "status": "in_progress", "output": [], **more}
        )

    def sounds(self, item: str, response: str, ms: int = 900) -> Tape:
        return self.of(
            "socket.audio", dir="in", event="response.output_audio.delta", item_id=item, response_id=response,
            first_at=self.at, frames=9, bytes=ms * 48, ms=ms,
        )  # fmt: skip

    def tells(self, response: str, item: str, *words: str) -> Tape:
        """Pieces of what is said in a response come."""
        message = {"id": item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        self.got("response.output_item.added", response_id=response, output_index=0, item=message)
        for word in words:
            self.got(
                "response.output_audio_transcript.delta", response_id=response, item_id=item, output_index=0,
                content_index=0, delta=word,
            )  # fmt: skip
        return self

    def done(
        self, name: str, item: str | None = None, text: str = "", status: str = "completed", **more: Any
    ) -> Tape:
        """A response is over, with one message."""
        usage = {
            "total_tokens": 30, "input_tokens": 20, "output_tokens": 10,
            "input_token_details": {"text_tokens": 8, "audio_tokens": 12, "cached_tokens": 4},
            "output_token_details": {"text_tokens": 3, "audio_tokens": 7},
        }  # fmt: skip
        output = [] if item is None else [spoken(item, text)]
        response = {"id": name, "status": status, "output": output, "usage": usage, **more}
        return self.got("response.done", response=response)

    def answers(self, name: str, text: str) -> Tape:
        """A whole answer."""
        return self.begins(name).tells(name, f"item_{name}", text).done(name, f"item_{name}", text)

    def calls(self, response: str, call_id: str, name: str = "look", arguments: str = "{}") -> Tape:
        """A response asks for a tool; it is not over yet."""
        item = {
            "id": f"item_{call_id}", "type": "function_call", "status": "completed", "call_id": call_id,
            "name": name, "arguments": arguments,
        }  # fmt: skip
        return self.got("response.output_item.done", response_id=response, output_index=0, item=item)

    def heard(self, text: str, start_ms: int, end_ms: int) -> Tape:
        """A live session hears some words of the user's."""
        return self.got("session.input_transcript.delta", delta=text, start_ms=start_ms, end_ms=end_ms)

    def spoke(self, text: str, start_ms: int, end_ms: int) -> Tape:
        """The model of a live session speaks some words."""
        return self.got("session.output_transcript.delta", delta=text, start_ms=start_ms, end_ms=end_ms)

    def inside(self, type_: str, delegation_id: str | None = "dlg_1", **event: Any) -> Tape:
        """An event of a delegated response comes."""
        return self.got("response.event", delegation_id=delegation_id, event={"type": type_, **event})

    def closed(self, by: str = "program", code: int = 1000, reason: str = "", **more: Any) -> Tape:
        return self.of("socket.closed", by=by, code=code, reason=reason, **more)

    def ended(self) -> Tape:
        self.add("session.ended", end_reason="closed")
        return self

    def session(self) -> Session:
        projector = Projector("sess_1")
        for entry in self.entries:
            projector.feed(entry)
        assert projector.unknown_entries == 0
        return projector.session()


def interruption() -> Tape:
    """An answer is broken off by the next thing that the user says; a second and a half of it was heard."""
    tape = Tape().configured().speaks("item_1", "Tell me a story").begins("resp_1")
    tape.tells("resp_1", "item_2", "Once upon", " a time there was").sounds("item_2", "resp_1", 5000)
    tape.got("input_audio_buffer.speech_started", item_id="item_3", audio_start_ms=9000)
    tape.sent("conversation.item.truncate", item_id="item_2", content_index=0, audio_end_ms=1500)
    told = {"type": "cancelled", "reason": "turn_detected"}
    tape.done("resp_1", "item_2", "Once upon a time there was", "cancelled", status_details=told)
    tape.got("conversation.item.truncated", item_id="item_2", content_index=0, audio_end_ms=1500)
    tape.got("input_audio_buffer.speech_stopped", item_id="item_3", audio_end_ms=9500)
    tape.got("input_audio_buffer.committed", item_id="item_3").hears("item_3", "Stop")
    return tape.answers("resp_2", "Fine.")


def spoken(item: str, text: str) -> dict[str, Any]:
    said = [{"type": "output_audio", "transcript": text}]
    return {"id": item, "type": "message", "role": "assistant", "status": "completed", "content": said}


def turns(session: Session) -> list[Run]:
    return [run for run in session.runs if run.trigger != "api"]


def steps(session: Session, label: str) -> list[Step]:
    return [step for run in session.runs for step in run.steps if step.label == label]


def connection(session: Session) -> Step:
    (step,) = [s for run in session.runs for s in run.steps if s.type == "websocket.connection"]
    return step
