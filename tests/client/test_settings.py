"""Settings: a wrong argument is refused, a wrong environment is told, and the rest is as documented."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tfclient.settings
from tfclient import Recorder, SettingError, open_store
from tfclient.settings import Settings


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfclient.settings, "_told", set())


def resolved(**environ: str) -> Settings:
    return Settings.resolve(environ=environ)


def test_defaults(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = resolved()
    assert settings == Settings(tmp_path / ".thoughtflow", True, "secrets", 30.0, False, False)
    monkeypatch.chdir("/")
    assert settings.directory == tmp_path / ".thoughtflow"


def test_the_environment() -> None:
    settings = resolved(
        THOUGHTFLOW_DIR="/tmp/here",  # noqa: S108 - never made
        THOUGHTFLOW_DISABLED="1",
        THOUGHTFLOW_REDACT="none",
        THOUGHTFLOW_IDLE_MINUTES="2.5",
        THOUGHTFLOW_FSYNC="true",
        THOUGHTFLOW_MAX_PAYLOAD="1.5 MB",
    )
    assert settings == Settings(Path("/tmp/here"), False, None, 2.5, True, False, 1_500_000)  # noqa: S108


def test_an_argument_beats_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("THOUGHTFLOW_DISABLED", "1")
    monkeypatch.setenv("THOUGHTFLOW_REDACT", "content")
    recorder = Recorder(tmp_path, enabled=True, redact=None, idle_minutes=0)
    assert (recorder.enabled, recorder.settings.redact, recorder.settings.idle_minutes) == (True, None, 0.0)


@pytest.mark.parametrize(
    ("name", "value", "attribute", "taken"),
    [
        ("THOUGHTFLOW_REDACT", "everything", "redact", "secrets"),
        ("THOUGHTFLOW_IDLE_MINUTES", "soon", "idle_minutes", 30.0),
        ("THOUGHTFLOW_IDLE_MINUTES", "-1", "idle_minutes", 30.0),
        ("THOUGHTFLOW_IDLE_MINUTES", "nan", "idle_minutes", 30.0),
        ("THOUGHTFLOW_DISABLED", "maybe", "enabled", False),
        ("THOUGHTFLOW_MAX_PAYLOAD", "plenty", "max_payload", None),
        ("THOUGHTFLOW_MAX_PAYLOAD", "999", "max_payload", None),
    ],
)
def test_a_wrong_environment_is_told_once_and_stops_nothing(
    name: str, value: str, attribute: str, taken: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        assert getattr(resolved(**{name: value}), attribute) == taken
    assert len(caplog.records) == 1
    assert f"{name}={value}" in caplog.text.replace(value.lower(), value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dir": ""},
        {"dir": "a\0b"},
        {"redact": "everything"},
        {"idle_minutes": -1},
        {"idle_minutes": float("inf")},
        {"max_payload": 0},
        {"max_payload": 999},
        {"max_payload": -1000},
        {"max_payload": "plenty"},
        {"max_payload": ""},
    ],
    ids=repr,
)
def test_a_wrong_argument_is_refused(arguments: Any) -> None:
    with pytest.raises(SettingError, match="cannot be used"):
        Recorder(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dir": 3},
        {"redact": 3},
        {"idle_minutes": "5"},
        {"idle_minutes": True},
        {"enabled": "no"},
        {"fsync": 1},
        {"max_payload": 1e6},
        {"max_payload": True},
    ],
    ids=repr,
)
def test_an_argument_of_a_wrong_type_is_refused(arguments: Any) -> None:
    with pytest.raises(TypeError):
        Recorder(**arguments)


@pytest.mark.parametrize(
    ("given", "taken"), [(1000, 1000), ("256KB", 256_000), ("1 MiB", 1_000_000), ("4000", 4000), (None, None)]
)
def test_a_cap_in_bytes_or_as_people_write_it(
    given: Any, taken: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THOUGHTFLOW_MAX_PAYLOAD", "2KB")
    assert Recorder(max_payload=given).settings.max_payload == taken
    assert Recorder().settings.max_payload == 2000


def test_a_wrong_cap_is_told_in_words() -> None:
    with pytest.raises(SettingError) as raised:
        Recorder(max_payload="plenty")
    assert str(raised.value) == (
        "max_payload='plenty' cannot be used: give a number of bytes or a size such as '256KB', at least 1KB; "
        "None keeps everything."
    )


@pytest.mark.parametrize("value", ["", "none", "OFF"])
def test_the_environment_can_say_that_there_is_no_cap(value: str, caplog: pytest.LogCaptureFixture) -> None:
    assert resolved(THOUGHTFLOW_MAX_PAYLOAD=value).max_payload is None
    assert not caplog.records


def test_recorders_show_where_they_write(tmp_path: Path) -> None:
    assert repr(Recorder(tmp_path)) == f"Recorder('{tmp_path}')"
    assert repr(Recorder(tmp_path, enabled=False)) == f"Recorder('{tmp_path}', enabled=False)"


def test_stats_begin_at_zero_and_count(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    assert recorder.stats().entries == recorder.stats().bytes == 0
    with recorder.session() as session:
        session.annotate("note", "x" * 1000)
        assert recorder.stats().bytes > 1000
    stats = recorder.stats()
    assert stats.entries >= 2
    assert stats.bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.jsonl"))
    assert stats.write_p99_us >= stats.write_median_us > 0
    assert stats.faults == stats.lost == stats.backlog == 0


ADDRESSES = [
    "postgresql://host/db",
    "postgres+ssl://host:5432/db?a=b",
    "https://host/x",
    "file:///tmp/x",
    "s3://bucket",
]


def test_recording_into_a_database_is_refused_and_its_password_is_not_told() -> None:
    with pytest.raises(SettingError, match="`tfclient sync` sends it what a folder holds") as refused:
        Recorder("postgresql://ada:se:c/r@et@host/db")

    assert "postgresql://ada:***@host/db" in str(refused.value)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_no_folder(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken for a path, it would become a folder of that name."""
    monkeypatch.chdir(tmp_path)
    sentence = re.escape(f"{address!r} cannot be used: give the path of a folder")
    is_read = address.startswith("postgresql:")
    uses: list[Callable[[Any], object]] = [Recorder] if is_read else [Recorder, open_store]
    for use in uses:
        with pytest.raises(SettingError, match=sentence):
            use(address)
        with pytest.raises(SettingError, match=r"give the path of a folder"):
            use(Path(address))
    monkeypatch.setenv("THOUGHTFLOW_DIR", address)
    with pytest.raises(SettingError, match=f"THOUGHTFLOW_DIR={sentence}"):
        open_store()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_the_environment_is_told_and_stops_no_program(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert resolved(THOUGHTFLOW_DIR=address).directory == tmp_path / ".thoughtflow"
    assert len(caplog.records) == 1
    assert f"THOUGHTFLOW_DIR={address} cannot be used" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["C:/traces", "a:b", "with:colon/in/it", "./x://y", "/x://y"])
def test_what_only_looks_like_an_address_is_a_path(path: str) -> None:
    assert resolved(THOUGHTFLOW_DIR=path).directory.is_absolute()
