"""Headers and URLs: credentials are never kept, whatever the mode."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tfclient.redaction.marks import Mark, mark, placeholder
from tfclient.redaction.names import secret_header

_CREDENTIALS: Final = frozenset({"cookie2", "x-amz-signature"})

# What the protocol itself puts there: how, not what. In content mode the other values are hashed.
STRUCTURAL: Final = re.compile(
    r"accept(-.*)?|age|allow|cache-control|cf-ray|connection|content-(type|length|encoding|disposition|language)"
    r"|date|etag|expect|host|keep-alive|location|openai-.*|retry-after(-ms)?|server|server-timing|strict-transport.*"
    r"|transfer-encoding|user-agent|vary|via|x-content-type-options|x-envoy-.*|x-ms-.*|x-ratelimit-.*|x-request-id"
    r"|x-should-retry|x-stainless-.*|apim-request-id|azureml-.*|alt-svc|idempotency-key|cf-cache-status|expires"
)

URLS: Final = frozenset({"location", "content-location", "operation-location", "referer"})
"""Headers whose value is a URL."""

_USERINFO: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#]*)@")
_PARAMETER: Final = re.compile(r"(?<=[?&;])([^=&;#]+)=([^&#]*)")
_QUERY_CREDENTIALS: Final = frozenset(
    {
        "sig",
        "signature",
        "key",
        "code",
        "x-amz-signature",
        "x-amz-credential",
        "x-goog-signature",
        "x-goog-credential",
    }
)


def is_credential(name: str) -> bool:
    """Say whether a header of this name, in lower case, is a credential, whatever its value."""
    return name in _CREDENTIALS or secret_header(name)


def dropped_header(where: str, name: str, value: str) -> Mark:
    """Give the mark of a credential that is not kept."""
    return mark(f"{where}.{name}", f"header:{name}", "dropped", value)


def collect_headers(
    raw: Iterable[tuple[bytes | str, bytes | str]], where: str
) -> tuple[dict[str, str], list[Mark]]:
    """Give headers by lower-cased name, credentials left out and repeated ones joined by a comma."""
    headers: dict[str, str] = {}
    marks: list[Mark] = []
    for raw_name, raw_value in raw:
        name = _as_text(raw_name).lower()
        value = _as_text(raw_value)
        if is_credential(name):
            marks.append(dropped_header(where, name, value))
            continue
        if name in URLS:
            value, found = strip_url(value, f"{where}.{name}")
            marks += found
        if name in headers:
            headers[name] += f", {value}"
        else:
            headers[name] = value
    return headers, marks


def _as_text(value: bytes | str) -> str:
    # HTTP has no charset for headers; latin-1 keeps every byte.
    return value.decode("latin-1") if isinstance(value, bytes) else value


def strip_url(url: str, where: str) -> tuple[str, list[Mark]]:
    """Give a URL without the credentials in its user part and its query; the rest exactly as it was."""
    marks: list[Mark] = []

    def userinfo(match: re.Match[str]) -> str:
        marks.append(mark(where, "url_credentials", "replaced", match[2]))
        return f"{match[1] or ''}//{placeholder('url_credentials')}@"

    def parameter(match: re.Match[str]) -> str:
        name = match[1].lower()
        if not match[2] or (name not in _QUERY_CREDENTIALS and not secret_header(name)):
            return match[0]
        rule = f"query:{name}"
        marks.append(mark(where, rule, "replaced", match[2]))
        return f"{match[1]}={placeholder(rule)}"

    stripped = _USERINFO.sub(userinfo, url, count=1)
    return _PARAMETER.sub(parameter, stripped), marks
