"""Lessons as they are stored: a JSON object each, with what every session adds to it apart.

========================================= ==============================================================================
lesson_id, signature, tool, tool_schema   what it is; the version of the tool's schema when it was last seen
seen, solved, ways                        how many failed answers, how many put right, and how often in which way
evidence                                  ``session#step`` of the answers, the newest first, 50 at most
first_seen, last_seen                     when the sessions began
status, resolved_at, resolved_by          ``open``, ``resolved`` or ``muted``; ``person`` or ``measured``
came_back                                 when it was seen again after that
confirmed                                 whether a person said that it may be given out
used_in                                   by session that was given it: when it began, and how often it called the tool
by_session                                what each session adds: ``at``, ``steps``, ``solved``, ``ways``, ``schema``
said                                      what a person set, and when: status, confirmed
========================================= ==============================================================================

All but ``said``, ``used_in`` and ``by_session`` follows from these three, so that a session can be taken out again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import field, frozen

from tfstore.document.documents import Json

VERSION: Final = "learnings/1"

EVIDENCE: Final = 50
"""Places at which a lesson was seen that are kept, of each session and in all."""

MEASURED: Final = 5
"""Sessions in which a tool must not have failed so, with the lesson before it, for that to count as resolved."""


@frozen
class Taught:
    """What a session adds.

    ``lessons`` are of each lesson that was seen in it ``lesson_id``, ``signature``, ``tool`` and ``part``, a value of
    ``by_session``; ``given`` the ids of lessons that its prompts held, ``calls`` how often it called each tool.
    """

    session_id: str
    at: str
    lessons: Sequence[Json] = ()
    given: Sequence[str] = ()
    calls: Mapping[str, int] = field(factory=dict[str, int])


def with_sessions(rows: Iterable[Json], taught: Sequence[Taught]) -> list[Json]:
    """Return lessons with what sessions add in place of what they added before."""
    by_id = {row["lesson_id"]: row for row in _without(rows, frozenset(each.session_id for each in taught))}
    for session in taught:
        for each in session.lessons:
            new = {name: each[name] for name in ("lesson_id", "signature", "tool")}
            row = by_id.setdefault(each["lesson_id"], {**new, "used_in": {}, "by_session": {}, "said": {}})
            row["by_session"][session.session_id] = each["part"]
    for session in taught:
        for lesson_id in session.given:
            if lesson_id in by_id:
                row = by_id[lesson_id]
                calls = session.calls.get(row["tool"], 0)
                row["used_in"][session.session_id] = {"at": session.at, "calls": calls}
    return _sorted(by_id.values())


def without_sessions(rows: Iterable[Json], session_ids: frozenset[str]) -> list[Json]:
    """Return lessons without what these sessions added; those that no other session taught are gone."""
    return _sorted(_without(rows, session_ids))


def without_lessons(rows: Iterable[Json], lesson_ids: frozenset[str]) -> list[Json]:
    """Return lessons without these."""
    return [row for row in rows if row["lesson_id"] not in lesson_ids]


def _without(rows: Iterable[Json], session_ids: frozenset[str]) -> list[Json]:
    """Return the rows that are left, copied as deep as they are changed."""
    return [
        {
            **row,
            "used_in": {key: value for key, value in row["used_in"].items() if key not in session_ids},
            "by_session": {key: value for key, value in row["by_session"].items() if key not in session_ids},
        }
        for row in rows
    ]


def _sorted(rows: Iterable[Json]) -> list[Json]:
    told = [tallied(row) for row in rows if row["by_session"]]
    return sorted(told, key=lambda row: (-row["seen"], row["lesson_id"]))


def tallied(row: Json) -> Json:
    """Return a lesson with all that follows from what its sessions added."""
    parts = sorted(row["by_session"].items(), key=lambda each: (each[1]["at"], each[0]))
    ways: Counter[str] = Counter()
    for _, part in parts:
        for way in part["ways"]:
            ways[_text(way["way"])] += way["times"]
    counted = sorted(ways.items(), key=lambda each: (-each[1], each[0]))
    newest = [
        f"{session_id}#{step}" for session_id, part in reversed(parts) for step in reversed(part["steps"])
    ]
    return {
        "lesson_id": row["lesson_id"],
        "signature": row["signature"],
        "tool": row["tool"],
        "tool_schema": parts[-1][1]["schema"],
        "seen": sum(part["seen"] for _, part in parts),
        "solved": sum(part["solved"] for _, part in parts),
        "sessions": len(parts),
        "ways": [{"way": json.loads(way), "times": times} for way, times in counted],
        "evidence": newest[:EVIDENCE],
        "first_seen": parts[0][1]["at"],
        "last_seen": parts[-1][1]["at"],
        **_status(row, parts[-1][1]["at"]),
        "confirmed": bool(row["said"].get("confirmed")),
        "said": row["said"],
        "used_in": dict(sorted(row["used_in"].items())),
        "by_session": dict(sorted(row["by_session"].items())),
    }


def _status(row: Json, last_seen: str) -> Json:
    """Return whether a lesson is still to be learnt: as a person said, unless it was seen again, or as was measured."""
    said, at = row["said"].get("status", "open"), row["said"].get("status_at", "")
    if said == "muted":
        return {"status": "muted", "resolved_at": "", "resolved_by": "", "came_back": ""}
    if said == "resolved" and last_seen <= at:
        return {"status": "resolved", "resolved_at": at, "resolved_by": "person", "came_back": ""}
    since = max(last_seen, at if said == "open" else "")
    without = sorted(used["at"] for used in row["used_in"].values() if used["calls"] and used["at"] > since)
    came_back = last_seen if said == "resolved" else ""
    if len(without) >= MEASURED:
        moment = without[MEASURED - 1]
        return {"status": "resolved", "resolved_at": moment, "resolved_by": "measured", "came_back": ""}
    return {"status": "open", "resolved_at": "", "resolved_by": "", "came_back": came_back}


def _text(way: Any) -> str:
    return json.dumps(way, sort_keys=True, ensure_ascii=False)


def damage_in(rows: Any) -> str:
    """Return what is wrong with lessons that were read, nothing where nothing is."""
    if not isinstance(rows, list):
        return "its table `lessons` is no list of lessons"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in _TEXTS):
            return f"lesson {number} has no lesson_id, signature or tool"
        if not all(isinstance(row.get(key), dict) for key in ("used_in", "by_session", "said")):
            return f"lesson {number}, {row['lesson_id']}, does not say which sessions taught it"
        if not all(_is_part(part) for part in row["by_session"].values()) or not row["by_session"]:
            return (
                f"lesson {number}, {row['lesson_id']}, has a session of which it does not say what it taught"
            )
        if not all(
            isinstance(used, dict) and isinstance(used.get("at"), str) and isinstance(used.get("calls"), int)
            for used in row["used_in"].values()
        ):
            return f"lesson {number}, {row['lesson_id']}, has a use of which it does not say when"
    return ""


_TEXTS: Final = ("lesson_id", "signature", "tool")
_WAY: Final = ("changed", "added", "left_out", "after")


def _is_part(part: Any) -> bool:
    if not isinstance(part, dict) or not isinstance(part.get("ways"), list):
        return False
    numbers = all(isinstance(part.get(key), int) for key in ("seen", "solved"))
    texts = all(isinstance(part.get(key), str) for key in ("at", "schema"))
    steps = isinstance(part.get("steps"), list) and all(isinstance(each, str) for each in part["steps"])
    return numbers and texts and steps and all(map(_is_way, part["ways"]))


def _is_way(way: Any) -> bool:
    if (
        not isinstance(way, dict)
        or not isinstance(way.get("times"), int)
        or not isinstance(way.get("way"), dict)
    ):
        return False
    return all(
        isinstance(paths := way["way"].get(key, []), list) and all(isinstance(each, str) for each in paths)
        for key in _WAY
    )
