"""A session is given to its program again: the same answers, errors and breaks, nothing sent, nothing waited for."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import anyio
import openai
import pytest

import tfclient
from tests import agents
from tests.capture.driver import HTTP, MODEL, AsyncDriver
from tests.client.test_drop_in import PROGRAMS
from tests.replaying.playing_back import comparable
from tests.replaying.recording import Studio
from tests.server.replies import (
    PROXY_PAGE,
    Call,
    HangUp,
    Raw,
    Reply,
    Silence,
    answer,
    calls,
    cut,
    rate_limited,
    server_error,
)
from tests.server.scripted import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.capture.driver import Driver


def ask(drive: Driver, client: Any, text: str = "Hi", **more: Any) -> str:
    return drive.do(client.responses.create(model=MODEL, input=text, **more)).output_text  # type: ignore[no-any-return]


def stream(drive: Driver, client: Any, count: int | None = None) -> list[str]:
    events = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
    return [each.type for each in drive.events(events, count)]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long anybody sleeps, who does not then."""
    found: list[float] = []

    async def noted(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(anyio, "sleep", noted)
    return found


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda each: each.__name__)
def test_every_way_to_ask(program: Callable[[Driver, Any], Any], studio: Studio) -> None:
    studio.server.always(answer('{"city": "Oslo", "degrees": 14}'))
    live = studio.record(program)
    assert studio.play(program) == live
    first, second = studio.both()
    assert comparable(second) == comparable(first)
    assert second.replay is not None
    assert (second.replay.kind, second.replay.session_id) == ("replay", studio.session_id)
    assert (second.replay.exact, second.replay.live, second.replay.unplayed) == (
        len(studio.server.requests),
        0,
        0,
    )
    assert second.replay.head == first.integrity.head


FAILURES: list[tuple[str, list[Reply], dict[str, Any]]] = [
    ("a 429 and a 503 before it went well", [rate_limited(30), server_error(503, 30), answer("Hello!")], {}),
    ("a 429 to the end", [rate_limited(30)], {"max_retries": 0}),
    ("a proxy's page", [PROXY_PAGE], {"max_retries": 0}),
    ("no JSON", [Raw(b"{")], {}),
    ("a timeout", [Silence()], {"max_retries": 0, "timeout": 0.2}),
    ("a hang-up, and again", [HangUp(), answer("Hello!")], {}),
    ("a body that broke off", [cut(20, "Hello!"), cut(20, "Hello!")], {"max_retries": 0}),
]


@pytest.mark.parametrize(
    ("replies", "client"), [each[1:] for each in FAILURES], ids=[each[0] for each in FAILURES]
)
def test_failures_come_again_and_nobody_waits(
    replies: list[Reply], client: dict[str, Any], studio: Studio, slept: list[float]
) -> None:
    live = studio.record(ask, *replies, **client)
    slept.clear()
    assert studio.play(ask, client) == live
    assert sum(slept) == 0
    first, second = studio.both()
    assert comparable(second) == comparable(first)


def test_a_stream_that_broke_off(studio: Studio) -> None:
    events: list[list[str]] = []

    def read(drive: Driver, client: Any) -> None:
        events.append([])
        made = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
        while True:
            events[-1].extend(each.type for each in drive.events(made, 1))

    live = studio.record(read, cut(4, "Hello, you!", mid_event=True))
    assert studio.play(read) == live
    assert isinstance(live, tuple)
    assert events[0] == events[1]
    assert len(events[0]) == 4
    first, second = studio.both()
    assert comparable(second) == comparable(first)


def test_who_stopped_reading_may_stop_again_but_not_read_on(studio: Studio) -> None:
    live = studio.record(lambda drive, client: stream(drive, client, 2), answer("Hello!"))
    assert studio.play(lambda drive, client: stream(drive, client, 2)) == live
    with pytest.raises(tfclient.ReplayMiss, match="the recorded program stopped reading its answer here"):
        studio.play(stream)


def test_who_read_to_the_last_event_has_read_all(studio: Studio) -> None:
    def to_the_last(drive: Driver, client: Any) -> list[str]:
        found: list[str] = []
        made = drive.do(client.responses.create(model=MODEL, input="Hi", stream=True))
        while not found or found[-1] != "response.completed":
            found.extend(each.type for each in drive.events(made, 1))
        drive.do(made.close())
        return found

    live = studio.record(to_the_last, answer("Hello!"))
    assert studio.play(stream) == live


def test_an_answer_that_never_came_is_a_miss(server: ScriptedServer, studio: Studio) -> None:
    def stopped(drive: Driver, client: Any) -> None:
        assert isinstance(drive, AsyncDriver)

        async def cancelled() -> None:
            task = asyncio.ensure_future(client.responses.create(model=MODEL, input="Hi"))
            while not server.requests:  # noqa: ASYNC110 - another thread fills it
                await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        drive.loop.run_until_complete(cancelled())

    if not studio.drive.is_async:
        pytest.skip("nobody cancels a call that is not asynchronous")
    studio.record(stopped, Silence())
    with pytest.raises(tfclient.ReplayMiss, match="its answer was never recorded"):
        studio.play(ask)


@pytest.mark.parametrize("agent", [agents.agent_loop, agents.streamed_agent_loop, agents.chat_agent_loop])
def test_agents(agent: Callable[[Any], Any], studio: Studio) -> None:
    if studio.drive.is_async:
        pytest.skip("these agents are synchronous")
    wanted = Call("get_weather", {"city": "Oslo"}), Call("get_time", {"city": "Atlantis"})
    replies = (calls(*wanted), server_error(503), answer("Cloudy."))
    live = studio.record(lambda _, client: agent(client).to_dict(), *replies)
    assert studio.play(lambda _, client: agent(client).to_dict()) == live
    first, second = studio.both()
    assert comparable(second) == comparable(first)
    assert second.replay is not None
    assert (second.replay.exact, second.replay.alike) == (3, 0)


def test_the_journal_says_of_each_answer_where_it_was_recorded(studio: Studio) -> None:
    studio.record(ask, rate_limited(), HangUp(), answer("Hello!"))
    studio.play(ask)
    recorded, _ = studio.store.journal(studio.session_id)
    second = studio.ended().id
    played, _ = studio.store.journal(second)
    names = [each["exchange_id"] for each in recorded if each["type"] == "attempt.sent"]
    ends = [each["played"] for each in played if each["type"] == "attempt.answered" or "played" in each]
    assert ends == [{"session_id": studio.session_id, "exchange_id": name, "how": "exact"} for name in names]
    assert "played" not in str(recorded)
    (call,) = [each for each in studio.store.get(second).runs[0].steps if each.attempts]
    assert [each.played.exchange_id for each in call.attempts if each.played] == names


def test_parallel_calls_in_another_order(studio: Studio) -> None:
    texts = [f"Say {n}." for n in range(8)]

    def in_turn(drive: Driver, client: Any) -> dict[str, str]:
        return {text: ask(drive, client, text) for text in texts}

    live = studio.record(in_turn, *(answer(f"It is {n}.") for n in range(8)))

    def at_once(drive: Driver, client: Any) -> dict[str, str]:
        if isinstance(drive, AsyncDriver):

            async def gathered() -> list[Any]:
                asked = [client.responses.create(model=MODEL, input=text) for text in reversed(texts)]
                return await asyncio.gather(*asked)

            answers = [each.output_text for each in drive.loop.run_until_complete(gathered())]
        else:
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(lambda text: ask(drive, client, text), reversed(texts)))
        return dict(zip(reversed(texts), answers, strict=True))

    assert studio.play(at_once) == live


def test_samples_of_one_request_come_in_the_order_recorded(studio: Studio) -> None:
    def thrice(drive: Driver, client: Any) -> list[str]:
        return [ask(drive, client) for _ in range(3)]

    live = studio.record(thrice, answer("One."), answer("Two."), answer("Three."))
    assert studio.play(thrice) == live == ["One.", "Two.", "Three."]


def test_pace_is_a_share_of_the_recorded_time(studio: Studio, slept: list[float]) -> None:
    studio.record(stream, answer("Hello!"))
    tape = tfclient.replay(studio.session_id).tape
    slept.clear()
    studio.play(stream, pace=0.5)
    (recorded,) = tape.attempts
    assert sum(slept) == pytest.approx(recorded.pieces[-1][0] / 2e6)


def test_a_client_of_its_own_playback(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    playback = tfclient.replay(studio.session_id)
    client = studio.drive.traced(studio.recorder, replay=playback, base_url=studio.server.url)
    assert ask(studio.drive, client.with_options(timeout=5)) == "Hello!"
    assert [each.how for each in playback.answers] == ["exact"]
    playback.check()
    assert studio.both()[1].replay is not None
    with pytest.raises(TypeError, match=r"replay must be what tfclient\.replay\(\) gives"):
        studio.drive.traced(studio.recorder, replay="last")


@pytest.mark.parametrize("own", [True, False])
def test_tools_between_the_calls_are_in_the_same_session(own: bool, studio: Studio) -> None:  # noqa: FBT001 - a parameter
    def with_tools(drive: Driver, client: Any) -> None:
        with client.tool_call("call_0"):
            ask(drive, client)
        with client.tool_call("call_1"):
            pass
        ask(drive, client, "And you?")

    studio.record(with_tools, answer("Hello!"), answer("Fine."))
    if own:
        with_tools(
            studio.drive, studio.drive.traced(studio.recorder, replay=tfclient.replay(studio.session_id))
        )
    else:
        studio.play(with_tools)
    first, second = studio.both()
    assert comparable(second) == comparable(first)
    assert second.replay is not None
    assert (second.replay.exact, second.replay.unplayed) == (2, 0)


def test_threads_that_know_no_context_are_played_too(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    if studio.drive.is_async:
        pytest.skip("its event loop belongs to one thread")
    found: list[str] = []
    with tfclient.replay(studio.session_id):
        client = studio.drive.traced(studio.recorder)
        thread = threading.Thread(target=lambda: found.append(ask(studio.drive, client)))
        thread.start()
        thread.join(60)
    assert found == ["Hello!"]


def test_the_users_http_client_is_not_asked(studio: Studio) -> None:
    def own(request: Any) -> Any:
        return HTTP.Response(
            200, json={"id": "resp_own", "object": "response", "output": []}, request=request
        )

    client = {"http_client": studio.drive.mock_client(own)}
    live = studio.record(ask, **client)
    asked: list[Any] = []
    other = {"http_client": studio.drive.mock_client(asked.append)}
    assert studio.play(ask, other) == live
    assert not asked


def test_azure(studio: Studio) -> None:
    def azure(drive: Driver, client: Any) -> str:
        cls = tfclient.AsyncTracedAzureOpenAI if drive.is_async else tfclient.TracedAzureOpenAI
        origin = studio.server.origin
        made = drive.made(
            cls, base_url=f"{origin}/openai", api_version="2025-04-01", recorder=client.recorder
        )
        return ask(drive, made)

    live = studio.record(azure, Raw(b'{"id": "resp_1", "object": "response", "output": []}'))
    assert studio.play(azure) == live == ""


def test_plain_clients_where_they_are_installed(studio: Studio) -> None:
    def plain(drive: Driver, _: Any) -> str:
        return ask(drive, drive.plain())

    tfclient.install(studio.recorder)
    try:
        live = studio.record(plain, rate_limited(30), answer("Hello!"), max_retries=1)
        assert studio.play(plain) == live == "Hello!"
        assert studio.both()[1].replay is not None
    finally:
        tfclient.uninstall()


def test_an_http_client_for_those_who_want_one(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    playback = tfclient.replay(studio.session_id)
    client = studio.drive.plain(http_client=playback.http_client(asynchronous=studio.drive.is_async))
    assert ask(studio.drive, client) == "Hello!"
    with pytest.raises(Exception, match=r"No recorded answer|Connection error"):
        ask(studio.drive, client, "Something else")
    with pytest.raises(tfclient.ReplayMiss):
        playback.check()


def test_a_replay_does_not_go_on_in_the_session_that_is_open(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    tool = studio.recorder
    with studio.drive.traced(tool).session(title="Mine") as mine:
        mine.annotate("note", 1)
    assert mine.wait(60)
    studio.play(ask)
    assert studio.both()[1].session_id != mine.id


def test_a_session_of_the_programs_own(studio: Studio) -> None:
    def titled(drive: Driver, client: Any) -> str:
        with client.session(title="Greeting") as session:
            ask(drive, client)
        assert session.wait(60)
        return str(session.id)

    studio.server.script(answer("Hello!"))
    studio.session_id = titled(studio.drive, studio.drive.traced(studio.recorder))
    studio.close()
    second = studio.store.get(studio.play(titled))
    assert second.replay is not None
    assert (second.title, second.replay.session_id) == ("Greeting", studio.session_id)


def test_forms(studio: Studio) -> None:
    def upload(drive: Driver, client: Any, data: bytes = b"some text") -> str:
        made = client.files.create(file=("notes.txt", data), purpose="assistants")
        return drive.do(made).id  # type: ignore[no-any-return]

    live = studio.record(upload, Raw(b'{"id": "file_1", "object": "file"}'))
    assert studio.play(upload) == live == "file_1"
    with pytest.raises(tfclient.ReplayMiss, match=r"\[1\]\.(bytes|sha256)|sha256"):
        studio.play(lambda drive, client: upload(drive, client, b"other text"))


def test_who_begins_to_read_once_more_goes_on_where_it_stopped(studio: Studio) -> None:
    studio.record(stream, answer("Hello!"))
    http = tfclient.replay(studio.session_id).http_client(asynchronous=studio.drive.is_async)
    (recorded,) = tfclient.replay(studio.session_id).tape.attempts
    request = http.build_request(
        "POST", recorded.url, content=recorded.body, headers={"content-type": "application/json"}
    )
    response = studio.drive.do(http.send(request, stream=True))
    (first,) = studio.drive.events(response.stream, 1)
    rest = studio.drive.events(response.stream)
    assert b"".join([first, *rest]) == recorded.answer


def test_iterators_match_by_place_and_are_not_read(studio: Studio) -> None:
    def send(drive: Driver, client: Any) -> Any:
        left = iter([b"one", b"two"])
        if drive.is_async:

            async def pieces() -> Any:
                for each in left:
                    yield each

            content: Any = pieces()
        else:
            content = left
        return drive.do(client.post("/things", content=content, cast_to=object)), list(left)

    live = studio.record(send, Raw(b'{"id": "thing_1"}'))
    played = studio.play(send)
    assert (played[0], live[0]) == ({"id": "thing_1"}, {"id": "thing_1"})
    assert (played[1], live[1]) == ([b"one", b"two"], [])


def test_it_plays_where_recording_is_off(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    with tfclient.replay(studio.session_id) as playback:
        client = studio.drive.traced(tfclient.Recorder(enabled=False))
        assert ask(studio.drive, client) == "Hello!"
    assert [each.how for each in playback.answers] == ["exact"]
    assert playback.session_ids == []


def test_openai_is_what_it_was(studio: Studio) -> None:
    studio.record(ask, answer("Hello!"))
    before = dict(vars(openai.OpenAI)), dict(vars(openai.AsyncOpenAI))
    studio.play(ask)
    assert (dict(vars(openai.OpenAI)), dict(vars(openai.AsyncOpenAI))) == before
