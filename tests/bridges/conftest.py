from __future__ import annotations

from tests.capture.fixtures import drive, finisher, recorder

__all__ = ["drive", "finisher", "recorder"]
