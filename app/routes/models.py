"""Registered models: names, versions, aliases."""

from typing import Annotated, Final

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app import errors
from app.bundles import bundle
from app.imports import BundleFormatUnsupported, BundleInvalid, BundleNameless, import_bundle
from app.jobs.rows import JobFilter
from app.jobs.values import BacktestJob
from app.routes.accounting import audited, note, note_nothing
from app.routes.bodies import answer, answer_tagged, describe_body, read_body, read_json
from app.routes.documented import ANY_ALIAS, ANY_BODY, ANY_CHECKPOINT, NOT_MODIFIED, problems
from app.routes.permissions import ANY_KEY, TRAIN, CurrentCaller
from app.routes.resources import Resources, Service
from app.schemas.models import (
    AliasBody,
    AliasHistory,
    AliasRequest,
    ModelBody,
    ModelList,
    ShownVersion,
    VersionBody,
    VersionList,
    expected_revision,
    from_alias,
    from_model,
    from_version,
    revision_tag,
)
from app.schemas.refusals import PreconditionInvalid
from app.stores.versions import AliasState

router = APIRouter(prefix="/v1/models", tags=["models"])

TAR: Final = "application/x-tar"
BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get("", summary="List the registered models", response_model=ModelList, dependencies=[ANY_KEY])
def get_models(service: Service) -> Response:
    """By name."""
    drifted = _drifted(service)
    return answer(ModelList([from_model(one, drifted.get(one.name, [])) for one in service.registry.models()]))


@router.get(
    "/{name}",
    summary="Show a registered model",
    response_model=ModelBody,
    dependencies=[ANY_KEY],
    responses=problems(errors.ModelNotFound),
)
def get_model(name: str, service: Service) -> Response:
    """Its newest version, and where its aliases point."""
    return answer(from_model(service.registry.model(name), _drifted(service).get(name, [])))


@router.get(
    "/{name}/versions",
    summary="List the versions of a model",
    response_model=VersionList,
    dependencies=[ANY_KEY],
    responses=problems(errors.ModelNotFound),
)
def get_versions(name: str, service: Service) -> Response:
    """The newest first."""
    records = {(one.name, one.number): one for one in service.track_records.all()}
    versions = service.registry.versions(name)
    return answer(VersionList([from_version(one, records.get((one.name, one.number))) for one in versions]))


@router.get(
    "/{name}/versions/{number}",
    summary="Show a version",
    response_model=ShownVersion,
    dependencies=[ANY_KEY],
    responses=problems(errors.ModelNotFound, errors.VersionNotFound) | NOT_MODIFIED,
)
def get_version(name: str, number: Number, service: Service) -> Response:
    """Its training, its checkpoint, how it did beside the baselines, and the newest backtests of it."""
    version = service.registry.version(name, number)
    only = JobFilter("succeeded", version.name, version.number)
    backtests = [f"/v1/backtests/{one.id}" for one in service.jobs.list(BacktestJob, limit=20, only=only).items]
    adapted = service.adaptive_intervals.of(name, number)
    shown = from_version(version, service.track_records.of(name, number), adapted)
    return answer_tagged(ShownVersion(**vars(shown), backtests=backtests))


@router.get(
    "/{name}/aliases/{alias}",
    summary="Show an alias",
    response_model=AliasBody,
    dependencies=[ANY_KEY],
    responses=problems(*ANY_ALIAS) | NOT_MODIFIED,
)
def get_alias(name: str, alias: str, service: Service) -> Response:
    """Where it points; the ETag is what a conditional change names."""
    return _answer_alias(service.registry.alias(name, alias))


@router.put(
    "/{name}/aliases/{alias}",
    summary="Point an alias at a version",
    response_model=AliasBody,
    dependencies=[TRAIN, audited("alias.moved")],
    responses=problems(
        errors.NameInvalid, errors.ModelNotFound, errors.VersionNotFound, errors.AliasChanged, PreconditionInvalid
    ),
    openapi_extra=describe_body(AliasRequest),
)
async def put_alias(
    request: Request,
    name: str,
    alias: str,
    service: Service,
    caller: CurrentCaller,
    if_match: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Moves it; with If-Match only from the state that the caller saw, with `If-None-Match: *` only if it is new."""
    asked = AliasRequest.model_validate_json(await read_json(request))
    expected = expected_revision(if_match, if_none_match)
    state = await run_in_threadpool(
        lambda: service.registry.point_alias(name, alias, asked.version, actor=caller.id, expected=expected)
    )
    note(request, version=state.number)
    return _answer_alias(state)


@router.post(
    "/{name}/aliases/{alias}/rollback",
    summary="Return an alias to its version before",
    response_model=AliasBody,
    dependencies=[TRAIN, audited("alias.rolled_back", "/v1/models/{name}/aliases/{alias}")],
    responses=problems(*ANY_ALIAS, errors.AliasChanged, errors.AliasWithoutPast, PreconditionInvalid),
)
def post_rollback(
    request: Request,
    name: str,
    alias: str,
    service: Service,
    caller: CurrentCaller,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """One more move, to the version it pointed at before; with If-Match only from the state that the caller saw."""
    expected = expected_revision(if_match, None)
    state = service.registry.roll_back(name, alias, actor=caller.id, expected=expected)
    note(request, version=state.number)
    return _answer_alias(state)


@router.get(
    "/{name}/aliases/{alias}/history",
    summary="List the moves of an alias",
    response_model=AliasHistory,
    dependencies=[ANY_KEY],
    responses=problems(*ANY_ALIAS),
)
def get_history(name: str, alias: str, service: Service) -> Response:
    """Where it pointed, since when, and who pointed it there; the newest first."""
    return answer(AliasHistory([from_alias(one) for one in service.registry.history(name, alias)]))


@router.get(
    "/{name}/versions/{number}/bundle",
    summary="Download a version",
    response_class=StreamingResponse,
    responses=problems(errors.ModelNotFound, errors.VersionNotFound, *ANY_CHECKPOINT)
    | NOT_MODIFIED
    | {200: {"content": {TAR: BINARY}}},
    dependencies=[TRAIN],
)
def get_bundle(name: str, number: Number, service: Service) -> Response:
    """A tar of its checkpoint (safetensors and JSON, hashes in manifest.json) and a model card in Markdown."""
    version = service.registry.version(name, number)
    headers = {
        "Content-Disposition": f'attachment; filename="{version.name}-{version.number}.tar"',
        "ETag": f'"{version.digest}"',
    }
    content = bundle(version, service.registry.checkpoint_path(version))
    return StreamingResponse(content, 200, headers, TAR)


@router.post(
    "/import",
    status_code=201,
    summary="Take in a version from a bundle",
    response_model=VersionBody,
    dependencies=[TRAIN, audited("version.imported")],
    responses=problems(*ANY_BODY, BundleInvalid, BundleFormatUnsupported, BundleNameless, errors.NameInvalid)
    | {200: {"description": "The name has a version with this checkpoint: it is answered."}},
    openapi_extra={"requestBody": {"required": True, "content": {TAR: BINARY}}},
)
async def post_import(
    request: Request,
    service: Service,
    name: Annotated[
        str | None, Query(max_length=64, description="The model it will belong to; the one it belonged to if left out.")
    ] = None,
) -> Response:
    """Registers the version in a tar that `GET …/bundle` gave, here or elsewhere; no alias moves."""
    _, body = await read_body(request, TAR)
    imported = await run_in_threadpool(lambda: import_bundle(service.registry, body, name=name))
    version, origin = imported.version, imported.version.origin
    if not imported.is_new:
        note_nothing(request)
    elif origin is not None:
        note(request, digest=origin.digest, origin=f"{origin.name}/{origin.number}" if origin.name else None)
    location = f"/v1/models/{version.name}/versions/{version.number}"
    status = 201 if imported.is_new else 200
    return answer(from_version(version), status, Location=location, ETag=f'"{version.digest}"')


@router.delete(
    "/{name}/versions/{number}",
    status_code=204,
    summary="Delete a version",
    response_class=Response,
    dependencies=[TRAIN, audited("version.deleted")],
    responses=problems(errors.ModelNotFound, errors.VersionNotFound, errors.VersionInUse),
)
def delete_version(name: str, number: Number, service: Service) -> Response:
    """Deletes its files; refused while an alias points at it. Its number is never given again."""
    service.registry.delete(name, number)
    service.hindsight.forget_version(name, number)
    return Response(status_code=204)


def _drifted(service: Resources) -> dict[str, list[int]]:
    """The numbers of the versions that have drifted, by model."""
    found: dict[str, list[int]] = {}
    for one in service.track_records.all():
        if one.has_drifted:
            found.setdefault(one.name, []).append(one.number)
    return found


def _answer_alias(state: AliasState) -> Response:
    return answer(from_alias(state), ETag=revision_tag(state.revision))
