"""The pytest plugin, as somebody's tests use it: recorded once, then played without key and network."""

from __future__ import annotations

import os
import re

import pytest
import yaml

from tests.no_sockets import OF_A_PROJECT
from tests.server.replies import Call, answer, calls
from tests.server.scripted import ScriptedServer
from tests.testing.making import AGENT, CASSETTE, ONE, run, weather
from tfstore.store import Store


def test_without_a_cassette_it_fails_with_the_command_that_records_it(project: pytest.Pytester) -> None:
    result = run(project)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*There is no cassette at *test_weather.yaml. Record it with the real API: *"]
    )
    result.stdout.fnmatch_lines(["*`pytest test_one.py::test_weather --tf-record=once`*"])
    result.stdout.no_fnmatch_line("*During handling of the above exception*")


def test_recorded_once_and_played_without_key_and_network(
    recorded: pytest.Pytester, server: ScriptedServer
) -> None:
    content = (recorded.path / CASSETTE).read_text(encoding="utf-8")

    assert [each["response"]["status"]["code"] for each in yaml.safe_load(content)["interactions"]] == [
        200,
        200,
    ]
    assert "sk-proj" not in content
    run(recorded).assert_outcomes(passed=1)
    run(recorded, "--tf-record=once").assert_outcomes(passed=1)
    assert (recorded.path / CASSETTE).read_text(encoding="utf-8") == content
    assert not (recorded.path / ".thoughtflow").exists()
    assert len(server.requests) == 2


def test_a_changed_prompt_fails_with_what_differs(recorded: pytest.Pytester) -> None:
    recorded.makepyfile(test_one=ONE.replace('ask("Weather in Oslo?")', 'ask("Weather in Oslo? Now.")'))

    result = run(recorded)

    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["*No recorded answer to POST *", "*input*0*.content*", "*Now.*"])
    result.stdout.fnmatch_lines(
        ["*thoughtflow*", "*user_message: Weather in Oslo? Now.*", "tfclient show sess_* --store *"]
    )
    # What can be done about it is said in words of tests, and of the traceback only the user's part is shown.
    again = "*`pytest test_one.py::test_weather --tf-record=new_episodes` asks the real API for it*"
    ignored = "`@pytest.mark.thoughtflow(ignore=*'input*0*.content'*)` overlooks it."
    cassette = "cassette *test_weather.yaml: played 0 of 2: 0 exact, 0 live, 1 missed"
    result.stdout.fnmatch_lines([again + ignored, cassette])
    for path in ("*capture/shells.py*", "*replaying/calls.py*", "*--on-miss*"):
        result.stdout.no_fnmatch_line(path)


def test_a_miss_that_the_code_swallows_fails_at_teardown(recorded: pytest.Pytester) -> None:
    swallowed = """
        import agent

        def test_weather(thoughtflow):
            try:
                agent.ask("Something else")
            except Exception:
                pass
    """
    recorded.makepyfile(test_one=swallowed)

    result = run(recorded)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*No recorded answer to POST *", "*user_message: Something else*"])


def test_requests_never_made_fail_unless_that_is_allowed(recorded: pytest.Pytester) -> None:
    recorded.makepyfile(test_one="def test_weather(thoughtflow):\n    pass\n")
    left = run(recorded)
    left.assert_outcomes(passed=1, errors=1)
    left.stdout.fnmatch_lines(["*2 of 2 recorded requests were never made*No request came to it*"])
    recorded.makepyfile(
        test_one=ONE.replace("        session = ", "        return\n        session = ").replace(
            '"Weather in Oslo?")', '"Weather in Oslo?", 1)'
        )
    )
    recorded.makepyfile(
        agent=AGENT.replace("(question)", "(question, most=9)").replace("while True", "for _ in range(most)")
    )
    left = run(recorded)
    left.assert_outcomes(passed=1, errors=1)
    left.stdout.fnmatch_lines(
        ["*1 of 2 recorded*`@pytest.mark.thoughtflow(allow_unplayed=True)` allows it.*"]
    )

    marked = "import pytest\n\n@pytest.mark.thoughtflow(allow_unplayed=True)\n"
    recorded.makepyfile(test_one=f"{marked}def test_weather(thoughtflow):\n    pass\n")
    run(recorded).assert_outcomes(passed=1)


def test_the_marker_alone_will_do(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(
        test_one="""
        import unittest
        import agent
        import pytest
        from tfclient import playing

        @pytest.mark.thoughtflow
        def test_function():
            assert agent.ask("One") == "7"

        @pytest.mark.thoughtflow
        class TestOld(unittest.TestCase):
            def test_method(self):
                assert agent.ask("Two") == "7"

        @pytest.mark.parametrize("city", ["Rome", pytest.param("Oslo", marks=pytest.mark.thoughtflow)])
        def test_some(city):
            assert (playing.studio is None) == (city == "Rome")
            assert city == "Rome" or agent.ask(city) == "7"

        @pytest.mark.thoughtflow(live=True)
        def test_live():
            assert playing.studio is None
        """
    )
    server.always(answer("7"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    run(project, "--tf-record=once").assert_outcomes(passed=5)
    assert len(server.requests) == 3
    monkeypatch.delenv("OPENAI_API_KEY")
    run(project).assert_outcomes(passed=5)
    assert len(server.requests) == 3


def test_plain_clients_are_seen_where_they_are_installed_and_else_that_is_said(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(
        test_one="""
        import openai

        def test_plain(thoughtflow):
            assert openai.OpenAI().responses.create(model="gpt-5.4-mini", input="x").output_text == "7"
        """
    )
    server.always(answer("7"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")

    result = run(project, "--tf-record=once")

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["Nothing was recorded of test_one.py::test_plain*TracedOpenAI or its like*tfclient.install()*"]
    )
    assert not (project.path / "cassettes").exists()

    project.makeconftest(
        "import tfclient\n\ntfclient.install()\n\ndef pytest_unconfigure():\n    tfclient.uninstall()\n"
    )
    run(project, "--tf-record=once").assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    assert len(server.requests) == 2


def test_who_asks_more_often_than_it_did(recorded: pytest.Pytester) -> None:
    twice = ONE.replace(
        "        session = ", '        assert agent.ask("Weather in Oslo?")\n        session = '
    )
    recorded.makepyfile(test_one=twice)
    once = run(recorded)
    once.assert_outcomes(failed=1)
    once.stdout.fnmatch_lines(
        ["*was given already: `@pytest.mark.thoughtflow(repeats=True)` gives it again.*"]
    )

    recorded.makepyfile(
        test_one=twice.replace("    def ", "    @pytest.mark.thoughtflow(repeats=True)\n    def ").replace(
            "times=1", "times=2"
        )
    )
    run(recorded).assert_outcomes(passed=1)


def test_a_failing_test_writes_no_cassette_and_says_how_to_keep_it(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    weather(server)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    project.makepyfile(test_one=ONE + "        assert 0\n")

    result = run(project, "--tf-record=once")

    result.assert_outcomes(failed=1)
    assert not (project.path / CASSETTE).exists()
    result.stdout.fnmatch_lines(
        ["to keep it: tfclient export vcr sess_* --store * -o *test_weather.yaml --force"]
    )


def test_new_episodes_plays_what_there_is_and_records_the_rest(
    recorded: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recorded.path / "conftest.py").unlink()  # part of it goes live
    more = ONE.replace(
        "        session = thoughtflow", '        agent.ask("And in Bergen?")\n        session = thoughtflow'
    )
    recorded.makepyfile(test_one=more)
    with ScriptedServer() as another:
        another.script(answer("Rain."))
        # The host is the recorded one's: only what is not recorded goes there.
        before = (recorded.path / CASSETTE).read_text(encoding="utf-8")
        old = re.search(r"http://127.0.0.1:\d+", before)
        assert old is not None
        (recorded.path / CASSETTE).write_text(
            re.sub(r"recorded_at: '\d{4}", "recorded_at: '2001", before).replace(
                old[0], another.url.removesuffix("/v1")
            ),
            encoding="utf-8",
        )
        monkeypatch.setenv("OPENAI_BASE_URL", another.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
        run(recorded, "--tf-record=new_episodes").assert_outcomes(passed=1)
        assert len(another.requests) == 1
    run(recorded).assert_outcomes(passed=1)
    after = yaml.safe_load((recorded.path / CASSETTE).read_text(encoding="utf-8"))
    # What was played is as old as it was.
    years = [each["tfclient"]["recorded_at"][:4] for each in after["interactions"]]
    assert years[:2] == ["2001", "2001"] != years[2:]
    assert len(years) == 3


def test_parameters_that_are_no_file_names(project: pytest.Pytester, server: ScriptedServer) -> None:
    project.makepyfile(
        test_one="""
        import agent
        import pytest

        @pytest.mark.parametrize("city", ["São Paulo/x", "Oslo", "Oslo!"])
        @pytest.mark.thoughtflow(record="once")
        def test_city(thoughtflow, city):
            assert agent.ask(city)
        """
    )
    server.script(answer("1"), answer("2"), answer("3"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-none")
        run(project).assert_outcomes(passed=3)

    run(project, "--tf-record=none").assert_outcomes(passed=3)
    assert len(list((project.path / "cassettes" / "test_one").iterdir())) == 3


def test_the_flow_is_reviewed(recorded: pytest.Pytester) -> None:
    recorded.makepyfile(test_one=ONE + "        thoughtflow.check_flow()\n")

    missing = run(recorded)
    missing.assert_outcomes(failed=1)
    missing.stdout.fnmatch_lines(["*There is no reviewed flow at *--tf-update-flows*"])
    run(recorded, "--tf-update-flows").assert_outcomes(passed=1)
    run(recorded).assert_outcomes(passed=1)
    flow = (recorded.path / CASSETTE).with_suffix(".flow.txt")
    assert flow.read_text(encoding="utf-8").splitlines() == [
        "run 1: user_message, completed",
        "  user_message: Weather in Oslo?",
        "  assistant_call: completed",
        '  tool_call: get_weather({"city": "Oslo"})',
        "  tool_output: 7 degrees in Oslo",
        "  assistant_call: completed",
        "  assistant_message: 7 degrees.",
    ]
    flow.write_text("run 1: another\n", encoding="utf-8")
    changed = run(recorded)
    changed.assert_outcomes(failed=1)
    changed.stdout.fnmatch_lines(["*-run 1: another*", "*+run 1: user_message, completed*"])


def test_what_a_model_says_does_nothing_to_a_terminal(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(
        test_one="""
        import agent

        def test_weather(thoughtflow):
            agent.ask("x")
            thoughtflow.check_flow()
            thoughtflow.session.assert_called_tool("nothing")
        """
    )
    server.script(
        calls(Call("\x1b[31m", {"city": "Oslo"}, call_id="call_1")),
        answer("\x1b[2J\u202eback\nmore\x07"),
    )
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")

    result = run(project, "--tf-record=once", "--tf-update-flows")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nothing was called never. Called were: ␛*31m({'city': 'Oslo'}).*"])
    flow = (project.path / CASSETTE).with_suffix(".flow.txt").read_text(encoding="utf-8")
    assert flow.endswith("assistant_message: ␛[2J\ufffdback\n    more␇\n")
    assert not {"\x1b", "\x07", "\u202e"} & {*flow, *result.stdout.str()}


def test_an_old_cassette(recorded: pytest.Pytester) -> None:
    run(recorded, "--tf-max-age=2d").assert_outcomes(passed=1)
    place = recorded.path / CASSETTE
    place.write_text(
        re.sub(r"recorded_at: '\d{4}", "recorded_at: '2001", place.read_text(encoding="utf-8")),
        encoding="utf-8",
    )

    result = run(recorded, "--tf-max-age=2d")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*was recorded * days ago, and --tf-max-age allows 2: *--tf-record=rewrite*"]
    )
    run(recorded, "--tf-max-age=soon").stdout.fnmatch_lines(["*--tf-max-age=soon is no age*"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "http_interactions: []\nrecorded_with: betamax/0.9\n",
            "is not a cassette: it has no list of interactions*",
        ),
        ("interactions: []\nversion: 1\n", "cannot be replayed: it holds no exchange with an OpenAI API."),
        ("# " + "long" * 1000, "is not a cassette: it is longer than 2,000 bytes: record it in parts.*"),
        ("\udcff", "is not a cassette: it is no text in UTF-8 (byte 0).*"),
    ],
    ids=["of another tool", "empty", "too long", "no text"],
)
def test_a_cassette_that_is_none_is_one_sentence(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, content: str, words: str
) -> None:
    monkeypatch.setattr("tfclient.importing.cassette.LARGEST", 2000)
    place = project.path / CASSETTE
    place.parent.mkdir(parents=True)
    place.write_bytes(content.encode("utf-8", "surrogateescape"))

    result = run(project)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*test_weather.yaml {words}"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_bodies_that_are_no_json_are_told_as_what_differs(
    project: pytest.Pytester, server: ScriptedServer
) -> None:
    place = project.path / CASSETTE
    place.parent.mkdir(parents=True)
    exchange = {
        "request": {"body": "no {", "method": "POST", "uri": f"{server.url}/responses", "headers": {}},
        "response": {"body": {"string": "<p>"}, "headers": {}, "status": {"code": 200, "message": "OK"}},
    }
    place.write_text(yaml.safe_dump({"interactions": [exchange], "version": 1}), encoding="utf-8")

    result = run(project)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*No recorded answer to POST *", '*- "no {"*', "*+ (nothing)*"])


def test_a_marker_that_makes_no_sense(recorded: pytest.Pytester) -> None:
    markers = {
        "casette='x.yaml'": "@pytest.mark.thoughtflow does not take 'casette': give cassette, record, *",
        "'x.yaml'": "@pytest.mark.thoughtflow does not take 'x.yaml': give cassette, record, *",
        f"cassette='{CASSETTE.as_posix()}', match='near'": "match='near' cannot be used: give 'exact' or *",
        "record='twice'": "'twice' is no way to record: give one of none, once, *",
    }
    tests = [
        f"@pytest.mark.thoughtflow({marker})\ndef test_{n}(): pass\n" for n, marker in enumerate(markers)
    ]
    recorded.makepyfile(test_one="import pytest\n\n" + "\n".join(tests))

    result = run(recorded)

    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(list(markers.values()))


@pytest.mark.parametrize("swallow", [False, True])
def test_a_test_that_would_cost_money(
    project: pytest.Pytester, server: ScriptedServer, *, swallow: bool
) -> None:
    body = (
        "try:\n        agent.ask('x')\n    except Exception:\n        pass" if swallow else "agent.ask('x')"
    )
    project.makepyfile(test_one=f"import agent\n\ndef test_live():\n    {body}\n")
    project.makeini("[pytest]\ntf_block_live = true\naddopts = -p no:cacheprovider")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_API_KEY", "sk-none")
        result = run(project)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*This test calls the real API, and tf_block_live is set*"])
    assert server.requests == []


def test_nothing_of_ours_is_loaded_where_nobody_asks(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_nothing():
            assert not {name for name in sys.modules if name.startswith(("openai", "tfclient.recorder", "tfstore"))}
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=1)


def test_switched_off(project: pytest.Pytester) -> None:
    result = run(project, "-p", "no:thoughtflow")

    result.stdout.fnmatch_lines(["*fixture 'thoughtflow' not found*"])


def test_threads_and_clients_with_recorders_of_their_own(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(
        test_one="""
        import threading
        import agent
        from tfclient import Recorder, TracedOpenAI

        own = TracedOpenAI(api_key="sk-none", recorder=Recorder("own"))

        def test_weather(thoughtflow):
            thread = threading.Thread(target=agent.ask, args=("In a thread",))
            thread.start()
            thread.join()
            own.responses.create(model="gpt-5.4-mini", input="By another")
            assert [each.prompt for each in thoughtflow.session.runs] == ["In a thread", "By another"]
        """
    )
    server.script(answer("1"), answer("2"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")

    run(project, "--tf-record=once").assert_outcomes(passed=1)
    run(project).assert_outcomes(passed=1)
    assert not (project.path / "own").exists()
    assert len(server.requests) == 2


def outcomes(project: pytest.Pytester) -> dict[str, list[str]]:
    """How each test went, by its name, as is noted on its own session."""
    folders = [each for each in project.path.glob("base/thoughtflow*/store") if not each.parent.is_symlink()]
    stores = [Store(folder) for folder in folders]
    return {
        store.get(session_id).metadata["test"]: [tag for note in notes for tag in note.tags]
        for store in stores
        for session_id, notes in store.noted().items()
    }


def test_each_session_says_how_its_test_went(recorded: pytest.Pytester) -> None:
    recorded.makepyfile(
        test_two="""
        import agent
        import pytest

        @pytest.mark.thoughtflow(cassette="cassettes/test_one/test_weather.yaml")
        def test_wrong(thoughtflow):
            assert agent.ask("Weather in Oslo?") == "8 degrees."

        @pytest.mark.thoughtflow(cassette="cassettes/test_one/test_weather.yaml")
        def test_right(thoughtflow):
            agent.ask("Weather in Oslo?")

        @pytest.mark.thoughtflow(cassette="cassettes/test_one/test_weather.yaml")
        def test_not_now(thoughtflow):
            pytest.skip("not now")

        @pytest.mark.xfail
        @pytest.mark.thoughtflow(cassette="cassettes/test_one/test_weather.yaml")
        def test_known(thoughtflow):
            assert agent.ask("Weather in Oslo?") == "8 degrees."

        @pytest.fixture
        def missing(thoughtflow):
            pytest.skip("no such thing here")

        @pytest.mark.thoughtflow(cassette="cassettes/test_one/test_weather.yaml")
        def test_not_there(missing):
            pass
        """
    )
    result = run(recorded, f"--basetemp={recorded.path / 'base'}")
    result.assert_outcomes(passed=2, failed=1, skipped=2, xfailed=1)

    assert outcomes(recorded) == {
        "test_one.py::test_weather": ["passed"],
        "test_two.py::test_wrong": ["failed"],
        "test_two.py::test_right": ["passed"],
        "test_two.py::test_not_now": ["skipped"],
        "test_two.py::test_known": ["xfailed"],
        "test_two.py::test_not_there": ["skipped"],
    }


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_recorded_anew(
    recorded: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    (recorded.path / "conftest.py").unlink()  # it goes live
    before = (recorded.path / CASSETTE).read_text(encoding="utf-8")
    weather(server)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    run(recorded, f"--tf-record={mode}").assert_outcomes(passed=1)

    after = (recorded.path / CASSETTE).read_text(encoding="utf-8")
    assert len(server.requests) == 4
    assert after != before
    assert len(yaml.safe_load(after)["interactions"]) == 2


def test_asynchronous_code(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.makepyfile(
        test_one="""
        import asyncio
        from tfclient import AsyncTracedOpenAI

        async def ask(city):
            async with AsyncTracedOpenAI(max_retries=0) as client:
                reply = await client.responses.create(model="gpt-5.4-mini", input=city)
                stream = await client.responses.create(model="gpt-5.4-mini", input=city + "!", stream=True)
                return reply.output_text, [event.type async for event in stream][-1]

        async def both():
            return await asyncio.gather(ask("Oslo"), ask("Rome"))

        def test_weather(thoughtflow):
            said = asyncio.run(both())
            assert said == [("7", "response.completed"), ("7", "response.completed")]
            assert len(thoughtflow.session.runs) == 4
        """
    )
    server.always(answer("7"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    run(project, "--tf-record=once").assert_outcomes(passed=1)
    monkeypatch.delenv("OPENAI_API_KEY")
    run(project).assert_outcomes(passed=1)
    assert len(server.requests) == 4


def test_beside_pytest_recording_and_in_parallel(
    project: pytest.Pytester, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each plays what the other has recorded, in one run, in several processes."""
    theirs = "@pytest.mark.vcr(record_mode={mode!r})\ndef test_theirs():\n    assert agent.ask('x') == '7'\n"
    ours = "@pytest.mark.thoughtflow(record={mode!r})\ndef test_ours(thoughtflow):\n    assert agent.ask('x') == '7'\n"

    def write(mode: str) -> None:
        project.makepyfile(
            test_both="import agent\nimport pytest\n\n"
            + "\n\n".join(each.format(mode=mode) for each in (theirs, ours))
        )

    write("once")
    server.always(answer("7"))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    run(project, "test_both.py").assert_outcomes(passed=2)
    folder = project.path / "cassettes" / "test_both"
    assert {each.name for each in folder.iterdir()} == {"test_theirs.yaml", "test_ours.yaml"}
    assert len(server.requests) == 2

    one, other = folder / "test_theirs.yaml", folder / "test_ours.yaml"
    swapped = other.read_bytes()
    other.write_bytes(one.read_bytes())
    one.write_bytes(swapped)
    write("none")
    project.makeconftest(OF_A_PROJECT)
    # vcrpy has patched what opens connections where its test runs; the guard stands below that.
    processes = "4" if os.environ.get("TFCLIENT_LONG_TESTS") else "2"
    project.runpytest_subprocess("-n", processes, "test_both.py").assert_outcomes(passed=2)
    assert len(server.requests) == 2
