"""Change one import, and every conversation with a model lies on your own disk.

Example:
    >>> from tfclient import TracedOpenAI as OpenAI
    >>> client = OpenAI(api_key="sk-…")  # the rest of the program stays as it is
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from tfclient.client import AsyncTracedAzureOpenAI as AsyncTracedAzureOpenAI
    from tfclient.client import AsyncTracedBedrockOpenAI as AsyncTracedBedrockOpenAI
    from tfclient.client import AsyncTracedOpenAI as AsyncTracedOpenAI
    from tfclient.client import TracedAzureOpenAI as TracedAzureOpenAI
    from tfclient.client import TracedBedrockOpenAI as TracedBedrockOpenAI
    from tfclient.client import TracedOpenAI as TracedOpenAI
    from tfclient.errors import NotAllPlayed as NotAllPlayed
    from tfclient.errors import ReplayMiss as ReplayMiss
    from tfclient.errors import ReplayRefused as ReplayRefused
    from tfclient.errors import SessionEnded as SessionEnded
    from tfclient.errors import SessionStillOpen as SessionStillOpen
    from tfclient.errors import SettingError as SettingError
    from tfclient.errors import TfclientError as TfclientError
    from tfclient.event import Event as Event
    from tfclient.health import Health as Health
    from tfclient.installing import install as install
    from tfclient.installing import tracing as tracing
    from tfclient.installing import uninstall as uninstall
    from tfclient.recorder import Recorder as Recorder
    from tfclient.reflect.findings.citing import Cited as Cited
    from tfclient.reflect.findings.citing import Finding as Finding
    from tfclient.reflect.findings.examining import findings as findings
    from tfclient.reflect.findings.registry import finding as finding
    from tfclient.replaying.playback import Playback as Playback
    from tfclient.replaying.playback import replay as replay
    from tfclient.sessions.came_to import SessionSummary as SessionSummary
    from tfclient.sessions.handle import SessionHandle as SessionHandle
    from tfclient.stats import Stats as Stats
    from tfstore.store import Store

_HOMES = {
    "AsyncTracedAzureOpenAI": "client",
    "AsyncTracedBedrockOpenAI": "client",
    "AsyncTracedOpenAI": "client",
    "Cited": "reflect.findings.citing",
    "Event": "event",
    "Finding": "reflect.findings.citing",
    "Health": "health",
    "NotAllPlayed": "errors",
    "Playback": "replaying.playback",
    "Recorder": "recorder",
    "ReplayMiss": "errors",
    "ReplayRefused": "errors",
    "SessionEnded": "errors",
    "SessionHandle": "sessions.handle",
    "SessionStillOpen": "errors",
    "SessionSummary": "sessions.came_to",
    "SettingError": "errors",
    "Stats": "stats",
    "TfclientError": "errors",
    "TracedAzureOpenAI": "client",
    "TracedBedrockOpenAI": "client",
    "TracedOpenAI": "client",
    "finding": "reflect.findings.registry",
    "findings": "reflect.findings.examining",
    "install": "installing",
    "replay": "replaying.playback",
    "tracing": "installing",
    "uninstall": "installing",
}
"""Which module each name comes from, when it is first asked for: whoever reads a store needs no openai."""


if not TYPE_CHECKING:  # a checker that saw it would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name == "__all__":
            return _names()
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_names()})


def _names() -> list[str]:
    """Which names there are: whether those for Bedrock are among them, the installed openai knows."""
    clients = import_module(f"{__name__}.client").__all__
    return sorted({"open_store", *clients, *(name for name, home in _HOMES.items() if home != "client")})


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """Open a store to read what was recorded.

    Args:
        path: the store's folder; else ``THOUGHTFLOW_DIR``, else ``./.thoughtflow``.

    Raises:
        StoreNotFound: there is no store there.
    """
    from tfclient.opening import open_store as opened

    return opened(path)
