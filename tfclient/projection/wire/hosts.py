"""Where a call went: the host as it stands in the URL, and the provider where the host gives it away."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_PROVIDERS = (
    ("api.openai.com", "openai"),
    ("azure.com", "azure"),
    ("azure.us", "azure"),
    ("azure.cn", "azure"),
    ("models.github.ai", "github"),
    ("githubcopilot.com", "github"),
    ("openrouter.ai", "openrouter"),
    ("api.x.ai", "xai"),
    ("api.groq.com", "groq"),
    ("api.deepseek.com", "deepseek"),
    ("api.mistral.ai", "mistral"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.perplexity.ai", "perplexity"),
    ("api.cerebras.ai", "cerebras"),
    ("api.anthropic.com", "anthropic"),
    ("api.cohere.ai", "cohere"),
    ("api.cohere.com", "cohere"),
    ("api.moonshot.ai", "moonshot"),
    ("api.deepinfra.com", "deepinfra"),
    ("api.nvidia.com", "nvidia"),
    ("gateway.ai.cloudflare.com", "cloudflare"),
    ("huggingface.co", "huggingface"),
    ("huggingface.cloud", "huggingface"),
    ("googleapis.com", "google"),
    ("aliyuncs.com", "alibaba"),
    ("amazonaws.com", "aws"),
)


@lru_cache(maxsize=64)
def provider_of(host: str) -> str | None:
    """Return the provider behind a host, or None where the name does not tell.

    Example:
        >>> provider_of("my-resource.openai.azure.com")
        'azure'
    """
    name = host.partition(":")[0].lower()
    return next((who for end, who in _PROVIDERS if name == end or name.endswith("." + end)), None)


def place_of(url: str) -> dict[str, Any]:
    """Return host, provider, path and query of a URL, each where there is one."""
    try:
        split = urlsplit(url)
    except ValueError:
        return {"url": url}
    place: dict[str, Any] = {"host": split.netloc}
    provider = provider_of(split.netloc)
    if provider is not None:
        place["provider"] = provider
    place["path"] = split.path
    query = query_of(parse_qsl(split.query, keep_blank_values=True))
    return place | ({"query": query} if query else {})


def query_of(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return a query as an object; a name that is repeated has a list.

    Example:
        >>> query_of([("include[]", "a"), ("include[]", "b"), ("stream", "true")])
        {'include[]': ['a', 'b'], 'stream': 'true'}
    """
    query: dict[str, Any] = {}
    for name, value in pairs:
        if name in query:
            held = query[name]
            query[name] = [*held, value] if isinstance(held, list) else [held, value]
        else:
            query[name] = value
    return query
