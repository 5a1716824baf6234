"""Sessions that generators hold open, stepped by turns, in other contexts, on a real server; and bound clients."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.capture import journals
from tests.capture.driver import HTTP, MODEL, AsyncDriver, Driver
from tests.server.replies import answer
from tfclient.errors import TfclientError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.server.scripted import ScriptedServer
    from tfclient import Recorder


@pytest.fixture
def client(recorder: Recorder, server: ScriptedServer) -> Iterator[Any]:
    server.always(lambda seen: answer(f"Hello to {seen.json.get('input')}"))
    drive = Driver(server.url)
    yield drive.traced(recorder)
    drive.close()


def asked(recorder: Recorder, session: str) -> list[str]:
    return [
        str(text).partition('"input":"')[2].partition('"')[0] for text in journals.requests(recorder, session)
    ]


def ask(client: Any, text: str) -> None:
    client.responses.create(model=MODEL, input=text)


def talk(client: Any, user: str) -> Iterator[int]:
    with client.session(id=user):
        for number in range(2):
            ask(client, f"{user} {number}")
            yield number


def whole(recorder: Recorder, *users: str) -> None:
    assert {user: asked(recorder, user) for user in users} == {
        user: [f"{user} 0", f"{user} 1"] for user in users
    }
    assert recorder.health.ok
    assert recorder.health.strays == []


def test_each_step_in_a_context_of_its_own(client: Any, recorder: Recorder) -> None:
    steps = talk(client, "ann")
    while contextvars.copy_context().run(next, steps, None) is not None:
        pass
    whole(recorder, "ann")


def test_by_turns_in_one_context(client: Any, recorder: Recorder) -> None:
    ann, bob = talk(client, "ann"), talk(client, "bob")
    for _ in zip(ann, bob, strict=False):
        pass
    list(bob)
    whole(recorder, "ann", "bob")


def test_what_others_do_while_it_waits_is_not_its_own(client: Any, recorder: Recorder) -> None:
    steps = talk(client, "ann")
    next(steps)
    ask(client, "outside")
    list(steps)
    whole(recorder, "ann")
    (other,) = set(journals.sessions(recorder)) - {"ann"}
    assert asked(recorder, other) == ["outside"]


def test_one_that_is_left_ends_its_session(client: Any, recorder: Recorder) -> None:
    steps = talk(client, "ann")
    next(steps)
    del steps
    gc.collect()
    assert journals.types(recorder, "ann")[-1] == "session.ended"
    ask(client, "outside")
    assert asked(recorder, "ann") == ["ann 0"]


def test_a_block_inside_of_a_generators_step(client: Any, recorder: Recorder) -> None:
    def steps() -> Iterator[None]:
        with client.session(id="outer"):
            with client.session(id="inner"):
                ask(client, "inner")
            ask(client, "outer")
            yield

    with client.session(id="around"):
        list(steps())
        ask(client, "around")
    assert [asked(recorder, each) for each in ("inner", "outer", "around")] == [
        ["inner"],
        ["outer"],
        ["around"],
    ]


def test_a_generator_that_is_a_context_manager_is_none(client: Any, recorder: Recorder) -> None:
    @contextlib.contextmanager
    def mine(name: str) -> Iterator[None]:
        with client.session(id=name):
            yield

    def steps() -> Iterator[int]:
        with mine("ann"):
            for number in range(2):
                ask(client, f"ann {number}")
                yield number

    with mine("bob"):
        ask(client, "bob 0")
        ask(client, "bob 1")
    for _ in steps():
        ask(client, "outside")
    whole(recorder, "ann", "bob")


def test_tasks_and_threads_that_it_starts_belong_to_it(recorder: Recorder, server: ScriptedServer) -> None:
    drive = AsyncDriver(server.url)
    server.always(answer("Hello!"))
    client = drive.traced(recorder)

    async def call(text: str) -> None:
        await client.responses.create(model=MODEL, input=text)

    async def steps(user: str) -> AsyncIterator[int]:
        async with client.session(id=user):
            await asyncio.gather(call(f"{user} 0"), call(f"{user} 0"))
            yield 0
            await asyncio.gather(call(f"{user} 1"))
            yield 1

    async def read(user: str) -> None:
        async for _ in steps(user):
            await call("outside")

    async def main() -> None:
        await asyncio.gather(*map(read, ("ann", "bob")))

    drive.do(main())
    drive.close()
    for user in ("ann", "bob"):
        assert asked(recorder, user) == [f"{user} 0", f"{user} 0", f"{user} 1"]


def test_a_bound_client_needs_no_context(client: Any, recorder: Recorder) -> None:
    with client.session(id="ann") as ann:
        bound = ann.client.with_options(timeout=20)
        with ThreadPoolExecutor(1) as pool, client.session(id="bob"):
            pool.submit(ask, bound, "thread").result()
            ask(bound, "in another's block")
            bound.tool(lambda: None, name="look")()
    ask(bound, "after the end")
    assert asked(recorder, "ann") == ["thread", "in another's block", "after the end"]
    assert journals.entries(recorder, "tool.started", "ann")
    assert journals.requests(recorder, "bob") == []
    assert bound.recorder is recorder
    assert bound.end_session().id == "ann"


def test_sessions_that_no_client_made(client: Any, recorder: Recorder) -> None:
    session = recorder.session(id="ann")
    with pytest.raises(TfclientError, match=r"bound\(client\)"):
        session.client  # noqa: B018 - it raises
    with pytest.raises(TypeError):
        session.bound("no client")
    ask(session.bound(client), "bound")
    session.end()
    assert asked(recorder, "ann") == ["bound"]


def test_a_session_that_was_meant_for_others_is_told(
    client: Any, recorder: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """As FastAPI enters a dependency: in a thread, whose context the endpoint does not have."""
    for user in ("ann", "bob"):
        session = client.session(id=user)
        contextvars.copy_context().run(session.__enter__)
        ask(client, user)
        session.__exit__(None, None, None)
    assert recorder.health.strays == ["ann", "bob"]
    assert caplog.text.count("session.client") == 1
    (note,) = journals.entries(recorder, "annotation", "ann")
    assert "session.client" in note["data"]["note"]
    assert recorder.health.ok


@pytest.fixture
def site(client: Any) -> Iterator[str]:
    """A web server that streams: as one would write it, and with a bound client."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    def in_the_generator(request: Any) -> StreamingResponse:
        def words() -> Iterator[str]:
            for number in talk(client, request.path_params["user"]):
                time.sleep(0.01)
                yield f"{number} "

        return StreamingResponse(words())

    def bound(request: Any) -> StreamingResponse:
        user = request.path_params["user"]
        session = client.session(id=user)

        def words() -> Iterator[str]:
            with session:
                for number in range(2):
                    ask(session.client, f"{user} {number}")
                    time.sleep(0.01)
                    yield f"{number} "

        return StreamingResponse(words())

    routes = [Route("/generator/{user}", in_the_generator), Route("/bound/{user}", bound)]
    config = uvicorn.Config(Starlette(routes=routes), log_level="error", lifespan="off")
    running = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join(60)
    listening.close()


@pytest.mark.parametrize("way", ["generator", "bound"])
def test_users_of_a_web_server_are_not_mixed(site: str, way: str, recorder: Recorder) -> None:
    users = [f"user{number}" for number in range(6)]
    with ThreadPoolExecutor(len(users)) as pool, HTTP.Client(timeout=60) as browser:
        texts = list(pool.map(lambda user: browser.get(f"{site}/{way}/{user}").text, users))
    assert texts == ["0 1 "] * len(users)
    whole(recorder, *users)
