"""A small travel agent, written as anyone would write one: a loop, four tools, one client.

It is what ``tfclient demo`` runs. Its user asks about a weekend in Lisbon, follows up, turns back to the first
answer with another thought, and in the end wants a table that the agent fails to book.
"""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from openai import APIError

if TYPE_CHECKING:
    from openai.types.responses import Response, ResponseFunctionToolCall

    from tfclient.client import TracedOpenAI

Say: TypeAlias = Callable[[str, str], None]

MODEL: Final = "gpt-5.4-mini"
INSTRUCTIONS: Final = (
    "You are a travel agent for weekend trips. Look things up before you answer, several at once where you can. "
    "If a tool fails, try it once more. Answer in a few sentences."
)

_STRING: Final = {"type": "string"}


def _tool(name: str, description: str, **parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": parameters,
            "required": list(parameters),
            "additionalProperties": False,
        },
        "strict": True,
    }


TOOLS: Final[list[Any]] = [
    _tool("get_forecast", "The weather of one day in a city.", city=_STRING, day=_STRING),
    _tool("opening_hours", "When a place is open.", place=_STRING, day=_STRING),
    _tool("find_restaurants", "Restaurants near a place.", near=_STRING, most_euros={"type": "integer"}),
    _tool("book_table", "Book a table.", restaurant=_STRING, time=_STRING, people={"type": "integer"}),
]


class TravelTools:
    """What the agent can look up; made up, and always the same.

    The opening hours are served by a slow machine: the first time it is asked, it does not answer.
    """

    def __init__(self) -> None:
        self._asked_before = False

    def get_forecast(self, city: str, day: str) -> dict[str, Any]:
        time.sleep(0.12)
        if day == "Saturday":
            return {"city": city, "day": day, "sky": "sunny", "high_c": 24, "rain_percent": 5}
        return {"city": city, "day": day, "sky": "showers", "high_c": 19, "rain_percent": 70}

    def opening_hours(self, place: str, day: str) -> dict[str, Any]:
        time.sleep(0.3)
        if not self._asked_before:
            self._asked_before = True
            raise TimeoutError("hours.example did not answer within 300 ms")
        return {"place": place, "day": day, "open": "09:30", "close": "18:00", "last_entry": "17:30"}

    def find_restaurants(self, near: str, most_euros: int) -> list[dict[str, Any]]:
        time.sleep(0.2)
        found: list[dict[str, Any]] = [
            {"name": "Cantina da Vila", "dish": "grilled sardines", "euros": 17, "near": near},
            {"name": "Pátio Azul", "dish": "cod with chickpeas", "euros": 22, "near": near},
        ]
        return [restaurant for restaurant in found if restaurant["euros"] <= most_euros]

    def book_table(self, restaurant: str, time: str, people: int) -> dict[str, Any]:
        raise ConnectionError(f"{restaurant} takes no bookings online ({people} people, {time})")


class StormyTools(TravelTools):
    """The same with another forecast: what would the agent have been told then?"""

    def get_forecast(self, city: str, day: str) -> dict[str, Any]:
        forecast = super().get_forecast(city, day)
        return {**forecast, "sky": "storm", "rain_percent": 100} if day == "Saturday" else forecast


class TravelAgent:
    """Answers prompts, calling tools until the model needs no more.

    Args:
        client: The traced client; any OpenAI client with ``tool_call``.
        say: Told who speaks and what, as it happens.
        tools: What it can look up.
    """

    def __init__(self, client: TracedOpenAI, say: Say, tools: TravelTools) -> None:
        self._client = client
        self._say = say
        self._tools = tools

    def ask(self, prompt: str, after: Response | None = None, *, stream: bool = False) -> Response:
        """Answer a prompt.

        Args:
            prompt: What the user says.
            after: The response it follows; without one, a new conversation begins.
            stream: Whether to take the answers as they are written.

        Raises:
            openai.APIError: The model could not be asked.
        """
        self._say("user", prompt)
        news: list[Any] = [{"role": "user", "content": prompt}]
        while True:
            response = self._respond(news, after, stream=stream)
            calls: list[Any] = [item for item in response.output if item.type == "function_call"]
            if not calls:
                self._say("agent", response.output_text)
                return response
            news, after = self._serve(calls), response

    def _respond(self, news: list[Any], after: Response | None, *, stream: bool) -> Response:
        wanted: dict[str, Any] = {
            "model": MODEL,
            "instructions": INSTRUCTIONS,
            "input": news,
            "tools": TOOLS,
            "reasoning": {"effort": "low", "summary": "auto"},
        }
        if after is not None:
            wanted["previous_response_id"] = after.id
        if not stream:
            response: Response = self._client.responses.create(**wanted)
            return response
        with self._client.responses.stream(**wanted) as events:
            return events.get_final_response()

    def _serve(self, calls: list[ResponseFunctionToolCall]) -> list[Any]:
        """Run the tools at the same time; the answers go back in the order of the calls."""
        with ThreadPoolExecutor(max_workers=len(calls)) as pool:
            # A copy of the context each, so that what they do belongs to this session.
            running = [pool.submit(contextvars.copy_context().run, self._serve_one, call) for call in calls]
            return [future.result() for future in running]

    def _serve_one(self, call: ResponseFunctionToolCall) -> dict[str, Any]:
        self._say("tool", f"{call.name} {call.arguments}")
        try:
            with self._client.tool_call(call) as tool:
                tool.result = getattr(self._tools, call.name)(**json.loads(call.arguments))
                output = tool.result
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the model should know
            output = {"error": f"{type(error).__name__}: {error}"}
            self._say("tool", output["error"])
        return {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": json.dumps(output, ensure_ascii=False),
        }


def run_demo(client: TracedOpenAI, say: Say | None = None, tools: TravelTools | None = None) -> None:
    """Play the weekend in Lisbon: four prompts, one of them turning back, the last one failing.

    Args:
        client: A traced client on :func:`tfclient.demo.demo_http_client`; its session is left open.
        say: Told who speaks (``user``, ``agent``, ``tool``) and what, as it happens.
        tools: What the agent can look up, if that is to be something else.
    """
    quiet: Say = lambda _who, _what: None  # noqa: E731 - nobody is told
    agent = TravelAgent(client.with_options(max_retries=1), say or quiet, tools or TravelTools())
    first = agent.ask(
        "I am in Lisbon this weekend. Which day is better for a walk to Belém, and is the tower open?"
    )
    lunch = agent.ask(
        "Saturday it is. Where do we have lunch near the tower, for at most 25 euros?", first, stream=True
    )
    # A second thought about the first answer: both prompts have the same parent.
    agent.ask("And if we can only go on Sunday: what should we pack?", first, stream=True)
    try:
        agent.ask("Book us a table for two at Pátio Azul, Saturday 13:00.", lunch)
    except APIError as error:
        if say is not None:
            say("agent", f"Sorry, I cannot answer right now ({error.message}).")
