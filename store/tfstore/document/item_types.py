"""The item types of the Responses API, one row each: what is added to this table is read, streamed and given back.

A type without a row is told by its name (``…_call``, ``…_output``), or kept as it is.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Kind = Literal[
    "message",
    "policy",
    "call",
    "output",
    "reasoning",
    "approval_request",
    "approval_response",
    "compaction",
    "reference",
    "other",
]
"""What an item does in a conversation; a message of the system or the developer is ``policy``."""


@frozen
class ItemType:
    """What is known of one type.

    Of a call ``answered_by`` says who sends what came of it (``either``: the item's ``execution`` tells), and
    ``arguments`` and ``result`` the fields in which it carries them; where ``named``, it has a name of its own.
    ``pieces`` come in a stream as ``response.<type>_<piece>.delta`` and ``.done``; where there is ``progress``,
    events of the type also say that work goes on, and nothing else.
    """

    name: str
    kind: Kind
    answered_by: Literal["caller", "provider", "either"] = "provider"
    arguments: str = "arguments"
    result: str = ""
    named: bool = False
    pieces: tuple[str, ...] = ()
    progress: bool = False


_ROWS = (
    ItemType("message", "message"),
    ItemType("reasoning", "reasoning"),
    ItemType("item_reference", "reference"),
    ItemType("compaction", "compaction"),
    ItemType("compaction_summary", "compaction"),
    ItemType("mcp_approval_request", "approval_request"),
    ItemType("mcp_approval_response", "approval_response"),
    ItemType("mcp_list_tools", "other", progress=True),
    ItemType("function_call", "call", "caller", named=True, pieces=("arguments",)),
    ItemType("custom_tool_call", "call", "caller", "input", named=True, pieces=("input",)),
    ItemType("computer_call", "call", "caller", "action"),
    ItemType("local_shell_call", "call", "caller", "action"),
    ItemType("shell_call", "call", "caller", "action", pieces=("command",)),
    ItemType("shell_call_output", "output", pieces=("content",)),
    ItemType("apply_patch_call", "call", "caller", "operation", pieces=("operation_diff",)),
    ItemType("tool_search_call", "call", "either", progress=True),
    ItemType("mcp_call", "call", result="output", named=True, pieces=("arguments",), progress=True),
    ItemType("web_search_call", "call", arguments="action", progress=True),
    ItemType("file_search_call", "call", arguments="queries", result="results", progress=True),
    ItemType(
        "code_interpreter_call", "call", arguments="code", result="outputs", pieces=("code",), progress=True
    ),
    ItemType("image_generation_call", "call", result="result", progress=True),
    ItemType("program", "call"),
)

ITEM_TYPES = {row.name: row for row in _ROWS}


def item_type(name: str) -> ItemType:
    """Return the row of a type, or what its name gives away.

    Example:
        >>> item_type("custom_tool_call").arguments
        'input'
        >>> item_type("hologram_call").kind
        'call'
    """
    known = ITEM_TYPES.get(name)
    if known is not None:
        return known
    return ItemType(
        name, "output" if name.endswith("_output") else "call" if name.endswith("_call") else "other"
    )
