"""What a method and a path are called."""

from __future__ import annotations

import re
from pathlib import Path

import openai
import pytest

from tfclient.projection.wire.endpoints import endpoint_of
from tfclient.projection.wire.hosts import place_of

_REQUEST = re.compile(
    r'self\._(post|get|delete|put|patch|get_api_list)\(\s*(?:path_template\(\s*)?f?"(/[^"?]+)', re.ASCII
)
_ID = re.compile(r"\{[^}]*\}")
IDS = ["a1b2c3d4e5f6a7b8", "file-9", "ft:gpt-4o-mini:org::x1", "word", "my.model"]


def operations() -> list[tuple[str, str]]:
    """Every method and path that the installed openai knows."""
    sources = Path(openai.__file__).parent.joinpath("resources").rglob("*.py")
    found: set[tuple[str, str]] = set()
    for source in sources:
        found.update(_REQUEST.findall(source.read_text()))
    return sorted(
        ({"get_api_list": "GET"}.get(verb, verb.upper()), path)
        for verb, path in found
        # Roles of a project stand below no word of their own.
        if not path.startswith("/projects/")
    )


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", "/api/projects/p/openai/v1", "/openai", ""])
def test_every_operation_of_the_sdk_has_the_words_of_its_path(prefix: str) -> None:
    known = operations()
    assert len(known) > 80
    for method, path in known:
        words = ".".join(part for part in path.split("/") if part and not _ID.fullmatch(part))
        for each in IDS:
            made = endpoint_of(method, prefix + _ID.sub(each, path))
            verb = made.name.removeprefix(words)
            assert verb in {"", ".create", ".list", ".retrieve", ".update", ".delete"}, (path, made)
            assert made.resource_id == (each if "{" in path else None), (path, made)
            assert (method, verb) != ("POST", ".update") or path.endswith("}"), (path, made)
            assert (method, verb) != ("GET", ".list") or not path.endswith("}"), (path, made)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/fine_tuning/jobs", "fine_tuning.jobs.create"),
        ("GET", "/v1/fine_tuning/jobs/ftjob-abc", "fine_tuning.jobs.retrieve"),
        ("POST", "/v1/agents/environments/env_1/files", "agents.environments.files.create"),
        ("POST", "/v1/videos/video_1/remix", "videos.remix"),
        ("POST", "/v1/chat/completions/chatcmpl-1", "chat.completions.update"),
        ("POST", "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "chat.completions.create"),
        ("POST", "/models/chat/completions", "chat.completions.create"),
        ("POST", "/openai/deployments/chat/completions", "completions.create"),
        ("POST", "/openai/deployments/models/chat/completions", "chat.completions.create"),
        ("GET", "/v1/models/responses-model", "models.retrieve"),
        ("POST", "/v1/responses/resp_1/upscale", "responses.upscale.create"),
        ("PUT", "/v1/brand/new", "PUT /v1/brand/new"),
    ],
)
def test_names(method: str, path: str, name: str) -> None:
    assert endpoint_of(method, path).name == name


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.openai.com", "openai"),
        ("eu.api.openai.com:443", "openai"),
        ("my-res.openai.azure.com", "azure"),
        ("my-res.openai.azure.us", "azure"),
        ("us-central1-aiplatform.googleapis.com", "google"),
        ("bedrock-runtime.us-east-1.amazonaws.com", "aws"),
        ("x1.us-east-1.aws.endpoints.huggingface.cloud", "huggingface"),
        ("notapi.openai.com.evil.example", None),
        ("fakeazure.com", None),
        ("localhost:11434", None),
    ],
)
def test_the_provider_is_named_where_the_host_tells(host: str, provider: str | None) -> None:
    assert place_of(f"https://{host}/v1/responses").get("provider") == provider
