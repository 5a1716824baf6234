"""Where spans go: an address and headers, as they are typed or as OpenTelemetry's environment variables give them.

Headers are keys more often than not: nothing here shows their values, and no message of an error holds one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from attrs import field, frozen

from tfclient.errors import BadEndpoint

TRACES: Final = "/v1/traces"

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_ROUTING: Final = ("x-project-name", "x-mlflow-experiment-id")
"""Headers that say where at an address spans go; no secrets."""

_LEAST: Final = 4
"""Characters of a value that is worth hiding in the words of others."""


@frozen
class Endpoint:
    """An address that takes traces; ``shown`` is it without user, password and query."""

    shown: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)

    @property
    def target(self) -> str:
        """What the file is called that says what was sent there."""
        where = urlsplit(self.shown)
        host = re.sub(r"[^A-Za-z0-9.-]", "_", where.netloc)[:60]
        routed = [self.headers.get(each, "") for each in _ROUTING]
        digest = hashlib.sha256("\0".join([self.shown, *routed]).encode()).hexdigest()
        return f"{host}-{digest[:12]}"

    def without_secrets(self, text: str) -> str:
        """Return somebody's words without what was sent in headers: servers like to say what they were given."""
        values = [*self.headers.values(), *(each.partition(" ")[2] for each in self.headers.values())]
        values += [urlsplit(self.url).query]
        for value in sorted({each for each in values if len(each) >= _LEAST}, key=len, reverse=True):
            text = text.replace(value, "[header]")
        return text


def endpoint_of(
    given: str | None = None,
    headers: Mapping[str, str] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Return where spans go.

    Args:
        given: an address; ``/v1/traces`` is added where it has no path. Else ``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`` as
            it is, else ``OTEL_EXPORTER_OTLP_ENDPOINT`` with ``/v1/traces``.
        headers: besides those of ``OTEL_EXPORTER_OTLP_TRACES_HEADERS`` or ``OTEL_EXPORTER_OTLP_HEADERS``.
        environ: the environment.

    Raises:
        BadEndpoint: there is no address, or it cannot be one, or a header cannot be sent.

    Example:
        >>> endpoint_of("http://127.0.0.1:6006", environ={}).shown
        'http://127.0.0.1:6006/v1/traces'
        >>> endpoint_of("https://ada:secret@example.com/v1/traces?key=1", environ={})
        Endpoint(shown='https://example.com/v1/traces')
    """
    source = given or ""
    whole = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "").strip()
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    if given is not None:
        address = given.strip()
    elif whole:
        source, address = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole
    elif base:
        source, address = "OTEL_EXPORTER_OTLP_ENDPOINT", base
    else:
        raise BadEndpoint(
            "It is not said where to send: give --otlp http://127.0.0.1:4318, or set OTEL_EXPORTER_OTLP_ENDPOINT."
        )
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise BadEndpoint(_no_address("What was given")) from None
    what = "What was given" if given is not None else source
    if parts.scheme not in {"http", "https"} or not parts.hostname or re.search(r"[\s\x00-\x1f]", address):
        raise BadEndpoint(_no_address(what))
    path = parts.path
    if given is not None and path.rstrip("/") not in {"", TRACES} and not path.rstrip("/").endswith(TRACES):
        raise BadEndpoint(
            f"{what} has a path that does not end in {TRACES}: give the whole address, as in "
            f"https://cloud.langfuse.com/api/public/otel{TRACES}."
        )
    if (given is not None and not path.rstrip("/")) or (given is None and not whole):
        path = path.rstrip("/") + TRACES
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = host if port is None else f"{host}:{port}"
    sent = _checked(
        {**_of_environment(environ), **{key.lower(): value for key, value in (headers or {}).items()}}
    )
    if parts.username is not None and "authorization" not in sent:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        sent["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    shown = urlunsplit((parts.scheme, place, path, "", ""))
    return Endpoint(shown, urlunsplit((parts.scheme, place, path, parts.query, "")), sent)


def headers_of(typed: Iterable[str]) -> dict[str, str]:
    """Return headers as they are typed: ``name=value``, or ``name: value``.

    Raises:
        BadEndpoint: one is neither; its words are not in the message.
    """
    found: dict[str, str] = {}
    for number, each in enumerate(typed, start=1):
        separator = min((mark for mark in "=:" if mark in each), key=each.index, default="")
        key, _, value = each.partition(separator or "=")
        if not separator or _NAME.fullmatch(key.strip()) is None:
            raise BadEndpoint(
                f"--header number {number} is no name and value: write --header x-project-name=shop."
            )
        found[key.strip().lower()] = value.strip()
    return found


def _of_environment(environ: Mapping[str, str]) -> dict[str, str]:
    given = (
        environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environ.get("OTEL_EXPORTER_OTLP_HEADERS") or ""
    )
    found: dict[str, str] = {}
    for each in given.split(","):
        key, equals, value = each.partition("=")
        if equals and key.strip():
            found[key.strip().lower()] = unquote(value.strip())
    return found


def _checked(headers: dict[str, str]) -> dict[str, str]:
    """Return headers that can be sent: the HTTP library would say their values where it refuses one."""
    for key, value in headers.items():
        if _NAME.fullmatch(key) is None:
            raise BadEndpoint(
                "The name of a header has characters that none can have: letters, digits and hyphens."
            )
        if _VALUE.fullmatch(value) is None:
            raise BadEndpoint(
                f"The value of the header {key} has characters that cannot be sent, such as a line's end."
            )
    return headers


def _no_address(what: str) -> str:
    return f"{what} is no address to send to: give one such as http://127.0.0.1:4318."
