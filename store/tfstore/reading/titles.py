"""A step in one line: what lists and headings show of it, for every type of item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfstore.document.references import is_reference
from tfstore.reading.step_text import as_text, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.document.documents import Step

WIDTH = 100


def title_of(step: Step) -> str:
    """Return a step's title: one line of at most 100 characters.

    Example:
        >>> from tfstore.document.documents import Step
        >>> call = {"name": "get_weather", "arguments": {"city": "Oslo", "days": 2}}
        >>> title_of(Step("step_1_3", 3, "tool_call", "tool.get_weather", payload_started=call))
        "get_weather(city='Oslo', days=2)"
    """
    title = " ".join(_TITLES.get(step.label, _generic)(step).split())
    title = title or step.type
    return title if len(title) <= WIDTH else title[: WIDTH - 1] + "…"


def _model_call(step: Step) -> str:
    model = step.model or as_text(step.payload_started.get("model")) or "model"
    if step.error is not None:
        return f"{model}: {step.error.message}"
    said = as_text(step.payload_completed.get("text"))
    calls = step.payload_completed.get("function_calls") or []
    asked = ", ".join(as_text(call.get("name")) for call in calls if isinstance(call, dict))
    return f"{model}: {said or asked or step.status}"


def _policy(step: Step) -> str:
    return f"instructions: {text_of(step)}"


def _tools(step: Step) -> str:
    return f"{step.payload_started.get('count', 0)} tools: {text_of(step)}"


def _context(step: Step) -> str:
    return f"{step.payload_started.get('count', 0)} earlier items: {text_of(step)}"


def _reasoning(step: Step) -> str:
    said = step.payload_completed
    if said.get("text"):
        return as_text(said["text"])
    sealed = said.get("encrypted")
    return f"reasoning, encrypted, {sealed.get('bytes')} bytes" if isinstance(sealed, dict) else "reasoning"


def _call(step: Step) -> str:
    payload = step.payload_started
    kind = str(payload.get("type") or "function_call")
    arguments = payload.get("arguments")
    special = _CALLS.get(kind)
    if special is not None:
        return special(payload, arguments if isinstance(arguments, dict) else {"": arguments})
    name = as_text(payload.get("name")) or step.type.removeprefix("tool.")
    return f"{name}({_listed(arguments)})"


def _listed(arguments: Any) -> str:
    if isinstance(arguments, dict) and not is_reference(arguments):
        return ", ".join(f"{key}={_plain(value)!r}" for key, value in arguments.items())
    return as_text(arguments)


def _plain(value: Any) -> Any:
    return as_text(value) if is_reference(value) else value


def _web_search(_payload: Any, action: dict[str, Any]) -> str:
    what = action.get("query") or action.get("url") or action.get("pattern") or action.get("queries")
    return f"web search: {as_text(what)}" if what else "web search"


def _file_search(_payload: Any, queries: dict[str, Any]) -> str:
    given = queries.get("")
    words = "; ".join(map(str, given)) if isinstance(given, list) else as_text(given)
    return f"file search: {words}"


def _code(_payload: Any, code: dict[str, Any]) -> str:
    return f"code: {as_text(code.get(''))}"


def _image(payload: dict[str, Any], _action: Any) -> str:
    prompt = payload.get("revised_prompt") or payload.get("prompt")
    return f"image: {prompt}" if prompt else "image generation"


def _computer(payload: dict[str, Any], action: dict[str, Any]) -> str:
    actions = payload.get("actions")
    done = [action] if action.get("type") else actions if isinstance(actions, list) else []
    words: list[str] = []
    for each in done:
        if isinstance(each, dict):
            rest = {k: v for k, v in each.items() if k != "type"}
            words.append(f"{each.get('type')}({_listed(rest)})")
    return f"computer: {', '.join(words)}"


def _shell(_payload: Any, action: dict[str, Any]) -> str:
    given = action.get("commands") or action.get("command")
    commands = " ".join(map(str, given)) if isinstance(given, list) else as_text(given)
    return f"$ {commands}"


def _patch(_payload: Any, operation: dict[str, Any]) -> str:
    return f"patch: {operation.get('type', '')} {operation.get('path', '')}"


def _mcp(payload: dict[str, Any], arguments: dict[str, Any]) -> str:
    given = arguments.get("") if set(arguments) == {""} else arguments
    return f"{payload.get('server_label', 'mcp')}: {payload.get('name')}({_listed(given)})"


def _custom(payload: dict[str, Any], given: dict[str, Any]) -> str:
    return f"{payload.get('name')}: {as_text(given.get('') if set(given) == {''} else given)}"


def _tool_search(_payload: Any, arguments: dict[str, Any]) -> str:
    return f"tool search({_listed(arguments.get('') if set(arguments) == {''} else arguments)})"


_CALLS: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
    "web_search_call": _web_search,
    "file_search_call": _file_search,
    "code_interpreter_call": _code,
    "image_generation_call": _image,
    "computer_call": _computer,
    "shell_call": _shell,
    "local_shell_call": _shell,
    "apply_patch_call": _patch,
    "mcp_call": _mcp,
    "custom_tool_call": _custom,
    "tool_search_call": _tool_search,
    "program": lambda payload, _: f"program: {as_text(payload.get('code'))}",
}


def _output(step: Step) -> str:
    return f"{step.tool_name or 'tool'} → {text_of(step)}"


def _approval(step: Step) -> str:
    if step.label == "approval_request":
        return f"may {step.tool_name or 'the tool'} run? ({_listed(step.payload_started.get('arguments'))})"
    return "approved" if step.payload_completed.get("approve") else "denied"


def _generic(step: Step) -> str:
    said = step.payload_completed
    if step.type.startswith("api."):
        result = said.get("result") or (step.error.message if step.error else step.status)
        return f"{step.type.removeprefix('api.')}: {as_text(result)}"
    if step.type == "mcp_list_tools":
        tools = said.get("tools")
        return f"{said.get('server_label', 'mcp')}: {len(tools) if isinstance(tools, list) else 0} tools"
    return f"{step.type.removeprefix('annotation.')}: {text_of(step)}"


_TITLES: dict[str, Callable[[Step], str]] = {
    "user_message": text_of,
    "policy.snapshot": _policy,
    "tool.schemas.snapshot": _tools,
    "context.snapshot": _context,
    "assistant_call": _model_call,
    "reasoning": _reasoning,
    "tool_call": _call,
    "tool_output": _output,
    "tool_error": _output,
    "approval_request": _approval,
    "approval_response": _approval,
    "assistant_message": text_of,
    "context_compacted": lambda _step: "context compacted",
    "generic": _generic,
}
