"""Tools with rules that their schemas do not tell: what breaks one is answered with an error that says it.

The rules look at the arguments and at what was called before in the same session, and at nothing else: they know
neither of notes nor of arms, and have no say in which session fails.
"""

from __future__ import annotations

import re
from typing import Any, Final

from attrs import define, field

Json = dict[str, Any]

AVOIDABLE: Final = ("book_table", "send_parcel", "pay_invoice", "reserve_bike")
"""Whoever knows their rule can keep it."""

UNAVOIDABLE: Final = "read_gauge"
"""The first call of a session fails, however it is made."""

LARGE: Final = 5
COUNTS: Final = ("people", "pieces", "instalments", "days", "hours")

ELSEWHERE: Final = {
    "book_table": "book_court",
    "send_parcel": "send_letter",
    "pay_invoice": "pay_fine",
    "reserve_bike": "reserve_boat",
    "check_bikes": "check_boats",
    "read_gauge": "read_meter",
}
"""Other tools with the same rules."""

_NEEDS: Final = {
    "book_table": ("restaurant", "people"),
    "send_parcel": ("receiver", "date", "pieces"),
    "pay_invoice": ("invoice", "amount", "instalments"),
    "reserve_bike": ("station", "days"),
    "check_bikes": ("station",),
    "read_gauge": ("river", "hours"),
}
_TAKES: Final = {"book_table": ("phone",)}


def schemas(names: dict[str, str] | None = None) -> list[Any]:
    """Return the tools as a request has them, under other names if those are given."""
    return [
        {
            "type": "function",
            "name": (names or {}).get(name, name),
            "parameters": {
                "type": "object",
                "properties": {each: {"type": "string"} for each in (*needed, *_TAKES.get(name, ()))},
                "required": list(needed),
            },
        }
        for name, needed in _NEEDS.items()
    ]


@define
class Tools:
    """The tools of one session."""

    names: dict[str, str] = field(factory=dict)
    called: list[str] = field(factory=list)

    def run(self, name: str, arguments: Json) -> Json:
        """Return what a tool answers."""
        own = {other: mine for mine, other in self.names.items()}.get(name, name)
        broken = self._broken(own, arguments)
        self.called.append(own)
        return {"error": broken} if broken else {"done": name}

    def _broken(self, name: str, given: Json) -> str:
        for count in COUNTS:
            if count in given and not str(given[count]).isdigit():
                return f"{count} must be written in digits, not {given[count]}"
        if name == "book_table" and int(given["people"]) >= LARGE and "phone" not in given:
            return f"a party of {given['people']} needs phone"
        if name == "send_parcel" and not re.fullmatch(r"\d{4}-\d\d-\d\d", given["date"]):
            return f"date must be written YYYY-MM-DD, not {given['date']}"
        if name == "pay_invoice" and not given["amount"].isdigit():
            return f"amount must be given in cents, not {given['amount']}"
        if name == "reserve_bike" and "check_bikes" not in self.called:
            return f"call {self.names.get('check_bikes', 'check_bikes')} first"
        if name == "read_gauge" and "read_gauge" not in self.called:
            return "the gauge was asleep and wakes up, ask again"
        return ""
