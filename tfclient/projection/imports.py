"""What a session says of itself that was imported from an agent's own log."""

from __future__ import annotations

from typing import Any

from attrs import define

from tfstore.document.documents import Session
from tfstore.reading.figures import counted


@define
class FromALog:
    """Takes what the session's first and last entry say of the log."""

    parent: str | None = None
    """The session in which the agent was started whose log it is."""

    def began(self, session: Session, imported: Any) -> None:
        """Note whose log it was, and what of the document is made."""
        if not isinstance(imported, dict):
            return
        made = imported.get("made")
        told = [
            f"imported:{imported.get('from')}",
            *(f"{each}:made" for each in made or () if isinstance(made, list)),
        ]
        session.notes += [note for note in told if note not in session.notes]
        parent = imported.get("parent_session")
        self.parent = parent if isinstance(parent, str) else None

    def ended(self, session: Session, imported: Any) -> None:
        """Note what of the log became nothing."""
        session.notes = [note for note in session.notes if not note.startswith("log:")]
        told = imported if isinstance(imported, dict) else {}
        kinds = told.get("passed_over")
        if isinstance(kinds, dict):
            named = ", ".join(f"{kind} ×{count}" for kind, count in kinds.items())
            session.notes.append(f"log: passed over: {named}")
        if told.get("unreadable"):
            first = told.get("lines")
            where = ", ".join(map(str, first)) if isinstance(first, list) else "?"
            count = told["unreadable"] if isinstance(told["unreadable"], int) else 0
            session.notes.append(f"log: {counted(count, 'line')} cannot be read, the first at {where}")

    def linked(self, session: Session) -> None:
        """Note at the session's beginning in which other session it was started."""
        if self.parent is not None and session.runs:
            notes, note = session.runs[0].lineage.notes, f"parent_session:{self.parent}"
            notes += [] if note in notes else [note]
