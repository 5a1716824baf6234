"""What of a session went over sockets, for a cassette: vcrpy has no form for it, and reads past it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from tfclient.export.yaml_bodies import yaml_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfstore.journal.entries import Entry

_OF_THE_JOURNAL: Final = frozenset({"seq", "session_id", "prev", "writer", "played", "agent"})

_OF_SOCKETS: Final = frozenset(
    {"socket.opened", "socket.frame", "socket.audio", "socket.unsent", "socket.closed"}
)


def socket_lines(
    entries: Iterable[Entry], bodies: Mapping[str, bytes | None], first_sent: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return the lines of the journal that tell of sockets, and of requests over them.

    Args:
        entries: all of the session's.
        bodies: of requests over sockets, by ``exchange_id``: what refers to earlier ones is whole here.
        first_sent: when what was played was first recorded, by its name in the recording: it becomes no younger.
    """
    lines: list[dict[str, Any]] = []
    earlier: dict[tuple[str, Any], int] = {}
    places: dict[str, tuple[str, Any]] = {}
    for entry in entries:
        kind = entry["type"]
        exchange = str(entry.get("exchange_id"))
        if kind == "attempt.sent" and exchange in bodies:
            places[exchange] = (str(entry.get("socket")), entry.get("socket_n"))
        if kind not in _OF_SOCKETS and exchange not in places:
            continue
        line = {name: value for name, value in entry.items() if name not in _OF_THE_JOURNAL}
        place = places.get(exchange) or (str(entry.get("socket")), entry.get("n"))
        played = entry.get("played")
        if kind == "socket.opened" and isinstance(played, dict):
            first = first_sent.get(str(played.get("exchange_id")), entry["at"])
            earlier[place] = int(entry["at"]) - first
        for name in ("at", "first_at"):
            if name in line:
                line[name] = int(line[name]) - earlier.get(place, 0)
        if kind == "attempt.sent" and (data := bodies[exchange]) is not None:
            line["body"] = {"text": data.decode("utf-8", "surrogatepass")}
        for name in ("data", "body"):
            if name in line:
                line[name] = _kept(line[name])
        lines.append(line)
    return lines


def _kept(body: Any) -> Any:
    """Return a body, as base64 where its text is none that YAML gives back, or no reader of it looks at."""
    text = body.get("text") if isinstance(body, dict) else body
    if not isinstance(text, str):
        return body
    data = text.encode("utf-8", "surrogatepass")
    kept = yaml_body(data)
    return body if isinstance(kept, str) else {"base64": base64.b64encode(data).decode()}
