"""Which recorded request answers, and what is said where none does."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING, Any

import openai
import pytest

import tfclient
from tests.capture.driver import MODEL, Driver
from tests.server.replies import answer, rate_limited
from tfclient.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.replaying.recording import Studio
    from tests.server.scripted import ScriptedServer

CALLED = {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}"}


@pytest.fixture
def drive(server: ScriptedServer) -> Iterator[Driver]:
    """What is compared knows no event loop."""
    driver = Driver(server.url)
    yield driver
    driver.close()


def asking(**body: Any) -> Any:
    def program(drive: Driver, client: Any) -> str:
        return drive.do(client.responses.create(**{"model": MODEL, "input": "Hi", **body})).output_text  # type: ignore[no-any-return]

    return program


def given(output: str) -> list[Any]:
    return [
        {"role": "user", "content": "Look."},
        CALLED,
        {"type": "function_call_output", "call_id": "call_1", "output": output},
    ]


def how(studio: Studio, program: Any, **options: Any) -> tuple[list[str], list[str]]:
    """How each answer was found, and what was overlooked."""
    with tfclient.replay(studio.session_id, **options) as playback:
        program(studio.drive, studio.drive.traced(studio.recorder))
    places = [each.where for played in playback.answers for each in played.differences]
    return [each.how for each in playback.answers], places


def at(moment: str, number: int) -> dict[str, Any]:
    """A request of a program with clocks and ids of its own."""
    epoch = 1_788_000_000 + number
    made = {"at": moment, "id": str(uuid.UUID(int=number)), "epoch": epoch, "file": f"/tmp/tmp{number}/a.txt"}  # noqa: S108
    return {
        "instructions": f"You are brief. It is {moment}; see <Store object at 0x7f{number:010x}>.",
        "metadata": {"run": f"{number:032x}"},
        "input": given(json.dumps(made)),
    }


def test_clocks_and_ids_of_programs_are_overlooked_and_told(studio: Studio) -> None:
    studio.record(asking(**at("2026-09-02T14:05:00Z", 1)), answer("Fine."))
    later = asking(**at("2026-11-29 23:59:59.123+01:00", 2))
    places = ["metadata.run", "instructions", "input[2].output.at", "input[2].output.id"]
    found, told = how(studio, later)
    assert found == ["alike"]
    assert set(told) == {*places, "input[2].output.epoch", "input[2].output.file"}
    with tfclient.replay(studio.session_id) as playback:
        later(studio.drive, studio.drive.traced(studio.recorder))
    assert "1 alike (" in playback.told()
    assert all(place in playback.notes[0] for place in places)
    with pytest.raises(tfclient.ReplayMiss, match="differs in 6 places"):
        studio.play(later, match="exact")


def test_what_a_user_says_is_never_overlooked(studio: Studio) -> None:
    studio.record(asking(input="Wake me at 13:00."), answer("Fine."))
    with pytest.raises(tfclient.ReplayMiss, match=r'- "Wake me at 13:00\."\n +\+ "Wake me at 19:00\."'):
        studio.play(asking(input="Wake me at 19:00."))


def test_the_order_of_members_and_the_layout_of_json_mean_nothing(studio: Studio) -> None:
    studio.record(asking(input=given('{"a": 1, "b": [2]}'), metadata={"x": "1", "y": "2"}), answer("Fine."))
    program = asking(metadata={"y": "2", "x": "1"}, input=given('{"b":[2],"a":1}'))
    assert how(studio, program, match="exact") == (["exact"], [])


def test_the_nearest_is_told_with_what_differs(studio: Studio) -> None:
    def twice(drive: Driver, client: Any) -> None:
        asking(input=[{"role": "user", "content": "What is the weather in Oslo?"}])(drive, client)
        asking(input=[{"role": "user", "content": "Tell me a story."}])(drive, client)

    studio.record(twice, answer("Cloudy."), answer("Once …"))
    with pytest.raises(tfclient.ReplayMiss) as missed:
        studio.play(asking(input=[{"role": "user", "content": "What is the weather in Oslo? In French."}]))
    nearest = studio.store.journal(studio.session_id)[0][2]["exchange_id"]
    assert str(missed.value).splitlines() == [
        (
            f"No recorded answer to POST /v1/responses. The nearest that is left, …-{nearest.rpartition('-')[2]} "
            "(step_1_2), differs in 1 place:"
        ),
        "  input[0].content",
        '    - "What is the weather in Oslo?"',
        '    + "What is the weather in Oslo? In French."',
        (
            "`tfclient replay … --on-miss live` goes on from here with the real API; "
            "--ignore input[0].content overlooks it."
        ),
    ]
    assert missed.value.nearest == nearest
    assert not isinstance(missed.value, openai.OpenAIError)


def test_an_item_more_at_the_front_is_one_difference(studio: Studio) -> None:
    items = [{"role": "user", "content": f"Number {n}."} for n in range(5)]
    studio.record(asking(input=items), answer("Fine."))
    with pytest.raises(tfclient.ReplayMiss) as missed:
        studio.play(asking(input=[{"role": "user", "content": "First of all."}, *items]))
    (only,) = missed.value.differences
    assert "(nothing)" in str(missed.value)
    assert getattr(only, "where", None) == "input[0]"


def test_at_most_six_places_and_long_texts_around_the_first_that_differs(studio: Studio) -> None:
    members = {f"k{n}": "x" * 20 + f"{n}" + "y" * 20 for n in range(8)}
    studio.record(asking(metadata=members, instructions="x" * 300 + "ONE" + "y" * 300), answer("Fine."))
    changed = {key: value.replace("y", "z") for key, value in members.items()}
    with pytest.raises(tfclient.ReplayMiss) as missed:
        studio.play(asking(metadata=changed, instructions="x" * 300 + "\x1b[31mTWO" + "y" * 300))
    message = str(missed.value)
    assert "differs in 9 places" in message
    assert message.count("    - ") == 6
    assert "… and in 3 more" in message
    assert "\x1b" not in message
    assert max(map(len, message.splitlines())) < 220


@pytest.mark.parametrize("swallowed", [Exception, openai.APIError, openai.OpenAIError])
def test_a_miss_that_the_program_swallows_is_raised_again(swallowed: type[Exception], studio: Studio) -> None:
    studio.record(asking(), answer("Fine."))

    def careless(drive: Driver, client: Any) -> None:
        asking()(drive, client)
        with contextlib.suppress(swallowed):
            asking(input="Something else")(drive, client)

    with pytest.raises(tfclient.ReplayMiss, match="No recorded answer"):
        studio.play(careless)


def test_a_miss_is_not_tried_again(studio: Studio) -> None:
    studio.record(asking(), answer("Fine."))
    playback = tfclient.replay(studio.session_id)
    client = studio.drive.traced(studio.recorder, replay=playback, max_retries=5)
    with pytest.raises(tfclient.ReplayMiss):
        asking(input="Something else")(studio.drive, client)
    assert len(playback.misses) == 1


def test_another_exception_tells_of_the_miss_before_it(studio: Studio) -> None:
    studio.record(asking(), answer("Fine."))

    def careless(drive: Driver, client: Any) -> None:
        with contextlib.suppress(Exception):
            asking(input="Something else")(drive, client)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        studio.play(careless)
    assert "No recorded answer" in raised.value.__notes__[0]


def test_requests_that_were_never_made_are_an_error_too(studio: Studio) -> None:
    def twice(drive: Driver, client: Any) -> None:
        asking()(drive, client)
        asking(input="And you?")(drive, client)

    studio.record(twice, answer("Fine."), answer("Well."))
    with pytest.raises(
        tfclient.NotAllPlayed, match=r"1 of 2 recorded requests were never made: …-2\.1 \(step_2_2\)"
    ):
        studio.play(asking())
    studio.play(asking(), unplayed="ignore")
    with pytest.raises(tfclient.NotAllPlayed, match="No request came to it"):
        studio.play(lambda *_: None)


def test_an_answer_is_given_once_or_as_often_as_wanted(studio: Studio) -> None:
    def often(drive: Driver, client: Any) -> list[str]:
        return [asking()(drive, client) for _ in range(3)]

    studio.record(asking(), answer("Fine."))
    with pytest.raises(tfclient.ReplayMiss, match=r"was given already: repeats=True"):
        studio.play(often)
    assert studio.play(often, repeats=True) == ["Fine."] * 3


def test_places_to_ignore(studio: Studio) -> None:
    studio.record(asking(metadata={"run_id": "a", "kind": "x"}, input=given('{"at": "a"}')), answer("Fine."))
    other = asking(metadata={"run_id": "b", "kind": "x"}, input=given('{"at": "b"}'))
    assert how(studio, other, ignore=["metadata.run_id", "input[*].output.at"], match="exact")[0] == ["exact"]
    with pytest.raises(tfclient.ReplayMiss, match=r"--ignore input\[2\]\.output\.at overlooks it"):
        studio.play(other, ignore=["metadata.run_id"])
    with pytest.raises(SettingError, match="places as messages print them"):
        tfclient.replay(studio.session_id, ignore=["metadata..[x"])


def test_another_host_is_a_difference_that_can_be_ignored(studio: Studio) -> None:
    studio.record(asking(), answer("Fine."))

    def elsewhere(drive: Driver, client: Any) -> str:
        return asking()(drive, client.with_options(base_url="https://proxy.example.com/v1"))  # type: ignore[no-any-return]

    with pytest.raises(tfclient.ReplayMiss, match=r"url\.host"):
        studio.play(elsewhere)
    assert studio.play(elsewhere, ignore=["url.host"]) == "Fine."


def test_a_function_that_decides(studio: Studio) -> None:
    studio.record(asking(input="What is 1 + 1?"), answer("2"))
    seen: list[Any] = []

    def same_model(recorded: Any, request: Any) -> bool:
        seen.append(request.json["input"])
        return bool(recorded.json["model"] == request.json["model"])

    assert studio.play(asking(input="What is 2 + 2?"), match=same_model) == "2"
    assert seen == ["What is 2 + 2?"]


def test_the_nearest_answers_only_where_it_is_wanted(studio: Studio) -> None:
    studio.record(asking(input="What is 1 + 1?"), answer("2"))
    found, told = how(studio, asking(input="What is 1 + 2?"), match="nearest")
    assert (found, told) == (["nearest"], ["input"])


def test_what_is_asked_is_redacted_as_the_recording_was(studio: Studio) -> None:
    key = "sk-proj-" + "Ab3" * 16
    studio.record(asking(input=f"Use {key}, please."), answer(f"I used {key}."))
    with tfclient.replay(studio.session_id, match="exact") as playback:
        text = asking(input=f"Use {key}, please.")(studio.drive, studio.drive.traced(studio.recorder))
    assert key not in text
    assert "redacted" in text
    assert playback.placeholders == [playback.answers[0].recorded.exchange_id]
    assert "holds placeholders" in playback.notes[0]


def test_attempts_of_a_call_come_one_by_one(studio: Studio) -> None:
    def twice(drive: Driver, client: Any) -> list[str]:
        return [asking()(drive, client), asking()(drive, client)]

    live = studio.record(twice, rate_limited(), answer("One."), answer("Two."))
    assert studio.play(twice) == live == ["One.", "Two."]

    def untried(drive: Driver, client: Any) -> str:
        with contextlib.suppress(openai.RateLimitError):
            asking()(drive, client)
        return asking()(drive, client)  # type: ignore[no-any-return]

    # The second call is not the second attempt of the first.
    assert studio.play(untried, {"max_retries": 0}, unplayed="ignore") == "Two."


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"match": "nearly"}, "match='nearly'"),
        ({"on_miss": "ask"}, "on_miss='ask'"),
        ({"unplayed": "fine"}, "unplayed='fine'"),
        ({"pace": -1}, "pace=-1"),
        ({"until": "the end"}, "until='the end' is no step"),
        ({"until": "step_7_1"}, "no request was made in that run"),
    ],
)
def test_wrong_options(option: dict[str, Any], words: str, studio: Studio) -> None:
    studio.record(asking(), answer("Fine."))
    with pytest.raises(tfclient.TfclientError, match=words):
        tfclient.replay(studio.session_id, **option)
