"""A span as data: what becomes protobuf, or JSON."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import define, field

Value: TypeAlias = str | bool | int | float | list[str]
Attributes: TypeAlias = dict[str, Value]

Kind = Literal["internal", "client"]
KINDS: Final[dict[Kind, int]] = {"internal": 1, "client": 3}
"""As OTLP numbers them."""

StatusCode = Literal["unset", "ok", "error"]
STATUS_CODES: Final[dict[StatusCode, int]] = {"unset": 0, "ok": 1, "error": 2}


@define
class Event:
    """Something that happened at a moment of a span; ``at`` is nanoseconds since the epoch."""

    name: str
    at: int
    attributes: Attributes = field(factory=dict[str, Value])


@define
class Link:
    """Another span that this one goes on from."""

    trace_id: bytes
    span_id: bytes
    attributes: Attributes = field(factory=dict[str, Value])


@define
class Span:
    """One operation; ``start`` and ``end`` are nanoseconds since the epoch, ids 16 and 8 bytes."""

    trace_id: bytes
    span_id: bytes
    name: str
    start: int
    end: int
    kind: Kind = "internal"
    parent_id: bytes | None = None
    attributes: Attributes = field(factory=dict[str, Value])
    events: list[Event] = field(factory=list[Event])
    links: list[Link] = field(factory=list[Link])
    status: StatusCode = "unset"
    message: str = ""
