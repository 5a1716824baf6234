"""Values that grow while a stream runs: pieces are kept as they come and joined when somebody looks."""

from __future__ import annotations

from typing import Any


class Pieces(list[str]):
    """A text in the making. Joining at each piece would cost the square of its length."""


def grow(holder: dict[str, Any], key: str, piece: str) -> None:
    """Add a piece to a text."""
    text = holder.get(key)
    if isinstance(text, Pieces):
        text.append(piece)
    else:
        holder[key] = Pieces([text, piece] if isinstance(text, str) and text else [piece])


def joined(value: Any) -> Any:
    """Return a copy of a value with its texts joined.

    Example:
        >>> holder = {"text": "Hel"}
        >>> grow(holder, "text", "lo")
        >>> joined(holder)
        {'text': 'Hello'}
    """
    if isinstance(value, Pieces):
        return "".join(value)
    if isinstance(value, dict):
        return {k: joined(v) for k, v in value.items()}
    if isinstance(value, list):
        return [joined(v) for v in value]
    return value
