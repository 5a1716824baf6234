"""Clients that nobody traced: recorded once, and no program can tell."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
import types
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

import tfclient
from tests.capture import documents, journals
from tests.capture.driver import MODEL, Driver
from tests.server.replies import Call, answer, calls, rate_limited
from tests.server.scripted import ScriptedServer
from tfclient import Recorder, installing
from tfclient.capture import borrowed

SYNC, ASYNC = borrowed.base_clients()
CLIENTS = (openai.OpenAI, openai.AsyncOpenAI)


def the_sdk() -> dict[str, Any]:
    """What stands in the SDK's classes."""
    seams = {
        (each, name): vars(each)[name] for each in (SYNC, ASYNC) for name in ("request", "_send_request")
    }
    names = {(each, "names"): set(vars(each)) for each in (SYNC, ASYNC, *CLIENTS)}
    return {str(key): value for key, value in {**seams, **names}.items()}


@pytest.fixture(autouse=True)
def as_it_was(server: ScriptedServer) -> Iterator[None]:
    server.always(answer("Hello!"))
    before = the_sdk()
    yield
    tfclient.uninstall()
    assert the_sdk() == before


def ask(drive: Driver, client: Any, text: str = "Hi") -> Any:
    return drive.do(client.responses.create(model=MODEL, input=text))


def stream(drive: Driver, client: Any) -> list[str]:
    return [
        event.type
        for event in drive.events(drive.do(client.responses.create(model=MODEL, input="Hi", stream=True)))
    ]


def types_of_a_call(*more: str) -> list[str]:
    return ["call.started", *more, "attempt.sent", "attempt.answered"]


def test_a_client_from_before_is_recorded_and_is_what_it_was(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    client = drive.plain()
    expected = ask(drive, client).to_dict(), stream(drive, client)
    assert tfclient.install(recorder) is recorder
    got = ask(drive, client).to_dict(), stream(drive, client)
    assert type(client) in CLIENTS
    assert got[1] == expected[1]
    assert got[0]["output"][0]["content"] == expected[0]["output"][0]["content"]
    kinds = ["session.started", *types_of_a_call(), *types_of_a_call(), "stream.chunk", "attempt.ended"]
    assert journals.types(recorder) == kinds
    plain, seen = server.requests[0], server.requests[2]
    assert (seen.headers, seen.body) == (plain.headers, plain.body)
    assert recorder.health.ok


def test_signatures_and_natures_stay(recorder: Recorder) -> None:
    before = {each: inspect.signature(each.request) for each in CLIENTS}
    assert not any(hasattr(each, "websocket_base_url") for each in CLIENTS)
    tfclient.install(recorder)
    for each, signature in before.items():
        assert inspect.signature(each.request) == signature
        assert inspect.iscoroutinefunction(each.request) is (each is openai.AsyncOpenAI)
        assert each.request.__qualname__.endswith("APIClient.request")
        assert not hasattr(each, "websocket_base_url")


def test_it_may_be_repeated_and_undone_twice(drive: Driver, recorder: Recorder) -> None:
    client = drive.plain()
    for _ in range(3):
        assert tfclient.install() is tfclient.install()
    tfclient.install(recorder)
    ask(drive, client)
    assert journals.types(recorder) == ["session.started", *types_of_a_call()]
    tfclient.uninstall()
    tfclient.uninstall()
    ask(drive, client)
    assert recorder.stats().calls == 1


def test_it_wants_a_recorder() -> None:
    with pytest.raises(TypeError, match="must be a tfclient"):
        tfclient.install(openai.OpenAI)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="must be a tfclient"), tfclient.tracing(3):  # type: ignore[arg-type]
        pass


def test_a_traced_client_is_recorded_once_by_its_own(
    drive: Driver, recorder: Recorder, tmp_path: Any
) -> None:
    tfclient.install(recorder)
    own = Recorder(tmp_path / "own")
    ask(drive, drive.traced(own))
    ask(drive, drive.plain())
    assert journals.types(own) == journals.types(recorder) == ["session.started", *types_of_a_call()]


def test_a_traced_client_that_records_nothing_is_not_recorded(drive: Driver, recorder: Recorder) -> None:
    tfclient.install(recorder)
    ask(drive, drive.traced(Recorder(enabled=False)))
    assert recorder.stats().calls == 0
    assert journals.sessions(recorder) == []


def test_a_plain_client_inside_a_call_of_a_traced_one(
    drive: Driver, recorder: Recorder, tmp_path: Any
) -> None:
    if drive.is_async:
        pytest.skip("the same code, and no way to call from a hook")
    tfclient.install(recorder)
    own = Recorder(tmp_path / "own")
    plain = drive.plain()
    inside: list[Any] = []

    class Asking(openai.OpenAI):
        def _prepare_request(self, request: Any) -> None:  # noqa: ARG002
            if not inside:
                inside.append(ask(drive, plain, "inside"))

    class Both(tfclient.TracedOpenAI, Asking):
        pass

    ask(drive, drive.made(Both, recorder=own), "outside")
    assert journals.types(own) == journals.types(recorder) == ["session.started", *types_of_a_call()]
    assert '"inside"' in str(journals.requests(recorder))
    assert '"outside"' in str(journals.requests(own))


def test_subclasses_with_seams_of_their_own(drive: Driver, recorder: Recorder) -> None:
    tfclient.install(recorder)
    sent: list[str] = []

    class Own(openai.OpenAI):
        def request(self, *args: Any, **kwargs: Any) -> Any:
            sent.append("request")
            return super().request(*args, **kwargs)

        def _send_request(self, *args: Any, **kwargs: Any) -> Any:
            sent.append("_send_request")
            return super()._send_request(*args, **kwargs)

    class OwnAsync(openai.AsyncOpenAI):
        async def request(self, *args: Any, **kwargs: Any) -> Any:
            sent.append("request")
            return await super().request(*args, **kwargs)

        async def _send_request(self, *args: Any, **kwargs: Any) -> Any:
            sent.append("_send_request")
            return await super()._send_request(*args, **kwargs)

    ask(drive, drive.made(OwnAsync if drive.is_async else Own))
    assert sent == ["request", "_send_request"]
    assert journals.types(recorder) == ["session.started", *types_of_a_call()]


def test_a_subclass_that_sends_past_the_seam_is_told(drive: Driver, recorder: Recorder) -> None:
    tfclient.install(recorder)

    class Past(openai.OpenAI):
        def _send_request(self, request: Any, *, stream: bool, **kwargs: Any) -> Any:
            return self._client.send(request, stream=stream, **kwargs)

    class PastAsync(openai.AsyncOpenAI):
        async def _send_request(self, request: Any, *, stream: bool, **kwargs: Any) -> Any:
            return await self._client.send(request, stream=stream, **kwargs)

    assert ask(drive, drive.made(PastAsync if drive.is_async else Past)).output_text == "Hello!"
    assert recorder.health.unseen == ["What goes over HTTP"]


def test_azure_and_copies_are_recorded_too(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    tfclient.install(recorder)
    azure = drive.made(
        openai.AsyncAzureOpenAI if drive.is_async else openai.AzureOpenAI,
        base_url=f"{server.url}/openai",
        api_version="2025-01-01",
    )
    copy = drive.plain().with_options(timeout=9)
    ask(drive, copy)
    ask(drive, azure)
    assert journals.types(recorder) == ["session.started", *types_of_a_call(), *types_of_a_call()]
    assert "api-version" in journals.entries(recorder, "attempt.sent")[1]["url"]


def test_retries_are_attempts_of_one_call(drive: Driver, recorder: Recorder, server: ScriptedServer) -> None:
    server.script(rate_limited(), answer("Hello!"))
    tfclient.install(recorder)
    ask(drive, drive.plain())
    (call,) = documents.steps(recorder, "assistant_call")
    assert (call.retries, len(call.attempts), call.status) == (1, 2, "completed")


def test_an_error_passes_as_it_is(drive: Driver, recorder: Recorder) -> None:
    tfclient.install(recorder)
    broken = ValueError("broken")

    def fail(_request: Any) -> Any:
        raise broken

    client = drive.plain(http_client=drive.mock_client(fail), max_retries=0)
    with pytest.raises((ValueError, openai.APIConnectionError)) as caught:
        ask(drive, client)
    # openai 2 makes an error of its own of it.
    assert broken in {caught.value, caught.value.__cause__}
    assert journals.types(recorder)[-1] == "call.ended"


def test_a_client_for_each_call_makes_one_conversation(
    drive: Driver, recorder: Recorder, server: ScriptedServer
) -> None:
    tfclient.install(recorder)
    server.script(
        calls(Call("weather", {"city": "Bergen"}, "call_1")), answer("12 degrees"), answer("Bergen")
    )
    history: list[Any] = [{"role": "user", "content": "Weather in Bergen?"}]
    tools = [{"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}]

    def call_of_a_framework() -> Any:
        client = drive.plain()
        try:
            return drive.do(client.responses.create(model=MODEL, input=history, tools=tools))
        finally:
            drive.do(client.close())

    history += [item.to_dict() for item in call_of_a_framework().output]
    history.append({"type": "function_call_output", "call_id": "call_1", "output": "12"})
    history += [item.to_dict() for item in call_of_a_framework().output]
    history.append({"role": "user", "content": "Where was that?"})
    call_of_a_framework()
    session = documents.session(recorder)
    assert [run.status for run in session.runs] == ["completed", "completed"]
    assert session.runs[1].lineage.parent_run_id == session.runs[0].run_id
    assert session.summary.unresolved_tool_calls == 0


def test_sessions_of_the_programs_own(drive: Driver, recorder: Recorder) -> None:
    tfclient.install(recorder)
    client = drive.plain()
    for user in ("ann", "bob"):
        with recorder.session(title=user):
            ask(drive, client, f"I am {user}")
    for user, session in zip(("ann", "bob"), journals.sessions(recorder), strict=True):
        assert documents.session(recorder, session).title == user
        assert f"I am {user}" in str(journals.requests(recorder, session))


def test_blocks_nest(drive: Driver, tmp_path: Any) -> None:
    client = drive.plain()
    one, two = Recorder(tmp_path / "one"), Recorder(tmp_path / "two")
    ask(drive, client, "before")
    with tfclient.tracing(one) as outer:
        assert outer is one
        ask(drive, client, "first")
        with tfclient.tracing(two), tfclient.tracing() as same:
            assert same is two
            ask(drive, client, "second")
        ask(drive, client, "third")
    ask(drive, client, "after")
    assert (one.stats().calls, two.stats().calls) == (2, 1)


def test_a_block_beside_what_is_installed(drive: Driver, recorder: Recorder, tmp_path: Any) -> None:
    tfclient.install(recorder)
    client = drive.plain()
    own = Recorder(tmp_path / "own")
    with tfclient.tracing() as same:
        assert same is recorder
    with tfclient.tracing(own):
        ask(drive, client)
        # It knows no context: it may belong to anybody, and is recorded where everything is.
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(installing._in_force).result()
        assert found is not None
        assert found.recorder is recorder
    ask(drive, client)
    assert (own.stats().calls, recorder.stats().calls) == (1, 1)


def test_a_thread_without_context_is_recorded_by_the_block(drive: Driver, recorder: Recorder) -> None:
    if drive.is_async:
        pytest.skip("about threads")
    client = drive.plain()
    with tfclient.tracing(recorder):
        thread = threading.Thread(target=ask, args=(drive, client))
        thread.start()
        thread.join()
    assert recorder.stats().calls == 1


def test_a_block_of_its_own_ends_its_session(drive: Driver) -> None:
    client = drive.plain()
    with tfclient.tracing() as made:
        ask(drive, client)
        session = made.current
    assert session is not None
    assert session.ended
    assert journals.types(made)[-1] == "session.ended"


def test_what_is_left_of_a_block_records_nothing(drive: Driver, recorder: Recorder) -> None:
    def inside() -> Generator[None, None, None]:
        with tfclient.tracing(recorder):
            yield

    client = drive.plain()
    steps = inside()
    next(steps)
    other = threading.Thread(target=steps.close)
    other.start()
    other.join()
    ask(drive, client)
    assert recorder.stats().calls == 0


def test_others_that_wrap_the_same_place_stay(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = drive.plain()
    base = ASYNC if drive.is_async else SYNC
    seen: list[str] = []
    tfclient.install(recorder)
    ours = base.request

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        seen.append("theirs")
        return ours(self, *args, **kwargs)

    monkeypatch.setattr(base, "request", theirs)
    tfclient.uninstall()
    assert base.request is theirs
    ask(drive, client)
    assert recorder.stats().calls == 0
    tfclient.install(recorder)
    ask(drive, client)
    assert (seen, recorder.stats().calls) == (["theirs", "theirs"], 1)
    tfclient.uninstall()
    monkeypatch.undo()
    setattr(base, "request", ours.__wrapped__)  # noqa: B010 - as it was


def test_many_threads_install_and_trace_at_once(drive: Driver, recorder: Recorder, tmp_path: Any) -> None:
    if drive.is_async:
        pytest.skip("about threads")
    client = drive.plain()
    own = [Recorder(tmp_path / str(n)) for n in range(8)]

    def work(n: int) -> None:
        for _ in range(4):
            tfclient.install(recorder)
            with tfclient.tracing(own[n]):
                ask(drive, client)
            tfclient.uninstall()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert [each.stats().calls for each in own] == [4] * 8
    assert recorder.stats().calls == 0


def test_connections_of_plain_clients_are_wrapped_while_it_is_in_force(
    drive: Driver, recorder: Recorder
) -> None:
    resource = type(drive.plain().realtime)
    plain = vars(resource)["connect"]
    tfclient.install(recorder)
    assert vars(resource)["connect"].__wrapped__ is plain
    assert inspect.signature(resource.connect) == inspect.signature(plain)
    base = resource.__mro__[1]

    class Later(base):  # type: ignore[misc, valid-type]
        """A resource whose module is imported when it is first asked for."""

        def connect(self) -> None:
            """Connect."""

    assert hasattr(Later.connect, "__wrapped__")
    tfclient.uninstall()
    assert vars(resource)["connect"] is plain
    assert not hasattr(Later.connect, "__wrapped__")
    assert "__init_subclass__" not in vars(base)


def test_frameworks_that_open_sockets_themselves_are_told_of(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "agents.realtime.openai_realtime", types.ModuleType("openai_realtime"))
    tfclient.install(recorder)
    assert recorder.health.unseen == ["What goes over the WebSockets of openai-agents' realtime model"]
    assert caplog.text.count("is not recorded") == 1
    assert recorder.health.ok


def test_those_that_are_imported_later_are_told_of_too(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    what = "What goes over the WebSockets of pydantic-ai's realtime model"
    tfclient.install(recorder)
    assert recorder.health.unseen == []
    monkeypatch.setitem(sys.modules, "pydantic_ai.realtime.openai", types.ModuleType("openai"))
    with recorder.session():
        assert what not in caplog.text
    # When a session ends it is said, and whoever asks is told at once.
    assert caplog.text.count(what) == 1
    monkeypatch.setitem(sys.modules, "agents.voice.models.openai_stt", types.ModuleType("openai_stt"))
    assert recorder.health.unseen == [
        what, "What goes over the WebSockets of openai-agents' transcription of speech",
    ]  # fmt: skip
    tfclient.uninstall()
    monkeypatch.setitem(sys.modules, "pydantic_ai.realtime.openai_live", types.ModuleType("openai_live"))
    assert len(recorder.health.unseen) == 2


def test_at_exit_a_program_without_a_session_is_told_of_them(tmp_path: Path) -> None:
    code = (
        "import sys, types, tfclient; tfclient.install(tfclient.Recorder(sys.argv[1]))\n"
        "sys.modules['pydantic_ai.realtime.openai'] = types.ModuleType('openai')"
    )
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert "pydantic-ai's realtime model is not recorded" in done.stderr


@pytest.mark.parametrize("name", ["request", "_send_request"])
def test_an_sdk_whose_methods_have_other_names_is_told(name: str, drive: Driver, recorder: Recorder) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for base in (SYNC, ASYNC):
            rename(base, name, patch)
        tfclient.install(recorder)
        assert ask(drive, drive.plain()).output_text == "Hello!"
        tfclient.uninstall()
    assert recorder.health.unseen == ["What clients do that are not traced themselves"]
    assert recorder.health.ok


def rename(base: type[Any], name: str, patch: pytest.MonkeyPatch) -> None:
    """Call a method of the SDK otherwise, there and where the SDK itself calls it."""
    callers = [each for each in ("request", "get", "post", "patch", "put", "delete") if each in vars(base)]
    for each in callers:
        function = vars(base)[each]
        names = tuple("renamed" if known == name else known for known in function.__code__.co_names)
        code = function.__code__.replace(co_names=names)
        calling = types.FunctionType(code, function.__globals__, each, function.__defaults__)
        calling.__kwdefaults__ = function.__kwdefaults__
        if each != name:
            patch.setattr(base, each, calling)
    patch.setattr(base, "renamed", vars(base)[name], raising=False)
    patch.delattr(base, name)


def test_an_sdk_that_is_built_otherwise_is_told(
    drive: Driver, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Any:
        raise borrowed.Gone("openai 9 sends the requests of OpenAI another way")

    monkeypatch.setattr("tfclient.installing.base_clients", gone)
    tfclient.install(recorder)
    assert ask(drive, drive.plain()).output_text == "Hello!"
    assert recorder.health.unseen == ["What clients do that are not traced themselves"]
    assert recorder.health.ok
