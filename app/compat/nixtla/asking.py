"""Windows of series, forecast: one question to a version, and its answer in the rows of the payload."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from app.batching import Dialogue
from app.compat.nixtla import versions, windows
from app.compat.nixtla.answers import (
    ForecastAnswer,
    Numbers,
    Warned,
    WindowsAnswer,
    interval_ends,
    name_of,
    quantile_levels,
)
from app.compat.nixtla.features import FeatureNames, name_features
from app.compat.nixtla.payloads import CrossValidationPayload, ForecastPayload
from app.compat.nixtla.windows import Rows, Window
from app.errors import LimitExceeded
from app.forecasting import Answer, Question
from app.references import PinnedVersion
from app.routes.bodies import to_json
from app.routes.permissions import SpendPoints
from app.routes.resources import Resources
from app.settings import Settings
from model import HorizonOutOfRange, ItemForecast, Steps, TrainingConfig

Asking = Dialogue[Question, Answer, bytes]
"""One call: it gives its question, is given the answer, and returns it as the package reads it."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """Windows to forecast, and what is asked for that.

    Attributes:
        windows: The windows, in the order of the answer.
        lags: How many missing rows lie between the history of each and its first row.
        question: The question, one series a window.
        levels: Of the intervals, in percent.
    """

    windows: tuple[Window, ...]
    lags: tuple[int, ...]
    question: Question
    levels: tuple[float, ...]


def forecast(service: Resources, spend: SpendPoints, payload: ForecastPayload) -> Asking:
    """The next steps of each series.

    Raises:
        ForecastingError: It cannot be answered.
    """
    rows = _read(service.settings, payload, num_later=payload.h)
    version = versions.pin(service, payload.model, payload.finetuned_model_id)
    config = versions.load(service, version, payload.freq).config
    num_past = len(payload.series.X or ()) - len(payload.series.X_future or ())
    names = name_features(payload, num_past, version, config)
    plan = _plan(version, config, rows, windows.next_windows(rows, payload.h), names, payload.level)
    given = yield plan.question
    _account(service, spend, payload.series.num_points, given)
    mean, intervals, warnings = _gather(plan, rows, given)
    return to_json(ForecastAnswer(mean, intervals, str(version), warnings))


def cross_validate(service: Resources, spend: SpendPoints, payload: CrossValidationPayload) -> Asking:
    """Forecasts of what has been observed, each from what lies before it.

    Raises:
        ForecastingError: It cannot be answered.
    """
    rows = _read(service.settings, payload)
    version = versions.pin(service, payload.model, payload.finetuned_model_id)
    config = versions.load(service, version, payload.freq).config
    names = name_features(payload, len(payload.hist_exog or ()), version, config)
    plan = _plan(version, config, rows, _past_windows(service.settings, payload, rows, config), names, payload.level)
    given = yield plan.question
    _account(service, spend, payload.series.num_points, given)
    mean, intervals, warnings = _gather(plan, rows, given)
    sizes = np.bincount([one.series for one in plan.windows], [one.length for one in plan.windows], len(rows))
    idxs = [np.arange(one.first, one.first + one.length) + rows[one.series].first for one in plan.windows]
    return to_json(
        WindowsAnswer(mean, intervals, str(version), warnings, sizes=sizes.astype(np.int64), idxs=np.concatenate(idxs))
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


def _read(settings: Settings, payload: ForecastPayload, *, num_later: int = 0) -> tuple[Rows, ...]:
    payload.series.check_size(max_series=settings.max_series, max_points=settings.max_points)
    if payload.h > settings.max_horizon_steps:
        raise HorizonOutOfRange(payload.h, settings.max_horizon_steps)
    num_levels = 2 * len(payload.level or ())
    if num_levels > settings.max_quantile_levels:
        raise LimitExceeded("quantile levels", num_levels, settings.max_quantile_levels, "LONGSHOT_MAX_QUANTILE_LEVELS")
    return windows.read_rows_of(payload, num_later=num_later)


def _past_windows(
    settings: Settings, payload: CrossValidationPayload, rows: Sequence[Rows], config: TrainingConfig
) -> tuple[Window, ...]:
    if payload.full_history:
        found = windows.in_sample_windows(rows, config)
    else:
        found = windows.rolling_windows(rows, payload.h, payload.n_windows, payload.step_size or payload.h)
    taken = tuple(islice(found, settings.max_cutoffs + 1))
    if len(taken) > settings.max_cutoffs:
        raise LimitExceeded("or more forecasts to make", len(taken), settings.max_cutoffs, "LONGSHOT_MAX_CUTOFFS")
    return taken


def _plan(
    version: PinnedVersion,
    config: TrainingConfig,
    rows: Sequence[Rows],
    asked: Sequence[Window],
    names: FeatureNames,
    levels: Sequence[float] | None,
) -> _Plan:
    lags = tuple(rows[one.series].lag(one.first) for one in asked)
    # A forecast of n steps begins like one of more: the longest is asked of all, and each takes its part.
    num_steps = max(lag + one.length for lag, one in zip(lags, asked, strict=True))
    known = [one.with_covariates(names, num_steps) for one in rows]
    length = windows.memory(config)
    levels = tuple(dict.fromkeys(levels or ()))
    question = Question(
        model=str(version),
        items=tuple(
            known[one.series].history(one.first, length=length, name=_name(rows[one.series], one)) for one in asked
        ),
        horizon=Steps(num_steps),
        quantile_levels=quantile_levels(levels),
        is_partial=False,
    )
    return _Plan(tuple(asked), lags, question, levels)


def _name(rows: Rows, window: Window) -> str:
    return rows.name if window.first == len(rows) else f"{rows.name}[:{window.first}]"


def _account(service: Resources, spend: SpendPoints, num_points: int, given: Answer) -> None:
    spend(num_points + given.points_out)
    service.metrics.count_answer(given)


def _gather(
    plan: _Plan, rows: Sequence[Rows], given: Answer
) -> tuple[Numbers, dict[str, Numbers] | None, tuple[Warned, ...]]:
    """The medians, the ends of the intervals, and what should be known of them."""
    # Nothing was allowed to fail alone.
    forecasts = [one for one in given.items if isinstance(one, ItemForecast)]
    parts = [slice(lag, lag + one.length) for lag, one in zip(plan.lags, plan.windows, strict=True)]

    def quantile(level: float) -> Numbers:
        return np.concatenate([one.quantiles[level][part] for one, part in zip(forecasts, parts, strict=True)])

    intervals: dict[str, Numbers] = {}
    for level in plan.levels:
        lower, upper = interval_ends(level)
        intervals |= {f"lo-{name_of(level)}": quantile(lower), f"hi-{name_of(level)}": quantile(upper)}
    return quantile(0.5), intervals or None, tuple(_warnings(plan, rows, forecasts))


def _warnings(plan: _Plan, rows: Sequence[Rows], forecasts: Sequence[ItemForecast]) -> Iterator[Warned]:
    """Each kind of warning once a series."""
    seen: set[tuple[str, str]] = set()
    for window, one in zip(plan.windows, forecasts, strict=True):
        name = rows[window.series].name
        for notice in one.notices:
            if (name, notice.code) not in seen:
                seen.add((name, notice.code))
                yield Warned(name, notice.code, notice.detail)
