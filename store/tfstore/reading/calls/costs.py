"""What model calls cost, given what a token does: prices change and are written nowhere, what was used is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from attrs import define

from tfstore.document.documents import Session, Step
from tfstore.document.played import is_played
from tfstore.reading.figures import counted

Price: TypeAlias = Callable[[Step], "float | None"]
"""Dollars of a call; None where no price is known."""

_FREE: Final = frozenset({"http_error", "no_response"})
"""Endings of calls that nothing is asked for."""


@define
class Cost:
    """What calls cost: ``dollars`` of those with a price; ``unpriced`` are those of the ``calls`` without one.

    Example:
        >>> cost = Cost(0.0123, calls=3, unpriced=1)
        >>> cost.words, cost.told
        ('$0.0123', '$0.0123 (of 3 calls, 1 without a price)')
        >>> Cost(0, calls=2, unpriced=2).words
        ''
    """

    dollars: float = 0.0
    calls: int = 0
    unpriced: int = 0

    def add(self, other: Cost) -> None:
        """Count another cost to this one."""
        self.dollars += other.dollars
        self.calls += other.calls
        self.unpriced += other.unpriced

    @property
    def known(self) -> bool:
        """Whether a price is known of any call."""
        return self.calls > self.unpriced

    @property
    def words(self) -> str:
        """Return the dollars; nothing where no price is known: unknown is not free."""
        return dollars(self.dollars) if self.known else ""

    @property
    def mark(self) -> str:
        """Return how many calls have no price, as it stands behind dollars; nothing where each has one."""
        return f" ({self.unpriced:,}?)" if self.known and self.unpriced else ""

    @property
    def short(self) -> str:
        """Return what stands in a cell: the dollars, how many calls have no price; a dash where none has one."""
        return f"{self.words}{self.mark}" if self.known else "–"

    @property
    def told(self) -> str:
        """Return the dollars, and of how many calls there is no price."""
        if not self.calls:
            return ""
        lacking = (
            f"of {counted(self.calls, 'call')}, {self.unpriced:,} without a price" if self.unpriced else ""
        )
        if not self.known:
            return lacking
        return f"{self.words} ({lacking})" if lacking else self.words

    def as_json(self) -> dict[str, Any]:
        """Return it as it stands in JSON: ``dollars`` is null where no price is known."""
        known = round(self.dollars, 10) if self.known else None
        return {"dollars": known, "calls": self.calls, "unpriced": self.unpriced}


def is_paid(step: Step) -> bool:
    """Return whether a step is a model call that is paid for: not one that got no answer, or was played again."""
    if is_played(step) or step.label != "assistant_call":
        return False
    return step.usage is not None or step.ending not in {None, *_FREE}


def cost_of(steps: Iterable[Step], price: Price) -> Cost:
    """Return what those of the steps cost that are paid for."""
    cost = Cost()
    for step in steps:
        if is_paid(step):
            asked = price(step) if step.usage is not None else None
            cost.add(Cost(asked or 0.0, 1, int(asked is None)))
    return cost


def cost_of_session(session: Session, price: Price) -> Cost:
    """Return what a session's calls cost."""
    return cost_of((step for run in session.runs for step in run.steps), price)


def costs_by_model(session: Session, price: Price) -> dict[str, Cost]:
    """Return what a session's calls cost, by the model that served them."""
    found: dict[str, Cost] = {}
    for run in session.runs:
        for step in run.steps:
            if is_paid(step):
                found.setdefault(step.model or "unknown", Cost()).add(cost_of((step,), price))
    return found


def dollars(amount: float) -> str:
    """Return dollars as people read them: cents where there are some, else as many digits as tell something.

    Example:
        >>> [dollars(each) for each in (12.5, 0.55489, 0.00554895, 0.0000012, 0)]
        ['$12.50', '$0.555', '$0.00555', '$0.0000012', '$0.00']
    """
    if amount == 0 or amount >= 1:
        return f"${amount:,.2f}"
    digits = f"{amount:.3g}"
    if "e" in digits:
        digits = f"{amount:.12f}".rstrip("0")
    return f"${digits}"
