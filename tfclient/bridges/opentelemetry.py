"""A span processor for frameworks that speak OpenTelemetry's GenAI conventions: pydantic-ai and others.

Runs of tools (``execute_tool``) give true times, results and errors by the model's own call ids; runs of agents
(``invoke_agent``) say who asked, and in which conversation, which is a session. Requests are not changed, no span is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfclient.bridges.spans import Spans

if TYPE_CHECKING:
    from tfclient.recorder import Recorder


def processor(recorder: Recorder | None = None) -> Any:
    """Return what goes into ``TracerProvider.add_span_processor``.

    Args:
        recorder: what records; else that of ``tfclient.install()``, which is called.
    """
    return _Processor(Spans(recorder))


class _Processor:
    """``opentelemetry.sdk.trace.SpanProcessor``, as far as anybody asks."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def on_start(self, span: Any, parent_context: Any = None) -> None:  # noqa: ARG002 - the framework's signature
        spans = self._spans
        with spans.guard():
            told = span.attributes or {}
            operation = told.get("gen_ai.operation.name")
            if operation == "execute_tool":
                # The second is what pydantic-ai called it before the conventions had a name.
                arguments = told.get("gen_ai.tool.call.arguments", told.get("tool_arguments"))
                name, call_id = told.get("gen_ai.tool.name"), told.get("gen_ai.tool.call.id")
                spans.tool(span.context.span_id, str(name), call_id, arguments)
            elif operation == "invoke_agent":
                if conversation := told.get("gen_ai.conversation.id"):
                    spans.conversation(span.context.span_id, str(conversation))
                if agent := told.get("gen_ai.agent.name"):
                    spans.agent(span.context.span_id, str(agent))

    def _on_ending(self, span: Any) -> None:
        """Nothing is added to a span."""

    def on_end(self, span: Any) -> None:
        with self._spans.guard():
            told = span.attributes or {}
            result = told.get("gen_ai.tool.call.result", told.get("tool_response"))
            self._spans.end(span.context.span_id, result, _words(span))

    def shutdown(self) -> None:
        """Nothing waits."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the framework's signature
        """Nothing waits."""
        return True


def _words(span: Any) -> str | None:
    for event in reversed(span.events or ()):
        if event.name == "exception":
            told = event.attributes or {}
            return f"{told.get('exception.type')}: {told.get('exception.message')}"
    failed = getattr(span.status.status_code, "name", "") == "ERROR"
    return (span.status.description or "it failed") if failed else None
