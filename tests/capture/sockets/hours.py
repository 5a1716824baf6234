"""A conversation of hours in seconds: both sides at fifty messages a second, and a clock that is told the time."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import attrs

from tests.projection.sockets.tape import CONFIG
from tfclient import Recorder
from tfclient.capture.sockets import audio, socket
from tfclient.capture.sockets.place import Place
from tfclient.capture.sockets.socket import Socket
from tfclient.finishing.live import LiveSession
from tfstore.store import Store

A_SECOND = 50
TURN = 12
"""Seconds of a turn: four of a question, seven of an answer, and one of silence."""

_SOUND = base64.b64encode(b"\x01\x02" * 480).decode()
_WORDS = 4
"""Words of an answer in a second."""


@attrs.define
class Talk:
    """A socket without a network, in a session of a store of its own."""

    root: Path
    recorder: Recorder
    socket: Socket
    session_id: str
    now: int = 10**18
    seconds: int = 0
    messages: int = 0

    def goes_on(self, seconds: int) -> None:
        """Let so many seconds pass."""
        for _ in range(seconds):
            self._second()

    def closed(self) -> int:
        """Write what is counted, and close the journal; return its bytes."""
        self.socket._place.write(*self.socket._rest())
        self.recorder.sessions.open()[0].writer.close(60)
        return sum(each.stat().st_size for each in self.root.rglob("*.jsonl"))

    def document(self) -> Any:
        """Read the session, as a command would that is asked for one that goes on."""
        return LiveSession(Store(self.root), self.session_id).read()

    def clock(self) -> int:
        """Return now, in nanoseconds."""
        return self.now

    def stamp(self) -> tuple[int, int]:
        """Return now as journal entries have it."""
        return self.now // 1000, self.now // 1000

    def _got(self, kind: str, **event: Any) -> None:
        self.messages += 1
        event = {"type": kind, "event_id": f"event_E4ySyomQDvHhLD{self.messages:07}", **event}
        self.socket.received(json.dumps(event).encode())

    def _second(self) -> None:
        turn, at = divmod(self.seconds, TURN)
        asked, response = {"item_id": f"item_u{turn}"}, f"resp_{turn}"
        answer = {"response_id": response, "item_id": f"item_a{turn}", "output_index": 0, "content_index": 0}
        message = {"id": answer["item_id"], "type": "message", "role": "assistant"}
        if at == 0:
            self._got("input_audio_buffer.speech_started", **asked, audio_start_ms=self.seconds * 1000)
        elif at == 4:
            self._got("input_audio_buffer.speech_stopped", **asked, audio_end_ms=self.seconds * 1000)
            self._got("input_audio_buffer.committed", **asked)
            self._got("response.created", response={"id": response, "status": "in_progress", "output": []})
            begun = {**message, "status": "in_progress", "content": []}
            self._got("response.output_item.added", response_id=response, output_index=0, item=begun)
            heard = "conversation.item.input_audio_transcription.completed"
            self._got(heard, **asked, transcript="And what is it like up there in winter? ")
        for n in range(A_SECOND):
            self.now += 1_000_000_000 // A_SECOND
            self.socket.sends(
                json.dumps({"type": "input_audio_buffer.append", "audio": _SOUND}), is_text=None
            )
            self.messages += 1
            if 4 <= at < TURN - 1:
                self._got("response.output_audio.delta", **answer, delta=_SOUND)
                if n % (A_SECOND // _WORDS) == 0:
                    self._got("response.output_audio_transcript.delta", **answer, delta=f" word{n}")
        if at == TURN - 1:
            self._got("response.output_audio.done", **answer)
            said = [{"type": "output_audio", "transcript": "Cold, and very quiet. "}]
            whole = {**message, "status": "completed", "content": said}
            usage = {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}
            done = {"id": response, "status": "completed", "output": [whole], "usage": usage}
            self._got("response.done", response=done)
        self.seconds += 1


@contextmanager
def conversation(root: Path) -> Iterator[Talk]:
    """Give a conversation that has just begun."""
    recorder = Recorder(root, idle_minutes=0)
    state = recorder.sessions.for_call()
    place = Place(recorder.sessions, state, "socket_1", 1, "realtime")
    talk = Talk(root, recorder, Socket(place), state.id)
    with ExitStack() as patches:
        for module in (audio, socket):
            patches.enter_context(mock.patch.object(module, "stamp", talk.stamp))
        patches.enter_context(mock.patch.object(socket, "monotonic_ns", talk.clock))
        patches.enter_context(mock.patch.object(socket, "time_ns", talk.clock))
        where = {"socket": "socket_1", "n": 1, "kind": "realtime", "url": "wss://localhost/v1/realtime"}
        at = {"at": talk.now // 1000, "mono": talk.now // 1000}
        recorder.sessions.write(state, {**at, "type": "socket.opened", **where})
        talk._got("session.created", session=CONFIG)
        yield talk
    ended = recorder.end_session()
    assert ended is not None
    assert ended.wait(120)
