"""Reading recorded HTTP exchanges from vcrpy cassettes, with the safe loader and nothing of vcrpy itself.

A cassette is version 1 of vcrpy's format: ``interactions``, each with a ``request`` (method, uri, headers, body)
and a ``response`` (status, headers, body). Bodies are text, bytes where they are no text, base64 of bytes
(``base64_string``), or JSON that a serializer has laid out (``parsed_body``); what was compressed is unpacked. Beside
them may stand what `tfclient export vcr` keeps, see ``kept``.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from tfclient.importing.encodings import Undone, undone
from tfclient.importing.kept import KEY, Kept, NotKept, kept_in
from tfclient.importing.kept_sockets import sockets_in
from tfclient.projection.wire.endpoints import endpoint_of
from tfstore.document.json_text import compact

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = frozenset({".yaml", ".yml"})
LARGEST: Final = 100 * 1024 * 1024
"""Bytes of the largest cassette that is read."""

MOST_VALUES: Final = 1_000_000
"""Values, lists and mappings in it: each takes a few hundred bytes of memory, however short it is."""

_FEW: Final = 1024 * 1024
"""Characters that cannot hold so many that they have to be counted."""

_DEEP: Final = re.compile(r"(?:[\[{]\s*){1000}")
"""What the YAML parser would take quadratic time for."""


class NotACassette(Exception):
    """A file that does not hold recorded HTTP exchanges."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not a cassette: {reason}. Give files that vcrpy recorded, or folders of them."
        )
        self.path = path
        self.reason = reason


@frozen
class Interaction:
    """One recorded exchange: a request and the response that answered it."""

    method: str
    url: str
    request_headers: dict[str, str]
    sent: Undone
    status: int
    headers: dict[str, str]
    received: Undone
    kept: Kept | None = None
    """What `tfclient export vcr` wrote beside it, if that did."""

    @property
    def request_body(self) -> bytes:
        """What the request brought, unpacked."""
        return self.sent.data

    @property
    def body(self) -> bytes:
        """What the response brought, unpacked."""
        return self.received.data

    @property
    def path(self) -> str:
        """The URL's path and query."""
        return "/" + self.url.split("://", 1)[-1].partition("/")[2]

    @property
    def is_openai(self) -> bool:
        """Whether an OpenAI client could have made this exchange, whoever's server answered it."""
        return " " not in endpoint_of(self.method, self.path).name


def find_cassettes(path: Path) -> Iterator[Path]:
    """Yield the cassette files at a path: the file itself, or all below the folder, in order of name."""
    if path.is_dir():
        yield from sorted(
            p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file() and not p.is_symlink()
        )
    else:
        yield path


@frozen
class Cassette:
    """What a cassette holds: exchanges, and the lines of sockets that `tfclient export vcr` wrote."""

    interactions: list[Interaction]
    sockets: list[dict[str, Any]]


def read_cassette(path: Path) -> list[Interaction]:
    """Return the exchanges of a cassette, in the order recorded.

    Raises:
        NotACassette: it cannot be read, is not YAML, or holds no interactions.
    """
    return whole_cassette(path).interactions


def whole_cassette(path: Path) -> Cassette:
    """Return the exchanges of a cassette, in the order recorded, and what it holds of sockets.

    Raises:
        NotACassette: it cannot be read, is not YAML, or holds no interactions.
    """
    import yaml

    try:
        if path.stat().st_size > LARGEST:
            raise NotACassette(path, f"it is longer than {LARGEST:,} bytes: record it in parts")
        # newline="": YAML normalises line ends itself, and bodies may hold any.
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        if _DEEP.search(text):
            raise NotACassette(path, "it is nested too deeply")
        if len(text) > _FEW and _holds_too_much(text):
            raise NotACassette(path, f"it holds more than {MOST_VALUES:,} values")
        # The loader is the safe one; only its C form is not known to the linter.
        content = yaml.load(text, Loader=_loader())  # noqa: S506
    except OSError as error:
        raise NotACassette(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise NotACassette(path, f"it is no text in UTF-8 (byte {error.start:,})") from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NotACassette(path, f"its YAML cannot be read ({str(error).splitlines()[0]})") from error
    listed = content.get("interactions") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise NotACassette(path, "it has no list of interactions")
    try:
        return Cassette([_interaction(raw) for raw in listed], sockets_in(content))
    except NotKept as error:
        raise NotACassette(path, str(error)) from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotACassette(path, f"an interaction is not in vcrpy's form ({error!r})") from error


def _holds_too_much(text: str) -> bool:
    """Say whether reading a cassette would take more memory than its length explains; it is passed through once."""
    import yaml

    return any(count > MOST_VALUES for count, _ in enumerate(yaml.parse(text, Loader=_loader())))


@cache
def _loader() -> type[Any]:
    import yaml

    safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(safe):  # type: ignore[misc]
        """The safe loader without merge keys: a few of them that name each other make gigabytes of a page."""

        def flatten_mapping(self, node: Any) -> None:
            """Leave a merge key what it is; the loader then refuses it."""

    for name in ("unicode", "str"):
        # Texts of cassettes that Python 2 wrote; no tag that makes anything else is known.
        Loader.add_constructor(
            f"tag:yaml.org,2002:python/{name}", lambda loader, node: loader.construct_scalar(node)
        )
    return Loader


def _interaction(raw: dict[str, Any]) -> Interaction:
    request, response = raw["request"], raw["response"]
    status = response["status"]
    sent, received = _headers(request.get("headers")), _headers(response.get("headers"))
    content = _body_of(response, received)
    return Interaction(
        _scalar(request["method"]),
        _scalar(request["uri"]),
        sent,
        _body_of(request, sent),
        int(status["code"] if isinstance(status, dict) else status),
        received,
        content,
        kept_in(raw[KEY], len(content.data)) if KEY in raw else None,
    )


def _headers(raw: Any) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {
        _scalar(k).lower(): ", ".join(map(_scalar, v)) if isinstance(v, list) else _scalar(v)
        for k, v in raw.items()
    }


def _scalar(value: Any) -> str:
    """Return the text of a plain value; the text of lists that hold each other could be endless."""
    if isinstance(value, list | dict | tuple | set):
        raise TypeError(f"a {type(value).__name__} where a text is expected")
    return str(value)


def _body_of(message: dict[str, Any], headers: dict[str, str]) -> Undone:
    if "parsed_body" in message:
        parsed = message["parsed_body"]
        return Undone(
            b"" if parsed is None else parsed.encode() if isinstance(parsed, str) else compact(parsed)
        )
    return undone(_body(message.get("body")), headers.get("content-encoding", ""))


def _body(raw: Any) -> bytes:
    if isinstance(raw, dict):
        encoded = raw.get("base64_string")
        if not raw.get("string") and encoded is not None:
            return base64.b64decode(encoded if isinstance(encoded, bytes) else _scalar(encoded))
        raw = raw.get("string")
    if raw is None:
        return b""
    return raw if isinstance(raw, bytes) else _scalar(raw).encode("utf-8", "surrogatepass")
