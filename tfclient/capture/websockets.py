"""WebSockets are not recorded, and whoever opens one hears so: at the address that it asks the client for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from tfclient.capture.borrowed import connection_asking
from tfclient.capture.seams import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfclient.recorder import Recorder

ADDRESS: Final = "websocket_base_url"
"""The attribute that the SDK's connections ask for; so do copies, and programs."""


class WatchedAddress:
    """A client's ``websocket_base_url``, the same as ever.

    Args:
        recorder_of: gives the recorder that is to say what it does not see, if there is one.
    """

    def __init__(self, recorder_of: Callable[[Any], Recorder | None]) -> None:
        self._recorder_of = recorder_of

    def __get__(self, client: Any, owner: type | None = None) -> Any:
        if client is not None:
            with NOWHERE.guard("capture", "noting a WebSocket"):
                asking = connection_asking(sys._getframe(1))  # noqa: SLF001 - who asks is the question
                recorder = None if asking is None else self._recorder_of(client)
                if recorder is not None and recorder.enabled:
                    recorder.health.not_seen(
                        f"What goes over the WebSocket of {asking}", "only HTTP is watched so far"
                    )
            if ADDRESS in client.__dict__:
                return client.__dict__[ADDRESS]
        raise AttributeError(ADDRESS)

    def __set__(self, client: Any, url: Any) -> None:
        client.__dict__[ADDRESS] = url

    def __delete__(self, client: Any) -> None:
        del client.__dict__[ADDRESS]
