"""The parts of a prompt that stay the same over many requests: instructions, tools, history sent from outside.

Each stands once per run and version; a version is the first 12 hex digits of the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from tfclient.projection.items import Item, canonical

if TYPE_CHECKING:
    from tfclient.projection.model_call import ModelRequest
    from tfclient.projection.run_state import Book, RunState

PREVIEW = 200


def version_of(value: Any) -> str:
    """Return the version of a prompt part: 12 hex digits of its canonical content's SHA-256."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def take_policies(book: Book, run: RunState, request: ModelRequest, at: int) -> str | None:
    """Return the step of the request's instructions, adding it if this version is new to the run."""
    if not request.policies:
        return None
    texts = [policy.text for policy in request.policies]
    payload = {
        "text": "\n\n".join(texts),
        "sources": [policy.source for policy in request.policies],
        "length": sum(map(len, texts)),
    }
    raws = [policy.raw for policy in request.policies]
    if any(not _plain(raw) for raw in raws):
        payload["items"] = raws
    return _once(
        book,
        run,
        "policy.snapshot",
        version_of([[p.source, p.text, p.raw] for p in request.policies]),
        payload,
        at,
    )


def _plain(raw: Any) -> bool:
    return isinstance(raw, str) or (
        isinstance(raw, dict)
        and isinstance(raw.get("content"), str)
        and set(raw) <= {"role", "content", "type"}
    )


def take_tools(book: Book, run: RunState, request: ModelRequest, at: int) -> str | None:
    """Return the step of the request's tools, adding it if this version is new to the run."""
    if not request.tools:
        return None
    payload = {
        "count": len(request.tools),
        "names": [tool_name(tool) for tool in request.tools],
        "tools": request.tools,
    }
    return _once(book, run, "tool.schemas.snapshot", version_of(request.tools), payload, at)


def tool_name(tool: Any) -> str:
    """Return a tool's name: a function's own, a server's label, or the type of a built-in tool."""
    if not isinstance(tool, dict):
        return str(tool)
    for part in (tool, tool.get("function"), tool.get("custom")):
        if isinstance(part, dict) and part.get("name"):
            return str(part["name"])
    kind = str(tool.get("type") or "tool")
    return f"{kind}:{tool['server_label']}" if tool.get("server_label") else kind


def take_context(book: Book, run: RunState, items: list[Item], at: int) -> str | None:
    """Return the step of history that was sent but never recorded, adding it if it is new to the run."""
    if not items:
        return None
    raws = [item.raw for item in items]
    preview = " | ".join(f"{i.role or i.type}: {' '.join((i.text or i.name or '').split())}" for i in items)
    payload = {"count": len(items), "preview": preview[:PREVIEW], "items": raws}
    return _once(book, run, "context.snapshot", version_of(raws), payload, at)


def _once(book: Book, run: RunState, label: str, version: str, payload: dict[str, Any], at: int) -> str:
    known = run.snapshots.get((label, version))
    if known is not None:
        return known
    step = book.add(run, label, label, at, payload_started={"version": version, **payload})
    run.snapshots[(label, version)] = step.step_id
    return step.step_id
