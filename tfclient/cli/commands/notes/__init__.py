"""``tfclient notes``: what sessions teach, written where people read and edit it."""

from __future__ import annotations

from tfclient.cli.commands.notes.command import notes

__all__ = ["notes"]
