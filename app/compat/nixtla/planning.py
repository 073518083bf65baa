"""What a call asks of which version: its windows, as one question with a series for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from app.compat.nixtla import versions, windows
from app.compat.nixtla.answers import quantile_levels
from app.compat.nixtla.features import FeatureNames, name_features
from app.compat.nixtla.payloads import CrossValidationPayload, ForecastPayload, SimulatePayload
from app.compat.nixtla.windows import Rows, Window
from app.errors import LimitExceeded
from app.forecasting import Answer, Question
from app.routes.resources import Resources
from app.settings import Settings
from app.stores.references import PinnedVersion
from model import Forecaster, HorizonOutOfRange, ItemForecast, Paths, Steps, TrainingConfig


@dataclass(frozen=True, eq=False)
class Plan:
    """Windows to forecast, and what is asked for that.

    Attributes:
        rows: The series.
        windows: The windows, in the order of the answer.
        lags: How many missing rows lie between the history of each and its first row.
        question: The question, one series a window.
        levels: Of the intervals, in percent.
    """

    rows: tuple[Rows, ...]
    windows: tuple[Window, ...]
    lags: tuple[int, ...]
    question: Question
    levels: tuple[float, ...]

    def parts(self, given: Answer) -> Iterator[tuple[Window, ItemForecast, slice]]:
        """Each window with its forecast, and which part of that is the window."""
        for window, lag, item in zip(self.windows, self.lags, given.items, strict=True):
            # Nothing was allowed to fail alone.
            assert isinstance(item, ItemForecast)
            yield window, item, slice(lag, lag + window.length)


def plan_next(service: Resources, payload: ForecastPayload) -> Plan:
    """What comes after each series.

    Raises:
        ForecastingError: It cannot be asked.
    """
    rows = _read(service.settings, payload, num_later=payload.h)
    version, forecaster = _version(service, payload)
    num_past = len(payload.series.X or ()) - len(payload.series.X_future or ())
    names = name_features(payload, num_past, version, forecaster.config)
    return _plan(version, forecaster, rows, windows.next_windows(rows, payload.h), names, payload.level)


def plan_paths(service: Resources, payload: SimulatePayload, seed: int) -> Plan:
    """What may come after each series.

    Raises:
        ForecastingError: It cannot be asked.
    """
    plan = plan_next(service, payload)
    return replace(plan, question=replace(plan.question, paths=Paths(payload.n_paths, seed)))


def plan_past(service: Resources, payload: CrossValidationPayload) -> Plan:
    """What has been observed, to be forecast from what lies before it.

    Raises:
        ForecastingError: It cannot be asked.
    """
    rows = _read(service.settings, payload)
    version, forecaster = _version(service, payload)
    names = name_features(payload, len(payload.hist_exog or ()), version, forecaster.config)
    asked = _past_windows(service.settings, payload, rows, forecaster.config)
    return _plan(version, forecaster, rows, asked, names, payload.level)


def _read(settings: Settings, payload: ForecastPayload, *, num_later: int = 0) -> tuple[Rows, ...]:
    payload.series.check_size(max_series=settings.max_series, max_points=settings.max_points)
    if payload.h > settings.max_horizon_steps:
        raise HorizonOutOfRange(payload.h, settings.max_horizon_steps)
    num_levels = 2 * len(payload.level or ())
    if num_levels > settings.max_quantile_levels:
        raise LimitExceeded("quantile levels", num_levels, settings.max_quantile_levels, "LONGSHOT_MAX_QUANTILE_LEVELS")
    return windows.read_rows_of(payload, num_later=num_later)


def _version(service: Resources, payload: ForecastPayload) -> tuple[PinnedVersion, Forecaster]:
    version = versions.pin(service, payload.model, payload.finetuned_model_id)
    return version, versions.load(service, version, payload.freq)


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
    forecaster: Forecaster,
    rows: tuple[Rows, ...],
    asked: tuple[Window, ...],
    names: FeatureNames,
    levels: Sequence[float] | None,
) -> Plan:
    lags = tuple(rows[one.series].lag(one.first) for one in asked)
    # A forecast of n steps begins like one of more: the longest is asked of all, and each takes its part.
    num_steps = max(lag + one.length for lag, one in zip(lags, asked, strict=True))
    known = [one.with_covariates(names, num_steps) for one in rows]
    levels = tuple(dict.fromkeys(levels or ()))
    question = Question(
        model=str(version),
        items=tuple(
            known[one.series].history(one.first, length=forecaster.memory, name=_name(rows[one.series], one))
            for one in asked
        ),
        horizon=Steps(num_steps),
        quantile_levels=quantile_levels(levels),
        is_partial=False,
    )
    return Plan(rows, asked, lags, question, levels)


def _name(rows: Rows, window: Window) -> str:
    return rows.name if window.first == len(rows) else f"{rows.name}[:{window.first}]"
