"""One number, what it may be at most, and how it is told."""

from __future__ import annotations

import attrs


@attrs.frozen
class Figure:
    """Something that was measured.

    Attributes:
        what: In words.
        value: The number.
        unit: Its unit; ``%`` for shares, which are kept as fractions.
        limit: What was promised at most, or None where nothing was.
        note: How it came about.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def kept(self) -> bool | None:
        """Whether the promise is kept; None if there is none."""
        return None if self.limit is None else self.value <= self.limit

    def row(self) -> tuple[str, str, str, str]:
        """Give the cells of a table: what, value, limit, verdict."""
        verdict = {None: "", True: "kept", False: "NOT KEPT"}[self.kept]
        return (
            self.what,
            self._said(self.value),
            "" if self.limit is None else self._said(self.limit),
            verdict,
        )

    def _said(self, value: float) -> str:
        if self.unit == "%":
            return f"{value * 100:.1f} %"
        return f"{value:.4g} {self.unit}" if abs(value) < 10_000 else f"{value:,.0f} {self.unit}"
