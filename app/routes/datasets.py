"""The panels kept for training: upload, list, show, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.datasets import Dataset
from app.frames import Columns, TableLimits, read_panel
from app.routes.accounting import audited
from app.routes.bodies import JSON, answer, describe_body, read_body
from app.routes.permissions import ANY_KEY, TRAIN, SpendPoints
from app.routes.resources import Resources, Service
from app.schemas.datasets import DatasetBody, DatasetPage, DatasetRequest, from_dataset, from_datasets
from app.schemas.panels import check_size, to_panel
from model import Aggregation, Panel

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

_TABLES = ("text/csv", "application/gzip", "application/vnd.apache.parquet")
_BINARY = {"schema": {"type": "string", "format": "binary"}}


@router.post(
    "",
    status_code=201,
    summary="Upload a panel",
    response_model=DatasetBody,
    dependencies=[TRAIN, audited("dataset.uploaded")],
    openapi_extra=describe_body(DatasetRequest, **dict.fromkeys(_TABLES, _BINARY)),
)
async def post_dataset(
    request: Request,
    service: Service,
    spend: SpendPoints,
    item_id: Annotated[str | None, Query(description="The column that names the series; CSV and Parquet only.")] = None,
    timestamp: Annotated[str | None, Query(description="The column of timestamps.")] = None,
    target: Annotated[str | None, Query(description="The column of observations.")] = None,
    freq: Annotated[str | None, Query(description="A pandas offset alias for every series.")] = None,
    duplicates: Annotated[Aggregation, Query(description="What to do with repeated timestamps.")] = "error",
) -> Response:
    """Keeps a panel sent as JSON, or as a table whose columns the query names; the same panel is kept once."""
    media_type, body = await read_body(request, JSON, *_TABLES)

    def read() -> Panel:
        if media_type == JSON:
            return _panel(service, body)
        columns = Columns(item_id, timestamp, target)
        limits = TableLimits(service.settings.max_body_bytes, service.settings.max_points)
        return read_panel(body, columns, name="The body", freq=freq, duplicates=duplicates, limits=limits)

    def keep() -> Dataset:
        dataset = service.datasets.add(read())
        spend(dataset.num_observations)
        return dataset

    dataset = await run_in_threadpool(keep)
    return answer(from_dataset(dataset), 201, Location=f"/v1/datasets/{dataset.id}")


@router.get("", summary="List the datasets", response_model=DatasetPage, dependencies=[ANY_KEY])
def get_datasets(
    service: Service, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """The newest first."""
    return answer(from_datasets(service.datasets.list(limit=limit, cursor=cursor)))


@router.get("/{dataset_id}", summary="Show a dataset", response_model=DatasetBody, dependencies=[ANY_KEY])
def get_dataset(dataset_id: str, service: Service) -> Response:
    """Its size and digest."""
    dataset = service.datasets.get(dataset_id)
    return answer(from_dataset(dataset), ETag=f'"{dataset.digest}"')


@router.delete(
    "/{dataset_id}", status_code=204, summary="Delete a dataset", dependencies=[TRAIN, audited("dataset.deleted")]
)
def delete_dataset(dataset_id: str, service: Service) -> None:
    """Refused while a queued or running job needs it."""
    service.datasets.delete(dataset_id)


def _panel(service: Resources, body: bytes) -> Panel:
    asked = DatasetRequest.model_validate_json(body)
    check_size(asked.series, service.settings.max_series, service.settings.max_points)
    return to_panel(asked.series, service.datasets.panel, duplicates=asked.duplicates)
