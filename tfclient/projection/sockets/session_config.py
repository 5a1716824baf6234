"""The session of a realtime conversation as the server has it: its model, its tools, whether it answers by itself."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from tfclient.projection.sockets.conversation import Conversation

_APART = frozenset({"instructions", "tools", "model", "id", "object", "expires_at", "client_secret"})
"""What the steps of calls tell, or nobody asks for."""


@define(eq=False)
class SessionConfig:
    """What the server has said of its session."""

    conversation: Conversation
    told: dict[str, Any] = field(factory=dict[str, Any])

    def configured(self, event: dict[str, Any], at: int) -> None:
        """The session is as this event says."""
        session = event.get("session")
        if not isinstance(session, dict):
            self.conversation.generic(str(event["type"]), event, at)
            return
        before, self.told = self.told, {**self.told, **session}
        if self.conversation.runs and before:
            changed = {k: v for k, v in session.items() if k not in _APART and before.get(k) != v}
            if changed:
                self.conversation.generic("session.updated", {"session": changed}, at)

    @property
    def model(self) -> str | None:
        """The model that answers."""
        model = self.told.get("model")
        return model if isinstance(model, str) else self.conversation.connection.model

    @property
    def answers_itself(self) -> bool:
        """Whether the server begins responses when somebody has spoken."""
        audio = self.told.get("audio")
        given = audio.get("input") if isinstance(audio, dict) else None
        told = given.get("turn_detection") if isinstance(given, dict) else self.told.get("turn_detection")
        return isinstance(told, dict) and told.get("create_response") is not False
