"""Bodies in and out: which media types are read, and how answers are written."""

import hashlib
from typing import Any

import orjson
from fastapi import Request, Response
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.schemas.anomalies import AnomalyRequest
from app.schemas.audits import AuditRequest
from app.schemas.backtests import BacktestJobRequest
from app.schemas.datasets import DatasetRequest, ObservationsRequest
from app.schemas.forecasts import ForecastRequest
from app.schemas.keys import KeyRequest
from app.schemas.models import AliasRequest
from app.schemas.refusals import MediaTypeUnsupported
from app.schemas.training import TrainingJobRequest

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
_REFERENCE = "#/components/schemas/{model}"
_REQUESTS: tuple[type[BaseModel], ...] = (
    ForecastRequest,
    DatasetRequest,
    ObservationsRequest,
    AuditRequest,
    AnomalyRequest,
    TrainingJobRequest,
    BacktestJobRequest,
    AliasRequest,
    KeyRequest,
)


async def read_body(request: Request, *media_types: str) -> tuple[str, bytes]:
    """The media type and the bytes of a body.

    Raises:
        MediaTypeUnsupported: It is of none of these types.
    """
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in media_types:
        raise MediaTypeUnsupported(found, media_types)
    return found, await request.body()


async def read_json(request: Request) -> bytes:
    """The bytes of a JSON body.

    Raises:
        MediaTypeUnsupported: It is none.
    """
    return (await read_body(request, JSON))[1]


def to_json(content: object) -> bytes:
    """A response's value as bytes; timestamps of the service itself in UTC."""
    return orjson.dumps(content, option=orjson.OPT_UTC_Z | orjson.OPT_SERIALIZE_NUMPY)


def answer(content: object, status: int = 200, **headers: str) -> Response:
    """A response's value as an answer; underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(to_json(content), status, named, JSON)


def answer_tagged(content: object) -> Response:
    """A response's value as an answer whose ETag is of its bytes: for what changes in ways that no number counts."""
    written = to_json(content)
    return Response(written, 200, {"ETag": f'"{hashlib.sha256(written).hexdigest()[:32]}"'}, JSON)


def describe_body(kind: type[BaseModel], **others: dict[str, Any]) -> dict[str, Any]:
    """How OpenAPI describes a body that a route reads itself, with the other media types it reads."""
    schema = {"schema": {"$ref": _REFERENCE.format(model=kind.__name__)}}
    return {"requestBody": {"required": True, "content": {JSON: schema, **others}}}


def request_schemas() -> dict[str, Any]:
    """The JSON Schemas of all requests, for OpenAPI's components."""
    _, schemas = models_json_schema([(one, "validation") for one in _REQUESTS], ref_template=_REFERENCE)
    found = schemas.get("$defs", {})
    assert isinstance(found, dict)
    return found
