"""Which operation a method and path are: the API family that reads it and the name the SDK gives it."""

from __future__ import annotations

import re

from attrs import frozen

_PREFIX = re.compile(r"^.*?/(?:openai/deployments/(?P<deployment>[^/]+)|openai/v1|v\d+|openai)(?=/)")

_ID = re.compile(r"^(?:[a-zA-Z]{2,12}[-_][\w.:-]*\d[\w.:-]*|[0-9a-f-]{16,}|[\w-]*\d[\w-]{15,}|ft:.+)$")

_ROOTS = frozenset(
    {
        "responses", "chat", "completions", "embeddings", "moderations", "images", "audio", "files", "uploads",
        "vector_stores", "batches", "fine_tuning", "evals", "containers", "videos", "models", "conversations",
        "threads", "assistants", "realtime", "organization", "webhooks", "skills", "graders", "decisions", "live",
        "safety", "content_provenance_checks",
    }
)  # fmt: skip

_VERBS = {"POST": "create", "GET": "retrieve", "DELETE": "delete", "PUT": "replace", "PATCH": "update"}

_ACTIONS = frozenset(
    {
        "cancel", "compact", "input_items", "input_tokens", "items", "messages", "files", "content", "parts",
        "complete", "generations", "edits", "variations", "speech", "transcriptions", "translations",
        "submit_tool_outputs", "steps", "runs", "search", "file_batches", "events", "checkpoints", "client_secrets",
        "calls", "sessions", "accept", "hangup", "refer", "reject", "remix", "output_items", "pause", "resume",
    }
)  # fmt: skip


@frozen
class Endpoint:
    """An operation: ``family`` is ``responses``, ``chat`` or ``other``; ``name`` like ``responses.create``."""

    family: str = "other"
    name: str = "unknown"
    resource_id: str | None = None
    deployment: str | None = None

    @property
    def is_model_call(self) -> bool:
        """Whether this asks a model to answer a conversation."""
        return self.name in {"responses.create", "chat.completions.create"}


def endpoint_of(method: str, path: str) -> Endpoint:
    """Return the operation of a method and a URL path, with or without a prefix of the server's own.

    Example:
        >>> endpoint_of("POST", "/v1/responses").name
        'responses.create'
        >>> endpoint_of("GET", "/v1/vector_stores/vs_a1/files").name
        'vector_stores.files.list'
    """
    path = path.split("?", 1)[0].rstrip("/")
    deployment = None
    found = _PREFIX.match(path)
    if found:
        deployment = found["deployment"]
    parts = [part for part in path.split("/") if part]
    start = next(
        (n for n, part in enumerate(parts) if part in _ROOTS and "deployments" not in parts[n:]), None
    )
    if start is None:
        return Endpoint("other", f"{method} {path or '/'}", None, deployment)
    # Azure's model inference puts every endpoint below /models.
    if parts[start:][:1] == ["models"] and len(parts) > start + 1 and parts[start + 1] in _ROOTS:
        start += 1
    parts = parts[start:]
    words: list[str] = []
    resource_id: str | None = None
    for place, part in enumerate(parts):
        if place and (
            part not in _ACTIONS and part not in _ROOTS and (_ID.match(part) or _after_noun(parts, place))
        ):
            resource_id = resource_id or part
            continue
        words.append(part)
    name = _named(method, words, parts)
    family = (
        "responses" if words[0] == "responses" else "chat" if name == "chat.completions.create" else "other"
    )
    if family == "responses" and name in {
        "responses.input_tokens",
        "responses.delete",
        "responses.input_items.list",
    }:
        family = "other"
    return Endpoint(family, name, resource_id, deployment)


def _after_noun(parts: list[str], place: int) -> bool:
    return (
        place == 1 or parts[place - 1] in _ACTIONS or parts[place - 1] in {"completions", "jobs", "threads"}
    )


def _named(method: str, words: list[str], parts: list[str]) -> str:
    name = ".".join(words)
    if words[0] == "responses" and len(words) == 2 and words[1] in {"compact", "cancel", "input_tokens"}:
        return name
    ends_in_id = bool(parts) and parts[-1] != words[-1]
    if words[-1] in {
        "cancel",
        "compact",
        "complete",
        "content",
        "search",
        "submit_tool_outputs",
        "accept",
        "hangup",
    }:
        return name
    verb = _VERBS.get(method.upper(), method.lower())
    if method.upper() == "GET" and not ends_in_id:
        verb = "list"
    if method.upper() == "POST" and ends_in_id:
        verb = "update"
    return f"{name}.{verb}"
