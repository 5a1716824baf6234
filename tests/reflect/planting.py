"""Agents' traffic with a fault planted in it: requests and responses as they go over the wire, changed in one place.

What is planted is described by what happens on the wire alone. A script of turns is made from a seed, a fault changes
the script or the way it is sent, and :func:`played` makes the requests and responses of it, on either API.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from tests.projection.builders import Story, call, output, said, system, user
from tests.projection.wire import as_completion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tfstore.document.documents import Session

Json = dict[str, Any]

_NAMES: Final = ("ada", "grace", "edsger", "barbara", "donald", "radia")
_GOODS: Final = ("lamp", "chair", "kettle", "rug", "clock", "desk")
_TOWNS: Final = ("Oslo", "Bergen", "Lisbon", "Rome", "Ghent", "Turku")
_ERRORS: Final = (
    "Error: no such order",
    "Error: payment method not found",
    "TimeoutError: shop.example did not answer within 300 ms",
    "Traceback (most recent call last):\n  File \"shop.py\", line 3\nKeyError: 'order'",
    "HTTP 503 Service Unavailable",
    '{"success": false, "message": "no such order"}',
    '{"status": "error", "message": "locked"}',
)


def _schema(**properties: str) -> Json:
    made = {name: {"type": kind} for name, kind in properties.items()}
    return {"type": "object", "properties": made, "required": [*made], "additionalProperties": False}


TOOLS: Final[dict[str, Json]] = {
    "find_user": _schema(email="string"),
    "get_order": _schema(order_id="string"),
    "list_orders": _schema(user_id="string"),
    "cancel_order": _schema(order_id="string", reason="string"),
    "get_weather": _schema(city="string"),
}


@define
class Turn:
    """A prompt, the calls that the model makes one after the other, and its answer."""

    prompt: str
    calls: list[Json]
    answer: str
    seconds: int = 1


@define
class Script:
    """A conversation and how it is sent."""

    turns: list[Turn]
    instructions: str = "You are the agent of a shop."
    fields: Json = field(factory=dict)
    tools: dict[str, Json] = field(factory=lambda: dict(TOOLS))
    kept: int | None = None
    """Messages that are sent of the history; all if none."""
    before: dict[int, Callable[[Json], Json]] = field(factory=dict)
    """What is done to the body of the request of this number before it leaves."""
    instead: dict[int, Callable[[Any, Json], None]] = field(factory=dict)
    """How the request of this number is answered."""
    without: set[str] = field(factory=set)
    """Ids of calls that are left out of all later requests."""
    silent: set[str] = field(factory=set)
    """Ids of calls whose output is never sent."""
    stops: bool = False
    """Whether the program ends where a request is refused."""


def script(random: Random) -> Script:
    """A conversation without a fault: every id is told before it is used, every answer is to its question."""
    turns: list[Turn] = []
    numbers = random.sample(range(10_000, 99_999), 8)
    for n in range(random.randint(3, 5)):
        name, number = random.choice(_NAMES), numbers.pop()
        email, user_id = f"{name}{number}@example.com", f"{name}_{numbers[0] + n}"
        order_id = f"A-{random.randint(10_000, 99_999)}"
        order = {
            "order_id": order_id,
            "user_id": user_id,
            "item": random.choice(_GOODS),
            "total": number / 100,
        }
        calls = [
            _a_call(
                "find_user", {"email": email}, {"user_id": user_id, "email": email, "visits": number % 90 + 7}
            ),
            _a_call("list_orders", {"user_id": user_id}, {"user_id": user_id, "orders": [order_id]}),
            _a_call("get_order", {"order_id": order_id}, order),
        ]
        if random.random() < 0.4:
            town = _TOWNS[n]
            calls.append(
                _a_call("get_weather", {"city": town}, {"city": town, "celsius": number % 30, "wind": n})
            )
        answer = f"Order {order_id} of {name} is a {order['item']} for {order['total']}."
        turns.append(Turn(f"Where is the order of {email}, please? (question {n + 1})", calls, answer))
    made = Script(turns)
    for n, each in enumerate(each for turn in turns for each in turn.calls):
        each["id"] = f"call_{n}"
    return made


def _a_call(name: str, arguments: Any, answer: Any) -> Json:
    return {"id": "", "name": name, "arguments": arguments, "answer": answer, "parallel": []}


def played(made: Script, api: str) -> Session:
    """The session of this conversation, whose requests send the whole history again."""
    story = Story(api)
    story.begin()
    history: list[Json] = []
    number = 0

    def request(seconds: int, items: list[Json]) -> bool:
        nonlocal number
        sent_now = [
            each
            for each in history
            if each.get("call_id") not in made.without or each["type"].endswith("put")
        ]
        sent_now = [
            each
            for each in sent_now
            if each.get("call_id") not in made.silent or each["type"] == "function_call"
        ]
        window = sent_now[-made.kept :] if made.kept else sent_now
        body = story.body([system(made.instructions), *window], tools=_tools(made.tools, api), **made.fields)
        change = made.before.get(number)
        sent = story.send(body if change is None else change(body))
        story.wait(seconds * 1000)
        answered = made.instead.get(number)
        number += 1
        if answered is None:
            sent.answer_items(items)
        else:
            answered(sent, {"items": items, "api": api})
        return bool(story.entries[-1].get("type") != "call.ended")

    for turn in made.turns:
        history.append(user(turn.prompt))
        for each in turn.calls:
            group = [each, *each["parallel"]]
            items = [call(one["id"], one["name"], one["arguments"]) for one in group]
            if not request(1, items) and made.stops:
                return _ended(story)
            history += items
            history += [output(one["id"], _text(one["answer"])) for one in group]
        if not request(turn.seconds, [said(turn.answer)]) and made.stops:
            return _ended(story)
        history.append(said(turn.answer))
    return _ended(story)


def _ended(story: Story) -> Session:
    story.end()
    return story.session()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _tools(tools: dict[str, Json], api: str) -> list[Json]:
    made = [{"name": name, "description": "", "parameters": schema} for name, schema in tools.items()]
    if api == "chat":
        return [{"type": "function", "function": each} for each in made]
    return [{"type": "function", **each} for each in made]


# The faults. Each changes a script; what it is called is what should be found.


def _calls(made: Script, name: str | None = None) -> list[Json]:
    return [each for turn in made.turns for each in turn.calls if name in (None, each["name"])]


def _place(made: Script, wanted: Json) -> tuple[Turn, int]:
    return next(
        (turn, turn.calls.index(wanted)) for turn in made.turns if any(each is wanted for each in turn.calls)
    )


def _again(made: Script, each: Json, times: int) -> None:
    """Let the model make a call again and again, right after it."""
    turn, place = _place(made, each)
    for n in range(times - 1):
        turn.calls.insert(place + 1, {**each, "id": f"{each['id']}_{n}", "parallel": []})


def _requests(made: Script) -> int:
    return sum(len(turn.calls) + 1 for turn in made.turns)


def run_failed(made: Script, random: Random) -> None:
    made.instead[_requests(made) - 1] = lambda sent, _: sent.fails(random.choice([400, 401, 500]))


def retry_storm(made: Script, random: Random) -> None:
    def refused(sent: Any, about: Json) -> None:
        for _ in range(random.randint(2, 4)):
            sent.answer({"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}, 429).attempt()
        sent.answer_items(about["items"])

    made.instead[random.randrange(_requests(made))] = refused


def error_as_text(made: Script, random: Random) -> None:
    random.choice(_calls(made))["answer"] = random.choice(_ERRORS)


def output_unused(made: Script, random: Random) -> None:
    place = random.randrange(1, _requests(made))
    while place in _firsts(made):
        place = random.randrange(1, _requests(made))
    made.instead[place] = lambda sent, _: sent.fails(500)
    made.stops = True


def _firsts(made: Script) -> set[int]:
    """The numbers of the requests that carry a prompt and no output."""
    firsts, number = set[int](), 0
    for turn in made.turns:
        firsts.add(number)
        number += len(turn.calls) + 1
    return firsts


def call_unanswered(made: Script, random: Random) -> None:
    each = random.choice([each for turn in made.turns[:-1] for each in turn.calls])
    lost = {
        **each,
        "id": f"{each['id']}_x",
        "arguments": {**each["arguments"]},
        "name": "get_weather",
        "parallel": [],
    }
    lost["arguments"] = {"city": "Paris"}
    each["parallel"] = [lost]
    made.without.add(lost["id"])
    made.silent.add(lost["id"])


def same_call_same_error(made: Script, random: Random) -> None:
    each = random.choice(_calls(made))
    each["answer"] = random.choice(_ERRORS)
    _again(made, each, random.randint(2, 4))


def same_call_fails_again(made: Script, random: Random) -> None:
    each = random.choice(_calls(made))
    each["answer"], other = random.sample(_ERRORS, 2)
    _again(made, each, 2)
    turn, place = _place(made, each)
    turn.calls[place + 1]["answer"] = other


def call_repeated(made: Script, random: Random) -> None:
    _again(made, random.choice(_calls(made)), 2)


def duplicate_parallel_call(made: Script, random: Random) -> None:
    each = random.choice(_calls(made))
    each["parallel"] = [{**each, "id": f"{each['id']}_x", "parallel": []}]


def duplicate_side_effect(made: Script, random: Random) -> None:
    turn = random.choice(made.turns)
    order_id = next(each for each in turn.calls if each["name"] == "get_order")["arguments"]["order_id"]
    wanted = {"order_id": order_id, "reason": "by mistake"}
    for n in range(2):
        turn.calls.append(
            {**_a_call("cancel_order", wanted, {"order_id": order_id, "done": n}), "id": f"cancel_{n}"}
        )


def loop_without_progress(made: Script, random: Random) -> None:
    turn = random.choice(made.turns)
    length = random.randint(1, 3)
    period, rest = turn.calls[:length], turn.calls[length:]
    again = [
        {**each, "id": f"{each['id']}_{n}", "parallel": []}
        for n in range(random.randint(2, 6))
        for each in period
    ]
    turn.calls[:] = [*period, *again, *rest]


def arguments_not_json(made: Script, random: Random) -> None:
    each = random.choice(_calls(made))
    text = json.dumps(each["arguments"])
    each["arguments"] = text[: random.randint(2, len(text) - 1)]


def arguments_break_schema(made: Script, random: Random) -> None:
    each = random.choice(_calls(made))
    name = random.choice(list(each["arguments"]))
    match random.randrange(3):
        case 0:
            each["arguments"] = {k: v for k, v in each["arguments"].items() if k != name}
        case 1:
            each["arguments"] = {**each["arguments"], name: 7}
        case _:
            each["arguments"] = {**each["arguments"], "verbose": True}


def tool_unknown(made: Script, random: Random) -> None:
    del made.tools[random.choice(_calls(made))["name"]]


def argument_unsourced(made: Script, random: Random) -> None:
    each = random.choice(_calls(made, random.choice(["get_order", "list_orders"])))
    (name,) = each["arguments"]
    wanted = f"{'A-' if name == 'order_id' else 'ada_'}{random.randint(100_000, 999_999)}"
    each["arguments"], each["answer"] = {name: wanted}, {name: wanted, "found": "yes"}


def answer_truncated(made: Script, random: Random) -> None:
    number = random.randrange(_requests(made))

    def cut(sent: Any, about: Json) -> None:
        if about["api"] == "chat":
            body = as_completion(sent.response_id, about["items"])
            body["choices"][0]["finish_reason"] = "length"
            sent.answer(body)
        else:
            reason = {"reason": "max_output_tokens"}
            sent.answer_items(about["items"], status="incomplete", incomplete_details=reason)

    made.instead[number] = cut


def refusal(made: Script, random: Random) -> None:
    words = random.choice(["I'm sorry, I can't help with that.", "I cannot assist with this request."])

    def refuses(sent: Any, about: Json) -> None:
        if about["api"] == "chat":
            body = as_completion(sent.response_id, [said("")])
            body["choices"][0]["message"] |= {"content": None, "refusal": words}
            sent.answer(body)
        else:
            sent.answer_items([{**said(""), "content": [{"type": "refusal", "refusal": words}]}])

    made.instead[_lasts(made)[random.randrange(len(made.turns))]] = refuses


def _lasts(made: Script) -> list[int]:
    """The numbers of the requests that end a turn."""
    lasts, number = list[int](), -1
    for turn in made.turns:
        number += len(turn.calls) + 1
        lasts.append(number)
    return lasts


def empty_answer(made: Script, random: Random) -> None:
    def says_nothing(sent: Any, about: Json) -> None:
        if about["api"] == "chat":
            sent.answer(as_completion(sent.response_id, [said("")]))
        else:
            sent.answer_items(random.choice([[], [said("")]]))

    made.instead[_lasts(made)[-1]] = says_nothing


def _asks_for_json(made: Script, schema: Json) -> Callable[[Json], Json]:
    def asks(body: Json) -> Json:
        if "messages" in body:
            kind = {"type": "json_schema", "json_schema": {"name": "found", "schema": schema}}
            return {**body, "response_format": kind}
        return {**body, "text": {"format": {"type": "json_schema", "name": "found", "schema": schema}}}

    number = _lasts(made)[-1]
    made.before[number] = asks
    return asks


def answer_not_json(made: Script, random: Random) -> None:
    _asks_for_json(made, _schema(order_id="string"))
    text = json.dumps({"order_id": "A-1"})
    made.turns[-1].answer = random.choice(
        [f"Here it is: {text}", f"```json\n{text}\n```", text[:-3], "It is A-1."]
    )


def answer_breaks_schema(made: Script, random: Random) -> None:
    _asks_for_json(made, _schema(order_id="string"))
    wrong: list[Json] = [{}, {"order_id": 7}, {"order_id": "A-1", "more": 1}, {"id": "A-1"}]
    made.turns[-1].answer = json.dumps(random.choice(wrong))


def context_cut(made: Script, random: Random) -> None:
    made.kept = random.randint(6, 9)


def same_answer(made: Script, random: Random) -> None:
    one, other = random.sample(_calls(made, "get_order"), 2)
    one["answer"] = other["answer"]


def id_not_in_answer(made: Script, random: Random) -> None:
    each = random.choice(_calls(made, "get_order"))
    order = {**each["answer"], "order_id": f"A-{random.randint(10_000, 99_999)}"}
    each["answer"] = random.choice(
        [order, {"order": order}, f"Order {order['order_id']}: a {order['item']}."]
    )


def output_without_call(made: Script, random: Random) -> None:
    made.without.add(random.choice(_calls(made))["id"])


def instructions_changed(made: Script, random: Random) -> None:
    number = random.randrange(1, _requests(made))
    changed = system("You are the agent of another shop, and proud of it.")
    field_ = ("messages", "input")

    def change(body: Json) -> Json:
        return {**body, **{name: [changed, *body[name][1:]] for name in field_ if name in body}}

    made.before[number] = change


def tools_changed(made: Script, random: Random) -> None:
    number = random.randrange(1, _requests(made))
    made.before[number] = lambda body: {**body, "tools": body["tools"][:-1]}


def slow_outlier(made: Script, random: Random) -> None:
    random.choice(made.turns).seconds = random.randint(15, 60)


FAULTS: Final[dict[str, Callable[[Script, Random], None]]] = {
    each.__name__: each
    for each in (
        *(run_failed, retry_storm, error_as_text, output_unused, call_unanswered, output_without_call),
        *(same_answer, id_not_in_answer, same_call_same_error, same_call_fails_again, call_repeated),
        *(duplicate_parallel_call, duplicate_side_effect, loop_without_progress, arguments_not_json),
        *(arguments_break_schema, tool_unknown, argument_unsourced, answer_truncated, refusal, empty_answer),
        *(
            answer_not_json,
            answer_breaks_schema,
            context_cut,
            instructions_changed,
            tools_changed,
            slow_outlier,
        ),
    )
}


def planted(kind: str, seed: int, api: str) -> Session:
    """A session with this fault; the seed decides where and how."""
    random = Random(f"{kind}-{seed}")  # noqa: S311 - the same faults each time
    made = script(random)
    FAULTS[kind](made, random)
    return played(made, api)
