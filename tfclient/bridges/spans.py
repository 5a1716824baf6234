"""Spans of a framework as what they are in a session: runs of tools, agents, conversations, each while it lasts."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from tfclient.capture.agent_here import agent_here
from tfclient.capture.tools import ToolCall
from tfstore.disk.paths import is_session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from contextlib import AbstractContextManager

    from tfclient.recorder import Recorder
    from tfclient.sessions.state import SessionState


class SpanError(Exception):
    """What a framework says of an error, in its words."""


class Spans:
    """The spans of one bridge that have begun and not ended, by the framework's own ids for them.

    Nothing here raises: the framework calls it in the middle of the program's work.

    Args:
        recorder: what records; else that of ``tfclient.install()``.
    """

    def __init__(self, recorder: Recorder | None = None) -> None:
        if recorder is None:
            from tfclient.installing import install

            recorder = install()
        self.recorder = recorder
        self._tools: dict[Hashable, ToolCall] = {}
        self._ends: dict[Hashable, list[Callable[[], None]]] = {}
        self._sessions: dict[str, SessionState] = {}

    def guard(self) -> AbstractContextManager[None]:
        """Count what goes wrong inside as a fault of the recorder's."""
        return self.recorder.health.guard("bridge", "recording what a framework told")

    def tool(self, span: Hashable, name: str, call_id: str | None = None, arguments: Any = None) -> None:
        """Note that a tool begins to run; calls made in its context are its own."""
        self._tools[span] = call = ToolCall(self.recorder, name=name, call_id=call_id, arguments=arguments)
        call.__enter__()

    def agent(self, span: Hashable, name: str) -> None:
        """Note which agent makes the calls of this context."""
        token = agent_here.set(name)
        self._ends.setdefault(span, []).append(lambda: agent_here.reset(token))

    def conversation(
        self, span: Hashable, key: str, title: str = "", metadata: Mapping[str, Any] | None = None
    ) -> bool:
        """Have the calls of this context in the session of a conversation, unless they are in one already.

        Returns whether that session is one that has not begun, so that it takes title and tags.

        Args:
            span: the framework's id for the span.
            key: the framework's id for the conversation: the session's id, where it can be one.
            title: the session's title, if it has not begun.
            metadata: the session's tags, if it has not begun.
        """
        sessions = self.recorder.sessions
        if not self.recorder.enabled or sessions.entered() is not None:
            return False
        state = self._sessions.get(key)
        if state is None or state.ended:
            self._sessions = {each: held for each, held in self._sessions.items() if not held.ended}
            session_id = (
                key if is_session_id(key) else f"group_{hashlib.sha256(key.encode()).hexdigest()[:16]}"
            )
            state = self._sessions[key] = sessions.new(title, metadata, session_id)
        token = sessions.adopt(state)
        self._ends.setdefault(span, []).append(lambda: sessions.disown(token))
        return not state.kept

    def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Add a step that says what the framework did."""
        sessions = self.recorder.sessions
        if self.recorder.enabled:
            sessions.annotate(sessions.for_call(), kind, dict(data))

    def name_session(self, title: str) -> None:
        """Give the session of this context its title, if it has none and has not begun."""
        if self.recorder.enabled:
            state = self.recorder.sessions.for_call()
            if not state.title and not state.kept:
                state.title = title

    def end(self, span: Hashable, result: Any = None, error: str | None = None) -> None:
        """Note that a span is over: what the tool gave, or what went wrong in it."""
        call = self._tools.pop(span, None)
        if call is not None:
            if result is not None:
                call.result = result
            call.__exit__(None, SpanError(error) if error else None, None)
        for undo in reversed(self._ends.pop(span, [])):
            # A span may end in another context than it began in, as that of a stream does.
            with contextlib.suppress(ValueError, RuntimeError):
                undo()
