"""Items: the one shape in which inputs and outputs of every API family are compared and turned into steps.

A Responses item keeps its raw form. A Chat message becomes one or several items (its text, its tool calls), each
with the part of the message that it stands for. The fingerprint says whether two items are the same thing to the
model, whoever sent them; reasoning, hosted-tool items and system messages are skipped (``None``), because callers
drop or rewrite them.
"""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.api.content import text_of_content
from tfclient.projection.api.fingerprints import (
    call_fingerprint,
    digest,
    message_fingerprint,
    output_fingerprint,
)
from tfstore.document.item_types import Kind, item_type
from tfstore.document.json_text import canonical

POLICY_ROLES = frozenset({"system", "developer"})


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
    _identity: bytes | None = field(default=None, eq=False, repr=False)

    @property
    def identity(self) -> bytes:
        """What tells this item from all others where its id does not: the fingerprint, else the whole of it."""
        if self.fingerprint is not None:
            return self.fingerprint
        if self._identity is None:
            said = self.text if self.kind == "reasoning" else None
            self._identity = digest(self.type, said or canonical(self.raw))
        return self._identity

    @property
    def answered_by_caller(self) -> bool:
        """Whether the caller's program is expected to send this call's output."""
        if self.kind != "call":
            return False
        by = item_type(self.type).answered_by
        return by == "caller" or (by == "either" and self.raw.get("execution") == "client")


def from_responses(raw: Any, index: int) -> Item:
    """Return a Responses API input or output item as an ``Item``."""
    if isinstance(raw, str):
        raw = {"role": "user", "content": raw}
    if not isinstance(raw, dict):
        return Item("other", "unknown", {"value": raw}, index)
    named = str(raw.get("type") or ("message" if "role" in raw else "unknown"))
    kind = item_type(named).kind
    item = Item(kind, named, raw, index, item_id=_text(raw.get("id")), status=_text(raw.get("status")))
    item.call_id = _text(raw.get("call_id"))
    if kind == "message":
        _as_message(item)
    elif kind == "reasoning":
        item.text = _reasoning_text(raw)
    elif kind == "approval_request":
        item.name, item.arguments = _text(raw.get("name")), raw.get("arguments")
    elif kind == "approval_response":
        item.fingerprint = digest("approval", str(raw.get("approval_request_id")), str(raw.get("approve")))
    elif kind == "compaction":
        # By its id: a stream's event and its last word seal the same thing differently.
        item.fingerprint = digest("compaction", str(raw.get("id") or raw.get("encrypted_content")))
    elif kind == "output":
        item.output = _output_of(raw)
        item.fingerprint = output_fingerprint(item.call_id, item.output)
    elif kind == "call":
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
    item.fingerprint = message_fingerprint(item.role, content)


def _as_call(item: Item) -> None:
    item.name = _text(item.raw.get("name")) or item.type.removesuffix("_call")
    item.arguments = item.raw.get(item_type(item.type).arguments)
    # Hosted calls are skipped in matching: callers drop them, and some have neither call id nor stable arguments.
    if item.answered_by_caller:
        item.fingerprint = call_fingerprint(item.call_id, item.name, item.arguments)


def _output_of(raw: dict[str, Any]) -> Any:
    if "output" in raw:
        return raw["output"]
    return {k: v for k, v in raw.items() if k not in {"type", "id", "call_id", "status"}}


def _reasoning_text(raw: dict[str, Any]) -> str:
    given = (raw.get("summary"), raw.get("content"))
    parts = [part for each in given if isinstance(each, list) for part in each]
    return "\n\n".join(str(p["text"]) for p in parts if isinstance(p, dict) and p.get("text"))
