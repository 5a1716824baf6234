"""The present moment, which ages are told against."""

from __future__ import annotations

from datetime import UTC, datetime


def present() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)
