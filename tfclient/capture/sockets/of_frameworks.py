"""Frameworks that open sockets by themselves, past the SDK: nothing is seen of those, and that is said."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tfclient.health import Health

OPENING: Final = {
    "agents.realtime.openai_realtime": "openai-agents' realtime model",
    "agents.voice.models.openai_stt": "openai-agents' transcription of speech",
    "pydantic_ai.realtime.openai": "pydantic-ai's realtime model",
    "pydantic_ai.realtime.openai_live": "pydantic-ai's live model",
}
"""Modules that call the library of sockets themselves, and what they are. Nobody imports them who does not use them."""


def look(health: Health) -> None:
    """Say of each of them that is imported here that it is not seen."""
    for module, what in OPENING.items():
        if module in sys.modules:
            health.not_seen(f"What goes over the WebSockets of {what}", "it opens them itself, past the SDK")
