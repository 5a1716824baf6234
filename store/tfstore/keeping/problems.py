"""What can be wrong with a store: one table of kinds, and of what mends each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import asdict, frozen

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal[
    # a journal
    "changed",
    "removed",
    "inserted",
    "unreadable",
    "lost",
    "torn",
    "lost_journal",
    "unarchived_journal",
    "dead_writer",
    # a document
    "no_document",
    "corrupt_document",
    "lost_document",
    "newer_document",
    "misnamed_document",
    "blocked_document",
    "changed_document",
    "stale_document",
    "earlier_document",
    "drift",
    "not_made",
    "lost_blob",
    # notes
    "damaged_notes",
    # the store
    "unfinished_file",
    "leftover_file",
    # what leaves it
    "refused",
]

Mend = Literal["recover", "rebuild", "fix", "delete", "move", "send", "none"]
"""``recover``, ``rebuild``: from the journal, by the command of that name or ``tfclient doctor --fix``. ``fix``: by
that alone. ``delete``: it is what a deletion leaves that did not come to its end, and ``tfclient delete`` ends it.
``move``: something of somebody else's is in the way. ``send``: it is sound here, and was refused elsewhere."""

_MENDS: Final[dict[Kind, Mend]] = {
    "corrupt_document": "recover",
    "no_document": "recover",
    "dead_writer": "recover",
    "unarchived_journal": "recover",
    "changed_document": "rebuild",
    "stale_document": "rebuild",
    "earlier_document": "rebuild",
    "lost_blob": "rebuild",
    "unfinished_file": "fix",
    "lost_journal": "delete",
    "leftover_file": "delete",
    "blocked_document": "move",
    "refused": "send",
}

_HARMLESS: Final = frozenset[Kind]({"lost", "torn", "earlier_document", "drift", "damaged_notes", "refused"})


@frozen
class Problem:
    """One thing that is not as it should be: its kind, in words, and where it is.

    ``writer`` and ``seq`` name a journal's segment and the entry in it.
    """

    kind: Kind
    detail: str
    session_id: str | None = None
    path: Path | None = None
    writer: str | None = None
    seq: int | None = None

    @property
    def mend(self) -> Mend:
        """What mends it; ``none`` where something is lost: then it can only be said."""
        return _MENDS.get(self.kind, "none")

    @property
    def harmless(self) -> bool:
        """Whether a full disk, a killed process or another version left it; else something was done to the files."""
        return self.kind in _HARMLESS

    def as_json(self) -> dict[str, Any]:
        """Return what the commands print of it with ``--json``."""
        path = None if self.path is None else str(self.path)
        return {**asdict(self), "path": path, "mend": self.mend}
