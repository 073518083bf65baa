"""Who may use a route: declared where the route is, checked before its body is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.concurrency import run_in_threadpool

from app.errors import CallerNotLocal, KeyMissing, KeyRefused, ScopeMissing
from app.routes.resources import Resources, Service, resources_of
from app.sessions import key_of_session
from app.stores.keys import ApiKey, Scope
from app.web.rate_limits import Allowance
from app.web.security import why_from_page, why_not_local

ANONYMOUS: Final = "anonymous"
"""The name of every caller while no key is needed."""

_SCHEME: Final = HTTPBearer(
    scheme_name="ApiKey",
    bearerFormat="lsk_…",
    auto_error=False,
    description="An API key. The scope that a route needs stands beside it; a route without one takes any key. "
    "The scope `admin` includes the others. While no key exists, none is needed on the service's own machine.",
)
Given = Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)]


@dataclass(frozen=True)
class Caller:
    """Who sent a request.

    Attributes:
        id: `key_…`, or `anonymous` while no key is needed.
        address: Where the request came from.
        allowance: What the caller may still ask for.
    """

    id: str
    address: str
    allowance: Allowance


async def _admit(request: Request, scopes: SecurityScopes, given: Given) -> None:
    service, needed = resources_of(request), cast(list[Scope], scopes.scopes)
    if service.rate_limits.are_near and service.keyring.remembers(given.credentials if given else None):
        _enter(request, service, given, needed)
    else:
        # To ask a database may take a while, and a thread costs more than what is remembered.
        await run_in_threadpool(_enter, request, service, given, needed)


def _admit_to_metrics(request: Request, scopes: SecurityScopes, service: Service, given: Given) -> None:
    is_local = why_not_local(_address(request), request.headers) is None
    if not is_local and not service.settings.open_metrics:
        _enter(request, service, given, cast(list[Scope], scopes.scopes))


def permit(scope: Scope | None = None) -> Any:
    """The dependency of a route that needs a key of a scope; without a scope, of any."""
    return Security(_admit, scopes=[scope] if scope else [])


async def admit(request: Request, permission: Any) -> None:
    """Lets a caller in as the dependency of a route would.

    Args:
        request: The request.
        permission: What `permit` gave.
    """
    assert permission.dependency is _admit, "another dependency would be left out"
    await _admit(request, SecurityScopes(list(permission.scopes)), await _SCHEME(request))


ANY_KEY: Final = permit()
FORECAST: Final = permit("forecast")
TRAIN: Final = permit("train")
ADMIN: Final = permit("admin")
METRICS: Final = Security(_admit_to_metrics, scopes=["admin"])


async def _caller(request: Request) -> Caller:
    # Not a plain function: those wait for a thread.
    found = request.state.caller
    assert isinstance(found, Caller)
    return found


async def spending(request: Request) -> Callable[[int], None]:
    """Counts points, in and out, once they are known; for routes that declare a permission.

    Raises:
        RateExceeded: The caller has used up those of this minute.
    """
    allowance = (await _caller(request)).allowance
    if resources_of(request).rate_limits.are_near:
        allowance.check_points()
    else:
        await run_in_threadpool(allowance.check_points)
    return allowance.spend


CurrentCaller = Annotated[Caller, Depends(_caller)]
"""Who sent the request; for routes that declare a permission."""

SpendPoints = Annotated[Callable[[int], None], Depends(spending)]
"""Counts points; a route that has it refuses callers who have used theirs up."""


def _enter(request: Request, service: Resources, given: Given, needed: list[Scope]) -> None:
    """Lets a caller in: says who it is, counts the request, and compares scopes, in this order."""
    address = _address(request)
    key: ApiKey | None = None
    if service.keyring.are_needed():
        text = given.credentials if given else key_of_session(request.method, request.headers, request.cookies)
        key = identify(request, service, text)
    else:
        _check_open(request, service)
    caller_id = key.id if key else ANONYMOUS
    allowance = service.rate_limits.allowance(key.id if key else f"address {address}")
    request.state.caller = Caller(caller_id, address, allowance)
    request.state.allowance = allowance
    allowance.take_request()
    for scope in needed:
        if key is not None and not key.allows(scope):
            raise ScopeMissing(scope, key.scopes)


def identify(request: Request, service: Resources, text: str | None) -> ApiKey:
    """The key that a caller has sent, counted against the caller's address where it opens nothing.

    Raises:
        KeyMissing, KeyRefused
    """
    try:
        if text is None:
            raise KeyMissing
        return service.keyring.identify(text)
    except (KeyMissing, KeyRefused):
        # Guessing is hopeless, but each guess is a look into the database.
        request.state.allowance = service.rate_limits.allowance(f"refused {_address(request)}")
        request.state.allowance.take_request()
        raise


def _check_open(request: Request, service: Resources) -> None:
    settings = service.settings
    reason = why_from_page(request.headers, settings.cors_origins)
    if reason is None and not settings.allow_unauthenticated:
        reason = why_not_local(_address(request), request.headers)
    if reason is not None:
        raise CallerNotLocal(reason)


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
