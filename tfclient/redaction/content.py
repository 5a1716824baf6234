"""Content as hashes: what was said becomes ``<sha256:… N chars>``, the structure around it stays.

The same text has the same hash wherever it stands, so that lineage can still be followed. A hash hides a text
only as well as the text is hard to guess: "yes" is not.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from tfclient.redaction.marks import JSON, Mark, child, mark
from tfclient.redaction.names import is_schema, secret_name
from tfclient.redaction.text import find_secrets

# Members whose strings say how a message is built, not what is in it.
_STRUCTURE: Final = frozenset(
    {
        *(
            "id",
            "object",
            "type",
            "role",
            "name",
            "status",
            "model",
            "event",
            "finish_reason",
            "native_finish_reason",
        ),
        *("service_tier", "truncation", "tool_choice", "effort", "verbosity", "reason", "detail", "mode"),
        *(
            "encoding_format",
            "format",
            "include",
            "modalities",
            "size",
            "quality",
            "background",
            "conversation",
        ),
        *(
            "container",
            "param",
            "phase",
            "system_fingerprint",
            "provider",
            "server_label",
            "require_approval",
        ),
        *(
            "required",
            "purpose",
            "voice",
            "response_format",
            "completion_window",
            "endpoint",
            "prompt_cache_retention",
        ),
        *(
            "summary_type",
            "search_context_size",
            "environment",
            "execution",
            "syntax",
            "output_format",
            "moderation",
        ),
    }
)
# Below these, every string is somebody's own.
_OWN: Final = frozenset({"metadata", "attributes", "variables", "input_schema_example", "user_location"})
_IDENTIFIER: Final = re.compile(r"[\w.:/@+\[\]-]{1,128}", re.ASCII)


def hashed(text: str) -> str:
    """Give what stands for a text.

    Example:
        >>> hashed("hello")
        '<sha256:2cf24dba5fb0a30e 5 chars>'
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"<sha256:{digest} {len(text)} chars>"


def hashed_text(text: str, path: str, marks: list[Mark]) -> str:
    """Hash a text as a whole; an empty one has nothing to hide."""
    if not text:
        return text
    marks.append(mark(path, "content", "hashed", text))
    return hashed(text)


def without_content(value: JSON, path: str, marks: list[Mark], *, keep_structure: bool = True) -> JSON:
    """Give a JSON value with every text in it hashed.

    Args:
        value: What ``json.loads`` gives.
        path: The path of ``value``, for the marks.
        marks: Taken further by one mark for each hash.
        keep_structure: Whether ids, types, roles, names and the like stay: so in the API's own messages, not
            in a program's own values.

    Example:
        >>> without_content({"role": "user", "content": "hello"}, "request.body", [])
        {'role': 'user', 'content': '<sha256:2cf24dba5fb0a30e 5 chars>'}
    """
    return _value(value, path, marks, None, keep_structure=keep_structure)


def _value(value: JSON, path: str, marks: list[Mark], key: str | None, *, keep_structure: bool) -> JSON:
    if isinstance(value, str):
        if keep_structure and key is not None and _is_structure(key, value):
            return value
        return hashed_text(value, path, marks)
    if isinstance(value, list):
        return [
            _value(item, f"{path}[{n}]", marks, key, keep_structure=keep_structure)
            for n, item in enumerate(value)
        ]
    if isinstance(value, dict):
        in_error = value.get("type") == "error" or key == "error"
        clean: dict[str, JSON] = {}
        for name, member in value.items():
            kept = name if not find_secrets(name) else hashed(name)
            # A schema's property may be called password: what stands below it describes one.
            secret = secret_name(name) is not None and not (isinstance(member, dict) and is_schema(member))
            structural = keep_structure and name not in _OWN and not secret
            under = "id" if name == "code" and in_error else name
            clean[kept] = _value(member, child(path, kept), marks, under, keep_structure=structural)
        return clean
    return value


def _is_structure(key: str, text: str) -> bool:
    if key not in _STRUCTURE and not key.endswith(("_id", "_ids")):
        return False
    return _IDENTIFIER.fullmatch(text) is not None and not find_secrets(text)
