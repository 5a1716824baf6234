"""Adaptations as they are stored: a JSON object each, with every version and every word on it.

================================= ======================================================================================
adaptation_id                     ``A-`` and 8 hex digits: of the first version's title, text and what it is for
version, title, text, because     the latest version; what it rests on: ``session#step``, ``session#finding``, lessons
applies_to                        ``instructions``, the beginning of a version or ``any``; ``tools``, none for any
status                            ``proposed``, ``confirmed``, ``rejected``, ``used``, ``kept``, ``dropped``
proposed_by, proposed_at          who proposed the latest version, and when
confirmed_by, confirmed_at        who confirmed it, and when; empty until somebody does
history                           all that happened, the earliest first: ``at``, ``by``, ``did``, ``version``; of
                                  what was proposed or revised also ``title``, ``text``, ``because``, ``applies_to``
================================= ======================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tfstore.document.documents import Json

VERSION: Final = "adaptations/1"

STATUSES: Final = ("proposed", "confirmed", "rejected", "used", "kept", "dropped")

_TEXTS: Final = (
    "adaptation_id",
    "title",
    "text",
    "status",
    "proposed_by",
    "proposed_at",
    "confirmed_by",
    "confirmed_at",
)
_HAPPENED: Final = ("at", "by", "did")


def revised(row: Json, told: Json, at: str, by: str, did: str) -> Json:
    """Return an adaptation with another version, which nobody has confirmed yet; the versions before it stay.

    Args:
        row: the adaptation as it was; empty where it is new.
        told: ``title``, ``text``, ``because``, ``applies_to``, and of a new one ``adaptation_id``.
        at: the moment, in UTC.
        by: whose version it is.
        did: ``proposed`` or ``revised``.
    """
    version = row.get("version", 0) + 1
    parts = {name: told[name] for name in ("title", "text", "because", "applies_to")}
    happened = {"at": at, "by": by, "did": did, "version": version, **parts}
    return {
        "adaptation_id": row.get("adaptation_id") or told["adaptation_id"],
        "version": version,
        **parts,
        "status": "proposed",
        "proposed_by": by,
        "proposed_at": at,
        "confirmed_by": "",
        "confirmed_at": "",
        "history": [*row.get("history", ()), happened],
    }


def moved(row: Json, status: str, at: str, by: str) -> Json:
    """Return an adaptation of which somebody said something else."""
    confirmed = {"confirmed_by": by, "confirmed_at": at} if status == "confirmed" else {}
    happened = {"at": at, "by": by, "did": status, "version": row["version"]}
    return {**row, "status": status, **confirmed, "history": [*row["history"], happened]}


def without_citations(rows: Iterable[Json], session_ids: frozenset[str]) -> list[Json]:
    """Return adaptations that cite nothing of these sessions, in no version; what people confirmed stays."""

    def left(because: list[str]) -> list[str]:
        return [each for each in because if each.partition("#")[0] not in session_ids]

    return [
        {
            **row,
            "because": left(row["because"]),
            "history": [
                {**each, "because": left(each["because"])} if "because" in each else each
                for each in row["history"]
            ],
        }
        for row in rows
    ]


def own_words(row: Json) -> str:
    """Return all that somebody wrote of an adaptation, in all its versions."""
    versions = [row, *row["history"]]
    return "\n".join(str(each.get(name, "")) for each in versions for name in ("title", "text", "by"))


def damage_in(rows: Any) -> str:
    """Return what is wrong with adaptations that were read, nothing where nothing is."""
    if not isinstance(rows, list):
        return "its table `adaptations` is no list of adaptations"
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in _TEXTS):
            return f"adaptation {number} lacks one of {', '.join(_TEXTS)}"
        name = f"adaptation {number}, {row['adaptation_id']},"
        if row["status"] not in STATUSES:
            return f"{name} has another status than {', '.join(STATUSES)}"
        if not isinstance(row.get("version"), int) or not _is_version(row):
            return f"{name} does not say what it rests on or what it is for"
        if not isinstance(row.get("history"), list) or not all(map(_is_history, row["history"])):
            return f"{name} has a history that does not say what happened"
    return ""


def _is_version(row: Json) -> bool:
    applies = row.get("applies_to")
    return (
        _is_texts(row.get("because"))
        and isinstance(applies, dict)
        and isinstance(applies.get("instructions"), str)
        and _is_texts(applies.get("tools"))
    )


def _is_history(each: Any) -> bool:
    if not isinstance(each, dict) or not all(isinstance(each.get(key), str) for key in _HAPPENED):
        return False
    return "because" not in each or _is_version(each)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
