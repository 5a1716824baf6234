"""The store as tools of a model: a server of the Model Context Protocol, over stdin and stdout, that only reads.

Needs the extra ``tfclient[mcp]``; without it, importing this works and calling says what to install.
"""

from __future__ import annotations

from typing import Final

PACKAGES: Final = "tfclient[mcp]"


class ExtraMissing(Exception):
    """The SDK of the protocol is not installed, or not in a version that is known here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The MCP server needs the official SDK ({reason}): pip install '{PACKAGES}'.")


__all__ = ["ExtraMissing"]
