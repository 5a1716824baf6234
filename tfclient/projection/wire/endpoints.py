"""Which operation a method and path are: the API family that reads it and the name the SDK gives it."""

from __future__ import annotations

import re
from functools import lru_cache

from attrs import frozen

_PREFIX = re.compile(r"^.*?/(?:openai/deployments/(?P<deployment>[^/]+)|openai/v1|v\d+|openai)(?=/)")

_ID = re.compile(r"^(?:[a-zA-Z]{2,12}[-_][\w.:-]*\d[\w.:-]*|[0-9a-f-]{16,}|[\w-]*\d[\w-]{15,}|ft:.+)$")

_ROOTS = frozenset(
    {
        "agents", "assistants", "audio", "batches", "chat", "chatkit", "completions", "containers",
        "content_provenance_checks", "conversations", "decisions", "embeddings", "evals", "files", "fine_tuning",
        "graders", "images", "live", "models", "moderations", "organization", "realtime", "responses", "safety",
        "skills", "threads", "uploads", "vaults", "vector_stores", "videos", "webhook_endpoints",
        "webhook_event_types", "webhooks",
    }
)  # fmt: skip
"""What the paths of operations begin with, after the server's own prefix."""

_ACTIONS = frozenset(
    {
        "accept", "activate", "archive", "cancel", "compact", "complete", "content", "deactivate", "fork", "hangup",
        "pause", "refer", "reject", "remix", "resume", "rotate_secret", "run", "search", "submit_tool_outputs", "test",
        "validate",
    }
)  # fmt: skip
"""Words at the end of a path that are verbs themselves."""

_SPACES = frozenset(
    {
        "alpha", "audio", "chat", "chatkit", "fine_tuning", "images", "live", "organization", "realtime", "safety",
        "usage",
    }
)  # fmt: skip
"""Words that only hold others: no id stands after them."""

_WORDS = _ROOTS | _ACTIONS | {
    "automations", "characters", "client_secrets", "edits", "environments", "extensions", "input_tokens", "runs",
    "sessions", "templates",
}  # fmt: skip
"""Words where an id could stand."""

_VERBS = {"POST": "create", "GET": "retrieve", "DELETE": "delete", "PUT": "replace", "PATCH": "update"}


@frozen
class Endpoint:
    """An operation; ``family`` is ``responses``, ``chat``, ``completions`` or ``other``, ``name`` the SDK's.

    Example:
        >>> Endpoint("responses", "responses.create").is_model_call
        True
    """

    family: str = "other"
    name: str = "unknown"
    resource_id: str | None = None
    deployment: str | None = None

    @property
    def is_model_call(self) -> bool:
        """Whether this asks a model for something that it answers in words: what uses tokens of a conversation."""
        return self.name in _MODEL_CALLS


@lru_cache(maxsize=256)
def endpoint_of(method: str, path: str) -> Endpoint:
    """Return the operation of a method and a URL path, with or without a prefix of the server's own.

    Example:
        >>> endpoint_of("POST", "/v1/responses").name
        'responses.create'
        >>> endpoint_of("GET", "/v1/vector_stores/vs_a1/files").name
        'vector_stores.files.list'
    """
    path = path.split("?", 1)[0].rstrip("/")
    found = _PREFIX.match(path)
    deployment = found["deployment"] if found else None
    parts = [part for part in path[found.end() if found else 0 :].split("/") if part]
    start = next((n for n, part in enumerate(parts) if part in _ROOTS), None)
    if start is None:
        return Endpoint("other", f"{method} {path or '/'}", None, deployment)
    # Azure's model inference puts every endpoint below /models.
    if parts[start:][:1] == ["models"] and len(parts) > start + 1 and parts[start + 1] in _ROOTS:
        start += 1
    words, ids = _told_apart(parts[start:])
    name = _named(method.upper(), words, ends_in_id=parts[-1] != words[-1])
    family = {"chat.completions.create": "chat", "completions.create": "completions"}.get(name, "other")
    if words[0] == "responses" and name not in _NO_RESPONSE:
        family = "responses"
    return Endpoint(family, name, ids[0] if ids else None, deployment)


_MODEL_CALLS = frozenset(
    {"responses.create", "responses.compact", "chat.completions.create", "completions.create"}
)

_NO_RESPONSE = frozenset({"responses.input_tokens", "responses.delete", "responses.input_items.list"})


def _told_apart(parts: list[str]) -> tuple[list[str], list[str]]:
    """Return the words of a path and its ids, of which there is at most one after each word."""
    words, ids = parts[:1], list[str]()
    last = parts[0]
    for part in parts[1:]:
        named = last == words[-1] and last not in _SPACES
        (ids if part not in _WORDS and (named or _ID.match(part)) else words).append(part)
        last = part
    return words, ids


def _named(method: str, words: list[str], *, ends_in_id: bool) -> str:
    name = ".".join(words)
    if not ends_in_id and (words[-1] in _ACTIONS or name == "responses.input_tokens"):
        return name
    verb = _VERBS.get(method, method.lower())
    if method == "GET" and not ends_in_id:
        verb = "list"
    if method == "POST" and ends_in_id:
        verb = "update"
    return f"{name}.{verb}"
