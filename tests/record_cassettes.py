"""Records the cassettes of ``cassettes/``: programs run against the scripted server, with vcrpy in between.

Run ``python -m tests.record_cassettes`` to record them again; without a change of a program or of the server,
the files stay the same, byte for byte. They hold no key, and look as if api.openai.com had answered.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import vcr
from vcr.record_mode import RecordMode

from tests import agents
from tests.server.replies import Call, Refused, Reply, Think, answer, calls, rate_limited
from tests.server.scripted import ScriptedServer
from tfclient import TracedOpenAI
from tfclient.demo import run_demo

CASSETTES: Final = Path(__file__).parents[1] / "cassettes"

_KEPT_OF_REQUEST: Final = {"accept", "content-type", "x-stainless-retry-count"}
_DROPPED_OF_RESPONSE: Final = {"transfer-encoding", "openai-organization", "connection"}

_FORECASTS: Final = (
    Call("get_forecast", {"city": "Lisbon", "day": "Saturday"}),
    Call("get_forecast", {"city": "Lisbon", "day": "Sunday"}),
)
_HOURS: Final = Call("opening_hours", {"place": "Belém Tower", "day": "Saturday"})

DEMO: Final[tuple[Reply, ...]] = (
    calls(
        *_FORECASTS,
        _HOURS,
        think=Think(
            [
                (
                    "**Planning the lookups**\n\nThe user wants to compare Saturday and Sunday. I need both forecasts "
                    "and the tower's opening hours; none of them depends on another, so I ask for all three at once."
                )
            ]
        ),
    ),
    calls(_HOURS),
    answer(
        "Go on Saturday: it will be sunny with 24 °C, while Sunday brings showers. Belém Tower is open from 9:30 "
        "to 18:00 on Saturday; be there by 17:30."
    ),
    calls(Call("find_restaurants", {"near": "Belém Tower", "most_euros": 25})),
    rate_limited(0.4),
    answer(
        "Two places are within your budget: Cantina da Vila has grilled sardines for 17 euros, and Pátio Azul cod "
        "with chickpeas for 22. For a long Saturday lunch I would take Pátio Azul."
    ),
    answer(
        "Expect showers and 19 °C on Sunday: take a rain jacket, shoes that may get wet, and a warm layer for the "
        "riverside. The tower's courtyard has no roof, so plan a café stop."
    ),
    calls(Call("book_table", {"restaurant": "Pátio Azul", "time": "Saturday 13:00", "people": 2})),
    Refused(500, retry_after=0.3),
    Refused(500, retry_after=0.3),
)

LOOP: Final[tuple[Reply, ...]] = (
    calls(Call("get_weather", {"city": "Oslo"}), Call("get_time", {"city": "Atlantis"})),
    answer("It is 14 °C in Oslo. I could not find the time in Atlantis."),
)

SCENARIOS: Final[dict[str, tuple[Callable[[Any], object], tuple[Reply, ...]]]] = {
    "demo": (run_demo, DEMO),
    "agent_loop": (agents.agent_loop, LOOP),
    "streamed_agent_loop": (agents.streamed_agent_loop, LOOP),
    "fork": (
        agents.fork,
        (answer("Bergen, Oslo or Tromsø."), answer("Take the train to Bergen."), answer("Fly to Tromsø.")),
    ),
    "retried": (agents.retried, (rate_limited(), answer("Hello again."))),
    "chat_agent_loop": (agents.chat_agent_loop, LOOP),
}


def record(name: str, folder: Path = CASSETTES) -> Path:
    """Record one cassette.

    Args:
        name: Which scenario.
        folder: Where to.

    Returns:
        The cassette's path.
    """
    run, replies = SCENARIOS[name]
    path = folder / f"{name}.yaml"
    path.unlink(missing_ok=True)
    with ScriptedServer(name) as server:
        server.script(*replies)

        def as_openai(request: Any) -> Any:
            request.uri = request.uri.replace(server.origin, "https://api.openai.com")
            kept = {key.lower(): value for key, value in request.headers.items()}
            request.headers = {key: kept[key] for key in sorted(_KEPT_OF_REQUEST & kept.keys())}
            return request

        recorder = vcr.VCR(
            record_mode=RecordMode.ALL,
            before_record_request=as_openai,
            before_record_response=_tidied,
            decode_compressed_response=True,
        )
        with recorder.use_cassette(str(path)), TracedOpenAI(base_url=server.url, api_key="none") as client:
            run(client)
        if server.unused:
            raise RuntimeError(f"{name}: {server.unused} scripted replies were not asked for.")
    return path


def _tidied(response: Any) -> Any:
    headers = {key.lower(): value for key, value in response["headers"].items()}
    response["headers"] = {key: headers[key] for key in sorted(headers.keys() - _DROPPED_OF_RESPONSE)}
    body = response["body"]["string"]
    response["headers"]["content-length"] = [str(len(body))]
    if headers["content-type"][0].startswith("text/event-stream"):
        del response["headers"]["content-length"]
    return response


def main() -> None:
    """Record all of them; what the programs record of themselves goes to a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as store:
        os.environ["THOUGHTFLOW_DIR"] = store
        os.environ["THOUGHTFLOW_DISABLED"] = "1"
        CASSETTES.mkdir(exist_ok=True)
        for name in SCENARIOS:
            print(record(name).name)  # noqa: T201 - a script tells what it did


if __name__ == "__main__":
    main()
