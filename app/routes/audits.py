"""POST /v1/audits: check a panel without storing it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.frames import ColumnUnnamed, FileUnreadable
from app.routes.bodies import JSON, answer, read_body
from app.routes.documented import ANY_BODY, ANY_DATASET, problems
from app.routes.permissions import ANY_KEY, SpendPoints
from app.routes.resources import Resources, Service
from app.routes.tables import TABLES, AsTable, TableQuery, describe_panel
from app.schemas.audits import MAX_ITEMS, AuditBody, AuditRequest, from_audit
from app.schemas.panels import check_size, each_read_once
from app.stores.database import now
from model import ColumnMissing, ConfigurationInvalid, audit_panel

router = APIRouter(tags=["audits"])


@router.post(
    "/v1/audits",
    summary="Check a panel without storing it",
    response_model=AuditBody,
    dependencies=[ANY_KEY],
    responses=problems(*ANY_BODY, *ANY_DATASET, FileUnreadable, ColumnMissing, ColumnUnnamed, ConfigurationInvalid),
    openapi_extra=describe_panel(AuditRequest),
)
async def post_audit(
    request: Request,
    service: Service,
    spend: SpendPoints,
    table: AsTable,
    horizon: Annotated[
        int | None, Query(ge=1, le=10**6, description="Steps that a training is wanted for; for tables.")
    ] = None,
    time_zone: Annotated[
        str | None, Query(max_length=64, description="Where clocks without a zone are; for tables.")
    ] = None,
    max_items: Annotated[
        int, Query(ge=0, le=MAX_ITEMS, description="How many series to describe in full; for tables.")
    ] = 20,
) -> Response:
    """Everything that is wrong or noteworthy: what would be refused by the code of its refusal, and what may harm."""
    media_type, body = await read_body(request, JSON, *TABLES)

    def check() -> AuditBody:
        if media_type == JSON:
            return _audit_json(service, body)
        return _audit_table(service, body, table, horizon, time_zone, max_items)

    audited = await run_in_threadpool(check)
    spend(audited.num_observations)
    return answer(audited)


def _audit_json(service: Resources, body: bytes) -> AuditBody:
    asked = AuditRequest.model_validate_json(body)
    check_size(asked.series, service.settings.max_series, service.settings.max_points)
    readings = asked.to_readings(each_read_once(service.datasets.panel, service.settings.max_points))
    return from_audit(
        audit_panel(readings, horizon=asked.horizon, time_zone=asked.time_zone, now=now(), max_items=asked.max_items)
    )


def _audit_table(
    service: Resources, body: bytes, table: TableQuery, horizon: int | None, time_zone: str | None, max_items: int
) -> AuditBody:
    read = table.read(body, service.settings)
    found = audit_panel(read.items, horizon=horizon, time_zone=time_zone, now=now(), max_items=max_items)
    return from_audit(found, read.lines)
