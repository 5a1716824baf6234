"""When each step of a run happened, as bars: milliseconds since the epoch."""

from __future__ import annotations

from tfstore.document.documents import Attempt, Json, Step
from tfstore.document.labels import OPEN_STATUSES
from tfstore.reading.facts import RunFacts, SessionFacts, StepFacts
from tfstore.reading.shown.places import telling
from tfstore.reading.step_facts import moment


def latest_of(facts: SessionFacts) -> float:
    """Return when the last thing happened: a call that is still open is drawn up to there."""
    moments = (moment(own.step.ended_at or own.step.started_at) for own in facts.every)
    return max((each for each in moments if each is not None), default=0.0)


def times_of(facts: SessionFacts, run: RunFacts, latest: float) -> list[Json]:
    """Return when each step happened, or under which one that says so it is."""
    bars: dict[str, str] = {}
    times: list[Json] = []
    for own in run.steps:
        step_id, before = own.step.step_id, facts.depends_on(own)
        bar = _bar(own, latest)
        bars[step_id] = step_id if bar else bars.get(before[0].step.step_id, "") if before else ""
        times.append({"bar": bar} if bar else telling(under=bars[step_id]))
    return times


def _sound(step: Step) -> int:
    """Return how many milliseconds somebody spoke: of an answer, those that were heard if that is known."""
    if step.label == "user_message" and step.type.endswith(".speech"):
        return step.duration_ms or 0
    heard, sound = step.payload_completed.get("heard_ms"), step.payload_completed.get("audio_ms")
    return heard if isinstance(heard, int) else sound if isinstance(sound, int) else 0


def _bar(own: StepFacts, latest: float) -> Json | None:
    step = own.step
    sound = _sound(step)
    takes_time = (
        step.label in {"assistant_call", "tool_call"}
        or bool(sound)
        or (step.label == "generic" and bool(step.duration_ms or step.status == "failed"))
    )
    began = moment(step.started_at) if takes_time else None
    if began is None:
        return None
    is_open = step.status in OPEN_STATUSES
    ended = latest if is_open else began + (sound or step.duration_ms or 0) / 1000
    tries = [_try(each) for each in step.attempts] if len(step.attempts) > 1 else []
    return {
        "from": round(began * 1000),
        "to": round(max(began, ended) * 1000),
        **telling(
            bad=own.failed or step.status == "failed",
            inferred=step.timing == "inferred",
            open=is_open,
            tries=[each for each in tries if each],
        ),
    }


def _try(attempt: Attempt) -> Json | None:
    began = moment(attempt.started_at)
    if began is None:
        return None
    bad = bool(attempt.error) or (attempt.status_code or 0) >= 400
    ms = round(began * 1000)
    return {"from": ms, "to": ms + (attempt.duration_ms or 0), **telling(bad=bad)}
