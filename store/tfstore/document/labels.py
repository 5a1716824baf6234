"""The closed vocabularies of a session document: labels, statuses, triggers, endings, error classes.

The status words are the Responses API's own; ``unresolved`` is the one addition, for a tool call that was
never answered. They are for those who write documents; who reads one may meet a word that is not among them
(the provider's own, a later version's), as a word and not as an error.
"""

from __future__ import annotations

from typing import Final, Literal

SCHEMA_VERSION: Final = "thoughtflow/1"

Label = Literal[
    "user_message",
    "policy.snapshot",
    "tool.schemas.snapshot",
    "context.snapshot",
    "assistant_call",
    "reasoning",
    "tool_call",
    "tool_output",
    "tool_error",
    "approval_request",
    "approval_response",
    "assistant_message",
    "context_compacted",
    "generic",
]

Status = Literal["in_progress", "queued", "completed", "incomplete", "failed", "cancelled", "unresolved"]

SessionStatus = Literal["active", "closed"]

Result = Literal["completed", "failed", "cancelled"]

EndReason = Literal["closed", "idle_timeout", "process_exit", "recovered"]

Trigger = Literal["user_message", "system", "prompt_template", "tool", "resumed", "api"]

LineageSource = Literal[
    "explicit",
    "previous_response_id",
    "conversation",
    "prefix",
    "call_id",
    "window",
    "resent",
    "nested",
    "relayed",
    "root",
]

EndedBy = Literal["tool_call", "approval"]

Timing = Literal["measured", "inferred"]

Ending = Literal[
    "completed",
    "failed_event",
    "error_event",
    "incomplete",
    "cut",
    "left_early",
    "never_read",
    "cancelled",
    "http_error",
    "no_response",
    "closed",
    "expired",
    "lost",
    "unknown",
]

ErrorClass = Literal[
    "provider", "validation", "auth", "rate_limit", "transport", "timeout", "tool", "cancelled"
]

RedactionAction = Literal["replaced", "hashed", "truncated", "dropped"]

OPEN_STATUSES: Final = frozenset({"in_progress", "queued"})
"""Statuses of something that has not ended."""

BY_DESIGN: Final = frozenset({"output_tool", "handover"})
"""Notes of a call that nobody need answer: its arguments are the answer, or another agent goes on."""
