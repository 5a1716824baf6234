"""A step's digest of its payloads: whoever changes a word of them leaves it behind."""

from __future__ import annotations

import hashlib

from tfstore.document.documents import Step
from tfstore.document.json_text import canonical_bytes


def payload_digest(step: Step) -> str:
    """Return what a step's ``sha256`` has to be: SHA-256 of the canonical JSON of both payloads, in hex.

    Example:
        >>> from tfstore.document.documents import Step
        >>> step = Step(step_id="step_1_1", seq=1, label="user_message", type="chat.on_message")
        >>> before = payload_digest(step)
        >>> step.payload_started = {"text": "Hi"}
        >>> payload_digest(step) == before
        False
    """
    payloads = canonical_bytes([step.payload_started, step.payload_completed])
    return hashlib.sha256(payloads).hexdigest()
