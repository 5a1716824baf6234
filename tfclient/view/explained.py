"""Why a step is what it is, as the page shows it: sections of rows that name steps, and what was found in those."""

from __future__ import annotations

from collections.abc import Sequence

from tfclient.reflect.findings import Finding
from tfclient.reflect.findings.about import about_steps
from tfclient.view.found import shown_finding
from tfstore.document.documents import Json
from tfstore.errors import UnknownStep
from tfstore.protocols import Reading
from tfstore.reading.evidence.evidence import Evidence
from tfstore.reading.explaining.explain import explain_step
from tfstore.reading.explaining.sections import about, sections


def explained_of(store: Reading, evidence: Evidence, findings: Sequence[Finding], step_id: str) -> Json:
    """Return the explanation of a step: ``about``, ``findings`` of the steps that it rests on, and ``sections``.

    Raises:
        UnknownStep: the session has no such step.
    """
    own = evidence.facts.steps.get(step_id)
    if own is None:
        raise UnknownStep(evidence.session.session_id, step_id)
    explained = explain_step(evidence, own, store.blobs.get)
    faults = (each for each in about_steps(findings, explained.rests_on) if each.severity != "info")
    return {
        "about": about(explained),
        "findings": [shown_finding(each) for each in faults],
        "sections": [each.as_json() for each in sections(explained)],
    }
