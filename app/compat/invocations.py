"""/ping and /invocations, as SageMaker calls a container and MLflow a scoring server."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from pydantic_core import to_json as to_json_line
from starlette.responses import StreamingResponse

from app.batching import Dialogue
from app.column_names import ColumnsUnclear, choose_names
from app.compat.asking import account, named
from app.forecasting import Answer, Question
from app.frames import ForecastTable, glance, holds_series
from app.routes.bodies import JSON, NDJSON, answer, read_body, to_json
from app.routes.forecast_formats import Sent, Written, choose_answer, columns_of, read_question, write_answer
from app.routes.permissions import FORECAST, SpendPoints
from app.routes.queries import read_query
from app.routes.readiness import check_readiness
from app.routes.resources import Resources, Service
from app.routes.tables import TABLES
from app.schemas.answers import Seconds, each_forecast
from app.schemas.forecast_query import ForecastQuery
from app.schemas.refusals import OptionUnsupported
from model import ItemForecast

router = APIRouter(include_in_schema=False)

_ATTRIBUTES: Final = "x-amzn-sagemaker-custom-attributes"
_COVARIATES: Final = ("past_covariates", "future_covariates", "static_covariates")
_LISTS: Final = ("timestamps", "quantile_levels", "interval_levels", *_COVARIATES)


class Split(BaseModel):
    """A table as pandas writes it with `orient="split"`."""

    model_config = ConfigDict(extra="forbid")

    columns: list[str]
    data: list[list[Any]]
    index: list[Any] | None = None

    @model_validator(mode="after")
    def _rows_are_whole(self) -> Self:
        for number, row in enumerate(self.data):
            if len(row) != len(self.columns):
                raise PydanticCustomError(
                    "row_length",
                    "Row {number} has {found} cells; there are {needed} columns.",
                    {"number": number, "found": len(row), "needed": len(self.columns)},
                )
        return self

    def records(self) -> list[dict[str, Any]]:
        """Its rows."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.data]


class Invocation(BaseModel):
    """A table in one of three forms, and what is asked of it."""

    model_config = ConfigDict(extra="forbid")

    dataframe_split: Split | None = None
    dataframe_records: Annotated[list[dict[str, Any]] | None, Field(min_length=1)] = None
    instances: Annotated[list[dict[str, Any]] | None, Field(min_length=1)] = None
    params: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        forms = ("dataframe_split", "dataframe_records", "instances")
        given = [name for name in forms if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "invocation_form", f"An invocation has one of {', '.join(forms)}; here it has {len(given)} of them."
            )
        return self

    def to_lines(self) -> bytes:
        """Its rows, or series, as JSON lines; NaN, which Python writes, stays missing, and infinity what is refused."""
        rows = self.dataframe_split.records() if self.dataframe_split else self.dataframe_records or self.instances
        return b"\n".join(to_json_line(one, inf_nan_mode="strings") for one in rows or ())


@dataclass(frozen=True)
class Predictions:
    """What a scoring server answers: a prediction for each row forecast, or for each series sent."""

    predictions: Any


@router.get("/ping")
async def get_ping(service: Service) -> Response:
    """As `/readyz`: a real forecast, and a worker that lives where there is to be one; 503 names what is missing."""
    return answer(await service.bench.run(lambda: check_readiness(service)))


@router.post("/invocations", dependencies=[FORECAST])
async def post_invocations(
    request: Request,
    service: Service,
    spend: SpendPoints,
    query: Annotated[ForecastQuery, Depends(read_query(ForecastQuery))],
) -> Response:
    """The forecasts of a table, in JSON or as Accept says; what is asked may stand in three places, or be left out."""
    accepted = choose_answer(request)
    media_type, body = await read_body(request, JSON, *TABLES)
    attributes = dict(parse_qsl(request.headers.get(_ATTRIBUTES, "")))
    dialogue = _answer(service, spend, query, attributes, accepted, media_type, body)
    written = await service.forecasts.run(dialogue, num_bytes=len(body))
    headers = written.headers | {"Vary": "Accept"}
    if isinstance(written.parts, bytes):
        return Response(written.parts, headers=headers, media_type=written.media_type)
    return StreamingResponse(written.parts, headers=headers, media_type=written.media_type)


def _answer(
    service: Resources,
    spend: SpendPoints,
    query: ForecastQuery,
    attributes: Mapping[str, str],
    accepted: str,
    media_type: str,
    body: bytes,
) -> Dialogue[Question, Answer, Written]:
    params: Mapping[str, Any] = {}
    if media_type == JSON:
        asked = Invocation.model_validate_json(body)
        media_type, body, params = NDJSON, asked.to_lines(), asked.params
    whole = _complete(service, _together(query, attributes, params), body)
    sent = read_question(media_type, body, whole, service.settings, service.datasets)
    given = yield sent.question
    account(service, spend, given)
    if accepted == JSON:
        return Written(JSON, to_json(Predictions(_predictions(given, sent, are_series=holds_series(body)))))
    return write_answer(accepted, given, sent, answer_id=f"fc_{uuid.uuid4().hex}", seconds=Seconds(0.0, 0.0))


def _together(query: ForecastQuery, attributes: Mapping[str, str], params: Mapping[str, Any]) -> ForecastQuery:
    """What the query, the header of SageMaker and the parameters of MLflow say; the last of them that does counts."""
    given = query.model_dump(exclude_none=True) | {**attributes, **params}
    if "keep" in given:
        reason, hint = "an invocation is answered and forgotten", "Ask /v1/forecasts for one that is kept."
        raise OptionUnsupported("keep", reason, hint)
    return ForecastQuery.model_validate({name: _as_in_query(name, one) for name, one in given.items()})


def _as_in_query(name: str, value: Any) -> Any:
    """A value as the query has it: texts, and lists of what may have several."""
    if isinstance(value, (int, float)):
        value = str(value)
    return [value] if name in _LISTS and isinstance(value, str) else value


def _complete(service: Resources, query: ForecastQuery, body: bytes) -> ForecastQuery:
    """What is asked; where nothing is said, of the default model, as far as it was trained, with columns guessed."""
    added: dict[str, str] = {"model": named(service, query.model)}
    if query.horizon is None and query.until is None and query.timestamps is None:
        version = service.registry.pin(added["model"])
        added["horizon"] = str(service.forecasting.forecaster(version).config.horizon)
    if not holds_series(body):
        added |= _columns(query, body)
    return query.model_copy(update=added)


def _columns(query: ForecastQuery, body: bytes) -> dict[str, str]:
    found = glance(body)
    if found is None:
        return {}
    try:
        beside = [name for kind in _COVARIATES for name in getattr(query, kind) or ()]
        named = {"item_id": query.item_id, "timestamp": query.timestamp, "target": query.target}
        names = choose_names(found, **named, beside=beside)
    except ColumnsUnclear:
        # To read the table will say which column has to be named.
        return {}
    chosen = {"timestamp": names.timestamp, "target": names.target}
    return chosen if names.item_id is None else chosen | {"item_id": names.item_id}


def _predictions(given: Answer, sent: Sent, *, are_series: bool) -> Any:
    options = sent.options
    if are_series:
        return list(each_forecast(given.items, options.quantile_levels, options.interval_levels))
    zones = frozenset(one.time_zone for one in given.items if isinstance(one, ItemForecast))
    return ForecastTable(columns_of(sent, zones, b"")).rows(given.items).to_pylist()
