"""Leaves of JSON: every text and number, and whether a document holds it."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfstore.document.converter import step_to_json
from tfstore.reading.wire_items import wire_item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfstore.document.documents import Step

Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str | int | float]]:
    """Yield every text and number with its path; null, true, false and empty texts say nothing that can be lost."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, (*path, key))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from leaves(each, (*path, n))
    elif value not in (None, "") and not isinstance(value, bool):
        yield path, value


@define
class Held:
    """All that some steps hold, in their fields, in JSON inside their texts, and in their blobs."""

    blobs: Mapping[str, bytes]
    values: set[Any] = field(factory=set)

    def take(self, step: Step) -> None:
        """What the step holds, and what it is given back as: a label says ``type`` and ``role``."""
        self._add(step_to_json(step))
        if step.label not in {"assistant_call", "tool.schemas.snapshot"}:
            for form in ("item", "message"):
                self._add(wire_item([step], form))

    def _add(self, value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("blob"), str) and value["blob"] in self.blobs:
                self._add_blob(value)
            for each in value.values():
                self._add(each)
        elif isinstance(value, list):
            for each in value:
                self._add(each)
        else:
            self.values.add(value)

    def _add_blob(self, reference: dict[str, Any]) -> None:
        data = self.blobs[reference["blob"]]
        self.values.add(data)
        if reference.get("encoding") == "json":
            self._add(json.loads(data))
        elif reference.get("encoding") is None:
            self.values.add(data.decode("utf-8", "replace"))

    def holds(self, leaf: Any) -> bool:
        """Whether a leaf is here: itself, the leaves of the JSON in it, or the bytes that it encodes."""
        if leaf in self.values:
            return True
        if not isinstance(leaf, str):
            return False
        inner = _parsed(leaf)
        if inner is not None:
            return all(self.holds(each) for _, each in leaves(inner))
        return self._bytes_of(leaf) in self.values

    def _bytes_of(self, leaf: str) -> bytes | None:
        text = leaf.partition(";base64,")[2] if leaf.startswith("data:") else leaf
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None


def _parsed(text: str) -> Any:
    if text[:1] not in "[{":
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
