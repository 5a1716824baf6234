"""Calls that nobody is meant to answer: their arguments are the answer, or another agent goes on.

Frameworks ask for structured output by a tool that the model has to call; some hand a conversation over by one.
An output may come all the same, and then closes the call as any other.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias

from tfclient.projection.api.model_call import ModelRequest
from tfclient.projection.steps.snapshots import tool_name

ByDesign: TypeAlias = Literal["output_tool", "handover"]
"""Why nobody need answer a call; it stands in the notes of its step."""

_OUTPUT_TOOL = re.compile(r"final_(?:result|answer)(?:_|\Z)")
_OF_MANY = re.compile(r"(?:final|return)_|(?:final|return|submit|output)\Z")
"""Among several tools of which one has to be called: which of them ends the work."""
_HANDOVER = re.compile(r"(?:transfer|hand_?(?:over|off))_(?:back_)?to_")


def forced_tools(request: ModelRequest) -> frozenset[str]:
    """Return the names of the tools that the model was told to call, where the call is all that is wanted.

    Example:
        >>> from tfclient.projection.api.model_call import ModelRequest
        >>> choice = {"type": "function", "function": {"name": "City"}}
        >>> forced_tools(ModelRequest("openai.chat.completions.create", "", arguments={"tool_choice": choice}))
        frozenset({'City'})
    """
    choice: Any = request.arguments.get("tool_choice", request.arguments.get("function_call"))
    offered = request.tools
    if (
        isinstance(choice, dict)
        and choice.get("mode") == "required"
        and isinstance(choice.get("tools"), list)
    ):
        offered = choice["tools"]
        choice = "required"
    if isinstance(choice, dict):
        return frozenset(_names(choice))
    if choice not in ("required", "any"):
        return frozenset()
    names = [tool_name(tool) for tool in offered]
    return frozenset(names if len(names) == 1 else (name for name in names if _OF_MANY.match(name)))


def _names(choice: dict[str, Any]) -> list[str]:
    parts = (choice, choice.get("function"), choice.get("custom"))
    return [part["name"] for part in parts if isinstance(part, dict) and isinstance(part.get("name"), str)]


def by_design(name: str, forced: frozenset[str]) -> ByDesign | None:
    """Return why nobody need answer a call of this tool, or None where somebody is to."""
    if name in forced or _OUTPUT_TOOL.match(name):
        return "output_tool"
    return "handover" if _HANDOVER.match(name) else None
