"""The parts of a prompt that stay the same over many requests: instructions, tools, history sent from outside.

Each stands once per run and version; a version is the first 12 hex digits of the SHA-256 of its content.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tfclient.projection.api.model_call import ModelRequest, Policy
from tfclient.projection.lineage.book import Book, RunState
from tfstore.document.documents import Step
from tfstore.document.json_text import canonical_bytes
from tfstore.document.labels import Label

PREVIEW = 200


def version_of(value: Any) -> str:
    """Return the version of a prompt part: 12 hex digits of its canonical content's SHA-256."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()[:12]


def take_policies(book: Book, run: RunState, policies: list[Policy], at: int) -> Step | None:
    """Return the step of these instructions, adding it if this version is new to the run."""
    if not policies:
        return None
    texts = [policy.text for policy in policies]
    payload = {
        "text": "\n\n".join(texts),
        "sources": [policy.source for policy in policies],
        "length": sum(map(len, texts)),
    }
    if len(policies) > 1 or not _plain(policies[0]):
        payload["items"] = [policy.raw for policy in policies]
    version = version_of([[policy.source, policy.raw] for policy in policies])
    return _once(book, run, "policy.snapshot", version, payload, at)


def _plain(policy: Policy) -> bool:
    """Whether the text and where it came from are all there is."""
    if policy.source == "instructions":
        return isinstance(policy.raw, str)
    raw = policy.raw
    return isinstance(raw, dict) and isinstance(raw.get("content"), str) and set(raw) <= {"role", "content"}


def take_tools(book: Book, run: RunState, request: ModelRequest, at: int) -> Step | None:
    """Return the step of the request's tools, adding it if this version is new to the run."""
    if not request.tools:
        return None
    payload: dict[str, Any] = {
        "count": len(request.tools),
        "names": [tool_name(tool) for tool in request.tools],
        "tools": request.tools,
    }
    if request.functions:
        payload["functions"] = request.functions
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


def take_context(book: Book, run: RunState, raws: list[Any], words: list[str], at: int) -> Step | None:
    """Return the step of history that was sent but never recorded, adding it if it is new to the run."""
    if not raws:
        return None
    payload = {"count": len(raws), "preview": " | ".join(words)[:PREVIEW], "items": raws}
    return _once(book, run, "context.snapshot", version_of(raws), payload, at)


def _once(book: Book, run: RunState, label: Label, version: str, payload: dict[str, Any], at: int) -> Step:
    known = run.snapshots.get((label, version))
    if known is not None:
        return known
    step = book.add(run, label, label, at, payload_started={"version": version, **payload})
    run.snapshots[(label, version)] = step
    return step
