"""The demo runs by itself: no network, no key, and a program that strays is told so."""

from __future__ import annotations

import openai
import pytest

from tfclient import TracedOpenAI
from tfclient.demo import demo_cassette, demo_http_client, run_demo
from tfclient.demo.replay import replaying
from tfclient.importing.cassette import read_cassette

BASE_URL = "https://api.openai.com/v1"

pytestmark = pytest.mark.usefixtures("no_sockets")


def test_the_weekend_is_played_to_its_end() -> None:
    heard: list[tuple[str, str]] = []
    with TracedOpenAI(api_key="demo", base_url=BASE_URL, http_client=demo_http_client(pace=0)) as client:
        run_demo(client, lambda who, what: heard.append((who, what)))
    assert [who for who, _ in heard].count("user") == 4
    agent = [what for who, what in heard if who == "agent"]
    assert agent[0].startswith("Go on Saturday")
    assert agent[1].startswith("Two places are within your budget")
    assert agent[2].startswith("Expect showers")
    assert agent[3].startswith("Sorry, I cannot answer right now")
    assert [what for who, what in heard if who == "tool" and "Error:" in what] == [
        "TimeoutError: hours.example did not answer within 300 ms",
        "ConnectionError: Pátio Azul takes no bookings online (2 people, Saturday 13:00)",
    ]


def test_every_recorded_request_is_made_once() -> None:
    interactions = read_cassette(demo_cassette())
    with TracedOpenAI(api_key="demo", base_url=BASE_URL, http_client=replaying(interactions)) as client:
        run_demo(client)
        with pytest.raises(openai.BadRequestError, match="Request 11: the cassette is at its end"):
            client.responses.create(model="m", input="one more")
    assert len(interactions) == 10


def test_a_request_that_was_not_recorded_is_refused_with_the_difference() -> None:
    with openai.OpenAI(api_key="demo", base_url=BASE_URL, http_client=demo_http_client(pace=0)) as client:
        with pytest.raises(
            openai.BadRequestError, match=r'Request 1: its body differs from the recorded one: .*"other"'
        ):
            client.responses.create(model="other", input="Hi")
        with pytest.raises(openai.BadRequestError, match="has POST /v1/responses here, not GET /v1/models"):
            client.models.list()
