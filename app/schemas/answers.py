"""A forecast answered in JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.forecasting import Answer, Refusal
from app.schemas.forecasts import interval_quantiles
from model import ForecastingError, ItemForecast, Series


@dataclass(frozen=True)
class Warned:
    """Something about a forecast that its reader should know."""

    code: str
    detail: str


@dataclass(frozen=True)
class Interval:
    """The ends of a central interval at each timestamp."""

    lower: list[float]
    upper: list[float]


@dataclass(frozen=True)
class ForecastBody:
    """What is expected of one series."""

    item_id: str
    status: Literal["ok"]
    timestamps: list[str]
    mean: list[float]
    quantiles: dict[str, list[float]]
    intervals: dict[str, Interval]
    warnings: list[Warned]


@dataclass(frozen=True)
class ItemProblem:
    """Why a series has no forecast."""

    code: str
    detail: str
    hint: str


@dataclass(frozen=True)
class FailedBody:
    """A series that has no forecast, where the request allowed that."""

    item_id: str | None
    status: Literal["failed"]
    problem: ItemProblem


@dataclass(frozen=True)
class VersionUsed:
    """The version that answered."""

    name: str
    version: int
    digest: str
    alias: str | None


@dataclass(frozen=True)
class CalibrationBody:
    """How the version's intervals were calibrated, and how they did on data that calibration did not use."""

    method: str
    num_scores: int
    nominal: float
    realised_coverage: float


@dataclass(frozen=True)
class Usage:
    """What the answer took."""

    points_in: int
    points_out: int
    function_evaluations: int


@dataclass(frozen=True)
class Timings:
    """Where the time went, in milliseconds."""

    parse: float
    load: float
    forecast: float
    total: float


@dataclass(frozen=True)
class Seconds:
    """What a request took: to be read, and in all."""

    parse: float
    total: float


@dataclass(frozen=True)
class ForecastResponse:
    """The forecasts of all series, in the order they were sent."""

    id: str
    model: VersionUsed
    forecasts: list[ForecastBody | FailedBody]
    calibration: CalibrationBody
    usage: Usage
    timings_ms: Timings


def from_forecast(
    answer: Answer,
    *,
    answer_id: str,
    quantile_levels: Sequence[float],
    interval_levels: Sequence[float],
    covariates: Mapping[str, tuple[str, ...]],
    seconds: Seconds,
) -> ForecastResponse:
    """The answer as JSON has it, with a warning for everything sent that was not used.

    Args:
        answer: The answer.
        answer_id: Its id.
        quantile_levels: Those asked for.
        interval_levels: Those asked for, in percent.
        covariates: The names of the covariates sent with each item.
        seconds: What the request took outside the answer.
    """
    bodies = [
        _failed(one) if isinstance(one, Refusal) else _forecast(one, quantile_levels, interval_levels, covariates)
        for one in answer.items
    ]
    summary = answer.calibration
    return ForecastResponse(
        id=answer_id,
        model=VersionUsed(answer.name, answer.version, answer.digest, answer.alias),
        forecasts=bodies,
        calibration=CalibrationBody(summary.method, summary.num_scores, summary.nominal, summary.realised_coverage),
        usage=Usage(answer.points_in, answer.points_out, answer.function_evaluations),
        timings_ms=Timings(
            *(
                round(one * 1000, 2)
                for one in (seconds.parse, answer.load_seconds, answer.forecast_seconds, seconds.total)
            )
        ),
    )


def explain(error: ForecastingError) -> ItemProblem:
    """An error without its request."""
    return ItemProblem(error.code, error.detail, error.hint)


def format_timestamps(forecast: ItemForecast | Series) -> list[str]:
    """ISO 8601 in the zone the series came in; without an offset where it came without one."""
    if forecast.time_zone not in (None, "UTC"):
        return [timestamp.isoformat() for timestamp in forecast.local_timestamps()]
    whole = bool((forecast.timestamps.astype("datetime64[s]") == forecast.timestamps).all())
    zone: Literal["UTC", "naive"] = "UTC" if forecast.time_zone else "naive"
    texts: list[str] = np.datetime_as_string(forecast.timestamps, unit="s" if whole else "us", timezone=zone).tolist()
    return texts


def _forecast(
    forecast: ItemForecast,
    quantile_levels: Sequence[float],
    interval_levels: Sequence[float],
    covariates: Mapping[str, tuple[str, ...]],
) -> ForecastBody:
    unused = covariates.get(forecast.item_id, ())
    return ForecastBody(
        item_id=forecast.item_id,
        status="ok",
        timestamps=format_timestamps(forecast),
        mean=forecast.mean.tolist(),
        quantiles={f"{level:g}": forecast.quantiles[level].tolist() for level in sorted(set(quantile_levels))},
        intervals={f"{level:g}": _interval(forecast.quantiles, level) for level in sorted(set(interval_levels))},
        warnings=[Warned(notice.code, notice.detail) for notice in forecast.notices] + [_unused(one) for one in unused],
    )


def _unused(covariate: str) -> Warned:
    return Warned(
        "covariate_unused", f"The covariate {covariate!r} was not used: this version forecasts from the target alone."
    )


def _interval(quantiles: Mapping[float, NDArray[np.float64]], level: float) -> Interval:
    lower, upper = interval_quantiles(level)
    return Interval(quantiles[lower].tolist(), quantiles[upper].tolist())


def _failed(refusal: Refusal) -> FailedBody:
    return FailedBody(refusal.item_id, "failed", explain(refusal.error))
