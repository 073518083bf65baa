"""A forecast answered in JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import GetPydanticSchema
from pydantic_core import core_schema

from app.forecasting import Answer, Refusal
from app.schemas.forecasts import interval_quantiles
from app.time_axes import Axis, TimeAxes
from model import ForecastingError, ItemForecast

Numbers = Annotated[
    NDArray[np.float64],
    GetPydanticSchema(lambda _kind, _handler: core_schema.list_schema(core_schema.float_schema())),
]
"""Written as a JSON array of numbers, without an object for each."""


@dataclass(frozen=True)
class Warned:
    """Something about a forecast that its reader should know."""

    code: str
    detail: str


@dataclass(frozen=True)
class Interval:
    """The ends of a central interval at each timestamp."""

    lower: Numbers
    upper: Numbers


@dataclass(frozen=True)
class ForecastBody:
    """What is expected of one series."""

    item_id: str
    status: Literal["ok"]
    timestamps: Axis
    mean: Numbers
    quantiles: dict[str, Numbers]
    intervals: dict[str, Interval]
    warnings: list[Warned]


@dataclass(frozen=True)
class SampledForecastBody(ForecastBody):
    """What is expected of one series, with paths that it may take."""

    samples: list[Numbers]


@dataclass(frozen=True)
class RatedForecastBody(ForecastBody):
    """What is expected of one series, and how fast the mean changes, per step of the series."""

    rate: Numbers


@dataclass(frozen=True)
class RatedSampledForecastBody(RatedForecastBody):
    """All of this."""

    samples: list[Numbers]


AnyForecastBody = ForecastBody | SampledForecastBody | RatedForecastBody | RatedSampledForecastBody
"""What is expected of one series, with all that was asked for."""


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
class About:
    """What an answer says beside the forecasts, where they are a table."""

    id: str
    model: VersionUsed
    num_failed: int
    calibration: CalibrationBody
    usage: Usage


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
    forecasts: list[AnyForecastBody | FailedBody]
    calibration: CalibrationBody
    usage: Usage
    timings_ms: Timings


def from_forecast(
    answer: Answer,
    *,
    answer_id: str,
    quantile_levels: Sequence[float],
    interval_levels: Sequence[float],
    seconds: Seconds,
) -> ForecastResponse:
    """The answer as JSON has it.

    Args:
        answer: The answer.
        answer_id: Its id.
        quantile_levels: Those asked for.
        interval_levels: Those asked for, in percent.
        seconds: What the request took outside the answer.
    """
    about = describe(answer, answer_id)
    return ForecastResponse(
        id=about.id,
        model=about.model,
        forecasts=list(each_forecast(answer.items, quantile_levels, interval_levels)),
        calibration=about.calibration,
        usage=about.usage,
        timings_ms=Timings(
            *(
                round(one * 1000, 2)
                for one in (seconds.parse, answer.load_seconds, answer.forecast_seconds, seconds.total)
            )
        ),
    )


def describe(answer: Answer, answer_id: str) -> About:
    """What an answer says beside the forecasts."""
    summary = answer.calibration
    return About(
        id=answer_id,
        model=VersionUsed(answer.name, answer.version, answer.digest, answer.alias),
        num_failed=sum(isinstance(one, Refusal) for one in answer.items),
        calibration=CalibrationBody(summary.method, summary.num_scores, summary.nominal, summary.realised_coverage),
        usage=Usage(answer.points_in, answer.points_out, answer.function_evaluations),
    )


def each_forecast(
    items: Sequence[ItemForecast | Refusal],
    quantile_levels: Sequence[float],
    interval_levels: Sequence[float],
) -> Iterator[ForecastBody | FailedBody]:
    """The forecasts of an answer, one by one, as JSON has them."""
    quantiles = {f"{level:g}": level for level in sorted(set(quantile_levels))}
    intervals = {f"{level:g}": interval_quantiles(level) for level in sorted(set(interval_levels))}
    axes = TimeAxes()
    for one in items:
        if isinstance(one, Refusal):
            yield FailedBody(one.item_id, "failed", explain(one.error))
            continue
        body = ForecastBody(
            item_id=one.item_id,
            status="ok",
            timestamps=axes.written(one),
            mean=one.mean,
            quantiles={name: one.quantiles[level] for name, level in quantiles.items()},
            intervals={
                name: Interval(one.quantiles[lower], one.quantiles[upper]) for name, (lower, upper) in intervals.items()
            },
            warnings=[Warned(notice.code, notice.detail) for notice in one.notices],
        )
        yield _with_extras(body, one)


def _with_extras(body: ForecastBody, forecast: ItemForecast) -> ForecastBody:
    """The same with what has a field only where it was asked for."""
    fields, rate, samples = vars(body), forecast.rate, forecast.samples
    if rate is None:
        return body if samples is None else SampledForecastBody(**fields, samples=list(samples))
    if samples is None:
        return RatedForecastBody(**fields, rate=rate)
    return RatedSampledForecastBody(**fields, rate=rate, samples=list(samples))


def explain(error: ForecastingError) -> ItemProblem:
    """An error without its request."""
    return ItemProblem(error.code, error.detail, error.hint)
