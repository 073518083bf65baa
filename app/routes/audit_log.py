"""GET /v1/audit-log: who changed what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.routes.bodies import answer
from app.routes.permissions import ADMIN
from app.routes.resources import Service
from app.schemas.audit_log import EntryPage, from_entries

router = APIRouter(tags=["audit log"])


@router.get(
    "/v1/audit-log",
    summary="List the changes that were made",
    response_model=EntryPage,
    dependencies=[ADMIN],
)
def get_audit_log(
    service: Service,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    actor: Annotated[str | None, Query(max_length=100, description="Only changes by this key.")] = None,
) -> Response:
    """The newest first; no entry is ever changed or removed."""
    return answer(from_entries(service.audit_log.list(limit=limit, cursor=cursor, actor=actor)))
