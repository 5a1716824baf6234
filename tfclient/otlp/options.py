"""How spans are made of sessions."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, field, frozen

from tfclient.otlp.calls import Price
from tfclient.otlp.messages import Content
from tfclient.otlp.parts import Reader, fit

FindSpan = Callable[[str], "tuple[bytes, bytes] | None"]
"""Returns trace and span of the model call of another session that made a response."""


@frozen
class Options:
    """How spans are made.

    ``content`` is ``full`` (what the model saw), ``new`` (what is new in each request) or ``none`` (no text at all);
    ``whole_session`` makes one trace of a session.
    """

    content: Content = "full"
    whole_session: bool = False
    reader: Reader = field(factory=Reader)
    price: Price | None = None
    find_span: FindSpan | None = None

    def said(self, text: str) -> str:
        """Return a text as a span may have it; nothing where it is to have none."""
        return "" if self.content == "none" else fit(text)


def reduced(options: Options, content: Content) -> Options:
    """Return the options with less content: what a receiver refuses as too large may go without."""
    return evolve(options, content=content)
