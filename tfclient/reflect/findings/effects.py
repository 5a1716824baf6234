"""Which tools change something: said by the user, else guessed from the first word of the name, else unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

from attrs import frozen

Effect: TypeAlias = Literal["write", "read", "unknown"]

_READS: Final = frozenset(
    {
        *(
            "get",
            "list",
            "search",
            "find",
            "look",
            "lookup",
            "read",
            "fetch",
            "query",
            "check",
            "show",
            "describe",
        ),
        *(
            "view",
            "count",
            "calculate",
            "compute",
            "compare",
            "browse",
            "retrieve",
            "is",
            "has",
            "think",
            "validate",
        ),
        *("weather", "estimate", "explain", "summarize", "preview"),
    }
)
_WRITES: Final = frozenset(
    {
        *("create", "update", "delete", "add", "remove", "set", "send", "book", "cancel", "modify", "return"),
        *(
            "exchange",
            "post",
            "put",
            "write",
            "insert",
            "edit",
            "pay",
            "place",
            "submit",
            "buy",
            "order",
            "move",
        ),
        *(
            "rename",
            "upload",
            "reset",
            "save",
            "append",
            "transfer",
            "refund",
            "charge",
            "schedule",
            "publish",
        ),
        *(
            "reserve",
            "issue",
            "assign",
            "close",
            "open",
            "merge",
            "commit",
            "push",
            "deploy",
            "email",
            "reply",
        ),
    }
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


@frozen
class Effects:
    """What is known of the tools: ``writes`` change something, ``reads`` do not."""

    writes: frozenset[str] = frozenset()
    reads: frozenset[str] = frozenset()

    @classmethod
    def said(cls, writes: Iterable[str], reads: Iterable[str]) -> Effects:
        """Return what the user says of tools, by their names."""
        return cls(frozenset(writes), frozenset(reads))

    def of(self, tool: str) -> Effect:
        """Return what a tool does, as far as is known.

        Example:
            >>> effects = Effects.said(["get_paid"], [])
            >>> effects.of("get_paid"), effects.of("getOrder"), effects.of("book_table"), effects.of("python")
            ('write', 'read', 'write', 'unknown')
        """
        if tool in self.writes:
            return "write"
        if tool in self.reads:
            return "read"
        first = next((found[0].lower() for found in _WORDS.finditer(tool)), "")
        if first in _WRITES:
            return "write"
        return "read" if first in _READS else "unknown"
