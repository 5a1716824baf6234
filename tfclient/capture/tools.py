"""True times of tools: a decorator for the program's own functions, and a block around one call of the model.

Traffic shows when a tool was asked for and when its output was sent, and between the two everything else that
the program did. With one of these, start, end, result, exception, and the model calls made inside are exact.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any

from tfclient.capture.exceptions import describe
from tfstore.journal.entries import Entry, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from tfclient.recorder import Recorder
    from tfclient.sessions.sessions import Sessions
    from tfclient.sessions.state import SessionState
    from tfstore.journal.entries import Mark

_FRAMES = 12

_UNSET: Any = object()

_tool: ContextVar[ToolCall | None] = ContextVar("tfclient_tool", default=None)


class ToolCall:
    """One run of a tool, measured while its ``with`` block lasts.

    Args:
        recorder: what records it.
        name: the tool's name, where it is known.
        call_id: the model's id for this call, where it is known.
        arguments: what the tool was called with.
        bound: the session that it belongs to, if that is not the current one.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        name: str | None = None,
        call_id: str | None = None,
        arguments: Any = None,
        bound: SessionState | None = None,
    ) -> None:
        self.name = name
        self.call_id = call_id
        self.arguments = arguments
        self.result: Any = _UNSET
        """What the tool gave; assign it to have it recorded."""
        self.id: str | None = None
        self._recorder = recorder
        self._bound = bound
        self._state: SessionState | None = None
        self._token: Token[ToolCall | None] | None = None

    def annotate(self, kind: str, data: Any = None) -> None:
        """Add a step of the program's own that belongs to this call, such as a side effect."""
        if self._state is not None:
            self.sessions.annotate(self._state, kind, data, call_id=self.call_id)

    @property
    def sessions(self) -> Sessions:
        """Where it is recorded."""
        return self._recorder.sessions

    def __enter__(self) -> Self:
        self.begin()
        self._token = _tool.set(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            _leave(self._token)
        self.end(exc)

    def begin(self) -> None:
        """Note that it begins to run; what is made inside belongs to it where it is ``entered``."""
        outer = _tool.get()
        if outer is not None and self.call_id is None and outer.name == self.name:
            # A decorated function inside the block of the very call that it serves.
            self.call_id = outer.call_id
        if self._recorder.enabled:
            self._start(outer)

    def end(self, error: BaseException | None = None) -> None:
        """Note that it has run, and the exception that it ended in."""
        # A generator that nobody read to its end may be closed when there is no interpreter left to write.
        if self._state is not None and not sys.is_finalizing():
            self._end(self._state, error)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make it the tool that runs here and now."""
        token = _tool.set(self)
        try:
            yield
        finally:
            _leave(token)

    def _start(self, outer: ToolCall | None) -> None:
        with self._recorder.health.guard("tool", f"recording the start of tool {self.name}"):
            state = self.sessions.for_call(bound=self._bound)
            self.id = state.writer.new_id()
            self._state = state
            entry = self._entry("tool.started")
            if outer is not None and outer.sessions is self.sessions:
                entry["parent_call"] = outer.call_id or outer.id
            self._write(state, entry, "arguments", self.arguments)

    def _end(self, state: SessionState, error: BaseException | None) -> None:
        with self._recorder.health.guard("tool", f"recording the end of tool {self.name}"):
            entry = self._entry("tool.ended")
            if error is not None:
                marks: list[Mark] = []
                entry["error"] = describe(error, self.sessions, marks) | {"traceback": _frames(error)}
                if marks:
                    entry["redactions"] = marks
            self._write(state, entry, "result", None if self.result is _UNSET else self.result)
            self.sessions.ends.write_late_files(state)

    def _entry(self, kind: str) -> Entry:
        at, mono = stamp()
        return {
            "at": at,
            "mono": mono,
            "type": kind,
            "tool": self.id,
            "call_id": self.call_id,
            "name": self.name,
        }

    def _write(self, state: SessionState, entry: Entry, field: str, value: Any) -> None:
        if value is not None:
            entry[field], marks = self.sessions.redactor.value(value, f"tool.{field}")
            if marks:
                entry["redactions"] = [*entry.get("redactions", ()), *marks]
        self.sessions.write(state, entry)


def _leave(token: Token[ToolCall | None]) -> None:
    try:
        _tool.reset(token)
    except (ValueError, RuntimeError):
        # An asynchronous tool may be closed from another context.
        _tool.set(None)


def current_tool(sessions: Sessions) -> str | None:
    """Return the call_id, or else the id, of the tool that runs here and now."""
    tool = _tool.get()
    if tool is None or tool.sessions is not sessions:
        return None
    return tool.call_id or tool.id


def call_of(recorder: Recorder, item: object, bound: SessionState | None = None) -> ToolCall:
    """Return a measured block for one call of the model.

    Args:
        recorder: what records it.
        item: a ``function_call`` item of a response, a tool call of a chat message, either as a dict, or
            the ``call_id``.
        bound: the session that it belongs to, if that is not the current one.

    Raises:
        TypeError: it is none of these.
    """
    if isinstance(item, str):
        return ToolCall(recorder, call_id=item, bound=bound)
    function = _get(item, "function")
    call_id = _get(item, "call_id") or _get(item, "id")
    source = item if function is None else function
    name = _get(source, "name")
    if call_id is None and name is None:
        raise TypeError(
            f"tool_call() takes a function_call item, a chat tool call, a dict of either, or a call_id, not {item!r}"
        )
    arguments = _get(source, "arguments")
    if arguments is None:
        arguments = _get(_get(item, "custom") or item, "input")
    return ToolCall(
        recorder, name=name or _get(item, "type"), call_id=call_id, arguments=arguments, bound=bound
    )


def diagnosed(
    recorder: Recorder, diagnostic: Mapping[str, object], bound: SessionState | None = None
) -> None:
    """Journal a run of a tool as the SDK's own tool runner speaks of it, when it is over.

    Args:
        recorder: what records it.
        diagnostic: an ``openai.lib.tool_diagnostics.ToolDiagnostic``; only those of functions and of the browser
            say the time of one whole call, and others are passed over.
        bound: the session that it belongs to, if that is not the current one.
    """
    if not recorder.enabled:
        return
    with recorder.health.guard("tool", "recording what a tool runner said"):
        call_id, took = diagnostic["call_id"], diagnostic["duration_ms"]
        whole = diagnostic["api"] in {"responses", "browser"} and diagnostic["stage"] == "action"
        if not whole or call_id is None or not isinstance(took, int | float):
            return
        sessions = recorder.sessions
        state = sessions.for_call(bound=bound)
        at, mono = stamp()
        name = diagnostic["member"] if diagnostic["api"] == "responses" else f"browser_{diagnostic['member']}"
        about = {"tool": state.writer.new_id(), "call_id": call_id, "name": name}
        microseconds = int(took * 1000)
        started = {"at": at - microseconds, "mono": mono - microseconds, "type": "tool.started", **about}
        ended: Entry = {"at": at, "mono": mono, "type": "tool.ended", **about}
        if diagnostic["reason"] != "completed":
            reason = str(diagnostic["reason"])
            ended["error"] = {"type": reason, "message": f"the tool runner says no more than {reason}"}
        sessions.write(state, started, ended)
        sessions.ends.write_late_files(state)


def _get(thing: object, name: str) -> Any:
    if isinstance(thing, Mapping):
        return thing.get(name)
    return getattr(thing, name, None)


def _frames(error: BaseException) -> list[str]:
    """Where it happened, innermost last; no source lines and no values, which may hold anything."""
    frames = traceback.StackSummary.extract(
        traceback.walk_tb(error.__traceback__), limit=-_FRAMES, lookup_lines=False, capture_locals=False
    )
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
