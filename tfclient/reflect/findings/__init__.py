"""What is wrong with a session for certain, or very likely: findings, each of which cites its steps.

Example:
    >>> from tfclient.reflect.findings import findings
    >>> from tfstore.document.documents import Session
    >>> findings(Session("sess_1"))
    []
"""

from __future__ import annotations

from tfclient.reflect.findings.citing import Cited, Finding
from tfclient.reflect.findings.examining import Examined, NotLookedFor, examine, findings
from tfclient.reflect.findings.registry import finding, kinds

__all__ = ["Cited", "Examined", "Finding", "NotLookedFor", "examine", "finding", "findings", "kinds"]
