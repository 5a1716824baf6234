"""Which step holds an item that was seen before: by the item's id, else by what it says."""

from __future__ import annotations

from attrs import define, field

from tfclient.projection.api.fingerprints import digest
from tfclient.projection.api.items import Item
from tfstore.document.documents import Step


@define
class KnownItems:
    """The items of a session and their steps; the latest wins where the same words were said twice."""

    _by_id: dict[str, tuple[bytes | None, Step]] = field(factory=dict)
    _by_identity: dict[bytes, Step] = field(factory=dict)
    _sealed: dict[bytes, bytes] = field(factory=dict[bytes, bytes])
    """Compactions by what they seal, for those that come back without their id."""

    def add(self, item: Item, step: Step) -> None:
        """Remember which step an item became."""
        if item.item_id:
            self._by_id[item.item_id] = (item.fingerprint, step)
        self._by_identity[item.identity] = step
        if item.kind == "compaction" and item.fingerprint is not None and item.raw.get("encrypted_content"):
            self._sealed[digest("compaction", str(item.raw["encrypted_content"]))] = item.fingerprint

    def find(self, item: Item) -> Step | None:
        """Return the step of an item that is sent again."""
        if item.item_id in self._by_id:
            fingerprint, step = self._by_id[item.item_id]
            # An id alone is no proof: some providers repeat one for different items.
            if item.kind == "reference" or item.fingerprint == fingerprint:
                return step
        return self._by_identity.get(self.fingerprint(item) or item.identity)

    def fingerprint(self, item: Item) -> bytes | None:
        """Return an item's fingerprint; a reference has that of the item it names."""
        if item.kind == "reference" and item.item_id in self._by_id:
            return self._by_id[item.item_id][0]
        if item.kind == "compaction" and item.fingerprint is not None:
            return self._sealed.get(item.fingerprint, item.fingerprint)
        return item.fingerprint
