"""A trace processor for openai-agents: true times of tools, their errors, what is nested in what, and who asked.

Requests are not changed. What the framework calls a group is a session, a workflow's name its title.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.bridges.spans import Spans

if TYPE_CHECKING:
    from tfclient.recorder import Recorder

_UNNAMED = "Agent workflow"
"""What the framework calls a workflow that nobody has named."""


def processor(recorder: Recorder | None = None) -> Any:
    """Return what goes into ``agents.add_trace_processor`` or ``agents.set_trace_processors``.

    Args:
        recorder: what records; else that of ``tfclient.install()``, which is called.
    """
    return _Processor(Spans(recorder))


class _Processor:
    """``agents.TracingProcessor``, as far as anybody asks."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def on_trace_start(self, trace: Any) -> None:
        spans = self._spans
        with spans.guard():
            name = "" if trace.name == _UNNAMED else str(trace.name or "")
            group, metadata = getattr(trace, "group_id", None), getattr(trace, "metadata", None) or {}
            if group:
                tags = {**metadata, "trace_id": trace.trace_id}
                if spans.conversation(trace.trace_id, str(group), name, tags):
                    return
            elif name:
                spans.name_session(name)
            if metadata:
                told = {"trace_id": trace.trace_id, "workflow_name": name, "metadata": metadata}
                spans.note("trace", told)

    def on_trace_end(self, trace: Any) -> None:
        with self._spans.guard():
            self._spans.end(trace.trace_id)

    def on_span_start(self, span: Any) -> None:
        with self._spans.guard():
            data = span.span_data
            if data.type == "function":
                self._spans.tool(span.span_id, data.name, arguments=data.input)
            elif data.type == "agent":
                self._spans.agent(span.span_id, data.name)

    def on_span_end(self, span: Any) -> None:
        spans, data = self._spans, span.span_data
        with spans.guard():
            if data.type == "handoff":
                spans.note("handoff", {"from": data.from_agent, "to": data.to_agent})
            elif data.type == "guardrail":
                spans.note("guardrail", {"name": data.name, "triggered": data.triggered})
            result = data.output if data.type == "function" else None
            spans.end(span.span_id, result, _words(span.error))

    def shutdown(self) -> None:
        """Nothing waits."""

    def force_flush(self) -> None:
        """Nothing waits."""


def _words(error: Any) -> str | None:
    if not error:
        return None
    cause = (error.get("data") or {}).get("error")
    return f"{error['message']}: {cause}" if cause else str(error["message"])
