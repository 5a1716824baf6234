"""What a model of a session was told once: the one that speaks, and the one that work is delegated to."""

from __future__ import annotations

from typing import Any

from attrs import define, field


@define(eq=False)
class Backend:
    """A model, as the server has it."""

    named: str | None = None
    """The model's name, where the address of the socket says it."""
    told: dict[str, Any] = field(factory=dict[str, Any])

    @property
    def model(self) -> str | None:
        """The model's name."""
        model = self.told.get("model")
        return model if isinstance(model, str) else self.named
