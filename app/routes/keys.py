"""API keys: create, list, show, revoke."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.errors import KeyLifetimeInvalid, KeyNotFound
from app.routes.accounting import audited, note
from app.routes.bodies import answer, describe_body, read_json
from app.routes.documented import problems
from app.routes.permissions import ADMIN
from app.routes.resources import Service
from app.schemas.horizon import DurationInvalid
from app.schemas.keys import KeyBody, KeyPage, KeyRequest, NewKeyBody, from_key, from_keys, from_new_key

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post(
    "",
    status_code=201,
    summary="Create an API key",
    response_model=NewKeyBody,
    dependencies=[ADMIN, audited("key.created")],
    responses=problems(KeyLifetimeInvalid, DurationInvalid),
    openapi_extra=describe_body(KeyRequest),
)
async def post_key(request: Request, service: Service) -> Response:
    """Shows the key this once; from the first key on, every request needs one."""
    asked = KeyRequest.model_validate_json(await read_json(request))
    new = await run_in_threadpool(
        lambda: service.keyring.create(asked.name, tuple(asked.scopes), lifetime=asked.lifetime)
    )
    note(request, scopes=" ".join(new.about.scopes), name=new.about.name)
    return answer(from_new_key(new), 201, Location=f"/v1/keys/{new.about.id}")


@router.get(
    "",
    summary="List the API keys",
    response_model=KeyPage,
    dependencies=[ADMIN],
)
def get_keys(service: Service, limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: str | None = None) -> Response:
    """The newest first, with those that were revoked or have expired."""
    return answer(from_keys(service.keyring.list(limit=limit, cursor=cursor)))


@router.get(
    "/{key_id}",
    summary="Show an API key",
    response_model=KeyBody,
    dependencies=[ADMIN],
    responses=problems(KeyNotFound),
)
def get_key(key_id: str, service: Service) -> Response:
    """What it allows, and when it was last used."""
    return answer(from_key(service.keyring.get(key_id)))


@router.delete(
    "/{key_id}",
    status_code=204,
    summary="Revoke an API key",
    dependencies=[ADMIN, audited("key.revoked")],
    responses=problems(KeyNotFound),
)
def delete_key(key_id: str, service: Service) -> None:
    """It opens nothing from then on, elsewhere after two seconds at most; it stays in the list."""
    service.keyring.revoke(key_id)
