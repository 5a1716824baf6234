"""``tfclient adapt``: changes of instructions, proposed, confirmed by people, and compared from the record."""

from __future__ import annotations

from tfclient.cli.commands.adapt.command import adapt

__all__ = ["adapt"]
