"""What was found in a session, as the page shows it: a list, and a mark at each step that a finding rests on."""

from __future__ import annotations

from typing import Any, Final

from tfclient.reflect.findings import Finding, examine
from tfstore.document.documents import Json
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.facts import SessionFacts
from tfstore.reading.figures import counted, joined
from tfstore.reading.naming import short_step

LINKED: Final = 12
"""Steps of a finding that the list links to; of more it is said how many. All of them are marked."""


def found_in(facts: SessionFacts) -> Json:
    """Return what the page draws of findings; nothing where there is nothing to tell.

    ``list`` holds them, the worst first; ``steps`` for each step that is marked how severe the worst of its findings
    is, what they are, and their places in the list; ``words`` is what there is in all, ``not_looked_for`` what could
    not be looked for. Findings of severity ``info`` mark nothing: they are no fault.
    """
    examined = examine(Evidence(facts))
    steps: dict[str, Json] = {}
    for place, each in enumerate(examined.findings):
        if each.severity != "info":
            for step_id in each.steps:
                at = steps.setdefault(step_id, {"severity": each.severity, "words": "", "places": []})
                at["words"] = joined(at["words"], f"{each.severity} {each.kind}")
                at["places"].append(place)
    faults = sum(each.severity != "info" for each in examined.findings)
    told: dict[str, Any] = {
        "list": [shown_finding(each) for each in examined.findings],
        "steps": steps,
        "words": counted(faults, "finding") if faults else "",
        "not_looked_for": examined.troubles,
    }
    return {name: value for name, value in told.items() if value}


def shown_finding(finding: Finding) -> Json:
    """Return a finding as the page draws it."""
    rest = len(finding.steps) - LINKED
    return {
        "id": finding.id,
        "kind": finding.kind,
        "severity": finding.severity,
        "says": finding.says,
        "about": "a guess from names or words" if finding.certainty == "heuristic" else "",
        "fault": finding.severity != "info",
        "steps": [[step_id, short_step(step_id)] for step_id in finding.steps[:LINKED]],
        "more": f"and {counted(rest, 'step')} more" if rest > 0 else "",
    }
