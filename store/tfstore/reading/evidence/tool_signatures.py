"""Tools as a programmer reads them: ``get_forecast(city,day,unit?)``, without what their descriptions say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

_NAMES: Final = ("name", "server_label")
"""Where a tool's name stands; one that the provider runs often has a type only."""


def signatures(tools: Iterable[Any]) -> Iterator[str]:
    """Yield what each of a request's tools is called and takes, those that may be left out with ``?``.

    Example:
        >>> schema = {"properties": {"city": {}, "day": {}}, "required": ["city"]}
        >>> list(signatures([{"type": "function", "name": "get", "parameters": schema}, {"type": "web_search"}]))
        ['get(city,day?)', 'web_search']
    """
    for tool in tools:
        yield _signature(tool)


def _signature(tool: Any) -> str:
    if not isinstance(tool, dict):
        return str(tool)
    kind = str(tool.get("type") or "function")
    # Chat completions put a function one level deeper, and namespaces hold tools of their own.
    below = tool.get(kind)
    inner: dict[str, Any] = below if isinstance(below, dict) else tool
    name = next((str(inner[each]) for each in _NAMES if inner.get(each)), "")
    if isinstance(inside := inner.get("tools"), list):
        return f"{name or kind}{{{' '.join(signatures(inside))}}}"
    schema = inner.get("parameters") or inner.get("input_schema") or inner.get("inputSchema")
    if not isinstance(schema, dict) or not isinstance(fields := schema.get("properties"), dict):
        return f"{kind}:{name}" if name and kind != "function" else f"{name}()" if name else kind
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set[str]()
    return f"{name or kind}({','.join(str(each) + ('' if each in needed else '?') for each in fields)})"
