"""Windows of series, forecast: one question to a version, and its answer in the rows of the payload."""

import secrets
from collections.abc import Iterator

import numpy as np

from app.batching import Dialogue
from app.compat.nixtla.answers import (
    ForecastAnswer,
    Numbers,
    PathsAnswer,
    Warned,
    WindowsAnswer,
    interval_ends,
    name_of,
)
from app.compat.nixtla.payloads import CrossValidationPayload, ForecastPayload, SimulatePayload
from app.compat.nixtla.planning import Plan, plan_next, plan_past, plan_paths
from app.forecasting import Answer, Question
from app.routes.bodies import to_json
from app.routes.permissions import SpendPoints
from app.routes.resources import Resources

Asking = Dialogue[Question, Answer, bytes]
"""One call: it gives its question, is given the answer, and returns it as the package reads it."""


def forecast(service: Resources, spend: SpendPoints, payload: ForecastPayload) -> Asking:
    """The next steps of each series.

    Raises:
        ForecastingError: It cannot be answered.
    """
    plan = plan_next(service, payload)
    given = yield plan.question
    _account(service, spend, payload, given)
    return to_json(
        ForecastAnswer(
            _quantile(plan, given, 0.5), _intervals(plan, given), plan.question.model, _warnings(plan, given)
        )
    )


def simulate(service: Resources, spend: SpendPoints, payload: SimulatePayload) -> Asking:
    """Paths that each series may take.

    Raises:
        ForecastingError: It cannot be answered.
    """
    seed = secrets.randbits(63) if payload.seed is None else payload.seed % 2**63
    plan = plan_paths(service, payload, seed)
    given = yield plan.question
    _account(service, spend, payload, given)
    drawn = [one.samples[:, part] for _, one, part in plan.parts(given) if one.samples is not None]
    return to_json(
        PathsAnswer(
            samples=np.concatenate(drawn, axis=1).reshape(-1),
            sizes=[payload.h] * len(plan.windows),
            n_paths=payload.n_paths,
            h=payload.h,
            model=plan.question.model,
            warnings=_warnings(plan, given),
        )
    )


def cross_validate(service: Resources, spend: SpendPoints, payload: CrossValidationPayload) -> Asking:
    """Forecasts of what has been observed, each from what lies before it.

    Raises:
        ForecastingError: It cannot be answered.
    """
    plan = plan_past(service, payload)
    given = yield plan.question
    _account(service, spend, payload, given)
    lengths = [one.length for one in plan.windows]
    sizes = np.bincount([one.series for one in plan.windows], lengths, len(plan.rows))
    starts = [one.first + plan.rows[one.series].first for one in plan.windows]
    return to_json(
        WindowsAnswer(
            _quantile(plan, given, 0.5),
            _intervals(plan, given),
            plan.question.model,
            _warnings(plan, given),
            sizes=sizes.astype(np.int64),
            idxs=np.concatenate([start + np.arange(length) for start, length in zip(starts, lengths, strict=True)]),
        )
    )


def answer_alone(service: Resources, asking: Asking) -> bytes:
    """The answer to a call that is taken by itself.

    Raises:
        ForecastingError: It cannot be answered.
    """
    given = service.forecasting.answer(next(asking))
    try:
        asking.send(given)
    except StopIteration as end:
        answer: bytes = end.value
        return answer
    raise AssertionError("a call asks once")


def _account(service: Resources, spend: SpendPoints, payload: ForecastPayload, given: Answer) -> None:
    spend(payload.series.num_points + given.points_out)
    service.metrics.count_answer(given)


def _quantile(plan: Plan, given: Answer, level: float) -> Numbers:
    """A quantile at each row of each window."""
    return np.concatenate([one.quantiles[level][part] for _, one, part in plan.parts(given)])


def _intervals(plan: Plan, given: Answer) -> dict[str, Numbers] | None:
    """The ends of the intervals, by the names of the package's columns."""
    found: dict[str, Numbers] = {}
    for level in plan.levels:
        lower, upper = interval_ends(level)
        found[f"lo-{name_of(level)}"] = _quantile(plan, given, lower)
        found[f"hi-{name_of(level)}"] = _quantile(plan, given, upper)
    return found or None


def _warnings(plan: Plan, given: Answer) -> tuple[Warned, ...]:
    """Each kind of warning once a series."""

    def every() -> Iterator[Warned]:
        for window, one, _ in plan.parts(given):
            for notice in one.notices:
                yield Warned(plan.rows[window.series].name, notice.code, notice.detail)

    return tuple({(one.series, one.code): one for one in reversed([*every()])}.values())[::-1]
