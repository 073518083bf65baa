"""The panels kept for training: upload, append, list, show, delete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from app.errors import DatasetChanged, DatasetInUse, DatasetNotFound
from app.routes.accounting import audited, note
from app.routes.bodies import JSON, answer, read_body
from app.routes.documented import ANY_BODY, ANY_DATASET, ANY_SERIES, NOT_MODIFIED, problems
from app.routes.permissions import ANY_KEY, TRAIN, SpendPoints
from app.routes.resources import Resources, Service
from app.routes.tables import ANY_TABLE, TABLES, AsTable, TableQuery, describe_panel
from app.schemas.audits import from_audit
from app.schemas.datasets import (
    AppendBody,
    DatasetBody,
    DatasetPage,
    DatasetRequest,
    ObservationsRequest,
    RevisionPage,
    UploadBody,
    expected_digest,
    from_append,
    from_dataset,
    from_datasets,
    from_revisions,
    from_upload,
)
from app.schemas.panels import check_size, each_read_once
from app.schemas.refusals import PreconditionInvalid
from app.stores.database import now
from app.stores.datasets import Appended, PanelLimits
from model import DataError, ObservationConflict, Panel, Reading, Series, audit_panel

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

_REASONS = (*ANY_BODY, *ANY_SERIES, *ANY_DATASET, *ANY_TABLE)
_UNREAD = problems(*_REASONS)
_NOT_APPENDED = problems(*_REASONS, ObservationConflict, DatasetChanged, PreconditionInvalid)


@router.post(
    "",
    status_code=201,
    summary="Upload a panel",
    response_model=UploadBody,
    dependencies=[TRAIN, audited("dataset.uploaded")],
    responses=_UNREAD,
    openapi_extra=describe_panel(DatasetRequest),
)
async def post_dataset(request: Request, service: Service, spend: SpendPoints, table: AsTable) -> Response:
    """Keeps a panel sent as JSON, or as a table whose columns the query names, and says what was found in it.

    The same panel is kept once.
    """
    media_type, body = await read_body(request, JSON, *TABLES)

    def keep() -> UploadBody:
        sent = _read(service, media_type, body, table, DatasetRequest)
        dataset = service.datasets.add(sent.panel)
        spend(dataset.num_observations)
        return from_upload(dataset, from_audit(audit_panel(sent.items, now=now()), sent.lines))

    kept = await run_in_threadpool(keep)
    return answer(kept, 201, Location=f"/v1/datasets/{kept.id}", ETag=f'"{kept.digest}"')


@router.post(
    "/{dataset_id}/observations",
    summary="Append observations to a dataset",
    response_model=AppendBody,
    dependencies=[TRAIN, audited("dataset.extended", "/v1/datasets/{dataset_id}")],
    responses=_NOT_APPENDED,
    openapi_extra=describe_panel(ObservationsRequest),
)
async def post_observations(
    request: Request,
    dataset_id: str,
    service: Service,
    spend: SpendPoints,
    table: AsTable,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Joins observations by item and timestamp: what is known changes nothing, another value for it is a 409.

    With If-Match only to the content that the caller saw.
    """
    media_type, body = await read_body(request, JSON, *TABLES)
    settings = service.settings

    def append() -> Appended:
        sent = _read(service, media_type, body, table, ObservationsRequest)
        spend(sent.panel.num_observations)
        limits = PanelLimits(settings.max_series, settings.max_points)
        appended = service.datasets.append(dataset_id, sent.panel, limits=limits, expected=expected_digest(if_match))
        # All that was sent, not only what is new: after a crash in between, it is compared when it is sent again.
        service.hindsight.compare(dataset_id, sent.panel)
        return appended

    appended = await run_in_threadpool(append)
    note(request, num_added=appended.num_added, revision=appended.dataset.revision)
    return answer(from_append(appended), ETag=f'"{appended.dataset.digest}"')


@router.get(
    "/{dataset_id}/revisions",
    summary="List what a dataset has held",
    response_model=RevisionPage,
    dependencies=[ANY_KEY],
    responses=problems(DatasetNotFound),
)
def get_revisions(
    dataset_id: str, service: Service, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """The newest first; a version's `dataset_digest` is among them."""
    return answer(from_revisions(service.datasets.revisions(dataset_id, limit=limit, cursor=cursor)))


@router.get(
    "",
    summary="List the datasets",
    response_model=DatasetPage,
    dependencies=[ANY_KEY],
)
def get_datasets(
    service: Service, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None
) -> Response:
    """The newest first."""
    return answer(from_datasets(service.datasets.list(limit=limit, cursor=cursor)))


@router.get(
    "/{dataset_id}",
    summary="Show a dataset",
    response_model=DatasetBody,
    dependencies=[ANY_KEY],
    responses=problems(DatasetNotFound) | NOT_MODIFIED,
)
def get_dataset(dataset_id: str, service: Service) -> Response:
    """Its size and digest."""
    dataset = service.datasets.get(dataset_id)
    return answer(from_dataset(dataset), ETag=f'"{dataset.digest}"')


@router.delete(
    "/{dataset_id}",
    status_code=204,
    summary="Delete a dataset",
    dependencies=[TRAIN, audited("dataset.deleted")],
    responses=problems(DatasetNotFound, DatasetInUse),
)
def delete_dataset(dataset_id: str, service: Service) -> None:
    """Refused while a queued or running job needs it."""
    service.datasets.delete(dataset_id)
    service.hindsight.forget_dataset(dataset_id)


@dataclass(frozen=True, eq=False)
class _Sent:
    """A panel that was sent, and what it was read from."""

    panel: Panel
    items: Sequence[Reading | DataError]
    lines: Mapping[str, NDArray[np.int64]] | None


def _read(service: Resources, media_type: str, body: bytes, table: TableQuery, kind: type[DatasetRequest]) -> _Sent:
    written = table.to_json(media_type, body)
    if written is None:
        read = table.read(body, service.settings)
        return _Sent(read.to_panel(), read.items, read.lines)
    asked = kind.model_validate_json(written)
    check_size(asked.series, service.settings.max_series, service.settings.max_points)
    find = each_read_once(service.datasets.panel, service.settings.max_points)
    readings = tuple(one for series in asked.series for one in series.to_readings(find, duplicates=asked.duplicates))
    return _Sent(Panel(tuple(map(Series.from_reading, readings))), readings, None)
