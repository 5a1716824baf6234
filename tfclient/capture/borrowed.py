"""What is taken from private parts of httpx, httpx2 and openai, each tried when it is first used.

For what is only quicker there is a public way, which is gone when one of them is not as it was. For the rest,
``Gone`` says so, and whoever asked says what is not recorded therefore. Two more are seen from outside: that
``OpenAI._send_request`` is where requests leave by (``seams.returned``), and that a resource's ``connect`` takes
options for its connections (``sockets.watched``).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

from tfclient.signals import let_pass


class Gone(Exception):
    """A library has no such part, or it is no longer what it was."""


def header_list(headers: Any) -> list[tuple[bytes, ...]]:
    """Return headers in their order: the name, perhaps again in lower case, and the value."""
    # The public `raw` makes a new list and new pairs at each look.
    way = _WAYS.get(type(headers))
    listed: list[tuple[bytes, ...]] = _try_headers(headers) if way is None else way(headers)
    return listed


def url_key(url: Any) -> Hashable:
    """Return what a URL is made of; its text is put together each time that somebody asks for it."""
    key = getattr(url, "_uri_reference", None)
    return key if isinstance(key, tuple) else str(url)


def form_fields(request: Any) -> list[Any]:
    """Return the fields of a multipart form, each with ``name`` and ``value``, or with ``name`` and ``file``.

    Raises:
        Gone: they are not there.
    """
    fields = getattr(request.stream, "fields", None)
    if not isinstance(fields, list) or not all(map(_is_field, fields)):
        raise Gone(f"a {type(request.stream).__qualname__} has no fields that it knows")
    return fields


@cache
def decoders(library: str) -> dict[str, Callable[[], Any]]:
    """Return what undoes content encodings, by their names: each made has ``decode`` and ``flush``.

    Raises:
        Gone: it is not there.
    """
    try:
        found: dict[str, Callable[[], Any]] = importlib.import_module(
            f"{library}._decoders"
        ).SUPPORTED_DECODERS
        for name in ("decode", "flush"):
            getattr(found["gzip"](), name)
    except Exception as error:
        let_pass(error)
        raise Gone(f"{library} has no decoders that it knows") from error
    return found


def base_clients() -> list[type[Any]]:
    """Return the classes that every client of the SDK has its ``request`` and ``_send_request`` from.

    Raises:
        Gone: there are none that have both.
    """
    # Here, not above: this module may be what is asked while `openai` is only being imported.
    import openai

    found: list[type[Any]] = []
    for client in (openai.OpenAI, openai.AsyncOpenAI):
        base = [each for each in client.__mro__ if "request" in vars(each)][-1:]
        if not base or "_send_request" not in vars(base[0]):
            raise Gone(f"openai {openai.__version__} sends the requests of {client.__name__} another way")
        found += base
    return found


def base_resources() -> tuple[type[Any], type[Any]]:
    """Return the classes that every resource of the SDK is of, sync and async."""
    from openai._resource import AsyncAPIResource, SyncAPIResource

    return SyncAPIResource, AsyncAPIResource


_WAYS: dict[type, Callable[[Any], Any]] = {}


def _try_headers(headers: Any) -> Any:
    try:
        quick = [(header[0], header[-1]) for header in headers._list] == headers.raw  # noqa: SLF001 - tried here
    except Exception as error:  # noqa: BLE001 - then it is not what it was
        let_pass(error)
        quick = False
    way = _WAYS[type(headers)] = (lambda given: given._list) if quick else (lambda given: given.raw)  # noqa: SLF001
    return way(headers)


def _is_field(field: Any) -> bool:
    return hasattr(field, "name") and (hasattr(field, "value") or hasattr(field, "file"))
