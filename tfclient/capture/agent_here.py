"""Which agent of a framework makes the calls that are made here and now: a bridge says so, no traffic does."""

from __future__ import annotations

from contextvars import ContextVar

agent_here: ContextVar[str | None] = ContextVar("tfclient_agent", default=None)
"""The agent's name."""
