"""Items: the one shape in which inputs and outputs of every API family are compared and turned into steps.

A Responses item keeps its raw form. A Chat message becomes one or several items (its text, its tool calls), each
with the part of the message that it stands for. The fingerprint says whether two items are the same thing to the
model, whoever sent them: ids, status, annotations, phase and key order do not count; reasoning, hosted-tool items
and system messages are skipped (``None``), because callers drop or rewrite them.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from attrs import define

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

CLIENT_CALLS = frozenset(
    {
        "function_call",
        "custom_tool_call",
        "computer_call",
        "local_shell_call",
        "shell_call",
        "apply_patch_call",
    }
)
"""Calls that the caller's program answers, so that one without an answer is unresolved."""

CALL_FAMILY = CLIENT_CALLS | {
    "tool_search_call",
    "mcp_call",
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "program",
}

POLICY_ROLES = frozenset({"system", "developer"})

IGNORED_IN_PARTS = frozenset({"id", "status", "annotations", "phase", "logprobs", "detail"})


@define
class Item:
    """One input or output item; ``index`` is its place in the list it came from."""

    kind: Kind
    type: str
    raw: dict[str, Any]
    index: int = 0
    role: str | None = None
    text: str = ""
    item_id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    output: Any = None
    status: str | None = None
    choice: int = 0
    fingerprint: bytes | None = None

    @property
    def answered_by_caller(self) -> bool:
        """Whether the caller's program is expected to send this call's output."""
        if self.kind != "call":
            return False
        return self.type in CLIENT_CALLS or (
            self.type == "tool_search_call" and self.raw.get("execution") == "client"
        )


def digest(*parts: str | bytes) -> bytes:
    """Return a short digest of the parts, each kept apart from its neighbour."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.digest()


def canonical(value: Any) -> str:
    """Return JSON text that does not depend on key order or white space."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def parse_arguments(arguments: Any) -> tuple[Any, bool]:
    """Return a call's arguments as JSON value where they parse, and whether they did."""
    if not isinstance(arguments, str):
        return arguments, True
    try:
        return json.loads(arguments), True
    except (ValueError, RecursionError):
        return arguments, arguments == ""


def text_of_content(content: Any) -> str:
    """Return the text of a message's content, its text parts joined by newlines."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        return str(content)
    texts = [part if isinstance(part, str) else _part_text(part) for part in content]
    return "\n".join(text for text in texts if text)


def _part_text(part: Any) -> str:
    if not isinstance(part, dict):
        return ""
    for key in ("text", "refusal", "transcript"):
        if isinstance(part.get(key), str):
            return str(part[key])
    return ""


def only_text(content: Any) -> bool:
    """Return whether the content is plain text, with nothing that ``text_of_content`` would lose."""
    if content is None or isinstance(content, str):
        return True
    return isinstance(content, list) and all(
        isinstance(part, dict)
        and part.get("type") in {"input_text", "text", "output_text"}
        and set(part) <= {"type", "text"}
        for part in content
    )


def describe_parts(content: Any) -> str:
    """Return what a message without text was, as in ``[image]`` or ``[file: report.pdf]``."""
    if not isinstance(content, list):
        return ""
    words: list[str] = []
    for part in content:
        if not isinstance(part, dict):
            continue
        kind = str(part.get("type", "part"))
        inner = part.get("file") if isinstance(part.get("file"), dict) else part
        name = (inner or {}).get("filename") or (inner or {}).get("file_id")
        word = next((w for w in ("image", "file", "audio", "video") if w in kind), kind)
        words.append(f"[{word}: {name}]" if name else f"[{word}]")
    return " ".join(words)


def message_fingerprint(role: str, content: Any, refusal: Any = None) -> bytes:
    """Return the fingerprint of a message: role, white-space-normalised text, and whatever is not text."""
    text = text_of_content(content)
    if not text and isinstance(refusal, str):
        text = refusal
    others: list[Any] = []
    if isinstance(content, list):
        others = [
            {k: v for k, v in part.items() if k not in IGNORED_IN_PARTS}
            for part in content
            if isinstance(part, dict)
            and not _part_text(part)
            and part.get("type") not in {"output_text", "text"}
        ]
    return digest("message", role, " ".join(text.split()), canonical(others) if others else "")


def call_fingerprint(call_id: str | None, name: str | None, arguments: Any) -> bytes:
    """Return the fingerprint of a call: call id, name, parsed arguments."""
    return digest("call", call_id or "", name or "", canonical(parse_arguments(arguments)[0]))


def output_fingerprint(call_id: str | None, output: Any) -> bytes:
    """Return the fingerprint of a tool output: call id and content."""
    content = output if isinstance(output, str) else canonical(output)
    return digest("output", call_id or "", content)


def from_responses(raw: Any, index: int) -> Item:
    """Return a Responses API input or output item as an ``Item``."""
    if isinstance(raw, str):
        raw = {"role": "user", "content": raw}
    if not isinstance(raw, dict):
        return Item("other", "unknown", {"value": raw}, index)
    kind = str(raw.get("type") or ("message" if "role" in raw else "unknown"))
    item = Item("other", kind, raw, index, item_id=_text(raw.get("id")), status=_text(raw.get("status")))
    item.call_id = _text(raw.get("call_id"))
    if kind == "message":
        _as_message(item)
    elif kind == "reasoning":
        item.kind = "reasoning"
        item.text = _reasoning_text(raw)
    elif kind == "item_reference":
        item.kind = "reference"
    elif kind == "mcp_approval_request":
        item.kind = "approval_request"
        item.name, item.arguments = _text(raw.get("name")), raw.get("arguments")
    elif kind == "mcp_approval_response":
        item.kind = "approval_response"
        item.fingerprint = digest("approval", str(raw.get("approval_request_id")), str(raw.get("approve")))
    elif kind in {"compaction", "compaction_summary"}:
        item.kind = "compaction"
        item.fingerprint = digest("compaction", str(raw.get("encrypted_content") or raw.get("id")))
    elif kind.endswith("_output"):
        item.kind = "output"
        item.output = _output_of(raw)
        item.fingerprint = output_fingerprint(item.call_id, item.output)
    elif kind in CALL_FAMILY or kind.endswith("_call"):
        _as_call(item)
    return item


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_message(item: Item) -> None:
    raw = item.raw
    item.role = str(raw.get("role") or "assistant")
    content = raw.get("content")
    item.text = text_of_content(content)
    if item.role in POLICY_ROLES:
        item.kind = "policy"
        return
    item.kind = "message"
    item.fingerprint = message_fingerprint(item.role, content)


_CALL_ARGUMENTS = {
    "custom_tool_call": "input",
    "computer_call": "action",
    "local_shell_call": "action",
    "shell_call": "action",
    "apply_patch_call": "operation",
    "web_search_call": "action",
    "file_search_call": "queries",
    "code_interpreter_call": "code",
}


def _as_call(item: Item) -> None:
    raw, kind = item.raw, item.type
    item.kind = "call"
    item.name = _text(raw.get("name")) or kind.removesuffix("_call")
    item.arguments = raw.get(_CALL_ARGUMENTS.get(kind, "arguments"))
    # Hosted calls are skipped in matching: callers drop them, and some have neither call id nor stable arguments.
    if item.answered_by_caller:
        item.fingerprint = call_fingerprint(item.call_id, item.name, item.arguments)


def _output_of(raw: dict[str, Any]) -> Any:
    if "output" in raw:
        return raw["output"]
    return {k: v for k, v in raw.items() if k not in {"type", "id", "call_id", "status"}}


def _reasoning_text(raw: dict[str, Any]) -> str:
    parts = [*(raw.get("summary") or []), *(raw.get("content") or [])]
    return "\n\n".join(str(p["text"]) for p in parts if isinstance(p, dict) and p.get("text"))
