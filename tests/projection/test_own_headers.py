"""What a program adds to its requests' headers stands in the document; what the SDK sends does not."""

from __future__ import annotations

import openai
import pytest

from tests.projection.builders import Story, said, the, user
from tfclient.projection.wire.own_headers import own_headers


def headers_sent(**settings: dict[str, str]) -> dict[str, str]:
    """What the installed SDK sends, with the headers of a program."""
    client = openai.OpenAI(api_key="sk-x", organization="org-1", project="proj-1", **settings)  # type: ignore[arg-type]
    options = openai._models.FinalRequestOptions.construct(method="post", url="/responses", json_data={})
    request = client._build_request(options)
    return {name.lower(): value for name, value in request.headers.items()}


def test_nothing_of_what_the_sdk_sends_is_the_programs() -> None:
    assert own_headers(headers_sent(), [], beta=True) == {}


def test_what_the_program_adds() -> None:
    own = {"X-Tenant": "7", "User-Agent": "mine/1", "OpenAI-Beta": "x=v1"}
    shown = {"x-tenant": "7", "user-agent": "mine/1", "openai-beta": "x=v1"}
    assert own_headers(headers_sent(default_headers=own), [], beta=True) == shown


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/embeddings"])
def test_they_stand_in_the_document(path: str) -> None:
    story = Story()
    story.send(story.body([user("Hello")]), path=path)
    story.entries[-1]["headers"] |= {"x-tenant": "7", "x-vault": "<redacted:header:x-vault>", "host": "h"}
    made = the(story.session(), "generic" if "embed" in path else "assistant_call")
    assert made.payload_started["headers"] == {"x-tenant": "7", "x-vault": "<redacted:header:x-vault>"}


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/embeddings"])
def test_a_credential_of_the_programs_is_named_without_its_value(path: str) -> None:
    story = Story()
    story.send(story.body([user("Hello")]), path=path)
    story.entries[-1]["redactions"] = [
        {"path": f"request.headers.{name}", "rule": f"header:{name}", "action": "dropped", "bytes": 7}
        for name in ("authorization", "x-tenant-token")
    ]
    made = the(story.session(), "generic" if "embed" in path else "assistant_call")
    assert made.payload_started["headers"] == {"x-tenant-token": "<redacted:header:x-tenant-token>"}


def test_without_any_there_is_no_field() -> None:
    story = Story()
    story.ask([user("Hello")], [said("Hi.")])
    assert "headers" not in the(story.session(), "assistant_call").payload_started


def test_headers_that_are_none() -> None:
    assert own_headers(None, None, beta=True) == {}
