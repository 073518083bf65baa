"""Domain errors as RFC 9457 problems: one table, one handler."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.routing import Match

import model
from app import bench, errors, forecasting, frames, imports, mlflow_export, sessions
from app.schemas import horizon, refusals
from app.web.addresses import slash_mended
from app.web.negotiation import preferred
from model import ForecastingError

MEDIA_TYPE: Final = "application/problem+json"
_MAX_TEXT: Final = 500
_MAX_POINTED: Final = 10
_MAX_PATH: Final = 80
_RETRY_SECONDS: Final = {503: "2"}
_log = structlog.get_logger()


@dataclass(frozen=True)
class Rule:
    """How one error is answered: its status, and what it is called; its type is made from its code."""

    status: int
    title: str


RULES: Final[Mapping[type[ForecastingError], Rule]] = {
    model.PanelEmpty: Rule(422, "No series"),
    model.ColumnMissing: Rule(422, "Column missing"),
    model.DuplicateItems: Rule(422, "Series repeated"),
    model.DuplicateTimestamps: Rule(422, "Timestamps repeated"),
    model.LengthMismatch: Rule(422, "Lengths differ"),
    model.ValueInvalid: Rule(422, "Observation invalid"),
    model.TimestampInvalid: Rule(422, "Timestamp invalid"),
    model.TimeZonesMixed: Rule(422, "Time zones mixed"),
    model.AxesMixed: Rule(422, "Whole numbers and dates mixed"),
    model.FrequencyInvalid: Rule(422, "Frequency invalid"),
    model.FrequencyUnknown: Rule(422, "Frequency unknown"),
    model.SeriesTooShort: Rule(422, "Series too short"),
    model.CovariateInvalid: Rule(422, "Covariate invalid"),
    model.CovariateLengthMismatch: Rule(422, "Lengths differ"),
    model.CovariateMissing: Rule(422, "Covariate missing"),
    model.ChannelMissing: Rule(422, "Channel missing"),
    model.ChannelUnknown: Rule(422, "Channel unknown"),
    model.ObservationConflict: Rule(409, "Observation contradicted"),
    model.HorizonOutOfRange: Rule(422, "Horizon out of range"),
    model.HorizonNotAhead: Rule(422, "Horizon in the past"),
    model.QuantileLevelOutOfRange: Rule(422, "Quantile level out of range"),
    model.ConfigurationInvalid: Rule(422, "Training option invalid"),
    model.WarmStartMismatch: Rule(422, "Not a start for this training"),
    model.ShootingArgumentInvalid: Rule(422, "Training option invalid"),
    model.TrainingDiverged: Rule(422, "Training diverged"),
    model.TrainingPartnerLost: Rule(500, "Training lost a process"),
    model.TrainingCancelled: Rule(409, "Training cancelled"),
    model.CheckpointMissing: Rule(409, "Version lost"),
    model.CheckpointCorrupt: Rule(409, "Version damaged"),
    model.CheckpointFormatUnsupported: Rule(409, "Version of another release"),
    model.StepBudgetExceeded: Rule(422, "Solver stopped"),
    model.ControlNotFound: Rule(422, "Control not found"),
    model.ImplicitStepUnsolved: Rule(422, "Solver stopped"),
    errors.NameInvalid: Rule(422, "Name invalid"),
    errors.ModelNotFound: Rule(404, "Model not found"),
    errors.VersionNotFound: Rule(404, "Version not found"),
    errors.AliasNotFound: Rule(404, "Alias not found"),
    errors.AliasChanged: Rule(412, "Alias changed"),
    errors.AliasWithoutPast: Rule(409, "Nothing to roll back to"),
    errors.VersionInUse: Rule(409, "Version in use"),
    errors.ModelUnresolved: Rule(404, "Model not found"),
    errors.ModelIsDefault: Rule(409, "Model in use"),
    errors.DatasetNotFound: Rule(404, "Dataset not found"),
    errors.ForecastNotFound: Rule(404, "Forecast not found"),
    errors.DatasetInUse: Rule(409, "Dataset in use"),
    errors.DatasetChanged: Rule(412, "Dataset changed"),
    errors.DatasetCorrupt: Rule(409, "Dataset damaged"),
    errors.JobNotFound: Rule(404, "Job not found"),
    errors.JobNotCancellable: Rule(409, "Job has ended"),
    errors.JobNotResumable: Rule(409, "Job cannot be resumed"),
    errors.JobAbandoned: Rule(409, "Job abandoned"),
    errors.TrainingFailed: Rule(422, "Training failed"),
    errors.TrainingUnfinished: Rule(504, "Training goes on"),
    errors.IdempotencyMismatch: Rule(409, "Idempotency key of another request"),
    errors.KeyMissing: Rule(401, "API key missing"),
    errors.KeyRefused: Rule(401, "API key refused"),
    errors.ScopeMissing: Rule(403, "Scope missing"),
    errors.CallerNotLocal: Rule(403, "Only from this machine"),
    sessions.SessionNotConfirmed: Rule(403, "Session not confirmed"),
    errors.KeyNotFound: Rule(404, "API key not found"),
    errors.KeyLifetimeInvalid: Rule(422, "Lifetime invalid"),
    errors.RateExceeded: Rule(429, "Too much in a minute"),
    errors.ServiceFull: Rule(503, "Full"),
    errors.ErrandsFull: Rule(429, "Too many jobs"),
    errors.LimitExceeded: Rule(413, "Too much at once"),
    errors.CursorInvalid: Rule(400, "Cursor invalid"),
    errors.SettingInvalid: Rule(500, "Setting invalid"),
    errors.HomeUnusable: Rule(500, "Home folder unusable"),
    errors.DatabaseTooNew: Rule(500, "Database of a newer release"),
    errors.WorkerAlreadyRunning: Rule(500, "Worker running already"),
    errors.NotReady: Rule(503, "Not ready"),
    bench.DeadlineExceeded: Rule(504, "Out of time"),
    bench.ServiceBusy: Rule(503, "Busy"),
    forecasting.ForecastNotFinite: Rule(422, "Forecast not finite"),
    frames.FileUnreadable: Rule(400, "Table unreadable"),
    mlflow_export.FolderNotFree: Rule(500, "Folder not free"),
    frames.FileNotWritable: Rule(500, "File not writable"),
    frames.CellInvalid: Rule(422, "Cell invalid"),
    frames.ColumnTaken: Rule(422, "Column named twice"),
    frames.ColumnUnnamed: Rule(422, "Column not named"),
    horizon.DurationInvalid: Rule(422, "Duration invalid"),
    horizon.DateInvalid: Rule(422, "Date invalid"),
    imports.BundleInvalid: Rule(422, "Bundle invalid"),
    imports.BundleFormatUnsupported: Rule(422, "Bundle of another release"),
    imports.BundleNameless: Rule(422, "Bundle without a name"),
    refusals.BodyTooLarge: Rule(413, "Body too large"),
    refusals.UrlTooLong: Rule(414, "URL too long"),
    refusals.HeadersTooLarge: Rule(431, "Headers too large"),
    refusals.BodyExpandsTooMuch: Rule(413, "Body expands too much"),
    refusals.CompressionDamaged: Rule(400, "Compression damaged"),
    refusals.EncodingUnsupported: Rule(415, "Encoding unsupported"),
    refusals.NothingAcceptable: Rule(406, "Not acceptable"),
    refusals.MediaTypeUnsupported: Rule(415, "Media type unsupported"),
    refusals.ParametersMissing: Rule(422, "Parameters missing"),
    refusals.ParametersMisplaced: Rule(422, "Parameters misplaced"),
    refusals.OptionUnsupported: Rule(422, "Option unsupported"),
    refusals.ModelUnnamed: Rule(422, "Model not named"),
    refusals.CallUnsupported: Rule(422, "Call unsupported"),
    refusals.ItemNotFound: Rule(404, "Series not found"),
    refusals.ItemNotForecast: Rule(404, "Series not forecast"),
    refusals.DatasetRepeated: Rule(422, "Dataset repeated"),
    refusals.PreconditionInvalid: Rule(400, "Precondition invalid"),
    refusals.EventIdInvalid: Rule(400, "Event id invalid"),
}


@dataclass(frozen=True)
class Fault:
    """One of several places at which a request is wrong."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True)
class Problem:
    """What went wrong, as RFC 9457 has it; fields that do not apply are left out of the answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    pointer: str | None = None
    item_id: str | None = None
    request_id: str | None = None
    errors: tuple[Fault, ...] | None = None


def add_problem_handlers(application: FastAPI, *, missing_page: str) -> None:
    """Answers every exception of an application with a problem; people who went astray, with a page."""
    application.state.missing_page = missing_page
    for kind in (ForecastingError, ValidationError, RequestValidationError, HTTPException):
        application.add_exception_handler(kind, answer_problem)


async def answer_problem(request: Request, error: Exception) -> Response:
    """The one place where an exception becomes an answer."""
    problem, headers = to_problem(error), _headers(error)
    if isinstance(error, HTTPException) and problem.status == 404:
        if (place := slash_mended(request)) is not None:
            return Response(status_code=307, headers={"Location": place})
        headers["Vary"] = "Accept"
        if preferred(request.headers.get("accept", ""), (MEDIA_TYPE, "application/json", "text/html")) == "text/html":
            return HTMLResponse(request.app.state.missing_page, 404, headers)
        problem = replace(problem, detail=f"There is nothing at {_shown_path(request)}.")
    if problem.status == 405:
        headers["Allow"] = ", ".join(_methods(request))
        detail = f"{_shown_path(request)} does not take {request.method[:20]}; it takes {headers['Allow']}."
        problem = replace(problem, detail=detail)
    if not isinstance(error, ForecastingError) and problem.status >= 500:
        _log.error("a request failed", path=request.url.path, exc_info=error)
    elif problem.status >= 500 or isinstance(error, model.CheckpointError):
        _log.warning("a request was not answered", path=request.url.path, code=problem.code, detail=problem.detail)
    return problem_response(problem, getattr(request.state, "request_id", None), headers)


def problem_response(problem: Problem, request_id: str | None, headers: Mapping[str, str] | None = None) -> Response:
    """A problem as an answer to a request."""
    content = {name: getattr(problem, name) for name in Problem.__dataclass_fields__}
    content["request_id"] = request_id
    added = dict(headers or {})
    if problem.status in _RETRY_SECONDS:
        added["Retry-After"] = _RETRY_SECONDS[problem.status]
    if problem.status == 413:
        added["Connection"] = "close"
    present = {name: value for name, value in content.items() if value is not None}
    return Response(orjson.dumps(present), problem.status, added, MEDIA_TYPE)


def to_problem(error: Exception) -> Problem:
    """The problem that an exception is; one that nobody foresaw tells nothing about itself."""
    if isinstance(error, ForecastingError):
        return _of_ours(error)
    if isinstance(error, ValidationError):
        return _of_body(error.errors(include_url=False, include_input=False, include_context=False))
    if isinstance(error, RequestValidationError):
        return _of_body(error.errors())
    if isinstance(error, HTTPException):
        return _of_status(error.status_code)
    return Problem(
        _type("internal_error"), "Internal error", 500, "The service failed; the fault is its own.", "internal_error",
        hint="Try again; if it fails again, report the request_id to the operator.",
    )  # fmt: skip


def _headers(error: Exception) -> dict[str, str]:
    """What an answer says in its headers, for programs that know HTTP and not this service."""
    if isinstance(error, errors.KeyMissing):
        return {"WWW-Authenticate": 'Bearer realm="longshot"'}
    if isinstance(error, errors.KeyRefused):
        return {"WWW-Authenticate": 'Bearer realm="longshot", error="invalid_token"'}
    if isinstance(error, errors.ScopeMissing):
        challenge = f'Bearer realm="longshot", error="insufficient_scope", scope="{error.needed}"'
        return {"WWW-Authenticate": challenge}
    if isinstance(error, refusals.EncodingUnsupported):
        return {"Accept-Encoding": ", ".join(error.supported)}
    if isinstance(error, errors.RateExceeded | errors.ErrandsFull):
        return {"Retry-After": str(error.retry_seconds)}
    return dict(getattr(error, "headers", None) or {})


def _shown_path(request: Request) -> str:
    return repr(request.url.path[:_MAX_PATH])


def _methods(request: Request) -> list[str]:
    """Every method that the path of a request takes, by whichever route; HEAD is answered where GET is."""
    routes = (one for one in request.app.routes if one.matches(request.scope)[0] is not Match.NONE)
    found = {method for one in routes for method in getattr(one, "methods", None) or ()}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def rule_of(kind: type[ForecastingError]) -> Rule:
    """The rule of an error, or of the nearest kind it belongs to."""
    return next((RULES[one] for one in kind.__mro__ if one in RULES), Rule(500, "Internal error"))


def code_of(kind: type[ForecastingError]) -> str:
    """The code of every error of a kind, as `ForecastingError.code` makes it."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _of_ours(error: ForecastingError) -> Problem:
    rule = rule_of(type(error))
    return Problem(
        _type(error.code), rule.title, rule.status, error.detail[:_MAX_TEXT], error.code,
        hint=error.hint, item_id=error.item_id,
    )  # fmt: skip


def _of_status(status: int) -> Problem:
    phrase = HTTPStatus(status).phrase
    hint = "The resources are listed at /docs." if status in (404, 405) else None
    return Problem("about:blank", phrase, status, f"{phrase}.", phrase.lower().replace(" ", "_"), hint=hint)


def _of_body(found: Sequence[ErrorDetails]) -> Problem:
    first = found[0]
    if first["type"] == "json_invalid":
        return Problem(
            _type("json_malformed"), "Malformed JSON", 400, first["msg"][:_MAX_TEXT], "json_malformed",
            hint="Send one JSON object in UTF-8; numbers are finite, and a missing observation is null.",
        )  # fmt: skip
    faults = tuple(Fault(_pointer(one["loc"]), one["type"], one["msg"][:_MAX_TEXT]) for one in found[:_MAX_POINTED])
    where = f"{faults[0].pointer or 'The body'}: "
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return Problem(
        _type("request_invalid"), "Request invalid", 422, f"{where}{faults[0].detail}{more}", "request_invalid",
        hint=_HINTS.get(first["type"], "Correct the field that the pointer names; /docs shows every field."),
        pointer=faults[0].pointer, errors=faults,
    )  # fmt: skip


_HINTS: Final = {
    "finite_number": "JSON has no NaN or Infinity; send null for a missing observation.",
    "float_type": "Observations are numbers without quotes; send null for a missing one.",
    "extra_forbidden": "Check the spelling; /docs shows every field.",
}


def _pointer(location: Sequence[int | str]) -> str:
    parts = [str(part)[:80].replace("~", "~0").replace("/", "~1") for part in location]
    return "/" + "/".join(parts) if parts else ""


def _type(code: str) -> str:
    return f"urn:longshot:problem:{code}"
