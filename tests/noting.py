"""Which calls the test itself makes of what all threads of the process use."""

from __future__ import annotations

import threading
from functools import wraps
from typing import Any

import pytest


def noted(monkeypatch: pytest.MonkeyPatch, owner: type, method: str) -> list[Any]:
    """Note the first argument of each call of a method from now on that this thread makes.

    Background threads of earlier tests may still be at work; what they call is not the test's.
    """
    here, calls, plain = threading.current_thread(), [], getattr(owner, method)

    @wraps(plain)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        if threading.current_thread() is here:
            calls.append(args[0])
        return plain(self, *args, **options)

    monkeypatch.setattr(owner, method, call)
    return calls
