"""Forecasts asked for and answered in every format: what a body asks, and how the answer is written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import Request

from app.datasets import Datasets
from app.forecasting import Answer, Question, Refusal
from app.frames import Columns, CovariateColumns, ForecastTable, TableLimits, holds_series, join_series, read_table
from app.negotiation import preferred
from app.routes.bodies import ARROW, CSV, JSON, NDJSON, PARQUET, to_json
from app.schemas.answers import Seconds, describe, each_forecast, from_forecast
from app.schemas.forecast_query import ForecastQuery
from app.schemas.forecasts import ForecastOptions, ForecastRequest
from app.schemas.panels import each_read_once
from app.schemas.refusals import NothingAcceptable
from app.settings import Settings
from model import Series

ANSWERS: Final = (JSON, NDJSON, CSV, PARQUET, ARROW)
"""The formats of an answer, the one to be preferred first."""

_MAX_VALUES_AT_ONCE: Final = 200_000
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
    parts: Iterator[bytes] | bytes
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
    levels: dict[str, Any] = {
        "quantile_levels": options.quantile_levels,
        "interval_levels": options.interval_levels,
    }
    if media_type == JSON:
        return Written(JSON, to_json(from_forecast(answer, answer_id=answer_id, seconds=seconds, **levels)))
    about = to_json(describe(answer, answer_id))
    num_series = max(1, _MAX_VALUES_AT_ONCE * max(1, len(answer.items)) // max(1, num_values_of(answer, sent)))
    if media_type == NDJSON:
        parts = _lines(answer, levels, num_series)
    else:
        table = ForecastTable(answer.items, options.all_levels, about, is_partial=options.is_partial)
        if media_type == PARQUET:
            return Written(PARQUET, table.to_parquet(), _headers(about))
        parts = (table.to_csv if media_type == CSV else table.to_arrow)(num_series=num_series)
    is_small = num_series >= len(answer.items)
    return Written(media_type, b"".join(parts) if is_small else parts, _headers(about))


def num_values_of(answer: Answer, sent: Sent) -> int:
    """Numbers in an answer."""
    return answer.points_out * (1 + sent.options.rates + len(sent.options.all_levels) + sent.options.num_samples)


def _headers(about: bytes) -> dict[str, str]:
    """What is told beside the forecasts: names of models and aliases are ASCII, so a header can hold it."""
    return {"Longshot-Answer": about.decode()}


def _lines(answer: Answer, levels: dict[str, Any], num_series: int) -> Iterator[bytes]:
    lines: list[bytes] = []
    for one in each_forecast(answer.items, **levels):
        lines.append(to_json(one) + b"\n")
        if len(lines) == num_series:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)
