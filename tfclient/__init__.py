"""Change one import, and every conversation with a model lies on your own disk.

Example:
    >>> from tfclient import TracedOpenAI as OpenAI
    >>> client = OpenAI(api_key="sk-…")  # the rest of the program stays as it is
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfclient.client import AsyncTracedAzureOpenAI, AsyncTracedOpenAI, TracedAzureOpenAI, TracedOpenAI
from tfclient.errors import SessionEnded, SessionStillOpen, SettingError, TfclientError
from tfclient.health import Health
from tfclient.recorder import Recorder
from tfclient.sessions import SessionHandle
from tfclient.stats import Stats

if TYPE_CHECKING:
    import os

    from tfstore.store import Store

__all__ = [
    "AsyncTracedAzureOpenAI",
    "AsyncTracedOpenAI",
    "Health",
    "Recorder",
    "SessionEnded",
    "SessionHandle",
    "SessionStillOpen",
    "SettingError",
    "Stats",
    "TfclientError",
    "TracedAzureOpenAI",
    "TracedOpenAI",
    "open_store",
]


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Open a store to read what was recorded.

    Args:
        path: the store's folder; else ``THOUGHTFLOW_DIR``, else ``./.thoughtflow``.

    Raises:
        StoreNotFound: there is no store there.
    """
    from tfclient.opening import open_store as opened

    return opened(path)
