"""What the processes of a replayed program said they played, put together."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import define, field

from tfstore.reading.plain_text import brief

if TYPE_CHECKING:
    from pathlib import Path


@define
class Report:
    """One run of a program: how its requests were answered, by whichever of its processes.

    ``played`` are ``exchange_id``s; ``places`` where requests differed from the recorded ones, ``missed`` the
    messages of those that had no answer, ``unread`` the types of messages of sockets that were never read,
    ``sessions`` those that record the run.
    """

    count: int
    played: dict[str, None] = field(factory=dict[str, None])
    ways: Counter[str] = field(factory=Counter[str])
    places: dict[str, None] = field(factory=dict[str, None])
    live: int = 0
    missed: list[str] = field(factory=list[str])
    unread: list[str] = field(factory=list[str])
    placeholders: list[str] = field(factory=list[str])
    sessions: dict[str, None] = field(factory=dict[str, None])

    def take(self, told: dict[str, Any]) -> None:
        """Take one line of one process."""
        if "played" in told:
            self.played[told["played"]] = None
            self.ways[told["how"]] += 1
            self.places.update(dict.fromkeys(told["places"]))
            if told["placeholders"]:
                self.placeholders.append(told["played"])
        self.live += told.get("live", 0)
        if "missed" in told:
            self.missed.append(told["missed"])
        self.unread += told.get("unread", ())
        if "session" in told:
            self.sessions[told["session"]] = None

    def told(self) -> str:
        """Return it in one line: ``played 12 of 12: 10 exact, 2 alike (instructions), 0 live``."""
        said = ", ".join(
            [f"{self.ways['exact']} exact"]
            + [f"{self.ways[how]} {how}" for how in ("alike", "nearest") if self.ways[how]]
        )
        where = f" ({brief(', '.join(self.places), 200)})" if self.places else ""
        missed = f", {len(self.missed)} missed" if self.missed else ""
        return f"played {len(self.played)} of {self.count}: {said}{where}, {self.live} live{missed}"


def report_of(folder: Path, count: int) -> Report:
    """Return what the processes wrote into a folder; a line that was not finished is passed over."""
    report = Report(count)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            try:
                report.take(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
    return report
