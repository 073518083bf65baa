"""Forecasts asked for and answered in every format: what a body asks, and how the answer is written."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from fastapi import Request

from app.forecasting import Answer, Question, Refusal
from app.frames import (
    ArrowForecasts,
    Columns,
    CovariateColumns,
    CsvForecasts,
    ForecastColumns,
    TableLimits,
    holds_series,
    join_series,
    read_table,
    write_parquet,
)
from app.routes.bodies import ARROW, CSV, JSON, NDJSON, PARQUET, to_json
from app.schemas.answers import Seconds, describe, each_forecast, from_forecast
from app.schemas.forecast_query import ForecastQuery
from app.schemas.forecasts import ForecastOptions, ForecastRequest
from app.schemas.panels import each_read_once
from app.schemas.refusals import NothingAcceptable
from app.settings import Settings
from app.stores.datasets import Datasets
from app.web.negotiation import preferred
from model import ItemForecast, Series

ANSWERS: Final = (JSON, NDJSON, CSV, PARQUET, ARROW)
"""The formats of an answer, the one to be preferred first."""

MAX_VALUES_AT_ONCE: Final = 200_000
"""Numbers of an answer that are written in one piece."""


def choose_answer(request: Request) -> str:
    """The format that a caller prefers to be answered in; JSON where he does not say.

    Raises:
        NothingAcceptable: He takes none of them.
    """
    accepted = request.headers.get("accept", "*/*")
    found = preferred(accepted, ANSWERS)
    if found is None:
        raise NothingAcceptable(accepted, ANSWERS)
    return found


@dataclass(frozen=True, eq=False)
class Sent:
    """What a request asks.

    Attributes:
        question: It, as the use case knows it.
        options: What was asked beside the series.
        sources: The dataset that each series is from, of those that are from one.
    """

    question: Question
    options: ForecastOptions
    sources: dict[str, str] = field(default_factory=dict)


def read_question(media_type: str, body: bytes, query: ForecastQuery, settings: Settings, datasets: Datasets) -> Sent:
    """What a request asks, whatever its format.

    Raises:
        ForecastingError: It cannot be answered.
    """
    if media_type == JSON:
        query.refuse_all()
        return _of_json(ForecastRequest.model_validate_json(body), settings, datasets)
    options = query.to_options()
    if media_type == NDJSON and holds_series(body):
        written = options.model_dump_json(exclude_none=True).encode()
        return _of_json(
            ForecastRequest.model_validate_json(written[:-1] + b',"series":' + join_series(body) + b"}"),
            settings,
            datasets,
        )
    return _of_table(body, query, options, settings)


def _of_json(asked: ForecastRequest, settings: Settings, datasets: Datasets) -> Sent:
    asked.check_limits(
        max_series=settings.max_series,
        max_points=settings.max_points,
        max_horizon_steps=settings.max_horizon_steps,
        max_quantile_levels=settings.max_quantile_levels,
    )
    find = each_read_once(datasets.panel, settings.max_points)
    return Sent(asked.to_question(find), asked, asked.sources(find))


def _of_table(body: bytes, query: ForecastQuery, options: ForecastOptions, settings: Settings) -> Sent:
    options.check_levels(max_horizon_steps=settings.max_horizon_steps, max_quantile_levels=settings.max_quantile_levels)
    read = read_table(
        body,
        _columns(query),
        name="The body",
        freq=query.freq,
        duplicates=options.duplicates,
        limits=TableLimits(settings.max_body_bytes, settings.max_points, settings.max_series),
    )
    items = (one if isinstance(one, Series) else Refusal(one.item_id, one) for one in read.each_series())
    return Sent(options.ask(items), options)


def _columns(query: ForecastQuery) -> Columns:
    names = (query.past_covariates, query.future_covariates, query.static_covariates)
    return Columns(query.item_id, query.timestamp, query.target, CovariateColumns(*(tuple(one or ()) for one in names)))


@dataclass(frozen=True, eq=False)
class Written:
    """An answer in the format that was asked for.

    Attributes:
        media_type: The format.
        parts: Its bytes, the next ones made when they are asked for; all at once where they are few.
        headers: What goes with it.
    """

    media_type: str
    parts: AsyncIterator[bytes] | Iterator[bytes] | bytes
    headers: dict[str, str] = field(default_factory=dict)


def write_answer(media_type: str, answer: Answer, sent: Sent, *, answer_id: str, seconds: Seconds) -> Written:
    """An answer in a format.

    Args:
        media_type: The format.
        answer: What was answered.
        sent: What was asked.
        answer_id: Its id.
        seconds: What the request took outside the answer.
    """
    options = sent.options
    if media_type == JSON:
        body = from_forecast(
            answer,
            answer_id=answer_id,
            quantile_levels=options.quantile_levels,
            interval_levels=options.interval_levels,
            seconds=seconds,
        )
        return Written(JSON, to_json(body))
    about = to_json(describe(answer, answer_id))
    zones = frozenset(one.time_zone for one in answer.items if isinstance(one, ItemForecast))
    if media_type == PARQUET:
        return Written(PARQUET, write_parquet(columns_of(sent, zones, about), answer.items), told(about))
    writer = part_writer(media_type, sent, zones, about)
    num_series = series_at_once(len(answer.items), num_values_of(answer, sent))
    parts = _in_parts(writer, answer.items, num_series)
    is_small = num_series >= len(answer.items)
    return Written(media_type, b"".join(parts) if is_small else parts, told(about))


class PartWriter(Protocol):
    """Writes an answer, some series after the other."""

    def write(self, items: Sequence[ItemForecast | Refusal]) -> bytes:
        """What comes next: these series."""

    def end(self) -> bytes:
        """What comes last, once all series were written."""


def part_writer(media_type: str, sent: Sent, zones: frozenset[str | None], about: bytes) -> PartWriter:
    """Writes an answer in parts.

    Args:
        media_type: NDJSON, CSV or Arrow.
        sent: What was asked.
        zones: The zones of the timestamps.
        about: What is told beside the forecasts.
    """
    if media_type == NDJSON:
        return _Lines(sent.options)
    columns = columns_of(sent, zones, about)
    return CsvForecasts(columns) if media_type == CSV else ArrowForecasts(columns)


def columns_of(sent: Sent, zones: frozenset[str | None], about: bytes) -> ForecastColumns:
    """What a table of the answer has; arguments are those of `part_writer`."""
    options = sent.options
    return ForecastColumns(
        names=[one.item_id for one in sent.question.items],
        levels=options.all_levels,
        zones=zones,
        has_rates=options.rates,
        num_samples=options.num_samples,
        about=about,
        is_partial=options.is_partial,
        are_whole=options.horizon.is_whole,
    )


def series_at_once(num_series: int, num_values: int) -> int:
    """How many series make a part, of an answer of so many series and numbers."""
    return max(1, MAX_VALUES_AT_ONCE * max(1, num_series) // max(1, num_values))


def num_values_of(answer: Answer, sent: Sent) -> int:
    """Numbers in an answer."""
    return answer.points_out * values_a_point(sent)


def values_a_point(sent: Sent) -> int:
    """Numbers in an answer for each timestamp of each series."""
    return 1 + sent.options.rates + len(sent.options.all_levels) + sent.options.num_samples


def told(about: bytes) -> dict[str, str]:
    """What is told beside the forecasts: names of models and aliases are ASCII, so a header can hold it."""
    return {"Longshot-Answer": about.decode()}


def _in_parts(writer: PartWriter, items: Sequence[ItemForecast | Refusal], num_series: int) -> Iterator[bytes]:
    for first in range(0, max(1, len(items)), num_series):
        yield writer.write(items[first : first + num_series])
    yield writer.end()


class _Lines:
    """Forecasts as lines of JSON."""

    def __init__(self, options: ForecastOptions) -> None:
        self._options = options

    def write(self, items: Sequence[ItemForecast | Refusal]) -> bytes:
        found = each_forecast(items, self._options.quantile_levels, self._options.interval_levels)
        return b"".join(to_json(one) + b"\n" for one in found)

    def end(self) -> bytes:
        return b""
