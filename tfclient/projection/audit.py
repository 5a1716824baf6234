"""What redaction changed, in numbers: added up from the marks as entries come, so that nothing is read again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, cast

from attrs import define, field

from tfstore.document.documents import RedactedPlace

if TYPE_CHECKING:
    from tfstore.document.documents import Step
    from tfstore.document.labels import RedactionAction

PLACES: Final = 200
"""Places that are told apart; of what comes beyond, only in which part of the traffic it was."""

_NUMBER: Final = re.compile(r"\[\d+\]")
_PART: Final = re.compile(r"[^.\[|]*(?:\.[^.\[|]*)?")

_USER: Final = "user_content"
_TOOL: Final = "tool_content"
_CREDENTIAL: Final = "credential"

_NO_CREDENTIALS: Final = frozenset({"custom", "email", "path"})
"""Rules that replace what somebody asked for."""

_HOLDS: Final = {
    "user_message": (("payload_started.text", _USER), ("payload_started.content", _USER)),
    "context.snapshot": (("payload_started.preview", _USER), ("payload_started.items", _USER)),
    "assistant_call": (
        ("payload_started.arguments", _USER),
        ("payload_completed.text", _USER),
        ("payload_completed.parsed", _USER),
        ("payload_completed.deltas", _USER),
    ),
    "assistant_message": (("payload_completed.text", _USER), ("payload_completed.refusal", _USER)),
    "reasoning": (("payload_completed.text", _USER), ("payload_completed.summary", _USER)),
    "tool_call": (("payload_started.arguments", _TOOL), ("payload_completed.result", _TOOL)),
    "tool_output": (("payload_completed.output", _TOOL),),
    "tool_error": (("payload_completed.output", _TOOL),),
    "approval_request": (("payload_started.arguments", _TOOL), ("payload_completed.arguments", _TOOL)),
}
"""Where in a step it stands what people and models said to each other, and what went to tools and came back."""


@define
class Audit:
    """The marks of a session, added up."""

    _places: dict[tuple[str, str, str], RedactedPlace] = field(
        factory=dict[tuple[str, str, str], RedactedPlace]
    )

    def take(self, marks: Iterable[Any]) -> None:
        """Take the marks of an entry; what is a further piece of a value, or an echo of it, is not counted."""
        for mark in marks:
            if not isinstance(mark, dict) or mark.get("again"):
                continue
            rule, action = str(mark.get("rule")), str(mark.get("action"))
            path = _NUMBER.sub("[]", str(mark.get("path")))
            place = self._places.get((rule, path, action))
            if place is None:
                if len(self._places) >= PLACES:
                    path = _part(path)
                place = self._places.setdefault(
                    (rule, path, action), RedactedPlace(rule, path, cast("RedactionAction", action))
                )
            size = mark.get("bytes")
            place.count += 1
            place.bytes += size if isinstance(size, int) else 0

    @property
    def places(self) -> list[RedactedPlace]:
        """Where what was changed, by rule and path."""
        return [self._places[each] for each in sorted(self._places)]

    @property
    def by_rule(self) -> dict[str, int]:
        """How many values each rule changed, but for credentials in headers: those come with every request."""
        counts: dict[str, int] = {}
        for place in self.places:
            if not is_of_header(place.rule):
                counts[place.rule] = counts.get(place.rule, 0) + place.count
        return counts


def is_of_header(rule: object) -> bool:
    """Return whether a rule is about credentials in headers, which are kept in no mode."""
    return str(rule).startswith("header:")


def sensitivity_of(steps: Iterable[Step]) -> dict[str, str]:
    """Return what may stand where in the payloads of these steps: ``user_content``, ``tool_content``, ``credential``.

    A credential is what was found to be one, and replaced.

    Example:
        >>> from tfstore.document.documents import Step
        >>> sensitivity_of([Step("step_1_1", 1, "user_message", "chat.on_message", payload_started={"text": "Hi"})])
        {'user_message.payload_started.text': 'user_content'}
    """
    found: dict[str, str] = {}
    for step in steps:
        for path, word in _HOLDS.get(step.label, ()):
            part, _, name = path.partition(".")
            if name in getattr(step, part):
                found[f"{step.label}.{path}"] = word
        for mark in step.redactions:
            if mark.action == "replaced" and mark.rule not in _NO_CREDENTIALS:
                part, name = _NUMBER.sub("[]", mark.path).split(".", 1)
                path = f"{part}.{name}" if len(found) < PLACES else f"{part}.{_part(name)}"
                found[f"{step.label}.{path}"] = _CREDENTIAL
    return dict(sorted(found.items()))


def _part(path: str) -> str:
    """Return which part of the traffic a path leads into.

    Example:
        >>> _part("request.body.input[3].content")
        'request.body…'
    """
    found = _PART.match(path)
    return f"{'' if found is None else found[0]}…"
