"""Forecasts asked for and answered in KServe's JSON: names are the protocol's."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.compat.kserve.frequencies import Calendar, Frequency
from app.errors import LimitExceeded
from app.forecasting import Answer, Question, Refusal
from app.schemas.answers import Numbers, Warned
from app.schemas.forecasts import QuantileLevel
from app.schemas.horizon import parse_timestamp
from app.schemas.panels import Number, Text, Timestamp
from app.settings import Settings
from app.web.problems import rule_of
from model import DataError, ItemForecast, Series, Steps

UNIVARIATE, MULTIVARIATE = "univariate_time_series", "multivariate_time_series"
Type = Literal["univariate_time_series", "multivariate_time_series"]
Values = list[Number | None]

_UNDATED = pd.Timestamp("1970-01-01")
"""Where a series without a start is taken to begin."""


class Extensible(BaseModel):
    """An object that may have more fields; what is not known is not used, and the answer says so."""

    model_config = ConfigDict(extra="allow", strict=True)

    def unknown(self, where: str) -> Iterator[str]:
        """The names of those fields."""
        yield from (f"{where}{name}" for name in self.model_extra or ())


class TimeSeriesInput(Extensible):
    """One series: numbers, or a row of numbers at each point in time; null is missing."""

    type: Type
    name: Text
    series: list[Number | Values | None]
    frequency: Frequency
    start_timestamp: Timestamp | None = None

    @model_validator(mode="after")
    def _shape(self) -> Self:
        rows = [one for one in self.series if isinstance(one, list)]
        if self.type == UNIVARIATE and rows:
            raise PydanticCustomError("series_shape", "A univariate series is a list of numbers.")
        if self.type == MULTIVARIATE and (
            len(rows) != len(self.series) or len({len(row) for row in rows}) != 1 or not rows[0]
        ):
            raise PydanticCustomError(
                "series_shape", "A multivariate series is a list of rows, each with the same number of variables."
            )
        return self

    @property
    def variables(self) -> list[Values]:
        """The values of each variable."""
        if self.type == UNIVARIATE:
            return [[one for one in self.series if not isinstance(one, list)]]
        return [list(column) for column in zip(*(one for one in self.series if isinstance(one, list)), strict=True)]

    def calendar(self) -> Calendar:
        """Its timestamps.

        Raises:
            DateInvalid: The start cannot be read.
        """
        start = _UNDATED if self.start_timestamp is None else parse_timestamp(self.start_timestamp)
        return Calendar(start, self.frequency)

    def items(self) -> list[Series | Refusal]:
        """Its variables as series of ours, or why one is none."""
        calendar, variables = self.calendar(), self.variables
        names = [self.name] if self.type == UNIVARIATE else [f"{self.name}[{n}]" for n in range(len(variables))]
        return [_series(name, calendar, values) for name, values in zip(names, variables, strict=True)]


class ForecastOptions(Extensible):
    """How far, and with which quantiles."""

    horizon: int
    quantiles: list[QuantileLevel] | None = None


class ForecastRequest(Extensible):
    """Which series to forecast; without a model, by the default one."""

    model: Text | None = None
    inputs: Annotated[list[TimeSeriesInput], Field(min_length=1)]
    options: ForecastOptions
    metadata: dict[str, Any] | None = None

    def check_limits(self, settings: Settings) -> None:
        """Refuses what is more than the service allows.

        Raises:
            LimitExceeded: There is more.
        """
        sizes = [(len(one.variables), sum(map(len, one.variables))) for one in self.inputs]
        counts = (
            ("series", sum(count for count, _ in sizes), settings.max_series, "LONGSHOT_MAX_SERIES"),
            ("observations", sum(size for _, size in sizes), settings.max_points, "LONGSHOT_MAX_POINTS"),
            ("quantile levels", len(self.levels), settings.max_quantile_levels, "LONGSHOT_MAX_QUANTILE_LEVELS"),
        )
        for what, found, limit, setting in counts:
            if found > limit:
                raise LimitExceeded(what, found, limit, setting)

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantile levels, ascending."""
        return tuple(sorted(set(self.options.quantiles or ())))

    def to_question(self, model: str) -> Question:
        """The request as the use case knows it; a series that cannot be forecast fails alone.

        Raises:
            DateInvalid: A start cannot be read.
        """
        items = tuple(item for one in self.inputs for item in one.items())
        return Question(model, items, Steps(self.options.horizon), self.levels or (0.5,), is_partial=True)

    def ignored(self) -> list[Warned]:
        """A warning for each field that is not used."""
        names = [*self.unknown(""), *self.options.unknown("options.")]
        names += [name for number, one in enumerate(self.inputs) for name in one.unknown(f"inputs[{number}].")]
        return [Warned("field_unused", f"The field {name!r} was not used.") for name in names]


@dataclass(frozen=True)
class Error:
    """Why there is no forecast."""

    code: str
    message: str
    param: str | None
    type: str


@dataclass(frozen=True)
class TimeSeriesForecast:
    """What is expected of one series."""

    type: Type
    name: str
    mean_forecast: Numbers
    frequency: Frequency
    start_timestamp: str
    quantiles: dict[str, Numbers] | None
    warnings: list[Warned]


@dataclass(frozen=True)
class ForecastOutput:
    """The forecast of one input, or why it has none."""

    id: str
    status: Literal["completed", "error"]
    content: list[TimeSeriesForecast]
    error: Error | None = None
    type: str = "time_series_forecast"


@dataclass(frozen=True)
class Usage:
    """Observations in, and points forecast, where the protocol counts tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class ForecastResponse:
    """The forecasts of all inputs, in their order."""

    id: str
    status: Literal["completed", "partial"]
    model: str
    outputs: list[ForecastOutput]
    usage: Usage
    warnings: list[Warned]
    error: Error | None = None
    created_at: int = field(default_factory=lambda: int(time.time()))


def from_answer(answer: Answer, asked: ForecastRequest) -> ForecastResponse:
    """The answer in the protocol's JSON.

    Raises:
        ForecastingError: No input has a forecast: the reason of the first.
    """
    items = iter(answer.items)
    outputs = [_output(one, [next(items) for _ in one.variables], asked.levels) for one in asked.inputs]
    refused = [one for one in answer.items if isinstance(one, Refusal)]
    if all(one.status == "error" for one in outputs):
        raise refused[0].error
    usage = Usage(answer.points_in, answer.points_out, answer.points_in + answer.points_out)
    status: Literal["completed", "partial"] = "partial" if refused else "completed"
    model = f"{answer.name}/{answer.version}"
    return ForecastResponse(f"fc_{uuid.uuid4().hex}", status, model, outputs, usage, asked.ignored())


def _series(name: str, calendar: Calendar, values: Values) -> Series | Refusal:
    try:
        return Series.from_grid(name, calendar.first, calendar.alias, values)
    except DataError as error:
        return Refusal(name, error)


def _output(one: TimeSeriesInput, items: Sequence[ItemForecast | Refusal], levels: Sequence[float]) -> ForecastOutput:
    output_id = f"ts_{uuid.uuid4().hex}"
    for item in items:
        if isinstance(item, Refusal):
            error = item.error
            told = Error(str(rule_of(type(error)).status), f"{error.detail} {error.hint}", one.name, error.code)
            return ForecastOutput(output_id, "error", [], told)
    found = [item for item in items if isinstance(item, ItemForecast)]
    # The forecast begins behind the last observation; of several variables, each behind its own.
    num_steps = max(len(one.series) - _num_trailing(values) for values in one.variables)
    forecast = TimeSeriesForecast(
        type=one.type,
        name=one.name,
        mean_forecast=_together(one, [item.mean for item in found]),
        frequency=one.frequency,
        start_timestamp=one.calendar().after(num_steps),
        quantiles={f"{level:g}": _together(one, [item.quantiles[level] for item in found]) for level in levels} or None,
        warnings=[Warned(notice.code, notice.detail) for item in found for notice in item.notices],
    )
    return ForecastOutput(output_id, "completed", [forecast])


def _num_trailing(values: Values) -> int:
    return next((number for number, one in enumerate(reversed(values)) if one is not None), 0)


def _together(one: TimeSeriesInput, columns: list[Any]) -> Any:
    return columns[0] if one.type == UNIVARIATE else np.ascontiguousarray(np.stack(columns, axis=1))
